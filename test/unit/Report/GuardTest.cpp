//===- GuardTest.cpp - Where noise comes in, and why ----------------------===//

#include "SparseAccel/Sim/ReportGuard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

using namespace sparseaccel::sim;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

/// 1000 elements of mean square 1 and largest magnitude 3, with noise of so many dB below them.
GuardLayer layer(const char *name, std::vector<uint32_t> inputs, double snrDb) {
  GuardLayer layer;
  layer.name = layer.value = name;
  layer.kind = GuardKind::Contraction;
  layer.inputs = std::move(inputs);
  layer.scale = 3.0 / 32767;
  layer.top = 32767;
  layer.calibrated = 3;
  layer.sums = {1000, 0, 0, 1000, 1000 * std::pow(10, -snrDb / 10), 0, 3};
  return layer;
}

/// Findings as "name: followers".
std::vector<std::string> found(const GuardReport &report) {
  std::vector<std::string> lines;
  for (const GuardFinding &finding : findCauses(report))
    lines.push_back(report.layers[finding.layer].name + ": " + std::to_string(finding.followers));
  return lines;
}
std::string causeOf(const GuardReport &report, uint32_t layer) {
  for (const GuardFinding &finding : findCauses(report))
    if (finding.layer == layer)
      return finding.cause;
  return "";
}

TEST(Guard, RatiosAreInDecibels) {
  GuardSums sums{10, 0, 0, 100, 1, 0, 3};
  EXPECT_DOUBLE_EQ(*sums.snrDb(), 20);
  sums.add(sums); // twice as many elements of the same kind
  EXPECT_EQ(sums.compared, 20u);
  EXPECT_DOUBLE_EQ(*sums.snrDb(), 20);
  sums.noise = 0;
  EXPECT_FALSE(sums.snrDb().has_value());
  sums.noise = 1e-300;
  EXPECT_DOUBLE_EQ(*sums.snrDb(), 300);
  sums.signal = 0;
  EXPECT_DOUBLE_EQ(*sums.snrDb(), -300);
  sums = {10, 0, 1, 100, 0, 0, 3}; // no error that could be added up
  EXPECT_DOUBLE_EQ(*sums.snrDb(), -300);
}

TEST(Guard, SharesAreOfWhatWasCompared) {
  GuardSums sums{200, 3, 0, 100, 1, 0, 3};
  EXPECT_DOUBLE_EQ(sums.saturatedShare(), 0.015);
  EXPECT_DOUBLE_EQ(GuardSums().saturatedShare(), 0);
}

TEST(Guard, NothingIsFoundWithinTheLimits) {
  GuardReport report{1, {40, 0.001}, {layer("a", {}, 90), layer("b", {0}, 40.1)}, {}};
  report.layers[1].sums.saturated = 1; // of 1000: the limit itself
  EXPECT_THAT(findCauses(report), IsEmpty());
  report.layers[1].sums.saturated = 2;
  EXPECT_THAT(found(report), ElementsAre("b: 0"));
}

TEST(Guard, TheFirstNoisyLayerIsNamedAndItsFollowersAreCounted) {
  GuardReport report{1,
                     {40, 0.001},
                     {layer("in", {}, 90), layer("a", {0}, 12), layer("b", {1}, 11), layer("other", {0}, 80),
                      layer("sum", {2, 3}, 20), layer("fine", {4}, 60)},
                     {}};
  EXPECT_THAT(found(report), ElementsAre("a: 2"));
  EXPECT_THAT(causeOf(report, 1), HasSubstr("its weights, its rescale"));
  EXPECT_THAT(causeOf(report, 1), HasSubstr("'in': 90.0 dB"));
}

TEST(Guard, ANoisyInputHidesNoSecondFault) {
  GuardReport report{1, {40, 0.001}, {layer("a", {}, 30), layer("b", {0}, 5)}, {}};
  EXPECT_THAT(found(report), ElementsAre("a: 1")); // of which b may have made more by itself
  report.layers[1].sums.saturated = 100;
  report.layers[1].sums.saturatedNoise = report.layers[1].sums.noise;
  report.layers[1].sums.seen = 30;
  EXPECT_THAT(found(report), ElementsAre("a: 1", "b: 0"));
  EXPECT_THAT(causeOf(report, 1), HasSubstr("10% of its values saturate: its integers reach 3, the float model 30"));
}

TEST(Guard, SaturationIsTheSourcesWhereValuesOnlyMove) {
  GuardReport report{1, {40, 0.001}, {layer("a", {}, 50), layer("moved", {0}, 50)}, {}};
  for (GuardLayer &one : report.layers)
    one.sums.saturated = 10;
  EXPECT_THAT(found(report), ElementsAre("a: 1"));
  report.layers[1].scale /= 2; // a scale of its own
  EXPECT_THAT(found(report), ElementsAre("a: 1", "moved: 0"));
}

TEST(Guard, CalibrationIsNamedWhereItSawLess) {
  GuardReport report{1, {40, 0.001}, {layer("a", {}, 3)}, {}};
  report.layers[0].sums.saturated = 500;
  report.layers[0].calibrated = 0;
  EXPECT_THAT(causeOf(report, 0), HasSubstr("calibration saw nothing above 0"));
  report.layers[0].calibrated = 12; // more than the integers reach: the scale is not calibration's
  EXPECT_THAT(causeOf(report, 0), HasSubstr("and calibration 12"));
}

