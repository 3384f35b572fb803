//===- DataFiles.cpp - Where shipped files lie ----------------------------===//

#include "SparseAccel/Target/Machine/Machine.h"

#include "absl/strings/str_cat.h"

#include <cstdlib>
#include <filesystem>
#include <set>
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

std::vector<std::string> yamlNames(const std::vector<std::string> &folders) {
  std::set<std::string> names;
  for (const std::string &folder : folders) {
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
      if (it->path().extension() == ".yaml")
        names.insert(it->path().stem().string());
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> listDataFiles(absl::string_view folder) {
  std::vector<std::string> folders = dataFolders();
  for (std::string &path : folders)
    path = (fs::path(path) / std::string(folder)).string();
  return yamlNames(folders);
}

std::vector<std::string> listMachines() { return listDataFiles("machines"); }

} // namespace sparseaccel::machine
