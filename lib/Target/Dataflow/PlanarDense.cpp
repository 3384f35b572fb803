//===- PlanarDense.cpp - A plane shared out, every product worked out -----===//
//
// Models the dense accelerator (DCNN) that Parashar et al. compare SCNN with (ISCA 2017): the plane of outputs is
// shared out over processing elements, each of which works out dot products of all channels. No zero is skipped; a
// machine that gates (DCNN-opt) spares energy.
//
//===----------------------------------------------------------------------===//

#include "Dataflows.h"
#include "PlanarTiling.h"
#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace sparseaccel::dataflow {

namespace {

constexpr const char *kName = "planar-dense";
constexpr const char *kLanes = "lanes";
constexpr const char *kDimensions[] = {kPlanarRows, kPlanarColumns, kLanes};

/// Inputs that tiles of `size` outputs read along an axis, summed over the tiles; padding apart.
int64_t inputsRead(int64_t outputs, int64_t size, int64_t taps, int64_t stride, int64_t dilation, int64_t padLow,
                   int64_t inputs) {
  int64_t sum = 0;
  for (int64_t low = 0; low < outputs; low += size) {
    int64_t high = std::min(low + size, outputs);
    int64_t begin = low * stride - padLow, end = (high - 1) * stride + (taps - 1) * dilation + 1 - padLow;
    sum += std::max<int64_t>(0, std::min(end, inputs) - std::max<int64_t>(begin, 0));
  }
  return sum;
}

int64_t entriesOf(const PlanarTiling &tiling, const Contraction &shape, int64_t filters) {
  constexpr int64_t tooMany = int64_t(1) << 20;
  int64_t high = std::min({tiling.rows, shape.p, tooMany}), wide = std::min({tiling.columns, shape.q, tooMany});
  return std::min(high * wide, tooMany) * std::min(filters, tooMany);
}

/// As many filters as the accumulators hold; sub-tiles where not even one fits.
PlanarTiling proposeTiling(const Contraction &shape, const machine::Machine &machine) {
  int64_t entries = int64_t(kAccumulatorEntries.of(machine));
  PlanarTiling tiling;
  tiling.rows = ceilDiv(shape.p, arraySize(machine, kPlanarRows));
  tiling.columns = ceilDiv(shape.q, arraySize(machine, kPlanarColumns));
  tiling.peRows = ceilDiv(shape.p, tiling.rows);
  tiling.peColumns = ceilDiv(shape.q, tiling.columns);
  int64_t high = tiling.rows, wide = tiling.columns;
  while (entriesOf(tiling, shape, 1) > entries)
    if (tiling.rows >= tiling.columns)
      tiling.subRows = ceilDiv(high, tiling.rows = ceilDiv(tiling.rows, 2));
    else
      tiling.subColumns = ceilDiv(wide, tiling.columns = ceilDiv(tiling.columns, 2));
  tiling.filters = std::min(shape.m, entries / entriesOf(tiling, shape, 1));
  return tiling;
}

class PlanarDense final : public Dataflow {
public:
  const char *name() const override { return kName; }
  std::vector<Parameter> parameters() const override { return {kAccumulatorEntries.declared()}; }

  absl::Status checkMachine(const machine::Machine &machine) const override {
    if (absl::Status status = checkArray(machine, kName, kDimensions); !status.ok())
      return status;
    if (absl::Status status = checkPlanarMachine(machine, kName); !status.ok())
      return status;
    constexpr HonouredSaf kGates[] = {{isa::SafAction::Gate, machine::kComputePlace, kOnA | kOnB, kOnA | kOnB}};
    return checkSafs(machine, kName, kGates);
  }

  absl::Status legal(const Work &work) const override {
    if (absl::Status status = checkPlanar(work, kName, work.shape.p, work.shape.q); !status.ok() || !work.mapping)
      return status;
    int64_t entries = int64_t(kAccumulatorEntries.of(*work.machine));
    PlanarTiling tiling = planarTiling(*work.mapping, *work.machine);
    if (int64_t needed = entriesOf(tiling, work.shape, tiling.filters); needed > entries)
      return absl::InvalidArgumentError(absl::StrCat(
          kName, ": sums of ", tiling.filters, " filters for a tile of ", tiling.rows, " x ", tiling.columns, " need ",
          needed, " entries, but the accumulators of a processing element have ", entries));
    return absl::OkStatus();
  }

  Counts estimate(const Work &work, const Densities &densities) const override {
    return countTiles(work, expectedProducts(work.shape, densities));
  }

