//===- KernelsImpl.cpp - Kernels, compiled once per instruction set -------===//
//
// Contractions are direct convolutions on NHWC data: a register block holds the sums of a few output pixels times two
// vectors of channels, and every step broadcasts a pair of activations against two vectors of weight pairs (multiply
// 16-bit pairs, add to 32 bits: pmaddwd, or vpdpwssd where there is one).
//
//  - 8-bit weights: the two vectors are different channels; 32-bit sums are exact because the compiler proves that the
//  layer's sums fit.
//  - 16-bit weights are split as w = 256 * high + low with low in [0, 255]: the two vectors are low and high of the
//  same channels. |a * low| < 2^23, so 256
//    products stay below 2^31; after at most that many the block is added to 64-bit sums. Exact for every operand.
//
// A few output pixels use each weight too seldom to pay for that layout: dot products take the weights as they lie, row
// by row, and the activations are split instead.
//
//===----------------------------------------------------------------------===//

#include "KernelTable.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifndef SPARSEACCEL_KERNELS
#error "SPARSEACCEL_KERNELS names the namespace of this copy: baseline, avx2 or avx512"
#endif

namespace sparseaccel::sim::kernels::SPARSEACCEL_KERNELS {
namespace {

//===----------------------------------------------------------------------===//
// Vectors of 32-bit lanes, each of which may also be a pair of 16-bit values
//===----------------------------------------------------------------------===//

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
using Vector = __m512i;
constexpr int kLanes = 16, kPixels = 14;
inline Vector zero() { return _mm512_setzero_si512(); }
inline Vector load(const void *p) { return _mm512_loadu_si512(p); }
inline void store(void *p, Vector v) { _mm512_storeu_si512(p, v); }
inline Vector add(Vector x, Vector y) { return _mm512_add_epi32(x, y); }
inline Vector broadcastPair(const int16_t *p) {
  int32_t pair;
  __builtin_memcpy(&pair, p, sizeof(pair));
  return _mm512_set1_epi32(pair);
}
inline Vector dot(Vector sum, Vector x, Vector y) { return _mm512_dpwssd_epi32(sum, x, y); }
inline Vector loadSigned(const int8_t *p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)));
}
#elif defined(__AVX2__)
using Vector = __m256i;
constexpr int kLanes = 8, kPixels = 6;
inline Vector zero() { return _mm256_setzero_si256(); }
inline Vector load(const void *p) { return _mm256_loadu_si256(static_cast<const Vector *>(p)); }
inline void store(void *p, Vector v) { _mm256_storeu_si256(static_cast<Vector *>(p), v); }
inline Vector add(Vector x, Vector y) { return _mm256_add_epi32(x, y); }
inline Vector broadcastPair(const int16_t *p) {
  int32_t pair;
  __builtin_memcpy(&pair, p, sizeof(pair));
  return _mm256_set1_epi32(pair);
}
inline Vector dot(Vector sum, Vector x, Vector y) { return add(sum, _mm256_madd_epi16(x, y)); }
inline Vector loadSigned(const int8_t *p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p)));
}
#elif defined(__SSE2__)
using Vector = __m128i;
constexpr int kLanes = 4, kPixels = 6;
inline Vector zero() { return _mm_setzero_si128(); }
inline Vector load(const void *p) { return _mm_loadu_si128(static_cast<const Vector *>(p)); }
inline void store(void *p, Vector v) { _mm_storeu_si128(static_cast<Vector *>(p), v); }
inline Vector add(Vector x, Vector y) { return _mm_add_epi32(x, y); }
inline Vector broadcastPair(const int16_t *p) {
  int32_t pair;
  __builtin_memcpy(&pair, p, sizeof(pair));
  return _mm_set1_epi32(pair);
}
inline Vector dot(Vector sum, Vector x, Vector y) { return add(sum, _mm_madd_epi16(x, y)); }
inline Vector loadSigned(const int8_t *p) {
  Vector bytes = _mm_loadl_epi64(reinterpret_cast<const Vector *>(p));
  return _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
}
#else
constexpr int kLanes = 4, kPixels = 4;
struct Vector {
  int32_t lane[kLanes];
};
inline Vector zero() { return {}; }
inline Vector load(const void *p) {
  Vector v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
inline void store(void *p, Vector v) { __builtin_memcpy(p, &v, sizeof(v)); }
inline Vector add(Vector x, Vector y) {
  for (int i = 0; i < kLanes; ++i)
    x.lane[i] += y.lane[i];
  return x;
}
inline Vector broadcastPair(const int16_t *p) {
  Vector v;
  for (int i = 0; i < kLanes; ++i)
    __builtin_memcpy(&v.lane[i], p, sizeof(int32_t));
  return v;
}
inline Vector dot(Vector sum, Vector x, Vector y) {
  for (int i = 0; i < kLanes; ++i) {
    int16_t a[2], b[2];
    __builtin_memcpy(a, &x.lane[i], sizeof(a));
    __builtin_memcpy(b, &y.lane[i], sizeof(b));
    sum.lane[i] += int32_t(a[0]) * b[0] + int32_t(a[1]) * b[1];
  }
  return sum;
}
inline Vector loadSigned(const int8_t *p) {
  int16_t values[2 * kLanes];
  for (int i = 0; i < 2 * kLanes; ++i)
    values[i] = p[i];
  return load(values);
}
#endif
inline Vector loadSigned(const int16_t *p) { return load(p); } // 2 * kLanes values, of 8 or 16 bits, as 16-bit pairs.

/// 32-bit products of 16 x 8 bits that may be added up before they can leave 32 bits, in pairs.
constexpr int64_t kPairsPerFlush = 128;

//===----------------------------------------------------------------------===//
// Contraction
//===----------------------------------------------------------------------===//

/// Where the sums of a register block go.
struct Destination {
  void *o;        ///< Of the block's first pixel and channel.
  int64_t stride; ///< Elements between pixels.
  int channels;   ///< That exist; at most those of a block.
  SumMode mode;
  const int64_t *bias; ///< Of the block's first channel.
};

/// sums[lane] = start + low[lane] + 256 * high[lane].
inline void flushWide(int64_t *o, const int64_t *bias, SumMode mode, Vector low, Vector high) {
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
  __m512i s0 = _mm512_add_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(low)),
                                _mm512_slli_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(high)), 8));
  __m512i s1 = _mm512_add_epi64(_mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(low, 1)),
                                _mm512_slli_epi64(_mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(high, 1)), 8));
  if (mode != SumClear) {
    const int64_t *start = mode == SumBias ? bias : o;
    s0 = _mm512_add_epi64(s0, _mm512_loadu_si512(start));
    s1 = _mm512_add_epi64(s1, _mm512_loadu_si512(start + 8));
  }
  _mm512_storeu_si512(o, s0);
  _mm512_storeu_si512(o + 8, s1);
