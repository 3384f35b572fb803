//===- Rescale.h - Integer multipliers for real factors ---------*- C++ -*-===//
//
// TOSA's RESCALE multiplies by an integer and shifts right. This header finds the pair for a real factor and computes,
// in plain C++, exactly what upstream's lowering (tosa-to-arith with include-apply-rescale) computes, so that passes
// can reason about values.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TRANSFORMS_RESCALE_H
#define SPARSEACCEL_TRANSFORMS_RESCALE_H

#include <cstdint>
#include <optional>

namespace sparseaccel {

/// factor ~ multiplier * 2^-shift. TOSA wants 2 <= shift <= 62.
struct RescaleFactor {
  int32_t multiplier = 0;
  int8_t shift = 2;
  double value() const;
};

/// The pair nearest to `factor` with a multiplier of 31 bits (`scale32`) or 15 bits. A factor too small for any pair
/// becomes multiplier 0, which is what the arithmetic would give anyway; nullopt where `factor` is negative, not
/// finite, or too large for shift 2.
std::optional<RescaleFactor> rescaleFactor(double factor, bool scale32);

/// RESCALE with a single round: ((x * multiplier) + (1 << (shift - 1))) >> shift in 64 bits, truncated to 32 bits,
/// clamped to [lowest, highest].
int32_t applyRescale(int64_t x, RescaleFactor factor, int32_t lowest, int32_t highest);

} // namespace sparseaccel

#endif // SPARSEACCEL_TRANSFORMS_RESCALE_H
