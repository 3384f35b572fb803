//===- Streams.cpp - Fibertree formats: sizes and encoding ------------------===//
//
// Every rank has a stream of its own, in the order of the ranks, then come the values; each begins at a byte. Within a
// stream the fibers follow one another in the order of the elements:
//   U    nothing; every place is an entry
//   B    a bit for each place
//   CP   [length,] the coordinate of each entry
//   RLE  [length,] for each entry the places skipped since the last; a longer run stores an empty place with the
//        largest run
//   UOP  before the first fiber a zero, then for each place where its fiber ends among the entries of the rank below;
//        every place is an entry. A local one has the zero before each fiber, and counts from there
//   NM   for each entry its place in its group: what holds a nonzero, and the first places that hold none
//   ELL  before the first fiber the entries of each; then their coordinates, chosen as those of NM
// A fiber below UOP that holds nothing is not stored at all. Runs that are Huffman codes follow their table.
//
//===----------------------------------------------------------------------===//

#include "BitStream.h"
#include "Codec.h"
#include "Huffman.h"
#include "Values.h"

#include <cmath>
#include <memory>

namespace sparseaccel::formats::streams {

namespace {

/// `values` is the size of the values' stream.
Size sizeFromCounts(const Tree &tree, const RankCounts<uint64_t> &counts, Size values) {
  Size size = values;
  for (size_t rank = 0; rank < tree.ranks(); ++rank)
    size.metadataBits += (streamBits(tree, rank, counts[rank]) + 7) / 8 * 8;
  return size;
}

/// Entries of the fullest of all fibers that this rank may have.
uint64_t fullestFiber(const Tree &tree, const NonzeroMask &mask, size_t rank) {
  uint64_t extent = tree.extent[rank], below = tree.below[rank], span = extent * below, most = 0;
  for (uint64_t base = 0, all = tree.extent[0] * tree.below[0]; base < all; base += span) {
    uint64_t found = 0;
    if (below == 1)
      found = mask.count(base, extent);
    else
      for (uint64_t i = 0; i < extent; ++i)
        found += mask.any(base + i * below, below);
    most = std::max(most, found);
  }
  return most;
}

/// Calls `f(place)` for the entries of an NM or ELL fiber: in each group the places that hold a nonzero, and of the
/// others the first ones.
template <typename F>
void forEachChosen(const Tree &tree, const NonzeroMask &mask, size_t rank, uint64_t base, uint64_t fullest, F &&f) {
  uint64_t extent = tree.extent[rank], below = tree.below[rank];
  bool groups = tree.kind[rank] == RankKind::NM;
  uint64_t step = groups ? tree.m[rank] : extent;
  for (uint64_t first = 0; first < extent; first += step) {
    uint64_t length = std::min(step, extent - first), entries = groups ? tree.n[rank] : fullest;
    entries = std::min(entries, length);
    if (below == 1 && length <= 64) {
      uint64_t word = mask.chunk(base + first) & lowBits(static_cast<unsigned>(length));
      uint64_t empty = ~word;
      for (uint64_t found = static_cast<uint64_t>(std::popcount(word)); found < entries; ++found, empty &= empty - 1)
        word |= empty & -empty;
      for (; word; word &= word - 1)
        f(first + static_cast<uint64_t>(std::countr_zero(word)));
      continue;
    }
    uint64_t found = 0;
    for (uint64_t i = first; i < first + length; ++i)
      found += mask.any(base + i * below, below);
    uint64_t spare = entries - found;
    for (uint64_t i = first; i < first + length; ++i) {
      bool some = mask.any(base + i * below, below);
      if (!some && spare == 0)
        continue;
      spare -= !some;
      f(i);
    }
  }
}

class Counter {
public:
  Counter(const Tree &tree, const NonzeroMask &mask)
      : tree(tree), mask(mask), counts(tree.ranks()), runs(tree.ranks()), fullest(tree.ranks(), 0) {
    for (size_t rank = 0; rank < tree.ranks(); ++rank) {
      if (tree.huffman[rank])
        runs[rank].assign(size_t{1} << tree.bits[rank], 0);
      if (tree.kind[rank] == RankKind::ELL)
        fullest[rank] = fullestFiber(tree, mask, rank);
    }
    if (tree.below[0] > 0 && tree.extent[0] > 0)
      fiber(0, 0);
    for (size_t rank = 0; rank < tree.ranks(); ++rank)
      if (tree.huffman[rank])
        counts[rank].codedBits = tableBits(distinctSymbols(runs[rank]), tree.bits[rank], true) +
                                 HuffmanEncoder(runs[rank]).codedBits();
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
        if (tree.huffman[rank])
          countRuns(rank, base);
        return;
      }
      case RankKind::NM:
      case RankKind::ELL: {
        uint64_t entries = tree.fixedEntries(rank, fullest[rank]);
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
    if (tree.kind[rank] == RankKind::NM || tree.kind[rank] == RankKind::ELL) {
      count.entries += tree.fixedEntries(rank, fullest[rank]);
      return forEachChosen(tree, mask, rank, base, fullest[rank],
                           [&](uint64_t i) { fiber(rank + 1, base + i * below); });
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
            if (tree.huffman[rank])
              ++runs[rank][step - 1];
            fiber(rank + 1, base + (next + step - 1) * below);
          }
          if (tree.huffman[rank])
            ++runs[rank][i - next];
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
      case RankKind::NM:
      case RankKind::ELL:
        break; // Above.
      }
      if (some)
        fiber(rank + 1, child);
    }
  }

