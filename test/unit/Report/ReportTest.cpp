//===- ReportTest.cpp - stats.json, tables and traces ---------------------===//

#include "SparseAccel/Sim/Report.h"

#include "absl/strings/str_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>

namespace sparseaccel::sim {
namespace {

using dataflow::Bound;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// The part of JSON Schema that docs/stats.schema.json uses. Returns the first violation, or "". A keyword that is not
/// known here is one.
std::string violation(const json &schema, const json &value, const json &root, const std::string &path) {
  for (const auto &[keyword, rule] : schema.items()) {
    if (keyword == "$schema" || keyword == "$defs" || keyword == "title" || keyword == "description")
      continue;
    bool good = true;
    if (keyword == "$ref") {
      std::string error = violation(root.at(json::json_pointer(rule.get<std::string>().substr(1))), value, root, path);
      if (!error.empty())
        return error;
    } else if (keyword == "type") {
      good = (rule == "object" && value.is_object()) || (rule == "array" && value.is_array()) ||
             (rule == "string" && value.is_string()) || (rule == "number" && value.is_number()) ||
             (rule == "integer" && value.is_number_integer());
    } else if (keyword == "enum") {
      good = std::find(rule.begin(), rule.end(), value) != rule.end();
    } else if (keyword == "minimum") {
      good = value >= rule;
    } else if (keyword == "maximum") {
      good = value <= rule;
    } else if (keyword == "exclusiveMinimum") {
      good = value > rule;
    } else if (keyword == "required") {
      for (const json &key : rule)
        if (!value.contains(key.get<std::string>()))
          return path + " lacks " + key.get<std::string>();
    } else if (keyword == "items") {
      for (size_t i = 0; i < value.size(); ++i)
        if (std::string error = violation(rule, value[i], root, path + "/" + std::to_string(i)); !error.empty())
          return error;
    } else if (keyword == "properties" || keyword == "additionalProperties") {
      for (const auto &[key, member] : value.items()) {
        bool declared = schema.contains("properties") && schema["properties"].contains(key);
        if (keyword == "properties" ? !declared : declared)
          continue;
        if (rule == false)
          return path + " has a key " + key;
        const json &own = keyword == "properties" ? rule[key] : rule;
        if (std::string error = violation(own, member, root, path + "/" + key); !error.empty())
          return error;
      }
    } else {
      return "unknown keyword " + keyword;
    }
    if (!good)
      return path + " breaks " + keyword + ": " + rule.dump() + " by " + value.dump();
  }
  return "";
}

std::string schemaViolation(const json &value) {
  std::ifstream stream(SPARSEACCEL_SCHEMA);
  json schema = json::parse(stream);
  return violation(schema, value, schema, "");
}

/// A machine of one level and a table whose prices are easy to add up.
machine::Machine tinyMachine() {
  machine::Machine machine;
  machine.name = "tiny";
  machine.description = "One level";
  machine.technologyNm = 65;
  machine.clockMhz = 100;
  machine.peakMacsPerCycle = 4;
  machine.psumBits = 16;
  machine.energy.table.name = "table";
  machine.energy.table.unit = "pJ";
  machine.energy.table.technologyNm = 45;
  machine.energy.table.source = "made up";
  machine.energy.table.leavesOut = "wires";
  machine.energy.prices["mac"]["compute"] = {2, "mac.compute"};
  machine.energy.prices["dram"]["read"] = {100, "dram.read"};
  machine.energy.unpriced = {"noc.*"};
  machine.energy.cyclePj = 10;
  machine.energy.idleCyclePj = 1;
  return machine;
}

/// Two layers: a convolution on the array, and a softmax on the host.
struct Fixture {
  isa::Program program;
  RunStats stats;
  isa::Estimates estimates;
  machine::Machine machine = tinyMachine();

