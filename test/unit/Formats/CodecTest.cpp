//===- CodecTest.cpp - Properties that every format must have ---------------===//

#include "SparseAccel/Target/Formats/Format.h"

#include <gtest/gtest.h>

#include <random>

using namespace sparseaccel::formats;

namespace {

const std::vector<const char *> kFormats = {"dense",
                                            "bitmask",
                                            "rle",
                                            "csr",
                                            "eyeriss-rlc",
                                            "zfnaf",
                                            "[U]",
                                            "[CP]",
                                            "[UOP]",
                                            "[RLE:1]",
                                            "[RLE]",
                                            "[CP:12]",
                                            "[B, B]",
                                            "[U, B]",
                                            "[B, U]",
                                            "[UOP, U]",
                                            "[UOP, B]",
                                            "[UOP, RLE:2]",
                                            "[UOP, UOP]",
                                            "[CP, CP]",
                                            "[RLE:1, U]",
                                            "[RLE:1, RLE:2]",
                                            "[CP, UOP]",
                                            "[B, UOP, U]",
                                            "[U, CP, UOP]",
                                            "[UOP, CP, B]",
                                            "[UOP, UOP, CP]",
                                            "[B, B, B, B]",
                                            "[RLE:1, B, RLE:1, CP]",
                                            "[U, RLE:1, UOP, B]",
                                            "coo",
                                            "csc",
                                            "bcsr(2)",
                                            "bcsr(5)",
                                            "ell",
                                            "eie-csc(4)",
                                            "eie-csc(64)",
                                            "eyeriss-v2-csc",
                                            "deep-compression(3)",
                                            "deep-compression(8)",
                                            "[ELL]",
                                            "[UOP, ELL]",
                                            "[B, ELL]",
                                            "[ELL, CP]",
                                            "[ELL, U, B]",
                                            "[UOP, ELL, UOP, CP]",
                                            "[U, UOP local, CP]",
                                            "[B, UOP local, UOP local]",
                                            "[CP, UOP:3 local, U]",
                                            "[U, RLE:2 huffman]",
                                            "[RLE:2 huffman, CP]",
                                            "[CP, RLE:4 huffman, RLE:1 huffman] + shared",
                                            "[B@2, CP@0, U@1]",
                                            "[U@1%3, UOP@0/2, CP@1/3, RLE:2@0%2]",
                                            "[B@1, B@0/4, B@0%4]",
                                            "dense + shared",
                                            "dense + huffman",
                                            "dense + delta(0)",
                                            "bitmask + huffman",
                                            "csr + shared",
                                            "csc + delta(0) + huffman",
                                            "rle + delta(1)",
                                            "zfnaf + delta(0)",
                                            "eyeriss-rlc + delta(0)"};

// Formats that hold only some tensors; the box is thinned to what they hold.
const std::vector<const char *> kRestricted = {"nm(2:4)",        "nm(1:8)",         "nm(3:100)",
                                               "[2:4]",          "[UOP, 1:2]",      "[B, 2:4]",
                                               "[1:2, U]",       "[2:5, 1:3]",      "[UOP, 2:4, CP]",
                                               "[U@1, 2:4@0]",   "nm(2:4) + huffman", "csr + shared(3)",
                                               "eie-csc(4) + shared(4)", "dense + shared(1)"};

class Codec : public testing::TestWithParam<const char *> {
protected:
  Format format() const {
    absl::StatusOr<Format> format = parseFormat(GetParam());
    EXPECT_TRUE(format.ok()) << format.status();
    return format.ok() ? *format : Format{};
  }

  /// Zeroes values until the format holds the box.
  template <typename T>
  void thin(std::mt19937 &rng, const std::vector<uint32_t> &shape, std::vector<T> &values) {
    if (format().restrictsValues() && format().values == ValueCoding::Shared)
      for (T &value : values)
        value = value ? static_cast<T>(value & 1) : T(0);
    while (!checkValues(format(), {values.data(), sizeof(T), shape}).ok())
      for (T &value : values)
        if (rng() % 4 == 0)
          value = 0;
  }

  /// A box of up to four ranks with zeros that are independent, or that come in whole fibers.
  template <typename T>
  void randomBox(std::mt19937 &rng, std::vector<uint32_t> &shape, std::vector<T> &values) {
    // A format with differences needs their dimension.
    unsigned least = static_cast<unsigned>(format().deltaDimension + 1);
    shape.resize(least + rng() % (5 - least));
    uint64_t count = 1;
    for (uint32_t &extent : shape)
      count *= extent = 1 + rng() % (rng() % 3 ? 7 : 40);
    if (count > 3000) {
      shape.resize(std::max(1u, least));
      count = 1;
      for (uint32_t extent : shape)
        count *= extent;
    }
    values.assign(count, 0);
    static constexpr double kDensities[] = {0, 0.01, 0.1, 0.5, 0.9, 1};
    std::bernoulli_distribution nonzero(kDensities[rng() % 6]);
    bool fibers = rng() % 2, keep = true;
    for (size_t i = 0; i < values.size(); ++i) {
      if (fibers && i % (shape.empty() ? 1 : shape.back()) == 0)
        keep = rng() % 2;
      if (keep && nonzero(rng))
        values[i] = static_cast<T>(rng() % 5 == 0 ? T(1) << (8 * sizeof(T) - 1) : rng() | 1);
    }
    thin(rng, shape, values);
  }

