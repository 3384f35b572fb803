//===- Bufferize.cpp - Tensors become buffers, results become arguments ---===//

#include "Lowering.h"

#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace sparseaccel::cpu {

/// Two results may be one buffer, where they were found to be one computation. Upstream's pass below replaces the
/// allocation of each result by an argument, and so takes for granted that they differ.
static void giveResultsTheirOwnBuffers(ModuleOp module) {
  OpBuilder builder(module.getContext());
  module.walk([&](func::ReturnOp op) {
    builder.setInsertionPoint(op);
    llvm::SmallDenseSet<Value> given;
    for (OpOperand &operand : op->getOpOperands()) {
      Value value = operand.get();
      auto type = dyn_cast<MemRefType>(value.getType());
      if (!type || given.insert(value).second)
        continue;
      Value copy =
          memref::AllocOp::create(builder, op.getLoc(), MemRefType::get(type.getShape(), type.getElementType()));
      memref::CopyOp::create(builder, op.getLoc(), value, copy);
      operand.set(copy);
    }
  });
}

void addBufferizePasses(OpPassManager &pm) {
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
}

LogicalResult makeResultsArguments(ModuleOp module) {
  giveResultsTheirOwnBuffers(module);

  bufferization::BufferResultsToOutParamsOpts outParams;
  outParams.modifyPublicFunctions = true;
  outParams.hoistStaticAllocs = true;
  if (failed(bufferization::promoteBufferResultsToOutParams(module, outParams)))
    return failure();

  // A copy between views would call a run-time library; loops do as well.
  IRRewriter rewriter(module.getContext());
  module.walk([&](memref::CopyOp copy) {
    rewriter.setInsertionPoint(copy);
    linalg::CopyOp::create(rewriter, copy.getLoc(), copy.getSource(), copy.getTarget());
    rewriter.eraseOp(copy);
  });
  return success();
}

} // namespace sparseaccel::cpu
