//===- LowerToTiles.cpp - sparse-lower-to-tiles ---------------------------===//

#include "ScheduleNetwork.h"

#include "SparseAccel/Transforms/Passes.h"

#include "llvm/ADT/StringSet.h"

namespace sparseaccel {
#define GEN_PASS_DEF_LOWERTOTILES
#include "SparseAccel/Transforms/Passes.h.inc"
} // namespace sparseaccel

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::schedule;

namespace {

/// Writes a plan as an accel.program.
class Materializer {
public:
  Materializer(func::FuncOp func, const Network &network, const Plan &plan, const std::vector<Tiling> &tilings,
               const std::vector<std::optional<Cost>> &costs, const machine::Machine &machine)
      : func(func), network(network), plan(plan), tilings(tilings), costs(costs), machine(machine), builder(func),
        context(func.getContext()), module(func->getParentOfType<ModuleOp>()) {}
  void run();

private:
  StringAttr unique(const Twine &name);
  FlatSymbolRefAttr ref(StringAttr name) { return FlatSymbolRefAttr::get(name); }
  void buffers();
  void tensorTable();
  void layerTable();
  void step(const Step &step);
  accel::OperandAttr operand(const Piece &piece);
  void estimate(accel::LayerOp row, size_t first, size_t last);
  SmallVector<int64_t> coord(int tensor, const Coord &coord) { return ownRanks(coord, ranks[tensor]); }
  accel::NumericsAttr numericsOf(Operation *op);
  DictionaryAttr scales() { return module->getAttrOfType<DictionaryAttr>("sparsity.scales"); }

