//===- SpatialTest.cpp - Rows and columns of multipliers ------------------===//

#include "TestWork.h"

#include <deque>

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

/// A machine with every parameter at hand; ports never bind.
struct Choices {
  int stationary = 2, sync = 0;
  int64_t chunk = 64, look = 64, bus = 1;
  unsigned skips = 0, gates = 0; ///< 1: on zeros of A, 2: of B.
  bool accumulate = false;

  machine::Machine machine(uint32_t rows, uint32_t columns) const {
    machine::Machine machine = withArray(shippedMachine("spatial"), {rows, columns});
    machine.parameters = {{"stationary", stationary},
                          {"sync", sync},
                          {"chunk", double(chunk)},
                          {"look", double(look)},
                          {"bus", double(bus)}};
    machine.safs.clear();
    for (unsigned bit : {1u, 2u}) {
      if (skips & bit)
        machine.safs.push_back({"compute", machine::OperandKind::A, isa::SafAction::Skip, uint8_t(bit)});
      if (gates & bit)
        machine.safs.push_back({"compute", machine::OperandKind::A, isa::SafAction::Gate, uint8_t(bit)});
    }
    for (machine::Level &level : machine.levels) {
      level.readBytesPerCycle = level.writeBytesPerCycle = 0;
      if (level.name == "operands" || level.name == "accumulators")
        level.sizeBytes = 1 << 20;
    }
    return machine;
  }
};

/// An element's way through the words of a mask: a cycle takes the first match of a word, or finds that it has none.
class Walker {
public:
  Walker(const std::vector<bool> &matches, int64_t look) {
    for (size_t first = 0; first < matches.size(); first += size_t(look)) {
      words.emplace_back();
      for (size_t k = first; k < std::min(matches.size(), first + size_t(look)); ++k)
        if (matches[k])
          words.back().push_back(int64_t(k));
    }
  }
  bool done() const { return words.empty(); }
  /// One cycle; the position of a product, or -1.
  int64_t step() {
    std::deque<int64_t> &word = words.front();
    int64_t position = -1;
    if (!word.empty()) {
      position = word.front();
      word.pop_front();
    }
    if (word.empty())
      words.pop_front();
    return position;
  }

private:
  std::deque<std::deque<int64_t>> words;
};

/// Steps a cycle at a time through what the array does.
class Twin {
public:
  Twin(const TestWork &work, const Choices &choices, const machine::Machine &machine)
      : work(work), shape(work.shape), choices(choices), machine(machine), rows(machine.array[0].size),
        columns(machine.array[1].size), windows(shape.n * shape.p * shape.q), positions(shape.r * shape.s * shape.c) {}

  Counts run() {
    for (group = 0; group < shape.g; ++group)
      if (choices.stationary == 2)
        runOutput();
      else
        runOperand();
    counts.boundCycles[unsigned(Bound::Mac)] = double(even);
    counts.boundCycles[unsigned(Bound::Sync)] = counts.cycles - double(even) - double(busCycles);
    counts.boundCycles[unsigned(Bound::Noc)] = double(busCycles);
    counts.slots = counts.cycles * double(rows * columns);
    counts.wasted += double(issued) - counts.performed - counts.gated;
    counts.skipped = double(shape.macs()) - counts.performed - counts.gated;
    for (int64_t x = 0; x < windows; ++x)
      for (int64_t f = 0; f < shape.g * shape.m; ++f)
        for (int64_t k = 0; k < positions; ++k) {
          group = f / shape.m;
          counts.effectual += a(x, k) && b(f % shape.m, k);
        }
    counts.actions.add("mac", "compute", counts.performed);
    if (counts.gated > 0)
      counts.actions.add("mac", "gated", counts.gated);
    return counts;
  }

private:
  struct Tap {
    int64_t n, p, q, r, s, c;
  };
  Tap tap(int64_t x, int64_t k) const {
    return {x / (shape.p * shape.q), x / shape.q % shape.p, x % shape.q,
            k / (shape.s * shape.c), k / shape.c % shape.s, k % shape.c};
  }
  bool a(int64_t x, int64_t k) const {
    Tap t = tap(x, k);
    return work.activationAt(t.n, group, t.c, t.p, t.q, t.r, t.s) != 0;
  }
  bool padding(int64_t x, int64_t k) const {
    Tap t = tap(x, k);
    return work.isPadding(t.p, t.q, t.r, t.s);
  }
  bool b(int64_t m, int64_t k) const {
    Tap t = tap(0, k);
    return work.weight(group * shape.m + m, t.r, t.s, t.c) != 0;
  }
  bool skipsA() const { return choices.skips & 1; }
  bool skipsB() const { return choices.skips & 2; }
  double bits() const { return shape.elementBits; }

