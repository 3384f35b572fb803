// RUN: sparse-opt %s --sparse-schedule=machine=dadiannao --sparse-lower-to-tiles=machine=dadiannao | FileCheck %s

// An operand that is a function's argument, or that stands twice, is copied by the vector unit; the other is stored where it belongs. A reshape that four
// ranks say alike is another name; one that is not runs on the host.
// CHECK: accel.tensor @cat : tensor<1x4x4x48xi8>
// CHECK: accel.layer @cat.layer name "cat" kind "concat" macs 0 output @cat inputs
// CHECK: accel.store <"nm" slot {{[0-9]+}}, @cat[0, 0, 0, 0] extent [1, {{[0-9]}}, 4, 16]> layer @mul.layer
// CHECK: accel.vector copy {{.*}} a <"nm" slot {{[0-9]+}}, @x[0, 0, 0, 0] extent [1, [[P:[0-9]]], 4, 16]> o <"nm" slot {{[0-9]+}}, @cat[0, 0, 0, 16] extent [1, [[P]], 4, 16]>
// CHECK: accel.vector copy {{.*}} o <"nm" slot {{[0-9]+}}, @cat[0, 0, 0, 32] extent
// CHECK: accel.host_call reshape inputs [@cat] outputs [@flat] ints [] floats [] layer @flat.layer
// CHECK: accel.halt
module attributes {sparsity.numerics = "int8"} {
  func.func @main(%x: tensor<1x4x4x16xi8> {sparsity.name = "x"}) -> tensor<1x768xi8> {
    %m = accel.elementwise mul %x, %x numerics <clamp = [-128, 127], multiplier = [1073741824], shift = [37]> layer "mul" value "mul"
        : (tensor<1x4x4x16xi8>, tensor<1x4x4x16xi8>) -> tensor<1x4x4x16xi8>
    %c = accel.concat %m, %x, %x axis 3 layer "cat" value "cat" : (tensor<1x4x4x16xi8>, tensor<1x4x4x16xi8>, tensor<1x4x4x16xi8>) -> tensor<1x4x4x48xi8>
    %f = accel.reshape %c layer "flat" value "flat" : tensor<1x4x4x48xi8> -> tensor<1x768xi8>
    return %f : tensor<1x768xi8>
  }
}
