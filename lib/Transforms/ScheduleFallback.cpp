//===- ScheduleFallback.cpp - What a machine lacks goes to the host -------===//

#include "Constants.h"
#include "ScheduleNetwork.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringSet.h"

#include <limits>

using namespace mlir;
using namespace sparseaccel;

namespace {

/// Names for values that are none of the model's: they must not bear the name of one.
class ValueNames {
public:
  explicit ValueNames(Operation *op) : context(op->getContext()) {
    for (auto layer : op->getBlock()->getOps<accel::LayerOpInterface>())
      taken.insert(layer.getValueName());
  }
  /// `base` itself where there is no part.
  StringAttr unique(StringRef base, StringRef part) {
    std::string name = part.empty() ? base.str() : (base + "." + part).str();
    if (!part.empty())
      for (unsigned i = 1; !taken.insert(name).second; ++i)
        name = (base + "." + part + "." + Twine(i)).str();
    return StringAttr::get(context, name);
  }

private:
  MLIRContext *context;
  llvm::StringSet<> taken;
};

/// Writes one layer as host operators that compute the same integers.
class Fallback {
public:
  Fallback(IRRewriter &rewriter, Operation *op) : rewriter(rewriter), op(op), names(op) {
    rewriter.setInsertionPoint(op);
  }
  /// Null where no host operators compute it exactly.
  Value build();

private:
  /// The host's tensors are dense: constants as they were before they were encoded, activations and the result with
  /// another type.
  void makeDense();
  Value contract(accel::ContractionOp contraction);
  Value host(accel::HostKind kind, Type type, ValueRange inputs, ArrayRef<int64_t> ints, StringRef part);
  Value rescaled(Value input, Type type, int32_t multiplier, int32_t shift, int64_t low, int64_t high, StringRef part);
  /// By the numerics' multiplier (one, where there is none) or multipliers, clamped.
  Value finish(Value input, accel::NumericsAttr numerics);
  Value finishByChannel(Value input, accel::NumericsAttr numerics);
  /// A table is a gather from what it gives for every integer of the operand's type.
  Value lookUp(accel::TableOp table);
  Value reshaped(Value input, ArrayRef<int64_t> shape, StringAttr layer, StringAttr value);
  /// A constant of integers for the host.
  template <typename T>
  Value constant(ArrayRef<int64_t> shape, ArrayRef<T> values, StringRef part);
  StringAttr named(StringRef base, StringRef part) {
    return rewriter.getStringAttr(part.empty() ? base : (base + "." + part).str());
  }