  void countRuns(size_t rank, uint64_t base) {
    uint64_t next = 0, largest = lowBits(tree.bits[rank]);
    mask.forEach(base, tree.extent[rank], [&](uint64_t i) {
      for (; i - next > largest; next += largest + 1)
        ++runs[rank][largest];
      ++runs[rank][i - next];
      next = i + 1;
    });
  }

  const Tree &tree;
  const NonzeroMask &mask;
  RankCounts<uint64_t> counts;
  absl::InlinedVector<Histogram, 4> runs;    ///< Of ranks with Huffman codes.
  absl::InlinedVector<uint64_t, 4> fullest; ///< Of ELL ranks.
  uint64_t valueCount = 0;
};

Size sizeOfCounted(const Format &format, const Tree &tree, const Counter &counter, const DenseView &values) {
  Size stored{counter.valueCount * tree.elementBytes * 8, 0};
  if (format.values != ValueCoding::Raw)
    stored = values::sizeOf(format, tree.elementBytes, values::histogramOf(values, counter.valueCount));
  return sizeFromCounts(tree, counter.counts, stored);
}

template <typename T>
class Encoder {
public:
  /// Values go to `raw` where they are coded behind the streams, else directly behind the streams.
  Encoder(const Tree &tree, const NonzeroMask &mask, const void *data, const Counter &counted, uint8_t *to,
          uint8_t *raw)
      : tree(tree), mask(mask), data(static_cast<const uint8_t *>(data)), counted(counted), entries(tree.ranks() + 1),
        codes(tree.ranks()) {
    for (size_t rank = 0; rank < tree.ranks(); ++rank) {
      writers.emplace_back(to);
      to += (streamBits(tree, rank, counted.counts[rank]) + 7) / 8;
    }
    out = raw ? raw : to;
    for (size_t rank = 0; rank < tree.ranks(); ++rank)
      startRank(rank);
    if (tree.below[0] > 0 && tree.extent[0] > 0)
      fiber(0, 0);
    for (BitWriter &writer : writers)
      writer.flush();
  }

private:
  void startRank(size_t rank) {
    if (tree.kind[rank] == RankKind::UOP && !tree.local[rank])
      writers[rank].put(0, tree.bits[rank]);
    if (tree.kind[rank] == RankKind::ELL)
      writers[rank].put(counted.fullest[rank], tree.countBits[rank]);
    if (!tree.huffman[rank])
      return;
    codes[rank] = std::make_unique<HuffmanEncoder>(counted.runs[rank]);
    writeTable(counted.runs[rank], tree.bits[rank], &codes[rank]->codeLengths(), writers[rank]);
  }

