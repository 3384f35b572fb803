//===- Executor.cpp - Runs instructions in program order ------------------===//

#include "Executor.h"

#include "SparseAccel/Runtime/HostOps.h"
#include "SparseAccel/Target/Formats/Format.h"
#include "SparseAccel/Target/ISA/Slots.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

namespace sparseaccel::sim {

using dataflow::Bound;

namespace {

uint64_t roundUp(uint64_t value, uint64_t to) { return to <= 1 ? value : (value + to - 1) / to * to; }

} // namespace

dataflow::Contraction shapeOf(const isa::Contract &i, const isa::Program &program) {
  dataflow::Contraction shape;
  shape.n = i.n, shape.g = i.g, shape.m = i.m, shape.c = i.c;
  shape.p = i.p, shape.q = i.q, shape.r = i.r, shape.s = i.s;
  shape.strideH = i.strideH, shape.strideW = i.strideW;
  shape.dilationH = i.dilationH, shape.dilationW = i.dilationW;
  shape.padTop = i.padTop, shape.padBottom = i.padBottom;
  shape.padLeft = i.padLeft, shape.padRight = i.padRight;
  shape.elementBits = isa::chargedBits(program.tensors[i.a.tensor].type);
  const std::string &kind = program.layers[i.layer].kind;
  shape.kind = kind == "fc"          ? machine::ContractionKind::FullyConnected
               : kind == "depthwise" ? machine::ContractionKind::Depthwise
               : kind == "matmul"    ? machine::ContractionKind::MatMul
                                     : machine::ContractionKind::Conv;
  return shape;
}

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
// Transfers
//===----------------------------------------------------------------------===//

LevelWords &Executor::wordsOf(const isa::Operand &operand, uint32_t layer) {
  return layers[layer].levels[size_t(shared.levelOfBuffer[operand.buffer] - shared.machine->levels.data())];
}

void Executor::chargeTransfer(InstructionRecord &record, bool reads, uint64_t dataBytes, uint64_t metadataBytes,
                              double bufferCycles, double codecCycles) {
  const machine::Dram &dram = shared.machine->dram;
  double busCycles = cyclesFor(double(dataBytes + metadataBytes), dram.bytesPerCycle);
  record.busCycles = uint64_t(std::ceil(busCycles));
  record.cycles = uint64_t(std::max(1.0, std::ceil(std::max({busCycles, bufferCycles, codecCycles}))));
  record.latencyCycles = dram.latencyCycles;
  bool bus = busCycles >= bufferCycles && busCycles >= codecCycles;
  record.boundCycles[unsigned(!bus    ? Bound::Buffer
                              : reads ? Bound::DramRead
                                      : Bound::DramWrite)] = double(record.cycles);
  LevelWords &words = layers[record.layer].levels[0];
  if (reads) {
    record.dram.readData = dataBytes, record.dram.readMetadata = metadataBytes;
    words.read += double(dataBytes) / 8, words.metadataRead += double(metadataBytes) / 8;
  } else {
    record.dram.writeData = dataBytes, record.dram.writeMetadata = metadataBytes;
    words.write += double(dataBytes) / 8, words.metadataWrite += double(metadataBytes) / 8;
  }
}

absl::Status Executor::configure(const isa::Configure &instruction, InstructionRecord &record) {
  if (options.counts)
    chargeTransfer(record, true,
                   roundUp(shared.program->numerics[instruction.numerics].bytes(), shared.machine->dram.burstBytes), 0,
                   0, 0);
  return absl::OkStatus();
}

/// Bytes of a dense box in DRAM: each contiguous run takes whole bursts.
static uint64_t denseTransferBytes(const isa::Tensor &tensor, const Extents &extent, uint64_t burst) {
  Strides strides = denseStrides(extentsOf(tensor.shape));
  uint64_t run = 1, rows = 1;
  for (int i = kMaxRank - 1; i >= 0; --i) {
    if (extent[i] == 1)
      continue;
    if (rows == 1 && strides[i] == int64_t(run))
      run *= extent[i];
    else
      rows *= extent[i];
  }
  return rows * roundUp(run * isa::storageBytes(tensor.type), burst);
}

/// Copies a box between a dense tensor in DRAM, row-major or in slots, and a dense place of its own. Returns the bytes
/// that cross the pins: each contiguous run takes whole bursts. Without `values`, only counts them.
template <bool toDram, typename Dram, typename Values>
static uint64_t moveDense(const isa::Tensor &tensor, const Extents &origin, const Extents &extent, Dram *dram,
                          Values *values, uint64_t burst) {
  bool copies = values != nullptr;
  unsigned elementBytes = isa::storageBytes(tensor.type);
  Strides boxStrides = denseStrides(extent);
  auto copy = [&](Dram *inDram, const Strides &dramStrides, Values *inBox, const Extents &part) {
    if constexpr (toDram)
      copyBox(inBox, boxStrides, inDram, dramStrides, part, elementBytes);
    else
      copyBox(inDram, dramStrides, inBox, boxStrides, part, elementBytes);
  };
  if (!isa::liesInSlots(tensor)) {
    Strides strides = denseStrides(extentsOf(tensor.shape));
    if (copies)
      copy(dram + elementsTo(origin, Extents{}, strides) * elementBytes, strides, values, extent);
    return denseTransferBytes(tensor, extent, burst);
  }
  uint64_t bytes = 0;
  forEachGranule(tensor, origin, extent, [&](const GranuleRef &ref) {
    if (copies)
      copy(dram + ref.index * tensor.slotBytes, denseStrides(ref.extent),
           values + elementsTo(ref.origin, origin, boxStrides) * elementBytes, ref.extent);
    bytes += roundUp(product(ref.extent) * elementBytes, burst);
  });
  return bytes;
}

absl::Status Executor::load(const isa::Load &instruction, InstructionRecord &record) {
  const isa::Operand &box = instruction.dst;
  const isa::Tensor &tensor = tensorOf(box);
  const machine::Machine &machine = *shared.machine;
  // What lies in the buffer already is not moved again: only counted.
  bool resident = workspace.residence.holds(box);
  if (!resident)
    overwrite(box);
  unsigned elementBytes = isa::storageBytes(tensor.type);
  Extents extent = extentsOf(box.extent), origin = originOf(box.origin);
  Strides boxStrides = denseStrides(extent);
  const uint8_t *dram = memory.dram(box.tensor);
  BufferMemory &buffer = memory.buffer(box.buffer);
  bool denseDram = tensor.dramFormat.isDense(), denseBuffer = tensor.bufferFormat.isDense();
  uint64_t burst = machine.dram.burstBytes, dataBytes = 0, metadataBytes = 0, elements = product(extent);

  if (denseDram) {
    if (resident) {
      dataBytes = moveDense<false>(tensor, origin, extent, dram, static_cast<uint8_t *>(nullptr), burst);
    } else if (denseBuffer) {
      dataBytes = moveDense<false>(tensor, origin, extent, dram, buffer.bytes.data() + box.offset, burst);
    } else {
      workspace.valuesA.resize(elements * elementBytes + 64);
      dataBytes = moveDense<false>(tensor, origin, extent, dram, workspace.valuesA.data(), burst);
      encode(box, workspace.valuesA);
    }
  } else {
    uint64_t slotBytes = denseBuffer ? 0 : tensor.bufferSlotBytes(), granules = 0;
    bool same = tensor.dramFormat == tensor.bufferFormat;
    if (!same && !denseBuffer && !resident)
      workspace.valuesA.resize(elements * elementBytes + 64);
    uint8_t *values = denseBuffer ? buffer.bytes.data() + box.offset : workspace.valuesA.data();
    absl::Status status;
    forEachGranule(tensor, origin, extent, [&](const GranuleRef &ref) {
      if (!status.ok())
        return;
      SlotInfo slot = memory.dramSlot(box.tensor, ref.index);
      const uint8_t *bytes = dram + ref.index * tensor.slotBytes;
      uint64_t moved = roundUp(slot.bytes, burst);
      dataBytes += moved - slot.metadataBytes, metadataBytes += slot.metadataBytes;
      ++granules;
      if (resident)
        return;
      if (same) {
        uint64_t to = box.offset + ref.local * slotBytes;
        std::memcpy(buffer.bytes.data() + to, bytes, slot.bytes);
        buffer.slotAt(to) = slot;
        return;
      }
      uint8_t *to = values + elementsTo(ref.origin, origin, boxStrides) * elementBytes;
      Strides own = denseStrides(ref.extent);
      bool inPlace = liesAs(ref.extent, own, boxStrides);
      if (!inPlace)
        workspace.granule.resize(product(ref.extent) * elementBytes);
      status = formats::decode(tensor.dramFormat, absl::MakeConstSpan(bytes, slot.bytes), elementBytes,
                               absl::MakeConstSpan(ref.extent.data(), tensor.shape.size()),
                               inPlace ? to : workspace.granule.data());
      if (!inPlace)
        copyBox(workspace.granule.data(), own, to, boxStrides, ref.extent, elementBytes);
    });
    if (!status.ok())
      return absl::Status(status.code(), absl::StrCat("tensor '", tensor.name, "': ", status.message()));
    if (!same && !denseBuffer && !resident)
      encode(box, workspace.valuesA);
    metadataBytes += roundUp(granules * 4, burst);
  }
  if (!resident && tensor.role == isa::TensorRole::Constant)
    workspace.residence.add(box, box.offset + bytesInBuffer(box));
  if (!options.counts)
    return absl::OkStatus();
  double begin = seconds();
  const machine::OperandFormats &formats =
      machine.formatsOf(tensor.role == isa::TensorRole::Constant ? isa::OperandKind::B : isa::OperandKind::A);
  bool transcodes = tensor.dramFormat != tensor.bufferFormat;
  MovedBits moved = memory.stored(box);
  const machine::Level &level = *shared.levelOfBuffer[box.buffer];
  chargeTransfer(record, true, dataBytes, metadataBytes,
                 cyclesFor(double(moved.data + moved.metadata) / 8, level.writeBytesPerCycle * level.instances),
                 transcodes ? cyclesFor(double(elements * elementBytes), formats.codecBytesPerCycle) : 0);
  LevelWords &words = wordsOf(box, record.layer);
  words.write += wordsFor(moved.data, level.wordBits);
  words.metadataWrite += wordsFor(moved.metadata, level.wordBits);
  if (transcodes)
    layers[record.layer].codecElements += double(elements);
  countSeconds += seconds() - begin;
  return absl::OkStatus();
}

absl::Status Executor::store(const isa::Store &instruction, InstructionRecord &record) {
  const isa::Operand &box = instruction.src;
  const isa::Tensor &tensor = tensorOf(box);
  const machine::Machine &machine = *shared.machine;
  unsigned elementBytes = isa::storageBytes(tensor.type);
  Extents extent = extentsOf(box.extent), origin = originOf(box.origin);
  Strides boxStrides = denseStrides(extent);
  uint8_t *dram = memory.writableDram(box.tensor);
  BufferMemory &buffer = memory.buffer(box.buffer);
  bool denseDram = tensor.dramFormat.isDense(), denseBuffer = tensor.bufferFormat.isDense();
  bool same = !denseDram && tensor.dramFormat == tensor.bufferFormat;
  uint64_t burst = machine.dram.burstBytes, dataBytes = 0, metadataBytes = 0, elements = product(extent), granules = 0;
  auto countSlot = [&](const SlotInfo &slot) {
    uint64_t moved = roundUp(slot.bytes, burst);
    dataBytes += moved - slot.metadataBytes, metadataBytes += slot.metadataBytes;
    ++granules;
  };

  if (same) {
    uint64_t slotBytes = tensor.bufferSlotBytes();
    forEachGranule(tensor, origin, extent, [&](const GranuleRef &ref) {
      uint64_t from = box.offset + ref.local * slotBytes;
      SlotInfo slot = buffer.slotAt(from);
      std::memcpy(dram + ref.index * tensor.slotBytes, buffer.bytes.data() + from, slot.bytes);
      memory.setDramSlot(box.tensor, ref.index, slot);
      countSlot(slot);
    });
  } else {
    const uint8_t *values = buffer.bytes.data() + box.offset;
    if (!denseBuffer) {
      absl::StatusOr<const uint8_t *> dense = decoded(box);
      if (!dense.ok())
        return dense.status();
      values = *dense;
    }
    if (denseDram) {
      dataBytes = moveDense<true>(tensor, origin, extent, dram, values, burst);
    } else {
      std::vector<uint8_t> &encoded = workspace.encoded;
      forEachGranule(tensor, origin, extent, [&](const GranuleRef &ref) {
        workspace.granule.resize(product(ref.extent) * elementBytes);
        int64_t at = elementsTo(ref.origin, origin, boxStrides);
        copyBox(values + at * elementBytes, boxStrides, workspace.granule.data(), denseStrides(ref.extent), ref.extent,
                elementBytes);
        encoded.clear();
        formats::Size size = formats::encode(
            tensor.dramFormat,
            {workspace.granule.data(), elementBytes, absl::MakeConstSpan(ref.extent.data(), tensor.shape.size())},
            encoded);
        std::memcpy(dram + ref.index * tensor.slotBytes, encoded.data(), encoded.size());
        SlotInfo slot{uint32_t(encoded.size()), uint32_t((size.metadataBits + 7) / 8)};
        memory.setDramSlot(box.tensor, ref.index, slot);
        countSlot(slot);
      });
    }
  }
  if (!options.counts)
    return absl::OkStatus();
  double begin = seconds();
  if (granules)
    metadataBytes += roundUp(granules * 4, burst);
  bool transcodes = tensor.dramFormat != tensor.bufferFormat;
  MovedBits moved = memory.stored(box);
  const machine::Level &level = *shared.levelOfBuffer[box.buffer];
  chargeTransfer(
      record, false, dataBytes, metadataBytes,
      cyclesFor(double(moved.data + moved.metadata) / 8, level.readBytesPerCycle * level.instances),
      transcodes ? cyclesFor(double(elements * elementBytes), machine.formatsOf(isa::OperandKind::O).codecBytesPerCycle)
                 : 0);
  LevelWords &words = wordsOf(box, record.layer);
  words.read += wordsFor(moved.data, level.wordBits);
  words.metadataRead += wordsFor(moved.metadata, level.wordBits);
  if (transcodes)
    layers[record.layer].codecElements += double(elements);
  countSeconds += seconds() - begin;
  return absl::OkStatus();
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
// Contraction
//===----------------------------------------------------------------------===//

/// The box of `extent` at `origin`, in the tensor's coordinates, inside an operand whose dense values start at `data`.
static dataflow::OperandView viewOf(const isa::Operand &operand, const uint8_t *data, unsigned elementBytes,
                                    const isa::Coord &origin, std::array<int64_t, 4> extent) {
  dataflow::OperandView view;
  view.elementBytes = elementBytes;
  view.extent = extent;
  int64_t stride = 1, at = 0;
  for (int i = 3; i >= 0; --i) {
    view.stride[i] = stride;
    at += (int64_t(origin[i]) - operand.origin[i]) * stride;
    stride *= operand.extent[i];
  }
  view.data = data + at * elementBytes;
  return view;
}

absl::Status Executor::contract(const isa::Contract &instruction, InstructionRecord &record) {
  const isa::Program &program = *shared.program;
  dataflow::Contraction shape = shapeOf(instruction, program);
  unsigned elementBytes = isa::storageBytes(tensorOf(instruction.a).type);
  LayerWork &layer = layers[instruction.layer];
  dataflow::Work work;
  work.shape = shape;
  work.mapping = &shared.mappings[instruction.mapping];
  work.safs = &shared.safs[instruction.safs];
  work.machine = shared.machine;
  work.accumulate = instruction.mode == isa::AccumulateMode::Accumulate;

  // Weights: what is derived from them is kept where they are a constant's, as it was loaded.
  const isa::Operand &b = instruction.b;
  const isa::Tensor &weights = tensorOf(b);
  bool rows = kernels::takesRows(shape);
  WeightKey key = {b.tensor,
                   instruction.bOrigin[0],
                   instruction.bOrigin[1],
                   instruction.bOrigin[2],
                   instruction.bOrigin[3],
                   instruction.g,
                   instruction.m,
                   instruction.r,
                   instruction.s,
                   instruction.c,
                   instruction.dilationW,
                   instruction.mapping,
                   instruction.safs,
                   uint32_t(rows)};
  bool keeps = workspace.residence.holds(b), dense = weights.bufferFormat.isDense();
  std::array<int64_t, 4> extent = {shape.g * shape.m, shape.r, shape.s, shape.c};
  std::array<int64_t, 4> own = {shape.r * shape.s * shape.c, shape.s * shape.c, shape.c, 1};
  dataflow::OperandView weightView = viewOf(b, dense ? memory.buffer(b.buffer).bytes.data() + b.offset : nullptr,
                                            isa::storageBytes(weights.type), instruction.bOrigin, extent);
  Extents copied;
  copied.fill(1);
  Strides from{}, to{};
  for (unsigned i = 0; i < 4; ++i)
    copied[i + 2] = uint32_t(extent[i]), from[i + 2] = weightView.stride[i], to[i + 2] = own[i];
  // The kernels and the dataflow take the box from the buffer where it lies there as one run, else from the tile.
  bool inPlace = dense && liesAs(copied, to, from);
  std::shared_ptr<const WeightTile> tile = keeps ? shared.weights.find(key) : nullptr;
  if (tile && ((options.counts && !tile->counted) || (!inPlace && tile->values.empty())))
    tile = nullptr;
  if (tile && !inPlace)
    weightView.data = tile->values.data();
  weightView.stride = own;
  if (!tile) {
    auto fresh = std::make_shared<WeightTile>();
    if (!dense) {
      absl::StatusOr<const uint8_t *> values = memory.decode(b, workspace.valuesB);
      if (!values.ok())
        return values.status();
      weightView.data = viewOf(b, *values, weightView.elementBytes, instruction.bOrigin, extent).data;
    }
    if (!inPlace) {
      fresh->values.resize(size_t(extent[0] * own[0]) * weightView.elementBytes + 64);
      copyBox(static_cast<const uint8_t *>(weightView.data), from, fresh->values.data(), to, copied,
              weightView.elementBytes);
      weightView.data = fresh->values.data();
    }
    if (!rows)
      fresh->packed = kernels::packWeights(*shared.kernels, shape, weightView);
    fresh->summary = dataflow::summarizeWeights(shape, weightView);
    if (options.counts)
      fresh->digest = shared.dataflow->digestWeights(work, weightView);
    fresh->counted = options.counts;
    if (keeps)
      shared.weights.insert(key, fresh);
    tile = std::move(fresh);
  }

  absl::StatusOr<const uint8_t *> activations = decoded(instruction.a);
  if (!activations.ok())
    return activations.status();
  dataflow::OperandView a = viewOf(instruction.a, *activations, elementBytes, instruction.aOrigin,
                                   {shape.n, shape.inputRows(), shape.inputColumns(), shape.g * shape.c});

  const isa::Operand &o = instruction.o;
  bool wide = weightView.elementBytes == 2;
  std::array<int64_t, 4> strides;
  int64_t stride = 1, at = 0;
  for (int i = 3; i >= 0; --i) {
    strides[i] = stride;
    at += (int64_t(instruction.oOrigin[i]) - o.origin[i]) * stride;
    stride *= o.extent[i];
  }
  char *sums = static_cast<char *>(memory.buffer(o.buffer).sumsAt(o.offset, wide)) + at * (wide ? 8 : 4);
  const std::vector<int64_t> &bias = program.numerics[instruction.numerics].bias;
  isa::AccumulateMode mode = instruction.mode;
  if (mode == isa::AccumulateMode::Bias && bias.empty())
    mode = isa::AccumulateMode::Clear;
  const int64_t *start = mode == isa::AccumulateMode::Bias ? bias.data() + instruction.oOrigin[3] : nullptr;
  kernels::Sums into{sums, strides[0], strides[1], strides[2]};
  if (rows)
    kernels::contractRows(*shared.kernels, shape, a, weightView, mode, start, into, workspace.scratch);
  else
    kernels::contract(*shared.kernels, shape, a, tile->packed, mode, start, into, workspace.scratch);
  if (!options.counts)
    return absl::OkStatus();

  double begin = seconds();
  // Rows of the tile's channels; where the tile covers the whole box they are one run.
  int64_t channels = shape.g * shape.m;
  if (strides[2] == channels && strides[1] == shape.q * channels &&
      (shape.n == 1 || strides[0] == shape.p * strides[1]))
    layer.widestSum = std::max(layer.widestSum,
                               kernels::widestSum(*shared.kernels, sums, wide, shape.n * shape.p * shape.q * channels));
  else
    for (int64_t n = 0; n < shape.n; ++n)
      for (int64_t p = 0; p < shape.p; ++p)
        for (int64_t q = 0; q < shape.q; ++q)
          layer.widestSum =
              std::max(layer.widestSum,
                       kernels::widestSum(*shared.kernels,
                                          sums + (n * strides[0] + p * strides[1] + q * strides[2]) * (wide ? 8 : 4),
                                          wide, channels));
  countSeconds += seconds() - begin;

  auto pending = std::make_unique<PendingCount>();
  pending->record = records.size();
  pending->layer = instruction.layer;
  pending->work = work;
  pending->work.weights = &tile->summary;
  pending->work.digest = tile->digest.get();
  pending->a = a, pending->b = weightView;
  const isa::Operand &activation = instruction.a;
  pending->activations = heldValues(activation);
  if (!pending->activations)
    pending->reads.push_back({activation.buffer, activation.offset, activation.offset + bytesInBuffer(activation)});
  if (inPlace)
    pending->reads.push_back({b.buffer, b.offset, b.offset + bytesInBuffer(b)});
  pending->tile = std::move(tile);
  layer.contracts = true;
  count(std::move(pending), record);
  return absl::OkStatus();
}

std::shared_ptr<const std::vector<uint8_t>> Executor::heldValues(const isa::Operand &operand) const {
  if (tensorOf(operand).bufferFormat.isDense())
    return nullptr;
  return workspace.cache.front().values;
}

void Executor::count(std::unique_ptr<PendingCount> count, InstructionRecord &record) {
  PendingCount &one = *count;
  auto body = [&one, dataflow = shared.dataflow] {
    double begin = seconds();
    one.counts = dataflow->count(one.work, one.a, one.b);
    one.seconds = seconds() - begin;
  };
  TaskPool &pool = *workspace.pool;
  if (pool.threads() == 1) {
    body();
    record.cycles = uint64_t(std::llround(one.counts.cycles));
    record.boundCycles = one.counts.boundCycles;
    layers[one.layer].counts.add(one.counts);
    countSeconds += one.seconds;
    return;
  }
  // So many wait at most: what they hold on to is memory.
  const size_t most = 4 * size_t(pool.threads());
  while (pending.size() >= most)
    settleFirst();
  one.task = pool.start(body);
  pending.push_back(std::move(count));
}

void Executor::settleFirst() {
  PendingCount &first = *pending.front();
  TaskPool::wait(first.task);
  InstructionRecord &record = records[first.record];
  record.cycles = uint64_t(std::llround(first.counts.cycles));
  record.boundCycles = first.counts.boundCycles;
  layers[first.layer].counts.add(first.counts);
  deferredSeconds += first.seconds;
  pending.pop_front();
}

void Executor::settleReaders(unsigned buffer, uint64_t begin, uint64_t end) {
  size_t settled = 0;
  for (size_t i = 0; i < pending.size(); ++i)
    for (const PendingCount::Range &range : pending[i]->reads)
      if (range.buffer == buffer && range.begin < end && begin < range.end)
        settled = i + 1;
  for (; settled > 0; --settled)
    settleFirst();
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
