//===- ShippedMachinesTest.cpp - The files in machines/ and energy/ -------===//

#include "SparseAccel/Target/Dataflow/Dataflow.h"
#include "SparseAccel/Target/Machine/Machine.h"
#include "SparseAccel/Target/Machine/Yaml.h"

#include "absl/strings/str_cat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace sparseaccel::machine {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

TEST(ShippedMachines, AllLoadAndTheirDataflowsAcceptThem) {
  EXPECT_THAT(listMachines(), IsSupersetOf({"cnvlutin", "dadiannao", "eie", "eyeriss", "eyeriss_v2", "eyeriss_v2_pe"}));
  for (const std::string &name : listMachines()) {
    absl::StatusOr<Machine> machine = loadMachine(name);
    ASSERT_TRUE(machine.ok()) << machine.status();
    EXPECT_EQ(machine->name, name);
    absl::StatusOr<const dataflow::Dataflow *> dataflow = dataflow::findDataflow(machine->dataflow);
    ASSERT_TRUE(dataflow.ok()) << dataflow.status();
    absl::Status status = (*dataflow)->checkMachine(*machine);
    EXPECT_TRUE(status.ok()) << name << ": " << status;
  }
}

TEST(ShippedMachines, PublishedFigures) {
  absl::StatusOr<Machine> dadiannao = loadMachine("dadiannao"), cnvlutin = loadMachine("cnvlutin"),
                          eyeriss = loadMachine("eyeriss");
  ASSERT_TRUE(dadiannao.ok() && cnvlutin.ok() && eyeriss.ok());
  EXPECT_EQ(dadiannao->peakMacsPerCycle, 16u * 16 * 16);
  EXPECT_EQ(dadiannao->findLevel("nm")->sizeBytes, uint64_t{4} << 20);
  EXPECT_EQ(dadiannao->findLevel("sb")->sizeBytes, 16 * (uint64_t{2} << 20));
  EXPECT_EQ(eyeriss->peakMacsPerCycle, 12u * 14);
  EXPECT_EQ(eyeriss->findLevel("glb")->sizeBytes + eyeriss->findLevel("glb_filter")->sizeBytes, 108u << 10);
  EXPECT_EQ(eyeriss->findLevel("filter_spad")->sizeBytes * 8, 224u * 16);
  EXPECT_EQ(eyeriss->findLevel("ifmap_spad")->sizeBytes * 8, 12u * 16);
  EXPECT_EQ(eyeriss->findLevel("psum_spad")->sizeBytes * 8, 24u * 16);
  EXPECT_DOUBLE_EQ(eyeriss->dram.bytesPerCycle * eyeriss->clockMhz, 8 * 60.0); // 64 bits at 60 MHz
}

TEST(ShippedMachines, CnvlutinComparesWithItsBaseline) {
  absl::StatusOr<Machine> dadiannao = loadMachine("dadiannao"), cnvlutin = loadMachine("cnvlutin");
  ASSERT_TRUE(dadiannao.ok() && cnvlutin.ok());
  EXPECT_EQ(dadiannao->technologyNm, cnvlutin->technologyNm);
  EXPECT_EQ(dadiannao->clockMhz, cnvlutin->clockMhz);
  EXPECT_EQ(dadiannao->peakMacsPerCycle, cnvlutin->peakMacsPerCycle);
  EXPECT_EQ(dadiannao->dram.bytesPerCycle, cnvlutin->dram.bytesPerCycle);
  EXPECT_EQ(dadiannao->energy.table.name, cnvlutin->energy.table.name);
  // What both machines do costs the same on both.
  for (const auto &[component, actions] : dadiannao->energy.prices)
    for (const auto &[action, price] : actions)
      EXPECT_EQ(price.energyPj, cnvlutin->energy.prices[component][action].energyPj) << component << "." << action;
}

TEST(ShippedMachines, EveryMachineHasPricesInTheSameTables) {
  for (const std::string &name : listMachines()) {
    absl::StatusOr<Machine> machine = loadMachine(name);
    ASSERT_TRUE(machine.ok()) << machine.status();
    EXPECT_EQ(machine->energy.table.name, "accelergy-45nm");
    EXPECT_TRUE(machine->selectEnergyTable("eyeriss-normalized").ok()) << name;
  }
}

