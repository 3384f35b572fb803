//===- Conv.cpp - Convolution and batch normalisation ---------------------===//

#include "Contraction.h"
#include "Normalise.h"
#include "Window.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

#include <cmath>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

mlir::Value emitConv(Importer &importer, mlir::Value image, std::vector<float> weights, ArrayRef<int64_t> weightShape,
                     std::vector<float> bias, const Window &window, bool depthwise, StringRef name,
                     const std::optional<QuantInfo> &quant, Location loc) {
  auto &builder = importer.builder;
  auto shape = cast<RankedTensorType>(image.getType()).getShape();
  auto channels = static_cast<int64_t>(bias.size());
  auto type = importer.type({shape[0], window.out[0], window.out[1], channels});
  auto kernel = importer.weights(std::move(weights), weightShape, name, loc, quant);
  auto offsets = importer.constFloats(bias, {channels}, loc);
  int64_t pad[] = {window.low[0], window.high[0], window.low[1], window.high[1]};
  auto zero = importer.zeroPoint();
  if (depthwise)
    return tosa::DepthwiseConv2DOp::create(builder, loc, type, image, kernel, offsets, zero, zero, pad, window.stride,
                                           window.dilation, builder.getF32Type());
  return tosa::Conv2DOp::create(builder, loc, type, image, kernel, offsets, zero, zero, pad, window.stride,
                                window.dilation, builder.getF32Type());
}

void applyEpilogue(const Epilogue &epilogue, std::vector<float> &weights, std::vector<float> &bias,
                   std::optional<QuantInfo> &quant) {
  size_t channels = bias.size();
  if (!epilogue.scale.empty()) {
    size_t perChannel = weights.size() / channels;
    for (size_t m = 0; m < channels; ++m) {
      for (size_t k = 0; k < perChannel; ++k)
        weights[m * perChannel + k] = static_cast<float>(weights[m * perChannel + k] * epilogue.scale[m]);
      bias[m] = static_cast<float>(bias[m] * epilogue.scale[m]);
    }
    quant.reset(); // the weights are no longer codes times one scale
  }
  for (size_t m = 0; m < epilogue.bias.size(); ++m)
    bias[m] = static_cast<float>(bias[m] + epilogue.bias[m]);
}

/// The part of the weights' origin that belongs to output channels [first, first + count).
static std::optional<QuantInfo> quantOf(const std::optional<QuantInfo> &quant, int64_t first, int64_t count) {
  if (!quant || quant->axis != 0)
    return quant;
  QuantInfo part = *quant;
  part.scale.assign(quant->scale.begin() + first, quant->scale.begin() + first + count);
  part.zeroPoint.assign(quant->zeroPoint.begin() + first, quant->zeroPoint.begin() + first + count);
  return part;
}

