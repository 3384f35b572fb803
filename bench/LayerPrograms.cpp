//===- LayerPrograms.cpp - A layer of a workload, compiled ----------------===//

#include "LayerPrograms.h"

#include "SparseAccel/Target/Program/Emit.h"
#include "SparseAccel/Target/Workload/Import.h"
#include "SparseAccel/Transforms/Pipeline.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"

namespace sparseaccel::bench {

absl::StatusOr<LayerProgram> compileLayer(const workload::Workload &workload, size_t layer,
                                          const std::string &machine) {
  workload::Workload one = workload;
  one.layers = {workload.layers[layer]};
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::string said;
  context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
      said += diagnostic.str();
    return mlir::success();
  });
  mlir::OwningOpRef<mlir::ModuleOp> module = workload::importWorkload(one, &context);
  SparseCompileOptions options;
  options.machine = machine;
  mlir::PassManager passes(module.get()->getName());
  buildSparseCompilePipeline(passes, options);
  if (mlir::failed(passes.run(*module)))
    return absl::InvalidArgumentError(one.layers[0].name + ": " + said);
  mlir::FailureOr<isa::Program> program = emitProgram(*module);
  if (mlir::failed(program))
    return absl::InvalidArgumentError(one.layers[0].name + ": " + said);
  LayerProgram result;
  result.program = std::move(*program);
  const isa::Tensor &input = result.program.tensors[result.program.inputs.front()];
  result.input.type = input.type;
  result.input.shape = input.shape;
  result.input.bytes = workload::makeInput(one, 0, 0);
  return result;
}

} // namespace sparseaccel::bench
