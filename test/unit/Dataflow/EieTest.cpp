//===- EieTest.cpp - Compressed columns, broadcast activations ------------===//

#include "TestWork.h"

#include <deque>
#include <set>

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

constexpr unsigned kSkipA = 1, kSkipB = 2;

/// A column as an element stores it: values, and the zeros before each.
struct Column {
  std::vector<int> values, zeros;
  int64_t first = 0; ///< Entries of the columns before it.
};

/// A processing element: its columns, its queue, and what is left of the activation at the queue's head.
struct Element {
  std::vector<Column> columns;
  std::deque<int64_t> queue;
  int64_t left = 0;
  std::vector<int64_t> sums;
};

/// Steps a cycle at a time through what the elements do, on the compressed columns themselves.
Counts twin(const TestWork &work, const machine::Machine &machine, unsigned skips, unsigned gates, bool accumulate) {
  const Contraction &shape = work.shape;
  int64_t elements = machine.array[0].size;
  const machine::Level &registers = *machine.findLevel("sum_registers");
  int64_t places = int64_t(registers.sizeBytes * 8 / registers.psumBits);
  size_t depth = size_t(machine.parameters.at("fifo_depth"));
  int indexBits = int(machine.parameters.at("index_bits")), longest = (1 << indexBits) - 1;
  double bits = shape.elementBits;
  double weightBits = machine.parameters.at("weight_bits");
  std::set<int> values{0};
  for (int64_t row = 0; row < shape.g * shape.m; ++row)
    for (int64_t c = 0; c < shape.r * shape.s * shape.c; ++c)
      values.insert(work.weight(row, c / shape.c / shape.s, c / shape.c % shape.s, c % shape.c));
  if (weightBits == 0 || values.size() > size_t(1) << int(weightBits))
    weightBits = bits;
  int64_t perWord = int64_t(64 / (weightBits + (skips & kSkipB ? indexBits : 0)));
  int columnBits = 0;
  int64_t width = shape.r * shape.s * shape.c;
  while ((int64_t(1) << columnBits) < width)
    ++columnBits;
  // Column (r, s, c) of a layer over a whole window, as its input lies in memory.
  auto weightAt = [&](int64_t row, int64_t column) {
    return work.weight(row, column / shape.c / shape.s, column / shape.c % shape.s, column % shape.c);
  };
  auto activationAt = [&](int64_t n, int64_t g, int64_t column) {
    return work.activation(n, column / shape.c / shape.s, column / shape.c % shape.s, g * shape.c + column % shape.c);
  };
  Counts counts;
  for (int64_t n = 0; n < shape.n; ++n)
    for (int64_t g = 0; g < shape.g; ++g)
      for (int64_t first = 0; first < shape.m; first += elements * places) {
        int64_t outputs = std::min(shape.m - first, elements * places);
        std::vector<Element> array(elements);
        for (int64_t k = 0; k < elements; ++k) {
          Element &element = array[k];
          element.columns.resize(width);
          element.sums.assign(places, 0);
          int64_t stored = 0;
          for (int64_t c = 0; c < width; ++c) {
            Column &column = element.columns[c];
            int run = 0;
            for (int64_t row = k; row < outputs; row += elements) {
              int weight = weightAt(g * shape.m + first + row, c);
              if (weight == 0 && (skips & kSkipB)) {
                ++run;
                continue;
              }
              for (; run > longest; run -= longest + 1) {
                column.values.push_back(0);
                column.zeros.push_back(longest);
              }
              column.values.push_back(weight);
              column.zeros.push_back(run);
              run = 0;
            }
            column.first = stored;
            stored += int64_t(column.values.size());
          }
        }
        std::deque<int64_t> waiting;
        for (int64_t c = 0; c < width; ++c) {
          addBits(counts, machine, "activations", "read", bits);
          addBits(counts, machine, "source_registers", "write", bits);
          if (activationAt(n, g, c) != 0 || !(skips & kSkipA))
            waiting.push_back(c);
        }
        double cycles = 0, entries = 0, working = double(std::min(elements, outputs));
        auto busy = [&] {
          if (!waiting.empty())
            return true;
          for (const Element &element : array)
            if (!element.queue.empty())
              return true;
          return false;
        };
        while (busy()) {
          bool free = !waiting.empty();
          for (const Element &element : array)
            free &= depth == 0 || element.queue.size() < depth;
          for (Element &element : array) {
            if (element.queue.empty())
              continue;
            int64_t c = element.queue.front();
            const Column &column = element.columns[c];
            int64_t size = int64_t(column.values.size());
            if (element.left == 0)
              element.left = std::max<int64_t>(size, 1);
            if (size > 0) {
              int64_t entry = size - element.left, row = -1;
              for (int64_t i = 0; i <= entry; ++i)
                row += column.zeros[i] + 1;
              int a = activationAt(n, g, c), b = column.values[entry];
              element.sums[row] += int64_t(a) * b;
              ++entries;
              bool padding = b == 0 && (skips & kSkipB);
              bool gated = !padding && (((gates & 1) && a == 0) || ((gates & 2) && b == 0));
              counts.wastedPadding += padding;
              counts.gated += gated;
              counts.performed += !padding && !gated;
              counts.actions.add("mac", gated ? "gated" : "compute", 1);
              counts.effectual += a != 0 && b != 0;
              if (entry == 0 || (column.first + entry) % perWord == 0) { // The next word of the memory.
                addBits(counts, machine, "matrix", "read", double(perWord) * weightBits);
                if (skips & kSkipB)
                  addBits(counts, machine, "matrix", "metadata_read", double(perWord) * indexBits);
              }
              addBits(counts, machine, "sum_registers", "read", registers.psumBits);
              addBits(counts, machine, "sum_registers", "write", registers.psumBits);
            }
            if (--element.left == 0) {
              element.queue.pop_front();
              addBits(counts, machine, "queue", "read", bits);
              addBits(counts, machine, "queue", "metadata_read", columnBits);
              if (skips & kSkipB)
                addBits(counts, machine, "pointers", "metadata_read", 2 * 16);
            }
          }
          if (free) {
            addBits(counts, machine, "source_registers", "read", bits);
            for (Element &element : array) {
              element.queue.push_back(waiting.front());
              counts.actions.add("noc", "transfer", 1);
              addBits(counts, machine, "queue", "write", bits);
              addBits(counts, machine, "queue", "metadata_write", columnBits);
            }
            waiting.pop_front();
          }
          ++cycles;
        }
        // What the columns hold is the matrix.
        for (int64_t row = 0; row < outputs; ++row) {
          int64_t sum = 0;
          for (int64_t c = 0; c < width; ++c)
            sum += int64_t(activationAt(n, g, c)) * weightAt(g * shape.m + first + row, c);
          EXPECT_EQ(array[row % elements].sums[row / elements], sum);
          addBits(counts, machine, "activations", "write", registers.psumBits);
          if (accumulate)
            addBits(counts, machine, "activations", "read", registers.psumBits);
        }
        counts.cycles += cycles;
        double balanced = std::ceil(entries / working);
        counts.boundCycles[unsigned(Bound::Mac)] += balanced;
        counts.boundCycles[unsigned(Bound::Sync)] += cycles - balanced;
        counts.wasted += cycles * working - entries; // Padding comes on top.
      }
  counts.wasted += counts.wastedPadding;
  counts.slots = counts.cycles * double(elements);
  counts.skipped = double(shape.macs()) - counts.performed - counts.gated;
  return counts;
}

