//===- VerifyHazards.cpp - Accesses in conflict are ordered by waits --------===//
//
// Every queue is in order, so what is known to have ended when an instruction starts is one number per queue: a vector
// clock. It is the largest of what the queue's previous instruction knew, what the waits name, and what those
// instructions knew in turn. Two accesses by different queues to the same bytes, of which one writes, are safe where
// the later one's clock covers the earlier one. Per buffer, a segment tree over the addresses that occur keeps each
// queue's last read and write; the whole takes O(n log n).
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Target/ISA/Verifier.h"
#include "VerifierImpl.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace sparseaccel::isa {

namespace {

constexpr size_t kClocked = 4; ///< The host queue is a barrier and needs no clock.
using Clock = std::array<uint32_t, kClocked>;

void join(Clock &clock, const Clock &other) {
  for (size_t queue = 0; queue < kClocked; ++queue)
    clock[queue] = std::max(clock[queue], other[queue]);
}

struct Access {
  uint8_t buffer;
  bool writes;
  uint64_t begin, end; ///< Bytes of the buffer.
};

/// Bytes from the first to the last element of a part of an operand's box.
Access bytesOf(const Program &program, const Operand &operand, const Coord &origin,
               const std::array<uint64_t, 4> &extent, bool writes) {
  const Tensor &tensor = program.tensors[operand.tensor];
  bool encoded = !tensor.isSums() && !tensor.bufferFormat.isDense();
  uint64_t first = 0, last = 0;
  for (size_t rank = 0; rank < 4; ++rank) {
    uint64_t granule = encoded && rank < tensor.granule.size() ? tensor.granule[rank] : 1;
    uint64_t span = (operand.extent[rank] + granule - 1) / granule, from = origin[rank] - operand.origin[rank];
    first = first * span + from / granule;
    last = last * span + (from + extent[rank] - 1) / granule;
  }
  Access access{operand.buffer, writes, operand.offset, operand.offset};
  if (tensor.isSums()) {
    uint64_t bits = program.buffers[operand.buffer].psumBits;
    access.begin += first * bits / 8;
    access.end += ((last + 1) * bits + 7) / 8;
  } else {
    uint64_t unit = encoded ? tensor.bufferSlotBytes() : storageBytes(tensor.type);
    access.begin += first * unit;
    access.end += (last + 1) * unit;
  }
  return access;
}

Access wholeBox(const Program &program, const Operand &operand, bool writes) {
  return {operand.buffer, writes, operand.offset, operand.offset + operandBytes(program, operand)};
}

uint64_t reached(uint64_t count, uint64_t stride, uint64_t kernel, uint64_t dilation, uint64_t low, uint64_t high) {
  return (count - 1) * stride + (kernel - 1) * dilation + 1 - low - high;
}

/// What an instruction does to buffers, reads first.
void accessesOf(const Program &program, const Instruction &inst, std::vector<Access> &out) {
  out.clear();
  if (const Load *load = std::get_if<Load>(&inst)) {
    out.push_back(wholeBox(program, load->dst, true));
  } else if (const Store *store = std::get_if<Store>(&inst)) {
    out.push_back(wholeBox(program, store->src, false));
  } else if (const Contract *c = std::get_if<Contract>(&inst)) {
    uint64_t m = uint64_t{c->g} * c->m, rows = reached(c->p, c->strideH, c->r, c->dilationH, c->padTop, c->padBottom);
    uint64_t columns = reached(c->q, c->strideW, c->s, c->dilationW, c->padLeft, c->padRight);
    if (rows && columns)
      out.push_back(bytesOf(program, c->a, c->aOrigin, {c->n, rows, columns, uint64_t{c->g} * c->c}, false));
    out.push_back(bytesOf(program, c->b, c->bOrigin, {m, c->r, c->s, c->c}, false));
    Access sums = bytesOf(program, c->o, c->oOrigin, {c->n, c->p, c->q, m}, false);
    if (c->mode == AccumulateMode::Accumulate)
      out.push_back(sums);
    sums.writes = true;
    out.push_back(sums);
  } else if (const Vector *vector = std::get_if<Vector>(&inst)) {
    out.push_back(wholeBox(program, vector->a, false));
    if (vector->b.buffer != Operand().buffer)
      out.push_back(wholeBox(program, vector->b, false));
    out.push_back(wholeBox(program, vector->o, true));
  }
}

/// The last read and write of each queue, as its instruction's number counted from 1, over the addresses of one buffer.
class AddressTree {
public:
  void addAddress(uint64_t address) { addresses.push_back(address); }

  void build() {
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    for (leaves = 1; leaves < addresses.size(); leaves *= 2) {
    }
    below.assign(2 * leaves, {});
    here.assign(2 * leaves, {});
  }

  struct Last {
    Clock read{}, write{};
  };

  /// The largest numbers anywhere in [begin, end).
  Last last(uint64_t begin, uint64_t end) const {
    Last result;
    visit(1, 0, leaves, place(begin), place(end), [&](size_t node, bool whole) {
      const Last &last = whole ? below[node] : here[node];
      join(result.read, last.read);
      join(result.write, last.write);
    });
    return result;
  }