LogicalResult importConv(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(2, 3))
    return failure();
  ValueRef x = node.input(0);
  TensorRef w = node.constantInput(1, "weights");
  if (!x || !w || !node.input(1))
    return failure();
  int64_t rank = x->rank();
  if (rank != 3 && rank != 4)
    return node.error() << "operand 0 has shape " << shapeString(x->shape) << "; expected [N, C, W] or [N, C, H, W]",
           failure();
  int64_t groups = node.intAttr("group", 1), channels = x->shape[1];
  if (groups < 1 || channels % groups != 0)
    return node.error() << "attribute 'group' is " << groups << "; expected a divisor of the " << channels
                        << " input channels",
           failure();
  if (static_cast<int64_t>(w->shape.size()) != rank || w->shape[1] != channels / groups || w->shape[0] % groups != 0)
    return node.error() << "the weights have shape " << shapeString(w->shape) << "; expected [M, " << channels / groups
                        << ", " << (rank == 3 ? "S" : "R, S") << "] with M a multiple of " << groups,
           failure();
  int64_t outputs = w->shape[0];
  ArrayRef<int64_t> kernel = ArrayRef<int64_t>(w->shape).drop_front(2),
                    spatial = ArrayRef<int64_t>(x->shape).drop_front(2);
  if (auto stated = node.intsAttr("kernel_shape"); stated && ArrayRef<int64_t>(*stated) != kernel)
    return node.error() << "attribute 'kernel_shape' is " << shapeString(*stated) << "; expected "
                        << shapeString(kernel) << ", the shape of the weights",
           failure();
  auto window = readWindow(node, spatial, kernel, /*dilations=*/true, /*ceilMode=*/false);
  if (!window)
    return failure();
  std::vector<float> bias(outputs, 0.0f);
  if (node.hasInput(2)) {
    TensorRef b = node.constantInput(2, "bias");
    if (!b || !node.input(2))
      return failure();
    if (b->shape.size() != 1 || b->shape[0] != outputs)
      return node.error() << "the bias has shape " << shapeString(b->shape) << "; expected [" << outputs << "]",
             failure();
    bias = b->toFloats();
  }
  constexpr int64_t mostGroups = 1024;
  if (groups > mostGroups && channels != groups)
    return node.error() << "attribute 'group' is " << groups << "; expected at most " << mostGroups
                        << ", or as many as there are channels",
           failure();
  if (!importer.charge(node, w->size() * sizeof(float)))
    return failure();
  Shape outShape{x->shape[0], outputs};
  if (rank == 4)
    outShape.push_back(window->out[0]);
  outShape.push_back(window->out[1]);
  if (!importer.checkShape(node, outShape))
    return failure();

  // ONNX's order (M, C, R, S) is a permutation away from both of TOSA's.
  std::string output = node.node.outputs.empty() ? "" : node.node.outputs[0];
  auto quant = w->quant;
  std::vector<float> weights = w->toFloats();
  applyEpilogue(importer.takeEpilogue(node.node, outputs, rank, rank - 2, output), weights, bias, quant);
  int64_t rows = rank == 3 ? 1 : kernel[0], columns = kernel.back(), perGroup = outputs / groups,
          depth = channels / groups;
  auto image = sliceUsed(importer, importer.get(x, featureLayout(rank), node.loc), *window, node.loc);
  mlir::Value result;
  if (groups > 1 && depth == 1) {
    std::vector<float> ordered(weights.size());
    for (int64_t m = 0; m < outputs; ++m)
      for (int64_t k = 0; k < rows * columns; ++k)
        ordered[k * outputs + m] = weights[m * rows * columns + k];
    if (quant && quant->axis == 0)
      quant->axis = 2;
    else if (quant && quant->axis > 0)
      quant.reset();
    result = emitConv(importer, image, std::move(ordered), {rows, columns, channels, perGroup}, bias, *window,
                      /*depthwise=*/true, w->name, quant, node.loc);
  } else {
    static constexpr int64_t tosaAxis[] = {0, 3, 1, 2};
    SmallVector<mlir::Value> parts;
    for (int64_t g = 0; g < groups; ++g) {
      std::vector<float> ordered(weights.size() / groups);
      const float *from = weights.data() + g * ordered.size();
      for (int64_t m = 0; m < perGroup; ++m)
        for (int64_t c = 0; c < depth; ++c)
          for (int64_t k = 0; k < rows * columns; ++k)
            ordered[(m * rows * columns + k) * depth + c] = *from++;
      auto part = quantOf(quant, g * perGroup, perGroup);
      if (part && part->axis >= 0)
        part->axis = tosaAxis[rank == 3 && part->axis == 2 ? 3 : part->axis];
      auto shape = cast<RankedTensorType>(image.getType()).getShape();
      auto slice = importer.slice(image, {0, 0, 0, g * depth}, {shape[0], shape[1], shape[2], depth}, node.loc);
      parts.push_back(emitConv(importer, slice, std::move(ordered), {perGroup, rows, columns, depth},
                               {bias.begin() + g * perGroup, bias.begin() + (g + 1) * perGroup}, *window,
                               /*depthwise=*/false, w->name, part, node.loc));
    }
    result = importer.concat(parts, 3, node.loc);
  }
  importer.define(output, importer.activation(result, featureLayout(rank), outShape));
  return success();
}

//===----------------------------------------------------------------------===//
// Folding of what follows
//===----------------------------------------------------------------------===//

/// y = x * scale + bias of a BatchNormalization in inference, per channel; nullopt where its parameters are not
/// `channels` constants.
static std::optional<Epilogue> normalisation(Importer &importer, const Node &node, int64_t channels) {
  if (node.inputs.size() != 5)
    return std::nullopt;
  std::vector<float> parameters[4];
  for (int p = 0; p < 4; ++p) {
    ValueRef value = importer.lookup(node.inputs[p + 1]);
    if (!value || !value->constant || !isFloat(value->constant->type) || value->shape.size() != 1 ||
        value->shape[0] != channels)
      return std::nullopt;
    parameters[p] = value->constant->toFloats();
  }
  double epsilon = 1e-5;
  for (const Attribute &attribute : node.attributes) {
    if (attribute.name == "epsilon" && attribute.kind == Attribute::Float)
      epsilon = attribute.f;
    if ((attribute.name == "training_mode" && attribute.i != 0) || (attribute.name == "spatial" && attribute.i == 0))
      return std::nullopt;
  }
  Epilogue result;
  for (int64_t c = 0; c < channels; ++c) {
    double scale = parameters[0][c] / std::sqrt(parameters[3][c] + epsilon);
    result.scale.push_back(scale);
    result.bias.push_back(parameters[1][c] - parameters[2][c] * scale);
  }
  return result;
}

