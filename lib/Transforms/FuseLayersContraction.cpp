//===- FuseLayersContraction.cpp - Convolutions and matrix products -------===//

#include "Constants.h"
#include "FuseLayers.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::fuse;

namespace {

/// What a convolution says besides its operands.
struct Window {
  SmallVector<int64_t> strides, pads, dilations;
};

/// Makes the contraction that stands for `root` and its rescale.
struct Contraction {
  accel::ContractionKind kind;
  Value input, weights;
  Window window;
  int64_t groups = 1;
  SmallVector<int64_t> bias;
};

} // namespace

/// [R][S][C][multiplier] weights as [C * multiplier][R][S][1].
static FailureOr<Value> reorderDepthwise(PatternRewriter &rewriter, Operation *op, Value weights, StringRef name) {
  ElementsAttr elements = constantElements(weights);
  if (!elements)
    return rewriter.notifyMatchFailure(op, "depthwise weights must be a constant");
  std::vector<char> storage;
  ArrayRef<char> bytes = constantBytes(elements, storage);
  auto type = cast<RankedTensorType>(weights.getType());
  int64_t window = type.getDimSize(0) * type.getDimSize(1), channels = type.getDimSize(2) * type.getDimSize(3);
  size_t width = type.getElementTypeBitWidth() / 8;
  if (bytes.size() != static_cast<size_t>(window * channels) * width)
    return rewriter.notifyMatchFailure(op, "depthwise weights have no bytes");
  std::vector<char> result(bytes.size());
  for (int64_t position = 0; position < window; ++position)
    for (int64_t channel = 0; channel < channels; ++channel)
      std::copy_n(bytes.begin() + (position * channels + channel) * width, width,
                  result.begin() + (channel * window + position) * width);
  auto resultType = RankedTensorType::get({channels, type.getDimSize(0), type.getDimSize(1), 1}, type.getElementType());
  return createResource(rewriter, weights.getLoc(), resultType, result, (name + ".weights").str());
}

/// Bias of a convolution: none where it is all zero, else one entry an output channel.
static std::optional<SmallVector<int64_t>> readBias(Value value, int64_t channels) {
  std::optional<SmallVector<int64_t>> bias = constantIntegers(value);
  if (!bias)
    return std::nullopt;
  if (llvm::all_of(*bias, [](int64_t entry) { return entry == 0; }))
    return SmallVector<int64_t>();
  if (bias->size() == 1)
    bias->assign(channels, bias->front());
  return bias;
}

template <typename ConvOp>
static Window readWindow(ConvOp op) {
  return {SmallVector<int64_t>(op.getStride()), SmallVector<int64_t>(op.getPad()),
          SmallVector<int64_t>(op.getDilation())};
}

static FailureOr<Contraction> readConvolution(PatternRewriter &rewriter, tosa::Conv2DOp op) {
  if (!isConstantZero(op.getInputZp()) || !isConstantZero(op.getWeightZp()))
    return rewriter.notifyMatchFailure(op, "zero points must be 0");
  auto weights = cast<RankedTensorType>(op.getWeight().getType());
  std::optional<SmallVector<int64_t>> bias = readBias(op.getBias(), weights.getDimSize(0));
  if (!bias)
    return rewriter.notifyMatchFailure(op, "bias must be a dense constant");
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto result = cast<RankedTensorType>(op.getType());
  bool whole = result.getDimSize(1) == 1 && result.getDimSize(2) == 1 && input.getDimSize(1) == weights.getDimSize(1) &&
               input.getDimSize(2) == weights.getDimSize(2);
  Contraction contraction;
  contraction.kind = whole ? accel::ContractionKind::FullyConnected : accel::ContractionKind::Conv;
  contraction.input = op.getInput();
  contraction.weights = op.getWeight();
  contraction.window = readWindow(op);
  contraction.bias = std::move(*bias);
  return contraction;
}

static FailureOr<Contraction> readDepthwise(PatternRewriter &rewriter, tosa::DepthwiseConv2DOp op, StringRef name) {
  if (!isConstantZero(op.getInputZp()) || !isConstantZero(op.getWeightZp()))
    return rewriter.notifyMatchFailure(op, "zero points must be 0");
  auto weights = cast<RankedTensorType>(op.getWeight().getType());
  std::optional<SmallVector<int64_t>> bias = readBias(op.getBias(), weights.getDimSize(2) * weights.getDimSize(3));
  if (!bias)
    return rewriter.notifyMatchFailure(op, "bias must be a dense constant");
  FailureOr<Value> reordered = reorderDepthwise(rewriter, op, op.getWeight(), name);
  if (failed(reordered))
    return failure();
  Contraction contraction;
  contraction.kind = accel::ContractionKind::Depthwise;
  contraction.input = op.getInput();
  contraction.weights = *reordered;
  contraction.window = readWindow(op);
  contraction.groups = weights.getDimSize(2);
  contraction.bias = std::move(*bias);
  return contraction;
}

