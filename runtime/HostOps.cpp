//===- HostOps.cpp - What runs on the host --------------------------------===//
//
// What runs each operator, and the kernels that move or convert elements.
//
//===----------------------------------------------------------------------===//

#include "HostOpsImpl.h"

#include "absl/strings/str_cat.h"

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

namespace {

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
  int64_t multiplier = op.i[0], round = int64_t{1} << (op.i[1] - 1);
  visitType(in.type, [&](auto from) {
    visitType(out.type, [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) {
        int64_t low = std::max<int64_t>(op.i[2], std::numeric_limits<To>::min());
        int64_t high = std::max(low, std::min<int64_t>(op.i[3], std::numeric_limits<To>::max()));
        for (uint64_t i = 0, n = in.elements(); i < n; ++i) {
          int32_t scaled = scaleTo32(static_cast<int64_t>(dataOf<From>(in)[i]), multiplier, round, op.i[1]);
          mutableDataOf<To>(out)[i] = static_cast<To>(std::clamp<int64_t>(scaled, low, high));
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
    if (a.type == ElementType::F32)
      runConv(op, in, out);
    else
      runContract(op, a, in[1], out);
    break;
  case HostKind::MaxPool:
  case HostKind::AvgPool:
    runPool(op, a, out);
    break;
  }
  return absl::OkStatus();
}

} // namespace sparseaccel::runtime
