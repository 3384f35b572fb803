//===- EnergyTable.h - Energy per action and area, with sources -*- C++ -*-===//
//
// Energy is counts times a table. A table is a YAML file in energy/ whose rows each have a width and a source
// (docs/energy.md); a machine file says which row prices which action of which component (docs/machines.md). Tables
// that Accelergy wrote (ERT, ART and their summaries) are read as they are. A table may hold areas, too.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_MACHINE_ENERGYTABLE_H
#define SPARSEACCEL_TARGET_MACHINE_ENERGYTABLE_H

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sparseaccel::machine {

/// What a component of a table is, from the innermost outwards; lintEnergyTable compares storage along it.
/// Unknown: Accelergy's tables do not say.
enum class EnergyClass : uint8_t { Compute, RegisterFile, Network, Sram, Dram, Codec, Clock, Unknown };

struct EnergyRow {
  std::string component; ///< "mac16", "sram_12800x64", "dram".
  std::string action; ///< "compute", "gated", "read", "write", "idle", "busy", ...; in a table of Accelergy any name,
                      ///< with arguments as in "read(address_delta=0,data_delta=1)".
  double energyPj = 0;
  double bits = 0; ///< Bits that one action moves or works on; 0 where it has no width.
  std::string source;
  int line = 0;
  double entries = 0; ///< Words of this width that the component holds; 0 where it holds none or any number.
  EnergyClass kind = EnergyClass::Compute;
  std::string family; ///< Rows of one estimator run; only rows of one family are compared by size. Empty: compared with
                      ///< every family.
};

struct AreaRow {
  std::string component;
  double area = 0; ///< In EnergyTable::areaUnit.
  std::string source;
  int line = 0;
  EnergyClass kind = EnergyClass::Unknown;
  std::string family;
  double bits = 0, entries = 0; ///< As in EnergyRow.
};

/// A table as data: name, technology, normalisation ("pJ", or "MAC" for relative tables), what it leaves out, and rows.
struct EnergyTable {
  std::string name, file, unit, source, leavesOut;
  double technologyNm = 0; ///< 0 where the table does not say.
  bool fromAccelergy = false;
  std::vector<EnergyRow> rows;
  std::string areaUnit = "um2"; ///< Or a name, for areas relative to something.
  std::vector<AreaRow> areas;
  const EnergyRow *find(const std::string &component, const std::string &action) const;
  /// The row that "component.action" names; of a table of Accelergy, whose components are paths, the end of the path
  /// suffices where one component alone has it. The message says what there is, and the nearest name.
  absl::StatusOr<const EnergyRow *> findRow(absl::string_view name) const;
  absl::StatusOr<const AreaRow *> findArea(absl::string_view component) const; ///< Likewise.
};

/// Counts of actions by component of the machine and action name. Components: levels of the machine by name, and "mac",
/// "noc", "vector", "control", "dram", "codec". Metadata is counted apart: actions "metadata_read" and
/// "metadata_write".
class ActionCounts {
public:
  void add(const std::string &component, const std::string &action, double count) {
    counts[component][action] += count;
  }
  void add(const ActionCounts &other);
  void scale(double factor);
  double get(const std::string &component, const std::string &action) const;
  const std::map<std::string, std::map<std::string, double>> &all() const { return counts; }
  bool operator==(const ActionCounts &) const = default;

private:
  std::map<std::string, std::map<std::string, double>> counts;
};

/// The component under which energyByComponent reports clock, control and leakage.
inline constexpr char kClockComponent[] = "clock";

/// Which row prices which action of a machine's component, and how many of the row's actions one counted action is.
struct EnergyModel {
  struct Price {
    double energyPj = 0; ///< Of one counted action.
    std::string row;     ///< "component.action" of the table, for reports.
  };
  EnergyTable table;
  std::map<std::string, std::map<std::string, Price>> prices; ///< component -> action -> price.
  std::vector<std::string>
      unpriced;           ///< "component.action" or "component.*": what the machine file declares as left out.
  double cyclePj = 0;     ///< Clock, control and leakage of a busy cycle.
  double idleCyclePj = 0; ///< The same of a cycle in which the array waits.

  bool isLeftOut(absl::string_view component, absl::string_view action) const;
  /// Energy by component, in pJ (or the table's unit), with the cycles' under kClockComponent where they have a price.
  /// An action that has no price and is not declared as left out is an error that names it.
  absl::StatusOr<std::map<std::string, double>> energyByComponent(const ActionCounts &counts, double busyCycles,
                                                                  double idleCycles) const;
};

/// The silicon that a machine takes, by component.
struct AreaModel {
  struct Part {
    double area = 0; ///< Of all instances together.
    double count = 1;
    std::string row; ///< Component of the table.
  };
  std::string table, unit, source;
  double technologyNm = 0;
  std::map<std::string, Part> parts;  ///< By component of the machine.
  std::vector<std::string> leavesOut; ///< Components without a row, as the machine file declares.
  bool empty() const { return parts.empty(); }
  double total() const;
};

absl::StatusOr<EnergyTable> loadEnergyTable(const std::string &path);
/// The same from text, for tests and fuzzing; `file` stands in messages.
absl::StatusOr<EnergyTable> parseEnergyTable(absl::string_view text, absl::string_view file);
/// Checks that the table makes sense. Returns one line per finding:
///  - a gated, skipped or idle action costs no less (an idle one: more) than the active one;
///  - a component reads or writes at more energy per bit than one of a class further out (register file, network, SRAM,
///  DRAM) of its family;
///  - of two components of one class and family, the one with no fewer entries and no narrower words costs less, or
///  takes less area;
///  - a storage row has no width, or any row has no source.
/// Accelergy's tables have neither classes nor widths. In their place:
///  - a storage (what reads and writes) within another component costs more per access than one outside of it;
///  - of two storages, the one with the larger area costs less per access (where `areas`, the ART, is at hand);
///  - reading or writing data or metadata costs nothing.
std::vector<std::string> lintEnergyTable(const EnergyTable &table, const EnergyTable *areas = nullptr);

} // namespace sparseaccel::machine

#endif // SPARSEACCEL_TARGET_MACHINE_ENERGYTABLE_H