#else
  int32_t lows[kLanes], highs[kLanes];
  store(lows, low);
  store(highs, high);
  if (mode == SumClear) {
    for (int i = 0; i < kLanes; ++i)
      o[i] = lows[i] + int64_t(highs[i]) * 256;
  } else {
    const int64_t *start = mode == SumBias ? bias : o;
    for (int i = 0; i < kLanes; ++i)
      o[i] = start[i] + lows[i] + int64_t(highs[i]) * 256;
  }
#endif
}

inline void flushNarrow(int32_t *o, const int64_t *bias, SumMode mode, Vector sum) {
  if (mode == SumBias) {
    int32_t start[kLanes];
    for (int i = 0; i < kLanes; ++i)
      start[i] = int32_t(bias[i]);
    sum = add(sum, load(start));
  } else if (mode == SumAccumulate) {
    sum = add(sum, load(o));
  }
  store(o, sum);
}

template <bool Wide>
constexpr int kBlockChannels = Wide ? kLanes : 2 * kLanes;

template <bool Wide, int Pixels>
inline void flushAll(Vector (&sums)[Pixels][2], const Destination &to, SumMode mode) {
  constexpr int full = kBlockChannels<Wide>;
  if (__builtin_expect(to.channels == full, 1)) {
    for (int j = 0; j < Pixels; ++j) {
      if constexpr (Wide) {
        flushWide(static_cast<int64_t *>(to.o) + j * to.stride, to.bias, mode, sums[j][0], sums[j][1]);
      } else {
        int32_t *o = static_cast<int32_t *>(to.o) + j * to.stride;
        flushNarrow(o, to.bias, mode, sums[j][0]);
        flushNarrow(o + kLanes, to.bias + (mode == SumBias ? kLanes : 0), mode, sums[j][1]);
      }
    }
    return;
  }
  for (int j = 0; j < Pixels; ++j) {
    int32_t first[kLanes], second[kLanes];
    store(first, sums[j][0]);
    store(second, sums[j][1]);
    for (int i = 0; i < to.channels; ++i) {
      if constexpr (Wide) {
        int64_t *o = static_cast<int64_t *>(to.o) + j * to.stride + i;
        int64_t start = mode == SumClear ? 0 : mode == SumBias ? to.bias[i] : *o;
        *o = start + first[i] + int64_t(second[i]) * 256;
      } else {
        int32_t *o = static_cast<int32_t *>(to.o) + j * to.stride + i;
        int64_t start = mode == SumClear ? 0 : mode == SumBias ? to.bias[i] : *o;
        *o = int32_t(start + (i < kLanes ? first[i] : second[i - kLanes]));
      }
    }
  }
}

