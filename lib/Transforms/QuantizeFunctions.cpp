//===- QuantizeFunctions.cpp - Chains that are functions of one number ----===//
//
// GELU, SiLU, hard swish and their like are several ops in a row that depend on one value and on constants. Each such
// chain is one table.
//
//===----------------------------------------------------------------------===//

#include "QuantizePlan.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace sparseaccel::quantize {

/// The number that a float constant holds everywhere.
static std::optional<double> uniform(Value value) {
  if (!isConstant(value))
    return std::nullopt;
  FailureOr<std::vector<float>> values = floatValues(value);
  if (failed(values) || values->empty() ||
      llvm::any_of(*values, [&](float number) { return number != values->front(); }))
    return std::nullopt;
  return values->front();
}

/// Operands that are numbers, not zero points or shifts.
static unsigned numberOperands(Operation *op) {
  return isa<tosa::AddOp, tosa::SubOp, tosa::MulOp, tosa::MaximumOp, tosa::MinimumOp, tosa::PowOp>(op) ? 2 : 1;
}

/// A logarithm of exp(x) + c, with c at least a half: that of a Softplus. It is as flat as its operand is small, where
/// others ask how many times as small a value is, which is lost in integers.
static bool isLogOfExponential(Operation *op) {
  auto sum = isa<tosa::LogOp>(op) ? op->getOperand(0).getDefiningOp<tosa::AddOp>() : tosa::AddOp();
  if (!sum)
    return false;
  auto fits = [](Value exponential, Value number) {
    std::optional<double> least = uniform(number);
    return exponential.getDefiningOp<tosa::ExpOp>() && least && *least >= 0.5;
  };
  return fits(sum.getInput1(), sum.getInput2()) || fits(sum.getInput2(), sum.getInput1());
}

/// Whether element i of the result depends on elements i of values of the same shape, and on numbers.
static bool isScalar(Operation *op) {
  const bool known = isa<tosa::AddOp, tosa::SubOp, tosa::MulOp, tosa::MaximumOp, tosa::MinimumOp, tosa::PowOp,
                         tosa::ExpOp, tosa::ErfOp, tosa::TanhOp, tosa::SigmoidOp, tosa::AbsOp, tosa::NegateOp,
                         tosa::ClampOp>(op);
  if (!(known || isLogOfExponential(op)) ||
      !getElementTypeOrSelf(op->getResult(0)).isF32())
    return false;
  for (unsigned i = 0; i < numberOperands(op); ++i)
    if (Value operand = op->getOperand(i); operand.getType() != op->getResult(0).getType() && !uniform(operand))
      return false;
  // A power of a negative number is one for whole exponents alone.
  if (isa<tosa::PowOp>(op)) {
    std::optional<double> exponent = uniform(op->getOperand(1));
    return exponent && *exponent >= 0 && *exponent == std::floor(*exponent);
  }
  return true;
}

/// A ReLU and its like right behind what is no function of one number, a contraction say, and nothing else reads: the
/// range of that is the range behind the ReLU, and so the chain begins there.
static bool isActivationOfInput(Operation *op) {
  if (!isa<tosa::ClampOp>(op))
    return false;
  Operation *before = op->getOperand(0).getDefiningOp();
  return op->getOperand(0).hasOneUse() && (!before || !isScalar(before));
}

/// Whether a table is better than the ops one by one.
static bool isWorthATable(ArrayRef<Operation *> ops, Numerics numerics) {
  auto inChain = [&](Value value) { return llvm::is_contained(ops, value.getDefiningOp()); };
  bool curved = false, kinked = false, hard = false;
  for (Operation *op : ops) {
    auto isNumber = [&](unsigned i) { return isConstant(op->getOperand(i)); };
    curved |= isa<tosa::ExpOp, tosa::ErfOp, tosa::PowOp>(op);
    curved |= isa<tosa::TanhOp, tosa::SigmoidOp>(op) && ops.size() > 1;
    curved |= isa<tosa::MulOp>(op) && !isNumber(0) && !isNumber(1);
    // Of a logarithm in int16 the lines between 513 entries are coarser than a float is; in int8, all of it is a table.
    if (isa<tosa::LogOp>(op) && (numerics.int16 || !inChain(op->getOperand(0)) ||
                                 llvm::none_of(ops, [](Operation *other) { return isa<tosa::ExpOp>(other); })))
      return false;
    kinked |= isa<tosa::ClampOp, tosa::AbsOp, tosa::MaximumOp, tosa::MinimumOp>(op);
    hard |= isa<tosa::AbsOp>(op);
    // Hard sigmoid and swish: what is clamped has an offset.
    if (isa<tosa::ClampOp>(op) && inChain(op->getOperand(0)))
      hard |= isa<tosa::AddOp, tosa::SubOp>(op->getOperand(0).getDefiningOp());
  }
  // 513 entries round a kink off by more than the arithmetic errs.
  return numerics.int16 ? curved && !kinked : curved || hard;
}

