//===- Elementwise.cpp - Operators that work element by element -----------===//

#include "Importer.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

constexpr float largest = std::numeric_limits<float>::max();

LogicalResult importUnary(NodeContext &node, llvm::function_ref<mlir::Value(mlir::Value)> emit) {
  ValueRef x = node.input(0);
  if (!x || node.failed())
    return failure();
  node.set(node.importer.elementwise(x, node.loc, emit));
  return success();
}

/// A number given as a constant operand or, in older opsets, as an attribute.
std::optional<double> bound(NodeContext &node, unsigned index, StringRef name, double otherwise) {
  if (node.importer.opset < 11)
    return node.floatAttr(name, otherwise);
  if (!node.hasInput(index))
    return otherwise;
  TensorRef tensor = node.constantInput(index, name);
  if (!tensor || !node.input(index))
    return std::nullopt;
  if (tensor->size() != 1) {
    node.error() << "operand " << index << " (the " << name << ") has shape " << shapeString(tensor->shape)
                 << "; expected one number";
    return std::nullopt;
  }
  return tensor->asDouble(0);
}

/// How an operand of lower rank lies in a layout of the result.
Layout alignedLayout(ArrayRef<int64_t> layout, int64_t missing) {
  Layout result;
  for (int64_t dim : layout)
    result.push_back(dim < missing ? -1 : dim - missing);
  return result;
}

/// The layout for a result that two operands make: that of an activation of full rank, where it names every dimension
/// that moves.
Layout commonLayout(Importer &importer, const ValueRef &a, const ValueRef &b, ArrayRef<int64_t> shape, Location loc) {
  auto rank = static_cast<int64_t>(shape.size());
  for (const ValueRef &operand : {a, b}) {
    if (operand->constant || operand->rank() != rank)
      continue;
    Layout layout = importer.nativeLayout(operand, loc);
    bool complete = true;
    for (int64_t d = 0; d < rank; ++d)
      complete &= shape[d] == 1 || is_contained(layout, d);
    if (complete)
      return layout;
  }
  return identityLayout(rank);
}

} // namespace

std::optional<Shape> broadcastShapes(NodeContext &node, ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  Shape shape(std::max(a.size(), b.size()), 1);
  for (ArrayRef<int64_t> side : {a, b})
    for (size_t d = 0; d < side.size(); ++d) {
      int64_t &extent = shape[shape.size() - side.size() + d];
      if (side[d] != 1 && extent != 1 && side[d] != extent) {
        node.error() << "operands have shapes " << shapeString(a) << " and " << shapeString(b)
                     << "; expected shapes that broadcast";
        return std::nullopt;
      }
      if (side[d] != 1)
        extent = side[d];
    }
  return node.importer.checkShape(node, shape) ? std::optional(shape) : std::nullopt;
}

