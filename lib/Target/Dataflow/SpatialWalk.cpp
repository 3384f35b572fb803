//===- SpatialWalk.cpp - What an array of multipliers walks ---------------===//

#include "SpatialWalk.h"

#include "BitMatrix.h"
#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include <algorithm>
#include <numeric>

namespace sparseaccel::dataflow {

/// `work` cycles in which `elements` do `taken` products.
void SpatialTotals::addFold(int64_t elements, int64_t work, int64_t products) {
  int64_t even = elements ? ceilDiv(products, elements) : 0;
  mac += double(even);
  wait += double(work - even);
  issued += double(elements * work);
  taken += double(products);
}

namespace {

/// A group as a product of two matrices.
struct Matrices {
  BitMatrix a, b; ///< Windows and filters, by positions.
  std::vector<int64_t> valid;
  int64_t validTotal = 0;
};

/// OR of rows [first, end).
std::vector<uint64_t> unionOf(const BitMatrix &matrix, int64_t first, int64_t end) {
  std::vector<uint64_t> bits(size_t(matrix.words), 0);
  for (int64_t i = first; i < end; ++i)
    for (int64_t word = 0; word < matrix.words; ++word)
      bits[word] |= matrix.row(i)[word];
  return bits;
}

std::vector<uint64_t> onesOf(const BitMatrix &matrix) {
  std::vector<uint64_t> bits(size_t(matrix.words), ~uint64_t(0));
  if (matrix.columns & 63)
    bits.back() = (uint64_t(1) << (matrix.columns & 63)) - 1;
  return bits;
}

int64_t countAnd(const uint64_t *x, const uint64_t *y, int64_t words) {
  int64_t bits = 0;
  for (int64_t word = 0; word < words; ++word)
    bits += std::popcount(x[word] & y[word]);
  return bits;
}

template <typename Visit>
void forEachBit(const std::vector<uint64_t> &bits, Visit visit) {
  for (size_t word = 0; word < bits.size(); ++word)
    for (uint64_t left = bits[word]; left; left &= left - 1)
      visit(int64_t(word * 64) + std::countr_zero(left));
}

/// Where elements walk nonzeros, what they take follows from what they walk.
void finishQueues(const SpatialArray &array, SpatialTotals &totals) {
  if (!array.skipsAtOwnPace())
    return;
  switch (array.stationary) {
  case Stationary::Output:
    totals.takenNonzeroA = array.skipsB ? totals.effectual : totals.taken;
    totals.takenNonzeroB = array.skipsA ? totals.effectual : totals.taken;
    break;
  case Stationary::Weight:
    totals.takenNonzeroB = totals.effectual;
    break;
  case Stationary::Input:
    totals.takenNonzeroA = totals.effectual;
    break;
  }
}

//===----------------------------------------------------------------------===//
// Output stationary: windows on rows, filters on columns, positions in time
//===----------------------------------------------------------------------===//

class OutputStationary {
public:
  OutputStationary(const SpatialArray &array, const Work &work, const Matrices &matrices, SpatialTotals &totals)
      : array(array), work(work), a(matrices.a), b(matrices.b), matrices(matrices), totals(totals),
        pairs{a.columns, array.look, array.meeting == Meeting::Fold ? (a.columns + 127) / 128 * 128 : array.chunk} {}

