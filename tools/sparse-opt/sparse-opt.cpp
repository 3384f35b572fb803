//===- sparse-opt.cpp - Run the compiler's passes one by one --------------===//
//
// mlir-opt for this project: its dialects and passes, and those of upstream that a model needs on its way, over an
// explicit registry.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Dialect/Accel/Accel.h"
#include "SparseAccel/Dialect/Sparsity/Sparsity.h"
#include "SparseAccel/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Dialect/Tosa/Transforms/Passes.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/Support/CommandLine.h"

static constexpr const char *kOverview =
    R"(Runs the compiler's passes one by one, or all of them as the pipeline --sparse-compile.

EXAMPLES:
  A float model (sparse-translate --import-onnx) to integers, and to the layers that a machine runs:
    sparse-opt model.mlir --sparse-quantize="numerics=int8 calibrate=c.npy" -o quantised.mlir
    sparse-opt quantised.mlir --sparse-fuse-layers
  All the way to a program, and what the compiler has to say about it:
    sparse-opt quantised.mlir --sparse-compile="machine=cnvlutin" --remarks-filter=sparse-.* --remark-format=emitRemark
  After each pass, the whole module:
    sparse-opt quantised.mlir --sparse-compile="machine=eyeriss" --mlir-print-ir-after-all
)";

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect, mlir::func::FuncDialect,
                  mlir::linalg::LinalgDialect, mlir::ml_program::MLProgramDialect, mlir::tensor::TensorDialect,
                  mlir::tosa::TosaDialect, sparseaccel::accel::AccelDialect,
                  sparseaccel::sparsity::SparsityDialect>();
  mlir::func::registerInlinerExtension(registry);

  mlir::registerTransformsPasses(); // canonicalize, cse, inline, symbol-dce, ...
  mlir::tosa::registerTosaPasses();
  sparseaccel::registerSparseAccelPasses();
  sparseaccel::registerSparseCompilePipeline();

  // LLVM brings hundreds of options of its own; they still work (see --help-hidden), but teach nobody here.
  for (auto &[name, option] : llvm::cl::getRegisteredOptions())
    if (!name.starts_with("help") && name != "version")
      option->setHiddenFlag(llvm::cl::Hidden);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, kOverview, registry));
}
