//===- sparse-run.cpp - A model, a machine, an answer ---------------------===//
//
// Import, quantise, compile, simulate, check and print: the whole chain behind one command.
//
//===----------------------------------------------------------------------===//

#include "Accuracy.h"
#include "Check.h"
#include "Frontend.h"
#include "Guard.h"
#include "SafOptions.h"
#include "Serve.h"
#include "Zeros.h"

#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Runtime/Runtime.h"
#include "SparseAccel/Sim/Report.h"
#include "SparseAccel/Support/Files.h"
#include "SparseAccel/Support/Stages.h"
#include "SparseAccel/Target/CPU/Oracle.h"
#include "SparseAccel/Target/Dataflow/Dataflow.h"
#include "SparseAccel/Target/ISA/Container.h"
#include "SparseAccel/Target/Machine/Machine.h"
#include "SparseAccel/Target/Workload/Import.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstdlib>

using namespace mlir;
using namespace sparseaccel;
namespace cl = llvm::cl;

namespace {

cl::OptionCategory category("sparse-run options");

cl::opt<std::string> model(cl::Positional, cl::desc("<model.onnx | model.mlir>"), cl::cat(category));
cl::opt<std::string> workloadFile(
    "workload",
    cl::desc("Run layers by shape and density instead of a model: a file, or a shipped name such as 'alexnet'"),
    cl::value_desc("file"), cl::cat(category));
cl::opt<std::string> machineName("machine",
                                 cl::desc("Machine to compile for and simulate: a shipped name or a .yaml file"),
                                 cl::value_desc("name"), cl::cat(category));
cl::opt<std::string> againstName("against",
                                 cl::desc("Baseline machine: run it too, and print speed-up and energy ratio by layer"),
                                 cl::value_desc("name"), cl::cat(category));
cl::opt<bool> compareIndependent(
    "compare-independent",
    cl::desc("Report, by layer, cycles with the zeros where they are beside cycles with as many independent ones"),
    cl::cat(category));
cl::opt<std::string> safs("saf",
                          cl::desc("What is gated and skipped in place of the machine's own: 'none', a list as 'gate b "
                                   "at compute if a; ...', or changes that begin with + or - (docs/safs.md)"),
                          cl::value_desc("text"), cl::cat(category));
cl::opt<std::string> againstSafs("against-saf",
                                 cl::desc("The same for the baseline, which is the same machine without --against"),
                                 cl::value_desc("text"), cl::cat(category));
cl::opt<std::string> numerics("numerics", cl::desc("int8 or int16 (default: int16, or the workload's)"),
                              cl::value_desc("kind"), cl::cat(category));
cl::opt<std::string> calibrate("calibrate", cl::desc("Inputs that set the ranges of activations (.npy or .npz)"),
                               cl::value_desc("file"), cl::cat(category));
cl::opt<std::string> calibration("calibration",
                                 cl::desc("How calibration sets a range: max (default), or percentile=P, the magnitude "
                                          "that P percent of the values do not exceed"),
                                 cl::value_desc("max|percentile=P"), cl::init("max"), cl::cat(category));
cl::opt<double> defaultRange("default-range", cl::desc("Without calibration: take every activation to lie in [-X, X]"),
                             cl::value_desc("X"), cl::init(0), cl::cat(category));
cl::opt<std::string> inputFile(
    "input",
    cl::desc("Inputs to run: .npy or .npz, float32 in the model's own layout, images along the first dimension"),
    cl::value_desc("file"), cl::cat(category));
cl::opt<std::string>
    labelFile("labels", cl::desc("Labels of the inputs: .npy, or the array 'y' of an .npz; prints top-1 accuracy"),
              cl::value_desc("file"), cl::cat(category));
cl::opt<double> weightDensity("weight-density",
                              cl::desc("Density of the weights of a workload's layers that do not say theirs"),
                              cl::value_desc("0..1"), cl::init(1), cl::cat(category));
cl::opt<double> activationDensity("activation-density",
                                  cl::desc("Density of the inputs of a workload's layers that do not say theirs"),
                                  cl::value_desc("0..1"), cl::init(1), cl::cat(category));
cl::opt<unsigned> imageLimit("images", cl::desc("Run at most N inputs (a workload makes N, 1 by default)"),
                             cl::value_desc("N"), cl::init(0), cl::cat(category));
cl::opt<std::string>
    objective("objective", cl::desc("What the scheduler minimises: latency (default), energy or edp (their product)"),
              cl::init("latency"), cl::cat(category));
cl::opt<unsigned> searchBudget("search-budget",
                               cl::desc("Estimates that the scheduler makes for each layer once something is found"),
                               cl::value_desc("N"), cl::init(schedule::kDefaultSearchBudget), cl::cat(category));
cl::opt<bool> explainSchedule("explain-schedule",
                              cl::desc("Say for each layer what the scheduler estimates, and how its search ended"),
                              cl::cat(category));
cl::opt<std::string> mapping("mapping", cl::desc("Force mappings from a file (docs/scheduling.md)"),
                             cl::value_desc("file"), cl::cat(category));
cl::opt<int64_t> batch("batch", cl::desc("Images that one run of the program takes, where the model leaves it open"),
                       cl::value_desc("N"), cl::init(0), cl::cat(category));
cl::list<std::string> dims("dim",
                           cl::desc("Extent of a dimension that an .onnx model leaves open, by its name or as "
                                    "input:index; by default that of the input's array"),
                           cl::value_desc("name=N"), cl::cat(category));
cl::opt<bool>
    check("check",
          cl::desc("Compare every accelerated layer, bit for bit, with the quantised model run by upstream MLIR"),
          cl::cat(category));
cl::opt<unsigned> checkImages("check-images", cl::desc("Inputs that --check looks at (default 2, 0: all)"),
                              cl::value_desc("N"), cl::init(2), cl::cat(category));
cl::opt<bool> noCache("no-cache",
                      cl::desc("Compile what --check runs anew, and keep nothing: else compiled operations lie in "
                               "$SPARSEACCEL_CACHE_DIR, $XDG_CACHE_HOME/sparseaccel or $HOME/.cache/sparseaccel"),
                      cl::cat(category));
run::GuardOptions guardOptions(category);
cl::opt<unsigned> threads("jobs",
                          cl::desc("Threads (default: all cores), for inputs side by side and for parts of one; "
                                   "results never depend on it"),
                          cl::value_desc("N"), cl::init(0), cl::cat(category));
cl::opt<std::string> outFolder("out", cl::desc("Write program.sac, outputs.npy, stats.json and trace.json there"),
                               cl::value_desc("folder"), cl::cat(category));
cl::opt<bool> quiet("quiet", cl::desc("No tables, no remarks: errors and the exit code alone"), cl::cat(category));
cl::opt<bool> timing("timing", cl::desc("Say how long each stage took, by the wall clock"), cl::cat(category));
cl::opt<bool> serveCommands("serve",
                            cl::desc("Alone: run commands from standard input, each a line with a JSON array of "
                                     "arguments, and answer each with a line of JSON: exit, stdout and stderr"),
                            cl::cat(category));

constexpr const char *kOverview =
    R"(Runs a model on a sparse accelerator that is simulated bit for bit, and reports cycles and energy.

EXAMPLES:
  sparse-run model.onnx --machine cnvlutin --numerics int16 --calibrate c.npy --input x.npy --check
  sparse-run model.onnx --machine cnvlutin --against dadiannao --calibrate c.npy --input x.npz --labels x.npz
  sparse-run --workload alexnet --machine cnvlutin --against dadiannao
  sparse-run --workload alexnet --machine eyeriss --against-saf none

Exit code: 0 when all went well, every compared bit agreed (--check) and no output was too far off (--max-error); 1
otherwise.
)";