  void product(bool nonzeroA, bool nonzeroB, bool sumIsKept) {
    ++products;
    bool gated = ((choices.gates & 1) && !nonzeroA) || ((choices.gates & 2) && !nonzeroB);
    ++(gated ? counts.gated : counts.performed);
    if (!gated)
      addBits(counts, machine, "operands", "read", 2 * bits());
    if (!gated || !sumIsKept)
      for (const char *action : {"read", "write"})
        addBits(counts, machine, "accumulators", action, 32);
  }
  /// A value goes to this many elements.
  void deliver(int64_t elements) {
    counts.actions.add("noc", "transfer", double(elements));
    addBits(counts, machine, "operands", "write", double(elements) * bits());
  }
  void readA() { addBits(counts, machine, "glb", "read", bits()); }
  void readB() { addBits(counts, machine, "glb", "read", bits()); }

  void runOutput() {
    for (int64_t j = 0; j < shape.m; j += columns)
      for (int64_t i = 0; i < windows; i += rows) {
        int64_t inRows = std::min(rows, windows - i), inColumns = std::min(columns, shape.m - j);
        products = 0;
        if (choices.accumulate)
          for (int64_t row = 0; row < inRows; ++row) {
            ++counts.cycles;
            for (int64_t column = 0; column < inColumns; ++column) {
              addBits(counts, machine, "glb", "read", 32);
              addBits(counts, machine, "accumulators", "write", 32);
              counts.actions.add("noc", "transfer", 1);
            }
          }
        if (skipsA())
          addBits(counts, machine, "glb", "metadata_read", double(inRows * positions));
        if (skipsB())
          addBits(counts, machine, "glb", "metadata_read", double(inColumns * positions));
        if (choices.sync == 0 || !choices.skips)
          stepOutput(i, j, inRows, inColumns);
        else
          queueOutput(i, j, inRows, inColumns);
        even += (products + inRows * inColumns - 1) / (inRows * inColumns);
        for (int64_t row = 0; row < inRows; ++row) {
          ++counts.cycles;
          for (int64_t column = 0; column < inColumns; ++column) {
            addBits(counts, machine, "accumulators", "read", 32);
            addBits(counts, machine, "glb", "write", 32);
            counts.actions.add("noc", "transfer", 1);
          }
        }
      }
  }

  void stepOutput(int64_t i, int64_t j, int64_t inRows, int64_t inColumns) {
    for (int64_t k = 0; k < positions; ++k) {
      bool anyA = false, anyB = false;
      for (int64_t row = i; row < i + inRows; ++row)
        anyA |= a(row, k);
      for (int64_t column = j; column < j + inColumns; ++column)
        anyB |= b(column, k);
      if ((skipsA() && !anyA) || (skipsB() && !anyB))
        continue;
      ++counts.cycles;
      issued += inRows * inColumns;
      for (int64_t row = i; row < i + inRows; ++row)
        if (!skipsA() || a(row, k)) {
          if (!padding(row, k))
            readA();
          deliver(inColumns);
        }
      for (int64_t column = j; column < j + inColumns; ++column)
        if (!skipsB() || b(column, k)) {
          readB();
          deliver(inRows);
        }
      for (int64_t row = i; row < i + inRows; ++row)
        for (int64_t column = j; column < j + inColumns; ++column)
          product(a(row, k), b(column, k), true);
    }
  }

