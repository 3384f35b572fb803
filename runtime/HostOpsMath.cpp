//===- HostOpsMath.cpp - Host operators that compute ----------------------===//

#include "HostOpsImpl.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace sparseaccel::runtime {

using isa::BinaryKind;
using isa::ReduceKind;
using isa::UnaryKind;

void runSoftmax(const isa::HostOp &op, const HostTensor &in, const HostTensor &out) {
  AxisView view = viewOf(in.shape, op.i[0]);
  for (int64_t outer = 0; outer < view.outer; ++outer)
    for (int64_t inner = 0; inner < view.inner; ++inner) {
      const float *from = dataOf<float>(in) + outer * view.extent * view.inner + inner;
      float *to = mutableDataOf<float>(out) + outer * view.extent * view.inner + inner;
      float largest = from[0];
      for (int64_t i = 1; i < view.extent; ++i)
        largest = std::max(largest, from[i * view.inner]);
      float sum = 0;
      for (int64_t i = 0; i < view.extent; ++i)
        sum += to[i * view.inner] = std::exp(from[i * view.inner] - largest);
      for (int64_t i = 0; i < view.extent; ++i)
        to[i * view.inner] /= sum;
    }
}

// ONNX's LRN over the innermost axis: the window reaches floor((size-1)/2) channels down and ceil((size-1)/2) up.
void runLrn(const isa::HostOp &op, const HostTensor &in, const HostTensor &out) {
  AxisView view = viewOf(in.shape, static_cast<int64_t>(in.shape.size()) - 1);
  int64_t size = op.i[0], below = (size - 1) / 2, above = size - 1 - below;
  float alpha = static_cast<float>(op.f[0] / static_cast<double>(size)), beta = static_cast<float>(op.f[1]),
        bias = static_cast<float>(op.f[2]);
  for (int64_t row = 0; row < view.outer; ++row) {
    const float *from = dataOf<float>(in) + row * view.extent;
    float *to = mutableDataOf<float>(out) + row * view.extent;
    for (int64_t c = 0; c < view.extent; ++c) {
      float squares = 0;
      for (int64_t k = std::max<int64_t>(0, c - below); k <= std::min(view.extent - 1, c + above); ++k)
        squares += from[k] * from[k];
      to[c] = from[c] / std::pow(bias + alpha * squares, beta);
    }
  }
}

static float applyUnary(UnaryKind kind, float x) {
  switch (kind) {
  case UnaryKind::Exp:
    return std::exp(x);
  case UnaryKind::Log:
    return std::log(x);
  case UnaryKind::Reciprocal:
    return 1.0f / x;
  case UnaryKind::Rsqrt:
    return 1.0f / std::sqrt(x);
  case UnaryKind::Sigmoid:
    return 1.0f / (1.0f + std::exp(-x));
  case UnaryKind::Tanh:
    return std::tanh(x);
  case UnaryKind::Abs:
    return std::fabs(x);
  case UnaryKind::Neg:
    return -x;
  case UnaryKind::Erf:
    return std::erf(x);
  case UnaryKind::Floor:
    return std::floor(x);
  case UnaryKind::Ceil:
    return std::ceil(x);
  case UnaryKind::Sin:
    return std::sin(x);
  case UnaryKind::Cos:
    return std::cos(x);
  case UnaryKind::Not:
    return x == 0.0f ? 1.0f : 0.0f;
  }
  return x;
}

void runUnary(const isa::HostOp &op, const HostTensor &in, const HostTensor &out) {
  UnaryKind kind = static_cast<UnaryKind>(op.i[0]);
  visitType(in.type, [&](auto zero) {
    using T = decltype(zero);
    for (uint64_t i = 0, n = in.elements(); i < n; ++i) {
      T value = dataOf<T>(in)[i];
      T &result = mutableDataOf<T>(out)[i];
      if constexpr (std::is_same_v<T, float>) {
        result = applyUnary(kind, value);
      } else {
        uint64_t bits = static_cast<uint64_t>(static_cast<int64_t>(value)); // wraps
        result = kind == UnaryKind::Not                ? static_cast<T>(value == 0)
                 : kind == UnaryKind::Neg || value < 0 ? static_cast<T>(uint64_t{0} - bits)
                                                       : value;
      }
    }
  });
}

