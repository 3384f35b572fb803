//===- PieceCompiler.cpp - From a piece's bytecode to an object -----------===//

#include "PieceCompiler.h"
#include "Lowering.h"
#include "LoweringSources.h"
#include "Pieces.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/ExecutionEngine/Orc/CompileUtils.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <array>
#include <mutex>

using namespace mlir;

namespace sparseaccel::cpu {

OwningOpRef<ModuleOp> readBytecode(StringRef bytecode, MLIRContext &context) {
  ParserConfig config(&context);
  // The buffer must outlive the module: blobs are read in place. The reader refuses a buffer that is aligned to less
  // than a blob is, and the heap promises no more than 16 bytes.
  std::unique_ptr<llvm::WritableMemoryBuffer> buffer =
      llvm::WritableMemoryBuffer::getNewUninitMemBuffer(bytecode.size(), "module", llvm::Align(4096));
  llvm::copy(bytecode, buffer->getBufferStart());
  auto manager = std::make_shared<llvm::SourceMgr>();
  manager->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(manager, config);
}

static DialectRegistry loweringRegistry() {
  DialectRegistry registry;
  registerLoweringDialects(registry);
  return registry;
}

struct PieceCompiler::Impl {
  Impl(llvm::orc::JITTargetMachineBuilder target, const CompileOptions &options)
      : target(std::move(target)), options(options), context(loweringRegistry(), MLIRContext::Threading::DISABLED),
        toLinalg{PassManager(&context), PassManager(&context)}, toBuffers(&context), toLLVM(&context) {
    for (bool kernelLayoutHwcf : {false, true})
      addTosaToLinalgPasses(toLinalg[kernelLayoutHwcf], kernelLayoutHwcf);
    addBufferizePasses(toBuffers);
    addLinalgToLLVMPasses(toLLVM);
    context.allowUnregisteredDialects(); // Attributes of other dialects are carried along and ignored.
  }

  LogicalResult lower(ModuleOp module);

  llvm::orc::JITTargetMachineBuilder target;
  CompileOptions options;
  MLIRContext context;
  // Patterns are collected once, for all pieces.
  std::array<PassManager, 2> toLinalg; ///< By whether kernels have output channels innermost.
  PassManager toBuffers, toLLVM;
  std::unique_ptr<llvm::TargetMachine> machine;
};

PieceCompiler::PieceCompiler(llvm::orc::JITTargetMachineBuilder target, const CompileOptions &options)
    : impl(std::make_unique<Impl>(std::move(target), options)) {}
PieceCompiler::~PieceCompiler() = default;

static llvm::CodeGenOptLevel levelOf(unsigned optLevel) {
  return llvm::CodeGenOpt::getLevel(static_cast<int>(optLevel)).value_or(llvm::CodeGenOptLevel::Default);
}

llvm::Expected<llvm::orc::JITTargetMachineBuilder> PieceCompiler::detectTarget(const CompileOptions &options) {
  static std::once_flag registered; // which several threads must not do at once
  std::call_once(registered, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
  auto target = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!target)
    return target.takeError();
  target->setCodeGenOptLevel(levelOf(options.optLevel));
  target->setRelocationModel(llvm::Reloc::PIC_);
  return target;
}

std::string PieceCompiler::fingerprint(const llvm::orc::JITTargetMachineBuilder &target,
                                       const CompileOptions &options) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "LLVM " LLVM_VERSION_STRING "; lowering " SPARSEACCEL_LOWERING_HASH "; " << target.getTargetTriple().str()
         << "; " << target.getCPU() << "; " << target.getFeatures().getString() << "; O" << options.optLevel
         << "; reorder " << options.reorderLoops;
  return text;
}

/// How many times the innermost loop of an operation runs, about.
static int64_t stepsOf(Operation *op) {
  auto elements = [](Value value) {
    auto type = dyn_cast<ShapedType>(value.getType());
    return type && type.hasStaticShape() ? type.getNumElements() : 0;
  };
  int64_t most = 0;
  for (Value value : llvm::concat<Value>(op->getOperands(), op->getResults()))
    most = std::max(most, elements(value));
  auto extent = [](Value value, int64_t axis) { return cast<ShapedType>(value.getType()).getDimSize(axis); };
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case([&](tosa::Conv2DOp conv) {
        return elements(conv.getOutput()) * elements(conv.getWeight()) /
               std::max<int64_t>(1, extent(conv.getWeight(), 0));
      })
      .Case([&](tosa::Conv3DOp conv) {
        return elements(conv.getOutput()) * elements(conv.getWeight()) /
               std::max<int64_t>(1, extent(conv.getWeight(), 0));
      })
      .Case([&](tosa::DepthwiseConv2DOp conv) {
        return elements(conv.getOutput()) * extent(conv.getWeight(), 0) * extent(conv.getWeight(), 1);
      })
      .Case([&](tosa::MatMulOp product) { return elements(product.getOutput()) * extent(product.getA(), 2); })
      .Case<tosa::AvgPool2dOp, tosa::MaxPool2dOp>(
          [&](auto pool) { return elements(pool.getOutput()) * pool.getKernel()[0] * pool.getKernel()[1]; })
      .Default([&](Operation *) { return most; });
}

