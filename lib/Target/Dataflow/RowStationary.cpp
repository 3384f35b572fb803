//===- RowStationary.cpp - Passes of the row-stationary array -------------===//
//
// Models Eyeriss (JSSC 2017). Filter rows stay in the processing elements, input rows run along diagonals, partial sums
// along columns. Zero activations gate the filter's read and the multiplier: energy falls, cycles do not.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Target/Dataflow/RowStationary.h"
#include "Dataflows.h"
#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sparseaccel::dataflow {

using isa::LoopKind;
using isa::Rank;

namespace {

constexpr const char *kName = "row-stationary";
constexpr const char *kDimensions[] = {"rows", "columns"};
constexpr const char *kGlobalBuffer = "glb", *kFilterStream = "filter_stream", *kFilterBuffer = "glb_filter",
                     *kIfmapSpad = "ifmap_spad", *kFilterSpad = "filter_spad", *kPsumSpad = "psum_spad";
constexpr const char *kLevels[] = {kGlobalBuffer, kFilterStream, kFilterBuffer, kIfmapSpad, kFilterSpad, kPsumSpad};

/// Each access of a scratchpad serves one product, so any may idle on the other operand. The array runs in lock step:
/// it leaves out nothing.
constexpr HonouredSaf kSafs[] = {{isa::SafAction::Gate, machine::kComputePlace, kOnA | kOnB, kOnA | kOnB},
                                 {isa::SafAction::Gate, kIfmapSpad, kOnA, kOnA | kOnB},
                                 {isa::SafAction::Gate, kFilterSpad, kOnB, kOnA | kOnB},
                                 {isa::SafAction::Gate, kPsumSpad, kOnO, kOnA | kOnB}};

constexpr DeclaredParameter kNocFilter = {"noc_filter_words", 4, "filter words into the array in a cycle"};
constexpr DeclaredParameter kNocIfmap = {"noc_ifmap_words", 1, "activations into the array in a cycle"};
constexpr DeclaredParameter kNocPsum = {"noc_psum_words", 4, "sums into the array, and out of it, in a cycle"};

bool isSpad(const machine::Machine &machine, uint8_t level) {
  const std::string &name = machine.levels[level].name;
  return name == kIfmapSpad || name == kFilterSpad || name == kPsumSpad;
}

/// Input rows (or columns) that `outputs` neighbouring outputs read, each once. Of those at `low` and beyond, `inputs`
/// exist; the others are padding.
int64_t distinctInputs(int64_t outputs, int64_t taps, int64_t stride, int64_t dilation, int64_t low, int64_t inputs) {
  int64_t span = (outputs - 1) * stride + (taps - 1) * dilation + 1;
  if (dilation == 1 && stride <= taps)
    return std::max<int64_t>(0, std::min(span, low + inputs) - std::max<int64_t>(0, low));
  std::vector<bool> seen(span, false);
  int64_t count = 0;
  for (int64_t output = 0; output < outputs; ++output) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      int64_t index = output * stride + tap * dilation;
      if (seen[index] || index < low || index >= low + inputs)
        continue;
      seen[index] = true;
      ++count;
    }
  }
  return count;
}

/// With padding.
int64_t touchedInputs(int64_t outputs, int64_t taps, int64_t stride, int64_t dilation) {
  return distinctInputs(outputs, taps, stride, dilation, 0, (outputs - 1) * stride + (taps - 1) * dilation + 1);
}

int64_t windowSpan(const Contraction &shape) { return (shape.s - 1) * shape.dilationW + 1; }

/// Calls visit(first, size) for each strip of `size` (the last one less) of `extent`.
template <typename Visit>
void forEachStrip(int64_t extent, int64_t size, Visit visit) {
  for (int64_t first = 0; first < extent; first += size)
    visit(first, std::min(size, extent - first));
}

/// How often the passes of one strip of rows and group of images repeat.
int64_t filterPasses(const Contraction &shape, const RowStationaryPass &pass) {
  return ceilDiv(shape.m, pass.p * pass.t);
}
int64_t channelPasses(const Contraction &shape, const RowStationaryPass &pass) {
  return ceilDiv(shape.c, pass.q * pass.r);
}

