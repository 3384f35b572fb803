//===- EnergyTableTest.cpp - Reading, summing and linting energies --------===//

#include "SparseAccel/Target/Machine/EnergyTable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

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

//===----------------------------------------------------------------------===//
// Areas, and tables of Accelergy
//===----------------------------------------------------------------------===//

TEST(EnergyTable, AreasStandBesideEnergiesOrAlone) {
  EnergyTable t = table("  - {name: ram, class: sram, bits: 64, entries: 128, area: 250, actions: {read: 5}}\n"
                        "  - {name: chip, area: 9000}\n");
  ASSERT_EQ(t.areas.size(), 2u);
  EXPECT_EQ(t.areaUnit, "um2");
  EXPECT_EQ(t.areas[0].component, "ram");
  EXPECT_EQ(t.areas[0].area, 250);
  EXPECT_EQ(t.areas[0].line, 7);
  EXPECT_EQ(t.areas[0].kind, EnergyClass::Sram);
  EXPECT_EQ((*t.findArea("chip"))->area, 9000);
  EXPECT_EQ(t.findArea("rem").status().message(), "energy table 't' has no area of 'rem'; did you mean 'ram'?");
  const std::string alone = "name: t\narea_unit: baseline\nsource: s\nleaves_out: x\ncomponents:\n";
  absl::StatusOr<EnergyTable> relative = parseEnergyTable(alone + "  - {name: chip, area: 1.1}\n", "t.yaml");
  ASSERT_TRUE(relative.ok()) << relative.status();
  EXPECT_THAT(relative->rows, IsEmpty());
  EXPECT_EQ(relative->areaUnit, "baseline");
  EXPECT_THAT(failure(alone + "  - {name: alu, class: compute, area: 1, actions: {compute: 1}}\n"),
              HasSubstr("the key 'unit' is missing"));
  EXPECT_THAT(failure("name: t\nsource: s\nleaves_out: x\ncomponents:\n  - {name: chip, area: 1}\n"),
              HasSubstr("a table in um2 needs 'technology_nm'"));
  EXPECT_THAT(failure(alone + "  - {name: chip, area: -1}\n"), HasSubstr("components[0].area: '-1' is out of range"));
}

TEST(EnergyTable, LintFindsLargerStorageThatTakesLessArea) {
  const std::string small = "  - {name: small, class: sram, bits: 64, entries: 100, area: 50, actions: {read: 5}}\n";
  EXPECT_THAT(lintEnergyTable(table(
                  small + "  - {name: large, class: sram, bits: 64, entries: 200, area: 40, actions: {read: 9}}\n")),
              ElementsAre("large (40 um2, line 8) takes less area than small (50 um2, line 7), which is smaller"));
  EXPECT_THAT(lintEnergyTable(table(
                  small + "  - {name: large, class: sram, bits: 64, entries: 200, area: 60, actions: {read: 9}}\n")),
              IsEmpty());
}

EnergyTable accelergy(const std::string &text) {
  absl::StatusOr<EnergyTable> result = parseEnergyTable(text, "ERT.yaml");
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *std::move(result) : EnergyTable();
}

/// A component with these actions, a line each from line 5 on.
std::string ert(const std::string &component, const std::vector<std::string> &actions) {
  std::string text = "ERT:\n  version: 0.3\n  tables:\n  - name: " + component + "\n    actions:\n";
  for (const std::string &action : actions)
    text += "    - {" + action + "}\n";
  return text;
}

TEST(Accelergy, ActionsAreRowsByNameAndArguments) {
  EnergyTable t =
      accelergy(ert("chip.PE[0..3].spad", {"name: write, arguments: null, energy: 2",
                                           "name: read, arguments: {address_delta: 0, data_delta: 1}, energy: 1",
                                           "name: read, arguments: {address_delta: 1, data_delta: 1}, energy: 3"}));
  EXPECT_TRUE(t.fromAccelergy);
  EXPECT_EQ(t.unit, "pJ");
  EXPECT_EQ(t.source, "Accelergy ERT 0.3");
  ASSERT_EQ(t.rows.size(), 3u);
  EXPECT_EQ(t.rows[1].action, "read(address_delta=0,data_delta=1)");
  EXPECT_EQ(t.rows[1].line, 7);
  EXPECT_EQ(t.rows[1].kind, EnergyClass::Unknown);
  // By the whole path, or by an end of it.
  EXPECT_EQ((*t.findRow("chip.PE[0..3].spad.write"))->energyPj, 2);
  EXPECT_EQ((*t.findRow("spad.write"))->energyPj, 2);
  EXPECT_EQ((*t.findRow("spad.read(address_delta=1,data_delta=1)"))->energyPj, 3);
  EXPECT_EQ(
      t.findRow("spad.read").status().message(),
      "energy table 'ERT.yaml' prices 'spad.read' by arguments: name one of "
      "chip.PE[0..3].spad.read(address_delta=0,data_delta=1), chip.PE[0..3].spad.read(address_delta=1,data_delta=1)");
  EXPECT_THAT(std::string(t.findRow("chip.PE[0..3].spad.wirte").status().message()),
              HasSubstr("has no row 'chip.PE[0..3].spad.wirte'; did you mean 'chip.PE[0..3].spad.write'?"));
}

