//===- EnergyLint.cpp - Whether a table of energies makes sense -----------===//

#include "EnergyTables.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

#include <algorithm>
#include <map>

namespace sparseaccel::machine {

static std::string describe(const EnergyTable &table, const EnergyRow &row) {
  return absl::StrFormat("%s.%s (%g %s%s, line %d)", row.component, row.action, row.energyPj, table.unit,
                         row.bits > 0 ? absl::StrFormat(", %g bits", row.bits) : std::string(), row.line);
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

//===----------------------------------------------------------------------===//
// Tables of Accelergy: no classes, no widths
//===----------------------------------------------------------------------===//

/// "mac" of "mac_gated", "metadata_read" of "gated_metadata_read" and "metadata_gated_read"; "" where the action is no
/// idle form.
static std::string activeStem(absl::string_view action) {
  std::string name(actionName(action));
  for (const char *idle : {"gated", "skipped"}) {
    std::string stem =
        absl::StrReplaceAll(name, {{absl::StrCat(idle, "_"), ""}, {absl::StrCat("_", idle), ""}, {idle, ""}});
    if (stem != name)
      return stem;
  }
  return "";
}

/// Whether `action` is one that a gated form of stem "mac" stands for: "mac", or "mac_random".
static bool isActiveForm(absl::string_view action, absl::string_view stem) {
  absl::string_view name = actionName(action);
  return activeStem(action).empty() && (name == stem || absl::StartsWith(name, absl::StrCat(stem, "_")));
}

static void lintAccelergyActions(const EnergyTable &table, std::vector<std::string> &findings) {
  for (const EnergyRow &row : table.rows) {
    std::string stem = activeStem(row.action);
    bool idle = row.action == "idle";
    if (stem.empty() && !idle)
      continue;
    for (const EnergyRow &active : table.rows) {
      if (active.component != row.component)
        continue;
      // What costs nothing at all is a finding of its own.
      if (!stem.empty() && isActiveForm(active.action, stem) && active.energyPj > 0 && row.energyPj >= active.energyPj)
        findings.push_back(
            absl::StrCat(describe(table, row), " does not cost less than the active ", describe(table, active)));
      absl::string_view name = actionName(active.action);
      if (idle && (name == "read" || name == "write" || absl::StartsWith(name, "mac_random") || name == "compute") &&
          row.energyPj > active.energyPj)
        findings.push_back(absl::StrCat(describe(table, row), " costs more than the active ", describe(table, active)));
    }
  }
}

/// A storage is what reads and writes. Where it is priced by arguments, its dearest access counts.
class Storages {
public:
  explicit Storages(const EnergyTable &table) {
    for (const EnergyRow &row : table.rows) {
      const EnergyRow *&best = rows[row.component][std::string(actionName(row.action))];
      if (!best || row.energyPj > best->energyPj)
        best = &row;
    }
    for (const EnergyRow &row : table.rows)
      if (find(row.component, "read") && find(row.component, "write") &&
          std::find(names.begin(), names.end(), row.component) == names.end())
        names.push_back(row.component);
  }
  const EnergyRow *find(const std::string &component, const char *action) const {
    auto actions = rows.find(component);
    if (actions == rows.end())
      return nullptr;
    auto found = actions->second.find(action);
    return found == actions->second.end() ? nullptr : found->second;
  }
  std::vector<std::string> names; ///< In the table's order.

private:
  std::map<std::string, std::map<std::string, const EnergyRow *>> rows;
};

/// Components that a path lies within: "chip.PE[0..167].spad" lies in 2.
static size_t depthOf(const std::string &component) {
  size_t depth = 0;
  bool inBrackets = false;
  for (char c : component) {
    inBrackets = c == '[' || (inBrackets && c != ']');
    depth += c == '.' && !inBrackets;
  }
  return depth;
}

static void lintAccelergyStorage(const EnergyTable &table, const EnergyTable *areas,
                                 std::vector<std::string> &findings) {
  Storages storages(table);
  for (const std::string &storage : storages.names) {
    std::vector<std::string> free;
    int line = 0;
    for (const char *action : {"read", "write", "metadata_read", "metadata_write"})
      if (const EnergyRow *row = storages.find(storage, action); row && row->energyPj == 0) {
        free.emplace_back(action);
        line = line ? line : row->line;
      }
    if (!free.empty())
      findings.push_back(absl::StrFormat("%s: %s cost nothing (line %d): what they do is left out of every energy",
                                         storage, absl::StrJoin(free, ", "), line));
  }
  for (const std::string &inner : storages.names) {
    for (const std::string &outer : storages.names) {
      for (const char *action : {"read", "write"}) {
        const EnergyRow *in = storages.find(inner, action), *out = storages.find(outer, action);
        if (in == out || in->energyPj == 0 || out->energyPj == 0 || in->energyPj <= out->energyPj)
          continue;
        if (depthOf(inner) > depthOf(outer))
          findings.push_back(absl::StrCat(describe(table, *in), " costs more per access than ", describe(table, *out),
                                          ", which lies further out (the table has no widths)"));
        if (!areas)
          continue;
        absl::StatusOr<const AreaRow *> small = areas->findArea(inner), large = areas->findArea(outer);
        if (small.ok() && large.ok() && (*small)->area > 0 && (*small)->area < (*large)->area)
          findings.push_back(absl::StrFormat("%s costs less than %s, whose area is smaller (%g against %g %s)",
                                             describe(table, *out), describe(table, *in), (*small)->area,
                                             (*large)->area, areas->areaUnit));
      }
    }
  }
}

static void lintAreas(const EnergyTable &table, std::vector<std::string> &findings) {
  for (const AreaRow &small : table.areas)
    for (const AreaRow &large : table.areas) {
      bool comparable = small.kind == large.kind && small.kind != EnergyClass::Unknown &&
                        (small.family.empty() || large.family.empty() || small.family == large.family);
      if (&small != &large && comparable && small.entries && large.entries && large.entries >= small.entries &&
          large.bits >= small.bits && large.area < small.area)
        findings.push_back(absl::StrFormat(
            "%s (%g %s, line %d) takes less area than %s (%g %s, line %d), which is smaller", large.component,
            large.area, table.areaUnit, large.line, small.component, small.area, table.areaUnit, small.line));
    }
}

//===----------------------------------------------------------------------===//
// All tables
//===----------------------------------------------------------------------===//

std::vector<std::string> lintEnergyTable(const EnergyTable &table, const EnergyTable *areas) {
  std::vector<std::string> findings;
  lintAreas(table, findings);
  if (table.fromAccelergy) {
    lintAccelergyActions(table, findings);
    lintAccelergyStorage(table, areas ? areas : table.areas.empty() ? nullptr : &table, findings);
    return findings;
  }
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
