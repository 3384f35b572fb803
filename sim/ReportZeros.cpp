//===- ReportZeros.cpp - Real zeros beside independent ones ---------------===//

#include "SparseAccel/Sim/ReportZeros.h"

#include "Table.h"

#include "absl/strings/str_format.h"

namespace sparseaccel::sim {

double balanceOf(const dataflow::Counts &counts) {
  double mac = counts.boundCycles[size_t(dataflow::Bound::Mac)],
         sync = counts.boundCycles[size_t(dataflow::Bound::Sync)];
  return mac + sync > 0 ? mac / (mac + sync) : 1;
}

std::string formatZeros(const std::string &machine, const std::vector<ZerosLayer> &layers, const RunStats &real,
                        const RunStats &independent) {
  std::string text = absl::StrCat(
      machine, ": zeros where they are against as many independent ones\n",
      "array: cycles of the array alone; ratio = with real zeros / with independent ones; balance: share of the array's "
      "cycles, waits for\nnetwork and buffers aside, that evenly loaded multipliers would need\n\n");
  Table table({"layer", "kind", "nonzero a", "nonzero b", "array", "independent", "ratio", "balance", "independent",
               "all cycles", "independent", "ratio"},
              2);
  double images = std::max<double>(1, double(real.images)), others = std::max<double>(1, double(independent.images));
  auto cell = [](double value) { return absl::StrFormat("%.0f", value); };
  auto share = [](double value) { return absl::StrFormat("%.1f%%", 100 * value); };
  auto ratio = [](double value, double by) { return by > 0 ? absl::StrFormat("%.3f", value / by) : std::string("-"); };
  auto add = [&](std::string name, std::string densityA, std::string densityB, const LayerStats &mine,
                 const LayerStats &theirs) {
    double array = mine.computeCycles / images, otherArray = theirs.computeCycles / others;
    double cycles = mine.cycles / images, otherCycles = theirs.cycles / others;
    table.add({std::move(name), mine.kind, std::move(densityA), std::move(densityB), cell(array), cell(otherArray),
               ratio(array, otherArray), share(balanceOf(mine.counts)), share(balanceOf(theirs.counts)), cell(cycles),
               cell(otherCycles), ratio(cycles, otherCycles)});
  };
  LayerStats sum, otherSum;
  for (const ZerosLayer &layer : layers) {
    auto named = [&](const LayerStats &stats) { return stats.name == layer.name && stats.counts.slots > 0; };
    auto mine = std::find_if(real.layers.begin(), real.layers.end(), named);
    auto theirs = std::find_if(independent.layers.begin(), independent.layers.end(), named);
    if (mine == real.layers.end() || theirs == independent.layers.end())
      continue;
    add(layer.name, share(layer.activations), share(layer.weights), *mine, *theirs);
    sum.add(*mine);
    otherSum.add(*theirs);
  }
  table.addRule();
  sum.kind = "";
  add("all", "", "", sum, otherSum);
  return text + table.format();
}

} // namespace sparseaccel::sim
