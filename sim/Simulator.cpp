//===- Simulator.cpp - Checks a program against a machine, and runs it ----===//

#include "SparseAccel/Sim/Simulator.h"
#include "Executor.h"

#include "SparseAccel/Runtime/HostOps.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <mutex>

namespace sparseaccel::sim {

struct Simulator::State : SharedState {
  std::mutex mutex;
  std::vector<std::unique_ptr<Workspace>> idle; ///< As many as runs were under way at once; under `mutex`.

  std::unique_ptr<Workspace> take() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (!idle.empty()) {
        std::unique_ptr<Workspace> workspace = std::move(idle.back());
        idle.pop_back();
        return workspace;
      }
    }
    return std::make_unique<Workspace>(*program, constants);
  }
  void giveBack(std::unique_ptr<Workspace> workspace) {
    std::lock_guard<std::mutex> lock(mutex);
    idle.push_back(std::move(workspace));
  }
};

Simulator::Simulator(std::unique_ptr<State> state) : state(std::move(state)) {}
Simulator::~Simulator() = default;
const isa::Program &Simulator::program() const { return *state->program; }
const machine::Machine &Simulator::machine() const { return *state->machine; }

namespace {

absl::Status bindLevels(SharedState &state) {
  const isa::Program &program = *state.program;
  const machine::Machine &machine = *state.machine;
  for (const isa::Buffer &buffer : program.buffers) {
    const machine::Level *level = machine.findLevel(buffer.name);
    if (!level || level == &machine.levels.front())
      return absl::InvalidArgumentError(absl::StrCat("the program has a buffer '", buffer.name, "', and machine '",
                                                     machine.name, "' has no such level"));
    uint64_t capacity = level->sizeBytes * level->instances;
    if (buffer.bytes > capacity)
      return absl::InvalidArgumentError(absl::StrCat("the program's buffer '", buffer.name, "' has ", buffer.bytes,
                                                     " bytes, and the machine's level has ", capacity));
    if (buffer.psumBits != level->psumBits)
      return absl::InvalidArgumentError(absl::StrCat("the program's buffer '", buffer.name, "' has sums of ",
                                                     buffer.psumBits, " bits, and the machine's level of ",
                                                     level->psumBits));
    state.levelOfBuffer.push_back(level);
  }
  // Mappings and SAFs name levels by their place in the program's list.
  std::vector<uint8_t> levels;
  for (const std::string &name : program.levelNames) {
    int index = machine.levelIndex(name);
    if (index < 0)
      return absl::InvalidArgumentError(
          absl::StrCat("the program names a level '", name, "', and machine '", machine.name, "' has no such level"));
    levels.push_back(uint8_t(index));
  }
  auto bound = [&](uint8_t level) { return level < levels.size() ? levels[level] : level; };
  state.mappings = program.mappings;
  for (isa::Mapping &mapping : state.mappings)
    for (isa::Loop &loop : mapping.loops)
      loop.level = bound(loop.level);
  state.safs = program.safSets;
  for (isa::SafSet &set : state.safs)
    for (isa::Saf &saf : set)
      saf.level = bound(saf.level);
  return absl::OkStatus();
}

absl::Status checkVector(const SharedState &state, const isa::Vector &i) {
  const isa::Program &program = *state.program;
  auto name = [](isa::ElementType type) {
    static constexpr const char *names[] = {"i8", "i16", "i32", "i48", "f32", "i64"};
    return names[unsigned(type)];
  };
  if (!state.machine->supports(i.kind))
    return absl::InvalidArgumentError(absl::StrCat("the vector unit of machine '", state.machine->name,
                                                   "' does not do ", std::string(isa::toString(i.kind))));
  isa::ElementType a = program.tensors[i.a.tensor].type, o = program.tensors[i.o.tensor].type;
  auto isActivation = [](isa::ElementType type) {
    return type == isa::ElementType::I8 || type == isa::ElementType::I16;
  };
  bool binary = i.kind == isa::VectorKind::Add || i.kind == isa::VectorKind::Sub || i.kind == isa::VectorKind::Mul ||
                i.kind == isa::VectorKind::Max || i.kind == isa::VectorKind::Min;
  if (binary != (i.b.buffer != 255))
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(isa::toString(i.kind)), " takes ", binary ? "two operands" : "one operand"));
  bool mixes = i.kind == isa::VectorKind::Rescale || i.kind == isa::VectorKind::Table;
  bool sums = a == isa::ElementType::I32 || a == isa::ElementType::I48;
  if (!isActivation(o) || (sums ? i.kind != isa::VectorKind::Rescale : !isActivation(a)) || (!mixes && a != o) ||
      (binary && program.tensors[i.b.tensor].type != o))
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(isa::toString(i.kind)), " of ", name(a),
                     binary ? absl::StrCat(" and ", name(program.tensors[i.b.tensor].type)) : std::string(), " to ",
                     name(o), " is not an operation of the vector unit"));
  bool pool = i.kind == isa::VectorKind::MaxPool || i.kind == isa::VectorKind::AvgPool;
  uint64_t elements = product(extentsOf(i.o.extent));
  if ((!pool && product(extentsOf(i.a.extent)) != elements) || (binary && product(extentsOf(i.b.extent)) != elements))
    return absl::InvalidArgumentError(absl::StrCat("operands of ", std::string(isa::toString(i.kind)), " have ",
                                                   product(extentsOf(i.a.extent)), " elements where the result has ",
                                                   elements));
  if (i.kind == isa::VectorKind::Table) {
    size_t entries = program.numerics[i.numerics].table.size(), expected = a == isa::ElementType::I8 ? 256 : 513;
    if (entries != expected)
      return absl::InvalidArgumentError(
          absl::StrCat("a table of ", name(a), " has ", expected, " entries, not ", entries));
  }
  return absl::OkStatus();
}

