//===- Stages.cpp - Where a tool's time goes ------------------------------===//

#include "SparseAccel/Support/Stages.h"

#include <algorithm>

namespace sparseaccel {

static thread_local StageTimes *current = nullptr;

StageTimes::StageTimes() { current = this; }
StageTimes::~StageTimes() { current = nullptr; }

std::vector<std::pair<std::string, double>> StageTimes::seconds() const {
  std::vector<std::pair<std::string, double>> result;
  for (const auto &[name, time] : stages)
    result.emplace_back(name, std::chrono::duration<double>(time).count());
  return result;
}

Stage::Stage(std::string name) : times(current) {
  if (!times)
    return;
  auto found = std::find_if(times->stages.begin(), times->stages.end(),
                            [&](const auto &stage) { return stage.first == name; });
  size_t index = static_cast<size_t>(found - times->stages.begin());
  if (found == times->stages.end())
    times->stages.emplace_back(std::move(name), StageTimes::Clock::duration::zero());
  times->open.push_back({index, StageTimes::Clock::now(), StageTimes::Clock::duration::zero()});
}

Stage::~Stage() {
  if (!times)
    return;
  StageTimes::Open stage = times->open.back();
  times->open.pop_back();
  auto whole = StageTimes::Clock::now() - stage.begin;
  times->stages[stage.index].second += whole - stage.inner;
  if (!times->open.empty())
    times->open.back().inner += whole;
}

} // namespace sparseaccel
