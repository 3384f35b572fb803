// A percentile leaves single large values out of the range; it is found within a 32nd, and ends of bins are powers of two
// times a whole number of 32nds. Without one, the largest value counts.
// RUN: %python %S/Inputs/outlier.py %t.npy
// RUN: sparse-opt %s --sparse-quantize="numerics=int8 calibrate=%t.npy" | FileCheck %s --check-prefix=MAX
// RUN: sparse-opt %s --sparse-quantize="numerics=int8 calibrate=%t.npy calibration=max" | FileCheck %s --check-prefix=MAX
// RUN: sparse-opt %s --sparse-quantize="numerics=int8 calibrate=%t.npy calibration=percentile=100" | FileCheck %s --check-prefix=MAX
// RUN: sparse-opt %s --sparse-quantize="numerics=int8 calibrate=%t.npy calibration=percentile=99.9" | FileCheck %s --check-prefix=MOST
// RUN: sparse-opt %s --sparse-quantize="numerics=int8 calibrate=%t.npy calibration=percentile=75" | FileCheck %s --check-prefix=SOME

// 100 / 127; 1 / 127, as 99.9% of the values lie below 1, where a bin ends; 0.765625 / 127, as 0.75 lies in the bin from
// 48/64 to 49/64.
// MAX: sparsity.scales = {pool = 0.78740157480314965 : f64
// MOST: sparsity.scales = {pool = 0.00787401574803149
// SOME: sparsity.scales = {pool = 0.00602854330708661
func.func @main(%x: tensor<1x2x2x2xf32> {sparsity.name = "x"}) -> tensor<1x2x2x2xf32> {
  %0 = tosa.max_pool2d %x {kernel = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("pool")
  return %0 : tensor<1x2x2x2xf32>
}
