//===- ReportGuard.cpp - Simulated values beside the float model's --------===//

#include "SparseAccel/Sim/ReportGuard.h"

#include "Table.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sparseaccel::sim {

void GuardSums::add(const GuardSums &other) {
  compared += other.compared;
  saturated += other.saturated;
  notFinite += other.notFinite;
  signal += other.signal;
  noise += other.noise;
  saturatedNoise += other.saturatedNoise;
  seen = std::max(seen, other.seen);
}

std::optional<double> GuardSums::snrDb() const {
  if (notFinite)
    return -kMostDb;
  if (noise <= 0)
    return std::nullopt;
  return signal > 0 ? std::clamp(10 * std::log10(signal / noise), -kMostDb, kMostDb) : -kMostDb;
}

double OutputError::overRange() const {
  if (range > 0)
    return rms / range;
  return rms > 0 ? 1 : 0;
}

//===----------------------------------------------------------------------===//
// Causes
//===----------------------------------------------------------------------===//

namespace {

/// What is noise of a layer's own, and why.
class Diagnosis {
public:
  explicit Diagnosis(const GuardReport &report) : report(report), layers(report.layers) {}

  std::vector<GuardFinding> find() const {
    std::vector<GuardFinding> findings;
    for (uint32_t index = 0; index < layers.size(); ++index) {
      std::optional<std::string> cause = ownCause(layers[index]);
      if (!cause)
        continue;
      GuardFinding finding{index, *std::move(cause), followers(index)};
      if (finding.followers || isSaturated(layers[index]) || isLast(index))
        findings.push_back(std::move(finding));
    }
    return findings;
  }

private:
  // A layer that loses this much beyond its inputs, 6 dB, has noise of its own even where they are noisy.
  static constexpr double kMuchMore = 4;

  bool isNoisy(const GuardLayer &layer) const {
    std::optional<double> snr = layer.sums.snrDb();
    return snr && *snr < report.limits.leastSnrDb;
  }
  bool isSaturated(const GuardLayer &layer) const { return layer.sums.saturatedShare() > report.limits.mostSaturated; }
  bool isBeyond(const GuardLayer &layer) const {
    return layer.sums.seen >= GuardSums::kNegligible && (isNoisy(layer) || isSaturated(layer));
  }
  /// Nothing stands between the layer and the model's user.
  bool isLast(uint32_t index) const {
    return layers[index].output || std::none_of(layers.begin() + index, layers.end(), [&](const GuardLayer &other) {
             return std::find(other.inputs.begin(), other.inputs.end(), index) != other.inputs.end();
           });
  }

  static double noiseToSignal(const GuardLayer &layer) {
    std::optional<double> snr = layer.sums.snrDb();
    return snr ? std::pow(10, -*snr / 10) : 0;
  }
  const GuardLayer *noisiestInput(const GuardLayer &layer) const {
    const GuardLayer *worst = nullptr;
    for (uint32_t input : layer.inputs)
      if (!worst || noiseToSignal(layers[input]) > noiseToSignal(*worst))
        worst = &layers[input];
    return worst;
  }

  std::optional<std::string> ownCause(const GuardLayer &layer) const {
    if (!isBeyond(layer))
      return std::nullopt;
    std::optional<std::string> reason = saturation(layer);
    bool saturates = reason.has_value();
    if (!reason)
      reason = coarseness(layer);
    // A value that was only moved saturates where its source did.
    bool inheritsSaturation = std::any_of(layer.inputs.begin(), layer.inputs.end(), [&](uint32_t input) {
      return layers[input].scale == layer.scale &&
             layers[input].sums.saturatedShare() >= layer.sums.saturatedShare() / 2;
    });
    if (saturates && inheritsSaturation)
      return std::nullopt;
    if (!isNoisy(layer))
      return reason;
    const GuardLayer *input = noisiestInput(layer);
    double before = input ? noiseToSignal(*input) : 0;
    if (!input || !isNoisy(*input))
      return reason ? reason : fallback(layer, input);
    if (reason && noiseToSignal(layer) > kMuchMore * before)
      return reason;
    return std::nullopt;
  }

