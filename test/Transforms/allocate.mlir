// RUN: sparse-opt %s --sparse-schedule=machine=cnvlutin --sparse-lower-to-tiles=machine=cnvlutin --sparse-allocate=machine=cnvlutin | FileCheck %s

// Granules are single rows; slots lie one after the other, layer after layer; sums have no place in DRAM.
// CHECK: accel.program @main machine "cnvlutin" {{.*}} dram_bytes [[#]] {
// CHECK: accel.tensor @x : tensor<1x8x8x32xi8, #sparsity.encoding<dense, granule = [1, 1, 8, 32]>> role input scale 1.000000e+00 buffer <zfnaf, granule = [1, 1, 8, 32]> offset 0
// CHECK: accel.tensor @a : tensor<1x8x8x32xi8, {{.*}}> role output {{.*}} offset 2048
// CHECK: accel.tensor @a.weights : tensor<32x1x1x32xi8> role constant scale 1.000000e+00 offset 4096 value
// CHECK: accel.tensor @a.sums : tensor<1x8x8x32xi32> role intermediate scale 1.000000e+00{{$}}
// CHECK-NOT: slot
// CHECK: accel.load <"sb" at 0, @a.weights
// CHECK: accel.load <"nm" at 0, @x[0, 0, 0, 0]
// CHECK: accel.halt
module attributes {sparsity.numerics = "int8"} {
  func.func @main(%x: tensor<1x8x8x32xi8> {sparsity.name = "x"}) -> tensor<1x8x8x32xi8> {
    %w = "tosa.const"() <{values = dense<1> : tensor<32x1x1x32xi8>}> : () -> tensor<32x1x1x32xi8>
    %a = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "a" value "a" : (tensor<1x8x8x32xi8>, tensor<32x1x1x32xi8>) -> tensor<1x8x8x32xi8>
    return %a : tensor<1x8x8x32xi8>
  }
}