/// Calls visit(timing, e, passes) with passes of equal cost together: the last strip has fewer rows, the last group of
/// images fewer images.
template <typename Visit>
void forEachTiming(const Contraction &shape, const RowStationaryPass &pass, const RowStationaryLimits &limits,
                   Visit visit) {
  int64_t repeats = shape.g * filterPasses(shape, pass) * channelPasses(shape, pass);
  auto split = [](int64_t extent, int64_t size) {
    return std::array<std::pair<int64_t, int64_t>, 2>{{{size, extent / size}, {extent % size, extent % size ? 1 : 0}}};
  };
  for (auto [e, strips] : split(shape.p, pass.e)) {
    for (auto [n, groups] : split(shape.n, pass.n)) {
      if (strips * groups == 0)
        continue;
      RowStationaryPass here = pass;
      here.e = e;
      here.n = n;
      visit(timePass(shape, here, limits), e, repeats * strips * groups);
    }
  }
}

int64_t totalCycles(const Contraction &shape, const RowStationaryPass &pass, const RowStationaryLimits &limits) {
  int64_t cycles = 0;
  forEachTiming(shape, pass, limits, [&](const RowStationaryTiming &timing, int64_t, int64_t passes) {
    cycles += timing.cycles() * passes;
  });
  return cycles;
}

/// Passes for a tile, fastest first; of equal ones those that move fewer sums. What would be `farther` times as slow as
/// the fastest even without windows and drains is not looked at.
std::vector<RowStationaryPass> searchPasses(const Contraction &tile, const machine::Machine &machine, size_t most,
                                            double farther = Dataflow::TileHint().farther) {
  RowStationaryLimits limits(machine);
  struct Candidate {
    int64_t cycles, channelPasses;
    RowStationaryPass pass;
  };
  std::vector<Candidate> candidates;
  int64_t span = windowSpan(tile);
  constexpr int maxStripSizes = 12;
  double fastest = std::numeric_limits<double>::infinity();
  double filterLoads = double(tile.g * tile.m * tile.c * tile.r * tile.s) / double(limits.nocFilterWords);
  double outputs = double(tile.n * tile.g * tile.m) * double(tile.p * tile.q);
  auto consider = [&](const RowStationaryPass &pass) {
    int64_t cycles = totalCycles(tile, pass, limits);
    fastest = std::min(fastest, double(cycles));
    if (double(cycles) <= farther * fastest)
      candidates.push_back({cycles, channelPasses(tile, pass), pass});
  };
  int stripSizes = 0;
  for (int64_t strips = 1, lastE = 0; strips <= tile.p && stripSizes < maxStripSizes; ++strips) {
    int64_t e = ceilDiv(tile.p, strips);
    if (e == lastE)
      continue;
    lastE = e;
    int64_t sets = limits.sets(tile.r, e);
    if (sets < 1)
      continue;
    ++stripSizes;
    double inputs = double(tile.n * tile.g * tile.c * (tile.p / e)) *
                    double(touchedInputs(e, tile.r, tile.strideH, tile.dilationH)) *
                    double(touchedInputs(tile.q, tile.s, tile.strideW, tile.dilationW));
    for (int64_t r = 1; r <= std::min(sets, tile.c); ++r) {
      int64_t mostT = std::min(sets / r, tile.m);
      // Of all r that leave room for as many t, the largest.
      if (r < std::min(sets, tile.c) && std::min(sets / (r + 1), tile.m) == mostT)
        continue;
      double work = double(tile.macs()) / double(tile.r * e * r * mostT);
      double activations = inputs * double(ceilDiv(tile.m, limits.psumWords * mostT)) / double(limits.nocIfmapWords);
      double loads = filterLoads * double(ceilDiv(tile.p, e));
      if (std::max(work, activations) + loads > farther * fastest)
        continue;
      for (int64_t q = std::min(limits.ifmapWords / span, ceilDiv(tile.c, r)); q >= 1; --q) {
        double sums = outputs * double(ceilDiv(tile.c, q * r)) / double(limits.nocPsumWords);
        if (sums + loads > farther * fastest)
          break;
        int64_t mostP = std::min({limits.psumWords, limits.filterWords / (q * tile.s), tile.m});
        if (mostP < 1)
          continue;
        // As many passes over the filters as there must be, or a few more where that divides them better.
        constexpr int64_t morePasses = 2;
        int64_t leastPasses = ceilDiv(tile.m, mostP * mostT);
        for (int64_t passes = leastPasses; passes <= std::min(leastPasses + morePasses, tile.m); ++passes) {
          RowStationaryPass pass;
          pass.n = tile.n;
          pass.e = e;
          pass.q = q;
          pass.r = std::min(r, ceilDiv(tile.c, q * ceilDiv(tile.c, q * r)));
          int64_t leastT = ceilDiv(tile.m, passes * mostP);
          for (int64_t t : {leastT, mostT}) {
            pass.t = t;
            pass.p = ceilDiv(tile.m, passes * t);
            consider(pass);
            if (leastT == mostT)
              break;
          }
        }
      }
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate &x, const Candidate &y) {
    return x.cycles != y.cycles ? x.cycles < y.cycles : x.channelPasses < y.channelPasses;
  });
  std::vector<RowStationaryPass> passes;
  for (const Candidate &candidate : candidates) {
    if (passes.size() == most)
      break;
    // Those that are the same take as many cycles: they stand close together.
    bool isNew = true;
    for (size_t i = passes.size(); isNew && i > 0 && totalCycles(tile, passes[i - 1], limits) == candidate.cycles; --i)
      isNew = !(passes[i - 1] == candidate.pass);
    if (isNew)
      passes.push_back(candidate.pass);
  }
  return passes;
}

