//===- SciPyMatrix.cpp - The archives of scipy.sparse.save_npz ------------===//

#include "SparseAccel/Runtime/SparseMatrix.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace sparseaccel::runtime {

namespace {

class Reader {
public:
  Reader(const NamedArrays &arrays, absl::string_view file, uint64_t maxDenseBytes)
      : arrays(arrays), file(file), maxDenseBytes(maxDenseBytes) {}

  absl::StatusOr<Array> read(absl::string_view format);

private:
  absl::Status fail(absl::string_view what) const { return absl::InvalidArgumentError(absl::StrCat(file, ": ", what)); }
  const Array *find(absl::string_view name) const {
    for (const auto &[key, array] : arrays)
      if (key == name)
        return &array;
    return nullptr;
  }
  absl::Status readIndices(absl::string_view name, int64_t lowest, uint64_t limit, std::vector<int64_t> &out) const;
  absl::Status readPointers(uint64_t count, uint64_t entries, std::vector<int64_t> &out) const;
  absl::Status compressed(bool byRows, uint64_t blockRows, uint64_t blockColumns);
  absl::Status coordinates();
  absl::Status diagonals();
  /// Adds element `from` of the values.
  void add(uint64_t row, uint64_t column, uint64_t from);

  const NamedArrays &arrays;
  absl::string_view file;
  uint64_t maxDenseBytes;
  uint64_t rows = 0, columns = 0;
  Array values, matrix;
};

} // namespace

/// A list of integers from `lowest` to below `limit`.
absl::Status Reader::readIndices(absl::string_view name, int64_t lowest, uint64_t limit,
                                 std::vector<int64_t> &out) const {
  const Array *array = find(name);
  if (!array)
    return fail(absl::StrCat("has no array '", name, "', which matrices of this format have"));
  if (array->shape.size() != 1 || isFloat(array->dtype))
    return fail(absl::StrCat("array '", name, "' is ", array->describe(), "; expected a list of integers"));
  out.resize(static_cast<size_t>(array->elements()));
  for (size_t i = 0; i < out.size(); ++i) {
    double value = array->at(static_cast<int64_t>(i));
    if (value < static_cast<double>(lowest) || value >= static_cast<double>(limit))
      return fail(absl::StrCat("array '", name, "': element ", i, " is ", value, "; expected ", lowest, " to ",
                               limit ? static_cast<double>(limit) - 1 : 0));
    out[i] = static_cast<int64_t>(value);
  }
  return absl::OkStatus();
}

/// Where each of `count` rows begins, and where the last one ends.
absl::Status Reader::readPointers(uint64_t count, uint64_t entries, std::vector<int64_t> &out) const {
  if (absl::Status status = readIndices("indptr", 0, entries + 1, out); !status.ok())
    return status;
  if (out.size() != count + 1)
    return fail(absl::StrCat("array 'indptr' has ", out.size(), " elements; expected ", count + 1));
  for (size_t i = 0; i < out.size(); ++i) {
    bool begins = i != 0 || out[i] == 0, rises = i == 0 || out[i] >= out[i - 1];
    bool ends = i != count || out[i] == static_cast<int64_t>(entries);
    if (!begins || !rises || !ends)
      return fail(absl::StrCat("array 'indptr': element ", i, " is ", out[i],
                               "; expected pointers that rise from 0 to ", entries));
  }
  return absl::OkStatus();
}

void Reader::add(uint64_t row, uint64_t column, uint64_t from) {
  auto as = [&](auto zero) {
    using T = decltype(zero);
    addTo<T>(matrix, row, column, values.as<T>()[from]);
  };
  switch (values.dtype) {
  case DType::F32:
    return as(float{});
  case DType::F64:
    return as(double{});
  case DType::I8:
    return as(int8_t{});
  case DType::U8:
  case DType::Bool:
    return as(uint8_t{});
  case DType::I16:
    return as(int16_t{});
  case DType::F16: // float32 by now
  case DType::U16:
    return as(uint16_t{});
  case DType::I32:
    return as(int32_t{});
  case DType::U32:
    return as(uint32_t{});
  case DType::I64:
    return as(int64_t{});
  case DType::U64:
    return as(uint64_t{});
  }
}

absl::Status Reader::compressed(bool byRows, uint64_t blockRows, uint64_t blockColumns) {
  uint64_t major = (byRows ? rows : columns) / blockRows, minor = (byRows ? columns : rows) / blockColumns;
  std::vector<int64_t> indices, pointers;
  if (absl::Status status = readIndices("indices", 0, minor, indices); !status.ok())
    return status;
  bool oneForAll = blockRows == 1 && blockColumns == 1 && values.shape[0] == 1;
  if (!oneForAll && static_cast<uint64_t>(values.shape[0]) != indices.size())
    return fail(absl::StrCat("array 'data' is ", values.describe(), " and 'indices' has ", indices.size(),
                             " elements; expected one for each"));
  if (absl::Status status = readPointers(major, indices.size(), pointers); !status.ok())
    return status;
  for (uint64_t line = 0; line < major; ++line)
    for (int64_t at = pointers[line]; at < pointers[line + 1]; ++at)
      for (uint64_t r = 0; r < blockRows; ++r)
        for (uint64_t c = 0; c < blockColumns; ++c) {
          uint64_t first = line * blockRows + r, second = static_cast<uint64_t>(indices[at]) * blockColumns + c;
          add(byRows ? first : second, byRows ? second : first,
              oneForAll ? 0 : (static_cast<uint64_t>(at) * blockRows + r) * blockColumns + c);
        }
  return absl::OkStatus();
}

