//===- Cnvlutin.cpp - Dot-product units that skip zero activations --------===//
//
// Models Albericio et al., "Cnvlutin: Ineffectual-Neuron-Free Deep Neural Network Computing", ISCA 2016. Each lane of
// the array walks its own share of the channels over the whole window, position-major, cut into bricks; a nonzero
// activation costs a cycle, a brick of zeros costs one. Lanes meet at the end of each window, position or brick.
// Contractions with fewer channels than lanes are not accelerated: they run packed, as without skipping.
//
//===----------------------------------------------------------------------===//

#include "Dataflows.h"
#include "DotProductArray.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace sparseaccel::dataflow {

namespace {

constexpr DeclaredParameter kBrick = {"brick", 16, "activations that are fetched together; a brick of zeros costs 1"};
constexpr DeclaredParameter kSync = {"sync", 0, "lanes meet at the end of each 0 = window, 1 = position, 2 = brick"};
enum Scope { ScopeWindow = 0, ScopePosition = 1, ScopeBrick = 2 };

/// How a group's channels are shared out: lanes of ceil(c / lanes) channels, and perhaps one with what is left.
struct LaneShare {
  int64_t channels = 0;  ///< Of a full lane.
  int64_t fullLanes = 0; ///< Lanes that have as many.
  int64_t remainder = 0; ///< Channels of the lane after them; 0 where there is none.
  LaneShare(const Contraction &shape, int64_t lanes)
      : channels(ceilDiv(shape.c, lanes)), fullLanes(shape.c / channels), remainder(shape.c % channels) {}
};

/// Bricks of one lane in one window.
int64_t bricksOf(const Contraction &shape, int64_t channels, int64_t brick, Scope scope) {
  int64_t positions = shape.r * shape.s;
  return scope == ScopePosition ? positions * ceilDiv(channels, brick) : ceilDiv(positions * channels, brick);
}

/// What the lanes do in all windows, before it is multiplied by the passes over the filters.
struct WalkTotals {
  double cycles = 0;     ///< Sum over windows of what the slowest lane takes between meetings.
  double laneCycles = 0; ///< Sum over windows and lanes of busy cycles.
};

/// Walks lanes with the same number of channels, 16 at a time side by side. Word holds a brick.
template <typename Word>
class LaneWalk {
  static constexpr int kSideBySide = 16;
  typedef Word Lanes __attribute__((vector_size(sizeof(Word) * kSideBySide)));

public:
  LaneWalk(const Contraction &shape, int64_t firstChannel, int64_t channels, int64_t lanes, int64_t brick, Scope scope)
      : shape(shape), firstChannel(firstChannel), channels(channels), lanes(lanes), brick(brick), scope(scope),
        pieces(ceilDiv(channels, brick)), blocks(ceilDiv(lanes, kSideBySide)),
        mask(brick == 8 * sizeof(Word) ? Word(~Word(0)) : Word((Word(1) << brick) - 1)),
        spillAfter(std::min<int64_t>((uint64_t(1) << std::min<size_t>(8 * sizeof(Word) - 1, 31)) / uint64_t(brick),
                                     int64_t(1) << 20)) {}

  void resize(int64_t pixels) { masks.assign(pixels * pieces * blocks * kSideBySide, 0); }

  /// Takes the nonzero mask of a pixel's channels of this group.
  void setPixel(int64_t pixel, const uint64_t *bits) {
    Word *to = &masks[pixel * pieces * blocks * kSideBySide];
    for (int64_t piece = 0; piece < pieces; ++piece) {
      int64_t width = std::min(brick, channels - piece * brick);
      int64_t offset = firstChannel + piece * brick;
      Word *words = to + piece * blocks * kSideBySide;
      for (int64_t lane = 0; lane < lanes; ++lane, offset += channels)
        words[lane] = Word(extractBits(bits, offset, width));
    }
  }

