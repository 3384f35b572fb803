//===- Resize.cpp - Resize and Upsample ------------------------------------===//
//
// A resized tensor is one axis after the other: each element of the result has a coordinate in the operand, and is the
// nearest element or lies between two. Elements are repeated where that is all, else picked by constant indices.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

/// One axis: extents before and after, how many elements of the result one of the operand becomes, and the part of the
/// operand that tf_crop_and_resize takes (0 to 1).
struct Axis {
  int64_t from = 1, to = 1;
  double scale = 1, first = 0, last = 1;
};

struct Resizing {
  std::string mode, coordinates, rounding;
  std::vector<Axis> axes; ///< One per dimension.
};

/// Fails, by the attribute's name, for all but the given choices.
std::string choice(NodeContext &node, StringRef name, StringRef otherwise, ArrayRef<StringRef> choices) {
  std::string value = node.stringAttr(name, otherwise);
  if (!node.failed() && !is_contained(choices, value))
    node.error() << "attribute '" << name << "' is '" << value << "'; expected '" << join(choices, "' or '") << "'";
  return value;
}

/// Where element `index` of the result lies among the operand's.
double coordinate(StringRef kind, const Axis &axis, int64_t index) {
  auto i = static_cast<double>(index), from = static_cast<double>(axis.from), to = static_cast<double>(axis.to);
  if (kind == "asymmetric")
    return i / axis.scale;
  if (kind == "align_corners")
    return axis.to == 1 ? 0 : i * (from - 1) / (to - 1);
  if (kind == "tf_half_pixel_for_nn")
    return (i + 0.5) / axis.scale;
  if (kind == "tf_crop_and_resize")
    return axis.to == 1 ? 0.5 * (axis.first + axis.last) * (from - 1)
                        : (axis.first + i * (axis.last - axis.first) / (to - 1)) * (from - 1);
  if (kind == "pytorch_half_pixel" && axis.to == 1)
    return 0;
  // A symmetric result has its centre where the operand has it, though its extent was rounded.
  double offset = kind == "half_pixel_symmetric" ? from / 2 * (1 - to / (axis.scale * from)) : 0;
  return offset + (i + 0.5) / axis.scale - 0.5;
}

int64_t nearest(StringRef rounding, double x) {
  return static_cast<int64_t>(rounding == "floor"               ? std::floor(x)
                              : rounding == "ceil"              ? std::ceil(x)
                              : rounding == "round_prefer_ceil" ? std::floor(x + 0.5)
                                                                : std::ceil(x - 0.5));
}

/// Every element `factor` times in a row along a dimension.
ValueRef repeatElements(NodeContext &node, const ValueRef &x, int64_t axis, int64_t factor) {
  Importer &importer = node.importer;
  Shape kept(x->shape);
  kept[axis] *= factor;
  Layout layout = importer.nativeLayout(x, node.loc);
  if (!is_contained(layout, axis))
    layout = identityLayout(x->rank());
  int64_t position = find(layout, axis) - layout.begin(), outer = 1, inner = 1;
  for (auto [d, extent] : enumerate(physicalShape(x->shape, layout)))
    (static_cast<int64_t>(d) <= position ? outer : inner) *= extent;
  auto rows = importer.reshape(importer.get(x, layout, node.loc), {outer, 1, inner}, node.loc);
  auto tiled = tosa::TileOp::create(importer.builder, node.loc, importer.type({outer, factor, inner}), rows,
                                    importer.shapeConst({1, factor, 1}, node.loc));
  return importer.activation(importer.reshape(tiled, physicalShape(kept, layout), node.loc), layout, kept);
}

ValueRef take(NodeContext &node, const ValueRef &x, int64_t axis, ArrayRef<int64_t> indices) {
  auto extent = x->shape[axis], count = static_cast<int64_t>(indices.size());
  int64_t factor = count / extent;
  bool same = true, repeats = count == extent * factor;
  for (auto [i, index] : enumerate(indices)) {
    same = same && index == static_cast<int64_t>(i);
    repeats = repeats && index == static_cast<int64_t>(i) / factor;
  }
  if (same && count == extent)
    return x;
  return repeats ? repeatElements(node, x, axis, factor) : pick(node, x, axis, indices);
}