  void queueOutput(int64_t i, int64_t j, int64_t inRows, int64_t inColumns) {
    int64_t chunk = choices.sync == 2 ? positions : choices.chunk;
    for (int64_t first = 0; first < positions; first += chunk) {
      int64_t end = std::min(positions, first + chunk);
      // What the buses carry, while the elements walk.
      std::vector<int64_t> onBus;
      for (int64_t row = i; row < i + inRows; ++row) {
        int64_t values = 0;
        for (int64_t k = first; k < end; ++k)
          if (!skipsA() || a(row, k)) {
            ++values;
            if (!padding(row, k))
              readA();
            deliver(inColumns);
          }
        onBus.push_back(values);
      }
      for (int64_t column = j; column < j + inColumns; ++column) {
        int64_t values = 0;
        for (int64_t k = first; k < end; ++k)
          if (!skipsB() || b(column, k)) {
            ++values;
            readB();
            deliver(inRows);
          }
        onBus.push_back(values);
      }
      int masks = int(skipsA()) + int(skipsB());
      for (const char *action : {"metadata_read", "metadata_write"})
        addBits(counts, machine, "operands", action, double(masks * inRows * inColumns * (end - first)));
      std::vector<Walker> elements;
      for (int64_t row = i; row < i + inRows; ++row)
        for (int64_t column = j; column < j + inColumns; ++column) {
          std::vector<bool> matches;
          for (int64_t k = first; k < end; ++k)
            matches.push_back((!skipsA() || a(row, k)) && (!skipsB() || b(column, k)));
          elements.emplace_back(matches, choices.look);
        }
      for (;;) {
        bool walking = false, arriving = false;
        for (int64_t &values : onBus) {
          arriving |= values > 0;
          values -= std::min(values, choices.bus);
        }
        for (size_t e = 0; e < elements.size(); ++e) {
          if (elements[e].done())
            continue;
          walking = true;
          int64_t k = elements[e].step();
          if (k >= 0)
            product(a(i + int64_t(e) / inColumns, first + k), b(j + int64_t(e) % inColumns, first + k), true);
        }
        if (!walking && !arriving)
          break;
        ++counts.cycles;
        if (walking)
          issued += inRows * inColumns;
        else
          ++busCycles;
      }
    }
  }

  void runOperand() {
    bool keepsB = choices.stationary == 1;
    int64_t kept = keepsB ? shape.m : windows, streamed = keepsB ? windows : shape.m;
    bool skipsKept = keepsB ? skipsB() : skipsA(), skipsStreamed = keepsB ? skipsA() : skipsB();
    auto keptAt = [&](int64_t y, int64_t k) { return keepsB ? b(y, k) : a(y, k); };
    auto streamedAt = [&](int64_t x, int64_t k) { return keepsB ? a(x, k) : b(x, k); };
    for (int64_t j = 0; j < kept; j += columns) {
      int64_t inColumns = std::min(columns, kept - j);
      if (skipsKept)
        addBits(counts, machine, "glb", "metadata_read", double(inColumns * positions));
      // Positions that some column needs go to the rows in turn.
      std::deque<int64_t> left;
      for (int64_t k = 0; k < positions; ++k) {
        bool any = !skipsKept;
        for (int64_t y = j; y < j + inColumns; ++y)
          any |= keptAt(y, k);
        if (any)
          left.push_back(k);
      }
      bool firstFold = true;
      while (firstFold || !left.empty()) {
        std::vector<int64_t> onRows;
        while (!left.empty() && int64_t(onRows.size()) < rows) {
          int64_t k = left.front();
          left.pop_front();
          onRows.push_back(k);
          ++counts.cycles; // A row of values enters.
          for (int64_t y = j; y < j + inColumns; ++y)
            if (!skipsKept || keptAt(y, k)) {
              if (keepsB || !padding(y, k))
                readB();
              deliver(1);
            }
          if (skipsStreamed)
            addBits(counts, machine, "glb", "metadata_read", double(streamed));
          for (int64_t x = 0; x < streamed; ++x)
            if (!skipsStreamed)
              if (!keepsB || !padding(x, k))
                readA();
        }
        products = 0;
        int64_t elements = int64_t(onRows.size()) * inColumns;
        if (choices.sync == 0 || !skipsStreamed) {
          for (int64_t x = 0; x < streamed; ++x) {
            bool any = !skipsStreamed && !onRows.empty();
            for (int64_t k : onRows)
              any |= streamedAt(x, k);
            if (any) {
              ++counts.cycles;
              issued += elements;
              for (int64_t k : onRows) {
                if (!skipsStreamed || streamedAt(x, k)) {
                  if (skipsStreamed)
                    readA();
                  deliver(inColumns);
                }
                for (int64_t y = j; y < j + inColumns; ++y) {
                  bool nonzeroStreamed = streamedAt(x, k), nonzeroKept = keptAt(y, k);
                  product(keepsB ? nonzeroStreamed : nonzeroKept, keepsB ? nonzeroKept : nonzeroStreamed, false);
                }
              }
              counts.actions.add("noc", "transfer", double(elements));
            }
            if (any || firstFold) {
              addBits(counts, machine, "glb", "write", double(inColumns) * 32);
              if (!firstFold || choices.accumulate)
                addBits(counts, machine, "glb", "read", double(inColumns) * 32);
            }
          }
        } else {
          int64_t chunk = choices.sync == 2 ? streamed : choices.chunk;
          for (int64_t first = 0; first < streamed; first += chunk) {
            int64_t end = std::min(streamed, first + chunk);
            std::vector<Walker> walkers;
            for (int64_t k : onRows) {
              std::vector<bool> matches;
              for (int64_t x = first; x < end; ++x)
                matches.push_back(streamedAt(x, k));
              walkers.emplace_back(matches, choices.look);
            }
            for (;;) {
              bool walking = false;
              for (size_t row = 0; row < walkers.size(); ++row) {
                if (walkers[row].done())
                  continue;
                walking = true;
                if (walkers[row].step() < 0)
                  continue;
                readA();
                deliver(inColumns);
                for (int64_t y = j; y < j + inColumns; ++y) {
                  bool nonzeroKept = keptAt(y, onRows[row]);
                  product(keepsB || nonzeroKept, !keepsB || nonzeroKept, true);
                }
              }
              if (!walking)
                break;
              ++counts.cycles;
              issued += elements;
            }
            for (int64_t x = first; x < end; ++x) {
              counts.actions.add("noc", "transfer", double(elements));
              addBits(counts, machine, "glb", "write", double(inColumns) * 32);
              if (!firstFold || choices.accumulate)
                addBits(counts, machine, "glb", "read", double(inColumns) * 32);
            }
          }
        }
        if (elements)
          even += (products + elements - 1) / elements;
        // The last sum goes down the rows.
        for (size_t row = 1; row < onRows.size(); ++row)
          ++counts.cycles;
        firstFold = false;
      }
    }
  }

