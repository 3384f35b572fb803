//===- LinalgToTosaContraction.cpp - Convolutions and matrix products -----===//

#include "Constants.h"
#include "LinalgToTosa.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"

using namespace mlir;

namespace sparseaccel::linalg_to_tosa {

Value fullyConnected(Emitter &emit, Value rows, Value weights, ArrayRef<int64_t> perm, const std::vector<float> &bias) {
  int64_t count = shapeOf(rows)[0], k = shapeOf(rows)[1], n = shapeOf(weights)[perm[0]];
  Value image = emit.reshape(rows, {count, 1, 1, k});
  Value kernel = emit.weights(weights, perm, {n, 1, 1, k}), zero = emit.zeroPoint();
  Value result = tosa::Conv2DOp::create(emit.rewriter, emit.loc, emit.type({count, 1, 1, n}), image, kernel,
                                        emit.floats(bias, {n}), zero, zero, ArrayRef<int64_t>{0, 0, 0, 0},
                                        ArrayRef<int64_t>{1, 1}, ArrayRef<int64_t>{1, 1}, emit.rewriter.getF32Type());
  return emit.reshape(result, {count, n});
}

namespace {

/// What the sums of a contraction start from.
struct Start {
  std::optional<std::vector<float>> bias; ///< A number for each output channel; zeros where it starts from zero.
  Value addend;                           ///< Anything else.
};

/// `dim` is the output channel's, which has `channels` places.
Start startOf(Value init, int64_t dim, int64_t channels) {
  if (filledWith(init) == 0.0f)
    return {std::vector<float>(channels, 0.0f), {}};
  if (std::optional<std::vector<float>> bias = alongOneDim(init, dim))
    return {std::move(bias), {}};
  return {std::vector<float>(channels, 0.0f), init};
}

void finish(Emitter &emit, Operation *op, Value result, const Start &start) {
  emit.rewriter.replaceOp(op, start.addend ? emit.add(result, start.addend) : result);
}

bool isZero(float value) { return value == 0.0f; }

SmallVector<int64_t> integers(DenseIntElementsAttr attr) { return llvm::to_vector(attr.getValues<int64_t>()); }

/// A 2-D convolution of any layout. `weightPerm` turns the weights to [M][R][S][C] (depthwise: [R][S][C][M]).
template <typename Op>
struct Conv final : OpRewritePattern<Op> {
  Conv(MLIRContext *context, std::initializer_list<int64_t> weightPerm, bool channelsFirst, bool depthwise)
      : OpRewritePattern<Op>(context), weightPerm(weightPerm), channelsFirst(channelsFirst), depthwise(depthwise) {}

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (op.getNumResults() != 1 || !getElementTypeOrSelf(op.getResult(0)).isF32())
      return rewriter.notifyMatchFailure(op, "not float32 tensors");
    Value image = op.getInputs()[0], weights = op.getInputs()[1];
    if (!constantFloats(weights))
      return rewriter.notifyMatchFailure(op, "weights are no float32 constant");
    Emitter emit(rewriter, op.getLoc());
    Shape extents, out(shapeOf(op.getResult(0)));
    for (int64_t d : weightPerm)
      extents.push_back(shapeOf(weights)[d]);
    bool noMultiplier = depthwise && weightPerm.size() == 3;
    if (noMultiplier)
      extents.push_back(1);
    Start start;
    if (shapeOf(op.getResult(0)).size() == 5) // [N][P][Q][C][M]
      start = startOf(op.getOutputs()[0], -1, out[3] * out[4]);
    else
      start = startOf(op.getOutputs()[0], channelsFirst ? 1 : 3, out[channelsFirst ? 1 : 3]);

    Padded pads = takePad(image, channelsFirst, isZero);
    image = channelsFirst ? emit.transpose(pads.map, {0, 2, 3, 1}) : pads.map;
    Shape plane = channelsFirst ? Shape{out[0], out[2], out[3], out[1]} : Shape(out);
    if (plane.size() == 5)
      plane = {out[0], out[1], out[2], out[3] * out[4]};
    SmallVector<int64_t> strides = integers(op.getStrides()), dilations = integers(op.getDilations());
    int64_t first = depthwise ? 0 : 1;
    Window window{{extents[first], extents[first + 1]},
                  {strides[0], strides[1]},
                  {dilations[0], dilations[1]},
                  {plane[1], plane[2]}};
    image = trim(emit, image, window, pads);

    SmallVector<int64_t> pad{pads.low[0], pads.high[0], pads.low[1], pads.high[1]};
    Value kernel = emit.weights(weights, weightPerm, extents), zero = emit.zeroPoint();
    Value bias = emit.floats(*start.bias, {plane[3]});
    Value result;
    if (depthwise)
      result = tosa::DepthwiseConv2DOp::create(rewriter, op.getLoc(), emit.type(plane), image, kernel, bias, zero, zero,
                                               pad, strides, dilations, rewriter.getF32Type());
    else
      result = tosa::Conv2DOp::create(rewriter, op.getLoc(), emit.type(plane), image, kernel, bias, zero, zero, pad,
                                      strides, dilations, rewriter.getF32Type());
    result = channelsFirst ? emit.transpose(result, {0, 3, 1, 2}) : emit.reshape(result, out);
    finish(emit, op, result, start);
    return success();
  }

