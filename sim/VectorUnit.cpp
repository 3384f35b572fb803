//===- VectorUnit.cpp - What VECTOR computes and costs --------------------===//

#include "Executor.h"
#include "KernelTable.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace sparseaccel::sim {

using isa::VectorKind;

namespace {

bool isSums(const isa::Tensor &tensor) {
  return tensor.type == isa::ElementType::I32 || tensor.type == isa::ElementType::I48;
}

kernels::ValueType valueType(isa::ElementType type) {
  switch (type) {
  case isa::ElementType::I8:
    return kernels::ValueI8;
  case isa::ElementType::I16:
    return kernels::ValueI16;
  case isa::ElementType::I32:
    return kernels::ValueI32;
  default:
    return kernels::ValueI64;
  }
}

/// The clamp of a numerics entry; equal bounds stand for the type's own.
std::pair<int32_t, int32_t> clampOf(const isa::Numerics &numerics, isa::ElementType type) {
  int64_t low = type == isa::ElementType::I8 ? -128 : -32768, high = type == isa::ElementType::I8 ? 127 : 32767;
  if (numerics.clampMin < numerics.clampMax) {
    low = std::clamp(numerics.clampMin, low, high);
    high = std::clamp(numerics.clampMax, low, high);
  }
  return {int32_t(low), int32_t(high)};
}

} // namespace

absl::Status Executor::vector(const isa::Vector &instruction, InstructionRecord &record) {
  const isa::Operand &o = instruction.o;
  bool fromSums = isSums(tensorOf(instruction.a)), binary = instruction.b.buffer != 255;
  const uint8_t *a = nullptr, *b = nullptr;
  if (fromSums) {
    a = static_cast<const uint8_t *>(
        memory.buffer(instruction.a.buffer)
            .sumsAt(instruction.a.offset, tensorOf(instruction.a).type == isa::ElementType::I48));
  } else {
    absl::StatusOr<const uint8_t *> values = decoded(instruction.a);
    if (!values.ok())
      return values.status();
    a = *values;
  }
  if (binary) {
    // The first operand may be pushed out of the cache by the second: it is the one used last, and four are kept.
    absl::StatusOr<const uint8_t *> values = decoded(instruction.b);
    if (!values.ok())
      return values.status();
    b = *values;
  }
  const isa::Tensor &result = tensorOf(o);
  bool denseResult = result.bufferFormat.isDense();
  uint64_t elements = product(extentsOf(o.extent));
  uint8_t *out = memory.buffer(o.buffer).bytes.data() + o.offset;
  if (denseResult) {
    settleReaders(o.buffer, o.offset, o.offset + bytesInBuffer(o));
  } else {
    workspace.valuesO.resize(elements * isa::storageBytes(result.type) + 64);
    out = workspace.valuesO.data();
  }
  if (absl::Status status = compute(instruction, a, b, out); !status.ok())
    return status;
  // What is counted as read is what lay there before the result.
  MovedBits readA, readB;
  if (options.counts) {
    if (fromSums)
      readA.data = product(extentsOf(instruction.a.extent)) * memory.buffer(instruction.a.buffer).psumBits;
    else
      readA = memory.stored(instruction.a);
    if (binary)
      readB = memory.stored(instruction.b);
  }
  overwrite(o);
  if (!denseResult)
    encode(o, workspace.valuesO);
  if (!options.counts)
    return absl::OkStatus();

  double begin = seconds();
  MovedBits written = memory.stored(o);
  auto read = [&](const isa::Operand &operand, const MovedBits &moved) {
    const machine::Level &level = *shared.levelOfBuffer[operand.buffer];
    LevelWords &words = wordsOf(operand, record.layer);
    words.read += wordsFor(moved.data, level.wordBits);
    words.metadataRead += wordsFor(moved.metadata, level.wordBits);
  };
  read(instruction.a, readA);
  if (binary)
    read(instruction.b, readB);
  const machine::Level &level = *shared.levelOfBuffer[o.buffer];
  LevelWords &words = wordsOf(o, record.layer);
  words.write += wordsFor(written.data, level.wordBits);
  words.metadataWrite += wordsFor(written.metadata, level.wordBits);

  bool pool = instruction.kind == VectorKind::MaxPool || instruction.kind == VectorKind::AvgPool;
  uint64_t operations = elements * (pool ? uint64_t(instruction.r) * instruction.s : 1);
  layers[record.layer].vectorOperations += double(operations);
  double lanes = std::ceil(double(operations) / std::max(shared.machine->vector.lanes, 1u));
  // Operands of one level share its read port.
  auto port = [](double bits, double bytesPerCycle, uint32_t instances) {
    return cyclesFor(bits / 8, bytesPerCycle * instances);
  };
  const machine::Level &levelA = *shared.levelOfBuffer[instruction.a.buffer];
  double bitsA = double(readA.data + readA.metadata), bitsB = double(readB.data + readB.metadata);
  double buffers = port(double(written.data + written.metadata), level.writeBytesPerCycle, level.instances);
  if (binary && shared.levelOfBuffer[instruction.b.buffer] != &levelA) {
    const machine::Level &levelB = *shared.levelOfBuffer[instruction.b.buffer];
    buffers = std::max(buffers, port(bitsB, levelB.readBytesPerCycle, levelB.instances));
    bitsB = 0;
  }
  buffers = std::ceil(std::max(buffers, port(bitsA + bitsB, levelA.readBytesPerCycle, levelA.instances)));
  record.cycles = uint64_t(std::max({1.0, lanes, buffers}));
  record.boundCycles[unsigned(buffers > lanes ? dataflow::Bound::Buffer : dataflow::Bound::Mac)] =
      double(record.cycles);
  countSeconds += seconds() - begin;
  return absl::OkStatus();
}

