//===- FoldIndexed.cpp - Elements of constants, by their indices -----------===//

#include "Fold.h"

#include <cmath>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

std::optional<std::vector<int64_t>> readIndices(NodeContext &node, const HostTensor &tensor, int64_t extent,
                                                unsigned operand) {
  if (isFloat(tensor.type)) {
    node.error() << "operand " << operand << " is of " << dtypeName(tensor.type) << "; expected integers";
    return std::nullopt;
  }
  std::vector<int64_t> indices = tensor.toInts();
  for (int64_t &index : indices) {
    if (index < -extent || index >= extent) {
      node.error() << "picks element " << index << " of " << extent << "; expected one that exists";
      return std::nullopt;
    }
    index += index < 0 ? extent : 0;
  }
  return indices;
}

LogicalResult foldGather(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  TensorRef x = node.constantInput(0, "data"), picks = node.constantInput(1, "indices");
  int64_t given = node.intAttr("axis", 0);
  if (node.failed())
    return failure();
  int64_t axis = node.axis(given, static_cast<int64_t>(x->shape.size()));
  auto indices = node.failed() ? std::nullopt : readIndices(node, *picks, x->shape[axis], 1);
  if (!indices)
    return failure();
  Shape shape(x->shape.begin(), x->shape.begin() + axis);
  shape.append(picks->shape.begin(), picks->shape.end());
  shape.append(x->shape.begin() + axis + 1, x->shape.end());
  auto result = node.importer.newConstant(node, x->type, shape);
  if (!result)
    return failure();
  int64_t extent = x->shape[axis], inner = stridesOf(x->shape)[axis];
  int64_t outer = result->size() ? x->size() / (extent * inner) : 0, to = 0;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t index : *indices)
      for (int64_t i = 0; i < inner; ++i)
        copyElement(*result, to++, *x, (o * extent + index) * inner + i);
  return setConstant(node, result);
}

namespace {

/// For GatherElements and ScatterElements: the element of `x` that each index names, all other coordinates being the
/// index's own.
std::optional<std::vector<int64_t>> elementsAlong(NodeContext &node, const HostTensor &x, const HostTensor &picks) {
  int64_t given = node.intAttr("axis", 0);
  auto rank = static_cast<int64_t>(x.shape.size());
  int64_t axis = node.failed() ? 0 : node.axis(given, rank);
  if (node.failed())
    return std::nullopt;
  bool fits = picks.shape.size() == x.shape.size();
  for (int64_t d = 0; fits && d < rank; ++d)
    fits = d == axis || picks.shape[d] <= x.shape[d];
  if (!fits) {
    node.error() << "has indices of shape " << shapeString(picks.shape) << " for data of shape " << shapeString(x.shape)
                 << "; expected as many dimensions, and no larger ones but along the axis";
    return std::nullopt;
  }
  auto indices = readIndices(node, picks, x.shape[axis], 1);
  if (!indices)
    return std::nullopt;
  auto strides = stridesOf(x.shape);
  int64_t along = strides[axis];
  strides[axis] = 0;
  forEach(picks.shape, 0, strides, [&](int64_t to, int64_t base) { (*indices)[to] = base + (*indices)[to] * along; });
  return indices;
}

/// For GatherND and ScatterND: where in `x` each tuple of indices begins, behind `batch` leading dimensions that both
/// have in common.
std::optional<std::vector<int64_t>> elementsAt(NodeContext &node, const HostTensor &x, const HostTensor &picks,
                                               int64_t batch) {
  auto rank = static_cast<int64_t>(x.shape.size()), own = static_cast<int64_t>(picks.shape.size());
  int64_t length = own ? picks.shape.back() : 0;
  bool fits = own >= 1 && batch >= 0 && batch < own && batch < rank && length >= 1 && batch + length <= rank &&
              !isFloat(picks.type);
  for (int64_t d = 0; fits && d < batch; ++d)
    fits = picks.shape[d] == x.shape[d];
  if (!fits) {
    node.error() << "has indices of " << dtypeName(picks.type) << shapeString(picks.shape) << " for data of shape "
                 << shapeString(x.shape) << "; expected integers, tuples of at most as many as it has dimensions";
    return std::nullopt;
  }
  auto strides = stridesOf(x.shape);
  int64_t batches = 1;
  for (int64_t d = 0; d < batch; ++d)
    batches *= x.shape[d];
  int64_t tuples = picks.size() / length, inBatch = batches ? x.size() / batches : 0;
  std::vector<int64_t> starts(tuples);
  for (int64_t t = 0; t < tuples; ++t) {
    starts[t] = t / (tuples / batches) * inBatch;
    for (int64_t i = 0; i < length; ++i) {
      int64_t index = picks.asInt(t * length + i), extent = x.shape[batch + i];
      if (index < -extent || index >= extent) {
        node.error() << "picks element " << index << " of " << extent << "; expected one that exists";
        return std::nullopt;
      }
      starts[t] += (index + (index < 0 ? extent : 0)) * strides[batch + i];
    }
  }
  return starts;
}

/// Writes `from` into an element, by the node's reduction.
void scatter(HostTensor &to, int64_t index, const HostTensor &from, int64_t fromIndex, StringRef reduction) {
  if (reduction == "none")
    return copyElement(to, index, from, fromIndex);
  if (isFloat(to.type)) {
    double a = to.asDouble(index), b = from.asDouble(fromIndex);
    return to.set(index, reduction == "add"   ? a + b
                         : reduction == "mul" ? a * b
                         : reduction == "max" ? std::fmax(a, b)
                                              : std::fmin(a, b));
  }
  Wide a = asWide(to, index), b = asWide(from, fromIndex);
  setWide(to, index,
          reduction == "add"   ? a + b
          : reduction == "mul" ? static_cast<Wide>(static_cast<UnsignedWide>(a) * static_cast<UnsignedWide>(b))
          : reduction == "max" ? std::max(a, b)
                               : std::min(a, b));
}

/// The three operands of a scattering node and its reduction; a copy of the data to write into.
struct Scattering {
  TensorRef picks, updates;
  std::shared_ptr<HostTensor> result;
  std::string reduction;
};

std::optional<Scattering> readScattering(NodeContext &node) {
  if (!node.expectOperands(3, 3))
    return std::nullopt;
  TensorRef x = node.constantInput(0, "data");
  Scattering all{node.constantInput(1, "indices"), node.constantInput(2, "updates"), nullptr,
                 node.stringAttr("reduction", "none")};
  if (node.failed())
    return std::nullopt;
  if (!is_contained({"none", "add", "mul", "max", "min"}, StringRef(all.reduction))) {
    node.error() << "attribute 'reduction' is '" << all.reduction << "'; expected none, add, mul, max or min";
    return std::nullopt;
  }
  if (x->type != all.updates->type) {
    node.error() << "operands are of " << dtypeName(x->type) << " and " << dtypeName(all.updates->type)
                 << "; expected one type";
    return std::nullopt;
  }
  if (!node.importer.charge(node, x->bytes.size()))
    return std::nullopt;
  all.result = std::make_shared<HostTensor>(*x);
  all.result->quant.reset();
  return all;
}

} // namespace

