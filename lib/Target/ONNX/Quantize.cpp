//===- Quantize.cpp - QuantizeLinear and DequantizeLinear -----------------===//
//
// Codes of weights become floats that remember their scale. On activations a pair is no op but a mark for
// --sparse-quantize (see Import.h).
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

/// Scale and zero point of a node, as they apply to a tensor of some shape.
struct Parameters {
  TensorRef scale, zeroPoint; ///< zeroPoint: null for 0.
  int64_t axis = -1;          ///< -1: one for all.
  int64_t block = 0;          ///< Elements of `axis` that share a scale; 0: each has its own.
};

std::optional<Parameters> readParameters(NodeContext &node, ArrayRef<int64_t> shape) {
  Parameters result;
  int64_t opset = node.importer.opset, axis = opset >= 13 ? node.intAttr("axis", 1) : 0,
          block = opset >= 21 ? node.intAttr("block_size", 0) : 0;
  if (opset < 10)
    return node.error() << "is an operator of opset 10 and later", std::nullopt;
  if (!node.expectOperands(2, 3))
    return std::nullopt;
  result.scale = node.constantInput(1, "scale");
  if (node.hasInput(2))
    result.zeroPoint = node.constantInput(2, "zero point");
  if (node.failed())
    return std::nullopt;
  if (!isFloat(result.scale->type) || (result.zeroPoint && isFloat(result.zeroPoint->type)))
    return node.error() << "has a scale of " << dtypeName(result.scale->type) << " and a zero point of "
                        << (result.zeroPoint ? dtypeName(result.zeroPoint->type) : StringRef("nothing"))
                        << "; expected float32 and integers",
           std::nullopt;
  for (int64_t i = 0, e = result.scale->size(); i < e; ++i)
    if (double scale = result.scale->asDouble(i); !(scale > 0) || !std::isfinite(scale))
      return node.error() << "has scale " << std::to_string(scale) << "; expected a positive number", std::nullopt;
  if (result.zeroPoint && result.zeroPoint->size() != result.scale->size())
    return node.error() << "has " << result.scale->size() << " scales and " << result.zeroPoint->size()
                        << " zero points; expected as many",
           std::nullopt;
  if (result.scale->size() == 1 && block == 0)
    return result;

  result.axis = node.axis(axis, static_cast<int64_t>(shape.size()));
  if (node.failed())
    return std::nullopt;
  Shape expected{shape[result.axis]};
  if (block != 0) {
    if (block < 0)
      return node.error() << "attribute 'block_size' is " << block << "; expected at least 0", std::nullopt;
    result.block = block;
    expected.assign(shape.begin(), shape.end());
    expected[result.axis] = (expected[result.axis] - 1) / block + 1;
  }
  if (result.scale->shape != expected)
    return node.error() << "has scales of shape " << shapeString(result.scale->shape) << "; expected one, or shape "
                        << shapeString(expected),
           std::nullopt;
  return result;
}

/// Calls `visit(element, parameter)` for every element.
void forEachElement(ArrayRef<int64_t> shape, const Parameters &parameters,
                    llvm::function_ref<void(int64_t, int64_t)> visit) {
  int64_t count = 1, inner = 1;
  for (int64_t extent : shape)
    count *= extent;
  if (parameters.axis >= 0)
    for (int64_t extent : shape.drop_front(parameters.axis + 1))
      inner *= extent;
  for (int64_t i = 0; i < count; ++i) {
    int64_t parameter = 0;
    if (parameters.axis >= 0) {
      int64_t extent = shape[parameters.axis], along = i / inner % extent;
      parameter = along;
      if (parameters.block) {
        int64_t blocks = (extent - 1) / parameters.block + 1;
        parameter = (i / (inner * extent) * blocks + along / parameters.block) * inner + i % inner;
      }
    }
    visit(i, parameter);
  }
}

std::pair<double, double> rangeOf(DType type) {
  switch (type) {
  case DType::I8:
    return {-128, 127};
  case DType::U8:
    return {0, 255};
  case DType::I16:
    return {-32768, 32767};
  case DType::U16:
    return {0, 65535};
  default:
    return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
  }
}

