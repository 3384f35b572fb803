//===- QuantizeRewrite.cpp - Write the integer model ----------------------===//

#include "QuantizePlan.h"

#include "SparseAccel/Transforms/Rescale.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>

using namespace mlir;

namespace sparseaccel::quantize {

/// Marks of the float model that say nothing about the integer one.
static constexpr StringLiteral kOwnScaleAttributes[] = {"sparsity.act_scale", "sparsity.act_zero_point",
                                                        "sparsity.act_type"};

namespace {
class Rewriter {
public:
  Rewriter(const Plan &plan, const llvm::MapVector<Value, Statistics> &observed)
      : plan(plan), numerics(plan.numerics), observed(observed), main(plan.main), builder(main.getContext()) {}
  LogicalResult run();

private:
  // Types.
  IntegerType activation() { return builder.getIntegerType(numerics.bits()); }
  IntegerType sums() { return builder.getIntegerType(numerics.sumBits()); }
  static RankedTensorType as(Type type, Type element) {
    return RankedTensorType::get(cast<RankedTensorType>(type).getShape(), element);
  }

  // Constants.
  Value constant(Location loc, DenseElementsAttr values) {
    return tosa::ConstOp::create(builder, loc, values.getType(), values);
  }
  Value integers(Location loc, Type element, ArrayRef<int64_t> shape, ArrayRef<int64_t> values);
  Value zero(Type element);
  Value floatSplat(Location loc, int64_t rank, double value);

  // Values.
  Value real(Value value);
  Value integer(Value value);
  Value quantiseConstant(Value value, ArrayRef<int64_t> shape, double &scale);
  void record(Value original, Value integer, StringRef name);
  void note(Value value, StringRef key, double scale);
  std::string unique(StringRef name);

  // Ops.
  LogicalResult rewrite(Operation *op);
  LogicalResult contraction(Operation *op);
  LogicalResult matmul(tosa::MatMulOp op);
  LogicalResult arithmetic(Operation *op);
  LogicalResult scaleBy(Operation *op, Value operand, double factor);
  LogicalResult table(Operation *op, Value source);
  void clamp(tosa::ClampOp op);
  void preserving(Operation *op);
  FailureOr<Value> rescale(Operation *op, Value input, Type element, ArrayRef<double> factors, bool scale32);

  const Plan &plan;
  Numerics numerics;
  const llvm::MapVector<Value, Statistics> &observed;
  func::FuncOp main; ///< The float one.
  OpBuilder builder;
  Block *body = nullptr;
  DenseMap<Value, Value> reals, ints;
  llvm::DenseMap<Type, Value> zeros;
  llvm::StringMap<unsigned> names;
  SmallVector<NamedAttribute> scales, densities, origins, ranges;
};
} // namespace

//===----------------------------------------------------------------------===//
// Constants and values
//===----------------------------------------------------------------------===//

Value Rewriter::integers(Location loc, Type element, ArrayRef<int64_t> shape, ArrayRef<int64_t> values) {
  SmallVector<APInt> words;
  for (int64_t value : values)
    words.emplace_back(element.getIntOrFloatBitWidth(), static_cast<uint64_t>(value), /*isSigned=*/true);
  return constant(loc, DenseElementsAttr::get(RankedTensorType::get(shape, element), words));
}

Value Rewriter::zero(Type element) {
  Value &value = zeros[element];
  if (!value) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(body);
    value = element.isF32() ? floatSplat(builder.getUnknownLoc(), 1, 0)
                            : integers(builder.getUnknownLoc(), element, {1}, {0});
  }
  return value;
}

Value Rewriter::floatSplat(Location loc, int64_t rank, double value) {
  auto type = RankedTensorType::get(SmallVector<int64_t>(rank, 1), builder.getF32Type());
  return constant(loc, DenseElementsAttr::get(type, static_cast<float>(value)));
}

std::string Rewriter::unique(StringRef name) {
  std::string candidate = name.str();
  for (unsigned count = 1; !names.insert({candidate, 1}).second; ++count)
    candidate = (name + "." + Twine(count)).str();
  return candidate;
}

