//===- EyerissV2.cpp - Compressed columns in a hierarchical mesh ----------===//
//
// Models Chen et al., "Eyeriss v2: A Flexible Accelerator for Emerging Deep Neural Networks on Mobile Devices", JETCAS
// 2019. Processing elements keep activations and weights as compressed sparse columns and skip zeros of both; they lie
// in clusters, which a hierarchical mesh feeds. Row-stationary: an element holds weights of one filter row and runs
// over rows of activations. All elements meet at the end of each pass.
//
//===----------------------------------------------------------------------===//

#include "Dataflows.h"
#include "Expectation.h"
#include "EyerissV2Plan.h"
#include "SparseAccel/Target/Dataflow/OperandMasks.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace sparseaccel::dataflow {

using isa::LoopKind;
using isa::Rank;
using namespace eyeriss_v2;

namespace {

constexpr DeclaredParameter kIactWords = {
    "noc_iact_words", 6, "compressed activations that enter a cluster in a cycle; 0: never the bottleneck"};
constexpr DeclaredParameter kWeightWords = {
    "noc_weight_words", 6, "compressed weights that enter a cluster in a cycle; 0: never the bottleneck"};
constexpr DeclaredParameter kPsumWords = {
    "noc_psum_words", 4, "sums that enter a cluster in a cycle, and that leave it; 0: never the bottleneck"};
constexpr DeclaredParameter kIndexBits = {"index_bits", 4, "of a coordinate beside each stored value"};
constexpr DeclaredParameter kIactAddressBits = {"iact_address_bits", 4, "of a pointer to a column of activations"};
constexpr DeclaredParameter kWeightAddressBits = {"weight_address_bits", 7, "of a pointer to a column of weights"};
constexpr const DeclaredParameter *kParameters[] = {&kIactWords, &kWeightWords,     &kPsumWords,
                                                    &kIndexBits, &kIactAddressBits, &kWeightAddressBits};

struct Network {
  int64_t iact, weight, psum;
  explicit Network(const machine::Machine &machine)
      : iact(int64_t(kIactWords.of(machine))), weight(int64_t(kWeightWords.of(machine))),
        psum(int64_t(kPsumWords.of(machine))) {}
};
double cyclesAt(double words, int64_t perCycle) { return perCycle ? std::ceil(words / double(perCycle)) : 0; }

/// Indices [begin, end) of tiles.
struct Span {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};

/// Input rows that output rows and filter rows meet, each once; those of the padding are left out.
void inputRows(const Contraction &shape, Span p, Span r, std::vector<int64_t> &rows) {
  rows.clear();
  int64_t height = shape.inputRows();
  for (int64_t i = p.begin; i < p.end; ++i)
    for (int64_t j = r.begin; j < r.end; ++j) {
      int64_t row = i * shape.strideH + j * shape.dilationH - shape.padTop;
      if (row >= 0 && row < height)
        rows.push_back(row);
    }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
}

/// Weights as the elements store them.
struct StoredWeights final : WeightDigest {
  std::vector<uint16_t> cycles; ///< That one activation takes with its column: [g][m tile][r][s][c].
  std::vector<uint32_t> words;  ///< Weights stored: [g][m tile][r][c tile].
  uint64_t bytes() const override { return cycles.size() * 2 + words.size() * 4; }
};

template <typename T>
void addNonzeros(const T *values, int64_t count, uint16_t *sums) {
  for (int64_t i = 0; i < count; ++i)
    sums[i] = uint16_t(sums[i] + (values[i] != 0));
}

StoredWeights storeWeights(const Work &work, const Plan &plan, const OperandView &b) {
  const Contraction &shape = work.shape;
  bool sparse = skipsOn(work, isa::OperandKind::B);
  uint16_t macs = uint16_t(Array(*work.machine).macs);
  int64_t mTiles = plan.tiles(Axis::M, shape), cTiles = plan.tiles(Axis::C, shape);
  StoredWeights stored;
  stored.cycles.assign(shape.g * mTiles * shape.r * shape.s * shape.c, 0);
  stored.words.assign(shape.g * mTiles * shape.r * cTiles, 0);
  uint16_t *column = stored.cycles.data();
  uint32_t *words = stored.words.data();
  for (int64_t g = 0; g < shape.g; ++g)
    for (int64_t mt = 0; mt < mTiles; ++mt) {
      int64_t first = mt * plan.m, filters = std::min(plan.m, shape.m - first);
      for (int64_t r = 0; r < shape.r; ++r, words += cTiles)
        for (int64_t s = 0; s < shape.s; ++s, column += shape.c) {
          if (!sparse)
            std::fill(column, column + shape.c, uint16_t(filters));
          for (int64_t m = 0; sparse && m < filters; ++m) {
            if (b.elementBytes == 1)
              addNonzeros(b.row<uint8_t>(g * shape.m + first + m, r, s), shape.c, column);
            else
              addNonzeros(b.row<uint16_t>(g * shape.m + first + m, r, s), shape.c, column);
          }
          for (int64_t c = 0; c < shape.c; ++c) {
            words[c / plan.c] += column[c];
            column[c] = uint16_t((column[c] + macs - 1) / macs);
          }
        }
    }
  return stored;
}

/// Activations as the elements meet them, images of a tile added up.
struct StoredActivations {
  std::vector<uint32_t> visits; ///< How often a row's nonzeros meet filter column s: [n tile][row][s][g c].
  std::vector<uint32_t> words;  ///< Activations stored of a row: [n tile][row][g][c tile].
};

StoredActivations storeActivations(const Work &work, const Plan &plan, const OperandView &a) {
  const Contraction &shape = work.shape;
  int64_t height = a.extent[1], width = a.extent[2], channels = shape.g * shape.c;
  int64_t nTiles = plan.tiles(Axis::N, shape), cTiles = plan.tiles(Axis::C, shape);
  StoredActivations stored;
  stored.visits.assign(nTiles * height * shape.s * channels, 0);
  stored.words.assign(nTiles * height * shape.g * cTiles, 0);
  bool sparse = skipsOn(work, isa::OperandKind::A);
  std::vector<uint8_t> row(width * channels);
  std::vector<uint16_t> sums(channels);
  for (int64_t n = 0; n < shape.n; ++n)
    for (int64_t line = 0; line < height; ++line) {
      int64_t at = n / plan.n * height + line;
      for (int64_t column = 0; column < width; ++column) {
        if (!sparse)
          std::fill_n(row.data() + column * channels, channels, 1);
        else if (a.elementBytes == 1)
          nonzeroBytes(a.row<uint8_t>(n, line, column), 1, channels, row.data() + column * channels);
        else
          nonzeroBytes(a.row<uint16_t>(n, line, column), 2, channels, row.data() + column * channels);
      }
      auto addColumn = [&](int64_t column) {
        const uint8_t *pixel = row.data() + column * channels;
        for (int64_t c = 0; c < channels; ++c)
          sums[c] = uint16_t(sums[c] + pixel[c]);
      };
      for (int64_t s = 0; s < shape.s; ++s) {
        uint32_t *visits = stored.visits.data() + (at * shape.s + s) * channels;
        std::fill(sums.begin(), sums.end(), 0);
        int terms = 0;
        auto flush = [&] {
          for (int64_t c = 0; c < channels; ++c)
            visits[c] += sums[c];
          std::fill(sums.begin(), sums.end(), 0);
          terms = 0;
        };
        for (int64_t q = 0; q < shape.q; ++q) {
          int64_t column = q * shape.strideW + s * shape.dilationW - shape.padLeft;
          if (column < 0 || column >= width)
            continue;
          addColumn(column);
          if (++terms == 0xffff)
            flush();
        }
        flush();
        if (!sparse) // Padding is work like any other.
          std::fill_n(visits, channels, uint32_t(shape.q * (n % plan.n + 1)));
      }
      uint32_t *words = stored.words.data() + at * shape.g * cTiles;
      for (int64_t column = 0; column < width; ++column) {
        const uint8_t *pixel = row.data() + column * channels;
        for (int64_t g = 0; g < shape.g; ++g)
          for (int64_t ct = 0; ct < cTiles; ++ct) {
            uint32_t sum = 0;
            for (int64_t c = ct * plan.c; c < std::min(shape.c, (ct + 1) * plan.c); ++c)
              sum += pixel[g * shape.c + c];
            words[g * cTiles + ct] += sum;
          }
      }
    }
  return stored;
}

/// What the array does in all passes, counted or expected.
struct Totals {
  double cycles = 0, balanced = 0, slowest = 0; ///< All; of balanced elements; of the slowest element of each pass.
  double visits = 0;                            ///< Activations that elements take up, once for each filter column.
  double windows = 0;                           ///< Filter columns that elements go through.
  double iactReads = 0, weightReads = 0;        ///< Words out of the buffers: once, however many elements hear them.
  double iactColumns = 0;                       ///< Columns of activations that elements store.
  double iactClusters = 0, weightClusters = 0, psumClusters = 0; ///< Words into clusters.
  double iactElements = 0, weightElements = 0;                   ///< Words into elements.
  double outputs = 0;                                            ///< Sums that elements hand on.
};

/// Walks all passes over counted operands.
class Walk {
public:
  Walk(const Work &work, const Plan &plan, const StoredActivations &activations, const StoredWeights &weights)
      : shape(work.shape), plan(plan), array(*work.machine), network(*work.machine), activations(activations),
        weights(weights), sparseA(skipsOn(work, isa::OperandKind::A)), height(shape.inputRows()),
        channels(shape.g * shape.c), mTiles(plan.tiles(Axis::M, shape)), cTiles(plan.tiles(Axis::C, shape)) {}
  Totals run();

private:
  /// Tiles of an axis that the cluster (or, for -1, the whole array) covers in a pass.
  Span span(Axis axis, int64_t pass, int64_t cluster) const;
  double iactWords(Span n, Span g, Span c) const;
  double weightWords(Span g, Span m, Span r, Span c) const;
  double outputsOf(Span n, Span g, Span m, Span p) const;
  uint64_t load(int64_t n, int64_t g, int64_t row, int64_t r, int64_t m, int64_t c) const;
  int64_t imagesIn(int64_t tile) const { return std::min(plan.n, shape.n - tile * plan.n); }

