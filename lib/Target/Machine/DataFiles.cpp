//===- DataFiles.cpp - Where shipped files lie ----------------------------===//

#include "SparseAccel/Target/Machine/Machine.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace fs = std::filesystem;

namespace sparseaccel::machine {

std::vector<std::string> dataFolders() {
  std::vector<std::string> folders;
  if (const char *home = std::getenv("SPARSEACCEL_HOME"); home && *home)
    folders.push_back(home);
  std::error_code error;
  fs::path executable = fs::read_symlink("/proc/self/exe", error);
  if (!error && executable.has_parent_path()) {
    fs::path folder = executable.parent_path();
    folders.push_back((folder / ".." / "share" / "sparseaccel").lexically_normal().string());
    folders.push_back((folder / ".." / "..").lexically_normal().string());
  }
#ifdef SPARSEACCEL_SOURCE_DIR
  folders.push_back(SPARSEACCEL_SOURCE_DIR);
#endif
  return folders;
}

std::string findDataFile(absl::string_view relative) {
  for (const std::string &folder : dataFolders()) {
    fs::path path = fs::path(folder) / std::string(relative);
    std::error_code error;
    if (fs::is_regular_file(path, error))
      return path.string();
  }
  return "";
}

std::vector<std::string> listMachines() {
  std::vector<std::string> names;
  for (const std::string &folder : dataFolders()) {
    std::error_code error;
    for (fs::directory_iterator it(fs::path(folder) / "machines", error), end; !error && it != end; it.increment(error))
      if (it->path().extension() == ".yaml")
        names.push_back(it->path().stem().string());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

} // namespace sparseaccel::machine