/// The reduction: `rows` x `columns` segments of `pairs` pairs of contiguous activations.
struct Reduction {
  int64_t rows, columns, rowStride, columnStride, pairs;
};

template <bool Wide, int Pixels>
void block(const int16_t *a, int64_t pixelStride, const Reduction &reduction, const int16_t *w, const Destination &to) {
  // A lone pixel would wait for its own sums: give it several sets of them.
  constexpr int sets = Pixels == 1 ? 4 : Pixels == 2 ? 2 : 1;
  constexpr int used = Pixels * sets;
  Vector sums[used][2];
#pragma GCC unroll 16
  for (int j = 0; j < used; ++j)
    sums[j][0] = sums[j][1] = zero();
  SumMode mode = to.mode;
  auto flush = [&] {
    Vector total[Pixels][2];
#pragma GCC unroll 16
    for (int j = 0; j < Pixels; ++j) {
      total[j][0] = sums[j][0];
      total[j][1] = sums[j][1];
      for (int set = 1; set < sets; ++set) {
        total[j][0] = add(total[j][0], sums[set * Pixels + j][0]);
        total[j][1] = add(total[j][1], sums[set * Pixels + j][1]);
      }
    }
    flushAll<Wide, Pixels>(total, to, mode);
    mode = SumAccumulate;
  };
  int64_t left = kPairsPerFlush;
  for (int64_t row = 0; row < reduction.rows; ++row) {
    for (int64_t column = 0; column < reduction.columns; ++column) {
      const int16_t *x = a + row * reduction.rowStride + column * reduction.columnStride;
      for (int64_t pair = 0; pair < reduction.pairs;) {
        int64_t count = reduction.pairs - pair;
        if constexpr (Wide) {
          if (left == 0) {
            flush();
#pragma GCC unroll 16
            for (int j = 0; j < used; ++j)
              sums[j][0] = sums[j][1] = zero();
            left = kPairsPerFlush;
          }
          count = count < left ? count : left;
          left -= count;
        }
        pair += count;
        auto step = [&](int set) __attribute__((always_inline)) {
          Vector w0 = load(w), w1 = load(w + 2 * kLanes);
          // Three pixels share a pointer: the others are reached by an index register and its double.
#pragma GCC unroll 16
          for (int j = 0; j < Pixels; ++j) {
            Vector v = broadcastPair(x + (j / 3) * (3 * pixelStride) + (j % 3) * pixelStride);
            sums[set * Pixels + j][0] = dot(sums[set * Pixels + j][0], v, w0);
            sums[set * Pixels + j][1] = dot(sums[set * Pixels + j][1], v, w1);
          }
          x += 2;
          w += 4 * kLanes;
        };
        if constexpr (sets > 1) {
          for (; count >= sets; count -= sets) {
#pragma GCC unroll 4
            for (int set = 0; set < sets; ++set)
              step(set);
          }
        }
        for (; count > 0; --count)
          step(0);
      }
    }
  }
  flush();
}

