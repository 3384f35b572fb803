//===- LinalgToTosaGeneric.cpp - Bodies of generic operations and maps ----===//
//
// torch-mlir and others write what has no named operation, or several in a row, as one linalg.generic or linalg.map: a
// ReLU as a comparison and a choice, a normalisation as a subtraction, a product and a sum. Where the body computes
// element by element, each of its operations becomes a named one, and broadcasts and transposes become linalg's own, so
// that the patterns behind see what a model of named operations has.
//
//===----------------------------------------------------------------------===//

#include "LinalgToTosa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sparseaccel::linalg_to_tosa {
namespace {

/// A minimum or maximum that is written as a comparison and a choice.
enum class Choice { None, Max, Min };

Choice choiceOf(arith::SelectOp select) {
  auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
  if (!compare)
    return Choice::None;
  using Predicate = arith::CmpFPredicate;
  Predicate predicate = compare.getPredicate();
  bool greater = llvm::is_contained({Predicate::OGT, Predicate::OGE, Predicate::UGT, Predicate::UGE}, predicate);
  bool less = llvm::is_contained({Predicate::OLT, Predicate::OLE, Predicate::ULT, Predicate::ULE}, predicate);
  if (!greater && !less)
    return Choice::None;
  // Constants are often written twice.
  auto same = [](Value a, Value b) {
    FloatAttr left, right;
    return a == b || (matchPattern(a, m_Constant(&left)) && matchPattern(b, m_Constant(&right)) && left == right);
  };
  if (same(compare.getLhs(), select.getTrueValue()) && same(compare.getRhs(), select.getFalseValue()))
    return greater ? Choice::Max : Choice::Min;
  if (same(compare.getRhs(), select.getTrueValue()) && same(compare.getLhs(), select.getFalseValue()))
    return greater ? Choice::Min : Choice::Max;
  return Choice::None;
}

using Make = Value (*)(OpBuilder &, Location, ValueRange, Value);

template <typename Named>
Value make(OpBuilder &builder, Location loc, ValueRange inputs, Value output) {
  return Named::create(builder, loc, inputs, ValueRange{output})->getResult(0);
}

/// The named operation that does to tensors what `op` does to elements, or null.
Make namedLike(Operation *op) {
  return llvm::TypeSwitch<Operation *, Make>(op)
      .Case<arith::AddFOp>([](auto) { return make<linalg::AddOp>; })
      .Case<arith::SubFOp>([](auto) { return make<linalg::SubOp>; })
      .Case<arith::MulFOp>([](auto) { return make<linalg::MulOp>; })
      .Case<arith::DivFOp>([](auto) { return make<linalg::DivOp>; })
      .Case<arith::MaximumFOp, arith::MaxNumFOp>([](auto) { return make<linalg::MaxOp>; })
      .Case<arith::MinimumFOp, arith::MinNumFOp>([](auto) { return make<linalg::MinOp>; })
      .Case<arith::NegFOp>([](auto) { return make<linalg::NegFOp>; })
      .Case<math::PowFOp>([](auto) { return make<linalg::PowFOp>; })
      .Case<math::ExpOp>([](auto) { return make<linalg::ExpOp>; })
      .Case<math::LogOp>([](auto) { return make<linalg::LogOp>; })
      .Case<math::AbsFOp>([](auto) { return make<linalg::AbsOp>; })
      .Case<math::CeilOp>([](auto) { return make<linalg::CeilOp>; })
      .Case<math::FloorOp>([](auto) { return make<linalg::FloorOp>; })
      .Case<math::ErfOp>([](auto) { return make<linalg::ErfOp>; })
      .Case<math::TanhOp>([](auto) { return make<linalg::TanhOp>; })
      .Case<math::SqrtOp>([](auto) { return make<linalg::SqrtOp>; })
      .Case<math::RsqrtOp>([](auto) { return make<linalg::RsqrtOp>; })
      .Default(Make(nullptr));
}

/// The operand's dimensions as the loops count them: each result of the map is a loop, or 0 for an extent of 1.
bool isTakenMap(AffineMap map, Value operand) {
  llvm::SmallDenseSet<unsigned> loops;
  for (auto [d, expr] : llvm::enumerate(map.getResults())) {
    if (auto loop = dyn_cast<AffineDimExpr>(expr)) {
      if (!loops.insert(loop.getPosition()).second)
        return false;
    } else if (auto number = dyn_cast<AffineConstantExpr>(expr);
               !number || number.getValue() != 0 || shapeOf(operand)[d] != 1) {
      return false;
    }
  }
  return true;
}

/// A map that says 0 where its operand and the loop of that place have an extent of 1 means that loop.
AffineMap withLoopsOfOne(AffineMap map, ArrayRef<int64_t> extents) {
  if (map.getNumResults() != extents.size())
    return map;
  SmallVector<AffineExpr> results(map.getResults());
  for (auto [d, expr] : llvm::enumerate(results))
    if (isa<AffineConstantExpr>(expr) && extents[d] == 1 && !map.isFunctionOfDim(d))
      expr = getAffineDimExpr(d, map.getContext());
  return AffineMap::get(map.getNumDims(), 0, results, map.getContext());
}

/// The operand with one dimension for each loop, in their order.
Value spread(OpBuilder &builder, Location loc, Value operand, AffineMap map, RankedTensorType type) {
  if (map.isIdentity())
    return operand;
  Shape kept;
  SmallVector<int64_t> loops;
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices group;
  for (auto [d, expr] : llvm::enumerate(map.getResults())) {
    group.push_back(static_cast<int64_t>(d));
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop)
      continue;
    groups.push_back(std::exchange(group, {}));
    loops.push_back(loop.getPosition());
    kept.push_back(shapeOf(operand)[d]);
  }
  if (!group.empty() && !groups.empty())
    groups.back().append(group);
  auto empty = [&](ArrayRef<int64_t> shape) {
    return tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
  };
  if (loops.size() < map.getNumResults())
    operand = tensor::CollapseShapeOp::create(builder, loc, RankedTensorType::get(kept, type.getElementType()), operand,
                                              groups);
  if (!llvm::is_sorted(loops)) {
    SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, static_cast<int64_t>(loops.size())));
    llvm::sort(perm, [&](int64_t a, int64_t b) { return loops[a] < loops[b]; });
    Shape turned;
    for (int64_t d : perm)
      turned.push_back(kept[d]);
    operand = linalg::TransposeOp::create(builder, loc, operand, empty(turned), perm)->getResult(0);
  }
  SmallVector<int64_t> added;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (!llvm::is_contained(loops, d))
      added.push_back(d);
  if (!added.empty())
    operand = linalg::BroadcastOp::create(builder, loc, operand, empty(type.getShape()), added)->getResult(0);
  return operand;
}

