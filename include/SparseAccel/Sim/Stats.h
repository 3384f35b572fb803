//===- Stats.h - What a simulation measured ---------------------*- C++ -*-===//
//
// Plain numbers from which reports, traces and energies are made. Cycles are those of the array's clock; bytes are
// bytes; actions are in the units of EnergyTable.h. All counts are integers held in doubles below 2^53, so that sums do
// not depend on the order in which images were simulated.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_STATS_H
#define SPARSEACCEL_SIM_STATS_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"
#include "SparseAccel/Target/Machine/EnergyTable.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sparseaccel::sim {

/// The queues of the machine, in the order of the instruction table. Host is a barrier over all.
enum class Unit : uint8_t { Load, Mac, Vector, Store, Host };
inline constexpr unsigned kNumUnits = 5;
const char *unitName(Unit unit); ///< "load", "mac", "vector", "store", "host".

/// Bytes that crossed the DRAM pins, rounded up to bursts. Length words, and the metadata part of an encoded granule,
/// are metadata.
struct DramTraffic {
  uint64_t readData = 0, readMetadata = 0, writeData = 0, writeMetadata = 0;
  uint64_t read() const { return readData + readMetadata; }
  uint64_t written() const { return writeData + writeMetadata; }
  uint64_t total() const { return read() + written(); }
  void add(const DramTraffic &other);
  bool operator==(const DramTraffic &) const = default;
};

/// What one instruction costs before it meets others, and when it ran. `cycles` is how long it holds its queue where
/// nothing disturbs it; `busCycles` is how long it holds the DRAM bus; its results are there `latencyCycles` after it
/// let go of the queue.
struct InstructionRecord {
  uint32_t instruction = 0; ///< Index in Program::instructions.
  uint32_t layer = 0;
  Unit unit = Unit::Load;
  uint64_t cycles = 0, busCycles = 0, latencyCycles = 0;
  std::array<double, 6> boundCycles{}; ///< How `cycles` divide over dataflow::Bound.
  DramTraffic dram;
  uint64_t start = 0; ///< First cycle.
  uint64_t freed = 0; ///< Cycle from which the queue may start the next instruction.
  uint64_t end = 0;   ///< Cycle from which waiting instructions may start.
};

struct LayerStats {
  std::string name, kind, location;
  bool onHost = false;
  uint64_t macs = 0;       ///< Dense multiply-accumulates per image, times images.
  dataflow::Counts counts; ///< Sum over the layer's CONTRACTs.
  /// Time: from the end of the last instruction of everything before to the end of the last instruction of this layer.
  /// Sums to the run's cycles. A host operator takes no time here: its time is the host's, and the report says so.
  double cycles = 0;
  double computeCycles = 0; ///< Busy cycles of the array; of the vector unit where the layer has no CONTRACT.
  double loadCycles = 0, storeCycles = 0, vectorCycles = 0; ///< Busy cycles of the queue.
  std::array<double, 6>
      boundCycles{}; ///< `cycles` by the resource on the critical path (dataflow::Bound); sums to `cycles`.
  DramTraffic dram;
  machine::ActionCounts actions; ///< Of everything, those in `counts` included.
  double widestSum = 0;          ///< Largest |sum| that a CONTRACT left in a buffer.
  uint64_t instructions = 0;

  /// The resource with the most of boundCycles; Mac where all are zero.
  dataflow::Bound bound() const;
  /// Issued slots / slots: (performed + gated + wasted) / slots; 0 where the layer has no CONTRACT.
  double utilization() const;
  void add(const LayerStats &other); ///< Names stay.
};

/// One or more images through one program.
struct RunStats {
  uint64_t images = 0;
  std::vector<LayerStats> layers; ///< In the program's order.
  LayerStats totals;
  std::vector<InstructionRecord> timeline; ///< Of the first image, in program order; empty unless asked for.
  /// Wall time of the simulation itself, in seconds, summed over threads: kernels, counting, and everything else.
  double valueSeconds = 0, countSeconds = 0, otherSeconds = 0;
  void add(const RunStats &other); ///< Of the same program.
};

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_STATS_H
