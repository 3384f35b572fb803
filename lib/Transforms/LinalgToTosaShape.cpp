//===- LinalgToTosaShape.cpp - What moves and makes values ----------------===//

#include "Constants.h"
#include "LinalgToTosa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"

using namespace mlir;

namespace sparseaccel::linalg_to_tosa {
namespace {

struct Transpose final : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1)
      return failure();
    Emitter emit(rewriter, op.getLoc());
    SmallVector<int32_t> perm(op.getPermutation());
    rewriter.replaceOp(op, emit.transpose(op.getInput(), perm));
    return success();
  }
};

struct Broadcast final : OpRewritePattern<linalg::BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::BroadcastOp op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1)
      return failure();
    Emitter emit(rewriter, op.getLoc());
    Shape shape(shapeOf(op->getResult(0))), multiples(shape.size(), 1);
    for (int64_t d : op.getDimensions())
      multiples[d] = std::exchange(shape[d], 1);
    Value narrow = emit.reshape(op.getInput(), shape);
    rewriter.replaceOpWithNewOp<tosa::TileOp>(op, op->getResult(0).getType(), narrow, emit.shapeConst(multiples));
    return success();
  }
};

struct Fill final : OpRewritePattern<linalg::FillOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::FillOp op, PatternRewriter &rewriter) const override {
    std::optional<float> number = op->getNumResults() == 1 ? filledWith(op->getResult(0)) : std::nullopt;
    if (!number)
      return rewriter.notifyMatchFailure(op, "not a float constant on tensors");
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    if (!type.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "not float32");
    rewriter.replaceOpWithNewOp<tosa::ConstOp>(op, type, DenseElementsAttr::get(type, *number));
    return success();
  }
};

struct Copy final : OpRewritePattern<linalg::CopyOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::CopyOp op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 || op.getInputs()[0].getType() != op->getResult(0).getType())
      return failure();
    rewriter.replaceOp(op, op.getInputs()[0]);
    return success();
  }
};

/// tensor.expand_shape and tensor.collapse_shape: the same elements in the same order.
template <typename Op>
struct Reshape final : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Emitter emit(rewriter, op.getLoc());
    rewriter.replaceOp(op, emit.reshape(op.getSrc(), shapeOf(op.getResult())));
    return success();
  }
};

struct ExtractSlice final : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op, PatternRewriter &rewriter) const override {
    if (!op.hasUnitStride() || !op.getOffsets().empty() || !op.getSizes().empty())
      return rewriter.notifyMatchFailure(op, "strides, or places known only at run time");
    Emitter emit(rewriter, op.getLoc());
    Value part = emit.slice(op.getSource(), op.getStaticOffsets(), op.getStaticSizes());
    rewriter.replaceOp(op, emit.reshape(part, shapeOf(op.getResult())));
    return success();
  }
};

struct Concat final : OpRewritePattern<tensor::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ConcatOp op, PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<tosa::ConcatOp>(op, op.getType(), op.getInputs(), static_cast<uint32_t>(op.getDim()));
    return success();
  }
};

struct Pad final : OpRewritePattern<tensor::PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::PadOp op, PatternRewriter &rewriter) const override {
    FloatAttr number;
    Value with = op.getConstantPaddingValue();
    if (!with || !matchPattern(with, m_Constant(&number)) || !op.getLow().empty() || !op.getHigh().empty())
      return rewriter.notifyMatchFailure(op, "pads with something else than a float constant");
    Emitter emit(rewriter, op.getLoc());
    Shape pads;
    for (auto [low, high] : llvm::zip(op.getStaticLow(), op.getStaticHigh()))
      pads.append({low, high});
    Value constant = emit.floats({static_cast<float>(number.getValueAsDouble())}, {1});
    rewriter.replaceOpWithNewOp<tosa::PadOp>(op, op.getType(), op.getSource(), emit.shapeConst(pads), constant);
    return success();
  }
};

struct Constant final : OpRewritePattern<arith::ConstantOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ConstantOp op, PatternRewriter &rewriter) const override {
    auto elements = dyn_cast<ElementsAttr>(op.getValue());
    if (!elements)
      return failure();
    rewriter.replaceOpWithNewOp<tosa::ConstOp>(op, op.getType(), elements);
    return success();
  }
};

} // namespace

void populateShapePatterns(RewritePatternSet &patterns) {
  patterns.add<Transpose, Broadcast, Fill, Copy, Reshape<tensor::ExpandShapeOp>, Reshape<tensor::CollapseShapeOp>,
               ExtractSlice, Concat, Pad, Constant>(patterns.getContext());
}

} // namespace sparseaccel::linalg_to_tosa
