//===- ContainerTest.cpp - Programs as files --------------------------------===//

#include "SparseAccel/Target/ISA/Container.h"

#include "SmallProgram.h"
#include "SparseAccel/Target/ISA/Disassembler.h"
#include "SparseAccel/Target/ISA/Verifier.h"

#include "absl/strings/str_cat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>

using namespace sparseaccel::isa;
using testing::HasSubstr;

namespace {

std::string text(const Program &program) {
  std::ostringstream out;
  disassemble(program, out);
  return out.str();
}

std::string messageOf(const std::vector<uint8_t> &bytes) {
  return std::string(parse(bytes, "p.spa").status().message());
}

std::vector<uint8_t> bytesOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Where the entry of a section stands in the table.
size_t entryOf(const std::vector<uint8_t> &bytes, const char *id) {
  for (size_t at = 64; at + 24 <= bytes.size(); at += 24)
    if (memcmp(bytes.data() + at, id, 4) == 0)
      return at;
  ADD_FAILURE() << "no section " << id;
  return 64;
}

TEST(Container, RoundTrip) {
  Program program = smallProgram();
  std::vector<uint8_t> bytes = serialize(program);
  absl::StatusOr<Program> back = parse(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(serialize(*back), bytes);
  EXPECT_EQ(text(*back), text(program));
  EXPECT_EQ(back->instructions, program.instructions);
  EXPECT_EQ(back->constants, program.constants);
  EXPECT_EQ(back->mappings, program.mappings);
  EXPECT_EQ(back->safSets, program.safSets);
  EXPECT_EQ(back->numerics[0].bias, program.numerics[0].bias);
  EXPECT_EQ(back->tensors[kWeights].constantLengths, program.tensors[kWeights].constantLengths);
  EXPECT_EQ(back->hostOps[0].f, program.hostOps[0].f);
  EXPECT_EQ(back->machineFingerprint, program.machineFingerprint);
}

TEST(Container, EmptyProgramRoundTrips) {
  std::vector<uint8_t> bytes = serialize(Program{});
  absl::StatusOr<Program> back = parse(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(serialize(*back), bytes);
}

TEST(Container, SectionsAreAligned) {
  std::vector<uint8_t> bytes = serialize(smallProgram());
  for (const char *id : {"INFO", "BUFF", "TENS", "NUMR", "MAPS", "SAFS", "HOST", "LAYR", "CODE", "CNST"}) {
    uint64_t offset;
    memcpy(&offset, bytes.data() + entryOf(bytes, id) + 8, 8);
    EXPECT_EQ(offset % 64, 0u) << id;
  }
}

TEST(Container, EveryChangedByteIsNoticed) {
  std::vector<uint8_t> bytes = serialize(smallProgram());
  Program program = smallProgram();
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 0x20;
    absl::StatusOr<Program> back = parse(bytes);
    // Padding between sections and the minor version carry nothing.
    if (back.ok()) {
      EXPECT_EQ(text(*back), text(program)) << "byte " << i;
    }
    bytes[i] ^= 0x20;
  }
}

TEST(Container, EveryTruncationIsAnError) {
  std::vector<uint8_t> bytes = serialize(smallProgram());
  while (!bytes.empty()) {
    bytes.pop_back();
    EXPECT_FALSE(parse(bytes).ok()) << bytes.size();
  }
}

TEST(Container, Diagnostics) {
  std::vector<uint8_t> good = serialize(smallProgram()), bad = good;
  EXPECT_THAT(messageOf({}), HasSubstr("p.spa: not a SparseAccel program: expected the magic number"));
  EXPECT_THAT(messageOf(std::vector<uint8_t>(500, 'x')), HasSubstr("expected the magic number"));
  bad[8] = 2;
  EXPECT_THAT(messageOf(bad), HasSubstr("p.spa: container version 2.0: expected 1.x"));
  bad = good;
  bad[17] = 0x10;
  EXPECT_THAT(messageOf(bad), HasSubstr("needs features 0x1000 that this version (1.0) does not know"));
  bad = good;
  bad.push_back(0);
  EXPECT_THAT(messageOf(bad), HasSubstr(absl::StrCat("expected ", good.size(), " bytes, but got ", bad.size())));
  bad = good;
  bad[15] = 0xff;
  EXPECT_THAT(messageOf(bad), HasSubstr("sections does not fit"));
  bad = good;
  bad[70] ^= 1;
  EXPECT_THAT(messageOf(bad), HasSubstr("section table: expected checksum 0x"));
  bad = good;
  uint64_t code;
  memcpy(&code, good.data() + entryOf(good, "CODE") + 8, 8);
  bad[code + 20] ^= 1;
  EXPECT_THAT(messageOf(bad), HasSubstr("section 'CODE': expected checksum 0x"));
}

TEST(Container, LaterMinorVersionIsRead) {
  std::vector<uint8_t> bytes = serialize(smallProgram());
  bytes[10] = 7;
  EXPECT_TRUE(parse(bytes).ok());
}

TEST(Container, Files) {
  std::string path = absl::StrCat(testing::TempDir(), "/sparseaccel-container-test.spa");
  ASSERT_TRUE(writeFile(smallProgram(), path).ok());
  absl::StatusOr<Program> back = readFile(path);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(text(*back), text(smallProgram()));

  Program wrong = smallProgram();
  wrong.instructions.pop_back();
  ASSERT_TRUE(writeFile(wrong, path).ok());
  EXPECT_THAT(std::string(readFile(path).status().message()), HasSubstr(absl::StrCat(path, ": expected 'halt'")));
  EXPECT_TRUE(parseFile(path).ok());
  std::ostringstream out;
  EXPECT_FALSE(disassembleFile(path, out).ok());
  EXPECT_THAT(out.str(), HasSubstr("contract"));
  std::remove(path.c_str());

  EXPECT_THAT(std::string(readFile(path).status().message()), HasSubstr(absl::StrCat("cannot open ", path)));
  EXPECT_THAT(std::string(readFile(testing::TempDir()).status().message()), HasSubstr("but got a directory"));
  EXPECT_THAT(std::string(writeFile(wrong, "/nonexistent-folder/p.spa").message()),
              HasSubstr("cannot write /nonexistent-folder/p.spa"));
}

// A file of container version 1.0 as it was first written must load for as long as the major version is 1.
TEST(Container, GoldenVersion1) {
  std::string path = absl::StrCat(SPARSEACCEL_GOLDEN, "/container-1.0.spa");
  absl::StatusOr<Program> program = readFile(path);
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(text(*program), text(smallProgram()));
  EXPECT_EQ(serialize(*program), bytesOf(path))
      << "the bytes of version 1.0 have changed: raise the container's version";
  EXPECT_LT(bytesOf(path).size(), 4096u);
}

} // namespace
