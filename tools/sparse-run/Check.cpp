//===- Check.cpp - Simulated values against upstream's arithmetic ---------===//

#include "Check.h"
#include "CheckTargets.h"

#include "SparseAccel/Support/Stages.h"
#include "SparseAccel/Target/CPU/Oracle.h"

#include "llvm/Support/FormatVariadic.h"

#include <atomic>
#include <cstring>
#include <thread>

using namespace mlir;

namespace sparseaccel::run {

namespace {

using Element = cpu::ElementType;

Element elementOf(isa::ElementType type) {
  switch (type) {
  case isa::ElementType::I8:
    return Element::I8;
  case isa::ElementType::I16:
    return Element::I16;
  case isa::ElementType::I32:
    return Element::I32;
  case isa::ElementType::I48:
    return Element::I48;
  case isa::ElementType::F32:
    return Element::F32;
  case isa::ElementType::I64:
    return Element::I64;
  }
  llvm_unreachable("element type");
}

/// A value's elements as the simulator left them, in the value's own shape.
FailureOr<cpu::Tensor> simulatedValue(Value value, const Place &place, const isa::Program &program,
                                      const TensorValues &values) {
  FailureOr<std::vector<uint8_t>> bytes = gather(place, program, values);
  if (failed(bytes))
    return emitError(value.getLoc()) << "tensor '" << program.tensors[place.tensor].name
                                     << "' was not observed: the program did not write it";
  cpu::Tensor tensor;
  auto type = cast<RankedTensorType>(value.getType());
  tensor.type.element =
      type.getElementType().isInteger(1) ? Element::I1 : elementOf(program.tensors[place.tensor].type);
  tensor.type.shape.assign(type.getShape().begin(), type.getShape().end());
  tensor.bytes = std::move(*bytes);
  return tensor;
}

std::string elementAt(const cpu::Tensor &tensor, size_t index) {
  switch (tensor.type.element) {
  case Element::I1:
  case Element::I8:
    return std::to_string(tensor.as<int8_t>()[index]);
  case Element::I16:
    return std::to_string(tensor.as<int16_t>()[index]);
  case Element::I32:
    return std::to_string(tensor.as<int32_t>()[index]);
  case Element::I48:
  case Element::I64:
    return std::to_string(tensor.as<int64_t>()[index]);
  case Element::F32:
    return llvm::formatv("{0}", tensor.as<float>()[index]).str();
  }
  llvm_unreachable("element type");
}

/// Adds a line where the two differ.
void compare(llvm::StringRef what, const cpu::Tensor &expected, const cpu::Tensor &simulated,
             std::vector<std::string> &mismatches) {
  if (expected.type.element != simulated.type.element || expected.bytes.size() != simulated.bytes.size()) {
    mismatches.push_back(
        llvm::formatv("{0}: expected {1}, simulated {2}", what, expected.type.str(), simulated.type.str()).str());
    return;
  }
  if (expected.bytes == simulated.bytes)
    return;
  unsigned size = cpu::byteSize(expected.type.element);
  size_t count = expected.bytes.size() / size, different = 0, first = 0;
  for (size_t i = 0; i < count; ++i)
    if (std::memcmp(&expected.bytes[i * size], &simulated.bytes[i * size], size) != 0 && different++ == 0)
      first = i;
  mismatches.push_back(llvm::formatv("{0}: {1} of {2} elements differ, the first at {3}: expected {4}, simulated {5}",
                                     what, different, count, first, elementAt(expected, first),
                                     elementAt(simulated, first))
                           .str());
}

/// Calls `work(i)` for each i below `count`, from several threads at once.
void forEachInParallel(size_t count, unsigned threads, llvm::function_ref<void(size_t)> work) {
  std::atomic<size_t> next = 0;
  auto some = [&] {
    for (size_t i; (i = next++) < count;)
      work(i);
  };
  unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> others;
  for (size_t i = 1; i < std::min<size_t>(threads ? threads : cores, count); ++i)
    others.emplace_back(some);
  some();
  for (std::thread &thread : others)
    thread.join();
}

/// What a mismatch is said of.
std::string describe(const Target &target, const isa::Program &program) {
  std::string what;
  auto add = [&](llvm::StringRef kind, llvm::StringRef name) {
    what += (what.empty() ? kind.str() + " '" : ", '") + name.str() + "'";
  };
  for (uint32_t layer : target.layers)
    add("layer", program.layers[layer].name);
  if (!target.hostOp.empty())
    what += (what.empty() ? "" : ", ") + ("host operator '" + target.hostOp + "'");
  if (!target.output.empty())
    what += (what.empty() ? "" : ", ") + ("output '" + target.output + "'");
  return what.empty() ? "tensor '" + program.tensors[target.place.tensor].name + "'" : what;
}

} // namespace

struct Checker::Impl {
  const isa::Program *program = nullptr;
  Targets targets;
  std::vector<std::string> functions;            ///< Of each target; empty where nothing is computed.
  std::unique_ptr<cpu::CompiledModule> compiled; ///< Null where all are.

