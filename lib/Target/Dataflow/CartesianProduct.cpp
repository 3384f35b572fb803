//===- CartesianProduct.cpp - Nonzero activations times nonzero weights ---===//
//
// Models Parashar et al., "SCNN: An Accelerator for Compressed-sparse Convolutional Neural Networks", ISCA 2017: the
// plane of activations is shared out over processing elements; each multiplies vectors of nonzero activations of a
// channel with vectors of nonzero weights of the same channel, all with all, and adds every product into the
// accumulator of its output. Sums leave with each group of output channels, at which all processing elements meet.
//
//===----------------------------------------------------------------------===//

#include "AccumulatorBanks.h"
#include "Dataflows.h"
#include "Expectation.h"
#include "PlanarTiling.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace sparseaccel::dataflow {

using isa::OperandKind;

namespace {

constexpr const char *kName = "cartesian-product";
constexpr const char *kWeightVector = "weights", *kActivationVector = "activations";
constexpr const char *kDimensions[] = {kPlanarRows, kPlanarColumns, kWeightVector, kActivationVector};

constexpr DeclaredParameter kIndexBits = {"index_bits", 4, "run of zeros that is stored with each entry"};
constexpr DeclaredParameter kDrainWords = {"drain_words", 4, "sums that leave the accumulators in a cycle"};
constexpr DeclaredParameter kHaloWords = {"halo_words", 4, "sums that go to a neighbour in a cycle"};
constexpr DeclaredParameter kConflicts = {"bank_conflicts", 0, "1: products wait for their accumulator bank"};
constexpr DeclaredParameter kBanks = {"banks", 32, "accumulator banks of a processing element, a power of two"};
constexpr DeclaredParameter kQueueDepth = {"queue_depth", 4, "products that may wait at a bank while the array issues"};
constexpr DeclaredParameter kHashFilter = {"hash_filter", 17, "factor of the filter in the number of the bank"};
constexpr DeclaredParameter kHashRow = {"hash_row", 8, "factor of the output row in the number of the bank"};
constexpr DeclaredParameter kHashColumn = {"hash_column", 1, "factor of the output column in the number of the bank"};
constexpr const DeclaredParameter *kParameters[] = {
    &kAccumulatorEntries, &kIndexBits,  &kDrainWords, &kHaloWords, &kConflicts, &kBanks,
    &kQueueDepth,         &kHashFilter, &kHashRow,    &kHashColumn};

/// Phases of a stride that some tap has, numbered; -1 for those without.
struct Phases {
  std::vector<int64_t> index;
  int64_t used = 0;
  explicit Phases(const PlaneAxis &axis) : index(axis.stride, -1) {
    for (int64_t tap = 0; tap < axis.taps; ++tap)
      if (int64_t &at = index[axis.phaseOfTap(tap)]; at < 0)
        at = used++;
  }
};

/// One contraction as it lies on the array.
struct Layout {
  const Contraction &shape;
  PlanarTiling tiling;
  PlaneAxis rows, columns;
  Phases rowPhases, columnPhases;
  int64_t weightVector, activationVector;
  int64_t groups, tileRows, tileColumns; ///< Groups of output channels; sub-tiles that have positions.
  int64_t elements;                      ///< Processing elements that have some.

  Layout(const Work &work, const PlanarTiling &tiling)
      : shape(work.shape), tiling(tiling), rows(PlaneAxis::rows(shape)), columns(PlaneAxis::columns(shape)),
        rowPhases(rows), columnPhases(columns), weightVector(arraySize(*work.machine, kWeightVector)),
        activationVector(arraySize(*work.machine, kActivationVector)), groups(tiling.groups(shape)),
        tileRows(ceilDiv(rows.extent, tiling.rows)), tileColumns(ceilDiv(columns.extent, tiling.columns)),
        elements(ceilDiv(tileRows, tiling.subRows) * ceilDiv(tileColumns, tiling.subColumns)) {}

