//===- SafsTest.cpp - Which features make sense, and which are asked for --===//

#include "SparseAccel/Target/Machine/Safs.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace sparseaccel;
using namespace sparseaccel::machine;

namespace {

using isa::SafAction;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr OperandKind A = OperandKind::A, B = OperandKind::B, O = OperandKind::O;

SafCapability saf(SafAction action, OperandKind target, const char *level, uint8_t conditionOn) {
  SafCapability result;
  result.action = action;
  result.target = target;
  result.level = level;
  result.conditionOn = conditionOn;
  return result;
}
SafCapability gate(OperandKind target, const char *level, uint8_t on) {
  return saf(SafAction::Gate, target, level, on);
}
SafCapability skip(OperandKind target, const char *level, uint8_t on) {
  return saf(SafAction::Skip, target, level, on);
}

/// glb holds a and o, wbuf b, then a scratchpad for each operand.
Machine machineWith(std::vector<SafCapability> safs) {
  Machine machine;
  machine.name = "m";
  auto level = [&](const char *name, std::vector<OperandKind> holds, ManagedBy managedBy) {
    Level one;
    one.name = name;
    one.holds = std::move(holds);
    one.managedBy = managedBy;
    machine.levels.push_back(one);
  };
  level("dram", {A, B, O}, ManagedBy::Program);
  level("glb", {A, O}, ManagedBy::Program);
  level("wbuf", {B}, ManagedBy::Program);
  level("aspad", {A}, ManagedBy::Dataflow);
  level("bspad", {B}, ManagedBy::Dataflow);
  level("ospad", {O}, ManagedBy::Dataflow);
  machine.a.dram = {*formats::parseFormat("bitmask"), formats::Format()};
  machine.b.dram = {formats::Format()};
  machine.o.dram = machine.a.dram;
  machine.safs = std::move(safs);
  return machine;
}

SafCapability formatOf(OperandKind target, const char *level) {
  SafCapability result = saf(SafAction::Format, target, level, 0);
  result.format = *formats::parseFormat("coo");
  return result;
}

std::string problem(const Machine &machine, const SafCapability &one) {
  return std::string(checkSaf(machine, one).message());
}

TEST(Safs, AreSpelt) {
  EXPECT_EQ(toString(gate(B, "bspad", 1)), "gate b at bspad if a");
  EXPECT_EQ(toString(skip(A, "compute", 3)), "skip a at compute if a or b");
  EXPECT_EQ(toString(formatOf(A, "aspad")), "format a at aspad");
  std::vector<std::string> names = {"dram", "glb"};
  EXPECT_EQ(toString(isa::Saf{1, O, SafAction::Gate, 2, {}}, names), "gate o at glb if b");
  EXPECT_EQ(toString(isa::Saf{2, O, SafAction::Exit, 1, {}}, names), "exit o at compute if a");
}

TEST(Safs, EachMakesSense) {
  Machine machine = machineWith({});
  EXPECT_EQ(problem(machine, gate(B, "bspad", 1)), "");
  EXPECT_EQ(problem(machine, skip(A, "compute", 3)), "");
  EXPECT_EQ(problem(machine, gate(O, "ospad", 3)), "");
  EXPECT_EQ(problem(machine, gate(B, "aspad", 1)), "level 'aspad' does not hold operand 'b'");
  EXPECT_EQ(problem(machine, gate(B, "spad", 1)), "there is no level 'spad'");
  // Only what lies here or further out is known, DRAM apart.
  EXPECT_EQ(
      problem(machine, gate(A, "glb", 2)),
      "level 'glb' cannot know whether operand 'b' is zero: neither it nor a level above it holds 'b', which lies "
      "in: wbuf, bspad");
  EXPECT_EQ(problem(machine, gate(A, "aspad", 2)), "");
  EXPECT_EQ(problem(machine, skip(B, "dram", 1)), "");
  // What lies dense must be read to be known.
  EXPECT_THAT(problem(machine, skip(A, "aspad", 1)), HasSubstr("operand 'a' lies dense at aspad"));
  EXPECT_THAT(problem(machine, gate(A, "glb", 1)), HasSubstr("operand 'a' lies dense at glb"));
  EXPECT_THAT(problem(machine, skip(B, "dram", 2)), HasSubstr("operand 'b' lies dense at dram"));
  EXPECT_EQ(problem(machine, skip(A, "dram", 1)), "");
  machine.a.buffer = *formats::parseFormat("bitmask");
  EXPECT_EQ(problem(machine, gate(A, "glb", 1)), "");
  machine.safs = {formatOf(A, "aspad")};
  EXPECT_EQ(problem(machine, skip(A, "aspad", 1)), "");
  EXPECT_EQ(problem(machine, machine.safs[0]), "");
}

TEST(Safs, FormatsAgreeWithTheMachines) {
  Machine machine = machineWith({formatOf(B, "bspad")});
  EXPECT_EQ(formatAt(machine, "glb", A), nullptr);
  EXPECT_EQ(formatAt(machine, "aspad", A), nullptr);
  EXPECT_EQ(formatAt(machine, "bspad", A), nullptr); // not held
  ASSERT_NE(formatAt(machine, "dram", A), nullptr);
  EXPECT_EQ(formats::toString(*formatAt(machine, "dram", A)), "bitmask");
  EXPECT_EQ(formatAt(machine, "dram", B), nullptr);
  EXPECT_EQ(formats::toString(*formatAt(machine, "bspad", B)), "coo");
  EXPECT_THAT(problem(machine, formatOf(A, "glb")), HasSubstr("as formats.a.buffer says, which is not coo"));
  EXPECT_THAT(problem(machine, formatOf(A, "dram")), HasSubstr("as formats.a.dram says, which is not coo"));
  EXPECT_THAT(problem(machine, saf(SafAction::Format, A, "compute", 0)), HasSubstr("nothing lies at compute"));
}

std::string clash(const Machine &machine, std::vector<SafCapability> safs) {
  return std::string(checkSafSet(machine, safs).message());
}

TEST(Safs, SomeContradict) {
  Machine machine = machineWith({});
  EXPECT_THAT(clash(machine, {gate(A, "compute", 1), skip(A, "compute", 3)}),
              HasSubstr("'skip a at compute if a or b' contradicts 'gate a at compute if a': where 'a' is zero"));
  // Zero activations leave no product to idle on a zero weight.
  EXPECT_EQ(clash(machine, {skip(A, "compute", 1), gate(A, "compute", 2)}), "");
  EXPECT_EQ(clash(machine, {skip(A, "compute", 1), gate(B, "bspad", 1)}), "");
  EXPECT_THAT(clash(machine, {gate(B, "bspad", 1), gate(B, "bspad", 1)}), HasSubstr("stands twice"));
  // Leader and follower, and both ways.
  EXPECT_EQ(clash(machine, {gate(B, "bspad", 1)}), "");
  EXPECT_THAT(clash(machine, {gate(B, "bspad", 1), gate(A, "aspad", 2)}),
              HasSubstr("each operand would have to be read before the other"));
  machine.safs = {formatOf(A, "aspad")};
  EXPECT_EQ(clash(machine, {skip(B, "bspad", 1), skip(A, "aspad", 2)}), "");
  EXPECT_EQ(clash(machine, {gate(O, "ospad", 3), gate(A, "aspad", 2)}), "");
}

class Requests : public testing::Test {
protected:
  Requests() {
    SafCapability optional = gate(B, "compute", 2);
    optional.optional = true;
    SafCapability alternative = skip(A, "compute", 1);
    alternative.optional = true;
    machine = machineWith({gate(A, "compute", 1), gate(B, "bspad", 1), optional, alternative});
  }
  /// What is active under --saf TEXT, or the message.
  std::vector<std::string> ask(const std::string &text) {
    absl::StatusOr<SafRequest> request = parseSafRequest(text);
    if (!request.ok())
      return {std::string(request.status().message())};
    absl::StatusOr<std::vector<SafCapability>> active = selectSafs(machine, *request);
    if (!active.ok())
      return {std::string(active.status().message())};
    std::vector<std::string> names;
    for (const SafCapability &one : *active)
      names.push_back(toString(one));
    return names;
  }
  Machine machine;
};

TEST_F(Requests, ListsAndChanges) {
  EXPECT_THAT(ask(""), ElementsAre("gate a at compute if a", "gate b at bspad if a"));
  EXPECT_THAT(ask("none"), IsEmpty());
  EXPECT_THAT(ask("gate b at bspad if a"), ElementsAre("gate b at bspad if a"));
  EXPECT_THAT(ask(" gate b at compute if b;  gate a at compute if a; "),
              ElementsAre("gate b at compute if b", "gate a at compute if a"));
  EXPECT_THAT(ask("+gate b at compute if b"),
              ElementsAre("gate a at compute if a", "gate b at bspad if a", "gate b at compute if b"));
  EXPECT_THAT(ask("- gate b at bspad if a"), ElementsAre("gate a at compute if a"));
  EXPECT_THAT(ask("-gate; +skip a at compute if a"), ElementsAre("skip a at compute if a"));
  EXPECT_THAT(ask("gate"), ElementsAre("gate a at compute if a", "gate b at bspad if a"));
  // Nothing is skipped by default.
  EXPECT_THAT(ask("skip"), ElementsAre("skip a at compute if a"));
  // Formats in DRAM do not touch the rest.
  EXPECT_THAT(ask("-format a at dram"), ElementsAre("gate a at compute if a", "gate b at bspad if a"));
}

TEST_F(Requests, WhatIsWrongIsSaid) {
  auto message = [&](const char *text) {
    std::vector<std::string> said = ask(text);
    return said.empty() ? std::string("nothing was wrong") : said[0];
  };
  EXPECT_EQ(
      message("gate b at compute if a"),
      "'gate b at compute if a': machine 'm' does not offer it; it offers: gate a at compute if a; gate b at bspad "
      "if a; gate b at compute if b (where asked for); skip a at compute if a (where asked for)");
  EXPECT_EQ(message("-skip"), "'-skip': machine 'm' has it not among what is active by default; it offers: gate a at "
                              "compute if a; gate b at bspad if a; gate b at compute if b (where asked for); skip a at "
                              "compute if a (where asked for)");
  EXPECT_EQ(message("gate b at bsapd if a"),
            "'gate b at bsapd if a': machine 'm' has no level 'bsapd'; did you mean 'bspad'?");
  EXPECT_EQ(message("gaet b at bspad if a"), "'gaet b at bspad if a': unknown action 'gaet'; did you mean 'gate'?");
  EXPECT_THAT(message("gate w at bspad if a"), HasSubstr("unknown operand 'w'"));
  EXPECT_THAT(message("gate b at bspad if o"), HasSubstr("unknown operand of a condition 'o'"));
  EXPECT_THAT(message("gate b at bspad"), HasSubstr("expected ACTION OPERAND at PLACE if OPERAND"));
  EXPECT_THAT(message("gate b at bspad if a or"), HasSubstr("expected ACTION OPERAND at PLACE if OPERAND"));
  EXPECT_THAT(message("gate b at bspad if a and b"), HasSubstr("expected ACTION OPERAND at PLACE if OPERAND"));
  EXPECT_THAT(message("+"), HasSubstr("expected what to add or to remove"));
  EXPECT_THAT(message("+none"), HasSubstr("'none' stands alone"));
  EXPECT_THAT(message("none; -gate"), HasSubstr("either a list of what is to be active, or changes"));
  EXPECT_THAT(message("+skip a at compute if a"), HasSubstr("contradicts 'gate a at compute if a'"));
  EXPECT_THAT(message("format a at glb"), HasSubstr("only formats in dram are chosen"));
  EXPECT_THAT(message("format a at dram if a"), HasSubstr("a format has no condition"));
  EXPECT_THAT(message("+format a at dram; -format"), HasSubstr("both dense and compressed"));
  EXPECT_EQ(message("+format b at dram"),
            "'+format b at dram': machine 'm' does not take 'b' compressed there; it takes: dense");
}

TEST_F(Requests, RestrictFormats) {
  auto left = [&](const char *text, OperandKind operand) {
    std::vector<std::string> names;
    for (const formats::Format &format :
         selectFormats(*parseSafRequest(text), operand, machine.formatsOf(operand).dram))
      names.push_back(formats::toString(format));
    return names;
  };
  EXPECT_THAT(left("", A), ElementsAre("bitmask", "dense"));
  EXPECT_THAT(left("-format a at dram", A), ElementsAre("dense"));
  EXPECT_THAT(left("-format a at dram", O), ElementsAre("bitmask", "dense"));
  EXPECT_THAT(left("+format a at dram", A), ElementsAre("bitmask"));
  EXPECT_THAT(left("-format", O), ElementsAre("dense"));
}

} // namespace
