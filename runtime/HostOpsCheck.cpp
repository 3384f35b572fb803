//===- HostOpsCheck.cpp - Whether a host operator fits its tensors --------===//

#include "HostOpsImpl.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sparseaccel::runtime {

using isa::ElementType;
using isa::HostKind;
using isa::HostOp;

std::string describe(const HostTensor &tensor) {
  return absl::StrCat(isa::toString(tensor.type), "[", absl::StrJoin(tensor.shape, "x"), "]");
}

namespace {

constexpr size_t kMaxRank = 6;
constexpr uint64_t kMaxElements = uint64_t{1} << 40;
constexpr int64_t kMaxArgument = int64_t{1} << 31;

bool isInteger(ElementType type) { return type != ElementType::F32; }
bool isActivation(ElementType type) { return type == ElementType::I8 || type == ElementType::I16; }

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
      return fail("expected a tensor of ", isa::toString(type), ", found ", describe(tensor));
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
  bool checkOutput(const Window &window, int64_t channels);
  bool checkScale(int64_t multiplier, int64_t shift, int64_t clampMin, int64_t clampMax);
  /// A Conv of integers, whose arguments are checked by themselves.
  bool isContraction() const { return op.kind == HostKind::Conv && isActivation(in[0].type); }
  bool checkContract();

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
    if (op.kind != HostKind::Rescale && !isContraction() && (argument < -kMaxArgument || argument > kMaxArgument))
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
           checkScale(op.i[0], op.i[1], op.i[2], op.i[3]);
  case HostKind::Clamp:
    return operands(1, 1) && floats(2) && sameType() && sameShape() &&
           (op.f[0] <= op.f[1] || fail("expected min <= max, found ", op.f[0], " and ", op.f[1]));
  case HostKind::Conv:
    return isContraction() ? operands(2, 2) && checkContract() : operands(2, 3) && ints(9) && checkWindow(true);
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
    return fail("the value ", op.f[0], " is not one of ", isa::toString(in[0].type));
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
  bool integersAllowed = op.kind == HostKind::MaxPool || (op.kind == HostKind::AvgPool && isActivation(in[0].type));
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
  int64_t channels = in[0].shape[3];
  if (convolution) {
    channels = in[1].shape[0];
    if (!type(in[1], ElementType::F32) || channels % window.groups || in[0].shape[3] % window.groups ||
        in[1].shape[3] != in[0].shape[3] / window.groups)
      return fail("weights ", describe(in[1]), " do not fit ", describe(in[0]), " in ", window.groups, " groups");
    if (in.size() == 3 && (!type(in[2], ElementType::F32) || !shape(in[2], {channels})))
      return false;
  }
  return checkOutput(window, channels);
}

/// The output has a place for each window that lies in the padded input.
bool Checker::checkOutput(const Window &window, int64_t channels) {
  int64_t spanH = (window.kernelH - 1) * window.dilationH + 1, spanW = (window.kernelW - 1) * window.dilationW + 1;
  int64_t restH = in[0].shape[1] + window.padTop + window.padBottom - spanH;
  int64_t restW = in[0].shape[2] + window.padLeft + window.padRight - spanW;
  if (restH < 0 || restW < 0)
    return fail("the window is larger than the padded input ", describe(in[0]));
  return shape(out[0], {in[0].shape[0], restH / window.strideH + 1, restW / window.strideW + 1, channels});
}

bool Checker::checkScale(int64_t multiplier, int64_t shift, int64_t clampMin, int64_t clampMax) {
  return ((shift >= 2 && shift <= 62) || fail("expected a shift from 2 to 62, found ", shift)) &&
         ((multiplier >= 0 && multiplier < kMaxArgument) ||
          fail("expected a multiplier of 31 bits, found ", multiplier)) &&
         (clampMin <= clampMax || fail("expected min <= max, found ", clampMin, " and ", clampMax));
}

bool Checker::checkContract() {
  constexpr size_t fixed = static_cast<size_t>(ContractArgument::Count);
  if (!rank(in[0], 4) || !rank(in[1], 4) || !rank(out[0], 4))
    return false;
  if (!isActivation(in[0].type) || in[1].type != in[0].type || out[0].type != in[0].type)
    return fail("expected operands and output of i8, or of i16, found ", describe(in[0]), ", ", describe(in[1]),
                " and ", describe(out[0]));
  if (op.i.size() < fixed)
    return fail("expected at least ", fixed, " integer arguments, found ", op.i.size());
  int64_t channels = in[1].shape[0];
  int64_t biases = contractArgument(op, ContractArgument::Biases),
          scales = contractArgument(op, ContractArgument::Scales);
  if (!enumeration(contractArgument(op, ContractArgument::Kind), 4))
    return false;
  if (biases != 0 && biases != channels)
    return fail("expected no bias or ", channels, ", found ", biases);
  if (scales != 1 && scales != channels)
    return fail("expected 1 or ", channels, " multipliers, found ", scales);
  if (!ints(fixed + static_cast<size_t>(biases + 2 * scales)))
    return false;
  Window window = windowOf(op, in[1].shape);
  for (int64_t value : {window.strideH, window.strideW, window.dilationH, window.dilationW, window.groups})
    if (value < 1 || value > kMaxArgument)
      return fail("strides, dilations and groups are at least 1");
  for (int64_t value : {window.padTop, window.padBottom, window.padLeft, window.padRight})
    if (value < 0 || value > kMaxArgument)
      return fail("a padding is negative");
  if (channels % window.groups || in[0].shape[3] % window.groups || in[1].shape[3] != in[0].shape[3] / window.groups)
    return fail("weights ", describe(in[1]), " do not fit ", describe(in[0]), " in ", window.groups, " groups");
  constexpr int64_t maxBias = int64_t{1} << 47;
  for (int64_t i = 0; i < biases; ++i)
    if (op.i[fixed + i] < -maxBias || op.i[fixed + i] >= maxBias)
      return fail("the bias ", op.i[fixed + i], " exceeds 48 bits");
  for (int64_t i = 0; i < scales; ++i)
    if (!checkScale(op.i[fixed + biases + i], op.i[fixed + biases + scales + i],
                    contractArgument(op, ContractArgument::ClampMin), contractArgument(op, ContractArgument::ClampMax)))
      return false;
  return checkOutput(window, channels);
}

} // namespace

absl::Status checkHostOp(const HostOp &op, absl::Span<const HostTensor> in, absl::Span<const HostTensor> out) {
  return Checker(op, in, out).check();
}

} // namespace sparseaccel::runtime
