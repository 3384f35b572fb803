//===- Check.h - Simulated values against upstream's arithmetic -*- C++ -*-===//
//
// Runs the quantised module through upstream MLIR's CPU lowering and compares bit for bit what the accelerator wrote.
// Each value is computed from the nearest simulated ones that the accelerator, a float operator or a contraction of the
// host left behind, or that the program was given; where no float operator of the host is among them, agreement on all
// of them and on the outputs is agreement on the whole model.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_CHECK_H
#define SPARSEACCEL_TOOLS_SPARSERUN_CHECK_H

#include "Places.h"

#include "SparseAccel/Target/CPU/CompiledModule.h"

#include <memory>

namespace sparseaccel::run {

struct CheckResult {
  unsigned tensorsChecked = 0, layersCovered = 0; ///< Of the accelerator.
  unsigned hostContractions = 0;                  ///< Compared beside them.
  bool wholeChecked = false;                      ///< False where a float host operator intervenes.
  std::vector<std::string> mismatches;            ///< One line each: layer, element, expected, simulated.
  std::vector<std::string> notCompared; ///< Accelerated layers that no comparison covers, and outputs; one line each.
  bool held() const { return mismatches.empty() && notCompared.empty(); }
};

/// Compiled once for a program.
class Checker {
public:
  /// `quantised` outlives the checker. At most `threads` threads compile, all cores where that is 0.
  static mlir::FailureOr<std::unique_ptr<Checker>> create(mlir::ModuleOp quantised, const isa::Program &program,
                                                          unsigned threads = 0);
  ~Checker();

  /// One result an image; `images` holds what the simulator observed of each. Uses at most `threads` threads, all cores
  /// where that is 0; results do not depend on it.
  mlir::FailureOr<std::vector<CheckResult>> check(llvm::ArrayRef<TensorValues> images, unsigned threads = 0) const;

private:
  struct Impl;
  explicit Checker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_CHECK_H
