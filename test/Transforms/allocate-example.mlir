// RUN: sparse-opt %s --sparse-lower-to-tiles=machine=dadiannao --sparse-allocate=machine=dadiannao | FileCheck %s

// The example of the pass's documentation.

// CHECK: accel.tensor @x : tensor<1x8x8x16xi8, #sparsity.encoding<dense, granule = [1, 1, 8, 16]>> role input scale 1.000000e+00 offset 0
// CHECK: %{{.*}} = accel.load <"nm" at 0, @x[0, 0, 0, 0] extent [1, 3, 8, 16]> layer @conv1.layer after()
module attributes {sparsity.numerics = "int8"} {
  func.func @main(%x: tensor<1x8x8x16xi8> {sparsity.name = "x"}) -> tensor<1x8x8x2xi8> {
    %w = "tosa.const"() <{values = dense<1> : tensor<2x3x3x16xi8>}> : () -> tensor<2x3x3x16xi8>
    %y = accel.contraction conv %x, %w strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]>
        mapping <"dram"[P = 4], "nbin"[P = 2, Q = 8, R = 3, S = 3, y M = 2, x C = 16]> layer "conv1" value "relu1"
        : (tensor<1x8x8x16xi8>, tensor<2x3x3x16xi8>) -> tensor<1x8x8x2xi8>
    return %y : tensor<1x8x8x2xi8>
  }
}
