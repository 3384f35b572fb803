//===- Plan.cpp - From tilings to a list of steps -------------------------===//

#include "Schedule/Plan.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <numeric>

namespace sparseaccel::schedule {

using isa::Opcode;
using isa::Queue;
using isa::Rank;
using RankIndex = std::array<int64_t, isa::kNumRanks>;

isa::Queue queueOf(Opcode kind) {
  switch (kind) {
  case Opcode::Configure:
  case Opcode::Load:
    return Queue::Load;
  case Opcode::Contract:
    return Queue::Mac;
  case Opcode::Vector:
    return Queue::Vector;
  case Opcode::Store:
    return Queue::Store;
  case Opcode::Host:
  case Opcode::Halt:
    break;
  }
  return Queue::Host;
}

absl::Status checkOrder(const LayerDesc &layer, const Tiling &tiling) {
  RankIndex counts = tileCounts(layer, tiling);
  auto count = [&](Rank rank) { return counts[static_cast<unsigned>(rank)]; };
  bool insideC = false;
  for (Rank rank : tiling.order) {
    if (rank == Rank::C && count(rank) > 1)
      insideC = true;
    else if (insideC && count(rank) > 1)
      return absl::InvalidArgumentError(absl::StrCat(
          "layer '", layer.name,
          "': the loop over C must be the innermost one at the DRAM level, because sums stay in their buffer"));
  }
  if (count(Rank::R) > 1 || count(Rank::S) > 1)
    return absl::InvalidArgumentError(
        absl::StrCat("layer '", layer.name, "': R and S cannot be tiled at the DRAM level"));
  if (tiling.extent(Rank::G) > 1 && (count(Rank::M) > 1 || count(Rank::C) > 1))
    return absl::InvalidArgumentError(absl::StrCat("layer '", layer.name,
                                                   "': M and C can be tiled only where a tile holds one group, not ",
                                                   tiling.extent(Rank::G)));
  return absl::OkStatus();
}

namespace {

class Planner {
public:
  Planner(const std::vector<TensorDesc> &tensors, const machine::Machine &machine, Plan &plan)
      : tensors(tensors), machine(machine), plan(plan) {}
  absl::Status layer(uint32_t index, const LayerDesc &layer, const Tiling &tiling, const SlotLayout &layout);

private:
  /// The slots of one operand, and what they hold.
  struct Ring {
    std::vector<int> slots;
    std::vector<Box> holds;
    std::vector<uint64_t> lastUse;
    unsigned next = 0;
  };
  Ring makeRing(uint32_t layer, const SlotNeed &need, absl::string_view name);
  /// A load of this box unless it is there.
  Piece fetch(uint32_t layer, Ring &ring, const View &view, Box box);
  Piece take(Ring &ring, const View &view, Box box);
  static Box inTensor(const View &view, Box box) {
    for (int d = 0; d < 4; ++d)
      box.origin[d] += view.origin[d];
    return box;
  }
  void drain(uint32_t index, const LayerDesc &layer, const SlotLayout &layout, const Piece &sums, const Box &tile,
             Ring &ring);

