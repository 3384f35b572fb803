//===- Reader.cpp - A part of an encoded granule ----------------------------===//
//
// A walk goes down the ranks depth first, and only into the places that are asked for. So the fibers of every rank are
// met in the order in which they are stored, and one cursor a rank moves forward over what lies between.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Target/Formats/Reader.h"

#include "BitStream.h"
#include "Codec.h"
#include "Huffman.h"
#include "Values.h"
#include "View.h"

#include "absl/strings/str_cat.h"

#include <cmath>
#include <optional>
#include <utility>

namespace sparseaccel::formats {

namespace {

constexpr uint64_t kUnknown = ~uint64_t{0};

/// The places of each rank that a walk goes into.
struct Range {
  uint64_t begin, end;
};
using Box = absl::InlinedVector<Range, 6>;

/// Where a rank's stream begins and what it holds.
struct Stream {
  uint64_t start = 0; ///< In bits, behind what stands before the first fiber.
  uint64_t fibers = 0, entries = 0;
  uint64_t fullest = 0;   ///< ELL.
  uint64_t tableBits = 0; ///< Huffman codes.
  HuffmanDecoder codes;
};

} // namespace

struct GranuleReader::Impl {
  Impl(const Format &format, absl::Span<const uint8_t> bytes, unsigned elementBytes, absl::Span<const uint32_t> shape)
      : format(format), bytes(bytes), bits(bytes), elementBytes(elementBytes), shape(shape.begin(), shape.end()) {
    if (format.hasView())
      view.emplace(format, shape);
  }

  absl::Span<const uint32_t> arrayShape() const { return view ? view->shape() : absl::MakeConstSpan(shape); }

  /// Of the packings and of what is decoded as a whole, a slice is one element of the array.
  bool walks() const { return tree.has_value() && format.deltaDimension < 0; }

  absl::Status error(size_t rank, absl::string_view what) const {
    return absl::DataLossError(
        absl::StrCat("corrupt granule in format ", toString(format), ", rank ", rank, ": ", what));
  }

  absl::Status findStreams();
  absl::Status findStream(size_t rank, uint64_t fibers, uint64_t entries, uint64_t &position, uint64_t &nextFibers,
                          uint64_t &nextEntries);
  absl::StatusOr<std::vector<uint8_t>> decoded() const;
  /// All places.
  Box whole() const {
    Box box;
    for (uint64_t extent : tree->extent)
      box.push_back({0, extent});
    return box;
  }
  absl::Status walk(Box box, Visitor visitor, AccessCost &spent) const;
  /// What is stored for an element.
  absl::StatusOr<uint64_t> stored(uint64_t element, AccessCost &spent) const;
  uint64_t load(const uint8_t *from) const {
    uint64_t value = 0;
    std::memcpy(&value, from, elementBytes);
    return value;
  }

  Format format;
  absl::Span<const uint8_t> bytes;
  BitReader bits;
  unsigned elementBytes;
  std::vector<uint32_t> shape;
  std::optional<View> view;
  std::optional<Tree> tree; ///< Of Packing::Streams that are not dense.
  std::vector<Stream> streams;
  uint64_t values = 0, valueStart = 0; ///< How many, and their first bit behind the table.
  uint64_t valueTableBits = 0;
  std::vector<uint32_t> codebook;
  HuffmanDecoder valueCodes;
};

namespace {

/// One walk over a granule.
class Walk {
public:
  Walk(const Format &format, const Tree &tree, const BitReader &bits, std::vector<Stream> streams, Box box,
       absl::FunctionRef<absl::Status(uint64_t place, uint64_t entry)> visit)
      : format(format), tree(tree), bits(bits), streams(std::move(streams)), box(std::move(box)), visit(visit) {
    for (const Stream &stream : this->streams)
      cursors.push_back({0, stream.start, 0, 0, 0});
  }