absl::Status Executor::compute(const isa::Vector &instruction, const uint8_t *a, const uint8_t *b, uint8_t *o) {
  const isa::Numerics &numerics = shared.program->numerics[instruction.numerics];
  const ExpandedNumerics &expanded = shared.numerics[instruction.numerics];
  const isa::Tensor &tensorA = tensorOf(instruction.a), &tensorO = tensorOf(instruction.o);
  auto [low, high] = clampOf(numerics, tensorO.type);
  Extents extentA = extentsOf(instruction.a.extent), extentO = extentsOf(instruction.o.extent);
  uint64_t elements = product(extentO);
  kernels::ValueType typeA = valueType(tensorA.type), typeO = valueType(tensorO.type);

  switch (instruction.kind) {
  case VectorKind::Rescale: {
    kernels::RescaleRows rows;
    rows.a = a, rows.aType = typeA, rows.o = o, rows.oType = typeO;
    rows.channels = extentO[3], rows.rows = int64_t(elements / std::max<uint64_t>(extentO[3], 1));
    rows.aStride = rows.oStride = rows.channels;
    if (expanded.multiplier.size() > 1) {
      uint32_t first = instruction.a.origin[3];
      rows.scale = {expanded.multiplier.data() + first, expanded.round.data() + first, expanded.shift.data() + first,
                    low, high};
    } else {
      // One scale for all: elements in rows of any width.
      int64_t width = std::min<int64_t>(int64_t(elements), 256);
      bool any = !expanded.multiplier.empty();
      workspace.channelMultiplier.assign(size_t(width), any ? expanded.multiplier[0] : 1);
      workspace.channelRound.assign(size_t(width), any ? expanded.round[0] : 0);
      workspace.channelShift.assign(size_t(width), any ? expanded.shift[0] : 0);
      rows.scale = {workspace.channelMultiplier.data(), workspace.channelRound.data(), workspace.channelShift.data(),
                    low, high};
      rows.channels = rows.aStride = rows.oStride = width;
      rows.rows = width ? int64_t(elements) / width : 0;
      shared.kernels->rescale(rows);
      int64_t rest = int64_t(elements) - rows.rows * width;
      if (!rest)
        return absl::OkStatus();
      rows.a = a + rows.rows * width * (typeA == kernels::ValueI64 ? 8 : 1 << int(typeA));
      rows.o = o + rows.rows * width * isa::storageBytes(tensorO.type);
      rows.rows = 1, rows.channels = rest;
    }
    shared.kernels->rescale(rows);
    return absl::OkStatus();
  }
  case VectorKind::MaxPool:
  case VectorKind::AvgPool: {
    kernels::PoolTile tile;
    tile.type = typeO;
    tile.channels = extentO[3];
    tile.p = extentO[1], tile.q = extentO[2], tile.r = instruction.r, tile.s = instruction.s;
    tile.strideH = instruction.strideH, tile.strideW = instruction.strideW;
    tile.padTop = instruction.padTop, tile.padLeft = instruction.padLeft;
    tile.rows =
        std::min<int64_t>(extentA[1], (tile.p - 1) * tile.strideH + tile.r - tile.padTop - instruction.padBottom);
    tile.columns =
        std::min<int64_t>(extentA[2], (tile.q - 1) * tile.strideW + tile.s - tile.padLeft - instruction.padRight);
    tile.aW = extentA[3], tile.aH = extentA[2] * tile.aW;
    tile.oQ = extentO[3], tile.oP = extentO[2] * tile.oQ;
    tile.average = instruction.kind == VectorKind::AvgPool;
    tile.min = low, tile.max = high;
    unsigned bytes = isa::storageBytes(tensorO.type);
    for (uint32_t n = 0; n < extentO[0]; ++n) {
      tile.a = a + n * extentA[1] * tile.aH * bytes;
      tile.o = o + n * extentO[1] * tile.oP * bytes;
      shared.kernels->pool(tile);
    }
    return absl::OkStatus();
  }
  case VectorKind::Add:
  case VectorKind::Sub:
  case VectorKind::Mul:
  case VectorKind::Max:
  case VectorKind::Min: {
    kernels::BinaryRows rows;
    rows.kind = kernels::BinaryKind(int(instruction.kind) - int(VectorKind::Add));
    rows.a = a, rows.b = b, rows.o = o, rows.type = typeO, rows.count = int64_t(elements);
    rows.aMultiplier = numerics.aMultiplier, rows.aShift = numerics.aShift;
    rows.bMultiplier = numerics.bMultiplier, rows.bShift = numerics.bShift;
    rows.multiplier = numerics.multiplier.empty() ? 0 : numerics.multiplier[0];
    rows.shift = numerics.shift.empty() ? 0 : numerics.shift[0];
    rows.min = low, rows.max = high;
    shared.kernels->binary(rows);
    return absl::OkStatus();
  }
  case VectorKind::Table:
    computeTable(instruction, a, o);
    return absl::OkStatus();
  case VectorKind::Copy:
    std::memmove(o, a, elements * isa::storageBytes(tensorO.type));
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("vector kind ", int(instruction.kind), " has no kernel"));
}

