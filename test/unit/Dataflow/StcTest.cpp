//===- StcTest.cpp - Sparse tensor core -----------------------------------===//

#include "SparseAccel/Target/Dataflow/SafCheck.h"
#include "TestWork.h"

#include <numeric>

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

machine::Machine core(std::vector<uint32_t> array, int kept, int group, int blockRows, int blockColumns) {
  machine::Machine machine = withArray(shippedMachine("stc"), array);
  machine.parameters = {{"kept", kept}, {"group", group}, {"block_rows", blockRows}, {"block_columns", blockColumns}};
  return machine;
}

/// Leaves at most `kept` nonzeros in each group of input channels.
void prune(TestWork &work, int kept, int group) {
  const Contraction &shape = work.shape;
  for (int64_t row = 0; row < shape.g * shape.m * shape.r * shape.s; ++row)
    for (int64_t first = 0; first < shape.c; first += group) {
      int left = kept;
      for (int64_t c = first; c < std::min<int64_t>(first + group, shape.c); ++c) {
        int &weight = work.b[size_t(row * shape.c + c)];
        weight = weight != 0 && left-- > 0 ? weight : 0;
      }
    }
  fillView(work.bView, work.bBytes, work.b, work.bView.extent, shape.elementBits / 8, 2);
}

/// An entry that a multiplier takes in a cycle: a position of a filter, or filling.
struct Entry {
  int64_t r = -1, s = -1, c = -1;
  bool filling() const { return c < 0; }
};

/// Steps cycle by cycle through the instructions.
Counts twin(const TestWork &work, const machine::Machine &machine, bool skips, unsigned gates, bool accumulate) {
  const Contraction &shape = work.shape;
  int64_t units = machine.array[0].size, rows = machine.array[1].size, columns = machine.array[2].size,
          depth = machine.array[3].size;
  int64_t kept = int64_t(machine.parameters.at("kept")), group = int64_t(machine.parameters.at("group"));
  int64_t blockRows = int64_t(machine.parameters.at("block_rows")),
          blockColumns = int64_t(machine.parameters.at("block_columns"));
  double bits = shape.elementBits, indexBits = 0;
  while ((int64_t(1) << int(indexBits)) < group)
    ++indexBits;
  bool grouped = shape.c >= group, sparse = skips && grouped;
  for (int64_t row = 0; sparse && row < shape.g * shape.m * shape.r * shape.s; ++row)
    for (int64_t first = 0; first < shape.c; first += group) {
      int nonzeros = 0;
      for (int64_t c = first; c < std::min(first + group, shape.c); ++c)
        nonzeros += work.b[size_t(row * shape.c + c)] != 0;
      sparse &= nonzeros <= kept;
    }
  // What a filter's dot products take: entries of all positions, or those that its groups store.
  auto entriesOf = [&](int64_t filter) {
    std::vector<Entry> entries;
    for (int64_t r = 0; r < shape.r; ++r)
      for (int64_t s = 0; s < shape.s; ++s)
        for (int64_t first = 0; first < shape.c; first += grouped ? group : shape.c) {
          int64_t end = first + (grouped ? group : shape.c), stored = 0;
          for (int64_t c = first; c < end; ++c) {
            bool there = c < shape.c;
            if (!sparse)
              entries.push_back(there ? Entry{r, s, c} : Entry{});
            else if (there && work.weight(filter, r, s, c) != 0)
              entries.push_back({r, s, c}), ++stored;
          }
          for (; sparse && stored < kept; ++stored)
            entries.push_back({});
        }
    return entries;
  };
  // An instruction covers the least number of positions that fills whole cycles either way.
  int64_t positions = depth;
  while (positions * kept % (depth * group))
    positions += depth;
  int64_t perInstruction = sparse ? positions * kept / group : positions;
  Counts counts;
  int64_t windows = shape.n * shape.p * shape.q;
  for (int64_t g = 0; g < shape.g; ++g) {
    for (int64_t firstFilter = 0; firstFilter < shape.m; firstFilter += units * columns)
      for (int64_t firstWindow = 0; firstWindow < windows; firstWindow += rows) {
        size_t length = entriesOf(g * shape.m).size();
        for (size_t at = 0; at < length; at += size_t(perInstruction)) {
          for (int64_t unit = 0; unit < units && firstFilter + unit * columns < shape.m; ++unit) {
            addBits(counts, machine, "registers", "read", double(rows * positions) * bits);
            addBits(counts, machine, "registers", "read", double(columns * perInstruction) * bits);
            if (sparse)
              addBits(counts, machine, "registers", "metadata_read", double(columns * perInstruction) * indexBits);
          }
          for (int64_t step = 0; step < perInstruction / depth; ++step) {
            ++counts.cycles;
            for (int64_t unit = 0; unit < units; ++unit) {
              if (firstFilter + unit * columns >= shape.m)
                continue;
              addBits(counts, machine, "registers", "read", double(rows * columns) * 32);
              addBits(counts, machine, "registers", "write", double(rows * columns) * 32);
              for (int64_t column = 0; column < columns; ++column) {
                int64_t filter = firstFilter + unit * columns + column;
                std::vector<Entry> entries;
                if (filter < shape.m)
                  entries = entriesOf(g * shape.m + filter);
                for (int64_t row = 0; row < rows; ++row)
                  for (int64_t k = 0; k < depth; ++k) {
                    size_t entry = at + size_t(step * depth + k);
                    int64_t x = firstWindow + row;
                    if (filter >= shape.m || x >= windows || entry >= entries.size()) {
                      ++counts.wasted;
                    } else if (entries[entry].filling()) {
                      ++counts.wasted;
                      counts.wastedPadding += sparse;
                    } else {
                      Entry e = entries[entry];
                      bool b = work.weight(g * shape.m + filter, e.r, e.s, e.c) != 0;
                      bool a = work.activationAt(x / (shape.p * shape.q), g, e.c, x / shape.q % shape.p, x % shape.q,
                                                 e.r, e.s) != 0;
                      ++(((gates & 1) && !a) || ((gates & 2) && !b) ? counts.gated : counts.performed);
                      counts.effectual += a && b;
                    }
                  }
              }
            }
          }
        }
      }
    // Activations come once for a block of filters, weights once for a block of windows.
    for (int64_t first = 0; first < shape.m; first += blockColumns)
      for (int64_t x = 0; x < windows; ++x)
        for (int64_t r = 0; r < shape.r; ++r)
          for (int64_t s = 0; s < shape.s; ++s) {
            if (!work.isPadding(x / shape.q % shape.p, x % shape.q, r, s))
              addBits(counts, machine, "shared", "read", double(shape.c) * bits);
            addBits(counts, machine, "registers", "write", double(shape.c) * bits);
            counts.actions.add("noc", "transfer", double(shape.c));
          }
    for (int64_t first = 0; first < windows; first += blockRows)
      for (int64_t m = 0; m < shape.m; ++m) {
        double entries = sparse ? double(entriesOf(g * shape.m + m).size()) : double(shape.r * shape.s * shape.c);
        addBits(counts, machine, "shared", "read", entries * bits);
        addBits(counts, machine, "registers", "write", entries * bits);
        addBits(counts, machine, "shared", "metadata_read", sparse ? entries * indexBits : 0);
        addBits(counts, machine, "registers", "metadata_write", sparse ? entries * indexBits : 0);
        counts.actions.add("noc", "transfer", entries);
      }
    for (int64_t sum = 0; sum < windows * shape.m; ++sum) {
      addBits(counts, machine, "registers", "read", 32);
      addBits(counts, machine, "shared", "write", 32);
      addBits(counts, machine, "registers", "write", accumulate ? 32 : 0);
      addBits(counts, machine, "shared", "read", accumulate ? 32 : 0);
      counts.actions.add("noc", "transfer", accumulate ? 2 : 1);
    }
  }
  counts.boundCycles[unsigned(Bound::Mac)] = counts.cycles;
  counts.slots = counts.cycles * double(machine.peakMacsPerCycle);
  counts.skipped = double(shape.macs()) - counts.performed - counts.gated;
  counts.actions.add("mac", "compute", counts.performed);
  if (counts.gated > 0)
    counts.actions.add("mac", "gated", counts.gated);
  return counts;
}

