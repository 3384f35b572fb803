//===- Reduce.cpp - Reductions ---------------------------------------------===//

#include "Formula.h"
#include "Reduce.h"

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

ValueRef emitReduce(Importer &importer, StringRef op, const ValueRef &x, ArrayRef<int64_t> axes, Location loc) {
  Layout layout = importer.nativeLayout(x, loc);
  for (int64_t axis : axes)
    if (x->shape[axis] != 1 && !is_contained(layout, axis))
      layout = identityLayout(x->rank());
  auto value = importer.get(x, layout, loc);
  Shape kept(x->shape);
  double count = 1;
  for (int64_t axis : axes) {
    kept[axis] = 1;
    if (x->shape[axis] == 1)
      continue;
    auto position = static_cast<uint32_t>(find(layout, axis) - layout.begin());
    Shape partial(cast<RankedTensorType>(value.getType()).getShape());
    count *= static_cast<double>(partial[position]);
    partial[position] = 1;
    auto type = importer.type(partial);
    if (op == "ReduceMax")
      value = tosa::ReduceMaxOp::create(importer.builder, loc, type, value, position);
    else if (op == "ReduceMin")
      value = tosa::ReduceMinOp::create(importer.builder, loc, type, value, position);
    else if (op == "ReduceProd")
      value = tosa::ReduceProductOp::create(importer.builder, loc, type, value, position);
    else
      value = tosa::ReduceSumOp::create(importer.builder, loc, type, value, position);
  }
  if (op == "ReduceMean" && count != 1)
    value = importer.mul(
        value, importer.splat(static_cast<float>(1.0 / count), static_cast<int64_t>(layout.size()), loc), loc);
  return importer.activation(value, layout, kept);
}

/// A mean over rows and columns of maps, which is a pool. A tensor of rank 3 is a map where a convolution made it; the
/// last dimension of a sequence of vectors is none.
static bool isPool(Importer &importer, const ValueRef &x, ArrayRef<int64_t> axes, Location loc) {
  if (x->rank() != 3 && x->rank() != 4)
    return false;
  for (int64_t d = 0; d < x->rank(); ++d) {
    bool reduced = is_contained(axes, d);
    if (d < 2 ? reduced && x->shape[d] != 1 : !reduced && x->shape[d] != 1)
      return false;
  }
  return x->rank() == 4 || importer.nativeLayout(x, loc) == featureLayout(3);
}

static bool isComposed(StringRef op) {
  return is_contained({"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"}, op);
}

/// A reduction that is another one of a function of its operand, or has a function behind it.
static ValueRef emitComposed(NodeContext &node, const ValueRef &x, ArrayRef<int64_t> axes) {
  Importer &importer = node.importer;
  StringRef op = node.node.op;
  Formula f{importer, node.loc};
  auto each = [&](const ValueRef &value, llvm::function_ref<mlir::Value(mlir::Value)> emit) {
    return importer.elementwise(value, node.loc, emit);
  };
  auto sum = [&](const ValueRef &value) { return emitReduce(importer, "ReduceSum", value, axes, node.loc); };
  auto log = [&](const ValueRef &value) { return each(value, [&](mlir::Value v) { return f.apply<tosa::LogOp>(v); }); };
  if (op == "ReduceL1")
    return sum(each(x, [&](mlir::Value v) { return f.apply<tosa::AbsOp>(v); }));
  if (op == "ReduceLogSum")
    return log(sum(x));
  if (op == "ReduceLogSumExp") { // the largest exponent is taken out, so that no power overflows
    ValueRef largest = emitReduce(importer, "ReduceMax", x, axes, node.loc);
    ValueRef shifted = emitBinary(node, "Sub", x, largest);
    if (!shifted)
      return nullptr;
    return emitBinary(node, "Add", log(sum(each(shifted, [&](mlir::Value v) { return f.apply<tosa::ExpOp>(v); }))),
                      largest);
  }
  ValueRef squares = sum(each(x, [&](mlir::Value v) { return f.times(v, v); }));
  return op == "ReduceL2" ? each(squares, [&](mlir::Value v) { return f.squareRoot(v); }) : squares;
}

std::optional<Reduction> readReduction(NodeContext &node, ArrayRef<int64_t> shape) {
  StringRef op = node.node.op;
  auto rank = static_cast<int64_t>(shape.size());
  bool axesAreOperand = node.importer.opset >= (op == "ReduceSum" ? 13 : 18);
  if (!node.expectOperands(1, axesAreOperand ? 2 : 1))
    return std::nullopt;
  auto given = axesAreOperand ? node.intsInput(1, "axes") : node.intsAttr("axes");
  bool keep = node.intAttr("keepdims", 1) != 0, noop = axesAreOperand && node.intAttr("noop_with_empty_axes", 0) != 0;
  if (node.failed())
    return std::nullopt;
  Reduction result;
  if (!given || given->empty()) {
    if (noop && isComposed(op)) {
      node.error() << "attribute 'noop_with_empty_axes' is 1 and there are no axes; expected axes";
      return std::nullopt;
    }
    auto all = identityLayout(noop ? 0 : rank);
    given.emplace(all.begin(), all.end());
  }
  result.axes = node.axes(*given, rank);
  if (node.failed())
    return std::nullopt;
  for (int64_t d = 0; d < rank; ++d) {
    bool reduced = is_contained(result.axes, d);
    if (!reduced || keep)
      result.shape.push_back(reduced ? 1 : shape[d]);
  }
  return result;
}

LogicalResult importReduce(NodeContext &node) {
  Importer &importer = node.importer;
  StringRef op = node.node.op;
  ValueRef x = node.input(0);
  auto reduction = x ? readReduction(node, x->shape) : std::nullopt;
  if (!reduction)
    return failure();
  const std::vector<int64_t> &axes = reduction->axes;
  const Shape &shape = reduction->shape;
  bool composed = isComposed(op), moves = any_of(axes, [&](int64_t axis) { return x->shape[axis] != 1; });
  ValueRef result = x;
  if (composed) {
    result = emitComposed(node, x, axes);
    if (!result)
      return failure();
  } else if (moves && op == "ReduceMean" && isPool(importer, x, axes, node.loc)) {
    Shape kept(x->shape);
    for (int64_t axis : axes)
      kept[axis] = 1;
    Layout layout = featureLayout(x->rank());
    result =
        importer.activation(emitGlobalAverage(importer, importer.get(x, layout, node.loc), node.loc), layout, kept);
  } else if (moves) {
    result = emitReduce(importer, op, x, axes, node.loc);
  }
  node.set(importer.reshaped(result, shape));
  return success();
}

} // namespace sparseaccel::onnx
