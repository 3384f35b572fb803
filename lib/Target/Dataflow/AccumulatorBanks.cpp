//===- AccumulatorBanks.cpp - Products that meet in a bank ----------------===//

#include "AccumulatorBanks.h"
#include "BankQueues.h"

#include <algorithm>

namespace sparseaccel::dataflow {

namespace {

/// Inputs along an axis differ in which taps lead from them to an output in the plane: those of a range of shifts.
struct AxisClasses {
  struct Range {
    int64_t low, high; ///< Of shifts, inclusive.
    bool operator==(const Range &) const = default;
  };
  std::vector<Range> ranges;
  std::vector<uint32_t> classOf; ///< By input, an index of `ranges`.

  explicit AxisClasses(const PlaneAxis &axis) {
    for (int64_t input = 0; input < axis.inputs; ++input) {
      int64_t unshifted = axis.output(axis.positionOfInput(input), 0);
      Range range{std::max<int64_t>(0, unshifted - axis.outputs + 1),
                  std::min(axis.shiftOfTap(axis.taps - 1), unshifted)};
      if (range.low > range.high)
        range = {1, 0};
      auto found = std::find(ranges.begin(), ranges.end(), range);
      classOf.push_back(uint32_t(found - ranges.begin()));
      if (found == ranges.end())
        ranges.push_back(range);
    }
  }
};

/// Entries of one operand by lists: those of list i are [starts[i], starts[i + 1]).
struct Entries {
  std::vector<uint32_t> entries, starts;
  bool operator==(const Entries &) const = default;

  /// Whether `count` lists from i on are those from j on.
  bool same(size_t i, size_t j, size_t count) const {
    uint32_t begin = starts[i], other = starts[j], size = starts[i + count] - begin;
    if (starts[j + count] - other != size)
      return false;
    for (size_t k = 1; k < count; ++k)
      if (starts[i + k] - begin != starts[j + k] - other)
        return false;
    return std::equal(entries.begin() + begin, entries.begin() + begin + size, entries.begin() + other);
  }
};

/// Sorts entries into `lists` lists. `visit(take)` calls take(values, count, list, entry) for runs of values, the i-th
/// of which has the entry if it takes a slot, in list + i. Called twice, it does the same.
template <typename T, typename Visit>
Entries listEntries(size_t lists, bool skips, Visit visit) {
  Entries result;
  std::vector<uint32_t> &starts = result.starts;
  starts.assign(lists + 2, 0);
  // Counts lie two places on, and places one: filling moves each start to the next.
  visit([&](const T *values, int64_t count, size_t list, uint32_t) {
    uint32_t *counts = starts.data() + list + 2;
    for (int64_t i = 0; i < count; ++i)
      counts[i] += !skips || values[i] != 0;
  });
  for (size_t i = 2; i < starts.size(); ++i)
    starts[i] += starts[i - 1];
  result.entries.resize(starts.back() + 1); // One more to look at behind the last list.
  visit([&](const T *values, int64_t count, size_t list, uint32_t entry) {
    uint32_t *places = starts.data() + list + 1;
    for (int64_t i = 0; i < count; ++i) {
      bool there = !skips || values[i] != 0;
      uint32_t &place = result.entries[places[i]];
      place = there ? entry : place; // No branch: zeros cannot be predicted.
      places[i] += there;
    }
  });
  starts.pop_back();
  result.entries.pop_back();
  return result;
}

class ConflictRun {
public:
  ConflictRun(const ConflictModel &model, const OperandView &a, const OperandView &b, const EntryRule &rule)
      : model(model), shape(model.shape), tiling(model.tiling), rows(model.rows), columns(model.columns), a(a), b(b),
        rule(rule), queues{model.rule.banks, model.rule.queueDepth, model.weights, model.activations}, rowClasses(rows),
        columnClasses(columns), tileRows(ceilDiv(rows.extent, tiling.rows)),
        tileColumns(ceilDiv(columns.extent, tiling.columns)) {}