std::optional<ScalarFunction> findFunction(Operation *root, Numerics numerics,
                                           llvm::function_ref<bool(Operation *)> taken) {
  if (!isScalar(root) || taken(root))
    return std::nullopt;
  llvm::SetVector<Operation *> ops;
  llvm::SetVector<Value> frontier;
  std::optional<ScalarFunction> best;
  auto absorb = [&](Operation *op) {
    ops.insert(op);
    for (unsigned i = 0; i < numberOperands(op); ++i)
      if (Value operand = op->getOperand(i); !uniform(operand))
        frontier.insert(operand);
  };
  absorb(root);
  llvm::DenseSet<Value> stuck;
  while (true) {
    if (frontier.size() == 1 && isWorthATable(ops.getArrayRef(), numerics))
      best = ScalarFunction{frontier.front(), SmallVector<Operation *>(ops.begin(), ops.end())};
    // The latest of the values, so that all its readers in the chain are known.
    Value next;
    for (Value value : frontier)
      if (Operation *op = value.getDefiningOp(); op && !stuck.contains(value))
        if (!next || next.getDefiningOp()->isBeforeInBlock(op))
          next = value;
    if (!next || stuck.size() > 1)
      break;
    Operation *op = next.getDefiningOp();
    bool inner = isScalar(op) && !isActivationOfInput(op) && !taken(op) &&
                 next.getType() == root->getResult(0).getType() && !op->hasAttr("sparsity.act_scale") &&
                 llvm::all_of(next.getUsers(), [&](Operation *user) { return ops.contains(user); });
    if (!inner) {
      stuck.insert(next);
      continue;
    }
    frontier.remove(next);
    absorb(op);
  }
  if (best)
    llvm::sort(best->ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return best;
}

static bool isProduct(Operation *op) {
  return isa<tosa::MulOp>(op) && !isConstant(op->getOperand(0)) && !isConstant(op->getOperand(1));
}

ArrayRef<Operation *> fromLastProduct(const ScalarFunction &function) {
  auto last = llvm::find_if(llvm::reverse(function.ops), isProduct);
  if (last == function.ops.rend())
    return {};
  ArrayRef<Operation *> ops(&*std::prev(last.base()), function.ops.end());
  // A curve behind the product would be a table of integers that are as coarse as the product is wide.
  const bool isLinear =
      llvm::all_of(ops.drop_front(), [](Operation *op) { return isa<tosa::AddOp, tosa::SubOp, tosa::MulOp>(op); });
  return isLinear ? ops : ArrayRef<Operation *>();
}

std::function<double(double)> compile(const ScalarFunction &function) {
  // A register for the input, then one for each number and each result; numbers are read once.
  struct Step {
    Operation *op;
    unsigned a, b, result;
    double low, high; ///< Of a clamp.
  };
  std::vector<double> registers{0};
  DenseMap<Value, unsigned> known{{function.input, 0}};
  auto read = [&](Value value) {
    auto [it, inserted] = known.insert({value, registers.size()});
    if (inserted)
      registers.push_back(*uniform(value));
    return it->second;
  };
  std::vector<Step> steps;
  for (Operation *op : function.ops) {
    Step step{op, read(op->getOperand(0)), numberOperands(op) > 1 ? read(op->getOperand(1)) : 0, 0, 0, 0};
    step.result = known[op->getResult(0)] = registers.size();
    registers.push_back(0);
    if (auto clamp = dyn_cast<tosa::ClampOp>(op)) {
      step.low = cast<FloatAttr>(clamp.getMinValAttr()).getValueAsDouble();
      step.high = cast<FloatAttr>(clamp.getMaxValAttr()).getValueAsDouble();
    }
    steps.push_back(step);
  }
  return [steps = std::move(steps), registers = std::move(registers)](double x) mutable {
    registers[0] = x;
    for (const Step &step : steps) {
      const double a = registers[step.a], b = registers[step.b];
      registers[step.result] = llvm::TypeSwitch<Operation *, double>(step.op)
                                   .Case([&](tosa::AddOp) { return a + b; })
                                   .Case([&](tosa::SubOp) { return a - b; })
                                   .Case([&](tosa::MulOp) { return a * b; })
                                   .Case([&](tosa::MaximumOp) { return std::max(a, b); })
                                   .Case([&](tosa::MinimumOp) { return std::min(a, b); })
                                   .Case([&](tosa::PowOp) { return std::pow(a, b); })
                                   .Case([&](tosa::ExpOp) { return std::exp(a); })
                                   .Case([&](tosa::LogOp) { return std::log(a); })
                                   .Case([&](tosa::ErfOp) { return std::erf(a); })
                                   .Case([&](tosa::TanhOp) { return std::tanh(a); })
                                   .Case([&](tosa::SigmoidOp) { return 1 / (1 + std::exp(-a)); })
                                   .Case([&](tosa::AbsOp) { return std::abs(a); })
                                   .Case([&](tosa::NegateOp) { return -a; })
                                   .Case([&](tosa::ClampOp) { return std::min(std::max(a, step.low), step.high); });
    }
    return registers.back();
  };
}

} // namespace sparseaccel::quantize
