// RUN: sparse-opt %s --split-input-file --verify-diagnostics --sparse-allocate=machine=dadiannao

accel.program @twice machine "dadiannao" fingerprint 42 numerics "int8" levels ["dram", "nm"] inputs [@x] outputs [] {
  accel.buffer @nm bytes 4194304 psum_bits 0
  accel.tensor @x : tensor<1x4x4x16xi8> role input scale 1.0
  accel.layer @l name "l" kind "conv" macs 0 inputs [@x] from ""
  // expected-error @below {{operand in "nm" has no slot: it is allocated already}}
  %0 = accel.load <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 16]> layer @l after()
  accel.halt after()
}

// -----

// expected-error @below {{layer 'l' needs 4718592 bytes in level 'nm', which has 4194304}}
accel.program @big machine "dadiannao" fingerprint 42 numerics "int8" levels ["dram", "nm"] inputs [@x] outputs [] {
  accel.buffer @nm bytes 4194304 psum_bits 0
  accel.tensor @x : tensor<1x1536x192x16xi8> role input scale 1.0
  accel.layer @l name "l" kind "conv" macs 0 inputs [@x] from ""
  %0 = accel.load <"nm" slot 0, @x[0, 0, 0, 0] extent [1, 1536, 192, 16]> layer @l after()
  accel.halt after()
}