/// Inputs of a model whose zeros --compare-independent looks at.
constexpr size_t kZerosImages = 4;
/// Rows of the guard's table, and lines of its warnings.
constexpr size_t kGuardRows = 5;

int fail(const llvm::Twine &message) {
  llvm::errs() << "sparse-run: error: " << message << "\n";
  return 1;
}
int fail(const absl::Status &status) { return fail(llvm::Twine(std::string(status.message()))); }

/// Remarks and warnings are one line each; the node's name is what a user knows.
void installDiagnosticHandler(MLIRContext &context) {
  context.getDiagEngine().registerHandler([](Diagnostic &diagnostic) {
    if (quiet && diagnostic.getSeverity() != DiagnosticSeverity::Error)
      return success();
    llvm::StringRef severity = diagnostic.getSeverity() == DiagnosticSeverity::Error     ? "error"
                               : diagnostic.getSeverity() == DiagnosticSeverity::Warning ? "warning"
                               : diagnostic.getSeverity() == DiagnosticSeverity::Remark  ? "remark"
                                                                                         : "note";
    llvm::errs() << "sparse-run: " << severity << ": ";
    Location loc = diagnostic.getLocation();
    if (auto name = dyn_cast<NameLoc>(loc))
      llvm::errs() << "'" << name.getName().getValue() << "': ";
    else if (auto file = dyn_cast<FileLineColLoc>(loc))
      llvm::errs() << file.getFilename().getValue() << (file.getLine() ? ":" + std::to_string(file.getLine()) : "")
                   << ": ";
    llvm::errs() << diagnostic.str() << "\n";
    for (Diagnostic &note : diagnostic.getNotes())
      llvm::errs() << "sparse-run: note: " << note.str() << "\n";
    return success();
  });
}

