//===- DotProductTest.cpp - Dense dot-product units -----------------------===//

#include "TestWork.h"

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

/// Steps a cycle at a time through what the units do. `gates`: operands on which multipliers idle; `weightsOnA`:
/// whether reads of a lane's weights do where its activation is zero.
Counts twin(const TestWork &work, const machine::Machine &machine, unsigned gates, bool weightsOnA, bool accumulate) {
  const Contraction &shape = work.shape;
  int64_t units = machine.array[0].size, filters = machine.array[1].size, lanes = machine.array[2].size;
  double bits = shape.elementBits;
  struct Element {
    int64_t r, s, c;
  };
  Counts counts;
  for (int64_t g = 0; g < shape.g; ++g) {
    for (int64_t firstFilter = 0; firstFilter < shape.m; firstFilter += units * filters) {
      for (int64_t n = 0; n < shape.n; ++n)
        for (int64_t p = 0; p < shape.p; ++p)
          for (int64_t q = 0; q < shape.q; ++q) {
            // What is broadcast in each cycle of this window.
            std::vector<std::vector<Element>> broadcasts;
            bool packed = shape.c < lanes;
            for (int64_t r = 0; r < shape.r; ++r)
              for (int64_t s = 0; s < shape.s; ++s)
                for (int64_t c = 0; c < shape.c; ++c) {
                  bool startsRow =
                      packed ? broadcasts.empty() || int64_t(broadcasts.back().size()) == lanes : c % lanes == 0;
                  if (startsRow)
                    broadcasts.emplace_back();
                  broadcasts.back().push_back({r, s, c});
                }
            bool first = true;
            for (const std::vector<Element> &broadcast : broadcasts) {
              ++counts.cycles;
              double words = 0;
              if (packed) {
                for (const Element &e : broadcast)
                  words += !work.isPadding(p, q, e.r, e.s);
              } else if (!work.isPadding(p, q, broadcast[0].r, broadcast[0].s)) {
                words = double(lanes);
              }
              addBits(counts, machine, "nm", "read", words * bits);
              for (int64_t unit = 0; unit < units; ++unit) {
                if (firstFilter + unit * filters >= shape.m)
                  continue;
                counts.actions.add("noc", "transfer", words);
                addBits(counts, machine, "nbin", "write", double(lanes) * bits);
                addBits(counts, machine, "nbin", "read", double(lanes) * bits);
                for (int64_t lane = 0; lane < lanes; ++lane) {
                  bool zero = false;
                  if (lane < int64_t(broadcast.size())) {
                    const Element &e = broadcast[lane];
                    zero = work.activationAt(n, g, e.c, p, q, e.r, e.s) == 0;
                  }
                  addBits(counts, machine, "sb", weightsOnA && zero ? "gated_read" : "read", double(filters) * bits);
                }
                for (int64_t slot = 0; slot < filters; ++slot) {
                  int64_t m = firstFilter + unit * filters + slot;
                  if (m >= shape.m) {
                    counts.wasted += double(lanes);
                    continue;
                  }
                  counts.wasted += double(lanes - int64_t(broadcast.size()));
                  addBits(counts, machine, "nbout", "write", 32);
                  if (!first || accumulate)
                    addBits(counts, machine, "nbout", "read", 32);
                  for (const Element &e : broadcast) {
                    bool a = work.activationAt(n, g, e.c, p, q, e.r, e.s) != 0;
                    bool b = work.weight(g * shape.m + m, e.r, e.s, e.c) != 0;
                    ++(idles(gates | (weightsOnA ? 1 : 0), a, b) ? counts.gated : counts.performed);
                    counts.effectual += a && b;
                  }
                }
              }
              first = false;
            }
          }
    }
  }
  counts.slots = counts.cycles * double(units * filters * lanes);
  counts.boundCycles[0] = counts.cycles;
  counts.actions.add("mac", "compute", counts.performed);
  if (counts.gated > 0)
    counts.actions.add("mac", "gated", counts.gated);
  return counts;
}

