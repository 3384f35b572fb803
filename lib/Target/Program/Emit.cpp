//===- Emit.cpp - Tile operations to a program ----------------------------===//

#include "SparseAccel/Target/Program/Emit.h"

#include "SparseAccel/Dialect/Accel/Conversions.h"
#include "SparseAccel/Dialect/Sparsity/Constants.h"
#include "SparseAccel/Target/ISA/Container.h"
#include "SparseAccel/Target/ISA/Slots.h"
#include "SparseAccel/Target/ISA/Verifier.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sparseaccel;

namespace {

class Emitter {
public:
  explicit Emitter(accel::ProgramOp op) : op(op) {}
  FailureOr<isa::Program> run();
  isa::Estimates estimates; ///< After run().

private:
  LogicalResult estimate(accel::LayerOp layer);
  LogicalResult tensor(accel::TensorOp tensor);
  LogicalResult constant(accel::TensorOp tensor, isa::Tensor &entry);
  LogicalResult instruction(accel::TileOpInterface tile);
  LogicalResult common(accel::TileOpInterface tile, isa::CommonFields &fields);
  FailureOr<isa::Operand> operand(Operation *at, accel::OperandAttr attr);
  FailureOr<uint32_t> safSet(accel::ContractOp contract);
  FailureOr<uint32_t> mapping(accel::ContractOp contract);
  uint32_t tensorIndex(FlatSymbolRefAttr name) { return tensors.lookup(name.getAttr()); }

  accel::ProgramOp op;
  isa::Program program;
  llvm::DenseMap<StringAttr, uint32_t> buffers, tensors, numerics, layers;
  llvm::DenseMap<Attribute, uint32_t> mappings, safSets, numericsByEntry;
  /// Of each token: the queue, and how many instructions of that queue there are up to its own.
  llvm::DenseMap<Value, std::pair<isa::Queue, uint32_t>> tokens;
  std::array<uint32_t, isa::kNumQueues> counts{};
};

/// Calls `f(origin, extent)` for every granule in grid order.
template <typename F>
void forEachGranule(const isa::Tensor &tensor, F &&f) {
  size_t rank = tensor.shape.size();
  SmallVector<uint32_t> origin(rank, 0), extent(rank);
  while (true) {
    for (size_t d = 0; d < rank; ++d)
      extent[d] = std::min(tensor.granule[d], tensor.shape[d] - origin[d]);
    f(origin, extent);
    size_t d = rank;
    while (d > 0 && (origin[d - 1] += tensor.granule[d - 1]) >= tensor.shape[d - 1])
      origin[--d] = 0;
    if (d == 0)
      return;
  }
}

/// Copies a box, innermost rank in runs.
void copyBox(const char *data, ArrayRef<uint32_t> shape, ArrayRef<uint32_t> origin, ArrayRef<uint32_t> extent,
             unsigned bytes, std::vector<char> &out) {
  out.clear();
  size_t rank = shape.size();
  SmallVector<uint32_t> at(rank, 0);
  while (true) {
    size_t offset = 0;
    for (size_t d = 0; d < rank; ++d)
      offset = offset * shape[d] + origin[d] + at[d];
    const char *first = data + offset * bytes;
    out.insert(out.end(), first, first + static_cast<size_t>(rank ? extent[rank - 1] : 1) * bytes);
    size_t d = rank ? rank - 1 : 0;
    while (d > 0 && ++at[d - 1] >= extent[d - 1])
      at[--d] = 0;
    if (d == 0)
      return;
  }
}

} // namespace

