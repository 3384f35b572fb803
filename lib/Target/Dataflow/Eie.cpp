//===- Eie.cpp - Compressed columns, broadcast activations ----------------===//
//
// Models Han et al., "EIE: Efficient Inference Engine on Compressed Deep Neural Network", ISCA 2016: a matrix times a
// sparse vector. The matrix's rows are interleaved over processing elements, each of which holds its part as compressed
// sparse columns with short relative row indices; a longer run of zeros stores a padding zero, which costs a cycle.
// Nonzero activations are broadcast one a cycle into a queue in each element, and stall while any queue is full. An
// element spends a cycle on each entry of the column, and at least one on each activation.
//
//===----------------------------------------------------------------------===//

#include "Dataflows.h"
#include "Expectation.h"
#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace sparseaccel::dataflow {

using isa::LoopKind;
using isa::Rank;

namespace {

constexpr const char *kActivations = "activations", *kMatrix = "matrix", *kPointers = "pointers", *kQueue = "queue",
                     *kSource = "source_registers", *kSums = "sum_registers";
constexpr const char *kLevels[] = {kActivations, kMatrix, kPointers, kQueue, kSource, kSums};
constexpr const char *kElements[] = {"elements"};

constexpr DeclaredParameter kDepth = {"fifo_depth", 8, "activations that the queue of an element holds; 0: any number"};
constexpr DeclaredParameter kIndexBits = {"index_bits", 4, "of a relative row index; a longer run stores a zero"};
constexpr DeclaredParameter kWeightBits = {
    "weight_bits", 4,
    "of a stored weight, an index into the shared values; weights of more values, or 0: the operand's own"};

/// Columns of the matrix: a layer over a whole window of r x s positions has one for each position and channel, as its
/// input lies in memory.
int64_t columnsOf(const Contraction &shape) { return shape.r * shape.s * shape.c; }

/// The array, and what an output pass is: the sums that all elements hold at once.
struct Array {
  int64_t elements, sumsPerElement, depth, runBits;
  int64_t matrixWordBits; ///< Of the matrix's memory, which is read a word at a time.
  double sumBits;
  explicit Array(const machine::Machine &machine)
      : elements(arraySize(machine, kElements[0])), depth(int64_t(kDepth.of(machine))),
        runBits(int64_t(kIndexBits.of(machine))), matrixWordBits(machine.findLevel(kMatrix)->wordBits) {
    const machine::Level &sums = *machine.findLevel(kSums);
    sumBits = sums.psumBits;
    sumsPerElement = sums.psumBits ? int64_t(sums.sizeBytes * 8 / sums.psumBits) : 0;
  }
  int64_t outputs() const { return elements * sumsPerElement; }
  int64_t passes(int64_t m) const { return ceilDiv(m, outputs()); }
  int64_t outputsOf(int64_t pass, int64_t m) const { return std::min(outputs(), m - pass * outputs()); }
};

/// Bits of an entry, and entries in a word of the matrix's memory. Weights are indices where they are `shared`: where
/// there are no more values than an index tells apart.
struct Entry {
  double weightBits, indexBits;
  int64_t perWord;
  explicit Entry(const Work &work, bool shared)
      : weightBits(shared && kWeightBits.of(*work.machine) > 0 ? kWeightBits.of(*work.machine)
                                                               : work.shape.elementBits),
        indexBits(skipsOn(work, isa::OperandKind::B) ? kIndexBits.of(*work.machine) : 0),
        perWord(std::max<int64_t>(1, int64_t(double(Array(*work.machine).matrixWordBits) / (weightBits + indexBits)))) {
  }
};

/// Cycles of one vector against one pass of outputs, a broadcast at a time. `Cycle` is a whole number where costs are
/// counted and a real one where they are expected.
template <typename Cycle>
class Broadcasts {
public:
  Broadcasts(int64_t elements, int64_t depth) : finish(elements, Cycle(0)), freed(depth, Cycle(0)) {}

