//===- EyerissV2Plan.cpp - How work lies over clusters and elements -------===//

#include "EyerissV2Plan.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <limits>

namespace sparseaccel::dataflow::eyeriss_v2 {

using isa::LoopKind;
using isa::Rank;

namespace {

constexpr Rank kRankOf[kAxes] = {Rank::G, Rank::N, Rank::M, Rank::C, Rank::P, Rank::R};

/// Axis of a rank, or -1: Q and S are never cut.
int axisOf(Rank rank) {
  for (unsigned axis = 0; axis < kAxes; ++axis)
    if (kRankOf[axis] == rank)
      return int(axis);
  return -1;
}

/// Activations of one channel that an element keeps while a filter row slides over them.
int64_t spanOf(const Contraction &shape) { return (shape.s - 1) * shape.dilationW + 1; }

/// Plans whose multipliers alone would take so many times what another plan takes are not looked at.
constexpr double kHopeless = 1.2;

bool managedByProgram(const isa::Loop &loop, const machine::Machine &machine) {
  return machine.levels[loop.level].managedBy == machine::ManagedBy::Program;
}

} // namespace

Array::Array(const machine::Machine &machine)
    : clusterRows(arraySize(machine, kDimensions[0])), clusterColumns(arraySize(machine, kDimensions[1])),
      rows(arraySize(machine, kDimensions[2])), columns(arraySize(machine, kDimensions[3])),
      macs(arraySize(machine, kDimensions[4])) {
  auto words = [&](const char *name) {
    const machine::Level &level = *machine.findLevel(name);
    return level.wordBits ? int64_t(level.sizeBytes * 8 / level.wordBits) : 0;
  };
  iactWords = words(kIactSpad);
  weightWords = words(kWeightSpad);
  const machine::Level &sums = *machine.findLevel(kPsumSpad);
  psumBits = sums.psumBits;
  psumWords = sums.psumBits ? int64_t(sums.sizeBytes * 8 / sums.psumBits) : 0;
}

int64_t extentOf(Axis axis, const Contraction &shape) { return shape.extent(kRankOf[unsigned(axis)]); }

void Plan::add(Cut cut, bool keep) {
  if (cut.factor <= 1)
    return;
  if (keep)
    cuts.push_back(cut);
  int64_t &factor = (cut.cluster ? clusters : elements)[unsigned(cut.axis)];
  factor = std::min(factor * cut.factor, int64_t(1) << 20);
}

int64_t Plan::clusterCount() const {
  int64_t count = 1;
  for (int64_t factor : clusters)
    count *= factor;
  return count;
}

int64_t Plan::elementCount() const {
  int64_t count = clusterCount();
  for (int64_t factor : elements)
    count *= factor;
  return count;
}

int64_t Plan::clusterIndex(Axis axis, int64_t cluster) const {
  for (unsigned later = kAxes - 1; later > unsigned(axis); --later)
    cluster /= clusters[later];
  return cluster % clusters[unsigned(axis)];
}

int64_t Plan::tiles(Axis axis, const Contraction &shape) const {
  int64_t held = axis == Axis::M ? m : axis == Axis::C ? c : axis == Axis::N ? n : 1;
  return ceilDiv(extentOf(axis, shape), held);
}

isa::Mapping toMapping(const Plan &plan, const Contraction &tile, const machine::Machine &machine) {
  isa::Mapping mapping;
  uint8_t buffer = uint8_t(machine.levelIndex(kIactBuffer)), pad = uint8_t(machine.levelIndex(kPsumSpad));
  for (Axis axis : {Axis::G, Axis::M, Axis::C, Axis::R, Axis::N, Axis::P})
    addLoop(mapping, kRankOf[unsigned(axis)], plan.passes(axis, tile), buffer, LoopKind::Temporal);
  for (bool cluster : {true, false})
    for (const Plan::Cut &cut : plan.cuts)
      if (cut.cluster == cluster)
        addLoop(mapping, kRankOf[unsigned(cut.axis)], cut.factor, cluster ? buffer : pad,
                cut.along ? LoopKind::SpatialX : LoopKind::SpatialY);
  addLoop(mapping, Rank::N, plan.n, pad, LoopKind::Temporal);
  addLoop(mapping, Rank::Q, tile.q, pad, LoopKind::Temporal);
  addLoop(mapping, Rank::C, plan.c, pad, LoopKind::Temporal);
  addLoop(mapping, Rank::S, tile.s, pad, LoopKind::Temporal);
  addLoop(mapping, Rank::M, plan.m, pad, LoopKind::Temporal);
  return mapping;
}

Plan fromMapping(const isa::Mapping &mapping, const Contraction &tile, const machine::Machine &machine) {
  Plan plan;
  auto held = [&](Rank rank, int64_t extent) {
    return std::min(extent, factorOf(mapping, rank, [&](const isa::Loop &loop) {
                      return loop.kind == LoopKind::Temporal && !managedByProgram(loop, machine);
                    }));
  };
  plan.m = held(Rank::M, tile.m);
  plan.c = held(Rank::C, tile.c);
  plan.n = held(Rank::N, tile.n);
  for (const isa::Loop &loop : mapping.loops)
    if (loop.level > 0 && loop.kind != LoopKind::Temporal && axisOf(loop.rank) >= 0)
      plan.add({Axis(axisOf(loop.rank)), int64_t(loop.factor), managedByProgram(loop, machine),
                loop.kind == LoopKind::SpatialX});
  return plan;
}

absl::Status checkFits(const Contraction &shape, const Array &array, const char *dataflow) {
  if (spanOf(shape) > array.iactWords)
    return absl::InvalidArgumentError(absl::StrCat(dataflow, ": a filter row spans ", spanOf(shape),
                                                   " activations, but '", kIactSpad, "' holds ", array.iactWords));
  if (shape.s > array.weightWords)
    return absl::InvalidArgumentError(absl::StrCat(dataflow, ": a filter row has ", shape.s, " weights, but '",
                                                   kWeightSpad, "' holds ", array.weightWords));
  return absl::OkStatus();
}

absl::Status checkMapping(const Work &work, const char *dataflow) {
  const Contraction &shape = work.shape;
  const machine::Machine &machine = *work.machine;
  Array array(machine);
  for (const isa::Loop &loop : work.mapping->loops) {
    if (loop.level == 0 || loop.factor <= 1)
      continue;
    bool outside = managedByProgram(loop, machine), temporal = loop.kind == LoopKind::Temporal;
    bool whole = loop.rank == Rank::Q || loop.rank == Rank::S;
    if (whole && (outside || !temporal))
      return absl::InvalidArgumentError(absl::StrCat(dataflow, ": the mapping cuts ", rankName(loop.rank),
                                                     ", but an element works on whole rows of filters and outputs"));
    if (!whole && !outside && temporal && loop.rank != Rank::M && loop.rank != Rank::C && loop.rank != Rank::N)
      return absl::InvalidArgumentError(absl::StrCat(dataflow, ": the mapping has a loop over ", rankName(loop.rank),
                                                     " within an element, which takes M, C, N, Q and S only"));
  }
  auto unrolled = [&](bool cluster, LoopKind kind, int64_t size, const char *what) -> absl::Status {
    int64_t product = 1;
    for (const isa::Loop &loop : work.mapping->loops)
      if (loop.level > 0 && loop.kind == kind && managedByProgram(loop, machine) == cluster)
        product = std::min(product * int64_t(loop.factor), int64_t(1) << 31);
    if (product <= size)
      return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(dataflow, ": the mapping unrolls ", product, " times over ", what, ", of which there are ", size));
  };
  for (const absl::Status &status : {unrolled(true, LoopKind::SpatialY, array.clusterRows, "rows of clusters"),
                                     unrolled(true, LoopKind::SpatialX, array.clusterColumns, "columns of clusters"),
                                     unrolled(false, LoopKind::SpatialY, array.rows, "rows of a cluster"),
                                     unrolled(false, LoopKind::SpatialX, array.columns, "columns of a cluster")})
    if (!status.ok())
      return status;
  Plan plan = fromMapping(*work.mapping, shape, machine);
  auto fits = [&](int64_t words, int64_t size, const char *pad, const char *what) -> absl::Status {
    if (words <= size)
      return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(dataflow, ": an element of the mapping holds ", words, " ", what,
                                                   ", but '", pad, "' has room for ", size));
  };
  for (const absl::Status &status : {fits(plan.c * spanOf(shape), array.iactWords, kIactSpad, "activations"),
                                     fits(plan.m * plan.c * shape.s, array.weightWords, kWeightSpad, "weights"),
                                     fits(plan.m, array.psumWords, kPsumSpad, "sums")})
    if (!status.ok())
      return status;
  return absl::OkStatus();
}

