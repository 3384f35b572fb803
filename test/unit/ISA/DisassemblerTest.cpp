//===- DisassemblerTest.cpp - Programs as text ------------------------------===//

#include "SparseAccel/Target/ISA/Disassembler.h"

#include "SmallProgram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

using namespace sparseaccel::isa;
using testing::ElementsAre;

namespace {

std::vector<std::string> lines(const Program &program) {
  std::ostringstream out;
  disassemble(program, out);
  std::istringstream in(out.str());
  std::vector<std::string> result;
  for (std::string line; std::getline(in, line);)
    result.push_back(line);
  return result;
}

TEST(Disassembler, SmallProgram) {
  EXPECT_THAT(
      lines(smallProgram()),
      ElementsAre(
          "program machine=\"small\" fingerprint=0x0000000000001234 numerics=\"int8\" producer=\"a test\" dram=1280 "
          "constants=96",
          "level 0 \"dram\"", "level 1 \"activations\"", "level 2 \"weights\"",
          "buffer b0 \"activations\" bytes=512 psum_bits=0", "buffer b1 \"weights\" bytes=128 psum_bits=0",
          "buffer b2 \"sums\" bytes=512 psum_bits=32",
          "tensor t0 \"data\" f32[1x6x6x4] input scale=1 dram=320+576:dense buffer=dense granule=[1x6x6x4]",
          "tensor t1 \"x\" i8[1x6x6x4] intermediate scale=0.5 dram=896+144:dense buffer=dense granule=[1x6x6x4]",
          "tensor t2 \"conv.weights\" i8[2x3x3x4] constant scale=0.25 dram=0+96:bitmask buffer=dense granule=[1x3x3x4] "
          "slot=48 "
          "lengths=128 constant=0 stored=33",
          "tensor t3 \"conv.sums\" i32[1x6x6x2] intermediate scale=0.125 dram=none buffer=dense granule=[1x6x6x2]",
          "tensor t4 \"y\" i8[1x6x6x2] intermediate scale=2 dram=1088+72:dense buffer=dense granule=[1x6x6x2]",
          "tensor t5 \"pooled\" i8[1x3x3x2] intermediate scale=2 dram=192+48:rle buffer=rle granule=[1x1x3x2] slot=16 "
          "lengths=256",
          "tensor t6 \"flat\" i8[1x18] output scale=2 dram=1216+18:dense buffer=dense granule=[1x18]",
          "numerics n0 \"conv\" scale32 bias=2 multipliers=2 clamp=[0, 127]",
          "mapping m0 activations:P6 activations:Q6 weights:R3 weights:S3 weights:M2 x weights:C4 y",
          "safs s0 gate B at activations where A is zero latency=2", "host_op h0 \"quantize\" quantize(t0) -> t1 f=[2]",
          "host_op h1 \"flatten\" reshape(t5) -> t6", "layer l0 \"quantize\" quantize host macs=0 (t0) -> t1",
          "layer l1 \"conv\" conv accelerator macs=2592 (t1) -> t4 from \"node 1\"",
          "layer l2 \"pool\" max_pool accelerator macs=0 (t4) -> t5 from \"node 2\"",
          "layer l3 \"flatten\" reshape host macs=0 (t5) -> t6", "inputs t0", "outputs t6", "code 10",
          "  0: host layer=0 op=0  // quantize", "  1: configure layer=1 numerics=0  // conv",
          "  2: load layer=1 dst=b0@0:t1[0, 0, 0, 0][1x6x6x4]  // conv",
          "  3: load layer=1 dst=b1@0:t2[0, 0, 0, 0][2x3x3x4]  // conv",
          "  4: contract layer=1 n=1 g=1 m=2 c=4 p=6 q=6 r=3 s=3 strideH=1 strideW=1 dilationH=1 dilationW=1 padTop=1 "
          "padBottom=1 "
          "padLeft=1 padRight=1 a=b0@0:t1[0, 0, 0, 0][1x6x6x4] aOrigin=[0, 0, 0, 0] b=b1@0:t2[0, 0, 0, 0][2x3x3x4] "
          "bOrigin=[0, 0, 0, 0] "
          "o=b2@0:t3[0, 0, 0, 0][1x6x6x2] oOrigin=[0, 0, 0, 0] mode=bias numerics=0 mapping=0 safs=0 after(load 3)  // "
          "conv",
          "  5: vector layer=1 kind=rescale r=1 s=1 strideH=1 strideW=1 padTop=0 padBottom=0 padLeft=0 padRight=0 "
          "a=b2@0:t3[0, 0, 0, 0][1x6x6x2] b=none o=b0@144:t4[0, 0, 0, 0][1x6x6x2] numerics=0 after(mac 1)  // conv",
          "  6: vector layer=2 kind=max_pool r=2 s=2 strideH=2 strideW=2 padTop=0 padBottom=0 padLeft=0 padRight=0 "
          "a=b0@144:t4[0, 0, 0, 0][1x6x6x2] b=none o=b0@216:t5[0, 0, 0, 0][1x3x3x2] numerics=0  // pool",
          "  7: store layer=2 src=b0@216:t5[0, 0, 0, 0][1x3x3x2] after(vector 2)  // pool",
          "  8: host layer=3 op=1  // flatten", "  9: halt layer=3  // flatten"));
}

TEST(Disassembler, OneInstruction) {
  Store store;
  store.layer = 3;
  store.waitLoad = 1;
  store.waitStore = 2;
  EXPECT_EQ(disassemble(Instruction(store)), "store layer=3 src=none after(load 1, store 2)");
}

} // namespace
