//===- KernelsTest.cpp - Contractions against the definition --------------===//

#include "SparseAccel/Sim/Kernels.h"
#include "../../../sim/TaskPool.h"

#include "gtest/gtest.h"

#include <array>
#include <random>

using namespace sparseaccel;
using namespace sparseaccel::sim;
using dataflow::Contraction;
using dataflow::OperandView;

namespace {

struct Operands {
  std::vector<int16_t> a, b; ///< Values; 8-bit ones fit.
  std::vector<int64_t> bias, before;
};

/// The definition, in 64 bits.
std::vector<int64_t> reference(const Contraction &shape, const Operands &x, isa::AccumulateMode mode) {
  int64_t rows = shape.inputRows(), columns = shape.inputColumns(), channels = shape.g * shape.c;
  std::vector<int64_t> sums;
  for (int64_t n = 0; n < shape.n; ++n)
    for (int64_t p = 0; p < shape.p; ++p)
      for (int64_t q = 0; q < shape.q; ++q)
        for (int64_t f = 0; f < shape.g * shape.m; ++f) {
          int64_t sum = mode == isa::AccumulateMode::Bias         ? x.bias[f]
                        : mode == isa::AccumulateMode::Accumulate ? x.before[sums.size()]
                                                                  : 0;
          for (int64_t r = 0; r < shape.r; ++r)
            for (int64_t s = 0; s < shape.s; ++s) {
              int64_t h = p * shape.strideH + r * shape.dilationH - shape.padTop;
              int64_t w = q * shape.strideW + s * shape.dilationW - shape.padLeft;
              if (h < 0 || h >= rows || w < 0 || w >= columns)
                continue;
              for (int64_t c = 0; c < shape.c; ++c)
                sum += int64_t(x.a[((n * rows + h) * columns + w) * channels + f / shape.m * shape.c + c]) *
                       x.b[((f * shape.r + r) * shape.s + s) * shape.c + c];
            }
          sums.push_back(sum);
        }
  return sums;
}

template <typename T, typename Sum>
std::vector<int64_t> simulate(const kernels::KernelTable &kernels, const Contraction &shape, const Operands &x,
                              isa::AccumulateMode mode, TaskPool *pool = nullptr) {
  std::vector<T> a(x.a.begin(), x.a.end()), b(x.b.begin(), x.b.end());
  a.resize(a.size() + 16);
  int64_t rows = shape.inputRows(), columns = shape.inputColumns(), channels = shape.g * shape.c;
  OperandView av{a.data(),
                 sizeof(T),
                 {shape.n, rows, columns, channels},
                 {rows * columns * channels, columns * channels, channels, 1}};
  OperandView bv{b.data(),
                 sizeof(T),
                 {shape.g * shape.m, shape.r, shape.s, shape.c},
                 {shape.r * shape.s * shape.c, shape.s * shape.c, shape.c, 1}};
  std::vector<Sum> sums(x.before.begin(), x.before.end()), byRows = sums;
  kernels::PackedWeights packed = kernels::packWeights(kernels, shape, bv);
  kernels::Scratch scratch;
  scratch.pool = pool;
  int64_t filters = shape.g * shape.m;
  kernels::contract(kernels, shape, av, packed, mode, x.bias.data(),
                    {sums.data(), shape.p * shape.q * filters, shape.q * filters, filters}, scratch);
  if (kernels::takesRows(shape)) {
    kernels::contractRows(kernels, shape, av, bv, mode, x.bias.data(),
                          {byRows.data(), shape.p * shape.q * filters, shape.q * filters, filters}, scratch);
    EXPECT_EQ(byRows, sums);
  }
  return {sums.begin(), sums.end()};
}

Operands randomOperands(const Contraction &shape, int low, int high, std::mt19937 &rng) {
  std::uniform_int_distribution<int> value(low, high);
  Operands x;
  x.a.resize(size_t(shape.n * shape.inputRows() * shape.inputColumns() * shape.g * shape.c));
  x.b.resize(size_t(shape.g * shape.m * shape.r * shape.s * shape.c));
  x.bias.resize(size_t(shape.g * shape.m));
  x.before.resize(size_t(shape.n * shape.p * shape.q * shape.g * shape.m));
  for (auto *values : {&x.a, &x.b})
    for (int16_t &v : *values)
      v = rng() % 3 ? int16_t(value(rng)) : 0;
  for (auto *values : {&x.bias, &x.before})
    for (int64_t &v : *values)
      v = value(rng) * 1000;
  return x;
}

void check(const Contraction &shape, int seed) {
  std::mt19937 rng(seed);
  for (const kernels::KernelTable *kernels : kernels::availableKernels())
    for (isa::AccumulateMode mode :
         {isa::AccumulateMode::Clear, isa::AccumulateMode::Bias, isa::AccumulateMode::Accumulate}) {
      SCOPED_TRACE(kernels::kernelName(*kernels));
      Operands narrow = randomOperands(shape, -128, 127, rng), wide = randomOperands(shape, -32768, 32767, rng);
      EXPECT_EQ((simulate<int8_t, int32_t>(*kernels, shape, narrow, mode)), reference(shape, narrow, mode));
      EXPECT_EQ((simulate<int16_t, int64_t>(*kernels, shape, wide, mode)), reference(shape, wide, mode));
    }
}

TEST(Kernels, RandomShapes) {
  std::mt19937 rng(7);
  auto pick = [&](int low, int high) { return std::uniform_int_distribution<int64_t>(low, high)(rng); };
  for (int i = 0; i < 60; ++i) {
    Contraction shape;
    shape.n = pick(1, 2), shape.g = i % 4 == 3 ? pick(1, 3) : 1;
    shape.m = pick(1, 40), shape.c = pick(1, 20), shape.p = pick(1, 5), shape.q = pick(1, 17);
    shape.r = pick(1, 4), shape.s = pick(1, 4), shape.strideH = pick(1, 3), shape.strideW = pick(1, 3);
    shape.dilationH = pick(1, 2), shape.dilationW = pick(1, 2);
    shape.padTop = pick(0, shape.r - 1), shape.padBottom = pick(0, shape.r - 1);
    shape.padLeft = pick(0, shape.s - 1), shape.padRight = pick(0, shape.s - 1);
    if (shape.inputRows() < 1 || shape.inputColumns() < 1)
      continue;
    SCOPED_TRACE(i);
    check(shape, i);
  }
}

TEST(Kernels, PointwiseMergesRowsAndImages) {
  Contraction shape;
  shape.n = 2, shape.m = 33, shape.c = 24, shape.p = 5, shape.q = 7;
  check(shape, 1);
}

TEST(Kernels, FullyConnected) {
  for (int64_t n : {1, 2, 5}) {
    Contraction shape;
    shape.n = n, shape.m = 50, shape.c = 403;
    check(shape, int(n));
  }
}

TEST(Kernels, RowsTakeAFewPixelsOfAnyShape) {
  std::mt19937 rng(11);
  auto pick = [&](int low, int high) { return std::uniform_int_distribution<int64_t>(low, high)(rng); };
  constexpr int64_t pixels[][3] = {{1, 1, 1}, {1, 1, 2}, {1, 3, 1}, {2, 1, 2}, {4, 1, 1}, {1, 2, 2}, {3, 1, 1}};
  for (int i = 0; i < 42; ++i) {
    Contraction shape;
    shape.n = pixels[i % 7][0], shape.p = pixels[i % 7][1], shape.q = pixels[i % 7][2];
    shape.g = i % 3 == 0 ? 2 : 1, shape.m = pick(2, 11), shape.c = pick(1, 150);
    shape.r = pick(1, 3), shape.s = pick(1, 3), shape.strideH = pick(1, 2), shape.dilationW = pick(1, 2);
    shape.padTop = pick(0, shape.r - 1), shape.padLeft = pick(0, shape.s - 1);
    if (shape.inputRows() < 1 || shape.inputColumns() < 1)
      continue;
    SCOPED_TRACE(i);
    ASSERT_TRUE(kernels::takesRows(shape));
    check(shape, i);
  }
  Contraction shape;
  shape.n = 5, shape.m = shape.c = 4;
  EXPECT_FALSE(kernels::takesRows(shape));
}

TEST(Kernels, RowsOfALargerMatrix) {
  // Filters lie apart, and sums as far apart as those of other layers' channels between them make it.
  Contraction shape;
  shape.n = 2, shape.m = 7, shape.c = 75;
  std::mt19937 rng(5);
  Operands x = randomOperands(shape, -32768, 32767, rng);
  std::vector<int16_t> b(7 * 100, 99);
  for (int64_t f = 0; f < 7; ++f)
    std::copy_n(x.b.begin() + f * 75, 75, b.begin() + f * 100);
  OperandView av{x.a.data(), 2, {2, 1, 1, 75}, {75, 75, 75, 1}}, bv{b.data(), 2, {7, 1, 1, 75}, {100, 75, 75, 1}};
  std::vector<int64_t> expected = reference(shape, x, isa::AccumulateMode::Bias);
  for (const kernels::KernelTable *kernels : kernels::availableKernels()) {
    std::vector<int64_t> sums(20, -1);
    kernels::Scratch scratch;
    kernels::contractRows(*kernels, shape, av, bv, isa::AccumulateMode::Bias, x.bias.data(), {sums.data(), 10, 10, 10},
                          scratch);
    for (int64_t i = 0; i < 20; ++i)
      EXPECT_EQ(sums[i], i % 10 < 7 ? expected[i / 10 * 7 + i % 10] : -1) << kernels::kernelName(*kernels) << ' ' << i;
  }
}

TEST(Kernels, PartsSideBySide) {
  // Cut by rows, by columns, and by filters: what several threads compute is what one does.
  std::vector<Contraction> shapes(4);
  for (Contraction &shape : shapes)
    shape.m = 65, shape.c = 70;
  shapes[0].p = 11, shapes[0].q = 5, shapes[0].r = shapes[0].s = 3, shapes[0].padTop = shapes[0].padRight = 1;
  shapes[1].n = 2, shapes[1].q = 200, shapes[1].strideW = 2;
  shapes[2].q = 3, shapes[2].c = 6000;
  shapes[3].g = 300, shapes[3].m = shapes[3].c = 1, shapes[3].p = shapes[3].q = 40, shapes[3].r = shapes[3].s = 3;
  TaskPool pool(3);
  std::mt19937 rng(3);
  for (const Contraction &shape : shapes)
    for (const kernels::KernelTable *kernels : kernels::availableKernels())
      for (isa::AccumulateMode mode : {isa::AccumulateMode::Bias, isa::AccumulateMode::Accumulate}) {
        SCOPED_TRACE(kernels::kernelName(*kernels));
        Operands narrow = randomOperands(shape, -128, 127, rng), wide = randomOperands(shape, -32768, 32767, rng);
        EXPECT_EQ((simulate<int8_t, int32_t>(*kernels, shape, narrow, mode, &pool)),
                  (simulate<int8_t, int32_t>(*kernels, shape, narrow, mode)));
        EXPECT_EQ((simulate<int16_t, int64_t>(*kernels, shape, wide, mode, &pool)),
                  (simulate<int16_t, int64_t>(*kernels, shape, wide, mode)));
      }
}

TEST(TaskPool, DoesEveryPartOnce) {
  for (unsigned threads : {1u, 2u, 5u}) {
    TaskPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int64_t parts : {0, 1, 2, 7, 1000}) {
      std::vector<int> done(parts, 0);
      pool.forEach(parts, [&](int64_t part) { ++done[part]; });
      EXPECT_EQ(done, std::vector<int>(parts, 1));
    }
    // Tasks handed over before, and never waited for by forEach(), are done by whoever waits.
    std::vector<TaskPool::Handle> tasks;
    std::vector<int> done(100, 0);
    for (int &one : done)
      tasks.push_back(pool.start([&one] { ++one; }));
    for (const TaskPool::Handle &task : tasks)
      TaskPool::wait(task);
    EXPECT_EQ(done, std::vector<int>(100, 1));
  }
}

