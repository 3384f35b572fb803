//===- Transfer.cpp - Loads and stores between DRAM and the buffers -------===//
//
// The bytes, and what crosses the pins for them: each contiguous run of a dense tensor and each granule of a compressed
// one takes whole bursts.
//
//===----------------------------------------------------------------------===//

#include "Executor.h"

#include "SparseAccel/Target/Formats/Format.h"
#include "SparseAccel/Target/ISA/Slots.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace sparseaccel::sim {

using dataflow::Bound;

static uint64_t roundUp(uint64_t value, uint64_t to) { return to <= 1 ? value : (value + to - 1) / to * to; }

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

} // namespace sparseaccel::sim
