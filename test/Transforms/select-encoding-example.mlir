// RUN: rm -rf %t && mkdir -p %t/machines && cp -r %source/energy %t/energy
// RUN: sed 's/b: {dram: \[dense\]/b: {dram: [bitmask, dense]/' %source/machines/eyeriss.yaml > %t/machines/weights.yaml
// RUN: sparse-opt %s --sparse-select-encoding=machine=%t/machines/weights.yaml | FileCheck %s

// The example of the pass's documentation: weights and activations with many zeros; what leaves the function stays dense.

// CHECK: %{{.*}} = sparsity.encode %{{.*}} : tensor<16x1x1x16xi8> to tensor<16x1x1x16xi8, #sparsity.encoding<bitmask>>
// CHECK: %{{.*}} = accel.contraction conv %{{.*}}, %{{.*}} strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
// CHECK-SAME: numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "conv1" value "relu1"
// CHECK-SAME: : (tensor<1x8x8x16xi8>, tensor<16x1x1x16xi8, #sparsity.encoding<bitmask>>) -> tensor<1x8x8x16xi8, #sparsity.encoding<eyeriss_rlc>>
module attributes {sparsity.densities = {relu1 = 0.3 : f64}} {
  func.func @main(%x: tensor<1x8x8x16xi8>) -> tensor<1x8x8x16xi8> {
    %w = "tosa.const"() <{values = dense<0> : tensor<16x1x1x16xi8>}> : () -> tensor<16x1x1x16xi8>
    %y = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "conv1" value "relu1"
        : (tensor<1x8x8x16xi8>, tensor<16x1x1x16xi8>) -> tensor<1x8x8x16xi8>
    %z = accel.contraction conv %y, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "conv2" value "relu2"
        : (tensor<1x8x8x16xi8>, tensor<16x1x1x16xi8>) -> tensor<1x8x8x16xi8>
    return %z : tensor<1x8x8x16xi8>
  }
}
