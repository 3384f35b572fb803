//===- Contract.cpp - Contractions: their values, and their counts beside -===//
//
// The values of a contraction are computed at once. What a dataflow counts for it may run beside the instructions that
// follow, and is added up in program order.
//
//===----------------------------------------------------------------------===//

#include "Executor.h"

#include <algorithm>
#include <cmath>

namespace sparseaccel::sim {

dataflow::Contraction shapeOf(const isa::Contract &i, const isa::Program &program) {
  dataflow::Contraction shape;
  shape.n = i.n, shape.g = i.g, shape.m = i.m, shape.c = i.c;
  shape.p = i.p, shape.q = i.q, shape.r = i.r, shape.s = i.s;
  shape.strideH = i.strideH, shape.strideW = i.strideW;
  shape.dilationH = i.dilationH, shape.dilationW = i.dilationW;
  shape.padTop = i.padTop, shape.padBottom = i.padBottom;
  shape.padLeft = i.padLeft, shape.padRight = i.padRight;
  shape.elementBits = isa::chargedBits(program.tensors[i.a.tensor].type);
  const std::string &kind = program.layers[i.layer].kind;
  shape.kind = kind == "fc"          ? machine::ContractionKind::FullyConnected
               : kind == "depthwise" ? machine::ContractionKind::Depthwise
               : kind == "matmul"    ? machine::ContractionKind::MatMul
                                     : machine::ContractionKind::Conv;
  return shape;
}

/// The box of `extent` at `origin`, in the tensor's coordinates, inside an operand whose dense values start at `data`.
static dataflow::OperandView viewOf(const isa::Operand &operand, const uint8_t *data, unsigned elementBytes,
                                    const isa::Coord &origin, std::array<int64_t, 4> extent) {
  dataflow::OperandView view;
  view.elementBytes = elementBytes;
  view.extent = extent;
  int64_t stride = 1, at = 0;
  for (int i = 3; i >= 0; --i) {
    view.stride[i] = stride;
    at += (int64_t(origin[i]) - operand.origin[i]) * stride;
    stride *= operand.extent[i];
  }
  view.data = data + at * elementBytes;
  return view;
}

absl::Status Executor::contract(const isa::Contract &instruction, InstructionRecord &record) {
  const isa::Program &program = *shared.program;
  dataflow::Contraction shape = shapeOf(instruction, program);
  unsigned elementBytes = isa::storageBytes(tensorOf(instruction.a).type);
  LayerWork &layer = layers[instruction.layer];
  dataflow::Work work;
  work.shape = shape;
  work.mapping = &shared.mappings[instruction.mapping];
  work.safs = &shared.safs[instruction.safs];
  work.machine = shared.machine;
  work.accumulate = instruction.mode == isa::AccumulateMode::Accumulate;

  // Weights: what is derived from them is kept where they are a constant's, as it was loaded.
  const isa::Operand &b = instruction.b;
  const isa::Tensor &weights = tensorOf(b);
  bool rows = kernels::takesRows(shape);
  WeightKey key = {b.tensor,
                   instruction.bOrigin[0],
                   instruction.bOrigin[1],
                   instruction.bOrigin[2],
                   instruction.bOrigin[3],
                   instruction.g,
                   instruction.m,
                   instruction.r,
                   instruction.s,
                   instruction.c,
                   instruction.dilationW,
                   instruction.mapping,
                   instruction.safs,
                   uint32_t(rows)};
  bool keeps = workspace.residence.holds(b), dense = weights.bufferFormat.isDense();
  std::array<int64_t, 4> extent = {shape.g * shape.m, shape.r, shape.s, shape.c};
  std::array<int64_t, 4> own = {shape.r * shape.s * shape.c, shape.s * shape.c, shape.c, 1};
  dataflow::OperandView weightView = viewOf(b, dense ? memory.buffer(b.buffer).bytes.data() + b.offset : nullptr,
                                            isa::storageBytes(weights.type), instruction.bOrigin, extent);
  Extents copied;
  copied.fill(1);
  Strides from{}, to{};
  for (unsigned i = 0; i < 4; ++i)
    copied[i + 2] = uint32_t(extent[i]), from[i + 2] = weightView.stride[i], to[i + 2] = own[i];
  // The kernels and the dataflow take the box from the buffer where it lies there as one run, else from the tile.
  bool inPlace = dense && liesAs(copied, to, from);
  std::shared_ptr<const WeightTile> tile = keeps ? shared.weights.find(key) : nullptr;
  if (tile && ((options.counts && !tile->counted) || (!inPlace && tile->values.empty())))
    tile = nullptr;
  if (tile && !inPlace)
    weightView.data = tile->values.data();
  weightView.stride = own;
  if (!tile) {
    auto fresh = std::make_shared<WeightTile>();
    if (!dense) {
      absl::StatusOr<const uint8_t *> values = memory.decode(b, workspace.valuesB);
      if (!values.ok())
        return values.status();
      weightView.data = viewOf(b, *values, weightView.elementBytes, instruction.bOrigin, extent).data;
    }
    if (!inPlace) {
      fresh->values.resize(size_t(extent[0] * own[0]) * weightView.elementBytes + 64);
      copyBox(static_cast<const uint8_t *>(weightView.data), from, fresh->values.data(), to, copied,
              weightView.elementBytes);
      weightView.data = fresh->values.data();
    }
    if (!rows)
      fresh->packed = kernels::packWeights(*shared.kernels, shape, weightView);
    fresh->summary = dataflow::summarizeWeights(shape, weightView);
    if (options.counts)
      fresh->digest = shared.dataflow->digestWeights(work, weightView);
    fresh->counted = options.counts;
    if (keeps)
      shared.weights.insert(key, fresh);
    tile = std::move(fresh);
  }

  absl::StatusOr<const uint8_t *> activations = decoded(instruction.a);
  if (!activations.ok())
    return activations.status();
  dataflow::OperandView a = viewOf(instruction.a, *activations, elementBytes, instruction.aOrigin,
                                   {shape.n, shape.inputRows(), shape.inputColumns(), shape.g * shape.c});

  const isa::Operand &o = instruction.o;
  bool wide = weightView.elementBytes == 2;
  std::array<int64_t, 4> strides;
  int64_t stride = 1, at = 0;
  for (int i = 3; i >= 0; --i) {
    strides[i] = stride;
    at += (int64_t(instruction.oOrigin[i]) - o.origin[i]) * stride;
    stride *= o.extent[i];
  }
  char *sums = static_cast<char *>(memory.buffer(o.buffer).sumsAt(o.offset, wide)) + at * (wide ? 8 : 4);
  const std::vector<int64_t> &bias = program.numerics[instruction.numerics].bias;
  isa::AccumulateMode mode = instruction.mode;
  if (mode == isa::AccumulateMode::Bias && bias.empty())
    mode = isa::AccumulateMode::Clear;
  const int64_t *start = mode == isa::AccumulateMode::Bias ? bias.data() + instruction.oOrigin[3] : nullptr;
  kernels::Sums into{sums, strides[0], strides[1], strides[2]};
  if (rows)
    kernels::contractRows(*shared.kernels, shape, a, weightView, mode, start, into, workspace.scratch);
  else
    kernels::contract(*shared.kernels, shape, a, tile->packed, mode, start, into, workspace.scratch);
  if (!options.counts)
    return absl::OkStatus();

  double begin = seconds();
  // Rows of the tile's channels; where the tile covers the whole box they are one run.
  int64_t channels = shape.g * shape.m;
  if (strides[2] == channels && strides[1] == shape.q * channels &&
      (shape.n == 1 || strides[0] == shape.p * strides[1]))
    layer.widestSum = std::max(layer.widestSum,
                               kernels::widestSum(*shared.kernels, sums, wide, shape.n * shape.p * shape.q * channels));
  else
    for (int64_t n = 0; n < shape.n; ++n)
      for (int64_t p = 0; p < shape.p; ++p)
        for (int64_t q = 0; q < shape.q; ++q)
          layer.widestSum =
              std::max(layer.widestSum,
                       kernels::widestSum(*shared.kernels,
                                          sums + (n * strides[0] + p * strides[1] + q * strides[2]) * (wide ? 8 : 4),
                                          wide, channels));
  countSeconds += seconds() - begin;

  auto pending = std::make_unique<PendingCount>();
  pending->record = records.size();
  pending->layer = instruction.layer;
  pending->work = work;
  pending->work.weights = &tile->summary;
  pending->work.digest = tile->digest.get();
  pending->a = a, pending->b = weightView;
  const isa::Operand &activation = instruction.a;
  pending->activations = heldValues(activation);
  if (!pending->activations)
    pending->reads.push_back({activation.buffer, activation.offset, activation.offset + bytesInBuffer(activation)});
  if (inPlace)
    pending->reads.push_back({b.buffer, b.offset, b.offset + bytesInBuffer(b)});
  pending->tile = std::move(tile);
  layer.contracts = true;
  count(std::move(pending), record);
  return absl::OkStatus();
}

std::shared_ptr<const std::vector<uint8_t>> Executor::heldValues(const isa::Operand &operand) const {
  if (tensorOf(operand).bufferFormat.isDense())
    return nullptr;
  return workspace.cache.front().values;
}

void Executor::count(std::unique_ptr<PendingCount> count, InstructionRecord &record) {
  PendingCount &one = *count;
  auto body = [&one, dataflow = shared.dataflow] {
    double begin = seconds();
    one.counts = dataflow->count(one.work, one.a, one.b);
    one.seconds = seconds() - begin;
  };
  TaskPool &pool = *workspace.pool;
  if (pool.threads() == 1) {
    body();
    record.cycles = uint64_t(std::llround(one.counts.cycles));
    record.boundCycles = one.counts.boundCycles;
    layers[one.layer].counts.add(one.counts);
    countSeconds += one.seconds;
    return;
  }
  // So many wait at most: what they hold on to is memory.
  const size_t most = 4 * size_t(pool.threads());
  while (pending.size() >= most)
    settleFirst();
  one.task = pool.start(body);
  pending.push_back(std::move(count));
}

void Executor::settleFirst() {
  PendingCount &first = *pending.front();
  TaskPool::wait(first.task);
  InstructionRecord &record = records[first.record];
  record.cycles = uint64_t(std::llround(first.counts.cycles));
  record.boundCycles = first.counts.boundCycles;
  layers[first.layer].counts.add(first.counts);
  deferredSeconds += first.seconds;
  pending.pop_front();
}

void Executor::settleReaders(unsigned buffer, uint64_t begin, uint64_t end) {
  size_t settled = 0;
  for (size_t i = 0; i < pending.size(); ++i)
    for (const PendingCount::Range &range : pending[i]->reads)
      if (range.buffer == buffer && range.begin < end && begin < range.end)
        settled = i + 1;
  for (; settled > 0; --settled)
    settleFirst();
}

} // namespace sparseaccel::sim
