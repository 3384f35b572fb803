//===- Search.cpp - Tile sizes and loop orders, chosen by estimate --------===//
//
// The space: tile sizes, orders of the loops over tiles, and the dataflow's inner mappings. A first sweep looks where
// good tilings mostly are (large tiles, the dataflow's best mappings); refinements then go through the rest, with what
// was found so far as a bar. Two bounds cut it down: one for all of a layer, at which the search stops, and one for a
// choice of tile sizes, whose traffic is known before the array is asked.
//
//===----------------------------------------------------------------------===//

#include "Schedule/Evaluate.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

namespace sparseaccel::schedule {

using isa::Rank;
using RankIndex = std::array<int64_t, isa::kNumRanks>;

static unsigned at(Rank rank) { return static_cast<unsigned>(rank); }

double valueOf(const Cost &cost, Objective objective) {
  switch (objective) {
  case Objective::Latency:
    return cost.score;
  case Objective::Energy:
    return cost.energyPj;
  case Objective::Edp:
    return cost.energyPj * cost.cycles;
  }
  return cost.score;
}

std::vector<std::vector<Rank>> loopOrders(const LayerDesc &layer, const Tiling &tiling) {
  // Activations do not depend on M, weights not on N, P and Q: what counts is which of these loops run inside the one
  // over M. Loops of one tile may stand anywhere.
  RankIndex counts = tileCounts(layer, tiling);
  std::vector<Rank> many;
  if (layer.cls == LayerClass::Contraction && counts[at(Rank::M)] > 1)
    for (Rank rank : {Rank::N, Rank::P, Rank::Q})
      if (counts[at(rank)] > 1)
        many.push_back(rank);
  std::vector<std::vector<Rank>> orders;
  // All inside first: weights stay. All outside last: activations stay.
  for (unsigned outside = 0; outside < 1u << many.size(); ++outside) {
    std::vector<Rank> order{Rank::G};
    auto add = [&](bool wanted) {
      for (Rank rank : {Rank::N, Rank::P, Rank::Q}) {
        auto found = std::find(many.begin(), many.end(), rank);
        bool isOutside = found != many.end() && (outside >> (found - many.begin()) & 1);
        if (isOutside == wanted)
          order.push_back(rank);
      }
    };
    add(true);
    order.push_back(Rank::M);
    add(false);
    order.push_back(Rank::C);
    orders.push_back(std::move(order));
  }
  return orders;
}

namespace {

/// Which sizes of a tile are worth trying, besides even parts of the extent and multiples of the hint.
enum class Sizes : uint8_t { Few, PowersOfTwo, All };

/// Tile sizes of a rank, largest first. Each is ceil(extent / f) for some f, because that is what a mapping can say.
std::vector<int64_t> sizes(int64_t extent, int64_t multiple, int64_t hint, Sizes which) {
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
  if (which == Sizes::PowersOfTwo)
    for (int64_t tile = 1; tile < extent; tile *= 2)
      add(tile, 1);
  if (which == Sizes::All)
    for (int64_t tile = extent - 1; tile >= 1; tile = ceilDiv(extent, ceilDiv(extent, tile)) - 1)
      add(tile, multiple);
  return {result.begin(), result.end()};
}

struct Candidate {
  Tiling tiling;
  Cost cost;
};

bool better(const Cost &x, const Cost &y, Objective objective) {
  double xFirst = valueOf(x, objective), yFirst = valueOf(y, objective);
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
      : layer(layer), context(context), evaluator(layer, context), contraction(layer.cls == LayerClass::Contraction),
        wantEnergy(context.objective != Objective::Latency) {
    if (contraction)
      hint = context.dataflow.tileHint(layer.shape, context.machine);
  }
  absl::StatusOr<Schedule> run();

private:
  /// Which tile sizes a sweep goes through, and how much of what it finds there it looks at.
  struct Sweep {
    bool allSizes = false;    ///< Of rows, images and channels that keep to the multiple; else a selection.
    bool anyChannels = false; ///< Channels of any number, where no granule forbids it.
    bool columns = false;     ///< Rows may be cut along columns.
    unsigned rows = kAll;     ///< Row counts that fit, for each choice of the others.
    unsigned channels = kAll; ///< Input channel counts that fit.
    unsigned inner = kAll;    ///< Inner mappings.
  };
  void sweep(const Sweep &sweep);
  std::vector<int64_t> channelSizes(int64_t extent, const TensorDesc &tensor, int64_t pass, const Sweep &sweep) const;
  /// Whether a tile fits, and all that it may be: orders and inner mappings.
  bool tryTile(Tiling tiling, const Sweep &sweep);
  /// The best of what was found since the last time becomes the best of all, if it is; judged exactly.
  void judge();
  bool worse(const Cost &bound) const {
    return best && valueOf(bound, context.objective) >= valueOf(best->cost, context.objective);
  }
  /// Whether no choice of rows under these tile sizes can beat the best.
  bool hopeless(const Tiling &tiling) const;
  bool meetsBound(const Cost &cost) const {
    constexpr double near = 1e-3;
    return valueOf(cost, context.objective) <= valueOf(bound, context.objective) * (1 + near);
  }
  bool atBound() const { return best && meetsBound(best->cost); }
  /// What a refinement must lower. Of time, only that of the busiest part counts: what nothing hides in a layer by
  /// itself hides behind its neighbours in a network.
  double gauge(const Cost &cost) const {
    if (context.objective != Objective::Latency)
      return valueOf(cost, context.objective);
    double dram = context.machine.dram.sharedBus ? cost.loadCycles + cost.storeCycles
                                                 : std::max(cost.loadCycles, cost.storeCycles);
    return std::max({cost.macCycles, cost.vectorCycles, dram});
  }
  bool spent() const { return tried + pruned / kPrunedPerEstimate >= limit; }

  /// A tiling that falls to a bound takes about so much less work than an estimate.
  static constexpr unsigned kPrunedPerEstimate = 16;
  static constexpr unsigned kAll = std::numeric_limits<unsigned>::max();

  const LayerDesc &layer;
  const SearchContext &context;
  Evaluator evaluator;
  bool contraction, wantEnergy;
  dataflow::Dataflow::TileHint hint;
  std::vector<Candidate> found;
  std::optional<Schedule> best;
  Cost bound;
  absl::flat_hash_set<RankIndex> seen, seenFew; ///< Tiles tried with all inner mappings, and with the first ones.
  absl::Status refusal;                         ///< The last one: of the smallest tile, as sizes descend.
  unsigned tried = 0, pruned = 0;
  uint64_t limit = std::numeric_limits<uint64_t>::max();
  double bar = std::numeric_limits<double>::infinity(); ///< What a refinement must reach.
};

bool Searcher::tryTile(Tiling tiling, const Sweep &sweep) {
  auto layout = layoutSlots(layer, tiling, context.tensors, context.homes, context.machine);
  if (!layout.ok()) {
    ++pruned;
    if (!best && found.empty())
      refusal = layout.status();
    return false;
  }
  if (seen.contains(tiling.tile) || (sweep.inner != kAll && seenFew.contains(tiling.tile)))
    return true;
  struct Order {
    std::vector<Rank> loops;
    Traffic traffic;
  };
  std::vector<Order> orders;
  for (std::vector<Rank> &loops : loopOrders(layer, tiling)) {
    tiling.order = std::move(loops);
    auto traffic = evaluator.traffic(tiling, *layout);
    if (!traffic.ok()) {
      refusal = traffic.status();
      return false;
    }
    auto same = std::find_if(orders.begin(), orders.end(), [&](const Order &other) {
      return other.traffic.aBytes == traffic->aBytes && other.traffic.bBytes == traffic->bBytes;
    });
    if (same != orders.end())
      continue;
    auto least = evaluator.combine(*traffic, evaluator.leastArray(), wantEnergy);
    if (least.ok() && worse(*least))
      continue;
    orders.push_back({tiling.order, *traffic});
  }
  if (orders.empty()) {
    ++pruned;
    seen.insert(tiling.tile);
    return true;
  }
  bool fits = false;
  auto consider = [&](const isa::Mapping &inner) {
    tiling.inner = inner;
    ++tried;
    auto array = evaluator.array(tiling, false, wantEnergy);
    if (!array.ok()) {
      refusal = array.status();
      return;
    }
    for (const Order &order : orders) {
      auto cost = evaluator.combine(order.traffic, *array, wantEnergy);
      if (!cost.ok()) {
        refusal = cost.status();
        continue;
      }
      tiling.order = order.loops;
      found.push_back({tiling, *cost});
      fits = true;
    }
  };
  if (!contraction) {
    consider({});
    return fits;
  }
  RankIndex index, counts = tileCounts(layer, tiling);
  for (unsigned r = 0; r < isa::kNumRanks; ++r)
    index[r] = counts[r] > 2 ? 1 : 0;
  dataflow::Contraction shape = tileBoxes(layer, tiling, index).shape;
  unsigned given = 0;
  if (sweep.inner != kAll) {
    seenFew.insert(tiling.tile);
    for (const isa::Mapping &mapping : context.dataflow.innerMappings(shape, context.machine)) {
      consider(mapping);
      if (++given == sweep.inner)
        break;
    }
  } else {
    seen.insert(tiling.tile);
    context.dataflow.forEachInnerMapping(shape, context.machine, [&](const isa::Mapping &mapping) {
      consider(mapping);
      ++given;
      return !spent();
    });
  }
  if (given == 0)
    refusal = absl::InvalidArgumentError(absl::StrCat("layer '", layer.name, "': dataflow '", context.dataflow.name(),
                                                      "' has no mapping for a tile of ", describe(tiling)));
  return fits;
}

std::vector<int64_t> Searcher::channelSizes(int64_t extent, const TensorDesc &tensor, int64_t pass,
                                            const Sweep &sweep) const {
  int64_t multiple = tensor.granule[3] ? tensor.granule[3] : hint.channelMultiple;
  Sizes which = sweep.anyChannels && !tensor.granule[3] ? Sizes::PowersOfTwo : sweep.allSizes ? Sizes::All : Sizes::Few;
  std::vector<int64_t> tiles = sizes(extent, multiple, pass, which);
  // Tiles that take more passes over the array than the layer needs are a last resort: loads that hide behind a
  // neighbour's work do not pay for them.
  if (!sweep.anyChannels && hint.wholePasses)
    std::erase_if(tiles,
                  [&](int64_t tile) { return ceilDiv(extent, tile) * ceilDiv(tile, pass) > ceilDiv(extent, pass); });
  return tiles;
}

bool Searcher::hopeless(const Tiling &tiling) const {
  if (!best || !contraction)
    return false;
  // With more tiles along C than slots, activations come again for each tile of M, and weights for each of the others.
  RankIndex counts = tileCounts(layer, tiling);
  constexpr int64_t mostSlots = 2;
  if (counts[at(Rank::C)] <= mostSlots)
    return false;
  Traffic traffic = evaluator.leastTraffic();
  traffic.aBytes *= double(counts[at(Rank::M)]);
  traffic.bBytes *= double(counts[at(Rank::N)] * counts[at(Rank::Q)]);
  auto least = evaluator.combine(traffic, evaluator.leastArray(), wantEnergy);
  return least.ok() && worse(*least);
}

void Searcher::sweep(const Sweep &sweep) {
  const dataflow::Contraction &shape = layer.shape;
  const TensorDesc &a = context.tensors[layer.a.tensor], &o = context.tensors[layer.o.tensor];
  bool depthwise = shape.g > 1 && shape.c == 1;
  std::vector<int64_t> groups = depthwise     ? channelSizes(shape.g, a, 1, sweep)
                                : shape.g > 1 ? std::vector<int64_t>{shape.g, 1}
                                              : std::vector<int64_t>{1};
  Sizes which = sweep.allSizes ? Sizes::All : Sizes::PowersOfTwo;
  std::vector<int64_t> rows = sizes(shape.p, 1, hint.p, which), images = sizes(shape.n, 1, 1, which);
  std::vector<int64_t> columns = sweep.columns ? sizes(shape.q, 1, 1, which) : std::vector<int64_t>{shape.q};
  std::vector<int64_t> filters = channelSizes(shape.m, o, hint.m, sweep),
                       inputs = channelSizes(shape.c, a, hint.c, sweep);
  for (int64_t q : columns) {
    for (int64_t n : images)
      for (int64_t g : groups)
        for (int64_t m : filters) {
          // Channels are cut only where a tile holds one group.
          if (g > 1 && m != shape.m)
            break;
          unsigned channelsFitted = 0;
          for (int64_t c : inputs) {
            if (g > 1 && c != shape.c)
              break;
            Tiling tiling;
            tiling.tile = {n, g, m, c, shape.p, q, shape.r, shape.s};
            if (hopeless(tiling)) {
              ++pruned;
              continue;
            }
            unsigned rowsFitted = 0;
            for (int64_t p : rows) {
              if (spent())
                return;
              tiling.tile[at(Rank::P)] = p;
              if (tryTile(tiling, sweep) && ++rowsFitted == sweep.rows)
                break;
            }
            // Smaller channel tiles only move the sums more often.
            if (rowsFitted > 0 && ++channelsFitted == sweep.channels)
              break;
          }
          // What was found raises the bar for the rest.
          if (best && !found.empty()) {
            judge();
            if (atBound())
              return;
          }
        }
    if (sweep.columns && !found.empty())
      return;
  }
}

void Searcher::judge() {
  std::stable_sort(found.begin(), found.end(),
                   [&](const Candidate &x, const Candidate &y) { return better(x.cost, y.cost, context.objective); });
  // The quick estimate ranks; the exact one decides among the best.
  constexpr unsigned most = 8;
  constexpr double tolerance = 1.02; // Of the quick estimate.
  unsigned judged = 0;
  for (const Candidate &candidate : found) {
    if (best && valueOf(candidate.cost, context.objective) > tolerance * valueOf(best->cost, context.objective))
      break;
    ++tried;
    auto cost = evaluator.run(candidate.tiling);
    if (!cost.ok()) {
      refusal = cost.status();
      continue;
    }
    if (!best || (better(*cost, best->cost, context.objective) && (gauge(*cost) <= bar || meetsBound(*cost))))
      best = Schedule{candidate.tiling, *cost, bound};
    if (++judged == most)
      break;
  }
  found.clear();
}

absl::StatusOr<Schedule> Searcher::run() {
  auto least = evaluator.combine(evaluator.leastTraffic(), evaluator.leastArray(), true);
  if (!least.ok())
    return least.status();
  bound = *least;
  // Where good tilings are; then, only if nothing fits, those that make granules short.
  constexpr unsigned fewRows = 4, fewChannels = 2, fewMappings = 4;
  Sweep first{.rows = fewRows, .channels = fewChannels, .inner = fewMappings};
  for (int resort = 0; resort < 3 && !best; ++resort) {
    first.anyChannels = resort > 0;
    first.columns = resort > 1;
    sweep(first);
    judge();
  }
  if (!best)
    return refusal.ok() ? absl::InternalError(absl::StrCat("layer '", layer.name, "': no tile was tried")) : refusal;

  // The rest: all row and channel counts of a selection of sizes, all inner mappings of the best tile, all sizes, all
  // of everything. Channels of any number and cut columns stay out: what they would gain here others would lose to
  // short granules.
  limit = uint64_t(tried) + pruned / kPrunedPerEstimate + context.budget;
  // Less than this is no gain: the estimate does not see the layers beside this one, which pay for short granules.
  constexpr double worthwhile = 0.98;
  bar = worthwhile * gauge(best->cost);
  if (!atBound() && !first.anyChannels) {
    sweep({.inner = fewMappings});
    if (!atBound() && !spent() && contraction) {
      Tiling tiling = best->tiling;
      tryTile(tiling, {});
      judge();
    }
    for (unsigned inner : {fewMappings, kAll})
      if (!atBound() && !spent())
        sweep({.allSizes = true, .inner = inner});
  }
  best->end = atBound() ? SearchEnd::Bound : spent() || first.anyChannels ? SearchEnd::Budget : SearchEnd::Exhausted;
  best->candidates = tried;
  best->pruned = pruned;
  return *best;
}

} // namespace

absl::StatusOr<Schedule> search(const LayerDesc &layer, const SearchContext &context) {
  if (absl::Status status = accepts(layer, context.machine); !status.ok())
    return status;
  auto best = Searcher(layer, context).run();
  if (!best.ok() || best->end == SearchEnd::Bound)
    return best;
  // A search may miss what that for another objective finds: the product is low where either factor is.
  std::vector<Objective> others;
  if (context.objective == Objective::Edp)
    others = {Objective::Latency, Objective::Energy};
  else if (context.objective == Objective::Energy)
    others = {Objective::Latency};
  for (Objective objective : others) {
    SearchContext other = context;
    other.objective = objective;
    auto found = Searcher(layer, other).run();
    if (!found.ok())
      continue;
    best->candidates += found->candidates;
    best->pruned += found->pruned;
    if (better(found->cost, best->cost, context.objective)) {
      best->tiling = found->tiling;
      best->cost = found->cost;
    }
  }
  return best;
}

absl::StatusOr<Cost> evaluate(const LayerDesc &layer, const Tiling &tiling, const SearchContext &context) {
  return Evaluator(layer, context).run(tiling);
}

} // namespace sparseaccel::schedule
