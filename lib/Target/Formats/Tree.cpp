//===- Tree.cpp - The fibertree that a format lays over a granule -----------===//

#include "BitStream.h"
#include "Codec.h"

#include <cmath>

namespace sparseaccel::formats {

uint64_t elementsOf(absl::Span<const uint32_t> shape) {
  uint64_t count = 1;
  for (uint32_t extent : shape)
    count *= extent;
  return count;
}

Tree::Tree(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape) : elementBytes(elementBytes) {
  size_t ranks = format.ranks.size();
  for (size_t i = 0; i < ranks; ++i) {
    kind.push_back(format.ranks[i].kind);
    extent.push_back(1);
  }
  // Dimensions beyond the named ranks fall to the innermost one; ranks beyond the dimensions lie outside, over one
  // place.
  for (size_t d = 0; d < shape.size(); ++d) {
    size_t rank = shape.size() >= ranks ? std::min(d, ranks - 1) : ranks - shape.size() + d;
    extent[rank] *= shape[d];
  }
  below.assign(ranks, 1);
  for (size_t rank = ranks; rank-- > 1;)
    below[rank - 1] = below[rank] * extent[rank];
  uint64_t places = 1; // Most entries that this rank may have in the whole granule.
  for (size_t rank = 0; rank < ranks; ++rank) {
    places *= extent[rank];
    unsigned needed = bitsFor(extent[rank] ? extent[rank] - 1 : 0), asked = format.ranks[rank].bits;
    n.push_back(format.ranks[rank].n);
    m.push_back(format.ranks[rank].m);
    huffman.push_back(format.ranks[rank].huffman);
    local.push_back(format.ranks[rank].local);
    if (kind[rank] == RankKind::UOP) {
      uint64_t most = local[rank] ? extent[rank] : places;
      needed = bitsFor(innermost(rank) ? most : most * extent[rank + 1]);
    }
    if (kind[rank] == RankKind::NM)
      needed = bitsFor(m[rank] - 1);
    // A run may be cut into shorter ones; a coordinate or an offset that does not fit could not be written at all.
    bits.push_back(kind[rank] == RankKind::RLE ? (asked ? asked : needed) : std::max(asked, needed));
    countBits.push_back(bitsFor(extent[rank]));
  }
}

bool Tree::hasCount(size_t rank) const {
  return (kind[rank] == RankKind::CP || kind[rank] == RankKind::RLE) && !underOffsets(rank);
}

double expectedRunPadding(uint64_t length, unsigned bits, double density) {
  if (density <= 0 || density >= 1 || bits >= 40)
    return 0;
  // A nonzero with at least k * step zeros before it costs the k-th padding entry.
  double step = std::ldexp(1.0, static_cast<int>(bits)), tail = std::pow(1 - density, step), weight = tail, total = 0;
  for (double left = static_cast<double>(length) - step; left > 0 && weight * left > 1e-6; left -= step, weight *= tail)
    total += weight * left;
  return total * density;
}

double expectedFullest(double extent, double density, double fibers) {
  if (density <= 0 || density >= 1)
    return density <= 0 ? 0 : extent;
  // The sum over k of the chance that one of them exceeds k.
  double mean = 0, below = 0, term = 0, odds = std::log(density) - std::log1p(-density);
  for (double k = 0; k < extent; ++k) {
    term = std::lgamma(extent + 1) - std::lgamma(k + 1) - std::lgamma(extent - k + 1) + k * odds +
           extent * std::log1p(-density);
    below = std::min(1.0, below + std::exp(term));
    double exceeds = below >= 1 ? 0 : -std::expm1(fibers * std::log(below));
    mean += exceeds;
    if (exceeds < 1e-9 && k > extent * density)
      break;
  }
  return mean;
}

} // namespace sparseaccel::formats
