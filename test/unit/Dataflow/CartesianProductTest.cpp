//===- CartesianProductTest.cpp - Nonzeros times nonzeros -----------------===//

#include "TestWork.h"

#include <cmath>
#include <deque>
#include <map>
#include <set>

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

/// How the twin is told to share out the plane.
struct Split {
  int64_t peRows, peColumns, subRows, subColumns, rows, columns, filters;
};

struct TwinRules {
  bool skipA = true, skipB = true, gateA = false, gateB = false;
  bool conflicts = false;
};

int64_t floorDiv(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

/// An operand's entry as a processing element fetches it.
struct ActivationEntry {
  int64_t row, column;
  bool nonzero;
};
struct WeightEntry {
  int64_t filter, r, s; ///< `filter` within the group of output channels.
  bool nonzero;
};
using Key = std::array<int64_t, 3>; ///< Channel, row phase, column phase.

/// Steps a cycle at a time through what the processing elements do.
Counts twin(const TestWork &work, const machine::Machine &machine, const Split &split, const TwinRules &rules) {
  const Contraction &shape = work.shape;
  auto parameter = [&](const char *name) { return int64_t(machine.parameters.at(name)); };
  int64_t vectorB = machine.array[2].size, vectorA = machine.array[3].size;
  int64_t banks = parameter("banks"), depth = parameter("queue_depth");
  int64_t height = shape.inputRows(), width = shape.inputColumns();
  double bits = shape.elementBits, sumBits = machine.findLevel("accumulator")->psumBits,
         resultBits = machine.findLevel("ppu")->psumBits, indexBits = double(parameter("index_bits"));
  int64_t haloRows = (shape.r - 1) * shape.dilationH / shape.strideH,
          haloColumns = (shape.s - 1) * shape.dilationW / shape.strideW;
  // Places of inputs in the plane, the first input's being 0.
  int64_t firstRow = shape.padTop / shape.strideH, firstColumn = shape.padLeft / shape.strideW;
  auto placeRow = [&](int64_t row) { return (row + shape.padTop) / shape.strideH - firstRow; };
  auto placeColumn = [&](int64_t column) { return (column + shape.padLeft) / shape.strideW - firstColumn; };
  int64_t extentRows = std::max(shape.p, placeRow(height - 1) + 1),
          extentColumns = std::max(shape.q, placeColumn(width - 1) + 1);

  Counts counts;
  std::set<std::pair<int64_t, int64_t>> elements; // That have a place of the plane.
  for (int64_t y = 0; y < extentRows; ++y)
    for (int64_t x = 0; x < extentColumns; ++x)
      elements.insert({y / (split.rows * split.subRows), x / (split.columns * split.subColumns)});
  double computeCycles = 0, conflictCycles = 0, waitCycles = 0, busyCycles = 0, productsDone = 0;
  int64_t draining = 0;
  for (int64_t n = 0; n < shape.n; ++n)
    for (int64_t g = 0; g < shape.g; ++g)
      for (int64_t firstFilter = 0; firstFilter < shape.m; firstFilter += split.filters) {
        int64_t filters = std::min(split.filters, shape.m - firstFilter);
        std::map<Key, std::vector<WeightEntry>> weights;
        int64_t weightEntries = 0;
        for (int64_t m = 0; m < filters; ++m)
          for (int64_t r = 0; r < shape.r; ++r)
            for (int64_t s = 0; s < shape.s; ++s)
              for (int64_t c = 0; c < shape.c; ++c) {
                bool nonzero = work.weight(g * shape.m + firstFilter + m, r, s, c) != 0;
                if (!nonzero && rules.skipB)
                  continue;
                Key key = {c, r * shape.dilationH % shape.strideH, s * shape.dilationW % shape.strideW};
                weights[key].push_back({m, r, s, nonzero});
                ++weightEntries;
              }
        for (int64_t subRow = 0; subRow < split.subRows; ++subRow)
          for (int64_t subColumn = 0; subColumn < split.subColumns; ++subColumn) {
            // The barrier: everyone starts this step together.
            int64_t slowest = 0, slowestFree = 0, slowestDrain = 0;
            bool anyone = false;
            for (auto [peRow, peColumn] : elements) {
              int64_t top = (peRow * split.subRows + subRow) * split.rows,
                      left = (peColumn * split.subColumns + subColumn) * split.columns;
              if (top >= extentRows || left >= extentColumns)
                continue;
              anyone = true;
              std::map<Key, std::vector<ActivationEntry>> activations;
              for (int64_t row = 0; row < height; ++row)
                for (int64_t column = 0; column < width; ++column) {
                  if (placeRow(row) < top || placeRow(row) >= top + split.rows || placeColumn(column) < left ||
                      placeColumn(column) >= left + split.columns)
                    continue;
                  for (int64_t c = 0; c < shape.c; ++c) {
                    bool nonzero = work.activation(n, row, column, g * shape.c + c) != 0;
                    Key key = {c, (row + shape.padTop) % shape.strideH, (column + shape.padLeft) % shape.strideW};
                    if (nonzero || !rules.skipA)
                      activations[key].push_back({row, column, nonzero});
                  }
                }
              addBits(counts, machine, "weight_fifo", "write", double(weightEntries) * bits);
              addBits(counts, machine, "weight_fifo", "metadata_write", double(weightEntries) * indexBits);
              counts.actions.add("noc", "transfer", double(weightEntries));
              // What the array issues, in order.
              std::deque<std::vector<std::pair<ActivationEntry, WeightEntry>>> vectors;
              for (const auto &[key, as] : activations) {
                auto bs = weights.find(key);
                if (bs == weights.end())
                  continue;
                for (size_t i = 0; i < as.size(); i += vectorA) {
                  size_t fetched = std::min<size_t>(vectorA, as.size() - i);
                  addBits(counts, machine, "iaram", "read", double(fetched) * bits);
                  addBits(counts, machine, "iaram", "metadata_read", double(fetched) * indexBits);
                  for (size_t j = 0; j < bs->second.size(); j += vectorB) {
                    size_t filtersHere = std::min<size_t>(vectorB, bs->second.size() - j);
                    addBits(counts, machine, "weight_fifo", "read", double(filtersHere) * bits);
                    addBits(counts, machine, "weight_fifo", "metadata_read", double(filtersHere) * indexBits);
                    vectors.emplace_back();
                    for (size_t w = j; w < j + filtersHere; ++w)
                      for (size_t x = i; x < i + fetched; ++x)
                        vectors.back().push_back({as[x], bs->second[w]});
                  }
                }
              }
              slowestFree = std::max(slowestFree, int64_t(vectors.size()));
              busyCycles += double(vectors.size());
              // Cycle by cycle: issue unless a bank's queue is too long, then each bank adds one.
              std::vector<std::deque<int>> queues(banks);
              int64_t cycle = 0;
              auto waiting = [&] {
                size_t longest = 0;
                for (const auto &queue : queues)
                  longest = std::max(longest, queue.size());
                return int64_t(longest);
              };
              while (!vectors.empty() || waiting() > 0) {
                ++cycle;
                if (!vectors.empty() && waiting() <= depth) {
                  for (const auto &[a, b] : vectors.front()) {
                    int64_t down = a.row + shape.padTop - b.r * shape.dilationH,
                            right = a.column + shape.padLeft - b.s * shape.dilationW;
                    EXPECT_EQ(down % shape.strideH, 0);
                    EXPECT_EQ(right % shape.strideW, 0);
                    int64_t p = floorDiv(down, shape.strideH), q = floorDiv(right, shape.strideW);
                    bool gated = (rules.gateA && !a.nonzero) || (rules.gateB && !b.nonzero);
                    counts.actions.add("mac", gated ? "gated" : "compute", 1);
                    ++productsDone;
                    if (p < 0 || p >= shape.p || q < 0 || q >= shape.q) {
                      ++counts.wastedOutOfPlane;
                      continue;
                    }
                    ++(gated ? counts.gated : counts.performed);
                    counts.effectual += a.nonzero && b.nonzero;
                    if (!gated) {
                      addBits(counts, machine, "accumulator", "read", sumBits);
                      addBits(counts, machine, "accumulator", "write", sumBits);
                    }
                    if (rules.conflicts) {
                      int64_t bank = (parameter("hash_filter") * b.filter +
                                      parameter("hash_row") * (p - (top + firstRow - haloRows)) +
                                      parameter("hash_column") * (q - (left + firstColumn - haloColumns))) %
                                     banks;
                      queues[bank].push_back(1);
                    }
                  }
                  vectors.pop_front();
                }
                for (auto &queue : queues)
                  if (!queue.empty())
                    queue.pop_front();
              }
              slowest = std::max(slowest, cycle);
              // Sums that this element holds at the end: every output that one of its places reaches.
              std::set<std::pair<int64_t, int64_t>> held;
              int64_t own = 0, sent = 0;
              for (int64_t y = top; y < top + split.rows; ++y)
                for (int64_t x = left; x < left + split.columns; ++x) {
                  own += y < shape.p && x < shape.q;
                  for (int64_t i = 0; i <= haloRows; ++i)
                    for (int64_t j = 0; j <= haloColumns; ++j) {
                      int64_t p = y + firstRow - i, q = x + firstColumn - j;
                      if (p >= 0 && p < shape.p && q >= 0 && q < shape.q)
                        held.insert({p, q});
                    }
                }
              for (auto [p, q] : held)
                sent += p < top || p >= top + split.rows || q < left || q >= left + split.columns;
              addBits(counts, machine, "accumulator", "read", double(int64_t(held.size()) * filters) * sumBits);
              addBits(counts, machine, "accumulator", "read", double(sent * filters) * sumBits); // At the neighbour.
              addBits(counts, machine, "accumulator", "write", double(sent * filters) * sumBits);
              addBits(counts, machine, "ppu", "write", double(own * filters) * resultBits);
              counts.actions.add("noc", "transfer", double(sent * filters));
              int64_t drain = 0;
              for (int64_t left = sent * filters; left > 0; left -= parameter("halo_words"))
                ++drain;
              for (int64_t left = own * filters; left > 0; left -= parameter("drain_words"))
                ++drain;
              slowestDrain = std::max(slowestDrain, drain);
            }
            if (!anyone)
              continue;
            computeCycles += double(slowestFree);
            conflictCycles += double(slowest - slowestFree);
            waitCycles += double(std::max<int64_t>(0, draining - slowest));
            draining = slowestDrain;
          }
      }
  waitCycles += double(draining);
  counts.cycles = computeCycles + conflictCycles + waitCycles;
  double multipliers = double(vectorA * vectorB), there = double(elements.size());
  counts.wasted = (computeCycles + conflictCycles) * there * multipliers - productsDone + counts.wastedOutOfPlane;
  counts.slots = counts.cycles * multipliers * double(machine.array[0].size * machine.array[1].size);
  counts.skipped = double(shape.macs()) - counts.performed - counts.gated;
  counts.boundCycles[unsigned(Bound::Mac)] = std::min(computeCycles, std::ceil(busyCycles / there));
  counts.boundCycles[unsigned(Bound::Buffer)] = conflictCycles;
  counts.boundCycles[unsigned(Bound::Sync)] = counts.cycles - conflictCycles - counts.boundCycles[0];
  return counts;
}

machine::Machine explicitParameters(machine::Machine machine) {
  for (const Dataflow::Parameter &parameter : dataflowOf(machine).parameters())
    machine.parameters.try_emplace(parameter.name, parameter.defaultValue);
  return machine;
}

/// A random legal way to share out a shape, as a mapping too.
Split randomSplit(std::mt19937_64 &random, const Contraction &shape, const machine::Machine &machine) {
  auto pick = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  int64_t extentRows = std::max(shape.p, (shape.inputRows() - 1 + shape.padTop) / shape.strideH -
                                             shape.padTop / shape.strideH + 1),
          extentColumns = std::max(shape.q, (shape.inputColumns() - 1 + shape.padLeft) / shape.strideW -
                                                shape.padLeft / shape.strideW + 1);
  Split split{};
  split.peRows = pick(1, machine.array[0].size), split.peColumns = pick(1, machine.array[1].size);
  split.subRows = pick(1, 2), split.subColumns = pick(1, 3);
  auto up = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  split.rows = up(extentRows, split.peRows * split.subRows);
  split.columns = up(extentColumns, split.peColumns * split.subColumns);
  split.filters = pick(1, shape.m);
  return split;
}

isa::Mapping mappingOf(const Split &split, const Contraction &shape, const machine::Machine &machine) {
  isa::Mapping mapping;
  uint8_t outer = uint8_t(machine.levelIndex("iaram")), inner = uint8_t(machine.levelIndex("accumulator"));
  auto loop = [&](isa::Rank rank, int64_t factor, uint8_t level, isa::LoopKind kind) {
    mapping.loops.push_back({rank, uint32_t(factor), level, kind});
  };
  using isa::LoopKind;
  using isa::Rank;
  loop(Rank::N, shape.n, outer, LoopKind::Temporal);
  loop(Rank::G, shape.g, outer, LoopKind::Temporal);
  loop(Rank::M, (shape.m + split.filters - 1) / split.filters, outer, LoopKind::Temporal);
  loop(Rank::P, split.subRows, outer, LoopKind::Temporal);
  loop(Rank::Q, split.subColumns, outer, LoopKind::Temporal);
  loop(Rank::P, split.peRows, outer, LoopKind::SpatialX);
  loop(Rank::Q, split.peColumns, outer, LoopKind::SpatialY);
  loop(Rank::C, shape.c, inner, LoopKind::Temporal);
  loop(Rank::P, split.rows, inner, LoopKind::Temporal);
  loop(Rank::Q, split.columns, inner, LoopKind::Temporal);
  loop(Rank::M, split.filters, inner, LoopKind::Temporal);
  loop(Rank::R, shape.r, inner, LoopKind::Temporal);
  loop(Rank::S, shape.s, inner, LoopKind::Temporal);
  return mapping;
}

TEST(CartesianProduct, AgreesWithItsTwin) {
  std::mt19937_64 random(11);
  machine::Machine shipped = explicitParameters(shippedMachine("scnn"));
  shipped.kinds.clear(); // Every shape: grouped and depthwise too.
  const Dataflow &dataflow = dataflowOf(shipped);
  for (int i = 0; i < 300; ++i) {
    machine::Machine machine =
        withArray(shipped, {uint32_t(1 + i % 4), uint32_t(1 + i % 3), uint32_t(1 + i % 5), uint32_t(1 + i % 4)});
    TwinRules rules;
    rules.conflicts = i % 2 == 1;
    machine.parameters["bank_conflicts"] = rules.conflicts;
    machine.parameters["banks"] = 1 << (i % 9);
    machine.parameters["queue_depth"] = i % 10 == 7 ? 300 : i % 5; // 300 needs more than a byte.
    machine.parameters["drain_words"] = 1 + i % 3;
    machine.parameters["halo_words"] = 1 + i % 2;
    ASSERT_TRUE(dataflow.checkMachine(machine).ok()) << dataflow.checkMachine(machine);
    Contraction shape = randomShape(random, 12);
    TestWork work = makeWork(shape, (i % 7) / 6.0, (i % 4) / 3.0, i, i % 2);
    isa::SafSet safs;
    rules.skipA = i % 8 != 3, rules.skipB = i % 8 != 4;
    if (rules.skipA)
      safs.push_back({0, isa::OperandKind::A, isa::SafAction::Skip, 1, {}});
    if (rules.skipB)
      safs.push_back({0, isa::OperandKind::B, isa::SafAction::Skip, 2, {}});
    if (i % 16 == 3) {
      safs.push_back({0, isa::OperandKind::A, isa::SafAction::Gate, 1, {}});
      rules.gateA = true;
    }
    if (i % 16 == 4) {
      safs.push_back({0, isa::OperandKind::B, isa::SafAction::Gate, 2, {}});
      rules.gateB = true;
    }
    Split split = randomSplit(random, shape, machine);
    isa::Mapping mapping = mappingOf(split, shape, machine);
    Work asked{shape, &mapping, &safs, &machine, false, nullptr};
    SCOPED_TRACE(describe(shape) + " case " + std::to_string(i));
    ASSERT_TRUE(dataflow.legal(asked).ok()) << dataflow.legal(asked);
    Counts counts = dataflow.count(asked, work.aView, work.bView);
    expectEqual(counts, twin(work, machine, split, rules));
    expectLaws(counts, shape, machine);
    if (rules.skipA && rules.skipB) {
      EXPECT_EQ(counts.performed, counts.effectual);
    }
  }
}

TEST(CartesianProduct, ItsOwnMappingsAreLegalAndAgree) {
  std::mt19937_64 random(12);
  machine::Machine machine = explicitParameters(shippedMachine("scnn"));
  machine.kinds.clear();
  const Dataflow &dataflow = dataflowOf(machine);
  for (int i = 0; i < 60; ++i) {
    machine.parameters["accumulator_entries"] = std::array<double, 3>{1024, 40, 25}[i % 3];
    Contraction shape = randomShape(random, 6);
    TestWork work = makeWork(shape, 0.5, 0.5, i);
    SCOPED_TRACE(describe(shape));
    std::vector<isa::Mapping> mappings = dataflow.innerMappings(shape, machine);
    ASSERT_FALSE(mappings.empty());
    for (const isa::Mapping &mapping : mappings) {
      Work asked{shape, &mapping, nullptr, &machine, false, nullptr};
      EXPECT_TRUE(dataflow.legal(asked).ok()) << dataflow.legal(asked);
      expectLaws(dataflow.count(asked, work.aView, work.bView), shape, machine);
    }
    // Without a mapping the first of them is used.
    Work own{shape, nullptr, nullptr, &machine, false, nullptr},
        first{shape, &mappings[0], nullptr, &machine, false, nullptr};
    expectEqual(dataflow.count(own, work.aView, work.bView), dataflow.count(first, work.aView, work.bView));
  }
}

TEST(CartesianProduct, ClosedForms) {
  machine::Machine machine = shippedMachine("scnn");
  const Dataflow &dataflow = dataflowOf(machine);
  // 16 x 16 outputs, a tile of 2 x 2 each; with halo 4 x 4 = 16 entries, so 64 filters.
  Contraction shape;
  shape.c = 5, shape.m = 100, shape.p = shape.q = 16, shape.r = shape.s = 3;
  shape.padTop = shape.padBottom = shape.padLeft = shape.padRight = 1;
  auto count = [&](double a, double b) {
    TestWork work = makeWork(shape, a, b, 1);
    return dataflow.count({shape, nullptr, nullptr, &machine, false, nullptr}, work.aView, work.bView);
  };
  Counts dense = count(1, 1);
  // Drains: 12 of 16 sums go to neighbours, 4 stay. 64 filters: 192 + 64 cycles, hidden; the last 36: 108 + 36, not.
  EXPECT_EQ(dense.cycles, 5 * (64 * 9 / 4 + 36 * 9 / 4) + 108 + 36);
  EXPECT_EQ(dense.boundCycles[unsigned(Bound::Sync)], 108 + 36);
  EXPECT_EQ(dense.performed, double(shape.m * shape.c) * 46 * 46); // 3 x 16 taps a side, less 2 in padding.
  EXPECT_EQ(dense.wastedOutOfPlane, double(shape.m * shape.c) * (48 * 48 - 46 * 46));
  // With nothing to do the drains remain.
  Counts nothing = count(0, 1);
  EXPECT_EQ(nothing.cycles, 192 + 64 + 108 + 36);
  EXPECT_EQ(nothing.performed + nothing.wasted, 0);
  // One output channel more than the accumulators hold starts another group.
  shape.m = 64;
  double fits = count(1, 1).cycles;
  EXPECT_EQ(fits, 5 * 144 + 192 + 64);
  shape.m = 65;
  EXPECT_EQ(count(1, 1).cycles, 5 * 144 + 5 * 3 + (192 + 64 - 15) + 3 + 1);
}

TEST(CartesianProduct, StridesAreCutIntoPhases) {
  // 4 x 4 phases of an 11 x 11 filter: each nonzero activation meets the filter's taps of its phase only.
  machine::Machine machine = shippedMachine("scnn");
  const Dataflow &dataflow = dataflowOf(machine);
  Contraction shape;
  shape.c = 3, shape.m = 96, shape.p = shape.q = 55, shape.r = shape.s = 11, shape.strideH = shape.strideW = 4;
  TestWork work = makeWork(shape, 1, 1, 1);
  Counts counts = dataflow.count({shape, nullptr, nullptr, &machine, false, nullptr}, work.aView, work.bView);
  // 57 x 57 positions of which a full tile has 8 x 8; halo 2; 10 filters a group, 9 groups and one of 6.
  auto group = [](int filters) {
    int cycles = 0;
    for (int rowTaps : {3, 3, 3, 2})
      for (int columnTaps : {3, 3, 3, 2})
        cycles += 64 / 4 * ((filters * rowTaps * columnTaps + 3) / 4);
    return 3 * cycles;
  };
  // The last drain: 36 of 100 sums go to neighbours, 64 stay; 6 filters.
  EXPECT_EQ(counts.cycles, 9 * group(10) + group(6) + 36 * 6 / 4 + 64 * 6 / 4);
  EXPECT_EQ(counts.performed, double(shape.macs()));
}

TEST(CartesianProduct, ConflictsOnlyAddCycles) {
  machine::Machine machine = shippedMachine("scnn");
  const Dataflow &dataflow = dataflowOf(machine);
  Contraction shape;
  shape.c = 20, shape.m = 40, shape.p = shape.q = 20, shape.r = shape.s = 3;
  TestWork work = makeWork(shape, 0.5, 0.4, 2);
  Work asked{shape, nullptr, nullptr, &machine, false, nullptr};
  Counts without = dataflow.count(asked, work.aView, work.bView);
  machine.parameters["bank_conflicts"] = 1;
  double last = 0;
  for (int depth : {65536, 16, 4, 1, 0}) {
    machine.parameters["queue_depth"] = depth;
    Counts with = dataflow.count(asked, work.aView, work.bView);
    EXPECT_GE(with.cycles, std::max(last, without.cycles)); // A shorter queue is no faster.
    last = with.cycles;
    EXPECT_EQ(with.performed, without.performed);
    EXPECT_EQ(with.cycles - without.cycles, with.boundCycles[unsigned(Bound::Buffer)]);
  }
  // One bank adds one product in a cycle, whatever the queue.
  machine.parameters["banks"] = 1;
  EXPECT_GE(dataflow.count(asked, work.aView, work.bView).cycles * 64, without.performed);
}

TEST(CartesianProduct, EstimatesIndependentZerosClosely) {
  machine::Machine machine = shippedMachine("scnn");
  const Dataflow &dataflow = dataflowOf(machine);
  for (int64_t stride : {1, 2})
    for (int64_t channels : {3, 64, 100}) {
      for (double density : {0.1, 0.4, 0.8, 1.0}) {
        Contraction shape;
        shape.c = channels, shape.m = 70, shape.p = shape.q = 24, shape.r = shape.s = 3;
        shape.strideH = shape.strideW = stride;
        shape.padTop = shape.padLeft = 1;
        shape.padBottom = shape.padRight = stride == 1;
        TestWork work = makeWork(shape, density, 0.35, 7);
        Work asked{shape, nullptr, nullptr, &machine, false, nullptr};
        Counts counted = dataflow.count(asked, work.aView, work.bView);
        auto densityOf = [](const std::vector<int> &values) {
          return 1 - double(std::count(values.begin(), values.end(), 0)) / double(values.size());
        };
        Counts estimated = dataflow.estimate(asked, {densityOf(work.a), densityOf(work.b)});
        SCOPED_TRACE(testing::Message() << channels << " channels, density " << density << ", stride " << stride);
        EXPECT_NEAR(estimated.cycles / counted.cycles, 1, 0.1);
        EXPECT_NEAR(estimated.performed / counted.performed, 1, 0.05);
        EXPECT_NEAR(estimated.wastedOutOfPlane, counted.wastedOutOfPlane,
                    0.2 * counted.wastedOutOfPlane + 0.02 * counted.effectual);
        for (const char *level : {"iaram", "weight_fifo", "accumulator", "ppu"})
          for (const char *action : {"read", "write"})
            EXPECT_NEAR(estimated.actions.get(level, action), counted.actions.get(level, action),
                        0.1 * counted.actions.get(level, action))
                << level << "." << action;
      }
    }
}

struct PublishedLayer {
  int64_t g, m, c, side, filter, stride, pad;
  double weights, activations;
};

/// Densities of SCNN's evaluation; conv2 in its two groups.
std::vector<PublishedLayer> alexNet() {
  return {{1, 96, 3, 55, 11, 4, 0, 0.845, 1},      {1, 128, 48, 27, 5, 1, 2, 0.373, 0.906},
          {1, 128, 48, 27, 5, 1, 2, 0.385, 0.965}, {1, 384, 256, 13, 3, 1, 1, 0.346, 0.528},
          {2, 192, 192, 13, 3, 1, 1, 0.372, 0.389}, {2, 128, 192, 13, 3, 1, 1, 0.369, 0.429}};
}

/// Compute cycles of planar-dense over those of cartesian-product, counted and as estimated.
std::pair<double, double> alexNetSpeedup(bool conflicts) {
  machine::Machine sparse = shippedMachine("scnn"), dense = shippedMachine("dcnn");
  sparse.parameters["bank_conflicts"] = conflicts;
  double denseCycles = 0, counted = 0, estimated = 0;
  for (size_t i = 0; const PublishedLayer &layer : alexNet()) {
    Contraction shape;
    shape.g = layer.g, shape.m = layer.m, shape.c = layer.c, shape.p = shape.q = layer.side;
    shape.r = shape.s = layer.filter, shape.strideH = shape.strideW = layer.stride;
    shape.padTop = shape.padBottom = shape.padLeft = shape.padRight = layer.pad;
    TestWork work = makeWork(shape, layer.activations, layer.weights, ++i);
    Work asked{shape, nullptr, nullptr, &sparse, false, nullptr};
    counted += dataflowOf(sparse).count(asked, work.aView, work.bView).cycles;
    estimated += dataflowOf(sparse).estimate(asked, {layer.activations, layer.weights}).cycles;
    asked.machine = &dense;
    denseCycles += dataflowOf(dense).count(asked, work.aView, work.bView).cycles;
  }
  return {denseCycles / counted, denseCycles / estimated};
}

TEST(CartesianProduct, ReproducesTheSpeedupOnAlexNet) {
  // Published: 2.37.
  auto [counted, estimated] = alexNetSpeedup(false);
  RecordProperty("counted", std::to_string(counted));
  EXPECT_NEAR(counted, 2.37, 0.237);
  EXPECT_NEAR(estimated, counted, 0.05);
}

TEST(CartesianProduct, RefusesWhatItCannotDo) {
  machine::Machine machine = explicitParameters(shippedMachine("scnn"));
  const Dataflow &dataflow = dataflowOf(machine);
  Contraction shape;
  shape.c = 4, shape.m = 100, shape.p = shape.q = 16, shape.r = shape.s = 3;
  Split split{8, 8, 1, 1, 3, 3, 50};
  auto refusal = [&](bool accumulate = false) {
    isa::Mapping mapping = mappingOf(split, shape, machine);
    return std::string(dataflow.legal({shape, &mapping, nullptr, &machine, accumulate, nullptr}).message());
  };
  EXPECT_EQ(refusal(),
            "cartesian-product: sums of 50 filters for a tile of 3 x 3 with a halo of 2 x 2 need 1250 entries, but "
            "the accumulators of a processing element have 1024");
  split.filters = 40;
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(refusal(true),
            "cartesian-product: a CONTRACT goes on from earlier sums, but the accumulators are emptied with each group "
            "of output channels: all input channels have to lie in one tile");
  split.rows = 2; // 16 rows of outputs, but 18 of inputs.
  EXPECT_EQ(refusal(), "cartesian-product: the mapping's tiles cover 8 x 1 x 2 positions along P, but the plane has "
                       "18");
  split.rows = 2, split.peRows = 9;
  EXPECT_EQ(refusal(), "cartesian-product: the mapping unrolls P 9 times, but 'pe_rows' is 8");
  machine.parameters["banks"] = 24;
  EXPECT_EQ(dataflow.checkMachine(machine).message(),
            "machine 'scnn': parameter 'banks' is 24, expected a power of two");
  machine.parameters["banks"] = 32;
  machine.parameters["accumulator_entries"] = 1025;
  EXPECT_EQ(dataflow.checkMachine(machine).message(),
            "machine 'scnn': two sets of 1025 sums of 24 bits need 6150 bytes in level 'accumulator', which has 6144");
}

} // namespace
