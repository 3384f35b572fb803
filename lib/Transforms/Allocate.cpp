//===- Allocate.cpp - sparse-allocate -------------------------------------===//

#include "ScheduleNetwork.h"

#include "SparseAccel/Transforms/Passes.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

namespace sparseaccel {
#define GEN_PASS_DEF_ALLOCATE
#include "SparseAccel/Transforms/Passes.h.inc"
} // namespace sparseaccel

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::schedule;

namespace {

class Allocator {
public:
  Allocator(accel::ProgramOp program, const machine::Machine &machine)
      : program(program), machine(machine), builder(program.getContext()) {}
  LogicalResult run();

private:
  struct Entry {
    accel::TensorOp op;
    TensorDesc desc; ///< Its granule starts at zero, and becomes the greatest common divisor of all cuts.
    size_t rank = 0;
    bool moved = false;               ///< Some load or store names a box of it.
    double rowMajor = 0, inSlots = 0; ///< Bytes that its loads and stores move under either layout, where it is dense.
  };
  struct Use {
    int slot = -1;
    int tensor = -1;
    int level = -1;
    Box box;
    uint64_t offset = 0, bytes = 0;
    bool sums = false;
  };
  FailureOr<Use> use(Operation *op, accel::OperandAttr operand);
  void readTensors();
  LogicalResult chooseGranules();
  void compareLayouts();
  LogicalResult placeTensors();
  LogicalResult placeSlots();
  std::vector<std::string> splitLayers(std::vector<Slot> &named, ArrayRef<size_t> where);
  std::string layerName(FlatSymbolRefAttr ref);
  void redraw();
  accel::OperandAttr placed(accel::OperandAttr operand);

