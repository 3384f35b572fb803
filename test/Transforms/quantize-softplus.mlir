// A Softplus, max(x, 0) + log(1 + exp(-|x|)), asks nothing of its logarithm that integers have lost: in int8 it is one table, alone or in a Mish. In int16 the
// logarithm stays in float, and so does one that may read small values in int8.
// RUN: sparse-opt %s --sparse-quantize="numerics=int8 default-range=4" | FileCheck %s
// RUN: sparse-opt %s --sparse-quantize="numerics=int16 default-range=4" | FileCheck %s --check-prefix=WIDE

// Entries -128, 0, 126 and 127 of a scale of 4 / 127: softplus(-4.03) = 0.0176, softplus(0) = 0.693, softplus(4) = 4.018, which saturates;
// mish(-4.03) = -0.071, mish(0) = 0, mish(4) = 3.997.
// CHECK: dense<"0x01{{([0-9A-F]{254})}}16{{([0-9A-F]{248})}}7E7F7F"> : tensor<256xi8>
// CHECK: tosa.table {{.*}}sparsity.value = "softplus"
// CHECK-NOT: tosa.log
// CHECK: dense<"0xFE{{([0-9A-F]{254})}}00{{([0-9A-F]{252})}}7F"> : tensor<256xi8>
// CHECK: tosa.table {{.*}}sparsity.value = "mish"
// CHECK: tosa.log {{.*}}sparsity.value = "log"
// WIDE: tosa.log
// WIDE: tosa.log
// WIDE: tosa.log
func.func @main(%x: tensor<1x2x2x2xf32> {sparsity.name = "x"}) -> (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) {
  %w = "tosa.const"() <{values = dense<1.0> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() <{values = dense<0.0> : tensor<2xf32>}> : () -> tensor<2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %s = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %one = "tosa.const"() <{values = dense<1.0> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %little = "tosa.const"() <{values = dense<1.0e-3> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x2x2x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32> loc("conv")

  %1 = tosa.abs %0 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("abs")
  %2 = tosa.negate %1, %z, %z : (tensor<1x2x2x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32> loc("negate")
  %3 = tosa.exp %2 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("exp")
  %4 = tosa.add %3, %one : (tensor<1x2x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x2x2x2xf32> loc("sum")
  %5 = tosa.log %4 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("log1p")
  %6 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 3.4028234663852886E+38 : f32} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("relu")
  %7 = tosa.add %6, %5 : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("softplus")

  %8 = tosa.abs %0 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("abs2")
  %9 = tosa.negate %8, %z, %z : (tensor<1x2x2x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32> loc("negate2")
  %10 = tosa.exp %9 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("exp2")
  %11 = tosa.add %one, %10 : (tensor<1x1x1x1xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("sum2")
  %12 = tosa.log %11 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("log1p2")
  %13 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 3.4028234663852886E+38 : f32} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("relu2")
  %14 = tosa.add %13, %12 : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("softplus2")
  %15 = tosa.tanh %14 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("tanh")
  %16 = tosa.mul %0, %15, %s : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1xi8>) -> tensor<1x2x2x2xf32> loc("mish")

  %17 = tosa.exp %0 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("exp3")
  %18 = tosa.add %17, %little : (tensor<1x2x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x2x2x2xf32> loc("sum3")
  %19 = tosa.log %18 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("log")
  return %7, %16, %19 : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>
}
