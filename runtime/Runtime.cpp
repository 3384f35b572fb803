//===- Runtime.cpp - Runs images through a program ------------------------===//

#include "SparseAccel/Runtime/Runtime.h"

#include "SparseAccel/Target/ISA/Container.h"
#include "SparseAccel/Target/ISA/Verifier.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace sparseaccel::runtime {

struct Session::State {
  isa::Program program;
  machine::Machine machine;
  isa::Estimates estimates;
  std::unique_ptr<sim::Simulator> simulator;
};

Session::Session(std::unique_ptr<State> state) : state(std::move(state)) {}
Session::~Session() = default;
const isa::Program &Session::program() const { return state->program; }
const machine::Machine &Session::machine() const { return state->machine; }
const isa::Estimates &Session::estimates() const { return state->estimates; }

absl::StatusOr<std::unique_ptr<Session>> Session::create(isa::Program program, machine::Machine machine,
                                                         isa::Estimates estimates) {
  if (absl::Status status = isa::verify(program); !status.ok())
    return status;
  auto state = std::make_unique<State>();
  state->program = std::move(program);
  state->machine = std::move(machine);
  state->estimates = std::move(estimates);
  absl::StatusOr<std::unique_ptr<sim::Simulator>> simulator = sim::Simulator::create(state->program, state->machine);
  if (!simulator.ok())
    return simulator.status();
  state->simulator = *std::move(simulator);
  return std::unique_ptr<Session>(new Session(std::move(state)));
}

absl::StatusOr<std::unique_ptr<Session>> Session::load(const std::string &programPath, const std::string &machine) {
  isa::Estimates estimates;
  absl::StatusOr<isa::Program> program = isa::readFile(programPath, &estimates);
  if (!program.ok())
    return program.status();
  absl::StatusOr<machine::Machine> description = machine::loadMachine(machine.empty() ? program->machine : machine);
  if (!description.ok())
    return description.status();
  return create(*std::move(program), *std::move(description), std::move(estimates));
}

