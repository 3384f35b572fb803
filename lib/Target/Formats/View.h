//===- View.h - The array that the ranks of a format lie over ---*- C++ -*-===//
//
// Private to the formats. Ranks that name their dimensions lie over a permuted, split and zero-padded copy of the
// granule; delta replaces values by differences. Both happen before the streams are written and are undone behind them.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_FORMATS_VIEW_H
#define SPARSEACCEL_LIB_TARGET_FORMATS_VIEW_H

#include "SparseAccel/Target/Formats/Format.h"

#include "absl/container/inlined_vector.h"

namespace sparseaccel::formats {

/// A permutation of a granule's elements with zeros where a split leaves places over.
class View {
public:
  View(const Format &format, absl::Span<const uint32_t> shape);

  /// Extents of the array, one a rank.
  absl::Span<const uint32_t> shape() const { return extents; }
  uint64_t elements() const;
  /// Fills an array of elements() from a granule.
  void gather(const uint8_t *granule, unsigned elementBytes, uint8_t *array) const;
  /// The inverse. False where a place that belongs to no element is not zero.
  bool scatter(const uint8_t *array, unsigned elementBytes, uint8_t *granule) const;
  /// The place in the array of the granule's element at this row-major index, and back; the latter is ~0 for a place
  /// that belongs to no element.
  uint64_t placeOf(uint64_t element) const;
  uint64_t elementAt(uint64_t place) const;

private:
  struct Rank {
    uint32_t dimension, extent;
    uint64_t step; ///< Between neighbours, in coordinates of the dimension.
  };
  /// Calls `f(place, element, step, valid, length)` for each innermost run of the array.
  template <typename F>
  void forEachRun(F &&f) const;
  /// The same, `f(runs)` for several at a time where they are alike and their elements lie far apart: the next run's
  /// elements often lie beside this one's, and a cache line that was fetched serves them all.
  template <typename F>
  void forEachBatch(unsigned elementBytes, F &&f) const;

  absl::InlinedVector<Rank, 6> ranks;
  absl::InlinedVector<uint32_t, 6> extents;
  absl::InlinedVector<uint64_t, 6> dimensions, strides; ///< Of the granule, flattened to the dimensions that are named.
};

/// What the streams or the packing see of a granule.
class Prepared {
public:
  Prepared(const Format &format, const DenseView &values);
  const DenseView &view() const { return seen; }

private:
  std::vector<uint8_t> array, differences;
  absl::InlinedVector<uint32_t, 6> extents;
  DenseView seen;
};

/// Whether anything happens before the streams at all.
inline bool isPrepared(const Format &format) { return format.hasView() || format.deltaDimension >= 0; }

/// Replaces differences along a dimension by their sums.
void integrate(uint8_t *values, unsigned elementBytes, absl::Span<const uint32_t> shape, unsigned dimension);

} // namespace sparseaccel::formats

#endif // SPARSEACCEL_LIB_TARGET_FORMATS_VIEW_H