ValueRef emitBinary(NodeContext &node, StringRef op, const ValueRef &a, const ValueRef &b) {
  Importer &importer = node.importer;
  auto shape = broadcastShapes(node, a->shape, b->shape);
  if (!shape)
    return nullptr;
  if (shape->empty()) { // TOSA's ops on scalars are refused by some of its lowerings
    ValueRef one = emitBinary(node, op, importer.reshaped(a, {1}), importer.reshaped(b, {1}));
    return one ? importer.reshaped(one, {}) : nullptr;
  }
  auto rank = static_cast<int64_t>(shape->size());
  Layout layout = commonLayout(importer, a, b, *shape, node.loc);
  auto left = importer.get(a, alignedLayout(layout, rank - a->rank()), node.loc);
  mlir::Value right;
  if (op == "Div" && b->constant) {
    auto inverse = importer.newConstant(node, DType::F32, b->shape);
    if (!inverse)
      return nullptr;
    for (int64_t i = 0; i < b->constant->size(); ++i)
      inverse->set(i, 1.0 / b->constant->asDouble(i));
    right = importer.get(importer.constant(inverse), alignedLayout(layout, rank - b->rank()), node.loc);
  } else {
    right = importer.get(b, alignedLayout(layout, rank - b->rank()), node.loc);
    if (op == "Div")
      right = tosa::ReciprocalOp::create(importer.builder, node.loc, right.getType(), right);
  }
  auto type = importer.type(physicalShape(*shape, layout));
  mlir::Value result;
  if (op == "Add")
    result = importer.add(left, right, node.loc);
  else if (op == "Sub")
    result = tosa::SubOp::create(importer.builder, node.loc, type, left, right);
  else if (op == "Pow")
    result = tosa::PowOp::create(importer.builder, node.loc, type, left, right);
  else if (op == "Max")
    result = tosa::MaximumOp::create(importer.builder, node.loc, type, left, right);
  else if (op == "Min")
    result = tosa::MinimumOp::create(importer.builder, node.loc, type, left, right);
  else if (is_contained({"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}, op))
    result = emitTruth(importer, op, left, right, node.loc);
  else
    result = importer.mul(left, right, node.loc);
  return importer.activation(result, layout, *shape);
}

LogicalResult importRelu(NodeContext &node) {
  return importUnary(node, [&](mlir::Value x) { return node.importer.clamp(x, 0, largest, node.loc); });
}

LogicalResult importLeakyRelu(NodeContext &node) {
  double alpha = node.floatAttr("alpha", 0.01);
  return importUnary(node, [&](mlir::Value x) -> mlir::Value {
    auto rank = cast<RankedTensorType>(x.getType()).getRank();
    auto scaled = node.importer.mul(x, node.importer.splat(static_cast<float>(alpha), rank, node.loc), node.loc);
    if (alpha <= 1)
      return tosa::MaximumOp::create(node.importer.builder, node.loc, x.getType(), x, scaled);
    return tosa::MinimumOp::create(node.importer.builder, node.loc, x.getType(), x, scaled);
  });
}

static bool anyComputed(NodeContext &node, ArrayRef<unsigned> operands) {
  return any_of(operands, [&](unsigned index) {
    ValueRef value = node.hasInput(index) ? node.importer.lookup(node.node.inputs[index]) : nullptr;
    return value && !value->constant;
  });
}

/// Clip between bounds of which one at least is computed.
static LogicalResult clipByValues(NodeContext &node) {
  ValueRef result = node.input(0);
  for (unsigned index : {1U, 2U}) {
    ValueRef limit = result && node.hasInput(index) ? node.input(index) : nullptr;
    if (limit && count_if(limit->shape, [](int64_t extent) { return extent != 1; }))
      return node.error() << "operand " << index << " has shape " << shapeString(limit->shape)
                          << "; expected one number",
             failure();
    if (limit)
      result = emitBinary(node, index == 1 ? "Max" : "Min", result, node.importer.reshaped(limit, {1}));
  }
  if (!result || node.failed())
    return failure();
  node.set(result);
  return success();
}

LogicalResult importClip(NodeContext &node) {
  if (!node.expectOperands(1, node.importer.opset < 11 ? 1 : 3))
    return failure();
  if (anyComputed(node, {1, 2}))
    return clipByValues(node);
  auto low = bound(node, 1, "min", -largest), high = bound(node, 2, "max", largest);
  if (!low || !high || node.failed())
    return failure();
  auto narrow = [](double value) { return static_cast<float>(std::clamp<double>(value, -largest, largest)); };
  if (std::isnan(*low) || std::isnan(*high) || *low > *high)
    return node.error() << "clips to [" << std::to_string(*low) << ", " << std::to_string(*high)
                        << "]; expected min <= max",
           failure();
  return importUnary(node,
                     [&](mlir::Value x) { return node.importer.clamp(x, narrow(*low), narrow(*high), node.loc); });
}

LogicalResult importSigmoid(NodeContext &node) {
  return importUnary(node, [&](mlir::Value x) -> mlir::Value {
    return tosa::SigmoidOp::create(node.importer.builder, node.loc, x.getType(), x);
  });
}

LogicalResult importTanh(NodeContext &node) {
  return importUnary(node, [&](mlir::Value x) -> mlir::Value {
    return tosa::TanhOp::create(node.importer.builder, node.loc, x.getType(), x);
  });
}

LogicalResult importBinary(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  ValueRef a = node.input(0), b = node.input(1);
  ValueRef result = a && b ? emitBinary(node, node.node.op, a, b) : nullptr;
  if (!result)
    return failure();
  node.set(result);
  return success();
}

LogicalResult importVariadic(NodeContext &node) {
  if (!node.expectOperands(1, std::numeric_limits<unsigned>::max()))
    return failure();
  bool mean = node.node.op == "Mean";
  StringRef op = mean || node.node.op == "Sum" ? StringRef("Add") : StringRef(node.node.op);
  ValueRef result = node.input(0);
  for (unsigned i = 1; result && i < node.node.inputs.size(); ++i) {
    ValueRef next = node.input(i);
    result = next ? emitBinary(node, op, result, next) : nullptr;
  }
  if (!result)
    return failure();
  if (size_t count = node.node.inputs.size(); mean && count > 1) {
    auto share = node.importer.newConstant(node, DType::F32, {1});
    if (!share)
      return failure();
    share->set(0, 1.0 / static_cast<double>(count));
    ValueRef factor = node.importer.constant(share);
    result = emitBinary(node, "Mul", result, result->rank() == 0 ? node.importer.reshaped(factor, {}) : factor);
    if (!result)
      return failure();
  }
  node.set(result);
  return success();
}

} // namespace sparseaccel::onnx
