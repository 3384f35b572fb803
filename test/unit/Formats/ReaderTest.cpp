//===- ReaderTest.cpp - Slices, single elements and what they cost ----------===//

#include "SparseAccel/Target/Formats/Reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

using namespace sparseaccel::formats;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

const std::vector<const char *> kFormats = {
    "dense", "bitmask", "rle", "csr", "csc", "coo", "bcsr(2)", "ell", "nm(2:4)", "eie-csc(4)", "eyeriss-v2-csc",
    "eyeriss-rlc", "zfnaf", "deep-compression(3)", "[U, B]", "[UOP, B]", "[UOP, UOP]", "[B, UOP local, B]",
    "[CP, B, CP]", "[RLE:1, RLE:2]", "[U, UOP, CP]", "[ELL, RLE:2]", "[U@1%3, UOP@0, CP@1/3]", "bitmask + huffman",
    "csr + shared", "csc + delta(1)", "rle + delta(0) + huffman", "[UOP, CP, UOP, U]"};

class Slices : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    absl::StatusOr<Format> parsed = parseFormat(GetParam());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    format = *parsed;
  }

  std::vector<uint16_t> box(std::mt19937 &rng, std::vector<uint32_t> &shape) {
    shape = {1 + static_cast<uint32_t>(rng() % 7), 1 + static_cast<uint32_t>(rng() % 20)};
    std::vector<uint16_t> values(shape[0] * shape[1], 0);
    std::bernoulli_distribution nonzero(std::vector<double>{0, 0.1, 0.5, 1}[rng() % 4]);
    for (uint16_t &value : values)
      value = nonzero(rng) ? static_cast<uint16_t>(rng() % 5 + 1) : 0;
    while (!checkValues(format, {values.data(), 2, shape}).ok())
      values[rng() % values.size()] = 0;
    return values;
  }

  Format format;
};

// Any range of slices gives the values that lie in it, each once, and all ranges together give all.
TEST_P(Slices, EqualTheWholeOne) {
  std::mt19937 rng(3);
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<uint32_t> shape;
    std::vector<uint16_t> values = box(rng, shape);
    std::vector<uint8_t> bytes;
    encode(format, {values.data(), 2, shape}, bytes);
    absl::StatusOr<GranuleReader> reader = GranuleReader::open(format, bytes, 2, shape);
    ASSERT_TRUE(reader.ok()) << reader.status();
    std::vector<uint16_t> back(values.size(), 0);
    std::vector<int> visits(values.size(), 0);
    uint64_t slices = reader->slices();
    for (uint64_t begin = 0; begin < slices;) {
      uint64_t end = std::min(slices, begin + 1 + rng() % 4);
      AccessCost cost;
      absl::Status status = reader->visit(
          begin, end,
          [&](uint64_t element, uint64_t value) {
            ASSERT_LT(element, back.size());
            back[element] = static_cast<uint16_t>(value);
            ++visits[element];
          },
          &cost);
      ASSERT_TRUE(status.ok()) << status;
      begin = end;
    }
    ASSERT_EQ(back, values);
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_LE(values[i] != 0, visits[i]) << i;
    for (int visit : visits)
      ASSERT_LE(visit, 1);
  }
}

TEST_P(Slices, SingleElements) {
  std::mt19937 rng(4);
  for (int trial = 0; trial < 8; ++trial) {
    std::vector<uint32_t> shape;
    std::vector<uint16_t> values = box(rng, shape);
    std::vector<uint8_t> bytes;
    Size size = encode(format, {values.data(), 2, shape}, bytes);
    absl::StatusOr<GranuleReader> reader = GranuleReader::open(format, bytes, 2, shape);
    ASSERT_TRUE(reader.ok()) << reader.status();
    for (size_t i = 0; i < values.size(); ++i) {
      AccessCost cost;
      absl::StatusOr<uint64_t> value = reader->at(i, &cost);
      ASSERT_TRUE(value.ok()) << value.status();
      ASSERT_EQ(*value, values[i]) << i;
      if (format.deltaDimension < 0 && format.values == ValueCoding::Raw) {
        ASSERT_LE(cost.metadataBits, size.metadataBits);
        ASSERT_LE(cost.dataBits, size.dataBits);
      }
    }
    EXPECT_THAT(std::string(reader->at(values.size()).status().message()), HasSubstr("of a granule that has"));
    EXPECT_FALSE(reader->visit(0, reader->slices() + 1, [](uint64_t, uint64_t) {}).ok());
  }
}

