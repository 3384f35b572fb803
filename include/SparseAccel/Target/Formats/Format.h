//===- Format.h - How a tensor's fibers are stored --------------*- C++ -*-===//
//
// A format is named rank by rank (fibertree), outermost first, over the ranks of a granule. Where it has fewer ranks
// than the granule, the innermost one is applied to the flattened rest; where it has more, the outermost lie over a
// single place. CSR of a matrix is {UOP, CP}; a flat bitmask is {B}; dense is {}. docs/formats.md describes the streams
// bit by bit.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_FORMATS_FORMAT_H
#define SPARSEACCEL_TARGET_FORMATS_FORMAT_H

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sparseaccel::formats {

enum class RankKind : uint8_t { U, B, CP, RLE, UOP };

struct RankFormat {
  RankKind kind = RankKind::U;
  /// Coordinate (CP), run (RLE) or offset (UOP) width; 0: the smallest that the granule needs. A coordinate or offset
  /// width below that is widened to it; a run that does not fit stores an empty place with the largest run.
  uint8_t bits = 0;
  bool operator==(const RankFormat &) const = default;
};

/// How the ranks' streams are packed.
enum class Packing : uint8_t {
  Streams,    ///< Metadata of each rank, then the values, each byte-aligned.
  EyerissRlc, ///< 64-bit words of three (5-bit run, 16-bit value) pairs and an end bit; for 8-bit values, five (4-bit
              ///< run, 8-bit value) pairs.
  Zfnaf, ///< Cnvlutin: bricks of 16 along the innermost rank; 16 slots of value and 4-bit offset, never smaller than
         ///< dense.
};

struct Format {
  std::vector<RankFormat> ranks; ///< Empty: dense.
  Packing packing = Packing::Streams;
  bool isDense() const { return ranks.empty() && packing == Packing::Streams; }
  bool operator==(const Format &) const = default;
};

/// Named presets: "dense", "bitmask", "rle", "csr", "eyeriss-rlc", "zfnaf". An unknown name is an error that names the
/// nearest one.
absl::StatusOr<Format> parseFormat(absl::string_view text);
/// The preset's name where there is one, else the ranks, as parseFormat reads it: "[UOP, CP:8]".
std::string toString(const Format &format);
/// All presets with a line of description each.
std::vector<std::pair<std::string, std::string>> listFormats();

inline constexpr unsigned kMaxRanks = 6;
inline constexpr unsigned kMaxRankBits = 32;

/// Whether the format can store a granule of this shape at all. The functions below rely on it, decode() checks it.
absl::Status checkFormat(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape);

/// Bits of values and of metadata apart. Each stream is padded to a byte, and the padding counts as metadata.
struct Size {
  uint64_t dataBits = 0, metadataBits = 0;
  uint64_t bits() const { return dataBits + metadataBits; }
  uint64_t bytes() const { return (bits() + 7) / 8; }
};

/// A dense box of integers of 1 or 2 bytes (Packing::Streams: 4 or 8 too), row-major over `shape` (the granule,
/// outermost first).
struct DenseView {
  const void *data = nullptr;
  unsigned elementBytes = 1;
  absl::Span<const uint32_t> shape;
};

/// Exact size without encoding. Equals what encode() produces.
Size sizeOf(const Format &format, const DenseView &values);
/// Largest size that any values of this shape may take.
Size worstCase(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape);
/// Appends the encoded granule to `out`. Bytes are the same for the same values.
Size encode(const Format &format, const DenseView &values, std::vector<uint8_t> &out);
/// Fills `out` (dense, row-major) from exactly these bytes. Corrupt bytes are an error, never a crash or a wrong answer
/// in silence.
absl::Status decode(const Format &format, absl::Span<const uint8_t> bytes, unsigned elementBytes,
                    absl::Span<const uint32_t> shape, void *out);
/// Size of an encoded granule of this density where zeros are independent: what the scheduler estimates with.
double expectedBits(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape, double density);

} // namespace sparseaccel::formats

#endif // SPARSEACCEL_TARGET_FORMATS_FORMAT_H
