//===- WorkloadTest.cpp - Workload files and synthetic tensors ------------===//

#include "SparseAccel/Target/Workload/Workload.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sparseaccel::workload {
namespace {

using testing::HasSubstr;

absl::StatusOr<Workload> parseLayer(absl::string_view layer, absl::string_view head = "") {
  return parseWorkload(absl::StrCat("name: w\n", head, "layers:\n  - ", layer, "\n"), "w.yaml");
}

std::string errorOf(absl::string_view layer) { return std::string(parseLayer(layer).status().message()); }

TEST(Workload, ShapesFollowFromTheInput) {
  auto workload = parseLayer("{name: conv2, c: 96, h: 27, w: 27, m: 256, r: 5, s: 5, pad: 2, groups: 2}");
  ASSERT_TRUE(workload.ok()) << workload.status();
  const dataflow::Contraction &shape = workload->layers[0].shape;
  EXPECT_EQ(shape.g, 2);
  EXPECT_EQ(shape.c, 48);
  EXPECT_EQ(shape.m, 128);
  EXPECT_EQ(shape.p, 27);
  EXPECT_EQ(shape.padBottom, 2);
  EXPECT_EQ(shape.macs(), int64_t(27) * 27 * 256 * 48 * 25);
}

TEST(Workload, UnreachedRowsNeedNoPadding) {
  // 224 + 2*3 rows, 7 taps, stride 2: 112 outputs, the last padding row is never read.
  auto workload = parseLayer("{name: c, c: 3, h: 224, w: 224, m: 8, r: 7, s: 7, stride: 2, pad: 3}");
  ASSERT_TRUE(workload.ok()) << workload.status();
  EXPECT_EQ(workload->layers[0].shape.p, 112);
  EXPECT_EQ(workload->layers[0].shape.padTop, 3);
  EXPECT_EQ(workload->layers[0].shape.padBottom, 2);
}

TEST(Workload, CountedPaddingRaisesTheDensityOfTheTensor) {
  // 3x3, padding 1, on 13x13: 37 of 39 reads of a dimension lie in the plane.
  double share = 37.0 / 39.0 * 37.0 / 39.0;
  auto counted = parseLayer("{name: c, c: 4, h: 13, w: 13, m: 4, r: 3, s: 3, pad: 1, activation_density: 0.56}");
  auto extra = parseLayer("{name: c, c: 4, h: 13, w: 13, m: 4, r: 3, s: 3, pad: 1, activation_density: 0.56}",
                          "padding: extra\n");
  ASSERT_TRUE(counted.ok() && extra.ok());
  EXPECT_NEAR(counted->layers[0].activations.density, 0.56 / share, 1e-12);
  EXPECT_EQ(extra->layers[0].activations.density, 0.56);
}

TEST(Workload, ShareInPlaneIsThatOfAllReads) {
  for (int64_t size : {1, 5, 8})
    for (int64_t taps : {1, 2, 3, 5})
      for (int64_t stride : {1, 2, 3})
        for (int64_t dilation : {1, 2, 4})
          for (int64_t pad : {0, 1, 4}) {
            dataflow::Contraction shape;
            int64_t room = size + 2 * pad - (taps - 1) * dilation - 1;
            if (room < 0)
              continue;
            shape.p = room / stride + 1;
            shape.r = taps, shape.strideH = stride, shape.dilationH = dilation, shape.padTop = pad;
            int64_t in = 0;
            for (int64_t output = 0; output < shape.p; ++output)
              for (int64_t tap = 0; tap < taps; ++tap) {
                int64_t row = output * stride + tap * dilation - pad;
                in += row >= 0 && row < size;
              }
            EXPECT_DOUBLE_EQ(inPlaneShare(shape, size, 1), double(in) / double(shape.p * taps));
          }
}

TEST(Workload, TensorsHaveTheirDensityAndTheirSeed) {
  auto tensor = makeTensor(100000, 2, 0.3, true, 7);
  EXPECT_EQ(tensor, makeTensor(100000, 2, 0.3, true, 7));
  EXPECT_NE(tensor, makeTensor(100000, 2, 0.3, true, 8));
  const auto *values = reinterpret_cast<const int16_t *>(tensor.data());
  int nonzero = 0, negative = 0;
  for (int i = 0; i < 100000; ++i) {
    nonzero += values[i] != 0;
    negative += values[i] < 0;
    EXPECT_NE(values[i], -32768);
  }
  EXPECT_NEAR(nonzero / 100000.0, 0.3, 0.01);
  EXPECT_NEAR(negative / double(nonzero), 0.5, 0.02);
  for (uint8_t byte : makeTensor(1000, 1, 1.0, false, 3))
    EXPECT_TRUE(byte >= 1 && byte <= 127);
  for (uint8_t byte : makeTensor(1000, 1, 0.0, true, 3))
    EXPECT_EQ(byte, 0);
}

TEST(Workload, LayersAndImagesDiffer) {
  auto workload = parseWorkload(
      "name: w\nlayers:\n  - {name: a, kind: fc, c: 64, m: 8}\n  - {name: b, kind: fc, c: 64, m: 8}\n", "w.yaml");
  ASSERT_TRUE(workload.ok()) << workload.status();
  EXPECT_NE(makeInput(*workload, 0, 0), makeInput(*workload, 1, 0));
  EXPECT_NE(makeInput(*workload, 0, 0), makeInput(*workload, 0, 1));
  EXPECT_NE(makeWeights(*workload, 0), makeWeights(*workload, 1));
}

TEST(Workload, ErrorsSayWhatWasExpected) {
  EXPECT_THAT(errorOf("{name: c, c: 4, m: 4, h: 8, w: 8, r: 3, s: 3, strid: 2}"), HasSubstr("did you mean 'stride'"));
  EXPECT_THAT(errorOf("{name: c, c: 4, m: 4, h: 8, w: 8, r: 3, s: 3, groups: 3}"),
              HasSubstr("4 channels do not divide into 3 groups"));
  EXPECT_THAT(errorOf("{name: c, c: 4, m: 4, h: 2, w: 8, r: 3, s: 3}"),
              HasSubstr("taller than the padded input of 2 rows"));
  EXPECT_THAT(errorOf("{name: c, kind: cnv, c: 4, m: 4}"), HasSubstr("did you mean 'conv'"));
  EXPECT_THAT(errorOf("{name: c, c: 4, h: 3, w: 3, m: 4, r: 3, s: 3, pad: 1, activation_density: 0.99}"),
              HasSubstr("padding: extra"));
  EXPECT_THAT(errorOf("{name: c, c: 4, h: 3, w: 3, m: 4, r: 3, s: 3, weight_density: 1.5}"),
              HasSubstr("weight_density"));
  EXPECT_THAT(errorOf("{name: c, c: 4, h: 3, w: 3, m: 4, r: 3, s: 3}\n  - {name: c, kind: fc, c: 4, m: 4}"),
              HasSubstr("there is a layer 'c' already"));
  EXPECT_THAT(errorOf("{name: c, kind: fc, c: 16777216, m: 16777216}"), HasSubstr("the weights would have"));
  auto missing = loadWorkload("alexnett");
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("did you mean 'alexnet'"));
}

} // namespace
} // namespace sparseaccel::workload
