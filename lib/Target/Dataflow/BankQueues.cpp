//===- BankQueues.cpp - Queues of accumulator banks, all at once ----------===//

#include "BankQueues.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sparseaccel::dataflow {

namespace {

template <typename Cell>
void fillRowsBaseline(const BankQueues &queues, const Cell *spots, const uint16_t *offsets, const uint32_t *weights,
                      int64_t count, Cell *rows) {
  int64_t lanes = queues.lanes();
  for (int64_t first = 0; first < count; first += queues.weights, rows += rowCells(queues)) {
    std::fill(rows, rows + lanes, Cell(0));
    for (int64_t k = first; k < std::min(first + queues.weights, count); ++k)
      for (int64_t lane = 0; lane < lanes; ++lane)
        rows[lane] = Cell(rows[lane] + spots[offsets[weights[k]] + lane]);
    std::copy(rows, rows + lanes, rows + lanes);
  }
}

template <typename Cell>
void meetBaseline(const BankQueues &queues, int64_t vectors, const Meeting<Cell> *meetings, int64_t count) {
  int64_t lanes = queues.lanes();
  for (const Meeting<Cell> *meeting = meetings; meeting != meetings + count; ++meeting) {
    Cell *waiting = meeting->waiting;
    for (int64_t vector = 0; vector < vectors; ++vector) {
      Cell longest = 0;
      for (int64_t lane = 0; lane < lanes; ++lane)
        longest = std::max(longest, waiting[lane]);
      Cell stall = longest > queues.depth ? Cell(longest - queues.depth) : Cell(0);
      *meeting->stalls += stall;
      for (int64_t lane = 0; lane < lanes; ++lane)
        waiting[lane] = Cell(waiting[lane] - std::min(waiting[lane], stall));
      for (int64_t i = 0; i < queues.activations; ++i) {
        const Cell *row = meeting->rows[i] + vector * rowCells(queues);
        for (int64_t lane = 0; lane < lanes; ++lane)
          waiting[lane] = Cell(waiting[lane] + row[lane]);
      }
      for (int64_t lane = 0; lane < lanes; ++lane)
        waiting[lane] = Cell(waiting[lane] - std::min(waiting[lane], Cell(1)));
    }
  }
}

#if defined(__x86_64__)

constexpr int64_t kVectorLanes = 32;

__attribute__((target("avx2"))) void fillRowsAvx2(const BankQueues &queues, const uint8_t *spots,
                                                  const uint16_t *offsets, const uint32_t *weights, int64_t count,
                                                  uint8_t *rows) {
  for (int64_t first = 0; first < count; first += queues.weights, rows += 2 * kVectorLanes) {
    int64_t end = first + queues.weights < count ? first + queues.weights : count;
    __m256i sum = _mm256_setzero_si256();
    for (int64_t k = first; k < end; ++k)
      sum = _mm256_add_epi8(sum, _mm256_loadu_si256(reinterpret_cast<const __m256i *>(spots + offsets[weights[k]])));
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(rows), sum);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(rows + kVectorLanes), sum);
  }
}

/// `activations` is 0 where it is not known here. Queues are held as what is left up to 255: then the longest one is a
/// minimum, for which there is an instruction.
template <int side, int activations>
__attribute__((target("avx2"))) void meetAvx2(const BankQueues &queues, int64_t vectors,
                                              const Meeting<uint8_t> *meetings) {
  const __m256i full = _mm256_set1_epi8(-1), one = _mm256_set1_epi8(1);
  const __m128i threshold = _mm_cvtsi32_si128(int(255 - queues.depth)); // In the lowest byte only.
  __m256i room[side];
  __m128i stalls[side];
  for (int i = 0; i < side; ++i) {
    room[i] = _mm256_xor_si256(full, _mm256_loadu_si256(reinterpret_cast<const __m256i *>(meetings[i].waiting)));
    stalls[i] = _mm_setzero_si128();
  }
  for (int64_t cell = 0; cell < vectors * 2 * kVectorLanes; cell += 2 * kVectorLanes) {
#pragma GCC unroll 4
    for (int i = 0; i < side; ++i) {
      auto row = [&](int64_t k) __attribute__((target("avx2"), always_inline)) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(meetings[i].rows[k] + cell));
      };
      __m256i products = row(0);
#pragma GCC unroll 4
      for (int64_t k = 1; k < (activations ? activations : queues.activations); ++k)
        products = _mm256_add_epi8(products, row(k));
      __m128i least = _mm_min_epu8(_mm256_castsi256_si128(room[i]), _mm256_extracti128_si256(room[i], 1));
      least = _mm_minpos_epu16(_mm_min_epu8(least, _mm_srli_epi16(least, 8)));
      __m128i stall = _mm_subs_epu8(threshold, least);
      stalls[i] = _mm_add_epi64(stalls[i], stall);
      room[i] = _mm256_adds_epu8(room[i], _mm256_broadcastb_epi8(stall));
      room[i] = _mm256_adds_epu8(_mm256_sub_epi8(room[i], products), one);
    }
  }
  for (int i = 0; i < side; ++i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(meetings[i].waiting), _mm256_xor_si256(full, room[i]));
    *meetings[i].stalls += uint64_t(_mm_cvtsi128_si64(stalls[i]));
  }
}

template <int activations>
void meetSideBySide(const BankQueues &queues, int64_t vectors, const Meeting<uint8_t> *meetings, int64_t count) {
  switch (count) {
  case 4:
    return meetAvx2<4, activations>(queues, vectors, meetings);
  case 3:
    return meetAvx2<3, activations>(queues, vectors, meetings);
  case 2:
    return meetAvx2<2, activations>(queues, vectors, meetings);
  default:
    return meetAvx2<1, activations>(queues, vectors, meetings);
  }
}

#endif

} // namespace

template <typename Cell>
BankKernel<Cell> baselineBankKernel() {
  return {fillRowsBaseline<Cell>, meetBaseline<Cell>};
}

template <>
BankKernel<uint8_t> bankKernel(const BankQueues &queues) {
#if defined(__x86_64__)
  static const bool hasAvx2 = __builtin_cpu_supports("avx2");
  if (hasAvx2 && queues.lanes() == kVectorLanes)
    return {fillRowsAvx2, queues.activations == 4 ? meetSideBySide<4> : meetSideBySide<0>};
#endif
  return baselineBankKernel<uint8_t>();
}

template <>
BankKernel<uint32_t> bankKernel(const BankQueues &) {
  return baselineBankKernel<uint32_t>();
}

template BankKernel<uint8_t> baselineBankKernel();
template BankKernel<uint32_t> baselineBankKernel();

} // namespace sparseaccel::dataflow
