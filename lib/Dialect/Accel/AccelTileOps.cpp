//===- AccelTileOps.cpp - Verifiers of programs and tile operations -------===//

#include "Checks.h"

#include "SparseAccel/Dialect/Accel/Accel.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::accel;

#define GET_OP_CLASSES
#include "SparseAccel/Dialect/Accel/AccelTileOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

/// The table entry of this kind and name in the program around `op`, or null after a diagnostic.
template <typename EntryOp>
static EntryOp lookUp(Operation *op, SymbolTableCollection &symbols, FlatSymbolRefAttr name) {
  Operation *program = isa<ProgramOp>(op) ? op : op->getParentOp();
  auto entry = dyn_cast_or_null<EntryOp>(symbols.lookupSymbolIn(program, name.getAttr()));
  if (!entry)
    op->emitOpError() << "names " << name << ", which is no " << EntryOp::getOperationName() << " of the program";
  return entry;
}

static LogicalResult verifyOperand(Operation *op, SymbolTableCollection &symbols, OperandAttr operand, bool sums) {
  if (!operand)
    return success();
  if (!lookUp<BufferOp>(op, symbols, FlatSymbolRefAttr::get(operand.getBuffer())))
    return failure();
  auto tensor = lookUp<TensorOp>(op, symbols, operand.getTensor());
  if (!tensor)
    return failure();
  ArrayRef<int64_t> shape = tensor.getTensorType().getShape();
  if (shape.size() != operand.getOrigin().size())
    return op->emitOpError() << "box has " << operand.getOrigin().size() << " ranks, but " << operand.getTensor()
                             << " has " << shape.size();
  for (auto [rank, extent] : llvm::enumerate(shape))
    if (operand.getOrigin()[rank] + operand.getExtent()[rank] > extent)
      return op->emitOpError() << "box ends at " << operand.getOrigin()[rank] + operand.getExtent()[rank] << " in rank "
                               << rank << ", beyond " << operand.getTensor() << "'s " << extent;
  if (sums != tensor.isSums())
    return op->emitOpError() << operand.getTensor() << (sums ? " must hold sums" : " must not hold sums here")
                             << ", but is " << tensor.getTensorType();
  return success();
}

static LogicalResult verifyTile(TileOpInterface op, SymbolTableCollection &symbols) {
  return success(lookUp<LayerOp>(op, symbols, op.getLayerRef()) != nullptr);
}

LogicalResult ConfigureOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(succeeded(verifyTile(*this, symbols)) && lookUp<NumericsOp>(*this, symbols, getNumericsAttr()));
}

LogicalResult LoadOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(succeeded(verifyTile(*this, symbols)) && succeeded(verifyOperand(*this, symbols, getDst(), false)));
}

LogicalResult StoreOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(succeeded(verifyTile(*this, symbols)) && succeeded(verifyOperand(*this, symbols, getSrc(), false)));
}

LogicalResult ContractOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(succeeded(verifyTile(*this, symbols)) && lookUp<NumericsOp>(*this, symbols, getNumericsAttr()) &&
                 succeeded(verifyOperand(*this, symbols, getA(), false)) &&
                 succeeded(verifyOperand(*this, symbols, getB(), false)) &&
                 succeeded(verifyOperand(*this, symbols, getO(), true)));
}

LogicalResult VectorOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(verifyTile(*this, symbols)) || !lookUp<NumericsOp>(*this, symbols, getNumericsAttr()))
    return failure();
  auto a = lookUp<TensorOp>(*this, symbols, getA().getTensor());
  if (!a)
    return failure();
  bool sums = getKind() == VectorKind::Rescale && a.isSums();
  return success(succeeded(verifyOperand(*this, symbols, getA(), sums)) &&
                 succeeded(verifyOperand(*this, symbols, getBAttr(), false)) &&
                 succeeded(verifyOperand(*this, symbols, getO(), false)));
}

LogicalResult HostCallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(verifyTile(*this, symbols)))
    return failure();
  for (ArrayAttr list : {getInputs(), getOutputs()})
    for (auto name : list.getAsRange<FlatSymbolRefAttr>())
      if (!lookUp<TensorOp>(*this, symbols, name))
        return failure();
  return success();
}

LogicalResult LayerOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (getOutputAttr() && !lookUp<TensorOp>(*this, symbols, getOutputAttr()))
    return failure();
  for (auto name : getInputs().getAsRange<FlatSymbolRefAttr>())
    if (!lookUp<TensorOp>(*this, symbols, name))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// The program and its tables
//===----------------------------------------------------------------------===//

LogicalResult ProgramOp::verify() {
  if (getLevels().empty())
    return emitOpError() << "needs the machine's levels, DRAM first";
  return success();
}

LogicalResult ProgramOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.empty() || !isa<HaltOp>(block.back()))
    return emitOpError() << "must end in accel.halt";
  for (Operation &op : block)
    if (!isa<BufferOp, TensorOp, NumericsOp, LayerOp, HaltOp, TileOpInterface>(op))
      return op.emitOpError() << "does not stand in an accel.program";
  SymbolTableCollection symbols;
  for (ArrayAttr list : {getInputs(), getOutputs()})
    for (auto name : list.getAsRange<FlatSymbolRefAttr>())
      if (!lookUp<TensorOp>(*this, symbols, name))
        return failure();
  for (auto buffer : block.getOps<BufferOp>())
    if (!llvm::is_contained(getLevels().getAsValueRange<StringAttr>(), buffer.getSymName()))
      return buffer.emitOpError() << "is no level of the machine '" << getMachine() << "'";
  return success();
}

