// RUN: sparse-opt --sparse-linalg-to-tosa --split-input-file --verify-diagnostics %s

func.func @main(%x: tensor<4xf32>, %holds: i1) -> tensor<4xf32> {
  // expected-error @below {{asserts 'sizes agree', which is known only at run time}}
  cf.assert %holds, "sizes agree"
  return %x : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %false = arith.constant false
  // expected-error @below {{asserts 'sizes agree', which does not hold}}
  cf.assert %false, "sizes agree"
  return %x : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  // expected-error @below {{has no like in TOSA: expected a named operation, or arithmetic on float32 elements}}
  // expected-note @below {{docs/linalg.md lists the operations that are taken}}
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) {
  ^bb0(%a: f32, %out: f32):
    // expected-note @below {{nothing named does what 'math.log1p' does here}}
    %1 = math.log1p %a : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