  absl::Status run() { return fiber(0, 0, 0, kUnknown, kUnknown); }
  uint64_t metadataBits = 0;

private:
  struct Cursor {
    uint64_t fiber;    ///< The next that is stored.
    uint64_t position; ///< Of the next thing to read.
    uint64_t entry;    ///< Of the fiber's first.
    uint64_t base;     ///< Entries of the next rank before this fiber's, where offsets are local.
    uint64_t scanned;  ///< Offsets that were looked at for fibers that are not empty.
    uint64_t nonempty = 0;
  };

  absl::Status error(size_t rank, absl::string_view what) const {
    return absl::DataLossError(
        absl::StrCat("corrupt granule in format ", toString(format), ", rank ", rank, ": ", what));
  }

  uint64_t read(uint64_t &position, unsigned width) {
    metadataBits += width;
    position += width;
    return bits.get(position - width, width);
  }

  absl::StatusOr<uint64_t> readRun(size_t rank, uint64_t &position) {
    if (!tree.huffman[rank])
      return read(position, tree.bits[rank]);
    if (streams[rank].tableBits)
      metadataBits += std::exchange(streams[rank].tableBits, 0);
    uint64_t before = position;
    uint32_t run = 0;
    if (!streams[rank].codes.next(bits, position, run))
      return error(rank, "the bytes end within a run's code");
    metadataBits += position - before;
    return run;
  }

  /// Moves the cursor of a rank to a fiber.
  absl::Status seek(size_t rank, uint64_t ordinal, uint64_t firstEntry) {
    Cursor &cursor = cursors[rank];
    uint64_t extent = tree.extent[rank];
    unsigned width = tree.bits[rank];
    switch (tree.kind[rank]) {
    case RankKind::U:
      cursor.entry = ordinal * extent;
      break;
    case RankKind::NM:
    case RankKind::ELL:
      cursor.entry = ordinal * tree.fixedEntries(rank, streams[rank].fullest);
      cursor.position = streams[rank].start + cursor.entry * width;
      if (tree.kind[rank] == RankKind::ELL && !std::exchange(knowsFullest, true))
        metadataBits += tree.countBits[rank];
      break;
    case RankKind::B:
      for (uint64_t left = (ordinal - cursor.fiber) * extent; left > 0;) {
        unsigned length = left < 64 ? static_cast<unsigned>(left) : 64;
        cursor.entry += static_cast<uint64_t>(std::popcount(bits.get64(cursor.position) & lowBits(length)));
        cursor.position += length;
        metadataBits += length;
        left -= length;
      }
      break;
    case RankKind::UOP:
      cursor.entry = ordinal * extent;
      if (tree.local[rank])
        for (uint64_t f = cursor.fiber; f < ordinal; ++f) {
          uint64_t last = streams[rank].start + ((f + 1) * (extent + 1) - 1) * width;
          cursor.base += read(last, width);
        }
      break;
    case RankKind::CP:
    case RankKind::RLE:
      if (!tree.hasCount(rank)) {
        if (!tree.huffman[rank]) {
          cursor.position = streams[rank].start + firstEntry * width;
          cursor.entry = firstEntry;
        }
        for (; cursor.entry < firstEntry; ++cursor.entry)
          if (absl::StatusOr<uint64_t> run = readRun(rank, cursor.position); !run.ok())
            return run.status();
        break;
      }
      for (uint64_t f = cursor.fiber; f < ordinal; ++f) {
        uint64_t length = read(cursor.position, tree.countBits[rank]);
        if (length > extent)
          return error(rank, "a fiber is longer than its places");
        cursor.entry += length;
        if (!tree.huffman[rank])
          cursor.position += length * width;
        else
          for (; length > 0; --length)
            if (absl::StatusOr<uint64_t> run = readRun(rank, cursor.position); !run.ok())
              return run.status();
      }
      break;
    }
    cursor.fiber = ordinal;
    return absl::OkStatus();
  }

  absl::Status descend(size_t rank, uint64_t base, uint64_t place, uint64_t entry) {
    uint64_t child = base + place * tree.below[rank];
    return tree.innermost(rank) ? visit(child, entry) : fiber(rank + 1, entry, child, kUnknown, kUnknown);
  }

