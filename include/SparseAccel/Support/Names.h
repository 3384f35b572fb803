//===- Names.h - What a misspelt name may have meant ------------*- C++ -*-===//

#ifndef SPARSEACCEL_SUPPORT_NAMES_H
#define SPARSEACCEL_SUPPORT_NAMES_H

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include <string>

namespace sparseaccel {

/// Insertions, deletions and substitutions between two names; upper and lower case are alike.
size_t editDistance(absl::string_view a, absl::string_view b);

/// The candidate of the least edit distance, or "" where none is near enough to be meant.
std::string nearestName(absl::string_view name, absl::Span<const std::string> candidates);

/// "; did you mean 'x'?" where there is a near name, else the list of those there are.
std::string suggestion(absl::string_view name, absl::Span<const std::string> candidates);

} // namespace sparseaccel

#endif // SPARSEACCEL_SUPPORT_NAMES_H
