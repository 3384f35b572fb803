//===- Streams.cpp - Fibertree formats: sizes and encoding ------------------===//
//
// Every rank has a stream of its own, in the order of the ranks, then come the values; each begins at a byte. Within a
// stream the fibers follow one another in the order of the elements:
//   U    nothing; every place is an entry
//   B    a bit for each place
//   CP   [length,] the coordinate of each entry
//   RLE  [length,] for each entry the places skipped since the last; a longer run stores an empty place with the
//   largest run UOP  before the first fiber a zero, then for each place where its fiber ends among the entries of the
//   rank below; every place is an entry
// A fiber below UOP that holds nothing is not stored at all.
//
//===----------------------------------------------------------------------===//

#include "BitStream.h"
#include "Codec.h"

#include <cmath>

namespace sparseaccel::formats::streams {

namespace {

Size sizeFromCounts(const Tree &tree, const RankCounts<uint64_t> &counts, uint64_t valueCount) {
  Size size;
  size.dataBits = valueCount * tree.elementBytes * 8;
  for (size_t rank = 0; rank < tree.ranks(); ++rank)
    size.metadataBits += (streamBits(tree, rank, counts[rank]) + 7) / 8 * 8;
  return size;
}

class Counter {
public:
  Counter(const Tree &tree, const NonzeroMask &mask) : tree(tree), mask(mask), counts(tree.ranks()) {
    if (tree.below[0] > 0 && tree.extent[0] > 0)
      fiber(0, 0);
  }

  void fiber(size_t rank, uint64_t base) {
    uint64_t extent = tree.extent[rank], below = tree.below[rank];
    RankCount<uint64_t> &count = counts[rank];
    ++count.fibers;
    if (tree.innermost(rank)) {
      switch (tree.kind[rank]) {
      case RankKind::U:
        count.entries += extent;
        valueCount += extent;
        return;
      case RankKind::RLE: {
        uint64_t entries = mask.runEntries(base, extent, tree.bits[rank]);
        count.entries += entries;
        valueCount += entries;
        return;
      }
      case RankKind::UOP: {
        count.entries += extent;
        valueCount += mask.count(base, extent);
        return;
      }
      case RankKind::B:
      case RankKind::CP: {
        uint64_t nonzeros = mask.count(base, extent);
        count.entries += nonzeros;
        valueCount += nonzeros;
        return;
      }
      }
    }
    uint64_t next = 0;
    for (uint64_t i = 0; i < extent; ++i) {
      uint64_t child = base + i * below;
      bool some = tree.kind[rank] == RankKind::U || mask.any(child, below);
      switch (tree.kind[rank]) {
      case RankKind::RLE:
        if (some) {
          for (uint64_t step = uint64_t{1} << tree.bits[rank]; i - next >= step; next += step) {
            ++count.entries;
            fiber(rank + 1, base + (next + step - 1) * below);
          }
          next = i + 1;
        }
        [[fallthrough]];
      case RankKind::B:
      case RankKind::CP:
        count.entries += some;
        break;
      case RankKind::U:
      case RankKind::UOP:
        ++count.entries;
        break;
      }
      if (some)
        fiber(rank + 1, child);
    }
  }

  const Tree &tree;
  const NonzeroMask &mask;
  RankCounts<uint64_t> counts;
  uint64_t valueCount = 0;
};

template <typename T>
class Encoder {
public:
  Encoder(const Tree &tree, const NonzeroMask &mask, const void *data, const Counter &counted, uint8_t *to)
      : tree(tree), mask(mask), data(static_cast<const uint8_t *>(data)), counted(counted), entries(tree.ranks() + 1) {
    for (size_t rank = 0; rank < tree.ranks(); ++rank) {
      writers.emplace_back(to);
      to += (streamBits(tree, rank, counted.counts[rank]) + 7) / 8;
    }
    out = to;
    for (size_t rank = 0; rank < tree.ranks(); ++rank)
      if (tree.kind[rank] == RankKind::UOP)
        writers[rank].put(0, tree.bits[rank]);
    if (tree.below[0] > 0 && tree.extent[0] > 0)
      fiber(0, 0);
    for (BitWriter &writer : writers)
      writer.flush();
  }

private:
  void value(uint64_t element) {
    storeAs<T>(out, loadAs<T>(data + element * sizeof(T)));
    out += sizeof(T);
  }
  void run(uint64_t element, uint64_t count) {
    std::memcpy(out, data + element * sizeof(T), count * sizeof(T));
    out += count * sizeof(T);
  }

