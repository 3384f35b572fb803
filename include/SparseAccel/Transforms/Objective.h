//===- Objective.h - What the scheduler minimises ---------------*- C++ -*-===//

#ifndef SPARSEACCEL_TRANSFORMS_OBJECTIVE_H
#define SPARSEACCEL_TRANSFORMS_OBJECTIVE_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace sparseaccel::schedule {

enum class Objective : uint8_t {
  Latency,
  Energy,
  Edp ///< Energy x delay, of each layer for itself.
};

constexpr const char *objectiveName(Objective objective) {
  switch (objective) {
  case Objective::Latency:
    return "latency";
  case Objective::Energy:
    return "energy";
  case Objective::Edp:
    return "edp";
  }
  return "latency";
}

constexpr std::optional<Objective> parseObjective(std::string_view name) {
  for (Objective objective : {Objective::Latency, Objective::Energy, Objective::Edp})
    if (name == objectiveName(objective))
      return objective;
  return std::nullopt;
}

/// Estimates that a search may make for a layer after it has found something. Not of time: the same budget gives the
/// same answer on any machine.
inline constexpr unsigned kDefaultSearchBudget = 256;

} // namespace sparseaccel::schedule

#endif // SPARSEACCEL_TRANSFORMS_OBJECTIVE_H
