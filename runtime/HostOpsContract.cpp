//===- HostOpsContract.cpp - Exact integer kernels of the host ------------===//
//
// What an accelerator computes, for layers that a machine does not take: the same integers, by plain loops.
//
//===----------------------------------------------------------------------===//

#include "HostOpsImpl.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace sparseaccel::runtime {

namespace {

template <typename T>
std::pair<int64_t, int64_t> clampOf(int64_t low, int64_t high) {
  low = std::clamp<int64_t>(low, std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
  return {low, std::clamp<int64_t>(high, low, std::numeric_limits<T>::max())};
}

/// Products of 16 bits are added up in 64; of 8 bits, in 32 for as long as that is safe.
int64_t dot(const int16_t *a, const int16_t *b, int64_t count) {
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += int32_t{a[i]} * b[i];
  return sum;
}

int64_t dot(const int8_t *a, const int8_t *b, int64_t count) {
  constexpr int64_t safe = 1 << 16; // of at most 2^14 each
  int64_t sum = 0;
  for (int64_t first = 0; first < count; first += safe) {
    int32_t part = 0;
    for (int64_t i = first, last = std::min(count, first + safe); i < last; ++i)
      part += int32_t{a[i]} * b[i];
    sum += part;
  }
  return sum;
}

/// The sum of one place of the output.
template <typename T>
int64_t sumOf(const T *image, const T *filter, int64_t width, int64_t channels, int64_t depth, const Window &window,
              int64_t p, int64_t q, Valid rows, Valid columns) {
  int64_t sum = 0;
  for (int64_t r = rows.first; r < rows.last; ++r) {
    int64_t y = p * window.strideH - window.padTop + r * window.dilationH;
    for (int64_t s = columns.first; s < columns.last; ++s) {
      int64_t x = q * window.strideW - window.padLeft + s * window.dilationW;
      sum += dot(image + (y * width + x) * channels, filter + (r * window.kernelW + s) * depth, depth);
    }
  }
  return sum;
}

template <typename T>
void contract(const isa::HostOp &op, const HostTensor &a, const HostTensor &b, const HostTensor &out) {
  constexpr int64_t filtersAtOnce = 16; // stay in the cache while the image passes
  Window window = windowOf(op, b.shape);
  int64_t height = a.shape[1], width = a.shape[2], channels = a.shape[3];
  int64_t filters = b.shape[0], depth = b.shape[3], perGroup = filters / window.groups;
  int64_t filterSize = window.kernelH * window.kernelW * depth;
  int64_t biases = contractArgument(op, ContractArgument::Biases),
          scales = contractArgument(op, ContractArgument::Scales);
  const int64_t *bias = op.i.data() + static_cast<size_t>(ContractArgument::Count), *multiplier = bias + biases,
                *shift = multiplier + scales;
  auto [low, high] =
      clampOf<T>(contractArgument(op, ContractArgument::ClampMin), contractArgument(op, ContractArgument::ClampMax));
  for (int64_t firstFilter = 0; firstFilter < filters; firstFilter += filtersAtOnce) {
    int64_t lastFilter = std::min(filters, firstFilter + filtersAtOnce);
    T *row = mutableDataOf<T>(out);
    for (int64_t n = 0; n < static_cast<int64_t>(out.shape[0]); ++n)
      for (int64_t p = 0; p < static_cast<int64_t>(out.shape[1]); ++p)
        for (int64_t q = 0; q < static_cast<int64_t>(out.shape[2]); ++q, row += filters) {
          Valid rows = validOf(p, window.strideH, window.padTop, window.dilationH, window.kernelH, height);
          Valid columns = validOf(q, window.strideW, window.padLeft, window.dilationW, window.kernelW, width);
          for (int64_t m = firstFilter; m < lastFilter; ++m) {
            const T *image = dataOf<T>(a) + n * height * width * channels + m / perGroup * depth;
            int64_t sum = sumOf(image, dataOf<T>(b) + m * filterSize, width, channels, depth, window, p, q, rows,
                                columns) +
                          (biases ? bias[m] : 0);
            int64_t at = scales > 1 ? m : 0;
            int32_t scaled = scaleTo32(sum, multiplier[at], int64_t{1} << (shift[at] - 1), shift[at]);
            row[m] = static_cast<T>(std::clamp<int64_t>(scaled, low, high));
          }
        }
  }
}

/// The division of TOSA's avg_pool2d: by the reciprocal of the number of positions, rounded once.
int32_t average(int64_t sum, uint64_t count) {
  int64_t k = count > 1 ? std::bit_width(count - 1) : 0;
  int64_t multiplier = static_cast<int32_t>((uint64_t{(1 << 30) + 1} << k) / count);
  return scaleTo32(sum, multiplier, int64_t{1} << (29 + k), 30 + k);
}

template <typename T>
void averagePool(const isa::HostOp &op, const HostTensor &in, const HostTensor &out) {
  Window window = windowOf(op, {});
  int64_t height = in.shape[1], width = in.shape[2], channels = in.shape[3];
  std::vector<int64_t> sums(channels);
  T *to = mutableDataOf<T>(out);
  for (int64_t n = 0; n < static_cast<int64_t>(out.shape[0]); ++n)
    for (int64_t p = 0; p < static_cast<int64_t>(out.shape[1]); ++p)
      for (int64_t q = 0; q < static_cast<int64_t>(out.shape[2]); ++q, to += channels) {
        Valid rows = validOf(p, window.strideH, window.padTop, 1, window.kernelH, height);
        Valid columns = validOf(q, window.strideW, window.padLeft, 1, window.kernelW, width);
        std::fill(sums.begin(), sums.end(), 0);
        for (int64_t r = rows.first; r < rows.last; ++r)
          for (int64_t s = columns.first; s < columns.last; ++s) {
            int64_t y = p * window.strideH - window.padTop + r, x = q * window.strideW - window.padLeft + s;
            const T *from = dataOf<T>(in) + ((n * height + y) * width + x) * channels;
            for (int64_t c = 0; c < channels; ++c)
              sums[c] += from[c];
          }
        uint64_t count = static_cast<uint64_t>((rows.last - rows.first) * (columns.last - columns.first));
        for (int64_t c = 0; c < channels; ++c)
          to[c] = static_cast<T>(std::clamp<int64_t>(average(sums[c], count), std::numeric_limits<T>::min(),
                                                     std::numeric_limits<T>::max()));
      }
}

} // namespace

void runContract(const isa::HostOp &op, const HostTensor &a, const HostTensor &b, const HostTensor &out) {
  return out.type == isa::ElementType::I8 ? contract<int8_t>(op, a, b, out) : contract<int16_t>(op, a, b, out);
}

void runIntegerAverage(const isa::HostOp &op, const HostTensor &in, const HostTensor &out) {
  return out.type == isa::ElementType::I8 ? averagePool<int8_t>(op, in, out) : averagePool<int16_t>(op, in, out);
}

} // namespace sparseaccel::runtime
