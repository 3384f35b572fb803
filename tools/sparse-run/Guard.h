//===- Guard.h - Which layers lose the float model --------------*- C++ -*-===//
//
// Compares what a program leaves in memory with the float model on the same inputs, value by value. A quantised model
// may be far from the float one and still be simulated bit for bit: this is what says so, and where.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_GUARD_H
#define SPARSEACCEL_TOOLS_SPARSERUN_GUARD_H

#include "Frontend.h"

#include "SparseAccel/Sim/ReportGuard.h"
#include "SparseAccel/Sim/Simulator.h"
#include "SparseAccel/Target/CPU/FloatExecutor.h"

#include "llvm/Support/CommandLine.h"

#include <memory>

namespace sparseaccel::run {

/// The guard's command-line options.
struct GuardOptions {
  explicit GuardOptions(llvm::cl::OptionCategory &category);
  /// "", or what is wrong with them.
  std::string problem(bool workload) const;
  /// How many of `inputs` inputs are looked at.
  size_t imagesOf(size_t inputs) const;
  /// `calibration` is max, or percentile=P, which lets a share of the values saturate.
  sim::GuardLimits limits(llvm::StringRef numerics, llvm::StringRef calibration) const;

  llvm::cl::opt<bool> off;
  llvm::cl::opt<unsigned> images;
  llvm::cl::opt<double> leastSnr, mostSaturated, maxError;
};

/// Follows the runs of one program. No tensor is kept beyond its run.
class Guard {
public:
  /// `inputs` are those of all runs, of which the first `images` are followed. The source has a float model, and
  /// `executor` runs its @main; all outlive the guard.
  static mlir::FailureOr<std::unique_ptr<Guard>> create(const Source &source, const isa::Program &program,
                                                        const cpu::FloatExecutor &executor,
                                                        llvm::ArrayRef<std::vector<cpu::Tensor>> inputs, size_t images,
                                                        const sim::GuardLimits &limits);
  ~Guard();

  /// Inputs that are followed.
  size_t images() const;
  /// For runtime::RunOptions::observe. From several threads at once, each with images of its own.
  void observe(uint64_t image, const sim::TensorObservation &observation);

  /// After the runs. The same whatever their order.
  mlir::FailureOr<sim::GuardReport> report() const;

private:
  struct Impl;
  explicit Guard(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_GUARD_H
