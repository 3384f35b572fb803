//===- QuantizePlan.cpp - Forms, groups, ranges and scales ----------------===//

#include "QuantizePlan.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;

namespace sparseaccel::quantize {

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

void Statistics::add(ArrayRef<float> values) {
  float largest = 0;
  for (float value : values) {
    const uint32_t magnitude = llvm::bit_cast<uint32_t>(value) & 0x7fffffffu;
    ++bins[magnitude >> kBinShift];
    largest = std::max(largest, llvm::bit_cast<float>(magnitude));
    notFinite |= magnitude >= 0x7f800000u;
  }
  count += values.size();
  maximum = std::max<double>(maximum, largest);
}

void Statistics::merge(const Statistics &other) {
  for (unsigned i = 0; i < kBins; ++i)
    bins[i] += other.bins[i];
  count += other.count;
  maximum = std::max(maximum, other.maximum);
  notFinite |= other.notFinite;
}

double Statistics::density(double scale) const {
  if (count == 0)
    return 0;
  const auto threshold = static_cast<float>(scale / 2);
  uint64_t nonzero = 0;
  for (unsigned i = std::max(1u, llvm::bit_cast<uint32_t>(threshold) >> kBinShift); i < kBins; ++i)
    nonzero += bins[i];
  return static_cast<double>(nonzero) / static_cast<double>(count);
}

double Statistics::percentile(double share) const {
  const double wanted = share * static_cast<double>(count);
  uint64_t covered = 0;
  for (unsigned i = 0; i + 1 < kBins; ++i) {
    covered += bins[i];
    if (static_cast<double>(covered) >= wanted)
      return std::min<double>(maximum, llvm::bit_cast<float>((i + 1) << kBinShift));
  }
  return maximum;
}

//===----------------------------------------------------------------------===//
// Forms and groups
//===----------------------------------------------------------------------===//

std::string number(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", value);
  return text;
}

static bool isFloatTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

unsigned Plan::find(Value value) const {
  unsigned group = members.lookup(value);
  while (parents[group] != group)
    group = parents[group] = parents[parents[group]];
  return group;
}

unsigned Plan::groupOf(Value value) {
  auto [it, inserted] = members.insert({value, parents.size()});
  if (inserted) {
    parents.push_back(it->second);
    groups.emplace_back();
  }
  return find(value);
}

void Plan::unite(Value a, Value b) {
  const unsigned x = groupOf(a), y = groupOf(b);
  parents[std::max(x, y)] = std::min(x, y);
}

/// True where something integer uses the value, possibly after ops that only move it. `known` keeps shared paths from
/// being walked twice.
static bool wantedAsInteger(Value value, DenseMap<Value, bool> &known) {
  if (auto it = known.find(value); it != known.end())
    return it->second;
  const bool wanted = llvm::any_of(value.getUsers(), [&](Operation *user) {
    switch (classify(user)) {
    case OpClass::Contraction:
    case OpClass::Pool:
      return true;
    case OpClass::Preserving:
    case OpClass::Arithmetic:
      return wantedAsInteger(user->getResult(0), known);
    case OpClass::Constant:
    case OpClass::Float:
      return false;
    }
    llvm_unreachable("unknown class");
  });
  known[value] = wanted;
  return wanted;
}

void Plan::findFunctions(const DenseSet<Operation *> &inFloat, const DenseSet<Operation *> &apart) {
  for (Operation &op : llvm::reverse(main.front())) {
    if (op.getNumResults() != 1 || inFloat.contains(&op) || apart.contains(&op))
      continue;
    auto found = findFunction(&op, numerics, [&](Operation *other) {
      return functions.contains(other) || inFloat.contains(other) || apart.contains(other);
    });
    if (!found)
      continue;
    auto function = std::make_shared<ScalarFunction>(std::move(*found));
    for (Operation *inner : function->ops)
      functions[inner] = function;
  }
}

/// Whether an operand is repeated along some axis.
static bool isBroadcast(Operation *op, unsigned i) { return op->getOperand(i).getType() != op->getResult(0).getType(); }

void Plan::findFormsAndGroups(const DenseSet<Operation *> &inFloat, const DenseSet<Operation *> &apart) {
  findFunctions(inFloat, apart);
  DenseMap<Value, bool> known;
  for (auto [index, argument] : llvm::enumerate(main.getArguments()))
    if (isFloatTensor(argument) && (wantedAsInteger(argument, known) || main.getArgAttr(index, "sparsity.act_scale"))) {
      quantised.insert(argument);
      groupOf(argument);
    }
  main.front().walk([&](Operation *op) {
    if (auto it = functions.find(op); it != functions.end() && quantised.contains(it->second->input)) {
      if (op != it->second->ops.back())
        return;
      integerOps.insert(op);
      quantised.insert(op->getResult(0));
      groupOf(it->second->input);
      groupOf(op->getResult(0));
      return;
    }
    const OpClass kind = classify(op);
    if (kind == OpClass::Constant || kind == OpClass::Float || !isFloatTensor(op->getResult(0)) || inFloat.contains(op))
      return;
    SmallVector<unsigned> activations = activationOperands(op);
    // What is computed in float for a whole row or channel (a mean, a deviation) would lose its precision.
    if (kind == OpClass::Arithmetic && llvm::any_of(activations, [&](unsigned i) {
          return !quantised.contains(op->getOperand(i)) && isBroadcast(op, i);
        }))
      return;
    const bool forced = kind == OpClass::Contraction || kind == OpClass::Pool;
    if (!forced && llvm::none_of(activations, [&](unsigned i) { return quantised.contains(op->getOperand(i)); }))
      return;
    integerOps.insert(op);
    quantised.insert(op->getResult(0));
    groupOf(op->getResult(0));
    for (unsigned i : activations) {
      groupOf(op->getOperand(i));
      if (kind == OpClass::Pool || kind == OpClass::Preserving)
        unite(op->getOperand(i), op->getResult(0));
    }
  });
  readOwnScales();
}

/// Largest magnitude that a clamp, a sigmoid or a hyperbolic tangent lets through.
static std::optional<double> knownRange(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (isa<tosa::SigmoidOp, tosa::TanhOp>(op))
    return 1.0;
  if (auto clamp = dyn_cast<tosa::ClampOp>(op)) {
    auto low = dyn_cast<FloatAttr>(clamp.getMinValAttr()), high = dyn_cast<FloatAttr>(clamp.getMaxValAttr());
    if (low && high) {
      const double most = std::max(std::abs(low.getValueAsDouble()), std::abs(high.getValueAsDouble()));
      if (most > 0 && most < 1e30)
        return most;
    }
  }
  return std::nullopt;
}

/// Why the codes that a model stores a value in are none of the numerics' own, if so.
static std::optional<std::string> whyCodesDiffer(Value value, double scale, int64_t zeroPoint, IntegerType codes,
                                                 Numerics numerics) {
  const std::string name = (codes.isUnsigned() ? "uint" : "int") + std::to_string(codes.getWidth());
  if (zeroPoint != 0)
    return "zero maps to " + std::to_string(zeroPoint) + ", not to 0";
  if (numerics.int16)
    return codes.getWidth() == 16 && !codes.isUnsigned()
               ? std::nullopt
               : std::optional("it is for codes of " + name + ", and the numerics are int16");
  // What a clamp lets through tells how far the codes go, whatever their type.
  double largest = codes.isUnsigned() ? std::ldexp(1.0, static_cast<int>(codes.getWidth())) - 1
                                      : std::ldexp(1.0, static_cast<int>(codes.getWidth()) - 1);
  if (std::optional<double> range = knownRange(value))
    largest = std::min(largest, std::floor(*range / scale + 0.5));
  if (codes.isUnsigned() ? largest <= static_cast<double>(numerics.top())
                         : largest <= static_cast<double>(numerics.magnitude()))
    return std::nullopt;
  return "its codes are " + name + " and do not fit 8 signed bits";
}

void Plan::dropOwnScale(Group &group, Location loc, const Twine &why) {
  group.ownScale.reset();
  if (!group.ownScaleDropped)
    remark::missed(loc, remark::RemarkOpts::name("requantized").category("sparse-quantize"))
        << "the model's own scale is not kept: " + why.str();
  group.ownScaleDropped = true;
}

void Plan::dropNarrowScales() {
  // The scale may cut off its own value, as the model asks; others that reach no further lose nothing by it.
  constexpr double kSlack = 1.01;
  DenseMap<unsigned, double> reach; // by group
  for (const auto &[value, member] : members)
    if (const Group &group = groups[find(value)]; group.ownScale && marked.contains(value)) {
      double &most = reach[find(value)];
      most = std::max({most, rangeOf(value), *group.ownScale * static_cast<double>(numerics.top())});
    }
  for (const auto &[value, member] : members) {
    Group &group = groups[find(value)];
    if (group.ownScale && !marked.contains(value) && ranges.lookup(value) > kSlack * reach.lookup(find(value)))
      dropOwnScale(group, value.getLoc(),
                   describe(value) + " shares it here and reaches " + number(ranges.lookup(value)) + ", beyond it");
  }
}

void Plan::readOwnScales() {
  auto read = [&](Value value, FloatAttr scale, IntegerAttr zeroPoint, TypeAttr type, Location loc) {
    if (!scale || !members.contains(value))
      return;
    Group &group = groups[find(value)];
    const double own = scale.getValueAsDouble();
    auto drop = [&](const Twine &why) { dropOwnScale(group, loc, why); };
    auto codes = type ? dyn_cast<IntegerType>(type.getValue()) : IntegerType();
    if (!codes)
      codes = IntegerType::get(main.getContext(), 8);
    if (!broken.ownScale)
      if (auto why = whyCodesDiffer(value, own, zeroPoint ? zeroPoint.getInt() : 0, codes, numerics))
        return drop(*why);
    if (group.ownScale && std::abs(*group.ownScale - own) > 1e-6 * own)
      return drop("values that share one scale here have different ones in the model");
    if (!group.ownScaleDropped) {
      group.ownScale = own;
      marked.insert(value);
    }
  };
  for (auto [index, argument] : llvm::enumerate(main.getArguments()))
    read(argument, main.getArgAttrOfType<FloatAttr>(index, "sparsity.act_scale"),
         main.getArgAttrOfType<IntegerAttr>(index, "sparsity.act_zero_point"),
         main.getArgAttrOfType<TypeAttr>(index, "sparsity.act_type"), main.getLoc());
  main.front().walk([&](Operation *op) {
    if (op->getNumResults() == 1)
      read(op->getResult(0), op->getAttrOfType<FloatAttr>("sparsity.act_scale"),
           op->getAttrOfType<IntegerAttr>("sparsity.act_zero_point"), op->getAttrOfType<TypeAttr>("sparsity.act_type"),
           op->getLoc());
  });
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

bool Plan::onlyClamped(Value value) const {
  if (!value.hasOneUse())
    return false;
  Operation *user = *value.getUsers().begin();
  return isa<tosa::ClampOp>(user) && isInteger(user) && !functionOf(user);
}

bool Plan::isRearranged(Value value) const {
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<tosa::TransposeOp, tosa::ReshapeOp>(op) && (isInteger(op) || broken.unobserved);
}

double Plan::rangeOf(Value value) const {
  while (!ranges.contains(value) && isRearranged(value))
    value = value.getDefiningOp()->getOperand(0);
  auto it = ranges.find(value);
  return it == ranges.end() ? groups[find(value)].range : it->second;
}

void Plan::setRange(Value value, double range) {
  ranges[value] = range;
  Group &group = groups[find(value)];
  group.range = std::max(group.range, range);
  group.known = true;
}

std::string Plan::describe(Value value) const {
  if (Operation *op = value.getDefiningOp())
    return "node '" + nodeName(op) + "'";
  auto argument = cast<BlockArgument>(value);
  func::FuncOp function = main; // attributes are read through handles that are not const
  auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "sparsity.name");
  return "input '" + (name ? name.str() : "arg" + std::to_string(argument.getArgNumber())) + "'";
}

using Observed = llvm::MapVector<Value, Statistics>;

/// What was observed of the elements of a value, if anything: a plan that is made anew may hold what was rearranged in
/// integers when it was observed.
static Observed::const_iterator findObserved(Value value, const Observed &observed) {
  while (!observed.contains(value) && isa_and_nonnull<tosa::TransposeOp, tosa::ReshapeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return observed.find(value);
}

SmallVector<Value> Plan::valuesToObserve(const Observed &observed) const {
  llvm::SetVector<Value> values;
  for (const auto &[value, group] : members)
    if (!isRearranged(value) && !onlyClamped(value))
      values.insert(value);
  // Chains may be taken apart yet.
  func::FuncOp function = main;
  if (numerics.int16)
    function.front().walk([&](Operation *op) {
      const ScalarFunction *chain = functionOf(op);
      if (!chain || op != chain->ops.back())
        return;
      for (Operation *inner : fromLastProduct(*chain))
        for (Value value : llvm::concat<const Value>(inner->getOperands(), inner->getResults()))
          if (isFloatTensor(value) && !isConstant(value))
            values.insert(value);
    });
  values.remove_if([&](Value value) { return findObserved(value, observed) != observed.end(); });
  return values.takeVector();
}

LogicalResult Plan::setRanges(const Observed &observed, double share) {
  for (const auto &[value, group] : members) {
    auto it = findObserved(value, observed);
    if (it == observed.end() || onlyClamped(value) || isRearranged(value))
      continue;
    const Statistics &statistics = it->second;
    if (!statistics.finite())
      return emitError(value.getLoc())
             << "calibration: " << describe(value)
             << " took a value that is not finite; expected finite inputs and a model that stays finite on them";
    double range = statistics.percentile(share);
    if (!isRange(range) && isRange(statistics.largest())) {
      remark::missed(value.getLoc(), remark::RemarkOpts::name("whole-range").category("sparse-quantize"))
          << describe(value) + ": so few of its values are not zero that the percentile is zero; its range is the " +
                 "largest magnitude";
      range = statistics.largest();
    }
    setRange(value, range);
  }
  dropNarrowScales();
  return success();
}

LogicalResult Plan::setRanges(double defaultRange) {
  for (const auto &[value, group] : members)
    if (!onlyClamped(value))
      setRange(value, std::min(defaultRange, knownRange(value).value_or(defaultRange)));
  return success();
}

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

LogicalResult Plan::setScales() {
  // Both a scale and its inverse are float32 constants of the model; a denormal one would lose digits.
  constexpr double kLeast = 1e-36, kMost = 1e36;
  for (const auto &[value, member] : members) {
    Group &group = groups[find(value)];
    if (group.scale != 0)
      continue;
    if (!group.ownScale && !group.known && !broken.unobserved)
      return emitError(value.getLoc()) << describe(value)
                                       << ": its range was neither observed nor given; expected one for every value "
                                          "that becomes an integer";
    if (group.ownScale)
      group.scale = *group.ownScale;
    else // A value that was always zero may have any scale.
      group.scale = (isRange(group.range) ? group.range : 1.0) / static_cast<double>(numerics.top());
    if (!(group.scale >= kLeast && group.scale <= kMost))
      return emitError(value.getLoc()) << describe(value) << ": "
                                       << (group.ownScale ? std::string("the model's own scale")
                                                          : "a range of " + number(group.range) + ", hence a scale")
                                       << " of " << number(group.scale) << "; expected a scale between "
                                       << number(kLeast) << " and " << number(kMost);
  }
  if (failed(breakScale()))
    return failure();
  return preventWrapping();
}

double Plan::smallestScale(Operation *op) const {
  // Results are truncated to 32 bits before they are clamped: half of that range is kept free. Multipliers have 15 bits
  // and shifts start at 2.
  constexpr double kMost = 1 << 30, kLargestFactor = 1 << 12;
  const auto magnitude = static_cast<double>(numerics.magnitude());
  auto constant = [&](Value value) { // largest magnitude of a constant operand
    double most = 0;
    if (auto values = floatValues(value); succeeded(values))
      for (float v : *values)
        most = std::max(most, std::abs(static_cast<double>(v)));
    return most;
  };
  auto reach = [&](unsigned i) {
    Value operand = op->getOperand(i);
    return isConstant(operand) ? constant(operand) * 1.01 : magnitude * scaleOf(operand);
  };
  if (isa<tosa::Conv2DOp, tosa::DepthwiseConv2DOp>(op)) {
    FailureOr<Gain> gain = contractionGain(op);
    if (failed(gain))
      return 0; // diagnosed when the weights are quantised
    const double input = scaleOf(op->getOperand(0));
    const double most = gain->weights * magnitude * input * 1.01 + gain->bias;
    return std::max(most / kMost, input * gain->largestWeight / static_cast<double>(numerics.top()) / kLargestFactor);
  }
  if (isa<tosa::MatMulOp>(op)) {
    const auto depth = static_cast<double>(cast<RankedTensorType>(op->getOperand(0).getType()).getDimSize(2));
    return std::max(depth * reach(0) * reach(1) / kMost,
                    scaleOf(op->getOperand(0)) * scaleOf(op->getOperand(1)) / kLargestFactor);
  }
  if (isa<tosa::MulOp>(op))
    return reach(0) * reach(1) / kMost;
  if (isa<tosa::AddOp, tosa::SubOp, tosa::MaximumOp, tosa::MinimumOp>(op))
    return (reach(0) + reach(1)) / kMost;
  return 0;
}

LogicalResult Plan::preventWrapping() {
  // Raising one scale may ask for another: each pass settles what comes later in the function, and only a loop through
  // a shared group needs more.
  constexpr unsigned kPasses = 8;
  for (unsigned pass = 0; pass < kPasses; ++pass) {
    bool changed = false;
    main.front().walk([&](Operation *op) {
      if (!integerOps.contains(op))
        return;
      const OpClass kind = classify(op);
      if ((kind != OpClass::Contraction && kind != OpClass::Arithmetic) || functionOf(op))
        return;
      Group &group = groups[find(op->getResult(0))];
      const double smallest = smallestScale(op);
      if (group.scale >= smallest)
        return;
      remark::missed(op->getLoc(), remark::RemarkOpts::name("coarser-scale").category("sparse-quantize"))
          << "node '" + nodeName(op) + "': scale raised from " + number(group.scale) + " to " +
                 number(smallest * 1.001) + ", as its largest possible sums would wrap in 32 bits";
      group.scale = smallest * 1.001;
      changed = true;
    });
    if (!changed)
      return success();
  }
  return emitError(main.getLoc()) << "no scales were found at which every sum fits 32 bits after its rescale; expected "
                                     "smaller weights or a wider calibration range";
}

} // namespace sparseaccel::quantize
