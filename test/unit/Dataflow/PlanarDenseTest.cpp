//===- PlanarDenseTest.cpp - Dense dot products over a shared-out plane ---===//

#include "TestWork.h"

#include <set>

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

/// Steps a cycle at a time through what the processing elements do, each on its tile of the outputs.
Counts twin(const TestWork &work, const machine::Machine &machine, unsigned gates) {
  const Contraction &shape = work.shape;
  int64_t peRows = machine.array[0].size, peColumns = machine.array[1].size, lanes = machine.array[2].size;
  int64_t entries = int64_t(machine.parameters.at("accumulator_entries"));
  int64_t rows = (shape.p + peRows - 1) / peRows, columns = (shape.q + peColumns - 1) / peColumns;
  int64_t filters = std::min(shape.m, entries / (rows * columns));
  double bits = shape.elementBits, sumBits = machine.findLevel("accumulator")->psumBits,
         resultBits = machine.findLevel("ppu")->psumBits;
  Counts counts;
  int64_t elements = 0;
  for (int64_t top = 0; top < shape.p; top += rows)
    for (int64_t left = 0; left < shape.q; left += columns) {
      ++elements;
      int64_t cycles = 0;
      int64_t bottom = std::min(top + rows, shape.p), right = std::min(left + columns, shape.q);
      for (int64_t n = 0; n < shape.n; ++n)
        for (int64_t g = 0; g < shape.g; ++g) {
          addBits(counts, machine, "weight_fifo", "write", double(shape.m * shape.c * shape.r * shape.s) * bits);
          counts.actions.add("noc", "transfer", double(shape.m * shape.c * shape.r * shape.s));
          // The inputs that the tile's windows span are read for each group of filters that the accumulators hold.
          for (int64_t first = 0; first < shape.m; first += filters)
            for (int64_t row = work.inputRow(top, 0); row <= work.inputRow(bottom - 1, shape.r - 1); ++row)
              for (int64_t column = work.inputColumn(left, 0); column <= work.inputColumn(right - 1, shape.s - 1);
                   ++column)
                if (row >= 0 && row < shape.inputRows() && column >= 0 && column < shape.inputColumns())
                  addBits(counts, machine, "iaram", "read", double(shape.c) * bits);
          for (int64_t p = top; p < bottom; ++p)
            for (int64_t q = left; q < right; ++q) {
              int64_t lane = 0;
              for (int64_t m = 0; m < shape.m; ++m) {
                int64_t inDot = 0;
                for (int64_t r = 0; r < shape.r; ++r)
                  for (int64_t s = 0; s < shape.s; ++s)
                    for (int64_t c = 0; c < shape.c; ++c) {
                      if (lane == 0)
                        ++cycles;
                      lane = (lane + 1) % lanes;
                      if (inDot++ % lanes == 0) {
                        addBits(counts, machine, "accumulator", "read", sumBits);
                        addBits(counts, machine, "accumulator", "write", sumBits);
                      }
                      addBits(counts, machine, "weight_fifo", "read", bits);
                      bool a = work.activationAt(n, g, c, p, q, r, s) != 0;
                      bool b = work.weight(g * shape.m + m, r, s, c) != 0;
                      bool gated = ((gates & 1) && !a) || ((gates & 2) && !b);
                      ++(gated ? counts.gated : counts.performed);
                      counts.effectual += a && b;
                    }
                addBits(counts, machine, "ppu", "write", resultBits);
              }
            }
        }
      counts.cycles = std::max(counts.cycles, double(cycles)); // All in lock step with the largest tile.
    }
  counts.wasted = counts.cycles * double(elements * lanes) - counts.performed - counts.gated;
  counts.slots = counts.cycles * double(peRows * peColumns * lanes);
  counts.boundCycles[0] = counts.cycles;
  counts.actions.add("mac", "compute", counts.performed);
  if (counts.gated > 0)
    counts.actions.add("mac", "gated", counts.gated);
  return counts;
}