  accel::ProgramOp program;
  const machine::Machine &machine;
  OpBuilder builder;
  std::vector<Entry> tensors;
  llvm::DenseMap<StringAttr, int> tensorIndex;
  std::vector<accel::TileOpInterface> tiles;
  std::vector<Slot> slots;
  std::vector<std::pair<size_t, size_t>> spans; ///< For each slot its first and its last tile.
  std::vector<std::string> layerNames;          ///< By their number in slots: the model's names.
};

void Allocator::readTensors() {
  for (auto op : program.getBody().front().getOps<accel::TensorOp>()) {
    Entry entry;
    entry.op = op;
    RankedTensorType type = op.getTensorType();
    entry.rank = type.getRank();
    entry.desc.elementBytes = elementBytes(type.getElementType());
    entry.desc.shape = fourRanks(type.getShape());
    entry.desc.dramFormat = sparsity::getFormat(type);
    if (auto buffer = op.getBufferFormatAttr())
      entry.desc.bufferFormat = buffer.getFormat();
    entry.desc.constant = op.getRole() == accel::TensorRole::Constant;
    if (auto values = op.getValueAttr())
      setOwnSlot(entry.desc, cast<ElementsAttr>(values), machine);
    tensorIndex[op.getSymNameAttr()] = static_cast<int>(tensors.size());
    tensors.push_back(std::move(entry));
  }
  for (Operation &op : program.getBody().front())
    if (auto tile = dyn_cast<accel::TileOpInterface>(op))
      tiles.push_back(tile);
}

FailureOr<Allocator::Use> Allocator::use(Operation *op, accel::OperandAttr operand) {
  Use use;
  use.tensor = tensorIndex.lookup(operand.getTensor().getAttr());
  Entry &entry = tensors[use.tensor];
  use.level = machine.levelIndex(operand.getBuffer().getValue().str());
  if (use.level < 0)
    return op->emitOpError() << "names buffer " << operand.getBuffer() << ", which machine '" << machine.name
                             << "' does not have";
  if (!operand.getSlot())
    return op->emitOpError() << "operand in " << operand.getBuffer()
                             << " has no slot: it is allocated already, or sparse-lower-to-tiles did not write it";
  use.slot = static_cast<int>(*operand.getSlot());
  use.box = {fourRanks(operand.getOrigin(), 0), fourRanks(operand.getExtent(), 1)};
  use.offset = operand.getOffset() ? static_cast<uint64_t>(*operand.getOffset()) : 0;
  use.sums = entry.op.isSums();
  use.bytes = use.sums ? (static_cast<uint64_t>(use.box.elements()) * machine.levels[use.level].psumBits + 7) / 8
                       : bufferBytes(entry.desc, entry.desc.granule, use.box.extent);
  return use;
}

LogicalResult Allocator::chooseGranules() {
  std::vector<Coord> cuts(tensors.size(), Coord{0, 0, 0, 0});
  for (accel::TileOpInterface tile : tiles) {
    if (!llvm::isa<accel::LoadOp, accel::StoreOp>(tile))
      continue;
    accel::OperandAttr operand =
        llvm::isa<accel::LoadOp>(tile) ? cast<accel::LoadOp>(*tile).getDst() : cast<accel::StoreOp>(*tile).getSrc();
    int index = tensorIndex.lookup(operand.getTensor().getAttr());
    tensors[index].moved = true;
    Coord origin = fourRanks(operand.getOrigin(), 0), extent = fourRanks(operand.getExtent(), 1);
    for (int d = 0; d < 4; ++d)
      for (int64_t at : {origin[d], origin[d] + extent[d]})
        if (at != tensors[index].desc.shape[d])
          cuts[index][d] = std::gcd(cuts[index][d], at);
  }
  for (auto [index, entry] : llvm::enumerate(tensors)) {
    TensorDesc &desc = entry.desc;
    for (int d = 0; d < 4; ++d)
      desc.granule[d] = cuts[index][d] ? cuts[index][d] : desc.shape[d];
    if (!desc.constant)
      desc.granule[0] = desc.granule[1] = 1;
    Type element = entry.op.getTensorType().getElementType();
    if (!entry.moved || !(element.isInteger(8) || element.isInteger(16)))
      continue;
    SmallVector<int64_t> granule = ownRanks(desc.granule, entry.rank);
    RankedTensorType type = entry.op.getTensorType();
    auto encoding = sparsity::getEncoding(type);
    if (!encoding && ArrayRef<int64_t>(granule) == type.getShape())
      continue;
    encoding = encoding ? encoding.withGranule(granule)
                        : sparsity::EncodingAttr::get(builder.getContext(), formats::Format(), granule);
    entry.op.setTypeAttr(TypeAttr::get(sparsity::withEncoding(type, encoding)));
    if (auto buffer = entry.op.getBufferFormatAttr())
      entry.op.setBufferFormatAttr(buffer.withGranule(granule));
  }
  return success();
}

/// A dense tensor whose boxes are slices of channels moves less where each granule is contiguous.
void Allocator::compareLayouts() {
  for (accel::TileOpInterface tile : tiles) {
    if (!llvm::isa<accel::LoadOp, accel::StoreOp>(tile))
      continue;
    accel::OperandAttr operand =
        llvm::isa<accel::LoadOp>(tile) ? cast<accel::LoadOp>(*tile).getDst() : cast<accel::StoreOp>(*tile).getSrc();
    Entry &entry = tensors[tensorIndex.lookup(operand.getTensor().getAttr())];
    if (!entry.desc.dramFormat.isDense())
      continue;
    Coord extent = fourRanks(operand.getExtent(), 1);
    entry.rowMajor += rowMajorBytes(entry.desc, extent, machine.dram.burstBytes);
    entry.inSlots += denseSlotBytes(entry.desc, entry.desc.granule, extent, machine.dram.burstBytes);
  }
}

LogicalResult Allocator::placeTensors() {
  uint64_t align = std::lcm<uint64_t>(64, std::max<uint32_t>(machine.dram.burstBytes, 1)), cursor = 0;
  // 32-bit integers that a layer leaves behind are the host's, and lie in DRAM; sums never leave their contraction.
  llvm::StringSet<> outputs;
  for (auto layer : program.getBody().front().getOps<accel::LayerOp>())
    if (auto output = layer.getOutputAttr())
      outputs.insert(output.getValue());
  for (Entry &entry : tensors) {
    if (entry.op.isSums() && !outputs.contains(entry.op.getSymName()))
      continue;
    RankedTensorType type = entry.op.getTensorType();
    const TensorDesc &desc = entry.desc;
    cursor = llvm::alignTo(cursor, align);
    entry.op.setOffsetAttr(builder.getI64IntegerAttr(static_cast<int64_t>(cursor)));
    // Only tensors of 8 and 16 bits say their granule.
    bool slots = entry.inSlots < entry.rowMajor && desc.elementBytes <= 2 && type.getElementType().isInteger();
    if (desc.dramFormat.isDense() && !slots) {
      uint64_t bytes = elementBytes(type.getElementType());
      for (int64_t extent : type.getShape())
        bytes *= extent;
      cursor += bytes;
      continue;
    }
    // An encoded tensor that no tile names (only the host touches it) is one granule.
    Coord granule = entry.moved ? desc.granule : desc.shape;
    uint64_t count = 1;
    for (int d = 0; d < 4; ++d)
      count *= ceilDiv(desc.shape[d], granule[d]);
    uint64_t slot = dramSlotBytes(desc, granule, machine.dram.burstBytes);
    entry.op.setSlotBytesAttr(builder.getI64IntegerAttr(static_cast<int64_t>(slot)));
    cursor = llvm::alignTo(cursor + slot * count, align);
    if (desc.dramFormat.isDense())
      continue;
    entry.op.setLengthsAttr(builder.getI64IntegerAttr(static_cast<int64_t>(cursor)));
    cursor += 4 * count;
  }
  program.setDramBytesAttr(builder.getI64IntegerAttr(static_cast<int64_t>(llvm::alignTo(cursor, align))));
  return success();
}

LogicalResult Allocator::placeSlots() {
  // A slot is as large as the largest thing in it, and belongs to the first layer that names it.
  llvm::DenseMap<StringAttr, uint32_t> layers;
  for (auto [index, tile] : llvm::enumerate(tiles)) {
    auto [entry, isNew] = layers.try_emplace(tile.getLayerRef().getAttr(), layers.size());
    uint32_t layer = entry->second;
    if (isNew)
      layerNames.push_back(layerName(tile.getLayerRef()));
    SmallVector<accel::OperandAttr> operands = tile.getReads();
    llvm::append_range(operands, tile.getWrites());
    for (accel::OperandAttr operand : operands) {
      FailureOr<Use> found = use(tile, operand);
      if (failed(found))
        return failure();
      if (found->slot >= static_cast<int>(slots.size())) {
        slots.resize(found->slot + 1);
        spans.resize(slots.size());
      }
      Slot &slot = slots[found->slot];
      spans[found->slot].second = index;
      if (slot.level < 0) {
        spans[found->slot].first = index;
        slot.level = found->level;
        slot.layer = layer;
        slot.name = operand.getBuffer().str();
      }
      slot.bytes = std::max(slot.bytes, found->offset + found->bytes);
    }
  }
  // Slots that nothing names take no room.
  std::vector<Slot> named;
  std::vector<size_t> where;
  for (auto [index, slot] : llvm::enumerate(slots))
    if (slot.level >= 0) {
      named.push_back(slot);
      where.push_back(index);
    }
  std::vector<std::string> owners = splitLayers(named, where);
  // Program order of layers, whatever the numbers of their slots.
  std::vector<size_t> order(named.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) { return named[x].layer < named[y].layer; });
  std::vector<Slot> sorted;
  for (size_t i : order)
    sorted.push_back(named[i]);
  if (absl::Status status = schedule::placeSlots(sorted, machine, owners); !status.ok())
    return emitError(program.getLoc()) << messageOf(status);
  for (auto [position, i] : llvm::enumerate(order))
    slots[where[i]] = sorted[position];
  return success();
}

