//===- sparse-bench.cpp - Simulation against oneDNN -----------------------===//
//
// Layers on one thread: computed by oneDNN in float32, and simulated with values, counts and energy on every shipped
// machine, dense and sparse. Prints how much longer the simulation takes, and where its time goes.
//
//===----------------------------------------------------------------------===//

#include "LayerPrograms.h"
#include "OneDnn.h"

#include "SparseAccel/Runtime/Runtime.h"
#include "SparseAccel/Sim/Kernels.h"
#include "SparseAccel/Sim/Report.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <omp.h>
#include <optional>
#include <string>
#include <time.h>
#include <vector>

using namespace sparseaccel;
using namespace sparseaccel::bench;

namespace {

/// Processor time of this thread: what else the machine does is not in it.
double seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

/// Seconds, of all and of their parts.
struct Times {
  double total = 1e30, values = 0, counts = 0, energy = 0, other = 0;
  /// Of the first run: weights are decoded and packed, memory is touched for the first time.
  double first = 0;
};

/// The simulator divides its time by the wall clock: its shares, of processor time.
Times divide(double total, double energy, const sim::RunStats &stats) {
  double wall = stats.valueSeconds + stats.countSeconds + stats.otherSeconds;
  double scale = wall > 0 ? (total - energy) / wall : 0;
  return {total, stats.valueSeconds * scale, stats.countSeconds * scale, energy, stats.otherSeconds * scale, 0};
}

/// The fastest of all iterations, layer by layer: a layer is short enough to be left alone once in a while by whatever
/// else the processor does.
struct Result {
  std::map<std::string, Times> layers;
  void note(const std::string &layer, Times times) {
    auto [place, isFirst] = layers.try_emplace(layer);
    times.first = isFirst ? times.total : place->second.first;
    if (times.total < place->second.total)
      place->second = times;
    else
      place->second.first = times.first;
  }
  Times sum() const {
    Times sum;
    sum.total = 0;
    for (const auto &[name, times] : layers) {
      sum.total += times.total, sum.values += times.values, sum.counts += times.counts;
      sum.energy += times.energy, sum.other += times.other, sum.first += times.first;
    }
    return sum;
  }
};

double totalMacs(const workload::Workload &workload) {
  double macs = 0;
  for (const workload::Layer &layer : workload.layers)
    macs += double(layer.shape.macs());
  return macs;
}

void countMacs(benchmark::State &state, const workload::Workload &workload) {
  state.counters["GMAC/s"] =
      benchmark::Counter(totalMacs(workload) * double(state.iterations()) * 1e-9, benchmark::Counter::kIsRate);
}

void runOneDnn(benchmark::State &state, const workload::Workload &workload, Result &result) {
  std::vector<std::unique_ptr<OneDnnLayer>> layers;
  for (const workload::Layer &layer : workload.layers) {
    layers.push_back(std::make_unique<OneDnnLayer>(layer.shape));
    layers.back()->run();
  }
  for (auto _ : state)
    for (size_t i = 0; i < layers.size(); ++i) {
      double start = seconds();
      layers[i]->run();
      Times times;
      times.total = times.values = seconds() - start;
      result.note(workload.layers[i].name, times);
    }
  countMacs(state, workload);
}

void runSimulator(benchmark::State &state, const std::string &name, const workload::Workload &workload,
                  Result &result) {
  absl::StatusOr<machine::Machine> machine = machine::loadMachine(name);
  absl::Status status = machine.status();
  std::vector<LayerProgram> programs;
  for (size_t i = 0; status.ok() && i < workload.layers.size(); ++i) {
    absl::StatusOr<LayerProgram> program = compileLayer(workload, i, name);
    status = program.status();
    if (status.ok())
      programs.push_back(*std::move(program));
  }
  std::vector<std::unique_ptr<sim::Simulator>> simulators;
  for (const LayerProgram &program : programs) {
    absl::StatusOr<std::unique_ptr<sim::Simulator>> simulator = sim::Simulator::create(program.program, *machine);
    status.Update(simulator.status());
    if (simulator.ok())
      simulators.push_back(*std::move(simulator));
  }
  auto runAll = [&] {
    for (size_t i = 0; status.ok() && i < programs.size(); ++i) {
      double start = seconds();
      absl::StatusOr<sim::RunResult> run = simulators[i]->run(absl::MakeConstSpan(&programs[i].input, 1));
      double simulated = seconds();
      status = run.status();
      if (!status.ok())
        break;
      const sim::LayerStats &totals = run->stats.totals;
      status = machine->energy
                   .energyByComponent(totals.actions, totals.computeCycles,
                                      std::max(0.0, totals.cycles - totals.computeCycles))
                   .status();
      double end = seconds();
      result.note(workload.layers[i].name, divide(end - start, end - simulated, run->stats));
    }
  };
  runAll(); // The first image stands in a column of its own.
  for (auto _ : state)
    runAll();
  if (!status.ok()) {
    result.layers.clear();
    state.SkipWithError(std::string(status.message()).c_str());
  }
  countMacs(state, workload);
}

/// A compiled program with real inputs: everything that it does for the first image, pools and host operators included.
void runProgram(benchmark::State &state, const std::string &path, const std::string &input, Result &result) {
  absl::StatusOr<std::unique_ptr<runtime::Session>> session = runtime::Session::load(path, "");
  absl::StatusOr<runtime::NamedArrays> arrays = runtime::readArrays(input);
  absl::Status status = session.ok() ? arrays.status() : session.status();
  runtime::RunOptions options;
  options.threads = 1;
  for (auto _ : state) {
    if (!status.ok())
      break;
    double begin = seconds();
    absl::StatusOr<runtime::BatchResult> run = (*session)->run(*arrays, options);
    double simulated = seconds();
    status = run.status();
    if (!status.ok())
      break;
    status = sim::makeReport(run->stats, (*session)->program(), (*session)->machine()).status();
    double end = seconds(), images = double(run->stats.images);
    Times all = divide(end - begin, end - simulated, run->stats);
    result.note("program", {all.total / images, all.values / images, all.counts / images, all.energy / images,
                            all.other / images, 0});
  }
  if (!status.ok())
    state.SkipWithError(std::string(status.message()).c_str());
}

/// A workload with its own densities, or with one for all operands of all layers.
struct Setting {
  std::string name;
  workload::Workload workload;
  Setting(const workload::Workload &base, std::optional<double> density)
      : name(!density          ? "as pruned"
             : *density == 1.0 ? "dense"
                               : std::to_string(int(*density * 100 + 0.5)) + "%"),
        workload(base) {
    if (density)
      for (workload::Layer &layer : workload.layers)
        for (workload::Sparsity *operand : {&layer.weights, &layer.activations}) {
          *operand = workload::Sparsity();
          operand->density = *density;
        }
  }
};

/// One row of the result: a machine on a workload, at one setting of densities.
struct Row {
  std::string machine, dataflow;
  const Setting *setting;
  Result result;
};

void print(const workload::Workload &workload, const Result &yardstick, const std::vector<std::unique_ptr<Row>> &rows,
           bool layers) {
  double macs = totalMacs(workload);
  std::printf("\n%s: %.1f million MACs, one thread, kernels: %s\n", workload.description.c_str(), macs * 1e-6,
              sim::kernels::kernelName(sim::kernels::bestKernels()));
  std::printf("%-16s %-18s %-6s %-10s %9s %8s %8s %8s %8s %8s %8s %8s\n", "machine", "dataflow", "", "density", "ms",
              "ratio", "first", "GMAC/s", "values", "counts", "energy", "other");
  double reference = yardstick.sum().total;
  std::printf("%-16s %-18s %-6s %-10s %9.2f %7.2fx %8s %8.1f\n", "onednn", "", "f32", "dense", reference * 1e3, 1.0, "",
              macs / reference * 1e-9);
  for (const auto &row : rows) {
    Times t = row->result.sum();
    std::printf("%-16s %-18s %-6s %-10s %9.2f %7.2fx %7.2fx %8.1f %8.2f %8.2f %8.2f %8.2f\n", row->machine.c_str(),
                row->dataflow.c_str(), row->setting->workload.numerics.c_str(), row->setting->name.c_str(),
                t.total * 1e3, t.total / reference, t.first / reference, macs / t.total * 1e-9, t.values * 1e3,
                t.counts * 1e3, t.energy * 1e3, t.other * 1e3);
    if (layers)
      for (const auto &[name, times] : row->result.layers)
        std::printf("  %-30s %9.3f ms, oneDNN %9.3f\n", name.c_str(), times.total * 1e3,
                    yardstick.layers.at(name).total * 1e3);
  }
}

constexpr char kUsage[] = R"(Simulation against oneDNN, on one thread.

