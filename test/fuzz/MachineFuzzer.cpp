//===- MachineFuzzer.cpp - Random machine files, tables and SAF requests --===//

#include "SparseAccel/Target/Machine/Safs.h"

#include <cstdlib>

using namespace sparseaccel::machine;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  absl::string_view text(reinterpret_cast<const char *>(data), size);
  absl::StatusOr<Machine> machine = parseMachine(text, "fuzz.yaml", "");
  // What was read is within its bounds, and what was not has a message.
  if (machine.ok() ? machine->levels.size() < 2 || machine->peakMacsPerCycle == 0 || machine->a.dram.empty()
                   : machine.status().message().empty())
    std::abort();
  if (machine.ok())
    (void)machine->fingerprint();
  absl::StatusOr<EnergyTable> table = parseEnergyTable(text, "fuzz.yaml");
  if (table.ok())
    (void)lintEnergyTable(*table);
  absl::StatusOr<SafRequest> request = parseSafRequest(text);
  if (!request.ok() && request.status().message().empty())
    std::abort();
  return 0;
}
