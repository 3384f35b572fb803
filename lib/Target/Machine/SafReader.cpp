//===- SafReader.cpp - `safs` of a machine file ---------------------------===//

#include "MachineReader.h"
#include "SparseAccel/Target/Machine/Safs.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace sparseaccel::machine {

using yaml::Need;

std::vector<std::string> MachineReader::levelNames() const {
  std::vector<std::string> names;
  for (const Level &level : machine.levels)
    names.push_back(level.name);
  return names;
}

void MachineReader::readSafs(yaml::Map &map) {
  std::vector<std::string> places = levelNames();
  places.emplace_back(kComputePlace);
  std::vector<YAML::Node> nodes; // For the lines of messages.
  map.list(
      "safs",
      [&](yaml::Map &one) {
        SafCapability saf;
        size_t level = 0, target = 0, action = 0;
        std::vector<size_t> on;
        YAML::Node node;
        one.node("level", node);
        if (one.choice("level", level, places))
          saf.level = places[level];
        one.choice("target", target, namesOf<OperandKind>(3));
        one.choice("action", action, namesOf<isa::SafAction>(6));
        saf.target = static_cast<OperandKind>(target);
        saf.action = static_cast<isa::SafAction>(action);
        saf.line = one.line();
        if (!one.ok())
          return;
        if (saf.action == isa::SafAction::Format) {
          YAML::Node format;
          if (one.has("condition-on"))
            return one.failAt("condition-on",
                              "a format has no condition: what lies at the level lies there as it says");
          if (one.node("format", format) && !readFormat(one, "format", format, saf.format))
            return;
        } else {
          if (one.choices("condition-on", on, {"a", "b"}))
            for (size_t operand : on)
              saf.conditionOn |= operandBit(static_cast<OperandKind>(operand));
          if (one.ok() && saf.conditionOn == 0)
            return one.failAt("condition-on", "expected the operand whose zeros are the condition: a, b or both");
          one.flag("optional", saf.optional);
        }
        const Level *place = machine.findLevel(saf.level);
        if (one.ok() && place && std::find(place->holds.begin(), place->holds.end(), saf.target) == place->holds.end())
          return one.failAt("target",
                            absl::StrCat("level '", saf.level, "' does not hold operand '", toString(saf.target), "'"));
        nodes.push_back(node);
        machine.safs.push_back(std::move(saf));
      },
      Need::Optional);
  checkSafs(nodes);
}

// Once all are known: whether an access can be spared depends on the formats among them, whatever their order.
void MachineReader::checkSafs(absl::Span<const YAML::Node> nodes) {
  if (!document.ok())
    return;
  std::vector<SafCapability> active;
  for (size_t i = 0; i < machine.safs.size(); ++i) {
    const SafCapability &saf = machine.safs[i];
    std::string where = absl::StrCat("safs[", i, "]");
    if (absl::Status status = checkSaf(machine, saf); !status.ok())
      return document.fail(nodes[i], where, absl::StrCat("'", toString(saf), "': ", status.message()));
    for (size_t j = 0; j < i; ++j)
      if (sameSaf(saf, machine.safs[j]))
        return document.fail(nodes[i], where,
                             absl::StrCat("'", toString(saf), "' stands on line ", machine.safs[j].line, " already"));
    if (saf.optional)
      continue;
    active.push_back(saf);
    if (absl::Status status = checkSafSet(machine, active); !status.ok())
      return document.fail(nodes[i], where,
                           absl::StrCat(status.message(),
                                        " (a machine may offer both: 'optional: true' on one leaves it off until it "
                                        "is asked for)"));
  }
}

} // namespace sparseaccel::machine
