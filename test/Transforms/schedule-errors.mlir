// RUN: sparse-opt %s --split-input-file --verify-diagnostics --sparse-schedule=machine=dadiannao

module {
  func.func @main(%x: tensor<1x8x8x16xi8>) -> tensor<1x8x8x16xi8> {
    // expected-error @below {{is no accel layer operation: run --sparse-fuse-layers before}}
    %a = tosa.clamp %x {min_val = 0 : i8, max_val = 6 : i8} : (tensor<1x8x8x16xi8>) -> tensor<1x8x8x16xi8>
    return %a : tensor<1x8x8x16xi8>
  }
}

// -----

module {
  func.func @main(%x: tensor<1x8x8x16xi8>) -> tensor<1x8x8x32xi8> {
    %w = "tosa.const"() <{values = dense<1> : tensor<32x1x1x16xi8>}> : () -> tensor<32x1x1x16xi8>
    // expected-error @below {{the machine has no level 'glb'}}
    %a = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> mapping <"glb"[M = 2]> layer "a" value "a"
        : (tensor<1x8x8x16xi8>, tensor<32x1x1x16xi8>) -> tensor<1x8x8x32xi8>
    return %a : tensor<1x8x8x32xi8>
  }
}
