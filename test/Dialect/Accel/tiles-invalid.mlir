// RUN: sparse-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{needs the machine's levels, DRAM first}}
accel.program @p machine "m" fingerprint 1 numerics "int8" levels [] inputs [] outputs [] {
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{block with no terminator}}
  %t = accel.configure @n layer @l after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  // expected-error@+1 {{does not stand in an accel.program}}
  %c = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  accel.halt after()
}

// -----

// expected-error@+1 {{names @z, which is no accel.tensor of the program}}
accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [@z] outputs [] {
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{is no level of the machine 'm'}}
  accel.buffer @sb bytes 4096 psum_bits 0
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  // expected-error@+1 {{must have a positive number of bytes}}
  accel.buffer @nm bytes 0 psum_bits 0
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{must have a static shape, but is 'tensor<?xi8>'}}
  accel.tensor @t : tensor<?xi8> role input scale 1.0
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{a constant needs a value}}
  accel.tensor @t : tensor<4xi8> role constant scale 1.0
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{only a constant has a value}}
  accel.tensor @t : tensor<4xi8> role input scale 1.0 value dense<1> : tensor<4xi8>
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{value is 'tensor<5xi8>', but the tensor is 'tensor<4xi8>'}}
  accel.tensor @t : tensor<4xi8> role constant scale 1.0 value dense<1> : tensor<5xi8>
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{granule is longer than the tensor in rank 0: 8 against 4}}
  accel.tensor @t : tensor<4xi8> role input scale 1.0 buffer <bitmask, granule = [8]>
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{names @z, which is no accel.tensor of the program}}
  accel.layer @m name "m" kind "conv" macs 1 output @z inputs [] from "m"
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{names @x, which is no accel.numerics of the program}}
  %t = accel.configure @x layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{names @n, which is no accel.layer of the program}}
  %t = accel.configure @n layer @n after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{names @sb, which is no accel.buffer of the program}}
  %t = accel.load <"sb" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{names @z, which is no accel.tensor of the program}}
  %t = accel.load <"nm" at 0, @z[0, 0, 0, 0] extent [1, 4, 4, 2]> layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{box has 1 ranks, but @x has 4}}
  %t = accel.load <"nm" at 0, @x[0] extent [1]> layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{box ends at 5 in rank 1, beyond @x's 4}}
  %t = accel.load <"nm" at 0, @x[0, 1, 0, 0] extent [1, 4, 4, 2]> layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{@s must not hold sums here, but is 'tensor<1x4x4x2xi32>'}}
  %t = accel.store <"nbout" at 0, @s[0, 0, 0, 0] extent [1, 4, 4, 2]> layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{extents must have 8 entries, but has 7}}
  %t = accel.contract extents [1, 1, 2, 2, 4, 4, 1] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] a <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> from [0, 0, 0, 0] b <"nm" at 64, @w[0, 0, 0, 0] extent [2, 1, 1, 2]> from [0, 0, 0, 0] o <"nbout" at 0, @s[0, 0, 0, 0] extent [1, 4, 4, 2]> from [0, 0, 0, 0] mode clear numerics @n mapping <> safs [] layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{strides must be at least 1, but has 0}}
  %t = accel.contract extents [1, 1, 2, 2, 4, 4, 1, 1] strides [0, 1] dilations [1, 1] pads [0, 0, 0, 0] a <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> from [0, 0, 0, 0] b <"nm" at 64, @w[0, 0, 0, 0] extent [2, 1, 1, 2]> from [0, 0, 0, 0] o <"nbout" at 0, @s[0, 0, 0, 0] extent [1, 4, 4, 2]> from [0, 0, 0, 0] mode clear numerics @n mapping <> safs [] layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{tile touches a from 1 to 5 in rank 1, but the buffer holds 0 to 4}}
  %t = accel.contract extents [1, 1, 2, 2, 4, 4, 1, 1] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] a <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> from [0, 1, 0, 0] b <"nm" at 64, @w[0, 0, 0, 0] extent [2, 1, 1, 2]> from [0, 0, 0, 0] o <"nbout" at 0, @s[0, 0, 0, 0] extent [1, 4, 4, 2]> from [0, 0, 0, 0] mode clear numerics @n mapping <> safs [] layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{operand a must have 4 ranks}}
  %t = accel.contract extents [1, 1, 2, 2, 4, 4, 1, 1] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] a <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> from [0] b <"nm" at 64, @w[0, 0, 0, 0] extent [2, 1, 1, 2]> from [0, 0, 0, 0] o <"nbout" at 0, @s[0, 0, 0, 0] extent [1, 4, 4, 2]> from [0, 0, 0, 0] mode clear numerics @n mapping <> safs [] layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{@x must hold sums, but is 'tensor<1x4x4x2xi8>'}}
  %t = accel.contract extents [1, 1, 2, 2, 4, 4, 1, 1] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] a <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> from [0, 0, 0, 0] b <"nm" at 64, @w[0, 0, 0, 0] extent [2, 1, 1, 2]> from [0, 0, 0, 0] o <"nbout" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> from [0, 0, 0, 0] mode clear numerics @n mapping <> safs [] layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{'add' takes two operands}}
  %t = accel.vector add window [1, 1] strides [1, 1] pads [0, 0, 0, 0] a <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> o <"nm" at 64, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> numerics @n layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{'table' takes one operand}}
  %t = accel.vector table window [1, 1] strides [1, 1] pads [0, 0, 0, 0] a <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> b <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> o <"nm" at 64, @x[0, 0, 0, 0] extent [1, 4, 4, 2]> numerics @n layer @l after()
  accel.halt after()
}

// -----

accel.program @p machine "m" fingerprint 1 numerics "int8" levels ["dram", "nm", "nbout"] inputs [] outputs [] {
  accel.buffer @nm bytes 4096 psum_bits 0
  accel.buffer @nbout bytes 4096 psum_bits 32
  accel.tensor @x : tensor<1x4x4x2xi8> role input scale 1.0
  accel.tensor @w : tensor<2x1x1x2xi8> role constant scale 1.0 value dense<1> : tensor<2x1x1x2xi8>
  accel.tensor @s : tensor<1x4x4x2xi32> role intermediate scale 1.0
  accel.numerics @n <clamp = [0, 127], multiplier = [16384], shift = [20]>
  accel.layer @l name "l" kind "conv" macs 1 inputs [] from "l"
  // expected-error@+1 {{names @z, which is no accel.tensor of the program}}
  %t = accel.host_call softmax inputs [@z] outputs [@x] ints [1] floats [] layer @l after()
  accel.halt after()
}
