//===- SpatialEstimate.cpp - What an array of multipliers should walk -----===//
//
// The totals of SpatialWalk.cpp, as expected for independent zeros. Fractions of folds stand for their mean.
//
//===----------------------------------------------------------------------===//

#include "Expectation.h"
#include "SpatialWalk.h"

#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include <algorithm>
#include <cmath>

namespace sparseaccel::dataflow {

namespace {

/// At least one of `count` operands is nonzero.
double anyOf(double density, double count) { return 1 - std::pow(1 - density, count); }

/// Blocks of `block` rows, and perhaps one with what is left.
struct Blocks {
  struct Block {
    double count;
    int64_t size;
  };
  std::vector<Block> blocks;
  Blocks(int64_t rows, int64_t block) {
    if (rows >= block)
      blocks.push_back({double(rows / block), block});
    if (rows % block)
      blocks.push_back({1, rows % block});
  }
};

/// Expected longest of `lanes` walks of so many positions that match with this density: max(1, matches) in each word of
/// `look` positions.
double longestWalk(const NormalMaximum &maximum, double positions, double density, double look) {
  double mean = 0, variance = 0, third = 0;
  auto add = [&](double length, double words) {
    // max(1, x) = x + [x = 0] of a binomial x; its powers likewise.
    double x1 = length * density, v = x1 * (1 - density), none = std::pow(1 - density, length);
    double x2 = v + x1 * x1, x3 = v * (1 - 2 * density) + 3 * x1 * v + x1 * x1 * x1;
    double m1 = x1 + none, m2 = x2 + none, m3 = x3 + none;
    mean += words * m1;
    variance += words * (m2 - m1 * m1);
    third += words * (m3 - 3 * m1 * m2 + 2 * m1 * m1 * m1);
  };
  double whole = std::floor(positions / look);
  add(look, whole);
  if (positions > whole * look)
    add(positions - whole * look, 1);
  return std::max(mean, maximum.of(mean, variance, third));
}

/// Expected largest of so many counts of nonzeros.
double mostNonzeros(const NormalMaximum &maximum, double positions, double density) {
  double mean = positions * density, variance = mean * (1 - density);
  return std::min(positions, maximum.of(mean, variance, variance * (1 - 2 * density)));
}

class Expectation {
public:
  Expectation(const SpatialArray &array, const Work &work, const Densities &densities)
      : array(array), work(work), shape(work.shape), windows(double(shape.n * shape.p * shape.q)),
        filters(double(shape.m)), positions(double(shape.r * shape.s * shape.c)), groups(double(shape.g)),
        a(std::clamp(densities.a, 0.0, 1.0)), b(std::clamp(densities.b, 0.0, 1.0)) {
    validA = double(validRowPairs(shape)) * double(validColumnPairs(shape)) * double(shape.n * shape.c);
    aInAll = a * validA / (windows * positions);
  }

  SpatialTotals run() {
    totals.effectual = expectedProducts(shape, {a, b}).effectual;
    if (array.stationary == Stationary::Output)
      output();
    else
      operand();
    return totals;
  }

private:
  void addFolds(double count, double elements, double work, double products) {
    double even = elements > 0 ? std::min(work, products / elements) : 0;
    totals.mac += count * even;
    totals.wait += count * (work - even);
    totals.issued += count * elements * work;
    totals.taken += count * products;
  }

  /// Mean over filter rows of the share of blocks of windows side by side that meet something else than padding there.
  double besideEachOther(int64_t block) const {
    double blocks = double(ceilDiv(shape.p * shape.q, block)), met = 0;
    for (int64_t r = 0; r < shape.r; ++r) {
      int64_t offset = r * shape.dilationH - shape.padTop, inputs = shape.inputRows() - offset;
      int64_t first = offset >= 0 ? 0 : ceilDiv(-offset, shape.strideH);
      int64_t end = inputs <= 0 ? 0 : std::min(ceilDiv(inputs, shape.strideH), shape.p);
      if (first < end)
        met += double(ceilDiv(end * shape.q, block) - first * shape.q / block) / blocks;
    }
    return met / double(shape.r);
  }