  /// Walks one window. `pixels` names the pixel of each position, or -1 for padding. Raises units[i] to the longest
  /// time of any lane before the i-th meeting; returns the busy cycles of all lanes.
  uint64_t walkWindow(const int64_t *pixels, std::vector<uint32_t> &units) {
    uint64_t busy = 0;
    int64_t positions = shape.r * shape.s;
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t live = std::min<int64_t>(kSideBySide, lanes - block * kSideBySide);
      Lanes cost = {}, fragment = {};
      uint32_t wide[kSideBySide] = {};
      int64_t filled = 0, terms = 0;
      size_t unit = 0;
      bool spilled = false;
      auto meet = [&]() {
        uint32_t longest = 0;
        for (int lane = 0; lane < kSideBySide; ++lane) {
          uint32_t total = uint32_t(cost[lane]) + (spilled ? wide[lane] : 0);
          longest = std::max(longest, total);
          busy += lane < live ? total : 0;
        }
        units[unit] = std::max(units[unit], longest);
        ++unit;
        cost = Lanes{};
        terms = 0;
        if (spilled)
          std::fill(std::begin(wide), std::end(wide), 0);
        spilled = false;
      };
      auto finishBrick = [&]() {
        fragment &= mask;
        addCost(fragment, cost);
        filled = 0;
        if (scope == ScopeBrick) {
          meet();
        } else if (++terms == spillAfter) {
          for (int lane = 0; lane < kSideBySide; ++lane)
            wide[lane] += uint32_t(cost[lane]);
          cost = Lanes{};
          terms = 0;
          spilled = true;
        }
      };
      for (int64_t position = 0; position < positions; ++position) {
        const Word *from =
            pixels[position] < 0 ? nullptr : &masks[(pixels[position] * pieces * blocks + block) * kSideBySide];
        int64_t left = channels;
        for (int64_t piece = 0; piece < pieces; ++piece, left -= brick) {
          int64_t width = std::min(brick, left);
          Lanes value = {};
          if (from)
            std::memcpy(&value, from + piece * blocks * kSideBySide, sizeof(value));
          fragment |= value << Word(filled);
          if (filled + width < brick) {
            filled += width;
            continue;
          }
          int64_t taken = brick - filled;
          finishBrick();
          filled = width - taken;
          fragment = filled > 0 ? value >> Word(taken) : Lanes{};
        }
        if (scope == ScopePosition) {
          if (filled > 0)
            finishBrick();
          fragment = Lanes{};
          meet();
        }
      }
      if (filled > 0)
        finishBrick();
      if (scope == ScopeWindow)
        meet();
    }
    return busy;
  }

private:
  /// cost += max(1, population count of fragment), lane by lane.
  static void addCost(const Lanes &fragment, Lanes &cost) {
    constexpr Word ones = Word(~Word(0));
    constexpr Word pairs = ones / 3, quads = ones / 5, bytes = ones / 17;
    Lanes x = fragment - ((fragment >> 1) & pairs);
    x = (x & quads) + ((x >> 2) & quads);
    x = (x + (x >> 4)) & bytes;
    for (unsigned shift = 8; shift < 8 * sizeof(Word); shift *= 2)
      x += x >> Word(shift);
    cost += (x & Word(0x7f)) - Lanes(fragment == Lanes{});
  }

  const Contraction &shape;
  int64_t firstChannel, channels, lanes, brick;
  Scope scope;
  int64_t pieces, blocks;
  Word mask;
  int64_t spillAfter;
  std::vector<Word> masks; ///< [pixel][piece][lane, in whole blocks]
};

