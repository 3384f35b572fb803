//===- SparseTensor.cpp - Encodings as upstream's sparse tensors ----------===//

#include "SparseAccel/Dialect/Sparsity/SparseTensor.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::sparsity;

/// Widths that upstream knows; 0 is its native one.
static bool isKnownWidth(unsigned bits) { return bits == 0 || bits == 8 || bits == 16 || bits == 32; }

sparse_tensor::SparseTensorEncodingAttr sparsity::toSparseTensor(EncodingAttr encoding, int64_t rank,
                                                                 std::string &reason) {
  auto fail = [&](const char *why) {
    reason = why;
    return sparse_tensor::SparseTensorEncodingAttr();
  };
  formats::Format format = encoding.getFormat();
  if (format.packing != formats::Packing::Streams)
    return fail("a packing of its own");
  if (format.values != formats::ValueCoding::Raw || format.deltaDimension >= 0)
    return fail("coded values");
  if (!encoding.getGranule().empty())
    return fail("granules");
  ArrayRef<formats::RankFormat> ranks = format.ranks;
  MLIRContext *context = encoding.getContext();
  int64_t dimensions = format.hasView() ? 0 : static_cast<int64_t>(ranks.size());
  for (const formats::RankFormat &entry : ranks)
    if (format.hasView())
      dimensions = std::max<int64_t>(dimensions, entry.dimension + 1);
  if (dimensions != rank)
    return fail("fewer rank formats than ranks");
  if (format.hasView() && !encoding.getOrder().empty())
    return fail("an order beside ranks that name their dimensions");
  SmallVector<sparse_tensor::LevelType> levels;
  SmallVector<AffineExpr> places;
  unsigned offsetBits = 0, coordinateBits = 0;
  // The coordinate of a level; `order` permutes where the ranks do not.
  auto add = [&](size_t i, sparse_tensor::LevelType level) {
    unsigned dimension = format.hasView() ? ranks[i].dimension
                                          : (encoding.getOrder().empty() ? i : encoding.getOrder()[i]);
    AffineExpr place = getAffineDimExpr(dimension, context);
    if (ranks[i].split == formats::Split::Quotient)
      place = place.floorDiv(ranks[i].factor);
    if (ranks[i].split == formats::Split::Remainder)
      place = place % ranks[i].factor;
    places.push_back(place);
    levels.push_back(level);
    return place;
  };
  for (size_t i = 0; i < ranks.size(); ++i) {
    switch (ranks[i].kind) {
    case formats::RankKind::B:
      return fail("a bitmask");
    case formats::RankKind::RLE:
      return fail("run lengths");
    case formats::RankKind::CP:
      return fail("coordinates without offsets");
    case formats::RankKind::ELL:
      return fail("as many entries in each fiber as in the fullest");
    case formats::RankKind::U:
      add(i, sparse_tensor::LevelFormat::Dense);
      break;
    case formats::RankKind::UOP:
      if (i + 1 == ranks.size() || ranks[i + 1].kind != formats::RankKind::CP)
        return fail("offsets without coordinates");
      if (ranks[i].local)
        return fail("offsets that begin again in each fiber");
      add(i, sparse_tensor::LevelFormat::Dense);
      offsetBits = std::max<unsigned>(offsetBits, ranks[i].bits);
      coordinateBits = std::max<unsigned>(coordinateBits, ranks[++i].bits);
      add(i, sparse_tensor::LevelFormat::Compressed);
      break;
    case formats::RankKind::NM: {
      if (i + 1 != ranks.size() || ranks[i].split != formats::Split::Whole)
        return fail("n:m groups that are not innermost");
      // Upstream has the groups as a level of their own.
      AffineExpr place = add(i, sparse_tensor::LevelFormat::Dense);
      places.back() = place.floorDiv(ranks[i].m);
      places.push_back(place % ranks[i].m);
      levels.push_back(*sparse_tensor::buildLevelType(sparse_tensor::LevelFormat::NOutOfM, true, true, ranks[i].n,
                                                      ranks[i].m));
      break;
    }
    }
  }
  if (!isKnownWidth(offsetBits) || !isKnownWidth(coordinateBits))
    return fail("widths other than 8, 16 and 32 bits");
  AffineMap dimToLevel = AffineMap::get(rank, 0, places, context);
  return sparse_tensor::SparseTensorEncodingAttr::get(context, levels, dimToLevel,
                                                      sparse_tensor::inferLvlToDim(dimToLevel, context), offsetBits,
                                                      coordinateBits);
}