std::vector<Plan> bestPlans(const Contraction &tile, const machine::Machine &machine,
                            const std::function<double(const Plan &, const Densities &)> &estimate) {
  Array array(machine);
  // What an element may hold: as many channels as fit, or half of them, and filters cut into equal parts.
  std::vector<Plan> held;
  int64_t mostChannels = std::clamp<int64_t>(array.iactWords / spanOf(tile), 1, tile.c);
  for (int64_t channels : {mostChannels, mostChannels / 2}) {
    if (channels < 1)
      continue;
    Plan plan;
    plan.c = ceilDiv(tile.c, ceilDiv(tile.c, channels));
    int64_t mostFilters =
        std::clamp<int64_t>(std::min(array.psumWords, array.weightWords / (plan.c * tile.s)), 1, tile.m);
    while (plan.c > 1 && plan.c * tile.s > array.weightWords)
      --plan.c;
    for (int64_t filters : {mostFilters, mostFilters / 2, mostFilters / 4}) {
      if (filters < 1)
        continue;
      plan.m = ceilDiv(tile.m, ceilDiv(tile.m, filters));
      for (int64_t images : {tile.n, int64_t(1)}) {
        plan.n = images;
        bool known = std::any_of(held.begin(), held.end(), [&](const Plan &other) {
          return other.m == plan.m && other.c == plan.c && other.n == plan.n;
        });
        if (!known)
          held.push_back(plan);
      }
    }
  }

  // Each dimension of the array cuts one axis, and what it has left another one.
  struct Dimension {
    int64_t size;
    bool cluster, along;
  };
  const Dimension dimensions[] = {{array.rows, false, false},
                                  {array.columns, false, true},
                                  {array.clusterRows, true, false},
                                  {array.clusterColumns, true, true}};
  constexpr size_t kShortList = 24;
  struct Ranked {
    size_t base, choice;
    double dense, sparse = 0;
  };
  /// The plan of a choice: a digit for each dimension, which says the axis that it cuts first.
  auto makePlan = [&](const Plan &base, const std::vector<Axis> &axes, size_t choice, bool keepCuts) {
    Plan plan = base;
    for (const Dimension &dimension : dimensions) {
      if (axes.empty())
        break;
      int64_t room = dimension.size;
      auto cut = [&](Axis axis) {
        int64_t factor = std::min(room, ceilDiv(plan.tiles(axis, tile), plan.spatial(axis)));
        plan.add({axis, factor, dimension.cluster, dimension.along}, keepCuts);
        room /= std::max<int64_t>(factor, 1);
      };
      Axis first = axes[choice % axes.size()];
      choice /= axes.size();
      cut(first);
      for (Axis axis : axes)
        if (room > 1 && axis != first)
          cut(axis);
    }
    return plan;
  };
  std::vector<std::vector<Axis>> axesOf;
  for (const Plan &base : held) {
    std::vector<Axis> &axes = axesOf.emplace_back();
    for (Axis axis : {Axis::R, Axis::M, Axis::C, Axis::P, Axis::G, Axis::N})
      if (base.tiles(axis, tile) > 1)
        axes.push_back(axis);
  }
  std::vector<Ranked> ranked;
  std::vector<std::array<int64_t, 2 * kAxes>> seen;
  double fastest = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < held.size(); ++i) {
    const Plan &base = held[i];
    size_t choices = 1;
    for (size_t d = 0; d < std::size(dimensions); ++d)
      choices *= std::max<size_t>(axesOf[i].size(), 1);
    double cyclesOfPass = double(base.n * tile.q * base.c * tile.s * ceilDiv(base.m, array.macs));
    seen.clear();
    for (size_t choice = 0; choice < choices; ++choice) {
      Plan plan = makePlan(base, axesOf[i], choice, false);
      double passes = 1;
      for (unsigned axis = 0; axis < kAxes; ++axis)
        passes *= double(plan.passes(Axis(axis), tile));
      // What the multipliers alone would need is more than what another plan needs in all.
      if (passes * cyclesOfPass > fastest * kHopeless)
        continue;
      std::array<int64_t, 2 * kAxes> key;
      std::copy(plan.clusters.begin(), plan.clusters.end(), key.begin());
      std::copy(plan.elements.begin(), plan.elements.end(), key.begin() + kAxes);
      if (std::find(seen.begin(), seen.end(), key) != seen.end())
        continue;
      seen.push_back(key);
      ranked.push_back({i, choice, estimate(plan, {1, 1})});
      fastest = std::min(fastest, ranked.back().dense);
    }
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked &x, const Ranked &y) { return x.dense < y.dense; });
  if (ranked.size() > kShortList)
    ranked.resize(kShortList);
  for (Ranked &entry : ranked)
    entry.sparse = estimate(makePlan(held[entry.base], axesOf[entry.base], entry.choice, false), {0.5, 0.5});
  // The two best for each; those for sparse operands come first.
  std::vector<Ranked> bySparse = ranked;
  std::stable_sort(bySparse.begin(), bySparse.end(),
                   [](const Ranked &x, const Ranked &y) { return x.sparse < y.sparse; });
  std::vector<Plan> best;
  std::vector<std::pair<size_t, size_t>> taken;
  for (const std::vector<Ranked> *list : {&bySparse, &ranked})
    for (size_t i = 0; i < std::min<size_t>(list->size(), 2); ++i) {
      std::pair<size_t, size_t> name{(*list)[i].base, (*list)[i].choice};
      if (std::find(taken.begin(), taken.end(), name) != taken.end())
        continue;
      taken.push_back(name);
      best.push_back(makePlan(held[name.first], axesOf[name.first], name.second, true));
    }
  return best;
}

} // namespace sparseaccel::dataflow::eyeriss_v2
