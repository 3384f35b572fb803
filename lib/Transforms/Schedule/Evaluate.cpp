//===- Evaluate.cpp - What a tiling is estimated to cost ------------------===//

#include "Schedule/Evaluate.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sparseaccel::schedule {

using isa::Rank;
using RankIndex = std::array<int64_t, isa::kNumRanks>;

static unsigned at(Rank rank) { return static_cast<unsigned>(rank); }

Evaluator::Evaluator(const LayerDesc &layer, const SearchContext &context) : layer(layer), context(context) {
  boundTraffic();
  if (layer.cls != LayerClass::Contraction)
    return;
  dataflow::Work work;
  work.shape = layer.shape;
  work.safs = &layer.safs;
  work.machine = &context.machine;
  dataflow::Counts counts = context.dataflow.leastCost(
      work, {context.tensors[layer.a.tensor].density, context.tensors[layer.b.tensor].density});
  leastWork = {counts.cycles, std::move(counts.actions)};
}

//===----------------------------------------------------------------------===//
// DRAM
//===----------------------------------------------------------------------===//

/// Input positions that some output reads along an axis, padding apart.
static int64_t touched(int64_t outputs, int64_t taps, int64_t stride, int64_t dilation, int64_t padLow,
                       int64_t inputs) {
  std::vector<bool> seen(inputs);
  int64_t count = 0;
  for (int64_t output = 0; output < outputs; ++output)
    for (int64_t tap = 0; tap < taps; ++tap) {
      int64_t index = output * stride + tap * dilation - padLow;
      if (index < 0 || index >= inputs || seen[index])
        continue;
      seen[index] = true;
      ++count;
    }
  return count;
}

void Evaluator::boundTraffic() {
  // Each element that is read or written crosses the pins once at least. A long granule takes fewer bytes an element
  // than a short one.
  auto bytes = [&](const View &view, double elements, bool weights) {
    const TensorDesc &tensor = context.tensors[view.tensor];
    if (tensor.dramFormat.isDense())
      return elements * tensor.elementBytes;
    Coord granule = tensor.granule[3] ? tensor.granule : defaultGranule(tensor, view.shape, weights);
    return elements * leastBytesPerElement(tensor, granule);
  };
  const dataflow::Contraction &shape = layer.shape;
  bool contraction = layer.cls == LayerClass::Contraction;
  double outputs = double(shape.n) * double(shape.g * shape.m) * double(shape.p * shape.q);
  double inputs = outputs;
  if (layer.cls != LayerClass::Map)
    inputs = double(shape.n) * double(contraction ? shape.g * shape.c : shape.m) *
             double(touched(shape.p, shape.r, shape.strideH, shape.dilationH, shape.padTop, shape.inputRows())) *
             double(touched(shape.q, shape.s, shape.strideW, shape.dilationW, shape.padLeft, shape.inputColumns()));
  least.aBytes = bytes(layer.a, inputs, false);
  least.oBytes = bytes(layer.o, outputs, false);
  if (layer.b.tensor >= 0) {
    double elements = 1;
    for (int64_t extent : layer.b.shape)
      elements *= double(extent);
    least.bBytes = bytes(layer.b, elements, contraction && context.tensors[layer.b.tensor].constant);
  }
  double work = outputs * (layer.cls == LayerClass::Window ? double(shape.r * shape.s) : 1.0);
  least.vectorCycles = work / std::max<uint32_t>(context.machine.vector.lanes, 1);
}

std::vector<Evaluator::TileClass> Evaluator::classes(Rank rank, const Tiling &tiling, bool exact) const {
  int64_t extent = layer.shape.extent(rank), tile = tiling.extent(rank), count = ceilDiv(extent, tile);
  if (count == 1)
    return {{0, 1}};
  if (!exact)
    return {{count > 2 ? 1 : 0, static_cast<double>(extent) / static_cast<double>(tile)}};
  std::vector<TileClass> result;
  if (rank != Rank::P && rank != Rank::Q) {
    // The first tile along C starts from zero, the others add to what is there.
    if (rank == Rank::C)
      result.push_back({0, 1});
    bool ragged = extent % tile != 0;
    if (int64_t alike = count - static_cast<int64_t>(result.size()) - (ragged ? 1 : 0); alike > 0)
      result.push_back({static_cast<int64_t>(result.size()), static_cast<double>(alike)});
    if (ragged)
      result.push_back({count - 1, 1});
    return result;
  }
  // Tiles at the edges see padding.
  std::map<std::array<int64_t, 3>, size_t> seen;
  for (int64_t i = 0; i < count; ++i) {
    RankIndex index{};
    index[at(rank)] = i;
    dataflow::Contraction shape = tileBoxes(layer, tiling, index).shape;
    auto key = rank == Rank::P ? std::array<int64_t, 3>{shape.p, shape.padTop, shape.padBottom}
                               : std::array<int64_t, 3>{shape.q, shape.padLeft, shape.padRight};
    auto [it, isNew] = seen.try_emplace(key, result.size());
    if (isNew)
      result.push_back({i, 1});
    else
      result[it->second].count += 1;
  }
  return result;
}

