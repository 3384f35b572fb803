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
// CHECK: %[[M:.*]] = accel.reshape %[[Y]] {{.*}} : tensor<1x2x4xi8> -> tensor<2x4xi8>
// CHECK: %[[T:.*]] = accel.host transpose(%[[M]]) ints [1, 0] floats [] {{.*}} : (tensor<2x4xi8>) -> tensor<4x2xi8>
// CHECK: %[[B:.*]] = accel.reshape %[[T]] {{.*}} : tensor<4x2xi8> -> tensor<4x1x1x2xi8>
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

// -----

// A product with what a transpose made: both lie as the array wants them, and nothing moves.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x2xi8>, %[[Y:.*]]: tensor<1x4x2xi8>)
// CHECK-NOT: accel.host
// CHECK: %[[B:.*]] = accel.reshape %[[Y]] {{.*}} : tensor<1x4x2xi8> -> tensor<4x1x1x2xi8>
// CHECK-NOT: accel.host
// CHECK: accel.contraction matmul %{{.*}}, %[[B]]
// CHECK-NOT: accel.host
func.func @main(%x: tensor<1x3x2xi8>, %k: tensor<1x4x2xi8>) -> tensor<1x3x4xi8> {
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zero32 = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %multiplier = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}> : () -> tensor<1xi32>
  %shift = "tosa.const"() <{values = dense<38> : tensor<1xi8>}> : () -> tensor<1xi8>
  %w = tosa.transpose %k {perms = array<i32: 0, 2, 1>, sparsity.value = "kT"} : (tensor<1x4x2xi8>) -> tensor<1x2x4xi8>
  %sums = tosa.matmul %x, %w, %zero, %zero : (tensor<1x3x2xi8>, tensor<1x2x4xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x3x4xi32> loc("qk")
  %y = tosa.rescale %sums, %multiplier, %shift, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = false,
      rounding_mode = SINGLE_ROUND, scale32 = true, sparsity.value = "qk"}
      : (tensor<1x3x4xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x3x4xi8> loc("qk")
  return %y : tensor<1x3x4xi8>
}

// -----

// Heads are groups. The transposes that split the rows of 4 into 2 heads and join the result cancel; the contraction has
// the value of what joins them. Only the second operand moves.

// CHECK-LABEL: func.func @main
// CHECK-DAG: accel.reshape %{{.*}} -> tensor<1x3x1x6xi8>
// CHECK-DAG: %[[T:.*]] = accel.host transpose(%{{.*}}) ints [1, 2, 0] floats [] {{.*}} : (tensor<3x2x2xi8>) -> tensor<2x2x3xi8>
// CHECK-DAG: %[[B:.*]] = accel.reshape %[[T]] {{.*}} : tensor<2x2x3xi8> -> tensor<4x1x1x3xi8>
// CHECK: %[[P:.*]] = accel.contraction matmul %{{.*}}, %[[B]] {{.*}} groups 2 {{.*}} layer "av" value "joined"
// CHECK-SAME: (tensor<1x3x1x6xi8>, tensor<4x1x1x3xi8>) -> tensor<1x3x1x4xi8>
// CHECK-NOT: accel.host
// CHECK: return
func.func @main(%x: tensor<1x3x4xi8>, %v: tensor<1x3x4xi8>, %s: tensor<1x3x6xi8>) -> tensor<1x3x4xi8> {
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zero32 = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %multiplier = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}> : () -> tensor<1xi32>
  %shift = "tosa.const"() <{values = dense<38> : tensor<1xi8>}> : () -> tensor<1xi8>
  %heads_shape = tosa.const_shape {values = dense<[1, 3, 2, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %scores_shape = tosa.const_shape {values = dense<[3, 2, 3]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %three = tosa.const_shape {values = dense<[2, 3, 2]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %four = tosa.const_shape {values = dense<[1, 2, 3, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %joined_shape = tosa.const_shape {values = dense<[1, 3, 4]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %v4 = tosa.reshape %v, %heads_shape : (tensor<1x3x4xi8>, !tosa.shape<4>) -> tensor<1x3x2x2xi8>
  %vt = tosa.transpose %v4 {perms = array<i32: 0, 2, 1, 3>} : (tensor<1x3x2x2xi8>) -> tensor<1x2x3x2xi8>
  %v3 = tosa.reshape %vt, %three : (tensor<1x2x3x2xi8>, !tosa.shape<3>) -> tensor<2x3x2xi8>
  %s4 = tosa.reshape %s, %scores_shape : (tensor<1x3x6xi8>, !tosa.shape<3>) -> tensor<3x2x3xi8>
  %a = tosa.transpose %s4 {perms = array<i32: 1, 0, 2>} : (tensor<3x2x3xi8>) -> tensor<2x3x3xi8>
  %sums = tosa.matmul %a, %v3, %zero, %zero : (tensor<2x3x3xi8>, tensor<2x3x2xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<2x3x2xi32> loc("av")
  %y = tosa.rescale %sums, %multiplier, %shift, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = false,
      rounding_mode = SINGLE_ROUND, scale32 = true, sparsity.value = "av"}
      : (tensor<2x3x2xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<2x3x2xi8> loc("av")
  %y4 = tosa.reshape %y, %four : (tensor<2x3x2xi8>, !tosa.shape<4>) -> tensor<1x2x3x2xi8>
  %t = tosa.transpose %y4 {perms = array<i32: 0, 2, 1, 3>, sparsity.value = "joined"} : (tensor<1x2x3x2xi8>) -> tensor<1x3x2x2xi8>
  %z = tosa.reshape %t, %joined_shape : (tensor<1x3x2x2xi8>, !tosa.shape<3>) -> tensor<1x3x4xi8>
  return %z : tensor<1x3x4xi8>
}
