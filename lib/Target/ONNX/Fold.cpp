//===- Fold.cpp - What import computes ------------------------------------===//
//
// Computations on constants, above all those that exporters make to compute shapes: of integers, in doubles, or by
// moving elements of any type. FoldByExecution.cpp computes what there is no function for here.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Slice.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t d = static_cast<int64_t>(shape.size()) - 2; d >= 0; --d)
    strides[d] = strides[d + 1] * shape[d + 1];
  return strides;
}

/// Calls `visit(to, from)` for every element of `shape` in order, where `from` starts at `first` and moves by `steps`.
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

LogicalResult setConstant(NodeContext &node, TensorRef tensor) {
  node.set(node.importer.constant(std::move(tensor)));
  return success();
}

LogicalResult foldConcat(NodeContext &node) {
  if (!node.expectOperands(1, std::numeric_limits<unsigned>::max()))
    return failure();
  SmallVector<TensorRef> parts;
  for (unsigned i = 0; i < node.node.inputs.size(); ++i)
    parts.push_back(node.constantInput(i, "part"));
  int64_t given = node.intAttr("axis", 0);
  if (node.failed())
    return failure();
  int64_t axis = node.axis(given, static_cast<int64_t>(parts[0]->shape.size()));
  if (node.failed())
    return failure();
  Shape shape(parts[0]->shape);
  for (const TensorRef &part : drop_begin(parts)) {
    Shape own(part->shape);
    bool fits = own.size() == shape.size() && part->type == parts[0]->type;
    if (fits) {
      shape[axis] += own[axis];
      own[axis] = shape[axis];
      fits = own == shape;
    }
    if (!fits)
      return node.error() << "joins " << dtypeName(parts[0]->type) << shapeString(parts[0]->shape) << " and "
                          << dtypeName(part->type) << shapeString(part->shape)
                          << "; expected one type and equal extents in every dimension but " << axis,
             failure();
  }
  auto result = node.importer.newConstant(node, parts[0]->type, shape);
  if (!result)
    return failure();
  auto strides = stridesOf(shape);
  int64_t start = 0;
  for (const TensorRef &part : parts) {
    forEach(part->shape, start * strides[axis], strides,
            [&](int64_t from, int64_t to) { copyElement(*result, to, *part, from); });
    start += part->shape[axis];
  }
  return setConstant(node, result);
}

LogicalResult foldSlice(NodeContext &node) {
  TensorRef x = node.constantInput(0, "data");
  auto ranges = x ? readSlice(node, x->shape) : std::nullopt;
  if (!ranges)
    return failure();
  Shape shape;
  auto strides = stridesOf(x->shape);
  int64_t first = 0;
  for (auto [d, range] : enumerate(*ranges)) {
    shape.push_back(range.count);
    first += range.count ? range.start * strides[d] : 0;
    strides[d] *= range.count > 1 ? range.step : 0;
  }
  auto result = node.importer.newConstant(node, x->type, shape);
  if (!result)
    return failure();
  forEach(shape, first, strides, [&](int64_t to, int64_t from) { copyElement(*result, to, *x, from); });
  return setConstant(node, result);
}

LogicalResult foldGather(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  TensorRef x = node.constantInput(0, "data"), indices = node.constantInput(1, "indices");
  int64_t given = node.intAttr("axis", 0);
  if (node.failed())
    return failure();
  if (isFloat(indices->type))
    return node.error() << "operand 1 is of " << dtypeName(indices->type) << "; expected integers", failure();
  auto rank = static_cast<int64_t>(x->shape.size());
  int64_t axis = node.axis(given, rank);
  if (node.failed())
    return failure();
  Shape shape(x->shape.begin(), x->shape.begin() + axis);
  shape.append(indices->shape.begin(), indices->shape.end());
  shape.append(x->shape.begin() + axis + 1, x->shape.end());
  auto result = node.importer.newConstant(node, x->type, shape);
  if (!result)
    return failure();
  int64_t extent = x->shape[axis], inner = stridesOf(x->shape)[axis], picks = indices->size();
  int64_t outer = result->size() == 0 ? 0 : result->size() / std::max<int64_t>(picks * inner, 1);
  int64_t to = 0;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t p = 0; p < picks; ++p) {
      int64_t index = indices->asInt(p);
      if (index < -extent || index >= extent)
        return node.error() << "picks element " << index << " of " << extent << "; expected one that exists", failure();
      index += index < 0 ? extent : 0;
      for (int64_t i = 0; i < inner; ++i)
        copyElement(*result, to++, *x, (o * extent + index) * inner + i);
    }
  return setConstant(node, result);
}