  const TestWork &work;
  const Contraction &shape;
  const Choices &choices;
  const machine::Machine &machine;
  int64_t rows, columns, windows, positions, group = 0;
  int64_t even = 0, busCycles = 0, issued = 0, products = 0;
  Counts counts;
};

std::string describeChoices(const Choices &choices) {
  return testing::PrintToString(std::vector<int64_t>{choices.stationary, choices.sync, choices.chunk, choices.look,
                                                     choices.bus, int64_t(choices.skips), int64_t(choices.gates),
                                                     choices.accumulate}) +
         " stationary sync chunk look bus skips gates accumulate";
}

TEST(Spatial, AgreesWithItsTwin) {
  std::mt19937_64 random(11);
  auto pick = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  for (int i = 0; i < 120; ++i) {
    Choices choices;
    choices.stationary = int(pick(0, 2));
    choices.sync = int(pick(0, 2));
    choices.look = int64_t(8) << pick(0, 4);
    choices.chunk = std::max<int64_t>(64, choices.look) * pick(1, 2);
    choices.bus = pick(1, 3);
    choices.skips = unsigned(pick(0, 3));
    choices.gates = unsigned(pick(0, 3));
    choices.accumulate = pick(0, 1);
    machine::Machine machine = choices.machine(uint32_t(pick(1, 5)), uint32_t(pick(1, 5)));
    ASSERT_TRUE(findDataflow(machine).ok()) << findDataflow(machine).status();
    TestWork work = makeWork(randomShape(random, 16), double(pick(0, 4)) / 4, double(pick(0, 4)) / 4, i, i % 3);
    SCOPED_TRACE(describe(work.shape));
    SCOPED_TRACE(describeChoices(choices));
    Work asked{work.shape, nullptr, nullptr, &machine, choices.accumulate};
    Counts counts = dataflowOf(machine).count(asked, work.aView, work.bView);
    expectLaws(counts, work.shape, machine);
    expectEqual(counts, Twin(work, choices, machine).run());
    if (testing::Test::HasFailure())
      return;
  }
}

Contraction convolution(int64_t c, int64_t m, int64_t side, int64_t filter) {
  Contraction shape;
  shape.c = c, shape.m = m, shape.p = shape.q = side, shape.r = shape.s = filter;
  shape.padTop = shape.padBottom = shape.padLeft = shape.padRight = (filter - 1) / 2;
  return shape;
}

