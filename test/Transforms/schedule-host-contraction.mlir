// A contraction that the machine does not take, or of which no tile fits, becomes one host operator with the same
// integers: strides, pads, dilations, groups, kind, clamp, number of biases and multipliers, and these. What was stored
// encoded is dense again.
// RUN: mkdir -p %t/machines && ln -sfn %source/energy %t/energy
// RUN: sed -e 's/^kinds: .*/kinds: [fc]/' -e 's/kinds: .rescale, .*/kinds: [rescale]/' %source/machines/cnvlutin.yaml > %t/machines/fc.yaml
// RUN: sparse-opt %s --split-input-file --sparse-schedule=machine=%t/machines/fc.yaml --remarks-filter=sparse-schedule --remark-format=emitRemark 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks
// REMARK: node 'conv' runs on the host: machine 'cnvlutin' takes no contraction of kind 'conv'
// REMARK: node 'average' runs on the host: machine 'cnvlutin' has no vector unit for 'avg_pool'
// REMARK: node 'huge' runs on the host: layer 'huge': a tile of N=1 G=1 M=1 C=1 P=1 Q=1 needs

// CHECK-LABEL: func.func @main
// CHECK: %[[FC:.*]] = accel.contraction fc {{.*}} mapping {{.*}} layer "fc" {{.*}} -> tensor<1x1x1x16xi8>
// CHECK: %[[CONV:.*]] = accel.host conv(%[[FC]], %{{.*}}) ints [1, 1, 1, 1, 1, 1, 1, 1, 2, 0, 0, 127, 2, 1, 3, -4, 1073741824, 38]
// CHECK-SAME: floats [] layer "conv" value "conv" : (tensor<1x1x1x16xi8>, tensor<2x3x3x8xi8>) -> tensor<1x1x1x2xi8>
// CHECK: %[[AVG:.*]] = accel.host avg_pool(%[[CONV]]) ints [1, 1, 1, 1, 0, 0, 0, 0] floats [] layer "average.avg"
// CHECK: accel.host rescale(%[[AVG]]) ints [16384, 14, 0, 100] floats [] layer "average" value "average"
module attributes {sparsity.numerics = "int8"} {
  func.func @main(%x: tensor<1x1x1x16xi8> {sparsity.name = "x"}) -> tensor<1x1x1x2xi8> {
    %w = "tosa.const"() <{values = dense<1> : tensor<16x1x1x16xi8>}> : () -> tensor<16x1x1x16xi8>
    %v = "tosa.const"() <{values = dense<1> : tensor<2x3x3x8xi8>}> : () -> tensor<2x3x3x8xi8>
    %e = sparsity.encode %v : tensor<2x3x3x8xi8> to tensor<2x3x3x8xi8, #sparsity.encoding<bitmask>>
    %fc = accel.contraction fc %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "fc" value "fc"
        : (tensor<1x1x1x16xi8>, tensor<16x1x1x16xi8>) -> tensor<1x1x1x16xi8, #sparsity.encoding<zfnaf>>
    %a = accel.contraction conv %fc, %e strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 2
        numerics <clamp = [0, 127], bias = [3, -4], multiplier = [1073741824], shift = [38]> layer "conv" value "conv"
        : (tensor<1x1x1x16xi8, #sparsity.encoding<zfnaf>>, tensor<2x3x3x8xi8, #sparsity.encoding<bitmask>>) -> tensor<1x1x1x2xi8>
    %p = accel.pool avg %a kernel [1, 1] strides [1, 1] pads [0, 0, 0, 0] numerics <clamp = [0, 100]> layer "average" value "average"
        : (tensor<1x1x1x2xi8>) -> tensor<1x1x1x2xi8>
    return %p : tensor<1x1x1x2xi8>
  }
}

// -----

// Even a single row of a single channel needs more weights than there is room for.
// CHECK-LABEL: func.func @main
// CHECK: accel.host conv({{.*}}) ints [1, 1, 0, 0, 0, 0, 1, 1, 1, 2, {{.*}} layer "huge" value "huge"
module {
  func.func @main(%x: tensor<1x15999x15999x1xi8>) -> tensor<1x1x1x1xi8> {
    %w = "tosa.const"() <{values = dense<1> : tensor<1x15999x15999x1xi8>}> : () -> tensor<1x15999x15999x1xi8>
    %a = accel.contraction fc %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "huge" value "huge"
        : (tensor<1x15999x15999x1xi8>, tensor<1x15999x15999x1xi8>) -> tensor<1x1x1x1xi8>
    return %a : tensor<1x1x1x1xi8>
  }
}
