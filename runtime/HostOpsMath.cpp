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

/// Calls `visitor` with the function of two numbers; comparisons give truth values.
template <typename T, typename Visitor>
static void visitBinary(BinaryKind kind, Visitor &&visitor) {
  switch (kind) {
  case BinaryKind::Max:
    return visitor([](T a, T b) { return std::max(a, b); });
  case BinaryKind::Min:
    return visitor([](T a, T b) { return std::min(a, b); });
  case BinaryKind::Greater:
    return visitor([](T a, T b) { return static_cast<int8_t>(a > b); });
  case BinaryKind::GreaterEqual:
    return visitor([](T a, T b) { return static_cast<int8_t>(a >= b); });
  case BinaryKind::Equal:
    return visitor([](T a, T b) { return static_cast<int8_t>(a == b); });
  default:
    break;
  }
  if constexpr (std::is_same_v<T, float>) {
    switch (kind) {
    case BinaryKind::Add:
      return visitor([](T a, T b) { return a + b; });
    case BinaryKind::Sub:
      return visitor([](T a, T b) { return a - b; });
    case BinaryKind::Mul:
      return visitor([](T a, T b) { return a * b; });
    default:
      return visitor([](T a, T b) { return std::pow(a, b); });
    }
  } else {
    auto wide = [](T value) { return static_cast<uint64_t>(static_cast<int64_t>(value)); }; // wraps
    switch (kind) {
    case BinaryKind::Add:
      return visitor([wide](T a, T b) { return static_cast<T>(wide(a) + wide(b)); });
    case BinaryKind::Sub:
      return visitor([wide](T a, T b) { return static_cast<T>(wide(a) - wide(b)); });
    default:
      return visitor([wide](T a, T b) { return static_cast<T>(wide(a) * wide(b)); });
    }
  }
}

namespace {
/// Axes over which two operands advance, with neighbours joined where both go on from one to the next, and never none.
/// The result is dense.
struct PairAxes {
  std::vector<int64_t> extents, a, b; ///< Steps of the operands, in elements.

  PairAxes(const HostTensor &left, const HostTensor &right, absl::Span<const uint32_t> shape) {
    std::vector<int64_t> aStrides = rowMajorStrides(left.shape), bStrides = rowMajorStrides(right.shape);
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      int64_t extent = shape[axis], aStep = left.shape[axis] == 1 ? 0 : aStrides[axis],
              bStep = right.shape[axis] == 1 ? 0 : bStrides[axis];
      if (extent == 1)
        continue;
      if (!extents.empty() && a.back() == aStep * extent && b.back() == bStep * extent) {
        extents.back() *= extent;
        a.back() = aStep;
        b.back() = bStep;
        continue;
      }
      extents.push_back(extent);
      a.push_back(aStep);
      b.push_back(bStep);
    }
    if (extents.empty()) {
      extents = {1};
      a = b = {0};
    }
  }
};

template <typename T, typename To, typename Function>
void applyPairs(const PairAxes &axes, const T *a, const T *b, To *to, Function function) {
  size_t last = axes.extents.size() - 1;
  int64_t run = axes.extents[last], aStep = axes.a[last], bStep = axes.b[last];
  std::vector<int64_t> index(last, 0);
  while (true) {
    if (aStep == 1 && bStep == 1)
      for (int64_t i = 0; i < run; ++i)
        to[i] = function(a[i], b[i]);
    else if (aStep == 1 && bStep == 0)
      for (int64_t i = 0; i < run; ++i)
        to[i] = function(a[i], *b);
    else
      for (int64_t i = 0; i < run; ++i)
        to[i] = function(a[i * aStep], b[i * bStep]);
    to += run;
    size_t axis = last;
    while (axis-- > 0) {
      a += axes.a[axis];
      b += axes.b[axis];
      if (++index[axis] < axes.extents[axis])
        break;
      a -= axes.a[axis] * axes.extents[axis];
      b -= axes.b[axis] * axes.extents[axis];
      index[axis] = 0;
    }
    if (axis > last) // past the first axis
      return;
  }
}
} // namespace

void runBinary(const isa::HostOp &op, const HostTensor &a, const HostTensor &b, const HostTensor &out) {
  PairAxes axes(a, b, out.shape);
  visitType(a.type, [&](auto zero) {
    using T = decltype(zero);
    visitBinary<T>(static_cast<BinaryKind>(op.i[0]), [&](auto function) {
      using To = decltype(function(T{}, T{}));
      applyPairs(axes, dataOf<T>(a), dataOf<T>(b), mutableDataOf<To>(out), function);
    });
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
    visitBinary<T>(step, [&](auto function) {
      if constexpr (std::is_same_v<decltype(function(T{}, T{})), T>)
        for (int64_t outer = 0; outer < view.outer; ++outer) {
          // Along the axis in its order; side by side behind it.
          const T *from = dataOf<T>(in) + outer * view.extent * view.inner;
          T *to = mutableDataOf<T>(out) + outer * view.inner;
          if (view.inner == 1) {
            T result = from[0];
            for (int64_t i = 1; i < view.extent; ++i)
              result = function(result, from[i]);
            *to = result;
            continue;
          }
          std::copy_n(from, view.inner, to);
          for (int64_t i = 1; i < view.extent; ++i)
            for (int64_t inner = 0; inner < view.inner; ++inner)
              to[inner] = function(to[inner], from[i * view.inner + inner]);
        }
    });
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