ValueRef resizeAlong(NodeContext &node, const ValueRef &x, int64_t dim, const Resizing &resizing) {
  Importer &importer = node.importer;
  const Axis &axis = resizing.axes[dim];
  std::vector<int64_t> low, high;
  bool between = false;
  Shape weightShape(x->rank(), 1);
  weightShape[dim] = axis.to;
  auto below = importer.newConstant(node, DType::F32, weightShape);
  auto above = below ? importer.newConstant(node, DType::F32, weightShape) : nullptr;
  if (!above)
    return nullptr;
  for (int64_t i = 0; i < axis.to; ++i) {
    double at = coordinate(resizing.coordinates, axis, i);
    if (resizing.coordinates == "tf_crop_and_resize" && (at < 0 || at > static_cast<double>(axis.from - 1))) {
      node.error() << "reads outside of dimension " << dim << "; expected operand 1, the region, to lie inside";
      return nullptr;
    }
    bool linear = resizing.mode == "linear";
    int64_t index = linear ? static_cast<int64_t>(std::floor(at)) : nearest(resizing.rounding, at);
    double share = linear ? at - std::floor(at) : 0;
    low.push_back(std::clamp<int64_t>(index, 0, axis.from - 1));
    high.push_back(std::clamp<int64_t>(index + 1, 0, axis.from - 1));
    if (low.back() == high.back())
      share = 0;
    below->set(i, 1 - share);
    above->set(i, share);
    between |= share != 0;
  }
  ValueRef first = take(node, x, dim, low);
  if (!first || !between)
    return first;
  ValueRef second = take(node, x, dim, high);
  if (!second)
    return nullptr;
  ValueRef a = emitBinary(node, "Mul", first, importer.constant(below));
  ValueRef b = a ? emitBinary(node, "Mul", second, importer.constant(above)) : nullptr;
  return b ? emitBinary(node, "Add", a, b) : nullptr;
}

std::vector<double> readReals(NodeContext &node, unsigned index, StringRef role) {
  std::vector<double> values;
  if (TensorRef tensor = node.hasInput(index) ? node.constantInput(index, role) : nullptr)
    for (int64_t i = 0; i < tensor->size(); ++i)
      values.push_back(tensor->asDouble(i));
  return values;
}

/// Scales, or sizes where there are none, into the axes that they are of.
void readExtents(NodeContext &node, Resizing &resizing, ArrayRef<int64_t> dims, ArrayRef<double> scales,
                 ArrayRef<int64_t> sizes, StringRef policy) {
  size_t count = scales.empty() ? sizes.size() : scales.size();
  if (count != dims.size()) {
    node.error() << "has " << count << " scales or sizes; expected " << dims.size();
    return;
  }
  if (policy != "stretch" && (sizes.empty() || !scales.empty())) {
    node.error() << "attribute 'keep_aspect_ratio_policy' is '" << policy << "'; expected sizes";
    return;
  }
  double common = 0;
  for (auto [i, size] : enumerate(sizes)) {
    double own = static_cast<double>(size) / static_cast<double>(resizing.axes[dims[i]].from);
    common = i == 0 ? own : policy == "not_larger" ? std::min(common, own) : std::max(common, own);
  }
  for (auto [i, dim] : enumerate(dims)) {
    Axis &axis = resizing.axes[dim];
    auto from = static_cast<double>(axis.from);
    if (!scales.empty())
      axis.scale = scales[i];
    else
      axis.scale = policy == "stretch" ? static_cast<double>(sizes[i]) / from : common;
    // Scales are float32, and so is their product: 10 by 0.7 gives 7 elements.
    double product = static_cast<double>(static_cast<float>(from) * static_cast<float>(axis.scale));
    double to = !scales.empty()       ? std::floor(product)
                : policy == "stretch" ? static_cast<double>(sizes[i])
                                      : std::floor(from * axis.scale + 0.5);
    if (!(axis.scale > 0 && to >= 1 && to < 0x1p31)) {
      node.error() << "scales dimension " << dim << ", of extent " << axis.from << ", by " << std::to_string(axis.scale)
                   << "; expected at least one element, and fewer than 2^31";
      return;
    }
    if (resizing.coordinates == "align_corners" && !scales.empty() && product != to) {
      node.error() << "scales dimension " << dim << ", of extent " << axis.from << ", by " << std::to_string(axis.scale)
                   << " in mode 'align_corners'; expected a whole number of elements, or sizes";
      return;
    }
    axis.to = static_cast<int64_t>(to);
  }
}

