//===- LinalgToTosaConstants.cpp - Constants that are moved or computed ---===//
//
// A model's weights are written as the framework keeps them and turned on the way to what reads them. Turned here, they
// are constants of the layer that reads them, which is then one of the accelerator's.
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "LinalgToTosa.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;

namespace sparseaccel::linalg_to_tosa {
namespace {

template <typename Op>
struct TransposeConstant final : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 || !constantFloats(op->getOperand(0)))
      return rewriter.notifyMatchFailure(op, "not of a float32 constant");
    Shape perm;
    if constexpr (std::is_same_v<Op, tosa::TransposeOp>)
      perm = llvm::to_vector_of<int64_t>(op.getPerms());
    else
      perm = llvm::to_vector_of<int64_t>(op.getPermutation());
    Emitter emit(rewriter, op.getLoc());
    rewriter.replaceOp(op, emit.weights(op->getOperand(0), perm, shapeOf(op->getResult(0))));
    return success();
  }
};

template <typename Op>
struct ReshapeConstant final : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    ElementsAttr elements = constantElements(op->getOperand(0));
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!elements || !type || !type.hasStaticShape() || !constantFloats(op->getOperand(0)))
      return rewriter.notifyMatchFailure(op, "not of a float32 constant");
    if (auto dense = dyn_cast<DenseElementsAttr>(elements)) {
      rewriter.replaceOpWithNewOp<tosa::ConstOp>(op, type, dense.reshape(type));
      return success();
    }
    std::vector<char> storage;
    rewriter.replaceOp(op, createResource(rewriter, op.getLoc(), type, constantBytes(elements, storage), "weights"));
    return success();
  }
};

/// [1][rows][K] x [1][K][N] with a constant second operand is a fully connected layer.
struct MatMulConstant final : OpRewritePattern<tosa::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::MatMulOp op, PatternRewriter &rewriter) const override {
    ArrayRef<int64_t> a = shapeOf(op.getA()), b = shapeOf(op.getB());
    if (b[0] != 1 || !constantFloats(op.getB()) || !getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "second operand is no float32 constant of one matrix");
    Emitter emit(rewriter, op.getLoc());
    Value rows = emit.reshape(op.getA(), {a[1], a[2]});
    Value result = fullyConnected(emit, rows, emit.weights(op.getB(), {0, 2, 1}, {b[2], b[1]}), {0, 1},
                                  std::vector<float>(b[2], 0.0f));
    rewriter.replaceOp(op, emit.reshape(result, shapeOf(op.getOutput())));
    return success();
  }
};

/// The convolution that `value` is, perhaps under another layout or shape, where nothing else reads it or what lies
/// between, and the dimension of `value` along which its channels lie.
struct Source {
  Operation *conv = nullptr;
  int64_t channels = 0;
};

Source sourceOf(Value value) {
  if (!value.hasOneUse())
    return {};
  if (value.getDefiningOp<tosa::Conv2DOp>() || value.getDefiningOp<tosa::DepthwiseConv2DOp>())
    return {value.getDefiningOp(), 3};
  if (auto transpose = value.getDefiningOp<tosa::TransposeOp>()) {
    Source source = sourceOf(transpose.getInput1());
    const int32_t *place = llvm::find(transpose.getPerms(), static_cast<int32_t>(source.channels));
    source.channels = place - transpose.getPerms().begin();
    return source;
  }
  if (auto reshape = value.getDefiningOp<tosa::ReshapeOp>()) {
    Source source = sourceOf(reshape.getInput1());
    ArrayRef<int64_t> from = shapeOf(reshape.getInput1()), to = shapeOf(value);
    bool last = source.conv && source.channels + 1 == static_cast<int64_t>(from.size());
    if (!last || to.empty() || to.back() != from.back())
      return {};
    return {source.conv, static_cast<int64_t>(to.size()) - 1};
  }
  return {};
}

} // namespace

Value joinBias(Emitter &emit, Value sum, Value addend, float sign) {
  Source source = sourceOf(sum);
  if (!source.conv)
    return {};
  std::optional<std::vector<float>> more = alongOneDim(addend, source.channels),
                                    bias = constantFloats(source.conv->getOperand(2));
  if (!more || !bias)
    return {};
  // A bias of one element is broadcast.
  if (bias->size() == 1)
    bias->resize(more->size(), bias->front());
  if (more->size() != bias->size())
    return {};
  for (size_t i = 0; i < more->size(); ++i)
    (*bias)[i] += sign * (*more)[i];
  OpBuilder::InsertionGuard guard(emit.rewriter);
  emit.rewriter.setInsertionPoint(source.conv);
  Value joined = emit.floats(*bias, {static_cast<int64_t>(bias->size())});
  emit.rewriter.modifyOpInPlace(source.conv, [&] { source.conv->setOperand(2, joined); });
  return sum;
}