  /// Broadcasts the next activation, on which element k spends costs[k] cycles.
  template <typename Cost>
  void next(const Cost *costs) {
    // A broadcast needs a free place in every queue: the activation `depth` before it must have left all of them.
    if (!freed.empty())
      now = std::max(now, freed[slot]);
    Cycle begin = now + 1, slowest = 0; // What is broadcast in a cycle can be worked on in the next one.
    for (size_t k = 0; k < finish.size(); ++k) {
      Cycle end = std::max(finish[k], begin) + Cycle(costs[k]);
      finish[k] = end;
      slowest = std::max(slowest, end);
    }
    if (!freed.empty()) {
      freed[slot] = slowest;
      slot = slot + 1 == freed.size() ? 0 : slot + 1;
    }
    last = slowest;
    now += 1;
  }
  /// Until all elements have drained.
  Cycle cycles() const { return last; }

private:
  std::vector<Cycle> finish; ///< When each element ends what it has been sent.
  std::vector<Cycle> freed;  ///< When each of the last `depth` activations has left every queue.
  size_t slot = 0;
  Cycle now = 0, last = 0; ///< The next cycle in which the broadcast is free; the end of all work.
};

/// The matrix as the elements store it.
struct Columns final : WeightDigest {
  int64_t outputs = 0, elements = 0;
  /// Cycles that an element spends on a column: [g][pass][c][element].
  std::vector<uint16_t> costs;
  /// Entries of a column in all elements, those of them that are padding, and words that hold them: [g][pass][c].
  std::vector<uint32_t> entries, padding, words;
  bool shared = true; ///< Whether indices of `weight_bits` tell all values apart that are stored.
  uint64_t bytes() const override { return costs.size() * 2 + (entries.size() + padding.size() + words.size()) * 4; }
};

/// Counts entries of one element's rows (first, first + step, ... below end) for each column.
template <typename T>
void countEntries(const OperandView &b, const Contraction &shape, int64_t first, int64_t end, int64_t step,
                  unsigned runBits, std::vector<uint16_t> &entries, std::vector<uint16_t> &padding) {
  std::vector<uint16_t> runs(columnsOf(shape), 0);
  std::fill(entries.begin(), entries.end(), 0);
  std::fill(padding.begin(), padding.end(), 0);
  for (int64_t row = first; row < end; row += step)
    for (int64_t at = 0; at < shape.r * shape.s; ++at) {
      const T *values = b.row<T>(row, at / shape.s, at % shape.s);
      uint16_t *run = &runs[at * shape.c], *entry = &entries[at * shape.c], *zero = &padding[at * shape.c];
      for (int64_t c = 0; c < shape.c; ++c) {
        uint16_t stored = values[c] != 0 ? 0xffff : 0;
        uint16_t zeros = uint16_t(run[c] >> runBits) & stored;
        zero[c] = uint16_t(zero[c] + zeros);
        entry[c] = uint16_t(entry[c] + zeros + (stored & 1));
        run[c] = uint16_t(run[c] + 1) & uint16_t(~stored);
      }
    }
}

/// Whether there are no more than `most` values in the matrix, zero included: padding may need it.
template <typename T>
bool hasFewValues(const OperandView &b, const Contraction &shape, size_t most) {
  std::vector<bool> seen(size_t(1) << (8 * sizeof(T)), false);
  seen[0] = true;
  size_t count = 1;
  for (int64_t row = 0; row < shape.g * shape.m; ++row)
    for (int64_t at = 0; at < shape.r * shape.s; ++at) {
      const T *values = b.row<T>(row, at / shape.s, at % shape.s);
      for (int64_t c = 0; c < shape.c; ++c)
        if (!seen[values[c]]) {
          seen[values[c]] = true;
          if (++count > most)
            return false;
        }
    }
  return true;
}

Columns compress(const Work &work, const OperandView &b) {
  const Contraction &shape = work.shape;
  Array array(*work.machine);
  bool sparse = skipsOn(work, isa::OperandKind::B);
  int64_t passes = array.passes(shape.m), blocks = shape.g * passes, columns = columnsOf(shape);
  Columns result;
  result.elements = array.elements;
  result.costs.assign(blocks * columns * array.elements, 0);
  result.entries.assign(blocks * columns, 0);
  result.padding.assign(blocks * columns, 0);
  result.words.assign(blocks * columns, 0);
  size_t indices = size_t(1) << size_t(kWeightBits.of(*work.machine));
  result.shared =
      b.elementBytes == 1 ? hasFewValues<uint8_t>(b, shape, indices) : hasFewValues<uint16_t>(b, shape, indices);
  int64_t perWord = Entry(work, result.shared).perWord;
  std::vector<uint16_t> entries(columns), padding(columns);
  for (int64_t g = 0; g < shape.g; ++g) {
    for (int64_t pass = 0; pass < passes; ++pass) {
      int64_t block = (g * passes + pass) * columns;
      int64_t outputs = array.outputsOf(pass, shape.m), first = g * shape.m + pass * array.outputs();
      for (int64_t k = 0; k < array.elements; ++k) {
        if (!sparse)
          std::fill(entries.begin(), entries.end(),
                    uint16_t(ceilDiv(std::max<int64_t>(outputs - k, 0), array.elements)));
        else if (b.elementBytes == 1)
          countEntries<uint8_t>(b, shape, first + k, first + outputs, array.elements, unsigned(array.runBits), entries,
                                padding);
        else
          countEntries<uint16_t>(b, shape, first + k, first + outputs, array.elements, unsigned(array.runBits), entries,
                                 padding);
        int64_t stored = 0; // Columns lie one behind the other.
        for (int64_t c = 0; c < columns; ++c) {
          int64_t begin = stored;
          stored += entries[c];
          if (stored > begin)
            result.words[block + c] += uint32_t((stored - 1) / perWord - begin / perWord + 1);
          result.costs[(block + c) * array.elements + k] = std::max<uint16_t>(entries[c], 1);
          result.entries[block + c] += entries[c];
          result.padding[block + c] += padding[c];
        }
      }
    }
  }
  return result;
}

/// What the elements do in all passes, counted or expected.
struct Totals {
  double cycles = 0, balanced = 0;
  double issued = 0;     ///< Cycles x elements that hold rows, over passes.
  double broadcasts = 0; ///< Activations sent, over vectors and passes.
  double entries = 0;    ///< Worked on, padding included.
  double padding = 0;
  double words = 0;    ///< Of the matrix's memory that hold the entries.
  double products = 0; ///< Entries that are products.
  bool shared = true;  ///< Entries hold indices.
};

Totals walk(const Work &work, const OperandView &a, const Columns &matrix) {
  const Contraction &shape = work.shape;
  Array array(*work.machine);
  bool sparse = skipsOn(work, isa::OperandKind::A);
  int64_t passes = array.passes(shape.m), columns = columnsOf(shape);
  std::vector<uint8_t> nonzero(columns);
  std::vector<int64_t> sent;
  sent.reserve(columns);
  Totals totals;
  totals.shared = matrix.shared;
  for (int64_t n = 0; n < shape.n; ++n) {
    for (int64_t g = 0; g < shape.g; ++g) {
      for (int64_t at = 0; at < shape.r * shape.s; ++at) {
        int64_t first = n * a.stride[0] + at / shape.s * a.stride[1] + at % shape.s * a.stride[2] + g * shape.c;
        nonzeroBytes(static_cast<const char *>(a.data) + first * int64_t(a.elementBytes), a.elementBytes, shape.c,
                     &nonzero[at * shape.c]);
      }
      sent.clear();
      for (int64_t c = 0; c < columns; ++c)
        if (nonzero[c] || !sparse)
          sent.push_back(c);
      for (int64_t pass = 0; pass < passes; ++pass) {
        int64_t block = (g * passes + pass) * columns;
        int64_t working = std::min(array.elements, array.outputsOf(pass, shape.m));
        Broadcasts<int32_t> broadcasts(array.elements, array.depth);
        uint64_t entries = 0, padding = 0, words = 0;
        for (int64_t c : sent) {
          broadcasts.next(&matrix.costs[(block + c) * array.elements]);
          entries += matrix.entries[block + c];
          padding += matrix.padding[block + c];
          words += matrix.words[block + c];
        }
        double cycles = double(broadcasts.cycles());
        totals.cycles += cycles;
        totals.balanced += double(ceilDiv(int64_t(entries), working));
        totals.issued += cycles * double(working);
        totals.broadcasts += double(sent.size());
        totals.entries += double(entries);
        totals.padding += double(padding);
        totals.words += double(words);
        totals.products += double(entries - padding);
      }
    }
  }
  return totals;
}

/// Entries of a column of `rows` places in one element: independent nonzeros, and the padding that goes with as many.
class EntryDistribution {
public:
  EntryDistribution(int64_t rows, double density, int64_t runBits) {
    double d = std::clamp(density, 0.0, 1.0);
    int64_t n = std::max<int64_t>(rows, 0), step = int64_t(1) << runBits;
    auto logChoose = [](double of, double some) {
      return std::lgamma(of + 1) - std::lgamma(some + 1) - std::lgamma(of - some + 1);
    };
    for (int64_t k = 0; k <= n; ++k) {
      double p = d <= 0   ? k == 0
                 : d >= 1 ? k == n
                          : std::exp(logChoose(n, k) + k * std::log(d) + (n - k) * std::log1p(-d));
      // Each of the k gaps is alike: it takes t zeros of padding where it is at least t * 2^bits long.
      double zeros = 0;
      for (int64_t t = 1; k > 0 && n - t * step >= k; ++t)
        zeros += std::exp(logChoose(double(n - t * step), double(k)) - logChoose(double(n), double(k)));
      zeros *= double(k);
      probability.push_back(p);
      cost.push_back(std::max(1.0, double(k) + zeros));
      padding += p * zeros;
      entries += p * (double(k) + zeros);
      mean += p * cost.back();
    }
    for (size_t k = 0; k < cost.size(); ++k)
      variance += probability[k] * (cost[k] - mean) * (cost[k] - mean);
  }
  /// Costs at evenly spaced quantiles.
  void quantiles(std::vector<float> &table) const {
    size_t k = 0;
    double below = probability[0];
    for (size_t i = 0; i < table.size(); ++i) {
      double at = (double(i) + 0.5) / double(table.size());
      while (k + 1 < cost.size() && below < at)
        below += probability[++k];
      table[i] = float(cost[k]);
    }
  }
  /// Expected words for a column whose first entry may lie anywhere in its word.
  double words(int64_t perWord) const {
    double some = 1 - probability[0];
    return some + (entries - some) / double(perWord);
  }
  double entries = 0, padding = 0, mean = 0, variance = 0;

private:
  std::vector<double> probability, cost;
};

/// Expected cycles of `sent` activations: exact in the mean where queues are deep; else the queues are run on columns
/// drawn from the distribution, the same ones every time.
double expectedCycles(double sent, const EntryDistribution &full, int64_t working, const Array &array) {
  constexpr int64_t kDrawn = 192;
  constexpr unsigned kTableBits = 10;
  if (sent <= 0)
    return 0;
  double deep = NormalMaximum(double(working)).of(sent * full.mean, sent * full.variance) + 1;
  if (array.depth == 0 || array.depth >= kDrawn)
    return std::max(deep, sent + 1);
  std::vector<float> table(size_t(1) << kTableBits), costs(working);
  full.quantiles(table);
  Broadcasts<float> broadcasts(working, array.depth);
  uint64_t state = 0x9e3779b97f4a7c15ull;
  double half = 0;
  for (int64_t column = 0; column < kDrawn; ++column) {
    uint64_t bits = 0;
    for (int64_t k = 0; k < working; ++k) {
      if (k % 6 == 0) { // splitmix64
        uint64_t z = (state += 0x9e3779b97f4a7c15ull);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        bits = z ^ (z >> 31);
      }
      costs[k] = table[bits & ((1u << kTableBits) - 1)];
      bits >>= kTableBits;
    }
    broadcasts.next(costs.data());
    if (column + 1 == kDrawn / 2)
      half = broadcasts.cycles();
  }
  // The queues fill in the first half; the rest goes at the pace of the second one. What is never full costs no more
  // than deep queues.
  double end = broadcasts.cycles(), pace = (end - half) / double(kDrawn / 2);
  return std::max(deep, sent < double(kDrawn) ? end * sent / double(kDrawn) : end + (sent - double(kDrawn)) * pace);
}

/// Words for a column of `rows` entries, where all columns have as many.
double wordsOfFullColumn(int64_t rows, int64_t perWord) {
  return rows ? 1 + double(rows - std::gcd(rows, perWord)) / double(perWord) : 0;
}

Totals expectedTotals(const Work &work, const Densities &densities) {
  const Contraction &shape = work.shape;
  Array array(*work.machine);
  bool sparseA = skipsOn(work, isa::OperandKind::A), sparseB = skipsOn(work, isa::OperandKind::B);
  double sent = double(columnsOf(shape)) * (sparseA ? densities.a : 1.0), vectors = double(shape.n * shape.g);
  int64_t passes = array.passes(shape.m);
  Totals totals;
  for (int64_t pass = 0; pass < passes; pass += std::max<int64_t>(passes - 1, 1)) {
    double times = vectors * double(pass == 0 && passes > 1 ? passes - 1 : 1); // All but the last are alike.
    int64_t outputs = array.outputsOf(pass, shape.m), working = std::min(array.elements, outputs);
    EntryDistribution full(ceilDiv(outputs, array.elements), sparseB ? densities.b : 1.0, array.runBits);
    double share = double(outputs) / double(ceilDiv(outputs, array.elements)); // Some elements have a row less.
    double cycles = expectedCycles(sent, full, working, array);
    double entries = sent * full.entries * share;
    totals.cycles += times * cycles;
    totals.balanced += times * std::min(cycles, entries / double(working));
    totals.issued += times * cycles * double(working);
    totals.broadcasts += times * sent;
    totals.entries += times * entries;
    totals.padding += times * sent * full.padding * share;
    int64_t perWord = Entry(work, totals.shared).perWord, rows = ceilDiv(outputs, array.elements);
    int64_t fullElements = outputs - (rows - 1) * array.elements; // The others have a row less.
    bool dense = !sparseB || densities.b >= 1;
    totals.words += times * sent *
                    (dense ? double(fullElements) * wordsOfFullColumn(rows, perWord) +
                                 double(array.elements - fullElements) * wordsOfFullColumn(rows - 1, perWord)
                           : full.words(perWord) * share);
    totals.products += times * sent * double(outputs) * (sparseB ? densities.b : 1.0);
  }
  totals.entries = totals.products + totals.padding;
  totals.issued = std::max(totals.issued, totals.entries);
  return totals;
}

class Eie final : public Dataflow {
public:
  const char *name() const override { return "eie"; }
  std::vector<Parameter> parameters() const override {
    return {kDepth.declared(), kIndexBits.declared(), kWeightBits.declared()};
  }

