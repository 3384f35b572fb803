//===- PackedCodecs.cpp - Eyeriss's run-length words and Cnvlutin's bricks --===//

#include "BitStream.h"
#include "Codec.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace sparseaccel::formats {

//===----------------------------------------------------------------------===//
// Eyeriss (Chen et al., JSSC 2017, section V-B): a word of 64 bits holds pairs of (zeros before, value), the first pair
// in the lowest bits, and in its top bit whether it is the last word. More zeros than a run can say store a zero value
// with the largest run. Zeros behind the last nonzero are not stored. Pairs that the last word does not need are all
// zero, which no other pair is.
//===----------------------------------------------------------------------===//

namespace rlc {

namespace {
struct Layout {
  unsigned runBits, valueBits, pairs;
  constexpr unsigned pairBits() const { return runBits + valueBits; }
};
constexpr uint64_t kEnd = uint64_t{1} << 63;
constexpr Layout layout(unsigned elementBytes) { return elementBytes == 1 ? Layout{4, 8, 5} : Layout{5, 16, 3}; }

Size sizeOfPairs(unsigned elementBytes, uint64_t pairs) {
  Layout l = layout(elementBytes);
  uint64_t words = std::max<uint64_t>(1, (pairs + l.pairs - 1) / l.pairs);
  return {pairs * l.valueBits, words * 64 - pairs * l.valueBits};
}

template <typename T>
void encodePairs(const NonzeroMask &mask, const uint8_t *data, uint64_t elements, uint8_t *to, uint64_t words) {
  constexpr Layout l = layout(sizeof(T));
  constexpr uint64_t kLargest = (1u << l.runBits) - 1;
  uint8_t *const last = to + (words - 1) * 8;
  uint64_t word = 0, next = 0;
  unsigned used = 0;
  auto put = [&](uint64_t run, uint64_t value) {
    word |= (run | value << l.runBits) << used;
    used += l.pairBits();
    if (used == l.pairs * l.pairBits()) {
      storeAs<uint64_t>(to, to == last ? word | kEnd : word);
      to += 8;
      word = used = 0;
    }
  };
  mask.forEach(0, elements, [&](uint64_t i) {
    for (; i - next > kLargest; next += kLargest + 1)
      put(kLargest, 0);
    put(i - next, loadAs<T>(data + i * sizeof(T)));
    next = i + 1;
  });
  if (to <= last)
    storeAs<uint64_t>(to, word | kEnd);
}

absl::Status corrupt(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("corrupt granule in format eyeriss-rlc: ", what));
}

template <typename T>
absl::Status decodePairs(absl::Span<const uint8_t> bytes, uint64_t elements, uint8_t *out) {
  constexpr Layout l = layout(sizeof(T));
  constexpr uint64_t kLargest = (1u << l.runBits) - 1, kPair = (uint64_t{1} << l.pairBits()) - 1;
  std::memset(out, 0, elements * sizeof(T));
  uint64_t words = bytes.size() / 8, next = 0;
  T value = 1;
  for (uint64_t i = 0; i < words; ++i) {
    uint64_t word = loadAs<uint64_t>(bytes.data() + i * 8);
    bool last = i + 1 == words;
    if (bool(word & kEnd) != last)
      return corrupt(last ? "the last word has no end bit" : absl::StrCat("end bit in word ", i, " of ", words));
    word &= ~kEnd;
    for (unsigned pair = 0; pair < l.pairs; ++pair, word >>= l.pairBits()) {
      uint64_t run = word & kLargest;
      value = static_cast<T>((word & kPair) >> l.runBits);
      if (value == 0 && run != kLargest) {
        // Unused pairs: the rest of the last word must be zero, and the first pair only where nothing is stored at all.
        if (word != 0 || !last || (pair == 0 && words > 1))
          return corrupt(absl::StrCat("zero value after a run of ", run, " in word ", i));
        return absl::OkStatus();
      }
      next += run;
      if (next >= elements)
        return corrupt(absl::StrCat("place ", next, " in word ", i, " exceeds the ", elements, " places"));
      storeAs<T>(out + next * sizeof(T), value);
      ++next;
      // A padding pair must have a pair behind it, in this word or the next.
      bool more = pair + 1 < l.pairs ? (word >> l.pairBits()) != 0 : !last;
      if (value == 0 && !more)
        return corrupt("zeros behind the last nonzero value");
    }
    if (word != 0)
      return corrupt(absl::StrCat("unused bits of word ", i, " are not zero"));
  }
  return absl::OkStatus();
}
} // namespace

