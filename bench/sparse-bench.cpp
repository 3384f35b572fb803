//===- sparse-bench.cpp - Simulation against oneDNN -----------------------===//
//
// SqueezeNet's convolutions on one thread: computed by oneDNN in float32, and simulated with values, counts and energy
// on every shipped machine. Prints how much longer the simulation takes, and where its time goes.
//
//===----------------------------------------------------------------------===//

#include "ConvPrograms.h"
#include "OneDnn.h"

#include "SparseAccel/Runtime/Runtime.h"
#include "SparseAccel/Sim/Kernels.h"
#include "SparseAccel/Sim/Report.h"
#include "SparseAccel/Sim/Simulator.h"
#include "SparseAccel/Target/ISA/Verifier.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <omp.h>
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
};

/// The simulator divides its time by the wall clock: its shares, of processor time.
Times divide(double total, double energy, const sim::RunStats &stats) {
  double wall = stats.valueSeconds + stats.countSeconds + stats.otherSeconds;
  double scale = wall > 0 ? (total - energy) / wall : 0;
  return {total, stats.valueSeconds * scale, stats.countSeconds * scale, energy, stats.otherSeconds * scale};
}

/// The fastest of all iterations, layer by layer: a layer is short enough to be left alone once in a while by whatever
/// else the processor does.
struct Result {
  std::map<std::string, Times> layers;
  void note(const std::string &layer, const Times &times) {
    Times &best = layers[layer];
    if (times.total < best.total)
      best = times;
  }
  Times sum() const {
    Times sum;
    sum.total = 0;
    for (const auto &[name, times] : layers) {
      sum.total += times.total, sum.values += times.values, sum.counts += times.counts;
      sum.energy += times.energy, sum.other += times.other;
    }
    return sum;
  }
};

double totalMacs() {
  double macs = 0;
  for (const ConvLayer &layer : squeezeNetLayers())
    macs += double(layer.shape.macs());
  return macs;
}

void runOneDnn(benchmark::State &state, Result &result) {
  std::vector<ConvLayer> layers = squeezeNetLayers();
  std::vector<std::unique_ptr<OneDnnConv>> convolutions;
  for (const ConvLayer &layer : layers) {
    convolutions.push_back(std::make_unique<OneDnnConv>(layer));
    convolutions.back()->run();
  }
  for (auto _ : state) {
    for (size_t i = 0; i < layers.size(); ++i) {
      double start = seconds();
      convolutions[i]->run();
      Times times;
      times.total = times.values = seconds() - start;
      result.note(layers[i].name, times);
    }
  }
  state.counters["GMAC/s"] =
      benchmark::Counter(totalMacs() * double(state.iterations()) * 1e-9, benchmark::Counter::kIsRate);
}

struct Work {
  machine::Machine machine;
  std::vector<ConvProgram> programs;
  std::vector<std::unique_ptr<sim::Simulator>> simulators;
};

std::string prepare(const std::string &name, isa::ElementType type, Work &work) {
  absl::StatusOr<machine::Machine> machine = machine::loadMachine(name);
  if (!machine.ok())
    return std::string(machine.status().message());
  work.machine = *std::move(machine);
  for (const ConvLayer &layer : squeezeNetLayers()) {
    absl::StatusOr<ConvProgram> program = makeConvProgram(layer, work.machine, type);
    if (!program.ok())
      return std::string(program.status().message());
    if (absl::Status status = isa::verify(program->program); !status.ok())
      return layer.name + ": " + std::string(status.message());
    work.programs.push_back(*std::move(program));
  }
  for (const ConvProgram &program : work.programs) {
    absl::StatusOr<std::unique_ptr<sim::Simulator>> simulator = sim::Simulator::create(program.program, work.machine);
    if (!simulator.ok())
      return std::string(simulator.status().message());
    work.simulators.push_back(*std::move(simulator));
  }
  return "";
}

void runSimulator(benchmark::State &state, const std::string &machine, isa::ElementType type, Result &result) {
  Work work;
  if (std::string error = prepare(machine, type, work); !error.empty()) {
    state.SkipWithError(error.c_str());
    return;
  }
  for (auto _ : state) {
    for (size_t i = 0; i < work.programs.size(); ++i) {
      double start = seconds();
      absl::StatusOr<sim::RunResult> run = work.simulators[i]->run(absl::MakeConstSpan(&work.programs[i].input, 1));
      if (!run.ok()) {
        state.SkipWithError(std::string(run.status().message()).c_str());
        return;
      }
      double simulated = seconds();
      const sim::LayerStats &totals = run->stats.totals;
      absl::StatusOr<std::map<std::string, double>> energy = work.machine.energy.energyByComponent(
          totals.actions, totals.computeCycles, std::max(0.0, totals.cycles - totals.computeCycles));
      if (!energy.ok()) {
        state.SkipWithError(std::string(energy.status().message()).c_str());
        return;
      }
      double end = seconds();
      result.note(work.programs[i].program.layers[0].name, divide(end - start, end - simulated, run->stats));
    }
  }
  state.counters["GMAC/s"] =
      benchmark::Counter(totalMacs() * double(state.iterations()) * 1e-9, benchmark::Counter::kIsRate);
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
                            all.other / images});
  }
  if (!status.ok())
    state.SkipWithError(std::string(status.message()).c_str());
}

