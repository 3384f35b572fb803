//===- CompiledModule.cpp - Compile and run a TOSA module -----------------===//

#include "SparseAccel/Target/CPU/CompiledModule.h"
#include "FloatConstants.h"
#include "Lowering.h"
#include "ObjectCache.h"
#include "PieceCompiler.h"
#include "Pieces.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/ThreadPool.h"

#include <atomic>

using namespace mlir;

namespace sparseaccel::cpu {

using Entry = void (*)(void **);

namespace {
/// A tensor while a function runs.
struct ValueRef {
  enum Kind : uint8_t { Input, Constant, Local } kind = Input;
  size_t index = 0;
};

/// A call of a piece.
struct Step {
  size_t object = 0;
  std::vector<ValueRef> inputs;
  std::vector<size_t> outputs; ///< Locals.
  std::vector<size_t> done;    ///< Locals that nothing needs after this step.
};

/// A function as a sequence of calls.
struct Program {
  std::vector<Step> steps;
  std::vector<TensorType> locals;
  std::vector<ValueRef> results;
};

/// A piece that no other equals.
struct Object {
  Location loc; ///< Of the first operation that needs it, in the caller's context.
  std::string operation, bytecode;
  std::string symbol; ///< And name in the cache.
  std::unique_ptr<llvm::MemoryBuffer> code;
  std::string problem;
};
} // namespace

struct CompiledModule::Impl {
  explicit Impl(Location loc) : loc(loc) {}

  LogicalResult readFunction(func::FuncOp function);
  FailureOr<ValueRef> constant(Value value);
  size_t objectOf(Piece &piece);
  LogicalResult compileObjects(const CompileOptions &options);
  LogicalResult link(const llvm::orc::JITTargetMachineBuilder &target);
  InFlightDiagnostic fail(Location at, const Twine &what) const {
    return emitError(at) << "upstream's lowering for the CPU failed: " << what;
  }

  Location loc; ///< In the caller's context.
  llvm::StringMap<Signature> signatures;
  llvm::StringMap<Program> programs;
  std::vector<Tensor> constants;
  std::vector<Entry> entries; ///< By object.
  CompileStatistics statistics;
  std::unique_ptr<llvm::orc::LLJIT> jit;

