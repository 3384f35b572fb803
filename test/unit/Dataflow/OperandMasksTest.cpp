//===- OperandMasksTest.cpp - Nonzeros against the definition -------------===//

#include "TestWork.h"

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

TEST(OperandMasks, ProductsAreThoseOfTheDefinition) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 150; ++i) {
    TestWork work = makeWork(randomShape(random, 12), (i % 5) / 4.0, (i % 4) / 3.0, i, i % 3);
    const Contraction &shape = work.shape;
    SCOPED_TRACE(describe(shape));
    double dense = 0, nonzeroA = 0, nonzeroB = 0, effectual = 0, inside = 0;
    for (int64_t n = 0; n < shape.n; ++n)
      for (int64_t f = 0; f < shape.g * shape.m; ++f)
        for (int64_t p = 0; p < shape.p; ++p)
          for (int64_t q = 0; q < shape.q; ++q)
            for (int64_t r = 0; r < shape.r; ++r)
              for (int64_t s = 0; s < shape.s; ++s)
                for (int64_t c = 0; c < shape.c; ++c) {
                  bool a = work.activationAt(n, f / shape.m, c, p, q, r, s) != 0, b = work.weight(f, r, s, c) != 0;
                  ++dense;
                  nonzeroA += a;
                  nonzeroB += b;
                  effectual += a && b;
                  inside += !work.isPadding(p, q, r, s);
                }
    WeightSummary summary = summarizeWeights(shape, work.bView);
    for (const WeightSummary *kept : {static_cast<const WeightSummary *>(nullptr), &std::as_const(summary)}) {
      ProductCounts products = countProducts(shape, work.aView, work.bView, kept);
      EXPECT_EQ(products.dense, dense);
      EXPECT_EQ(products.nonzeroA, nonzeroA);
      EXPECT_EQ(products.nonzeroB, nonzeroB);
      EXPECT_EQ(products.effectual, effectual);
      EXPECT_EQ(gatedProducts(products, 0), 0);
      EXPECT_EQ(gatedProducts(products, 1), dense - nonzeroA);
      EXPECT_EQ(gatedProducts(products, 2), dense - nonzeroB);
      EXPECT_EQ(gatedProducts(products, 3), dense - effectual);
    }
    ProductCounts expected = expectedProducts(shape, {1.0, 0.5});
    EXPECT_EQ(expected.nonzeroA, inside);
    EXPECT_EQ(expected.effectual, inside / 2);
  }
}

TEST(OperandMasks, CountsMoreThanAByteHolds) {
  Contraction shape;
  shape.n = 3, shape.p = 300, shape.q = 2, shape.c = 5, shape.m = 600, shape.r = 2;
  TestWork work = makeWork(shape, 1, 1, 1);
  ProductCounts products = countProducts(shape, work.aView, work.bView);
  EXPECT_EQ(products.effectual, double(shape.macs()));
  EXPECT_EQ(products.nonzeroA, double(shape.macs()));
  EXPECT_EQ(products.nonzeroB, double(shape.macs()));
}

TEST(OperandMasks, PacksAndExtractsBits) {
  std::mt19937_64 random(4);
  std::vector<uint8_t> bytes(200);
  for (uint8_t &byte : bytes)
    byte = random() & 1;
  std::vector<uint64_t> words(4);
  packBits(bytes.data(), int64_t(bytes.size()), words.data());
  for (int64_t offset = 0; offset < 200; ++offset)
    for (int64_t bits : {0, 1, 7, 16, 33, 64}) {
      if (offset + bits > 200)
        continue;
      uint64_t expected = 0;
      for (int64_t i = 0; i < bits; ++i)
        expected |= uint64_t(bytes[offset + i]) << i;
      EXPECT_EQ(extractBits(words.data(), offset, bits), expected) << offset << " " << bits;
    }
  std::vector<int16_t> values = {0, 1, -1, 256, -32768, 0};
  nonzeroBytes(values.data(), 2, 6, bytes.data());
  EXPECT_EQ(std::vector<uint8_t>(bytes.begin(), bytes.begin() + 6), (std::vector<uint8_t>{0, 1, 1, 1, 1, 0}));
}

} // namespace
