//===- EnergyTable.h - Energy per action, with units and sources -*- C++ -*-===//

#ifndef SPARSEACCEL_TARGET_MACHINE_ENERGYTABLE_H
#define SPARSEACCEL_TARGET_MACHINE_ENERGYTABLE_H

#include "absl/status/statusor.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sparseaccel::machine {

struct EnergyRow {
  std::string component; ///< "mac16", "sram_12800x64", "dram".
  std::string action;    ///< "compute", "gated", "read", "write", "idle", "cycle", ...
  double energyPj = 0;
  double bits = 0;       ///< Bits that one action moves or works on; 0 where it has no width.
  std::string source;
  int line = 0;
};

/// A table as data: name, technology, normalisation ("pJ", or "MAC" for relative tables), what it leaves out, and rows.
struct EnergyTable {
  std::string name, file, unit, source, leavesOut;
  double technologyNm = 0;
  std::vector<EnergyRow> rows;
  const EnergyRow *find(const std::string &component, const std::string &action) const;
};

/// Counts of actions by component of the machine and action name. Components: levels of the machine by name, and "mac", "noc", "vector", "control", "dram", "codec".
/// Metadata is counted apart: actions "metadata_read" and "metadata_write".
class ActionCounts {
public:
  void add(const std::string &component, const std::string &action, double count) { counts[component][action] += count; }
  void add(const ActionCounts &other);
  void scale(double factor);
  double get(const std::string &component, const std::string &action) const;
  const std::map<std::string, std::map<std::string, double>> &all() const { return counts; }
  bool operator==(const ActionCounts &) const = default;

private:
  std::map<std::string, std::map<std::string, double>> counts;
};

/// Which row prices which action of a machine's component, and how many of the row's actions one counted action is.
struct EnergyModel {
  struct Price {
    double energyPj = 0; ///< Of one counted action.
    std::string row;     ///< "component.action" of the table, for reports.
  };
  EnergyTable table;
  std::map<std::string, std::map<std::string, Price>> prices; ///< component -> action -> price.
  std::vector<std::string> unpriced; ///< Component.action pairs that the machine file declares as left out.
  double cyclePj = 0;     ///< Clock, control and leakage of a busy cycle.
  double idleCyclePj = 0; ///< The same of a cycle in which the array waits.

  /// Energy by component, in pJ (or the table's unit). An action that has no price and is not declared as left out is an error that names it.
  absl::StatusOr<std::map<std::string, double>> energyByComponent(const ActionCounts &counts, double busyCycles, double idleCycles) const;
};

absl::StatusOr<EnergyTable> loadEnergyTable(const std::string &path);
/// Checks that the table makes sense: inner level <= outer per bit, gated < active, larger >= smaller. Returns one line per finding.
std::vector<std::string> lintEnergyTable(const EnergyTable &table);

} // namespace sparseaccel::machine

#endif // SPARSEACCEL_TARGET_MACHINE_ENERGYTABLE_H
