//===- EnergyTable.cpp - Energy per action and area, with sources ---------===//

#include "EnergyTables.h"
#include "SparseAccel/Support/Names.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
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

absl::string_view actionName(absl::string_view action) { return action.substr(0, action.find('(')); }

/// "chip.PE.spad" of "chip.PE[0..167].spad": without the ranges that say how many there are.
static std::string withoutRanges(absl::string_view name) {
  std::string plain;
  bool inside = false;
  for (char c : name) {
    inside |= c == '[';
    if (!inside)
      plain += c;
    inside &= c != ']';
  }
  return plain;
}

/// Those of `rows` that a name means: the one of exactly this name, else (where components are paths) every one whose
/// name ends in it, else every one that does so without the ranges in its path.
template <typename Row, typename NameOf>
static std::vector<const Row *> rowsNamed(const std::vector<Row> &rows, absl::string_view name, bool paths,
                                          NameOf nameOf) {
  std::vector<const Row *> found;
  for (const Row &row : rows)
    if (nameOf(row) == name)
      return {&row};
  if (!paths)
    return found;
  auto endsIn = [](absl::string_view whole, absl::string_view end) {
    return whole == end || absl::EndsWith(whole, absl::StrCat(".", end));
  };
  for (const Row &row : rows)
    if (endsIn(nameOf(row), name))
      found.push_back(&row);
  if (found.empty())
    for (const Row &row : rows)
      if (endsIn(withoutRanges(nameOf(row)), name))
        found.push_back(&row);
  return found;
}

/// The end of a row's path that a name written like `like` would be: as many parts of it, with ranges and arguments
/// only where that has some.
static std::string asWritten(std::string row, absl::string_view like) {
  if (like.find('(') == like.npos)
    row.resize(std::min(row.find('('), row.size()));
  if (like.find('[') == like.npos)
    row = withoutRanges(row);
  auto lastParts = [](absl::string_view path, size_t parts) {
    size_t begin = path.size();
    for (int nested = 0; begin > 0; --begin) {
      char c = path[begin - 1];
      nested += c == ']' || c == ')' ? 1 : c == '[' || c == '(' ? -1 : 0;
      if (c == '.' && nested == 0 && --parts == 0)
        break;
    }
    return path.substr(begin);
  };
  size_t parts = 1;
  while (lastParts(like, parts).size() < like.size())
    ++parts;
  return std::string(lastParts(row, parts));
}

template <typename Row, typename NameOf>
static absl::StatusOr<const Row *> oneRow(const EnergyTable &table, const char *what, const std::vector<Row> &rows,
                                          absl::string_view name, NameOf nameOf) {
  std::vector<const Row *> found = rowsNamed(rows, name, table.fromAccelergy, nameOf);
  if (found.size() == 1)
    return found.front();
  std::vector<std::string> names;
  if (!found.empty()) {
    for (const Row *row : found)
      names.push_back(nameOf(*row));
    return absl::NotFoundError(absl::StrCat("'", name, "' names several rows of energy table '", table.name,
                                            "': ", absl::StrJoin(names, ", ")));
  }
  for (const Row &row : rows)
    names.push_back(nameOf(row));
  std::string near = suggestion(name, names);
  if (table.fromAccelergy) {
    std::vector<std::string> ends;
    for (const std::string &row : names)
      ends.push_back(asWritten(row, name));
    if (std::string end = nearestName(name, ends); !end.empty())
      near = absl::StrCat("; did you mean '", names[std::find(ends.begin(), ends.end(), end) - ends.begin()], "'?");
  }
  return absl::NotFoundError(absl::StrCat("energy table '", table.name, "' has no ", what, " '", name, "'", near));
}

static std::string rowName(const EnergyRow &row) { return absl::StrCat(row.component, ".", row.action); }

/// "data_delta=1" and so on of "read(address_delta=0,data_delta=1)".
static std::vector<std::string> argumentsOf(absl::string_view action) {
  size_t open = action.find('(');
  if (open == action.npos)
    return {};
  absl::string_view inside = action.substr(open + 1);
  return absl::StrSplit(absl::StripSuffix(inside, ")"), ',', absl::SkipEmpty());
}

absl::StatusOr<const EnergyRow *> EnergyTable::findRow(absl::string_view name) const {
  if (!fromAccelergy || !rowsNamed(rows, name, fromAccelergy, rowName).empty())
    return oneRow(*this, "row", rows, name, rowName);
  // An action that is priced by its arguments, named with some of them or none: the one row that they fit.
  std::vector<std::string> asked = argumentsOf(name);
  std::vector<const EnergyRow *> byArguments = rowsNamed(rows, actionName(name), true, [](const EnergyRow &row) {
    return absl::StrCat(row.component, ".", actionName(row.action));
  });
  // Several rows have one name without their arguments, of which the lookup gives the first.
  if (!byArguments.empty()) {
    std::string plain = absl::StrCat(byArguments.front()->component, ".", actionName(byArguments.front()->action));
    bool alone = std::all_of(byArguments.begin(), byArguments.end(), [&](const EnergyRow *row) {
      return absl::StrCat(row->component, ".", actionName(row->action)) == plain;
    });
    if (alone) {
      byArguments.clear();
      for (const EnergyRow &row : rows)
        if (absl::StrCat(row.component, ".", actionName(row.action)) == plain)
          byArguments.push_back(&row);
    }
  }
  std::vector<const EnergyRow *> fitting;
  std::vector<std::string> names;
  for (const EnergyRow *row : byArguments) {
    std::vector<std::string> has = argumentsOf(row->action);
    if (std::all_of(asked.begin(), asked.end(),
                    [&](const std::string &one) { return std::find(has.begin(), has.end(), one) != has.end(); }))
      fitting.push_back(row);
    names.push_back(rowName(*row));
  }
  if (fitting.size() == 1)
    return fitting.front();
  if (names.empty())
    return oneRow(*this, "row", rows, name, rowName);
  return absl::NotFoundError(absl::StrCat("energy table '", this->name, "' prices '", name,
                                          "' by arguments: name one of ", absl::StrJoin(names, ", ")));
}