TEST(Kernels, Depthwise) {
  for (int64_t g : {3, 64, 100}) {
    Contraction shape;
    shape.g = g, shape.p = 4, shape.q = 5, shape.r = shape.s = 3, shape.strideH = 2;
    shape.padTop = shape.padLeft = shape.padRight = 1;
    check(shape, int(g));
  }
}

TEST(Kernels, ExtremeOperandsOverManyChannels) {
  // 2^30 * 2048 leaves 32 bits by far, and every partial sum of a flush is at its limit.
  // One pixel takes rows, fifteen the block of pixels; activations of -1 and 255 are the extremes of the parts of a
  // split.
  for (auto [value, activation, pixels] : std::vector<std::array<int, 3>>{{-32768, -32768, 15},
                                                                          {32767, -32768, 15},
                                                                          {-32768, -32768, 1},
                                                                          {32767, -32768, 2},
                                                                          {-32768, -1, 1},
                                                                          {-32768, 255, 4},
                                                                          {32767, 32767, 1}}) {
    Contraction shape;
    shape.c = 16384 + 9, shape.m = 20, shape.q = pixels;
    Operands x;
    x.a.assign(size_t(shape.q * shape.c), int16_t(activation));
    x.b.assign(size_t(shape.m * shape.c), int16_t(value));
    x.bias.assign(size_t(shape.m), 0);
    x.before.assign(size_t(shape.q * shape.m), 0);
    for (const kernels::KernelTable *kernels : kernels::availableKernels())
      EXPECT_EQ((simulate<int16_t, int64_t>(*kernels, shape, x, isa::AccumulateMode::Clear)),
                std::vector<int64_t>(size_t(shape.q * shape.m), int64_t(activation) * value * shape.c));
  }
  Contraction shape;
  shape.c = 2048, shape.r = shape.s = 3, shape.m = 40;
  Operands x;
  x.a.assign(9 * 2048, -128), x.b.assign(size_t(40) * 9 * 2048, -128), x.bias.assign(40, 0), x.before.assign(40, 0);
  for (const kernels::KernelTable *kernels : kernels::availableKernels())
    EXPECT_EQ((simulate<int8_t, int32_t>(*kernels, shape, x, isa::AccumulateMode::Clear)),
              std::vector<int64_t>(40, int64_t(128) * 128 * 9 * 2048));
}

