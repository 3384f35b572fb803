//===- Stc.cpp - Sparse tensor core ---------------------------------------===//
//
// Models the tensor cores of Mishra et al., "Accelerating Sparse Deep Neural Networks" (2021): units of dot products
// that, of weights with at most N nonzeros in each group of M input channels, multiply the N stored ones only and pick
// their activations by a multiplexer.
//
//===----------------------------------------------------------------------===//

#include "Dataflows.h"
#include "OperandLevels.h"

#include "SparseAccel/Target/Dataflow/OperandMasks.h"
#include "SparseAccel/Target/Dataflow/SafCheck.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace sparseaccel::dataflow {

using isa::LoopKind;
using isa::OperandKind;
using isa::Rank;

namespace {

constexpr const char *kName = "stc";
constexpr const char *kDimensions[] = {"units", "rows", "columns", "depth"};
constexpr DeclaredParameter kKept = {"kept", 2, "weights that are stored of each group, N of N:M"};
constexpr DeclaredParameter kGroup = {"group", 4, "consecutive input channels of a group, M of N:M"};
constexpr DeclaredParameter kBlockRows = {"block_rows", 64,
                                          "windows whose sums lie in registers: weights are read once for them"};
constexpr DeclaredParameter kBlockColumns = {"block_columns", 64,
                                             "filters whose sums lie in registers: activations are read once for them"};
constexpr double kMostGroup = 64, kMostBlock = 1 << 20;

/// Array and pattern of a machine.
struct Core {
  int64_t units, rows, columns, depth, kept, group, blockRows, blockColumns;
  explicit Core(const machine::Machine &machine)
      : units(arraySize(machine, kDimensions[0])), rows(arraySize(machine, kDimensions[1])),
        columns(arraySize(machine, kDimensions[2])), depth(arraySize(machine, kDimensions[3])),
        kept(int64_t(kKept.of(machine))), group(int64_t(kGroup.of(machine))),
        blockRows(int64_t(kBlockRows.of(machine))), blockColumns(int64_t(kBlockColumns.of(machine))) {}
  int64_t multipliers() const { return units * rows * columns * depth; }
  /// Cycles of an instruction over dense and over stored weights. It covers so many positions that both are whole.
  int64_t denseSteps() const { return group / std::gcd(kept, group); }
  int64_t sparseSteps() const { return kept / std::gcd(kept, group); }
  int64_t positions() const { return depth * denseSteps(); }
  /// Fewer channels than a group has lie densely one after the other; else each position of a filter has whole groups.
  bool groups(const Contraction &shape) const { return shape.c >= group; }
  int64_t groupsOfFilter(const Contraction &shape) const { return shape.r * shape.s * ceilDiv(shape.c, group); }
  int64_t positionsOfFilter(const Contraction &shape) const {
    return groups(shape) ? groupsOfFilter(shape) * group : shape.r * shape.s * shape.c;
  }
};

/// Whether weights have the pattern.
class PatternDigest final : public WeightDigest {
public:
  explicit PatternDigest(bool holds) : holds(holds) {}
  uint64_t bytes() const override { return sizeof(*this); }
  const bool holds;
};

struct Violation {
  int64_t filter = -1, r = 0, s = 0, channel = 0, nonzeros = 0;
};

template <typename T>
Violation findViolation(const OperandView &b, const Core &core) {
  for (int64_t filter = 0; filter < b.extent[0]; ++filter)
    for (int64_t r = 0; r < b.extent[1]; ++r)
      for (int64_t s = 0; s < b.extent[2]; ++s) {
        const T *weights = b.row<T>(filter, r, s);
        for (int64_t c = 0; c < b.extent[3]; c += core.group) {
          int64_t nonzeros = 0;
          for (int64_t i = c; i < std::min(c + core.group, b.extent[3]); ++i)
            nonzeros += weights[i] != 0;
          if (nonzeros > core.kept)
            return {filter, r, s, c, nonzeros};
        }
      }
  return {};
}

Violation findViolation(const OperandView &b, const Core &core) {
  return b.elementBytes == 1 ? findViolation<uint8_t>(b, core) : findViolation<uint16_t>(b, core);
}

class Stc final : public Dataflow, public ChecksSafs {
public:
  const char *name() const override { return kName; }
  std::vector<Parameter> parameters() const override {
    return {kKept.declared(), kGroup.declared(), kBlockRows.declared(), kBlockColumns.declared()};
  }
  absl::Status checkMachine(const machine::Machine &machine) const override;
  absl::Status checkSaf(const Work &layer, const machine::SafCapability &saf, const OperandView *b) const override;
  absl::Status legal(const Work &work) const override;
  Counts estimate(const Work &work, const Densities &densities) const override {
    bool sparse = wantsSparse(work);
    Densities taken = densities;
    // Weights that are stored by the pattern are no denser than it.
    if (sparse)
      taken.b = std::min(taken.b, kKept.of(*work.machine) / kGroup.of(*work.machine));
    return finish(work, expectedProducts(work.shape, taken), sparse);
  }
  Counts count(const Work &work, const OperandView &a, const OperandView &b) const override {
    bool sparse = wantsSparse(work);
    if (sparse)
      sparse = work.digest ? static_cast<const PatternDigest *>(work.digest)->holds
                           : findViolation(b, Core(*work.machine)).filter < 0;
    return finish(work, countProducts(work.shape, a, b, work.weights), sparse);
  }
  std::unique_ptr<const WeightDigest> digestWeights(const Work &work, const OperandView &b) const override {
    if (!wantsSparse(work))
      return nullptr;
    return std::make_unique<PatternDigest>(findViolation(b, Core(*work.machine)).filter < 0);
  }
  std::vector<isa::Mapping> innerMappings(const Contraction &tile, const machine::Machine &machine) const override;
  TileHint tileHint(const Contraction &, const machine::Machine &machine) const override {
    Core core(machine);
    return {core.units * core.columns, core.positions(), 1, true};
  }

private:
  /// The pattern is used where a skip on weights is active; whether it can be depends on the weights. An activation
  /// that happens to have it is not stored by it.
  static bool wantsSparse(const Work &work) {
    return work.shape.kind != machine::ContractionKind::MatMul && skipsOn(work, OperandKind::B) &&
           Core(*work.machine).groups(work.shape);
  }
  static Counts finish(const Work &work, const ProductCounts &products, bool sparse);
};

absl::Status Stc::checkMachine(const machine::Machine &machine) const {
  if (absl::Status status = checkArray(machine, name(), kDimensions); !status.ok())
    return status;
  struct Limit {
    const DeclaredParameter &parameter;
    double low, high;
  };
  for (const Limit &limit : {Limit{kGroup, 2, kMostGroup}, Limit{kKept, 1, kMostGroup},
                             Limit{kBlockRows, 1, kMostBlock}, Limit{kBlockColumns, 1, kMostBlock}})
    if (absl::Status status = checkParameter(machine, limit.parameter, limit.low, limit.high); !status.ok())
      return status;
  Core core(machine);
  auto refuse = [&](auto... parts) {
    return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': ", parts...));
  };
  if (core.kept >= core.group)
    return refuse("parameter 'kept' is ", core.kept, ", expected less than 'group', which is ", core.group);
  if (core.depth % std::gcd(core.kept, core.group))
    return refuse("the array's depth is ", core.depth, ", expected a multiple of ", std::gcd(core.kept, core.group),
                  ", so that an instruction covers whole groups of ", core.kept, ":", core.group);
  if (absl::Status status = checkOperandLevels(machine, name()); !status.ok())
    return status;
  const machine::Level &sums = *OperandLevels(machine, OperandKind::O).registers;
  uint64_t needed = uint64_t(core.blockRows * core.blockColumns) * sums.psumBits / 8;
  uint64_t there = sums.sizeBytes * sums.instances;
  if (needed > there)
    return refuse("sums of a block of ", core.blockRows, " x ", core.blockColumns, " need ", needed,
                  " bytes of level '", sums.name, "', which has ", there);
  constexpr HonouredSaf kSafs[] = {{isa::SafAction::Skip, machine::kComputePlace, kOnA | kOnB, kOnB},
                                   {isa::SafAction::Gate, machine::kComputePlace, kOnA | kOnB, kOnA | kOnB}};
  return checkSafs(machine, name(), kSafs);
}

absl::Status Stc::checkSaf(const Work &layer, const machine::SafCapability &saf, const OperandView *b) const {
  if (saf.action != isa::SafAction::Skip)
    return absl::OkStatus();
  Core core(*layer.machine);
  if (!core.groups(layer.shape))
    return absl::FailedPreconditionError(
        absl::StrCat("weights have ", layer.shape.c, " input channels, fewer than a group of ", core.group));
  if (!b)
    return absl::FailedPreconditionError("weights that are no constant are not stored by a pattern");
  Violation violation = findViolation(*b, core);
  if (violation.filter < 0)
    return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("weights are not ", core.kept, ":", core.group, ": filter ", violation.filter, " at (", violation.r,
                   ", ", violation.s, ") has ", violation.nonzeros, " nonzeros in input channels ", violation.channel,
                   " to ", std::min(violation.channel + core.group, b->extent[3]) - 1));
}

