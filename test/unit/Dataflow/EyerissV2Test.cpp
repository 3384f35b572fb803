//===- EyerissV2Test.cpp - Compressed columns in a hierarchical mesh ------===//

#include "TestWork.h"

#include "SparseAccel/Runtime/Npy.h"

#include <cstdlib>
#include <map>
#include <set>

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

using isa::LoopKind;
using isa::Rank;
constexpr unsigned kSkipA = 1, kSkipB = 2;

/// A mapping as the twin reads it: what an element holds, and how often each rank is cut over clusters and over the
/// elements of one.
struct Layout {
  int64_t m = 1, c = 1, n = 1;
  std::map<Rank, int64_t> clusters, elements;
};

/// One element of one pass: where it stands, and what it has to do.
struct Element {
  std::array<int64_t, 6> cluster;                ///< Number along G, N, M, C, P, R.
  std::vector<std::pair<int64_t, int64_t>> work; ///< Weights of each activation that it takes up; weights left.
  size_t next = 0;
  int64_t left = -1;
};

constexpr Rank kRanks[] = {Rank::G, Rank::N, Rank::M, Rank::C, Rank::P, Rank::R};

/// Steps a cycle at a time through what the elements do in each pass.
Counts twin(const TestWork &work, const machine::Machine &machine, const Layout &layout, unsigned skips, unsigned gates,
            bool accumulate) {
  const Contraction &shape = work.shape;
  int64_t macs = machine.array[4].size;
  double bits = shape.elementBits;
  auto parameter = [&](const char *name) { return machine.parameters.at(name); };
  double indexA = skips & kSkipA ? parameter("index_bits") : 0, indexB = skips & kSkipB ? parameter("index_bits") : 0;
  double addressA = skips & kSkipA ? parameter("iact_address_bits") : 0;
  double addressB = skips & kSkipB ? parameter("weight_address_bits") : 0;
  auto networkCycles = [&](double words, const char *name) {
    return parameter(name) > 0 ? std::ceil(words / parameter(name)) : 0.0;
  };
  auto factor = [&](const std::map<Rank, int64_t> &factors, Rank rank) {
    auto found = factors.find(rank);
    return found == factors.end() ? int64_t(1) : found->second;
  };
  auto held = [&](Rank rank) {
    return rank == Rank::M ? layout.m : rank == Rank::C ? layout.c : rank == Rank::N ? layout.n : 1;
  };
  std::array<int64_t, 6> tiles, cut, inner, passes;
  int64_t elementsInArray = 1;
  for (int i = 0; i < 6; ++i) {
    tiles[i] = (shape.extent(kRanks[i]) + held(kRanks[i]) - 1) / held(kRanks[i]);
    cut[i] = factor(layout.clusters, kRanks[i]);
    inner[i] = factor(layout.elements, kRanks[i]);
    passes[i] = (tiles[i] + cut[i] * inner[i] - 1) / (cut[i] * inner[i]);
    elementsInArray *= cut[i] * inner[i];
  }
  /// Calls `visit` with every combination below `limits`.
  auto forEach = [](const std::array<int64_t, 6> &limits, auto visit) {
    std::array<int64_t, 6> at{};
    for (;;) {
      visit(at);
      int i = 5;
      while (i >= 0 && ++at[i] == limits[i])
        at[i--] = 0;
      if (i < 0)
        return;
    }
  };
  // Elements of a rank's tile.
  auto range = [&](Rank rank, int64_t tile) {
    std::pair<int64_t, int64_t> r{tile * held(rank), (tile + 1) * held(rank)};
    r.second = std::min(r.second, shape.extent(rank));
    return r;
  };
  auto storesWeight = [&](int64_t g, int64_t m, int64_t r, int64_t s, int64_t c) {
    return !(skips & kSkipB) || work.weight(g * shape.m + m, r, s, c) != 0;
  };
  auto storesActivation = [&](int64_t n, int64_t row, int64_t column, int64_t channel) {
    return !(skips & kSkipA) || work.activation(n, int(row), int(column), channel) != 0;
  };

  Counts counts;
  double loads = 0, slowestSum = 0, columnsHeld = 0;
  // Passes that differ in images and output rows share their weights.
  std::array<int64_t, 6> weightPasses = passes;
  weightPasses[1] = weightPasses[4] = 1;
  forEach(weightPasses, [&](const std::array<int64_t, 6> &weightPass) {
    // Loading weights: each cluster hears its own ones once, and each element stores its own.
    std::map<std::array<int64_t, 6>, double> perCluster;
    std::set<std::array<int64_t, 5>> stored;
    std::map<std::array<int64_t, 6>, std::set<std::array<int64_t, 5>>> clusterStores;
    forEach(cut, [&](const std::array<int64_t, 6> &cluster) {
      forEach(inner, [&](const std::array<int64_t, 6> &element) {
        std::array<int64_t, 6> tile;
        for (int i = 0; i < 6; ++i)
          tile[i] = (weightPass[i] * cut[i] + cluster[i]) * inner[i] + element[i];
        if (tile[0] >= tiles[0] || tile[2] >= tiles[2] || tile[3] >= tiles[3] || tile[5] >= tiles[5])
          return;
        auto [m0, m1] = range(Rank::M, tile[2]);
        auto [c0, c1] = range(Rank::C, tile[3]);
        for (int64_t c = c0; c < c1; ++c)
          for (int64_t s = 0; s < shape.s; ++s) {
            columnsHeld += 1;
            for (int64_t m = m0; m < m1; ++m)
              if (storesWeight(tile[0], m, tile[5], s, c)) {
                addBits(counts, machine, "weight_spad", "write", bits);
                addBits(counts, machine, "weight_spad", "metadata_write", indexB);
                clusterStores[cluster].insert({tile[0], m, tile[5], s, c});
              }
          }
      });
    });
    double most = 0;
    for (const auto &[cluster, weights] : clusterStores) {
      most = std::max(most, double(weights.size()));
      counts.actions.add("noc", "transfer", double(weights.size()));
      stored.insert(weights.begin(), weights.end());
    }
    addBits(counts, machine, "weight_stream", "read", bits * double(stored.size()));
    addBits(counts, machine, "weight_stream", "metadata_read", indexB * double(stored.size()));
    double loading = networkCycles(most, "noc_weight_words");
    counts.cycles += loading;
    counts.boundCycles[unsigned(Bound::Noc)] += loading;

    std::array<int64_t, 6> activationPasses{1, passes[1], 1, 1, passes[4], 1};
    forEach(activationPasses, [&](const std::array<int64_t, 6> &activationPass) {
      std::vector<Element> elements;
      using Key = std::array<int64_t, 4>;
      std::map<std::array<int64_t, 6>, std::set<Key>> iacts, sums;
      std::set<Key> allIacts, allSums;
      forEach(cut, [&](const std::array<int64_t, 6> &cluster) {
        forEach(inner, [&](const std::array<int64_t, 6> &element) {
          std::array<int64_t, 6> tile;
          for (int i = 0; i < 6; ++i) {
            tile[i] = ((weightPass[i] + activationPass[i]) * cut[i] + cluster[i]) * inner[i] + element[i];
            if (tile[i] >= tiles[i])
              return;
          }
          Element pe;
          pe.cluster = cluster;
          auto [n0, n1] = range(Rank::N, tile[1]);
          auto [m0, m1] = range(Rank::M, tile[2]);
          auto [c0, c1] = range(Rank::C, tile[3]);
          int64_t g = tile[0], p = tile[4], r = tile[5], row = work.inputRow(p, r);
          bool padding = row < 0 || row >= shape.inputRows();
          for (int64_t n = n0; n < n1; ++n) {
            for (int64_t column = 0; !padding && column < shape.inputColumns(); ++column) {
              addBits(counts, machine, "iact_spad", "metadata_write", addressA);
              for (int64_t c = c0; c < c1; ++c)
                if (storesActivation(n, row, column, g * shape.c + c)) {
                  iacts[cluster].insert({n, row, column, g * shape.c + c});
                  addBits(counts, machine, "iact_spad", "write", bits);
                  addBits(counts, machine, "iact_spad", "metadata_write", indexA);
                }
            }
            for (int64_t q = 0; q < shape.q; ++q) {
              for (int64_t m = m0; m < m1; ++m) {
                sums[cluster].insert({n, g * shape.m + m, p, q});
                addBits(counts, machine, "psum_spad", "read", 20); // On its way to the next element.
              }
              if (padding && (skips & kSkipA))
                continue;
              for (int64_t s = 0; s < shape.s; ++s) {
                addBits(counts, machine, "iact_spad", "metadata_read", addressA);
                for (int64_t c = c0; c < c1; ++c) {
                  int a = work.activationAt(n, g, c, p, q, r, s);
                  if (a == 0 && (skips & kSkipA))
                    continue;
                  addBits(counts, machine, "iact_spad", "read", bits);
                  addBits(counts, machine, "iact_spad", "metadata_read", indexA);
                  addBits(counts, machine, "weight_spad", "metadata_read", 2 * addressB);
                  int64_t weights = 0;
                  for (int64_t m = m0; m < m1; ++m) {
                    if (!storesWeight(g, m, r, s, c))
                      continue;
                    ++weights;
                    int b = work.weight(g * shape.m + m, r, s, c);
                    bool gated = ((gates & 1) && a == 0) || ((gates & 2) && b == 0);
                    counts.gated += gated;
                    counts.performed += !gated;
                    counts.effectual += a != 0 && b != 0;
                    counts.actions.add("mac", gated ? "gated" : "compute", 1);
                    addBits(counts, machine, "weight_spad", "read", bits);
                    addBits(counts, machine, "weight_spad", "metadata_read", indexB);
                    addBits(counts, machine, "psum_spad", "read", 20);
                    addBits(counts, machine, "psum_spad", "write", 20);
                  }
                  if (weights > 0)
                    pe.work.push_back({weights, weights});
                }
              }
            }
          }
          elements.push_back(pe);
        });
      });
      // A cycle at a time: each element works on as many weights of one activation as it has multipliers.
      double cycles = 0;
      for (bool busy = true; busy;) {
        busy = false;
        for (Element &element : elements) {
          if (element.next == element.work.size())
            continue;
          busy = true;
          ++loads;
          int64_t &left = element.work[element.next].second;
          left -= macs;
          if (left <= 0)
            ++element.next;
        }
        cycles += busy;
      }
      slowestSum += cycles;
      double mostIacts = 0, mostSums = 0;
      for (const auto &[cluster, words] : iacts) {
        mostIacts = std::max(mostIacts, double(words.size()));
        counts.actions.add("noc", "transfer", double(words.size()));
        allIacts.insert(words.begin(), words.end());
      }
      for (const auto &[cluster, words] : sums) {
        mostSums = std::max(mostSums, double(words.size()));
        counts.actions.add("noc", "transfer", double(words.size()));
        allSums.insert(words.begin(), words.end());
      }
      addBits(counts, machine, "iact_buffer", "read", bits * double(allIacts.size()));
      addBits(counts, machine, "iact_buffer", "metadata_read", indexA * double(allIacts.size()));
      addBits(counts, machine, "psum_buffer", "write", 20 * double(allSums.size()));
      if (accumulate || weightPass[3] > 0 || weightPass[5] > 0)
        addBits(counts, machine, "psum_buffer", "read", 20 * double(allSums.size()));
      double pass =
          std::max({cycles, networkCycles(mostIacts, "noc_iact_words"), networkCycles(mostSums, "noc_psum_words")});
      counts.cycles += pass;
      counts.boundCycles[unsigned(Bound::Noc)] += pass - cycles;
    });
  });
  // Elements that differ in images or rows alone have columns of their own.
  addBits(counts, machine, "weight_spad", "metadata_write", columnsHeld * addressB);
  double balanced = std::ceil(loads / double(elementsInArray));
  counts.boundCycles[unsigned(Bound::Mac)] = balanced;
  counts.boundCycles[unsigned(Bound::Sync)] = slowestSum - balanced;
  counts.wasted = slowestSum * double(elementsInArray * macs) - counts.performed - counts.gated;
  counts.slots = counts.cycles * double(machine.peakMacsPerCycle);
  counts.skipped = double(shape.macs()) - counts.performed - counts.gated;
  return counts;
}

