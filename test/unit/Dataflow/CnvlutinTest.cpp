//===- CnvlutinTest.cpp - Dot-product units that skip zeros ---------------===//

#include "TestWork.h"

#include <deque>

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

struct Element {
  int64_t r, s, c;
  bool nonzero;
};
using Brick = std::vector<Element>;

/// Steps a cycle at a time through what the lanes do; for contractions that are accelerated.
Counts twin(const TestWork &work, const machine::Machine &machine, int64_t brickSize, int sync, bool gatesOnB,
            bool accumulate) {
  const Contraction &shape = work.shape;
  int64_t units = machine.array[0].size, filters = machine.array[1].size, lanes = machine.array[2].size;
  int64_t laneChannels = (shape.c + lanes - 1) / lanes;
  double bits = shape.elementBits, offsetBits = 0;
  while ((int64_t(1) << int(offsetBits)) < brickSize)
    ++offsetBits;
  Counts counts;
  for (int64_t g = 0; g < shape.g; ++g) {
    for (int64_t firstFilter = 0; firstFilter < shape.m; firstFilter += units * filters) {
      int64_t mHere = std::min(units * filters, shape.m - firstFilter);
      int64_t working = (mHere + filters - 1) / filters;
      uint64_t laneCyclesOfPass = 0;
      for (int64_t n = 0; n < shape.n; ++n)
        for (int64_t p = 0; p < shape.p; ++p)
          for (int64_t q = 0; q < shape.q; ++q) {
            // What each lane walks, in bricks, between meetings.
            std::vector<std::vector<std::deque<Brick>>> segments(lanes);
            size_t mostSegments = 0;
            for (int64_t lane = 0; lane < lanes; ++lane) {
              std::vector<Brick> bricks;
              std::vector<size_t> positionEnds;
              Brick brick;
              for (int64_t r = 0; r < shape.r; ++r)
                for (int64_t s = 0; s < shape.s; ++s) {
                  for (int64_t c = lane * laneChannels; c < std::min(shape.c, (lane + 1) * laneChannels); ++c) {
                    brick.push_back({r, s, c, work.activationAt(n, g, c, p, q, r, s) != 0});
                    if (int64_t(brick.size()) == brickSize) {
                      bricks.push_back(brick);
                      brick.clear();
                    }
                  }
                  if (sync == 1 && !brick.empty()) {
                    bricks.push_back(brick);
                    brick.clear();
                  }
                  positionEnds.push_back(bricks.size());
                }
              if (!brick.empty())
                bricks.push_back(brick);
              if (sync == 0) {
                segments[lane].emplace_back(bricks.begin(), bricks.end());
              } else if (sync == 1) {
                size_t from = 0;
                for (size_t end : positionEnds) {
                  segments[lane].emplace_back(bricks.begin() + from, bricks.begin() + end);
                  from = end;
                }
              } else {
                for (const Brick &one : bricks)
                  segments[lane].push_back({one});
              }
              mostSegments = std::max(mostSegments, segments[lane].size());
              addBits(counts, machine, "nm", "read", double(bricks.size() * brickSize) * bits);
              addBits(counts, machine, "nm", "metadata_read", double(bricks.size() * brickSize) * offsetBits);
            }
            bool firstCycle = true;
            for (size_t segment = 0; segment < mostSegments; ++segment) {
              for (;;) {
                bool busy = false;
                double products = 0;
                for (int64_t lane = 0; lane < lanes; ++lane) {
                  if (segment >= segments[lane].size() || segments[lane][segment].empty())
                    continue;
                  std::deque<Brick> &queue = segments[lane][segment];
                  busy = true;
                  ++laneCyclesOfPass;
                  Brick &brick = queue.front();
                  while (!brick.empty() && !brick.front().nonzero)
                    brick.erase(brick.begin());
                  if (!brick.empty()) {
                    Element e = brick.front();
                    brick.erase(brick.begin());
                    addBits(counts, machine, "nbin", "write", double(working) * bits);
                    addBits(counts, machine, "nbin", "read", double(working) * bits);
                    addBits(counts, machine, "nbin", "metadata_write", double(working) * offsetBits);
                    addBits(counts, machine, "nbin", "metadata_read", double(working) * offsetBits);
                    addBits(counts, machine, "sb", "read", double(working * filters) * bits);
                    counts.actions.add("noc", "transfer", double(working));
                    for (int64_t m = firstFilter; m < firstFilter + mHere; ++m) {
                      bool b = work.weight(g * shape.m + m, e.r, e.s, e.c) != 0;
                      ++(gatesOnB && !b ? counts.gated : counts.performed);
                      counts.effectual += b;
                      ++products;
                    }
                  }
                  // A brick ends with its last nonzero.
                  if (std::none_of(brick.begin(), brick.end(), [](const Element &e) { return e.nonzero; }))
                    queue.pop_front();
                }
                if (!busy)
                  break;
                ++counts.cycles;
                counts.wasted += double(working * filters * lanes) - products;
                addBits(counts, machine, "nbout", "write", double(mHere) * 32);
                if (!firstCycle || accumulate)
                  addBits(counts, machine, "nbout", "read", double(mHere) * 32);
                firstCycle = false;
              }
            }
          }
      counts.boundCycles[0] += double(laneCyclesOfPass);
    }
  }
  // With perfect balance the lanes would need as many cycles; each pass over the filters is the same.
  int64_t passes = (shape.m + units * filters - 1) / (units * filters);
  int64_t perPass = int64_t(counts.boundCycles[0]) / passes;
  counts.boundCycles[0] = double(passes * ((perPass + lanes - 1) / lanes));
  counts.boundCycles[unsigned(Bound::Sync)] = counts.cycles - counts.boundCycles[0];
  counts.slots = counts.cycles * double(units * filters * lanes);
  counts.skipped = double(shape.macs()) - counts.performed - counts.gated;
  counts.actions.add("mac", "compute", counts.performed);
  if (counts.gated > 0)
    counts.actions.add("mac", "gated", counts.gated);
  return counts;
}

