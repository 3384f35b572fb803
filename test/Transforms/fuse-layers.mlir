// RUN: sparse-opt %s --sparse-fuse-layers --split-input-file | FileCheck %s

// The example of the pass's documentation: the clamp and the rescale go with the convolution.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x4x4x8xi8>
// CHECK: %[[W:.*]] = "tosa.const"
// CHECK: %[[Z:.*]] = accel.contraction conv %[[X]], %[[W]] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
// CHECK-SAME: numerics <clamp = [0, 127], bias = [3, -4], multiplier = [1073741824, 1518500250], shift = [38, 39]>
// CHECK-SAME: layer "conv1" value "relu1" : (tensor<1x4x4x8xi8>, tensor<2x3x3x8xi8>) -> tensor<1x4x4x2xi8>
// CHECK-NEXT: return %[[Z]]
func.func @main(%x: tensor<1x4x4x8xi8> {sparsity.name = "data"}) -> tensor<1x4x4x2xi8> {
  %w = "tosa.const"() <{values = dense<1> : tensor<2x3x3x8xi8>}> : () -> tensor<2x3x3x8xi8>
  %bias = "tosa.const"() <{values = dense<[3, -4]> : tensor<2xi32>}> : () -> tensor<2xi32>
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zero32 = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %multiplier = "tosa.const"() <{values = dense<[1073741824, 1518500250]> : tensor<2xi32>}> : () -> tensor<2xi32>
  %shift = "tosa.const"() <{values = dense<[38, 39]> : tensor<2xi8>}> : () -> tensor<2xi8>
  %sums = tosa.conv2d %x, %w, %bias, %zero, %zero {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>}
      : (tensor<1x4x4x8xi8>, tensor<2x3x3x8xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4x4x2xi32> loc("conv1")
  %y = tosa.rescale %sums, %multiplier, %shift, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = true,
      rounding_mode = SINGLE_ROUND, scale32 = true, sparsity.value = "conv1"}
      : (tensor<1x4x4x2xi32>, tensor<2xi32>, tensor<2xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x4x4x2xi8> loc("conv1")
  %z = tosa.clamp %y {max_val = 127 : i8, min_val = 0 : i8, sparsity.value = "relu1"} : (tensor<1x4x4x2xi8>) -> tensor<1x4x4x2xi8> loc("relu1")
  return %z : tensor<1x4x4x2xi8>
}

// -----

// A clamp that is not alone in reading its input stays a layer. 16 bits: 48-bit sums, narrow multipliers, one factor for all channels said once.

// CHECK-LABEL: func.func @main
// CHECK: %[[Y:.*]] = accel.contraction fc
// CHECK-SAME: numerics <clamp = [-32768, 32767], multiplier = [16384], shift = [30], narrow> layer "fc1" value "fc1"
// CHECK: %[[Z:.*]] = accel.rescale %[[Y]] numerics <clamp = [0, 32767], multiplier = [16384], shift = [14], narrow> layer "relu1" value "relu1"
// CHECK: return %[[Y]], %[[Z]]
func.func @main(%x: tensor<1x4x4x8xi16>) -> (tensor<1x1x1x2xi16>, tensor<1x1x1x2xi16>) {
  %w = "tosa.const"() <{values = dense<1> : tensor<2x4x4x8xi16>}> : () -> tensor<2x4x4x8xi16>
  %bias = "tosa.const"() <{values = dense<0> : tensor<1xi48>}> : () -> tensor<1xi48>
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi16>}> : () -> tensor<1xi16>
  %zero48 = "tosa.const"() <{values = dense<0> : tensor<1xi48>}> : () -> tensor<1xi48>
  %multiplier = "tosa.const"() <{values = dense<16384> : tensor<2xi16>}> : () -> tensor<2xi16>
  %shift = "tosa.const"() <{values = dense<30> : tensor<2xi8>}> : () -> tensor<2xi8>
  %sums = tosa.conv2d %x, %w, %bias, %zero, %zero {acc_type = i48, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
      : (tensor<1x4x4x8xi16>, tensor<2x4x4x8xi16>, tensor<1xi48>, tensor<1xi16>, tensor<1xi16>) -> tensor<1x1x1x2xi48> loc("fc1")
  %y = tosa.rescale %sums, %multiplier, %shift, %zero48, %zero {input_unsigned = false, output_unsigned = false, per_channel = true,
      rounding_mode = SINGLE_ROUND, scale32 = false, sparsity.value = "fc1"}
      : (tensor<1x1x1x2xi48>, tensor<2xi16>, tensor<2xi8>, tensor<1xi48>, tensor<1xi16>) -> tensor<1x1x1x2xi16> loc("fc1")
  %z = tosa.clamp %y {max_val = 32767 : i16, min_val = 0 : i16, sparsity.value = "relu1"} : (tensor<1x1x1x2xi16>) -> tensor<1x1x1x2xi16> loc("relu1")
  return %y, %z : tensor<1x1x1x2xi16>, tensor<1x1x1x2xi16>
}

// -----

// The slice that the exact-division rule asks for and the padding with zeros go into the window; depthwise weights are reordered.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x8x8x2xi8>
// CHECK: %[[W:.*]] = "tosa.const"() <{values = dense_resource<dw1.weights> : tensor<4x2x1x1xi8>}>
// CHECK: accel.contraction depthwise %[[X]], %[[W]] strides [2, 2] pads [1, 0, 0, 0] dilations [1, 1] groups 2
// CHECK-SAME: value "dw1" : (tensor<1x8x8x2xi8>, tensor<4x2x1x1xi8>) -> tensor<1x4x4x4xi8>
// CHECK: dw1.weights: "0x40000000010502060307{{.*}}0408"
func.func @main(%x: tensor<1x8x8x2xi8>) -> tensor<1x4x4x4xi8> {
  %w = "tosa.const"() <{values = dense<[[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]]> : tensor<2x1x2x2xi8>}> : () -> tensor<2x1x2x2xi8>
  %bias = "tosa.const"() <{values = dense<[1, 2, 3, 4]> : tensor<4xi32>}> : () -> tensor<4xi32>
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zero32 = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %multiplier = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}> : () -> tensor<1xi32>
  %shift = "tosa.const"() <{values = dense<38> : tensor<1xi8>}> : () -> tensor<1xi8>
  %amounts = tosa.const_shape {values = dense<[0, 0, 1, 0, 0, 0, 0, 0]> : tensor<8xindex>} : () -> !tosa.shape<8>
  %padded = tosa.pad %x, %amounts, %zero : (tensor<1x8x8x2xi8>, !tosa.shape<8>, tensor<1xi8>) -> tensor<1x9x8x2xi8> loc("dw1")
  %start = tosa.const_shape {values = dense<0> : tensor<4xindex>} : () -> !tosa.shape<4>
  %size = tosa.const_shape {values = dense<[1, 8, 7, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %sliced = tosa.slice %padded, %start, %size : (tensor<1x9x8x2xi8>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x8x7x2xi8> loc("dw1")
  %sums = tosa.depthwise_conv2d %sliced, %w, %bias, %zero, %zero {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>}
      : (tensor<1x8x7x2xi8>, tensor<2x1x2x2xi8>, tensor<4xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4x4x4xi32> loc("dw1")
  %y = tosa.rescale %sums, %multiplier, %shift, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = false,
      rounding_mode = SINGLE_ROUND, scale32 = true, sparsity.value = "dw1"}
      : (tensor<1x4x4x4xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x4x4x4xi8> loc("dw1")
  return %y : tensor<1x4x4x4xi8>
}

// -----

// Two groups and a clamp behind them are one contraction.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x2x4xi8>
// CHECK: %[[W:.*]] = "tosa.const"() <{values = dense_resource<conv2.weights> : tensor<4x1x1x2xi8>}>
// CHECK-NEXT: %[[Y:.*]] = accel.contraction conv %[[X]], %[[W]] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 2
// CHECK-SAME: numerics <clamp = [0, 127], bias = [0, 0, 5, 6], multiplier = [1073741824, 1073741824, 1518500250, 1518500251], shift = [38, 38, 39, 40]>
// CHECK-SAME: layer "conv2" value "relu2"
// CHECK-NEXT: return %[[Y]]
// CHECK: conv2.weights: "0x400000000101010102020202"
func.func @main(%x: tensor<1x2x2x4xi8>) -> tensor<1x2x2x4xi8> {
  %w0 = "tosa.const"() <{values = dense<1> : tensor<2x1x1x2xi8>}> : () -> tensor<2x1x1x2xi8>
  %w1 = "tosa.const"() <{values = dense<2> : tensor<2x1x1x2xi8>}> : () -> tensor<2x1x1x2xi8>
  %bias0 = "tosa.const"() <{values = dense<0> : tensor<2xi32>}> : () -> tensor<2xi32>
  %bias1 = "tosa.const"() <{values = dense<[5, 6]> : tensor<2xi32>}> : () -> tensor<2xi32>
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zero32 = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %multiplier0 = "tosa.const"() <{values = dense<1073741824> : tensor<2xi32>}> : () -> tensor<2xi32>
  %shift0 = "tosa.const"() <{values = dense<38> : tensor<2xi8>}> : () -> tensor<2xi8>
  %multiplier1 = "tosa.const"() <{values = dense<[1518500250, 1518500251]> : tensor<2xi32>}> : () -> tensor<2xi32>
  %shift1 = "tosa.const"() <{values = dense<[39, 40]> : tensor<2xi8>}> : () -> tensor<2xi8>
  %start0 = tosa.const_shape {values = dense<0> : tensor<4xindex>} : () -> !tosa.shape<4>
  %start1 = tosa.const_shape {values = dense<[0, 0, 0, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %size1 = tosa.const_shape {values = dense<[1, 2, 2, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %x0 = tosa.slice %x, %start0, %size1 : (tensor<1x2x2x4xi8>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x2x2x2xi8> loc("conv2")
  %x1 = tosa.slice %x, %start1, %size1 : (tensor<1x2x2x4xi8>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x2x2x2xi8> loc("conv2")
  %s0 = tosa.conv2d %x0, %w0, %bias0, %zero, %zero {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
      : (tensor<1x2x2x2xi8>, tensor<2x1x1x2xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32> loc("conv2")
  %y0 = tosa.rescale %s0, %multiplier0, %shift0, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = true,
      rounding_mode = SINGLE_ROUND, scale32 = true, sparsity.value = "conv2.0"}
      : (tensor<1x2x2x2xi32>, tensor<2xi32>, tensor<2xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x2x2x2xi8> loc("conv2")
  %s1 = tosa.conv2d %x1, %w1, %bias1, %zero, %zero {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
      : (tensor<1x2x2x2xi8>, tensor<2x1x1x2xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32> loc("conv2")
  %y1 = tosa.rescale %s1, %multiplier1, %shift1, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = true,
      rounding_mode = SINGLE_ROUND, scale32 = true, sparsity.value = "conv2.1"}
      : (tensor<1x2x2x2xi32>, tensor<2xi32>, tensor<2xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x2x2x2xi8> loc("conv2")
  %y = tosa.concat %y0, %y1 {axis = 3 : i32, sparsity.value = "conv2"} : (tensor<1x2x2x2xi8>, tensor<1x2x2x2xi8>) -> tensor<1x2x2x4xi8> loc("conv2")
  %z = tosa.clamp %y {max_val = 127 : i8, min_val = 0 : i8, sparsity.value = "relu2"} : (tensor<1x2x2x4xi8>) -> tensor<1x2x2x4xi8> loc("relu2")
  return %z : tensor<1x2x2x4xi8>
}

// -----

// Pools, elementwise work, tables and concatenations.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x5x5x2xi8>, %[[Y:.*]]: tensor<1x5x5x2xi8>)
// CHECK: %[[MAX:.*]] = accel.pool max %[[X]] kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] numerics <clamp = [-128, 127]> layer "pool1" value "pool1"
// CHECK-SAME: (tensor<1x5x5x2xi8>) -> tensor<1x2x2x2xi8>
// CHECK: %[[AVG:.*]] = accel.pool avg %[[X]] kernel [5, 5] strides [1, 1] pads [0, 0, 0, 0] numerics <clamp = [-128, 127]> layer "gap"
// CHECK: %[[ADD:.*]] = accel.elementwise add %[[X]], %[[Y]]
// CHECK-SAME: numerics <clamp = [0, 127], multiplier = [1073741824], shift = [50], a = [1073741824, 11], b = [1073741825, 12]> layer "add1" value "relu1"
// CHECK: %[[MUL:.*]] = accel.elementwise mul %[[X]], %[[Y]] numerics <clamp = [-128, 127], multiplier = [1073741824], shift = [40]> layer "mul1" value "mul1"
// CHECK: %[[TABLE:.*]] = accel.table %[[X]] numerics #accel.numerics<clamp = [-128, 127], table = [3, 3, {{.*}}, 3]> layer "sigmoid" value "sigmoid"
// CHECK: %[[CAT:.*]] = accel.concat %[[ADD]], %[[MUL]] axis 3 layer "cat" value "cat"
func.func @main(%x: tensor<1x5x5x2xi8>, %y: tensor<1x5x5x2xi8>)
    -> (tensor<1x2x2x2xi8>, tensor<1x1x1x2xi8>, tensor<1x5x5x4xi8>, tensor<1x5x5x2xi8>) {
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zero32 = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %m = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}> : () -> tensor<1xi32>
  %m1 = "tosa.const"() <{values = dense<1073741825> : tensor<1xi32>}> : () -> tensor<1xi32>
  %s11 = "tosa.const"() <{values = dense<11> : tensor<1xi8>}> : () -> tensor<1xi8>
  %s12 = "tosa.const"() <{values = dense<12> : tensor<1xi8>}> : () -> tensor<1xi8>
  %s40 = "tosa.const"() <{values = dense<40> : tensor<1xi8>}> : () -> tensor<1xi8>
  %s50 = "tosa.const"() <{values = dense<50> : tensor<1xi8>}> : () -> tensor<1xi8>
  %start = tosa.const_shape {values = dense<0> : tensor<4xindex>} : () -> !tosa.shape<4>
  %size = tosa.const_shape {values = dense<[1, 4, 4, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %sliced = tosa.slice %x, %start, %size : (tensor<1x5x5x2xi8>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x4x4x2xi8> loc("pool1")
  %max = tosa.max_pool2d %sliced {kernel = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>, sparsity.value = "pool1"}
      : (tensor<1x4x4x2xi8>) -> tensor<1x2x2x2xi8> loc("pool1")
  %avg = tosa.avg_pool2d %x, %zero, %zero {acc_type = i32, kernel = array<i64: 5, 5>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
      : (tensor<1x5x5x2xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x1x1x2xi8> loc("gap")
  %a = tosa.rescale %x, %m, %s11, %zero, %zero32 {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND,
      scale32 = true} : (tensor<1x5x5x2xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi32>) -> tensor<1x5x5x2xi32> loc("add1")
  %b = tosa.rescale %y, %m1, %s12, %zero, %zero32 {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND,
      scale32 = true} : (tensor<1x5x5x2xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi32>) -> tensor<1x5x5x2xi32> loc("add1")
  %sum = tosa.add %a, %b : (tensor<1x5x5x2xi32>, tensor<1x5x5x2xi32>) -> tensor<1x5x5x2xi32> loc("add1")
  %add = tosa.rescale %sum, %m, %s50, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND,
      scale32 = true, sparsity.value = "add1"} : (tensor<1x5x5x2xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x5x5x2xi8> loc("add1")
  %relu = tosa.clamp %add {max_val = 127 : i8, min_val = 0 : i8, sparsity.value = "relu1"} : (tensor<1x5x5x2xi8>) -> tensor<1x5x5x2xi8> loc("relu1")
  %product = tosa.mul %x, %y, %zero : (tensor<1x5x5x2xi8>, tensor<1x5x5x2xi8>, tensor<1xi8>) -> tensor<1x5x5x2xi32> loc("mul1")
  %mul = tosa.rescale %product, %m, %s40, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND,
      scale32 = true, sparsity.value = "mul1"} : (tensor<1x5x5x2xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x5x5x2xi8> loc("mul1")
  %entries = "tosa.const"() <{values = dense<3> : tensor<256xi8>}> : () -> tensor<256xi8>
  %table = tosa.table %x, %entries : (tensor<1x5x5x2xi8>, tensor<256xi8>) -> tensor<1x5x5x2xi8> loc("sigmoid")
  %cat = tosa.concat %relu, %mul {axis = 3 : i32} : (tensor<1x5x5x2xi8>, tensor<1x5x5x2xi8>) -> tensor<1x5x5x4xi8> loc("cat")
  return %max, %avg, %cat, %table : tensor<1x2x2x2xi8>, tensor<1x1x1x2xi8>, tensor<1x5x5x4xi8>, tensor<1x5x5x2xi8>
}

// -----

// An operand that is broadcast: a constant is repeated here, an activation on the host.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x2x2xi8>, %[[S:.*]]: tensor<1x1x1x2xi8>)
// CHECK: %[[C:.*]] = "tosa.const"() <{values = dense_resource<mul1.operand> : tensor<1x2x2x2xi8>}>
// CHECK: %[[Y:.*]] = accel.elementwise mul %[[X]], %[[C]]
// CHECK: %[[T:.*]] = accel.host tile(%[[S]]) ints [1, 2, 2, 1] floats [] layer "mul2.broadcast"
// CHECK: accel.elementwise mul %[[Y]], %[[T]]
// CHECK: mul1.operand: "0x400000000304030403040304"
func.func @main(%x: tensor<1x2x2x2xi8>, %s: tensor<1x1x1x2xi8>) -> tensor<1x2x2x2xi8> {
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zero32 = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %m = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}> : () -> tensor<1xi32>
  %s40 = "tosa.const"() <{values = dense<40> : tensor<1xi8>}> : () -> tensor<1xi8>
  %c = "tosa.const"() <{values = dense<[[[[3, 4]]]]> : tensor<1x1x1x2xi8>}> : () -> tensor<1x1x1x2xi8>
  %p1 = tosa.mul %x, %c, %zero : (tensor<1x2x2x2xi8>, tensor<1x1x1x2xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32> loc("mul1")
  %y = tosa.rescale %p1, %m, %s40, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND,
      scale32 = true} : (tensor<1x2x2x2xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x2x2x2xi8> loc("mul1")
  %p2 = tosa.mul %y, %s, %zero : (tensor<1x2x2x2xi8>, tensor<1x1x1x2xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32> loc("mul2")
  %z = tosa.rescale %p2, %m, %s40, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND,
      scale32 = true} : (tensor<1x2x2x2xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x2x2x2xi8> loc("mul2")
  return %z : tensor<1x2x2x2xi8>
}
