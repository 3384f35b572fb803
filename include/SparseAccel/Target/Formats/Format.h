//===- Format.h - How a tensor's fibers are stored --------------*- C++ -*-===//
//
// A format is named rank by rank (fibertree), outermost first, over the ranks of a granule. Where it has fewer ranks
// than the granule, the innermost one is applied to the flattened rest; where it has more, the outermost lie over a
// single place. CSR of a matrix is {UOP, CP}; a flat bitmask is {B}; dense is {}. Ranks may name the dimension that they
// lie over, so that they may stand in any order (CSC), and may split it into blocks (BCSR) or interleave it (EIE). A
// value format says how the stored values are coded. docs/formats.md has the grammar and describes the streams bit by
// bit.
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

enum class RankKind : uint8_t {
  U,   ///< Every place.
  B,   ///< A bit for each place.
  CP,  ///< The coordinate of each entry.
  RLE, ///< The places skipped before each entry.
  UOP, ///< Where the fiber of each place ends.
  NM,  ///< In each group of m places exactly n entries, each with its place in the group.
  ELL, ///< In each fiber as many entries as the fullest fiber needs.
};

/// Which part of a dimension a rank lies over.
enum class Split : uint8_t {
  Whole,
  Quotient,  ///< The coordinate divided by the factor: which block.
  Remainder, ///< The coordinate modulo the factor: which place in its block, or which of interleaved parts.
};

/// The rank lies over the granule's own dimension of the same number.
inline constexpr uint8_t kOwnDimension = 0xff;

struct RankFormat {
  RankKind kind = RankKind::U;
  /// Coordinate (CP), run (RLE) or offset (UOP) width; 0: the smallest that the granule needs. A coordinate or offset
  /// width below that is widened to it; a run that does not fit stores an empty place with the largest run.
  uint8_t bits = 0;
  /// NM only: n entries in each m places.
  uint16_t n = 0, m = 0;
  /// RLE only: runs are Huffman codes.
  bool huffman = false;
  /// UOP only: the offsets of each fiber begin at zero again, as where each has a memory of its own.
  bool local = false;
  /// The dimension that the rank lies over and its part of it. Either every rank names one or none does.
  uint8_t dimension = kOwnDimension;
  Split split = Split::Whole;
  uint32_t factor = 0;
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

/// How stored values are coded.
enum class ValueCoding : uint8_t {
  Raw,
  Shared,  ///< A table of the distinct values, and an index for each value.
  Huffman, ///< A table of the distinct values with their code lengths, and a canonical Huffman code for each value.
};

struct Format {
  std::vector<RankFormat> ranks; ///< Empty: dense.
  Packing packing = Packing::Streams;
  ValueCoding values = ValueCoding::Raw;
  /// Shared only: width of an index; 0: the smallest that the granule's distinct values need.
  uint8_t indexBits = 0;
  /// Before anything else, each value is replaced by its difference, modulo its width, from the one before it in this
  /// dimension of the granule; -1: not.
  int8_t deltaDimension = -1;

  bool isDense() const {
    return ranks.empty() && packing == Packing::Streams && values == ValueCoding::Raw && deltaDimension < 0;
  }
  /// Whether there are values that it cannot hold (see checkValues): N:M, and shared values with a given index width.
  bool restrictsValues() const;
  /// Whether the ranks name their dimensions.
  bool hasView() const { return !ranks.empty() && ranks.front().dimension != kOwnDimension; }
  bool operator==(const Format &) const = default;
};

/// Reads the one way in which formats are written everywhere: a preset ("csr", "nm(2:4)") or ranks ("[UOP, CP:8]"),
/// and value formats behind it ("csr + delta(1) + huffman"). docs/formats.md has the grammar. An unknown name is an
/// error that names the nearest one, and what is not legal one that says why.
absl::StatusOr<Format> parseFormat(absl::string_view text);
/// The preset where there is one, else the ranks, as parseFormat reads it: "[UOP, CP:8]".
std::string toString(const Format &format);

/// A format with a name.
struct Preset {
  std::string name;       ///< With its parameters' names: "nm(n:m)".
  std::string example;    ///< What parseFormat reads, with parameters filled in.
  std::string ranks;      ///< The same, rank by rank; empty for dense and the packings.
  std::string description;
};
/// The registry of all presets: machine files, attributes, the container, sparse-formats and docs/formats.md follow it.
std::vector<Preset> listPresets();

inline constexpr unsigned kMaxRanks = 6;
inline constexpr unsigned kMaxRankBits = 32;
/// Largest width of a Huffman-coded run.
inline constexpr unsigned kMaxHuffmanBits = 16;

/// Whether a format is legal whatever it stores; why not where it is not.
absl::Status checkFormat(const Format &format);
/// Whether the format can store a granule of this shape at all. The functions below rely on it, decode() checks it.
absl::Status checkFormat(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape);

/// Bits of values and of metadata apart. Each stream is padded to a byte, and the padding counts as metadata, as do
/// tables of values and codes.
struct Size {
  uint64_t dataBits = 0, metadataBits = 0;
  uint64_t bits() const { return dataBits + metadataBits; }
  uint64_t bytes() const { return (bits() + 7) / 8; }
};

/// A dense box of integers of 1 or 2 bytes (raw Packing::Streams: 4 or 8 too), row-major over `shape` (the granule,
/// outermost first).
struct DenseView {
  const void *data = nullptr;
  unsigned elementBytes = 1;
  absl::Span<const uint32_t> shape;
};

/// Whether the format can hold these values; where not, which place it is or how many distinct values there are. Only a
/// format that restrictsValues() ever refuses; sizeOf() and encode() rely on it.
absl::Status checkValues(const Format &format, const DenseView &values);
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
/// Size of an encoded granule of this density where zeros are independent: what the scheduler estimates with. Values
/// are taken to be incompressible.
double expectedBits(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape, double density);

} // namespace sparseaccel::formats

#endif // SPARSEACCEL_TARGET_FORMATS_FORMAT_H