absl::Status checkContract(const SharedState &state, const isa::Contract &i) {
  const isa::Program &program = *state.program;
  isa::ElementType a = program.tensors[i.a.tensor].type, b = program.tensors[i.b.tensor].type,
                   o = program.tensors[i.o.tensor].type;
  bool narrow = a == isa::ElementType::I8 && b == isa::ElementType::I8 && o == isa::ElementType::I32;
  bool wide = a == isa::ElementType::I16 && b == isa::ElementType::I16 && o == isa::ElementType::I48;
  if (!narrow && !wide)
    return absl::InvalidArgumentError("a contraction takes i8 and i8 to i32 sums, or i16 and i16 to i48 sums");
  if (!program.buffers[i.o.buffer].psumBits)
    return absl::InvalidArgumentError(
        absl::StrCat("sums cannot lie in buffer '", program.buffers[i.o.buffer].name, "': it declares no psum width"));
  dataflow::Work work;
  work.shape = shapeOf(i, program);
  work.mapping = &state.mappings[i.mapping];
  work.safs = &state.safs[i.safs];
  work.machine = state.machine;
  work.accumulate = i.mode == isa::AccumulateMode::Accumulate;
  return state.dataflow->legal(work);
}

absl::Status checkHost(const isa::Program &program, const isa::HostOp &op) {
  std::vector<runtime::HostTensor> in, out;
  for (uint32_t index : op.inputs)
    in.push_back({program.tensors[index].type, program.tensors[index].shape, {}});
  for (uint32_t index : op.outputs)
    out.push_back({program.tensors[index].type, program.tensors[index].shape, {}});
  return runtime::checkHostOp(op, in, out);
}

