//===- RescaleTest.cpp ----------------------------------------------------===//

#include "SparseAccel/Transforms/Rescale.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace sparseaccel;

TEST(RescaleFactor, PowersOfTwoAreExact) {
  const auto half = rescaleFactor(0.5, /*scale32=*/true);
  ASSERT_TRUE(half);
  EXPECT_EQ(half->multiplier, 1 << 30);
  EXPECT_EQ(half->shift, 31);
  const auto small = rescaleFactor(0.25, /*scale32=*/false);
  ASSERT_TRUE(small);
  EXPECT_EQ(small->multiplier, 1 << 14);
  EXPECT_EQ(small->shift, 16);
}

TEST(RescaleFactor, RoundsUpIntoTheNextPowerOfTwo) {
  const auto factor = rescaleFactor(0.99999999, /*scale32=*/false); // 32767.99967 rounds to 32768, one bit too many
  ASSERT_TRUE(factor);
  EXPECT_EQ(factor->multiplier, 1 << 14);
  EXPECT_EQ(factor->shift, 14);
}

TEST(RescaleFactor, IsAccurateToItsBits) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> exponent(-25, 10);
  for (int i = 0; i < 1000; ++i) {
    const double real = std::exp2(exponent(random));
    for (bool scale32 : {false, true}) {
      const auto factor = rescaleFactor(real, scale32);
      ASSERT_TRUE(factor) << real;
      EXPECT_GE(factor->shift, 2);
      EXPECT_LE(factor->shift, 62);
      EXPECT_LT(factor->multiplier, scale32 ? int64_t(1) << 31 : int64_t(1) << 15);
      EXPECT_NEAR(factor->value() / real, 1.0, scale32 ? std::exp2(-31) : std::exp2(-15));
    }
  }
}

TEST(RescaleFactor, TooSmallBecomesZeroAndTooLargeIsRefused) {
  EXPECT_EQ(rescaleFactor(std::exp2(-80), false)->multiplier, 0);
  const auto denormal = rescaleFactor(std::exp2(-50), false); // 2^-50 = 4096 * 2^-62
  ASSERT_TRUE(denormal);
  EXPECT_EQ(denormal->multiplier, 4096);
  EXPECT_EQ(denormal->shift, 62);
  EXPECT_FALSE(rescaleFactor(std::exp2(14), false));
  EXPECT_TRUE(rescaleFactor(std::exp2(12), false));
  EXPECT_FALSE(rescaleFactor(-1.0, true));
  EXPECT_FALSE(rescaleFactor(std::numeric_limits<double>::infinity(), true));
}

// By hand: a factor of 1/2 on odd numbers. Single round adds a half and shifts, so halves go towards plus infinity: 3/2
// -> 2, -3/2 -> -1.
TEST(ApplyRescale, RoundsHalvesUp) {
  const RescaleFactor half{1 << 14, 15};
  EXPECT_EQ(applyRescale(3, half, -128, 127), 2);
  EXPECT_EQ(applyRescale(-3, half, -128, 127), -1);
  EXPECT_EQ(applyRescale(-1, half, -128, 127), 0);
  EXPECT_EQ(applyRescale(1, half, -128, 127), 1);
  EXPECT_EQ(applyRescale(0, half, -128, 127), 0);
}

TEST(ApplyRescale, ClampsAfterTruncatingTo32Bits) {
  const RescaleFactor one{1 << 14, 14};
  EXPECT_EQ(applyRescale(1000, one, -128, 127), 127);
  EXPECT_EQ(applyRescale(-1000, one, -128, 127), -128);
  EXPECT_EQ(applyRescale((int64_t(1) << 32) + 5, one, -32768, 32767), 5); // upstream truncates before it clamps
}
