//===- EventLoop.cpp - When instructions run ------------------------------===//

#include "EventLoop.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace sparseaccel::sim {

using dataflow::Bound;

Waits waitsOf(const isa::Instruction &instruction) {
  return std::visit(
      [](const isa::CommonFields &fields) {
        return Waits{fields.waitLoad, fields.waitMac, fields.waitVector, fields.waitStore, 0};
      },
      instruction);
}

Unit unitOf(const isa::Instruction &instruction) {
  return std::visit([](const auto &i) { return Unit(std::decay_t<decltype(i)>::kQueue); }, instruction);
}

uint32_t layerOf(const isa::Instruction &instruction) {
  return std::visit([](const isa::CommonFields &fields) { return fields.layer; }, instruction);
}

namespace {

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();
constexpr unsigned kQueues = 4; ///< All units but Host.

class Player {
public:
  Player(absl::Span<InstructionRecord> records, absl::Span<const Waits> waits, bool sharedBus)
      : records(records), waits(waits), sharedBus(sharedBus), done(records.size(), false) {
    for (uint32_t i = 0; i < records.size(); ++i)
      queues[unsigned(records[i].unit)].all.push_back(i);
  }

  uint64_t play() {
    for (;;) {
      bool moved = true;
      while (moved) {
        moved = startHost();
        for (unsigned unit = 0; unit < kQueues; ++unit)
          moved |= start(unit);
      }
      uint64_t next = nextEvent();
      if (next == kNever)
        break;
      advance(next);
    }
    assert(std::all_of(done.begin(), done.end(), [](bool d) { return d; }) && "waits of a verified program end");
    return lastEnd;
  }

private:
  struct Queue {
    std::vector<uint32_t> all; ///< Records of this queue, in order.
    size_t head = 0;           ///< Next to start.
    bool running = false;      ///< all[head - 1] is.
    uint64_t freeAt = 0;       ///< Where it runs and its transfer, if any, is over: when it lets go.
    uint64_t busHalves = 0;    ///< Half bus cycles that its transfer still needs.
    uint64_t free = 0;         ///< Since when the queue is free.
  };

  uint32_t barrier() const {
    const Queue &host = queues[unsigned(Unit::Host)];
    return host.head < host.all.size() ? host.all[host.head] : std::numeric_limits<uint32_t>::max();
  }

  /// Earliest start of an instruction, or kNever while something that it waits for has not ended.
  uint64_t readyAt(unsigned unit, uint32_t record) const {
    uint64_t ready = std::max(queues[unit].free, hostEnd);
    for (unsigned q = 0; q < kQueues; ++q) {
      uint32_t count = waits[record][q];
      if (!count)
        continue;
      if (count > queues[q].all.size() || !done[queues[q].all[count - 1]])
        return kNever;
      ready = std::max(ready, records[queues[q].all[count - 1]].end);
    }
    return ready;
  }

  bool startHost() {
    Queue &host = queues[unsigned(Unit::Host)];
    if (host.head == host.all.size())
      return false;
    uint32_t index = host.all[host.head];
    for (unsigned q = 0; q < kQueues; ++q)
      if (queues[q].running || (queues[q].head < queues[q].all.size() && queues[q].all[queues[q].head] < index))
        return false;
    InstructionRecord &record = records[index];
    record.start = std::max(lastEnd, hostEnd);
    record.freed = record.end = record.start + record.cycles;
    hostEnd = lastEnd = record.end;
    done[index] = true;
    ++host.head;
    return true;
  }

  bool start(unsigned unit) {
    Queue &queue = queues[unit];
    if (queue.running || queue.head == queue.all.size() || queue.all[queue.head] > barrier())
      return false;
    uint32_t index = queue.all[queue.head];
    if (readyAt(unit, index) > now)
      return false;
    InstructionRecord &record = records[index];
    record.start = now;
    queue.running = true;
    queue.freeAt = now + record.cycles;
    queue.busHalves = 2 * record.busCycles;
    ++queue.head;
    finishIfDue(unit);
    return true;
  }

  bool finishIfDue(unsigned unit) {
    Queue &queue = queues[unit];
    if (!queue.running || queue.busHalves || queue.freeAt > now)
      return false;
    uint32_t index = queue.all[queue.head - 1];
    InstructionRecord &record = records[index];
    record.freed = now;
    record.end = now + record.latencyCycles;
    lastEnd = std::max(lastEnd, record.end);
    queue.running = false;
    queue.free = now;
    done[index] = true;
    return true;
  }

  bool transfers(Unit unit) const {
    const Queue &queue = queues[unsigned(unit)];
    return queue.running && queue.busHalves;
  }
  uint64_t halvesPerCycle() const { return sharedBus && transfers(Unit::Load) && transfers(Unit::Store) ? 1 : 2; }

  uint64_t nextEvent() const {
    uint64_t next = kNever, rate = halvesPerCycle();
    for (unsigned unit = 0; unit < kQueues; ++unit) {
      const Queue &queue = queues[unit];
      if (queue.running) {
        next = std::min(next, queue.busHalves ? now + (queue.busHalves + rate - 1) / rate : queue.freeAt);
      } else if (queue.head < queue.all.size() && queue.all[queue.head] < barrier()) {
        uint64_t ready = readyAt(unit, queue.all[queue.head]);
        if (ready > now)
          next = std::min(next, ready);
      }
    }
    return next;
  }

