// RUN: sparse-opt %s --sparse-quantize="numerics=int16 default-range=1" | FileCheck %s

// The example of the pass's documentation.

// CHECK: %[[SUMS:.*]] = tosa.conv2d %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {acc_type = i48, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
// CHECK-SAME: : (tensor<1x2x2x2xi16>, tensor<2x1x1x2xi16>, tensor<2xi48>, tensor<1xi16>, tensor<1xi16>) -> tensor<1x2x2x2xi48>
// CHECK: %{{.*}} = tosa.rescale %[[SUMS]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {input_unsigned = false, output_unsigned = false, per_channel = true, rounding_mode = SINGLE_ROUND, scale32 = false,
// CHECK-SAME: sparsity.value = "conv1"} : (tensor<1x2x2x2xi48>, tensor<2xi16>, tensor<2xi8>, tensor<1xi48>, tensor<1xi16>) -> tensor<1x2x2x2xi16>
func.func @main(%x: tensor<1x2x2x2xf32> {sparsity.name = "data"}) -> tensor<1x2x2x2xf32> {
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %w = "tosa.const"() {values = dense<[[[[1.0, -0.5]]], [[[2.0, 0.0]]]]> : tensor<2x1x1x2xf32>} : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() {values = dense<0.5> : tensor<2xf32>} : () -> tensor<2xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
      : (tensor<1x2x2x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32> loc("conv1")
  return %0 : tensor<1x2x2x2xf32>
}
