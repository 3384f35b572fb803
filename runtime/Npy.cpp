//===- Npy.cpp - NumPy's .npy and .npz files ------------------------------===//

#include "SparseAccel/Runtime/Npy.h"

#include "SparseAccel/Runtime/SparseMatrix.h"
#include "SparseAccel/Support/Files.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

namespace sparseaccel::runtime {

static_assert(std::endian::native == std::endian::little, "arrays are little-endian in memory");

namespace {

struct TypeInfo {
  DType type;
  const char *code; ///< NumPy's kind and size.
  const char *name;
  size_t bytes;
};
constexpr TypeInfo kTypes[] = {
    {DType::F32, "f4", "float32", 4}, {DType::F64, "f8", "float64", 8}, {DType::F16, "f2", "float16", 2},
    {DType::I8, "i1", "int8", 1},     {DType::U8, "u1", "uint8", 1},    {DType::I16, "i2", "int16", 2},
    {DType::U16, "u2", "uint16", 2},  {DType::I32, "i4", "int32", 4},   {DType::U32, "u4", "uint32", 4},
    {DType::I64, "i8", "int64", 8},   {DType::U64, "u8", "uint64", 8},  {DType::Bool, "b1", "bool", 1}};

const TypeInfo &infoOf(DType type) { return kTypes[static_cast<size_t>(type)]; }

constexpr size_t kMaxRank = 32;
constexpr size_t kMaxHeader = size_t{1} << 20;
constexpr uint8_t kMagic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

template <typename T>
T load(const uint8_t *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

absl::Status invalid(absl::string_view file, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", what));
}

struct Header {
  std::string descr;
  bool fortranOrder = false;
  std::vector<int64_t> shape;
};

/// Reads the literal of a Python dictionary that NumPy writes: three known keys, in any order.
class HeaderParser {
public:
  HeaderParser(absl::string_view text) : text(text) {}

  /// Returns what is wrong, or "".
  std::string parse(Header &out) {
    unsigned seen = 0;
    if (!eat("{"))
      return "expected '{'";
    while (!eat("}")) {
      std::string key;
      if (!quoted(key) || !eat(":"))
        return "expected a quoted key and ':'";
      unsigned bit = key == "descr" ? 1 : key == "fortran_order" ? 2 : key == "shape" ? 4 : 0;
      if (bit == 0 || (seen & bit))
        return absl::StrCat("unexpected key '", absl::CHexEscape(key), "'");
      seen |= bit;
      if (bit == 1 && !quoted(out.descr))
        return "expected a simple dtype: structured arrays are not read";
      if (bit == 2) {
        out.fortranOrder = eat("True");
        if (!out.fortranOrder && !eat("False"))
          return "expected True or False for fortran_order";
      }
      if (bit == 4 && !tuple(out.shape))
        return absl::StrCat("expected a tuple of at most ", kMaxRank, " extents for shape");
      eat(",");
    }
    text = absl::StripAsciiWhitespace(text);
    if (seen != 7)
      return "expected the keys descr, fortran_order and shape";
    return text.empty() ? "" : "unexpected text behind the dictionary";
  }

private:
  bool eat(absl::string_view token) {
    text = absl::StripLeadingAsciiWhitespace(text);
    return absl::ConsumePrefix(&text, token);
  }
  bool quoted(std::string &out) {
    text = absl::StripLeadingAsciiWhitespace(text);
    if (text.empty() || (text[0] != '\'' && text[0] != '"'))
      return false;
    size_t end = text.find(text[0], 1);
    if (end == absl::string_view::npos)
      return false;
    out = std::string(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
    return true;
  }
  bool tuple(std::vector<int64_t> &out) {
    if (!eat("("))
      return false;
    while (!eat(")")) {
      text = absl::StripLeadingAsciiWhitespace(text);
      size_t digits = 0;
      while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9')
        ++digits;
      int64_t value = 0;
      if (digits == 0 || out.size() >= kMaxRank || !absl::SimpleAtoi(text.substr(0, digits), &value))
        return false;
      text.remove_prefix(digits);
      out.push_back(value);
      if (!eat(",") && !absl::StartsWith(absl::StripLeadingAsciiWhitespace(text), ")"))
        return false;
    }
    return true;
  }

  absl::string_view text;
};

/// Elements of `from`, whose first axis runs fastest, in row-major order.
std::vector<uint8_t> fromFortranOrder(absl::Span<const uint8_t> from, const std::vector<int64_t> &shape, size_t width) {
  std::vector<uint8_t> to(from.size());
  std::vector<int64_t> index(shape.size(), 0), stride(shape.size(), 1);
  for (size_t axis = 1; axis < shape.size(); ++axis)
    stride[axis] = stride[axis - 1] * shape[axis - 1];
  int64_t source = 0;
  for (size_t target = 0; target < to.size(); target += width) {
    std::memcpy(&to[target], &from[source * width], width);
    for (size_t axis = shape.size(); axis-- > 0;) {
      source += stride[axis];
      if (++index[axis] < shape[axis])
        break;
      source -= stride[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return to;
}

absl::StatusOr<std::vector<uint8_t>> readBytes(const std::string &path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return invalid(path, "is a folder; expected an .npy, .npz or .mtx file");
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream)
    return absl::NotFoundError(absl::StrCat(path, ": cannot be opened: ", std::strerror(errno)));
  std::streamoff size = stream.tellg();
  if (size < 0)
    return invalid(path, "is not a regular file");
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  stream.seekg(0);
  if (!stream.read(reinterpret_cast<char *>(bytes.data()), size))
    return invalid(path, "cannot be read");
  return bytes;
}

} // namespace

const char *toString(DType type) { return infoOf(type).name; }
size_t bytesOf(DType type) { return infoOf(type).bytes; }
bool isFloat(DType type) { return type == DType::F32 || type == DType::F64 || type == DType::F16; }

int64_t Array::elements() const {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end())
    return 0; // whatever the others are: their product may not be a number
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

std::string Array::describe() const { return absl::StrCat(toString(dtype), "[", absl::StrJoin(shape, "x"), "]"); }

namespace {

/// IEEE's binary16: a sign, 5 bits of exponent, 10 of fraction.
struct Half {
  uint16_t bits;
  explicit operator float() const {
    int exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
    float magnitude = exponent == 31
                          ? fraction ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity()
                      : exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                      : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
    return bits >> 15 ? -magnitude : magnitude;
  }
  explicit operator double() const { return static_cast<double>(static_cast<float>(*this)); }
};

} // namespace

template <typename Visitor>
static auto visit(DType type, Visitor &&visitor) {
  switch (type) {
  case DType::F32:
    return visitor(float{});
  case DType::F64:
    return visitor(double{});
  case DType::F16:
    return visitor(Half{});
  case DType::I8:
    return visitor(int8_t{});
  case DType::U8:
  case DType::Bool:
    return visitor(uint8_t{});
  case DType::I16:
    return visitor(int16_t{});
  case DType::U16:
    return visitor(uint16_t{});
  case DType::I32:
    return visitor(int32_t{});
  case DType::U32:
    return visitor(uint32_t{});
  case DType::I64:
    return visitor(int64_t{});
  case DType::U64:
    return visitor(uint64_t{});
  }
  return visitor(uint8_t{});
}

double Array::at(int64_t index) const {
  return visit(dtype, [&](auto zero) -> double {
    return static_cast<double>(load<decltype(zero)>(bytes.data() + index * sizeof(zero)));
  });
}

std::vector<float> Array::toFloat() const {
  return visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    absl::Span<const T> values = as<T>();
    std::vector<float> result(values.size());
    std::transform(values.begin(), values.end(), result.begin(), [](T value) { return static_cast<float>(value); });
    return result;
  });
}

static bool isText(const Header &header) {
  return header.descr.size() > 2 && (header.descr[1] == 'U' || header.descr[1] == 'S');
}

/// The header of a .npy file, and its data behind it.
static absl::StatusOr<Header> parseHeader(absl::Span<const uint8_t> bytes, absl::string_view file,
                                          absl::Span<const uint8_t> &data) {
  if (bytes.size() < 10 || std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0)
    return invalid(file, "is not an .npy, .npz or .mtx file");
  unsigned major = bytes[6];
  if (major < 1 || major > 3)
    return invalid(file, absl::StrCat("version ", major, " of the .npy format is not known; expected 1 to 3"));
  size_t start = major == 1 ? 10 : 12;
  if (bytes.size() < start)
    return invalid(file, "ends within its header");
  size_t length = major == 1 ? load<uint16_t>(bytes.data() + 8) : load<uint32_t>(bytes.data() + 8);
  if (length > kMaxHeader || length > bytes.size() - start)
    return invalid(file, absl::StrCat("says that its header has ", length, " bytes, more than there are"));

  Header header;
  std::string wrong =
      HeaderParser(absl::string_view(reinterpret_cast<const char *>(bytes.data() + start), length)).parse(header);
  if (!wrong.empty())
    return invalid(file, absl::StrCat("header: ", wrong));
  data = bytes.subspan(start + length);
  return header;
}

absl::StatusOr<Array> parseNpy(absl::Span<const uint8_t> bytes, absl::string_view file) {
  absl::Span<const uint8_t> data;
  absl::StatusOr<Header> parsed = parseHeader(bytes, file, data);
  if (!parsed.ok())
    return parsed.status();
  Header &header = *parsed;
  const TypeInfo *info = nullptr;
  for (const TypeInfo &candidate : kTypes)
    if (header.descr.size() == 3 && absl::string_view("<>|=").find(header.descr[0]) != absl::string_view::npos &&
        header.descr.substr(1) == candidate.code)
      info = &candidate;
  if (!info && isText(header))
    return absl::UnimplementedError(
        absl::StrCat(file, ": holds text (dtype '", absl::CHexEscape(header.descr), "'), which is not read"));
  if (!info && header.descr == "|O")
    return absl::UnimplementedError(absl::StrCat(file, ": holds pickled objects (dtype '|O'), which are not read"));
  // Raw bytes of two: NumPy has no name for the bfloat16 of the package ml_dtypes, and so saves it.
  if (!info && header.descr.size() == 3 && header.descr.substr(1) == "V2")
    return invalid(file,
                   absl::StrCat("dtype '", absl::CHexEscape(header.descr),
                                "' has no meaning of its own (bfloat16 is saved so); expected it saved as float32, "
                                "by x.astype(numpy.float32)"));
  if (!info)
    return invalid(file,
                   absl::StrCat("dtype '", absl::CHexEscape(header.descr),
                                "' is not read; expected float16, float32, float64, an integer of 8 to 64 bits or "
                                "bool"));
  // Compare without overflow: the product of the extents is at most data.size() / info->bytes.
  uint64_t count = 1, limit = data.size() / info->bytes;
  bool empty = std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end();
  for (int64_t extent : header.shape) {
    if (!empty && static_cast<uint64_t>(extent) > limit / count)
      return invalid(file, absl::StrCat("ends before its data: shape (", absl::StrJoin(header.shape, ", "), ") of ",
                                        info->name, " does not fit in ", data.size(), " bytes"));
    count = empty ? 0 : count * static_cast<uint64_t>(extent);
  }
  if (count * info->bytes != data.size())
    return invalid(file,
                   absl::StrCat("holds ", data.size(), " bytes of data; shape (", absl::StrJoin(header.shape, ", "),
                                ") of ", info->name, " takes ", count * info->bytes));
  Array array{info->type, std::move(header.shape), {}};
  if (header.fortranOrder && array.shape.size() > 1 && !data.empty())
    array.bytes = fromFortranOrder(data, array.shape, info->bytes);
  else
    array.bytes.assign(data.begin(), data.end());
  if (header.descr[0] == '>')
    for (size_t i = 0; i < array.bytes.size(); i += info->bytes)
      std::reverse(array.bytes.begin() + i, array.bytes.begin() + i + info->bytes);
  return array;
}

//===----------------------------------------------------------------------===//
// Archives
//===----------------------------------------------------------------------===//

// Inflates a raw deflate stream that must give exactly `size` bytes.
static bool inflateRaw(absl::Span<const uint8_t> from, size_t size, std::vector<uint8_t> &to) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return false;
  to.resize(size + 1); // one more, so that a stream that goes on is noticed
  size_t read = 0, written = 0;
  int state = Z_OK;
  constexpr size_t kChunk = std::numeric_limits<uInt>::max() / 2;
  while (state == Z_OK) {
    stream.next_in = const_cast<Bytef *>(from.data() + read);
    stream.avail_in = static_cast<uInt>(std::min(kChunk, from.size() - read));
    stream.next_out = to.data() + written;
    stream.avail_out = static_cast<uInt>(std::min(kChunk, to.size() - written));
    size_t in = stream.avail_in, out = stream.avail_out;
    state = inflate(&stream, Z_NO_FLUSH);
    read += in - stream.avail_in;
    written += out - stream.avail_out;
    if (in == stream.avail_in && out == stream.avail_out)
      break;
  }
  inflateEnd(&stream);
  to.resize(std::min(written, size));
  return state == Z_STREAM_END && written == size;
}

static uint32_t checksum(absl::Span<const uint8_t> bytes) {
  uLong crc = crc32(0, nullptr, 0);
  for (size_t at = 0; at < bytes.size();) {
    size_t part = std::min<size_t>(bytes.size() - at, size_t{1} << 30);
    crc = crc32(crc, bytes.data() + at, static_cast<uInt>(part));
    at += part;
  }
  return static_cast<uint32_t>(crc);
}

/// The text of an array of one element, in ASCII; "" where it is none.
static std::string scalarText(absl::Span<const uint8_t> bytes) {
  absl::Span<const uint8_t> data;
  absl::StatusOr<Header> header = parseHeader(bytes, "", data);
  if (!header.ok() || !isText(*header) || !header->shape.empty())
    return "";
  std::string text;
  for (size_t at = 0, step = header->descr[1] == 'U' ? 4 : 1; at < data.size() && data[at]; at += step)
    text.push_back(static_cast<char>(data[at]));
  return text;
}

absl::StatusOr<NamedArrays> parseNpz(absl::Span<const uint8_t> bytes, absl::string_view file, uint64_t maxDenseBytes) {
  constexpr size_t kEndSize = 22, kEntrySize = 46, kLocalSize = 30;
  auto signature = [&](size_t at) { return load<uint32_t>(bytes.data() + at); };
  // The end record stands behind everything but a comment of at most 65535 bytes.
  if (bytes.size() < kEndSize)
    return invalid(file, "is not an .npz archive");
  size_t end = bytes.size() - kEndSize, lowest = end > 65535 ? end - 65535 : 0;
  while (signature(end) != 0x06054b50) {
    if (end == lowest)
      return invalid(file, "is not an .npz archive, or is truncated: it has no directory");
    --end;
  }
  size_t count = load<uint16_t>(bytes.data() + end + 10), at = load<uint32_t>(bytes.data() + end + 16);
  if (count == 0xffff || at == 0xffffffff)
    return invalid(file, "is an archive of more than 4 GB or 65534 members, which is not read");
  NamedArrays arrays;
  std::string format; // of SciPy's matrices
  for (size_t i = 0; i < count; ++i) {
    if (at > end || end - at < kEntrySize || signature(at) != 0x02014b50)
      return invalid(file, absl::StrCat("the archive's directory is broken at member ", i));
    unsigned flags = load<uint16_t>(bytes.data() + at + 8), method = load<uint16_t>(bytes.data() + at + 10);
    uint32_t crc = load<uint32_t>(bytes.data() + at + 16);
    size_t packed = load<uint32_t>(bytes.data() + at + 20), size = load<uint32_t>(bytes.data() + at + 24);
    size_t nameLength = load<uint16_t>(bytes.data() + at + 28), extra = load<uint16_t>(bytes.data() + at + 30);
    size_t comment = load<uint16_t>(bytes.data() + at + 32), local = load<uint32_t>(bytes.data() + at + 42);
    if (end - at - kEntrySize < nameLength + extra + comment)
      return invalid(file, absl::StrCat("the archive's directory is broken at member ", i));
    std::string name(reinterpret_cast<const char *>(bytes.data() + at + kEntrySize), nameLength);
    std::string shown = absl::StrCat(file, ":", absl::CHexEscape(name));
    at += kEntrySize + nameLength + extra + comment;
    if (packed == 0xffffffff || size == 0xffffffff || local == 0xffffffff)
      return invalid(shown, "has more than 4 GB, which is not read");
    if (flags & 1)
      return invalid(shown, "is encrypted");
    if (local > end || end - local < kLocalSize || signature(local) != 0x04034b50)
      return invalid(shown, "is not where the archive's directory says");
    size_t data =
        local + kLocalSize + load<uint16_t>(bytes.data() + local + 26) + load<uint16_t>(bytes.data() + local + 28);
    if (data > end || end - data < packed)
      return invalid(shown, "is truncated");
    absl::Span<const uint8_t> content = bytes.subspan(data, packed);
    std::vector<uint8_t> inflated;
    if (method == 8) {
      // Deflate gives at most 1032 bytes for one: a larger claim is a lie, and is not allocated.
      if (size / 1032 > packed || !inflateRaw(content, size, inflated))
        return invalid(shown, "does not inflate to the size that the archive's directory says");
      content = inflated;
    } else if (method != 0) {
      return invalid(shown, absl::StrCat("is compressed by method ", method, "; only stored and deflated are read"));
    } else if (packed != size) {
      return invalid(shown, "is stored, but its two sizes differ");
    }
    if (checksum(content) != crc)
      return invalid(shown, "is corrupt: its checksum differs");
    absl::StatusOr<Array> array = parseNpy(content, shown);
    if (absl::IsUnimplemented(array.status())) { // labels and names beside the data
      if (name == "format.npy")
        format = scalarText(content);
      continue;
    }
    if (!array.ok())
      return array.status();
    arrays.emplace_back(std::string(absl::StripSuffix(name, ".npy")), *std::move(array));
  }
  if (arrays.empty())
    return invalid(file, "holds no array of numbers");
  if (isSciPyMatrix(format, arrays)) {
    absl::StatusOr<Array> matrix = fromSciPy(format, arrays, file, maxDenseBytes);
    if (!matrix.ok())
      return matrix.status();
    arrays.clear();
    arrays.emplace_back("", *std::move(matrix));
  }
  return arrays;
}

absl::StatusOr<Array> readNpy(const std::string &path) {
  absl::StatusOr<std::vector<uint8_t>> bytes = readBytes(path);
  if (!bytes.ok())
    return bytes.status();
  return parseNpy(*bytes, path);
}

absl::StatusOr<NamedArrays> readArrays(const std::string &path) {
  absl::StatusOr<std::vector<uint8_t>> bytes = readBytes(path);
  if (!bytes.ok())
    return bytes.status();
  if (bytes->size() >= 2 && (*bytes)[0] == 'P' && (*bytes)[1] == 'K')
    return parseNpz(*bytes, path);
  absl::string_view text(reinterpret_cast<const char *>(bytes->data()), bytes->size());
  absl::StatusOr<Array> array = isMatrixMarket(text) ? parseMatrixMarket(text, path) : parseNpy(*bytes, path);
  if (!array.ok())
    return array.status();
  NamedArrays arrays;
  arrays.emplace_back("", *std::move(array));
  return arrays;
}

const Array *findInput(const NamedArrays &arrays, absl::string_view name, size_t position, size_t inputs,
                       absl::FunctionRef<bool(const Array &)> fits) {
  const Array *found = nullptr;
  for (const auto &[key, array] : arrays)
    if (key == name)
      found = &array;
  if (found)
    return found;
  if (arrays.size() == inputs) {
    bool positional = true;
    for (size_t i = 0; i < inputs; ++i) {
      positional &= std::any_of(arrays.begin(), arrays.end(),
                                [&](const auto &entry) { return entry.first == absl::StrCat("arr_", i); });
    }
    for (const auto &[key, array] : arrays)
      if (positional && key == absl::StrCat("arr_", position))
        return &array;
  }
  if (inputs != 1)
    return nullptr;
  if (arrays.size() == 1)
    return &arrays.front().second;
  for (const auto &[key, array] : arrays)
    if (fits(array)) {
      if (found)
        return nullptr; // which of them?
      found = &array;
    }
  return found;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::vector<uint8_t> serializeNpy(const Array &array) {
  const TypeInfo &info = infoOf(array.dtype);
  std::string header =
      absl::StrCat("{'descr': '", info.bytes == 1 ? "|" : "<", info.code, "', 'fortran_order': False, 'shape': (",
                   absl::StrJoin(array.shape, ", "), array.shape.size() == 1 ? ",), }" : "), }");
  // The data begins at a multiple of 64 bytes, and the header ends in a line feed.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header.push_back('\n');
  std::vector<uint8_t> bytes;
  bytes.reserve(10 + header.size() + array.bytes.size());
  for (uint8_t byte : kMagic)
    bytes.push_back(byte);
  for (size_t byte : {size_t{1}, size_t{0}, header.size() & 0xff, header.size() >> 8})
    bytes.push_back(static_cast<uint8_t>(byte));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), array.bytes.begin(), array.bytes.end());
  return bytes;
}

absl::Status writeFileAtomically(const std::string &path, absl::string_view bytes) {
  return sparseaccel::writeFileAtomically(path, bytes);
}

absl::Status writeNpy(const std::string &path, const Array &array) {
  std::vector<uint8_t> bytes = serializeNpy(array);
  return writeFileAtomically(path, absl::string_view(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
}

} // namespace sparseaccel::runtime
