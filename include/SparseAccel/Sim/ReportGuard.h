//===- ReportGuard.h - Simulated values beside the float model's -*- C++ -*-===//
//
// How much noise quantisation put into each value of a model, where it came in, and why; and how far the outputs are
// from the float model's. Agreement with the quantised model says nothing of either.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_REPORTGUARD_H
#define SPARSEACCEL_SIM_REPORTGUARD_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sparseaccel::sim {

/// What is added up over the elements of a value, image by image. Elements that are not finite in the float model are
/// left out.
struct GuardSums {
  uint64_t compared = 0, saturated = 0;
  uint64_t notFinite = 0;    ///< Simulated values that are not finite where the float model's are.
  double signal = 0;         ///< Of squares of the float values.
  double noise = 0;          ///< Of squares of simulated - float.
  double saturatedNoise = 0; ///< The part of it that saturated elements have.
  double seen = 0;           ///< Largest magnitude of the float values.

  void add(const GuardSums &other);
  /// 10 log10 (signal / noise), within +-kMostDb; nothing where there is no noise at all.
  std::optional<double> snrDb() const;
  double saturatedShare() const { return compared ? double(saturated) / double(compared) : 0; }
  static constexpr double kMostDb = 300;
  /// A largest magnitude at which a value is zero for all that it is added to or multiplied by.
  static constexpr double kNegligible = 1e-30;
};

/// How a value comes about, as far as it may explain noise.
enum class GuardKind : uint8_t {
  Quantised,   ///< A float that becomes an integer.
  Contraction, ///< Weights and rescaled sums.
  Table,       ///< A look-up.
  Moved,       ///< What it reads, or some of it, in another place.
  Integer,     ///< Any other integer arithmetic.
  Float        ///< Computed in floats, on the host.
};

/// A value that the program leaves in memory.
struct GuardLayer {
  std::string name;  ///< Of the layer that writes it.
  std::string value; ///< Its own.
  GuardKind kind = GuardKind::Integer;
  std::vector<uint32_t> inputs; ///< Indices of the values that it is computed from; smaller than its own.
  double scale = 0;             ///< Real value of the integer 1; 0 for floats.
  double top = 0;               ///< Largest code; 0 for floats.
  /// Largest magnitude that calibration saw or was told, of all values that share the scale. Unknown where negative.
  double calibrated = -1;
  GuardSums sums;
  bool output = false; ///< An output of the model is computed from it and from no later value.
  double reach() const { return scale * top; }
};

struct GuardLimits {
  double leastSnrDb = 40;
  double mostSaturated = 0.001; ///< A share of the elements.
};

/// A layer where noise comes in, and how many values take it over.
struct GuardFinding {
  uint32_t layer = 0; ///< Index in GuardReport::layers.
  std::string cause;
  uint32_t followers = 0; ///< Values computed from it, at any distance, that are beyond the limits too.
};

struct GuardReport {
  uint64_t images = 0;
  GuardLimits limits;
  std::vector<GuardLayer> layers; ///< In an order in which they can be computed.
  std::vector<GuardFinding> findings;
};

/// The layers beyond the limits whose noise is their own: what they are computed from is within the limits, or they
/// lose much more and there is a reason for it. Noise that neither an output has nor anything computed from it is left
/// out, and so is a value that is nowhere larger than kNegligible.
std::vector<GuardFinding> findCauses(const GuardReport &report);

/// "'conv1': signal-to-noise ratio 12.1 dB against the float model, expected at least 40 dB: ...": a line a finding,
/// those that saturate first, then the noisiest; all that are more than `most` are one line.
std::vector<std::string> guardWarnings(const GuardReport &report, size_t most);

/// The worst `rows` layers as a table.
std::string formatGuard(const GuardReport &report, size_t rows);

/// One output of the model, over all inputs.
struct OutputError {
  std::string name;
  uint64_t compared = 0;
  bool integer = false; ///< Then `equal` counts the same values, else it is 0.
  uint64_t equal = 0;
  double largest = 0, rms = 0; ///< Of simulated - float.
  double signalRms = 0;        ///< Of the float values.
  double range = 0;            ///< Largest less smallest float value; their magnitude where all are the same.
  double overRange() const;    ///< rms / range; where the range is 0, 0 without an error and else 1.
  double relative() const { return signalRms > 0 ? rms / signalRms : 0; }
};

struct FloatComparison {
  uint64_t images = 0;
  std::vector<OutputError> outputs;
};

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_REPORTGUARD_H