/// Whether the op that makes a value leaves no element beyond [low, high].
bool liesWithin(mlir::Value value, double low, double high, unsigned depth = 0) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > 16)
    return false;
  if (auto clamp = dyn_cast<tosa::ClampOp>(op)) {
    auto bound = [](mlir::Attribute attr) { return cast<FloatAttr>(attr).getValue().convertToDouble(); };
    return bound(clamp.getMinVal()) >= low && bound(clamp.getMaxVal()) <= high;
  }
  if (isa<tosa::SigmoidOp>(op))
    return low <= 0 && high >= 1;
  if (auto call = dyn_cast<func::CallOp>(op))
    return call.getCallee().starts_with("softmax.") && low <= 0 && high >= 1;
  if (isa<tosa::MaxPool2dOp, tosa::AvgPool2dOp, tosa::ReshapeOp, tosa::TransposeOp, tosa::SliceOp>(op))
    return liesWithin(op->getOperand(0), low, high, depth + 1);
  if (isa<tosa::ConcatOp>(op))
    return llvm::all_of(op->getOperands(),
                        [&](mlir::Value operand) { return liesWithin(operand, low, high, depth + 1); });
  return false;
}

/// Marks the op (or the argument) that makes an activation with the scale that the model gives it.
void markScale(NodeContext &node, mlir::Value value, double scale, int64_t zeroPoint, DType codes) {
  auto &builder = node.importer.builder;
  const bool isUnsigned = codes == DType::U8 || codes == DType::U16;
  auto typeAttr = TypeAttr::get(builder.getIntegerType(codes == DType::I8 || codes == DType::U8 ? 8 : 16,
                                                       /*isSigned=*/!isUnsigned));
  auto scaleAttr = builder.getF64FloatAttr(scale);
  auto zeroAttr = builder.getI64IntegerAttr(zeroPoint);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    if (auto given = function.getArgAttrOfType<FloatAttr>(argument.getArgNumber(), "sparsity.act_scale")) {
      if (given != scaleAttr)
        node.importer.warning(node.node,
                              "quantises a value for the second time with another scale; the first one is kept");
      return;
    }
    function.setArgAttr(argument.getArgNumber(), "sparsity.act_scale", scaleAttr);
    function.setArgAttr(argument.getArgNumber(), "sparsity.act_zero_point", zeroAttr);
    function.setArgAttr(argument.getArgNumber(), "sparsity.act_type", typeAttr);
    return;
  }
  Operation *op = value.getDefiningOp();
  if (auto given = op->getAttrOfType<FloatAttr>("sparsity.act_scale")) {
    if (given != scaleAttr)
      node.importer.warning(node.node,
                            "quantises a value for the second time with another scale; the first one is kept");
    return;
  }
  op->setAttr("sparsity.act_scale", scaleAttr);
  op->setAttr("sparsity.act_zero_point", zeroAttr);
  op->setAttr("sparsity.act_type", typeAttr);
}

} // namespace

LogicalResult importQuantizeLinear(NodeContext &node) {
  Importer &importer = node.importer;
  ValueRef x = node.input(0);
  auto parameters = x ? readParameters(node, x->shape) : std::nullopt;
  if (!parameters)
    return failure();
  DType type = parameters->zeroPoint ? parameters->zeroPoint->type : DType::U8;
  if (importer.opset >= 19)
    node.ignoreAttr("saturate"); // speaks of 8-bit floats
  if (importer.opset >= 21) {
    int64_t code = node.intAttr("output_dtype", 0);
    auto stated = code ? dtypeFromOnnx(static_cast<int32_t>(std::clamp<int64_t>(code, -1, 100))) : std::optional(type);
    if (!stated || (parameters->zeroPoint && *stated != type))
      return node.error() << "attribute 'output_dtype' is " << code << "; expected the zero point's type, "
                          << dtypeName(type),
             failure();
    type = *stated;
  }
  if (type != DType::I8 && type != DType::U8 && type != DType::I16 && type != DType::U16)
    return node.error() << "quantises to " << dtypeName(type) << "; expected an integer of 8 or 16 bits", failure();
  auto [low, high] = rangeOf(type);
  if (x->constant) {
    auto result = importer.newConstant(node, type, x->shape);
    if (!result)
      return failure();
    forEachElement(x->shape, *parameters, [&, low = low, high = high](int64_t i, int64_t p) {
      double zero = parameters->zeroPoint ? static_cast<double>(parameters->zeroPoint->asInt(p)) : 0;
      double code = std::nearbyint(x->constant->asDouble(i) / parameters->scale->asDouble(p)) + zero;
      result->set(i, std::clamp(code, low, high));
    });
    node.set(importer.constant(result));
    return success();
  }
  if (parameters->scale->size() != 1)
    return node.error() << "quantises an activation with " << parameters->scale->size() << " scales; expected one",
           failure();
  auto result = std::make_shared<GraphValue>();
  result->shape = x->shape;
  result->base = x;
  result->codes = GraphValue::Codes{parameters->scale->asDouble(0),
                                    parameters->zeroPoint ? parameters->zeroPoint->asInt(0) : 0, type};
  node.set(result);
  return success();
}

