//===- RowStationary.h - Passes of the row-stationary array -----*- C++ -*-===//
//
// The row-stationary dataflow works in passes, which its paper describes by six numbers; a program describes them by an
// isa::Mapping. This header goes from one to the other, so that published mappings can be written as published.
// Models Chen et al., "Eyeriss: An Energy-Efficient Reconfigurable Accelerator for Deep Convolutional Neural Networks",
// JSSC 2017.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_DATAFLOW_ROWSTATIONARY_H
#define SPARSEACCEL_TARGET_DATAFLOW_ROWSTATIONARY_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"

namespace sparseaccel::dataflow {

/// A pass: n images, e output rows, p x t filters, q x r channels. Each processing element interleaves p filters and q
/// channels; r x t sets of R x e elements work side by side.
struct RowStationaryPass {
  int64_t n = 1, e = 1, p = 1, q = 1, r = 1, t = 1;
  bool operator==(const RowStationaryPass &) const = default;
};

/// Loops of `pass` over a tile:
///   glb, temporal: G, N/n, P/e, C/(q r), M/(p t), between passes;
///   glb, spatial:  C r, M t, R over rows, P e over columns;
///   psum_spad, temporal: N n, Q, C q, S, M p, within a processing element.
isa::Mapping rowStationaryMapping(const RowStationaryPass &pass, const Contraction &tile,
                                  const machine::Machine &machine);
/// The pass that a mapping describes, whatever the order of its loops.
RowStationaryPass rowStationaryPass(const isa::Mapping &mapping, const machine::Machine &machine);

/// What limits a pass on a machine. In words of its scratchpads.
struct RowStationaryLimits {
  int64_t rows = 0, columns = 0;
  int64_t ifmapWords = 0, filterWords = 0, psumWords = 0;
  int64_t nocFilterWords = 1, nocIfmapWords = 1, nocPsumWords = 1; ///< In a cycle.
  explicit RowStationaryLimits(const machine::Machine &machine);
  /// Sets of `filterRows` x e elements that the array holds; e beyond its columns folds into further rows.
  int64_t sets(int64_t filterRows, int64_t e) const;
};

/// Cycles of one pass with all its images and rows there.
struct RowStationaryTiming {
  int64_t mac = 0, psum = 0, ifmap = 0;               ///< At the same time: the slowest counts.
  int64_t filterLoad = 0, firstWindow = 0, drain = 0; ///< Not hidden.
  int64_t cycles() const;
};
RowStationaryTiming timePass(const Contraction &shape, const RowStationaryPass &pass,
                             const RowStationaryLimits &limits);

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_TARGET_DATAFLOW_ROWSTATIONARY_H
