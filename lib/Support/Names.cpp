//===- Names.cpp - What a misspelt name may have meant --------------------===//

#include "SparseAccel/Support/Names.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

namespace sparseaccel {

size_t editDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t above = row[j];
      bool same = absl::ascii_tolower(a[i - 1]) == absl::ascii_tolower(b[j - 1]);
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string nearestName(absl::string_view name, absl::Span<const std::string> candidates) {
  std::string best;
  size_t least = std::numeric_limits<size_t>::max();
  if (name.size() > 200)
    return best;
  for (const std::string &candidate : candidates) {
    size_t distance = editDistance(name, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  size_t limit = std::max<size_t>(1, std::max(name.size(), best.size()) / 2);
  return least <= limit ? best : std::string();
}

std::string suggestion(absl::string_view name, absl::Span<const std::string> candidates) {
  std::string near = nearestName(name, candidates);
  if (!near.empty())
    return absl::StrCat("; did you mean '", near, "'?");
  if (candidates.empty())
    return "; there are none";
  return absl::StrCat("; expected one of: ", absl::StrJoin(candidates, ", "));
}

} // namespace sparseaccel
