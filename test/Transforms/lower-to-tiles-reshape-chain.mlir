// RUN: sparse-opt %s --sparse-schedule=machine=dadiannao --sparse-lower-to-tiles=machine=dadiannao | FileCheck %s

// A contraction wants four ranks: a tensor of two is reshaped by the host; one of four that is called by two, and by four again, is the same tensor.
// CHECK: accel.host_call reshape inputs [@x] outputs [@x4]
// CHECK: accel.store <"nm" slot {{[0-9]+}}, @fc1[0, 0, 0, 0] extent [1, 1, 1, {{[0-9]+}}]> layer @fc1.layer
// CHECK-NOT: reshape
// CHECK: accel.contract {{.*}} @fc1[0, 0, 0, 0]
// CHECK: accel.host_call reshape inputs [@fc2] outputs [@y]
module attributes {sparsity.numerics = "int8"} {
  func.func @main(%x: tensor<1x16xi8> {sparsity.name = "x"}) -> tensor<1x8xi8> {
    %w1 = "tosa.const"() <{values = dense<1> : tensor<32x1x1x16xi8>}> : () -> tensor<32x1x1x16xi8>
    %w2 = "tosa.const"() <{values = dense<1> : tensor<8x1x1x32xi8>}> : () -> tensor<8x1x1x32xi8>
    %0 = accel.reshape %x layer "x4" value "x4" : tensor<1x16xi8> -> tensor<1x1x1x16xi8>
    %1 = accel.contraction fc %0, %w1 strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "fc1" value "fc1" : (tensor<1x1x1x16xi8>, tensor<32x1x1x16xi8>) -> tensor<1x1x1x32xi8>
    %2 = accel.reshape %1 layer "r2" value "r2" : tensor<1x1x1x32xi8> -> tensor<1x32xi8>
    %3 = accel.reshape %2 layer "r4" value "r4" : tensor<1x32xi8> -> tensor<1x1x1x32xi8>
    %4 = accel.contraction fc %3, %w2 strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "fc2" value "fc2" : (tensor<1x1x1x32xi8>, tensor<8x1x1x32xi8>) -> tensor<1x1x1x8xi8>
    %5 = accel.reshape %4 layer "y" value "y" : tensor<1x1x1x8xi8> -> tensor<1x8xi8>
    return %5 : tensor<1x8xi8>
  }
}
