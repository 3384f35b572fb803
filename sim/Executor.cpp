//===- Executor.cpp - Runs instructions in program order ------------------===//

#include "Executor.h"

#include "SparseAccel/Runtime/HostOps.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sparseaccel::sim {

Executor::Executor(const SharedState &shared, const Options &options, Workspace &workspace)
    : shared(shared), options(options), workspace(workspace), memory(workspace.memory) {
  workspace.cache.clear();
  const unsigned threads = std::max(options.threads, 1u);
  if (!workspace.pool || workspace.pool->threads() != threads)
    workspace.pool = std::make_unique<TaskPool>(threads);
  workspace.scratch.pool = workspace.pool.get();
  layers.resize(shared.program->layers.size());
  for (LayerWork &layer : layers)
    layer.levels.resize(shared.machine->levels.size());
  records.reserve(shared.waits.size());
}

Executor::~Executor() {
  for (const std::unique_ptr<PendingCount> &count : pending) // of a run that failed
    TaskPool::wait(count->task);
}

absl::Status Executor::run(absl::Span<const TensorData> inputs, RunResult &result) {
  const isa::Program &program = *shared.program;
  double begin = seconds();
  if (inputs.size() != program.inputs.size())
    return absl::InvalidArgumentError(
        absl::StrCat("the program takes ", program.inputs.size(), " inputs, and ", inputs.size(), " were given"));
  for (size_t i = 0; i < inputs.size(); ++i)
    if (absl::Status status = memory.write(program.inputs[i], inputs[i]); !status.ok())
      return status;
  if (options.observe)
    if (absl::Status status = observe(shared.given); !status.ok())
      return status;
  for (uint32_t i = 0; i < program.instructions.size(); ++i) {
    const isa::Instruction &instruction = program.instructions[i];
    if (std::holds_alternative<isa::Halt>(instruction))
      break;
    uint32_t layer = layerOf(instruction);
    if (absl::Status status = execute(i, instruction); !status.ok())
      return absl::Status(status.code(), absl::StrCat("instruction ", i, " of layer '", program.layers[layer].name,
                                                      "': ", status.message()));
    if (options.observe)
      if (absl::Status status = observe(shared.completes[i]); !status.ok())
        return status;
  }
  for (uint32_t output : program.outputs) {
    absl::StatusOr<TensorData> data = memory.read(output);
    if (!data.ok())
      return data.status();
    result.outputs.push_back(*std::move(data));
  }
  while (!pending.empty())
    settleFirst();
  finish(result.stats);
  result.stats.valueSeconds = valueSeconds;
  result.stats.countSeconds = countSeconds + deferredSeconds;
  result.stats.otherSeconds = std::max(0.0, seconds() - begin - valueSeconds - countSeconds);
  return absl::OkStatus();
}