TEST(Cnvlutin, AgreesWithItsTwin) {
  std::mt19937_64 random(5);
  machine::Machine shipped = shippedMachine("cnvlutin");
  for (machine::Level &level : shipped.levels)
    level.readBytesPerCycle = level.writeBytesPerCycle = 0;
  const Dataflow &dataflow = dataflowOf(shipped);
  int accelerated = 0;
  for (int i = 0; i < 300; ++i) {
    machine::Machine machine = i % 3 ? withArray(shipped, {2, 2, uint32_t(1 + i % 21)}) : shipped;
    int64_t brick = std::array<int64_t, 6>{16, 4, 16, 24, 64, 16}[i % 6];
    int sync = i / 6 % 3;
    machine.parameters["brick"] = double(brick);
    machine.parameters["sync"] = sync;
    ASSERT_TRUE(dataflow.checkMachine(machine).ok()) << dataflow.checkMachine(machine);
    TestWork work = makeWork(randomShape(random, i % 4 ? 50 : 400), (i % 7) / 6.0, (i % 4) / 3.0, i, i % 2);
    if (work.shape.c < int64_t(machine.array[2].size))
      continue;
    ++accelerated;
    SCOPED_TRACE(describe(work.shape) + " brick " + std::to_string(brick) + " sync " + std::to_string(sync));
    uint8_t compute = uint8_t(machine.levels.size());
    isa::SafSet safs = {{compute, isa::OperandKind::A, isa::SafAction::Skip, 1, {}}};
    // Weights that are not read make the lane leave the activation out just as well.
    if (i % 4 == 0)
      safs[0] = {uint8_t(machine.levelIndex("sb")), isa::OperandKind::B, isa::SafAction::Skip, 1, {}};
    bool gatesOnB = i % 5 == 0;
    if (gatesOnB)
      safs.push_back({compute, isa::OperandKind::B, isa::SafAction::Gate, 2, {}});
    Work asked{work.shape, nullptr, &safs, &machine, i % 2 == 1, nullptr};
    Counts counts = dataflow.count(asked, work.aView, work.bView);
    expectEqual(counts, twin(work, machine, brick, sync, gatesOnB, asked.accumulate));
    expectLaws(counts, work.shape, machine);
    // What goes into a link comes out: nonzeros to the units, and from their buffers to the multipliers.
    EXPECT_NEAR(counts.actions.get("noc", "transfer") * work.shape.elementBits,
                counts.actions.get("nbin", "write") * machine.findLevel("nbin")->wordBits, 1e-6);
    EXPECT_EQ(counts.actions.get("nbin", "write"), counts.actions.get("nbin", "read"));
    if (gatesOnB) {
      EXPECT_EQ(counts.performed, counts.effectual);
      safs.pop_back();
      EXPECT_EQ(counts.cycles, dataflow.count(asked, work.aView, work.bView).cycles);
    }
  }
  EXPECT_GT(accelerated, 100);
}

