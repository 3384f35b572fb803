//===- ConvPrograms.cpp - Programs of one convolution ---------------------===//

#include "ConvPrograms.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace sparseaccel::bench {

using dataflow::Contraction;
using isa::ElementType;
using isa::OperandKind;

namespace {

class Writer {
public:
  Writer(const ConvLayer &layer, const machine::Machine &machine, ElementType type)
      : layer(layer), machine(machine), type(type), shape(layer.shape) {}

  absl::StatusOr<ConvProgram> write();

private:
  /// Program-managed level that holds an operand; of the sums, one with a psum width.
  int bufferOf(OperandKind kind, bool sums);
  uint32_t addTensor(const char *name, ElementType type, std::vector<uint32_t> extents, isa::TensorRole role,
                     const machine::OperandFormats *formats);
  void placeInDram(uint32_t tensor);
  uint64_t boxBytes(uint32_t tensor, const isa::Coord &extent) const;
  isa::Operand operand(int buffer, uint32_t tensor, const isa::Coord &origin, const isa::Coord &extent);
  Contraction tileOf(int64_t p, int64_t rows, int64_t filters) const;
  bool fits(int64_t rows, int64_t filters);
  template <typename I>
  void add(I instruction);

  const ConvLayer &layer;
  const machine::Machine &machine;
  ElementType type;
  Contraction shape;
  const dataflow::Dataflow *dataflow = nullptr;
  isa::Program program;
  uint32_t a = 0, b = 0, sums = 0, o = 0;
  int bufferA = -1, bufferB = -1, bufferSums = -1, bufferO = -1;
  std::vector<uint64_t> used;
  uint32_t issued[4] = {};
};

int Writer::bufferOf(OperandKind kind, bool sums) {
  for (const machine::Level &level : machine.levels) {
    if (&level == &machine.levels.front() || level.managedBy != machine::ManagedBy::Program ||
        std::find(level.holds.begin(), level.holds.end(), kind) == level.holds.end() || (sums && !level.psumBits))
      continue;
    for (size_t i = 0; i < program.buffers.size(); ++i)
      if (program.buffers[i].name == level.name)
        return int(i);
    program.buffers.push_back({level.name, level.sizeBytes * level.instances, level.psumBits});
    return int(program.buffers.size() - 1);
  }
  return -1;
}

uint32_t Writer::addTensor(const char *name, ElementType element, std::vector<uint32_t> extents, isa::TensorRole role,
                           const machine::OperandFormats *formats) {
  isa::Tensor tensor;
  tensor.name = name;
  tensor.type = element;
  tensor.shape = tensor.granule = extents;
  tensor.role = role;
  if (formats) {
    tensor.dramFormat = formats->dram.front();
    tensor.bufferFormat = formats->buffer;
    if (!tensor.dramFormat.isDense() || !tensor.bufferFormat.isDense())
      tensor.granule[1] = 1; // A row.
  }
  program.tensors.push_back(std::move(tensor));
  return uint32_t(program.tensors.size() - 1);
}

void Writer::placeInDram(uint32_t index) {
  isa::Tensor &tensor = program.tensors[index];
  auto place = [&](uint64_t bytes) {
    uint64_t at = program.dramBytes;
    program.dramBytes += (bytes + 63) / 64 * 64;
    return at;
  };
  bool dense = tensor.dramFormat.isDense();
  if (!dense) {
    uint64_t bytes = formats::worstCase(tensor.dramFormat, isa::storageBytes(tensor.type), tensor.granule).bytes();
    uint64_t burst = std::max(machine.dram.burstBytes, 1u);
    tensor.slotBytes = (bytes + burst - 1) / burst * burst;
  }
  tensor.dramOffset = place(tensor.dramBytes());
  if (!dense)
    tensor.lengthOffset = place(tensor.granules() * 4);
}

uint64_t Writer::boxBytes(uint32_t index, const isa::Coord &extent) const {
  const isa::Tensor &tensor = program.tensors[index];
  uint64_t elements = uint64_t(extent[0]) * extent[1] * extent[2] * extent[3];
  if (index == sums)
    return elements * program.buffers[bufferSums].psumBits / 8;
  if (tensor.bufferFormat.isDense())
    return elements * isa::storageBytes(tensor.type);
  uint64_t granules = 1;
  for (size_t i = 0; i < 4; ++i)
    granules *= (extent[i] + tensor.granule[i] - 1) / tensor.granule[i];
  return granules *
         ((formats::worstCase(tensor.bufferFormat, isa::storageBytes(tensor.type), tensor.granule).bytes() + 7) / 8 *
          8);
}

isa::Operand Writer::operand(int buffer, uint32_t tensor, const isa::Coord &origin, const isa::Coord &extent) {
  isa::Operand operand;
  operand.buffer = uint8_t(buffer);
  operand.offset = used[buffer];
  operand.tensor = tensor;
  operand.origin = origin;
  operand.extent = extent;
  used[buffer] += (boxBytes(tensor, extent) + 63) / 64 * 64;
  return operand;
}

/// `rows` output rows from row p on.
Contraction Writer::tileOf(int64_t p, int64_t rows, int64_t filters) const {
  Contraction tile = shape;
  int64_t height = shape.inputRows(), first = p * shape.strideH - shape.padTop;
  int64_t last = (p + rows - 1) * shape.strideH + (shape.r - 1) * shape.dilationH - shape.padTop;
  tile.p = rows;
  tile.m = filters;
  tile.padTop = std::max<int64_t>(0, -first);
  tile.padBottom = std::max<int64_t>(0, last - height + 1);
  return tile;
}

bool Writer::fits(int64_t rows, int64_t filters) {
  std::fill(used.begin(), used.end(), 0);
  uint32_t inputRows = uint32_t(std::min(shape.inputRows(), (rows - 1) * shape.strideH + shape.r));
  uint32_t width = uint32_t(shape.inputColumns());
  operand(bufferA, a, {}, {1, inputRows, width, uint32_t(shape.c)});
  operand(bufferB, b, {}, {uint32_t(filters), uint32_t(shape.r), uint32_t(shape.s), uint32_t(shape.c)});
  isa::Coord box = {1, uint32_t(rows), uint32_t(shape.q), uint32_t(filters)};
  isa::Tensor &result = program.tensors[o];
  if (!result.dramFormat.isDense() || !result.bufferFormat.isDense())
    result.granule[3] = uint32_t(filters);
  operand(bufferSums, sums, {}, box);
  operand(bufferO, o, {}, box);
  for (size_t i = 0; i < used.size(); ++i)
    if (used[i] > (machine.findLevel(program.buffers[i].name)->doubleBuffered ? program.buffers[i].bytes / 2
                                                                              : program.buffers[i].bytes))
      return false;
  // A strip of nothing but padding would read no row.
  for (int64_t p = 0; p < shape.p; p += rows)
    if (tileOf(p, std::min(rows, shape.p - p), filters).inputRows() < 1)
      return false;
  return !dataflow->innerMappings(tileOf(0, rows, filters), machine).empty();
}

template <typename I>
void Writer::add(I instruction) {
  instruction.waitLoad = issued[0], instruction.waitMac = issued[1];
  instruction.waitVector = issued[2], instruction.waitStore = issued[3];
  ++issued[unsigned(I::kQueue)];
  program.instructions.push_back(instruction);
}

absl::StatusOr<ConvProgram> Writer::write() {
  absl::StatusOr<const dataflow::Dataflow *> found = dataflow::findDataflow(machine.dataflow);
  if (!found.ok())
    return found.status();
  dataflow = *found;
  shape.elementBits = isa::chargedBits(type);
  bool wide = type == ElementType::I16;
  program.machine = machine.name;
  program.machineFingerprint = machine.fingerprint();
  program.numericsName = wide ? "int16" : "int8";
  for (const machine::Level &level : machine.levels)
    program.levelNames.push_back(level.name);
  uint32_t height = uint32_t(shape.inputRows()), width = uint32_t(shape.inputColumns());
  uint32_t p = uint32_t(shape.p), q = uint32_t(shape.q), m = uint32_t(shape.m), c = uint32_t(shape.c);
  uint32_t r = uint32_t(shape.r), s = uint32_t(shape.s);
  isa::Layer info;
  info.name = layer.name, info.kind = "conv", info.macs = uint64_t(shape.macs());
  program.layers.push_back(info);
  program.safSets.emplace_back();
  for (const machine::SafCapability &saf : machine.safs)
    program.safSets[0].push_back(
        {uint8_t(std::max(machine.levelIndex(saf.level), 0)), saf.target, saf.action, saf.conditionOn, {}});

  std::mt19937 rng(1);
  std::normal_distribution<double> normal(0, wide ? 8000 : 32);
  auto fill = [&](uint64_t elements, double density, std::vector<uint8_t> &out) {
    std::bernoulli_distribution nonzero(density);
    out.resize(elements * isa::storageBytes(type));
    for (uint64_t i = 0; i < elements; ++i) {
      int value = nonzero(rng) ? int(std::clamp(std::abs(normal(rng)) + 1, 1.0, wide ? 32767.0 : 127.0)) : 0;
      value = rng() & 1 ? value : -value;
      if (wide) {
        int16_t element = int16_t(value);
        std::memcpy(&out[i * 2], &element, 2);
      } else {
        out[i] = uint8_t(int8_t(value));
      }
    }
  };
  ConvProgram result;
  a = addTensor("a", type, {1, height, width, c}, isa::TensorRole::Input, &machine.a);
  machine::OperandFormats dense;
  dense.dram.emplace_back();
  b = addTensor("b", type, {m, r, s, c}, isa::TensorRole::Constant, &dense);
  sums = addTensor("o.sums", wide ? ElementType::I48 : ElementType::I32, {1, p, q, m}, isa::TensorRole::Intermediate,
                   nullptr);
  o = addTensor("o", type, {1, p, q, m}, isa::TensorRole::Output, &machine.o);
  program.inputs = {a};
  program.outputs = {o};
  result.input.type = type;
  result.input.shape = program.tensors[a].shape;
  fill(program.tensors[a].elements(), layer.densityA, result.input.bytes);
  fill(program.tensors[b].elements(), layer.densityB, program.constants);
  isa::Numerics numerics;
  numerics.scale32 = !wide;
  numerics.clampMax = wide ? 32767 : 127;
  for (uint32_t i = 0; i < m; ++i) {
    numerics.bias.push_back(int64_t(i) * 100);
    numerics.multiplier.push_back(wide ? 20000 : 1500000000);
    numerics.shift.push_back(uint8_t(wide ? 34 : 38));
  }
  program.numerics.push_back(std::move(numerics));
  bufferA = bufferOf(OperandKind::A, false), bufferB = bufferOf(OperandKind::B, false);
  bufferSums = bufferOf(OperandKind::O, true), bufferO = bufferA;
  if (bufferA < 0 || bufferB < 0 || bufferSums < 0)
    return absl::NotFoundError(absl::StrCat("machine '", machine.name, "' has no buffer for some operand"));
  used.assign(program.buffers.size(), 0);

  int64_t rows = 0, filters = 0;
  for (int64_t f = shape.m; f >= 1 && !rows; f = f > 16 ? (f / 2 + 15) / 16 * 16 : f / 2)
    for (int64_t strip = shape.p; strip >= 1 && !rows; strip = strip > 1 ? (strip + 1) / 2 : 0)
      if (fits(strip, f))
        rows = strip, filters = f;
  if (!rows)
    return absl::ResourceExhaustedError(
        absl::StrCat("no tile of layer '", layer.name, "' fits machine '", machine.name, "'"));

  fits(rows, filters); // Leaves the granule of this tile behind.
  for (uint32_t tensor : {a, b, o})
    placeInDram(tensor);
  isa::Configure configure;
  add(configure);
  for (int64_t first = 0; first < shape.p; first += rows) {
    int64_t strip = std::min(rows, shape.p - first);
    isa::Load loadA;
    for (int64_t f = 0; f < shape.m; f += filters) {
      int64_t channels = std::min(filters, shape.m - f);
      Contraction tile = tileOf(first, strip, channels);
      std::fill(used.begin(), used.end(), 0);
      uint32_t firstRow = uint32_t(std::max<int64_t>(0, first * shape.strideH - shape.padTop));
      isa::Operand boxA = operand(bufferA, a, {0, firstRow, 0, 0}, {1, uint32_t(tile.inputRows()), width, c});
      if (f == 0) {
        loadA.dst = boxA;
        add(loadA);
      }
      isa::Load loadB;
      loadB.dst = operand(bufferB, b, {uint32_t(f), 0, 0, 0}, {uint32_t(channels), r, s, c});
      if (filters < shape.m || first == 0)
        add(loadB);
      isa::Coord origin = {0, uint32_t(first), 0, uint32_t(f)}, extent = {1, uint32_t(strip), q, uint32_t(channels)};
      isa::Contract contract;
      contract.m = uint32_t(channels), contract.c = c, contract.p = uint32_t(strip), contract.q = q;
      contract.r = r, contract.s = s;
      contract.strideH = uint32_t(shape.strideH), contract.strideW = uint32_t(shape.strideW);
      contract.padTop = uint32_t(tile.padTop), contract.padBottom = uint32_t(tile.padBottom);
      contract.padLeft = uint32_t(tile.padLeft), contract.padRight = uint32_t(tile.padRight);
      contract.a = boxA, contract.aOrigin = boxA.origin;
      contract.b = loadB.dst, contract.bOrigin = loadB.dst.origin;
      contract.o = operand(bufferSums, sums, origin, extent), contract.oOrigin = origin;
      contract.mode = isa::AccumulateMode::Bias;
      std::vector<isa::Mapping> mappings = dataflow->innerMappings(tile, machine);
      if (mappings.empty())
        return absl::ResourceExhaustedError(absl::StrCat("no mapping for a tile of layer '", layer.name, "'"));
      program.mappings.push_back(mappings.front());
      contract.mapping = uint32_t(program.mappings.size() - 1);
      add(contract);
      isa::Vector rescale;
      rescale.kind = isa::VectorKind::Rescale;
      rescale.a = contract.o;
      rescale.o = operand(bufferO, o, origin, extent);
      add(rescale);
      isa::Store store;
      store.src = rescale.o;
      add(store);
    }
  }
  program.instructions.push_back(isa::Halt());
  result.program = std::move(program);
  return result;
}

} // namespace

absl::StatusOr<ConvProgram> makeConvProgram(const ConvLayer &layer, const machine::Machine &machine,
                                            isa::ElementType elementType) {
  return Writer(layer, machine, elementType).write();
}

} // namespace sparseaccel::bench