/// Names an integer value of the result by a unique key, and notes its scale.
void Rewriter::note(Value value, StringRef key, double scale) {
  value.getDefiningOp()->setAttr("sparsity.value", builder.getStringAttr(key));
  scales.push_back(builder.getNamedAttr(key, builder.getF64FloatAttr(scale)));
}

/// Names an integer (or float) value of the result, and notes its scale and density.
void Rewriter::record(Value original, Value value, StringRef name) {
  const std::string key = unique(name);
  value.getDefiningOp()->setAttr("sparsity.value", builder.getStringAttr(key));
  // A caller that numbered the float values can tell which one this stands for.
  auto argument = dyn_cast<BlockArgument>(original);
  auto number = argument ? main.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), "sparsity.number")
                         : original.getDefiningOp()->getAttrOfType<IntegerAttr>("sparsity.number");
  if (number)
    origins.push_back(builder.getNamedAttr(key, number));
  Type element = getElementTypeOrSelf(value);
  if (!isa<IntegerType>(element) || element.isInteger(1)) // truth values have no scale
    return;
  const double scale = plan.scaleOf(original);
  note(value, key, scale);
  if (number)
    ranges.push_back(builder.getNamedAttr(key, builder.getF64FloatAttr(plan.calibratedRange(original))));
  // A reshaped value has its source's density.
  Value source = original;
  while (!observed.contains(source) && isa_and_nonnull<tosa::TransposeOp, tosa::ReshapeOp>(source.getDefiningOp()))
    source = source.getDefiningOp()->getOperand(0);
  if (auto it = observed.find(source); it != observed.end())
    densities.push_back(builder.getNamedAttr(key, builder.getF64FloatAttr(it->second.density(scale))));
}

/// The float form: what was computed in float, or the integer dequantised.
Value Rewriter::real(Value value) {
  if (Value known = reals.lookup(value))
    return known;
  Value quantised = ints.lookup(value);
  if (!quantised) { // a constant
    Operation *clone = builder.clone(*value.getDefiningOp());
    for (auto [from, to] : llvm::zip_equal(value.getDefiningOp()->getResults(), clone->getResults()))
      reals[from] = to;
    return reals.lookup(value);
  }
  Location loc = quantised.getLoc();
  auto type = cast<RankedTensorType>(value.getType());
  Value asFloat = tosa::CastOp::create(builder, loc, type, quantised);
  Value scale = floatSplat(loc, type.getRank(), plan.scaleOf(value));
  Value result = tosa::MulOp::create(builder, loc, type, asFloat, scale, zero(builder.getI8Type()));
  std::string name = "value";
  if (auto attr = quantised.getDefiningOp()->getAttrOfType<StringAttr>("sparsity.value"))
    name = attr.str();
  record(value, result, name + ".real");
  return reals[value] = result;
}

/// The integer form: what was computed in integers, or the float quantised (round to nearest even, saturated).
Value Rewriter::integer(Value value) {
  if (Value known = ints.lookup(value))
    return known;
  Value source = real(value);
  std::string name = "value";
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto attr = main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "sparsity.name");
    name = attr ? attr.str() : "arg" + std::to_string(argument.getArgNumber());
  } else if (Operation *op = value.getDefiningOp()) {
    name = nodeName(op);
  }
  // A layer of its own, and called so: an argument's location is that of the graph.
  Location loc = NameLoc::get(builder.getStringAttr(name + ".quantize"));
  auto type = cast<RankedTensorType>(value.getType());
  Value scale = floatSplat(loc, type.getRank(), 1.0 / plan.scaleOf(value));
  Value scaled = tosa::MulOp::create(builder, loc, type, source, scale, zero(builder.getI8Type()));
  Value result = tosa::CastOp::create(builder, loc, as(type, activation()), scaled);
  record(value, result, name + ".quantized");
  return ints[value] = result;
}