TEST(Cnvlutin, ClosedForms) {
  machine::Machine machine = shippedMachine("cnvlutin");
  const Dataflow &dataflow = dataflowOf(machine);
  Contraction shape;
  shape.c = 128, shape.m = 256, shape.p = 4, shape.q = 3, shape.r = 3, shape.s = 3;
  auto cycles = [&](double density) {
    TestWork work = makeWork(shape, density, 1, 1);
    return dataflow.count({shape, nullptr, nullptr, &machine, false, nullptr}, work.aView, work.bView).cycles;
  };
  EXPECT_EQ(cycles(1), 4 * 3 * 9 * 8); // As dense.
  EXPECT_EQ(cycles(0), 4 * 3 * 5);     // 72 activations of a lane make 5 bricks, 1 cycle each.
  // One nonzero brick in one lane: that window alone waits for it.
  TestWork work = makeWork(shape, 0, 1, 1);
  auto *values = reinterpret_cast<int16_t *>(work.aBytes.data());
  for (int c = 0; c < 8; ++c)
    values[c] = 1; // The first pixel's channels of lane 0 lie in the first window's first brick only.
  EXPECT_EQ(dataflow.count({shape, nullptr, nullptr, &machine, false, nullptr}, work.aView, work.bView).cycles,
            4 * 3 * 5 + 7);
}

TEST(Cnvlutin, WithoutSkippingItIsDense) {
  machine::Machine machine = shippedMachine("cnvlutin"), dense = shippedMachine("dadiannao");
  std::mt19937_64 random(6);
  isa::SafSet none;
  for (int i = 0; i < 20; ++i) {
    TestWork work = makeWork(randomShape(random, 60), 0.5, 0.5, i);
    Counts off =
        dataflowOf(machine).count({work.shape, nullptr, &none, &machine, false, nullptr}, work.aView, work.bView);
    Counts baseline =
        dataflowOf(dense).count({work.shape, nullptr, &none, &dense, false, nullptr}, work.aView, work.bView);
    expectEqual(off, baseline);
  }
  // Fewer channels than lanes: packed and not accelerated, whatever is active.
  Contraction first;
  first.c = 3, first.m = 96, first.p = first.q = 5, first.r = first.s = 11, first.strideH = first.strideW = 4;
  TestWork work = makeWork(first, 0.2, 1, 1);
  EXPECT_EQ(
      dataflowOf(machine).count({first, nullptr, nullptr, &machine, false, nullptr}, work.aView, work.bView).cycles,
      5 * 5 * 23);
}

std::vector<Contraction> alexNet() {
  std::vector<Contraction> layers(5);
  auto set = [](Contraction &layer, int64_t g, int64_t m, int64_t c, int64_t side, int64_t filter, int64_t stride,
                int64_t pad) {
    layer.g = g, layer.m = m, layer.c = c, layer.p = layer.q = side, layer.r = layer.s = filter;
    layer.strideH = layer.strideW = stride;
    layer.padTop = layer.padBottom = layer.padLeft = layer.padRight = pad;
  };
  set(layers[0], 1, 96, 3, 55, 11, 4, 0);
  set(layers[1], 2, 128, 48, 27, 5, 1, 2);
  set(layers[2], 1, 384, 256, 13, 3, 1, 1);
  set(layers[3], 2, 192, 192, 13, 3, 1, 1);
  set(layers[4], 2, 128, 192, 13, 3, 1, 1);
  return layers;
}

