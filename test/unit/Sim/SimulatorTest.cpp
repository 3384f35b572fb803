//===- SimulatorTest.cpp - Programs by hand on the shipped machines -------===//

#include "ProgramBuilder.h"

#include "gmock/gmock.h"

#include <random>

using namespace sparseaccel;
using namespace sparseaccel::test;
using isa::ElementType;
using isa::TensorRole;

namespace {

std::vector<int16_t> randomValues(size_t count, int limit, double density, std::mt19937 &rng) {
  std::vector<int16_t> values(count);
  std::uniform_int_distribution<int> value(-limit, limit);
  std::bernoulli_distribution nonzero(density);
  for (int16_t &v : values)
    v = nonzero(rng) ? int16_t(value(rng)) : 0;
  return values;
}

int64_t rescaled(int64_t x, int64_t multiplier, int shift, int64_t low, int64_t high) {
  int64_t y = int32_t((x * multiplier + (int64_t(1) << (shift - 1))) >> shift);
  return std::min(std::max(y, low), high);
}

/// A 3x3 convolution, padded by 1, of 8x9 pixels, 20 channels to 24; cut into strips of rows, halves of the output
/// channels and halves of the input channels.
struct Conv {
  static constexpr uint32_t h = 8, w = 9, c = 20, m = 24;
  std::string a = "dense", aBuffer = "dense", b = "dense", o = "dense", oBuffer = "dense";
  uint32_t rowsOfTile = 8, mOfTile = 24, cOfTile = 20;
  double density = 0.5;
  unsigned threads = 1;
};

struct Levels {
  std::string a, b, o; ///< Buffers of activations, weights and sums.
};
Levels levelsOf(const machine::Machine &machine) {
  if (machine.findLevel("glb"))
    return {"glb", "filter_stream", "glb"};
  return {"nm", "sb", "nbout"};
}

const std::vector<std::string> &machineNames() {
  static const std::vector<std::string> names = {"dadiannao", "cnvlutin", "eyeriss"};
  return names;
}

struct ConvRun {
  std::vector<int16_t> expected, output;
  sim::RunResult result;
};

void runConv(const machine::Machine &machine, const Conv &conv, ConvRun &run) {
  std::mt19937 rng(5);
  const uint32_t h = Conv::h, w = Conv::w, c = Conv::c, m = Conv::m;
  std::vector<int16_t> input = randomValues(h * w * c, 32767, conv.density, rng);
  std::vector<int16_t> weights = randomValues(m * 9 * c, 32767, 0.4, rng);
  isa::Numerics numerics;
  numerics.scale32 = false;
  numerics.clampMin = 0, numerics.clampMax = 30000;
  for (uint32_t i = 0; i < m; ++i) {
    numerics.bias.push_back(int64_t(rng() % 100000) * 1000 - 50000000);
    numerics.multiplier.push_back(16384 + int(i) * 100);
    numerics.shift.push_back(uint8_t(32 + i % 3));
  }
  for (uint32_t p = 0; p < h; ++p)
    for (uint32_t q = 0; q < w; ++q)
      for (uint32_t f = 0; f < m; ++f) {
        int64_t sum = numerics.bias[f];
        for (int r = -1; r <= 1; ++r)
          for (int s = -1; s <= 1; ++s) {
            int y = int(p) + r, x = int(q) + s;
            if (y < 0 || x < 0 || y >= int(h) || x >= int(w))
              continue;
            for (uint32_t i = 0; i < c; ++i)
              sum += int64_t(input[(y * w + x) * c + i]) * weights[((f * 3 + r + 1) * 3 + s + 1) * c + i];
          }
        run.expected.push_back(int16_t(rescaled(sum, numerics.multiplier[f], numerics.shift[f], 0, 30000)));
      }

  ProgramBuilder builder(machine);
  Levels levels = levelsOf(machine);
  // A granule is two rows of all channels of a half.
  std::vector<uint32_t> granuleA = {1, 2, w, conv.cOfTile}, granuleO = {1, 2, w, conv.mOfTile};
  uint32_t a = builder.tensor("a", ElementType::I16, {1, h, w, c}, TensorRole::Input, conv.a, conv.aBuffer, granuleA);
  uint32_t b =
      builder.constant("b", ElementType::I16, {m, 3, 3, c}, weights, conv.b, "dense",
                       conv.b == "dense" ? std::vector<uint32_t>{m, 3, 3, c} : std::vector<uint32_t>{4, 3, 3, c});
  uint32_t sums = builder.tensor("o.sums", ElementType::I48, {1, h, w, m}, TensorRole::Intermediate);
  uint32_t o = builder.tensor("o", ElementType::I16, {1, h, w, m}, TensorRole::Output, conv.o, conv.oBuffer, granuleO);
  uint32_t scale = builder.numerics(numerics);
  builder.program.layers[0].output = int32_t(o);
  builder.program.layers[0].inputs = {a};
  builder.program.layers[0].macs = uint64_t(h) * w * m * 9 * c;
  builder.configure(scale);
  isa::Operand weightBox = builder.load(builder.place(levels.b, b));
  for (uint32_t p = 0; p < h; p += conv.rowsOfTile)
    for (uint32_t f = 0; f < m; f += conv.mOfTile) {
      uint32_t rows = std::min(conv.rowsOfTile, h - p);
      isa::Operand sumBox = builder.place(levels.o, sums, {0, p, 0, f}, {1, rows, w, conv.mOfTile});
      for (uint32_t i = 0; i < c; i += conv.cOfTile) {
        // The halo's rows, and what else their granules hold.
        uint32_t first = p ? p - 1 : 0, last = std::min(p + rows + 1, h);
        uint32_t from = first / 2 * 2, to = std::min((last + 1) / 2 * 2, h);
        isa::Contract contract;
        contract.a = builder.load(builder.place(levels.a, a, {0, from, 0, i}, {1, to - from, w, conv.cOfTile}));
        contract.aOrigin = {0, first, 0, i};
        contract.b = weightBox;
        contract.bOrigin = {f, 0, 0, i};
        contract.o = sumBox;
        contract.oOrigin = sumBox.origin;
        contract.m = conv.mOfTile, contract.c = conv.cOfTile, contract.p = rows, contract.q = w;
        contract.r = contract.s = 3;
        contract.padTop = p == 0, contract.padBottom = p + rows == h;
        contract.padLeft = contract.padRight = 1;
        contract.mode = i ? isa::AccumulateMode::Accumulate : isa::AccumulateMode::Bias;
        contract.numerics = scale;
        builder.contract(contract);
      }
      isa::Vector vector;
      vector.kind = isa::VectorKind::Rescale;
      vector.a = sumBox;
      vector.o = builder.place(levels.a, o, {0, p, 0, f}, {1, rows, w, conv.mOfTile});
      vector.numerics = scale;
      builder.add(vector);
      builder.store(vector.o);
    }
  sim::Options options;
  options.timeline = true;
  options.threads = conv.threads;
  absl::StatusOr<sim::RunResult> result =
      simulate(builder.finish(), machine, {tensorData(ElementType::I16, {1, h, w, c}, input)}, options);
  ASSERT_TRUE(result.ok()) << result.status();
  run.output = valuesOf<int16_t>(result->outputs[0]);
  run.result = *std::move(result);
}

TEST(Simulator, ConvolutionOnEveryMachineAndFormat) {
  for (const std::string &name : machineNames()) {
    machine::Machine machine = machineNamed(name);
    ASSERT_FALSE(machine.name.empty());
    double effectual = -1;
    for (const char *dram : {"dense", "bitmask", "rle", "csr", "eyeriss-rlc", "zfnaf"})
      for (const char *buffer : {"dense", "zfnaf", "bitmask"}) {
        SCOPED_TRACE(name + ", " + dram + " in DRAM, " + buffer + " in the buffer");
        Conv conv;
        conv.a = conv.o = dram;
        conv.b = std::string(dram) == "zfnaf" ? "dense" : dram;
        conv.aBuffer = conv.oBuffer = buffer;
        ConvRun run;
        runConv(machine, conv, run);
        if (HasFatalFailure())
          return;
        EXPECT_EQ(run.output, run.expected);
        // A format changes no value and no count of products.
        const dataflow::Counts &counts = run.result.stats.layers[0].counts;
        if (effectual < 0)
          effectual = counts.effectual;
        EXPECT_EQ(counts.effectual, effectual);
        EXPECT_LE(counts.performed + counts.gated + counts.wasted, counts.slots);
        EXPECT_GT(run.result.stats.totals.cycles, 0);
      }
  }
}

TEST(Simulator, TilesGiveWhatTheWholeGives) {
  for (const std::string &name : machineNames()) {
    machine::Machine machine = machineNamed(name);
    for (uint32_t rows : {8u, 4u, 2u})
      for (uint32_t m : {24u, 12u})
        for (uint32_t c : {20u, 10u}) {
          SCOPED_TRACE(testing::Message() << name << " " << rows << " rows " << m << " filters " << c << " channels");
          Conv conv;
          conv.rowsOfTile = rows, conv.mOfTile = m, conv.cOfTile = c;
          conv.a = conv.o = "eyeriss-rlc";
          ConvRun run;
          runConv(machine, conv, run);
          if (HasFatalFailure())
            return;
          EXPECT_EQ(run.output, run.expected);
        }
  }
}

TEST(Simulator, ThreadsChangeNothing) {
  for (const std::string &name : machineNames())
    for (const char *buffer : {"dense", "bitmask"}) {
      SCOPED_TRACE(name + ", " + buffer);
      Conv conv;
      conv.rowsOfTile = 2, conv.mOfTile = 12, conv.cOfTile = 10;
      conv.aBuffer = conv.oBuffer = buffer;
      ConvRun one;
      runConv(machineNamed(name), conv, one);
      for (unsigned threads : {2u, 5u}) {
        conv.threads = threads;
        ConvRun several;
        runConv(machineNamed(name), conv, several);
        if (HasFatalFailure())
          return;
        EXPECT_EQ(several.output, one.expected);
        const sim::RunStats &x = one.result.stats, &y = several.result.stats;
        EXPECT_EQ(x.totals.cycles, y.totals.cycles);
        EXPECT_EQ(x.totals.boundCycles, y.totals.boundCycles);
        EXPECT_EQ(x.totals.widestSum, y.totals.widestSum);
        EXPECT_EQ(x.totals.counts.slots, y.totals.counts.slots);
        EXPECT_EQ(x.totals.counts.performed, y.totals.counts.performed);
        EXPECT_EQ(x.totals.counts.cycles, y.totals.counts.cycles);
        ASSERT_EQ(x.timeline.size(), y.timeline.size());
        for (size_t i = 0; i < x.timeline.size(); ++i)
          EXPECT_EQ(x.timeline[i].end, y.timeline[i].end) << i;
      }
    }
}

TEST(Simulator, AnAllZeroInputHasNoEffectualProduct) {
  for (const std::string &name : machineNames()) {
    Conv conv;
    conv.density = 0;
    ConvRun run;
    runConv(machineNamed(name), conv, run);
    EXPECT_EQ(run.output, run.expected);
    EXPECT_EQ(run.result.stats.layers[0].counts.effectual, 0) << name;
  }
}

TEST(Simulator, LayersSumToTheTotal) {
  Conv conv;
  conv.rowsOfTile = 2;
  ConvRun run;
  runConv(machineNamed("cnvlutin"), conv, run);
  const sim::LayerStats &layer = run.result.stats.layers[0], &total = run.result.stats.totals;
  double bound = 0;
  for (double cycles : layer.boundCycles)
    bound += cycles;
  EXPECT_NEAR(bound, layer.cycles, 1e-6);
  EXPECT_EQ(layer.cycles, total.cycles);
  EXPECT_EQ(layer.macs, 8u * 9 * 24 * 9 * 20);
  EXPECT_EQ(layer.counts.performed + layer.counts.gated + layer.counts.skipped, double(layer.macs));
  EXPECT_GT(layer.widestSum, double(int64_t(1) << 31));
}

TEST(Simulator, ClosedFormOfTransfers) {
  machine::Machine machine = plainMachine();
  ProgramBuilder builder(machine);
  // 3 x 100 x 16 values of 2 bytes. Whole: one run of 9600 bytes. Half of the channels: 300 runs of 16 bytes, a burst
  // each.
  std::vector<int16_t> values(3 * 100 * 16, 7);
  uint32_t a = builder.tensor("a", ElementType::I16, {1, 3, 100, 16}, TensorRole::Input);
  uint32_t o = builder.tensor("o", ElementType::I16, {1, 3, 100, 16}, TensorRole::Output);
  builder.load(builder.place("nm", a));
  isa::Vector copy;
  copy.kind = isa::VectorKind::Copy;
  copy.a = builder.load(builder.place("nm", a, {0, 0, 0, 8}, {1, 3, 100, 8}));
  copy.o = builder.place("nm", o, {0, 0, 0, 8}, {1, 3, 100, 8});
  builder.add(copy);
  builder.store(copy.o);
  sim::Options options;
  options.timeline = true;
  absl::StatusOr<sim::RunResult> result =
      simulate(builder.finish(), machine, {tensorData(ElementType::I16, {1, 3, 100, 16}, values)}, options);
  ASSERT_TRUE(result.ok()) << result.status();
  const auto &timeline = result->stats.timeline;
  ASSERT_EQ(timeline.size(), 4u);
  EXPECT_EQ(timeline[0].dram.readData, 9600u);
  EXPECT_EQ(timeline[0].end, 9600 / 8 + 10u);
  EXPECT_EQ(timeline[1].dram.readData, 300 * 64u);
  EXPECT_EQ(timeline[1].end - timeline[1].start, 300 * 8 + 10u);
  EXPECT_EQ(timeline[2].end - timeline[2].start, 2400 / 16u);
  EXPECT_EQ(timeline[3].dram.writeData, 300 * 64u);
  const sim::LayerStats &layer = result->stats.layers[0];
  EXPECT_EQ(layer.cycles, 1210 + 2410 + 150 + 2410);
  EXPECT_EQ(layer.loadCycles, 1200 + 2400);
  EXPECT_EQ(layer.computeCycles, 150);
  EXPECT_EQ(layer.actions.get("dram", "read"), (9600 + 300 * 64) / 8);
  EXPECT_EQ(layer.actions.get("dram", "write"), 300 * 64 / 8);
  EXPECT_EQ(layer.actions.get("vector", "compute"), 2400);
  double word = machine.findLevel("nm")->wordBits;
  EXPECT_EQ(layer.actions.get("nm", "write"), (9600 + 4800 + 4800) * 8 / word);
  EXPECT_EQ(layer.actions.get("nm", "read"), (4800 + 4800) * 8 / word);
  EXPECT_EQ(layer.actions.get("codec", "compute"), 0);
}

TEST(Simulator, EncodedGranulesCostTheirLengthInBursts) {
  machine::Machine machine = plainMachine();
  ProgramBuilder builder(machine);
  // A bitmask of 512 values is 64 bytes, and a nonzero value 2 bytes.
  std::vector<int16_t> values(4 * 512);
  for (int granule = 0; granule < 4; ++granule)
    for (int i = 0; i < granule * 40; ++i)
      values[size_t(granule * 512 + i)] = 5;
  uint32_t a =
      builder.tensor("a", ElementType::I16, {1, 4, 32, 16}, TensorRole::Input, "bitmask", "dense", {1, 1, 32, 16});
  builder.load(builder.place("nm", a));
  absl::StatusOr<sim::RunResult> result =
      simulate(builder.finish(), machine, {tensorData(ElementType::I16, {1, 4, 32, 16}, values)});
  ASSERT_TRUE(result.ok()) << result.status();
  const sim::LayerStats &layer = result->stats.layers[0];
  // 64, 64 + 80, 64 + 160, 64 + 240 bytes in bursts of 64; four length words in one more.
  EXPECT_EQ(layer.dram.read(), 64u + 192 + 256 + 320 + 64);
  EXPECT_EQ(layer.dram.readMetadata, 4 * 64 + 64u);
  EXPECT_EQ(layer.actions.get("codec", "compute"), 2048);
}

TEST(Simulator, ObserverSeesEachTensorOnceItIsComplete) {
  machine::Machine machine = plainMachine();
  ProgramBuilder builder(machine);
  // Two layers fill the encoded tensor b, one granule each; a third reads the first granule in between.
  std::vector<uint32_t> granule = {1, 1, 2, 4};
  uint32_t a = builder.tensor("a", ElementType::I16, {1, 2, 2, 4}, TensorRole::Input);
  uint32_t b = builder.tensor("b", ElementType::I16, {1, 2, 2, 4}, TensorRole::Output, "rle", "dense", granule);
  uint32_t half = builder.tensor("half", ElementType::I16, {1, 1, 2, 4}, TensorRole::Intermediate);
  auto copy = [&](uint32_t from, isa::Coord origin, uint32_t to, isa::Coord toOrigin) {
    isa::Vector vector;
    vector.kind = isa::VectorKind::Copy;
    vector.a = builder.load(builder.place("nm", from, origin, {1, 1, 2, 4}));
    vector.o = builder.place("nm", to, toOrigin, {1, 1, 2, 4});
    builder.add(vector);
    builder.store(vector.o);
    builder.program.layers.back().inputs = {from};
  };
  copy(a, {0, 0, 0, 0}, b, {0, 0, 0, 0});
  builder.layer("between", "copy");
  copy(b, {0, 0, 0, 0}, half, {0, 0, 0, 0});
  builder.program.layers.back().output = int32_t(half);
  builder.layer("last", "copy");
  copy(a, {0, 1, 0, 0}, b, {0, 1, 0, 0});
  builder.program.layers.back().output = int32_t(b);
  std::vector<int16_t> values = {0, 1, 0, -3, 4, 0, 0, 7, 8, -9, 0, 0, 32767, -32768, 0, 1};
  std::vector<std::string> seen;
  sim::Options options;
  options.observe = [&](const sim::TensorObservation &tensor) {
    seen.push_back(builder.program.tensors[tensor.tensor].name);
    size_t count = seen.back() == "half" ? 8 : 16;
    EXPECT_EQ(valuesOf<int16_t>(tensor.data), std::vector<int16_t>(values.begin(), values.begin() + count));
  };
  absl::StatusOr<sim::RunResult> result =
      simulate(builder.finish(), machine, {tensorData(ElementType::I16, {1, 2, 2, 4}, values)}, options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(seen, testing::ElementsAre("a", "half", "b"));
  EXPECT_EQ(valuesOf<int16_t>(result->outputs[0]), values);
  EXPECT_EQ(result->stats.layers[0].cycles + result->stats.layers[1].cycles + result->stats.layers[2].cycles,
            result->stats.totals.cycles);
}

TEST(Simulator, SaysWhatDoesNotFitTheMachine) {
  machine::Machine machine = plainMachine();
  auto message = [&](auto change) {
    ProgramBuilder builder(machine);
    uint32_t a = builder.tensor("a", ElementType::I16, {1, 2, 2, 4}, TensorRole::Input);
    uint32_t o = builder.tensor("o", ElementType::I16, {1, 2, 2, 4}, TensorRole::Output);
    isa::Vector vector;
    vector.kind = isa::VectorKind::Copy;
    vector.a = builder.load(builder.place("nm", a));
    vector.o = builder.place("nm", o);
    change(builder, vector);
    builder.add(vector);
    absl::StatusOr<std::unique_ptr<sim::Simulator>> simulator = sim::Simulator::create(builder.finish(), machine);
    return std::string(simulator.status().message());
  };
  using testing::HasSubstr;
  EXPECT_THAT(message([](ProgramBuilder &builder, isa::Vector &) { builder.program.machine = "other"; }),
              HasSubstr("compiled for machine 'other'"));
  EXPECT_THAT(message([](ProgramBuilder &builder, isa::Vector &) { ++builder.program.machineFingerprint; }),
              HasSubstr("another description"));
  EXPECT_THAT(message([](ProgramBuilder &builder, isa::Vector &) { builder.program.buffers[0].name = "glb"; }),
              HasSubstr("no such level"));
  EXPECT_THAT(message([](ProgramBuilder &, isa::Vector &vector) { vector.kind = isa::VectorKind::Add; }),
              HasSubstr("instruction 1 of layer 'layer': add takes two operands"));
  EXPECT_THAT(message([](ProgramBuilder &, isa::Vector &vector) { vector.kind = isa::VectorKind::Table; }),
              HasSubstr("a table of i16 has 513 entries, not 0"));
  EXPECT_THAT(message([](ProgramBuilder &, isa::Vector &vector) { vector.o.extent[3] = 3; }),
              HasSubstr("have 16 elements where the result has 12"));
}

TEST(Simulator, RunsAreIndependentAndRepeat) {
  machine::Machine machine = plainMachine();
  ProgramBuilder builder(machine);
  uint32_t a = builder.tensor("a", ElementType::I16, {1, 1, 1, 64}, TensorRole::Input);
  uint32_t o = builder.tensor("o", ElementType::I16, {1, 1, 1, 64}, TensorRole::Output);
  isa::Vector vector;
  vector.kind = isa::VectorKind::Copy;
  vector.a = builder.load(builder.place("nm", a));
  vector.o = builder.place("nm", o);
  builder.add(vector);
  builder.store(vector.o);
  absl::StatusOr<std::unique_ptr<sim::Simulator>> simulator = sim::Simulator::create(builder.finish(), machine);
  ASSERT_TRUE(simulator.ok());
  for (int16_t i = 0; i < 3; ++i) {
    std::vector<int16_t> values(64, i);
    absl::StatusOr<sim::RunResult> result =
        (*simulator)->run(std::vector<sim::TensorData>{tensorData(ElementType::I16, {1, 1, 1, 64}, values)});
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(valuesOf<int16_t>(result->outputs[0]), values);
  }
  EXPECT_FALSE((*simulator)->run({}).ok());
  EXPECT_FALSE(
      (*simulator)->run(std::vector<sim::TensorData>{tensorData(ElementType::I8, {64}, std::vector<int8_t>(64))}).ok());
}

} // namespace
