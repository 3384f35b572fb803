//===- Constants.h - Reading and making constant tensors --------*- C++ -*-===//
//
// Weights are resources; biases, multipliers, shapes and zero points are dense attributes. These helpers read either
// and make resources.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TRANSFORMS_CONSTANTS_H
#define SPARSEACCEL_LIB_TRANSFORMS_CONSTANTS_H

#include "SparseAccel/Dialect/Sparsity/Constants.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"

#include <optional>
#include <vector>

namespace sparseaccel {

/// The elements of a constant value (tosa.const, or whatever folds to elements), or null.
mlir::ElementsAttr constantElements(mlir::Value value);
using sparsity::constantBytes;
/// Integers of a dense constant of any width, or of a tosa.const_shape.
std::optional<llvm::SmallVector<int64_t>> constantIntegers(mlir::Value value);
/// The one float that a constant holds everywhere.
std::optional<double> constantFloatSplat(mlir::Value value);
/// Whether all elements of an integer or float constant are zero.
bool isConstantZero(mlir::Value value);
/// A tosa.const whose elements are a new resource called `name`.
mlir::Value createResource(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
                           llvm::ArrayRef<char> bytes, llvm::StringRef name);

} // namespace sparseaccel

#endif // SPARSEACCEL_LIB_TRANSFORMS_CONSTANTS_H