LogicalResult Emitter::constant(accel::TensorOp tensor, isa::Tensor &entry) {
  unsigned bytes = isa::storageBytes(entry.type);
  size_t dense = entry.elements() * bytes;
  std::vector<char> storage;
  ArrayRef<char> data = sparsity::constantBytes(*tensor.getValue(), storage);
  if (data.size() != dense)
    return tensor.emitOpError() << "value has " << data.size() << " bytes, but " << dense << " are needed";
  program.constants.resize(llvm::alignTo(program.constants.size(), 8));
  entry.constantOffset = program.constants.size();
  if (!isa::liesInSlots(entry)) {
    program.constants.insert(program.constants.end(), data.begin(), data.end());
    return success();
  }
  program.constants.resize(entry.constantOffset + entry.dramBytes());
  std::vector<char> box;
  std::vector<uint8_t> encoded;
  size_t slot = entry.constantOffset;
  LogicalResult result = success();
  forEachGranule(entry, [&](ArrayRef<uint32_t> origin, ArrayRef<uint32_t> extent) {
    if (failed(result))
      return;
    copyBox(data.data(), entry.shape, origin, extent, bytes, box);
    encoded.clear();
    formats::DenseView granule{box.data(), bytes, absl::MakeConstSpan(extent.data(), extent.size())};
    if (absl::Status status = formats::checkValues(entry.dramFormat, granule); !status.ok()) {
      result = tensor.emitOpError() << "granule " << entry.constantLengths.size() << ": "
                                    << std::string(status.message());
      return;
    }
    if (entry.dramFormat.isDense())
      encoded.assign(box.begin(), box.end());
    else
      formats::encode(entry.dramFormat, granule, encoded);
    if (encoded.size() > entry.slotBytes) {
      result = tensor.emitOpError() << "a granule takes " << encoded.size() << " bytes, more than its slot of "
                                    << entry.slotBytes;
      return;
    }
    std::copy(encoded.begin(), encoded.end(), program.constants.begin() + static_cast<std::ptrdiff_t>(slot));
    if (!entry.dramFormat.isDense())
      entry.constantLengths.push_back(static_cast<uint32_t>(encoded.size()));
    slot += entry.slotBytes;
  });
  return result;
}

LogicalResult Emitter::tensor(accel::TensorOp tensor) {
  isa::Tensor entry;
  RankedTensorType type = tensor.getTensorType();
  entry.name = tensor.getSymName().str();
  if (auto name = tensor->getAttrOfType<StringAttr>(accel::kNameAttr))
    entry.name = name.str();
  auto element = accel::toISA(type.getElementType(), [&] { return tensor.emitOpError(); });
  if (failed(element))
    return failure();
  entry.type = *element;
  entry.shape.assign(type.getShape().begin(), type.getShape().end());
  entry.role = accel::toISA(tensor.getRole());
  entry.scale = tensor.getScale().convertToDouble();
  entry.dramFormat = sparsity::getFormat(type);
  if (auto buffer = tensor.getBufferFormatAttr())
    entry.bufferFormat = buffer.getFormat();
  SmallVector<int64_t> granule = tensor.getGranule();
  entry.granule.assign(granule.begin(), granule.end());
  if (!tensor.isSums() || tensor.getOffset()) {
    if (!tensor.getOffset())
      return tensor.emitOpError() << "has no place in DRAM: run --sparse-allocate before";
    entry.dramOffset = static_cast<uint64_t>(*tensor.getOffset());
    entry.lengthOffset = static_cast<uint64_t>(tensor.getLengths().value_or(0));
    entry.slotBytes = static_cast<uint64_t>(tensor.getSlotBytes().value_or(0));
  }
  if (tensor.getValue() && failed(constant(tensor, entry)))
    return failure();
  tensors[tensor.getSymNameAttr()] = static_cast<uint32_t>(program.tensors.size());
  program.tensors.push_back(std::move(entry));
  return success();
}

LogicalResult Emitter::common(accel::TileOpInterface tile, isa::CommonFields &fields) {
  fields.layer = layers.lookup(tile.getLayerRef().getAttr());
  for (Value token : tile.getAwaited()) {
    auto it = tokens.find(token);
    if (it == tokens.end())
      return tile->emitOpError() << "waits for something that comes after it";
    auto [queue, count] = it->second;
    switch (queue) {
    case isa::Queue::Load:
      fields.waitLoad = std::max(fields.waitLoad, count);
      break;
    case isa::Queue::Mac:
      fields.waitMac = std::max(fields.waitMac, count);
      break;
    case isa::Queue::Vector:
      fields.waitVector = std::max(fields.waitVector, count);
      break;
    case isa::Queue::Store:
      fields.waitStore = std::max(fields.waitStore, count);
      break;
    case isa::Queue::Host: // Everything waits for the host anyway.
      break;
    }
  }
  return success();
}

