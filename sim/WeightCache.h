//===- WeightCache.h - Converted weights, kept between runs -----*- C++ -*-===//
//
// Every image runs the same weights through the same tiles. What a CONTRACT's B operand turns into (the kernels'
// layout, the counts that depend on weights alone) is kept, and used again only where a box of a constant lies in the
// simulated buffer as it was loaded (Residence.h): a cache of a pure function of the constant.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_WEIGHTCACHE_H
#define SPARSEACCEL_SIM_WEIGHTCACHE_H

#include "SparseAccel/Sim/Kernels.h"
#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include "absl/container/flat_hash_map.h"

#include <array>
#include <memory>
#include <shared_mutex>

namespace sparseaccel::sim {

struct WeightTile {
  /// Of exactly what the CONTRACT reads, dense: {g*m, r, s, c}. Empty where that lies in the buffer as one run.
  std::vector<uint8_t> values;
  kernels::PackedWeights packed; ///< Empty where the kernels take weights as they lie.
  dataflow::WeightSummary summary;
  std::unique_ptr<const dataflow::WeightDigest> digest; ///< Null where the dataflow has none, or nothing was counted.
  bool counted = false;                                 ///< Whether the dataflow was asked for its digest.
  uint64_t size() const {
    return values.size() + packed.data.size() * 2 + summary.nonzeros.size() * 4 + (digest ? digest->bytes() : 0) +
           sizeof(WeightTile);
  }
};

/// Tensor, origin, the extents g, m, r, s, c and dilation that the layout depends on, the mapping and SAFs that the
/// digest depends on, and whether the kernels take weights as they lie.
using WeightKey = std::array<uint32_t, 14>;

class WeightCache {
public:
  explicit WeightCache(uint64_t capacityBytes = uint64_t(160) << 20) : capacity(capacityBytes) {}
  std::shared_ptr<const WeightTile> find(const WeightKey &key) const;
  /// Keeps the tile where there is room; a tile of the same key is replaced.
  void insert(const WeightKey &key, std::shared_ptr<const WeightTile> tile);

private:
  mutable std::shared_mutex mutex; ///< Of `tiles` and `used`. The standard's, which ThreadSanitizer sees through.
  absl::flat_hash_map<WeightKey, std::shared_ptr<const WeightTile>> tiles;
  uint64_t used = 0;
  const uint64_t capacity;
};

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_WEIGHTCACHE_H
