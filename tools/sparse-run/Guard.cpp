//===- Guard.cpp - Which layers lose the float model ----------------------===//

#include "Guard.h"

#include "Places.h"

#include "SparseAccel/Target/CPU/Oracle.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>
#include <set>

using namespace mlir;
namespace cl = llvm::cl;

namespace sparseaccel::run {

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

GuardOptions::GuardOptions(cl::OptionCategory &category)
    : off("no-guard", cl::desc("Do not compare layers with the float model"), cl::cat(category)),
      images("guard-images", cl::desc("Inputs whose layers are compared with the float model (default 4, 0: all)"),
             cl::value_desc("N"), cl::init(4), cl::cat(category)),
      leastSnr("guard-snr",
               cl::desc("Warn of layers with a lower signal-to-noise ratio (default: 40 in int16, 20 in int8)"),
               cl::value_desc("dB"), cl::init(0), cl::cat(category)),
      mostSaturated("guard-saturation",
                    cl::desc("Warn of layers where more percent of the values saturate (default 0.1, and what "
                             "--calibration percentile=P leaves out)"),
                    cl::value_desc("percent"), cl::init(0.1), cl::cat(category)),
      maxError("max-error",
               cl::desc("Fail where the rms error of an output against the float model is more than X of its range"),
               cl::value_desc("X"), cl::init(0), cl::cat(category)) {}

std::string GuardOptions::problem(bool workload) const {
  const cl::Option *all[] = {&off, &images, &leastSnr, &mostSaturated, &maxError};
  for (const cl::Option *option : all)
    if (workload && option->getNumOccurrences())
      return "--" + option->ArgStr.str() + " is about the float model; a workload has none";
  for (const cl::Option *option : llvm::ArrayRef(all).slice(1, 3))
    if (off && option->getNumOccurrences())
      return "--" + option->ArgStr.str() + " does not go with --no-guard";
  if (leastSnr.getNumOccurrences() && !std::isfinite(leastSnr))
    return "--guard-snr: expected a number of dB";
  if (!(mostSaturated >= 0 && mostSaturated <= 100))
    return "--guard-saturation: expected percent, a number from 0 to 100";
  if (maxError.getNumOccurrences() && !(maxError >= 0 && std::isfinite(maxError)))
    return "--max-error: expected a share of the output's range, a number of at least 0";
  return "";
}

size_t GuardOptions::imagesOf(size_t inputs) const {
  if (off)
    return 0;
  return images == 0 ? inputs : std::min<size_t>(images, inputs);
}

sim::GuardLimits GuardOptions::limits(StringRef numerics, StringRef calibration) const {
  sim::GuardLimits limits;
  limits.leastSnrDb = leastSnr.getNumOccurrences() ? leastSnr : numerics == "int8" ? 20.0 : 40.0;
  double percent = 100;
  if (calibration.consume_front("percentile=") && calibration.getAsDouble(percent))
    percent = 100; // sparse-quantize refuses it
  limits.mostSaturated = (mostSaturated + (100 - percent)) / 100;
  return limits;
}

//===----------------------------------------------------------------------===//
// What is compared
//===----------------------------------------------------------------------===//

namespace {

/// A value in memory and the float value that it stands for.
struct Pair {
  Value real;
  Place place;
};

/// Finds the pairs of a program, in the order of the quantised module.
class Pairs {
public:
  Pairs(const Source &source, const isa::Program &program, func::FuncOp main)
      : origins(source.origins), program(program), main(main), places(main, program) {}

  void find(std::vector<Pair> &pairs, std::vector<sim::GuardLayer> &layers);

private:
  void findWriters();
  void add(Value value, StringRef name, const Place &place);
  std::vector<uint32_t> inputsOf(Value value, SmallVectorImpl<Operation *> &between) const;
  sim::GuardKind kindOf(Value value, ArrayRef<Operation *> between) const;
  std::string layerName(Value value, uint32_t tensor) const;