  void putRun(BitWriter &writer, size_t rank, uint64_t run) {
    if (codes[rank])
      codes[rank]->put(writer, run);
    else
      writer.put(run, tree.bits[rank]);
  }

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
          putRun(writer, rank, largest);
          storeAs<T>(out, 0);
          out += sizeof(T);
        }
        putRun(writer, rank, i - next);
        value(base + i);
        next = i + 1;
      });
      break;
    }
    case RankKind::UOP: {
      uint64_t &end = entries[rank + 1], first = tree.local[rank] ? end : 0;
      if (tree.local[rank])
        writer.put(0, bits);
      for (uint64_t i = 0; i < extent; ++i) {
        if (mask.any(base + i, 1)) {
          ++end;
          value(base + i);
        }
        writer.put(end - first, bits);
      }
      entries[rank] += extent;
      break;
    }
    case RankKind::NM:
    case RankKind::ELL:
      forEachChosen(tree, mask, rank, base, counted.fullest[rank], [&](uint64_t i) {
        writer.put(tree.placeField(rank, i), bits);
        value(base + i);
      });
      entries[rank] += tree.fixedEntries(rank, counted.fullest[rank]);
      break;
    }
    writers[rank] = writer;
  }

  void fiber(size_t rank, uint64_t base) {
    if (tree.innermost(rank))
      return innermostFiber(rank, base);
    uint64_t extent = tree.extent[rank], below = tree.below[rank], next = 0, count = 0;
    unsigned bits = tree.bits[rank];
    if (tree.kind[rank] == RankKind::NM || tree.kind[rank] == RankKind::ELL)
      return forEachChosen(tree, mask, rank, base, counted.fullest[rank], [&](uint64_t i) {
        ++entries[rank];
        writers[rank].put(tree.placeField(rank, i), bits);
        fiber(rank + 1, base + i * below);
      });
    uint64_t first = tree.local[rank] ? entries[rank + 1] : 0;
    if (tree.local[rank])
      writers[rank].put(0, bits);
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
          putRun(writers[rank], rank, largest);
          fiber(rank + 1, base + (next + largest) * below);
        }
        ++entries[rank];
        putRun(writers[rank], rank, i - next);
        next = i + 1;
        break;
      case RankKind::UOP:
        ++entries[rank];
        break;
      case RankKind::NM:
      case RankKind::ELL:
        break; // Above.
      }
      if (some)
        fiber(rank + 1, child);
      if (tree.kind[rank] == RankKind::UOP)
        writers[rank].put(entries[rank + 1] - first, bits);
    }
  }

  const Tree &tree;
  const NonzeroMask &mask;
  const uint8_t *data;
  const Counter &counted;
  absl::InlinedVector<BitWriter, 4> writers;
  absl::InlinedVector<uint64_t, 5> entries; ///< So far; behind the ranks' own, the values below an innermost UOP.
  absl::InlinedVector<std::unique_ptr<HuffmanEncoder>, 4> codes;
  uint8_t *out = nullptr;
};

} // namespace

Size sizeOf(const Format &format, const DenseView &values) {
  Tree tree(format, values.elementBytes, values.shape);
  NonzeroMask mask(values.data, values.elementBytes, elementsOf(values.shape));
  return sizeOfCounted(format, tree, Counter(tree, mask), values);
}

uint64_t storedValues(const Format &format, const DenseView &values) {
  Tree tree(format, values.elementBytes, values.shape);
  NonzeroMask mask(values.data, values.elementBytes, elementsOf(values.shape));
  return Counter(tree, mask).valueCount;
}

