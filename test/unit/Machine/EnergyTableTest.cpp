//===- EnergyTableTest.cpp - Reading, summing and linting energies --------===//

#include "SparseAccel/Target/Machine/EnergyTable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sparseaccel::machine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

EnergyTable table(const std::string &components) {
  absl::StatusOr<EnergyTable> result = parseEnergyTable(
      "name: t\nunit: pJ\ntechnology_nm: 45\nsource: a test\nleaves_out: x\ncomponents:\n" + components, "t.yaml");
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *std::move(result) : EnergyTable();
}

std::string failure(const std::string &text) {
  absl::StatusOr<EnergyTable> result = parseEnergyTable(text, "t.yaml");
  EXPECT_FALSE(result.ok()) << text;
  return std::string(result.status().message());
}

TEST(EnergyTable, RowsInheritWidthEntriesAndSource) {
  EnergyTable t =
      table("  - name: ram\n    class: sram\n    bits: 64\n    entries: 128\n    family: f\n"
            "    actions:\n      read: 5\n      metadata_read: {energy: 2, bits: 28, entries: 64, source: another}\n");
  ASSERT_EQ(t.rows.size(), 2u);
  const EnergyRow *read = t.find("ram", "read"), *metadata = t.find("ram", "metadata_read");
  ASSERT_TRUE(read && metadata);
  EXPECT_EQ(read->energyPj, 5);
  EXPECT_EQ(read->bits, 64);
  EXPECT_EQ(read->entries, 128);
  EXPECT_EQ(read->source, "a test");
  EXPECT_EQ(read->kind, EnergyClass::Sram);
  EXPECT_EQ(read->family, "f");
  EXPECT_EQ(metadata->bits, 28);
  EXPECT_EQ(metadata->entries, 64);
  EXPECT_EQ(metadata->source, "another");
  EXPECT_EQ(t.find("ram", "write"), nullptr);
}

TEST(EnergyTable, EachMistakeIsNamed) {
  const std::string head = "name: t\nunit: pJ\ntechnology_nm: 45\nleaves_out: x\ncomponents:\n";
  EXPECT_THAT(failure("name: t\nunit: pJ\nleaves_out: x\ncomponents: []\n"),
              HasSubstr("a table in pJ needs 'technology_nm'"));
  EXPECT_THAT(failure("name: t\nunit: J\nleaves_out: x\ncomponents: []\n"),
              HasSubstr("t.yaml:2: unit: expected pJ, or MAC"));
  EXPECT_THAT(failure("name: t\nunit: MAC\nleaves_out: x\ncomponents: []\n"),
              HasSubstr("components: expected at least one"));
  EXPECT_THAT(failure("name: t\nunit: MAC\ncomponents: []\n"), HasSubstr("the key 'leaves_out' is missing"));
  EXPECT_THAT(failure(head + "  - {name: a, class: compute, actions: {compute: 1}}\n"),
              HasSubstr("t.yaml:6: components[0]: the key 'source' is missing"));
  EXPECT_THAT(failure(head + "  - {name: a, class: compute, source: '', actions: {compute: 1}}\n"),
              HasSubstr("components[0].source: every row needs a source"));
  EXPECT_THAT(failure(head + "  - {name: a.b, class: compute, source: s, actions: {compute: 1}}\n"),
              HasSubstr("components[0].name: expected a name without dots"));
  EXPECT_THAT(failure(head + "  - {name: a, class: sramm, source: s, actions: {read: 1}}\n"),
              HasSubstr("components[0].class: unknown name 'sramm'; did you mean 'sram'?"));
  EXPECT_THAT(failure(head + "  - {name: a, class: sram, source: s, actions: {read: 1}}\n"),
              HasSubstr("components[0]: a storage needs 'bits'"));
  EXPECT_THAT(failure(head + "  - {name: a, class: compute, source: s, actions: {}}\n"),
              HasSubstr("components[0].actions: expected at least one action"));
  EXPECT_THAT(failure(head + "  - {name: a, class: compute, source: s, actions: {comput: 1}}\n"),
              HasSubstr("components[0].actions: unknown key 'comput'; did you mean 'compute'?"));
  EXPECT_THAT(failure(head + "  - {name: a, class: compute, source: s, actions: {compute: -1}}\n"),
              HasSubstr("components[0].actions.compute: '-1' is out of range"));
  EXPECT_THAT(failure(head + "  - {name: a, class: compute, source: s, actions: {compute: {bits: 3}}}\n"),
              HasSubstr("components[0].actions.compute: the key 'energy' is missing"));
  EXPECT_THAT(failure(head + "  - {name: a, class: compute, source: s, actions: {compute: 1}}\n"
                             "  - {name: a, class: compute, source: s, actions: {compute: 1}}\n"),
              HasSubstr("t.yaml:7: components[1].name: a component 'a' stands above already"));
  EXPECT_THAT(std::string(loadEnergyTable("/nowhere/t.yaml").status().message()), HasSubstr("cannot be opened"));
}

