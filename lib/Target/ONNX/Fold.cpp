//===- Fold.cpp - What import computes ------------------------------------===//
//
// Constants, and which operators are computed of them: those by which exporters compute shapes, masks and weights.
// FoldByExecution.cpp computes what there is no function for here.
//
//===----------------------------------------------------------------------===//

#include "Fold.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

#include <cstring>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

Wide asWide(const HostTensor &tensor, int64_t index) {
  int64_t bits = tensor.asInt(index);
  return tensor.type == DType::U64 ? static_cast<Wide>(static_cast<uint64_t>(bits)) : static_cast<Wide>(bits);
}

double asReal(const HostTensor &tensor, int64_t index) {
  return isFloat(tensor.type) ? tensor.asDouble(index) : static_cast<double>(asWide(tensor, index));
}

void setWide(HostTensor &tensor, int64_t index, Wide value) {
  if (tensor.type == DType::Bool)
    value = value != 0;
  tensor.set(index, static_cast<int64_t>(value));
}

SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t d = static_cast<int64_t>(shape.size()) - 2; d >= 0; --d)
    strides[d] = strides[d + 1] * shape[d + 1];
  return strides;
}

void forEach(ArrayRef<int64_t> shape, int64_t first, ArrayRef<int64_t> steps,
             llvm::function_ref<void(int64_t, int64_t)> visit) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t from = first;
  for (int64_t to = 0; to < count; ++to) {
    visit(to, from);
    for (int64_t d = static_cast<int64_t>(shape.size()) - 1; d >= 0; --d) {
      from += steps[d];
      if (++index[d] < shape[d])
        break;
      from -= steps[d] * shape[d];
      index[d] = 0;
    }
  }
}

void copyElement(HostTensor &to, int64_t toIndex, const HostTensor &from, int64_t fromIndex) {
  size_t bytes = dtypeBytes(to.type);
  std::memcpy(to.bytes.data() + toIndex * bytes, from.bytes.data() + fromIndex * bytes, bytes);
}

std::optional<SmallVector<int64_t>> repeatedSteps(ArrayRef<int64_t> from, ArrayRef<int64_t> shape) {
  if (from.size() > shape.size())
    return std::nullopt;
  SmallVector<int64_t> steps(shape.size(), 0), strides = stridesOf(from);
  size_t missing = shape.size() - from.size();
  for (size_t d = 0; d < from.size(); ++d) {
    if (from[d] != 1 && from[d] != shape[missing + d])
      return std::nullopt;
    steps[missing + d] = from[d] == 1 ? 0 : strides[d];
  }
  return steps;
}

LogicalResult setConstant(NodeContext &node, TensorRef tensor, unsigned output) {
  node.set(node.importer.constant(std::move(tensor)), output);
  return success();
}

TensorRef transposeTensor(const HostTensor &tensor, ArrayRef<int64_t> perm) {
  auto result = std::make_shared<HostTensor>();
  result->name = tensor.name;
  result->type = tensor.type;
  result->bytes.resize(tensor.bytes.size());
  auto strides = stridesOf(tensor.shape);
  SmallVector<int64_t> steps;
  for (int64_t dim : perm) {
    result->shape.push_back(tensor.shape[dim]);
    steps.push_back(strides[dim]);
  }
  forEach(result->shape, 0, steps, [&](int64_t to, int64_t from) { copyElement(*result, to, tensor, from); });
  result->quant = tensor.quant;
  if (result->quant && result->quant->axis >= 0)
    result->quant->axis = find(perm, result->quant->axis) - perm.begin();
  return result;
}

/// The element type that ONNX sees; activations are float32, and codes of a quantised type are not yet floats.
static DType typeOf(const GraphValue &value) {
  return value.constant ? value.constant->type : value.codes ? value.codes->type : DType::F32;
}

