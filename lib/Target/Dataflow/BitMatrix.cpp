//===- BitMatrix.cpp - A contraction as a product of two matrices ---------===//

#include "BitMatrix.h"

#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sparseaccel::dataflow {

namespace {

/// Copies `count` bits to where there are zeros.
void copyBits(const uint64_t *from, int64_t fromOffset, uint64_t *to, int64_t toOffset, int64_t count) {
  while (count > 0) {
    int64_t room = 64 - (toOffset & 63), taken = std::min(count, room);
    to[toOffset >> 6] |= extractBits(from, fromOffset, taken) << (toOffset & 63);
    fromOffset += taken;
    toOffset += taken;
    count -= taken;
  }
}

const char *at(const OperandView &view, int64_t i, int64_t j, int64_t k, int64_t l) {
  int64_t offset = i * view.stride[0] + j * view.stride[1] + k * view.stride[2] + l;
  return static_cast<const char *>(view.data) + offset * int64_t(view.elementBytes);
}

/// Transposes 64 x 64 bits in place: halves, quarters and so on change places.
void transpose64(uint64_t *rows) {
  uint64_t mask = 0x00000000ffffffffull;
  for (int64_t step = 32; step; step >>= 1, mask ^= mask << step)
    for (int64_t i = 0; i < 64; i = (i + step + 1) & ~step) {
      uint64_t swapped = ((rows[i] >> step) ^ rows[i + step]) & mask;
      rows[i] ^= swapped << step;
      rows[i + step] ^= swapped;
    }
}

} // namespace

BitMatrix windowBits(const Contraction &shape, const OperandView &a, int64_t group) {
  BitMatrix matrix(shape.n * shape.p * shape.q, shape.r * shape.s * shape.c);
  int64_t height = a.extent[1], width = a.extent[2], channels = shape.c;
  int64_t padded = width + shape.padLeft + shape.padRight;
  std::vector<uint8_t> bytes(size_t(padded * channels));
  BitMatrix lines(height, padded * channels);
  bool contiguous = width == 1 || a.stride[2] == channels;
  // Where neighbouring positions of a filter row are neighbours in the input, they are copied as one.
  bool merges = shape.s == 1 || shape.dilationW == 1;
  int64_t runs = merges ? 1 : shape.s, run = merges ? shape.s * channels : channels;
  for (int64_t n = 0; n < shape.n; ++n) {
    for (int64_t line = 0; line < height; ++line) {
      uint8_t *to = bytes.data() + shape.padLeft * channels;
      if (contiguous)
        nonzeroBytes(at(a, n, line, 0, group * channels), a.elementBytes, width * channels, to);
      else
        for (int64_t column = 0; column < width; ++column)
          nonzeroBytes(at(a, n, line, column, group * channels), a.elementBytes, channels, to + column * channels);
      packBits(bytes.data(), padded * channels, lines.row(line));
    }
    for (int64_t p = 0; p < shape.p; ++p)
      for (int64_t r = 0; r < shape.r; ++r) {
        int64_t line = p * shape.strideH + r * shape.dilationH - shape.padTop;
        if (line < 0 || line >= height)
          continue;
        for (int64_t q = 0; q < shape.q; ++q)
          for (int64_t s = 0; s < runs; ++s)
            copyBits(lines.row(line), (q * shape.strideW + s * shape.dilationW) * channels,
                     matrix.row((n * shape.p + p) * shape.q + q), (r * shape.s + s) * channels, run);
      }
  }
  return matrix;
}

BitMatrix filterBits(const Contraction &shape, const OperandView &b, int64_t group) {
  BitMatrix matrix(shape.m, shape.r * shape.s * shape.c);
  std::vector<uint8_t> bytes(size_t(matrix.columns));
  for (int64_t m = 0; m < shape.m; ++m) {
    uint8_t *to = bytes.data();
    for (int64_t r = 0; r < shape.r; ++r)
      for (int64_t s = 0; s < shape.s; ++s, to += shape.c)
        nonzeroBytes(at(b, group * shape.m + m, r, s, 0), b.elementBytes, shape.c, to);
    packBits(bytes.data(), matrix.columns, matrix.row(m));
  }
  return matrix;
}

