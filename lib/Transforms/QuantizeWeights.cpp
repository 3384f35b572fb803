//===- QuantizeWeights.cpp - Weights and biases as integers ---------------===//

#include "QuantizePlan.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Remarks.h"

#include <cmath>

using namespace mlir;

namespace sparseaccel::quantize {

namespace {
/// The float weights of a convolution, and which output channel an element belongs to.
struct FloatWeights {
  std::vector<float> values, bias;
  int64_t channels = 0;
  bool depthwise = false;
  int64_t perChannel = 0;
  int64_t channelOf(size_t element) const {
    return depthwise ? static_cast<int64_t>(element) % channels : static_cast<int64_t>(element) / perChannel;
  }
};
} // namespace

static FailureOr<FloatWeights> read(Operation *op) {
  FloatWeights weights;
  FailureOr<std::vector<float>> values = floatValues(op->getOperand(1)), bias = floatValues(op->getOperand(2));
  if (failed(values) || failed(bias))
    return emitError(op->getLoc()) << "node '" << nodeName(op) << "': the weights and bias of " << op->getName()
                                   << " must be float32 constants";
  weights.values = std::move(*values);
  auto type = cast<RankedTensorType>(op->getOperand(1).getType());
  weights.depthwise = isa<tosa::DepthwiseConv2DOp>(op);
  weights.channels = weights.depthwise ? type.getDimSize(2) * type.getDimSize(3) : type.getDimSize(0);
  weights.perChannel = type.getNumElements() / std::max<int64_t>(weights.channels, 1);
  weights.bias = std::move(*bias);
  if (weights.bias.size() == 1)
    weights.bias.assign(weights.channels, weights.bias.front());
  for (const std::vector<float> *list : {&weights.values, &weights.bias})
    for (float value : *list)
      if (!std::isfinite(value))
        return emitError(op->getLoc()) << "node '" << nodeName(op) << "': a weight or bias is not finite";
  return weights;
}

FailureOr<Gain> contractionGain(Operation *op) {
  FailureOr<FloatWeights> weights = read(op);
  if (failed(weights))
    return failure();
  std::vector<double> sums(weights->channels, 0.0);
  Gain gain;
  for (auto [index, value] : llvm::enumerate(weights->values)) {
    const double magnitude = std::abs(static_cast<double>(value));
    double &sum = sums[weights->channelOf(index)];
    sum += magnitude;
    gain.weights = std::max(gain.weights, sum);
    gain.largestWeight = std::max(gain.largestWeight, magnitude);
  }
  for (float value : weights->bias)
    gain.bias = std::max(gain.bias, std::abs(static_cast<double>(value)));
  return gain;
}

/// The scales that the weights had in the model, one per output channel, where they can be kept.
static std::optional<std::vector<double>> ownScales(Operation *op, const FloatWeights &weights, Numerics numerics) {
  auto quant = op->getOperand(1).getDefiningOp()->getAttrOfType<DictionaryAttr>("sparsity.quant");
  if (!quant)
    return std::nullopt;
  auto drop = [&](const Twine &why) -> std::optional<std::vector<double>> {
    remark::missed(op->getLoc(), remark::RemarkOpts::name("requantized").category("sparse-quantize"))
        << "node '" + nodeName(op) + "': the weights' own scales are not kept: " + why.str();
    return std::nullopt;
  };
  if (numerics.int16)
    return drop("in int16 weights are quantised anew, whatever codes the model stores them in");
  auto scales = quant.getAs<DenseF32ArrayAttr>("scale");
  auto zeroPoints = quant.getAs<DenseI64ArrayAttr>("zero_point");
  auto axis = quant.getAs<IntegerAttr>("axis");
  if (!scales || scales.empty() || !zeroPoints || !axis)
    return drop("sparsity.quant needs scale, zero_point and axis");
  if (llvm::any_of(zeroPoints.asArrayRef(), [](int64_t zero) { return zero != 0; }))
    return drop("zero does not map to 0");
  const int64_t channelAxis = weights.depthwise ? 2 : 0;
  if (scales.size() != 1 && (axis.getInt() != channelAxis || scales.size() != weights.channels))
    return drop("they do not run along the output channels");
  std::vector<double> result(weights.channels);
  for (int64_t m = 0; m < weights.channels; ++m)
    result[m] = scales[scales.size() == 1 ? 0 : m];
  if (llvm::any_of(result, [](double scale) { return !(scale > 1e-30 && scale < 1e30); }))
    return drop("a scale is not positive");
  for (auto [index, value] : llvm::enumerate(weights.values))
    if (std::abs(value / result[weights.channelOf(index)]) > static_cast<double>(numerics.magnitude()) - 0.5)
      return drop("their codes do not fit 8 signed bits");
  return result;
}

FailureOr<Weights> quantizeWeights(Operation *op, Numerics numerics, double inputScale) {
  FailureOr<FloatWeights> weights = read(op);
  if (failed(weights))
    return failure();
  const int64_t channels = weights->channels;
  const auto top = static_cast<double>(numerics.top());
  const int64_t limit = int64_t(1) << (numerics.sumBits() - 1);

  Weights result;
  std::optional<std::vector<double>> own = ownScales(op, *weights, numerics);
  std::vector<double> largest(channels, 0.0);
  for (auto [index, value] : llvm::enumerate(weights->values)) {
    double &most = largest[weights->channelOf(index)];
    most = std::max(most, std::abs(static_cast<double>(value)));
  }
  result.scale.resize(channels);
  int64_t biased = 0;
  for (int64_t m = 0; m < channels; ++m) {
    result.scale[m] = own ? (*own)[m] : (largest[m] > 0 ? largest[m] : 1.0) / top;
    // A bias far larger than what the weights can add would not fit the sums: then the weights can do with fewer bits.
    const double most = std::abs(static_cast<double>(weights->bias[m])) / inputScale / static_cast<double>(limit / 4);
    if (result.scale[m] < most) {
      result.scale[m] = most;
      ++biased;
    }
  }
  if (biased)
    remark::missed(op->getLoc(), remark::RemarkOpts::name("coarser-weights").category("sparse-quantize"))
        << "node '" + nodeName(op) + "': the weights of " + std::to_string(biased) + " of " + std::to_string(channels) +
               " channels are coarsened so that their biases fit " + std::to_string(numerics.sumBits()) + "-bit sums";

  result.values.resize(weights->values.size());
  result.bias.resize(channels);
  std::vector<int64_t> sums(channels);
  while (true) {
    std::fill(sums.begin(), sums.end(), 0);
    for (auto [index, value] : llvm::enumerate(weights->values)) {
      const int64_t m = weights->channelOf(index);
      const double code = std::nearbyint(static_cast<double>(value) / result.scale[m]);
      result.values[index] = static_cast<int16_t>(std::clamp(code, -top - (own ? 1 : 0), top));
      sums[m] += std::abs(static_cast<int64_t>(result.values[index]));
    }
    // No partial sum can leave the type: |bias| + sum |w| * max |a| bounds them all.
    bool fits = true;
    result.largestSum = 0;
    for (int64_t m = 0; m < channels; ++m) {
      result.bias[m] = std::llround(static_cast<double>(weights->bias[m]) / (inputScale * result.scale[m]));
      const int64_t most = sums[m] * numerics.magnitude() + std::abs(result.bias[m]);
      result.largestSum = std::max(result.largestSum, most);
      if (most < limit)
        continue;
      remark::missed(op->getLoc(), remark::RemarkOpts::name("coarser-weights").category("sparse-quantize"))
          << "node '" + nodeName(op) + "': the sums of channel " + std::to_string(m) + " could reach " +
                 std::to_string(most) + ", which does not fit " + std::to_string(numerics.sumBits()) +
                 " bits; its weights are coarsened";
      result.scale[m] *= 1.01 * static_cast<double>(most) / static_cast<double>(limit);
      fits = false;
    }
    if (fits)
      return result;
  }
}

} // namespace sparseaccel::quantize