/// What passes decided and a user may want to know: which node runs on the host, whose scale was changed.
class RemarkPrinter : public remark::detail::MLIRRemarkStreamerBase {
public:
  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    std::string text;
    for (const remark::detail::Remark::Arg &argument : remark.getArgs())
      text += argument.val;
    if (said.insert(text).second) // once, however many machines it holds for
      llvm::errs() << "sparse-run: remark: " << text << "\n";
  }

private:
  llvm::StringSet<> said;
};

std::string checkOptions() {
  if (serveCommands)
    return "--serve takes its commands from standard input: expected no other option";
  if (model.empty() == workloadFile.empty())
    return "expected a model (.onnx, .mlir) or --workload, and not both; see --help";
  if (machineName.empty())
    return "expected --machine; shipped are: " + llvm::join(machine::listMachines(), ", ");
  if (!numerics.empty() && numerics != "int8" && numerics != "int16")
    return "--numerics: expected int8 or int16, not '" + numerics + "'";
  if (!schedule::parseObjective(objective.getValue()))
    return "--objective: expected latency, energy or edp, not '" + objective + "'";
  if (defaultRange.getNumOccurrences() && !(defaultRange > 0 && std::isfinite(defaultRange)))
    return "--default-range: expected a number above 0";
  if (calibration.getNumOccurrences() && calibrate.empty())
    return "--calibration says how --calibrate sets ranges: give that, too";
  if (defaultRange.getNumOccurrences() && !calibrate.empty())
    return "--default-range is for models without calibration: expected it or --calibrate, and not both";
  for (auto *option : {&safs, &againstSafs})
    if (option->getNumOccurrences() && option->empty())
      return "--" + option->ArgStr.str() + ": expected 'none', or what is gated and skipped";
  if (batch.getNumOccurrences() && batch < 1)
    return "--batch: expected a number of at least 1, not " + std::to_string(batch);
  if (!dims.empty() && !llvm::StringRef(model).ends_with(".onnx"))
    return "--dim gives dimensions of an .onnx model a value: expected one";
  if (checkImages.getNumOccurrences() && !check)
    return "--check-images says how much --check looks at: give that, too";
  if (std::string problem = guardOptions.problem(!workloadFile.empty()); !problem.empty())
    return problem;
  if (outFolder.getNumOccurrences() && outFolder.empty())
    return "--out: expected a folder";
  for (auto *option : {&weightDensity, &activationDensity})
    if (option->getNumOccurrences()) {
      if (workloadFile.empty())
        return "--" + option->ArgStr.str() + " goes with --workload";
      if (!(*option >= 0 && *option <= 1))
        return "--" + option->ArgStr.str() + ": expected a number from 0 to 1";
    }
  if (!workloadFile.empty()) {
    for (auto *option : {&calibrate, &inputFile, &labelFile})
      if (!option->empty())
        return "--" + option->ArgStr.str() + " does not go with --workload, whose tensors are synthetic";
    if (defaultRange.getNumOccurrences())
      return "--default-range does not go with --workload, whose tensors are synthetic";
    if (check)
      return "--check compares with a quantised model; a workload has none";
  } else if (inputFile.empty()) {
    return "expected --input: a .npy or .npz file of float32 inputs in the model's own layout";
  }
  // What the results go to is looked at before hours of work, not after.
  if (!outFolder.empty()) {
    llvm::SmallString<128> there(outFolder); // the nearest folder that there is
    llvm::sys::fs::make_absolute(there);
    while (!llvm::sys::fs::exists(there) && llvm::sys::path::has_parent_path(there))
      llvm::sys::path::remove_filename(there);
    std::error_code error;
    if (!llvm::sys::fs::is_directory(there))
      error = std::make_error_code(std::errc::not_a_directory);
    else
      error = llvm::sys::fs::access(there, llvm::sys::fs::AccessMode::Write);
    if (error)
      return "--out: cannot write to the folder '" + outFolder + "': " + error.message();
  }
  return "";
}

