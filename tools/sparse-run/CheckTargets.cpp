//===- CheckTargets.cpp - What of a program is compared, from what --------===//

#include "CheckTargets.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "llvm/ADT/SetVector.h"

#include <optional>

using namespace mlir;

namespace sparseaccel::run {

namespace {

bool isContraction(const isa::HostOp &op) { return op.kind == isa::HostKind::Conv || op.kind == isa::HostKind::MatMul; }

/// Whether an operator's bits depend on the host's library. Conversions and moves are exact, and so is what only picks
/// among its operands; integers are exact anyway.
bool isInexact(const isa::Program &program, const isa::HostOp &op) {
  if (program.tensors[op.outputs.front()].type != isa::ElementType::F32)
    return false;
  switch (op.kind) {
  case isa::HostKind::Dequantize:
  case isa::HostKind::Transpose:
  case isa::HostKind::Reshape:
  case isa::HostKind::Slice:
  case isa::HostKind::Pad:
  case isa::HostKind::Concat:
  case isa::HostKind::Reverse:
  case isa::HostKind::Tile:
  case isa::HostKind::Gather:
  case isa::HostKind::Select:
  case isa::HostKind::Clamp:
  case isa::HostKind::MaxPool:
    return false;
  default:
    return true;
  }
}

/// Who writes which elements of the tensors in DRAM, and who reads them.
class Writers {
public:
  explicit Writers(const isa::Program &program);

  const std::set<uint32_t> &layersOf(uint32_t tensor) const;
  /// Accelerated layers that store elements of the place.
  std::set<uint32_t> layersOf(const Place &place);
  const isa::HostOp *hostOp(uint32_t tensor) const { return host.lookup(tensor); }
  /// Tensors that are written from this one.
  std::set<uint32_t> derived(uint32_t tensor) const;
  /// Tensors that the accelerator stores.
  std::vector<uint32_t> stored() const;
  bool isStored(uint32_t tensor) const { return layers.count(tensor) != 0; }

private:
  const isa::Program &program;
  std::map<uint32_t, std::set<uint32_t>> layers; ///< By tensor.
  llvm::DenseMap<uint32_t, const isa::HostOp *> host;
  std::map<uint32_t, std::vector<uint32_t>> owners; ///< By tensor, where several layers store: the layer by element.
};

Writers::Writers(const isa::Program &program) : program(program) {
  for (const isa::Instruction &instruction : program.instructions)
    if (const auto *store = std::get_if<isa::Store>(&instruction))
      layers[store->src.tensor].insert(store->layer);
  for (const isa::HostOp &op : program.hostOps)
    for (uint32_t output : op.outputs)
      host[output] = &op;
}

const std::set<uint32_t> &Writers::layersOf(uint32_t tensor) const {
  static const std::set<uint32_t> none;
  auto found = layers.find(tensor);
  return found == layers.end() ? none : found->second;
}

std::set<uint32_t> Writers::layersOf(const Place &place) {
  const std::set<uint32_t> &all = layersOf(place.tensor);
  if (all.size() <= 1)
    return all;
  const isa::Tensor &tensor = program.tensors[place.tensor];
  constexpr uint32_t nobody = ~0u;
  std::vector<uint32_t> &owner = owners[place.tensor];
  if (owner.empty()) {
    owner.assign(tensor.elements(), nobody);
    for (const isa::Instruction &instruction : program.instructions) {
      const auto *store = std::get_if<isa::Store>(&instruction);
      if (!store || store->src.tensor != place.tensor)
        continue;
      // Boxes of the buffers have four ranks, of which the tensor has the first.
      isa::Coord shape = {1, 1, 1, 1}, at = {0, 0, 0, 0};
      std::copy(tensor.shape.begin(), tensor.shape.end(), shape.begin());
      const isa::Coord &origin = store->src.origin, &extent = store->src.extent;
      for (at[0] = 0; at[0] < extent[0]; ++at[0])
        for (at[1] = 0; at[1] < extent[1]; ++at[1])
          for (at[2] = 0; at[2] < extent[2]; ++at[2]) {
            uint64_t first = 0;
            for (unsigned rank = 0; rank < 4; ++rank)
              first = first * shape[rank] + origin[rank] + (rank < 3 ? at[rank] : 0);
            std::fill_n(owner.begin() + static_cast<std::ptrdiff_t>(first), extent[3], store->layer);
          }
    }
  }
  std::set<uint32_t> found;
  for (const Run &run : place.runs)
    for (int64_t i = 0; i < run.count; ++i)
      if (uint32_t layer = owner[run.first + i]; layer != nobody)
        found.insert(layer);
  return found;
}

std::set<uint32_t> Writers::derived(uint32_t tensor) const {
  std::set<uint32_t> result;
  for (const isa::HostOp &op : program.hostOps)
    if (llvm::is_contained(op.inputs, tensor))
      result.insert(op.outputs.begin(), op.outputs.end());
  for (const auto &[stored, by] : layers)
    for (uint32_t layer : by)
      if (llvm::is_contained(program.layers[layer].inputs, tensor))
        result.insert(stored);
  result.erase(tensor);
  return result;
}

std::vector<uint32_t> Writers::stored() const {
  std::vector<uint32_t> tensors;
  for (const auto &[tensor, by] : layers)
    tensors.push_back(tensor);
  return tensors;
}

class Finder {
public:
  Finder(func::FuncOp main, const isa::Program &program)
      : main(main), program(program), places(main, program), writers(program) {}
  FailureOr<Targets> find();

private:
  bool isInexactTensor(uint32_t tensor) const {
    const isa::HostOp *op = writers.hostOp(tensor);
    return op && isInexact(program, *op);
  }
  /// Whether a value's simulated elements are taken for given where others are computed: the accelerator, a float
  /// operator or a contraction of the host computed them, each of which is compared or cannot be, or the program was
  /// given them.
  bool isGiven(Value value);
  LogicalResult add(Value value, Place place, std::set<uint32_t> layers);
  /// The same for a value that several layers may have written, part by part.
  LogicalResult addParts(Value value, const Place &place);
  LogicalResult addStored();
  LogicalResult addContractions();
  LogicalResult addOutputs();
  /// Layers whose tensor is no value of the module are covered by what follows from it.
  LogicalResult cover(uint32_t tensor, std::set<uint32_t> layers, const std::string &hostOp);