  void run() {
    if (array.skipsAtOwnPace())
      walkQueues();
    else
      walkSteps();
    int64_t rowFolds = ceilDiv(a.rows, array.rows), columnFolds = ceilDiv(b.rows, array.columns);
    // Sums leave a row at a time, as those that are added to enter.
    double rowsInTurn = double(a.rows * columnFolds), sums = double(a.rows * b.rows);
    totals.drain += rowsInTurn;
    totals.sumWrites += sums;
    totals.sumHops += sums;
    if (work.accumulate) {
      totals.fill += rowsInTurn;
      totals.sumReads += sums;
      totals.sumHops += sums;
    }
    // Elements that walk on their own get the masks of their row and column.
    bool alone = array.skipsAtOwnPace();
    double fanOutA = alone ? double(b.rows) : 0, fanOutB = alone ? double(a.rows) : 0;
    if (array.skipsA) {
      totals.maskBitsA += double(columnFolds * a.rows * a.columns);
      totals.maskDeliveredA += fanOutA * double(a.rows * a.columns);
    }
    if (array.skipsB) {
      totals.maskBitsB += double(rowFolds * b.rows * b.columns);
      totals.maskDeliveredB += fanOutB * double(b.rows * b.columns);
    }
  }

private:
  /// All elements are at the same position, and leave out those that none of them needs.
  void walkSteps() {
    std::vector<std::vector<uint64_t>> unions;
    for (int64_t first = 0; first < a.rows; first += array.rows)
      unions.push_back(array.skipsA ? unionOf(a, first, std::min(first + array.rows, a.rows)) : onesOf(a));
    for (int64_t j = 0; j < b.rows; j += array.columns) {
      int64_t columns = std::min(array.columns, b.rows - j);
      std::vector<uint64_t> kept = array.skipsB ? unionOf(b, j, j + columns) : onesOf(b), both(kept.size());
      if (!array.skipsA) {
        // Padding is not read. What is kept is the same for all windows.
        if (array.skipsB)
          forEachBit(kept, [&](int64_t k) { totals.readsA += double(matrices.valid[k]); });
        else
          totals.readsA += double(matrices.validTotal);
      }
      for (int64_t i = 0; i < a.rows; i += array.rows) {
        int64_t rows = std::min(array.rows, a.rows - i);
        for (size_t word = 0; word < both.size(); ++word)
          both[word] = kept[word] & unions[i / array.rows][word];
        int64_t steps = countBits(both.data(), a.words), nonzeroA = 0, nonzeroB = 0;
        for (int64_t row = i; row < i + rows; ++row)
          nonzeroA += countAnd(a.row(row), both.data(), a.words);
        for (int64_t column = j; column < j + columns; ++column)
          nonzeroB += countAnd(b.row(column), both.data(), a.words);
        totals.addFold(rows * columns, steps, steps * rows * columns);
        totals.takenNonzeroA += double(nonzeroA * columns);
        totals.takenNonzeroB += double(nonzeroB * rows);
        int64_t valuesA = array.skipsA ? nonzeroA : steps * rows, valuesB = array.skipsB ? nonzeroB : steps * columns;
        totals.readsA += array.skipsA ? double(valuesA) : 0;
        totals.readsB += double(valuesB);
        totals.deliveredA += double(valuesA * columns);
        totals.deliveredB += double(valuesB * rows);
      }
    }
  }

  /// What each row of a matrix sends in each chunk, and in all.
  std::vector<int64_t> valuesOf(const BitMatrix &matrix, bool skips) const {
    int64_t chunks = pairs.chunks(), chunkWords = pairs.chunk / 64;
    std::vector<int64_t> values(size_t(matrix.rows * chunks));
    for (int64_t i = 0; i < matrix.rows; ++i)
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        int64_t first = chunk * chunkWords, words = std::min(chunkWords, matrix.words - first);
        values[i * chunks + chunk] =
            skips ? countBits(matrix.row(i) + first, words) : std::min(pairs.chunk, a.columns - chunk * pairs.chunk);
      }
    return values;
  }
  /// For each block of rows, the longest of `values` in each chunk.
  std::vector<int64_t> longestOf(const std::vector<int64_t> &values, int64_t rows, int64_t block) const {
    int64_t chunks = pairs.chunks();
    std::vector<int64_t> longest(size_t(ceilDiv(rows, block) * chunks), 0);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        int64_t &most = longest[(i / block) * chunks + chunk];
        most = std::max(most, values[i * chunks + chunk]);
      }
    return longest;
  }
  std::vector<int64_t> costsOf(const BitMatrix &matrix) const {
    std::vector<int64_t> costs(size_t(matrix.rows * pairs.chunks()));
    for (int64_t i = 0; i < matrix.rows; ++i)
      walkRow(pairs, matrix.row(i), &costs[i * pairs.chunks()]);
    return costs;
  }