LogicalResult BufferOp::verify() {
  if (static_cast<int64_t>(getBytes()) <= 0)
    return emitOpError() << "must have a positive number of bytes";
  return success();
}

SmallVector<int64_t> TensorOp::getGranule() {
  RankedTensorType type = getTensorType();
  for (sparsity::EncodingAttr encoding : {sparsity::getEncoding(type), getBufferFormatAttr()})
    if (encoding && !encoding.getGranule().empty())
      return SmallVector<int64_t>(encoding.getGranule());
  return SmallVector<int64_t>(type.getShape());
}

bool TensorOp::isSums() {
  return getRole() == TensorRole::Intermediate && (getTensorType().getElementType().isSignlessInteger(32) ||
                                                   getTensorType().getElementType().isSignlessInteger(48));
}

LogicalResult TensorOp::verify() {
  RankedTensorType type = getTensorType();
  if (!type.hasStaticShape())
    return emitOpError() << "must have a static shape, but is " << type;
  if ((getRole() == TensorRole::Constant) != getValue().has_value())
    return emitOpError() << (getValue() ? "only a constant has a value" : "a constant needs a value");
  if (getValue()) {
    ShapedType value = getValue()->getShapedType();
    if (value.getShape() != type.getShape() || value.getElementType() != type.getElementType())
      return emitOpError() << "value is " << value << ", but the tensor is " << type;
  }
  if (auto buffer = getBufferFormatAttr())
    return buffer.verifyEncoding(type.getShape(), type.getElementType(), [&] { return emitOpError(); });
  return success();
}

//===----------------------------------------------------------------------===//
// Tile operations
//===----------------------------------------------------------------------===//

SmallVector<OperandAttr> LoadOp::getWrites() { return {getDst()}; }
SmallVector<OperandAttr> StoreOp::getReads() { return {getSrc()}; }
SmallVector<OperandAttr> ContractOp::getWrites() { return {getO()}; }
SmallVector<OperandAttr> ContractOp::getReads() {
  SmallVector<OperandAttr> reads = {getA(), getB()};
  if (getMode() == AccumulateMode::Accumulate)
    reads.push_back(getO());
  return reads;
}
SmallVector<OperandAttr> VectorOp::getWrites() { return {getO()}; }
SmallVector<OperandAttr> VectorOp::getReads() {
  SmallVector<OperandAttr> reads = {getA()};
  if (getBAttr())
    reads.push_back(getBAttr());
  return reads;
}

/// The box that a tile touches, from `origin`, must lie in the box that the buffer holds.
static LogicalResult verifyInside(Operation *op, StringRef name, OperandAttr operand, ArrayRef<int64_t> origin,
                                  ArrayRef<int64_t> extent) {
  if (origin.size() != operand.getOrigin().size() || extent.size() != origin.size())
    return op->emitOpError() << "operand " << name << " must have " << extent.size() << " ranks";
  for (size_t rank = 0; rank < origin.size(); ++rank) {
    int64_t low = operand.getOrigin()[rank], high = low + operand.getExtent()[rank];
    if (origin[rank] < low || origin[rank] + extent[rank] > high)
      return op->emitOpError() << "tile touches " << name << " from " << origin[rank] << " to "
                               << origin[rank] + extent[rank] << " in rank " << rank << ", but the buffer holds " << low
                               << " to " << high;
  }
  return success();
}

LogicalResult ContractOp::verify() {
  if (failed(verifyEntries(*this, "extents", getExtents(), 8, 1)) ||
      failed(verifyEntries(*this, "strides", getStrides(), 2, 1)) ||
      failed(verifyEntries(*this, "dilations", getDilations(), 2, 1)) ||
      failed(verifyEntries(*this, "pads", getPads(), 4, 0)))
    return failure();
  ArrayRef<int64_t> e = getExtents();
  int64_t n = e[0], g = e[1], m = e[2], c = e[3], p = e[4], q = e[5], r = e[6], s = e[7];
  int64_t rows = (p - 1) * getStrides()[0] + (r - 1) * getDilations()[0] + 1 - getPads()[0] - getPads()[1];
  int64_t columns = (q - 1) * getStrides()[1] + (s - 1) * getDilations()[1] + 1 - getPads()[2] - getPads()[3];
  // A tile may lie wholly in the padding of one edge; it then reads nothing there.
  rows = std::max<int64_t>(rows, 0);
  columns = std::max<int64_t>(columns, 0);
  if (failed(verifyInside(*this, "a", getA(), getAOrigin(), {n, rows, columns, g * c})) ||
      failed(verifyInside(*this, "b", getB(), getBOrigin(), {g * m, r, s, c})))
    return failure();
  return verifyInside(*this, "o", getO(), getOOrigin(), {n, p, q, g * m});
}

LogicalResult VectorOp::verify() {
  if (failed(verifyEntries(*this, "window", getWindow(), 2, 1)) ||
      failed(verifyEntries(*this, "strides", getStrides(), 2, 1)) ||
      failed(verifyEntries(*this, "pads", getPads(), 4, 0)))
    return failure();
  bool binary = getKind() == VectorKind::Add || getKind() == VectorKind::Sub || getKind() == VectorKind::Mul ||
                getKind() == VectorKind::Max || getKind() == VectorKind::Min;
  if (binary != bool(getBAttr()))
    return emitOpError() << "'" << stringifyVectorKind(getKind()) << "' takes "
                         << (binary ? "two operands" : "one operand");
  return success();
}
