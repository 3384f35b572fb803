//===- FuseLayersHost.cpp - What is left, and what the host runs ----------===//
//
// The host's operators are a closed list (isa::HostKind): data movement on any type, arithmetic on float32.
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "FuseLayers.h"

#include "SparseAccel/Target/ISA/Program.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::fuse;

static bool isFloat(Value value) { return getElementTypeOrSelf(value.getType()).isF32(); }

static LogicalResult replaceWithHost(PatternRewriter &rewriter, Operation *op, accel::HostKind kind, ValueRange inputs,
                                     ArrayRef<int64_t> ints = {}, ArrayRef<double> floats = {}) {
  rewriter.replaceOpWithNewOp<accel::HostOp>(op, op->getResult(0).getType(), kind, inputs, ints, floats, nodeName(op),
                                             valueName(op));
  return success();
}

namespace {

//===----------------------------------------------------------------------===//
// The model's edge
//===----------------------------------------------------------------------===//

/// cast(x * constant) from float32 to integers.
struct HostQuantize : OpRewritePattern<tosa::CastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::CastOp op, PatternRewriter &rewriter) const override {
    if (!isFloat(op.getInput()) || !isActivation(op.getType()))
      return rewriter.notifyMatchFailure(op, "is no cast from float32 to 8 or 16 bits");
    Value input = op.getInput();
    double factor = 1;
    if (auto mul = input.getDefiningOp<tosa::MulOp>())
      for (int side : {0, 1})
        if (std::optional<double> splat = constantFloatSplat(mul->getOperand(side));
            splat && mul->getOperand(1 - side).getType() == mul.getType()) {
          factor = *splat;
          input = mul->getOperand(1 - side);
          break;
        }
    rewriter.replaceOpWithNewOp<accel::HostOp>(op, op.getType(), accel::HostKind::Quantize, ValueRange{input},
                                               ArrayRef<int64_t>{}, ArrayRef<double>{factor}, nodeName(op),
                                               valueName(op));
    return success();
  }
};

/// cast(x) * constant from integers to float32, or such a cast alone.
struct HostDequantize : OpRewritePattern<tosa::MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::MulOp op, PatternRewriter &rewriter) const override {
    for (int side : {0, 1}) {
      auto cast = op->getOperand(side).getDefiningOp<tosa::CastOp>();
      std::optional<double> splat = constantFloatSplat(op->getOperand(1 - side));
      if (!cast || !splat || !isActivation(cast.getInput().getType()) || cast.getType() != op.getType())
        continue;
      rewriter.replaceOpWithNewOp<accel::HostOp>(op, op.getType(), accel::HostKind::Dequantize,
                                                 ValueRange{cast.getInput()}, ArrayRef<int64_t>{},
                                                 ArrayRef<double>{*splat}, nodeName(op), valueName(op));
      return success();
    }
    return rewriter.notifyMatchFailure(op, "is no cast from 8 or 16 bits times a constant");
  }
};

struct HostCast : OpRewritePattern<tosa::CastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::CastOp op, PatternRewriter &rewriter) const override {
    if (isActivation(op.getInput().getType()) && isFloat(op)) {
      rewriter.replaceOpWithNewOp<accel::HostOp>(op, op.getType(), accel::HostKind::Dequantize,
                                                 ValueRange{op.getInput()}, ArrayRef<int64_t>{}, ArrayRef<double>{1.0},
                                                 nodeName(op), valueName(op));
      return success();
    }
    return replaceWithHost(rewriter, op, accel::HostKind::Cast, op.getInput());
  }
};

//===----------------------------------------------------------------------===//
// Data movement
//===----------------------------------------------------------------------===//

struct LowerReshape : OpRewritePattern<tosa::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::ReshapeOp op, PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<accel::ReshapeOp>(op, op.getType(), op.getInput1(), nodeName(op), valueName(op));
    return success();
  }
};

struct LowerConcat : OpRewritePattern<tosa::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::ConcatOp op, PatternRewriter &rewriter) const override {
    if (!isActivation(op.getType()))
      return replaceWithHost(rewriter, op, accel::HostKind::Concat, op->getOperands(),
                             {static_cast<int64_t>(op.getAxis())});
    rewriter.replaceOpWithNewOp<accel::ConcatOp>(op, op.getType(), op.getInput1(), static_cast<int64_t>(op.getAxis()),
                                                 nodeName(op), valueName(op));
    return success();
  }
};

