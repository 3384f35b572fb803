//===- Yaml.cpp - Strict reading of YAML files ----------------------------===//

#include "SparseAccel/Target/Machine/Yaml.h"

#include "SparseAccel/Support/Names.h"

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace sparseaccel::yaml {

absl::StatusOr<std::string> readTextFile(const std::string &path) {
  constexpr size_t kLimit = size_t{64} << 20;
  std::error_code code;
  if (std::filesystem::is_directory(path, code))
    return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder; expected a file"));
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream)
    return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  std::streamoff size = stream.tellg();
  if (size < 0 || static_cast<size_t>(size) > kLimit)
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a file of at most 64 MB"));
  std::string text(static_cast<size_t>(size), '\0');
  stream.seekg(0);
  if (!stream.read(text.data(), size))
    return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));
  return text;
}

// The text of a scalar for a message: short and printable.
static std::string shown(const YAML::Node &node) {
  switch (node.Type()) {
  case YAML::NodeType::Scalar: {
    std::string text = absl::CHexEscape(node.Scalar().substr(0, 60));
    return absl::StrCat("'", text, node.Scalar().size() > 60 ? "...'" : "'");
  }
  case YAML::NodeType::Sequence:
    return "a list";
  case YAML::NodeType::Map:
    return "a mapping";
  default:
    return "nothing";
  }
}

