//===- FloatKernels.h - What computes one op of a float model ---*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_CPU_FLOATKERNELS_H
#define SPARSEACCEL_LIB_TARGET_CPU_FLOATKERNELS_H

#include "SparseAccel/Target/CPU/CompiledModule.h"

#include "mlir/IR/Operation.h"

#include <memory>

namespace sparseaccel::cpu {

/// One op with the shapes of its tensors. `run` may be called from several threads at once.
class FloatKernel {
public:
  virtual ~FloatKernel() = default;
  /// `inputs` has the bytes of every operand that is a tensor, in the op's order; `outputs` room for every result, of
  /// which each byte is written. Failures are diagnosed.
  virtual mlir::LogicalResult run(llvm::ArrayRef<const uint8_t *> inputs, llvm::ArrayRef<uint8_t *> outputs) const = 0;
};

/// An op as a kernel sees it.
struct KernelSite {
  mlir::Operation *op = nullptr;
  std::vector<TensorType> inputs, outputs; ///< Operands of other types than tensors (shapes) are left out.
  std::vector<const uint8_t *> constants;  ///< Bytes of an input that is constant, else null.
};

/// Null where oneDNN has no such operation.
std::unique_ptr<FloatKernel> makeOneDnnKernel(const KernelSite &site);
/// Null where the host has no kernel for it.
std::unique_ptr<FloatKernel> makeHostKernel(const KernelSite &site);

/// Integers of a constant, as of an index or a shape; a splat has one. Nothing where the value is no such constant.
std::optional<llvm::SmallVector<int64_t>> integersOf(mlir::Value value);

} // namespace sparseaccel::cpu

#endif // SPARSEACCEL_LIB_TARGET_CPU_FLOATKERNELS_H