  int64_t phases() const { return rowPhases.used * columnPhases.used; }
  int64_t tiles() const { return tileRows * tileColumns; }
  int64_t filtersOf(int64_t group) const { return std::min(tiling.filters, shape.m - group * tiling.filters); }
  /// Processing elements that have a sub-tile of this number.
  int64_t elementsAt(int64_t subRow, int64_t subColumn) const {
    return ceilDiv(tileRows - subRow, tiling.subRows) * ceilDiv(tileColumns - subColumn, tiling.subColumns);
  }
};

/// Sums that leave a sub-tile's accumulators for one filter.
struct TileDrain {
  int64_t held = 0; ///< In the plane.
  int64_t sent = 0; ///< Of these, outputs of another tile.
  int64_t own = 0;  ///< Outputs of this one.
};

TileDrain drainOf(const Layout &layout, int64_t tileRow, int64_t tileColumn) {
  int64_t top = tileRow * layout.tiling.rows, left = tileColumn * layout.tiling.columns;
  int64_t bottom = top + layout.tiling.rows, right = left + layout.tiling.columns;
  TileDrain drain;
  drain.held = layout.rows.touched(top, bottom) * layout.columns.touched(left, right);
  drain.sent = drain.held - layout.rows.ownAndTouched(top, bottom) * layout.columns.ownAndTouched(left, right);
  drain.own = layout.rows.own(top, bottom) * layout.columns.own(left, right);
  return drain;
}

/// What count() finds out and estimate() expects.
struct Totals {
  double compute = 0;   ///< Cycles: over steps, the slowest processing element.
  double conflicts = 0; ///< Cycles that bank conflicts add to that.
  double drains = 0;    ///< Cycles in which the array waits for accumulators to drain.
  double busy = 0;      ///< Cycles of all processing elements.
  double pairs = 0;     ///< Entries times entries of the same channel and phase.
  double pairsUngated = 0;
  double activationReads = 0, weightWrites = 0, weightReads = 0; ///< Entries.
  double held = 0, sent = 0;                                     ///< Sums, over all steps.
};

/// Plays the steps in order: image, group, group of output channels, sub-tile. `slowest(n, g, group, subRow,
/// subColumn)` is {cycles of the slowest element, cycles that conflicts add}. The accumulators are double-buffered: a
/// step's sums drain while the next one works, and no step ends before those of the one before are out.
template <typename Slowest>
void playSteps(const Layout &layout, const machine::Machine &machine, Totals &totals, Slowest slowest) {
  const PlanarTiling &tiling = layout.tiling;
  int64_t drainWords = int64_t(kDrainWords.of(machine)), haloWords = int64_t(kHaloWords.of(machine));
  int64_t subRows = std::min(tiling.subRows, layout.tileRows),
          subColumns = std::min(tiling.subColumns, layout.tileColumns);
  int64_t subs = subRows * subColumns;
  // Drains depend on the sub-tile and on the number of filters only: a full group's, and the last one's.
  std::vector<int64_t> fullDrain(subs), lastDrain(subs);
  int64_t lastFilters = layout.filtersOf(layout.groups - 1);
  double held = 0, sent = 0;
  for (int64_t tileRow = 0; tileRow < layout.tileRows; ++tileRow)
    for (int64_t tileColumn = 0; tileColumn < layout.tileColumns; ++tileColumn) {
      TileDrain drain = drainOf(layout, tileRow, tileColumn);
      int64_t sub = tileRow % tiling.subRows * subColumns + tileColumn % tiling.subColumns;
      auto cycles = [&](int64_t filters) {
        return ceilDiv(drain.sent * filters, haloWords) + ceilDiv(drain.own * filters, drainWords);
      };
      fullDrain[sub] = std::max(fullDrain[sub], cycles(tiling.filters));
      lastDrain[sub] = std::max(lastDrain[sub], cycles(lastFilters));
      held += double(drain.held);
      sent += double(drain.sent);
    }
  double filters = double(layout.shape.n * layout.shape.g * layout.shape.m);
  totals.held = held * filters;
  totals.sent = sent * filters;
  double draining = 0;
  for (int64_t n = 0; n < layout.shape.n; ++n)
    for (int64_t g = 0; g < layout.shape.g; ++g)
      for (int64_t group = 0; group < layout.groups; ++group)
        for (int64_t sub = 0; sub < subs; ++sub) {
          auto [cycles, conflicts] = slowest(n, g, group, sub / subColumns, sub % subColumns);
          totals.compute += cycles;
          totals.conflicts += conflicts;
          totals.drains += std::max(0.0, draining - cycles - conflicts);
          draining = double(group + 1 < layout.groups ? fullDrain[sub] : lastDrain[sub]);
        }
  totals.drains += draining;
}

/// Weights that take a slot, and vectors of them, by group of output channels: [g][group][phase][c].
class WeightCounts final : public WeightDigest {
public:
  std::vector<uint16_t> entries, vectors;
  // What else they depend on.
  int64_t filters = 0, strideH = 0, strideW = 0;
  bool skipsZero = false;
  uint64_t bytes() const override { return sizeof(*this) + 2 * (entries.size() + vectors.size()); }
  bool fits(const Layout &layout, bool skips) const {
    return filters == layout.tiling.filters && strideH == layout.shape.strideH && strideW == layout.shape.strideW &&
           skipsZero == skips;
  }
};

template <typename T>
void addEntries(const T *values, int64_t count, bool skips, uint16_t *sums) {
  if (skips)
    for (int64_t i = 0; i < count; ++i)
      sums[i] = uint16_t(sums[i] + (values[i] != 0));
  else
    for (int64_t i = 0; i < count; ++i)
      ++sums[i];
}

template <typename T>
std::vector<uint16_t> countActivations(const Layout &layout, const OperandView &a, bool skips) {
  const Contraction &shape = layout.shape;
  int64_t channels = shape.g * shape.c;
  std::vector<uint16_t> counts(shape.n * layout.tiles() * layout.phases() * channels);
  std::vector<PlaneAxis::Place> rows = layout.rows.places(layout.tiling.rows),
                                columns = layout.columns.places(layout.tiling.columns);
  for (int64_t n = 0; n < shape.n; ++n)
    for (int64_t row = 0; row < layout.rows.inputs; ++row) {
      int64_t rowPhase = layout.rowPhases.index[rows[row].phase];
      if (rowPhase < 0)
        continue;
      for (int64_t column = 0; column < layout.columns.inputs; ++column) {
        int64_t columnPhase = layout.columnPhases.index[columns[column].phase];
        if (columnPhase < 0)
          continue;
        int64_t tile = (n * layout.tileRows + rows[row].tile) * layout.tileColumns + columns[column].tile;
        int64_t phase = rowPhase * layout.columnPhases.used + columnPhase;
        addEntries(a.row<T>(n, row, column), channels, skips,
                   counts.data() + (tile * layout.phases() + phase) * channels);
      }
    }
  return counts;
}

template <typename T>
std::vector<uint16_t> countWeights(const Layout &layout, const OperandView &b, bool skips) {
  const Contraction &shape = layout.shape;
  std::vector<uint16_t> counts(shape.g * layout.groups * layout.phases() * shape.c);
  for (int64_t g = 0; g < shape.g; ++g)
    for (int64_t m = 0; m < shape.m; ++m) {
      uint16_t *group = counts.data() + (g * layout.groups + m / layout.tiling.filters) * layout.phases() * shape.c;
      for (int64_t r = 0; r < shape.r; ++r) {
        int64_t rowPhase = layout.rowPhases.index[layout.rows.phaseOfTap(r)];
        for (int64_t s = 0; s < shape.s; ++s) {
          int64_t phase = rowPhase * layout.columnPhases.used + layout.columnPhases.index[layout.columns.phaseOfTap(s)];
          addEntries(b.row<T>(g * shape.m + m, r, s), shape.c, skips, group + phase * shape.c);
        }
      }
    }
  return counts;
}

std::vector<uint16_t> countActivations(const Layout &layout, const OperandView &a, bool skips) {
  return a.elementBytes == 1 ? countActivations<uint8_t>(layout, a, skips)
                             : countActivations<uint16_t>(layout, a, skips);
}

std::vector<uint16_t> countWeights(const Layout &layout, const OperandView &b, bool skips) {
  return b.elementBytes == 1 ? countWeights<uint8_t>(layout, b, skips) : countWeights<uint16_t>(layout, b, skips);
}

/// Entries to vectors of `width`.
std::vector<uint16_t> vectorsOf(const std::vector<uint16_t> &entries, int64_t width) {
  std::vector<uint16_t> vectors(entries.size());
  if (std::has_single_bit(uint64_t(width))) {
    int shift = std::countr_zero(uint64_t(width));
    for (size_t i = 0; i < entries.size(); ++i)
      vectors[i] = uint16_t((entries[i] + (uint32_t(1) << shift) - 1) >> shift);
  } else {
    for (size_t i = 0; i < entries.size(); ++i)
      vectors[i] = uint16_t((entries[i] + width - 1) / width);
  }
  return vectors;
}

/// Sum of x[i] * y[i], with numbers below 2^15. `narrow`: the sum is below 2^31, which vectorises better.
uint64_t dot(const uint16_t *x, const uint16_t *y, int64_t count, bool narrow) {
  if (narrow) {
    int32_t sum = 0;
    for (int64_t i = 0; i < count; ++i)
      sum += int32_t(int16_t(x[i])) * int32_t(int16_t(y[i]));
    return uint64_t(uint32_t(sum));
  }
  uint64_t sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += uint64_t(uint32_t(x[i]) * y[i]);
  return sum;
}

WeightCounts makeWeightCounts(const Layout &layout, const OperandView &b, bool skips) {
  WeightCounts counts;
  counts.entries = countWeights(layout, b, skips);
  counts.vectors = vectorsOf(counts.entries, layout.weightVector);
  counts.filters = layout.tiling.filters;
  counts.strideH = layout.shape.strideH, counts.strideW = layout.shape.strideW;
  counts.skipsZero = skips;
  return counts;
}

Totals countTotals(const Work &work, const Layout &layout, const OperandView &a, const OperandView &b) {
  const Contraction &shape = layout.shape;
  EntryRule rule{skipsOn(work, OperandKind::A), skipsOn(work, OperandKind::B)};
  unsigned gates = gatingConditions(work);
  int64_t phases = layout.phases(), channels = shape.g * shape.c, subColumns = layout.tiling.subColumns;
  std::vector<uint16_t> aEntries = countActivations(layout, a, rule.skipsZeroA);
  std::vector<uint16_t> aVectors = vectorsOf(aEntries, layout.activationVector);
  const auto *weights = static_cast<const WeightCounts *>(work.digest);
  WeightCounts own;
  if (!weights || !weights->fits(layout, rule.skipsZeroB)) {
    own = makeWeightCounts(layout, b, rule.skipsZeroB);
    weights = &own;
  }
  const std::vector<uint16_t> &bEntries = weights->entries, &bVectors = weights->vectors;
  auto most = [](const std::vector<uint16_t> &counts) {
    return counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  };
  bool narrow = double(most(aVectors)) * double(most(bVectors)) * double(shape.c) < std::ldexp(1.0, 31);

  std::vector<uint64_t> withConflicts;
  if (kConflicts.of(*work.machine) != 0) {
    const machine::Machine &machine = *work.machine;
    BankRule banks{int64_t(kBanks.of(machine)), int64_t(kQueueDepth.of(machine)), int64_t(kHashFilter.of(machine)),
                   int64_t(kHashRow.of(machine)), int64_t(kHashColumn.of(machine))};
    ConflictModel model{shape, layout.tiling,           layout.rows,        layout.columns,
                        banks, layout.activationVector, layout.weightVector};
    withConflicts = model.run(a, b, rule);
  }

  Totals totals;
  uint64_t busyCycles = 0;
  playSteps(layout, *work.machine, totals, [&](int64_t n, int64_t g, int64_t group, int64_t subRow, int64_t subColumn) {
    const uint16_t *vectors = bVectors.data() + (g * layout.groups + group) * phases * shape.c;
    uint64_t slowest = 0, slowestWithConflicts = 0;
    for (int64_t tileRow = subRow; tileRow < layout.tileRows; tileRow += layout.tiling.subRows)
      for (int64_t tileColumn = subColumn; tileColumn < layout.tileColumns; tileColumn += subColumns) {
        int64_t tile = (n * layout.tileRows + tileRow) * layout.tileColumns + tileColumn;
        const uint16_t *activations = aVectors.data() + tile * phases * channels + g * shape.c;
        uint64_t cycles = 0;
        for (int64_t phase = 0; phase < phases; ++phase)
          cycles += dot(activations + phase * channels, vectors + phase * shape.c, shape.c, narrow);
        busyCycles += cycles;
        slowest = std::max(slowest, cycles);
        if (!withConflicts.empty())
          slowestWithConflicts =
              std::max(slowestWithConflicts,
                       withConflicts[(((n * shape.g + g) * layout.groups + group) * layout.tileRows + tileRow) *
                                         layout.tileColumns +
                                     tileColumn]);
      }
    double conflicts = withConflicts.empty() ? 0 : double(slowestWithConflicts - slowest);
    return std::pair(double(slowest), conflicts);
  });
  totals.busy = double(busyCycles);

  // By phase and channel, over images and tiles, and over groups of output channels.
  auto sumActivations = [&](const std::vector<uint16_t> &counts) {
    std::vector<uint64_t> sums(phases * channels);
    for (int64_t tile = 0; tile < shape.n * layout.tiles(); ++tile)
      for (int64_t i = 0; i < phases * channels; ++i)
        sums[i] += counts[tile * phases * channels + i];
    return sums;
  };
  auto sumWeights = [&](const std::vector<uint16_t> &counts, bool present) {
    std::vector<uint64_t> sums(phases * channels);
    for (int64_t g = 0; g < shape.g; ++g)
      for (int64_t group = 0; group < layout.groups; ++group)
        for (int64_t phase = 0; phase < phases; ++phase)
          for (int64_t c = 0; c < shape.c; ++c) {
            uint16_t count = counts[((g * layout.groups + group) * phases + phase) * shape.c + c];
            sums[phase * channels + g * shape.c + c] += present ? uint64_t(count > 0) : count;
          }
    return sums;
  };
  auto products = [](const std::vector<uint64_t> &x, const std::vector<uint64_t> &y) {
    uint64_t sum = 0;
    for (size_t i = 0; i < x.size(); ++i)
      sum += x[i] * y[i];
    return double(sum);
  };
  std::vector<uint64_t> aSums = sumActivations(aEntries), bSums = sumWeights(bEntries, false);
  totals.pairs = products(aSums, bSums);
  totals.activationReads = products(aSums, sumWeights(bEntries, true));
  totals.weightReads = products(sumActivations(aVectors), bSums);
  uint64_t weightEntries = 0;
  for (uint64_t sum : bSums)
    weightEntries += sum;
  totals.weightWrites = double(weightEntries) * double(shape.n * layout.tiles());
  totals.pairsUngated = totals.pairs;
  bool gatesA = (gates & 1) && !rule.skipsZeroA, gatesB = (gates & 2) && !rule.skipsZeroB;
  if (gatesA || gatesB)
    totals.pairsUngated = products(gatesA ? sumActivations(countActivations(layout, a, true)) : aSums,
                                   gatesB ? sumWeights(countWeights(layout, b, true), false) : bSums);
  return totals;
}

/// Mean and mean square of ceil(X / width) for X of a binomial distribution.
struct VectorMoments {
  double mean = 0, square = 0;
};

VectorMoments vectorMoments(int64_t trials, double density, int64_t width) {
  double d = std::clamp(density, 0.0, 1.0);
  VectorMoments moments;
  double sum = 0;
  auto add = [&](int64_t k, double probability) {
    double vectors = double(ceilDiv(k, width));
    sum += probability;
    moments.mean += probability * vectors;
    moments.square += probability * vectors * vectors;
  };
  int64_t mode = std::clamp<int64_t>(int64_t(std::floor(double(trials + 1) * d)), 0, trials);
  add(mode, 1);
  if (d > 0 && d < 1) {
    constexpr double negligible = 1e-9; // Of the probability of the mode.
    double odds = d / (1 - d), probability = 1;
    for (int64_t k = mode; k < trials && probability > negligible; ++k) {
      probability *= double(trials - k) / double(k + 1) * odds;
      add(k + 1, probability);
    }
    probability = 1;
    for (int64_t k = mode; k > 0 && probability > negligible; --k) {
      probability *= double(k) / double(trials - k + 1) / odds;
      add(k - 1, probability);
    }
  }
  return {moments.mean / sum, moments.square / sum};
}

Totals expectTotals(const Work &work, const Layout &layout, const Densities &densities) {
  const Contraction &shape = layout.shape;
  double densityA = skipsOn(work, OperandKind::A) ? densities.a : 1,
         densityB = skipsOn(work, OperandKind::B) ? densities.b : 1;
  unsigned gates = gatingConditions(work);
  // How many taps and inputs there are of each phase.
  auto count = [](const Phases &phases, int64_t items, auto phaseOf) {
    std::vector<int64_t> counts(phases.used);
    for (int64_t i = 0; i < items; ++i)
      if (int64_t phase = phases.index[phaseOf(i)]; phase >= 0)
        ++counts[phase];
    return counts;
  };
  auto taps = [&](const Phases &phases, const PlaneAxis &axis) {
    return count(phases, axis.taps, [&](int64_t tap) { return axis.phaseOfTap(tap); });
  };
  auto inputs = [&](const Phases &phases, const PlaneAxis &axis) {
    return count(phases, axis.inputs, [&](int64_t input) { return axis.phaseOfInput(input); });
  };
  std::vector<int64_t> rowTaps = taps(layout.rowPhases, layout.rows),
                       columnTaps = taps(layout.columnPhases, layout.columns),
                       rowInputs = inputs(layout.rowPhases, layout.rows),
                       columnInputs = inputs(layout.columnPhases, layout.columns);
  // A full sub-tile, or what there is of a plane that is smaller.
  int64_t positions =
      std::min(layout.tiling.rows, layout.rows.extent) * std::min(layout.tiling.columns, layout.columns.extent);
  VectorMoments a = vectorMoments(positions, densityA, layout.activationVector);
  double aVariance = std::max(0.0, a.square - a.mean * a.mean);

  Totals totals;
  struct Step {
    double mean = 0, variance = 0;
  };
  Step full, last;
  double channels = double(shape.c), images = double(shape.n), groups = double(shape.g);
  for (int64_t row = 0; row < layout.rowPhases.used; ++row)
    for (int64_t column = 0; column < layout.columnPhases.used; ++column) {
      int64_t tapsHere = rowTaps[row] * columnTaps[column];
      double inputsHere = double(rowInputs[row] * columnInputs[column]) * images;
      auto expect = [&](int64_t filters, double times, Step &step) {
        VectorMoments b = vectorMoments(tapsHere * filters, densityB, layout.weightVector);
        step.mean += channels * a.mean * b.mean;
        step.variance += channels * b.square * aVariance;
        double none = std::pow(1 - std::min(densityB, 1.0), double(tapsHere * filters));
        totals.activationReads += times * groups * channels * inputsHere * densityA * (1 - none);
      };
      expect(layout.tiling.filters, double(layout.groups - 1), full);
      expect(layout.filtersOf(layout.groups - 1), 1, last);
      double weights = double(tapsHere * shape.m) * groups * channels * densityB;
      totals.weightWrites += weights * images * double(layout.tiles());
      totals.weightReads += weights * inputsHere / double(positions) * a.mean;
      totals.pairs += inputsHere * densityA * weights;
    }
  double gatedA = gates & 1 && !skipsOn(work, OperandKind::A) ? densities.a : 1,
         gatedB = gates & 2 && !skipsOn(work, OperandKind::B) ? densities.b : 1;
  totals.pairsUngated = totals.pairs * gatedA * gatedB;
  NormalMaximum maximum(double(layout.elements));
  double slowFull = maximum.of(full.mean, full.variance, 0), slowLast = maximum.of(last.mean, last.variance, 0);
  playSteps(layout, *work.machine, totals, [&](int64_t, int64_t, int64_t group, int64_t subRow, int64_t subColumn) {
    bool isLast = group + 1 == layout.groups;
    totals.busy += (isLast ? last.mean : full.mean) * double(layout.elementsAt(subRow, subColumn));
    return std::pair(isLast ? slowLast : slowFull, 0.0);
  });
  return totals;
}

/// Products in the plane by what their operands are; operands that are padding take no part.
struct PlaneProducts {
  double all = 0, nonzeroA = 0, nonzeroB = 0, effectual = 0;
  double of(bool onlyNonzeroA, bool onlyNonzeroB) const {
    return onlyNonzeroA ? (onlyNonzeroB ? effectual : nonzeroA) : (onlyNonzeroB ? nonzeroB : all);
  }
};

PlaneProducts countPlaneProducts(const Work &work, const OperandView &a, const OperandView &b) {
  const Contraction &shape = work.shape;
  WeightSummary own;
  const WeightSummary *weights = work.weights;
  if (!weights) {
    own = summarizeWeights(shape, b);
    weights = &own;
  }
  ActivationSummary activations = summarizeActivations(shape, a);
  auto valid = [](int64_t outputs, int64_t tap, int64_t stride, int64_t dilation, int64_t padLow, int64_t inputs) {
    int64_t count = 0;
    for (int64_t output = 0; output < outputs; ++output) {
      int64_t input = output * stride + tap * dilation - padLow;
      count += input >= 0 && input < inputs;
    }
    return count;
  };
  uint64_t all = 0, nonzeroA = 0, nonzeroB = 0, effectual = 0;
  for (int64_t r = 0; r < shape.r; ++r) {
    int64_t validRows = valid(shape.p, r, shape.strideH, shape.dilationH, shape.padTop, shape.inputRows());
    for (int64_t s = 0; s < shape.s; ++s) {
      uint64_t windows = uint64_t(
          shape.n * validRows * valid(shape.q, s, shape.strideW, shape.dilationW, shape.padLeft, shape.inputColumns()));
      all += windows * uint64_t(shape.g * shape.m * shape.c);
      for (int64_t g = 0; g < shape.g; ++g) {
        const uint32_t *w = weights->nonzeros.data() + ((g * shape.r + r) * shape.s + s) * shape.c;
        const uint32_t *x = activations.nonzeros.data() + ((r * shape.s + s) * shape.g + g) * shape.c;
        for (int64_t c = 0; c < shape.c; ++c) {
          nonzeroA += uint64_t(x[c]) * uint64_t(shape.m);
          nonzeroB += windows * w[c];
          effectual += uint64_t(x[c]) * w[c];
        }
      }
    }
  }
  return {double(all), double(nonzeroA), double(nonzeroB), double(effectual)};
}

PlaneProducts expectPlaneProducts(const Contraction &shape, const Densities &densities) {
  double all = expectedProducts(shape, {1, 1}).effectual;
  return {all, all * densities.a, all * densities.b, all * densities.a * densities.b};
}

Counts assemble(const Work &work, const Layout &layout, const Totals &totals, const PlaneProducts &products) {
  const Contraction &shape = work.shape;
  const machine::Machine &machine = *work.machine;
  bool skipsA = skipsOn(work, OperandKind::A), skipsB = skipsOn(work, OperandKind::B);
  unsigned gates = gatingConditions(work);
  double multipliers = double(layout.weightVector * layout.activationVector);

  Counts counts;
  double balanced = std::min(totals.compute, std::ceil(totals.busy / double(layout.elements)));
  counts.cycles = totals.compute + totals.conflicts + totals.drains;
  counts.boundCycles[unsigned(Bound::Mac)] = balanced;
  counts.boundCycles[unsigned(Bound::Buffer)] = totals.conflicts;
  counts.boundCycles[unsigned(Bound::Sync)] = totals.compute - balanced + totals.drains;

  double bits = shape.elementBits, indexBits = kIndexBits.of(machine);
  auto entries = [&](const char *level, const char *action, const char *metadata, double count) {
    addTraffic(counts, machine, level, action, count * bits);
    addTraffic(counts, machine, level, metadata, count * indexBits);
  };
  entries(kPlanarInputs, "read", "metadata_read", totals.activationReads);
  entries(kPlanarWeights, "write", "metadata_write", totals.weightWrites);
  entries(kPlanarWeights, "read", "metadata_read", totals.weightReads);
  counts.actions.add("noc", "transfer", totals.weightWrites + totals.sent);

  double issued = products.of(skipsA, skipsB);
  counts.effectual = products.effectual;
  counts.performed = products.of(skipsA || (gates & 1), skipsB || (gates & 2));
  counts.gated = issued - counts.performed;
  counts.skipped = double(shape.macs()) - issued;
  counts.wastedOutOfPlane = totals.pairs - issued;
  counts.wasted =
      (totals.compute + totals.conflicts) * double(layout.elements) * multipliers - counts.performed - counts.gated;
  // The multipliers work on products that no output wants.
  counts.actions.add("mac", "compute", totals.pairsUngated);
  if (totals.pairs > totals.pairsUngated)
    counts.actions.add("mac", "gated", totals.pairs - totals.pairsUngated);

  // Each product of an output is added to its sum. Sums are read once more when they leave, and those that a neighbour
  // sent are added to its own.
  double sumBits = planarSumBits(machine, kPlanarSums);
  addTraffic(counts, machine, kPlanarSums, "read", (counts.performed + totals.held + totals.sent) * sumBits);
  addTraffic(counts, machine, kPlanarSums, "write", (counts.performed + totals.sent) * sumBits);
  addTraffic(counts, machine, kPlanarResults, "write",
             double(shape.n * shape.g * shape.m * shape.p * shape.q) * planarSumBits(machine, kPlanarResults));

  addBufferStalls(counts, machine, kPlanarLevels);
  counts.slots = double(machine.peakMacsPerCycle) * counts.cycles;
  return counts;
}

/// The accumulators' entries that a tiling asks for, or more than any machine has.
int64_t entriesOf(const PlanarTiling &tiling, const PlaneAxis &rows, const PlaneAxis &columns, int64_t filters) {
  constexpr int64_t tooMany = int64_t(1) << 20;
  int64_t high = std::min(std::min(tiling.rows, rows.extent) + rows.halo, tooMany),
          wide = std::min(std::min(tiling.columns, columns.extent) + columns.halo, tooMany);
  return std::min(high * wide, tooMany) * std::min(filters, tooMany);
}

/// Tilings with as many filters as fit. Whole tiles first, then sub-tiles, so that more filters share a vector of
/// weights.
std::vector<PlanarTiling> proposeTilings(const Contraction &shape, const machine::Machine &machine) {
  PlaneAxis rows = PlaneAxis::rows(shape), columns = PlaneAxis::columns(shape);
  int64_t entries = int64_t(kAccumulatorEntries.of(machine));
  PlanarTiling tiling;
  tiling.rows = ceilDiv(rows.extent, arraySize(machine, kPlanarRows));
  tiling.columns = ceilDiv(columns.extent, arraySize(machine, kPlanarColumns));
  tiling.peRows = ceilDiv(rows.extent, tiling.rows);
  tiling.peColumns = ceilDiv(columns.extent, tiling.columns);
  int64_t high = tiling.rows, wide = tiling.columns;
  constexpr size_t most = 4;
  std::vector<PlanarTiling> tilings;
  for (;;) {
    int64_t fitting = entries / entriesOf(tiling, rows, columns, 1);
    if (fitting > 0) {
      tiling.filters = std::min(shape.m, fitting);
      tilings.push_back(tiling);
    }
    if (tilings.size() == most || (tiling.rows == 1 && tiling.columns == 1) || tiling.filters == shape.m)
      return tilings;
    // Halve the longer side.
    if (tiling.rows >= tiling.columns)
      tiling.subRows = ceilDiv(high, tiling.rows = ceilDiv(tiling.rows, 2));
    else
      tiling.subColumns = ceilDiv(wide, tiling.columns = ceilDiv(tiling.columns, 2));
  }
}

class CartesianProduct final : public Dataflow {
public:
  const char *name() const override { return kName; }
  std::vector<Parameter> parameters() const override {
    std::vector<Parameter> declared;
    for (const DeclaredParameter *parameter : kParameters)
      declared.push_back(parameter->declared());
    return declared;
  }

