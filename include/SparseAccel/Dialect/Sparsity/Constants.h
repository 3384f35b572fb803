//===- Constants.h - The bytes of constant tensors --------------*- C++ -*-===//

#ifndef SPARSEACCEL_DIALECT_SPARSITY_CONSTANTS_H
#define SPARSEACCEL_DIALECT_SPARSITY_CONSTANTS_H

#include "mlir/IR/BuiltinAttributes.h"

#include <vector>

namespace sparseaccel::sparsity {

/// Row-major little-endian bytes of elements of whole bytes, kept as a resource or densely; splats are expanded into
/// `storage`. Empty where the resource is missing.
llvm::ArrayRef<char> constantBytes(mlir::ElementsAttr elements, std::vector<char> &storage);

/// Gives every constant under `root` that is written as sparse<[[...]], [...]> its dense form.
void densifyConstants(mlir::Operation *root);

} // namespace sparseaccel::sparsity

#endif // SPARSEACCEL_DIALECT_SPARSITY_CONSTANTS_H