struct LowerClamp : OpRewritePattern<tosa::ClampOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::ClampOp op, PatternRewriter &rewriter) const override {
    if (auto low = dyn_cast<FloatAttr>(op.getMinVal())) {
      auto high = cast<FloatAttr>(op.getMaxVal());
      return replaceWithHost(rewriter, op, accel::HostKind::Clamp, op.getInput(), {},
                             {low.getValueAsDouble(), high.getValueAsDouble()});
    }
    if (!isActivation(op.getType()))
      return rewriter.notifyMatchFailure(op, "elements must have 8 or 16 bits");
    // A rescale by one: (x * 2^14 + 2^13) >> 14 is x.
    auto numerics = accel::NumericsAttr::getRescale(
        getContext(), {}, {1 << 14}, {14}, getElementTypeOrSelf(op.getType()).isInteger(8),
        cast<IntegerAttr>(op.getMinVal()).getInt(), cast<IntegerAttr>(op.getMaxVal()).getInt());
    rewriter.replaceOpWithNewOp<accel::RescaleOp>(op, op.getType(), op.getInput(), numerics, nodeName(op),
                                                  valueName(op));
    return success();
  }
};

std::optional<isa::BinaryKind> comparisonKind(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<isa::BinaryKind>>(op)
      .Case<tosa::GreaterOp>([](auto) { return isa::BinaryKind::Greater; })
      .Case<tosa::GreaterEqualOp>([](auto) { return isa::BinaryKind::GreaterEqual; })
      .Case<tosa::EqualOp>([](auto) { return isa::BinaryKind::Equal; })
      .Default([](Operation *) { return std::nullopt; });
}

/// Truth values as the host has them, in bytes; null where they are neither constant nor a comparison of floats.
Value truthBytes(PatternRewriter &rewriter, Value condition) {
  auto type = RankedTensorType::get(cast<RankedTensorType>(condition.getType()).getShape(), rewriter.getI8Type());
  if (auto constant = constantIntegers(condition)) {
    SmallVector<int8_t> bytes;
    for (int64_t truth : *constant)
      bytes.push_back(truth != 0);
    if (bytes.size() == 1)
      bytes.resize(type.getNumElements(), bytes.front());
    return tosa::ConstOp::create(rewriter, condition.getLoc(), type,
                                 DenseIntElementsAttr::get(type, ArrayRef<int8_t>(bytes)));
  }
  Operation *op = condition.getDefiningOp();
  auto kind = op ? comparisonKind(op) : std::nullopt;
  if (!kind || !isFloat(op->getOperand(0)))
    return {};
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  return accel::HostOp::create(rewriter, op->getLoc(), type, accel::HostKind::Binary, op->getOperands(),
                               ArrayRef<int64_t>{static_cast<int64_t>(*kind)}, ArrayRef<double>(), nodeName(op),
                               valueName(op));
}

