//===- FoldMovement.cpp - Parts of constants, moved ------------------------===//

#include "Fold.h"
#include "Slice.h"

#include <limits>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

LogicalResult foldConcat(NodeContext &node) {
  if (!node.expectOperands(1, std::numeric_limits<unsigned>::max()))
    return failure();
  SmallVector<TensorRef> parts;
  for (unsigned i = 0; i < node.node.inputs.size(); ++i)
    parts.push_back(node.constantInput(i, "part"));
  int64_t given = node.intAttr("axis", 0);
  if (node.failed())
    return failure();
  int64_t axis = node.axis(given, static_cast<int64_t>(parts[0]->shape.size()));
  if (node.failed())
    return failure();
  Shape shape(parts[0]->shape);
  for (const TensorRef &part : drop_begin(parts)) {
    Shape own(part->shape);
    bool fits = own.size() == shape.size() && part->type == parts[0]->type;
    if (fits) {
      shape[axis] += own[axis];
      own[axis] = shape[axis];
      fits = own == shape;
    }
    if (!fits)
      return node.error() << "joins " << dtypeName(parts[0]->type) << shapeString(parts[0]->shape) << " and "
                          << dtypeName(part->type) << shapeString(part->shape)
                          << "; expected one type and equal extents in every dimension but " << axis,
             failure();
  }
  auto result = node.importer.newConstant(node, parts[0]->type, shape);
  if (!result)
    return failure();
  auto strides = stridesOf(shape);
  int64_t start = 0;
  for (const TensorRef &part : parts) {
    forEach(part->shape, start * strides[axis], strides,
            [&](int64_t from, int64_t to) { copyElement(*result, to, *part, from); });
    start += part->shape[axis];
  }
  return setConstant(node, result);
}

LogicalResult foldSlice(NodeContext &node) {
  TensorRef x = node.constantInput(0, "data");
  auto ranges = x ? readSlice(node, x->shape) : std::nullopt;
  if (!ranges)
    return failure();
  Shape shape;
  auto strides = stridesOf(x->shape);
  int64_t first = 0;
  for (auto [d, range] : enumerate(*ranges)) {
    shape.push_back(range.count);
    first += range.count ? range.start * strides[d] : 0;
    strides[d] *= range.count > 1 ? range.step : 0;
  }
  auto result = node.importer.newConstant(node, x->type, shape);
  if (!result)
    return failure();
  forEach(shape, first, strides, [&](int64_t to, int64_t from) { copyElement(*result, to, *x, from); });
  return setConstant(node, result);
}

LogicalResult foldExpand(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  TensorRef x = node.constantInput(0, "data");
  auto target = node.intsInput(1, "shape");
  if (!x || node.failed())
    return failure();
  auto shape = broadcastShapes(node, x->shape, *target);
  auto result = shape ? node.importer.newConstant(node, x->type, *shape) : nullptr;
  if (!result)
    return failure();
  forEach(*shape, 0, *repeatedSteps(x->shape, *shape),
          [&](int64_t to, int64_t from) { copyElement(*result, to, *x, from); });
  return setConstant(node, result);
}

LogicalResult foldTrilu(NodeContext &node) {
  if (!node.expectOperands(1, 2))
    return failure();
  TensorRef x = node.constantInput(0, "data"), offset = node.hasInput(1) ? node.constantInput(1, "diagonal") : nullptr;
  bool upper = node.intAttr("upper", 1) != 0;
  if (node.failed())
    return failure();
  auto rank = static_cast<int64_t>(x->shape.size());
  if (rank < 2 || (offset && (offset->size() != 1 || isFloat(offset->type))))
    return node.error() << "has data of shape " << shapeString(x->shape)
                        << "; expected at least two dimensions, and one integer as its diagonal",
           failure();
  auto result = std::make_shared<HostTensor>(*x);
  result->quant.reset();
  int64_t rows = x->shape[rank - 2], columns = x->shape[rank - 1];
  // Beyond the matrix all diagonals are alike.
  int64_t diagonal = offset ? std::clamp(offset->asInt(0), -rows - columns, rows + columns) : 0;
  size_t bytes = dtypeBytes(x->type);
  if (!node.importer.charge(node, result->bytes.size()))
    return failure();
  for (int64_t i = 0; i < x->size(); ++i) {
    int64_t above = i % columns - i / columns % rows - diagonal;
    if (upper ? above < 0 : above > 0)
      std::fill_n(result->bytes.begin() + i * bytes, bytes, 0);
  }
  return setConstant(node, result);
}

LogicalResult foldCompress(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  TensorRef x = node.constantInput(0, "data"), condition = node.constantInput(1, "condition");
  auto given = node.optionalIntAttr("axis");
  if (node.failed())
    return failure();
  Shape shape = given ? x->shape : Shape{x->size()};
  int64_t axis = given ? node.axis(*given, static_cast<int64_t>(shape.size())) : 0;
  if (node.failed())
    return failure();
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < std::min(condition->size(), shape[axis]); ++i)
    if (condition->asInt(i) != 0)
      kept.push_back(i);
  int64_t extent = shape[axis], inner = stridesOf(shape)[axis];
  shape[axis] = static_cast<int64_t>(kept.size());
  auto result = node.importer.newConstant(node, x->type, shape);
  if (!result)
    return failure();
  int64_t to = 0, outer = result->size() ? x->size() / (extent * inner) : 0;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t index : kept)
      for (int64_t i = 0; i < inner; ++i)
        copyElement(*result, to++, *x, (o * extent + index) * inner + i);
  return setConstant(node, result);
}

LogicalResult foldReverseSequence(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  TensorRef x = node.constantInput(0, "data");
  auto lengths = node.intsInput(1, "lengths");
  int64_t batch = node.intAttr("batch_axis", 1), time = node.intAttr("time_axis", 0);
  if (node.failed())
    return failure();
  if (x->shape.size() < 2 || batch + time != 1 || (batch != 0 && batch != 1) || !lengths ||
      static_cast<int64_t>(lengths->size()) != x->shape[batch])
    return node.error() << "has data of shape " << shapeString(x->shape)
                        << "; expected time and batch as its first two dimensions, and a length for each of the batch",
           failure();
  auto result = node.importer.newConstant(node, x->type, x->shape);
  if (!result)
    return failure();
  auto strides = stridesOf(x->shape);
  for (int64_t i = 0; i < x->size(); ++i) {
    int64_t step = i / strides[time] % x->shape[time], length = (*lengths)[i / strides[batch] % x->shape[batch]];
    if (length < 0 || length > x->shape[time])
      return node.error() << "reverses " << length << " of " << x->shape[time] << " steps", failure();
    int64_t from = step < length ? length - 1 - step : step;
    copyElement(*result, i, *x, i + (from - step) * strides[time]);
  }
  return setConstant(node, result);
}

} // namespace sparseaccel::onnx
