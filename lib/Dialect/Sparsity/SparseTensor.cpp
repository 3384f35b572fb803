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
  if (encoding.getPacking() != formats::Packing::Streams)
    return fail("a packing of its own");
  if (!encoding.getGranule().empty())
    return fail("granules");
  ArrayRef<formats::RankFormat> ranks = encoding.getRanks();
  if (static_cast<int64_t>(ranks.size()) != rank)
    return fail("fewer rank formats than ranks");
  SmallVector<sparse_tensor::LevelType> levels;
  unsigned offsetBits = 0, coordinateBits = 0;
  for (size_t i = 0; i < ranks.size(); ++i) {
    switch (ranks[i].kind) {
    case formats::RankKind::B:
      return fail("a bitmask");
    case formats::RankKind::RLE:
      return fail("run lengths");
    case formats::RankKind::CP:
      return fail("coordinates without offsets");
    case formats::RankKind::U:
      levels.push_back(sparse_tensor::LevelFormat::Dense);
      break;
    case formats::RankKind::UOP:
      if (i + 1 == ranks.size() || ranks[i + 1].kind != formats::RankKind::CP)
        return fail("offsets without coordinates");
      levels.push_back(sparse_tensor::LevelFormat::Dense);
      levels.push_back(sparse_tensor::LevelFormat::Compressed);
      offsetBits = std::max<unsigned>(offsetBits, ranks[i].bits);
      coordinateBits = std::max<unsigned>(coordinateBits, ranks[++i].bits);
      break;
    }
  }
  if (!isKnownWidth(offsetBits) || !isKnownWidth(coordinateBits))
    return fail("widths other than 8, 16 and 32 bits");
  MLIRContext *context = encoding.getContext();
  AffineMap order = AffineMap::getMultiDimIdentityMap(rank, context);
  if (!encoding.getOrder().empty())
    order = AffineMap::getPermutationMap(encoding.getOrder(), context);
  return sparse_tensor::SparseTensorEncodingAttr::get(context, levels, order, inversePermutation(order), offsetBits,
                                                      coordinateBits);
}
