//===- ResidenceTest.cpp - Constants that stay in buffers -----------------===//

#include "../../../sim/Residence.h"
#include "ProgramBuilder.h"

#include <algorithm>
#include <random>

using namespace sparseaccel;
using namespace sparseaccel::test;
using isa::ElementType;
using isa::TensorRole;

namespace {

isa::Operand boxAt(uint64_t offset, uint32_t tensor = 1, uint8_t buffer = 0) {
  isa::Operand operand;
  operand.buffer = buffer, operand.offset = offset, operand.tensor = tensor;
  operand.extent = {1, 1, 1, 8};
  return operand;
}

TEST(Residence, HoldsExactlyTheBoxThatWasLoaded) {
  sim::Residence residence(2);
  EXPECT_FALSE(residence.holds(boxAt(16)));
  residence.add(boxAt(16), 32);
  EXPECT_TRUE(residence.holds(boxAt(16)));
  EXPECT_FALSE(residence.holds(boxAt(16, 2)));
  EXPECT_FALSE(residence.holds(boxAt(16, 1, 1)));
  EXPECT_FALSE(residence.holds(boxAt(18)));
  isa::Operand part = boxAt(16);
  part.extent[3] = 4;
  EXPECT_FALSE(residence.holds(part));
}

TEST(Residence, AnyByteThatIsWrittenEndsIt) {
  auto after = [](uint64_t begin, uint64_t end, unsigned buffer = 0) {
    sim::Residence residence(2);
    for (uint64_t offset : {0, 16, 32})
      residence.add(boxAt(offset), offset + 16);
    residence.overwrite(buffer, begin, end);
    return std::vector<bool>{residence.holds(boxAt(0)), residence.holds(boxAt(16)), residence.holds(boxAt(32))};
  };
  EXPECT_EQ(after(16, 32), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(after(31, 32), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(after(15, 17), (std::vector<bool>{false, false, true}));
  EXPECT_EQ(after(4, 40), (std::vector<bool>{false, false, false}));
  EXPECT_EQ(after(48, 64), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(after(16, 16), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(after(0, 64, 1), (std::vector<bool>{true, true, true}));
}

std::vector<int16_t> randomValues(size_t count, std::mt19937 &rng) {
  std::vector<int16_t> values(count);
  for (int16_t &v : values)
    v = rng() % 2 ? int16_t(rng()) : 0;
  return values;
}

/// A matrix of 24 rows in tiles that share a place in the buffer or have one each, a constant to add, and, where
/// `overwrites`, a result that is written over that constant's place.
void checkRuns(const std::string &format, bool shared, bool overwrites, unsigned images) {
  machine::Machine machine = machineNamed("dadiannao");
  constexpr uint32_t m = 24, c = 37, rows = 8;
  std::mt19937 rng(3);
  std::vector<int16_t> weights = randomValues(m * c, rng), constant = randomValues(m, rng);
  ProgramBuilder builder(machine);
  uint32_t a = builder.tensor("a", ElementType::I16, {images, 1, 1, c}, TensorRole::Input);
  uint32_t b =
      builder.constant("b", ElementType::I16, {m, 1, 1, c}, weights, format, "dense",
                       format == "dense" ? std::vector<uint32_t>{m, 1, 1, c} : std::vector<uint32_t>{4, 1, 1, c});
  uint32_t d = builder.constant("d", ElementType::I16, {1, 1, 1, m}, constant, "dense", "dense", {1, 1, 1, m});
  uint32_t sums = builder.tensor("o.sums", ElementType::I48, {images, 1, 1, m}, TensorRole::Intermediate);
  uint32_t scaledSums = builder.tensor("s", ElementType::I16, {images, 1, 1, m}, TensorRole::Intermediate);
  uint32_t o = builder.tensor("o", ElementType::I16, {images, 1, 1, m}, TensorRole::Output);
  isa::Numerics numerics;
  numerics.scale32 = false;
  numerics.multiplier = {16384}, numerics.shift = {32};
  numerics.clampMin = -32768, numerics.clampMax = 32767;
  uint32_t scale = builder.numerics(numerics);
  builder.configure(scale);
  isa::Operand input = builder.load(builder.place("nm", a)), sumBox = builder.place("nbout", sums), place{};
  for (uint32_t f = 0; f < m; f += rows) {
    isa::Operand box = builder.place("sb", b, {f, 0, 0, 0}, {rows, 1, 1, c});
    if (!f)
      place = box;
    if (shared)
      box.offset = place.offset;
    isa::Contract contract;
    contract.a = input;
    contract.b = builder.load(box);
    contract.bOrigin = {f, 0, 0, 0};
    contract.o = sumBox;
    contract.oOrigin = {0, 0, 0, f};
    contract.n = images, contract.m = rows, contract.c = c;
    contract.mode = isa::AccumulateMode::Clear;
    contract.numerics = scale;
    builder.contract(contract);
  }
  isa::Vector rescale;
  rescale.kind = isa::VectorKind::Rescale;
  rescale.a = sumBox, rescale.o = builder.place("nm", scaledSums), rescale.numerics = scale;
  builder.add(rescale);
  isa::Operand result = builder.place("nm", o), constantBox = builder.place("nm", d);
  for (uint32_t n = 0; n < images; ++n) {
    isa::Vector add;
    add.kind = isa::VectorKind::Add;
    add.a = rescale.o;
    add.a.offset += n * m * 2, add.a.origin[0] = n, add.a.extent[0] = 1;
    add.b = builder.load(constantBox);
    add.o = result;
    add.o.offset = overwrites ? constantBox.offset : result.offset + n * m * 2;
    add.o.origin[0] = n, add.o.extent[0] = 1;
    add.numerics = scale;
    builder.add(add);
    builder.store(add.o);
  }
  isa::Program program = builder.finish();
  absl::StatusOr<std::unique_ptr<sim::Simulator>> simulator = sim::Simulator::create(program, machine);
  ASSERT_TRUE(simulator.ok()) << simulator.status();
  sim::LayerStats first;
  for (int run = 0; run < 4; ++run) {
    std::vector<int16_t> values = randomValues(images * c, rng);
    sim::Options options;
    options.counts = run != 1;
    absl::StatusOr<sim::RunResult> simulated =
        (*simulator)
            ->run(std::vector<sim::TensorData>{tensorData(ElementType::I16, {images, 1, 1, c}, values)}, options);
    ASSERT_TRUE(simulated.ok()) << simulated.status();
    std::vector<int16_t> expected;
    for (uint32_t n = 0; n < images; ++n)
      for (uint32_t f = 0; f < m; ++f) {
        int64_t sum = 0;
        for (uint32_t i = 0; i < c; ++i)
          sum += int64_t(values[n * c + i]) * weights[f * c + i];
        auto scaled = [](int64_t x) { return int32_t((x * 16384 + (int64_t(1) << 31)) >> 32); };
        int64_t total = std::clamp<int64_t>(scaled(sum), -32768, 32767) + constant[f];
        expected.push_back(int16_t(std::clamp<int64_t>(scaled(total), -32768, 32767)));
      }
    EXPECT_EQ(valuesOf<int16_t>(simulated->outputs[0]), expected) << "run " << run;
    if (!options.counts)
      continue;
    // What is not moved again is counted as if it were, on a machine whose cycles do not depend on values.
    if (run > 0) {
      EXPECT_EQ(simulated->stats.totals.cycles, first.cycles);
      EXPECT_EQ(simulated->stats.totals.dram.readData, first.dram.readData);
    }
    first = simulated->stats.totals;
  }
}

TEST(Residence, RunsAgreeWhateverStaysInTheBuffers) {
  for (const char *format : {"dense", "[UOP, CP]"})
    for (bool shared : {false, true})
      for (bool overwrites : {false, true})
        for (unsigned images : {1u, 3u, 5u}) {
          SCOPED_TRACE(testing::Message()
                       << format << " shared " << shared << " overwrites " << overwrites << " images " << images);
          checkRuns(format, shared, overwrites, images);
        }
}

} // namespace
