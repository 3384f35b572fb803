//===- PlanarTiling.cpp - A plane shared out over processing elements -----===//

#include "PlanarTiling.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace sparseaccel::dataflow {

using isa::LoopKind;
using isa::Rank;

namespace {

PlaneAxis makeAxis(int64_t outputs, int64_t inputs, int64_t taps, int64_t stride, int64_t dilation, int64_t padLow) {
  PlaneAxis axis{outputs, inputs, taps, stride, dilation, padLow, padLow / stride, 0, (taps - 1) * dilation / stride};
  axis.extent = std::max(outputs, (inputs - 1 + padLow) / stride - axis.first + 1);
  return axis;
}

int64_t overlap(int64_t low, int64_t high, int64_t otherLow, int64_t otherHigh) {
  return std::max<int64_t>(0, std::min(high, otherHigh) - std::max(low, otherLow));
}

} // namespace

PlaneAxis PlaneAxis::rows(const Contraction &shape) {
  return makeAxis(shape.p, shape.inputRows(), shape.r, shape.strideH, shape.dilationH, shape.padTop);
}

PlaneAxis PlaneAxis::columns(const Contraction &shape) {
  return makeAxis(shape.q, shape.inputColumns(), shape.s, shape.strideW, shape.dilationW, shape.padLeft);
}

std::vector<PlaneAxis::Place> PlaneAxis::places(int64_t tile) const {
  std::vector<Place> places;
  for (int64_t input = 0; input < inputs; ++input)
    places.push_back({phaseOfInput(input), positionOfInput(input) / tile, positionOfInput(input) % tile});
  return places;
}

int64_t PlaneAxis::touched(int64_t low, int64_t high) const {
  return overlap(low + first - halo, high + first, 0, outputs);
}

int64_t PlaneAxis::own(int64_t low, int64_t high) const { return overlap(low, high, 0, outputs); }

int64_t PlaneAxis::ownAndTouched(int64_t low, int64_t high) const {
  return overlap(std::max(low, low + first - halo), std::min(high, high + first), 0, outputs);
}

isa::Mapping planarMapping(const PlanarTiling &tiling, const Contraction &shape, const machine::Machine &machine) {
  isa::Mapping mapping;
  uint8_t outer = uint8_t(machine.levelIndex(kPlanarInputs)), inner = uint8_t(machine.levelIndex(kPlanarSums));
  addLoop(mapping, Rank::N, shape.n, outer, LoopKind::Temporal);
  addLoop(mapping, Rank::G, shape.g, outer, LoopKind::Temporal);
  addLoop(mapping, Rank::M, tiling.groups(shape), outer, LoopKind::Temporal);
  addLoop(mapping, Rank::P, tiling.subRows, outer, LoopKind::Temporal);
  addLoop(mapping, Rank::Q, tiling.subColumns, outer, LoopKind::Temporal);
  addLoop(mapping, Rank::P, tiling.peRows, outer, LoopKind::SpatialX);
  addLoop(mapping, Rank::Q, tiling.peColumns, outer, LoopKind::SpatialY);
  addLoop(mapping, Rank::C, shape.c, inner, LoopKind::Temporal);
  addLoop(mapping, Rank::P, tiling.rows, inner, LoopKind::Temporal);
  addLoop(mapping, Rank::Q, tiling.columns, inner, LoopKind::Temporal);
  addLoop(mapping, Rank::M, tiling.filters, inner, LoopKind::Temporal);
  addLoop(mapping, Rank::R, shape.r, inner, LoopKind::Temporal);
  addLoop(mapping, Rank::S, shape.s, inner, LoopKind::Temporal);
  return mapping;
}

