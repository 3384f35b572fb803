//===- SessionTest.cpp - Binding arrays, running batches, the C interface -===//

#include "../Sim/ProgramBuilder.h"

#include "SparseAccel/Runtime/Runtime.h"
#include "SparseAccel/Runtime/sparseaccel.h"
#include "SparseAccel/Target/ISA/Container.h"

#include "gmock/gmock.h"

#include <atomic>
#include <cstdio>
#include <unistd.h>

using namespace sparseaccel;
using namespace sparseaccel::test;
using isa::ElementType;
using isa::TensorRole;
using testing::HasSubstr;

namespace {

/// f32 [2][3][4] -> quantise by 10 -> +itself on the vector unit -> dequantise by 0.1.
isa::Program doublingProgram(const machine::Machine &machine) {
  ProgramBuilder builder(machine);
  std::vector<uint32_t> shape = {1, 2, 3, 4};
  uint32_t x = builder.tensor("x", ElementType::F32, shape, TensorRole::Input);
  uint32_t a = builder.tensor("a", ElementType::I16, shape, TensorRole::Intermediate);
  uint32_t b = builder.tensor("b", ElementType::I16, shape, TensorRole::Intermediate);
  uint32_t y = builder.tensor("y", ElementType::F32, shape, TensorRole::Output);
  builder.program.hostOps.push_back({isa::HostKind::Quantize, "quantize", {x}, {a}, {}, {10.0}});
  builder.program.hostOps.push_back({isa::HostKind::Dequantize, "dequantize", {b}, {y}, {}, {0.1}});
  isa::Host host;
  builder.add(host);
  isa::Numerics scale;
  scale.multiplier = {1 << 14}, scale.shift = {14};
  scale.clampMin = -32768, scale.clampMax = 32767;
  uint32_t numerics = builder.numerics(scale);
  builder.configure(numerics);
  isa::Vector vector;
  vector.kind = isa::VectorKind::Add;
  vector.numerics = numerics;
  vector.a = builder.load(builder.place("nm", a));
  vector.b = vector.a;
  vector.o = builder.place("nm", b);
  builder.add(vector);
  builder.store(vector.o);
  host.op = 1;
  builder.add(host);
  return builder.finish();
}

runtime::NamedArrays images(const std::string &name, int64_t count) {
  std::vector<float> values(size_t(count) * 24);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float(int(i * 37 % 1000) - 500);
  return {{name, runtime::makeArray<float>({count, 2, 3, 4}, absl::MakeConstSpan(values))}};
}

class SessionTest : public testing::Test {
protected:
  machine::Machine machine = plainMachine();
  std::unique_ptr<runtime::Session> session;
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<runtime::Session>> made =
        runtime::Session::create(doublingProgram(machine), machine);
    ASSERT_TRUE(made.ok()) << made.status();
    session = *std::move(made);
  }
};

TEST_F(SessionTest, RunsAnyNumberOfImages) {
  for (int64_t count : {1, 2, 7}) {
    runtime::NamedArrays in = images("x", count);
    absl::StatusOr<runtime::BatchResult> result = session->run(in);
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_EQ(result->outputs.size(), 1u);
    EXPECT_EQ(result->outputs[0].first, "y");
    EXPECT_THAT(result->outputs[0].second.shape, testing::ElementsAre(count, 2, 3, 4));
    auto x = std::as_const(in[0].second).as<float>(), y = std::as_const(result->outputs[0].second).as<float>();
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_FLOAT_EQ(y[i], 2 * x[i]);
    EXPECT_EQ(result->stats.images, uint64_t(count));
  }
}

TEST_F(SessionTest, ThreadsChangeNothing) {
  runtime::NamedArrays in = images("x", 9);
  runtime::RunOptions one, many;
  one.threads = 1, many.threads = 4;
  std::atomic<unsigned> tensors = 0;
  many.observe = [&](uint64_t run, const sim::TensorObservation &) {
    EXPECT_LT(run, 9u);
    ++tensors;
  };
  uint64_t last = 0;
  many.progress = [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, 9u);
    EXPECT_EQ(done, last + 1);
    last = done;
  };
  absl::StatusOr<runtime::BatchResult> a = session->run(in, one), b = session->run(in, many);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->outputs[0].second.bytes, b->outputs[0].second.bytes);
  EXPECT_EQ(a->stats.totals.cycles, b->stats.totals.cycles);
  EXPECT_EQ(a->stats.totals.actions, b->stats.totals.actions);
  EXPECT_EQ(a->stats.totals.boundCycles, b->stats.totals.boundCycles);
  EXPECT_EQ(last, 9u);
  EXPECT_EQ(tensors, 9u * 4);
}

TEST_F(SessionTest, BindsByNameOrTheOnlyOne) {
  EXPECT_TRUE(session->run(images("something else", 1)).ok());
  std::vector<float> values(24, 1);
  EXPECT_TRUE(session->run({{"x", runtime::makeArray<float>({2, 3, 4}, absl::MakeConstSpan(values))}}).ok());
  std::vector<double> doubles(24, 1);
  EXPECT_TRUE(session->run({{"x", runtime::makeArray<double>({1, 2, 3, 4}, absl::MakeConstSpan(doubles))}}).ok());
  auto message = [&](const runtime::NamedArrays &in) { return std::string(session->run(in).status().message()); };
  EXPECT_THAT(message({}), HasSubstr("no array for input 'x'"));
  EXPECT_THAT(message({{"x", runtime::makeArray<float>({24}, absl::MakeConstSpan(values))}}),
              HasSubstr("input 'x' takes [1, 2, 3, 4]"));
  EXPECT_THAT(message({{"x", runtime::makeArray<float>({1, 2, 4, 3}, absl::MakeConstSpan(values))}}),
              HasSubstr("and the array is float32[1x2x4x3]"));
  EXPECT_FALSE(session->run({{"x", runtime::makeArray<float>({0, 2, 3, 4}, {})}}).ok());
}

