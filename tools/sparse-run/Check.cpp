//===- Check.cpp - Simulated values against upstream's arithmetic ---------===//

#include "Check.h"

#include "SparseAccel/Target/CPU/Oracle.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

#include <cstring>
#include <set>

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

cpu::Tensor toTensor(const sim::TensorData &data) {
  cpu::Tensor tensor;
  tensor.type.element = elementOf(data.type);
  tensor.type.shape.assign(data.shape.begin(), data.shape.end());
  tensor.bytes = data.bytes;
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

/// A tensor that the accelerator wrote, or a contraction on the host, and what it was computed from.
struct Target {
  uint32_t tensor = 0;
  std::vector<uint32_t> inputs;
  std::set<uint32_t> layers; ///< Empty on the host.
  std::string hostOp;
  std::string function;
};

/// Host operators that only move elements.
bool moves(isa::HostKind kind) { return kind == isa::HostKind::Transpose || kind == isa::HostKind::Reshape; }

/// Layers by the tensors that their stores write: several layers may fill one tensor (a concatenation that is never
/// copied). A tensor that the quantised model does not know, as its elements lie in another order there, is given by
/// what it was moved from, or compared where it was moved to.
class Targets {
public:
  Targets(const isa::Program &program, const llvm::StringMap<Value> &known) : program(program), known(known) {}

  std::vector<Target> find() {
    std::map<uint32_t, Target> targets;
    for (const isa::Instruction &instruction : program.instructions) {
      const auto *store = std::get_if<isa::Store>(&instruction);
      if (!store)
        continue;
      Target &target = targets[store->src.tensor];
      target.tensor = movedTo(store->src.tensor);
      if (!target.layers.insert(store->layer).second)
        continue;
      for (uint32_t input : program.layers[store->layer].inputs)
        addInput(target, input);
    }
    for (const isa::HostOp &op : program.hostOps) {
      if (op.kind != isa::HostKind::Conv || program.tensors[op.outputs.front()].type == isa::ElementType::F32)
        continue;
      Target &target = targets[op.outputs.front()];
      target.tensor = movedTo(op.outputs.front());
      target.hostOp = op.name;
      for (uint32_t input : op.inputs)
        if (program.tensors[input].role != isa::TensorRole::Constant)
          addInput(target, input);
    }
    std::vector<Target> list;
    for (auto &[tensor, target] : targets) {
      target.function = "check" + std::to_string(tensor);
      list.push_back(std::move(target));
    }
    return list;
  }

private:
  bool isKnown(uint32_t tensor) const { return known.contains(program.tensors[tensor].name); }

  void addInput(Target &target, uint32_t tensor) const {
    if (!isKnown(tensor))
      for (const isa::HostOp &op : program.hostOps)
        if (moves(op.kind) && op.outputs.front() == tensor)
          return addInput(target, op.inputs.front());
    if (!llvm::is_contained(target.inputs, tensor))
      target.inputs.push_back(tensor);
  }

  uint32_t movedTo(uint32_t tensor) const {
    if (!isKnown(tensor))
      for (const isa::HostOp &op : program.hostOps)
        if (moves(op.kind) && op.inputs.front() == tensor)
          return movedTo(op.outputs.front());
    return tensor;
  }

  const isa::Program &program;
  const llvm::StringMap<Value> &known;
};

} // namespace

bool isFloatHostLayer(const isa::Program &program, const isa::Layer &layer) {
  if (!layer.onHost || layer.output < 0)
    return false;
  if (program.tensors[layer.output].type != isa::ElementType::F32)
    return false;
  // Conversions and moves are exact; so is what only picks among its operands.
  static const std::set<std::string> kExact = {"dequantize", "transpose", "reshape", "slice",    "pad",   "concat",
                                               "reverse",    "tile",      "gather",  "max_pool", "clamp", "select"};
  return kExact.count(layer.kind) == 0;
}