Size sizeOf(const DenseView &values) {
  uint64_t elements = elementsOf(values.shape);
  NonzeroMask mask(values.data, values.elementBytes, elements);
  return sizeOfPairs(values.elementBytes, mask.runEntries(0, elements, layout(values.elementBytes).runBits));
}

Size worstCase(unsigned elementBytes, absl::Span<const uint32_t> shape) {
  return sizeOfPairs(elementBytes, elementsOf(shape));
}

Size encode(const DenseView &values, std::vector<uint8_t> &out) {
  uint64_t elements = elementsOf(values.shape);
  NonzeroMask mask(values.data, values.elementBytes, elements);
  Size size = sizeOfPairs(values.elementBytes, mask.runEntries(0, elements, layout(values.elementBytes).runBits));
  size_t start = out.size();
  out.resize(start + size.bytes());
  const uint8_t *data = static_cast<const uint8_t *>(values.data);
  if (values.elementBytes == 1)
    encodePairs<uint8_t>(mask, data, elements, out.data() + start, size.bytes() / 8);
  else
    encodePairs<uint16_t>(mask, data, elements, out.data() + start, size.bytes() / 8);
  return size;
}

absl::Status decode(absl::Span<const uint8_t> bytes, unsigned elementBytes, absl::Span<const uint32_t> shape,
                    void *out) {
  if (bytes.empty() || bytes.size() % 8)
    return corrupt(absl::StrCat("expected a positive multiple of 8 bytes, but got ", bytes.size()));
  if (elementBytes == 1)
    return decodePairs<uint8_t>(bytes, elementsOf(shape), static_cast<uint8_t *>(out));
  return decodePairs<uint16_t>(bytes, elementsOf(shape), static_cast<uint8_t *>(out));
}

double expectedBits(unsigned elementBytes, absl::Span<const uint32_t> shape, double density) {
  Layout l = layout(elementBytes);
  uint64_t elements = elementsOf(shape);
  double pairs = static_cast<double>(elements) * density + expectedRunPadding(elements, l.runBits, density);
  if (density <= 0 || density >= 1)
    return static_cast<double>(sizeOfPairs(elementBytes, static_cast<uint64_t>(pairs)).bits());
  // On average the last word lacks (pairs - 1) / 2 of its pairs.
  return 64 * std::max(1.0, (pairs + (l.pairs - 1) / 2.0) / l.pairs);
}

uint64_t at(absl::Span<const uint8_t> bytes, unsigned elementBytes, uint64_t element, AccessCost &cost) {
  Layout l = layout(elementBytes);
  uint64_t next = 0, value = 0;
  for (uint64_t word = 0; word < bytes.size() / 8 && next <= element; ++word) {
    uint64_t content = loadAs<uint64_t>(bytes.data() + word * 8) & ~kEnd;
    unsigned pairs = 0;
    for (; pairs < l.pairs && content; ++pairs, content >>= l.pairBits()) {
      next += content & lowBits(l.runBits);
      if (next == element)
        value = content >> l.runBits & lowBits(l.valueBits);
      ++next;
    }
    cost.dataBits += pairs * l.valueBits;
    cost.metadataBits += 64 - pairs * l.valueBits;
  }
  return value;
}

} // namespace rlc

//===----------------------------------------------------------------------===//
// ZFNAf (Albericio et al., ISCA 2016, section IV-B): the innermost rank is cut into bricks of 16. A brick holds its
// nonzero values in order, then zeros, 16 in all, and with each value its place in the brick. 8 bytes of places (0
// where unused) come before the brick's values. A brick never shrinks, so that it can be addressed.
//===----------------------------------------------------------------------===//

