// Work by element and concatenations of more than four ranks run on the accelerator, between reshapes.
// RUN: sparse-opt %s --split-input-file --sparse-schedule=machine=dadiannao | FileCheck %s

// CHECK-LABEL: @scale
// CHECK: %[[A:.*]] = accel.reshape %{{.*}} layer "scale.flat0" {{.*}} : tensor<2x3x5x7x4xi16> -> tensor<6x5x7x4xi16>
// CHECK: %[[B:.*]] = accel.rescale %[[A]] {{.*}} layer "scale" value "scale.flat"
// CHECK: %[[C:.*]] = accel.reshape %[[B]] layer "scale.reshape" value "scale" : tensor<6x5x7x4xi16> -> tensor<2x3x5x7x4xi16>
// CHECK: return %[[C]]
module attributes {sparsity.numerics = "int16"} {
  func.func @scale(%x: tensor<2x3x5x7x4xi16> {sparsity.name = "x"}) -> tensor<2x3x5x7x4xi16> {
    %y = accel.rescale %x numerics <clamp = [-30000, 32767], multiplier = [16384, 20000, 32767, 17000], shift = [14, 20, 30, 45], narrow>
        layer "scale" value "scale" : (tensor<2x3x5x7x4xi16>) -> tensor<2x3x5x7x4xi16>
    return %y : tensor<2x3x5x7x4xi16>
  }
}

// -----

// CHECK-LABEL: @cat
// CHECK-DAG: %[[A:.*]] = accel.reshape %arg0 {{.*}} : tensor<2x3x2x3x4xi8> -> tensor<6x2x12xi8>
// CHECK-DAG: %[[B:.*]] = accel.reshape %arg1 {{.*}} : tensor<2x3x3x3x4xi8> -> tensor<6x3x12xi8>
// CHECK: %[[C:.*]] = accel.concat %[[A]], %[[B]] axis 1 layer "cat"
// CHECK: accel.reshape %[[C]] layer "cat.reshape" value "cat" : tensor<6x5x12xi8> -> tensor<2x3x5x3x4xi8>
module attributes {sparsity.numerics = "int8"} {
  func.func @cat(%x: tensor<2x3x2x3x4xi8> {sparsity.name = "x"}, %z: tensor<2x3x3x3x4xi8> {sparsity.name = "z"}) -> tensor<2x3x5x3x4xi8> {
    %c = accel.concat %x, %z axis 2 layer "cat" value "cat" : (tensor<2x3x2x3x4xi8>, tensor<2x3x3x3x4xi8>) -> tensor<2x3x5x3x4xi8>
    return %c : tensor<2x3x5x3x4xi8>
  }
}

// -----

// CHECK-LABEL: @add
// CHECK: accel.elementwise add %{{.*}}, %{{.*}} layer "add" value "add.flat" {{.*}} -> tensor<24x1x2x3xi8>
module attributes {sparsity.numerics = "int8"} {
  func.func @add(%x: tensor<2x3x4x1x2x3xi8> {sparsity.name = "x"}) -> tensor<2x3x4x1x2x3xi8> {
    %y = accel.elementwise add %x, %x numerics <clamp = [-128, 127], multiplier = [1073741824], shift = [50], a = [1073741824, 11], b = [1073741824, 11]>
        layer "add" value "add" : (tensor<2x3x4x1x2x3xi8>, tensor<2x3x4x1x2x3xi8>) -> tensor<2x3x4x1x2x3xi8>
    return %y : tensor<2x3x4x1x2x3xi8>
  }
}
