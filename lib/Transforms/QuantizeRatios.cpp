//===- QuantizeRatios.cpp - Values whose ratios count ---------------------===//
//
// Integers hold small values beside wide ones with the wide ones' step. A logarithm, a root or a reciprocal asks for
// more: how many times as small. What spans decades by construction, a square or an exponential, loses its small values
// on the way there, so the ops between the two are better off in float, where the last of them is anyway. So is what
// keeps a value from zero, which must keep it from the integer zero as well, be it a layer's bias.
//
//===----------------------------------------------------------------------===//

#include "QuantizePlan.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

using namespace mlir;

namespace sparseaccel::quantize {

/// Whether the result follows its operand's relative changes: a value that is off by its half matters, however small.
static bool asksForRatios(Operation *op) {
  if (isa<tosa::LogOp, tosa::RsqrtOp, tosa::ReciprocalOp>(op))
    return true;
  auto pow = dyn_cast<tosa::PowOp>(op);
  if (!pow)
    return false;
  FailureOr<std::vector<float>> exponents = floatValues(pow.getInput2());
  return failed(exponents) || llvm::any_of(*exponents, [](float exponent) { return exponent < 1; });
}

/// Whether small elements of the result can be small elements of an operand: not so behind a contraction, nor where one
/// number is taken off a whole row, as of a mean.
static bool passesRatios(Operation *op) {
  if (isa<tosa::SubOp>(op))
    return op->getOperand(0).getType() == op->getOperand(1).getType();
  return classify(op) == OpClass::Preserving || classify(op) == OpClass::Arithmetic ||
         isa<tosa::PowOp, tosa::AbsOp, tosa::NegateOp, tosa::ReciprocalOp, tosa::RsqrtOp, tosa::SelectOp, tosa::CastOp,
             tosa::ReduceSumOp, tosa::ReduceMaxOp, tosa::ReduceMinOp, tosa::ReduceProductOp>(op);
}

/// Whether values of a few decades give values of many.
static bool spreads(Operation *op) {
  if (isa<tosa::MulOp>(op))
    return !isConstant(op->getOperand(0)) && !isConstant(op->getOperand(1));
  return isa<tosa::PowOp, tosa::ExpOp, tosa::SigmoidOp>(op);
}

/// Whether the op keeps its result from zero by a constant, which integers may be too coarse to hold: log(max(x,
/// 1e-10)).
static bool keepsFromZero(Operation *op) {
  if (auto clamp = dyn_cast<tosa::ClampOp>(op)) {
    auto low = dyn_cast<FloatAttr>(clamp.getMinValAttr());
    return low && low.getValueAsDouble() > 0;
  }
  return isa<tosa::AddOp, tosa::MaximumOp>(op) && llvm::any_of(op->getOperands(), [](Value operand) {
           FailureOr<std::vector<float>> values = floatValues(operand);
           return succeeded(values) && llvm::any_of(*values, [](float value) { return value > 0; });
         });
}

/// Whether an op that asks for ratios reads the value, as it is or moved.
static bool isAskedForRatios(Value value) {
  llvm::SetVector<Value> pending;
  pending.insert(value);
  for (size_t i = 0; i < pending.size(); ++i)
    for (Operation *user : pending[i].getUsers()) {
      if (asksForRatios(user))
        return true;
      if (classify(user) == OpClass::Preserving)
        pending.insert(user->getResult(0));
    }
  return false;
}

void takeFloorsOut(func::FuncOp main) {
  for (Operation &op : llvm::make_early_inc_range(main.front())) {
    // A model that gives the sum a scale of its own has it in integers.
    if (!isa<tosa::Conv2DOp, tosa::DepthwiseConv2DOp>(op) || op.hasAttr("sparsity.act_scale"))
      continue;
    FailureOr<std::vector<float>> bias = floatValues(op.getOperand(2));
    if (failed(bias) || !llvm::all_of(*bias, [](float value) { return value > 0 && std::isfinite(value); }) ||
        !isAskedForRatios(op.getResult(0)))
      continue;
    OpBuilder builder(&op);
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    auto constant = [&](ArrayRef<int64_t> shape, ArrayRef<float> values) -> Value {
      auto constantType = RankedTensorType::get(shape, builder.getF32Type());
      return tosa::ConstOp::create(builder, op.getLoc(), constantType, DenseElementsAttr::get(constantType, values));
    };
    const auto count = static_cast<int64_t>(bias->size());
    op.setOperand(2, constant({count}, std::vector<float>(bias->size(), 0.0f)));
    Value floor = constant({1, 1, 1, count}, *bias);
    builder.setInsertionPointAfter(&op);
    Location loc = NameLoc::get(builder.getStringAttr(nodeName(&op) + ".bias"));
    auto add = tosa::AddOp::create(builder, loc, type, op.getResult(0), floor);
    op.getResult(0).replaceAllUsesExcept(add.getResult(), add);
    // The sum is what the layer's own result was.
    if (Attribute number = op.removeAttr("sparsity.number"))
      add->setAttr("sparsity.number", number);
  }
}

SmallVector<Operation *> Plan::findRatios() const {
  func::FuncOp function = main;
  // An op, or the chain that it ends.
  auto parts = [&](Operation *op) -> SmallVector<Operation *> {
    if (const ScalarFunction *chain = functionOf(op))
      return chain->ops;
    return {op};
  };
  auto operands = [&](Operation *op) -> SmallVector<Value> {
    if (const ScalarFunction *chain = functionOf(op))
      return {chain->input};
    return llvm::to_vector(op->getOperands());
  };
  // Which integer op that spreads values, or keeps them from zero, lies behind a value, if any, with nothing but ops
  // that pass ratios between.
  DenseMap<Operation *, Operation *> source;
  SmallVector<Operation *> result;
  for (Operation &op : function.front()) {
    const ScalarFunction *chain = functionOf(&op);
    if (chain && &op != chain->ops.back())
      continue;
    if (isInteger(&op) && (llvm::any_of(parts(&op), spreads) || llvm::any_of(parts(&op), keepsFromZero))) {
      source[&op] = &op;
      continue;
    }
    if (!chain && !passesRatios(&op))
      continue;
    for (Value operand : operands(&op))
      if (Operation *found = source.lookup(operand.getDefiningOp()))
        source[&op] = found;
  }
  llvm::SetVector<Operation *> onTheWay;
  for (Operation &op : function.front()) {
    if (isInteger(&op) || functionOf(&op) || !asksForRatios(&op))
      continue;
    llvm::SetVector<Operation *> pending;
    auto enter = [&](Operation *from) {
      for (Value operand : operands(from))
        if (Operation *before = operand.getDefiningOp(); source.lookup(before))
          pending.insert(before);
    };
    enter(&op);
    for (size_t i = 0; i < pending.size(); ++i) {
      Operation *next = pending[i];
      enter(next);
      if (!isInteger(next) || !onTheWay.insert(next))
        continue;
      remark::missed(next->getLoc(), remark::RemarkOpts::name("ratios").category("sparse-quantize"))
          << "node '" + nodeName(next) + "': stays in float, as node '" + nodeName(&op) +
                 "' asks how small its values are beside each other";
      llvm::append_range(result, parts(next));
    }
  }
  return result;
}

} // namespace sparseaccel::quantize
