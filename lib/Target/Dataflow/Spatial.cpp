//===- Spatial.cpp - Rows and columns of multipliers ----------------------===//
//
// A generic array: input, weight or output stationary, dense or skipping the zeros of either operand or of both. It is
// no published machine. With output stationary elements that intersect two bitmasks it is the idea of SparTen (MICRO
// 2019) and ExTensor (MICRO 2019), without their balancing and their tiling; docs/dataflows.md says what it counts.
//
//===----------------------------------------------------------------------===//

#include "Dataflows.h"
#include "OperandLevels.h"
#include "SpatialWalk.h"

#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <bit>
#include <map>

namespace sparseaccel::dataflow {

using isa::LoopKind;
using isa::OperandKind;
using isa::Rank;

namespace {

constexpr const char *kDimensions[] = {"rows", "columns"};
constexpr DeclaredParameter kStationary = {"stationary", 2, "what stays in an element: 0 input, 1 weight, 2 output"};
constexpr DeclaredParameter kSync = {"sync", 0, "elements that skip meet after each 0 step, 1 chunk, 2 fold"};
constexpr DeclaredParameter kChunk = {"chunk", 128, "steps of a chunk: a multiple of 64 and of look"};
constexpr DeclaredParameter kLook = {"look", 64, "mask bits that a cycle looks at: 8, 16, 32, 64 or 128"};
constexpr DeclaredParameter kBus = {"bus", 1, "values that the bus of a row or column carries in a cycle"};
constexpr double kMostChunk = 1 << 20, kMostBus = 1024, kMostLook = 128;

SpatialArray arrayOf(const Work &work) {
  const machine::Machine &machine = *work.machine;
  SpatialArray array;
  array.rows = arraySize(machine, kDimensions[0]);
  array.columns = arraySize(machine, kDimensions[1]);
  array.stationary = Stationary(int(kStationary.of(machine)));
  array.meeting = Meeting(int(kSync.of(machine)));
  array.chunk = int64_t(kChunk.of(machine));
  array.look = int64_t(kLook.of(machine));
  array.bus = int64_t(kBus.of(machine));
  array.skipsA = skipsOn(work, OperandKind::A);
  array.skipsB = skipsOn(work, OperandKind::B);
  return array;
}

/// Ranks that lie on an array dimension.
std::vector<Rank> ranksOn(Stationary stationary, bool rows) {
  if (stationary == Stationary::Output)
    return rows ? std::vector<Rank>{Rank::N, Rank::P, Rank::Q} : std::vector<Rank>{Rank::M};
  if (rows)
    return {Rank::C, Rank::R, Rank::S};
  return stationary == Stationary::Weight ? std::vector<Rank>{Rank::M} : std::vector<Rank>{Rank::N, Rank::P, Rank::Q};
}

class Spatial final : public Dataflow {
public:
  const char *name() const override { return "spatial"; }
  std::vector<Parameter> parameters() const override {
    return {kStationary.declared(), kSync.declared(), kChunk.declared(), kLook.declared(), kBus.declared()};
  }
  absl::Status checkMachine(const machine::Machine &machine) const override;
  absl::Status legal(const Work &work) const override;
  Counts estimate(const Work &work, const Densities &densities) const override {
    return finish(work, expectSpatial(arrayOf(work), work, densities));
  }
  Counts count(const Work &work, const OperandView &a, const OperandView &b) const override {
    return finish(work, countSpatial(arrayOf(work), work, a, b));
  }
  std::vector<isa::Mapping> innerMappings(const Contraction &tile, const machine::Machine &machine) const override;
  TileHint tileHint(const Contraction &, const machine::Machine &machine) const override {
    int64_t columns = arraySize(machine, kDimensions[1]), rows = arraySize(machine, kDimensions[0]);
    switch (Stationary(int(kStationary.of(machine)))) {
    case Stationary::Weight:
      return {columns, rows, 1, true};
    case Stationary::Input:
      return {1, rows, 1, true};
    case Stationary::Output:
      break;
    }
    return {columns, 1, 1, true};
  }

private:
  Counts finish(const Work &work, const SpatialTotals &totals) const;
};

absl::Status Spatial::checkMachine(const machine::Machine &machine) const {
  if (absl::Status status = checkArray(machine, name(), kDimensions); !status.ok())
    return status;
  struct Limit {
    const DeclaredParameter &parameter;
    double low, high;
  };
  for (const Limit &limit : {Limit{kStationary, 0, 2}, Limit{kSync, 0, 2}, Limit{kChunk, 64, kMostChunk},
                             Limit{kLook, 8, kMostLook}, Limit{kBus, 1, kMostBus}})
    if (absl::Status status = checkParameter(machine, limit.parameter, limit.low, limit.high); !status.ok())
      return status;
  auto refuse = [&](auto... parts) {
    return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': ", parts...));
  };
  uint64_t look = uint64_t(kLook.of(machine)), chunk = uint64_t(kChunk.of(machine));
  if (!std::has_single_bit(look))
    return refuse("parameter 'look' is ", look, ", expected ", kLook.doc);
  if (chunk % 64 || chunk % look)
    return refuse("parameter 'chunk' is ", chunk, " and 'look' is ", look, ", expected ", kChunk.doc);
  if (absl::Status status = checkOperandLevels(machine, name()); !status.ok())
    return status;
  return checkSafs(machine, name(), kSafsAtCompute);
}

/// Elements at their own pace hold a chunk between two meetings: of both operands, or of the sums that pass otherwise.
/// Where they meet at the end of a fold only, queues are without limit.
absl::Status checkRegisters(const Work &work, const SpatialArray &array) {
  if (array.meeting != Meeting::Chunk || !array.skipsAtOwnPace())
    return absl::OkStatus();
  std::vector<OperandKind> kinds = {OperandKind::O};
  if (array.stationary == Stationary::Output)
    kinds = {OperandKind::A, OperandKind::B};
  std::map<const machine::Level *, uint64_t> bits;
  for (OperandKind kind : kinds) {
    const machine::Level *level = OperandLevels(*work.machine, kind).registers;
    bits[level] += uint64_t(array.chunk) * (kind == OperandKind::O ? level->psumBits : work.shape.elementBits);
  }
  for (const auto &[level, needed] : bits)
    if (needed > level->sizeBytes * 8)
      return absl::InvalidArgumentError(absl::StrCat("spatial: a chunk of ", array.chunk, " needs ", needed / 8,
                                                     " bytes of level '", level->name, "', which has ",
                                                     level->sizeBytes));
  return absl::OkStatus();
}

absl::Status Spatial::legal(const Work &work) const {
  if (absl::Status status = checkShape(work, name()); !status.ok())
    return status;
  SpatialArray array = arrayOf(work);
  if (absl::Status status = checkRegisters(work, array); !status.ok())
    return status;
  if (!work.mapping)
    return absl::OkStatus();
  if (absl::Status status = checkCoverage(work, name()); !status.ok())
    return status;
  for (const isa::Loop &loop : work.mapping->loops) {
    if (loop.kind == LoopKind::Temporal || loop.factor == 1)
      continue;
    std::vector<Rank> allowed = ranksOn(array.stationary, true), columns = ranksOn(array.stationary, false);
    allowed.insert(allowed.end(), columns.begin(), columns.end());
    if (std::find(allowed.begin(), allowed.end(), loop.rank) == allowed.end())
      return absl::InvalidArgumentError(absl::StrCat(
          name(), ": the mapping unrolls ", rankName(loop.rank), " in space, but this array unrolls ",
          absl::StrJoin(allowed, ", ", [](std::string *out, Rank rank) { out->append(rankName(rank)); }), " only"));
  }
  for (bool rows : {true, false}) {
    int64_t unrolled = 1, size = rows ? array.rows : array.columns;
    std::vector<std::string> names;
    for (Rank rank : ranksOn(array.stationary, rows)) {
      unrolled = std::min(unrolled * factorOf(*work.mapping, rank,
                                              [](const isa::Loop &loop) { return loop.kind != LoopKind::Temporal; }),
                          int64_t(1) << 31);
      names.push_back(rankName(rank));
    }
    if (unrolled > size)
      return absl::InvalidArgumentError(absl::StrCat(name(), ": the mapping unrolls ", absl::StrJoin(names, " x "), " ",
                                                     unrolled, " times, but the array has ", size, " ",
                                                     kDimensions[rows ? 0 : 1]));
  }
  return absl::OkStatus();
}

Counts Spatial::finish(const Work &work, const SpatialTotals &totals) const {
  const machine::Machine &machine = *work.machine;
  SpatialArray array = arrayOf(work);
  OperandLevels a(machine, OperandKind::A), b(machine, OperandKind::B), o(machine, OperandKind::O);
  double bits = work.shape.elementBits;
  Counts counts;
  auto bound = [&](Bound by) -> double & { return counts.boundCycles[unsigned(by)]; };
  bound(Bound::Mac) = totals.mac;
  bound(Bound::Sync) = totals.wait + totals.fill + totals.drain;
  bound(Bound::Noc) = totals.bus;
  counts.cycles = totals.mac + totals.wait + totals.fill + totals.drain + totals.bus;

  ProductCounts taken;
  taken.dense = totals.taken;
  taken.nonzeroA = totals.takenNonzeroA;
  taken.nonzeroB = totals.takenNonzeroB;
  taken.effectual = totals.effectual;
  counts.effectual = totals.effectual;
  counts.gated = gatedProducts(taken, gatingConditions(work));
  counts.performed = totals.taken - counts.gated;
  counts.wasted = totals.issued - totals.taken;
  counts.skipped = double(work.shape.macs()) - totals.taken;
  counts.actions.add("mac", "compute", counts.performed);
  if (counts.gated > 0)
    counts.actions.add("mac", "gated", counts.gated);

  addTraffic(counts, machine, a.buffer->name, "read", totals.readsA * bits);
  addTraffic(counts, machine, b.buffer->name, "read", totals.readsB * bits);
  addTraffic(counts, machine, a.buffer->name, "metadata_read", totals.maskBitsA);
  addTraffic(counts, machine, b.buffer->name, "metadata_read", totals.maskBitsB);
  addTraffic(counts, machine, o.buffer->name, "read", totals.sumReads * o.buffer->psumBits);
  addTraffic(counts, machine, o.buffer->name, "write", totals.sumWrites * o.buffer->psumBits);
  counts.actions.add("noc", "transfer", totals.deliveredA + totals.deliveredB + totals.sumHops);

  // In the elements. A gated product reads nothing.
  addTraffic(counts, machine, a.registers->name, "write", totals.deliveredA * bits);
  addTraffic(counts, machine, b.registers->name, "write", totals.deliveredB * bits);
  addTraffic(counts, machine, a.registers->name, "read", counts.performed * bits);
  addTraffic(counts, machine, b.registers->name, "read", counts.performed * bits);
  for (const char *action : {"metadata_write", "metadata_read"}) {
    addTraffic(counts, machine, a.registers->name, action, totals.maskDeliveredA);
    addTraffic(counts, machine, b.registers->name, action, totals.maskDeliveredB);
  }
  double sumBits = o.registers->psumBits;
  bool output = array.stationary == Stationary::Output;
  bool passes = !output && !array.skipsAtOwnPace();
  // A sum that passes through an element is kept for a cycle, whether or not something is added to it.
  double sums = passes ? totals.taken : counts.performed;
  addTraffic(counts, machine, o.registers->name, "read", (sums + (output ? totals.sumWrites : 0)) * sumBits);
  addTraffic(counts, machine, o.registers->name, "write", (sums + (output ? totals.sumReads : 0)) * sumBits);

  addAllBufferStalls(counts, machine);
  counts.slots = double(array.rows * array.columns) * counts.cycles;
  return counts;
}

std::vector<isa::Mapping> Spatial::innerMappings(const Contraction &tile, const machine::Machine &machine) const {
  Stationary stationary = Stationary(int(kStationary.of(machine)));
  uint8_t level = uint8_t(machine.levels.size() - 1);
  isa::Mapping mapping;
  auto loop = [&](Rank rank, int64_t factor, LoopKind kind) { addLoop(mapping, rank, factor, level, kind); };
  std::array<int64_t, isa::kNumRanks> inSpace;
  inSpace.fill(1);
  for (bool rows : {true, false}) {
    int64_t room = arraySize(machine, kDimensions[rows ? 0 : 1]);
    std::vector<Rank> ranks = ranksOn(stationary, rows);
    // The innermost rank of a row of windows is the last one of the list, that of a window's positions the first.
    if (ranks.size() == 3 && ranks[0] == Rank::N)
      std::reverse(ranks.begin(), ranks.end());
    for (Rank rank : ranks) {
      int64_t factor = std::min(tile.extent(rank), room);
      inSpace[unsigned(rank)] = factor;
      room /= factor;
    }
  }
  std::vector<Rank> order = {Rank::G, Rank::M, Rank::N, Rank::P, Rank::Q, Rank::R, Rank::S, Rank::C};
  for (Rank rank : order)
    loop(rank, ceilDiv(tile.extent(rank), inSpace[unsigned(rank)]), LoopKind::Temporal);
  for (bool rows : {true, false})
    for (Rank rank : ranksOn(stationary, rows))
      loop(rank, inSpace[unsigned(rank)], rows ? LoopKind::SpatialX : LoopKind::SpatialY);
  return {mapping};
}

} // namespace

const Dataflow &spatial() {
  static const Spatial dataflow;
  return dataflow;
}

} // namespace sparseaccel::dataflow
