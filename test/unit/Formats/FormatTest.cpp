//===- FormatTest.cpp - Names, layouts by hand and published sizes ----------===//

#include "SparseAccel/Target/Formats/Format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace sparseaccel::formats;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

Format named(const char *text) {
  auto format = parseFormat(text);
  EXPECT_TRUE(format.ok()) << format.status();
  return format.ok() ? *format : Format{};
}

template <typename T>
std::vector<uint8_t> encoded(const char *format, const std::vector<T> &values, std::vector<uint32_t> shape,
                             Size *size = nullptr) {
  std::vector<uint8_t> out;
  Size written = encode(named(format), {values.data(), sizeof(T), shape}, out);
  if (size)
    *size = written;
  return out;
}

TEST(FormatName, PresetsRoundTrip) {
  for (const Preset &preset : listPresets()) {
    EXPECT_EQ(toString(named(preset.example.c_str())), preset.example);
    EXPECT_FALSE(preset.description.empty());
    if (!preset.ranks.empty()) {
      EXPECT_EQ(named(preset.ranks.c_str()), named(preset.example.c_str())) << preset.ranks;
    }
  }
  EXPECT_EQ(listPresets().size(), 14u);
}

TEST(FormatName, RanksRoundTrip) {
  EXPECT_EQ(toString(named("[ UOP:12 , CP:8,RLE:3 ]")), "[UOP:12, CP:8, RLE:3]");
  EXPECT_EQ(toString(named("[B]")), "bitmask");
  EXPECT_EQ(named("[UOP, CP]"), named("csr"));
  EXPECT_EQ(toString(named("[U, B]")), "[U, B]");
  EXPECT_EQ(toString(named("[CP]")), "coo");
  EXPECT_EQ(named("[UOP@0, CP@1]"), named("csr"));
  EXPECT_EQ(toString(named("[UOP@1,CP@0]")), "csc");
  EXPECT_EQ(toString(named("[U@0 % 16, UOP:16@1 local, RLE:4 @0/16]")), "eie-csc(16)");
  EXPECT_EQ(toString(named("[U, 1:8]")), "nm(1:8)");
  EXPECT_EQ(toString(named("[B@0, 2:4@2, U@1/8, U@1%8]")), "[B@0, 2:4@2, U@1/8, U@1%8]");
  EXPECT_EQ(toString(named("csr + huffman + delta(1)")), "csr + delta(1) + huffman");
  EXPECT_EQ(toString(named("dense + shared(4)")), "[U] + shared(4)");
  EXPECT_EQ(toString(named("deep-compression(5) + delta(0)")), "deep-compression(5) + delta(0)");
  EXPECT_EQ(toString(named("[UOP, RLE:5 huffman]")), "[UOP, RLE:5 huffman]");
  EXPECT_EQ(toString(named("[UOP, RLE:5 huffman] + huffman")), "deep-compression(5)");
  EXPECT_EQ(toString(named("eyeriss-rlc + delta(2)")), "eyeriss-rlc + delta(2)");
}

