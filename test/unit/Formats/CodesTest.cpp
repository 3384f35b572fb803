//===- CodesTest.cpp - Code tables, Huffman and the entropy bound -----------===//

#include "SparseAccel/Target/Formats/Codes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace sparseaccel::formats;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

std::string verdict(std::vector<std::string> words) { return std::string(checkUniquelyDecodable(words).message()); }

TEST(Codes, UniqueDecodability) {
  EXPECT_THAT(verdict({"0", "1", "00", "01"}), HasSubstr("not uniquely decodable: '00' can be read in two ways"));
  EXPECT_EQ(verdict({"00", "01", "10", "11"}), "");
  EXPECT_EQ(verdict({"0", "10", "110", "111"}), "");
  // No prefix code, and uniquely decodable all the same: its words read backwards are one.
  EXPECT_EQ(verdict({"0", "01", "011", "111"}), "");
  // Two words are alike only after several steps: 1 | 01110 ... the test needs dangling suffixes of suffixes.
  EXPECT_THAT(verdict({"1", "011", "01110", "1110", "10011"}), HasSubstr("not uniquely decodable"));
  EXPECT_EQ(verdict({}), "");
  EXPECT_THAT(verdict({"0", ""}), HasSubstr("code word 1 is empty"));
  EXPECT_THAT(verdict({"0", "1", "0"}), HasSubstr("code words 0 and 2 are both '0'"));
  EXPECT_THAT(verdict({"0", "2"}), HasSubstr("'2' is not made of 0 and 1"));
}

// What the checker says is what counting texts says, for codes that are small enough to count.
TEST(Codes, AgreesWithCounting) {
  std::mt19937 rng(2);
  int decodable = 0;
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<std::string> words;
    for (unsigned i = 2 + rng() % 3; i > 0; --i) {
      std::string word;
      for (unsigned length = 1 + rng() % 3; length > 0; --length)
        word += rng() % 2 ? '1' : '0';
      if (std::find(words.begin(), words.end(), word) == words.end())
        words.push_back(word);
    }
    // Sequences of words that give each text of up to 12 bits, counted from its beginning.
    bool ambiguous = false;
    for (unsigned length = 1; length <= 12 && !ambiguous; ++length)
      for (unsigned text = 0; text < 1u << length && !ambiguous; ++text) {
        std::string bits;
        for (unsigned i = 0; i < length; ++i)
          bits += text >> i & 1 ? '1' : '0';
        std::vector<unsigned> readings(length + 1, 0);
        readings[0] = 1;
        for (size_t at = 0; at < length; ++at)
          for (const std::string &word : words)
            if (readings[at] && bits.compare(at, word.size(), word) == 0)
              readings[at + word.size()] += readings[at];
        ambiguous = readings[length] > 1;
      }
    EXPECT_EQ(checkUniquelyDecodable(words).ok(), !ambiguous) << testing::PrintToString(words);
    decodable += !ambiguous;
  }
  EXPECT_GT(decodable, 50);
  EXPECT_LT(decodable, 250);
}

TEST(Codes, HuffmanByHand) {
  // Counts 5, 2, 1, 1: lengths 1, 2, 3, 3; canonical codes in the order of length and symbol.
  std::vector<uint64_t> counts = {1, 5, 0, 2, 1};
  EXPECT_THAT(huffmanCode(counts), ElementsAre("110", "0", "", "10", "111"));
  std::vector<uint64_t> one = {0, 7};
  EXPECT_THAT(huffmanCode(one), ElementsAre("", ""));
}

// Huffman's promise: within a bit a symbol of the entropy, and never below it.
TEST(Codes, HuffmanIsWithinABitOfTheEntropy) {
  std::mt19937 rng(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<uint64_t> counts(2 + rng() % 300, 0);
    for (uint64_t &count : counts)
      count = rng() % 3 ? uint64_t{1} << rng() % 20 : rng() % 50;
    counts[0] = counts[1] = 1;
    std::vector<std::string> words = huffmanCode(counts);
    double bits = 0, total = 0;
    std::vector<std::string> used;
    for (size_t i = 0; i < counts.size(); ++i) {
      bits += static_cast<double>(counts[i] * words[i].size());
      total += static_cast<double>(counts[i]);
      if (counts[i])
        used.push_back(words[i]);
    }
    double entropy = entropyOf(counts);
    EXPECT_GE(bits / total, entropy - 1e-9);
    EXPECT_LE(bits / total, entropy + 1);
    if (trial < 20) {
      EXPECT_TRUE(checkUniquelyDecodable(used).ok());
    }
  }
}

// The same of whole granules: a stored value takes its entropy and at most a bit.
TEST(Codes, HuffmanFormatIsWithinABit) {
  std::mt19937 rng(6);
  std::geometric_distribution<int> draw(0.2);
  std::vector<uint8_t> values(5000);
  for (uint8_t &value : values)
    value = static_cast<uint8_t>(draw(rng));
  std::vector<uint32_t> shape = {50, 100};
  DenseView view{values.data(), 1, shape};
  Size size = sizeOf(*parseFormat("bitmask + huffman"), view);
  EntropyBound bound = entropyBound(view);
  double nonzeros = static_cast<double>(sizeOf(*parseFormat("bitmask"), view).dataBits) / 8;
  EXPECT_GE(static_cast<double>(size.dataBits), bound.valueBits);
  EXPECT_LE(static_cast<double>(size.dataBits), bound.valueBits + nonzeros);
}

TEST(Codes, EntropyBoundByHand) {
  // Half zeros: a bit for each place; nonzeros 1 1 2 3: 1.5 bits each.
  std::vector<uint8_t> values = {0, 1, 0, 1, 0, 2, 0, 3};
  std::vector<uint32_t> shape = {8};
  EntropyBound bound = entropyBound({values.data(), 1, shape});
  EXPECT_DOUBLE_EQ(bound.positionBits, 8);
  EXPECT_DOUBLE_EQ(bound.valueBits, 6);
  std::vector<uint8_t> zeros(8, 0);
  EXPECT_DOUBLE_EQ(entropyBound({zeros.data(), 1, shape}).bits(), 0);
}

} // namespace
