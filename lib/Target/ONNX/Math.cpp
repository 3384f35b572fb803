//===- Math.cpp - Functions of one number, powers and normalisation -------===//
//
// Activation functions are written out in TOSA's ops: quantisation turns each chain of them into one table.
//
//===----------------------------------------------------------------------===//

#include "Formula.h"

#include <cmath>
#include <limits>
#include <numbers>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

constexpr float largest = std::numeric_limits<float>::max();

/// Activation functions.
struct Activation : Formula {
  mlir::Value hardSigmoid(mlir::Value x, double alpha, double beta) const {
    return importer.clamp(plus(times(x, alpha), beta), 0, 1, loc);
  }
  mlir::Value gelu(mlir::Value x, bool byTanh) const {
    mlir::Value inner;
    if (byTanh)
      inner = apply<tosa::TanhOp>(times(plus(x, times(power(x, 3), 0.044715)), std::sqrt(2 / std::numbers::pi)));
    else
      inner = apply<tosa::ErfOp>(times(x, 1 / std::numbers::sqrt2));
    return times(x, times(plus(inner, 1), 0.5));
  }
  mlir::Value positive(mlir::Value x) const { return importer.clamp(x, 0, largest, loc); }
  mlir::Value negative(mlir::Value x) const { return importer.clamp(x, -largest, 0, loc); }
  /// gain * (x above 0, scale * (e^(x / width) - 1) below), without a choice.
  mlir::Value elu(mlir::Value x, double scale, double width, double gain) const {
    mlir::Value below = times(plus(apply<tosa::ExpOp>(times(negative(x), 1 / width)), -1), scale * gain);
    return plus(gain == 1 ? positive(x) : times(positive(x), gain), below);
  }
  /// log(1 + e^x), so that no power overflows.
  mlir::Value softplus(mlir::Value x) const {
    mlir::Value power = apply<tosa::ExpOp>(negate(apply<tosa::AbsOp>(x)));
    return plus(positive(x), apply<tosa::LogOp>(plus(power, 1)));
  }
};

LogicalResult importFormula(NodeContext &node, llvm::function_ref<mlir::Value(const Activation &, mlir::Value)> emit) {
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.input(0);
  if (!x || node.failed())
    return failure();
  if (x->rank() == 0) { // TOSA's ops on scalars are refused by some of its lowerings
    Importer &importer = node.importer;
    ValueRef one = importer.elementwise(importer.reshaped(x, {1}), node.loc, [&](mlir::Value value) {
      return emit(Activation{{importer, node.loc}}, value);
    });
    node.set(importer.reshaped(one, {}));
    return success();
  }
  node.set(node.importer.elementwise(
      x, node.loc, [&](mlir::Value value) { return emit(Activation{{node.importer, node.loc}}, value); }));
  return success();
}

/// The number that a constant of any type holds everywhere.
std::optional<double> uniformNumber(const GraphValue &value) {
  if (!value.constant || value.constant->size() == 0)
    return std::nullopt;
  const HostTensor &tensor = *value.constant;
  auto at = [&](int64_t i) { return isFloat(tensor.type) ? tensor.asDouble(i) : static_cast<double>(tensor.asInt(i)); };
  for (int64_t i = 1; i < tensor.size(); ++i)
    if (at(i) != at(0))
      return std::nullopt;
  return at(0);
}

/// A constant of any type as float32.
ValueRef asFloats(NodeContext &node, const ValueRef &value) {
  const HostTensor &given = *value->constant;
  if (given.type == DType::F32)
    return value;
  auto floats = node.importer.newConstant(node, DType::F32, given.shape);
  if (!floats)
    return nullptr;
  for (int64_t i = 0; i < given.size(); ++i)
    floats->set(i, isFloat(given.type) ? given.asDouble(i) : static_cast<double>(given.asInt(i)));
  return node.importer.constant(floats);
}

} // namespace