TEST(FormatName, Diagnostics) {
  auto message = [](const char *text) { return std::string(parseFormat(text).status().message()); };
  EXPECT_THAT(message("bitmsk"), HasSubstr("unknown format 'bitmsk'; did you mean 'bitmask'?"));
  EXPECT_THAT(message("[CP"), HasSubstr("expected ']' at the end of the ranks, but got the end"));
  EXPECT_THAT(message("[CP, X]"), HasSubstr("unknown rank format 'X'; expected U, B, CP, RLE, UOP, ELL or n:m"));
  EXPECT_THAT(message("[B:3]"), HasSubstr("rank format 'B' takes no width"));
  EXPECT_THAT(message("[CP:0]"), HasSubstr("expected a width in bits from 1 to 32, but got '0'"));
  EXPECT_THAT(message("[CP:33]"), HasSubstr("but got '33'"));
  EXPECT_THAT(message("[]"), HasSubstr("unknown rank format ']'"));
  EXPECT_THAT(message("csr huffman"), HasSubstr("expected '+' and a value format or the end, but got 'huffman'"));
  EXPECT_THAT(message("csr(2)"), HasSubstr("format 'csr' takes no parameters"));
  EXPECT_THAT(message("nm"), HasSubstr("format 'nm' takes 2 parameters, as in 'nm(2:4)'"));
  EXPECT_THAT(message("nm(2,4)"), HasSubstr("expected ':' between parameters, as in 'nm(2:4)', but got ',4)'"));
  EXPECT_THAT(message("nm(4:4)"), HasSubstr("a group of 4 places cannot have 4 entries"));
  EXPECT_THAT(message("bcsr(1)"), HasSubstr("expected width from 2 to 65536, but got '1'"));
  EXPECT_THAT(message("[UOP@0, CP]"), HasSubstr("either every rank names its dimension"));
  EXPECT_THAT(message("[UOP@1, CP@1]"), HasSubstr("no rank lies over dimension 0"));
  EXPECT_THAT(message("[UOP@0, CP@0]"), HasSubstr("dimension 0 is not there exactly once"));
  EXPECT_THAT(message("[U@0/4, CP@0%2]"), HasSubstr("dimension 0 is divided by 4 but its remainder is by 2"));
  EXPECT_THAT(message("[RLE huffman]"), HasSubstr("'huffman' codes the runs of RLE, whose width must be given"));
  EXPECT_THAT(message("[CP:8 huffman]"), HasSubstr("'huffman' codes the runs of RLE"));
  EXPECT_THAT(message("[CP local]"), HasSubstr("only UOP has offsets"));
  EXPECT_THAT(message("[CP sorted]"), HasSubstr("unknown property 'sorted' of a rank"));
  EXPECT_THAT(message("csr + zip"), HasSubstr("unknown value format 'zip'"));
  EXPECT_THAT(message("csr + shared(17)"), HasSubstr("expected the width of an index from 1 to 16, but got '17'"));
  EXPECT_THAT(message("csr + shared + huffman"), HasSubstr("only one of 'shared' and 'huffman'"));
  EXPECT_THAT(message("zfnaf + huffman"), HasSubstr("have a fixed layout"));
  EXPECT_THAT(message("csr + delta"), HasSubstr("delta takes the dimension"));
}

TEST(FormatCheck, Diagnostics) {
  auto message = [](const Format &format, unsigned bytes, std::vector<uint32_t> shape) {
    return std::string(checkFormat(format, bytes, shape).message());
  };
  EXPECT_EQ(message(named("csr"), 2, {3, 4}), "");
  EXPECT_THAT(message(named("csr"), 3, {3}), HasSubstr("elements have 1, 2, 4 or 8 bytes, but got 3"));
  EXPECT_THAT(message(named("csr"), 1, {3, 0}), HasSubstr("an extent of 0"));
  EXPECT_THAT(message(named("csr"), 1, {1u << 31, 1u << 31, 1u << 31}), HasSubstr("more than"));
  EXPECT_THAT(message(named("zfnaf"), 4, {16}), HasSubstr("takes elements of 1 or 2 bytes, but got 4"));
  EXPECT_THAT(message(Format{{{RankKind::B, 0}}, Packing::EyerissRlc}, 2, {4}), HasSubstr("ranks have no meaning"));
  EXPECT_THAT(message(Format{{{RankKind::B, 4}}}, 2, {4}), HasSubstr("too wide"));
  EXPECT_THAT(message(Format{std::vector<RankFormat>(7)}, 2, {4}), HasSubstr("at most 6 ranks"));
  EXPECT_THAT(message(named("csr + huffman"), 4, {4, 4}), HasSubstr("takes elements of 1 or 2 bytes, but got 4"));
  EXPECT_THAT(message(named("csr + delta(2)"), 1, {4, 4}), HasSubstr("along dimension 2, but the granule has 2"));
}