/// What a layer holds lies side by side, so that its loads run beside its work. Where that is more than a level has
/// room for, as the copies of a concatenation may be, which are one layer and were each seen to fit by themselves, the
/// layer falls into parts that follow one another: no slot is in use in two of them. Slots come back with the numbers
/// of parts for those of layers, in program order; the result names the layer of each part.
std::vector<std::string> Allocator::splitLayers(std::vector<Slot> &named, ArrayRef<size_t> where) {
  std::vector<size_t> byUse(named.size());
  std::iota(byUse.begin(), byUse.end(), 0);
  std::stable_sort(byUse.begin(), byUse.end(), [&](size_t x, size_t y) {
    return std::pair(named[x].layer, spans[where[x]].first) < std::pair(named[y].layer, spans[where[y]].first);
  });
  using Need = SmallVector<uint64_t>; // By level.
  auto fits = [&](const Need &x, const Need &y) {
    for (auto [level, xBytes, yBytes] : llvm::zip(machine.levels, x, y))
      if (xBytes + yBytes > level.sizeBytes * level.instances)
        return false;
    return true;
  };
  std::vector<std::string> owners;
  Need part, none(machine.levels.size(), 0);
  uint32_t layer = UINT32_MAX;
  for (size_t first = 0; first < byUse.size();) {
    // Slots whose uses overlap in time, one after the other.
    uint32_t owner = named[byUse[first]].layer;
    size_t end = first, lastUse = 0;
    Need need = none;
    for (; end < byUse.size() && named[byUse[end]].layer == owner; ++end) {
      const Slot &slot = named[byUse[end]];
      const auto &span = spans[where[byUse[end]]];
      if (end > first && span.first > lastUse)
        break;
      lastUse = std::max(lastUse, span.second);
      need[slot.level] += slotRoom(slot.bytes, machine.levels[slot.level]);
    }
    if (owner != layer || !fits(part, need)) {
      layer = owner;
      part = none;
      owners.push_back(layerNames[owner]);
    }
    for (size_t level = 0; level < need.size(); ++level)
      part[level] += need[level];
    for (; first < end; ++first)
      named[byUse[first]].layer = static_cast<uint32_t>(owners.size()) - 1;
  }
  return owners;
}