template <typename Word>
WalkTotals walk(const Contraction &shape, const OperandView &a, int64_t arrayLanes, int64_t brick, Scope scope) {
  LaneShare share(shape, arrayLanes);
  int64_t height = a.extent[1], width = a.extent[2], channels = shape.c;
  LaneWalk<Word> full(shape, 0, share.channels, share.fullLanes, brick, scope);
  LaneWalk<Word> rest(shape, share.fullLanes * share.channels, std::max<int64_t>(share.remainder, 1), 1, brick, scope);
  full.resize(height * width);
  if (share.remainder)
    rest.resize(height * width);
  int64_t bricks = bricksOf(shape, share.channels, brick, scope), positions = shape.r * shape.s;
  size_t meetings = scope == ScopeWindow ? 1 : scope == ScopePosition ? positions : bricks;
  std::vector<uint32_t> units(meetings);
  std::vector<int64_t> pixels(positions);
  std::vector<uint8_t> bytes(channels);
  std::vector<uint64_t> bits(ceilDiv(channels, 64) + 1);
  WalkTotals totals;
  uint64_t cycles = 0, busy = 0;
  for (int64_t n = 0; n < shape.n; ++n) {
    for (int64_t g = 0; g < shape.g; ++g) {
      for (int64_t row = 0; row < height; ++row) {
        for (int64_t column = 0; column < width; ++column) {
          const char *from =
              static_cast<const char *>(a.data) +
              (n * a.stride[0] + row * a.stride[1] + column * a.stride[2] + g * channels) * int64_t(a.elementBytes);
          nonzeroBytes(from, a.elementBytes, channels, bytes.data());
          packBits(bytes.data(), channels, bits.data());
          full.setPixel(row * width + column, bits.data());
          if (share.remainder)
            rest.setPixel(row * width + column, bits.data());
        }
      }
      for (int64_t p = 0; p < shape.p; ++p) {
        for (int64_t q = 0; q < shape.q; ++q) {
          for (int64_t r = 0; r < shape.r; ++r) {
            int64_t row = p * shape.strideH + r * shape.dilationH - shape.padTop;
            for (int64_t s = 0; s < shape.s; ++s) {
              int64_t column = q * shape.strideW + s * shape.dilationW - shape.padLeft;
              bool inside = row >= 0 && row < height && column >= 0 && column < width;
              pixels[r * shape.s + s] = inside ? row * width + column : -1;
            }
          }
          std::fill(units.begin(), units.end(), 0);
          busy += full.walkWindow(pixels.data(), units);
          if (share.remainder)
            busy += rest.walkWindow(pixels.data(), units);
          for (uint32_t unit : units)
            cycles += unit;
        }
      }
    }
  }
  totals.cycles = double(cycles);
  totals.laneCycles = double(busy);
  return totals;
}

/// Distribution of max(1, nonzeros) of a brick of `length` independent activations.
struct BrickCost {
  double mean = 0, variance = 0;
  std::vector<double> cumulative; ///< P(cost <= k), k = 0..length.
  BrickCost(int64_t length, double density) : cumulative(length + 1) {
    double d = std::clamp(density, 0.0, 1.0);
    double sum = 0, square = 0, probability = 0;
    for (int64_t k = 0; k <= length; ++k) {
      double here = std::exp(std::lgamma(length + 1.0) - std::lgamma(k + 1.0) - std::lgamma(length - k + 1.0) +
                             (k ? k * std::log(std::max(d, 1e-300)) : 0) +
                             (k < length ? (length - k) * std::log(std::max(1 - d, 1e-300)) : 0));
      double cost = double(std::max<int64_t>(k, 1));
      sum += here * cost;
      square += here * cost * cost;
      probability += here;
      cumulative[k] = k == 0 ? 0 : probability;
    }
    mean = sum;
    variance = std::max(0.0, square - sum * sum);
  }
};

