//===- FuseLayersAbsorb.cpp - What layers take in -------------------------===//

#include "Constants.h"
#include "FuseLayers.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::fuse;

/// Positions of a window along an edge.
static int64_t positions(int64_t extent, int64_t pads, int64_t size, int64_t stride) {
  return (extent + pads - size) / stride + 1;
}

/// Rows and columns that a slice drops at the end of ranks 1 and 2; nullopt where it does anything else.
static std::optional<std::array<int64_t, 2>> droppedEnds(tosa::SliceOp slice) {
  std::optional<SmallVector<int64_t>> start = constantIntegers(slice.getStart()),
                                      size = constantIntegers(slice.getSize());
  auto input = dyn_cast<RankedTensorType>(slice.getInput1().getType());
  auto result = dyn_cast<RankedTensorType>(slice.getType());
  if (!start || !size || !input || !result || input.getRank() != 4)
    return std::nullopt;
  if (llvm::any_of(*start, [](int64_t value) { return value != 0; }) || result.getDimSize(0) != input.getDimSize(0) ||
      result.getDimSize(3) != input.getDimSize(3))
    return std::nullopt;
  return std::array<int64_t, 2>{input.getDimSize(1) - result.getDimSize(1), input.getDimSize(2) - result.getDimSize(2)};
}

/// Whether a window over the whole input has the same positions as over its sliced part.
static bool sliceChangesNothing(tosa::SliceOp slice, ArrayRef<int64_t> pads, ArrayRef<int64_t> size,
                                ArrayRef<int64_t> strides) {
  std::optional<std::array<int64_t, 2>> dropped = droppedEnds(slice);
  if (!dropped)
    return false;
  auto input = cast<RankedTensorType>(slice.getInput1().getType()), result = cast<RankedTensorType>(slice.getType());
  for (int edge = 0; edge < 2; ++edge) {
    int64_t low = pads[2 * edge], high = pads[2 * edge + 1];
    if ((*dropped)[edge] == 0)
      continue;
    // Padding below would take the place of elements that were dropped.
    if (high != 0 || positions(input.getDimSize(1 + edge), low, size[edge], strides[edge]) !=
                         positions(result.getDimSize(1 + edge), low, size[edge], strides[edge]))
      return false;
  }
  return true;
}

/// Extent of a contraction's window along both edges, dilation applied.
static std::array<int64_t, 2> windowSize(accel::ContractionOp op) {
  ArrayRef<int64_t> weights = op.getWeights().getType().getShape();
  return {(weights[1] - 1) * op.getDilations()[0] + 1, (weights[2] - 1) * op.getDilations()[1] + 1};
}

namespace {

/// Rows and columns that the exact-division rule of TOSA cut off are simply not used.
struct AbsorbSliceIntoContraction : OpRewritePattern<accel::ContractionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(accel::ContractionOp op, PatternRewriter &rewriter) const override {
    auto slice = op.getInput().getDefiningOp<tosa::SliceOp>();
    if (!slice || !sliceChangesNothing(slice, op.getPads(), windowSize(op), op.getStrides()))
      return rewriter.notifyMatchFailure(op, "input is no slice that the window does not see");
    rewriter.modifyOpInPlace(op, [&] { op.getInputMutable().assign(slice.getInput1()); });
    return success();
  }
};

struct AbsorbSliceIntoPool : OpRewritePattern<accel::PoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(accel::PoolOp op, PatternRewriter &rewriter) const override {
    auto slice = op.getInput().getDefiningOp<tosa::SliceOp>();
    if (!slice || !sliceChangesNothing(slice, op.getPads(), op.getKernel(), op.getStrides()))
      return rewriter.notifyMatchFailure(op, "input is no slice that the window does not see");
    rewriter.modifyOpInPlace(op, [&] { op.getInputMutable().assign(slice.getInput1()); });
    return success();
  }
};

/// Zero padding of rows and columns before a contraction is the contraction's own.
struct AbsorbPad : OpRewritePattern<accel::ContractionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(accel::ContractionOp op, PatternRewriter &rewriter) const override {
    auto pad = op.getInput().getDefiningOp<tosa::PadOp>();
    if (!pad || !isConstantZero(pad.getPadConst()))
      return rewriter.notifyMatchFailure(op, "input is not padded with zeros");
    std::optional<SmallVector<int64_t>> amounts = constantIntegers(pad.getPadding());
    if (!amounts || amounts->size() != 8 || (*amounts)[0] || (*amounts)[1] || (*amounts)[6] || (*amounts)[7])
      return rewriter.notifyMatchFailure(op, "images or channels are padded");
    SmallVector<int64_t> pads(op.getPads());
    for (int edge = 0; edge < 4; ++edge)
      pads[edge] += (*amounts)[2 + edge];
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(pad.getInput1());
      op.setPads(pads);
    });
    return success();
  }
};

/// A clamp that alone reads a layer narrows the layer's own clamp.
struct AbsorbClamp : OpRewritePattern<tosa::ClampOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::ClampOp op, PatternRewriter &rewriter) const override {
    Operation *layer = op.getInput().getDefiningOp();
    if (!isa_and_nonnull<accel::ContractionOp, accel::PoolOp, accel::ElementwiseOp, accel::RescaleOp, accel::TableOp>(
            layer) ||
        !op.getInput().hasOneUse())
      return rewriter.notifyMatchFailure(op, "input is no layer of its own");
    auto lowest = dyn_cast<IntegerAttr>(op.getMinVal()), highest = dyn_cast<IntegerAttr>(op.getMaxVal());
    if (!lowest || !highest)
      return rewriter.notifyMatchFailure(op, "bounds are no integers");
    auto numerics = layer->getAttrOfType<accel::NumericsAttr>("numerics");
    // clamp(clamp(x, a, b), c, d) where the ranges do not meet is a constant; one clamp says it too.
    int64_t low = std::clamp(numerics.getClampMin(), lowest.getInt(), highest.getInt());
    int64_t high = std::clamp(numerics.getClampMax(), lowest.getInt(), highest.getInt());
    rewriter.modifyOpInPlace(layer, [&] {
      layer->setAttr("numerics", numerics.withClamp(low, high));
      layer->setAttr("value", rewriter.getStringAttr(valueName(op)));
    });
    rewriter.replaceOp(op, layer->getResults());
    return success();
  }
};

