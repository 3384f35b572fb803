//===- CompiledModule.cpp - Compile and run a TOSA module -----------------===//

#include "SparseAccel/Target/CPU/CompiledModule.h"
#include "Lowering.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

namespace sparseaccel::cpu {

struct CompiledModule::Impl {
  explicit Impl(Location loc) : loc(loc) {}
  Location loc; ///< In the caller's context.
  llvm::StringMap<Signature> signatures;
  llvm::StringMap<void (*)(void **)> entries;
  std::unique_ptr<ExecutionEngine> engine;
};

CompiledModule::CompiledModule(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
CompiledModule::~CompiledModule() = default;

static FailureOr<TensorType> tensorType(func::FuncOp function, Type type, StringRef what, unsigned index) {
  auto ranked = dyn_cast<RankedTensorType>(type);
  if (!ranked || !ranked.hasStaticShape())
    return emitError(function.getLoc()) << what << ' ' << index << " has type " << type
                                        << "; running on the CPU needs a ranked tensor of static shape";
  FailureOr<ElementType> element = elementTypeOf(ranked);
  if (failed(element))
    return emitError(function.getLoc()) << what << ' ' << index << " has type " << type
                                        << "; running on the CPU needs elements of i1, i8, i16, i32, i48, i64 or f32";
  return TensorType{*element, std::vector<int64_t>(ranked.getShape())};
}

static LogicalResult readSignatures(ModuleOp module, llvm::StringMap<Signature> &signatures) {
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function.isPublic())
      continue;
    if (function.isExternal())
      return emitError(function.getLoc(), "has no body; running on the CPU needs one");
    Signature &signature = signatures[function.getSymName()];
    for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
      FailureOr<TensorType> converted = tensorType(function, type, "argument", index);
      if (failed(converted))
        return failure();
      signature.inputs.push_back(*converted);
    }
    for (auto [index, type] : llvm::enumerate(function.getResultTypes())) {
      FailureOr<TensorType> converted = tensorType(function, type, "result", index);
      if (failed(converted))
        return failure();
      signature.results.push_back(*converted);
    }
  }
  if (signatures.empty())
    return emitError(module.getLoc(), "has no public function to run");
  return success();
}

/// The lowering runs in a context of its own, so that callers need neither its dialects nor its threads' leave.
/// Bytecode carries the weights as raw blobs.
static FailureOr<OwningOpRef<ModuleOp>> moveTo(ModuleOp module, MLIRContext &context) {
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  if (failed(writeBytecodeToFile(module, stream)))
    return emitError(module.getLoc(), "could not be written as bytecode");
  ParserConfig config(&context);
  // The buffer must outlive the module: blobs are read in place. The reader refuses a buffer that is aligned to less
  // than a blob is, and the heap promises no more than 16 bytes.
  std::unique_ptr<llvm::WritableMemoryBuffer> buffer =
      llvm::WritableMemoryBuffer::getNewUninitMemBuffer(bytes.size(), "module", llvm::Align(4096));
  llvm::copy(bytes, buffer->getBufferStart());
  auto manager = std::make_shared<llvm::SourceMgr>();
  manager->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  OwningOpRef<ModuleOp> copy = parseSourceFile<ModuleOp>(manager, config);
  if (!copy)
    return failure();
  return copy;
}

static LogicalResult lower(ModuleOp module, const CompileOptions &options) {
  bool floatContractions = false;
  module.walk([&](tosa::Conv2DOp op) { floatContractions |= getElementTypeOrSelf(op.getType()).isF32(); });

  // Inputs belong to the caller: nothing may be computed in place there.
  Builder builder(module.getContext());
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic()) {
      function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(), builder.getUnitAttr());
      for (unsigned i = 0; i < function.getNumArguments(); ++i)
        function.setArgAttr(i, bufferization::BufferizationDialect::kWritableAttrName, builder.getBoolAttr(false));
    }

  PassManager inlining(module.getContext());
  addInlinePasses(inlining);
  if (failed(inlining.run(module)))
    return failure();
  outlinePieces(module);

  PassManager toLinalg(module.getContext());
  addTosaToLinalgPasses(toLinalg, /*kernelLayoutHwcf=*/floatContractions && options.reorderLoops);
  if (failed(toLinalg.run(module)))
    return failure();
  if (options.reorderLoops)
    reorderLoops(module);
  if (failed(bufferize(module)))
    return failure();
  PassManager toLLVM(module.getContext());
  addLinalgToLLVMPasses(toLLVM);
  return toLLVM.run(module);
}