  SmallVector<int64_t> weightPerm;
  bool channelsFirst, depthwise;
};

template <typename Op>
void addConv(RewritePatternSet &patterns, std::initializer_list<int64_t> weightPerm, bool channelsFirst,
             bool depthwise) {
  patterns.add(std::make_unique<Conv<Op>>(patterns.getContext(), weightPerm, channelsFirst, depthwise));
}

/// Whether the last two dimensions of an operand are exchanged, of a map whose others are in order; nothing where it is
/// any other map.
std::optional<bool> isTransposed(AffineMap map, unsigned row, unsigned column, unsigned batch) {
  if (!map.isProjectedPermutation() || map.getNumResults() != batch + 2)
    return std::nullopt;
  for (unsigned d = 0; d < batch; ++d)
    if (map.getDimPosition(d) != d)
      return std::nullopt;
  unsigned first = map.getDimPosition(batch), second = map.getDimPosition(batch + 1);
  if (first == row && second == column)
    return false;
  if (first == column && second == row)
    return true;
  return std::nullopt;
}

/// linalg.matmul and linalg.batch_matmul, with operands that their maps may transpose.
template <typename Op, unsigned kBatch>
struct MatMul final : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (op.getNumResults() != 1 || !getElementTypeOrSelf(op.getResult(0)).isF32())
      return rewriter.notifyMatchFailure(op, "not float32 tensors");
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    constexpr unsigned m = kBatch, n = kBatch + 1, k = kBatch + 2;
    std::optional<bool> turnedA = isTransposed(maps[0], m, k, kBatch), turnedB = isTransposed(maps[1], k, n, kBatch),
                        turnedO = isTransposed(maps[2], m, n, kBatch);
    if (!turnedA || !turnedB || turnedO != false)
      return rewriter.notifyMatchFailure(op, "maps other than transposed operands");
    Emitter emit(rewriter, op.getLoc());
    Value a = op.getInputs()[0], b = op.getInputs()[1], init = op.getOutputs()[0];
    SmallVector<int32_t> exchange = kBatch ? SmallVector<int32_t>{0, 2, 1} : SmallVector<int32_t>{1, 0};
    if constexpr (kBatch == 0) {
      if (constantFloats(b)) {
        Start start = startOf(init, 1, shapeOf(op.getResult(0))[1]);
        Value rows = *turnedA ? emit.transpose(a, exchange) : a;
        Value result = fullyConnected(emit, rows, b, *turnedB ? Shape{0, 1} : Shape{1, 0}, *start.bias);
        finish(emit, op, result, start);
        return success();
      }
      if (constantFloats(a)) { // O^T = B^T A^T
        Start start = startOf(init, 0, shapeOf(op.getResult(0))[0]);
        Value rows = *turnedB ? b : emit.transpose(b, exchange);
        Value result = fullyConnected(emit, rows, a, *turnedA ? Shape{1, 0} : Shape{0, 1}, *start.bias);
        finish(emit, op, emit.transpose(result, exchange), start);
        return success();
      }
    }
    // The same weights for every batch.
    if constexpr (kBatch == 1) {
      auto broadcast = b.getDefiningOp<linalg::BroadcastOp>();
      if (broadcast && broadcast.getDimensions() == ArrayRef<int64_t>{0} && constantFloats(broadcast.getInput())) {
        Shape out(shapeOf(op.getResult(0)));
        Value rows = *turnedA ? emit.transpose(a, exchange) : a;
        rows = emit.reshape(rows, {out[0] * out[1], shapeOf(rows)[2]});
        Start start = startOf(init, 2, out[2]);
        Value result = fullyConnected(emit, rows, broadcast.getInput(), *turnedB ? Shape{0, 1} : Shape{1, 0}, *start.bias);
        finish(emit, op, emit.reshape(result, out), start);
        return success();
      }
    }
    Value left = *turnedA ? emit.transpose(a, exchange) : a, right = *turnedB ? emit.transpose(b, exchange) : b;
    Shape out(shapeOf(op.getResult(0)));
    if constexpr (kBatch == 0) {
      left = emit.reshape(left, {1, shapeOf(left)[0], shapeOf(left)[1]});
      right = emit.reshape(right, {1, shapeOf(right)[0], shapeOf(right)[1]});
    }
    Value zero = emit.zeroPoint();
    Shape stacked = kBatch ? out : Shape{1, out[0], out[1]};
    Value result = tosa::MatMulOp::create(rewriter, op.getLoc(), emit.type(stacked), left, right, zero, zero);
    Start start;
    if (filledWith(init) != 0.0f)
      start.addend = init;
    finish(emit, op, emit.reshape(result, out), start);
    return success();
  }
};

} // namespace

void populateContractionPatterns(RewritePatternSet &patterns) {
  addConv<linalg::Conv2DNhwcHwcfOp>(patterns, {3, 0, 1, 2}, false, false);
  addConv<linalg::Conv2DNhwcFhwcOp>(patterns, {0, 1, 2, 3}, false, false);
  addConv<linalg::Conv2DNchwFchwOp>(patterns, {0, 2, 3, 1}, true, false);
  addConv<linalg::DepthwiseConv2DNhwcHwcOp>(patterns, {0, 1, 2}, false, true);
  addConv<linalg::DepthwiseConv2DNhwcHwcmOp>(patterns, {0, 1, 2, 3}, false, true);
  addConv<linalg::DepthwiseConv2DNchwChwOp>(patterns, {1, 2, 0}, true, true);
  patterns.add<MatMul<linalg::MatmulOp, 0>, MatMul<linalg::BatchMatmulOp, 1>>(patterns.getContext());
}

} // namespace sparseaccel::linalg_to_tosa
