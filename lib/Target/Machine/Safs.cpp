//===- Safs.cpp - Sparse acceleration features by name --------------------===//

#include "SparseAccel/Target/Machine/Safs.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>

namespace sparseaccel::machine {

using isa::SafAction;

static std::string conditionText(unsigned conditionOn) {
  std::vector<std::string> operands;
  for (OperandKind operand : {OperandKind::A, OperandKind::B})
    if (conditionOn & operandBit(operand))
      operands.emplace_back(toString(operand));
  return absl::StrJoin(operands, " or ");
}

static std::string spell(SafAction action, OperandKind target, absl::string_view place, unsigned conditionOn) {
  std::string text = absl::StrCat(toString(action), " ", toString(target), " at ", place);
  if (conditionOn)
    absl::StrAppend(&text, " if ", conditionText(conditionOn));
  return text;
}

std::string toString(const SafCapability &saf) { return spell(saf.action, saf.target, saf.level, saf.conditionOn); }

std::string toString(const isa::Saf &saf, absl::Span<const std::string> levelNames) {
  return spell(saf.action, saf.target,
               saf.level < levelNames.size() ? absl::string_view(levelNames[saf.level]) : kComputePlace,
               saf.conditionOn);
}

bool sameSaf(const SafCapability &x, const SafCapability &y) {
  return x.level == y.level && x.target == y.target && x.action == y.action && x.conditionOn == y.conditionOn;
}

static bool holds(const Level &level, OperandKind operand) {
  return std::find(level.holds.begin(), level.holds.end(), operand) != level.holds.end();
}

/// Whether a level holds sums alone: results, which have a format, lie in another one.
static bool holdsSumsAlone(const Machine &machine, const Level &level) {
  return level.psumBits && std::any_of(machine.levels.begin() + 1, machine.levels.end(), [](const Level &other) {
           return other.managedBy == ManagedBy::Program && !other.psumBits && holds(other, OperandKind::O);
         });
}

const formats::Format *formatAt(const Machine &machine, absl::string_view level, OperandKind operand) {
  const Level *place = machine.findLevel(level);
  if (!place || !holds(*place, operand))
    return nullptr;
  const OperandFormats &formats = machine.formatsOf(operand);
  if (place == &machine.levels.front()) {
    for (const formats::Format &format : formats.dram)
      if (!format.isDense())
        return &format;
    return nullptr;
  }
  if (place->managedBy == ManagedBy::Program)
    return formats.buffer.isDense() || (operand == OperandKind::O && holdsSumsAlone(machine, *place)) ? nullptr
                                                                                                      : &formats.buffer;
  for (const SafCapability &saf : machine.safs)
    if (saf.action == SafAction::Format && saf.level == level && saf.target == operand)
      return &saf.format;
  return nullptr;
}

static std::vector<std::string> levelsThatHold(const Machine &machine, OperandKind operand) {
  std::vector<std::string> names;
  for (size_t i = 1; i < machine.levels.size(); ++i)
    if (holds(machine.levels[i], operand))
      names.push_back(machine.levels[i].name);
  return names;
}

static bool sparesAccesses(const SafCapability &saf) {
  return (saf.action == SafAction::Gate || saf.action == SafAction::Skip) && saf.level != kComputePlace;
}

static absl::Status checkFormat(const Machine &machine, const SafCapability &saf) {
  if (saf.level == kComputePlace)
    return absl::InvalidArgumentError("nothing lies at compute: a format belongs to a level");
  const Level &level = *machine.findLevel(saf.level);
  if (saf.format.isDense())
    return absl::InvalidArgumentError(
        absl::StrCat("a format SAF says in which compressed format operand '", toString(saf.target), "' lies"));
  if (level.managedBy != ManagedBy::Program)
    return absl::OkStatus();
  // What `formats` says of a level that the program manages must not be said otherwise here.
  const OperandFormats &formats = machine.formatsOf(saf.target);
  bool dram = &level == &machine.levels.front();
  bool agrees = dram ? std::find(formats.dram.begin(), formats.dram.end(), saf.format) != formats.dram.end()
                     : formats.buffer == saf.format;
  if (agrees)
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("operand '", toString(saf.target), "' lies at ", saf.level,
                                                 " as formats.", toString(saf.target), ".", dram ? "dram" : "buffer",
                                                 " says, which is not ", formats::toString(saf.format)));
}

