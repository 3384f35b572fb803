//===- DotProductArray.cpp - Units of filters of lanes --------------------===//

#include "DotProductArray.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace sparseaccel::dataflow {

using isa::LoopKind;
using isa::Rank;

namespace {

constexpr const char *kDimensions[] = {"units", "filters", "lanes"};

/// Width of a sum where it is stored: the level's, else the machine's.
double sumBits(const machine::Machine &machine) {
  const machine::Level *level = machine.findLevel(kSumLevel);
  return level && level->psumBits ? level->psumBits : machine.psumBits;
}

} // namespace

DotProductArray::DotProductArray(const machine::Machine &machine)
    : units(arraySize(machine, kDimensions[0])), filters(arraySize(machine, kDimensions[1])),
      lanes(arraySize(machine, kDimensions[2])) {}

absl::Status DotProductArray::check(const machine::Machine &machine, const char *dataflow) {
  if (absl::Status status = checkArray(machine, dataflow, kDimensions); !status.ok())
    return status;
  return checkLevels(machine, dataflow, kDotProductLevels);
}

int64_t DotProductArray::denseWindowCycles(const Contraction &shape) const {
  return packs(shape) ? ceilDiv(shape.r * shape.s * shape.c, lanes) : shape.r * shape.s * ceilDiv(shape.c, lanes);
}

Counts DotProductArray::countDense(const Work &work, const ProductCounts &products, unsigned conditions) const {
  const Contraction &shape = work.shape;
  const machine::Machine &machine = *work.machine;
  Counts counts;
  double windowCycles = double(windows(shape)) * double(denseWindowCycles(shape));
  double passes = double(filterPasses(shape)), unitPasses = double(workingUnits(shape));
  double bits = shape.elementBits;
  counts.cycles = windowCycles * passes;
  counts.boundCycles[unsigned(Bound::Mac)] = counts.cycles;

  // Padding is known beforehand and is not read. A row of activations goes to all working units at once.
  double valid = double(validRowPairs(shape)) * double(validColumnPairs(shape)) * double(shape.n);
  double channels = packs(shape) ? shape.c : ceilDiv(shape.c, lanes) * lanes;
  addTraffic(counts, machine, kActivationLevel, "read", passes * valid * channels * bits);
  counts.actions.add("noc", "transfer", unitPasses * valid * channels);
  addTraffic(counts, machine, kInputLevel, "write", unitPasses * windowCycles * double(lanes) * bits);
  addTraffic(counts, machine, kInputLevel, "read", unitPasses * windowCycles * double(lanes) * bits);
  // A zero activation spares the weights of its lane, those of all filters of a unit.
  double weightReads = unitPasses * windowCycles * double(filters * lanes), gatedReads = 0;
  if (ActiveSafs(work).gates(kWeightLevel, isa::OperandKind::B) & kOnA)
    gatedReads = (products.dense - products.nonzeroA) / double(shape.m) * double(ceilDiv(shape.m, filters) * filters);
  addTraffic(counts, machine, kWeightLevel, "read", (weightReads - gatedReads) * bits);
  addTraffic(counts, machine, kWeightLevel, "gated_read", gatedReads * bits);
  // Each cycle adds to the filters' partial sums; a window's first cycle starts from zero unless it accumulates.
  double sums = double(shape.g * shape.m) * sumBits(machine);
  double firstCycles = work.accumulate ? 0 : double(windows(shape));
  addTraffic(counts, machine, kSumLevel, "read", sums * (windowCycles - firstCycles));
  addTraffic(counts, machine, kSumLevel, "write", sums * windowCycles);

  addBufferStalls(counts, machine, kDotProductLevels);
  finishSlots(counts, products, conditions, unitPasses * windowCycles * double(filters * lanes), 0);
  return counts;
}

void DotProductArray::finishSlots(Counts &counts, const ProductCounts &products, unsigned conditions, double issued,
                                  double skipped) const {
  counts.slots = double(multipliers()) * counts.cycles;
  counts.effectual = products.effectual;
  counts.skipped = skipped;
  counts.gated = gatedProducts(products, conditions);
  counts.performed = products.dense - skipped - counts.gated;
  counts.wasted = issued - counts.performed - counts.gated;
  counts.actions.add("mac", "compute", counts.performed);
  if (counts.gated > 0)
    counts.actions.add("mac", "gated", counts.gated);
}