/// One machine's program and results.
struct MachineRun {
  machine::Machine machine;
  std::unique_ptr<runtime::Session> session;
  runtime::BatchResult result;
  std::vector<run::TensorValues> observed; ///< Of the first images, where they are to be checked.
  sim::Report report;
  const isa::Program &program() const { return session->program(); }
};

/// Runs all images, and keeps every tensor of the first `observed` ones. The guard, unless null, follows them.
absl::Status simulate(MachineRun &run, const runtime::NamedArrays &inputs, unsigned observed, bool timeline,
                      run::Guard *guard) {
  Stage stage("simulate " + run.machine.name);
  runtime::RunOptions options;
  options.threads = threads;
  options.timeline = timeline;
  if (!quiet)
    options.progress = runtime::terminalProgress();
  run.observed.resize(observed);
  options.observedRuns = std::max<uint64_t>(observed, guard ? guard->images() : 0);
  options.observe = [&](uint64_t image, const sim::TensorObservation &tensor) {
    if (image < observed)
      run.observed[image].emplace(tensor.tensor, tensor.data);
    if (guard)
      guard->observe(image, tensor);
  };
  auto result = run.session->run(inputs, options);
  if (!result.ok())
    return result.status();
  run.result = std::move(*result);
  auto report = sim::makeReport(run.result.stats, run.program(), run.machine, run.session->estimates());
  if (!report.ok())
    return report.status();
  run.report = std::move(*report);
  return absl::OkStatus();
}

absl::Status compile(MachineRun &run, const std::string &name, const run::Source &source,
                     const run::FrontendOptions &options) {
  Stage stage("compile for " + name);
  isa::Estimates estimates;
  FailureOr<isa::Program> program = run::compileFor(source, name, options, estimates);
  if (failed(program))
    return absl::InvalidArgumentError("cannot compile for '" + name + "': see above");
  auto session = runtime::Session::create(std::move(*program), run.machine, std::move(estimates));
  if (!session.ok())
    return session.status();
  run.session = std::move(*session);
  return absl::OkStatus();
}

/// Compiles and runs a workload on the machine of `like`, and returns what was measured.
FailureOr<sim::RunStats> measure(const workload::Workload &workload, const MachineRun &like, const std::string &name,
                                 const run::FrontendOptions &options, uint64_t images, MLIRContext &context) {
  run::Source source;
  source.layers = workload::importWorkload(workload, &context);
  source.workload = workload;
  MachineRun run;
  run.machine = like.machine;
  absl::Status status = compile(run, name, source, options);
  workload::releaseWeights(*source.layers);
  if (status.ok())
    status = simulate(run, run::workloadInputs(workload, images), 0, false, nullptr);
  if (!status.ok())
    return emitError(UnknownLoc::get(&context)) << std::string(status.message());
  return std::move(run.result.stats);
}

