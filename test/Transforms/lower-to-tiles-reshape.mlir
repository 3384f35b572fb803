// RUN: sparse-opt %s --sparse-lower-to-tiles=machine=dadiannao | FileCheck %s

// A vector is reshaped for a fully connected layer, whose instructions want four ranks: a host operator, since the tensor itself has two.
module attributes {sparsity.numerics = "int8", sparsity.scales = {x = 0.5, fc = 0.25}} {
  // CHECK: accel.tensor @x : tensor<1x16xi8> role input
  // CHECK: accel.tensor @flat : tensor<1x1x1x16xi8> role intermediate
  // CHECK: accel.host_call reshape inputs [@x] outputs [@flat]
  // CHECK: accel.load <"nm" slot {{[0-9]+}}, @flat[0, 0, 0, 0] extent [1, 1, 1, 16]>
  // CHECK: accel.contract extents [1, 1, 16, 16, 1, 1, 1, 1]
  func.func @main(%x: tensor<1x16xi8> {sparsity.name = "x"}) -> tensor<1x1x1x16xi8> {
    %w = "tosa.const"() <{values = dense<1> : tensor<16x1x1x16xi8>}> : () -> tensor<16x1x1x16xi8>
    %r = accel.reshape %x layer "reshape" value "flat" : tensor<1x16xi8> -> tensor<1x1x1x16xi8>
    %a = accel.contraction fc %r, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> mapping <"nbin"[y M = 16, x C = 16]>
        layer "fc" value "fc" : (tensor<1x1x1x16xi8>, tensor<16x1x1x16xi8>) -> tensor<1x1x1x16xi8>
    return %a : tensor<1x1x1x16xi8>
  }
}