TEST(Kernels, BoxInsideALargerTile) {
  // Strides of the operand are those of what lies in the buffer, not of the box.
  Contraction shape;
  shape.m = 5, shape.c = 3, shape.p = 2, shape.q = 3, shape.r = 2, shape.s = 2, shape.padLeft = 1;
  std::mt19937 rng(3);
  Operands x = randomOperands(shape, -32768, 32767, rng);
  int64_t rows = shape.inputRows(), columns = shape.inputColumns();
  std::vector<int16_t> a(size_t(rows * 20 * 7) + 16, 99);
  for (int64_t h = 0; h < rows; ++h)
    for (int64_t w = 0; w < columns; ++w)
      for (int64_t c = 0; c < 3; ++c)
        a[(h * 20 + w) * 7 + c + 2] = x.a[(h * columns + w) * 3 + c];
  OperandView av{a.data() + 2, 2, {1, rows, columns, 3}, {rows * 140, 140, 7, 1}};
  OperandView bv{x.b.data(), 2, {5, 2, 2, 3}, {12, 6, 3, 1}};
  for (const kernels::KernelTable *kernels : kernels::availableKernels()) {
    std::vector<int64_t> sums(30);
    kernels::Scratch scratch;
    kernels::contract(*kernels, shape, av, kernels::packWeights(*kernels, shape, bv), isa::AccumulateMode::Clear,
                      nullptr, {sums.data(), 30, 15, 5}, scratch);
    EXPECT_EQ(sums, reference(shape, x, isa::AccumulateMode::Clear));
  }
}

} // namespace
