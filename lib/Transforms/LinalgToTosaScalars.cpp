//===- LinalgToTosaScalars.cpp - Numbers, and checks of them --------------===//
//
// Exported modules compute with numbers beside tensors: a constant of 64 bits that a body narrows, a constant tensor
// without extents, a comparison that an assertion reads. They are known here and now.
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "LinalgToTosa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace sparseaccel::linalg_to_tosa {

/// An operand of a generic operation that is one known number is that number in its body.
static void inlineNumbers(linalg::GenericOp generic) {
  Block &body = *generic.getBody();
  for (OpOperand *input : generic.getDpsInputOperands()) {
    auto type = dyn_cast<RankedTensorType>(input->get().getType());
    auto elements = type && type.getRank() == 0 ? dyn_cast_or_null<DenseElementsAttr>(constantElements(input->get()))
                                                : DenseElementsAttr();
    BlockArgument argument = generic.getMatchingBlockArgument(input);
    if (!elements || argument.use_empty())
      continue;
    OpBuilder builder(&body, body.begin());
    auto number = cast<TypedAttr>(elements.getSplatValue<Attribute>());
    argument.replaceAllUsesWith(arith::ConstantOp::create(builder, generic.getLoc(), number));
  }
}

/// What an operation on known numbers gives, or null.
static TypedAttr evaluate(Operation *op) {
  if (!isa_and_nonnull<arith::ArithDialect>(op->getDialect()) || op->getNumResults() != 1 ||
      op->hasTrait<OpTrait::ConstantLike>() || isa<ShapedType>(op->getResult(0).getType()))
    return {};
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands()) {
    Attribute constant;
    if (!matchPattern(operand, m_Constant(&constant)))
      return {};
    operands.push_back(constant);
  }
  // Upstream folds a truncation where it is exact only; what runs rounds to nearest.
  if (auto narrow = dyn_cast<arith::TruncFOp>(op)) {
    auto number = dyn_cast<FloatAttr>(operands.front());
    auto type = dyn_cast<FloatType>(narrow.getType());
    if (!number || !type)
      return {};
    APFloat value = number.getValue();
    bool inexact = false;
    value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &inexact);
    return FloatAttr::get(type, value);
  }
  SmallVector<OpFoldResult> results;
  if (failed(op->fold(operands, results)) || results.size() != 1)
    return {};
  return dyn_cast_if_present<TypedAttr>(dyn_cast<Attribute>(results.front()));
}

LogicalResult settleNumbers(ModuleOp module) {
  module.walk(inlineNumbers);
  module.walk([](Operation *op) {
    TypedAttr result = evaluate(op);
    if (!result)
      return;
    OpBuilder builder(op);
    op->getResult(0).replaceAllUsesWith(arith::ConstantOp::create(builder, op->getLoc(), result));
    op->erase();
  });
  WalkResult walk = module.walk([](cf::AssertOp check) {
    IntegerAttr holds;
    if (matchPattern(check.getArg(), m_Constant(&holds)) && !holds.getValue().isZero()) {
      check.erase();
      return WalkResult::advance();
    }
    check.emitError() << "asserts '" << check.getMsg() << "', "
                      << (holds ? "which does not hold" : "which is known only at run time");
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

} // namespace sparseaccel::linalg_to_tosa
