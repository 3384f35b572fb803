//===- SearchTest.cpp - Tiles fit, cover, and are the same every time -----===//

#include "ScheduleTesting.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <limits>

namespace sparseaccel::schedule {
namespace {

using isa::Rank;

struct OnMachine : testing::TestWithParam<const char *> {
  machine::Machine machine = loadNamed(GetParam());
  const dataflow::Dataflow *dataflow = nullptr;
  Homes homes;
  void SetUp() override {
    ASSERT_FALSE(machine.levels.empty());
    auto found = dataflow::findDataflow(machine.dataflow);
    ASSERT_TRUE(found.ok()) << found.status();
    dataflow = *found;
    auto home = findHomes(machine);
    ASSERT_TRUE(home.ok()) << home.status();
    homes = *home;
  }
  absl::StatusOr<Schedule> schedule(const Problem &problem, Objective objective = Objective::Latency,
                                    unsigned budget = kDefaultSearchBudget) {
    return search(problem.layer, {machine, *dataflow, homes, problem.tensors, objective, budget});
  }
};

/// Bytes of all slots in each level.
std::vector<uint64_t> used(const SlotLayout &layout, const machine::Machine &machine) {
  std::vector<uint64_t> bytes(machine.levels.size());
  for (const SlotNeed *need : {&layout.a, &layout.b, &layout.sums, &layout.o})
    if (need->level >= 0)
      bytes[need->level] += need->bytes * need->copies;
  return bytes;
}

TEST_P(OnMachine, LayersOfAnySizeFit) {
  struct {
    int64_t c, size, m, kernel, stride, pad, groups, n;
  } shapes[] = {
      {3, 227, 96, 11, 4, 0, 1, 1},   {96, 27, 256, 5, 1, 2, 2, 4},   {64, 113, 16, 1, 1, 0, 1, 1},
      {512, 224, 512, 3, 1, 1, 1, 1}, {9216, 1, 4096, 1, 1, 0, 1, 1}, {32, 56, 32, 3, 2, 1, 32, 1},
  };
  for (const auto &s : shapes) {
    Problem problem = makeConv(machine, s.c, s.size, s.m, s.kernel, s.stride, s.pad, s.groups, s.n);
    if (s.groups == s.c)
      problem.layer.shape.kind = machine::ContractionKind::Depthwise;
    auto found = schedule(problem);
    ASSERT_TRUE(found.ok()) << found.status();
    auto layout = layoutSlots(problem.layer, found->tiling, problem.tensors, homes, machine);
    ASSERT_TRUE(layout.ok()) << layout.status();
    auto bytes = used(*layout, machine);
    for (size_t level = 1; level < bytes.size(); ++level)
      EXPECT_LE(bytes[level], machine.levels[level].sizeBytes * machine.levels[level].instances);
    EXPECT_LT(found->candidates, 3000u);
    EXPECT_GT(found->cost.cycles, 0);
  }
}

TEST_P(OnMachine, AnswersAreRepeatable) {
  Problem problem = makeConv(machine, 64, 55, 256, 3, 1, 1);
  auto first = schedule(problem), second = schedule(problem);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(toMapping(problem.layer, first->tiling), toMapping(problem.layer, second->tiling));
}

TEST_P(OnMachine, MappingSaysTheTiling) {
  Problem problem = makeConv(machine, 256, 56, 512, 3, 1, 1);
  auto found = schedule(problem);
  ASSERT_TRUE(found.ok()) << found.status();
  Tiling back = fromMapping(problem.layer, toMapping(problem.layer, found->tiling));
  EXPECT_EQ(back.tile, found->tiling.tile);
  EXPECT_EQ(back.inner, found->tiling.inner);
}

TEST_P(OnMachine, AFilterThatFitsNowhereIsNamed) {
  // A single row of a single channel is larger than any buffer for activations.
  Problem problem = makeConv(machine, 1, 16, 1, 3, 1, 1);
  problem.layer.shape.r = 30000, problem.layer.shape.padTop = 15000, problem.layer.shape.padBottom = 14999;
  problem.tensors[0].shape = problem.layer.a.shape = {1, 16, 16, 1};
  problem.layer.shape.s = 3000, problem.layer.shape.padLeft = 1500, problem.layer.shape.padRight = 1499;
  problem.tensors[1].shape = {1, 30000, 3000, 1};
  auto found = schedule(problem);
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(
      std::string(found.status().message()),
      testing::ContainsRegex("layer 'conv': a tile of .* needs 180000000 bytes in level '[a-z_]+', which has [0-9]+"));
}

TEST_P(OnMachine, EnergyObjectiveNeverCostsMoreEnergy) {
  Problem problem = makeConv(machine, 128, 28, 256, 3, 1, 1);
  auto latency = schedule(problem), energy = schedule(problem, Objective::Energy);
  ASSERT_TRUE(latency.ok() && energy.ok()) << energy.status();
  EXPECT_LE(energy->cost.energyPj, latency->cost.energyPj * (1 + 1e-9));
}

TEST_P(OnMachine, NoOtherObjectiveHasALowerProduct) {
  Problem problem = makeConv(machine, 96, 27, 256, 5, 1, 2, 2, 4);
  auto product = [](const Schedule &schedule) { return schedule.cost.cycles * schedule.cost.energyPj; };
  auto latency = schedule(problem), energy = schedule(problem, Objective::Energy),
       edp = schedule(problem, Objective::Edp);
  ASSERT_TRUE(latency.ok() && energy.ok() && edp.ok()) << edp.status();
  EXPECT_GT(product(*edp), 0);
  EXPECT_LE(product(*edp), product(*latency) * (1 + 1e-9));
  EXPECT_LE(product(*edp), product(*energy) * (1 + 1e-9));
}

TEST_P(OnMachine, MoreBudgetNeverHurts) {
  for (Objective objective : {Objective::Latency, Objective::Energy, Objective::Edp}) {
    Problem problem = makeConv(machine, 256, 13, 384, 3, 1, 1, 1, 4);
    double before = std::numeric_limits<double>::infinity();
    unsigned estimates = 0;
    for (unsigned budget : {0u, 16u, 128u, 1024u}) {
      auto found = schedule(problem, objective, budget);
      ASSERT_TRUE(found.ok()) << found.status();
      double value = valueOf(found->cost, objective);
      EXPECT_LE(value, before);
      EXPECT_GE(value, valueOf(found->bound, objective));
      EXPECT_GE(found->candidates, estimates);
      before = value;
      estimates = found->candidates;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shipped, OnMachine, testing::Values("dadiannao", "cnvlutin", "eyeriss"),
                         [](const auto &info) { return std::string(info.param); });

TEST(Search, LeavesChannelsWholeWhereSumsCannotGoOn) {
  // Half of the channels would fit with all rows, but SCNN's accumulators are emptied after each CONTRACT.
  machine::Machine machine = loadNamed("scnn");
  auto dataflow = dataflow::findDataflow(machine);
  auto homes = findHomes(machine);
  ASSERT_TRUE(dataflow.ok() && homes.ok()) << dataflow.status() << homes.status();
  Problem problem = makeConv(machine, 96, 55, 16, 1, 1, 0);
  auto found = search(problem.layer, {machine, **dataflow, *homes, problem.tensors, Objective::Latency});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->tiling.tile[unsigned(Rank::C)], 96);
  EXPECT_LT(found->tiling.tile[unsigned(Rank::P)], 55);
}

TEST(Search, SaysHowItEnded) {
  machine::Machine machine = loadNamed("dadiannao");
  auto dataflow = dataflow::findDataflow(machine);
  auto homes = findHomes(machine);
  ASSERT_TRUE(dataflow.ok() && homes.ok());
  auto schedule = [&](Problem problem, unsigned budget) {
    return search(problem.layer, {machine, **dataflow, *homes, problem.tensors, Objective::Latency, budget});
  };
  // Weights through DRAM are all that counts.
  Problem matrix = makeConv(machine, 25088, 1, 4096, 1, 1, 0);
  matrix.layer.shape.kind = machine::ContractionKind::FullyConnected;
  auto bound = schedule(matrix, 256);
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_EQ(bound->end, SearchEnd::Bound);
  EXPECT_LE(bound->cost.score, bound->bound.score * 1.001);
  // Few tilings there are; the first activations and the last store keep them from the bound.
  Problem small = makeConv(machine, 64, 14, 64, 3, 1, 1);
  auto exhausted = schedule(small, 4096), spent = schedule(small, 0);
  ASSERT_TRUE(exhausted.ok() && spent.ok());
  EXPECT_EQ(exhausted->end, SearchEnd::Exhausted);
  EXPECT_GT(exhausted->pruned, 0u);
  EXPECT_EQ(spent->end, SearchEnd::Budget);
  EXPECT_LT(spent->candidates, exhausted->candidates);
}

TEST(Search, OrdersDifferByWhatRunsInsideM) {
  machine::Machine machine = loadNamed("dadiannao");
  Problem problem = makeConv(machine, 64, 56, 128, 3, 1, 1, 1, 4);
  Tiling tiling;
  tiling.tile = {1, 1, 32, 64, 14, 56, 3, 3};
  auto orders = loopOrders(problem.layer, tiling);
  ASSERT_EQ(orders.size(), 4u); // N and P, each outside of M or inside.
  EXPECT_EQ(orders.front(), (std::vector<Rank>{Rank::G, Rank::M, Rank::N, Rank::P, Rank::Q, Rank::C}));
  for (auto &order : orders) {
    tiling.order = order;
    EXPECT_TRUE(checkOrder(problem.layer, tiling).ok());
  }
  tiling.tile[unsigned(Rank::M)] = 128;
  EXPECT_EQ(loopOrders(problem.layer, tiling).size(), 1u);
}

TEST(TileBoxes, HaloAndPadding) {
  machine::Machine machine = loadNamed("dadiannao");
  Problem problem = makeConv(machine, 16, 13, 32, 3, 1, 1);
  Tiling tiling;
  tiling.tile = {1, 1, 32, 16, 5, 13, 3, 3};
  TileBoxes top = tileBoxes(problem.layer, tiling, {}),
            middle = tileBoxes(problem.layer, tiling, {0, 0, 0, 0, 1, 0, 0, 0}),
            bottom = tileBoxes(problem.layer, tiling, {0, 0, 0, 0, 2, 0, 0, 0});
  EXPECT_EQ(top.a, (Box{{0, 0, 0, 0}, {1, 6, 13, 16}}));
  EXPECT_EQ(top.shape.padTop, 1);
  EXPECT_EQ(top.shape.padBottom, 0);
  EXPECT_EQ(middle.a, (Box{{0, 4, 0, 0}, {1, 7, 13, 16}}));
  EXPECT_EQ(middle.shape.padTop, 0);
  EXPECT_EQ(bottom.a, (Box{{0, 9, 0, 0}, {1, 4, 13, 16}}));
  EXPECT_EQ(bottom.shape.p, 3);
  EXPECT_EQ(bottom.shape.padBottom, 1);
  EXPECT_EQ(bottom.o, (Box{{0, 10, 0, 0}, {1, 3, 13, 32}}));
}

TEST(TileBoxes, GroupsAndChannels) {
  machine::Machine machine = loadNamed("dadiannao");
  Problem problem = makeConv(machine, 96, 27, 256, 5, 1, 2, 2);
  Tiling tiling;
  tiling.tile = {1, 1, 64, 24, 27, 27, 5, 5};
  TileBoxes boxes = tileBoxes(problem.layer, tiling, {0, 1, 1, 1, 0, 0, 0, 0});
  EXPECT_EQ(boxes.a, (Box{{0, 0, 0, 72}, {1, 27, 27, 24}}));
  EXPECT_EQ(boxes.b, (Box{{192, 0, 0, 24}, {64, 5, 5, 24}}));
  EXPECT_EQ(boxes.o, (Box{{0, 0, 0, 192}, {1, 27, 27, 64}}));
}

TEST(Granules, AreTheGreatestCommonBox) {
  machine::Machine machine = loadNamed("dadiannao");
  Problem problem = makeConv(machine, 96, 27, 256, 5, 1, 2, 2);
  Tiling tiling;
  tiling.tile = {1, 1, 64, 24, 9, 27, 5, 5};
  chooseGranules({problem.layer}, {tiling}, problem.tensors);
  EXPECT_EQ(problem.tensors[0].granule, (Coord{1, 1, 27, 24}));
  EXPECT_EQ(problem.tensors[1].granule, (Coord{64, 5, 5, 24}));
  EXPECT_EQ(problem.tensors[2].granule, (Coord{1, 1, 27, 64}));
}

} // namespace
} // namespace sparseaccel::schedule