  func::FuncOp func;
  const Network &network;
  const Plan &plan;
  const std::vector<Tiling> &tilings;
  const std::vector<std::optional<Cost>> &costs; ///< Of each layer, where the dataflow takes its tiles.
  const machine::Machine &machine;
  OpBuilder builder;
  MLIRContext *context;
  ModuleOp module;
  llvm::StringSet<> taken, levelSymbols;
  std::vector<StringAttr> tensorNames, sumNames, layerNames, numericsNames;
  std::vector<size_t> ranks;
  std::vector<accel::MappingAttr> mappings;
  SmallVector<Value> tokens;
};

StringAttr Materializer::unique(const Twine &name) {
  std::string base = name.str(), candidate = base;
  for (unsigned i = 1; !taken.insert(candidate).second; ++i)
    candidate = (Twine(base) + "." + Twine(i)).str();
  return StringAttr::get(context, candidate);
}

void Materializer::buffers() {
  for (const machine::Level &level : machine.levels)
    if (level.managedBy == machine::ManagedBy::Program && &level != &machine.levels.front())
      accel::BufferOp::create(builder, func.getLoc(), level.name, level.sizeBytes * level.instances, level.psumBits);
}

void Materializer::tensorTable() {
  Operation *terminator = func.getBody().front().getTerminator();
  // Values come first: their names say which they are.
  tensorNames.resize(network.tensors.size());
  for (bool constants : {false, true})
    for (auto [tensor, symbol] : llvm::zip(network.tensors, tensorNames))
      if (tensor.constant == constants)
        symbol = unique(tensor.name);
  for (size_t i = 0; i < network.tensors.size(); ++i) {
    const TensorDesc &tensor = network.tensors[i];
    Value value = network.values[i];
    auto type = cast<RankedTensorType>(value.getType());
    ranks.push_back(type.getRank());
    auto role = accel::TensorRole::Intermediate;
    ElementsAttr constant = tensor.constant ? constantOf(value) : ElementsAttr();
    if (tensor.constant)
      role = accel::TensorRole::Constant;
    else if (llvm::isa<BlockArgument>(value))
      role = accel::TensorRole::Input;
    else if (llvm::is_contained(terminator->getOperands(), value))
      role = accel::TensorRole::Output;
    double scale = 1;
    if (DictionaryAttr all = scales())
      if (auto entry = all.getAs<FloatAttr>(tensor.name))
        scale = entry.getValueAsDouble();
    sparsity::EncodingAttr buffer;
    if (!tensor.bufferFormat.isDense() && tensor.elementBytes <= 2 && type.getElementType().isInteger())
      buffer = sparsity::EncodingAttr::get(context, tensor.bufferFormat);
    auto op = accel::TensorOp::create(builder, value.getLoc(), tensorNames[i], TypeAttr::get(type), role,
                                      builder.getF64FloatAttr(scale), buffer, IntegerAttr(), IntegerAttr(),
                                      IntegerAttr(), constant);
    if (!tensor.constant && levelSymbols.contains(tensor.name))
      op->setAttr(accel::kNameAttr, builder.getStringAttr(tensor.name));
  }
}

accel::NumericsAttr Materializer::numericsOf(Operation *op) {
  if (auto contraction = dyn_cast<accel::ContractionOp>(op))
    return contraction.getNumerics();
  if (auto pool = dyn_cast<accel::PoolOp>(op))
    return pool.getNumerics();
  if (auto elementwise = dyn_cast<accel::ElementwiseOp>(op))
    return elementwise.getNumerics();
  if (auto rescale = dyn_cast<accel::RescaleOp>(op))
    return rescale.getNumerics();
  if (auto table = dyn_cast<accel::TableOp>(op))
    return table.getNumerics();
  unsigned bits = cast<RankedTensorType>(op->getResult(0).getType()).getElementType().getIntOrFloatBitWidth();
  return accel::NumericsAttr::getClamp(context, -(int64_t(1) << (bits - 1)), (int64_t(1) << (bits - 1)) - 1);
}

/// Where the operation stood in the model.
static std::string originOf(Location loc) {
  std::string text;
  loc->walk([&](Location at) {
    if (auto named = dyn_cast<NameLoc>(at); named && text.empty())
      text = named.getName().str();
    else if (auto file = dyn_cast<FileLineColLoc>(at); file && text.empty())
      text = (file.getFilename().getValue() + ":" + Twine(file.getLine())).str();
    return WalkResult::advance();
  });
  return text;
}

/// What the tiles of a layer are expected to cost, as a note for reports. The copies of a concatenation are one layer.
void Materializer::estimate(accel::LayerOp row, size_t first, size_t last) {
  isa::LayerEstimate sum;
  for (size_t i = first; i <= last; ++i) {
    if (!costs[i])
      return;
    sum.cycles += costs[i]->cycles;
    sum.computeCycles +=
        network.layers[i].cls == LayerClass::Contraction ? costs[i]->macCycles : costs[i]->vectorCycles;
    sum.dramBytes += costs[i]->dramReadBytes + costs[i]->dramWriteBytes;
    sum.energyPj += costs[i]->energyPj;
  }
  row->setAttr(accel::kEstimateAttr, accel::fromISA(context, sum));
}

void Materializer::layerTable() {
  // A tensor that several layers fill (a concatenation that was never copied) is the output of the last of them, which
  // completes it.
  std::vector<int> lastWriter(network.tensors.size(), -1);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    View o = network.layers[i].cls == LayerClass::Host ? network.views.lookup(network.ops[i]->getResult(0))
                                                       : network.layers[i].o;
    lastWriter[o.tensor] = static_cast<int>(i);
  }
  std::vector<std::string> levels = levelNames(machine);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const LayerDesc &layer = network.layers[i];
    Operation *op = network.ops[i];
    bool host = layer.cls == LayerClass::Host;
    mappings.push_back(host ? accel::MappingAttr() : accel::fromISA(context, tilings[i].inner, levels));
    if (network.parts[i] > 0) {
      layerNames.push_back(layerNames.back());
      numericsNames.push_back(numericsNames.back());
      sumNames.push_back({});
      continue;
    }
    StringAttr name = unique(Twine(layer.name) + ".layer");
    layerNames.push_back(name);
    SmallVector<Attribute> inputs;
    for (Value operand : op->getOperands()) {
      View view = network.views.lookup(operand);
      if (!network.tensors[view.tensor].constant && !llvm::is_contained(inputs, ref(tensorNames[view.tensor])))
        inputs.push_back(ref(tensorNames[view.tensor]));
    }
    View o = network.views.lookup(op->getResult(0));
    size_t lastPart = i;
    while (lastPart + 1 < network.ops.size() && network.ops[lastPart + 1] == op)
      ++lastPart;
    FlatSymbolRefAttr output =
        lastWriter[o.tensor] == static_cast<int>(lastPart) ? ref(tensorNames[o.tensor]) : FlatSymbolRefAttr();
    auto interface = cast<accel::LayerOpInterface>(op);
    auto row = accel::LayerOp::create(builder, op->getLoc(), name, builder.getStringAttr(layer.name),
                                      builder.getStringAttr(layer.kind), host ? builder.getUnitAttr() : UnitAttr(),
                                      builder.getI64IntegerAttr(interface.getMacs()), output,
                                      builder.getArrayAttr(inputs), builder.getStringAttr(originOf(op->getLoc())));
    estimate(row, i, lastPart);
    if (host) {
      numericsNames.push_back({});
      sumNames.push_back({});
      continue;
    }
    StringAttr numerics = unique(Twine(layer.name) + ".numerics");
    numericsNames.push_back(numerics);
    accel::NumericsOp::create(builder, op->getLoc(), numerics, numericsOf(op));
    if (layer.cls != LayerClass::Contraction) {
      sumNames.push_back({});
      continue;
    }
    StringAttr sums = unique(Twine(layer.name) + ".sums");
    sumNames.push_back(sums);
    auto result = cast<RankedTensorType>(op->getResult(0).getType());
    Type element = builder.getIntegerType(result.getElementType().isInteger(8) ? 32 : 48);
    accel::TensorOp::create(builder, op->getLoc(), sums,
                            TypeAttr::get(RankedTensorType::get(result.getShape(), element)),
                            accel::TensorRole::Intermediate, builder.getF64FloatAttr(1.0), sparsity::EncodingAttr(),
                            IntegerAttr(), IntegerAttr(), IntegerAttr(), ElementsAttr());
  }
}

