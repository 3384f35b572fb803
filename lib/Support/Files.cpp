//===- Files.cpp - Results as files ---------------------------------------===//

#include "SparseAccel/Support/Files.h"

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace sparseaccel {
namespace {

volatile std::sig_atomic_t heldSignal = 0;
extern "C" void holdSignal(int signal) { heldSignal = signal; }

/// While one lives, a signal that would end the process is kept; it comes when the last one is gone. Masks would not
/// do: they are of one thread, and any other may take the signal. Results are written by one thread at a time.
class SignalHold {
public:
  SignalHold() {
    struct sigaction hold = {};
    hold.sa_handler = holdSignal;
    sigemptyset(&hold.sa_mask);
    heldSignal = 0;
    for (size_t i = 0; i < std::size(kSignals); ++i) {
      sigaction(kSignals[i], nullptr, &before[i]);
      if (before[i].sa_handler != SIG_IGN) // nohup stays what it is
        sigaction(kSignals[i], &hold, nullptr);
    }
  }
  ~SignalHold() {
    for (size_t i = 0; i < std::size(kSignals); ++i)
      sigaction(kSignals[i], &before[i], nullptr);
    if (heldSignal)
      std::raise(heldSignal);
  }
  SignalHold(const SignalHold &) = delete;
  SignalHold &operator=(const SignalHold &) = delete;

private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before[std::size(kSignals)];
};

/// 0, or what went wrong.
int writeWhole(const std::string &path, absl::string_view bytes) {
  std::FILE *file = std::fopen(path.c_str(), "wb");
  if (!file)
    return errno;
  int error = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() ? 0 : errno;
  if (std::fclose(file) != 0 && error == 0) // where a full disk shows
    error = errno;
  return error;
}

struct Entry {
  const std::string &path;
  absl::string_view bytes;
};

absl::Status writeEntries(absl::Span<const Entry> entries, absl::Span<const std::string> gone) {
  auto fail = [](const std::string &path, int error) {
    return absl::ErrnoToStatus(error ? error : EIO, absl::StrCat("cannot write ", path));
  };
  std::vector<const Entry *> regular, inPlace;
  for (const Entry &entry : entries) {
    std::error_code code;
    std::filesystem::file_status there = std::filesystem::status(entry.path, code);
    // A folder cannot be replaced, and must not be found out when others have been.
    if (std::filesystem::is_directory(there))
      return fail(entry.path, EISDIR);
    bool replaced = !std::filesystem::exists(there) || std::filesystem::is_regular_file(there);
    (replaced ? regular : inPlace).push_back(&entry);
  }
  if (!regular.empty()) {
    SignalHold hold;
    std::vector<std::string> beside;
    auto withdraw = [&](size_t from) {
      for (size_t i = from; i < beside.size(); ++i)
        std::remove(beside[i].c_str());
    };
    for (const Entry *entry : regular) {
      beside.push_back(absl::StrCat(entry->path, ".", getpid(), ".tmp"));
      if (int error = writeWhole(beside.back(), entry->bytes)) {
        withdraw(0);
        return fail(entry->path, error);
      }
    }
    for (size_t i = 0; i < beside.size(); ++i)
      if (std::rename(beside[i].c_str(), regular[i]->path.c_str()) != 0) {
        int error = errno;
        withdraw(i);
        return fail(regular[i]->path, error);
      }
    for (const std::string &path : gone)
      if (std::remove(path.c_str()) != 0 && errno != ENOENT)
        return absl::ErrnoToStatus(errno, absl::StrCat("cannot remove ", path));
  }
  // A pipe may wait for its reader for ever.
  for (const Entry *entry : inPlace)
    if (int error = writeWhole(entry->path, entry->bytes))
      return fail(entry->path, error);
  return absl::OkStatus();
}

} // namespace

absl::Status writeFileAtomically(const std::string &path, absl::string_view bytes) {
  return writeEntries({{path, bytes}}, {});
}

absl::Status FileSet::write() const {
  std::vector<Entry> entries;
  entries.reserve(files.size());
  for (const File &file : files)
    entries.push_back({file.path, file.bytes});
  return writeEntries(entries, gone);
}

} // namespace sparseaccel
