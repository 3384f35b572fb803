//===- Program.cpp - Sizes that follow from a program's tables --------------===//

#include "SparseAccel/Target/ISA/Program.h"
#include "SparseAccel/Target/ISA/Slots.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace sparseaccel::isa {

#include "SparseAccel/Target/ISA/Instructions.cpp.inc"

unsigned storageBytes(ElementType type) {
  switch (type) {
  case ElementType::I8:
    return 1;
  case ElementType::I16:
    return 2;
  case ElementType::I32:
  case ElementType::F32:
    return 4;
  case ElementType::I48:
  case ElementType::I64:
    return 8;
  }
  return 0;
}

unsigned chargedBits(ElementType type) { return type == ElementType::I48 ? 48 : storageBytes(type) * 8; }

const char *toString(ElementType type) {
  static constexpr const char *kNames[] = {"i8", "i16", "i32", "i48", "f32", "i64"};
  return static_cast<size_t>(type) < std::size(kNames) ? kNames[static_cast<size_t>(type)] : "?";
}

const char *toString(TensorRole role) {
  static constexpr const char *kNames[] = {"input", "output", "constant", "intermediate"};
  return static_cast<size_t>(role) < std::size(kNames) ? kNames[static_cast<size_t>(role)] : "?";
}

const char *toString(HostKind kind) {
  static constexpr const char *kNames[] = {"quantize", "dequantize", "transpose", "reshape",  "slice",   "pad",
                                           "concat",   "reverse",    "tile",      "gather",   "softmax", "lrn",
                                           "unary",    "binary",     "reduce",    "matmul",   "cast",    "select",
                                           "rescale",  "clamp",      "conv",      "max_pool", "avg_pool"};
  return static_cast<size_t>(kind) < std::size(kNames) ? kNames[static_cast<size_t>(kind)] : "?";
}

// Products saturate: a program that says so much is refused by the verifier, and nothing before that may overflow.
static uint64_t saturatingMul(uint64_t a, uint64_t b) {
  uint64_t result;
  return __builtin_mul_overflow(a, b, &result) ? std::numeric_limits<uint64_t>::max() : result;
}

uint64_t Tensor::elements() const {
  uint64_t count = 1;
  for (uint32_t extent : shape)
    count = saturatingMul(count, extent);
  return count;
}

uint64_t Tensor::granules() const {
  uint64_t count = 1;
  for (size_t rank = 0; rank < shape.size(); ++rank) {
    uint64_t extent = rank < granule.size() && granule[rank] ? granule[rank] : shape[rank];
    count = saturatingMul(count, extent ? (shape[rank] + extent - 1) / extent : 0);
  }
  return count;
}

uint64_t Tensor::dramBytes() const {
  return liesInSlots(*this) ? saturatingMul(granules(), slotBytes) : saturatingMul(elements(), storageBytes(type));
}

uint64_t Tensor::bufferSlotBytes() const {
  if (bufferFormat.isDense())
    return 0;
  uint64_t bytes = formats::worstCase(bufferFormat, storageBytes(type), granule).bytes();
  if (role == TensorRole::Constant && bufferFormat == dramFormat)
    bytes = std::min(bytes, slotBytes);
  return (bytes + 7) / 8 * 8;
}

uint64_t operandBytes(const Program &program, const Operand &operand) {
  const Tensor &tensor = program.tensors[operand.tensor];
  uint64_t elements = 1, granules = 1;
  for (size_t rank = 0; rank < operand.extent.size(); ++rank) {
    uint64_t extent = operand.extent[rank],
             granule = rank < tensor.granule.size() ? std::max(tensor.granule[rank], 1u) : 1;
    elements = saturatingMul(elements, extent);
    granules = saturatingMul(granules, (extent + granule - 1) / granule);
  }
  if (tensor.isSums()) {
    uint64_t bits = saturatingMul(elements, program.buffers[operand.buffer].psumBits);
    return bits / 8 + (bits % 8 != 0);
  }
  if (tensor.bufferFormat.isDense())
    return saturatingMul(elements, storageBytes(tensor.type));
  return saturatingMul(granules, tensor.bufferSlotBytes());
}

uint64_t Numerics::bytes() const {
  uint64_t biasBytes = scale32 ? 4 : 6, multiplierBytes = scale32 ? 4 : 2, tableBytes = table.size() == 256 ? 1 : 2;
  uint64_t scalars = 2 * multiplierBytes + (aMultiplier || bMultiplier ? 2 * (multiplierBytes + 1) : 0);
  return bias.size() * biasBytes + multiplier.size() * multiplierBytes + shift.size() + table.size() * tableBytes +
         scalars;
}

} // namespace sparseaccel::isa
