//===- Support.cpp - What every dataflow does with a machine --------------===//

#include "SparseAccel/Target/Dataflow/Support.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <cmath>

namespace sparseaccel::dataflow {

const char *rankName(isa::Rank rank) {
  static constexpr const char *names[isa::kNumRanks] = {"N", "G", "M", "C", "P", "Q", "R", "S"};
  return static_cast<unsigned>(rank) < isa::kNumRanks ? names[static_cast<unsigned>(rank)] : "?";
}

namespace {

const char *kindName(machine::ContractionKind kind) {
  switch (kind) {
  case machine::ContractionKind::Conv:
    return "conv";
  case machine::ContractionKind::Depthwise:
    return "depthwise";
  case machine::ContractionKind::FullyConnected:
    return "fully_connected";
  case machine::ContractionKind::MatMul:
    return "matmul";
  }
  return "?";
}

} // namespace

void addTraffic(Counts &counts, const machine::Machine &machine, absl::string_view level, const char *action,
                double bits) {
  const machine::Level *found = machine.findLevel(level);
  if (found && found->wordBits && bits > 0)
    counts.actions.add(found->name, action, bits / found->wordBits);
}

void addBufferStalls(Counts &counts, const machine::Machine &machine, absl::Span<const char *const> levels) {
  double slowest = counts.cycles;
  for (const char *name : levels) {
    const machine::Level *level = machine.findLevel(name);
    if (!level)
      continue;
    // A gated access idles, and its turn at the port passes all the same.
    auto wait = [&](double bytesPerCycle, std::array<const char *, 3> actions) {
      if (bytesPerCycle <= 0)
        return;
      double words = 0;
      for (const char *action : actions)
        words += counts.actions.get(name, action);
      slowest =
          std::max(slowest, std::ceil(words * level->wordBits / 8 / (bytesPerCycle * std::max(level->instances, 1u))));
    };
    wait(level->readBytesPerCycle, {"read", "metadata_read", "gated_read"});
    wait(level->writeBytesPerCycle, {"write", "metadata_write", "gated_write"});
  }
  counts.boundCycles[static_cast<unsigned>(Bound::Buffer)] += slowest - counts.cycles;
  counts.cycles = slowest;
}

absl::Status checkLevels(const machine::Machine &machine, const char *dataflow, absl::Span<const char *const> levels) {
  for (const char *name : levels) {
    const machine::Level *level = machine.findLevel(name);
    if (!level) {
      std::vector<std::string> there;
      for (const machine::Level &other : machine.levels)
        there.push_back(other.name);
      return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': dataflow '", dataflow,
                                                     "' needs a level called '", name,
                                                     "'; the machine has: ", absl::StrJoin(there, ", ")));
    }
    if (level->wordBits == 0)
      return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': level '", name,
                                                     "' has no word width, in which dataflow '", dataflow,
                                                     "' counts its traffic"));
  }
  return absl::OkStatus();
}

int64_t arraySize(const machine::Machine &machine, absl::string_view name) {
  for (const machine::ArrayDim &dim : machine.array)
    if (dim.name == name)
      return dim.size;
  return 0;
}

absl::Status checkArray(const machine::Machine &machine, const char *dataflow,
                        absl::Span<const char *const> dimensions) {
  uint64_t product = 1;
  for (const char *name : dimensions) {
    int64_t size = arraySize(machine, name);
    if (size < 1)
      return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': dataflow '", dataflow,
                                                     "' needs the array dimensions ", absl::StrJoin(dimensions, ", "),
                                                     "; '", name, "' is missing or empty"));
    product *= uint64_t(size);
  }
  for (const machine::ArrayDim &dim : machine.array)
    if (std::find(dimensions.begin(), dimensions.end(), absl::string_view(dim.name)) == dimensions.end())
      return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': dataflow '", dataflow,
                                                     "' knows no array dimension '", dim.name,
                                                     "'; it knows: ", absl::StrJoin(dimensions, ", ")));
  if (machine.peakMacsPerCycle != product)
    return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': the array has ", product,
                                                   " multipliers, but the peak is ", machine.peakMacsPerCycle,
                                                   " MACs per cycle"));
  return absl::OkStatus();
}

absl::Status checkParameter(const machine::Machine &machine, const DeclaredParameter &parameter, double low,
                            double high) {
  double value = parameter.of(machine);
  if (value == std::floor(value) && value >= low && value <= high)
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': parameter '", parameter.name, "' is ",
                                                 value, ", expected a whole number from ", low, " to ", high, ": ",
                                                 parameter.doc));
}

absl::Status checkShape(const Work &work, const char *dataflow) {
  const Contraction &shape = work.shape;
  for (unsigned i = 0; i < isa::kNumRanks; ++i) {
    isa::Rank rank = static_cast<isa::Rank>(i);
    if (shape.extent(rank) < 1)
      return absl::InvalidArgumentError(
          absl::StrCat(dataflow, ": extent ", rankName(rank), " is ", shape.extent(rank), ", expected at least 1"));
  }
  if (shape.strideH < 1 || shape.strideW < 1 || shape.dilationH < 1 || shape.dilationW < 1)
    return absl::InvalidArgumentError(absl::StrCat(dataflow, ": strides ", shape.strideH, "x", shape.strideW,
                                                   " and dilations ", shape.dilationH, "x", shape.dilationW,
                                                   ", expected at least 1"));
  const auto &kinds = work.machine->kinds;
  if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), shape.kind) == kinds.end())
    return absl::InvalidArgumentError(absl::StrCat(dataflow, ": machine '", work.machine->name,
                                                   "' does not take contractions of kind ", kindName(shape.kind)));
  return absl::OkStatus();
}

void addLoop(isa::Mapping &mapping, isa::Rank rank, int64_t factor, uint8_t level, isa::LoopKind kind) {
  if (factor > 1)
    mapping.loops.push_back({rank, uint32_t(factor), level, kind});
}

absl::Status checkCoverage(const Work &work, const char *dataflow) {
  if (!work.mapping)
    return absl::OkStatus();
  for (const isa::Loop &loop : work.mapping->loops) {
    if (loop.level >= work.machine->levels.size())
      return absl::InvalidArgumentError(absl::StrCat(dataflow, ": the mapping names level ", int(loop.level),
                                                     ", but the machine has ", work.machine->levels.size()));
    if (loop.factor < 1)
      return absl::InvalidArgumentError(
          absl::StrCat(dataflow, ": the mapping has a loop over ", rankName(loop.rank), " of factor 0"));
  }
  for (unsigned i = 0; i < isa::kNumRanks; ++i) {
    isa::Rank rank = static_cast<isa::Rank>(i);
    int64_t covered = factorOf(*work.mapping, rank, [](const isa::Loop &loop) { return loop.level > 0; });
    if (covered < work.shape.extent(rank))
      return absl::InvalidArgumentError(absl::StrCat(dataflow, ": the mapping's loops over ", rankName(rank),
                                                     " inside the array and its buffers cover ", covered,
                                                     ", but the tile has ", work.shape.extent(rank)));
  }
  return absl::OkStatus();
}

} // namespace sparseaccel::dataflow
