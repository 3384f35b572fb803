//===- HostOps.cpp - What runs on the host --------------------------------===//
//
// Checks of all operators, and the kernels that move or convert elements.
//
//===----------------------------------------------------------------------===//

#include "HostOpsImpl.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace sparseaccel::runtime {

using isa::ElementType;
using isa::HostKind;
using isa::HostOp;

uint64_t HostTensor::elements() const {
  uint64_t count = 1;
  for (uint32_t extent : shape)
    count *= extent;
  return count;
}

AxisView viewOf(absl::Span<const uint32_t> shape, int64_t axis) {
  AxisView view;
  for (int64_t i = 0; i < static_cast<int64_t>(shape.size()); ++i)
    (i < axis ? view.outer : i == axis ? view.extent : view.inner) *= shape[i];
  return view;
}

std::vector<int64_t> rowMajorStrides(absl::Span<const uint32_t> shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

namespace {

constexpr size_t kMaxRank = 6;
constexpr uint64_t kMaxElements = uint64_t{1} << 40;
constexpr int64_t kMaxArgument = int64_t{1} << 31;

bool isInteger(ElementType type) { return type != ElementType::F32; }
bool isActivation(ElementType type) { return type == ElementType::I8 || type == ElementType::I16; }

const char *nameOf(ElementType type) {
  static constexpr const char *names[] = {"i8", "i16", "i32", "i48", "f32", "i64"};
  size_t index = static_cast<size_t>(type);
  return index < std::size(names) ? names[index] : "unknown";
}

std::string describe(const HostTensor &tensor) {
  return absl::StrCat(nameOf(tensor.type), "[", absl::StrJoin(tensor.shape, "x"), "]");
}

class Checker {
public:
  Checker(const HostOp &op, absl::Span<const HostTensor> in, absl::Span<const HostTensor> out)
      : op(op), in(in), out(out) {}

  absl::Status check();

private:
  template <typename... Parts>
  bool fail(const Parts &...parts) {
    if (status.ok())
      status = absl::InvalidArgumentError(
          absl::StrCat("host operator '", op.name, "' (", toString(op.kind), "): ", parts...));
    return false;
  }
  bool operands(size_t low, size_t high) {
    if (in.size() < low || in.size() > high)
      return fail("expected ", low == high ? absl::StrCat(low) : absl::StrCat(low, " to ", high), " inputs, found ",
                  in.size());
    return true;
  }
  bool ints(size_t count) {
    if (op.i.size() != count)
      return fail("expected ", count, " integer arguments, found ", op.i.size());
    return true;
  }
  bool floats(size_t count) {
    if (op.f.size() != count)
      return fail("expected ", count, " real arguments, found ", op.f.size());
    return true;
  }
  bool rank(const HostTensor &tensor, size_t rank) {
    if (tensor.shape.size() != rank)
      return fail("expected a tensor of rank ", rank, ", found ", describe(tensor));
    return true;
  }
  bool type(const HostTensor &tensor, ElementType type) {
    if (tensor.type != type)
      return fail("expected a tensor of ", nameOf(type), ", found ", describe(tensor));
    return true;
  }
  bool shape(const HostTensor &tensor, absl::Span<const int64_t> expected) {
    bool same = tensor.shape.size() == expected.size() &&
                std::equal(expected.begin(), expected.end(), tensor.shape.begin(),
                           [](int64_t a, uint32_t b) { return a == static_cast<int64_t>(b); });
    return same || fail("expected the shape [", absl::StrJoin(expected, "x"), "], found ", describe(tensor));
  }
  bool sameShape() {
    return out[0].shape == in[0].shape ||
           fail("expected input and output of one shape, found ", describe(in[0]), " and ", describe(out[0]));
  }
  bool sameType() {
    return out[0].type == in[0].type ||
           fail("expected input and output of one type, found ", describe(in[0]), " and ", describe(out[0]));
  }
  bool axis(int64_t axis) {
    return (axis >= 0 && axis < static_cast<int64_t>(in[0].shape.size())) ||
           fail("axis ", axis, " is not one of ", describe(in[0]));
  }
  bool enumeration(int64_t value, int64_t count) {
    return (value >= 0 && value < count) || fail("kind ", value, " is not known; expected 0 to ", count - 1);
  }
  std::vector<int64_t> shapeOf(const HostTensor &tensor) { return {tensor.shape.begin(), tensor.shape.end()}; }

  bool checkTensors();
  bool checkKind();
  bool checkTranspose();
  bool checkSlice();
  bool checkPad();
  bool checkConcat();
  bool checkTile();
  bool checkBinary();
  bool checkSelect();
  bool checkWindow(bool convolution);

  const HostOp &op;
  absl::Span<const HostTensor> in, out;
  absl::Status status;
};

absl::Status Checker::check() {
  if (checkTensors())
    checkKind();
  return status;
}

bool Checker::checkTensors() {
  if (static_cast<size_t>(op.kind) > static_cast<size_t>(HostKind::AvgPool))
    return fail("kind ", static_cast<int>(op.kind), " is not known");
  if (out.size() != 1)
    return fail("expected one output, found ", out.size());
  if (in.empty())
    return fail("expected at least one input");
  for (absl::Span<const HostTensor> tensors : {in, out})
    for (const HostTensor &tensor : tensors) {
      if (static_cast<size_t>(tensor.type) > static_cast<size_t>(ElementType::I64))
        return fail("a tensor's type is not known");
      if (tensor.shape.size() > kMaxRank)
        return fail("expected tensors of rank at most ", kMaxRank, ", found ", describe(tensor));
      uint64_t count = 1;
      for (uint32_t extent : tensor.shape) {
        count *= extent;
        if (extent == 0 || count > kMaxElements)
          return fail("a tensor is empty or too large: ", describe(tensor));
      }
    }
  for (int64_t argument : op.i)
    if (op.kind != HostKind::Rescale && (argument < -kMaxArgument || argument > kMaxArgument))
      return fail("the argument ", argument, " is out of range");
  return true;
}

bool Checker::checkKind() {
  switch (op.kind) {
  case HostKind::Quantize:
    return operands(1, 1) && floats(1) && type(in[0], ElementType::F32) && sameShape() &&
           (isActivation(out[0].type) || fail("expected an output of i8 or i16, found ", describe(out[0])));
  case HostKind::Dequantize:
    return operands(1, 1) && floats(1) && type(out[0], ElementType::F32) && sameShape() &&
           (isInteger(in[0].type) || fail("expected an input of integers, found ", describe(in[0])));
  case HostKind::Transpose:
    return operands(1, 1) && sameType() && checkTranspose();
  case HostKind::Reshape:
    return operands(1, 1) && sameType() &&
           (in[0].elements() == out[0].elements() ||
            fail("expected as many elements in as out, found ", describe(in[0]), " and ", describe(out[0])));
  case HostKind::Slice:
    return operands(1, 1) && sameType() && checkSlice();
  case HostKind::Pad:
    return operands(1, 1) && sameType() && checkPad();
  case HostKind::Concat:
    return checkConcat();
  case HostKind::Reverse:
    return operands(1, 1) && ints(1) && sameType() && sameShape() && axis(op.i[0]);
  case HostKind::Tile:
    return operands(1, 1) && sameType() && checkTile();
  case HostKind::Gather:
    return operands(2, 2) && sameType() && rank(in[0], 3) && rank(in[1], 2) &&
           (in[1].type == ElementType::I32 || in[1].type == ElementType::I64 ||
            fail("expected indices of i32 or i64, found ", describe(in[1]))) &&
           (in[0].shape[0] == in[1].shape[0] || fail("expected as many batches of values as of indices, found ",
                                                     describe(in[0]), " and ", describe(in[1]))) &&
           shape(out[0], {in[0].shape[0], in[1].shape[1], in[0].shape[2]});
  case HostKind::Softmax:
    return operands(1, 1) && ints(1) && type(in[0], ElementType::F32) && sameType() && sameShape() && axis(op.i[0]);
  case HostKind::Lrn:
    return operands(1, 1) && ints(1) && floats(3) && type(in[0], ElementType::F32) && sameType() && sameShape() &&
           (!in[0].shape.empty() || fail("expected a tensor with channels")) &&
           (op.i[0] >= 1 || fail("expected a size of at least 1, found ", op.i[0]));
  case HostKind::Unary:
    return operands(1, 1) && ints(1) && enumeration(op.i[0], 14) && sameType() && sameShape() &&
           (in[0].type == ElementType::F32 || op.i[0] == static_cast<int64_t>(isa::UnaryKind::Abs) ||
            op.i[0] == static_cast<int64_t>(isa::UnaryKind::Neg) ||
            op.i[0] == static_cast<int64_t>(isa::UnaryKind::Not) || type(in[0], ElementType::F32));
  case HostKind::Binary:
    return operands(2, 2) && ints(1) && enumeration(op.i[0], 9) && checkBinary();
  case HostKind::Reduce: {
    if (!operands(1, 1) || !ints(2) || !enumeration(op.i[0], 4) || !sameType() || !axis(op.i[1]))
      return false;
    std::vector<int64_t> expected = shapeOf(in[0]);
    expected[op.i[1]] = 1;
    return shape(out[0], expected);
  }
  case HostKind::MatMul:
    return operands(2, 2) && type(in[0], ElementType::F32) && type(in[1], ElementType::F32) &&
           type(out[0], ElementType::F32) && rank(in[0], 3) && rank(in[1], 3) &&
           shape(in[1], {in[0].shape[0], in[0].shape[2], in[1].shape[2]}) &&
           shape(out[0], {in[0].shape[0], in[0].shape[1], in[1].shape[2]});
  case HostKind::Cast:
    return operands(1, 1) && sameShape();
  case HostKind::Select:
    return operands(3, 3) && checkSelect();
  case HostKind::Rescale:
    return operands(1, 1) && ints(4) && sameShape() &&
           ((isInteger(in[0].type) && isInteger(out[0].type)) || fail("expected integers")) &&
           ((op.i[1] >= 2 && op.i[1] <= 62) || fail("expected a shift from 2 to 62, found ", op.i[1])) &&
           ((op.i[0] >= 0 && op.i[0] < kMaxArgument) || fail("expected a multiplier of 31 bits, found ", op.i[0])) &&
           (op.i[2] <= op.i[3] || fail("expected min <= max, found ", op.i[2], " and ", op.i[3]));
  case HostKind::Clamp:
    return operands(1, 1) && floats(2) && sameType() && sameShape() &&
           (op.f[0] <= op.f[1] || fail("expected min <= max, found ", op.f[0], " and ", op.f[1]));
  case HostKind::Conv:
    return operands(2, 3) && ints(9) && checkWindow(true);
  case HostKind::MaxPool:
  case HostKind::AvgPool:
    return operands(1, 1) && ints(8) && checkWindow(false);
  }
  return fail("is not known");
}

bool Checker::checkTranspose() {
  size_t rank = in[0].shape.size();
  if (!ints(rank))
    return false;
  std::vector<int64_t> expected(rank), seen(rank, 0);
  for (size_t i = 0; i < rank; ++i) {
    if (op.i[i] < 0 || op.i[i] >= static_cast<int64_t>(rank) || seen[op.i[i]]++)
      return fail("[", absl::StrJoin(op.i, ", "), "] is not a permutation of ", rank, " axes");
    expected[i] = in[0].shape[op.i[i]];
  }
  return shape(out[0], expected);
}

bool Checker::checkSlice() {
  size_t rank = in[0].shape.size();
  if (!ints(2 * rank))
    return false;
  for (size_t axis = 0; axis < rank; ++axis) {
    int64_t start = op.i[axis], size = op.i[rank + axis];
    if (start < 0 || size < 1 || start + size > static_cast<int64_t>(in[0].shape[axis]))
      return fail("elements ", start, " to ", start + size, " of axis ", axis, " do not lie in ", describe(in[0]));
  }
  return shape(out[0], absl::MakeSpan(op.i).subspan(rank));
}

bool Checker::checkPad() {
  size_t rank = in[0].shape.size();
  if (!ints(2 * rank) || !floats(1))
    return false;
  double limit = in[0].type == ElementType::F32
                     ? std::numeric_limits<float>::max()
                     : std::ldexp(1.0, std::min(53, 8 * static_cast<int>(isa::storageBytes(in[0].type)) - 1)) - 1;
  if (!(op.f[0] >= -limit && op.f[0] <= limit))
    return fail("the value ", op.f[0], " is not one of ", nameOf(in[0].type));
  std::vector<int64_t> expected(rank);
  for (size_t axis = 0; axis < rank; ++axis) {
    if (op.i[axis] < 0 || op.i[rank + axis] < 0)
      return fail("a padding is negative");
    expected[axis] = in[0].shape[axis] + op.i[axis] + op.i[rank + axis];
  }
  return shape(out[0], expected);
}

bool Checker::checkConcat() {
  if (!ints(1) || !axis(op.i[0]))
    return false;
  std::vector<int64_t> expected = shapeOf(in[0]);
  int64_t sum = 0;
  for (const HostTensor &tensor : in) {
    if (tensor.type != out[0].type)
      return fail("expected inputs and output of one type, found ", describe(tensor), " and ", describe(out[0]));
    if (tensor.shape.size() != expected.size())
      return fail("expected inputs of one rank, found ", describe(tensor));
    expected[op.i[0]] = tensor.shape[op.i[0]];
    if (!shape(tensor, expected))
      return false;
    sum += tensor.shape[op.i[0]];
  }
  expected[op.i[0]] = sum;
  return shape(out[0], expected);
}

bool Checker::checkTile() {
  size_t rank = in[0].shape.size();
  if (!ints(rank))
    return false;
  std::vector<int64_t> expected(rank);
  for (size_t axis = 0; axis < rank; ++axis) {
    if (op.i[axis] < 1)
      return fail("expected multiples of at least 1, found ", op.i[axis]);
    expected[axis] = in[0].shape[axis] * op.i[axis];
  }
  return shape(out[0], expected);
}

bool Checker::checkBinary() {
  if (in[0].type != in[1].type)
    return fail("expected operands of one type, found ", describe(in[0]), " and ", describe(in[1]));
  bool comparison = op.i[0] >= static_cast<int64_t>(isa::BinaryKind::Greater);
  if (!comparison && !sameType())
    return false;
  if (comparison && !type(out[0], ElementType::I8))
    return false;
  if (op.i[0] == static_cast<int64_t>(isa::BinaryKind::Pow) && !type(in[0], ElementType::F32))
    return false;
  if (!rank(in[1], in[0].shape.size()))
    return false;
  std::vector<int64_t> expected = shapeOf(in[0]);
  for (size_t axis = 0; axis < expected.size(); ++axis) {
    if (in[0].shape[axis] != in[1].shape[axis] && in[0].shape[axis] != 1 && in[1].shape[axis] != 1)
      return fail("the shapes of ", describe(in[0]), " and ", describe(in[1]), " do not broadcast");
    expected[axis] = std::max(in[0].shape[axis], in[1].shape[axis]);
  }
  return shape(out[0], expected);
}

bool Checker::checkSelect() {
  if (!type(in[0], ElementType::I8) || !type(in[1], out[0].type) || !type(in[2], out[0].type))
    return false;
  std::vector<int64_t> expected = shapeOf(out[0]);
  for (const HostTensor &tensor : in) {
    if (!rank(tensor, expected.size()))
      return false;
    for (size_t axis = 0; axis < expected.size(); ++axis)
      if (tensor.shape[axis] != 1 && tensor.shape[axis] != out[0].shape[axis])
        return fail("the shape of ", describe(tensor), " does not broadcast to ", describe(out[0]));
  }
  return true;
}

bool Checker::checkWindow(bool convolution) {
  if (!rank(in[0], 4) || !rank(out[0], 4) || (convolution && !rank(in[1], 4)))
    return false;
  bool integersAllowed = op.kind == HostKind::MaxPool;
  if (!sameType() || (!integersAllowed && !type(in[0], ElementType::F32)))
    return false;
  Window window = windowOf(op, convolution ? in[1].shape : absl::Span<const uint32_t>());
  for (int64_t value : {window.kernelH, window.kernelW, window.strideH, window.strideW, window.dilationH,
                        window.dilationW, window.groups})
    if (value < 1)
      return fail("kernels, strides, dilations and groups are at least 1");
  for (int64_t value : {window.padTop, window.padBottom, window.padLeft, window.padRight})
    if (value < 0)
      return fail("a padding is negative");
  // Padding of a whole window would leave nothing to take the maximum or mean of.
  if (!convolution && (std::max(window.padTop, window.padBottom) >= window.kernelH ||
                       std::max(window.padLeft, window.padRight) >= window.kernelW))
    return fail("the padding is as wide as the window");
  int64_t spanH = (window.kernelH - 1) * window.dilationH + 1, spanW = (window.kernelW - 1) * window.dilationW + 1;
  int64_t restH = in[0].shape[1] + window.padTop + window.padBottom - spanH;
  int64_t restW = in[0].shape[2] + window.padLeft + window.padRight - spanW;
  if (restH < 0 || restW < 0)
    return fail("the window is larger than the padded input ", describe(in[0]));
  int64_t channels = in[0].shape[3];
  if (convolution) {
    channels = in[1].shape[0];
    if (!type(in[1], ElementType::F32) || channels % window.groups || in[0].shape[3] % window.groups ||
        in[1].shape[3] != in[0].shape[3] / window.groups)
      return fail("weights ", describe(in[1]), " do not fit ", describe(in[0]), " in ", window.groups, " groups");
    if (in.size() == 3 && (!type(in[2], ElementType::F32) || !shape(in[2], {channels})))
      return false;
  }
  return shape(out[0], {in[0].shape[0], restH / window.strideH + 1, restW / window.strideW + 1, channels});
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

/// Copies a box of elements of `width` bytes; strides and offsets are in elements, and may be negative or 0.
void copyBox(const uint8_t *from, absl::Span<const int64_t> fromStrides, uint8_t *to,
             absl::Span<const int64_t> toStrides, absl::Span<const int64_t> box, size_t width) {
  if (box.empty()) {
    std::memcpy(to, from, width);
    return;
  }
  int64_t extent = box[0], fromStep = fromStrides[0] * static_cast<int64_t>(width),
          toStep = toStrides[0] * static_cast<int64_t>(width);
  if (box.size() == 1) {
    if (fromStrides[0] == 1 && toStrides[0] == 1) {
      std::memcpy(to, from, extent * width);
      return;
    }
    auto each = [&](auto zero) {
      for (int64_t i = 0; i < extent; ++i)
        std::memcpy(to + i * toStep, from + i * fromStep, sizeof(zero));
    };
    return width == 1   ? each(uint8_t{})
           : width == 2 ? each(uint16_t{})
           : width == 4 ? each(uint32_t{})
                        : each(uint64_t{});
  }
  for (int64_t i = 0; i < extent; ++i)
    copyBox(from + i * fromStep, fromStrides.subspan(1), to + i * toStep, toStrides.subspan(1), box.subspan(1), width);
}

std::vector<int64_t> extents(const HostTensor &tensor) { return {tensor.shape.begin(), tensor.shape.end()}; }

/// Strides of a tensor of which axes of one element are repeated.
std::vector<int64_t> broadcastStrides(const HostTensor &tensor) {
  std::vector<int64_t> strides = rowMajorStrides(tensor.shape);
  for (size_t axis = 0; axis < strides.size(); ++axis)
    if (tensor.shape[axis] == 1)
      strides[axis] = 0;
  return strides;
}

void runPad(const HostOp &op, const HostTensor &in, const HostTensor &out) {
  size_t rank = in.shape.size(), width = isa::storageBytes(in.type);
  visitType(out.type, [&](auto zero) {
    using T = decltype(zero);
    std::fill_n(mutableDataOf<T>(out), out.elements(), static_cast<T>(op.f[0]));
  });
  std::vector<int64_t> strides = rowMajorStrides(out.shape);
  int64_t offset = 0;
  for (size_t axis = 0; axis < rank; ++axis)
    offset += op.i[axis] * strides[axis];
  copyBox(in.bytes.data(), rowMajorStrides(in.shape), out.bytes.data() + offset * width, strides, extents(in), width);
}

void runConcat(const HostOp &op, absl::Span<const HostTensor> in, const HostTensor &out) {
  size_t width = isa::storageBytes(out.type);
  AxisView target = viewOf(out.shape, op.i[0]);
  int64_t start = 0;
  for (const HostTensor &tensor : in) {
    AxisView source = viewOf(tensor.shape, op.i[0]);
    size_t run = source.extent * source.inner * width;
    for (int64_t outer = 0; outer < source.outer; ++outer)
      std::memcpy(out.bytes.data() + (outer * target.extent + start) * target.inner * width,
                  tensor.bytes.data() + outer * run, run);
    start += source.extent;
  }
}

void runTile(const HostOp &op, const HostTensor &in, const HostTensor &out) {
  // Each axis becomes a pair: which copy, and where in it.
  std::vector<int64_t> from, to, box, source = rowMajorStrides(in.shape), target = rowMajorStrides(out.shape);
  for (size_t axis = 0; axis < in.shape.size(); ++axis) {
    from.insert(from.end(), {0, source[axis]});
    to.insert(to.end(), {target[axis] * static_cast<int64_t>(in.shape[axis]), target[axis]});
    box.insert(box.end(), {op.i[axis], static_cast<int64_t>(in.shape[axis])});
  }
  copyBox(in.bytes.data(), from, out.bytes.data(), to, box, isa::storageBytes(in.type));
}

absl::Status runGather(const HostOp &op, const HostTensor &values, const HostTensor &indices, const HostTensor &out) {
  int64_t batches = values.shape[0], rows = values.shape[1], count = indices.shape[1];
  size_t run = values.shape[2] * isa::storageBytes(values.type);
  for (int64_t n = 0; n < batches; ++n)
    for (int64_t w = 0; w < count; ++w) {
      int64_t at = n * count + w;
      int64_t row = indices.type == ElementType::I32 ? dataOf<int32_t>(indices)[at] : dataOf<int64_t>(indices)[at];
      if (row < 0 || row >= rows)
        return absl::OutOfRangeError(absl::StrCat("host operator '", op.name, "' (gather): index ", row, " at [", n,
                                                  ", ", w, "] is not one of ", rows, " rows"));
      std::memcpy(out.bytes.data() + at * run, values.bytes.data() + (n * rows + row) * run, run);
    }
  return absl::OkStatus();
}

void runSelect(absl::Span<const HostTensor> in, const HostTensor &out) {
  size_t width = isa::storageBytes(out.type);
  std::vector<int64_t> shape = extents(out), strides = rowMajorStrides(out.shape);
  std::vector<uint8_t> condition(out.elements()), chosen(out.elements() * width);
  copyBox(in[0].bytes.data(), broadcastStrides(in[0]), condition.data(), strides, shape, 1);
  copyBox(in[1].bytes.data(), broadcastStrides(in[1]), chosen.data(), strides, shape, width);
  copyBox(in[2].bytes.data(), broadcastStrides(in[2]), out.bytes.data(), strides, shape, width);
  for (size_t i = 0; i < condition.size(); ++i)
    if (condition[i])
      std::memcpy(out.bytes.data() + i * width, chosen.data() + i * width, width);
}

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

/// TOSA's cast to an integer: round half to even, saturate; what is not a number becomes 0.
template <typename T>
T roundToInteger(float value) {
  if (std::isnan(value))
    return 0;
  float rounded = std::nearbyint(value); // the default rounding mode
  if (rounded <= static_cast<float>(std::numeric_limits<T>::min()))
    return std::numeric_limits<T>::min();
  if (rounded >= static_cast<float>(std::numeric_limits<T>::max()))
    return std::numeric_limits<T>::max();
  return static_cast<T>(rounded);
}

void runQuantize(const HostOp &op, const HostTensor &in, const HostTensor &out) {
  float factor = static_cast<float>(op.f[0]);
  const float *from = dataOf<float>(in);
  visitType(out.type, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>)
      for (uint64_t i = 0, n = in.elements(); i < n; ++i)
        mutableDataOf<T>(out)[i] = roundToInteger<T>(from[i] * factor);
  });
}

void runDequantize(const HostOp &op, const HostTensor &in, const HostTensor &out) {
  float factor = static_cast<float>(op.f[0]);
  visitType(in.type, [&](auto zero) {
    using T = decltype(zero);
    for (uint64_t i = 0, n = in.elements(); i < n; ++i)
      mutableDataOf<float>(out)[i] = static_cast<float>(dataOf<T>(in)[i]) * factor;
  });
}

void runCast(const HostTensor &in, const HostTensor &out) {
  visitType(in.type, [&](auto from) {
    visitType(out.type, [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      for (uint64_t i = 0, n = in.elements(); i < n; ++i) {
        From value = dataOf<From>(in)[i];
        if constexpr (std::is_same_v<From, float> && std::is_integral_v<To>)
          mutableDataOf<To>(out)[i] = roundToInteger<To>(value);
        else
          mutableDataOf<To>(out)[i] = static_cast<To>(value); // integers narrow by truncation
      }
    });
  });
}

void runRescale(const HostOp &op, const HostTensor &in, const HostTensor &out) {
  uint64_t multiplier = static_cast<uint64_t>(op.i[0]), round = uint64_t{1} << (op.i[1] - 1);
  visitType(in.type, [&](auto from) {
    visitType(out.type, [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) {
        int64_t low = std::max<int64_t>(op.i[2], std::numeric_limits<To>::min());
        int64_t high = std::max(low, std::min<int64_t>(op.i[3], std::numeric_limits<To>::max()));
        for (uint64_t i = 0, n = in.elements(); i < n; ++i) {
          // 64 bits that wrap, then truncation to 32 bits, then the clamp: as upstream lowers TOSA's rescale.
          uint64_t sum = static_cast<uint64_t>(static_cast<int64_t>(dataOf<From>(in)[i])) * multiplier + round;
          int32_t shifted = static_cast<int32_t>(static_cast<int64_t>(sum) >> op.i[1]);
          mutableDataOf<To>(out)[i] = static_cast<To>(std::clamp<int64_t>(shifted, low, high));
        }
      }
    });
  });
}

