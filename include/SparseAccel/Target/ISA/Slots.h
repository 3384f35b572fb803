//===- Slots.h - Tensors that lie granule by granule ------------*- C++ -*-===//
//
// An encoded tensor lies in DRAM in one slot a granule, because sizes depend on data. A dense tensor may, too: with
// `slotBytes` 0 it is row-major, else each granule is row-major in a slot of its own, in the order of the granule grid,
// without length words. A slice of channels of an activation, or a tile of filters, is then contiguous.
//
// What a constant needs is known, and so its slots may be smaller than the worst case of its format, in DRAM and, where
// it lies there as in DRAM, in a buffer.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_ISA_SLOTS_H
#define SPARSEACCEL_TARGET_ISA_SLOTS_H

#include "SparseAccel/Target/ISA/Program.h"

namespace sparseaccel::isa {

/// Whether a tensor lies granule by granule, so that loads and stores name whole granules.
inline bool liesInSlots(const Tensor &tensor) { return !tensor.dramFormat.isDense() || tensor.slotBytes != 0; }

/// A slot has at least this part of its format's worst case, so that what is read of a program bounds what it decodes
/// to.
inline constexpr uint64_t kWorstCaseOverSlot = 64;

} // namespace sparseaccel::isa

#endif // SPARSEACCEL_TARGET_ISA_SLOTS_H
