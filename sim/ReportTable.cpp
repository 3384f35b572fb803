//===- ReportTable.cpp - Reports for the terminal -------------------------===//

#include "Table.h"

#include "SparseAccel/Sim/Report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace sparseaccel::sim {

namespace {

/// A power of 1000 that leaves the largest value of a column readable.
struct Scale {
  double factor = 1;
  const char *prefix = "";
  explicit Scale(double largest) {
    static constexpr const char *prefixes[] = {"", "k", "M", "G", "T", "P"};
    size_t step = 0;
    for (double value = std::fabs(largest); value >= 10000 && step + 1 < std::size(prefixes); value /= 1000)
      ++step;
    factor = std::pow(1000.0, static_cast<double>(step));
    prefix = prefixes[step];
  }
  std::string apply(double value) const {
    double scaled = value / factor;
    return factor == 1 && std::floor(scaled) == scaled ? absl::StrFormat("%.0f", scaled)
                                                       : absl::StrFormat("%.2f", scaled);
  }
};

/// pJ carries on in steps of 1000 to joules; another unit takes prefixes.
struct EnergyScale {
  double factor = 1;
  std::string unit;
  EnergyScale(double largest, const std::string &tableUnit) {
    Scale scale(largest);
    static constexpr const char *joules[] = {"pJ", "nJ", "uJ", "mJ", "J", "kJ"};
    factor = scale.factor;
    unit = tableUnit == "pJ" ? joules[static_cast<size_t>(std::lround(std::log10(factor) / 3))]
                             : absl::StrCat(scale.prefix, tableUnit);
  }
  std::string apply(double value) const { return absl::StrFormat("%.2f", value / factor); }
};

std::string shortened(const std::string &name) {
  constexpr size_t kWidth = 32;
  return name.size() <= kWidth ? name : absl::StrCat(name.substr(0, kWidth - 13), "...", name.substr(name.size() - 10));
}

std::string percent(double part, double whole) {
  return whole > 0 ? absl::StrFormat("%.1f%%", 100 * part / whole) : "-";
}
std::string count(double value) { return absl::StrFormat("%.0f", value); }
std::string ratio(double value, double by) {
  if (!(by > 0 && value > 0))
    return "-";
  return value / by < 0.1 ? absl::StrFormat("%.4f", value / by) : absl::StrFormat("%.2f", value / by);
}

std::string workTable(const Report &report) {
  double images = std::max<double>(1, static_cast<double>(report.images));
  Scale macs(report.totals.macs / images), bytes(report.totals.dramBytes / images);
  Table table({"layer", "kind", "where", "bound", absl::StrCat(macs.prefix, "MACs"), "effectual", "cycles", "compute",
               "util.", absl::StrCat("DRAM ", bytes.prefix, "B")},
              4);
  auto row = [&](const LayerReport &layer, std::string name, std::string where) {
    bool timed = !layer.onHost;
    table.add({std::move(name), layer.kind, std::move(where), layer.bound == "none" ? "-" : layer.bound,
               layer.macs > 0 ? macs.apply(layer.macs / images) : "-",
               timed ? percent(layer.effectualMacs, layer.macs) : "-", timed ? count(layer.cycles / images) : "-",
               timed ? count(layer.computeCycles / images) : "-",
               layer.utilization > 0 ? percent(layer.utilization, 1) : "-",
               timed ? bytes.apply(layer.dramBytes / images) : "-"});
  };
  for (const LayerReport &layer : report.layers)
    row(layer, shortened(layer.name), layer.onHost ? "host" : "accelerator");
  table.addRule();
  row(report.totals, "total", "");
  return table.format();
}

std::string energyTable(const Report &report) {
  double images = std::max<double>(1, static_cast<double>(report.images));
  EnergyScale scale(report.totals.energyPj / images, report.energyUnit);
  std::vector<std::string> header = {"layer", scale.unit};
  std::vector<std::string> components;
  for (const auto &[component, pj] : report.totals.energyByComponentPj)
    components.push_back(component);
  std::sort(components.begin(), components.end(), [&](const std::string &x, const std::string &y) {
    double a = report.totals.energyByComponentPj.at(x), b = report.totals.energyByComponentPj.at(y);
    return a != b ? a > b : x < y;
  });
  header.insert(header.end(), components.begin(), components.end());
  Table table(header, 1);
  auto row = [&](const LayerReport &layer, std::string name) {
    std::vector<std::string> cells = {std::move(name), scale.apply(layer.energyPj / images)};
    for (const std::string &component : components) {
      auto it = layer.energyByComponentPj.find(component);
      cells.push_back(percent(it == layer.energyByComponentPj.end() ? 0 : it->second, layer.energyPj));
    }
    table.add(std::move(cells));
  };
  for (const LayerReport &layer : report.layers)
    if (!layer.onHost)
      row(layer, shortened(layer.name));
  table.addRule();
  row(report.totals, "total");
  return table.format();
}

std::string tableNode(const Report &report) {
  return report.energyTechnologyNm > 0 ? absl::StrFormat("%g nm", report.energyTechnologyNm) : "no node";
}

std::string machineLine(const Report &report) {
  return absl::StrFormat("%s: %s; %g nm, %g MHz, %d multipliers", report.machine, report.description,
                         report.technologyNm, report.clockMhz, report.peakMacsPerCycle);
}

/// Names in a line that people read; all of them are in stats.json.
std::string someNames(const std::vector<std::string> &names) {
  constexpr size_t kShown = 16;
  if (names.size() <= kShown)
    return absl::StrJoin(names, ", ");
  return absl::StrCat(absl::StrJoin(names.begin(), names.begin() + kShown, ", "), " and ", names.size() - kShown,
                      " more");
}

/// A line for each active SAF and the layers that have it, in the order in which they come up.
std::string activeSafs(const Report &report) {
  std::vector<std::string> names;
  std::vector<const LayerReport *> layers;
  for (const LayerReport &layer : report.layers) {
    if (layer.mapping.empty() && layer.safs.empty())
      continue; // No CONTRACT.
    layers.push_back(&layer);
    for (const std::string &saf : layer.safs)
      if (std::find(names.begin(), names.end(), saf) == names.end())
        names.push_back(saf);
  }
  if (layers.empty())
    return "";
  if (names.empty())
    return "active SAFs        none\n";
  std::string text;
  for (const std::string &saf : names) {
    std::vector<std::string> with, without;
    for (const LayerReport *layer : layers)
      (std::find(layer->safs.begin(), layer->safs.end(), saf) == layer->safs.end() ? without : with)
          .push_back(layer->name);
    std::string where = without.empty()                ? "every layer"
                        : without.size() < with.size() ? absl::StrCat("all but ", someNames(without))
                                                       : someNames(with);
    absl::StrAppend(&text, text.empty() ? "active SAFs        " : "                   ", saf, ": ", where, "\n");
  }
  return text;
}

/// The SAFs of all layers together, for a line of a comparison.
std::string safSummary(const Report &report) {
  std::vector<std::string> names;
  for (const LayerReport &layer : report.layers)
    for (const std::string &saf : layer.safs)
      if (std::find(names.begin(), names.end(), saf) == names.end())
        names.push_back(saf);
  return names.empty() ? "none" : absl::StrJoin(names, "; ");
}

/// An area with its unit: square millimetres, or what a relative table is relative to.
std::string areaText(double area, const std::string &unit) {
  return unit == "um2" ? absl::StrFormat("%.4g mm2", area * 1e-6) : absl::StrFormat("%.4g %s", area, unit);
}

std::string areaLine(const machine::AreaModel &area) {
  std::vector<std::pair<std::string, double>> parts;
  for (const auto &[component, part] : area.parts)
    parts.emplace_back(component, part.area);
  std::stable_sort(parts.begin(), parts.end(), [](const auto &x, const auto &y) { return x.second > y.second; });
  std::vector<std::string> shares;
  for (const auto &[component, size] : parts)
    shares.push_back(absl::StrCat(component, " ", percent(size, area.total())));
  std::string node = area.technologyNm > 0 ? absl::StrFormat(" (%g nm)", area.technologyNm) : "";
  return absl::StrCat("area               ", areaText(area.total(), area.unit), " by table ", area.table, node, ": ",
                      absl::StrJoin(shares, ", "),
                      area.leavesOut.empty() ? "" : absl::StrCat("; leaves out ", absl::StrJoin(area.leavesOut, ", ")),
                      "\n");
}

} // namespace

