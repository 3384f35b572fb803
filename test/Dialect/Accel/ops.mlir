// RUN: sparse-opt %s | sparse-opt | FileCheck %s

// The examples of the documentation.

#relu = #accel.numerics<clamp = [0, 127], bias = [3, -4], multiplier = [1073741824, 1518500250], shift = [38, 39]>
#sum = #accel.numerics<clamp = [-32768, 32767], multiplier = [16384], shift = [22], narrow, a = [1073741824, 22], b = [1518500250, 24]>
#columns = #accel.loop<M = 16 at "array" x>
#m = #accel.mapping<"dram"[M = 4, P = 8], "nm"[C = 2], "array"[x M = 16, y C = 16]>
#before = #accel.operand<"nm" slot 2, @conv1[0, 0, 0, 0] extent [1, 8, 56, 64]>
#after = #accel.operand<"nm" at 4096, @conv1[0, 0, 0, 0] extent [1, 8, 56, 64]>

// CHECK-LABEL: func private @attributes
// CHECK-SAME: numerics = [#accel.numerics<clamp = [0, 127], bias = [3, -4], multiplier = [1073741824, 1518500250], shift = [38, 39]>,
// CHECK-SAME: #accel.numerics<clamp = [-32768, 32767], multiplier = [16384], shift = [22], narrow, a = [1073741824, 22], b = [1518500250, 24]>]
func.func private @attributes() attributes {numerics = [#relu, #sum]}
// CHECK: attributes {loop = #accel.loop<M = 16 at "array" x>}
func.func private @loop() attributes {loop = #columns}
// CHECK: attributes {mapping = [#accel.mapping<"dram"[M = 4, P = 8], "nm"[C = 2], "array"[x M = 16, y C = 16]>, #accel.mapping<>]}
func.func private @mapping() attributes {mapping = [#m, #accel.mapping<>]}
// CHECK: attributes {operands = [#accel.operand<"nm" slot 2, @conv1[0, 0, 0, 0] extent [1, 8, 56, 64]>, #accel.operand<"nm" at 4096, @conv1[0, 0, 0, 0] extent [1, 8, 56, 64]>]}
func.func private @operand() attributes {operands = [#before, #after]}

// CHECK-LABEL: func @contraction
func.func @contraction(%x: tensor<1x8x8x16xi8>, %w: tensor<2x3x3x16xi8>) -> tensor<1x8x8x2xi8> {
  // CHECK: accel.contraction conv %{{.*}}, %{{.*}} strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
  // CHECK-SAME: numerics <clamp = [0, 127], bias = [3, -4], multiplier = [1073741824, 1518500250], shift = [38, 39]>
  // CHECK-SAME: layer "conv1" value "relu1"
  %y = accel.contraction conv %x, %w strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
      numerics <clamp = [0, 127], bias = [3, -4], multiplier = [1073741824, 1518500250], shift = [38, 39]>
      layer "conv1" value "relu1" : (tensor<1x8x8x16xi8>, tensor<2x3x3x16xi8>) -> tensor<1x8x8x2xi8>
  return %y : tensor<1x8x8x2xi8>
}

// The last row and column that the stride does not reach are unused.
// CHECK-LABEL: func @scheduled
func.func @scheduled(%x: tensor<1x8x8x16xi8, #sparsity.encoding<bitmask>>, %w: tensor<16x3x3x1xi8>) -> tensor<1x3x3x16xi8> {
  // CHECK: accel.contraction depthwise
  // CHECK-SAME: groups 16
  // CHECK-SAME: mapping <"dram"[P = 4], "array"[x M = 1]> safs [#sparsity.saf<skip A at "nbin" if [A]>] layer
  // CHECK-SAME: tensor<1x8x8x16xi8, #sparsity.encoding<bitmask>>
  %y = accel.contraction depthwise %x, %w strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] groups 16
      numerics <clamp = [-128, 127], multiplier = [1073741824], shift = [38]>
      mapping <"dram"[P = 4], "array"[x M = 1]> safs [#sparsity.saf<skip A at "nbin" if [A]>]
      layer "dw1" value "dw1" : (tensor<1x8x8x16xi8, #sparsity.encoding<bitmask>>, tensor<16x3x3x1xi8>) -> tensor<1x3x3x16xi8>
  return %y : tensor<1x3x3x16xi8>
}

// CHECK-LABEL: func @fully_connected
func.func @fully_connected(%x: tensor<1x4x4x8xi16>, %w: tensor<10x4x4x8xi16>) -> tensor<1x1x1x10xi16> {
  // CHECK: accel.contraction fc
  %y = accel.contraction fc %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
      numerics <clamp = [-32768, 32767], multiplier = [16384], shift = [30], narrow>
      layer "fc" value "fc" : (tensor<1x4x4x8xi16>, tensor<10x4x4x8xi16>) -> tensor<1x1x1x10xi16>
  return %y : tensor<1x1x1x10xi16>
}

// CHECK-LABEL: func @pool
func.func @pool(%x: tensor<1x8x8x16xi8>) -> (tensor<1x4x4x16xi8>, tensor<1x1x1x16xi8>) {
  // CHECK: accel.pool max %{{.*}} kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] numerics <clamp = [-128, 127]> layer "pool1" value "pool1"
  %y = accel.pool max %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] numerics <clamp = [-128, 127]> layer "pool1" value "pool1"
      : (tensor<1x8x8x16xi8>) -> tensor<1x4x4x16xi8>
  // CHECK: accel.pool avg
  %z = accel.pool avg %x kernel [8, 8] strides [1, 1] pads [0, 0, 0, 0] numerics <clamp = [-128, 127]> layer "gap" value "gap"
      : (tensor<1x8x8x16xi8>) -> tensor<1x1x1x16xi8>
  return %y, %z : tensor<1x4x4x16xi8>, tensor<1x1x1x16xi8>
}

// CHECK-LABEL: func @elementwise
func.func @elementwise(%x: tensor<1x8x8x16xi8>, %y: tensor<1x8x8x16xi8>) -> tensor<1x8x8x16xi8> {
  // CHECK: accel.elementwise add %{{.*}}, %{{.*}} numerics <clamp = [-128, 127], multiplier = [1073741824], shift = [50], a = [1073741824, 11], b = [1518500250, 12]> layer "add1" value "add1"
  %z = accel.elementwise add %x, %y
      numerics <clamp = [-128, 127], multiplier = [1073741824], shift = [50], a = [1073741824, 11], b = [1518500250, 12]>
      layer "add1" value "add1" : (tensor<1x8x8x16xi8>, tensor<1x8x8x16xi8>) -> tensor<1x8x8x16xi8>
  return %z : tensor<1x8x8x16xi8>
}

// CHECK-LABEL: func @rescale
func.func @rescale(%x: tensor<1x8x8x16xi8>) -> tensor<1x8x8x16xi8> {
  // CHECK: accel.rescale %{{.*}} numerics <clamp = [0, 127], multiplier = [16384], shift = [14]> layer "relu6" value "relu6"
  %y = accel.rescale %x numerics <clamp = [0, 127], multiplier = [16384], shift = [14]> layer "relu6" value "relu6"
      : (tensor<1x8x8x16xi8>) -> tensor<1x8x8x16xi8>
  return %y : tensor<1x8x8x16xi8>
}

// CHECK-LABEL: func @concat
func.func @concat(%x: tensor<1x8x8x16xi8>, %y: tensor<1x8x8x8xi8>) -> tensor<1x8x8x24xi8> {
  // CHECK: accel.concat %{{.*}}, %{{.*}} axis 3 layer "fire2/concat" value "fire2/concat"
  %z = accel.concat %x, %y axis 3 layer "fire2/concat" value "fire2/concat"
      : (tensor<1x8x8x16xi8>, tensor<1x8x8x8xi8>) -> tensor<1x8x8x24xi8>
  return %z : tensor<1x8x8x24xi8>
}

// CHECK-LABEL: func @reshape
func.func @reshape(%x: tensor<1x4x4x16xi8>) -> tensor<1x1x1x256xi8> {
  // CHECK: accel.reshape %{{.*}} layer "flatten" value "flatten" : tensor<1x4x4x16xi8> -> tensor<1x1x1x256xi8>
  %y = accel.reshape %x layer "flatten" value "flatten" : tensor<1x4x4x16xi8> -> tensor<1x1x1x256xi8>
  return %y : tensor<1x1x1x256xi8>
}

// CHECK-LABEL: func @host
func.func @host(%x: tensor<1x10xf32>) -> tensor<1x10xf32> {
  // CHECK: accel.host softmax(%{{.*}}) ints [1] floats [] layer "prob" value "prob" : (tensor<1x10xf32>) -> tensor<1x10xf32>
  %y = accel.host softmax (%x) ints [1] floats [] layer "prob" value "prob" : (tensor<1x10xf32>) -> tensor<1x10xf32>
  return %y : tensor<1x10xf32>
}

#sigmoid = #accel.numerics<clamp = [-128, 127], table = [-128, -127, -126, -125, -124, -123, -122, -121, -120, -119, -118, -117, -116, -115, -114, -113, -112, -111, -110, -109, -108, -107, -106, -105, -104, -103, -102, -101, -100, -99, -98, -97, -96, -95, -94, -93, -92, -91, -90, -89, -88, -87, -86, -85, -84, -83, -82, -81, -80, -79, -78, -77, -76, -75, -74, -73, -72, -71, -70, -69, -68, -67, -66, -65, -64, -63, -62, -61, -60, -59, -58, -57, -56, -55, -54, -53, -52, -51, -50, -49, -48, -47, -46, -45, -44, -43, -42, -41, -40, -39, -38, -37, -36, -35, -34, -33, -32, -31, -30, -29, -28, -27, -26, -25, -24, -23, -22, -21, -20, -19, -18, -17, -16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127]>

// CHECK-LABEL: func @table
func.func @table(%x: tensor<1x8xi8>) -> tensor<1x8xi8> {
  // CHECK: accel.table %{{.*}} numerics #accel.numerics<clamp = [-128, 127], table = [-128, -127,
  // CHECK-SAME: 127]> layer "sigmoid1" value "sigmoid1" : (tensor<1x8xi8>) -> tensor<1x8xi8>
  %y = accel.table %x numerics #sigmoid layer "sigmoid1" value "sigmoid1" : (tensor<1x8xi8>) -> tensor<1x8xi8>
  return %y : tensor<1x8xi8>
}