/// A float constant as an activation with a scale of its own, spread over `shape`.
Value Rewriter::quantiseConstant(Value value, ArrayRef<int64_t> shape, double &scale) {
  FailureOr<std::vector<float>> floats = floatValues(value);
  if (failed(floats))
    return {};
  double largest = 0;
  for (float v : *floats)
    largest = std::max(largest, std::abs(static_cast<double>(v)));
  scale = (largest > 0 && std::isfinite(largest) ? largest : 1.0) / static_cast<double>(numerics.top());
  auto from = cast<RankedTensorType>(value.getType()).getShape();
  const auto rank = static_cast<int64_t>(shape.size());
  int64_t total = 1;
  for (int64_t extent : shape)
    total *= extent;
  const bool splat = llvm::all_of(*floats, [&](float v) { return v == floats->front(); });
  SmallVector<int64_t> codes(splat ? 1 : total);
  for (auto [index, code] : llvm::enumerate(codes)) {
    int64_t rest = static_cast<int64_t>(index), source = 0, stride = 1;
    for (int64_t d = rank; d-- > 0 && !splat;) {
      source += (from[d] == 1 ? 0 : rest % shape[d]) * stride;
      rest /= shape[d];
      stride *= from[d];
    }
    code = std::llround(static_cast<double>((*floats)[source]) / scale);
  }
  return integers(value.getLoc(), activation(), shape, codes);
}

