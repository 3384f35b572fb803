//===- LintEnergy.cpp - sparse-sim --lint_energy --------------------------===//

#include "LintEnergy.h"

#include "SparseAccel/Support/Names.h"
#include "SparseAccel/Target/Machine/EnergyTable.h"
#include "SparseAccel/Target/Machine/Machine.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sparseaccel {

using machine::EnergyTable;

absl::StatusOr<LintResult> lintEnergyTables(absl::Span<const std::string> tables) {
  std::vector<EnergyTable> read;
  for (const std::string &name : tables) {
    std::string path = name;
    if (!absl::StrContains(name, "/") && !absl::EndsWith(name, ".yaml") && !absl::EndsWith(name, ".yml")) {
      path = machine::findDataFile(absl::StrCat("energy/", name, ".yaml"));
      if (path.empty())
        return absl::NotFoundError(absl::StrCat("there is no energy table '", name, "'",
                                                suggestion(name, machine::listDataFiles("energy")),
                                                " (a file is given by a path with a slash or by its .yaml ending)"));
    }
    absl::StatusOr<EnergyTable> table = machine::loadEnergyTable(path);
    if (!table.ok())
      return table.status();
    read.push_back(*std::move(table));
  }
  const EnergyTable *areas = nullptr;
  for (const EnergyTable &table : read)
    if (table.fromAccelergy && table.rows.empty()) {
      if (areas)
        return absl::InvalidArgumentError(
            absl::StrCat(areas->file, " and ", table.file, " both hold areas alone: lint one design at a time"));
      areas = &table;
    }
  LintResult result;
  for (const EnergyTable &table : read) {
    std::vector<std::string> findings = machine::lintEnergyTable(table, areas);
    for (const std::string &finding : findings)
      absl::StrAppend(&result.text, table.file, ": ", finding, "\n");
    absl::StrAppend(&result.text, table.file, ": ", table.rows.size(), " energies, ", table.areas.size(), " areas, ",
                    findings.size(), findings.size() == 1 ? " finding\n" : " findings\n");
    result.findings += findings.size();
  }
  return result;
}

} // namespace sparseaccel
