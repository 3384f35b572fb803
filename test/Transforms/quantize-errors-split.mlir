// RUN: sparse-opt %s --split-input-file --verify-diagnostics --sparse-quantize="numerics=int8 default-range=1"

// expected-error @+1 {{expected a function @main with a body}}
module {}

// -----

// expected-error @+1 {{has 'tensor<?x2xf32>' at its edge; expected tensors of static shape}}
func.func @main(%x: tensor<?x2xf32>) {
  return
}

// -----

func.func @main(%x: tensor<1x2x2x1xf32>, %w: tensor<1x1x1x1xf32>) -> tensor<1x2x2x1xf32> {
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  // expected-error @+1 {{the weights and bias of tosa.conv2d must be float32 constants}}
  %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
    (tensor<1x2x2x1xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x1xf32>
  return %0 : tensor<1x2x2x1xf32>
}

// -----

func.func @main(%x: tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32> {
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %w = "tosa.const"() {values = dense<0x7F800000> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  // expected-error @+1 {{node 'conv2d': a weight or bias is not finite}}
  %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
    (tensor<1x2x2x1xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x1xf32>
  return %0 : tensor<1x2x2x1xf32>
}

// -----

func.func @main(%x: tensor<1x1x200000xf32>) -> tensor<1x1x1xf32> {
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %s = tosa.const_shape {values = dense<[1, 200000, 1]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %y = tosa.reshape %x, %s : (tensor<1x1x200000xf32>, !tosa.shape<3>) -> tensor<1x200000x1xf32>
  // expected-error @+1 {{node 'matmul': a product over 200000 elements of int8 does not fit 32-bit sums; expected fewer than 131072}}
  %0 = tosa.matmul %x, %y, %z, %z : (tensor<1x1x200000xf32>, tensor<1x200000x1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1xf32>
  return %0 : tensor<1x1x1xf32>
}

// -----

func.func @main(%x: tensor<2xf32>, %c: tensor<i1>) -> tensor<2xf32> {
  // expected-error @+1 {{tosa.cond_if has a region; expected straight-line code}}
  %0 = tosa.cond_if %c : tensor<i1> -> tensor<2xf32> {
    tosa.yield %x : tensor<2xf32>
  } else {
    %1 = tosa.abs %x : (tensor<2xf32>) -> tensor<2xf32>
    tosa.yield %1 : tensor<2xf32>
  }
  return %0 : tensor<2xf32>
}

// -----

func.func @main(%x: tensor<1x2x2xi8>) -> tensor<1x2x2xi32> {
  %z = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  // expected-error @+1 {{node 'matmul' computes 'tensor<1x2x2xi32>'; expected float32}}
  %0 = tosa.matmul %x, %x, %z, %z : (tensor<1x2x2xi8>, tensor<1x2x2xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2xi32>
  return %0 : tensor<1x2x2xi32>
}
