//===- Runtime.h - Runs images through a program ----------------*- C++ -*-===//
//
// Loads a program, checks it against a machine, binds arrays to its inputs, and runs any number of images on all cores.
// Each run of the program is independent; outputs and statistics are the same whatever the number of threads.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_RUNTIME_RUNTIME_H
#define SPARSEACCEL_RUNTIME_RUNTIME_H

#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Sim/Simulator.h"
#include "SparseAccel/Target/ISA/Estimates.h"

#include "absl/status/statusor.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sparseaccel::runtime {

struct RunOptions {
  unsigned threads = 0;  ///< 0: one per core. Runs go side by side, and so do parts of a run where there are fewer.
  bool counts = true;    ///< Count cycles and actions; else only values.
  bool timeline = false; ///< Keep the instruction records of the first run.
  /// Called after each run with the runs done and all runs; from one thread at a time.
  std::function<void(uint64_t done, uint64_t total)> progress;
  /// Called for each tensor of each run once it is complete, from several threads at once. The first argument is the
  /// run's index.
  std::function<void(uint64_t run, const sim::TensorObservation &)> observe;
  uint64_t observedRuns = UINT64_MAX; ///< Only runs with a lower index are observed.
};

struct BatchResult {
  NamedArrays
      outputs; ///< In the program's order, by tensor name; the runs' results one after another along the first axis.
  sim::RunStats stats; ///< Sums over all runs, added up in their order.
};

class Session {
public:
  /// Verifies the program and checks it against the machine.
  static absl::StatusOr<std::unique_ptr<Session>> create(isa::Program program, machine::Machine machine,
                                                         isa::Estimates estimates = {});
  /// The same from a file. `machine` is a path or the name of a shipped one; empty: the one that the program names.
  static absl::StatusOr<std::unique_ptr<Session>> load(const std::string &programPath, const std::string &machine);
  ~Session();

  /// Arrays are matched to inputs by name, or, where there is one input, by being the only
  /// array that fits. An array has the
  /// input's shape, or a first axis that is any multiple of the program's batch (or, at batch 1, lacks it). Elements
  /// are converted to float where the input is float; else they must be of its type.
  absl::StatusOr<BatchResult> run(const NamedArrays &inputs, const RunOptions &options = {}) const;

  const isa::Program &program() const;
  const machine::Machine &machine() const;
  const isa::Estimates &estimates() const; ///< The compiler's, for reports; empty where there are none.

private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// "3/16 images" on the last line of standard error, where that is a terminal; else an empty function.
std::function<void(uint64_t, uint64_t)> terminalProgress();

} // namespace sparseaccel::runtime

#endif // SPARSEACCEL_RUNTIME_RUNTIME_H