/// Speed-up over the dense machine on conv1-5 with 44% independent zeros from conv2 on, and the estimate of it. Padding
/// belongs to the operands, so that zeros are as frequent in it as elsewhere; or it is zeros besides.
std::pair<double, double> alexNetSpeedup(int sync, bool paddingIsExtra = false) {
  machine::Machine skipping = shippedMachine("cnvlutin"), dense = shippedMachine("dadiannao");
  skipping.parameters["sync"] = sync;
  double denseCycles = 0, skippingCycles = 0, estimatedCycles = 0;
  for (size_t i = 0; Contraction layer : alexNet()) {
    double density = i++ == 0 ? 1.0 : 0.56;
    if (!paddingIsExtra)
      layer.padTop = layer.padBottom = layer.padLeft = layer.padRight = 0;
    TestWork work = makeWork(layer, density, 1.0, i);
    Work asked{layer, nullptr, nullptr, &skipping, false, nullptr};
    skippingCycles += dataflowOf(skipping).count(asked, work.aView, work.bView).cycles;
    estimatedCycles += dataflowOf(skipping).estimate(asked, {density, 1.0}).cycles;
    asked.machine = &dense;
    denseCycles += dataflowOf(dense).count(asked, work.aView, work.bView).cycles;
  }
  return {denseCycles / skippingCycles, denseCycles / estimatedCycles};
}

TEST(Cnvlutin, ReproducesTheSpeedupOnAlexNet) {
  auto [counted, estimated] = alexNetSpeedup(0);
  RecordProperty("counted", std::to_string(counted));
  EXPECT_GE(counted, 1.33);
  EXPECT_LE(counted, 1.41);
  EXPECT_NEAR(estimated, counted, 0.03);
  EXPECT_NEAR(alexNetSpeedup(0, true).first, 1.45, 0.02);
  // What the reading of the paper's synchronisation changes.
  auto [brick, estimatedBrick] = alexNetSpeedup(2);
  EXPECT_NEAR(brick, 1.22, 0.02);
  EXPECT_NEAR(estimatedBrick, brick, 0.03);
  auto [position, estimatedPosition] = alexNetSpeedup(1);
  EXPECT_LT(position, brick);
  EXPECT_GT(position, 1);
  EXPECT_NEAR(estimatedPosition, position, 0.03);
}

TEST(Cnvlutin, EstimatesIndependentZerosClosely) {
  machine::Machine machine = shippedMachine("cnvlutin");
  const Dataflow &dataflow = dataflowOf(machine);
  for (int64_t channels : {16, 24, 64, 100, 256}) {
    for (double density : {0.0, 0.05, 0.3, 0.6, 0.95, 1.0}) {
      Contraction shape;
      shape.c = channels, shape.m = 20, shape.p = shape.q = 24, shape.r = shape.s = 3;
      shape.padTop = shape.padBottom = shape.padLeft = shape.padRight = 1;
      TestWork work = makeWork(shape, density, 0.4, 7);
      Work asked{shape, nullptr, nullptr, &machine, false, nullptr};
      Counts counted = dataflow.count(asked, work.aView, work.bView);
      double zeros = double(std::count(work.a.begin(), work.a.end(), 0));
      Counts estimated = dataflow.estimate(asked, {1 - zeros / double(work.a.size()), 0.4});
      SCOPED_TRACE(testing::Message() << channels << " channels, density " << density);
      EXPECT_NEAR(estimated.cycles / counted.cycles, 1, 0.08);
      EXPECT_NEAR(estimated.performed, counted.performed, 0.05 * counted.performed);
      EXPECT_NEAR(estimated.effectual, counted.effectual, 0.1 * counted.effectual + 1);
    }
  }
}

TEST(Cnvlutin, ChecksItsParameters) {
  machine::Machine machine = shippedMachine("cnvlutin");
  machine.parameters["brick"] = 65;
  EXPECT_EQ(dataflowOf(machine).checkMachine(machine).message(),
            "machine 'cnvlutin': parameter 'brick' is 65, expected a whole number from 2 to 64: activations that are "
            "fetched together; a brick of zeros costs 1");
}

} // namespace