/// transpose, slice, pad, reverse, tile, gather and select.
struct HostMovement : RewritePattern {
  HostMovement(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case([&](tosa::TransposeOp transpose) {
          return replaceWithHost(rewriter, op, accel::HostKind::Transpose, transpose.getInput1(),
                                 llvm::to_vector_of<int64_t>(transpose.getPerms()));
        })
        .Case([&](tosa::SliceOp slice) {
          auto start = constantIntegers(slice.getStart()), size = constantIntegers(slice.getSize());
          if (!start || !size)
            return LogicalResult(rewriter.notifyMatchFailure(op, "start and size must be constants"));
          SmallVector<int64_t> ints(*start);
          ints.append(*size);
          return replaceWithHost(rewriter, op, accel::HostKind::Slice, slice.getInput1(), ints);
        })
        .Case([&](tosa::PadOp pad) {
          auto amounts = constantIntegers(pad.getPadding());
          auto constant = constantElements(pad.getPadConst());
          if (!amounts || !constant)
            return LogicalResult(rewriter.notifyMatchFailure(op, "padding must be constant"));
          double value = 0;
          if (std::optional<double> splat = constantFloatSplat(pad.getPadConst()))
            value = *splat;
          else if (auto integers = constantIntegers(pad.getPadConst()))
            value = static_cast<double>(integers->front());
          SmallVector<int64_t> ints;
          for (size_t side : {0, 1})
            for (size_t rank = 0; rank < amounts->size() / 2; ++rank)
              ints.push_back((*amounts)[2 * rank + side]);
          return replaceWithHost(rewriter, op, accel::HostKind::Pad, pad.getInput1(), ints, {value});
        })
        .Case([&](tosa::ReverseOp reverse) {
          return replaceWithHost(rewriter, op, accel::HostKind::Reverse, reverse.getInput1(),
                                 {static_cast<int64_t>(reverse.getAxis())});
        })
        .Case([&](tosa::TileOp tile) {
          auto multiples = constantIntegers(tile.getMultiples());
          if (!multiples)
            return LogicalResult(rewriter.notifyMatchFailure(op, "multiples must be constant"));
          return replaceWithHost(rewriter, op, accel::HostKind::Tile, tile.getInput1(), *multiples);
        })
        .Case([&](tosa::GatherOp gather) {
          return replaceWithHost(rewriter, op, accel::HostKind::Gather, gather->getOperands());
        })
        .Case([&](tosa::SelectOp select) {
          Value truth = truthBytes(rewriter, select.getInput1());
          if (!truth)
            return LogicalResult(
                rewriter.notifyMatchFailure(op, "the condition must be a dense constant or a comparison of floats"));
          return replaceWithHost(rewriter, op, accel::HostKind::Select,
                                 {truth, select.getInput2(), select.getInput3()});
        })
        .Case([&](tosa::IdentityOp identity) {
          rewriter.replaceOp(op, identity.getInput1());
          return success();
        })
        .Default([](Operation *) { return failure(); });
  }
};

//===----------------------------------------------------------------------===//
// Arithmetic on float32
//===----------------------------------------------------------------------===//