TEST_F(SessionTest, BindsNumbersAndPlaces) {
  // y = s, and z = x: two inputs, one of them a number for each run.
  ProgramBuilder builder(machine);
  uint32_t s = builder.tensor("s", ElementType::F32, {}, TensorRole::Input);
  uint32_t x = builder.tensor("x", ElementType::F32, {1, 2}, TensorRole::Input);
  uint32_t y = builder.tensor("y", ElementType::F32, {}, TensorRole::Output);
  uint32_t z = builder.tensor("z", ElementType::F32, {1, 2}, TensorRole::Output);
  builder.program.hostOps.push_back({isa::HostKind::Reshape, "y", {s}, {y}, {}, {}});
  builder.program.hostOps.push_back({isa::HostKind::Reshape, "z", {x}, {z}, {}, {}});
  isa::Host host;
  builder.add(host);
  host.op = 1;
  builder.add(host);
  auto made = runtime::Session::create(builder.finish(), machine);
  ASSERT_TRUE(made.ok()) << made.status();
  runtime::NamedArrays in = {{"arr_1", runtime::makeArray<float>({3, 2}, {1, 2, 3, 4, 5, 6})},
                             {"arr_0", runtime::makeArray<float>({3}, {7, 8, 9})}};
  absl::StatusOr<runtime::BatchResult> result = (*made)->run(in);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(std::as_const(result->outputs[0].second).as<float>(), testing::ElementsAre(7, 8, 9));
  EXPECT_THAT(std::as_const(result->outputs[1].second).as<float>(), testing::ElementsAre(1, 2, 3, 4, 5, 6));
  in[1].second = runtime::makeArray<float>({}, {7});
  EXPECT_THAT(std::string((*made)->run(in).status().message()), HasSubstr("input 'x' has data for 3 runs"));
  in[0].first = "x";
  EXPECT_THAT(std::string((*made)->run(in).status().message()), HasSubstr("no array for input 's'"));
}

TEST_F(SessionTest, AProgramThatDoesNotVerifyIsRefused) {
  isa::Program program = doublingProgram(machine);
  std::get<isa::Load>(program.instructions[2]).dst.tensor = 99;
  EXPECT_FALSE(runtime::Session::create(program, machine).ok());
  EXPECT_THAT(std::string(runtime::Session::load("/nonexistent/program", "").status().message()),
              HasSubstr("/nonexistent/program"));
}

TEST(CApi, RunsAShippedMachine) {
  machine::Machine machine = machineNamed("dadiannao");
  std::string path = testing::TempDir() + "doubling-" + std::to_string(getpid()) + ".sparse";
  ASSERT_TRUE(isa::writeFile(doublingProgram(machine), path).ok());
  sparseaccel_session *session = sparseaccel_open(path.c_str(), nullptr);
  ASSERT_EQ(sparseaccel_error(session), nullptr) << sparseaccel_error(session);
  EXPECT_EQ(sparseaccel_input_count(session), 1u);
  EXPECT_EQ(sparseaccel_output_count(session), 1u);
  sparseaccel_tensor tensor;
  ASSERT_EQ(sparseaccel_input(session, 0, &tensor), 0);
  EXPECT_STREQ(tensor.name, "x");
  EXPECT_EQ(tensor.rank, 4u);
  EXPECT_EQ(tensor.elements, 24u);
  EXPECT_NE(sparseaccel_input(session, 1, &tensor), 0);
  EXPECT_NE(sparseaccel_run(session, 0), 0);
  EXPECT_STREQ(sparseaccel_error(session), "input 'x' is not set");
  const float *data = nullptr;
  size_t elements = 0;
  EXPECT_NE(sparseaccel_get_output(session, 0, &data, &elements), 0);
  std::vector<float> values(48, 1.5f);
  ASSERT_EQ(sparseaccel_set_input(session, 0, values.data(), 2), 0);
  ASSERT_EQ(sparseaccel_run(session, 0), 0) << sparseaccel_error(session);
  ASSERT_EQ(sparseaccel_get_output(session, 0, &data, &elements), 0);
  ASSERT_EQ(elements, 48u);
  EXPECT_FLOAT_EQ(data[47], 3.0f);
  sparseaccel_stats total, layer;
  ASSERT_EQ(sparseaccel_total_stats(session, &total), 0);
  ASSERT_EQ(sparseaccel_layer_count(session), 1u);
  ASSERT_EQ(sparseaccel_layer_stats(session, 0, &layer), 0);
  EXPECT_GT(total.cycles, 0);
  EXPECT_EQ(total.cycles, layer.cycles);
  EXPECT_EQ(total.load_cycles, layer.load_cycles);
  EXPECT_NE(sparseaccel_layer_stats(session, 1, &layer), 0);
  sparseaccel_close(session);
  std::remove(path.c_str());

  session = sparseaccel_open("/nonexistent/program", nullptr);
  EXPECT_THAT(sparseaccel_error(session), HasSubstr("/nonexistent/program"));
  sparseaccel_close(session);
}

} // namespace