/// Expected longest time of `lanes` lanes, each with `whole` bricks of full length and one of `tail` (0: none).
double expectedLongest(int64_t lanes, int64_t whole, const BrickCost &brickCost, int64_t tail,
                       const BrickCost &tailCost) {
  if (whole + (tail > 0) == 1) {
    const BrickCost &only = whole ? brickCost : tailCost;
    double longest = 0;
    for (size_t k = 0; k + 1 < only.cumulative.size(); ++k)
      longest += 1 - std::pow(std::min(only.cumulative[k], 1.0), double(lanes));
    return longest;
  }
  double mean = double(whole) * brickCost.mean + (tail ? tailCost.mean : 0);
  double deviation = std::sqrt(double(whole) * brickCost.variance + (tail ? tailCost.variance : 0));
  if (deviation < 1e-9)
    return mean;
  // E[max] = low + integral over x > low of (1 - P(one lane <= x)^lanes), for the sum as a normal variable.
  constexpr int steps = 96;
  double low = mean - 4 * deviation, high = mean + 6 * deviation, step = (high - low) / steps, longest = low;
  for (int i = 0; i < steps; ++i) {
    double x = (low + (i + 0.5) * step - mean) / deviation;
    longest += step * (1 - std::pow(0.5 * std::erfc(-x / std::sqrt(2.0)), double(lanes)));
  }
  double bricks = double(whole + (tail > 0));
  double most =
      double(whole) * double(brickCost.cumulative.size() - 1) + (tail ? double(tailCost.cumulative.size() - 1) : 0);
  return std::clamp(longest, bricks, most);
}

WalkTotals expectedWalk(const Contraction &shape, double density, int64_t arrayLanes, int64_t brick, Scope scope) {
  LaneShare share(shape, arrayLanes);
  // Windows at the edges have fewer nonzeros: taken on average.
  double positions = double(shape.p * shape.r) * double(shape.q * shape.s);
  double inside = double(validRowPairs(shape)) * double(validColumnPairs(shape)) / positions;
  double windows = double(shape.n * shape.g) * double(shape.p * shape.q);
  int64_t stream = share.channels * (scope == ScopePosition ? 1 : shape.r * shape.s);
  int64_t whole = stream / brick, tail = stream % brick;
  BrickCost brickCost(brick, density * inside), tailCost(tail, density * inside);
  double lanes = double(share.fullLanes) + double(share.remainder) / double(share.channels);
  WalkTotals totals;
  double repeats = scope == ScopePosition ? double(shape.r * shape.s) : 1;
  if (scope == ScopeBrick)
    totals.cycles = double(whole) * expectedLongest(share.fullLanes, 1, brickCost, 0, tailCost) +
                    (tail ? expectedLongest(share.fullLanes, 0, brickCost, tail, tailCost) : 0);
  else
    totals.cycles = repeats * expectedLongest(share.fullLanes, whole, brickCost, tail, tailCost);
  totals.cycles *= windows;
  totals.laneCycles = windows * repeats * lanes * (double(whole) * brickCost.mean + (tail ? tailCost.mean : 0));
  return totals;
}

class Cnvlutin final : public Dataflow {
public:
  const char *name() const override { return "cnvlutin"; }
  std::vector<Parameter> parameters() const override { return {kBrick.declared(), kSync.declared()}; }

  absl::Status checkMachine(const machine::Machine &machine) const override {
    if (absl::Status status = checkParameter(machine, kBrick, 2, 64); !status.ok())
      return status;
    if (absl::Status status = checkParameter(machine, kSync, ScopeWindow, ScopeBrick); !status.ok())
      return status;
    return DotProductArray::check(machine, name());
  }

  absl::Status legal(const Work &work) const override { return DotProductArray(*work.machine).legal(work, name()); }

  Counts estimate(const Work &work, const Densities &densities) const override {
    DotProductArray array(*work.machine);
    ProductCounts products = expectedProducts(work.shape, densities);
    if (!accelerates(work, array))
      return array.countDense(work, products, gatingConditions(work));
    return countSkipping(work, array, products,
                         expectedWalk(work.shape, densities.a, array.lanes, brickOf(work), scopeOf(work)));
  }

  Counts count(const Work &work, const OperandView &a, const OperandView &b) const override {
    DotProductArray array(*work.machine);
    ProductCounts products = countProducts(work.shape, a, b, work.weights);
    if (!accelerates(work, array))
      return array.countDense(work, products, gatingConditions(work));
    int64_t brick = brickOf(work);
    Scope scope = scopeOf(work);
    WalkTotals totals = brick <= 16   ? walk<uint16_t>(work.shape, a, array.lanes, brick, scope)
                        : brick <= 32 ? walk<uint32_t>(work.shape, a, array.lanes, brick, scope)
                                      : walk<uint64_t>(work.shape, a, array.lanes, brick, scope);
    return countSkipping(work, array, products, totals);
  }

