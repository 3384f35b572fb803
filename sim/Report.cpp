//===- Report.cpp - Energies and stats.json -------------------------------===//

#include "SparseAccel/Sim/Report.h"

#include "SparseAccel/Target/Machine/Safs.h"

#include "absl/strings/str_cat.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace sparseaccel::sim {

double Report::hostMacs() const {
  double macs = 0;
  for (const LayerReport &layer : layers)
    macs += layer.onHost ? layer.macs : 0;
  return macs;
}

std::string Report::label() const {
  return safRequest.empty() ? machine : absl::StrCat(machine, " (saf: ", safRequest, ")");
}

std::string formatMapping(const isa::Mapping &mapping, const std::vector<std::string> &levelNames) {
  std::string text;
  int level = -1;
  for (const isa::Loop &loop : mapping.loops) {
    if (loop.level != level) {
      level = loop.level;
      absl::StrAppend(&text, text.empty() ? "" : "; ",
                      loop.level < levelNames.size() ? levelNames[loop.level] : absl::StrCat("level ", level), ":");
    }
    absl::StrAppend(&text, " ", machine::toString(loop.rank), loop.factor,
                    loop.kind == isa::LoopKind::SpatialX   ? "x"
                    : loop.kind == isa::LoopKind::SpatialY ? "y"
                                                           : "");
  }
  return text;
}

unsigned signedBits(double magnitude) {
  int exponent = 0;
  std::frexp(std::floor(std::fabs(magnitude)), &exponent); // magnitude < 2^exponent
  return static_cast<unsigned>(exponent) + 1;
}

static absl::StatusOr<LayerReport> reportOf(const LayerStats &layer, const machine::Machine &machine) {
  LayerReport report;
  report.name = layer.name;
  report.kind = layer.kind;
  report.onHost = layer.onHost;
  report.cycles = layer.cycles;
  report.computeCycles = layer.computeCycles;
  report.loadCycles = layer.loadCycles;
  report.storeCycles = layer.storeCycles;
  report.seconds = layer.cycles / (machine.clockMhz * 1e6);
  report.macs = static_cast<double>(layer.macs);
  report.effectualMacs = layer.counts.effectual;
  report.performedMacs = layer.counts.performed;
  report.gatedMacs = layer.counts.gated;
  report.wastedSlots = layer.counts.wasted;
  report.wastedPaddingSlots = layer.counts.wastedPadding;
  report.wastedOutOfPlaneSlots = layer.counts.wastedOutOfPlane;
  report.dramBytes = static_cast<double>(layer.dram.total());
  report.actions = layer.actions.all();
  report.utilization = layer.utilization();
  bool anyBound = std::any_of(layer.boundCycles.begin(), layer.boundCycles.end(), [](double c) { return c > 0; });
  report.bound = anyBound && !layer.onHost ? dataflow::boundName(layer.bound()) : "none";

  double busy = std::min(layer.computeCycles, layer.cycles);
  absl::StatusOr<std::map<std::string, double>> energy =
      machine.energy.energyByComponent(layer.actions, busy, layer.cycles - busy);
  if (!energy.ok())
    return absl::Status(energy.status().code(), absl::StrCat("layer '", layer.name, "': ", energy.status().message()));
  report.energyByComponentPj = *std::move(energy);
  for (const auto &[component, pj] : report.energyByComponentPj)
    report.energyPj += pj;
  return report;
}

static void addEstimate(LayerReport &report, const isa::LayerEstimate &estimate, double runs) {
  if (!report.estimate)
    report.estimate.emplace();
  report.estimate->cycles += estimate.cycles * runs;
  report.estimate->computeCycles += estimate.computeCycles * runs;
  report.estimate->dramBytes += estimate.dramBytes * runs;
  report.estimate->energyPj += estimate.energyPj * runs;
}