template <typename T>
static T applyBinary(BinaryKind kind, T a, T b) {
  switch (kind) {
  case BinaryKind::Max:
    return std::max(a, b);
  case BinaryKind::Min:
    return std::min(a, b);
  case BinaryKind::Greater:
    return a > b;
  case BinaryKind::GreaterEqual:
    return a >= b;
  case BinaryKind::Equal:
    return a == b;
  default:
    break;
  }
  if constexpr (std::is_same_v<T, float>) {
    return kind == BinaryKind::Add   ? a + b
           : kind == BinaryKind::Sub ? a - b
           : kind == BinaryKind::Mul ? a * b
                                     : std::pow(a, b);
  } else {
    uint64_t x = static_cast<uint64_t>(static_cast<int64_t>(a)), y = static_cast<uint64_t>(static_cast<int64_t>(b));
    return static_cast<T>(kind == BinaryKind::Add ? x + y : kind == BinaryKind::Sub ? x - y : x * y);
  }
}

void runBinary(const isa::HostOp &op, const HostTensor &a, const HostTensor &b, const HostTensor &out) {
  BinaryKind kind = static_cast<BinaryKind>(op.i[0]);
  size_t rank = out.shape.size();
  std::vector<int64_t> aStrides = rowMajorStrides(a.shape), bStrides = rowMajorStrides(b.shape);
  for (size_t axis = 0; axis < rank; ++axis) {
    aStrides[axis] = a.shape[axis] == 1 ? 0 : aStrides[axis];
    bStrides[axis] = b.shape[axis] == 1 ? 0 : bStrides[axis];
  }
  bool comparison = kind >= BinaryKind::Greater;
  visitType(a.type, [&](auto zero) {
    using T = decltype(zero);
    std::vector<uint32_t> index(rank, 0);
    int64_t atA = 0, atB = 0;
    for (uint64_t i = 0, n = out.elements(); i < n; ++i) {
      T value = applyBinary(kind, dataOf<T>(a)[atA], dataOf<T>(b)[atB]);
      if (comparison)
        mutableDataOf<int8_t>(out)[i] = value != T{0};
      else
        mutableDataOf<T>(out)[i] = value;
      for (size_t axis = rank; axis-- > 0;) {
        atA += aStrides[axis];
        atB += bStrides[axis];
        if (++index[axis] < out.shape[axis])
          break;
        atA -= aStrides[axis] * out.shape[axis];
        atB -= bStrides[axis] * out.shape[axis];
        index[axis] = 0;
      }
    }
  });
}

void runReduce(const isa::HostOp &op, const HostTensor &in, const HostTensor &out) {
  ReduceKind kind = static_cast<ReduceKind>(op.i[0]);
  AxisView view = viewOf(in.shape, op.i[1]);
  BinaryKind step = kind == ReduceKind::Sum   ? BinaryKind::Add
                    : kind == ReduceKind::Max ? BinaryKind::Max
                    : kind == ReduceKind::Min ? BinaryKind::Min
                                              : BinaryKind::Mul;
  visitType(in.type, [&](auto zero) {
    using T = decltype(zero);
    for (int64_t outer = 0; outer < view.outer; ++outer)
      for (int64_t inner = 0; inner < view.inner; ++inner) {
        const T *from = dataOf<T>(in) + outer * view.extent * view.inner + inner;
        T result = from[0];
        for (int64_t i = 1; i < view.extent; ++i)
          result = applyBinary(step, result, from[i * view.inner]);
        mutableDataOf<T>(out)[outer * view.inner + inner] = result;
      }
  });
}

void runMatMul(const HostTensor &a, const HostTensor &b, const HostTensor &out) {
  int64_t batches = a.shape[0], rows = a.shape[1], depth = a.shape[2], columns = b.shape[2];
  float *to = mutableDataOf<float>(out);
  std::fill_n(to, out.elements(), 0.0f);
  for (int64_t n = 0; n < batches; ++n)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t k = 0; k < depth; ++k) {
        float left = dataOf<float>(a)[(n * rows + i) * depth + k];
        const float *right = dataOf<float>(b) + (n * depth + k) * columns;
        float *sums = to + (n * rows + i) * columns;
        for (int64_t j = 0; j < columns; ++j)
          sums[j] += left * right[j];
      }
}

