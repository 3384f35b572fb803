//===- EnergyTable.cpp - Energy per action, with units and sources --------===//

#include "SparseAccel/Target/Machine/EnergyTable.h"
#include "SparseAccel/Target/Machine/Yaml.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

#include <algorithm>
#include <set>

namespace sparseaccel::machine {

//===----------------------------------------------------------------------===//
// Counts and prices
//===----------------------------------------------------------------------===//

const EnergyRow *EnergyTable::find(const std::string &component, const std::string &action) const {
  for (const EnergyRow &row : rows)
    if (row.component == component && row.action == action)
      return &row;
  return nullptr;
}

void ActionCounts::add(const ActionCounts &other) {
  for (const auto &[component, actions] : other.counts) {
    auto &mine = counts[component];
    for (const auto &[action, count] : actions)
      mine[action] += count;
  }
}

void ActionCounts::scale(double factor) {
  for (auto &[component, actions] : counts)
    for (auto &[action, count] : actions)
      count *= factor;
}

double ActionCounts::get(const std::string &component, const std::string &action) const {
  auto it = counts.find(component);
  if (it == counts.end())
    return 0;
  auto found = it->second.find(action);
  return found == it->second.end() ? 0 : found->second;
}

bool EnergyModel::isLeftOut(absl::string_view component, absl::string_view action) const {
  std::string all = absl::StrCat(component, ".*"), one = absl::StrCat(component, ".", action);
  return std::any_of(unpriced.begin(), unpriced.end(),
                     [&](const std::string &name) { return name == all || name == one; });
}

absl::StatusOr<std::map<std::string, double>>
EnergyModel::energyByComponent(const ActionCounts &counts, double busyCycles, double idleCycles) const {
  std::map<std::string, double> energy;
  for (const auto &[component, actions] : counts.all()) {
    auto priced = prices.find(component);
    for (const auto &[action, count] : actions) {
      if (count == 0)
        continue;
      if (priced != prices.end()) {
        auto price = priced->second.find(action);
        if (price != priced->second.end()) {
          energy[component] += count * price->second.energyPj;
          continue;
        }
      }
      if (!isLeftOut(component, action))
        return absl::FailedPreconditionError(absl::StrCat("the machine file gives no price for '", component, ".",
                                                          action, "' in energy table '", table.name,
                                                          "': add it under prices, or under leaves_out"));
    }
  }
  if (cyclePj > 0 || idleCyclePj > 0)
    energy[kClockComponent] += busyCycles * cyclePj + idleCycles * idleCyclePj;
  return energy;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static const std::vector<std::string> &classNames() {
  static const std::vector<std::string> names = {"compute", "register_file", "network", "sram",
                                                 "dram",    "codec",         "clock"};
  return names;
}

static const std::vector<std::string> &rowActions() {
  static const std::vector<std::string> names = {"compute",    "gated",       "read",          "write",
                                                 "gated_read", "gated_write", "metadata_read", "metadata_write",
                                                 "transfer",   "idle",        "busy"};
  return names;
}

static bool isStorage(EnergyClass kind) {
  return kind == EnergyClass::RegisterFile || kind == EnergyClass::Sram || kind == EnergyClass::Dram;
}

static constexpr yaml::Range kEnergy{0, 1e12};
static constexpr yaml::Range kBits{1, 1 << 20};
static constexpr yaml::Range kEntries{1, 1e12};

static void readComponent(yaml::Map &map, EnergyTable &table, std::set<std::string> &names) {
  EnergyRow row;
  size_t kind = 0;
  row.source = table.source;
  map.text("name", row.component);
  map.choice("class", kind, classNames());
  row.kind = static_cast<EnergyClass>(kind);
  map.text("family", row.family, yaml::Need::Optional);
  map.number("bits", row.bits, kBits, yaml::Need::Optional);
  map.number("entries", row.entries, kEntries, yaml::Need::Optional);
  map.text("source", row.source, row.source.empty() ? yaml::Need::Required : yaml::Need::Optional);
  if (!map.ok())
    return;
  if (row.component.empty() || row.component.find_first_of(".* ") != std::string::npos)
    return map.failAt("name", "expected a name without dots, stars and blanks");
  if (!names.insert(row.component).second)
    return map.failAt("name", absl::StrCat("a component '", row.component, "' stands above already"));
  if (row.source.empty())
    return map.failAt("source", "every row needs a source");
  if (isStorage(row.kind) && row.bits == 0)
    return map.fail("a storage needs 'bits', the width of its word");
  map.map("actions", [&](yaml::Map &actions) {
    bool any = false;
    for (const std::string &action : rowActions()) {
      YAML::Node value;
      if (!actions.node(action.c_str(), value, yaml::Need::Optional))
        continue;
      any = true;
      EnergyRow one = row;
      one.action = action;
      one.line = yaml::Document::lineOf(value);
      if (value.IsMap()) {
        actions.map(action.c_str(), [&](yaml::Map &own) {
          own.number("energy", one.energyPj, kEnergy);
          own.number("bits", one.bits, kBits, yaml::Need::Optional);
          own.number("entries", one.entries, kEntries, yaml::Need::Optional);
          own.text("source", one.source, yaml::Need::Optional);
        });
      } else {
        actions.number(action.c_str(), one.energyPj, kEnergy);
      }
      table.rows.push_back(std::move(one));
    }
    if (!any && actions.ok()) {
      actions.finish(); // a misspelt action is the better message
      actions.fail("expected at least one action");
    }
  });
}

absl::StatusOr<EnergyTable> parseEnergyTable(absl::string_view text, absl::string_view file) {
  yaml::Document document(text, file);
  EnergyTable table;
  table.file = std::string(file);
  yaml::Map map(document, document.root(), "");
  map.text("name", table.name);
  map.text("unit", table.unit);
  map.number("technology_nm", table.technologyNm, {0, 10000}, yaml::Need::Optional);
  map.text("source", table.source, yaml::Need::Optional);
  map.text("leaves_out", table.leavesOut);
  if (map.ok() && table.unit != "pJ" && table.unit != "MAC")
    map.failAt("unit", absl::StrCat("expected pJ, or MAC for a table relative to one multiply-accumulate, found '",
                                    table.unit, "'"));
  if (map.ok() && table.unit == "pJ" && table.technologyNm == 0)
    map.fail("a table in pJ needs 'technology_nm', the node that its figures belong to");
  std::set<std::string> names;
  map.list("components", [&](yaml::Map &component) { readComponent(component, table, names); });
  map.finish();
  if (!document.ok())
    return document.status();
  if (table.rows.empty())
    return absl::InvalidArgumentError(absl::StrCat(file, ": components: expected at least one"));
  return table;
}

absl::StatusOr<EnergyTable> loadEnergyTable(const std::string &path) {
  absl::StatusOr<std::string> text = yaml::readTextFile(path);
  if (!text.ok())
    return text.status();
  return parseEnergyTable(*text, path);
}

//===----------------------------------------------------------------------===//
// Lint
//===----------------------------------------------------------------------===//

static std::string describe(const EnergyTable &table, const EnergyRow &row) {
  return absl::StrFormat("%s.%s (%g %s, %g bits, line %d)", row.component, row.action, row.energyPj, table.unit,
                         row.bits, row.line);
}

// The action that a cheaper one is an idle form of.
static std::string activeForm(absl::string_view action) {
  if (action == "gated")
    return "compute";
  if (absl::ConsumePrefix(&action, "gated_"))
    return std::string(action);
  return "";
}

static void lintCheaper(const EnergyTable &table, const EnergyRow &row, std::vector<std::string> &findings) {
  if (row.action == "idle") {
    for (const char *action : {"compute", "read", "write", "busy"})
      if (const EnergyRow *active = table.find(row.component, action); active && row.energyPj > active->energyPj)
        findings.push_back(
            absl::StrCat(describe(table, row), " costs more than the active ", describe(table, *active)));
    return;
  }
  std::string active = activeForm(row.action);
  if (active.empty())
    return;
  if (const EnergyRow *other = table.find(row.component, active); other && row.energyPj >= other->energyPj)
    findings.push_back(
        absl::StrCat(describe(table, row), " does not cost less than the active ", describe(table, *other)));
}

std::vector<std::string> lintEnergyTable(const EnergyTable &table) {
  std::vector<std::string> findings;
  for (const EnergyRow &row : table.rows) {
    if (row.source.empty())
      findings.push_back(absl::StrCat(describe(table, row), " has no source"));
    if (isStorage(row.kind) && row.bits == 0)
      findings.push_back(absl::StrCat(describe(table, row), " has no width"));
    lintCheaper(table, row, findings);
  }
  auto onPath = [](const EnergyRow &row) {
    return (isStorage(row.kind) && (row.action == "read" || row.action == "write")) ||
           (row.kind == EnergyClass::Network && row.action == "transfer");
  };
  for (const EnergyRow &inner : table.rows) {
    if (!onPath(inner) || inner.bits == 0)
      continue;
    for (const EnergyRow &outer : table.rows) {
      if (&inner == &outer || !onPath(outer) || outer.bits == 0)
        continue;
      if (!inner.family.empty() && !outer.family.empty() && inner.family != outer.family)
        continue;
      if (inner.action != outer.action && inner.action != "transfer" && outer.action != "transfer")
        continue;
      if (inner.kind < outer.kind && inner.energyPj / inner.bits > outer.energyPj / outer.bits)
        findings.push_back(absl::StrCat(describe(table, inner), " costs more per bit than ", describe(table, outer),
                                        ", which lies further out"));
      if (inner.kind == outer.kind && inner.entries && outer.entries && outer.entries >= inner.entries &&
          outer.bits >= inner.bits && outer.energyPj < inner.energyPj)
        findings.push_back(
            absl::StrCat(describe(table, outer), " costs less than ", describe(table, inner), ", which is smaller"));
    }
  }
  return findings;
}

} // namespace sparseaccel::machine
