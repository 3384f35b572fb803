//===- Slice.cpp - Concat, Split, Slice and Pad ---------------------------===//

#include "Slice.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

#include <limits>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

Shape extents(mlir::Value value) { return Shape(cast<RankedTensorType>(value.getType()).getShape()); }

/// A layout of the value in which the given dimension has a place of its own.
Layout layoutWith(Importer &importer, const ValueRef &value, ArrayRef<int64_t> dims, Location loc) {
  if (!value->constant) {
    Layout layout = importer.nativeLayout(value, loc);
    if (llvm::all_of(dims, [&](int64_t dim) { return is_contained(layout, dim); }))
      return layout;
  }
  return value->rank() == 4 ? featureLayout(4) : identityLayout(value->rank());
}

int64_t positionOf(ArrayRef<int64_t> layout, int64_t dim) { return find(layout, dim) - layout.begin(); }

/// Elements [start, start + size) of one dimension.
mlir::Value sliceAlong(Importer &importer, mlir::Value value, int64_t position, int64_t start, int64_t size,
                       Location loc) {
  Shape sizes = extents(value), starts(sizes.size(), 0);
  starts[position] = start;
  sizes[position] = size;
  return importer.slice(value, starts, sizes, loc);
}

mlir::Value reverse(Importer &importer, mlir::Value value, int64_t position, Location loc) {
  return tosa::ReverseOp::create(importer.builder, loc, value.getType(), value, static_cast<uint32_t>(position));
}

/// Every step-th element of a dimension, which has a multiple of step of them, plus one.
mlir::Value everyNth(Importer &importer, mlir::Value value, int64_t position, int64_t step, Location loc) {
  Shape shape = extents(value), none(shape.size(), 0), high(none);
  int64_t count = (shape[position] - 1) / step + 1;
  high[position] = count * step - shape[position];
  value = importer.pad(value, none, high, 0, loc);
  Shape split(shape);
  split[position] = step;
  split.insert(split.begin() + position, count);
  value = sliceAlong(importer, importer.reshape(value, split, loc), position + 1, 0, 1, loc);
  shape[position] = count;
  return importer.reshape(value, shape, loc);
}

} // namespace

std::optional<std::vector<SliceRange>> readSlice(NodeContext &node, ArrayRef<int64_t> shape) {
  bool operands = node.importer.opset >= 10;
  if (!node.expectOperands(operands ? 3 : 1, operands ? 5 : 1))
    return std::nullopt;
  auto starts = operands ? node.intsInput(1, "starts") : node.intsAttr("starts");
  auto ends = operands ? node.intsInput(2, "ends") : node.intsAttr("ends");
  auto axes = operands ? node.intsInput(3, "axes") : node.intsAttr("axes");
  auto steps = operands ? node.intsInput(4, "steps") : std::nullopt;
  if (node.failed())
    return std::nullopt;
  if (!starts || !ends || starts->size() != ends->size() || (axes && axes->size() != starts->size()) ||
      (steps && steps->size() != starts->size()) || starts->size() > shape.size()) {
    node.error() << "has lists 'starts', 'ends', 'axes' and 'steps' that are absent or of different lengths; expected "
                    "one entry per sliced "
                    "dimension";
    return std::nullopt;
  }
  std::vector<SliceRange> ranges(shape.size());
  for (size_t d = 0; d < shape.size(); ++d)
    ranges[d] = {0, 1, shape[d]};
  std::vector<int64_t> seen;
  for (size_t i = 0; i < starts->size(); ++i) {
    int64_t axis = node.axis(axes ? (*axes)[i] : static_cast<int64_t>(i), static_cast<int64_t>(shape.size()));
    if (node.failed())
      return std::nullopt;
    if (is_contained(seen, axis)) {
      node.error() << "slices dimension " << axis << " twice";
      return std::nullopt;
    }
    seen.push_back(axis);
    int64_t extent = shape[axis], step = steps ? (*steps)[i] : 1, start = (*starts)[i], end = (*ends)[i];
    if (step == 0 || step < -std::numeric_limits<int32_t>::max()) {
      node.error() << "has step " << step << " in dimension " << axis << "; expected a step that moves";
      return std::nullopt;
    }
    step = std::min<int64_t>(step, std::numeric_limits<int32_t>::max());
    start = start < 0 ? std::max(start, -extent) + extent : std::min(start, extent);
    end = end < 0 ? std::max(end, -extent - 1) + extent : std::min(end, extent);
    if (step < 0)
      start = std::min(start, extent - 1);
    else
      end = std::max<int64_t>(end, 0);
    int64_t distance = step > 0 ? end - start : start - end, magnitude = std::abs(step);
    ranges[axis] = {start, step, distance <= 0 ? 0 : (distance + magnitude - 1) / magnitude};
  }
  return ranges;
}

