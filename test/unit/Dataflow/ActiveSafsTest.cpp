//===- ActiveSafsTest.cpp - SAFs by place and operand ---------------------===//

#include "TestWork.h"

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

using isa::OperandKind;
using isa::SafAction;

machine::SafCapability offer(SafAction action, OperandKind target, const char *level, uint8_t conditionOn, int line) {
  machine::SafCapability saf;
  saf.action = action;
  saf.target = target;
  saf.level = level;
  saf.conditionOn = conditionOn;
  saf.line = line;
  return saf;
}

TEST(ActiveSafs, AnswerByPlaceAndOperand) {
  machine::Machine machine = shippedMachine("eyeriss");
  Work work;
  work.machine = &machine;
  { // What the machine offers.
    ActiveSafs safs(work);
    EXPECT_EQ(safs.gates("filter_spad", OperandKind::B), kOnA);
    EXPECT_EQ(safs.gates("compute", OperandKind::A), kOnA);
    EXPECT_EQ(safs.gates("compute", OperandKind::B), 0u);
    EXPECT_EQ(safs.gates("ifmap_spad", OperandKind::A), 0u);
    EXPECT_EQ(safs.gates("nowhere", OperandKind::A), 0u);
    EXPECT_EQ(safs.skips("filter_spad", OperandKind::B), 0u);
    EXPECT_EQ(safs.gatedProducts(), kOnA);
    EXPECT_EQ(safs.skippedProducts(), 0u);
  }
  for (machine::SafCapability &saf : machine.safs)
    saf.optional = true;
  EXPECT_EQ(gatingConditions(work), 0u);

  uint8_t filter = uint8_t(machine.levelIndex("filter_spad")), compute = uint8_t(machine.levels.size());
  uint8_t psum = uint8_t(machine.levelIndex("psum_spad"));
  isa::SafSet set = {{filter, OperandKind::B, SafAction::Skip, 1, {}},
                     {psum, OperandKind::O, SafAction::Gate, 2, {}},
                     {filter, OperandKind::B, SafAction::Format, 0, {}}};
  work.safs = &set;
  ActiveSafs safs(work);
  EXPECT_EQ(safs.skips("filter_spad", OperandKind::B), kOnA);
  EXPECT_EQ(safs.gates("psum_spad", OperandKind::O), kOnB);
  // A weight that is not delivered leaves no product; a sum that is not updated does not idle the multiplier.
  EXPECT_TRUE(skipsOn(work, OperandKind::A));
  EXPECT_FALSE(skipsOn(work, OperandKind::B));
  EXPECT_EQ(gatingConditions(work), 0u);
  EXPECT_FALSE(safs.intersects(SafAction::Skip));
  set.push_back({compute, OperandKind::A, SafAction::Skip, 2, {}});
  EXPECT_TRUE(safs.intersects(SafAction::Skip));
  EXPECT_FALSE(safs.intersects(SafAction::Gate));
  EXPECT_EQ(safs.skippedProducts(), kOnA | kOnB);
}

std::string refusal(machine::Machine machine, const machine::SafCapability &saf) {
  machine.file = "m.yaml";
  machine.safs = {saf};
  return std::string(findDataflow(machine).status().message());
}

TEST(ActiveSafs, WhatADataflowCannotHonourIsRefused) {
  machine::Machine eyeriss = shippedMachine("eyeriss"), cnvlutin = shippedMachine("cnvlutin");
  EXPECT_EQ(refusal(eyeriss, offer(SafAction::Gate, OperandKind::O, "psum_spad", 3, 1)), "");
  EXPECT_EQ(refusal(eyeriss, offer(SafAction::Skip, OperandKind::A, "compute", 1, 7)),
            "m.yaml:7: safs: dataflow 'row-stationary' cannot honour 'skip a at compute if a'; it can: gate a|b at "
            "compute if a|b; gate a at ifmap_spad if a|b; gate b at filter_spad if a|b; gate o at psum_spad if a|b");
  EXPECT_EQ(refusal(cnvlutin, offer(SafAction::Gate, OperandKind::B, "sb", 1, 1)), "");
  EXPECT_EQ(refusal(cnvlutin, offer(SafAction::Gate, OperandKind::A, "nbin", 2, 3)),
            "m.yaml:3: safs: dataflow 'cnvlutin' cannot honour 'gate a at nbin if b'; it can: gate a|b at compute if "
            "a|b; gate b at sb if a; skip a at compute if a; skip b at sb if a");
  // Lanes walk offsets: without them there is nothing to walk.
  cnvlutin.a.buffer = {};
  EXPECT_EQ(refusal(cnvlutin, offer(SafAction::Skip, OperandKind::A, "compute", 1, 4)),
            "m.yaml:4: safs: dataflow 'cnvlutin' cannot honour 'skip a at compute if a': it walks the metadata of "
            "operand 'a' at nm, where the operand lies dense");
}

} // namespace