/// TOSA's TABLE: 256 entries are looked up; between 513 entries, 128 steps apart, the value is interpolated to 23 bits.
void Executor::computeTable(const isa::Vector &instruction, const uint8_t *a, uint8_t *o) {
  const isa::Numerics &numerics = shared.program->numerics[instruction.numerics];
  const isa::Tensor &tensorA = tensorOf(instruction.a), &tensorO = tensorOf(instruction.o);
  auto [low, high] = clampOf(numerics, tensorO.type);
  int64_t multiplier = numerics.multiplier.empty() ? 1 : numerics.multiplier[0];
  int64_t shift = numerics.shift.empty() ? 0 : numerics.shift[0];
  int64_t round = shift ? int64_t(1) << (shift - 1) : 0;
  const std::vector<int16_t> &table = numerics.table;
  auto result = [&](int64_t x) {
    int32_t value;
    if (table.size() == 513) {
      int32_t index = int32_t(x + 32768) >> 7, fraction = int32_t(x + 32768) & 127;
      value = table[size_t(index)] * 128 + (table[size_t(index) + 1] - table[size_t(index)]) * fraction;
    } else {
      value = table[size_t(x + 128) & 255];
    }
    value = int32_t((int64_t(value) * multiplier + round) >> shift);
    return std::min(std::max(value, low), high);
  };
  uint64_t elements = product(extentsOf(instruction.o.extent));
  for (uint64_t i = 0; i < elements; ++i) {
    int64_t x;
    if (tensorA.type == isa::ElementType::I8) {
      x = reinterpret_cast<const int8_t *>(a)[i];
    } else {
      int16_t value;
      std::memcpy(&value, a + 2 * i, 2);
      x = value;
    }
    int32_t y = result(x);
    if (tensorO.type == isa::ElementType::I8) {
      reinterpret_cast<int8_t *>(o)[i] = int8_t(y);
    } else {
      int16_t value = int16_t(y);
      std::memcpy(o + 2 * i, &value, 2);
    }
  }
}

} // namespace sparseaccel::sim