Valid validOf(int64_t position, int64_t stride, int64_t pad, int64_t dilation, int64_t kernel, int64_t extent) {
  int64_t start = position * stride - pad;
  int64_t first = start < 0 ? (-start + dilation - 1) / dilation : 0;
  int64_t last = start >= extent ? 0 : std::min(kernel, (extent - 1 - start) / dilation + 1);
  return {first, std::max(first, last)};
}

void runConv(const isa::HostOp &op, absl::Span<const HostTensor> in, const HostTensor &out) {
  const HostTensor &a = in[0], &weights = in[1];
  Window window = windowOf(op, weights.shape);
  int64_t height = a.shape[1], width = a.shape[2], channels = a.shape[3], filters = weights.shape[0];
  int64_t depth = weights.shape[3], perGroup = filters / window.groups;
  const float *bias = in.size() == 3 ? dataOf<float>(in[2]) : nullptr;
  float *to = mutableDataOf<float>(out);
  for (int64_t n = 0; n < static_cast<int64_t>(out.shape[0]); ++n)
    for (int64_t p = 0; p < static_cast<int64_t>(out.shape[1]); ++p)
      for (int64_t q = 0; q < static_cast<int64_t>(out.shape[2]); ++q) {
        Valid rows = validOf(p, window.strideH, window.padTop, window.dilationH, window.kernelH, height);
        Valid columns = validOf(q, window.strideW, window.padLeft, window.dilationW, window.kernelW, width);
        for (int64_t m = 0; m < filters; ++m) {
          float sum = bias ? bias[m] : 0.0f;
          for (int64_t r = rows.first; r < rows.last; ++r)
            for (int64_t s = columns.first; s < columns.last; ++s) {
              int64_t y = p * window.strideH - window.padTop + r * window.dilationH;
              int64_t x = q * window.strideW - window.padLeft + s * window.dilationW;
              const float *values = dataOf<float>(a) + ((n * height + y) * width + x) * channels + m / perGroup * depth;
              const float *filter = dataOf<float>(weights) + ((m * window.kernelH + r) * window.kernelW + s) * depth;
              for (int64_t c = 0; c < depth; ++c)
                sum += values[c] * filter[c];
            }
          *to++ = sum;
        }
      }
}

void runPool(const isa::HostOp &op, const HostTensor &in, const HostTensor &out) {
  if (op.kind == isa::HostKind::AvgPool && in.type != isa::ElementType::F32)
    return runIntegerAverage(op, in, out);
  Window window = windowOf(op, {});
  int64_t height = in.shape[1], width = in.shape[2], channels = in.shape[3];
  bool mean = op.kind == isa::HostKind::AvgPool;
  visitType(in.type, [&](auto zero) {
    using T = decltype(zero);
    T *to = mutableDataOf<T>(out);
    for (int64_t n = 0; n < static_cast<int64_t>(out.shape[0]); ++n)
      for (int64_t p = 0; p < static_cast<int64_t>(out.shape[1]); ++p)
        for (int64_t q = 0; q < static_cast<int64_t>(out.shape[2]); ++q, to += channels) {
          Valid rows = validOf(p, window.strideH, window.padTop, 1, window.kernelH, height);
          Valid columns = validOf(q, window.strideW, window.padLeft, 1, window.kernelW, width);
          std::fill_n(to, channels, mean ? T{0} : std::numeric_limits<T>::lowest());
          for (int64_t r = rows.first; r < rows.last; ++r)
            for (int64_t s = columns.first; s < columns.last; ++s) {
              int64_t y = p * window.strideH - window.padTop + r, x = q * window.strideW - window.padLeft + s;
              const T *from = dataOf<T>(in) + ((n * height + y) * width + x) * channels;
              for (int64_t c = 0; c < channels; ++c)
                to[c] = mean ? static_cast<T>(to[c] + from[c]) : std::max(to[c], from[c]);
            }
          // The mean of the positions that lie in the input, as TOSA's avg_pool2d.
          int64_t count = (rows.last - rows.first) * (columns.last - columns.first);
          if (mean)
            for (int64_t c = 0; c < channels; ++c)
              to[c] = static_cast<T>(to[c] / static_cast<T>(count));
        }
  });
}

} // namespace sparseaccel::runtime