LogicalResult importSlice(NodeContext &node) {
  Importer &importer = node.importer;
  ValueRef x = node.input(0);
  auto ranges = x ? readSlice(node, x->shape) : std::nullopt;
  if (!ranges)
    return failure();
  Shape shape;
  SmallVector<int64_t> touched;
  for (auto [d, range] : enumerate(*ranges)) {
    shape.push_back(range.count);
    if (range.count != x->shape[d] || range.step < 0)
      touched.push_back(static_cast<int64_t>(d));
  }
  if (!importer.checkShape(node, shape))
    return failure();
  Layout layout = layoutWith(importer, x, touched, node.loc);
  auto value = importer.get(x, layout, node.loc);
  Shape starts(layout.size(), 0), sizes = extents(value);
  int64_t strides[2] = {1, 1};
  SmallVector<std::pair<int64_t, int64_t>> others; // position, step
  for (int64_t dim : touched) {
    auto [start, step, count] = (*ranges)[dim];
    int64_t position = positionOf(layout, dim);
    if (step < 0) {
      value = reverse(importer, value, position, node.loc);
      start = x->shape[dim] - 1 - start;
      step = -step;
    }
    starts[position] = start;
    sizes[position] = (count - 1) * step + 1;
    if (step > 1 && count > 1) {
      if (layout == featureLayout(4) && (position == 1 || position == 2))
        strides[position - 1] = step;
      else
        others.push_back({position, step});
    }
  }
  value = importer.slice(value, starts, sizes, node.loc);
  if (strides[0] > 1 || strides[1] > 1) {
    // Rows and columns: a pool of 1x1 picks them, and accelerators have pools.
    int64_t one[] = {1, 1}, none[] = {0, 0, 0, 0};
    Shape picked = extents(value);
    for (int d = 0; d < 2; ++d)
      picked[d + 1] = (picked[d + 1] - 1) / strides[d] + 1;
    value = tosa::MaxPool2dOp::create(importer.builder, node.loc, importer.type(picked), value, one, strides, none);
  }
  for (auto [position, step] : others)
    value = everyNth(importer, value, position, step, node.loc);
  node.set(importer.activation(value, layout, shape));
  return success();
}

LogicalResult importConcat(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(1, std::numeric_limits<unsigned>::max()))
    return failure();
  SmallVector<ValueRef> operands;
  for (unsigned i = 0; i < node.node.inputs.size(); ++i) {
    operands.push_back(node.input(i));
    if (node.failed())
      return failure();
  }
  auto given = node.optionalIntAttr("axis");
  if (!given && !node.failed())
    return node.error() << "attribute 'axis' is absent; expected the dimension to join", failure();
  int64_t axis = node.failed() ? 0 : node.axis(*given, operands[0]->rank());
  if (node.failed())
    return failure();
  Shape shape(operands[0]->shape);
  for (const ValueRef &operand : drop_begin(operands)) {
    Shape own(operand->shape);
    bool fits = own.size() == shape.size();
    if (fits) {
      shape[axis] += own[axis];
      own[axis] = shape[axis];
      fits = own == shape;
    }
    if (!fits)
      return node.error() << "operands have shapes " << shapeString(operands[0]->shape) << " and "
                          << shapeString(operand->shape) << "; expected equal extents in every dimension but " << axis,
             failure();
    if (!importer.checkShape(node, shape))
      return failure();
  }
  auto first = find_if(operands, [](const ValueRef &operand) { return !operand->constant; });
  // Every dimension that moves in any operand needs its place.
  SmallVector<int64_t> dims{axis};
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d)
    if (d != axis && shape[d] != 1)
      dims.push_back(d);
  Layout layout = layoutWith(importer, first == operands.end() ? operands[0] : *first, dims, node.loc);
  SmallVector<mlir::Value> parts;
  for (const ValueRef &operand : operands)
    parts.push_back(importer.get(operand, layout, node.loc));
  node.set(importer.activation(importer.concat(parts, positionOf(layout, axis), node.loc), layout, shape));
  return success();
}