// One row of two nonzeros in each layout, bits from the lowest up.
TEST(FormatLayout, ByHand) {
  std::vector<uint8_t> row = {0, 7, 0, 0, 9, 0};
  Size size;
  EXPECT_THAT(encoded("bitmask", row, {6}, &size), ElementsAre(0b010010, 7, 9));
  EXPECT_EQ(size.dataBits, 16u);
  EXPECT_EQ(size.metadataBits, 8u);
  // Length in 3 bits, then coordinates in 3 bits: 2 | 1 << 3 | 4 << 6.
  EXPECT_THAT(encoded("[CP]", row, {6}), ElementsAre((2 | 1 << 3 | 4 << 6) & 255, 4 >> 2, 7, 9));
  // Length in 3 bits, runs of 1 and 2 in 5 bits each.
  EXPECT_THAT(encoded("rle", row, {6}), ElementsAre((2 | 1 << 3 | 2 << 8) & 255, 2, 7, 9));
  // Runs of one bit: 1 zero, 7; then two zeros need an empty place (run 1, value 0) and run 0.
  EXPECT_THAT(encoded("[RLE:1]", row, {6}), ElementsAre(3 | 1 << 3 | 1 << 4 | 0 << 5, 7, 0, 9));
  EXPECT_THAT(encoded("[U]", row, {6}), ElementsAre(0, 7, 0, 0, 9, 0));
}

TEST(FormatLayout, CsrByHand) {
  // Three rows of four: offsets 0 2 2 3 in 4 bits (12 is the most), coordinates in 2 bits.
  std::vector<uint8_t> matrix = {1, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0};
  EXPECT_THAT(encoded("csr", matrix, {3, 4}), ElementsAre(0x20, 0x32, 0 | 3 << 2 | 1 << 4, 1, 2, 3));
  // A granule of four ranks: the last three are one fiber.
  EXPECT_EQ(encoded("csr", matrix, {3, 1, 2, 2}), encoded("csr", matrix, {3, 4}));
  // A granule of one rank: one fiber.
  EXPECT_EQ(encoded("csr", matrix, {12}), encoded("csr", matrix, {1, 12}));
}

TEST(FormatLayout, EmptyFibersBelowOffsetsTakeNothing) {
  std::vector<uint8_t> matrix = {0, 0, 0, 0, 0, 5, 0, 0};
  // Offsets 0 0 4 in 4 bits, then the one dense fiber that is there.
  EXPECT_THAT(encoded("[UOP, U]", matrix, {2, 4}), ElementsAre(0x00, 0x04, 0, 5, 0, 0));
}

TEST(FormatLayout, EyerissRlcByHand) {
  std::vector<uint16_t> values(40, 0);
  values[2] = 0x1234;
  values[39] = 0x8001; // 36 zeros before it: a zero value after 31, then 4 more.
  uint64_t expected = 2 | 0x1234ull << 5 | 31ull << 21 | 4ull << 42 | 0x8001ull << 47 | 1ull << 63;
  Size size;
  std::vector<uint8_t> bytes = encoded("eyeriss-rlc", values, {40}, &size);
  ASSERT_EQ(bytes.size(), 8u);
  uint64_t word;
  memcpy(&word, bytes.data(), 8);
  EXPECT_EQ(word, expected);
  EXPECT_EQ(size.dataBits, 48u);
  EXPECT_EQ(size.metadataBits, 16u);
  std::vector<uint16_t> zeros(40, 0);
  EXPECT_THAT(encoded("eyeriss-rlc", zeros, {40}), ElementsAre(0, 0, 0, 0, 0, 0, 0, 0x80));
}

TEST(FormatLayout, ZfnafByHand) {
  std::vector<uint8_t> values(20, 0); // Two bricks, the second of four.
  values[3] = 7;
  values[15] = 8;
  values[17] = 9;
  std::vector<uint8_t> bytes = encoded("zfnaf", values, {20});
  ASSERT_EQ(bytes.size(), 48u);
  EXPECT_EQ(bytes[0], 0xf3);
  EXPECT_EQ(bytes[8], 7);
  EXPECT_EQ(bytes[9], 8);
  EXPECT_EQ(bytes[24], 0x01);
  EXPECT_EQ(bytes[32], 9);
}