  std::vector<uint64_t> play() const { return queues.fit<uint8_t>() ? playWith<uint8_t>() : playWith<uint32_t>(); }

private:
  /// What a tile has of a channel and phase.
  struct Part {
    uint32_t tile, begin, end; ///< Entries [begin, end) of the list of activations.
  };
  /// Parts of all tiles, and the classes that they have, by channels and their phases in the order of time.
  struct Parts {
    std::vector<Part> parts;
    std::vector<uint32_t> classes;
    std::vector<size_t> partStarts, classStarts;
    size_t mostClasses = 0;
  };

  int64_t phases() const { return shape.strideH * shape.strideW; }
  int64_t slots() const { return phases() * shape.c; } ///< [phase][c].
  int64_t tiles() const { return tileRows * tileColumns; }
  int64_t classes() const { return int64_t(rowClasses.ranges.size() * columnClasses.ranges.size()); }

  template <typename T>
  Entries listWeights(int64_t g, int64_t group) const;
  template <typename T>
  Entries listActivations(int64_t g) const;
  Parts partsOf(const Entries &activations, const std::vector<uint32_t> &like) const;
  std::vector<uint32_t> likeTiles(const Entries &activations) const;
  std::vector<uint16_t> spotOffsets() const;
  template <typename Cell>
  std::vector<uint64_t> playWith() const;
  template <typename Cell>
  std::vector<uint64_t> playGroup(const Entries &activations, const Parts &parts, const Entries &weights,
                                  const std::vector<uint16_t> &offsets) const;

