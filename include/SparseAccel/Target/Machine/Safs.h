//===- Safs.h - Sparse acceleration features by name ------------*- C++ -*-===//
//
// The vocabulary of Sparseloop (MICRO 2022): at a storage level or at compute, an operand lies compressed (format), or
// its accesses idle (gate) or are left out (skip) where an operand of the condition is zero. One place says how they
// are spelt, which make sense on a machine, and which contradict each other; docs/safs.md defines what each one does.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_MACHINE_SAFS_H
#define SPARSEACCEL_TARGET_MACHINE_SAFS_H

#include "SparseAccel/Target/Machine/Machine.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include <string>
#include <vector>

namespace sparseaccel::machine {

/// The place of the multipliers, beside the names of levels.
inline constexpr char kComputePlace[] = "compute";

inline constexpr uint8_t operandBit(OperandKind operand) { return uint8_t(1u << static_cast<unsigned>(operand)); }

/// "gate b at filter_spad if a", "skip a at compute if a or b", "format a at nm".
std::string toString(const SafCapability &saf);
/// The same of a program's, whose levels are `levelNames`.
std::string toString(const isa::Saf &saf, absl::Span<const std::string> levelNames);

/// Whether both are the same feature, wherever they are declared.
bool sameSaf(const SafCapability &x, const SafCapability &y);

/// A format other than dense in which the operand may lie at this level, by `formats` of the machine file (dram and
/// levels that the program manages) or by a format SAF (levels that the dataflow manages); null where it lies dense.
const formats::Format *formatAt(const Machine &machine, absl::string_view level, OperandKind operand);

/// Whether this one makes sense by itself: the level holds the target, and knows the condition without reading what is
/// to be spared. The message says what is wrong, and of which operand.
absl::Status checkSaf(const Machine &machine, const SafCapability &saf);
/// Whether these can be active at once. The message names both that cannot.
absl::Status checkSafSet(const Machine &machine, absl::Span<const SafCapability> active);

/// What is active where nobody asks for anything else: all that the machine offers but for the optional ones.
std::vector<SafCapability> defaultSafs(const Machine &machine);
/// As a program holds them: levels by their index in the machine, compute after the last.
isa::SafSet toSafSet(const Machine &machine, absl::Span<const SafCapability> safs);

/// What a user asks for with --saf (docs/safs.md has the grammar).
struct SafRequest {
  struct Item {
    SafCapability saf;
    bool everyOfAction = false; ///< "skip" alone: all of this action; the rest of `saf` means nothing.
    std::string text;
  };
  bool exact = false;                   ///< `add` is the whole list; else changes to the default.
  std::vector<Item> add, remove;        ///< Gates, skips, exits, predictions, deltas.
  uint8_t compress = 0, leaveDense = 0; ///< Operands (bits) to be stored in DRAM compressed, and dense.
};
absl::StatusOr<SafRequest> parseSafRequest(absl::string_view text);
/// The features that the request leaves active, formats apart. Fails on what the machine lacks and on contradictions.
absl::StatusOr<std::vector<SafCapability>> selectSafs(const Machine &machine, const SafRequest &request);
/// `formats`, an operand's in DRAM, as the request restricts them: empty where none is left.
std::vector<formats::Format> selectFormats(const SafRequest &request, OperandKind operand,
                                           const std::vector<formats::Format> &formats);

} // namespace sparseaccel::machine

#endif // SPARSEACCEL_TARGET_MACHINE_SAFS_H
