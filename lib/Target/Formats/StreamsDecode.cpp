//===- StreamsDecode.cpp - Fibertree formats: decoding ----------------------===//
//
// The layout is in Streams.cpp. The ranks are read from the outermost in; each says which fibers of the next are
// present. Only what encode() writes is accepted: most of that is checked in place, and the few nestings where it
// cannot be are encoded again and compared.
//
//===----------------------------------------------------------------------===//

#include "BitStream.h"
#include "Codec.h"
#include "Huffman.h"
#include "Values.h"

#include "absl/strings/str_cat.h"

#include <vector>

namespace sparseaccel::formats::streams {

namespace {

constexpr uint64_t kUnknown = ~uint64_t{0};

struct Fiber {
  uint64_t base;
  uint64_t entries = kUnknown; ///< Where the rank above is UOP.
};

template <typename T>
class Decoder {
public:
  Decoder(const Tree &tree, const Format &format, absl::Span<const uint8_t> bytes, absl::Span<const uint32_t> shape,
          void *out)
      : tree(tree), format(format), reader(bytes), bytes(bytes), shape(shape), out(static_cast<uint8_t *>(out)) {}

  absl::Status run() {
    uint64_t elements = tree.below[0] * tree.extent[0];
    std::memset(out, 0, elements * sizeof(T));
    if (elements)
      fibers.push_back({0});
    for (rank = 0; rank < tree.ranks(); ++rank) {
      if (absl::Status status = startRank(); !status.ok())
        return status;
      if (absl::Status status = tree.innermost(rank) ? readInnermost() : readRank(); !status.ok())
        return status;
      if (tree.huffman[rank] && !codes.isOptimalFor(runs))
        return error("the codes are not those that Huffman gives for these runs");
    }
    return needsComparison() ? compare() : absl::OkStatus();
  }

private:
  absl::Status error(absl::string_view what) const {
    return absl::DataLossError(
        absl::StrCat("corrupt granule in format ", toString(format), ", rank ", rank, ": ", what));
  }

  /// Whether the fiber of this rank must hold a nonzero value: it would not be stored otherwise.
  bool mustHold() const {
    return rank > 0 && (tree.kind[rank - 1] == RankKind::B || tree.kind[rank - 1] == RankKind::CP);
  }

  /// Zeros up to the next byte.
  absl::Status align() {
    unsigned left = static_cast<unsigned>(-position & 7);
    if (position + left > reader.sizeBits())
      return error("the bytes end within the rank's stream");
    if (left && reader.get(position, left))
      return error("bits behind the end of the stream are not zero");
    position += left;
    return absl::OkStatus();
  }

  absl::Status need(uint64_t bits) const {
    return position + bits > reader.sizeBits() ? error("the bytes end within the rank's stream") : absl::OkStatus();
  }

  absl::StatusOr<uint64_t> fiberLength(const Fiber &fiber) {
    uint64_t length = fiber.entries;
    if (tree.hasCount(rank)) {
      if (absl::Status status = need(tree.countBits[rank]); !status.ok())
        return status;
      length = reader.get(position, tree.countBits[rank]);
      position += tree.countBits[rank];
      if (mustHold() && length == 0)
        return error("a fiber that is stored holds nothing");
    }
    if (length > tree.extent[rank])
      return error(absl::StrCat("a fiber of ", length, " entries exceeds its ", tree.extent[rank], " places"));
    if (absl::Status status = need(tree.huffman[rank] ? 0 : length * tree.bits[rank]); !status.ok())
      return status;
    return length;
  }

  /// What stands before a rank's first fiber.
  absl::Status startRank() {
    if (tree.kind[rank] == RankKind::ELL) {
      if (absl::Status status = need(tree.countBits[rank]); !status.ok())
        return status;
      fullest = reader.get(position, tree.countBits[rank]);
      position += tree.countBits[rank];
      if (fullest > tree.extent[rank])
        return error(absl::StrCat("fibers of ", fullest, " entries exceed their ", tree.extent[rank], " places"));
    }
    if (!tree.huffman[rank])
      return absl::OkStatus();
    codes = HuffmanDecoder();
    runs.assign(size_t{1} << tree.bits[rank], 0);
    absl::Status status = codes.open(reader, position, tree.bits[rank]);
    return status.ok() ? status : error(status.message());
  }