/// The level for a piece: what runs for less than a millisecond is not worth the tens of them that optimising takes.
/// Loops compute the same at every level.
static unsigned optLevelOf(ModuleOp module, unsigned wanted) {
  constexpr int64_t kFewSteps = 1 << 16;
  int64_t steps = 0;
  module.walk([&](Operation *op) {
    if (isa_and_present<tosa::TosaDialect>(op->getDialect()))
      steps += stepsOf(op);
  });
  return steps < kFewSteps ? 0 : wanted;
}

LogicalResult PieceCompiler::Impl::lower(ModuleOp module) {
  bool floatContractions = false;
  module.walk([&](tosa::Conv2DOp op) { floatContractions |= getElementTypeOrSelf(op.getType()).isF32(); });

  // Inputs belong to others: nothing may be computed in place there.
  Builder builder(module.getContext());
  auto function = module.lookupSymbol<func::FuncOp>(kPieceFunction);
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    function.setArgAttr(i, bufferization::BufferizationDialect::kWritableAttrName, builder.getBoolAttr(false));

  if (failed(toLinalg[floatContractions && options.reorderLoops].run(module)))
    return failure();
  if (options.reorderLoops)
    reorderLoops(module);
  if (failed(toBuffers.run(module)) || failed(makeResultsArguments(module)))
    return failure();
  return toLLVM.run(module);
}

/// The function that takes an array of pointers. All else becomes internal, so that many objects fit in one program.
static void addEntry(llvm::Module &module, StringRef symbol) {
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
  llvm::Function *piece = module.getFunction(kPieceFunction);
  piece->addFnAttr(llvm::Attribute::NoInline); // keeps what is said of its arguments
  for (llvm::Argument &argument : piece->args())
    argument.addAttr(llvm::Attribute::NoAlias); // outputs overlap with nothing, and inputs are only read

  llvm::LLVMContext &context = module.getContext();
  llvm::Type *pointer = llvm::PointerType::getUnqual(context);
  auto *entry = llvm::Function::Create(llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer}, false),
                                       llvm::GlobalValue::ExternalLinkage, symbol, module);
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "", entry));
  SmallVector<llvm::Value *> arguments;
  for (unsigned i = 0; i < piece->arg_size(); ++i)
    arguments.push_back(builder.CreateLoad(pointer, builder.CreateConstInBoundsGEP1_32(pointer, entry->getArg(0), i)));
  builder.CreateCall(piece, arguments);
  builder.CreateRetVoid();
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> PieceCompiler::compile(StringRef bytecode, StringRef symbol) {
  std::string problems;
  ScopedDiagnosticHandler handler(&impl->context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error && problems.size() < 2000)
      problems += (problems.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  auto fail = [&](StringRef what) { return llvm::createStringError(what + (problems.empty() ? "" : ": ") + problems); };
  OwningOpRef<ModuleOp> module = readBytecode(bytecode, impl->context);
  if (!module)
    return fail("the operation could not be copied");
  const unsigned optLevel = optLevelOf(*module, impl->options.optLevel);
  if (failed(impl->lower(*module)))
    return fail("passes");
  if (!impl->machine) {
    auto machine = impl->target.createTargetMachine();
    if (!machine)
      return machine.takeError();
    impl->machine = std::move(*machine);
  }
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> llvmModule = translateModuleToLLVMIR(*module, llvmContext);
  if (!llvmModule)
    return fail("translation to LLVM IR");
  ExecutionEngine::setupTargetTripleAndDataLayout(llvmModule.get(), impl->machine.get());
  addEntry(*llvmModule, symbol);
  impl->machine->setOptLevel(levelOf(optLevel));
  auto optimize = makeOptimizingTransformer(optLevel, /*sizeLevel=*/0, impl->machine.get());
  if (llvm::Error error = optimize(llvmModule.get()))
    return error;
  return llvm::orc::SimpleCompiler(*impl->machine)(*llvmModule);
}

} // namespace sparseaccel::cpu
