//===- MatMul.cpp - Matrix products ---------------------------------------===//
//
// A product with constant weights is a 1x1 convolution (or, right after a map is flattened, one whose kernel is the
// whole map), so that one path of the compiler serves both. A product of two activations is tosa.matmul.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

#include <numeric>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

/// The NHWC form of a matrix operand whose last dimension is summed over.
Layout rowsLayout(int64_t rank) {
  switch (rank) {
  case 1:
    return {-1, -1, -1, 0};
  case 2:
    return {0, -1, -1, 1};
  case 3:
    return {0, -1, 1, 2};
  default:
    return {0, 1, 2, 3};
  }
}

/// Constant weights as [M][K].
struct Weights {
  std::vector<float> values;
  int64_t m, k;
  std::string name;
  std::optional<QuantInfo> quant; ///< axis: 0 is M, 1 is K.
};

Weights readWeights(const HostTensor &tensor, bool isTransposed) {
  Weights result;
  Shape shape(tensor.shape);
  if (shape.size() == 1)
    shape.push_back(1);
  int64_t last = static_cast<int64_t>(shape.size()) - 1;
  result.m = shape[isTransposed ? last - 1 : last];
  result.k = shape[isTransposed ? last : last - 1];
  result.name = tensor.name;
  result.values = tensor.toFloats();
  if (!isTransposed) {
    std::vector<float> turned(result.values.size());
    for (int64_t k = 0; k < result.k; ++k)
      for (int64_t m = 0; m < result.m; ++m)
        turned[m * result.k + k] = result.values[k * result.m + m];
    result.values = std::move(turned);
  }
  result.quant = tensor.quant;
  if (result.quant && result.quant->axis >= 0)
    result.quant->axis = (result.quant->axis == last) == isTransposed ? 1 : 0;
  return result;
}

/// a · Wᵀ + bias, over the last dimension of `a`, with everything folded in that follows; defines the result.
LogicalResult importFullyConnected(NodeContext &node, ValueRef a, Weights weights, std::vector<float> bias) {
  Importer &importer = node.importer;
  Shape shape(a->shape);
  shape.back() = weights.m;
  if (!importer.checkShape(node, shape) || !importer.charge(node, weights.values.size() * sizeof(float)))
    return failure();
  std::string output = node.node.outputs.empty() ? "" : node.node.outputs[0];
  applyEpilogue(importer.takeEpilogue(node.node, weights.m, a->rank(), 0, output), weights.values, bias, weights.quant);
  auto &quant = weights.quant;

  Window window;
  mlir::Value image;
  Shape weightShape{weights.m, 1, 1, weights.k};
  Layout layout = rowsLayout(a->rank());
  const ValueRef &map = a->base;
  bool flattened = map && a->forms.empty() && a->rank() == 2 && map->rank() == 4 && map->shape[0] == a->shape[0] &&
                   importer.nativeLayout(map, node.loc) == featureLayout(4);
  if (flattened) {
    // Flattening an NHWC map would cost a transpose: turn the weights instead.
    image = importer.get(map, featureLayout(4), node.loc);
    int64_t channels = map->shape[1], rows = map->shape[2], columns = map->shape[3];
    weightShape = {weights.m, rows, columns, channels};
    std::vector<float> ordered(weights.values.size());
    const float *from = weights.values.data();
    for (int64_t m = 0; m < weights.m; ++m)
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t k = 0; k < rows * columns; ++k)
          ordered[(m * rows * columns + k) * channels + c] = *from++;
    weights.values = std::move(ordered);
    window.kernel[0] = window.in[0] = window.used[0] = rows;
    window.kernel[1] = window.in[1] = window.used[1] = columns;
    if (quant && quant->axis == 1)
      quant.reset();
  } else {
    ValueRef rows = a;
    if (a->rank() > 4) {
      int64_t count = std::accumulate(a->shape.begin(), a->shape.end() - 1, int64_t(1), std::multiplies<>());
      rows = importer.reshaped(a, {count, a->shape.back()});
      layout = rowsLayout(2);
    }
    image = importer.get(rows, layout, node.loc);
    auto extents = cast<RankedTensorType>(image.getType()).getShape();
    for (int d = 0; d < 2; ++d)
      window.in[d] = window.out[d] = window.used[d] = extents[d + 1];
    if (quant && quant->axis == 1)
      quant->axis = 3;
  }
  auto result = emitConv(importer, image, std::move(weights.values), weightShape, std::move(bias), window,
                         /*depthwise=*/false, weights.name, quant, node.loc);
  if (a->rank() > 4) {
    int64_t count = cast<RankedTensorType>(result.getType()).getDimSize(0);
    importer.define(output, importer.reshaped(importer.activation(result, layout, {count, shape.back()}), shape));
  } else {
    importer.define(output, importer.activation(result, layout, shape));
  }
  return success();
}