std::string Allocator::layerName(FlatSymbolRefAttr ref) {
  auto layer = dyn_cast_or_null<accel::LayerOp>(SymbolTable::lookupSymbolIn(program, ref.getAttr()));
  return layer ? layer.getLabel().str() : ref.getValue().str();
}

accel::OperandAttr Allocator::placed(accel::OperandAttr operand) {
  int64_t offset = static_cast<int64_t>(slots[*operand.getSlot()].offset) + operand.getOffset().value_or(0);
  return accel::OperandAttr::get(builder.getContext(), operand.getBuffer(), std::nullopt, offset, operand.getTensor(),
                                 operand.getOrigin(), operand.getExtent());
}

/// Finds all dependencies anew, now that slots have bytes, and writes offsets.
void Allocator::redraw() {
  std::vector<Access> accesses;
  llvm::DenseMap<StringAttr, int> numerics;
  auto numericsIndex = [&](FlatSymbolRefAttr name) {
    return numerics.try_emplace(name.getAttr(), numerics.size()).first->second;
  };
  for (accel::TileOpInterface tile : tiles) {
    Access access;
    access.queue = static_cast<isa::Queue>(tile.getQueue());
    access.barrier = access.queue == isa::Queue::Host;
    auto add = [&](accel::OperandAttr operand, bool write) {
      Use found = *use(tile, operand);
      uint64_t begin = slots[found.slot].offset + found.offset;
      access.bytes.push_back({found.level, begin, begin + found.bytes, write});
      if (llvm::isa<accel::LoadOp, accel::StoreOp>(tile))
        access.elements.push_back({found.tensor, found.box, !write});
    };
    for (accel::OperandAttr operand : tile.getReads())
      add(operand, false);
    for (accel::OperandAttr operand : tile.getWrites())
      add(operand, true);
    if (auto configure = dyn_cast<accel::ConfigureOp>(*tile))
      access.fetches = numericsIndex(configure.getNumericsAttr());
    else if (auto contract = dyn_cast<accel::ContractOp>(*tile))
      access.uses = numericsIndex(contract.getNumericsAttr());
    else if (auto vector = dyn_cast<accel::VectorOp>(*tile))
      access.uses = numericsIndex(vector.getNumericsAttr());
    accesses.push_back(std::move(access));
  }
  auto dependencies = findDependencies(accesses);
  for (auto [index, tile] : llvm::enumerate(tiles)) {
    SmallVector<Value> after;
    for (uint32_t earlier : dependencies[index])
      after.push_back(tiles[earlier].getEnd());
    tile->setOperands(after);
    TypeSwitch<Operation *>(tile)
        .Case([&](accel::LoadOp op) { op.setDstAttr(placed(op.getDst())); })
        .Case([&](accel::StoreOp op) { op.setSrcAttr(placed(op.getSrc())); })
        .Case([&](accel::ContractOp op) {
          op.setAAttr(placed(op.getA()));
          op.setBAttr(placed(op.getB()));
          op.setOAttr(placed(op.getO()));
        })
        .Case([&](accel::VectorOp op) {
          op.setAAttr(placed(op.getA()));
          if (op.getBAttr())
            op.setBAttr(placed(op.getBAttr()));
          op.setOAttr(placed(op.getO()));
        });
  }
}

LogicalResult Allocator::run() {
  readTensors();
  if (failed(chooseGranules()))
    return failure();
  compareLayouts();
  if (failed(placeTensors()) || failed(placeSlots()))
    return failure();
  redraw();
  return success();
}

struct AllocatePass : sparseaccel::impl::AllocateBase<AllocatePass> {
  using AllocateBase::AllocateBase;

  void runOnOperation() override {
    auto machine = loadMachineFor(getOperation(), this->machine);
    if (failed(machine))
      return signalPassFailure();
    for (auto program : getOperation().getOps<accel::ProgramOp>())
      if (failed(Allocator(program, *machine).run()))
        return signalPassFailure();
  }
};

} // namespace
