//===- FloatHostKernels.cpp - Ops of a float model by the host's kernels --===//
//
// TOSA in the words of isa::HostOp. Whether a kernel takes an op's types and shapes is its own check's to say.
//
//===----------------------------------------------------------------------===//

#include "FloatKernels.h"

#include "SparseAccel/Runtime/HostOps.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "llvm/ADT/TypeSwitch.h"

#include <limits>

using namespace mlir;

namespace sparseaccel::cpu {

namespace {

using isa::BinaryKind;
using isa::HostKind;
using isa::ReduceKind;
using isa::UnaryKind;

/// Truth values are bytes on both sides.
isa::ElementType hostType(ElementType type) {
  switch (type) {
  case ElementType::I1:
  case ElementType::I8:
    return isa::ElementType::I8;
  case ElementType::I16:
    return isa::ElementType::I16;
  case ElementType::I32:
    return isa::ElementType::I32;
  case ElementType::I48:
    return isa::ElementType::I48;
  case ElementType::I64:
    return isa::ElementType::I64;
  case ElementType::F32:
    return isa::ElementType::F32;
  }
  llvm_unreachable("element type");
}

/// The arguments of a host operator, and which of the op's tensors it reads.
struct Call {
  HostKind kind = HostKind::Reshape;
  std::vector<int64_t> i = {};
  std::vector<double> f = {};
  unsigned inputs = 1; ///< The first of the op's.
};
using MaybeCall = std::optional<Call>;

Call unary(UnaryKind kind) { return {HostKind::Unary, {static_cast<int64_t>(kind)}}; }
Call binary(BinaryKind kind) { return {HostKind::Binary, {static_cast<int64_t>(kind)}, {}, 2}; }
Call reduce(ReduceKind kind, int64_t axis) { return {HostKind::Reduce, {static_cast<int64_t>(kind), axis}}; }

/// A zero point, shift or the like that changes nothing.
bool isZero(Value value) {
  if (auto integers = integersOf(value))
    return llvm::all_of(*integers, [](int64_t element) { return element == 0; });
  auto constant = value.getDefiningOp<tosa::ConstOp>();
  auto floats = constant ? dyn_cast<DenseFPElementsAttr>(constant.getValues()) : DenseFPElementsAttr();
  return floats && llvm::all_of(floats.getValues<APFloat>(), [](const APFloat &element) { return element.isZero(); });
}

MaybeCall unaryCall(Operation *op) {
  return llvm::TypeSwitch<Operation *, MaybeCall>(op)
      .Case([](tosa::ExpOp) { return unary(UnaryKind::Exp); })
      .Case([](tosa::LogOp) { return unary(UnaryKind::Log); })
      .Case([](tosa::ReciprocalOp) { return unary(UnaryKind::Reciprocal); })
      .Case([](tosa::RsqrtOp) { return unary(UnaryKind::Rsqrt); })
      .Case([](tosa::SigmoidOp) { return unary(UnaryKind::Sigmoid); })
      .Case([](tosa::TanhOp) { return unary(UnaryKind::Tanh); })
      .Case([](tosa::AbsOp) { return unary(UnaryKind::Abs); })
      .Case([](tosa::ErfOp) { return unary(UnaryKind::Erf); })
      .Case([](tosa::FloorOp) { return unary(UnaryKind::Floor); })
      .Case([](tosa::CeilOp) { return unary(UnaryKind::Ceil); })
      .Case([](tosa::SinOp) { return unary(UnaryKind::Sin); })
      .Case([](tosa::CosOp) { return unary(UnaryKind::Cos); })
      .Case([](tosa::LogicalNotOp) { return unary(UnaryKind::Not); })
      .Case([](tosa::NegateOp negate) {
        bool plain = isZero(negate.getInput1Zp()) && isZero(negate.getOutputZp());
        return plain ? MaybeCall(unary(UnaryKind::Neg)) : std::nullopt;
      })
      .Default([](Operation *) { return std::nullopt; });
}

MaybeCall binaryCall(Operation *op) {
  return llvm::TypeSwitch<Operation *, MaybeCall>(op)
      .Case([](tosa::AddOp) { return binary(BinaryKind::Add); })
      .Case([](tosa::SubOp) { return binary(BinaryKind::Sub); })
      .Case([](tosa::MulOp mul) { return isZero(mul.getShift()) ? MaybeCall(binary(BinaryKind::Mul)) : std::nullopt; })
      .Case([](tosa::MaximumOp) { return binary(BinaryKind::Max); })
      .Case([](tosa::MinimumOp) { return binary(BinaryKind::Min); })
      .Case([](tosa::PowOp) { return binary(BinaryKind::Pow); })
      .Case([](tosa::GreaterOp) { return binary(BinaryKind::Greater); })
      .Case([](tosa::GreaterEqualOp) { return binary(BinaryKind::GreaterEqual); })
      .Case([](tosa::EqualOp) { return binary(BinaryKind::Equal); })
      // Of truth values.
      .Case([](tosa::LogicalAndOp) { return binary(BinaryKind::Min); })
      .Case([](tosa::LogicalOrOp) { return binary(BinaryKind::Max); })
      .Default([](Operation *) { return std::nullopt; });
}

MaybeCall reduceCall(Operation *op) {
  return llvm::TypeSwitch<Operation *, MaybeCall>(op)
      .Case([](tosa::ReduceSumOp op) { return reduce(ReduceKind::Sum, op.getAxis()); })
      .Case([](tosa::ReduceMaxOp op) { return reduce(ReduceKind::Max, op.getAxis()); })
      .Case([](tosa::ReduceMinOp op) { return reduce(ReduceKind::Min, op.getAxis()); })
      .Case([](tosa::ReduceProductOp op) { return reduce(ReduceKind::Product, op.getAxis()); })
      .Case([](tosa::ReduceAllOp op) { return reduce(ReduceKind::Min, op.getAxis()); })
      .Case([](tosa::ReduceAnyOp op) { return reduce(ReduceKind::Max, op.getAxis()); })
      .Default([](Operation *) { return std::nullopt; });
}

MaybeCall padCall(tosa::PadOp pad) {
  auto amounts = integersOf(pad.getPadding());
  auto constant = pad.getPadConst().getDefiningOp<tosa::ConstOp>();
  if (!amounts || !constant)
    return std::nullopt;
  Call call{HostKind::Pad};
  for (size_t side : {0, 1})
    for (size_t axis = 0; axis < amounts->size() / 2; ++axis)
      call.i.push_back((*amounts)[2 * axis + side]);
  if (auto floats = dyn_cast<DenseFPElementsAttr>(constant.getValues()))
    call.f = {(*floats.value_begin<APFloat>()).convertToDouble()};
  else if (auto integers = integersOf(pad.getPadConst()))
    call.f = {static_cast<double>(integers->front())};
  else
    return std::nullopt;
  return call;
}

MaybeCall movementCall(Operation *op) {
  return llvm::TypeSwitch<Operation *, MaybeCall>(op)
      .Case<tosa::ReshapeOp, tosa::IdentityOp>([](auto) { return Call{HostKind::Reshape}; })
      .Case([](tosa::TransposeOp transpose) {
        return Call{HostKind::Transpose,
                    std::vector<int64_t>(transpose.getPerms().begin(), transpose.getPerms().end())};
      })
      .Case([](tosa::SliceOp slice) -> MaybeCall {
        auto start = integersOf(slice.getStart()), size = integersOf(slice.getSize());
        if (!start || !size)
          return std::nullopt;
        Call call{HostKind::Slice, {start->begin(), start->end()}};
        call.i.insert(call.i.end(), size->begin(), size->end());
        return call;
      })
      .Case([](tosa::PadOp pad) { return padCall(pad); })
      .Case([](tosa::ConcatOp concat) {
        return Call{HostKind::Concat, {static_cast<int64_t>(concat.getAxis())}, {}, concat->getNumOperands()};
      })
      .Case([](tosa::ReverseOp reverse) {
        return Call{HostKind::Reverse, {static_cast<int64_t>(reverse.getAxis())}};
      })
      .Case([](tosa::TileOp tile) -> MaybeCall {
        auto multiples = integersOf(tile.getMultiples());
        return multiples ? MaybeCall(Call{HostKind::Tile, {multiples->begin(), multiples->end()}}) : std::nullopt;
      })
      .Case([](tosa::GatherOp) {
        return Call{HostKind::Gather, {}, {}, 2};
      })
      .Case([](tosa::SelectOp) {
        return Call{HostKind::Select, {}, {}, 3};
      })
      .Default([](Operation *) { return std::nullopt; });
}

std::vector<int64_t> windowArguments(ArrayRef<int64_t> kernel, ArrayRef<int64_t> stride, ArrayRef<int64_t> pad) {
  std::vector<int64_t> arguments;
  for (ArrayRef<int64_t> part : {kernel, stride, pad})
    arguments.insert(arguments.end(), part.begin(), part.end());
  return arguments;
}

MaybeCall contractionCall(Operation *op) {
  bool isFloat = getElementTypeOrSelf(op->getResult(0)).isF32();
  return llvm::TypeSwitch<Operation *, MaybeCall>(op)
      .Case([](tosa::MaxPool2dOp pool) {
        return Call{HostKind::MaxPool, windowArguments(pool.getKernel(), pool.getStride(), pool.getPad())};
      })
      .Case([&](tosa::AvgPool2dOp pool) -> MaybeCall {
        if (!isFloat)
          return std::nullopt;
        return Call{HostKind::AvgPool, windowArguments(pool.getKernel(), pool.getStride(), pool.getPad())};
      })
      .Case([&](tosa::Conv2DOp conv) -> MaybeCall {
        if (!isFloat)
          return std::nullopt;
        Call call{HostKind::Conv, windowArguments(conv.getStride(), conv.getPad(), conv.getDilation()), {}, 3};
        call.i.push_back(1);
        return call;
      })
      .Case([&](tosa::MatMulOp) {
        return isFloat ? MaybeCall(Call{HostKind::MatMul, {}, {}, 2}) : std::nullopt;
      })
      .Default([](Operation *) { return std::nullopt; });
}

MaybeCall conversionCall(Operation *op) {
  if (auto clamp = dyn_cast<tosa::ClampOp>(op)) {
    auto bound = [](Attribute value) {
      auto real = dyn_cast<FloatAttr>(value);
      return real ? real.getValueAsDouble() : static_cast<double>(cast<IntegerAttr>(value).getInt());
    };
    return Call{HostKind::Clamp, {}, {bound(clamp.getMinVal()), bound(clamp.getMaxVal())}};
  }
  // To a truth value a cast is a comparison.
  if (auto cast = dyn_cast<tosa::CastOp>(op); cast && !getElementTypeOrSelf(cast.getType()).isInteger(1))
    return Call{HostKind::Cast};
  return std::nullopt;
}

MaybeCall callOf(Operation *op) {
  for (auto find : {unaryCall, binaryCall, reduceCall, movementCall, contractionCall, conversionCall})
    if (MaybeCall call = find(op))
      return call;
  return std::nullopt;
}

struct Operand {
  isa::ElementType type;
  std::vector<uint32_t> shape;
  size_t bytes;
};

class HostKernel : public FloatKernel {
public:
  HostKernel(Location loc, isa::HostOp op, std::vector<Operand> inputs, Operand output)
      : loc(loc), op(std::move(op)), inputs(std::move(inputs)), output(std::move(output)) {}

