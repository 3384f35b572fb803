//===- EnergyTables.h - What the readers of tables share --------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_MACHINE_ENERGYTABLES_H
#define SPARSEACCEL_LIB_TARGET_MACHINE_ENERGYTABLES_H

#include "SparseAccel/Target/Machine/EnergyTable.h"
#include "SparseAccel/Target/Machine/Yaml.h"

namespace sparseaccel::machine {

// Bounds that keep a nonsensical file from being believed.
inline constexpr yaml::Range kEnergyRange{0, 1e12};
inline constexpr yaml::Range kAreaRange{0, 1e15};

inline bool isStorage(EnergyClass kind) {
  return kind == EnergyClass::RegisterFile || kind == EnergyClass::Sram || kind == EnergyClass::Dram;
}

/// Whether the file is one that Accelergy wrote: it begins with ERT, ART, ERT_summary or ART_summary.
bool isAccelergyTable(const YAML::Node &root);
/// Reads one into `table`. Errors stay in the document.
void readAccelergyTable(yaml::Document &document, EnergyTable &table);

/// "read" of "read(address_delta=0,data_delta=1)".
absl::string_view actionName(absl::string_view action);

} // namespace sparseaccel::machine

#endif // SPARSEACCEL_LIB_TARGET_MACHINE_ENERGYTABLES_H