FailureOr<Value> Rewriter::rescale(Operation *op, Value input, Type element, ArrayRef<double> factors, bool scale32) {
  SmallVector<int64_t> multipliers, shifts;
  for (double factor : factors) {
    std::optional<RescaleFactor> pair = rescaleFactor(factor, scale32);
    if (!pair)
      return emitError(op->getLoc()) << "node '" << nodeName(op) << "': a rescale by " << factor
                                     << " has no multiplier and shift; expected a factor below "
                                     << (scale32 ? "2^29" : "2^13");
    multipliers.push_back(pair->multiplier);
    shifts.push_back(pair->shift);
  }
  const auto count = static_cast<int64_t>(factors.size());
  Location loc = op->getLoc();
  Value multiplier = integers(loc, builder.getIntegerType(scale32 ? 32 : 16), {count}, multipliers);
  Value shift = integers(loc, builder.getI8Type(), {count}, shifts);
  return tosa::RescaleOp::create(builder, loc, as(input.getType(), element), input, multiplier, shift,
                                 zero(getElementTypeOrSelf(input)), zero(element), scale32,
                                 tosa::RoundingMode::SINGLE_ROUND,
                                 /*per_channel=*/count > 1 || isa<tosa::Conv2DOp, tosa::DepthwiseConv2DOp>(op),
                                 /*input_unsigned=*/false, /*output_unsigned=*/false)
      .getResult();
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

LogicalResult Rewriter::contraction(Operation *op) {
  const double inputScale = plan.scaleOf(op->getOperand(0));
  FailureOr<Weights> weights = quantizeWeights(op, numerics, inputScale);
  if (failed(weights))
    return failure();
  Location loc = op->getLoc();
  auto weightType = as(op->getOperand(1).getType(), activation());
  auto blob = [&](auto zeroValue) {
    using T = decltype(zeroValue);
    std::vector<T> values(weights->values.begin(), weights->values.end());
    return HeapAsmResourceBlob::allocateAndCopyInferAlign<T>(ArrayRef<T>(values), /*dataIsMutable=*/false);
  };
  const std::string name = nodeName(op) + ".weight";
  DenseResourceElementsAttr attribute;
  if (numerics.int16)
    attribute = DenseI16ResourceElementsAttr::get(weightType, name, blob(int16_t(0)));
  else
    attribute = DenseI8ResourceElementsAttr::get(weightType, name, blob(int8_t(0)));

  IRMapping mapping;
  mapping.map(op->getOperand(0), integer(op->getOperand(0)));
  Value weight = tosa::ConstOp::create(builder, loc, weightType, attribute);
  Value bias = integers(loc, sums(), {static_cast<int64_t>(weights->bias.size())}, weights->bias);
  Value input = mapping.lookup(op->getOperand(0));
  auto sumType = as(op->getResult(0).getType(), sums());
  Value result;
  if (auto conv = dyn_cast<tosa::Conv2DOp>(op))
    result = tosa::Conv2DOp::create(builder, loc, sumType, input, weight, bias, zero(activation()), zero(activation()),
                                    conv.getPad(), conv.getStride(), conv.getDilation(), sums());
  else if (auto conv = dyn_cast<tosa::DepthwiseConv2DOp>(op))
    result = tosa::DepthwiseConv2DOp::create(builder, loc, sumType, input, weight, bias, zero(activation()),
                                             zero(activation()), conv.getPad(), conv.getStride(), conv.getDilation(),
                                             sums());
  const double outputScale = plan.scaleOf(op->getResult(0));
  SmallVector<double> factors;
  for (double scale : weights->scale)
    factors.push_back(inputScale * scale / outputScale);
  FailureOr<Value> output = rescale(op, result, activation(), factors, /*scale32=*/!numerics.int16);
  if (failed(output))
    return failure();
  ints[op->getResult(0)] = *output;
  record(op->getResult(0), *output, nodeName(op));
  return success();
}

LogicalResult Rewriter::matmul(tosa::MatMulOp op) {
  const double a = plan.scaleOf(op.getA()), b = plan.scaleOf(op.getB());
  const int64_t depth = cast<RankedTensorType>(op.getA().getType()).getDimSize(2);
  const int64_t limit = int64_t(1) << (numerics.sumBits() - 1);
  if (depth >= limit / (numerics.magnitude() * numerics.magnitude()))
    return emitError(op.getLoc()) << "node '" << nodeName(op) << "': a product over " << depth << " elements of "
                                  << numerics.name() << " does not fit " << numerics.sumBits()
                                  << "-bit sums; expected fewer than "
                                  << limit / (numerics.magnitude() * numerics.magnitude());
  Value left = integer(op.getA()), right = integer(op.getB());
  Value result = tosa::MatMulOp::create(builder, op.getLoc(), as(op.getType(), sums()), left, right, zero(activation()),
                                        zero(activation()));
  FailureOr<Value> output =
      rescale(op, result, activation(), a * b / plan.scaleOf(op.getResult()), /*scale32=*/!numerics.int16);
  if (failed(output))
    return failure();
  ints[op.getResult()] = *output;
  record(op.getResult(), *output, nodeName(op));
  return success();
}

/// A product with a positive constant only changes the scale: one rescale.
LogicalResult Rewriter::scaleBy(Operation *op, Value operand, double factor) {
  Value input = integer(operand);
  FailureOr<Value> output = rescale(op, input, activation(),
                                    plan.scaleOf(operand) * factor / plan.scaleOf(op->getResult(0)), /*scale32=*/true);
  if (failed(output))
    return failure();
  ints[op->getResult(0)] = *output;
  record(op->getResult(0), *output, nodeName(op));
  return success();
}

LogicalResult Rewriter::arithmetic(Operation *op) {
  if (isa<tosa::SigmoidOp, tosa::TanhOp>(op))
    return table(op, op->getOperand(0));
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (isa<tosa::MulOp>(op))
    for (unsigned i : {0u, 1u})
      if (std::optional<double> factor = positiveSplat(op->getOperand(i));
          factor && !isConstant(op->getOperand(1 - i)) && op->getOperand(1 - i).getType() == type)
        return scaleBy(op, op->getOperand(1 - i), *factor);

  // Constants are spread to the result's shape: the machine's vector unit walks both operands alike.
  double scale[2];
  Value operand[2];
  for (unsigned i : {0u, 1u}) {
    Value value = op->getOperand(i);
    if (isConstant(value)) {
      operand[i] = quantiseConstant(value, type.getShape(), scale[i]);
      if (!operand[i])
        return emitError(op->getLoc()) << "node '" << nodeName(op) << "': a constant operand of " << op->getName()
                                       << " must be float32";
    } else {
      operand[i] = integer(value);
      scale[i] = plan.scaleOf(value);
    }
  }
  const double outputScale = plan.scaleOf(op->getResult(0));
  Location loc = op->getLoc();
  auto wide = RankedTensorType::get(type.getShape(), builder.getI32Type());
  Value result;
  double factor;
  if (isa<tosa::MulOp>(op)) {
    result = tosa::MulOp::create(builder, loc, wide, operand[0], operand[1], zero(builder.getI8Type()));
    factor = scale[0] * scale[1] / outputScale;
  } else {
    // Headroom bits keep what the common scale would round away; two operands of 15 + 14 bits still add up in 32.
    const int headroom = numerics.int16 ? 14 : 20;
    const double common = std::ldexp(std::max(scale[0], scale[1]), -headroom);
    for (unsigned i : {0u, 1u}) {
      FailureOr<Value> rescaled = rescale(op, operand[i], builder.getI32Type(), scale[i] / common, /*scale32=*/true);
      if (failed(rescaled))
        return failure();
      operand[i] = *rescaled;
    }
    if (isa<tosa::AddOp>(op))
      result = tosa::AddOp::create(builder, loc, wide, operand[0], operand[1]);
    else if (isa<tosa::SubOp>(op))
      result = tosa::SubOp::create(builder, loc, wide, operand[0], operand[1]);
    else if (isa<tosa::MaximumOp>(op))
      result = tosa::MaximumOp::create(builder, loc, wide, operand[0], operand[1]);
    else
      result = tosa::MinimumOp::create(builder, loc, wide, operand[0], operand[1]);
    factor = common / outputScale;
  }
  FailureOr<Value> output = rescale(op, result, activation(), factor, /*scale32=*/true);
  if (failed(output))
    return failure();
  ints[op->getResult(0)] = *output;
  record(op->getResult(0), *output, nodeName(op));
  return success();
}

LogicalResult Rewriter::table(Operation *op, Value source) {
  const Table table = plan.tableOf(op);
  if (table.undefined)
    return emitError(op->getLoc()) << "node '" << nodeName(op) << "': its table has no number at " << *table.undefined
                                   << "; expected a function that is defined on the whole range of its operand";
  Location loc = op->getLoc();
  Value input = integer(source);
  const double operandScale = plan.scaleOf(source);
  if (table.operandScale != operandScale) {
    // What moves values gave the operand the scale of wider ones: a finer one uses the whole table.
    FailureOr<Value> finer = rescale(op, input, activation(), operandScale / table.operandScale, /*scale32=*/true);
    if (failed(finer))
      return failure();
    input = *finer;
    note(input, unique(nodeName(op) + ".operand"), table.operandScale);
  }
  Value values = integers(loc, activation(), {static_cast<int64_t>(table.entries.size())}, table.entries);
  Type element = numerics.int16 ? builder.getI32Type() : activation();
  Value output = tosa::TableOp::create(builder, loc, as(input.getType(), element), input, values);
  if (numerics.int16) {
    FailureOr<Value> narrow = rescale(op, output, activation(),
                                      table.entryScale / plan.scaleOf(op->getResult(0)) / 128, /*scale32=*/true);
    if (failed(narrow))
      return failure();
    output = *narrow;
  }
  ints[op->getResult(0)] = output;
  record(op->getResult(0), output, nodeName(op));
  return success();
}

void Rewriter::clamp(tosa::ClampOp op) {
  const double scale = plan.scaleOf(op.getResult());
  auto code = [&](Attribute bound) {
    const double value = std::nearbyint(cast<FloatAttr>(bound).getValueAsDouble() / scale); // infinity saturates
    return static_cast<int64_t>(
        std::clamp(value, -static_cast<double>(numerics.magnitude()), static_cast<double>(numerics.top())));
  };
  Value input = integer(op.getInput());
  Value output = tosa::ClampOp::create(builder, op.getLoc(), input.getType(), input,
                                       builder.getIntegerAttr(activation(), code(op.getMinValAttr())),
                                       builder.getIntegerAttr(activation(), code(op.getMaxValAttr())));
  ints[op.getResult()] = output;
  record(op.getResult(), output, nodeName(op));
}

/// Pools, and ops that move values: the same op on integers.
void Rewriter::preserving(Operation *op) {
  IRMapping mapping;
  SmallVector<unsigned> activations = activationOperands(op);
  for (unsigned i : activations)
    mapping.map(op->getOperand(i), integer(op->getOperand(i)));
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    if (mapping.contains(operand))
      continue;
    if (!getElementTypeOrSelf(operand).isF32()) { // shapes
      mapping.map(operand, real(operand));
      continue;
    }
    if (!isa<tosa::PadOp>(op)) { // zero points of a pool
      mapping.map(operand, zero(activation()));
      continue;
    }
    FailureOr<std::vector<float>> value = floatValues(operand);
    const double code =
        succeeded(value) && !value->empty() ? std::nearbyint(value->front() / plan.scaleOf(op->getResult(0))) : 0;
    const auto most = static_cast<double>(numerics.magnitude());
    const int64_t saturated = std::isnan(code) ? 0 : static_cast<int64_t>(std::clamp(code, -most, most - 1));
    mapping.map(operand, saturated == 0 ? zero(activation()) : integers(op->getLoc(), activation(), {1}, {saturated}));
  }
  Operation *clone = builder.clone(*op, mapping);
  clone->getResult(0).setType(as(op->getResult(0).getType(), activation()));
  for (StringRef attribute : kOwnScaleAttributes)
    clone->removeDiscardableAttr(attribute);
  if (auto pool = dyn_cast<tosa::AvgPool2dOp>(clone))
    pool.setAccType(builder.getI32Type());
  ints[op->getResult(0)] = clone->getResult(0);
  record(op->getResult(0), clone->getResult(0), nodeName(op));
}