RowStationaryPass passOf(const Work &work) {
  if (work.mapping)
    return rowStationaryPass(*work.mapping, *work.machine);
  std::vector<RowStationaryPass> best = searchPasses(work.shape, *work.machine, 1);
  return best.empty() ? RowStationaryPass{} : best.front();
}

unsigned psumBitsOf(const machine::Machine &machine) {
  const machine::Level *level = machine.findLevel(kGlobalBuffer);
  return level && level->psumBits ? level->psumBits : machine.psumBits;
}

/// In the elements each product reads both operands, and reads and writes its sum, each as its gates let it.
void addElementWork(Counts &counts, const Work &work, const ProductCounts &products) {
  const machine::Machine &machine = *work.machine;
  double elementBits = work.shape.elementBits, psumBits = psumBitsOf(machine);
  ActiveSafs safs(work);
  auto access = [&](const char *level, isa::OperandKind operand, const char *action, const char *gatedAction,
                    double bits) {
    double gated = gatedProducts(products, safs.gates(level, operand));
    addTraffic(counts, machine, level, action, (products.dense - gated) * bits);
    addTraffic(counts, machine, level, gatedAction, gated * bits);
  };
  access(kIfmapSpad, isa::OperandKind::A, "read", "gated_read", elementBits);
  access(kFilterSpad, isa::OperandKind::B, "read", "gated_read", elementBits);
  access(kPsumSpad, isa::OperandKind::O, "read", "gated_read", psumBits);
  access(kPsumSpad, isa::OperandKind::O, "write", "gated_write", psumBits);
  counts.effectual = products.effectual;
  counts.gated = gatedProducts(products, safs.gatedProducts());
  counts.performed = products.dense - counts.gated;
  counts.actions.add("mac", "compute", counts.performed);
  if (counts.gated > 0)
    counts.actions.add("mac", "gated", counts.gated);
}