using BlockFunction = void (*)(const int16_t *, int64_t, const Reduction &, const int16_t *, const Destination &);

template <bool Wide>
BlockFunction blockOf(int64_t pixels) {
  switch (pixels) {
  case 1:
    return block<Wide, 1>;
  case 2:
    return block<Wide, 2>;
  case 3:
    return block<Wide, 3>;
  case 4:
    return block<Wide, 4>;
#if defined(__SSE2__)
  case 5:
    return block<Wide, 5>;
  case 6:
    return block<Wide, 6>;
#endif
#if defined(__AVX512VNNI__)
  case 7:
    return block<Wide, 7>;
  case 8:
    return block<Wide, 8>;
  case 9:
    return block<Wide, 9>;
  case 10:
    return block<Wide, 10>;
  case 11:
    return block<Wide, 11>;
  case 12:
    return block<Wide, 12>;
  case 13:
    return block<Wide, 13>;
  case 14:
    return block<Wide, 14>;
#endif
  }
  __builtin_unreachable();
}

struct Dimension {
  int64_t extent, a, o;
};

template <bool Wide>
void contractBlocks(const ContractTile &tile) {
  constexpr int channels = kBlockChannels<Wide>;
  constexpr int64_t sumBytes = Wide ? 8 : 4;
  bool merged = mergesColumns(tile.g, tile.s, tile.dilationW);
  Reduction reduction;
  reduction.rows = tile.r;
  reduction.rowStride = tile.dilationH * tile.aH;
  reduction.columns = merged ? 1 : tile.s;
  reduction.columnStride = tile.dilationW * tile.aW;
  reduction.pairs = ((merged ? tile.s * tile.c : tile.c) + 1) / 2;
  int64_t blockElements = reduction.rows * reduction.columns * reduction.pairs * 4 * kLanes;

  // Pixels in as few and as long rows as the strides allow.
  Dimension all[3] = {
      {tile.n, tile.aN, tile.oN}, {tile.p, tile.strideH * tile.aH, tile.oP}, {tile.q, tile.strideW * tile.aW, tile.oQ}};
  Dimension dims[3] = {{1, 0, 0}, {1, 0, 0}, {1, 0, 0}};
  int last = 3;
  for (int i = 2; i >= 0; --i) {
    if (all[i].extent == 1)
      continue;
    if (last < 3 && all[i].a == dims[last].a * dims[last].extent && all[i].o == dims[last].o * dims[last].extent)
      dims[last].extent *= all[i].extent;
    else
      dims[--last] = all[i];
  }
  // dims[2] is filled first and is the innermost.
  const Dimension &row = dims[2];
  int64_t blocks = (row.extent + kPixels - 1) / kPixels;
  int64_t size = row.extent / blocks, longer = row.extent % blocks;
  BlockFunction shortBlock = blockOf<Wide>(size), longBlock = blockOf<Wide>(longer ? size + 1 : size);

  const int16_t *w = tile.w;
  for (int64_t group = 0; group < tile.g; ++group) {
    for (int64_t m = 0; m < tile.m; m += channels, w += blockElements) {
      Destination to;
      int64_t channel = group * tile.m + m;
      to.stride = row.o;
      to.channels = int(tile.m - m < channels ? tile.m - m : channels);
      to.mode = tile.mode;
      to.bias = tile.bias ? tile.bias + channel : nullptr;
      for (int64_t i = 0; i < dims[0].extent; ++i) {
        for (int64_t j = 0; j < dims[1].extent; ++j) {
          const int16_t *a = tile.a + i * dims[0].a + j * dims[1].a + group * tile.c;
          char *o = static_cast<char *>(tile.o) + (i * dims[0].o + j * dims[1].o + channel) * sumBytes;
          for (int64_t b = 0; b < blocks; ++b) {
            int64_t pixels = b < longer ? size + 1 : size;
            to.o = o;
            (b < longer ? longBlock : shortBlock)(a, row.a, reduction, w, to);
            a += pixels * row.a;
            o += pixels * row.o * sumBytes;
          }
        }
      }
    }
  }
}