  absl::Status checkMachine(const machine::Machine &machine) const override {
    if (absl::Status status = checkArray(machine, name(), kElements); !status.ok())
      return status;
    if (absl::Status status = checkLevels(machine, name(), kLevels); !status.ok())
      return status;
    if (absl::Status status = checkParameter(machine, kDepth, 0, 1 << 20); !status.ok())
      return status;
    if (absl::Status status = checkParameter(machine, kIndexBits, 1, 15); !status.ok())
      return status;
    if (absl::Status status = checkParameter(machine, kWeightBits, 0, 16); !status.ok())
      return status;
    constexpr int64_t kMostSums = 0x7fff; // Entries of a column are counted in 16 bits, padding included.
    int64_t sums = Array(machine).sumsPerElement;
    if (sums < 1 || sums > kMostSums)
      return absl::InvalidArgumentError(absl::StrCat("machine '", machine.name, "': level '", kSums, "' holds ", sums,
                                                     " sums (its size over its psum_bits), expected 1 to ", kMostSums));
    // Zero activations are found where they lie dense; the zeros of weights are not stored.
    return checkSafs(machine, name(), kSafsAtCompute);
  }

  absl::Status legal(const Work &work) const override {
    const Contraction &shape = work.shape;
    if (absl::Status status = checkShape(work, name()); !status.ok())
      return status;
    for (Rank rank : {Rank::P, Rank::Q})
      if (shape.extent(rank) != 1)
        return absl::InvalidArgumentError(absl::StrCat(name(), ": extent ", rankName(rank), " is ", shape.extent(rank),
                                                       ", expected 1: the machine multiplies matrices by vectors"));
    // A window of several positions is a vector where it is all that there is.
    if (shape.padTop || shape.padBottom || shape.padLeft || shape.padRight || shape.dilationH != 1 ||
        shape.dilationW != 1)
      return absl::InvalidArgumentError(
          absl::StrCat(name(), ": the window is padded or dilated: the machine multiplies matrices by vectors"));
    if (!work.mapping)
      return absl::OkStatus();
    if (absl::Status status = checkCoverage(work, name()); !status.ok())
      return status;
    for (const isa::Loop &loop : work.mapping->loops)
      if (loop.kind != LoopKind::Temporal && loop.factor > 1 && loop.rank != Rank::M)
        return absl::InvalidArgumentError(absl::StrCat(name(), ": the mapping unrolls ", rankName(loop.rank),
                                                       " in space, but rows (M) only are interleaved over elements"));
    // Rows always go round all elements: a mapping may not claim more than there are, nor fewer.
    int64_t elements = Array(*work.machine).elements, least = std::min(elements, shape.m);
    int64_t mapped =
        factorOf(*work.mapping, Rank::M, [](const isa::Loop &loop) { return loop.kind != LoopKind::Temporal; });
    if (mapped < least || mapped > elements)
      return absl::InvalidArgumentError(absl::StrCat(name(), ": the mapping unrolls M ", mapped,
                                                     " times, but the array has ", elements, " elements and the tile ",
                                                     shape.m, " rows, so ", least, " to ", elements, " are possible"));
    return absl::OkStatus();
  }

