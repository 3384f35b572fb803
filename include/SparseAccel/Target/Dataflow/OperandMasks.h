//===- OperandMasks.h - Nonzeros of operands, counted fast ------*- C++ -*-===//
//
// What the dataflows share: counts of nonzero operands and of products by what their operands are, and bit-packed masks
// of nonzeros. Nothing here loops over MACs: activations are summed down the columns they share and weights over the
// filters, and the products follow from one multiplication for each (channel, filter row, filter column).
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_DATAFLOW_OPERANDMASKS_H
#define SPARSEACCEL_TARGET_DATAFLOW_OPERANDMASKS_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"
#include "SparseAccel/Target/Dataflow/Support.h"

#include <cstdint>
#include <vector>

namespace sparseaccel::dataflow {

/// Nonzero weights of a view, summed over the filters of a group. Depends on the weights alone: a caller that keeps it
/// for the next CONTRACT with the same weights passes it in Work::weights.
struct WeightSummary {
  std::vector<uint32_t> nonzeros; ///< [g][r][s][c], over m.
  uint64_t total = 0;
};
WeightSummary summarizeWeights(const Contraction &shape, const OperandView &b);

/// How often a nonzero activation meets each filter position, over images and windows; padding counts as zero.
struct ActivationSummary {
  std::vector<uint32_t> nonzeros; ///< [r][s][g*c], over n, p, q.
  uint64_t total = 0;
};
ActivationSummary summarizeActivations(const Contraction &shape, const OperandView &a);

/// Products of a contraction by what their operands are. `dense` includes padding.
struct ProductCounts {
  double dense = 0;
  double nonzeroA = 0;  ///< Products with a nonzero activation.
  double nonzeroB = 0;  ///< Products with a nonzero weight, padding as activation included.
  double effectual = 0; ///< Both are nonzero.
};
ProductCounts countProducts(const Contraction &shape, const OperandView &a, const OperandView &b,
                            const WeightSummary *weights = nullptr);
ProductCounts expectedProducts(const Contraction &shape, const Densities &densities);

/// Products that a multiplier idles for where the zeros of these operands gate it (bits as in Saf::conditionOn).
double gatedProducts(const ProductCounts &products, unsigned conditions);

/// Pairs (p, r) whose input row is no padding; (q, s) for columns.
int64_t validRowPairs(const Contraction &shape);
int64_t validColumnPairs(const Contraction &shape);

/// bytes[i] = values[i] != 0, for `count` integers of `elementBytes`.
void nonzeroBytes(const void *values, unsigned elementBytes, int64_t count, uint8_t *bytes);
/// Packs bytes of 0 and 1 into 64-bit words, least significant bit first; the last word's upper bits are 0.
void packBits(const uint8_t *bytes, int64_t count, uint64_t *words);
/// `bits` (at most 64) bits of a packed mask from bit `offset` on. Reads no word beyond those that hold them.
inline uint64_t extractBits(const uint64_t *words, int64_t offset, int64_t bits) {
  if (bits == 0)
    return 0;
  int64_t word = offset >> 6, shift = offset & 63;
  uint64_t value = words[word] >> shift;
  if (shift + bits > 64)
    value |= words[word + 1] << (64 - shift);
  return bits == 64 ? value : value & ((uint64_t(1) << bits) - 1);
}

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_TARGET_DATAFLOW_OPERANDMASKS_H