  void record(uint64_t begin, uint64_t end, size_t queue, uint32_t number, bool writes) {
    visit(1, 0, leaves, place(begin), place(end), [&](size_t node, bool whole) {
      Clock &sub = writes ? below[node].write : below[node].read;
      sub[queue] = std::max(sub[queue], number);
      if (whole) {
        Clock &tag = writes ? here[node].write : here[node].read;
        tag[queue] = std::max(tag[queue], number);
      }
    });
  }

private:
  size_t place(uint64_t address) const {
    return static_cast<size_t>(std::lower_bound(addresses.begin(), addresses.end(), address) - addresses.begin());
  }

  /// Calls `f(node, whether all of it lies in [begin, end))` for the nodes from the root to the range's parts.
  template <typename F>
  void visit(size_t node, size_t low, size_t high, size_t begin, size_t end, F &&f) const {
    if (begin >= high || end <= low)
      return;
    bool whole = begin <= low && high <= end;
    f(node, whole);
    if (whole)
      return;
    size_t middle = (low + high) / 2;
    visit(2 * node, low, middle, begin, end, f);
    visit(2 * node + 1, middle, high, begin, end, f);
  }

  std::vector<uint64_t> addresses;
  size_t leaves = 1;
  std::vector<Last> here;  ///< Recorded for the whole of a node.
  std::vector<Last> below; ///< The largest recorded for any part of a node.
};

/// Bytes that have been written, as disjoint ranges.
class Written {
public:
  void add(uint64_t begin, uint64_t end) {
    auto at = ranges.upper_bound(begin);
    if (at != ranges.begin() && std::prev(at)->second >= begin)
      --at;
    while (at != ranges.end() && at->first <= end) {
      begin = std::min(begin, at->first);
      end = std::max(end, at->second);
      at = ranges.erase(at);
    }
    ranges.emplace(begin, end);
  }
  /// The first byte of [begin, end) that has not been written.
  std::optional<uint64_t> gap(uint64_t begin, uint64_t end) const {
    auto at = ranges.upper_bound(begin);
    if (at == ranges.begin() || std::prev(at)->second <= begin)
      return begin;
    return std::prev(at)->second < end ? std::optional(std::prev(at)->second) : std::nullopt;
  }

private:
  std::map<uint64_t, uint64_t> ranges;
};

/// An access to a tensor in DRAM by the load or the store queue.
struct DramAccess {
  uint32_t number; ///< In its queue, from 1.
  uint32_t tensor;
  Coord origin, extent;
};

class HazardVerifier {
public:
  explicit HazardVerifier(const Program &program)
      : program(program), trees(program.buffers.size()), written(program.buffers.size()),
        classes(reshapeClasses(program)), loads(program.tensors.size()), stores(program.tensors.size()),
        configured(program.numerics.size(), 0) {
    for (const Instruction &inst : program.instructions) {
      accessesOf(program, inst, accesses);
      for (const Access &access : accesses) {
        trees[access.buffer].addAddress(access.begin);
        trees[access.buffer].addAddress(access.end);
      }
    }
    for (AddressTree &tree : trees)
      tree.build();
  }

  absl::Status run() {
    for (size_t i = 0; i < program.instructions.size(); ++i)
      SPARSEACCEL_RETURN_IF_ERROR(
          within(absl::StrCat("instruction ", i, " (", toString(opcodeOf(program.instructions[i])), ")"),
                 step(program.instructions[i])));
    return absl::OkStatus();
  }

private:
  absl::Status step(const Instruction &inst) {
    size_t queue = static_cast<size_t>(queueOf(inst));
    if (queue >= kClocked) { // Starts when all has ended, and all that follows starts after it.
      for (size_t q = 0; q < kClocked; ++q)
        barrier[q] = static_cast<uint32_t>(history[q].size());
      return absl::OkStatus();
    }
    const CommonFields &fields = common(inst);
    Clock clock = history[queue].empty() ? barrier : history[queue].back();
    join(clock, barrier);
    const Clock waits = {fields.waitLoad, fields.waitMac, fields.waitVector, fields.waitStore};
    for (size_t q = 0; q < kClocked; ++q)
      if (waits[q])
        join(clock, history[q][waits[q] - 1]);
    join(clock, waits);
    uint32_t number = static_cast<uint32_t>(history[queue].size()) + 1;

    SPARSEACCEL_RETURN_IF_ERROR(checkNumerics(inst, clock, number));
    SPARSEACCEL_RETURN_IF_ERROR(checkBuffers(inst, clock, queue, number));
    SPARSEACCEL_RETURN_IF_ERROR(checkDram(inst, clock, number));
    history[queue].push_back(clock);
    history[queue].back()[queue] = number; // What is known once it has ended.
    return absl::OkStatus();
  }

