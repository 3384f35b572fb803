//===- WeightCache.cpp - Converted weights, kept between runs -------------===//

#include "WeightCache.h"

#include <mutex>

namespace sparseaccel::sim {

std::shared_ptr<const WeightTile> WeightCache::find(const WeightKey &key) const {
  std::shared_lock lock(mutex);
  auto found = tiles.find(key);
  return found == tiles.end() ? nullptr : found->second;
}

void WeightCache::insert(const WeightKey &key, std::shared_ptr<const WeightTile> tile) {
  std::unique_lock lock(mutex);
  auto found = tiles.find(key);
  uint64_t freed = found == tiles.end() ? 0 : found->second->size();
  if (used - freed + tile->size() > capacity)
    return;
  used = used - freed + tile->size();
  tiles[key] = std::move(tile);
}

} // namespace sparseaccel::sim