TEST(Accelergy, RowsAreFoundWithoutRangesAndWithTheArgumentsThatFit) {
  EnergyTable t =
      accelergy("ERT:\n  version: '0.4'\n  tables:\n  - name: chip.PE[1..4].buffer[1..16]\n    actions:\n"
                "    - {name: read, arguments: {global_cycles: 1}, energy: 2}\n"
                "    - {name: write, arguments: {address_delta: 0, data_delta: 1}, energy: 3}\n"
                "    - {name: write, arguments: {address_delta: 1, data_delta: 1}, energy: 4}\n"
                "  - name: chip.buffer[1..1]\n    actions:\n    - {name: leak, arguments: {}, energy: 0.5}\n"
                "ART:\n  version: '0.4'\n  tables:\n  - {name: 'chip.PE[1..4].buffer[1..16]', area: 7}\n");
  EXPECT_EQ((*t.findRow("PE.buffer.read"))->energyPj, 2);
  EXPECT_EQ((*t.findRow("buffer[1..16].read"))->energyPj, 2);
  EXPECT_EQ((*t.findRow("PE[1..4].buffer[1..16].read(global_cycles=1)"))->energyPj, 2);
  EXPECT_EQ((*t.findRow("PE.buffer.write(address_delta=1)"))->energyPj, 4);
  EXPECT_EQ((*t.findRow("chip.buffer.leak"))->energyPj, 0.5);
  EXPECT_EQ((*t.findArea("PE.buffer"))->area, 7);
  EXPECT_THAT(std::string(t.findRow("PE.buffer.write(data_delta=1)").status().message()),
              HasSubstr("by arguments: name one of chip.PE[1..4].buffer[1..16].write(address_delta=0,data_delta=1), "
                        "chip.PE[1..4].buffer[1..16].write(address_delta=1,data_delta=1)"));
  EXPECT_FALSE(t.findRow("PE.buffer.write(address_delta=2)").ok());
  // A misspelt one is held against names of its own length.
  for (auto [wrong, right] :
       {std::pair{"buffer.leek", "chip.buffer[1..1].leak"},
        {"PE.bufer.read", "chip.PE[1..4].buffer[1..16].read(global_cycles=1)"},
        {"buffer[1..16].raed(global_cycles=1)", "chip.PE[1..4].buffer[1..16].read(global_cycles=1)"}})
    EXPECT_THAT(std::string(t.findRow(wrong).status().message()),
                HasSubstr(std::string("'; did you mean '") + right + "'?"));
}

TEST(Accelergy, AnEndThatTwoComponentsShareIsRefused) {
  EnergyTable t = accelergy("ERT:\n  version: 0.3\n  tables:\n"
                            "  - {name: a.spad, actions: [{name: read, arguments: null, energy: 1}]}\n"
                            "  - {name: b.spad, actions: [{name: read, arguments: null, energy: 2}]}\n");
  EXPECT_EQ(t.findRow("spad.read").status().message(),
            "'spad.read' names several rows of energy table 'ERT.yaml': a.spad.read, b.spad.read");
  EXPECT_EQ((*t.findRow("b.spad.read"))->energyPj, 2);
}

TEST(Accelergy, AreasAndSummariesAreRead) {
  EnergyTable art = accelergy("ART:\n  version: 0.3\n  tables:\n  - name: chip.glb\n    area: 12.5\n");
  EXPECT_THAT(art.rows, IsEmpty());
  EXPECT_EQ((*art.findArea("glb"))->area, 12.5);
  EXPECT_EQ(art.areaUnit, "um2");
  EnergyTable summary = accelergy(
      "ERT_summary:\n  version: '0.4'\n  table_summary:\n  - name: chip.mac[1..8]\n    actions:\n"
      "    - {name: compute, average_energy: 2, max_energy: 3, min_energy: 1}\n    - {name: leak, energy: 0.1}\n"
      "    primitive_estimation(s):\n    - {name: intmac, estimator: Library}\n");
  EXPECT_EQ((*summary.findRow("mac[1..8].compute"))->energyPj, 2);
  EXPECT_EQ(summary.source, "Accelergy ERT_summary 0.4");
}

