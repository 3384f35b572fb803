// RUN: sparse-opt %s --sparse-fuse-layers --split-input-file --verify-diagnostics

// expected-error@+1 {{expected a function @main of one block}}
module {
}

// -----

func.func @main(%x: tensor<?x4xi8>) -> tensor<?x4xi8> {
  // expected-error@unknown {{node 'relu': shape of 'tensor<?x4xi8>' must be static}}
  %y = tosa.clamp %x {max_val = 127 : i8, min_val = 0 : i8} : (tensor<?x4xi8>) -> tensor<?x4xi8> loc("relu")
  return %y : tensor<?x4xi8>
}

// -----

func.func @main(%x: tensor<1x4xi32>) -> tensor<1x4xi32> {
  // expected-error@unknown {{node 'bits': neither the accelerator nor the host can run tosa.bitwise_not from 'tensor<1x4xi32>' to 'tensor<1x4xi32>'}}
  %y = tosa.bitwise_not %x : (tensor<1x4xi32>) -> tensor<1x4xi32> loc("bits")
  return %y : tensor<1x4xi32>
}

// -----

func.func private @other(%x: tensor<1x4xf32>) -> tensor<1x4xf32>
func.func @main(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  // expected-error@unknown {{node 'own': neither the accelerator nor the host can run func.call of 'other', which is not marked with sparsity.host as a softmax or an lrn}}
  %y = func.call @other(%x) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("own")
  return %y : tensor<1x4xf32>
}

// -----

func.func @main(%x: tensor<1x4xi8>) -> tensor<1x4xi8> {
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %multiplier = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}> : () -> tensor<1xi32>
  %shift = "tosa.const"() <{values = dense<30> : tensor<1xi8>}> : () -> tensor<1xi8>
  // expected-error@unknown {{node 'scale': neither the accelerator nor the host can run tosa.rescale from 'tensor<1x4xi8>' to 'tensor<1x4xi8>'}}
  // expected-note@unknown {{rounding must be SINGLE_ROUND}}
  %y = tosa.rescale %x, %multiplier, %shift, %zero, %zero {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = DOUBLE_ROUND, scale32 = true} : (tensor<1x4xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4xi8> loc("scale")
  return %y : tensor<1x4xi8>
}