  std::optional<std::string> saturation(const GuardLayer &layer) const {
    const GuardSums &sums = layer.sums;
    if (sums.saturated == 0 || !(isSaturated(layer) || sums.saturatedNoise > sums.noise / 2))
      return std::nullopt;
    std::string text = absl::StrFormat("%.3g%% of its values saturate: its integers reach %.4g, the float model %.4g",
                                       100 * sums.saturatedShare(), layer.reach(), sums.seen);
    if (layer.calibrated == 0)
      absl::StrAppend(&text, ", and calibration saw nothing above 0");
    else if (layer.calibrated > 1.01 * layer.reach())
      absl::StrAppendFormat(&text, ", and calibration %.4g", layer.calibrated);
    return text;
  }

  std::optional<std::string> coarseness(const GuardLayer &layer) const {
    // An error that is spread evenly over a step has a mean square of a twelfth of its square.
    double rounding = layer.scale * layer.scale / 12 * double(layer.sums.compared);
    if (layer.sums.noise <= 0 || rounding < layer.sums.noise / 4)
      return std::nullopt;
    std::string text = absl::StrFormat("a step of %.3g is coarse for values up to %.3g", layer.scale, layer.sums.seen);
    double most = kMuchMore * layer.sums.seen;
    const GuardLayer *widest = nullptr;
    for (const GuardLayer &other : layers)
      if (&other != &layer && other.scale == layer.scale && other.sums.seen > (widest ? widest->sums.seen : most))
        widest = &other;
    if (widest)
      absl::StrAppendFormat(&text, ": it shares its scale with '%s', which reaches %.3g", widest->name,
                            widest->sums.seen);
    else if (layer.calibrated == 0)
      absl::StrAppend(&text, ": calibration saw nothing above 0");
    else if (layer.calibrated > 0 && layer.reach() > 1.01 * layer.calibrated)
      absl::StrAppendFormat(&text,
                            ": its integers reach %.3g where calibration saw %.3g, so that no sum wraps or as "
                            "the model says",
                            layer.reach(), layer.calibrated);
    else
      absl::StrAppendFormat(&text, ": its integers reach %.3g, as calibration asked", layer.reach());
    return text;
  }

  std::string fallback(const GuardLayer &layer, const GuardLayer *input) const {
    if (layer.sums.notFinite)
      return absl::StrCat(layer.sums.notFinite, " of its values are not finite, and the float model's are");
    std::string before;
    if (input)
      if (std::optional<double> snr = input->sums.snrDb())
        before = absl::StrFormat(" ('%s': %.1f dB)", input->name, *snr);
    if (layer.kind == GuardKind::Moved)
      return absl::StrCat("it only moves what it reads, whose noise lies in these values", before);
    if (input && noiseToSignal(layer) <= kMuchMore * noiseToSignal(*input))
      return absl::StrCat("the noise of what it reads adds up", before);
    switch (layer.kind) {
    case GuardKind::Quantised:
      return "its scale";
    case GuardKind::Contraction:
      return absl::StrCat("its weights, its rescale, or sums that nearly cancel, as what it reads is within the limit",
                          before);
    case GuardKind::Table:
      return absl::StrCat("its table, as what it reads is within the limit", before);
    case GuardKind::Moved: // said above
    case GuardKind::Integer:
      return absl::StrCat("its integer arithmetic, as what it reads is within the limit", before);
    case GuardKind::Float:
      return absl::StrCat("its arithmetic multiplies the noise of what it reads", before);
    }
    return "";
  }

