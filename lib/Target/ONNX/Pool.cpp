//===- Pool.cpp - Pooling -------------------------------------------------===//

#include "Window.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

mlir::Value emitAverage(Importer &importer, mlir::Value image, const Window &window, Location loc) {
  auto shape = cast<RankedTensorType>(image.getType()).getShape();
  int64_t pad[] = {window.low[0], window.high[0], window.low[1], window.high[1]};
  auto type = importer.type({shape[0], window.out[0], window.out[1], shape[3]});
  auto zero = importer.zeroPoint();
  return tosa::AvgPool2dOp::create(importer.builder, loc, type, image, zero, zero, window.kernel, window.stride, pad,
                                   importer.builder.getF32Type());
}

/// The window of a pool, with what TOSA asks of it.
std::optional<Window> readPool(NodeContext &node, const ValueRef &x) {
  if (x->rank() != 3 && x->rank() != 4) {
    node.error() << "operand 0 has shape " << shapeString(x->shape) << "; expected [N, C, W] or [N, C, H, W]";
    return std::nullopt;
  }
  ArrayRef<int64_t> spatial = ArrayRef<int64_t>(x->shape).drop_front(2);
  auto kernel = node.intsAttr("kernel_shape");
  if (!kernel || kernel->size() != spatial.size()) {
    if (!node.failed())
      node.error() << "attribute 'kernel_shape' is " << (kernel ? shapeString(*kernel) : "absent") << "; expected "
                   << spatial.size() << " extents";
    return std::nullopt;
  }
  auto dilations = node.intsAttr("dilations");
  if (dilations && llvm::any_of(*dilations, [](int64_t dilation) { return dilation != 1; })) {
    node.error() << "attribute 'dilations' is " << shapeString(*dilations)
                 << "; expected 1 in every dimension: dilated pools are not supported";
    return std::nullopt;
  }
  auto window = readWindow(node, spatial, *kernel, /*dilations=*/false, node.intAttr("ceil_mode", 0) != 0);
  if (!window || node.failed())
    return std::nullopt;
  for (int d = 0; d < 2; ++d)
    if (window->low[d] >= window->kernel[d] || window->givenHigh[d] >= window->kernel[d]) {
      node.error() << "is padded by " << window->low[d] << " and " << window->givenHigh[d]
                   << "; expected less than the window's extent " << window->kernel[d];
      return std::nullopt;
    }
  return window;
}

/// The shape of a pool's result, checked.
std::optional<Shape> pooledShape(NodeContext &node, const ValueRef &x, const Window &window) {
  Shape shape{x->shape[0], x->shape[1]};
  if (x->rank() == 4)
    shape.push_back(window.out[0]);
  shape.push_back(window.out[1]);
  return node.importer.checkShape(node, shape) ? std::optional(shape) : std::nullopt;
}

/// The mean over all rows and columns of an NHWC map.

} // namespace

mlir::Value emitGlobalAverage(Importer &importer, mlir::Value image, Location loc) {
  auto shape = cast<RankedTensorType>(image.getType()).getShape();
  Window window;
  for (int d = 0; d < 2; ++d)
    window.kernel[d] = window.in[d] = window.used[d] = shape[d + 1];
  return emitAverage(importer, image, window, loc);
}

LogicalResult importMaxPool(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.input(0);
  if (!x)
    return failure();
  if (node.isUsed(1))
    return node.error() << "gives the indices of its maxima ('" << node.node.outputs[1]
                        << "'); expected only the maxima to be used",
           failure();
  node.ignoreAttr("storage_order"); // speaks of the indices
  auto window = readPool(node, x);
  auto shape = window ? pooledShape(node, x, *window) : std::nullopt;
  if (!shape)
    return failure();
  auto image = sliceUsed(importer, importer.get(x, featureLayout(x->rank()), node.loc), *window, node.loc);
  int64_t pad[] = {window->low[0], window->high[0], window->low[1], window->high[1]};
  auto type = importer.type({x->shape[0], window->out[0], window->out[1], x->shape[1]});
  auto result = tosa::MaxPool2dOp::create(importer.builder, node.loc, type, image, window->kernel, window->stride, pad);
  node.set(importer.activation(result, featureLayout(x->rank()), *shape));
  return success();
}

LogicalResult importAveragePool(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.input(0);
  if (!x)
    return failure();
  bool countPad = node.intAttr("count_include_pad", 0) != 0;
  auto window = readPool(node, x);
  auto shape = window ? pooledShape(node, x, *window) : std::nullopt;
  if (!shape)
    return failure();
  auto image = importer.get(x, featureLayout(x->rank()), node.loc);
  if (countPad) {
    // The model's padding becomes part of the image; what ceil_mode adds beyond it is still not counted.
    Shape low{0, window->low[0], window->low[1], 0}, high{0, 0, 0, 0};
    for (int d = 0; d < 2; ++d) {
      high[d + 1] = std::min(window->high[d], window->givenHigh[d]);
      window->high[d] -= high[d + 1];
      window->low[d] = 0;
    }
    image = importer.pad(sliceUsed(importer, image, *window, node.loc), low, high, 0, node.loc);
  } else {
    image = sliceUsed(importer, image, *window, node.loc);
  }
  node.set(importer.activation(emitAverage(importer, image, *window, node.loc), featureLayout(x->rank()), *shape));
  return success();
}

LogicalResult importGlobalPool(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.input(0);
  if (!x)
    return failure();
  if (x->rank() != 3 && x->rank() != 4)
    return node.error() << "operand 0 has shape " << shapeString(x->shape) << "; expected [N, C, W] or [N, C, H, W]",
           failure();
  Layout layout = featureLayout(x->rank());
  mlir::Value image = importer.get(x, layout, node.loc), result;
  if (node.node.op == "GlobalMaxPool") {
    auto extents = cast<RankedTensorType>(image.getType()).getShape();
    result = tosa::MaxPool2dOp::create(importer.builder, node.loc, importer.type({extents[0], 1, 1, extents[3]}), image,
                                       ArrayRef<int64_t>{extents[1], extents[2]}, ArrayRef<int64_t>{1, 1},
                                       ArrayRef<int64_t>{0, 0, 0, 0});
  } else {
    result = emitGlobalAverage(importer, image, node.loc);
  }
  Shape shape{x->shape[0], x->shape[1]};
  shape.resize(x->rank(), 1);
  node.set(importer.activation(result, layout, shape));
  return success();
}

} // namespace sparseaccel::onnx