  IRRewriter &rewriter;
  Operation *op;
  ValueNames names;
};

Value Fallback::host(accel::HostKind kind, Type type, ValueRange inputs, ArrayRef<int64_t> ints, StringRef part) {
  auto layer = cast<accel::LayerOpInterface>(op);
  return accel::HostOp::create(rewriter, op->getLoc(), type, kind, inputs, rewriter.getDenseI64ArrayAttr(ints),
                               rewriter.getDenseF64ArrayAttr({}), named(layer.getLayerName(), part),
                               names.unique(layer.getValueName(), part));
}

Value Fallback::rescaled(Value input, Type type, int32_t multiplier, int32_t shift, int64_t low, int64_t high,
                         StringRef part) {
  return host(accel::HostKind::Rescale, type, input, {multiplier, shift, low, high}, part);
}

Value Fallback::finish(Value input, accel::NumericsAttr numerics) {
  if (numerics.getMultiplier().size() > 1)
    return finishByChannel(input, numerics);
  bool one = numerics.getMultiplier().empty();
  return rescaled(input, op->getResult(0).getType(), one ? 1 << 14 : numerics.getMultiplier()[0],
                  one ? 14 : numerics.getShift()[0], numerics.getClampMin(), numerics.getClampMax(), "");
}

/// The host's rescale has one shift. With s >= t, (x * m + 2^(t-1)) >> t is (x * (m << (s - t)) + 2^(s-1)) >> s, so that
/// one product by channel and the longest shift do for all channels whose products stay within 64 bits. The others form
/// further groups; a channel's product is 0 in every group but its own, and so is its share of the sum of all.
Value Fallback::finishByChannel(Value input, accel::NumericsAttr numerics) {
  ArrayRef<int32_t> multiplier = numerics.getMultiplier(), shift = numerics.getShift();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  unsigned bits = cast<RankedTensorType>(input.getType()).getElementTypeBitWidth();
  // |x| <= 2^(bits-1) and m < 2^31: with this span, |x * (m << span)| + 2^(s-1) < 2^63 for s up to 62.
  int32_t span = 62 - (static_cast<int32_t>(bits) - 1) - 31;
  Value product = host(accel::HostKind::Cast, type.clone(rewriter.getI64Type()), input, {}, "wide"), sum;
  SmallVector<bool> done(multiplier.size(), false);
  for (int group = 0; !llvm::all_of(done, [](bool value) { return value; }); ++group) {
    int32_t longest = 0;
    for (auto [isDone, bitsOfOne] : llvm::zip(done, shift))
      longest = isDone ? longest : std::max(longest, bitsOfOne);
    SmallVector<int64_t> factors(multiplier.size(), 0);
    for (auto [channel, factor] : llvm::enumerate(factors))
      if (!done[channel] && longest - shift[channel] <= span) {
        factor = static_cast<int64_t>(multiplier[channel]) << (longest - shift[channel]);
        done[channel] = true;
      }
    SmallVector<int64_t> shape(type.getRank(), 1);
    shape.back() = static_cast<int64_t>(factors.size());
    std::string part = std::to_string(group);
    Value scaled = host(accel::HostKind::Binary, product.getType(),
                        {product, constant<int64_t>(shape, factors, "factors" + part)},
                        {static_cast<int64_t>(isa::BinaryKind::Mul)}, "product" + part);
    Value narrow = rescaled(scaled, type.clone(rewriter.getI32Type()), 1, longest, std::numeric_limits<int32_t>::min(),
                            std::numeric_limits<int32_t>::max(), "scaled" + part);
    if (sum)
      narrow = host(accel::HostKind::Binary, narrow.getType(), {sum, narrow},
                    {static_cast<int64_t>(isa::BinaryKind::Add)}, "sum" + part);
    sum = narrow;
  }
  return rescaled(sum, type, 1 << 14, 14, numerics.getClampMin(), numerics.getClampMax(), "");
}

template <typename T>
Value Fallback::constant(ArrayRef<int64_t> shape, ArrayRef<T> values, StringRef part) {
  auto type = RankedTensorType::get(shape, rewriter.getIntegerType(8 * sizeof(T)));
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
  return createResource(rewriter, op->getLoc(), type, bytes,
                        named(cast<accel::LayerOpInterface>(op).getLayerName(), part));
}

Value Fallback::reshaped(Value input, ArrayRef<int64_t> shape, StringAttr layer, StringAttr value) {
  auto type = cast<RankedTensorType>(input.getType()).clone(shape);
  return accel::ReshapeOp::create(rewriter, op->getLoc(), type, input, layer, value);
}

Value Fallback::lookUp(accel::TableOp table) {
  accel::NumericsAttr numerics = table.getNumerics();
  ArrayRef<int16_t> entries = numerics.getTable();
  bool rescales = !numerics.getMultiplier().empty();
  int64_t low = table.getInput().getType().getElementTypeBitWidth() == 8 ? -128 : -32768;
  // As TOSA's TABLE and, behind it, RESCALE have it.
  std::vector<int16_t> results;
  for (int64_t x = low; x < -low; ++x) {
    int64_t value;
    if (low == -128) {
      value = entries[x - low];
    } else {
      int64_t at = (x - low) >> 7, fraction = (x - low) & 127;
      value = entries[at] * 128 + (entries[at + 1] - entries[at]) * fraction;
    }
    if (rescales) {
      int32_t shift = numerics.getShift()[0];
      value = static_cast<int32_t>((value * numerics.getMultiplier()[0] + (int64_t(1) << (shift - 1))) >> shift);
    }
    results.push_back(static_cast<int16_t>(std::clamp(value, numerics.getClampMin(), numerics.getClampMax())));
  }
  StringRef layer = table.getLayer(), name = table.getValue();
  RankedTensorType type = table.getResult().getType();
  int64_t count = type.getNumElements();
  Value every;
  if (type.getElementTypeBitWidth() == 8)
    every = constant<int8_t>({1, -2 * low, 1}, std::vector<int8_t>(results.begin(), results.end()), "results");
  else
    every = constant<int16_t>({1, -2 * low, 1}, results, "results");
  Value wide = host(accel::HostKind::Cast, RankedTensorType::get(type.getShape(), rewriter.getI32Type()),
                    table.getInput(), {}, "wide");
  Value flat = reshaped(wide, {1, count}, named(layer, "flat"), names.unique(name, "flat"));
  Value index = host(accel::HostKind::Binary, flat.getType(),
                     {flat, constant<int32_t>({1, 1}, {static_cast<int32_t>(-low)}, "zero")},
                     {static_cast<int64_t>(isa::BinaryKind::Add)}, "index");
  Value found = accel::HostOp::create(rewriter, op->getLoc(), type.clone({1, count, 1}), accel::HostKind::Gather,
                                      ValueRange{every, index}, rewriter.getDenseI64ArrayAttr({}),
                                      rewriter.getDenseF64ArrayAttr({}), table.getLayerAttr(), names.unique(name, "found"));
  return reshaped(found, type.getShape(), named(layer, "reshape"), table.getValueAttr());
}

void Fallback::makeDense() {
  auto dense = [](Value value) { value.setType(sparsity::withEncoding(value.getType(), Attribute())); };
  for (OpOperand &operand : op->getOpOperands()) {
    while (auto encode = operand.get().getDefiningOp<sparsity::EncodeOp>())
      operand.set(encode.getSource());
    if (cast<RankedTensorType>(operand.get().getType()).getEncoding())
      dense(operand.get());
  }
  dense(op->getResult(0));
}

Value Fallback::contract(accel::ContractionOp contraction) {
  accel::NumericsAttr numerics = contraction.getNumerics();
  SmallVector<int64_t> ints;
  for (ArrayRef<int64_t> window : {contraction.getStrides(), contraction.getPads(), contraction.getDilations()})
    llvm::append_range(ints, window);
  ArrayRef<int64_t> bias = numerics.getBias();
  size_t scales = numerics.getMultiplier().size();
  llvm::append_values(ints, static_cast<int64_t>(contraction.getGroups()), static_cast<int64_t>(contraction.getKind()),
                      numerics.getClampMin(), numerics.getClampMax(), static_cast<int64_t>(bias.size()),
                      static_cast<int64_t>(scales));
  llvm::append_range(ints, bias);
  llvm::append_range(ints, numerics.getMultiplier());
  llvm::append_range(ints, numerics.getShift());
  return host(accel::HostKind::Conv, contraction.getResult().getType(),
              {contraction.getInput(), contraction.getWeights()}, ints, "");
}

Value Fallback::build() {
  makeDense();
  Type type = op->getResult(0).getType();
  if (auto contraction = dyn_cast<accel::ContractionOp>(op))
    return contract(contraction);
  if (auto concat = dyn_cast<accel::ConcatOp>(op))
    return host(accel::HostKind::Concat, type, op->getOperands(), {static_cast<int64_t>(concat.getAxis())}, "");
  if (auto rescale = dyn_cast<accel::RescaleOp>(op))
    return finish(rescale.getInput(), rescale.getNumerics());
  if (auto table = dyn_cast<accel::TableOp>(op))
    return lookUp(table);
  if (auto pool = dyn_cast<accel::PoolOp>(op)) {
    bool max = pool.getKind() == accel::PoolKind::Max;
    SmallVector<int64_t> ints(pool.getKernel());
    llvm::append_range(ints, pool.getStrides());
    llvm::append_range(ints, pool.getPads());
    return finish(host(max ? accel::HostKind::MaxPool : accel::HostKind::AvgPool, type, pool.getInput(), ints,
                       max ? "max" : "avg"),
                  pool.getNumerics());
  }
  if (auto elementwise = dyn_cast<accel::ElementwiseOp>(op)) {
    accel::NumericsAttr numerics = elementwise.getNumerics();
    Type wide = RankedTensorType::get(cast<RankedTensorType>(type).getShape(), rewriter.getI32Type());
    auto widened = [&](Value input, int32_t multiplier, int32_t shift, StringRef part) {
      if (!multiplier)
        return host(accel::HostKind::Cast, wide, input, {}, part);
      return rescaled(input, wide, multiplier, shift, std::numeric_limits<int32_t>::min(),
                      std::numeric_limits<int32_t>::max(), part);
    };
    Value a = widened(elementwise.getLhs(), numerics.getAMultiplier(), numerics.getAShift(), "a");
    Value b = widened(elementwise.getRhs(), numerics.getBMultiplier(), numerics.getBShift(), "b");
    // The first kinds of isa::BinaryKind are those of elementwise work.
    Value both = host(accel::HostKind::Binary, wide, {a, b}, {static_cast<int64_t>(elementwise.getKind())}, "sum");
    return finish(both, numerics);
  }
  return {};
}

} // namespace