LogicalResult Rewriter::rewrite(Operation *op) {
  const OpClass kind = classify(op);
  if (kind == OpClass::Constant)
    return success(); // where it is used
  if (const ScalarFunction *function = plan.functionOf(op))
    return op != function->ops.back() ? success() : table(op, function->input);
  if (plan.isInteger(op)) {
    switch (kind) {
    case OpClass::Contraction:
      if (auto product = dyn_cast<tosa::MatMulOp>(op))
        return matmul(product);
      return contraction(op);
    case OpClass::Arithmetic:
      return arithmetic(op);
    case OpClass::Pool:
    case OpClass::Preserving:
      if (auto clampOp = dyn_cast<tosa::ClampOp>(op))
        clamp(clampOp);
      else
        preserving(op);
      return success();
    case OpClass::Constant:
    case OpClass::Float:
      break;
    }
    return emitError(op->getLoc()) << "node '" << nodeName(op) << "': " << op->getName() << " has no integer form";
  }
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, real(operand));
  Operation *clone = builder.clone(*op, mapping);
  for (StringRef attribute : kOwnScaleAttributes)
    clone->removeDiscardableAttr(attribute);
  for (auto [from, to] : llvm::zip_equal(op->getResults(), clone->getResults()))
    reals[from] = to;
  if (op->getNumResults() == 1)
    record(op->getResult(0), clone->getResult(0), nodeName(op));
  return success();
}

