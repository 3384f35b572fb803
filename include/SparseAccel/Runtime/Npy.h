//===- Npy.h - NumPy's .npy and .npz files ----------------------*- C++ -*-===//
//
// Format: numpy.lib.format versions 1 to 3. Arrays in Fortran order or of the other byte order are converted while
// reading. Hostile headers are errors: no more is allocated than the file's own bytes can fill. Matrices that are
// stored sparsely (SparseMatrix.h) become dense arrays.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_RUNTIME_NPY_H
#define SPARSEACCEL_RUNTIME_NPY_H

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sparseaccel::runtime {

enum class DType : uint8_t { F32, F64, F16, I8, U8, I16, U16, I32, U32, I64, U64, Bool };
const char *toString(DType type); ///< "float32", "int8", ...
size_t bytesOf(DType type);
bool isFloat(DType type);

/// A dense array, row-major, in the host's byte order.
struct Array {
  DType dtype = DType::F32;
  std::vector<int64_t> shape; ///< Empty: a scalar, one element.
  std::vector<uint8_t> bytes;

  int64_t elements() const;
  /// Every element as float: integers and doubles are rounded to nearest.
  std::vector<float> toFloat() const;
  /// Element `index` (row-major) as a double, exact but for 64-bit integers beyond 2^53.
  double at(int64_t index) const;
  /// The bytes as elements of T, whose size must be that of the type (float16: uint16_t).
  template <typename T>
  absl::Span<const T> as() const {
    return {reinterpret_cast<const T *>(bytes.data()), bytes.size() / sizeof(T)};
  }
  template <typename T>
  absl::Span<T> as() {
    return {reinterpret_cast<T *>(bytes.data()), bytes.size() / sizeof(T)};
  }
  /// "float32[1x3x224x224]".
  std::string describe() const;
};

template <typename T>
constexpr DType dtypeOf() {
  if constexpr (std::is_same_v<T, float>)
    return DType::F32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::F64;
  else if constexpr (std::is_same_v<T, int8_t>)
    return DType::I8;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return DType::U8;
  else if constexpr (std::is_same_v<T, int16_t>)
    return DType::I16;
  else if constexpr (std::is_same_v<T, uint16_t>)
    return DType::U16;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::I32;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return DType::U32;
  else if constexpr (std::is_same_v<T, uint64_t>)
    return DType::U64;
  else {
    static_assert(std::is_same_v<T, int64_t>, "no dtype for this type");
    return DType::I64;
  }
}

template <typename T>
Array makeArray(std::vector<int64_t> shape, absl::Span<const T> values) {
  Array array{dtypeOf<T>(), std::move(shape), std::vector<uint8_t>(values.size() * sizeof(T))};
  if (!values.empty())
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

using NamedArrays = std::vector<std::pair<std::string, Array>>;

/// Most that the dense form of a sparse matrix may take.
inline constexpr uint64_t kMaxDenseBytes = uint64_t{1} << 30;

/// `file` stands in messages.
absl::StatusOr<Array> parseNpy(absl::Span<const uint8_t> bytes, absl::string_view file);
/// Members in the archive's order, their ".npy" cut off. Stored and deflated ones are read, and their checksums
/// compared. Text and pickled objects are left out. An archive that scipy.sparse.save_npz wrote is one matrix, named "",
/// whose dense form may take `maxDenseBytes`.
absl::StatusOr<NamedArrays> parseNpz(absl::Span<const uint8_t> bytes, absl::string_view file,
                                     uint64_t maxDenseBytes = kMaxDenseBytes);

absl::StatusOr<Array> readNpy(const std::string &path);
/// A .npz file's arrays, or the only one of a .npy file, a Matrix Market file or a SciPy matrix under the name "". Which
/// of them it is follows from the first bytes, not from the name.
absl::StatusOr<NamedArrays> readArrays(const std::string &path);

/// The array for input `position` of `inputs`: the one of its name; else, where all names are those that numpy.savez
/// gives arrays without names (arr_0, ...), as many as there are inputs, the one at the position; else, for the only
/// input, the only array, or the only one that fits. Null where there is none.
const Array *findInput(const NamedArrays &arrays, absl::string_view name, size_t position, size_t inputs,
                       absl::FunctionRef<bool(const Array &)> fits);

/// Version 1 of the format, C order.
std::vector<uint8_t> serializeNpy(const Array &array);
/// Writes beside the file and renames, so that a reader never sees half of it.
absl::Status writeNpy(const std::string &path, const Array &array);
/// The same for any bytes.
absl::Status writeFileAtomically(const std::string &path, absl::string_view bytes);

} // namespace sparseaccel::runtime

#endif // SPARSEACCEL_RUNTIME_NPY_H
