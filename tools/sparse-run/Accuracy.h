//===- Accuracy.h - How far from the float model ----------------*- C++ -*-===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_ACCURACY_H
#define SPARSEACCEL_TOOLS_SPARSERUN_ACCURACY_H

#include "Frontend.h"

#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Target/CPU/CompiledModule.h"

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

/// Runs the float model and the quantised one on the same inputs, and says how the simulated outputs compare: the
/// largest and the root-mean-square error of the first output, top-1 agreement, and with labels (unless empty) the
/// top-1 accuracy of all three.
mlir::FailureOr<std::string> describeAccuracy(const Source &source, const std::vector<std::vector<cpu::Tensor>> &inputs,
                                              const runtime::Array &simulated, llvm::ArrayRef<int64_t> labels);

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_ACCURACY_H
