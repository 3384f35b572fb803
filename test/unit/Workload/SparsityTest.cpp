//===- SparsityTest.cpp - Where the nonzeros of an operand lie ------------===//

#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Target/Workload/Workload.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <cstdlib>
#include <filesystem>
#include <set>

namespace sparseaccel::workload {
namespace {

using testing::HasSubstr;

std::string folder() { return testing::TempDir(); }

absl::StatusOr<Workload> parse(absl::string_view layers, absl::string_view head = "", const Overrides &overrides = {}) {
  return parseWorkload(absl::StrCat("name: w\n", head, "layers:\n", layers), absl::StrCat(folder(), "/w.yaml"),
                       overrides);
}
std::string errorOf(absl::string_view layers) { return std::string(parse(layers).status().message()); }

std::vector<int> nonzeros(const std::vector<uint8_t> &tensor) {
  std::vector<int> result;
  const auto *values = reinterpret_cast<const int16_t *>(tensor.data());
  for (size_t i = 0; i < tensor.size() / 2; ++i)
    result.push_back(values[i] != 0);
  return result;
}
int sum(const std::vector<int> &values, size_t begin, size_t count) {
  int total = 0;
  for (size_t i = begin; i < begin + count; ++i)
    total += values[i];
  return total;
}

void writeMask(const std::string &name, std::vector<int64_t> shape, const std::vector<uint8_t> &values) {
  ASSERT_TRUE(runtime::writeNpy(folder() + "/" + name, runtime::makeArray<uint8_t>(std::move(shape), values)).ok());
}

TEST(Sparsity, FewDistinctValues) {
  auto distinct = [](int64_t values, bool weights) {
    auto workload =
        parse(absl::StrCat("  - {name: c, kind: fc, c: 300, m: 40, weights: {density: 0.5, values: ", values,
                           "}, activations: {density: 0.5, values: ", values, "}}\n"));
    EXPECT_TRUE(workload.ok()) << workload.status();
    std::vector<uint8_t> tensor = weights ? makeWeights(*workload, 0) : makeInput(*workload, 0, 0);
    std::set<int> found;
    for (size_t i = 0; i < tensor.size() / 2; ++i)
      found.insert(reinterpret_cast<const int16_t *>(tensor.data())[i]);
    EXPECT_EQ(found.erase(0), 1u);
    return found;
  };
  EXPECT_EQ(distinct(15, true).size(), 15u);
  EXPECT_EQ(distinct(4, true), (std::set<int>{-32767, -16383, 16383, 32767}));
  EXPECT_EQ(distinct(1, true), std::set<int>{32767});
  EXPECT_EQ(distinct(2, false), (std::set<int>{16383, 32767}));
  // Which are nonzero does not depend on it.
  auto any = parse("  - {name: c, kind: fc, c: 300, m: 40, weights: {density: 0.5}}\n");
  auto few = parse("  - {name: c, kind: fc, c: 300, m: 40, weights: {density: 0.5, values: 15}}\n");
  EXPECT_EQ(nonzeros(makeWeights(*any, 0)), nonzeros(makeWeights(*few, 0)));
  EXPECT_THAT(errorOf("  - {name: c, kind: fc, c: 8, m: 2, weights: {values: 0}}\n"), HasSubstr("values"));
}

TEST(Sparsity, FixedPerRow) {
  auto workload =
      parse("  - {name: c, c: 8, h: 5, w: 5, m: 6, r: 3, s: 3, groups: 2, weights: {kind: per-row, density: "
            "0.25}, activations: {kind: per-row, density: 0.5}}\n",
            "padding: extra\n");
  ASSERT_TRUE(workload.ok()) << workload.status();
  EXPECT_EQ(workload->layers[0].weights.density, 9.0 / 36);
  std::vector<int> weights = nonzeros(makeWeights(*workload, 0)), input = nonzeros(makeInput(*workload, 0, 0));
  ASSERT_EQ(weights.size(), 6u * 36);
  for (size_t filter = 0; filter < 6; ++filter)
    EXPECT_EQ(sum(weights, filter * 36, 36), 9);
  EXPECT_NE(std::vector<int>(weights.begin(), weights.begin() + 36),
            std::vector<int>(weights.begin() + 36, weights.begin() + 72));
  ASSERT_EQ(input.size(), 25u * 8);
  for (size_t pixel = 0; pixel < 25; ++pixel)
    EXPECT_EQ(sum(input, pixel * 8, 8), 4);
}

TEST(Sparsity, NOfM) {
  auto workload = parse("  - {name: c, c: 10, h: 3, w: 3, m: 4, r: 2, s: 2, weights: {kind: \"2:4\"}}\n");
  ASSERT_TRUE(workload.ok()) << workload.status();
  // Ten channels are blocks of 4, 4 and 2.
  EXPECT_EQ(workload->layers[0].weights.density, 0.6);
  std::vector<int> weights = nonzeros(makeWeights(*workload, 0));
  for (size_t row = 0; row < weights.size(); row += 10)
    for (auto [begin, size] : {std::pair<size_t, size_t>{0, 4}, {4, 4}, {8, 2}})
      EXPECT_EQ(sum(weights, row + begin, size), 2);
}

TEST(Sparsity, EveryPlaceOfABlockOccurs) {
  auto workload = parse("  - {name: f, kind: fc, c: 400, m: 40, weights: {kind: \"1:4\"}}\n");
  ASSERT_TRUE(workload.ok()) << workload.status();
  std::vector<int> weights = nonzeros(makeWeights(*workload, 0)), places(4);
  for (size_t i = 0; i < weights.size(); ++i)
    places[i % 4] += weights[i];
  for (int place : places)
    EXPECT_NEAR(place, 1000, 120); // four standard deviations
}

TEST(Sparsity, MasksInEveryShape) {
  // Two filters of 1 x 2 x 3: positions lie before channels.
  std::vector<uint8_t> mask = {1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0};
  writeMask("m4.npy", {2, 1, 2, 3}, mask);
  writeMask("m2.npy", {2, 6}, mask);
  for (const char *file : {"m4.npy", "m2.npy"}) {
    auto workload =
        parse(absl::StrCat("  - {name: c, c: 3, h: 1, w: 4, m: 2, r: 1, s: 2, weights: {mask: ", file, "}}\n"));
    ASSERT_TRUE(workload.ok()) << workload.status();
    EXPECT_EQ(nonzeros(makeWeights(*workload, 0)), std::vector<int>(mask.begin(), mask.end()));
    EXPECT_EQ(workload->layers[0].weights.density, 5.0 / 12);
  }
  // Two images of 2 x 1 pixels of 3 channels; a third begins again with the first.
  writeMask("a4.npy", {2, 2, 1, 3}, mask);
  auto workload = parse("  - {name: c, c: 3, h: 2, w: 1, m: 2, r: 1, s: 1, activations: {mask: a4.npy}}\n");
  ASSERT_TRUE(workload.ok()) << workload.status();
  EXPECT_EQ(nonzeros(makeInput(*workload, 0, 1)), std::vector<int>(mask.begin() + 6, mask.end()));
  EXPECT_EQ(nonzeros(makeInput(*workload, 0, 2)), std::vector<int>(mask.begin(), mask.begin() + 6));
  EXPECT_NE(makeInput(*workload, 0, 2), makeInput(*workload, 0, 0)); // other values

  EXPECT_THAT(
      errorOf("  - {name: c, c: 3, h: 1, w: 4, m: 2, r: 1, s: 1, weights: {mask: m2.npy}}\n"),
      HasSubstr("'m2.npy' is [2x6]; expected [2x1x1x3] (filters, rows, columns, channels of a group) or [2x3]"));
  EXPECT_THAT(errorOf("  - {name: c, c: 3, h: 1, w: 4, m: 2, r: 1, s: 1, weights: {mask: none.npy}}\n"),
              HasSubstr("none.npy"));
}

TEST(Sparsity, IndependentZerosKeepTheCount) {
  std::vector<uint8_t> mask(64 * 32);
  for (size_t i = 0; i < 64 * 16; ++i)
    mask[i] = 1; // all in the first filters
  writeMask("rows.npy", {64, 32}, mask);
  auto workload = parse("  - {name: f, kind: fc, c: 32, m: 64, weights: {mask: rows.npy}, activation_density: 0.5}\n");
  ASSERT_TRUE(workload.ok()) << workload.status();
  Workload scattered = withIndependentZeros(*workload);
  std::vector<int> weights = nonzeros(makeWeights(scattered, 0));
  EXPECT_EQ(sum(weights, 0, weights.size()), 64 * 16);
  EXPECT_NEAR(sum(weights, 0, weights.size() / 2), 64 * 8, 70);
  EXPECT_EQ(makeInput(scattered, 0, 0), makeInput(*workload, 0, 0)); // independent already
  EXPECT_EQ(scattered.layers[0].weights.density, workload->layers[0].weights.density);
}

TEST(Sparsity, DefaultsYieldToTheLayer) {
  constexpr const char *kLayers = "  - {name: a, kind: fc, c: 8, m: 8}\n"
                                  "  - {name: b, kind: fc, c: 8, m: 8, weight_density: 0.5}\n"
                                  "  - {name: c, kind: matmul, n: 2, c: 8, m: 8}\n";
  auto workload = parse(kLayers, "weight_density: 0.25\n");
  ASSERT_TRUE(workload.ok()) << workload.status();
  EXPECT_EQ(workload->layers[0].weights.density, 0.25);
  EXPECT_EQ(workload->layers[1].weights.density, 0.5);
  EXPECT_EQ(workload->layers[2].weights.density, 1.0); // an activation
  Overrides overrides;
  overrides.weightDensity = 0.125;
  workload = parse(kLayers, "weight_density: 0.25\n", overrides);
  EXPECT_EQ(workload->layers[0].weights.density, 0.125);
  EXPECT_EQ(workload->layers[1].weights.density, 0.5);
}

TEST(Sparsity, RowsBatchAndGroups) {
  auto workload = parse("  - {name: f, kind: fc, n: 3, c: 8, m: 4}\n"
                        "  - {name: g, kind: fc, n: 3, c: 8, m: 4, batch: 5}\n"
                        "  - {name: s, kind: matmul, groups: 2, n: 3, c: 8, m: 6}\n",
                        "batch: 2\n");
  ASSERT_TRUE(workload.ok()) << workload.status();
  EXPECT_EQ(workload->layers[0].shape.n, 6);
  EXPECT_EQ(workload->layers[1].shape.n, 15);
  const dataflow::Contraction &scores = workload->layers[2].shape;
  EXPECT_EQ(scores.g, 4); // two heads of two images
  EXPECT_EQ(scores.p, 3);
  EXPECT_EQ(scores.c, 4);
  EXPECT_EQ(scores.m, 3);
  EXPECT_NE(makeWeights(*workload, 2, 0), makeWeights(*workload, 2, 1));
}

TEST(Sparsity, Mappings) {
  auto workload = parse("  - name: c\n    kind: fc\n    c: 8\n    m: 4\n    mapping: {eyeriss: {dram: [M 2], glb: [x P "
                        "3, M 2]}}\n");
  ASSERT_TRUE(workload.ok()) << workload.status();
  const std::vector<LevelLoops> &levels = workload->layers[0].mappings.at("eyeriss");
  ASSERT_EQ(levels.size(), 2u);
  EXPECT_EQ(levels[1].level, "glb");
  EXPECT_EQ(levels[1].loops[0].kind, isa::LoopKind::SpatialX);
  EXPECT_EQ(levels[1].loops[0].factor, 3u);
  EXPECT_THAT(errorOf("  - {name: c, kind: fc, c: 8, m: 4, mapping: {eyeriss: {dram: [K 2]}}}\n"),
              HasSubstr("expected a loop as 'RANK FACTOR'"));
}

TEST(Sparsity, Errors) {
  EXPECT_THAT(errorOf("  - {name: f, kind: fc, c: 8, m: 4, weights: {kind: per-row}}\n"), HasSubstr("'density'"));
  EXPECT_THAT(errorOf("  - {name: f, kind: fc, c: 8, m: 4, weights: {kind: \"5:4\"}}\n"), HasSubstr("N from 1 to M"));
  EXPECT_THAT(errorOf("  - {name: f, kind: fc, c: 8, m: 4, weights: {kind: \"2:4\", density: 0.5}}\n"),
              HasSubstr("expected none"));
  EXPECT_THAT(errorOf("  - {name: f, kind: fc, c: 8, m: 4, weights: {density: 0.5}, weight_density: 0.5}\n"),
              HasSubstr("say it once"));
  EXPECT_THAT(errorOf("  - {name: f, kind: fc, c: 8, m: 4, weights: {mask: m.npy, density: 0.5}}\n"),
              HasSubstr("no 'density'"));
}

//===----------------------------------------------------------------------===//
// Real masks
//===----------------------------------------------------------------------===//

std::string sharedData() {
  const char *folder = std::getenv("SPARSEACCEL_SHARED_DATA");
  return folder ? folder : "";
}

TEST(SharedMasks, EveryMatrixOfDlmc) {
  if (sharedData().empty())
    GTEST_SKIP() << "SPARSEACCEL_SHARED_DATA does not say where the masks are";
  std::string dlmc = sharedData() + "/dlmc/";
  auto workload = parse(absl::StrCat("  - each: ", dlmc, "rn50_magnitude_pruning_0.8.npz\n    n: ", dlmc,
                                     "rn50_batchsizes.txt\n    only: bottleneck_*\n"));
  ASSERT_TRUE(workload.ok()) << workload.status();
  EXPECT_GT(workload->layers.size(), 45u);
  const Layer &first = workload->layers[0];
  EXPECT_EQ(first.name, "bottleneck_1_block_group1_1_1");
  EXPECT_EQ(first.shape.m, 64);
  EXPECT_EQ(first.shape.c, 256);
  EXPECT_EQ(first.shape.n, 3136);
  EXPECT_NEAR(first.weights.density, 0.2, 0.01);
  EXPECT_THAT(errorOf(absl::StrCat("  - {each: ", dlmc, "rn50_magnitude_pruning_0.8.npz, only: botleneck_*}\n")),
              HasSubstr("no array"));
}

TEST(SharedMasks, EyerissV2) {
  if (sharedData().empty())
    GTEST_SKIP() << "SPARSEACCEL_SHARED_DATA does not say where the masks are";
  std::string file = sharedData() + "/eyeriss_v2_pe/L07.npz";
  auto workload = parse(absl::StrCat("  - {name: L07, c: 64, h: 32, w: 32, m: 64, r: 1, s: 1, weights: {mask: '", file,
                                     ":weights'}, activations: {mask: '", file, ":iacts'}}\n"));
  ASSERT_TRUE(workload.ok()) << workload.status();
  // The published cycles are the sum over channels of nonzero activations times nonzero weights.
  std::vector<int> weights = nonzeros(makeWeights(*workload, 0)), input = nonzeros(makeInput(*workload, 0, 0));
  int64_t cycles = 0;
  for (size_t c = 0; c < 64; ++c) {
    int64_t a = 0, b = 0;
    for (size_t pixel = 0; pixel < 1024; ++pixel)
      a += input[pixel * 64 + c];
    for (size_t m = 0; m < 64; ++m)
      b += weights[m * 64 + c];
    cycles += a * b;
  }
  EXPECT_EQ(cycles, 1702140);
}

} // namespace
} // namespace sparseaccel::workload
