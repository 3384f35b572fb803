// RUN: split-file %s %t
// RUN: not sparse-translate --emit-program %t/layers.mlir 2>&1 | FileCheck %s --check-prefix=LAYERS
// RUN: not sparse-translate --emit-program %t/slots.mlir 2>&1 | FileCheck %s --check-prefix=SLOTS
// RUN: not sparse-translate --emit-program %t/hazard.mlir 2>&1 | FileCheck %s --check-prefix=HAZARD
// RUN: not sparse-translate --emit-program %t/estimate.mlir 2>&1 | FileCheck %s --check-prefix=ESTIMATE

// LAYERS: error: expected one accel.program, but there are 0: run --sparse-compile before
//--- layers.mlir
module {}

// SLOTS: error: 'accel.tensor' op has no place in DRAM: run --sparse-allocate before
//--- slots.mlir
accel.program @p machine "dadiannao" fingerprint 42 numerics "int8" levels ["dram", "nm"] inputs [@x] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.tensor @x : tensor<1x4x4x16xi8> role input scale 1.0
  accel.layer @l name "l" kind "conv" macs 0 inputs [@x] from ""
  %0 = accel.load <"nm" slot 0, @x[0, 0, 0, 0] extent [1, 4, 4, 16]> layer @l after()
  accel.halt after()
}

// A store that does not wait for the load of what it stores.
// HAZARD: error: the program that was emitted is not valid:
//--- hazard.mlir
accel.program @p machine "dadiannao" fingerprint 42 numerics "int8" levels ["dram", "nm"] inputs [@x] outputs [@y] dram_bytes 512 {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.tensor @x : tensor<1x4x4x16xi8> role input scale 1.0 offset 0
  accel.tensor @y : tensor<1x4x4x16xi8> role output scale 1.0 offset 256
  accel.numerics @n <clamp = [-128, 127]>
  accel.layer @l name "l" kind "copy" macs 0 output @y inputs [@x] from ""
  %0 = accel.configure @n layer @l after()
  %1 = accel.load <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 16]> layer @l after()
  %2 = accel.vector copy window [1, 1] strides [1, 1] pads [0, 0, 0, 0] a <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 16]>
      o <"nm" at 256, @y[0, 0, 0, 0] extent [1, 4, 4, 16]> numerics @n layer @l after(%0)
  %3 = accel.store <"nm" at 256, @y[0, 0, 0, 0] extent [1, 4, 4, 16]> layer @l after(%2)
  accel.halt after()
}

// ESTIMATE: error: 'accel.layer' op accel.estimate: expected a number 'dram_bytes' of at least 0
//--- estimate.mlir
accel.program @p machine "dadiannao" fingerprint 42 numerics "int8" levels ["dram", "nm"] inputs [@x] outputs [@x] dram_bytes 256 {
  accel.tensor @x : tensor<1x4x4x16xi8> role input scale 1.0 offset 0
  accel.layer @l name "l" kind "copy" macs 0 output @x inputs [@x] from "" {accel.estimate = {cycles = 1.0, compute_cycles = 0.0, dram_bytes = -1.0, energy_pj = 1.0}}
  accel.halt after()
}
