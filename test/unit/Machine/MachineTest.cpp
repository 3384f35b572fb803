//===- MachineTest.cpp - What machine files may say -----------------------===//

#include "SparseAccel/Target/Machine/Machine.h"
#include "SparseAccel/Support/Names.h"
#include "SparseAccel/Target/Machine/Yaml.h"

#include "absl/strings/str_replace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace sparseaccel::machine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr char kTable[] = R"(name: little
unit: pJ
technology_nm: 45
source: a test
leaves_out: everything else
components:
  - {name: mult, class: compute, bits: 16, actions: {compute: 2, gated: 0.5}}
  - {name: ram, class: sram, bits: 32, entries: 1024, actions: {read: 8, write: 16}}
  - {name: dram, class: dram, bits: 64, actions: {read: 640, write: 640}}
  - {name: chip, class: clock, actions: {busy: 100, idle: 10}}
)";

// Line numbers of the messages below count from here.
constexpr char kMachine[] = R"(name: small
technology_nm: 65
clock_mhz: 200
dram: {bytes_per_cycle: 8, latency_cycles: 10, burst_bytes: 32, shared_bus: true}
levels:
  - name: buffer
    size: 64 KiB
    word_bits: 64
    holds: [a, b, o]
    double_buffered: true
    managed_by: program
    psum_bits: 32
  - {name: regs, size: 16, instances: 8, word_bits: 16, holds: [a], managed_by: dataflow}
array:
  - {name: rows, size: 4, ranks: [M]}
  - {name: columns, size: 2, ranks: [C, R, S]}
dataflow: {name: anything, parameters: {depth: 8, fast: true}}
kinds: [conv, fc]
numerics: [int8, int16]
psum_bits: 24
formats:
  a: {dram: [bitmask, dense], buffer: dense, codec_bytes_per_cycle: 4}
  b: {dram: ["[UOP, CP:8]", [UOP, CP]], buffer: dense}
  o: {dram: [dense], buffer: dense}
safs:
  - {level: compute, target: a, action: gate, condition-on: [a]}
  - {level: regs, target: a, action: skip, condition-on: [a, b]}
  - {level: regs, target: a, action: format, format: [CP]}
  - {level: compute, target: a, action: skip, condition-on: [a], optional: true}
vector: {lanes: 4, kinds: [rescale, max_pool]}
energy:
  - table: little
    prices:
      dram: {read: dram.read, write: dram.write}
      buffer: {read: ram.read, write: {row: ram.write, times: 2}}
      regs: {read: ram.read, write: ram.write}
      mac: {compute: mult.compute, gated: mult.gated}
    cycle: {busy: chip.busy, idle: chip.idle}
    leaves_out: [dram.metadata_read, dram.metadata_write, buffer.metadata_read, buffer.metadata_write, regs.metadata_read, regs.metadata_write, noc.*, vector.*]
)";

