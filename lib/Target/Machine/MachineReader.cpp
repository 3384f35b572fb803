//===- MachineReader.cpp - Machine files ----------------------------------===//
//
// docs/machines.md explains every key; each is declared here, where it is read.
//
//===----------------------------------------------------------------------===//

#include "MachineReader.h"
#include "SparseAccel/Support/Names.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <filesystem>

namespace fs = std::filesystem;

namespace sparseaccel::machine {

using yaml::Need;

namespace {

// Bounds that keep a nonsensical file from being believed; no machine's figures.
constexpr yaml::Range kPositive{1e-9, 1e9};
constexpr yaml::Range kBandwidth{0, 1e9};
constexpr yaml::Range kCount{1, 1 << 24};
constexpr yaml::Range kBits{1, 1 << 16};
constexpr yaml::Range kPsumBits{8, 64};
constexpr yaml::Range kBytes{1, 1e15};
constexpr size_t kMaxLevels = 64;
constexpr size_t kMaxMultipliers = size_t{1} << 30;

/// Every vector kind, by asking the generated table which bytes are valid.
std::vector<std::string> vectorKindNames() {
  std::vector<std::string> names;
  for (unsigned i = 0; i < 256 && isa::isValid(static_cast<isa::VectorKind>(i)); ++i)
    names.emplace_back(toString(static_cast<isa::VectorKind>(i)));
  return names;
}

template <typename Enum>
std::vector<Enum> toEnums(const std::vector<size_t> &indices) {
  std::vector<Enum> result;
  for (size_t index : indices)
    result.push_back(static_cast<Enum>(index));
  return result;
}

} // namespace

const std::vector<std::string> &fixedComponents() {
  static const std::vector<std::string> names = {"dram", "mac", "noc", "vector", "codec", "control", kClockComponent};
  return names;
}

absl::StatusOr<Machine> MachineReader::read() {
  yaml::Map map(document, document.root(), "");
  map.text("name", machine.name);
  map.text("description", machine.description, Need::Optional);
  map.number("technology_nm", machine.technologyNm, kPositive);
  map.number("clock_mhz", machine.clockMhz, kPositive);
  if (map.ok() && machine.name.empty())
    map.failAt("name", "expected a name");
  map.map("dram", [&](yaml::Map &dram) { readDram(dram); });
  map.list("levels", [&](yaml::Map &level) { readLevel(level); });
  checkLevels(map);
  map.list("array", [&](yaml::Map &dim) { readArray(dim); });
  if (map.ok() && machine.array.empty())
    map.failAt("array", "expected at least one dimension");
  map.map("dataflow", [&](yaml::Map &dataflow) { readDataflow(dataflow); });

  std::vector<size_t> indices;
  if (map.choices("kinds", indices, namesOf<ContractionKind>(4)))
    machine.kinds = toEnums<ContractionKind>(indices);
  if (map.ok() && machine.kinds.empty())
    map.failAt("kinds", "expected at least one kind of contraction");
  const std::vector<std::string> numerics = {"int8", "int16"};
  if (map.choices("numerics", indices, numerics))
    for (size_t index : indices)
      machine.numerics.push_back(numerics[index]);
  if (map.ok() && machine.numerics.empty())
    map.failAt("numerics", "expected at least one of: int8, int16");
  map.integer("psum_bits", machine.psumBits, kPsumBits);

  map.map("formats", [&](yaml::Map &formats) { readFormats(formats); });
  readSafs(map);
  map.map("vector", [&](yaml::Map &vector) {
    vector.integer("lanes", machine.vector.lanes, kCount);
    if (vector.choices("kinds", indices, vectorKindNames()))
      machine.vector.kinds = toEnums<isa::VectorKind>(indices);
    if (vector.ok() && !machine.supports(isa::VectorKind::Rescale))
      vector.failAt("kinds", "expected 'rescale' among them: sums become activations by it");
  });
  map.list("energy", [&](yaml::Map &energy) { readEnergy(energy); });
  if (map.ok() && machine.energy.table.name.empty())
    map.failAt("energy", "expected at least one energy table");
  map.map("area", [&](yaml::Map &area) { readArea(area); }, Need::Optional);
  map.finish();
  if (!document.ok())
    return document.status();
  return std::move(machine);
}

void MachineReader::readDram(yaml::Map &map) {
  Level level;
  level.name = "dram";
  level.wordBits = 64; // the unit in which DRAM actions are counted
  level.managedBy = ManagedBy::Program;
  level.holds = {OperandKind::A, OperandKind::B, OperandKind::O};
  map.number("bytes_per_cycle", machine.dram.bytesPerCycle, kPositive);
  map.integer("latency_cycles", machine.dram.latencyCycles, {0, 1e6});
  map.integer("burst_bytes", machine.dram.burstBytes, {1, 1 << 16});
  map.flag("shared_bus", machine.dram.sharedBus, Need::Required);
  level.readBytesPerCycle = level.writeBytesPerCycle = machine.dram.bytesPerCycle;
  machine.levels.push_back(std::move(level));
}

void MachineReader::readLevel(yaml::Map &map) {
  Level level;
  size_t managedBy = 0;
  std::vector<size_t> holds;
  map.text("name", level.name);
  map.bytes("size", level.sizeBytes, kBytes);
  map.integer("instances", level.instances, kCount, Need::Optional);
  map.integer("word_bits", level.wordBits, kBits);
  map.integer("banks", level.banks, kCount, Need::Optional);
  map.number("read_bytes_per_cycle", level.readBytesPerCycle, kBandwidth, Need::Optional);
  map.number("write_bytes_per_cycle", level.writeBytesPerCycle, kBandwidth, Need::Optional);
  if (map.choices("holds", holds, namesOf<OperandKind>(3)))
    level.holds = toEnums<OperandKind>(holds);
  map.flag("double_buffered", level.doubleBuffered, Need::Optional);
  map.choice("managed_by", managedBy, {"program", "dataflow"});
  level.managedBy = static_cast<ManagedBy>(managedBy);
  map.integer("psum_bits", level.psumBits, kPsumBits, Need::Optional);
  if (!map.ok())
    return;
  const std::vector<std::string> &reserved = fixedComponents();
  if (level.name.empty() || level.name == "compute" ||
      std::find(reserved.begin(), reserved.end(), level.name) != reserved.end())
    return map.failAt(
        "name",
        absl::StrCat(
            "'", level.name,
            "' is not a name for a level: dram, compute, mac, noc, vector, codec, control and clock are taken"));
  if (level.name.find_first_of(".* ") != std::string::npos)
    return map.failAt("name", "expected a name without dots, stars and blanks");
  if (machine.levelIndex(level.name) >= 0)
    return map.failAt("name", absl::StrCat("a level '", level.name, "' stands above already"));
  if (machine.levels.size() >= kMaxLevels)
    return map.fail(absl::StrCat("a machine has at most ", kMaxLevels, " levels"));
  if (level.holds.empty())
    return map.failAt("holds", "expected at least one of: a, b, o");
  bool program = level.managedBy == ManagedBy::Program;
  if (program && level.instances != 1)
    return map.failAt("instances",
                      absl::StrCat("a level that the program manages is one address space: expected 1 (and "
                                   "the size of all), found ",
                                   level.instances));
  if (program && machine.levels.back().managedBy == ManagedBy::Dataflow)
    return map.failAt("managed_by", absl::StrCat("levels go from the outermost in: '", level.name,
                                                 "', which the program manages, cannot lie within '",
                                                 machine.levels.back().name, "', which the dataflow manages"));
  if (!program && level.doubleBuffered)
    return map.failAt("double_buffered", "only a level that the program manages says so: within the array it is the "
                                         "dataflow's matter");
  if (level.psumBits && std::find(level.holds.begin(), level.holds.end(), OperandKind::O) == level.holds.end())
    return map.failAt("psum_bits", "sums are of operand o, which this level does not hold");
  machine.levels.push_back(std::move(level));
}

void MachineReader::checkLevels(yaml::Map &map) {
  if (!map.ok())
    return;
  auto programLevelHolds = [&](OperandKind operand, bool sums) {
    return std::any_of(machine.levels.begin() + 1, machine.levels.end(), [&](const Level &level) {
      return level.managedBy == ManagedBy::Program && (!sums || level.psumBits) &&
             std::find(level.holds.begin(), level.holds.end(), operand) != level.holds.end();
    });
  };
  for (OperandKind operand : {OperandKind::A, OperandKind::B, OperandKind::O})
    if (!programLevelHolds(operand, false))
      return map.failAt("levels",
                        absl::StrCat("no level that the program manages holds operand '", toString(operand), "'"));
  if (!programLevelHolds(OperandKind::O, true))
    map.failAt("levels", "no level that the program manages holds sums: one that holds o needs 'psum_bits'");
}

void MachineReader::readArray(yaml::Map &map) {
  ArrayDim dim;
  std::vector<size_t> ranks;
  map.text("name", dim.name);
  map.integer("size", dim.size, kCount);
  if (map.choices("ranks", ranks, namesOf<Rank>(isa::kNumRanks)))
    dim.ranks = toEnums<Rank>(ranks);
  if (!map.ok())
    return;
  for (const ArrayDim &other : machine.array)
    if (other.name == dim.name)
      return map.failAt("name", absl::StrCat("a dimension '", dim.name, "' stands above already"));
  if (dim.ranks.empty())
    return map.failAt("ranks", "expected at least one rank that may be unrolled over the dimension");
  uint64_t product = std::max<uint64_t>(1, machine.peakMacsPerCycle) * dim.size;
  if (product > kMaxMultipliers)
    return map.failAt("size", absl::StrCat("the array has more than ", kMaxMultipliers, " multipliers"));
  machine.peakMacsPerCycle = product;
  machine.array.push_back(std::move(dim));
}

void MachineReader::readDataflow(yaml::Map &map) {
  map.text("name", machine.dataflow);
  map.entries(
      "parameters",
      [&](const std::string &key, const YAML::Node &value) {
        double number = 0;
        if (value.IsScalar() && (value.Scalar() == "true" || value.Scalar() == "false"))
          number = value.Scalar() == "true";
        else if (!yaml::parseNumber(value, number))
          return map.failAt(value, absl::StrCat("parameters.", key).c_str(), "expected a number, true or false");
        machine.parameters[key] = number;
      },
      Need::Optional);
}

bool MachineReader::readFormat(yaml::Map &map, const char *key, const YAML::Node &node, formats::Format &out) {
  // A list of ranks may be written as text ("[UOP, CP:8]") or as a YAML list; the latter becomes the former.
  std::string text;
  if (node.IsScalar()) {
    text = node.Scalar();
  } else if (node.IsSequence()) {
    std::vector<std::string> ranks;
    for (const YAML::Node &rank : node)
      ranks.push_back(rank.IsScalar() ? rank.Scalar() : std::string("?"));
    text = absl::StrCat("[", absl::StrJoin(ranks, ", "), "]");
  } else {
    map.failAt(node, key, "expected the name of a format");
    return false;
  }
  absl::StatusOr<formats::Format> format = formats::parseFormat(text);
  if (!format.ok()) {
    map.failAt(node, key, format.status().message());
    return false;
  }
  out = *std::move(format);
  return true;
}

void MachineReader::readOperandFormats(yaml::Map &map, const char *key, OperandFormats &out) {
  map.map(key, [&](yaml::Map &operand) {
    YAML::Node node;
    if (operand.node("dram", node)) {
      if (!node.IsSequence())
        return operand.failAt(node, "dram", "expected a list of formats");
      for (const YAML::Node &element : node) {
        formats::Format format;
        if (!readFormat(operand, "dram", element, format))
          return;
        if (std::find(out.dram.begin(), out.dram.end(), format) != out.dram.end())
          return operand.failAt(element, "dram", absl::StrCat("'", formats::toString(format), "' stands here twice"));
        out.dram.push_back(std::move(format));
      }
      if (out.dram.empty())
        return operand.failAt(node, "dram", "expected at least one format");
    }
    if (operand.node("buffer", node))
      readFormat(operand, "buffer", node, out.buffer);
    // What a layer computes is not known when formats are chosen, and so must fit whatever it is.
    auto refuse = [&](const formats::Format &format, const char *where) {
      if (format.restrictsValues() && std::string(key) != "b")
        operand.failAt(node, where, absl::StrCat("'", formats::toString(format), "' does not hold every tensor: it is for "
                                                 "constants, and so for operand b only"));
    };
    for (const formats::Format &format : out.dram)
      refuse(format, "dram");
    refuse(out.buffer, "buffer");
    operand.number("codec_bytes_per_cycle", out.codecBytesPerCycle, kBandwidth, Need::Optional);
  });
}

void MachineReader::readFormats(yaml::Map &map) {
  readOperandFormats(map, "a", machine.a);
  readOperandFormats(map, "b", machine.b);
  readOperandFormats(map, "o", machine.o);
}

absl::StatusOr<Machine> parseMachine(absl::string_view text, absl::string_view file, absl::string_view tableFolder) {
  std::vector<std::string> folders;
  if (!tableFolder.empty())
    folders.emplace_back(tableFolder);
  for (const std::string &folder : dataFolders())
    folders.push_back((fs::path(folder) / "energy").string());
  return MachineReader(text, file, std::string(tableFolder), std::move(folders)).read();
}

absl::StatusOr<Machine> loadMachine(absl::string_view nameOrPath) {
  std::string path(nameOrPath);
  if (!absl::StrContains(nameOrPath, "/") && !absl::EndsWith(nameOrPath, ".yaml")) {
    path = findDataFile(absl::StrCat("machines/", nameOrPath, ".yaml"));
    if (path.empty())
      return absl::NotFoundError(absl::StrCat("there is no machine '", nameOrPath, "'",
                                              suggestion(nameOrPath, listMachines()),
                                              " (a file is given by a path with a slash or by its .yaml ending)"));
  }
  absl::StatusOr<std::string> text = yaml::readTextFile(path);
  if (!text.ok())
    return text.status();
  fs::path folder = fs::path(path).parent_path();
  if (folder.empty())
    folder = ".";
  std::vector<std::string> folders = {folder.string(), (folder / ".." / "energy").lexically_normal().string()};
  for (const std::string &data : dataFolders())
    folders.push_back((fs::path(data) / "energy").string());
  return MachineReader(*text, path, folder.string(), std::move(folders)).read();
}

} // namespace sparseaccel::machine
