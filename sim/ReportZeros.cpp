//===- ReportZeros.cpp - Real zeros beside independent ones ---------------===//

#include "SparseAccel/Sim/ReportZeros.h"

#include "Table.h"

#include "absl/strings/str_format.h"

#include <algorithm>

namespace sparseaccel::sim {

double balanceOf(const dataflow::Counts &counts) {
  double mac = counts.boundCycles[size_t(dataflow::Bound::Mac)],
         sync = counts.boundCycles[size_t(dataflow::Bound::Sync)];
  return mac + sync > 0 ? mac / (mac + sync) : 1;
}

static ZerosSide sideOf(const LayerStats &stats, double scale) {
  return {stats.computeCycles * scale, stats.cycles * scale, balanceOf(stats.counts)};
}

ZerosComparison compareZeros(const std::vector<ZerosLayer> &layers, const RunStats &real, const RunStats &independent) {
  ZerosComparison comparison;
  comparison.images = std::max<uint64_t>(1, real.images);
  double scale = double(comparison.images) / std::max<double>(1, double(independent.images));
  LayerStats sum, otherSum;
  for (const ZerosLayer &layer : layers) {
    auto named = [&](const LayerStats &stats) { return stats.name == layer.name && stats.counts.slots > 0; };
    auto mine = std::find_if(real.layers.begin(), real.layers.end(), named);
    auto theirs = std::find_if(independent.layers.begin(), independent.layers.end(), named);
    if (mine == real.layers.end() || theirs == independent.layers.end())
      continue;
    comparison.layers.push_back({layer, mine->kind, sideOf(*mine, 1), sideOf(*theirs, scale)});
    sum.add(*mine);
    otherSum.add(*theirs);
  }
  comparison.all.layer.name = "all";
  comparison.all.real = sideOf(sum, 1);
  comparison.all.independent = sideOf(otherSum, scale);
  return comparison;
}

std::string formatZeros(const std::string &machine, const ZerosComparison &comparison) {
  std::string text =
      absl::StrCat(machine, ": zeros where they are against as many independent ones\n",
                   "array: cycles of the array alone; ratio = with real zeros / with independent ones; balance: share "
                   "of the array's "
                   "cycles, waits for\nnetwork and buffers aside, that evenly loaded multipliers would need\n\n");
  Table table({"layer", "kind", "nonzero a", "nonzero b", "array", "independent", "ratio", "balance", "independent",
               "all cycles", "independent", "ratio"},
              2);
  double images = double(comparison.images);
  auto cell = [&](double value) { return absl::StrFormat("%.0f", value / images); };
  auto share = [](double value) { return absl::StrFormat("%.1f%%", 100 * value); };
  auto ratio = [](double value, double by) { return by > 0 ? absl::StrFormat("%.3f", value / by) : std::string("-"); };
  auto add = [&](const ZerosRow &row, std::string densityA, std::string densityB) {
    const ZerosSide &mine = row.real, &theirs = row.independent;
    table.add({row.layer.name, row.kind, std::move(densityA), std::move(densityB), cell(mine.arrayCycles),
               cell(theirs.arrayCycles), ratio(mine.arrayCycles, theirs.arrayCycles), share(mine.balance),
               share(theirs.balance), cell(mine.cycles), cell(theirs.cycles), ratio(mine.cycles, theirs.cycles)});
  };
  for (const ZerosRow &row : comparison.layers)
    add(row, share(row.layer.activations), share(row.layer.weights));
  table.addRule();
  add(comparison.all, "", "");
  return text + table.format();
}

} // namespace sparseaccel::sim