Counts countPasses(const Work &work, const ProductCounts &products) {
  const Contraction &shape = work.shape;
  const machine::Machine &machine = *work.machine;
  RowStationaryLimits limits(machine);
  RowStationaryPass pass = passOf(work);
  Counts counts;
  double issued = 0;
  auto bound = [&](Bound by, int64_t cycles) { counts.boundCycles[unsigned(by)] += double(cycles); };
  forEachTiming(shape, pass, limits, [&](const RowStationaryTiming &timing, int64_t e, int64_t passes) {
    counts.cycles += double(timing.cycles() * passes);
    bound(Bound::Mac, timing.mac * passes);
    int64_t waits = std::max({timing.mac, timing.psum, timing.ifmap}) - timing.mac;
    bound(Bound::Noc, (waits + timing.filterLoad + timing.firstWindow) * passes);
    bound(Bound::Sync, timing.drain * passes);
    issued += double(timing.mac * passes) * double(shape.r * e * pass.r * pass.t);
  });

  double passesM = double(filterPasses(shape, pass)), passesC = double(channelPasses(shape, pass));
  double imageGroups = double(ceilDiv(shape.n, pass.n)), strips = double(ceilDiv(shape.p, pass.e));
  double elementBits = shape.elementBits, psumBits = psumBitsOf(machine);

  // Activations: from the global buffer once for each pass, without padding; in the array along the diagonals.
  int64_t inputRows = 0;
  forEachStrip(shape.p, pass.e, [&](int64_t first, int64_t e) {
    inputRows += distinctInputs(e, shape.r, shape.strideH, shape.dilationH, shape.padTop - first * shape.strideH,
                                shape.inputRows());
  });
  int64_t inputColumns =
      distinctInputs(shape.q, shape.s, shape.strideW, shape.dilationW, shape.padLeft, shape.inputColumns());
  double ifmapWords = double(shape.n * shape.g * shape.c) * passesM * double(inputRows) * double(inputColumns);
  double touchedColumns = double(touchedInputs(shape.q, shape.s, shape.strideW, shape.dilationW));
  double filterGroups = double(ceilDiv(shape.m, pass.p));
  addTraffic(counts, machine, kIfmapSpad, "write",
             double(shape.n * shape.g * shape.c * shape.r * shape.p) * touchedColumns * filterGroups * elementBits);

  // Filters: streamed for each strip and group of images, every row to the e elements that work on it.
  double filterWords = double(shape.g * shape.m * shape.c * shape.r * shape.s) * imageGroups;
  for (const char *level : {kFilterStream, kFilterBuffer})
    addTraffic(counts, machine, level, "read", filterWords * strips * elementBits);
  addTraffic(counts, machine, kFilterBuffer, "write", filterWords * strips * elementBits);
  addTraffic(counts, machine, kFilterSpad, "write", filterWords * double(shape.p) * elementBits);

  // Sums: out of the array after each pass over channels, into it before each but the first.
  double outputs = double(shape.n * shape.g * shape.m) * double(shape.p * shape.q);
  double psumsOut = outputs * passesC, psumsIn = outputs * (passesC - (work.accumulate ? 0 : 1));
  addTraffic(counts, machine, kGlobalBuffer, "read", ifmapWords * elementBits + psumsIn * psumBits);
  addTraffic(counts, machine, kGlobalBuffer, "write", psumsOut * psumBits);
  double lastSets = double(ceilDiv(shape.c - (channelPasses(shape, pass) - 1) * pass.q * pass.r, pass.q));
  double hops = (passesC - 1) * double(shape.r * pass.r - 1) + double(shape.r) * lastSets - 1;
  counts.actions.add("noc", "transfer", ifmapWords + filterWords * strips + psumsIn + psumsOut + outputs * hops);

  addElementWork(counts, work, products);
  addBufferStalls(counts, machine, kLevels);
  counts.slots = counts.cycles * double(limits.rows * limits.columns);
  counts.wasted = issued - products.dense;
  return counts;
}

/// Bound of a whole layer, over all strip sizes e. Filter rows of one filter and channel take F*S cycles an output row,
/// r*t sets work side by side; activations come once for as many filters as all sets hold, sums move once for as many
/// channels. Every strip loads all filters and the first windows of its rows; drains come on top of that.
Counts leastPasses(const Work &layer, const ProductCounts &products) {
  const Contraction &shape = layer.shape;
  const machine::Machine &machine = *layer.machine;
  RowStationaryLimits limits(machine);
  Counts counts;
  double filters = double(shape.g * shape.m * shape.c * shape.r * shape.s);
  double outputs = double(shape.n * shape.g * shape.m) * double(shape.p * shape.q);
  double rows = double(touchedInputs(shape.p, shape.r, shape.strideH, shape.dilationH));
  double columns = double(touchedInputs(shape.q, shape.s, shape.strideW, shape.dilationW));
  double window = double(touchedInputs(1, shape.s, shape.strideW, shape.dilationW));
  int64_t mostQ = std::max<int64_t>(1, limits.ifmapWords / windowSpan(shape));
  counts.cycles = std::numeric_limits<double>::infinity();
  for (int64_t strips = 1, lastE = 0; strips <= shape.p; ++strips) {
    int64_t e = ceilDiv(shape.p, strips);
    if (e == lastE)
      continue;
    lastE = e;
    int64_t sets = limits.sets(shape.r, e);
    if (sets < 1)
      continue;
    double mac = double(ceilDiv(shape.p, e)) * double(shape.g * shape.n * shape.m * shape.c) *
                 double(shape.q * shape.s) / double(sets);
    double filterPasses = double(ceilDiv(shape.m, limits.psumWords * sets));
    double inputs = double(shape.g * shape.c) * rows * filterPasses / double(limits.nocIfmapWords);
    double sums = outputs * double(ceilDiv(shape.c, mostQ * sets)) / double(limits.nocPsumWords);
    double loads = double(ceilDiv(shape.p, e)) * filters / double(limits.nocFilterWords);
    double cycles = std::max({mac, inputs * double(shape.n) * columns, sums}) + loads + inputs * window;
    counts.cycles = std::min(counts.cycles, cycles);
  }
  if (std::isinf(counts.cycles))
    counts.cycles = 0;
  double elementBits = shape.elementBits, psumBits = psumBitsOf(machine);
  int64_t inputRows = distinctInputs(shape.p, shape.r, shape.strideH, shape.dilationH, shape.padTop, shape.inputRows());
  int64_t inputColumns =
      distinctInputs(shape.q, shape.s, shape.strideW, shape.dilationW, shape.padLeft, shape.inputColumns());
  addTraffic(counts, machine, kGlobalBuffer, "read",
             double(shape.n * shape.g * shape.c) * double(inputRows) * double(inputColumns) * elementBits);
  addTraffic(counts, machine, kGlobalBuffer, "write", outputs * psumBits);
  addTraffic(counts, machine, kFilterBuffer, "read", filters * elementBits);
  addTraffic(counts, machine, kFilterBuffer, "write", filters * elementBits);
  addElementWork(counts, layer, products);
  return counts;
}