LogicalResult importSplit(NodeContext &node) {
  Importer &importer = node.importer;
  bool operand = importer.opset >= 13;
  if (!node.expectOperands(1, operand ? 2 : 1))
    return failure();
  ValueRef x = node.input(0);
  auto given = operand ? node.intsInput(1, "split") : node.intsAttr("split");
  auto outputs = static_cast<int64_t>(node.node.outputs.size());
  int64_t stated = importer.opset >= 18 ? node.intAttr("num_outputs", outputs) : outputs;
  int64_t axis = x ? node.axis(node.intAttr("axis", 0), x->rank()) : 0;
  if (node.failed())
    return failure();
  int64_t extent = x->shape[axis];
  if (stated != outputs || outputs == 0)
    return node.error() << "attribute 'num_outputs' is " << stated << "; expected " << outputs
                        << ", the number of its outputs",
           failure();
  std::vector<int64_t> sizes;
  if (given) {
    sizes = *given;
  } else {
    // From opset 18 on the last part may be smaller.
    int64_t part = importer.opset >= 18 ? (extent + outputs - 1) / outputs : extent / outputs;
    for (int64_t i = 0; i < outputs; ++i)
      sizes.push_back(i + 1 < outputs || importer.opset < 18 ? part : extent - part * (outputs - 1));
  }
  int64_t total = 0;
  bool fits = static_cast<int64_t>(sizes.size()) == outputs;
  for (int64_t size : sizes) {
    fits = fits && size > 0 && size <= extent;
    total += fits ? size : 0;
  }
  if (!fits || total != extent)
    return node.error() << "splits an extent of " << extent << " into " << shapeString(sizes) << " for " << outputs
                        << " outputs; expected positive sizes, one per output, that add up",
           failure();
  Layout layout = layoutWith(importer, x, {axis}, node.loc);
  auto value = importer.get(x, layout, node.loc);
  int64_t start = 0;
  for (auto [output, size] : enumerate(sizes)) {
    Shape shape(x->shape);
    shape[axis] = size;
    if (node.isUsed(output))
      node.set(importer.activation(sliceAlong(importer, value, positionOf(layout, axis), start, size, node.loc), layout,
                                   shape),
               output);
    start += size;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Pad
//===----------------------------------------------------------------------===//

namespace {

/// Padding before and after, per dimension; negative values cut.
struct Padding {
  Shape low, high;
};

std::optional<Padding> readPadding(NodeContext &node, int64_t rank) {
  bool operands = node.importer.opset >= 11, axesAreOperand = node.importer.opset >= 18;
  auto given = operands ? node.intsInput(1, "pads") : node.intsAttr("pads");
  auto dims = identityLayout(rank);
  std::vector<int64_t> axes(dims.begin(), dims.end());
  if (axesAreOperand)
    if (auto some = node.intsInput(3, "axes")) {
      for (int64_t &axis : *some)
        axis = node.axis(axis, rank);
      if (!node.failed())
        node.axes(*some, rank); // refuses one that is given twice
      axes = *some;
    }
  if (node.failed())
    return std::nullopt;
  if (!given || given->size() != 2 * axes.size()) {
    node.error() << "has " << (given ? given->size() : 0) << " pads; expected " << 2 * axes.size()
                 << ", two per dimension";
    return std::nullopt;
  }
  Padding result{Shape(rank, 0), Shape(rank, 0)};
  for (size_t i = 0; i < axes.size(); ++i) {
    result.low[axes[i]] = (*given)[i];
    result.high[axes[i]] = (*given)[axes.size() + i];
  }
  for (int64_t pads : *given)
    if (std::abs(pads / 2) > std::numeric_limits<int32_t>::max() / 2) {
      node.error() << "pads by " << pads << "; expected less than 2147483648";
      return std::nullopt;
    }
  return result;
}

/// One dimension padded with what the tensor itself holds.
mlir::Value padAlong(Importer &importer, mlir::Value value, int64_t position, int64_t low, int64_t high, StringRef mode,
                     Location loc) {
  int64_t extent = extents(value)[position];
  SmallVector<mlir::Value> parts;
  auto part = [&](bool front, int64_t count) {
    if (count == 0)
      return;
    if (mode == "edge") {
      auto edge = sliceAlong(importer, value, position, front ? 0 : extent - 1, 1, loc);
      Shape multiples(extents(value).size(), 1), shape = extents(edge);
      multiples[position] = shape[position] = count;
      parts.push_back(count == 1 ? edge
                                 : mlir::Value(tosa::TileOp::create(importer.builder, loc, importer.type(shape), edge,
                                                                    importer.shapeConst(multiples, loc))));
    } else if (mode == "reflect") {
      auto piece = sliceAlong(importer, value, position, front ? 1 : extent - 1 - count, count, loc);
      parts.push_back(reverse(importer, piece, position, loc));
    } else { // wrap
      parts.push_back(sliceAlong(importer, value, position, front ? extent - count : 0, count, loc));
    }
  };
  part(true, low);
  parts.push_back(value);
  part(false, high);
  return importer.concat(parts, position, loc);
}

} // namespace

LogicalResult importPad(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(importer.opset >= 11 ? 2 : 1, importer.opset >= 18 ? 4 : importer.opset >= 11 ? 3 : 1))
    return failure();
  ValueRef x = node.input(0);
  auto padding = x ? readPadding(node, x->rank()) : std::nullopt;
  std::string mode = node.stringAttr("mode", "constant");
  double with = importer.opset < 11 ? node.floatAttr("value", 0) : 0;
  if (importer.opset >= 11 && node.hasInput(2)) {
    TensorRef constant = node.constantInput(2, "padding value");
    if (!constant || !node.input(2))
      return failure();
    if (constant->size() != 1)
      return node.error() << "has a padding value of shape " << shapeString(constant->shape) << "; expected one number",
             failure();
    with = constant->asDouble(0);
  }
  if (!padding || node.failed())
    return failure();
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return node.error() << "attribute 'mode' is '" << mode << "'; expected constant, reflect, edge or wrap", failure();

  Shape shape(x->shape), cut(x->shape);
  SmallVector<int64_t> touched;
  for (int64_t d = 0; d < x->rank(); ++d) {
    int64_t low = padding->low[d], high = padding->high[d];
    cut[d] += std::min<int64_t>(low, 0) + std::min<int64_t>(high, 0);
    shape[d] += low + high;
    if (low || high)
      touched.push_back(d);
    int64_t most = mode == "reflect" ? cut[d] - 1 : mode == "wrap" ? cut[d] : std::numeric_limits<int64_t>::max();
    if (cut[d] < 1 || std::max(low, high) > most)
      return node.error() << "pads dimension " << d << ", of extent " << x->shape[d] << ", by " << low << " and "
                          << high << "; expected fewer in mode '" << mode << "'",
             failure();
  }
  if (!importer.checkShape(node, shape))
    return failure();
  Layout layout = layoutWith(importer, x, touched, node.loc);
  auto value = importer.get(x, layout, node.loc);
  Shape starts(layout.size(), 0), sizes = extents(value), low(starts), high(starts);
  for (int64_t dim : touched) {
    int64_t position = positionOf(layout, dim);
    starts[position] = std::max<int64_t>(-padding->low[dim], 0);
    sizes[position] = cut[dim];
    low[position] = std::max<int64_t>(padding->low[dim], 0);
    high[position] = std::max<int64_t>(padding->high[dim], 0);
  }
  value = importer.slice(value, starts, sizes, node.loc);
  if (mode == "constant") {
    value = importer.pad(value, low, high, static_cast<float>(with), node.loc);
  } else {
    for (size_t position = 0; position < layout.size(); ++position)
      value = padAlong(importer, value, static_cast<int64_t>(position), low[position], high[position], mode, node.loc);
  }
  node.set(importer.activation(value, layout, shape));
  return success();
}

} // namespace sparseaccel::onnx