void contract(const ContractTile &tile) {
  if (tile.wide)
    contractBlocks<true>(tile);
  else
    contractBlocks<false>(tile);
}

//===----------------------------------------------------------------------===//
// Rows times vectors
//===----------------------------------------------------------------------===//

/// The sum of all lanes. Those of a narrow sum may leave 32 bits on the way: the total is the one modulo 2^32.
inline int64_t total(Vector sum) {
  int32_t lanes[kLanes];
  store(lanes, sum);
  int64_t total = 0;
  for (int i = 0; i < kLanes; ++i)
    total += lanes[i];
  return total;
}

/// `Rows` rows, the first of which is `row`, by all vectors: each vector of weights is loaded once.
template <typename T, int Rows, int Vectors>
void rowBlock(const RowProducts &products, int64_t row) {
  constexpr bool wide = sizeof(T) == 2;
  constexpr int parts = wide ? 2 : 1;
  constexpr int64_t step = 2 * kLanes, chunk = wide ? kPairsPerFlush * step : INT64_MAX;
  const T *w = static_cast<const T *>(products.w) + row * products.rowStride;
  int64_t length = products.length, whole = length / step * step;
  int64_t sums[Rows][Vectors] = {};
  for (int64_t k = 0; k < whole;) {
    Vector lanes[Rows][Vectors][parts];
#pragma GCC unroll 4
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v)
#pragma GCC unroll 2
        for (int part = 0; part < parts; ++part)
          lanes[i][v][part] = zero();
    int64_t end = whole - k < chunk ? whole : k + chunk;
    for (; k < end; k += step) {
      Vector weights[Rows];
#pragma GCC unroll 4
      for (int i = 0; i < Rows; ++i)
        weights[i] = loadSigned(w + i * products.rowStride + k);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v)
#pragma GCC unroll 2
        for (int part = 0; part < parts; ++part) {
          Vector x = load(products.x + (v * parts + part) * products.xStride + k);
#pragma GCC unroll 4
          for (int i = 0; i < Rows; ++i)
            lanes[i][v][part] = dot(lanes[i][v][part], weights[i], x);
        }
    }
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors; ++v)
        for (int part = 0; part < parts; ++part)
          sums[i][v] += total(lanes[i][v][part]) * (part ? 256 : 1);
  }
  for (int i = 0; i < Rows; ++i)
    for (int v = 0; v < Vectors; ++v) {
      const int16_t *x = products.x + v * parts * products.xStride;
      int64_t sum = sums[i][v];
      for (int64_t k = whole; k < length; ++k)
        sum += int64_t(w[i * products.rowStride + k]) * (wide ? x[k] + 256 * x[products.xStride + k] : x[k]);
      int64_t at = v * products.oStride + row + i;
      if (products.mode == SumBias)
        sum += products.bias[row + i];
      if constexpr (wide) {
        int64_t *o = static_cast<int64_t *>(products.o) + at;
        *o = products.mode == SumAccumulate ? *o + sum : sum;
      } else {
        int32_t *o = static_cast<int32_t *>(products.o) + at;
        *o = int32_t(products.mode == SumAccumulate ? *o + sum : sum);
      }
    }
}

/// As many rows at a time as make four products of a row with a vector: enough sums to wait for none, and for which
/// there are registers.
template <typename T, int Vectors>
void rowBlocks(const RowProducts &products) {
  constexpr int rows = 4 / Vectors;
  int64_t row = 0;
  for (; row + rows <= products.rows; row += rows)
    rowBlock<T, rows, Vectors>(products, row);
  for (; row < products.rows; ++row)
    rowBlock<T, 1, Vectors>(products, row);
}

template <typename T>
void multiplyRowsOf(const RowProducts &products) {
  switch (products.vectors) {
  case 1:
    return rowBlocks<T, 1>(products);
  case 2:
    return rowBlocks<T, 2>(products);
  case 4:
    return rowBlocks<T, 4>(products);
  }
  __builtin_unreachable();
}

void multiplyRows(const RowProducts &products) {
  if (products.bytes == 1)
    multiplyRowsOf<int8_t>(products);
  else
    multiplyRowsOf<int16_t>(products);
}

