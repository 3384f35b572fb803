//===- MachineReader.h - Reads a machine file, part by part -----*- C++ -*-===//
//
// docs/machines.md explains every key; each is declared where it is read.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_MACHINE_MACHINEREADER_H
#define SPARSEACCEL_LIB_TARGET_MACHINE_MACHINEREADER_H

#include "SparseAccel/Target/Machine/Machine.h"
#include "SparseAccel/Target/Machine/Yaml.h"

#include "absl/types/span.h"

#include <string>
#include <vector>

namespace sparseaccel::machine {

/// Components beside the levels that actions are counted for, and the clock.
const std::vector<std::string> &fixedComponents();

template <typename Enum>
std::vector<std::string> namesOf(unsigned count) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < count; ++i)
    names.emplace_back(toString(static_cast<Enum>(i)));
  return names;
}

class MachineReader {
public:
  /// Tables are looked up by name in `tableFolders`, and by path from `ownFolder`, that of the file; where it is empty,
  /// as the text came from nowhere, not by path.
  MachineReader(absl::string_view text, absl::string_view file, std::string ownFolder,
                std::vector<std::string> tableFolders)
      : document(text, file), ownFolder(std::move(ownFolder)), tableFolders(std::move(tableFolders)) {
    machine.file = std::string(file);
  }

  absl::StatusOr<Machine> read();

private:
  void readDram(yaml::Map &map);
  void readLevel(yaml::Map &map);
  void checkLevels(yaml::Map &map);
  void readArray(yaml::Map &map);
  void readDataflow(yaml::Map &map);
  void readFormats(yaml::Map &map);
  void readOperandFormats(yaml::Map &map, const char *key, OperandFormats &out);
  bool readFormat(yaml::Map &map, const char *key, const YAML::Node &node, formats::Format &out);
  // SafReader.cpp
  void readSafs(yaml::Map &map);
  void checkSafs(absl::Span<const YAML::Node> nodes);
  std::vector<std::string> levelNames() const;
  // PriceReader.cpp
  void readEnergy(yaml::Map &map);
  bool readTable(yaml::Map &map, EnergyTable &table);
  void readPrices(yaml::Map &map, EnergyModel &model);
  const EnergyRow *readRow(yaml::Map &map, const char *key, const YAML::Node &node, const EnergyTable &table);
  void readPrice(yaml::Map &map, const std::string &component, const std::string &action, EnergyModel &model);
  void readCycle(yaml::Map &cycle, EnergyModel &model);
  void readLeakage(yaml::Map &cycle, EnergyModel &model);
  void readLeavesOut(yaml::Map &map, EnergyModel &model);
  void checkPrices(yaml::Map &map, const EnergyModel &model);
  void readArea(yaml::Map &map);
  std::vector<std::string> componentNames() const;
  double wordBitsOf(const std::string &component) const;

  yaml::Document document;
  std::string ownFolder;
  std::vector<std::string> tableFolders;
  Machine machine;
};

} // namespace sparseaccel::machine

#endif // SPARSEACCEL_LIB_TARGET_MACHINE_MACHINEREADER_H