class RowStationary final : public Dataflow {
public:
  const char *name() const override { return kName; }
  std::vector<Parameter> parameters() const override {
    return {kNocFilter.declared(), kNocIfmap.declared(), kNocPsum.declared()};
  }

  absl::Status checkMachine(const machine::Machine &machine) const override {
    for (const DeclaredParameter &parameter : {kNocFilter, kNocIfmap, kNocPsum})
      if (absl::Status status = checkParameter(machine, parameter, 1, 1 << 16); !status.ok())
        return status;
    if (absl::Status status = checkArray(machine, kName, kDimensions); !status.ok())
      return status;
    if (absl::Status status = checkLevels(machine, kName, kLevels); !status.ok())
      return status;
    return checkSafs(machine, kName, kSafs);
  }

  absl::Status legal(const Work &work) const override;

  Counts estimate(const Work &work, const Densities &densities) const override {
    return countPasses(work, expectedProducts(work.shape, densities));
  }

  Counts count(const Work &work, const OperandView &a, const OperandView &b) const override {
    return countPasses(work, countProducts(work.shape, a, b, work.weights));
  }

  std::vector<isa::Mapping> innerMappings(const Contraction &tile, const machine::Machine &machine) const override {
    constexpr size_t most = 4;
    std::vector<isa::Mapping> mappings;
    for (const RowStationaryPass &pass : searchPasses(tile, machine, most))
      mappings.push_back(rowStationaryMapping(pass, tile, machine));
    return mappings;
  }

  void forEachInnerMapping(const Contraction &tile, const machine::Machine &machine,
                           const MappingVisitor &visit) const override;

  Counts leastCost(const Work &layer, const Densities &densities) const override {
    return leastPasses(layer, expectedProducts(layer.shape, densities));
  }

  TileHint tileHint(const Contraction &layer, const machine::Machine &machine) const override {
    std::vector<RowStationaryPass> best = searchPasses(layer, machine, 1);
    if (best.empty())
      return {};
    return {best[0].p * best[0].t, best[0].q * best[0].r, best[0].e, false};
  }
};

void RowStationary::forEachInnerMapping(const Contraction &tile, const machine::Machine &machine,
                                        const MappingVisitor &visit) const {
  // Slower passes may move less.
  constexpr size_t all = std::numeric_limits<size_t>::max();
  std::vector<RowStationaryPass> near = searchPasses(tile, machine, all);
  for (const RowStationaryPass &pass : near)
    if (!visit(rowStationaryMapping(pass, tile, machine)))
      return;
  for (const RowStationaryPass &pass : searchPasses(tile, machine, all, std::numeric_limits<double>::infinity()))
    if (std::find(near.begin(), near.end(), pass) == near.end() && !visit(rowStationaryMapping(pass, tile, machine)))
      return;
}