LogicalResult Rewriter::run() {
  func::FuncOp old = main;
  builder.setInsertionPoint(old);
  auto fresh = cast<func::FuncOp>(builder.cloneWithoutRegions(old));
  for (unsigned i = 0; i < fresh.getNumArguments(); ++i)
    for (StringRef attribute : kOwnScaleAttributes)
      fresh.removeArgAttr(i, attribute);
  body = fresh.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  for (auto [index, argument] : llvm::enumerate(old.getArguments())) {
    reals[argument] = body->getArgument(index);
    if (auto name = old.getArgAttrOfType<StringAttr>(index, "sparsity.name"))
      names.insert({name.getValue(), 1});
  }
  for (Value argument : old.getArguments())
    if (plan.isQuantised(argument))
      integer(argument);
  for (Operation &op : old.front().without_terminator())
    if (failed(rewrite(&op))) {
      fresh.erase();
      return failure();
    }
  Operation *terminator = old.front().getTerminator();
  SmallVector<Value> results;
  for (Value value : terminator->getOperands())
    results.push_back(real(value));
  func::ReturnOp::create(builder, terminator->getLoc(), results);
  old.erase();

  auto module = fresh->getParentOfType<ModuleOp>();
  module->setAttr("sparsity.numerics", builder.getStringAttr(numerics.name()));
  module->setAttr("sparsity.scales", builder.getDictionaryAttr(scales));
  if (!densities.empty())
    module->setAttr("sparsity.densities", builder.getDictionaryAttr(densities));
  if (!origins.empty()) {
    module->setAttr("sparsity.origins", builder.getDictionaryAttr(origins));
    module->setAttr("sparsity.ranges", builder.getDictionaryAttr(ranges));
  }
  return success();
}

LogicalResult rewrite(const Plan &plan, const llvm::MapVector<Value, Statistics> &observed) {
  return Rewriter(plan, observed).run();
}

} // namespace sparseaccel::quantize