namespace {

std::string shapeText(absl::Span<const uint32_t> shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

DType dtypeFor(isa::ElementType type) {
  switch (type) {
  case isa::ElementType::I8:
    return DType::I8;
  case isa::ElementType::I16:
    return DType::I16;
  case isa::ElementType::I32:
    return DType::I32;
  case isa::ElementType::F32:
    return DType::F32;
  case isa::ElementType::I48:
  case isa::ElementType::I64:
    return DType::I64;
  }
  return DType::F32;
}

/// An input's bytes for all runs.
struct Bound {
  std::vector<float> floats;
  const uint8_t *bytes = nullptr;
  uint64_t runs = 0, bytesPerRun = 0;
};

absl::StatusOr<Bound> bind(const isa::Tensor &tensor, const Array &array) {
  uint64_t elements = tensor.elements(), given = uint64_t(array.elements());
  std::vector<int64_t> shape(tensor.shape.begin(), tensor.shape.end());
  bool fits = array.shape == shape || (shape.empty() && array.shape.size() == 1 && array.shape[0] > 0);
  if (!fits && array.shape.size() == shape.size() && !shape.empty() && array.shape[0] > 0 &&
      array.shape[0] % std::max<int64_t>(shape[0], 1) == 0)
    fits = std::equal(shape.begin() + 1, shape.end(), array.shape.begin() + 1);
  if (!fits && array.shape.size() + 1 == shape.size() && shape[0] == 1)
    fits = std::equal(array.shape.begin(), array.shape.end(), shape.begin() + 1);
  if (!fits || elements == 0)
    return absl::InvalidArgumentError(absl::StrCat("input '", tensor.name, "' takes ", shapeText(tensor.shape),
                                                   " with any multiple of ", shape.empty() ? 1 : shape[0],
                                                   " along the first axis, and the array is ", array.describe()));
  Bound bound;
  bound.runs = given / elements;
  bound.bytesPerRun = elements * isa::storageBytes(tensor.type);
  if (tensor.type == isa::ElementType::F32 && array.dtype != DType::F32) {
    bound.floats = array.toFloat();
    bound.bytes = reinterpret_cast<const uint8_t *>(bound.floats.data());
  } else if (array.dtype != dtypeFor(tensor.type)) {
    return absl::InvalidArgumentError(absl::StrCat("input '", tensor.name, "' takes ", toString(dtypeFor(tensor.type)),
                                                   ", and the array is ", array.describe()));
  } else {
    bound.bytes = array.bytes.data();
  }
  return bound;
}

absl::StatusOr<std::vector<Bound>> bindAll(const isa::Program &program, const NamedArrays &arrays) {
  std::vector<std::string> names, given;
  for (uint32_t input : program.inputs)
    names.push_back(absl::StrCat("'", program.tensors[input].name, "'"));
  for (const auto &[name, array] : arrays)
    given.push_back(absl::StrCat("'", name, "'"));
  std::vector<Bound> bound;
  for (uint32_t input : program.inputs) {
    const isa::Tensor &tensor = program.tensors[input];
    const Array *found = findInput(arrays, tensor.name, bound.size(), program.inputs.size(),
                                   [&](const Array &array) { return bind(tensor, array).ok(); });
    if (!found)
      return absl::InvalidArgumentError(absl::StrCat("no array for input '", tensor.name, "'; inputs are ",
                                                     absl::StrJoin(names, ", "), ", arrays are ",
                                                     given.empty() ? "none" : absl::StrJoin(given, ", ")));
    absl::StatusOr<Bound> one = bind(tensor, *found);
    if (!one.ok())
      return one.status();
    if (!bound.empty() && one->runs != bound[0].runs)
      return absl::InvalidArgumentError(absl::StrCat("input '", tensor.name, "' has data for ", one->runs,
                                                     " runs, and input ", names[0], " for ", bound[0].runs));
    bound.push_back(*std::move(one));
  }
  return bound;
}

} // namespace

absl::StatusOr<BatchResult> Session::run(const NamedArrays &inputs, const RunOptions &options) const {
  const isa::Program &program = state->program;
  absl::StatusOr<std::vector<Bound>> bound = bindAll(program, inputs);
  if (!bound.ok())
    return bound.status();
  uint64_t runs = bound->empty() ? 1 : (*bound)[0].runs;

  BatchResult result;
  std::vector<uint64_t> bytesPerRun;
  for (uint32_t output : program.outputs) {
    const isa::Tensor &tensor = program.tensors[output];
    Array array;
    array.dtype = dtypeFor(tensor.type);
    array.shape.assign(tensor.shape.begin(), tensor.shape.end());
    if (array.shape.empty())
      array.shape.push_back(1);
    array.shape[0] *= int64_t(runs);
    bytesPerRun.push_back(tensor.elements() * isa::storageBytes(tensor.type));
    array.bytes.resize(runs * bytesPerRun.back());
    result.outputs.emplace_back(tensor.name, std::move(array));
  }

  std::mutex mutex;
  std::atomic<uint64_t> next = 0;
  std::atomic<bool> failed = false;
  uint64_t done = 0, firstFailure = runs;
  absl::Status failure;
  std::map<uint64_t, sim::RunStats> waiting; // Finished before a run with a lower index.
  uint64_t added = 0;
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  constexpr unsigned kMostThreads = 256;
  const uint64_t threads = std::min(options.threads ? options.threads : cores, kMostThreads);
  auto work = [&] {
    for (uint64_t index; !failed && (index = next++) < runs;) {
      std::vector<sim::TensorData> data;
      for (size_t i = 0; i < program.inputs.size(); ++i) {
        const isa::Tensor &tensor = program.tensors[program.inputs[i]];
        const uint8_t *from = (*bound)[i].bytes + index * (*bound)[i].bytesPerRun;
        data.push_back({tensor.type, tensor.shape, {from, from + (*bound)[i].bytesPerRun}});
      }
      sim::Options one;
      // Where fewer runs than threads are left, a run takes what the others do not.
      one.threads = unsigned(std::max<uint64_t>(1, threads / std::min(threads, runs - index)));
      one.counts = options.counts;
      one.timeline = options.timeline && index == 0;
      if (options.observe && index < options.observedRuns)
        one.observe = [&](const sim::TensorObservation &tensor) { options.observe(index, tensor); };
      absl::StatusOr<sim::RunResult> ran = state->simulator->run(data, one);
      std::lock_guard<std::mutex> lock(mutex);
      if (!ran.ok()) {
        failed = true;
        // The failure of the lowest index, so that the message does not depend on timing where several fail.
        if (index < firstFailure) {
          firstFailure = index;
          failure = runs == 1
                        ? ran.status()
                        : absl::Status(ran.status().code(), absl::StrCat("run ", index, ": ", ran.status().message()));
        }
        continue;
      }
      for (size_t i = 0; i < ran->outputs.size(); ++i)
        std::copy(ran->outputs[i].bytes.begin(), ran->outputs[i].bytes.end(),
                  result.outputs[i].second.bytes.begin() + int64_t(index * bytesPerRun[i]));
      waiting.emplace(index, std::move(ran->stats));
      for (auto first = waiting.begin(); first != waiting.end() && first->first == added; first = waiting.begin()) {
        result.stats.add(first->second);
        waiting.erase(first);
        ++added;
      }
      ++done;
      if (options.progress)
        options.progress(done, runs);
    }
  };
  std::vector<std::thread> others;
  for (uint64_t i = 1; i < std::min(threads, runs); ++i)
    others.emplace_back(work);
  work();
  for (std::thread &thread : others)
    thread.join();
  if (failed)
    return failure;
  return result;
}

std::function<void(uint64_t, uint64_t)> terminalProgress() {
  if (!isatty(STDERR_FILENO))
    return nullptr;
  return [](uint64_t done, uint64_t total) {
    std::fprintf(stderr, "\r%llu/%llu images%s", static_cast<unsigned long long>(done),
                 static_cast<unsigned long long>(total), done == total ? "\n" : "");
    std::fflush(stderr);
  };
}

} // namespace sparseaccel::runtime
