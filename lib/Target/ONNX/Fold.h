//===- Fold.h - What import computes of constants ---------------*- C++ -*-===//
//
// A folder computes a node whose operands are all constants. Integers are exact: they wrap to their own width, divide
// towards zero and are compared as what they are, signed or not. Floats are computed in doubles and rounded once.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_ONNX_FOLD_H
#define SPARSEACCEL_LIB_TARGET_ONNX_FOLD_H

#include "Importer.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace sparseaccel::onnx {

/// Holds every value of every integer type of ONNX, and their products.
__extension__ using Wide = __int128;
__extension__ using UnsignedWide = unsigned __int128;

Wide asWide(const HostTensor &tensor, int64_t index);
/// The element as a double, whatever its type.
double asReal(const HostTensor &tensor, int64_t index);
/// The low bits of `value` that the tensor's type has.
void setWide(HostTensor &tensor, int64_t index, Wide value);

llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape);
/// Calls `visit(to, from)` for every element of `shape` in order, where `from` starts at `first` and moves by `steps`.
void forEach(llvm::ArrayRef<int64_t> shape, int64_t first, llvm::ArrayRef<int64_t> steps,
             llvm::function_ref<void(int64_t, int64_t)> visit);
/// The steps by which the elements of a tensor of shape `from` repeat to fill `shape`; nullopt where they do not.
std::optional<llvm::SmallVector<int64_t>> repeatedSteps(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> shape);
void copyElement(HostTensor &to, int64_t toIndex, const HostTensor &from, int64_t fromIndex);
mlir::LogicalResult setConstant(NodeContext &node, TensorRef tensor, unsigned output = 0);

/// Operand `index` as one index of an extent per element, counted from the start; reports what lies outside.
std::optional<std::vector<int64_t>> readIndices(NodeContext &node, const HostTensor &tensor, int64_t extent,
                                                unsigned operand);

// Element by element (FoldElementwise.cpp).
mlir::LogicalResult foldUnary(NodeContext &node);
mlir::LogicalResult foldBinary(NodeContext &node);
mlir::LogicalResult foldVariadic(NodeContext &node);
mlir::LogicalResult foldClip(NodeContext &node);
mlir::LogicalResult foldWhere(NodeContext &node);

// Moving and choosing elements (FoldMovement.cpp, FoldIndexed.cpp).
mlir::LogicalResult foldConcat(NodeContext &node);
mlir::LogicalResult foldSlice(NodeContext &node);
mlir::LogicalResult foldExpand(NodeContext &node);
mlir::LogicalResult foldTrilu(NodeContext &node);
mlir::LogicalResult foldCompress(NodeContext &node);
mlir::LogicalResult foldReverseSequence(NodeContext &node);
mlir::LogicalResult foldGather(NodeContext &node);
mlir::LogicalResult foldGatherElements(NodeContext &node);
mlir::LogicalResult foldGatherND(NodeContext &node);
mlir::LogicalResult foldScatterElements(NodeContext &node);
mlir::LogicalResult foldScatterND(NodeContext &node);

// Making elements (FoldMade.cpp).
mlir::LogicalResult foldRange(NodeContext &node);
mlir::LogicalResult foldEyeLike(NodeContext &node);
mlir::LogicalResult foldOneHot(NodeContext &node);
mlir::LogicalResult foldNonZero(NodeContext &node);
mlir::LogicalResult foldWindow(NodeContext &node);

// Along axes (FoldReduce.cpp).
mlir::LogicalResult foldReduce(NodeContext &node);
mlir::LogicalResult foldArg(NodeContext &node);
mlir::LogicalResult foldCumSum(NodeContext &node);
mlir::LogicalResult foldTopK(NodeContext &node);

} // namespace sparseaccel::onnx

#endif // SPARSEACCEL_LIB_TARGET_ONNX_FOLD_H
