//===- ActiveSafs.cpp - SAFs by place and operand -------------------------===//

#include "SparseAccel/Target/Dataflow/Support.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sparseaccel::dataflow {

using isa::OperandKind;
using isa::SafAction;

ActiveSafs::ActiveSafs(const Work &work)
    : machine(*work.machine),
      defaults(work.safs ? isa::SafSet{} : machine::toSafSet(machine, machine::defaultSafs(machine))),
      safs(work.safs ? *work.safs : defaults) {}

unsigned ActiveSafs::find(SafAction action, absl::string_view level, OperandKind target) const {
  unsigned conditions = 0;
  for (const isa::Saf &saf : safs) {
    absl::string_view place =
        saf.level < machine.levels.size() ? absl::string_view(machine.levels[saf.level].name) : machine::kComputePlace;
    if (saf.action == action && saf.target == target && place == level)
      conditions |= saf.conditionOn;
  }
  return conditions;
}

unsigned ActiveSafs::gates(absl::string_view level, OperandKind target) const {
  return find(SafAction::Gate, level, target);
}
unsigned ActiveSafs::skips(absl::string_view level, OperandKind target) const {
  return find(SafAction::Skip, level, target);
}

unsigned ActiveSafs::products(SafAction action) const {
  unsigned conditions = 0;
  for (const isa::Saf &saf : safs)
    if (saf.action == action && (saf.target != OperandKind::O || saf.level >= machine.levels.size()))
      conditions |= saf.conditionOn;
  return conditions;
}

bool ActiveSafs::intersects(SafAction action) const {
  bool aOnB = false, bOnA = false;
  for (const isa::Saf &saf : safs) {
    aOnB |= saf.action == action && saf.target == OperandKind::A && (saf.conditionOn & kOnB);
    bOnA |= saf.action == action && saf.target == OperandKind::B && (saf.conditionOn & kOnA);
  }
  return aOnB && bOnA;
}

unsigned gatingConditions(const Work &work) { return ActiveSafs(work).gatedProducts(); }

bool skipsOn(const Work &work, OperandKind operand) {
  return ActiveSafs(work).skippedProducts() & machine::operandBit(operand);
}

static std::string operands(unsigned bits, const char *last) {
  std::vector<std::string> names;
  for (OperandKind operand : {OperandKind::A, OperandKind::B, OperandKind::O})
    if (bits & machine::operandBit(operand))
      names.emplace_back(machine::toString(operand));
  return absl::StrJoin(names, last);
}

absl::Status checkSafs(const machine::Machine &machine, const char *dataflow, absl::Span<const HonouredSaf> honoured) {
  for (const machine::SafCapability &saf : machine.safs) {
    if (saf.action == SafAction::Format)
      continue;
    auto refuse = [&](const std::string &why) {
      return absl::InvalidArgumentError(absl::StrCat(machine.file, ":", saf.line, ": safs: dataflow '", dataflow,
                                                     "' cannot honour '", machine::toString(saf), "'", why));
    };
    const HonouredSaf *kind = nullptr;
    for (const HonouredSaf &one : honoured)
      if (one.action == saf.action && saf.level == one.place && (one.targets & machine::operandBit(saf.target)) &&
          (saf.conditionOn & ~one.conditions) == 0)
        kind = &one;
    if (!kind) {
      std::vector<std::string> can;
      for (const HonouredSaf &one : honoured)
        can.push_back(absl::StrCat(machine::toString(one.action), " ", operands(one.targets, "|"), " at ", one.place,
                                   " if ", operands(one.conditions, "|")));
      return refuse(can.empty() ? std::string(": it honours none")
                                : absl::StrCat("; it can: ", absl::StrJoin(can, "; ")));
    }
    if (!kind->metadataAt)
      continue;
    for (OperandKind leader : {OperandKind::A, OperandKind::B})
      if ((saf.conditionOn & machine::operandBit(leader)) && !machine::formatAt(machine, kind->metadataAt, leader))
        return refuse(absl::StrCat(": it walks the metadata of operand '", machine::toString(leader), "' at ",
                                   kind->metadataAt, ", where the operand lies dense"));
  }
  return absl::OkStatus();
}

} // namespace sparseaccel::dataflow
