//===- Memory.cpp - DRAM image and buffers as bytes -----------------------===//

#include "Memory.h"

#include "SparseAccel/Target/Formats/Format.h"
#include "SparseAccel/Target/ISA/Slots.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>

namespace sparseaccel::sim {

Extents extentsOf(const std::vector<uint32_t> &shape) {
  Extents extents;
  extents.fill(1);
  std::copy_n(shape.begin(), std::min<size_t>(shape.size(), kMaxRank), extents.begin());
  return extents;
}

Extents extentsOf(const isa::Coord &extent) {
  Extents extents;
  extents.fill(1);
  std::copy(extent.begin(), extent.end(), extents.begin());
  return extents;
}

Extents originOf(const isa::Coord &origin) {
  Extents extents{};
  std::copy(origin.begin(), origin.end(), extents.begin());
  return extents;
}

uint64_t product(const Extents &extents) {
  uint64_t result = 1;
  for (uint32_t extent : extents)
    result *= extent;
  return result;
}

Strides denseStrides(const Extents &extents) {
  Strides strides;
  int64_t stride = 1;
  for (int i = kMaxRank - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= extents[i];
  }
  return strides;
}

int64_t elementsTo(const Extents &origin, const Extents &base, const Strides &strides) {
  int64_t elements = 0;
  for (unsigned i = 0; i < kMaxRank; ++i)
    elements += (int64_t(origin[i]) - base[i]) * strides[i];
  return elements;
}

bool liesAs(const Extents &extent, const Strides &own, const Strides &strides) {
  for (unsigned i = 0; i < kMaxRank; ++i)
    if (extent[i] != 1 && own[i] != strides[i])
      return false;
  return true;
}

void copyBox(const uint8_t *from, const Strides &fromStrides, uint8_t *to, const Strides &toStrides,
             const Extents &extents, unsigned elementBytes) {
  // Inner ranks that are contiguous on both sides become one run.
  int64_t run = 1;
  int rank = kMaxRank;
  while (rank > 0 && (extents[rank - 1] == 1 || (fromStrides[rank - 1] == run && toStrides[rank - 1] == run))) {
    run *= extents[rank - 1];
    --rank;
  }
  Extents index{};
  uint64_t rows = 1;
  for (int i = 0; i < rank; ++i)
    rows *= extents[i];
  size_t bytes = size_t(run) * elementBytes;
  for (uint64_t row = 0; row < rows; ++row) {
    int64_t fromAt = 0, toAt = 0;
    for (int i = 0; i < rank; ++i) {
      fromAt += index[i] * fromStrides[i];
      toAt += index[i] * toStrides[i];
    }
    std::memcpy(to + toAt * elementBytes, from + fromAt * elementBytes, bytes);
    for (int i = rank - 1; i >= 0 && ++index[i] == extents[i]; --i)
      index[i] = 0;
  }
}

void forEachGranule(const isa::Tensor &tensor, const Extents &origin, const Extents &extent,
                    const std::function<void(const GranuleRef &)> &visit) {
  Extents shape = extentsOf(tensor.shape), granule = extentsOf(tensor.granule), first, count, grid;
  for (unsigned i = 0; i < kMaxRank; ++i) {
    granule[i] = std::max(granule[i], 1u);
    first[i] = origin[i] / granule[i];
    count[i] = (extent[i] + granule[i] - 1) / granule[i];
    grid[i] = (shape[i] + granule[i] - 1) / granule[i];
  }
  uint64_t total = product(count);
  Extents index{};
  GranuleRef ref;
  for (ref.local = 0; ref.local < total; ++ref.local) {
    ref.index = 0;
    for (unsigned i = 0; i < kMaxRank; ++i) {
      ref.index = ref.index * grid[i] + first[i] + index[i];
      ref.origin[i] = (first[i] + index[i]) * granule[i];
      ref.extent[i] = std::min(granule[i], shape[i] - ref.origin[i]);
    }
    visit(ref);
    for (int i = kMaxRank - 1; i >= 0 && ++index[i] == count[i]; --i)
      index[i] = 0;
  }
}

Bytes::Bytes(uint64_t size) : length(size) {
  uint64_t room = size + 64;
  // The heap clears what it hands out a second time, and so touches it all.
  constexpr uint64_t leastMapped = 256 * 1024;
  if (room >= leastMapped) {
    void *mapping = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
      throw std::bad_alloc();
    bytes = {static_cast<uint8_t *>(mapping), FreeBytes{room}};
    return;
  }
  bytes = {static_cast<uint8_t *>(std::calloc(room, 1)), FreeBytes{}};
  if (!bytes)
    throw std::bad_alloc();
}

void FreeBytes::operator()(uint8_t *p) const {
  if (mapped)
    munmap(p, mapped);
  else
    std::free(p);
}

static absl::Span<const uint32_t> granuleShape(const isa::Tensor &tensor, const GranuleRef &ref) {
  return absl::MakeConstSpan(ref.extent.data(), tensor.shape.size());
}

static SlotInfo slotOf(formats::Size size) { return {uint32_t(size.bytes()), uint32_t((size.metadataBits + 7) / 8)}; }

/// Decodes one granule and says of which tensor it was where the bytes are corrupt.
static absl::Status decodeGranule(const isa::Tensor &tensor, const formats::Format &format, const GranuleRef &ref,
                                  const uint8_t *bytes, uint32_t length, uint8_t *out) {
  absl::Status status = formats::decode(format, absl::MakeConstSpan(bytes, length), isa::storageBytes(tensor.type),
                                        granuleShape(tensor, ref), out);
  if (status.ok())
    return status;
  return absl::DataLossError(absl::StrCat("tensor '", tensor.name, "', granule ", ref.index, ": ", status.message()));
}

absl::StatusOr<ConstantInfo> inspectConstants(const isa::Program &program) {
  ConstantInfo info;
  info.slots.resize(program.tensors.size());
  std::vector<uint8_t> values;
  for (size_t i = 0; i < program.tensors.size(); ++i) {
    const isa::Tensor &tensor = program.tensors[i];
    if (tensor.role != isa::TensorRole::Constant || tensor.dramFormat.isDense())
      continue;
    info.slots[i].resize(tensor.granules());
    unsigned elementBytes = isa::storageBytes(tensor.type);
    absl::Status status;
    forEachGranule(tensor, Extents{}, extentsOf(tensor.shape), [&](const GranuleRef &ref) {
      if (!status.ok())
        return;
      values.resize(product(ref.extent) * elementBytes);
      uint32_t length = tensor.constantLengths[ref.index];
      const uint8_t *bytes = program.constants.data() + tensor.constantOffset + ref.index * tensor.slotBytes;
      status = decodeGranule(tensor, tensor.dramFormat, ref, bytes, length, values.data());
      if (!status.ok())
        return;
      SlotInfo slot =
          slotOf(formats::sizeOf(tensor.dramFormat, {values.data(), elementBytes, granuleShape(tensor, ref)}));
      info.slots[i][ref.index] = {length, std::min(slot.metadataBytes, length)};
    });
    if (!status.ok())
      return status;
  }
  return info;
}

/// What instructions touch of each buffer: a machine may have buffers that are larger than this one's memory.
static std::vector<uint64_t> touchedBytes(const isa::Program &program) {
  std::vector<uint64_t> bytes(program.buffers.size());
  auto touch = [&](const isa::Operand &operand) {
    if (operand.buffer < bytes.size() && operand.tensor < program.tensors.size())
      bytes[operand.buffer] = std::max(bytes[operand.buffer], operand.offset + isa::operandBytes(program, operand));
  };
  for (const isa::Instruction &instruction : program.instructions)
    std::visit(
        [&](const auto &fields) {
          isa::forEachField(fields, [&](const char *, const auto &field) {
            if constexpr (std::is_same_v<std::decay_t<decltype(field)>, isa::Operand>)
              touch(field);
          });
        },
        instruction);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] =
        std::min(bytes[i], program.buffers[i].bytes); // an operand that its instruction does not use says nothing
  return bytes;
}

