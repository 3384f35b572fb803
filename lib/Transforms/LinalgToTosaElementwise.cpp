//===- LinalgToTosaElementwise.cpp - Element by element, and soft-max -----===//

#include "Constants.h"
#include "LinalgToTosa.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace sparseaccel::linalg_to_tosa {
namespace {

/// An operand as TOSA broadcasts it: extents of 1 where linalg repeats.
Value broadcastable(Emitter &emit, Value operand) {
  int64_t rank = static_cast<int64_t>(shapeOf(operand).size());
  if (std::optional<float> number = filledWith(operand); number && rank > 0)
    return emit.splat(*number, rank);
  auto broadcast = operand.getDefiningOp<linalg::BroadcastOp>();
  if (!broadcast)
    return operand;
  Shape shape(shapeOf(operand));
  for (int64_t d : broadcast.getDimensions())
    shape[d] = 1;
  if (std::optional<std::vector<float>> floats = constantFloats(broadcast.getInput()))
    return emit.floats(*floats, shape);
  return emit.reshape(broadcast.getInput(), shape);
}

Value clamp(Emitter &emit, Value value, float low, float high) {
  return tosa::ClampOp::create(emit.rewriter, emit.loc, cast<RankedTensorType>(value.getType()), value,
                               emit.rewriter.getF32FloatAttr(low), emit.rewriter.getF32FloatAttr(high));
}

/// x times a number; what a mean was multiplied by to become a sum goes away with the division that follows.
Value scaled(Emitter &emit, Value x, float factor) {
  auto isMean = [](Value value) {
    if (auto transpose = value.getDefiningOp<tosa::TransposeOp>())
      value = transpose.getInput1();
    return value.getDefiningOp<tosa::AvgPool2dOp>() != nullptr;
  };
  if (auto mul = x.getDefiningOp<tosa::MulOp>(); mul && isMean(mul.getInput1()))
    if (std::optional<float> count = filledWith(mul.getInput2())) {
      float both = *count * factor;
      // A reciprocal that was rounded is still one.
      return std::fabs(both - 1.0f) < 1e-6f ? mul.getInput1() : scaled(emit, mul.getInput1(), both);
    }
  return emit.mul(x, emit.splat(factor, static_cast<int64_t>(shapeOf(x).size())));
}

template <typename Op>
Value unary(Emitter &emit, Value x) {
  return Op::create(emit.rewriter, emit.loc, cast<RankedTensorType>(x.getType()), x);
}

/// The TOSA of an element-by-element operation by linalg's name for it, or null.
Value emitElementwise(Emitter &emit, StringRef name, ValueRange operands, RankedTensorType type) {
  constexpr float kHighest = std::numeric_limits<float>::max();
  Value x = operands[0];
  if (operands.size() == 1) {
    using Make = Value (*)(Emitter &, Value);
    Make make = llvm::StringSwitch<Make>(name)
                    .Case("exp", unary<tosa::ExpOp>)
                    .Case("log", unary<tosa::LogOp>)
                    .Case("abs", unary<tosa::AbsOp>)
                    .Case("ceil", unary<tosa::CeilOp>)
                    .Case("floor", unary<tosa::FloorOp>)
                    .Case("erf", unary<tosa::ErfOp>)
                    .Case("tanh", unary<tosa::TanhOp>)
                    .Case("rsqrt", unary<tosa::RsqrtOp>)
                    .Case("reciprocal", unary<tosa::ReciprocalOp>)
                    .Default(nullptr);
    if (make)
      return make(emit, x);
    int64_t rank = type.getRank();
    if (name == "negf")
      return emit.mul(x, emit.splat(-1.0f, rank));
    if (name == "square")
      return emit.mul(x, x);
    if (name == "sqrt")
      return tosa::PowOp::create(emit.rewriter, emit.loc, type, x, emit.splat(0.5f, rank));
    return {};
  }
  if (operands.size() == 3) {
    if (name != "select")
      return {};
    return tosa::SelectOp::create(emit.rewriter, emit.loc, type, x, broadcastable(emit, operands[1]),
                                  broadcastable(emit, operands[2]));
  }
  Value y = operands[1];
  // TOSA's operands change places freely where linalg's do: a number stands second.
  bool commutes =
      name == "add" || name == "mul" || name == "max" || name == "max_signed" || name == "min" || name == "min_signed";
  if (commutes && (filledWith(x) || x.getDefiningOp<linalg::BroadcastOp>()))
    std::swap(x, y);
  if (filledWith(x) && filledWith(y))
    return {};
  std::optional<float> number = filledWith(y);
  auto binary = [&](auto tag) -> Value {
    using Op = decltype(tag);
    return Op::create(emit.rewriter, emit.loc, type, broadcastable(emit, x), broadcastable(emit, y));
  };
  if (name == "add") {
    if (Value joined = joinBias(emit, x, y, 1))
      return joined;
    return binary(tosa::AddOp());
  }
  if (name == "sub") {
    if (Value joined = joinBias(emit, x, y, -1))
      return joined;
    return binary(tosa::SubOp());
  }
  if (name == "mul")
    if (Value joined = joinScale(emit, x, y))
      return joined;
  if (name == "mul")
    return number ? scaled(emit, x, *number) : emit.mul(x, broadcastable(emit, y));
  if (name == "div") {
    if (number)
      return scaled(emit, x, 1.0f / *number);
    Value inverse = unary<tosa::ReciprocalOp>(emit, broadcastable(emit, y));
    Value left = broadcastable(emit, x);
    return shapeOf(left) == type.getShape() ? emit.mul(left, inverse) : emit.mul(inverse, left);
  }
  if (name == "max" || name == "max_signed")
    return number ? clamp(emit, x, *number, kHighest) : binary(tosa::MaximumOp());
  if (name == "min" || name == "min_signed")
    return number ? clamp(emit, x, -kHighest, *number) : binary(tosa::MinimumOp());
  if (name == "powf")
    return binary(tosa::PowOp());
  return {};
}

struct Elementwise final : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op, PatternRewriter &rewriter) const override {
    if (isa<linalg::GenericOp, linalg::FillOp, linalg::CopyOp, linalg::BroadcastOp, linalg::TransposeOp,
            linalg::ReduceOp>(op.getOperation()))
      return failure();
    if (op->getNumResults() != 1 || op.getNumLoops() != op.getNumParallelLoops())
      return rewriter.notifyMatchFailure(op, "not element by element");
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    if (!type.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "not float32");
    for (AffineMap map : op.getIndexingMapsArray())
      if (!map.isIdentity())
        return rewriter.notifyMatchFailure(op, "operands in other orders");
    StringRef name = op->getName().stripDialect();
    std::string kind;
    if (auto elementwise = dyn_cast<linalg::ElementwiseOp>(op.getOperation()))
      name = kind = stringifyElementwiseKind(elementwise.getKind()).str();
    Emitter emit(rewriter, op.getLoc());
    Value result = emitElementwise(emit, name, op.getDpsInputs(), type);
    if (!result)
      return rewriter.notifyMatchFailure(op, "no like in TOSA");
    rewriter.replaceOp(op, result);
    return success();
  }
};