  const Contraction &shape;
  const Plan &plan;
  Array array;
  Network network;
  const StoredActivations &activations;
  const StoredWeights &weights;
  bool sparseA;
  int64_t height, channels, mTiles, cTiles;
  std::vector<int64_t> rows;
};

Span Walk::span(Axis axis, int64_t pass, int64_t cluster) const {
  int64_t begin = pass * plan.spatial(axis), size = plan.spatial(axis);
  if (cluster >= 0) {
    size = plan.elements[unsigned(axis)];
    begin += plan.clusterIndex(axis, cluster) * size;
  }
  int64_t tiles = plan.tiles(axis, shape);
  return {std::min(begin, tiles), std::min(begin + size, tiles)};
}

double Walk::iactWords(Span n, Span g, Span c) const {
  uint64_t words = 0;
  for (int64_t i = n.begin; i < n.end; ++i)
    for (int64_t row : rows)
      for (int64_t j = g.begin; j < g.end; ++j)
        for (int64_t k = c.begin; k < c.end; ++k)
          words += activations.words[((i * height + row) * shape.g + j) * cTiles + k];
  return double(words);
}

double Walk::weightWords(Span g, Span m, Span r, Span c) const {
  uint64_t words = 0;
  for (int64_t i = g.begin; i < g.end; ++i)
    for (int64_t j = m.begin; j < m.end; ++j)
      for (int64_t k = r.begin; k < r.end; ++k)
        for (int64_t l = c.begin; l < c.end; ++l)
          words += weights.words[((i * mTiles + j) * shape.r + k) * cTiles + l];
  return double(words);
}

double Walk::outputsOf(Span n, Span g, Span m, Span p) const {
  int64_t images = std::min(n.end * plan.n, shape.n) - std::min(n.begin * plan.n, shape.n);
  int64_t filters = std::min(m.end * plan.m, shape.m) - std::min(m.begin * plan.m, shape.m);
  return double(images * g.size() * filters * p.size() * shape.q);
}

uint64_t Walk::load(int64_t n, int64_t g, int64_t row, int64_t r, int64_t m, int64_t c) const {
  int64_t first = c * plan.c, count = std::min(plan.c, shape.c - first);
  const uint32_t *visits = activations.visits.data() + (n * height + row) * shape.s * channels + g * shape.c + first;
  const uint16_t *cycles = weights.cycles.data() + ((g * mTiles + m) * shape.r + r) * shape.s * shape.c + first;
  uint64_t sum = 0;
  for (int64_t s = 0; s < shape.s; ++s, visits += channels, cycles += shape.c)
    for (int64_t i = 0; i < count; ++i)
      sum += uint64_t(visits[i]) * cycles[i];
  return sum;
}

Totals Walk::run() {
  Totals totals;
  uint64_t loads = 0;
  std::array<int64_t, kAxes> times;
  for (unsigned axis = 0; axis < kAxes; ++axis)
    times[axis] = plan.passes(Axis(axis), shape);
  auto at = [&](Axis axis) { return times[unsigned(axis)]; };
  int64_t clusters = plan.clusterCount();
  for (int64_t tg = 0; tg < at(Axis::G); ++tg)
    for (int64_t tm = 0; tm < at(Axis::M); ++tm)
      for (int64_t tc = 0; tc < at(Axis::C); ++tc)
        for (int64_t tr = 0; tr < at(Axis::R); ++tr) {
          double slowestCluster = 0;
          for (int64_t cluster = 0; cluster < clusters; ++cluster) {
            double words = weightWords(span(Axis::G, tg, cluster), span(Axis::M, tm, cluster),
                                       span(Axis::R, tr, cluster), span(Axis::C, tc, cluster));
            int64_t copies = plan.elements[unsigned(Axis::N)] * plan.elements[unsigned(Axis::P)];
            totals.weightClusters += words;
            totals.weightElements += words * double(copies);
            slowestCluster = std::max(slowestCluster, words);
          }
          totals.weightReads +=
              weightWords(span(Axis::G, tg, -1), span(Axis::M, tm, -1), span(Axis::R, tr, -1), span(Axis::C, tc, -1));
          totals.cycles += cyclesAt(slowestCluster, network.weight);
          for (int64_t tn = 0; tn < at(Axis::N); ++tn)
            for (int64_t tp = 0; tp < at(Axis::P); ++tp) {
              uint64_t slowest = 0;
              double mostIacts = 0, mostSums = 0;
              for (int64_t cluster = 0; cluster < clusters; ++cluster) {
                Span g = span(Axis::G, tg, cluster), m = span(Axis::M, tm, cluster), c = span(Axis::C, tc, cluster),
                     r = span(Axis::R, tr, cluster), n = span(Axis::N, tn, cluster), p = span(Axis::P, tp, cluster);
                if (!g.size() || !m.size() || !c.size() || !r.size() || !n.size() || !p.size())
                  continue;
                inputRows(shape, p, r, rows);
                double iacts = iactWords(n, g, c), sums = outputsOf(n, g, m, p);
                totals.iactClusters += iacts;
                totals.psumClusters += sums;
                mostIacts = std::max(mostIacts, iacts);
                mostSums = std::max(mostSums, sums);
                totals.outputs += sums * double(c.size() * r.size());
                for (int64_t in = n.begin; in < n.end; ++in)
                  for (int64_t ig = g.begin; ig < g.end; ++ig)
                    for (int64_t ip = p.begin; ip < p.end; ++ip)
                      for (int64_t ir = r.begin; ir < r.end; ++ir) {
                        int64_t row = ip * shape.strideH + ir * shape.dilationH - shape.padTop;
                        bool padding = row < 0 || row >= height;
                        if (padding && sparseA)
                          continue;
                        double images = double(imagesIn(in)), elements = double(m.size() * c.size());
                        totals.windows += elements * images * double(shape.q * shape.s);
                        if (!padding) {
                          totals.iactColumns += elements * images * double(shape.inputColumns());
                          for (int64_t ic = c.begin; ic < c.end; ++ic)
                            totals.iactElements +=
                                double(m.size()) *
                                activations.words[((in * height + row) * shape.g + ig) * cTiles + ic];
                        }
                        // Without skipping every row is alike, and padding too.
                        for (int64_t im = m.begin; im < m.end; ++im)
                          for (int64_t ic = c.begin; ic < c.end; ++ic) {
                            uint64_t cycles = load(in, ig, padding ? 0 : row, ir, im, ic);
                            loads += cycles;
                            slowest = std::max(slowest, cycles);
                          }
                      }
              }
              inputRows(shape, span(Axis::P, tp, -1), span(Axis::R, tr, -1), rows);
              totals.iactReads += iactWords(span(Axis::N, tn, -1), span(Axis::G, tg, -1), span(Axis::C, tc, -1));
              totals.slowest += double(slowest);
              totals.cycles +=
                  std::max({double(slowest), cyclesAt(mostIacts, network.iact), cyclesAt(mostSums, network.psum)});
            }
        }
  totals.balanced = double(ceilDiv(int64_t(loads), plan.elementCount()));
  return totals;
}

/// Expected cycles that one activation takes with a column of `filters` weights, and their square.
struct ColumnCost {
  double mean = 0, square = 0;
  ColumnCost(int64_t filters, double density, int64_t macs) {
    double d = std::clamp(density, 0.0, 1.0);
    for (int64_t k = 1; k <= filters; ++k) {
      double p =
          d >= 1   ? k == filters
          : d <= 0 ? 0.0
                   : std::exp(std::lgamma(filters + 1.0) - std::lgamma(k + 1.0) - std::lgamma(double(filters - k) + 1) +
                              double(k) * std::log(d) + double(filters - k) * std::log1p(-d));
      double cycles = double(ceilDiv(k, macs));
      mean += p * cycles;
      square += p * cycles * cycles;
    }
  }
};

/// Expectations that many plans have in common.
class Expectations {
public:
  const NormalMaximum &slowestOf(int64_t count) { return maxima.try_emplace(count, double(count)).first->second; }
  const ColumnCost &column(int64_t filters, double density, int64_t macs) {
    return columns.try_emplace({filters, density}, filters, density, macs).first->second;
  }

private:
  std::map<int64_t, NormalMaximum> maxima;
  std::map<std::pair<int64_t, double>, ColumnCost> columns; ///< Of one machine.
};

Totals expectedCycles(const Work &work, const Plan &plan, const Densities &densities, Expectations &expectations) {
  const Contraction &shape = work.shape;
  Array array(*work.machine);
  Network network(*work.machine);
  bool sparseA = skipsOn(work, isa::OperandKind::A), sparseB = skipsOn(work, isa::OperandKind::B);
  double a = sparseA ? densities.a : 1, b = sparseB ? densities.b : 1;
  // Shares of the windows' rows and columns that lie in the plane.
  double rowPairs = double(validRowPairs(shape)), columnPairs = double(validColumnPairs(shape));
  double rowShare = sparseA ? rowPairs / double(shape.p * shape.r) : 1;
  double columnShare = sparseA ? columnPairs / double(shape.q * shape.s) : 1;
  int64_t mTiles = plan.tiles(Axis::M, shape), cTiles = plan.tiles(Axis::C, shape);
  double filters = double(shape.m) / double(mTiles), tileChannels = double(shape.c) / double(cTiles);
  double images = double(shape.n) / double(plan.tiles(Axis::N, shape));

  // A pass with all elements there; the slowest is taken as if all were independent, although elements share operands.
  // Filter columns that meet the same activations vary together.
  const ColumnCost &column = expectations.column(std::min(plan.m, shape.m), b, array.macs);
  double windows = double(shape.q) * images * columnShare, visits = windows * a;
  double visitsSquare = windows * a * (1 - a) + visits * visits;
  int64_t phases = std::min(shape.s, shape.strideW / std::gcd(shape.strideW, shape.dilationW));
  double together = double(ceilDiv(shape.s, phases)), columns = tileChannels * double(shape.s) / together;
  double mean = visits * column.mean * together;
  double columnSquare =
      together * (column.square - column.mean * column.mean) + together * together * column.mean * column.mean;
  double variance = visitsSquare * columnSquare - mean * mean;
  double most = std::min(double(shape.q) * images * double(plan.c * shape.s * ceilDiv(plan.m, array.macs)),
                         expectations.slowestOf(plan.elementCount()).of(columns * mean, columns * variance));
  auto covered = [&](Axis axis) { return double(std::min(plan.elements[unsigned(axis)], plan.tiles(axis, shape))); };
  double rows = std::min(double(shape.inputRows()), std::min((covered(Axis::P) - 1) * double(shape.strideH) +
                                                                 (covered(Axis::R) - 1) * double(shape.dilationH) + 1,
                                                             covered(Axis::P) * covered(Axis::R)));
  double clusterIacts = rows * double(shape.inputColumns()) * images * a * covered(Axis::N) * covered(Axis::G) *
                        std::min(covered(Axis::C) * double(plan.c), double(shape.c));
  double clusterWeights = covered(Axis::G) * covered(Axis::R) * double(shape.s) * b *
                          std::min(covered(Axis::C) * double(plan.c), double(shape.c)) *
                          std::min(covered(Axis::M) * double(plan.m), double(shape.m));
  double clusterSums = covered(Axis::N) * images * covered(Axis::G) * covered(Axis::P) * double(shape.q) *
                       std::min(covered(Axis::M) * double(plan.m), double(shape.m));
  const NormalMaximum &neediest = expectations.slowestOf(plan.clusterCount());
  clusterIacts = neediest.of(clusterIacts, clusterIacts * (1 - a));
  clusterWeights = neediest.of(clusterWeights, clusterWeights * (1 - b));
  double weightSets = 1, passes = 1;
  for (Axis axis : {Axis::G, Axis::M, Axis::C, Axis::R})
    weightSets *= double(plan.passes(axis, shape));
  passes = weightSets * double(plan.passes(Axis::N, shape) * plan.passes(Axis::P, shape));

  Totals totals;
  double loads = double(shape.n * shape.g * shape.q * shape.s) * double(shape.c * mTiles) * double(shape.p * shape.r) *
                 rowShare * columnShare * a * expectations.column(int64_t(std::lround(filters)), b, array.macs).mean;
  totals.balanced = loads / double(plan.elementCount());
  totals.slowest = std::max(totals.balanced, passes * most);
  totals.cycles = totals.slowest +
                  passes * std::max(0.0, std::max(network.iact ? clusterIacts / double(network.iact) : 0.0,
                                                  network.psum ? clusterSums / double(network.psum) : 0.0) -
                                             most) +
                  weightSets * (network.weight ? clusterWeights / double(network.weight) : 0.0);
  return totals;
}

/// Adds what moves, for which only densities are taken for data.
void addExpectedTraffic(const Work &work, const Plan &plan, const Densities &densities, Totals &totals) {
  const Contraction &shape = work.shape;
  bool sparseA = skipsOn(work, isa::OperandKind::A), sparseB = skipsOn(work, isa::OperandKind::B);
  double a = sparseA ? densities.a : 1, b = sparseB ? densities.b : 1;
  double rowPairs = double(validRowPairs(shape)), columnPairs = double(validColumnPairs(shape));
  double rowsMet = sparseA ? rowPairs : double(shape.p * shape.r);
  double columnsMet = sparseA ? columnPairs : double(shape.q * shape.s);
  int64_t mTiles = plan.tiles(Axis::M, shape), cTiles = plan.tiles(Axis::C, shape);
  // Pieces of `size` tiles that are not empty, and the rows that all pairs of pieces of P and of R read.
  auto pieces = [&](Axis axis, int64_t size) { return ceilDiv(plan.tiles(axis, shape), size); };
  std::vector<int64_t> rows;
  auto rowsRead = [&](int64_t pSize, int64_t rSize) {
    size_t sum = 0;
    for (int64_t p = 0; p < shape.p; p += pSize)
      for (int64_t r = 0; r < shape.r; r += rSize) {
        inputRows(shape, {p, std::min(p + pSize, shape.p)}, {r, std::min(r + rSize, shape.r)}, rows);
        sum += rows.size();
      }
    return double(sum);
  };
  double row = double(shape.n * shape.g * shape.c * shape.inputColumns()) * a;
  totals.iactReads = row * rowsRead(plan.spatial(Axis::P), plan.spatial(Axis::R)) * double(plan.passes(Axis::M, shape));
  totals.iactClusters = row * rowsRead(plan.elements[unsigned(Axis::P)], plan.elements[unsigned(Axis::R)]) *
                        double(pieces(Axis::M, plan.elements[unsigned(Axis::M)]));
  totals.iactElements = row * rowPairs * double(mTiles);
  totals.iactColumns = double(shape.n * shape.g * mTiles * cTiles * shape.inputColumns()) * rowPairs;
  totals.weightReads = double(shape.g * shape.m * shape.c * shape.r * shape.s) * b;
  totals.weightClusters =
      totals.weightReads * double(plan.clusters[unsigned(Axis::N)] * plan.clusters[unsigned(Axis::P)]);
  totals.weightElements =
      totals.weightClusters * double(plan.elements[unsigned(Axis::N)] * plan.elements[unsigned(Axis::P)]);
  double results = double(shape.n * shape.g * shape.m * shape.p * shape.q);
  totals.outputs = results * double(cTiles * shape.r);
  totals.psumClusters = results * double(pieces(Axis::C, plan.elements[unsigned(Axis::C)]) *
                                         pieces(Axis::R, plan.elements[unsigned(Axis::R)]));
  totals.visits = double(shape.n * shape.g * shape.c * mTiles) * rowsMet * columnsMet * a;
  totals.windows = double(shape.n * shape.g * mTiles * cTiles * shape.q * shape.s) * rowsMet;
}

class EyerissV2 final : public Dataflow {
public:
  const char *name() const override { return "eyeriss-v2"; }
  std::vector<Parameter> parameters() const override {
    std::vector<Parameter> declared;
    for (const DeclaredParameter *parameter : kParameters)
      declared.push_back(parameter->declared());
    return declared;
  }