  func::FuncOp main;
  const isa::Program &program;
  Places places;
  Writers writers;
  Targets targets;
  struct Unknown {
    uint32_t tensor;
    std::set<uint32_t> layers;
    std::string hostOp;
  };
  std::vector<Unknown> unknown;
};

bool Finder::isGiven(Value value) {
  const Place *place = places.find(value);
  if (!place)
    return false;
  if (const isa::HostOp *op = writers.hostOp(place->tensor))
    return isContraction(*op) || isInexact(program, *op);
  return writers.isStored(place->tensor) || llvm::is_contained(program.inputs, place->tensor);
}

LogicalResult Finder::add(Value value, Place place, std::set<uint32_t> layers) {
  Target target;
  target.value = value;
  target.layers = std::move(layers);
  llvm::SetVector<Value> inputs;
  llvm::DenseSet<Operation *> seen;
  SmallVector<Operation *> pending{value.getDefiningOp()};
  target.moved = true;
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val();
    if (!seen.insert(op).second)
      continue;
    target.moved &= op->getNumOperands() == 0 || llvm::isa<tosa::ReshapeOp>(op);
    for (Value operand : op->getOperands()) {
      // What lies where the target does is the target by another name.
      if (isGiven(operand) && !places.find(operand)->overlaps(place)) {
        inputs.insert(operand);
      } else if (Operation *producer = operand.getDefiningOp()) {
        pending.push_back(producer);
      } else {
        unsigned number = cast<BlockArgument>(operand).getArgNumber();
        return emitError(value.getLoc())
               << "cannot be checked: it follows from argument " << number
               << " of the quantised model, whose shape or type is not that of the program's input"
               << (number < program.inputs.size() ? " '" + program.tensors[program.inputs[number]].name + "'" : "");
      }
    }
  }
  auto order = [](Value a, Value b) {
    auto left = dyn_cast<BlockArgument>(a), right = dyn_cast<BlockArgument>(b);
    if (left || right)
      return left && (!right || left.getArgNumber() < right.getArgNumber());
    return a.getDefiningOp() != b.getDefiningOp() && a.getDefiningOp()->isBeforeInBlock(b.getDefiningOp());
  };
  target.inputs.assign(inputs.begin(), inputs.end());
  llvm::stable_sort(target.inputs, order);
  for (Value input : target.inputs)
    target.inputPlaces.push_back(*places.find(input));
  target.moved &= target.inputs.size() == 1;
  target.place = std::move(place);
  targets.list.push_back(std::move(target));
  return success();
}

LogicalResult Finder::addParts(Value value, const Place &place) {
  Operation *op = value.getDefiningOp();
  std::vector<std::vector<Run>> parts = partsOfConcatenation(op);
  std::set<uint32_t> layers = writers.layersOf(place);
  bool apart = !parts.empty() && layers.size() > 1;
  for (auto [operand, part] : llvm::zip(op->getOperands(), parts))
    if (const Place *own = places.find(operand); own && *own != place.part(part))
      apart = true; // Computed elsewhere, and copied.
  if (!apart)
    return add(value, place, std::move(layers));
  for (auto [operand, part] : llvm::zip_first(op->getOperands().take_front(parts.size()), parts)) {
    Place there = place.part(part);
    const Place *own = places.find(operand);
    if (operand.getDefiningOp() && (!own || *own == there)) {
      if (failed(addParts(operand, there)))
        return failure();
    } else if (isGiven(operand) && !own->overlaps(there)) {
      Target copy;
      copy.value = operand;
      copy.layers = writers.layersOf(there);
      copy.place = std::move(there);
      copy.inputs = {operand};
      copy.inputPlaces = {*own};
      copy.moved = true;
      targets.list.push_back(std::move(copy));
    } else if (!operand.getDefiningOp()) {
      return emitError(value.getLoc()) << "cannot be checked: it holds argument "
                                       << cast<BlockArgument>(operand).getArgNumber()
                                       << " of the quantised model, which is not the program's input";
    } else if (std::set<uint32_t> by = writers.layersOf(there); failed(add(operand, std::move(there), std::move(by)))) {
      return failure();
    }
  }
  return success();
}

LogicalResult Finder::addStored() {
  for (uint32_t tensor : writers.stored()) {
    Value value = places.valueOf(tensor);
    if (value && value.getDefiningOp()) {
      if (failed(addParts(value, *places.find(value))))
        return failure();
    } else {
      unknown.push_back({tensor, writers.layersOf(tensor), ""});
    }
  }
  return success();
}

LogicalResult Finder::addContractions() {
  for (const isa::HostOp &op : program.hostOps) {
    if (!isContraction(op) || isInexact(program, op))
      continue;
    uint32_t tensor = op.outputs.front();
    Value value = places.valueOf(tensor);
    if (!value) {
      unknown.push_back({tensor, {}, op.name});
      continue;
    }
    if (failed(add(value, *places.find(value), {})))
      return failure();
    targets.list.back().hostOp = op.name;
  }
  return success();
}

LogicalResult Finder::addOutputs() {
  std::set<uint32_t> done;
  for (auto [value, tensor] : llvm::zip(main.front().getTerminator()->getOperands(), program.outputs)) {
    // What is left out is given, or stored or a contraction and so compared above, or no result of exact work.
    if (!done.insert(tensor).second || !writers.hostOp(tensor) || isInexactTensor(tensor) ||
        isContraction(*writers.hostOp(tensor)))
      continue;
    // An output that is another tensor as well, an input say, is a copy of it.
    uint32_t source = tensor;
    for (const isa::HostOp *op = writers.hostOp(source); op && op->kind == isa::HostKind::Reshape;
         op = writers.hostOp(source))
      source = op->inputs.front();
    const Place *place = places.find(value);
    if (source != tensor && place && place->tensor == source)
      continue;
    if (places.valueOf(tensor) != value && !(place && place->tensor == tensor)) {
      targets.notCompared.push_back("output '" + program.tensors[tensor].name +
                                    "' is not compared: its shape or type is not that of the quantised model's");
      continue;
    }
    if (llvm::any_of(targets.list, [&](const Target &target) { return target.place.tensor == tensor; }))
      continue;
    if (failed(add(value, *places.find(value), {})))
      return failure();
    targets.list.back().output = program.tensors[tensor].name;
  }
  return success();
}

LogicalResult Finder::cover(uint32_t tensor, std::set<uint32_t> layers, const std::string &hostOp) {
  std::set<uint32_t> seen = {tensor};
  std::vector<uint32_t> pending = {tensor};
  bool covered = false;
  while (!pending.empty()) {
    uint32_t from = pending.back();
    pending.pop_back();
    for (uint32_t to : writers.derived(from)) {
      if (!seen.insert(to).second || isInexactTensor(to))
        continue;
      Value value = places.valueOf(to);
      if (!value) {
        pending.push_back(to);
        continue;
      }
      // Any of the comparisons of that tensor that a reader of this one made; a host operator's result is one whole.
      Target *target = nullptr;
      for (Target &other : targets.list)
        if (other.place.tensor == to && (other.layers.empty() || llvm::any_of(other.layers, [&](uint32_t layer) {
                                           return llvm::is_contained(program.layers[layer].inputs, from);
                                         }))) {
          target = &other;
          break;
        }
      if (!target) {
        if (failed(add(value, *places.find(value), {})))
          return failure();
        target = &targets.list.back();
      }
      target->layers.insert(layers.begin(), layers.end());
      if (target->hostOp.empty())
        target->hostOp = hostOp;
      covered = true;
    }
  }
  if (covered)
    return success();
  for (uint32_t layer : layers)
    targets.notCompared.push_back("layer '" + program.layers[layer].name +
                                  "' is not compared: no value of the quantised model holds its tensor '" +
                                  program.tensors[tensor].name + "', and none that is compared follows from it");
  if (!hostOp.empty())
    targets.notCompared.push_back("host operator '" + hostOp +
                                  "' is not compared: no value of the quantised model holds its tensor '" +
                                  program.tensors[tensor].name + "', and none that is compared follows from it");
  return success();
}

FailureOr<Targets> Finder::find() {
  targets.exact = llvm::none_of(program.hostOps, [&](const isa::HostOp &op) { return isInexact(program, op); });
  if (failed(addStored()) || failed(addContractions()) || failed(addOutputs()))
    return failure();
  // Last, as it extends what is there.
  for (const Unknown &entry : unknown)
    if (failed(cover(entry.tensor, entry.layers, entry.hostOp)))
      return failure();
  return std::move(targets);
}

} // namespace

FailureOr<Targets> findTargets(func::FuncOp main, const isa::Program &program) { return Finder(main, program).find(); }

} // namespace sparseaccel::run
