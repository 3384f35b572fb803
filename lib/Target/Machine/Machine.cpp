//===- Machine.cpp - A sparse accelerator as data -------------------------===//

#include "SparseAccel/Target/Machine/Machine.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

#include <algorithm>

namespace sparseaccel::machine {

const Level *Machine::findLevel(absl::string_view name) const {
  int index = levelIndex(name);
  return index < 0 ? nullptr : &levels[index];
}

int Machine::levelIndex(absl::string_view name) const {
  for (size_t i = 0; i < levels.size(); ++i)
    if (levels[i].name == name)
      return static_cast<int>(i);
  return -1;
}

const OperandFormats &Machine::formatsOf(OperandKind kind) const {
  return kind == OperandKind::A ? a : kind == OperandKind::B ? b : o;
}

bool Machine::supports(isa::VectorKind kind) const {
  return std::find(vector.kinds.begin(), vector.kinds.end(), kind) != vector.kinds.end();
}

bool Machine::supports(ContractionKind kind) const {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

absl::Status Machine::selectEnergyTable(absl::string_view table) {
  if (energy.table.name == table)
    return absl::OkStatus();
  std::vector<std::string> names{energy.table.name};
  for (EnergyModel &other : otherEnergies) {
    names.push_back(other.table.name);
    if (other.table.name == table) {
      std::swap(other, energy);
      return absl::OkStatus();
    }
  }
  return absl::NotFoundError(absl::StrCat(file, ": the machine has no prices in an energy table '", table,
                                          "'; it has them in: ", absl::StrJoin(names, ", ")));
}

const char *toString(ContractionKind kind) {
  static constexpr const char *names[] = {"conv", "depthwise", "fc", "matmul"};
  return names[static_cast<size_t>(kind)];
}

const char *toString(Rank rank) {
  static constexpr const char *names[] = {"N", "G", "M", "C", "P", "Q", "R", "S"};
  return names[static_cast<size_t>(rank)];
}

const char *toString(OperandKind kind) {
  static constexpr const char *names[] = {"a", "b", "o"};
  return names[static_cast<size_t>(kind)];
}

const char *toString(isa::SafAction action) {
  static constexpr const char *names[] = {"gate", "skip", "exit", "predict", "delta", "format"};
  return names[static_cast<size_t>(action)];
}

// FNV-1a over a canonical text: the same on every host and for every spelling of the same machine.
uint64_t Machine::fingerprint() const {
  std::string text;
  auto number = [&](double value) { absl::StrAppendFormat(&text, "%.17g;", value); };
  auto word = [&](absl::string_view value) { absl::StrAppend(&text, value.size(), ":", value, ";"); };
  word(name);
  number(clockMhz);
  number(peakMacsPerCycle);
  for (const Level &level : levels) {
    word(level.name);
    for (double value : {static_cast<double>(level.sizeBytes), 1.0 * level.instances, 1.0 * level.wordBits,
                         1.0 * level.banks, level.readBytesPerCycle, level.writeBytesPerCycle,
                         1.0 * level.doubleBuffered, 1.0 * static_cast<int>(level.managedBy), 1.0 * level.psumBits})
      number(value);
    for (OperandKind operand : level.holds)
      word(toString(operand));
  }
  for (const ArrayDim &dim : array) {
    word(dim.name);
    number(dim.size);
    for (Rank rank : dim.ranks)
      word(toString(rank));
  }
  word(dataflow);
  for (const auto &[key, value] : parameters) {
    word(key);
    number(value);
  }
  for (ContractionKind kind : kinds)
    word(toString(kind));
  for (const std::string &name : numerics)
    word(name);
  number(psumBits);
  for (const OperandFormats *operand : {&a, &b, &o}) {
    for (const formats::Format &format : operand->dram)
      word(formats::toString(format));
    word(formats::toString(operand->buffer));
    number(operand->codecBytesPerCycle);
  }
  for (const SafCapability &saf : safs) {
    word(saf.level);
    word(toString(saf.target));
    word(toString(saf.action));
    number(saf.conditionOn);
    number(saf.optional);
    word(formats::toString(saf.format));
  }
  number(vector.lanes);
  for (isa::VectorKind kind : vector.kinds)
    number(static_cast<int>(kind));
  for (double value : {dram.bytesPerCycle, 1.0 * dram.latencyCycles, 1.0 * dram.burstBytes, 1.0 * dram.sharedBus})
    number(value);

  uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned char byte : text) {
    hash ^= byte;
    hash *= 0x100000001b3u;
  }
  return hash;
}

} // namespace sparseaccel::machine
