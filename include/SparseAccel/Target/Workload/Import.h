//===- Import.h - From a workload to accel layers ---------------*- C++ -*-===//

#ifndef SPARSEACCEL_TARGET_WORKLOAD_IMPORT_H
#define SPARSEACCEL_TARGET_WORKLOAD_IMPORT_H

#include "SparseAccel/Target/Workload/Workload.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace sparseaccel::workload {

/// A module whose @main has one integer argument and one result for each layer: argument "NAME.input", result "NAME".
/// It enters the pipeline after fusion.
mlir::OwningOpRef<mlir::ModuleOp> importWorkload(const Workload &workload, mlir::MLIRContext *context);

} // namespace sparseaccel::workload

#endif // SPARSEACCEL_TARGET_WORKLOAD_IMPORT_H