  absl::Status checkMachine(const machine::Machine &machine) const override {
    if (absl::Status status = checkArray(machine, name(), kDimensions); !status.ok())
      return status;
    if (absl::Status status = checkLevels(machine, name(), kLevels); !status.ok())
      return status;
    for (const DeclaredParameter *parameter : kParameters)
      if (absl::Status status = checkParameter(machine, *parameter, 0, 4096); !status.ok())
        return status;
    Array array(machine);
    if (array.iactWords < 1 || array.weightWords < 1 || array.psumWords < 1 || array.psumWords > 0xffff)
      return absl::InvalidArgumentError(absl::StrCat(
          "machine '", machine.name, "': the scratchpads '", kIactSpad, "', '", kWeightSpad, "' and '", kPsumSpad,
          "' hold ", array.iactWords, ", ", array.weightWords, " and ", array.psumWords,
          " words (the last one is size over psum_bits), expected at least 1 each, and at most 65535 sums"));
    return checkSafs(machine, name(), kSafsAtCompute);
  }

  absl::Status legal(const Work &work) const override {
    if (absl::Status status = checkShape(work, name()); !status.ok())
      return status;
    if (absl::Status status = checkFits(work.shape, Array(*work.machine), name()); !status.ok())
      return status;
    if (!work.mapping)
      return absl::OkStatus();
    if (absl::Status status = checkCoverage(work, name()); !status.ok())
      return status;
    return checkMapping(work, name());
  }

