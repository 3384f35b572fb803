//===- AccelLayerOps.cpp - Verifiers of layer operations ------------------===//

#include "Checks.h"

#include "SparseAccel/Dialect/Accel/Accel.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::accel;

#define GET_OP_CLASSES
#include "SparseAccel/Dialect/Accel/AccelLayerOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Shared checks
//===----------------------------------------------------------------------===//

/// Positions of a window of `size` (dilation applied) along an edge of `extent`; the last ones that do not fit are
/// dropped.
static int64_t windowCount(int64_t extent, int64_t padLow, int64_t padHigh, int64_t size, int64_t stride) {
  int64_t room = extent + padLow + padHigh - size;
  return room < 0 ? 0 : room / stride + 1;
}

static LogicalResult verifyShape(Operation *op, RankedTensorType actual, ArrayRef<int64_t> expected) {
  if (actual.getShape() == expected)
    return success();
  InFlightDiagnostic diag = op->emitOpError() << "result must have shape ";
  llvm::interleave(expected, diag, "x");
  return diag << ", but is " << actual;
}

static LogicalResult verifyClamp(Operation *op, NumericsAttr numerics, Type type) {
  unsigned bits = cast<RankedTensorType>(type).getElementTypeBitWidth();
  int64_t lowest = -(int64_t(1) << (bits - 1)), highest = -lowest - 1;
  if (numerics.getClampMin() < lowest || numerics.getClampMax() > highest)
    return op->emitOpError() << "clamp [" << numerics.getClampMin() << ", " << numerics.getClampMax()
                             << "] is beyond the result's " << bits << " bits";
  return success();
}

/// Multipliers: one, or one an output channel; bias: none, or one an output channel.
static LogicalResult verifyChannels(Operation *op, NumericsAttr numerics, int64_t channels) {
  size_t multipliers = numerics.getMultiplier().size();
  if (multipliers != 1 && multipliers != static_cast<size_t>(channels))
    return op->emitOpError() << "needs 1 or " << channels << " multipliers, but has " << multipliers;
  size_t biases = numerics.getBias().size();
  if (biases != 0 && biases != static_cast<size_t>(channels))
    return op->emitOpError() << "needs no bias or " << channels << ", but has " << biases;
  return success();
}

static LogicalResult verifySameShape(Operation *op, RankedTensorType lhs, RankedTensorType rhs) {
  if (lhs.getShape() != rhs.getShape())
    return op->emitOpError() << "operands and result must have one shape, but there are " << lhs << " and " << rhs;
  return success();
}

//===----------------------------------------------------------------------===//
// ContractionOp
//===----------------------------------------------------------------------===//

std::array<int64_t, 8> ContractionOp::getExtents() {
  ArrayRef<int64_t> weights = getWeights().getType().getShape(), result = getResult().getType().getShape();
  return {result[0], getGroups(), weights[0] / getGroups(), weights[3], result[1], result[2], weights[1], weights[2]};
}

int64_t ContractionOp::getMacs() {
  int64_t macs = 1;
  for (int64_t extent : getExtents())
    macs *= extent;
  return macs;
}

std::string ContractionOp::getKindName() { return stringifyContractionKind(getKind()).str(); }