TEST(Guard, CoarseStepsAreToldFromOtherNoise) {
  GuardReport report{1, {40, 0.001}, {layer("a", {}, 90), layer("b", {0}, 30)}, {}};
  GuardLayer &coarse = report.layers[1];
  EXPECT_THAT(causeOf(report, 1), Not(HasSubstr("coarse")));
  // Rounding to steps of this size makes all of the noise.
  coarse.scale = std::sqrt(12 * coarse.sums.noise / 1000);
  coarse.calibrated = coarse.reach();
  EXPECT_THAT(causeOf(report, 1), HasSubstr("is coarse for values up to 3: its integers reach"));
  coarse.calibrated = 0;
  EXPECT_THAT(causeOf(report, 1), HasSubstr("calibration saw nothing above 0"));
  coarse.calibrated = coarse.reach() / 2;
  EXPECT_THAT(causeOf(report, 1), HasSubstr("so that no sum wraps or as the model says"));
  // The scale is another value's as well.
  report.layers[0].scale = coarse.scale;
  report.layers[0].sums.seen = 500;
  EXPECT_THAT(causeOf(report, 1), HasSubstr("it shares its scale with 'a', which reaches 500"));
}

TEST(Guard, EachKindHasItsOwnSuspicion) {
  GuardReport report{1, {40, 0.001}, {layer("a", {}, 90), layer("b", {0}, 30)}, {}};
  report.layers[1].kind = GuardKind::Table;
  EXPECT_THAT(causeOf(report, 1), HasSubstr("its table"));
  report.layers[1].kind = GuardKind::Float;
  EXPECT_THAT(causeOf(report, 1), HasSubstr("multiplies the noise"));
  report.layers[1].sums.notFinite = 7;
  EXPECT_THAT(causeOf(report, 1), HasSubstr("7 of its values are not finite"));
  // A little at each layer.
  report = {1, {40, 0.001}, {layer("a", {}, 41), layer("b", {0}, 39)}, {}};
  EXPECT_THAT(causeOf(report, 1), HasSubstr("adds up"));
}

TEST(Guard, NoiseThatNothingTakesOverIsLeftOut) {
  GuardReport report{1, {40, 0.001}, {layer("a", {}, 30), layer("b", {0}, 60)}, {}};
  EXPECT_THAT(findCauses(report), IsEmpty());
  report.layers[0].output = true; // but the user sees it
  EXPECT_THAT(found(report), ElementsAre("a: 0"));
  report.layers[0].output = false;
  report.layers[1] = layer("b", {0}, 35);
  EXPECT_THAT(found(report), ElementsAre("a: 1"));
  // Saturation is said wherever it is.
  report.layers = {layer("a", {}, 60), layer("b", {0}, 60)};
  report.layers[0].sums.saturated = 10;
  EXPECT_THAT(found(report), ElementsAre("a: 0"));
}

TEST(Guard, WhatIsZeroForAllPurposesIsLeftOut) {
  GuardReport report{1, {40, 0.001}, {layer("tiny", {}, 0)}, {}};
  EXPECT_THAT(found(report), ElementsAre("tiny: 0"));
  GuardSums &sums = report.layers[0].sums;
  sums.signal = sums.noise = 1e-77;
  sums.seen = 1e-39;
  EXPECT_THAT(findCauses(report), IsEmpty());
  report.findings = findCauses(report);
  EXPECT_THAT(formatGuard(report, 9), HasSubstr("tiny")); // the figure is there
}

TEST(Guard, MovesNameWhatTheyRead) {
  GuardReport report{1, {40, 0.001}, {layer("table", {}, 90), layer("gather", {0}, 30)}, {}};
  report.layers[1].kind = GuardKind::Moved;
  EXPECT_THAT(causeOf(report, 1), HasSubstr("only moves what it reads, whose noise lies in these values ('table': 90"));
}

TEST(Guard, SaturationComesFirst) {
  GuardReport report{1, {40, 0.001}, {layer("a", {}, 3), layer("b", {}, 35)}, {}};
  report.layers[1].sums.saturated = 10;
  report.findings = findCauses(report);
  std::vector<std::string> lines = guardWarnings(report, 1);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], HasSubstr("'b'"));
}

TEST(Guard, WarningsNameTheWorstLayers) {
  GuardReport report{
      1, {40, 0.001}, {layer("a", {}, 30), layer("b", {}, 3), layer("c", {}, 20), layer("d", {1}, 2)}, {}};
  report.findings = findCauses(report);
  std::vector<std::string> lines = guardWarnings(report, 2);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0],
              HasSubstr("'b': signal-to-noise ratio 3.0 dB against the float model, expected at least 40 dB"));
  EXPECT_THAT(lines[0], HasSubstr("1 value computed from it is beyond the limits as well"));
  EXPECT_THAT(lines[1], HasSubstr("'c'"));
  EXPECT_EQ(lines[2], "noise comes in at 1 more layer");
}

TEST(Guard, TheTableHasTheWorstRowsAndSaysExact) {
  GuardReport report{1, {40, 0.001}, {layer("moved", {}, 90), layer("b", {}, 3), layer("c", {}, 20)}, {}};
  report.layers[0].sums.noise = 0;
  std::string text = formatGuard(report, 2);
  EXPECT_THAT(text, HasSubstr("b "));
  EXPECT_THAT(text, Not(HasSubstr("moved")));
  EXPECT_LT(text.find("b "), text.find("c "));
  EXPECT_THAT(formatGuard(report, 9), HasSubstr("exact"));
}

TEST(Guard, ErrorsAreSharesOfTheRange) {
  OutputError error;
  error.rms = 0.5;
  error.range = 10;
  EXPECT_DOUBLE_EQ(error.overRange(), 0.05);
  error.range = 0; // one value everywhere, zero
  EXPECT_DOUBLE_EQ(error.overRange(), 1);
  error.rms = 0;
  EXPECT_DOUBLE_EQ(error.overRange(), 0);
}

} // namespace
