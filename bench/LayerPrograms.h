//===- LayerPrograms.h - A layer of a workload, compiled --------*- C++ -*-===//
//
// The compiler's own program for one layer of a workload on one machine, with its synthetic input: what the benchmark
// simulates.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_BENCH_LAYERPROGRAMS_H
#define SPARSEACCEL_BENCH_LAYERPROGRAMS_H

#include "SparseAccel/Sim/Simulator.h"
#include "SparseAccel/Target/Workload/Workload.h"

#include "absl/status/statusor.h"

namespace sparseaccel::bench {

struct LayerProgram {
  isa::Program program;
  sim::TensorData input;
};

/// Fails, with what the compiler said, where the machine does not take the layer.
absl::StatusOr<LayerProgram> compileLayer(const workload::Workload &workload, size_t layer, const std::string &machine);

} // namespace sparseaccel::bench

#endif // SPARSEACCEL_BENCH_LAYERPROGRAMS_H
