//===- Estimates.h - What the compiler expected of a program ----*- C++ -*-===//
//
// A note beside a program, in a section of its own of the same file (Container.h): nothing executes it, and a program
// without it is as good. Reports put it beside what was measured.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_ISA_ESTIMATES_H
#define SPARSEACCEL_TARGET_ISA_ESTIMATES_H

#include <cstdint>
#include <vector>

namespace sparseaccel::isa {

/// The scheduler's figures for one layer in one run of the program, from densities and for the layer by itself.
struct LayerEstimate {
  uint32_t layer = 0; ///< Index in Program::layers.
  double cycles = 0;
  double computeCycles = 0; ///< Of the array; of the vector unit where the layer has no contraction.
  double dramBytes = 0;     ///< Read and written.
  double energyPj = 0;      ///< Or the energy table's unit.
  bool operator==(const LayerEstimate &) const = default;
};

/// By rising layer; layers that have none are not there.
using Estimates = std::vector<LayerEstimate>;

} // namespace sparseaccel::isa

#endif // SPARSEACCEL_TARGET_ISA_ESTIMATES_H