LogicalResult importCast(NodeContext &node) {
  bool like = node.node.op == "CastLike";
  if (!node.expectOperands(like ? 2 : 1, like ? 2 : 1))
    return failure();
  ValueRef x = node.anyInput(0), model = like ? node.anyInput(1) : nullptr;
  std::optional<DType> type = like && model ? std::optional(typeOf(*model)) : std::nullopt;
  auto code = like ? std::nullopt : node.optionalIntAttr("to");
  if (node.importer.opset >= 19)
    node.ignoreAttr("saturate"); // speaks of 8-bit floats
  if (!like && !code && !node.failed())
    return node.error() << "attribute 'to' is absent; expected an element type", failure();
  if (node.failed())
    return failure();
  auto to = static_cast<int32_t>(std::clamp<int64_t>(code.value_or(0), -1, 100));
  if (code)
    type = dtypeFromOnnx(to);
  if (!type)
    return node.error() << "casts to " << onnxTypeName(to)
                        << ", which is not supported; expected a float, integer or bool type",
           failure();
  if (!x->constant && !x->codes && *type == DType::Bool) {
    auto zero = node.importer.newConstant(node, DType::F32, {1});
    ValueRef size =
        zero ? node.importer.elementwise(x, node.loc,
                                         [&](mlir::Value v) -> mlir::Value {
                                           return tosa::AbsOp::create(node.importer.builder, node.loc, v.getType(), v);
                                         })
             : nullptr;
    ValueRef truth = size ? emitBinary(node, "Greater", size, node.importer.constant(zero)) : nullptr;
    if (!truth)
      return failure();
    node.set(node.importer.reshaped(truth, x->shape));
    return success();
  }
  if (!x->constant) {
    // Activations are float32 whatever the model's own float type.
    if (x->codes || !isFloat(*type))
      return node.error() << "casts an activation to " << dtypeName(*type)
                          << "; expected a float type, as activations are float32",
             failure();
    node.set(x);
    return success();
  }
  auto result = node.importer.newConstant(node, *type, x->shape);
  if (!result)
    return failure();
  for (int64_t i = 0, e = result->size(); i < e; ++i) {
    if (isFloat(x->constant->type))
      result->set(i, x->constant->asDouble(i));
    else
      result->set(i, x->constant->asInt(i));
  }
  return setConstant(node, result);
}

LogicalResult importConstant(NodeContext &node) {
  if (!node.expectOperands(0, 0))
    return failure();
  if (node.node.attributes.size() != 1)
    return node.error() << "has " << node.node.attributes.size() << " attributes; expected one, its value", failure();
  const Attribute &value = *node.attribute(node.node.attributes[0].name);
  std::shared_ptr<HostTensor> result;
  if ((value.name == "value" && value.kind == Attribute::Tensor) ||
      (value.name == "sparse_value" && value.kind == Attribute::SparseTensor)) {
    auto named = std::make_shared<HostTensor>(*value.tensor);
    if (named->name.empty() && !node.node.outputs.empty())
      named->name = node.node.outputs[0];
    return setConstant(node, named);
  }
  if (value.name == "value_float" && value.kind == Attribute::Float) {
    if ((result = node.importer.newConstant(node, DType::F32, {})))
      result->set(0, value.f);
  } else if (value.name == "value_int" && value.kind == Attribute::Int) {
    if ((result = node.importer.newConstant(node, DType::I64, {})))
      result->set(0, value.i);
  } else if (value.name == "value_floats" && value.kind == Attribute::Floats) {
    if ((result = node.importer.newConstant(node, DType::F32, {static_cast<int64_t>(value.floats.size())})))
      for (auto [i, number] : enumerate(value.floats))
        result->set(static_cast<int64_t>(i), static_cast<double>(number));
  } else if (value.name == "value_ints" && value.kind == Attribute::Ints) {
    if ((result = node.importer.newConstant(node, DType::I64, {static_cast<int64_t>(value.ints.size())})))
      for (auto [i, number] : enumerate(value.ints))
        result->set(static_cast<int64_t>(i), number);
  } else {
    return node.error() << "has attribute '" << value.name
                        << "'; expected value, sparse_value, value_float, value_floats, value_int or value_ints of its "
                           "kind",
           failure();
  }
  return result ? setConstant(node, result) : failure();
}

LogicalResult importConstantOfShape(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  auto extents = node.intsInput(0, "shape");
  const Attribute *value = node.attribute("value");
  if (!extents && !node.failed())
    return node.error() << "operand 0 (the shape) is absent", failure();
  if (node.failed())
    return failure();
  if (value && (value->kind != Attribute::Tensor || value->tensor->size() != 1))
    return node.error() << "attribute 'value' is no tensor of one element", failure();
  if (extents->size() > 8)
    return node.error() << "makes a tensor of rank " << extents->size() << "; expected at most 8", failure();
  auto result = node.importer.newConstant(node, value ? value->tensor->type : DType::F32, *extents);
  if (!result)
    return failure();
  for (int64_t i = 0, e = value ? result->size() : 0; i < e; ++i)
    copyElement(*result, i, *value->tensor, 0);
  return setConstant(node, result);
}

LogicalResult importShape(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.anyInput(0);
  if (!x)
    return failure();
  int64_t rank = x->rank(), start = 0, end = rank;
  if (node.importer.opset >= 15) {
    auto bound = [&](int64_t value) { return std::clamp<int64_t>(value < 0 ? value + rank : value, 0, rank); };
    start = bound(node.intAttr("start", 0));
    end = bound(node.intAttr("end", rank));
  }
  auto result = node.importer.newConstant(node, DType::I64, {std::max<int64_t>(end - start, 0)});
  if (!result)
    return failure();
  for (int64_t d = start; d < end; ++d)
    result->set(d - start, x->shape[d]);
  return setConstant(node, result);
}

