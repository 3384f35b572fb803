//===- Bufferize.cpp - Tensors become buffers, results become arguments ---===//

#include "Lowering.h"

#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace sparseaccel::cpu {

LogicalResult bufferize(ModuleOp module) {
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  PassManager passes(module.getContext());
  passes.addPass(bufferization::createOneShotBufferizePass(options));
  if (failed(passes.run(module)))
    return failure();

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
