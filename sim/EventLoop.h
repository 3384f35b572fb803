//===- EventLoop.h - When instructions run ----------------------*- C++ -*-===//
//
// Plays costs over queues. Each queue runs its instructions in program order, one at a time. An instruction starts when
// its queue is free, the instructions that it waits for have ended, and every HOST before it has ended. A LOAD or STORE
// holds the DRAM bus; where the machine has one bus for both directions, two transfers that meet take turns burst by
// burst, each at half of the bandwidth.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_EVENTLOOP_H
#define SPARSEACCEL_SIM_EVENTLOOP_H

#include "SparseAccel/Sim/Stats.h"
#include "SparseAccel/Target/ISA/Program.h"

#include "absl/types/span.h"

#include <vector>

namespace sparseaccel::sim {

/// What an instruction waits for: so many instructions of each queue, by Unit; Host unused.
using Waits = std::array<uint32_t, kNumUnits>;
Waits waitsOf(const isa::Instruction &instruction);
Unit unitOf(const isa::Instruction &instruction);
uint32_t layerOf(const isa::Instruction &instruction);

/// Fills start, freed and end of `records`, which are in program order. `waits` is parallel to them. Returns the last
/// end.
uint64_t playInstructions(absl::Span<InstructionRecord> records, absl::Span<const Waits> waits, bool sharedBus);

/// Cuts the run into layers: end[i] is the last end of all instructions of layers up to i in program order. Needs
/// played records.
std::vector<uint64_t> layerEnds(absl::Span<const InstructionRecord> records, size_t layers);

/// Walks the critical path back from the last end and gives each of its cycles to the layer in whose time it lies and
/// to the resource that the instruction on the path was held up by. result[layer] sums to the layer's cycles.
std::vector<std::array<double, 6>> attributeBounds(absl::Span<const InstructionRecord> records,
                                                   absl::Span<const Waits> waits, absl::Span<const uint64_t> ends);

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_EVENTLOOP_H
