//===- SparseMatrix.h - Matrices that files hold sparsely -------*- C++ -*-===//
//
// SciPy's archives (scipy.sparse.save_npz: csr, csc, coo, bsr, dia) and Matrix Market files (Boisvert, Pozo, Remington,
// NIST IR 5935: coordinate and array; real, integer, pattern; general, symmetric, skew-symmetric) as dense arrays
// [rows][columns]. Values that a file gives for one place more than once are added up, as SciPy does (of truth values:
// or). Indices out of range and dense forms beyond a limit are errors.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_RUNTIME_SPARSEMATRIX_H
#define SPARSEACCEL_RUNTIME_SPARSEMATRIX_H

#include "SparseAccel/Runtime/Npy.h"

namespace sparseaccel::runtime {

/// Whether the archive's arrays are those of a matrix in SciPy's format ("" where the archive says none: then exactly
/// shape, indptr, indices and data, rows compressed).
bool isSciPyMatrix(absl::string_view format, const NamedArrays &arrays);
/// That matrix. Its type is that of the values; float16 becomes float32. In csr and csc, one value may stand for all.
absl::StatusOr<Array> fromSciPy(absl::string_view format, const NamedArrays &arrays, absl::string_view file,
                                uint64_t maxDenseBytes = kMaxDenseBytes);

/// Whether the text begins as a Matrix Market file does.
bool isMatrixMarket(absl::string_view text);
/// Reals are float64, integers int64, a pattern bool. Errors say the line.
absl::StatusOr<Array> parseMatrixMarket(absl::string_view text, absl::string_view file,
                                        uint64_t maxDenseBytes = kMaxDenseBytes);

/// Zeros, or an error where they take more than the limit. Extents may be 0.
absl::StatusOr<Array> zeroMatrix(DType type, uint64_t rows, uint64_t columns, absl::string_view file,
                                 uint64_t maxDenseBytes);

/// Adds `value` to an element; integers wrap, truth values are or-ed. T must be the array's type.
template <typename T>
void addTo(Array &matrix, uint64_t row, uint64_t column, T value) {
  T &element = matrix.as<T>()[row * static_cast<uint64_t>(matrix.shape[1]) + column];
  if (matrix.dtype == DType::Bool)
    element = element != T(0) || value != T(0);
  else if constexpr (std::is_floating_point_v<T>)
    element += value;
  else
    element = static_cast<T>(static_cast<uint64_t>(element) + static_cast<uint64_t>(value));
}

} // namespace sparseaccel::runtime

#endif // SPARSEACCEL_RUNTIME_SPARSEMATRIX_H
