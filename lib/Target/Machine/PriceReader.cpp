//===- PriceReader.cpp - `energy` and `area` of a machine file ------------===//

#include "EnergyTables.h"
#include "MachineReader.h"
#include "SparseAccel/Support/Names.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include <algorithm>
#include <filesystem>

namespace fs = std::filesystem;

namespace sparseaccel::machine {

using yaml::Need;

// A bound that keeps a nonsensical file from being believed; no machine's figure.
static constexpr yaml::Range kInstances{1e-9, 1e9};

static const std::vector<std::string> &countedActions() {
  static const std::vector<std::string> names = {
      "read", "write", "metadata_read", "metadata_write", "gated_read", "gated_write", "compute", "gated", "transfer"};
  return names;
}

std::vector<std::string> MachineReader::componentNames() const {
  std::vector<std::string> names = levelNames();
  for (const std::string &name : fixedComponents())
    if (name != "dram")
      names.push_back(name);
  return names;
}

// Bits of one counted action of a component, where the unit is a word.
double MachineReader::wordBitsOf(const std::string &component) const {
  const Level *level = machine.findLevel(component);
  return level ? level->wordBits : 0;
}

// A table by name, or by path from the machine file's folder.
bool MachineReader::readTable(yaml::Map &map, EnergyTable &table) {
  std::string name;
  if (!map.text("table", name))
    return false;
  std::string path;
  bool isPath = absl::StrContains(name, "/") || absl::EndsWith(name, ".yaml") || absl::EndsWith(name, ".yml");
  if (isPath) {
    if (ownFolder.empty()) {
      map.failAt("table", absl::StrCat("'", name, "' is a path from the folder of the machine file, which is none"));
      return false;
    }
    path = (fs::path(ownFolder) / name).lexically_normal().string();
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
      map.failAt("table", absl::StrCat("there is no file ", path));
      return false;
    }
  } else {
    bool plain = !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) || c == '-' || c == '_' || c == '.';
    });
    if (!plain) {
      map.failAt("table", "expected the name of a table (letters, digits, '-', '_' and '.'), or a path to one");
      return false;
    }
    for (const std::string &folder : tableFolders) {
      std::error_code error;
      fs::path candidate = fs::path(folder) / absl::StrCat(name, ".yaml");
      if (path.empty() && fs::is_regular_file(candidate, error))
        path = candidate.string();
    }
    if (path.empty()) {
      map.failAt("table",
                 absl::StrCat("there is no energy table '", name, "'", suggestion(name, yamlNames(tableFolders))));
      return false;
    }
  }
  absl::StatusOr<EnergyTable> read = loadEnergyTable(path);
  if (!read.ok()) {
    map.failAt("table", absl::StrCat("in the table: ", read.status().message()));
    return false;
  }
  table = *std::move(read);
  if (isPath)
    table.name = name;
  return true;
}

void MachineReader::readEnergy(yaml::Map &map) {
  EnergyModel model;
  if (!readTable(map, model.table))
    return;
  if (model.table.rows.empty())
    return map.failAt("table", absl::StrCat("the table '", model.table.name, "' has areas only"));
  auto same = [&](const EnergyModel &other) { return other.table.name == model.table.name; };
  if (same(machine.energy) || std::any_of(machine.otherEnergies.begin(), machine.otherEnergies.end(), same))
    return map.failAt("table", absl::StrCat("the table '", model.table.name, "' stands above already"));

  readPrices(map, model);
  map.map("cycle", [&](yaml::Map &cycle) { readCycle(cycle, model); }, Need::Optional);
  readLeavesOut(map, model);
  checkPrices(map, model);
  if (!map.ok())
    return;
  (machine.energy.table.name.empty() ? machine.energy : machine.otherEnergies.emplace_back()) = std::move(model);
}

const EnergyRow *MachineReader::readRow(yaml::Map &map, const char *key, const YAML::Node &node,
                                        const EnergyTable &table) {
  if (!node.IsScalar()) {
    map.failAt(node, key, "expected a row of the energy table, as 'component.action'");
    return nullptr;
  }
  absl::StatusOr<const EnergyRow *> row = table.findRow(node.Scalar());
  if (row.ok())
    return *row;
  map.failAt(node, key, row.status().message());
  return nullptr;
}