  sparse-bench                       every shipped machine: SqueezeNet's convolutions where it takes convolutions,
                                     else AlexNet's fully connected layers
  sparse-bench --machine=NAME        one machine; may stand several times
  sparse-bench --workload=NAME       layers of another workload on all machines
  sparse-bench --numerics=int8       (or int16) where the machine has it
  sparse-bench --layers              a line for each layer
  sparse-bench --program=squeezenet.sac --input=x.npy [--program=...]
                                     compiled programs with real inputs: pools, transfers and host operators are in
                                     their time
  sparse-bench --benchmark_filter=REGEX ...
                                     Google Benchmark's own options

Each layer is a program by itself, with synthetic tensors at three densities: the workload's own, dense, and 10% of all
operands. The ratio is the simulation's processor time over oneDNN's for the same layers in float32, the fastest run of
each; `first` is the ratio of the first run, which decodes the weights and touches its memory for the first time.)";

struct Arguments {
  bool layers = false;
  std::vector<std::string> programs, machines;
  std::string input, workload, numerics;
};

/// Machines whose first choice of numerics is not theirs take their own.
std::string numericsFor(const machine::Machine &machine, const std::string &wanted) {
  bool has = std::find(machine.numerics.begin(), machine.numerics.end(), wanted) != machine.numerics.end();
  return has ? wanted : machine.numerics.back();
}