  uint32_t followers(uint32_t from) const {
    std::vector<bool> behind(layers.size(), false);
    behind[from] = true;
    uint32_t count = 0;
    for (uint32_t index = from + 1; index < layers.size(); ++index) {
      const std::vector<uint32_t> &inputs = layers[index].inputs;
      behind[index] = std::any_of(inputs.begin(), inputs.end(), [&](uint32_t input) { return behind[input]; });
      count += behind[index] && isBeyond(layers[index]);
    }
    return count;
  }

  const GuardReport &report;
  const std::vector<GuardLayer> &layers;
};

/// The noisiest first; equal ones in the order of the layers.
std::vector<uint32_t> bySnr(const std::vector<GuardLayer> &layers, std::vector<uint32_t> indices) {
  auto snr = [&](uint32_t index) { return layers[index].sums.snrDb().value_or(GuardSums::kMostDb); };
  std::stable_sort(indices.begin(), indices.end(), [&](uint32_t a, uint32_t b) { return snr(a) < snr(b); });
  return indices;
}

std::string percent(double share) { return absl::StrFormat("%.3g%%", 100 * share); }

} // namespace

std::vector<GuardFinding> findCauses(const GuardReport &report) { return Diagnosis(report).find(); }

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

std::vector<std::string> guardWarnings(const GuardReport &report, size_t most) {
  std::vector<uint32_t> order;
  for (const GuardFinding &finding : report.findings)
    order.push_back(finding.layer);
  order = bySnr(report.layers, std::move(order));
  // Saturation is what a user can do something about, and no ratio tells how much it distorts.
  std::stable_partition(order.begin(), order.end(), [&](uint32_t index) {
    return report.layers[index].sums.saturatedShare() > report.limits.mostSaturated;
  });
  std::vector<std::string> lines;
  for (uint32_t index : order) {
    if (lines.size() == most) {
      size_t rest = order.size() - most;
      lines.push_back(absl::StrCat("noise comes in at ", rest, rest == 1 ? " more layer" : " more layers"));
      break;
    }
    const GuardLayer &layer = report.layers[index];
    auto finding = std::find_if(report.findings.begin(), report.findings.end(),
                                [&](const GuardFinding &one) { return one.layer == index; });
    std::optional<double> snr = layer.sums.snrDb();
    std::string line = absl::StrCat("'", layer.name, "': ");
    if (snr && *snr < report.limits.leastSnrDb)
      absl::StrAppendFormat(&line,
                            "signal-to-noise ratio %.1f dB against the float model, expected at least %g dB: ", *snr,
                            report.limits.leastSnrDb);
    absl::StrAppend(&line, finding->cause);
    if (layer.sums.saturatedShare() > report.limits.mostSaturated)
      absl::StrAppend(&line, " (expected at most ", percent(report.limits.mostSaturated), " to saturate)");
    if (finding->followers == 1)
      absl::StrAppend(&line, "; 1 value computed from it is beyond the limits as well");
    else if (finding->followers)
      absl::StrAppend(&line, "; ", finding->followers, " values computed from it are beyond the limits as well");
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string formatGuard(const GuardReport &report, size_t rows) {
  std::vector<uint32_t> order(report.layers.size());
  std::iota(order.begin(), order.end(), 0u);
  order = bySnr(report.layers, std::move(order));
  order.resize(std::min(order.size(), rows));
  Table table({"noisiest values", "SNR dB", "saturated", "integers reach", "float model"}, 1);
  for (uint32_t index : order) {
    const GuardLayer &layer = report.layers[index];
    std::optional<double> snr = layer.sums.snrDb();
    table.add({layer.name, snr ? absl::StrFormat("%.1f", *snr) : "exact",
               layer.scale > 0 ? absl::StrFormat("%.2f%%", 100 * layer.sums.saturatedShare()) : "-",
               layer.scale > 0 ? absl::StrFormat("%.4g", layer.reach()) : "-",
               absl::StrFormat("%.4g", layer.sums.seen)});
  }
  return table.format();
}

} // namespace sparseaccel::sim