double realResult(StringRef op, double x, double y) {
  if (op == "Add")
    return x + y;
  if (op == "Sub")
    return x - y;
  if (op == "Mul")
    return x * y;
  if (op == "Div")
    return x / y;
  if (op == "Min")
    return std::min(x, y);
  if (op == "Max")
    return std::max(x, y);
  if (op == "Pow")
    return std::pow(x, y);
  return op == "Equal" ? x == y : op == "Greater" ? x > y : x < y;
}

/// Integer arithmetic that wraps as ONNX's does; nullopt for a division or power that has no result.
std::optional<int64_t> integerResult(StringRef op, int64_t a, int64_t b) {
  auto wrap = [](uint64_t value) { return static_cast<int64_t>(value); };
  auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  if (op == "Add")
    return wrap(x + y);
  if (op == "Sub")
    return wrap(x - y);
  if (op == "Mul")
    return wrap(x * y);
  if (op == "Min")
    return std::min(a, b);
  if (op == "Max")
    return std::max(a, b);
  if (op == "Equal")
    return a == b;
  if (op == "Greater")
    return a > b;
  if (op == "Less")
    return a < b;
  if (op == "And")
    return a && b;
  if (op == "Or")
    return a || b;
  if (op == "Pow") {
    double power = std::pow(static_cast<double>(a), static_cast<double>(b));
    return std::abs(power) < 0x1p53 ? std::optional<int64_t>(static_cast<int64_t>(power)) : std::nullopt;
  }
  if (b == 0)
    return std::nullopt;
  return b == -1 ? wrap(-x) : a / b;
}

LogicalResult foldBinary(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  TensorRef a = node.constantInput(0, "operand"), b = node.constantInput(1, "operand");
  if (node.failed())
    return failure();
  StringRef op = node.node.op;
  bool compares = op == "Equal" || op == "Greater" || op == "Less" || op == "And" || op == "Or";
  if (a->type != b->type && op != "Pow")
    return node.error() << "operands are of " << dtypeName(a->type) << " and " << dtypeName(b->type)
                        << "; expected one type",
           failure();
  size_t rank = std::max(a->shape.size(), b->shape.size());
  Shape shape(rank, 1);
  SmallVector<int64_t> steps[2];
  const HostTensor *operands[] = {a.get(), b.get()};
  for (auto [side, tensor] : enumerate(operands)) {
    size_t missing = rank - tensor->shape.size();
    steps[side].assign(rank, 0);
    auto strides = stridesOf(tensor->shape);
    for (size_t d = 0; d < tensor->shape.size(); ++d) {
      int64_t extent = tensor->shape[d];
      if (extent == 1)
        continue;
      if (shape[missing + d] != 1 && shape[missing + d] != extent)
        return node.error() << "operands have shapes " << shapeString(a->shape) << " and " << shapeString(b->shape)
                            << "; expected shapes that broadcast",
               failure();
      shape[missing + d] = extent;
      steps[side][missing + d] = strides[d];
    }
  }
  auto result = node.importer.newConstant(node, compares ? DType::Bool : a->type, shape);
  if (!result)
    return failure();
  bool real = isFloat(a->type) || isFloat(b->type);
  auto number = [&](const HostTensor &tensor, int64_t i) {
    return isFloat(tensor.type) ? tensor.asDouble(i) : static_cast<double>(tensor.asInt(i));
  };
  std::vector<int64_t> left(result->size());
  forEach(shape, 0, steps[0], [&](int64_t to, int64_t from) { left[to] = from; });
  bool divides = true;
  forEach(shape, 0, steps[1], [&](int64_t to, int64_t from) {
    if (real) {
      double value = realResult(op, number(*a, left[to]), number(*b, from));
      if (isFloat(result->type))
        result->set(to, value);
      else
        result->set(to, static_cast<int64_t>(std::clamp(value, -0x1p62, 0x1p62)));
    } else if (auto value = integerResult(op, a->asInt(left[to]), b->asInt(from))) {
      result->set(to, *value);
    } else {
      divides = false;
    }
  });
  if (!divides)
    return node.error() << (op == "Pow" ? "makes a power that no integer holds" : "divides an integer by zero"),
           failure();
  return setConstant(node, result);
}

