//===- Accuracy.h - How far from the float model ----------------*- C++ -*-===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_ACCURACY_H
#define SPARSEACCEL_TOOLS_SPARSERUN_ACCURACY_H

#include "Frontend.h"

#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Sim/ReportGuard.h"
#include "SparseAccel/Target/CPU/FloatExecutor.h"

#include "absl/status/statusor.h"

namespace sparseaccel::run {

/// Synthetic inputs of a workload's program, `images` runs of them.
runtime::NamedArrays workloadInputs(const workload::Workload &workload, uint64_t images);

/// One argument of all images, joined along the first dimension.
runtime::Array joinImages(const std::vector<std::vector<cpu::Tensor>> &images, size_t argument);

/// The labels of the inputs: a .npy file, or the array 'y' of an .npz; integers, each the index of one of the first
/// output's scores.
absl::StatusOr<std::vector<int64_t>>
readLabels(const std::string &file, const std::vector<std::vector<cpu::Tensor>> &inputs, const Source &source);

/// The simulated outputs beside the float model's.
struct Accuracy {
  sim::FloatComparison againstFloat; ///< Without outputs where there is no float model.
  std::string text;                  ///< Lines for the terminal.
  std::vector<std::string> warnings; ///< Of inputs that are off where the guard did not look.
};

/// Runs the float model, unless `real` is null, and says of every output how far the simulated one is: largest and
/// root-mean-square error, and of the first output that has a row of scores for each image, how often the highest is
/// the same. With labels (unless empty) the quantised model runs as well, and the top-1 accuracy of all three is told.
/// A warning names an output and an input behind the first `guarded` that loses `leastSnrDb`, and much more than those.
mlir::FailureOr<Accuracy> compareWithFloat(const Source &source, const cpu::FloatExecutor *real,
                                           const std::vector<std::vector<cpu::Tensor>> &inputs,
                                           const runtime::NamedArrays &simulated, llvm::ArrayRef<int64_t> labels,
                                           size_t guarded, double leastSnrDb);

/// A line for each output whose rms error over the range is more than `most`.
std::vector<std::string> errorsBeyond(const sim::FloatComparison &comparison, double most);

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_ACCURACY_H
