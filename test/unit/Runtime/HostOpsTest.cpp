//===- HostOpsTest.cpp - Worked values for every host operator ------------===//

#include "SparseAccel/Runtime/HostOps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace sparseaccel::runtime {
namespace {

using isa::ElementType;
using isa::HostKind;
using isa::HostOp;
using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

template <typename T>
ElementType typeOf() {
  if constexpr (std::is_same_v<T, float>)
    return ElementType::F32;
  else
    return sizeof(T) == 1   ? ElementType::I8
           : sizeof(T) == 2 ? ElementType::I16
           : sizeof(T) == 4 ? ElementType::I32
                            : ElementType::I64;
}

/// A tensor that owns its bytes.
struct Value {
  ElementType type;
  std::vector<uint32_t> shape;
  std::vector<uint8_t> bytes;

  template <typename T>
  Value(std::vector<uint32_t> shape, std::vector<T> values) : type(typeOf<T>()), shape(std::move(shape)) {
    bytes.resize(values.size() * sizeof(T));
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  Value(ElementType type, std::vector<uint32_t> shape) : type(type), shape(std::move(shape)) {
    bytes.resize(tensor().elements() * isa::storageBytes(type));
  }
  HostTensor tensor() { return {type, shape, absl::MakeSpan(bytes)}; }
  template <typename T>
  std::vector<T> as() const {
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
};

HostOp makeOp(HostKind kind, std::vector<int64_t> i = {}, std::vector<double> f = {}) {
  HostOp op;
  op.kind = kind;
  op.name = "node";
  op.i = std::move(i);
  op.f = std::move(f);
  return op;
}

absl::Status run(const HostOp &op, std::vector<Value> in, Value &out) {
  std::vector<HostTensor> inputs;
  for (Value &value : in)
    inputs.push_back(value.tensor());
  HostTensor output = out.tensor();
  return runHostOp(op, inputs, absl::MakeSpan(&output, 1));
}

/// Runs an operator that must succeed.
template <typename T>
std::vector<T> result(const HostOp &op, std::vector<Value> in, std::vector<uint32_t> shape,
                      ElementType type = typeOf<T>()) {
  Value out(type, std::move(shape));
  absl::Status status = run(op, std::move(in), out);
  EXPECT_TRUE(status.ok()) << status;
  return out.as<T>();
}

std::string failure(const HostOp &op, std::vector<Value> in, Value out) {
  return std::string(run(op, std::move(in), out).message());
}

using F = std::vector<float>;
using I8 = std::vector<int8_t>;
using I16 = std::vector<int16_t>;
using I32 = std::vector<int32_t>;

TEST(HostOps, QuantizeRoundsHalfToEvenAndSaturates) {
  float infinity = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  Value x({9}, F{0.25f, 0.75f, 1.25f, -0.25f, -0.75f, 100, -100, infinity, nan});
  // Times 2: 0.5, 1.5, 2.5, -0.5, -1.5, 200, -200.
  EXPECT_THAT(result<int8_t>(makeOp(HostKind::Quantize, {}, {2.0}), {x}, {9}),
              ElementsAre(0, 2, 2, 0, -2, 127, -128, 127, 0));
  EXPECT_THAT(result<int16_t>(makeOp(HostKind::Quantize, {}, {1000.0}), {x}, {9}),
              ElementsAre(250, 750, 1250, -250, -750, 32767, -32768, 32767, 0));
}

TEST(HostOps, QuantizeMultipliesInFloat) {
  // 0.1f * 5 rounds to 0.5f exactly in float; in double it would be 0.5000000075 and round up.
  EXPECT_THAT(result<int8_t>(makeOp(HostKind::Quantize, {}, {5.0}), {Value({1}, F{0.1f})}, {1}), ElementsAre(0));
}

TEST(HostOps, DequantizeMultipliesInFloat) {
  std::vector<float> y = result<float>(makeOp(HostKind::Dequantize, {}, {0.1}), {Value({3}, I8{-3, 0, 127})}, {3});
  EXPECT_THAT(y, ElementsAre(-3 * 0.1f, 0.0f, 127 * 0.1f));
  EXPECT_THAT(result<float>(makeOp(HostKind::Dequantize, {}, {0.5}), {Value({2}, I16{-32768, 5})}, {2}),
              ElementsAre(-16384.0f, 2.5f));
}

TEST(HostOps, TransposeOfEveryWidth) {
  // [2][3] -> [3][2], and NCHW -> NHWC.
  EXPECT_THAT(result<int8_t>(makeOp(HostKind::Transpose, {1, 0}), {Value({2, 3}, I8{1, 2, 3, 4, 5, 6})}, {3, 2}),
              ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(result<int16_t>(makeOp(HostKind::Transpose, {0, 2, 3, 1}), {Value({1, 2, 1, 3}, I16{1, 2, 3, 4, 5, 6})},
                              {1, 1, 3, 2}),
              ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(result<float>(makeOp(HostKind::Transpose, {1, 0}), {Value({2, 2}, F{1, 2, 3, 4})}, {2, 2}),
              ElementsAre(1, 3, 2, 4));
  EXPECT_THAT(
      result<int64_t>(makeOp(HostKind::Transpose, {1, 0}), {Value({2, 2}, std::vector<int64_t>{1, 2, 3, 4})}, {2, 2}),
      ElementsAre(1, 3, 2, 4));
}

TEST(HostOps, MovementOperators) {
  Value x({2, 3}, I16{1, 2, 3, 4, 5, 6});
  EXPECT_THAT(result<int16_t>(makeOp(HostKind::Reshape), {x}, {3, 1, 2}), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(result<int16_t>(makeOp(HostKind::Slice, {0, 1, 2, 2}), {x}, {2, 2}), ElementsAre(2, 3, 5, 6));
  EXPECT_THAT(result<int16_t>(makeOp(HostKind::Pad, {1, 0, 0, 1}, {-7}), {x}, {3, 4}),
              ElementsAre(-7, -7, -7, -7, 1, 2, 3, -7, 4, 5, 6, -7));
  EXPECT_THAT(result<int16_t>(makeOp(HostKind::Reverse, {1}), {x}, {2, 3}), ElementsAre(3, 2, 1, 6, 5, 4));
  EXPECT_THAT(result<int16_t>(makeOp(HostKind::Reverse, {0}), {x}, {2, 3}), ElementsAre(4, 5, 6, 1, 2, 3));
  EXPECT_THAT(result<int16_t>(makeOp(HostKind::Tile, {2, 2}), {Value({1, 2}, I16{1, 2})}, {2, 4}),
              ElementsAre(1, 2, 1, 2, 1, 2, 1, 2));
  EXPECT_THAT(result<int16_t>(makeOp(HostKind::Concat, {1}), {x, Value({2, 1}, I16{8, 9})}, {2, 4}),
              ElementsAre(1, 2, 3, 8, 4, 5, 6, 9));
  EXPECT_THAT(result<float>(makeOp(HostKind::Pad, {1, 1}, {0.5}), {Value({1}, F{2})}, {3}), ElementsAre(0.5f, 2, 0.5f));
}

TEST(HostOps, GatherPicksRowsPerBatch) {
  Value values({2, 2, 2}, F{1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(result<float>(makeOp(HostKind::Gather), {values, Value({2, 1}, I32{1, 0})}, {2, 1, 2}),
              ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(failure(makeOp(HostKind::Gather), {values, Value({2, 1}, I32{1, 2})}, {ElementType::F32, {2, 1, 2}}),
              HasSubstr("'node' (gather): index 2 at [1, 0] is not one of 2 rows"));
}

TEST(HostOps, SoftmaxAlongAnyAxis) {
  float e = std::exp(1.0f);
  EXPECT_THAT(result<float>(makeOp(HostKind::Softmax, {1}), {Value({1, 2}, F{1000, 1001})}, {1, 2}),
              Pointwise(FloatNear(1e-6f), F{1 / (1 + e), e / (1 + e)}));
  EXPECT_THAT(result<float>(makeOp(HostKind::Softmax, {0}), {Value({2, 2}, F{0, 3, 1, 3})}, {2, 2}),
              Pointwise(FloatNear(1e-6f), F{1 / (1 + e), 0.5f, e / (1 + e), 0.5f}));
}

TEST(HostOps, LrnWindowIsONNXs) {
  // Size 4 reaches one channel down and two up; alpha / size = 1, beta = 1, bias = 1.
  EXPECT_THAT(result<float>(makeOp(HostKind::Lrn, {4}, {4, 1, 1}), {Value({1, 1, 1, 4}, F{1, 2, 3, 4})}, {1, 1, 1, 4}),
              Pointwise(FloatNear(1e-6f), F{1 / 15.0f, 2 / 31.0f, 3 / 30.0f, 4 / 26.0f}));
}

TEST(HostOps, UnaryFunctions) {
  using K = isa::UnaryKind;
  auto at = [](K kind, float x) {
    return result<float>(makeOp(HostKind::Unary, {static_cast<int64_t>(kind)}), {Value({1}, F{x})}, {1})[0];
  };
  EXPECT_FLOAT_EQ(at(K::Exp, 1), std::exp(1.0f));
  EXPECT_FLOAT_EQ(at(K::Log, 2), std::log(2.0f));
  EXPECT_FLOAT_EQ(at(K::Reciprocal, 4), 0.25f);
  EXPECT_FLOAT_EQ(at(K::Rsqrt, 4), 0.5f);
  EXPECT_FLOAT_EQ(at(K::Sigmoid, 0), 0.5f);
  EXPECT_FLOAT_EQ(at(K::Tanh, 0.5f), std::tanh(0.5f));
  EXPECT_FLOAT_EQ(at(K::Abs, -3), 3);
  EXPECT_FLOAT_EQ(at(K::Neg, -3), 3);
  EXPECT_FLOAT_EQ(at(K::Erf, 0.5f), std::erf(0.5f));
  EXPECT_FLOAT_EQ(at(K::Floor, -1.5f), -2);
  EXPECT_FLOAT_EQ(at(K::Ceil, -1.5f), -1);
  EXPECT_FLOAT_EQ(at(K::Sin, 1), std::sin(1.0f));
  EXPECT_FLOAT_EQ(at(K::Cos, 1), std::cos(1.0f));
  EXPECT_THAT(result<int8_t>(makeOp(HostKind::Unary, {static_cast<int64_t>(K::Not)}), {Value({2}, I8{0, 1})}, {2}),
              ElementsAre(1, 0));
  EXPECT_THAT(
      result<int32_t>(makeOp(HostKind::Unary, {static_cast<int64_t>(K::Abs)}), {Value({3}, I32{-5, 5, 0})}, {3}),
      ElementsAre(5, 5, 0));
  EXPECT_THAT(
      failure(makeOp(HostKind::Unary, {static_cast<int64_t>(K::Exp)}), {Value({1}, I8{1})}, {ElementType::I8, {1}}),
      HasSubstr("expected a tensor of f32"));
}

TEST(HostOps, BinaryFunctionsBroadcast) {
  using K = isa::BinaryKind;
  Value a({2, 3}, F{1, 2, 3, 4, 5, 6}), b({1, 3}, F{2, 2, 2});
  auto apply = [&](K kind) {
    return result<float>(makeOp(HostKind::Binary, {static_cast<int64_t>(kind)}), {a, b}, {2, 3});
  };
  EXPECT_THAT(apply(K::Add), ElementsAre(3, 4, 5, 6, 7, 8));
  EXPECT_THAT(apply(K::Sub), ElementsAre(-1, 0, 1, 2, 3, 4));
  EXPECT_THAT(apply(K::Mul), ElementsAre(2, 4, 6, 8, 10, 12));
  EXPECT_THAT(apply(K::Max), ElementsAre(2, 2, 3, 4, 5, 6));
  EXPECT_THAT(apply(K::Min), ElementsAre(1, 2, 2, 2, 2, 2));
  EXPECT_THAT(apply(K::Pow), ElementsAre(1, 4, 9, 16, 25, 36));
  auto compare = [&](K kind) {
    return result<int8_t>(makeOp(HostKind::Binary, {static_cast<int64_t>(kind)}), {a, b}, {2, 3});
  };
  EXPECT_THAT(compare(K::Greater), ElementsAre(0, 0, 1, 1, 1, 1));
  EXPECT_THAT(compare(K::GreaterEqual), ElementsAre(0, 1, 1, 1, 1, 1));
  EXPECT_THAT(compare(K::Equal), ElementsAre(0, 1, 0, 0, 0, 0));
  // Both sides broadcast; integers wrap.
  EXPECT_THAT(result<int8_t>(makeOp(HostKind::Binary, {static_cast<int64_t>(K::Add)}),
                             {Value({2, 1}, I8{100, 1}), Value({1, 2}, I8{100, 2})}, {2, 2}),
              ElementsAre(-56, 102, 101, 3));
}

TEST(HostOps, ReduceKeepsTheAxis) {
  using K = isa::ReduceKind;
  Value x({2, 3}, F{1, 2, 3, 4, 5, 6});
  auto reduce = [&](K kind, int64_t axis, std::vector<uint32_t> shape) {
    return result<float>(makeOp(HostKind::Reduce, {static_cast<int64_t>(kind), axis}), {x}, shape);
  };
  EXPECT_THAT(reduce(K::Sum, 1, {2, 1}), ElementsAre(6, 15));
  EXPECT_THAT(reduce(K::Sum, 0, {1, 3}), ElementsAre(5, 7, 9));
  EXPECT_THAT(reduce(K::Max, 0, {1, 3}), ElementsAre(4, 5, 6));
  EXPECT_THAT(reduce(K::Min, 1, {2, 1}), ElementsAre(1, 4));
  EXPECT_THAT(reduce(K::Product, 1, {2, 1}), ElementsAre(6, 120));
}

TEST(HostOps, MatMulPerBatch) {
  EXPECT_THAT(result<float>(makeOp(HostKind::MatMul),
                            {Value({2, 1, 2}, F{1, 2, 3, 4}), Value({2, 2, 2}, F{1, 0, 0, 1, 1, 2, 3, 4})}, {2, 1, 2}),
              ElementsAre(1, 2, 15, 22));
}

TEST(HostOps, CastRoundsSaturatesAndTruncates) {
  EXPECT_THAT(result<int8_t>(makeOp(HostKind::Cast), {Value({4}, F{2.5f, 3.5f, 1e9f, -1e9f})}, {4}),
              ElementsAre(2, 4, 127, -128));
  EXPECT_THAT(result<int64_t>(makeOp(HostKind::Cast), {Value({2}, F{1e30f, -1e30f})}, {2}),
              ElementsAre(std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()));
  EXPECT_THAT(result<int8_t>(makeOp(HostKind::Cast), {Value({2}, I32{300, -1})}, {2}), ElementsAre(44, -1));
  EXPECT_THAT(result<float>(makeOp(HostKind::Cast), {Value({2}, I16{-7, 8})}, {2}), ElementsAre(-7, 8));
}

TEST(HostOps, SelectBroadcastsItsCondition) {
  EXPECT_THAT(result<float>(makeOp(HostKind::Select),
                            {Value({1, 2}, I8{1, 0}), Value({2, 2}, F{1, 2, 3, 4}), Value({1, 1}, F{9})}, {2, 2}),
              ElementsAre(1, 9, 3, 9));
}

TEST(HostOps, RescaleIsTosasSingleRound) {
  // (x * 3 + 2) >> 2: 5 -> 17 / 4 = 4, -5 -> -13 / 4 = -4 (floor), 1000 saturates.
  EXPECT_THAT(result<int8_t>(makeOp(HostKind::Rescale, {3, 2, -128, 127}), {Value({3}, I32{5, -5, 1000})}, {3}),
              ElementsAre(4, -4, 127));
  // Truncated to 32 bits before the clamp: 2^33 * 1 >> 2 = 2^31, which becomes -2^31.
  Value wide({1}, std::vector<int64_t>{int64_t(1) << 33});
  EXPECT_THAT(result<int16_t>(makeOp(HostKind::Rescale, {1, 2, -100, 100}), {wide}, {1}), ElementsAre(-100));
}

TEST(HostOps, ClampKeepsTheType) {
  EXPECT_THAT(result<float>(makeOp(HostKind::Clamp, {}, {0, 6}), {Value({3}, F{-1, 3, 7})}, {3}), ElementsAre(0, 3, 6));
  EXPECT_THAT(result<int8_t>(makeOp(HostKind::Clamp, {}, {-1e9, 5}), {Value({2}, I8{-128, 9})}, {2}),
              ElementsAre(-128, 5));
}

TEST(HostOps, ConvWithStridePadDilationGroupsAndBias) {
  Value x({1, 3, 3, 1}, F{1, 2, 3, 4, 5, 6, 7, 8, 9});
  Value ones({1, 2, 2, 1}, F{1, 1, 1, 1});
  EXPECT_THAT(result<float>(makeOp(HostKind::Conv, {1, 1, 0, 0, 0, 0, 1, 1, 1}), {x, ones}, {1, 2, 2, 1}),
              ElementsAre(12, 16, 24, 28));
  EXPECT_THAT(
      result<float>(makeOp(HostKind::Conv, {2, 2, 1, 0, 1, 0, 1, 1, 1}), {x, ones, Value({1}, F{0.5f})}, {1, 2, 2, 1}),
      ElementsAre(1.5f, 5.5f, 11.5f, 28.5f));
  EXPECT_THAT(result<float>(makeOp(HostKind::Conv, {1, 1, 0, 0, 0, 0, 2, 2, 1}), {x, ones}, {1, 1, 1, 1}),
              ElementsAre(1 + 3 + 7 + 9));
  // Two groups of one channel each, one filter each.
  EXPECT_THAT(result<float>(makeOp(HostKind::Conv, {1, 1, 0, 0, 0, 0, 1, 1, 2}),
                            {Value({1, 1, 1, 2}, F{3, 5}), Value({2, 1, 1, 1}, F{10, 100})}, {1, 1, 1, 2}),
              ElementsAre(30, 500));
}

TEST(HostOps, PoolsIgnorePadding) {
  Value x({1, 2, 2, 2}, F{-1, 1, -2, 2, -3, 3, -4, 4});
  EXPECT_THAT(result<float>(makeOp(HostKind::MaxPool, {2, 2, 2, 2, 1, 1, 1, 1}), {x}, {1, 2, 2, 2}),
              ElementsAre(-1, 1, -2, 2, -3, 3, -4, 4));
  EXPECT_THAT(result<float>(makeOp(HostKind::AvgPool, {2, 2, 1, 1, 0, 0, 0, 1}), {x}, {1, 1, 2, 2}),
              ElementsAre(-2.5f, 2.5f, -3, 3));
  EXPECT_THAT(result<int8_t>(makeOp(HostKind::MaxPool, {1, 2, 1, 1, 0, 0, 0, 0}), {Value({1, 1, 3, 1}, I8{-9, -8, -7})},
                             {1, 1, 2, 1}),
              ElementsAre(-8, -7));
}

/// A Conv of integers: strides, pads and dilations in `window`.
HostOp makeContract(std::vector<int64_t> window, int64_t groups, std::vector<int64_t> bias, std::vector<int64_t> scales,
                    std::vector<int64_t> shifts, int64_t low = -32768, int64_t high = 32767) {
  std::vector<int64_t> i = std::move(window);
  auto biases = static_cast<int64_t>(bias.size()), multipliers = static_cast<int64_t>(scales.size());
  for (int64_t value : {groups, int64_t{0}, low, high, biases, multipliers})
    i.push_back(value);
  for (const std::vector<int64_t> &part : {bias, scales, shifts})
    i.insert(i.end(), part.begin(), part.end());
  return makeOp(HostKind::Conv, i);
}

TEST(HostOps, ContractWithStridePadDilationGroupsAndBias) {
  std::vector<int64_t> plain{1, 1, 0, 0, 0, 0, 1, 1};
  Value x({1, 3, 3, 1}, I8{1, 2, 3, 4, 5, 6, 7, 8, 9}), ones({1, 2, 2, 1}, I8{1, 1, 1, 1});
  // A multiplier of 2 at a shift of 2 halves, and rounds up.
  EXPECT_THAT(result<int8_t>(makeContract(plain, 1, {}, {2}, {2}), {x, ones}, {1, 2, 2, 1}),
              ElementsAre(6, 8, 12, 14)); // 12 16 24 28
  EXPECT_THAT(result<int8_t>(makeContract({2, 2, 1, 0, 1, 0, 1, 1}, 1, {100}, {4}, {2}), {x, ones}, {1, 2, 2, 1}),
              ElementsAre(101, 105, 111, 127)); // 1 5 11 28, saturated
  EXPECT_THAT(result<int8_t>(makeContract({1, 1, 0, 0, 0, 0, 2, 2}, 1, {}, {4}, {2}), {x, ones}, {1, 1, 1, 1}),
              ElementsAre(20));
  // Two groups of one channel, a multiplier each; clamped below.
  EXPECT_THAT(result<int16_t>(makeContract(plain, 2, {1, -50000}, {4, 8}, {2, 2}, -90000, 90000),
                              {Value({1, 1, 2, 2}, I16{1, 2, 3, 4}), Value({2, 1, 1, 1}, I16{10, 100})}, {1, 1, 2, 2}),
              ElementsAre(11, -32768, 31, -32768));
}

TEST(HostOps, ContractKeepsWideSums) {
  // 70000 products of 2^14, beyond what 32 bits hold after 131071 of them; and of 2^30, beyond 32 bits at once.
  uint32_t depth = 140000;
  Value a8({1, 1, 1, depth}, I8(depth, -128)), a16({1, 1, 1, depth}, I16(depth, -32768));
  HostOp op = makeContract({1, 1, 0, 0, 0, 0, 1, 1}, 1, {}, {1}, {30});
  EXPECT_THAT(result<int8_t>(op, {a8, a8}, {1, 1, 1, 1}), ElementsAre(2)); // 140000 * 2^14 / 2^30 = 2.14
  op = makeContract({1, 1, 0, 0, 0, 0, 1, 1}, 1, {}, {1}, {40});
  EXPECT_THAT(result<int16_t>(op, {a16, a16}, {1, 1, 1, 1}), ElementsAre(137)); // 140000 / 2^10 = 136.7
}

TEST(HostOps, IntegerAverageDividesAsTosa) {
  Value x({1, 2, 2, 1}, I8{1, 2, 3, 5});
  EXPECT_THAT(result<int8_t>(makeOp(HostKind::AvgPool, {2, 2, 1, 1, 0, 0, 0, 1}), {x}, {1, 1, 2, 1}),
              ElementsAre(3, 4)); // 11/4 and 7/2
  EXPECT_THAT(result<int16_t>(makeOp(HostKind::AvgPool, {1, 3, 1, 1, 0, 0, 0, 0}),
                              {Value({1, 1, 3, 1}, I16{-32768, -32768, -32768})}, {1, 1, 1, 1}),
              ElementsAre(-32768));
}

struct Bad {
  HostOp op;
  std::vector<Value> in;
  Value out;
  const char *message;
};

TEST(HostOps, EachMistakeIsNamed) {
  const ElementType f32 = ElementType::F32, i8 = ElementType::I8;
  Value x({2, 3}, F{1, 2, 3, 4, 5, 6}), image({1, 2, 2, 1}, F{1, 2, 3, 4}),
      pixels({1, 2, 2, 1}, I8{1, 2, 3, 4});
  std::vector<Bad> cases = {
      {makeOp(HostKind::Quantize, {}, {1}), {Value({1}, I8{1})}, {i8, {1}}, "expected a tensor of f32, found i8[1]"},
      {makeOp(HostKind::Quantize, {}, {1}), {x}, {f32, {2, 3}}, "expected an output of i8 or i16"},
      {makeOp(HostKind::Quantize), {x}, {i8, {2, 3}}, "expected 1 real arguments, found 0"},
      {makeOp(HostKind::Dequantize, {}, {1}), {x}, {f32, {2, 3}}, "expected an input of integers"},
      {makeOp(HostKind::Transpose, {0, 0}), {x}, {f32, {2, 2}}, "[0, 0] is not a permutation of 2 axes"},
      {makeOp(HostKind::Transpose, {1, 0}), {x}, {f32, {2, 3}}, "expected the shape [3x2], found f32[2x3]"},
      {makeOp(HostKind::Reshape), {x}, {f32, {5}}, "as many elements in as out"},
      {makeOp(HostKind::Slice, {0, 2, 2, 2}), {x}, {f32, {2, 2}}, "elements 2 to 4 of axis 1 do not lie in f32[2x3]"},
      {makeOp(HostKind::Pad, {-1, 0, 0, 0}, {0}), {x}, {f32, {1, 3}}, "a padding is negative"},
      {makeOp(HostKind::Pad, {0, 0}, {128}), {Value({1}, I8{1})}, {i8, {1}}, "the value 128 is not one of i8"},
      {makeOp(HostKind::Concat, {0}), {x, Value({2, 2}, F{1, 2, 3, 4})}, {f32, {4, 3}}, "expected the shape [2x3]"},
      {makeOp(HostKind::Reverse, {2}), {x}, {f32, {2, 3}}, "axis 2 is not one of f32[2x3]"},
      {makeOp(HostKind::Tile, {0, 1}), {x}, {f32, {2, 3}}, "expected multiples of at least 1"},
      {makeOp(HostKind::Gather), {x, x}, {f32, {2, 3}}, "expected a tensor of rank 3"},
      {makeOp(HostKind::Softmax, {-1}), {x}, {f32, {2, 3}}, "axis -1"},
      {makeOp(HostKind::Lrn, {0}, {1, 1, 1}), {x}, {f32, {2, 3}}, "expected a size of at least 1"},
      {makeOp(HostKind::Unary, {14}), {x}, {f32, {2, 3}}, "kind 14 is not known; expected 0 to 13"},
      {makeOp(HostKind::Binary, {0}), {x, Value({2, 2}, F{1, 2, 3, 4})}, {f32, {2, 3}}, "do not broadcast"},
      {makeOp(HostKind::Binary, {0}), {x}, {f32, {2, 3}}, "expected 2 inputs, found 1"},
      {makeOp(HostKind::Reduce, {0, 1}), {x}, {f32, {2, 3}}, "expected the shape [2x1]"},
      {makeOp(HostKind::MatMul),
       {Value({1, 1, 2}, F{1, 2}), Value({1, 3, 1}, F{1, 2, 3})},
       {f32, {1, 1, 1}},
       "[1x2x1]"},
      {makeOp(HostKind::Select), {x, x, x}, {f32, {2, 3}}, "expected a tensor of i8"},
      {makeOp(HostKind::Rescale, {1, 1, 0, 1}), {Value({1}, I32{1})}, {i8, {1}}, "expected a shift from 2 to 62"},
      {makeOp(HostKind::Clamp, {}, {1, 0}), {x}, {f32, {2, 3}}, "expected min <= max"},
      {makeOp(HostKind::Conv, {0, 1, 0, 0, 0, 0, 1, 1, 1}), {image, image}, {f32, {1, 1, 1, 1}}, "at least 1"},
      {makeOp(HostKind::Conv, {1, 1, 0, 0, 0, 0, 1, 1, 2}), {image, image}, {f32, {1, 1, 1, 1}}, "in 2 groups"},
      {makeOp(HostKind::MaxPool, {2, 2, 1, 1, 2, 0, 0, 0}), {image}, {f32, {1, 3, 1, 1}}, "as wide as the window"},
      {makeOp(HostKind::AvgPool, {3, 3, 1, 1, 0, 0, 0, 0}),
       {image},
       {f32, {1, 1, 1, 1}},
       "larger than the padded input"},
      {makeContract({1, 1, 0, 0, 0, 0, 1, 1}, 1, {}, {1}, {2}),
       {pixels, image},
       {i8, {1, 1, 1, 1}},
       "of i8, or of i16"},
      {makeOp(HostKind::Conv, {0}), {pixels, pixels}, {i8, {1, 1, 1, 1}}, "at least 14 integer arguments, found 1"},
      {makeContract({1, 1, 0, 0, 0, 0, 1, 1}, 2, {}, {1}, {2}), {pixels, pixels}, {i8, {1, 1, 1, 1}}, "in 2 groups"},
      {makeContract({1, 1, 0, 0, 0, 0, 1, 1}, 1, {1, 2}, {1}, {2}),
       {pixels, pixels},
       {i8, {1, 1, 1, 1}},
       "expected no bias or 1, found 2"},
      {makeContract({1, 1, 0, 0, 0, 0, 1, 1}, 1, {}, {1, 1, 1}, {2, 2, 2}),
       {pixels, pixels},
       {i8, {1, 1, 1, 1}},
       "expected 1 or 1 multipliers, found 3"},
      {makeContract({1, 1, 0, 0, 0, 0, 1, 1}, 1, {}, {1}, {1}), {pixels, pixels}, {i8, {1, 1, 1, 1}}, "found 1"},
      {makeContract({1, 1, 0, 0, 0, 0, 1, 1}, 1, {int64_t{1} << 47}, {1}, {2}),
       {pixels, pixels},
       {i8, {1, 1, 1, 1}},
       "exceeds 48 bits"},
      {makeContract({1, 1, 0, 0, 0, 0, 2, 2}, 1, {}, {1}, {2}), {pixels, pixels}, {i8, {1, 1, 1, 1}}, "larger than"},
      {makeOp(static_cast<HostKind>(99)), {x}, {f32, {2, 3}}, "kind 99 is not known"},
  };
  for (const Bad &bad : cases) {
    std::string message = failure(bad.op, bad.in, bad.out);
    EXPECT_THAT(message, HasSubstr(bad.message));
    EXPECT_THAT(message, HasSubstr("host operator 'node'"));
  }
}

TEST(HostOps, BytesMustFitTheShape) {
  Value x({2}, F{1, 2}), out(ElementType::F32, {2});
  out.bytes.pop_back();
  EXPECT_THAT(std::string(run(makeOp(HostKind::Reshape), {x}, out).message()), HasSubstr("does not take 7 bytes"));
}

} // namespace
} // namespace sparseaccel::runtime
