// RUN: sparse-opt %s --sparse-lower-to-tiles=machine=dadiannao | FileCheck %s

// Two tiles of rows: weights stay, slots alternate, a store's consumers wait for it alone, and a concatenation copies nothing.
module attributes {sparsity.numerics = "int8", sparsity.scales = {x = 0.5, concat = 0.25}} {
  // CHECK: accel.program @main machine "dadiannao" fingerprint {{.*}} numerics "int8" levels ["dram", "nm", "sb", "nbout", "nbin"] inputs [@x] outputs [@pool1] {
  // CHECK: accel.buffer @nm bytes 4194304 psum_bits 0
  // CHECK: accel.buffer @nbout bytes 2097152 psum_bits 32
  // CHECK: accel.tensor @x : tensor<1x8x8x16xi8> role input scale 5.000000e-01
  // CHECK: accel.tensor @concat : tensor<1x8x8x48xi8> role intermediate scale 2.500000e-01
  // CHECK: accel.tensor @conv1.weights : tensor<32x3x3x16xi8> role constant {{.*}} value dense<1>
  // CHECK: accel.tensor @pool1 : tensor<1x4x4x48xi8> role output
  // CHECK: accel.layer @conv1.layer name "conv1" kind "conv" macs 294912 inputs [@x] from "node1" {accel.estimate = {compute_cycles = {{.*}}, cycles = {{.*}}, dram_bytes = {{.*}}, energy_pj = {{.*}}}}
  // CHECK: accel.tensor @conv1.sums : tensor<1x8x8x32xi32> role intermediate
  // CHECK: accel.layer @conv2.layer name "conv2" kind "conv" macs 16384 output @concat inputs [@x]
  // CHECK: accel.layer @pool1.layer name "pool1" kind "max_pool" macs 0 output @pool1 inputs [@concat]

  // CHECK: %[[CONF:.*]] = accel.configure @conv1.numerics layer @conv1.layer after()
  // CHECK-NEXT: %[[W:.*]] = accel.load <"sb" slot 0, @conv1.weights[0, 0, 0, 0] extent [32, 3, 3, 16]> layer @conv1.layer after()
  // CHECK-NEXT: %[[A0:.*]] = accel.load <"nm" slot 1, @x[0, 0, 0, 0] extent [1, 5, 8, 16]> layer @conv1.layer after()
  // CHECK-NEXT: %[[C0:.*]] = accel.contract extents [1, 1, 32, 16, 4, 8, 3, 3] strides [1, 1] dilations [1, 1] pads [1, 0, 1, 1]
  // CHECK-SAME: o <"nbout" slot 3, @conv1.sums[0, 0, 0, 0] extent [1, 4, 8, 32]> from [0, 0, 0, 0] mode bias numerics @conv1.numerics
  // CHECK-SAME: mapping <"nbin"[P = 4, Q = 8, R = 3, S = 3, x M = 2, y M = 16, x C = 16]> safs [] layer @conv1.layer after(%[[A0]])
  // CHECK-NEXT: %[[V0:.*]] = accel.vector rescale {{.*}} o <"nm" slot 5, @concat[0, 0, 0, 0] extent [1, 4, 8, 32]> {{.*}} after(%[[C0]])
  // CHECK-NEXT: %[[S0:.*]] = accel.store <"nm" slot 5, @concat[0, 0, 0, 0] extent [1, 4, 8, 32]> layer @conv1.layer after(%[[V0]])
  // CHECK-NEXT: %[[A1:.*]] = accel.load <"nm" slot 2, @x[0, 3, 0, 0] extent [1, 5, 8, 16]> layer @conv1.layer after()
  // CHECK-NEXT: accel.contract extents [1, 1, 32, 16, 4, 8, 3, 3] {{.*}} pads [0, 1, 1, 1] {{.*}} slot 4, {{.*}} after(%[[A1]])
  // CHECK: %[[S1:.*]] = accel.store <"nm" slot 6, @concat[0, 4, 0, 0] extent [1, 4, 8, 32]>

  // CHECK: accel.contract extents [1, 1, 16, 16, 8, 8, 1, 1]
  // CHECK-SAME: mode clear
  // CHECK: %[[S2:.*]] = accel.store <{{.*}}, @concat[0, 0, 0, 32] extent [1, 8, 8, 16]> layer @conv2.layer

  // CHECK: accel.load <{{.*}}, @concat[0, 0, 0, 0] extent [1, 8, 8, 48]> layer @pool1.layer after(%[[S2]])
  // CHECK-NEXT: accel.vector max_pool window [2, 2] strides [2, 2] pads [0, 0, 0, 0]
  // CHECK: accel.halt
  func.func @main(%x: tensor<1x8x8x16xi8> {sparsity.name = "x"}) -> tensor<1x4x4x48xi8> {
    %w = "tosa.const"() <{values = dense<1> : tensor<32x3x3x16xi8>}> : () -> tensor<32x3x3x16xi8>
    %w2 = "tosa.const"() <{values = dense<1> : tensor<16x1x1x16xi8>}> : () -> tensor<16x1x1x16xi8>
    %a = accel.contraction conv %x, %w strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], bias = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31], multiplier = [1073741824], shift = [38]>
        mapping <"dram"[P = 2], "nbin"[P = 4, Q = 8, R = 3, S = 3, x M = 2, y M = 16, x C = 16]>
        layer "conv1" value "relu1" : (tensor<1x8x8x16xi8>, tensor<32x3x3x16xi8>) -> tensor<1x8x8x32xi8> loc("node1")
    %b = accel.contraction conv %x, %w2 strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> mapping <"nbin"[P = 8, Q = 8, y M = 16, x C = 16]>
        layer "conv2" value "relu2" : (tensor<1x8x8x16xi8>, tensor<16x1x1x16xi8>) -> tensor<1x8x8x16xi8>
    %c = accel.concat %a, %b axis 3 layer "concat" value "concat" : (tensor<1x8x8x32xi8>, tensor<1x8x8x16xi8>) -> tensor<1x8x8x48xi8>
    %p = accel.pool max %c kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] numerics <clamp = [-128, 127]> layer "pool1" value "pool1" {accel.mapping = #accel.mapping<>}
        : (tensor<1x8x8x48xi8>) -> tensor<1x4x4x48xi8>
    return %p : tensor<1x4x4x48xi8>
  }
}