  Counts count(const Work &work, const OperandView &a, const OperandView &b) const override {
    return countTiles(work, countProducts(work.shape, a, b, work.weights));
  }

  std::vector<isa::Mapping> innerMappings(const Contraction &tile, const machine::Machine &machine) const override {
    return {planarMapping(proposeTiling(tile, machine), tile, machine)};
  }
  Counts leastCost(const Work &layer, const Densities &densities) const override {
    ProductCounts products = expectedProducts(layer.shape, densities);
    Counts counts;
    counts.cycles = products.dense / double(std::max<uint64_t>(layer.machine->peakMacsPerCycle, 1));
    counts.effectual = products.effectual;
    counts.gated = gatedProducts(products, gatingConditions(layer));
    counts.performed = products.dense - counts.gated;
    counts.actions.add("mac", "compute", counts.performed);
    counts.actions.add("mac", "gated", counts.gated);
    return counts;
  }
  /// Rows that fill all rows of the array.
  TileHint tileHint(const Contraction &, const machine::Machine &machine) const override {
    return {1, 1, arraySize(machine, kPlanarRows), false};
  }

private:
  Counts countTiles(const Work &work, const ProductCounts &products) const;
};

Counts PlanarDense::countTiles(const Work &work, const ProductCounts &products) const {
  const Contraction &shape = work.shape;
  const machine::Machine &machine = *work.machine;
  PlanarTiling tiling = work.mapping ? planarTiling(*work.mapping, machine) : proposeTiling(shape, machine);
  int64_t lanes = arraySize(machine, kLanes), window = shape.c * shape.r * shape.s;
  // Sub-tiles that there are, and the processing elements that have some.
  int64_t tileRows = ceilDiv(shape.p, tiling.rows), tileColumns = ceilDiv(shape.q, tiling.columns);
  int64_t elements = ceilDiv(tileRows, tiling.subRows) * ceilDiv(tileColumns, tiling.subColumns);
  int64_t high = std::min(shape.p, std::min(tiling.subRows, tileRows) * tiling.rows),
          wide = std::min(shape.q, std::min(tiling.subColumns, tileColumns) * tiling.columns);
  Counts counts;
  // The dot products of all filters at an output fill the lanes one after another.
  counts.cycles = double(shape.n * shape.g) * double(high * wide) * double(ceilDiv(shape.m * window, lanes));
  counts.boundCycles[unsigned(Bound::Mac)] = counts.cycles;
  double issued = counts.cycles * double(elements * lanes);

  double bits = shape.elementBits, images = double(shape.n * shape.g);
  double read = double(inputsRead(shape.p, tiling.rows, shape.r, shape.strideH, shape.dilationH, shape.padTop,
                                  shape.inputRows())) *
                double(inputsRead(shape.q, tiling.columns, shape.s, shape.strideW, shape.dilationW, shape.padLeft,
                                  shape.inputColumns()));
  addTraffic(counts, machine, kPlanarInputs, "read",
             images * double(tiling.groups(shape)) * read * double(shape.c) * bits);
  double weights = images * double(shape.m * window) * double(tileRows * tileColumns);
  addTraffic(counts, machine, kPlanarWeights, "write", weights * bits);
  addTraffic(counts, machine, kPlanarWeights, "read", double(shape.macs()) * bits);
  counts.actions.add("noc", "transfer", weights);
  // A dot product of as many products as there are lanes is added to its sum at once. The first needs no sum to be
  // read, but the last one is read when it leaves.
  double outputs = images * double(shape.m * shape.p * shape.q);
  double sums = outputs * double(ceilDiv(window, lanes)) * planarSumBits(machine, kPlanarSums);
  addTraffic(counts, machine, kPlanarSums, "read", sums);
  addTraffic(counts, machine, kPlanarSums, "write", sums);
  addTraffic(counts, machine, kPlanarResults, "write", outputs * planarSumBits(machine, kPlanarResults));

  addBufferStalls(counts, machine, kPlanarLevels);
  counts.slots = double(machine.peakMacsPerCycle) * counts.cycles;
  counts.effectual = products.effectual;
  counts.gated = gatedProducts(products, gatingConditions(work));
  counts.performed = products.dense - counts.gated;
  counts.wasted = issued - products.dense;
  counts.actions.add("mac", "compute", counts.performed);
  if (counts.gated > 0)
    counts.actions.add("mac", "gated", counts.gated);
  return counts;
}

} // namespace

const Dataflow &planarDense() {
  static const PlanarDense dataflow;
  return dataflow;
}

} // namespace sparseaccel::dataflow
