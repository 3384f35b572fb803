// RUN: sparse-opt --sparse-linalg-to-tosa --split-input-file --verify-diagnostics %s

func.func @round(%x: tensor<4xf32>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  // expected-error @below {{has no like in TOSA as it stands here}}
  // expected-note @below {{docs/linalg.md lists the operations that are taken}}
  %0 = linalg.round ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @dynamic(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{has 'tensor<?xf32>'; expected tensors of static shape}}
  %0 = linalg.exp ins(%x : tensor<?xf32>) outs(%y : tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @memory(%x: memref<4xf32>, %y: memref<4xf32>) {
  // expected-error @below {{computes on memory; expected linalg on tensors, before bufferization}}
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}

// -----

func.func @dilated(%x: tensor<1x5x5x2xf32>, %y: tensor<1x3x3x2xf32>) -> tensor<1x3x3x2xf32> {
  %window = tensor.empty() : tensor<2x2xf32>
  // expected-error @below {{has no like in TOSA as it stands here}}
  // expected-note @below {{docs/linalg.md lists the operations that are taken}}
  %0 = linalg.pooling_nhwc_max {dilations = dense<2> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %window : tensor<1x5x5x2xf32>, tensor<2x2xf32>) outs(%y : tensor<1x3x3x2xf32>) -> tensor<1x3x3x2xf32>
  return %0 : tensor<1x3x3x2xf32>
}

// -----

// A choice that is neither a minimum nor a maximum.
func.func @choice(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  // expected-error @below {{has no like in TOSA: expected a named operation, or arithmetic on float32 elements}}
  // expected-note @below {{docs/linalg.md lists the operations that are taken}}
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    ins(%x, %y : tensor<4xf32>, tensor<4xf32>) outs(%x : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %1 = arith.cmpf ogt, %a, %zero : f32
    // expected-note @below {{nothing named does what 'arith.select' does here}}
    %2 = arith.select %1, %a, %b : f32
    linalg.yield %2 : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
