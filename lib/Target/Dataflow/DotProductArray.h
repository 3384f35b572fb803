//===- DotProductArray.h - Units of filters of lanes ------------*- C++ -*-===//
//
// The array that `dot-product` and `cnvlutin` have in common: `units` x `filters` x `lanes` multipliers. Every unit
// holds `filters` filters; in each cycle `lanes` activations go to all units, and each filter's adder tree sums its
// lanes. Windows run one after another, filters beyond units x filters in further passes over all windows, groups one
// after another.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_DATAFLOW_DOTPRODUCTARRAY_H
#define SPARSEACCEL_LIB_TARGET_DATAFLOW_DOTPRODUCTARRAY_H

#include "SparseAccel/Target/Dataflow/OperandMasks.h"

namespace sparseaccel::dataflow {

struct DotProductArray {
  int64_t units = 1, filters = 1, lanes = 1;

  explicit DotProductArray(const machine::Machine &machine);
  static absl::Status check(const machine::Machine &machine, const char *dataflow);

  int64_t multipliers() const { return units * filters * lanes; }
  /// Fewer channels than lanes: positions of the window are packed into the lanes.
  bool packs(const Contraction &shape) const { return shape.c < lanes; }
  /// Cycles of one window without skipping.
  int64_t denseWindowCycles(const Contraction &shape) const;
  int64_t windows(const Contraction &shape) const { return shape.n * shape.p * shape.q; }
  /// Passes over the filters of all groups, and the units that work in them, summed.
  int64_t filterPasses(const Contraction &shape) const { return shape.g * ceilDiv(shape.m, units * filters); }
  int64_t workingUnits(const Contraction &shape) const { return shape.g * ceilDiv(shape.m, filters); }

  /// Cycles, slots and traffic of the walk without skipping. Gating on zeros as `conditions` says.
  Counts countDense(const Work &work, const ProductCounts &products, unsigned conditions) const;
  /// Sets performed, gated, wasted, skipped, effectual and the MAC actions of a walk that issues `issued` slots and
  /// skips `skipped` products.
  void finishSlots(Counts &counts, const ProductCounts &products, unsigned conditions, double issued,
                   double skipped) const;
  /// Dataflow::leastCost() without skipping, or with activations that take a slot only where they are not zero; a lane
  /// spends a cycle on `brick` activations at least.
  Counts leastDense(const Work &layer, const ProductCounts &products) const;
  Counts leastSkipping(const Work &layer, const ProductCounts &products, int64_t brick) const;
  absl::Status legal(const Work &work, const char *dataflow) const;
  std::vector<isa::Mapping> innerMappings(const Contraction &tile, const machine::Machine &machine) const;
  /// A tile whose filters do not fill all units pays for those that stand idle: tiles take whole passes over the array.
  /// A tile's channels fill whole rows of lanes.
  Dataflow::TileHint tileHint() const { return {units * filters, 1, 1, true, lanes}; }
};

/// Levels by role: activations, weights, activations at the multipliers, sums.
inline constexpr const char *kActivationLevel = "nm", *kWeightLevel = "sb", *kInputLevel = "nbin", *kSumLevel = "nbout";
inline constexpr const char *kDotProductLevels[] = {kActivationLevel, kWeightLevel, kInputLevel, kSumLevel};

/// What either can gate: multipliers on any zero, and the weights of a lane on the activation that the lane has. Reads
/// of `nbin` and sums in `nbout` serve many products at once and are not modelled to idle.
inline constexpr HonouredSaf kDotProductGates[] = {
    {isa::SafAction::Gate, machine::kComputePlace, kOnA | kOnB, kOnA | kOnB},
    {isa::SafAction::Gate, kWeightLevel, kOnB, kOnA}};

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_LIB_TARGET_DATAFLOW_DOTPRODUCTARRAY_H
