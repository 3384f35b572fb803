//===- FormatFuzzer.cpp - Encoded granules from outside ---------------------===//
//
// The first bytes choose a format and a shape, the rest is decoded. What is accepted must be what encoding its values
// gives.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Target/Formats/Format.h"
#include "SparseAccel/Target/Formats/Reader.h"

#include <cstdint>
#include <cstdlib>
#include <vector>

using namespace sparseaccel::formats;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 8)
    return 0;
  Format format;
  unsigned elementBytes = data[0] & 1 ? 2 : 1;
  format.packing = static_cast<Packing>(data[1] % 3);
  if (format.packing == Packing::Streams) {
    unsigned ranks = data[2] % 5u;
    for (unsigned i = 0; i < ranks; ++i) {
      RankFormat rank{static_cast<RankKind>((data[3] >> i) % 7)};
      bool takesBits = rank.kind == RankKind::CP || rank.kind == RankKind::RLE || rank.kind == RankKind::UOP;
      rank.bits = static_cast<uint8_t>(takesBits ? data[4] % 9 : 0);
      rank.huffman = rank.kind == RankKind::RLE && rank.bits && data[1] & 0x40;
      rank.local = rank.kind == RankKind::UOP && data[1] & 0x20;
      if (rank.kind == RankKind::NM) {
        rank.n = static_cast<uint16_t>(data[4] % 3 + 1);
        rank.m = static_cast<uint16_t>(rank.n + 1 + data[4] / 64);
      }
      // The ranks' own order, a permutation, or blocks: what is not legal is refused below.
      if (data[2] & 0x20) {
        rank.dimension = static_cast<uint8_t>(data[2] & 0x40 ? i : ranks - 1 - i);
        if (data[2] & 0x80 && ranks > 1) {
          rank.dimension = static_cast<uint8_t>(i / 2);
          rank.split = i + 1 == ranks && ranks % 2 ? Split::Whole : i % 2 ? Split::Remainder : Split::Quotient;
          rank.factor = rank.split == Split::Whole ? 0 : 3;
        }
      }
      format.ranks.push_back(rank);
    }
    format.values = ranks ? static_cast<ValueCoding>(data[0] / 4 % 3) : ValueCoding::Raw;
    if (format.values == ValueCoding::Shared && data[0] & 0x40)
      format.indexBits = 3;
  }
  if (data[0] & 2 && (format.packing != Packing::Streams || !format.ranks.empty()))
    format.deltaDimension = static_cast<int8_t>(data[0] / 64 % 3);
  if (!checkFormat(format).ok())
    return 0;
  std::vector<uint32_t> shape = {data[5] % 8u + 1, data[6] % 16u + 1, data[7] % 64u + 1};
  std::vector<uint8_t> values(static_cast<size_t>(shape[0]) * shape[1] * shape[2] * elementBytes), again;
  std::vector<uint8_t> bytes(data + 8, data + size);
  // Parts of it, whatever the bytes are: no more than there is.
  if (absl::StatusOr<GranuleReader> reader = GranuleReader::open(format, bytes, elementBytes, shape); reader.ok()) {
    uint64_t elements = uint64_t{shape[0]} * shape[1] * shape[2];
    (void)reader->visit(reader->slices() / 2, reader->slices(), [&](uint64_t element, uint64_t) {
      if (element >= elements)
        std::abort();
    });
    (void)reader->at(elements / 2);
  }
  if (!decode(format, bytes, elementBytes, shape, values.data()).ok())
    return 0;
  DenseView view{values.data(), elementBytes, shape};
  if (!checkValues(format, view).ok())
    std::abort();
  if (encode(format, view, again).bytes() != bytes.size() || again != bytes ||
      sizeOf(format, view).bytes() != bytes.size() || worstCase(format, elementBytes, shape).bytes() < bytes.size())
    std::abort();
  return 0;
}
