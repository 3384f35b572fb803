//===- Codes.cpp - Code tables and the entropy bound ------------------------===//

#include "SparseAccel/Target/Formats/Codes.h"

#include "BitStream.h"
#include "Codec.h"
#include "Huffman.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include <cmath>
#include <deque>
#include <map>
#include <unordered_map>

namespace sparseaccel::formats {

absl::Status checkUniquelyDecodable(absl::Span<const std::string> words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].empty())
      return absl::InvalidArgumentError(absl::StrCat("code word ", i, " is empty"));
    if (words[i].find_first_not_of("01") != std::string::npos)
      return absl::InvalidArgumentError(absl::StrCat("code word '", words[i], "' is not made of 0 and 1"));
    for (size_t j = 0; j < i; ++j)
      if (words[i] == words[j])
        return absl::InvalidArgumentError(absl::StrCat("code words ", j, " and ", i, " are both '", words[i], "'"));
  }
  // A suffix is what one reading of a text is ahead of another by. It is kept with the text so far; where a suffix is
  // itself a word, both readings end at once.
  std::map<std::string, std::string> seen;
  std::deque<std::string> open;
  auto reach = [&](const std::string &suffix, const std::string &text) {
    if (seen.emplace(suffix, text).second)
      open.push_back(suffix);
  };
  for (const std::string &a : words)
    for (const std::string &b : words)
      if (a != b && absl::StartsWith(b, a))
        reach(b.substr(a.size()), b);
  while (!open.empty()) {
    std::string suffix = std::move(open.front()), text = seen[suffix];
    open.pop_front();
    for (const std::string &word : words) {
      if (word == suffix)
        return absl::InvalidArgumentError(absl::StrCat("the code is not uniquely decodable: '", text,
                                                       "' can be read in two ways"));
      if (absl::StartsWith(word, suffix))
        reach(word.substr(suffix.size()), absl::StrCat(text, word.substr(suffix.size())));
      else if (absl::StartsWith(suffix, word))
        reach(suffix.substr(word.size()), text);
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> huffmanCode(absl::Span<const uint64_t> counts) {
  HuffmanEncoder encoder(Histogram(counts.begin(), counts.end()));
  std::vector<std::string> words(counts.size());
  for (size_t symbol = 0; symbol < counts.size(); ++symbol)
    words[symbol] = encoder.word(symbol);
  return words;
}

double entropyOf(absl::Span<const uint64_t> counts) {
  double total = 0, sum = 0;
  for (uint64_t count : counts)
    total += static_cast<double>(count);
  for (uint64_t count : counts)
    if (count)
      sum += static_cast<double>(count) * std::log2(total / static_cast<double>(count));
  return total > 0 ? sum / total : 0;
}

EntropyBound entropyBound(const DenseView &values) {
  uint64_t elements = elementsOf(values.shape), zeros = 0;
  std::unordered_map<uint64_t, uint64_t> counts;
  const uint8_t *data = static_cast<const uint8_t *>(values.data);
  for (uint64_t i = 0; i < elements; ++i) {
    uint64_t value = 0;
    std::memcpy(&value, data + i * values.elementBytes, values.elementBytes);
    if (value)
      ++counts[value];
    else
      ++zeros;
  }
  // In the order of the values, so that the sum does not depend on the table.
  std::map<uint64_t, uint64_t> ordered(counts.begin(), counts.end());
  std::vector<uint64_t> nonzero;
  for (const auto &[value, count] : ordered)
    nonzero.push_back(count);
  uint64_t places[2] = {zeros, elements - zeros};
  return {static_cast<double>(elements - zeros) * entropyOf(nonzero),
          static_cast<double>(elements) * entropyOf(places)};
}

} // namespace sparseaccel::formats
