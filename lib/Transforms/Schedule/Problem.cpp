//===- Problem.cpp - Layers and tensors as the scheduler sees them --------===//

#include "Schedule/Problem.h"

#include "SparseAccel/Target/ISA/Slots.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace sparseaccel::schedule {

using isa::Rank;

isa::Mapping toMapping(const LayerDesc &layer, const Tiling &tiling) {
  isa::Mapping mapping;
  for (Rank rank : tiling.order) {
    int64_t factor = ceilDiv(layer.shape.extent(rank), tiling.extent(rank));
    if (factor > 1)
      mapping.loops.push_back({rank, static_cast<uint32_t>(factor), 0, isa::LoopKind::Temporal});
  }
  mapping.loops.insert(mapping.loops.end(), tiling.inner.loops.begin(), tiling.inner.loops.end());
  return mapping;
}

Tiling fromMapping(const LayerDesc &layer, const isa::Mapping &mapping) {
  Tiling tiling;
  std::array<int64_t, isa::kNumRanks> factors;
  factors.fill(1);
  for (const isa::Loop &loop : mapping.loops) {
    if (loop.level != 0) {
      tiling.inner.loops.push_back(loop);
      continue;
    }
    factors[static_cast<unsigned>(loop.rank)] *= loop.factor;
    if (std::find(tiling.order.begin(), tiling.order.end(), loop.rank) == tiling.order.end())
      tiling.order.push_back(loop.rank);
  }
  for (unsigned r = 0; r < isa::kNumRanks; ++r)
    tiling.tile[r] = ceilDiv(layer.shape.extent(static_cast<Rank>(r)), factors[r]);
  return tiling;
}

absl::StatusOr<Homes> findHomes(const machine::Machine &machine) {
  auto holds = [](const machine::Level &level, machine::OperandKind kind) {
    return level.managedBy == machine::ManagedBy::Program &&
           std::find(level.holds.begin(), level.holds.end(), kind) != level.holds.end();
  };
  Homes homes;
  for (int i = 1, e = static_cast<int>(machine.levels.size()); i < e; ++i) {
    const machine::Level &level = machine.levels[i];
    if (homes.a < 0 && holds(level, machine::OperandKind::A))
      homes.a = i;
    if (homes.b < 0 && holds(level, machine::OperandKind::B))
      homes.b = i;
    if (holds(level, machine::OperandKind::O)) {
      if (homes.sums < 0 && level.psumBits > 0)
        homes.sums = i;
      if (homes.o < 0 && level.psumBits == 0)
        homes.o = i;
    }
  }
  if (homes.o < 0)
    homes.o = homes.sums;
  auto missing = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("machine '", machine.name, "' has no program-managed level that holds ", what));
  };
  if (homes.a < 0)
    return missing("activations (A)");
  if (homes.b < 0)
    return missing("weights (B)");
  if (homes.sums < 0)
    return missing("sums (O with psum_bits)");
  return homes;
}

static std::array<uint32_t, 4> clampedGranule(const TensorDesc &tensor, const Coord &granule) {
  std::array<uint32_t, 4> shape;
  for (int d = 0; d < 4; ++d)
    shape[d] = static_cast<uint32_t>(std::clamp<int64_t>(granule[d], 1, tensor.shape[d]));
  return shape;
}

static int64_t granulesIn(const std::array<uint32_t, 4> &granule, const Coord &extent) {
  int64_t count = 1;
  for (int d = 0; d < 4; ++d)
    count *= ceilDiv(extent[d], granule[d]);
  return count;
}

static uint64_t worstCaseBytes(const TensorDesc &tensor, const formats::Format &format,
                               const std::array<uint32_t, 4> &granule) {
  return formats::worstCase(format, tensor.elementBytes, granule).bytes();
}

static bool isWhole(const TensorDesc &tensor, const std::array<uint32_t, 4> &granule) {
  return std::equal(granule.begin(), granule.end(), tensor.shape.begin());
}