  // Only while compiling:
  MLIRContext *context = nullptr; ///< Of the functions that are read.
  llvm::DenseMap<Attribute, size_t> constantIndices;
  llvm::StringMap<size_t> objectIndices; ///< By bytecode.
  std::vector<Object> objects;
};

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
    if (!function.getBody().hasOneBlock())
      return emitError(function.getLoc(), "has several blocks; running on the CPU needs one of straight-line code");
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

/// A copy in `context` whose public functions call nothing.
static FailureOr<OwningOpRef<ModuleOp>> inlineHelpers(ModuleOp module, MLIRContext &context) {
  std::string problems;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    problems += (problems.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  std::string bytecode;
  llvm::raw_string_ostream stream(bytecode);
  OwningOpRef<ModuleOp> copy;
  if (succeeded(writeBytecodeToFile(module, stream)))
    copy = readBytecode(bytecode, context);
  if (copy) {
    PassManager inlining(&context);
    addInlinePasses(inlining);
    if (succeeded(inlining.run(*copy)))
      return copy;
  }
  return emitError(module.getLoc()) << "helper functions could not be inlined" << (problems.empty() ? "" : ": ")
                                    << problems;
}

FailureOr<ValueRef> CompiledModule::Impl::constant(Value value) {
  Location at = context == loc.getContext() ? value.getLoc() : loc;
  ElementsAttr elements;
  if (!isTensorInMemory(value.getType()) || !matchPattern(value, m_Constant(&elements)))
    return fail(at, "a value is not computed by an operation before its use, and is no constant");
  auto [it, isNew] = constantIndices.try_emplace(elements, constants.size());
  if (isNew) {
    auto type = cast<RankedTensorType>(value.getType());
    Tensor tensor(TensorType{*elementTypeOf(type), std::vector<int64_t>(type.getShape())});
    FloatConstants reader;
    FailureOr<const uint8_t *> bytes = reader.bytes(elements, tensor.type, at);
    if (failed(bytes))
      return failure();
    std::copy_n(*bytes, tensor.bytes.size(), tensor.bytes.begin());
    constants.push_back(std::move(tensor));
  }
  return ValueRef{ValueRef::Constant, it->second};
}

size_t CompiledModule::Impl::objectOf(Piece &piece) {
  auto [it, isNew] = objectIndices.try_emplace(piece.bytecode, objects.size());
  if (isNew) {
    Object object{context == loc.getContext() ? piece.first->getLoc() : loc,
                  piece.first->getName().getStringRef().str(),
                  std::move(piece.bytecode),
                  {},
                  nullptr,
                  {}};
    objects.push_back(std::move(object));
  }
  return it->second;
}

LogicalResult CompiledModule::Impl::readFunction(func::FuncOp function) {
  FailureOr<std::vector<Piece>> pieces = cutIntoPieces(function);
  if (failed(pieces))
    return failure();
  Program &program = programs[function.getSymName()];
  llvm::DenseMap<Value, ValueRef> known;
  for (auto [index, argument] : llvm::enumerate(function.getArguments()))
    known[argument] = {ValueRef::Input, index};
  std::vector<size_t> lastUse; // by local
  auto refer = [&](Value value, size_t step) -> FailureOr<ValueRef> {
    auto it = known.find(value);
    FailureOr<ValueRef> found = it != known.end() ? FailureOr<ValueRef>(it->second) : constant(value);
    if (succeeded(found) && found->kind == ValueRef::Local)
      lastUse[found->index] = step;
    return found;
  };
  for (auto [index, piece] : llvm::enumerate(*pieces)) {
    Step step;
    step.object = objectOf(piece);
    for (Value input : piece.inputs) {
      FailureOr<ValueRef> found = refer(input, index);
      if (failed(found))
        return failure();
      step.inputs.push_back(*found);
    }
    for (Value output : piece.outputs) {
      auto type = cast<RankedTensorType>(output.getType());
      known[output] = {ValueRef::Local, program.locals.size()};
      step.outputs.push_back(program.locals.size());
      program.locals.push_back({*elementTypeOf(type), std::vector<int64_t>(type.getShape())});
      lastUse.push_back(index);
    }
    program.steps.push_back(std::move(step));
  }
  for (Value result : function.front().getTerminator()->getOperands()) {
    FailureOr<ValueRef> found = refer(result, program.steps.size());
    if (failed(found))
      return failure();
    program.results.push_back(*found);
  }
  for (auto [local, step] : llvm::enumerate(lastUse))
    if (step < program.steps.size())
      program.steps[step].done.push_back(local);
  statistics.operations += program.steps.size();
  return success();
}

LogicalResult CompiledModule::Impl::compileObjects(const CompileOptions &options) {
  auto target = PieceCompiler::detectTarget(options);
  if (!target)
    return fail(loc, llvm::toString(target.takeError()));
  const std::string fingerprint = PieceCompiler::fingerprint(*target, options);
  const ObjectCache cache(options.cacheFolder, options.cacheBytes);
  std::vector<Object *> missing;
  for (Object &object : objects) {
    llvm::SHA256 digest;
    digest.update(fingerprint);
    digest.update(StringRef("\0", 1));
    digest.update(object.bytecode);
    object.symbol = "piece_" + llvm::toHex(digest.final(), /*LowerCase=*/true);
    if (!(object.code = cache.load(object.symbol)))
      missing.push_back(&object);
  }

  std::atomic<size_t> next = 0;
  auto work = [&] {
    PieceCompiler compiler(*target, options);
    for (size_t i = next++; i < missing.size(); i = next++) {
      auto code = compiler.compile(missing[i]->bytecode, missing[i]->symbol);
      if (!code) {
        missing[i]->problem = llvm::toString(code.takeError());
        continue;
      }
      missing[i]->code = std::move(*code);
      cache.store(missing[i]->symbol, missing[i]->code->getBuffer());
    }
  };
  llvm::ThreadPoolStrategy strategy = llvm::hardware_concurrency(options.threads);
  const size_t workers = std::min<size_t>(strategy.compute_thread_count(), missing.size());
  if (workers > 1) {
    llvm::DefaultThreadPool pool(strategy);
    for (size_t i = 0; i < workers; ++i)
      pool.async(work);
    pool.wait();
  } else if (workers == 1) {
    work();
  }
  for (const Object *object : missing)
    if (!object->code)
      return fail(object->loc, "'" + object->operation + "': " + object->problem);
  if (!missing.empty())
    cache.trim();
  statistics.objects = objects.size();
  statistics.compiled = missing.size();
  return link(*target);
}

LogicalResult CompiledModule::Impl::link(const llvm::orc::JITTargetMachineBuilder &target) {
  auto created = llvm::orc::LLJITBuilder()
                     .setJITTargetMachineBuilder(target)
                     .setPlatformSetUp(llvm::orc::setUpInactivePlatform) // objects have no constructors
                     .create();
  if (!created)
    return fail(loc, llvm::toString(created.takeError()));
  jit = std::move(*created);
  for (Object &object : objects)
    if (llvm::Error error = jit->addObjectFile(std::move(object.code)))
      return fail(object.loc, llvm::toString(std::move(error)));
  for (const Object &object : objects) {
    auto address = jit->lookup(object.symbol);
    if (!address)
      return fail(object.loc, llvm::toString(address.takeError()));
    entries.push_back(address->toPtr<Entry>());
  }
  return success();
}

FailureOr<std::unique_ptr<CompiledModule>> CompiledModule::compile(ModuleOp module, const CompileOptions &options) {
  auto impl = std::make_unique<Impl>(module.getLoc());
  if (failed(readSignatures(module, impl->signatures)))
    return failure();

  // Inlining runs in a context of its own, so that callers need neither its dialects nor its threads' leave.
  std::unique_ptr<MLIRContext> own;
  OwningOpRef<ModuleOp> inlined;
  if (module.walk([](func::CallOp) { return WalkResult::interrupt(); }).wasInterrupted()) {
    DialectRegistry registry;
    registerLoweringDialects(registry);
    own = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
    own->allowUnregisteredDialects();
    FailureOr<OwningOpRef<ModuleOp>> copy = inlineHelpers(module, *own);
    if (failed(copy))
      return failure();
    inlined = std::move(*copy);
  }
  ModuleOp source = inlined ? *inlined : module;
  impl->context = source.getContext();
  for (auto function : source.getOps<func::FuncOp>())
    if (function.isPublic() && failed(impl->readFunction(function)))
      return failure();
  if (failed(impl->compileObjects(options)))
    return failure();
  impl->context = nullptr;
  impl->constantIndices.clear();
  impl->objectIndices.clear();
  impl->objects.clear();
  return std::unique_ptr<CompiledModule>(new CompiledModule(std::move(impl)));
}

CompiledModule::CompiledModule(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
CompiledModule::~CompiledModule() = default;

const CompileStatistics &CompiledModule::statistics() const { return impl->statistics; }

const Signature *CompiledModule::signature(StringRef function) const {
  auto it = impl->signatures.find(function);
  return it == impl->signatures.end() ? nullptr : &it->getValue();
}

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

  const Program &program = impl->programs.find(function)->getValue();
  std::vector<Tensor> locals(program.locals.size());
  // Pieces read their inputs and never write there.
  auto elements = [&](const ValueRef &value) -> const Tensor & {
    switch (value.kind) {
    case ValueRef::Input:
      return inputs[value.index];
    case ValueRef::Constant:
      return impl->constants[value.index];
    case ValueRef::Local:
      return locals[value.index];
    }
    llvm_unreachable("kind of value");
  };
  std::vector<void *> arguments;
  for (const Step &step : program.steps) {
    arguments.clear();
    for (const ValueRef &input : step.inputs)
      arguments.push_back(const_cast<uint8_t *>(elements(input).bytes.data()));
    for (size_t output : step.outputs) {
      locals[output] = Tensor(program.locals[output]);
      arguments.push_back(locals[output].bytes.data());
    }
    impl->entries[step.object](arguments.data());
    for (size_t local : step.done)
      locals[local] = Tensor();
  }

  std::vector<Tensor> results;
  for (const ValueRef &value : program.results)
    results.push_back(elements(value));
  // Of an i48 the compiled code writes six bytes.
  for (Tensor &result : results)
    if (result.type.element == ElementType::I48)
      for (int64_t &value : result.as<int64_t>())
        value = static_cast<int64_t>(static_cast<uint64_t>(value) << 16) >> 16;
  return results;
}

} // namespace sparseaccel::cpu
