//===- Expectation.h - Expected extremes of random sums ---------*- C++ -*-===//
//
// What estimates of machines whose units wait for each other have in common: the slowest of many.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_DATAFLOW_EXPECTATION_H
#define SPARSEACCEL_LIB_TARGET_DATAFLOW_EXPECTATION_H

#include <cmath>

namespace sparseaccel::dataflow {

/// Expected maximum of `count` independent standard normal variables, and of its square.
struct NormalMaximum {
  double mean = 0, square = 1;
  explicit NormalMaximum(double count) {
    if (count <= 1)
      return;
    // E[max] = low + integral over x > low of P(max > x), and E[max^2] likewise with 2 x.
    constexpr int steps = 80;
    constexpr double low = -4, high = 6, step = (high - low) / steps;
    mean = low;
    square = low * low;
    for (int i = 0; i < steps; ++i) {
      double x = low + (i + 0.5) * step;
      double beyond = 1 - std::pow(0.5 * std::erfc(-x / std::sqrt(2.0)), count);
      mean += step * beyond;
      square += step * 2 * x * beyond;
    }
  }
  /// Of sums with this mean, variance and third central moment, which are nearly normal (Cornish and Fisher's first
  /// correction).
  double of(double sumMean, double variance, double thirdMoment = 0) const {
    if (variance < 1e-12)
      return sumMean;
    return sumMean + mean * std::sqrt(variance) + (square - 1) / 6 * thirdMoment / variance;
  }
};

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_LIB_TARGET_DATAFLOW_EXPECTATION_H