  void innermostFiber(size_t rank, uint64_t base) {
    uint64_t extent = tree.extent[rank];
    BitWriter writer = writers[rank];
    unsigned bits = tree.bits[rank];
    switch (tree.kind[rank]) {
    case RankKind::U:
      entries[rank] += extent;
      return run(base, extent);
    case RankKind::B:
      for (uint64_t done = 0; done < extent; done += 64) {
        unsigned length = extent - done < 64 ? static_cast<unsigned>(extent - done) : 64;
        uint64_t word = mask.chunk(base + done) & lowBits(length);
        writer.put(word, length);
        entries[rank] += static_cast<uint64_t>(std::popcount(word));
        if (word == ~uint64_t{0}) {
          run(base + done, 64);
          continue;
        }
        for (; word; word &= word - 1)
          value(base + done + static_cast<uint64_t>(std::countr_zero(word)));
      }
      break;
    case RankKind::CP: {
      uint64_t nonzeros = mask.count(base, extent);
      if (tree.hasCount(rank))
        writer.put(nonzeros, tree.countBits[rank]);
      entries[rank] += nonzeros;
      mask.forEach(base, extent, [&](uint64_t i) {
        writer.put(i, bits);
        value(base + i);
      });
      break;
    }
    case RankKind::RLE: {
      uint64_t count = mask.runEntries(base, extent, bits), next = 0, largest = lowBits(bits);
      if (tree.hasCount(rank))
        writer.put(count, tree.countBits[rank]);
      entries[rank] += count;
      mask.forEach(base, extent, [&](uint64_t i) {
        for (; i - next > largest; next += largest + 1) {
          writer.put(largest, bits);
          storeAs<T>(out, 0);
          out += sizeof(T);
        }
        writer.put(i - next, bits);
        value(base + i);
        next = i + 1;
      });
      break;
    }
    case RankKind::UOP: {
      uint64_t &end = entries[rank + 1];
      for (uint64_t i = 0; i < extent; ++i) {
        if (mask.any(base + i, 1)) {
          ++end;
          value(base + i);
        }
        writer.put(end, bits);
      }
      entries[rank] += extent;
      break;
    }
    }
    writers[rank] = writer;
  }

  void fiber(size_t rank, uint64_t base) {
    if (tree.innermost(rank))
      return innermostFiber(rank, base);
    uint64_t extent = tree.extent[rank], below = tree.below[rank], next = 0, count = 0;
    unsigned bits = tree.bits[rank];
    bool runs = tree.kind[rank] == RankKind::RLE;
    if (tree.hasCount(rank)) {
      for (uint64_t i = 0; i < extent; ++i) {
        if (!mask.any(base + i * below, below))
          continue;
        count += 1 + (runs ? (i - next) >> bits : 0);
        next = i + 1;
      }
      writers[rank].put(count, tree.countBits[rank]);
      next = 0;
    }
    for (uint64_t i = 0; i < extent; ++i) {
      uint64_t child = base + i * below;
      bool some = tree.kind[rank] == RankKind::U || mask.any(child, below);
      switch (tree.kind[rank]) {
      case RankKind::U:
        ++entries[rank];
        break;
      case RankKind::B:
        entries[rank] += some;
        writers[rank].put(some, 1);
        break;
      case RankKind::CP:
        entries[rank] += some;
        if (some)
          writers[rank].put(i, bits);
        break;
      case RankKind::RLE:
        if (!some)
          break;
        for (uint64_t largest = lowBits(bits); i - next > largest; next += largest + 1) {
          ++entries[rank];
          writers[rank].put(largest, bits);
          fiber(rank + 1, base + (next + largest) * below);
        }
        ++entries[rank];
        writers[rank].put(i - next, bits);
        next = i + 1;
        break;
      case RankKind::UOP:
        ++entries[rank];
        break;
      }
      if (some)
        fiber(rank + 1, child);
      if (tree.kind[rank] == RankKind::UOP)
        writers[rank].put(entries[rank + 1], bits);
    }
  }