  absl::Status fiber(size_t rank, uint64_t ordinal, uint64_t base, uint64_t firstEntry, uint64_t count) {
    if (absl::Status status = seek(rank, ordinal, firstEntry); !status.ok())
      return status;
    Cursor &cursor = cursors[rank];
    Range range = box[rank];
    absl::Status status;
    switch (tree.kind[rank]) {
    case RankKind::U:
      for (uint64_t i = range.begin; i < range.end && status.ok(); ++i)
        status = descend(rank, base, i, cursor.entry + i);
      return status;
    case RankKind::B: {
      // The bits up to the range's end, each read once.
      uint64_t position = cursor.position, entry = cursor.entry;
      for (uint64_t i = 0; i < range.end && status.ok(); ++i) {
        if (!read(position, 1))
          continue;
        if (i >= range.begin)
          status = descend(rank, base, i, entry);
        ++entry;
      }
      cursor.position = position;
      cursor.entry = entry;
      // The rest of the fiber is counted where a later fiber is asked for.
      for (uint64_t i = range.end; i < tree.extent[rank] && more(rank); ++i)
        cursor.entry += read(cursor.position, 1);
      ++cursor.fiber;
      return status;
    }
    case RankKind::UOP:
      return offsets(rank, ordinal, base, range);
    case RankKind::CP:
    case RankKind::RLE:
      return scan(rank, base, range, count);
    case RankKind::NM:
    case RankKind::ELL:
      return groups(rank, base, range);
    }
    return status;
  }

  /// Whether a later fiber of this rank may be asked for.
  bool more(size_t rank) const {
    for (size_t r = 0; r < rank; ++r)
      if (box[r].end - box[r].begin > 1)
        return true;
    return false;
  }

  absl::Status scan(size_t rank, uint64_t base, Range range, uint64_t count) {
    Cursor &cursor = cursors[rank];
    uint64_t position = cursor.position, entry = cursor.entry, from = 0;
    uint64_t length = tree.hasCount(rank) ? read(position, tree.countBits[rank]) : count;
    if (length > tree.extent[rank])
      return error(rank, "a fiber is longer than its places");
    uint64_t end = entry + length;
    absl::Status status;
    for (; entry < end && status.ok(); ++entry) {
      absl::StatusOr<uint64_t> field = readRun(rank, position);
      if (!field.ok())
        return field.status();
      uint64_t place = tree.kind[rank] == RankKind::RLE ? from + *field : *field;
      if (place < from || place >= tree.extent[rank])
        return error(rank, absl::StrCat("coordinate ", place, " is not in [", from, ", ", tree.extent[rank], ")"));
      from = place + 1;
      if (place >= range.begin && place < range.end)
        status = descend(rank, base, place, entry);
      if (place + 1 >= range.end) {
        ++entry; // Coordinates rise: nothing that is asked for follows.
        break;
      }
    }
    if (!status.ok())
      return status;
    // Behind the fiber; Huffman codes have to be read to be passed.
    if (tree.huffman[rank] && more(rank))
      for (; entry < end; ++entry)
        if (absl::StatusOr<uint64_t> run = readRun(rank, position); !run.ok())
          return run.status();
    if (!tree.huffman[rank])
      position += (end - entry) * tree.bits[rank];
    cursor.position = position;
    cursor.entry = end;
    ++cursor.fiber;
    return absl::OkStatus();
  }

