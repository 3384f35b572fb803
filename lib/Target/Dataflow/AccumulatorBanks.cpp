//===- AccumulatorBanks.cpp - Products that meet in a bank ----------------===//

#include "AccumulatorBanks.h"
#include "BankQueues.h"

#include <algorithm>
#include <bit>

namespace sparseaccel::dataflow {

namespace {

/// Inputs along an axis differ in which taps lead from them to an output in the plane: those of a range of shifts.
struct AxisClasses {
  struct Range {
    int64_t low, high; ///< Of shifts, inclusive.
    bool operator==(const Range &) const = default;
    bool contains(int64_t shift) const { return low <= shift && shift <= high; }
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
/// of which has the entry if it takes a slot, in list + i. Called twice, it does the same. Runs have at most kRun
/// values: those that follow fill the same few lists, which then stay in the cache.
constexpr int64_t kRun = 64;

template <typename T, typename Visit>
Entries listEntries(size_t lists, bool skips, Visit visit) {
  Entries result;
  std::vector<uint32_t> &starts = result.starts;
  starts.assign(lists + 2, 0);
  // Counts lie two places on, and places one: filling moves each start to the next.
  visit([&](const T *values, int64_t count, size_t list, uint32_t) {
    uint32_t *counts = starts.data() + list + 2;
    if (skips)
      for (int64_t i = 0; i < count; ++i)
        counts[i] += values[i] != 0;
    else
      for (int64_t i = 0; i < count; ++i)
        ++counts[i];
  });
  for (size_t i = 2; i < starts.size(); ++i)
    starts[i] += starts[i - 1];
  result.entries.resize(starts.back());
  visit([&](const T *values, int64_t count, size_t list, uint32_t entry) {
    uint32_t *places = starts.data() + list + 1, *entries = result.entries.data();
    constexpr int64_t few = 8; // For which packing bits does not pay.
    if (!skips || count < few) {
      for (int64_t i = 0; i < count; ++i)
        if (!skips || values[i] != 0)
          entries[places[i]++] = entry;
      return;
    }
    uint8_t bytes[kRun];
    uint64_t bits;
    nonzeroBytes(values, sizeof(T), count, bytes);
    packBits(bytes, count, &bits);
    for (; bits; bits &= bits - 1)
      entries[places[std::countr_zero(bits)]++] = entry;
  });
  starts.pop_back();
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
    uint32_t tile, begin, end; ///< Entries [begin, end) of a list.
  };
  /// Parts of all tiles by channels and their phases in the order of time: those of step i are
  /// [starts[i], starts[i + 1]). Their entries lie in that order, too, with room for a vector behind the last.
  struct Parts {
    std::vector<Part> parts;
    std::vector<uint32_t> starts, entries;
    std::vector<uint8_t> hasClass; ///< [step][class].
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
  std::vector<uint64_t> playGroup(const Parts &parts, const Entries &weights,
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
    for (int64_t c = 0; c < shape.c; c += kRun) {
      uint32_t entry = 0;
      for (int64_t m = first; m < end; ++m)
        for (int64_t r = 0; r < shape.r; ++r)
          for (int64_t s = 0; s < shape.s; ++s) {
            int64_t phase = rows.phaseOfTap(r) * shape.strideW + columns.phaseOfTap(s);
            take(b.row<T>(g * shape.m + m, r, s) + c, std::min(kRun, shape.c - c), size_t(phase * shape.c + c),
                 entry++);
          }
    }
  });
}

/// Activations by [n][sub-tile row][sub-tile column][slot]: the class, and the rotation of rows in the lowest 8 bits.
template <typename T>
Entries ConflictRun::listActivations(int64_t g) const {
  std::vector<PlaneAxis::Place> rowPlaces = rows.places(tiling.rows), columnPlaces = columns.places(tiling.columns);
  auto inTile = [](const std::vector<PlaneAxis::Place> &places, int64_t tile) {
    return std::ranges::equal_range(places, tile, {}, &PlaneAxis::Place::tile);
  };
  // The inputs of one tile for some channels, then for the next ones.
  auto visitTile = [&](int64_t n, int64_t tileRow, int64_t tileColumn, auto take) {
    size_t list = size_t(((n * tileRows + tileRow) * tileColumns + tileColumn) * slots());
    auto inRows = inTile(rowPlaces, tileRow), inColumns = inTile(columnPlaces, tileColumn);
    for (int64_t c = 0; c < shape.c; c += kRun)
      for (const PlaneAxis::Place &y : inRows) {
        int64_t row = &y - rowPlaces.data(), rowBank = model.rule.hashRow * (y.within + rows.halo);
        uint32_t rowClass = rowClasses.classOf[row] * uint32_t(columnClasses.ranges.size());
        for (const PlaneAxis::Place &x : inColumns) {
          int64_t column = &x - columnPlaces.data(), phase = y.phase * shape.strideW + x.phase;
          int64_t bank = rowBank + model.rule.hashColumn * (x.within + columns.halo);
          uint32_t classOf = rowClass + columnClasses.classOf[column];
          take(a.row<T>(n, row, column) + g * shape.c + c, std::min(kRun, shape.c - c), list + phase * shape.c + c,
               classOf << 8 | uint32_t(rotation(queues, bank)));
        }
      }
  };
  return listEntries<T>(size_t(shape.n * tiles() * slots()), rule.skipsZeroA, [&](auto take) {
    for (int64_t n = 0; n < shape.n; ++n)
      for (int64_t tileRow = 0; tileRow < tileRows; ++tileRow)
        for (int64_t tileColumn = 0; tileColumn < tileColumns; ++tileColumn)
          visitTile(n, tileRow, tileColumn, take);
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
  parts.hasClass.resize(size_t(slots() * classes()));
  // As in listEntries: counts lie two places on, places one.
  std::vector<uint32_t> &starts = parts.starts, entryStarts(size_t(slots() + 2));
  starts.assign(size_t(slots() + 2), 0);
  auto visit = [&](auto take) {
    for (uint32_t tile = 0; tile < like.size(); ++tile) {
      if (like[tile] != tile)
        continue;
      const uint32_t *of = activations.starts.data() + tile * slots();
      for (int64_t phase = 0, slot = 0; phase < phases(); ++phase)
        for (int64_t step = phase; step < slots(); step += phases(), ++slot)
          if (of[slot] != of[slot + 1])
            take(step, Part{tile, of[slot], of[slot + 1]});
    }
  };
  visit([&](int64_t step, const Part &part) {
    ++starts[step + 2];
    entryStarts[step + 2] += part.end - part.begin;
  });
  for (size_t i = 2; i < starts.size(); ++i)
    starts[i] += starts[i - 1], entryStarts[i] += entryStarts[i - 1];
  parts.parts.resize(starts.back());
  parts.entries.resize(entryStarts.back() + size_t(queues.activations));
  visit([&, from = activations.entries.data(), width = classes()](int64_t step, const Part &part) {
    uint32_t begin = entryStarts[step + 1], end = begin + part.end - part.begin;
    parts.parts[starts[step + 1]++] = {part.tile, begin, end};
    entryStarts[step + 1] = end;
    uint8_t *hasClass = parts.hasClass.data() + step * width;
    for (uint32_t *to = parts.entries.data(), i = part.begin; begin < end; ++begin, ++i) {
      to[begin] = from[i];
      hasClass[from[i] >> 8] = 1;
    }
  });
  starts.pop_back();
  return parts;
}

/// The spot of each weight of a group in each class of activations: [class][filter][r][s].
std::vector<uint16_t> ConflictRun::spotOffsets() const {
  int64_t filters = std::min(tiling.filters, shape.m), taps = shape.r * shape.s;
  std::vector<uint16_t> all(size_t(filters * taps)), offsets;
  for (int64_t m = 0, i = 0; m < filters; ++m)
    for (int64_t r = 0; r < shape.r; ++r)
      for (int64_t s = 0; s < shape.s; ++s) {
        int64_t bank = model.rule.hashFilter * m - model.rule.hashRow * rows.shiftOfTap(r) -
                       model.rule.hashColumn * columns.shiftOfTap(s);
        all[i++] = uint16_t(spotAt(queues, bank & (queues.banks - 1)));
      }
  for (const AxisClasses::Range &rowRange : rowClasses.ranges)
    for (const AxisClasses::Range &columnRange : columnClasses.ranges) {
      size_t first = offsets.size();
      offsets.insert(offsets.end(), all.begin(), all.end());
      for (int64_t tap = 0; tap < taps; ++tap)
        if (!rowRange.contains(rows.shiftOfTap(tap / shape.s)) ||
            !columnRange.contains(columns.shiftOfTap(tap % shape.s)))
          for (int64_t m = 0; m < filters; ++m)
            offsets[first + m * taps + tap] = uint16_t(spotNowhere(queues));
    }
  return offsets;
}

/// Cycles of each tile in the steps of a group of output channels.
template <typename Cell>
std::vector<uint64_t> ConflictRun::playGroup(const Parts &parts, const Entries &weights,
                                             const std::vector<uint16_t> &offsets) const {
  int64_t lanes = queues.lanes(), taps = shape.r * shape.s, all = shape.n * tiles();
  int64_t filters = std::min(tiling.filters, shape.m);
  BankKernel<Cell> kernel = bankKernel<Cell>(queues);
  std::vector<Cell> spotCells = spots<Cell>(queues);
  uint32_t mostWeights = 0;
  for (size_t i = 0; i + 1 < weights.starts.size(); ++i)
    mostWeights = std::max(mostWeights, weights.starts[i + 1] - weights.starts[i]);
  int64_t blockCells = ceilDiv(mostWeights, queues.weights) * rowCells(queues);
  // The first block stays empty: it is what the missing activations of a vector see.
  AlignedCells<Cell> table(size_t((classes() + 1) * blockCells)), queued(size_t(all * lanes));
  const Cell *rowsOfAll = table.data();
  const uint32_t *entries = parts.entries.data();
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
    auto next = parts.parts.begin() + parts.starts[step], end = parts.parts.begin() + parts.starts[step + 1];
    if (count == 0 || next == end)
      continue;
    for (int64_t classOf = 0; classOf < classes(); ++classOf)
      if (parts.hasClass[step * classes() + classOf])
        kernel.fillRows(queues, spotCells.data(), offsets.data() + classOf * filters * taps,
                        weights.entries.data() + begin, count, table.data() + (classOf + 1) * blockCells);
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
        // No branch: how many there are cannot be predicted. The list goes on behind the last part.
        for (int64_t k = 0; k < queues.activations; ++k) {
          uint32_t entry = entries[part.begin + k];
          size_t seen = ((entry >> 8) + 1) * size_t(blockCells) + (entry & 255);
          sees[k] = rowsOfAll + (seen & -size_t(part.begin + k < part.end));
        }
        part.begin = std::min(part.begin + uint32_t(queues.activations), part.end);
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
        cycles = playGroup<Cell>(parts, weights, offsets);
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