FailureOr<std::unique_ptr<CompiledModule>> CompiledModule::compile(ModuleOp module, const CompileOptions &options) {
  auto impl = std::make_unique<Impl>(module.getLoc());
  if (failed(readSignatures(module, impl->signatures)))
    return failure();

  DialectRegistry registry;
  registerLoweringDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.allowUnregisteredDialects(); // Attributes of other dialects are carried along and ignored.
  std::string problems;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error && problems.size() < 2000)
      problems += (problems.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  auto fail = [&](StringRef what) {
    return emitError(impl->loc) << "upstream's lowering for the CPU failed: " << what << (problems.empty() ? "" : ": ")
                                << problems;
  };

  FailureOr<OwningOpRef<ModuleOp>> copy = moveTo(module, context);
  if (failed(copy))
    return fail("the module could not be copied");
  if (failed(lower(**copy, options)))
    return fail("passes");

  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return fail(llvm::toString(builder.takeError()));
  const auto level = llvm::CodeGenOpt::getLevel(static_cast<int>(options.optLevel));
  builder->setCodeGenOptLevel(level.value_or(llvm::CodeGenOptLevel::Default));
  auto machine = builder->createTargetMachine();
  if (!machine)
    return fail(llvm::toString(machine.takeError()));
  ExecutionEngineOptions engineOptions;
  auto transformer = makeOptimizingTransformer(options.optLevel, /*sizeLevel=*/0, machine->get());
  engineOptions.transformer = transformer;
  engineOptions.jitCodeGenOptLevel = level;
  engineOptions.enableGDBNotificationListener = false;
  engineOptions.enablePerfNotificationListener = false;
  auto engine = ExecutionEngine::create(**copy, engineOptions, std::move(*machine));
  if (!engine)
    return fail(llvm::toString(engine.takeError()));
  impl->engine = std::move(*engine);
  for (const auto &entry : impl->signatures) {
    auto function = impl->engine->lookupPacked(("_mlir_ciface_" + entry.getKey()).str());
    if (!function)
      return fail(llvm::toString(function.takeError()));
    impl->entries[entry.getKey()] = *function;
  }
  return std::unique_ptr<CompiledModule>(new CompiledModule(std::move(impl)));
}

const Signature *CompiledModule::signature(StringRef function) const {
  auto it = impl->signatures.find(function);
  return it == impl->signatures.end() ? nullptr : &it->getValue();
}

namespace {
/// A ranked memref descriptor: two pointers, an offset, then sizes and strides.
class Descriptor {
public:
  Descriptor(const TensorType &type, void *data) : words(3 + 2 * type.shape.size()) {
    words[0] = words[1] = reinterpret_cast<intptr_t>(data);
    int64_t stride = 1;
    for (size_t i = type.shape.size(); i-- > 0;) {
      words[3 + i] = type.shape[i];
      words[3 + type.shape.size() + i] = stride;
      stride *= type.shape[i];
    }
    pointer = words.data();
  }
  Descriptor(Descriptor &&) = default;
  void *argument() { return &pointer; }

private:
  std::vector<intptr_t> words;
  void *pointer;
};
} // namespace

FailureOr<std::vector<Tensor>> CompiledModule::run(StringRef function, ArrayRef<Tensor> inputs) const {
  const Signature *wanted = signature(function);
  if (!wanted)
    return emitError(impl->loc) << "has no public function '" << function << "' to run";
  if (wanted->inputs.size() != inputs.size())
    return emitError(impl->loc) << "function '" << function << "' takes " << wanted->inputs.size() << " inputs, but "
                                << inputs.size() << " were given";
  for (auto [index, input, type] : llvm::enumerate(inputs, wanted->inputs))
    if (input.type != type)
      return emitError(impl->loc) << "input " << index << " of function '" << function << "' must be " << type.str()
                                  << ", but is " << input.type.str();

  std::vector<Tensor> results;
  for (const TensorType &type : wanted->results)
    results.emplace_back(type);
  std::vector<Descriptor> descriptors;
  descriptors.reserve(inputs.size() + results.size());
  for (const Tensor &input : inputs)
    descriptors.emplace_back(
        input.type,
        const_cast<uint8_t *>(input.bytes.data())); // inputs are read only: arguments are not written in place
  for (Tensor &result : results)
    descriptors.emplace_back(result.type, result.bytes.data());
  std::vector<void *> arguments;
  for (Descriptor &descriptor : descriptors)
    arguments.push_back(descriptor.argument());
  impl->entries.lookup(function)(arguments.data());

  // Of an i48 the compiled code writes six bytes.
  for (Tensor &result : results)
    if (result.type.element == ElementType::I48)
      for (int64_t &value : result.as<int64_t>())
        value = static_cast<int64_t>(static_cast<uint64_t>(value) << 16) >> 16;
  return results;
}

} // namespace sparseaccel::cpu
