//===- ProgramBuilder.h - Small programs by hand ----------------*- C++ -*-===//
//
// Builds programs for tests of the simulator and the runtime: tensors with any formats, one buffer per program-managed
// level, and instructions that each wait for everything before them unless told otherwise.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TEST_UNIT_SIM_PROGRAMBUILDER_H
#define SPARSEACCEL_TEST_UNIT_SIM_PROGRAMBUILDER_H

#include "SparseAccel/Sim/Simulator.h"
#include "SparseAccel/Target/Dataflow/Dataflow.h"
#include "SparseAccel/Target/Formats/Format.h"
#include "SparseAccel/Target/Machine/Machine.h"

#include "gtest/gtest.h"

#include <cstring>
#include <string>
#include <vector>

namespace sparseaccel::test {

inline formats::Format format(const std::string &name) {
  absl::StatusOr<formats::Format> format = formats::parseFormat(name);
  EXPECT_TRUE(format.ok()) << format.status();
  return format.ok() ? *format : formats::Format{};
}

inline machine::Machine machineNamed(const std::string &name) {
  absl::StatusOr<machine::Machine> machine = machine::loadMachine(name);
  EXPECT_TRUE(machine.ok()) << machine.status();
  return machine.ok() ? *std::move(machine) : machine::Machine{};
}

/// A machine whose numbers are easy to calculate with: dadiannao, 8 DRAM bytes a cycle in bursts of 64 after 10 cycles.
inline machine::Machine plainMachine() {
  machine::Machine machine = machineNamed("dadiannao");
  machine.dram.bytesPerCycle = 8;
  machine.dram.burstBytes = 64;
  machine.dram.latencyCycles = 10;
  machine.dram.sharedBus = true;
  machine.vector.lanes = 16;
  for (machine::Level &level : machine.levels)
    level.readBytesPerCycle = level.writeBytesPerCycle = 0;
  return machine;
}

class ProgramBuilder {
public:
  isa::Program program;
  bool serial = true; ///< Each instruction waits for all before it.

  explicit ProgramBuilder(const machine::Machine &machine) : machine(machine) {
    program.machine = machine.name;
    program.machineFingerprint = machine.fingerprint();
    program.numericsName = "int16";
    for (const machine::Level &level : machine.levels) {
      program.levelNames.push_back(level.name);
      if (&level == &machine.levels.front() || level.managedBy != machine::ManagedBy::Program)
        continue;
      // Big enough for tests, small enough to make many of them.
      program.buffers.push_back({level.name, std::min<uint64_t>(level.sizeBytes, 1 << 20), level.psumBits});
      next.push_back(0);
    }
    program.numerics.emplace_back();
    program.mappings.emplace_back();
    program.safSets.emplace_back();
    layer("layer", "conv");
  }

  uint32_t layer(const std::string &name, const std::string &kind) {
    isa::Layer layer;
    layer.name = name;
    layer.kind = kind;
    program.layers.push_back(layer);
    return current = uint32_t(program.layers.size() - 1);
  }

  uint32_t tensor(const std::string &name, isa::ElementType type, std::vector<uint32_t> shape, isa::TensorRole role,
                  const std::string &dram = "dense", const std::string &buffer = "dense",
                  std::vector<uint32_t> granule = {}) {
    isa::Tensor tensor;
    tensor.name = name;
    tensor.type = type;
    tensor.shape = shape;
    tensor.role = role;
    tensor.dramFormat = format(dram);
    tensor.bufferFormat = format(buffer);
    tensor.granule = granule.empty() ? shape : granule;
    if (!tensor.dramFormat.isDense()) {
      uint64_t bytes = formats::worstCase(tensor.dramFormat, isa::storageBytes(type), tensor.granule).bytes();
      uint64_t burst = machine.dram.burstBytes;
      tensor.slotBytes = (bytes + burst - 1) / burst * burst;
    }
    bool isSums = type == isa::ElementType::I32 || type == isa::ElementType::I48;
    if (isSums) {
      // Sums never leave their buffer.
    } else if (role == isa::TensorRole::Input) {
      program.inputs.push_back(uint32_t(program.tensors.size()));
    } else if (role == isa::TensorRole::Output) {
      program.outputs.push_back(uint32_t(program.tensors.size()));
    }
    if (!isSums) {
      tensor.dramOffset = place(tensor.dramBytes());
      if (!tensor.dramFormat.isDense())
        tensor.lengthOffset = place(tensor.granules() * 4);
    }
    program.tensors.push_back(tensor);
    return uint32_t(program.tensors.size() - 1);
  }

