//===- LinalgToTosaReduce.cpp - Sums and largest values over dimensions ----===//
//
// A sum or a largest value over some dimensions: linalg.reduce, or what other compilers write as a generic operation,
// with the reduced dimensions left out of the result or kept with an extent of 1.
//
//===----------------------------------------------------------------------===//

#include "LinalgToTosa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"

#include <limits>

using namespace mlir;

namespace sparseaccel::linalg_to_tosa {
namespace {

/// Replaces a reduction of one operand over `dims`, of which `combiner` is the body.
LogicalResult replaceByReduction(linalg::LinalgOp op, Operation &combiner, ArrayRef<int64_t> dims,
                                 PatternRewriter &rewriter) {
  std::optional<float> start = filledWith(op.getDpsInits()[0]);
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  bool sum = isa<arith::AddFOp>(combiner) && start == 0.0f;
  bool max = isa<arith::MaximumFOp, arith::MaxNumFOp>(combiner) && start && *start <= kLowest;
  bool min = isa<arith::MinimumFOp, arith::MinNumFOp>(combiner) && start && *start >= -kLowest;
  if (!sum && !max && !min)
    return rewriter.notifyMatchFailure(op, "not a sum, maximum or minimum from its identity");
  Emitter emit(rewriter, op.getLoc());
  Value value = op.getDpsInputs()[0];
  Shape shape(shapeOf(value));
  for (int64_t d : dims) {
    shape[d] = 1;
    auto axis = static_cast<uint32_t>(d);
    if (sum)
      value = tosa::ReduceSumOp::create(rewriter, op.getLoc(), emit.type(shape), value, axis);
    else if (max)
      value = tosa::ReduceMaxOp::create(rewriter, op.getLoc(), emit.type(shape), value, axis);
    else
      value = tosa::ReduceMinOp::create(rewriter, op.getLoc(), emit.type(shape), value, axis);
  }
  rewriter.replaceOp(op, emit.reshape(value, shapeOf(op->getResult(0))));
  return success();
}

struct GenericReduce final : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    Block &body = *op.getBody();
    if (op->getNumResults() != 1 || op.getNumReductionLoops() == 0 || op.getInputs().size() != 1 ||
        !llvm::hasSingleElement(body.without_terminator()))
      return rewriter.notifyMatchFailure(op, "not one combination of one operand");
    Operation &combiner = body.front();
    auto type = dyn_cast<RankedTensorType>(op.getInputs()[0].getType());
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (!type || !type.getElementType().isF32() || !maps[0].isIdentity() || combiner.getNumOperands() != 2 ||
        body.getTerminator()->getOperand(0) != combiner.getResult(0))
      return rewriter.notifyMatchFailure(op, "not float32 in the loops' order");
    Value in = body.getArgument(0), out = body.getArgument(1);
    bool both = (combiner.getOperand(0) == in && combiner.getOperand(1) == out) ||
                (combiner.getOperand(0) == out && combiner.getOperand(1) == in);
    if (!both)
      return rewriter.notifyMatchFailure(op, "not a combination of the operand and the result so far");
    // The result has the parallel loops in order; a constant 0 is a reduced one that stays.
    int64_t last = -1;
    for (AffineExpr expr : maps[1].getResults()) {
      if (auto loop = dyn_cast<AffineDimExpr>(expr)) {
        if (static_cast<int64_t>(loop.getPosition()) <= last)
          return rewriter.notifyMatchFailure(op, "a result in another order");
        last = loop.getPosition();
      } else if (auto number = dyn_cast<AffineConstantExpr>(expr); !number || number.getValue() != 0) {
        return rewriter.notifyMatchFailure(op, "a result at computed places");
      }
    }
    SmallVector<int64_t> dims;
    for (auto [d, iterator] : llvm::enumerate(op.getIteratorTypesArray()))
      if (iterator == utils::IteratorType::reduction)
        dims.push_back(static_cast<int64_t>(d));
    return replaceByReduction(op, combiner, dims, rewriter);
  }
};

struct NamedReduce final : OpRewritePattern<linalg::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::ReduceOp op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 || !llvm::hasSingleElement(op.getBody()->without_terminator()))
      return rewriter.notifyMatchFailure(op, "more than one operation");
    return replaceByReduction(op, op.getBody()->front(), op.getDimensions(), rewriter);
  }
};

} // namespace

void populateReducePatterns(RewritePatternSet &patterns) {
  patterns.add<GenericReduce, NamedReduce>(patterns.getContext());
}

} // namespace sparseaccel::linalg_to_tosa
