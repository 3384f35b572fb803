//===- EachMatrix.cpp - A layer for every matrix of an archive ------------===//

#include "LayerReader.h"

#include "SparseAccel/Support/Names.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include <filesystem>
#include <fnmatch.h>

namespace sparseaccel::workload {

using yaml::Need;

namespace {

/// Lines of "name,rows".
absl::StatusOr<std::map<std::string, int64_t>> readRows(const std::string &path) {
  absl::StatusOr<std::string> text = yaml::readTextFile(path);
  if (!text.ok())
    return text.status();
  std::map<std::string, int64_t> rows;
  int line = 0;
  for (absl::string_view entry : absl::StrSplit(*text, '\n')) {
    ++line;
    entry = absl::StripAsciiWhitespace(entry);
    if (entry.empty())
      continue;
    std::pair<std::string, std::string> parts = absl::StrSplit(entry, absl::MaxSplits(',', 1));
    int64_t count = 0;
    if (!absl::SimpleAtoi(parts.second, &count) || count < kExtent.low || count > kExtent.high)
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", line, ": expected a line 'name,rows' with rows from 1 to ", int64_t(kExtent.high)));
    rows[parts.first] = count;
  }
  return rows;
}

/// A pattern, or a list of them.
std::vector<std::string> readPatterns(yaml::Map &map) {
  YAML::Node node;
  std::vector<std::string> patterns;
  if (!map.node("only", node, Need::Optional))
    return patterns;
  if (node.IsScalar())
    patterns.push_back(node.Scalar());
  for (const YAML::Node &entry : node)
    if (entry.IsScalar())
      patterns.push_back(entry.Scalar());
  if (patterns.empty())
    map.failAt("only", "expected a pattern of names such as 'block_group1_*', or a list of them");
  return patterns;
}

} // namespace

void readEach(yaml::Map &map, FileContext &context, std::vector<Layer> &layers) {
  std::string file;
  map.text("each", file);
  std::vector<std::string> patterns = readPatterns(map);
  int64_t batch = readBatch(map, context), allRows = 1;
  YAML::Node rowsNode;
  std::map<std::string, int64_t> rows;
  std::string rowsFile;
  if (map.node("n", rowsNode, Need::Optional) && rowsNode.IsScalar() &&
      !absl::SimpleAtoi(rowsNode.Scalar(), &allRows)) {
    rowsFile = rowsNode.Scalar();
    absl::StatusOr<std::map<std::string, int64_t>> read = readRows(context.masks.pathOf(rowsFile));
    if (!read.ok())
      return map.failAt("n", absl::StrCat("expected a number, or a file of lines 'name,rows': ",
                                          read.status().message()));
    rows = std::move(*read);
  } else if (map.has("n")) {
    map.integer("n", allRows, kExtent);
  }
  SparsitySpec activations;
  readSparsity(map, "activations", "activation_density", context.activationDensity, activations);
  if (map.ok() && !activations.mask.empty())
    return map.failAt("activations", "expected no mask here: the layers have inputs of different shapes");
  if (!map.ok())
    return;
  absl::StatusOr<std::vector<std::string>> names = context.masks.names(file);
  if (!names.ok())
    return map.failAt("each", names.status().message());

  size_t before = layers.size();
  for (const std::string &array : *names) {
    // The only matrix of a file that gives it no name is named as the file.
    const std::string name = array.empty() ? std::filesystem::path(file).stem().string() : array;
    auto matches = [&](const std::string &pattern) { return fnmatch(pattern.c_str(), name.c_str(), 0) == 0; };
    if (!patterns.empty() && std::none_of(patterns.begin(), patterns.end(), matches))
      continue;
    SparsitySpec weights;
    weights.sparsity.kind = SparsityKind::Mask;
    weights.mask = array.empty() ? file : absl::StrCat(file, ":", array);
    absl::StatusOr<MaskArray> mask = context.masks.load(weights.mask);
    if (!mask.ok())
      return map.failAt("each", mask.status().message());
    if (mask->shape.size() != 2 || mask->shape[0] < 1 || mask->shape[1] < 1)
      return map.failAt("each", absl::StrCat("'", weights.mask, "' has ", mask->shape.size(),
                                             " dimensions: expected matrices of outputs x inputs; leave it out by "
                                             "'only'"));
    auto own = rows.find(name);
    if (!rowsFile.empty() && own == rows.end())
      return map.failAt("n", absl::StrCat("'", rowsFile, "' has no line for '", name, "'"));
    Layer layer;
    layer.name = name;
    layer.shape.kind = machine::ContractionKind::FullyConnected;
    layer.shape.elementBits = context.elementBits;
    layer.shape.n = batch * (rowsFile.empty() ? allRows : own->second);
    layer.shape.m = mask->shape[0];
    layer.shape.c = mask->shape[1];
    resolve(map, "each", context, layer, true, std::move(weights));
    resolve(map, "activations", context, layer, false, activations);
    layers.push_back(std::move(layer));
  }
  if (map.ok() && layers.size() == before)
    map.failAt(patterns.empty() ? "each" : "only",
               absl::StrCat("no array of '", file, "' is meant",
                            patterns.empty() ? std::string() : suggestion(patterns.front(), *names)));
}

} // namespace sparseaccel::workload