accel::OperandAttr Materializer::operand(const Piece &piece) {
  const Slot &slot = plan.slots[piece.slot];
  StringAttr tensor = piece.sums ? sumNames[slot.layer] : tensorNames[piece.tensor];
  size_t rank = piece.sums ? 4 : ranks[piece.tensor];
  std::optional<int64_t> offset;
  if (piece.offset)
    offset = static_cast<int64_t>(piece.offset);
  return accel::OperandAttr::get(context, StringAttr::get(context, machine.levels[slot.level].name), piece.slot, offset,
                                 ref(tensor), ownRanks(piece.box.origin, rank), ownRanks(piece.box.extent, rank));
}

void Materializer::step(const Step &step) {
  const LayerDesc &layer = network.layers[step.layer];
  Operation *op = network.ops[step.layer];
  Location loc = op->getLoc();
  FlatSymbolRefAttr entry = ref(layerNames[step.layer]);
  SmallVector<Value> after;
  for (uint32_t earlier : step.after)
    after.push_back(tokens[earlier]);
  Type token = accel::TokenType::get(context);
  const dataflow::Contraction &shape = step.shape;
  auto array = [&](ArrayRef<int64_t> values) { return builder.getDenseI64ArrayAttr(values); };
  DenseI64ArrayAttr pads = array({shape.padTop, shape.padBottom, shape.padLeft, shape.padRight}),
                    strides = array({shape.strideH, shape.strideW});
  switch (step.kind) {
  case isa::Opcode::Configure:
    tokens.push_back(accel::ConfigureOp::create(builder, loc, token, ref(numericsNames[step.layer]), entry, after));
    return;
  case isa::Opcode::Load:
    tokens.push_back(accel::LoadOp::create(builder, loc, token, operand(step.o), entry, after));
    return;
  case isa::Opcode::Store:
    tokens.push_back(accel::StoreOp::create(builder, loc, token, operand(step.a), entry, after));
    return;
  case isa::Opcode::Contract:
    tokens.push_back(accel::ContractOp::create(
        builder, loc, token, array({shape.n, shape.g, shape.m, shape.c, shape.p, shape.q, shape.r, shape.s}), strides,
        array({shape.dilationH, shape.dilationW}), pads, operand(step.a), array(coord(step.a.tensor, step.aOrigin)),
        operand(step.b), array(coord(step.b.tensor, step.bOrigin)), operand(step.o), array(ownRanks(step.oOrigin, 4)),
        static_cast<accel::AccumulateMode>(step.mode), ref(numericsNames[step.layer]), mappings[step.layer],
        cast<accel::ContractionOp>(op).getSafsAttr() ? cast<accel::ContractionOp>(op).getSafsAttr()
                                                     : builder.getArrayAttr({}),
        entry, after));
    return;
  case isa::Opcode::Vector: {
    bool window = layer.cls == LayerClass::Window;
    tokens.push_back(accel::VectorOp::create(
        builder, loc, token, static_cast<accel::VectorKind>(step.vector),
        window ? array({shape.r, shape.s}) : array({1, 1}), window ? strides : array({1, 1}),
        window ? pads : array({0, 0, 0, 0}), operand(step.a),
        step.b.slot >= 0 && layer.cls == LayerClass::Map ? operand(step.b) : accel::OperandAttr(), operand(step.o),
        ref(numericsNames[step.layer]), entry, after));
    return;
  }
  case isa::Opcode::Host: {
    SmallVector<Attribute> inputs;
    for (Value operand : op->getOperands())
      inputs.push_back(ref(tensorNames[network.views.lookup(operand).tensor]));
    Attribute output = ref(tensorNames[network.views.lookup(op->getResult(0)).tensor]);
    auto kind = accel::HostKind::Reshape;
    DenseI64ArrayAttr ints = array({});
    DenseF64ArrayAttr floats = builder.getDenseF64ArrayAttr({});
    if (auto host = dyn_cast<accel::HostOp>(op)) {
      kind = host.getKind();
      ints = host.getIntsAttr();
      floats = host.getFloatsAttr();
    } else if (auto concat = dyn_cast<accel::ConcatOp>(op)) {
      kind = accel::HostKind::Concat;
      ints = array({static_cast<int64_t>(concat.getAxis())});
    }
    tokens.push_back(accel::HostCallOp::create(builder, loc, token, kind, builder.getArrayAttr(inputs),
                                               builder.getArrayAttr({output}), ints, floats, entry, after));
    return;
  }
  case isa::Opcode::Halt:
    break;
  }
  llvm_unreachable("a plan holds no halt");
}

