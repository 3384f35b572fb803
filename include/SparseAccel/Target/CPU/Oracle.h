//===- Oracle.h - Ask single values of a module -----------------*- C++ -*-===//
//
// Rebuilds a TOSA module so that CompiledModule::run returns what one wants to see: values inside @main, or each layer
// as a function of its own, which is how simulated layers are compared one by one with upstream's arithmetic.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_CPU_ORACLE_H
#define SPARSEACCEL_TARGET_CPU_ORACLE_H

#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Target/CPU/CompiledModule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"

namespace sparseaccel::cpu {

/// The function @main of a module, or a diagnostic.
mlir::FailureOr<mlir::func::FuncOp> mainFunction(mlir::ModuleOp module);

/// Every named value of @main: arguments by `sparsity.name`, results of ops by `sparsity.value`.
llvm::StringMap<mlir::Value> namedValues(mlir::func::FuncOp main);

/// A copy of the module whose @main returns exactly `values`, which are values of the given @main.
mlir::OwningOpRef<mlir::ModuleOp> exposeValues(mlir::func::FuncOp main, llvm::ArrayRef<mlir::Value> values);
/// The same by name. An unknown name is diagnosed, with the nearest known one.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> exposeValues(mlir::func::FuncOp main,
                                                                llvm::ArrayRef<std::string> names);

/// One layer: what it produces from what, as values of @main.
struct LayerSpec {
  std::string function; ///< Name of the function to build; unique.
  mlir::Value output;
  std::vector<mlir::Value> inputs;
};

/// A module with one function a layer: the ops of @main that compute `output`, back to `inputs`, which become the
/// arguments in that order. Constants are copied; a layer that needs an argument of @main which is not among its inputs
/// is diagnosed.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> buildLayerFunctions(mlir::ModuleOp module,
                                                                       llvm::ArrayRef<LayerSpec> layers);

/// Cuts arrays of many images into one set of inputs a run of @main: along the first dimension, whose extent must be a
/// multiple of the input's. Arrays are found by the inputs' `sparsity.name`; a single input takes the only array that
/// fits. `file` stands in messages.
mlir::FailureOr<std::vector<std::vector<Tensor>>> splitInputs(mlir::func::FuncOp main,
                                                              const runtime::NamedArrays &arrays, llvm::StringRef file);

} // namespace sparseaccel::cpu

#endif // SPARSEACCEL_TARGET_CPU_ORACLE_H
