//===- SafRequest.cpp - What a user asks for with --saf -------------------===//

#include "SparseAccel/Support/Names.h"
#include "SparseAccel/Target/Machine/Safs.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include <algorithm>

namespace sparseaccel::machine {

using isa::SafAction;

namespace {

absl::Status wrong(absl::string_view item, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("'", item, "': ", what));
}

std::vector<std::string> actionNames() {
  std::vector<std::string> names;
  for (unsigned i = 0; i <= static_cast<unsigned>(SafAction::Format); ++i)
    names.emplace_back(toString(static_cast<SafAction>(i)));
  return names;
}

/// Index of `word` among `names`, or an error that names the nearest.
absl::StatusOr<unsigned> choose(absl::string_view item, absl::string_view word, const char *what,
                                const std::vector<std::string> &names) {
  auto found = std::find(names.begin(), names.end(), word);
  if (found != names.end())
    return static_cast<unsigned>(found - names.begin());
  return wrong(item, absl::StrCat("unknown ", what, " '", word, "'", suggestion(word, names)));
}

/// "b at filter_spad if a", after the action.
absl::Status parseRest(absl::string_view item, const std::vector<std::string> &words, SafCapability &saf) {
  constexpr const char *kForm = "expected ACTION OPERAND at PLACE if OPERAND [or OPERAND], "
                                "as in 'gate b at filter_spad if a'";
  if (words.size() < 4 || words[2] != "at")
    return wrong(item, kForm);
  absl::StatusOr<unsigned> target = choose(item, words[1], "operand", {"a", "b", "o"});
  if (!target.ok())
    return target.status();
  saf.target = static_cast<OperandKind>(*target);
  saf.level = words[3];
  if (saf.action == SafAction::Format)
    return words.size() == 4 ? absl::OkStatus() : wrong(item, "a format has no condition");
  if (words.size() < 6 || words[4] != "if" || words.size() % 2 != 0)
    return wrong(item, kForm);
  for (size_t i = 5; i < words.size(); i += 2) {
    absl::StatusOr<unsigned> operand = choose(item, words[i], "operand of a condition", {"a", "b"});
    if (!operand.ok())
      return operand.status();
    saf.conditionOn |= operandBit(static_cast<OperandKind>(*operand));
    if (i + 1 < words.size() && words[i + 1] != "or")
      return wrong(item, kForm);
  }
  return absl::OkStatus();
}

absl::Status addFormat(absl::string_view item, const SafCapability &saf, bool remove, SafRequest &request) {
  if (saf.level != "dram")
    return wrong(item, "what lies in a buffer has the format that the hardware has; only formats in dram are chosen");
  (remove ? request.leaveDense : request.compress) |= operandBit(saf.target);
  if (request.leaveDense & request.compress)
    return wrong(item, "the operand is to be stored both dense and compressed");
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<SafRequest> parseSafRequest(absl::string_view text) {
  SafRequest request;
  if (!text.empty() && text.find_first_not_of("; \t\n") == absl::string_view::npos)
    return wrong(text, "expected 'none', or what is gated and skipped");
  bool changes = false, list = false;
  for (absl::string_view piece : absl::StrSplit(text, ';')) {
    absl::string_view item = absl::StripAsciiWhitespace(piece);
    if (item.empty())
      continue;
    bool remove = item.front() == '-', sign = remove || item.front() == '+';
    std::vector<std::string> words =
        absl::StrSplit(item.substr(sign ? 1 : 0), absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
    if (words.size() == 1 && words[0] == "none" && !sign) {
      list = true;
      continue;
    }
    if (words.empty())
      return wrong(item, "expected what to add or to remove");
    SafRequest::Item one;
    one.text = std::string(item);
    std::vector<std::string> actions = actionNames();
    actions.emplace_back("none");
    absl::StatusOr<unsigned> action = choose(item, words[0], "action", actions);
    if (!action.ok())
      return action.status();
    if (words[0] == "none")
      return wrong(item, "'none' stands alone");
    one.saf.action = static_cast<SafAction>(*action);
    one.everyOfAction = words.size() == 1;
    if (!one.everyOfAction)
      if (absl::Status status = parseRest(item, words, one.saf); !status.ok())
        return status;
    if (one.saf.action == SafAction::Format) {
      if (one.everyOfAction) {
        for (OperandKind operand : {OperandKind::A, OperandKind::B, OperandKind::O}) {
          one.saf.target = operand;
          one.saf.level = "dram";
          if (absl::Status status = addFormat(item, one.saf, remove, request); !status.ok())
            return status;
        }
      } else if (absl::Status status = addFormat(item, one.saf, remove, request); !status.ok()) {
        return status;
      }
      continue;
    }
    (sign ? changes : list) = true;
    (remove ? request.remove : request.add).push_back(std::move(one));
  }
  if (changes && list)
    return absl::InvalidArgumentError(
        "expected either a list of what is to be active, or changes to the default that each begin with + or -");
  request.exact = list;
  return request;
}

static std::string offered(const Machine &machine) {
  std::vector<std::string> names;
  for (const SafCapability &saf : machine.safs)
    if (saf.action != SafAction::Format)
      names.push_back(absl::StrCat(toString(saf), saf.optional ? " (where asked for)" : ""));
  return names.empty() ? "it offers none" : absl::StrCat("it offers: ", absl::StrJoin(names, "; "));
}

/// Those of `from` that an item means; an error where there is none.
static absl::StatusOr<std::vector<SafCapability>> matching(const Machine &machine, const SafRequest::Item &item,
                                                           const std::vector<SafCapability> &from,
                                                           absl::string_view lacks) {
  std::vector<SafCapability> found;
  for (const SafCapability &saf : from)
    if (item.everyOfAction ? saf.action == item.saf.action : sameSaf(saf, item.saf))
      found.push_back(saf);
  if (!found.empty())
    return found;
  if (!item.everyOfAction && item.saf.level != kComputePlace && !machine.findLevel(item.saf.level)) {
    std::vector<std::string> places;
    for (const Level &level : machine.levels)
      places.push_back(level.name);
    places.emplace_back(kComputePlace);
    return wrong(item.text, absl::StrCat("machine '", machine.name, "' has no level '", item.saf.level, "'",
                                         suggestion(item.saf.level, places)));
  }
  return wrong(item.text, absl::StrCat("machine '", machine.name, "' ", lacks, "; ", offered(machine)));
}

absl::StatusOr<std::vector<SafCapability>> selectSafs(const Machine &machine, const SafRequest &request) {
  std::vector<SafCapability> defaults, active;
  for (const SafCapability &saf : defaultSafs(machine))
    if (saf.action != SafAction::Format)
      defaults.push_back(saf);
  if (!request.exact)
    active = defaults;
  for (const SafRequest::Item &item : request.remove) {
    absl::StatusOr<std::vector<SafCapability>> found =
        matching(machine, item, active, "has it not among what is active by default");
    if (!found.ok())
      return found.status();
    std::erase_if(active, [&](const SafCapability &saf) {
      return std::any_of(found->begin(), found->end(), [&](const SafCapability &gone) { return sameSaf(saf, gone); });
    });
  }
  for (const SafRequest::Item &item : request.add) {
    // An action alone stands for what the machine does by default, and where that is nothing, for what it can do.
    bool byDefault = item.everyOfAction && std::any_of(defaults.begin(), defaults.end(), [&](const SafCapability &saf) {
                       return saf.action == item.saf.action;
                     });
    absl::StatusOr<std::vector<SafCapability>> found =
        matching(machine, item, byDefault ? defaults : machine.safs, "does not offer it");
    if (!found.ok())
      return found.status();
    for (const SafCapability &saf : *found)
      if (std::none_of(active.begin(), active.end(), [&](const SafCapability &other) { return sameSaf(saf, other); }))
        active.push_back(saf);
  }
  for (SafCapability &saf : active)
    saf.line = 0; // Whoever reads a message about an option knows no file.
  if (absl::Status status = checkSafSet(machine, active); !status.ok())
    return status;
  for (OperandKind operand : {OperandKind::A, OperandKind::B, OperandKind::O}) {
    const std::vector<formats::Format> &formats = machine.formatsOf(operand).dram;
    auto takes = [&](bool dense) {
      return std::any_of(formats.begin(), formats.end(),
                         [&](const formats::Format &format) { return format.isDense() == dense; });
    };
    auto lacks = [&](const char *sign, const char *what) {
      std::vector<std::string> names;
      for (const formats::Format &format : formats)
        names.push_back(formats::toString(format));
      return wrong(absl::StrCat(sign, "format ", toString(operand), " at dram"),
                   absl::StrCat("machine '", machine.name, "' does not take '", toString(operand), "' ", what,
                                " there; it takes: ", absl::StrJoin(names, ", ")));
    };
    if ((request.compress & operandBit(operand)) && !takes(false))
      return lacks("+", "compressed");
    if ((request.leaveDense & operandBit(operand)) && !takes(true))
      return lacks("-", "dense");
  }
  return active;
}

std::vector<formats::Format> selectFormats(const SafRequest &request, OperandKind operand,
                                           const std::vector<formats::Format> &formats) {
  std::vector<formats::Format> left;
  for (const formats::Format &format : formats)
    if (!((format.isDense() ? request.compress : request.leaveDense) & operandBit(operand)))
      left.push_back(format);
  return left;
}

} // namespace sparseaccel::machine