  /// The next run, which need() or a Huffman code's own end has checked to be there.
  absl::StatusOr<uint64_t> nextRun() {
    if (!tree.huffman[rank]) {
      uint64_t run = reader.get(position, tree.bits[rank]);
      position += tree.bits[rank];
      return run;
    }
    uint32_t run = 0;
    if (!codes.next(reader, position, run))
      return error("the bytes end within a run's code");
    return run;
  }

  /// Calls `f(place, index in its group)` for the entries of an NM or ELL fiber until one is wrong.
  template <typename F>
  absl::Status forEachStored(F &&f) {
    uint64_t extent = tree.extent[rank];
    bool groups = tree.kind[rank] == RankKind::NM;
    uint64_t step = groups ? tree.m[rank] : extent;
    if (absl::Status status = need(tree.fixedEntries(rank, fullest) * tree.bits[rank]); !status.ok())
      return status;
    for (uint64_t first = 0; first < extent; first += step) {
      uint64_t length = std::min(step, extent - first), from = 0;
      uint64_t entries = std::min<uint64_t>(groups ? tree.n[rank] : fullest, length);
      for (uint64_t index = 0; index < entries; ++index, position += tree.bits[rank]) {
        uint64_t place = reader.get(position, tree.bits[rank]);
        if (place < from || place >= length)
          return error(absl::StrCat("place ", place, " of a group is not in [", from, ", ", length, ")"));
        from = place + 1;
        if (absl::Status status = f(first + place, place == index); !status.ok())
          return status;
      }
    }
    return absl::OkStatus();
  }

  /// The next end of a UOP rank's fiber. Returns the entries between it and the last.
  absl::StatusOr<uint64_t> nextEntries(uint64_t largest) {
    uint64_t end = reader.get(position, tree.bits[rank]);
    position += tree.bits[rank];
    if (end < offset || end - offset > largest)
      return error(absl::StrCat("offset ", end, " after ", offset, ": expected at most ", largest, " entries more"));
    uint64_t entries = end - offset;
    offset = end;
    return entries;
  }

  absl::Status startOffsets() {
    offset = 0;
    uint64_t offsets = fibers.size() * tree.extent[rank] + (tree.local[rank] ? fibers.size() : 1);
    if (absl::Status status = need(offsets * tree.bits[rank]); !status.ok())
      return status;
    return tree.local[rank] ? absl::OkStatus() : firstOffset();
  }

  absl::Status firstOffset() {
    offset = 0;
    if (reader.get(position, tree.bits[rank]))
      return error("the first offset is not zero");
    position += tree.bits[rank];
    return absl::OkStatus();
  }

  absl::Status checkFull(const Fiber &fiber, uint64_t found) const {
    if (fiber.entries != kUnknown && fiber.entries != found)
      return error(absl::StrCat("a fiber has ", found, " entries where the offsets say ", fiber.entries));
    return absl::OkStatus();
  }