Memory::Memory(const isa::Program &program, const ConstantInfo &constants)
    : source(program), constants(constants), image(program.dramBytes) {
  dramSlots.resize(program.tensors.size());
  for (size_t i = 0; i < program.tensors.size(); ++i) {
    const isa::Tensor &tensor = program.tensors[i];
    if (tensor.role != isa::TensorRole::Constant && !tensor.dramFormat.isDense())
      dramSlots[i].resize(tensor.granules());
  }
  std::vector<uint64_t> touched = touchedBytes(program);
  for (size_t i = 0; i < program.buffers.size(); ++i) {
    const isa::Buffer &buffer = program.buffers[i];
    BufferMemory memory;
    memory.bytes = Bytes(touched[i]);
    memory.slots = Bytes(touched[i] + 8);
    memory.psumBits = buffer.psumBits;
    if (buffer.psumBits)
      memory.sums = Bytes((touched[i] * 8 / buffer.psumBits + 1) * 8);
#ifndef NDEBUG
    // What no instruction has written is conspicuous.
    std::memset(memory.bytes.data(), 0x5a, touched[i]);
    if (memory.sums.size())
      std::memset(memory.sums.data(), 0x5a, memory.sums.size());
#endif
    buffers.push_back(std::move(memory));
  }
}

const uint8_t *Memory::dram(uint32_t index) const {
  const isa::Tensor &tensor = source.tensors[index];
  if (tensor.role == isa::TensorRole::Constant)
    return source.constants.data() + tensor.constantOffset;
  return image.data() + tensor.dramOffset;
}

