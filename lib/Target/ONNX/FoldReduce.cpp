//===- FoldReduce.cpp - Sums, extremes and orders along axes ---------------===//

#include "Fold.h"
#include "Reduce.h"

#include <cmath>
#include <numeric>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

/// One axis of a shape: elements of a line are `inner` apart, and `lines` begin at start(line).
struct Lines {
  int64_t extent, inner, lines;

  Lines(ArrayRef<int64_t> shape, int64_t axis) : extent(shape[axis]), inner(stridesOf(shape)[axis]), lines(1) {
    for (auto [d, other] : enumerate(shape))
      lines *= static_cast<int64_t>(d) == axis ? 1 : other;
  }
  int64_t start(int64_t line) const { return line / inner * inner * extent + line % inner; }
};

/// One integer into a reduction; in doubles where the result is a root or logarithm.
Wide reduceStep(StringRef op, Wide sum, Wide value) {
  if (op == "ReduceMax")
    return std::max(sum, value);
  if (op == "ReduceMin")
    return std::min(sum, value);
  if (op == "ReduceProd")
    return static_cast<Wide>(static_cast<UnsignedWide>(sum) * static_cast<UnsignedWide>(value));
  if (op == "ReduceL1")
    return sum + (value < 0 ? -value : value);
  if (op == "ReduceSumSquare" || op == "ReduceL2")
    return sum + static_cast<Wide>(static_cast<UnsignedWide>(value) * static_cast<UnsignedWide>(value));
  return sum + value;
}

/// The two elements in the order of a search for the largest, or the smallest; not-a-number is larger than all.
bool isBefore(const HostTensor &x, int64_t a, int64_t b, bool largest) {
  if (!isFloat(x.type))
    return largest ? asWide(x, a) > asWide(x, b) : asWide(x, a) < asWide(x, b);
  double left = x.asDouble(a), right = x.asDouble(b);
  if (std::isnan(left) || std::isnan(right))
    return largest ? std::isnan(left) && !std::isnan(right) : !std::isnan(left) && std::isnan(right);
  return largest ? left > right : left < right;
}

} // namespace

LogicalResult foldReduce(NodeContext &node) {
  StringRef op = node.node.op;
  TensorRef x = node.constantInput(0, "operand");
  auto reduction = x ? readReduction(node, x->shape) : std::nullopt;
  if (!reduction)
    return failure();
  bool roots = op == "ReduceLogSum" || op == "ReduceLogSumExp";
  if (roots || x->type == DType::Bool)
    return node.error() << "operand 0 is of " << dtypeName(x->type) << "; expected "
                        << (roots ? "floats" : "integers or floats"),
           failure();
  auto result = node.importer.newConstant(node, x->type, reduction->shape);
  if (!result)
    return failure();
  // Where each element of the operand goes: its coordinates without those that are reduced.
  Shape kept(x->shape), steps;
  int64_t count = 1;
  for (int64_t axis : reduction->axes) {
    count *= x->shape[axis];
    kept[axis] = 1;
  }
  bool extreme = op == "ReduceMax" || op == "ReduceMin";
  if (count == 0 && (extreme || op == "ReduceMean") && result->size())
    return node.error() << "reduces no elements of " << shapeString(x->shape) << "; expected at least one", failure();
  auto strides = stridesOf(kept);
  for (int64_t axis : reduction->axes)
    strides[axis] = 0;
  std::vector<Wide> sums(result->size(), op == "ReduceProd" ? 1 : 0);
  std::vector<bool> met(sums.size(), false);
  forEach(x->shape, 0, strides, [&](int64_t from, int64_t to) {
    sums[to] = extreme && !met[to] ? asWide(*x, from) : reduceStep(op, sums[to], asWide(*x, from));
    met[to] = true;
  });
  for (auto [i, sum] : enumerate(sums)) {
    if (op == "ReduceMean")
      sum /= count;
    else if (op == "ReduceL2")
      sum = static_cast<Wide>(std::sqrt(static_cast<double>(sum)));
    setWide(*result, static_cast<int64_t>(i), sum);
  }
  return setConstant(node, result);
}