  absl::Status groups(size_t rank, uint64_t base, Range range) {
    uint64_t extent = tree.extent[rank], entry = cursors[rank].entry, position = cursors[rank].position;
    bool grouped = tree.kind[rank] == RankKind::NM;
    uint64_t step = grouped ? tree.m[rank] : extent;
    for (uint64_t first = 0; first < extent; first += step) {
      uint64_t length = std::min(step, extent - first), from = 0;
      uint64_t entries = std::min<uint64_t>(grouped ? tree.n[rank] : streams[rank].fullest, length);
      uint64_t next = position + entries * tree.bits[rank];
      bool wanted = first < range.end && first + length > range.begin;
      for (uint64_t i = 0; wanted && i < entries; ++i) {
        uint64_t place = read(position, tree.bits[rank]);
        if (place < from || place >= length)
          return error(rank, absl::StrCat("place ", place, " of a group is not in [", from, ", ", length, ")"));
        from = place + 1;
        if (first + place >= range.begin && first + place < range.end)
          if (absl::Status status = descend(rank, base, first + place, entry + i); !status.ok())
            return status;
        if (first + place + 1 >= range.end)
          break;
      }
      position = next;
      entry += entries;
    }
    return absl::OkStatus();
  }

  absl::Status offsets(size_t rank, uint64_t ordinal, uint64_t base, Range range) {
    uint64_t extent = tree.extent[rank], most = tree.innermost(rank) ? 1 : tree.extent[rank + 1];
    unsigned width = tree.bits[rank];
    // The number of an offset in the stream; the one before it is where the fiber begins.
    uint64_t first = tree.local[rank] ? ordinal * (extent + 1) + 1 : ordinal * extent + 1;
    uint64_t position = streams[rank].start + (first + range.begin - 1) * width;
    uint64_t before = cursors[rank].base + read(position, width);
    for (uint64_t i = range.begin; i < range.end; ++i) {
      uint64_t end = cursors[rank].base + read(position, width);
      if (end < before || end - before > most || end > nextEntries(rank))
        return error(rank, absl::StrCat("offset ", end, " after ", before));
      uint64_t begin = before;
      before = end;
      if (end == begin)
        continue;
      absl::Status status;
      if (tree.innermost(rank)) {
        status = visit(base + i, begin);
      } else {
        uint64_t child = ordinalOf(rank, begin, ordinal, i);
        status = fiber(rank + 1, child, base + i * tree.below[rank], begin, end - begin);
      }
      if (!status.ok())
        return status;
    }
    return absl::OkStatus();
  }

  uint64_t nextEntries(size_t rank) const { return tree.innermost(rank) ? kUnknown : streams[rank + 1].entries; }

  /// Which fiber of the next rank begins at an entry.
  uint64_t ordinalOf(size_t rank, uint64_t entry, uint64_t ordinal, uint64_t place) {
    switch (tree.kind[rank + 1]) {
    case RankKind::U:
    case RankKind::UOP:
      return entry / tree.extent[rank + 1];
    case RankKind::NM:
    case RankKind::ELL:
      return entry / std::max<uint64_t>(1, tree.fixedEntries(rank + 1, streams[rank + 1].fullest));
    case RankKind::CP:
    case RankKind::RLE:
      return 0; // Entries say where it is.
    case RankKind::B:
      break;
    }
    // A bitmask is stored for each fiber that is not empty: all offsets before must be looked at.
    Cursor &cursor = cursors[rank];
    uint64_t extent = tree.extent[rank];
    unsigned width = tree.bits[rank];
    for (uint64_t end = ordinal * extent + place; cursor.scanned < end; ++cursor.scanned) {
      uint64_t f = cursor.scanned / extent, i = cursor.scanned % extent;
      uint64_t number = tree.local[rank] ? f * (extent + 1) + i : cursor.scanned;
      uint64_t position = streams[rank].start + number * width;
      uint64_t from = bits.get(position, width), to = bits.get(position + width, width);
      metadataBits += width;
      cursor.nonempty += from != to;
    }
    return cursor.nonempty;
  }