/// tosa.matmul of [..., M, K] and [..., K, N], whose leading dimensions broadcast.
ValueRef emitMatMul(NodeContext &node, const ValueRef &a, const ValueRef &b, ArrayRef<int64_t> batch) {
  Importer &importer = node.importer;
  int64_t batches = std::accumulate(batch.begin(), batch.end(), int64_t(1), std::multiplies<>());
  auto stacked = [&](const ValueRef &value) -> mlir::Value {
    int64_t rank = value->rank(), rows = value->shape[rank - 2], columns = value->shape[rank - 1];
    ArrayRef<int64_t> own = ArrayRef<int64_t>(value->shape).drop_back(2);
    int64_t ownBatches = std::accumulate(own.begin(), own.end(), int64_t(1), std::multiplies<>());
    if (ownBatches == batches)
      return importer.get(importer.reshaped(value, {batches, rows, columns}), identityLayout(3), node.loc);
    // Repeat the dimensions of extent 1.
    Shape full(batch.size() - own.size(), 1);
    full.append(value->shape.begin(), value->shape.end());
    Shape repeated(batch), multiples;
    repeated.append({rows, columns});
    for (size_t d = 0; d < full.size(); ++d)
      multiples.push_back(repeated[d] / full[d]);
    auto whole = importer.get(importer.reshaped(value, full), identityLayout(full.size()), node.loc);
    mlir::Value tiled = tosa::TileOp::create(importer.builder, node.loc, importer.type(repeated), whole,
                                             importer.shapeConst(multiples, node.loc));
    return importer.reshape(tiled, {batches, rows, columns}, node.loc);
  };
  int64_t rows = a->shape[a->rank() - 2], columns = b->shape[b->rank() - 1];
  auto zero = importer.zeroPoint();
  mlir::Value left = stacked(a), right = stacked(b);
  mlir::Value product = tosa::MatMulOp::create(importer.builder, node.loc, importer.type({batches, rows, columns}),
                                               left, right, zero, zero);
  Shape shape(batch);
  shape.append({rows, columns});
  return importer.reshaped(importer.activation(product, identityLayout(3), {batches, rows, columns}), shape);
}

} // namespace