std::optional<isa::UnaryKind> unaryKind(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<isa::UnaryKind>>(op)
      .Case<tosa::ExpOp>([](auto) { return isa::UnaryKind::Exp; })
      .Case<tosa::LogOp>([](auto) { return isa::UnaryKind::Log; })
      .Case<tosa::ReciprocalOp>([](auto) { return isa::UnaryKind::Reciprocal; })
      .Case<tosa::RsqrtOp>([](auto) { return isa::UnaryKind::Rsqrt; })
      .Case<tosa::SigmoidOp>([](auto) { return isa::UnaryKind::Sigmoid; })
      .Case<tosa::TanhOp>([](auto) { return isa::UnaryKind::Tanh; })
      .Case<tosa::AbsOp>([](auto) { return isa::UnaryKind::Abs; })
      .Case<tosa::NegateOp>([](auto) { return isa::UnaryKind::Neg; })
      .Case<tosa::ErfOp>([](auto) { return isa::UnaryKind::Erf; })
      .Case<tosa::FloorOp>([](auto) { return isa::UnaryKind::Floor; })
      .Case<tosa::CeilOp>([](auto) { return isa::UnaryKind::Ceil; })
      .Case<tosa::SinOp>([](auto) { return isa::UnaryKind::Sin; })
      .Case<tosa::CosOp>([](auto) { return isa::UnaryKind::Cos; })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<isa::BinaryKind> binaryKind(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<isa::BinaryKind>>(op)
      .Case<tosa::AddOp>([](auto) { return isa::BinaryKind::Add; })
      .Case<tosa::SubOp>([](auto) { return isa::BinaryKind::Sub; })
      .Case<tosa::MulOp>([](auto) { return isa::BinaryKind::Mul; })
      .Case<tosa::MaximumOp>([](auto) { return isa::BinaryKind::Max; })
      .Case<tosa::MinimumOp>([](auto) { return isa::BinaryKind::Min; })
      .Case<tosa::PowOp>([](auto) { return isa::BinaryKind::Pow; })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<std::pair<isa::ReduceKind, int64_t>> reduceKind(Operation *op) {
  using Result = std::optional<std::pair<isa::ReduceKind, int64_t>>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([](tosa::ReduceSumOp reduce) { return Result({isa::ReduceKind::Sum, reduce.getAxis()}); })
      .Case([](tosa::ReduceMaxOp reduce) { return Result({isa::ReduceKind::Max, reduce.getAxis()}); })
      .Case([](tosa::ReduceMinOp reduce) { return Result({isa::ReduceKind::Min, reduce.getAxis()}); })
      .Case([](tosa::ReduceProductOp reduce) { return Result({isa::ReduceKind::Product, reduce.getAxis()}); })
      .Default([](Operation *) { return Result(); });
}

struct HostArithmetic : RewritePattern {
  HostArithmetic(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 || op->getNumOperands() == 0 || !isFloat(op->getResult(0)) ||
        !isFloat(op->getOperand(0)))
      return failure();
    if (auto kind = unaryKind(op))
      return replaceWithHost(rewriter, op, accel::HostKind::Unary, op->getOperand(0), {static_cast<int64_t>(*kind)});
    if (auto kind = binaryKind(op))
      return replaceWithHost(rewriter, op, accel::HostKind::Binary, op->getOperands().take_front(2),
                             {static_cast<int64_t>(*kind)});
    if (auto kind = reduceKind(op))
      return replaceWithHost(rewriter, op, accel::HostKind::Reduce, op->getOperand(0),
                             {static_cast<int64_t>(kind->first), kind->second});
    if (auto matmul = dyn_cast<tosa::MatMulOp>(op))
      return replaceWithHost(rewriter, op, accel::HostKind::MatMul, {matmul.getA(), matmul.getB()});
    auto window = [](ArrayRef<int64_t> kernel, ArrayRef<int64_t> stride, ArrayRef<int64_t> pad) {
      SmallVector<int64_t> ints(kernel);
      ints.append(stride.begin(), stride.end());
      ints.append(pad.begin(), pad.end());
      return ints;
    };
    if (auto pool = dyn_cast<tosa::MaxPool2dOp>(op))
      return replaceWithHost(rewriter, op, accel::HostKind::MaxPool, pool.getInput(),
                             window(pool.getKernel(), pool.getStride(), pool.getPad()));
    if (auto pool = dyn_cast<tosa::AvgPool2dOp>(op))
      return replaceWithHost(rewriter, op, accel::HostKind::AvgPool, pool.getInput(),
                             window(pool.getKernel(), pool.getStride(), pool.getPad()));
    if (auto conv = dyn_cast<tosa::Conv2DOp>(op)) {
      SmallVector<int64_t> ints = window(conv.getStride(), conv.getPad(), conv.getDilation());
      ints.push_back(1);
      return replaceWithHost(rewriter, op, accel::HostKind::Conv, op->getOperands().take_front(3), ints);
    }
    return failure();
  }
};

/// A call of a function with sparsity.host = {kind, ...}.
struct HostCall : OpRewritePattern<func::CallOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(func::CallOp op, PatternRewriter &rewriter) const override {
    auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, op.getCalleeAttr());
    auto host = callee ? callee->getAttrOfType<DictionaryAttr>("sparsity.host") : DictionaryAttr();
    auto kind = host ? host.getAs<StringAttr>("kind") : StringAttr();
    if (!kind || op.getNumResults() != 1)
      return rewriter.notifyMatchFailure(op, "callee is not marked with sparsity.host");
    auto integer = [&](StringRef key) {
      auto value = host.getAs<IntegerAttr>(key);
      return value ? std::optional<int64_t>(value.getInt()) : std::nullopt;
    };
    auto real = [&](StringRef key) {
      auto value = host.getAs<FloatAttr>(key);
      return value ? std::optional<double>(value.getValueAsDouble()) : std::nullopt;
    };
    if (kind == "softmax" && integer("axis"))
      return replaceWithHost(rewriter, op, accel::HostKind::Softmax, op->getOperands(), {*integer("axis")});
    if (kind == "lrn" && integer("size") && real("alpha") && real("beta") && real("bias"))
      return replaceWithHost(rewriter, op, accel::HostKind::Lrn, op->getOperands(), {*integer("size")},
                             {*real("alpha"), *real("beta"), *real("bias")});
    return rewriter.notifyMatchFailure(
        op, "sparsity.host must be a softmax with axis, or an lrn with size, alpha, beta and bias");
  }
};

} // namespace

void fuse::populateEdgePatterns(RewritePatternSet &patterns) {
  patterns.add<HostQuantize, HostDequantize>(patterns.getContext());
}

void fuse::populateHostPatterns(RewritePatternSet &patterns) {
  patterns.add<HostCast, LowerReshape, LowerConcat, LowerClamp, HostCall, HostMovement, HostArithmetic>(
      patterns.getContext());
}