  Fixture() {
    program.numericsName = "int16";
    program.levelNames = {"dram", "buffer"};
    program.buffers = {{"buffer", 1024, 16}};
    program.layers.resize(2);
    program.layers[0].name = "conv1";
    program.layers[1].name = "prob";
    program.mappings = {
        {{{isa::Rank::P, 3, 1, isa::LoopKind::Temporal}, {isa::Rank::M, 4, 1, isa::LoopKind::SpatialX}}}};
    isa::Tensor tensor;
    tensor.name = "data";
    tensor.shape = {1, 3, 3, 8};
    program.tensors = {tensor};
    isa::Load load;
    load.dst = {0, 0, 0, {0, 0, 0, 0}, {1, 3, 3, 8}};
    isa::Contract contract;
    contract.m = 4;
    contract.c = 8;
    contract.p = 3;
    program.instructions = {load, contract, isa::Halt{}};

    LayerStats conv;
    conv.name = "conv1";
    conv.kind = "conv";
    conv.macs = 96;
    conv.cycles = 50;
    conv.computeCycles = 30;
    conv.loadCycles = 20;
    conv.counts.slots = 120;
    conv.counts.performed = 60;
    conv.counts.gated = 20;
    conv.counts.wasted = 16;
    conv.counts.effectual = 60;
    conv.boundCycles[static_cast<size_t>(Bound::Mac)] = 30;
    conv.boundCycles[static_cast<size_t>(Bound::DramRead)] = 20;
    conv.dram.readData = 144;
    conv.actions.add("mac", "compute", 60);
    conv.actions.add("dram", "read", 18);
    conv.actions.add("noc", "transfer", 1000);
    conv.widestSum = 40000;
    LayerStats prob;
    prob.name = "prob";
    prob.kind = "softmax";
    prob.onHost = true;
    prob.macs = 4;
    stats.images = 1;
    stats.layers = {conv, prob};
    stats.totals = conv;
    stats.totals.name = "total";
    stats.totals.macs = 100;
    InstructionRecord first, second;
    first.unit = Unit::Load;
    first.cycles = 20;
    first.freed = 20;
    first.end = 25;
    first.dram.readData = 144;
    second.instruction = 1;
    second.unit = Unit::Mac;
    second.start = 25;
    second.cycles = 30;
    second.freed = second.end = 55;
    second.boundCycles[static_cast<size_t>(Bound::Mac)] = 30;
    stats.timeline = {first, second};
  }

  Report report() {
    absl::StatusOr<Report> result = makeReport(stats, program, machine, estimates);
    EXPECT_TRUE(result.ok()) << result.status();
    return *std::move(result);
  }
};

TEST(Report, EnergyIsCountsTimesPrices) {
  Report report = Fixture().report();
  const LayerReport &conv = report.layers[0];
  EXPECT_EQ(conv.energyByComponentPj.at("mac"), 120);
  EXPECT_EQ(conv.energyByComponentPj.at("dram"), 1800);
  EXPECT_EQ(conv.energyByComponentPj.at("clock"), 30 * 10 + 20 * 1); // 30 busy cycles of 50
  EXPECT_EQ(conv.energyPj, 120 + 1800 + 320);
  EXPECT_EQ(conv.energyByComponentPj.count("noc"), 0u);
  EXPECT_EQ(report.totals.energyPj, conv.energyPj + report.layers[1].energyPj);
  EXPECT_DOUBLE_EQ(conv.seconds, 50 / 100e6);
  EXPECT_EQ(conv.utilization, 0.8);
  EXPECT_EQ(conv.bound, "mac");
  EXPECT_EQ(report.layers[1].bound, "none");
  EXPECT_EQ(conv.mapping, "buffer: P3 M4x");
}

TEST(Report, AnUnpricedActionIsAnErrorThatNamesIt) {
  Fixture fixture;
  fixture.stats.layers[0].actions.add("codec", "compute", 3);
  absl::StatusOr<Report> report = makeReport(fixture.stats, fixture.program, fixture.machine);
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("layer 'conv1'"));
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("no price for 'codec.compute'"));
}

TEST(Report, StatsHoldTheSchema) {
  json stats = json::parse(toJson(Fixture().report()));
  EXPECT_EQ(schemaViolation(stats), "");
  EXPECT_EQ(stats["layers"][0]["where"], "accelerator");
  EXPECT_EQ(stats["layers"][1]["where"], "host");
  EXPECT_EQ(stats["totals"]["macs"], 100);
  EXPECT_TRUE(stats["totals"]["macs"].is_number_integer());
  EXPECT_EQ(stats["totals"]["dram_bytes"], 144);
}

