//===- Values.h - How the stored values are coded ---------------*- C++ -*-===//
//
// Private to the formats. Whatever the ranks are, what is stored is every nonzero value once and some zeros, so that
// sizes follow from one histogram. Coded values are a table (see Huffman.h), then indices or codes in order.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_FORMATS_VALUES_H
#define SPARSEACCEL_LIB_TARGET_FORMATS_VALUES_H

#include "Huffman.h"
#include "SparseAccel/Target/Formats/Format.h"

namespace sparseaccel::formats::values {

/// Counts of the nonzero values of a granule, and of `stored` values in all.
Histogram histogramOf(const DenseView &granule, uint64_t stored);

/// Size of values that are not raw.
Size sizeOf(const Format &format, unsigned elementBytes, const Histogram &histogram);
/// Largest size of `count` values.
Size worstCase(const Format &format, unsigned elementBytes, uint64_t count);
/// The same where each value occurs about as often as any other.
double expectedBits(const Format &format, unsigned elementBytes, double count);

/// Writes sizeOf(...).bytes() bytes.
void encode(const Format &format, unsigned elementBytes, const Histogram &histogram, const uint8_t *raw, uint64_t count,
            uint8_t *to);
/// Fills `raw` with `count` values from exactly these bytes.
absl::Status decode(const Format &format, unsigned elementBytes, absl::Span<const uint8_t> bytes, uint64_t count,
                    uint8_t *raw);

/// Width of an index into a table of this many values.
unsigned indexBits(const Format &format, uint64_t distinct);

} // namespace sparseaccel::formats::values

#endif // SPARSEACCEL_LIB_TARGET_FORMATS_VALUES_H
