//===- Check.cpp - What a format may be and may hold ------------------------===//

#include "BitStream.h"
#include "Codec.h"
#include "View.h"

#include "absl/strings/str_cat.h"

namespace sparseaccel::formats {

// Largest granule: what a 48-bit count of bits can say, so that no size overflows.
static constexpr uint64_t kMaxElements = uint64_t{1} << 36;

template <typename... What>
static absl::Status error(const What &...what) {
  return absl::InvalidArgumentError(absl::StrCat(what...));
}

bool Format::restrictsValues() const {
  for (const RankFormat &rank : ranks)
    if (rank.kind == RankKind::NM)
      return true;
  return values == ValueCoding::Shared && indexBits != 0;
}

static absl::Status checkRank(const RankFormat &rank) {
  if (rank.kind > RankKind::ELL)
    return error("unknown rank format ", static_cast<int>(rank.kind));
  bool takesBits = rank.kind == RankKind::CP || rank.kind == RankKind::RLE || rank.kind == RankKind::UOP;
  if (rank.bits > (takesBits ? kMaxRankBits : 0))
    return error("a field of ", static_cast<int>(rank.bits), " bits is too wide; CP, RLE and UOP take at most ",
                 kMaxRankBits, ", the others none");
  if (rank.kind == RankKind::NM ? rank.n == 0 || rank.n >= rank.m || rank.m > 256 : rank.n || rank.m)
    return error("a group of ", rank.m, " places cannot have ", rank.n, " entries; expected 1 to m - 1 in n:m, and m up to 256");
  if (rank.huffman && (rank.kind != RankKind::RLE || rank.bits == 0 || rank.bits > kMaxHuffmanBits))
    return error("'huffman' codes the runs of RLE, whose width must be given and at most ", kMaxHuffmanBits,
                 " bits, as in 'RLE:8 huffman'");
  if (rank.local && rank.kind != RankKind::UOP)
    return error("'local' begins the offsets of each fiber at zero again: only UOP has offsets");
  return absl::OkStatus();
}

/// Each dimension must be there once, whole or as the quotient and the remainder by one factor.
static absl::Status checkDimensions(const Format &format) {
  size_t named = 0, dimensions = 0;
  for (const RankFormat &rank : format.ranks) {
    named += rank.dimension != kOwnDimension;
    if (rank.dimension == kOwnDimension && rank.split != Split::Whole)
      return error("a rank over a part of a dimension names the dimension");
    if (rank.dimension != kOwnDimension)
      dimensions = std::max<size_t>(dimensions, rank.dimension + size_t{1});
  }
  if (named == 0)
    return absl::OkStatus();
  if (named != format.ranks.size())
    return error("either every rank names its dimension, as in [UOP@1, CP@0], or none does");
  if (dimensions > kMaxRanks)
    return error("dimensions are 0 to ", kMaxRanks - 1, ", but one is ", dimensions - 1);
  for (size_t d = 0; d < dimensions; ++d) {
    unsigned whole = 0, quotients = 0, remainders = 0;
    uint32_t factors[2] = {0, 0};
    for (const RankFormat &rank : format.ranks) {
      if (rank.dimension != d)
        continue;
      whole += rank.split == Split::Whole;
      quotients += rank.split == Split::Quotient;
      remainders += rank.split == Split::Remainder;
      if (rank.split != Split::Whole)
        factors[rank.split == Split::Quotient] = rank.factor;
      if (rank.split == Split::Whole ? rank.factor != 0 : rank.factor < 2 || rank.factor > 1u << 16)
        return error("a dimension is split by a factor from 2 to 65536, but got ", rank.factor);
    }
    if (whole == 1 && quotients == 0 && remainders == 0)
      continue;
    if (whole == 0 && quotients == 1 && remainders == 1) {
      if (factors[0] == factors[1])
        continue;
      return error("dimension ", d, " is divided by ", factors[1], " but its remainder is by ", factors[0]);
    }
    if (whole + quotients + remainders == 0)
      return error("no rank lies over dimension ", d, ", though one lies over a later dimension");
    return error("dimension ", d, " is not there exactly once: expected @", d, ", or both @", d, "/k and @", d, "%k");
  }
  return absl::OkStatus();
}

absl::Status checkFormat(const Format &format) {
  if (format.packing > Packing::Zfnaf)
    return error("unknown packing ", static_cast<int>(format.packing));
  if (format.values > ValueCoding::Huffman)
    return error("unknown value format ", static_cast<int>(format.values));
  if (format.packing != Packing::Streams) {
    if (!format.ranks.empty())
      return error("ranks have no meaning beside the packings eyeriss-rlc and zfnaf");
    if (format.values != ValueCoding::Raw)
      return error("the words of eyeriss-rlc and zfnaf have a fixed layout: their values are neither shared nor Huffman "
                   "codes");
  }
  if (format.indexBits && (format.values != ValueCoding::Shared || format.indexBits > 16))
    return error("only shared values have indices, of at most 16 bits");
  if (format.ranks.empty() && format.packing == Packing::Streams && !format.isDense())
    return error("a format that codes its values has ranks, if only [U]");
  if (format.deltaDimension >= static_cast<int>(kMaxRanks))
    return error("delta takes a dimension from 0 to ", kMaxRanks - 1);
  if (format.ranks.size() > kMaxRanks)
    return error("a format has at most ", kMaxRanks, " ranks, but got ", format.ranks.size());
  for (const RankFormat &rank : format.ranks)
    if (absl::Status status = checkRank(rank); !status.ok())
      return status;
  return checkDimensions(format);
}

absl::Status checkFormat(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape) {
  if (absl::Status status = checkFormat(format); !status.ok())
    return status;
  uint64_t elements = 1;
  for (uint32_t extent : shape) {
    if (extent == 0)
      return error("a granule has an extent of 0");
    elements = elements > kMaxElements / extent ? kMaxElements + 1 : elements * extent;
    if (elements > kMaxElements)
      return error("a granule has more than ", kMaxElements, " elements");
  }
  if (format.hasView() && elements > 0xffffffff)
    return error("a format whose ranks name their dimensions takes granules of at most 4294967295 elements, but got ",
                 elements);
  bool narrow = elementBytes == 1 || elementBytes == 2;
  if (format.packing != Packing::Streams || format.values != ValueCoding::Raw || format.deltaDimension >= 0) {
    if (!narrow)
      return error("format '", toString(format), "' takes elements of 1 or 2 bytes, but got ", elementBytes);
  } else if (!narrow && elementBytes != 4 && elementBytes != 8) {
    return error("elements have 1, 2, 4 or 8 bytes, but got ", elementBytes);
  }
  if (format.deltaDimension >= 0 && static_cast<size_t>(format.deltaDimension) >= shape.size())
    return error("format '", toString(format), "' stores differences along dimension ",
                 static_cast<int>(format.deltaDimension), ", but the granule has ", shape.size(), " dimensions");
  return absl::OkStatus();
}

/// The first fiber of an NM rank with too many entries in a group.
static absl::Status checkGroups(const Format &format, const DenseView &values) {
  Tree tree(format, values.elementBytes, values.shape);
  NonzeroMask mask(values.data, values.elementBytes, elementsOf(values.shape));
  uint64_t fibers = 1;
  for (size_t rank = 0; rank < tree.ranks(); fibers *= tree.extent[rank], ++rank) {
    if (tree.kind[rank] != RankKind::NM)
      continue;
    uint64_t extent = tree.extent[rank], below = tree.below[rank];
    for (uint64_t fiber = 0; fiber < fibers; ++fiber)
      for (uint64_t first = 0; first < extent; first += tree.m[rank]) {
        uint64_t length = std::min<uint64_t>(tree.m[rank], extent - first), found = 0;
        if (below == 1)
          found = mask.count(fiber * extent + first, length);
        else
          for (uint64_t i = first; i < first + length; ++i)
            found += mask.any((fiber * extent + i) * below, below);
        if (found > tree.n[rank])
          return absl::FailedPreconditionError(absl::StrCat(
              "format '", toString(format), "' cannot hold this tensor: places ", first, " to ", first + length - 1,
              " of fiber ", fiber, " have ", found, " nonzeros where at most ", tree.n[rank], " may be"));
      }
  }
  return absl::OkStatus();
}

absl::Status checkValues(const Format &format, const DenseView &values) {
  if (!format.restrictsValues())
    return absl::OkStatus();
  Prepared prepared(format, values);
  if (absl::Status status = checkGroups(format, prepared.view()); !status.ok())
    return status;
  return streams::checkDistinct(format, prepared.view());
}

} // namespace sparseaccel::formats
