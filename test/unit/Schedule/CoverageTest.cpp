//===- CoverageTest.cpp - Every product is done, and done once ------------===//
//
// On random layers, on every shipped machine: the tiles of every mapping that the search finds, that a dataflow offers
// and that a file forces are walked product by product.
//
//===----------------------------------------------------------------------===//

#include "Schedule/Coverage.h"
#include "Schedule/Evaluate.h"
#include "Schedule/MappingFile.h"
#include "ScheduleTesting.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "absl/strings/str_cat.h"

#include <numeric>
#include <random>
#include <set>

namespace sparseaccel::schedule {
namespace {

using isa::Rank;

constexpr unsigned kLayers = 40;
constexpr int64_t kMostMacs = 60000;

/// A small layer with ragged extents, groups, strides, dilations, lopsided padding and batches; of a kind that the
/// machine takes.
Problem randomProblem(const machine::Machine &machine, std::mt19937 &random) {
  auto between = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  while (true) {
    dataflow::Contraction shape;
    shape.kind = machine.kinds[between(0, int64_t(machine.kinds.size()) - 1)];
    shape.n = between(1, 3);
    shape.m = between(1, 40);
    shape.c = between(1, 40);
    bool plane = shape.kind == machine::ContractionKind::Conv || shape.kind == machine::ContractionKind::Depthwise;
    if (plane) {
      shape.p = between(1, 9), shape.q = between(1, 9);
      shape.r = between(1, 5), shape.s = between(1, 5);
      shape.strideH = between(1, 3), shape.strideW = between(1, 3);
      shape.dilationH = between(1, 2), shape.dilationW = between(1, 2);
      shape.g = between(0, 2) ? 1 : between(2, 4);
      // No window lies in the padding alone.
      shape.padTop = between(0, shape.r - 1), shape.padLeft = between(0, shape.s - 1);
      shape.padBottom = between(0, shape.r - 1), shape.padRight = between(0, shape.s - 1);
    }
    if (shape.kind == machine::ContractionKind::Depthwise)
      shape.g = between(2, 20), shape.c = 1, shape.m = between(1, 2);
    if (shape.macs() > kMostMacs || shape.inputRows() < 1 || shape.inputColumns() < 1)
      continue;
    Problem problem = makeConv(machine, shape.g * shape.c, 1, shape.g * shape.m, 1, 1, 0, shape.g, shape.n);
    problem.layer.shape = shape;
    double densities[] = {0.1, 0.5, 1.0};
    auto shaped = [&](View &view, Coord extents) {
      TensorDesc &tensor = problem.tensors[view.tensor];
      tensor.shape = view.shape = extents;
      tensor.density = densities[between(0, 2)];
    };
    shaped(problem.layer.a, {shape.n, shape.inputRows() + between(0, shape.strideH - 1),
                             shape.inputColumns() + between(0, shape.strideW - 1), shape.g * shape.c});
    shaped(problem.layer.b, {shape.g * shape.m, shape.r, shape.s, shape.c});
    shaped(problem.layer.o, {shape.n, shape.p, shape.q, shape.g * shape.m});
    return problem;
  }
}

/// Shrinks the levels that the program manages, so that small layers are cut.
machine::Machine shrunk(machine::Machine machine, uint64_t divisor) {
  for (size_t i = 1; i < machine.levels.size(); ++i)
    if (machine.levels[i].managedBy == machine::ManagedBy::Program)
      machine.levels[i].sizeBytes = std::max<uint64_t>(machine.levels[i].sizeBytes / divisor, 64);
  return machine;
}

/// Counts how often each product of a layer is done by the contractions of its plan.
void expectCovered(const machine::Machine &machine, const Problem &problem, const Tiling &tiling) {
  std::vector<TensorDesc> tensors = problem.tensors;
  chooseGranules({problem.layer}, {tiling}, tensors);
  auto homes = findHomes(machine);
  auto layout = layoutSlots(problem.layer, tiling, tensors, *homes, machine);
  if (!layout.ok())
    return; // Granules that are shorter than the search thought: the pass searches again.
  auto plan = planTiles({problem.layer}, {tiling}, {*layout}, tensors, machine);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const dataflow::Contraction &shape = problem.layer.shape;
  std::vector<uint8_t> done(shape.macs());
  std::set<Coord> started;
  for (const Step &step : plan->steps) {
    if (step.kind != isa::Opcode::Contract)
      continue;
    const dataflow::Contraction &tile = step.shape;
    int64_t n0 = step.o.box.origin[0], p0 = step.o.box.origin[1], q0 = step.o.box.origin[2];
    int64_t g0 = step.oOrigin[3] / shape.m, m0 = step.oOrigin[3] % shape.m, c0 = step.bOrigin[3];
    // What the operands' own coordinates say is the same tile.
    ASSERT_EQ(step.bOrigin[0], step.oOrigin[3]);
    ASSERT_EQ(step.aOrigin[0], n0);
    ASSERT_EQ(step.aOrigin[1], p0 * shape.strideH - shape.padTop + tile.padTop);
    ASSERT_EQ(step.aOrigin[2], q0 * shape.strideW - shape.padLeft + tile.padLeft);
    ASSERT_EQ(step.aOrigin[3], g0 * shape.c + c0);
    ASSERT_EQ(step.bOrigin[1], 0);
    ASSERT_EQ(step.bOrigin[2], 0);
    ASSERT_EQ(tile.r, shape.r);
    ASSERT_EQ(tile.s, shape.s);
    // Rows that the tile reads lie in the box that was loaded.
    ASSERT_LE(step.aOrigin[1] + tile.inputRows(), step.a.box.origin[1] + step.a.box.extent[1]);
    ASSERT_LE(step.aOrigin[2] + tile.inputColumns(), step.a.box.origin[2] + step.a.box.extent[2]);
    // A sum starts once.
    ASSERT_EQ(step.mode != isa::AccumulateMode::Accumulate, started.insert(step.oOrigin).second);
    for (int64_t n = n0; n < n0 + tile.n; ++n)
      for (int64_t g = g0; g < g0 + tile.g; ++g)
        for (int64_t m = m0; m < m0 + tile.m; ++m)
          for (int64_t c = c0; c < c0 + tile.c; ++c)
            for (int64_t p = p0; p < p0 + tile.p; ++p)
              for (int64_t q = q0; q < q0 + tile.q; ++q)
                for (int64_t rs = 0; rs < shape.r * shape.s; ++rs) {
                  ASSERT_TRUE(n < shape.n && g < shape.g && m < shape.m && c < shape.c && p < shape.p && q < shape.q);
                  int64_t at = ((n * shape.g + g) * shape.m + m) * shape.c + c;
                  at = ((at * shape.p + p) * shape.q + q) * shape.r * shape.s + rs;
                  ++done[at];
                }
  }
  EXPECT_EQ(std::count(done.begin(), done.end(), 0), 0) << "products left out";
  EXPECT_EQ(std::count(done.begin(), done.end(), 1), shape.macs());
}

/// Walks the loops inside a tile: every position of each rank is reached once, and loops in time have no iteration for
/// which there is nothing.
void expectInnerCovers(const dataflow::Contraction &tile, const isa::Mapping &mapping) {
  for (unsigned r = 0; r < isa::kNumRanks; ++r) {
    int64_t extent = tile.extent(static_cast<Rank>(r));
    std::vector<const isa::Loop *> loops;
    int64_t total = 1;
    for (const isa::Loop &loop : mapping.loops)
      if (loop.rank == static_cast<Rank>(r)) {
        ASSERT_GT(loop.level, 0);
        loops.push_back(&loop);
        total *= loop.factor;
      }
    std::vector<int> reached(extent);
    std::vector<std::set<int64_t>> busy(loops.size());
    for (int64_t i = 0; i < total; ++i) {
      if (i >= extent)
        break;
      ++reached[i];
      int64_t rest = i;
      for (size_t l = loops.size(); l > 0; --l) {
        busy[l - 1].insert(rest % loops[l - 1]->factor);
        rest /= loops[l - 1]->factor;
      }
    }
    for (int64_t i = 0; i < extent; ++i)
      ASSERT_EQ(reached[i], 1) << "rank " << r << " position " << i;
    for (size_t l = 0; l < loops.size(); ++l)
      if (loops[l]->kind == isa::LoopKind::Temporal) {
        ASSERT_EQ(busy[l].size(), loops[l]->factor) << "rank " << r;
      }
  }
}

struct Coverage : testing::TestWithParam<std::string> {
  machine::Machine machine = loadNamed(GetParam());
  const dataflow::Dataflow *dataflow = nullptr;
  void SetUp() override {
    ASSERT_FALSE(machine.levels.empty());
    auto found = dataflow::findDataflow(machine);
    ASSERT_TRUE(found.ok()) << found.status();
    dataflow = *found;
  }
};

TEST_P(Coverage, OfWhatTheSearchFinds) {
  std::mt19937 random(1);
  auto homes = findHomes(machine);
  ASSERT_TRUE(homes.ok());
  unsigned cut = 0, scheduled = 0;
  for (unsigned i = 0; i < kLayers; ++i) {
    Problem problem = randomProblem(machine, random);
    machine::Machine small = shrunk(machine, uint64_t(1) << (2 + i % 12));
    auto objective = static_cast<Objective>(i % 3);
    auto found = search(problem.layer, {small, *dataflow, *homes, problem.tensors, objective, 64});
    if (!found.ok())
      continue; // Too small for even one row.
    ++scheduled;
    Tiling back = fromMapping(problem.layer, toMapping(problem.layer, found->tiling));
    ASSERT_EQ(back.tile, found->tiling.tile);
    auto counts = tileCounts(problem.layer, back);
    cut += std::any_of(counts.begin(), counts.end(), [](int64_t count) { return count > 1; });
    ASSERT_TRUE(checkCoverage(problem.layer, toMapping(problem.layer, found->tiling)).ok());
    expectCovered(small, problem, back);
    if (HasFatalFailure() || HasNonfatalFailure())
      FAIL() << "layer " << i;
  }
  EXPECT_GE(scheduled, kLayers / 3);
  EXPECT_GE(cut, 2u); // Some machines' levels hold most of these layers whole.
}

TEST_P(Coverage, OfWhatTheDataflowOffers) {
  std::mt19937 random(2);
  unsigned offered = 0;
  for (unsigned i = 0; i < kLayers; ++i) {
    Problem problem = randomProblem(machine, random);
    std::vector<isa::Mapping> mappings = dataflow->innerMappings(problem.layer.shape, machine);
    constexpr size_t most = 200;
    dataflow->forEachInnerMapping(problem.layer.shape, machine, [&](const isa::Mapping &mapping) {
      mappings.push_back(mapping);
      return mappings.size() < most;
    });
    for (const isa::Mapping &mapping : mappings) {
      // Legal ones alone: a tile may be too large for the buffers.
      dataflow::Work work{problem.layer.shape, &mapping, nullptr, &machine};
      if (!dataflow->legal(work).ok())
        continue;
      ++offered;
      ASSERT_NO_FATAL_FAILURE(expectInnerCovers(problem.layer.shape, mapping)) << "layer " << i;
    }
  }
  EXPECT_GE(offered, kLayers / 2);
}

TEST_P(Coverage, OfWhatAFileForces) {
  std::mt19937 random(3);
  auto homes = findHomes(machine);
  unsigned forced = 0;
  for (unsigned i = 0; i < 4 * kLayers; ++i) {
    Problem problem = randomProblem(machine, random);
    const dataflow::Contraction &shape = problem.layer.shape;
    // Random factors in a random order, most of which cut unevenly or sum in the wrong place.
    std::vector<Rank> ranks{Rank::N, Rank::G, Rank::M, Rank::P, Rank::Q};
    std::shuffle(ranks.begin(), ranks.end(), random);
    ranks.push_back(Rank::C);
    std::string loops;
    for (Rank rank : ranks) {
      auto factor = std::uniform_int_distribution<int64_t>(1, std::min<int64_t>(shape.extent(rank), 4))(random);
      absl::StrAppend(&loops, loops.empty() ? "" : ", ", std::string(1, "NGMCPQRS"[unsigned(rank)]), " ", factor);
    }
    auto file = parseMappingFile(absl::StrCat("layers:\n  conv:\n    ", machine.levels[0].name, ": [", loops, "]\n"),
                                 "test.yaml", machine);
    ASSERT_TRUE(file.ok()) << file.status();
    const isa::Mapping &mapping = file->layers.at("conv").mapping;
    Tiling tiling = fromMapping(problem.layer, mapping);
    if (!checkCoverage(problem.layer, mapping).ok() || !checkOrder(problem.layer, tiling).ok())
      continue;
    ++forced;
    expectCovered(machine, problem, tiling);
    if (HasFatalFailure() || HasNonfatalFailure())
      FAIL() << loops;
  }
  EXPECT_GE(forced, kLayers / 2);
}

/// No order of the loops over tiles moves fewer bytes than the best of loopOrders(), as loads of a plan say.
TEST_P(Coverage, NoOrderMovesLess) {
  std::mt19937 random(4);
  auto homes = findHomes(machine);
  unsigned compared = 0, differ = 0;
  for (unsigned i = 0; i < 2 * kLayers; ++i) {
    Problem problem = randomProblem(machine, random);
    Tiling tiling;
    for (Rank rank : {Rank::N, Rank::G, Rank::M, Rank::C, Rank::P, Rank::Q}) {
      int64_t extent = problem.layer.shape.extent(rank);
      tiling.tile[unsigned(rank)] = ceilDiv(extent, std::min<int64_t>(extent, 1 + int64_t(random() % 3)));
    }
    tiling.tile[unsigned(Rank::R)] = problem.layer.shape.r, tiling.tile[unsigned(Rank::S)] = problem.layer.shape.s;
    if (!checkOrder(problem.layer, tiling).ok())
      continue;
    std::vector<TensorDesc> tensors = problem.tensors;
    chooseGranules({problem.layer}, {tiling}, tensors);
    auto layout = layoutSlots(problem.layer, tiling, tensors, *homes, machine);
    if (!layout.ok())
      continue;
    auto loaded = [&](const std::vector<Rank> &order) {
      tiling.order = order;
      auto plan = planTiles({problem.layer}, {tiling}, {*layout}, tensors, machine);
      EXPECT_TRUE(plan.ok()) << plan.status();
      int64_t elements = 0;
      for (const Step &step : plan->steps)
        if (step.kind == isa::Opcode::Load)
          elements += step.o.box.elements();
      return elements;
    };
    auto few = loopOrders(problem.layer, tiling);
    // Weights and activations count apart: an order that the list lacks must not beat all of it in either mixture.
    int64_t least = std::numeric_limits<int64_t>::max(), most = 0;
    for (const auto &order : few) {
      least = std::min(least, loaded(order));
      most = std::max(most, loaded(order));
    }
    differ += most != least;
    std::vector<Rank> all{Rank::N, Rank::G, Rank::M, Rank::P, Rank::Q};
    std::sort(all.begin(), all.end());
    do {
      std::vector<Rank> order = all;
      order.push_back(Rank::C);
      EXPECT_GE(loaded(order), least) << "layer " << i;
    } while (std::next_permutation(all.begin(), all.end()));
    ++compared;
  }
  EXPECT_GE(compared, kLayers / 4);
  EXPECT_GE(differ, 1u);
}

/// Whatever the tiling, it costs at least the bound, and the search does at least as well as any that is drawn.
TEST_P(Coverage, NothingIsCheaperThanTheBound) {
  std::mt19937 random(5);
  auto homes = findHomes(machine);
  unsigned drawn = 0;
  for (unsigned i = 0; i < kLayers; ++i) {
    Problem problem = randomProblem(machine, random);
    for (Objective objective : {Objective::Latency, Objective::Energy, Objective::Edp}) {
      SearchContext context{machine, *dataflow, *homes, problem.tensors, objective};
      auto found = search(problem.layer, context);
      if (!found.ok())
        break;
      constexpr double rounding = 1 - 1e-9;
      double bound = valueOf(found->bound, objective) * rounding;
      EXPECT_GE(valueOf(found->cost, objective), bound) << "layer " << i;
      for (unsigned k = 0; k < 12; ++k) {
        Tiling tiling;
        for (unsigned r = 0; r < isa::kNumRanks; ++r) {
          int64_t extent = problem.layer.shape.extent(static_cast<Rank>(r));
          tiling.tile[r] =
              r == unsigned(Rank::R) || r == unsigned(Rank::S)
                  ? extent
                  : ceilDiv(extent, std::uniform_int_distribution<int64_t>(1, std::min<int64_t>(extent, 5))(random));
        }
        if (!checkOrder(problem.layer, tiling).ok())
          continue;
        auto orders = loopOrders(problem.layer, tiling);
        tiling.order = orders[random() % orders.size()];
        auto inner = dataflow->innerMappings(tileBoxes(problem.layer, tiling, {}).shape, machine);
        if (inner.empty())
          continue;
        tiling.inner = inner[random() % inner.size()];
        auto cost = evaluate(problem.layer, tiling, context);
        if (!cost.ok())
          continue;
        ++drawn;
        EXPECT_GE(valueOf(*cost, objective), bound)
            << "layer " << i << ": " << describe(tiling) << ", objective " << objectiveName(objective);
      }
    }
  }
  EXPECT_GE(drawn, kLayers);
}

INSTANTIATE_TEST_SUITE_P(Shipped, Coverage, testing::ValuesIn(machine::listMachines()), [](const auto &info) {
  std::string name = info.param;
  std::replace_if(name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

TEST(ForcedCoverage, NamesTheRankAndBothNumbers) {
  machine::Machine machine = loadNamed("eyeriss");
  Problem problem = makeConv(machine, 384, 13, 384, 3, 1, 1, 2, 4);
  auto refusal = [&](const std::string &dram, const std::string &glb, const std::string &spad) {
    auto file = parseMappingFile(
        absl::StrCat("layers: {conv: {dram: [", dram, "], glb: [", glb, "], psum_spad: [", spad, "]}}"), "f", machine);
    EXPECT_TRUE(file.ok()) << file.status();
    return std::string(checkCoverage(problem.layer, file->layers.at("conv").mapping).message());
  };
  const char *dram = "G 2, M 3, C 32", *glb = "M 2, y C 2, y M 2, y R 3, x P 13", *spad = "N 4, Q 13, C 3, S 3, M 16";
  EXPECT_EQ(refusal(dram, glb, spad), "");
  EXPECT_EQ(refusal("G 2, M 3, C 32, P 8", glb, spad),
            "8 tiles of rank P do not cut its extent of 13 evenly enough: 7 tiles of 2 suffice");
  EXPECT_EQ(refusal(dram, "y C 2, y M 2, y R 3, x P 13", spad),
            "the loops over rank M inside a tile leave out work: they cover 32, but the tile has 64");
  EXPECT_EQ(refusal(dram, "M 3, y C 2, y M 2, y R 3, x P 13", spad),
            "the loops over rank M inside a tile would repeat work: one of 3 iterations over 32 each reaches 96, but "
            "the tile has 64, for which 2 suffice");
  EXPECT_EQ(refusal(dram, glb, "N 4, Q 14, C 3, S 3, M 16"),
            "the loops over rank Q inside a tile would repeat work: one of 14 iterations over 1 each reaches 14, but "
            "the tile has 13, for which 13 suffice");
}

} // namespace
} // namespace sparseaccel::schedule