void Materializer::run() {
  builder.setInsertionPoint(func);
  SmallVector<StringRef> levelNames;
  for (const machine::Level &level : machine.levels) {
    levelNames.push_back(level.name);
    levelSymbols.insert(level.name);
    taken.insert(level.name);
  }
  auto program = accel::ProgramOp::create(
      builder, func.getLoc(), func.getSymNameAttr(), builder.getStringAttr(machine.name),
      builder.getI64IntegerAttr(static_cast<int64_t>(machine.fingerprint())),
      module->getAttrOfType<StringAttr>("sparsity.numerics") ? module->getAttrOfType<StringAttr>("sparsity.numerics")
                                                             : builder.getStringAttr(""),
      builder.getStrArrayAttr(levelNames), builder.getArrayAttr({}), builder.getArrayAttr({}), IntegerAttr());
  Block *body = builder.createBlock(&program.getBody());
  builder.setInsertionPointToEnd(body);
  buffers();
  tensorTable();
  layerTable();
  SmallVector<Attribute> inputs, outputs;
  for (BlockArgument argument : func.getArguments())
    inputs.push_back(ref(tensorNames[network.views.lookup(argument).tensor]));
  for (Value value : func.getBody().front().getTerminator()->getOperands())
    outputs.push_back(ref(tensorNames[network.views.lookup(value).tensor]));
  program.setInputsAttr(builder.getArrayAttr(inputs));
  program.setOutputsAttr(builder.getArrayAttr(outputs));
  for (const Step &step : plan.steps)
    this->step(step);
  accel::HaltOp::create(builder, func.getLoc(), ValueRange());
}

