//===- Values.cpp - Layouts of values, and the ops that move between them -===//

#include "Importer.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <numeric>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

Layout identityLayout(int64_t rank) {
  Layout layout(rank);
  std::iota(layout.begin(), layout.end(), 0);
  return layout;
}

Layout featureLayout(int64_t rank) {
  switch (rank) {
  case 2:
    return {0, -1, -1, 1};
  case 3:
    return {0, -1, 2, 1};
  case 4:
    return {0, 2, 3, 1};
  default:
    return identityLayout(rank);
  }
}

Shape physicalShape(ArrayRef<int64_t> shape, ArrayRef<int64_t> layout) {
  Shape result;
  for (int64_t dim : layout)
    result.push_back(dim < 0 ? 1 : shape[dim]);
  return result;
}

/// The dimensions of a layout whose extent is not 1, in order: what a reshape cannot change.
static SmallVector<int64_t> movingDims(ArrayRef<int64_t> shape, ArrayRef<int64_t> layout) {
  SmallVector<int64_t> result;
  for (int64_t dim : layout)
    if (dim >= 0 && shape[dim] != 1)
      result.push_back(dim);
  return result;
}

std::vector<float> permuteFloats(const HostTensor &tensor, ArrayRef<int64_t> layout) {
  std::vector<float> from = tensor.toFloats();
  if (movingDims(tensor.shape, layout) == movingDims(tensor.shape, identityLayout(tensor.shape.size())))
    return from;
  SmallVector<int64_t> strides(tensor.shape.size(), 1);
  for (int64_t d = static_cast<int64_t>(strides.size()) - 2; d >= 0; --d)
    strides[d] = strides[d + 1] * tensor.shape[d + 1];
  Shape extents = physicalShape(tensor.shape, layout);
  SmallVector<int64_t> index(extents.size(), 0);
  std::vector<float> result(from.size());
  int64_t source = 0;
  for (float &value : result) {
    value = from[source];
    for (int64_t d = static_cast<int64_t>(extents.size()) - 1; d >= 0; --d) {
      int64_t stride = layout[d] < 0 ? 0 : strides[layout[d]];
      source += stride;
      if (++index[d] < extents[d])
        break;
      source -= stride * extents[d];
      index[d] = 0;
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

ValueRef Importer::activation(mlir::Value value, ArrayRef<int64_t> layout, ArrayRef<int64_t> shape) {
  auto result = std::make_shared<GraphValue>();
  result->shape.assign(shape.begin(), shape.end());
  result->forms.push_back({Layout(layout), value});
  return result;
}

ValueRef Importer::constant(TensorRef tensor) {
  auto result = std::make_shared<GraphValue>();
  result->shape = tensor->shape;
  result->constant = std::move(tensor);
  return result;
}

mlir::Value Importer::get(const ValueRef &value, ArrayRef<int64_t> layout, Location loc) {
  for (const auto &form : value->forms)
    if (form.layout == layout)
      return form.value;
  if (value->constant) {
    auto result = constFloats(permuteFloats(*value->constant, layout), physicalShape(value->shape, layout), loc);
    value->forms.push_back({Layout(layout), result});
    return result;
  }
  if (value->forms.empty()) {
    Layout identity = identityLayout(value->rank());
    auto whole = get(value->base, identityLayout(value->base->rank()), loc);
    value->forms.push_back({identity, reshape(whole, value->shape, loc)});
    return get(value, layout, loc);
  }

  // A form that only a reshape separates from the wanted one is the best source.
  auto wanted = movingDims(value->shape, layout);
  const GraphValue::Form *source = &value->forms.front();
  for (const auto &form : value->forms)
    if (movingDims(value->shape, form.layout) == wanted) {
      source = &form;
      break;
    }
  auto moving = movingDims(value->shape, source->layout);
  mlir::Value result = source->value;
  if (isa<BlockArgument>(result))
    loc = result.getLoc(); // turning the input over is not the work of its first reader
  if (moving != wanted) {
    bool direct =
        source->layout.size() == layout.size() && !is_contained(layout, -1) && !is_contained(source->layout, -1);
    auto from = direct ? SmallVector<int64_t>(source->layout.begin(), source->layout.end()) : moving;
    ArrayRef<int64_t> to = direct ? layout : ArrayRef<int64_t>(wanted);
    SmallVector<int64_t> perm;
    for (int64_t dim : to)
      perm.push_back(find(from, dim) - from.begin());
    result = transpose(reshape(result, physicalShape(value->shape, from), loc), perm, loc);
  }
  result = reshape(result, physicalShape(value->shape, layout), loc);
  value->forms.push_back({Layout(layout), result});
  return result;
}

Layout Importer::nativeLayout(const ValueRef &value, Location loc) {
  if (value->forms.empty())
    get(value, identityLayout(value->rank()), loc);
  return value->forms.front().layout;
}

/// The dimension of `to` that each dimension of `from` becomes when only extents of 1 come or go; nullopt where more
/// changes.
static std::optional<SmallVector<int64_t>> matchUnitReshape(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  auto fromMoving = movingDims(from, identityLayout(from.size())), toMoving = movingDims(to, identityLayout(to.size()));
  if (fromMoving.size() != toMoving.size())
    return std::nullopt;
  SmallVector<int64_t> map(from.size(), -1);
  for (auto [a, b] : zip_equal(fromMoving, toMoving)) {
    if (from[a] != to[b])
      return std::nullopt;
    map[a] = b;
  }
  // Keep a leading batch of 1 in its place, so that layouts stay readable.
  if (!from.empty() && !to.empty() && from[0] == 1 && to[0] == 1)
    map[0] = 0;
  return map;
}

ValueRef Importer::reshaped(const ValueRef &value, ArrayRef<int64_t> shape) {
  if (value->shape == shape)
    return value;
  auto result = std::make_shared<GraphValue>();
  result->shape.assign(shape.begin(), shape.end());
  if (value->codes) {
    result->codes = value->codes;
    result->base = reshaped(value->base, shape);
    return result;
  }
  if (value->constant) {
    auto tensor = std::make_shared<HostTensor>(*value->constant);
    tensor->shape = result->shape;
    if (tensor->quant && tensor->quant->axis >= 0) {
      auto map = matchUnitReshape(value->shape, shape);
      int64_t axis = map ? (*map)[tensor->quant->axis] : -1;
      if (axis < 0)
        tensor->quant.reset();
      else
        tensor->quant->axis = axis;
    }
    result->constant = std::move(tensor);
    return result;
  }
  ValueRef root = value->base && value->forms.empty() ? value->base : value;
  if (root->shape == shape)
    return root;
  auto map = matchUnitReshape(root->shape, shape);
  if (map && !root->forms.empty()) {
    for (const auto &form : root->forms) {
      Layout layout;
      for (int64_t dim : form.layout)
        layout.push_back(dim < 0 ? -1 : (*map)[dim]);
      result->forms.push_back({layout, form.value});
    }
    return result;
  }
  result->base = root;
  return result;
}

ValueRef Importer::transposed(const ValueRef &value, ArrayRef<int64_t> perm) {
  auto result = std::make_shared<GraphValue>();
  SmallVector<int64_t> inverse(perm.size());
  for (auto [to, from] : enumerate(perm)) {
    result->shape.push_back(value->shape[from]);
    inverse[from] = static_cast<int64_t>(to);
  }
  if (value->codes) {
    result->codes = value->codes;
    result->base = transposed(value->base, perm);
    return result;
  }
  if (value->constant) {
    result->constant = transposeTensor(*value->constant, perm);
    return result;
  }
  if (value->forms.empty())
    get(value, identityLayout(value->rank()), main.getLoc());
  for (const auto &form : value->forms) {
    Layout layout;
    for (int64_t dim : form.layout)
      layout.push_back(dim < 0 ? -1 : inverse[dim]);
    result->forms.push_back({layout, form.value});
  }
  return result;
}

ValueRef Importer::elementwise(const ValueRef &value, Location loc, llvm::function_ref<mlir::Value(mlir::Value)> emit) {
  if (!value->constant && value->forms.empty() && value->base)
    return reshaped(elementwise(value->base, loc, emit), value->shape);
  Layout layout = nativeLayout(value, loc);
  return activation(emit(get(value, layout, loc)), layout, value->shape);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

RankedTensorType Importer::type(ArrayRef<int64_t> shape) { return RankedTensorType::get(shape, builder.getF32Type()); }

mlir::Value Importer::constFloats(ArrayRef<float> values, ArrayRef<int64_t> shape, Location loc) {
  auto attribute = DenseElementsAttr::get(type(shape), values);
  return tosa::ConstOp::create(builder, loc, attribute.getType(), attribute);
}

mlir::Value Importer::constIntegers(const HostTensor &tensor, Location loc) {
  bool isSigned = is_contained({DType::I8, DType::I16, DType::I32, DType::I64}, tensor.type);
  if (!isSigned)
    return {};
  auto type = RankedTensorType::get(tensor.shape, builder.getIntegerType(dtypeBytes(tensor.type) * 8));
  auto attribute = DenseElementsAttr::getFromRawBuffer(type, tensor.bytes);
  return tosa::ConstOp::create(builder, loc, type, attribute);
}

mlir::Value Importer::splat(float value, int64_t rank, Location loc) { return constFloats(value, Shape(rank, 1), loc); }

mlir::Value Importer::weights(std::vector<float> values, ArrayRef<int64_t> shape, StringRef name, Location loc,
                              const std::optional<QuantInfo> &quant) {
  auto *owned = new std::vector<float>(std::move(values));
  AsmResourceBlob blob(
      ArrayRef<char>(reinterpret_cast<const char *>(owned->data()), owned->size() * sizeof(float)), alignof(float),
      [owned](void *, size_t, size_t) { delete owned; }, /*dataIsMutable=*/false);
  auto attribute = DenseResourceElementsAttr::get(type(shape), name, std::move(blob));
  auto op = tosa::ConstOp::create(builder, loc, attribute.getType(), attribute);
  if (quant)
    op->setAttr("sparsity.quant",
                builder.getDictionaryAttr({
                    builder.getNamedAttr("scale", builder.getDenseF32ArrayAttr(quant->scale)),
                    builder.getNamedAttr("zero_point", builder.getDenseI64ArrayAttr(quant->zeroPoint)),
                    builder.getNamedAttr("axis", builder.getI64IntegerAttr(quant->axis)),
                }));
  return op;
}

/// Emits a constant at the function's head, where every later op can use it.
static mlir::Value atHead(OpBuilder &builder, func::FuncOp function, DenseElementsAttr attribute) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&function.getBody().front());
  return tosa::ConstOp::create(builder, function.getLoc(), attribute.getType(), attribute);
}

mlir::Value Importer::zeroPoint() {
  if (!zero)
    zero = atHead(builder, main, DenseElementsAttr::get(type({1}), 0.0f));
  return zero;
}

mlir::Value Importer::mulShift() {
  auto function = cast<func::FuncOp>(builder.getInsertionBlock()->getParentOp());
  auto attribute = DenseElementsAttr::get(RankedTensorType::get({1}, builder.getI8Type()), int8_t(0));
  if (function != main)
    return tosa::ConstOp::create(builder, function.getLoc(), attribute.getType(), attribute);
  if (!shift)
    shift = atHead(builder, main, attribute);
  return shift;
}

mlir::Value Importer::shapeConst(ArrayRef<int64_t> shape, Location loc) {
  SmallVector<int64_t> values(shape);
  if (values.empty()) // a shape of rank 0 is still a tensor of one index in upstream's convention
    return tosa::ConstShapeOp::create(
        builder, loc, tosa::shapeType::get(builder.getContext(), 0),
        DenseIntElementsAttr::get(RankedTensorType::get({0}, builder.getIndexType()), values));
  return tosa::ConstShapeOp::create(builder, loc,
                                    tosa::shapeType::get(builder.getContext(), static_cast<int>(values.size())),
                                    builder.getIndexTensorAttr(values));
}

mlir::Value Importer::reshape(mlir::Value value, ArrayRef<int64_t> shape, Location loc) {
  if (cast<RankedTensorType>(value.getType()).getShape() == shape)
    return value;
  return tosa::ReshapeOp::create(builder, loc, type(shape), value, shapeConst(shape, loc));
}

mlir::Value Importer::transpose(mlir::Value value, ArrayRef<int64_t> perm, Location loc) {
  auto from = cast<RankedTensorType>(value.getType()).getShape();
  Shape to;
  SmallVector<int32_t> perms;
  for (int64_t dim : perm) {
    to.push_back(from[dim]);
    perms.push_back(static_cast<int32_t>(dim));
  }
  return tosa::TransposeOp::create(builder, loc, type(to), value, perms);
}

mlir::Value Importer::slice(mlir::Value value, ArrayRef<int64_t> start, ArrayRef<int64_t> size, Location loc) {
  if (cast<RankedTensorType>(value.getType()).getShape() == size)
    return value;
  return tosa::SliceOp::create(builder, loc, type(size), value, shapeConst(start, loc), shapeConst(size, loc));
}

mlir::Value Importer::pad(mlir::Value value, ArrayRef<int64_t> low, ArrayRef<int64_t> high, float with, Location loc) {
  Shape shape(cast<RankedTensorType>(value.getType()).getShape());
  SmallVector<int64_t> padding;
  bool any = false;
  for (size_t d = 0; d < shape.size(); ++d) {
    padding.append({low[d], high[d]});
    shape[d] += low[d] + high[d];
    any |= low[d] || high[d];
  }
  if (!any)
    return value;
  return tosa::PadOp::create(builder, loc, type(shape), value, shapeConst(padding, loc), splat(with, 1, loc));
}

mlir::Value Importer::concat(ArrayRef<mlir::Value> parts, int64_t axis, Location loc) {
  if (parts.size() == 1)
    return parts.front();
  Shape shape(cast<RankedTensorType>(parts.front().getType()).getShape());
  shape[axis] = 0;
  for (mlir::Value part : parts)
    shape[axis] += cast<RankedTensorType>(part.getType()).getDimSize(axis);
  return tosa::ConcatOp::create(builder, loc, type(shape), parts, static_cast<uint32_t>(axis));
}

mlir::Value Importer::clamp(mlir::Value value, float low, float high, Location loc) {
  return tosa::ClampOp::create(builder, loc, value.getType(), value, builder.getF32FloatAttr(low),
                               builder.getF32FloatAttr(high));
}

/// The type of an element-by-element op of two values of one rank.
static RankedTensorType broadcastType(mlir::Value a, mlir::Value b) {
  auto type = cast<RankedTensorType>(a.getType());
  Shape shape(type.getShape());
  for (auto [extent, other] : zip_equal(shape, cast<RankedTensorType>(b.getType()).getShape()))
    extent = std::max(extent, other);
  return RankedTensorType::get(shape, type.getElementType());
}

mlir::Value Importer::mul(mlir::Value a, mlir::Value b, Location loc) {
  return tosa::MulOp::create(builder, loc, broadcastType(a, b), a, b, mulShift());
}

mlir::Value Importer::add(mlir::Value a, mlir::Value b, Location loc) {
  return tosa::AddOp::create(builder, loc, broadcastType(a, b), a, b);
}

mlir::Value Importer::callHost(StringRef kind, ArrayRef<NamedAttribute> attributes, mlir::Value operand, Location loc,
                               llvm::function_ref<mlir::Value(mlir::Value)> body) {
  std::string name = (kind + "." + Twine(hostFunctions++)).str();
  auto functionType = builder.getFunctionType(operand.getType(), operand.getType());
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(module->getBody());
    auto function = func::FuncOp::create(builder, loc, name, functionType);
    function.setPrivate();
    SmallVector<NamedAttribute> host{builder.getNamedAttr("kind", builder.getStringAttr(kind))};
    host.append(attributes.begin(), attributes.end());
    function->setAttr("sparsity.host", builder.getDictionaryAttr(host));
    builder.setInsertionPointToStart(function.addEntryBlock());
    func::ReturnOp::create(builder, loc, body(function.getArgument(0)));
  }
  return func::CallOp::create(builder, loc, name, functionType.getResults(), operand).getResult(0);
}

} // namespace sparseaccel::onnx