absl::Status Stc::legal(const Work &work) const {
  if (absl::Status status = checkShape(work, name()); !status.ok())
    return status;
  if (!work.mapping)
    return absl::OkStatus();
  if (absl::Status status = checkCoverage(work, name()); !status.ok())
    return status;
  Core core(*work.machine);
  auto spatial = [&](std::initializer_list<Rank> ranks) {
    int64_t product = 1;
    for (Rank rank : ranks)
      product = std::min(product * factorOf(*work.mapping, rank,
                                            [](const isa::Loop &loop) { return loop.kind != LoopKind::Temporal; }),
                         int64_t(1) << 31);
    return product;
  };
  struct Axis {
    std::initializer_list<Rank> ranks;
    const char *names;
    int64_t size;
    const char *what;
  };
  for (const Axis &axis : {Axis{{Rank::G}, "G", 1, "groups at a time"},
                           Axis{{Rank::M}, "M", core.units * core.columns, "columns in all units"},
                           Axis{{Rank::N, Rank::P, Rank::Q}, "N x P x Q", core.rows, "rows"},
                           Axis{{Rank::C, Rank::R, Rank::S}, "C x R x S", core.positions(), "positions in a step"}})
    if (int64_t mapped = spatial(axis.ranks); mapped > axis.size)
      return absl::InvalidArgumentError(absl::StrCat(name(), ": the mapping unrolls ", axis.names, " ", mapped,
                                                     " times, but the array has ", axis.size, " ", axis.what));
  return absl::OkStatus();
}