uint64_t dramSlotBytes(const TensorDesc &tensor, const Coord &granule, uint32_t burst) {
  auto shape = clampedGranule(tensor, granule);
  if (tensor.ownSlotBytes && isWhole(tensor, shape))
    return tensor.ownSlotBytes;
  return roundUp(worstCaseBytes(tensor, tensor.dramFormat, shape), std::max<int64_t>(burst, 1));
}

uint64_t ownSlotBytes(const TensorDesc &tensor, uint64_t encodedBytes, uint32_t burst, uint64_t levelBytes) {
  auto shape = clampedGranule(tensor, tensor.shape);
  uint64_t worst = worstCaseBytes(tensor, tensor.dramFormat, shape);
  if (worst <= levelBytes)
    return 0;
  uint64_t bytes = std::max(encodedBytes, worst / isa::kWorstCaseOverSlot);
  return std::min(roundUp(bytes, std::max<int64_t>(burst, 1)), roundUp(worst, std::max<int64_t>(burst, 1)));
}

uint64_t bufferBytes(const TensorDesc &tensor, const Coord &granule, const Coord &extent) {
  if (tensor.bufferFormat.isDense())
    return static_cast<uint64_t>(extent[0] * extent[1] * extent[2] * extent[3]) * tensor.elementBytes;
  auto shape = clampedGranule(tensor, granule);
  uint64_t slot = worstCaseBytes(tensor, tensor.bufferFormat, shape);
  if (tensor.ownSlotBytes && isWhole(tensor, shape))
    slot = std::min(slot, tensor.ownSlotBytes);
  return (slot + 7) / 8 * 8 * granulesIn(shape, extent);
}

double rowMajorBytes(const TensorDesc &tensor, const Coord &extent, uint32_t burst) {
  // Every inner dimension that is taken whole joins the next outer one.
  int64_t run = 1, runs = 1, unit = std::max<uint32_t>(burst, 1);
  bool joined = true;
  for (int d = 3; d >= 0; --d) {
    if (joined)
      run *= extent[d];
    else
      runs *= extent[d];
    joined = joined && extent[d] == tensor.shape[d];
  }
  return static_cast<double>(runs) * static_cast<double>(roundUp(run * tensor.elementBytes, unit));
}

double denseSlotBytes(const TensorDesc &tensor, const Coord &granule, const Coord &extent, uint32_t burst) {
  auto shape = clampedGranule(tensor, granule);
  int64_t elements = 1;
  for (int d = 0; d < 4; ++d)
    elements *= std::min<int64_t>(shape[d], extent[d]);
  return static_cast<double>(granulesIn(shape, extent)) *
         static_cast<double>(roundUp(elements * tensor.elementBytes, std::max<int64_t>(burst, 1)));
}

double dramBytes(const TensorDesc &tensor, const Coord &granule, const Coord &extent, uint32_t burst) {
  if (tensor.dramFormat.isDense())
    return std::min(rowMajorBytes(tensor, extent, burst), denseSlotBytes(tensor, granule, extent, burst));
  double unit = std::max<uint32_t>(burst, 1);
  auto shape = clampedGranule(tensor, granule);
  double bits = formats::expectedBits(tensor.dramFormat, tensor.elementBytes, shape, tensor.density);
  // Length words travel with the granules; half a burst is the mean loss to rounding.
  double bytes = std::max(unit, bits / 8 + (unit - 1) / 2) + 4;
  return bytes * static_cast<double>(granulesIn(shape, extent));
}

double leastBytesPerElement(const TensorDesc &tensor, const Coord &granule) {
  auto shape = clampedGranule(tensor, granule);
  double elements = 1;
  for (uint32_t extent : shape)
    elements *= extent;
  return formats::expectedBits(tensor.dramFormat, tensor.elementBytes, shape, tensor.density) / 8 / elements;
}

Coord defaultGranule(const TensorDesc &tensor, const Coord &tile, bool weights) {
  Coord granule;
  for (int d = 0; d < 4; ++d)
    granule[d] = std::min(tile[d], tensor.shape[d]);
  if (!weights)
    granule[0] = granule[1] = 1;
  return granule;
}

} // namespace sparseaccel::schedule