  absl::Status checkMachine(const machine::Machine &machine) const override;
  absl::Status legal(const Work &work) const override;

  Counts estimate(const Work &work, const Densities &densities) const override {
    Layout layout(work, tilingOf(work));
    return assemble(work, layout, expectTotals(work, layout, densities), expectPlaneProducts(work.shape, densities));
  }

  Counts count(const Work &work, const OperandView &a, const OperandView &b) const override {
    Layout layout(work, tilingOf(work));
    return assemble(work, layout, countTotals(work, layout, a, b), countPlaneProducts(work, a, b));
  }

  std::unique_ptr<const WeightDigest> digestWeights(const Work &work, const OperandView &b) const override {
    return std::make_unique<WeightCounts>(
        makeWeightCounts(Layout(work, tilingOf(work)), b, skipsOn(work, OperandKind::B)));
  }

  std::vector<isa::Mapping> innerMappings(const Contraction &tile, const machine::Machine &machine) const override {
    std::vector<isa::Mapping> mappings;
    for (const PlanarTiling &tiling : proposeTilings(tile, machine))
      mappings.push_back(planarMapping(tiling, tile, machine));
    return mappings;
  }

private:
  PlanarTiling tilingOf(const Work &work) const {
    return work.mapping ? planarTiling(*work.mapping, *work.machine) : proposeTilings(work.shape, *work.machine)[0];
  }
};

absl::Status CartesianProduct::checkMachine(const machine::Machine &machine) const {
  if (absl::Status status = checkArray(machine, kName, kDimensions); !status.ok())
    return status;
  if (absl::Status status = checkPlanarMachine(machine, kName); !status.ok())
    return status;
  constexpr double most = 65536;
  struct Range {
    const DeclaredParameter &parameter;
    double low, high;
  };
  for (const Range &range : {Range{kIndexBits, 0, 32}, Range{kDrainWords, 1, most}, Range{kHaloWords, 1, most},
                             Range{kConflicts, 0, 1}, Range{kBanks, 1, 256}, Range{kQueueDepth, 0, most},
                             Range{kHashFilter, 0, most}, Range{kHashRow, 0, most}, Range{kHashColumn, 0, most}})
    if (absl::Status status = checkParameter(machine, range.parameter, range.low, range.high); !status.ok())
      return status;
  if (!std::has_single_bit(uint64_t(kBanks.of(machine))))
    return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': parameter 'banks' is ",
                                                   kBanks.of(machine), ", expected a power of two"));
  return checkSafs(machine, kName, kSafsAtCompute);
}

