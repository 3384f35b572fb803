//===- Simulator.h - Executes a program on a machine ------------*- C++ -*-===//
//
// Values first: the instructions run in program order on real bytes (DRAM image and buffers), and each leaves a record
// of its cost. Time second: an event loop plays the records over the machine's queues, waits, DRAM and bus.
// docs/simulator.md says what is modelled and what is not.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_SIMULATOR_H
#define SPARSEACCEL_SIM_SIMULATOR_H

#include "SparseAccel/Sim/Stats.h"
#include "SparseAccel/Target/ISA/Program.h"
#include "SparseAccel/Target/Machine/Machine.h"

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include <functional>
#include <memory>

namespace sparseaccel::sim {

/// A tensor on the host, dense and row-major. Elements take isa::storageBytes(type) bytes.
struct TensorData {
  isa::ElementType type = isa::ElementType::F32;
  std::vector<uint32_t> shape;
  std::vector<uint8_t> bytes;
  template <typename T>
  const T *as() const {
    return reinterpret_cast<const T *>(bytes.data());
  }
  template <typename T>
  T *as() {
    return reinterpret_cast<T *>(bytes.data());
  }
};

/// A tensor in the simulated DRAM, decoded, as it is when the last instruction that writes it has run. Several layers
/// may write one tensor, and others may read a part of it before it is complete.
struct TensorObservation {
  uint32_t tensor = 0; ///< Index in Program::tensors.
  TensorData data;
};
using Observer = std::function<void(const TensorObservation &)>;

struct Options {
  unsigned threads = 1;  ///< That this run may use; its results do not depend on them.
  bool counts = true;    ///< Count cycles and actions; else only values (cycles are 0).
  bool timeline = false; ///< Keep the instruction records.
  /// Called once for each input of the program and each tensor that the program writes to DRAM, in the order in which
  /// they are complete.
  Observer observe;
};

struct RunResult {
  std::vector<TensorData> outputs; ///< In the order of Program::outputs.
  RunStats stats;
};

/// What does not change from run to run: converted weights, the constant part of the DRAM image, one configuration of
/// the dataflow. Immutable after create(); run() may be called from several threads at once, each run independent of
/// all others.
class Simulator {
public:
  /// `program` has been verified (isa::verify) and, with `machine`, outlives the simulator. Fails where the program was
  /// compiled for another machine, or needs a level, dataflow or vector operation that the machine lacks.
  static absl::StatusOr<std::unique_ptr<Simulator>> create(const isa::Program &program,
                                                           const machine::Machine &machine);
  ~Simulator();

  /// One run of the program: `inputs` in the order of Program::inputs, of the same type and shape.
  absl::StatusOr<RunResult> run(absl::Span<const TensorData> inputs, const Options &options = {}) const;

  const isa::Program &program() const;
  const machine::Machine &machine() const;

private:
  struct State;
  explicit Simulator(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_SIMULATOR_H