TEST(FormatLayout, ColumnsByHand) {
  // Two rows of three: columns (1 0), (2 4), (0 5); offsets 0 1 3 4 in 3 bits, rows in 1 bit.
  std::vector<uint8_t> matrix = {1, 2, 0, 0, 4, 5};
  EXPECT_THAT(encoded("csc", matrix, {2, 3}),
              ElementsAre(0 << 0 | 1 << 3 | (3 << 6 & 255), 3 >> 2 | 4 << 1, 0 | 0 << 1 | 1 << 2 | 1 << 3, 1, 2, 4, 5));
  // coo: the length in 3 bits, then places 0 1 4 5 in 3 bits.
  EXPECT_THAT(encoded("coo", matrix, {2, 3}),
              ElementsAre(4 | 0 << 3 | (1 << 6 & 255), 1 >> 2 | 4 << 1 | 5 << 4, 1, 2, 4, 5));
  // ell: 2 entries a row in 2 bits, then columns 0 1 and 1 2 in 2 bits.
  EXPECT_THAT(encoded("ell", matrix, {2, 3}), ElementsAre(2 | 0 << 2 | 1 << 4 | 1 << 6, 2, 1, 2, 4, 5));
  // A row with fewer entries takes the first empty places.
  EXPECT_THAT(encoded("ell", std::vector<uint8_t>{0, 0, 3, 0, 4, 5}, {2, 3}),
              ElementsAre(2 | 0 << 2 | 2 << 4 | 1 << 6, 2, 0, 3, 4, 5));
}

TEST(FormatLayout, GroupsByHand) {
  // 2:4: a nonzero at 3 takes the empty place 0 with it; none take 0 and 1. Places in 2 bits each.
  std::vector<uint8_t> row = {0, 0, 0, 7, 0, 0, 0, 0, 5, 6};
  Size size;
  EXPECT_THAT(encoded("nm(2:4)", row, {1, 10}, &size),
              ElementsAre(0 | 3 << 2 | 0 << 4 | 1 << 6, 0 | 1 << 2, 0, 7, 0, 0, 5, 6));
  EXPECT_EQ(size.dataBits, 6u * 8);
  std::vector<uint8_t> full = {1, 2, 3, 0};
  std::vector<uint32_t> shape = {1, 4};
  EXPECT_THAT(std::string(checkValues(named("nm(2:4)"), {full.data(), 1, shape}).message()),
              HasSubstr("places 0 to 3 of fiber 0 have 3 nonzeros where at most 2 may be"));
  EXPECT_TRUE(checkValues(named("csr"), {full.data(), 1, shape}).ok());
  EXPECT_THAT(std::string(checkValues(named("csr + shared(1)"), {full.data(), 1, shape}).message()),
              HasSubstr("it has 3 distinct values to store"));
}

// EIE deals rows out in turn; its relative index has 4 bits, and the sixteenth zero before a value is stored (Han et al.,
// ISCA 2016, section III).
TEST(FormatLayout, EieByHand) {
  std::vector<uint8_t> column(40, 0); // 40 x 1: even rows are the first PE's.
  column[0] = 1;
  column[36] = 2; // Place 18 of its PE: 17 zeros before it are one padding zero after 15, and one more.
  column[39] = 3; // Place 19 of the other PE: 19 zeros.
  Size size;
  std::vector<uint8_t> bytes = encoded("eie-csc(2)", column, {40, 1}, &size);
  EXPECT_THAT(bytes, ElementsAre(0, 0, 3, 0, 0, 0, 2, 0, 0 | 15 << 4, 1 | 15 << 4, 3, 1, 0, 2, 0, 3));
  EXPECT_EQ(size.dataBits, 5u * 8);
}

