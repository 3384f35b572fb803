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
                                            "[U, RLE:1, UOP, B]"};

class Codec : public testing::TestWithParam<const char *> {
protected:
  Format format() const { return *parseFormat(GetParam()); }

  /// A box of up to four ranks with zeros that are independent, or that come in whole fibers.
  template <typename T>
  void randomBox(std::mt19937 &rng, std::vector<uint32_t> &shape, std::vector<T> &values) {
    shape.resize(rng() % 5);
    uint64_t count = 1;
    for (uint32_t &extent : shape)
      count *= extent = 1 + rng() % (rng() % 3 ? 7 : 40);
    if (count > 3000) {
      shape.resize(1);
      count = shape[0];
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

TEST_P(Codec, AllNonzeroIsTheWorstCase) {
  std::vector<uint16_t> values(5 * 6 * 37, 3);
  std::vector<uint32_t> shape = {5, 6, 37};
  EXPECT_EQ(sizeOf(format(), {values.data(), 2, shape}).bits(), worstCase(format(), 2, shape).bits());
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
  encode(format(), {values.data(), 1, shape}, out);
  for (size_t length = 0; length < out.size(); ++length)
    EXPECT_FALSE(decode(format(), absl::MakeSpan(out).subspan(0, length), 1, shape, back.data()).ok()) << length;
  for (uint8_t extra : {0, 1, 255}) {
    out.push_back(extra);
    EXPECT_FALSE(decode(format(), out, 1, shape, back.data()).ok());
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Codec, testing::ValuesIn(kFormats),
                         [](const testing::TestParamInfo<const char *> &info) {
                           std::string name;
                           for (const char *c = info.param; *c; ++c)
                             if (isalnum(*c))
                               name += *c;
                             else if (*c != ' ' && !name.empty() && *c != ']')
                               name += '_';
                           return name;
                         });

} // namespace
