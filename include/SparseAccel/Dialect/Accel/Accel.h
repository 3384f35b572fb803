//===- Accel.h - Layers and programs of a sparse accelerator ----*- C++ -*-===//
//
// The Accel dialect: layer operations (AccelLayerOps.td) and tile operations (AccelTileOps.td). docs/AccelDialect.md is
// generated from both.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_DIALECT_ACCEL_ACCEL_H
#define SPARSEACCEL_DIALECT_ACCEL_ACCEL_H

#include "SparseAccel/Dialect/Sparsity/Sparsity.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/SymbolTable.h"

#include <array>
#include <optional>

#include "SparseAccel/Dialect/Accel/AccelDialect.h.inc"
#include "SparseAccel/Dialect/Accel/AccelEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "SparseAccel/Dialect/Accel/AccelTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "SparseAccel/Dialect/Accel/AccelAttrs.h.inc"

#include "SparseAccel/Dialect/Accel/AccelInterfaces.h.inc"

#define GET_OP_CLASSES
#include "SparseAccel/Dialect/Accel/AccelLayerOps.h.inc"

#define GET_OP_CLASSES
#include "SparseAccel/Dialect/Accel/AccelTileOps.h.inc"

#endif // SPARSEACCEL_DIALECT_ACCEL_ACCEL_H