LogicalResult importFunction(NodeContext &node) {
  StringRef op = node.node.op;
  return importFormula(node, [&](const Activation &f, mlir::Value x) -> mlir::Value {
    if (op == "Sqrt")
      return f.squareRoot(x);
    if (op == "Exp")
      return f.apply<tosa::ExpOp>(x);
    if (op == "Log")
      return f.apply<tosa::LogOp>(x);
    if (op == "Erf")
      return f.apply<tosa::ErfOp>(x);
    if (op == "Neg")
      return f.negate(x);
    if (op == "Abs")
      return f.apply<tosa::AbsOp>(x);
    if (op == "Reciprocal")
      return f.apply<tosa::ReciprocalOp>(x);
    if (op == "Floor")
      return f.apply<tosa::FloorOp>(x);
    if (op == "Ceil")
      return f.apply<tosa::CeilOp>(x);
    if (op == "Sin")
      return f.apply<tosa::SinOp>(x);
    if (op == "Cos")
      return f.apply<tosa::CosOp>(x);
    if (op == "Softplus")
      return f.softplus(x);
    if (op == "Softsign")
      return f.times(x, f.apply<tosa::ReciprocalOp>(f.plus(f.apply<tosa::AbsOp>(x), 1)));
    if (op == "Mish")
      return f.times(x, f.apply<tosa::TanhOp>(f.softplus(x)));
    assert(op == "HardSwish");
    return f.times(x, f.hardSigmoid(x, 1.0 / 6, 0.5));
  });
}

LogicalResult importHardSigmoid(NodeContext &node) {
  double alpha = node.floatAttr("alpha", 0.2), beta = node.floatAttr("beta", 0.5);
  return importFormula(node, [&](const Activation &f, mlir::Value x) { return f.hardSigmoid(x, alpha, beta); });
}

LogicalResult importElu(NodeContext &node) {
  StringRef op = node.node.op;
  // Selu's numbers are those of its definition.
  double alpha = node.floatAttr("alpha", op == "Selu" ? 1.67326319217681884765625 : 1);
  double gain = op == "Selu" ? node.floatAttr("gamma", 1.05070102214813232421875) : 1;
  if (op == "Celu" && !node.failed() && !(alpha > 0))
    return node.error() << "attribute 'alpha' is " << std::to_string(alpha) << "; expected a positive number",
           failure();
  double width = op == "Celu" ? alpha : 1;
  return importFormula(node, [&](const Activation &f, mlir::Value x) { return f.elu(x, alpha, width, gain); });
}

LogicalResult importPRelu(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  ValueRef x = node.input(0), slope = node.input(1);
  if (!x || !slope || node.failed())
    return failure();
  if (x->rank() == 0)
    return node.error() << "operand 0 is a scalar; expected at least one dimension", failure();
  auto shape = broadcastShapes(node, x->shape, slope->shape);
  if (!shape)
    return failure();
  if (*shape != x->shape)
    return node.error() << "the slope has shape " << shapeString(slope->shape) << "; expected one that broadcasts to "
                        << shapeString(x->shape),
           failure();
  Activation f{{node.importer, node.loc}};
  auto half = [&](bool positive) {
    return node.importer.elementwise(x, node.loc,
                                     [&](mlir::Value v) { return positive ? f.positive(v) : f.negative(v); });
  };
  ValueRef below = emitBinary(node, "Mul", half(false), slope);
  ValueRef result = below ? emitBinary(node, "Add", half(true), below) : nullptr;
  if (!result)
    return failure();
  node.set(result);
  return success();
}

LogicalResult importGelu(NodeContext &node) {
  std::string kind = node.stringAttr("approximate", "none");
  if (!node.failed() && kind != "none" && kind != "tanh")
    return node.error() << "attribute 'approximate' is '" << kind << "'; expected 'none' or 'tanh'", failure();
  return importFormula(node, [&](const Activation &f, mlir::Value x) { return f.gelu(x, kind == "tanh"); });
}

LogicalResult importPow(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  ValueRef base = node.input(0), exponent = node.anyInput(1);
  if (!base || !exponent)
    return failure();
  auto number = uniformNumber(*exponent);
  // Only an exponent of at most the base's rank leaves the shape as it is.
  if (number && exponent->constant->size() == 1 && exponent->rank() <= base->rank() && base->rank() > 0) {
    node.set(node.importer.elementwise(
        base, node.loc, [&](mlir::Value x) { return Formula{node.importer, node.loc}.power(x, *number); }));
    return success();
  }
  exponent = exponent->constant ? asFloats(node, exponent) : node.input(1);
  ValueRef result = exponent ? emitBinary(node, "Pow", base, exponent) : nullptr;
  if (!result)
    return failure();
  node.set(result);
  return success();
}

} // namespace sparseaccel::onnx
