//===- VectorUnitTest.cpp - Every vector operation against its definition -===//

#include "ProgramBuilder.h"

#include <cmath>
#include <functional>
#include <random>

using namespace sparseaccel;
using namespace sparseaccel::test;
using isa::ElementType;
using isa::TensorRole;
using isa::VectorKind;

namespace {

template <typename T>
constexpr ElementType typeOf = sizeof(T) == 1 ? ElementType::I8 : ElementType::I16;

template <typename T>
std::vector<T> randomValues(size_t count, std::mt19937 &rng) {
  std::vector<T> values(count);
  for (T &v : values)
    v = rng() % 3 ? T(rng()) : 0;
  values[0] = std::numeric_limits<T>::min(), values[1] = std::numeric_limits<T>::max();
  return values;
}

int64_t rescaled(int64_t x, int64_t multiplier, int shift) {
  return multiplier ? int32_t((x * multiplier + (int64_t(1) << (shift - 1))) >> shift) : x;
}

template <typename T>
int64_t clamped(int64_t x) {
  return std::min<int64_t>(std::max<int64_t>(x, std::numeric_limits<T>::min()), std::numeric_limits<T>::max());
}

/// Runs one vector instruction on whole tensors, with dense and with encoded operands.
template <typename A, typename O = A>
void check(const isa::Vector &shape, const isa::Numerics &numerics, std::vector<uint32_t> in, std::vector<uint32_t> out,
           const std::vector<A> &a, const std::vector<A> &b, const std::vector<O> &expected) {
  machine::Machine machine = plainMachine();
  for (const char *bufferFormat : {"dense", "zfnaf"}) {
    SCOPED_TRACE(bufferFormat);
    ProgramBuilder builder(machine);
    uint32_t ta = builder.tensor("a", typeOf<A>, in, TensorRole::Input, "dense", bufferFormat);
    uint32_t tb = builder.tensor("b", typeOf<A>, in, TensorRole::Input, "dense", bufferFormat);
    uint32_t to = builder.tensor("o", typeOf<O>, out, TensorRole::Output, "dense", bufferFormat);
    isa::Vector vector = shape;
    vector.numerics = builder.numerics(numerics);
    builder.configure(vector.numerics);
    vector.a = builder.load(builder.place("nm", ta));
    if (!b.empty())
      vector.b = builder.load(builder.place("nm", tb));
    vector.o = builder.place("nm", to);
    builder.add(vector);
    builder.store(vector.o);
    absl::StatusOr<sim::RunResult> result = simulate(
        builder.finish(), machine, {tensorData(typeOf<A>, in, a), tensorData(typeOf<A>, in, b.empty() ? a : b)});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(valuesOf<O>(result->outputs[0]), expected);
  }
}

template <typename T>
class VectorUnit : public testing::Test {};
using Types = testing::Types<int8_t, int16_t>;
TYPED_TEST_SUITE(VectorUnit, Types);

TYPED_TEST(VectorUnit, Binary) {
  using T = TypeParam;
  std::mt19937 rng(1);
  std::vector<uint32_t> shape = {1, 5, 7, 19};
  std::vector<T> a = randomValues<T>(5 * 7 * 19, rng), b = randomValues<T>(5 * 7 * 19, rng);
  std::vector<std::pair<VectorKind, std::function<int32_t(int32_t, int32_t)>>> kinds = {
      {VectorKind::Add, [](int32_t x, int32_t y) { return x + y; }},
      {VectorKind::Sub, [](int32_t x, int32_t y) { return x - y; }},
      {VectorKind::Mul, [](int32_t x, int32_t y) { return x * y; }},
      {VectorKind::Max, [](int32_t x, int32_t y) { return std::max(x, y); }},
      {VectorKind::Min, [](int32_t x, int32_t y) { return std::min(x, y); }}};
  for (auto &[kind, operation] : kinds)
    for (bool scales : {false, true}) {
      SCOPED_TRACE(std::string(isa::toString(kind)) + (scales ? " scaled" : ""));
      isa::Numerics numerics;
      if (scales) {
        numerics.multiplier = {1 << 14}, numerics.shift = {20};
        if (kind != VectorKind::Mul) {
          numerics.aMultiplier = 20000, numerics.aShift = 10;
          numerics.bMultiplier = 30001, numerics.bShift = 12;
        }
      }
      std::vector<T> expected;
      for (size_t i = 0; i < a.size(); ++i) {
        int32_t x = int32_t(rescaled(a[i], numerics.aMultiplier, numerics.aShift));
        int32_t y = int32_t(rescaled(b[i], numerics.bMultiplier, numerics.bShift));
        expected.push_back(T(clamped<T>(rescaled(operation(x, y), scales ? 1 << 14 : 0, 20))));
      }
      isa::Vector vector;
      vector.kind = kind;
      check<T>(vector, numerics, shape, shape, a, b, expected);
    }
}

TYPED_TEST(VectorUnit, Pools) {
  using T = TypeParam;
  std::mt19937 rng(2);
  struct Window {
    uint32_t h, w, r, s, strideH, strideW, top, bottom, left, right;
  };
  for (const Window &x : {Window{9, 11, 3, 3, 2, 2, 0, 0, 0, 0}, Window{8, 8, 3, 3, 2, 1, 1, 0, 1, 1},
                          Window{7, 7, 7, 7, 1, 1, 0, 0, 0, 0}, Window{6, 5, 2, 3, 2, 1, 0, 0, 2, 2}})
    for (uint32_t c : {1u, 16u, 70u})
      for (VectorKind kind : {VectorKind::MaxPool, VectorKind::AvgPool}) {
        SCOPED_TRACE(testing::Message() << isa::toString(kind) << " " << x.h << "x" << x.w << " by " << x.r << "x"
                                        << x.s << ", " << c << " channels");
        uint32_t p = (x.h + x.top + x.bottom - x.r) / x.strideH + 1, q = (x.w + x.left + x.right - x.s) / x.strideW + 1;
        std::vector<T> a = randomValues<T>(2 * x.h * x.w * c, rng), expected;
        for (uint32_t n = 0; n < 2; ++n)
          for (uint32_t i = 0; i < p; ++i)
            for (uint32_t j = 0; j < q; ++j)
              for (uint32_t k = 0; k < c; ++k) {
                int64_t sum = 0, count = 0, highest = std::numeric_limits<T>::min();
                for (uint32_t r = 0; r < x.r; ++r)
                  for (uint32_t s = 0; s < x.s; ++s) {
                    int64_t y = int64_t(i * x.strideH + r) - x.top, z = int64_t(j * x.strideW + s) - x.left;
                    if (y < 0 || z < 0 || y >= x.h || z >= x.w)
                      continue;
                    int64_t value = a[((n * x.h + size_t(y)) * x.w + size_t(z)) * c + k];
                    sum += value, ++count, highest = std::max(highest, value);
                  }
                // TOSA: the reciprocal in 31 bits, then one rounding.
                int k2 = count > 1 ? int(std::ceil(std::log2(double(count)))) : 0;
                int64_t multiplier = (((int64_t(1) << 30) + 1) << k2) / count;
                int64_t average = rescaled(sum, multiplier, 30 + k2);
                EXPECT_LE(std::abs(double(average) - double(sum) / double(count)), 0.51);
                expected.push_back(T(kind == VectorKind::MaxPool ? highest : average));
              }
        isa::Vector vector;
        vector.kind = kind;
        vector.r = x.r, vector.s = x.s, vector.strideH = x.strideH, vector.strideW = x.strideW;
        vector.padTop = x.top, vector.padBottom = x.bottom, vector.padLeft = x.left, vector.padRight = x.right;
        check<T>(vector, isa::Numerics(), {2, x.h, x.w, c}, {2, p, q, c}, a, {}, expected);
      }
}

TYPED_TEST(VectorUnit, CopyAndRescaleOfActivations) {
  using T = TypeParam;
  std::mt19937 rng(3);
  std::vector<uint32_t> shape = {1, 3, 5, 30};
  std::vector<T> a = randomValues<T>(3 * 5 * 30, rng);
  isa::Vector vector;
  vector.kind = VectorKind::Copy;
  check<T>(vector, isa::Numerics(), shape, shape, a, {}, a);

  vector.kind = VectorKind::Rescale;
  isa::Numerics numerics;
  numerics.multiplier = {25000}, numerics.shift = {14};
  numerics.clampMin = -100, numerics.clampMax = 90;
  std::vector<T> expected;
  std::vector<int8_t> narrow;
  for (T x : a) {
    int64_t y = std::min<int64_t>(std::max<int64_t>(rescaled(x, 25000, 14), -100), 90);
    expected.push_back(T(y)), narrow.push_back(int8_t(y));
  }
  check<T>(vector, numerics, shape, shape, a, {}, expected);
  check<T, int8_t>(vector, numerics, shape, shape, a, {}, narrow);
}

TEST(VectorUnitTable, Int8LooksUp) {
  isa::Numerics numerics;
  std::vector<int8_t> a, expected;
  for (int x = -128; x < 128; ++x) {
    numerics.table.push_back(int16_t((x * 37) % 128));
    a.push_back(int8_t(x)), expected.push_back(int8_t((x * 37) % 128));
  }
  isa::Vector vector;
  vector.kind = VectorKind::Table;
  check<int8_t>(vector, numerics, {1, 16, 16, 1}, {1, 16, 16, 1}, a, {}, expected);
}

TEST(VectorUnitTable, Int16Interpolates) {
  isa::Numerics numerics;
  for (int i = 0; i < 513; ++i)
    numerics.table.push_back(int16_t(32767 * std::tanh((i - 256) / 64.0)));
  numerics.multiplier = {1 << 14}, numerics.shift = {21};
  std::vector<int16_t> a, expected;
  for (int x = -32768; x < 32768; x += 37) {
    int index = (x + 32768) / 128, fraction = (x + 32768) % 128;
    int64_t value = numerics.table[size_t(index)] * 128 +
                    (numerics.table[size_t(index) + 1] - numerics.table[size_t(index)]) * fraction;
    a.push_back(int16_t(x)), expected.push_back(int16_t(rescaled(value, 1 << 14, 21)));
    EXPECT_NEAR(expected.back(), 32767 * std::tanh(x / 8192.0), 6);
  }
  isa::Vector vector;
  vector.kind = VectorKind::Table;
  std::vector<uint32_t> shape = {1, 1, 1, uint32_t(a.size())};
  check<int16_t>(vector, numerics, shape, shape, a, {}, expected);
}

} // namespace
