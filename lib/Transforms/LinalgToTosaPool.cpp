//===- LinalgToTosaPool.cpp - Pools ---------------------------------------===//

#include "LinalgToTosa.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"

#include <limits>

using namespace mlir;

namespace sparseaccel::linalg_to_tosa {
namespace {

bool isLowest(float value) { return value <= std::numeric_limits<float>::lowest(); }
bool isZero(float value) { return value == 0.0f; }

/// A largest value or a sum over windows. A sum is TOSA's average times the number of places.
template <typename Op, bool kMax, bool kChannelsFirst>
struct Pool final : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (op.getNumResults() != 1 || !getElementTypeOrSelf(op.getResult(0)).isF32())
      return rewriter.notifyMatchFailure(op, "not float32 tensors");
    SmallVector<int64_t> strides = llvm::to_vector(op.getStrides().template getValues<int64_t>());
    for (int64_t dilation : op.getDilations().template getValues<int64_t>())
      if (dilation != 1)
        return rewriter.notifyMatchFailure(op, "a dilated pool");
    std::optional<float> start = filledWith(op.getOutputs()[0]);
    if (!start || !(kMax ? isLowest(*start) : isZero(*start)))
      return rewriter.notifyMatchFailure(op, "starts from something");
    Emitter emit(rewriter, op.getLoc());
    // A sum counts what was padded; TOSA's average does not.
    Padded pads = kMax ? takePad(op.getInputs()[0], kChannelsFirst, isLowest) : Padded{op.getInputs()[0]};
    Value map = kChannelsFirst ? emit.transpose(pads.map, {0, 2, 3, 1}) : pads.map;
    ArrayRef<int64_t> result4 = shapeOf(op.getResult(0));
    constexpr int kPlane = kChannelsFirst ? 2 : 1;
    Shape out{result4[0], result4[kPlane], result4[kPlane + 1], result4[kChannelsFirst ? 1 : 3]};
    ArrayRef<int64_t> kernel = shapeOf(op.getInputs()[1]);
    Window window{{kernel[0], kernel[1]}, {strides[0], strides[1]}, {1, 1}, {out[1], out[2]}};
    map = trim(emit, map, window, pads);
    SmallVector<int64_t> pad{pads.low[0], pads.high[0], pads.low[1], pads.high[1]};
    Value result;
    if (kMax) {
      result = tosa::MaxPool2dOp::create(rewriter, op.getLoc(), emit.type(out), map, kernel, strides, pad);
    } else {
      Value zero = emit.zeroPoint();
      Value mean = tosa::AvgPool2dOp::create(rewriter, op.getLoc(), emit.type(out), map, zero, zero, kernel, strides,
                                             pad, rewriter.getF32Type());
      result = mean;
    }
    if (kChannelsFirst)
      result = emit.transpose(result, {0, 3, 1, 2});
    // Last, so that a division by the number of places finds it.
    if (!kMax)
      result = emit.mul(result, emit.splat(static_cast<float>(kernel[0] * kernel[1]), 4));
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void populatePoolPatterns(RewritePatternSet &patterns) {
  patterns.add<Pool<linalg::PoolingNhwcMaxOp, true, false>, Pool<linalg::PoolingNchwMaxOp, true, true>,
               Pool<linalg::PoolingNhwcSumOp, false, false>, Pool<linalg::PoolingNchwSumOp, false, true>>(
      patterns.getContext());
}

} // namespace sparseaccel::linalg_to_tosa
