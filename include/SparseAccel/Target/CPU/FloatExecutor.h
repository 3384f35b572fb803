//===- FloatExecutor.h - Run a float model without compiling it -*- C++ -*-===//
//
// A float TOSA function, executed op by op: convolutions, matrix products and pools by oneDNN with weights packed once,
// the rest by the host's kernels, and what neither has by upstream's JIT, one op at a time and named. Calibration,
// folding of constants at import, and the comparison with the float model stand on it. It is no oracle: what simulated
// values are compared with bit for bit is CompiledModule.
//
// Functions are straight lines of TOSA and calls of functions with a body (the private helpers of `sparsity.host`);
// tensors have static shapes and elements that CompiledModule takes. Values depend neither on the number of threads nor
// on how many runs go on at once: a run is computed by the thread that asks for it.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_CPU_FLOATEXECUTOR_H
#define SPARSEACCEL_TARGET_CPU_FLOATEXECUTOR_H

#include "SparseAccel/Target/CPU/CompiledModule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <memory>
#include <string>
#include <vector>

namespace sparseaccel::cpu {

class FloatExecutor {
public:
  /// Prepares `main`, which must outlive the executor and stay as it is: constants are read where they are. An op that
  /// nothing here can run, or a tensor of another type, is diagnosed at its location.
  static mlir::FailureOr<std::unique_ptr<FloatExecutor>> create(mlir::func::FuncOp main);
  ~FloatExecutor();

  /// Sees one value of the function. The tensor lives until the visitor returns.
  using Visitor = llvm::function_ref<void(mlir::Value value, const Tensor &tensor)>;

  /// Runs the function once. Inputs must have exactly its types. `visit` is called for each of `wanted` (results of ops
  /// in the function's own body, and its arguments) as soon as it is computed; tensors are freed after their last
  /// reader. A value that the function does not have is diagnosed. May be called from several threads at once.
  mlir::FailureOr<std::vector<Tensor>> run(llvm::ArrayRef<Tensor> inputs, llvm::ArrayRef<mlir::Value> wanted = {},
                                           Visitor visit = {}) const;

  const Signature &signature() const;

  /// The ops that had to be compiled, as "name of the node (op)", in the function's order; empty in the common case.
  llvm::ArrayRef<std::string> compiledOps() const;

private:
  struct Impl;
  explicit FloatExecutor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace sparseaccel::cpu

#endif // SPARSEACCEL_TARGET_CPU_FLOATEXECUTOR_H
