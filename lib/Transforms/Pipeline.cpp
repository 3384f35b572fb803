//===- Pipeline.cpp - sparse-compile --------------------------------------===//

#include "SparseAccel/Transforms/Pipeline.h"

#include "SparseAccel/Transforms/Passes.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace sparseaccel;

void sparseaccel::buildSparseCompilePipeline(OpPassManager &manager, const SparseCompileOptions &options) {
  manager.addPass(createFuseLayers());
  SelectEncodingOptions encoding;
  encoding.machine = options.machine;
  encoding.saf = options.saf;
  manager.addPass(createSelectEncoding(encoding));
  SelectSafsOptions safs;
  safs.machine = options.machine;
  safs.saf = options.saf;
  manager.addPass(createSelectSafs(safs));
  manager.addPass(createCheckEncodings());
  ScheduleOptions scheduling;
  scheduling.machine = options.machine;
  scheduling.objective = options.objective;
  scheduling.mapping = options.mapping;
  scheduling.searchBudget = options.searchBudget;
  manager.addPass(createSchedule(scheduling));
  LowerToTilesOptions lowering;
  lowering.machine = options.machine;
  manager.addPass(createLowerToTiles(lowering));
  AllocateOptions allocation;
  allocation.machine = options.machine;
  manager.addPass(createAllocate(allocation));
}

namespace {

struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<std::string> machine{*this, "machine", llvm::cl::desc("Name or file of the machine")};
  Option<schedule::Objective> objective{
      *this, "objective", llvm::cl::desc("What to minimise"), llvm::cl::init(schedule::Objective::Latency),
      llvm::cl::values(clEnumValN(schedule::Objective::Latency, "latency", "cycles"),
                       clEnumValN(schedule::Objective::Energy, "energy", "energy"),
                       clEnumValN(schedule::Objective::Edp, "edp", "energy x delay"))};
  Option<unsigned> searchBudget{*this, "search-budget",
                                llvm::cl::desc("Estimates to make for each layer once something is found"),
                                llvm::cl::init(schedule::kDefaultSearchBudget)};
  Option<std::string> mapping{*this, "mapping", llvm::cl::desc("File of forced mappings (docs/scheduling.md)")};
  Option<std::string> saf{*this, "saf", llvm::cl::desc("What is to be gated and skipped (docs/safs.md)")};
};

} // namespace

void sparseaccel::registerSparseCompilePipeline() {
  PassPipelineRegistration<PipelineOptions>("sparse-compile", "Quantised TOSA to an allocated program for one machine",
                                            [](OpPassManager &manager, const PipelineOptions &options) {
                                              buildSparseCompilePipeline(manager, {options.machine, options.objective,
                                                                                   options.mapping, options.saf,
                                                                                   options.searchBudget});
                                            });
}