TEST(Accelergy, EachMistakeIsNamed) {
  EXPECT_THAT(failure(ert("x", {"name: read, energy: -1"})), HasSubstr("t.yaml:6: ERT.tables[0].actions[0].energy"));
  EXPECT_THAT(failure(ert("x", {"name: read"})), HasSubstr("the key 'energy' is missing"));
  EXPECT_THAT(failure(ert("x", {"name: read, enery: 1"})), HasSubstr("energy"));
  EXPECT_THAT(failure(ert("x", {"name: read, energy: 1", "name: read, energy: 1"})),
              HasSubstr("t.yaml:7: ERT.tables[0].actions[1].name: 'read' stands above already"));
  EXPECT_THAT(failure(ert("x", {"name: read, arguments: {a: [1]}, energy: 1"})), HasSubstr("expected a value of 'a'"));
  EXPECT_THAT(failure("ERT: {version: 0.3, tables: []}\n"), HasSubstr("ERT.tables: expected at least one component"));
  EXPECT_THAT(failure("ART: {tables: [{name: x}]}\n"), HasSubstr("the key 'area' is missing"));
  EXPECT_THAT(failure("ART: {tables: [{name: x, area: 1}, {name: x, area: 1}]}\n"),
              HasSubstr("a component 'x' stands above already"));
  EXPECT_THAT(failure("ART: {tables: [{name: x, area: 1}]}\nother: 1\n"), HasSubstr("unknown key 'other'"));
}

TEST(Accelergy, LintComparesWhatThereIs) {
  auto lint = [](const std::vector<std::string> &actions) { return lintEnergyTable(accelergy(ert("x", actions))); };
  EXPECT_THAT(lint({"name: mac_random, energy: 2", "name: mac_gated, energy: 2"}),
              ElementsAre("x.mac_gated (2 pJ, line 7) does not cost less than the active x.mac_random (2 pJ, line 6)"));
  EXPECT_THAT(lint({"name: mac_random, energy: 2", "name: mac_gated, energy: 1", "name: mac_skipped, energy: 1"}),
              IsEmpty());
  EXPECT_THAT(lint({"name: metadata_read, energy: 2", "name: gated_metadata_read, energy: 3"}),
              ElementsAre(HasSubstr("x.gated_metadata_read (3 pJ, line 7) does not cost less")));
  EXPECT_THAT(lint({"name: metadata_read, energy: 2", "name: metadata_gated_read, energy: 3"}),
              ElementsAre(HasSubstr("x.metadata_gated_read (3 pJ, line 7) does not cost less")));
  EXPECT_THAT(lint({"name: read, energy: 2", "name: write, energy: 2", "name: idle, energy: 3"}),
              ElementsAre(HasSubstr("x.idle (3 pJ, line 8) costs more than the active x.read"),
                          HasSubstr("x.idle (3 pJ, line 8) costs more than the active x.write")));
  EXPECT_THAT(lint({"name: read, energy: 2", "name: write, energy: 0"}),
              ElementsAre("x: write cost nothing (line 7): what they do is left out of every energy"));
}

TEST(Accelergy, LintComparesStoragesByPlaceAndArea) {
  auto storage = [](const std::string &name, double energy) {
    return "  - name: " + name + "\n    actions:\n    - {name: read, energy: " + std::to_string(energy) +
           "}\n    - {name: write, energy: 1}\n";
  };
  const std::string head = "ERT:\n  version: 0.3\n  tables:\n";
  EnergyTable good = accelergy(head + storage("chip.PE[0..3].spad", 1) + storage("chip.glb", 5));
  EnergyTable bad = accelergy(head + storage("chip.PE[0..3].spad", 6) + storage("chip.glb", 5));
  EXPECT_THAT(lintEnergyTable(good), IsEmpty());
  EXPECT_THAT(lintEnergyTable(bad),
              ElementsAre("chip.PE[0..3].spad.read (6 pJ, line 6) costs more per access than chip.glb.read (5 pJ, line "
                          "10), which lies further out (the table has no widths)"));
  EnergyTable areas = accelergy("ART:\n  tables:\n  - {name: 'chip.PE[0..3].spad', area: 900}\n"
                                "  - {name: chip.glb, area: 400}\n");
  EXPECT_THAT(lintEnergyTable(good, &areas),
              ElementsAre("chip.PE[0..3].spad.read (1 pJ, line 6) costs less than chip.glb.read (5 pJ, line 10), whose "
                          "area is smaller (400 against 900 um2)"));
}

} // namespace
} // namespace sparseaccel::machine
