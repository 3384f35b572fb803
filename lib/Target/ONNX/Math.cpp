//===- Math.cpp - Functions of one number, powers and normalisation -------===//
//
// Activation functions are written out in TOSA's ops: quantisation turns each chain of them into one table.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

#include <cmath>
#include <numbers>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

/// Ops of one value, and with a number. Short names keep formulas readable.
struct Formula {
  Importer &importer;
  Location loc;

  mlir::Value number(double value, mlir::Value like) const {
    return importer.splat(static_cast<float>(value), cast<RankedTensorType>(like.getType()).getRank(), loc);
  }
  mlir::Value times(mlir::Value x, double factor) const { return importer.mul(x, number(factor, x), loc); }
  mlir::Value plus(mlir::Value x, double addend) const { return importer.add(x, number(addend, x), loc); }
  mlir::Value times(mlir::Value x, mlir::Value y) const { return importer.mul(x, y, loc); }
  mlir::Value plus(mlir::Value x, mlir::Value y) const { return importer.add(x, y, loc); }
  template <typename Op>
  mlir::Value apply(mlir::Value x) const {
    return Op::create(importer.builder, loc, x.getType(), x);
  }
  mlir::Value negate(mlir::Value x) const {
    auto zero = importer.zeroPoint();
    return tosa::NegateOp::create(importer.builder, loc, x.getType(), x, zero, zero);
  }
  /// TOSA has no square root; the reciprocal of 1/sqrt(0) is 0 again.
  mlir::Value squareRoot(mlir::Value x) const { return apply<tosa::ReciprocalOp>(apply<tosa::RsqrtOp>(x)); }
  mlir::Value power(mlir::Value x, double exponent) const {
    if (exponent == 1)
      return x;
    if (exponent == 2)
      return times(x, x);
    if (exponent == 3)
      return times(times(x, x), x);
    if (exponent == 0.5)
      return squareRoot(x);
    return tosa::PowOp::create(importer.builder, loc, x.getType(), x, number(exponent, x));
  }
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
};

LogicalResult importFormula(NodeContext &node, llvm::function_ref<mlir::Value(const Formula &, mlir::Value)> emit) {
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.input(0);
  if (!x || node.failed())
    return failure();
  if (x->rank() == 0) { // TOSA's ops on scalars are refused by some of its lowerings
    Importer &importer = node.importer;
    ValueRef one = importer.elementwise(importer.reshaped(x, {1}), node.loc, [&](mlir::Value value) {
      return emit({importer, node.loc}, value);
    });
    node.set(importer.reshaped(one, {}));
    return success();
  }
  node.set(node.importer.elementwise(x, node.loc,
                                     [&](mlir::Value value) { return emit({node.importer, node.loc}, value); }));
  return success();
}

/// The number that a constant of any type holds everywhere.
std::optional<double> uniformNumber(const GraphValue &value) {
  if (!value.constant || value.constant->size() == 0)
    return std::nullopt;
  const HostTensor &tensor = *value.constant;
  auto at = [&](int64_t i) {
    return isFloat(tensor.type) ? tensor.asDouble(i) : static_cast<double>(tensor.asInt(i));
  };
  for (int64_t i = 1; i < tensor.size(); ++i)
    if (at(i) != at(0))
      return std::nullopt;
  return at(0);
}

} // namespace

LogicalResult importFunction(NodeContext &node) {
  StringRef op = node.node.op;
  return importFormula(node, [&](const Formula &f, mlir::Value x) -> mlir::Value {
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
    assert(op == "HardSwish");
    return f.times(x, f.hardSigmoid(x, 1.0 / 6, 0.5));
  });
}

LogicalResult importHardSigmoid(NodeContext &node) {
  double alpha = node.floatAttr("alpha", 0.2), beta = node.floatAttr("beta", 0.5);
  return importFormula(node, [&](const Formula &f, mlir::Value x) { return f.hardSigmoid(x, alpha, beta); });
}

LogicalResult importGelu(NodeContext &node) {
  std::string kind = node.stringAttr("approximate", "none");
  if (!node.failed() && kind != "none" && kind != "tanh")
    return node.error() << "attribute 'approximate' is '" << kind << "'; expected 'none' or 'tanh'", failure();
  return importFormula(node, [&](const Formula &f, mlir::Value x) { return f.gelu(x, kind == "tanh"); });
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
    node.set(node.importer.elementwise(base, node.loc, [&](mlir::Value x) {
      return Formula{node.importer, node.loc}.power(x, *number);
    }));
    return success();
  }
  exponent = node.input(1);
  ValueRef result = exponent ? emitBinary(node, "Pow", base, exponent) : nullptr;
  if (!result)
    return failure();
  node.set(result);
  return success();
}

LogicalResult importLayerNormalization(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(2, 3))
    return failure();
  ValueRef x = node.input(0), scale = node.input(1), bias = node.hasInput(2) ? node.input(2) : nullptr;
  double epsilon = node.floatAttr("epsilon", 1e-5);
  int64_t given = node.intAttr("axis", -1);
  node.ignoreAttr("stash_type"); // everything is computed in float32
  if (node.failed())
    return failure();
  int64_t first = node.axis(given, x->rank());
  if (node.failed())
    return failure();
  for (unsigned output : {1u, 2u})
    if (node.isUsed(output))
      return node.error() << "gives its " << (output == 1 ? "mean" : "inverse standard deviation") << " ('"
                          << node.node.outputs[output] << "'); expected only the normalised values to be used",
             failure();
  SmallVector<int64_t> axes;
  for (int64_t d = first; d < x->rank(); ++d)
    axes.push_back(d);
  Formula f{importer, node.loc};
  auto each = [&](const ValueRef &value, llvm::function_ref<mlir::Value(mlir::Value)> emit) {
    return importer.elementwise(value, node.loc, emit);
  };
  ValueRef mean = emitReduce(importer, "ReduceMean", x, axes, node.loc);
  ValueRef centred = emitBinary(node, "Sub", x, mean);
  if (!centred)
    return failure();
  ValueRef variance = emitReduce(
      importer, "ReduceMean", each(centred, [&](mlir::Value d) { return f.times(d, d); }), axes, node.loc);
  ValueRef inverse = each(variance, [&](mlir::Value v) { return f.apply<tosa::RsqrtOp>(f.plus(v, epsilon)); });
  ValueRef result = emitBinary(node, "Mul", centred, inverse);
  result = result ? emitBinary(node, "Mul", result, scale) : nullptr;
  if (result && bias)
    result = emitBinary(node, "Add", result, bias);
  if (!result)
    return failure();
  if (result->shape != x->shape)
    return node.error() << "scale and bias have shapes " << shapeString(scale->shape) << " and "
                        << shapeString(bias ? bias->shape : scale->shape) << "; expected ones that broadcast to "
                        << shapeString(x->shape),
           failure();
  node.set(result);
  return success();
}

} // namespace sparseaccel::onnx
