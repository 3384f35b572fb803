//===- Archive.h - Records to and from bytes --------------------*- C++ -*-===//
//
// Private to the container. A record is described once, by a template `describe(archive, record)` that hands its fields
// to the archive in order; Writer and Reader do the rest, so that neither can forget a field. Integers are
// little-endian, arrays and strings carry a 32-bit length.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_ISA_ARCHIVE_H
#define SPARSEACCEL_LIB_TARGET_ISA_ARCHIVE_H

#include "SparseAccel/Target/ISA/Instructions.h"

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sparseaccel::isa {

static_assert(std::endian::native == std::endian::little, "the container's integers are little-endian");

/// Specialised for each enumeration that the container stores: its number of values.
template <typename E>
inline constexpr unsigned kCases = 0;

class Writer {
public:
  explicit Writer(std::vector<uint8_t> &out) : out(out) {}

  template <typename T>
  void operator()(const T &value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      static_assert(!std::is_enum_v<T> || sizeof(T) == 1);
      raw(&value, sizeof(T));
    } else {
      describe(*this, value);
    }
  }
  void operator()(const std::string &text) {
    length(text.size());
    raw(text.data(), text.size());
  }
  template <typename T, size_t N>
  void operator()(const std::array<T, N> &values) {
    raw(values.data(), sizeof(values));
  }
  template <typename T>
  void operator()(const std::vector<T> &values) {
    length(values.size());
    if constexpr (std::is_arithmetic_v<T>)
      raw(values.data(), values.size() * sizeof(T));
    else
      for (const T &value : values)
        (*this)(value);
  }
  template <typename A, typename B>
  void operator()(const std::pair<A, B> &value) {
    (*this)(value.first);
    (*this)(value.second);
  }

private:
  void raw(const void *from, size_t bytes) {
    const uint8_t *at = static_cast<const uint8_t *>(from);
    out.insert(out.end(), at, at + bytes);
  }
  void length(size_t count) { (*this)(static_cast<uint32_t>(count)); }

  std::vector<uint8_t> &out;
};

/// Reads until something is wrong; then every further read gives zero and `error()` says what it was.
class Reader {
public:
  explicit Reader(absl::Span<const uint8_t> bytes) : bytes(bytes) {}

  bool ok() const { return message.empty(); }
  const std::string &error() const { return message; }
  absl::Span<const uint8_t> rest() const { return bytes; }
  void fail(std::string what) {
    if (ok())
      message = std::move(what);
    bytes = {};
  }

  template <typename T>
  void operator()(T &value) {
    if constexpr (std::is_same_v<T, bool>) {
      uint8_t byte = 0;
      (*this)(byte);
      if (byte > 1)
        fail(absl::StrCat("expected a flag of 0 or 1, but got ", byte));
      value = byte == 1;
    } else if constexpr (std::is_enum_v<T>) {
      static_assert(sizeof(T) == 1);
      uint8_t byte = 0;
      (*this)(byte);
      value = static_cast<T>(byte);
      if constexpr (kCases<T> != 0) {
        if (byte >= kCases<T>)
          fail(absl::StrCat("expected an enumeration below ", kCases<T>, ", but got ", byte));
      } else if (!isValid(value)) {
        fail(absl::StrCat("unknown enumeration value ", byte));
      }
    } else if constexpr (std::is_arithmetic_v<T>) {
      value = T{};
      raw(&value, sizeof(T));
    } else {
      describe(*this, value);
    }
  }
  void operator()(std::string &text) {
    text.resize(length(1));
    raw(text.data(), text.size());
  }
  template <typename T, size_t N>
  void operator()(std::array<T, N> &values) {
    raw(values.data(), sizeof(values));
  }
  template <typename T>
  void operator()(std::vector<T> &values) {
    values.clear();
    if constexpr (std::is_arithmetic_v<T>) {
      values.resize(length(sizeof(T)));
      raw(values.data(), values.size() * sizeof(T));
    } else {
      for (uint64_t left = length(1); left > 0 && ok(); --left) {
        values.emplace_back();
        (*this)(values.back());
        if (!ok())
          message = absl::StrCat("entry ", values.size() - 1, ": ", message);
      }
    }
  }
  template <typename A, typename B>
  void operator()(std::pair<A, B> &value) {
    (*this)(value.first);
    (*this)(value.second);
  }

private:
  void raw(void *to, size_t count) {
    if (count > bytes.size())
      return fail(absl::StrCat("expected ", count, " bytes more, but got ", bytes.size()));
    if (count)
      std::memcpy(to, bytes.data(), count);
    bytes.remove_prefix(count);
  }
  uint64_t length(size_t smallest) {
    uint32_t count = 0;
    (*this)(count);
    if (count > bytes.size() / smallest) {
      fail(absl::StrCat("a length of ", count, " exceeds the ", bytes.size(), " bytes that follow"));
      return 0;
    }
    return count;
  }

  absl::Span<const uint8_t> bytes;
  std::string message;
};

} // namespace sparseaccel::isa

#endif // SPARSEACCEL_LIB_TARGET_ISA_ARCHIVE_H