absl::Status Reader::coordinates() {
  std::vector<int64_t> row, column;
  if (absl::Status status = readIndices("row", 0, rows, row); !status.ok())
    return status;
  if (absl::Status status = readIndices("col", 0, columns, column); !status.ok())
    return status;
  if (row.size() != column.size() || row.size() != static_cast<uint64_t>(values.elements()))
    return fail(absl::StrCat("arrays 'row', 'col' and 'data' have ", row.size(), ", ", column.size(), " and ",
                             values.elements(), " elements; expected as many of each"));
  for (size_t i = 0; i < row.size(); ++i)
    add(static_cast<uint64_t>(row[i]), static_cast<uint64_t>(column[i]), i);
  return absl::OkStatus();
}

/// Element [k][j] of the values lies in column j, `offsets[k]` columns right of the diagonal.
absl::Status Reader::diagonals() {
  std::vector<int64_t> offsets;
  if (absl::Status status = readIndices("offsets", -static_cast<int64_t>(rows), columns + 1, offsets); !status.ok())
    return status;
  if (values.shape.size() != 2 || static_cast<uint64_t>(values.shape[0]) != offsets.size())
    return fail(absl::StrCat("array 'data' is ", values.describe(), "; expected ", offsets.size(), " diagonals"));
  uint64_t length = std::min(static_cast<uint64_t>(values.shape[1]), columns);
  for (size_t k = 0; k < offsets.size(); ++k)
    for (uint64_t column = 0; column < length; ++column) {
      int64_t row = static_cast<int64_t>(column) - offsets[k];
      if (row >= 0 && static_cast<uint64_t>(row) < rows)
        add(static_cast<uint64_t>(row), column, k * static_cast<uint64_t>(values.shape[1]) + column);
    }
  return absl::OkStatus();
}

absl::StatusOr<Array> Reader::read(absl::string_view format) {
  std::vector<int64_t> shape;
  if (absl::Status status = readIndices("shape", 0, uint64_t{1} << 40, shape); !status.ok())
    return status;
  if (shape.size() != 2)
    return fail(absl::StrCat("array 'shape' has ", shape.size(), " elements; expected rows and columns"));
  rows = static_cast<uint64_t>(shape[0]), columns = static_cast<uint64_t>(shape[1]);
  values = *find("data");
  if (values.dtype == DType::F16) {
    std::vector<float> floats = values.toFloat();
    values = makeArray<float>(values.shape, floats);
  }
  size_t ranks = format == "bsr" ? 3 : format == "dia" ? 2 : 1;
  if (values.shape.size() != ranks)
    return fail(absl::StrCat("array 'data' is ", values.describe(), "; expected ", ranks,
                             ranks == 1 ? " dimension" : " dimensions", " in format '", format.empty() ? "csr" : format,
                             "'"));
  absl::StatusOr<Array> zeros = zeroMatrix(values.dtype, rows, columns, file, maxDenseBytes);
  if (!zeros.ok())
    return zeros.status();
  matrix = *std::move(zeros);
  absl::Status status;
  if (format == "csr" || format == "csc" || format.empty()) {
    status = compressed(format != "csc", 1, 1);
  } else if (format == "bsr") {
    uint64_t r = static_cast<uint64_t>(values.shape[1]), c = static_cast<uint64_t>(values.shape[2]);
    if (r == 0 || c == 0 || rows % r || columns % c)
      return fail(
          absl::StrCat("array 'data' is ", values.describe(), "; expected blocks that divide ", rows, " x ", columns));
    status = compressed(true, r, c);
  } else if (format == "coo") {
    status = coordinates();
  } else {
    status = diagonals();
  }
  if (!status.ok())
    return status;
  return std::move(matrix);
}

bool isSciPyMatrix(absl::string_view format, const NamedArrays &arrays) {
  std::vector<absl::string_view> wanted = {"shape", "data"};
  if (format == "csr" || format == "csc" || format == "bsr" || format.empty())
    wanted.insert(wanted.end(), {"indices", "indptr"});
  else if (format == "coo")
    wanted.insert(wanted.end(), {"row", "col"});
  else if (format == "dia")
    wanted.push_back("offsets");
  else
    return false;
  if (format.empty() && arrays.size() != wanted.size())
    return false;
  return std::all_of(wanted.begin(), wanted.end(), [&](absl::string_view name) {
    return std::any_of(arrays.begin(), arrays.end(), [&](const auto &entry) { return entry.first == name; });
  });
}

absl::StatusOr<Array> fromSciPy(absl::string_view format, const NamedArrays &arrays, absl::string_view file,
                                uint64_t maxDenseBytes) {
  return Reader(arrays, file, maxDenseBytes).read(format);
}

absl::StatusOr<Array> zeroMatrix(DType type, uint64_t rows, uint64_t columns, absl::string_view file,
                                 uint64_t maxDenseBytes) {
  if (columns != 0 && rows > maxDenseBytes / bytesOf(type) / columns)
    return absl::InvalidArgumentError(absl::StrCat(
        file, ": a matrix of ", rows, " x ", columns, " ", toString(type), " takes more than the ", maxDenseBytes,
        " bytes that the dense form of a sparse matrix may take; expected a smaller one, or values of fewer bytes"));
  return Array{type,
               {static_cast<int64_t>(rows), static_cast<int64_t>(columns)},
               std::vector<uint8_t>(rows * columns * bytesOf(type))};
}

} // namespace sparseaccel::runtime
