//===- Reader.h - A part of an encoded granule ------------------*- C++ -*-===//
//
// Reads slices and single elements of a granule without decoding the rest, as far as its format allows, and counts the
// bits that this takes: what a machine that walks the format would read. Where each stream begins is taken as known, as
// base addresses are; open() finds it once.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_FORMATS_READER_H
#define SPARSEACCEL_TARGET_FORMATS_READER_H

#include "SparseAccel/Target/Formats/Format.h"

#include "absl/functional/function_ref.h"

#include <memory>

namespace sparseaccel::formats {

/// Bits that were read. Tables of values and codes are read once a walk and count as metadata.
struct AccessCost {
  uint64_t metadataBits = 0, dataBits = 0;
};

class GranuleReader {
public:
  /// Calls with the row-major index of an element in the granule and its value.
  using Visitor = absl::FunctionRef<void(uint64_t element, uint64_t value)>;

  /// Takes the bytes as encode() wrote them; they must outlive the reader. Reads so much of the metadata as is needed to
  /// find the streams, and checks it.
  static absl::StatusOr<GranuleReader> open(const Format &format, absl::Span<const uint8_t> bytes,
                                            unsigned elementBytes, absl::Span<const uint32_t> shape);
  GranuleReader(GranuleReader &&);
  ~GranuleReader();

  /// Places of the outermost rank: rows of csr, columns of csc, processing elements of eie-csc, places of bitmask.
  uint64_t slices() const;
  /// Visits the stored values, zeros that the format stores among them, of the slices from `begin` to before `end`, in
  /// the order in which they are stored. Corrupt bytes are an error where they are met; decode() checks all of them.
  absl::Status visit(uint64_t begin, uint64_t end, Visitor visitor, AccessCost *cost = nullptr) const;
  /// One element, which is zero where nothing is stored for it.
  absl::StatusOr<uint64_t> at(uint64_t element, AccessCost *cost = nullptr) const;

private:
  struct Impl;
  explicit GranuleReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// Mean metadata bits that reaching one element takes, over all elements of a granule whose zeros are independent: a
/// function of the format alone. Fibers are scanned from their beginning; where a fiber begins is known from offsets
/// (UOP) or from the number of places (U, NM, ELL), and else follows from a scan of the fibers before it.
double expectedAccessBits(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape,
                          double density);

} // namespace sparseaccel::formats

#endif // SPARSEACCEL_TARGET_FORMATS_READER_H
