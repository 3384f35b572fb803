//===- LoopText.h - The loops of a mapping as text --------------*- C++ -*-===//
//
// "M 4" or "x P 14": docs/scheduling.md, "Forcing a mapping".
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_MACHINE_LOOPTEXT_H
#define SPARSEACCEL_TARGET_MACHINE_LOOPTEXT_H

#include "SparseAccel/Target/ISA/Program.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sparseaccel::machine {

/// Rank, factor and kind of a loop; its level is 0.
absl::StatusOr<isa::Loop> parseLoop(absl::string_view text);

} // namespace sparseaccel::machine

#endif // SPARSEACCEL_TARGET_MACHINE_LOOPTEXT_H
