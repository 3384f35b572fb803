//===- VerifierTest.cpp - Each diagnostic of the verifier -------------------===//

#include "SparseAccel/Target/ISA/Verifier.h"

#include "SmallProgram.h"

#include "absl/strings/str_cat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>

using namespace sparseaccel::isa;
using testing::HasSubstr;

namespace {

template <typename T>
T &inst(Program &program, SmallInstruction index) {
  return std::get<T>(program.instructions[index]);
}

struct Case {
  const char *name;
  std::function<void(Program &)> change;
  const char *expected;
};

void PrintTo(const Case &c, std::ostream *out) { *out << c.name; }

class Refused : public testing::TestWithParam<Case> {};

TEST_P(Refused, WithAMessage) {
  Program program = smallProgram();
  GetParam().change(program);
  EXPECT_THAT(std::string(verify(program).message()), HasSubstr(GetParam().expected));
}

std::string nameOf(const testing::TestParamInfo<Case> &info) { return info.param.name; }

TEST(Verifier, AcceptsTheSmallProgram) { EXPECT_EQ(verify(smallProgram()), absl::OkStatus()); }

const Case kTables[] = {
    {"NumericsName", [](Program &p) { p.numericsName = "fp8"; }, "expected numerics 'int8' or 'int16', but got 'fp8'"},
    {"SameName", [](Program &p) { p.tensors[kY].name = p.tensors[kX].name; },
     "tensor 4 'x': another tensor has this name"},
    {"TooManyRanks", [](Program &p) { p.tensors[kY].shape.assign(7, 1); },
     "tensor 4 'y': expected at most 6 ranks, but got 7"},
    {"EmptyExtent", [](Program &p) { p.tensors[kY].shape[2] = 0; }, "shape [1x6x0x2] has an extent of 0"},
    {"TooLarge", [](Program &p) { p.tensors[kY].shape = {1u << 31, 1u << 31, 1u << 31, 1u << 31}; },
     "has more than 68719476736 elements"},
    {"Scale", [](Program &p) { p.tensors[kY].scale = 0; }, "expected a positive scale, but got 0"},
    {"GranuleRanks", [](Program &p) { p.tensors[kY].granule = {1, 6}; },
     "granule [1x6] has not the ranks of shape [1x6x6x2]"},
    {"GranuleSize", [](Program &p) { p.tensors[kY].granule = {1, 6, 7, 2}; },
     "granule [1x6x7x2] does not fit into shape [1x6x6x2]"},
    {"EncodedFloat", [](Program &p) { p.tensors[kData].dramFormat = p.tensors[kWeights].dramFormat; },
     "elements of type f32 are stored densely only, but the format is 'bitmask'"},
    {"NoGranule", [](Program &p) { p.tensors[kPooled].granule.clear(); },
     "tensor 5 'pooled': format 'rle' needs a granule"},
    {"BadFormat", [](Program &p) { p.tensors[kPooled].bufferFormat.ranks.resize(7); },
     "tensor 5 'pooled': granule: a format has at most 6 ranks, but got 7"},
    {"SmallSlot", [](Program &p) { p.tensors[kPooled].slotBytes = 8; },
     "slots of 8 bytes are too small for granules of up to"},
    {"SmallConstantSlot",
     [](Program &p) {
       p.tensors[kWeights].granule = {2, 3, 3, 4};
       p.tensors[kWeights].slotBytes = 0;
     },
     "slots of 0 bytes are less than 1/64 of the 81 that a granule may have in format 'bitmask'"},
    {"ConstantImage", [](Program &p) { p.constants.pop_back(); },
     "its image of 96 bytes at 0 exceeds the 95 bytes of constants"},
    {"ConstantImageOffset", [](Program &p) { p.tensors[kWeights].constantOffset = ~uint64_t{0}; },
     "exceeds the 96 bytes of constants"},
    {"ConstantLengths", [](Program &p) { p.tensors[kWeights].constantLengths.pop_back(); },
     "expected 2 granule lengths, but got 1"},
    {"ConstantLength", [](Program &p) { p.tensors[kWeights].constantLengths[1] = 49; },
     "granule 1 of 49 bytes exceeds its slot of 48"},
    {"ConstantBytes", [](Program &p) { p.constants[48] ^= 1; },
     "tensor 2 'conv.weights': granule 1: corrupt granule in format bitmask"},
    {"InputIndex", [](Program &p) { p.inputs = {99}; }, "input 99 is not in the table of 7"},
    {"InputRole", [](Program &p) { p.inputs = {kX}; }, "input 'x' has the role intermediate"},
    {"OutputTwice", [](Program &p) { p.outputs = {kFlat, kFlat}; }, "output 'flat' is listed twice"},
    {"OutputNotListed", [](Program &p) { p.outputs.clear(); },
     "tensor 6 'flat' has the role output, but is not listed"},
    {"DramSize", [](Program &p) { p.dramBytes = ~uint64_t{0}; },
     "the DRAM image of 18446744073709551615 bytes exceeds"},
    {"DramRange", [](Program &p) { p.tensors[kX].dramOffset = p.dramBytes - 143; },
     "tensor 1 'x': its 144 bytes at 1137 exceed the 1280 bytes of DRAM"},
    {"DramOverflow", [](Program &p) { p.tensors[kX].dramOffset = ~uint64_t{0}; },
     "tensor 1 'x': its 144 bytes at 18446744073709551615 exceed"},
    {"DramAlignment", [](Program &p) { p.tensors[kData].dramOffset = 322; },
     "DRAM offset 322 is not a multiple of its 4 bytes per element"},
    {"LengthAlignment", [](Program &p) { p.tensors[kPooled].lengthOffset += 2; },
     "length words at 258 are not at a multiple of 4"},
    {"LengthRange", [](Program &p) { p.tensors[kPooled].lengthOffset = 1276; },
     "its 3 length words at 1276 exceed the 1280 bytes of DRAM"},
    {"DramOverlap", [](Program &p) { p.tensors[kX].dramOffset = 880; },
     "tensor 0 'data' and tensor 1 'x' overlap in DRAM at byte 880"},
    {"AliasOfEncoded", [](Program &p) { p.tensors[kFlat].dramOffset = p.tensors[kPooled].dramOffset; },
     "tensor 6 'flat' and tensor 5 'pooled' overlap in DRAM at byte 192; only row-major tensors that a reshape joins"},
    {"SameBuffer", [](Program &p) { p.buffers[1].name = "activations"; }, "buffer 'activations' is there twice"},
    {"TooManyBuffers",
     [](Program &p) {
       for (int i = 0; i < 255; ++i)
         p.buffers.push_back({absl::StrCat("b", i), 1, 0});
     },
     "expected at most 255 buffers, but got 258"},
    {"BufferSize", [](Program &p) { p.buffers[0].bytes = uint64_t{1} << 50; },
     "buffer 'activations': 1125899906842624 bytes exceed"},
    {"PsumBits", [](Program &p) { p.buffers[2].psumBits = 65; }, "buffer 'sums': sums of 65 bits exceed 64"},
    {"Bias", [](Program &p) { p.numerics[0].bias[1] = int64_t{1} << 31; },
     "numerics 0 'conv': bias 2147483648 exceeds 32 bits"},
    {"Shifts", [](Program &p) { p.numerics[0].shift.pop_back(); },
     "expected as many shifts as multipliers (2), but got 1"},
    {"Shift", [](Program &p) { p.numerics[0].shift[1] = 63; }, "channel 1: shift 63 is not in [2, 62]"},
    {"Multiplier", [](Program &p) { p.numerics[0].multiplier[0] = -1; },
     "channel 0: multiplier -1 is not in [0, 2^31)"},
    {"Multiplier16", [](Program &p) { p.numerics[0].scale32 = false; },
     "channel 0: multiplier 1073741824 is not in [0, 2^15)"},
    {"OperandScale", [](Program &p) { p.numerics[0].bMultiplier = 5; },
     "numerics 0 'conv': operand b: shift 0 is not in [2, 62]"},
    {"Clamp", [](Program &p) { p.numerics[0].clampMin = 128; }, "clamp [128, 127] is empty"},
    {"TableSize", [](Program &p) { p.numerics[0].table.resize(255); },
     "expected a table of 256 or 513 entries, but got 255"},
    {"TableEntry", [](Program &p) { p.numerics[0].table.assign(256, 128); }, "table entry 128 exceeds 8 bits"},
    {"MappingLevel", [](Program &p) { p.mappings[0].loops[0].level = 3; },
     "mapping 0: level 3 is not in the table of 3"},
    {"MappingFactor", [](Program &p) { p.mappings[0].loops[0].factor = 0; },
     "mapping 0: a loop over P has the factor 0"},
    {"SafLevel", [](Program &p) { p.safSets[0][0].level = 9; }, "SAF set 0: level 9 is not in the table of 3"},
    {"SafCondition", [](Program &p) { p.safSets[0][0].conditionOn = 4; },
     "expected a condition on A (1), B (2) or either (3), but got 4"},
    {"LayerOutput", [](Program &p) { p.layers[1].output = 7; },
     "layer 1 'conv': output tensor 7 is not in the table of 7"},
    {"LayerOutputNegative", [](Program &p) { p.layers[1].output = -2; },
     "expected a tensor or -1 as output, but got -2"},
    {"LayerInput", [](Program &p) { p.layers[1].inputs = {8}; },
     "layer 1 'conv': input tensor 8 is not in the table of 7"},
    {"HostArity", [](Program &p) { p.hostOps[0].inputs.clear(); },
     "host operator 0 'quantize' (quantize): expected inputs and one output"},
    {"HostInput", [](Program &p) { p.hostOps[0].inputs = {70}; }, "input tensor 70 is not in the table of 7"},
    {"HostOutput", [](Program &p) { p.hostOps[0].outputs = {70}; }, "output tensor 70 is not in the table of 7"},
    {"HostWritesConstant", [](Program &p) { p.hostOps[1].outputs = {kWeights}; },
     "writes tensor 'conv.weights', whose role is constant"},
    {"HostInPlace", [](Program &p) { p.hostOps[1].inputs = {kFlat}; }, "reads and writes tensor 'flat'"},
};
INSTANTIATE_TEST_SUITE_P(Tables, Refused, testing::ValuesIn(kTables), nameOf);

void makeTable(Program &p, size_t entries) {
  Vector &pool = inst<Vector>(p, kPool);
  pool.kind = VectorKind::Table;
  pool.r = pool.s = pool.strideH = pool.strideW = 1;
  pool.a = pool.o = inst<Vector>(p, kRescale).o;
  p.numerics[0].table.assign(entries, 0);
}

const Case kInstructions[] = {
    {"Empty", [](Program &p) { p.instructions.clear(); }, "expected 'halt' as the last of 0 instructions"},
    {"NoHalt", [](Program &p) { p.instructions.pop_back(); }, "expected 'halt' as the last of 9 instructions"},
    {"EarlyHalt", [](Program &p) { p.instructions[kFlatten] = Halt{}; },
     "instruction 8 (halt): expected it at the end, instruction 9"},
    {"Layer", [](Program &p) { common(p.instructions[3]).layer = 4; },
     "instruction 3 (load): layer 4 is not in the table of 4"},
    {"WaitsForLater", [](Program &p) { inst<Contract>(p, kContract).waitLoad = 4; },
     "instruction 4 (contract): waits for 4 instructions of the load queue, but only 3 come before it"},
    {"WaitsForItself", [](Program &p) { inst<Store>(p, kStore).waitStore = 1; },
     "waits for 1 instructions of the store queue, but only 0"},
    {"ConfigureNumerics", [](Program &p) { inst<Configure>(p, kConfigure).numerics = 1; },
     "instruction 1 (configure): numerics 1 is not in"},
    {"BufferIndex", [](Program &p) { inst<Load>(p, kLoadX).dst.buffer = 3; },
     "instruction 2 (load): dst: buffer 3 is not in the table of 3"},
    {"NoBuffer", [](Program &p) { inst<Load>(p, kLoadX).dst.buffer = 255; },
     "dst: buffer 255 is not in the table of 3"},
    {"TensorIndex", [](Program &p) { inst<Load>(p, kLoadX).dst.tensor = 7; }, "dst: tensor 7 is not in the table of 7"},
    {"BoxEmpty", [](Program &p) { inst<Load>(p, kLoadX).dst.extent[1] = 0; },
     "box [1x0x6x4] at [0x0x0x0] is not in tensor 'x' of [1x6x6x4]"},
    {"BoxOutside", [](Program &p) { inst<Load>(p, kLoadX).dst.origin[1] = 1; },
     "box [1x6x6x4] at [0x1x0x0] is not in tensor 'x'"},
    {"BoxOverflow", [](Program &p) { inst<Load>(p, kLoadX).dst.origin[3] = ~0u; }, "is not in tensor 'x'"},
    {"BoxCutsGranule", [](Program &p) { inst<Load>(p, kLoadWeights).dst.extent = {2, 3, 2, 4}; },
     "box [2x3x2x4] at [0x0x0x0] cuts granules of [1x3x3x4] of tensor 'conv.weights'"},
    {"BoxBeginsInGranule",
     [](Program &p) {
       inst<Load>(p, kLoadWeights).dst.extent = {2, 3, 2, 4};
       inst<Load>(p, kLoadWeights).dst.origin = {0, 0, 1, 0};
     },
     "cuts granules of [1x3x3x4]"},
    {"BeyondBuffer", [](Program &p) { inst<Load>(p, kLoadX).dst.offset = 369; },
     "144 bytes of tensor 'x' at 369 exceed buffer 'activations' of 512 bytes"},
    {"OffsetOverflow", [](Program &p) { inst<Load>(p, kLoadX).dst.offset = ~uint64_t{0}; },
     "exceed buffer 'activations'"},
    {"EncodedBeyondBuffer", [](Program &p) { inst<Vector>(p, kPool).o.offset = 472; },
     "instruction 6 (vector): o: 48 bytes of tensor 'pooled' at 472 exceed buffer 'activations'"},
    {"SumsBeyondBuffer", [](Program &p) { inst<Contract>(p, kContract).o.offset = 228; },
     "288 bytes of tensor 'conv.sums' at 228 exceed"},
    {"SumsInWrongBuffer", [](Program &p) { inst<Contract>(p, kContract).o.buffer = 0; },
     "no sums may lie in buffer 'activations'"},
    {"SumsOffset", [](Program &p) { inst<Contract>(p, kContract).o.offset = 2; },
     "is not a multiple of a sum's 32 bits"},
    {"ElementOffset",
     [](Program &p) {
       p.tensors[kX].type = ElementType::I16;
       p.tensors[kX].dramOffset = p.dramBytes;
       p.dramBytes += 320;
       inst<Load>(p, kLoadX).dst.offset = 1;
     },
     "offset 1 in buffer 'activations' is not a multiple of an element's 2 bytes"},
    {"SlotOffset", [](Program &p) { inst<Vector>(p, kPool).o.offset = 218; },
     "offset 218 in buffer 'activations' of granule slots is not a multiple of 8"},
    {"VectorSecondType",
     [](Program &p) {
       makeTable(p, 256);
       Vector &add = inst<Vector>(p, kPool);
       add.kind = VectorKind::Add;
       add.b = add.a;
       p.tensors[kPooled].type = ElementType::I16;
       p.tensors[kPooled].dramFormat = p.tensors[kPooled].bufferFormat = {};
       add.b.tensor = kPooled;
       add.a.extent = add.b.extent = add.o.extent = {1, 3, 3, 2};
       p.numerics[0].multiplier.resize(1);
       p.numerics[0].shift.resize(1);
     },
     "expected one type, but got i8 and i16 to i8"},
    {"VectorCopyElements",
     [](Program &p) {
       makeTable(p, 256);
       inst<Vector>(p, kPool).kind = VectorKind::Copy;
       inst<Vector>(p, kPool).a.extent[1] = 4;
     },
     "a: expected 72 elements, but got 48"},
    {"LoadOfSums",
     [](Program &p) {
       inst<Load>(p, kLoadX).dst = inst<Contract>(p, kContract).o;
       p.tensors[kSums].dramOffset = p.dramBytes;
       p.dramBytes += 512;
     },
     "dst: expected elements of type i8 or i16, but tensor 'conv.sums' is i32"},
    {"LoadOfFloat",
     [](Program &p) {
       inst<Load>(p, kLoadX).dst.tensor = kData;
       p.buffers[0].bytes = 1024;
     },
     "dst: expected elements of type i8 or i16, but tensor 'data' is f32"},
    {"StoreToConstant", [](Program &p) { inst<Store>(p, kStore).src = inst<Load>(p, kLoadWeights).dst; },
     "instruction 7 (store): writes tensor 'conv.weights', whose role is constant"},
    {"TooManyRanks",
     [](Program &p) {
       p.tensors[kX].shape = {1, 6, 6, 2, 2};
       p.tensors[kX].granule = {};
     },
     "tensor 'x' of [1x6x6x2x2] has more than 4 ranks"},
    {"ContractTypes", [](Program &p) { p.tensors[kSums].type = ElementType::I48; },
     "expected i8 x i8 -> i32 or i16 x i16 -> i48, but got i8 x i8 -> i48"},
    {"ContractSumsOfActivations", [](Program &p) { inst<Contract>(p, kContract).o = inst<Vector>(p, kRescale).o; },
     "but got i8 x i8 -> i8"},
    {"ContractRanks",
     [](Program &p) {
       p.tensors[kX].shape = {6, 6, 4};
       p.tensors[kX].granule = {};
       for (Operand *operand : {&inst<Load>(p, kLoadX).dst, &inst<Contract>(p, kContract).a})
         operand->extent = {6, 6, 4, 1};
     },
     "expected 4 ranks, but tensor 'x' has [6x6x4]"},
    {"ContractExtent", [](Program &p) { inst<Contract>(p, kContract).n = 0; },
     "instruction 4 (contract): an extent is 0"},
    {"ContractStride", [](Program &p) { inst<Contract>(p, kContract).strideW = 0; },
     "an extent, stride or dilation of columns is 0"},
    {"ContractReach", [](Program &p) { inst<Contract>(p, kContract).p = inst<Contract>(p, kContract).strideH = ~0u; },
     "4294967295 windows with stride 4294967295 reach too far"},
    {"ContractPadding", [](Program &p) { inst<Contract>(p, kContract).padTop = 9; },
     "padding 9 and 1 exceeds the 8 rows that are read"},
    {"ContractRows", [](Program &p) { inst<Contract>(p, kContract).padTop = 0; },
     "a: [1x7x6x4] at [0x0x0x0] of tensor 'x' is not in the box [1x6x6x4] at [0x0x0x0]"},
    {"ContractOrigin", [](Program &p) { inst<Contract>(p, kContract).aOrigin[2] = 1; },
     "a: [1x6x6x4] at [0x0x1x0] of tensor 'x' is not in"},
    {"ContractBeforeBox",
     [](Program &p) {
       inst<Contract>(p, kContract).o.origin[1] = 1;
       inst<Contract>(p, kContract).o.extent[1] = 5;
     },
     "o: [1x6x6x2] at [0x0x0x0] of tensor 'conv.sums' is not in the box [1x5x6x2] at [0x1x0x0]"},
    {"ContractWeights", [](Program &p) { inst<Contract>(p, kContract).g = 2; }, "a: [1x6x6x8]"},
    {"ContractWeightRows", [](Program &p) { inst<Contract>(p, kContract).bOrigin[0] = 1; },
     "b: [2x3x3x4] at [1x0x0x0] of tensor 'conv.weights' is not in the box"},
    {"ContractGroupsOverflow",
     [](Program &p) {
       inst<Contract>(p, kContract).g = ~0u;
       inst<Contract>(p, kContract).m = ~0u;
     },
     "is not in the box"},
    {"ContractBias", [](Program &p) { p.numerics[0].bias.pop_back(); },
     "expected a bias for each of the 2 channels of 'conv.sums', but numerics 'conv' has 1"},
    {"ContractNumerics", [](Program &p) { inst<Contract>(p, kContract).numerics = 3; },
     "numerics 3 is not in the table of 1"},
    {"ContractMapping", [](Program &p) { inst<Contract>(p, kContract).mapping = 3; },
     "mapping 3 is not in the table of 1"},
    {"ContractSafs", [](Program &p) { inst<Contract>(p, kContract).safs = 1; }, "SAF set 1 is not in the table of 1"},
    {"MappingCovers", [](Program &p) { p.mappings[0].loops[0].factor = 5; },
     "mapping 0 covers 5 of P, but the tile has 6"},
    {"VectorNumerics", [](Program &p) { inst<Vector>(p, kPool).numerics = 1; }, "numerics 1 is not in the table of 1"},
    {"VectorWindow", [](Program &p) { inst<Vector>(p, kRescale).padLeft = 1; },
     "rescale has a window, strides or padding"},
    {"VectorBox", [](Program &p) { inst<Vector>(p, kRescale).a.extent[1] = 5; },
     "a: expected a box of [1x6x6x2], but got [1x5x6x2]"},
    {"VectorToSums", [](Program &p) { inst<Vector>(p, kRescale).o = inst<Vector>(p, kRescale).a; },
     "o: expected elements of type i8 or i16"},
    {"VectorMultipliers",
     [](Program &p) {
       p.numerics[0].multiplier.push_back(1);
       p.numerics[0].shift.push_back(2);
     },
     "expected at most 1 multiplier, or one for each of the 2 channels of 'conv.sums', but numerics 'conv' has 3"},
    {"VectorClamp", [](Program &p) { p.numerics[0].clampMax = 128; },
     "clamp [0, 128] of numerics 'conv' exceeds the type i8 of 'y'"},
    {"VectorSecondOperand", [](Program &p) { inst<Vector>(p, kRescale).kind = VectorKind::Add; },
     "a: expected elements of type i8 or i16"},
    {"VectorNoSecondOperand",
     [](Program &p) {
       makeTable(p, 256);
       inst<Vector>(p, kPool).kind = VectorKind::Max;
     },
     "b: buffer 255 is not in the table of 3"},
    {"VectorSecondBox",
     [](Program &p) {
       makeTable(p, 256);
       Vector &add = inst<Vector>(p, kPool);
       add.kind = VectorKind::Add;
       add.b = add.a;
       add.b.extent[1] = 3;
     },
     "b: expected a box of [1x6x6x2], but got [1x3x6x2]"},
    {"VectorOneOperand", [](Program &p) { inst<Vector>(p, kPool).b.buffer = 0; },
     "max_pool takes one operand, but b lies in buffer 0"},
    {"VectorTable", [](Program &p) { makeTable(p, 513); },
     "numerics 'conv' has a table of 513 entries, which does not fit to type i8"},
    {"PoolTypes",
     [](Program &p) {
       p.tensors[kPooled].type = ElementType::I16;
       p.tensors[kPooled].slotBytes = 32;
       p.tensors[kPooled].dramOffset = p.dramBytes;
       p.dramBytes += 128;
       p.buffers[0].bytes = 1024;
     },
     "expected one type, but 'y' is i8 and 'pooled' is i16"},
    {"PoolPadding", [](Program &p) { inst<Vector>(p, kPool).padTop = 2; },
     "a window of 2x2 may hold nothing but padding"},
    {"PoolRows", [](Program &p) { inst<Vector>(p, kPool).r = 3; },
     "a: [1x7x6x2] at [0x0x0x0] of tensor 'y' is not in the box [1x6x6x2]"},
    {"HostIndex", [](Program &p) { inst<Host>(p, kFlatten).op = 2; },
     "instruction 8 (host): host operator 2 is not in the table of 2"},
};
INSTANTIATE_TEST_SUITE_P(Instructions, Refused, testing::ValuesIn(kInstructions), nameOf);

const Case kHazards[] = {
    {"NotConfigured",
     [](Program &p) {
       p.instructions.erase(p.instructions.begin() + kConfigure);
       std::get<Contract>(p.instructions[kContract - 1]).waitLoad = 2;
     },
     "(contract): numerics 0 'conv' is used, but no 'configure' before it fetches it"},
    {"ConfigureNotAwaited",
     [](Program &p) {
       // The configuration is fetched last, and the contraction waits for the tensors only.
       Instruction configure = p.instructions[kConfigure];
       p.instructions.erase(p.instructions.begin() + kConfigure);
       p.instructions.insert(p.instructions.begin() + 3, configure);
       inst<Contract>(p, kContract).waitLoad = 2;
     },
     "numerics 0 'conv' is fetched by instruction 2 of the load queue, but only 2 are known to have ended"},
    {"ReadBeforeLoad", [](Program &p) { inst<Contract>(p, kContract).waitLoad = 2; },
     "instruction 4 (contract): reads bytes [0, 72) of buffer 'weights' that instruction 2 of the load queue writes, "
     "but only 2 of that queue"},
    {"ReadBeforeSums",
     [](Program &p) {
       inst<Vector>(p, kRescale).waitMac = 0;
       inst<Vector>(p, kRescale).waitLoad = 1;
     },
     "reads bytes [0, 288) of buffer 'sums' that instruction 0 of the mac queue writes, but only 0"},
    {"StoreBeforeVector", [](Program &p) { inst<Store>(p, kStore).waitVector = 1; },
     "reads bytes [216, 264) of buffer 'activations' that instruction 1 of the vector queue writes, but only 1"},
    {"Unwritten", [](Program &p) { inst<Store>(p, kStore).src.offset = 232; },
     "instruction 7 (store): reads byte 264 of buffer 'activations', which nothing has written"},
    {"OverwrittenWhileRead",
     [](Program &p) {
       Load again = inst<Load>(p, kLoadX); // Into what the contraction still reads.
       p.instructions.insert(p.instructions.begin() + kContract + 1, again);
     },
     "instruction 5 (load): writes bytes [0, 144) of buffer 'activations' that instruction 0 of the mac queue reads, "
     "but only 0"},
    {"DramReadBeforeStore",
     [](Program &p) {
       Load back;
       back.layer = 2;
       back.dst = inst<Store>(p, kStore).src;
       back.dst.offset = 304;
       p.instructions.insert(p.instructions.begin() + kStore + 1, back);
     },
     "instruction 8 (load): reads a box of tensor 'pooled' in DRAM that instruction 0 of the store queue writes, but "
     "only 0"},
};
INSTANTIATE_TEST_SUITE_P(Hazards, Refused, testing::ValuesIn(kHazards), nameOf);

// What the contraction waited for, the vector unit knows too: it may overwrite the activations that the contraction
// read.
TEST(Hazards, WaitsAreTransitive) {
  Program program = smallProgram();
  inst<Vector>(program, kRescale).o.offset = 0;
  inst<Vector>(program, kPool).a.offset = 0;
  EXPECT_EQ(verify(program), absl::OkStatus());
}

TEST(Hazards, HostIsABarrier) {
  Program program = smallProgram();
  // After the flatten operator everything has ended: the same work again needs no waits for what came before.
  std::vector<Instruction> again(program.instructions.begin() + kConfigure, program.instructions.begin() + kFlatten);
  for (Instruction &instruction : again) {
    CommonFields &fields = common(instruction);
    fields.waitLoad += fields.waitLoad ? 3 : 0;
    fields.waitMac += fields.waitMac ? 1 : 0;
    fields.waitVector += fields.waitVector ? 2 : 0;
  }
  program.instructions.insert(program.instructions.begin() + kHalt, again.begin(), again.end());
  EXPECT_EQ(verify(program), absl::OkStatus());
}

TEST(Hazards, LoadOfAnotherBoxNeedsNoWait) {
  Program program = smallProgram();
  Store first = inst<Store>(program, kStore);
  first.src.extent[1] = 1;
  Load back; // Of rows that were never stored: stale, but no race.
  back.layer = 2;
  back.dst = inst<Store>(program, kStore).src;
  back.dst.offset = 304;
  back.dst.origin[1] = 1;
  back.dst.extent[1] = 2;
  program.instructions[kStore] = first;
  program.instructions.insert(program.instructions.begin() + kStore + 1, back);
  EXPECT_EQ(verify(program), absl::OkStatus());
  std::get<Load>(program.instructions[kStore + 1]).dst.origin[1] = 0;
  EXPECT_FALSE(verify(program).ok());
}

TEST(Tables, ReshapeMayShareBytes) {
  Program program = smallProgram();
  program.tensors[kPooled].dramFormat = {};
  program.tensors[kPooled].slotBytes = 0;
  program.tensors[kPooled].dramOffset = program.tensors[kFlat].dramOffset;
  EXPECT_EQ(verify(program), absl::OkStatus());
  program.hostOps[1].kind = HostKind::Cast;
  EXPECT_THAT(std::string(verify(program).message()), HasSubstr("overlap in DRAM"));
}

// Two halves of a double buffer: linear in the number of instructions, or this would not end within seconds.
TEST(Hazards, LongProgramsAreQuick) {
  Program program = smallProgram();
  std::vector<Instruction> code(program.instructions.begin(), program.instructions.begin() + kLoadWeights + 1);
  Contract contract = inst<Contract>(program, kContract);
  Vector rescale = inst<Vector>(program, kRescale);
  Load load = inst<Load>(program, kLoadX);
  constexpr uint32_t kTiles = 20000;
  for (uint32_t tile = 0; tile < kTiles; ++tile) {
    contract.waitLoad = tile ? tile + 3 : 3;
    contract.waitVector = tile;
    contract.a.offset = tile % 2 ? 288 : 0;
    rescale.waitMac = tile + 1;
    load.dst.offset = tile % 2 ? 0 : 288;
    load.waitMac = tile;
    code.push_back(load);
    code.push_back(contract);
    code.push_back(rescale);
  }
  code.push_back(program.instructions.back());
  program.instructions = code;
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(verify(program), absl::OkStatus());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  std::get<Load>(program.instructions[kContract + 3 * 15000]).waitMac = 14999;
  EXPECT_FALSE(verify(program).ok());
}

} // namespace