TEST(FormatLayout, ValuesByHand) {
  std::vector<uint8_t> row = {9, 0, 9, 4};
  // The bits of the mask; two distinct values in 9 bits, 4 and 9; indices 1 1 0.
  EXPECT_THAT(encoded("bitmask + shared", row, {4}), ElementsAre(0b1101, 2, 4 << 1, 9 << 1, 1 << 1 | 1 << 2));
  // Differences along the row: 9 -9 9 -5.
  EXPECT_THAT(encoded("dense + delta(0)", row, {4}), ElementsAre(9, 247, 9, 251));
}

// The storage of ZFNAf never depends on values: 16 slots of 16 + 4 bits, or of 8 + 4.
TEST(FormatSize, ZfnafNeverShrinks) {
  std::vector<uint16_t> zeros(64, 0), ones(64, 1);
  std::vector<uint32_t> shape = {4, 16};
  Size empty = sizeOf(named("zfnaf"), {zeros.data(), 2, shape}), full = sizeOf(named("zfnaf"), {ones.data(), 2, shape});
  EXPECT_EQ(empty.dataBits, full.dataBits);
  EXPECT_EQ(full.bits(), 4u * 16 * (16 + 4));
  EXPECT_EQ(worstCase(named("zfnaf"), 1, shape).bits(), 4u * 16 * (8 + 4));
}

struct Ratio {
  double density, ratio;
};
class EyerissRatio : public testing::TestWithParam<Ratio> {};

// Compression of independent zeros by Eyeriss's run-length words, derived from the format in published-results.
TEST_P(EyerissRatio, OfIndependentZeros) {
  std::mt19937 rng(7);
  std::bernoulli_distribution nonzero(GetParam().density);
  std::vector<uint16_t> values(1 << 18);
  for (uint16_t &value : values)
    value = nonzero(rng) ? 1 : 0;
  std::vector<uint32_t> shape = {static_cast<uint32_t>(values.size())};
  double dense = 16.0 * static_cast<double>(values.size());
  double ratio = dense / static_cast<double>(sizeOf(named("eyeriss-rlc"), {values.data(), 2, shape}).bits());
  EXPECT_NEAR(ratio, GetParam().ratio, 0.012 * GetParam().ratio);
  EXPECT_NEAR(dense / expectedBits(named("eyeriss-rlc"), 2, shape, GetParam().density), ratio, 0.012 * ratio);
}
INSTANTIATE_TEST_SUITE_P(Published, EyerissRatio,
                         testing::Values(Ratio{.75, 1.00}, Ratio{.613, 1.22}, Ratio{.5, 1.50}, Ratio{.275, 2.7},
                                         Ratio{.207, 3.6}, Ratio{1.0, 0.75}));

TEST(FormatSize, ExpectedMatchesMeanOfIndependentZeros) {
  std::mt19937 rng(3);
  std::vector<uint32_t> shape = {6, 8, 40};
  for (const char *name : {"csc", "coo", "ell", "bcsr(2)", "eie-csc(4)", "eyeriss-v2-csc", "dense", "bitmask", "rle", "csr", "eyeriss-rlc", "zfnaf", "[RLE:2]", "[B, B]",
                           "[UOP, CP, B]", "[CP, U]", "[RLE:1, U, RLE:3]", "[UOP, UOP, CP]", "[B, UOP, U]"}) {
    for (double density : {0.0, 0.02, 0.2, 0.6, 1.0}) {
      std::bernoulli_distribution nonzero(density);
      double mean = 0;
      constexpr int kTrials = 60;
      for (int trial = 0; trial < kTrials; ++trial) {
        std::vector<uint8_t> values(6 * 8 * 40);
        for (uint8_t &value : values)
          value = nonzero(rng);
        mean += static_cast<double>(sizeOf(named(name), {values.data(), 1, shape}).bits()) / kTrials;
      }
      double expected = expectedBits(named(name), 1, shape, density);
      EXPECT_NEAR(expected, mean, 0.03 * mean + 24) << name << " at density " << density;
    }
  }
}

} // namespace
