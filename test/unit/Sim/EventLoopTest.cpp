//===- EventLoopTest.cpp - When instructions run --------------------------===//

#include "../../../sim/EventLoop.h"

#include "gtest/gtest.h"

#include <numeric>
#include <random>

using namespace sparseaccel;
using namespace sparseaccel::sim;

namespace {

struct Timeline {
  std::vector<InstructionRecord> records;
  std::vector<Waits> waits;

  Timeline &add(Unit unit, uint64_t cycles, uint64_t busCycles = 0, uint64_t latency = 0, Waits wait = {},
                uint32_t layer = 0) {
    InstructionRecord record;
    record.instruction = uint32_t(records.size());
    record.layer = layer;
    record.unit = unit;
    record.cycles = cycles, record.busCycles = busCycles, record.latencyCycles = latency;
    records.push_back(record);
    waits.push_back(wait);
    return *this;
  }
  uint64_t play(bool sharedBus = true) { return playInstructions(absl::MakeSpan(records), waits, sharedBus); }
};

TEST(EventLoop, WaitEndsExactlyWhenTheOtherEnds) {
  for (uint64_t cycles : {1, 7, 100}) {
    Timeline t;
    t.add(Unit::Load, cycles, cycles, 5).add(Unit::Mac, 3, 0, 0, {1, 0, 0, 0, 0});
    EXPECT_EQ(t.play(), cycles + 5 + 3);
    EXPECT_EQ(t.records[0].freed, cycles);
    EXPECT_EQ(t.records[1].start, cycles + 5); // Not at cycles + 4: the last bytes are still on their way.
  }
}

TEST(EventLoop, QueuesOverlapUnlessTheyWait) {
  Timeline t;
  t.add(Unit::Load, 10, 10).add(Unit::Mac, 20).add(Unit::Vector, 30).add(Unit::Mac, 5);
  EXPECT_EQ(t.play(), 30u);
  EXPECT_EQ(t.records[3].start, 20u); // In order behind the first.
}

TEST(EventLoop, LatencyIsPipelined) {
  Timeline t;
  t.add(Unit::Load, 10, 10, 50).add(Unit::Load, 10, 10, 50).add(Unit::Load, 10, 10, 50);
  EXPECT_EQ(t.play(), 3 * 10 + 50u);
}

TEST(EventLoop, DoubleBufferingHidesTheShorterQueue) {
  // Tile i loads into buffer i % 2, so load i waits for contraction i - 2.
  auto makespan = [](uint64_t load, uint64_t mac, unsigned tiles) {
    Timeline t;
    for (unsigned i = 0; i < tiles; ++i) {
      t.add(Unit::Load, load, load, 0, {0, i >= 2 ? i - 1 : 0, 0, 0, 0});
      t.add(Unit::Mac, mac, 0, 0, {i + 1, 0, 0, 0, 0});
    }
    return t.play();
  };
  EXPECT_EQ(makespan(4, 10, 8), 4 + 8 * 10u);
  EXPECT_EQ(makespan(10, 4, 8), 8 * 10 + 4u);
}

TEST(EventLoop, TransfersTakeTurnsOnASharedBus) {
  Timeline shared;
  shared.add(Unit::Load, 100, 100).add(Unit::Store, 40, 40);
  EXPECT_EQ(shared.play(true), 140u);
  EXPECT_EQ(shared.records[1].end, 80u); // Half of the bandwidth until it is done.
  Timeline apart;
  apart.add(Unit::Load, 100, 100).add(Unit::Store, 40, 40);
  EXPECT_EQ(apart.play(false), 100u);
  EXPECT_EQ(apart.records[1].end, 40u);
}

TEST(EventLoop, ATransferMayBeSlowerThanTheBus) {
  // The codec takes 100 cycles for what the bus delivers in 20: the bus is free for the store after 40.
  Timeline t;
  t.add(Unit::Load, 100, 20).add(Unit::Store, 30, 30);
  EXPECT_EQ(t.play(), 100u);
  EXPECT_EQ(t.records[1].end, 50u);
}

TEST(EventLoop, HostIsABarrier) {
  Timeline t;
  t.add(Unit::Load, 10, 10, 7).add(Unit::Mac, 12).add(Unit::Host, 0).add(Unit::Mac, 3).add(Unit::Load, 2, 2);
  EXPECT_EQ(t.play(), 20u);
  EXPECT_EQ(t.records[2].start, 17u);
  EXPECT_EQ(t.records[3].start, 17u);
  EXPECT_EQ(t.records[4].start, 17u);
}

TEST(EventLoop, BoundsFollowTheCriticalPath) {
  Timeline t;
  t.add(Unit::Load, 10, 10, 2).add(Unit::Mac, 30, 0, 0, {1, 0, 0, 0, 0}).add(Unit::Load, 20, 20, 2);
  t.add(Unit::Mac, 5, 0, 0, {2, 0, 0, 0, 0}, 1).add(Unit::Store, 8, 8, 2, {0, 2, 0, 0, 0}, 1);
  EXPECT_EQ(t.play(), 12 + 30 + 5 + 10u);
  std::vector<uint64_t> ends = layerEnds(t.records, 2);
  EXPECT_EQ(ends, (std::vector<uint64_t>{42, 57}));
  auto bounds = attributeBounds(t.records, t.waits, ends);
  EXPECT_EQ(bounds[0][unsigned(dataflow::Bound::DramRead)], 12);
  EXPECT_EQ(bounds[0][unsigned(dataflow::Bound::Mac)], 30);
  EXPECT_EQ(bounds[1][unsigned(dataflow::Bound::Mac)], 5);
  EXPECT_EQ(bounds[1][unsigned(dataflow::Bound::DramWrite)], 10);
}

TEST(EventLoop, RandomProgramsKeepTheRules) {
  std::mt19937 rng(11);
  for (int round = 0; round < 200; ++round) {
    Timeline t;
    std::array<uint32_t, kNumUnits> issued{};
    uint32_t layers = 3;
    for (uint32_t i = 0; i < 60; ++i) {
      Unit unit = rng() % 20 == 0 ? Unit::Host : Unit(rng() % 4);
      Waits wait{};
      for (unsigned q = 0; q < 4; ++q)
        wait[q] = issued[q] && rng() % 3 == 0 ? uint32_t(rng() % issued[q]) + 1 : 0;
      bool moves = unit == Unit::Load || unit == Unit::Store;
      uint64_t cycles = unit == Unit::Host ? 0 : 1 + rng() % 20;
      t.add(unit, cycles, moves ? rng() % (cycles + 1) : 0, moves ? 3 : 0, wait, i * layers / 60);
      ++issued[unsigned(unit)];
    }
    uint64_t end = t.play();
    std::array<std::vector<const InstructionRecord *>, kNumUnits> queues;
    uint64_t last = 0, barrier = 0;
    for (uint32_t i = 0; i < t.records.size(); ++i) {
      const InstructionRecord &record = t.records[i];
      auto &queue = queues[unsigned(record.unit)];
      EXPECT_GE(record.freed, record.start + record.cycles);
      EXPECT_LE(record.freed, record.start + std::max(record.cycles, 2 * record.busCycles));
      EXPECT_EQ(record.end, record.freed + record.latencyCycles);
      EXPECT_GE(record.start, barrier);
      if (!queue.empty()) {
        EXPECT_GE(record.start, queue.back()->freed);
      }
      for (unsigned q = 0; q < 4; ++q)
        if (t.waits[i][q]) {
          EXPECT_GE(record.start, queues[q][t.waits[i][q] - 1]->end);
        }
      if (record.unit == Unit::Host) {
        EXPECT_GE(record.start, last);
        barrier = record.end;
      }
      queue.push_back(&record);
      last = std::max(last, record.end);
    }
    EXPECT_EQ(end, last);
    std::vector<uint64_t> ends = layerEnds(t.records, layers);
    auto bounds = attributeBounds(t.records, t.waits, ends);
    EXPECT_EQ(ends.back(), end);
    for (uint32_t layer = 0; layer < layers; ++layer)
      EXPECT_NEAR(std::accumulate(bounds[layer].begin(), bounds[layer].end(), 0.0),
                  double(ends[layer] - (layer ? ends[layer - 1] : 0)), 1e-6);
  }
}

} // namespace
