//===- Codec.h - The two families of codecs ---------------------*- C++ -*-===//
//
// Private to the formats. Dispatch.cpp dispatches on Format::packing.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_FORMATS_CODEC_H
#define SPARSEACCEL_LIB_TARGET_FORMATS_CODEC_H

#include "SparseAccel/Target/Formats/Format.h"
#include "SparseAccel/Target/Formats/Reader.h"

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"

#include <algorithm>

namespace sparseaccel::formats {

uint64_t elementsOf(absl::Span<const uint32_t> shape);

/// Expected zeros that must be stored because a run before a nonzero exceeds what `bits` can say, for `length`
/// independent places.
double expectedRunPadding(uint64_t length, unsigned bits, double density);

/// Mean of the largest of `fibers` independent numbers of entries, of `extent` places each.
double expectedFullest(double extent, double density, double fibers);

/// The fibertree of a granule: `rank[i]` lies over `extent[i]` places of `below[i]` elements each.
struct Tree {
  Tree(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape);

  size_t ranks() const { return kind.size(); }
  bool innermost(size_t rank) const { return rank + 1 == kind.size(); }
  /// CP and RLE fibers carry their length, except where the rank above is UOP, whose offsets say it.
  bool hasCount(size_t rank) const;
  bool underOffsets(size_t rank) const { return rank > 0 && kind[rank - 1] == RankKind::UOP; }

  /// Entries of each fiber of an NM rank, or of an ELL rank whose fullest fiber has `fullest`.
  uint64_t fixedEntries(size_t rank, uint64_t fullest) const {
    if (kind[rank] == RankKind::ELL)
      return fullest;
    return extent[rank] / m[rank] * n[rank] + std::min<uint64_t>(n[rank], extent[rank] % m[rank]);
  }

  /// What an NM or ELL rank stores of an entry at this place of its fiber.
  uint64_t placeField(size_t rank, uint64_t place) const {
    return kind[rank] == RankKind::NM ? place % m[rank] : place;
  }

  absl::InlinedVector<RankKind, 4> kind;
  absl::InlinedVector<unsigned, 4> bits;      ///< Width of a coordinate, run or offset.
  absl::InlinedVector<unsigned, 4> countBits; ///< Width of a fiber's length.
  absl::InlinedVector<unsigned, 4> n, m;      ///< Of NM.
  absl::InlinedVector<bool, 4> huffman, local;
  absl::InlinedVector<uint64_t, 4> extent, below;
  unsigned elementBytes;
};

/// What a rank stores: the fibers that are present, and the entries in all of them. Expected numbers need not be whole.
template <typename Number>
struct RankCount {
  Number fibers{}, entries{};
  Number codedBits{}; ///< Table and codes of an RLE rank with Huffman codes.
};
template <typename Number>
using RankCounts = absl::InlinedVector<RankCount<Number>, 4>;

/// Bits of a rank's stream, before it is padded to a byte.
template <typename Number>
Number streamBits(const Tree &tree, size_t rank, const RankCount<Number> &count) {
  switch (tree.kind[rank]) {
  case RankKind::U:
    return 0;
  case RankKind::B:
    return count.fibers * tree.extent[rank];
  case RankKind::CP:
  case RankKind::RLE:
    return (tree.huffman[rank] ? count.codedBits : count.entries * tree.bits[rank]) +
           (tree.hasCount(rank) ? count.fibers * tree.countBits[rank] : 0);
  case RankKind::UOP:
    if (tree.local[rank])
      return count.fibers * (tree.extent[rank] + 1) * tree.bits[rank];
    return (count.fibers * tree.extent[rank] + 1) * tree.bits[rank];
  case RankKind::NM:
    return count.entries * tree.bits[rank];
  case RankKind::ELL:
    return count.entries * tree.bits[rank] + tree.countBits[rank];
  }
  return 0;
}

namespace streams {
Size sizeOf(const Format &format, const DenseView &values);
Size worstCase(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape);
Size encode(const Format &format, const DenseView &values, std::vector<uint8_t> &out);
absl::Status decode(const Format &format, absl::Span<const uint8_t> bytes, unsigned elementBytes,
                    absl::Span<const uint32_t> shape, void *out);
double expectedBits(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape, double density);
/// How many values are stored, zeros included.
uint64_t storedValues(const Format &format, const DenseView &values);
/// Whether shared values have no more distinct values than their indices can tell apart.
absl::Status checkDistinct(const Format &format, const DenseView &values);
} // namespace streams

namespace rlc {
Size sizeOf(const DenseView &values);
Size worstCase(unsigned elementBytes, absl::Span<const uint32_t> shape);
Size encode(const DenseView &values, std::vector<uint8_t> &out);
absl::Status decode(absl::Span<const uint8_t> bytes, unsigned elementBytes, absl::Span<const uint32_t> shape,
                    void *out);
double expectedBits(unsigned elementBytes, absl::Span<const uint32_t> shape, double density);
/// One element of bytes that decode() takes, and what reading up to it costs.
uint64_t at(absl::Span<const uint8_t> bytes, unsigned elementBytes, uint64_t element, AccessCost &cost);
} // namespace rlc

namespace zfnaf {
Size sizeOf(unsigned elementBytes, absl::Span<const uint32_t> shape);
Size encode(const DenseView &values, std::vector<uint8_t> &out);
absl::Status decode(absl::Span<const uint8_t> bytes, unsigned elementBytes, absl::Span<const uint32_t> shape,
                    void *out);
uint64_t at(absl::Span<const uint8_t> bytes, unsigned elementBytes, absl::Span<const uint32_t> shape, uint64_t element,
            AccessCost &cost);
} // namespace zfnaf

} // namespace sparseaccel::formats

#endif // SPARSEACCEL_LIB_TARGET_FORMATS_CODEC_H