struct LowerToTilesPass : sparseaccel::impl::LowerToTilesBase<LowerToTilesPass> {
  using LowerToTilesBase::LowerToTilesBase;

  LogicalResult lower(func::FuncOp func, const machine::Machine &machine, const dataflow::Dataflow &dataflow,
                      const Homes &homes) {
    auto network = buildNetwork(func, machine);
    if (failed(network))
      return failure();
    llvm::DenseSet<Value> results;
    for (Value value : func.getBody().front().getTerminator()->getOperands())
      if (!llvm::isa_and_present<accel::LayerOpInterface>(value.getDefiningOp()) || !results.insert(value).second)
        return emitError(func.getLoc()) << "returns an argument, a constant, or a value twice: run "
                                           "--sparse-fuse-layers before, which copies it";
    std::vector<Tiling> tilings(network->layers.size());
    for (size_t i = 0; i < tilings.size(); ++i) {
      if (network->layers[i].cls == LayerClass::Host)
        continue;
      accel::MappingAttr mapping = getMapping(*network, i);
      if (!mapping)
        return network->ops[i]->emitOpError() << "has no mapping: run --sparse-schedule before";
      auto loops = accel::toISA(mapping, levelNames(machine), [&] { return network->ops[i]->emitOpError(); });
      if (failed(loops))
        return failure();
      tilings[i] = fromMapping(network->layers[i], *loops);
    }
    chooseGranules(network->layers, tilings, network->tensors);
    std::vector<SlotLayout> layouts(tilings.size());
    for (size_t i = 0; i < tilings.size(); ++i) {
      if (network->layers[i].cls == LayerClass::Host)
        continue;
      auto layout = layoutSlots(network->layers[i], tilings[i], network->tensors, homes, machine);
      if (!layout.ok())
        return network->ops[i]->emitOpError() << messageOf(layout.status());
      layouts[i] = *layout;
    }
    // Objective latency: a table that does not price everything is no reason to refuse.
    SearchContext judge{machine, dataflow, homes, network->tensors, Objective::Latency, 0};
    std::vector<std::optional<Cost>> costs(tilings.size());
    for (size_t i = 0; i < tilings.size(); ++i)
      if (network->layers[i].cls != LayerClass::Host)
        if (auto cost = evaluate(network->layers[i], tilings[i], judge); cost.ok())
          costs[i] = *cost;
    auto plan = planTiles(network->layers, tilings, layouts, network->tensors, machine);
    if (!plan.ok())
      return emitError(func.getLoc()) << messageOf(plan.status());
    Materializer(func, *network, *plan, tilings, costs, machine).run();
    func.erase();
    return success();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto machine = loadMachineFor(module, this->machine);
    if (failed(machine))
      return signalPassFailure();
    auto dataflow = findDataflowFor(module, *machine);
    if (failed(dataflow))
      return signalPassFailure();
    auto homes = findHomes(*machine);
    if (!homes.ok()) {
      emitError(module.getLoc()) << messageOf(homes.status());
      return signalPassFailure();
    }
    for (auto func : llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
      if (func.isPrivate() || func.isExternal()) {
        func.erase(); // Bodies of host operators, which accel.host names by kind.
        continue;
      }
      if (failed(lower(func, *machine, **dataflow, *homes)))
        return signalPassFailure();
    }
  }
};

} // namespace
