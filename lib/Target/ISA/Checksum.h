//===- Checksum.h - CRC-32C -------------------------------------*- C++ -*-===//
//
// Private to the container. The Castagnoli polynomial as in iSCSI (RFC 3720, appendix B.4), by tables of eight bytes a
// step.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_ISA_CHECKSUM_H
#define SPARSEACCEL_LIB_TARGET_ISA_CHECKSUM_H

#include "absl/types/span.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace sparseaccel::isa {

namespace detail {
constexpr std::array<std::array<uint32_t, 256>, 8> makeCrcTables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    tables[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; ++byte)
    for (size_t step = 1; step < 8; ++step)
      tables[step][byte] = tables[step - 1][byte] >> 8 ^ tables[0][tables[step - 1][byte] & 255];
  return tables;
}
inline constexpr std::array<std::array<uint32_t, 256>, 8> kCrcTables = makeCrcTables();
} // namespace detail

inline uint32_t crc32c(absl::Span<const uint8_t> bytes) {
  const auto &t = detail::kCrcTables;
  uint32_t crc = ~uint32_t{0};
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    word ^= crc;
    crc = t[7][word & 255] ^ t[6][word >> 8 & 255] ^ t[5][word >> 16 & 255] ^ t[4][word >> 24 & 255] ^
          t[3][word >> 32 & 255] ^ t[2][word >> 40 & 255] ^ t[1][word >> 48 & 255] ^ t[0][word >> 56];
  }
  for (; at < bytes.size(); ++at)
    crc = crc >> 8 ^ t[0][(crc ^ bytes[at]) & 255];
  return ~crc;
}

} // namespace sparseaccel::isa

#endif // SPARSEACCEL_LIB_TARGET_ISA_CHECKSUM_H