//===----------------------------------------------------------------------===//
// Packing, depthwise convolution
//===----------------------------------------------------------------------===//

int64_t packedElements(int64_t g, int64_t m, int64_t segments, int64_t run, bool wide) {
  int64_t channels = wide ? kBlockChannels<true> : kBlockChannels<false>;
  return g * ((m + channels - 1) / channels) * segments * ((run + 1) / 2) * 4 * kLanes;
}

template <typename T>
void pack(const T *w, int64_t g, int64_t m, int64_t segments, int64_t run, bool wide, int16_t *out) {
  int64_t channels = wide ? kBlockChannels<true> : kBlockChannels<false>;
  for (int64_t group = 0; group < g; ++group)
    for (int64_t first = 0; first < m; first += channels)
      for (int64_t segment = 0; segment < segments; ++segment)
        for (int64_t k = 0; k < run; k += 2)
          for (int64_t vector = 0; vector < 2; ++vector)
            for (int64_t lane = 0; lane < kLanes; ++lane)
              for (int64_t half = 0; half < 2; ++half) {
                int64_t channel = first + lane + (wide ? 0 : vector * kLanes);
                int value = channel < m && k + half < run
                                ? w[((group * m + channel) * segments + segment) * run + k + half]
                                : 0;
                *out++ = int16_t(!wide ? value : vector == 0 ? value & 255 : value >> 8);
              }
}

void packWeights(const void *w, int32_t bytes, int64_t g, int64_t m, int64_t segments, int64_t run, bool wide,
                 int16_t *out) {
  if (bytes == 1)
    pack(static_cast<const int8_t *>(w), g, m, segments, run, wide, out);
  else
    pack(static_cast<const int16_t *>(w), g, m, segments, run, wide, out);
}

template <typename Sum>
void depthwiseTile(const ContractTile &tile) {
  constexpr int64_t size = 64;
  for (int64_t n = 0; n < tile.n; ++n)
    for (int64_t p = 0; p < tile.p; ++p)
      for (int64_t q = 0; q < tile.q; ++q) {
        const int16_t *a = tile.a + n * tile.aN + p * tile.strideH * tile.aH + q * tile.strideW * tile.aW;
        Sum *o = static_cast<Sum *>(tile.o) + n * tile.oN + p * tile.oP + q * tile.oQ;
        for (int64_t first = 0; first < tile.g; first += size) {
          int64_t count = tile.g - first < size ? tile.g - first : size;
          Sum sums[size] = {};
          if (tile.mode == SumBias)
            for (int64_t i = 0; i < count; ++i)
              sums[i] = Sum(tile.bias[first + i]);
          else if (tile.mode == SumAccumulate)
            for (int64_t i = 0; i < count; ++i)
              sums[i] = o[first + i];
          for (int64_t r = 0; r < tile.r; ++r)
            for (int64_t s = 0; s < tile.s; ++s) {
              const int16_t *x = a + r * tile.dilationH * tile.aH + s * tile.dilationW * tile.aW + first;
              const int16_t *w = tile.w + (r * tile.s + s) * tile.g + first;
              if (count == size) {
                for (int64_t i = 0; i < size; ++i)
                  sums[i] += int32_t(x[i]) * w[i];
              } else {
                for (int64_t i = 0; i < count; ++i)
                  sums[i] += int32_t(x[i]) * w[i];
              }
            }
          for (int64_t i = 0; i < count; ++i)
            o[first + i] = sums[i];
        }
      }
}

void depthwise(const ContractTile &tile) {
  if (tile.wide)
    depthwiseTile<int64_t>(tile);
  else
    depthwiseTile<int32_t>(tile);
}

void widen(const void *in, int32_t bytes, int64_t count, int16_t *out) {
  if (bytes == 2) {
    __builtin_memcpy(out, in, size_t(count) * 2);
    return;
  }
  const int8_t *from = static_cast<const int8_t *>(in);
  for (int64_t i = 0; i < count; ++i)
    out[i] = from[i];
}

