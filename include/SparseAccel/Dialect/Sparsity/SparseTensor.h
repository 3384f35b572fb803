//===- SparseTensor.h - Encodings as upstream's sparse tensors --*- C++ -*-===//

#ifndef SPARSEACCEL_DIALECT_SPARSITY_SPARSETENSOR_H
#define SPARSEACCEL_DIALECT_SPARSITY_SPARSETENSOR_H

#include "SparseAccel/Dialect/Sparsity/Sparsity.h"

#include "mlir/Dialect/SparseTensor/IR/SparseTensor.h"

namespace sparseaccel::sparsity {

/// The same storage as a #sparse_tensor.encoding, which knows dense levels (U), compressed ones (UOP, CP) and n:m, in any
/// order of the ranks and in blocks, over the whole tensor. A bitmask, run lengths, a packing or a granule have no like there: then
/// the result is null, and `reason` says which it was.
mlir::sparse_tensor::SparseTensorEncodingAttr toSparseTensor(EncodingAttr encoding, int64_t rank, std::string &reason);

} // namespace sparseaccel::sparsity

#endif // SPARSEACCEL_DIALECT_SPARSITY_SPARSETENSOR_H
