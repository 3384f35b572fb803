// A caller that numbers the float values is told which of them each quantised value stands for, and what calibration saw.
// RUN: sparse-opt %s --sparse-quantize="numerics=int8 default-range=4" | FileCheck %s
// Without numbers there is nothing to say.
// RUN: sed 's/sparsity.number = [0-9]* : i64/sparsity.other = 0 : i64/' %s | sparse-opt --sparse-quantize="numerics=int8 default-range=4" | FileCheck %s --check-prefix=NONE --implicit-check-not=sparsity.origins --implicit-check-not=sparsity.ranges
// NONE: sparsity.scales

// CHECK: sparsity.origins = {
// CHECK-SAME: pool = 2 : i64
// CHECK-SAME: x.quantized = 7 : i64
// CHECK-SAME: y = 3 : i64
// CHECK-SAME: y.real = 3 : i64
// CHECK-SAME: sparsity.ranges = {
// CHECK-SAME: pool = 4.{{0*}}e+00 : f64
// CHECK-SAME: x.quantized = 4.{{0*}}e+00 : f64
// CHECK-SAME: y = 1.{{0*}}e+00 : f64}
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x", sparsity.number = 7 : i64, sparsity.act_scale = 0.03125 : f64, sparsity.act_zero_point = 0 : i64}) -> tensor<1x4x4x2xf32> {
  %0 = tosa.max_pool2d %x {kernel = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>, sparsity.number = 2 : i64} : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("pool")
  %1 = tosa.sigmoid %0 {sparsity.number = 3 : i64} : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("y")
  return %1 : tensor<1x4x4x2xf32>
}