TEST(Report, EstimatesStandBesideTheFiguresOfAllRuns) {
  Fixture fixture;
  json stats = json::parse(toJson(fixture.report()));
  EXPECT_FALSE(stats["layers"][0].contains("estimate"));
  EXPECT_FALSE(stats["totals"].contains("estimate"));
  fixture.stats.images = 3;
  fixture.estimates = {{0, 45.5, 31, 128, 2000}};
  stats = json::parse(toJson(fixture.report()));
  EXPECT_EQ(schemaViolation(stats), "");
  json expected = {{"cycles", 136.5}, {"compute_cycles", 93}, {"dram_bytes", 384}, {"energy_pj", 6000.0}};
  EXPECT_EQ(stats["layers"][0]["estimate"], expected);
  EXPECT_EQ(stats["totals"]["estimate"], expected);
  EXPECT_FALSE(stats["layers"][1].contains("estimate")); // the host's
}

TEST(Report, ComparisonsOfZerosHoldTheSchema) {
  Report report = Fixture().report();
  ZerosComparison zeros;
  zeros.images = 2;
  ZerosRow &row = zeros.layers.emplace_back();
  row.layer.name = "conv1";
  row.layer.activations = 0.5;
  row.layer.weights = 0.25;
  row.kind = "conv";
  row.real = {600, 700, 0.5};
  row.independent = {400, 500, 0.75};
  zeros.all.real = row.real;
  zeros.all.independent = row.independent;
  zeros.leftOut = {"conv2"};
  report.zeros = zeros;
  json stats = json::parse(toJson(report));
  EXPECT_EQ(schemaViolation(stats), "");
  json figures = {{"array_cycles", 600}, {"independent_array_cycles", 400},
                  {"balance", 0.5},      {"independent_balance", 0.75},
                  {"cycles", 700},       {"independent_cycles", 500}};
  EXPECT_EQ(stats["compare_independent"]["all"], figures);
  figures.update({{"name", "conv1"}, {"kind", "conv"}, {"activation_density", 0.5}, {"weight_density", 0.25}});
  EXPECT_EQ(stats["compare_independent"]["layers"][0], figures);
  EXPECT_EQ(stats["compare_independent"]["images"], 2);
  EXPECT_EQ(stats["compare_independent"]["left_out"], json({"conv2"}));
}

TEST(Report, GuardAndFloatComparisonHoldTheSchema) {
  Report report = Fixture().report();
  GuardLayer conv{"conv1", "relu1", GuardKind::Contraction, {}, 0.5, 127, 60, {4, 1, 0, 400, 4, 2, 100}};
  GuardLayer moved{"softmax", "softmax", GuardKind::Float, {0}, 0, 0, -1, {4, 0, 0, 1, 0, 0, 1}};
  report.guard = GuardReport{2, {20, 0.001}, {conv, moved}, {{0, "saturates", 1}}};
  OutputError scores;
  scores.name = "scores";
  scores.compared = 8;
  scores.largest = 2;
  scores.rms = 1;
  scores.signalRms = 4;
  scores.range = 10;
  OutputError indices = scores;
  indices.integer = true;
  indices.equal = 7;
  report.againstFloat = FloatComparison{2, {scores, indices}};
  json stats = json::parse(toJson(report));
  EXPECT_EQ(schemaViolation(stats), "");
  json expected = {{"name", "conv1"},   {"value", "relu1"},   {"computed", "contraction"}, {"compared", 4},
                   {"snr_db", 20.0},    {"signal_rms", 10.0}, {"noise_rms", 1.0},          {"float_largest", 100.0},
                   {"saturated", 0.25}, {"scale", 0.5},       {"calibrated", 60.0}};
  EXPECT_EQ(stats["guard"]["layers"][0], expected);
  EXPECT_FALSE(stats["guard"]["layers"][1].contains("snr_db")); // exact
  EXPECT_FALSE(stats["guard"]["layers"][1].contains("saturated"));
  EXPECT_EQ(stats["guard"]["findings"][0], json({{"layer", "conv1"}, {"cause", "saturates"}, {"followers", 1}}));
  EXPECT_EQ(stats["against_float"]["outputs"][0]["rms_over_range"], 0.1);
  EXPECT_FALSE(stats["against_float"]["outputs"][0].contains("equal"));
  EXPECT_EQ(stats["against_float"]["outputs"][1]["equal"], 7);
}