  /// Each element walks its own nonzeros, and waits for the others at the end of a chunk or of the fold.
  void walkQueues() {
    int64_t chunks = pairs.chunks();
    std::vector<int64_t> valuesA = valuesOf(a, array.skipsA), valuesB = valuesOf(b, array.skipsB);
    std::vector<int64_t> sentA = longestOf(valuesA, a.rows, array.rows),
                         sentB = longestOf(valuesB, b.rows, array.columns);
    bool both = array.skipsA && array.skipsB;
    // One operand leads: its rows or columns do alike.
    std::vector<int64_t> leaders;
    if (!both)
      leaders = array.skipsA ? longestOf(costsOf(a), a.rows, array.rows) : longestOf(costsOf(b), b.rows, array.columns);
    int64_t lanes = ceilDiv(array.columns, kPairLanes) * kPairLanes;
    std::vector<uint64_t> block(both ? size_t(b.words * lanes) : 0);
    std::vector<int64_t> longest(size_t(chunks), 0);
    auto sumOf = [](const std::vector<int64_t> &values, int64_t first, int64_t end) {
      return std::accumulate(values.begin() + first, values.begin() + end, int64_t(0));
    };
    for (int64_t j = 0; j < b.rows; j += array.columns) {
      int64_t columns = std::min(array.columns, b.rows - j);
      if (both) {
        std::fill(block.begin(), block.end(), 0);
        for (int64_t lane = 0; lane < columns; ++lane)
          for (int64_t word = 0; word < b.words; ++word)
            block[word * lanes + lane] = b.row(j + lane)[word];
      }
      int64_t sendB = sumOf(valuesB, j * chunks, (j + columns) * chunks);
      for (int64_t i = 0; i < a.rows; i += array.rows) {
        int64_t rows = std::min(array.rows, a.rows - i);
        int64_t sendA = sumOf(valuesA, i * chunks, (i + rows) * chunks), products = 0;
        if (both) {
          std::fill(longest.begin(), longest.end(), 0);
          for (int64_t row = i; row < i + rows; ++row)
            products += walkPairs(pairs, a.row(row), block.data(), lanes, longest.data());
        } else {
          const int64_t *from = &leaders[(array.skipsA ? i / array.rows : j / array.columns) * chunks];
          longest.assign(from, from + chunks);
          products = array.skipsA ? sendA * columns : sendB * rows;
        }
        int64_t work = 0, arrival = 0;
        for (int64_t chunk = 0; chunk < chunks; ++chunk) {
          int64_t sent =
              ceilDiv(std::max(sentA[(i / array.rows) * chunks + chunk], sentB[(j / array.columns) * chunks + chunk]),
                      array.bus);
          work += longest[chunk];
          arrival += std::max(longest[chunk], sent);
        }
        totals.addFold(rows * columns, work, products);
        totals.bus += double(arrival - work);
        totals.deliveredA += double(sendA * columns);
        totals.deliveredB += double(sendB * rows);
        totals.readsA += array.skipsA ? double(sendA) : 0;
        totals.readsB += double(sendB);
      }
      totals.readsA += array.skipsA ? 0 : double(matrices.validTotal);
    }
  }

  const SpatialArray &array;
  const Work &work;
  const BitMatrix &a, &b;
  const Matrices &matrices;
  SpatialTotals &totals;
  PairWalk pairs;
};

//===----------------------------------------------------------------------===//
// Input or weight stationary: positions on rows, what stays on columns, the rest in time
//===----------------------------------------------------------------------===//

