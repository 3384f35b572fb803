//===- Dataflow.cpp - The dataflows there are -----------------------------===//

#include "SparseAccel/Target/Dataflow/Dataflow.h"
#include "Dataflows.h"
#include "SparseAccel/Support/Names.h"
#include "SparseAccel/Target/Dataflow/OperandMasks.h"
#include "SparseAccel/Target/Machine/Yaml.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>

namespace sparseaccel::dataflow {

int64_t Contraction::extent(isa::Rank rank) const {
  switch (rank) {
  case isa::Rank::N:
    return n;
  case isa::Rank::G:
    return g;
  case isa::Rank::M:
    return m;
  case isa::Rank::C:
    return c;
  case isa::Rank::P:
    return p;
  case isa::Rank::Q:
    return q;
  case isa::Rank::R:
    return r;
  case isa::Rank::S:
    return s;
  }
  return 1;
}

const char *boundName(Bound bound) {
  switch (bound) {
  case Bound::Mac:
    return "mac";
  case Bound::Noc:
    return "noc";
  case Bound::Buffer:
    return "buffer";
  case Bound::DramRead:
    return "dram_read";
  case Bound::DramWrite:
    return "dram_write";
  case Bound::Sync:
    return "sync";
  }
  return "mac";
}

void Counts::add(const Counts &other) {
  cycles += other.cycles;
  slots += other.slots;
  performed += other.performed;
  gated += other.gated;
  wasted += other.wasted;
  wastedPadding += other.wastedPadding;
  wastedOutOfPlane += other.wastedOutOfPlane;
  effectual += other.effectual;
  skipped += other.skipped;
  for (size_t i = 0; i < boundCycles.size(); ++i)
    boundCycles[i] += other.boundCycles[i];
  actions.add(other.actions);
}

void Dataflow::forEachInnerMapping(const Contraction &tile, const machine::Machine &machine,
                                   const MappingVisitor &visit) const {
  for (const isa::Mapping &mapping : innerMappings(tile, machine))
    if (!visit(mapping))
      return;
}

Counts Dataflow::leastCost(const Work &layer, const Densities &densities) const {
  Counts counts;
  counts.effectual = expectedProducts(layer.shape, densities).effectual;
  counts.cycles = counts.effectual / double(std::max<uint64_t>(layer.machine->peakMacsPerCycle, 1));
  counts.actions.add("mac", "compute", counts.effectual);
  return counts;
}

std::vector<const Dataflow *> listDataflows() {
  return {&dotProduct(),  &cnvlutin(),      &cartesianProduct(), &eie(), &eyerissV2(),
          &planarDense(), &rowStationary(), &spatial(),          &stc()};
}

absl::StatusOr<const Dataflow *> findDataflow(absl::string_view name) {
  std::vector<std::string> names;
  for (const Dataflow *dataflow : listDataflows()) {
    if (name == dataflow->name())
      return dataflow;
    names.push_back(dataflow->name());
  }
  return absl::NotFoundError(
      absl::StrCat("no dataflow is called '", name, "'; there are: ", absl::StrJoin(names, ", ")));
}

absl::StatusOr<const Dataflow *> findDataflow(const machine::Machine &machine) {
  absl::StatusOr<const Dataflow *> dataflow = findDataflow(machine.dataflow);
  if (!dataflow.ok())
    return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': ", dataflow.status().message()));
  std::vector<std::string> names;
  for (const Dataflow::Parameter &parameter : (*dataflow)->parameters())
    names.push_back(parameter.name);
  for (const auto &[name, value] : machine.parameters)
    if (std::find(names.begin(), names.end(), name) == names.end())
      return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': dataflow '", machine.dataflow,
                                                     "' has no parameter '", name, "'",
                                                     names.empty() ? "; it has none" : suggestion(name, names)));
  if (absl::Status status = (*dataflow)->checkMachine(machine); !status.ok())
    return status;
  return dataflow;
}

} // namespace sparseaccel::dataflow
