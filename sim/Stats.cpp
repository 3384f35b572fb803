//===- Stats.cpp - Sums of what simulations measured ----------------------===//

#include "SparseAccel/Sim/Stats.h"

#include <algorithm>

namespace sparseaccel::sim {

const char *unitName(Unit unit) {
  static constexpr const char *names[] = {"load", "mac", "vector", "store", "host"};
  return names[unsigned(unit)];
}

void DramTraffic::add(const DramTraffic &other) {
  readData += other.readData;
  readMetadata += other.readMetadata;
  writeData += other.writeData;
  writeMetadata += other.writeMetadata;
}

dataflow::Bound LayerStats::bound() const {
  return dataflow::Bound(std::max_element(boundCycles.begin(), boundCycles.end()) - boundCycles.begin());
}

double LayerStats::utilization() const {
  return counts.slots > 0 ? (counts.performed + counts.gated + counts.wasted) / counts.slots : 0;
}

void LayerStats::add(const LayerStats &other) {
  macs += other.macs;
  counts.add(other.counts);
  cycles += other.cycles;
  computeCycles += other.computeCycles;
  loadCycles += other.loadCycles;
  storeCycles += other.storeCycles;
  vectorCycles += other.vectorCycles;
  for (size_t i = 0; i < boundCycles.size(); ++i)
    boundCycles[i] += other.boundCycles[i];
  dram.add(other.dram);
  actions.add(other.actions);
  widestSum = std::max(widestSum, other.widestSum);
  instructions += other.instructions;
}

void RunStats::add(const RunStats &other) {
  if (layers.empty()) {
    layers = other.layers;
    totals = other.totals;
  } else {
    for (size_t i = 0; i < layers.size() && i < other.layers.size(); ++i)
      layers[i].add(other.layers[i]);
    totals.add(other.totals);
  }
  if (timeline.empty() && images == 0)
    timeline = other.timeline;
  images += other.images;
  valueSeconds += other.valueSeconds;
  countSeconds += other.countSeconds;
  otherSeconds += other.otherSeconds;
}

} // namespace sparseaccel::sim