std::string formatReport(const Report &report) {
  double images = std::max<double>(1, static_cast<double>(report.images));
  std::string text = absl::StrCat(
      machineLine(report), "; ", report.numerics, "; ",
      report.images == 1 ? std::string("1 image") : absl::StrCat("means of ", report.images, " images"), "\n");
  for (const std::string &note : report.notes)
    absl::StrAppend(&text, "note: ", note, "\n");
  absl::StrAppend(&text, "\n", workTable(report), "\n");
  absl::StrAppend(&text, "energy by table ", report.energyTable, " (", tableNode(report), "; ", report.energySource,
                  ")\n", energyTable(report), "\n");

  absl::StrAppendFormat(&text, "time per image     %.6g ms at %g MHz\n", 1e3 * report.totals.seconds / images,
                        report.clockMhz);
  unsigned widest = signedBits(report.widestSum);
  absl::StrAppend(&text, "widest sum         ", widest, " bits; the machine charges for ", report.psumBits,
                  widest > report.psumBits ? ", in which it would overflow or scale" : "", "\n");
  double hostMacs = report.hostMacs();
  std::vector<std::string> onHost;
  for (const LayerReport &layer : report.layers)
    if (layer.onHost)
      onHost.push_back(layer.name);
  absl::StrAppend(&text, "on the host        ", percent(hostMacs, report.totals.macs), " of the MACs",
                  onHost.empty() ? "" : "; its time and energy are not counted: ", someNames(onHost), "\n");
  absl::StrAppend(&text, activeSafs(report));
  if (!report.area.empty())
    absl::StrAppend(&text, areaLine(report.area));
  absl::StrAppend(&text, "energy leaves out  ", report.tableLeavesOut, "\n");
  if (!report.leftOut.empty())
    absl::StrAppend(&text, "  and, counted     ", absl::StrJoin(report.leftOut, ", "), "\n");
  if (!report.chargesCycles)
    absl::StrAppend(&text, "  and              clock, control and leakage: the machine has no price for a cycle\n");
  if (report.energyUnit == "pJ" && report.energyTechnologyNm != report.technologyNm)
    absl::StrAppendFormat(&text, "  the energies are those of %s, the machine is %g nm\n", tableNode(report),
                          report.technologyNm);
  return text;
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

std::vector<std::string> comparisonWarnings(const Report &report, const Report &baseline) {
  std::vector<std::string> warnings;
  auto differ = [&](const char *what, const std::string &mine, const std::string &theirs, const char *meaning) {
    if (mine != theirs)
      warnings.push_back(absl::StrCat(what, " differs: ", report.label(), " has ", mine, ", ", baseline.label(),
                                      " has ", theirs, meaning));
  };
  differ("technology", absl::StrFormat("%g nm", report.technologyNm), absl::StrFormat("%g nm", baseline.technologyNm),
         "; neither seconds nor joules compare");
  differ("clock", absl::StrFormat("%g MHz", report.clockMhz), absl::StrFormat("%g MHz", baseline.clockMhz),
         "; speed-ups are of seconds, each at its own clock");
  differ("energy table", report.energyTable, baseline.energyTable, "; the energy ratio means nothing");
  if (!report.area.empty() && !baseline.area.empty())
    differ("area table", report.area.table, baseline.area.table, "; there is no iso-area ratio");
  differ("charge for clock, control and leakage", report.chargesCycles ? "one" : "none",
         baseline.chargesCycles ? "one" : "none", "; the energy ratio is biased by it");
  differ("numerics", report.numerics, baseline.numerics, "");
  differ("number of images", absl::StrCat(report.images), absl::StrCat(baseline.images), "; figures are per image");
  return warnings;
}

std::string formatComparison(const Report &report, const Report &baseline) {
  bool hasArea = !report.area.empty() && !baseline.area.empty() && report.area.table == baseline.area.table;
  std::string text = absl::StrCat(report.label(), " against ", baseline.label(), "\n",
                                  "baseline: ", machineLine(baseline), "; ", baseline.numerics, "\n");
  absl::StrAppend(&text,
                  "          running the same layers with the mapping that the compiler chose for it; energy by table ",
                  baseline.energyTable, "\n", "speed-up = baseline's seconds / ", report.label(),
                  "'s; compute: of the array alone, without loads and stores; iso-MAC: compute, per multiplier",
                  hasArea ? "; iso-area: speed-up, per area" : "", "\n");
  absl::StrAppend(&text, "active SAFs: ", safSummary(report), "\n   baseline: ", safSummary(baseline), "\n");
  double areas = hasArea ? baseline.area.total() / report.area.total() : 0;
  if (hasArea)
    absl::StrAppend(&text, "area: ", areaText(report.area.total(), report.area.unit), " against ",
                    areaText(baseline.area.total(), baseline.area.unit), " by table ", report.area.table, "\n");
  for (const std::string &warning : comparisonWarnings(report, baseline))
    absl::StrAppend(&text, "warning: ", warning, "\n");
  absl::StrAppend(&text, "\n");

  double images = std::max<double>(1, static_cast<double>(report.images));
  double baseImages = std::max<double>(1, static_cast<double>(baseline.images));
  double clocks = report.clockMhz / baseline.clockMhz; // cycles of the baseline last this many of ours
  double multipliers = static_cast<double>(baseline.peakMacsPerCycle) / static_cast<double>(report.peakMacsPerCycle);
  std::vector<std::string> header = {"layer", "kind", "cycles", "baseline", "speed-up", "compute", "iso-MAC"};
  if (hasArea)
    header.emplace_back("iso-area");
  header.emplace_back("energy ratio");
  Table table(header, 2);
  auto row = [&](std::string name, const LayerReport &mine, const LayerReport &theirs) {
    double cycles = mine.cycles / images, baseCycles = theirs.cycles / baseImages * clocks;
    double compute = mine.computeCycles / images, baseCompute = theirs.computeCycles / baseImages * clocks;
    std::vector<std::string> cells = {std::move(name),
                                      mine.kind,
                                      count(cycles),
                                      count(theirs.cycles / baseImages),
                                      ratio(baseCycles, cycles),
                                      ratio(baseCompute, compute),
                                      mine.macs > 0 ? ratio(baseCompute * multipliers, compute) : "-"};
    if (hasArea)
      cells.push_back(ratio(baseCycles * areas, cycles));
    cells.push_back(ratio(theirs.energyPj / baseImages, mine.energyPj / images));
    table.add(std::move(cells));
  };
  // Sum of the layers that multiply, on both machines.
  LayerReport mine, theirs;
  auto accumulate = [](LayerReport &sum, const LayerReport &layer) {
    sum.cycles += layer.cycles;
    sum.computeCycles += layer.computeCycles;
    sum.energyPj += layer.energyPj;
    sum.macs += layer.macs;
  };
  std::vector<std::string> unmatched;
  std::set<const LayerReport *> used;
  for (const LayerReport &layer : report.layers) {
    auto other = std::find_if(baseline.layers.begin(), baseline.layers.end(),
                              [&](const LayerReport &base) { return base.name == layer.name && !used.count(&base); });
    if (other == baseline.layers.end() || layer.onHost != other->onHost) {
      unmatched.push_back(layer.name);
      if (other != baseline.layers.end())
        used.insert(&*other);
      continue;
    }
    used.insert(&*other);
    if (layer.onHost)
      continue;
    row(shortened(layer.name), layer, *other);
    if (layer.macs > 0) {
      accumulate(mine, layer);
      accumulate(theirs, *other);
    }
  }
  for (const LayerReport &base : baseline.layers)
    if (!used.count(&base))
      unmatched.push_back(base.name);
  table.addRule();
  row("layers with MACs", mine, theirs);
  row("total", report.totals, baseline.totals);
  absl::StrAppend(&text, table.format());
  if (!unmatched.empty())
    absl::StrAppend(&text, "not on the accelerator of both, and in neither row but the total: ",
                    absl::StrJoin(unmatched, ", "), "\n");
  return text;
}

} // namespace sparseaccel::sim