  absl::Status readRank() {
    std::vector<Fiber> children;
    uint64_t extent = tree.extent[rank], below = tree.below[rank];
    RankKind kind = tree.kind[rank];
    if (kind == RankKind::UOP)
      if (absl::Status status = startOffsets(); !status.ok())
        return status;
    RankKind next = tree.kind[rank + 1];
    // Such a fiber has so many entries or is not there.
    uint64_t fixed = next == RankKind::U || next == RankKind::UOP ? tree.extent[rank + 1]
                     : next == RankKind::NM                       ? tree.fixedEntries(rank + 1, 0)
                                                                  : 0;
    for (const Fiber &fiber : fibers) {
      switch (kind) {
      case RankKind::U:
      case RankKind::UOP: {
        if (absl::Status status = checkFull(fiber, extent); !status.ok())
          return status;
        if (tree.local[rank])
          if (absl::Status status = firstOffset(); !status.ok())
            return status;
        uint64_t before = offset;
        for (uint64_t i = 0; i < extent; ++i) {
          if (kind == RankKind::U) {
            children.push_back({fiber.base + i * below});
            continue;
          }
          absl::StatusOr<uint64_t> entries = nextEntries(tree.extent[rank + 1]);
          if (!entries.ok())
            return entries.status();
          if (fixed && *entries && *entries != fixed)
            return error(absl::StrCat("a fiber has ", *entries, " of its ", fixed, " entries"));
          if (*entries)
            children.push_back({fiber.base + i * below, *entries});
        }
        if (kind == RankKind::UOP && offset == before && (mustHold() || fiber.entries != kUnknown))
          return error("a fiber that is stored holds nothing");
        break;
      }
      case RankKind::B: {
        if (absl::Status status = need(extent); !status.ok())
          return status;
        uint64_t found = 0;
        for (uint64_t i = 0; i < extent; ++i) {
          if (!reader.get(position + i, 1))
            continue;
          ++found;
          children.push_back({fiber.base + i * below});
        }
        position += extent;
        if (absl::Status status = checkFull(fiber, found); !status.ok())
          return status;
        if (mustHold() && found == 0)
          return error("a fiber that is stored holds nothing");
        break;
      }
      case RankKind::CP:
      case RankKind::RLE: {
        absl::StatusOr<uint64_t> length = fiberLength(fiber);
        if (!length.ok())
          return length.status();
        uint64_t from = 0;
        for (uint64_t entry = 0; entry < *length; ++entry) {
          absl::StatusOr<uint64_t> field = nextRun();
          if (!field.ok())
            return field.status();
          if (tree.huffman[rank])
            ++runs[*field];
          uint64_t place = kind == RankKind::RLE ? from + *field : *field;
          if (place < from || place >= extent)
            return error(absl::StrCat("coordinate ", place, " is not in [", from, ", ", extent, ")"));
          children.push_back({fiber.base + place * below});
          from = place + 1;
        }
        break;
      }
      case RankKind::NM:
      case RankKind::ELL: {
        if (absl::Status status = checkFull(fiber, tree.fixedEntries(rank, fullest)); !status.ok())
          return status;
        absl::Status status = forEachStored([&](uint64_t place, bool) {
          children.push_back({fiber.base + place * below});
          return absl::OkStatus();
        });
        if (!status.ok())
          return status;
        break;
      }
      }
    }
    fibers = std::move(children);
    return align();
  }

  /// Finds how many values there are, and so where they start, then puts them in place.
  absl::Status readInnermost() {
    uint64_t extent = tree.extent[rank], start = position, count = 0;
    switch (tree.kind[rank]) {
    case RankKind::U:
      count = fibers.size() * extent;
      break;
    case RankKind::B:
      if (absl::Status status = need(fibers.size() * extent); !status.ok())
        return status;
      for (uint64_t left = fibers.size() * extent; left > 0;) {
        unsigned length = left < 64 ? static_cast<unsigned>(left) : 64;
        count += static_cast<uint64_t>(std::popcount(reader.get64(position) & lowBits(length)));
        position += length;
        left -= length;
      }
      break;
    case RankKind::CP:
    case RankKind::RLE:
      for (const Fiber &fiber : fibers) {
        absl::StatusOr<uint64_t> length = fiberLength(fiber);
        if (!length.ok())
          return length.status();
        count += *length;
        if (!tree.huffman[rank]) {
          position += *length * tree.bits[rank];
          continue;
        }
        for (uint64_t entry = 0; entry < *length; ++entry)
          if (absl::StatusOr<uint64_t> run = nextRun(); !run.ok())
            return run.status();
          else
            ++runs[*run];
      }
      break;
    case RankKind::UOP:
      if (absl::Status status = startOffsets(); !status.ok())
        return status;
      for (uint64_t i = 0; i < fibers.size() * extent; ++i) {
        if (tree.local[rank] && i % extent == 0) {
          count += offset;
          if (absl::Status status = firstOffset(); !status.ok())
            return status;
        }
        absl::StatusOr<uint64_t> entries = nextEntries(1);
        if (!entries.ok())
          return entries.status();
      }
      count += offset;
      break;
    case RankKind::NM:
    case RankKind::ELL: {
      uint64_t entries = tree.fixedEntries(rank, fullest);
      count = fibers.size() * entries;
      if (absl::Status status = need(count * tree.bits[rank]); !status.ok())
        return status;
      position += count * tree.bits[rank];
      break;
    }
    }
    if (absl::Status status = align(); !status.ok())
      return status;
    if (format.values != ValueCoding::Raw) {
      raw.resize(std::max<uint64_t>(1, count * sizeof(T)));
      if (absl::Status status =
              values::decode(format, sizeof(T), bytes.subspan(position / 8), count, raw.data());
          !status.ok())
        return error(status.message());
      in = raw.data();
    } else {
      if (position / 8 + count * sizeof(T) != bytes.size())
        return error(absl::StrCat("expected ", position / 8, " bytes of metadata and ", count, " values of ", sizeof(T),
                                  " bytes, but got ", bytes.size(), " bytes"));
      in = bytes.data() + position / 8;
    }
    position = start;
    for (const Fiber &fiber : fibers)
      if (absl::Status status = placeValues(fiber); !status.ok())
        return status;
    if (tree.kind[rank] == RankKind::ELL && fullest != fullestFound)
      return error(absl::StrCat("fibers have ", fullest, " entries, but the fullest has ", fullestFound, " nonzeros"));
    return absl::OkStatus();
  }