BitMatrix transposed(const BitMatrix &matrix) {
  BitMatrix result(matrix.columns, matrix.rows);
  uint64_t block[64];
  for (int64_t i = 0; i < matrix.rows; i += 64)
    for (int64_t word = 0; word < matrix.words; ++word) {
      int64_t rows = std::min<int64_t>(64, matrix.rows - i);
      for (int64_t k = 0; k < 64; ++k)
        block[k] = k < rows ? matrix.row(i + k)[word] : 0;
      transpose64(block);
      int64_t columns = std::min<int64_t>(64, matrix.columns - word * 64);
      for (int64_t k = 0; k < columns; ++k)
        result.row(word * 64 + k)[i >> 6] = block[k];
    }
  return result;
}

std::vector<int64_t> validWindows(const Contraction &shape) {
  // Windows along one axis for which a tap is no padding.
  auto valid = [](int64_t outputs, int64_t tap, int64_t stride, int64_t dilation, int64_t padLow, int64_t inputs) {
    int64_t offset = tap * dilation - padLow;
    int64_t first = offset >= 0 ? 0 : ceilDiv(-offset, stride);
    int64_t end = inputs - offset <= 0 ? 0 : ceilDiv(inputs - offset, stride);
    return std::max<int64_t>(0, std::min(end, outputs) - first);
  };
  std::vector<int64_t> windows(size_t(shape.r * shape.s * shape.c));
  for (int64_t r = 0; r < shape.r; ++r) {
    int64_t rows = valid(shape.p, r, shape.strideH, shape.dilationH, shape.padTop, shape.inputRows());
    for (int64_t s = 0; s < shape.s; ++s) {
      int64_t columns = valid(shape.q, s, shape.strideW, shape.dilationW, shape.padLeft, shape.inputColumns());
      auto first = windows.begin() + (r * shape.s + s) * shape.c;
      std::fill(first, first + shape.c, shape.n * rows * columns);
    }
  }
  return windows;
}

//===----------------------------------------------------------------------===//
// Walks
//===----------------------------------------------------------------------===//

namespace {

/// Words of `width` positions without a match in the 64 positions of `x`, all of them counted.
int64_t emptyParts(uint64_t x, int64_t width) {
  if (width == 64)
    return x == 0;
  int64_t empty = 0;
  for (int64_t offset = 0; offset < 64; offset += width)
    empty += ((x >> offset) & ((uint64_t(1) << width) - 1)) == 0;
  return empty;
}

/// Words of `width` that lie wholly behind the last position of the last 64.
int64_t partsBeyond(const PairWalk &walk) {
  int64_t words = ceilDiv(walk.columns, 64);
  return walk.width >= 64 ? 0 : words * (64 / walk.width) - ceilDiv(walk.columns, walk.width);
}

#if defined(__x86_64__)

/// All widths of 64 and less compare lanes of that width with zero; 128 joins two words first.
template <int width>
__attribute__((target("avx2"))) int64_t walkPairsAvx2(const PairWalk &walk, const uint64_t *a, const uint64_t *b,
                                                      int64_t lanes, int64_t *longest) {
  const __m256i nibbles = _mm256_set1_epi8(0x0f), zero = _mm256_setzero_si256();
  const __m256i table =
      _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  int64_t words = (walk.columns + 63) / 64, chunkWords = walk.chunk / 64, matches = 0;
  int64_t beyond = partsBeyond(walk);
  for (int64_t lane = 0; lane < lanes; lane += kPairLanes) {
    __m256i total = zero;
    int64_t *best = longest;
    for (int64_t first = 0; first < words; first += chunkWords, ++best) {
      int64_t end = first + chunkWords < words ? first + chunkWords : words;
      __m256i count = zero, empty = zero;
      for (int64_t word = first; word < end;) {
        // Sums of bytes, which hold 31 words of at most 8 bits each; so do the counts of empty words.
        int64_t stop = word + 30 < end ? word + 30 : end;
        __m256i sums = zero, empties = zero;
        for (; word < stop; ++word) {
          __m256i x = _mm256_and_si256(_mm256_set1_epi64x(int64_t(a[word])),
                                       _mm256_loadu_si256(reinterpret_cast<const __m256i *>(b + word * lanes + lane)));
          __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(x, nibbles));
          __m256i high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), nibbles));
          sums = _mm256_add_epi8(sums, _mm256_add_epi8(low, high));
          if constexpr (width == 8) {
            empties = _mm256_sub_epi8(empties, _mm256_cmpeq_epi8(x, zero));
          } else if constexpr (width == 16) {
            empties = _mm256_sub_epi16(empties, _mm256_cmpeq_epi16(x, zero));
          } else if constexpr (width == 32) {
            empties = _mm256_sub_epi32(empties, _mm256_cmpeq_epi32(x, zero));
          } else if constexpr (width == 64) {
            empties = _mm256_sub_epi64(empties, _mm256_cmpeq_epi64(x, zero));
          } else if (word & 1) {
            // The word before holds the first half.
            __m256i half =
                _mm256_and_si256(_mm256_set1_epi64x(int64_t(a[word - 1])),
                                 _mm256_loadu_si256(reinterpret_cast<const __m256i *>(b + (word - 1) * lanes + lane)));
            empties = _mm256_sub_epi64(empties, _mm256_cmpeq_epi64(_mm256_or_si256(x, half), zero));
          } else if (word + 1 == words) {
            empties = _mm256_sub_epi64(empties, _mm256_cmpeq_epi64(x, zero));
          }
        }
        count = _mm256_add_epi64(count, _mm256_sad_epu8(sums, zero));
        // At most 30 in each lane, whatever its width: the other bytes are zero.
        empty = _mm256_add_epi64(empty, _mm256_sad_epu8(empties, zero));
      }
      total = _mm256_add_epi64(total, count);
      alignas(32) int64_t costs[kPairLanes];
      _mm256_store_si256(reinterpret_cast<__m256i *>(costs), _mm256_add_epi64(count, empty));
      for (int64_t cost : costs) {
        cost -= end == words ? beyond : 0;
        *best = cost > *best ? cost : *best;
      }
    }
    alignas(32) int64_t counts[kPairLanes];
    _mm256_store_si256(reinterpret_cast<__m256i *>(counts), total);
    for (int64_t count : counts)
      matches += count;
  }
  return matches;
}

