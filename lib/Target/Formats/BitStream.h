//===- BitStream.h - Little-endian bit fields in memory ---------*- C++ -*-===//
//
// Private to the codecs. The first bit of a stream is the least significant bit of its first byte.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_FORMATS_BITSTREAM_H
#define SPARSEACCEL_LIB_TARGET_FORMATS_BITSTREAM_H

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace sparseaccel::formats {

static_assert(std::endian::native == std::endian::little, "the codecs read and write whole little-endian words");

template <typename T>
T loadAs(const void *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <typename T>
void storeAs(void *to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

/// Bits that hold every integer from 0 to `maximum`; at least 1.
inline unsigned bitsFor(uint64_t maximum) { return maximum ? static_cast<unsigned>(std::bit_width(maximum)) : 1; }

inline uint64_t lowBits(unsigned bits) { return bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

/// Writes fields into memory that somebody has sized; never touches a byte behind the last bit written.
class BitWriter {
public:
  explicit BitWriter(uint8_t *to = nullptr) : at(to) {}

  void put(uint64_t value, unsigned bits) {
    if (bits > 32) {
      put(value & 0xffffffff, 32);
      value >>= 32;
      bits -= 32;
    }
    pending |= value << used;
    used += bits;
    if (used >= 32) {
      storeAs<uint32_t>(at, static_cast<uint32_t>(pending));
      at += 4;
      pending >>= 32;
      used -= 32;
    }
  }

  /// Ends the stream: zeros up to the next byte.
  void flush() {
    for (; used > 0; used = used > 8 ? used - 8 : 0) {
      *at++ = static_cast<uint8_t>(pending);
      pending >>= 8;
    }
  }

private:
  uint8_t *at;
  uint64_t pending = 0;
  unsigned used = 0;
};

/// Reads fields of at most 57 bits at any position of a byte range. Bits behind the end read as zero; callers compare
/// positions with sizeBits().
class BitReader {
public:
  explicit BitReader(absl::Span<const uint8_t> bytes) : bytes(bytes) {}

  uint64_t sizeBits() const { return uint64_t{bytes.size()} * 8; }

  uint64_t get(uint64_t position, unsigned bits) const {
    return (window(position / 8) >> (position % 8)) & lowBits(bits);
  }

  /// 64 bits from any position.
  uint64_t get64(uint64_t position) const {
    uint64_t low = window(position / 8), shift = position % 8;
    return shift ? low >> shift | get(position + 56, 8) << 56 : low;
  }

private:
  uint64_t window(uint64_t byte) const {
    if (byte + 8 <= bytes.size())
      return loadAs<uint64_t>(bytes.data() + byte);
    uint64_t value = 0;
    if (byte < bytes.size())
      std::memcpy(&value, bytes.data() + byte, bytes.size() - byte);
    return value;
  }

  absl::Span<const uint8_t> bytes;
};

/// One bit per element, set where it is not zero.
class NonzeroMask {
public:
  NonzeroMask(const void *data, unsigned elementBytes, uint64_t count);

  /// 64 elements from `position`, or as many as there are.
  uint64_t chunk(uint64_t position) const {
    uint64_t word = position / 64, shift = position % 64;
    return shift ? words[word] >> shift | words[word + 1] << (64 - shift) : words[word];
  }
  bool any(uint64_t begin, uint64_t length) const {
    for (; length > 64; begin += 64, length -= 64)
      if (chunk(begin))
        return true;
    return length && (chunk(begin) & lowBits(static_cast<unsigned>(length)));
  }
  uint64_t count(uint64_t begin, uint64_t length) const {
    uint64_t total = 0;
    for (; length > 64; begin += 64, length -= 64)
      total += static_cast<uint64_t>(std::popcount(chunk(begin)));
    return length ? total + static_cast<uint64_t>(std::popcount(chunk(begin) & lowBits(static_cast<unsigned>(length))))
                  : total;
  }
  /// Calls `f(index)` in rising order for the set bits, counted from `begin`.
  template <typename F>
  void forEach(uint64_t begin, uint64_t length, F &&f) const {
    for (uint64_t done = 0; done < length; done += 64) {
      uint64_t bits = chunk(begin + done);
      if (length - done < 64)
        bits &= lowBits(static_cast<unsigned>(length - done));
      for (; bits; bits &= bits - 1)
        f(done + static_cast<uint64_t>(std::countr_zero(bits)));
    }
  }

  /// Entries that a run-length code of `bits` bits needs for this range: its nonzeros, and one for every 2^bits zeros
  /// in a row before one of them.
  uint64_t runEntries(uint64_t begin, uint64_t length, unsigned bits) const;

private:
  absl::InlinedVector<uint64_t, 18> words; ///< One more than needed, so that chunk() may look ahead.
};

} // namespace sparseaccel::formats

#endif // SPARSEACCEL_LIB_TARGET_FORMATS_BITSTREAM_H
