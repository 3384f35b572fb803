//===- PlanTest.cpp - Steps cover the work, and waits order it ------------===//

#include "ScheduleTesting.h"

#include "gtest/gtest.h"

#include <map>
#include <set>

namespace sparseaccel::schedule {
namespace {

using isa::Opcode;

struct Planned {
  Problem problem;
  Tiling tiling;
  SlotLayout layout;
  Plan plan;
};

Planned makePlan(const machine::Machine &machine, Problem problem, Tiling tiling) {
  Planned planned{std::move(problem), std::move(tiling), {}, {}};
  chooseGranules({planned.problem.layer}, {planned.tiling}, planned.problem.tensors);
  auto homes = findHomes(machine);
  auto layout = layoutSlots(planned.problem.layer, planned.tiling, planned.problem.tensors, *homes, machine);
  EXPECT_TRUE(layout.ok()) << layout.status();
  if (!layout.ok())
    return planned;
  planned.layout = *layout;
  auto plan = planTiles({planned.problem.layer}, {planned.tiling}, {planned.layout}, planned.problem.tensors, machine);
  EXPECT_TRUE(plan.ok()) << plan.status();
  if (plan.ok())
    planned.plan = std::move(*plan);
  return planned;
}

/// Steps that have ended when `step` starts, by waits and by order within queues alone.
std::vector<std::set<uint32_t>> ancestors(const Plan &plan) {
  std::vector<std::set<uint32_t>> before(plan.steps.size());
  std::map<isa::Queue, uint32_t> last;
  for (uint32_t i = 0; i < plan.steps.size(); ++i) {
    auto add = [&](uint32_t j) {
      before[i].insert(j);
      before[i].insert(before[j].begin(), before[j].end());
    };
    isa::Queue queue = queueOf(plan.steps[i].kind);
    if (last.count(queue))
      add(last[queue]);
    for (uint32_t j : plan.steps[i].after)
      add(j);
    last[queue] = i;
  }
  return before;
}

TEST(Plan, EveryConflictIsOrdered) {
  machine::Machine machine = loadNamed("dadiannao");
  Tiling tiling;
  tiling.tile = {1, 1, 64, 24, 9, 27, 5, 5};
  tiling.order = {isa::Rank::G, isa::Rank::M, isa::Rank::P, isa::Rank::C};
  Planned planned = makePlan(machine, makeConv(machine, 96, 27, 256, 5, 1, 2, 2), tiling);
  auto before = ancestors(planned.plan);
  const auto &steps = planned.plan.steps;
  for (uint32_t i = 0; i < steps.size(); ++i)
    for (uint32_t j = 0; j < i; ++j) {
      Access x = accessOf(steps[j], planned.plan, false), y = accessOf(steps[i], planned.plan, false);
      for (const auto &p : x.bytes)
        for (const auto &q : y.bytes)
          if (p.space == q.space && p.begin < q.end && q.begin < p.end && (p.write || q.write)) {
            EXPECT_TRUE(before[i].count(j)) << "step " << i << " does not wait for " << j;
          }
    }
}

TEST(Plan, OutputsAreStoredOnceAndProductsDoneOnce) {
  machine::Machine machine = loadNamed("dadiannao");
  Tiling tiling;
  tiling.tile = {2, 1, 128, 48, 9, 27, 5, 5};
  tiling.order = {isa::Rank::G, isa::Rank::M, isa::Rank::N, isa::Rank::P, isa::Rank::C};
  Planned planned = makePlan(machine, makeConv(machine, 96, 27, 256, 5, 1, 2, 2, 4), tiling);
  int64_t macs = 0, stored = 0, rescaled = 0;
  for (const Step &step : planned.plan.steps) {
    if (step.kind == Opcode::Contract)
      macs += step.shape.macs();
    if (step.kind == Opcode::Store)
      stored += step.a.box.elements();
    if (step.kind == Opcode::Vector)
      rescaled += step.o.box.elements();
  }
  EXPECT_EQ(macs, planned.problem.layer.shape.macs());
  EXPECT_EQ(stored, 4 * 27 * 27 * 256);
  EXPECT_EQ(rescaled, stored);
}

TEST(Plan, WeightsThatAreThereAreNotLoadedAgain) {
  machine::Machine machine = loadNamed("dadiannao");
  Tiling tiling;
  tiling.tile = {1, 1, 32, 64, 14, 56, 3, 3};
  tiling.order = {isa::Rank::P};
  Planned planned = makePlan(machine, makeConv(machine, 64, 56, 32, 3, 1, 1), tiling);
  int weights = 0, activations = 0;
  for (const Step &step : planned.plan.steps)
    if (step.kind == Opcode::Load)
      ++(step.o.tensor == 1 ? weights : activations);
  EXPECT_EQ(weights, 1);
  EXPECT_EQ(activations, 4);
  EXPECT_EQ(planned.plan.elidedLoads, 3u);
}

TEST(Plan, DoubleBufferedLoadsRunAhead) {
  machine::Machine machine = loadNamed("dadiannao");
  Tiling tiling;
  tiling.tile = {1, 1, 32, 64, 14, 56, 3, 3};
  tiling.order = {isa::Rank::P};
  Planned planned = makePlan(machine, makeConv(machine, 64, 56, 32, 3, 1, 1), tiling);
  // The load of the second tile waits for nothing of the first; the third waits for the first contraction only.
  std::vector<const Step *> loads;
  std::vector<uint32_t> contracts;
  for (uint32_t i = 0; i < planned.plan.steps.size(); ++i) {
    const Step &step = planned.plan.steps[i];
    if (step.kind == Opcode::Load && step.o.tensor == 0)
      loads.push_back(&step);
    if (step.kind == Opcode::Contract)
      contracts.push_back(i);
  }
  ASSERT_EQ(loads.size(), 4u);
  EXPECT_TRUE(loads[1]->after.empty());
  EXPECT_EQ(loads[2]->after, std::vector<uint32_t>{contracts[0]});
}

TEST(Plan, SumsLoopMustBeInnermost) {
  machine::Machine machine = loadNamed("dadiannao");
  Problem problem = makeConv(machine, 64, 56, 32, 3, 1, 1);
  Tiling tiling;
  tiling.tile = {1, 1, 32, 32, 14, 56, 3, 3};
  tiling.order = {isa::Rank::C, isa::Rank::P};
  EXPECT_FALSE(checkOrder(problem.layer, tiling).ok());
  tiling.order = {isa::Rank::P, isa::Rank::C};
  EXPECT_TRUE(checkOrder(problem.layer, tiling).ok());
}

TEST(Plan, LayersFollowEachOtherAroundABuffer) {
  machine::Machine machine = loadNamed("dadiannao");
  int nm = machine.levelIndex("nm");
  uint64_t capacity = machine.levels[nm].sizeBytes;
  std::vector<Slot> slots = {
      {nm, 0, "a", capacity / 2, 0}, {nm, 1, "a", capacity / 4, 0}, {nm, 2, "a", capacity / 2, 0}};
  ASSERT_TRUE(placeSlots(slots, machine).ok());
  EXPECT_EQ(slots[0].offset, 0u);
  EXPECT_EQ(slots[1].offset, capacity / 2);
  EXPECT_EQ(slots[2].offset, 0u);
  slots = {{nm, 0, "a", capacity + 8, 0}};
  EXPECT_FALSE(placeSlots(slots, machine).ok());
}

TEST(Plan, SumsOf20BitsLeaveInWholeBytes) {
  machine::Machine machine = loadNamed("eyeriss_v2");
  auto homes = findHomes(machine);
  ASSERT_TRUE(homes.ok());
  // 15 x 15 x 7 sums take 3938 bytes, rounded up to whole sums at a multiple of 8 bytes; a row of results takes 105.
  Problem problem = makeConv(machine, 16, 15, 7, 3, 1, 1);
  problem.tensors[2].elementBytes = 1;
  problem.tensors[2].dramFormat = problem.tensors[2].bufferFormat = {};
  Tiling tiling;
  tiling.tile = {1, 1, 7, 16, 15, 15, 3, 3};
  for (auto [room, rows] : {std::pair{840, 8}, {800, 6}, {740, 6}, {1680, 0}, {240, 2}, {200, -1}}) {
    machine.levels[homes->sums].sizeBytes = 3960 + room;
    auto layout = layoutSlots(problem.layer, tiling, problem.tensors, *homes, machine);
    ASSERT_EQ(layout.ok(), rows >= 0) << room;
    if (!layout.ok())
      continue;
    EXPECT_EQ(layout->sums.bytes, 3960u);
    EXPECT_EQ(layout->oRows, rows) << room;
    // What was laid out is what is placed.
    std::vector<Slot> slots = {{homes->sums, 0, "sums", layout->sums.bytes, 0}, {homes->o, 0, "o", layout->o.bytes, 0}};
    EXPECT_TRUE(placeSlots(slots, machine).ok());
  }
}

TEST(Plan, TilesDoNotCutGroups) {
  machine::Machine machine = loadNamed("stc");
  auto homes = findHomes(machine);
  ASSERT_TRUE(homes.ok());
  auto fits = [&](int64_t channels, int64_t tile) {
    Problem problem = makeConv(machine, channels, 8, 8, 3, 1, 1);
    problem.tensors[1].dramFormat = problem.tensors[1].bufferFormat = *formats::parseFormat("nm(2:4)");
    Tiling tiling;
    tiling.tile = {1, 1, 8, tile, 8, 8, 3, 3};
    return layoutSlots(problem.layer, tiling, problem.tensors, *homes, machine).status();
  };
  EXPECT_TRUE(fits(64, 64).ok());
  EXPECT_TRUE(fits(64, 16).ok());
  EXPECT_TRUE(fits(6, 6).ok());
  EXPECT_NE(fits(64, 13).message().find("tiles of 13 of 64 input channels cut groups of 4"), std::string::npos);
  EXPECT_FALSE(fits(6, 4).ok()); // Groups go on from a position to the next one.
}

TEST(Plan, ConstantsGetSlotsOfTheirOwnSize) {
  TensorDesc weights;
  weights.elementBytes = 1;
  weights.shape = {4096, 1, 1, 9216};
  weights.constant = true;
  weights.dramFormat = weights.bufferFormat = *formats::parseFormat("eie-csc(64)");
  Coord half = {2048, 1, 1, 9216};
  constexpr uint64_t level = 10 << 20, burst = 64;
  uint64_t worst = bufferBytes(weights, weights.shape, weights.shape), least = worst / 64;
  EXPECT_GT(worst, level);
  weights.ownSlotBytes = ownSlotBytes(weights, 5000001, burst, level);
  EXPECT_EQ(weights.ownSlotBytes, 5000064u);
  EXPECT_EQ(bufferBytes(weights, weights.shape, weights.shape), 5000064u);
  EXPECT_EQ(dramSlotBytes(weights, weights.shape, burst), 5000064u);
  // Parts of it are sized for the worst, as is what fits anyway; and no slot is smaller than a program may say.
  EXPECT_GT(bufferBytes(weights, half, half), worst / 2 - 8);
  EXPECT_EQ(ownSlotBytes(weights, 5000001, burst, worst), 0u);
  EXPECT_GE(ownSlotBytes(weights, 1, burst, level), least);
  EXPECT_LT(ownSlotBytes(weights, 1, burst, level), least + burst);
  EXPECT_GE(ownSlotBytes(weights, 2 * worst, burst, level), worst);
}

TEST(Plan, SlotsOfSumsStartAtWholeSums) {
  machine::Machine machine = loadNamed("dadiannao");
  int nm = machine.levelIndex("nm");
  for (unsigned bits : {20u, 24u, 32u}) {
    machine.levels[nm].psumBits = bits;
    std::vector<Slot> slots = {{nm, 0, "sums", 1001, 0}, {nm, 0, "sums", 8, 0}, {nm, 1, "sums", 8, 0}};
    ASSERT_TRUE(placeSlots(slots, machine).ok());
    for (const Slot &slot : slots) {
      EXPECT_EQ(slot.offset * 8 % bits, 0u) << bits;
      EXPECT_EQ(slot.offset % 8, 0u);
    }
    EXPECT_GE(slots[1].offset, 1001u);
    EXPECT_GE(slots[2].offset, slots[1].offset + 8);
  }
}

TEST(Dependencies, ReadersMayOverlapWritersMayNot) {
  auto access = [](isa::Queue queue, uint64_t begin, uint64_t end, bool write) {
    Access a;
    a.queue = queue;
    a.bytes.push_back({0, begin, end, write});
    return a;
  };
  std::vector<Access> accesses = {access(isa::Queue::Load, 0, 64, true), access(isa::Queue::Mac, 0, 32, false),
                                  access(isa::Queue::Vector, 32, 64, false), access(isa::Queue::Load, 0, 64, true),
                                  access(isa::Queue::Mac, 0, 64, false)};
  auto after = findDependencies(accesses);
  EXPECT_EQ(after[1], std::vector<uint32_t>{0});
  EXPECT_EQ(after[2], std::vector<uint32_t>{0});
  EXPECT_EQ(after[3], (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(after[4], std::vector<uint32_t>{3});
}

TEST(Dependencies, AConsumerWaitsForTheRowsItReads) {
  auto dram = [](isa::Queue queue, int64_t row, int64_t rows, bool write) {
    Access a;
    a.queue = queue;
    a.elements.push_back({7, {{0, row, 0, 0}, {1, rows, 8, 8}}, write});
    return a;
  };
  std::vector<Access> accesses = {dram(isa::Queue::Store, 0, 4, true), dram(isa::Queue::Store, 4, 4, true),
                                  dram(isa::Queue::Load, 0, 3, false), dram(isa::Queue::Load, 3, 3, false)};
  auto after = findDependencies(accesses);
  EXPECT_EQ(after[2], std::vector<uint32_t>{0});
  EXPECT_EQ(after[3], std::vector<uint32_t>{1});
}

} // namespace
} // namespace sparseaccel::schedule