isa::SafSet safSet(unsigned skips, unsigned gates) {
  isa::SafSet safs;
  for (unsigned operand : {1u, 2u})
    if (skips & operand)
      safs.push_back(
          {0, operand == 1 ? isa::OperandKind::A : isa::OperandKind::B, isa::SafAction::Skip, uint8_t(operand), {}});
  if (gates)
    safs.push_back({0, isa::OperandKind::A, isa::SafAction::Gate, uint8_t(gates), {}});
  return safs;
}

Contraction fullyConnected(int64_t n, int64_t m, int64_t c, unsigned bits = 16) {
  Contraction shape;
  shape.kind = machine::ContractionKind::FullyConnected;
  shape.n = n, shape.m = m, shape.c = c, shape.elementBits = bits;
  return shape;
}

/// 14 values, zero included, as after clustering.
void shareValues(TestWork &work, int64_t slack = 0) {
  for (int &value : work.b)
    value = value ? value % 7 + (value % 7 == 0) * 7 : 0;
  fillView(work.bView, work.bBytes, work.b, work.bView.extent, work.bView.elementBytes, slack);
}

/// The shipped machine with other figures.
machine::Machine variant(int64_t elements, int64_t sums, double depth, double indexBits, double weightBits = 4) {
  machine::Machine machine = withArray(shippedMachine("eie"), {uint32_t(elements)});
  for (machine::Level &level : machine.levels)
    if (level.name == "sum_registers")
      level.sizeBytes = uint64_t(sums) * level.psumBits / 8;
  machine.parameters = {{"fifo_depth", depth}, {"index_bits", indexBits}, {"weight_bits", weightBits}};
  return machine;
}