  absl::Status check() const {
    std::vector<runtime::HostTensor> in;
    for (const Operand &input : inputs)
      in.push_back(tensor(input, nullptr));
    runtime::HostTensor out = tensor(output, nullptr);
    return runtime::checkHostOp(op, in, absl::MakeSpan(&out, 1));
  }

  LogicalResult run(ArrayRef<const uint8_t *> in, ArrayRef<uint8_t *> out) const override {
    SmallVector<runtime::HostTensor> tensors;
    for (auto [operand, bytes] : llvm::zip_first(inputs, in))
      tensors.push_back(tensor(operand, const_cast<uint8_t *>(bytes))); // inputs are not written
    runtime::HostTensor result = tensor(output, out.front());
    absl::Status status =
        runtime::runHostOp(op, absl::MakeConstSpan(tensors.data(), tensors.size()), absl::MakeSpan(&result, 1));
    if (!status.ok())
      return emitError(loc) << std::string(status.message());
    return success();
  }

private:
  static runtime::HostTensor tensor(const Operand &operand, uint8_t *bytes) {
    return {operand.type, operand.shape, absl::MakeSpan(bytes, bytes ? operand.bytes : 0)};
  }

  Location loc;
  isa::HostOp op;
  std::vector<Operand> inputs;
  Operand output;
};

/// Nothing for a tensor that the host's kernels do not take; 48 bits wrap there as 64 do.
std::optional<Operand> operandOf(const TensorType &type) {
  if (type.element == ElementType::I48)
    return std::nullopt;
  Operand operand{hostType(type.element), {}, static_cast<size_t>(type.elements()) * byteSize(type.element)};
  for (int64_t extent : type.shape) {
    if (extent < 0 || extent > std::numeric_limits<uint32_t>::max())
      return std::nullopt;
    operand.shape.push_back(static_cast<uint32_t>(extent));
  }
  return operand;
}

} // namespace

std::unique_ptr<FloatKernel> makeHostKernel(const KernelSite &site) {
  MaybeCall call = callOf(site.op);
  if (!call || site.outputs.size() != 1 || site.inputs.size() < call->inputs)
    return nullptr;
  std::vector<Operand> inputs;
  for (const TensorType &type : ArrayRef<TensorType>(site.inputs).take_front(call->inputs)) {
    std::optional<Operand> operand = operandOf(type);
    if (!operand)
      return nullptr;
    inputs.push_back(std::move(*operand));
  }
  std::optional<Operand> output = operandOf(site.outputs.front());
  if (!output)
    return nullptr;
  isa::HostOp op;
  op.kind = call->kind;
  op.name = site.op->getName().getStringRef().str();
  op.i = std::move(call->i);
  op.f = std::move(call->f);
  auto kernel = std::make_unique<HostKernel>(site.op->getLoc(), std::move(op), std::move(inputs), std::move(*output));
  return kernel->check().ok() ? std::move(kernel) : nullptr;
}

} // namespace sparseaccel::cpu