/// TOSA has no groups: slices of the channels, one convolution each, side by side again. All of them together are one
/// contraction with groups.
struct Regroup : OpRewritePattern<tosa::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::ConcatOp op, PatternRewriter &rewriter) const override;
};

} // namespace

LogicalResult Regroup::matchAndRewrite(tosa::ConcatOp op, PatternRewriter &rewriter) const {
  SmallVector<accel::ContractionOp> parts;
  Value source;
  int64_t channel = 0;
  if (op.getAxis() != 3 || op.getInput1().size() < 2)
    return rewriter.notifyMatchFailure(op, "does not concatenate channels");
  for (Value operand : op.getInput1()) {
    auto part = operand.getDefiningOp<accel::ContractionOp>();
    if (!part || !operand.hasOneUse())
      return rewriter.notifyMatchFailure(op, "operand is no contraction of its own");
    auto slice = part.getInput().getDefiningOp<tosa::SliceOp>();
    std::optional<SmallVector<int64_t>> start = slice ? constantIntegers(slice.getStart()) : std::nullopt;
    if (!start || (source && slice.getInput1() != source))
      return rewriter.notifyMatchFailure(op, "inputs are no slices of one value");
    source = slice.getInput1();
    auto sourceType = cast<RankedTensorType>(source.getType()), type = part.getInput().getType();
    if ((*start)[0] || (*start)[1] || (*start)[2] || (*start)[3] != channel ||
        type.getShape().take_front(3) != sourceType.getShape().take_front(3))
      return rewriter.notifyMatchFailure(op, "inputs are no consecutive channels of one value");
    channel += type.getDimSize(3);
    if (!parts.empty()) {
      accel::ContractionOp first = parts.front();
      accel::NumericsAttr one = part.getNumerics(), other = first.getNumerics();
      if (part.getStrides() != first.getStrides() || part.getPads() != first.getPads() ||
          part.getDilations() != first.getDilations() || part.getWeights().getType() != first.getWeights().getType() ||
          one.getScale32() != other.getScale32() || one.getClampMin() != other.getClampMin() ||
          one.getClampMax() != other.getClampMax())
        return rewriter.notifyMatchFailure(op, "contractions differ");
    }
    if (part.getGroups() != 1 || !constantElements(part.getWeights()))
      return rewriter.notifyMatchFailure(op, "contraction has groups or no constant weights");
    parts.push_back(part);
  }
  if (channel != cast<RankedTensorType>(source.getType()).getDimSize(3))
    return rewriter.notifyMatchFailure(op, "inputs do not cover the value's channels");

  accel::ContractionOp first = parts.front();
  RankedTensorType partType = first.getWeights().getType();
  int64_t filters = partType.getDimSize(0), groups = static_cast<int64_t>(parts.size());
  bool biased = llvm::any_of(parts, [](accel::ContractionOp part) { return !part.getNumerics().getBias().empty(); });
  std::vector<char> bytes;
  SmallVector<int64_t> bias;
  SmallVector<int32_t> multiplier, shift;
  for (accel::ContractionOp part : parts) {
    std::vector<char> storage;
    ArrayRef<char> own = constantBytes(constantElements(part.getWeights()), storage);
    bytes.insert(bytes.end(), own.begin(), own.end());
    accel::NumericsAttr numerics = part.getNumerics();
    SmallVector<int64_t> partBias(numerics.getBias());
    partBias.resize(filters, 0);
    if (biased)
      bias.append(partBias);
    for (auto [all, some] :
         {std::pair(&multiplier, numerics.getMultiplier()), std::pair(&shift, numerics.getShift())}) {
      SmallVector<int32_t> partial(some);
      if (partial.size() == 1)
        partial.assign(filters, partial.front());
      all->append(partial);
    }
  }
  SmallVector<int64_t> shape(partType.getShape());
  shape[0] *= groups;
  std::string name = nodeName(op);
  Value weights = createResource(rewriter, first.getWeights().getLoc(),
                                 RankedTensorType::get(shape, partType.getElementType()), bytes, name + ".weights");
  auto numerics =
      accel::NumericsAttr::getRescale(getContext(), bias, multiplier, shift, first.getNumerics().getScale32(),
                                      first.getNumerics().getClampMin(), first.getNumerics().getClampMax());
  auto kind = partType.getDimSize(3) == 1 ? accel::ContractionKind::Depthwise : accel::ContractionKind::Conv;
  rewriter.replaceOpWithNewOp<accel::ContractionOp>(
      op, cast<RankedTensorType>(op.getType()), kind, source, weights, first.getStrides(), first.getPads(),
      first.getDilations(), groups, numerics, first.getLayer(), valueName(op), accel::MappingAttr(), ArrayAttr());
  return success();
}

void fuse::populateAbsorptionPatterns(RewritePatternSet &patterns) {
  patterns.add<AbsorbSliceIntoContraction, AbsorbSliceIntoPool, AbsorbPad, AbsorbClamp, Regroup>(patterns.getContext());
}