absl::StatusOr<const AreaRow *> EnergyTable::findArea(absl::string_view component) const {
  return oneRow(*this, "area of", areas, component, [](const AreaRow &row) { return row.component; });
}

double AreaModel::total() const {
  double sum = 0;
  for (const auto &[component, part] : parts)
    sum += part.area;
  return sum;
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

static constexpr yaml::Range kBits{1, 1 << 20};
static constexpr yaml::Range kEntries{1, 1e12};

static void readComponent(yaml::Map &map, EnergyTable &table, std::set<std::string> &names) {
  EnergyRow row;
  size_t kind = 0;
  row.source = table.source;
  map.text("name", row.component);
  // An area alone may be that of a whole chip, which is of no class.
  bool hasArea = map.has("area"), areaOnly = hasArea && !map.has("actions");
  row.kind = EnergyClass::Unknown;
  if (map.choice("class", kind, classNames(), areaOnly ? yaml::Need::Optional : yaml::Need::Required))
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
  if (hasArea) {
    AreaRow area{row.component, 0, row.source, 0, row.kind, row.family, row.bits, row.entries};
    YAML::Node node;
    map.node("area", node);
    area.line = yaml::Document::lineOf(node);
    map.number("area", area.area, kAreaRange);
    table.areas.push_back(std::move(area));
  }
  auto readActions = [&](yaml::Map &actions) {
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
          own.number("energy", one.energyPj, kEnergyRange);
          own.number("bits", one.bits, kBits, yaml::Need::Optional);
          own.number("entries", one.entries, kEntries, yaml::Need::Optional);
          own.text("source", one.source, yaml::Need::Optional);
        });
      } else {
        actions.number(action.c_str(), one.energyPj, kEnergyRange);
      }
      table.rows.push_back(std::move(one));
    }
    if (!any && actions.ok()) {
      actions.finish(); // a misspelt action is the better message
      actions.fail("expected at least one action");
    }
  };
  map.map("actions", readActions, hasArea ? yaml::Need::Optional : yaml::Need::Required);
}

absl::StatusOr<EnergyTable> parseEnergyTable(absl::string_view text, absl::string_view file) {
  yaml::Document document(text, file);
  EnergyTable table;
  table.file = std::string(file);
  if (document.ok() && isAccelergyTable(document.root())) {
    table.name = std::string(file);
    readAccelergyTable(document, table);
    if (!document.ok())
      return document.status();
    return table;
  }
  yaml::Map map(document, document.root(), "");
  map.text("name", table.name);
  bool hasUnit = map.has("unit"); // A table of areas alone has none.
  table.unit = "pJ";
  map.text("unit", table.unit, yaml::Need::Optional);
  map.text("area_unit", table.areaUnit, yaml::Need::Optional);
  map.number("technology_nm", table.technologyNm, {0, 10000}, yaml::Need::Optional);
  map.text("source", table.source, yaml::Need::Optional);
  map.text("leaves_out", table.leavesOut);
  if (map.ok() && table.unit != "pJ" && table.unit != "MAC")
    map.failAt("unit", absl::StrCat("expected pJ, or MAC for a table relative to one multiply-accumulate, found '",
                                    table.unit, "'"));
  std::set<std::string> names;
  map.list("components", [&](yaml::Map &component) { readComponent(component, table, names); });
  if (map.ok() && !table.rows.empty() && !hasUnit)
    map.text("unit", table.unit);
  bool absolute = (hasUnit && table.unit == "pJ") || (!table.areas.empty() && table.areaUnit == "um2");
  if (map.ok() && absolute && table.technologyNm == 0)
    map.fail(absl::StrCat("a table in ", hasUnit && table.unit == "pJ" ? "pJ" : "um2",
                          " needs 'technology_nm', the node that its figures belong to"));
  map.finish();
  if (!document.ok())
    return document.status();
  if (table.rows.empty() && table.areas.empty())
    return absl::InvalidArgumentError(absl::StrCat(file, ": components: expected at least one"));
  return table;
}

absl::StatusOr<EnergyTable> loadEnergyTable(const std::string &path) {
  absl::StatusOr<std::string> text = yaml::readTextFile(path);
  if (!text.ok())
    return text.status();
  return parseEnergyTable(*text, path);
}

} // namespace sparseaccel::machine