/// The operands of a [1][M][K] x [1][K][N] product as an input of M rows and N filters of one position. A constant
/// is transposed here, an activation by the host.
static FailureOr<Contraction> readMatMul(PatternRewriter &rewriter, tosa::MatMulOp op, const std::string &name) {
  if (!isConstantZero(op.getAZp()) || !isConstantZero(op.getBZp()))
    return rewriter.notifyMatchFailure(op, "zero points must be 0");
  auto a = cast<RankedTensorType>(op.getA().getType()), b = cast<RankedTensorType>(op.getB().getType());
  if (a.getDimSize(0) != 1)
    return rewriter.notifyMatchFailure(op, "matrix products of batches are not supported");
  Location loc = op.getLoc();
  int64_t rows = a.getDimSize(1), depth = a.getDimSize(2), columns = b.getDimSize(2);
  Contraction contraction;
  contraction.window = {{1, 1}, {0, 0, 0, 0}, {1, 1}};
  contraction.input = accel::ReshapeOp::create(
      rewriter, loc, RankedTensorType::get({1, rows, 1, depth}, a.getElementType()), op.getA(), name + ".a", "");
  auto weightsType = RankedTensorType::get({columns, 1, 1, depth}, b.getElementType());
  if (ElementsAttr elements = constantElements(op.getB())) {
    contraction.kind = rows == 1 ? accel::ContractionKind::FullyConnected : accel::ContractionKind::Conv;
    std::vector<char> storage;
    ArrayRef<char> bytes = constantBytes(elements, storage);
    size_t width = b.getElementTypeBitWidth() / 8;
    if (bytes.size() != static_cast<size_t>(depth * columns) * width)
      return rewriter.notifyMatchFailure(op, "weights have no bytes");
    std::vector<char> transposed(bytes.size());
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t m = 0; m < columns; ++m)
        std::copy_n(bytes.begin() + (k * columns + m) * width, width, transposed.begin() + (m * depth + k) * width);
    contraction.weights = createResource(rewriter, op.getB().getLoc(), weightsType, transposed, name + ".weights");
    return contraction;
  }
  contraction.kind = accel::ContractionKind::MatMul;
  Value transposed = accel::HostOp::create(
      rewriter, loc, RankedTensorType::get({1, columns, depth}, b.getElementType()), accel::HostKind::Transpose,
      ValueRange{op.getB()}, ArrayRef<int64_t>{0, 2, 1}, ArrayRef<double>{}, name + ".b", "");
  contraction.weights = accel::ReshapeOp::create(rewriter, loc, weightsType, transposed, name + ".b", "");
  return contraction;
}

namespace {

/// conv2d, depthwise_conv2d or matmul, and the rescale that alone reads its sums.
struct FuseContraction : OpRewritePattern<tosa::RescaleOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::RescaleOp op, PatternRewriter &rewriter) const override {
    Operation *root = op.getInput().getDefiningOp();
    if (!isa_and_nonnull<tosa::Conv2DOp, tosa::DepthwiseConv2DOp, tosa::MatMulOp>(root))
      return rewriter.notifyMatchFailure(op, "input is no contraction");
    if (!isActivation(op.getType()) || !isActivation(root->getOperand(0).getType()) ||
        !isActivation(root->getOperand(1).getType()))
      return rewriter.notifyMatchFailure(op, "operands and result must have 8 or 16 bits");
    std::string reason;
    FailureOr<accel::NumericsAttr> rescale = readRescale(op, reason);
    if (failed(rescale))
      return rewriter.notifyMatchFailure(op, reason);
    FailureOr<Contraction> contraction = failure();
    if (auto conv = dyn_cast<tosa::Conv2DOp>(root))
      contraction = readConvolution(rewriter, conv);
    else if (auto depthwise = dyn_cast<tosa::DepthwiseConv2DOp>(root))
      contraction = readDepthwise(rewriter, depthwise, nodeName(root, op));
    else
      contraction = readMatMul(rewriter, cast<tosa::MatMulOp>(root), nodeName(root, op));
    if (failed(contraction))
      return failure();
    auto numerics =
        accel::NumericsAttr::getRescale(getContext(), contraction->bias, rescale->getMultiplier(), rescale->getShift(),
                                        rescale->getScale32(), rescale->getClampMin(), rescale->getClampMax());
    auto type = cast<RankedTensorType>(op.getType());
    bool product = isa<tosa::MatMulOp>(root);
    auto resultType =
        product ? RankedTensorType::get({1, type.getDimSize(1), 1, type.getDimSize(2)}, type.getElementType()) : type;
    std::string name = nodeName(root, op);
    Value result = accel::ContractionOp::create(
        rewriter, root->getLoc(), resultType, contraction->kind, contraction->input, contraction->weights,
        contraction->window.strides, contraction->window.pads, contraction->window.dilations, contraction->groups,
        numerics, name, valueName(op), accel::MappingAttr(), ArrayAttr());
    if (product)
      result = accel::ReshapeOp::create(rewriter, op.getLoc(), type, result, name + ".result", "");
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void fuse::populateContractionPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseContraction>(patterns.getContext());
}