  const std::vector<TensorDesc> &tensors;
  const machine::Machine &machine;
  Plan &plan;
  uint64_t clock = 0;
};

Planner::Ring Planner::makeRing(uint32_t layer, const SlotNeed &need, absl::string_view name) {
  Ring ring;
  for (unsigned copy = 0; copy < need.copies; ++copy) {
    ring.slots.push_back(static_cast<int>(plan.slots.size()));
    plan.slots.push_back({need.level, layer, absl::StrCat(name, copy), need.bytes, 0});
  }
  ring.holds.resize(need.copies, Box{{0, 0, 0, 0}, {0, 0, 0, 0}});
  ring.lastUse.resize(need.copies, 0);
  return ring;
}

Piece Planner::fetch(uint32_t layer, Ring &ring, const View &view, Box box) {
  box = inTensor(view, box);
  const TensorDesc &tensor = tensors[view.tensor];
  Piece piece{ring.slots[0], view.tensor, false, box, 0, bufferBytes(tensor, tensor.granule, box.extent)};
  size_t oldest = 0;
  for (size_t i = 0; i < ring.slots.size(); ++i) {
    if (ring.holds[i] == box) {
      piece.slot = ring.slots[i];
      ring.lastUse[i] = ++clock;
      ++plan.elidedLoads;
      return piece;
    }
    if (ring.lastUse[i] < ring.lastUse[oldest])
      oldest = i;
  }
  ring.holds[oldest] = box;
  ring.lastUse[oldest] = ++clock;
  piece.slot = ring.slots[oldest];
  Step load;
  load.kind = Opcode::Load;
  load.layer = layer;
  load.o = piece;
  plan.steps.push_back(std::move(load));
  return piece;
}

Piece Planner::take(Ring &ring, const View &view, Box box) {
  box = inTensor(view, box);
  const TensorDesc &tensor = tensors[view.tensor];
  Piece piece{ring.slots[ring.next], view.tensor, false, box, 0, bufferBytes(tensor, tensor.granule, box.extent)};
  ring.next = (ring.next + 1) % ring.slots.size();
  return piece;
}

/// Rescales the sums of a tile and stores the result, piece by piece.
void Planner::drain(uint32_t index, const LayerDesc &layer, const SlotLayout &layout, const Piece &sums,
                    const Box &tile, Ring &ring) {
  unsigned psumBits = machine.levels[layout.sums.level].psumBits;
  auto emit = [&](const Box &box) {
    int64_t before = ((box.origin[0] - tile.origin[0]) * tile.extent[1] + (box.origin[1] - tile.origin[1])) *
                     tile.extent[2] * tile.extent[3];
    Step rescale;
    rescale.kind = Opcode::Vector;
    rescale.layer = index;
    rescale.vector = isa::VectorKind::Rescale;
    rescale.a = sums;
    rescale.a.box = box;
    rescale.a.offset += static_cast<uint64_t>(before) * psumBits / 8;
    rescale.a.bytes = (static_cast<uint64_t>(box.elements()) * psumBits + 7) / 8;
    rescale.o = take(ring, layer.o, box);
    Step store;
    store.kind = Opcode::Store;
    store.layer = index;
    store.a = rescale.o;
    plan.steps.push_back(std::move(rescale));
    plan.steps.push_back(std::move(store));
  };
  if (!layout.oRows)
    return emit(tile);
  for (int64_t n = 0; n < tile.extent[0]; ++n)
    for (int64_t row = 0; row < tile.extent[1]; row += layout.oRows) {
      Box box = tile;
      box.origin[0] += n;
      box.extent[0] = 1;
      box.origin[1] += row;
      box.extent[1] = std::min(layout.oRows, tile.extent[1] - row);
      emit(box);
    }
}

absl::Status Planner::layer(uint32_t index, const LayerDesc &layer, const Tiling &tiling, const SlotLayout &layout) {
  if (layer.cls == LayerClass::Host) {
    Step step;
    step.kind = Opcode::Host;
    step.layer = index;
    plan.steps.push_back(step);
    return absl::OkStatus();
  }
  if (absl::Status status = checkOrder(layer, tiling); !status.ok())
    return status;
  if (layer.configured) {
    Step configure;
    configure.kind = Opcode::Configure;
    configure.layer = index;
    plan.steps.push_back(configure);
  }
  Ring b = makeRing(index, layout.b, "b"), a = makeRing(index, layout.a, "a"),
       sums = makeRing(index, layout.sums, "sums"), o = makeRing(index, layout.o, "o");

  RankIndex counts = tileCounts(layer, tiling), number{};
  std::vector<Rank> order;
  for (Rank rank : tiling.order)
    if (counts[static_cast<unsigned>(rank)] > 1)
      order.push_back(rank);
  bool contraction = layer.cls == LayerClass::Contraction;
  int64_t lastC = counts[static_cast<unsigned>(Rank::C)] - 1;
  Piece current;
  while (true) {
    TileBoxes boxes = tileBoxes(layer, tiling, number);
    int64_t c = contraction ? number[static_cast<unsigned>(Rank::C)] : 0;
    Step step;
    step.layer = index;
    step.shape = boxes.shape;
    if (layer.b.tensor >= 0)
      step.b = fetch(index, b, layer.b, boxes.b);
    step.a = fetch(index, a, layer.a, boxes.a);
    for (int d = 0; d < 4; ++d)
      step.aOrigin[d] = boxes.aRead[d] + layer.a.origin[d];
    step.bOrigin = step.b.box.origin;
    step.oOrigin = boxes.o.origin;
    if (contraction) {
      step.kind = Opcode::Contract;
      step.mode = c > 0          ? isa::AccumulateMode::Accumulate
                  : layer.biased ? isa::AccumulateMode::Bias
                                 : isa::AccumulateMode::Clear;
      if (c == 0) {
        uint64_t bits = static_cast<uint64_t>(boxes.o.elements()) * machine.levels[layout.sums.level].psumBits;
        current = Piece{sums.slots[sums.next], layer.o.tensor, true, boxes.o, 0, (bits + 7) / 8};
        sums.next = (sums.next + 1) % sums.slots.size();
      }
      step.o = current;
      plan.steps.push_back(std::move(step));
      if (c == lastC)
        drain(index, layer, layout, current, boxes.o, o);
    } else {
      step.kind = Opcode::Vector;
      step.vector = layer.vector;
      step.o = take(o, layer.o, boxes.o);
      Step store;
      store.kind = Opcode::Store;
      store.layer = index;
      store.a = step.o;
      plan.steps.push_back(std::move(step));
      plan.steps.push_back(std::move(store));
    }
    // Odometer, innermost loop last.
    size_t i = order.size();
    while (i > 0) {
      unsigned rank = static_cast<unsigned>(order[i - 1]);
      if (++number[rank] < counts[rank])
        break;
      number[rank] = 0;
      --i;
    }
    if (i == 0)
      break;
  }
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<Plan> planTiles(const std::vector<LayerDesc> &layers, const std::vector<Tiling> &tilings,
                               const std::vector<SlotLayout> &layouts, const std::vector<TensorDesc> &tensors,
                               const machine::Machine &machine) {
  Plan plan;
  Planner planner(tensors, machine, plan);
  for (size_t i = 0; i < layers.size(); ++i)
    if (absl::Status status = planner.layer(static_cast<uint32_t>(i), layers[i], tilings[i], layouts[i]); !status.ok())
      return status;
  std::vector<Access> accesses;
  accesses.reserve(plan.steps.size());
  for (const Step &step : plan.steps)
    accesses.push_back(accessOf(step, plan, false));
  auto dependencies = findDependencies(accesses);
  for (size_t i = 0; i < plan.steps.size(); ++i)
    plan.steps[i].after = std::move(dependencies[i]);
  return plan;
}

absl::Status placeSlots(std::vector<Slot> &slots, const machine::Machine &machine,
                        const std::vector<std::string> &owners) {
  auto room = [&](const Slot &slot) { return slotRoom(slot.bytes, machine.levels[slot.level]); };
  std::vector<uint64_t> cursor(machine.levels.size());
  for (size_t first = 0; first < slots.size();) {
    size_t end = first;
    std::vector<uint64_t> need(machine.levels.size());
    while (end < slots.size() && slots[end].layer == slots[first].layer) {
      need[slots[end].level] += room(slots[end]);
      ++end;
    }
    for (size_t level = 0; level < need.size(); ++level) {
      if (!need[level])
        continue;
      uint64_t capacity = machine.levels[level].sizeBytes * machine.levels[level].instances;
      if (need[level] > capacity) {
        uint32_t layer = slots[first].layer;
        std::string owner = layer < owners.size() ? owners[layer] : absl::StrCat("number ", layer);
        return absl::ResourceExhaustedError(absl::StrCat("layer '", owner, "' needs ", need[level], " bytes in level '",
                                                         machine.levels[level].name, "', which has ", capacity));
      }
      if (cursor[level] + need[level] > capacity)
        cursor[level] = 0;
    }
    for (; first < end; ++first) {
      slots[first].offset = cursor[slots[first].level];
      cursor[slots[first].level] += room(slots[first]);
    }
  }
  return absl::OkStatus();
}

Access accessOf(const Step &step, const Plan &plan, bool placed) {
  Access access;
  access.queue = queueOf(step.kind);
  access.barrier = access.queue == Queue::Host;
  auto bytes = [&](const Piece &piece, bool write) {
    if (piece.slot < 0)
      return;
    const Slot &slot = plan.slots[piece.slot];
    uint64_t begin = piece.offset + (placed ? slot.offset : 0);
    access.bytes.push_back({placed ? slot.level : piece.slot, begin, begin + piece.bytes, write});
  };
  bytes(step.a, false);
  bytes(step.b, false);
  bytes(step.o, true);
  if (step.kind == Opcode::Load)
    access.elements.push_back({step.o.tensor, step.o.box, false});
  if (step.kind == Opcode::Store)
    access.elements.push_back({step.a.tensor, step.a.box, true});
  if (step.kind == Opcode::Configure)
    access.fetches = static_cast<int>(step.layer);
  if (step.kind == Opcode::Contract || step.kind == Opcode::Vector)
    access.uses = static_cast<int>(step.layer);
  return access;
}

std::vector<std::vector<uint32_t>> findDependencies(const std::vector<Access> &accesses) {
  constexpr unsigned kQueues = isa::kNumQueues;
  constexpr int64_t kNone = -1;
  struct Extent {
    uint64_t begin, end;
    std::array<int64_t, kQueues> lastRead, lastWrite;
  };
  struct Stored {
    Box box;
    int64_t step;
  };
  std::vector<std::vector<Extent>> spaces;
  std::vector<std::vector<Stored>> stores, loads;
  std::vector<int64_t> fetched;
  // What each step is known to follow: the last step of each queue that has ended when it starts.
  std::vector<std::array<int64_t, kQueues>> known(accesses.size());
  std::array<int64_t, kQueues> lastOfQueue;
  lastOfQueue.fill(kNone);
  int64_t barrier = kNone;

  auto sized = [](auto &list, int index) -> auto & {
    if (index >= static_cast<int>(list.size()))
      list.resize(index + 1);
    return list[index];
  };
  std::vector<std::vector<uint32_t>> result(accesses.size());
  for (size_t i = 0; i < accesses.size(); ++i) {
    const Access &access = accesses[i];
    unsigned own = static_cast<unsigned>(access.queue);
    std::array<int64_t, kQueues> need;
    need.fill(kNone);
    auto want = [&](unsigned queue, int64_t step) { need[queue] = std::max(need[queue], step); };

    for (const Access::Bytes &bytes : access.bytes)
      for (const Extent &extent : sized(spaces, bytes.space)) {
        if (extent.begin >= bytes.end || bytes.begin >= extent.end)
          continue;
        for (unsigned q = 0; q < kQueues; ++q) {
          want(q, extent.lastWrite[q]);
          if (bytes.write)
            want(q, extent.lastRead[q]);
        }
      }
    for (const Access::Elements &elements : access.elements) {
      for (const Stored &stored : sized(stores, elements.tensor))
        if (stored.box.overlaps(elements.box))
          want(static_cast<unsigned>(Queue::Store), stored.step);
      if (elements.write)
        for (const Stored &loaded : sized(loads, elements.tensor))
          if (loaded.box.overlaps(elements.box))
            want(static_cast<unsigned>(Queue::Load), loaded.step);
    }
    if (access.uses >= 0 && access.uses < static_cast<int>(fetched.size()) && fetched[access.uses] > kNone)
      want(static_cast<unsigned>(Queue::Load), fetched[access.uses]);

    // A barrier needs no waits, nor does anything need to wait for what came before one.
    std::array<int64_t, kQueues> follows;
    follows.fill(barrier);
    auto learn = [&](int64_t step) {
      for (unsigned q = 0; q < kQueues; ++q)
        follows[q] = std::max(follows[q], known[step][q]);
    };
    if (lastOfQueue[own] > kNone) {
      learn(lastOfQueue[own]);
      follows[own] = std::max(follows[own], lastOfQueue[own]);
    }
    if (!access.barrier) {
      // The latest step first: what it follows may make the others redundant.
      std::array<unsigned, kQueues> byAge;
      for (unsigned q = 0; q < kQueues; ++q)
        byAge[q] = q;
      std::sort(byAge.begin(), byAge.end(), [&](unsigned x, unsigned y) { return need[x] > need[y]; });
      for (unsigned q : byAge) {
        if (q == own || need[q] <= follows[q])
          continue;
        result[i].push_back(static_cast<uint32_t>(need[q]));
        learn(need[q]);
        follows[q] = std::max(follows[q], need[q]);
      }
      std::sort(result[i].begin(), result[i].end());
    } else {
      for (unsigned q = 0; q < kQueues; ++q)
        follows[q] = std::max(follows[q], static_cast<int64_t>(i) - 1);
      barrier = static_cast<int64_t>(i);
      for (auto &space : spaces)
        space.clear();
      for (auto &list : stores)
        list.clear();
      for (auto &list : loads)
        list.clear();
    }
    known[i] = follows;
    lastOfQueue[own] = static_cast<int64_t>(i);

    for (const Access::Bytes &bytes : access.bytes) {
      auto &extents = sized(spaces, bytes.space);
      auto same = std::find_if(extents.begin(), extents.end(),
                               [&](const Extent &e) { return e.begin == bytes.begin && e.end == bytes.end; });
      if (bytes.write) {
        // Whoever comes later and conflicts with what is overwritten here conflicts with this step too, which follows
        // all of it.
        std::erase_if(extents, [&](const Extent &e) {
          return e.begin >= bytes.begin && e.end <= bytes.end && !(e.begin == bytes.begin && e.end == bytes.end);
        });
        same = std::find_if(extents.begin(), extents.end(),
                            [&](const Extent &e) { return e.begin == bytes.begin && e.end == bytes.end; });
      }
      if (same == extents.end()) {
        Extent extent{bytes.begin, bytes.end, {}, {}};
        extent.lastRead.fill(kNone);
        extent.lastWrite.fill(kNone);
        same = extents.insert(extents.end(), extent);
      }
      (bytes.write ? same->lastWrite : same->lastRead)[own] = static_cast<int64_t>(i);
    }
    for (const Access::Elements &elements : access.elements)
      sized(elements.write ? stores : loads, elements.tensor).push_back({elements.box, static_cast<int64_t>(i)});
    if (access.fetches >= 0) {
      if (access.fetches >= static_cast<int>(fetched.size()))
        fetched.resize(access.fetches + 1, kNone);
      fetched[access.fetches] = static_cast<int64_t>(i);
    }
  }
  return result;
}

} // namespace sparseaccel::schedule
