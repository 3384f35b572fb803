//===- Machine.h - A sparse accelerator as data -----------------*- C++ -*-===//
//
// One description, read by the scheduler and by the simulator. A machine is a YAML file: docs/machines.md explains
// every key.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_MACHINE_MACHINE_H
#define SPARSEACCEL_TARGET_MACHINE_MACHINE_H

#include "SparseAccel/Target/Formats/Format.h"
#include "SparseAccel/Target/ISA/Program.h"
#include "SparseAccel/Target/Machine/EnergyTable.h"

#include "absl/status/statusor.h"

#include <map>
#include <string>
#include <vector>

namespace sparseaccel::machine {

using isa::OperandKind;
using isa::Rank;

enum class ManagedBy : uint8_t { Program, Dataflow };

/// A storage level. Level 0 is always DRAM.
struct Level {
  std::string name;
  uint64_t sizeBytes = 0; ///< Of one instance; 0 for DRAM (unbounded).
  uint32_t instances = 1; ///< 1 for a level that the program manages: it is one address space.
  uint32_t wordBits = 0;
  uint32_t banks = 1;
  double readBytesPerCycle = 0, writeBytesPerCycle = 0; ///< Per instance and port; 0: never the bottleneck.
  std::vector<OperandKind> holds;
  bool doubleBuffered = false; ///< Program-managed: the scheduler keeps two tiles of each operand.
  ManagedBy managedBy = ManagedBy::Dataflow;
  uint32_t psumBits = 0; ///< Width of a sum that lies here; 0 where none may.
};

/// A dimension of the multiplier array and the ranks that may be unrolled over it.
struct ArrayDim {
  std::string name;
  uint32_t size = 1;
  std::vector<Rank> ranks;
};

/// Formats that the machine takes for an operand where it crosses from DRAM into the buffers, and how it is held there.
struct OperandFormats {
  std::vector<formats::Format> dram; ///< In the file's order; the compiler picks the smallest. Always non-empty.
  formats::Format buffer;            ///< How it lies in the program-managed level.
  double codecBytesPerCycle = 0;     ///< Dense bytes per cycle of the (de)compressor; 0: never the bottleneck.
};

struct Dram {
  double bytesPerCycle = 0; ///< At the array's clock.
  uint32_t latencyCycles = 0;
  uint32_t burstBytes = 1;
  bool sharedBus = true; ///< Reads and writes take turns.
};

struct VectorUnit {
  uint32_t lanes = 1; ///< Elements per cycle.
  std::vector<isa::VectorKind> kinds;
};

struct SafCapability {
  std::string level; ///< Name of a level, or "compute".
  OperandKind target = OperandKind::A;
  isa::SafAction action = isa::SafAction::Gate;
  uint8_t conditionOn = 0;     ///< Bits over OperandKind, as in isa::Saf.
  bool optional = false;       ///< The hardware has it, and the compiler activates it where a user asks for it only.
  formats::Format format = {}; ///< Of a format SAF; dense otherwise.
  int line = 0;                ///< In the machine file.
};

/// Kinds of contraction that the array takes.
enum class ContractionKind : uint8_t { Conv, Depthwise, FullyConnected, MatMul };

/// A parameter of the dataflow: each dataflow declares those it reads, with type and default; others are errors.
using Parameters = std::map<std::string, double>;

struct Machine {
  std::string name, description, file;
  double technologyNm = 0, clockMhz = 0;
  uint64_t peakMacsPerCycle = 0; ///< Multipliers: the product of the array's dimensions.
  std::vector<Level> levels;     ///< DRAM first, then inwards.
  std::vector<ArrayDim> array;
  std::string dataflow;
  Parameters parameters;
  std::vector<ContractionKind> kinds;
  std::vector<std::string> numerics; ///< "int8", "int16".
  uint32_t psumBits = 32;
  OperandFormats a, b, o;
  std::vector<SafCapability> safs;
  VectorUnit vector;
  Dram dram;
  EnergyModel energy;                     ///< Under the first table that the file names.
  std::vector<EnergyModel> otherEnergies; ///< Under its other tables.
  AreaModel area;                         ///< Without parts where the file says nothing of areas.

  const Level *findLevel(absl::string_view name) const;
  int levelIndex(absl::string_view name) const; ///< -1 where there is none.
  const OperandFormats &formatsOf(OperandKind kind) const;
  bool supports(isa::VectorKind kind) const;
  bool supports(ContractionKind kind) const;
  /// Makes the table of this name the one in `energy`. An unknown name is an error that lists those there are.
  absl::Status selectEnergyTable(absl::string_view table);
  /// Hash of everything that a program depends on (not of energy and area).
  uint64_t fingerprint() const;
};

/// Names as the machine file spells them.
const char *toString(ContractionKind kind); ///< "conv", "depthwise", "fc", "matmul".
const char *toString(Rank rank);            ///< "N", "G", "M", ...
const char *toString(OperandKind kind);     ///< "a", "b", "o".
const char *toString(isa::SafAction action);

/// Reads a machine by file path (anything with a slash or ending in .yaml), or by the name of a shipped one
/// (machines/NAME.yaml in one of dataFolders()). Energy tables are looked up beside the machine file, in ../energy from
/// there, and among the shipped ones. Errors name file, line, key, what was expected and the nearest valid name.
absl::StatusOr<Machine> loadMachine(absl::string_view nameOrPath);
/// The same from text, for tests and fuzzing; `file` stands in messages. Tables are looked up in `tableFolder` (where
/// it is not empty) and among the shipped ones.
absl::StatusOr<Machine> parseMachine(absl::string_view text, absl::string_view file, absl::string_view tableFolder);
/// Names of shipped machines.
std::vector<std::string> listMachines();

/// Folders that may hold shipped data (machines/, energy/, ...), in the order in which they are searched:
/// $SPARSEACCEL_HOME, ../share/sparseaccel beside the executable's folder, ../.. from the executable's folder in a
/// build tree, and the source folder of this build.
std::vector<std::string> dataFolders();
/// The first of dataFolders() that holds `relative` ("machines/eyeriss.yaml"), joined with it; "" where none does.
std::string findDataFile(absl::string_view relative);
/// Names without ending of the .yaml files in these folders, sorted, each once; a folder that is not there has none.
std::vector<std::string> yamlNames(const std::vector<std::string> &folders);
/// The same of a folder ("energy") in all of dataFolders().
std::vector<std::string> listDataFiles(absl::string_view folder);

} // namespace sparseaccel::machine

#endif // SPARSEACCEL_TARGET_MACHINE_MACHINE_H
