//===- Origins.h - Which float value an integer stands for ------*- C++ -*-===//
//
// Quantisation names every value that it makes. So that simulated values can be compared with the float model's, the
// float values are numbered before the model is copied and quantised, and names are traced back to numbers after.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_ORIGINS_H
#define SPARSEACCEL_TOOLS_SPARSERUN_ORIGINS_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace sparseaccel::run {

struct Origin {
  mlir::Value real; ///< In the float model's @main.
  /// Largest magnitude that calibration saw, of all values that share the scale; negative where nothing is known.
  double calibrated = -1;
};
/// By the quantised value's name.
using Origins = llvm::StringMap<Origin>;

/// Numbers the arguments of @main and what its operations give.
void numberValues(mlir::ModuleOp real);

/// What the quantised copy of a numbered model says of its values. Takes the numbers out of both.
Origins takeOrigins(mlir::ModuleOp real, mlir::ModuleOp quantised);

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_ORIGINS_H
