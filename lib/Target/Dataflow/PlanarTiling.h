//===- PlanarTiling.h - A plane shared out over processing elements -*- C++ -*-===//
//
// What `cartesian-product` and `planar-dense` have in common: a grid of processing elements, each of which has a tile
// of the plane and all channels. Outputs are worked out for a group of filters at a time, as many as the accumulators
// hold.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_DATAFLOW_PLANARTILING_H
#define SPARSEACCEL_LIB_TARGET_DATAFLOW_PLANARTILING_H

#include "SparseAccel/Target/Dataflow/Support.h"

#include <vector>

namespace sparseaccel::dataflow {

/// Levels by role: activations, weights on their way, sums at the multipliers, sums that have left them.
inline constexpr const char *kPlanarInputs = "iaram", *kPlanarWeights = "weight_fifo", *kPlanarSums = "accumulator",
                            *kPlanarResults = "ppu";
inline constexpr const char *kPlanarLevels[] = {kPlanarInputs, kPlanarWeights, kPlanarSums, kPlanarResults};
inline constexpr const char *kPlanarRows = "pe_rows", *kPlanarColumns = "pe_columns";
/// The most that a 16-bit count of a tile's nonzeros can need.
inline constexpr double kMostAccumulatorEntries = 32767;
inline constexpr DeclaredParameter kAccumulatorEntries = {"accumulator_entries", 1024,
                                                          "sums that a processing element holds at a time"};

/// One axis of the plane. A stride of s cuts inputs and filter taps into s phases each: an input of a phase meets the
/// taps of the same phase only, and there like a convolution of stride 1. Positions are those of that convolution,
/// counted from the first one that has an input.
struct PlaneAxis {
  int64_t outputs, inputs, taps, stride, dilation, padLow;
  int64_t first;  ///< Padded position of position 0.
  int64_t extent; ///< Positions with inputs, or outputs where these are more: what is shared out.
  int64_t halo;   ///< Outputs beyond its own that a tile's inputs reach.

  static PlaneAxis rows(const Contraction &shape);
  static PlaneAxis columns(const Contraction &shape);

  int64_t phaseOfInput(int64_t input) const { return (input + padLow) % stride; }
  int64_t positionOfInput(int64_t input) const { return (input + padLow) / stride - first; }
  int64_t phaseOfTap(int64_t tap) const { return tap * dilation % stride; }
  int64_t shiftOfTap(int64_t tap) const { return tap * dilation / stride; }
  /// The output that a tap makes of an input; may lie outside of [0, outputs).
  int64_t output(int64_t position, int64_t shift) const { return position + first - shift; }
  /// Where an input lies.
  struct Place {
    int64_t phase, tile, within; ///< `within` the tile: its position counted from the tile's first.
  };
  /// By input, in tiles of so many positions.
  std::vector<Place> places(int64_t tile) const;
  /// Outputs that lie in the plane and that inputs at [low, high) reach.
  int64_t touched(int64_t low, int64_t high) const;
  /// Outputs at [low, high): those of the tile itself.
  int64_t own(int64_t low, int64_t high) const;
  /// Outputs of both.
  int64_t ownAndTouched(int64_t low, int64_t high) const;
};

/// How a CONTRACT is shared out.
struct PlanarTiling {
  int64_t peRows = 1, peColumns = 1;   ///< Processing elements that have a tile.
  int64_t subRows = 1, subColumns = 1; ///< Sub-tiles of a tile, one after another.
  int64_t rows = 1, columns = 1;       ///< Positions of a sub-tile.
  int64_t filters = 1;                 ///< Of a group of output channels.

  int64_t elements() const { return peRows * peColumns; }
  int64_t tileRows() const { return peRows * subRows; } ///< Sub-tiles down the plane.
  int64_t tileColumns() const { return peColumns * subColumns; }
  int64_t groups(const Contraction &shape) const { return ceilDiv(shape.m, filters); }
};

/// Loops of `tiling` over a tile of the program:
///   iaram, temporal: G, N, M/filters, P/.., Q/.., between barriers; iaram, spatial: P over x, Q over y;
///   accumulator, temporal: C, R, S, M filters, P rows, Q columns, within a processing element.
isa::Mapping planarMapping(const PlanarTiling &tiling, const Contraction &shape, const machine::Machine &machine);
/// The tiling that a mapping describes, whatever the order of its loops.
PlanarTiling planarTiling(const isa::Mapping &mapping, const machine::Machine &machine);

/// Shape, coverage, and a mapping's use of the array. `extentP` and `extentQ` are what the tiles have to cover.
absl::Status checkPlanar(const Work &work, const char *dataflow, int64_t extentP, int64_t extentQ);
/// Levels, and room for two sets of sums in the accumulators.
absl::Status checkPlanarMachine(const machine::Machine &machine, const char *dataflow);
/// Width of a sum in a level.
double planarSumBits(const machine::Machine &machine, const char *level);

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_LIB_TARGET_DATAFLOW_PLANARTILING_H
