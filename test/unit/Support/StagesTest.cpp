//===- StagesTest.cpp -----------------------------------------------------===//

#include "SparseAccel/Support/Stages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

using namespace sparseaccel;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

std::vector<std::string> names(const StageTimes &times) {
  std::vector<std::string> result;
  for (const auto &[name, seconds] : times.seconds())
    result.push_back(name);
  return result;
}

// In the order in which they began, each once; what lies inside is not counted twice.
TEST(Stages, AddUpToNoMoreThanTheTime) {
  auto begin = std::chrono::steady_clock::now();
  StageTimes times;
  for (int round = 0; round < 2; ++round) {
    Stage outer("outer");
    Stage inner("inner");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  { Stage last("last"); }
  double whole = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), sum = 0;
  for (const auto &[name, seconds] : times.seconds()) {
    EXPECT_GE(seconds, 0) << name;
    sum += seconds;
  }
  EXPECT_LE(sum, whole);
  EXPECT_THAT(names(times), ElementsAre("outer", "inner", "last"));
  EXPECT_GE(times.seconds()[1].second, 0.004); // slept, and added up
}

TEST(Stages, NeedNoOneWhoListens) {
  { Stage alone("alone"); }
  StageTimes times;
  std::thread([] { Stage elsewhere("elsewhere"); }).join();
  EXPECT_THAT(names(times), IsEmpty());
}

} // namespace
