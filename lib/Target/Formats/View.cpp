//===- View.cpp - The array that the ranks of a format lie over -------------===//

#include "View.h"

#include "BitStream.h"
#include "Codec.h"

#include <algorithm>
#include <array>
#include <type_traits>

namespace sparseaccel::formats {

View::View(const Format &format, absl::Span<const uint32_t> shape) {
  size_t count = 0;
  for (const RankFormat &rank : format.ranks)
    count = std::max<size_t>(count, rank.dimension + size_t{1});
  // The last dimension that is named takes the flattened rest of the granule's; where the granule has fewer, the outer
  // ones are a single place.
  dimensions.assign(count, 1);
  for (size_t d = 0; d < shape.size(); ++d)
    dimensions[shape.size() >= count ? std::min(d, count - 1) : count - shape.size() + d] *= shape[d];
  strides.assign(count, 1);
  for (size_t d = count; d-- > 1;)
    strides[d - 1] = strides[d] * dimensions[d];
  for (const RankFormat &rank : format.ranks) {
    uint64_t whole = dimensions[rank.dimension], factor = rank.factor;
    Rank entry{rank.dimension, 0, 1};
    switch (rank.split) {
    case Split::Whole:
      entry.extent = static_cast<uint32_t>(whole);
      break;
    case Split::Quotient:
      entry.extent = static_cast<uint32_t>((whole + factor - 1) / factor);
      entry.step = factor;
      break;
    case Split::Remainder:
      entry.extent = static_cast<uint32_t>(std::min(whole, factor));
      break;
    }
    ranks.push_back(entry);
    extents.push_back(entry.extent);
  }
}

uint64_t View::elements() const { return elementsOf(extents); }

template <typename F>
void View::forEachRun(F &&f) const {
  size_t outer = ranks.size() - 1;
  const Rank &last = ranks[outer];
  absl::InlinedVector<uint32_t, 6> index(outer, 0);
  absl::InlinedVector<uint64_t, 6> at(dimensions.size());
  uint64_t place = 0;
  while (true) {
    std::fill(at.begin(), at.end(), 0);
    for (size_t i = 0; i < outer; ++i)
      at[ranks[i].dimension] += index[i] * ranks[i].step;
    uint64_t element = 0, valid = last.extent;
    for (size_t d = 0; d < dimensions.size(); ++d) {
      element += at[d] * strides[d];
      if (at[d] >= dimensions[d])
        valid = 0;
    }
    if (valid)
      valid = std::min<uint64_t>(valid, (dimensions[last.dimension] - at[last.dimension] + last.step - 1) / last.step);
    f(place, element, last.step * strides[last.dimension], valid, last.extent);
    place += last.extent;
    size_t i = outer;
    while (i > 0 && ++index[i - 1] == ranks[i - 1].extent)
      index[--i] = 0;
    if (i == 0)
      return;
  }
}

namespace {
/// An innermost run of the array: `valid` of its `length` places have elements, `step` apart from `element` on.
struct Run {
  uint64_t place, element, step, valid, length;
  bool isLike(const Run &other) const { return step == other.step && valid == other.valid && length == other.length; }
};
constexpr size_t kBatch = 32;
constexpr uint64_t kLineBytes = 64;

/// Element by element, each of all runs.
template <typename T, bool Gather>
void copyRuns(absl::Span<const Run> runs, std::conditional_t<Gather, const uint8_t *, uint8_t *> granule,
              std::conditional_t<Gather, uint8_t *, const uint8_t *> array) {
  const Run &like = runs.front();
  for (uint64_t i = 0; i < like.valid; ++i)
    for (const Run &run : runs) {
      auto inGranule = granule + (run.element + i * like.step) * sizeof(T);
      auto inArray = array + (run.place + i) * sizeof(T);
      if constexpr (Gather)
        storeAs<T>(inArray, loadAs<T>(inGranule));
      else
        storeAs<T>(inGranule, loadAs<T>(inArray));
    }
}

template <bool Gather, typename Granule, typename Array>
void copyRuns(unsigned elementBytes, absl::Span<const Run> runs, Granule granule, Array array) {
  switch (elementBytes) {
  case 1:
    return copyRuns<uint8_t, Gather>(runs, granule, array);
  case 2:
    return copyRuns<uint16_t, Gather>(runs, granule, array);
  case 4:
    return copyRuns<uint32_t, Gather>(runs, granule, array);
  default:
    return copyRuns<uint64_t, Gather>(runs, granule, array);
  }
}
} // namespace

template <typename F>
void View::forEachBatch(unsigned elementBytes, F &&f) const {
  std::array<Run, kBatch> runs;
  size_t count = 0;
  auto flush = [&] {
    if (count)
      f(absl::MakeConstSpan(runs.data(), count));
    count = 0;
  };
  forEachRun([&](uint64_t place, uint64_t element, uint64_t step, uint64_t valid, uint64_t length) {
    Run run{place, element, step, valid, length};
    bool apart = step * elementBytes >= kLineBytes;
    if (count == kBatch || (count && !(apart && run.isLike(runs[0]))))
      flush();
    runs[count++] = run;
  });
  flush();
}

void View::gather(const uint8_t *granule, unsigned elementBytes, uint8_t *array) const {
  forEachBatch(elementBytes, [&](absl::Span<const Run> runs) {
    copyRuns</*Gather=*/true>(elementBytes, runs, granule, array);
    for (const Run &run : runs)
      std::memset(array + (run.place + run.valid) * elementBytes, 0, (run.length - run.valid) * elementBytes);
  });
}

bool View::scatter(const uint8_t *array, unsigned elementBytes, uint8_t *granule) const {
  uint8_t over = 0;
  forEachBatch(elementBytes, [&](absl::Span<const Run> runs) {
    copyRuns</*Gather=*/false>(elementBytes, runs, granule, array);
    for (const Run &run : runs)
      for (uint64_t byte = run.valid * elementBytes; byte < run.length * elementBytes; ++byte)
        over |= array[run.place * elementBytes + byte];
  });
  return over == 0;
}

uint64_t View::placeOf(uint64_t element) const {
  uint64_t place = 0;
  for (const Rank &rank : ranks) {
    uint64_t coordinate = element / strides[rank.dimension] % dimensions[rank.dimension];
    // A remainder's extent is its factor, or the dimension is no longer than the extent.
    place = place * rank.extent + coordinate / rank.step % rank.extent;
  }
  return place;
}

uint64_t View::elementAt(uint64_t place) const {
  absl::InlinedVector<uint64_t, 6> at(dimensions.size(), 0);
  for (size_t i = ranks.size(); i-- > 0; place /= ranks[i].extent)
    at[ranks[i].dimension] += place % ranks[i].extent * ranks[i].step;
  uint64_t element = 0;
  for (size_t d = 0; d < dimensions.size(); ++d) {
    if (at[d] >= dimensions[d])
      return ~uint64_t{0};
    element += at[d] * strides[d];
  }
  return element;
}

/// Calls `f(offset, count)` for each line of `count` values, in bytes, that has another one before it in the dimension.
template <typename F>
static void forEachLine(unsigned elementBytes, absl::Span<const uint32_t> shape, unsigned dimension, F &&f) {
  uint64_t inner = elementsOf(shape.subspan(dimension + 1)), outer = elementsOf(shape.subspan(0, dimension));
  for (uint64_t o = 0; o < outer; ++o)
    for (uint64_t i = 1; i < shape[dimension]; ++i)
      f((o * shape[dimension] + i) * inner * elementBytes, inner);
}

template <typename T, typename F>
static void combine(uint8_t *out, const uint8_t *before, const uint8_t *now, uint64_t count, F f) {
  for (uint64_t i = 0; i < count; ++i)
    storeAs<T>(out + i * sizeof(T),
               static_cast<T>(f(loadAs<T>(now + i * sizeof(T)), loadAs<T>(before + i * sizeof(T)))));
}

void integrate(uint8_t *values, unsigned elementBytes, absl::Span<const uint32_t> shape, unsigned dimension) {
  uint64_t back = elementsOf(shape.subspan(dimension + 1)) * elementBytes;
  auto plus = [](unsigned a, unsigned b) { return a + b; };
  forEachLine(elementBytes, shape, dimension, [&](uint64_t offset, uint64_t count) {
    uint8_t *now = values + offset;
    if (elementBytes == 1)
      combine<uint8_t>(now, now - back, now, count, plus);
    else
      combine<uint16_t>(now, now - back, now, count, plus);
  });
}

Prepared::Prepared(const Format &format, const DenseView &values) : seen(values) {
  if (format.deltaDimension >= 0) {
    unsigned dimension = static_cast<unsigned>(format.deltaDimension), elementBytes = values.elementBytes;
    const uint8_t *data = static_cast<const uint8_t *>(values.data);
    differences.assign(data, data + elementsOf(values.shape) * elementBytes);
    uint64_t back = elementsOf(values.shape.subspan(dimension + 1)) * elementBytes;
    auto minus = [](unsigned a, unsigned b) { return a - b; };
    forEachLine(elementBytes, values.shape, dimension, [&](uint64_t offset, uint64_t count) {
      const uint8_t *now = data + offset;
      if (elementBytes == 1)
        combine<uint8_t>(differences.data() + offset, now - back, now, count, minus);
      else
        combine<uint16_t>(differences.data() + offset, now - back, now, count, minus);
    });
    seen.data = differences.data();
  }
  if (format.hasView()) {
    View view(format, values.shape);
    array.resize(view.elements() * values.elementBytes);
    view.gather(static_cast<const uint8_t *>(seen.data), values.elementBytes, array.data());
    extents.assign(view.shape().begin(), view.shape().end());
    seen.data = array.data();
    seen.shape = extents;
  }
}

} // namespace sparseaccel::formats