LogicalResult importDequantizeLinear(NodeContext &node) {
  Importer &importer = node.importer;
  ValueRef x = node.anyInput(0);
  auto parameters = x ? readParameters(node, x->shape) : std::nullopt;
  if (!parameters)
    return failure();
  const TensorRef &zeros = parameters->zeroPoint;
  if (x->constant) {
    const HostTensor &codes = *x->constant;
    if (isFloat(codes.type) || (zeros && zeros->type != codes.type))
      return node.error() << "operand 0 is of " << dtypeName(codes.type) << " and the zero point of "
                          << (zeros ? dtypeName(zeros->type) : StringRef("nothing")) << "; expected one integer type",
             failure();
    auto result = importer.newConstant(node, DType::F32, x->shape);
    if (!result)
      return failure();
    result->name = codes.name;
    forEachElement(x->shape, *parameters, [&](int64_t i, int64_t p) {
      double zero = zeros ? static_cast<double>(zeros->asInt(p)) : 0;
      result->set(i, (static_cast<double>(codes.asInt(i)) - zero) * parameters->scale->asDouble(p));
    });
    if (!parameters->block) {
      QuantInfo info;
      info.axis = parameters->axis;
      info.scale = parameters->scale->toFloats();
      info.zeroPoint = zeros ? zeros->toInts() : std::vector<int64_t>(info.scale.size(), 0);
      result->quant = std::move(info);
    }
    node.set(importer.constant(result));
    return success();
  }

  if (!x->codes)
    return node.error() << "operand 0 ('" << node.node.inputs[0]
                        << "') is a float32 activation; expected constant codes, or the result of a "
                        << "QuantizeLinear",
           failure();
  auto [scale, zeroPoint, type] = *x->codes;
  if (parameters->scale->size() != 1 || parameters->scale->asDouble(0) != scale ||
      (zeros ? zeros->asInt(0) : 0) != zeroPoint)
    return node.error() << "has another scale or zero point than the QuantizeLinear before it; expected "
                        << std::to_string(scale) << " and " << zeroPoint,
           failure();
  // The lazy reshape is carried out on the other side of the mark, so that the mark stays with the op that computes.
  ValueRef value = x->base;
  auto [low, high] = rangeOf(type);
  // Codes saturate, and a model may mean it so: a ReLU or a ReLU6 whose bounds are those of the codes is left out by
  // those who write such models.
  auto least = static_cast<float>((low - static_cast<double>(zeroPoint)) * scale);
  auto most = static_cast<float>((high - static_cast<double>(zeroPoint)) * scale);
  auto root = [&](const ValueRef &of) { return !of->constant && of->forms.empty() && of->base ? of->base : of; };
  auto maker = [&] {
    ValueRef from = root(value);
    return importer.get(from, importer.nativeLayout(from, node.loc), node.loc);
  };
  if (!liesWithin(maker(), least, most))
    value = importer.elementwise(value, node.loc,
                                 [&](mlir::Value of) { return importer.clamp(of, least, most, node.loc); });
  markScale(node, maker(), scale, zeroPoint, type);
  node.set(value);
  return success();
}

} // namespace sparseaccel::onnx
