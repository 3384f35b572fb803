//===- Huffman.h - Canonical Huffman codes ----------------------*- C++ -*-===//
//
// Private to the formats. A table lists the symbols that occur, rising, and with each the length of its code; codes
// follow from the lengths: shorter ones first, equal ones in the order of their symbols. The same counts give the same
// table. A single symbol has a code of no bits.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_FORMATS_HUFFMAN_H
#define SPARSEACCEL_LIB_TARGET_FORMATS_HUFFMAN_H

#include "BitStream.h"

#include "absl/status/status.h"

#include <string>
#include <vector>

namespace sparseaccel::formats {

/// How often each symbol occurs; symbols have at most 16 bits.
using Histogram = std::vector<uint64_t>;

/// Width of a code's length in a table. A code is longer than 52 bits only where there are more than 2^36 symbols.
inline constexpr unsigned kCodeLengthBits = 6;

/// Bits of a table that lists `distinct` symbols, with or without code lengths.
inline uint64_t tableBits(uint64_t distinct, unsigned symbolBits, bool lengths) {
  return symbolBits + 1 + distinct * symbolBits + (lengths && distinct > 1 ? distinct * kCodeLengthBits : 0);
}

uint64_t distinctSymbols(const Histogram &histogram);

/// Optimal code lengths for these counts, by symbol; 0 where a symbol does not occur or is the only one.
std::vector<uint8_t> huffmanLengths(const Histogram &histogram);

class HuffmanEncoder {
public:
  explicit HuffmanEncoder(const Histogram &histogram);
  /// Bits of all codes.
  uint64_t codedBits() const { return total; }
  void put(BitWriter &to, uint64_t symbol) const { to.put(codes[symbol], lengths[symbol]); }
  const std::vector<uint8_t> &codeLengths() const { return lengths; }
  /// A symbol's code as text.
  std::string word(size_t symbol) const {
    std::string text;
    for (unsigned i = 0; i < lengths[symbol]; ++i)
      text += codes[symbol] >> i & 1 ? '1' : '0';
    return text;
  }

private:
  std::vector<uint8_t> lengths;
  std::vector<uint64_t> codes; ///< The bit that is read first is the lowest.
  uint64_t total = 0;
};

/// Writes a table of the symbols that occur; with code lengths where they are given.
void writeTable(const Histogram &histogram, unsigned symbolBits, const std::vector<uint8_t> *lengths, BitWriter &to);

/// Reads a table and checks that its symbols rise.
absl::Status readTable(const BitReader &from, uint64_t &position, unsigned symbolBits, bool withLengths,
                       std::vector<uint32_t> &symbols, std::vector<uint8_t> &lengths);

class HuffmanDecoder {
public:
  /// Reads a table and checks that its code is a complete prefix code.
  absl::Status open(const BitReader &from, uint64_t &position, unsigned symbolBits);
  /// The next symbol. False where the bytes end within it.
  bool next(const BitReader &from, uint64_t &position, uint32_t &symbol);
  /// Whether the code is the one that these counts give: what encode() would have written.
  bool isOptimalFor(const Histogram &histogram) const;

private:
  std::vector<uint32_t> symbols;
  std::vector<uint8_t> lengths;
  std::vector<uint32_t> ordered;        ///< Symbols by code.
  uint64_t firstCode[65] = {}, firstIndex[65] = {}, countOf[65] = {};
};

} // namespace sparseaccel::formats

#endif // SPARSEACCEL_LIB_TARGET_FORMATS_HUFFMAN_H