/// --compare-independent for one machine. The layers of a model run on their own, a workload's have run already.
FailureOr<sim::ZerosComparison> compareZeros(const run::Source &source, const MachineRun &run, const std::string &name,
                                             size_t observed, run::FrontendOptions options, MLIRContext &context) {
  std::vector<std::string> leftOut;
  workload::Workload real;
  sim::RunStats measured;
  uint64_t images = run.result.stats.images;
  if (source.workload) {
    real = *source.workload;
    measured = run.result.stats;
  } else {
    FailureOr<workload::Workload> layers =
        run::measuredWorkload(source, run.program(), llvm::ArrayRef(run.observed).take_front(observed), leftOut);
    if (failed(layers))
      return failure();
    real = std::move(*layers);
    images = observed;
    options.mapping = "";
    if (real.layers.empty())
      return emitError(UnknownLoc::get(&context))
             << "--compare-independent: the model has no contraction on '" << name << "' whose input lies in a tensor";
    FailureOr<sim::RunStats> stats = measure(real, run, name, options, images, context);
    if (failed(stats))
      return failure();
    measured = std::move(*stats);
  }
  FailureOr<sim::RunStats> independent =
      measure(workload::withIndependentZeros(real), run, name, options, images, context);
  if (failed(independent))
    return failure();
  sim::ZerosComparison comparison = sim::compareZeros(run::densitiesOf(real), measured, *independent);
  comparison.leftOut = std::move(leftOut);
  return comparison;
}

void printZeros(const MachineRun &run, bool ofModel) {
  const sim::ZerosComparison &zeros = *run.report.zeros;
  llvm::outs() << "\n" << sim::formatZeros(run.machine.name, zeros);
  if (ofModel)
    llvm::outs() << "each layer on its own, with the zeros that its weights and the first " << zeros.images
                 << " inputs of the model had in it\n";
  if (!zeros.leftOut.empty())
    llvm::outs() << "left out, since no tensor holds what they read: " << llvm::join(zeros.leftOut, ", ") << "\n";
}

absl::Status writeResults(const MachineRun &run) {
  Stage stage("write");
  if (std::error_code error = llvm::sys::fs::create_directories(outFolder))
    return absl::InvalidArgumentError("--out: cannot make the folder '" + outFolder + "': " + error.message());
  auto path = [](const std::string &name) { return outFolder + "/" + name; };
  FileSet files;
  auto add = [&](const std::string &name, const std::vector<uint8_t> &bytes) {
    files.add(path(name), std::string(bytes.begin(), bytes.end()));
  };
  auto outputName = [](size_t index) {
    return index == 0 ? std::string("outputs.npy") : "outputs." + std::to_string(index) + ".npy";
  };
  add("program.sac", isa::serialize(run.program(), run.session->estimates()));
  size_t outputs = run.result.outputs.size();
  for (auto [index, output] : llvm::enumerate(run.result.outputs))
    add(outputName(index), runtime::serializeNpy(output.second));
  // Of a model that had more outputs.
  for (size_t index = outputs; llvm::sys::fs::exists(path(outputName(index))); ++index)
    files.remove(path(outputName(index)));
  files.add(path("stats.json"), sim::toJson(run.report));
  files.add(path("trace.json"), sim::toTrace(run.result.stats, run.program(), run.machine));
  return files.write();
}

