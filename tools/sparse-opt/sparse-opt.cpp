//===- sparse-opt.cpp - Run the compiler's passes one by one --------------===//
//
// mlir-opt for this project: its dialects and passes, and those of upstream that a model needs on its way, over an explicit registry.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Dialect/Accel/Accel.h"
#include "SparseAccel/Dialect/Sparsity/Sparsity.h"
#include "SparseAccel/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Dialect/Tosa/Transforms/Passes.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::tensor::TensorDialect, mlir::tosa::TosaDialect,
                  sparseaccel::accel::AccelDialect, sparseaccel::sparsity::SparsityDialect>();
  mlir::func::registerInlinerExtension(registry);

  mlir::registerTransformsPasses(); // canonicalize, cse, inline, symbol-dce, ...
  mlir::tosa::registerTosaPasses();
  sparseaccel::registerSparseAccelPasses();
  sparseaccel::registerSparseCompilePipeline();

  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "SparseAccel pass driver\n", registry));
}
