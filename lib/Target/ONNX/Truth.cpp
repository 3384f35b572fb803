//===- Truth.cpp - Comparisons and choices of computed values -------------===//
//
// Truth values that are computed are float32 activations of 0 and 1, so that they move, broadcast and are quantised as
// all others do. A choice asks whether they are above one half, which no scale can change.
//
//===----------------------------------------------------------------------===//

#include "Formula.h"

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

/// tosa.greater and its like: a tensor of i1.
static mlir::Value emitPredicate(Importer &importer, StringRef op, mlir::Value a, mlir::Value b, Location loc) {
  if (op == "Less" || op == "LessOrEqual")
    return emitPredicate(importer, op == "Less" ? "Greater" : "GreaterOrEqual", b, a, loc);
  Shape shape(cast<RankedTensorType>(a.getType()).getShape());
  for (auto [extent, other] : zip_equal(shape, cast<RankedTensorType>(b.getType()).getShape()))
    extent = std::max(extent, other);
  auto type = RankedTensorType::get(shape, importer.builder.getI1Type());
  if (op == "Equal")
    return tosa::EqualOp::create(importer.builder, loc, type, a, b);
  if (op == "Greater")
    return tosa::GreaterOp::create(importer.builder, loc, type, a, b);
  return tosa::GreaterEqualOp::create(importer.builder, loc, type, a, b);
}

static mlir::Value emitChoice(Importer &importer, mlir::Value predicate, mlir::Value a, mlir::Value b, Location loc) {
  Shape shape(cast<RankedTensorType>(predicate.getType()).getShape());
  for (mlir::Value side : {a, b})
    for (auto [extent, other] : zip_equal(shape, cast<RankedTensorType>(side.getType()).getShape()))
      extent = std::max(extent, other);
  return tosa::SelectOp::create(importer.builder, loc, importer.type(shape), predicate, a, b);
}

mlir::Value emitTruth(Importer &importer, StringRef op, mlir::Value a, mlir::Value b, Location loc) {
  auto predicate = emitPredicate(importer, op, a, b, loc);
  auto rank = cast<RankedTensorType>(predicate.getType()).getRank();
  return emitChoice(importer, predicate, importer.splat(1, rank, loc), importer.splat(0, rank, loc), loc);
}

mlir::Value emitChoiceByTruth(Importer &importer, mlir::Value truth, mlir::Value a, mlir::Value b, Location loc) {
  auto half = importer.splat(0.5F, cast<RankedTensorType>(truth.getType()).getRank(), loc);
  return emitChoice(importer, emitPredicate(importer, "Greater", truth, half, loc), a, b, loc);
}

/// A truth value: an activation, or a constant of bool as floats.
static ValueRef truthInput(NodeContext &node, unsigned index) {
  ValueRef value = node.anyInput(index);
  if (!value || !value->constant)
    return value && node.input(index) ? value : nullptr;
  if (value->constant->type != DType::Bool) {
    node.error() << "operand " << index << " ('" << node.node.inputs[index] << "') is of "
                 << dtypeName(value->constant->type) << "; expected bool";
    return nullptr;
  }
  auto floats = node.importer.newConstant(node, DType::F32, value->shape);
  if (!floats)
    return nullptr;
  for (int64_t i = 0; i < floats->size(); ++i)
    floats->set(i, value->constant->asInt(i));
  return node.importer.constant(std::move(floats));
}

LogicalResult importTruths(NodeContext &node) {
  StringRef op = node.node.op;
  if (!node.expectOperands(2, 2))
    return failure();
  ValueRef a = truthInput(node, 0), b = a ? truthInput(node, 1) : nullptr;
  if (!b)
    return failure();
  ValueRef result = emitBinary(node, op == "And" ? "Min" : "Max", a, b);
  if (op == "Xor" && result) { // one of them, and not both
    ValueRef both = emitBinary(node, "Min", a, b);
    result = both ? emitBinary(node, "Sub", result, both) : nullptr;
  }
  if (!result)
    return failure();
  node.set(result);
  return success();
}