LogicalResult ContractionOp::verify() {
  if (failed(verifyEntries(*this, "strides", getStrides(), 2, 1)) ||
      failed(verifyEntries(*this, "pads", getPads(), 4, 0)) ||
      failed(verifyEntries(*this, "dilations", getDilations(), 2, 1)))
    return failure();
  ArrayRef<int64_t> input = getInput().getType().getShape(), weights = getWeights().getType().getShape();
  int64_t groups = getGroups();
  if (groups < 1 || weights[0] % groups != 0)
    return emitOpError() << groups << " groups do not divide " << weights[0] << " output channels";
  if (input[3] != groups * weights[3])
    return emitOpError() << "input has " << input[3] << " channels, but weights take " << groups << " groups of "
                         << weights[3];
  if (getKind() == ContractionKind::Depthwise && weights[3] != 1)
    return emitOpError() << "a depthwise contraction has one input channel a group, not " << weights[3];
  ArrayRef<int64_t> pads = getPads(), strides = getStrides(), dilations = getDilations();
  int64_t rows = windowCount(input[1], pads[0], pads[1], (weights[1] - 1) * dilations[0] + 1, strides[0]);
  int64_t columns = windowCount(input[2], pads[2], pads[3], (weights[2] - 1) * dilations[1] + 1, strides[1]);
  if (rows < 1 || columns < 1)
    return emitOpError() << "window of " << weights[1] << "x" << weights[2] << " does not fit the input of " << input[1]
                         << "x" << input[2];
  if (getKind() == ContractionKind::FullyConnected && (rows != 1 || columns != 1))
    return emitOpError() << "a fully connected layer has one output row and column, not " << rows << "x" << columns;
  if (failed(verifyShape(*this, getResult().getType(), {input[0], rows, columns, weights[0]})))
    return failure();
  if (failed(verifyChannels(*this, getNumerics(), weights[0])))
    return failure();
  return verifyClamp(*this, getNumerics(), getResult().getType());
}

//===----------------------------------------------------------------------===//
// The other layers
//===----------------------------------------------------------------------===//

std::string PoolOp::getKindName() { return stringifyPoolKind(getKind()).str() + "_pool"; }

LogicalResult PoolOp::verify() {
  if (failed(verifyEntries(*this, "kernel", getKernel(), 2, 1)) ||
      failed(verifyEntries(*this, "strides", getStrides(), 2, 1)) ||
      failed(verifyEntries(*this, "pads", getPads(), 4, 0)))
    return failure();
  ArrayRef<int64_t> input = getInput().getType().getShape(), kernel = getKernel(), pads = getPads();
  if (pads[0] >= kernel[0] || pads[1] >= kernel[0] || pads[2] >= kernel[1] || pads[3] >= kernel[1])
    return emitOpError() << "pads must be smaller than the kernel, so that every window meets the input";
  int64_t rows = windowCount(input[1], pads[0], pads[1], kernel[0], getStrides()[0]);
  int64_t columns = windowCount(input[2], pads[2], pads[3], kernel[1], getStrides()[1]);
  if (rows < 1 || columns < 1)
    return emitOpError() << "window of " << kernel[0] << "x" << kernel[1] << " does not fit the input of " << input[1]
                         << "x" << input[2];
  if (failed(verifyShape(*this, getResult().getType(), {input[0], rows, columns, input[3]})))
    return failure();
  if (getInput().getType().getElementType() != getResult().getType().getElementType())
    return emitOpError() << "input and result must have one element type";
  return verifyClamp(*this, getNumerics(), getResult().getType());
}

std::string ElementwiseOp::getKindName() { return stringifyElementwiseKind(getKind()).str(); }

LogicalResult ElementwiseOp::verify() {
  if (failed(verifySameShape(*this, getLhs().getType(), getRhs().getType())) ||
      failed(verifySameShape(*this, getLhs().getType(), getResult().getType())))
    return failure();
  if (getNumerics().getMultiplier().size() != 1)
    return emitOpError() << "needs 1 multiplier, but has " << getNumerics().getMultiplier().size();
  return verifyClamp(*this, getNumerics(), getResult().getType());
}

std::string RescaleOp::getKindName() { return "rescale"; }

LogicalResult RescaleOp::verify() {
  if (failed(verifySameShape(*this, getInput().getType(), getResult().getType())))
    return failure();
  RankedTensorType type = getResult().getType();
  if (failed(verifyChannels(*this, getNumerics(), type.getRank() ? type.getShape().back() : 1)))
    return failure();
  return verifyClamp(*this, getNumerics(), type);
}

std::string TableOp::getKindName() { return "table"; }

