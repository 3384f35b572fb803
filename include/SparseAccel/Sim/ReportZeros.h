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

/// A row a layer and their sum: cycles of the array and of the layer with real zeros, with independent ones, their
/// ratio, and the balance of either. Layers without a CONTRACT in both runs are not there.
std::string formatZeros(const std::string &machine, const std::vector<ZerosLayer> &layers, const RunStats &real,
                        const RunStats &independent);

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_REPORTZEROS_H