  template <typename T>
  uint32_t constant(const std::string &name, isa::ElementType type, std::vector<uint32_t> shape,
                    const std::vector<T> &values, const std::string &dram = "dense",
                    const std::string &buffer = "dense", std::vector<uint32_t> granule = {}) {
    uint32_t index = tensor(name, type, shape, isa::TensorRole::Constant, dram, buffer, granule);
    isa::Tensor &tensor = program.tensors[index];
    tensor.constantOffset = program.constants.size();
    program.constants.resize(program.constants.size() + tensor.dramBytes());
    uint8_t *to = program.constants.data() + tensor.constantOffset;
    if (tensor.dramFormat.isDense()) {
      std::memcpy(to, values.data(), values.size() * sizeof(T));
      return index;
    }
    // One granule is the whole tensor, or a run of outermost slices.
    uint64_t inner = tensor.elements() / tensor.shape[0], rows = tensor.granule[0];
    for (uint64_t row = 0; row < tensor.shape[0]; row += rows) {
      std::vector<uint32_t> extent = tensor.granule;
      extent[0] = uint32_t(std::min<uint64_t>(rows, tensor.shape[0] - row));
      std::vector<uint8_t> bytes;
      formats::encode(tensor.dramFormat, {values.data() + row * inner, sizeof(T), extent}, bytes);
      std::memcpy(to, bytes.data(), bytes.size());
      tensor.constantLengths.push_back(uint32_t(bytes.size()));
      to += tensor.slotBytes;
    }
    return index;
  }

  uint32_t numerics(isa::Numerics numerics) {
    program.numerics.push_back(std::move(numerics));
    return uint32_t(program.numerics.size() - 1);
  }

  /// A box of a tensor in the buffer of this name, at the next free place.
  isa::Operand place(const std::string &buffer, uint32_t tensor, isa::Coord origin, isa::Coord extent) {
    isa::Operand operand;
    operand.tensor = tensor;
    operand.origin = origin;
    operand.extent = extent;
    for (size_t i = 0; i < program.buffers.size(); ++i)
      if (program.buffers[i].name == buffer)
        operand.buffer = uint8_t(i);
    EXPECT_NE(operand.buffer, 255) << "no buffer " << buffer;
    const isa::Tensor &t = program.tensors[tensor];
    uint64_t bytes = uint64_t(extent[0]) * extent[1] * extent[2] * extent[3];
    bool isSums = t.type == isa::ElementType::I32 || t.type == isa::ElementType::I48;
    if (isSums) {
      bytes = bytes * program.buffers[operand.buffer].psumBits / 8;
    } else if (t.bufferFormat.isDense()) {
      bytes *= isa::storageBytes(t.type);
    } else {
      uint64_t granules = 1;
      for (size_t i = 0; i < t.granule.size(); ++i)
        granules *= (extent[i] + t.granule[i] - 1) / t.granule[i];
      bytes =
          granules * ((formats::worstCase(t.bufferFormat, isa::storageBytes(t.type), t.granule).bytes() + 7) / 8 * 8);
    }
    uint64_t &at = next[operand.buffer];
    operand.offset = at;
    at += (bytes + 63) / 64 * 64;
    EXPECT_LE(at, program.buffers[operand.buffer].bytes) << "buffer " << buffer << " is too small for this test";
    return operand;
  }
  /// The whole tensor.
  isa::Operand place(const std::string &buffer, uint32_t tensor) {
    isa::Coord extent = {1, 1, 1, 1};
    const std::vector<uint32_t> &shape = program.tensors[tensor].shape;
    std::copy(shape.begin(), shape.end(), extent.begin());
    return place(buffer, tensor, {0, 0, 0, 0}, extent);
  }

