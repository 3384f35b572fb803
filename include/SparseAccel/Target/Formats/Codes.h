//===- Codes.h - Code tables and the entropy bound --------------*- C++ -*-===//
//
// What a code may be, and how small lossless coding can get at all.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_FORMATS_CODES_H
#define SPARSEACCEL_TARGET_FORMATS_CODES_H

#include "SparseAccel/Target/Formats/Format.h"

namespace sparseaccel::formats {

/// Whether every sequence of code words, written one behind the other, can be read in one way only (the test of Sardinas
/// and Patterson, 1953). Words are texts of '0' and '1'. Where not, the error shows a sequence that reads in two ways:
/// {0, 1, 00, 01} is refused since "00" is also "0" "0"; {00, 01, 10, 11} is accepted.
absl::Status checkUniquelyDecodable(absl::Span<const std::string> words);

/// Words of the canonical Huffman code for these counts, by symbol; empty where a symbol does not occur.
std::vector<std::string> huffmanCode(absl::Span<const uint64_t> counts);

/// Bits below which no code gets that codes values one by one and places one by one, knowing only how often each value
/// occurs (order 0). A format that knows more of a tensor, as that runs differ or that neighbours are alike, may get below
/// it.
struct EntropyBound {
  double valueBits = 0;    ///< Of the nonzero values: nonzeros x their entropy.
  double positionBits = 0; ///< Of which places hold one: places x the entropy of "zero or not".
  double bits() const { return valueBits + positionBits; }
};
EntropyBound entropyBound(const DenseView &values);

/// Entropy of a source with these counts, in bits a symbol.
double entropyOf(absl::Span<const uint64_t> counts);

} // namespace sparseaccel::formats

#endif // SPARSEACCEL_TARGET_FORMATS_CODES_H
