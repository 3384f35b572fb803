// RUN: sparse-opt %s --sparse-schedule="machine=dadiannao search-budget=0" | FileCheck %s

// The example of the pass's documentation.

// CHECK: %{{.*}} = accel.contraction conv %{{.*}}, %{{.*}} strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
// CHECK-SAME: numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]>
// CHECK-SAME: mapping <"dram"[P = 4], "nbin"[P = 2, Q = 8, R = 3, S = 3, y M = 2, x C = 16]> layer "conv1" value "relu1" : (tensor<1x8x8x16xi8>, tensor<2x3x3x16xi8>) -> tensor<1x8x8x2xi8>
module attributes {sparsity.numerics = "int8"} {
  func.func @main(%x: tensor<1x8x8x16xi8> {sparsity.name = "x"}) -> tensor<1x8x8x2xi8> {
    %w = "tosa.const"() <{values = dense<1> : tensor<2x3x3x16xi8>}> : () -> tensor<2x3x3x16xi8>
    %y = accel.contraction conv %x, %w strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "conv1" value "relu1"
        : (tensor<1x8x8x16xi8>, tensor<2x3x3x16xi8>) -> tensor<1x8x8x2xi8>
    return %y : tensor<1x8x8x2xi8>
  }
}