  absl::Status checkNumerics(const Instruction &inst, const Clock &clock, uint32_t number) {
    uint32_t index = 0;
    if (const Configure *configure = std::get_if<Configure>(&inst)) {
      configured[configure->numerics] = number;
      return absl::OkStatus();
    }
    if (const Contract *contract = std::get_if<Contract>(&inst)) {
      if (contract->mode != AccumulateMode::Bias)
        return absl::OkStatus();
      index = contract->numerics;
    } else if (const Vector *vector = std::get_if<Vector>(&inst)) {
      if (vector->kind == VectorKind::MaxPool || vector->kind == VectorKind::AvgPool ||
          vector->kind == VectorKind::Copy)
        return absl::OkStatus();
      index = vector->numerics;
    } else {
      return absl::OkStatus();
    }
    if (configured[index] == 0)
      return invalid("numerics ", index, " '", program.numerics[index].name,
                     "' is used, but no 'configure' before it fetches it");
    if (clock[0] < configured[index])
      return invalid("numerics ", index, " '", program.numerics[index].name, "' is fetched by instruction ",
                     configured[index] - 1, " of the load queue, but only ", clock[0], " are known to have ended");
    return absl::OkStatus();
  }

  absl::Status checkBuffers(const Instruction &inst, const Clock &clock, size_t queue, uint32_t number) {
    accessesOf(program, inst, accesses);
    for (const Access &access : accesses) {
      const std::string &buffer = program.buffers[access.buffer].name;
      if (!access.writes)
        if (std::optional<uint64_t> gap = written[access.buffer].gap(access.begin, access.end))
          return invalid("reads byte ", *gap, " of buffer '", buffer, "', which nothing has written");
      AddressTree::Last last = trees[access.buffer].last(access.begin, access.end);
      for (size_t other = 0; other < kClocked; ++other) {
        if (other == queue)
          continue;
        uint32_t before = access.writes ? std::max(last.read[other], last.write[other]) : last.write[other];
        if (before > clock[other])
          return invalid(access.writes ? "writes" : "reads", " bytes [", access.begin, ", ", access.end,
                         ") of buffer '", buffer, "' that instruction ", before - 1, " of the ",
                         toString(static_cast<Queue>(other)), " queue ",
                         before == last.write[other] ? "writes" : "reads", ", but only ", clock[other],
                         " of that queue are known to have ended");
      }
    }
    for (const Access &access : accesses) {
      trees[access.buffer].record(access.begin, access.end, queue, number, access.writes);
      if (access.writes)
        written[access.buffer].add(access.begin, access.end);
    }
    return absl::OkStatus();
  }

  bool overlap(const DramAccess &a, const DramAccess &b) const {
    if (a.tensor != b.tensor) // Other shapes over the same bytes.
      return true;
    for (size_t rank = 0; rank < 4; ++rank)
      if (uint64_t{a.origin[rank]} + a.extent[rank] <= b.origin[rank] ||
          uint64_t{b.origin[rank]} + b.extent[rank] <= a.origin[rank])
        return false;
    return true;
  }

  absl::Status checkDram(const Instruction &inst, const Clock &clock, uint32_t number) {
    const Load *load = std::get_if<Load>(&inst);
    const Store *store = std::get_if<Store>(&inst);
    if (!load && !store)
      return absl::OkStatus();
    const Operand &operand = load ? load->dst : store->src;
    DramAccess access{number, operand.tensor, operand.origin, operand.extent};
    Queue other = load ? Queue::Store : Queue::Load;
    uint32_t ended = clock[static_cast<size_t>(other)];
    const std::vector<DramAccess> &others = (load ? stores : loads)[classes[operand.tensor]];
    // Only accesses that may still run matter, and they are the last ones.
    for (auto at = others.rbegin(); at != others.rend() && at->number > ended; ++at)
      if (overlap(access, *at))
        return invalid(load ? "reads" : "writes", " a box of tensor '", program.tensors[operand.tensor].name,
                       "' in DRAM that instruction ", at->number - 1, " of the ", toString(other), " queue ",
                       load ? "writes" : "reads", ", but only ", ended, " of that queue are known to have ended");
    (load ? loads : stores)[classes[operand.tensor]].push_back(access);
    return absl::OkStatus();
  }

  const Program &program;
  std::vector<AddressTree> trees;
  std::vector<Written> written;
  std::vector<uint32_t> classes;
  std::vector<std::vector<DramAccess>> loads, stores; ///< By class of tensors.
  std::vector<uint32_t> configured; ///< The load queue's number of the last CONFIGURE of each entry; 0: none.
  std::array<std::vector<Clock>, kClocked> history; ///< What is known when the queue's k-th instruction has ended.
  Clock barrier{};
  std::vector<Access> accesses;
};

} // namespace

absl::Status verifyHazards(const Program &program) { return HazardVerifier(program).run(); }

absl::Status verify(const Program &program) {
  SPARSEACCEL_RETURN_IF_ERROR(verifyTables(program));
  SPARSEACCEL_RETURN_IF_ERROR(verifyInstructions(program));
  return verifyHazards(program);
}

} // namespace sparseaccel::isa
