//===- Reshape.cpp - Operators that only rename dimensions ----------------===//
//
// They cost nothing here: they change a value's shape and the layout that it is known to have. They take constants of
// every type and quantised values.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include <numeric>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

/// Far more than any model has, and few enough for every index type.
static constexpr size_t maxRank = 8;

static LogicalResult setReshaped(NodeContext &node, const ValueRef &value, ArrayRef<int64_t> shape) {
  if (shape.size() > maxRank)
    return node.error() << "makes a tensor of rank " << shape.size() << "; expected at most " << maxRank, failure();
  if (value->constant && !node.importer.charge(node, value->constant->bytes.size()))
    return failure();
  node.set(node.importer.reshaped(value, shape));
  return success();
}

LogicalResult importFlatten(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.anyInput(0);
  int64_t given = node.intAttr("axis", 1);
  if (node.failed())
    return failure();
  int64_t axis = given == x->rank() ? given : node.axis(given, x->rank());
  if (node.failed())
    return failure();
  Shape shape{1, 1};
  for (int64_t d = 0; d < x->rank(); ++d)
    shape[d < axis ? 0 : 1] *= x->shape[d];
  return setReshaped(node, x, shape);
}

LogicalResult importReshape(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  ValueRef x = node.anyInput(0);
  auto wanted = node.intsInput(1, "shape");
  bool allowZero = node.importer.opset >= 14 && node.intAttr("allowzero", 0) != 0;
  if (!wanted && !node.failed())
    return node.error() << "operand 1 (the shape) is absent", failure();
  if (node.failed())
    return failure();
  if (wanted->size() > maxRank)
    return node.error() << "makes a tensor of rank " << wanted->size() << "; expected at most " << maxRank, failure();
  Shape shape(wanted->begin(), wanted->end());
  int64_t inferred = -1;
  for (auto [d, extent] : enumerate(shape)) {
    if (extent == 0 && !allowZero) {
      if (static_cast<int64_t>(d) >= x->rank())
        return node.error() << "copies dimension " << d << " of a tensor of shape " << shapeString(x->shape)
                            << "; expected one that exists",
               failure();
      extent = x->shape[d];
    }
    if (extent < -1 || (extent == -1 && inferred >= 0))
      return node.error() << "has shape operand " << shapeString(shape)
                          << "; expected positive extents and at most one -1",
             failure();
    if (extent == -1)
      inferred = static_cast<int64_t>(d);
  }
  auto total = elementCount(x->shape, 1, node.importer.options.maxTensorBytes);
  if (inferred >= 0) {
    shape[inferred] = 1;
    auto known = elementCount(shape, 1, node.importer.options.maxTensorBytes);
    shape[inferred] = total && known && *known > 0 ? *total / *known : 0;
  }
  if (!total || elementCount(shape, 1, node.importer.options.maxTensorBytes) != total)
    return node.error() << "reshapes " << shapeString(x->shape) << " to "
                        << shapeString(Shape(wanted->begin(), wanted->end())) << "; expected as many elements",
           failure();
  return setReshaped(node, x, shape);
}

LogicalResult importSqueeze(NodeContext &node) {
  bool axesAreOperand = node.importer.opset >= 13;
  if (!node.expectOperands(1, axesAreOperand ? 2 : 1))
    return failure();
  ValueRef x = node.anyInput(0);
  auto given = axesAreOperand ? node.intsInput(1, "axes") : node.intsAttr("axes");
  if (node.failed())
    return failure();
  std::vector<int64_t> axes;
  if (given) {
    axes = node.axes(*given, x->rank());
    if (node.failed())
      return failure();
  } else {
    for (int64_t d = 0; d < x->rank(); ++d)
      if (x->shape[d] == 1)
        axes.push_back(d);
  }
  Shape shape;
  for (int64_t d = 0; d < x->rank(); ++d) {
    if (!is_contained(axes, d))
      shape.push_back(x->shape[d]);
    else if (x->shape[d] != 1)
      return node.error() << "removes dimension " << d << " of a tensor of shape " << shapeString(x->shape)
                          << "; expected an extent of 1",
             failure();
  }
  return setReshaped(node, x, shape);
}

LogicalResult importUnsqueeze(NodeContext &node) {
  bool axesAreOperand = node.importer.opset >= 13;
  if (!node.expectOperands(axesAreOperand ? 2 : 1, axesAreOperand ? 2 : 1))
    return failure();
  ValueRef x = node.anyInput(0);
  auto given = axesAreOperand ? node.intsInput(1, "axes") : node.intsAttr("axes");
  if (!given && !node.failed())
    return node.error() << "attribute 'axes' is absent; expected the dimensions to add", failure();
  if (node.failed())
    return failure();
  if (given->size() > maxRank)
    return node.error() << "adds " << given->size() << " dimensions; expected at most " << maxRank, failure();
  auto axes = node.axes(*given, x->rank() + static_cast<int64_t>(given->size()));
  if (node.failed())
    return failure();
  Shape shape(x->shape);
  for (int64_t axis : axes)
    shape.insert(shape.begin() + axis, 1);
  return setReshaped(node, x, shape);
}

LogicalResult importTranspose(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.anyInput(0);
  auto given = node.intsAttr("perm");
  if (node.failed())
    return failure();
  Layout perm = identityLayout(x->rank());
  if (given)
    perm.assign(given->begin(), given->end());
  else
    std::reverse(perm.begin(), perm.end());
  Layout sorted(perm);
  llvm::sort(sorted);
  if (sorted != identityLayout(x->rank()))
    return node.error() << "attribute 'perm' is " << shapeString(perm) << "; expected a permutation of " << x->rank()
                        << " dimensions",
           failure();
  if (!x->constant && !x->codes && !node.input(0))
    return failure();
  if (x->constant && !node.importer.charge(node, x->constant->bytes.size()))
    return failure();
  node.set(node.importer.transposed(x, perm));
  return success();
}

LogicalResult importIdentity(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  if (ValueRef x = node.anyInput(0))
    node.set(x);
  return failure(node.failed());
}

LogicalResult importDropout(NodeContext &node) {
  if (!node.expectOperands(1, node.importer.opset < 12 ? 1 : 3))
    return failure();
  ValueRef x = node.anyInput(0);
  node.ignoreAttr("ratio");
  node.ignoreAttr("seed");
  if (x && node.hasInput(2)) {
    TensorRef training = node.constantInput(2, "training mode");
    if (training && (training->size() != 1 || training->asInt(0) != 0))
      return node.error() << "is in training mode; expected a model exported for inference", failure();
  }
  if (node.isUsed(1))
    return node.error() << "gives its mask ('" << node.node.outputs[1] << "'); expected only the values to be used",
           failure();
  if (x)
    node.set(x);
  return failure(node.failed());
}

} // namespace sparseaccel::onnx