/// When each tensor in DRAM is complete.
void findCompletions(SharedState &state) {
  const isa::Program &program = *state.program;
  std::vector<int64_t> last(program.tensors.size(), -1);
  for (size_t index = 0; index < state.waits.size(); ++index) {
    const isa::Instruction &instruction = program.instructions[index];
    if (const auto *store = std::get_if<isa::Store>(&instruction))
      last[store->src.tensor] = int64_t(index);
    else if (const auto *host = std::get_if<isa::Host>(&instruction))
      for (uint32_t output : program.hostOps[host->op].outputs)
        last[output] = int64_t(index);
  }
  state.completes.resize(state.waits.size());
  for (uint32_t tensor = 0; tensor < last.size(); ++tensor)
    if (last[tensor] >= 0)
      state.completes[size_t(last[tensor])].push_back(tensor);
  for (uint32_t input : program.inputs)
    if (last[input] < 0)
      state.given.push_back(input);
}

absl::Status checkInstructions(SharedState &state) {
  const isa::Program &program = *state.program;
  for (size_t index = 0; index < program.instructions.size(); ++index) {
    const isa::Instruction &instruction = program.instructions[index];
    if (std::holds_alternative<isa::Halt>(instruction))
      break;
    absl::Status status;
    if (const auto *i = std::get_if<isa::Vector>(&instruction))
      status = checkVector(state, *i);
    else if (const auto *i = std::get_if<isa::Contract>(&instruction))
      status = checkContract(state, *i);
    else if (const auto *i = std::get_if<isa::Host>(&instruction))
      status = checkHost(program, program.hostOps[i->op]);
    if (!status.ok())
      return absl::Status(status.code(),
                          absl::StrCat("instruction ", index, " of layer '", program.layers[layerOf(instruction)].name,
                                       "': ", status.message()));
    state.waits.push_back(waitsOf(instruction));
  }
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<std::unique_ptr<Simulator>> Simulator::create(const isa::Program &program,
                                                             const machine::Machine &machine) {
  auto state = std::make_unique<State>();
  state->program = &program;
  state->machine = &machine;
  if (program.machine != machine.name || program.machineFingerprint != machine.fingerprint())
    return absl::InvalidArgumentError(absl::StrCat(
        "the program was compiled for machine '", program.machine, "'",
        program.machine == machine.name
            ? std::string(
                  " of another description: compile it again, or give the machine file that it was compiled with")
            : absl::StrCat(", and this is '", machine.name, "'")));
  absl::StatusOr<const dataflow::Dataflow *> dataflow = dataflow::findDataflow(machine);
  if (!dataflow.ok())
    return dataflow.status();
  state->dataflow = *dataflow;
  state->kernels = &kernels::bestKernels();
  if (absl::Status status = bindLevels(*state); !status.ok())
    return status;
  for (const isa::Numerics &numerics : program.numerics) {
    ExpandedNumerics expanded;
    for (size_t i = 0; i < numerics.multiplier.size(); ++i) {
      uint8_t shift = i < numerics.shift.size() ? numerics.shift[i] : 0;
      expanded.multiplier.push_back(numerics.multiplier[i]);
      expanded.round.push_back(shift ? int64_t(1) << (shift - 1) : 0);
      expanded.shift.push_back(shift);
    }
    state->numerics.push_back(std::move(expanded));
  }
  if (absl::Status status = checkInstructions(*state); !status.ok())
    return status;
  findCompletions(*state);
  absl::StatusOr<ConstantInfo> constants = inspectConstants(program);
  if (!constants.ok())
    return constants.status();
  state->constants = *std::move(constants);
  return std::unique_ptr<Simulator>(new Simulator(std::move(state)));
}

absl::StatusOr<RunResult> Simulator::run(absl::Span<const TensorData> inputs, const Options &options) const {
  RunResult result;
  std::unique_ptr<Workspace> workspace = state->take();
  absl::Status status = Executor(*state, options, *workspace).run(inputs, result);
  // A run that failed may have left an instruction half done: its memory goes with it.
  if (!status.ok())
    return status;
  state->giveBack(std::move(workspace));
  return result;
}

} // namespace sparseaccel::sim
