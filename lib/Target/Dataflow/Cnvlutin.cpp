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
#include "Expectation.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>

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

/// max(1, nonzeros) of bricks with 0 to `brick` independent activations that are no padding.
class BrickCosts {
public:
  BrickCosts(int64_t brick, double density, double lanes) : lanes(lanes), costs(brick + 1) {
    double d = std::clamp(density, 0.0, 1.0);
    std::vector<double> probability = {1.0}; // Of each number of nonzeros.
    for (int64_t length = 0; length <= brick; ++length) {
      if (length > 0) {
        probability.push_back(0);
        for (int64_t k = length; k >= 0; --k)
          probability[k] = probability[k] * (1 - d) + (k > 0 ? probability[k - 1] * d : 0);
      }
      double mean = probability[0], variance = 0, skew = 0;
      for (int64_t k = 1; k <= length; ++k)
        mean += probability[k] * double(k);
      for (int64_t k = 0; k <= length; ++k) {
        double away = double(std::max<int64_t>(k, 1)) - mean;
        variance += probability[k] * away * away;
        skew += probability[k] * away * away * away;
      }
      costs[length] = {mean, variance, skew, probability, -1};
    }
  }
  double mean(int64_t length) const { return costs[length].mean; }
  double variance(int64_t length) const { return costs[length].variance; }
  double thirdMoment(int64_t length) const { return costs[length].thirdMoment; } ///< Central.
  /// Expected cost of the costliest of all lanes' bricks.
  double longest(int64_t length) {
    Cost &cost = costs[length];
    if (cost.longest < 0) {
      double atMost = cost.probability[0];
      cost.longest = 1;
      for (int64_t k = 1; k < length; ++k) {
        atMost += cost.probability[k];
        cost.longest += 1 - std::pow(std::min(atMost, 1.0), lanes);
      }
    }
    return cost.longest;
  }

private:
  struct Cost {
    double mean = 0, variance = 0, thirdMoment = 0;
    std::vector<double> probability;
    double longest = -1;
  };
  double lanes;
  std::vector<Cost> costs;
};

/// Filter taps [first, end) that meet no padding, with the number of outputs for which it is these.
using TapRanges = std::map<std::pair<int64_t, int64_t>, int64_t>;
TapRanges validTaps(int64_t outputs, int64_t taps, int64_t stride, int64_t dilation, int64_t padLow, int64_t inputs) {
  TapRanges ranges;
  for (int64_t output = 0; output < outputs; ++output) {
    int64_t origin = output * stride - padLow;
    int64_t first = origin >= 0 ? 0 : std::min(taps, ceilDiv(-origin, dilation));
    int64_t end = inputs - origin <= 0 ? 0 : std::min(taps, ceilDiv(inputs - origin, dilation));
    ++ranges[{first, std::max(first, end)}];
  }
  return ranges;
}

WalkTotals expectedWalk(const Contraction &shape, double density, int64_t arrayLanes, int64_t brick, Scope scope) {
  LaneShare share(shape, arrayLanes);
  double lanes = double(share.fullLanes), busyLanes = lanes + double(share.remainder) / double(share.channels);
  BrickCosts costs(brick, density, lanes);
  NormalMaximum normalMaximum(lanes);
  auto rows = validTaps(shape.p, shape.r, shape.strideH, shape.dilationH, shape.padTop, shape.inputRows());
  auto columns = validTaps(shape.q, shape.s, shape.strideW, shape.dilationW, shape.padLeft, shape.inputColumns());
  WalkTotals totals;
  for (const auto &[rowTaps, rowCount] : rows) {
    for (const auto &[columnTaps, columnCount] : columns) {
      // One lane's stream in these windows: activations that are no padding, brick by brick.
      double cycles = 0, busy = 0, mean = 0, variance = 0, thirdMoment = 0;
      int64_t filled = 0, valid = 0, bricks = 0, lastValid = 0;
      auto meet = [&] {
        cycles += bricks == 1 ? costs.longest(lastValid) : normalMaximum.of(mean, variance, thirdMoment);
        busy += mean;
        mean = variance = thirdMoment = 0;
        bricks = 0;
      };
      auto finishBrick = [&] {
        mean += costs.mean(valid);
        variance += costs.variance(valid);
        thirdMoment += costs.thirdMoment(valid);
        lastValid = valid;
        ++bricks;
        filled = valid = 0;
        if (scope == ScopeBrick)
          meet();
      };
      for (int64_t r = 0; r < shape.r; ++r) {
        for (int64_t s = 0; s < shape.s; ++s) {
          bool inside = r >= rowTaps.first && r < rowTaps.second && s >= columnTaps.first && s < columnTaps.second;
          for (int64_t left = share.channels; left > 0;) {
            int64_t taken = std::min(left, brick - filled);
            filled += taken;
            valid += inside ? taken : 0;
            left -= taken;
            if (filled == brick)
              finishBrick();
          }
          if (scope == ScopePosition) {
            if (filled > 0)
              finishBrick();
            meet();
          }
        }
      }
      if (filled > 0)
        finishBrick();
      if (scope == ScopeWindow)
        meet();
      double windows = double(rowCount * columnCount) * double(shape.n * shape.g);
      totals.cycles += windows * cycles;
      totals.laneCycles += windows * busy * busyLanes;
    }
  }
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
    if (absl::Status status = DotProductArray::check(machine, name()); !status.ok())
      return status;
    // Lanes find nonzeros by the offsets that lie beside the activations; what a lane leaves out reads no weight.
    std::vector<HonouredSaf> safs(std::begin(kDotProductGates), std::end(kDotProductGates));
    safs.push_back({isa::SafAction::Skip, machine::kComputePlace, kOnA, kOnA, kActivationLevel});
    safs.push_back({isa::SafAction::Skip, kWeightLevel, kOnB, kOnA, kActivationLevel});
    return checkSafs(machine, name(), safs);
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
  Counts leastCost(const Work &layer, const Densities &densities) const override {
    DotProductArray array(*layer.machine);
    ProductCounts products = expectedProducts(layer.shape, densities);
    return accelerates(layer, array) ? array.leastSkipping(layer, products, brickOf(layer))
                                     : array.leastDense(layer, products);
  }
  TileHint tileHint(const Contraction &, const machine::Machine &machine) const override {
    return DotProductArray(machine).tileHint();
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
