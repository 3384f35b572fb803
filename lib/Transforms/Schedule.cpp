//===- Schedule.cpp - sparse-schedule -------------------------------------===//

#include "ScheduleNetwork.h"

#include "Schedule/Coverage.h"
#include "Schedule/MappingFile.h"
#include "SparseAccel/Support/Names.h"
#include "SparseAccel/Transforms/Passes.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Format.h"

namespace sparseaccel {
#define GEN_PASS_DEF_SCHEDULE
#include "SparseAccel/Transforms/Passes.h.inc"
} // namespace sparseaccel

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::schedule;

namespace {

/// Tilings that a search found while no granules were set: they hold although other layers go to the host.
using FoundTilings = llvm::DenseMap<Operation *, Tiling>;

class Scheduler {
public:
  Scheduler(Network &network, const machine::Machine &machine, const dataflow::Dataflow &dataflow, Homes homes,
            Objective objective, unsigned budget, FoundTilings &found)
      : network(network), context{machine, dataflow, homes, network.tensors, objective, budget}, found(found) {}
  LogicalResult run(const MappingFile *file);
  void write();
  /// A remark on each layer: what it is estimated to cost, and how the search ended.
  void report();
  /// After a failure of run(): a layer for which no tile fits or is legal, and why. Null where a diagnostic was given.
  Operation *refused = nullptr;
  absl::Status refusal;

private:
  LogicalResult choose(size_t index, const MappingFile *file);
  LogicalResult unknownLayer(const MappingFile &file, const std::string &name, int line);
  LogicalResult force(size_t index, const ForcedMapping &forced, StringRef origin);
  /// Whether all layers still fit once granules are those of the whole network; searches again where one does not.
  LogicalResult settle(const MappingFile *file);
  Operation *op(size_t index) { return network.ops[index]; }

  Network &network;
  SearchContext context;
  FoundTilings &found;
  std::vector<Tiling> tilings;
  std::vector<bool> forced;
  std::vector<std::optional<Schedule>> searched; ///< Of layers that were searched.
};

LogicalResult Scheduler::force(size_t index, const ForcedMapping &wanted, StringRef origin) {
  const LayerDesc &layer = network.layers[index];
  Tiling tiling = fromMapping(layer, wanted.mapping);
  auto refuse = [&](const absl::Status &status) {
    return op(index)->emitOpError() << origin << ": " << messageOf(status);
  };
  if (absl::Status status = checkCoverage(layer, wanted.mapping); !status.ok())
    return refuse(status);
  if (absl::Status status = checkOrder(layer, tiling); !status.ok())
    return refuse(status);
  if (!wanted.innerGiven && layer.cls == LayerClass::Contraction) {
    auto inner = context.dataflow.innerMappings(tileBoxes(layer, tiling, {}).shape, context.machine);
    if (inner.empty())
      return op(index)->emitOpError() << origin << ": dataflow '" << context.dataflow.name()
                                      << "' has no mapping for such a tile";
    tiling.inner = inner.front();
  }
  auto cost = evaluate(layer, tiling, context);
  if (!cost.ok())
    return refuse(cost.status());
  tilings[index] = tiling;
  forced[index] = true;
  return success();
}

LogicalResult Scheduler::choose(size_t index, const MappingFile *file) {
  const LayerDesc &layer = network.layers[index];
  if (file) {
    auto it = file->layers.find(layer.name);
    if (it != file->layers.end())
      return force(index, it->second, (Twine(file->path) + ":" + Twine(it->second.line) + ": forced mapping").str());
  }
  if (accel::MappingAttr mapping = getMapping(network, index)) {
    auto loops = accel::toISA(mapping, levelNames(context.machine), [&] { return op(index)->emitOpError(); });
    if (failed(loops))
      return failure();
    bool inner = llvm::any_of(loops->loops, [](const isa::Loop &loop) { return loop.level > 0; });
    return force(index, {*loops, inner, 0}, "given mapping");
  }
  auto best = search(layer, context);
  if (!best.ok()) {
    refused = op(index);
    refusal = best.status();
    return failure();
  }
  tilings[index] = best->tiling;
  searched[index] = std::move(*best);
  return success();
}

LogicalResult Scheduler::settle(const MappingFile *file) {
  for (int round = 0; round < 4; ++round) {
    chooseGranules(network.layers, tilings, network.tensors);
    std::vector<size_t> again;
    for (auto [index, layer] : llvm::enumerate(network.layers)) {
      if (layer.cls == LayerClass::Host)
        continue;
      auto layout = layoutSlots(layer, tilings[index], network.tensors, context.homes, context.machine);
      if (layout.ok())
        continue;
      if (forced[index])
        return op(index)->emitOpError() << "does not fit with the granules that all layers need: "
                                        << messageOf(layout.status());
      if (round == 3) {
        refused = op(index);
        refusal = layout.status();
        return failure();
      }
      again.push_back(index);
    }
    if (again.empty())
      return success();
    // With granules set, the search keeps tiles to multiples of them.
    for (size_t index : again)
      if (failed(choose(index, file)))
        return failure();
    for (TensorDesc &tensor : network.tensors)
      tensor.granule = {0, 0, 0, 0};
  }
  return success();
}

LogicalResult Scheduler::unknownLayer(const MappingFile &file, const std::string &name, int line) {
  std::vector<std::string> layers;
  for (const LayerDesc &layer : network.layers)
    if (layer.cls != LayerClass::Host)
      layers.push_back(layer.name);
  if (network.ops.empty())
    return failure();
  return emitError(UnknownLoc::get(network.ops.front()->getContext()))
         << file.path << ":" << line << ": there is no layer '" << name << "' on the accelerator"
         << suggestion(name, layers);
}

LogicalResult Scheduler::run(const MappingFile *file) {
  tilings.resize(network.layers.size());
  forced.resize(network.layers.size());
  searched.resize(network.layers.size());
  if (file)
    for (const auto &[name, mapping] : file->layers)
      if (llvm::none_of(network.layers,
                        [&](const LayerDesc &layer) { return layer.cls != LayerClass::Host && layer.name == name; }))
        return unknownLayer(*file, name, mapping.line);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].cls == LayerClass::Host)
      continue;
    if (auto it = found.find(op(i)); it != found.end()) {
      tilings[i] = it->second;
      continue;
    }
    if (failed(choose(i, file)))
      return failure();
    if (network.layers[i].cls == LayerClass::Contraction && !forced[i])
      found[op(i)] = tilings[i];
  }
  return settle(file);
}

