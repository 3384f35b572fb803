//===- Yaml.h - Strict reading of YAML files --------------------*- C++ -*-===//
//
// Keys are declared where they are read: whatever a file holds beside them is an error that names the file, the line,
// what was expected and the nearest known key. The first error stays; everything after it reads nothing, so that a
// reader needs no check after every key.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_MACHINE_YAML_H
#define SPARSEACCEL_TARGET_MACHINE_YAML_H

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sparseaccel::yaml {

/// Reads a whole file of at most 64 MB.
absl::StatusOr<std::string> readTextFile(const std::string &path);

/// A file under way. `error` is the first thing that was wrong.
class Document {
public:
  Document(absl::string_view text, absl::string_view file);
  bool ok() const { return error.ok(); }
  const absl::Status &status() const { return error; }
  const YAML::Node &root() const { return rootNode; }
  const std::string &fileName() const { return file; }
  /// Remembers "file:line: where: what" unless there is an error already.
  void fail(const YAML::Node &at, absl::string_view where, absl::string_view what);
  static int lineOf(const YAML::Node &node); ///< From 1; 0 where it is not known.

private:
  std::string file;
  YAML::Node rootNode;
  absl::Status error;
};

enum class Need : uint8_t { Required, Optional };

/// Bounds of a number, both included.
struct Range {
  double low, high;
};

/// A mapping whose keys are read by name. `where` names it in messages ("levels[2]").
class Map {
public:
  Map(Document &document, const YAML::Node &node, std::string where);

  bool ok() const { return document.ok(); }
  bool has(const char *key) const;
  /// Each leaves `out` alone where an optional key is absent, and returns whether it was read.
  bool text(const char *key, std::string &out, Need need = Need::Required);
  bool flag(const char *key, bool &out, Need need = Need::Optional);
  bool number(const char *key, double &out, Range range, Need need = Need::Required);
  template <typename T>
  bool integer(const char *key, T &out, Range range, Need need = Need::Required) {
    int64_t value = 0;
    if (!integer64(key, value, range, need))
      return false;
    out = static_cast<T>(value);
    return true;
  }
  /// Bytes: an integer, or one with a unit ("8 KiB", "4 MiB", "1 GiB").
  bool bytes(const char *key, uint64_t &out, Range range, Need need = Need::Required);
  /// One of `names`; `out` becomes its index.
  bool choice(const char *key, size_t &out, absl::Span<const std::string> names, Need need = Need::Required);
  /// A list of names out of `names`, without repetition.
  bool choices(const char *key, std::vector<size_t> &out, absl::Span<const std::string> names,
               Need need = Need::Required);
  /// A list of numbers, or one number.
  bool numbers(const char *key, std::vector<double> &out, Range range, Need need = Need::Required);
  /// The node of a key, whatever it is.
  bool node(const char *key, YAML::Node &out, Need need = Need::Required);
  /// Calls `read` for each element of a list of mappings.
  bool list(const char *key, const std::function<void(Map &)> &read, Need need = Need::Required);
  /// Calls `read` with the mapping at the key. Its unknown keys are errors.
  bool map(const char *key, const std::function<void(Map &)> &read, Need need = Need::Required);
  /// Calls `read` for each pair of a mapping whose keys are names of the file's own.
  bool entries(const char *key, const std::function<void(const std::string &, const YAML::Node &)> &read,
               Need need = Need::Required);
  /// Unknown keys are errors. Called by list() and map() for what they open, and by the user for the root.
  void finish();

  void fail(absl::string_view what);
  void failAt(const char *key, absl::string_view what);
  void failAt(const YAML::Node &at, const char *key, absl::string_view what);
  int line() const { return Document::lineOf(self); }
  const std::string &name() const { return where; }
  std::string pathOf(const char *key) const;

private:
  bool integer64(const char *key, int64_t &out, Range range, Need need);
  bool lookUp(const char *key, YAML::Node &out, Need need);

  Document &document;
  YAML::Node self;
  std::string where;
  std::vector<std::string> known;
};

/// A plain number of the file, or nothing. A quoted one is text.
bool parseNumber(const YAML::Node &node, double &out);

} // namespace sparseaccel::yaml

#endif // SPARSEACCEL_TARGET_MACHINE_YAML_H
