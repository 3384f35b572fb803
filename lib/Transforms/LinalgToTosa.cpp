//===- LinalgToTosa.cpp - sparse-linalg-to-tosa ---------------------------===//

#include "LinalgToTosa.h"
#include "Constants.h"

#include "SparseAccel/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cstring>
#include <numeric>

namespace sparseaccel {
#define GEN_PASS_DEF_LINALGTOTOSA
#include "SparseAccel/Transforms/Passes.h.inc"
} // namespace sparseaccel

using namespace mlir;

namespace sparseaccel::linalg_to_tosa {

ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

RankedTensorType Emitter::type(ArrayRef<int64_t> shape) const {
  return RankedTensorType::get(shape, rewriter.getF32Type());
}

Value Emitter::zeroPoint() { return floats({0.0f}, {1}); }

Value Emitter::shapeConst(ArrayRef<int64_t> shape) {
  auto shapeType = tosa::shapeType::get(rewriter.getContext(), static_cast<int>(shape.size()));
  return tosa::ConstShapeOp::create(rewriter, loc, shapeType, rewriter.getIndexTensorAttr(shape));
}

Value Emitter::floats(ArrayRef<float> values, ArrayRef<int64_t> shape) {
  return tosa::ConstOp::create(rewriter, loc, type(shape), DenseElementsAttr::get(type(shape), values));
}

Value Emitter::splat(float value, int64_t rank) { return floats({value}, Shape(rank, 1)); }

Value Emitter::weights(Value constant, ArrayRef<int64_t> perm, ArrayRef<int64_t> shape) {
  std::vector<float> from = *constantFloats(constant), to(from.size());
  ArrayRef<int64_t> extents = shapeOf(constant);
  Shape strides(extents.size(), 1), turned, turnedStrides;
  for (int64_t d = static_cast<int64_t>(extents.size()) - 2; d >= 0; --d)
    strides[d] = strides[d + 1] * extents[d + 1];
  for (int64_t d : perm) {
    turned.push_back(extents[d]);
    turnedStrides.push_back(strides[d]);
  }
  Shape index(turned.size(), 0);
  int64_t source = 0;
  for (float &value : to) {
    value = from[source];
    for (int64_t d = static_cast<int64_t>(turned.size()) - 1; d >= 0; --d) {
      source += turnedStrides[d];
      if (++index[d] < turned[d])
        break;
      source -= turnedStrides[d] * turned[d];
      index[d] = 0;
    }
  }
  ArrayRef<char> bytes(reinterpret_cast<const char *>(to.data()), to.size() * sizeof(float));
  return createResource(rewriter, loc, type(shape), bytes, "weights");
}

Value Emitter::reshape(Value value, ArrayRef<int64_t> shape) {
  auto from = cast<RankedTensorType>(value.getType());
  if (from.getShape() == shape)
    return value;
  return tosa::ReshapeOp::create(rewriter, loc, RankedTensorType::get(shape, from.getElementType()), value,
                                 shapeConst(shape));
}

Value Emitter::transpose(Value value, ArrayRef<int32_t> perm) {
  auto from = cast<RankedTensorType>(value.getType());
  Shape shape;
  for (int32_t d : perm)
    shape.push_back(from.getDimSize(d));
  return tosa::TransposeOp::create(rewriter, loc, RankedTensorType::get(shape, from.getElementType()), value, perm);
}

Value Emitter::slice(Value value, ArrayRef<int64_t> start, ArrayRef<int64_t> size) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  return tosa::SliceOp::create(rewriter, loc, RankedTensorType::get(size, element), value, shapeConst(start),
                               shapeConst(size));
}

Value Emitter::add(Value a, Value b) {
  return tosa::AddOp::create(rewriter, loc, cast<RankedTensorType>(a.getType()), a, b);
}

Value Emitter::mul(Value a, Value b) {
  auto byte = RankedTensorType::get({1}, rewriter.getI8Type());
  Value shift = tosa::ConstOp::create(rewriter, loc, byte, DenseElementsAttr::get(byte, int8_t(0)));
  return tosa::MulOp::create(rewriter, loc, cast<RankedTensorType>(a.getType()), a, b, shift);
}

std::optional<std::vector<float>> constantFloats(Value value) {
  ElementsAttr elements = constantElements(value);
  if (!elements || !elements.getElementType().isF32())
    return std::nullopt;
  std::vector<char> storage;
  ArrayRef<char> bytes = constantBytes(elements, storage);
  std::vector<float> result(elements.getNumElements());
  if (bytes.size() != result.size() * sizeof(float))
    return std::nullopt;
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

std::optional<float> filledWith(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>()) {
    FloatAttr number;
    if (matchPattern(fill.getInputs().front(), m_Constant(&number)))
      return static_cast<float>(number.getValueAsDouble());
    return std::nullopt;
  }
  if (std::optional<double> splat = constantFloatSplat(value))
    return static_cast<float>(*splat);
  return std::nullopt;
}

std::optional<std::vector<float>> alongOneDim(Value value, int64_t dim) {
  if (dim < 0)
    return std::nullopt;
  if (std::optional<std::vector<float>> floats = constantFloats(value)) {
    ArrayRef<int64_t> shape = shapeOf(value);
    bool vector = dim < static_cast<int64_t>(shape.size()) && shape[dim] == static_cast<int64_t>(floats->size());
    return vector ? floats : std::nullopt;
  }
  auto broadcast = value.getDefiningOp<linalg::BroadcastOp>();
  if (!broadcast || llvm::is_contained(broadcast.getDimensions(), dim))
    return std::nullopt;
  std::optional<std::vector<float>> floats = constantFloats(broadcast.getInput());
  if (!floats || static_cast<int64_t>(floats->size()) != shapeOf(value)[dim])
    return std::nullopt;
  return floats;
}

