// RUN: sparse-opt %s --sparse-select-safs=machine=cnvlutin | FileCheck %s --check-prefix=CNVLUTIN
// RUN: sparse-opt %s --sparse-select-safs=machine=eyeriss | FileCheck %s --check-prefix=EYERISS
// RUN: sparse-opt %s --sparse-select-safs=machine=dadiannao | FileCheck %s --check-prefix=DADIANNAO

// A machine that gates and skips on the same condition, and gates on zero weights.
// RUN: rm -rf %t && mkdir -p %t/machines && cp -r %source/energy %t/energy
// RUN: sed 's/  - {level: compute, target: a, action: gate, on: \[a\]}/&\n  - {level: compute, target: a, action: skip, on: [a]}\n  - {level: compute, target: b, action: gate, on: [b]}/' %source/machines/eyeriss.yaml > %t/machines/both.yaml
// RUN: sparse-opt %s --sparse-select-safs=machine=%t/machines/both.yaml | FileCheck %s --check-prefix=BOTH

// CNVLUTIN: safs [#sparsity.saf<skip A at "compute" if [A]>, #sparsity.saf<skip B at "sb" if [A]>] layer "conv1"
// EYERISS: safs [#sparsity.saf<gate A at "compute" if [A]>, #sparsity.saf<gate B at "filter_spad" if [A]>] layer "conv1"
// DADIANNAO: safs [] layer "conv1"

// No weight of the first layer is zero, one of the second is.
// BOTH: safs [#sparsity.saf<skip A at "compute" if [A]>, #sparsity.saf<gate B at "filter_spad" if [A]>] layer "conv1"
// BOTH: safs [#sparsity.saf<skip A at "compute" if [A]>, #sparsity.saf<gate B at "compute" if [B]>, #sparsity.saf<gate B at "filter_spad" if [A]>] layer "conv2"
func.func @main(%x: tensor<1x8x8x2xi8>) -> tensor<1x8x8x2xi8> {
  %w1 = "tosa.const"() <{values = dense<[[[[1, 2]]], [[[3, 4]]]]> : tensor<2x1x1x2xi8>}> : () -> tensor<2x1x1x2xi8>
  %w2 = "tosa.const"() <{values = dense<[[[[1, 2]]], [[[0, 4]]]]> : tensor<2x1x1x2xi8>}> : () -> tensor<2x1x1x2xi8>
  %a = accel.contraction conv %x, %w1 strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
      numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "conv1" value "relu1"
      : (tensor<1x8x8x2xi8>, tensor<2x1x1x2xi8>) -> tensor<1x8x8x2xi8>
  %b = accel.contraction conv %a, %w2 strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
      numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "conv2" value "relu2"
      : (tensor<1x8x8x2xi8>, tensor<2x1x1x2xi8>) -> tensor<1x8x8x2xi8>
  return %b : tensor<1x8x8x2xi8>
}