LogicalResult foldUnary(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  TensorRef x = node.constantInput(0, "operand");
  if (!x)
    return failure();
  StringRef op = node.node.op;
  bool real = isFloat(x->type);
  if (!real && op != "Neg" && op != "Abs" && op != "Not")
    return node.error() << "operand 0 is of " << dtypeName(x->type) << "; expected floats", failure();
  auto result = node.importer.newConstant(node, x->type, x->shape);
  if (!result)
    return failure();
  for (int64_t i = 0; i < x->size(); ++i) {
    if (!real) {
      int64_t value = x->asInt(i);
      auto negated = static_cast<int64_t>(-static_cast<uint64_t>(value)); // wraps
      result->set(i, op == "Not" ? int64_t(value == 0) : op == "Neg" || value < 0 ? negated : value);
      continue;
    }
    double value = x->asDouble(i);
    result->set(i, op == "Sqrt"         ? std::sqrt(value)
                   : op == "Neg"        ? -value
                   : op == "Abs"        ? std::abs(value)
                   : op == "Exp"        ? std::exp(value)
                   : op == "Log"        ? std::log(value)
                   : op == "Reciprocal" ? 1 / value
                   : op == "Floor"      ? std::floor(value)
                                        : std::ceil(value));
  }
  return setConstant(node, result);
}

/// The operand's elements where it is repeated to `shape`; nothing where it does not broadcast to it.
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

LogicalResult foldExpand(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  TensorRef x = node.constantInput(0, "data");
  auto target = node.intsInput(1, "shape");
  if (!x || node.failed())
    return failure();
  auto shape = broadcastShapes(node, x->shape, *target);
  auto result = shape ? node.importer.newConstant(node, x->type, *shape) : nullptr;
  if (!result)
    return failure();
  forEach(*shape, 0, *repeatedSteps(x->shape, *shape),
          [&](int64_t to, int64_t from) { copyElement(*result, to, *x, from); });
  return setConstant(node, result);
}

LogicalResult foldWhere(NodeContext &node) {
  if (!node.expectOperands(3, 3))
    return failure();
  TensorRef condition = node.constantInput(0, "condition"), a = node.constantInput(1, "operand"),
            b = node.constantInput(2, "operand");
  if (node.failed())
    return failure();
  if (a->type != b->type)
    return node.error() << "operands are of " << dtypeName(a->type) << " and " << dtypeName(b->type)
                        << "; expected one type",
           failure();
  auto shape = broadcastShapes(node, a->shape, b->shape);
  if (shape)
    shape = broadcastShapes(node, *shape, condition->shape);
  auto result = shape ? node.importer.newConstant(node, a->type, *shape) : nullptr;
  if (!result)
    return failure();
  std::vector<bool> chosen(result->size());
  forEach(*shape, 0, *repeatedSteps(condition->shape, *shape),
          [&](int64_t to, int64_t from) { chosen[to] = condition->asInt(from) != 0; });
  for (bool side : {true, false}) {
    const HostTensor &tensor = side ? *a : *b;
    forEach(*shape, 0, *repeatedSteps(tensor.shape, *shape), [&](int64_t to, int64_t from) {
      if (chosen[to] == side)
        copyElement(*result, to, tensor, from);
    });
  }
  return setConstant(node, result);
}

