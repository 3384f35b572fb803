//===- FormatFuzzer.cpp - Encoded granules from outside ---------------------===//
//
// The first bytes choose a format and a shape, the rest is decoded. What is accepted must be what encoding its values
// gives.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Target/Formats/Format.h"

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
  if (format.packing == Packing::Streams)
    for (unsigned i = 0; i < data[2] % 5u; ++i) {
      auto kind = static_cast<RankKind>((data[3] >> i) % 5);
      bool takesBits = kind == RankKind::CP || kind == RankKind::RLE || kind == RankKind::UOP;
      format.ranks.push_back({kind, static_cast<uint8_t>(takesBits ? data[4] % 9 : 0)});
    }
  std::vector<uint32_t> shape = {data[5] % 8u + 1, data[6] % 16u + 1, data[7] % 64u + 1};
  std::vector<uint8_t> values(static_cast<size_t>(shape[0]) * shape[1] * shape[2] * elementBytes), again;
  std::vector<uint8_t> bytes(data + 8, data + size);
  if (!decode(format, bytes, elementBytes, shape, values.data()).ok())
    return 0;
  DenseView view{values.data(), elementBytes, shape};
  if (encode(format, view, again).bytes() != bytes.size() || again != bytes ||
      sizeOf(format, view).bytes() != bytes.size() || worstCase(format, elementBytes, shape).bytes() < bytes.size())
    std::abort();
  return 0;
}