absl::Status RowStationary::legal(const Work &work) const {
  if (absl::Status status = checkShape(work, kName); !status.ok())
    return status;
  if (absl::Status status = checkCoverage(work, kName); !status.ok())
    return status;
  const Contraction &shape = work.shape;
  const machine::Machine &machine = *work.machine;
  RowStationaryLimits limits(machine);
  auto refuse = [](auto... parts) { return absl::InvalidArgumentError(absl::StrCat(kName, ": ", parts...)); };
  if (shape.r > limits.rows)
    return refuse("a filter has ", shape.r, " rows, but the array has ", limits.rows);
  if (work.mapping) {
    for (const isa::Loop &loop : work.mapping->loops) {
      if (loop.level == 0 || loop.factor == 1)
        continue;
      bool inElement = loop.kind == LoopKind::Temporal && isSpad(machine, loop.level);
      bool spatial = loop.kind != LoopKind::Temporal;
      if (spatial && loop.rank != Rank::C && loop.rank != Rank::M && loop.rank != Rank::R && loop.rank != Rank::P)
        return refuse("the mapping unrolls ", rankName(loop.rank),
                      " in space, but the array unrolls C, M, R and P only");
      if (!spatial && loop.rank == Rank::R)
        return refuse("the mapping has a temporal loop over R of factor ", loop.factor,
                      ", but filter rows lie over the array's rows");
      if (!spatial && !inElement && (loop.rank == Rank::Q || loop.rank == Rank::S))
        return refuse("the mapping has a loop over ", rankName(loop.rank), " of factor ", loop.factor,
                      " outside the scratchpads, but a processing element walks whole rows");
      if (inElement && (loop.rank == Rank::P || loop.rank == Rank::G))
        return refuse("the mapping has a loop over ", rankName(loop.rank), " of factor ", loop.factor,
                      " in the scratchpads, but a processing element works on one row of one group");
    }
  }
  if (windowSpan(shape) > limits.ifmapWords)
    return refuse("a filter row spans ", windowSpan(shape), " activations, but ", kIfmapSpad, " holds ",
                  limits.ifmapWords);
  RowStationaryPass pass = passOf(work);
  if (pass.q * windowSpan(shape) > limits.ifmapWords)
    return refuse("q*S = ", pass.q * windowSpan(shape), ", but ", kIfmapSpad, " holds ", limits.ifmapWords, " words");
  if (pass.p * pass.q * shape.s > limits.filterWords)
    return refuse("p*q*S = ", pass.p * pass.q * shape.s, ", but ", kFilterSpad, " holds ", limits.filterWords,
                  " words");
  if (pass.p > limits.psumWords)
    return refuse("p = ", pass.p, ", but ", kPsumSpad, " holds ", limits.psumWords, " words");
  int64_t sets = limits.sets(shape.r, pass.e);
  if (pass.r * pass.t > sets)
    return refuse("r*t = ", pass.r * pass.t, " sets of ", shape.r, " x ", pass.e, ", but the array of ", limits.rows,
                  " x ", limits.columns, " holds ", sets);
  const machine::Level &buffer = *machine.findLevel(kGlobalBuffer);
  uint64_t sums = uint64_t(shape.n * shape.g * shape.m) * uint64_t(shape.p * shape.q) * psumBitsOf(machine) / 8;
  uint64_t activations = uint64_t(shape.n * shape.g * shape.c) * uint64_t(shape.inputRows() * shape.inputColumns()) *
                         ((shape.elementBits + 7) / 8);
  if (sums + activations > buffer.sizeBytes)
    return refuse("sums of ", sums, " bytes and activations of ", activations, " need ", sums + activations,
                  " bytes, but ", kGlobalBuffer, " has ", buffer.sizeBytes);
  return absl::OkStatus();
}

} // namespace

RowStationaryLimits::RowStationaryLimits(const machine::Machine &machine)
    : rows(arraySize(machine, kDimensions[0])), columns(arraySize(machine, kDimensions[1])),
      nocFilterWords(int64_t(kNocFilter.of(machine))), nocIfmapWords(int64_t(kNocIfmap.of(machine))),
      nocPsumWords(int64_t(kNocPsum.of(machine))) {
  auto words = [&](const char *name) -> int64_t {
    const machine::Level *level = machine.findLevel(name);
    return level && level->wordBits ? int64_t(level->sizeBytes * 8 / level->wordBits) : 0;
  };
  ifmapWords = words(kIfmapSpad);
  filterWords = words(kFilterSpad);
  psumWords = words(kPsumSpad);
}

