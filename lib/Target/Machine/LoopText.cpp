//===- LoopText.cpp - The loops of a mapping as text ----------------------===//

#include "SparseAccel/Target/Machine/LoopText.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include <vector>

namespace sparseaccel::machine {

absl::StatusOr<isa::Loop> parseLoop(absl::string_view text) {
  static constexpr absl::string_view kRanks = "NGMCPQRS";
  std::vector<absl::string_view> words = absl::StrSplit(text, ' ', absl::SkipWhitespace());
  isa::Loop loop;
  if (words.size() == 3 && (words[0] == "x" || words[0] == "y")) {
    loop.kind = words[0] == "x" ? isa::LoopKind::SpatialX : isa::LoopKind::SpatialY;
    words.erase(words.begin());
  }
  uint32_t factor = 0;
  if (words.size() != 2 || words[0].size() != 1 || kRanks.find(words[0][0]) == absl::string_view::npos ||
      !absl::SimpleAtoi(words[1], &factor))
    return absl::InvalidArgumentError(
        absl::StrCat("expected a loop as 'RANK FACTOR', with x or y before it where it runs along an edge of the "
                     "array, such as 'M 4' or 'x P 14', but found '",
                     text, "'"));
  if (factor == 0)
    return absl::InvalidArgumentError("a loop's factor must be at least 1");
  loop.rank = static_cast<isa::Rank>(kRanks.find(words[0][0]));
  loop.factor = factor;
  return loop;
}

} // namespace sparseaccel::machine