void print(const Result &yardstick, const std::vector<std::pair<std::string, Result>> &results, bool layers) {
  double macs = totalMacs();
  std::printf("\nSqueezeNet v1.0, convolutions of one picture, %.1f million MACs, one thread, kernels: %s\n",
              macs * 1e-6, sim::kernels::kernelName(sim::kernels::bestKernels()));
  std::printf("%-20s %9s %8s %10s %9s %9s %9s %9s\n", "", "ms", "ratio", "GMAC/s", "values", "counts", "energy",
              "other");
  auto row = [&](const std::string &name, const Result &result) {
    Times r = result.sum();
    std::printf("%-20s %9.2f %7.2fx %10.1f %9.2f %9.2f %9.2f %9.2f\n", name.c_str(), r.total * 1e3,
                r.total / yardstick.sum().total, macs / r.total * 1e-9, r.values * 1e3, r.counts * 1e3, r.energy * 1e3,
                r.other * 1e3);
  };
  row("onednn float32", yardstick);
  for (const auto &[name, result] : results)
    row(name, result);
  if (!layers)
    return;
  for (const ConvLayer &layer : squeezeNetLayers()) {
    std::printf("%-20s %9.3f", layer.name.c_str(), yardstick.layers.at(layer.name).total * 1e3);
    for (const auto &[name, result] : results)
      if (auto found = result.layers.find(layer.name); found != result.layers.end())
        std::printf(" %s %.3f", name.c_str(), found->second.total * 1e3);
    std::printf("\n");
  }
}

} // namespace

constexpr char kUsage[] = R"(Simulation against oneDNN, on one thread: SqueezeNet's convolutions.

  sparse-bench [--layers] [--benchmark_filter=REGEX]
  sparse-bench --program=squeezenet.sac --input=x.npy [--program=...]

Without a program, each convolution is a program by itself, with synthetic tensors of the pruned network's densities, on
every shipped machine. With programs, these run as a whole: pools, transfers and host operators are in their time.)";

int main(int argc, char **argv) {
  omp_set_num_threads(1); // oneDNN's.
  bool layers = false;
  std::vector<std::string> programs;
  std::string input;
  std::vector<char *> others;
  for (int i = 0; i < argc; ++i) {
    std::string text = argv[i];
    if (text == "--layers")
      layers = true;
    else if (text.rfind("--program=", 0) == 0)
      programs.push_back(text.substr(10));
    else if (text.rfind("--input=", 0) == 0)
      input = text.substr(8);
    else if (text == "--help")
      std::puts(kUsage);
    else
      others.push_back(argv[i]);
    if (text == "--help")
      return 0;
  }
  if (programs.empty() != input.empty()) {
    std::fputs("sparse-bench: error: --program and --input go together\n", stderr);
    return 2;
  }
  argc = int(others.size());
  argv = others.data();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  Result yardstick;
  std::vector<std::pair<std::string, Result>> results;
  for (const std::string &program : programs)
    results.emplace_back(program.size() > 19 ? "..." + program.substr(program.size() - 16) : program, Result());
  for (const std::string &machine : programs.empty() ? machine::listMachines() : std::vector<std::string>())
    for (const char *numerics : {"int16", "int8"})
      results.emplace_back(machine + " " + numerics, Result());
  benchmark::RegisterBenchmark("onednn/float32", [&](benchmark::State &state) { runOneDnn(state, yardstick); })
      ->Unit(benchmark::kMillisecond)
      ->MinTime(0.3);
  for (size_t i = 0; i < programs.size(); ++i)
    benchmark::RegisterBenchmark(
        programs[i].c_str(),
        [&, i](benchmark::State &state) { runProgram(state, programs[i], input, results[i].second); })
        ->Unit(benchmark::kMillisecond)
        ->MinTime(0.3);
  for (auto &entry : absl::MakeSpan(results).subspan(programs.size())) {
    std::string machine = entry.first.substr(0, entry.first.find(' '));
    bool wide = entry.first.find("int16") != std::string::npos;
    Result *result = &entry.second;
    benchmark::RegisterBenchmark((machine + (wide ? "/int16" : "/int8")).c_str(),
                                 [machine, wide, result](benchmark::State &state) {
                                   runSimulator(state, machine, wide ? isa::ElementType::I16 : isa::ElementType::I8,
                                                *result);
                                 })
        ->Unit(benchmark::kMillisecond)
        ->MinTime(0.3);
  }
  benchmark::RunSpecifiedBenchmarks();
  std::erase_if(results, [](const auto &entry) { return entry.second.layers.empty(); });
  if (yardstick.layers.empty() || results.empty()) {
    std::fprintf(stderr, "nothing to compare: oneDNN and at least one machine must run\n");
    return 1;
  }
  print(yardstick, results, layers);
  return 0;
}