TEST(Stc, AgreesWithItsTwin) {
  std::mt19937_64 random(21);
  auto pick = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  const std::pair<int, int> patterns[] = {{2, 4}, {1, 4}, {1, 2}, {3, 4}, {4, 8}, {2, 3}};
  int patterned = 0;
  for (int i = 0; i < 80; ++i) {
    auto [kept, group] = patterns[pick(0, 5)];
    uint32_t depth = uint32_t(pick(1, 2) * std::gcd(kept, group));
    machine::Machine machine = core({uint32_t(pick(1, 3)), uint32_t(pick(1, 4)), uint32_t(pick(1, 3)), depth}, kept,
                                    group, int(pick(1, 9)), int(pick(1, 9)));
    unsigned gates = unsigned(pick(0, 3));
    bool skips = pick(0, 3) > 0, accumulate = pick(0, 1);
    machine.safs.clear();
    if (skips)
      machine.safs.push_back({"compute", machine::OperandKind::A, isa::SafAction::Skip, 2});
    for (uint8_t bit : {1, 2})
      if (gates & bit)
        machine.safs.push_back({"compute", machine::OperandKind::A, isa::SafAction::Gate, bit});
    ASSERT_TRUE(findDataflow(machine).ok()) << findDataflow(machine).status();
    TestWork work = makeWork(randomShape(random, 10), double(pick(0, 4)) / 4, double(pick(0, 4)) / 4, i, i % 3);
    if (pick(0, 2))
      prune(work, kept, group);
    SCOPED_TRACE(describe(work.shape));
    Work asked{work.shape, nullptr, nullptr, &machine, accumulate};
    const Dataflow &dataflow = dataflowOf(machine);
    Counts counts = dataflow.count(asked, work.aView, work.bView);
    patterned += counts.skipped > 0;
    expectLaws(counts, work.shape, machine);
    expectEqual(counts, twin(work, machine, skips, gates, accumulate));
    // What is kept of the weights changes nothing.
    std::unique_ptr<const WeightDigest> digest = dataflow.digestWeights(asked, work.bView);
    asked.digest = digest.get();
    expectEqual(dataflow.count(asked, work.aView, work.bView), counts);
  }
  EXPECT_GT(patterned, 15);
}

