//===- SmallProgram.cpp - A program that verifies, for tests ----------------===//

#include "SmallProgram.h"

namespace sparseaccel::isa {

static Tensor tensor(const char *name, ElementType type, std::vector<uint32_t> shape, TensorRole role, double scale) {
  Tensor tensor;
  tensor.name = name;
  tensor.type = type;
  tensor.granule = shape;
  tensor.shape = std::move(shape);
  tensor.role = role;
  tensor.scale = scale;
  return tensor;
}

/// Where the next tensor goes in DRAM.
static uint64_t allocate(Program &program, uint64_t bytes) {
  uint64_t offset = program.dramBytes;
  program.dramBytes = (offset + bytes + 63) / 64 * 64;
  return offset;
}

static Operand operand(const Program &program, uint32_t tensor, uint8_t buffer, uint64_t offset) {
  Operand operand;
  operand.buffer = buffer;
  operand.offset = offset;
  operand.tensor = tensor;
  for (size_t rank = 0; rank < program.tensors[tensor].shape.size(); ++rank)
    operand.extent[rank] = program.tensors[tensor].shape[rank];
  return operand;
}

static void addTensors(Program &program, const char *weightsFormat) {
  program.tensors = {
      tensor("data", ElementType::F32, {1, 6, 6, 4}, TensorRole::Input, 1.0),
      tensor("x", ElementType::I8, {1, 6, 6, 4}, TensorRole::Intermediate, 0.5),
      tensor("conv.weights", ElementType::I8, {2, 3, 3, 4}, TensorRole::Constant, 0.25),
      tensor("conv.sums", ElementType::I32, {1, 6, 6, 2}, TensorRole::Intermediate, 0.125),
      tensor("y", ElementType::I8, {1, 6, 6, 2}, TensorRole::Intermediate, 2.0),
      tensor("pooled", ElementType::I8, {1, 3, 3, 2}, TensorRole::Intermediate, 2.0),
      tensor("flat", ElementType::I8, {1, 18}, TensorRole::Output, 2.0),
  };
  Tensor &weights = program.tensors[kWeights], &pooled = program.tensors[kPooled];
  weights.dramFormat = *formats::parseFormat(weightsFormat);
  weights.granule = {1, 3, 3, 4};
  pooled.dramFormat = pooled.bufferFormat = *formats::parseFormat("rle");
  pooled.granule = {1, 1, 3, 2};
  for (Tensor *encoded : {&weights, &pooled}) {
    encoded->slotBytes = (formats::worstCase(encoded->dramFormat, 1, encoded->granule).bytes() + 7) / 8 * 8;
    encoded->dramOffset = allocate(program, encoded->dramBytes());
    encoded->lengthOffset = allocate(program, 4 * encoded->granules());
  }
  for (uint32_t index : {kData, kX, kY, kFlat})
    program.tensors[index].dramOffset = allocate(program, program.tensors[index].dramBytes());

  std::vector<int8_t> values(36);
  for (uint32_t channel = 0; channel < 2; ++channel) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = i % 3 == channel ? static_cast<int8_t>(i) - 18 : 0;
    std::vector<uint8_t> bytes;
    formats::encode(weights.dramFormat, {values.data(), 1, weights.granule}, bytes);
    weights.constantLengths.push_back(static_cast<uint32_t>(bytes.size()));
    bytes.resize(weights.slotBytes);
    program.constants.insert(program.constants.end(), bytes.begin(), bytes.end());
  }
}

static void addInstructions(Program &program) {
  Host quantize;
  program.instructions.push_back(quantize);

  Configure configure;
  configure.layer = 1;
  program.instructions.push_back(configure);

  Load loadX;
  loadX.layer = 1;
  loadX.dst = operand(program, kX, 0, 0);
  program.instructions.push_back(loadX);

  Load loadWeights;
  loadWeights.layer = 1;
  loadWeights.dst = operand(program, kWeights, 1, 0);
  program.instructions.push_back(loadWeights);

  Contract contract;
  contract.layer = 1;
  contract.waitLoad = 3;
  contract.m = 2;
  contract.c = 4;
  contract.p = contract.q = 6;
  contract.r = contract.s = 3;
  contract.padTop = contract.padBottom = contract.padLeft = contract.padRight = 1;
  contract.a = operand(program, kX, 0, 0);
  contract.b = operand(program, kWeights, 1, 0);
  contract.o = operand(program, kSums, 2, 0);
  contract.mode = AccumulateMode::Bias;
  program.instructions.push_back(contract);

  Vector rescale;
  rescale.layer = 1;
  rescale.waitMac = 1;
  rescale.kind = VectorKind::Rescale;
  rescale.a = operand(program, kSums, 2, 0);
  rescale.o = operand(program, kY, 0, 144);
  program.instructions.push_back(rescale);

  Vector pool;
  pool.layer = 2;
  pool.kind = VectorKind::MaxPool;
  pool.r = pool.s = pool.strideH = pool.strideW = 2;
  pool.a = operand(program, kY, 0, 144);
  pool.o = operand(program, kPooled, 0, 216);
  program.instructions.push_back(pool);

  Store store;
  store.layer = 2;
  store.waitVector = 2;
  store.src = operand(program, kPooled, 0, 216);
  program.instructions.push_back(store);

  Host flatten;
  flatten.layer = 3;
  flatten.op = 1;
  program.instructions.push_back(flatten);

  Halt halt;
  halt.layer = 3;
  program.instructions.push_back(halt);
}

Program smallProgram(const char *weightsFormat) {
  Program program;
  program.machine = "small";
  program.machineFingerprint = 0x1234;
  program.numericsName = "int8";
  program.producer = "a test";
  program.levelNames = {"dram", "activations", "weights"};
  program.buffers = {{"activations", 512, 0}, {"weights", 128, 0}, {"sums", 512, 32}};
  addTensors(program, weightsFormat);
  Numerics numerics;
  numerics.name = "conv";
  numerics.bias = {5, -7};
  numerics.multiplier = {1 << 30, 1 << 29};
  numerics.shift = {37, 38};
  numerics.clampMin = 0;
  numerics.clampMax = 127;
  program.numerics = {numerics};
  program.mappings = {{{{Rank::P, 6, 1, LoopKind::Temporal},
                        {Rank::Q, 6, 1, LoopKind::Temporal},
                        {Rank::R, 3, 2, LoopKind::Temporal},
                        {Rank::S, 3, 2, LoopKind::Temporal},
                        {Rank::M, 2, 2, LoopKind::SpatialX},
                        {Rank::C, 4, 2, LoopKind::SpatialY}}}};
  program.safSets = {{{1, OperandKind::B, SafAction::Gate, 1, {{"latency", 2}}}}};
  program.hostOps = {{HostKind::Quantize, "quantize", {kData}, {kX}, {}, {2.0}},
                     {HostKind::Reshape, "flatten", {kPooled}, {kFlat}, {}, {}}};
  program.layers = {{"quantize", "quantize", true, 0, kX, {kData}, ""},
                    {"conv", "conv", false, 2592, kY, {kX}, "node 1"},
                    {"pool", "max_pool", false, 0, kPooled, {kY}, "node 2"},
                    {"flatten", "reshape", true, 0, kFlat, {kPooled}, ""}};
  program.inputs = {kData};
  program.outputs = {kFlat};
  addInstructions(program);
  return program;
}

} // namespace sparseaccel::isa
