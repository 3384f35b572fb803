// RUN: sparse-opt %s --sparse-select-safs=machine=stc --remarks-filter=sparse-select-safs --remark-format=emitRemark 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks

// Two of four input channels at most: the pattern is used. Three, or no constant: it is not.
// CHECK-LABEL: func.func @main(
// REMARK: 'three'{{.*}}: weights are not 2:4: filter 1 at (0, 0) has 3 nonzeros in input channels 0 to 3
// REMARK: 'product'{{.*}}: weights that are no constant are not stored by a pattern
// CHECK: #sparsity.saf<skip A at "compute" if [B]>{{.*}} layer "pruned"
// CHECK-NOT: saf<skip
// CHECK: layer "three"
// CHECK-NOT: saf<skip
// CHECK: layer "product"
func.func @main(%x: tensor<1x8x8x4xi8>, %y: tensor<2x1x1x4xi8>) -> (tensor<1x8x8x2xi8>, tensor<1x8x8x2xi8>, tensor<1x8x8x2xi8>) {
  %w1 = "tosa.const"() <{values = dense<[[[[1, 0, 2, 0]]], [[[0, 0, 0, 4]]]]> : tensor<2x1x1x4xi8>}> : () -> tensor<2x1x1x4xi8>
  %w2 = "tosa.const"() <{values = dense<[[[[1, 0, 2, 0]]], [[[3, 0, 5, 4]]]]> : tensor<2x1x1x4xi8>}> : () -> tensor<2x1x1x4xi8>
  %a = accel.contraction conv %x, %w1 strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
      numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "pruned" value "a"
      : (tensor<1x8x8x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x8x8x2xi8>
  %b = accel.contraction conv %x, %w2 strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
      numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "three" value "b"
      : (tensor<1x8x8x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x8x8x2xi8>
  %c = accel.contraction matmul %x, %y strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
      numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "product" value "c"
      : (tensor<1x8x8x4xi8>, tensor<2x1x1x4xi8>) -> tensor<1x8x8x2xi8>
  return %a, %b, %c : tensor<1x8x8x2xi8>, tensor<1x8x8x2xi8>, tensor<1x8x8x2xi8>
}
