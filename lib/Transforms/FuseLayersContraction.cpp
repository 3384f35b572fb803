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

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

static SmallVector<int64_t> movingDims(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> dims;
  for (auto [d, extent] : llvm::enumerate(shape))
    if (extent != 1)
      dims.push_back(static_cast<int64_t>(d));
  return dims;
}

/// Where a value's elements come from: dimension `dims[i]` of `base` is the value's i-th one that is not of extent 1.
struct Source {
  Value base;
  SmallVector<int64_t> dims;
};

/// Follows transposes, and reshapes that only add or drop extents of 1.
static Source traceMovement(Value value) {
  Source source{value, movingDims(shapeOf(value))};
  while (Operation *op = source.base.getDefiningOp()) {
    SmallVector<int64_t> outer;
    if (auto transpose = dyn_cast<tosa::TransposeOp>(op))
      outer = llvm::to_vector_of<int64_t>(transpose.getPerms());
    else if (auto host = dyn_cast<accel::HostOp>(op); host && host.getKind() == accel::HostKind::Transpose)
      outer = llvm::to_vector(host.getInts());
    if (!outer.empty()) {
      for (int64_t &dim : source.dims)
        dim = outer[dim];
      source.base = op->getOperand(0);
      continue;
    }
    if (!isa<tosa::ReshapeOp, accel::ReshapeOp>(op))
      break;
    SmallVector<int64_t> before = movingDims(shapeOf(op->getOperand(0))), after = movingDims(shapeOf(source.base));
    bool sameExtents = before.size() == after.size();
    for (size_t i = 0; sameExtents && i < before.size(); ++i)
      sameExtents = shapeOf(op->getOperand(0))[before[i]] == shapeOf(source.base)[after[i]];
    if (!sameExtents)
      break;
    for (int64_t &dim : source.dims)
      dim = before[llvm::find(after, dim) - after.begin()];
    source.base = op->getOperand(0);
  }
  return source;
}

/// The value with its dimensions permuted, under another shape. Transposes before it count in: where they cancel,
/// nothing moves; otherwise the host moves elements once.
static Value permuted(PatternRewriter &rewriter, Location loc, Value value, ArrayRef<int64_t> perm,
                      ArrayRef<int64_t> shape, const std::string &name) {
  Type element = getElementTypeOrSelf(value);
  auto reshape = [&](Value from, ArrayRef<int64_t> to) -> Value {
    if (shapeOf(from) == to)
      return from;
    return accel::ReshapeOp::create(rewriter, loc, RankedTensorType::get(to, element), from, name, "");
  };
  Source source = traceMovement(value);
  SmallVector<int64_t> moving = movingDims(shapeOf(value)), wanted;
  for (int64_t dim : perm)
    if (auto *it = llvm::find(moving, dim); it != moving.end())
      wanted.push_back(source.dims[it - moving.begin()]);
  if (llvm::is_sorted(wanted))
    return reshape(source.base, shape);
  SmallVector<int64_t> sorted(wanted), from, to, order;
  llvm::sort(sorted);
  for (int64_t dim : sorted)
    from.push_back(shapeOf(source.base)[dim]);
  for (int64_t dim : wanted) {
    to.push_back(shapeOf(source.base)[dim]);
    order.push_back(llvm::find(sorted, dim) - sorted.begin());
  }
  Value transposed =
      accel::HostOp::create(rewriter, loc, RankedTensorType::get(to, element), accel::HostKind::Transpose,
                            ValueRange{reshape(source.base, from)}, order, ArrayRef<double>{}, name, "");
  return reshape(transposed, shape);
}

