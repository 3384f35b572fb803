//===- Frontend.cpp - From a file to a program ----------------------------===//

#include "Frontend.h"

#include "SparseAccel/Dialect/Accel/Accel.h"
#include "SparseAccel/Dialect/Sparsity/Constants.h"
#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Support/Stages.h"
#include "SparseAccel/Target/ONNX/Import.h"
#include "SparseAccel/Target/Program/Emit.h"
#include "SparseAccel/Target/Workload/Import.h"
#include "SparseAccel/Transforms/AdoptModule.h"
#include "SparseAccel/Transforms/Passes.h"
#include "SparseAccel/Transforms/Pipeline.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;

namespace sparseaccel::run {

/// A fault for quantisation to have (lib/Transforms/QuantizeBreak.cpp): what watches over it is tested by it.
static llvm::cl::opt<std::string> debugBreak("debug-break", llvm::cl::desc("For tests: quantise wrongly in one way"),
                                             llvm::cl::value_desc("fault"), llvm::cl::Hidden);

void registerDialects(DialectRegistry &registry) {
  registry.insert<accel::AccelDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect,
                  linalg::LinalgDialect, ml_program::MLProgramDialect, sparsity::SparsityDialect,
                  tensor::TensorDialect, tosa::TosaDialect>();
  func::registerInlinerExtension(registry);
}

static LogicalResult quantise(ModuleOp module, const FrontendOptions &options) {
  Stage stage("quantise");
  QuantizeOptions quantize;
  quantize.numerics = options.numerics == "int8" ? NumericsKind::Int8 : NumericsKind::Int16;
  quantize.calibrate = options.calibrate;
  quantize.defaultRange = options.defaultRange;
  quantize.calibration = options.calibration;
  if (!debugBreak.empty())
    module->setAttr("sparsity.debug_break", StringAttr::get(module.getContext(), debugBreak));
  PassManager pm(module->getName());
  pm.addPass(createQuantize(quantize));
  return pm.run(module);
}

/// Names the values of a quantised model that have no name yet, so that the tensors of a program can be found there.
static void nameValues(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return;
  llvm::StringSet<> taken;
  for (unsigned argument = 0; argument < main.getNumArguments(); ++argument)
    if (auto name = main.getArgAttrOfType<StringAttr>(argument, "sparsity.name"))
      taken.insert(name.getValue());
  auto nameOf = [](Operation &op) { return op.getAttrOfType<StringAttr>("sparsity.value"); };
  for (Operation &op : main.getOps())
    if (StringAttr name = nameOf(op))
      taken.insert(name.getValue());
  for (Operation &op : main.getOps()) {
    if (nameOf(op) || op.getNumResults() != 1 || op.getNumOperands() == 0)
      continue;
    auto located = dyn_cast<NameLoc>(op.getLoc());
    std::string base = located ? located.getName().str() : op.getName().stripDialect().str(), name = base;
    for (unsigned i = 1; !taken.insert(name).second; ++i)
      name = base + "." + std::to_string(i);
    op.setAttr("sparsity.value", StringAttr::get(op.getContext(), name));
  }
}

/// A model that arrives as linalg becomes TOSA, and one that arrives as TOSA has its constants where layers read them.
static LogicalResult raiseLinalg(ModuleOp module) {
  if (failed(adoptModule(module)))
    return failure();
  if (module->hasAttr("sparsity.numerics"))
    return success();
  PassManager pm(module->getName());
  pm.addPass(createLinalgToTosa());
  return pm.run(module);
}

/// The shape of an input's array in a file; nullopt where there is none, or the file cannot be read: whoever needs its
/// values says so.
static std::optional<std::vector<int64_t>> shapeInFile(const std::string &file, const onnx::ArrayRequest &input) {
  absl::StatusOr<runtime::NamedArrays> arrays = file.empty() ? absl::NotFoundError("") : runtime::readArrays(file);
  if (!arrays.ok())
    return std::nullopt;
  const runtime::Array *found =
      runtime::findInput(*arrays, input.name, input.position, input.inputs,
                         [&](const runtime::Array &array) { return input.fits(array.shape); });
  return found ? std::optional(found->shape) : std::nullopt;
}

FailureOr<Source> loadSource(const FrontendOptions &options, MLIRContext *context) {
  Stage stage("import");
  Source source;
  Location loc = UnknownLoc::get(context);
  if (!options.workload.empty()) {
    workload::Overrides overrides;
    overrides.numerics = options.numerics;
    overrides.batch = options.batch;
    overrides.weightDensity = options.weightDensity;
    overrides.activationDensity = options.activationDensity;
    absl::StatusOr<workload::Workload> workload = workload::loadWorkload(options.workload, overrides);
    if (!workload.ok())
      return emitError(loc) << std::string(workload.status().message());
    source.layers = workload::importWorkload(*workload, context);
    source.workload = std::move(*workload);
    return source;
  }

  if (StringRef(options.model).ends_with(".onnx")) {
    onnx::ImportOptions import;
    if (options.batch > 0)
      import.batch = options.batch;
    if (std::string wrong = onnx::parseDims(options.dims, import.dims); !wrong.empty())
      return emitError(loc) << wrong;
    import.arrayShape = [&](const onnx::ArrayRequest &input) {
      auto shape = shapeInFile(options.input, input);
      return shape ? shape : shapeInFile(options.calibrate, input);
    };
    source.real = onnx::importOnnx(options.model, import, context);
  } else if (StringRef(options.model).ends_with(".mlir") || StringRef(options.model).ends_with(".mlirbc")) {
    if (std::error_code error = llvm::sys::fs::access(options.model, llvm::sys::fs::AccessMode::Exist))
      return emitError(loc) << options.model << ": cannot open the model: " << error.message();
    if (llvm::sys::fs::is_directory(options.model)) // of which the parser says nothing
      return emitError(loc) << options.model << ": cannot open the model: Is a directory";
    source.real = parseSourceFile<ModuleOp>(options.model, context);
    if (source.real) {
      sparsity::densifyConstants(*source.real);
      if (failed(raiseLinalg(*source.real)))
        return failure();
    }
  } else {
    return emitError(loc) << "'" << options.model
                          << "': expected a model that ends in .onnx, .mlir (TOSA or linalg) or .mlirbc";
  }
  if (!source.real)
    return failure();
  if (source.real->getOperation()->hasAttr("sparsity.numerics")) {
    source.quantised = std::move(source.real);
    source.real = nullptr;
    nameValues(*source.quantised);
    return source;
  }
  if (options.calibrate.empty() && options.defaultRange <= 0)
    return emitError(loc) << "no ranges of activations: expected --calibrate FILE (.npy or .npz, inputs of the model's "
                             "own shape), or --default-range X to take "
                             "every activation to lie in [-X, X]";
  numberValues(*source.real);
  source.quantised = source.real->clone();
  if (failed(quantise(*source.quantised, options)))
    return failure();
  source.origins = takeOrigins(*source.real, *source.quantised);
  nameValues(*source.quantised);
  return source;
}

FailureOr<isa::Program> compileFor(const Source &source, const std::string &machine, const FrontendOptions &options,
                                   isa::Estimates &estimates) {
  OwningOpRef<ModuleOp> module = source.layers ? OwningOpRef<ModuleOp>(source.layers.get().clone())
                                               : OwningOpRef<ModuleOp>(source.quantised.get().clone());
  if (source.workload) {
    absl::StatusOr<machine::Machine> loaded = machine::loadMachine(machine);
    if (!loaded.ok())
      return emitError(UnknownLoc::get(module->getContext())) << std::string(loaded.status().message());
    if (failed(workload::dropLayers(*module, *loaded)) ||
        (options.mapping.empty() && failed(workload::forceMappings(*module, *source.workload, *loaded))))
      return failure();
  }
  SparseCompileOptions compile;
  compile.machine = machine;
  compile.objective = options.objective;
  compile.searchBudget = options.searchBudget;
  compile.mapping = options.mapping;
  compile.saf = options.saf;
  PassManager pm(module.get()->getName());
  buildSparseCompilePipeline(pm, compile);
  if (failed(pm.run(*module)))
    return failure();
  return emitProgram(*module, &estimates);
}

} // namespace sparseaccel::run
