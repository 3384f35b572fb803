//===- Zeros.h - A model's real zeros as a workload -------------*- C++ -*-===//
//
// --compare-independent: the layers of a model, or of a workload with masks, with their zeros where they are and with
// as many zeros anywhere.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_ZEROS_H
#define SPARSEACCEL_TOOLS_SPARSERUN_ZEROS_H

#include "Check.h"
#include "Frontend.h"

#include "SparseAccel/Sim/ReportZeros.h"

namespace sparseaccel::run {

/// Every contraction that `program` has on the accelerator, as a layer of its own: its shape, and masks of its weights
/// and of its input in each of the observed images. `leftOut` gets the names of contractions whose operands no
/// tensor of the program holds. Values are not kept.
mlir::FailureOr<workload::Workload> measuredWorkload(const Source &source, const isa::Program &program,
                                                     llvm::ArrayRef<TensorValues> observed,
                                                     std::vector<std::string> &leftOut);

/// What the table says of the layers.
std::vector<sim::ZerosLayer> densitiesOf(const workload::Workload &workload);

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_ZEROS_H