static isa::Coord coordOf(ArrayRef<int64_t> values, uint32_t fill) {
  isa::Coord coord{fill, fill, fill, fill};
  for (auto [index, value] : llvm::enumerate(values.take_front(4)))
    coord[index] = static_cast<uint32_t>(value);
  return coord;
}

FailureOr<isa::Operand> Emitter::operand(Operation *at, accel::OperandAttr attr) {
  if (attr.getSlot() || !attr.getOffset())
    return at->emitOpError() << "operand in " << attr.getBuffer() << " has no place: run --sparse-allocate before";
  isa::Operand operand;
  operand.buffer = static_cast<uint8_t>(buffers.lookup(attr.getBuffer()));
  operand.offset = static_cast<uint64_t>(*attr.getOffset());
  operand.tensor = tensorIndex(attr.getTensor());
  operand.origin = coordOf(attr.getOrigin(), 0);
  operand.extent = coordOf(attr.getExtent(), 1);
  return operand;
}

LogicalResult Emitter::estimate(accel::LayerOp layer) {
  Attribute note = layer->getAttr(accel::kEstimateAttr);
  if (!note)
    return success();
  auto entries = dyn_cast<DictionaryAttr>(note);
  if (!entries)
    return layer.emitOpError() << accel::kEstimateAttr << ": expected a dictionary";
  auto estimate =
      accel::toISA(entries, static_cast<uint32_t>(program.layers.size()), [&] { return layer.emitOpError(); });
  if (failed(estimate))
    return failure();
  estimates.push_back(*estimate);
  return success();
}

FailureOr<uint32_t> Emitter::mapping(accel::ContractOp contract) {
  auto it = mappings.find(contract.getMapping());
  if (it != mappings.end())
    return it->second;
  auto entry = accel::toISA(contract.getMapping(), program.levelNames, [&] { return contract.emitOpError(); });
  if (failed(entry))
    return failure();
  program.mappings.push_back(std::move(*entry));
  return mappings[contract.getMapping()] = static_cast<uint32_t>(program.mappings.size()) - 1;
}

FailureOr<uint32_t> Emitter::safSet(accel::ContractOp contract) {
  auto it = safSets.find(contract.getSafs());
  if (it != safSets.end())
    return it->second;
  auto entry = accel::toISA(contract.getSafs(), program.levelNames, [&] { return contract.emitOpError(); });
  if (failed(entry))
    return failure();
  program.safSets.push_back(std::move(*entry));
  return safSets[contract.getSafs()] = static_cast<uint32_t>(program.safSets.size()) - 1;
}