  void advance(uint64_t next) {
    uint64_t moved = (next - now) * halvesPerCycle();
    for (Unit unit : {Unit::Load, Unit::Store}) {
      Queue &queue = queues[unsigned(unit)];
      if (queue.running)
        queue.busHalves -= std::min(queue.busHalves, moved);
    }
    now = next;
    for (unsigned unit = 0; unit < kQueues; ++unit)
      finishIfDue(unit);
  }

  absl::Span<InstructionRecord> records;
  absl::Span<const Waits> waits;
  bool sharedBus;
  std::vector<bool> done;
  std::array<Queue, kNumUnits> queues;
  uint64_t now = 0, lastEnd = 0, hostEnd = 0;
};

} // namespace

uint64_t playInstructions(absl::Span<InstructionRecord> records, absl::Span<const Waits> waits, bool sharedBus) {
  return Player(records, waits, sharedBus).play();
}

std::vector<uint64_t> layerEnds(absl::Span<const InstructionRecord> records, size_t layers) {
  std::vector<uint64_t> ends(layers, 0);
  for (const InstructionRecord &record : records)
    ends[record.layer] = std::max(ends[record.layer], record.end);
  for (size_t i = 1; i < layers; ++i)
    ends[i] = std::max(ends[i], ends[i - 1]);
  return ends;
}

namespace {

/// What `record` is bound by while it holds its queue, as shares of 1.
std::array<double, 6> sharesOf(const InstructionRecord &record) {
  std::array<double, 6> shares{};
  double sum = 0;
  for (double cycles : record.boundCycles)
    sum += cycles;
  if (sum > 0) {
    for (size_t i = 0; i < shares.size(); ++i)
      shares[i] = record.boundCycles[i] / sum;
    return shares;
  }
  Bound bound = record.unit == Unit::Load    ? Bound::DramRead
                : record.unit == Unit::Store ? Bound::DramWrite
                                             : Bound::Mac;
  shares[unsigned(bound)] = 1;
  return shares;
}

} // namespace

std::vector<std::array<double, 6>> attributeBounds(absl::Span<const InstructionRecord> records,
                                                   absl::Span<const Waits> waits, absl::Span<const uint64_t> ends) {
  std::vector<std::array<double, 6>> result(ends.size());
  if (records.empty() || ends.empty())
    return result;
  // Gives [from, to) to the layers in whose time it lies.
  auto give = [&](uint64_t from, uint64_t to, const std::array<double, 6> &shares) {
    while (from < to) {
      size_t layer = size_t(std::upper_bound(ends.begin(), ends.end(), from) - ends.begin());
      if (layer == ends.size())
        return;
      uint64_t until = std::min(to, ends[layer]);
      for (size_t i = 0; i < shares.size(); ++i)
        result[layer][i] += double(until - from) * shares[i];
      from = until;
    }
  };

  std::array<std::vector<uint32_t>, kNumUnits> queues;
  std::vector<uint32_t> position(records.size()), host(records.size(), 0);
  uint32_t lastHost = 0; // One more than the index of the last HOST before.
  for (uint32_t i = 0; i < records.size(); ++i) {
    std::vector<uint32_t> &queue = queues[unsigned(records[i].unit)];
    position[i] = uint32_t(queue.size());
    queue.push_back(i);
    host[i] = lastHost;
    if (records[i].unit == Unit::Host)
      lastHost = i + 1;
  }
  uint32_t at = 0;
  for (uint32_t i = 0; i < records.size(); ++i)
    if (records[i].end > records[at].end)
      at = i;
  uint64_t to = records[at].end;
  std::array<double, 6> sync{};
  sync[unsigned(Bound::Sync)] = 1;
  while (to > 0) {
    const InstructionRecord &record = records[at];
    std::array<double, 6> dram{};
    dram[unsigned(record.unit == Unit::Store ? Bound::DramWrite : Bound::DramRead)] = 1;
    bool moves = record.unit == Unit::Load || record.unit == Unit::Store;
    // Its own cycles, then what the bus took beyond them, then latency.
    uint64_t own = std::min(record.start + record.cycles, to);
    give(record.start, own, sharesOf(record));
    give(own, to, moves ? dram : sync);
    to = record.start;
    if (to == 0)
      break;
    // Who let it start then?
    int64_t before = -1;
    for (unsigned q = 0; q < kQueues && before < 0; ++q)
      if (uint32_t count = waits[at][q]; count && records[queues[q][count - 1]].end == to)
        before = queues[q][count - 1];
    const std::vector<uint32_t> &queue = queues[unsigned(record.unit)];
    if (before < 0 && position[at] > 0 && records[queue[position[at] - 1]].freed == to)
      before = queue[position[at] - 1];
    if (before < 0 && host[at] && records[host[at] - 1].end == to)
      before = host[at] - 1;
    if (before < 0 && record.unit == Unit::Host)
      for (uint32_t i = 0; i < at && before < 0; ++i)
        if (records[i].end == to)
          before = i;
    if (before < 0) {
      give(0, to, sync);
      break;
    }
    at = uint32_t(before);
  }
  return result;
}

} // namespace sparseaccel::sim
