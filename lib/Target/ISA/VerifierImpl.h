//===- VerifierImpl.h - What the verifier's parts share ---------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_ISA_VERIFIERIMPL_H
#define SPARSEACCEL_LIB_TARGET_ISA_VERIFIERIMPL_H

#include "SparseAccel/Target/ISA/Program.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <vector>

namespace sparseaccel::isa {

template <typename... Parts>
absl::Status invalid(const Parts &...parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

/// `where: message`, where there is one.
inline absl::Status within(const std::string &where, const absl::Status &status) {
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat(where, ": ", status.message()));
}

template <typename T>
absl::Status checkIndex(absl::string_view what, uint64_t index, const std::vector<T> &table) {
  if (index < table.size())
    return absl::OkStatus();
  return invalid(what, " ", index, " is not in the table of ", table.size());
}

/// Whether a + b > limit, without overflow.
inline bool exceeds(uint64_t a, uint64_t b, uint64_t limit) { return a > limit || b > limit - a; }

inline std::string dims(const std::vector<uint32_t> &shape) {
  return absl::StrCat("[", absl::StrJoin(shape, "x"), "]");
}
inline std::string dims(const Coord &shape) { return absl::StrCat("[", absl::StrJoin(shape, "x"), "]"); }

inline const char *nameOf(Rank rank) {
  static constexpr const char *kNames[kNumRanks] = {"N", "G", "M", "C", "P", "Q", "R", "S"};
  return kNames[static_cast<size_t>(rank)];
}

/// For each tensor, whether it has a place in DRAM: all but sums, and those where a host operator, a layer or the
/// program's edge names them. Indices out of range are passed over.
std::vector<bool> tensorsInDram(const Program &program);

/// For each tensor, the smallest index of those whose bytes it shares by reshaping.
std::vector<uint32_t> reshapeClasses(const Program &program);

} // namespace sparseaccel::isa

// Returns a status that is not OK to the caller.
#define SPARSEACCEL_RETURN_IF_ERROR(expr)                                                                              \
  do {                                                                                                                 \
    if (absl::Status status_ = (expr); !status_.ok())                                                                  \
      return status_;                                                                                                  \
  } while (false)

#endif // SPARSEACCEL_LIB_TARGET_ISA_VERIFIERIMPL_H