struct Decompose final : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op, PatternRewriter &rewriter) const override {
    if (!isa<linalg::GenericOp, linalg::MapOp>(op.getOperation()))
      return failure();
    if (op->getNumResults() != 1 || op.getNumLoops() == 0 || op.getNumLoops() != op.getNumParallelLoops())
      return rewriter.notifyMatchFailure(op, "not one result, element by element");
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    Block &body = *op.getBlock();
    OpOperand *output = op.getDpsInitOperand(0);
    AffineMap outputMap = op.getMatchingIndexingMap(output);
    if (!type || !type.getElementType().isF32() || !outputMap.isPermutation())
      return rewriter.notifyMatchFailure(op, "not float32, or not each element once");
    // Everything is computed in the loops' order, and turned at last to the result's.
    RankedTensorType resultType = type;
    SmallVector<int64_t> order;
    Shape extents(type.getRank());
    for (auto [d, expr] : llvm::enumerate(outputMap.getResults())) {
      order.push_back(cast<AffineDimExpr>(expr).getPosition());
      extents[order.back()] = type.getDimSize(d);
    }
    type = type.clone(extents);
    SmallVector<OpOperand *> inputs;
    for (OpOperand *input : op.getDpsInputOperands())
      if (!op.getMatchingBlockArgument(input).use_empty())
        inputs.push_back(input);
    if (!op.getMatchingBlockArgument(output).use_empty() && !outputMap.isIdentity())
      return rewriter.notifyMatchFailure(op, "reads its output in another order");
    for (OpOperand *input : inputs)
      if (auto from = dyn_cast<RankedTensorType>(input->get().getType());
          !from || !from.getElementType().isF32() || !isTakenMap(op.getMatchingIndexingMap(input), input->get()))
        return rewriter.notifyMatchFailure(op, "operands that are no broadcasts or transposes");
    // Check all of the body before anything is made.
    auto isElement = [&](Value value) {
      if (auto argument = dyn_cast<BlockArgument>(value); argument && argument.getOwner() == &body)
        return true;
      Operation *def = value.getDefiningOp();
      FloatAttr number;
      return def && (def->getBlock() == &body || matchPattern(value, m_Constant(&number)));
    };
    for (Operation &inner : body.without_terminator()) {
      if (isa<arith::ConstantOp, arith::CmpFOp>(inner))
        continue; // a comparison counts by its choices
      auto select = dyn_cast<arith::SelectOp>(inner);
      if ((select ? choiceOf(select) == Choice::None : !namedLike(&inner)) || inner.getNumResults() != 1 ||
          !inner.getResult(0).getType().isF32() ||
          !llvm::all_of(inner.getOperands().drop_front(select ? 1 : 0), isElement))
        return rewriter.notifyMatchFailure(op, "computes what no named operation does");
    }
    Value yielded = body.getTerminator()->getOperand(0);
    if (!isElement(yielded))
      return rewriter.notifyMatchFailure(op, "gives a value from outside");