  template <typename T>
  void roundTrip(unsigned seed) {
    std::mt19937 rng(seed);
    for (int trial = 0; trial < 150; ++trial) {
      std::vector<uint32_t> shape;
      std::vector<T> values;
      randomBox(rng, shape, values);
      DenseView view{values.data(), sizeof(T), shape};
      std::vector<uint8_t> out = {0xaa}; // encode() appends.
      Size written = encode(format(), view, out), size = sizeOf(format(), view),
           worst = worstCase(format(), sizeof(T), shape);
      ASSERT_EQ(out[0], 0xaa);
      out.erase(out.begin());
      ASSERT_EQ(written.bytes(), out.size());
      ASSERT_EQ(size.dataBits, written.dataBits);
      ASSERT_EQ(size.metadataBits, written.metadataBits);
      ASSERT_LE(size.dataBits, worst.dataBits);
      ASSERT_LE(size.bits(), worst.bits());
      std::vector<T> back(values.size(), T(0x55));
      absl::Status status = decode(format(), out, sizeof(T), shape, back.data());
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_EQ(back, values);
    }
  }

  /// Whatever decode() accepts must be exactly what its values encode to; `accepted` counts that.
  template <typename T>
  void expectRejectedOrCanonical(const std::vector<uint8_t> &bytes, const std::vector<uint32_t> &shape, size_t count,
                                 int &accepted) {
    std::vector<T> back(count);
    // Exactly sized, so that a sanitizer sees any byte read behind the end.
    std::vector<uint8_t> exact(bytes);
    exact.shrink_to_fit();
    if (!decode(format(), exact, sizeof(T), shape, back.data()).ok())
      return;
    ++accepted;
    std::vector<uint8_t> again;
    encode(format(), {back.data(), sizeof(T), shape}, again);
    ASSERT_EQ(again, bytes);
  }
};

TEST_P(Codec, RoundTripBytes) { roundTrip<uint8_t>(1); }
TEST_P(Codec, RoundTripHalves) { roundTrip<uint16_t>(2); }

// What a format stores in tables depends on the values and not only on where they are zero.
TEST_P(Codec, AllNonzeroIsTheWorstCase) {
  Format f = format();
  bool coded = f.values != ValueCoding::Raw || f.deltaDimension >= 0 || f.restrictsValues();
  for (const RankFormat &rank : f.ranks)
    coded |= rank.huffman;
  std::vector<uint16_t> values(5 * 6 * 37, 3);
  std::vector<uint32_t> shape = {5, 6, 37};
  std::mt19937 rng(1);
  thin(rng, shape, values);
  uint64_t bits = sizeOf(f, {values.data(), 2, shape}).bits(), worst = worstCase(f, 2, shape).bits();
  EXPECT_LE(bits, worst);
  bool padded = false; // Places behind the end of a dimension hold zeros.
  for (const RankFormat &rank : f.ranks)
    padded |= rank.split != Split::Whole;
  if (!coded && !padded) {
    EXPECT_EQ(bits, worst);
  }
}

TEST_P(Codec, CorruptBytesAreRejectedOrCanonical) {
  std::mt19937 rng(5);
  int accepted = 0;
  for (int trial = 0; trial < 250; ++trial) {
    std::vector<uint32_t> shape;
    std::vector<uint8_t> values, out;
    randomBox(rng, shape, values);
    encode(format(), {values.data(), 1, shape}, out);
    for (int change = 0; change < 6; ++change) {
      std::vector<uint8_t> bad = out;
      switch (rng() % 4) {
      case 0:
        bad.resize(rng() % (bad.size() + 1));
        break;
      case 1:
        bad.push_back(static_cast<uint8_t>(rng()));
        break;
      case 2:
        if (!bad.empty())
          bad[rng() % bad.size()] ^= static_cast<uint8_t>(1u << rng() % 8);
        break;
      case 3:
        for (uint8_t &byte : bad)
          byte = static_cast<uint8_t>(rng());
        break;
      }
      expectRejectedOrCanonical<uint8_t>(bad, shape, values.size(), accepted);
      if (HasFatalFailure())
        return;
    }
  }
}

TEST_P(Codec, TruncatedOrExtendedIsRejected) {
  std::vector<uint8_t> values(64, 0), out, back(64);
  for (size_t i = 0; i < values.size(); i += 3)
    values[i] = static_cast<uint8_t>(i + 1);
  std::vector<uint32_t> shape = {4, 16};
  std::mt19937 rng(1);
  thin(rng, shape, values);
  encode(format(), {values.data(), 1, shape}, out);
  for (size_t length = 0; length < out.size(); ++length)
    EXPECT_FALSE(decode(format(), absl::MakeSpan(out).subspan(0, length), 1, shape, back.data()).ok()) << length;
  for (uint8_t extra : {0, 1, 255}) {
    out.push_back(extra);
    EXPECT_FALSE(decode(format(), out, 1, shape, back.data()).ok());
  }
}

std::string testName(const testing::TestParamInfo<const char *> &info) {
  std::string name;
  for (const char *c = info.param; *c; ++c)
    if (isalnum(*c))
      name += *c;
    else if (*c != ' ' && *c != ']')
      name += *c == '@' ? "at" : *c == '/' ? "div" : *c == '%' ? "mod" : *c == '+' ? "plus" : "_";
  return name;
}
INSTANTIATE_TEST_SUITE_P(Formats, Codec, testing::ValuesIn(kFormats), testName);
INSTANTIATE_TEST_SUITE_P(Restricted, Codec, testing::ValuesIn(kRestricted), testName);

} // namespace
