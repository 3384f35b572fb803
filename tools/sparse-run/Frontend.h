//===- Frontend.h - From a file to a program --------------------*- C++ -*-===//
//
// The compiler's half of sparse-run: read a model or a workload, quantise it once, and compile it for any number of
// machines.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_FRONTEND_H
#define SPARSEACCEL_TOOLS_SPARSERUN_FRONTEND_H

#include "Origins.h"

#include "SparseAccel/Target/ISA/Estimates.h"
#include "SparseAccel/Target/ISA/Program.h"
#include "SparseAccel/Target/Workload/Workload.h"
#include "SparseAccel/Transforms/Objective.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>
#include <string>
#include <vector>

namespace sparseaccel::run {

struct FrontendOptions {
  std::string model;    ///< .onnx, .mlir or .mlirbc; empty with a workload.
  std::string workload; ///< File or shipped name.
  std::string numerics = "int16", calibrate, calibration = "max", mapping;
  std::string saf; ///< What is gated and skipped (docs/safs.md); empty: what the machine offers.
  schedule::Objective objective = schedule::Objective::Latency;
  unsigned searchBudget = schedule::kDefaultSearchBudget;
  double defaultRange = 0;
  std::optional<double> weightDensity, activationDensity; ///< Of a workload's layers that do not say theirs.
  int64_t batch = 0;                                      ///< 0: the model's own.
  std::vector<std::string> dims; ///< Extents that an .onnx model leaves open, "name=N" each.
  std::string input;             ///< Arrays whose shapes give what is then still open; else those of `calibrate`.
};

/// What comes before any machine.
struct Source {
  mlir::OwningOpRef<mlir::ModuleOp> real; ///< Float TOSA; null where the input was quantised already, or is a workload.
  mlir::OwningOpRef<mlir::ModuleOp> quantised; ///< Integer TOSA, the oracle's input; null for a workload.
  Origins origins;                          ///< Which value of the float model each of the quantised one's stands for.
  mlir::OwningOpRef<mlir::ModuleOp> layers; ///< Accel layers of a workload; null for a model.
  std::optional<workload::Workload> workload;
};

/// Registers every dialect that a model may arrive in.
void registerDialects(mlir::DialectRegistry &registry);

/// Diagnostics go to the context's handler.
mlir::FailureOr<Source> loadSource(const FrontendOptions &options, mlir::MLIRContext *context);

/// Compiles for one machine, by name or file, and hands out what the scheduler expects of the layers. The source stays
/// as it is.
mlir::FailureOr<isa::Program> compileFor(const Source &source, const std::string &machine,
                                         const FrontendOptions &options, isa::Estimates &estimates);

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_FRONTEND_H
