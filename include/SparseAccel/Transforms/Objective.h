//===- Objective.h - What the scheduler minimises ---------------*- C++ -*-===//

#ifndef SPARSEACCEL_TRANSFORMS_OBJECTIVE_H
#define SPARSEACCEL_TRANSFORMS_OBJECTIVE_H

#include <cstdint>

namespace sparseaccel::schedule {

enum class Objective : uint8_t { Latency, Energy };

} // namespace sparseaccel::schedule

#endif // SPARSEACCEL_TRANSFORMS_OBJECTIVE_H