/// How many there are of "chip.PE[0..167].spad[1..4]".
static double instancesOf(absl::string_view component) {
  double count = 1;
  for (absl::string_view part : absl::StrSplit(component, '[')) {
    std::pair<absl::string_view, absl::string_view> ends = absl::StrSplit(part.substr(0, part.find(']')), "..");
    int64_t low = 0, high = 0;
    if (absl::SimpleAtoi(ends.first, &low) && absl::SimpleAtoi(ends.second, &high) && high >= low)
      count *= double(high - low) + 1;
  }
  return count;
}

void MachineReader::readLeakage(yaml::Map &cycle, EnergyModel &model) {
  cycle.list("leakage", [&](yaml::Map &one) {
    YAML::Node node;
    double count = 0;
    if (!one.node("row", node))
      return;
    const EnergyRow *row = readRow(one, "row", node, model.table);
    one.number("count", count, kInstances, Need::Optional);
    if (!row)
      return;
    absl::string_view action = actionName(row->action);
    if (action != "leak" && action != "idle" && row->kind != EnergyClass::Clock)
      return one.failAt(node, "row",
                        absl::StrCat("'", row->component, ".", row->action,
                                     "' is no energy per cycle: expected an action 'leak' or 'idle'"));
    double pj = row->energyPj * (one.has("count") ? count : instancesOf(row->component));
    model.cyclePj += pj;
    model.idleCyclePj += pj;
  });
}

void MachineReader::readCycle(yaml::Map &cycle, EnergyModel &model) {
  bool leaks = cycle.has("leakage");
  for (auto [key, out] :
       {std::pair<const char *, double *>{"busy", &model.cyclePj}, {"idle", &model.idleCyclePj}}) {
    YAML::Node node;
    if (!cycle.node(key, node, leaks ? Need::Optional : Need::Required))
      continue;
    if (const EnergyRow *row = readRow(cycle, key, node, model.table)) {
      if (row->kind != EnergyClass::Clock)
        return cycle.failAt(node, key, absl::StrCat("'", row->component, "' is not of class clock"));
      *out = row->energyPj;
    }
  }
  if (leaks)
    readLeakage(cycle, model);
}

void MachineReader::readPrice(yaml::Map &map, const std::string &component, const std::string &action,
                              EnergyModel &model) {
  YAML::Node node;
  if (!map.node(action.c_str(), node, Need::Optional))
    return;
  double times = 1;
  const EnergyRow *row = nullptr;
  if (node.IsMap()) {
    map.map(action.c_str(), [&](yaml::Map &price) {
      YAML::Node rowNode;
      if (price.node("row", rowNode))
        row = readRow(price, "row", rowNode, model.table);
      price.number("times", times, {0, 1e6}, Need::Optional);
    });
  } else {
    row = readRow(map, action.c_str(), node, model.table);
  }
  if (!row || !map.ok())
    return;
  // A counted word costs as many bits as it has, at the row's energy per bit.
  double bits = wordBitsOf(component);
  double scale = bits > 0 && row->bits > 0 ? bits / row->bits : 1.0;
  model.prices[component][action] = {row->energyPj * scale * times, absl::StrCat(row->component, ".", row->action)};
}

void MachineReader::readPrices(yaml::Map &map, EnergyModel &model) {
  map.map("prices", [&](yaml::Map &prices) {
    for (const std::string &component : componentNames()) {
      if (component == kClockComponent)
        continue;
      prices.map(
          component.c_str(),
          [&](yaml::Map &actions) {
            for (const std::string &action : countedActions())
              readPrice(actions, component, action, model);
          },
          Need::Optional);
    }
  });
}

void MachineReader::readLeavesOut(yaml::Map &map, EnergyModel &model) {
  YAML::Node node;
  if (!map.node("leaves_out", node))
    return;
  if (!node.IsSequence())
    return map.failAt(node, "leaves_out", "expected a list of 'component.action' or 'component.*'");
  std::vector<std::string> components = componentNames(), actions = countedActions();
  actions.push_back("*");
  for (const YAML::Node &element : node) {
    std::string text = element.IsScalar() ? element.Scalar() : std::string();
    std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('.', 1));
    if (std::find(components.begin(), components.end(), parts.first) == components.end())
      return map.failAt(element, "leaves_out",
                        absl::StrCat("unknown component '", parts.first, "'", suggestion(parts.first, components)));
    if (std::find(actions.begin(), actions.end(), parts.second) == actions.end())
      return map.failAt(element, "leaves_out",
                        absl::StrCat("unknown action '", parts.second, "'", suggestion(parts.second, actions)));
    auto priced = model.prices.find(parts.first);
    if (priced != model.prices.end() && priced->second.count(parts.second))
      return map.failAt(element, "leaves_out", absl::StrCat("'", text, "' has a price above"));
    model.unpriced.push_back(text);
  }
}

