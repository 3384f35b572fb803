// RUN: sparse-opt %s | sparse-opt | FileCheck %s

// CHECK: accel.program @tiny machine "dadiannao" fingerprint 42 numerics "int8" levels ["dram", "nm"] inputs [@x] outputs [@x] {
accel.program @tiny machine "dadiannao" fingerprint 42 numerics "int8" levels ["dram", "nm"] inputs [@x] outputs [@x] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.tensor @x : tensor<1x4x4x16xi8> role input scale 5.000000e-01
  accel.halt after()
}

// CHECK: accel.program @one machine "dadiannao" fingerprint 42 numerics "int8" levels ["dram", "nm", "sb", "nbout"] inputs [@x] outputs [@prob] dram_bytes 65536 {
accel.program @one machine "dadiannao" fingerprint 42 numerics "int8" levels ["dram", "nm", "sb", "nbout"] inputs [@x] outputs [@prob] dram_bytes 65536 {
  // CHECK: accel.buffer @nm bytes 4194304 psum_bits 0
  accel.buffer @nm bytes 4194304 psum_bits 0
  accel.buffer @sb bytes 33554432 psum_bits 0
  // CHECK: accel.buffer @nbout bytes 8192 psum_bits 32
  accel.buffer @nbout bytes 8192 psum_bits 32
  // CHECK: accel.tensor @x : tensor<1x4x4x16xi8> role input scale 5.000000e-01
  accel.tensor @x : tensor<1x4x4x16xi8> role input scale 5.000000e-01
  // CHECK: accel.tensor @w : tensor<16x1x1x16xi8, #sparsity.encoding<bitmask, granule = [1, 1, 1, 16]>> role constant scale 2.500000e-01 buffer <bitmask, granule = [1, 1, 1, 16]> offset 4096 lengths 8192 slot 64 value dense<1> : tensor<16x1x1x16xi8>
  accel.tensor @w : tensor<16x1x1x16xi8, #sparsity.encoding<bitmask, granule = [1, 1, 1, 16]>> role constant scale 2.500000e-01
      buffer <bitmask, granule = [1, 1, 1, 16]> offset 4096 lengths 8192 slot 64 value dense<1> : tensor<16x1x1x16xi8>
  // CHECK: accel.tensor @y.sums : tensor<1x4x4x16xi32> role intermediate scale 1.250000e-01
  accel.tensor @y.sums : tensor<1x4x4x16xi32> role intermediate scale 0.125
  accel.tensor @y : tensor<1x4x4x16xi8> role intermediate scale 0.5
  accel.tensor @prob : tensor<1x4x4x16xf32> role output scale 1.0
  // CHECK: accel.numerics @conv1.numerics <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.numerics @conv1.numerics <clamp = [0, 127], multiplier = [16384], shift = [20]>
  // CHECK: accel.layer @conv1 name "conv1" kind "conv" macs 4096 output @y inputs [@x] from "conv1"
  accel.layer @conv1 name "conv1" kind "conv" macs 4096 output @y inputs [@x] from "conv1"
  // CHECK: accel.layer @prob.layer name "prob" kind "softmax" on_host macs 0 output @prob inputs [@y] from "prob"
  accel.layer @prob.layer name "prob" kind "softmax" on_host macs 0 output @prob inputs [@y] from "prob"

  // CHECK: %[[C:.*]] = accel.configure @conv1.numerics layer @conv1 after()
  %configured = accel.configure @conv1.numerics layer @conv1 after()
  // CHECK: accel.configure @conv1.numerics layer @conv1 after(%[[C]])
  %again = accel.configure @conv1.numerics layer @conv1 after(%configured)
  // CHECK: %[[X:.*]] = accel.load <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 16]> layer @conv1 after()
  %loadedX = accel.load <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 16]> layer @conv1 after()
  // CHECK: %[[W:.*]] = accel.load <"sb" slot 0, @w[0, 0, 0, 0] extent [16, 1, 1, 16]> layer @conv1 after()
  %loadedW = accel.load <"sb" slot 0, @w[0, 0, 0, 0] extent [16, 1, 1, 16]> layer @conv1 after()
  // CHECK: %[[S:.*]] = accel.contract extents [1, 1, 16, 16, 4, 4, 1, 1] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0]
  // CHECK-SAME: a <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 16]> from [0, 0, 0, 0]
  // CHECK-SAME: b <"sb" at 0, @w[0, 0, 0, 0] extent [16, 1, 1, 16]> from [0, 0, 0, 0]
  // CHECK-SAME: o <"nbout" at 0, @y.sums[0, 0, 0, 0] extent [1, 4, 4, 16]> from [0, 0, 0, 0]
  // CHECK-SAME: mode bias numerics @conv1.numerics mapping <"array"[x M = 16, y C = 16]> safs [#sparsity.saf<skip A at "nbin" if [A]>]
  // CHECK-SAME: layer @conv1 after(%[[C]], %[[X]], %[[W]])
  %contracted = accel.contract extents [1, 1, 16, 16, 4, 4, 1, 1] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0]
      a <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 16]> from [0, 0, 0, 0]
      b <"sb" at 0, @w[0, 0, 0, 0] extent [16, 1, 1, 16]> from [0, 0, 0, 0]
      o <"nbout" at 0, @y.sums[0, 0, 0, 0] extent [1, 4, 4, 16]> from [0, 0, 0, 0]
      mode bias numerics @conv1.numerics mapping <"array"[x M = 16, y C = 16]> safs [#sparsity.saf<skip A at "nbin" if [A]>]
      layer @conv1 after(%configured, %loadedX, %loadedW)
  // CHECK: %[[V:.*]] = accel.vector rescale window [1, 1] strides [1, 1] pads [0, 0, 0, 0]
  // CHECK-SAME: a <"nbout" at 0, @y.sums[0, 0, 0, 0] extent [1, 4, 4, 16]> o <"nm" at 256, @y[0, 0, 0, 0] extent [1, 4, 4, 16]>
  // CHECK-SAME: numerics @conv1.numerics layer @conv1 after(%[[S]])
  %rescaled = accel.vector rescale window [1, 1] strides [1, 1] pads [0, 0, 0, 0]
      a <"nbout" at 0, @y.sums[0, 0, 0, 0] extent [1, 4, 4, 16]> o <"nm" at 256, @y[0, 0, 0, 0] extent [1, 4, 4, 16]>
      numerics @conv1.numerics layer @conv1 after(%contracted)
  // CHECK: accel.vector add {{.*}} b <"nm" at 256
  %added = accel.vector add window [1, 1] strides [1, 1] pads [0, 0, 0, 0]
      a <"nm" at 256, @y[0, 0, 0, 0] extent [1, 4, 4, 16]> b <"nm" at 256, @y[0, 0, 0, 0] extent [1, 4, 4, 16]>
      o <"nm" at 256, @y[0, 0, 0, 0] extent [1, 4, 4, 16]> numerics @conv1.numerics layer @conv1 after(%rescaled)
  // CHECK: %[[D:.*]] = accel.store <"nm" at 256, @y[0, 0, 0, 0] extent [1, 4, 4, 16]> layer @conv1 after(
  %stored = accel.store <"nm" at 256, @y[0, 0, 0, 0] extent [1, 4, 4, 16]> layer @conv1 after(%added)
  // CHECK: %[[H:.*]] = accel.host_call softmax inputs [@y] outputs [@prob] ints [1] floats [] layer @prob.layer after()
  %called = accel.host_call softmax inputs [@y] outputs [@prob] ints [1] floats [] layer @prob.layer after()
  // CHECK: accel.halt after(%[[D]], %[[H]])
  accel.halt after(%stored, %called)
}