Padded takePad(Value map, bool channelsFirst, llvm::function_ref<bool(float)> accepts) {
  Padded result{map};
  auto pad = map.getDefiningOp<tensor::PadOp>();
  if (!pad || !pad.getLow().empty() || !pad.getHigh().empty())
    return result;
  FloatAttr number;
  Value with = pad.getConstantPaddingValue();
  if (!with || !matchPattern(with, m_Constant(&number)) || !accepts(static_cast<float>(number.getValueAsDouble())))
    return result;
  ArrayRef<int64_t> low = pad.getStaticLow(), high = pad.getStaticHigh();
  int64_t plane = channelsFirst ? 2 : 1;
  for (int64_t d = 0; d < 4; ++d)
    if ((d < plane || d > plane + 1) && (low[d] != 0 || high[d] != 0))
      return result;
  for (int64_t d = 0; d < 2; ++d) {
    result.low[d] = low[plane + d];
    result.high[d] = high[plane + d];
  }
  result.map = pad.getSource();
  return result;
}

Value trim(Emitter &emit, Value map, const Window &window, Padded &pads) {
  Shape size(shapeOf(map));
  bool shorter = false;
  for (int64_t d = 0; d < 2; ++d) {
    int64_t needed = (window.out[d] - 1) * window.stride[d] + (window.kernel[d] - 1) * window.dilation[d] + 1;
    int64_t excess = size[d + 1] + pads.low[d] + pads.high[d] - needed;
    int64_t ofPad = std::min(excess, pads.high[d]);
    pads.high[d] -= ofPad;
    size[d + 1] -= excess - ofPad;
    shorter |= excess > ofPad;
  }
  return shorter ? emit.slice(map, Shape(4, 0), size) : map;
}

namespace {

/// Everything has a static shape, and nothing but tensors is computed with.
LogicalResult checkShapes(ModuleOp module) {
  WalkResult walk = module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    for (Type type : llvm::concat<const Type>(op->getOperandTypes(), op->getResultTypes())) {
      if (isa<BaseMemRefType>(type)) {
        op->emitError() << "computes on memory; expected linalg on tensors, before bufferization";
        return WalkResult::interrupt();
      }
      if (auto shaped = dyn_cast<TensorType>(type); shaped && !shaped.hasStaticShape()) {
        op->emitError() << "has " << type << "; expected tensors of static shape";
        return WalkResult::interrupt();
      }
    }
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

/// What no pattern took: first the operations that compute, then what only served them.
LogicalResult checkNothingLeft(ModuleOp module, bool servants) {
  WalkResult walk = module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    bool linear = isa_and_nonnull<linalg::LinalgDialect>(op->getDialect());
    bool serves = isa<linalg::FillOp, linalg::BroadcastOp>(op) ||
                  isa_and_nonnull<tensor::TensorDialect, arith::ArithDialect>(op->getDialect());
    if (servants ? !serves : !linear || serves)
      return WalkResult::advance();
    InFlightDiagnostic diagnostic = op->emitError() << "has no like in TOSA";
    if (isa<linalg::GenericOp>(op)) {
      diagnostic << ": expected a named operation, or arithmetic on float32 elements";
      if (Operation *inner = firstWithoutName(op))
        diagnostic.attachNote(inner->getLoc()) << "nothing named does what '" << inner->getName() << "' does here";
    }
    if (linear && !isa<linalg::GenericOp>(op))
      diagnostic << " as it stands here: expected float32 tensors, dilations of 1 in pools, and outputs that a fill, a "
                    "broadcast vector or another tensor initialises";
    diagnostic.attachNote() << "docs/linalg.md lists the operations that are taken";
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

struct LinalgToTosa : impl::LinalgToTosaBase<LinalgToTosa> {
  using LinalgToTosaBase::LinalgToTosaBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(checkShapes(module)) || failed(settleNumbers(module)))
      return signalPassFailure();
    auto apply = [&](void (*populate)(RewritePatternSet &)) {
      RewritePatternSet patterns(&getContext());
      populate(patterns);
      GreedyRewriteConfig config;
      config.setUseTopDownTraversal(true); // an epilogue finds its contraction done
      config.enableFolding(false);         // folding turns resources into inline constants
      return applyPatternsGreedily(module, std::move(patterns), config);
    };
    bool good = succeeded(apply([](RewritePatternSet &patterns) {
                  linalg::populateLinalgGenericOpsSpecializationPatterns(patterns);
                })) &&
                succeeded(apply([](RewritePatternSet &patterns) {
                  populateDecomposePatterns(patterns);
                  populateReducePatterns(patterns);
                })) &&
                succeeded(apply(populateConstantPatterns)) && succeeded(apply([](RewritePatternSet &patterns) {
                  populateContractionPatterns(patterns);
                  populatePoolPatterns(patterns);
                })) &&
                succeeded(apply(populateElementwisePatterns)) && succeeded(apply(populateShapePatterns)) &&
                succeeded(apply(populateJoinPatterns));
    if (!good || failed(checkNothingLeft(module, /*servants=*/false)) || failed(checkNothingLeft(module, true)))
      signalPassFailure();
  }
};

} // namespace
} // namespace sparseaccel::linalg_to_tosa