double Evaluator::bytesOf(const View &view, const Box &box, bool weights) {
  const TensorDesc &tensor = context.tensors[view.tensor];
  Coord granule = granuleFor(tensor, box.extent, weights);
  uint32_t burst = context.machine.dram.burstBytes;
  if (tensor.dramFormat.isDense())
    return dramBytes(tensor, granule, box.extent, burst);
  // Expected sizes of granules take long to find and are asked for again and again.
  auto [it, isNew] = granuleBytes.try_emplace({view.tensor, granule}, 0);
  if (isNew)
    it->second = dramBytes(tensor, granule, {1, 1, 1, 1}, burst);
  double count = 1;
  for (int d = 0; d < 4; ++d)
    count *= double(ceilDiv(box.extent[d], std::clamp<int64_t>(granule[d], 1, tensor.shape[d])));
  return it->second * count;
}

absl::StatusOr<Traffic> Evaluator::traffic(const Tiling &tiling, const SlotLayout &layout) {
  bool contraction = layer.cls == LayerClass::Contraction;
  RankIndex counts = tileCounts(layer, tiling);
  // An operand's tiles are fetched again for every iteration of a loop that it does not depend on, unless all that pass
  // inside that loop have a slot each.
  auto refetch = [&](std::initializer_list<Rank> irrelevant, unsigned slots) {
    double times = 1;
    for (size_t i = 0; i < tiling.order.size(); ++i) {
      Rank rank = tiling.order[i];
      if (std::find(irrelevant.begin(), irrelevant.end(), rank) == irrelevant.end())
        continue;
      double inside = 1;
      for (size_t j = i + 1; j < tiling.order.size(); ++j)
        if (std::find(irrelevant.begin(), irrelevant.end(), tiling.order[j]) == irrelevant.end())
          inside *= static_cast<double>(counts[at(tiling.order[j])]);
      if (inside > slots)
        times *= static_cast<double>(counts[at(rank)]);
    }
    return times;
  };
  double aTimes = contraction ? refetch({Rank::M}, layout.a.copies) : 1;
  double bTimes = contraction ? refetch({Rank::N, Rank::P, Rank::Q}, layout.b.copies) : 1;

  Traffic traffic;
  bool second = layer.b.tensor >= 0;
  auto ns = classes(Rank::N, tiling, true), gs = classes(Rank::G, tiling, true), ms = classes(Rank::M, tiling, true),
       cs = classes(Rank::C, tiling, true), ps = classes(Rank::P, tiling, true), qs = classes(Rank::Q, tiling, true);
  for (const TileClass &n : ns)
    for (const TileClass &g : gs)
      for (const TileClass &p : ps)
        for (const TileClass &q : qs) {
          // Weights do not depend on images, rows and columns: they are counted at the first combination of these.
          bool firstOuter = n.index == ns.front().index && p.index == ps.front().index && q.index == qs.front().index;
          double outer = n.count * g.count * p.count * q.count;
          for (const TileClass &m : ms)
            for (const TileClass &c : cs) {
              bool firstM = m.index == ms.front().index, firstC = c.index == cs.front().index;
              bool ofA = firstM || !contraction, ofB = second && (!contraction || firstOuter);
              if (!ofA && !ofB && !firstC)
                continue;
              TileBoxes boxes = tileBoxes(layer, tiling, {n.index, g.index, m.index, c.index, p.index, q.index, 0, 0});
              if (boxes.a.elements() <= 0)
                return absl::InvalidArgumentError(absl::StrCat("layer '", layer.name, "': a tile of ", describe(tiling),
                                                               " would read nothing but padding"));
              if (ofA) {
                double bytes = bytesOf(layer.a, boxes.a, false);
                double tiles = outer * c.count * (contraction ? aTimes : m.count);
                traffic.aBytes += bytes * tiles;
                traffic.aTiles += tiles;
                if (traffic.firstTile == 0)
                  traffic.firstTile = bytes;
              }
              if (ofB) {
                double bytes = bytesOf(layer.b, boxes.b, contraction && context.tensors[layer.b.tensor].constant);
                traffic.bBytes += bytes * m.count * c.count * (contraction ? g.count * bTimes : outer);
              }
              if (firstC) {
                double bytes = bytesOf(layer.o, boxes.o, false);
                traffic.oBytes += bytes * outer * m.count;
                traffic.lastTile = bytes;
                double work = static_cast<double>(boxes.o.elements());
                if (layer.cls == LayerClass::Window)
                  work *= static_cast<double>(layer.shape.r * layer.shape.s);
                traffic.vectorCycles +=
                    std::ceil(work / std::max<uint32_t>(context.machine.vector.lanes, 1)) * outer * m.count;
              }
            }
        }
  if (second)
    traffic.firstWeights =
        traffic.bBytes /
        std::max(1.0, bTimes * static_cast<double>(counts[at(Rank::G)] * counts[at(Rank::M)] * counts[at(Rank::C)]));
  return traffic;
}