absl::Status checkSaf(const Machine &machine, const SafCapability &saf) {
  const Level *level = machine.findLevel(saf.level);
  if (saf.level != kComputePlace && !level)
    return absl::InvalidArgumentError(absl::StrCat("there is no level '", saf.level, "'"));
  if (level && !holds(*level, saf.target))
    return absl::InvalidArgumentError(
        absl::StrCat("level '", saf.level, "' does not hold operand '", toString(saf.target), "'"));
  if (saf.action == SafAction::Format)
    return checkFormat(machine, saf);
  if (!sparesAccesses(saf))
    return absl::OkStatus();
  for (OperandKind leader : {OperandKind::A, OperandKind::B}) {
    if (!(saf.conditionOn & operandBit(leader)))
      continue;
    if (leader == saf.target) {
      if (!formatAt(machine, saf.level, leader))
        return absl::InvalidArgumentError(
            absl::StrCat("operand '", toString(leader), "' lies dense at ", saf.level,
                         ": whether it is zero is known only once it has been read, so a read cannot be spared on it; "
                         "condition it on the other operand, or state the format in which it lies there"));
      continue;
    }
    // The first level is DRAM, which holds everything and knows nothing of what lies beyond it.
    size_t index = static_cast<size_t>(level - machine.levels.data());
    bool known = holds(*level, leader);
    for (size_t i = 1; i < index && !known; ++i)
      known = holds(machine.levels[i], leader);
    if (!known)
      return absl::InvalidArgumentError(
          absl::StrCat("level '", saf.level, "' cannot know whether operand '", toString(leader),
                       "' is zero: neither it nor a level above it holds '", toString(leader),
                       "', which lies in: ", absl::StrJoin(levelsThatHold(machine, leader), ", ")));
  }
  return absl::OkStatus();
}

static std::string withLine(const SafCapability &saf) {
  return saf.line ? absl::StrCat("'", toString(saf), "' of line ", saf.line) : absl::StrCat("'", toString(saf), "'");
}

absl::Status checkSafSet(const Machine &machine, absl::Span<const SafCapability> active) {
  for (size_t i = 0; i < active.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const SafCapability &x = active[i], &y = active[j];
      if (sameSaf(x, y))
        return absl::InvalidArgumentError(absl::StrCat("'", toString(x), "' stands twice"));
      bool gateAndSkip = (x.action == SafAction::Gate && y.action == SafAction::Skip) ||
                         (x.action == SafAction::Skip && y.action == SafAction::Gate);
      unsigned shared = x.conditionOn & y.conditionOn;
      if (gateAndSkip && x.level == y.level && x.target == y.target && shared)
        return absl::InvalidArgumentError(absl::StrCat("'", toString(x), "' contradicts ", withLine(y), ": where '",
                                                       conditionText(shared),
                                                       "' is zero the same access cannot both idle and be left out"));
      // Each would have to be read before the other.
      if (sparesAccesses(x) && sparesAccesses(y) && x.target != y.target && x.target != OperandKind::O &&
          y.target != OperandKind::O && (x.conditionOn & operandBit(y.target)) &&
          (y.conditionOn & operandBit(x.target)) && !formatAt(machine, x.level, x.target) &&
          !formatAt(machine, y.level, y.target))
        return absl::InvalidArgumentError(absl::StrCat(
            "'", toString(x), "' contradicts ", withLine(y),
            ": each operand would have to be read before the other. An intersection of both needs one of them to lie "
            "compressed, so that its zeros are known beforehand"));
    }
  }
  return absl::OkStatus();
}

std::vector<SafCapability> defaultSafs(const Machine &machine) {
  std::vector<SafCapability> safs;
  for (const SafCapability &saf : machine.safs)
    if (!saf.optional)
      safs.push_back(saf);
  return safs;
}

isa::SafSet toSafSet(const Machine &machine, absl::Span<const SafCapability> safs) {
  isa::SafSet set;
  for (const SafCapability &saf : safs) {
    int level = machine.levelIndex(saf.level);
    set.push_back({static_cast<uint8_t>(level < 0 ? machine.levels.size() : static_cast<size_t>(level)),
                   saf.target,
                   saf.action,
                   saf.conditionOn,
                   {}});
  }
  return set;
}

} // namespace sparseaccel::machine
