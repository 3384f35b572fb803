//===- ScheduleFallback.cpp - What a machine lacks goes to the host -------===//

#include "ScheduleNetwork.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringSet.h"

#include <limits>

using namespace mlir;
using namespace sparseaccel;

namespace {

/// Writes one layer as host operators that compute the same integers.
class Fallback {
public:
  Fallback(IRRewriter &rewriter, Operation *op) : rewriter(rewriter), op(op) {
    rewriter.setInsertionPoint(op);
    for (auto layer : op->getBlock()->getOps<accel::LayerOpInterface>())
      taken.insert(layer.getValueName());
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
  /// By the numerics' one multiplier (one, where there is none), clamped.
  Value finish(Value input, accel::NumericsAttr numerics);

  IRRewriter &rewriter;
  Operation *op;
  llvm::StringSet<> taken; ///< Names of values.
};

Value Fallback::host(accel::HostKind kind, Type type, ValueRange inputs, ArrayRef<int64_t> ints, StringRef part) {
  auto layer = cast<accel::LayerOpInterface>(op);
  auto name = [&](StringRef base) { return part.empty() ? base.str() : (base + "." + part).str(); };
  std::string value = name(layer.getValueName());
  if (!part.empty()) // No value of the model: it must not bear the name of one.
    for (unsigned i = 1; !taken.insert(value).second; ++i)
      value = name(layer.getValueName()) + "." + std::to_string(i);
  return accel::HostOp::create(rewriter, op->getLoc(), type, kind, inputs, rewriter.getDenseI64ArrayAttr(ints),
                               rewriter.getDenseF64ArrayAttr({}), rewriter.getStringAttr(name(layer.getLayerName())),
                               rewriter.getStringAttr(value));
}

Value Fallback::rescaled(Value input, Type type, int32_t multiplier, int32_t shift, int64_t low, int64_t high,
                         StringRef part) {
  return host(accel::HostKind::Rescale, type, input, {multiplier, shift, low, high}, part);
}

Value Fallback::finish(Value input, accel::NumericsAttr numerics) {
  if (numerics.getMultiplier().size() > 1)
    return {};
  bool one = numerics.getMultiplier().empty();
  return rescaled(input, op->getResult(0).getType(), one ? 1 << 14 : numerics.getMultiplier()[0],
                  one ? 14 : numerics.getShift()[0], numerics.getClampMin(), numerics.getClampMax(), "");
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