TEST(Report, TheSchemaRejectsWhatIsNotAReport) {
  json stats = json::parse(toJson(Fixture().report()));
  json broken = stats;
  broken["extra"] = 1;
  EXPECT_THAT(schemaViolation(broken), HasSubstr("extra"));
  broken = stats;
  broken["totals"].erase("wasted_slots");
  EXPECT_THAT(schemaViolation(broken), HasSubstr("wasted_slots"));
  broken = stats;
  broken["layers"][0]["utilization"] = 1.5;
  EXPECT_THAT(schemaViolation(broken), HasSubstr("utilization"));
  broken = stats;
  broken["layers"][0]["bound"] = "luck";
  EXPECT_THAT(schemaViolation(broken), HasSubstr("bound"));
  broken = stats;
  broken["layers"][0]["energy_by_component_pj"]["mac"] = "much";
  EXPECT_THAT(schemaViolation(broken), HasSubstr("energy_by_component_pj/mac"));
}

TEST(Report, NamesThatAreNotUtf8DoNotBreakTheFile) {
  Fixture fixture;
  fixture.stats.layers[0].name = "conv\xff\xfe\"1";
  fixture.program.layers[0].name = "conv\xff";
  EXPECT_EQ(schemaViolation(json::parse(toJson(fixture.report()))), "");
  EXPECT_FALSE(json::parse(toTrace(fixture.stats, fixture.program, fixture.machine)).is_discarded());
}