TEST(PlanarDense, AgreesWithItsTwin) {
  std::mt19937_64 random(13);
  machine::Machine shipped = shippedMachine("dcnn");
  shipped.kinds.clear();
  const Dataflow &dataflow = dataflowOf(shipped);
  for (int i = 0; i < 200; ++i) {
    machine::Machine machine = withArray(shipped, {uint32_t(1 + i % 4), uint32_t(1 + i % 3), uint32_t(1 + i % 17)});
    machine.parameters["accumulator_entries"] = i % 2 ? 1024 : 40;
    TestWork work = makeWork(randomShape(random, 20), (i % 7) / 6.0, (i % 4) / 3.0, i, i % 2);
    SCOPED_TRACE(describe(work.shape));
    isa::SafSet safs;
    unsigned gates = unsigned(i % 4);
    if (gates & 1)
      safs.push_back({0, isa::OperandKind::A, isa::SafAction::Gate, 1, {}});
    if (gates & 2)
      safs.push_back({0, isa::OperandKind::B, isa::SafAction::Gate, 2, {}});
    std::vector<isa::Mapping> mappings = dataflow.innerMappings(work.shape, machine);
    ASSERT_EQ(mappings.size(), 1u);
    for (const isa::Mapping *mapping : std::array<const isa::Mapping *, 2>{nullptr, &mappings[0]}) {
      Work asked{work.shape, mapping, &safs, &machine, false, nullptr};
      ASSERT_TRUE(dataflow.legal(asked).ok()) << dataflow.legal(asked);
      Counts counts = dataflow.count(asked, work.aView, work.bView);
      expectEqual(counts, twin(work, machine, gates));
      expectLaws(counts, work.shape, machine);
    }
  }
}

TEST(PlanarDense, ClosedForms) {
  machine::Machine machine = shippedMachine("dcnn");
  const Dataflow &dataflow = dataflowOf(machine);
  auto cycles = [&](Contraction shape) {
    return dataflow.estimate({shape, nullptr, nullptr, &machine, false, nullptr}, {1, 1}).cycles;
  };
  // AlexNet's conv1 and conv3: ceil(P/8)^2 C K R S / 16.
  Contraction shape;
  shape.c = 3, shape.m = 96, shape.p = shape.q = 55, shape.r = shape.s = 11, shape.strideH = shape.strideW = 4;
  EXPECT_EQ(cycles(shape), 7.0 * 7 * 3 * 96 * 121 / 16);
  shape = {};
  shape.c = 256, shape.m = 384, shape.p = shape.q = 13, shape.r = shape.s = 3;
  shape.padTop = shape.padBottom = shape.padLeft = shape.padRight = 1;
  EXPECT_EQ(cycles(shape), 2.0 * 2 * 256 * 384 * 9 / 16);
  // A fully connected layer has one output position, and so one processing element.
  shape = {};
  shape.c = 512, shape.m = 1000;
  EXPECT_EQ(cycles(shape), 512 * 1000 / 16);
}

TEST(PlanarDense, SubTilesWhereOneFilterDoesNotFit) {
  machine::Machine machine = shippedMachine("dcnn");
  machine.parameters["accumulator_entries"] = 10;
  const Dataflow &dataflow = dataflowOf(machine);
  Contraction shape;
  shape.c = 2, shape.m = 3, shape.p = shape.q = 32, shape.r = shape.s = 3;
  isa::Mapping mapping = dataflow.innerMappings(shape, machine)[0];
  Work asked{shape, &mapping, nullptr, &machine, false, nullptr};
  EXPECT_TRUE(dataflow.legal(asked).ok()) << dataflow.legal(asked);
  EXPECT_EQ(dataflow.estimate(asked, {1, 1}).cycles, 4 * 4 * 4); // 3 x 18 products an output, 16 in a cycle.
  machine.parameters["accumulator_entries"] = 1;
  EXPECT_EQ(dataflow.legal(asked).message(),
            "planar-dense: sums of 1 filters for a tile of 2 x 4 need 8 entries, but the accumulators of a processing "
            "element have 1");
}

} // namespace
