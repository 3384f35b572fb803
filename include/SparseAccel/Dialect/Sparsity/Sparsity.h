//===- Sparsity.h - What is sparse and how it is stored ---------*- C++ -*-===//
//
// The Sparsity dialect: #sparsity.encoding, #sparsity.saf, sparsity.encode and sparsity.decode. docs/SparsityDialect.md
// is generated from Sparsity.td.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_DIALECT_SPARSITY_SPARSITY_H
#define SPARSEACCEL_DIALECT_SPARSITY_SPARSITY_H

#include "SparseAccel/Target/Formats/Format.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "SparseAccel/Dialect/Sparsity/SparsityDialect.h.inc"
#include "SparseAccel/Dialect/Sparsity/SparsityEnums.h.inc"
#include "SparseAccel/Dialect/Sparsity/StorageInterface.h.inc"

#define GET_ATTRDEF_CLASSES
#include "SparseAccel/Dialect/Sparsity/SparsityAttrs.h.inc"

#define GET_OP_CLASSES
#include "SparseAccel/Dialect/Sparsity/SparsityOps.h.inc"

namespace sparseaccel::sparsity {

/// The encoding of a tensor type, or null where it has none.
EncodingAttr getEncoding(mlir::Type type);
/// How tensors of this type are stored; dense where the type has no encoding.
formats::Format getFormat(mlir::Type type);
/// The same tensor type with another encoding (null: none).
mlir::RankedTensorType withEncoding(mlir::Type type, mlir::Attribute encoding);

} // namespace sparseaccel::sparsity

#endif // SPARSEACCEL_DIALECT_SPARSITY_SPARSITY_H