template <typename Sum>
double widestOf(const Sum *sums, int64_t count) {
  Sum low = 0, high = 0;
  for (int64_t i = 0; i < count; ++i) {
    low = sums[i] < low ? sums[i] : low;
    high = sums[i] > high ? sums[i] : high;
  }
  double below = -double(low), above = double(high);
  return below > above ? below : above;
}

double widest(const void *sums, bool wide, int64_t count) {
  return wide ? widestOf(static_cast<const int64_t *>(sums), count)
              : widestOf(static_cast<const int32_t *>(sums), count);
}

//===----------------------------------------------------------------------===//
// Vector unit
//===----------------------------------------------------------------------===//

inline int32_t clampTo(int32_t x, int32_t low, int32_t high) {
  x = x > low ? x : low;
  return x < high ? x : high;
}

/// In 64 bits that wrap, as the reference computes.
inline int32_t scaled(int64_t x, int64_t multiplier, int64_t round, int64_t shift) {
  return int32_t(int64_t(uint64_t(x) * uint64_t(multiplier) + uint64_t(round)) >> shift);
}

template <typename A, typename O>
void rescaleAs(const RescaleRows &rows) {
  const Scale &scale = rows.scale;
  for (int64_t row = 0; row < rows.rows; ++row) {
    const A *__restrict a = static_cast<const A *>(rows.a) + row * rows.aStride;
    O *__restrict o = static_cast<O *>(rows.o) + row * rows.oStride;
    const int64_t *multiplier = scale.multiplier, *round = scale.round, *shift = scale.shift;
    int32_t low = scale.min, high = scale.max;
    for (int64_t i = 0; i < rows.channels; ++i)
      o[i] = O(clampTo(scaled(a[i], multiplier[i], round[i], shift[i]), low, high));
  }
}

template <typename A>
void rescaleFrom(const RescaleRows &rows) {
  if (rows.oType == ValueI8)
    rescaleAs<A, int8_t>(rows);
  else
    rescaleAs<A, int16_t>(rows);
}

void rescale(const RescaleRows &rows) {
  switch (rows.aType) {
  case ValueI8:
    return rescaleFrom<int8_t>(rows);
  case ValueI16:
    return rescaleFrom<int16_t>(rows);
  case ValueI32:
    return rescaleFrom<int32_t>(rows);
  case ValueI64:
    return rescaleFrom<int64_t>(rows);
  }
}

template <typename T, BinaryKind Kind>
void binaryAs(const BinaryRows &rows) {
  const T *a = static_cast<const T *>(rows.a), *b = static_cast<const T *>(rows.b);
  T *o = static_cast<T *>(rows.o);
  // A shift by 0 of x * 1 + 0 is x.
  int64_t aMultiplier = rows.aMultiplier ? rows.aMultiplier : 1, aShift = rows.aMultiplier ? rows.aShift : 0;
  int64_t bMultiplier = rows.bMultiplier ? rows.bMultiplier : 1, bShift = rows.bMultiplier ? rows.bShift : 0;
  int64_t multiplier = rows.multiplier ? rows.multiplier : 1, shift = rows.multiplier ? rows.shift : 0;
  int64_t aRound = aShift ? int64_t(1) << (aShift - 1) : 0, bRound = bShift ? int64_t(1) << (bShift - 1) : 0;
  int64_t round = shift ? int64_t(1) << (shift - 1) : 0;
  int32_t low = rows.min, high = rows.max;
  for (int64_t i = 0; i < rows.count; ++i) {
    int32_t x = scaled(a[i], aMultiplier, aRound, aShift), y = scaled(b[i], bMultiplier, bRound, bShift), z;
    if constexpr (Kind == BinaryAdd)
      z = int32_t(uint32_t(x) + uint32_t(y));
    else if constexpr (Kind == BinarySub)
      z = int32_t(uint32_t(x) - uint32_t(y));
    else if constexpr (Kind == BinaryMul)
      z = int32_t(uint32_t(x) * uint32_t(y));
    else if constexpr (Kind == BinaryMax)
      z = x > y ? x : y;
    else
      z = x < y ? x : y;
    o[i] = T(clampTo(scaled(z, multiplier, round, shift), low, high));
  }
}

