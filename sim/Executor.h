//===- Executor.h - Runs instructions in program order ----------*- C++ -*-===//
//
// Values and costs of one run. What does not change from run to run (SharedState) is made once; everything here belongs
// to one thread.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_EXECUTOR_H
#define SPARSEACCEL_SIM_EXECUTOR_H

#include "EventLoop.h"
#include "Memory.h"
#include "Residence.h"
#include "TaskPool.h"
#include "WeightCache.h"

#include "SparseAccel/Sim/Kernels.h"
#include "SparseAccel/Sim/Simulator.h"
#include "SparseAccel/Target/Dataflow/Dataflow.h"

#include <chrono>
#include <deque>
#include <string>

namespace sparseaccel::sim {

/// Of a clock that only differences are taken of.
inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Cycles for `amount` at `rate` a cycle; a rate of 0 is never the bottleneck.
inline double cyclesFor(double amount, double rate) { return rate > 0 ? amount / rate : 0; }

/// Words of a level for so many bits: a last word that is not full is a whole access. A level without words counts
/// none.
inline double wordsFor(uint64_t bits, uint32_t wordBits) {
  return wordBits ? double((bits + wordBits - 1) / wordBits) : 0;
}

/// A numerics entry with one multiplier, rounding term and shift per channel, as the kernels take them.
struct ExpandedNumerics {
  std::vector<int64_t> multiplier, round, shift;
};

/// A decoded operand that is kept until something overwrites its bytes. What still reads the values shares them.
struct Decoded {
  isa::Operand operand;
  uint64_t end = 0;
  std::shared_ptr<std::vector<uint8_t>> values = std::make_shared<std::vector<uint8_t>>();
};

/// What a CONTRACT costs, counted beside the values of those that follow. Its operands lie where the instruction read
/// them until the count has ended.
struct PendingCount {
  TaskPool::Handle task;
  size_t record = 0;
  uint32_t layer = 0;
  dataflow::Work work;
  dataflow::OperandView a, b;
  std::shared_ptr<const WeightTile> tile;
  std::shared_ptr<const std::vector<uint8_t>> activations; ///< Null where they lie in a buffer as they are.
  /// Bytes of buffers that are read.
  struct Range {
    unsigned buffer;
    uint64_t begin, end;
  };
  std::vector<Range> reads;
  dataflow::Counts counts;
  double seconds = 0;
};

/// Memory that one run needs and the next one may use again. What a verified program reads it has written before, so
/// nothing is cleared between runs.
struct Workspace {
  Workspace(const isa::Program &program, const ConstantInfo &constants)
      : memory(program, constants), residence(program.buffers.size()) {}
  Memory memory;
  Residence residence; ///< Of the constants in `memory`; it stands from run to run as they do.
  std::unique_ptr<TaskPool> pool;
  kernels::Scratch scratch;
  std::vector<Decoded> cache;
  std::vector<uint8_t> valuesA, valuesB, valuesO, granule, encoded;
  std::vector<int64_t> channelMultiplier, channelRound, channelShift;
};

struct SharedState {
  const isa::Program *program = nullptr;
  const machine::Machine *machine = nullptr;
  const dataflow::Dataflow *dataflow = nullptr;
  const kernels::KernelTable *kernels = nullptr;
  ConstantInfo constants;
  std::vector<const machine::Level *> levelOfBuffer;
  std::vector<isa::Mapping> mappings; ///< Loop levels are those of the machine.
  std::vector<isa::SafSet> safs;
  std::vector<ExpandedNumerics> numerics;
  std::vector<Waits> waits;                     ///< By instruction, HALT left out.
  std::vector<std::vector<uint32_t>> completes; ///< By instruction: the tensors in DRAM that it is the last to write.
  std::vector<uint32_t> given;                  ///< Tensors that the program is given and never writes.
  mutable WeightCache weights;
};

/// Extents of an instruction, as dataflows and kernels take them.
dataflow::Contraction shapeOf(const isa::Contract &contract, const isa::Program &program);

/// Reads and writes of a level, of DRAM (index 0) or of a buffer's level, in words.
struct LevelWords {
  double read = 0, write = 0, metadataRead = 0, metadataWrite = 0;
};

class Executor {
public:
  Executor(const SharedState &shared, const Options &options, Workspace &workspace);
  ~Executor();
  absl::Status run(absl::Span<const TensorData> inputs, RunResult &result);

private:
  struct LayerWork {
    dataflow::Counts counts;
    std::vector<LevelWords> levels;
    double vectorOperations = 0, codecElements = 0;
    double widestSum = 0;
    bool contracts = false;
  };

  absl::Status execute(uint32_t index, const isa::Instruction &instruction);
  absl::Status configure(const isa::Configure &instruction, InstructionRecord &record);
  absl::Status load(const isa::Load &instruction, InstructionRecord &record);
  absl::Status store(const isa::Store &instruction, InstructionRecord &record);
  absl::Status contract(const isa::Contract &instruction, InstructionRecord &record);
  absl::Status vector(const isa::Vector &instruction, InstructionRecord &record);
  absl::Status host(const isa::Host &instruction);
  absl::Status observe(absl::Span<const uint32_t> tensors);
  void finish(RunStats &stats);

  /// Values of a vector instruction: dense operands in, dense result out.
  absl::Status compute(const isa::Vector &instruction, const uint8_t *a, const uint8_t *b, uint8_t *o);
  void computeTable(const isa::Vector &instruction, const uint8_t *a, uint8_t *o);

  absl::StatusOr<const uint8_t *> decoded(const isa::Operand &operand);
  /// The cache's values of an operand whose format is not dense, and that decoded() has just given.
  std::shared_ptr<const std::vector<uint8_t>> heldValues(const isa::Operand &operand) const;
  /// Encodes dense values into a buffer whose format is not dense, and remembers them as what decoding gives. `values`
  /// is left with any content.
  void encode(const isa::Operand &operand, std::vector<uint8_t> &values);
  Decoded &newEntry(const isa::Operand &operand);
  void overwrite(const isa::Operand &operand);
  /// Counts the contraction now, or beside what follows where there are threads for it.
  void count(std::unique_ptr<PendingCount> count, InstructionRecord &record);
  /// Waits for the oldest count and adds it up: counts are added in program order, however they end.
  void settleFirst();
  /// Waits for the counts that read bytes of a buffer which are about to change.
  void settleReaders(unsigned buffer, uint64_t begin, uint64_t end);
  uint64_t bytesInBuffer(const isa::Operand &operand) const;
  const isa::Tensor &tensorOf(const isa::Operand &operand) const { return shared.program->tensors[operand.tensor]; }
  LevelWords &wordsOf(const isa::Operand &operand, uint32_t layer);
  /// Fills cycles, bus cycles and bounds of a transfer, and its DRAM words.
  void chargeTransfer(InstructionRecord &record, bool reads, uint64_t dataBytes, uint64_t metadataBytes,
                      double bufferCycles, double codecCycles);

  const SharedState &shared;
  const Options &options;
  Workspace &workspace;
  Memory &memory;
  std::vector<InstructionRecord> records;
  std::vector<LayerWork> layers;
  std::deque<std::unique_ptr<PendingCount>> pending; ///< In program order.
  double valueSeconds = 0, countSeconds = 0, deferredSeconds = 0;
};

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_EXECUTOR_H
