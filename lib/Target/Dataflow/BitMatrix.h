//===- BitMatrix.h - A contraction as a product of two matrices -*- C++ -*-===//
//
// A group of a contraction is a matrix product: each window of activations meets each filter, over R x S x C positions.
// Here are the nonzeros of both sides as bits, one row a window or a filter, positions in the order r, s, c.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_DATAFLOW_BITMATRIX_H
#define SPARSEACCEL_LIB_TARGET_DATAFLOW_BITMATRIX_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"

#include <bit>
#include <cstdint>
#include <vector>

namespace sparseaccel::dataflow {

/// Rows of bits, each in whole words, least significant bit first. Bits beyond the columns are 0.
struct BitMatrix {
  int64_t rows = 0, columns = 0, words = 0; ///< `words` of 64 bits a row.
  std::vector<uint64_t> bits;
  BitMatrix() = default;
  BitMatrix(int64_t rows, int64_t columns)
      : rows(rows), columns(columns), words((columns + 63) / 64), bits(size_t(rows * words)) {}
  uint64_t *row(int64_t i) { return bits.data() + i * words; }
  const uint64_t *row(int64_t i) const { return bits.data() + i * words; }
};

/// [n, p, q][r, s, c]: what each window of a group reads; padding is 0.
BitMatrix windowBits(const Contraction &shape, const OperandView &a, int64_t group);
/// [m][r, s, c]: the filters of a group.
BitMatrix filterBits(const Contraction &shape, const OperandView &b, int64_t group);
BitMatrix transposed(const BitMatrix &matrix);

/// Windows, of a group, in which each position [r, s, c] is no padding.
std::vector<int64_t> validWindows(const Contraction &shape);

inline int64_t countBits(const uint64_t *words, int64_t count) {
  int64_t bits = 0;
  for (int64_t i = 0; i < count; ++i)
    bits += std::popcount(words[i]);
  return bits;
}

/// What walking matches costs where a cycle looks at `width` positions (a power of two from 8 to 128) of both operands
/// and multiplies the first pair of nonzeros that is left among them: a word of `width` positions takes as many cycles
/// as it has matches, and one where it has none.
struct PairWalk {
  int64_t columns = 0; ///< Positions.
  int64_t width = 64;
  int64_t chunk = 64; ///< Positions between two meetings: a multiple of 64 and of `width`.
  int64_t chunks() const { return (columns + chunk - 1) / chunk; }
};

/// Walks `a` against `lanes` rows, which `b` holds side by side: [word][lanes], `lanes` a multiple of kPairLanes;
/// unused ones are 0. Raises longest[i] to the cost of the costliest lane in chunk i, and returns the matches of all
/// lanes.
inline constexpr int64_t kPairLanes = 4;
int64_t walkPairs(const PairWalk &walk, const uint64_t *a, const uint64_t *b, int64_t lanes, int64_t *longest);
/// The same without vector instructions.
int64_t walkPairsBaseline(const PairWalk &walk, const uint64_t *a, const uint64_t *b, int64_t lanes, int64_t *longest);
/// The cost of one row against nothing but ones, chunk by chunk.
void walkRow(const PairWalk &walk, const uint64_t *row, int64_t *cost);

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_LIB_TARGET_DATAFLOW_BITMATRIX_H
