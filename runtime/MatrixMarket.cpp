//===- MatrixMarket.cpp - Matrix Market files -----------------------------===//

#include "SparseAccel/Runtime/SparseMatrix.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace sparseaccel::runtime {

namespace {

constexpr absl::string_view kBanner = "%%MatrixMarket";
constexpr uint64_t kMaxExtent = uint64_t{1} << 40;

class Parser {
public:
  Parser(absl::string_view text, absl::string_view file, uint64_t maxDenseBytes)
      : text(text), file(file), maxDenseBytes(maxDenseBytes) {}
  absl::StatusOr<Array> parse();

private:
  enum class Symmetry { General, Symmetric, Skew };

  absl::Status fail(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(file, ":", line, ": ", what));
  }
  /// The words of the next line that is neither empty nor a comment; false at the end.
  bool next();
  absl::Status readBanner();
  absl::Status readSize();
  absl::Status readValue(absl::string_view word, double &real, int64_t &integer) const;
  absl::Status readCoordinates();
  absl::Status readColumns();
  /// Adds an entry and its mirror image.
  void put(uint64_t row, uint64_t column, double real, int64_t integer);

  absl::string_view text, file;
  uint64_t maxDenseBytes;
  size_t line = 0;
  std::vector<absl::string_view> words;
  bool coordinate = false;
  DType type = DType::F64;
  Symmetry symmetry = Symmetry::General;
  uint64_t rows = 0, columns = 0, entries = 0;
  Array matrix;
};

} // namespace

bool Parser::next() {
  while (!text.empty()) {
    size_t end = text.find('\n');
    absl::string_view content = text.substr(0, end);
    text.remove_prefix(end == absl::string_view::npos ? text.size() : end + 1);
    ++line;
    content = absl::StripAsciiWhitespace(content);
    if (content.empty() || (line > 1 && content[0] == '%'))
      continue;
    words = absl::StrSplit(content, absl::ByAnyChar(" \t\r\v\f"), absl::SkipEmpty());
    return true;
  }
  return false;
}

absl::Status Parser::readBanner() {
  if (!next() || words.size() != 5 || !absl::EqualsIgnoreCase(words[0], kBanner) ||
      !absl::EqualsIgnoreCase(words[1], "matrix"))
    return fail("expected '%%MatrixMarket matrix FORMAT FIELD SYMMETRY'");
  auto one = [&](size_t index, std::vector<absl::string_view> known, size_t &which) {
    for (which = 0; which < known.size(); ++which)
      if (absl::EqualsIgnoreCase(words[index], known[which]))
        return absl::OkStatus();
    return fail(
        absl::StrCat("'", absl::CHexEscape(words[index]), "' is not read; expected ", absl::StrJoin(known, " or ")));
  };
  size_t format = 0, field = 0, kind = 0;
  for (absl::Status status : {one(2, {"coordinate", "array"}, format), one(3, {"real", "integer", "pattern"}, field),
                              one(4, {"general", "symmetric", "skew-symmetric"}, kind)})
    if (!status.ok())
      return status;
  coordinate = format == 0;
  type = field == 0 ? DType::F64 : field == 1 ? DType::I64 : DType::Bool;
  symmetry = kind == 0 ? Symmetry::General : kind == 1 ? Symmetry::Symmetric : Symmetry::Skew;
  if (type == DType::Bool && (!coordinate || symmetry == Symmetry::Skew))
    return fail("a pattern has no values: expected format coordinate, and symmetry general or symmetric");
  return absl::OkStatus();
}

absl::Status Parser::readSize() {
  size_t wanted = coordinate ? 3 : 2;
  uint64_t *into[] = {&rows, &columns, &entries};
  bool fits = next() && words.size() == wanted;
  for (size_t i = 0; fits && i < wanted; ++i)
    fits = absl::SimpleAtoi(words[i], into[i]) && *into[i] <= kMaxExtent;
  if (!fits)
    return fail(coordinate ? "expected the numbers of rows, columns and entries"
                           : "expected the numbers of rows and columns");
  if (symmetry != Symmetry::General && rows != columns)
    return fail(absl::StrCat("a symmetric matrix of ", rows, " x ", columns, ": expected a square one"));
  absl::StatusOr<Array> zeros = zeroMatrix(type, rows, columns, file, maxDenseBytes);
  if (!zeros.ok())
    return zeros.status();
  matrix = *std::move(zeros);
  return absl::OkStatus();
}

