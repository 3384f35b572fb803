//===- ObjectCache.h - Compiled pieces in a folder --------------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_CPU_OBJECTCACHE_H
#define SPARSEACCEL_LIB_TARGET_CPU_OBJECTCACHE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdint>
#include <memory>
#include <string>

namespace sparseaccel::cpu {

/// Objects by name, one file each, in a folder that any number of processes may share: a file appears whole or not at
/// all, and one whose digest does not fit its content is not there. Keeping something is never worth an error: a folder
/// that cannot be read or written is empty. May be used from several threads at once.
class ObjectCache {
public:
  /// An empty folder keeps nothing.
  ObjectCache(std::string folder, uint64_t maximumBytes) : folder(std::move(folder)), maximumBytes(maximumBytes) {}

  /// Null where there is none. What is loaded counts as used now.
  std::unique_ptr<llvm::MemoryBuffer> load(llvm::StringRef name) const;
  void store(llvm::StringRef name, llvm::StringRef object) const;

  /// Removes what was used longest ago until the folder's objects fit into the maximum, and what interrupted processes
  /// left.
  void trim() const;

private:
  std::string pathOf(llvm::StringRef name) const;

  std::string folder;
  uint64_t maximumBytes;
};

} // namespace sparseaccel::cpu

#endif // SPARSEACCEL_LIB_TARGET_CPU_OBJECTCACHE_H