TEST(Eie, AgreesWithItsTwin) {
  std::mt19937_64 random(1);
  auto pick = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  for (int i = 0; i < 200; ++i) {
    machine::Machine machine =
        i % 8 == 0 ? shippedMachine("eie")
                   : variant(pick(1, 9), pick(1, 40), double(pick(0, 5)), double(pick(1, 4)), double(pick(0, 5)));
    const Dataflow &dataflow = dataflowOf(machine);
    ASSERT_TRUE(dataflow.checkMachine(machine).ok()) << dataflow.checkMachine(machine);
    Contraction shape = fullyConnected(pick(1, 3), pick(1, 150), pick(1, 40), i % 2 ? 8 : 16);
    shape.g = i % 11 == 0 ? 2 : 1;
    if (i % 4 == 1) // A layer over a whole window, as behind a convolution.
      shape.r = pick(1, 3), shape.s = pick(1, 3);
    TestWork work = makeWork(shape, (i % 5) / 4.0, (i % 7) / 6.0 * ((i % 7) / 6.0), i, i % 2);
    if (i % 3 == 1)
      shareValues(work, i % 2);
    SCOPED_TRACE(describe(shape) + " machine of " + std::to_string(machine.array[0].size));
    unsigned skips = i % 3 == 0 ? unsigned(i / 3) % 4 : kSkipA | kSkipB, gates = unsigned(i) % 4;
    isa::SafSet safs = safSet(skips, gates);
    Work asked;
    asked.shape = shape, asked.safs = &safs, asked.machine = &machine, asked.accumulate = i % 2 == 1;
    ASSERT_TRUE(dataflow.legal(asked).ok());
    Counts counts = dataflow.count(asked, work.aView, work.bView);
    expectEqual(counts, twin(work, machine, skips, gates, asked.accumulate));
    expectLaws(counts, shape, machine);
    // What is kept of the weights changes nothing, and gating changes no cycle.
    std::unique_ptr<const WeightDigest> digest = dataflow.digestWeights(asked, work.bView);
    ASSERT_TRUE(digest);
    asked.digest = digest.get();
    expectEqual(dataflow.count(asked, work.aView, work.bView), counts);
    safs = safSet(skips, 0);
    EXPECT_EQ(counts.cycles, dataflow.count(asked, work.aView, work.bView).cycles);
  }
}