#endif

} // namespace

int64_t walkPairsBaseline(const PairWalk &walk, const uint64_t *a, const uint64_t *b, int64_t lanes, int64_t *longest) {
  int64_t words = ceilDiv(walk.columns, 64), chunkWords = walk.chunk / 64, matches = 0, beyond = partsBeyond(walk);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    int64_t *best = longest;
    for (int64_t first = 0; first < words; first += chunkWords, ++best) {
      int64_t end = std::min(first + chunkWords, words), cost = end == words ? -beyond : 0;
      for (int64_t word = first; word < end; ++word) {
        uint64_t x = a[word] & b[word * lanes + lane];
        int64_t count = std::popcount(x);
        matches += count;
        cost += count;
        if (walk.width <= 64)
          cost += emptyParts(x, walk.width);
        else if (word & 1)
          cost += (x | (a[word - 1] & b[(word - 1) * lanes + lane])) == 0;
        else if (word + 1 == words)
          cost += x == 0;
      }
      *best = std::max(*best, cost);
    }
  }
  return matches;
}

int64_t walkPairs(const PairWalk &walk, const uint64_t *a, const uint64_t *b, int64_t lanes, int64_t *longest) {
#if defined(__x86_64__)
  static const bool hasAvx2 = __builtin_cpu_supports("avx2");
  if (hasAvx2)
    switch (walk.width) {
    case 8:
      return walkPairsAvx2<8>(walk, a, b, lanes, longest);
    case 16:
      return walkPairsAvx2<16>(walk, a, b, lanes, longest);
    case 32:
      return walkPairsAvx2<32>(walk, a, b, lanes, longest);
    case 64:
      return walkPairsAvx2<64>(walk, a, b, lanes, longest);
    case 128:
      return walkPairsAvx2<128>(walk, a, b, lanes, longest);
    default:
      break;
    }
#endif
  return walkPairsBaseline(walk, a, b, lanes, longest);
}

void walkRow(const PairWalk &walk, const uint64_t *row, int64_t *cost) {
  int64_t words = ceilDiv(walk.columns, 64), chunkWords = walk.chunk / 64;
  for (int64_t first = 0; first < words; first += chunkWords, ++cost) {
    int64_t end = std::min(first + chunkWords, words);
    *cost = end == words ? -partsBeyond(walk) : 0;
    for (int64_t word = first; word < end; ++word) {
      *cost += std::popcount(row[word]);
      if (walk.width <= 64)
        *cost += emptyParts(row[word], walk.width);
      else if (word & 1)
        *cost += (row[word] | row[word - 1]) == 0;
      else if (word + 1 == words)
        *cost += row[word] == 0;
    }
  }
}

} // namespace sparseaccel::dataflow