LogicalResult foldArg(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  TensorRef x = node.constantInput(0, "operand");
  int64_t given = node.intAttr("axis", 0);
  bool keep = node.intAttr("keepdims", 1) != 0, largest = node.node.op == "ArgMax";
  bool last = node.importer.opset >= 12 && node.intAttr("select_last_index", 0) != 0;
  int64_t axis = node.failed() ? 0 : node.axis(given, static_cast<int64_t>(x->shape.size()));
  if (node.failed())
    return failure();
  Lines along(x->shape, axis);
  if (along.extent == 0)
    return node.error() << "searches no elements of " << shapeString(x->shape) << "; expected at least one", failure();
  Shape shape(x->shape);
  shape[axis] = 1;
  if (!keep)
    shape.erase(shape.begin() + axis);
  auto result = node.importer.newConstant(node, DType::I64, shape);
  if (!result)
    return failure();
  for (int64_t line = 0; line < along.lines; ++line) {
    int64_t start = along.start(line), best = 0;
    for (int64_t i = 1; i < along.extent; ++i) {
      int64_t here = start + i * along.inner, there = start + best * along.inner;
      if (last ? !isBefore(*x, there, here, largest) : isBefore(*x, here, there, largest))
        best = i;
    }
    result->set(line, best);
  }
  return setConstant(node, result);
}

LogicalResult foldCumSum(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  TensorRef x = node.constantInput(0, "operand");
  TensorRef given = node.constantInput(1, "axis");
  bool exclusive = node.intAttr("exclusive", 0) != 0, reverse = node.intAttr("reverse", 0) != 0;
  if (node.failed())
    return failure();
  if (given->size() != 1 || isFloat(given->type))
    return node.error() << "operand 1 is of " << dtypeName(given->type) << " and shape " << shapeString(given->shape)
                        << "; expected one axis",
           failure();
  int64_t axis = node.axis(given->asInt(0), static_cast<int64_t>(x->shape.size()));
  auto result = node.failed() ? nullptr : node.importer.newConstant(node, x->type, x->shape);
  if (!result)
    return failure();
  Lines along(x->shape, axis);
  bool real = isFloat(x->type);
  for (int64_t line = 0; line < along.lines; ++line) {
    Wide sum = 0;
    double realSum = 0;
    for (int64_t step = 0; step < along.extent; ++step) {
      int64_t index = along.start(line) + (reverse ? along.extent - 1 - step : step) * along.inner;
      auto store = [&] { real ? result->set(index, realSum) : setWide(*result, index, sum); };
      if (exclusive)
        store();
      if (real)
        realSum += x->asDouble(index);
      else
        sum += asWide(*x, index);
      if (!exclusive)
        store();
    }
  }
  return setConstant(node, result);
}

LogicalResult foldTopK(NodeContext &node) {
  bool countIsOperand = node.importer.opset >= 10;
  if (!node.expectOperands(countIsOperand ? 2 : 1, countIsOperand ? 2 : 1))
    return failure();
  TensorRef x = node.constantInput(0, "operand");
  auto counts = countIsOperand ? node.intsInput(1, "count") : std::nullopt;
  int64_t count = countIsOperand ? 0 : node.intAttr("k", 0), given = node.intAttr("axis", -1);
  bool largest = node.importer.opset < 11 || node.intAttr("largest", 1) != 0;
  if (node.importer.opset >= 11)
    node.ignoreAttr("sorted"); // an order is one of those that are allowed where none is asked for
  if (node.failed())
    return failure();
  if (counts)
    count = counts->size() == 1 ? counts->front() : -1;
  int64_t axis = node.axis(given, static_cast<int64_t>(x->shape.size()));
  if (node.failed())
    return failure();
  Lines along(x->shape, axis);
  if (count < 0 || count > along.extent)
    return node.error() << "picks " << count << " elements of " << along.extent << "; expected at most as many",
           failure();
  Shape shape(x->shape);
  shape[axis] = count;
  auto values = node.importer.newConstant(node, x->type, shape);
  auto indices = values ? node.importer.newConstant(node, DType::I64, shape) : nullptr;
  if (!indices)
    return failure();
  std::vector<int64_t> order(along.extent);
  for (int64_t line = 0; line < along.lines; ++line) {
    int64_t start = along.start(line), to = line / along.inner * along.inner * count + line % along.inner;
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return isBefore(*x, start + a * along.inner, start + b * along.inner, largest);
    });
    for (int64_t i = 0; i < count; ++i) {
      copyElement(*values, to + i * along.inner, *x, start + order[i] * along.inner);
      indices->set(to + i * along.inner, order[i]);
    }
  }
  if (failed(setConstant(node, values)))
    return failure();
  return setConstant(node, indices, 1);
}

} // namespace sparseaccel::onnx
