//===- ReportZeros.h - Real zeros beside independent ones -------*- C++ -*-===//
//
// What the places of zeros cost: the same layers with as many zeros, once where they really are and once anywhere.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_REPORTZEROS_H
#define SPARSEACCEL_SIM_REPORTZEROS_H

#include "SparseAccel/Sim/Stats.h"

#include <string>
#include <vector>

namespace sparseaccel::sim {

/// A layer of both runs, with the densities that both have.
struct ZerosLayer {
  std::string name; ///< As in LayerStats.
  double activations = 1, weights = 1;
};

/// Share of the array's cycles, waits for network and buffers aside, that perfectly balanced multipliers would need;
/// 1 where it never worked.
double balanceOf(const dataflow::Counts &counts);

/// One of the two runs. Cycles are sums over ZerosComparison::images.
struct ZerosSide {
  double arrayCycles = 0; ///< Of the array alone.
  double cycles = 0, balance = 1;
};

/// A layer, or the sum of all.
struct ZerosRow {
  ZerosLayer layer; ///< The sum's says nothing.
  std::string kind;
  ZerosSide real, independent;
};

struct ZerosComparison {
  uint64_t images = 0;          ///< Of both runs.
  std::vector<ZerosRow> layers; ///< Those with a CONTRACT in both runs.
  ZerosRow all;
  std::vector<std::string> leftOut; ///< Layers that were not compared since they read a part of a tensor.
};

/// Layers are matched by name. Runs of different numbers of images are brought to those of `real`.
ZerosComparison compareZeros(const std::vector<ZerosLayer> &layers, const RunStats &real, const RunStats &independent);

/// A row a layer and their sum: cycles of the array and of the layer with real zeros, with independent ones, their
/// ratio, and the balance of either; means per image.
std::string formatZeros(const std::string &machine, const ZerosComparison &comparison);

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_REPORTZEROS_H