  void output() {
    Blocks rowBlocks(int64_t(windows), array.rows), columnBlocks(shape.m, array.columns);
    bool queues = array.skipsAtOwnPace();
    double rowFolds = std::ceil(windows / double(array.rows)), columnFolds = std::ceil(filters / double(array.columns));
    for (const Blocks::Block &rows : rowBlocks.blocks)
      for (const Blocks::Block &columns : columnBlocks.blocks) {
        double count = groups * rows.count * columns.count, i = double(rows.size), j = double(columns.size);
        if (queues)
          outputQueues(count, i, j);
        else
          outputSteps(count, i, j);
      }
    double rowsInTurn = groups * windows * columnFolds, sums = groups * windows * filters;
    totals.drain = rowsInTurn;
    totals.sumWrites = totals.sumHops = sums;
    if (work.accumulate) {
      totals.fill = rowsInTurn;
      totals.sumReads = sums;
      totals.sumHops += sums;
    }
    if (array.skipsA) {
      totals.maskBitsA = groups * columnFolds * windows * positions;
      totals.maskDeliveredA = queues ? groups * windows * positions * filters : 0;
    } else if (queues || !array.skipsB) {
      totals.readsA = groups * columnFolds * validA;
    }
    if (array.skipsB) {
      totals.maskBitsB = groups * rowFolds * filters * positions;
      totals.maskDeliveredB = queues ? groups * windows * positions * filters : 0;
    }
  }

  void outputSteps(double count, double i, double j) {
    double anyA = array.skipsA ? anyOf(a, i) * besideEachOther(array.rows) : 1, anyB = array.skipsB ? anyOf(b, j) : 1;
    double steps = positions * anyA * anyB;
    double nonzeroA = i * positions * aInAll * anyB, nonzeroB = j * positions * b * anyA;
    addFolds(count, i * j, steps, steps * i * j);
    totals.takenNonzeroA += count * nonzeroA * j;
    totals.takenNonzeroB += count * nonzeroB * i;
    double valuesA = array.skipsA ? nonzeroA : steps * i, valuesB = array.skipsB ? nonzeroB : steps * j;
    if (array.skipsA)
      totals.readsA += count * valuesA;
    else if (array.skipsB)
      totals.readsA += count * valuesA * validA / (windows * positions);
    totals.readsB += count * valuesB;
    totals.deliveredA += count * valuesA * j;
    totals.deliveredB += count * valuesB * i;
  }

  void outputQueues(double count, double i, double j) {
    bool both = array.skipsA && array.skipsB;
    double lanes = both ? i * j : array.skipsA ? i : j;
    double longestA = a * besideEachOther(array.rows), density = (array.skipsA ? longestA : 1) * (array.skipsB ? b : 1);
    NormalMaximum ofWalks(lanes), ofA(array.skipsA ? i : 1), ofB(array.skipsB ? j : 1);
    double chunk = array.meeting == Meeting::Fold ? positions : std::min(double(array.chunk), positions);
    double work = 0, arrival = 0;
    auto add = [&](double length, double times) {
      double walk = longestWalk(ofWalks, length, density, double(array.look));
      double sent = std::max(array.skipsA ? mostNonzeros(ofA, length, longestA) : length,
                             array.skipsB ? mostNonzeros(ofB, length, b) : length);
      work += times * walk;
      arrival += times * std::max(walk, sent / double(array.bus));
    };
    double whole = std::floor(positions / chunk);
    add(chunk, whole);
    if (positions > whole * chunk)
      add(positions - whole * chunk, 1);
    double inAll = positions * (array.skipsA ? aInAll : 1) * (array.skipsB ? b : 1);
    addFolds(count, i * j, work, i * j * inAll);
    totals.bus += count * (arrival - work);
    totals.takenNonzeroA += count * i * j * positions * aInAll * (array.skipsB ? b : 1);
    totals.takenNonzeroB += count * i * j * positions * b * (array.skipsA ? aInAll : 1);
    double sendA = i * positions * (array.skipsA ? aInAll : 1), sendB = j * positions * (array.skipsB ? b : 1);
    totals.deliveredA += count * sendA * j;
    totals.deliveredB += count * sendB * i;
    totals.readsA += array.skipsA ? count * sendA : 0;
    totals.readsB += count * sendB;
  }

