//===- Places.cpp - Where a model's values lie in a program ---------------===//

#include "Places.h"

#include "SparseAccel/Dialect/Accel/Accel.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

#include <cstring>

using namespace mlir;

namespace sparseaccel::run {

int64_t Place::elements() const {
  int64_t count = 0;
  for (const Run &run : runs)
    count += run.count;
  return count;
}

bool Place::overlaps(const Place &other) const {
  if (tensor != other.tensor)
    return false;
  // Runs of a place need not ascend, as those of a part of a part of a value do.
  std::vector<Run> own = runs, others = other.runs;
  auto byFirst = [](const Run &a, const Run &b) { return a.first < b.first; };
  llvm::sort(own, byFirst);
  llvm::sort(others, byFirst);
  for (size_t i = 0, j = 0; i < own.size() && j < others.size();) {
    if (own[i].first + own[i].count <= others[j].first)
      ++i;
    else if (others[j].first + others[j].count <= own[i].first)
      ++j;
    else
      return true;
  }
  return false;
}

Place Place::part(ArrayRef<Run> ranges) const {
  Place result{tensor, {}};
  size_t at = 0;
  int64_t before = 0; // Elements in front of runs[at].
  for (const Run &range : ranges)
    for (int64_t done = 0; done < range.count;) {
      int64_t element = range.first + done;
      while (element >= before + runs[at].count)
        before += runs[at++].count;
      int64_t inside = element - before;
      int64_t count = std::min(range.count - done, runs[at].count - inside);
      Run next{runs[at].first + inside, count};
      if (!result.runs.empty() && result.runs.back().first + result.runs.back().count == next.first)
        result.runs.back().count += count;
      else
        result.runs.push_back(next);
      done += count;
    }
  return result;
}

std::vector<Run> partOfConcatenation(ArrayRef<int64_t> shape, unsigned axis, int64_t offset, int64_t extent) {
  int64_t outer = 1, inner = 1;
  for (auto [rank, size] : llvm::enumerate(shape)) {
    outer *= rank < axis ? size : 1;
    inner *= rank > axis ? size : 1;
  }
  std::vector<Run> runs;
  for (int64_t i = 0; i < outer; ++i)
    runs.push_back({(i * shape[axis] + offset) * inner, extent * inner});
  return runs;
}

std::vector<std::vector<Run>> partsOfConcatenation(Operation *op) {
  std::vector<std::vector<Run>> parts;
  uint32_t axis = 0;
  if (auto concat = dyn_cast<tosa::ConcatOp>(op))
    axis = concat.getAxis();
  else if (auto concat = dyn_cast<accel::ConcatOp>(op))
    axis = static_cast<uint32_t>(concat.getAxis());
  else
    return parts;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
  int64_t offset = 0;
  for (Value operand : op->getOperands()) {
    int64_t extent = cast<RankedTensorType>(operand.getType()).getDimSize(axis);
    parts.push_back(partOfConcatenation(shape, axis, offset, extent));
    offset += extent;
  }
  return parts;
}

FailureOr<std::vector<uint8_t>> gather(const Place &place, const isa::Program &program, const TensorValues &values) {
  auto observed = values.find(place.tensor);
  const isa::Tensor &tensor = program.tensors[place.tensor];
  size_t width = isa::storageBytes(tensor.type);
  if (observed == values.end() || observed->second.bytes.size() != tensor.elements() * width)
    return failure();
  std::vector<uint8_t> bytes(static_cast<size_t>(place.elements()) * width);
  uint8_t *to = bytes.data();
  for (const Run &run : place.runs) {
    std::memcpy(to, observed->second.bytes.data() + static_cast<size_t>(run.first) * width, run.count * width);
    to += run.count * width;
  }
  return bytes;
}

/// The name that a value has in the program: that of its layer, or the one that the quantised model gave it.
static StringRef nameOf(Operation &op) {
  if (auto layer = dyn_cast<accel::LayerOpInterface>(op))
    return layer.getValueName();
  auto name = op.getAttrOfType<StringAttr>("sparsity.value");
  return name ? name.getValue() : StringRef();
}

Places::Places(func::FuncOp main, const isa::Program &program) : program(program) {
  Block &block = main.front();
  observable.resize(program.tensors.size());
  for (uint32_t input : program.inputs)
    observable[input] = true;
  for (const isa::Instruction &instruction : program.instructions)
    if (const auto *store = std::get_if<isa::Store>(&instruction))
      observable[store->src.tensor] = true;
  for (const isa::HostOp &op : program.hostOps)
    for (uint32_t output : op.outputs)
      observable[output] = true;
  // Arguments and results are in the program's order; everything between goes by name.
  for (auto [argument, tensor] : llvm::zip(block.getArguments(), program.inputs))
    add(argument, tensor);
  llvm::StringMap<uint32_t> byName;
  for (auto [index, tensor] : llvm::enumerate(program.tensors))
    if (observable[index])
      byName[tensor.name] = static_cast<uint32_t>(index);
  for (Operation &op : block)
    if (op.getNumResults() == 1)
      if (auto tensor = byName.find(nameOf(op)); tensor != byName.end())
        add(op.getResult(0), tensor->second);
  for (auto [result, tensor] : llvm::zip(block.getTerminator()->getOperands(), program.outputs))
    add(result, tensor);
  for (bool more = true; more;) {
    more = false;
    for (Operation &op : llvm::reverse(block))
      more |= spread(op);
    for (Operation &op : block)
      more |= spread(op);
  }
}

const Place *Places::find(Value value) const {
  auto place = places.find(value);
  return place == places.end() ? nullptr : &place->second;
}

bool Places::fits(Value value, const isa::Tensor &tensor) const {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape() || static_cast<uint64_t>(type.getNumElements()) != tensor.elements())
    return false;
  Type element = type.getElementType();
  switch (tensor.type) {
  case isa::ElementType::I8: // Truth values are bytes, too.
    return element.isInteger(8) || element.isInteger(1);
  case isa::ElementType::I16:
    return element.isInteger(16);
  case isa::ElementType::I32:
    return element.isInteger(32);
  case isa::ElementType::I48:
    return element.isInteger(48);
  case isa::ElementType::I64:
    return element.isInteger(64);
  case isa::ElementType::F32:
    return element.isF32();
  }
  llvm_unreachable("element type");
}

void Places::add(Value value, uint32_t tensor) {
  if (places.contains(value) || !observable[tensor] || !fits(value, program.tensors[tensor]))
    return;
  places[value] = {tensor, {{0, static_cast<int64_t>(program.tensors[tensor].elements())}}};
  values.try_emplace(tensor, value);
}

bool Places::spread(Operation &op) {
  auto give = [&](Value value, const Place &place) { return places.try_emplace(value, place).second; };
  if (llvm::isa<tosa::ReshapeOp, accel::ReshapeOp>(op)) {
    // Copies: a new entry may move the old ones.
    if (auto from = places.find(op.getOperand(0)); from != places.end())
      return give(op.getResult(0), Place(from->second));
    if (auto to = places.find(op.getResult(0)); to != places.end())
      return give(op.getOperand(0), Place(to->second));
    return false;
  }
  bool gave = false;
  if (op.getNumResults() == 1 && places.contains(op.getResult(0)))
    for (auto [operand, part] : llvm::zip(op.getOperands(), partsOfConcatenation(&op)))
      if (!places.contains(operand))
        gave |= give(operand, places.find(op.getResult(0))->second.part(part));
  return gave;
}

} // namespace sparseaccel::run