/// The operands of a [G][M][K] x [G][K][N] product as an input of M rows with G groups of K channels, and N filters of
/// one position a group. Constants are transposed here; activations where they do not lie so by nature, by the host.
static FailureOr<Contraction> readMatMul(PatternRewriter &rewriter, tosa::MatMulOp op, const std::string &name) {
  if (!isConstantZero(op.getAZp()) || !isConstantZero(op.getBZp()))
    return rewriter.notifyMatchFailure(op, "zero points must be 0");
  auto b = cast<RankedTensorType>(op.getB().getType());
  Location loc = op.getLoc();
  int64_t groups = shapeOf(op.getA())[0], rows = shapeOf(op.getA())[1], depth = shapeOf(op.getA())[2],
          columns = b.getDimSize(2);
  Contraction contraction;
  contraction.window = {{1, 1}, {0, 0, 0, 0}, {1, 1}};
  contraction.groups = groups;
  contraction.input = permuted(rewriter, loc, op.getA(), {1, 0, 2}, {1, rows, 1, groups * depth}, name + ".a");
  SmallVector<int64_t> weights{groups * columns, 1, 1, depth};
  ElementsAttr elements = constantElements(op.getB());
  if (!elements) {
    contraction.kind = accel::ContractionKind::MatMul;
    contraction.weights = permuted(rewriter, loc, op.getB(), {0, 2, 1}, weights, name + ".b");
    return contraction;
  }
  contraction.kind =
      rows == 1 && groups == 1 ? accel::ContractionKind::FullyConnected : accel::ContractionKind::Conv;
  std::vector<char> storage;
  ArrayRef<char> bytes = constantBytes(elements, storage);
  size_t width = b.getElementTypeBitWidth() / 8;
  if (bytes.size() != static_cast<size_t>(groups * depth * columns) * width)
    return rewriter.notifyMatchFailure(op, "weights have no bytes");
  std::vector<char> transposed(bytes.size());
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t m = 0; m < columns; ++m)
        std::copy_n(bytes.begin() + ((g * depth + k) * columns + m) * width, width,
                    transposed.begin() + ((g * columns + m) * depth + k) * width);
  auto weightsType = RankedTensorType::get(weights, b.getElementType());
  contraction.weights = createResource(rewriter, op.getB().getLoc(), weightsType, transposed, name + ".weights");
  return contraction;
}

/// Ends the name of a value that the quantised model has with its elements in another order: groups innermost here.
static constexpr StringLiteral kByGroup = ".by_group";

/// A transpose that undoes what is before it. Where that leads to a contraction of several groups, its elements are
/// those of the transpose's value, in the same order.
struct CancelTransposes : OpRewritePattern<tosa::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::TransposeOp op, PatternRewriter &rewriter) const override {
    if (!isActivation(op.getType()))
      return rewriter.notifyMatchFailure(op, "elements must have 8 or 16 bits");
    Source source = traceMovement(op.getResult());
    if (!llvm::is_sorted(source.dims))
      return rewriter.notifyMatchFailure(op, "elements move");
    std::string value = valueName(op);
    Value producer = source.base;
    while (auto reshape = producer.getDefiningOp<accel::ReshapeOp>()) {
      if (!producer.hasOneUse())
        break;
      producer = reshape.getInput();
    }
    if (auto contraction = producer.getDefiningOp<accel::ContractionOp>();
        contraction && contraction.getValue().ends_with(kByGroup) && producer.hasOneUse() && !value.empty()) {
      rewriter.modifyOpInPlace(contraction, [&] { contraction.setValue(value); });
      value.clear();
    }
    rewriter.replaceOpWithNewOp<accel::ReshapeOp>(op, op.getType(), source.base, nodeName(op), value);
    return success();
  }
};

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
    int64_t groups = product ? type.getDimSize(0) : 1;
    auto resultType = product ? RankedTensorType::get({1, type.getDimSize(1), 1, groups * type.getDimSize(2)},
                                                      type.getElementType())
                              : type;
    std::string name = nodeName(root, op), value = valueName(op);
    bool moves = groups > 1 && type.getDimSize(1) > 1; // [M][G][N] is to be [G][M][N]
    Value result = accel::ContractionOp::create(
        rewriter, root->getLoc(), resultType, contraction->kind, contraction->input, contraction->weights,
        contraction->window.strides, contraction->window.pads, contraction->window.dilations, contraction->groups,
        numerics, name, moves ? value + kByGroup.str() : value, accel::MappingAttr(), ArrayAttr());
    if (product && moves) {
      auto apart =
          RankedTensorType::get({type.getDimSize(1), groups, type.getDimSize(2)}, type.getElementType());
      result = accel::ReshapeOp::create(rewriter, op.getLoc(), apart, result, name + ".result", "");
      auto transposed = tosa::TransposeOp::create(rewriter, op.getLoc(), type, result, ArrayRef<int32_t>{1, 0, 2});
      transposed->setAttr("sparsity.value", rewriter.getStringAttr(value));
      result = transposed;
    } else if (product) {
      result = accel::ReshapeOp::create(rewriter, op.getLoc(), type, result, name + ".result", "");
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void fuse::populateContractionPatterns(RewritePatternSet &patterns) {
  patterns.add<CancelTransposes, FuseContraction>(patterns.getContext());
}
