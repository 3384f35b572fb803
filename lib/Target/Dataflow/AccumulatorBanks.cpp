//===- AccumulatorBanks.cpp - Products that meet in a bank ----------------===//

#include "AccumulatorBanks.h"

#include <algorithm>

namespace sparseaccel::dataflow {

template <typename T>
ConflictModel::Entries<ConflictModel::Weight> ConflictModel::listWeights(const OperandView &b, bool skips, int64_t g,
                                                                         int64_t group) const {
  int64_t firstFilter = group * tiling.filters, end = std::min(shape.m, firstFilter + tiling.filters);
  std::vector<std::vector<Weight>> slots(shape.c * phases());
  for (int64_t m = firstFilter; m < end; ++m)
    for (int64_t r = 0; r < shape.r; ++r)
      for (int64_t s = 0; s < shape.s; ++s) {
        int64_t phase = rows.phaseOfTap(r) * shape.strideW + columns.phaseOfTap(s);
        int64_t shiftRow = rows.shiftOfTap(r), shiftColumn = columns.shiftOfTap(s);
        int64_t bank = (rule.hashFilter * (m - firstFilter) - rule.hashRow * shiftRow - rule.hashColumn * shiftColumn) &
                       (rule.banks - 1);
        const T *values = b.row<T>(g * shape.m + m, r, s);
        for (int64_t c = 0; c < shape.c; ++c)
          if (!skips || values[c] != 0)
            slots[c * phases() + phase].push_back({int32_t(shiftRow), int32_t(shiftColumn), uint32_t(bank)});
      }
  Entries<Weight> list;
  for (const std::vector<Weight> &slot : slots) {
    list.starts.push_back(list.entries.size());
    list.entries.insert(list.entries.end(), slot.begin(), slot.end());
  }
  list.starts.push_back(list.entries.size());
  return list;
}

template <typename T>
ConflictModel::Entries<ConflictModel::Activation> ConflictModel::listActivations(const OperandView &a, bool skips,
                                                                                 int64_t n, int64_t g, int64_t tileRow,
                                                                                 int64_t tileColumn) const {
  std::vector<std::vector<Activation>> slots(shape.c * phases());
  int64_t top = tileRow * tiling.rows, left = tileColumn * tiling.columns;
  // Inputs of positions [low, low + size): their padded coordinates are (low + first) * stride and following.
  auto inputs = [](const PlaneAxis &axis, int64_t low, int64_t size) {
    int64_t begin = (low + axis.first) * axis.stride - axis.padLow;
    return std::pair(std::max<int64_t>(begin, 0), std::min(axis.inputs, begin + size * axis.stride));
  };
  auto [rowBegin, rowEnd] = inputs(rows, top, tiling.rows);
  auto [columnBegin, columnEnd] = inputs(columns, left, tiling.columns);
  for (int64_t row = rowBegin; row < rowEnd; ++row)
    for (int64_t column = columnBegin; column < columnEnd; ++column) {
      int64_t phase = rows.phaseOfInput(row) * shape.strideW + columns.phaseOfInput(column);
      int64_t y = rows.positionOfInput(row), x = columns.positionOfInput(column);
      int64_t bank = rule.hashRow * (y - top + rows.halo) + rule.hashColumn * (x - left + columns.halo);
      const T *values = a.row<T>(n, row, column) + g * shape.c;
      for (int64_t c = 0; c < shape.c; ++c)
        if (!skips || values[c] != 0)
          slots[c * phases() + phase].push_back(
              {int32_t(rows.output(y, 0)), int32_t(columns.output(x, 0)), uint32_t(bank & (rule.banks - 1))});
    }
  Entries<Activation> list;
  for (const std::vector<Activation> &slot : slots) {
    list.starts.push_back(list.entries.size());
    list.entries.insert(list.entries.end(), slot.begin(), slot.end());
  }
  list.starts.push_back(list.entries.size());
  return list;
}

/// `inside`: no product of the tile can lie outside of the plane.
uint64_t ConflictModel::step(const Entries<Activation> &a, const Entries<Weight> &b, bool inside) const {
  // A bank's queue is known by the cycle in which it will be empty.
  constexpr size_t mostBanks = 256;
  uint64_t empty[mostBanks] = {}, latest = 0, now = 0;
  uint32_t mask = uint32_t(rule.banks - 1);
  uint64_t depth = uint64_t(rule.queueDepth);
  for (size_t slot = 0; slot + 1 < a.starts.size(); ++slot) {
    for (size_t i = a.starts[slot]; i < a.starts[slot + 1]; i += activations) {
      size_t iEnd = std::min<size_t>(i + activations, a.starts[slot + 1]);
      for (size_t j = b.starts[slot]; j < b.starts[slot + 1]; j += weights) {
        size_t jEnd = std::min<size_t>(j + weights, b.starts[slot + 1]);
        if (latest > now + depth)
          now = latest - depth;
        for (size_t w = j; w < jEnd; ++w) {
          const Weight &weight = b.entries[w];
          for (size_t x = i; x < iEnd; ++x) {
            const Activation &activation = a.entries[x];
            if (!inside) {
              int64_t p = activation.row - weight.shiftRow, q = activation.column - weight.shiftColumn;
              if (p < 0 || p >= rows.outputs || q < 0 || q >= columns.outputs)
                continue;
            }
            uint64_t &bank = empty[(activation.bank + weight.bank) & mask];
            bank = std::max(bank, now) + 1;
            latest = std::max(latest, bank);
          }
        }
        ++now;
      }
    }
  }
  return std::max(now, latest);
}

template <typename T>
std::vector<uint64_t> ConflictModel::runOf(const OperandView &a, const OperandView &b, const EntryRule &entries) {
  int64_t groups = tiling.groups(shape);
  int64_t tileRows = ceilDiv(rows.extent, tiling.rows), tileColumns = ceilDiv(columns.extent, tiling.columns);
  std::vector<uint64_t> cycles(shape.n * shape.g * groups * tileRows * tileColumns);
  // Whether the outputs that inputs at [low, low + size) reach all lie in the plane.
  auto inside = [](const PlaneAxis &axis, int64_t low, int64_t size) {
    return axis.output(low, axis.halo) >= 0 && axis.output(low + size - 1, 0) < axis.outputs;
  };
  for (int64_t g = 0; g < shape.g; ++g) {
    std::vector<Entries<Weight>> lists;
    for (int64_t group = 0; group < groups; ++group)
      lists.push_back(listWeights<T>(b, entries.skipsZeroB, g, group));
    for (int64_t n = 0; n < shape.n; ++n)
      for (int64_t tileRow = 0; tileRow < tileRows; ++tileRow)
        for (int64_t tileColumn = 0; tileColumn < tileColumns; ++tileColumn) {
          Entries<Activation> list = listActivations<T>(a, entries.skipsZeroA, n, g, tileRow, tileColumn);
          bool allInside = inside(rows, tileRow * tiling.rows, tiling.rows) &&
                           inside(columns, tileColumn * tiling.columns, tiling.columns);
          for (int64_t group = 0; group < groups; ++group)
            cycles[(((n * shape.g + g) * groups + group) * tileRows + tileRow) * tileColumns + tileColumn] =
                step(list, lists[group], allInside);
        }
  }
  return cycles;
}

std::vector<uint64_t> ConflictModel::run(const OperandView &a, const OperandView &b, const EntryRule &entries) {
  return a.elementBytes == 1 ? runOf<uint8_t>(a, b, entries) : runOf<uint16_t>(a, b, entries);
}

} // namespace sparseaccel::dataflow