  Counts estimate(const Work &work, const Densities &densities) const override {
    Plan plan = planOf(work);
    Expectations expectations;
    Totals totals = expectedCycles(work, plan, densities, expectations);
    addExpectedTraffic(work, plan, densities, totals);
    return finish(work, plan, expectedProducts(work.shape, densities), totals);
  }

  Counts count(const Work &work, const OperandView &a, const OperandView &b) const override {
    Plan plan = planOf(work);
    ProductCounts products = countProducts(work.shape, a, b, work.weights);
    StoredActivations activations = storeActivations(work, plan, a);
    auto walk = [&](const StoredWeights &weights) {
      Totals totals = Walk(work, plan, activations, weights).run();
      double all = skipsOn(work, isa::OperandKind::A) ? products.nonzeroA : products.dense;
      totals.visits = all / double(work.shape.m) * double(plan.tiles(Axis::M, work.shape));
      return finish(work, plan, products, totals);
    };
    return work.digest ? walk(static_cast<const StoredWeights &>(*work.digest)) : walk(storeWeights(work, plan, b));
  }

  std::unique_ptr<const WeightDigest> digestWeights(const Work &work, const OperandView &b) const override {
    return std::make_unique<StoredWeights>(storeWeights(work, planOf(work), b));
  }

  std::vector<isa::Mapping> innerMappings(const Contraction &tile, const machine::Machine &machine) const override {
    Work work;
    work.shape = tile, work.machine = &machine;
    Expectations expectations;
    std::vector<isa::Mapping> mappings;
    for (const Plan &plan : bestPlans(tile, machine, [&](const Plan &plan, const Densities &densities) {
           return expectedCycles(work, plan, densities, expectations).cycles;
         }))
      mappings.push_back(toMapping(plan, tile, machine));
    return mappings;
  }

private:
  /// The plan that the mapping describes, or the first of the dataflow's own.
  Plan planOf(const Work &work) const {
    if (work.mapping)
      return fromMapping(*work.mapping, work.shape, *work.machine);
    return fromMapping(innerMappings(work.shape, *work.machine).front(), work.shape, *work.machine);
  }

