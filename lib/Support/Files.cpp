//===- Files.cpp - Results as files ---------------------------------------===//

#include "SparseAccel/Support/Files.h"

#include "absl/strings/str_cat.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace sparseaccel {

/// 0, or what went wrong.
static int writeWhole(const std::string &path, absl::string_view bytes) {
  std::FILE *file = std::fopen(path.c_str(), "wb");
  if (!file)
    return errno;
  int error = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() ? 0 : errno;
  if (std::fclose(file) != 0 && error == 0) // where a full disk shows
    error = errno;
  return error;
}

absl::Status writeFileAtomically(const std::string &path, absl::string_view bytes) {
  auto fail = [&](int error) { return absl::ErrnoToStatus(error ? error : EIO, absl::StrCat("cannot write ", path)); };
  std::error_code code;
  std::filesystem::file_status there = std::filesystem::status(path, code);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    int error = writeWhole(path, bytes);
    return error ? fail(error) : absl::OkStatus();
  }
  std::string beside = absl::StrCat(path, ".", getpid(), ".tmp");
  int error = writeWhole(beside, bytes);
  if (!error && std::rename(beside.c_str(), path.c_str()) != 0)
    error = errno;
  if (!error)
    return absl::OkStatus();
  std::remove(beside.c_str());
  return fail(error);
}

} // namespace sparseaccel