TEST(DotProduct, AgreesWithItsTwin) {
  std::mt19937_64 random(1);
  machine::Machine shipped = shippedMachine("dadiannao");
  const Dataflow &dataflow = dataflowOf(shipped);
  for (int i = 0; i < 120; ++i) {
    machine::Machine machine = i % 3 ? withArray(shipped, {2, 3, uint32_t(2 + i % 7)}) : shipped;
    ASSERT_TRUE(dataflow.checkMachine(machine).ok());
    TestWork work = makeWork(randomShape(random, 40), (i % 5) / 4.0, (i % 4) / 3.0, i, i % 2);
    SCOPED_TRACE(describe(work.shape));
    unsigned gates = i % 4;
    bool weightsOnA = i / 4 % 2;
    isa::SafSet safs;
    if (gates)
      safs.push_back(gateAt(machine, "compute", isa::OperandKind::A, gates));
    if (weightsOnA)
      safs.push_back(gateAt(machine, "sb", isa::OperandKind::B, 1));
    Work asked{work.shape, nullptr, &safs, &machine, i % 2 == 1, nullptr};
    ASSERT_TRUE(dataflow.legal(asked).ok());
    Counts counts = dataflow.count(asked, work.aView, work.bView);
    expectEqual(counts, twin(work, machine, gates, weightsOnA, asked.accumulate));
    expectLaws(counts, work.shape, machine);
    // Gating never changes cycles.
    safs.clear();
    EXPECT_EQ(counts.cycles, dataflow.count(asked, work.aView, work.bView).cycles);
  }
}

TEST(DotProduct, ClosedForms) {
  machine::Machine machine = shippedMachine("dadiannao");
  const Dataflow &dataflow = dataflowOf(machine);
  auto cycles = [&](const Contraction &shape) {
    return dataflow.estimate({shape, nullptr, nullptr, &machine, false, nullptr}, {}).cycles;
  };
  Contraction conv;
  conv.c = 64, conv.m = 256, conv.p = 7, conv.q = 5, conv.r = 3, conv.s = 3;
  EXPECT_EQ(cycles(conv), 7 * 5 * 9 * 4);
  Counts full = dataflow.estimate({conv, nullptr, nullptr, &machine, false, nullptr}, {});
  EXPECT_EQ(full.performed, full.slots); // Nothing is wasted.
  conv.m = 257;
  EXPECT_EQ(cycles(conv), 2 * 7 * 5 * 9 * 4);
  // AlexNet's first layer is packed: ceil(363 / 16) cycles for a window.
  Contraction first;
  first.c = 3, first.m = 96, first.p = first.q = 55, first.r = first.s = 11, first.strideH = first.strideW = 4;
  EXPECT_EQ(cycles(first), 55 * 55 * 23);
  // Depthwise: a group after another, one filter at work in each.
  Contraction depthwise;
  depthwise.g = 32, depthwise.r = depthwise.s = 3, depthwise.p = depthwise.q = 4;
  EXPECT_EQ(cycles(depthwise), 32 * 16);
}

TEST(DotProduct, WaitsForSlowBuffers) {
  machine::Machine machine = shippedMachine("dadiannao");
  const Dataflow &dataflow = dataflowOf(machine);
  for (machine::Level &level : machine.levels)
    if (level.name == "sb")
      level.readBytesPerCycle = 4096; // Half of what 16-bit weights need.
  Contraction conv;
  conv.c = 64, conv.m = 256, conv.p = 7, conv.q = 5;
  Counts counts = dataflow.estimate({conv, nullptr, nullptr, &machine, false, nullptr}, {});
  EXPECT_EQ(counts.cycles, 2 * 7 * 5 * 4);
  EXPECT_EQ(counts.boundCycles[unsigned(Bound::Buffer)], 7 * 5 * 4);
  EXPECT_EQ(counts.boundCycles[unsigned(Bound::Mac)], 7 * 5 * 4);
  expectLaws(counts, conv, machine);
}

