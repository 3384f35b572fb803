//===- Passes.h - The compiler's passes -------------------------*- C++ -*-===//
//
// Constructors, option structs and registration of every pass in lib/Transforms, generated from Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TRANSFORMS_PASSES_H
#define SPARSEACCEL_TRANSFORMS_PASSES_H

#include "SparseAccel/Transforms/Pipeline.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace sparseaccel {

/// Integers that a model runs on.
enum class NumericsKind { Int8, Int16 };

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "SparseAccel/Transforms/Passes.h.inc"

} // namespace sparseaccel

#endif // SPARSEACCEL_TRANSFORMS_PASSES_H
