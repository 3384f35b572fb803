//===- FloatConstants.h - Constants of a float model, in place --*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_CPU_FLOATCONSTANTS_H
#define SPARSEACCEL_LIB_TARGET_CPU_FLOATCONSTANTS_H

#include "SparseAccel/Target/CPU/CompiledModule.h"

#include "mlir/IR/BuiltinAttributes.h"

#include <deque>

namespace sparseaccel::cpu {

/// Gives the bytes of constants as a Tensor has them. Resources and dense attributes are read where they are; splats,
/// and elements that attributes store in another width than tensors do (i1, i48), are written out once.
class FloatConstants {
public:
  mlir::FailureOr<const uint8_t *> bytes(mlir::ElementsAttr values, const TensorType &type, mlir::Location loc);

private:
  std::deque<std::vector<uint8_t>> expanded; ///< Stay where they are.
};

} // namespace sparseaccel::cpu

#endif // SPARSEACCEL_LIB_TARGET_CPU_FLOATCONSTANTS_H