// Corrupt bytes are an error or give some values, and never more of them than there are places.
TEST_P(Slices, CorruptBytesDoNotCrash) {
  std::mt19937 rng(5);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<uint32_t> shape;
    std::vector<uint16_t> values = box(rng, shape);
    std::vector<uint8_t> bytes;
    encode(format, {values.data(), 2, shape}, bytes);
    if (rng() % 4 == 0)
      bytes.resize(rng() % (bytes.size() + 1));
    for (unsigned change = rng() % 3; change > 0 && !bytes.empty(); --change)
      bytes[rng() % bytes.size()] ^= static_cast<uint8_t>(1u << rng() % 8);
    bytes.shrink_to_fit();
    absl::StatusOr<GranuleReader> reader = GranuleReader::open(format, bytes, 2, shape);
    if (!reader.ok())
      continue;
    size_t visits = 0;
    (void)reader->visit(0, reader->slices(), [&](uint64_t element, uint64_t) {
      ++visits;
      ASSERT_LT(element, values.size());
    });
    EXPECT_LE(visits, values.size() * 2);
    (void)reader->at(rng() % values.size());
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
INSTANTIATE_TEST_SUITE_P(Formats, Slices, testing::ValuesIn(kFormats), testName);

// Scalpel (Yu et al., ISCA 2017): the worked example of its 2-wide blocks. IA' counts elements.
TEST(Bcsr, ScalpelsExample) {
  std::vector<uint8_t> matrix = {0, 5, 2, 5, 0, 0, 0, 0, 1, 7, 0, 0, 2, 3, 0, 0, 4, 2,
                                 8, 4, 0, 0, 0, 0, 0, 0, 1, 1, 8, 3, 3, 2, 0, 0, 0, 0};
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> shape = {6, 6};
  Format bcsr = *parseFormat("bcsr(2)");
  Size size = encode(bcsr, {matrix.data(), 1, shape}, bytes);
  absl::StatusOr<GranuleReader> reader = GranuleReader::open(bcsr, bytes, 1, shape);
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::vector<uint64_t> values, columns, ends = {0}, product(6, 0);
  const std::vector<uint64_t> vector = {0, 9, 0, 1, 4, 3};
  for (uint64_t row = 0; row < reader->slices(); ++row) {
    auto entry = [&](uint64_t element, uint64_t value) {
      if (values.size() % 2 == 0)
        columns.push_back(element % 6);
      values.push_back(value);
      product[element / 6] += value * vector[element % 6];
    };
    ASSERT_TRUE(reader->visit(row, row + 1, entry).ok());
    ends.push_back(values.size());
  }
  EXPECT_THAT(values, testing::ElementsAreArray({0, 5, 2, 5, 1, 7, 2, 3, 4, 2, 8, 4, 1, 1, 8, 3, 3, 2}));
  EXPECT_THAT(columns, ElementsAre(0, 2, 2, 0, 4, 0, 2, 4, 0));
  EXPECT_THAT(ends, ElementsAre(0, 4, 6, 10, 12, 16, 18));
  EXPECT_THAT(product, ElementsAre(50, 7, 49, 36, 42, 18));
  EXPECT_EQ(size.dataBits, 18u * 8);
}

// A row of csr takes its two offsets and its own coordinates; a column of it takes all.
TEST(AccessCost, RowOfCsrByHand) {
  std::vector<uint8_t> matrix = {1, 0, 0, 2, 0, 0, 0, 0, 0, 3, 4, 5}, bytes;
  std::vector<uint32_t> shape = {3, 4};
  Format csr = *parseFormat("csr");
  encode(csr, {matrix.data(), 1, shape}, bytes);
  absl::StatusOr<GranuleReader> reader = GranuleReader::open(csr, bytes, 1, shape);
  ASSERT_TRUE(reader.ok());
  AccessCost cost;
  std::vector<uint64_t> elements;
  ASSERT_TRUE(reader->visit(2, 3, [&](uint64_t element, uint64_t) { elements.push_back(element); }, &cost).ok());
  EXPECT_THAT(elements, ElementsAre(9, 10, 11));
  EXPECT_EQ(cost.metadataBits, 2u * 4 + 3 * 2); // Offsets up to 12 take 4 bits, coordinates up to 3 take 2.
  EXPECT_EQ(cost.dataBits, 3u * 8);
  // One element: the offsets, and coordinates up to it.
  cost = {};
  EXPECT_EQ(*reader->at(10, &cost), 4u);
  EXPECT_EQ(cost.metadataBits, 2u * 4 + 2 * 2);
  EXPECT_EQ(cost.dataBits, 8u);
}

// The closed form is the mean of what walks read.
TEST(AccessCost, ExpectedMatchesMean) {
  std::mt19937 rng(9);
  std::vector<uint32_t> shape = {12, 40};
  for (const char *text : {"dense", "bitmask", "csr", "csc", "coo", "rle", "ell", "zfnaf", "eyeriss-rlc", "bcsr(4)",
                           "eie-csc(4)", "eyeriss-v2-csc", "[U, B]", "[UOP, UOP]", "[U, CP]"})
    for (double density : {0.1, 0.4}) {
      Format format = *parseFormat(text);
      double mean = 0;
      for (int trial = 0; trial < 4; ++trial) {
        std::bernoulli_distribution nonzero(density);
        std::vector<uint8_t> values(shape[0] * shape[1], 0), bytes;
        for (uint8_t &value : values)
          value = nonzero(rng);
        encode(format, {values.data(), 1, shape}, bytes);
        absl::StatusOr<GranuleReader> reader = GranuleReader::open(format, bytes, 1, shape);
        ASSERT_TRUE(reader.ok()) << reader.status();
        for (size_t i = 0; i < values.size(); ++i) {
          AccessCost cost;
          ASSERT_TRUE(reader->at(i, &cost).ok());
          mean += static_cast<double>(cost.metadataBits);
        }
      }
      mean /= 4.0 * shape[0] * shape[1];
      double expected = expectedAccessBits(format, 1, shape, density);
      EXPECT_NEAR(expected, mean, 0.15 * mean + 1) << text << " at " << density;
    }
}

} // namespace