struct Checker::Impl {
  const isa::Program *program = nullptr;
  std::vector<Target> targets;
  std::unique_ptr<cpu::CompiledModule> layers;
  std::unique_ptr<cpu::CompiledModule> whole; ///< Null where a float operator runs on the host.
};

Checker::Checker(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Checker::~Checker() = default;

FailureOr<std::unique_ptr<Checker>> Checker::create(ModuleOp quantised, const isa::Program &program) {
  auto impl = std::make_unique<Impl>();
  impl->program = &program;
  FailureOr<func::FuncOp> main = cpu::mainFunction(quantised);
  if (failed(main))
    return failure();
  impl->targets = Targets(program, cpu::namedValues(*main)).find();

  std::vector<cpu::LayerSpec> specs;
  for (const Target &target : impl->targets) {
    cpu::LayerSpec spec{target.function, program.tensors[target.tensor].name, {}};
    for (uint32_t input : target.inputs)
      spec.inputs.push_back(program.tensors[input].name);
    specs.push_back(std::move(spec));
  }
  bool exactThroughout =
      llvm::none_of(program.layers, [&](const isa::Layer &layer) { return isFloatHostLayer(program, layer); });
  if (specs.empty() && !exactThroughout)
    return emitError(quantised.getLoc(), "nothing to check: no layer runs on the accelerator, and the host computes in "
                                         "floats; expected a model with integer layers, or no --check");
  if (!specs.empty()) {
    FailureOr<OwningOpRef<ModuleOp>> functions = cpu::buildLayerFunctions(quantised, specs);
    if (failed(functions))
      return failure();
    FailureOr<std::unique_ptr<cpu::CompiledModule>> layers = cpu::CompiledModule::compile(functions->get());
    if (failed(layers))
      return failure();
    impl->layers = std::move(*layers);
  }
  if (exactThroughout) {
    FailureOr<std::unique_ptr<cpu::CompiledModule>> whole = cpu::CompiledModule::compile(quantised);
    if (failed(whole))
      return failure();
    impl->whole = std::move(*whole);
  }
  return std::unique_ptr<Checker>(new Checker(std::move(impl)));
}

FailureOr<CheckResult> Checker::check(const TensorValues &values, const std::vector<cpu::Tensor> &inputs) const {
  const isa::Program &program = *impl->program;
  CheckResult result;
  for (const Target &target : impl->targets) {
    const cpu::Signature *signature = impl->layers->signature(target.function);
    std::vector<cpu::Tensor> arguments;
    for (auto [index, input] : llvm::enumerate(target.inputs)) {
      cpu::Tensor argument = toTensor(values.at(input));
      // Views of one tensor may differ in shape, never in elements.
      if (signature && index < signature->inputs.size() &&
          signature->inputs[index].elements() == argument.type.elements())
        argument.type.shape = signature->inputs[index].shape;
      arguments.push_back(std::move(argument));
    }
    FailureOr<std::vector<cpu::Tensor>> expected = impl->layers->run(target.function, arguments);
    if (failed(expected))
      return failure();
    std::string what = target.hostOp.empty() ? "" : "host operator '" + target.hostOp + "'";
    for (uint32_t layer : target.layers)
      what += (what.empty() ? "layer '" : ", '") + program.layers[layer].name + "'";
    compare(what, expected->front(), toTensor(values.at(target.tensor)), result.mismatches);
    result.hostContractions += !target.hostOp.empty();
    result.tensorsChecked += target.hostOp.empty();
    result.layersCovered += target.layers.size();
  }
  if (!impl->whole)
    return result;
  FailureOr<std::vector<cpu::Tensor>> whole = impl->whole->run("main", inputs);
  if (failed(whole))
    return failure();
  result.wholeChecked = true;
  for (auto [index, expected] : llvm::enumerate(*whole)) {
    uint32_t output = program.outputs[index];
    compare("output '" + program.tensors[output].name + "'", expected, toTensor(values.at(output)), result.mismatches);
  }
  return result;
}

} // namespace sparseaccel::run