namespace zfnaf {

namespace {
constexpr unsigned kBrick = 16;

struct Bricks {
  uint64_t fibers, perFiber, inner;
  explicit Bricks(absl::Span<const uint32_t> shape) {
    inner = shape.empty() ? 1 : shape.back();
    fibers = shape.empty() ? 1 : elementsOf(shape.subspan(0, shape.size() - 1));
    perFiber = (inner + kBrick - 1) / kBrick;
  }
  uint64_t count() const { return fibers * perFiber; }
};

/// Calls `f(first element, elements)` for each brick in order, until it returns false.
template <typename F>
bool forEachBrick(const Bricks &bricks, F &&f) {
  for (uint64_t fiber = 0; fiber < bricks.fibers; ++fiber)
    for (uint64_t place = 0; place < bricks.inner; place += kBrick)
      if (!f(fiber * bricks.inner + place, static_cast<unsigned>(std::min<uint64_t>(kBrick, bricks.inner - place))))
        return false;
  return true;
}

template <typename T>
void encodeBricks(const NonzeroMask &mask, const uint8_t *data, const Bricks &bricks, uint8_t *to) {
  forEachBrick(bricks, [&](uint64_t first, unsigned length) {
    uint64_t places = 0;
    unsigned slot = 0;
    uint8_t *values = to + 8;
    for (uint64_t bits = mask.chunk(first) & lowBits(length); bits; bits &= bits - 1, ++slot) {
      unsigned place = static_cast<unsigned>(std::countr_zero(bits));
      places |= uint64_t{place} << (slot * 4);
      storeAs<T>(values + slot * sizeof(T), loadAs<T>(data + (first + place) * sizeof(T)));
    }
    storeAs<uint64_t>(to, places);
    to = values + kBrick * sizeof(T);
    return true;
  });
}

template <typename T>
absl::Status decodeBricks(const uint8_t *in, const Bricks &bricks, uint8_t *out) {
  std::memset(out, 0, bricks.fibers * bricks.inner * sizeof(T));
  uint64_t number = 0;
  absl::string_view what;
  bool good = forEachBrick(bricks, [&](uint64_t first, unsigned length) {
    uint64_t places = loadAs<uint64_t>(in);
    const uint8_t *values = in + 8;
    unsigned slot = 0, from = 0;
    for (; slot < kBrick; ++slot, places >>= 4) {
      T value = loadAs<T>(values + slot * sizeof(T));
      if (value == 0)
        break;
      unsigned place = places & 15;
      if (place < from || place >= length) {
        what = "the places do not rise within the brick";
        return false;
      }
      storeAs<T>(out + (first + place) * sizeof(T), value);
      from = place + 1;
    }
    if (slot < kBrick) {
      T rest = 0;
      for (unsigned i = slot; i < kBrick; ++i)
        rest |= loadAs<T>(values + i * sizeof(T));
      if (rest || places) {
        what = "something follows the first unused slot";
        return false;
      }
    }
    in = values + kBrick * sizeof(T);
    ++number;
    return true;
  });
  if (!good)
    return absl::DataLossError(absl::StrCat("corrupt granule in format zfnaf, brick ", number, ": ", what));
  return absl::OkStatus();
}
} // namespace

Size sizeOf(unsigned elementBytes, absl::Span<const uint32_t> shape) {
  uint64_t slots = Bricks(shape).count() * kBrick;
  return {slots * elementBytes * 8, slots * 4};
}

Size encode(const DenseView &values, std::vector<uint8_t> &out) {
  Size size = sizeOf(values.elementBytes, values.shape);
  NonzeroMask mask(values.data, values.elementBytes, elementsOf(values.shape));
  size_t start = out.size();
  out.resize(start + size.bytes());
  const uint8_t *data = static_cast<const uint8_t *>(values.data);
  if (values.elementBytes == 1)
    encodeBricks<uint8_t>(mask, data, Bricks(values.shape), out.data() + start);
  else
    encodeBricks<uint16_t>(mask, data, Bricks(values.shape), out.data() + start);
  return size;
}

absl::Status decode(absl::Span<const uint8_t> bytes, unsigned elementBytes, absl::Span<const uint32_t> shape,
                    void *out) {
  uint64_t expected = sizeOf(elementBytes, shape).bytes();
  if (bytes.size() != expected)
    return absl::DataLossError(
        absl::StrCat("corrupt granule in format zfnaf: expected ", expected, " bytes, but got ", bytes.size()));
  if (elementBytes == 1)
    return decodeBricks<uint8_t>(bytes.data(), Bricks(shape), static_cast<uint8_t *>(out));
  return decodeBricks<uint16_t>(bytes.data(), Bricks(shape), static_cast<uint8_t *>(out));
}

uint64_t at(absl::Span<const uint8_t> bytes, unsigned elementBytes, absl::Span<const uint32_t> shape, uint64_t element,
            AccessCost &cost) {
  Bricks bricks(shape);
  uint64_t place = element % bricks.inner, brick = element / bricks.inner * bricks.perFiber + place / kBrick;
  const uint8_t *in = bytes.data() + brick * (kBrick * elementBytes + 8);
  uint64_t places = loadAs<uint64_t>(in);
  for (unsigned slot = 0; slot < kBrick; ++slot, places >>= 4) {
    uint64_t value = 0;
    std::memcpy(&value, in + 8 + slot * elementBytes, elementBytes);
    cost.metadataBits += 4;
    cost.dataBits += elementBytes * 8;
    if (value == 0 || (places & 15) > place % kBrick)
      return 0;
    if ((places & 15) == place % kBrick)
      return value;
  }
  return 0;
}

} // namespace zfnaf

} // namespace sparseaccel::formats
