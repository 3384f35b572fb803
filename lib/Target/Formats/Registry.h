//===- Registry.h - Formats that have a name --------------------*- C++ -*-===//
//
// Private to the formats. A preset is one entry of presets(): its text, its description, and how its format follows from
// its parameters.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_FORMATS_REGISTRY_H
#define SPARSEACCEL_LIB_TARGET_FORMATS_REGISTRY_H

#include "SparseAccel/Target/Formats/Format.h"

#include "absl/container/inlined_vector.h"

#include <optional>

namespace sparseaccel::formats {

using Parameters = absl::InlinedVector<uint32_t, 2>;

struct Parameter {
  absl::string_view name;
  uint32_t low, high, example;
};

struct PresetEntry {
  absl::string_view name, description;
  absl::InlinedVector<Parameter, 2> parameters;
  Format (*build)(absl::Span<const uint32_t> parameters);
  /// The parameters that could have built this format; what build() makes of them is compared with it. Null where
  /// there are none.
  std::optional<Parameters> (*guess)(const Format &format) = nullptr;
};

const std::vector<PresetEntry> &presets();

/// The ranks as text, "[UOP, CP:8]", without value formats.
std::string ranksText(const Format &format);

} // namespace sparseaccel::formats

#endif // SPARSEACCEL_LIB_TARGET_FORMATS_REGISTRY_H
