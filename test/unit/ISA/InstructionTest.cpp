//===- InstructionTest.cpp - Every instruction through its encoding ---------===//

#include "SparseAccel/Target/ISA/Container.h"

#include "absl/strings/str_cat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <type_traits>

using namespace sparseaccel::isa;
using testing::HasSubstr;

namespace {

const Opcode kOpcodes[] = {Opcode::Configure, Opcode::Load, Opcode::Store, Opcode::Contract,
                           Opcode::Vector,    Opcode::Host, Opcode::Halt};

struct Randomize {
  std::mt19937 &rng;

  void operator()(const char *, Operand &operand) const { forEachField(operand, *this); }
  void operator()(const char *, Coord &coord) const {
    for (uint32_t &value : coord)
      value = static_cast<uint32_t>(rng());
  }
  void operator()(const char *, AccumulateMode &mode) const { mode = static_cast<AccumulateMode>(rng() % 3); }
  void operator()(const char *, VectorKind &kind) const { kind = static_cast<VectorKind>(rng() % 10); }
  template <typename T>
    requires std::is_integral_v<T>
  void operator()(const char *, T &value) const {
    value = static_cast<T>(rng() | uint64_t{rng()} << 32);
  }
};

Instruction randomInstruction(Opcode opcode, std::mt19937 &rng) {
  Instruction inst = *makeInstruction(opcode);
  std::visit([&](auto &i) { forEachField(i, Randomize{rng}); }, inst);
  return inst;
}

class EachInstruction : public testing::TestWithParam<Opcode> {};

TEST_P(EachInstruction, RoundTrips) {
  std::mt19937 rng(1);
  for (int trial = 0; trial < 50; ++trial) {
    Instruction inst = randomInstruction(GetParam(), rng);
    std::vector<uint8_t> bytes;
    encode(inst, bytes);
    EXPECT_EQ(bytes.size(), encodedBytes(GetParam()));
    EXPECT_EQ(bytes[0], static_cast<uint8_t>(GetParam()));
    bytes.push_back(0x77);
    absl::Span<const uint8_t> rest = bytes;
    absl::StatusOr<Instruction> back = decode(rest);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_TRUE(*back == inst);
    EXPECT_EQ(rest.size(), 1u);
  }
}

TEST_P(EachInstruction, TruncationIsAnError) {
  std::mt19937 rng(2);
  std::vector<uint8_t> bytes;
  encode(randomInstruction(GetParam(), rng), bytes);
  for (size_t length = 0; length < bytes.size(); ++length) {
    absl::Span<const uint8_t> rest = absl::MakeSpan(bytes).subspan(0, length);
    EXPECT_FALSE(decode(rest).ok()) << length;
  }
}

TEST_P(EachInstruction, QueueAndCommonFields) {
  Instruction inst = *makeInstruction(GetParam());
  EXPECT_EQ(opcodeOf(inst), GetParam());
  common(inst).waitStore = 9;
  EXPECT_EQ(common(std::as_const(inst)).waitStore, 9u);
  bool host = GetParam() == Opcode::Host || GetParam() == Opcode::Halt;
  EXPECT_EQ(queueOf(inst) == Queue::Host, host);
}

INSTANTIATE_TEST_SUITE_P(Opcodes, EachInstruction, testing::ValuesIn(kOpcodes),
                         [](const testing::TestParamInfo<Opcode> &info) { return std::string(toString(info.param)); });

TEST(Instruction, UnknownOpcode) {
  for (int opcode : {0, 8, 255}) {
    std::vector<uint8_t> bytes(400, static_cast<uint8_t>(opcode));
    absl::Span<const uint8_t> rest = bytes;
    EXPECT_FALSE(makeInstruction(static_cast<Opcode>(opcode)));
    EXPECT_EQ(encodedBytes(static_cast<Opcode>(opcode)), 0u);
    EXPECT_THAT(std::string(decode(rest).status().message()), HasSubstr(absl::StrCat("unknown opcode ", opcode)));
  }
}

TEST(Instruction, EnumerationOutOfRange) {
  std::vector<uint8_t> bytes;
  encode(Vector{}, bytes);
  bytes[21] = 10; // kind, behind the opcode and five common fields
  absl::Span<const uint8_t> rest = bytes;
  EXPECT_THAT(std::string(decode(rest).status().message()),
              HasSubstr("vector: field 'kind': unknown enumeration value 10"));
}

// The bytes of a container that is on somebody's disk: fields little-endian in the order of Instructions.td.
TEST(Instruction, BytesByHand) {
  Configure configure;
  configure.layer = 0x01020304;
  configure.waitVector = 5;
  configure.numerics = 6;
  std::vector<uint8_t> bytes;
  encode(configure, bytes);
  EXPECT_THAT(bytes, testing::ElementsAre(1, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0));
}

TEST(Instruction, InitialValues) {
  Contract contract;
  EXPECT_EQ(contract.strideH, 1u);
  EXPECT_EQ(contract.padTop, 0u);
  EXPECT_EQ(contract.a.buffer, 255);
  EXPECT_EQ(contract.a.extent, (Coord{1, 1, 1, 1}));
}

} // namespace
