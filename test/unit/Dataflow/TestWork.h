//===- TestWork.h - Small random work for the dataflows ---------*- C++ -*-===//

#ifndef SPARSEACCEL_TEST_UNIT_DATAFLOW_TESTWORK_H
#define SPARSEACCEL_TEST_UNIT_DATAFLOW_TESTWORK_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"
#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include "gtest/gtest.h"

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace sparseaccel::dataflow::test {

/// Operands of a contraction, as integers and as the bytes of a view whose rows may be longer than what is read.
struct TestWork {
  Contraction shape;
  std::vector<int> a, b; ///< Dense, in the order of the views.
  std::vector<uint8_t> aBytes, bBytes;
  OperandView aView, bView;

  /// 0 at padding.
  int activation(int64_t n, int64_t row, int64_t column, int64_t channel) const {
    if (row < 0 || row >= shape.inputRows() || column < 0 || column >= shape.inputColumns())
      return 0;
    return a[((n * shape.inputRows() + row) * shape.inputColumns() + column) * shape.g * shape.c + channel];
  }
  int inputRow(int64_t p, int64_t r) const { return int(p * shape.strideH + r * shape.dilationH - shape.padTop); }
  int inputColumn(int64_t q, int64_t s) const { return int(q * shape.strideW + s * shape.dilationW - shape.padLeft); }
  int activationAt(int64_t n, int64_t g, int64_t c, int64_t p, int64_t q, int64_t r, int64_t s) const {
    return activation(n, inputRow(p, r), inputColumn(q, s), g * shape.c + c);
  }
  bool isPadding(int64_t p, int64_t q, int64_t r, int64_t s) const {
    int row = inputRow(p, r), column = inputColumn(q, s);
    return row < 0 || row >= shape.inputRows() || column < 0 || column >= shape.inputColumns();
  }
  int weight(int64_t filter, int64_t r, int64_t s, int64_t c) const {
    return b[((filter * shape.r + r) * shape.s + s) * shape.c + c];
  }
};

inline void fillView(OperandView &view, std::vector<uint8_t> &bytes, const std::vector<int> &values,
                     std::array<int64_t, 4> extent, unsigned elementBytes, int64_t slack) {
  view.elementBytes = elementBytes;
  view.extent = extent;
  view.stride = {0, 0, extent[3] + slack, 1};
  view.stride[1] = view.stride[2] * extent[2] + slack;
  view.stride[0] = view.stride[1] * extent[1];
  bytes.assign(size_t(view.stride[0] * extent[0] + 1) * elementBytes, 0x5a); // What lies between rows is no zero.
  size_t next = 0;
  for (int64_t i = 0; i < extent[0]; ++i)
    for (int64_t j = 0; j < extent[1]; ++j)
      for (int64_t k = 0; k < extent[2]; ++k)
        for (int64_t l = 0; l < extent[3]; ++l) {
          int16_t value = int16_t(values[next++]);
          int8_t narrow = int8_t(value);
          std::memcpy(bytes.data() +
                          size_t(i * view.stride[0] + j * view.stride[1] + k * view.stride[2] + l) * elementBytes,
                      elementBytes == 1 ? static_cast<const void *>(&narrow) : &value, elementBytes);
        }
  view.data = bytes.data();
}

/// Independent zeros of these densities. `slack` elements lie between rows.
inline TestWork makeWork(const Contraction &shape, double densityA, double densityB, uint64_t seed, int64_t slack = 0) {
  TestWork work;
  work.shape = shape;
  std::mt19937_64 random(seed);
  auto fill = [&](std::vector<int> &values, int64_t count, double density) {
    std::bernoulli_distribution isNonzero(density);
    std::uniform_int_distribution<int> magnitude(1, 127);
    values.resize(count);
    for (int &value : values)
      value = isNonzero(random) ? (random() & 1 ? magnitude(random) : -magnitude(random)) : 0;
  };
  std::array<int64_t, 4> aExtent = {shape.n, shape.inputRows(), shape.inputColumns(), shape.g * shape.c};
  std::array<int64_t, 4> bExtent = {shape.g * shape.m, shape.r, shape.s, shape.c};
  fill(work.a, aExtent[0] * aExtent[1] * aExtent[2] * aExtent[3], densityA);
  fill(work.b, bExtent[0] * bExtent[1] * bExtent[2] * bExtent[3], densityB);
  fillView(work.aView, work.aBytes, work.a, aExtent, shape.elementBits / 8, slack);
  fillView(work.bView, work.bBytes, work.b, bExtent, shape.elementBits / 8, slack);
  return work;
}

/// A random small contraction: strides, pads, dilations, groups, depthwise, fully connected, both widths.
inline Contraction randomShape(std::mt19937_64 &random, int64_t mostChannels) {
  auto pick = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  for (;;) {
    Contraction shape;
    shape.elementBits = pick(0, 1) ? 16 : 8;
    shape.n = pick(1, 3);
    switch (pick(0, 4)) {
    case 0: // Fully connected.
      shape.kind = machine::ContractionKind::FullyConnected;
      shape.c = pick(1, mostChannels * 4);
      shape.m = pick(1, 20);
      return shape;
    case 1: // Depthwise.
      shape.kind = machine::ContractionKind::Depthwise;
      shape.g = pick(1, 9);
      shape.m = pick(1, 2);
      break;
    case 2: // Groups.
      shape.g = pick(2, 3);
      [[fallthrough]];
    default:
      shape.c = pick(1, mostChannels);
      shape.m = pick(1, 11);
    }
    shape.p = pick(1, 5);
    shape.q = pick(1, 5);
    shape.r = pick(1, 4);
    shape.s = pick(1, 4);
    shape.strideH = pick(1, 3);
    shape.strideW = pick(1, 3);
    shape.dilationH = pick(1, 2);
    shape.dilationW = pick(1, 2);
    shape.padTop = pick(0, shape.r - 1);
    shape.padBottom = pick(0, shape.r - 1);
    shape.padLeft = pick(0, shape.s - 1);
    shape.padRight = pick(0, shape.s - 1);
    if (shape.inputRows() >= 1 && shape.inputColumns() >= 1)
      return shape;
  }
}

inline std::string describe(const Contraction &s) {
  std::string text;
  for (int64_t value : {s.n, s.g, s.m, s.c, s.p, s.q, s.r, s.s, s.strideH, s.strideW, s.dilationH, s.dilationW,
                        s.padTop, s.padBottom, s.padLeft, s.padRight, int64_t(s.elementBits)})
    text += std::to_string(value) + " ";
  return "n g m c p q r s stride dilation pads(t b l r) bits: " + text;
}

inline machine::Machine shippedMachine(const char *name) {
  absl::StatusOr<machine::Machine> machine = machine::loadMachine(name);
  EXPECT_TRUE(machine.ok()) << machine.status();
  return machine.ok() ? *machine : machine::Machine{};
}

inline const Dataflow &dataflowOf(const machine::Machine &machine) {
  absl::StatusOr<const Dataflow *> found = findDataflow(machine.dataflow);
  EXPECT_TRUE(found.ok()) << found.status();
  return **found;
}

/// The machine with another array; dimensions in the order of the file.
inline machine::Machine withArray(machine::Machine machine, std::vector<uint32_t> sizes) {
  machine.peakMacsPerCycle = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    machine.array[i].size = sizes[i];
    machine.peakMacsPerCycle *= sizes[i];
  }
  return machine;
}