Counts DotProductArray::leastDense(const Work &layer, const ProductCounts &products) const {
  // Tiles of fewer channels than lanes are packed, and tiles of M round their passes up each for itself.
  const Contraction &shape = layer.shape;
  Counts counts;
  double passes = double(filterPasses(shape));
  counts.cycles = passes * double(windows(shape)) * double(ceilDiv(shape.r * shape.s * shape.c, lanes));
  counts.effectual = products.effectual;
  counts.gated = gatedProducts(products, gatingConditions(layer));
  counts.performed = products.dense - counts.gated;
  counts.actions.add("mac", "compute", counts.performed);
  counts.actions.add("mac", "gated", counts.gated);
  return counts;
}

Counts DotProductArray::leastSkipping(const Work &layer, const ProductCounts &products, int64_t brick) const {
  const Contraction &shape = layer.shape;
  Counts counts;
  double passes = double(ceilDiv(shape.m, units * filters));
  double nonzeros = products.nonzeroA / double(shape.m), dense = products.dense / double(shape.m);
  counts.cycles = passes * std::max(nonzeros, dense / double(brick)) / double(lanes);
  counts.effectual = products.effectual;
  counts.performed = products.effectual;
  counts.actions.add("mac", "compute", counts.performed);
  return counts;
}

absl::Status DotProductArray::legal(const Work &work, const char *dataflow) const {
  if (absl::Status status = checkShape(work, dataflow); !status.ok())
    return status;
  if (!work.mapping)
    return absl::OkStatus();
  if (absl::Status status = checkCoverage(work, dataflow); !status.ok())
    return status;
  const Contraction &shape = work.shape;
  for (const isa::Loop &loop : work.mapping->loops)
    if (loop.kind != LoopKind::Temporal && loop.factor > 1 && loop.rank != Rank::M && loop.rank != Rank::C)
      return absl::InvalidArgumentError(absl::StrCat(dataflow, ": the mapping unrolls ", rankName(loop.rank),
                                                     " in space, but the array unrolls M over units and filters and C "
                                                     "over lanes only"));
  auto spatial = [&](Rank rank) {
    return factorOf(*work.mapping, rank, [](const isa::Loop &loop) { return loop.kind != LoopKind::Temporal; });
  };
  // The sequencer always fills the array: a mapping may not claim more than there is, nor less than it does.
  auto check = [&](Rank rank, int64_t size, const char *what) -> absl::Status {
    int64_t mapped = spatial(rank), most = size, least = std::min(size, shape.extent(rank));
    if (mapped >= least && mapped <= most)
      return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(dataflow, ": the mapping unrolls ", rankName(rank), " ", mapped,
                                                   " times, but the array has ", size, " ", what, " and the tile ",
                                                   shape.extent(rank), ", so ", least, " to ", most, " are possible"));
  };
  if (absl::Status status = check(Rank::M, units * filters, "filters in all units"); !status.ok())
    return status;
  return check(Rank::C, lanes, "lanes");
}

std::vector<isa::Mapping> DotProductArray::innerMappings(const Contraction &tile,
                                                         const machine::Machine &machine) const {
  isa::Mapping mapping;
  uint8_t level = uint8_t(machine.levelIndex(kInputLevel));
  auto loop = [&](Rank rank, int64_t factor, LoopKind kind) { addLoop(mapping, rank, factor, level, kind); };
  int64_t inUnit = std::min(tile.m, filters), inArray = std::min(ceilDiv(tile.m, filters), units);
  int64_t inLanes = std::min(tile.c, lanes);
  loop(Rank::G, tile.g, LoopKind::Temporal);
  loop(Rank::M, ceilDiv(tile.m, inUnit * inArray), LoopKind::Temporal);
  loop(Rank::N, tile.n, LoopKind::Temporal);
  loop(Rank::P, tile.p, LoopKind::Temporal);
  loop(Rank::Q, tile.q, LoopKind::Temporal);
  loop(Rank::R, tile.r, LoopKind::Temporal);
  loop(Rank::S, tile.s, LoopKind::Temporal);
  loop(Rank::C, ceilDiv(tile.c, inLanes), LoopKind::Temporal);
  loop(Rank::M, inArray, LoopKind::SpatialX);
  loop(Rank::M, inUnit, LoopKind::SpatialY);
  loop(Rank::C, inLanes, LoopKind::SpatialX);
  return {mapping};
}

} // namespace sparseaccel::dataflow
