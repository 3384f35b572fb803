//===- Normalise.cpp - Normalisations by mean and variance at run time ----===//

#include "Normalise.h"

#include "Formula.h"

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

struct Normalised {
  ValueRef values, mean, inverse; ///< `inverse`: of the standard deviation. Null where an error was reported.
};

/// Takes the mean of x over the axes away and divides by what `invert` makes of the variance.
Normalised normalise(NodeContext &node, const ValueRef &x, ArrayRef<int64_t> axes,
                     llvm::function_ref<mlir::Value(const Formula &, mlir::Value)> invert) {
  Importer &importer = node.importer;
  Formula f{importer, node.loc};
  Normalised result;
  result.mean = emitReduce(importer, "ReduceMean", x, axes, node.loc);
  ValueRef centred = emitBinary(node, "Sub", x, result.mean);
  if (!centred)
    return {};
  ValueRef squares = importer.elementwise(centred, node.loc, [&](mlir::Value d) { return f.times(d, d); });
  ValueRef variance = emitReduce(importer, "ReduceMean", squares, axes, node.loc);
  result.inverse = importer.elementwise(variance, node.loc, [&](mlir::Value v) { return invert(f, v); });
  result.values = emitBinary(node, "Mul", centred, result.inverse);
  return result;
}

Normalised normalise(NodeContext &node, const ValueRef &x, ArrayRef<int64_t> axes, double epsilon) {
  return normalise(node, x, axes, [&](const Formula &f, mlir::Value variance) {
    return f.apply<tosa::RsqrtOp>(f.plus(variance, epsilon));
  });
}

SmallVector<int64_t> axesFrom(int64_t first, int64_t rank) {
  SmallVector<int64_t> axes;
  for (int64_t d = first; d < rank; ++d)
    axes.push_back(d);
  return axes;
}

/// Scale and bias, a number each for what dimension 1 counts.
LogicalResult scaleChannels(NodeContext &node, ValueRef x, const ValueRef &scale, const ValueRef &bias,
                            ArrayRef<int64_t> result) {
  Importer &importer = node.importer;
  int64_t count = x->shape[1];
  for (const ValueRef &value : {scale, bias})
    if (value->shape != Shape{count})
      return node.error() << "scale and bias have shapes " << shapeString(scale->shape) << " and "
                          << shapeString(bias->shape) << "; expected [" << count << "]",
             failure();
  Shape column(x->rank() - 1, 1);
  column[0] = count;
  x = emitBinary(node, "Mul", x, importer.reshaped(scale, column));
  x = x ? emitBinary(node, "Add", x, importer.reshaped(bias, column)) : nullptr;
  if (!x)
    return failure();
  node.set(importer.reshaped(x, result));
  return success();
}

/// Operand 0, of which dimensions 0 and 1 are images and channels.
ValueRef channelsInput(NodeContext &node) {
  if (!node.expectOperands(3, 3))
    return nullptr;
  ValueRef x = node.input(0);
  if (x && x->rank() < 3)
    return node.error() << "operand 0 has shape " << shapeString(x->shape) << "; expected [N, C, ...]", nullptr;
  return x;
}

} // namespace

LogicalResult normaliseByValues(NodeContext &node, const ValueRef &x, double epsilon) {
  Importer &importer = node.importer;
  ValueRef parameters[4]; // scale, bias, mean, variance
  for (unsigned p = 0; p < 4; ++p) {
    parameters[p] = node.input(p + 1);
    if (!parameters[p])
      return failure();
    if (parameters[p]->shape != Shape{x->shape[1]})
      return node.error() << "operand " << p + 1 << " has shape " << shapeString(parameters[p]->shape)
                          << "; expected [" << x->shape[1] << "], a number for each channel",
             failure();
  }
  Shape column(x->rank() - 1, 1);
  column[0] = x->shape[1];
  Formula f{importer, node.loc};
  ValueRef inverse = importer.elementwise(parameters[3], node.loc, [&](mlir::Value variance) {
    return f.apply<tosa::RsqrtOp>(f.plus(variance, epsilon));
  });
  ValueRef centred = emitBinary(node, "Sub", x, importer.reshaped(parameters[2], column));
  ValueRef values = centred ? emitBinary(node, "Mul", centred, importer.reshaped(inverse, column)) : nullptr;
  return values ? scaleChannels(node, values, parameters[0], parameters[1], x->shape) : failure();
}

LogicalResult importLayerNormalization(NodeContext &node) {
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
  Normalised normal = normalise(node, x, axesFrom(first, x->rank()), epsilon);
  ValueRef result = normal.values ? emitBinary(node, "Mul", normal.values, scale) : nullptr;
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
  if (node.isUsed(1))
    node.set(normal.mean, 1);
  if (node.isUsed(2))
    node.set(normal.inverse, 2);
  return success();
}

LogicalResult importInstanceNormalization(NodeContext &node) {
  ValueRef x = channelsInput(node);
  if (!x)
    return failure();
  ValueRef scale = node.input(1), bias = node.input(2);
  double epsilon = node.floatAttr("epsilon", 1e-5);
  if (node.failed())
    return failure();
  Normalised normal = normalise(node, x, axesFrom(2, x->rank()), epsilon);
  return normal.values ? scaleChannels(node, normal.values, scale, bias, x->shape) : failure();
}

LogicalResult importGroupNormalization(NodeContext &node) {
  Importer &importer = node.importer;
  ValueRef x = channelsInput(node);
  if (!x)
    return failure();
  ValueRef scale = node.input(1), bias = node.input(2);
  double epsilon = node.floatAttr("epsilon", 1e-5);
  int64_t groups = node.intAttr("num_groups", 0);
  node.ignoreAttr("stash_type"); // everything is computed in float32
  if (node.failed())
    return failure();
  if (groups < 1 || x->shape[1] % groups != 0)
    return node.error() << "attribute 'num_groups' is " << groups << "; expected a divisor of the " << x->shape[1]
                        << " channels",
           failure();
  Shape grouped{x->shape[0], groups, x->shape[1] / groups};
  for (int64_t d = 2; d < x->rank(); ++d)
    grouped[2] *= x->shape[d];
  Normalised normal = normalise(node, importer.reshaped(x, grouped), {2}, epsilon);
  if (!normal.values)
    return failure();
  // Up to opset 20 scale and bias belong to groups, then to channels.
  bool byGroup = importer.opset < 21;
  return scaleChannels(node, byGroup ? normal.values : importer.reshaped(normal.values, x->shape), scale, bias,
                       x->shape);
}

LogicalResult importMeanVarianceNormalization(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.input(0);
  auto given = node.intsAttr("axes");
  if (!x || node.failed())
    return failure();
  auto axes = node.axes(given.value_or(std::vector<int64_t>{0, 2, 3}), x->rank());
  if (node.failed())
    return failure();
  // The definition adds its epsilon to the standard deviation.
  Normalised normal = normalise(node, x, axes, [](const Formula &f, mlir::Value variance) {
    return f.apply<tosa::ReciprocalOp>(f.plus(f.squareRoot(variance), 1e-9));
  });
  if (!normal.values)
    return failure();
  node.set(normal.values);
  return success();
}

} // namespace sparseaccel::onnx