template <typename T>
void binaryOf(const BinaryRows &rows) {
  switch (rows.kind) {
  case BinaryAdd:
    return binaryAs<T, BinaryAdd>(rows);
  case BinarySub:
    return binaryAs<T, BinarySub>(rows);
  case BinaryMul:
    return binaryAs<T, BinaryMul>(rows);
  case BinaryMax:
    return binaryAs<T, BinaryMax>(rows);
  case BinaryMin:
    return binaryAs<T, BinaryMin>(rows);
  }
}

void binary(const BinaryRows &rows) {
  if (rows.type == ValueI8)
    binaryOf<int8_t>(rows);
  else
    binaryOf<int16_t>(rows);
}

/// The division of TOSA's avg_pool2d: multiply by the reciprocal of the number of positions, rounded once.
inline int32_t average(int32_t sum, int64_t count) {
  int64_t k = count > 1 ? 64 - __builtin_clzll(uint64_t(count - 1)) : 0;
  int64_t multiplier = int32_t((uint64_t(1073741825) << k) / uint64_t(count));
  int64_t shift = 30 + k;
  return scaled(sum, multiplier, int64_t(1) << (shift - 1), shift);
}

template <typename T>
void poolAs(const PoolTile &tile) {
  constexpr int64_t size = 64;
  for (int64_t p = 0; p < tile.p; ++p)
    for (int64_t q = 0; q < tile.q; ++q) {
      int64_t row0 = p * tile.strideH - tile.padTop, column0 = q * tile.strideW - tile.padLeft;
      int64_t row1 = row0 + tile.r < tile.rows ? row0 + tile.r : tile.rows;
      int64_t column1 = column0 + tile.s < tile.columns ? column0 + tile.s : tile.columns;
      row0 = row0 > 0 ? row0 : 0;
      column0 = column0 > 0 ? column0 : 0;
      int64_t rows = row1 > row0 ? row1 - row0 : 1, columns = column1 > column0 ? column1 - column0 : 1;
      T *o = static_cast<T *>(tile.o) + p * tile.oP + q * tile.oQ;
      for (int64_t first = 0; first < tile.channels; first += size) {
        int64_t count = tile.channels - first < size ? tile.channels - first : size;
        int32_t values[size];
        T highest[size];
        for (int64_t i = 0; i < size; ++i) {
          values[i] = 0;
          highest[i] = T(sizeof(T) == 1 ? -128 : -32768);
        }
        for (int64_t row = row0; row < row1; ++row)
          for (int64_t column = column0; column < column1; ++column) {
            const T *a = static_cast<const T *>(tile.a) + row * tile.aH + column * tile.aW + first;
            if (tile.average)
              for (int64_t i = 0; i < count; ++i)
                values[i] += a[i];
            else if (count == size)
              for (int64_t i = 0; i < size; ++i)
                highest[i] = a[i] > highest[i] ? a[i] : highest[i];
            else
              for (int64_t i = 0; i < count; ++i)
                highest[i] = a[i] > highest[i] ? a[i] : highest[i];
          }
        if (tile.average)
          for (int64_t i = 0; i < count; ++i)
            o[first + i] = T(clampTo(average(values[i], rows * columns), tile.min, tile.max));
        else
          for (int64_t i = 0; i < count; ++i)
            o[first + i] = T(clampTo(highest[i], tile.min, tile.max));
      }
    }
}

void pool(const PoolTile &tile) {
  if (tile.type == ValueI8)
    poolAs<int8_t>(tile);
  else
    poolAs<int16_t>(tile);
}

} // namespace

#define SPARSEACCEL_TEXT_(X) #X
#define SPARSEACCEL_TEXT(X) SPARSEACCEL_TEXT_(X)
extern const KernelTable kTable = {SPARSEACCEL_TEXT(SPARSEACCEL_KERNELS),
                                   kLanes,
                                   kPixels,
                                   packedElements,
                                   packWeights,
                                   contract,
                                   multiplyRows,
                                   depthwise,
                                   widen,
                                   rescale,
                                   binary,
                                   pool,
                                   widest};

} // namespace sparseaccel::sim::kernels::SPARSEACCEL_KERNELS
