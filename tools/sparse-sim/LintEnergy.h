//===- LintEnergy.h - sparse-sim --lint_energy ------------------*- C++ -*-===//

#ifndef SPARSEACCEL_TOOLS_SPARSESIM_LINTENERGY_H
#define SPARSEACCEL_TOOLS_SPARSESIM_LINTENERGY_H

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include <string>

namespace sparseaccel {

/// What the lint of these tables prints, and how much it found. A table is a file or the name of a shipped one; areas of
/// an ART among them serve the ERTs.
struct LintResult {
  std::string text;
  size_t findings = 0;
};
absl::StatusOr<LintResult> lintEnergyTables(absl::Span<const std::string> tables);

} // namespace sparseaccel

#endif // SPARSEACCEL_TOOLS_SPARSESIM_LINTENERGY_H