/// Traffic in bits, as the twins count it; count() has it in words.
inline void addBits(Counts &counts, const machine::Machine &machine, const char *level, const char *action,
                    double bits) {
  if (bits > 0)
    counts.actions.add(level, action, bits / machine.findLevel(level)->wordBits);
}

/// An active gate of this machine; "compute" is the place of the multipliers.
inline isa::Saf gateAt(const machine::Machine &machine, const char *place, isa::OperandKind target,
                       unsigned conditions) {
  int level = machine.levelIndex(place);
  return {uint8_t(level < 0 ? machine.levels.size() : size_t(level)),
          target,
          isa::SafAction::Gate,
          uint8_t(conditions),
          {}};
}
/// Whether a gate on these operands (bits) idles with operands of which these are nonzero.
inline bool idles(unsigned conditions, bool a, bool b) { return ((conditions & 1) && !a) || ((conditions & 2) && !b); }

/// Equal in everything. Cycles by bound are compared only where the twin sets them.
inline void expectEqual(const Counts &fast, const Counts &twin) {
  EXPECT_EQ(fast.cycles, twin.cycles);
  EXPECT_EQ(fast.slots, twin.slots);
  EXPECT_EQ(fast.performed, twin.performed);
  EXPECT_EQ(fast.gated, twin.gated);
  EXPECT_EQ(fast.wasted, twin.wasted);
  EXPECT_EQ(fast.wastedPadding, twin.wastedPadding);
  EXPECT_EQ(fast.wastedOutOfPlane, twin.wastedOutOfPlane);
  EXPECT_EQ(fast.effectual, twin.effectual);
  EXPECT_EQ(fast.skipped, twin.skipped);
  for (size_t i = 0; i < fast.boundCycles.size(); ++i)
    EXPECT_EQ(fast.boundCycles[i], twin.boundCycles[i]) << boundName(Bound(i));
  for (const auto *side : {&fast, &twin})
    for (const auto &[component, actions] : side->actions.all())
      for (const auto &[action, count] : actions)
        EXPECT_NEAR(fast.actions.get(component, action), twin.actions.get(component, action), 1e-9 * (1 + count))
            << component << "." << action;
}

/// What architecture demands of any counts.
inline void expectLaws(const Counts &counts, const Contraction &shape, const machine::Machine &machine) {
  EXPECT_EQ(counts.slots, counts.cycles * double(machine.peakMacsPerCycle));
  EXPECT_GE(counts.wastedPadding, 0);
  EXPECT_GE(counts.wastedOutOfPlane, 0);
  EXPECT_GE(counts.wasted, counts.wastedPadding + counts.wastedOutOfPlane);
  EXPECT_LE(counts.performed + counts.gated + counts.wasted, counts.slots);
  EXPECT_EQ(counts.performed + counts.gated + counts.skipped, double(shape.macs()));
  EXPECT_GE(counts.performed, counts.effectual);
  double bounds = 0;
  for (double cycles : counts.boundCycles) {
    EXPECT_GE(cycles, 0);
    bounds += cycles;
  }
  EXPECT_EQ(bounds, counts.cycles);
}

} // namespace sparseaccel::dataflow::test

#endif // SPARSEACCEL_TEST_UNIT_DATAFLOW_TESTWORK_H
