//===- Files.h - Results as files -------------------------------*- C++ -*-===//

#ifndef SPARSEACCEL_SUPPORT_FILES_H
#define SPARSEACCEL_SUPPORT_FILES_H

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include <string>
#include <vector>

namespace sparseaccel {

/// Writes beside `path` and renames, so that a reader never sees half a file, and a failure leaves what was there. What
/// is no regular file (a device, a pipe) is written to where it is. SIGINT, SIGTERM and SIGHUP wait until it is done, so
/// that they leave no file beside. An error is "cannot write PATH: reason".
absl::Status writeFileAtomically(const std::string &path, absl::string_view bytes);

/// Files that belong together. All of them are written beside their places before the first takes its place, and
/// SIGINT, SIGTERM and SIGHUP wait until the last one has: what such a signal or an error interrupts leaves the files
/// that were there, or all of these, and none beside. A process that is killed between two renames leaves some of both.
class FileSet {
public:
  void add(std::string path, std::string bytes) { files.push_back({std::move(path), std::move(bytes)}); }
  /// A file that goes when the others come: one of an earlier set. It may be absent.
  void remove(std::string path) { gone.push_back(std::move(path)); }
  absl::Status write() const;

private:
  struct File {
    std::string path, bytes;
  };
  std::vector<File> files;
  std::vector<std::string> gone;
};

} // namespace sparseaccel

#endif // SPARSEACCEL_SUPPORT_FILES_H