LogicalResult Emitter::instruction(accel::TileOpInterface tile) {
  bool ok = true;
  auto place = [&](accel::OperandAttr attr, isa::Operand &into) {
    FailureOr<isa::Operand> found = operand(tile, attr);
    if (succeeded(found))
      into = *found;
    ok &= succeeded(found);
  };
  auto finish = [&](auto instruction) {
    if (!ok || failed(common(tile, instruction)))
      return failure();
    program.instructions.push_back(instruction);
    return success();
  };
  LogicalResult result = TypeSwitch<Operation *, LogicalResult>(tile)
                             .Case([&](accel::ConfigureOp op) {
                               isa::Configure inst;
                               inst.numerics = numerics.lookup(op.getNumericsAttr().getAttr());
                               return finish(inst);
                             })
                             .Case([&](accel::LoadOp op) {
                               isa::Load inst;
                               place(op.getDst(), inst.dst);
                               return finish(inst);
                             })
                             .Case([&](accel::StoreOp op) {
                               isa::Store inst;
                               place(op.getSrc(), inst.src);
                               return finish(inst);
                             })
                             .Case([&](accel::ContractOp op) -> LogicalResult {
                               isa::Contract inst;
                               ArrayRef<int64_t> extents = op.getExtents(), pads = op.getPads();
                               inst.n = extents[0], inst.g = extents[1], inst.m = extents[2], inst.c = extents[3];
                               inst.p = extents[4], inst.q = extents[5], inst.r = extents[6], inst.s = extents[7];
                               inst.strideH = op.getStrides()[0], inst.strideW = op.getStrides()[1];
                               inst.dilationH = op.getDilations()[0], inst.dilationW = op.getDilations()[1];
                               inst.padTop = pads[0], inst.padBottom = pads[1], inst.padLeft = pads[2],
                               inst.padRight = pads[3];
                               place(op.getA(), inst.a);
                               place(op.getB(), inst.b);
                               place(op.getO(), inst.o);
                               inst.aOrigin = coordOf(op.getAOrigin(), 0);
                               inst.bOrigin = coordOf(op.getBOrigin(), 0);
                               inst.oOrigin = coordOf(op.getOOrigin(), 0);
                               inst.mode = accel::toISA(op.getMode());
                               inst.numerics = numerics.lookup(op.getNumericsAttr().getAttr());
                               FailureOr<uint32_t> mapped = mapping(op), safs = safSet(op);
                               if (failed(mapped) || failed(safs))
                                 return failure();
                               inst.mapping = *mapped;
                               inst.safs = *safs;
                               return finish(inst);
                             })
                             .Case([&](accel::VectorOp op) {
                               isa::Vector inst;
                               inst.kind = accel::toISA(op.getKind());
                               inst.r = op.getWindow()[0], inst.s = op.getWindow()[1];
                               inst.strideH = op.getStrides()[0], inst.strideW = op.getStrides()[1];
                               inst.padTop = op.getPads()[0], inst.padBottom = op.getPads()[1],
                               inst.padLeft = op.getPads()[2], inst.padRight = op.getPads()[3];
                               place(op.getA(), inst.a);
                               if (op.getBAttr())
                                 place(op.getBAttr(), inst.b);
                               place(op.getO(), inst.o);
                               inst.numerics = numerics.lookup(op.getNumericsAttr().getAttr());
                               return finish(inst);
                             })
                             .Case([&](accel::HostCallOp op) {
                               isa::Host inst;
                               inst.op = static_cast<uint32_t>(program.hostOps.size());
                               isa::HostOp entry;
                               entry.kind = accel::toISA(op.getKind());
                               entry.name = program.layers[layers.lookup(op.getLayerAttr().getAttr())].name;
                               for (auto name : op.getInputs().getAsRange<FlatSymbolRefAttr>())
                                 entry.inputs.push_back(tensorIndex(name));
                               for (auto name : op.getOutputs().getAsRange<FlatSymbolRefAttr>())
                                 entry.outputs.push_back(tensorIndex(name));
                               entry.i.assign(op.getInts().begin(), op.getInts().end());
                               entry.f.assign(op.getFloats().begin(), op.getFloats().end());
                               program.hostOps.push_back(std::move(entry));
                               return finish(inst);
                             })
                             .Default([&](Operation *op) { return op->emitOpError() << "has no instruction"; });
  if (failed(result))
    return failure();
  auto queue = static_cast<isa::Queue>(tile.getQueue());
  tokens[tile.getEnd()] = {queue, ++counts[static_cast<unsigned>(queue)]};
  return success();
}