  template <typename I>
  I &add(I instruction) {
    instruction.layer = current;
    if (serial) {
      instruction.waitLoad = issued[0];
      instruction.waitMac = issued[1];
      instruction.waitVector = issued[2];
      instruction.waitStore = issued[3];
    }
    if (unsigned(I::kQueue) < 4)
      ++issued[unsigned(I::kQueue)];
    program.instructions.push_back(instruction);
    return std::get<I>(program.instructions.back());
  }
  isa::Operand load(const isa::Operand &operand) {
    isa::Load load;
    load.dst = operand;
    add(load);
    return operand;
  }
  void store(const isa::Operand &operand) {
    isa::Store store;
    store.src = operand;
    add(store);
  }
  void configure(uint32_t numerics) {
    isa::Configure configure;
    configure.numerics = numerics;
    add(configure);
  }
  /// Reads and writes whole boxes; the mapping is the dataflow's own.
  isa::Contract &contract(isa::Contract instruction) {
    absl::StatusOr<const dataflow::Dataflow *> dataflow = dataflow::findDataflow(machine.dataflow);
    EXPECT_TRUE(dataflow.ok()) << dataflow.status();
    dataflow::Contraction shape;
    shape.n = instruction.n, shape.g = instruction.g, shape.m = instruction.m, shape.c = instruction.c;
    shape.p = instruction.p, shape.q = instruction.q, shape.r = instruction.r, shape.s = instruction.s;
    shape.strideH = instruction.strideH, shape.strideW = instruction.strideW;
    shape.padTop = instruction.padTop, shape.padBottom = instruction.padBottom;
    shape.padLeft = instruction.padLeft, shape.padRight = instruction.padRight;
    std::vector<isa::Mapping> mappings = (*dataflow)->innerMappings(shape, machine);
    EXPECT_FALSE(mappings.empty());
    program.mappings.push_back(mappings.empty() ? isa::Mapping{} : mappings.front());
    instruction.mapping = uint32_t(program.mappings.size() - 1);
    return add(instruction);
  }

  const isa::Program &finish() {
    isa::Halt halt;
    halt.layer = current;
    program.instructions.push_back(halt);
    return program;
  }

private:
  uint64_t place(uint64_t bytes) {
    uint64_t at = program.dramBytes;
    program.dramBytes += (bytes + 63) / 64 * 64;
    return at;
  }

  const machine::Machine &machine;
  uint32_t current = 0;
  uint32_t issued[4] = {};
  std::vector<uint64_t> next;
};

template <typename T>
sim::TensorData tensorData(isa::ElementType type, std::vector<uint32_t> shape, const std::vector<T> &values) {
  sim::TensorData data;
  data.type = type;
  data.shape = std::move(shape);
  data.bytes.resize(values.size() * sizeof(T));
  std::memcpy(data.bytes.data(), values.data(), data.bytes.size());
  return data;
}

template <typename T>
std::vector<T> valuesOf(const sim::TensorData &data) {
  return {data.as<T>(), data.as<T>() + data.bytes.size() / sizeof(T)};
}

inline absl::StatusOr<sim::RunResult> simulate(const isa::Program &program, const machine::Machine &machine,
                                               const std::vector<sim::TensorData> &inputs,
                                               const sim::Options &options = {}) {
  absl::StatusOr<std::unique_ptr<sim::Simulator>> simulator = sim::Simulator::create(program, machine);
  if (!simulator.ok())
    return simulator.status();
  return (*simulator)->run(inputs, options);
}

} // namespace sparseaccel::test

#endif // SPARSEACCEL_TEST_UNIT_SIM_PROGRAMBUILDER_H