void runClamp(const HostOp &op, const HostTensor &in, const HostTensor &out) {
  visitType(in.type, [&](auto zero) {
    using T = decltype(zero);
    auto bound = [](double value) {
      if constexpr (std::is_integral_v<T>) {
        double low = static_cast<double>(std::numeric_limits<T>::min());
        double high = static_cast<double>(std::numeric_limits<T>::max());
        return value <= low    ? std::numeric_limits<T>::min()
               : value >= high ? std::numeric_limits<T>::max()
                               : static_cast<T>(value);
      } else {
        return static_cast<T>(value);
      }
    };
    T low = bound(op.f[0]), high = bound(op.f[1]);
    for (uint64_t i = 0, n = in.elements(); i < n; ++i)
      mutableDataOf<T>(out)[i] = std::min(std::max(dataOf<T>(in)[i], low), high);
  });
}

} // namespace

Window windowOf(const HostOp &op, absl::Span<const uint32_t> weights) {
  Window window;
  size_t at = 0;
  if (op.kind == HostKind::Conv) {
    window.kernelH = weights[1];
    window.kernelW = weights[2];
  } else {
    window.kernelH = op.i[at++];
    window.kernelW = op.i[at++];
  }
  for (int64_t *field :
       {&window.strideH, &window.strideW, &window.padTop, &window.padBottom, &window.padLeft, &window.padRight})
    *field = op.i[at++];
  if (op.kind == HostKind::Conv)
    for (int64_t *field : {&window.dilationH, &window.dilationW, &window.groups})
      *field = op.i[at++];
  return window;
}