LogicalResult TableOp::verify() {
  RankedTensorType input = getInput().getType(), result = getResult().getType();
  if (failed(verifySameShape(*this, input, result)))
    return failure();
  size_t expected = input.getElementTypeBitWidth() == 8 ? 256 : 513;
  if (getNumerics().getTable().size() != expected)
    return emitOpError() << "table of " << input.getElementType() << " must have " << expected << " entries, but has "
                         << getNumerics().getTable().size();
  if (expected == 513 && getNumerics().getMultiplier().size() != 1)
    return emitOpError() << "interpolated results of 23 bits need 1 multiplier";
  return verifyClamp(*this, getNumerics(), result);
}

std::string ConcatOp::getKindName() { return "concat"; }

LogicalResult ConcatOp::verify() {
  RankedTensorType result = getResult().getType();
  if (getInputs().empty())
    return emitOpError() << "needs at least one operand";
  if (getAxis() < 0 || getAxis() >= result.getRank())
    return emitOpError() << "axis must be 0 to " << result.getRank() - 1 << ", but is " << getAxis();
  SmallVector<int64_t> expected(cast<RankedTensorType>(getInputs().front().getType()).getShape());
  if (static_cast<int64_t>(expected.size()) != result.getRank())
    return emitOpError() << "operands and result must have one rank";
  expected[getAxis()] = 0;
  for (Value input : getInputs()) {
    auto type = cast<RankedTensorType>(input.getType());
    if (type.getElementType() != result.getElementType() || type.getRank() != result.getRank())
      return emitOpError() << "operands and result must have one element type and rank, but there are " << type
                           << " and " << result;
    for (int64_t rank = 0; rank < type.getRank(); ++rank) {
      if (rank == getAxis())
        expected[rank] += type.getDimSize(rank);
      else if (type.getDimSize(rank) != expected[rank])
        return emitOpError() << "operands differ in rank " << rank << ": " << expected[rank] << " and "
                             << type.getDimSize(rank);
    }
  }
  return verifyShape(*this, result, expected);
}

std::string ReshapeOp::getKindName() { return "reshape"; }

LogicalResult ReshapeOp::verify() {
  RankedTensorType input = getInput().getType(), result = getResult().getType();
  if (input.getElementType() != result.getElementType() || input.getNumElements() != result.getNumElements())
    return emitOpError() << "input and result must have as many elements of one type, but are " << input << " and "
                         << result;
  if (input.getEncoding() || result.getEncoding())
    return emitOpError() << "input and result must be dense";
  return success();
}

std::string HostOp::getKindName() {
  // A contraction of integers says which kind it is behind its window and groups.
  constexpr size_t kKind = 9;
  if (getKind() == HostKind::Conv && getInts().size() > kKind)
    if (auto kind = symbolizeContractionKind(static_cast<uint32_t>(getInts()[kKind])))
      return stringifyContractionKind(*kind).str();
  return stringifyHostKind(getKind()).str();
}

bool HostOp::isOnHost() { return true; }

int64_t HostOp::getMacs() {
  if (getKind() == HostKind::MatMul)
    return getResult().getType().getNumElements() * cast<RankedTensorType>(getInputs()[0].getType()).getShape().back();
  if (getKind() == HostKind::Conv) {
    ArrayRef<int64_t> weights = cast<RankedTensorType>(getInputs()[1].getType()).getShape();
    return getResult().getType().getNumElements() * weights[1] * weights[2] * weights[3];
  }
  return 0;
}

LogicalResult HostOp::verify() {
  size_t operands =
      getKind() == HostKind::MatMul || getKind() == HostKind::Conv || getKind() == HostKind::Binary ? 2 : 1;
  if (getInputs().size() < operands)
    return emitOpError() << "'" << stringifyHostKind(getKind()) << "' needs " << operands << " operands, but has "
                         << getInputs().size();
  for (Value input : getInputs())
    if (cast<RankedTensorType>(input.getType()).getEncoding())
      return emitOpError() << "operands must be dense; decode them first";
  if (getResult().getType().getEncoding())
    return emitOpError() << "result must be dense";
  return success();
}
