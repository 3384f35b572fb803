//===- FuseLayersVector.cpp - Pools, elementwise work, tables, rescales ---===//

#include "Constants.h"
#include "FuseLayers.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::fuse;

namespace {

/// An operand of elementwise work: the activation behind its rescale to 32 bits, if there is one.
struct ElementwiseOperand {
  Value value;
  int32_t multiplier = 0, shift = 0;
};

struct FuseMaxPool : OpRewritePattern<tosa::MaxPool2dOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::MaxPool2dOp op, PatternRewriter &rewriter) const override {
    if (!isActivation(op.getType()))
      return rewriter.notifyMatchFailure(op, "elements must have 8 or 16 bits");
    auto [low, high] = integerRange(op.getType());
    rewriter.replaceOpWithNewOp<accel::PoolOp>(
        op, op.getType(), accel::PoolKind::Max, op.getInput(), op.getKernel(), op.getStride(), op.getPad(),
        accel::NumericsAttr::getClamp(getContext(), low, high), nodeName(op), valueName(op));
    return success();
  }
};

struct FuseAvgPool : OpRewritePattern<tosa::AvgPool2dOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::AvgPool2dOp op, PatternRewriter &rewriter) const override {
    if (!isActivation(op.getType()))
      return rewriter.notifyMatchFailure(op, "elements must have 8 or 16 bits");
    if (!op.getAccType().isInteger(32) || !isConstantZero(op.getInputZp()) || !isConstantZero(op.getOutputZp()))
      return rewriter.notifyMatchFailure(op, "sums must have 32 bits and zero points must be 0");
    auto [low, high] = integerRange(op.getType());
    rewriter.replaceOpWithNewOp<accel::PoolOp>(
        op, op.getType(), accel::PoolKind::Avg, op.getInput(), op.getKernel(), op.getStride(), op.getPad(),
        accel::NumericsAttr::getClamp(getContext(), low, high), nodeName(op), valueName(op));
    return success();
  }
};

/// add, sub, maximum or minimum of two rescaled operands, or mul of two activations, and the rescale that reads the
/// 32-bit result.
struct FuseElementwise : OpRewritePattern<tosa::RescaleOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::RescaleOp op, PatternRewriter &rewriter) const override;
};

/// table and, for 16 bits, the rescale of its 23-bit result.
struct FuseTable : OpRewritePattern<tosa::TableOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::TableOp op, PatternRewriter &rewriter) const override;
};

/// A rescale from one activation to another.
struct FuseRescale : OpRewritePattern<tosa::RescaleOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::RescaleOp op, PatternRewriter &rewriter) const override {
    if (!isActivation(op.getType()) || !isActivation(op.getInput().getType()))
      return rewriter.notifyMatchFailure(op, "input and result must have 8 or 16 bits");
    std::string reason;
    FailureOr<accel::NumericsAttr> numerics = readRescale(op, reason);
    if (failed(numerics))
      return rewriter.notifyMatchFailure(op, reason);
    rewriter.replaceOpWithNewOp<accel::RescaleOp>(op, op.getType(), op.getInput(), *numerics, nodeName(op),
                                                  valueName(op));
    return success();
  }
};

} // namespace

static std::optional<accel::ElementwiseKind> elementwiseKind(Operation *op) {
  if (isa_and_nonnull<tosa::AddOp>(op))
    return accel::ElementwiseKind::Add;
  if (isa_and_nonnull<tosa::SubOp>(op))
    return accel::ElementwiseKind::Sub;
  if (isa_and_nonnull<tosa::MulOp>(op))
    return accel::ElementwiseKind::Mul;
  if (isa_and_nonnull<tosa::MaximumOp>(op))
    return accel::ElementwiseKind::Max;
  if (isa_and_nonnull<tosa::MinimumOp>(op))
    return accel::ElementwiseKind::Min;
  return std::nullopt;
}

static FailureOr<ElementwiseOperand> readOperand(PatternRewriter &rewriter, Operation *op, Value value) {
  if (isActivation(value.getType()))
    return ElementwiseOperand{value, 0, 0};
  if (auto cast = value.getDefiningOp<tosa::CastOp>(); cast && isActivation(cast.getInput().getType()))
    return ElementwiseOperand{cast.getInput(), 0, 0};
  auto rescale = value.getDefiningOp<tosa::RescaleOp>();
  if (!rescale || !isActivation(rescale.getInput().getType()))
    return rewriter.notifyMatchFailure(op, "operand is no activation that was rescaled");
  std::string reason;
  FailureOr<accel::NumericsAttr> numerics = readRescale(rescale, reason);
  if (failed(numerics) || numerics->getMultiplier().size() != 1)
    return rewriter.notifyMatchFailure(op, "operand's rescale is not of one factor");
  return ElementwiseOperand{rescale.getInput(), numerics->getMultiplier()[0], numerics->getShift()[0]};
}

