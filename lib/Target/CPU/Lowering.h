//===- Lowering.h - TOSA to LLVM by upstream's passes -----------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_CPU_LOWERING_H
#define SPARSEACCEL_LIB_TARGET_CPU_LOWERING_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

namespace sparseaccel::cpu {

/// Every dialect, interface and translation that the lowering needs.
void registerLoweringDialects(mlir::DialectRegistry &registry);

/// Inlines helper functions.
void addInlinePasses(mlir::OpPassManager &pm);

/// TOSA on tensors -> Linalg on tensors. `kernelLayoutHwcf`: output channels innermost in kernels,
/// which float code wants.
void addTosaToLinalgPasses(mlir::OpPassManager &pm, bool kernelLayoutHwcf);

/// Puts the last output dimension innermost in contractions and pools where that makes every access contiguous and sums
/// are cheap to keep in memory.
void reorderLoops(mlir::ModuleOp module);

/// Linalg on tensors -> Linalg on buffers.
void addBufferizePasses(mlir::OpPassManager &pm);

/// Makes results, which are buffers, arguments after the inputs.
mlir::LogicalResult makeResultsArguments(mlir::ModuleOp module);

/// Linalg on buffers -> the LLVM dialect.
void addLinalgToLLVMPasses(mlir::OpPassManager &pm);

} // namespace sparseaccel::cpu

#endif // SPARSEACCEL_LIB_TARGET_CPU_LOWERING_H
