//===- FloatJit.h - Ops of a float model that need the JIT ------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_CPU_FLOATJIT_H
#define SPARSEACCEL_LIB_TARGET_CPU_FLOATJIT_H

#include "FloatKernels.h"

#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace sparseaccel::cpu {

/// Collects ops as functions of one module, which is compiled once.
class FloatJit {
public:
  FloatJit();
  ~FloatJit();
  /// A kernel that may run once compile() has succeeded.
  mlir::FailureOr<std::unique_ptr<FloatKernel>> add(const KernelSite &site);
  /// Does nothing where nothing was added.
  mlir::LogicalResult compile(mlir::Location loc);
  /// "name of the node (op)" of each op, in the order in which they were added.
  llvm::ArrayRef<std::string> names() const { return added; }

private:
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::shared_ptr<std::unique_ptr<CompiledModule>> compiled; ///< Shared with the kernels; null until compiled.
  std::vector<std::string> added;
};

} // namespace sparseaccel::cpu

#endif // SPARSEACCEL_LIB_TARGET_CPU_FLOATJIT_H