int64_t RowStationaryLimits::sets(int64_t filterRows, int64_t e) const {
  if (e <= columns)
    return (rows / filterRows) * (columns / e);
  return rows / filterRows / ceilDiv(e, columns);
}

int64_t RowStationaryTiming::cycles() const { return std::max({mac, psum, ifmap}) + filterLoad + firstWindow + drain; }

RowStationaryTiming timePass(const Contraction &shape, const RowStationaryPass &pass,
                             const RowStationaryLimits &limits) {
  int64_t rows = touchedInputs(pass.e, shape.r, shape.strideH, shape.dilationH);
  int64_t columns = touchedInputs(shape.q, shape.s, shape.strideW, shape.dilationW);
  int64_t window = touchedInputs(1, shape.s, shape.strideW, shape.dilationW);
  int64_t channels = pass.q * pass.r, filters = pass.p * pass.t;
  RowStationaryTiming timing;
  timing.mac = pass.n * shape.q * pass.p * pass.q * shape.s;
  timing.psum = ceilDiv(pass.n * filters * pass.e * shape.q, limits.nocPsumWords);
  timing.ifmap = ceilDiv(pass.n * channels * rows * columns, limits.nocIfmapWords);
  timing.filterLoad = ceilDiv(filters * channels * shape.r * shape.s, limits.nocFilterWords);
  timing.firstWindow = ceilDiv(channels * rows * window, limits.nocIfmapWords);
  timing.drain = (shape.r - 1) * pass.p;
  return timing;
}

isa::Mapping rowStationaryMapping(const RowStationaryPass &pass, const Contraction &tile,
                                  const machine::Machine &machine) {
  isa::Mapping mapping;
  uint8_t buffer = uint8_t(machine.levelIndex(kGlobalBuffer)), element = uint8_t(machine.levelIndex(kPsumSpad));
  addLoop(mapping, Rank::G, tile.g, buffer, LoopKind::Temporal);
  addLoop(mapping, Rank::N, ceilDiv(tile.n, pass.n), buffer, LoopKind::Temporal);
  addLoop(mapping, Rank::P, ceilDiv(tile.p, pass.e), buffer, LoopKind::Temporal);
  addLoop(mapping, Rank::C, channelPasses(tile, pass), buffer, LoopKind::Temporal);
  addLoop(mapping, Rank::M, filterPasses(tile, pass), buffer, LoopKind::Temporal);
  addLoop(mapping, Rank::C, pass.r, buffer, LoopKind::SpatialY);
  addLoop(mapping, Rank::M, pass.t, buffer, LoopKind::SpatialY);
  addLoop(mapping, Rank::R, tile.r, buffer, LoopKind::SpatialY);
  addLoop(mapping, Rank::P, pass.e, buffer, LoopKind::SpatialX);
  addLoop(mapping, Rank::N, pass.n, element, LoopKind::Temporal);
  addLoop(mapping, Rank::Q, tile.q, element, LoopKind::Temporal);
  addLoop(mapping, Rank::C, pass.q, element, LoopKind::Temporal);
  addLoop(mapping, Rank::S, tile.s, element, LoopKind::Temporal);
  addLoop(mapping, Rank::M, pass.p, element, LoopKind::Temporal);
  return mapping;
}

RowStationaryPass rowStationaryPass(const isa::Mapping &mapping, const machine::Machine &machine) {
  auto spatial = [](const isa::Loop &loop) { return loop.kind != LoopKind::Temporal && loop.level > 0; };
  auto inElement = [&](const isa::Loop &loop) {
    return loop.kind == LoopKind::Temporal && isSpad(machine, loop.level);
  };
  RowStationaryPass pass;
  pass.n = factorOf(mapping, Rank::N, inElement);
  pass.p = factorOf(mapping, Rank::M, inElement);
  pass.q = factorOf(mapping, Rank::C, inElement);
  pass.e = factorOf(mapping, Rank::P, spatial);
  pass.r = factorOf(mapping, Rank::C, spatial);
  pass.t = factorOf(mapping, Rank::M, spatial);
  return pass;
}

const Dataflow &rowStationary() {
  static const RowStationary dataflow;
  return dataflow;
}

} // namespace sparseaccel::dataflow
