//===- Resample.cpp - Repeating values, and blocks of them as channels ----===//

#include "Importer.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
LogicalResult importTile(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(2, 2))
    return failure();
  ValueRef x = node.input(0);
  auto repeats = node.intsInput(1, "repeats");
  if (!x || node.failed())
    return failure();
  if (static_cast<int64_t>(repeats->size()) != x->rank() || x->rank() == 0)
    return node.error() << "has " << repeats->size() << " repeats for rank " << x->rank()
                        << "; expected one for every dimension, and at least one dimension",
           failure();
  Shape shape(x->shape);
  for (auto [extent, count] : zip_equal(shape, *repeats))
    if (count < 1 || MulOverflow(extent, count, extent))
      return node.error() << "repeats " << count << " times; expected 1 or more, and a result that an integer counts",
             failure();
  if (!importer.checkShape(node, shape))
    return failure();
  auto layout = identityLayout(x->rank());
  mlir::Value tiled = importer.get(x, layout, node.loc);
  if (shape != x->shape)
    tiled = tosa::TileOp::create(importer.builder, node.loc, importer.type(shape), tiled,
                                 importer.shapeConst(*repeats, node.loc));
  node.set(importer.activation(tiled, layout, shape));
  return success();
}

LogicalResult importBlocks(NodeContext &node) {
  Importer &importer = node.importer;
  bool toSpace = node.node.op == "DepthToSpace";
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.input(0);
  int64_t block = node.intAttr("blocksize", 0);
  std::string mode = toSpace ? node.stringAttr("mode", "DCR") : "DCR";
  if (!x || node.failed())
    return failure();
  if (mode != "DCR" && mode != "CRD")
    return node.error() << "attribute 'mode' is '" << mode << "'; expected 'DCR' or 'CRD'", failure();
  if (x->rank() != 4)
    return node.error() << "operand 0 has shape " << shapeString(x->shape) << "; expected [N, C, H, W]", failure();
  int64_t n = x->shape[0], c = x->shape[1], h = x->shape[2], w = x->shape[3];
  bool divides = block >= 1 && block <= 1024 && (toSpace ? c % (block * block) == 0 : h % block == 0 && w % block == 0);
  if (!divides)
    return node.error() << "attribute 'blocksize' is " << block << "; expected one whose "
                        << (toSpace ? "square divides the channels" : "multiples are rows and columns") << " of "
                        << shapeString(x->shape),
           failure();
  if (toSpace) {
    int64_t depth = c / (block * block);
    bool byColumn = mode == "CRD";
    Shape split = byColumn ? Shape{n, depth, block, block, h, w} : Shape{n, block, block, depth, h, w};
    SmallVector<int64_t> perm{0, 1, 4, 2, 5, 3};
    if (!byColumn)
      perm = {0, 3, 4, 1, 5, 2};
    node.set(
        importer.reshaped(importer.transposed(importer.reshaped(x, split), perm), {n, depth, h * block, w * block}));
  } else {
    auto split = importer.reshaped(x, {n, c, h / block, block, w / block, block});
    node.set(importer.reshaped(importer.transposed(split, {0, 3, 5, 1, 2, 4}),
                               {n, c * block * block, h / block, w / block}));
  }
  return success();
}

} // namespace sparseaccel::onnx