  const Origins &origins;
  const isa::Program &program;
  func::FuncOp main;
  Places places;
  std::vector<std::vector<uint32_t>> writers; ///< Layers, by tensor.
  DenseMap<Value, uint32_t> indices;          ///< Of values that are compared.
  std::vector<Pair> *pairs = nullptr;
  std::vector<sim::GuardLayer> *layers = nullptr;
};

std::string valueName(Value value) {
  Operation *op = value.getDefiningOp();
  auto name = op ? op->getAttrOfType<StringAttr>("sparsity.value") : StringAttr();
  return name ? name.str() : std::string();
}

std::string nodeName(Operation *op) {
  std::string name;
  op->getLoc()->walk([&](Location part) {
    if (auto named = dyn_cast<NameLoc>(part)) {
      name = named.getName().str();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return name;
}

/// One float value inside what a single node was lowered to, such as the 1 / sqrt(x) of a root: the model has no such
/// value. Only the node itself reads it.
bool isInsideNode(Value value) {
  Operation *op = value.getDefiningOp();
  const std::string name = op ? nodeName(op) : std::string();
  return !name.empty() && !value.use_empty() &&
         llvm::all_of(value.getUsers(), [&](Operation *user) { return nodeName(user) == name; });
}

int64_t elementsOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() ? type.getNumElements() : -1;
}

} // namespace

void Pairs::findWriters() {
  writers.resize(program.tensors.size());
  auto add = [&](uint32_t tensor, uint32_t layer) {
    if (!llvm::is_contained(writers[tensor], layer))
      writers[tensor].push_back(layer);
  };
  for (const isa::Instruction &instruction : program.instructions)
    if (const auto *store = std::get_if<isa::Store>(&instruction))
      add(store->src.tensor, store->layer);
    else if (const auto *host = std::get_if<isa::Host>(&instruction))
      for (uint32_t output : program.hostOps[host->op].outputs)
        add(output, host->layer);
}

/// The compared values nearest to `value` among what it is computed from, and the operations on the way.
std::vector<uint32_t> Pairs::inputsOf(Value value, SmallVectorImpl<Operation *> &between) const {
  llvm::SetVector<Value> pending;
  std::vector<uint32_t> inputs;
  auto enter = [&](Operation *op) {
    between.push_back(op);
    for (Value operand : op->getOperands())
      pending.insert(operand);
  };
  if (Operation *op = value.getDefiningOp())
    enter(op);
  for (size_t i = 0; i < pending.size(); ++i) {
    Value next = pending[i];
    if (auto known = indices.find(next); known != indices.end())
      inputs.push_back(known->second);
    else if (Operation *op = next.getDefiningOp())
      enter(op);
  }
  llvm::sort(inputs);
  return inputs;
}

sim::GuardKind Pairs::kindOf(Value value, ArrayRef<Operation *> between) const {
  if (llvm::all_of(between, [](Operation *op) {
        return llvm::isa<tosa::ConstOp, tosa::ConstShapeOp, tosa::ConcatOp, tosa::SliceOp, tosa::PadOp, tosa::ReshapeOp,
                         tosa::TransposeOp, tosa::ReverseOp, tosa::TileOp, tosa::IdentityOp, tosa::GatherOp,
                         tosa::MaxPool2dOp>(op);
      }))
    return sim::GuardKind::Moved;
  if (getElementTypeOrSelf(value).isF32())
    return sim::GuardKind::Float;
  sim::GuardKind kind = sim::GuardKind::Integer;
  for (Operation *op : between) {
    if (llvm::isa<tosa::Conv2DOp, tosa::DepthwiseConv2DOp, tosa::MatMulOp>(op))
      return sim::GuardKind::Contraction;
    if (llvm::isa<tosa::TableOp>(op))
      kind = sim::GuardKind::Table;
    else if (llvm::isa<tosa::CastOp>(op) && getElementTypeOrSelf(op->getOperand(0)).isF32() &&
             kind == sim::GuardKind::Integer)
      kind = sim::GuardKind::Quantised;
  }
  return kind;
}

/// Of the layers that write the tensor, the one that the value's operations come from; the last one, where it is none
/// by name.
std::string Pairs::layerName(Value value, uint32_t tensor) const {
  const std::vector<uint32_t> &candidates = writers[tensor];
  if (candidates.size() > 1)
    for (Operation *op = value.getDefiningOp(); op;
         op = op->getNumOperands() ? op->getOperand(0).getDefiningOp() : nullptr)
      for (uint32_t layer : candidates)
        if (program.layers[layer].name == nodeName(op) || program.layers[layer].name == valueName(op->getResult(0)))
          return program.layers[layer].name;
  return program.layers[candidates.back()].name;
}

void Pairs::add(Value value, StringRef name, const Place &place) {
  auto origin = origins.find(name);
  if (origin == origins.end())
    return;
  Value real = origin->second.real;
  const isa::Tensor &tensor = program.tensors[place.tensor];
  bool integer = tensor.type == isa::ElementType::I8 || tensor.type == isa::ElementType::I16;
  if (!getElementTypeOrSelf(real).isF32() || elementsOf(real) != elementsOf(value) ||
      !(integer || tensor.type == isa::ElementType::F32))
    return;
  // What a clamp alone reads may saturate where the clamp cuts it off.
  if (real.hasOneUse() && llvm::isa<tosa::ClampOp>(*real.getUsers().begin()))
    return;
  if (!integer && isInsideNode(real))
    return;
  SmallVector<Operation *> between;
  sim::GuardLayer layer;
  layer.inputs = inputsOf(value, between);
  // An integer turned into a float is the integer again, and a reshape is its operand.
  if (llvm::any_of(layer.inputs, [&](uint32_t input) {
        return (!integer && (*pairs)[input].real == real) || (*pairs)[input].place == place;
      }))
    return;
  layer.name = layerName(value, place.tensor);
  layer.value = name;
  layer.kind = kindOf(value, between);
  if (integer) {
    layer.scale = tensor.scale;
    layer.top = tensor.type == isa::ElementType::I8 ? 127 : 32767;
    layer.calibrated = origin->second.calibrated;
  }
  indices[value] = uint32_t(pairs->size());
  pairs->push_back({real, place});
  layers->push_back(std::move(layer));
}

void Pairs::find(std::vector<Pair> &foundPairs, std::vector<sim::GuardLayer> &foundLayers) {
  pairs = &foundPairs;
  layers = &foundLayers;
  findWriters();
  for (Operation &op : main.front().without_terminator()) {
    if (op.getNumResults() != 1)
      continue;
    Value value = op.getResult(0);
    const Place *place = places.find(value);
    if (!place || writers[place->tensor].empty())
      continue;
    // A concatenation of compared values has nothing of its own.
    if (auto concat = dyn_cast<tosa::ConcatOp>(op);
        concat && llvm::all_of(concat.getInput1(), [&](Value operand) { return indices.contains(operand); }))
      continue;
    add(value, valueName(value), *place);
  }
  for (Value result : main.front().getTerminator()->getOperands()) {
    SmallVector<Operation *> between;
    if (auto known = indices.find(result); known != indices.end())
      foundLayers[known->second].output = true;
    else
      for (uint32_t index : inputsOf(result, between))
        foundLayers[index].output = true;
  }
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

namespace {

/// Steps beyond the last code from which on a value has saturated. Symmetric codes lack the lowest one of a model whose
/// values end there, and that is no saturation.
constexpr double kBeyond = 1.5;

/// One by one, where something is not finite or saturates.
template <typename T>
void accumulateOdd(const T *simulated, const float *real, uint64_t count, double scale, double top,
                   sim::GuardSums &sums) {
  for (uint64_t i = 0; i < count; ++i) {
    double expected = real[i], value = double(simulated[i]) * scale;
    if (!std::isfinite(expected))
      continue;
    ++sums.compared;
    if (!std::isfinite(value)) {
      ++sums.notFinite;
      continue;
    }
    double error = value - expected;
    sums.signal += expected * expected;
    sums.noise += error * error;
    sums.seen = std::max(sums.seen, std::fabs(expected));
    if (std::fabs(double(simulated[i])) >= top && std::fabs(expected) > (top + kBeyond) * scale &&
        (value > 0) == (expected > 0)) {
      ++sums.saturated;
      sums.saturatedNoise += error * error;
    }
  }
}

/// Elements that are summed side by side.
constexpr uint64_t kLanes = 8;

/// No branch but for what hardly ever is, so that elements are looked at side by side; sums are those of kLanes fixed
/// lanes, whatever the instruction set.
template <typename T>
void accumulate(const T *simulated, const float *real, uint64_t count, double scale, double top, sim::GuardSums &sums) {
  const double beyond = (top + kBeyond) * scale;
  double signal[kLanes] = {}, noise[kLanes] = {}, seen[kLanes] = {};
  uint64_t odd = 0; // not finite, or perhaps saturated
  auto add = [&](uint64_t i, uint64_t lane) {
    double expected = real[i], error = double(simulated[i]) * scale - expected;
    signal[lane] += expected * expected;
    noise[lane] += error * error;
    seen[lane] = std::max(seen[lane], std::fabs(expected));
    odd += !(std::fabs(expected) <= beyond) | !(std::fabs(error) < HUGE_VAL);
  };
  uint64_t whole = count / kLanes * kLanes;
  for (uint64_t i = 0; i < whole; i += kLanes)
    for (uint64_t lane = 0; lane < kLanes; ++lane)
      add(i + lane, lane);
  for (uint64_t i = whole; i < count; ++i)
    add(i, i - whole);
  if (odd)
    return accumulateOdd(simulated, real, count, scale, top, sums);
  sums.compared += count;
  for (uint64_t lane = 0; lane < kLanes; ++lane) {
    sums.signal += signal[lane];
    sums.noise += noise[lane];
    sums.seen = std::max(sums.seen, seen[lane]);
  }
}

} // namespace

/// One image while it runs.
struct ImageState {
  TensorValues simulated;           ///< Until the float model has run.
  std::vector<sim::GuardSums> sums; ///< By layer; empty before.
  bool failed = false;              ///< The float model has not, and said so.
};

struct Guard::Impl {
  const cpu::FloatExecutor *executor = nullptr;
  llvm::ArrayRef<std::vector<cpu::Tensor>> inputs;
  func::FuncOp main;
  sim::GuardReport report;                               ///< Without sums.
  std::vector<Pair> pairs;                               ///< As report.layers.
  llvm::MapVector<Value, std::vector<uint32_t>> byValue; ///< Indices of pairs, by the float value.
  std::set<uint32_t> tensors;                            ///< Of all pairs.
  std::vector<ImageState> images;

  void compare(uint64_t image);
  void compare(ImageState &state, uint32_t index, ArrayRef<float> real);
};

Guard::Guard(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Guard::~Guard() = default;
size_t Guard::images() const { return impl->images.size(); }

FailureOr<std::unique_ptr<Guard>> Guard::create(const Source &source, const isa::Program &program,
                                                const cpu::FloatExecutor &executor,
                                                ArrayRef<std::vector<cpu::Tensor>> inputs, size_t images,
                                                const sim::GuardLimits &limits) {
  FailureOr<func::FuncOp> main = cpu::mainFunction(*source.quantised);
  if (failed(main))
    return failure();
  auto impl = std::make_unique<Impl>();
  impl->executor = &executor;
  impl->main = *main;
  impl->inputs = inputs;
  impl->report.images = images;
  impl->report.limits = limits;
  Pairs(source, program, *main).find(impl->pairs, impl->report.layers);
  for (auto [index, pair] : llvm::enumerate(impl->pairs)) {
    impl->byValue[pair.real].push_back(uint32_t(index));
    impl->tensors.insert(pair.place.tensor);
  }
  impl->images.resize(images);
  return std::unique_ptr<Guard>(new Guard(std::move(impl)));
}

void Guard::Impl::compare(uint64_t image) {
  ImageState &state = images[image];
  state.sums.resize(pairs.size());
  SmallVector<Value> wanted = llvm::to_vector(llvm::make_first_range(byValue));
  FailureOr<std::vector<cpu::Tensor>> ran =
      executor->run(inputs[image], wanted, [&](Value value, const cpu::Tensor &tensor) {
        for (uint32_t index : byValue.find(value)->second)
          compare(state, index, tensor.as<float>());
      });
  state.failed = failed(ran);
  state.simulated.clear();
}

void Guard::Impl::compare(ImageState &state, uint32_t index, ArrayRef<float> real) {
  const Place &place = pairs[index].place;
  const sim::GuardLayer &layer = report.layers[index];
  const sim::TensorData &data = state.simulated.at(place.tensor);
  const float *from = real.data();
  for (const Run &run : place.runs) {
    uint64_t count = uint64_t(run.count);
    switch (data.type) {
    case isa::ElementType::I8:
      accumulate(data.as<int8_t>() + run.first, from, count, layer.scale, layer.top, state.sums[index]);
      break;
    case isa::ElementType::I16:
      accumulate(data.as<int16_t>() + run.first, from, count, layer.scale, layer.top, state.sums[index]);
      break;
    default: // floats: nothing else is a pair
      accumulate(data.as<float>() + run.first, from, count, 1, HUGE_VAL, state.sums[index]);
    }
    from += count;
  }
}

void Guard::observe(uint64_t image, const sim::TensorObservation &observation) {
  if (image >= impl->images.size() || !impl->tensors.count(observation.tensor))
    return;
  ImageState &state = impl->images[image];
  state.simulated.emplace(observation.tensor, observation.data);
  if (state.simulated.size() == impl->tensors.size())
    impl->compare(image);
}

FailureOr<sim::GuardReport> Guard::report() const {
  sim::GuardReport report = impl->report;
  for (const ImageState &state : impl->images) {
    if (state.failed)
      return failure();
    if (state.sums.size() != report.layers.size())
      return emitError(impl->main.getLoc(), "the guard has not seen every tensor that the program writes");
    for (auto [layer, sums] : llvm::zip_equal(report.layers, state.sums))
      layer.sums.add(sums);
  }
  report.findings = sim::findCauses(report);
  return report;
}

} // namespace sparseaccel::run