LogicalResult importNot(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = truthInput(node, 0);
  if (!x)
    return failure();
  Formula f{node.importer, node.loc};
  node.set(node.importer.elementwise(x, node.loc, [&](mlir::Value v) { return f.plus(f.times(v, -1), 1); }));
  return success();
}

LogicalResult importSteps(NodeContext &node) {
  Importer &importer = node.importer;
  StringRef op = node.node.op;
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.input(0);
  double edge = op == "Shrink"            ? node.floatAttr("lambd", 0.5)
                : op == "ThresholdedRelu" ? node.floatAttr("alpha", 1)
                                          : 0;
  double bias = op == "Shrink" ? node.floatAttr("bias", 0) : 0;
  if (!x || node.failed())
    return failure();
  Formula f{importer, node.loc};
  auto above = [&](mlir::Value a, mlir::Value b) { return emitPredicate(importer, "Greater", a, b, node.loc); };
  auto choose = [&](mlir::Value which, mlir::Value a, mlir::Value b) {
    return emitChoice(importer, which, a, b, node.loc);
  };
  bool scalar = x->rank() == 0; // TOSA's ops on scalars are refused by some of its lowerings
  ValueRef operand = scalar ? importer.reshaped(x, {1}) : x;
  ValueRef result = importer.elementwise(operand, node.loc, [&](mlir::Value v) {
    mlir::Value zero = f.number(0, v);
    if (op == "ThresholdedRelu")
      return choose(above(v, f.number(edge, v)), v, zero);
    if (op == "Shrink")
      return choose(above(v, f.number(edge, v)), f.plus(v, -bias),
                    choose(above(f.number(-edge, v), v), f.plus(v, bias), zero));
    if (op == "Round") { // halves to even: up where the whole part is odd
      mlir::Value whole = f.apply<tosa::FloorOp>(v), rest = f.minus(v, whole);
      mlir::Value odd = f.minus(whole, f.times(f.apply<tosa::FloorOp>(f.times(whole, 0.5)), 2));
      mlir::Value half = emitTruth(importer, "Equal", rest, f.number(0.5, v), node.loc);
      mlir::Value more = emitTruth(importer, "Greater", rest, f.number(0.5, v), node.loc);
      return f.plus(whole, f.plus(more, f.times(half, odd)));
    }
    return choose(above(v, zero), f.number(1, v), choose(above(zero, v), f.number(-1, v), zero)); // Sign
  });
  node.set(scalar ? importer.reshaped(result, {}) : result);
  return success();
}

LogicalResult importWhere(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(3, 3))
    return failure();
  ValueRef condition = truthInput(node, 0), a = node.input(1), b = node.input(2);
  if (!condition || node.failed())
    return failure();
  auto shape = broadcastShapes(node, a->shape, b->shape);
  if (shape)
    shape = broadcastShapes(node, *shape, condition->shape);
  if (!shape)
    return failure();
  auto rank = static_cast<int64_t>(shape->size());
  if (rank == 0)
    return node.error() << "chooses between scalars; expected tensors", failure();
  auto aligned = [&](const ValueRef &value) {
    Layout layout(rank - value->rank(), -1);
    for (int64_t d = 0; d < value->rank(); ++d)
      layout.push_back(d);
    return importer.get(value, layout, node.loc);
  };
  auto left = aligned(a), right = aligned(b);
  mlir::Value chosen;
  if (condition->constant) {
    SmallVector<bool> truth;
    for (int64_t i = 0; i < condition->constant->size(); ++i)
      truth.push_back(condition->constant->asDouble(i) != 0);
    Shape extents(rank - condition->rank(), 1);
    extents.append(condition->shape);
    auto type = RankedTensorType::get(extents, importer.builder.getI1Type());
    auto predicate =
        tosa::ConstOp::create(importer.builder, node.loc, type, DenseElementsAttr::get(type, ArrayRef<bool>(truth)));
    chosen = emitChoice(importer, predicate, left, right, node.loc);
  } else {
    chosen = emitChoiceByTruth(importer, aligned(condition), left, right, node.loc);
  }
  node.set(importer.activation(chosen, identityLayout(rank), *shape));
  return success();
}

} // namespace sparseaccel::onnx
