// RUN: sparse-opt %s --sparse-select-safs=machine=cnvlutin | FileCheck %s

// The example of the pass's documentation.

// CHECK: %{{.*}} = accel.contraction conv %{{.*}}, %{{.*}} strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
// CHECK-SAME: numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]>
// CHECK-SAME: safs [#sparsity.saf<skip A at "compute" if [A]>, #sparsity.saf<skip B at "sb" if [A]>, #sparsity.saf<format A at "nm">, #sparsity.saf<format O at "nm">] layer "conv1" value "relu1"
// CHECK-SAME: : (tensor<1x8x8x16xi8>, tensor<16x1x1x16xi8>) -> tensor<1x8x8x16xi8>
func.func @main(%x: tensor<1x8x8x16xi8>) -> tensor<1x8x8x16xi8> {
  %w = "tosa.const"() <{values = dense<1> : tensor<16x1x1x16xi8>}> : () -> tensor<16x1x1x16xi8>
  %y = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
      numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "conv1" value "relu1"
      : (tensor<1x8x8x16xi8>, tensor<16x1x1x16xi8>) -> tensor<1x8x8x16xi8>
  return %y : tensor<1x8x8x16xi8>
}
