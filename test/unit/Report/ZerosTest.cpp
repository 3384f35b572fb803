//===- ZerosTest.cpp - Real zeros beside independent ones -----------------===//

#include "SparseAccel/Sim/ReportZeros.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sparseaccel::sim {
namespace {

LayerStats layer(const char *name, double array, double mac, double sync) {
  LayerStats stats;
  stats.name = name;
  stats.kind = "fc";
  stats.computeCycles = array;
  stats.cycles = array + 100;
  stats.counts.slots = 1;
  stats.counts.boundCycles[size_t(dataflow::Bound::Mac)] = mac;
  stats.counts.boundCycles[size_t(dataflow::Bound::Sync)] = sync;
  stats.counts.boundCycles[size_t(dataflow::Bound::Noc)] = array - mac - sync;
  return stats;
}

TEST(Zeros, Balance) {
  EXPECT_EQ(balanceOf(layer("a", 100, 60, 20).counts), 0.75); // waits for the network aside
  EXPECT_EQ(balanceOf(dataflow::Counts()), 1);
}

TEST(Zeros, RowsAndSum) {
  RunStats real, independent;
  real.images = 2;
  real.layers = {layer("a", 600, 300, 300), layer("b", 400, 400, 0), layer("host", 9, 9, 0)};
  real.layers[2].counts.slots = 0;
  independent.images = 1;
  independent.layers = {layer("b", 200, 200, 0), layer("a", 200, 150, 50)};
  ZerosComparison comparison = compareZeros({{"a", 0.5, 0.25}, {"b", 1, 1}, {"host", 1, 1}}, real, independent);
  EXPECT_EQ(comparison.images, 2u);
  EXPECT_EQ(comparison.layers[0].independent.arrayCycles, 400); // of one image, for two
  std::string text = formatZeros("m", comparison);
  EXPECT_THAT(text, testing::ContainsRegex("a +fc +50.0% +25.0% +300 +200 +1.500 +50.0% +75.0% +350 +300 +1.167"));
  EXPECT_THAT(text, testing::ContainsRegex("b +fc +100.0% +100.0% +200 +200 +1.000 +100.0% +100.0%"));
  EXPECT_THAT(text, testing::ContainsRegex("all +500 +400 +1.250 +70.0% +87.5%"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("host")));
}

} // namespace
} // namespace sparseaccel::sim
