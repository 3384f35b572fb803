//===- Rescale.cpp - Integer multipliers for real factors -----------------===//

#include "SparseAccel/Transforms/Rescale.h"

#include <algorithm>
#include <cmath>

namespace sparseaccel {

double RescaleFactor::value() const { return std::ldexp(static_cast<double>(multiplier), -shift); }

std::optional<RescaleFactor> rescaleFactor(double factor, bool scale32) {
  if (!std::isfinite(factor) || factor < 0)
    return std::nullopt;
  if (factor == 0)
    return RescaleFactor{};
  const int bits = scale32 ? 31 : 15;
  int exponent = 0;
  const double mantissa = std::frexp(factor, &exponent); // in [0.5, 1)
  int64_t multiplier = std::llround(std::ldexp(mantissa, bits));
  int shift = bits - exponent;
  if (multiplier == int64_t(1) << bits) { // rounded up to the next power of two
    multiplier >>= 1;
    --shift;
  }
  if (shift < 2)
    return std::nullopt;
  if (shift > 62) { // keep what the shift leaves of the multiplier
    const int drop = shift - 62;
    multiplier = drop < bits ? (multiplier + (int64_t(1) << (drop - 1))) >> drop : 0;
    shift = 62;
  }
  return RescaleFactor{static_cast<int32_t>(multiplier), static_cast<int8_t>(shift)};
}

int32_t applyRescale(int64_t x, RescaleFactor factor, int32_t lowest, int32_t highest) {
  const uint64_t product = static_cast<uint64_t>(x) * static_cast<uint64_t>(int64_t(factor.multiplier));
  const auto rounded = static_cast<int64_t>(product + (uint64_t(1) << (factor.shift - 1)));
  const auto truncated = static_cast<int32_t>(static_cast<uint64_t>(rounded >> factor.shift));
  return std::clamp(truncated, lowest, highest);
}

} // namespace sparseaccel