// What every program does must have a price or be left out by name.
void MachineReader::checkPrices(yaml::Map &map, const EnergyModel &model) {
  if (!map.ok())
    return;
  auto need = [&](const std::string &component, const char *action) {
    auto priced = model.prices.find(component);
    bool has = priced != model.prices.end() && priced->second.count(action);
    if (!has && !model.isLeftOut(component, action))
      map.failAt("prices",
                 absl::StrCat("'", component, ".", action, "' has neither a price nor a place under leaves_out"));
  };
  for (const Level &level : machine.levels)
    for (const char *action : {"read", "write", "metadata_read", "metadata_write"})
      need(level.name, action);
  need("mac", "compute");
  if (!machine.safs.empty())
    need("mac", "gated");
  need("noc", "transfer");
  need("vector", "compute");
  if (map.ok() && !map.has("cycle") && !model.isLeftOut(kClockComponent, "*"))
    map.failAt("table", "expected 'cycle' (the rows of a busy and an idle cycle, or of leakage), or 'clock.*' under leaves_out");
}

//===----------------------------------------------------------------------===//
// Area
//===----------------------------------------------------------------------===//

void MachineReader::readArea(yaml::Map &map) {
  EnergyTable table;
  if (!readTable(map, table))
    return;
  if (table.areas.empty())
    return map.failAt("table", absl::StrCat("the table '", table.name, "' has no areas"));
  AreaModel model;
  model.table = table.name;
  model.unit = table.areaUnit;
  model.source = table.source;
  model.technologyNm = table.technologyNm;
  std::vector<std::string> components = componentNames();
  std::erase_if(components, [](const std::string &name) { return name == "dram" || name == kClockComponent; });
  if (map.has("whole")) {
    std::string row;
    YAML::Node node;
    map.node("whole", node);
    map.text("whole", row);
    if (!map.ok())
      return;
    absl::StatusOr<const AreaRow *> found = table.findArea(row);
    if (!found.ok())
      return map.failAt(node, "whole", found.status().message());
    model.parts["whole"] = {(*found)->area, 1, (*found)->component};
    machine.area = std::move(model);
    return;
  }
  map.map("components", [&](yaml::Map &parts) {
    for (const std::string &component : components) {
      // As many as there are, unless the file says otherwise.
      const Level *level = machine.findLevel(component);
      double count = level ? double(level->instances) : component == "mac" ? double(machine.peakMacsPerCycle) : 1;
      YAML::Node node;
      if (!parts.node(component.c_str(), node, Need::Optional))
        continue;
      std::string row;
      if (node.IsMap())
        parts.map(component.c_str(), [&](yaml::Map &part) {
          part.text("row", row);
          part.number("count", count, kInstances, Need::Optional);
        });
      else
        parts.text(component.c_str(), row);
      if (!parts.ok())
        return;
      absl::StatusOr<const AreaRow *> found = table.findArea(row);
      if (!found.ok())
        return parts.failAt(node, component.c_str(), found.status().message());
      model.parts[component] = {(*found)->area * count, count, (*found)->component};
    }
  });
  std::vector<size_t> out;
  if (map.choices("leaves_out", out, components, Need::Optional))
    for (size_t index : out) {
      if (model.parts.count(components[index]))
        return map.failAt("leaves_out", absl::StrCat("'", components[index], "' has an area above"));
      model.leavesOut.push_back(components[index]);
    }
  if (!map.ok())
    return;
  for (const std::string &component : components)
    if (!model.parts.count(component) &&
        std::find(model.leavesOut.begin(), model.leavesOut.end(), component) == model.leavesOut.end())
      return map.failAt("components",
                        absl::StrCat("'", component, "' has neither an area nor a place under leaves_out"));
  if (model.empty())
    return map.failAt("components", "expected at least one component with an area");
  machine.area = std::move(model);
}

} // namespace sparseaccel::machine