/// Up to opset 10, where elements were repeated, or every so many of them taken.
void readPlain(NodeContext &node, Resizing &resizing, ArrayRef<int64_t> dims) {
  resizing.mode = choice(node, "mode", "nearest", {"nearest", "linear"});
  std::vector<double> scales;
  if (node.node.op == "Upsample" && node.importer.opset < 9) {
    const Attribute *given = node.attribute("scales");
    if (given && given->kind == Attribute::Floats)
      scales.assign(given->floats.begin(), given->floats.end());
  } else {
    scales = readReals(node, 1, "scales");
  }
  if (node.failed())
    return;
  resizing.coordinates = "asymmetric";
  resizing.rounding = "floor";
  readExtents(node, resizing, dims, scales, {}, "stretch");
  for (const Axis &axis : resizing.axes)
    if (!node.failed() && axis.scale < 1 && std::floor(1 / axis.scale) != 1 / axis.scale)
      node.error() << "scales a dimension by " << std::to_string(axis.scale)
                   << "; expected at least 1, or one over a whole number: opset " << node.importer.opset
                   << " does not say which elements are left";
}

void readChosen(NodeContext &node, Resizing &resizing, ArrayRef<int64_t> all) {
  int64_t opset = node.importer.opset;
  resizing.mode = choice(node, "mode", "nearest", {"nearest", "linear"});
  SmallVector<StringRef> coordinates{"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
                                     "tf_crop_and_resize"};
  // Left out after opset 11, and written by converters all the same.
  coordinates.push_back("tf_half_pixel_for_nn");
  if (opset >= 19)
    coordinates.push_back("half_pixel_symmetric");
  resizing.coordinates = choice(node, "coordinate_transformation_mode", "half_pixel", coordinates);
  resizing.rounding =
      choice(node, "nearest_mode", "round_prefer_floor", {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"});
  for (StringRef unread : {"cubic_coeff_a", "exclude_outside", "extrapolation_value"}) // of other modes
    node.ignoreAttr(unread);
  std::string policy = "stretch";
  SmallVector<int64_t> dims(all);
  if (opset >= 18) {
    if (node.intAttr("antialias", 0) != 0)
      node.error() << "attribute 'antialias' is 1; expected 0";
    policy = choice(node, "keep_aspect_ratio_policy", "stretch", {"stretch", "not_larger", "not_smaller"});
    if (auto given = node.intsAttr("axes")) {
      dims.clear();
      for (int64_t axis : *given)
        dims.push_back(node.axis(axis, static_cast<int64_t>(all.size())));
      if (!node.failed())
        node.axes(*given, static_cast<int64_t>(all.size())); // refuses one that is given twice
    }
  }
  auto region = readReals(node, 1, "region"), scales = readReals(node, 2, "scales");
  auto sizes = node.intsInput(3, "sizes");
  if (node.failed())
    return;
  if (resizing.coordinates == "tf_crop_and_resize") {
    if (region.size() != 2 * dims.size()) {
      node.error() << "has a region of " << region.size() << " numbers; expected " << 2 * dims.size();
      return;
    }
    for (auto [i, dim] : enumerate(dims)) {
      resizing.axes[dim].first = region[i];
      resizing.axes[dim].last = region[dims.size() + i];
    }
  }
  readExtents(node, resizing, dims, scales, sizes ? ArrayRef(*sizes) : ArrayRef<int64_t>(), policy);
}

} // namespace

LogicalResult importResize(NodeContext &node) {
  bool plain = node.node.op == "Upsample" || node.importer.opset < 11;
  if (!node.expectOperands(1, plain ? 2 : 4))
    return failure();
  ValueRef x = node.input(0);
  if (!x)
    return failure();
  Resizing resizing;
  Layout dims = identityLayout(x->rank());
  for (int64_t extent : x->shape)
    resizing.axes.push_back({extent, extent});
  if (plain)
    readPlain(node, resizing, dims);
  else
    readChosen(node, resizing, dims);
  if (node.failed())
    return failure();
  Shape shape;
  for (const Axis &axis : resizing.axes)
    shape.push_back(axis.to);
  if (!node.importer.checkShape(node, shape))
    return failure();
  for (int64_t dim : dims)
    if (x && (resizing.axes[dim].to != x->shape[dim] || resizing.coordinates == "tf_crop_and_resize"))
      x = resizeAlong(node, x, dim, resizing);
  if (!x)
    return failure();
  node.set(x);
  return success();
}

} // namespace sparseaccel::onnx
