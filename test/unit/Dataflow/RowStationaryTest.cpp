//===- RowStationaryTest.cpp - The row-stationary array -------------------===//

#include "SparseAccel/Target/Dataflow/RowStationary.h"
#include "TestWork.h"

#include <set>

using namespace sparseaccel;
using namespace sparseaccel::dataflow;
using namespace sparseaccel::dataflow::test;

namespace {

/// What each place idles on: bits of operands.
struct Gates {
  unsigned compute = 0, ifmap = 0, filter = 0, psum = 0;
};

/// Steps a cycle at a time through every pass.
Counts twin(const TestWork &work, const machine::Machine &machine, const RowStationaryPass &pass, const Gates &gates,
            bool accumulate) {
  const Contraction &shape = work.shape;
  double bits = shape.elementBits, psumBits = machine.findLevel("glb")->psumBits;
  auto word = [&](const char *name) { return int64_t(machine.parameters.at(name)); };
  int64_t nocFilter = word("noc_filter_words"), nocIfmap = word("noc_ifmap_words"), nocPsum = word("noc_psum_words");
  Counts counts;
  // Rows (columns) of the padded input that some outputs touch.
  auto touched = [](int64_t first, int64_t count, int64_t taps, int64_t stride, int64_t dilation) {
    std::set<int64_t> inputs;
    for (int64_t output = first; output < first + count; ++output)
      for (int64_t tap = 0; tap < taps; ++tap)
        inputs.insert(output * stride + tap * dilation);
    return inputs;
  };
  auto passOver = [&](int64_t g, int64_t n0, int64_t n, int64_t p0, int64_t e, int64_t c0, int64_t m0) {
    int64_t channels = std::min(pass.q * pass.r, shape.c - c0), filters = std::min(pass.p * pass.t, shape.m - m0);
    std::set<int64_t> rows = touched(p0, e, shape.r, shape.strideH, shape.dilationH);
    std::set<int64_t> columns = touched(0, shape.q, shape.s, shape.strideW, shape.dilationW);
    int64_t insideRows = 0, insideColumns = 0;
    for (int64_t row : rows)
      insideRows += row >= shape.padTop && row < shape.padTop + shape.inputRows();
    for (int64_t column : columns)
      insideColumns += column >= shape.padLeft && column < shape.padLeft + shape.inputColumns();
    auto wait = [&](int64_t words, int64_t perCycle, Bound bound) {
      for (; words > 0; words -= perCycle) {
        ++counts.cycles;
        ++counts.boundCycles[unsigned(bound)];
      }
    };
    // Filters go through their buffer into the elements; the whole pass is configured, there or not.
    double filterWords = double(filters * channels * shape.r * shape.s);
    wait(pass.p * pass.t * pass.q * pass.r * shape.r * shape.s, nocFilter, Bound::Noc);
    addBits(counts, machine, "filter_stream", "read", filterWords * bits);
    addBits(counts, machine, "glb_filter", "write", filterWords * bits);
    addBits(counts, machine, "glb_filter", "read", filterWords * bits);
    addBits(counts, machine, "filter_spad", "write", filterWords * double(e) * bits);
    counts.actions.add("noc", "transfer", filterWords);
    // The first window of activations, then the rest while the elements work.
    wait(pass.q * pass.r * int64_t(rows.size()) * shape.s, nocIfmap, Bound::Noc);
    double ifmapWords = double(n * channels * insideRows * insideColumns);
    addBits(counts, machine, "glb", "read", ifmapWords * bits);
    counts.actions.add("noc", "transfer", ifmapWords);

    int64_t ifmapLeft = n * pass.q * pass.r * int64_t(rows.size() * columns.size());
    int64_t psumLeft = n * pass.p * pass.t * e * shape.q;
    int64_t steps = n * shape.q * pass.q * shape.s * pass.p;
    for (int64_t step = 0; step < steps || ifmapLeft > 0 || psumLeft > 0; ++step) {
      ++counts.cycles;
      ++counts.boundCycles[unsigned(step < steps ? Bound::Mac : Bound::Noc)];
      ifmapLeft -= nocIfmap;
      psumLeft -= nocPsum;
      if (step >= steps)
        continue;
      int64_t index = step;
      auto take = [&](int64_t extent) {
        int64_t value = index % extent;
        index /= extent;
        return value;
      };
      int64_t filter = take(pass.p), s = take(shape.s), channel = take(pass.q), q = take(shape.q), image = take(n);
      for (int64_t setC = 0; setC < pass.r; ++setC)
        for (int64_t setM = 0; setM < pass.t; ++setM) {
          int64_t c = setC * pass.q + channel, m = setM * pass.p + filter;
          for (int64_t r = 0; r < shape.r; ++r)
            for (int64_t row = 0; row < e; ++row) {
              if (c >= channels || m >= filters) {
                ++counts.wasted;
                continue;
              }
              bool a = work.activationAt(n0 + image, g, c0 + c, p0 + row, q, r, s) != 0;
              bool b = work.weight(g * shape.m + m0 + m, r, s, c0 + c) != 0;
              // An operand that its scratchpad does not deliver is not multiplied.
              bool noA = idles(gates.ifmap, a, b), noB = idles(gates.filter, a, b), noSum = idles(gates.psum, a, b);
              ++(noA || noB || idles(gates.compute, a, b) ? counts.gated : counts.performed);
              counts.effectual += a && b;
              addBits(counts, machine, "ifmap_spad", noA ? "gated_read" : "read", bits);
              addBits(counts, machine, "filter_spad", noB ? "gated_read" : "read", bits);
              addBits(counts, machine, "psum_spad", noSum ? "gated_read" : "read", psumBits);
              addBits(counts, machine, "psum_spad", noSum ? "gated_write" : "write", psumBits);
            }
        }
    }
    // Every element with work takes in its rows.
    for (int64_t setM = 0; setM < pass.t; ++setM)
      if (setM * pass.p < filters)
        addBits(counts, machine, "ifmap_spad", "write",
                double(n * channels * shape.r * e * int64_t(columns.size())) * bits);
    // Sums run up the columns through the sets with channels, and leave.
    int64_t outputs = n * filters * e * shape.q, setsWithChannels = 0;
    for (int64_t setC = 0; setC < pass.r; ++setC)
      setsWithChannels += setC * pass.q < channels;
    counts.actions.add("noc", "transfer", double(outputs * (shape.r * setsWithChannels - 1)));
    counts.actions.add("noc", "transfer", double(outputs));
    addBits(counts, machine, "glb", "write", double(outputs) * psumBits);
    if (c0 > 0 || accumulate) {
      counts.actions.add("noc", "transfer", double(outputs));
      addBits(counts, machine, "glb", "read", double(outputs) * psumBits);
    }
    wait((shape.r - 1) * pass.p, 1, Bound::Sync);
  };
  for (int64_t g = 0; g < shape.g; ++g)
    for (int64_t n = 0; n < shape.n; n += pass.n)
      for (int64_t p = 0; p < shape.p; p += pass.e)
        for (int64_t c = 0; c < shape.c; c += pass.q * pass.r)
          for (int64_t m = 0; m < shape.m; m += pass.p * pass.t)
            passOver(g, n, std::min(pass.n, shape.n - n), p, std::min(pass.e, shape.p - p), c, m);
  counts.slots = counts.cycles * double(machine.peakMacsPerCycle);
  counts.actions.add("mac", "compute", counts.performed);
  if (counts.gated > 0)
    counts.actions.add("mac", "gated", counts.gated);
  return counts;
}

TEST(RowStationary, AgreesWithItsTwin) {
  std::mt19937_64 random(11);
  machine::Machine shipped = shippedMachine("eyeriss");
  const Dataflow &dataflow = dataflowOf(shipped);
  auto pick = [&](int64_t high) {
    return std::uniform_int_distribution<int64_t>(1, std::max<int64_t>(high, 1))(random);
  };
  for (int i = 0; i < 150; ++i) {
    machine::Machine machine = i % 3 ? shipped : withArray(shipped, {8, 3});
    if (i % 4 == 0)
      machine.parameters = {{"noc_filter_words", 3}, {"noc_ifmap_words", 2}, {"noc_psum_words", 1}};
    for (machine::Level &level : machine.levels)
      level.readBytesPerCycle = level.writeBytesPerCycle = 0;
    ASSERT_TRUE(dataflow.checkMachine(machine).ok()) << dataflow.checkMachine(machine);
    TestWork work = makeWork(randomShape(random, 14), (i % 5) / 4.0, (i % 4) / 3.0, i, i % 2);
    const Contraction &shape = work.shape;
    // Half of the passes are the dataflow's own, half are drawn.
    RowStationaryLimits limits(machine);
    RowStationaryPass pass;
    if (i % 2) {
      std::vector<isa::Mapping> mappings = dataflow.innerMappings(shape, machine);
      ASSERT_FALSE(mappings.empty());
      pass = rowStationaryPass(mappings[i % mappings.size()], machine);
    } else {
      int64_t span = (shape.s - 1) * shape.dilationW + 1;
      do {
        pass.e = pick(shape.p);
      } while (limits.sets(shape.r, pass.e) < 1);
      pass.n = pick(shape.n);
      pass.q = pick(std::min(shape.c, limits.ifmapWords / span));
      pass.p = pick(std::min({shape.m, limits.psumWords, limits.filterWords / (pass.q * shape.s)}));
      pass.r = pick(std::min(shape.c, limits.sets(shape.r, pass.e)));
      pass.t = pick(std::min(shape.m, limits.sets(shape.r, pass.e) / pass.r));
    }
    SCOPED_TRACE(testing::Message() << describe(shape) << "pass " << pass.n << " " << pass.e << " " << pass.p << " "
                                    << pass.q << " " << pass.r << " " << pass.t);
    isa::Mapping mapping = rowStationaryMapping(pass, shape, machine);
    ASSERT_EQ(rowStationaryPass(mapping, machine), pass);
    Gates gates = {unsigned(i % 4), unsigned(i / 4 % 4), unsigned(i / 16 % 4), unsigned(i / 3 % 4)};
    if (i % 7 == 0)
      gates = {1, 0, 1, 0}; // The shipped machine's.
    isa::SafSet safs;
    auto add = [&](const char *place, isa::OperandKind target, unsigned conditions) {
      if (conditions)
        safs.push_back(gateAt(machine, place, target, conditions));
    };
    add("compute", isa::OperandKind::A, gates.compute);
    add("ifmap_spad", isa::OperandKind::A, gates.ifmap);
    add("filter_spad", isa::OperandKind::B, gates.filter);
    add("psum_spad", isa::OperandKind::O, gates.psum);
    Work asked{shape, &mapping, &safs, &machine, i % 3 == 1, nullptr};
    absl::Status status = dataflow.legal(asked);
    ASSERT_TRUE(status.ok()) << status;
    Counts counts = dataflow.count(asked, work.aView, work.bView);
    expectEqual(counts, twin(work, machine, pass, gates, asked.accumulate));
    expectLaws(counts, shape, machine);
    // Gating never changes cycles.
    safs.clear();
    EXPECT_EQ(counts.cycles, dataflow.count(asked, work.aView, work.bView).cycles);
  }
}

struct Published {
  Contraction layer;
  int64_t m;
  RowStationaryPass pass;
  double processingMs;
};

/// AlexNet, batch 4, with the mappings and processing times of the JSSC paper.
std::vector<Published> alexNet() {
  auto layer = [](int64_t g, int64_t m, int64_t c, int64_t side, int64_t filter, int64_t stride, int64_t pad) {
    Contraction shape;
    shape.n = 4, shape.g = g, shape.m = m, shape.c = c, shape.p = shape.q = side, shape.r = shape.s = filter;
    shape.strideH = shape.strideW = stride;
    shape.padTop = shape.padBottom = shape.padLeft = shape.padRight = pad;
    return shape;
  };
  return {{layer(1, 96, 3, 55, 11, 4, 0), 96, {1, 7, 16, 1, 1, 2}, 16.5},
          {layer(2, 128, 48, 27, 5, 1, 2), 64, {1, 27, 16, 2, 1, 1}, 39.2},
          {layer(1, 384, 256, 13, 3, 1, 1), 64, {4, 13, 16, 4, 1, 4}, 21.8},
          {layer(2, 192, 192, 13, 3, 1, 1), 64, {4, 13, 16, 3, 2, 2}, 16.0},
          {layer(2, 128, 192, 13, 3, 1, 1), 64, {4, 13, 16, 3, 2, 2}, 10.0}};
}

double publishedFormula(const Published &x) {
  const Contraction &l = x.layer;
  const RowStationaryPass &k = x.pass;
  double cycles = 0;
  for (int64_t first = 0; first < l.p; first += k.e) {
    double e = double(std::min(k.e, l.p - first)), rows = (e - 1) * double(l.strideH) + double(l.r);
    double columns = double((l.q - 1) * l.strideW + l.s), qr = double(k.q * k.r), pt = double(k.p * k.t);
    double pass = std::max({double(k.n * l.q * k.p * k.q * l.s), double(k.n) * pt * e * double(l.q) / 4,
                            double(k.n) * qr * rows * columns}) +
                  pt * qr * double(l.r * l.s) / 4 + qr * rows * double(l.s) + double((l.r - 1) * k.p);
    cycles += pass * double(l.g) * std::ceil(double(l.m) / pt) * std::ceil(double(l.c) / qr) *
              std::ceil(double(l.n) / double(k.n));
  }
  return cycles;
}

TEST(RowStationary, ReproducesAlexNetsProcessingTimes) {
  machine::Machine machine = shippedMachine("eyeriss");
  const Dataflow &dataflow = dataflowOf(machine);
  double total = 0, publishedTotal = 0;
  for (const Published &x : alexNet()) {
    isa::Mapping mapping = rowStationaryMapping(x.pass, x.layer, machine);
    double whole = dataflow.estimate({x.layer, &mapping, nullptr, &machine, false, nullptr}, {}).cycles;
    EXPECT_EQ(whole, publishedFormula(x));
    // A program does the layer in CONTRACTs of n images, e rows, m filters and q r channels: the sum is the same.
    double cycles = 0;
    const Contraction &l = x.layer;
    for (int64_t n = 0; n < l.n; n += x.pass.n)
      for (int64_t p = 0; p < l.p; p += x.pass.e)
        for (int64_t g = 0; g < l.g; ++g)
          for (int64_t m = 0; m < l.m; m += x.m)
            for (int64_t c = 0; c < l.c; c += x.pass.q * x.pass.r) {
              Contraction tile = l;
              tile.g = 1, tile.n = x.pass.n, tile.c = std::min(x.pass.q * x.pass.r, l.c - c), tile.m = x.m;
              tile.p = std::min(x.pass.e, l.p - p);
              int64_t top = p * l.strideH - l.padTop, rows = (tile.p - 1) * l.strideH + l.r;
              tile.padTop = std::max<int64_t>(0, -top);
              tile.padBottom = std::max<int64_t>(0, top + rows - l.inputRows());
              Work work{tile, &mapping, nullptr, &machine, c > 0, nullptr};
              if (c == 0 && m == 0 && n == 0 && g == 0) {
                absl::Status status = dataflow.legal(work);
                ASSERT_TRUE(status.ok()) << status;
              }
              cycles += dataflow.estimate(work, {}).cycles;
            }
    EXPECT_EQ(cycles, whole);
    double milliseconds = cycles / (machine.clockMhz * 1000);
    EXPECT_NEAR(milliseconds / x.processingMs, 1, 0.10) << describe(l);
    total += milliseconds;
    publishedTotal += x.processingMs;
  }
  EXPECT_NEAR(total / publishedTotal, 1, 0.03);
}

TEST(RowStationary, MovesWhatThePaperSaysThroughTheGlobalBuffer) {
  machine::Machine machine = shippedMachine("eyeriss");
  const Dataflow &dataflow = dataflowOf(machine);
  // 2 bytes x [E F M N (2 ceil(C/(q r)) - 1) + activations for each pass, without padding].
  Published conv2 = alexNet()[1];
  isa::Mapping mapping = rowStationaryMapping(conv2.pass, conv2.layer, machine);
  Counts counts = dataflow.estimate({conv2.layer, &mapping, nullptr, &machine, false, nullptr}, {});
  double words = counts.actions.get("glb", "read") + counts.actions.get("glb", "write");
  double sums = 27. * 27 * 256 * 4 * (2 * 24 - 1), activations = 4. * 96 * 27 * 27 * (128 / 16);
  EXPECT_EQ(words * 8, 2 * (sums + activations));
}

TEST(RowStationary, EveryElementHasWorkWhereThePaperSaysSo) {
  machine::Machine machine = shippedMachine("eyeriss");
  const Dataflow &dataflow = dataflowOf(machine);
  std::vector<double> active = {154, 135, 156, 156, 156};
  for (size_t i = 0; const Published &x : alexNet()) {
    Contraction strip = x.layer;
    strip.p = x.pass.e;
    isa::Mapping mapping = rowStationaryMapping(x.pass, strip, machine);
    Counts counts = dataflow.estimate({strip, &mapping, nullptr, &machine, false, nullptr}, {});
    EXPECT_EQ((counts.performed + counts.gated + counts.wasted) / counts.boundCycles[unsigned(Bound::Mac)],
              active[i++]);
  }
}

TEST(RowStationary, FindsMappingsAsGoodAsThePublished) {
  machine::Machine machine = shippedMachine("eyeriss");
  const Dataflow &dataflow = dataflowOf(machine);
  for (const Published &x : alexNet()) {
    Contraction tile = x.layer;
    tile.n = x.pass.n, tile.m = x.m;
    isa::Mapping published = rowStationaryMapping(x.pass, tile, machine);
    std::vector<isa::Mapping> found = dataflow.innerMappings(tile, machine);
    ASSERT_FALSE(found.empty());
    auto cycles = [&](const isa::Mapping &mapping) {
      return dataflow.estimate({tile, &mapping, nullptr, &machine, false, nullptr}, {}).cycles;
    };
    EXPECT_LE(cycles(found[0]), cycles(published)) << describe(tile);
    for (size_t i = 1; i < found.size(); ++i)
      EXPECT_LE(cycles(found[i - 1]), cycles(found[i]));
  }
}

TEST(RowStationary, RefusesWithBothNumbers) {
  machine::Machine machine = shippedMachine("eyeriss");
  const Dataflow &dataflow = dataflowOf(machine);
  Contraction shape;
  shape.m = 64, shape.c = 64, shape.p = 13, shape.q = 13, shape.r = 3, shape.s = 3;
  auto message = [&](const RowStationaryPass &pass) {
    isa::Mapping mapping = rowStationaryMapping(pass, shape, machine);
    return std::string(dataflow.legal({shape, &mapping, nullptr, &machine, false, nullptr}).message());
  };
  EXPECT_EQ(message({1, 13, 16, 4, 1, 4}), "");
  EXPECT_EQ(message({1, 13, 8, 5, 1, 4}), "row-stationary: q*S = 15, but ifmap_spad holds 12 words");
  EXPECT_EQ(message({1, 13, 20, 4, 1, 4}), "row-stationary: p*q*S = 240, but filter_spad holds 224 words");
  EXPECT_EQ(message({1, 13, 25, 1, 1, 1}), "row-stationary: p = 25, but psum_spad holds 24 words");
  EXPECT_EQ(message({1, 13, 16, 4, 1, 5}), "row-stationary: r*t = 5 sets of 3 x 13, but the array of 12 x 14 holds 4");
  shape.q = 113, shape.p = 13;
  EXPECT_EQ(message({1, 13, 16, 4, 1, 4}), "row-stationary: sums of 188032 bytes and activations of 220800 need 408832 "
                                           "bytes, but glb has 102400");
  shape.r = 13;
  EXPECT_EQ(message({1, 1, 1, 1, 1, 1}), "row-stationary: a filter has 13 rows, but the array has 12");
  shape.r = 1, shape.s = 13, shape.q = 1, shape.p = 1;
  EXPECT_EQ(message({1, 1, 1, 1, 1, 1}), "row-stationary: a filter row spans 13 activations, but ifmap_spad holds 12");
}

TEST(RowStationary, RefusesMappingsThatNoScheduleWouldMake) {
  machine::Machine machine = shippedMachine("eyeriss");
  const Dataflow &dataflow = dataflowOf(machine);
  Contraction shape;
  shape.m = 4, shape.c = 4, shape.p = shape.q = 4, shape.r = shape.s = 3;
  auto message = [&](auto change) {
    isa::Mapping mapping = rowStationaryMapping({1, 4, 4, 4, 1, 1}, shape, machine);
    change(mapping.loops);
    return std::string(dataflow.legal({shape, &mapping, nullptr, &machine, false, nullptr}).message());
  };
  using Loops = std::vector<isa::Loop>;
  EXPECT_EQ(message([](Loops &) {}), "");
  EXPECT_EQ(message([](Loops &loops) { loops.clear(); }),
            "row-stationary: the mapping's loops over M inside the array and its buffers cover 1, but the tile has 4");
  EXPECT_EQ(message([](Loops &loops) { loops[0].factor = 0; }),
            "row-stationary: the mapping has a loop over R of factor 0");
  EXPECT_EQ(message([](Loops &loops) { loops[0].level = 200; }),
            "row-stationary: the mapping names level 200, but the machine has 7");
  EXPECT_EQ(message([](Loops &loops) { loops[0].kind = isa::LoopKind::Temporal; }),
            "row-stationary: the mapping has a temporal loop over R of factor 3, but filter rows lie over the array's "
            "rows");
  EXPECT_EQ(message([](Loops &loops) {
              for (isa::Loop &loop : loops)
                loop.factor = ~0u;
              loops.insert(loops.end(), loops.begin(), loops.end());
            }),
            "row-stationary: q*S = 6442450944, but ifmap_spad holds 12 words");
}

TEST(RowStationary, FoldsLongStrips) {
  RowStationaryLimits limits(shippedMachine("eyeriss"));
  EXPECT_EQ(limits.sets(3, 13), 4);
  EXPECT_EQ(limits.sets(11, 7), 2);
  EXPECT_EQ(limits.sets(5, 27), 1); // 14 + 13 columns, on 10 rows.
  EXPECT_EQ(limits.sets(5, 29), 0);
  EXPECT_EQ(limits.sets(1, 1), 168);
}

TEST(RowStationary, WhatGoesIntoALinkComesOut) {
  machine::Machine machine = shippedMachine("eyeriss");
  const Dataflow &dataflow = dataflowOf(machine);
  for (const Published &x : alexNet()) {
    isa::Mapping mapping = rowStationaryMapping(x.pass, x.layer, machine);
    Counts counts = dataflow.estimate({x.layer, &mapping, nullptr, &machine, false, nullptr}, {0.4, 1.0});
    auto bits = [&](const char *level, const char *action) {
      return counts.actions.get(level, action) * machine.findLevel(level)->wordBits;
    };
    EXPECT_EQ(bits("filter_stream", "read"), bits("glb_filter", "write"));
    EXPECT_EQ(bits("glb_filter", "write"), bits("glb_filter", "read"));
    // Every filter row goes to as many elements as there are output rows in a strip.
    EXPECT_EQ(bits("glb_filter", "read") * double(x.layer.p),
              bits("filter_spad", "write") * double((x.layer.p + x.pass.e - 1) / x.pass.e));
    // Network: what the buffers give and take, and a hop for each further element that adds to a sum.
    double sums = double(x.layer.n * x.layer.g * x.layer.m * x.layer.p * x.layer.q);
    double hops = sums * double(x.layer.c / (x.pass.q * x.pass.r)) * double(x.layer.r * x.pass.r - 1);
    EXPECT_EQ(counts.actions.get("noc", "transfer") * 16,
              bits("glb", "read") + bits("glb", "write") + bits("glb_filter", "read") + hops * 16);
    // Operands of the multipliers: a filter word or its absence, and an activation, for each product.
    EXPECT_EQ(bits("filter_spad", "read") / 16, counts.performed);
    EXPECT_EQ(bits("filter_spad", "gated_read") / 16, counts.gated);
    EXPECT_EQ(bits("ifmap_spad", "read") / 16, counts.performed + counts.gated);
  }
}

TEST(RowStationary, FullyConnectedAndDepthwiseHaveMappings) {
  machine::Machine machine = shippedMachine("eyeriss");
  const Dataflow &dataflow = dataflowOf(machine);
  Contraction dense;
  dense.kind = machine::ContractionKind::FullyConnected;
  dense.m = 128, dense.c = 640;
  Contraction depthwise;
  depthwise.kind = machine::ContractionKind::Depthwise;
  depthwise.g = 64, depthwise.p = depthwise.q = 12, depthwise.r = depthwise.s = 3;
  depthwise.padTop = depthwise.padBottom = depthwise.padLeft = depthwise.padRight = 1;
  for (const Contraction &shape : {dense, depthwise}) {
    std::vector<isa::Mapping> mappings = dataflow.innerMappings(shape, machine);
    ASSERT_FALSE(mappings.empty());
    for (const isa::Mapping &mapping : mappings) {
      Work work{shape, &mapping, nullptr, &machine, false, nullptr};
      absl::Status status = dataflow.legal(work);
      EXPECT_TRUE(status.ok()) << status;
      expectLaws(dataflow.estimate(work, {}), shape, machine);
    }
    Dataflow::TileHint hint = dataflow.tileHint(shape, machine);
    EXPECT_GE(hint.m, 1);
    EXPECT_GE(hint.c, 1);
    EXPECT_GE(hint.p, 1);
  }
  // Filters come at four words a cycle, and nothing hides them.
  Counts counts = dataflow.estimate({dense, nullptr, nullptr, &machine, false, nullptr}, {});
  EXPECT_GE(counts.cycles, 128 * 640 / 4);
  EXPECT_GT(counts.boundCycles[unsigned(Bound::Noc)], counts.boundCycles[unsigned(Bound::Mac)]);
}

} // namespace
