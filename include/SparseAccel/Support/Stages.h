//===- Stages.h - Where a tool's time goes ----------------------*- C++ -*-===//
//
// A tool that wants to know makes a StageTimes; whoever does something long makes a Stage. Neither needs the other: work
// in a pass or a library is named where it is done, without a handle that is passed through everything above it.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SUPPORT_STAGES_H
#define SPARSEACCEL_SUPPORT_STAGES_H

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace sparseaccel {

/// Collects the stages of the thread that made it, for as long as it lives. One a thread at a time.
class StageTimes {
public:
  StageTimes();
  ~StageTimes();
  StageTimes(const StageTimes &) = delete;
  StageTimes &operator=(const StageTimes &) = delete;

  /// Names and seconds by the wall clock, in the order in which the stages first began. Stages of one name are one.
  std::vector<std::pair<std::string, double>> seconds() const;

private:
  friend class Stage;
  using Clock = std::chrono::steady_clock;
  struct Open {
    size_t index;
    Clock::time_point begin;
    Clock::duration inner; ///< Of the stages inside, which is not this one's.
  };
  std::vector<std::pair<std::string, Clock::duration>> stages;
  std::vector<Open> open;
};

/// From here to the end of the scope, but for the stages inside. Does nothing on a thread that has no StageTimes.
class Stage {
public:
  explicit Stage(std::string name);
  ~Stage();
  Stage(const Stage &) = delete;
  Stage &operator=(const Stage &) = delete;

private:
  StageTimes *times;
};

} // namespace sparseaccel

#endif // SPARSEACCEL_SUPPORT_STAGES_H