/// A random legal mapping of a shape.
isa::Mapping randomMapping(std::mt19937_64 &random, const Contraction &shape, const machine::Machine &machine,
                           Layout &layout) {
  auto pick = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  layout = Layout();
  int64_t span = (shape.s - 1) * shape.dilationW + 1;
  layout.c = pick(1, std::max<int64_t>(1, std::min(shape.c, 16 / span)));
  layout.m = pick(1, std::max<int64_t>(1, std::min({shape.m, int64_t(32), 192 / (layout.c * shape.s)})));
  layout.n = pick(1, shape.n);
  uint8_t buffer = uint8_t(machine.levelIndex("iact_buffer")), pad = uint8_t(machine.levelIndex("psum_spad"));
  isa::Mapping mapping;
  struct Dimension {
    size_t index;
    bool cluster;
    LoopKind kind;
  };
  for (Dimension dimension : {Dimension{0, true, LoopKind::SpatialY}, Dimension{1, true, LoopKind::SpatialX},
                              Dimension{2, false, LoopKind::SpatialY}, Dimension{3, false, LoopKind::SpatialX}}) {
    int64_t room = machine.array[dimension.index].size;
    for (int i = 0; i < 2; ++i) {
      Rank rank = kRanks[pick(0, 5)];
      int64_t factor = pick(1, room);
      room /= factor;
      mapping.loops.push_back({rank, uint32_t(factor), dimension.cluster ? buffer : pad, dimension.kind});
      auto &factors = dimension.cluster ? layout.clusters : layout.elements;
      factors[rank] = std::max<int64_t>(factors[rank], 1) * factor;
    }
  }
  for (Rank rank : kRanks)
    mapping.loops.push_back({rank, uint32_t(shape.extent(rank)), buffer, LoopKind::Temporal});
  for (auto [rank, factor] :
       {std::pair{Rank::N, layout.n}, {Rank::Q, shape.q}, {Rank::C, layout.c}, {Rank::S, shape.s}, {Rank::M, layout.m}})
    mapping.loops.push_back({rank, uint32_t(factor), pad, LoopKind::Temporal});
  return mapping;
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

Contraction smallShape(std::mt19937_64 &random) {
  for (;;) {
    Contraction shape = randomShape(random, 24);
    shape.elementBits = 8;
    if ((shape.s - 1) * shape.dilationW + 1 <= 16)
      return shape;
  }
}

TEST(EyerissV2, AgreesWithItsTwin) {
  std::mt19937_64 random(1);
  auto pick = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  machine::Machine shipped = shippedMachine("eyeriss_v2");
  const Dataflow &dataflow = dataflowOf(shipped);
  for (int i = 0; i < 150; ++i) {
    machine::Machine machine =
        i % 4 == 0 ? shipped
                   : withArray(shipped, {uint32_t(pick(1, 3)), uint32_t(pick(1, 2)), uint32_t(pick(1, 3)),
                                         uint32_t(pick(1, 3)), uint32_t(pick(1, 3))});
    for (machine::Level &level : machine.levels)
      level.readBytesPerCycle = level.writeBytesPerCycle = 0;
    if (i % 3 == 1)
      machine.parameters["noc_iact_words"] = double(pick(0, 3)), machine.parameters["noc_weight_words"] = 0,
      machine.parameters["noc_psum_words"] = double(pick(0, 2));
    ASSERT_TRUE(dataflow.checkMachine(machine).ok()) << dataflow.checkMachine(machine);
    TestWork work = makeWork(smallShape(random), (i % 5) / 4.0, (i % 7) / 6.0, i, i % 2);
    SCOPED_TRACE(describe(work.shape) + " number " + std::to_string(i));
    Layout layout;
    isa::Mapping mapping = randomMapping(random, work.shape, machine, layout);
    unsigned skips = i % 3 == 0 ? unsigned(i / 3) % 4 : kSkipA | kSkipB, gates = unsigned(i) % 4;
    isa::SafSet safs = safSet(skips, gates);
    Work asked;
    asked.shape = work.shape, asked.safs = &safs, asked.machine = &machine, asked.accumulate = i % 2 == 1;
    asked.mapping = &mapping;
    ASSERT_TRUE(dataflow.legal(asked).ok()) << dataflow.legal(asked);
    Counts counts = dataflow.count(asked, work.aView, work.bView);
    expectEqual(counts, twin(work, machine, layout, skips, gates, asked.accumulate));
    expectLaws(counts, work.shape, machine);
    if (skips == (kSkipA | kSkipB) && gates == 0) {
      EXPECT_EQ(counts.performed, counts.effectual);
    }
    // What is kept of the weights changes nothing, and gating changes no cycle.
    std::unique_ptr<const WeightDigest> digest = dataflow.digestWeights(asked, work.bView);
    ASSERT_TRUE(digest);
    asked.digest = digest.get();
    expectEqual(dataflow.count(asked, work.aView, work.bView), counts);
    safs = safSet(skips, 0);
    EXPECT_EQ(counts.cycles, dataflow.count(asked, work.aView, work.bView).cycles);
    if (HasFailure())
      return;
  }
}

TEST(EyerissV2, ItsOwnMappingsAreLegalAndEstimatedWell) {
  std::mt19937_64 random(2);
  machine::Machine machine = shippedMachine("eyeriss_v2");
  const Dataflow &dataflow = dataflowOf(machine);
  for (int i = 0; i < 60; ++i) {
    Contraction shape = smallShape(random);
    if (i % 2) {
      shape.p = shape.q = 13;
      shape.c = 48, shape.m = 64, shape.g = 1, shape.n = 1;
    }
    double a = 0.2 + (i % 4) * 0.2, b = 0.3 + (i % 3) * 0.3;
    TestWork work = makeWork(shape, a, b, i);
    SCOPED_TRACE(describe(shape) + " number " + std::to_string(i));
    std::vector<isa::Mapping> mappings = dataflow.innerMappings(shape, machine);
    ASSERT_FALSE(mappings.empty());
    for (const isa::Mapping &mapping : mappings) {
      Work asked;
      asked.shape = shape, asked.machine = &machine, asked.mapping = &mapping;
      ASSERT_TRUE(dataflow.legal(asked).ok()) << dataflow.legal(asked);
      Counts counts = dataflow.count(asked, work.aView, work.bView);
      Counts estimate = dataflow.estimate(asked, {a, b});
      expectLaws(counts, shape, machine);
      EXPECT_LE(estimate.performed + estimate.gated + estimate.wasted, estimate.slots * (1 + 1e-9));
      EXPECT_GE(estimate.cycles * (1 + 1e-9), dataflow.leastCost(asked, {a, b}).cycles);
      if (i % 2) {
        EXPECT_NEAR(estimate.cycles / counts.cycles, 1, 0.15);
        for (const auto &[component, actions] : counts.actions.all())
          for (const auto &[action, times] : actions)
            EXPECT_NEAR(estimate.actions.get(component, action), times, 0.15 * times + 20)
                << component << "." << action;
      }
    }
  }
}

TEST(EyerissV2, ClosedForms) {
  machine::Machine machine = shippedMachine("eyeriss_v2_pe");
  const Dataflow &dataflow = dataflowOf(machine);
  Contraction shape;
  shape.c = 16, shape.m = 12, shape.p = 4, shape.q = 5, shape.elementBits = 8;
  auto count = [&](double a, double b) {
    TestWork work = makeWork(shape, a, b, 1);
    Work asked;
    asked.shape = shape, asked.machine = &machine;
    return dataflow.count(asked, work.aView, work.bView);
  };
  EXPECT_EQ(count(1, 1).cycles, double(shape.macs()));
  EXPECT_EQ(count(0, 1).cycles, 0);
  EXPECT_EQ(count(1, 0).cycles, 0);
  EXPECT_EQ(count(1, 0).skipped, double(shape.macs()));
  // Two multipliers share a column: an odd number of weights leaves one idle.
  machine = withArray(machine, {1, 1, 1, 1, 2});
  EXPECT_EQ(count(1, 1).cycles, double(shape.macs()) / 2);
  shape.m = 11;
  EXPECT_EQ(count(1, 1).cycles, double(shape.macs()) / 11 * 6);
  EXPECT_EQ(count(1, 1).wasted, double(shape.macs()) / 11);
}

TEST(EyerissV2, RefusesWhatItCannotDo) {
  machine::Machine machine = shippedMachine("eyeriss_v2");
  const Dataflow &dataflow = dataflowOf(machine);
  Contraction shape;
  shape.c = 64, shape.m = 64, shape.p = 8, shape.q = 8, shape.r = 3, shape.s = 3, shape.elementBits = 8;
  uint8_t buffer = uint8_t(machine.levelIndex("iact_buffer")), pad = uint8_t(machine.levelIndex("psum_spad"));
  auto message = [&](std::vector<isa::Loop> loops, const Contraction &shape) {
    isa::Mapping mapping{loops};
    for (Rank rank : {Rank::M, Rank::C, Rank::P, Rank::R})
      mapping.loops.push_back({rank, 64, buffer, LoopKind::Temporal});
    for (Rank rank : {Rank::Q, Rank::S})
      mapping.loops.push_back({rank, 8, pad, LoopKind::Temporal});
    Work asked;
    asked.shape = shape, asked.machine = &machine, asked.mapping = &mapping;
    return std::string(dataflow.legal(asked).message());
  };
  auto expect = [&](std::vector<isa::Loop> loops, const char *text) {
    EXPECT_NE(message(loops, shape).find(text), std::string::npos) << message(loops, shape);
  };
  EXPECT_EQ(message({}, shape), "");
  expect({{Rank::M, 33, pad, LoopKind::Temporal}}, "holds 33 sums, but 'psum_spad' has room for 32");
  expect({{Rank::C, 6, pad, LoopKind::Temporal}}, "holds 18 activations, but 'iact_spad' has room for 16");
  expect({{Rank::C, 5, pad, LoopKind::Temporal}, {Rank::M, 13, pad, LoopKind::Temporal}},
         "holds 195 weights, but 'weight_spad' has room for 192");
  expect({{Rank::M, 9, buffer, LoopKind::SpatialY}}, "unrolls 9 times over rows of clusters, of which there are 8");
  expect({{Rank::M, 5, pad, LoopKind::SpatialX}}, "unrolls 5 times over columns of a cluster, of which there are 4");
  expect({{Rank::Q, 2, pad, LoopKind::SpatialX}}, "cuts Q");
  expect({{Rank::P, 2, pad, LoopKind::Temporal}}, "a loop over P within an element");
  shape.s = 17;
  expect({}, "a filter row spans 17 activations, but 'iact_spad' holds 16");
}

/// The masks of ../eyeriss_v2_pe as operands of a convolution of 1 x 1.
struct Masks {
  Contraction shape;
  std::vector<int8_t> a, b;
};
bool loadMasks(const std::string &path, Masks &masks) {
  auto arrays = runtime::readArrays(path);
  if (!arrays.ok()) {
    ADD_FAILURE() << arrays.status();
    return false;
  }
  auto take = [&](const char *name, std::vector<int8_t> &values, int64_t &rows, int64_t &columns) {
    for (const auto &[key, array] : *arrays)
      if (key == name) {
        rows = array.shape.at(0), columns = array.shape.at(1);
        for (int64_t i = 0; i < array.elements(); ++i)
          values.push_back(array.at(i) != 0);
      }
  };
  int64_t pixels = 0, c = 0, m = 0, weightChannels = 0;
  take("iacts", masks.a, pixels, c);
  take("weights", masks.b, m, weightChannels);
  EXPECT_GT(pixels, 0);
  EXPECT_EQ(c, weightChannels);
  masks.shape.elementBits = 8;
  masks.shape.m = m, masks.shape.c = c;
  masks.shape.p = masks.shape.q = int64_t(std::lround(std::sqrt(double(pixels))));
  return pixels > 0 && masks.shape.p * masks.shape.q == pixels && c == weightChannels;
}

TEST(EyerissV2, PublishedCyclesOfOneElement) {
  const char *folder = std::getenv("SPARSEACCEL_SHARED_DATA");
  if (!folder || !*folder)
    GTEST_SKIP() << "SPARSEACCEL_SHARED_DATA names no folder with the measured masks";
  machine::Machine machine = shippedMachine("eyeriss_v2_pe");
  const Dataflow &dataflow = dataflowOf(machine);
  for (auto [name, published] :
       {std::pair{"L07", 1702140.0}, {"L09", 1499682.0}, {"L19", 1457458.0}, {"L27", 775316.0}}) {
    SCOPED_TRACE(name);
    Masks masks;
    ASSERT_TRUE(loadMasks(std::string(folder) + "/eyeriss_v2_pe/" + name + ".npz", masks));
    const Contraction &shape = masks.shape;
    Work asked;
    asked.shape = shape, asked.machine = &machine;
    OperandView a{masks.a.data(),
                  1,
                  {1, shape.p, shape.q, shape.c},
                  {shape.p * shape.q * shape.c, shape.q * shape.c, shape.c, 1}};
    OperandView b{masks.b.data(), 1, {shape.m, 1, 1, shape.c}, {shape.c, shape.c, shape.c, 1}};
    Counts counts = dataflow.count(asked, a, b);
    EXPECT_EQ(counts.cycles, published);
    EXPECT_EQ(counts.performed, published);
  }
}

} // namespace