PlanarTiling planarTiling(const isa::Mapping &mapping, const machine::Machine &machine) {
  int sums = machine.levelIndex(kPlanarSums);
  auto spatial = [](const isa::Loop &loop) { return loop.kind != LoopKind::Temporal && loop.level > 0; };
  auto inside = [&](const isa::Loop &loop) { return loop.kind == LoopKind::Temporal && loop.level == sums; };
  auto between = [&](const isa::Loop &loop) {
    return loop.kind == LoopKind::Temporal && loop.level > 0 && loop.level != sums;
  };
  PlanarTiling tiling;
  tiling.peRows = factorOf(mapping, Rank::P, spatial);
  tiling.peColumns = factorOf(mapping, Rank::Q, spatial);
  tiling.subRows = factorOf(mapping, Rank::P, between);
  tiling.subColumns = factorOf(mapping, Rank::Q, between);
  tiling.rows = factorOf(mapping, Rank::P, inside);
  tiling.columns = factorOf(mapping, Rank::Q, inside);
  tiling.filters = factorOf(mapping, Rank::M, inside);
  return tiling;
}

absl::Status checkPlanar(const Work &work, const char *dataflow, int64_t extentP, int64_t extentQ) {
  if (absl::Status status = checkShape(work, dataflow); !status.ok())
    return status;
  if (work.accumulate)
    return absl::InvalidArgumentError(absl::StrCat(
        dataflow, ": a CONTRACT goes on from earlier sums, but the accumulators are emptied with each group of output "
                  "channels: all input channels have to lie in one tile"));
  if (!work.mapping)
    return absl::OkStatus();
  if (absl::Status status = checkCoverage(work, dataflow); !status.ok())
    return status;
  for (const isa::Loop &loop : work.mapping->loops)
    if (loop.level > 0 && loop.kind != LoopKind::Temporal && loop.factor > 1 && loop.rank != Rank::P &&
        loop.rank != Rank::Q)
      return absl::InvalidArgumentError(absl::StrCat(dataflow, ": the mapping unrolls ", rankName(loop.rank),
                                                     " in space, but processing elements share out P and Q only"));
  PlanarTiling tiling = planarTiling(*work.mapping, *work.machine);
  auto check = [&](const char *rank, int64_t elements, const char *dimension, int64_t sub, int64_t size,
                   int64_t extent) -> absl::Status {
    int64_t there = arraySize(*work.machine, dimension);
    if (elements > there)
      return absl::InvalidArgumentError(absl::StrCat(dataflow, ": the mapping unrolls ", rank, " ", elements,
                                                     " times, but '", dimension, "' is ", there));
    // Factors are at most 2^31 each; a plane is far smaller, so stop multiplying once it is covered.
    int64_t covered = std::min(elements * sub, extent);
    covered = std::min(covered * size, extent);
    if (covered < extent)
      return absl::InvalidArgumentError(absl::StrCat(dataflow, ": the mapping's tiles cover ", elements, " x ", sub,
                                                     " x ", size, " positions along ", rank, ", but the plane has ",
                                                     extent));
    return absl::OkStatus();
  };
  if (absl::Status status = check("P", tiling.peRows, kPlanarRows, tiling.subRows, tiling.rows, extentP); !status.ok())
    return status;
  return check("Q", tiling.peColumns, kPlanarColumns, tiling.subColumns, tiling.columns, extentQ);
}

double planarSumBits(const machine::Machine &machine, const char *level) {
  const machine::Level *found = machine.findLevel(level);
  return found && found->psumBits ? found->psumBits : machine.psumBits;
}

absl::Status checkPlanarMachine(const machine::Machine &machine, const char *dataflow) {
  if (absl::Status status = checkLevels(machine, dataflow, kPlanarLevels); !status.ok())
    return status;
  if (absl::Status status = checkParameter(machine, kAccumulatorEntries, 1, kMostAccumulatorEntries); !status.ok())
    return status;
  const machine::Level &sums = *machine.findLevel(kPlanarSums);
  double bits = planarSumBits(machine, kPlanarSums), entries = kAccumulatorEntries.of(machine);
  if (2 * entries * bits > double(sums.sizeBytes) * 8)
    return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': two sets of ", entries, " sums of ",
                                                   bits, " bits need ", 2 * entries * bits / 8, " bytes in level '",
                                                   kPlanarSums, "', which has ", sums.sizeBytes));
  return absl::OkStatus();
}

} // namespace sparseaccel::dataflow
