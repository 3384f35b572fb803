//===- SafOptions.cpp - --saf and --against-saf ---------------------------===//

#include "SafOptions.h"

#include "SparseAccel/Target/Machine/Safs.h"

#include "absl/strings/str_cat.h"

namespace sparseaccel::run {

absl::Status checkSafOption(const machine::Machine &machine, const char *option, const std::string &text) {
  absl::StatusOr<machine::SafRequest> request = machine::parseSafRequest(text);
  absl::Status status = request.status();
  if (request.ok())
    status = machine::selectSafs(machine, *request).status();
  if (status.ok())
    return status;
  return absl::InvalidArgumentError(absl::StrCat("--", option, ": ", status.message()));
}

} // namespace sparseaccel::run
