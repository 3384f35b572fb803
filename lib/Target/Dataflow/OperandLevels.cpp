//===- OperandLevels.cpp - Levels by what they hold -----------------------===//

#include "OperandLevels.h"

#include "SparseAccel/Target/Dataflow/Support.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace sparseaccel::dataflow {

OperandLevels::OperandLevels(const machine::Machine &machine, isa::OperandKind kind) {
  for (size_t i = 1; i < machine.levels.size(); ++i) {
    const machine::Level &level = machine.levels[i];
    bool holds = std::find(level.holds.begin(), level.holds.end(), kind) != level.holds.end();
    if (!holds || (kind == isa::OperandKind::O && !level.psumBits))
      continue;
    if (level.managedBy == machine::ManagedBy::Dataflow)
      registers = &level;
    else if (!buffer)
      buffer = &level;
  }
}

absl::Status checkOperandLevels(const machine::Machine &machine, const char *dataflow) {
  auto refuse = [&](auto... parts) {
    return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': ", parts...));
  };
  for (isa::OperandKind kind : {isa::OperandKind::A, isa::OperandKind::B, isa::OperandKind::O}) {
    OperandLevels levels(machine, kind);
    const char *width = kind == isa::OperandKind::O ? " and has psum_bits" : "";
    if (!levels.buffer)
      return refuse("dataflow '", dataflow, "' needs a level that the program manages and that holds '",
                    machine::toString(kind), "'", width);
    if (!levels.registers)
      return refuse("dataflow '", dataflow, "' needs a level that the dataflow manages and that holds '",
                    machine::toString(kind), "'", width, ": the registers of its elements");
    for (const machine::Level *level : {levels.buffer, levels.registers})
      if (level->wordBits == 0)
        return refuse("level '", level->name, "' has no word width, in which dataflow '", dataflow,
                      "' counts its traffic");
  }
  return absl::OkStatus();
}

void addAllBufferStalls(Counts &counts, const machine::Machine &machine) {
  std::vector<const char *> levels;
  for (size_t i = 1; i < machine.levels.size(); ++i)
    levels.push_back(machine.levels[i].name.c_str());
  addBufferStalls(counts, machine, levels);
}

} // namespace sparseaccel::dataflow
