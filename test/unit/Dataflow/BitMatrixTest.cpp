//===- BitMatrixTest.cpp - Masks against the definition -------------------===//

#include "BitMatrix.h"
#include "TestWork.h"

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

bool bitOf(const BitMatrix &matrix, int64_t row, int64_t column) {
  return matrix.row(row)[column / 64] >> (column % 64) & 1;
}

TEST(BitMatrix, WindowsAndFiltersAreThoseOfTheDefinition) {
  std::mt19937_64 random(6);
  for (int i = 0; i < 60; ++i) {
    TestWork work = makeWork(randomShape(random, 30), 0.5, 0.5, i, i % 3);
    const Contraction &shape = work.shape;
    SCOPED_TRACE(describe(shape));
    std::vector<int64_t> valid = validWindows(shape);
    for (int64_t g = 0; g < shape.g; ++g) {
      BitMatrix a = windowBits(shape, work.aView, g), b = filterBits(shape, work.bView, g), turned = transposed(a);
      ASSERT_EQ(a.rows, shape.n * shape.p * shape.q);
      for (int64_t k = 0; k < a.columns; ++k) {
        int64_t c = k % shape.c, s = k / shape.c % shape.s, r = k / (shape.c * shape.s), inside = 0;
        for (int64_t x = 0; x < a.rows; ++x) {
          int64_t q = x % shape.q, p = x / shape.q % shape.p, n = x / (shape.q * shape.p);
          ASSERT_EQ(bitOf(a, x, k), work.activationAt(n, g, c, p, q, r, s) != 0) << x << " " << k;
          ASSERT_EQ(bitOf(turned, k, x), bitOf(a, x, k)) << x << " " << k;
          inside += !work.isPadding(p, q, r, s);
        }
        ASSERT_EQ(valid[k], inside);
        for (int64_t m = 0; m < shape.m; ++m)
          ASSERT_EQ(bitOf(b, m, k), work.weight(g * shape.m + m, r, s, c) != 0);
      }
    }
  }
}

TEST(BitMatrix, WalksAreTheSameWithAndWithoutVectorInstructions) {
  std::mt19937_64 random(9);
  for (int64_t width : {8, 16, 32, 64, 128})
    for (int64_t columns : {1, 63, 64, 65, 200, 640, 5000})
      for (int dense : {0, 1, 2}) {
        PairWalk walk{columns, width, width == 128 ? 256 : 192};
        int64_t lanes = 8, words = (columns + 63) / 64;
        std::vector<uint64_t> a(words), b(words * lanes);
        for (int64_t k = 0; k < columns; ++k) {
          a[k / 64] |= uint64_t(random() % 4 < unsigned(1 + dense)) << (k % 64);
          for (int64_t lane = 0; lane < 6; ++lane) // Two are unused.
            b[k / 64 * lanes + lane] |= uint64_t(random() % 4 < unsigned(1 + dense)) << (k % 64);
        }
        std::vector<int64_t> fast(walk.chunks(), 0), slow(walk.chunks(), 0), defined(walk.chunks(), 0);
        int64_t matches = 0;
        for (int64_t lane = 0; lane < lanes; ++lane)
          for (int64_t chunk = 0; chunk < walk.chunks(); ++chunk) {
            int64_t cost = 0, end = std::min(columns, (chunk + 1) * walk.chunk);
            for (int64_t word = chunk * walk.chunk; word < end; word += width) {
              int64_t here = 0;
              for (int64_t k = word; k < std::min(end, word + width); ++k)
                here += (a[k / 64] & b[k / 64 * lanes + lane]) >> (k % 64) & 1;
              cost += std::max<int64_t>(here, 1);
              matches += here;
            }
            defined[chunk] = std::max(defined[chunk], cost);
          }
        EXPECT_EQ(walkPairs(walk, a.data(), b.data(), lanes, fast.data()), matches);
        EXPECT_EQ(walkPairsBaseline(walk, a.data(), b.data(), lanes, slow.data()), matches);
        EXPECT_EQ(fast, defined) << width << " " << columns;
        EXPECT_EQ(slow, defined) << width << " " << columns;
      }
}

} // namespace