Counts Stc::finish(const Work &work, const ProductCounts &products, bool sparse) {
  const Contraction &shape = work.shape;
  const machine::Machine &machine = *work.machine;
  Core core(machine);
  double windows = double(shape.n * shape.p * shape.q), filters = double(shape.g * shape.m), bits = shape.elementBits;
  double windowBlocks = double(ceilDiv(shape.n * shape.p * shape.q, core.rows));
  double instructions = double(ceilDiv(core.positionsOfFilter(shape), core.positions()));
  double steps = double(sparse ? core.sparseSteps() : core.denseSteps());
  double passes = double(shape.g * ceilDiv(shape.m, core.units * core.columns));
  double unitPasses = double(shape.g * ceilDiv(shape.m, core.columns)); // Units without a filter do nothing.
  Counts counts;
  counts.cycles = passes * windowBlocks * instructions * steps;
  counts.boundCycles[unsigned(Bound::Mac)] = counts.cycles;

  // Of stored weights only nonzeros are products; the rest of a group is filling.
  double stored =
      sparse ? filters * double(core.groupsOfFilter(shape) * core.kept) : filters * double(shape.r * shape.s * shape.c);
  ProductCounts taken = products;
  if (sparse) {
    taken.dense = taken.nonzeroB = products.nonzeroB;
    taken.nonzeroA = products.effectual;
    counts.wastedPadding = stored * windows - products.nonzeroB;
  }
  double perInstruction = double(core.rows * core.columns * core.depth) * steps;
  counts.gated = gatedProducts(taken, gatingConditions(work));
  counts.performed = taken.dense - counts.gated;
  counts.wasted = unitPasses * windowBlocks * instructions * perInstruction - taken.dense;
  counts.skipped = products.dense - taken.dense;
  counts.effectual = products.effectual;
  counts.actions.add("mac", "compute", counts.performed);
  if (counts.gated > 0)
    counts.actions.add("mac", "gated", counts.gated);

  // From the buffers into registers: once for a block of sums. Padding is not read, and zeros arrive.
  OperandLevels a(machine, OperandKind::A), b(machine, OperandKind::B), o(machine, OperandKind::O);
  double metadataBits = sparse ? double(std::bit_width(uint64_t(core.group - 1))) : 0;
  double timesA = double(ceilDiv(shape.m, core.blockColumns));
  double timesB = double(ceilDiv(shape.n * shape.p * shape.q, core.blockRows));
  double valid = double(validRowPairs(shape)) * double(validColumnPairs(shape)) * double(shape.n * shape.g * shape.c);
  double window = windows * double(shape.g * shape.r * shape.s * shape.c), sums = windows * filters;
  addTraffic(counts, machine, a.buffer->name, "read", timesA * valid * bits);
  addTraffic(counts, machine, a.registers->name, "write", timesA * window * bits);
  addTraffic(counts, machine, b.buffer->name, "read", timesB * stored * bits);
  addTraffic(counts, machine, b.registers->name, "write", timesB * stored * bits);
  addTraffic(counts, machine, b.buffer->name, "metadata_read", timesB * stored * metadataBits);
  addTraffic(counts, machine, b.registers->name, "metadata_write", timesB * stored * metadataBits);
  addTraffic(counts, machine, o.buffer->name, "write", sums * o.buffer->psumBits);
  addTraffic(counts, machine, o.registers->name, "read", sums * o.registers->psumBits);
  if (work.accumulate) {
    addTraffic(counts, machine, o.buffer->name, "read", sums * o.buffer->psumBits);
    addTraffic(counts, machine, o.registers->name, "write", sums * o.registers->psumBits);
  }
  counts.actions.add("noc", "transfer", timesA * window + timesB * stored + sums * (work.accumulate ? 2 : 1));

  // From registers into a unit, for each of its instructions: all activations that the weights may pick from.
  double unitInstructions = unitPasses * windowBlocks * instructions;
  double weights = double(core.columns * core.depth) * steps;
  addTraffic(counts, machine, a.registers->name, "read",
             unitInstructions * double(core.rows * core.positions()) * bits);
  addTraffic(counts, machine, b.registers->name, "read", unitInstructions * weights * bits);
  addTraffic(counts, machine, b.registers->name, "metadata_read", unitInstructions * weights * metadataBits);
  for (const char *action : {"read", "write"})
    addTraffic(counts, machine, o.registers->name, action,
               unitInstructions * steps * double(core.rows * core.columns) * o.registers->psumBits);

  addAllBufferStalls(counts, machine);
  counts.slots = double(core.multipliers()) * counts.cycles;
  return counts;
}