TEST(Report, TableSaysWhatItCountsAndWhatNot) {
  Report report = Fixture().report();
  report.notes = {"synthetic tensors, seed 7"};
  std::string text = formatReport(report);
  for (const char *part :
       {"tiny: One level; 65 nm, 100 MHz, 4 multipliers; int16; 1 image", "note: synthetic tensors, seed 7", "conv1",
        "62.5%" /* 60 of 96 effectual */, "80.0%" /* utilisation */, "energy by table table (45 nm; made up)",
        "80.4%" /* 1800 of 2240 pJ are DRAM's */, "17 bits; the machine charges for 16, in which it would overflow",
        "on the host        4.0% of the MACs; its time and energy are not counted: prob", "energy leaves out  wires",
        "and, counted     noc.transfer", "the energies are those of 45 nm, the machine is 65 nm"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(Report, ColumnsAreAligned) {
  std::string text = formatReport(Fixture().report());
  // The rule under a header is as wide as the header's last column reaches.
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  size_t rules = 0;
  for (size_t i = 1; i < lines.size(); ++i)
    if (lines[i].find_first_not_of('-') == std::string::npos && !lines[i].empty() && lines[i - 1].find("layer") == 0) {
      EXPECT_EQ(lines[i].size(), lines[i - 1].size());
      ++rules;
    }
  EXPECT_EQ(rules, 2u);
}

TEST(Report, FiguresOfTheTableAreMeansPerImage) {
  Fixture one, four;
  for (int i = 0; i < 3; ++i)
    four.stats.add(one.stats);
  std::string text = formatReport(four.report());
  EXPECT_THAT(text, HasSubstr("means of 4 images"));
  EXPECT_THAT(text, HasSubstr("time per image     0.0005 ms"));
  json stats = json::parse(toJson(four.report()));
  EXPECT_EQ(stats["totals"]["cycles"], 200);
  EXPECT_EQ(stats["images"], 4);
}

TEST(Comparison, RatiosAreOfTheBaselineOverTheMachine) {
  Fixture mine, theirs;
  theirs.machine.name = "base";
  for (LayerStats *layer : {&theirs.stats.layers[0], &theirs.stats.totals}) {
    layer->cycles = 150;
    layer->computeCycles = 60;
    layer->actions.add("mac", "compute", 100);
  }
  Report report = mine.report(), baseline = theirs.report();
  EXPECT_THAT(comparisonWarnings(report, baseline), IsEmpty());
  std::string text = formatComparison(report, baseline);
  EXPECT_THAT(text, HasSubstr("baseline: base: One level; 65 nm, 100 MHz, 4 multipliers"));
  EXPECT_THAT(text, Not(HasSubstr("warning")));
  EXPECT_THAT(text, HasSubstr("3.00     2.00     2.00"));                 // 150 / 50, 60 / 30, as many multipliers
  EXPECT_THAT(text, HasSubstr(absl::StrFormat("%.2f", 2810.0 / 2240.0))); // 320 + 1800 + 690 over 2240
  EXPECT_THAT(text, Not(HasSubstr("prob")));                              // on the host of both
}

TEST(Comparison, EveryReasonNotToCompareIsAWarning) {
  Fixture mine, theirs;
  theirs.machine.technologyNm = 28;
  theirs.machine.clockMhz = 200;
  theirs.machine.peakMacsPerCycle = 8;
  theirs.machine.energy.table.name = "other";
  theirs.machine.energy.cyclePj = theirs.machine.energy.idleCyclePj = 0;
  theirs.program.numericsName = "int8";
  theirs.stats.images = 2;
  Report report = mine.report(), baseline = theirs.report();
  EXPECT_THAT(comparisonWarnings(report, baseline),
              ElementsAre(HasSubstr("technology differs: tiny has 65 nm, tiny has 28 nm"), HasSubstr("clock differs"),
                          HasSubstr("energy table differs"), HasSubstr("charge for clock, control and leakage differs"),
                          HasSubstr("numerics differs"), HasSubstr("number of images differs")));
  // Half of the cycles per image at twice the clock is a quarter of the time; the iso-MAC ratio counts its 8
  // multipliers.
  EXPECT_THAT(formatComparison(report, baseline), HasSubstr("0.25     0.25     0.50"));
}

TEST(Comparison, ALayerOnTheHostOfOneIsNotCompared) {
  Fixture mine, theirs;
  theirs.stats.layers[0].onHost = true;
  EXPECT_THAT(formatComparison(mine.report(), theirs.report()), HasSubstr("neither row but the total: conv1"));
}

TEST(Report, APriceOfIdleCyclesAloneIsAPriceForACycle) {
  Fixture fixture;
  fixture.machine.energy.cyclePj = 0;
  EXPECT_THAT(formatReport(fixture.report()), Not(HasSubstr("no price for a cycle")));
  fixture.machine.energy.idleCyclePj = 0;
  EXPECT_THAT(formatReport(fixture.report()), HasSubstr("no price for a cycle"));
}

TEST(Report, NamesWhatIsActiveInEachLayer) {
  Fixture fixture;
  fixture.program.safSets = {{{1, isa::OperandKind::B, isa::SafAction::Gate, 1, {}},
                              {2, isa::OperandKind::A, isa::SafAction::Skip, 3, {}},
                              {0, isa::OperandKind::A, isa::SafAction::Format, 0, {}}}};
  Report report = fixture.report();
  EXPECT_THAT(report.layers[0].safs,
              ElementsAre("gate b at buffer if a", "skip a at compute if a or b", "format a at dram"));
  EXPECT_THAT(report.layers[1].safs, IsEmpty()); // on the host
  json stats = json::parse(toJson(report));
  EXPECT_EQ(schemaViolation(stats), "");
  EXPECT_EQ(stats["layers"][0]["safs"],
            json({"gate b at buffer if a", "skip a at compute if a or b", "format a at dram"}));
  EXPECT_EQ(stats["layers"][1]["safs"], json::array());
  EXPECT_THAT(formatReport(report), HasSubstr("active SAFs        gate b at buffer if a: every layer\n"
                                              "                   skip a at compute if a or b: every layer\n"));
  EXPECT_THAT(formatReport(Fixture().report()), HasSubstr("active SAFs        none\n"));
  // Of several layers those that have it, or those that lack it, whichever are fewer.
  Report several = report;
  for (const char *name : {"conv2", "conv3"}) {
    LayerReport layer = report.layers[0];
    layer.name = name;
    layer.safs.pop_back();
    several.layers.push_back(layer);
  }
  several.layers[0].safs.erase(several.layers[0].safs.begin());
  EXPECT_THAT(formatReport(several), HasSubstr("gate b at buffer if a: all but conv1\n"));
  EXPECT_THAT(formatReport(several), HasSubstr("format a at dram: conv1\n"));
}

TEST(Comparison, AMachineAgainstItselfSaysWhatWasAsked) {
  Fixture mine, theirs;
  mine.program.safSets = {{{1, isa::OperandKind::B, isa::SafAction::Gate, 1, {}}}};
  Report report = mine.report(), baseline = theirs.report();
  baseline.safRequest = "none";
  std::string text = formatComparison(report, baseline);
  EXPECT_THAT(text, HasSubstr("tiny against tiny (saf: none)\n"));
  EXPECT_THAT(text, HasSubstr("active SAFs: gate b at buffer if a\n   baseline: none\n"));
}

TEST(Comparison, IsoAreaStandsWhereBothHaveAreas) {
  Fixture mine, theirs;
  EXPECT_FALSE(json::parse(toJson(mine.report())).contains("area"));
  EXPECT_THAT(formatReport(mine.report()), Not(HasSubstr("area")));
  EXPECT_THAT(formatComparison(mine.report(), theirs.report()), Not(HasSubstr("area")));
  mine.machine.area.table = "areas";
  mine.machine.area.unit = "um2";
  mine.machine.area.technologyNm = 45;
  mine.machine.area.parts = {{"buffer", {3e6, 1, "ram"}}, {"mac", {1e6, 4, "mult"}}};
  mine.machine.area.leavesOut = {"noc"};
  Report report = mine.report();
  json stats = json::parse(toJson(report));
  EXPECT_EQ(schemaViolation(stats), "");
  EXPECT_EQ(stats["area"]["total"], 4e6);
  EXPECT_EQ(stats["area"]["by_component"]["mac"], 1e6);
  EXPECT_THAT(formatReport(report),
              HasSubstr("area               4 mm2 by table areas (45 nm): buffer 75.0%, mac 25.0%; leaves out noc\n"));
  EXPECT_THAT(formatComparison(report, theirs.report()), Not(HasSubstr("iso-area")));

  theirs.machine.area = mine.machine.area;
  theirs.machine.area.parts["mac"].area = 3e6;
  for (LayerStats *layer : {&theirs.stats.layers[0], &theirs.stats.totals})
    layer->cycles = 150;
  std::string text = formatComparison(report, theirs.report());
  EXPECT_THAT(text, HasSubstr("area: 4 mm2 against 6 mm2 by table areas\n"));
  EXPECT_THAT(text, HasSubstr("3.00     1.00     1.00      4.50")); // 3 times as fast on two thirds of the area
  theirs.machine.area.table = "others";
  EXPECT_THAT(comparisonWarnings(report, theirs.report()), ElementsAre(HasSubstr("area table differs")));
  EXPECT_THAT(formatComparison(report, theirs.report()), Not(HasSubstr("iso-area:")));
}

TEST(Trace, OneTrackPerQueueAndAnEventPerInstruction) {
  Fixture fixture;
  json trace = json::parse(toTrace(fixture.stats, fixture.program, fixture.machine));
  std::vector<json> tracks, events;
  for (const json &event : trace["traceEvents"])
    (event["ph"] == "X" ? events : tracks).push_back(event);
  EXPECT_EQ(tracks.size(), 1 + 2 * kNumUnits);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["name"], "conv1");
  EXPECT_EQ(events[0]["ts"], 0);
  EXPECT_DOUBLE_EQ(events[0]["dur"], 0.2); // 20 cycles of 10 ns
  EXPECT_EQ(events[0]["args"]["box"]["tensor"], "data");
  EXPECT_EQ(events[0]["args"]["dram_bytes"], 144);
  EXPECT_DOUBLE_EQ(events[1]["ts"], 0.25);
  EXPECT_EQ(events[1]["args"]["tile"]["m"], 4);
  EXPECT_EQ(events[1]["args"]["mapping"], "buffer: P3 M4x");
  EXPECT_EQ(events[1]["args"]["bound_cycles"]["mac"], 30);
  EXPECT_NE(events[0]["tid"], events[1]["tid"]);
}

TEST(Report, SignedBits) {
  EXPECT_EQ(signedBits(0), 1u);
  EXPECT_EQ(signedBits(1), 2u);
  EXPECT_EQ(signedBits(127), 8u);
  EXPECT_EQ(signedBits(128), 9u);
  EXPECT_EQ(signedBits(32767), 16u);
  EXPECT_EQ(signedBits(32768), 17u);
}

} // namespace
} // namespace sparseaccel::sim