Value reduce(Emitter &emit, Value x, int64_t axis, bool sum) {
  Shape shape(shapeOf(x));
  shape[axis] = 1;
  auto position = static_cast<uint32_t>(axis);
  if (sum)
    return tosa::ReduceSumOp::create(emit.rewriter, emit.loc, emit.type(shape), x, position);
  return tosa::ReduceMaxOp::create(emit.rewriter, emit.loc, emit.type(shape), x, position);
}

struct Softmax final : OpRewritePattern<linalg::SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::SoftmaxOp op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 || !getElementTypeOrSelf(op->getResult(0)).isF32())
      return rewriter.notifyMatchFailure(op, "not float32 tensors");
    Emitter emit(rewriter, op.getLoc());
    Value x = op.getInput();
    auto axis = static_cast<int64_t>(op.getDimension());
    auto type = cast<RankedTensorType>(x.getType());
    Value shifted = tosa::SubOp::create(rewriter, op.getLoc(), type, x, reduce(emit, x, axis, /*sum=*/false));
    Value powers = unary<tosa::ExpOp>(emit, shifted);
    Value inverse = unary<tosa::ReciprocalOp>(emit, reduce(emit, powers, axis, /*sum=*/true));
    rewriter.replaceOp(op, emit.mul(powers, inverse));
    return success();
  }
};

} // namespace

void populateElementwisePatterns(RewritePatternSet &patterns) {
  patterns.add<Elementwise, Softmax>(patterns.getContext());
}

} // namespace sparseaccel::linalg_to_tosa