absl::Status Executor::execute(uint32_t index, const isa::Instruction &instruction) {
  InstructionRecord record;
  record.instruction = index;
  record.layer = layerOf(instruction);
  record.unit = unitOf(instruction);
  double begin = seconds(), counted = countSeconds;
  absl::Status status = absl::OkStatus();
  if (const auto *i = std::get_if<isa::Contract>(&instruction))
    status = contract(*i, record);
  else if (const auto *i = std::get_if<isa::Load>(&instruction))
    status = load(*i, record);
  else if (const auto *i = std::get_if<isa::Vector>(&instruction))
    status = vector(*i, record);
  else if (const auto *i = std::get_if<isa::Store>(&instruction))
    status = store(*i, record);
  else if (const auto *i = std::get_if<isa::Configure>(&instruction))
    status = configure(*i, record);
  else if (const auto *i = std::get_if<isa::Host>(&instruction))
    status = host(*i);
  valueSeconds += seconds() - begin - (countSeconds - counted);
  records.push_back(record);
  return status;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

uint64_t Executor::bytesInBuffer(const isa::Operand &operand) const {
  const isa::Tensor &tensor = tensorOf(operand);
  if (tensor.bufferFormat.isDense())
    return product(extentsOf(operand.extent)) * isa::storageBytes(tensor.type);
  uint64_t granules = 1;
  for (size_t i = 0; i < operand.extent.size() && i < tensor.granule.size(); ++i)
    granules *= (operand.extent[i] + tensor.granule[i] - 1) / std::max(tensor.granule[i], 1u);
  return granules * tensor.bufferSlotBytes();
}

absl::StatusOr<const uint8_t *> Executor::decoded(const isa::Operand &operand) {
  if (tensorOf(operand).bufferFormat.isDense())
    return memory.buffer(operand.buffer).bytes.data() + operand.offset;
  for (size_t i = 0; i < workspace.cache.size(); ++i)
    if (workspace.cache[i].operand == operand) {
      std::rotate(workspace.cache.begin(), workspace.cache.begin() + i, workspace.cache.begin() + i + 1);
      return workspace.cache.front().values->data();
    }
  Decoded &entry = newEntry(operand);
  absl::StatusOr<const uint8_t *> values = memory.decode(operand, *entry.values);
  if (!values.ok())
    workspace.cache.erase(workspace.cache.begin());
  return values;
}

Decoded &Executor::newEntry(const isa::Operand &operand) {
  constexpr size_t kept = 4;
  Decoded entry;
  if (workspace.cache.size() == kept) {
    // Its memory is used again, where nothing counts from it any more.
    if (workspace.cache.back().values.use_count() == 1)
      entry = std::move(workspace.cache.back());
    workspace.cache.pop_back();
  }
  entry.operand = operand;
  entry.end = operand.offset + bytesInBuffer(operand);
  workspace.cache.insert(workspace.cache.begin(), std::move(entry));
  return workspace.cache.front();
}

void Executor::encode(const isa::Operand &operand, std::vector<uint8_t> &values) {
  memory.encode(operand, values.data());
  newEntry(operand).values->swap(values);
#ifndef NDEBUG
  std::vector<uint8_t> check;
  absl::StatusOr<const uint8_t *> decoded = memory.decode(operand, check);
  size_t bytes = product(extentsOf(operand.extent)) * isa::storageBytes(tensorOf(operand).type);
  assert(decoded.ok() && std::memcmp(*decoded, workspace.cache.front().values->data(), bytes) == 0 &&
         "what a codec writes, it reads back");
#endif
}

void Executor::overwrite(const isa::Operand &operand) {
  uint64_t end = operand.offset + bytesInBuffer(operand);
  settleReaders(operand.buffer, operand.offset, end);
  workspace.residence.overwrite(operand.buffer, operand.offset, end);
  workspace.cache.erase(std::remove_if(workspace.cache.begin(), workspace.cache.end(),
                                       [&](const Decoded &entry) {
                                         return entry.operand.buffer == operand.buffer && entry.operand.offset < end &&
                                                operand.offset < entry.end;
                                       }),
                        workspace.cache.end());
}

//===----------------------------------------------------------------------===//
// Host
//===----------------------------------------------------------------------===//

absl::Status Executor::host(const isa::Host &instruction) {
  const isa::HostOp &op = shared.program->hostOps[instruction.op];
  std::vector<TensorData> inputs, outputs;
  auto view = [&](uint32_t index, TensorData &data) {
    return runtime::HostTensor{data.type, shared.program->tensors[index].shape, absl::MakeSpan(data.bytes)};
  };
  for (uint32_t index : op.inputs) {
    absl::StatusOr<TensorData> data = memory.read(index);
    if (!data.ok())
      return data.status();
    inputs.push_back(*std::move(data));
  }
  for (uint32_t index : op.outputs) {
    const isa::Tensor &tensor = shared.program->tensors[index];
    TensorData data;
    data.type = tensor.type;
    data.shape = tensor.shape;
    data.bytes.resize(tensor.elements() * isa::storageBytes(tensor.type));
    outputs.push_back(std::move(data));
  }
  std::vector<runtime::HostTensor> in, out;
  for (size_t i = 0; i < inputs.size(); ++i)
    in.push_back(view(op.inputs[i], inputs[i]));
  for (size_t i = 0; i < outputs.size(); ++i)
    out.push_back(view(op.outputs[i], outputs[i]));
  if (absl::Status status = runtime::runHostOp(op, in, absl::MakeSpan(out)); !status.ok())
    return status;
  for (size_t i = 0; i < outputs.size(); ++i)
    if (absl::Status status = memory.write(op.outputs[i], outputs[i]); !status.ok())
      return status;
  return absl::OkStatus();
}

absl::Status Executor::observe(absl::Span<const uint32_t> tensors) {
  for (uint32_t tensor : tensors) {
    absl::StatusOr<TensorData> data = memory.read(tensor);
    if (!data.ok())
      return data.status();
    options.observe({tensor, *std::move(data)});
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

void Executor::finish(RunStats &stats) {
  const isa::Program &program = *shared.program;
  stats.images = 1;
  stats.layers.resize(layers.size());
  stats.totals = LayerStats();
  stats.totals.name = "total";
  std::vector<uint64_t> ends(layers.size(), 0);
  std::vector<std::array<double, 6>> bounds(layers.size());
  if (options.counts) {
    absl::Span<const Waits> waits(shared.waits.data(), records.size());
    playInstructions(absl::MakeSpan(records), waits, shared.machine->dram.sharedBus);
    ends = layerEnds(records, layers.size());
    bounds = attributeBounds(records, waits, ends);
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    LayerStats &layer = stats.layers[i];
    const LayerWork &work = layers[i];
    layer.name = program.layers[i].name;
    layer.kind = program.layers[i].kind;
    layer.location = program.layers[i].location;
    layer.onHost = program.layers[i].onHost;
    layer.macs = program.layers[i].macs;
    layer.counts = work.counts;
    layer.cycles = double(ends[i] - (i ? ends[i - 1] : 0));
    layer.boundCycles = bounds[i];
    layer.widestSum = work.widestSum;
    layer.actions = work.counts.actions;
    auto add = [&](const std::string &component, const char *action, double count) {
      if (count > 0)
        layer.actions.add(component, action, count);
    };
    for (size_t level = 0; level < work.levels.size(); ++level) {
      const std::string &name = level ? shared.machine->levels[level].name : std::string("dram");
      const LevelWords &words = work.levels[level];
      add(name, "read", words.read);
      add(name, "write", words.write);
      add(name, "metadata_read", words.metadataRead);
      add(name, "metadata_write", words.metadataWrite);
    }
    add("vector", "compute", work.vectorOperations);
    add("codec", "compute", work.codecElements);
  }
  for (const InstructionRecord &record : records) {
    LayerStats &layer = stats.layers[record.layer];
    ++layer.instructions;
    layer.dram.add(record.dram);
    double busy = double(record.freed - record.start);
    if (record.unit == Unit::Load)
      layer.loadCycles += busy;
    else if (record.unit == Unit::Store)
      layer.storeCycles += busy;
    else if (record.unit == Unit::Vector)
      layer.vectorCycles += busy;
    else if (record.unit == Unit::Mac)
      layer.computeCycles += busy;
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    if (!layers[i].contracts)
      stats.layers[i].computeCycles = stats.layers[i].vectorCycles;
    stats.totals.add(stats.layers[i]);
  }
  if (options.timeline)
    stats.timeline = std::move(records);
}

} // namespace sparseaccel::sim