LogicalResult foldRange(NodeContext &node) {
  if (!node.expectOperands(3, 3))
    return failure();
  TensorRef ends[3];
  for (unsigned i = 0; i < 3; ++i) {
    ends[i] = node.constantInput(i, "bound");
    if (!ends[i])
      return failure();
    if (ends[i]->size() != 1 || isFloat(ends[i]->type))
      return node.error() << "operand " << i << " is of " << dtypeName(ends[i]->type) << " and shape "
                          << shapeString(ends[i]->shape) << "; expected one integer",
             failure();
  }
  int64_t start = ends[0]->asInt(0), limit = ends[1]->asInt(0), delta = ends[2]->asInt(0);
  constexpr int64_t most = int64_t(1) << 30;
  if (delta == 0 || std::abs(start) > most || std::abs(limit) > most || std::abs(delta) > most)
    return node.error() << "counts from " << start << " to " << limit << " by " << delta
                        << "; expected a step that is not 0, and numbers below 2^30",
           failure();
  int64_t count = std::max<int64_t>(0, (limit - start + delta - (delta > 0 ? 1 : -1)) / delta);
  auto result = node.importer.newConstant(node, ends[0]->type, {count});
  if (!result)
    return failure();
  for (int64_t i = 0; i < count; ++i)
    result->set(i, start + i * delta);
  return setConstant(node, result);
}

} // namespace

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

LogicalResult importCast(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  ValueRef x = node.anyInput(0);
  auto code = node.optionalIntAttr("to");
  if (node.importer.opset >= 19)
    node.ignoreAttr("saturate"); // speaks of 8-bit floats
  if (!code && !node.failed())
    return node.error() << "attribute 'to' is absent; expected an element type", failure();
  if (node.failed())
    return failure();
  auto type = *code >= 0 && *code < 100 ? dtypeFromOnnx(static_cast<int32_t>(*code)) : std::nullopt;
  if (!type)
    return node.error() << "casts to " << onnxTypeName(static_cast<int32_t>(std::clamp<int64_t>(*code, -1, 100)))
                        << ", which is not supported; expected a float, integer or bool type",
           failure();
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

NodeImporter findFolder(const Node &node) {
  struct Entry {
    llvm::StringLiteral op;
    NodeImporter folder;
  };
  static constexpr Entry entries[] = {
      {"Abs", foldUnary},
      {"Add", foldBinary},
      {"And", foldBinary},
      {"Cast", importCast},
      {"Ceil", foldUnary},
      {"Concat", foldConcat},
      {"Constant", importConstant},
      {"ConstantOfShape", importConstantOfShape},
      {"DequantizeLinear", importDequantizeLinear},
      {"Div", foldBinary},
      {"Equal", foldBinary},
      {"Exp", foldUnary},
      {"Expand", foldExpand},
      {"Flatten", importFlatten},
      {"Floor", foldUnary},
      {"Gather", foldGather},
      {"Greater", foldBinary},
      {"Identity", importIdentity},
      {"Less", foldBinary},
      {"Log", foldUnary},
      {"Mul", foldBinary},
      {"Neg", foldUnary},
      {"Not", foldUnary},
      {"Or", foldBinary},
      {"Pow", foldBinary},
      {"QuantizeLinear", importQuantizeLinear},
      {"Range", foldRange},
      {"Reciprocal", foldUnary},
      {"Reshape", importReshape},
      {"Slice", foldSlice},
      {"Sqrt", foldUnary},
      {"Squeeze", importSqueeze},
      {"Sub", foldBinary},
      {"Transpose", importTranspose},
      {"Unsqueeze", importUnsqueeze},
      {"Where", foldWhere},
  };
  if (!node.domain.empty())
    return nullptr;
  for (const Entry &entry : entries)
    if (entry.op == node.op)
      return entry.folder;
  // Of two operands, as these may be integers.
  if ((node.op == "Min" || node.op == "Max") && node.inputs.size() == 2)
    return foldBinary;
  return nullptr;
}

} // namespace sparseaccel::onnx