  void operand() {
    bool keepsB = array.stationary == Stationary::Weight;
    double kept = keepsB ? filters : windows, streamed = keepsB ? windows : filters;
    double densityKept = keepsB ? b : a, densityStreamed = keepsB ? a : b;
    double keptInAll = keepsB ? b : aInAll, streamedInAll = keepsB ? aInAll : b;
    bool skipsKept = keepsB ? array.skipsB : array.skipsA, skipsStreamed = keepsB ? array.skipsA : array.skipsB;
    double readsKept = 0, readsStreamed = 0, deliveredKept = 0, deliveredStreamed = 0, takenKept = 0, takenStreamed = 0;
    double inPlane = validA / (windows * positions);
    for (const Blocks::Block &columns : Blocks(int64_t(kept), array.columns).blocks) {
      double blocks = groups * columns.count, j = double(columns.size);
      double used = positions * (skipsKept ? anyOf(densityKept, j) * (keepsB ? 1 : besideEachOther(array.columns)) : 1);
      // Exactly, or in the mean over where the last fold ends.
      double folds = skipsKept ? std::max(1.0, (used + double(array.rows - 1) / 2) / double(array.rows))
                               : std::ceil(positions / double(array.rows));
      folds = std::min(folds, std::ceil(positions / double(array.rows)));
      auto fold = [&](double count, double rows) {
        double steps = streamed * std::min(1.0, used), products;
        // Rows of one filter tap meet the same padding.
        double alike = keepsB && rows <= double(shape.c) ? inPlane : 1;
        bool queues = array.skipsAtOwnPace();
        if (queues) {
          steps = std::min(1.0, used) * streamedQueues(streamed, densityStreamed * alike, rows);
          products = streamed * streamedInAll * rows * j;
        } else {
          if (skipsStreamed)
            steps *= anyOf(densityStreamed, rows) * alike;
          products = steps * rows * j;
        }
        double nonzeroKept = rows * j * std::min(1.0, keptInAll * positions / std::max(used, 1e-9));
        addFolds(blocks * count, rows * j, steps, products);
        totals.fill += blocks * count * rows;
        totals.drain += blocks * count * std::max(rows - 1, 0.0);
        takenKept += blocks * count * (queues ? streamed * streamedInAll : steps) * nonzeroKept;
        takenStreamed += blocks * count * streamed * streamedInAll * rows * j;
        deliveredKept += blocks * count * (skipsKept ? nonzeroKept : rows * j);
        double values = streamed * rows * (skipsStreamed ? streamedInAll : 1);
        readsStreamed += blocks * count * values * (skipsStreamed || !keepsB ? 1 : inPlane);
        deliveredStreamed += blocks * count * values * j;
        double passing = queues ? streamed : steps;
        totals.sumWrites += blocks * count * passing * j;
        totals.sumReads += blocks * count * passing * j;
        totals.sumHops += blocks * count * passing * rows * j;
        return passing;
      };
      double rows = used / folds, passing;
      if (skipsKept) {
        passing = fold(folds, rows);
      } else {
        double whole = std::floor(positions / double(array.rows)), rest = positions - whole * double(array.rows);
        passing = whole > 0 ? fold(whole, double(array.rows)) : 0;
        if (rest > 0) {
          double last = fold(1, rest);
          passing = whole > 0 ? passing : last;
        }
      }
      // The first fold writes all sums, and reads them only to accumulate.
      totals.sumWrites += blocks * (streamed - passing) * j;
      totals.sumReads += blocks * (work.accumulate ? streamed - passing : -passing) * j;
      if (skipsKept)
        readsKept += blocks * j * positions * keptInAll;
      else
        readsKept += blocks * j * positions * (keepsB ? 1 : inPlane);
      if (skipsStreamed)
        (keepsB ? totals.maskBitsA : totals.maskBitsB) += blocks * streamed * used;
      if (skipsKept)
        (keepsB ? totals.maskBitsB : totals.maskBitsA) += blocks * j * positions;
    }
    (keepsB ? totals.readsB : totals.readsA) = readsKept;
    (keepsB ? totals.readsA : totals.readsB) = readsStreamed;
    (keepsB ? totals.deliveredB : totals.deliveredA) = deliveredKept;
    (keepsB ? totals.deliveredA : totals.deliveredB) = deliveredStreamed;
    (keepsB ? totals.takenNonzeroB : totals.takenNonzeroA) = takenKept;
    (keepsB ? totals.takenNonzeroA : totals.takenNonzeroB) = takenStreamed;
  }

  /// Cycles until the slowest of `rows` rows has walked what streams by.
  double streamedQueues(double streamed, double density, double rows) {
    NormalMaximum maximum(rows);
    double chunk = array.meeting == Meeting::Fold ? streamed : std::min(double(array.chunk), streamed);
    double whole = std::floor(streamed / chunk), rest = streamed - whole * chunk;
    double cycles = whole * longestWalk(maximum, chunk, density, double(array.look));
    return rest > 0 ? cycles + longestWalk(maximum, rest, density, double(array.look)) : cycles;
  }

  const SpatialArray &array;
  const Work &work;
  const Contraction &shape;
  double windows, filters, positions, groups;
  double a, b;       ///< Densities.
  double validA = 0; ///< Activations that windows read, of a group.
  double aInAll = 0; ///< Density of windows, padding included.
  SpatialTotals totals;
};

} // namespace

SpatialTotals expectSpatial(const SpatialArray &array, const Work &work, const Densities &densities) {
  return Expectation(array, work, densities).run();
}

} // namespace sparseaccel::dataflow