LogicalResult foldGatherElements(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  TensorRef x = node.constantInput(0, "data"), picks = node.constantInput(1, "indices");
  auto elements = node.failed() ? std::nullopt : elementsAlong(node, *x, *picks);
  auto result = elements ? node.importer.newConstant(node, x->type, picks->shape) : nullptr;
  if (!result)
    return failure();
  for (auto [to, from] : enumerate(*elements))
    copyElement(*result, static_cast<int64_t>(to), *x, from);
  return setConstant(node, result);
}

LogicalResult foldGatherND(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  TensorRef x = node.constantInput(0, "data"), picks = node.constantInput(1, "indices");
  int64_t batch = node.importer.opset >= 12 ? node.intAttr("batch_dims", 0) : 0;
  auto starts = node.failed() ? std::nullopt : elementsAt(node, *x, *picks, batch);
  if (!starts)
    return failure();
  Shape shape(picks->shape.begin(), picks->shape.end() - 1);
  int64_t length = picks->shape.back(), inner = 1;
  for (int64_t extent : ArrayRef(x->shape).drop_front(batch + length)) {
    shape.push_back(extent);
    inner *= extent;
  }
  auto result = node.importer.newConstant(node, x->type, shape);
  if (!result)
    return failure();
  int64_t to = 0;
  for (int64_t start : *starts)
    for (int64_t i = 0; i < inner; ++i)
      copyElement(*result, to++, *x, start + i);
  return setConstant(node, result);
}

LogicalResult foldScatterElements(NodeContext &node) {
  auto all = readScattering(node);
  auto elements = all ? elementsAlong(node, *all->result, *all->picks) : std::nullopt;
  if (!elements)
    return failure();
  if (all->updates->shape != all->picks->shape)
    return node.error() << "has updates of shape " << shapeString(all->updates->shape) << "; expected "
                        << shapeString(all->picks->shape) << ", that of the indices",
           failure();
  for (auto [from, to] : enumerate(*elements))
    scatter(*all->result, to, *all->updates, static_cast<int64_t>(from), all->reduction);
  return setConstant(node, all->result);
}

LogicalResult foldScatterND(NodeContext &node) {
  auto all = readScattering(node);
  auto starts = all ? elementsAt(node, *all->result, *all->picks, 0) : std::nullopt;
  if (!starts)
    return failure();
  Shape expected(all->picks->shape.begin(), all->picks->shape.end() - 1);
  int64_t inner = 1;
  for (int64_t extent : ArrayRef(all->result->shape).drop_front(all->picks->shape.back())) {
    expected.push_back(extent);
    inner *= extent;
  }
  if (all->updates->shape != expected)
    return node.error() << "has updates of shape " << shapeString(all->updates->shape) << "; expected "
                        << shapeString(expected),
           failure();
  int64_t from = 0;
  for (int64_t start : *starts)
    for (int64_t i = 0; i < inner; ++i)
      scatter(*all->result, start + i, *all->updates, from++, all->reduction);
  return setConstant(node, all->result);
}

} // namespace sparseaccel::onnx