class MachineTest : public testing::Test {
protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("sparseaccel-machine-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "little.yaml") << kTable;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  absl::StatusOr<Machine> parse(const std::string &text) { return parseMachine(text, "m.yaml", folder.string()); }
  /// The message of the machine with one piece of its text replaced.
  std::string failure(const std::string &from, const std::string &to) {
    std::string text = kMachine;
    size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    absl::StatusOr<Machine> machine = parse(text.replace(at, from.size(), to));
    EXPECT_FALSE(machine.ok()) << to;
    return std::string(machine.status().message());
  }

  std::filesystem::path folder;
};

TEST_F(MachineTest, EveryKeyArrives) {
  absl::StatusOr<Machine> parsed = parse(kMachine);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const Machine &m = *parsed;
  EXPECT_EQ(m.name, "small");
  EXPECT_EQ(m.technologyNm, 65);
  EXPECT_EQ(m.clockMhz, 200);
  EXPECT_EQ(m.peakMacsPerCycle, 8u);
  EXPECT_EQ(m.dram.bytesPerCycle, 8);
  EXPECT_EQ(m.dram.latencyCycles, 10u);
  EXPECT_EQ(m.dram.burstBytes, 32u);
  EXPECT_TRUE(m.dram.sharedBus);
  ASSERT_EQ(m.levels.size(), 3u);
  EXPECT_EQ(m.levels[0].name, "dram");
  EXPECT_EQ(m.levels[0].wordBits, 64u);
  EXPECT_EQ(m.levels[1].sizeBytes, 65536u);
  EXPECT_THAT(m.levels[1].holds, ElementsAre(OperandKind::A, OperandKind::B, OperandKind::O));
  EXPECT_TRUE(m.levels[1].doubleBuffered);
  EXPECT_EQ(m.levels[1].managedBy, ManagedBy::Program);
  EXPECT_EQ(m.levels[1].psumBits, 32u);
  EXPECT_EQ(m.levels[2].instances, 8u);
  EXPECT_EQ(m.levels[2].managedBy, ManagedBy::Dataflow);
  EXPECT_EQ(m.levelIndex("regs"), 2);
  EXPECT_EQ(m.levelIndex("none"), -1);
  EXPECT_EQ(m.findLevel("none"), nullptr);
  EXPECT_THAT(m.array[1].ranks, ElementsAre(Rank::C, Rank::R, Rank::S));
  EXPECT_THAT(m.parameters, ElementsAre(Pair("depth", 8), Pair("fast", 1)));
  EXPECT_TRUE(m.supports(ContractionKind::Conv));
  EXPECT_FALSE(m.supports(ContractionKind::Depthwise));
  EXPECT_TRUE(m.supports(isa::VectorKind::MaxPool));
  EXPECT_FALSE(m.supports(isa::VectorKind::Add));
  EXPECT_EQ(m.psumBits, 24u);
  EXPECT_EQ(formats::toString(m.formatsOf(OperandKind::A).dram[0]), "bitmask");
  EXPECT_EQ(formats::toString(m.b.dram[0]), "[UOP, CP:8]");
  EXPECT_EQ(formats::toString(m.b.dram[1]), "csr");
  EXPECT_EQ(m.a.codecBytesPerCycle, 4);
  ASSERT_EQ(m.safs.size(), 4u);
  EXPECT_EQ(m.safs[0].level, "compute");
  EXPECT_EQ(m.safs[1].action, isa::SafAction::Skip);
  EXPECT_EQ(m.safs[1].conditionOn, 3);
  EXPECT_EQ(m.safs[1].line, 27);
  EXPECT_EQ(formats::toString(m.safs[2].format), "coo");
  EXPECT_FALSE(m.safs[1].optional);
  EXPECT_TRUE(m.safs[3].optional);
}

TEST_F(MachineTest, PricesScaleByBits) {
  absl::StatusOr<Machine> m = parse(kMachine);
  ASSERT_TRUE(m.ok()) << m.status();
  const auto &prices = m->energy.prices;
  EXPECT_EQ(prices.at("buffer").at("read").energyPj, 16);  // 64 bits by a row of 32
  EXPECT_EQ(prices.at("buffer").at("write").energyPj, 64); // and twice
  EXPECT_EQ(prices.at("regs").at("read").energyPj, 4);     // 16 bits
  EXPECT_EQ(prices.at("dram").at("read").energyPj, 640);
  EXPECT_EQ(prices.at("mac").at("compute").energyPj, 2); // no word: as it stands
  EXPECT_EQ(prices.at("mac").at("compute").row, "mult.compute");
  ActionCounts counts;
  counts.add("buffer", "read", 3);
  counts.add("noc", "transfer", 1000);
  absl::StatusOr<std::map<std::string, double>> energy = m->energy.energyByComponent(counts, 5, 2);
  ASSERT_TRUE(energy.ok()) << energy.status();
  EXPECT_THAT(*energy, UnorderedElementsAre(Pair("buffer", 48), Pair("clock", 520)));
}

TEST_F(MachineTest, UnknownKeysNameTheNearestOne) {
  EXPECT_EQ(failure("latency_cycles: 10,", "latency_cycles: 10, latency_cycle: 10,"),
            "m.yaml:4: dram: unknown key 'latency_cycle'; did you mean 'latency_cycles'?");
  EXPECT_EQ(failure("clock_mhz: 200", "clokc_mhz: 200"),
            "m.yaml:3: unknown key 'clokc_mhz'; did you mean 'clock_mhz'?");
  EXPECT_EQ(failure("psum_bits: 24", "psum_bits: 24\nvectors: 3"),
            "m.yaml:21: unknown key 'vectors'; did you mean 'vector'?");
  EXPECT_THAT(
      failure("    word_bits: 64", "    word_bits: 64\n    colour: red"),
      HasSubstr("m.yaml:9: levels[0]: unknown key 'colour'; expected one of: name, size, instances, word_bits"));
}

struct Mistake {
  const char *from, *to, *message;
};

TEST_F(MachineTest, EachMistakeIsNamedWithItsLine) {
  const Mistake mistakes[] = {
      // Types and ranges.
      {"name: small\n", "name: ''\n", "m.yaml:1: name: expected a name"},
      {"name: small\n", "name: [small]\n", "m.yaml:1: name: expected text, found a list"},
      {"technology_nm: 65\n", "", "the key 'technology_nm' is missing"},
      {"clock_mhz: 200", "clock_mhz: fast",
       "m.yaml:3: clock_mhz: expected a number from 1e-09 to 1000000000, found 'fast'"},
      {"clock_mhz: 200", "clock_mhz: '200'", "m.yaml:3: clock_mhz: expected a number"},
      {"clock_mhz: 200", "clock_mhz: .nan", "m.yaml:3: clock_mhz: expected a number"},
      {"clock_mhz: 200", "clock_mhz: -1", "m.yaml:3: clock_mhz: '-1' is out of range"},
      {"clock_mhz: 200", "clock_mhz: 200\nclock_mhz: 300", "m.yaml:4: the key 'clock_mhz' stands here twice"},
      {"latency_cycles: 10", "latency_cycles: 1.5",
       "m.yaml:4: dram.latency_cycles: expected an integer from 0 to 1000000, found '1.5'"},
      {"burst_bytes: 32", "burst_bytes: 0", "dram.burst_bytes: '0' is out of range"},
      {"shared_bus: true", "shared_bus: yes", "dram.shared_bus: expected true or false, found 'yes'"},
      {"size: 64 KiB", "size: 64 KB",
       "m.yaml:7: levels[0].size: expected a number of bytes, as 512, '8 KiB' or '4 MiB', found '64 KB'"},
      {"size: 64 KiB", "size: 99999999999 GiB", "levels[0].size: '99999999999 GiB' is out of range"},
      {"levels:\n", "levels: 3\nrest:\n", "m.yaml:5: levels: expected a list, found '3'"},
      {"  - {name: regs", "  - 5\n  - {name: regs", "levels[1]: expected a mapping of keys to values, found '5'"},
      // Levels.
      {"name: regs", "name: buffer", "m.yaml:13: levels[1].name: a level 'buffer' stands above already"},
      {"name: regs", "name: mac", "levels[1].name: 'mac' is not a name for a level"},
      {"name: regs", "name: a.b", "levels[1].name: expected a name without dots"},
      {"holds: [a], managed_by: dataflow", "holds: [x], managed_by: dataflow", "levels[1].holds: unknown name 'x'"},
      {"holds: [a], managed_by: dataflow", "holds: [], managed_by: dataflow",
       "levels[1].holds: expected at least one of: a, b, o"},
      {"holds: [a], managed_by: dataflow", "holds: [a, a], managed_by: dataflow",
       "levels[1].holds: 'a' stands here twice"},
      {"managed_by: dataflow", "managed_by: dataflw",
       "levels[1].managed_by: unknown name 'dataflw'; did you mean 'dataflow'?"},
      {"managed_by: dataflow", "managed_by: dataflow, double_buffered: true",
       "levels[1].double_buffered: only a level that the program manages"},
      {"managed_by: dataflow", "managed_by: dataflow, psum_bits: 16", "levels[1].psum_bits: sums are of operand o"},
      {"instances: 8, word_bits: 16, holds: [a], managed_by: dataflow",
       "instances: 8, word_bits: 16, holds: [a], managed_by: program", "one address space: expected 1"},
      {"array:\n", "  - {name: late, size: 4, word_bits: 8, holds: [a], managed_by: program}\narray:\n",
       "levels[2].managed_by: levels go from the outermost in: 'late'"},
      {"holds: [a, b, o]\n", "holds: [a, o]\n", "no level that the program manages holds operand 'b'"},
      {"    psum_bits: 32\n", "", "no level that the program manages holds sums"},
      {"psum_bits: 32", "psum_bits: 100", "levels[0].psum_bits: '100' is out of range"},
      // Array, dataflow, capabilities.
      {"name: columns", "name: rows", "array[1].name: a dimension 'rows' stands above already"},
      {"ranks: [M]", "ranks: [K]", "array[0].ranks: unknown name 'K'"},
      {"ranks: [M]", "ranks: []", "array[0].ranks: expected at least one rank"},
      {"{name: columns, size: 2", "{name: columns, size: 16777216, unit: 3", "unknown key 'unit'"},
      {"depth: 8", "depth: deep", "dataflow.parameters.depth: expected a number, true or false"},
      {"depth: 8", "depth: [8]", "dataflow.parameters.depth: expected a number, true or false"},
      {"kinds: [conv, fc]", "kinds: [conv, dense]", "m.yaml:18: kinds: unknown name 'dense'"},
      {"kinds: [conv, fc]", "kinds: []", "kinds: expected at least one kind of contraction"},
      {"numerics: [int8, int16]", "numerics: [int4]", "numerics: unknown name 'int4'; did you mean 'int8'?"},
      {"numerics: [int8, int16]", "numerics: int8",
       "numerics: expected a list of names out of: int8, int16; found 'int8'"},
      {"buffer: dense, codec", "buffer: densse, codec",
       "formats.a.buffer: unknown format 'densse'; did you mean 'dense'?"},
      {"buffer: dense, codec", "buffer: {x: 1}, codec", "formats.a.buffer: expected the name of a format"},
      {"dram: [bitmask, dense]", "dram: []", "formats.a.dram: expected at least one format"},
      {"dram: [bitmask, dense]", "dram: dense", "formats.a.dram: expected a list of formats"},
      {"dram: [bitmask, dense]", "dram: [dense, dense]", "formats.a.dram: 'dense' stands here twice"},
      {"level: compute", "level: compte", "safs[0].level: unknown name 'compte'; did you mean 'compute'?"},
      {"action: gate", "action: gates", "safs[0].action: unknown name 'gates'; did you mean 'gate'?"},
      {"condition-on: [a]}", "condition-on: []}",
       "safs[0].condition-on: expected the operand whose zeros are the condition"},
      {"level: regs, target: a, action: skip", "level: regs, target: b, action: skip",
       "safs[1].target: level 'regs' does not hold operand 'b'"},
      {"kinds: [rescale, max_pool]", "kinds: [max_pool]", "vector.kinds: expected 'rescale' among them"},
      {"kinds: [rescale, max_pool]", "kinds: [rescale, maxpool]",
       "vector.kinds: unknown name 'maxpool'; did you mean 'max_pool'?"},
      // SAFs that make no sense, or contradict.
      {"  - {level: regs, target: a, action: format, format: [CP]}\n", "",
       "m.yaml:27: safs[1]: 'skip a at regs if a or b': operand 'a' lies dense at regs: whether it is zero is known "
       "only "
       "once it has been read"},
      {", optional: true", "",
       "m.yaml:29: safs[3]: 'skip a at compute if a' contradicts 'gate a at compute if a' of line 26: where 'a' is "
       "zero "
       "the same access cannot both idle and be left out (a machine may offer both: 'optional: true'"},
      {", condition-on: [a], optional: true",
       ", condition-on: [b]}\n  - {level: compute, target: a, action: skip, condition-on: [b]",
       "m.yaml:30: safs[4]: 'skip a at compute if b' stands on line 29 already"},
      {"format: [CP]", "format: dense", "safs[2]: 'format a at regs': a format SAF says in which compressed format"},
      {"format: [CP]", "format: [CP], condition-on: [a]", "safs[2].condition-on: a format has no condition"},
      {", format: [CP]", "", "safs[2]: the key 'format' is missing"},
      {"vector: {lanes", "  - {level: buffer, target: a, action: format, format: csr}\nvector: {lanes",
       "safs[4]: 'format a at buffer': operand 'a' lies at buffer as formats.a.buffer says, which is not csr"},
      {"vector: {lanes", "  - {level: compute, target: a, action: format, format: csr}\nvector: {lanes",
       "m.yaml:30: safs[4]: 'format a at compute': nothing lies at compute"},
      // Energy.
      {"table: little", "table: ./litle.yaml", "energy[0].table: there is no file"},
      {"table: little", "table: litle",
       "m.yaml:32: energy[0].table: there is no energy table 'litle'; did you mean 'little'?"},
      {"table: little", "table: .little", "energy[0].table: expected the name of a table"},
      {"read: dram.read", "read: dram.raed",
       "m.yaml:34: energy[0].prices.dram.read: energy table 'little' has no row 'dram.raed'; did you mean "
       "'dram.read'?"},
      {"read: dram.read", "read: [dram, read]", "expected a row of the energy table, as 'component.action'"},
      {"times: 2", "times: -2", "energy[0].prices.buffer.write.times: '-2' is out of range"},
      {"      regs: {read", "      regz: {read", "energy[0].prices: unknown key 'regz'; did you mean 'regs'?"},
      {"compute: mult.compute", "compte: mult.compute",
       "energy[0].prices.mac: unknown key 'compte'; did you mean 'compute'?"},
      {", gated: mult.gated", "", "'mac.gated' has neither a price nor a place under leaves_out"},
      {", write: dram.write}", "}", "'dram.write' has neither a price nor a place under leaves_out"},
      {"noc.*, vector.*", "vector.*", "'noc.transfer' has neither a price nor a place under leaves_out"},
      {"noc.*, vector.*", "nok.*, vector.*", "energy[0].leaves_out: unknown component 'nok'; did you mean 'noc'?"},
      {"noc.*, vector.*", "noc.*, vector.comput",
       "energy[0].leaves_out: unknown action 'comput'; did you mean 'compute'?"},
      {"noc.*, vector.*", "noc.*, vector.*, mac.gated", "energy[0].leaves_out: 'mac.gated' has a price above"},
      {"leaves_out: [", "leaves_out: x\n    rest: [", "energy[0].leaves_out: expected a list"},
      {"    cycle: {busy: chip.busy, idle: chip.idle}\n", "",
       "expected 'cycle' (the rows of a busy and an idle cycle, or of leakage), or 'clock.*' under leaves_out"},
      {"busy: chip.busy", "busy: ram.read", "energy[0].cycle.busy: 'ram' is not of class clock"},
      {", idle: chip.idle}", "}", "energy[0].cycle: the key 'idle' is missing"},
      {"  - table: little", "  - {table: little, prices: {}, leaves_out: []}\n  - table: little",
       "'dram.read' has neither"},
  };
  for (const Mistake &mistake : mistakes)
    EXPECT_THAT(failure(mistake.from, mistake.to), HasSubstr(mistake.message)) << mistake.to;
}

TEST_F(MachineTest, TooManyMultipliersAreRefused) {
  std::string text = absl::StrReplaceAll(
      kMachine, {{"size: 4, ranks", "size: 65536, ranks"}, {"size: 2, ranks", "size: 65536, ranks"}});
  EXPECT_THAT(std::string(parse(text).status().message()),
              HasSubstr("array[1].size: the array has more than 1073741824 multipliers"));
}

TEST_F(MachineTest, WhatIsNotYamlIsAnErrorWithItsLine) {
  EXPECT_THAT(std::string(parse("name: [small\nclock").status().message()), HasSubstr("m.yaml:2: this is not YAML"));
  EXPECT_THAT(std::string(parse("").status().message()), HasSubstr("expected one YAML document, found none"));
  // A stray comma is an endless row of empty documents to the YAML parser.
  for (const char *text : {",U", "name: x\n---\nname: y\n", "name: x\n...\n,"})
    EXPECT_THAT(std::string(parse(text).status().message()),
                HasSubstr("expected one YAML document, found more than one"));
  EXPECT_THAT(std::string(parse("a: 1\n---\nb: 2\n").status().message()), HasSubstr("found more than one"));
  EXPECT_THAT(std::string(parse("- 1\n- 2\n").status().message()),
              HasSubstr("expected a mapping of keys to values, found a list"));
  EXPECT_THAT(std::string(parse("? [a, b]\n: 1\n").status().message()), HasSubstr("expected a name for a key"));
  EXPECT_FALSE(parse(std::string(100000, '[')).ok());
  EXPECT_FALSE(parse(std::string("a: &x [*x]")).ok());
}

TEST_F(MachineTest, AnErrorInTheTableNamesBothFiles) {
  std::ofstream(folder / "broken.yaml") << "name: broken\nunit: kWh\nleaves_out: x\ncomponents: []\n";
  std::string message = failure("table: little", "table: broken");
  EXPECT_THAT(message, HasSubstr("m.yaml:32: energy[0].table: in the table: "));
  EXPECT_THAT(message, HasSubstr("broken.yaml:2: unit: expected pJ, or MAC"));
}

TEST_F(MachineTest, TheSameTableTwiceIsRefused) {
  std::string text = kMachine, energy = text.substr(text.find("  - table: little"));
  EXPECT_THAT(std::string(parse(text + energy).status().message()),
              HasSubstr("energy[1].table: the table 'little' stands above already"));
}

TEST_F(MachineTest, AnotherTableCanBeSelected) {
  std::ofstream(folder / "other.yaml") << absl::StrReplaceAll(
      kTable, {{"name: little", "name: other"}, {"compute: 2", "compute: 3"}});
  std::string text = kMachine, energy = text.substr(text.find("  - table: little"));
  absl::StatusOr<Machine> m = parse(text + absl::StrReplaceAll(energy, {{"table: little", "table: other"}}));
  ASSERT_TRUE(m.ok()) << m.status();
  EXPECT_EQ(m->energy.table.name, "little");
  uint64_t fingerprint = m->fingerprint();
  EXPECT_TRUE(m->selectEnergyTable("other").ok());
  EXPECT_EQ(m->energy.prices["mac"]["compute"].energyPj, 3);
  EXPECT_TRUE(m->selectEnergyTable("little").ok());
  EXPECT_EQ(m->energy.prices["mac"]["compute"].energyPj, 2);
  EXPECT_THAT(std::string(m->selectEnergyTable("none").message()), HasSubstr("it has them in: little, other"));
  EXPECT_EQ(m->fingerprint(), fingerprint);
}

TEST_F(MachineTest, FingerprintIsOfTheMachineNotOfItsSpelling) {
  uint64_t fingerprint = parse(kMachine)->fingerprint();
  auto changed = [&](const char *from, const char *to) {
    absl::StatusOr<Machine> m = parse(absl::StrReplaceAll(kMachine, {{from, to}}));
    EXPECT_TRUE(m.ok()) << m.status();
    return m.ok() && m->fingerprint() != fingerprint;
  };
  EXPECT_FALSE(changed("size: 64 KiB", "size: 65536"));
  EXPECT_FALSE(changed("times: 2", "times: 3")); // energy
  EXPECT_FALSE(changed("technology_nm: 65", "technology_nm: 28"));
  EXPECT_TRUE(changed("size: 64 KiB", "size: 65537"));
  EXPECT_TRUE(changed("depth: 8", "depth: 9"));
  EXPECT_TRUE(changed("bitmask, dense", "dense, bitmask"));
  EXPECT_TRUE(changed("shared_bus: true", "shared_bus: false"));
  EXPECT_TRUE(changed("action: skip, condition-on: [a, b]", "action: gate, condition-on: [a, b]"));
  EXPECT_TRUE(changed("lanes: 4", "lanes: 5"));
  EXPECT_TRUE(changed("instances: 8", "instances: 9"));
}

TEST_F(MachineTest, FilesAreFoundByPathAndByName) {
  std::ofstream(folder / "small.yaml") << kMachine;
  absl::StatusOr<Machine> byPath = loadMachine((folder / "small.yaml").string());
  ASSERT_TRUE(byPath.ok()) << byPath.status();
  EXPECT_EQ(byPath->file, (folder / "small.yaml").string());
  EXPECT_THAT(std::string(loadMachine((folder / "none.yaml").string()).status().message()),
              HasSubstr("cannot be opened"));
  // SPARSEACCEL_HOME comes before everything else.
  std::filesystem::create_directories(folder / "machines");
  std::filesystem::create_directories(folder / "energy");
  std::ofstream(folder / "machines" / "small.yaml") << kMachine;
  std::ofstream(folder / "energy" / "little.yaml") << kTable;
  setenv("SPARSEACCEL_HOME", folder.c_str(), 1);
  EXPECT_EQ(dataFolders().front(), folder.string());
  absl::StatusOr<Machine> byName = loadMachine("small");
  ASSERT_TRUE(byName.ok()) << byName.status();
  EXPECT_THAT(std::string(loadMachine("smal").status().message()),
              HasSubstr("there is no machine 'smal'; did you mean 'small'?"));
  unsetenv("SPARSEACCEL_HOME");
  EXPECT_FALSE(loadMachine("small").ok());
}

TEST(Yaml, NearestName) {
  const std::vector<std::string> names = {"read", "write", "metadata_read"};
  EXPECT_EQ(nearestName("raed", names), "read");
  EXPECT_EQ(nearestName("METADATA_READ", names), "metadata_read");
  EXPECT_EQ(nearestName("xyz", names), "");
  EXPECT_EQ(nearestName("", {}), "");
}

} // namespace
} // namespace sparseaccel::machine