TEST(Eie, ClosedForms) {
  machine::Machine machine = shippedMachine("eie");
  const Dataflow &dataflow = dataflowOf(machine);
  auto count = [&](const TestWork &work) {
    Work asked;
    asked.shape = work.shape, asked.machine = &machine;
    return dataflow.count(asked, work.aView, work.bView);
  };
  // Dense: all elements take 4096 / 64 cycles for each activation, and the first broadcast is ahead of them.
  Counts dense = count(makeWork(fullyConnected(1, 4096, 10), 1, 1, 1));
  EXPECT_EQ(dense.cycles, 10 * 64 + 1);
  EXPECT_EQ(dense.performed, 10 * 4096);
  EXPECT_EQ(dense.wasted, 64);
  // Without any weight an activation costs one cycle, without any activation there is nothing to do.
  Counts empty = count(makeWork(fullyConnected(1, 4096, 10), 1, 0, 1));
  EXPECT_EQ(empty.cycles, 10 + 1);
  EXPECT_EQ(empty.wasted, empty.slots);
  EXPECT_EQ(count(makeWork(fullyConnected(3, 4096, 10), 0, 1, 1)).cycles, 0);
  // 4097 outputs take a second pass, in which one element has a row.
  EXPECT_EQ(count(makeWork(fullyConnected(1, 4097, 10), 1, 1, 1)).cycles, (10 * 64 + 1) + (10 + 1));
  // Vectors run one after another.
  EXPECT_EQ(count(makeWork(fullyConnected(5, 4096, 10), 1, 1, 1)).cycles, 5 * (10 * 64 + 1));
}

TEST(Eie, RunsOfMoreThanFifteenZerosStoreAZero) {
  machine::Machine machine = shippedMachine("eie");
  for (int zeros : {0, 14, 15, 16, 31, 32, 47, 48, 63}) {
    TestWork work = makeWork(fullyConnected(1, 4096, 1), 1, 0, 1);
    work.b[size_t(zeros) * 64 + 5] = 7; // Row `zeros` of element 5.
    fillView(work.bView, work.bBytes, work.b, {4096, 1, 1, 1}, 2, 0);
    Work asked;
    asked.shape = work.shape, asked.machine = &machine;
    Counts counts = dataflowOf(machine).count(asked, work.aView, work.bView);
    EXPECT_EQ(counts.wastedPadding, zeros / 16) << zeros;
    EXPECT_EQ(counts.cycles, 1 + 1 + zeros / 16) << zeros;
    EXPECT_EQ(counts.performed, 1);
  }
}

TEST(Eie, QueuesOfAnyDepth) {
  TestWork work = makeWork(fullyConnected(1, 600, 400), 0.6, 0.1, 3);
  auto cycles = [&](double depth) {
    machine::Machine machine = variant(64, 64, depth, 4);
    Work asked;
    asked.shape = work.shape, asked.machine = &machine;
    return dataflowOf(machine).count(asked, work.aView, work.bView).cycles;
  };
  double last = cycles(1);
  for (double depth : {2, 4, 8, 64, 1024}) {
    EXPECT_LE(cycles(depth), last) << depth;
    last = cycles(depth);
  }
  EXPECT_EQ(cycles(0), last); // As deep as there are activations is as good as unbounded.
  EXPECT_GT(cycles(1), 1.5 * last);
}