absl::Status CartesianProduct::legal(const Work &work) const {
  PlaneAxis rows = PlaneAxis::rows(work.shape), columns = PlaneAxis::columns(work.shape);
  if (absl::Status status = checkPlanar(work, kName, rows.extent, columns.extent); !status.ok())
    return status;
  int64_t entries = int64_t(kAccumulatorEntries.of(*work.machine));
  auto refuse = [&](const PlanarTiling &tiling, int64_t filters) {
    return absl::InvalidArgumentError(
        absl::StrCat(kName, ": sums of ", filters, filters == 1 ? " filter" : " filters", " for a tile of ",
                     tiling.rows, " x ", tiling.columns, " with a halo of ", rows.halo, " x ", columns.halo, " need ",
                     entriesOf(tiling, rows, columns, filters),
                     " entries, but the accumulators of a processing element have ", entries));
  };
  if (!work.mapping) {
    PlanarTiling smallest;
    return proposeTilings(work.shape, *work.machine).empty() ? refuse(smallest, 1) : absl::OkStatus();
  }
  PlanarTiling tiling = planarTiling(*work.mapping, *work.machine);
  return entriesOf(tiling, rows, columns, tiling.filters) > entries ? refuse(tiling, tiling.filters) : absl::OkStatus();
}

} // namespace

const Dataflow &cartesianProduct() {
  static const CartesianProduct dataflow;
  return dataflow;
}

} // namespace sparseaccel::dataflow