    Location loc = op.getLoc();
    IRMapping tensors;
    for (OpOperand *operand : inputs)
      tensors.map(op.getMatchingBlockArgument(operand),
                  spread(rewriter, loc, operand->get(),
                         withLoopsOfOne(op.getMatchingIndexingMap(operand), type.getShape()), type));
    if (!op.getMatchingBlockArgument(output).use_empty())
      tensors.map(op.getMatchingBlockArgument(output), output->get());
    auto whole = [&](Value element) -> Value {
      if (Value known = tensors.lookupOrNull(element))
        return known;
      FloatAttr number;
      [[maybe_unused]] bool constant = matchPattern(element, m_Constant(&number));
      assert(constant && "checked above");
      Value scalar = arith::ConstantOp::create(rewriter, loc, number);
      Value empty = tensor::EmptyOp::create(rewriter, loc, type.getShape(), type.getElementType());
      Value filled = linalg::FillOp::create(rewriter, loc, scalar, empty)->getResult(0);
      tensors.map(element, filled);
      return filled;
    };
    for (Operation &inner : body.without_terminator()) {
      if (isa<arith::ConstantOp, arith::CmpFOp>(inner))
        continue;
      auto select = dyn_cast<arith::SelectOp>(inner);
      SmallVector<Value> operands;
      for (Value operand : inner.getOperands().drop_front(select ? 1 : 0))
        operands.push_back(whole(operand));
      Make named = !select                           ? namedLike(&inner)
                   : choiceOf(select) == Choice::Max ? make<linalg::MaxOp>
                                                     : make<linalg::MinOp>;
      Value empty = tensor::EmptyOp::create(rewriter, loc, type.getShape(), type.getElementType());
      tensors.map(inner.getResult(0), named(rewriter, loc, operands, empty));
    }
    Value result = whole(yielded);
    if (!outputMap.isIdentity()) {
      Value empty = tensor::EmptyOp::create(rewriter, loc, resultType.getShape(), resultType.getElementType());
      result = linalg::TransposeOp::create(rewriter, loc, result, empty, order)->getResult(0);
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

Operation *firstWithoutName(Operation *op) {
  for (Operation &inner : op->getRegion(0).front().without_terminator()) {
    auto select = dyn_cast<arith::SelectOp>(inner);
    if (!isa<arith::ConstantOp, arith::CmpFOp>(inner) &&
        (select ? choiceOf(select) == Choice::None : !namedLike(&inner)))
      return &inner;
  }
  return nullptr;
}

void populateDecomposePatterns(RewritePatternSet &patterns) { patterns.add<Decompose>(patterns.getContext()); }

} // namespace sparseaccel::linalg_to_tosa