FailureOr<isa::Program> Emitter::run() {
  program.machine = op.getMachine().str();
  program.machineFingerprint = op.getFingerprint();
  program.numericsName = op.getNumerics().str();
  program.producer = "SparseAccel " SPARSEACCEL_VERSION;
  for (StringRef level : op.getLevels().getAsValueRange<StringAttr>())
    program.levelNames.push_back(level.str());
  program.dramBytes = op.getDramBytes().value_or(0);
  for (Operation &entry : op.getBody().front()) {
    LogicalResult result =
        TypeSwitch<Operation *, LogicalResult>(&entry)
            .Case([&](accel::BufferOp buffer) {
              buffers[buffer.getSymNameAttr()] = static_cast<uint32_t>(program.buffers.size());
              program.buffers.push_back({buffer.getSymName().str(), static_cast<uint64_t>(buffer.getBytes()),
                                         static_cast<uint32_t>(buffer.getPsumBits())});
              return success();
            })
            .Case([&](accel::TensorOp tensor) { return this->tensor(tensor); })
            .Case([&](accel::NumericsOp entry) {
              auto [it, isNew] = numericsByEntry.try_emplace(entry.getEntry(), program.numerics.size());
              if (isNew)
                program.numerics.push_back(accel::toISA(entry.getEntry(), entry.getSymName()));
              numerics[entry.getSymNameAttr()] = it->second;
              return success();
            })
            .Case([&](accel::LayerOp layer) -> LogicalResult {
              if (failed(estimate(layer)))
                return failure();
              isa::Layer row;
              row.name = layer.getLabel().str();
              row.kind = layer.getKind().str();
              row.onHost = layer.getOnHost();
              row.macs = static_cast<uint64_t>(layer.getMacs());
              if (layer.getOutputAttr())
                row.output = static_cast<int32_t>(tensorIndex(layer.getOutputAttr()));
              for (auto name : layer.getInputs().getAsRange<FlatSymbolRefAttr>())
                row.inputs.push_back(tensorIndex(name));
              row.location = layer.getOrigin().str();
              layers[layer.getSymNameAttr()] = static_cast<uint32_t>(program.layers.size());
              program.layers.push_back(std::move(row));
              return success();
            })
            .Case([&](accel::HaltOp) {
              program.instructions.push_back(isa::Halt());
              return success();
            })
            .Default([&](Operation *other) -> LogicalResult {
              if (auto tile = dyn_cast<accel::TileOpInterface>(other))
                return instruction(tile);
              return other->emitOpError() << "has no place in a program";
            });
    if (failed(result))
      return failure();
  }
  for (auto name : op.getInputs().getAsRange<FlatSymbolRefAttr>())
    program.inputs.push_back(tensorIndex(name));
  for (auto name : op.getOutputs().getAsRange<FlatSymbolRefAttr>())
    program.outputs.push_back(tensorIndex(name));
  if (absl::Status status = isa::verify(program); !status.ok())
    return emitError(op.getLoc()) << "the program that was emitted is not valid: "
                                  << StringRef(status.message().data(), status.message().size());
  return std::move(program);
}

FailureOr<isa::Program> sparseaccel::emitProgram(ModuleOp module, isa::Estimates *estimates) {
  auto programs = llvm::to_vector(module.getOps<accel::ProgramOp>());
  if (programs.size() != 1)
    return emitError(module.getLoc()) << "expected one accel.program, but there are " << programs.size()
                                      << (programs.empty() ? ": run --sparse-compile before" : "");
  Emitter emitter(programs.front());
  FailureOr<isa::Program> program = emitter.run();
  if (estimates)
    *estimates = std::move(emitter.estimates);
  return program;
}

void sparseaccel::registerEmitProgram() {
  TranslateFromMLIRRegistration registration(
      "emit-program", "Write an allocated accel.program as a container",
      [](ModuleOp module, raw_ostream &output) -> LogicalResult {
        isa::Estimates estimates;
        FailureOr<isa::Program> program = emitProgram(module, &estimates);
        if (failed(program))
          return failure();
        std::vector<uint8_t> bytes = isa::serialize(*program, estimates);
        output.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
        return success();
      },
      // Those of a module that is not compiled yet, too, so that the error says so.
      [](DialectRegistry &registry) {
        registry.insert<accel::AccelDialect, sparsity::SparsityDialect, func::FuncDialect, tosa::TosaDialect>();
      });
}
