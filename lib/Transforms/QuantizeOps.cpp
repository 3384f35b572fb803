//===- QuantizeOps.cpp - What sparse-quantize knows of TOSA's ops ---------===//

#include "Locations.h"
#include "QuantizePlan.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sparseaccel::quantize {

OpClass classify(Operation *op) {
  return TypeSwitch<Operation *, OpClass>(op)
      .Case<tosa::ConstOp, tosa::ConstShapeOp>([](auto) { return OpClass::Constant; })
      .Case<tosa::Conv2DOp, tosa::DepthwiseConv2DOp, tosa::MatMulOp>([](auto) { return OpClass::Contraction; })
      .Case<tosa::AvgPool2dOp, tosa::MaxPool2dOp>([](auto) { return OpClass::Pool; })
      .Case<tosa::ConcatOp, tosa::SliceOp, tosa::PadOp, tosa::ReshapeOp, tosa::TransposeOp, tosa::ReverseOp,
            tosa::ClampOp, tosa::TileOp, tosa::IdentityOp, tosa::GatherOp>([](auto) { return OpClass::Preserving; })
      .Case<tosa::AddOp, tosa::SubOp, tosa::MaximumOp, tosa::MinimumOp, tosa::MulOp, tosa::SigmoidOp, tosa::TanhOp>(
          [](auto) { return OpClass::Arithmetic; })
      .Default([](Operation *) { return OpClass::Float; });
}

bool isConstant(Value value) {
  Operation *op = value.getDefiningOp();
  return op && classify(op) == OpClass::Constant;
}

SmallVector<unsigned> activationOperands(Operation *op) {
  SmallVector<unsigned> candidates;
  switch (classify(op)) {
  case OpClass::Constant:
  case OpClass::Float:
    return {};
  case OpClass::Contraction:
    if (isa<tosa::MatMulOp>(op))
      return {0, 1};
    return {0};
  case OpClass::Pool:
    return {0};
  case OpClass::Preserving:
    if (!isa<tosa::ConcatOp>(op))
      return {0};
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      candidates.push_back(i);
    return candidates;
  case OpClass::Arithmetic:
    for (unsigned i = 0, e = isa<tosa::SigmoidOp, tosa::TanhOp>(op) ? 1 : 2; i < e; ++i)
      if (!isConstant(op->getOperand(i)))
        candidates.push_back(i);
    return candidates;
  }
  llvm_unreachable("unknown class");
}

FailureOr<std::vector<float>> floatValues(Value constant) {
  auto op = constant.getDefiningOp<tosa::ConstOp>();
  if (!op || !getElementTypeOrSelf(op.getType()).isF32())
    return failure();
  if (auto resource = dyn_cast<DenseF32ResourceElementsAttr>(op.getValues())) {
    std::optional<ArrayRef<float>> values = resource.tryGetAsArrayRef();
    if (!values)
      return failure();
    return std::vector<float>(values->begin(), values->end());
  }
  if (auto dense = dyn_cast<DenseFPElementsAttr>(op.getValues()))
    return std::vector<float>(dense.getValues<float>().begin(), dense.getValues<float>().end());
  return failure();
}

std::optional<double> positiveSplat(Value value) {
  auto op = value.getDefiningOp<tosa::ConstOp>();
  auto dense = op ? dyn_cast<DenseFPElementsAttr>(op.getValues()) : DenseFPElementsAttr();
  if (!dense || !dense.isSplat() || !dense.getElementType().isF32())
    return std::nullopt;
  const float splat = dense.getSplatValue<float>();
  return splat > 0 ? std::optional<double>(splat) : std::nullopt;
}

std::string nodeName(Operation *op) {
  std::string name = nameInLocation(op->getLoc());
  return name.empty() ? op->getName().stripDialect().str() : name;
}

} // namespace sparseaccel::quantize