absl::Status Parser::readValue(absl::string_view word, double &real, int64_t &integer) const {
  if (type == DType::F64 ? absl::SimpleAtod(word, &real) : absl::SimpleAtoi(word, &integer))
    return absl::OkStatus();
  return fail(absl::StrCat("'", absl::CHexEscape(word), "' is no ", type == DType::F64 ? "number" : "integer"));
}

void Parser::put(uint64_t row, uint64_t column, double real, int64_t integer) {
  bool mirrored = symmetry != Symmetry::General && row != column, negative = symmetry == Symmetry::Skew;
  switch (type) {
  case DType::F64:
    addTo<double>(matrix, row, column, real);
    if (mirrored)
      addTo<double>(matrix, column, row, negative ? -real : real);
    return;
  case DType::I64:
    addTo<int64_t>(matrix, row, column, integer);
    if (mirrored)
      addTo<int64_t>(matrix, column, row, negative ? static_cast<int64_t>(-static_cast<uint64_t>(integer)) : integer);
    return;
  default:
    addTo<uint8_t>(matrix, row, column, 1);
    if (mirrored)
      addTo<uint8_t>(matrix, column, row, 1);
  }
}

absl::Status Parser::readCoordinates() {
  size_t wanted = type == DType::Bool ? 2 : 3;
  for (uint64_t i = 0; i < entries; ++i) {
    if (!next())
      return fail(absl::StrCat("the file ends after ", i, " entries; expected ", entries));
    uint64_t row = 0, column = 0;
    if (words.size() != wanted || !absl::SimpleAtoi(words[0], &row) || !absl::SimpleAtoi(words[1], &column))
      return fail(wanted == 2 ? "expected a row and a column" : "expected a row, a column and a value");
    if (row < 1 || row > rows || column < 1 || column > columns)
      return fail(absl::StrCat("entry (", row, ", ", column, ") lies outside of ", rows, " x ", columns,
                               "; rows and columns count from 1"));
    if (symmetry != Symmetry::General && row < column)
      return fail(absl::StrCat("entry (", row, ", ", column,
                               ") lies above the diagonal; a symmetric matrix is given by its lower triangle"));
    double real = 0;
    int64_t integer = 0;
    if (type != DType::Bool)
      if (absl::Status status = readValue(words[2], real, integer); !status.ok())
        return status;
    if (symmetry == Symmetry::Skew && row == column && (real != 0 || integer != 0))
      return fail(absl::StrCat("entry (", row, ", ", column, ") of a skew-symmetric matrix is not 0"));
    put(row - 1, column - 1, real, integer);
  }
  return next() ? fail(absl::StrCat("more than the ", entries, " entries that the file says")) : absl::OkStatus();
}

/// Values column by column, those of a symmetric matrix from the diagonal down.
absl::Status Parser::readColumns() {
  size_t word = 0;
  words.clear();
  for (uint64_t column = 0; rows != 0 && column < columns; ++column) {
    uint64_t first = symmetry == Symmetry::General ? 0 : symmetry == Symmetry::Symmetric ? column : column + 1;
    for (uint64_t row = first; row < rows; ++row) {
      if (word == words.size()) {
        word = 0;
        if (!next())
          return fail(
              absl::StrCat("the file ends before entry (", row + 1, ", ", column + 1, ") of ", rows, " x ", columns));
      }
      double real = 0;
      int64_t integer = 0;
      if (absl::Status status = readValue(words[word++], real, integer); !status.ok())
        return status;
      put(row, column, real, integer);
    }
  }
  return word < words.size() || next() ? fail(absl::StrCat("more values than ", rows, " x ", columns, " takes"))
                                       : absl::OkStatus();
}

absl::StatusOr<Array> Parser::parse() {
  if (absl::Status status = readBanner(); !status.ok())
    return status;
  if (absl::Status status = readSize(); !status.ok())
    return status;
  if (absl::Status status = coordinate ? readCoordinates() : readColumns(); !status.ok())
    return status;
  return std::move(matrix);
}

bool isMatrixMarket(absl::string_view text) { return absl::StartsWithIgnoreCase(text, kBanner); }

absl::StatusOr<Array> parseMatrixMarket(absl::string_view text, absl::string_view file, uint64_t maxDenseBytes) {
  return Parser(text, file, maxDenseBytes).parse();
}

} // namespace sparseaccel::runtime
