//===- ProgramFuzzer.cpp - What verifies can be executed --------------------===//
//
// The input is a list of edits (two bytes of offset, one of value) to the bytes of a small program that is valid. Where
// the result still verifies, it is simulated: with the sanitizers on, that is the test of the promise that executing a
// verified program cannot go out of bounds.
//
//===----------------------------------------------------------------------===//

#include "../../lib/Target/ISA/Checksum.h"
#include "../unit/ISA/SmallProgram.h"
#include "SparseAccel/Sim/Simulator.h"
#include "SparseAccel/Target/ISA/Container.h"
#include "SparseAccel/Target/ISA/Verifier.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace sparseaccel;

namespace {

struct Base {
  machine::Machine machine;
  std::vector<uint8_t> bytes;
};

absl::Status simulate(const isa::Program &program, const machine::Machine &machine) {
  absl::StatusOr<std::unique_ptr<sim::Simulator>> simulator = sim::Simulator::create(program, machine);
  if (!simulator.ok())
    return simulator.status();
  std::vector<sim::TensorData> inputs;
  for (uint32_t index : program.inputs) {
    const isa::Tensor &tensor = program.tensors[index];
    sim::TensorData input{tensor.type, tensor.shape,
                          std::vector<uint8_t>(tensor.elements() * isa::storageBytes(tensor.type))};
    for (size_t i = 0; i < input.bytes.size(); ++i)
      input.bytes[i] = static_cast<uint8_t>(i * 37 % 64);
    inputs.push_back(std::move(input));
  }
  return (*simulator)->run(inputs).status();
}

Base makeBase() {
  Base base;
  absl::StatusOr<machine::Machine> machine = machine::loadMachine("dadiannao");
  if (!machine.ok()) {
    std::fprintf(stderr, "%s\n", std::string(machine.status().message()).c_str());
    std::exit(1);
  }
  base.machine = *std::move(machine);
  isa::Program program = isa::smallProgram();
  program.machine = base.machine.name;
  program.machineFingerprint = base.machine.fingerprint();
  program.levelNames.clear();
  for (const machine::Level &level : base.machine.levels)
    program.levelNames.push_back(level.name);
  program.buffers[0].name = "nm";
  program.buffers[1].name = "sb";
  program.buffers[2].name = "nbout";
  for (isa::Loop &loop : program.mappings[0].loops) // All inside the array: M over its filters, C over its lanes.
    loop.level = static_cast<uint8_t>(program.levelNames.size() - 1);
  program.mappings[0].loops[4].kind = isa::LoopKind::SpatialY;
  program.mappings[0].loops[5].kind = isa::LoopKind::SpatialX;
  program.safSets[0].clear();
  base.bytes = isa::serialize(program);
  // Without edits it must run, or nothing would be tested.
  if (absl::Status status = simulate(program, base.machine); !status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    std::exit(1);
  }
  return base;
}

/// Small enough to run thousands of times a second.
bool isSmall(const isa::Program &program) {
  constexpr uint64_t kBytes = 1 << 16, kWork = 1 << 16;
  if (program.dramBytes > kBytes)
    return false;
  for (const isa::Buffer &buffer : program.buffers)
    if (buffer.bytes > kBytes || (buffer.psumBits && buffer.psumBits < 8))
      return false;
  for (const isa::Tensor &tensor : program.tensors)
    if (tensor.elements() > kBytes)
      return false;
  for (const isa::Instruction &inst : program.instructions) {
    double work = 0;
    if (const auto *c = std::get_if<isa::Contract>(&inst))
      work = double(c->n) * c->g * c->m * c->c * c->p * c->q * c->r * c->s;
    else if (const auto *v = std::get_if<isa::Vector>(&inst))
      work = double(v->r) * v->s * v->o.extent[0] * v->o.extent[1] * v->o.extent[2] * v->o.extent[3];
    if (work > kWork)
      return false;
  }
  return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Base base = makeBase();
  std::vector<uint8_t> bytes = base.bytes;
  for (; size >= 3; data += 3, size -= 3) {
    size_t at = (data[0] | data[1] << 8) % bytes.size();
    if (at >= 64 + 10 * 24) // Behind header and section table, whose checksums are mended below.
      bytes[at] = data[2];
  }
  for (size_t i = 0; i < 10; ++i) {
    uint8_t *entry = bytes.data() + 64 + i * 24;
    uint64_t offset, length;
    std::memcpy(&offset, entry + 8, 8);
    std::memcpy(&length, entry + 16, 8);
    uint32_t sum = isa::crc32c(absl::MakeConstSpan(bytes).subspan(offset, length));
    std::memcpy(entry + 4, &sum, 4);
  }
  uint32_t sum = isa::crc32c(absl::MakeConstSpan(bytes).subspan(64, 10 * 24));
  std::memcpy(bytes.data() + 32, &sum, 4);

  absl::StatusOr<isa::Program> program = isa::parse(bytes);
  if (!program.ok() || !isa::verify(*program).ok() || !isSmall(*program))
    return 0;
  program->machine = base.machine.name;
  program->machineFingerprint = base.machine.fingerprint();
  (void)simulate(*program, base.machine);
  return 0;
}