TEST(Eie, RefusesWhatItCannotDo) {
  machine::Machine machine = shippedMachine("eie");
  const Dataflow &dataflow = dataflowOf(machine);
  auto message = [&](const Contraction &shape, const isa::Mapping *mapping = nullptr) {
    Work asked;
    asked.shape = shape, asked.machine = &machine, asked.mapping = mapping;
    return std::string(dataflow.legal(asked).message());
  };
  Contraction conv = fullyConnected(1, 8, 8);
  conv.kind = machine::ContractionKind::Conv;
  EXPECT_NE(message(conv).find("does not take contractions of kind conv"), std::string::npos);
  Contraction wide = fullyConnected(1, 8, 8);
  wide.q = 3;
  EXPECT_NE(message(wide).find("extent Q is 3, expected 1"), std::string::npos);
  Contraction padded = fullyConnected(1, 8, 8);
  padded.r = 3, padded.padTop = 1;
  EXPECT_NE(message(padded).find("padded or dilated"), std::string::npos);
  for (int64_t m : {1, 63, 64, 65, 4096, 4097, 10000}) {
    Contraction shape = fullyConnected(2, m, 37);
    shape.r = 2, shape.s = 3;
    std::vector<isa::Mapping> mappings = dataflow.innerMappings(shape, machine);
    ASSERT_EQ(mappings.size(), 1u);
    EXPECT_EQ(message(shape, mappings.data()), "");
    for (isa::Loop &loop : mappings[0].loops)
      if (loop.kind == isa::LoopKind::SpatialX)
        loop.factor = 65;
    if (m > 1) {
      EXPECT_NE(message(shape, mappings.data()).find("64 elements"), std::string::npos);
    }
  }
  machine.parameters["fifo_depth"] = 0.5;
  EXPECT_NE(dataflow.checkMachine(machine).message().find("'fifo_depth' is 0.5"), std::string::npos);
  machine = variant(64, 0, 8, 4);
  EXPECT_NE(dataflow.checkMachine(machine).message().find("holds 0 sums"), std::string::npos);
}

/// A layer of the paper's Table III: sizes and densities; its theoretical and measured time in us (Table IV); the time
/// that independent entries and their padding take on 64 elements that never wait, by arithmetic; actual over
/// theoretical as a simulation with queues of 8 gives it.
struct Published {
  const char *name;
  int64_t c, m;
  double weights, activations, theoreticalUs, actualUs, paddedUs, simulatedRatio;
};
constexpr Published kPublished[] = {
    {"Alex-6", 9216, 4096, .09, .351, 28.1, 30.3, 27.7, 1.03},
    {"Alex-7", 4096, 4096, .09, .353, 11.7, 12.2, 12.4, 1.03},
    {"Alex-8", 4096, 1000, .25, .375, 8.9, 9.9, 7.5, 1.09},
    {"VGG-6", 25088, 4096, .04, .183, 28.1, 34.4, 23.1, 1.08},
    {"VGG-7", 4096, 4096, .04, .375, 7.9, 8.7, 7.6, 1.08},
    {"VGG-8", 4096, 1000, .23, .411, 7.3, 8.4, 7.6, 1.09},
    {"NT-We", 4096, 600, .10, 1, 5.2, 8.0, 4.8, 1.55},
    {"NT-Wd", 600, 8791, .11, 1, 13.0, 13.9, 13.2, 1.02},
    {"NT-LSTM", 1201, 2400, .11, 1, 6.5, 7.5, 6.7, 1.06},
};

/// Independent nonzeros in bytes: a layer of the table has up to 10^8 weights.
std::vector<int8_t> mask(int64_t count, double density, uint64_t seed) {
  std::mt19937_64 random(seed);
  uint16_t below = uint16_t(density * 65536 - (density == 1));
  std::vector<int8_t> values(count);
  for (int64_t i = 0; i < count;) {
    uint64_t bits = random();
    for (int j = 0; j < 4 && i < count; ++j, bits >>= 16)
      values[i++] = density == 1 || uint16_t(bits) < below ? 1 : 0;
  }
  return values;
}