//===----------------------------------------------------------------------===//
// Array
//===----------------------------------------------------------------------===//

absl::StatusOr<ArrayWork> Evaluator::array(const Tiling &tiling, bool exact, bool wantActions) const {
  ArrayWork result;
  if (layer.cls != LayerClass::Contraction)
    return result;
  dataflow::Work work;
  work.mapping = &tiling.inner;
  work.safs = &layer.safs;
  work.machine = &context.machine;
  dataflow::Densities densities{context.tensors[layer.a.tensor].density, context.tensors[layer.b.tensor].density};
  for (const TileClass &n : classes(Rank::N, tiling, exact))
    for (const TileClass &g : classes(Rank::G, tiling, exact))
      for (const TileClass &p : classes(Rank::P, tiling, exact))
        for (const TileClass &q : classes(Rank::Q, tiling, exact))
          for (const TileClass &m : classes(Rank::M, tiling, exact))
            for (const TileClass &c : classes(Rank::C, tiling, exact)) {
              work.shape = tileBoxes(layer, tiling, {n.index, g.index, m.index, c.index, p.index, q.index, 0, 0}).shape;
              // Where channels are cut, some tile goes on from earlier sums, whichever stand for all here.
              work.accumulate = tiling.extent(Rank::C) < layer.shape.c;
              if (absl::Status status = context.dataflow.legal(work); !status.ok())
                return absl::Status(status.code(), absl::StrCat("layer '", layer.name, "', tile ", describe(tiling),
                                                                ": ", status.message()));
              work.accumulate = c.index > 0;
              dataflow::Counts counted = context.dataflow.estimate(work, densities);
              double times = n.count * g.count * p.count * q.count * m.count * c.count;
              result.cycles += counted.cycles * times;
              if (wantActions) {
                counted.actions.scale(times);
                result.actions.add(counted.actions);
              }
            }
  return result;
}

//===----------------------------------------------------------------------===//
// Both
//===----------------------------------------------------------------------===//

absl::StatusOr<Cost> Evaluator::combine(const Traffic &traffic, const ArrayWork &array, bool wantEnergy) const {
  const machine::Machine &machine = context.machine;
  Cost cost;
  cost.macCycles = array.cycles;
  cost.vectorCycles = traffic.vectorCycles;
  cost.dramReadBytes = traffic.aBytes + traffic.bBytes;
  cost.dramWriteBytes = traffic.oBytes;
  double perCycle =
      machine.dram.bytesPerCycle > 0 ? machine.dram.bytesPerCycle : std::numeric_limits<double>::infinity();
  cost.loadCycles = cost.dramReadBytes / perCycle;
  cost.storeCycles = cost.dramWriteBytes / perCycle;

  // What is double-buffered overlaps; the rest takes turns.
  bool sumsOverlap = layer.cls != LayerClass::Contraction || machine.levels[context.homes.sums].doubleBuffered;
  double busy = sumsOverlap ? std::max(cost.macCycles, cost.vectorCycles) : cost.macCycles + cost.vectorCycles;
  if (!machine.levels[context.homes.a].doubleBuffered)
    busy += traffic.aBytes / perCycle + traffic.aTiles * machine.dram.latencyCycles;
  double dram =
      machine.dram.sharedBus ? cost.loadCycles + cost.storeCycles : std::max(cost.loadCycles, cost.storeCycles);
  // With two slots the load of a tile waits for the work on the tile before the last: each turn takes at least half of
  // a tile's work, load and latency.
  double turns = (busy + cost.loadCycles + traffic.aTiles * machine.dram.latencyCycles) / 2;
  // Nothing hides a layer's first activations and its last store; its first weights mostly come beside the layer
  // before.
  double exposed =
      (traffic.firstTile + traffic.lastTile + traffic.firstWeights / 4) / perCycle + 2.0 * machine.dram.latencyCycles;
  cost.cycles = std::max({busy, dram, turns}) + exposed;
  // What hides behind the longer of the two is not free: neighbours could use it.
  cost.score = cost.cycles + std::min(busy, dram) / 20;
  if (!wantEnergy)
    return cost;

  machine::ActionCounts actions = array.actions;
  actions.add("dram", "read", cost.dramReadBytes / 8);
  actions.add("dram", "write", cost.dramWriteBytes / 8);
  auto energy = machine.energy.energyByComponent(actions, cost.macCycles, std::max(0.0, cost.cycles - cost.macCycles));
  if (energy.ok())
    for (const auto &[component, pj] : *energy)
      cost.energyPj += pj;
  else if (context.objective != Objective::Latency)
    return energy.status();
  return cost;
}

absl::StatusOr<Cost> Evaluator::run(const Tiling &tiling) {
  auto layout = layoutSlots(layer, tiling, context.tensors, context.homes, context.machine);
  if (!layout.ok())
    return layout.status();
  auto moved = traffic(tiling, *layout);
  if (!moved.ok())
    return moved.status();
  auto worked = array(tiling, true, true);
  if (!worked.ok())
    return worked.status();
  return combine(*moved, *worked, true);
}

} // namespace sparseaccel::schedule