  FailureOr<cpu::Tensor> expected(size_t index, const TensorValues &values) const;
};

Checker::Checker(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Checker::~Checker() = default;

FailureOr<std::unique_ptr<Checker>> Checker::create(ModuleOp quantised, const isa::Program &program,
                                                      unsigned threads) {
  auto impl = std::make_unique<Impl>();
  impl->program = &program;
  FailureOr<func::FuncOp> main = cpu::mainFunction(quantised);
  if (failed(main))
    return failure();
  FailureOr<Targets> targets = findTargets(*main, program);
  if (failed(targets))
    return failure();
  impl->targets = std::move(*targets);
  const std::vector<Target> &list = impl->targets.list;
  if (!impl->targets.exact &&
      llvm::all_of(list, [](const Target &target) { return target.layers.empty() && target.hostOp.empty(); }))
    return emitError(quantised.getLoc(), "nothing to check: no layer runs on the accelerator, and the host computes in "
                                         "floats; expected a model with integer layers, or no --check");
  std::vector<cpu::LayerSpec> specs;
  for (auto [index, target] : llvm::enumerate(list)) {
    impl->functions.push_back(target.moved ? "" : "check" + std::to_string(index));
    if (!target.moved)
      specs.push_back({impl->functions.back(), target.value, target.inputs});
  }
  if (!specs.empty()) {
    Stage stage("compile the oracle");
    FailureOr<OwningOpRef<ModuleOp>> functions = cpu::buildLayerFunctions(quantised, specs);
    if (failed(functions))
      return failure();
    cpu::CompileOptions options;
    options.threads = threads;
    FailureOr<std::unique_ptr<cpu::CompiledModule>> compiled = cpu::CompiledModule::compile(functions->get(), options);
    if (failed(compiled))
      return failure();
    impl->compiled = std::move(*compiled);
  }
  return std::unique_ptr<Checker>(new Checker(std::move(impl)));
}

FailureOr<cpu::Tensor> Checker::Impl::expected(size_t index, const TensorValues &values) const {
  const Target &target = targets.list[index];
  std::vector<cpu::Tensor> arguments;
  for (auto [input, place] : llvm::zip(target.inputs, target.inputPlaces)) {
    FailureOr<cpu::Tensor> argument = simulatedValue(input, place, *program, values);
    if (failed(argument))
      return failure();
    arguments.push_back(std::move(*argument));
  }
  if (target.moved)
    return std::move(arguments.front());
  FailureOr<std::vector<cpu::Tensor>> results = compiled->run(functions[index], arguments);
  if (failed(results))
    return failure();
  return std::move(results->front());
}

FailureOr<std::vector<CheckResult>> Checker::check(llvm::ArrayRef<TensorValues> images, unsigned threads) const {
  const std::vector<Target> &list = impl->targets.list;
  struct Comparison {
    bool failed = false;
    std::vector<std::string> mismatches;
  };
  std::vector<Comparison> comparisons(images.size() * list.size());
  forEachInParallel(comparisons.size(), threads, [&](size_t i) {
    const TensorValues &values = images[i / list.size()];
    const Target &target = list[i % list.size()];
    FailureOr<cpu::Tensor> expected = impl->expected(i % list.size(), values),
                           simulated = simulatedValue(target.value, target.place, *impl->program, values);
    comparisons[i].failed = failed(expected) || failed(simulated);
    if (!comparisons[i].failed)
      compare(describe(target, *impl->program), *expected, *simulated, comparisons[i].mismatches);
  });

  CheckResult summary;
  std::set<uint32_t> tensors, layers;
  for (const Target &target : list) {
    summary.hostContractions += !target.hostOp.empty();
    layers.insert(target.layers.begin(), target.layers.end());
    if (!target.layers.empty())
      tensors.insert(target.place.tensor);
  }
  summary.tensorsChecked = tensors.size();
  summary.layersCovered = layers.size();
  summary.wholeChecked = impl->targets.exact;
  summary.notCompared = impl->targets.notCompared;
  std::vector<CheckResult> results(images.size(), summary);
  for (auto [i, comparison] : llvm::enumerate(comparisons)) {
    if (comparison.failed)
      return failure();
    llvm::append_range(results[i / list.size()].mismatches, comparison.mismatches);
  }
  return results;
}

} // namespace sparseaccel::run