TEST(Eie, PublishedLayers) {
  machine::Machine machine = shippedMachine("eie");
  const Dataflow &dataflow = dataflowOf(machine);
  EXPECT_EQ(machine.clockMhz, 800);
  EXPECT_EQ(machine.peakMacsPerCycle, 64u);
  uint64_t seed = 1;
  for (const Published &layer : kPublished) {
    SCOPED_TRACE(layer.name);
    Contraction shape = fullyConnected(1, layer.m, layer.c, 8);
    std::vector<int8_t> a = mask(layer.c, layer.activations, ++seed),
                        b = mask(layer.c * layer.m, layer.weights, ++seed);
    OperandView aView{a.data(), 1, {1, 1, 1, layer.c}, {layer.c, layer.c, layer.c, 1}};
    OperandView bView{b.data(), 1, {layer.m, 1, 1, layer.c}, {layer.c, layer.c, layer.c, 1}};
    Work asked;
    asked.shape = shape, asked.machine = &machine;
    Counts counts = dataflow.count(asked, aView, bView);
    double theoretical = (counts.performed + counts.wastedPadding) / 64, ratio = counts.cycles / theoretical;
    double us = theoretical / machine.clockMhz;
    EXPECT_NEAR(us / layer.paddedUs, 1, 0.05) << us;
    double published = layer.actualUs / layer.theoreticalUs;
    EXPECT_NEAR(ratio, published, std::string(layer.name) == "VGG-6" ? 0.15 : 0.10);
    // The table's figure for NT-Wd is of one pass, where 8791 outputs take three.
    EXPECT_NEAR(ratio, layer.simulatedRatio, layer.m > 4096 ? 0.05 : 0.02);
    Counts estimate = dataflow.estimate(asked, {layer.activations, layer.weights});
    EXPECT_NEAR(estimate.cycles / counts.cycles, 1, 0.06);
    EXPECT_NEAR(estimate.wastedPadding, counts.wastedPadding, 0.03 * (counts.performed + counts.wastedPadding));
    EXPECT_NEAR(estimate.performed / counts.performed, 1, 0.03);
  }
}

TEST(Eie, SharesOfEnergy) {
  machine::Machine machine = shippedMachine("eie");
  Counts all;
  for (const Published &layer : kPublished) {
    Work asked;
    asked.shape = fullyConnected(1, layer.m, layer.c), asked.machine = &machine;
    all.add(dataflowOf(machine).estimate(asked, {layer.activations, layer.weights}));
  }
  auto energy = machine.energy.energyByComponent(all.actions, all.cycles, 0);
  ASSERT_TRUE(energy.ok()) << energy.status();
  double total = 0;
  for (const auto &[component, pj] : *energy)
    total += pj;
  auto share = [&](std::initializer_list<const char *> components) {
    double sum = 0;
    for (const char *component : components)
      sum += energy->count(component) ? energy->at(component) : 0;
    return 100 * sum / total;
  };
  // Power of an element in the paper's Table II. Its activation unit has logic that no table prices.
  EXPECT_NEAR(share({"matrix"}), 54.11, 8);
  EXPECT_NEAR(share({"pointers"}), 19.73, 8);
  EXPECT_NEAR(share({"mac"}), 12.68, 8);
  EXPECT_NEAR(share({"queue"}), 1.23, 1);
  EXPECT_LT(share({"activations", "source_registers", "sum_registers"}), 12.25);
}

TEST(Eie, EstimateAgreesWithCounts) {
  for (double depth : {0, 1, 2, 8, 500})
    for (double density : {0.0, 0.05, 0.3, 1.0})
      for (int64_t m : {10, 100, 1000, 5000}) {
        machine::Machine machine = variant(64, 64, depth, 4);
        TestWork work = makeWork(fullyConnected(2, m, 500), 0.5, density, uint64_t(m));
        shareValues(work);
        Work asked;
        asked.shape = work.shape, asked.machine = &machine;
        Counts counts = dataflowOf(machine).count(asked, work.aView, work.bView);
        Counts estimate = dataflowOf(machine).estimate(asked, {0.5, density});
        EXPECT_NEAR(estimate.cycles / counts.cycles, 1, 0.12) << depth << " " << density << " " << m;
        EXPECT_LE(estimate.performed + estimate.gated + estimate.wasted, estimate.slots * (1 + 1e-9));
        EXPECT_NEAR(estimate.performed + estimate.gated + estimate.skipped, double(work.shape.macs()), 1);
        for (const auto &[component, actions] : counts.actions.all())
          for (const auto &[action, times] : actions)
            EXPECT_NEAR(estimate.actions.get(component, action), times, 0.12 * times + 1) << component << "." << action;
      }
}

} // namespace
