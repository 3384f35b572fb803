//===- ObjectCache.cpp - Compiled pieces in a folder ----------------------===//

#include "ObjectCache.h"

#include "SparseAccel/Target/CPU/CompiledModule.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <tuple>
#include <vector>

namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

namespace sparseaccel::cpu {

/// A file is these bytes, the object's SHA-256, its size as 8 bytes, least significant first, and the object.
static constexpr llvm::StringLiteral kMagic = "SparseAccel obj\n";
static constexpr size_t kDigestBytes = 32;
static constexpr size_t kHeaderBytes = kMagic.size() + kDigestBytes + sizeof(uint64_t);
static constexpr llvm::StringLiteral kSuffix = ".object", kTemporarySuffix = ".object.tmp";

std::string defaultCacheFolder() {
  if (const char *own = std::getenv("SPARSEACCEL_CACHE_DIR"))
    return own;
  llvm::SmallString<128> folder;
  if (const char *caches = std::getenv("XDG_CACHE_HOME"); caches && *caches) {
    path::append(folder, caches, "sparseaccel");
  } else if (const char *home = std::getenv("HOME"); home && *home) {
    path::append(folder, home, ".cache", "sparseaccel");
  }
  return std::string(folder);
}

static std::string header(llvm::StringRef object) {
  std::string bytes = kMagic.str();
  const std::array<uint8_t, kDigestBytes> digest =
      llvm::SHA256::hash(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(object.data()), object.size()));
  bytes.append(digest.begin(), digest.end());
  char size[sizeof(uint64_t)];
  llvm::support::endian::write64le(size, object.size());
  bytes.append(size, sizeof(size));
  return bytes;
}

std::string ObjectCache::pathOf(llvm::StringRef name) const {
  llvm::SmallString<128> file(folder);
  path::append(file, name + kSuffix);
  return std::string(file);
}

std::unique_ptr<llvm::MemoryBuffer> ObjectCache::load(llvm::StringRef name) const {
  if (folder.empty())
    return nullptr;
  const std::string file = pathOf(name);
  llvm::Expected<fs::file_t> handle = fs::openNativeFileForRead(file);
  if (!handle) {
    llvm::consumeError(handle.takeError());
    return nullptr;
  }
  auto buffer = llvm::MemoryBuffer::getOpenFile(*handle, file, /*FileSize=*/-1, /*RequiresNullTerminator=*/false,
                                                /*IsVolatile=*/true); // read, not mapped: others may remove it
  // The time of the last use decides what goes first.
  (void)fs::setLastAccessAndModificationTime(*handle, std::chrono::system_clock::now());
  (void)fs::closeFile(*handle);
  if (!buffer || (*buffer)->getBufferSize() < kHeaderBytes)
    return nullptr;
  llvm::StringRef bytes = (*buffer)->getBuffer();
  llvm::StringRef object = bytes.drop_front(kHeaderBytes);
  if (bytes.take_front(kHeaderBytes) != header(object))
    return nullptr;
  return llvm::MemoryBuffer::getMemBufferCopy(object, name);
}

void ObjectCache::store(llvm::StringRef name, llvm::StringRef object) const {
  if (folder.empty() || kHeaderBytes + object.size() > maximumBytes || fs::create_directories(folder))
    return;
  llvm::SmallString<128> model(folder), temporary;
  path::append(model, name + "-%%%%%%%%" + kTemporarySuffix);
  int handle = -1;
  if (fs::createUniqueFile(model, handle, temporary))
    return;
  llvm::raw_fd_ostream stream(handle, /*shouldClose=*/true);
  stream << header(object) << object;
  stream.close();
  const bool written = !stream.has_error();
  stream.clear_error();
  if (!written || fs::rename(temporary, pathOf(name)))
    fs::remove(temporary);
}

void ObjectCache::trim() const {
  if (folder.empty())
    return;
  struct Entry {
    llvm::sys::TimePoint<> used;
    uint64_t bytes;
    std::string file;
  };
  std::vector<Entry> entries;
  uint64_t total = 0;
  const auto longAgo = std::chrono::system_clock::now() - std::chrono::hours(1);
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    llvm::ErrorOr<fs::basic_file_status> status = it->status();
    if (!status || status->type() != fs::file_type::regular_file)
      continue;
    llvm::StringRef file = it->path();
    if (file.ends_with(kTemporarySuffix) && status->getLastModificationTime() < longAgo) {
      fs::remove(file);
    } else if (file.ends_with(kSuffix)) {
      entries.push_back({status->getLastModificationTime(), status->getSize(), file.str()});
      total += status->getSize();
    }
  }
  llvm::sort(entries,
             [](const Entry &a, const Entry &b) { return std::tie(a.used, a.file) < std::tie(b.used, b.file); });
  for (const Entry &entry : entries) {
    if (total <= maximumBytes)
      return;
    fs::remove(entry.file);
    total -= entry.bytes;
  }
}

} // namespace sparseaccel::cpu
