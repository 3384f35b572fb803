//===- QuantizeSwamped.cpp - Small values beside wide ones ----------------===//
//
// One scale for a tensor is a loss where small values come to lie beside wide ones: the scores of a sum with a mask of
// -10000, or those that a detection head puts behind its boxes. Where integer arithmetic reads such a tensor there is
// no way around it. Where only float operators or the model's user do, the op is better off in float. And what is read
// before it is concatenated need not have the concatenation's scale for those readers.
//
//===----------------------------------------------------------------------===//

#include "QuantizePlan.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"

#include <limits>

using namespace mlir;

namespace sparseaccel::quantize {

/// A result so many times as wide as an operand costs the operand four bits. A concatenation is no arithmetic that the
/// host would have to do: there two bits are too many, and in 8 bits any.
static double mostWiderThan(Operation *op, Numerics numerics) {
  if (!isa<tosa::ConcatOp>(op))
    return 16;
  return numerics.int16 ? 4 : 1.1;
}

/// A sum or product with a constant reads its other operand element by element: it is in float where that is.
static bool followsOperand(Operation *op) {
  return isa<tosa::AddOp, tosa::SubOp, tosa::MulOp, tosa::MaximumOp, tosa::MinimumOp>(op) &&
         (isConstant(op->getOperand(0)) || isConstant(op->getOperand(1)));
}

bool Plan::isReadInFloat(Value value) const {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    if (!isInteger(user))
      return !functionOf(user);
    const bool follows = !functionOf(user) && (classify(user) == OpClass::Preserving || followsOperand(user));
    return follows && isReadInFloat(user->getResult(0));
  });
}

SmallVector<Operation *> Plan::findSwamped() const {
  llvm::SetVector<Operation *> result;
  // A concatenation behind, which has other parts, would make an integer of this one again.
  auto addWithConcats = [&](Operation *op) {
    result.insert(op);
    SmallVector<Operation *> pending{op};
    while (!pending.empty())
      for (Operation *user : pending.pop_back_val()->getResult(0).getUsers()) {
        if (!isInteger(user))
          continue;
        pending.push_back(user);
        if (!isa<tosa::ConcatOp>(user) || !result.insert(user))
          continue;
        remark::missed(user->getLoc(), remark::RemarkOpts::name("swamped").category("sparse-quantize"))
            << "node '" + nodeName(user) + "': stays in float, as node '" + nodeName(op) + "' does";
      }
  };
  func::FuncOp function = main;
  for (Operation &op : function.front()) {
    if (!isa<tosa::AddOp, tosa::SubOp, tosa::ConcatOp>(op) || !isInteger(&op) || functionOf(&op) ||
        result.contains(&op))
      continue;
    double least = std::numeric_limits<double>::infinity();
    for (unsigned i : activationOperands(&op))
      if (Value operand = op.getOperand(i); !isConstant(operand) && isRange(rangeOf(operand)))
        least = std::min(least, rangeOf(operand));
    const double range = rangeOf(op.getResult(0));
    if (!(range > mostWiderThan(&op, numerics) * least) || !isReadInFloat(op.getResult(0)))
      continue;
    remark::missed(op.getLoc(), remark::RemarkOpts::name("swamped").category("sparse-quantize"))
        << "node '" + nodeName(&op) + "': stays in float, as its result reaches " + number(range) +
               " and an operand only " + number(least);
    addWithConcats(&op);
  }
  return result.takeVector();
}

SmallVector<OpOperand *> Plan::findNarrowParts() const {
  SmallVector<OpOperand *> result;
  if (numerics.int16)
    return result;
  func::FuncOp function = main;
  for (auto concat : function.front().getOps<tosa::ConcatOp>()) {
    if (!isInteger(concat))
      continue;
    for (OpOperand &operand : concat->getOpOperands()) {
      // What moves a value for the concatenation alone has the readers of what it moves.
      Value value = operand.get();
      Operation *mover = concat;
      auto isReadBeside = [&] {
        return llvm::any_of(value.getUsers(),
                            [&](Operation *user) { return user != mover && (isInteger(user) || functionOf(user)); });
      };
      while (!isReadBeside() && value.hasOneUse() && value.getDefiningOp() && isInteger(value.getDefiningOp()) &&
             !isa<tosa::ConcatOp>(value.getDefiningOp()) && classify(value.getDefiningOp()) == OpClass::Preserving) {
        mover = value.getDefiningOp();
        value = mover->getOperand(0);
      }
      // Less than a half of the range is a bit less.
      const double own = isConstant(value) || !isReadBeside() ? 0 : rangeOf(value);
      if (!isRange(own) || calibratedRange(value) <= 2 * own)
        continue;
      remark::missed(concat.getLoc(), remark::RemarkOpts::name("narrow-part").category("sparse-quantize"))
          << describe(value) + " reaches " + number(own) + " and is rescaled for node '" + nodeName(concat) +
                 "', whose parts reach " + number(calibratedRange(value)) + ", as others read it too";
      result.push_back(&operand);
    }
  }
  return result;
}

void separate(OpOperand &operand) {
  Operation *reader = operand.getOwner();
  OpBuilder builder(reader);
  auto type = cast<RankedTensorType>(operand.get().getType());
  auto constant = [&](DenseElementsAttr elements) -> Value {
    return tosa::ConstOp::create(builder, reader->getLoc(), elements.getType(), elements);
  };
  SmallVector<int64_t> ones(type.getRank(), 1);
  Value one = constant(DenseElementsAttr::get(RankedTensorType::get(ones, type.getElementType()), 1.0f));
  Value shift = constant(DenseElementsAttr::get(RankedTensorType::get({1}, builder.getI8Type()), int8_t(0)));
  Location loc = NameLoc::get(
      builder.getStringAttr(nodeName(reader) + ".part" + std::to_string(operand.getOperandNumber())), reader->getLoc());
  operand.set(tosa::MulOp::create(builder, loc, type, operand.get(), one, shift));
}

} // namespace sparseaccel::quantize