LogicalResult importSize(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.anyInput(0);
  auto result = x ? node.importer.newConstant(node, DType::I64, {}) : nullptr;
  if (!result)
    return failure();
  int64_t size = 1;
  for (int64_t extent : x->shape)
    size *= extent; // cannot wrap: checkShape holds activations, and the file constants, to 4 GiB
  result->set(0, size);
  return setConstant(node, result);
}

NodeImporter findFolder(const Node &node, std::optional<bool> ofFloats) {
  struct Entry {
    llvm::StringLiteral op;
    NodeImporter folder;
    bool integersOnly = false; ///< The float executor computes it of floats.
  };
  static constexpr Entry entries[] = {
      {"Abs", foldUnary},
      {"Acos", foldUnary},
      {"Acosh", foldUnary},
      {"Add", foldBinary},
      {"And", foldBinary},
      {"ArgMax", foldArg},
      {"ArgMin", foldArg},
      {"Asin", foldUnary},
      {"Asinh", foldUnary},
      {"Atan", foldUnary},
      {"Atanh", foldUnary},
      {"BitShift", foldBinary},
      {"BitwiseAnd", foldBinary},
      {"BitwiseNot", foldUnary},
      {"BitwiseOr", foldBinary},
      {"BitwiseXor", foldBinary},
      {"BlackmanWindow", foldWindow},
      {"Cast", importCast},
      {"CastLike", importCast},
      {"Ceil", foldUnary},
      {"Clip", foldClip, true},
      {"Compress", foldCompress},
      {"Concat", foldConcat},
      {"Constant", importConstant},
      {"ConstantOfShape", importConstantOfShape},
      {"Cos", foldUnary},
      {"Cosh", foldUnary},
      {"CumSum", foldCumSum},
      {"DequantizeLinear", importDequantizeLinear},
      {"Div", foldBinary},
      {"Equal", foldBinary},
      {"Erf", foldUnary},
      {"Exp", foldUnary},
      {"Expand", foldExpand},
      {"EyeLike", foldEyeLike},
      {"Flatten", importFlatten},
      {"Floor", foldUnary},
      {"Gather", foldGather},
      {"GatherElements", foldGatherElements},
      {"GatherND", foldGatherND},
      {"Greater", foldBinary},
      {"GreaterOrEqual", foldBinary},
      {"HammingWindow", foldWindow},
      {"HannWindow", foldWindow},
      {"Identity", importIdentity},
      {"IsInf", foldUnary},
      {"IsNaN", foldUnary},
      {"Less", foldBinary},
      {"LessOrEqual", foldBinary},
      {"Log", foldUnary},
      {"Max", foldVariadic},
      {"Mean", foldVariadic},
      {"Min", foldVariadic},
      {"Mod", foldBinary},
      {"Mul", foldBinary},
      {"Neg", foldUnary},
      {"NonZero", foldNonZero},
      {"Not", foldUnary},
      {"OneHot", foldOneHot},
      {"Or", foldBinary},
      {"Pow", foldBinary},
      {"QuantizeLinear", importQuantizeLinear},
      {"Range", foldRange},
      {"Reciprocal", foldUnary},
      {"ReduceL1", foldReduce, true},
      {"ReduceL2", foldReduce, true},
      {"ReduceLogSum", foldReduce, true},
      {"ReduceLogSumExp", foldReduce, true},
      {"ReduceMax", foldReduce, true},
      {"ReduceMean", foldReduce, true},
      {"ReduceMin", foldReduce, true},
      {"ReduceProd", foldReduce, true},
      {"ReduceSum", foldReduce, true},
      {"ReduceSumSquare", foldReduce, true},
      {"Relu", foldUnary},
      {"Reshape", importReshape},
      {"ReverseSequence", foldReverseSequence},
      {"Round", foldUnary},
      {"Scatter", foldScatterElements},
      {"ScatterElements", foldScatterElements},
      {"ScatterND", foldScatterND},
      {"Sign", foldUnary},
      {"Sin", foldUnary},
      {"Sinh", foldUnary},
      {"Slice", foldSlice},
      {"Sqrt", foldUnary},
      {"Squeeze", importSqueeze},
      {"Sub", foldBinary},
      {"Sum", foldVariadic},
      {"Tan", foldUnary},
      {"Tanh", foldUnary},
      {"TopK", foldTopK},
      {"Transpose", importTranspose},
      {"Trilu", foldTrilu},
      {"Unsqueeze", importUnsqueeze},
      {"Where", foldWhere},
      {"Xor", foldBinary},
  };
  if (!node.domain.empty())
    return nullptr;
  for (const Entry &entry : entries)
    if (entry.op == node.op)
      return entry.integersOnly && ofFloats.value_or(false) ? nullptr : entry.folder;
  return nullptr;
}

} // namespace sparseaccel::onnx
