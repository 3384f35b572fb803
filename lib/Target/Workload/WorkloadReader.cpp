//===- WorkloadReader.cpp - Read a workload file --------------------------===//

#include "LayerReader.h"

#include "SparseAccel/Support/Names.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace sparseaccel::workload {

namespace {

using yaml::Need;

/// Positions of all windows along one dimension that lie in the plane, and all of them.
std::pair<int64_t, int64_t> readsInPlane(int64_t outputs, int64_t taps, int64_t stride, int64_t dilation, int64_t pad,
                                         int64_t size) {
  int64_t in = 0;
  for (int64_t tap = 0; tap < taps; ++tap) {
    int64_t before = pad - tap * dilation; // output x stride lies in [before, before + size)
    int64_t first = before > 0 ? (before + stride - 1) / stride : 0;
    int64_t end = before + size > 0 ? (before + size - 1) / stride + 1 : 0;
    in += std::max<int64_t>(0, std::min(end, outputs) - first);
  }
  return {in, outputs * taps};
}

} // namespace

double inPlaneShare(const dataflow::Contraction &shape, int64_t inputHeight, int64_t inputWidth) {
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
  FileContext context(std::filesystem::path(std::string(file)).parent_path().string());
  root.text("name", workload.name);
  root.text("description", workload.description, Need::Optional);
  root.choice("numerics", numerics, kNumerics, Need::Optional);
  root.choice("padding", padding, kPadding, Need::Optional);
  root.integer("seed", workload.seed, {0, 9e15}, Need::Optional);
  root.integer("batch", context.batch, kBatch, Need::Optional);
  auto density = [&](const char *key, std::optional<double> given, std::optional<double> &out) {
    double value = 1;
    if (root.number(key, value, kDensity, Need::Optional))
      out = value;
    if (given)
      out = given;
  };
  density("weight_density", overrides.weightDensity, context.weightDensity);
  density("activation_density", overrides.activationDensity, context.activationDensity);
  workload.numerics = overrides.numerics.empty() ? kNumerics[numerics] : overrides.numerics;
  context.paddingCounted = padding == 0;
  context.elementBits = workload.numerics == "int8" ? 8 : 16;
  if (overrides.batch > 0) {
    context.batch = overrides.batch;
    context.batchGiven = true;
  }
  std::set<std::string> names;
  root.list("layers", [&](yaml::Map &map) {
    size_t before = workload.layers.size();
    if (map.has("each"))
      readEach(map, context, workload.layers);
    else
      readLayer(map, context, workload.layers.emplace_back());
    for (size_t i = before; map.ok() && i < workload.layers.size(); ++i)
      if (!names.insert(workload.layers[i].name).second)
        map.failAt(map.has("name") ? "name" : "each",
                   absl::StrCat("there is a layer '", workload.layers[i].name, "' already"));
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
  if (std::filesystem::is_directory(path, error) &&
      (absl::StrContains(nameOrPath, "/") || absl::EndsWith(nameOrPath, ".yaml")))
    return absl::InvalidArgumentError(absl::StrCat(nameOrPath, ": is a folder; expected a workload file"));
  if (!std::filesystem::is_regular_file(path, error))
    path = machine::findDataFile(absl::StrCat("workloads/", nameOrPath, ".yaml"));
  if (path.empty()) {
    std::vector<std::string> names = machine::listDataFiles("workloads");
    std::erase_if(names, [](const std::string &name) { return name.ends_with("-mapping"); });
    return absl::NotFoundError(absl::StrCat("there is no workload file '", nameOrPath,
                                            "', nor a shipped workload of that name", suggestion(nameOrPath, names)));
  }
  absl::StatusOr<std::string> text = yaml::readTextFile(path);
  if (!text.ok())
    return text.status();
  return parseWorkload(*text, path, overrides);
}

} // namespace sparseaccel::workload