uint8_t *Memory::writableDram(uint32_t index) { return image.data() + source.tensors[index].dramOffset; }

SlotInfo Memory::dramSlot(uint32_t index, uint64_t granule) const {
  const isa::Tensor &tensor = source.tensors[index];
  if (tensor.role == isa::TensorRole::Constant)
    return constants.slots[index][granule];
  return dramSlots[index][granule];
}

void Memory::setDramSlot(uint32_t index, uint64_t granule, SlotInfo slot) {
  dramSlots[index][granule] = slot;
  std::memcpy(image.data() + source.tensors[index].lengthOffset + granule * 4, &slot.bytes, 4);
}

absl::StatusOr<TensorData> Memory::read(uint32_t index) const {
  const isa::Tensor &tensor = source.tensors[index];
  unsigned elementBytes = isa::storageBytes(tensor.type);
  TensorData data;
  data.type = tensor.type;
  data.shape = tensor.shape;
  data.bytes.resize(tensor.elements() * elementBytes);
  const uint8_t *from = dram(index);
  if (!isa::liesInSlots(tensor)) {
    std::memcpy(data.bytes.data(), from, data.bytes.size());
    return data;
  }
  Strides strides = denseStrides(extentsOf(tensor.shape));
  std::vector<uint8_t> values;
  absl::Status status;
  forEachGranule(tensor, Extents{}, extentsOf(tensor.shape), [&](const GranuleRef &ref) {
    if (!status.ok())
      return;
    if (tensor.dramFormat.isDense()) {
      copyBox(from + ref.index * tensor.slotBytes, denseStrides(ref.extent),
              data.bytes.data() + elementsTo(ref.origin, Extents{}, strides) * elementBytes, strides, ref.extent,
              elementBytes);
      return;
    }
    values.resize(product(ref.extent) * elementBytes);
    status = decodeGranule(tensor, tensor.dramFormat, ref, from + ref.index * tensor.slotBytes,
                           dramSlot(index, ref.index).bytes, values.data());
    int64_t at = elementsTo(ref.origin, Extents{}, strides);
    copyBox(values.data(), denseStrides(ref.extent), data.bytes.data() + at * elementBytes, strides, ref.extent,
            elementBytes);
  });
  if (!status.ok())
    return status;
  return data;
}

absl::Status Memory::write(uint32_t index, const TensorData &data) {
  const isa::Tensor &tensor = source.tensors[index];
  unsigned elementBytes = isa::storageBytes(tensor.type);
  if (data.type != tensor.type || data.bytes.size() != tensor.elements() * elementBytes)
    return absl::InvalidArgumentError(absl::StrCat(
        "tensor '", tensor.name, "' holds ", tensor.elements() * elementBytes, " bytes, and ", data.bytes.size(),
        " bytes of ", data.type == tensor.type ? "its" : "another", " element type were given"));
  uint8_t *to = writableDram(index);
  if (!isa::liesInSlots(tensor)) {
    std::memcpy(to, data.bytes.data(), data.bytes.size());
    return absl::OkStatus();
  }
  Strides strides = denseStrides(extentsOf(tensor.shape));
  forEachGranule(tensor, Extents{}, extentsOf(tensor.shape), [&](const GranuleRef &ref) {
    int64_t at = elementsTo(ref.origin, Extents{}, strides);
    if (tensor.dramFormat.isDense()) {
      copyBox(data.bytes.data() + at * elementBytes, strides, to + ref.index * tensor.slotBytes,
              denseStrides(ref.extent), ref.extent, elementBytes);
      return;
    }
    granule.resize(product(ref.extent) * elementBytes);
    copyBox(data.bytes.data() + at * elementBytes, strides, granule.data(), denseStrides(ref.extent), ref.extent,
            elementBytes);
    encoded.clear();
    formats::Size size =
        formats::encode(tensor.dramFormat, {granule.data(), elementBytes, granuleShape(tensor, ref)}, encoded);
    std::memcpy(to + ref.index * tensor.slotBytes, encoded.data(), encoded.size());
    setDramSlot(index, ref.index, {uint32_t(encoded.size()), slotOf(size).metadataBytes});
  });
  return absl::OkStatus();
}