  Counts estimate(const Work &work, const Densities &densities) const override {
    return finish(work, expectedProducts(work.shape, densities), expectedTotals(work, densities));
  }

  Counts count(const Work &work, const OperandView &a, const OperandView &b) const override {
    ProductCounts products = countProducts(work.shape, a, b, work.weights);
    if (work.digest)
      return finish(work, products, walk(work, a, static_cast<const Columns &>(*work.digest)));
    return finish(work, products, walk(work, a, compress(work, b)));
  }

  std::unique_ptr<const WeightDigest> digestWeights(const Work &work, const OperandView &b) const override {
    return std::make_unique<Columns>(compress(work, b));
  }

  std::vector<isa::Mapping> innerMappings(const Contraction &tile, const machine::Machine &machine) const override {
    Array array(machine);
    isa::Mapping mapping;
    auto loop = [&](Rank rank, int64_t factor, const char *level, LoopKind kind) {
      if (factor > 1)
        mapping.loops.push_back({rank, uint32_t(factor), uint8_t(machine.levelIndex(level)), kind});
    };
    int64_t spatial = std::min(tile.m, array.elements);
    int64_t rows = std::min(ceilDiv(tile.m, spatial), array.sumsPerElement);
    loop(Rank::N, tile.n, kActivations, LoopKind::Temporal);
    loop(Rank::G, tile.g, kActivations, LoopKind::Temporal);
    loop(Rank::M, ceilDiv(tile.m, spatial * rows), kActivations, LoopKind::Temporal);
    for (Rank rank : {Rank::R, Rank::S, Rank::C})
      loop(rank, tile.extent(rank), kSums, LoopKind::Temporal);
    loop(Rank::M, spatial, kSums, LoopKind::SpatialX);
    loop(Rank::M, rows, kSums, LoopKind::Temporal);
    return {mapping};
  }

