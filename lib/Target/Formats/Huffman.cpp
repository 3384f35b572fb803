//===- Huffman.cpp - Canonical Huffman codes --------------------------------===//

#include "Huffman.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace sparseaccel::formats {

uint64_t distinctSymbols(const Histogram &histogram) {
  uint64_t distinct = 0;
  for (uint64_t count : histogram)
    distinct += count != 0;
  return distinct;
}

std::vector<uint8_t> huffmanLengths(const Histogram &histogram) {
  std::vector<uint8_t> lengths(histogram.size(), 0);
  std::vector<uint32_t> symbols;
  for (uint32_t symbol = 0; symbol < histogram.size(); ++symbol)
    if (histogram[symbol])
      symbols.push_back(symbol);
  size_t leaves = symbols.size();
  if (leaves < 2)
    return lengths;
  std::sort(symbols.begin(), symbols.end(), [&](uint32_t a, uint32_t b) {
    return histogram[a] != histogram[b] ? histogram[a] < histogram[b] : a < b;
  });
  // Two queues: leaves by count, and inner nodes, which come about in the order of their counts. Equal counts take the
  // leaf, which keeps the longest code short.
  std::vector<uint64_t> weight(2 * leaves - 1);
  std::vector<uint32_t> parent(2 * leaves - 1, 0);
  for (size_t i = 0; i < leaves; ++i)
    weight[i] = histogram[symbols[i]];
  size_t leaf = 0, inner = leaves;
  for (size_t node = leaves; node < 2 * leaves - 1; ++node)
    for (int child = 0; child < 2; ++child) {
      size_t least = leaf < leaves && (inner == node || weight[leaf] <= weight[inner]) ? leaf++ : inner++;
      weight[node] += weight[least];
      parent[least] = static_cast<uint32_t>(node);
    }
  std::vector<uint8_t> depth(2 * leaves - 1, 0);
  for (size_t node = 2 * leaves - 2; node-- > 0;)
    depth[node] = static_cast<uint8_t>(depth[parent[node]] + 1);
  for (size_t i = 0; i < leaves; ++i)
    lengths[symbols[i]] = depth[i];
  return lengths;
}

/// Calls `f(symbol, length, code)` for the codes in rising order; the first bit of a code is its highest.
template <typename F>
static void forEachCode(const std::vector<uint8_t> &lengths, F &&f) {
  std::vector<uint32_t> ordered;
  for (uint32_t symbol = 0; symbol < lengths.size(); ++symbol)
    if (lengths[symbol])
      ordered.push_back(symbol);
  std::stable_sort(ordered.begin(), ordered.end(),
                   [&](uint32_t a, uint32_t b) { return lengths[a] < lengths[b]; });
  uint64_t code = 0;
  unsigned before = 0;
  for (uint32_t symbol : ordered) {
    unsigned length = lengths[symbol];
    code <<= length - before;
    f(symbol, length, code);
    ++code;
    before = length;
  }
}

static uint64_t reversed(uint64_t code, unsigned length) {
  uint64_t result = 0;
  for (unsigned i = 0; i < length; ++i)
    result |= (code >> i & 1) << (length - 1 - i);
  return result;
}

HuffmanEncoder::HuffmanEncoder(const Histogram &histogram)
    : lengths(huffmanLengths(histogram)), codes(histogram.size(), 0) {
  forEachCode(lengths, [&](uint32_t symbol, unsigned length, uint64_t code) { codes[symbol] = reversed(code, length); });
  for (size_t symbol = 0; symbol < histogram.size(); ++symbol)
    total += histogram[symbol] * lengths[symbol];
}

void writeTable(const Histogram &histogram, unsigned symbolBits, const std::vector<uint8_t> *lengths, BitWriter &to) {
  uint64_t distinct = distinctSymbols(histogram);
  to.put(distinct, symbolBits + 1);
  for (size_t symbol = 0; symbol < histogram.size(); ++symbol)
    if (histogram[symbol])
      to.put(symbol, symbolBits);
  if (lengths && distinct > 1)
    for (size_t symbol = 0; symbol < histogram.size(); ++symbol)
      if (histogram[symbol])
        to.put((*lengths)[symbol], kCodeLengthBits);
}

absl::Status readTable(const BitReader &from, uint64_t &position, unsigned symbolBits, bool withLengths,
                       std::vector<uint32_t> &symbols, std::vector<uint8_t> &lengths) {
  uint64_t distinct = from.get(position, symbolBits + 1), bits = tableBits(distinct, symbolBits, withLengths);
  if (distinct > uint64_t{1} << symbolBits)
    return absl::DataLossError(absl::StrCat("a table of ", distinct, " symbols of ", symbolBits, " bits"));
  if (bits > from.sizeBits() || position > from.sizeBits() - bits)
    return absl::DataLossError("the bytes end within a table");
  position += symbolBits + 1;
  symbols.resize(distinct);
  for (size_t i = 0; i < distinct; ++i, position += symbolBits) {
    symbols[i] = static_cast<uint32_t>(from.get(position, symbolBits));
    if (i && symbols[i] <= symbols[i - 1])
      return absl::DataLossError("the symbols of a table do not rise");
  }
  lengths.assign(distinct, 0);
  if (withLengths && distinct > 1)
    for (uint8_t &length : lengths) {
      length = static_cast<uint8_t>(from.get(position, kCodeLengthBits));
      position += kCodeLengthBits;
    }
  return absl::OkStatus();
}

absl::Status HuffmanDecoder::open(const BitReader &from, uint64_t &position, unsigned symbolBits) {
  if (absl::Status status = readTable(from, position, symbolBits, true, symbols, lengths); !status.ok())
    return status;
  if (symbols.size() < 2)
    return absl::OkStatus();
  // Kraft's sum, in units of 2^-63: 1 exactly where every sequence of bits is decoded, and in one way.
  uint64_t sum = 0;
  for (uint8_t length : lengths) {
    uint64_t share = length ? uint64_t{1} << (63 - length) : 0;
    if (share == 0 || sum > (uint64_t{1} << 63) - share)
      return absl::DataLossError("the code lengths of a table are of no prefix code");
    sum += share;
  }
  if (sum != uint64_t{1} << 63)
    return absl::DataLossError("the code lengths of a table leave codes unused");
  forEachCode(lengths, [&](uint32_t index, unsigned length, uint64_t code) {
    if (countOf[length]++ == 0) {
      firstCode[length] = code;
      firstIndex[length] = ordered.size();
    }
    ordered.push_back(symbols[index]);
  });
  return absl::OkStatus();
}

bool HuffmanDecoder::next(const BitReader &from, uint64_t &position, uint32_t &symbol) {
  if (symbols.size() < 2) {
    symbol = symbols.empty() ? 0 : symbols.front();
    return !symbols.empty();
  }
  uint64_t code = 0;
  for (unsigned length = 1; length < 64; ++length) {
    if (position >= from.sizeBits())
      return false;
    code = code << 1 | from.get(position++, 1);
    if (countOf[length] && code - firstCode[length] < countOf[length]) {
      symbol = ordered[firstIndex[length] + (code - firstCode[length])];
      return true;
    }
  }
  return false;
}

bool HuffmanDecoder::isOptimalFor(const Histogram &histogram) const {
  if (distinctSymbols(histogram) != symbols.size())
    return false;
  std::vector<uint8_t> expected = huffmanLengths(histogram);
  for (size_t i = 0; i < symbols.size(); ++i)
    if (histogram[symbols[i]] == 0 || expected[symbols[i]] != lengths[i])
      return false;
  return true;
}

} // namespace sparseaccel::formats