TEST(EnergyTable, LintFindsGatedAndIdleThatCostMore) {
  EnergyTable t = table("  - {name: mac, class: compute, bits: 16, actions: {compute: 1, gated: 1}}\n"
                        "  - {name: ram, class: sram, bits: 8, actions: {read: 2, write: 3, gated_read: 2.5, "
                        "gated_write: 1, idle: 2.5}}\n");
  EXPECT_THAT(
      lintEnergyTable(t),
      ElementsAre(HasSubstr("mac.gated (1 pJ, 16 bits, line 7) does not cost less than the active mac.compute"),
                  HasSubstr("ram.gated_read (2.5 pJ, 8 bits, line 8) does not cost less than the active ram.read"),
                  HasSubstr("ram.idle (2.5 pJ, 8 bits, line 8) costs more than the active ram.read")));
}

TEST(EnergyTable, LintFindsInnerStorageThatCostsMorePerBit) {
  // 1 pJ a bit inside, 0.5 outside; writes are in order.
  const std::string outer = "  - {name: ram, class: sram, bits: 64, family: f, actions: {read: 32, write: 640}}\n";
  EXPECT_THAT(lintEnergyTable(
                  table("  - {name: regs, class: register_file, bits: 16, actions: {read: 16, write: 16}}\n" + outer)),
              ElementsAre(HasSubstr("regs.read (16 pJ, 16 bits, line 7) costs more per bit than ram.read")));
  EXPECT_THAT(lintEnergyTable(
                  table("  - {name: regs, class: register_file, bits: 16, family: g, actions: {read: 16}}\n" + outer)),
              IsEmpty());
  EXPECT_THAT(lintEnergyTable(table("  - {name: wire, class: network, bits: 16, actions: {transfer: 16}}\n" + outer)),
              ElementsAre(HasSubstr("wire.transfer")));
}

TEST(EnergyTable, LintFindsLargerStorageThatCostsLess) {
  const std::string small = "  - {name: small, class: sram, bits: 64, entries: 100, actions: {read: 10}}\n";
  EXPECT_THAT(
      lintEnergyTable(table(small + "  - {name: large, class: sram, bits: 64, entries: 200, actions: {read: 9}}\n")),
      ElementsAre(HasSubstr("large.read (9 pJ, 64 bits, line 8) costs less than small.read")));
  // Narrower words may cost less, and so may another class.
  EXPECT_THAT(
      lintEnergyTable(table(small + "  - {name: large, class: sram, bits: 32, entries: 200, actions: {read: 5}}\n")),
      IsEmpty());
  EXPECT_THAT(lintEnergyTable(table(
                  small + "  - {name: large, class: register_file, bits: 64, entries: 200, actions: {read: 9}}\n")),
              IsEmpty());
}

TEST(EnergyTable, LintFindsRowsWithoutSourceOrWidth) {
  EnergyTable t = table("  - {name: ram, class: sram, bits: 64, actions: {read: 10}}\n");
  t.rows[0].bits = 0;
  t.rows[0].source.clear();
  EXPECT_THAT(lintEnergyTable(t), ElementsAre(HasSubstr("has no source"), HasSubstr("has no width")));
}

TEST(ActionCounts, AddScaleAndGet) {
  ActionCounts a, b;
  a.add("mac", "compute", 3);
  b.add("mac", "compute", 4);
  b.add("glb", "read", 1);
  a.add(b);
  a.scale(2);
  EXPECT_EQ(a.get("mac", "compute"), 14);
  EXPECT_EQ(a.get("glb", "read"), 2);
  EXPECT_EQ(a.get("glb", "write"), 0);
  EXPECT_EQ(a.get("dram", "read"), 0);
}

TEST(EnergyModel, AnActionWithoutAPriceIsAnError) {
  EnergyModel model;
  model.table.name = "t";
  model.prices["mac"]["compute"] = {2, "mac.compute"};
  model.unpriced = {"noc.transfer", "codec.*"};
  ActionCounts counts;
  counts.add("mac", "compute", 5);
  counts.add("mac", "gated", 0); // nothing happened
  counts.add("noc", "transfer", 5);
  counts.add("codec", "compute", 5);
  absl::StatusOr<std::map<std::string, double>> energy = model.energyByComponent(counts, 100, 100);
  ASSERT_TRUE(energy.ok()) << energy.status();
  EXPECT_EQ(energy->size(), 1u); // no clock: it has no price
  EXPECT_EQ(energy->at("mac"), 10);
  counts.add("noc", "read", 1);
  EXPECT_THAT(std::string(model.energyByComponent(counts, 0, 0).status().message()),
              HasSubstr("no price for 'noc.read' in energy table 't'"));
}

} // namespace
} // namespace sparseaccel::machine
