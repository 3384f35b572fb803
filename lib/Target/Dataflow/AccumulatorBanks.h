//===- AccumulatorBanks.h - Products that meet in a bank --------*- C++ -*-===//
//
// The Cartesian product of some weights and some activations goes to accumulator banks, each of which adds one product
// in a cycle. Products are enumerated here: bank conflicts depend on where each one lands.
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
class ConflictModel {
public:
  ConflictModel(const Contraction &shape, const PlanarTiling &tiling, const PlaneAxis &rows, const PlaneAxis &columns,
                const BankRule &rule, int64_t activations, int64_t weights)
      : shape(shape), tiling(tiling), rows(rows), columns(columns), rule(rule), activations(activations),
        weights(weights) {}

  /// Result: [n][g][group of filters][sub-tile row][sub-tile column].
  std::vector<uint64_t> run(const OperandView &a, const OperandView &b, const EntryRule &entries);

private:
  struct Activation {
    int32_t row, column; ///< Output of a tap without shift.
    uint32_t bank;
  };
  struct Weight {
    int32_t shiftRow, shiftColumn;
    uint32_t bank; ///< Modulo the banks, so that sums need no sign.
  };
  /// Entries of one kind by channel and phase: those of slot s are [starts[s], starts[s + 1]).
  template <typename Entry>
  struct Entries {
    std::vector<Entry> entries;
    std::vector<size_t> starts;
  };

  int64_t phases() const { return shape.strideH * shape.strideW; }
  template <typename T>
  std::vector<uint64_t> runOf(const OperandView &a, const OperandView &b, const EntryRule &entries);
  template <typename T>
  Entries<Weight> listWeights(const OperandView &b, bool skips, int64_t g, int64_t group) const;
  template <typename T>
  Entries<Activation> listActivations(const OperandView &a, bool skips, int64_t n, int64_t g, int64_t tileRow,
                                      int64_t tileColumn) const;
  uint64_t step(const Entries<Activation> &a, const Entries<Weight> &b, bool inside) const;

  const Contraction &shape;
  const PlanarTiling &tiling;
  const PlaneAxis &rows, &columns;
  const BankRule &rule;
  int64_t activations, weights;
};

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_LIB_TARGET_DATAFLOW_ACCUMULATORBANKS_H
