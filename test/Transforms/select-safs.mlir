// RUN: sparse-opt %s --sparse-select-safs=machine=cnvlutin | FileCheck %s --check-prefix=CNVLUTIN
// RUN: sparse-opt %s --sparse-select-safs=machine=eyeriss | FileCheck %s --check-prefix=EYERISS
// RUN: sparse-opt %s --sparse-select-safs=machine=dadiannao | FileCheck %s --check-prefix=DADIANNAO

// A machine that gates on zero weights, too, and can gate scratchpads where it is asked to.
// RUN: rm -rf %t && mkdir -p %t/machines && cp -r %source/energy %t/energy
// RUN: sed 's/  - {level: compute, target: a, action: gate, condition-on: \[a\]}/&\n  - {level: compute, target: b, action: gate, condition-on: [b]}\n  - {level: psum_spad, target: o, action: gate, condition-on: [a, b], optional: true}/' %source/machines/eyeriss.yaml > %t/machines/more.yaml
// RUN: sparse-opt %s --sparse-select-safs=machine=%t/machines/more.yaml | FileCheck %s --check-prefix=MORE
// RUN: sparse-opt %s --sparse-select-safs="machine=%t/machines/more.yaml saf='+gate o at psum_spad if a or b; -gate b at filter_spad if a'" | FileCheck %s --check-prefix=ASKED
// RUN: sparse-opt %s --sparse-select-safs="machine=%t/machines/more.yaml saf='gate b at compute if b'" | FileCheck %s --check-prefix=LISTED
// RUN: sparse-opt %s --sparse-select-safs="machine=eyeriss saf=none" | FileCheck %s --check-prefix=DADIANNAO

// Formats in DRAM are those of the types; without a ReLU's zeros, or asked to be dense, there is none.
// RUN: sparse-opt %s --pass-pipeline="builtin.module(sparse-select-encoding{machine=eyeriss relu-density=0.1},sparse-select-safs{machine=eyeriss})" | FileCheck %s --check-prefix=ENCODED
// RUN: sparse-opt %s --pass-pipeline="builtin.module(sparse-select-encoding{machine=eyeriss relu-density=0.1 saf='-format a at dram'},sparse-select-safs{machine=eyeriss saf='-format a at dram'})" | FileCheck %s --check-prefix=EYERISS

// CNVLUTIN: safs [#sparsity.saf<skip A at "compute" if [A]>, #sparsity.saf<skip B at "sb" if [A]>, #sparsity.saf<format A at "nm">, #sparsity.saf<format O at "nm">] layer "conv1"
// EYERISS: safs [#sparsity.saf<gate A at "compute" if [A]>, #sparsity.saf<gate B at "filter_spad" if [A]>] layer "conv1"
// DADIANNAO: safs [] layer "conv1"
// ENCODED: safs [#sparsity.saf<gate A at "compute" if [A]>, #sparsity.saf<gate B at "filter_spad" if [A]>, #sparsity.saf<format O at "dram">] layer "conv1"
// ENCODED: safs [#sparsity.saf<gate A at "compute" if [A]>, #sparsity.saf<gate B at "filter_spad" if [A]>, #sparsity.saf<format A at "dram">{{.*}}] layer "conv2"

// No weight of the first layer is zero, one of the second is.
// MORE: safs [#sparsity.saf<gate A at "compute" if [A]>, #sparsity.saf<gate B at "filter_spad" if [A]>] layer "conv1"
// MORE: safs [#sparsity.saf<gate A at "compute" if [A]>, #sparsity.saf<gate B at "compute" if [B]>, #sparsity.saf<gate B at "filter_spad" if [A]>] layer "conv2"
// ASKED: safs [#sparsity.saf<gate A at "compute" if [A]>, #sparsity.saf<gate O at "psum_spad" if [A, B]>] layer "conv1"
// ASKED: safs [#sparsity.saf<gate A at "compute" if [A]>, #sparsity.saf<gate B at "compute" if [B]>, #sparsity.saf<gate O at "psum_spad" if [A, B]>] layer "conv2"
// A list is taken as it is.
// LISTED: safs [#sparsity.saf<gate B at "compute" if [B]>] layer "conv1"
// LISTED: safs [#sparsity.saf<gate B at "compute" if [B]>] layer "conv2"
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