  std::vector<isa::Mapping> innerMappings(const Contraction &tile, const machine::Machine &machine) const override {
    return DotProductArray(machine).innerMappings(tile, machine);
  }

private:
  static int64_t brickOf(const Work &work) { return int64_t(kBrick.of(*work.machine)); }
  static Scope scopeOf(const Work &work) { return Scope(int(kSync.of(*work.machine))); }

  static bool accelerates(const Work &work, const DotProductArray &array) {
    return !array.packs(work.shape) && skipsOn(work, isa::OperandKind::A);
  }

  static Counts countSkipping(const Work &work, const DotProductArray &array, const ProductCounts &products,
                              const WalkTotals &totals) {
    const Contraction &shape = work.shape;
    const machine::Machine &machine = *work.machine;
    LaneShare share(shape, array.lanes);
    int64_t brick = brickOf(work);
    Scope scope = scopeOf(work);
    double passes = double(ceilDiv(shape.m, array.units * array.filters));
    double unitPasses = double(ceilDiv(shape.m, array.filters));
    double windows = double(array.windows(shape)) * double(shape.g);
    double bits = shape.elementBits, offsetBits = double(std::bit_width(uint64_t(brick - 1)));
    Counts counts;
    counts.cycles = passes * totals.cycles;
    double balanced = passes * std::ceil(totals.laneCycles / double(array.lanes));
    counts.boundCycles[unsigned(Bound::Mac)] = balanced;
    counts.boundCycles[unsigned(Bound::Sync)] = counts.cycles - balanced;

    // A lane fetches whole bricks, offsets beside values; only nonzeros go on to the units.
    double bricks = windows * double(share.fullLanes * bricksOf(shape, share.channels, brick, scope) +
                                     (share.remainder ? bricksOf(shape, share.remainder, brick, scope) : 0));
    addTraffic(counts, machine, kActivationLevel, "read", passes * bricks * double(brick) * bits);
    addTraffic(counts, machine, kActivationLevel, "metadata_read", passes * bricks * double(brick) * offsetBits);
    double nonzeros = products.nonzeroA / double(shape.m);
    counts.actions.add("noc", "transfer", unitPasses * nonzeros);
    for (const char *action : {"write", "read"})
      addTraffic(counts, machine, kInputLevel, action, unitPasses * nonzeros * bits);
    for (const char *action : {"metadata_write", "metadata_read"})
      addTraffic(counts, machine, kInputLevel, action, unitPasses * nonzeros * offsetBits);
    addTraffic(counts, machine, kWeightLevel, "read", unitPasses * nonzeros * double(array.filters) * bits);
    const machine::Level *sumLevel = machine.findLevel(kSumLevel);
    double sums = double(shape.m) * (sumLevel && sumLevel->psumBits ? sumLevel->psumBits : machine.psumBits);
    addTraffic(counts, machine, kSumLevel, "read", sums * (totals.cycles - (work.accumulate ? 0 : windows)));
    addTraffic(counts, machine, kSumLevel, "write", sums * totals.cycles);

    addBufferStalls(counts, machine, kDotProductLevels);
    // A product that is skipped has no slot to gate: what is left to gates are zero weights.
    ProductCounts issued = products;
    issued.dense = products.nonzeroA;
    issued.nonzeroB = products.effectual;
    double slots = unitPasses * totals.cycles * double(array.filters * array.lanes);
    array.finishSlots(counts, issued, gatingConditions(work), slots, 0);
    counts.skipped = products.dense - products.nonzeroA;
    return counts;
  }
};

} // namespace

const Dataflow &cnvlutin() {
  static const Cnvlutin dataflow;
  return dataflow;
}

} // namespace sparseaccel::dataflow
