//===- ContainerTest.cpp - Programs as files --------------------------------===//

#include "SparseAccel/Target/ISA/Container.h"
#include "SparseAccel/Target/Formats/Format.h"

#include "SmallProgram.h"
#include "SparseAccel/Target/ISA/Disassembler.h"
#include "SparseAccel/Target/ISA/Verifier.h"

#include "absl/strings/str_cat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>

using namespace sparseaccel;
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

uint32_t crc32c(const uint8_t *bytes, size_t count) {
  uint32_t sum = ~0u;
  for (size_t i = 0; i < count; ++i) {
    sum ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit)
      sum = sum >> 1 ^ (sum & 1 ? 0x82f63b78u : 0);
  }
  return ~sum;
}

/// Makes the checksums right after a section was changed.
void resum(std::vector<uint8_t> &bytes, const char *id) {
  size_t entry = entryOf(bytes, id);
  uint64_t offset, length;
  uint32_t sections;
  memcpy(&offset, bytes.data() + entry + 8, 8);
  memcpy(&length, bytes.data() + entry + 16, 8);
  memcpy(&sections, bytes.data() + 12, 4);
  uint32_t sum = crc32c(bytes.data() + offset, length);
  memcpy(bytes.data() + entry + 4, &sum, 4);
  sum = crc32c(bytes.data() + 64, size_t{sections} * 24);
  memcpy(bytes.data() + 32, &sum, 4);
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
  EXPECT_THAT(messageOf(bad), HasSubstr("p.spa: container version 2.2: expected 1.x"));
  bad = good;
  bad[17] = 0x10;
  EXPECT_THAT(messageOf(bad), HasSubstr("needs features 0x1000 that this version (1.2) does not know"));
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

// A file of an older version must load for as long as the major version is 1, and what it says is written as it was,
// but for the minor version in the header.
void expectGolden(const char *name, uint8_t minor, const Program &expected, const Estimates &estimated = {}) {
  std::string path = absl::StrCat(SPARSEACCEL_GOLDEN, "/", name);
  Estimates estimates;
  absl::StatusOr<Program> program = readFile(path, &estimates);
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(text(*program), text(expected));
  EXPECT_EQ(estimates, estimated);
  std::vector<uint8_t> golden = bytesOf(path), now = serialize(*program, estimates);
  ASSERT_GT(golden.size(), 12u);
  EXPECT_EQ(golden[10], minor);
  golden[10] = static_cast<uint8_t>(kContainerMinor);
  EXPECT_EQ(now, golden) << "the bytes of " << name << " have changed: raise the container's version";
  EXPECT_LT(golden.size(), 4096u);
}

TEST(Container, GoldenVersion1_0) { expectGolden("container-1.0.spa", 0, smallProgram()); }

// Since 1.1 a format may be its text.
TEST(Container, GoldenVersion1_1) { expectGolden("container-1.1.spa", 1, smallProgram("csc + huffman")); }

// Since 1.2 there may be the compiler's estimates.
const Estimates kEstimates = {{0, 12.5, 10, 96, 3}, {2, 7, 0.25, 64, 1e6}};

TEST(Container, GoldenVersion1_2) { expectGolden("container-1.2.spa", 2, smallProgram(), kEstimates); }

TEST(Container, EstimatesAreANote) {
  // A program is the same with them and without, and who does not ask reads past them.
  std::vector<uint8_t> with = serialize(smallProgram(), kEstimates), without = serialize(smallProgram());
  Estimates estimates;
  ASSERT_TRUE(parse(with, "p.spa", &estimates).ok());
  EXPECT_EQ(estimates, kEstimates);
  absl::StatusOr<Program> back = parse(with);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(serialize(*back), without);
  ASSERT_TRUE(parse(without, "p.spa", &estimates).ok());
  EXPECT_TRUE(estimates.empty());

  auto wrong = [](const Estimates &estimates) { return messageOf(serialize(smallProgram(), estimates)); };
  EXPECT_THAT(wrong({{4, 1, 1, 1, 1}}), HasSubstr("section 'ESTM': entry 0: expected a layer below 4"));
  EXPECT_THAT(wrong({{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}),
              HasSubstr("entry 1: expected a layer below 4 that comes after"));
  EXPECT_THAT(wrong({{0, 1, 1, -1, 1}}), HasSubstr("entry 0: expected a finite number of at least 0"));
  EXPECT_THAT(wrong({{0, 1, 1, 1, std::nan("")}}), HasSubstr("finite"));
}

TEST(Container, FormatsAsTexts) {
  for (const char *format : {"csc + huffman", "eie-csc(4) + shared(8)", "[U@1%2, 7:9@0, CP@1/2] + delta(2) + shared"}) {
    Program program = smallProgram(format);
    absl::StatusOr<Program> back = parse(serialize(program));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->tensors[kWeights].dramFormat, program.tensors[kWeights].dramFormat);
    EXPECT_TRUE(verify(*back).ok()) << verify(*back);
  }
  // A reader that does not know texts refuses the file by its feature bit; one that does refuses a wrong text.
  std::vector<uint8_t> good = serialize(smallProgram("csc + huffman"));
  EXPECT_EQ(good[16] & 16, 16);
  EXPECT_EQ(serialize(smallProgram())[16] & 16, 0);
  for (const char *wrong : {"cscc+ huffman", "csc  +huffman", "dense        "}) {
    std::vector<uint8_t> bad = good;
    auto at = std::search(bad.begin(), bad.end(), std::begin("csc + huffman"), std::end("csc + huffman") - 1);
    ASSERT_NE(at, bad.end());
    std::copy_n(wrong, 13, at);
    resum(bad, "TENS");
    EXPECT_FALSE(parse(bad).ok()) << wrong;
    EXPECT_THAT(messageOf(bad), HasSubstr("format")) << wrong;
  }
}

TEST(Container, ConstantsInSlotsOfTheirOwnSize) {
  Program program = smallProgram();
  Tensor &weights = program.tensors[kWeights];
  weights.bufferFormat = weights.dramFormat;
  EXPECT_EQ(weights.slotBytes, 48u);
  EXPECT_EQ(weights.bufferSlotBytes(), 48u);
  EXPECT_TRUE(verify(program).ok()) << verify(program);
  EXPECT_EQ(serialize(program)[16] & 64, 0);
  // 12 of 36 values: 17 bytes of up to 41.
  program.constants.erase(program.constants.begin() + 72, program.constants.end());
  program.constants.erase(program.constants.begin() + 24, program.constants.begin() + 48);
  weights.slotBytes = 24;
  EXPECT_EQ(weights.bufferSlotBytes(), 24u);
  EXPECT_TRUE(verify(program).ok()) << verify(program);
  std::vector<uint8_t> bytes = serialize(program);
  EXPECT_EQ(bytes[16] & 64, 64);
  absl::StatusOr<Program> back = parse(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(serialize(*back), bytes);
  EXPECT_EQ(back->tensors[kWeights].bufferSlotBytes(), 24u);
  // Where the buffer's format is another one, sizes there are not known.
  weights.bufferFormat = *formats::parseFormat("rle");
  EXPECT_GT(weights.bufferSlotBytes(), 41u);
}

} // namespace