LogicalResult importGemm(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(importer.opset >= 11 ? 2 : 3, 3))
    return failure();
  ValueRef a = node.input(0), b = node.input(1), c = node.hasInput(2) ? node.input(2) : nullptr;
  double alpha = node.floatAttr("alpha", 1), beta = node.floatAttr("beta", 1);
  bool transA = node.intAttr("transA", 0) != 0, transB = node.intAttr("transB", 0) != 0;
  if (node.failed())
    return failure();
  if (a->rank() != 2 || b->rank() != 2)
    return node.error() << "operands have shapes " << shapeString(a->shape) << " and " << shapeString(b->shape)
                        << "; expected two matrices",
           failure();
  int64_t n = a->shape[transA ? 1 : 0], k = a->shape[transA ? 0 : 1], m = b->shape[transB ? 0 : 1];
  if (b->shape[transB ? 1 : 0] != k)
    return node.error() << "operands have shapes " << shapeString(a->shape) << (transA ? " (transposed)" : "")
                        << " and " << shapeString(b->shape) << (transB ? " (transposed)" : "")
                        << "; expected equal extents to sum over",
           failure();
  if (c) {
    bool fits = c->rank() <= 2;
    for (int64_t d = 0; fits && d < c->rank(); ++d) {
      int64_t extent = c->shape[c->rank() - 1 - d];
      fits = extent == 1 || extent == (d == 0 ? m : n);
    }
    if (!fits)
      return node.error() << "operand 2 has shape " << shapeString(c->shape) << "; expected one that broadcasts to ["
                          << n << ", " << m << "]",
             failure();
  }
  if (transA)
    a = importer.transposed(a, {1, 0});

  // A constant that is one number per output goes into the bias.
  bool biasFolds =
      !c || (c->constant && (c->constant->size() == 1 || (c->shape.back() == m && c->constant->size() == m)));
  if (!a->constant && b->constant && biasFolds) {
    Weights weights = readWeights(*b->constant, transB);
    std::vector<float> bias(m, 0.0f);
    if (c)
      for (int64_t i = 0; i < m; ++i)
        bias[i] = static_cast<float>(beta * c->constant->asDouble(c->constant->size() == 1 ? 0 : i));
    if (alpha != 1) {
      for (float &value : weights.values)
        value = static_cast<float>(value * alpha);
      weights.quant.reset();
    }
    return importFullyConnected(node, a, std::move(weights), std::move(bias));
  }
  if (transB)
    b = importer.transposed(b, {1, 0});
  if (!importer.checkShape(node, {n, m}))
    return failure();
  ValueRef product = emitMatMul(node, a, b, {});
  auto result = importer.get(product, {0, 1}, node.loc);
  if (alpha != 1)
    result = importer.mul(result, importer.splat(static_cast<float>(alpha), 2, node.loc), node.loc);
  if (c) {
    Layout layout = c->rank() == 2 ? Layout{0, 1} : c->rank() == 1 ? Layout{-1, 0} : Layout{-1, -1};
    auto addend = importer.get(c, layout, node.loc);
    if (beta != 1)
      addend = importer.mul(addend, importer.splat(static_cast<float>(beta), 2, node.loc), node.loc);
    result = importer.add(result, addend, node.loc);
  }
  node.set(importer.activation(result, {0, 1}, {n, m}));
  return success();
}

LogicalResult importMatMul(NodeContext &node) {
  Importer &importer = node.importer;
  if (!node.expectOperands(2, 2))
    return failure();
  ValueRef a = node.input(0), b = node.input(1);
  if (!a || !b)
    return failure();
  if (a->rank() < 1 || b->rank() < 1)
    return node.error() << "operands have shapes " << shapeString(a->shape) << " and " << shapeString(b->shape)
                        << "; expected at least vectors",
           failure();
  Shape left(a->shape), right(b->shape);
  if (left.size() == 1)
    left.insert(left.begin(), 1);
  if (right.size() == 1)
    right.push_back(1);
  Shape batch(std::max(left.size(), right.size()) - 2, 1);
  bool fits = left.back() == right[right.size() - 2];
  for (ArrayRef<int64_t> side : {ArrayRef<int64_t>(left), ArrayRef<int64_t>(right)})
    for (size_t d = 0; d + 2 < side.size(); ++d) {
      int64_t &extent = batch[batch.size() - (side.size() - 2) + d];
      fits &= side[d] == 1 || extent == 1 || side[d] == extent;
      extent = std::max(extent, side[d]);
    }
  if (!fits)
    return node.error() << "operands have shapes " << shapeString(a->shape) << " and " << shapeString(b->shape)
                        << "; expected equal extents to sum over and leading extents that broadcast",
           failure();

  // Vectors take part as matrices; the added extent vanishes from the result.
  Shape result(batch);
  if (a->rank() > 1)
    result.push_back(left[left.size() - 2]);
  if (b->rank() > 1)
    result.push_back(right.back());
  Shape whole(batch);
  whole.append({left[left.size() - 2], right.back()});
  if (!importer.checkShape(node, whole))
    return failure();
  bool oneMatrix = b->constant && b->constant->size() == right.back() * left.back();
  if (!a->constant && oneMatrix && b->rank() > 1 && static_cast<size_t>(b->rank()) <= std::max<size_t>(2, a->rank()))
    return importFullyConnected(node, a, readWeights(*b->constant, /*isTransposed=*/false),
                                std::vector<float>(right.back(), 0.0f));
  ValueRef product = emitMatMul(node, importer.reshaped(a, left), importer.reshaped(b, right), batch);
  node.set(importer.reshaped(product, result));
  return success();
}

} // namespace sparseaccel::onnx
