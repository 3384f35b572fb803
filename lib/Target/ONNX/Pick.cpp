//===- Pick.cpp - Operators that pick and repeat elements -----------------===//

#include "Importer.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

/// Slices that one concatenation joins; more than that is a tosa.gather.
static constexpr size_t kMostRuns = 8;

/// Indices counted from the start, or an error.
static std::optional<SmallVector<int64_t>> readIndices(NodeContext &node, const HostTensor &tensor, int64_t extent) {
  if (isFloat(tensor.type)) {
    node.error() << "operand 1 is of " << dtypeName(tensor.type) << "; expected integers";
    return std::nullopt;
  }
  SmallVector<int64_t> indices;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    int64_t index = tensor.asInt(i);
    if (index < -extent || index >= extent) {
      node.error() << "picks element " << index << " of " << extent << "; expected one that exists";
      return std::nullopt;
    }
    indices.push_back(index < 0 ? index + extent : index);
  }
  return indices;
}

ValueRef pick(NodeContext &node, const ValueRef &x, int64_t axis, ArrayRef<int64_t> indices) {
  Importer &importer = node.importer;
  Shape kept(x->shape);
  kept[axis] = static_cast<int64_t>(indices.size());
  if (!importer.checkShape(node, kept))
    return nullptr;
  SmallVector<std::pair<int64_t, int64_t>> runs; // first, count
  for (int64_t index : indices) {
    if (!runs.empty() && runs.back().first + runs.back().second == index)
      ++runs.back().second;
    else
      runs.push_back({index, 1});
  }
  Layout layout = importer.nativeLayout(x, node.loc);
  if (!is_contained(layout, axis))
    layout = identityLayout(x->rank());
  int64_t position = find(layout, axis) - layout.begin();
  auto value = importer.get(x, layout, node.loc);
  Shape start(layout.size(), 0), size = physicalShape(x->shape, layout);
  if (runs.size() <= kMostRuns) {
    SmallVector<mlir::Value> parts;
    for (auto [first, count] : runs) {
      start[position] = first;
      size[position] = count;
      parts.push_back(importer.slice(value, start, size, node.loc));
    }
    return importer.activation(importer.concat(parts, position, node.loc), layout, kept);
  }
  int64_t outer = 1, inner = 1, count = kept[axis];
  for (auto [d, extent] : enumerate(size))
    (static_cast<int64_t>(d) < position ? outer : inner) *= static_cast<int64_t>(d) == position ? 1 : extent;
  if (!importer.charge(node, sizeof(int32_t) * static_cast<uint64_t>(outer * count)))
    return nullptr;
  SmallVector<int32_t> all;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t index : indices)
      all.push_back(static_cast<int32_t>(index));
  auto indexType = RankedTensorType::get({outer, count}, importer.builder.getI32Type());
  auto picks = tosa::ConstOp::create(importer.builder, node.loc, indexType, DenseIntElementsAttr::get(indexType, all));
  auto values = importer.reshape(value, {outer, size[position], inner}, node.loc);
  mlir::Value picked =
      tosa::GatherOp::create(importer.builder, node.loc, importer.type({outer, count, inner}), values, picks);
  return importer.activation(importer.reshape(picked, physicalShape(kept, layout), node.loc), layout, kept);
}

LogicalResult importGather(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  ValueRef x = node.input(0);
  TensorRef picks = node.constantInput(1, "indices");
  int64_t given = node.intAttr("axis", 0);
  if (!x || node.failed())
    return failure();
  int64_t axis = node.axis(given, x->rank());
  if (node.failed())
    return failure();
  auto indices = readIndices(node, *picks, x->shape[axis]);
  if (!indices)
    return failure();
  Shape shape(x->shape.begin(), x->shape.begin() + axis);
  shape.append(picks->shape.begin(), picks->shape.end());
  shape.append(x->shape.begin() + axis + 1, x->shape.end());
  if (!node.importer.checkShape(node, shape))
    return failure();
  ValueRef result = pick(node, x, axis, *indices);
  if (!result)
    return failure();
  node.set(node.importer.reshaped(result, shape));
  return success();
}

LogicalResult importExpand(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(2, 2))
    return failure();
  ValueRef x = node.input(0);
  auto target = node.intsInput(1, "shape");
  if (!x || node.failed())
    return failure();
  auto shape = broadcastShapes(node, x->shape, *target);
  if (!shape)
    return failure();
  auto rank = static_cast<int64_t>(shape->size());
  Shape full(rank - x->rank(), 1), multiples;
  full.append(x->shape.begin(), x->shape.end());
  for (int64_t d = 0; d < rank; ++d)
    multiples.push_back((*shape)[d] / full[d]);
  if (full == *shape) {
    node.set(importer.reshaped(x, full));
    return success();
  }
  auto whole = importer.get(importer.reshaped(x, full), identityLayout(rank), node.loc);
  mlir::Value tiled = tosa::TileOp::create(importer.builder, node.loc, importer.type(*shape), whole,
                                           importer.shapeConst(multiples, node.loc));
  node.set(importer.activation(tiled, identityLayout(rank), *shape));
  return success();
}

} // namespace sparseaccel::onnx