/// Compares the first images with the oracle and prints; returns whether it held.
FailureOr<bool> runCheck(const run::Source &source, const MachineRun &run, size_t inputs, size_t images) {
  Stage stage("check");
  FailureOr<std::unique_ptr<run::Checker>> checker = run::Checker::create(*source.quantised, run.program(), threads);
  if (failed(checker))
    return failure();
  FailureOr<std::vector<run::CheckResult>> results =
      (*checker)->check(llvm::ArrayRef(run.observed).take_front(images), threads);
  if (failed(results))
    return failure();
  const run::CheckResult &first = results->front();
  for (const std::string &line : first.notCompared)
    llvm::errs() << "sparse-run: check: " << line << "\n";
  bool held = true;
  for (auto [image, result] : llvm::enumerate(*results)) {
    for (const std::string &line : result.mismatches)
      llvm::errs() << "sparse-run: check: input " << image << ": " << line << "\n";
    held &= result.mismatches.empty();
  }
  if (!quiet)
    llvm::outs() << llvm::formatv(
        "check: {0} of {1} inputs, {2} accelerated layers in {3} tensors, {4}{5}: {6}\n", images, inputs,
        first.layersCovered, first.tensorsChecked,
        first.hostContractions ? std::to_string(first.hostContractions) + " contractions on the host, " : "",
        first.wholeChecked ? "and the whole model" : "not the whole model (a float operator runs on the host)",
        !held                        ? "DIFFERENT"
        : !first.notCompared.empty() ? "NOT COMPARED in part"
                                     : "bit-identical to upstream's lowering");
  return held && first.notCompared.empty();
}

/// The images of a file as arrays for the program and as tensors for the oracle: at most `limit` of them, 0 meaning
/// all.
FailureOr<runtime::NamedArrays> readInputs(func::FuncOp main, unsigned limit,
                                           std::vector<std::vector<cpu::Tensor>> &images) {
  absl::StatusOr<runtime::NamedArrays> arrays = runtime::readArrays(inputFile);
  if (!arrays.ok())
    return emitError(UnknownLoc::get(main.getContext())) << std::string(arrays.status().message());
  FailureOr<std::vector<std::vector<cpu::Tensor>>> split = cpu::splitInputs(main, *arrays, inputFile);
  if (failed(split))
    return failure();
  images = std::move(*split);
  if (limit && images.size() > limit)
    images.resize(limit);
  if (images.empty())
    return emitError(UnknownLoc::get(main.getContext())) << "'" << inputFile.getValue() << "' holds no input";
  for (auto [index, image] : llvm::enumerate(images))
    for (const cpu::Tensor &tensor : image)
      if (tensor.type.element == cpu::ElementType::F32 &&
          !llvm::all_of(tensor.as<float>(), [](float value) { return std::isfinite(value); }))
        return emitError(UnknownLoc::get(main.getContext()))
               << inputFile.getValue() << ": input " << index << " has a value that is not finite";
  runtime::NamedArrays inputs;
  for (size_t argument = 0; argument < images.front().size(); ++argument) {
    auto name = main.getArgAttrOfType<StringAttr>(argument, "sparsity.name");
    inputs.emplace_back(name ? name.str() : "arg" + std::to_string(argument), run::joinImages(images, argument));
  }
  // Where every input has an array of its name, another array is nobody's; 'y' holds labels.
  auto given = [](const runtime::NamedArrays &all, StringRef name) {
    return llvm::any_of(all, [&](const auto &array) { return array.first == name; });
  };
  if (!quiet && llvm::all_of(inputs, [&](const auto &input) { return given(*arrays, input.first); }))
    for (const auto &[name, array] : *arrays)
      if (!given(inputs, name) && name != "y")
        llvm::errs() << "sparse-run: warning: " << inputFile << ": array '" << name
                     << "' is not used: the model has no input of that name (what it gives a default is a constant)\n";
  return inputs;
}

