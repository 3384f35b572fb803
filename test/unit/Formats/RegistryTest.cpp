//===- RegistryTest.cpp - The registry and its page -------------------------===//

#include "SparseAccel/Target/Formats/Format.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

using namespace sparseaccel::formats;

namespace {

// The first table of docs/formats.md lists every preset as the registry describes it, in its order, and no other.
TEST(Registry, IsWhatThePageLists) {
  std::ifstream file(SPARSEACCEL_FORMATS_DOC);
  ASSERT_TRUE(file) << SPARSEACCEL_FORMATS_DOC;
  std::string expected, line, table;
  for (const Preset &preset : listPresets()) {
    expected += "| `" + preset.name + "` | ";
    if (!preset.ranks.empty()) {
      if (preset.name != preset.example)
        expected += "`" + preset.example + "`: ";
      expected += "`" + preset.ranks + "` ";
    }
    expected += "| " + preset.description + " |\n";
  }
  while (std::getline(file, line) && line != "|---|---|---|") {
  }
  while (std::getline(file, line) && !line.empty() && line.front() == '|')
    table += line + "\n";
  EXPECT_EQ(table, expected);
}

} // namespace
