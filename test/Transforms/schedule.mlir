// RUN: sparse-opt %s --sparse-schedule=machine=dadiannao | FileCheck %s
// RUN: sparse-opt %s --sparse-schedule="machine=eyeriss objective=energy" | FileCheck %s --check-prefix=EYERISS
// RUN: sparse-opt %s --sparse-schedule=machine=dadiannao | sparse-opt --sparse-schedule=machine=dadiannao | FileCheck %s

// A layer that fits is cut for overlap; one that is too big for a buffer is cut to fit.
// CHECK-LABEL: func.func @main
// CHECK: accel.contraction conv {{.*}} mapping <"dram"[P = {{[0-9]+}}], "nbin"[{{.*}}y M = 16, x C = 16]> layer "small"
// CHECK: accel.contraction conv {{.*}} mapping <"dram"[{{.*}}P = {{[0-9]+}}{{.*}}], "nbin"[{{.*}}]> layer "big"
// CHECK: accel.pool max {{.*}}layer "pool" value "pool" {accel.mapping = #accel.mapping<"dram"[
// EYERISS: accel.contraction conv {{.*}} mapping <"dram"[{{.*}}], "glb"[{{.*}}y R = 3, x P = {{[0-9]+}}], "psum_spad"[{{.*}}]> layer "small"
module attributes {sparsity.numerics = "int8"} {
  func.func @main(%x: tensor<1x32x32x16xi8> {sparsity.name = "x"}, %z: tensor<1x512x512x64xi8> {sparsity.name = "z"}) -> (tensor<1x16x16x32xi8>, tensor<1x512x512x64xi8>) {
    %w = "tosa.const"() <{values = dense<1> : tensor<32x3x3x16xi8>}> : () -> tensor<32x3x3x16xi8>
    %w2 = "tosa.const"() <{values = dense<1> : tensor<64x3x3x64xi8>}> : () -> tensor<64x3x3x64xi8>
    %a = accel.contraction conv %x, %w strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "small" value "small"
        : (tensor<1x32x32x16xi8>, tensor<32x3x3x16xi8>) -> tensor<1x32x32x32xi8>
    %b = accel.contraction conv %z, %w2 strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "big" value "big"
        : (tensor<1x512x512x64xi8>, tensor<64x3x3x64xi8>) -> tensor<1x512x512x64xi8>
    %p = accel.pool max %a kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] numerics <clamp = [-128, 127]> layer "pool" value "pool"
        : (tensor<1x32x32x32xi8>) -> tensor<1x16x16x32xi8>
    return %p, %b : tensor<1x16x16x32xi8>, tensor<1x512x512x64xi8>
  }
}