int runCommand(int argc, char **argv) {
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, kOverview);
  llvm::errs().tie(&llvm::outs()); // where both are one pipe, a warning comes behind what it follows
  if (std::string problem = checkOptions(); !problem.empty())
    return fail(problem);
  if (noCache) // calibration may compile, too
    setenv("SPARSEACCEL_CACHE_DIR", "", /*overwrite=*/1);

  bool compares = !againstName.empty() || againstSafs.getNumOccurrences();
  std::vector<MachineRun> runs(compares ? 2 : 1);
  const std::vector<std::string> names = {machineName, againstName.empty() ? machineName : againstName};
  const std::vector<cl::opt<std::string> *> safOptions = {&safs, &againstSafs};
  for (auto [run, name, saf] : llvm::zip_first(runs, names, safOptions)) {
    absl::StatusOr<machine::Machine> machine = machine::loadMachine(name);
    if (!machine.ok())
      return fail(machine.status());
    if (auto dataflow = dataflow::findDataflow(*machine); !dataflow.ok())
      return fail(name + ": " + std::string(dataflow.status().message()));
    if (absl::Status status = run::checkSafOption(*machine, saf->ArgStr.data(), *saf); !status.ok())
      return fail(status);
    run.machine = std::move(*machine);
  }

  DialectRegistry registry;
  run::registerDialects(registry);
  // A pool of threads is no use to one.
  MLIRContext context(registry, threads == 1 ? MLIRContext::Threading::DISABLED : MLIRContext::Threading::ENABLED);
  context.printOpOnDiagnostic(false); // An operation with all its weights says less than its name.
  installDiagnosticHandler(context);
  remark::RemarkCategories remarks{std::nullopt, "sparse-.*", "sparse-.*", std::nullopt, "sparse-.*"};
  if (explainSchedule)
    remarks.analysis = "sparse-.*";
  if ((!quiet || explainSchedule) &&
      failed(remark::enableOptimizationRemarks(context, std::make_unique<RemarkPrinter>(),
                                               std::make_unique<remark::RemarkEmittingPolicyAll>(), remarks)))
    return fail("cannot print remarks");

  run::FrontendOptions options;
  options.model = model;
  options.workload = workloadFile;
  options.numerics = numerics.empty() && workloadFile.empty() ? "int16" : numerics.getValue();
  options.calibrate = calibrate;
  options.calibration = calibration;
  options.defaultRange = defaultRange;
  options.objective = *schedule::parseObjective(objective.getValue());
  options.searchBudget = searchBudget;
  options.mapping = mapping;
  options.batch = batch;
  options.dims.assign(dims.begin(), dims.end());
  options.input = inputFile;
  if (weightDensity.getNumOccurrences())
    options.weightDensity = weightDensity;
  if (activationDensity.getNumOccurrences())
    options.activationDensity = activationDensity;

  StageTimes times;
  FailureOr<run::Source> source = run::loadSource(options, &context);
  if (failed(source))
    return 1;

  // Inputs: of a model from the file, of a workload from its seed.
  std::vector<std::vector<cpu::Tensor>> images;
  runtime::NamedArrays inputs;
  if (source->workload) {
    inputs = run::workloadInputs(*source->workload, std::max(1u, unsigned(imageLimit)));
  } else {
    FailureOr<func::FuncOp> main = cpu::mainFunction(*source->quantised);
    if (failed(main))
      return 1;
    FailureOr<runtime::NamedArrays> read = readInputs(*main, imageLimit, images);
    if (failed(read))
      return 1;
    inputs = std::move(*read);
  }
  std::vector<int64_t> labels;
  if (!labelFile.empty()) {
    absl::StatusOr<std::vector<int64_t>> read = run::readLabels(labelFile, images, *source);
    if (!read.ok())
      return fail(read.status());
    labels = std::move(*read);
  }

  // The float model, and which layers lose it.
  std::unique_ptr<cpu::FloatExecutor> real;
  const bool comparesOutputs = check || !labels.empty() || guardOptions.maxError.getNumOccurrences();
  const size_t guarded = source->real && !(quiet && outFolder.empty()) ? guardOptions.imagesOf(images.size()) : 0;
  if (!source->real && guardOptions.maxError.getNumOccurrences())
    return fail("--max-error compares with the float model, and '" + model + "' is quantised already");
  if (source->real && (comparesOutputs || guarded)) {
    FailureOr<func::FuncOp> main = cpu::mainFunction(*source->real);
    if (failed(main))
      return 1;
    FailureOr<std::unique_ptr<cpu::FloatExecutor>> executor = cpu::FloatExecutor::create(*main);
    if (failed(executor))
      return 1;
    real = std::move(*executor);
  }
  std::unique_ptr<run::Guard> guard;

  unsigned observed = !check ? 0 : checkImages == 0 ? images.size() : std::min<size_t>(checkImages, images.size());
  unsigned zerosImages = compareIndependent ? std::min<size_t>(kZerosImages, images.size()) : 0;
  for (auto [index, run] : llvm::enumerate(runs)) {
    bool first = index == 0;
    options.saf = *safOptions[index];
    if (absl::Status status = compile(run, names[index], *source, options); !status.ok())
      return fail(status);
    if (source->workload && index + 1 == runs.size())
      workload::releaseWeights(*source->layers);
    if (first && guarded) {
      FailureOr<std::unique_ptr<run::Guard>> created = run::Guard::create(
          *source, run.program(), *real, images, guarded, guardOptions.limits(options.numerics, options.calibration));
      if (failed(created))
        return 1;
      guard = std::move(*created);
    }
    if (absl::Status status = simulate(run, inputs, std::max(first ? observed : 0, zerosImages),
                                       first && !outFolder.empty(), first ? guard.get() : nullptr);
        !status.ok())
      return fail(status);
    run.report.safRequest = options.saf;
    if (source->workload) {
      run.report.notes.push_back(workload::describeTensors(*source->workload));
      if (std::string leftOut = workload::describeLeftOut(*source->workload, run.machine); !leftOut.empty())
        run.report.notes.push_back(leftOut);
    }
  }

  if (!quiet) {
    llvm::outs() << sim::formatReport(runs[0].report);
    if (runs.size() > 1)
      llvm::outs() << "\n" << sim::formatComparison(runs[0].report, runs[1].report);
  }
  if (compareIndependent && !(quiet && outFolder.empty()))
    for (auto [run, name] : llvm::zip_first(runs, names)) {
      options.saf = run.report.safRequest;
      FailureOr<sim::ZerosComparison> zeros = compareZeros(*source, run, name, zerosImages, options, context);
      if (failed(zeros))
        return 1;
      run.report.zeros = std::move(*zeros);
      if (!quiet)
        printZeros(run, !source->workload);
    }

  bool held = true;
  if (check) {
    FailureOr<bool> result = runCheck(*source, runs[0], images.size(), observed);
    if (failed(result))
      return 1;
    held = *result;
  }
  if (guard) {
    Stage stage("compare with the float model");
    FailureOr<sim::GuardReport> report = guard->report();
    if (failed(report))
      return 1;
    if (!quiet) {
      if (check)
        llvm::outs() << "\n" << sim::formatGuard(*report, kGuardRows);
      for (const std::string &line : sim::guardWarnings(*report, kGuardRows))
        llvm::errs() << "sparse-run: warning: " << line << "\n";
    }
    runs[0].report.guard = std::move(*report);
  }
  if (comparesOutputs && !(quiet && outFolder.empty() && !guardOptions.maxError.getNumOccurrences())) {
    Stage stage("compare with the float model");
    FailureOr<run::Accuracy> accuracy = run::compareWithFloat(
        *source, real.get(), images, runs[0].result.outputs, quiet ? ArrayRef<int64_t>() : ArrayRef(labels),
        guard ? guard->images() : 0, guardOptions.limits(options.numerics, options.calibration).leastSnrDb);
    if (failed(accuracy))
      return 1;
    if (!quiet) {
      llvm::outs() << accuracy->text;
      for (const std::string &line : accuracy->warnings)
        llvm::errs() << "sparse-run: warning: " << line << "\n";
    }
    if (real)
      runs[0].report.againstFloat = accuracy->againstFloat;
    if (guardOptions.maxError.getNumOccurrences())
      for (const std::string &line : run::errorsBeyond(accuracy->againstFloat, guardOptions.maxError)) {
        llvm::errs() << "sparse-run: error: " << line << "\n";
        held = false;
      }
  }
  if (!outFolder.empty())
    if (absl::Status status = writeResults(runs[0]); !status.ok())
      return fail(status);
  if (timing)
    for (const auto &[name, seconds] : times.seconds())
      llvm::errs() << llvm::formatv("{0}: {1:f2} s\n", name, seconds);
  return held ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 2 && llvm::StringRef(argv[1]) == "--serve")
    return run::serve(argv[0], runCommand);
  return runCommand(argc, argv);
}