absl::StatusOr<const uint8_t *> Memory::decode(const isa::Operand &operand, std::vector<uint8_t> &scratch) {
  const isa::Tensor &tensor = source.tensors[operand.tensor];
  BufferMemory &memory = buffers[operand.buffer];
  const uint8_t *from = memory.bytes.data() + operand.offset;
  if (tensor.bufferFormat.isDense())
    return from;
  unsigned elementBytes = isa::storageBytes(tensor.type);
  Extents extent = extentsOf(operand.extent), origin = originOf(operand.origin);
  Strides strides = denseStrides(extent);
  scratch.resize(product(extent) * elementBytes + 64);
  uint64_t slotBytes = tensor.bufferSlotBytes();
  absl::Status status;
  forEachGranule(tensor, origin, extent, [&](const GranuleRef &ref) {
    if (!status.ok())
      return;
    uint64_t slot = ref.local * slotBytes;
    uint32_t length = memory.slotAt(operand.offset + slot).bytes;
    int64_t at = elementsTo(ref.origin, origin, strides);
    Strides own = denseStrides(ref.extent);
    bool inPlace = liesAs(ref.extent, own, strides);
    uint8_t *to = scratch.data() + at * elementBytes;
    if (inPlace) {
      status = decodeGranule(tensor, tensor.bufferFormat, ref, from + slot, length, to);
      return;
    }
    granule.resize(product(ref.extent) * elementBytes);
    status = decodeGranule(tensor, tensor.bufferFormat, ref, from + slot, length, granule.data());
    copyBox(granule.data(), own, to, strides, ref.extent, elementBytes);
  });
  if (!status.ok())
    return status;
  return scratch.data();
}

MovedBits Memory::stored(const isa::Operand &operand) {
  const isa::Tensor &tensor = source.tensors[operand.tensor];
  MovedBits moved;
  if (tensor.bufferFormat.isDense()) {
    moved.data = product(extentsOf(operand.extent)) * isa::chargedBits(tensor.type);
    return moved;
  }
  BufferMemory &memory = buffers[operand.buffer];
  uint64_t slotBytes = tensor.bufferSlotBytes();
  forEachGranule(tensor, originOf(operand.origin), extentsOf(operand.extent),
                 [&](const GranuleRef &ref) { moved.add(memory.slotAt(operand.offset + ref.local * slotBytes)); });
  return moved;
}

void Memory::encode(const isa::Operand &operand, const uint8_t *values) {
  const isa::Tensor &tensor = source.tensors[operand.tensor];
  if (tensor.bufferFormat.isDense())
    return;
  BufferMemory &memory = buffers[operand.buffer];
  unsigned elementBytes = isa::storageBytes(tensor.type);
  Extents extent = extentsOf(operand.extent), origin = originOf(operand.origin);
  Strides strides = denseStrides(extent);
  uint64_t slotBytes = tensor.bufferSlotBytes();
  forEachGranule(tensor, origin, extent, [&](const GranuleRef &ref) {
    int64_t at = elementsTo(ref.origin, origin, strides);
    Strides own = denseStrides(ref.extent);
    bool inPlace = liesAs(ref.extent, own, strides);
    const uint8_t *from = values + at * elementBytes;
    if (!inPlace) {
      granule.resize(product(ref.extent) * elementBytes);
      copyBox(from, strides, granule.data(), own, ref.extent, elementBytes);
      from = granule.data();
    }
    encoded.clear();
    formats::Size size = formats::encode(tensor.bufferFormat, {from, elementBytes, granuleShape(tensor, ref)}, encoded);
    uint64_t slot = operand.offset + ref.local * slotBytes;
    std::memcpy(memory.bytes.data() + slot, encoded.data(), encoded.size());
    memory.slotAt(slot) = {uint32_t(encoded.size()), slotOf(size).metadataBytes};
  });
}

} // namespace sparseaccel::sim