namespace {

/// Takes no notice of what a document holds.
class Ignore : public YAML::EventHandler {
public:
  void OnDocumentStart(const YAML::Mark &) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark &, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark &, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark &, const std::string &, YAML::anchor_t, const std::string &) override {}
  void OnSequenceStart(const YAML::Mark &, const std::string &, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark &, const std::string &, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

/// 0, 1, or 2 for more. YAML::LoadAll never ends on a stray ',', which the parser takes for one empty document after
/// another.
int countDocuments(const std::string &text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Ignore ignore;
  int documents = 0;
  while (documents < 2 && parser.HandleNextDocument(ignore))
    ++documents;
  return documents;
}

} // namespace

Document::Document(absl::string_view text, absl::string_view file) : file(file) {
  try {
    std::string copy(text);
    int documents = countDocuments(copy);
    if (documents == 1)
      rootNode = YAML::Load(copy);
    else
      error = absl::InvalidArgumentError(
          absl::StrCat(file, ":1: expected one YAML document, found ", documents == 0 ? "none" : "more than one"));
  } catch (const YAML::Exception &e) {
    error = absl::InvalidArgumentError(
        absl::StrCat(file, ":", std::max(0, e.mark.line) + 1, ": this is not YAML: ", absl::CHexEscape(e.msg)));
  }
}

int Document::lineOf(const YAML::Node &node) {
  return node.IsDefined() && !node.Mark().is_null() ? node.Mark().line + 1 : 0;
}

void Document::fail(const YAML::Node &at, absl::string_view where, absl::string_view what) {
  if (!error.ok())
    return;
  std::string place = file;
  if (int line = lineOf(at))
    absl::StrAppend(&place, ":", line);
  error = absl::InvalidArgumentError(absl::StrCat(place, ": ", where, where.empty() ? "" : ": ", what));
}

bool parseNumber(const YAML::Node &node, double &out) {
  // A quoted scalar has the tag "!": it is text.
  return node.IsScalar() && node.Tag() != "!" && absl::SimpleAtod(node.Scalar(), &out) && std::isfinite(out);
}

Map::Map(Document &document, const YAML::Node &node, std::string where)
    : document(document), self(node), where(std::move(where)) {
  if (!document.ok())
    return;
  if (!self.IsMap()) {
    document.fail(self, this->where, absl::StrCat("expected a mapping of keys to values, found ", shown(self)));
    return;
  }
  std::set<std::string> seen;
  for (const auto &pair : self) {
    if (!pair.first.IsScalar())
      document.fail(pair.first, this->where, "expected a name for a key");
    else if (!seen.insert(pair.first.Scalar()).second)
      document.fail(pair.first, this->where, absl::StrCat("the key ", shown(pair.first), " stands here twice"));
  }
}

std::string Map::pathOf(const char *key) const { return where.empty() ? key : absl::StrCat(where, ".", key); }
void Map::fail(absl::string_view what) { document.fail(self, where, what); }
void Map::failAt(const YAML::Node &at, const char *key, absl::string_view what) {
  document.fail(at, pathOf(key), what);
}
void Map::failAt(const char *key, absl::string_view what) {
  YAML::Node at = self;
  if (document.ok() && self.IsMap())
    for (const auto &pair : self)
      if (pair.first.IsScalar() && pair.first.Scalar() == key)
        at.reset(pair.first);
  document.fail(at, pathOf(key), what);
}

bool Map::has(const char *key) const {
  if (!document.ok() || !self.IsMap())
    return false;
  for (const auto &pair : self)
    if (pair.first.IsScalar() && pair.first.Scalar() == key)
      return true;
  return false;
}

bool Map::lookUp(const char *key, YAML::Node &out, Need need) {
  if (!document.ok())
    return false;
  if (std::find(known.begin(), known.end(), key) == known.end())
    known.push_back(key);
  for (const auto &pair : self)
    if (pair.first.IsScalar() && pair.first.Scalar() == key) {
      out.reset(pair.second);
      return true;
    }
  if (need == Need::Required) {
    // A misspelt key is the likely reason: name it rather than the missing one.
    for (const auto &pair : self)
      if (nearestName(pair.first.Scalar(), {std::string(key)}) == key &&
          std::find(known.begin(), known.end(), pair.first.Scalar()) == known.end() &&
          editDistance(pair.first.Scalar(), key) <= 2)
        document.fail(pair.first, where,
                      absl::StrCat("unknown key ", shown(pair.first), "; did you mean '", key, "'?"));
    document.fail(self, where, absl::StrCat("the key '", key, "' is missing"));
  }
  return false;
}

bool Map::node(const char *key, YAML::Node &out, Need need) { return lookUp(key, out, need); }

bool Map::text(const char *key, std::string &out, Need need) {
  YAML::Node value;
  if (!lookUp(key, value, need))
    return false;
  if (!value.IsScalar()) {
    failAt(value, key, absl::StrCat("expected text, found ", shown(value)));
    return false;
  }
  out = value.Scalar();
  return true;
}

bool Map::flag(const char *key, bool &out, Need need) {
  YAML::Node value;
  if (!lookUp(key, value, need))
    return false;
  if (value.IsScalar() && value.Tag() != "!" && (value.Scalar() == "true" || value.Scalar() == "false")) {
    out = value.Scalar() == "true";
    return true;
  }
  failAt(value, key, absl::StrCat("expected true or false, found ", shown(value)));
  return false;
}

static std::string rangeText(Range range) { return absl::StrFormat("from %.15g to %.15g", range.low, range.high); }

bool Map::number(const char *key, double &out, Range range, Need need) {
  YAML::Node value;
  if (!lookUp(key, value, need))
    return false;
  double number = 0;
  if (!parseNumber(value, number)) {
    failAt(value, key, absl::StrCat("expected a number ", rangeText(range), ", found ", shown(value)));
    return false;
  }
  if (number < range.low || number > range.high) {
    failAt(value, key, absl::StrCat(shown(value), " is out of range: expected a number ", rangeText(range)));
    return false;
  }
  out = number;
  return true;
}

bool Map::integer64(const char *key, int64_t &out, Range range, Need need) {
  YAML::Node value;
  if (!lookUp(key, value, need))
    return false;
  int64_t number = 0;
  if (!value.IsScalar() || value.Tag() == "!" || !absl::SimpleAtoi(value.Scalar(), &number)) {
    failAt(value, key, absl::StrCat("expected an integer ", rangeText(range), ", found ", shown(value)));
    return false;
  }
  if (static_cast<double>(number) < range.low || static_cast<double>(number) > range.high) {
    failAt(value, key, absl::StrCat(shown(value), " is out of range: expected an integer ", rangeText(range)));
    return false;
  }
  out = number;
  return true;
}

bool Map::bytes(const char *key, uint64_t &out, Range range, Need need) {
  YAML::Node value;
  if (!lookUp(key, value, need))
    return false;
  uint64_t number = 0, unit = 1;
  bool good = value.IsScalar() && value.Tag() != "!";
  if (good) {
    absl::string_view text = value.Scalar();
    static constexpr std::pair<absl::string_view, unsigned> kUnits[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
    for (auto [suffix, bits] : kUnits)
      if (text.size() > suffix.size() && text.substr(text.size() - suffix.size()) == suffix) {
        unit = uint64_t{1} << bits;
        text = absl::StripAsciiWhitespace(text.substr(0, text.size() - suffix.size()));
        break;
      }
    good = absl::SimpleAtoi(text, &number);
  }
  if (!good) {
    failAt(value, key, absl::StrCat("expected a number of bytes, as 512, '8 KiB' or '4 MiB', found ", shown(value)));
    return false;
  }
  double total = static_cast<double>(number) * static_cast<double>(unit);
  if (total < range.low || total > range.high) {
    failAt(value, key, absl::StrCat(shown(value), " is out of range: expected bytes ", rangeText(range)));
    return false;
  }
  out = number * unit;
  return true;
}

static bool oneOf(const YAML::Node &value, absl::Span<const std::string> names, size_t &out) {
  if (!value.IsScalar())
    return false;
  auto it = std::find(names.begin(), names.end(), value.Scalar());
  out = static_cast<size_t>(it - names.begin());
  return it != names.end();
}

bool Map::choice(const char *key, size_t &out, absl::Span<const std::string> names, Need need) {
  YAML::Node value;
  if (!lookUp(key, value, need))
    return false;
  size_t index = 0;
  if (!oneOf(value, names, index)) {
    std::string text = value.IsScalar() ? value.Scalar() : std::string();
    failAt(value, key, absl::StrCat("unknown name ", shown(value), suggestion(text, names)));
    return false;
  }
  out = index;
  return true;
}

bool Map::choices(const char *key, std::vector<size_t> &out, absl::Span<const std::string> names, Need need) {
  YAML::Node value;
  if (!lookUp(key, value, need))
    return false;
  if (!value.IsSequence()) {
    failAt(value, key,
           absl::StrCat("expected a list of names out of: ", absl::StrJoin(names, ", "), "; found ", shown(value)));
    return false;
  }
  std::vector<size_t> result;
  for (const YAML::Node &element : value) {
    size_t index = 0;
    if (!oneOf(element, names, index)) {
      std::string text = element.IsScalar() ? element.Scalar() : std::string();
      failAt(element, key, absl::StrCat("unknown name ", shown(element), suggestion(text, names)));
      return false;
    }
    if (std::find(result.begin(), result.end(), index) != result.end()) {
      failAt(element, key, absl::StrCat(shown(element), " stands here twice"));
      return false;
    }
    result.push_back(index);
  }
  out = std::move(result);
  return true;
}

bool Map::numbers(const char *key, std::vector<double> &out, Range range, Need need) {
  YAML::Node value;
  if (!lookUp(key, value, need))
    return false;
  std::vector<double> result;
  auto readOne = [&](const YAML::Node &element) {
    double number = 0;
    if (!parseNumber(element, number) || number < range.low || number > range.high) {
      failAt(element, key, absl::StrCat("expected a number ", rangeText(range), ", found ", shown(element)));
      return false;
    }
    result.push_back(number);
    return true;
  };
  if (value.IsSequence()) {
    for (const YAML::Node &element : value)
      if (!readOne(element))
        return false;
  } else if (!readOne(value)) {
    return false;
  }
  out = std::move(result);
  return true;
}

bool Map::list(const char *key, const std::function<void(Map &)> &read, Need need) {
  YAML::Node value;
  if (!lookUp(key, value, need))
    return false;
  if (!value.IsSequence()) {
    failAt(value, key, absl::StrCat("expected a list, found ", shown(value)));
    return false;
  }
  size_t index = 0;
  for (const YAML::Node &element : value) {
    Map map(document, element, absl::StrCat(pathOf(key), "[", index++, "]"));
    if (!document.ok())
      return false;
    read(map);
    map.finish();
    if (!document.ok())
      return false;
  }
  return true;
}

bool Map::map(const char *key, const std::function<void(Map &)> &read, Need need) {
  YAML::Node value;
  if (!lookUp(key, value, need))
    return false;
  Map map(document, value, pathOf(key));
  if (!document.ok())
    return false;
  read(map);
  map.finish();
  return document.ok();
}

bool Map::entries(const char *key, const std::function<void(const std::string &, const YAML::Node &)> &read,
                  Need need) {
  YAML::Node value;
  if (!lookUp(key, value, need))
    return false;
  Map checked(document, value, pathOf(key)); // that it is a mapping, without repeated keys
  if (!document.ok())
    return false;
  for (const auto &pair : value) {
    read(pair.first.Scalar(), pair.second);
    if (!document.ok())
      return false;
  }
  return true;
}

void Map::finish() {
  if (!document.ok() || !self.IsMap())
    return;
  for (const auto &pair : self)
    if (std::find(known.begin(), known.end(), pair.first.Scalar()) == known.end())
      document.fail(pair.first, where,
                    absl::StrCat("unknown key ", shown(pair.first), suggestion(pair.first.Scalar(), known)));
}

} // namespace sparseaccel::yaml