  /// A pass that is not full pays for the elements whose columns are short.
  TileHint tileHint(const Contraction &, const machine::Machine &machine) const override {
    return {Array(machine).outputs(), 1, 1, true};
  }

private:
  static Counts finish(const Work &work, const ProductCounts &products, const Totals &totals) {
    const Contraction &shape = work.shape;
    const machine::Machine &machine = *work.machine;
    Array array(machine);
    double passes = double(array.passes(shape.m)), vectors = double(shape.n * shape.g);
    double bits = shape.elementBits, sums = double(shape.n * shape.g * shape.m) * array.sumBits;
    Entry entry(work, totals.shared);
    Counts counts;
    counts.cycles = totals.cycles;
    counts.boundCycles[unsigned(Bound::Mac)] = totals.balanced;
    counts.boundCycles[unsigned(Bound::Sync)] = totals.cycles - totals.balanced;

    // Each pass reads the vector once, and finds its nonzeros in the source registers.
    double read = passes * vectors * double(columnsOf(shape)) * bits;
    addTraffic(counts, machine, kActivations, "read", read);
    addTraffic(counts, machine, kSource, "write", read);
    addTraffic(counts, machine, kSource, "read", totals.broadcasts * bits);
    // Every element hears every broadcast: a value and the number of its column.
    double heard = totals.broadcasts * double(array.elements);
    double columnBits = double(std::bit_width(uint64_t(columnsOf(shape) - 1)));
    counts.actions.add("noc", "transfer", heard);
    for (const char *action : {"write", "read"})
      addTraffic(counts, machine, kQueue, action, heard * bits);
    for (const char *action : {"metadata_write", "metadata_read"})
      addTraffic(counts, machine, kQueue, action, heard * columnBits);
    // The pointers to a column's beginning and end lie in two banks; each is a word.
    bool compressed = skipsOn(work, isa::OperandKind::B);
    if (compressed)
      addTraffic(counts, machine, kPointers, "metadata_read", heard * 2 * machine.findLevel(kPointers)->wordBits);
    // The matrix is read in whole words, of which a column may need the end of one and the beginning of another.
    double places = totals.words * double(entry.perWord);
    addTraffic(counts, machine, kMatrix, "read", places * entry.weightBits);
    addTraffic(counts, machine, kMatrix, "metadata_read", places * entry.indexBits);
    // Sums stay in the elements for a pass. They are written back at its end, and read before it where they go on.
    for (const char *action : {"read", "write"})
      addTraffic(counts, machine, kSums, action, totals.entries * array.sumBits);
    if (work.accumulate)
      addTraffic(counts, machine, kActivations, "read", sums);
    addTraffic(counts, machine, kActivations, "write", sums);
    addBufferStalls(counts, machine, kLevels);

    // What is issued: products of what neither operand's skip leaves out.
    ProductCounts issued = products;
    bool skipsA = skipsOn(work, isa::OperandKind::A);
    issued.dense = totals.products;
    issued.nonzeroA = skipsA ? totals.products : compressed ? products.effectual : products.nonzeroA;
    issued.nonzeroB = compressed ? totals.products : skipsA ? products.effectual : products.nonzeroB;
    counts.slots = double(array.elements) * counts.cycles;
    counts.effectual = products.effectual;
    counts.gated = gatedProducts(issued, gatingConditions(work));
    counts.performed = totals.products - counts.gated;
    counts.skipped = products.dense - totals.products;
    counts.wasted = totals.issued - totals.products;
    counts.wastedPadding = totals.padding;
    // A padding zero goes through the multiplier like any other entry.
    counts.actions.add("mac", "compute", counts.performed + totals.padding);
    if (counts.gated > 0)
      counts.actions.add("mac", "gated", counts.gated);
    return counts;
  }
};

} // namespace

const Dataflow &eie() {
  static const Eie dataflow;
  return dataflow;
}

} // namespace sparseaccel::dataflow