int runPrograms(const Arguments &arguments) {
  std::vector<Result> results(arguments.programs.size());
  for (size_t i = 0; i < results.size(); ++i)
    benchmark::RegisterBenchmark(
        arguments.programs[i].c_str(),
        [&, i](benchmark::State &state) { runProgram(state, arguments.programs[i], arguments.input, results[i]); })
        ->Unit(benchmark::kMillisecond)
        ->MinTime(0.3);
  benchmark::RunSpecifiedBenchmarks();
  for (size_t i = 0; i < results.size(); ++i)
    if (!results[i].layers.empty()) {
      Times t = results[i].sum();
      std::printf("%s: %.2f ms an image (values %.2f, counts %.2f, energy %.2f, other %.2f)\n",
                  arguments.programs[i].c_str(), t.total * 1e3, t.values * 1e3, t.counts * 1e3, t.energy * 1e3,
                  t.other * 1e3);
    }
  return 0;
}

/// The machines that run a workload, by the numerics that they have.
struct Suite {
  std::string workload;
  std::map<std::string, std::vector<machine::Machine>> byNumerics;
};

/// One table of the result: a workload in one numerics, the yardstick and a row for each machine and setting.
struct Table {
  workload::Workload workload;
  std::vector<Setting> settings;
  Result yardstick;
  std::vector<std::unique_ptr<Row>> rows;
};

