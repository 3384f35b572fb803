//===- AccumulatorBanks.h - Products that meet in a bank --------*- C++ -*-===//
//
// The Cartesian product of some weights and some activations goes to accumulator banks, each of which adds one product
// in a cycle. Here every vector of products is followed: bank conflicts depend on where each product lands.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_DATAFLOW_ACCUMULATORBANKS_H
#define SPARSEACCEL_LIB_TARGET_DATAFLOW_ACCUMULATORBANKS_H

#include "PlanarTiling.h"
#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include <vector>

namespace sparseaccel::dataflow {

/// Output (row, column) of filter k, all counted from the corner of what the accumulators of a sub-tile hold, lies in
/// bank (hashFilter k + hashRow row + hashColumn column) mod banks.
struct BankRule {
  int64_t banks = 1;
  int64_t queueDepth = 0; ///< Products that may wait at a bank while the array issues.
  int64_t hashFilter = 0, hashRow = 0, hashColumn = 0;
};

/// Which operands take a slot: nonzeros, or all where zeros are not skipped.
struct EntryRule {
  bool skipsZeroA = true, skipsZeroB = true;
};

/// Cycles of each processing element in each step (image, group, group of output channels, sub-tile) with bank
/// conflicts. A vector of `activations` entries of a channel and phase, in the order of rows and columns, meets all
/// vectors of `weights` entries, in the order of filters, rows and columns. Channels come in order, phases of one in
/// the order of rows and columns. The array issues in a cycle at whose start no bank has more than queueDepth products
/// waiting; each bank then adds one. A step ends when all queues are empty.
struct ConflictModel {
  const Contraction &shape;
  const PlanarTiling &tiling;
  const PlaneAxis &rows, &columns;
  BankRule rule;
  int64_t activations, weights;

  /// Result: [n][g][group of filters][sub-tile row][sub-tile column].
  std::vector<uint64_t> run(const OperandView &a, const OperandView &b, const EntryRule &entries) const;
};

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_LIB_TARGET_DATAFLOW_ACCUMULATORBANKS_H
