//===- FoldMade.cpp - Constants made of extents, counts and truths ---------===//

#include "Fold.h"

#include <cmath>
#include <numbers>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

/// The element type that an attribute names, or `otherwise` where it is absent; reports one that is not held.
std::optional<DType> typeAttribute(NodeContext &node, StringRef name, DType otherwise) {
  auto code = node.optionalIntAttr(name);
  if (!code)
    return node.failed() ? std::nullopt : std::optional(otherwise);
  auto type = *code >= 0 && *code < 100 ? dtypeFromOnnx(static_cast<int32_t>(*code)) : std::nullopt;
  if (!type)
    node.error() << "attribute '" << name << "' is "
                 << onnxTypeName(static_cast<int32_t>(std::clamp<int64_t>(*code, -1, 100)))
                 << "; expected a float, integer or bool type";
  return type;
}

} // namespace

LogicalResult foldRange(NodeContext &node) {
  if (!node.expectOperands(3, 3))
    return failure();
  TensorRef ends[3];
  for (unsigned i = 0; i < 3; ++i) {
    ends[i] = node.constantInput(i, "bound");
    if (!ends[i])
      return failure();
    if (ends[i]->size() != 1 || ends[i]->type != ends[0]->type || ends[i]->type == DType::Bool)
      return node.error() << "operand " << i << " is of " << dtypeName(ends[i]->type) << " and shape "
                          << shapeString(ends[i]->shape) << "; expected one number, of one type for all three",
             failure();
  }
  constexpr double most = 1 << 30;
  double start = asReal(*ends[0], 0), limit = asReal(*ends[1], 0), delta = asReal(*ends[2], 0);
  double count = std::max(0.0, std::ceil((limit - start) / delta));
  bool integers = !isFloat(ends[0]->type);
  if (delta == 0 || !(count <= most) || (integers && (std::abs(start) > most || std::abs(limit) > most)))
    return node.error() << "counts from " << std::to_string(start) << " to " << std::to_string(limit) << " by "
                        << std::to_string(delta) << "; expected a step that is not 0, and numbers below 2^30",
           failure();
  auto result = node.importer.newConstant(node, ends[0]->type, {static_cast<int64_t>(count)});
  if (!result)
    return failure();
  for (int64_t i = 0; i < result->size(); ++i) {
    if (integers)
      setWide(*result, i, asWide(*ends[0], 0) + i * asWide(*ends[2], 0));
    else
      result->set(i, start + static_cast<double>(i) * delta);
  }
  return setConstant(node, result);
}

LogicalResult foldEyeLike(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef like = node.anyInput(0);
  int64_t diagonal = node.intAttr("k", 0);
  auto type = like ? typeAttribute(node, "dtype", like->constant ? like->constant->type : DType::F32) : std::nullopt;
  if (!type || node.failed())
    return failure();
  if (like->rank() != 2)
    return node.error() << "operand 0 has shape " << shapeString(like->shape) << "; expected a matrix", failure();
  auto result = node.importer.newConstant(node, *type, like->shape);
  if (!result)
    return failure();
  for (int64_t i = 0; i < result->size(); ++i)
    if (i % like->shape[1] - i / like->shape[1] == diagonal)
      result->set(i, int64_t(1));
  return setConstant(node, result);
}

LogicalResult foldOneHot(NodeContext &node) {
  if (!node.expectOperands(3, 3))
    return failure();
  TensorRef indices = node.constantInput(0, "indices"), depth = node.constantInput(1, "depth"),
            values = node.constantInput(2, "values");
  int64_t given = node.intAttr("axis", -1);
  if (node.failed())
    return failure();
  if (depth->size() != 1 || values->size() != 2)
    return node.error() << "has a depth of shape " << shapeString(depth->shape) << " and values of shape "
                        << shapeString(values->shape) << "; expected one number, and what is off and on",
           failure();
  Shape shape(indices->shape);
  int64_t axis = node.axis(given, static_cast<int64_t>(shape.size()) + 1);
  auto extent = static_cast<int64_t>(asReal(*depth, 0));
  if (node.failed())
    return failure();
  shape.insert(shape.begin() + axis, extent);
  auto result = node.importer.newConstant(node, values->type, shape);
  if (!result)
    return failure();
  int64_t inner = stridesOf(shape)[axis];
  for (int64_t i = 0; i < result->size(); ++i) {
    auto index = static_cast<int64_t>(asReal(*indices, i / (inner * extent) * inner + i % inner));
    bool on = i / inner % extent == (index < 0 ? index + extent : index);
    copyElement(*result, i, *values, on ? 1 : 0);
  }
  return setConstant(node, result);
}

LogicalResult foldNonZero(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  TensorRef x = node.constantInput(0, "data");
  if (!x)
    return failure();
  std::vector<int64_t> found;
  for (int64_t i = 0; i < x->size(); ++i)
    if (asReal(*x, i) != 0)
      found.push_back(i);
  auto count = static_cast<int64_t>(found.size()), rank = static_cast<int64_t>(x->shape.size());
  auto result = node.importer.newConstant(node, DType::I64, {rank, count});
  if (!result)
    return failure();
  auto strides = stridesOf(x->shape);
  for (int64_t d = 0; d < rank; ++d)
    for (int64_t i = 0; i < count; ++i)
      result->set(d * count + i, found[i] / strides[d] % x->shape[d]);
  return setConstant(node, result);
}

LogicalResult foldWindow(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  TensorRef size = node.constantInput(0, "size");
  bool periodic = node.intAttr("periodic", 1) != 0;
  auto type = typeAttribute(node, "output_datatype", DType::F32);
  if (!size || !type || node.failed())
    return failure();
  if (size->size() != 1 || isFloat(size->type))
    return node.error() << "operand 0 is of " << dtypeName(size->type) << " and shape " << shapeString(size->shape)
                        << "; expected one integer",
           failure();
  auto result = node.importer.newConstant(node, *type, {size->asInt(0)});
  if (!result)
    return failure();
  // a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N), where a symmetric window ends with its first value.
  StringRef op = node.node.op;
  double a0 = op == "HannWindow" ? 0.5 : op == "HammingWindow" ? 25.0 / 46.0 : 0.42;
  double a2 = op == "BlackmanWindow" ? 0.08 : 0, a1 = op == "BlackmanWindow" ? 0.5 : 1 - a0;
  double period = static_cast<double>(size->asInt(0)) - (periodic ? 0 : 1);
  for (int64_t i = 0; i < result->size(); ++i) {
    double angle = 2 * std::numbers::pi * static_cast<double>(i) / period;
    result->set(i, a0 - a1 * std::cos(angle) + a2 * std::cos(2 * angle));
  }
  return setConstant(node, result);
}

} // namespace sparseaccel::onnx