  const Tree &tree;
  const NonzeroMask &mask;
  const uint8_t *data;
  const Counter &counted;
  absl::InlinedVector<BitWriter, 4> writers;
  absl::InlinedVector<uint64_t, 5> entries; ///< So far; behind the ranks' own, the values below an innermost UOP.
  uint8_t *out = nullptr;
};

} // namespace

Size sizeOf(const Format &format, const DenseView &values) {
  Tree tree(format, values.elementBytes, values.shape);
  NonzeroMask mask(values.data, values.elementBytes, elementsOf(values.shape));
  Counter counter(tree, mask);
  return sizeFromCounts(tree, counter.counts, counter.valueCount);
}

Size worstCase(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape) {
  // No rank stores more than when every place is an entry.
  Tree tree(format, elementBytes, shape);
  RankCounts<uint64_t> counts(tree.ranks());
  uint64_t places = 1;
  for (size_t rank = 0; rank < tree.ranks(); ++rank) {
    counts[rank].fibers = places;
    counts[rank].entries = places *= tree.extent[rank];
  }
  return sizeFromCounts(tree, counts, places);
}

Size encode(const Format &format, const DenseView &values, std::vector<uint8_t> &out) {
  Tree tree(format, values.elementBytes, values.shape);
  NonzeroMask mask(values.data, values.elementBytes, elementsOf(values.shape));
  Counter counter(tree, mask);
  Size size = sizeFromCounts(tree, counter.counts, counter.valueCount);
  size_t start = out.size();
  out.resize(start + size.bytes());
  switch (values.elementBytes) {
  case 1:
    Encoder<uint8_t>(tree, mask, values.data, counter, out.data() + start);
    break;
  case 2:
    Encoder<uint16_t>(tree, mask, values.data, counter, out.data() + start);
    break;
  case 4:
    Encoder<uint32_t>(tree, mask, values.data, counter, out.data() + start);
    break;
  case 8:
    Encoder<uint64_t>(tree, mask, values.data, counter, out.data() + start);
    break;
  }
  return size;
}

double expectedBits(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape, double density) {
  Tree tree(format, elementBytes, shape);
  RankCounts<double> counts(tree.ranks());
  double places = 1, fibers = 1, valueCount = 0, bits = 0;
  if (elementsOf(shape) == 0)
    fibers = 0;
  for (size_t rank = 0; rank < tree.ranks(); ++rank) {
    double extent = static_cast<double>(tree.extent[rank]), spaces = places; // Fibers that might be.
    places *= extent;
    double filled = 1 - std::pow(1 - density, static_cast<double>(tree.below[rank])), nonempty = places * filled;
    counts[rank].fibers = fibers;
    counts[rank].entries = fibers * extent;
    switch (tree.kind[rank]) {
    case RankKind::U:
      fibers = counts[rank].entries;
      break;
    case RankKind::UOP:
      fibers = nonempty;
      break;
    case RankKind::B:
    case RankKind::CP:
      fibers = counts[rank].entries = nonempty;
      break;
    case RankKind::RLE:
      fibers = counts[rank].entries =
          nonempty + spaces * expectedRunPadding(tree.extent[rank], tree.bits[rank], filled);
      break;
    }
    valueCount = fibers;
    bits += streamBits(tree, rank, counts[rank]);
  }
  return bits + valueCount * 8 * elementBytes;
}

} // namespace sparseaccel::formats::streams
