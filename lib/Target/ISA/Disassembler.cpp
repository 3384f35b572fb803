//===- Disassembler.cpp - A program as text ---------------------------------===//

#include "SparseAccel/Target/ISA/Disassembler.h"

#include "SparseAccel/Target/ISA/Container.h"
#include "SparseAccel/Target/ISA/Slots.h"
#include "SparseAccel/Target/ISA/Verifier.h"
#include "VerifierImpl.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <cstring>
#include <ostream>
#include <type_traits>

namespace sparseaccel::isa {

namespace {

std::string quoted(const std::string &text) { return absl::StrCat("\"", absl::CHexEscape(text), "\""); }

template <typename List>
std::string list(const List &values) {
  return absl::StrCat("[", absl::StrJoin(values, ", "), "]");
}
std::string tensors(const std::vector<uint32_t> &indices) {
  return absl::StrJoin(indices, ", ", [](std::string *out, uint32_t index) { absl::StrAppend(out, "t", index); });
}

std::string text(const Operand &operand) {
  if (operand.buffer == Operand().buffer)
    return "none";
  return absl::StrCat("b", operand.buffer, "@", operand.offset, ":t", operand.tensor, list(operand.origin),
                      dims(operand.extent));
}

template <typename T>
std::string text(const T &value) {
  if constexpr (std::is_enum_v<T>)
    return toString(value);
  else if constexpr (std::is_integral_v<T>)
    return absl::StrCat(value);
  else
    return list(value);
}

constexpr const char *kOperandNames[] = {"A", "B", "O"};
constexpr const char *kActionNames[] = {"gate", "skip", "exit", "predict", "delta", "format"};

void printTensor(const Tensor &tensor, size_t index, bool inDram, std::ostream &out) {
  out << "tensor t" << index << " " << quoted(tensor.name) << " " << toString(tensor.type) << dims(tensor.shape) << " "
      << toString(tensor.role) << " scale=" << absl::StrCat(tensor.scale) << " dram=";
  if (inDram)
    out << tensor.dramOffset << "+" << tensor.dramBytes() << ":" << formats::toString(tensor.dramFormat);
  else
    out << "none";
  out << " buffer=" << formats::toString(tensor.bufferFormat);
  if (!tensor.granule.empty())
    out << " granule=" << dims(tensor.granule);
  if (inDram && liesInSlots(tensor))
    out << " slot=" << tensor.slotBytes;
  if (inDram && !tensor.dramFormat.isDense())
    out << " lengths=" << tensor.lengthOffset;
  if (tensor.role == TensorRole::Constant) {
    out << " constant=" << tensor.constantOffset;
    uint64_t stored = 0;
    for (uint32_t length : tensor.constantLengths)
      stored += length;
    if (!tensor.dramFormat.isDense())
      out << " stored=" << stored;
  }
  out << "\n";
}

void printNumerics(const Numerics &numerics, size_t index, std::ostream &out) {
  out << "numerics n" << index << " " << quoted(numerics.name) << (numerics.scale32 ? " scale32" : " scale16")
      << " bias=" << numerics.bias.size() << " multipliers=" << numerics.multiplier.size();
  if (numerics.multiplier.size() == 1 && numerics.shift.size() == 1)
    out << "(" << numerics.multiplier[0] << ">>" << int{numerics.shift[0]} << ")";
  out << " clamp=[" << numerics.clampMin << ", " << numerics.clampMax << "]";
  if (numerics.aMultiplier)
    out << " a=" << numerics.aMultiplier << ">>" << int{numerics.aShift};
  if (numerics.bMultiplier)
    out << " b=" << numerics.bMultiplier << ">>" << int{numerics.bShift};
  if (!numerics.table.empty())
    out << " table=" << numerics.table.size();
  out << "\n";
}

std::string levelName(const Program &program, unsigned level) {
  if (level == program.levelNames.size())
    return "compute";
  return level < program.levelNames.size() ? program.levelNames[level] : absl::StrCat("?", level);
}

void printMapping(const Program &program, const Mapping &mapping, size_t index, std::ostream &out) {
  static constexpr const char *kKinds[] = {"", " x", " y"};
  out << "mapping m" << index;
  for (const Loop &loop : mapping.loops)
    out << " " << levelName(program, loop.level) << ":" << nameOf(loop.rank) << loop.factor
        << kKinds[static_cast<size_t>(loop.kind)];
  out << "\n";
}

void printSafs(const Program &program, const SafSet &safs, size_t index, std::ostream &out) {
  static constexpr const char *kConditions[] = {"?", "A", "B", "A|B"};
  out << "safs s" << index;
  const char *separator = " ";
  for (const Saf &saf : safs) {
    out << separator << kActionNames[static_cast<size_t>(saf.action)] << " "
        << kOperandNames[static_cast<size_t>(saf.target)] << " at " << levelName(program, saf.level);
    if (saf.action != SafAction::Format)
      out << " where " << kConditions[saf.conditionOn < 4 ? saf.conditionOn : 0] << " is zero";
    for (const auto &[name, value] : saf.parameters)
      out << " " << name << "=" << value;
    separator = ", ";
  }
  out << "\n";
}

void printTables(const Program &program, std::ostream &out) {
  out << "program machine=" << quoted(program.machine) << " fingerprint=0x"
      << absl::StrCat(absl::Hex(program.machineFingerprint, absl::kZeroPad16))
      << " numerics=" << quoted(program.numericsName) << " producer=" << quoted(program.producer)
      << " dram=" << program.dramBytes << " constants=" << program.constants.size() << "\n";
  for (size_t i = 0; i < program.levelNames.size(); ++i)
    out << "level " << i << " " << quoted(program.levelNames[i]) << "\n";
  for (size_t i = 0; i < program.buffers.size(); ++i)
    out << "buffer b" << i << " " << quoted(program.buffers[i].name) << " bytes=" << program.buffers[i].bytes
        << " psum_bits=" << program.buffers[i].psumBits << "\n";
  std::vector<bool> inDram = tensorsInDram(program);
  for (size_t i = 0; i < program.tensors.size(); ++i)
    printTensor(program.tensors[i], i, inDram[i], out);
  for (size_t i = 0; i < program.numerics.size(); ++i)
    printNumerics(program.numerics[i], i, out);
  for (size_t i = 0; i < program.mappings.size(); ++i)
    printMapping(program, program.mappings[i], i, out);
  for (size_t i = 0; i < program.safSets.size(); ++i)
    printSafs(program, program.safSets[i], i, out);
  for (size_t i = 0; i < program.hostOps.size(); ++i) {
    const HostOp &op = program.hostOps[i];
    out << "host_op h" << i << " " << quoted(op.name) << " " << toString(op.kind) << "(" << tensors(op.inputs)
        << ") -> " << tensors(op.outputs);
    if (!op.i.empty())
      out << " i=" << list(op.i);
    if (!op.f.empty())
      out << " f=" << list(op.f);
    out << "\n";
  }
  for (size_t i = 0; i < program.layers.size(); ++i) {
    const Layer &layer = program.layers[i];
    out << "layer l" << i << " " << quoted(layer.name) << " " << absl::CHexEscape(layer.kind)
        << (layer.onHost ? " host" : " accelerator") << " macs=" << layer.macs << " (" << tensors(layer.inputs)
        << ") -> " << (layer.output < 0 ? std::string("none") : absl::StrCat("t", layer.output));
    if (!layer.location.empty())
      out << " from " << quoted(layer.location);
    out << "\n";
  }
  out << "inputs " << tensors(program.inputs) << "\noutputs " << tensors(program.outputs) << "\n";
}

} // namespace

std::string disassemble(const Instruction &inst) {
  std::string line = toString(opcodeOf(inst)), waits;
  std::visit(
      [&](const auto &i) {
        forEachField(i, [&](const char *name, const auto &field) {
          // Waits stand together, and only those that wait.
          if (std::strncmp(name, "wait", 4) == 0) {
            if constexpr (std::is_integral_v<std::decay_t<decltype(field)>>)
              if (field)
                absl::StrAppend(&waits, waits.empty() ? "" : ", ", absl::AsciiStrToLower(name + 4), " ", field);
            return;
          }
          absl::StrAppend(&line, " ", name, "=", text(field));
        });
      },
      inst);
  if (!waits.empty())
    absl::StrAppend(&line, " after(", waits, ")");
  return line;
}

void disassemble(const Program &program, std::ostream &out) {
  printTables(program, out);
  out << "code " << program.instructions.size() << "\n";
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    uint32_t layer = common(program.instructions[i]).layer;
    out << "  " << i << ": " << disassemble(program.instructions[i]);
    if (layer < program.layers.size())
      out << "  // " << absl::CHexEscape(program.layers[layer].name);
    out << "\n";
  }
}

absl::Status disassembleFile(const std::string &path, std::ostream &out) {
  absl::StatusOr<Program> program = parseFile(path);
  if (!program.ok())
    return program.status();
  disassemble(*program, out);
  absl::Status status = verify(*program);
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

} // namespace sparseaccel::isa
