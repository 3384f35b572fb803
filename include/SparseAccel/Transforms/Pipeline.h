//===- Pipeline.h - From quantised TOSA to a program ------------*- C++ -*-===//

#ifndef SPARSEACCEL_TRANSFORMS_PIPELINE_H
#define SPARSEACCEL_TRANSFORMS_PIPELINE_H

#include "SparseAccel/Transforms/Objective.h"

#include "mlir/Pass/PassManager.h"

#include <string>

namespace sparseaccel {

/// What `--sparse-compile` takes.
struct SparseCompileOptions {
  std::string machine; ///< Name or file.
  schedule::Objective objective = schedule::Objective::Latency;
  std::string mapping; ///< File of forced mappings; empty: none.
  std::string saf;     ///< What is to be gated and skipped (docs/safs.md); empty: what the machine offers.
  unsigned searchBudget = schedule::kDefaultSearchBudget; ///< Estimates for each layer once something is found.
};

/// fuse-layers, select-encoding, select-safs, check-encodings, schedule, lower-to-tiles, allocate: quantised TOSA (or
/// accel layers) in, an allocated accel.program out.
void buildSparseCompilePipeline(mlir::OpPassManager &manager, const SparseCompileOptions &options);

/// Registers `sparse-compile`.
void registerSparseCompilePipeline();

} // namespace sparseaccel

#endif // SPARSEACCEL_TRANSFORMS_PIPELINE_H