/// One side stays, the other one streams by: of weight stationary arrays these are filters and windows.
class OperandStationary {
public:
  OperandStationary(const SpatialArray &array, const Work &work, const Matrices &matrices, SpatialTotals &totals)
      : array(array), work(work), matrices(matrices), totals(totals), keepsB(array.stationary == Stationary::Weight),
        kept(keepsB ? matrices.b : matrices.a), streamed(keepsB ? matrices.a : matrices.b),
        skipsKept(keepsB ? array.skipsB : array.skipsA), skipsStreamed(keepsB ? array.skipsA : array.skipsB) {}

  void run() {
    BitMatrix byPosition = transposed(streamed);
    pairs = {streamed.rows, array.look,
             array.meeting == Meeting::Fold ? (streamed.rows + 127) / 128 * 128 : array.chunk};
    std::vector<int64_t> nonzeros(size_t(streamed.columns));
    for (int64_t k = 0; k < streamed.columns; ++k)
      nonzeros[k] = countBits(byPosition.row(k), byPosition.words);
    int64_t chunks = pairs.chunks();
    bool queues = array.skipsAtOwnPace();
    std::vector<int64_t> costs;
    if (queues) {
      costs.resize(size_t(streamed.columns * chunks));
      for (int64_t k = 0; k < streamed.columns; ++k)
        walkRow(pairs, byPosition.row(k), &costs[k * chunks]);
    }
    double readsKept = 0, readsStreamed = 0, deliveredKept = 0, deliveredStreamed = 0, nonzeroKept = 0,
           nonzeroStreamed = 0;
    std::vector<int64_t> longest(size_t(chunks), 0);
    std::vector<uint64_t> fold(size_t(streamed.words), 0);
    for (int64_t j = 0; j < kept.rows; j += array.columns) {
      int64_t columns = std::min(array.columns, kept.rows - j);
      std::vector<uint64_t> usedBits = skipsKept ? unionOf(kept, j, j + columns) : onesOf(kept);
      std::vector<int64_t> used;
      forEachBit(usedBits, [&](int64_t k) { used.push_back(k); });
      int64_t positions = int64_t(used.size());
      // A block without any weight still gives its sums.
      for (int64_t first = 0; first < std::max<int64_t>(positions, 1); first += array.rows) {
        int64_t end = std::min(first + array.rows, positions), rows = end - first;
        // The fold's positions lie in a few words.
        int64_t firstWord = rows ? used[first] >> 6 : 0, words = rows ? (used[end - 1] >> 6) - firstWord + 1 : 0;
        int64_t streamedHere = 0;
        for (int64_t i = first; i < end; ++i) {
          fold[used[i] >> 6] |= uint64_t(1) << (used[i] & 63);
          streamedHere += nonzeros[used[i]];
        }
        int64_t keptHere = 0;
        for (int64_t column = j; column < j + columns; ++column)
          keptHere += countAnd(kept.row(column) + firstWord, fold.data() + firstWord, words);
        int64_t steps = 0, products = 0;
        if (queues) {
          std::fill(longest.begin(), longest.end(), 0);
          for (int64_t i = first; i < end; ++i)
            for (int64_t chunk = 0; chunk < chunks; ++chunk)
              longest[chunk] = std::max(longest[chunk], costs[used[i] * chunks + chunk]);
          steps = std::accumulate(longest.begin(), longest.end(), int64_t(0));
          products = streamedHere * columns;
        } else {
          steps = rows == 0 ? 0 : skipsStreamed ? rowsThatMeet(fold.data(), firstWord, words) : streamed.rows;
          products = steps * rows * columns;
          nonzeroKept += double(steps * keptHere);
        }
        nonzeroStreamed += double(streamedHere * columns);
        totals.addFold(rows * columns, steps, products);
        totals.fill += double(rows);
        totals.drain += double(std::max<int64_t>(rows - 1, 0));
        if (skipsKept)
          readsKept += double(keptHere), deliveredKept += double(keptHere);
        else
          deliveredKept += double(rows * columns);
        int64_t values = skipsStreamed ? streamedHere : streamed.rows * rows;
        readsStreamed += skipsStreamed ? double(values) : validOf(used, first, end, !keepsB);
        deliveredStreamed += double(values * columns);
        // The first fold gives all sums a value; later ones add to those that they have a product for.
        int64_t passing = queues ? streamed.rows : steps;
        double all = double(streamed.rows * columns), sums = first == 0 ? all : double(passing * columns);
        totals.sumWrites += sums;
        totals.sumReads += first == 0 && !work.accumulate ? 0 : sums;
        totals.sumHops += double(passing * rows * columns);
        std::fill_n(fold.begin() + firstWord, words, 0);
      }
      if (!skipsKept)
        readsKept += keepsB ? double(columns * kept.columns) : 0;
      if (skipsStreamed)
        (keepsB ? totals.maskBitsA : totals.maskBitsB) += double(streamed.rows * positions);
      if (skipsKept)
        (keepsB ? totals.maskBitsB : totals.maskBitsA) += double(columns * kept.columns);
    }
    if (!skipsKept && !keepsB)
      readsKept = double(matrices.validTotal);
    (keepsB ? totals.readsB : totals.readsA) += readsKept;
    (keepsB ? totals.readsA : totals.readsB) += readsStreamed;
    (keepsB ? totals.deliveredB : totals.deliveredA) += deliveredKept;
    (keepsB ? totals.deliveredA : totals.deliveredB) += deliveredStreamed;
    (keepsB ? totals.takenNonzeroB : totals.takenNonzeroA) += nonzeroKept;
    (keepsB ? totals.takenNonzeroA : totals.takenNonzeroB) += nonzeroStreamed;
  }

private:
  /// Streamed rows with a nonzero at one of the fold's positions.
  int64_t rowsThatMeet(const uint64_t *fold, int64_t firstWord, int64_t words) const {
    int64_t met = 0;
    for (int64_t i = 0; i < streamed.rows; ++i) {
      const uint64_t *row = streamed.row(i) + firstWord;
      uint64_t any = 0;
      for (int64_t word = 0; word < words; ++word)
        any |= row[word] & fold[firstWord + word];
      met += any != 0;
    }
    return met;
  }
  /// Values of the streamed side at these positions. Padding is not read.
  double validOf(const std::vector<int64_t> &used, int64_t first, int64_t end, bool streamsWeights) const {
    if (streamsWeights)
      return double(streamed.rows * (end - first));
    double values = 0;
    for (int64_t i = first; i < end; ++i)
      values += double(matrices.valid[used[i]]);
    return values;
  }

