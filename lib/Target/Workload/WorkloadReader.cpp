//===- WorkloadReader.cpp - Read a workload file --------------------------===//

#include "SparseAccel/Support/Names.h"
#include "SparseAccel/Target/Machine/Yaml.h"
#include "SparseAccel/Target/Workload/Workload.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace sparseaccel::workload {

namespace {

using dataflow::Contraction;
using machine::ContractionKind;
using yaml::Need;

constexpr yaml::Range kExtent = {1, 1 << 24};
constexpr yaml::Range kDensity = {0, 1};

/// Positions of all windows along one dimension that lie in the plane, and all of them.
std::pair<int64_t, int64_t> readsInPlane(int64_t outputs, int64_t taps, int64_t stride, int64_t dilation, int64_t pad,
                                         int64_t size) {
  int64_t in = 0;
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t output = 0; output < outputs; ++output) {
      int64_t at = output * stride + tap * dilation - pad;
      in += at >= 0 && at < size;
    }
  return {in, outputs * taps};
}

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

void readLayer(yaml::Map &map, bool paddingCounted, Layer &layer) {
  static const std::vector<std::string> kKinds = {"conv", "depthwise", "fc"};
  size_t kind = 0;
  map.text("name", layer.name);
  map.choice("kind", kind, kKinds, Need::Optional);
  Contraction &shape = layer.shape;
  shape.kind = static_cast<ContractionKind>(kind);
  int64_t channels = 0, filters = 0;
  map.integer("c", channels, kExtent);
  bool depthwise = shape.kind == ContractionKind::Depthwise;
  map.integer("m", filters, kExtent, depthwise ? Need::Optional : Need::Required);
  map.number("weight_density", layer.weightDensity, kDensity, Need::Optional);
  map.number("activation_density", layer.activationDensity, kDensity, Need::Optional);
  if (shape.kind != ContractionKind::FullyConnected) {
    map.integer("h", layer.inputHeight, kExtent);
    map.integer("w", layer.inputWidth, kExtent);
    map.integer("r", shape.r, kExtent);
    map.integer("s", shape.s, kExtent);
    readPair(map, "stride", shape.strideH, shape.strideW, {1, 1024});
    readPair(map, "dilation", shape.dilationH, shape.dilationW, {1, 1024});
    readPair(map, "pad", shape.padTop, shape.padLeft, {0, 1024});
    shape.padBottom = shape.padTop;
    shape.padRight = shape.padLeft;
    map.integer("groups", shape.g, kExtent, Need::Optional);
  }
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
  if (!paddingCounted || !map.has("activation_density"))
    return;
  double share = inPlaneShare(shape, layer.inputHeight, layer.inputWidth);
  if (layer.activationDensity > share + 1e-12)
    return map.failAt("activation_density", absl::StrFormat("%g counts padding, but only %.4f of what the windows read "
                                                            "is not padding; lower it, or say 'padding: extra'",
                                                            layer.activationDensity, share));
  layer.activationDensity = std::min(1.0, layer.activationDensity / share);
}

} // namespace

double inPlaneShare(const Contraction &shape, int64_t inputHeight, int64_t inputWidth) {
  auto [rowsIn, rows] = readsInPlane(shape.p, shape.r, shape.strideH, shape.dilationH, shape.padTop, inputHeight);
  auto [columnsIn, columns] = readsInPlane(shape.q, shape.s, shape.strideW, shape.dilationW, shape.padLeft, inputWidth);
  return double(rowsIn) / double(rows) * double(columnsIn) / double(columns);
}

absl::StatusOr<Workload> parseWorkload(absl::string_view text, absl::string_view file, const Overrides &overrides) {
  static const std::vector<std::string> kNumerics = {"int8", "int16"}, kPadding = {"counted", "extra"};
  yaml::Document document(text, file);
  Workload workload;
  workload.file = std::string(file);
  yaml::Map root(document, document.root(), "workload");
  size_t numerics = 1, padding = 0;
  int64_t batch = 1;
  root.text("name", workload.name);
  root.text("description", workload.description, Need::Optional);
  root.choice("numerics", numerics, kNumerics, Need::Optional);
  root.choice("padding", padding, kPadding, Need::Optional);
  root.integer("seed", workload.seed, {0, 9e15}, Need::Optional);
  root.integer("batch", batch, {1, 4096}, Need::Optional);
  workload.numerics = overrides.numerics.empty() ? kNumerics[numerics] : overrides.numerics;
  std::set<std::string> names;
  root.list("layers", [&](yaml::Map &map) {
    Layer layer;
    readLayer(map, padding == 0, layer);
    layer.shape.n = overrides.batch > 0 ? overrides.batch : batch;
    layer.shape.elementBits = workload.numerics == "int8" ? 8 : 16;
    if (map.ok() && !names.insert(layer.name).second)
      map.failAt("name", absl::StrCat("there is a layer '", layer.name, "' already"));
    workload.layers.push_back(std::move(layer));
  });
  if (root.ok() && workload.layers.empty())
    root.failAt("layers", "expected at least one layer");
  root.finish();
  if (!document.ok())
    return document.status();
  return workload;
}

absl::StatusOr<Workload> loadWorkload(const std::string &nameOrPath, const Overrides &overrides) {
  std::error_code error;
  std::string path = nameOrPath;
  if (!std::filesystem::is_regular_file(path, error))
    path = machine::findDataFile(absl::StrCat("workloads/", nameOrPath, ".yaml"));
  if (path.empty()) {
    std::set<std::string> names;
    for (const std::string &folder : machine::dataFolders())
      for (std::filesystem::directory_iterator it(std::filesystem::path(folder) / "workloads", error), end;
           !error && it != end; it.increment(error))
        if (it->path().extension() == ".yaml" && !it->path().stem().string().ends_with("-mapping"))
          names.insert(it->path().stem().string());
    return absl::NotFoundError(
        absl::StrCat("there is no workload file '", nameOrPath, "', nor a shipped workload of that name",
                     suggestion(nameOrPath, std::vector<std::string>(names.begin(), names.end()))));
  }
  absl::StatusOr<std::string> text = yaml::readTextFile(path);
  if (!text.ok())
    return text.status();
  return parseWorkload(*text, path, overrides);
}

} // namespace sparseaccel::workload