absl::StatusOr<Report> makeReport(const RunStats &stats, const isa::Program &program, const machine::Machine &machine,
                                  const isa::Estimates &estimates) {
  Report report;
  report.machine = machine.name;
  report.description = machine.description;
  report.technologyNm = machine.technologyNm;
  report.clockMhz = machine.clockMhz;
  report.peakMacsPerCycle = machine.peakMacsPerCycle;
  report.psumBits = machine.psumBits;
  for (const machine::Level &level : machine.levels)
    report.wordBits[level.name] = level.wordBits;
  report.energyTable = machine.energy.table.name;
  report.energyUnit = machine.energy.table.unit;
  report.energySource = machine.energy.table.source;
  report.tableLeavesOut = machine.energy.table.leavesOut;
  report.energyTechnologyNm = machine.energy.table.technologyNm;
  for (const auto &[component, actions] : stats.totals.actions.all())
    for (const auto &[action, count] : actions)
      if (count > 0 && machine.energy.isLeftOut(component, action))
        report.leftOut.push_back(absl::StrCat(component, ".", action));
  report.chargesCycles = machine.energy.cyclePj > 0 || machine.energy.idleCyclePj > 0;
  report.numerics = program.numericsName;
  report.images = stats.images;
  report.widestSum = stats.totals.widestSum;

  report.area = machine.area;

  std::vector<std::string> mappings(stats.layers.size());
  std::vector<std::vector<std::string>> safs(stats.layers.size());
  for (const isa::Instruction &instruction : program.instructions) {
    const auto *contract = std::get_if<isa::Contract>(&instruction);
    if (!contract || contract->layer >= mappings.size())
      continue;
    if (contract->mapping < program.mappings.size() && mappings[contract->layer].empty())
      mappings[contract->layer] = formatMapping(program.mappings[contract->mapping], program.levelNames);
    if (contract->safs < program.safSets.size())
      for (const isa::Saf &saf : program.safSets[contract->safs]) {
        std::vector<std::string> &names = safs[contract->layer];
        std::string name = machine::toString(saf, program.levelNames);
        if (std::find(names.begin(), names.end(), name) == names.end())
          names.push_back(std::move(name));
      }
  }

  // The total's energies are the sum of the layers': busy and idle cycles are told apart layer by layer.
  std::map<std::string, double> energies;
  for (size_t i = 0; i < stats.layers.size(); ++i) {
    absl::StatusOr<LayerReport> layer = reportOf(stats.layers[i], machine);
    if (!layer.ok())
      return layer.status();
    layer->mapping = std::move(mappings[i]);
    layer->safs = std::move(safs[i]);
    for (const auto &[component, pj] : layer->energyByComponentPj)
      energies[component] += pj;
    report.layers.push_back(*std::move(layer));
  }
  absl::StatusOr<LayerReport> totals = reportOf(stats.totals, machine);
  if (!totals.ok())
    return totals.status();
  report.totals = *std::move(totals);
  report.totals.energyByComponentPj = std::move(energies);
  report.totals.energyPj = 0;
  for (const auto &[component, pj] : report.totals.energyByComponentPj)
    report.totals.energyPj += pj;
  for (const isa::LayerEstimate &estimate : estimates)
    if (estimate.layer < report.layers.size()) {
      addEstimate(report.layers[estimate.layer], estimate, static_cast<double>(stats.images));
      addEstimate(report.totals, estimate, static_cast<double>(stats.images));
    }
  return report;
}

//===----------------------------------------------------------------------===//
// stats.json
//===----------------------------------------------------------------------===//

using Json = nlohmann::ordered_json;

// Counts are integers: written as such.
static Json number(double value) {
  constexpr double kExact = 9007199254740992.0; // 2^53
  if (std::floor(value) == value && std::fabs(value) < kExact)
    return static_cast<int64_t>(value);
  return value;
}

static void addFigures(Json &json, const LayerReport &layer) {
  json["cycles"] = number(layer.cycles);
  json["compute_cycles"] = number(layer.computeCycles);
  json["load_cycles"] = number(layer.loadCycles);
  json["store_cycles"] = number(layer.storeCycles);
  json["seconds"] = layer.seconds;
  json["energy_pj"] = layer.energyPj;
  Json &energies = json["energy_by_component_pj"] = Json::object();
  for (const auto &[component, pj] : layer.energyByComponentPj)
    energies[component] = pj;
  json["macs"] = number(layer.macs);
  json["effectual_macs"] = number(layer.effectualMacs);
  json["performed_macs"] = number(layer.performedMacs);
  json["gated_macs"] = number(layer.gatedMacs);
  json["wasted_slots"] = number(layer.wastedSlots);
  json["wasted_padding_slots"] = number(layer.wastedPaddingSlots);
  json["wasted_out_of_plane_slots"] = number(layer.wastedOutOfPlaneSlots);
  json["dram_bytes"] = number(layer.dramBytes);
  Json &components = json["actions"] = Json::object();
  for (const auto &[component, actions] : layer.actions)
    for (const auto &[action, count] : actions)
      if (count > 0)
        components[component][action] = number(count);
  json["utilization"] = layer.utilization;
  json["bound"] = layer.bound;
  if (layer.estimate) {
    Json &estimate = json["estimate"] = Json::object();
    estimate["cycles"] = number(layer.estimate->cycles);
    estimate["compute_cycles"] = number(layer.estimate->computeCycles);
    estimate["dram_bytes"] = number(layer.estimate->dramBytes);
    estimate["energy_pj"] = layer.estimate->energyPj;
  }
}

static Json toJson(const ZerosRow &row) {
  Json json;
  json["array_cycles"] = number(row.real.arrayCycles);
  json["independent_array_cycles"] = number(row.independent.arrayCycles);
  json["balance"] = row.real.balance;
  json["independent_balance"] = row.independent.balance;
  json["cycles"] = number(row.real.cycles);
  json["independent_cycles"] = number(row.independent.cycles);
  return json;
}

