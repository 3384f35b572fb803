// RUN: sparse-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{expected clamp = [lowest, highest]}}
func.func private @f() attributes {a = #accel.numerics<multiplier = [1], shift = [2]>}

// -----

// expected-error@+1 {{clamp is empty: [1, 0]}}
func.func private @f() attributes {a = #accel.numerics<clamp = [1, 0]>}

// -----

// expected-error@+1 {{'clamp' is given twice}}
func.func private @f() attributes {a = #accel.numerics<clamp = [0, 1], clamp = [0, 1]>}

// -----

// expected-error@+1 {{unknown entry 'scale', expected clamp, bias, multiplier, shift, narrow, a, b or table}}
func.func private @f() attributes {a = #accel.numerics<clamp = [0, 1], scale = [1]>}

// -----

// expected-error@+1 {{a and b are [multiplier, shift]}}
func.func private @f() attributes {a = #accel.numerics<clamp = [0, 1], a = [1]>}

// -----

// expected-error@+1 {{there must be as many shifts as multipliers, but there are 1 and 2}}
func.func private @f() attributes {a = #accel.numerics<clamp = [0, 1], multiplier = [1, 2], shift = [3]>}

// -----

// expected-error@+1 {{bias and multipliers are of different numbers of channels: 3 and 2}}
func.func private @f() attributes {a = #accel.numerics<clamp = [0, 1], bias = [1, 2, 3], multiplier = [1, 2], shift = [3, 3]>}

// -----

// expected-error@+1 {{shift must be 2 to 62, but is 1}}
func.func private @f() attributes {a = #accel.numerics<clamp = [0, 1], multiplier = [1], shift = [1]>}

// -----

// expected-error@+1 {{shift of an operand must be 2 to 62, but is 63}}
func.func private @f() attributes {a = #accel.numerics<clamp = [0, 1], a = [5, 63]>}

// -----

// expected-error@+1 {{a narrow multiplier has 16 bits, but is 65536}}
func.func private @f() attributes {a = #accel.numerics<clamp = [0, 1], multiplier = [65536], shift = [2], narrow>}

// -----

// expected-error@+1 {{a table has 256 or 513 entries, but has 2}}
func.func private @f() attributes {a = #accel.numerics<clamp = [0, 1], table = [1, 2]>}

// -----

// expected-error@+1 {{factor of a loop must be positive}}
func.func private @f() attributes {a = #accel.loop<M = 0 at "pe" x>}

// -----

// expected-error@+1 {{a loop names its level}}
func.func private @f() attributes {a = #accel.loop<M = 1 at "" x>}

// -----

// expected-error@+1 {{an operand names its buffer}}
func.func private @f() attributes {a = #accel.operand<"", @x[0] extent [1]>}

// -----

// expected-error@+1 {{offset of an operand must not be negative}}
func.func private @f() attributes {a = #accel.operand<"nm" at -1, @x[0] extent [1]>}

// -----

// expected-error@+1 {{origin has 2 ranks, but extent has 1}}
func.func private @f() attributes {a = #accel.operand<"nm", @x[0, 0] extent [1]>}

// -----

// expected-error@+1 {{origin of a box must not be negative, and its extent must be positive}}
func.func private @f() attributes {a = #accel.operand<"nm", @x[0] extent [0]>}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>, %w: tensor<2x1x1x4xi8>) {
  // expected-error@+1 {{strides must have 2 entries, but has 1}}
  %y = accel.contraction conv %x, %w strides [1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 numerics <clamp = [0, 127], multiplier = [16384], shift = [20]> layer "l" value "v" : (tensor<1x4x4x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x4x4x2xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>, %w: tensor<2x1x1x4xi8>) {
  // expected-error@+1 {{pads must be at least 0, but has -1}}
  %y = accel.contraction conv %x, %w strides [1, 1] pads [0, -1, 0, 0] dilations [1, 1] groups 1 numerics <clamp = [0, 127], multiplier = [16384], shift = [20]> layer "l" value "v" : (tensor<1x4x4x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x4x4x2xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>, %w: tensor<2x1x1x4xi8>) {
  // expected-error@+1 {{3 groups do not divide 2 output channels}}
  %y = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 3 numerics <clamp = [0, 127], multiplier = [16384], shift = [20]> layer "l" value "v" : (tensor<1x4x4x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x4x4x2xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>, %w: tensor<2x1x1x3xi8>) {
  // expected-error@+1 {{input has 4 channels, but weights take 1 groups of 3}}
  %y = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 numerics <clamp = [0, 127], multiplier = [16384], shift = [20]> layer "l" value "v" : (tensor<1x4x4x4xi8>, tensor<2x1x1x3xi8>) -> tensor<1x4x4x2xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>, %w: tensor<2x1x1x4xi8>) {
  // expected-error@+1 {{a depthwise contraction has one input channel a group, not 4}}
  %y = accel.contraction depthwise %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 numerics <clamp = [0, 127], multiplier = [16384], shift = [20]> layer "l" value "v" : (tensor<1x4x4x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x4x4x2xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>, %w: tensor<2x5x5x4xi8>) {
  // expected-error@+1 {{window of 5x5 does not fit the input of 4x4}}
  %y = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 numerics <clamp = [0, 127], multiplier = [16384], shift = [20]> layer "l" value "v" : (tensor<1x4x4x4xi8>, tensor<2x5x5x4xi8>) -> tensor<1x4x4x2xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>, %w: tensor<2x1x1x4xi8>) {
  // expected-error@+1 {{a fully connected layer has one output row and column, not 4x4}}
  %y = accel.contraction fc %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 numerics <clamp = [0, 127], multiplier = [16384], shift = [20]> layer "l" value "v" : (tensor<1x4x4x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x4x4x2xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>, %w: tensor<2x1x1x4xi8>) {
  // expected-error@+1 {{result must have shape 1x4x4x2, but is 'tensor<1x4x4x3xi8>'}}
  %y = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 numerics <clamp = [0, 127], multiplier = [16384], shift = [20]> layer "l" value "v" : (tensor<1x4x4x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x4x4x3xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>, %w: tensor<2x1x1x4xi8>) {
  // expected-error@+1 {{needs 1 or 2 multipliers, but has 0}}
  %y = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 numerics <clamp = [0, 127]> layer "l" value "v" : (tensor<1x4x4x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x4x4x2xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>, %w: tensor<2x1x1x4xi8>) {
  // expected-error@+1 {{needs no bias or 2, but has 3}}
  %y = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 numerics <clamp = [0, 127], bias = [1, 2, 3], multiplier = [16384], shift = [20]> layer "l" value "v" : (tensor<1x4x4x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x4x4x2xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>, %w: tensor<2x1x1x4xi8>) {
  // expected-error@+1 {{clamp [0, 128] is beyond the result's 8 bits}}
  %y = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 numerics <clamp = [0, 128], multiplier = [16384], shift = [20]> layer "l" value "v" : (tensor<1x4x4x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x4x4x2xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>) {
  // expected-error@+1 {{kernel must have 2 entries, but has 3}}
  %y = accel.pool max %x kernel [2, 2, 2] strides [2, 2] pads [0, 0, 0, 0] numerics <clamp = [0, 127]> layer "l" value "v" : (tensor<1x4x4x4xi8>) -> tensor<1x2x2x4xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>) {
  // expected-error@+1 {{pads must be smaller than the kernel, so that every window meets the input}}
  %y = accel.pool max %x kernel [2, 2] strides [2, 2] pads [2, 0, 0, 0] numerics <clamp = [0, 127]> layer "l" value "v" : (tensor<1x4x4x4xi8>) -> tensor<1x2x2x4xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>) {
  // expected-error@+1 {{window of 5x5 does not fit the input of 4x4}}
  %y = accel.pool max %x kernel [5, 5] strides [2, 2] pads [0, 0, 0, 0] numerics <clamp = [0, 127]> layer "l" value "v" : (tensor<1x4x4x4xi8>) -> tensor<1x2x2x4xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>) {
  // expected-error@+1 {{result must have shape 1x2x2x4, but is 'tensor<1x2x3x4xi8>'}}
  %y = accel.pool max %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] numerics <clamp = [0, 127]> layer "l" value "v" : (tensor<1x4x4x4xi8>) -> tensor<1x2x3x4xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4x4x4xi8>) {
  // expected-error@+1 {{input and result must have one element type}}
  %y = accel.pool max %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] numerics <clamp = [0, 127]> layer "l" value "v" : (tensor<1x4x4x4xi8>) -> tensor<1x2x2x4xi16>
  return
}

// -----

func.func @f(%x: tensor<2x4xi8>, %y: tensor<1x4xi8>) {
  // expected-error@+1 {{operands and result must have one shape, but there are 'tensor<2x4xi8>' and 'tensor<1x4xi8>'}}
  %z = accel.elementwise add %x, %y numerics <clamp = [0, 127], multiplier = [16384], shift = [20]> layer "l" value "v" : (tensor<2x4xi8>, tensor<1x4xi8>) -> tensor<2x4xi8>
  return
}

// -----

func.func @f(%x: tensor<2x4xi8>, %y: tensor<2x4xi8>) {
  // expected-error@+1 {{needs 1 multiplier, but has 0}}
  %z = accel.elementwise add %x, %y numerics <clamp = [0, 127]> layer "l" value "v" : (tensor<2x4xi8>, tensor<2x4xi8>) -> tensor<2x4xi8>
  return
}

// -----

func.func @f(%x: tensor<2x4xi8>) {
  // expected-error@+1 {{needs 1 or 4 multipliers, but has 3}}
  %y = accel.rescale %x numerics <clamp = [0, 127], multiplier = [1, 1, 1], shift = [2, 2, 2]> layer "l" value "v" : (tensor<2x4xi8>) -> tensor<2x4xi8>
  return
}

// -----

func.func @f(%x: tensor<2x4xi16>) {
  // expected-error@+1 {{table of 'i16' must have 513 entries, but has 0}}
  %y = accel.table %x numerics #accel.numerics<clamp = [0, 127]> layer "l" value "v" : (tensor<2x4xi16>) -> tensor<2x4xi16>
  return
}

// -----

func.func @f(%x: tensor<1x4xi8>, %y: tensor<1x4xi8>) {
  // expected-error@+1 {{axis must be 0 to 1, but is 2}}
  %z = accel.concat %x, %y axis 2 layer "l" value "v" : (tensor<1x4xi8>, tensor<1x4xi8>) -> tensor<1x8xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4xi8>, %y: tensor<1x4xi16>) {
  // expected-error@+1 {{operands and result must have one element type and rank, but there are 'tensor<1x4xi16>' and 'tensor<1x8xi8>'}}
  %z = accel.concat %x, %y axis 1 layer "l" value "v" : (tensor<1x4xi8>, tensor<1x4xi16>) -> tensor<1x8xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4xi8>, %y: tensor<2x4xi8>) {
  // expected-error@+1 {{operands differ in rank 0: 1 and 2}}
  %z = accel.concat %x, %y axis 1 layer "l" value "v" : (tensor<1x4xi8>, tensor<2x4xi8>) -> tensor<1x8xi8>
  return
}

// -----

func.func @f(%x: tensor<1x4xi8>, %y: tensor<1x4xi8>) {
  // expected-error@+1 {{result must have shape 1x8, but is 'tensor<1x9xi8>'}}
  %z = accel.concat %x, %y axis 1 layer "l" value "v" : (tensor<1x4xi8>, tensor<1x4xi8>) -> tensor<1x9xi8>
  return
}

// -----

func.func @f(%x: tensor<2x4xi8>) {
  // expected-error@+1 {{input and result must have as many elements of one type, but are 'tensor<2x4xi8>' and 'tensor<9xi8>'}}
  %y = accel.reshape %x layer "l" value "v" : tensor<2x4xi8> -> tensor<9xi8>
  return
}

// -----

func.func @f(%x: tensor<2x4xi8, #sparsity.encoding<bitmask>>) {
  // expected-error@+1 {{input and result must be dense}}
  %y = accel.reshape %x layer "l" value "v" : tensor<2x4xi8, #sparsity.encoding<bitmask>> -> tensor<8xi8>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>) {
  // expected-error@+1 {{'binary' needs 2 operands, but has 1}}
  %y = accel.host binary (%x) ints [0] floats [] layer "l" value "v" : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xi8, #sparsity.encoding<bitmask>>) {
  // expected-error@+1 {{operands must be dense; decode them first}}
  %y = accel.host transpose (%x) ints [1, 0] floats [] layer "l" value "v" : (tensor<2x4xi8, #sparsity.encoding<bitmask>>) -> tensor<4x2xi8>
  return
}

// -----

func.func @f(%x: tensor<2x4xi8>) {
  // expected-error@+1 {{result must be dense}}
  %y = accel.host transpose (%x) ints [1, 0] floats [] layer "l" value "v" : (tensor<2x4xi8>) -> tensor<4x2xi8, #sparsity.encoding<bitmask>>
  return
}
