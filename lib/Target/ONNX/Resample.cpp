//===- Resample.cpp - Repeating values, and blocks of them as channels ----===//

#include "Importer.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

/// Every element `factor` times in a row along a dimension of the value.
mlir::Value repeatElements(Importer &importer, mlir::Value value, int64_t position, int64_t factor, Location loc) {
  Shape shape(cast<RankedTensorType>(value.getType()).getShape());
  int64_t outer = 1, inner = 1;
  for (auto [d, extent] : enumerate(shape))
    (static_cast<int64_t>(d) <= position ? outer : inner) *= extent;
  auto rows = importer.reshape(value, {outer, 1, inner}, loc);
  auto tiled = tosa::TileOp::create(importer.builder, loc, importer.type({outer, factor, inner}), rows,
                                    importer.shapeConst({1, factor, 1}, loc));
  shape[position] *= factor;
  return importer.reshape(tiled, shape, loc);
}

/// Enlarges by whole factors, the nearest element each.
LogicalResult enlarge(NodeContext &node, const ValueRef &x, ArrayRef<int64_t> factors) {
  Importer &importer = node.importer;
  Shape shape(x->shape);
  for (auto [extent, factor] : zip_equal(shape, factors))
    if (MulOverflow(extent, factor, extent))
      return node.error() << "enlarges to more elements than an integer counts", failure();
  if (!importer.checkShape(node, shape))
    return failure();
  Layout layout = importer.nativeLayout(x, node.loc);
  for (int64_t d = 0; d < x->rank(); ++d)
    if (factors[d] != 1 && !is_contained(layout, d))
      layout = identityLayout(x->rank());
  auto value = importer.get(x, layout, node.loc);
  for (int64_t d = 0; d < x->rank(); ++d)
    if (factors[d] != 1)
      value = repeatElements(importer, value, find(layout, d) - layout.begin(), factors[d], node.loc);
  node.set(importer.activation(value, layout, shape));
  return success();
}

/// Fails, by the attribute's name, for all but the given choices.
bool expectChoice(NodeContext &node, StringRef name, StringRef otherwise, ArrayRef<StringRef> choices) {
  std::string value = node.stringAttr(name, otherwise);
  if (node.failed() || is_contained(choices, value))
    return !node.failed();
  node.error() << "attribute '" << name << "' is '" << value << "'; expected "
               << "'" << join(choices, "' or '") << "': nearest elements, by whole factors";
  return false;
}

std::optional<SmallVector<int64_t>> wholeFactors(NodeContext &node, const ValueRef &x, ArrayRef<double> scales) {
  if (static_cast<int64_t>(scales.size()) != x->rank()) {
    node.error() << "has " << scales.size() << " scales or sizes; expected " << x->rank();
    return std::nullopt;
  }
  SmallVector<int64_t> factors;
  for (double scale : scales) {
    if (!(scale >= 1 && scale <= 1024 && scale == std::floor(scale))) {
      node.error() << "scales a dimension by " << std::to_string(scale)
                   << "; expected a whole number from 1 to 1024 in every dimension";
      return std::nullopt;
    }
    factors.push_back(static_cast<int64_t>(scale));
  }
  return factors;
}

} // namespace

LogicalResult importResize(NodeContext &node) {
  bool upsample = node.node.op == "Upsample", plain = upsample || node.importer.opset < 11;
  if (!node.expectOperands(plain ? 1 : 1, plain ? 2 : 4))
    return failure();
  ValueRef x = node.input(0);
  if (!x || !expectChoice(node, "mode", "nearest", {"nearest"}))
    return failure();
  SmallVector<double> scales;
  auto readScales = [&](unsigned index) {
    if (TensorRef tensor = node.constantInput(index, "scales"))
      for (int64_t i = 0; i < tensor->size(); ++i)
        scales.push_back(tensor->asDouble(i));
  };
  if (plain) {
    readScales(1);
  } else {
    // By whole factors all of these choose the same element.
    if (!expectChoice(node, "coordinate_transformation_mode", "half_pixel",
                      {"half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "asymmetric"}))
      return failure();
    bool asymmetric = node.stringAttr("coordinate_transformation_mode", "half_pixel") == "asymmetric";
    SmallVector<StringRef> roundings{"round_prefer_floor", "round_prefer_ceil"};
    if (asymmetric)
      roundings = {"floor"};
    if (!expectChoice(node, "nearest_mode", "round_prefer_floor", roundings))
      return failure();
    for (StringRef unread : {"cubic_coeff_a", "exclude_outside", "extrapolation_value"}) // of other modes
      node.ignoreAttr(unread);
    if (node.attribute("axes") || node.attribute("keep_aspect_ratio_policy") || node.intAttr("antialias", 0) != 0)
      return node.error() << "has attribute 'axes', 'antialias' or 'keep_aspect_ratio_policy'; expected scales or "
                             "sizes of all dimensions",
             failure();
    bool hasScales = node.hasInput(2) && node.constantInput(2, "scales") && node.constantInput(2, "scales")->size() > 0;
    if (hasScales) {
      readScales(2);
    } else if (auto sizes = node.intsInput(3, "sizes")) {
      for (int64_t d = 0; d < static_cast<int64_t>(sizes->size()); ++d)
        scales.push_back(static_cast<double>((*sizes)[d]) / static_cast<double>(d < x->rank() ? x->shape[d] : 1));
    }
  }
  if (node.failed())
    return failure();
  auto factors = wholeFactors(node, x, scales);
  return factors ? enlarge(node, x, *factors) : failure();
}

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
