//===- SparsityReader.cpp - Where the nonzeros of an operand lie ----------===//

#include "LayerReader.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

#include <algorithm>
#include <cmath>

namespace sparseaccel::workload {

using yaml::Need;

namespace {

/// "2:4".
bool parseNOfM(const std::string &text, Sparsity &sparsity) {
  std::vector<std::string> parts = absl::StrSplit(text, ':');
  return parts.size() == 2 && absl::SimpleAtoi(parts[0], &sparsity.n) && absl::SimpleAtoi(parts[1], &sparsity.m) &&
         sparsity.n >= 1 && sparsity.m >= sparsity.n && sparsity.m <= 1024;
}

/// The tensor's own density from one that counts the zeros of padding.
void discountPadding(yaml::Map &map, const char *key, Layer &layer) {
  double &density = layer.activations.density;
  double share = inPlaneShare(layer.shape, layer.inputHeight, layer.inputWidth);
  if (density > share + 1e-12)
    return map.failAt(key, absl::StrFormat("%g counts padding, but only %.4f of what the windows read is not padding; "
                                           "lower it, or say 'padding: extra'",
                                           density, share));
  density = std::min(1.0, density / share);
}

constexpr yaml::Range kValues = {1, 65534};

} // namespace

void readSparsity(yaml::Map &map, const char *key, const char *densityKey, std::optional<double> fallback,
                  SparsitySpec &spec) {
  Sparsity &sparsity = spec.sparsity;
  if (map.number(densityKey, sparsity.density, kDensity, Need::Optional)) {
    spec.densityGiven = true;
    if (map.has(key))
      return map.failAt(key, absl::StrCat("'", densityKey, "' is there too: say it once, as 'density' in '", key, "'"));
  }
  map.map(
      key,
      [&](yaml::Map &inner) {
        std::string kind = "independent";
        bool hasKind = inner.text("kind", kind, Need::Optional);
        spec.densityGiven = inner.number("density", sparsity.density, kDensity, Need::Optional);
        inner.integer("values", sparsity.values, kValues, Need::Optional);
        if (inner.text("mask", spec.mask, Need::Optional)) {
          sparsity.kind = SparsityKind::Mask;
          if (hasKind || spec.densityGiven)
            inner.failAt("mask", "a mask says where the nonzeros are: expected no 'kind' and no 'density' beside it");
        } else if (kind == "per-row") {
          sparsity.kind = SparsityKind::PerRow;
          if (!spec.densityGiven)
            inner.failAt("kind", "expected a 'density' beside 'kind: per-row'");
        } else if (parseNOfM(kind, sparsity)) {
          sparsity.kind = SparsityKind::NOfM;
          if (spec.densityGiven)
            inner.failAt("density", absl::StrCat("follows from '", kind, "': expected none"));
        } else if (kind != "independent") {
          inner.failAt("kind", absl::StrCat("unknown kind '", kind,
                                            "', expected independent, per-row, or N:M with N from 1 to M and M at most "
                                            "1024, such as '2:4'"));
        }
      },
      Need::Optional);
  if (!spec.densityGiven && sparsity.kind == SparsityKind::Independent && fallback) {
    sparsity.density = *fallback;
    spec.densityGiven = true;
  }
}

void resolve(yaml::Map &map, const char *key, FileContext &context, Layer &layer, bool weights, SparsitySpec spec) {
  Sparsity &sparsity = weights ? layer.weights : layer.activations;
  sparsity = std::move(spec.sparsity);
  const dataflow::Contraction &s = layer.shape;
  const char *densityKey = weights ? "weight_density" : "activation_density";
  bool counted = !weights && context.paddingCounted && spec.densityGiven;
  switch (sparsity.kind) {
  case SparsityKind::Independent:
    if (counted)
      discountPadding(map, map.has(key) ? key : densityKey, layer);
    return;
  case SparsityKind::PerRow: {
    if (counted)
      discountPadding(map, key, layer);
    auto row = double(weights ? s.r * s.s * s.c : s.g * s.c);
    sparsity.density = double(std::llround(sparsity.density * row)) / row;
    return;
  }
  case SparsityKind::NOfM: {
    int64_t rest = s.c % sparsity.m;
    sparsity.density = double(s.c / sparsity.m * sparsity.n + std::min(rest, sparsity.n)) / double(s.c);
    return;
  }
  case SparsityKind::Mask: {
    absl::StatusOr<MaskArray> array = context.masks.load(spec.mask);
    if (!array.ok())
      return map.failAt(key, array.status().message());
    auto masks = fitMasks(std::move(*array), layer, weights);
    if (!masks.ok())
      return map.failAt(key, masks.status().message());
    uint64_t count = 0, elements = 0;
    for (const std::shared_ptr<const Mask> &mask : *masks) {
      count += mask->count;
      elements += mask->nonzero.size();
    }
    sparsity.density = elements ? double(count) / double(elements) : 0;
    sparsity.masks = std::move(*masks);
    return;
  }
  case SparsityKind::Exact:
    return;
  }
}

} // namespace sparseaccel::workload
