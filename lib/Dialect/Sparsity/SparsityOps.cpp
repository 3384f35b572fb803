//===- SparsityOps.cpp - sparsity.encode and sparsity.decode --------------===//

#include "SparseAccel/Dialect/Sparsity/Sparsity.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace sparseaccel::sparsity;

#define GET_OP_CLASSES
#include "SparseAccel/Dialect/Sparsity/SparsityOps.cpp.inc"

/// Shape and element type of both sides must agree; only the encoding may differ.
static LogicalResult verifySameElements(Operation *op, RankedTensorType source, RankedTensorType result) {
  if (source.getShape() != result.getShape() || source.getElementType() != result.getElementType())
    return op->emitOpError() << "source and result must have the same shape and element type, but are " << source
                             << " and " << result;
  return success();
}

LogicalResult EncodeOp::verify() {
  if (getSource().getType().getEncoding())
    return emitOpError() << "source must be dense; decode it first";
  if (!getEncoding(getResult().getType()))
    return emitOpError() << "result must have a #sparsity.encoding";
  return verifySameElements(*this, getSource().getType(), getResult().getType());
}

LogicalResult DecodeOp::verify() {
  if (!getEncoding(getSource().getType()))
    return emitOpError() << "source must have a #sparsity.encoding";
  if (getResult().getType().getEncoding())
    return emitOpError() << "result must be dense";
  return verifySameElements(*this, getSource().getType(), getResult().getType());
}

OpFoldResult EncodeOp::fold(FoldAdaptor) {
  // Encoding is a function of the elements, so that encode(decode(x)) is x where the type is the same.
  if (auto decode = getSource().getDefiningOp<DecodeOp>(); decode && decode.getSource().getType() == getType())
    return decode.getSource();
  return {};
}

OpFoldResult DecodeOp::fold(FoldAdaptor) {
  if (auto encode = getSource().getDefiningOp<EncodeOp>(); encode && encode.getSource().getType() == getType())
    return encode.getSource();
  return {};
}