TEST(Spatial, DenseFoldsHaveAClosedForm) {
  Contraction shape = convolution(20, 40, 6, 3);
  TestWork work = makeWork(shape, 0.5, 0.5, 1);
  auto cycles = [&](int stationary) {
    Choices choices;
    choices.stationary = stationary;
    machine::Machine machine = choices.machine(16, 8);
    Work asked{shape, nullptr, nullptr, &machine};
    Counts counts = dataflowOf(machine).count(asked, work.aView, work.bView);
    EXPECT_EQ(counts.performed, double(shape.macs()));
    EXPECT_EQ(counts.skipped, 0);
    EXPECT_EQ(dataflowOf(machine).estimate(asked, {0.5, 0.5}).cycles, counts.cycles);
    return counts.cycles;
  };
  // 36 windows, 180 positions, 40 filters.
  EXPECT_EQ(cycles(2), 5 * (3 * 180 + 36));               // filters x (windows + draining rows)
  EXPECT_EQ(cycles(1), 5 * (12 * 36 + 180 + (180 - 12))); // filters x (windows, filling, last sums)
  EXPECT_EQ(cycles(0), 5 * (12 * 40 + 180 + (180 - 12))); // windows x (filters, filling, last sums)
}

TEST(Spatial, AMatrixProductIsAConvolutionOfOnePosition) {
  // Rows of A are windows, columns of B filters, whatever the layer is called.
  Contraction product;
  product.kind = machine::ContractionKind::MatMul;
  product.p = 98, product.c = 64, product.m = 98;
  TestWork work = makeWork(product, 0.7, 0.6, 5);
  machine::Machine machine = shippedMachine("spatial");
  Work asked{product, nullptr, nullptr, &machine};
  ASSERT_TRUE(dataflowOf(machine).legal(asked).ok());
  Counts counts = dataflowOf(machine).count(asked, work.aView, work.bView);
  EXPECT_EQ(counts.performed, counts.effectual);
  expectLaws(counts, product, machine);
}

TEST(Spatial, IntersectingBothSkipsEveryProductWithAZero) {
  machine::Machine machine = shippedMachine("spatial"), dense = shippedMachine("spatial-dense");
  Contraction shape = convolution(64, 32, 13, 3);
  shape.padTop = shape.padBottom = shape.padLeft = shape.padRight = 0;
  double before = 0;
  for (double density : {1.0, 0.5, 0.2, 0.05, 0.0}) {
    TestWork work = makeWork(shape, density, density, 3);
    Work asked{shape, nullptr, nullptr, &machine}, reference{shape, nullptr, nullptr, &dense};
    Counts counts = dataflowOf(machine).count(asked, work.aView, work.bView);
    Counts baseline = dataflowOf(dense).count(reference, work.aView, work.bView);
    EXPECT_EQ(counts.performed, counts.effectual);
    EXPECT_LE(counts.cycles, baseline.cycles);
    EXPECT_TRUE(before == 0 || counts.cycles < before);
    before = counts.cycles;
    // Without zeros it is the dense array; without nonzeros a chunk still costs a look.
    double folds = 11 * 2, drain = 169 * 2;
    if (density == 1) {
      EXPECT_EQ(counts.cycles, baseline.cycles);
    }
    if (density == 0) {
      EXPECT_EQ(counts.cycles, folds * 576 / 64 / 2 + folds / 2 + drain); // 4.5 chunks of 128
    }
  }
}

TEST(Spatial, GatingNeverChangesCycles) {
  Contraction shape = convolution(24, 24, 5, 3);
  TestWork work = makeWork(shape, 0.4, 0.3, 8);
  for (int stationary : {0, 1, 2})
    for (int sync : {0, 1, 2})
      for (unsigned skips : {0u, 1u, 2u, 3u}) {
        Choices choices;
        choices.stationary = stationary, choices.sync = sync, choices.skips = skips;
        machine::Machine plain = choices.machine(4, 8);
        choices.gates = 3;
        machine::Machine gating = choices.machine(4, 8);
        Counts without = dataflowOf(plain).count({shape, nullptr, nullptr, &plain}, work.aView, work.bView);
        Counts with = dataflowOf(gating).count({shape, nullptr, nullptr, &gating}, work.aView, work.bView);
        EXPECT_EQ(with.cycles, without.cycles);
        EXPECT_EQ(with.performed, with.effectual);
        EXPECT_EQ(with.performed + with.gated, without.performed);
      }
}