Value joinScale(Emitter &emit, Value product, Value factor) {
  Source source = sourceOf(product);
  if (!source.conv)
    return {};
  std::optional<std::vector<float>> scale = alongOneDim(factor, source.channels),
                                    bias = constantFloats(source.conv->getOperand(2)),
                                    weights = constantFloats(source.conv->getOperand(1));
  if (!scale || !bias || !weights)
    return {};
  if (bias->size() == 1)
    bias->resize(scale->size(), bias->front());
  if (scale->size() != bias->size())
    return {};
  ArrayRef<int64_t> shape = shapeOf(source.conv->getOperand(1));
  // [M][R][S][C], or of a depthwise convolution [R][S][C][M].
  size_t run = isa<tosa::Conv2DOp>(source.conv) ? shape[1] * shape[2] * shape[3] : 1;
  for (size_t i = 0; i < weights->size(); ++i)
    (*weights)[i] *= (*scale)[i / run % scale->size()];
  for (size_t i = 0; i < bias->size(); ++i)
    (*bias)[i] *= (*scale)[i];
  OpBuilder::InsertionGuard guard(emit.rewriter);
  emit.rewriter.setInsertionPoint(source.conv);
  ArrayRef<char> bytes(reinterpret_cast<const char *>(weights->data()), weights->size() * sizeof(float));
  Value scaled = createResource(emit.rewriter, emit.loc, emit.type(shape), bytes, "weights");
  Value joined = emit.floats(*bias, {static_cast<int64_t>(bias->size())});
  emit.rewriter.modifyOpInPlace(source.conv, [&] {
    source.conv->setOperand(1, scaled);
    source.conv->setOperand(2, joined);
  });
  return product;
}

namespace {

using Function = float (*)(float, float);

Function functionOf(StringRef name) {
  return llvm::StringSwitch<Function>(name)
      .Case("add", [](float x, float y) { return x + y; })
      .Case("sub", [](float x, float y) { return x - y; })
      .Case("mul", [](float x, float y) { return x * y; })
      .Case("div", [](float x, float y) { return x / y; })
      .Case("max", [](float x, float y) { return std::max(x, y); })
      .Case("min", [](float x, float y) { return std::min(x, y); })
      .Case("powf", [](float x, float y) { return std::pow(x, y); })
      .Case("exp", [](float x, float) { return std::exp(x); })
      .Case("log", [](float x, float) { return std::log(x); })
      .Case("abs", [](float x, float) { return std::fabs(x); })
      .Case("negf", [](float x, float) { return -x; })
      .Case("sqrt", [](float x, float) { return std::sqrt(x); })
      .Case("rsqrt", [](float x, float) { return 1.0f / std::sqrt(x); })
      .Case("reciprocal", [](float x, float) { return 1.0f / x; })
      .Case("square", [](float x, float) { return x * x; })
      .Default(nullptr);
}

/// What is computed of numbers and of one vector each, broadcast alike: the scale of a normalisation, say.
struct Compute final : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op, PatternRewriter &rewriter) const override {
    Function function = functionOf(op->getName().stripDialect());
    auto type = op->getNumResults() == 1 ? dyn_cast<RankedTensorType>(op->getResult(0).getType()) : RankedTensorType();
    if (!function || !type || !type.getElementType().isF32() ||
        !llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) { return map.isIdentity(); }))
      return rewriter.notifyMatchFailure(op, "no arithmetic on float32");
    std::optional<int64_t> along;
    size_t count = 1;
    std::vector<std::vector<float>> operands;
    for (Value operand : op.getDpsInputs()) {
      if (std::optional<float> number = filledWith(operand)) {
        operands.push_back({*number});
        continue;
      }
      auto broadcast = operand.getDefiningOp<linalg::BroadcastOp>();
      if (!broadcast || shapeOf(broadcast.getInput()).size() != 1)
        return rewriter.notifyMatchFailure(op, "operands are no numbers and broadcast vectors");
      int64_t dim = 0;
      while (llvm::is_contained(broadcast.getDimensions(), dim))
        ++dim;
      std::optional<std::vector<float>> vector = alongOneDim(operand, dim);
      if (!vector || (along && *along != dim))
        return rewriter.notifyMatchFailure(op, "operands are not known, or lie along different dimensions");
      along = dim;
      count = vector->size();
      operands.push_back(std::move(*vector));
    }
    std::vector<float> result(count);
    for (size_t i = 0; i < count; ++i) {
      auto at = [&](const std::vector<float> &values) { return values[values.size() == 1 ? 0 : i]; };
      result[i] = function(at(operands.front()), at(operands.back()));
    }
    Emitter emit(rewriter, op.getLoc());
    if (!along) {
      rewriter.replaceOpWithNewOp<tosa::ConstOp>(op, type, DenseElementsAttr::get(type, result.front()));
      return success();
    }
    Shape dims;
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (d != *along)
        dims.push_back(d);
    Value vector = emit.floats(result, {static_cast<int64_t>(count)});
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    rewriter.replaceOp(op, linalg::BroadcastOp::create(rewriter, op.getLoc(), vector, empty, dims)->getResults());
    return success();
  }
};

/// A sum of a convolution and a constant vector, as TOSA has it: extents of 1 everywhere but along the channels.
struct AddConstant final : OpRewritePattern<tosa::AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::AddOp op, PatternRewriter &rewriter) const override {
    Emitter emit(rewriter, op.getLoc());
    for (auto [sum, addend] : {std::pair(op.getInput1(), op.getInput2()), std::pair(op.getInput2(), op.getInput1())})
      if (sum.getType() == op.getType())
        if (Value joined = joinBias(emit, sum, addend, 1)) {
          rewriter.replaceOp(op, joined);
          return success();
        }
    return rewriter.notifyMatchFailure(op, "no convolution and a constant along its channels");
  }
};

} // namespace

void populateConstantPatterns(RewritePatternSet &patterns) {
  patterns.add<TransposeConstant<linalg::TransposeOp>, TransposeConstant<tosa::TransposeOp>,
               ReshapeConstant<tensor::ExpandShapeOp>, ReshapeConstant<tensor::CollapseShapeOp>,
               ReshapeConstant<tosa::ReshapeOp>, MatMulConstant, Compute>(patterns.getContext());
}

void populateJoinPatterns(RewritePatternSet &patterns) { patterns.add<AddConstant>(patterns.getContext()); }

} // namespace sparseaccel::linalg_to_tosa