std::vector<isa::Mapping> Stc::innerMappings(const Contraction &tile, const machine::Machine &machine) const {
  Core core(machine);
  isa::Mapping mapping;
  uint8_t level = uint8_t(machine.levels.size() - 1);
  auto loop = [&](Rank rank, int64_t factor, LoopKind kind) { addLoop(mapping, rank, factor, level, kind); };
  std::array<int64_t, isa::kNumRanks> inSpace;
  inSpace.fill(1);
  auto unroll = [&](std::initializer_list<Rank> ranks, int64_t room) {
    for (Rank rank : ranks) {
      inSpace[unsigned(rank)] = std::min(tile.extent(rank), room);
      room /= inSpace[unsigned(rank)];
    }
  };
  unroll({Rank::M}, core.units * core.columns);
  unroll({Rank::Q, Rank::P, Rank::N}, core.rows);
  unroll({Rank::C, Rank::S, Rank::R}, core.positions());
  for (Rank rank : {Rank::G, Rank::M, Rank::N, Rank::P, Rank::Q, Rank::R, Rank::S, Rank::C})
    loop(rank, ceilDiv(tile.extent(rank), inSpace[unsigned(rank)]), LoopKind::Temporal);
  for (Rank rank : {Rank::N, Rank::P, Rank::Q})
    loop(rank, inSpace[unsigned(rank)], LoopKind::SpatialX);
  for (Rank rank : {Rank::M, Rank::R, Rank::S, Rank::C})
    loop(rank, inSpace[unsigned(rank)], LoopKind::SpatialY);
  return {mapping};
}

} // namespace

const Dataflow &stc() {
  static const Stc dataflow;
  return dataflow;
}

} // namespace sparseaccel::dataflow