Size worstCase(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape) {
  // No rank stores more than when every place is an entry.
  Tree tree(format, elementBytes, shape);
  RankCounts<uint64_t> counts(tree.ranks());
  uint64_t places = 1;
  for (size_t rank = 0; rank < tree.ranks(); ++rank) {
    RankCount<uint64_t> &count = counts[rank];
    count.fibers = places;
    places *= tree.kind[rank] == RankKind::NM ? tree.fixedEntries(rank, 0) : tree.extent[rank];
    count.entries = places;
    if (tree.huffman[rank]) {
      // An optimal prefix code is never longer than fields of one width.
      uint64_t distinct = std::min(places, uint64_t{1} << tree.bits[rank]);
      count.codedBits = places * tree.bits[rank] + tableBits(distinct, tree.bits[rank], true);
    }
  }
  Size values{places * elementBytes * 8, 0};
  if (format.values != ValueCoding::Raw)
    values = values::worstCase(format, elementBytes, places);
  return sizeFromCounts(tree, counts, values);
}

Size encode(const Format &format, const DenseView &values, std::vector<uint8_t> &out) {
  Tree tree(format, values.elementBytes, values.shape);
  NonzeroMask mask(values.data, values.elementBytes, elementsOf(values.shape));
  Counter counter(tree, mask);
  bool coded = format.values != ValueCoding::Raw;
  Histogram histogram;
  Size stored{counter.valueCount * tree.elementBytes * 8, 0};
  std::vector<uint8_t> raw;
  if (coded) {
    histogram = values::histogramOf(values, counter.valueCount);
    stored = values::sizeOf(format, tree.elementBytes, histogram);
    raw.resize(std::max<uint64_t>(1, counter.valueCount * tree.elementBytes));
  }
  Size size = sizeFromCounts(tree, counter.counts, stored);
  size_t start = out.size();
  out.resize(start + size.bytes());
  uint8_t *to = out.data() + start, *scratch = coded ? raw.data() : nullptr;
  switch (values.elementBytes) {
  case 1:
    Encoder<uint8_t>(tree, mask, values.data, counter, to, scratch);
    break;
  case 2:
    Encoder<uint16_t>(tree, mask, values.data, counter, to, scratch);
    break;
  case 4:
    Encoder<uint32_t>(tree, mask, values.data, counter, to, scratch);
    break;
  case 8:
    Encoder<uint64_t>(tree, mask, values.data, counter, to, scratch);
    break;
  }
  if (coded)
    values::encode(format, tree.elementBytes, histogram, raw.data(), counter.valueCount,
                   to + size.bytes() - stored.bytes());
  return size;
}

/// Mean bits of a run before a nonzero, and of the padding runs, where the places are independent: their entropy, which
/// the code exceeds by little.
static double expectedRunBits(unsigned bits, double density) {
  if (density <= 0 || density >= 1)
    return 0;
  double largest = std::ldexp(1.0, static_cast<int>(bits)) - 1, miss = 1 - density;
  // Runs below the largest follow the geometric distribution; the largest takes the rest.
  double tail = std::pow(miss, largest), entropy = tail > 0 ? -tail * std::log2(tail) : 0, weight = density;
  for (double run = 0; run < largest && weight > 1e-12; ++run, weight *= miss)
    entropy -= weight * std::log2(weight);
  return entropy;
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
      if (tree.huffman[rank]) {
        double distinct = std::min(fibers, std::ldexp(1.0, static_cast<int>(tree.bits[rank])));
        counts[rank].codedBits = fibers * expectedRunBits(tree.bits[rank], filled) +
                                 distinct * (tree.bits[rank] + kCodeLengthBits) + tree.bits[rank] + 1;
      }
      break;
    case RankKind::NM:
      fibers = counts[rank].entries = fibers * static_cast<double>(tree.fixedEntries(rank, 0));
      break;
    case RankKind::ELL:
      fibers = counts[rank].entries = fibers * expectedFullest(extent, filled, spaces);
      break;
    }
    valueCount = fibers;
    bits += streamBits(tree, rank, counts[rank]);
  }
  if (format.values != ValueCoding::Raw)
    return bits + values::expectedBits(format, elementBytes, valueCount);
  return bits + valueCount * 8 * elementBytes;
}

} // namespace sparseaccel::formats::streams
