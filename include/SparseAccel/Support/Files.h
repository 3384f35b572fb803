//===- Files.h - Results as files -------------------------------*- C++ -*-===//

#ifndef SPARSEACCEL_SUPPORT_FILES_H
#define SPARSEACCEL_SUPPORT_FILES_H

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include <string>

namespace sparseaccel {

/// Writes beside `path` and renames, so that a reader never sees half a file, and a failure leaves what was there. What
/// is no regular file (a device, a pipe) is written to where it is. An error is "cannot write PATH: reason".
absl::Status writeFileAtomically(const std::string &path, absl::string_view bytes);

} // namespace sparseaccel

#endif // SPARSEACCEL_SUPPORT_FILES_H