  const ConflictModel &model;
  const Contraction &shape;
  const PlanarTiling &tiling;
  const PlaneAxis &rows, &columns;
  const OperandView &a, &b;
  EntryRule rule;
  BankQueues queues;
  AxisClasses rowClasses, columnClasses;
  int64_t tileRows, tileColumns;
};

/// Weights of a group of filters by slot: (filter within the group, r, s) as one number.
template <typename T>
Entries ConflictRun::listWeights(int64_t g, int64_t group) const {
  int64_t first = group * tiling.filters, end = std::min(shape.m, first + tiling.filters);
  return listEntries<T>(size_t(slots()), rule.skipsZeroB, [&](auto take) {
    uint32_t entry = 0;
    for (int64_t m = first; m < end; ++m)
      for (int64_t r = 0; r < shape.r; ++r)
        for (int64_t s = 0; s < shape.s; ++s) {
          int64_t phase = rows.phaseOfTap(r) * shape.strideW + columns.phaseOfTap(s);
          take(b.row<T>(g * shape.m + m, r, s), shape.c, size_t(phase * shape.c), entry++);
        }
  });
}

/// Activations by [n][sub-tile row][sub-tile column][slot]: the class, and the rotation of rows in the lowest 8 bits.
template <typename T>
Entries ConflictRun::listActivations(int64_t g) const {
  return listEntries<T>(size_t(shape.n * tiles() * slots()), rule.skipsZeroA, [&](auto take) {
    for (int64_t n = 0; n < shape.n; ++n)
      for (int64_t row = 0; row < rows.inputs; ++row) {
        int64_t y = rows.positionOfInput(row), tileRow = y / tiling.rows;
        int64_t rowBank = model.rule.hashRow * (y % tiling.rows + rows.halo);
        uint32_t rowClass = rowClasses.classOf[row] * uint32_t(columnClasses.ranges.size());
        for (int64_t column = 0; column < columns.inputs; ++column) {
          int64_t x = columns.positionOfInput(column),
                  tile = (n * tileRows + tileRow) * tileColumns + x / tiling.columns;
          int64_t bank = rowBank + model.rule.hashColumn * (x % tiling.columns + columns.halo);
          uint32_t classOf = rowClass + columnClasses.classOf[column];
          int64_t phase = rows.phaseOfInput(row) * shape.strideW + columns.phaseOfInput(column);
          take(a.row<T>(n, row, column) + g * shape.c, shape.c, size_t(tile * slots() + phase * shape.c),
               classOf << 8 | uint32_t(rotation(queues, bank)));
        }
      }
  });
}

/// For each tile the first one that has the same activations, maybe itself.
std::vector<uint32_t> ConflictRun::likeTiles(const Entries &activations) const {
  std::vector<uint32_t> like, unlike;
  for (uint32_t tile = 0; tile < shape.n * tiles(); ++tile) {
    auto found = std::find_if(unlike.begin(), unlike.end(), [&](uint32_t other) {
      return activations.same(tile * size_t(slots()), other * size_t(slots()), size_t(slots()));
    });
    like.push_back(found == unlike.end() ? tile : *found);
    if (like.back() == tile)
      unlike.push_back(tile);
  }
  return like;
}

ConflictRun::Parts ConflictRun::partsOf(const Entries &activations, const std::vector<uint32_t> &like) const {
  Parts parts;
  std::vector<int64_t> seenIn(classes(), -1);
  for (int64_t c = 0; c < shape.c; ++c)
    for (int64_t phase = 0; phase < phases(); ++phase) {
      int64_t slot = phase * shape.c + c;
      parts.partStarts.push_back(parts.parts.size());
      parts.classStarts.push_back(parts.classes.size());
      for (uint32_t tile = 0; tile < like.size(); ++tile) {
        const uint32_t *starts = activations.starts.data() + tile * slots() + slot;
        if (like[tile] != tile || starts[0] == starts[1])
          continue;
        parts.parts.push_back({tile, starts[0], starts[1]});
        for (uint32_t i = starts[0]; i < starts[1]; ++i)
          if (uint32_t classOf = activations.entries[i] >> 8; seenIn[classOf] != slot) {
            seenIn[classOf] = slot;
            parts.classes.push_back(classOf);
          }
      }
      parts.mostClasses = std::max(parts.mostClasses, parts.classes.size() - parts.classStarts.back());
    }
  parts.partStarts.push_back(parts.parts.size());
  parts.classStarts.push_back(parts.classes.size());
  return parts;
}

/// The spot of each weight of a group in each class of activations: [class][filter][r][s].
std::vector<uint16_t> ConflictRun::spotOffsets() const {
  std::vector<uint16_t> offsets;
  for (const AxisClasses::Range &rowRange : rowClasses.ranges)
    for (const AxisClasses::Range &columnRange : columnClasses.ranges)
      for (int64_t m = 0; m < std::min(tiling.filters, shape.m); ++m)
        for (int64_t r = 0; r < shape.r; ++r)
          for (int64_t s = 0; s < shape.s; ++s) {
            int64_t down = rows.shiftOfTap(r), right = columns.shiftOfTap(s);
            bool inside =
                down >= rowRange.low && down <= rowRange.high && right >= columnRange.low && right <= columnRange.high;
            int64_t bank = (model.rule.hashFilter * m - model.rule.hashRow * down - model.rule.hashColumn * right) &
                           (queues.banks - 1);
            offsets.push_back(uint16_t(inside ? spotAt(queues, bank) : spotNowhere(queues)));
          }
  return offsets;
}

/// Cycles of each tile in the steps of a group of output channels.
template <typename Cell>
std::vector<uint64_t> ConflictRun::playGroup(const Entries &activations, const Parts &parts, const Entries &weights,
                                             const std::vector<uint16_t> &offsets) const {
  int64_t lanes = queues.lanes(), taps = shape.r * shape.s, all = shape.n * tiles();
  BankKernel<Cell> kernel = bankKernel<Cell>(queues);
  std::vector<Cell> spotCells = spots<Cell>(queues);
  uint32_t mostWeights = 0;
  for (size_t i = 0; i + 1 < weights.starts.size(); ++i)
    mostWeights = std::max(mostWeights, weights.starts[i + 1] - weights.starts[i]);
  int64_t blockCells = ceilDiv(mostWeights, queues.weights) * rowCells(queues);
  // The first block stays empty: it is what the missing activations of a vector see.
  AlignedCells<Cell> table(size_t(parts.mostClasses + 1) * blockCells), queued(size_t(all * lanes));
  std::vector<const Cell *> blockOf(classes());
  std::vector<uint64_t> cycles(all);

  struct Cursor {
    Part part;
    std::vector<const Cell *> sees;
  };
  std::vector<Cursor> cursors(kMeetings, Cursor{{}, std::vector<const Cell *>(queues.activations)});
  Meeting<Cell> meetings[kMeetings];
  for (int64_t step = 0; step < slots(); ++step) {
    int64_t slot = step % phases() * shape.c + step / phases();
    uint32_t begin = weights.starts[slot], count = weights.starts[slot + 1] - begin;
    auto next = parts.parts.begin() + parts.partStarts[step], end = parts.parts.begin() + parts.partStarts[step + 1];
    if (count == 0 || next == end)
      continue;
    Cell *block = table.data();
    for (size_t i = parts.classStarts[step]; i < parts.classStarts[step + 1]; ++i) {
      uint32_t classOf = parts.classes[i];
      blockOf[classOf] = block += blockCells;
      kernel.fillRows(queues, spotCells.data(), offsets.data() + classOf * std::min(tiling.filters, shape.m) * taps,
                      weights.entries.data() + begin, count, block);
    }
    int64_t vectors = ceilDiv(count, queues.weights), active = 0;
    // Side by side are vectors of activations of different tiles; where a tile has no more, another one starts.
    while (true) {
      for (int64_t i = 0; i < active;)
        if (cursors[i].part.begin < cursors[i].part.end)
          ++i;
        else
          std::swap(cursors[i].part, cursors[--active].part);
      while (active < kMeetings && next != end)
        cursors[active++].part = *next++;
      if (active == 0)
        break;
      for (int64_t i = 0; i < active; ++i) {
        auto &[part, sees] = cursors[i];
        for (int64_t k = 0; k < queues.activations; ++k) {
          bool there = part.begin < part.end;
          uint32_t entry = there ? activations.entries[part.begin++] : 0;
          sees[k] = there ? blockOf[entry >> 8] + (entry & 255) : table.data();
        }
        meetings[i] = {queued.data() + part.tile * lanes, &cycles[part.tile], sees.data()};
        cycles[part.tile] += uint64_t(vectors);
      }
      kernel.meet(queues, vectors, meetings, active);
    }
  }
  for (int64_t tile = 0; tile < all; ++tile)
    cycles[tile] += *std::max_element(queued.data() + tile * lanes, queued.data() + (tile + 1) * lanes);
  return cycles;
}

template <typename Cell>
std::vector<uint64_t> ConflictRun::playWith() const {
  int64_t groups = tiling.groups(shape);
  bool bytes = b.elementBytes == 1;
  std::vector<uint16_t> offsets = spotOffsets();
  std::vector<uint64_t> result(shape.n * shape.g * groups * tiles());
  for (int64_t g = 0; g < shape.g; ++g) {
    Entries activations = a.elementBytes == 1 ? listActivations<uint8_t>(g) : listActivations<uint16_t>(g);
    std::vector<uint32_t> like = likeTiles(activations);
    Parts parts = partsOf(activations, like);
    Entries before;
    std::vector<uint64_t> cycles;
    for (int64_t group = 0; group < groups; ++group) {
      Entries weights = bytes ? listWeights<uint8_t>(g, group) : listWeights<uint16_t>(g, group);
      if (group == 0 || weights != before)
        cycles = playGroup<Cell>(activations, parts, weights, offsets);
      before = std::move(weights);
      for (int64_t n = 0; n < shape.n; ++n)
        for (int64_t tile = 0; tile < tiles(); ++tile)
          result[((n * shape.g + g) * groups + group) * tiles() + tile] = cycles[like[n * tiles() + tile]];
    }
  }
  return result;
}

} // namespace

std::vector<uint64_t> ConflictModel::run(const OperandView &a, const OperandView &b, const EntryRule &entries) const {
  return ConflictRun(*this, a, b, entries).play();
}

} // namespace sparseaccel::dataflow
