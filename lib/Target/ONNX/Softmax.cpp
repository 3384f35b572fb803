//===- Softmax.cpp - Operators that accelerators leave to the host --------===//

#include "Formula.h"

#include <numeric>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

static mlir::Value emitSoftmax(Importer &importer, mlir::Value value, int64_t axis, Location loc) {
  auto &builder = importer.builder;
  auto attribute = builder.getNamedAttr("axis", builder.getI64IntegerAttr(axis));
  return importer.callHost("softmax", attribute, value, loc, [&](mlir::Value x) -> mlir::Value {
    Shape reduced(cast<RankedTensorType>(x.getType()).getShape());
    reduced[axis] = 1;
    auto type = importer.type(reduced);
    auto position = static_cast<uint32_t>(axis);
    auto largest = tosa::ReduceMaxOp::create(builder, loc, type, x, position);
    auto shifted = tosa::SubOp::create(builder, loc, x.getType(), x, largest);
    auto powers = tosa::ExpOp::create(builder, loc, x.getType(), shifted);
    auto sum = tosa::ReduceSumOp::create(builder, loc, type, powers, position);
    auto inverse = tosa::ReciprocalOp::create(builder, loc, type, sum);
    return importer.mul(powers, inverse, loc);
  });
}

/// x - largest - log(sum of e^(x - largest)): no logarithm of a share that rounds to 0.
static mlir::Value emitLogSoftmax(Importer &importer, mlir::Value x, int64_t axis, Location loc) {
  Formula f{importer, loc};
  Shape reduced(cast<RankedTensorType>(x.getType()).getShape());
  reduced[axis] = 1;
  auto type = importer.type(reduced);
  auto position = static_cast<uint32_t>(axis);
  auto largest = tosa::ReduceMaxOp::create(importer.builder, loc, type, x, position);
  mlir::Value shifted = f.minus(x, largest);
  auto sum = tosa::ReduceSumOp::create(importer.builder, loc, type, f.apply<tosa::ExpOp>(shifted), position);
  return f.minus(shifted, f.apply<tosa::LogOp>(sum));
}

LogicalResult importSoftmax(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.input(0);
  if (!x)
    return failure();
  if (x->rank() == 0)
    return node.error() << "operand 0 is a scalar; expected at least one dimension", failure();
  auto emit = node.node.op == "LogSoftmax" ? emitLogSoftmax : emitSoftmax;
  bool flattens = importer.opset < 13;
  int64_t axis = node.axis(node.intAttr("axis", flattens ? 1 : -1), x->rank());
  if (node.failed())
    return failure();
  if (flattens) {
    // Older opsets see a matrix: all dimensions from the axis on are one. That matters only where several of them move.
    SmallVector<int64_t> moving;
    for (int64_t d = axis; d < x->rank(); ++d)
      if (x->shape[d] != 1)
        moving.push_back(d);
    if (moving.size() > 1) {
      Shape matrix{1, 1};
      for (int64_t d = 0; d < x->rank(); ++d)
        matrix[d < axis ? 0 : 1] *= x->shape[d];
      auto rows = importer.get(importer.reshaped(x, matrix), {0, 1}, node.loc);
      auto result = importer.activation(emit(importer, rows, 1, node.loc), {0, 1}, matrix);
      node.set(importer.reshaped(result, x->shape));
      return success();
    }
    if (moving.size() == 1)
      axis = moving[0];
  }
  Layout layout = importer.nativeLayout(x, node.loc);
  if (!is_contained(layout, axis))
    layout = identityLayout(x->rank());
  auto value = importer.get(x, layout, node.loc);
  node.set(importer.activation(emit(importer, value, find(layout, axis) - layout.begin(), node.loc), layout, x->shape));
  return success();
}

LogicalResult importLrn(NodeContext &node) {
  Importer &importer = node.importer;
  auto &builder = importer.builder;
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.input(0);
  int64_t size = node.intAttr("size", 0);
  double alpha = node.floatAttr("alpha", 1e-4), beta = node.floatAttr("beta", 0.75), bias = node.floatAttr("bias", 1);
  if (!x || node.failed())
    return failure();
  if (x->rank() < 3 || x->rank() > 4)
    return node.error() << "operand 0 has shape " << shapeString(x->shape) << "; expected [N, C, W] or [N, C, H, W]",
           failure();
  if (size < 1 || size > 1024)
    return node.error() << "attribute 'size' is " << size << "; expected 1 to 1024 channels", failure();

  Layout layout = featureLayout(x->rank());
  auto value = importer.get(x, layout, node.loc);
  SmallVector<NamedAttribute> attributes{builder.getNamedAttr("size", builder.getI64IntegerAttr(size)),
                                         builder.getNamedAttr("alpha", builder.getF64FloatAttr(alpha)),
                                         builder.getNamedAttr("beta", builder.getF64FloatAttr(beta)),
                                         builder.getNamedAttr("bias", builder.getF64FloatAttr(bias))};
  auto result = importer.callHost("lrn", attributes, value, node.loc, [&](mlir::Value x) -> mlir::Value {
    Location loc = node.loc;
    Shape shape(cast<RankedTensorType>(x.getType()).getShape());
    auto squares = importer.pad(importer.mul(x, x, loc), {0, 0, 0, (size - 1) / 2}, {0, 0, 0, size / 2}, 0, loc);
    mlir::Value sum;
    for (int64_t i = 0; i < size; ++i) {
      auto shifted = importer.slice(squares, {0, 0, 0, i}, shape, loc);
      sum = sum ? importer.add(sum, shifted, loc) : shifted;
    }
    auto scaled = importer.mul(sum, importer.splat(static_cast<float>(alpha / static_cast<double>(size)), 4, loc), loc);
    auto base = importer.add(scaled, importer.splat(static_cast<float>(bias), 4, loc), loc);
    auto power =
        tosa::PowOp::create(builder, loc, base.getType(), base, importer.splat(static_cast<float>(-beta), 4, loc));
    return importer.mul(x, power, loc);
  });
  node.set(importer.activation(result, layout, x->shape));
  return success();
}

} // namespace sparseaccel::onnx