  static Counts finish(const Work &work, const Plan &plan, const ProductCounts &products, const Totals &totals) {
    const Contraction &shape = work.shape;
    const machine::Machine &machine = *work.machine;
    Array array(machine);
    bool skipsA = skipsOn(work, isa::OperandKind::A), skipsB = skipsOn(work, isa::OperandKind::B);
    double bits = shape.elementBits, sumBits = array.psumBits;
    double indexA = skipsA ? kIndexBits.of(machine) : 0, indexB = skipsB ? kIndexBits.of(machine) : 0;
    double addressA = skipsA ? kIactAddressBits.of(machine) : 0, addressB = skipsB ? kWeightAddressBits.of(machine) : 0;
    Counts counts;
    counts.cycles = totals.cycles;
    counts.boundCycles[unsigned(Bound::Mac)] = totals.balanced;
    counts.boundCycles[unsigned(Bound::Sync)] = totals.slowest - totals.balanced;
    counts.boundCycles[unsigned(Bound::Noc)] = totals.cycles - totals.slowest;

    // What is issued: products of what neither operand's skip leaves out.
    double issued =
        skipsA ? (skipsB ? products.effectual : products.nonzeroA) : (skipsB ? products.nonzeroB : products.dense);
    ProductCounts left = products;
    left.dense = issued;
    left.nonzeroA = skipsA ? issued : skipsB ? products.effectual : products.nonzeroA;
    left.nonzeroB = skipsB ? issued : skipsA ? products.effectual : products.nonzeroB;
    counts.slots = double(machine.peakMacsPerCycle) * counts.cycles;
    counts.effectual = products.effectual;
    counts.gated = gatedProducts(left, gatingConditions(work));
    counts.performed = issued - counts.gated;
    counts.skipped = products.dense - issued;
    counts.wasted =
        std::max(totals.slowest * double(plan.elementCount() * array.macs), issued) - counts.performed - counts.gated;
    counts.actions.add("mac", "compute", counts.performed);
    if (counts.gated > 0)
      counts.actions.add("mac", "gated", counts.gated);

    auto words = [&](const char *level, const char *action, const char *metadata, double times, double index) {
      addTraffic(counts, machine, level, action, times * bits);
      addTraffic(counts, machine, level, metadata, times * index);
    };
    words(kIactBuffer, "read", "metadata_read", totals.iactReads, indexA);
    words(kWeightStream, "read", "metadata_read", totals.weightReads, indexB);
    words(kIactSpad, "write", "metadata_write", totals.iactElements, indexA);
    addTraffic(counts, machine, kIactSpad, "metadata_write", totals.iactColumns * addressA);
    words(kIactSpad, "read", "metadata_read", totals.visits, indexA);
    addTraffic(counts, machine, kIactSpad, "metadata_read", totals.windows * addressA);
    words(kWeightSpad, "write", "metadata_write", totals.weightElements, indexB);
    // A column lies between two pointers.
    double weightColumns = double(shape.g * plan.tiles(Axis::M, shape) * shape.c * shape.r * shape.s) *
                           double(plan.spatial(Axis::N) * plan.spatial(Axis::P));
    addTraffic(counts, machine, kWeightSpad, "metadata_write", weightColumns * addressB);
    words(kWeightSpad, "read", "metadata_read", issued, indexB);
    addTraffic(counts, machine, kWeightSpad, "metadata_read", 2 * totals.visits * addressB);
    addTraffic(counts, machine, kPsumSpad, "read", (issued + totals.outputs) * sumBits);
    addTraffic(counts, machine, kPsumSpad, "write", issued * sumBits);
    // Sums go back to their buffer after each pass over channels and filter rows, and come from there for all but the
    // first.
    double results = double(shape.n * shape.g * shape.m * shape.p * shape.q);
    double rounds = double(plan.passes(Axis::C, shape) * plan.passes(Axis::R, shape));
    addTraffic(counts, machine, kPsumBuffer, "write", results * rounds * sumBits);
    addTraffic(counts, machine, kPsumBuffer, "read", results * (rounds - (work.accumulate ? 0 : 1)) * sumBits);
    counts.actions.add("noc", "transfer", totals.iactClusters + totals.weightClusters + totals.psumClusters);
    addBufferStalls(counts, machine, kLevels);
    return counts;
  }
};

} // namespace

const Dataflow &eyerissV2() {
  static const EyerissV2 dataflow;
  return dataflow;
}

} // namespace sparseaccel::dataflow