TEST(ShippedTables, AllLoadAndLintClean) {
  std::filesystem::path folder = std::filesystem::path(findDataFile("energy/accelergy-45nm.yaml")).parent_path();
  size_t tables = 0;
  for (const auto &entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_directory())
      continue;
    absl::StatusOr<EnergyTable> table = loadEnergyTable(entry.path().string());
    ASSERT_TRUE(table.ok()) << table.status();
    EXPECT_EQ(table->name, entry.path().stem().string());
    EXPECT_THAT(lintEnergyTable(*table), IsEmpty());
    ++tables;
  }
  EXPECT_GE(tables, 3u);
}

TEST(ShippedTables, TheExampleOfAccelergyLintsClean) {
  absl::StatusOr<EnergyTable> energies = loadEnergyTable(findDataFile("energy/accelergy-example/ERT.yaml"));
  absl::StatusOr<EnergyTable> areas = loadEnergyTable(findDataFile("energy/accelergy-example/ART.yaml"));
  ASSERT_TRUE(energies.ok() && areas.ok()) << energies.status() << areas.status();
  EXPECT_THAT(lintEnergyTable(*energies, &*areas), IsEmpty());
  EXPECT_THAT(lintEnergyTable(*areas, &*areas), IsEmpty());
}

TEST(ShippedMachines, CnvlutinIsLargerThanItsBaselineByThePublishedOverhead) {
  absl::StatusOr<Machine> dadiannao = loadMachine("dadiannao"), cnvlutin = loadMachine("cnvlutin");
  ASSERT_TRUE(dadiannao.ok() && cnvlutin.ok());
  EXPECT_EQ(cnvlutin->area.table, dadiannao->area.table);
  EXPECT_NEAR(cnvlutin->area.total() / dadiannao->area.total(), 1.0449, 1e-9);
}

TEST(ShippedTables, TheyDisagreeAboutDram) {
  absl::StatusOr<EnergyTable> accelergy = loadEnergyTable(findDataFile("energy/accelergy-45nm.yaml"));
  absl::StatusOr<EnergyTable> normalized = loadEnergyTable(findDataFile("energy/eyeriss-normalized.yaml"));
  ASSERT_TRUE(accelergy.ok() && normalized.ok());
  auto perMac = [](const EnergyTable &table, const char *mac) {
    const EnergyRow *dram = table.find("dram", "read");
    return dram->energyPj / dram->bits * 16 / table.find(mac, "compute")->energyPj;
  };
  EXPECT_NEAR(perMac(*accelergy, "mac16"), 58, 1);
  EXPECT_EQ(perMac(*normalized, "alu"), 200);
}

/// The first block of YAML in a page of docs/.
std::string exampleOf(const std::string &page) {
  absl::StatusOr<std::string> text = yaml::readTextFile(findDataFile("docs/" + page));
  if (!text.ok())
    return "";
  const std::string open = "```yaml\n";
  size_t begin = text->find(open);
  return begin == std::string::npos
             ? ""
             : text->substr(begin + open.size(), text->find("```", begin + 3) - begin - open.size());
}

TEST(Documentation, ExamplesAreRead) {
  absl::StatusOr<Machine> machine = parseMachine(exampleOf("machines.md"), "docs/machines.md", "");
  ASSERT_TRUE(machine.ok()) << machine.status();
  EXPECT_EQ(machine->peakMacsPerCycle, 4u);
  absl::StatusOr<EnergyTable> table = parseEnergyTable(exampleOf("energy.md"), "docs/energy.md");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(lintEnergyTable(*table), IsEmpty());
}

TEST(Documentation, EveryDataflowAndItsParametersStandInMachinesMd) {
  absl::StatusOr<std::string> text = yaml::readTextFile(findDataFile("docs/machines.md"));
  ASSERT_TRUE(text.ok()) << text.status();
  for (const dataflow::Dataflow *dataflow : dataflow::listDataflows()) {
    EXPECT_THAT(*text, HasSubstr(absl::StrCat("| `", dataflow->name(), "` |")));
    for (const auto &parameter : dataflow->parameters())
      EXPECT_THAT(*text, HasSubstr(absl::StrCat("`", parameter.name, "`")));
  }
}

} // namespace
} // namespace sparseaccel::machine
