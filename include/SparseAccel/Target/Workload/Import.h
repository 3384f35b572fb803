//===- Import.h - From a workload to accel layers ---------------*- C++ -*-===//

#ifndef SPARSEACCEL_TARGET_WORKLOAD_IMPORT_H
#define SPARSEACCEL_TARGET_WORKLOAD_IMPORT_H

#include "SparseAccel/Target/Workload/Workload.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace sparseaccel::workload {

/// Names of a layer's inputs: the activations, and the second operand of a matmul.
inline std::string inputName(const Layer &layer) { return layer.name + ".input"; }
inline std::string secondInputName(const Layer &layer) { return layer.name + ".b"; }

/// A module whose @main has, for each layer, an integer argument "NAME.input" (of a matmul also "NAME.b") and a result
/// "NAME".
/// It enters the pipeline after fusion.
mlir::OwningOpRef<mlir::ModuleOp> importWorkload(const Workload &workload, mlir::MLIRContext *context);

/// Takes those layers out of importWorkload()'s module whose kind the machine does not have: nothing reads their results.
/// Fails where none is left.
mlir::LogicalResult dropLayers(mlir::ModuleOp module, const machine::Machine &machine);

/// Puts the mappings that the workload has for this machine on the layers.
mlir::LogicalResult forceMappings(mlir::ModuleOp module, const Workload &workload, const machine::Machine &machine);

/// Frees the weights of importWorkload()'s module, which programs have copies of. It cannot be compiled any more.
void releaseWeights(mlir::ModuleOp module);

} // namespace sparseaccel::workload

#endif // SPARSEACCEL_TARGET_WORKLOAD_IMPORT_H