/// Google Benchmark runs what is registered once in a process: all tables register before any runs.
absl::Status registerSuite(const Suite &suite, std::vector<std::unique_ptr<Table>> &tables) {
  for (const auto &[numerics, machines] : suite.byNumerics) {
    workload::Overrides overrides;
    overrides.numerics = numerics;
    absl::StatusOr<workload::Workload> workload = workload::loadWorkload(suite.workload, overrides);
    if (!workload.ok())
      return workload.status();
    Table *table = tables.emplace_back(std::make_unique<Table>(Table{*workload, {}, {}, {}})).get();
    table->settings = {{*workload, std::nullopt}, {*workload, 1.0}, {*workload, 0.1}};
    benchmark::RegisterBenchmark((suite.workload + "/onednn").c_str(),
                                 [=](benchmark::State &state) { runOneDnn(state, table->workload, table->yardstick); })
        ->Unit(benchmark::kMillisecond)
        ->MinTime(0.3);
    for (const machine::Machine &machine : machines)
      for (const Setting &setting : table->settings) {
        Row *row =
            table->rows.emplace_back(std::make_unique<Row>(Row{machine.name, machine.dataflow, &setting, {}})).get();
        benchmark::RegisterBenchmark(
            (suite.workload + "/" + machine.name + "/" + numerics + "/" + setting.name).c_str(),
            [=](benchmark::State &state) { runSimulator(state, row->machine, row->setting->workload, row->result); })
            ->Unit(benchmark::kMillisecond)
            ->MinTime(0.3);
      }
  }
  return absl::OkStatus();
}

int fail(const std::string &message) {
  std::fprintf(stderr, "sparse-bench: error: %s\n", message.c_str());
  return 2;
}

} // namespace

int main(int argc, char **argv) {
  omp_set_num_threads(1); // oneDNN's.
  Arguments arguments;
  std::vector<char *> others;
  for (int i = 0; i < argc; ++i) {
    std::string text = argv[i];
    auto value = [&](const char *option) { return text.substr(std::string(option).size()); };
    if (text == "--help") {
      std::puts(kUsage);
      return 0;
    }
    if (text == "--layers")
      arguments.layers = true;
    else if (text.starts_with("--program="))
      arguments.programs.push_back(value("--program="));
    else if (text.starts_with("--input="))
      arguments.input = value("--input=");
    else if (text.starts_with("--machine="))
      arguments.machines.push_back(value("--machine="));
    else if (text.starts_with("--workload="))
      arguments.workload = value("--workload=");
    else if (text.starts_with("--numerics="))
      arguments.numerics = value("--numerics=");
    else
      others.push_back(argv[i]);
  }
  if (arguments.programs.empty() != arguments.input.empty())
    return fail("--program and --input go together");
  if (!arguments.numerics.empty() && arguments.numerics != "int8" && arguments.numerics != "int16")
    return fail("--numerics: expected int8 or int16, not '" + arguments.numerics + "'");
  argc = int(others.size());
  argv = others.data();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  if (!arguments.programs.empty())
    return runPrograms(arguments);

  std::vector<Suite> suites = {{"squeezenet", {}}, {"alexnet-fc", {}}};
  if (!arguments.workload.empty())
    suites = {{arguments.workload, {}}};
  for (const std::string &name : arguments.machines.empty() ? machine::listMachines() : arguments.machines) {
    absl::StatusOr<machine::Machine> machine = machine::loadMachine(name);
    if (!machine.ok())
      return fail(std::string(machine.status().message()));
    bool matricesOnly = suites.size() > 1 && !machine->supports(machine::ContractionKind::Conv);
    machine->name = name; // Whatever it calls itself: it is loaded by this.
    std::string numerics = numericsFor(*machine, arguments.numerics.empty() ? "int16" : arguments.numerics);
    suites[matricesOnly].byNumerics[numerics].push_back(*std::move(machine));
  }
  std::vector<std::unique_ptr<Table>> tables;
  for (const Suite &suite : suites)
    if (absl::Status status = registerSuite(suite, tables); !status.ok())
      return fail(std::string(status.message()));
  benchmark::RunSpecifiedBenchmarks();
  bool any = false;
  for (const std::unique_ptr<Table> &table : tables) {
    std::erase_if(table->rows, [](const auto &row) { return row->result.layers.empty(); });
    if (table->yardstick.layers.empty() || table->rows.empty())
      continue;
    any = true;
    print(table->workload, table->yardstick, table->rows, arguments.layers);
  }
  if (any)
    return 0;
  std::fprintf(stderr, "nothing to compare: oneDNN and at least one machine must run\n");
  return 1;
}
