// A rescale of activations with a factor for each of four channels, between conversions that change nothing.
module attributes {sparsity.numerics = "int16"} {
  func.func @main(%x: tensor<1x2x40x4xf32> {sparsity.name = "x"}) -> tensor<1x2x40x4xf32> {
    %scale = "tosa.const"() <{values = dense<1.0> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
    %none = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
    %zp = "tosa.const"() <{values = dense<0> : tensor<1xi16>}> : () -> tensor<1xi16>
    %m = "tosa.const"() <{values = dense<[16384, 20000, 32767, 17000]> : tensor<4xi16>}> : () -> tensor<4xi16>
    %s = "tosa.const"() <{values = dense<[14, 20, 30, 45]> : tensor<4xi8>}> : () -> tensor<4xi8>
    %a = tosa.mul %x, %scale, %none : (tensor<1x2x40x4xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x2x40x4xf32>
    %q = tosa.cast %a : (tensor<1x2x40x4xf32>) -> tensor<1x2x40x4xi16>
    %r = tosa.rescale %q, %m, %s, %zp, %zp {input_unsigned = false, output_unsigned = false, per_channel = true, rounding_mode = SINGLE_ROUND, scale32 = false}
        : (tensor<1x2x40x4xi16>, tensor<4xi16>, tensor<4xi8>, tensor<1xi16>, tensor<1xi16>) -> tensor<1x2x40x4xi16>
    %f = tosa.cast %r : (tensor<1x2x40x4xi16>) -> tensor<1x2x40x4xf32>
    %y = tosa.mul %f, %scale, %none : (tensor<1x2x40x4xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x2x40x4xf32>
    return %y : tensor<1x2x40x4xf32>
  }
}