/// The operand in the result's shape: a constant is repeated here, an activation by the host.
static FailureOr<Value> broadcast(PatternRewriter &rewriter, Operation *op, Value value, ArrayRef<int64_t> shape,
                                  const std::string &name) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getShape() == shape)
    return value;
  if (type.getRank() != static_cast<int64_t>(shape.size()))
    return rewriter.notifyMatchFailure(op, "operands have different ranks");
  auto resultType = RankedTensorType::get(shape, type.getElementType());
  ElementsAttr elements = constantElements(value);
  if (!elements) {
    SmallVector<int64_t> repetitions;
    for (auto [whole, part] : llvm::zip(shape, type.getShape()))
      repetitions.push_back(whole / part);
    return accel::HostOp::create(rewriter, op->getLoc(), resultType, accel::HostKind::Tile, ValueRange{value},
                                 repetitions, ArrayRef<double>{}, name + ".broadcast", "")
        .getResult();
  }
  std::vector<char> storage, result;
  ArrayRef<char> bytes = constantBytes(elements, storage);
  size_t width = type.getElementTypeBitWidth() / 8;
  if (bytes.size() != type.getNumElements() * width)
    return rewriter.notifyMatchFailure(op, "constant operand has no bytes");
  result.reserve(resultType.getNumElements() * width);
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t i = 0; i < resultType.getNumElements(); ++i) {
    int64_t offset = 0;
    for (size_t rank = 0; rank < shape.size(); ++rank)
      offset = offset * type.getDimSize(rank) + (type.getDimSize(rank) == 1 ? 0 : index[rank]);
    result.insert(result.end(), bytes.begin() + offset * width, bytes.begin() + (offset + 1) * width);
    for (size_t rank = shape.size(); rank > 0 && ++index[rank - 1] == shape[rank - 1]; --rank)
      index[rank - 1] = 0;
  }
  return createResource(rewriter, value.getLoc(), resultType, result, name + ".operand");
}

LogicalResult FuseElementwise::matchAndRewrite(tosa::RescaleOp op, PatternRewriter &rewriter) const {
  Operation *root = op.getInput().getDefiningOp();
  std::optional<accel::ElementwiseKind> kind = elementwiseKind(root);
  if (!kind || !getElementTypeOrSelf(op.getInput().getType()).isInteger(32) || !isActivation(op.getType()))
    return rewriter.notifyMatchFailure(op, "input is no elementwise work in 32 bits");
  if (auto mul = dyn_cast<tosa::MulOp>(root); mul && !isConstantZero(mul.getShift()))
    return rewriter.notifyMatchFailure(op, "product is shifted");
  std::string reason;
  FailureOr<accel::NumericsAttr> rescale = readRescale(op, reason);
  if (failed(rescale) || rescale->getMultiplier().size() != 1)
    return rewriter.notifyMatchFailure(op, "rescale is not of one factor");
  FailureOr<ElementwiseOperand> lhs = readOperand(rewriter, root, root->getOperand(0)),
                                rhs = readOperand(rewriter, root, root->getOperand(1));
  if (failed(lhs) || failed(rhs))
    return failure();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getType()).getShape();
  std::string name = nodeName(root, op);
  FailureOr<Value> a = broadcast(rewriter, root, lhs->value, shape, name),
                   b = broadcast(rewriter, root, rhs->value, shape, name);
  if (failed(a) || failed(b))
    return failure();
  auto numerics = accel::NumericsAttr::get(getContext(), rescale->getClampMin(), rescale->getClampMax(), {},
                                           rescale->getMultiplier(), rescale->getShift(), rescale->getScale32(),
                                           lhs->multiplier, lhs->shift, rhs->multiplier, rhs->shift, {});
  auto layer = accel::ElementwiseOp::create(rewriter, root->getLoc(), op.getType(), *kind, *a, *b, numerics, name,
                                            valueName(op));
  rewriter.replaceOp(op, layer);
  return success();
}

LogicalResult FuseTable::matchAndRewrite(tosa::TableOp op, PatternRewriter &rewriter) const {
  std::optional<SmallVector<int64_t>> entries = constantIntegers(op.getTable());
  if (!entries || !isActivation(op.getInput1().getType()))
    return rewriter.notifyMatchFailure(op, "table must be a dense constant, and the input must have 8 or 16 bits");
  SmallVector<int16_t> table(entries->begin(), entries->end());
  auto numericsWith = [&](Type type, ArrayRef<int32_t> multiplier, ArrayRef<int32_t> shift, bool scale32) {
    auto [low, high] = integerRange(type);
    return accel::NumericsAttr::get(getContext(), low, high, {}, multiplier, shift, scale32, 0, 0, 0, 0, table);
  };
  if (isActivation(op.getType())) {
    rewriter.replaceOpWithNewOp<accel::TableOp>(op, op.getType(), op.getInput1(),
                                                numericsWith(op.getType(), {}, {}, true), nodeName(op), valueName(op));
    return success();
  }
  // 16 bits: every reader must be the rescale of the 23-bit result.
  auto rescale = op->hasOneUse() ? dyn_cast<tosa::RescaleOp>(*op->user_begin()) : tosa::RescaleOp();
  std::string reason;
  FailureOr<accel::NumericsAttr> numerics = rescale ? readRescale(rescale, reason) : FailureOr<accel::NumericsAttr>();
  if (failed(numerics) || numerics->getMultiplier().size() != 1 || !isActivation(rescale.getType()))
    return rewriter.notifyMatchFailure(op, "result is not rescaled to 8 or 16 bits by one factor");
  rewriter.setInsertionPoint(rescale);
  rewriter.replaceOpWithNewOp<accel::TableOp>(
      rescale, rescale.getType(), op.getInput1(),
      numericsWith(rescale.getType(), numerics->getMultiplier(), numerics->getShift(), numerics->getScale32()),
      nodeName(op, rescale), valueName(rescale));
  rewriter.eraseOp(op);
  return success();
}

void fuse::populateVectorPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseMaxPool, FuseAvgPool, FuseElementwise, FuseTable, FuseRescale>(patterns.getContext());
}