TEST(Stc, TwoOfFourTakesExactlyHalfTheCycles) {
  machine::Machine sparse = shippedMachine("stc"), dense = shippedMachine("stc-dense");
  for (int64_t channels : {4, 16, 20, 64, 100})
    for (double density : {0.0, 0.1, 0.4, 1.0}) { // before pruning
      Contraction shape;
      shape.c = channels, shape.m = 24, shape.p = shape.q = 7, shape.r = shape.s = 3;
      TestWork work = makeWork(shape, 0.6, density, 5);
      prune(work, 2, 4);
      Counts fast = dataflowOf(sparse).count({shape, nullptr, nullptr, &sparse}, work.aView, work.bView);
      Counts slow = dataflowOf(dense).count({shape, nullptr, nullptr, &dense}, work.aView, work.bView);
      EXPECT_EQ(fast.cycles / slow.cycles, 0.5);
      double kept = channels * density >= 1 && density == 1 ? 0.5 : density;
      Counts estimated = dataflowOf(sparse).estimate({shape, nullptr, nullptr, &sparse}, {0.6, kept});
      EXPECT_EQ(estimated.cycles, fast.cycles);
      EXPECT_EQ(dataflowOf(dense).estimate({shape, nullptr, nullptr, &dense}, {0.6, kept}).cycles, slow.cycles);
    }
}

TEST(Stc, OneWeightTooManyRunsDense) {
  machine::Machine sparse = shippedMachine("stc"), dense = shippedMachine("stc-dense");
  Contraction shape;
  shape.c = 32, shape.m = 16, shape.p = shape.q = 8;
  TestWork work = makeWork(shape, 1, 1, 5);
  prune(work, 2, 4);
  const Dataflow &dataflow = dataflowOf(sparse);
  Work asked{shape, nullptr, nullptr, &sparse};
  EXPECT_TRUE(checkSaf(dataflow, asked, sparse.safs.front(), &work.bView).ok());
  work.b[5 * 32 + 11] = 1;
  fillView(work.bView, work.bBytes, work.b, work.bView.extent, 2, 0);
  EXPECT_EQ(checkSaf(dataflow, asked, sparse.safs.front(), &work.bView).message(),
            "weights are not 2:4: filter 5 at (0, 0) has 3 nonzeros in input channels 8 to 11");
  Counts counts = dataflow.count(asked, work.aView, work.bView);
  expectEqual(counts, dataflowOf(dense).count({shape, nullptr, nullptr, &dense}, work.aView, work.bView));
  EXPECT_EQ(counts.skipped, 0);
  EXPECT_EQ(checkSaf(dataflow, asked, sparse.safs.front(), nullptr).message(),
            "weights that are no constant are not stored by a pattern");
  shape.c = 3;
  EXPECT_EQ(checkSaf(dataflow, {shape, nullptr, nullptr, &sparse}, sparse.safs.front(), &work.bView).message(),
            "weights have 3 input channels, fewer than a group of 4");
}

TEST(Stc, ChecksItsMachine) {
  machine::Machine machine = shippedMachine("stc");
  const Dataflow &dataflow = dataflowOf(machine);
  machine.parameters["kept"] = 4;
  EXPECT_EQ(dataflow.checkMachine(machine).message(),
            "machine 'stc': parameter 'kept' is 4, expected less than 'group', which is 4");
  machine.parameters["kept"] = 2;
  machine.parameters["block_rows"] = 1000;
  EXPECT_EQ(dataflow.checkMachine(machine).message(),
            "machine 'stc': sums of a block of 1000 x 128 need 512000 bytes of level 'registers', which has 262144");
  machine = withArray(shippedMachine("stc"), {4, 8, 4, 5});
  EXPECT_EQ(dataflow.checkMachine(machine).message(),
            "machine 'stc': the array's depth is 5, expected a multiple of 2, "
            "so that an instruction covers whole groups of 2:4");
  machine = shippedMachine("stc");
  Contraction shape;
  shape.c = 64, shape.m = 64, shape.p = shape.q = 7, shape.r = shape.s = 3;
  isa::Mapping mapping = dataflow.innerMappings(shape, machine).front();
  EXPECT_TRUE(dataflow.legal({shape, &mapping, nullptr, &machine}).ok());
  mapping.loops.push_back({isa::Rank::M, 2, 2, isa::LoopKind::SpatialY});
  EXPECT_EQ(dataflow.legal({shape, &mapping, nullptr, &machine}).message(),
            "stc: the mapping unrolls M 32 times, but the array has 16 columns in all units");
}

} // namespace