/// A constant that is one number per channel (or one for all), given how it broadcasts against a value of `rank`.
static std::optional<std::vector<double>> perChannel(const ValueRef &value, int64_t channels, int64_t rank,
                                                     int64_t fromEnd) {
  if (!value || !value->constant || !isFloat(value->constant->type) || value->rank() > rank)
    return std::nullopt;
  int64_t size = value->constant->size();
  int64_t channelDim = value->rank() - 1 - fromEnd;
  bool one = size == 1;
  if (!one && (size != channels || channelDim < 0 || value->shape[channelDim] != channels))
    return std::nullopt;
  std::vector<double> result;
  for (int64_t c = 0; c < channels; ++c)
    result.push_back(value->constant->asDouble(one ? 0 : c));
  return result;
}

Epilogue Importer::takeEpilogue(const Node &node, int64_t channels, int64_t rank, int64_t fromEnd,
                                std::string &output) {
  Epilogue result;
  while (uses.lookup(output) == 1) {
    const Node *next = consumers.lookup(output);
    if (!next || !next->domain.empty() || next->outputs.empty() || next->outputs[0].empty())
      break;
    bool first = next->inputs[0] == output;
    std::vector<double> scale, bias;
    if (next->op == "BatchNormalization") {
      bool onlyOne =
          llvm::none_of(llvm::drop_begin(next->outputs), [&](const std::string &name) { return isUsed(name); });
      if (!first || !onlyOne || fromEnd != rank - 2)
        break;
      auto step = normalisation(*this, *next, channels);
      if (!step)
        break;
      scale = step->scale;
      bias = step->bias;
    } else if ((next->op == "Add" || next->op == "Mul" || (next->op == "Sub" && first)) && next->inputs.size() == 2) {
      auto constant = perChannel(lookup(next->inputs[first ? 1 : 0]), channels, rank, fromEnd);
      if (!constant)
        break;
      (next->op == "Mul" ? scale : bias) = *constant;
      if (next->op == "Sub")
        for (double &value : bias)
          value = -value;
    } else {
      break;
    }
    if (!scale.empty()) {
      if (result.scale.empty())
        result.scale.assign(channels, 1.0);
      for (int64_t c = 0; c < channels; ++c) {
        result.scale[c] *= scale[c];
        if (!result.bias.empty())
          result.bias[c] *= scale[c];
      }
    }
    if (!bias.empty()) {
      if (result.bias.empty())
        result.bias.assign(channels, 0.0);
      for (int64_t c = 0; c < channels; ++c)
        result.bias[c] += bias[c];
    }
    folded.insert(next);
    output = next->outputs[0];
  }
  return result;
}

LogicalResult importBatchNormalization(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(5, 5))
    return failure();
  ValueRef x = node.input(0);
  if (!x)
    return failure();
  if (x->rank() < 2 || x->rank() > 4)
    return node.error() << "operand 0 has shape " << shapeString(x->shape)
                        << "; expected [N, C], [N, C, W] or [N, C, H, W]",
           failure();
  double epsilon = node.floatAttr("epsilon", 1e-5);
  node.ignoreAttr("momentum");
  if (node.intAttr("training_mode", 0) != 0)
    return node.error() << "is in training mode; expected a model exported for inference", failure();
  if (importer.opset < 9 && node.intAttr("spatial", 1) == 0)
    return node.error() << "normalises every element by its own statistics (spatial = 0); expected spatial = 1",
           failure();
  for (unsigned output = 1; output < node.node.outputs.size(); ++output)
    if (node.isUsed(output))
      return node.error() << "gives its running statistics as output " << output
                          << "; expected a model exported for inference",
             failure();
  for (unsigned p = 1; p < 5; ++p) {
    ValueRef parameter = node.anyInput(p);
    if (!parameter || node.failed())
      return failure();
    if (!parameter->constant)
      return normaliseByValues(node, x, epsilon);
  }
  for (unsigned p = 1; p < 5; ++p)
    if (!node.constantInput(p, "parameter") || !node.input(p))
      return failure();
  int64_t channels = x->shape[1];
  auto step = normalisation(importer, node.node, channels);
  if (node.failed())
    return failure();
  if (!step)
    return node.error() << "has parameters of another length than " << channels << ", the number of channels",
           failure();

  // Without a contraction before it: a depthwise one of 1x1, which every accelerator has.
  Layout layout = featureLayout(x->rank());
  auto image = importer.get(x, layout, node.loc);
  auto shape = cast<RankedTensorType>(image.getType()).getShape();
  Window window;
  for (int d = 0; d < 2; ++d)
    window.in[d] = window.out[d] = window.used[d] = shape[d + 1];
  std::vector<float> scale(step->scale.begin(), step->scale.end()), bias(step->bias.begin(), step->bias.end());
  auto result = emitConv(importer, image, scale, {1, 1, channels, 1}, bias, window, /*depthwise=*/true, node.node.name,
                         std::nullopt, node.loc);
  node.set(importer.activation(result, layout, x->shape));
  return success();
}

} // namespace sparseaccel::onnx
