//===- Memory.h - DRAM image and buffers as bytes ---------------*- C++ -*-===//
//
// What the simulated machine stores: the DRAM image with granule slots and length words, the program-managed buffers
// with their slots, and the sums that lie in buffers. Operands are decoded from these bytes and results are encoded
// into them; nothing else carries a value from one instruction to the next.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_MEMORY_H
#define SPARSEACCEL_SIM_MEMORY_H

#include "SparseAccel/Sim/Simulator.h"
#include "SparseAccel/Target/ISA/Program.h"

#include "absl/status/status.h"

#include <array>
#include <functional>
#include <memory>
#include <vector>

namespace sparseaccel::sim {

inline constexpr unsigned kMaxRank = 6;
using Extents = std::array<uint32_t, kMaxRank>; ///< Padded with 1 (extents) or 0 (origins).

Extents extentsOf(const std::vector<uint32_t> &shape);
Extents extentsOf(const isa::Coord &extent);
Extents originOf(const isa::Coord &origin);
uint64_t product(const Extents &extents);

/// A box that lies dense and row-major somewhere: strides in elements.
using Strides = std::array<int64_t, kMaxRank>;
Strides denseStrides(const Extents &extents);
/// Whether a box lies the same under both strides.
bool liesAs(const Extents &extent, const Strides &own, const Strides &strides);
/// Copies a box of elements between two strided places.
void copyBox(const uint8_t *from, const Strides &fromStrides, uint8_t *to, const Strides &toStrides,
             const Extents &extents, unsigned elementBytes);

/// Elements from `base`, where the strided place begins, to `origin`.
int64_t elementsTo(const Extents &origin, const Extents &base, const Strides &strides);

/// A granule of a box. Boxes lie on the granule grid, or end at the tensor's edge.
struct GranuleRef {
  uint64_t index = 0; ///< In the tensor's grid, row-major.
  uint64_t local = 0; ///< In the box's grid, row-major.
  Extents origin{}, extent{};
};
void forEachGranule(const isa::Tensor &tensor, const Extents &origin, const Extents &extent,
                    const std::function<void(const GranuleRef &)> &visit);

/// Gives memory back to where it came from.
struct FreeBytes {
  uint64_t mapped = 0; ///< Bytes of a mapping; 0 where the memory comes from the heap.
  void operator()(uint8_t *p) const;
};

/// Zeroed memory whose pages cost nothing until they are touched; a vector load past its end is allowed.
class Bytes {
public:
  Bytes() = default;
  explicit Bytes(uint64_t size);
  uint8_t *data() { return bytes.get(); }
  const uint8_t *data() const { return bytes.get(); }
  uint64_t size() const { return length; }

private:
  std::unique_ptr<uint8_t[], FreeBytes> bytes;
  uint64_t length = 0;
};

/// Length of an encoded granule, and how many of its bytes are metadata (rounded up).
struct SlotInfo {
  uint32_t bytes = 0, metadataBytes = 0;
};

/// What is known of a program's constants once and for all: the metadata share of each encoded granule.
struct ConstantInfo {
  std::vector<std::vector<SlotInfo>> slots; ///< By tensor; empty where the tensor is no encoded constant.
};
absl::StatusOr<ConstantInfo> inspectConstants(const isa::Program &program);

struct BufferMemory {
  Bytes bytes;
  Bytes sums;  ///< 8 bytes for each sum that fits; int32 or int64 as the kernels write them.
  Bytes slots; ///< SlotInfo for every 8 bytes of the buffer, in use where a slot starts.
  uint32_t psumBits = 0;
  void *sumsAt(uint64_t offset, bool wide) { return sums.data() + offset * 8 / psumBits * (wide ? 8 : 4); }
  SlotInfo &slotAt(uint64_t offset) { return reinterpret_cast<SlotInfo *>(slots.data())[offset / 8]; }
};

/// Sizes of what moved, in bits, for costs.
struct MovedBits {
  uint64_t data = 0, metadata = 0;
  void add(const SlotInfo &slot) {
    metadata += uint64_t(slot.metadataBytes) * 8;
    data += uint64_t(slot.bytes - slot.metadataBytes) * 8;
  }
};

class Memory {
public:
  Memory(const isa::Program &program, const ConstantInfo &constants);

  /// First byte of a tensor in DRAM.
  const uint8_t *dram(uint32_t tensor) const;
  uint8_t *writableDram(uint32_t tensor);
  SlotInfo dramSlot(uint32_t tensor, uint64_t granule) const;
  void setDramSlot(uint32_t tensor, uint64_t granule, SlotInfo slot);
  BufferMemory &buffer(unsigned index) { return buffers[index]; }

  /// The whole tensor as the host sees it, decoded or encoded.
  absl::StatusOr<TensorData> read(uint32_t tensor) const;
  absl::Status write(uint32_t tensor, const TensorData &data);

  /// A box in a buffer as dense values. Where the buffer's format is dense this is the buffer itself; else `scratch`
  /// holds them.
  absl::StatusOr<const uint8_t *> decode(const isa::Operand &operand, std::vector<uint8_t> &scratch);
  /// What reading or writing the box moves, as it is stored now.
  MovedBits stored(const isa::Operand &operand);
  /// Encodes dense values of the box (`elementBytes` each) into the buffer; nothing where the format is dense.
  void encode(const isa::Operand &operand, const uint8_t *values);

  const isa::Program &program() const { return source; }

private:
  const isa::Program &source;
  const ConstantInfo &constants;
  Bytes image;
  std::vector<std::vector<SlotInfo>> dramSlots; ///< Of encoded tensors that are no constants.
  std::vector<BufferMemory> buffers;
  std::vector<uint8_t> granule, encoded;
};

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_MEMORY_H
