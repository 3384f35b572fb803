//===- LayerReader.cpp - One layer of a workload file ---------------------===//

#include "LayerReader.h"

#include "SparseAccel/Target/Machine/LoopText.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace sparseaccel::workload {

using dataflow::Contraction;
using machine::ContractionKind;
using yaml::Need;

namespace {

/// An integer, or two for rows and columns.
void readPair(yaml::Map &map, const char *key, int64_t &rows, int64_t &columns, yaml::Range range) {
  std::vector<double> values;
  if (!map.numbers(key, values, range, Need::Optional))
    return;
  if (values.empty() || values.size() > 2)
    return map.failAt(key, "expected one number, or two for rows and columns");
  for (double value : values)
    if (value != int64_t(value))
      return map.failAt(key, "expected whole numbers");
  rows = int64_t(values.front());
  columns = int64_t(values.back());
}

/// Outputs and padding of a convolution from its input.
void slideWindow(yaml::Map &map, Layer &layer) {
  Contraction &shape = layer.shape;
  int64_t rows = layer.inputHeight + 2 * shape.padTop - (shape.r - 1) * shape.dilationH - 1;
  int64_t columns = layer.inputWidth + 2 * shape.padLeft - (shape.s - 1) * shape.dilationW - 1;
  if (rows < 0)
    return map.failAt("r", absl::StrCat("the filter is taller than the padded input of ",
                                        layer.inputHeight + 2 * shape.padTop, " rows"));
  if (columns < 0)
    return map.failAt("s", absl::StrCat("the filter is wider than the padded input of ",
                                        layer.inputWidth + 2 * shape.padLeft, " columns"));
  shape.p = rows / shape.strideH + 1;
  shape.q = columns / shape.strideW + 1;
  // Rows and columns that no window reaches need no padding.
  shape.padBottom = std::max<int64_t>(0, (shape.p - 1) * shape.strideH + (shape.r - 1) * shape.dilationH + 1 -
                                             shape.padTop - layer.inputHeight);
  shape.padRight = std::max<int64_t>(0, (shape.q - 1) * shape.strideW + (shape.s - 1) * shape.dilationW + 1 -
                                            shape.padLeft - layer.inputWidth);
}

/// More elements than this are taken for a mistake: they would not fit a tensor of 32-bit offsets.
constexpr double kMostElements = 2147483648.0;

bool fits(yaml::Map &map, const Layer &layer) {
  const Contraction &s = layer.shape;
  auto within = [&](const char *what, std::initializer_list<int64_t> extents) {
    double elements = 1;
    for (int64_t extent : extents)
      elements *= double(extent);
    if (elements <= kMostElements)
      return true;
    map.fail(absl::StrCat("the ", what, " would have ", elements, " elements; expected at most ", kMostElements));
    return false;
  };
  return within("weights", {s.g, s.m, s.r, s.s, s.c}) &&
         within("input", {s.n, layer.inputHeight, layer.inputWidth, s.g, s.c}) &&
         within("output", {s.n, s.p, s.q, s.g, s.m});
}

/// Loops for each machine: a mapping from machines to one from levels to lists of loops.
void readMappings(yaml::Map &map, Layer &layer) {
  map.entries(
      "mapping",
      [&](const std::string &machine, const YAML::Node &levels) {
        if (!levels.IsMap())
          return map.failAt(levels, "mapping",
                            absl::StrCat("expected a map from the levels of '", machine, "' to lists of loops"));
        std::vector<LevelLoops> &mapping = layer.mappings[machine];
        for (const auto &level : levels) {
          if (!level.second.IsSequence())
            return map.failAt(level.second, "mapping",
                              absl::StrCat("expected a list of loops for level '", level.first.Scalar(), "'"));
          LevelLoops loops{level.first.Scalar(), {}};
          for (const YAML::Node &entry : level.second) {
            absl::StatusOr<isa::Loop> loop = machine::parseLoop(entry.IsScalar() ? entry.Scalar() : "");
            if (!loop.ok())
              return map.failAt(entry, "mapping", loop.status().message());
            loops.loops.push_back(*loop);
          }
          mapping.push_back(std::move(loops));
        }
      },
      Need::Optional);
}

} // namespace

int64_t readBatch(yaml::Map &map, const FileContext &context) {
  int64_t batch = context.batch;
  map.integer("batch", batch, kBatch, Need::Optional);
  return context.batchGiven ? context.batch : batch;
}

void readLayer(yaml::Map &map, FileContext &context, Layer &layer) {
  static const std::vector<std::string> kKinds = {"conv", "depthwise", "fc", "matmul"};
  size_t kind = 0;
  map.text("name", layer.name);
  if (map.ok() && layer.name.empty())
    map.failAt("name", "expected a name, found an empty one");
  map.choice("kind", kind, kKinds, Need::Optional);
  Contraction &shape = layer.shape;
  shape.kind = static_cast<ContractionKind>(kind);
  shape.elementBits = context.elementBits;
  bool depthwise = shape.kind == ContractionKind::Depthwise, product = layer.isMatMul();
  bool windowed = depthwise || shape.kind == ContractionKind::Conv;
  int64_t channels = 0, filters = 0, rows = 1, batch = readBatch(map, context);
  map.integer("c", channels, kExtent);
  map.integer("m", filters, kExtent, depthwise ? Need::Optional : Need::Required);
  if (windowed) {
    map.integer("h", layer.inputHeight, kExtent);
    map.integer("w", layer.inputWidth, kExtent);
    map.integer("r", shape.r, kExtent);
    map.integer("s", shape.s, kExtent);
    readPair(map, "stride", shape.strideH, shape.strideW, {1, 1024});
    readPair(map, "dilation", shape.dilationH, shape.dilationW, {1, 1024});
    readPair(map, "pad", shape.padTop, shape.padLeft, {0, 1024});
  } else {
    map.integer("n", rows, kExtent, Need::Optional);
  }
  if (windowed || product)
    map.integer("groups", shape.g, kExtent, Need::Optional);
  SparsitySpec weights, activations;
  readSparsity(map, "weights", "weight_density", product ? context.activationDensity : context.weightDensity, weights);
  readSparsity(map, "activations", "activation_density", context.activationDensity, activations);
  map.number("output_density", layer.outputDensity, {1e-4, 0.9999}, Need::Optional);
  readMappings(map, layer);
  if (!map.ok())
    return;
  if (depthwise) {
    if (filters == 0)
      filters = channels;
    shape.g = channels;
  }
  if (channels % shape.g != 0)
    return map.failAt("c", absl::StrCat(channels, " channels do not divide into ", shape.g, " groups"));
  if (filters % shape.g != 0)
    return map.failAt("m", absl::StrCat(filters, " filters do not divide into ", shape.g, " groups"));
  shape.c = channels / shape.g;
  shape.m = filters / shape.g;
  if (product) {
    // The second operand is another one for each image: images are groups.
    shape.g *= batch;
    shape.p = layer.inputHeight = rows;
  } else {
    shape.n = rows * batch;
  }
  if (windowed)
    slideWindow(map, layer);
  if (!map.ok() || !fits(map, layer))
    return;
  resolve(map, "weights", context, layer, true, std::move(weights));
  resolve(map, "activations", context, layer, false, std::move(activations));
}

} // namespace sparseaccel::workload
