//===- AccelergyTable.cpp - ERT and ART files of Accelergy ----------------===//
//
// Accelergy (ICCAD 2019) writes an energy reference table (ERT: pJ per action, perhaps by arguments) and an area
// reference table (ART: square micrometres) for a design, and a summary of each.
//
//===----------------------------------------------------------------------===//

#include "EnergyTables.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <set>

namespace sparseaccel::machine {

using yaml::Need;

namespace {

struct Section {
  const char *key, *tables;
  bool areas;
};
constexpr Section kSections[] = {{"ERT", "tables", false},
                                 {"ERT_summary", "table_summary", false},
                                 {"ART", "tables", true},
                                 {"ART_summary", "table_summary", true}};

/// Which estimators Accelergy asked; nothing here depends on it.
void passOverEstimations(yaml::Map &map) {
  YAML::Node ignored;
  for (const char *key : {"primitive_estimation(s)", "primitive_estimations"})
    map.node(key, ignored, Need::Optional);
}

/// "read(address_delta=0,data_delta=1)", or "read" where an action has no arguments.
std::string spellAction(yaml::Map &map, const std::string &name) {
  YAML::Node arguments;
  if (!map.node("arguments", arguments, Need::Optional) || arguments.IsNull())
    return name;
  std::vector<std::string> pairs;
  map.entries("arguments", [&](const std::string &key, const YAML::Node &value) {
    if (!value.IsScalar())
      return map.failAt(value, "arguments", absl::StrCat("expected a value of '", key, "'"));
    pairs.push_back(absl::StrCat(key, "=", value.Scalar()));
  });
  return pairs.empty() ? name : absl::StrCat(name, "(", absl::StrJoin(pairs, ","), ")");
}

void readActions(yaml::Map &map, const EnergyRow &component, EnergyTable &table) {
  std::set<std::string> names;
  map.list("actions", [&](yaml::Map &action) {
    EnergyRow row = component;
    row.line = action.line();
    std::string name;
    action.text("name", name);
    if (action.ok() && (name.empty() || name.find_first_of(".() ") != std::string::npos))
      return action.failAt("name", "expected a name without dots, brackets and blanks");
    row.action = spellAction(action, name);
    // A summary of an action with arguments has its mean, least and most instead.
    bool summarised = !action.has("energy") && action.has("average_energy");
    action.number(summarised ? "average_energy" : "energy", row.energyPj, kEnergyRange);
    double ignored = 0;
    for (const char *key : {"max_energy", "min_energy"})
      action.number(key, ignored, kEnergyRange, Need::Optional);
    if (action.ok() && !names.insert(row.action).second)
      return action.failAt("name", absl::StrCat("'", row.action, "' stands above already"));
    table.rows.push_back(std::move(row));
  });
}

} // namespace

bool isAccelergyTable(const YAML::Node &root) {
  if (!root.IsMap())
    return false;
  for (const Section &section : kSections)
    if (root[section.key])
      return true;
  return false;
}

void readAccelergyTable(yaml::Document &document, EnergyTable &table) {
  table.fromAccelergy = true;
  table.unit = "pJ";
  table.leavesOut = "unknown: a table of Accelergy does not say what it leaves out";
  yaml::Map map(document, document.root(), "");
  std::vector<std::string> kinds;
  for (const Section &section : kSections) {
    std::set<std::string> names;
    map.map(
        section.key,
        [&](yaml::Map &body) {
          std::string version = "unknown version";
          body.text("version", version, Need::Optional);
          kinds.push_back(absl::StrCat("Accelergy ", section.key, " ", version));
          body.list(section.tables, [&](yaml::Map &component) {
            EnergyRow row;
            row.kind = EnergyClass::Unknown;
            row.source = kinds.back();
            component.text("name", row.component);
            if (component.ok() && !names.insert(row.component).second)
              return component.failAt("name", absl::StrCat("a component '", row.component, "' stands above already"));
            passOverEstimations(component);
            if (!section.areas)
              return readActions(component, row, table);
            AreaRow area;
            area.component = row.component;
            area.source = row.source;
            area.line = component.line();
            component.number("area", area.area, kAreaRange);
            table.areas.push_back(std::move(area));
          });
          if (body.ok() && names.empty())
            body.failAt(section.tables, "expected at least one component");
        },
        Need::Optional);
  }
  map.finish();
  table.source = absl::StrJoin(kinds, ", ");
}

} // namespace sparseaccel::machine