  const Format &format;
  const Tree &tree;
  const BitReader &bits;
  std::vector<Stream> streams;
  Box box;
  absl::FunctionRef<absl::Status(uint64_t place, uint64_t entry)> visit;
  std::vector<Cursor> cursors;
  bool knowsFullest = false;
};

} // namespace

absl::Status GranuleReader::Impl::findStream(size_t rank, uint64_t fibers, uint64_t entries, uint64_t &position,
                                             uint64_t &nextFibers, uint64_t &nextEntries) {
  Stream &stream = streams[rank];
  uint64_t extent = tree->extent[rank];
  unsigned width = tree->bits[rank];
  auto need = [&](uint64_t more) {
    return position + more > bits.sizeBits() ? error(rank, "the bytes end within the rank's stream") : absl::OkStatus();
  };
  auto take = [&](unsigned count) {
    position += count;
    return bits.get(position - count, count);
  };
  stream.fibers = fibers;
  nextEntries = kUnknown;
  if (tree->huffman[rank]) {
    uint64_t before = position;
    if (absl::Status status = stream.codes.open(bits, position, width); !status.ok())
      return error(rank, status.message());
    stream.tableBits = position - before;
  }
  if (tree->kind[rank] == RankKind::ELL) {
    if (absl::Status status = need(tree->countBits[rank]); !status.ok())
      return status;
    stream.fullest = take(tree->countBits[rank]);
    if (stream.fullest > extent)
      return error(rank, "fibers are longer than their places");
  }
  stream.start = position;
  switch (tree->kind[rank]) {
  case RankKind::U:
    stream.entries = fibers * extent;
    break;
  case RankKind::B:
    if (absl::Status status = need(fibers * extent); !status.ok())
      return status;
    for (uint64_t left = fibers * extent; left > 0;) {
      unsigned length = left < 64 ? static_cast<unsigned>(left) : 64;
      stream.entries += static_cast<uint64_t>(std::popcount(bits.get64(position) & lowBits(length)));
      position += length;
      left -= length;
    }
    break;
  case RankKind::CP:
  case RankKind::RLE: {
    auto pass = [&](uint64_t length) {
      stream.entries += length;
      if (!tree->huffman[rank]) {
        position += length * width;
        return need(0);
      }
      uint32_t run = 0;
      for (; length > 0; --length)
        if (!stream.codes.next(bits, position, run))
          return error(rank, "the bytes end within a run's code");
      return absl::OkStatus();
    };
    if (!tree->hasCount(rank)) {
      if (absl::Status status = pass(entries); !status.ok())
        return status;
      break;
    }
    for (uint64_t f = 0; f < fibers; ++f) {
      if (absl::Status status = need(tree->countBits[rank]); !status.ok())
        return status;
      uint64_t length = take(tree->countBits[rank]);
      if (length > extent)
        return error(rank, "a fiber is longer than its places");
      if (absl::Status status = pass(length); !status.ok())
        return status;
    }
    break;
  }
  case RankKind::UOP: {
    uint64_t heads = tree->local[rank] ? fibers : 1, before = 0, sum = 0;
    if (absl::Status status = need((fibers * extent + heads) * width); !status.ok())
      return status;
    stream.entries = fibers * extent;
    nextFibers = 0;
    for (uint64_t f = 0; f < fibers; ++f) {
      if (tree->local[rank] || f == 0) {
        if (take(width) != 0)
          return error(rank, "the first offset is not zero");
        sum += before;
        before = 0;
      }
      for (uint64_t i = 0; i < extent; ++i) {
        uint64_t end = take(width);
        if (end < before || end - before > (tree->innermost(rank) ? 1 : tree->extent[rank + 1]))
          return error(rank, absl::StrCat("offset ", end, " after ", before));
        nextFibers += end != before;
        before = end;
      }
    }
    if (fibers == 0 && !tree->local[rank])
      take(width);
    nextEntries = sum + before;
    break;
  }
  case RankKind::NM:
  case RankKind::ELL:
    stream.entries = fibers * tree->fixedEntries(rank, stream.fullest);
    position += stream.entries * width;
    if (absl::Status status = need(0); !status.ok())
      return status;
    break;
  }
  if (tree->kind[rank] != RankKind::UOP)
    nextFibers = stream.entries;
  position = (position + 7) / 8 * 8;
  return need(0);
}

absl::Status GranuleReader::Impl::findStreams() {
  streams.resize(tree->ranks());
  uint64_t fibers = 1, entries = kUnknown, position = 0;
  for (size_t rank = 0; rank < tree->ranks(); ++rank) {
    uint64_t nextFibers = 0, nextEntries = 0;
    if (absl::Status status = findStream(rank, fibers, entries, position, nextFibers, nextEntries); !status.ok())
      return status;
    bool fixed = tree->kind[rank] != RankKind::CP && tree->kind[rank] != RankKind::RLE;
    if (entries != kUnknown && fixed && streams[rank].entries != entries)
      return error(rank, "the rank has other entries than the offsets above it say");
    fibers = nextFibers;
    entries = nextEntries;
  }
  values = fibers;
  uint64_t left = bits.sizeBits() - position;
  auto corrupt = [&] { return error(tree->ranks(), "the bytes do not end with the values"); };
  switch (format.values) {
  case ValueCoding::Raw:
    if (left != values * elementBytes * 8)
      return corrupt();
    break;
  case ValueCoding::Shared: {
    std::vector<uint8_t> lengths;
    uint64_t before = position;
    if (absl::Status status = readTable(bits, position, 8 * elementBytes, false, codebook, lengths); !status.ok())
      return error(tree->ranks(), status.message());
    valueTableBits = position - before;
    unsigned width = values::indexBits(format, codebook.size());
    if ((position + values * width + 7) / 8 != bytes.size())
      return corrupt();
    break;
  }
  case ValueCoding::Huffman: {
    uint64_t before = position;
    if (absl::Status status = valueCodes.open(bits, position, 8 * elementBytes); !status.ok())
      return error(tree->ranks(), status.message());
    valueTableBits = position - before;
    break;
  }
  }
  valueStart = position;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint8_t>> GranuleReader::Impl::decoded() const {
  std::vector<uint8_t> dense(elementsOf(shape) * elementBytes);
  if (absl::Status status = decode(format, bytes, elementBytes, shape, dense.data()); !status.ok())
    return status;
  return dense;
}

absl::Status GranuleReader::Impl::walk(Box box, Visitor visitor, AccessCost &spent) const {
  uint64_t position = valueStart, next = 0, tableBits = valueTableBits;
  HuffmanDecoder codes = valueCodes;
  auto found = [&](uint64_t place, uint64_t entry) -> absl::Status {
    uint64_t value = 0;
    if (entry >= values)
      return error(tree->ranks(), "an entry has no value");
    switch (format.values) {
    case ValueCoding::Raw:
      value = load(bytes.data() + valueStart / 8 + entry * elementBytes);
      spent.dataBits += elementBytes * 8;
      break;
    case ValueCoding::Shared: {
      unsigned width = formats::values::indexBits(format, codebook.size());
      uint64_t index = bits.get(valueStart + entry * width, width);
      if (index >= codebook.size())
        return error(tree->ranks(), "an index exceeds the table");
      value = codebook[index];
      spent.dataBits += width;
      spent.metadataBits += elementBytes * 8;
      break;
    }
    case ValueCoding::Huffman:
      spent.metadataBits += std::exchange(tableBits, 0);
      for (; next <= entry; ++next) {
        uint64_t before = position;
        uint32_t symbol = 0;
        if (!codes.next(bits, position, symbol))
          return error(tree->ranks(), "the bytes end within a value's code");
        spent.dataBits += position - before;
        value = symbol;
      }
      break;
    }
    uint64_t element = view ? view->elementAt(place) : place;
    if (element != kUnknown)
      visitor(element, value);
    return absl::OkStatus();
  };
  Walk walk(format, *tree, bits, streams, std::move(box), found);
  absl::Status status = walk.run();
  spent.metadataBits += walk.metadataBits;
  return status;
}


absl::StatusOr<uint64_t> GranuleReader::Impl::stored(uint64_t element, AccessCost &spent) const {
  uint64_t value = 0;
  if (tree) {
    uint64_t place = view ? view->placeOf(element) : element;
    Box box;
    for (size_t rank = 0; rank < tree->ranks(); ++rank) {
      uint64_t at = place / tree->below[rank] % tree->extent[rank];
      box.push_back({at, at + 1});
    }
    absl::Status status = walk(std::move(box), [&](uint64_t, uint64_t found) { value = found; }, spent);
    if (!status.ok())
      return status;
    return value;
  }
  switch (format.packing) {
  case Packing::Streams:
    spent.dataBits += elementBytes * 8;
    return load(bytes.data() + element * elementBytes);
  case Packing::EyerissRlc:
    return rlc::at(bytes, elementBytes, element, spent);
  case Packing::Zfnaf:
    return zfnaf::at(bytes, elementBytes, shape, element, spent);
  }
  return value;
}

GranuleReader::GranuleReader(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
GranuleReader::GranuleReader(GranuleReader &&) = default;
GranuleReader::~GranuleReader() = default;

absl::StatusOr<GranuleReader> GranuleReader::open(const Format &format, absl::Span<const uint8_t> bytes,
                                                  unsigned elementBytes, absl::Span<const uint32_t> shape) {
  if (absl::Status status = checkFormat(format, elementBytes, shape); !status.ok())
    return status;
  auto impl = std::make_unique<Impl>(format, bytes, elementBytes, shape);
  if (format.packing == Packing::Streams && !format.ranks.empty()) {
    impl->tree.emplace(format, elementBytes, impl->arrayShape());
    if (absl::Status status = impl->findStreams(); !status.ok())
      return status;
  } else if (absl::StatusOr<std::vector<uint8_t>> all = impl->decoded(); !all.ok()) {
    return all.status();
  }
  return GranuleReader(std::move(impl));
}

uint64_t GranuleReader::slices() const {
  return impl->tree ? impl->tree->extent[0] : elementsOf(impl->shape);
}

absl::Status GranuleReader::visit(uint64_t begin, uint64_t end, Visitor visitor, AccessCost *cost) const {
  if (begin > end || end > slices())
    return absl::OutOfRangeError(
        absl::StrCat("slices ", begin, " to ", end, " of a granule that has ", slices()));
  AccessCost ignored;
  AccessCost &spent = cost ? *cost : ignored;
  if (begin == end)
    return absl::OkStatus();
  Impl &i = *impl;
  if (!i.walks()) {
    absl::StatusOr<std::vector<uint8_t>> dense = i.decoded();
    if (!dense.ok())
      return dense.status();
    // Dense values stand at their place; the others are read as a whole.
    uint64_t below = i.tree ? i.tree->below[0] : 1;
    if (i.format.isDense()) {
      spent.dataBits += (end - begin) * i.elementBytes * 8;
    } else {
      Size size = sizeOf(i.format, {dense->data(), i.elementBytes, i.shape});
      spent.dataBits += size.dataBits;
      spent.metadataBits += size.metadataBits;
    }
    for (uint64_t place = begin * below; place < end * below; ++place) {
      uint64_t element = i.view ? i.view->elementAt(place) : place;
      if (element == kUnknown)
        continue;
      uint64_t value = i.load(dense->data() + element * i.elementBytes);
      if (value || i.format.isDense())
        visitor(element, value);
    }
    return absl::OkStatus();
  }
  Box box = i.whole();
  box[0] = {begin, end};
  return i.walk(std::move(box), visitor, spent);
}

absl::StatusOr<uint64_t> GranuleReader::at(uint64_t element, AccessCost *cost) const {
  uint64_t elements = elementsOf(impl->shape);
  if (element >= elements)
    return absl::OutOfRangeError(absl::StrCat("element ", element, " of a granule that has ", elements));
  AccessCost ignored;
  AccessCost &spent = cost ? *cost : ignored;
  if (impl->format.deltaDimension < 0)
    return impl->stored(element, spent);
  // The sum of the differences up to here.
  size_t dimension = static_cast<size_t>(impl->format.deltaDimension);
  uint64_t inner = elementsOf(absl::MakeConstSpan(impl->shape).subspan(dimension + 1)), sum = 0;
  uint64_t place = element / inner % impl->shape[dimension];
  for (uint64_t i = 0; i <= place; ++i) {
    absl::StatusOr<uint64_t> difference = impl->stored(element - (place - i) * inner, spent);
    if (!difference.ok())
      return difference;
    sum += *difference;
  }
  return sum & lowBits(8 * impl->elementBytes);
}

/// Chance that a place of this many elements holds a nonzero.
static double filledAt(uint64_t elements, double density) {
  return 1 - std::pow(1 - density, static_cast<double>(elements));
}

double expectedAccessBits(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape,
                          double density) {
  if (format.deltaDimension >= 0) {
    // As many elements are read as there are before this one in the dimension, itself included.
    Format plain = format;
    plain.deltaDimension = -1;
    double empty = 1 - density, reads = (shape[static_cast<size_t>(format.deltaDimension)] + 1) / 2.0;
    return reads * expectedAccessBits(plain, elementBytes, shape, 1 - empty * empty);
  }
  double elements = static_cast<double>(elementsOf(shape));
  if (format.packing == Packing::EyerissRlc) {
    double words = expectedBits(format, elementBytes, shape, density) / 64;
    return (words + 1) / 2 * (elementBytes == 1 ? 64 - 5 * 8 : 64 - 3 * 16);
  }
  if (format.packing == Packing::Zfnaf) // The slots before the element, and the one that ends the search.
    return 4 * (1 + 7.5 * density);
  if (format.ranks.empty())
    return 0;
  std::optional<View> view;
  if (format.hasView()) {
    view.emplace(format, shape);
    density *= elements / static_cast<double>(view->elements());
  }
  Tree tree(format, elementBytes, view ? view->shape() : shape);
  double reached = 1, fibers = 1, spaces = 1, total = 0; // Fibers that are stored, and that might be.
  for (size_t rank = 0; rank < tree.ranks(); ++rank) {
    double extent = static_cast<double>(tree.extent[rank]), width = tree.bits[rank];
    double filled = filledAt(tree.below[rank], density), share = fibers / spaces; // Of the fibers that might be.
    double here = filledAt(tree.below[rank] * tree.extent[rank], density), inFiber = std::min(1.0, filled / here);
    if (density <= 0 || rank == 0 || share >= 1)
      inFiber = filled;
    double before = std::max(0.0, (fibers - 1) / 2), entries = extent * inFiber, bits = 0;
    switch (tree.kind[rank]) {
    case RankKind::U:
      entries = extent;
      break;
    case RankKind::B:
      bits = before * extent + (extent + 1) / 2;
      break;
    case RankKind::CP:
    case RankKind::RLE:
      if (tree.kind[rank] == RankKind::RLE)
        entries += expectedRunPadding(tree.extent[rank], tree.bits[rank], inFiber);
      bits = (entries + 1) / 2 * width;
      if (entries < 1)
        bits = entries * width;
      if (tree.hasCount(rank))
        bits += (before + 1) * tree.countBits[rank];
      break;
    case RankKind::UOP:
      bits = 2 * width;
      if (tree.local[rank])
        bits += before * width;
      if (!tree.innermost(rank) && tree.kind[rank + 1] == RankKind::B)
        bits += (before * extent + extent / 2) * width * filled;
      entries = extent;
      break;
    case RankKind::NM:
      bits = (tree.n[rank] + 1) / 2.0 * width;
      entries = static_cast<double>(tree.fixedEntries(rank, 0));
      break;
    case RankKind::ELL:
      entries = expectedFullest(extent, filled, spaces);
      // The empty places that fill a fiber up are its first ones.
      bits = tree.countBits[rank] + (entries - extent * filled + std::min(entries, (extent * filled + 1) / 2)) * width;
      break;
    }
    total += reached * bits;
    bool all = tree.kind[rank] == RankKind::U;
    fibers *= tree.kind[rank] == RankKind::UOP ? extent * inFiber : entries;
    reached *= all ? 1 : std::min(1.0, tree.kind[rank] == RankKind::UOP ? inFiber : entries / extent);
    spaces *= extent;
  }
  return total;
}

} // namespace sparseaccel::formats
