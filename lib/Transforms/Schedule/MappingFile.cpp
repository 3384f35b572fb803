//===- MappingFile.cpp - Mappings forced by a file ------------------------===//

#include "Schedule/MappingFile.h"

#include "SparseAccel/Target/Machine/LoopText.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "yaml-cpp/yaml.h"

#include <fstream>
#include <limits>
#include <sstream>

namespace sparseaccel::schedule {

namespace {

class Reader {
public:
  Reader(absl::string_view file, const machine::Machine &machine) : file(file), machine(machine) {}
  absl::StatusOr<MappingFile> read(const YAML::Node &root);

private:
  absl::Status fail(const YAML::Node &at, absl::string_view message) const {
    return absl::InvalidArgumentError(absl::StrCat(file, ":", at.Mark().line + 1, ": ", message));
  }
  absl::Status loop(const YAML::Node &node, uint8_t level, isa::Mapping &mapping) const;
  absl::Status layer(const YAML::Node &node, ForcedMapping &forced) const;

  absl::string_view file;
  const machine::Machine &machine;
};

absl::Status Reader::loop(const YAML::Node &node, uint8_t level, isa::Mapping &mapping) const {
  auto loop = machine::parseLoop(node.IsScalar() ? node.Scalar() : "");
  if (!loop.ok())
    return fail(node, loop.status().message());
  loop->level = level;
  if (level == 0 && loop->kind != isa::LoopKind::Temporal)
    return fail(node, absl::StrCat("loops of level '", machine.levels[0].name, "' run in time"));
  mapping.loops.push_back(*loop);
  return absl::OkStatus();
}

absl::Status Reader::layer(const YAML::Node &node, ForcedMapping &forced) const {
  if (!node.IsMap())
    return fail(node, "expected a map from levels to loops");
  forced.line = node.Mark().line + 1;
  std::vector<std::string> levels;
  for (const machine::Level &level : machine.levels)
    levels.push_back(level.name);
  // In the machine's order, whatever the file's.
  std::map<int, YAML::Node> byLevel;
  for (const auto &entry : node) {
    int level = machine.levelIndex(entry.first.Scalar());
    if (level < 0)
      return fail(entry.first, absl::StrCat("machine '", machine.name, "' has no level '", entry.first.Scalar(),
                                            "'; its levels are ", absl::StrJoin(levels, ", ")));
    if (!entry.second.IsSequence())
      return fail(entry.second, absl::StrCat("expected a list of loops for level '", entry.first.Scalar(), "'"));
    if (!byLevel.emplace(level, entry.second).second)
      return fail(entry.first, absl::StrCat("level '", entry.first.Scalar(), "' stands here twice"));
  }
  for (const auto &[level, loops] : byLevel) {
    forced.innerGiven |= level > 0;
    for (const YAML::Node &entry : loops)
      if (absl::Status status = loop(entry, static_cast<uint8_t>(level), forced.mapping); !status.ok())
        return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<MappingFile> Reader::read(const YAML::Node &root) {
  MappingFile result;
  if (!root.IsMap())
    return absl::InvalidArgumentError(absl::StrCat(file, ":1: expected a map with the keys machine and layers"));
  for (const auto &entry : root) {
    std::string key = entry.first.Scalar();
    if (key == "machine") {
      if (!entry.second.IsScalar())
        return fail(entry.second, "expected the name of a machine");
      result.machine = entry.second.Scalar();
      if (result.machine != machine.name)
        return fail(entry.second, absl::StrCat("these mappings are for machine '", result.machine, "', not for '",
                                               machine.name, "'"));
    } else if (key == "layers") {
      if (!entry.second.IsMap())
        return fail(entry.second, "expected a map from layer names to mappings");
      for (const auto &item : entry.second) {
        if (result.layers.contains(item.first.Scalar()))
          return fail(item.first, absl::StrCat("layer '", item.first.Scalar(), "' stands here twice"));
        if (absl::Status status = layer(item.second, result.layers[item.first.Scalar()]); !status.ok())
          return status;
      }
    } else if (key != "description") {
      return fail(entry.first, absl::StrCat("unknown key '", key, "', expected machine, description or layers"));
    }
  }
  if (!root["layers"])
    return fail(root, "expected the key layers, a map from layer names to mappings");
  return result;
}

} // namespace

absl::StatusOr<MappingFile> parseMappingFile(absl::string_view text, absl::string_view file,
                                             const machine::Machine &machine) {
  try {
    absl::StatusOr<MappingFile> mappings = Reader(file, machine).read(YAML::Load(std::string(text)));
    if (mappings.ok())
      mappings->path = std::string(file);
    return mappings;
  } catch (const YAML::Exception &error) {
    return absl::InvalidArgumentError(absl::StrCat(file, ":", error.mark.line + 1, ": ", error.msg));
  }
}

absl::StatusOr<MappingFile> loadMappingFile(const std::string &path, const machine::Machine &machine) {
  std::ifstream stream(path);
  if (!stream)
    return absl::NotFoundError(absl::StrCat(path, ": the mapping file cannot be opened"));
  std::stringstream text;
  text << stream.rdbuf();
  return parseMappingFile(text.str(), path, machine);
}

} // namespace sparseaccel::schedule
