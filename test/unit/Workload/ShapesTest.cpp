//===- ShapesTest.cpp - The shipped workloads have the networks' work -----===//
//
// Each total twice: as the literature gives it, and summed here from the papers' own tables rather than from the file.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Target/Workload/Workload.h"

#include "gtest/gtest.h"

namespace sparseaccel::workload {
namespace {

struct Macs {
  int64_t conv = 0, fc = 0, matmul = 0;
  int64_t all() const { return conv + fc + matmul; }
};

Macs macsOf(const char *name, const Overrides &overrides = {}) {
  absl::StatusOr<Workload> workload = loadWorkload(name, overrides);
  EXPECT_TRUE(workload.ok()) << workload.status();
  Macs macs;
  for (const Layer &layer : workload->layers) {
    int64_t own = layer.shape.macs();
    if (layer.isMatMul())
      macs.matmul += own;
    else
      (layer.shape.kind == machine::ContractionKind::FullyConnected ? macs.fc : macs.conv) += own;
  }
  return macs;
}

/// A square convolution by its output.
int64_t conv(int64_t out, int64_t filter, int64_t c, int64_t m) { return out * out * filter * filter * c * m; }

TEST(Shapes, Vgg16) {
  Macs macs = macsOf("vgg16");
  EXPECT_NEAR(double(macs.conv), 15.35e9, 0.005e9);
  EXPECT_NEAR(double(macs.fc), 0.124e9, 0.001e9);
  int64_t sum = 0, before = 3;
  for (auto [side, width, count] : {std::array<int64_t, 3>{224, 64, 2},
                                    {112, 128, 2},
                                    {56, 256, 3},
                                    {28, 512, 3},
                                    {14, 512, 3}})
    for (int64_t i = 0; i < count; ++i, before = width)
      sum += conv(side, 3, before, width);
  EXPECT_EQ(macs.conv, sum);
  EXPECT_EQ(macs.fc, 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000);
}

TEST(Shapes, GoogLeNet) {
  Macs macs = macsOf("googlenet");
  EXPECT_NEAR(double(macs.all()), 1.58e9, 0.01e9);
  // The paper's table: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection of each module.
  int64_t sum = conv(112, 7, 3, 64) + conv(56, 1, 64, 64) + conv(56, 3, 64, 192), in = 192;
  for (auto [side, a, b, c, d, e, f] : {std::array<int64_t, 7>{28, 64, 96, 128, 16, 32, 32},
                                        {28, 128, 128, 192, 32, 96, 64},
                                        {14, 192, 96, 208, 16, 48, 64},
                                        {14, 160, 112, 224, 24, 64, 64},
                                        {14, 128, 128, 256, 24, 64, 64},
                                        {14, 112, 144, 288, 32, 64, 64},
                                        {14, 256, 160, 320, 32, 128, 128},
                                        {7, 256, 160, 320, 32, 128, 128},
                                        {7, 384, 192, 384, 48, 128, 128}}) {
    sum += conv(side, 1, in, a + b + d + f) + conv(side, 3, b, c) + conv(side, 5, d, e);
    in = a + c + e + f;
  }
  EXPECT_EQ(in, 1024);
  EXPECT_EQ(macs.conv, sum);
  EXPECT_EQ(macs.fc, 1024 * 1000);
}

TEST(Shapes, ResNet50) {
  Macs macs = macsOf("resnet50");
  EXPECT_NEAR(double(macs.all()), 4.09e9, 0.01e9);
  int64_t sum = conv(112, 7, 3, 64), in = 64, side = 56;
  for (auto [width, blocks] : {std::array<int64_t, 2>{64, 3}, {128, 4}, {256, 6}, {512, 3}}) {
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t stride = block == 0 && width > 64 ? 2 : 1;
      sum += conv(side, 1, in, width); // before the stride
      side /= stride;
      sum += conv(side, 3, width, width) + conv(side, 1, width, 4 * width);
      if (block == 0)
        sum += conv(side, 1, in, 4 * width);
      in = 4 * width;
    }
  }
  EXPECT_EQ(macs.conv, sum);
  EXPECT_EQ(macs.fc, 2048 * 1000);
}

TEST(Shapes, MobileNets) {
  EXPECT_NEAR(double(macsOf("mobilenet_v1").all()), 0.569e9, 0.001e9);
  EXPECT_NEAR(double(macsOf("mobilenet_v2").all()), 0.300e9, 0.0015e9);
  // Version 2's bottlenecks: expansion, channels, repetitions, stride.
  int64_t sum = conv(112, 3, 3, 32), in = 32, side = 112;
  for (auto [t, c, n, s] : {std::array<int64_t, 4>{1, 16, 1, 1},
                            {6, 24, 2, 2},
                            {6, 32, 3, 2},
                            {6, 64, 4, 2},
                            {6, 96, 3, 1},
                            {6, 160, 3, 2},
                            {6, 320, 1, 1}})
    for (int64_t i = 0; i < n; ++i, in = c) {
      sum += t == 1 ? 0 : conv(side, 1, in, in * t);
      side /= i == 0 ? s : 1;
      sum += conv(side, 3, 1, in * t) + conv(side, 1, in * t, c);
    }
  EXPECT_EQ(macsOf("mobilenet_v2").conv, sum + conv(7, 1, 320, 1280));
}

TEST(Shapes, BertBase) {
  int64_t tokens = 128, width = 768;
  Macs macs = macsOf("bert-base");
  EXPECT_EQ(macs.fc, 12 * tokens * (4 * width * width + 2 * width * 4 * width) + width * width);
  EXPECT_EQ(macs.matmul, 12 * 2 * tokens * tokens * width);
  EXPECT_NEAR(double(macs.all()), 11.17e9, 0.01e9);
  // Another batch is another number of sequences, not of tokens.
  Overrides two;
  two.batch = 2;
  EXPECT_EQ(macsOf("bert-base", two).all(), 2 * macs.all());
}

} // namespace
} // namespace sparseaccel::workload