TEST(Spatial, EstimatesIndependentZerosClosely) {
  Contraction shape = convolution(64, 48, 14, 3);
  for (int stationary : {0, 1, 2})
    for (int sync : {0, 1, 2})
      for (unsigned skips : {0u, 1u, 2u, 3u})
        for (double density : {0.0, 0.15, 0.5, 1.0}) {
          Choices choices;
          choices.stationary = stationary, choices.sync = sync, choices.skips = skips, choices.gates = 3;
          choices.chunk = choices.look = 128, choices.bus = 4;
          machine::Machine machine = choices.machine(16, 16);
          TestWork work = makeWork(shape, density, 0.8 * density, 7);
          auto densityOf = [](const std::vector<int> &values) {
            return 1 - double(std::count(values.begin(), values.end(), 0)) / double(values.size());
          };
          Work asked{shape, nullptr, nullptr, &machine};
          Counts counted = dataflowOf(machine).count(asked, work.aView, work.bView);
          Counts estimated = dataflowOf(machine).estimate(asked, {densityOf(work.a), densityOf(work.b)});
          SCOPED_TRACE(describeChoices(choices) + ", density " + std::to_string(density));
          EXPECT_NEAR(estimated.cycles, counted.cycles, 0.08 * counted.cycles + 1);
          EXPECT_NEAR(estimated.performed, counted.performed, 0.03 * counted.performed + 1);
          EXPECT_NEAR(estimated.gated, counted.gated, 0.1 * counted.gated + 0.02 * double(shape.macs()));
          EXPECT_NEAR(estimated.skipped, counted.skipped, 0.05 * counted.skipped + 0.02 * double(shape.macs()));
          for (const auto &[component, actions] : counted.actions.all())
            for (const auto &[action, count] : actions)
              EXPECT_NEAR(estimated.actions.get(component, action), count,
                          0.1 * count + (component == "mac" ? 0.02 * double(shape.macs()) : 500))
                  << component << " " << action;
        }
}

TEST(Spatial, RefusesWhatTheArrayCannotDo) {
  machine::Machine machine = shippedMachine("spatial");
  Contraction shape = convolution(64, 32, 13, 3);
  const Dataflow &dataflow = dataflowOf(machine);
  for (const char *name : {"spatial", "spatial-dense", "spatial-ws"}) {
    machine::Machine shipped = shippedMachine(name);
    std::vector<isa::Mapping> mappings = dataflow.innerMappings(shape, shipped);
    ASSERT_FALSE(mappings.empty());
    for (const isa::Mapping &mapping : mappings)
      EXPECT_TRUE(dataflow.legal({shape, &mapping, nullptr, &shipped}).ok()) << name;
  }
  isa::Mapping mapping = dataflow.innerMappings(shape, machine).front();
  mapping.loops.push_back({isa::Rank::M, 2, 2, isa::LoopKind::SpatialY});
  EXPECT_EQ(dataflow.legal({shape, &mapping, nullptr, &machine}).message(),
            "spatial: the mapping unrolls M 32 times, but the array has 16 columns");
  mapping.loops.back() = {isa::Rank::C, 2, 2, isa::LoopKind::SpatialY};
  EXPECT_EQ(dataflow.legal({shape, &mapping, nullptr, &machine}).message(),
            "spatial: the mapping unrolls C in space, but this array unrolls N, P, Q, M only");
  machine.levels[2].sizeBytes = 64;
  EXPECT_EQ(dataflow.legal({shape, nullptr, nullptr, &machine}).message(),
            "spatial: a chunk of 128 needs 512 bytes of level 'operands', which has 64");
  machine.parameters["look"] = 48;
  EXPECT_EQ(
      dataflow.checkMachine(machine).message(),
      "machine 'spatial': parameter 'look' is 48, expected mask bits that a cycle looks at: 8, 16, 32, 64 or 128");
  machine.parameters["look"] = 128;
  machine.levels[3].psumBits = 0;
  EXPECT_EQ(dataflow.checkMachine(machine).message(),
            "machine 'spatial': dataflow 'spatial' needs a level that the dataflow manages and that holds 'o' and has "
            "psum_bits: the registers of its elements");
}

} // namespace