  const SpatialArray &array;
  const Work &work;
  const Matrices &matrices;
  SpatialTotals &totals;
  bool keepsB;
  const BitMatrix &kept, &streamed;
  bool skipsKept, skipsStreamed;
  PairWalk pairs;
};

} // namespace

SpatialTotals countSpatial(const SpatialArray &array, const Work &work, const OperandView &a, const OperandView &b) {
  const Contraction &shape = work.shape;
  ProductCounts products = countProducts(shape, a, b, work.weights);
  SpatialTotals totals;
  if (!array.skipsA && !array.skipsB) {
    // Nothing depends on where the zeros are.
    totals = expectSpatial(array, work, {1, 1});
    totals.takenNonzeroA = products.nonzeroA;
    totals.takenNonzeroB = products.nonzeroB;
    totals.effectual = products.effectual;
    return totals;
  }
  Matrices matrices;
  matrices.valid = validWindows(shape);
  matrices.validTotal = std::accumulate(matrices.valid.begin(), matrices.valid.end(), int64_t(0));
  for (int64_t group = 0; group < shape.g; ++group) {
    matrices.a = windowBits(shape, a, group);
    matrices.b = filterBits(shape, b, group);
    if (array.stationary == Stationary::Output)
      OutputStationary(array, work, matrices, totals).run();
    else
      OperandStationary(array, work, matrices, totals).run();
  }
  totals.effectual = products.effectual;
  finishQueues(array, totals);
  return totals;
}

} // namespace sparseaccel::dataflow