  T take() {
    T value = loadAs<T>(in);
    in += sizeof(T);
    return value;
  }

  absl::Status placeValues(const Fiber &fiber) {
    uint64_t extent = tree.extent[rank], found = 0;
    uint8_t *to = out + fiber.base * sizeof(T);
    unsigned bits = tree.bits[rank];
    bool zero = false; // A zero where only a nonzero value may be.
    switch (tree.kind[rank]) {
    case RankKind::U:
      std::memcpy(to, in, extent * sizeof(T));
      in += extent * sizeof(T);
      return checkFull(fiber, extent);
    case RankKind::B:
      for (uint64_t done = 0; done < extent; done += 64, to += 64 * sizeof(T)) {
        unsigned length = extent - done < 64 ? static_cast<unsigned>(extent - done) : 64;
        uint64_t word = reader.get64(position) & lowBits(length);
        position += length;
        found += static_cast<uint64_t>(std::popcount(word));
        for (; word; word &= word - 1) {
          T value = take();
          zero |= value == 0;
          storeAs<T>(to + static_cast<unsigned>(std::countr_zero(word)) * sizeof(T), value);
        }
      }
      break;
    case RankKind::CP: {
      found = tree.hasCount(rank) ? reader.get(position, tree.countBits[rank]) : fiber.entries;
      position += tree.hasCount(rank) ? tree.countBits[rank] : 0;
      uint64_t from = 0;
      for (uint64_t entry = 0; entry < found; ++entry, position += bits) {
        uint64_t place = reader.get(position, bits);
        if (place < from || place >= extent)
          return error(absl::StrCat("coordinate ", place, " is not in [", from, ", ", extent, ")"));
        T value = take();
        zero |= value == 0;
        storeAs<T>(to + place * sizeof(T), value);
        from = place + 1;
      }
      break;
    }
    case RankKind::RLE: {
      found = tree.hasCount(rank) ? reader.get(position, tree.countBits[rank]) : fiber.entries;
      position += tree.hasCount(rank) ? tree.countBits[rank] : 0;
      uint64_t from = 0, largest = lowBits(bits);
      T value = 1;
      for (uint64_t entry = 0; entry < found; ++entry) {
        uint64_t field = reader.get(position, bits);
        if (tree.huffman[rank])
          field = *nextRun(); // The first pass has read it, too.
        else
          position += bits;
        uint64_t place = from + field;
        if (place >= extent)
          return error(
              absl::StrCat("a run of ", field, " zeros after place ", from, " leaves the ", extent, " places"));
        value = take();
        zero |= value == 0 && field != largest;
        storeAs<T>(to + place * sizeof(T), value);
        from = place + 1;
      }
      zero |= value == 0; // Nothing may follow the last nonzero value.
      break;
    }
    case RankKind::UOP: {
      if (tree.local[rank] || &fiber == fibers.data()) { // The values' pass begins behind the first offset.
        offset = 0;
        position += bits;
      }
      uint64_t before = offset;
      for (uint64_t i = 0; i < extent; ++i, position += bits) {
        uint64_t end = reader.get(position, bits);
        if (end == offset)
          continue;
        offset = end;
        T value = take();
        zero |= value == 0;
        storeAs<T>(to + i * sizeof(T), value);
      }
      found = extent;
      if (offset == before && (mustHold() || fiber.entries != kUnknown))
        return error("a fiber that is stored holds nothing");
      break;
    }
    case RankKind::NM:
    case RankKind::ELL: {
      absl::Status status = forEachStored([&](uint64_t place, bool first) {
        T value = take();
        found += value != 0;
        // Places that hold no nonzero are the first ones that do not.
        zero |= value == 0 && !first;
        storeAs<T>(to + place * sizeof(T), value);
        return absl::OkStatus();
      });
      if (!status.ok())
        return status;
      if (zero)
        return error("an empty place is stored that is not the first in its group");
      if (found == 0 && (mustHold() || fiber.entries != kUnknown))
        return error("a fiber that is stored holds nothing");
      fullestFound = std::max(fullestFound, found);
      return checkFull(fiber, tree.fixedEntries(rank, fullest));
    }
    }
    if (zero)
      return error("a value that is stored is zero");
    if (mustHold() && found == 0)
      return error("a fiber that is stored holds nothing");
    return checkFull(fiber, found);
  }

