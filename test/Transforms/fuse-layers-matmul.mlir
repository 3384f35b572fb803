// RUN: sparse-opt %s --sparse-fuse-layers --split-input-file | FileCheck %s

// A product with a constant: the constant is transposed here, and the rows are those of an image one column wide.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x2xi8>
// CHECK: %[[A:.*]] = accel.reshape %[[X]] layer "fc.a" value "fc.a" : tensor<1x3x2xi8> -> tensor<1x3x1x2xi8>
// CHECK: %[[W:.*]] = "tosa.const"() <{values = dense_resource<fc.weights> : tensor<4x1x1x2xi8>}>
// CHECK: %[[Y:.*]] = accel.contraction conv %[[A]], %[[W]] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
// CHECK-SAME: layer "fc" value "fc.0" : (tensor<1x3x1x2xi8>, tensor<4x1x1x2xi8>) -> tensor<1x3x1x4xi8>
// CHECK: accel.reshape %[[Y]] layer "fc.result" value "fc.result" : tensor<1x3x1x4xi8> -> tensor<1x3x4xi8>
// CHECK: fc.weights: "0x400000000105020603070408"
func.func @main(%x: tensor<1x3x2xi8>) -> tensor<1x3x4xi8> {
  %w = "tosa.const"() <{values = dense<[[[1, 2, 3, 4], [5, 6, 7, 8]]]> : tensor<1x2x4xi8>}> : () -> tensor<1x2x4xi8>
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zero32 = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %multiplier = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}> : () -> tensor<1xi32>
  %shift = "tosa.const"() <{values = dense<38> : tensor<1xi8>}> : () -> tensor<1xi8>
  %sums = tosa.matmul %x, %w, %zero, %zero : (tensor<1x3x2xi8>, tensor<1x2x4xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x3x4xi32> loc("fc")
  %y = tosa.rescale %sums, %multiplier, %shift, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = false,
      rounding_mode = SINGLE_ROUND, scale32 = true, sparsity.value = "fc.0"}
      : (tensor<1x3x4xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x3x4xi8> loc("fc")
  return %y : tensor<1x3x4xi8>
}

// -----

// A product of two activations: the host transposes the second.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x2xi8>, %[[Y:.*]]: tensor<1x2x4xi8>)
// CHECK: %[[A:.*]] = accel.reshape %[[X]]
// CHECK: %[[T:.*]] = accel.host transpose(%[[Y]]) ints [0, 2, 1] floats [] {{.*}} : (tensor<1x2x4xi8>) -> tensor<1x4x2xi8>
// CHECK: %[[B:.*]] = accel.reshape %[[T]] {{.*}} : tensor<1x4x2xi8> -> tensor<4x1x1x2xi8>
// CHECK: accel.contraction matmul %[[A]], %[[B]]
func.func @main(%x: tensor<1x3x2xi8>, %w: tensor<1x2x4xi8>) -> tensor<1x3x4xi8> {
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zero32 = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %multiplier = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}> : () -> tensor<1xi32>
  %shift = "tosa.const"() <{values = dense<38> : tensor<1xi8>}> : () -> tensor<1xi8>
  %sums = tosa.matmul %x, %w, %zero, %zero : (tensor<1x3x2xi8>, tensor<1x2x4xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x3x4xi32> loc("qk")
  %y = tosa.rescale %sums, %multiplier, %shift, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = false,
      rounding_mode = SINGLE_ROUND, scale32 = true, sparsity.value = "qk"}
      : (tensor<1x3x4xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x3x4xi8> loc("qk")
  return %y : tensor<1x3x4xi8>
}
