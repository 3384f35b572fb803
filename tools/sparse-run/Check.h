//===- Check.h - Simulated values against upstream's arithmetic -*- C++ -*-===//
//
// Runs the quantised module through upstream MLIR's CPU lowering and compares bit for bit: each tensor that the
// accelerator wrote, from the simulated tensors that it was computed from; and the whole, where no float operator ran
// on the host in between.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_CHECK_H
#define SPARSEACCEL_TOOLS_SPARSERUN_CHECK_H

#include "SparseAccel/Sim/Simulator.h"
#include "SparseAccel/Target/CPU/CompiledModule.h"

#include <map>
#include <memory>

namespace sparseaccel::run {

/// All tensors that one image left behind, by index in Program::tensors.
using TensorValues = std::map<uint32_t, sim::TensorData>;

struct CheckResult {
  unsigned tensorsChecked = 0, layersCovered = 0; ///< Of the accelerator.
  unsigned hostContractions = 0;                  ///< Compared beside them.
  bool wholeChecked = false;           ///< False where a float host operator intervenes.
  std::vector<std::string> mismatches; ///< One line each: layer, element, expected, simulated.
  bool held() const { return mismatches.empty(); }
};

/// Compiled once for a program; check() may be called for any number of images, from one thread.
class Checker {
public:
  static mlir::FailureOr<std::unique_ptr<Checker>> create(mlir::ModuleOp quantised, const isa::Program &program);
  ~Checker();

  /// `values` holds what the simulator observed, `inputs` what the program was given.
  mlir::FailureOr<CheckResult> check(const TensorValues &values, const std::vector<cpu::Tensor> &inputs) const;

private:
  struct Impl;
  explicit Checker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// Whether a layer computes in floating point on the host, so that its bits depend on the host's library.
bool isFloatHostLayer(const isa::Program &program, const isa::Layer &layer);

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_CHECK_H