  /// Whether something that encode() would never write may have got this far: fibers of a U rank that should be absent,
  /// and entries of an RLE, NM or ELL rank whose fibers should be empty or should not.
  bool needsComparison() const {
    bool below = false;
    for (size_t i = 0; i < tree.ranks(); ++i) {
      bool stores = tree.kind[i] == RankKind::RLE || tree.kind[i] == RankKind::NM || tree.kind[i] == RankKind::ELL;
      if ((tree.kind[i] == RankKind::U && below) || (stores && !tree.innermost(i)))
        return true;
      below |= tree.kind[i] != RankKind::U;
    }
    return false;
  }

  absl::Status compare() {
    std::vector<uint8_t> again;
    again.reserve(bytes.size());
    streams::encode(format, {out, sizeof(T), shape}, again);
    rank = 0;
    return absl::Span<const uint8_t>(again) == bytes ? absl::OkStatus()
                                                     : error("these bytes are not what encoding their values gives");
  }

  const Tree &tree;
  const Format &format;
  BitReader reader;
  absl::Span<const uint8_t> bytes;
  absl::Span<const uint32_t> shape;
  uint8_t *out;
  const uint8_t *in = nullptr;
  std::vector<uint8_t> raw; ///< Values that were coded.
  uint64_t fullest = 0, fullestFound = 0; ///< Of an ELL rank.
  HuffmanDecoder codes;
  Histogram runs;
  size_t rank = 0;
  uint64_t position = 0; ///< In bits.
  uint64_t offset = 0;   ///< The last end that a UOP rank gave.
  std::vector<Fiber> fibers;
};

} // namespace

absl::Status decode(const Format &format, absl::Span<const uint8_t> bytes, unsigned elementBytes,
                    absl::Span<const uint32_t> shape, void *out) {
  Tree tree(format, elementBytes, shape);
  switch (elementBytes) {
  case 1:
    return Decoder<uint8_t>(tree, format, bytes, shape, out).run();
  case 2:
    return Decoder<uint16_t>(tree, format, bytes, shape, out).run();
  case 4:
    return Decoder<uint32_t>(tree, format, bytes, shape, out).run();
  case 8:
    return Decoder<uint64_t>(tree, format, bytes, shape, out).run();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("cannot decode elements of ", elementBytes, " bytes; expected 1, 2, 4 or 8"));
}

} // namespace sparseaccel::formats::streams
