//===- OperandMasks.cpp - Nonzeros of operands, counted fast --------------===//

#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include <algorithm>
#include <cstring>

namespace sparseaccel::dataflow {

namespace {

template <typename T>
void addNonzeros(const T *values, int64_t count, uint8_t *sums) {
  for (int64_t i = 0; i < count; ++i)
    sums[i] += values[i] != 0;
}

template <typename T>
void toBytes(const T *values, int64_t count, uint8_t *bytes) {
  for (int64_t i = 0; i < count; ++i)
    bytes[i] = values[i] != 0;
}

/// 8-bit sums over at most 255 terms, emptied into 32-bit ones.
constexpr int kMaxByteTerms = 255;

void emptyInto(std::vector<uint8_t> &sums, uint32_t *wide) {
  for (size_t i = 0; i < sums.size(); ++i)
    wide[i] += sums[i];
  std::fill(sums.begin(), sums.end(), 0);
}

template <typename T>
WeightSummary summarizeWeightsOf(const Contraction &shape, const OperandView &b) {
  WeightSummary summary;
  int64_t window = shape.r * shape.s * shape.c;
  summary.nonzeros.assign(shape.g * window, 0);
  bool contiguous = (shape.s == 1 || b.stride[2] == shape.c) && (shape.r == 1 || b.stride[1] == shape.s * shape.c);
  std::vector<uint8_t> sums(window, 0);
  for (int64_t g = 0; g < shape.g; ++g) {
    uint32_t *wide = summary.nonzeros.data() + g * window;
    int terms = 0;
    for (int64_t m = 0; m < shape.m; ++m) {
      if (contiguous) {
        addNonzeros(b.row<T>(g * shape.m + m, 0, 0), window, sums.data());
      } else {
        for (int64_t r = 0; r < shape.r; ++r)
          for (int64_t s = 0; s < shape.s; ++s)
            addNonzeros(b.row<T>(g * shape.m + m, r, s), shape.c, sums.data() + (r * shape.s + s) * shape.c);
      }
      if (++terms == kMaxByteTerms) {
        emptyInto(sums, wide);
        terms = 0;
      }
    }
    emptyInto(sums, wide);
  }
  for (uint32_t nonzeros : summary.nonzeros)
    summary.total += nonzeros;
  return summary;
}

template <typename T>
ActivationSummary summarizeActivationsOf(const Contraction &shape, const OperandView &a) {
  int64_t height = a.extent[1], width = a.extent[2], channels = shape.g * shape.c, rowLength = width * channels;
  ActivationSummary summary;
  summary.nonzeros.assign(shape.r * shape.s * channels, 0);
  // Down the columns first: nonzeros that filter row r meets in each column and channel.
  std::vector<uint8_t> sums(shape.r * rowLength, 0), row(rowLength);
  std::vector<int> terms(shape.r, 0);
  auto empty = [&](int64_t r) {
    uint8_t *from = sums.data() + r * rowLength;
    for (int64_t s = 0; s < shape.s; ++s) {
      uint32_t *to = summary.nonzeros.data() + (r * shape.s + s) * channels;
      for (int64_t q = 0; q < shape.q; ++q) {
        int64_t column = q * shape.strideW + s * shape.dilationW - shape.padLeft;
        if (column < 0 || column >= width)
          continue;
        const uint8_t *pixel = from + column * channels;
        for (int64_t c = 0; c < channels; ++c)
          to[c] += pixel[c];
      }
    }
    std::fill(from, from + rowLength, 0);
    terms[r] = 0;
  };
  bool contiguous = width == 1 || a.stride[2] == channels;
  for (int64_t n = 0; n < shape.n; ++n) {
    for (int64_t line = 0; line < height; ++line) {
      bool haveRow = false;
      for (int64_t r = 0; r < shape.r; ++r) {
        int64_t top = line + shape.padTop - r * shape.dilationH;
        if (top < 0 || top % shape.strideH != 0 || top / shape.strideH >= shape.p)
          continue;
        uint8_t *to = sums.data() + r * rowLength;
        if (shape.r == 1 && contiguous) {
          addNonzeros(a.row<T>(n, line, 0), rowLength, to);
        } else {
          if (!haveRow) {
            if (contiguous)
              toBytes(a.row<T>(n, line, 0), rowLength, row.data());
            else
              for (int64_t column = 0; column < width; ++column)
                toBytes(a.row<T>(n, line, column), channels, row.data() + column * channels);
            haveRow = true;
          }
          const uint8_t *from = row.data();
          for (int64_t i = 0; i < rowLength; ++i)
            to[i] += from[i];
        }
        if (++terms[r] == kMaxByteTerms)
          empty(r);
      }
    }
  }
  for (int64_t r = 0; r < shape.r; ++r)
    if (terms[r] > 0)
      empty(r);
  for (uint32_t nonzeros : summary.nonzeros)
    summary.total += nonzeros;
  return summary;
}

int64_t validPairs(int64_t outputs, int64_t taps, int64_t stride, int64_t dilation, int64_t padLow, int64_t inputs) {
  int64_t pairs = 0;
  for (int64_t tap = 0; tap < taps; ++tap) {
    // 0 <= o * stride + offset < inputs
    int64_t offset = tap * dilation - padLow;
    int64_t first = offset >= 0 ? 0 : ceilDiv(-offset, stride);
    int64_t end = inputs - offset <= 0 ? 0 : ceilDiv(inputs - offset, stride);
    pairs += std::max<int64_t>(0, std::min(end, outputs) - first);
  }
  return pairs;
}

} // namespace

WeightSummary summarizeWeights(const Contraction &shape, const OperandView &b) {
  return b.elementBytes == 1 ? summarizeWeightsOf<uint8_t>(shape, b) : summarizeWeightsOf<uint16_t>(shape, b);
}

ActivationSummary summarizeActivations(const Contraction &shape, const OperandView &a) {
  return a.elementBytes == 1 ? summarizeActivationsOf<uint8_t>(shape, a) : summarizeActivationsOf<uint16_t>(shape, a);
}

ProductCounts countProducts(const Contraction &shape, const OperandView &a, const OperandView &b,
                            const WeightSummary *weights) {
  WeightSummary own;
  if (!weights) {
    own = summarizeWeights(shape, b);
    weights = &own;
  }
  ActivationSummary activations = summarizeActivations(shape, a);
  ProductCounts products;
  products.dense = double(shape.macs());
  products.nonzeroA = double(activations.total) * double(shape.m);
  products.nonzeroB = double(weights->total) * double(shape.n * shape.p * shape.q);
  uint64_t effectual = 0;
  for (int64_t g = 0; g < shape.g; ++g) {
    for (int64_t position = 0; position < shape.r * shape.s; ++position) {
      const uint32_t *w = weights->nonzeros.data() + (g * shape.r * shape.s + position) * shape.c;
      const uint32_t *x = activations.nonzeros.data() + (position * shape.g + g) * shape.c;
      for (int64_t c = 0; c < shape.c; ++c)
        effectual += uint64_t(w[c]) * x[c];
    }
  }
  products.effectual = double(effectual);
  return products;
}

int64_t validRowPairs(const Contraction &shape) {
  return validPairs(shape.p, shape.r, shape.strideH, shape.dilationH, shape.padTop, shape.inputRows());
}

int64_t validColumnPairs(const Contraction &shape) {
  return validPairs(shape.q, shape.s, shape.strideW, shape.dilationW, shape.padLeft, shape.inputColumns());
}

ProductCounts expectedProducts(const Contraction &shape, const Densities &densities) {
  ProductCounts products;
  products.dense = double(shape.macs());
  double valid = double(validRowPairs(shape)) * double(validColumnPairs(shape)) * double(shape.n * shape.g * shape.m) *
                 double(shape.c);
  products.nonzeroA = valid * densities.a;
  products.nonzeroB = products.dense * densities.b;
  products.effectual = valid * densities.a * densities.b;
  return products;
}

double gatedProducts(const ProductCounts &products, unsigned conditions) {
  constexpr unsigned onA = 1, onB = 2;
  switch (conditions & (onA | onB)) {
  case onA:
    return products.dense - products.nonzeroA;
  case onB:
    return products.dense - products.nonzeroB;
  case onA | onB:
    return products.dense - products.effectual;
  default:
    return 0;
  }
}

void nonzeroBytes(const void *values, unsigned elementBytes, int64_t count, uint8_t *bytes) {
  if (elementBytes == 1)
    toBytes(static_cast<const uint8_t *>(values), count, bytes);
  else
    toBytes(static_cast<const uint16_t *>(values), count, bytes);
}

void packBits(const uint8_t *bytes, int64_t count, uint64_t *words) {
  int64_t i = 0;
  for (int64_t word = 0; i < count; ++word) {
    uint64_t bits = 0;
    int64_t end = std::min<int64_t>(count - i, 64);
    int64_t j = 0;
    // Eight bytes of 0 or 1 at a time: the multiplication gathers them in the top byte, the first one lowest.
    for (; j + 8 <= end; j += 8) {
      uint64_t eight = 0;
      for (int k = 0; k < 8; ++k)
        eight |= uint64_t(bytes[i + j + k]) << (8 * k);
      bits |= ((eight * 0x0102040810204080ull) >> 56) << j;
    }
    for (; j < end; ++j)
      bits |= uint64_t(bytes[i + j]) << j;
    words[word] = bits;
    i += end;
  }
}

} // namespace sparseaccel::dataflow