static Json toJson(const ZerosComparison &comparison) {
  Json json;
  json["images"] = comparison.images;
  json["all"] = toJson(comparison.all);
  Json &layers = json["layers"] = Json::array();
  for (const ZerosRow &row : comparison.layers) {
    Json one;
    one["name"] = row.layer.name;
    one["kind"] = row.kind;
    one["activation_density"] = row.layer.activations;
    one["weight_density"] = row.layer.weights;
    one.update(toJson(row));
    layers.push_back(std::move(one));
  }
  json["left_out"] = comparison.leftOut;
  return json;
}

static const char *toString(GuardKind kind) {
  switch (kind) {
  case GuardKind::Quantised:
    return "quantised";
  case GuardKind::Contraction:
    return "contraction";
  case GuardKind::Table:
    return "table";
  case GuardKind::Moved:
    return "moved";
  case GuardKind::Integer:
    return "integer";
  case GuardKind::Float:
    return "float";
  }
  return "";
}

static Json toJson(const GuardReport &guard) {
  Json json;
  json["images"] = guard.images;
  json["least_snr_db"] = guard.limits.leastSnrDb;
  json["most_saturated"] = guard.limits.mostSaturated;
  Json &layers = json["layers"] = Json::array();
  for (const GuardLayer &layer : guard.layers) {
    const GuardSums &sums = layer.sums;
    double compared = std::max<double>(1, double(sums.compared));
    Json one;
    one["name"] = layer.name;
    one["value"] = layer.value;
    one["computed"] = toString(layer.kind);
    one["compared"] = sums.compared;
    if (std::optional<double> snr = sums.snrDb()) // JSON has no infinity
      one["snr_db"] = *snr;
    one["signal_rms"] = std::sqrt(sums.signal / compared);
    one["noise_rms"] = std::sqrt(sums.noise / compared);
    one["float_largest"] = sums.seen;
    if (layer.scale > 0) {
      one["saturated"] = sums.saturatedShare();
      one["scale"] = layer.scale;
      if (layer.calibrated >= 0)
        one["calibrated"] = layer.calibrated;
    }
    layers.push_back(std::move(one));
  }
  Json &findings = json["findings"] = Json::array();
  for (const GuardFinding &finding : guard.findings)
    findings.push_back(
        {{"layer", guard.layers[finding.layer].name}, {"cause", finding.cause}, {"followers", finding.followers}});
  return json;
}

static Json toJson(const FloatComparison &comparison) {
  Json json;
  json["images"] = comparison.images;
  Json &outputs = json["outputs"] = Json::array();
  for (const OutputError &output : comparison.outputs) {
    Json one;
    one["name"] = output.name;
    one["compared"] = output.compared;
    if (output.integer)
      one["equal"] = output.equal;
    one["largest_error"] = output.largest;
    one["rms_error"] = output.rms;
    one["signal_rms"] = output.signalRms;
    one["range"] = output.range;
    one["rms_over_range"] = output.overRange();
    outputs.push_back(std::move(one));
  }
  return json;
}

std::string toJson(const Report &report) {
  Json json;
  json["machine"] = report.machine;
  json["technology_nm"] = number(report.technologyNm);
  json["clock_mhz"] = number(report.clockMhz);
  json["peak_macs_per_cycle"] = report.peakMacsPerCycle;
  json["energy_table"] = report.energyTable;
  if (!report.area.empty()) {
    Json &area = json["area"] = Json::object();
    area["table"] = report.area.table;
    area["unit"] = report.area.unit;
    area["total"] = report.area.total();
    Json &parts = area["by_component"] = Json::object();
    for (const auto &[component, part] : report.area.parts)
      parts[component] = part.area;
    area["leaves_out"] = report.area.leavesOut;
  }
  json["numerics"] = report.numerics;
  Json &words = json["word_bits"] = Json::object();
  for (const auto &[level, bits] : report.wordBits)
    words[level] = bits;
  json["images"] = report.images;
  addFigures(json["totals"] = Json::object(), report.totals);
  Json &layers = json["layers"] = Json::array();
  for (const LayerReport &layer : report.layers) {
    Json one;
    one["name"] = layer.name;
    one["kind"] = layer.kind;
    one["where"] = layer.onHost ? "host" : "accelerator";
    one["mapping"] = layer.mapping;
    one["safs"] = layer.safs;
    addFigures(one, layer);
    layers.push_back(std::move(one));
  }
  if (report.zeros)
    json["compare_independent"] = toJson(*report.zeros);
  if (report.guard)
    json["guard"] = toJson(*report.guard);
  if (report.againstFloat)
    json["against_float"] = toJson(*report.againstFloat);
  // Names come from models: bytes that are not UTF-8 are replaced rather than refused.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace sparseaccel::sim