absl::Status checkHostOp(const HostOp &op, absl::Span<const HostTensor> in, absl::Span<const HostTensor> out) {
  return Checker(op, in, out).check();
}

absl::Status runHostOp(const HostOp &op, absl::Span<const HostTensor> in, absl::Span<HostTensor> outs) {
  if (absl::Status status = checkHostOp(op, in, outs); !status.ok())
    return status;
  for (absl::Span<const HostTensor> tensors : {in, absl::Span<const HostTensor>(outs)})
    for (const HostTensor &tensor : tensors)
      if (tensor.bytes.size() != tensor.elements() * isa::storageBytes(tensor.type))
        return absl::InvalidArgumentError(absl::StrCat("host operator '", op.name, "' (", toString(op.kind),
                                                       "): ", describe(tensor), " does not take ", tensor.bytes.size(),
                                                       " bytes"));
  const HostTensor &a = in[0], &out = outs[0];
  size_t width = isa::storageBytes(a.type);
  switch (op.kind) {
  case HostKind::Quantize:
    runQuantize(op, a, out);
    break;
  case HostKind::Dequantize:
    runDequantize(op, a, out);
    break;
  case HostKind::Transpose: {
    std::vector<int64_t> source = rowMajorStrides(a.shape), from;
    for (int64_t axis : op.i)
      from.push_back(source[axis]);
    copyBox(a.bytes.data(), from, out.bytes.data(), rowMajorStrides(out.shape), extents(out), width);
    break;
  }
  case HostKind::Reshape:
    std::memcpy(out.bytes.data(), a.bytes.data(), a.bytes.size());
    break;
  case HostKind::Slice: {
    std::vector<int64_t> strides = rowMajorStrides(a.shape);
    int64_t offset = 0;
    for (size_t axis = 0; axis < strides.size(); ++axis)
      offset += op.i[axis] * strides[axis];
    copyBox(a.bytes.data() + offset * width, strides, out.bytes.data(), rowMajorStrides(out.shape), extents(out),
            width);
    break;
  }
  case HostKind::Pad:
    runPad(op, a, out);
    break;
  case HostKind::Concat:
    runConcat(op, in, out);
    break;
  case HostKind::Reverse: {
    std::vector<int64_t> strides = rowMajorStrides(a.shape), from = strides;
    int64_t axis = op.i[0], last = (static_cast<int64_t>(a.shape[axis]) - 1) * strides[axis];
    from[axis] = -strides[axis];
    copyBox(a.bytes.data() + last * width, from, out.bytes.data(), strides, extents(out), width);
    break;
  }
  case HostKind::Tile:
    runTile(op, a, out);
    break;
  case HostKind::Gather:
    return runGather(op, a, in[1], out);
  case HostKind::Softmax:
    runSoftmax(op, a, out);
    break;
  case HostKind::Lrn:
    runLrn(op, a, out);
    break;
  case HostKind::Unary:
    runUnary(op, a, out);
    break;
  case HostKind::Binary:
    runBinary(op, a, in[1], out);
    break;
  case HostKind::Reduce:
    runReduce(op, a, out);
    break;
  case HostKind::MatMul:
    runMatMul(a, in[1], out);
    break;
  case HostKind::Cast:
    runCast(a, out);
    break;
  case HostKind::Select:
    runSelect(in, out);
    break;
  case HostKind::Rescale:
    runRescale(op, a, out);
    break;
  case HostKind::Clamp:
    runClamp(op, a, out);
    break;
  case HostKind::Conv:
    runConv(op, in, out);
    break;
  case HostKind::MaxPool:
  case HostKind::AvgPool:
    runPool(op, a, out);
    break;
  }
  return absl::OkStatus();
}

} // namespace sparseaccel::runtime