TEST(DotProduct, ItsMappingsAreLegalAndWrongOnesAreNot) {
  machine::Machine machine = shippedMachine("dadiannao");
  const Dataflow &dataflow = dataflowOf(machine);
  std::mt19937_64 random(2);
  for (int i = 0; i < 50; ++i) {
    Contraction shape = randomShape(random, 300);
    std::vector<isa::Mapping> mappings = dataflow.innerMappings(shape, machine);
    ASSERT_FALSE(mappings.empty());
    for (const isa::Mapping &mapping : mappings) {
      absl::Status status = dataflow.legal({shape, &mapping, nullptr, &machine, false, nullptr});
      EXPECT_TRUE(status.ok()) << describe(shape) << status;
    }
  }
  Contraction shape;
  shape.m = 512, shape.c = 16;
  uint8_t nbin = uint8_t(machine.levelIndex("nbin"));
  isa::Mapping wide{
      {{isa::Rank::M, 512, nbin, isa::LoopKind::SpatialX}, {isa::Rank::C, 16, nbin, isa::LoopKind::SpatialX}}};
  absl::Status status = dataflow.legal({shape, &wide, nullptr, &machine, false, nullptr});
  EXPECT_EQ(status.message(),
            "dot-product: the mapping unrolls M 512 times, but the array has 256 filters in all units "
            "and the tile 512, so 256 to 256 are possible");
  isa::Mapping shallow{
      {{isa::Rank::M, 256, nbin, isa::LoopKind::SpatialX}, {isa::Rank::C, 16, nbin, isa::LoopKind::SpatialX}}};
  status = dataflow.legal({shape, &shallow, nullptr, &machine, false, nullptr});
  EXPECT_EQ(status.message(), "dot-product: the mapping's loops over M inside the array and its buffers cover 256, but "
                              "the tile has 512");
  shape.c = 0;
  EXPECT_EQ(dataflow.legal({shape, nullptr, nullptr, &machine, false, nullptr}).message(),
            "dot-product: extent C is 0, expected at least 1");
}

TEST(DotProduct, ChecksTheMachine) {
  machine::Machine machine = shippedMachine("dadiannao");
  const Dataflow &dataflow = dataflowOf(machine);
  machine::Machine broken = machine;
  broken.array[2].name = "lines";
  EXPECT_EQ(dataflow.checkMachine(broken).message(), "machine 'dadiannao': dataflow 'dot-product' needs the array "
                                                     "dimensions units, filters, lanes; 'lanes' is missing or empty");
  broken = machine;
  for (machine::Level &level : broken.levels)
    if (level.name == "sb")
      level.name = "weights";
  EXPECT_EQ(dataflow.checkMachine(broken).message(), "machine 'dadiannao': dataflow 'dot-product' needs a level called "
                                                     "'sb'; the machine has: dram, nm, weights, nbout, nbin");
}

TEST(Dataflows, AnUnknownNameListsThoseThereAre) {
  std::string message(findDataflow("systolic").status().message());
  EXPECT_EQ(message.find("no dataflow is called 'systolic'; there are: dot-product, cnvlutin, "), 0u) << message;
  for (const Dataflow *dataflow : listDataflows())
    EXPECT_NE((message + ",").find(std::string(" ") + dataflow->name() + ","), std::string::npos) << message;
}

TEST(Dataflows, ShippedMachinesHaveWhatTheirDataflowNeeds) {
  for (const std::string &name : machine::listMachines()) {
    machine::Machine machine = shippedMachine(name.c_str());
    EXPECT_TRUE(findDataflow(machine).ok()) << findDataflow(machine).status();
  }
  // Whatever they count has a price, or is declared as left out.
  Contraction shape;
  shape.c = shape.m = 64, shape.p = shape.q = 5, shape.r = shape.s = 3;
  for (const std::string &name : machine::listMachines()) {
    machine::Machine machine = shippedMachine(name.c_str());
    Counts counts = dataflowOf(machine).estimate({shape, nullptr, nullptr, &machine, true, nullptr}, {0.5, 0.5});
    std::vector<machine::EnergyModel> tables = machine.otherEnergies;
    tables.push_back(machine.energy);
    for (const machine::EnergyModel &table : tables) {
      auto energy = table.energyByComponent(counts.actions, counts.cycles, 0);
      ASSERT_TRUE(energy.ok()) << name << ": " << energy.status();
      EXPECT_GT(energy->at("mac"), 0);
    }
  }
  machine::Machine machine = shippedMachine("cnvlutin");
  machine.parameters["brik"] = 16;
  EXPECT_EQ(findDataflow(machine).status().message(),
            "machine 'cnvlutin': dataflow 'cnvlutin' has no parameter 'brik'; did you mean 'brick'?");
  machine = shippedMachine("dadiannao");
  machine.parameters["brick"] = 16;
  EXPECT_EQ(findDataflow(machine).status().message(),
            "machine 'dadiannao': dataflow 'dot-product' has no parameter 'brick'; it has none");
}

} // namespace