static_assert(static_cast<int>(isa::BinaryKind::Min) == static_cast<int>(accel::ElementwiseKind::Min));

Operation *sparseaccel::toFourRanks(Operation *op) {
  auto layer = cast<accel::LayerOpInterface>(op);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  auto concat = dyn_cast<accel::ConcatOp>(op);
  // What stands before the axis of a concatenation, the axis, and what stands behind it; all else keeps its last ranks.
  auto collapse = [&](ArrayRef<int64_t> shape) {
    auto product = [](ArrayRef<int64_t> extents) {
      int64_t result = 1;
      for (int64_t extent : extents)
        result *= extent;
      return result;
    };
    if (concat)
      return SmallVector<int64_t>{product(shape.take_front(concat.getAxis())), shape[concat.getAxis()],
                                  product(shape.drop_front(concat.getAxis() + 1))};
    SmallVector<int64_t> result{product(shape.drop_back(3))};
    llvm::append_range(result, shape.take_back(3));
    return result;
  };
  IRRewriter rewriter(op);
  ValueNames names(op);
  auto named = [&](StringRef base, const Twine &part) { return rewriter.getStringAttr(base + "." + part); };
  SmallVector<Value> operands;
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    auto from = cast<RankedTensorType>(operand.getType());
    std::string part = "flat" + std::to_string(index);
    if (ElementsAttr constant = constantOf(operand)) {
      std::vector<char> storage;
      operands.push_back(createResource(rewriter, operand.getLoc(), from.clone(collapse(from.getShape())),
                                        constantBytes(constant, storage), named(layer.getLayerName(), part)));
      continue;
    }
    operands.push_back(accel::ReshapeOp::create(rewriter, op->getLoc(), from.clone(collapse(from.getShape())), operand,
                                                named(layer.getLayerName(), part),
                                                names.unique(layer.getValueName(), part)));
  }
  Operation *flat = rewriter.clone(*op);
  flat->setOperands(operands);
  flat->getResult(0).setType(type.clone(collapse(type.getShape())));
  flat->setAttr("value", names.unique(layer.getValueName(), "flat"));
  if (concat)
    cast<accel::ConcatOp>(flat).setAxis(1);
  rewriter.replaceOpWithNewOp<accel::ReshapeOp>(op, type, flat->getResult(0), named(layer.getLayerName(), "reshape"),
                                                rewriter.getStringAttr(layer.getValueName()));
  return flat;
}

LogicalResult sparseaccel::moveToHost(Operation *op, const absl::Status &reason) {
  IRRewriter rewriter(op->getContext());
  Value result = Fallback(rewriter, op).build();
  if (!result)
    return op->emitOpError() << "cannot run: " << messageOf(reason) << ", and the host has no exact kernel for it";
  remark::missed(op->getLoc(), remark::RemarkOpts::name("host").category("sparse-schedule"))
      << ("node '" + cast<accel::LayerOpInterface>(op).getLayerName() + "' runs on the host: " + messageOf(reason))
             .str();
  auto func = op->getParentOfType<func::FuncOp>();
  rewriter.replaceOp(op, result);
  // An encoding that was taken off an argument or a result is no longer the function's either.
  if (func) {
    Block &entry = func.getBody().front();
    func.setType(
        FunctionType::get(rewriter.getContext(), entry.getArgumentTypes(), entry.getTerminator()->getOperandTypes()));
  }
  return success();
}
