//===- Search.cpp - Tile sizes that fit, chosen by estimate ---------------===//

#include "Schedule/Search.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

namespace sparseaccel::schedule {

using isa::Rank;
using RankIndex = std::array<int64_t, isa::kNumRanks>;

static unsigned at(Rank rank) { return static_cast<unsigned>(rank); }

RankIndex tileCounts(const LayerDesc &layer, const Tiling &tiling) {
  RankIndex counts;
  for (unsigned r = 0; r < isa::kNumRanks; ++r)
    counts[r] = ceilDiv(layer.shape.extent(static_cast<Rank>(r)), tiling.tile[r]);
  return counts;
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

/// Input positions that output positions [first, first + count) read along one axis, clipped to [0, limit).
static void window(int64_t first, int64_t count, int64_t stride, int64_t dilation, int64_t taps, int64_t padLow,
                   int64_t limit, int64_t &origin, int64_t &extent, int64_t &tilePadLow, int64_t &tilePadHigh) {
  int64_t low = first * stride - padLow;
  int64_t high = (first + count - 1) * stride - padLow + (taps - 1) * dilation + 1;
  origin = std::clamp<int64_t>(low, 0, limit);
  int64_t end = std::clamp<int64_t>(high, 0, limit);
  extent = std::max<int64_t>(end - origin, 0);
  tilePadLow = std::max<int64_t>(0, std::min<int64_t>(-low, high - low));
  tilePadHigh = (high - low) - tilePadLow - extent;
}

TileBoxes tileBoxes(const LayerDesc &layer, const Tiling &tiling, const RankIndex &index) {
  const dataflow::Contraction &shape = layer.shape;
  TileBoxes boxes;
  RankIndex first, count;
  for (unsigned r = 0; r < isa::kNumRanks; ++r) {
    first[r] = index[r] * tiling.tile[r];
    count[r] = std::min(tiling.tile[r], shape.extent(static_cast<Rank>(r)) - first[r]);
  }
  auto [n0, g0, m0, c0, p0, q0, r0, s0] = first;
  auto [n, g, m, c, p, q, r, s] = count;
  boxes.shape = shape;
  boxes.shape.n = n, boxes.shape.g = g, boxes.shape.m = m, boxes.shape.c = c, boxes.shape.p = p, boxes.shape.q = q;
  boxes.o = {{n0, p0, q0, g0 * shape.m + m0}, {n, p, q, g == 1 ? m : g * shape.m}};
  if (layer.cls == LayerClass::Map) {
    boxes.a = boxes.o;
    boxes.aRead = boxes.a.origin;
    boxes.b = boxes.o;
    for (int d = 0; d < 4; ++d)
      if (layer.b.shape[d] == 1) {
        boxes.b.origin[d] = 0;
        boxes.b.extent[d] = 1;
      }
    return boxes;
  }
  int64_t row, rows, column, columns;
  window(p0, p, shape.strideH, shape.dilationH, r, shape.padTop, shape.inputRows(), row, rows, boxes.shape.padTop,
         boxes.shape.padBottom);
  window(q0, q, shape.strideW, shape.dilationW, s, shape.padLeft, shape.inputColumns(), column, columns,
         boxes.shape.padLeft, boxes.shape.padRight);
  // Windows keep their channels in m; a contraction's input channels are those of its groups.
  int64_t channel = layer.cls == LayerClass::Window ? m0 : g0 * shape.c + c0;
  int64_t channels = layer.cls == LayerClass::Window ? m : (g == 1 ? c : g * shape.c);
  boxes.aRead = {n0, row, column, channel};
  boxes.a = {{n0, row, column, channel}, {n, rows, columns, channels}};
  if (q == shape.q) {
    boxes.a.origin[2] = 0;
    boxes.a.extent[2] = std::max(layer.a.shape[2], columns);
  }
  if (layer.cls == LayerClass::Contraction)
    boxes.b = {{g0 * shape.m + m0, 0, 0, c0}, {g == 1 ? m : g * shape.m, r, s, c}};
  return boxes;
}

//===----------------------------------------------------------------------===//
// Capacity
//===----------------------------------------------------------------------===//

static Coord granuleFor(const TensorDesc &tensor, const Coord &tile, bool weights) {
  return tensor.granule[3] ? tensor.granule : defaultGranule(tensor, tile, weights);
}

static std::string describe(const Tiling &tiling) {
  static const char *names = "NGMCPQ";
  std::string text;
  for (unsigned r = 0; r < 6; ++r)
    absl::StrAppend(&text, r ? " " : "", std::string(1, names[r]), "=", tiling.tile[r]);
  return text;
}

absl::StatusOr<SlotLayout> layoutSlots(const LayerDesc &layer, const Tiling &tiling,
                                       const std::vector<TensorDesc> &tensors, const Homes &homes,
                                       const machine::Machine &machine) {
  SlotLayout layout;
  RankIndex counts = tileCounts(layer, tiling);
  auto tiles = [&](std::initializer_list<Rank> ranks) {
    int64_t product = 1;
    for (Rank rank : ranks)
      product *= counts[at(rank)];
    return product;
  };
  auto copies = [&](int level, int64_t tiles) { return machine.levels[level].doubleBuffered && tiles > 1 ? 2u : 1u; };
  auto round8 = [](uint64_t bytes) { return (bytes + 7) / 8 * 8; };

  // The largest tile of each operand: the first one holds whole extents, but padding shortens its rows, so rows are
  // taken without padding.
  TileBoxes boxes = tileBoxes(layer, tiling, {});
  const dataflow::Contraction &shape = layer.shape;
  if (layer.cls != LayerClass::Map) {
    auto rows = [](int64_t count, int64_t stride, int64_t taps, int64_t dilation, int64_t limit) {
      return std::min((count - 1) * stride + (taps - 1) * dilation + 1, limit);
    };
    boxes.a.extent[1] = rows(boxes.shape.p, shape.strideH, shape.r, shape.dilationH, shape.inputRows());
    if (boxes.shape.q != shape.q)
      boxes.a.extent[2] = rows(boxes.shape.q, shape.strideW, shape.s, shape.dilationW, shape.inputColumns());
  }
  bool contraction = layer.cls == LayerClass::Contraction;
  const TensorDesc &a = tensors[layer.a.tensor], &o = tensors[layer.o.tensor];
  layout.a.level = homes.a;
  layout.a.bytes = round8(bufferBytes(a, granuleFor(a, boxes.a.extent, false), boxes.a.extent));
  layout.a.copies = copies(homes.a, contraction ? tiles({Rank::N, Rank::G, Rank::C, Rank::P, Rank::Q})
                                                : tiles({Rank::N, Rank::M, Rank::P, Rank::Q}));
  if (layer.b.tensor >= 0) {
    const TensorDesc &b = tensors[layer.b.tensor];
    layout.b.level = contraction ? homes.b : homes.a;
    layout.b.bytes = round8(bufferBytes(b, granuleFor(b, boxes.b.extent, contraction && b.constant), boxes.b.extent));
    layout.b.copies = copies(layout.b.level, contraction ? tiles({Rank::G, Rank::M, Rank::C})
                                                         : tiles({Rank::N, Rank::M, Rank::P, Rank::Q}));
  }
  int64_t outputTiles = tiles({Rank::N, Rank::G, Rank::M, Rank::P, Rank::Q});
  if (contraction) {
    layout.sums.level = homes.sums;
    layout.sums.bytes = round8((boxes.o.elements() * machine.levels[homes.sums].psumBits + 7) / 8);
    layout.sums.copies = copies(homes.sums, outputTiles);
  }
  layout.o.level = homes.o;

  std::vector<uint64_t> used(machine.levels.size());
  for (const SlotNeed *need : {&layout.a, &layout.b, &layout.sums})
    if (need->level >= 0)
      used[need->level] += need->bytes * need->copies;
  auto capacity = [&](int level) { return machine.levels[level].sizeBytes * machine.levels[level].instances; };
  auto tooBig = [&](int level, uint64_t needed) {
    return absl::ResourceExhaustedError(absl::StrCat("layer '", layer.name, "': a tile of ", describe(tiling),
                                                     " needs ", needed, " bytes in level '", machine.levels[level].name,
                                                     "', which has ", capacity(level)));
  };
  for (int level = 0, e = static_cast<int>(used.size()); level < e; ++level)
    if (used[level] > capacity(level))
      return tooBig(level, used[level]);

  // Results: the whole tile where it fits, else as many rows of one image as do.
  uint64_t room = capacity(homes.o) - used[homes.o];
  Coord extent = boxes.o.extent;
  Coord granule = granuleFor(o, extent, false);
  auto fits = [&](const Coord &piece, int64_t pieces) {
    layout.o.bytes = round8(bufferBytes(o, granule, piece));
    layout.o.copies = copies(homes.o, pieces);
    return layout.o.bytes * layout.o.copies <= room;
  };
  if (fits(extent, outputTiles))
    return layout;
  // Maps and windows write as much as they read; pieces serve contractions, whose sums wait in a buffer.
  if (!contraction)
    return tooBig(homes.o, used[homes.o] + layout.o.bytes * layout.o.copies);
  Coord piece = extent;
  piece[0] = 1;
  uint64_t rowBytes = std::max<uint64_t>(bufferBytes(o, granule, {1, 1, extent[2], extent[3]}), 1);
  piece[1] = std::clamp<int64_t>(room / (rowBytes * copies(homes.o, 2)), 1, extent[1]);
  if (piece[1] > 1 && !fits(piece, 2))
    --piece[1];
  if (!fits(piece, 2))
    return tooBig(homes.o, used[homes.o] + layout.o.bytes * layout.o.copies);
  layout.oRows = piece[1];
  return layout;
}

absl::Status accepts(const LayerDesc &layer, const machine::Machine &machine) {
  static const char *kinds[] = {"conv", "depthwise", "fully_connected", "matmul"};
  if (layer.cls == LayerClass::Contraction) {
    if (std::find(machine.kinds.begin(), machine.kinds.end(), layer.shape.kind) == machine.kinds.end())
      return absl::UnimplementedError(absl::StrCat("machine '", machine.name, "' takes no contraction of kind '",
                                                   kinds[static_cast<unsigned>(layer.shape.kind)], "'"));
    if (!machine.supports(isa::VectorKind::Rescale))
      return absl::UnimplementedError(absl::StrCat("machine '", machine.name, "' has no vector unit for 'rescale'"));
  } else if (layer.cls != LayerClass::Host && !machine.supports(layer.vector)) {
    return absl::UnimplementedError(
        absl::StrCat("machine '", machine.name, "' has no vector unit for '", layer.kind, "'"));
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Cost
//===----------------------------------------------------------------------===//

namespace {

/// Tiles of one rank that look alike: one of them, and how many there are.
struct TileClass {
  int64_t index = 0;
  double count = 1;
};

class Evaluator {
public:
  Evaluator(const LayerDesc &layer, const SearchContext &context) : layer(layer), context(context) {}

  /// `exact`: every kind of tile is estimated for itself; else an inner tile stands for all.
  absl::StatusOr<Cost> run(const Tiling &tiling, bool exact);

private:
  std::vector<TileClass> classes(Rank rank, const Tiling &tiling, bool exact) const;

  const LayerDesc &layer;
  const SearchContext &context;
};

std::vector<TileClass> Evaluator::classes(Rank rank, const Tiling &tiling, bool exact) const {
  int64_t extent = layer.shape.extent(rank), tile = tiling.extent(rank), count = ceilDiv(extent, tile);
  if (count == 1)
    return {{0, 1}};
  if (!exact)
    return {{count > 2 ? 1 : 0, static_cast<double>(extent) / static_cast<double>(tile)}};
  std::vector<TileClass> result;
  if (rank != Rank::P && rank != Rank::Q) {
    result.push_back({0, static_cast<double>(count - 1)});
    result.push_back({count - 1, 1});
    if (extent % tile == 0) {
      result.pop_back();
      result.back().count = static_cast<double>(count);
    }
    return result;
  }
  // Tiles at the edges see padding.
  std::map<std::array<int64_t, 4>, size_t> seen;
  for (int64_t i = 0; i < count; ++i) {
    RankIndex index{};
    index[at(rank)] = i;
    dataflow::Contraction shape = tileBoxes(layer, tiling, index).shape;
    auto key = rank == Rank::P ? std::array<int64_t, 4>{shape.p, shape.padTop, shape.padBottom, 0}
                               : std::array<int64_t, 4>{shape.q, shape.padLeft, shape.padRight, 0};
    auto [it, isNew] = seen.try_emplace(key, result.size());
    if (isNew)
      result.push_back({i, 1});
    else
      result[it->second].count += 1;
  }
  return result;
}

absl::StatusOr<Cost> Evaluator::run(const Tiling &tiling, bool exact) {
  const machine::Machine &machine = context.machine;
  auto layout = layoutSlots(layer, tiling, context.tensors, context.homes, machine);
  if (!layout.ok())
    return layout.status();
  bool contraction = layer.cls == LayerClass::Contraction;
  const TensorDesc &a = context.tensors[layer.a.tensor], &o = context.tensors[layer.o.tensor];
  const TensorDesc *b = layer.b.tensor >= 0 ? &context.tensors[layer.b.tensor] : nullptr;
  dataflow::Work work;
  work.mapping = &tiling.inner;
  work.safs = &layer.safs;
  work.machine = &machine;
  dataflow::Densities densities{a.density, b ? b->density : 1.0};
  RankIndex counts = tileCounts(layer, tiling);

  // An operand is fetched again for every iteration of a loop that it does not depend on, unless nothing that it
  // depends on changes inside that loop.
  auto refetch = [&](std::initializer_list<Rank> irrelevant) {
    double times = 1;
    for (size_t i = 0; i < tiling.order.size(); ++i) {
      Rank rank = tiling.order[i];
      if (std::find(irrelevant.begin(), irrelevant.end(), rank) == irrelevant.end())
        continue;
      for (size_t j = i + 1; j < tiling.order.size(); ++j) {
        Rank inner = tiling.order[j];
        bool changes =
            std::find(irrelevant.begin(), irrelevant.end(), inner) == irrelevant.end() && counts[at(inner)] > 1;
        if (changes) {
          times *= static_cast<double>(counts[at(rank)]);
          break;
        }
      }
    }
    return times;
  };
  double aTimes = contraction ? refetch({Rank::M}) : 1;
  double bTimes = contraction ? refetch({Rank::N, Rank::P, Rank::Q}) : 1;

  Cost cost;
  machine::ActionCounts actions;
  double aBytes = 0, bBytes = 0, firstTile = 0, lastTile = 0, aTiles = 0;
  bool wantEnergy = exact || context.objective == Objective::Energy;
  uint32_t burst = machine.dram.burstBytes;
  auto ns = classes(Rank::N, tiling, exact), gs = classes(Rank::G, tiling, exact), ms = classes(Rank::M, tiling, exact),
       cs = classes(Rank::C, tiling, exact), ps = classes(Rank::P, tiling, exact), qs = classes(Rank::Q, tiling, exact);
  for (const TileClass &n : ns)
    for (const TileClass &g : gs)
      for (const TileClass &p : ps)
        for (const TileClass &q : qs) {
          // Weights do not depend on images, rows and columns: they are counted at the first combination of these.
          bool firstOuter = n.index == ns.front().index && p.index == ps.front().index && q.index == qs.front().index;
          bool firstM = true;
          for (const TileClass &m : ms) {
            bool firstC = true;
            for (const TileClass &c : cs) {
              TileBoxes boxes = tileBoxes(layer, tiling, {n.index, g.index, m.index, c.index, p.index, q.index, 0, 0});
              double outer = n.count * g.count * p.count * q.count;
              if (boxes.a.elements() <= 0)
                return absl::InvalidArgumentError(absl::StrCat("layer '", layer.name, "': a tile of ", describe(tiling),
                                                               " would read nothing but padding"));
              if (contraction) {
                work.shape = boxes.shape;
                // Where channels are cut, some tile goes on from earlier sums, whichever stand for all here.
                work.accumulate = counts[at(Rank::C)] > 1;
                if (absl::Status status = context.dataflow.legal(work); !status.ok())
                  return absl::Status(status.code(), absl::StrCat("layer '", layer.name, "', tile ", describe(tiling),
                                                                  ": ", status.message()));
                work.accumulate = c.index > 0;
                dataflow::Counts counted = context.dataflow.estimate(work, densities);
                double times = outer * m.count * c.count;
                cost.macCycles += counted.cycles * times;
                if (wantEnergy) {
                  counted.actions.scale(times);
                  actions.add(counted.actions);
                }
              }
              if (firstM || !contraction) {
                double bytes = dramBytes(a, granuleFor(a, boxes.a.extent, false), boxes.a.extent, burst);
                double tiles = outer * c.count * (contraction ? aTimes : m.count);
                aBytes += bytes * tiles;
                aTiles += tiles;
                if (!firstTile)
                  firstTile = bytes;
              }
              if (b && (!contraction || firstOuter)) {
                Coord granule = granuleFor(*b, boxes.b.extent, contraction && b->constant);
                double bytes = dramBytes(*b, granule, boxes.b.extent, burst);
                bBytes += bytes * m.count * c.count * (contraction ? g.count * bTimes : outer);
              }
              if (firstC) {
                double bytes = dramBytes(o, granuleFor(o, boxes.o.extent, false), boxes.o.extent, burst);
                cost.dramWriteBytes += bytes * outer * m.count;
                lastTile = bytes;
                double work = static_cast<double>(boxes.o.elements());
                if (layer.cls == LayerClass::Window)
                  work *= static_cast<double>(layer.shape.r * layer.shape.s);
                cost.vectorCycles += std::ceil(work / std::max<uint32_t>(machine.vector.lanes, 1)) * outer * m.count;
              }
              firstC = false;
            }
            firstM = false;
          }
        }
  double firstWeights = 0;
  if (b)
    firstWeights =
        bBytes /
        std::max(1.0, bTimes * static_cast<double>(counts[at(Rank::G)] * counts[at(Rank::M)] * counts[at(Rank::C)]));
  cost.dramReadBytes = aBytes + bBytes;
  double perCycle =
      machine.dram.bytesPerCycle > 0 ? machine.dram.bytesPerCycle : std::numeric_limits<double>::infinity();
  cost.loadCycles = cost.dramReadBytes / perCycle;
  cost.storeCycles = cost.dramWriteBytes / perCycle;

  // What is double-buffered overlaps; the rest takes turns.
  auto overlaps = [&](const SlotNeed &need) { return need.level < 0 || machine.levels[need.level].doubleBuffered; };
  double array =
      overlaps(layout->sums) ? std::max(cost.macCycles, cost.vectorCycles) : cost.macCycles + cost.vectorCycles;
  double dram =
      machine.dram.sharedBus ? cost.loadCycles + cost.storeCycles : std::max(cost.loadCycles, cost.storeCycles);
  double serial = overlaps(layout->a) ? 0 : aBytes / perCycle + aTiles * machine.dram.latencyCycles;
  // Nothing hides a layer's first activations and its last store; its first weights mostly come beside the layer
  // before.
  double exposed = (firstTile + lastTile + firstWeights / 4) / perCycle + 2.0 * machine.dram.latencyCycles;
  double busy = array + serial;
  cost.cycles = std::max(busy, dram) + exposed;
  // What hides behind the longer of the two is not free: neighbours could use it.
  cost.score = cost.cycles + std::min(busy, dram) / 20;

  if (wantEnergy) {
    actions.add("dram", "read", cost.dramReadBytes / 8);
    actions.add("dram", "write", cost.dramWriteBytes / 8);
    auto energy =
        machine.energy.energyByComponent(actions, cost.macCycles, std::max(0.0, cost.cycles - cost.macCycles));
    if (energy.ok())
      for (const auto &[component, pj] : *energy)
        cost.energyPj += pj;
    else if (context.objective == Objective::Energy)
      return energy.status();
  }
  return cost;
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

/// Tile sizes of a rank, largest first. Each is ceil(extent / f) for some f, because that is what a mapping can say.
std::vector<int64_t> sizes(int64_t extent, int64_t multiple, int64_t hint, bool all) {
  std::set<int64_t, std::greater<>> result{extent};
  auto add = [&](int64_t tile, int64_t keepTo) {
    if (tile < 1 || tile >= extent)
      return;
    int64_t balanced = ceilDiv(extent, ceilDiv(extent, tile));
    if (balanced % keepTo == 0)
      result.insert(balanced);
  };
  for (int64_t f = 1; f <= extent; f = f < 6 ? f + 1 : f + f / 3)
    add(ceilDiv(extent, f), multiple);
  for (int64_t k = 1; k * multiple < extent; k *= 2) {
    add(k * multiple, multiple);
    add(3 * k * multiple, multiple);
  }
  if (hint > 1)
    for (int64_t k = 1; k * hint < extent; k *= 2)
      add(k * hint, hint);
  if (all)
    for (int64_t tile = 1; tile < extent; tile *= 2)
      add(tile, 1);
  return {result.begin(), result.end()};
}

struct Candidate {
  Tiling tiling;
  Cost cost;
};

bool better(const Cost &x, const Cost &y, Objective objective) {
  double xFirst = objective == Objective::Latency ? x.score : x.energyPj,
         yFirst = objective == Objective::Latency ? y.score : y.energyPj;
  if (xFirst != yFirst)
    return xFirst < yFirst;
  double xBytes = x.dramReadBytes + x.dramWriteBytes, yBytes = y.dramReadBytes + y.dramWriteBytes;
  if (xBytes != yBytes)
    return xBytes < yBytes;
  return objective == Objective::Latency ? x.energyPj < y.energyPj : x.score < y.score;
}

class Searcher {
public:
  Searcher(const LayerDesc &layer, const SearchContext &context)
      : layer(layer), context(context), evaluator(layer, context) {}
  absl::StatusOr<Schedule> run();

private:
  /// The best of what tier() found, judged exactly; none where nothing stands.
  std::optional<Schedule> judge();
  /// Tries all tiles of a tier: 0 keeps channels to comfortable multiples and rows whole, 1 takes any channel count, 2
  /// cuts rows as well.
  void tier(int tier);
  void tryTile(Tiling tiling);
  /// Whether any of these row counts fitted.
  bool tryRows(Tiling tiling, const std::vector<int64_t> &rows);

  const LayerDesc &layer;
  const SearchContext &context;
  Evaluator evaluator;
  std::vector<Candidate> found;
  absl::Status refusal; ///< The last one: of the smallest tile, as sizes descend.
  unsigned tried = 0;
};

void Searcher::tryTile(Tiling tiling) {
  static const std::vector<Rank> orders[] = {
      {Rank::G, Rank::M, Rank::N, Rank::P, Rank::Q, Rank::C},  // weights stay
      {Rank::G, Rank::N, Rank::P, Rank::Q, Rank::M, Rank::C}}; // activations stay
  RankIndex counts = tileCounts(layer, tiling);
  bool contraction = layer.cls == LayerClass::Contraction;
  std::vector<isa::Mapping> inner(1);
  if (contraction) {
    RankIndex index;
    for (unsigned r = 0; r < isa::kNumRanks; ++r)
      index[r] = counts[r] > 2 ? 1 : 0;
    inner = context.dataflow.innerMappings(tileBoxes(layer, tiling, index).shape, context.machine);
    if (inner.empty()) {
      refusal = absl::InvalidArgumentError(absl::StrCat("layer '", layer.name, "': dataflow '", context.dataflow.name(),
                                                        "' has no mapping for a tile of ", describe(tiling)));
      return;
    }
    if (inner.size() > 4)
      inner.resize(4);
  }
  // With one tile of M, or one of everything else, the two orders are the same.
  bool bothOrders =
      contraction && counts[at(Rank::M)] > 1 && counts[at(Rank::N)] * counts[at(Rank::P)] * counts[at(Rank::Q)] > 1;
  for (const isa::Mapping &mapping : inner)
    for (int o = 0; o < (bothOrders ? 2 : 1); ++o) {
      tiling.order = orders[o];
      tiling.inner = mapping;
      ++tried;
      auto cost = evaluator.run(tiling, false);
      if (cost.ok())
        found.push_back({tiling, *cost});
      else
        refusal = cost.status();
    }
}

bool Searcher::tryRows(Tiling tiling, const std::vector<int64_t> &rows) {
  unsigned fitted = 0;
  for (int64_t p : rows) {
    tiling.tile[at(Rank::P)] = p;
    auto layout = layoutSlots(layer, tiling, context.tensors, context.homes, context.machine);
    if (!layout.ok()) {
      if (found.empty())
        refusal = layout.status();
      continue;
    }
    size_t before = found.size();
    tryTile(tiling);
    if (found.size() > before && ++fitted == 4)
      break;
  }
  return fitted > 0;
}

void Searcher::tier(int tier) {
  const dataflow::Contraction &shape = layer.shape;
  bool contraction = layer.cls == LayerClass::Contraction;
  dataflow::Dataflow::TileHint passes;
  if (contraction)
    passes = context.dataflow.tileHint(shape, context.machine);
  auto keepTo = [&](int tensor) {
    int64_t granule = context.tensors[tensor].granule[3];
    return granule ? granule : 16;
  };
  bool all = tier > 0;
  // Tiles that take more passes over the array than the layer needs are a last resort: loads that hide behind a
  // neighbour's work do not pay for them.
  auto channels = [&](int64_t extent, int tensor, int64_t hint) {
    std::vector<int64_t> tiles = sizes(extent, keepTo(tensor), hint, all && !context.tensors[tensor].granule[3]);
    if (!all && passes.wholePasses)
      tiles.erase(std::remove_if(tiles.begin(), tiles.end(),
                                 [&](int64_t tile) {
                                   return ceilDiv(extent, tile) * ceilDiv(tile, hint) > ceilDiv(extent, hint);
                                 }),
                  tiles.end());
    return tiles;
  };
  bool depthwise = shape.g > 1 && shape.c == 1;
  std::vector<int64_t> groups = depthwise     ? channels(shape.g, layer.a.tensor, 1)
                                : shape.g > 1 ? std::vector<int64_t>{shape.g, 1}
                                              : std::vector<int64_t>{1};
  std::vector<int64_t> rows = sizes(shape.p, 1, passes.p, true);
  std::vector<int64_t> columns = tier > 1 ? sizes(shape.q, 1, 1, true) : std::vector<int64_t>{shape.q};
  for (int64_t q : columns) {
    for (int64_t n : sizes(shape.n, 1, 1, true))
      for (int64_t g : groups)
        for (int64_t m : channels(shape.m, layer.o.tensor, passes.m)) {
          if (g > 1 && m != shape.m)
            break;
          unsigned fitted = 0;
          for (int64_t c : channels(shape.c, layer.a.tensor, passes.c)) {
            if (g > 1 && c != shape.c)
              break;
            Tiling tiling;
            tiling.tile = {n, g, m, c, shape.p, q, shape.r, shape.s};
            // Smaller channel tiles only move the sums more often.
            if (tryRows(tiling, rows) && ++fitted == 2)
              break;
          }
        }
    if (tier > 1 && !found.empty())
      break;
  }
}

std::optional<Schedule> Searcher::judge() {
  std::stable_sort(found.begin(), found.end(),
                   [&](const Candidate &x, const Candidate &y) { return better(x.cost, y.cost, context.objective); });
  // The quick estimate ranks; the exact one decides among the best.
  std::optional<Schedule> best;
  unsigned judged = 0;
  for (const Candidate &candidate : found) {
    auto cost = evaluator.run(candidate.tiling, true);
    if (!cost.ok()) {
      refusal = cost.status();
      continue;
    }
    if (!best || better(*cost, best->cost, context.objective))
      best = Schedule{candidate.tiling, *cost, 0};
    if (++judged == 8)
      break;
  }
  return best;
}

absl::StatusOr<Schedule> Searcher::run() {
  for (int t = 0; t < 3; ++t) {
    found.clear();
    tier(t);
    if (std::optional<Schedule> best = judge()) {
      best->candidates = tried;
      return *best;
    }
  }
  return refusal.ok() ? absl::InternalError(absl::StrCat("layer '", layer.name, "': no tile was tried")) : refusal;
}

} // namespace

absl::StatusOr<Schedule> search(const LayerDesc &layer, const SearchContext &context) {
  if (absl::Status status = accepts(layer, context.machine); !status.ok())
    return status;
  return Searcher(layer, context).run();
}

absl::StatusOr<Cost> evaluate(const LayerDesc &layer, const Tiling &tiling, const SearchContext &context) {
  return Evaluator(layer, context).run(tiling, true);
}

//===----------------------------------------------------------------------===//
// Granules
//===----------------------------------------------------------------------===//

void chooseGranules(const std::vector<LayerDesc> &layers, const std::vector<Tiling> &tilings,
                    std::vector<TensorDesc> &tensors) {
  // Along each axis the greatest common divisor of every cut, the tensor's own edge not being one.
  std::vector<Coord> cuts(tensors.size(), Coord{0, 0, 0, 0});
  auto cut = [&](const View &view, int d, int64_t position) {
    position += view.origin[d];
    if (position != 0 && position != tensors[view.tensor].shape[d])
      cuts[view.tensor][d] = std::gcd(cuts[view.tensor][d], position);
  };
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerDesc &layer = layers[i];
    if (layer.cls == LayerClass::Host)
      continue;
    RankIndex counts = tileCounts(layer, tilings[i]);
    // One rank at a time: boxes are products of intervals.
    for (unsigned r = 0; r < isa::kNumRanks; ++r)
      for (int64_t t = 0; t < counts[r]; ++t) {
        RankIndex index{};
        index[r] = t;
        // Channels of groups and of tiles within a group combine.
        std::vector<RankIndex> indices{index};
        if (static_cast<Rank>(r) == Rank::M || static_cast<Rank>(r) == Rank::C)
          for (int64_t g = 1; g < counts[at(Rank::G)]; ++g) {
            index[at(Rank::G)] = g;
            indices.push_back(index);
          }
        for (const RankIndex &where : indices) {
          TileBoxes boxes = tileBoxes(layer, tilings[i], where);
          for (int d = 0; d < 4; ++d) {
            cut(layer.a, d, boxes.a.origin[d]);
            cut(layer.a, d, boxes.a.origin[d] + boxes.a.extent[d]);
            cut(layer.o, d, boxes.o.origin[d]);
            cut(layer.o, d, boxes.o.origin[d] + boxes.o.extent[d]);
            if (layer.b.tensor >= 0) {
              cut(layer.b, d, boxes.b.origin[d]);
              cut(layer.b, d, boxes.b.origin[d] + boxes.b.extent[d]);
            }
          }
        }
      }
  }
  for (size_t t = 0; t < tensors.size(); ++t) {
    TensorDesc &tensor = tensors[t];
    for (int d = 0; d < 4; ++d)
      tensor.granule[d] = cuts[t][d] ? cuts[t][d] : tensor.shape[d];
    if (!tensor.constant)
      tensor.granule[0] = tensor.granule[1] = 1;
  }
}

} // namespace sparseaccel::schedule