void Scheduler::write() {
  for (size_t i = 0; i < network.layers.size(); ++i)
    if (network.layers[i].cls != LayerClass::Host)
      setMapping(network, i,
                 accel::fromISA(network.ops[i]->getContext(), toMapping(network.layers[i], tilings[i]),
                                levelNames(context.machine)));
}

/// Estimates are of integers' worth of cycles, and of energies of any size.
std::string number(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(value < 1e15 ? "%.0f" : "%.6g", value);
  return text;
}

void Scheduler::report() {
  static constexpr const char *ends[] = {"at the lower bound", "with nothing left to try", "with the budget"};
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const LayerDesc &layer = network.layers[i];
    if (layer.cls == LayerClass::Host)
      continue;
    auto remark = remark::analysis(op(i)->getLoc(), remark::RemarkOpts::name("search").category("sparse-schedule"));
    if (!remark)
      return;
    // With the granules that all layers agreed on.
    auto cost = evaluate(layer, tilings[i], context);
    if (!cost.ok())
      continue;
    std::string text = "layer '" + layer.name + "', objective " + objectiveName(context.objective) + ": estimated " +
                       number(cost->cycles) + " cycles (array " + number(cost->macCycles) + ", DRAM " +
                       number(cost->loadCycles + cost->storeCycles) + "), " +
                       number(cost->dramReadBytes + cost->dramWriteBytes) + " bytes from and to DRAM, energy " +
                       number(cost->energyPj);
    if (searched[i]) {
      double value = valueOf(searched[i]->cost, context.objective),
             bound = valueOf(searched[i]->bound, context.objective);
      llvm::raw_string_ostream stream(text);
      stream << "; the search ended " << ends[static_cast<unsigned>(searched[i]->end)] << " after "
             << searched[i]->candidates << " estimates, " << searched[i]->pruned << " tilings pruned";
      if (bound > 0)
        stream << ", " << llvm::format("%.1f%%", std::max(0.0, value / bound - 1) * 100) << " above the bound";
    } else {
      text += forced[i] ? "; the mapping was given" : "; found before other layers went to the host";
    }
    remark << text;
  }
}

struct SchedulePass : sparseaccel::impl::ScheduleBase<SchedulePass> {
  using ScheduleBase::ScheduleBase;

  /// What goes to the host may need constants.
  void getDependentDialects(DialectRegistry &registry) const override {
    ScheduleBase::getDependentDialects(registry);
    registry.insert<tosa::TosaDialect>();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto machine = loadMachineFor(module, this->machine);
    if (failed(machine))
      return signalPassFailure();
    auto dataflow = findDataflowFor(module, *machine);
    auto homes = findHomes(*machine);
    if (failed(dataflow))
      return signalPassFailure();
    if (!homes.ok()) {
      emitError(module.getLoc()) << messageOf(homes.status());
      return signalPassFailure();
    }
    std::optional<MappingFile> file;
    if (!mapping.empty()) {
      auto loaded = loadMappingFile(mapping, *machine);
      if (!loaded.ok()) {
        emitError(UnknownLoc::get(&getContext())) << messageOf(loaded.status());
        return signalPassFailure();
      }
      file = std::move(*loaded);
    }
    for (auto func : module.getOps<func::FuncOp>()) {
      if (func.isPrivate() || func.isExternal())
        continue;
      if (failed(moveToHost(func, *machine)))
        return signalPassFailure();
      if (failed(schedule(func, *machine, **dataflow, *homes, file ? &*file : nullptr)))
        return signalPassFailure();
    }
  }

  /// Layers without any tile that fits and that the dataflow takes go to the host, one after the other.
  LogicalResult schedule(func::FuncOp func, const machine::Machine &machine, const dataflow::Dataflow &dataflow,
                         Homes homes, const MappingFile *file) {
    FoundTilings found;
    while (true) {
      auto network = buildNetwork(func, machine);
      if (failed(network))
        return failure();
      Scheduler scheduler(*network, machine, dataflow, homes, objective, searchBudget, found);
      if (succeeded(scheduler.run(file))) {
        scheduler.write();
        scheduler.report();
        return success();
      }
      if (!scheduler.refused)
        return failure();
      found.erase(scheduler.refused);
      if (failed(sparseaccel::moveToHost(scheduler.refused, scheduler.refusal)))
        return failure();
    }
  }
};

} // namespace
