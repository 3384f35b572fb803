// RUN: not sparse-opt %s --sparse-quantize="numerics=int8" 2>&1 | FileCheck %s --check-prefix=NORANGE
// RUN: not sparse-opt %s --sparse-quantize="numerics=int8 calibrate=%t.missing.npy" 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: echo hello > %t.txt
// RUN: not sparse-opt %s --sparse-quantize="numerics=int8 calibrate=%t.txt" 2>&1 | FileCheck %s --check-prefix=NOTNPY
// RUN: not sparse-opt %s --sparse-quantize="numerics=int4 default-range=1" 2>&1 | FileCheck %s --check-prefix=NUMERICS
// RUN: sparse-opt %s --sparse-quantize="default-range=1" -o %t.mlir
// RUN: not sparse-opt %t.mlir --sparse-quantize="default-range=1" 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: sed 's/^func/module attributes {sparsity.debug_break = "scale:pol"} { func/; s/^}/}}/' %s > %t.break.mlir
// RUN: not sparse-opt %t.break.mlir --sparse-quantize="default-range=1" 2>&1 | FileCheck %s --check-prefix=BREAK
// RUN: not sparse-opt %s --sparse-quantize="default-range=1e42" 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: sparse-opt %s --sparse-quantize="numerics=int8 default-range=1e-35" | FileCheck %s --check-prefix=ZERO
// RUN: not sparse-opt %s --sparse-quantize="default-range=1 calibration=percentile=30" 2>&1 | FileCheck %s --check-prefix=PERCENTILE

// PERCENTILE: error: calibration 'percentile=30': expected 'max', or 'percentile=P' with P above 50 and at most 100
// NORANGE: error: no ranges of activations: give calibrate=FILE (.npy or .npz inputs of the model's own shape), or default-range=X
// MISSING: error: calibration inputs: {{.*}}missing.npy: cannot be opened
// NOTNPY: error: calibration inputs: {{.*}}.txt
// NUMERICS: int4
// TWICE: error: is quantised to int16 already; expected a float model
// BREAK: error: debug-break: no integer value comes from a node 'pol'; did you mean 'pool'?
// RANGE: error: input 'x': a range of 1e+42, hence a scale of 3.05185e+37; expected a scale between 1e-36 and 1e+36
// A range of next to nothing is that of a value that is always zero, which may have any scale.
// ZERO: sparsity.scales = {pool = 0.0078740157480314
func.func @main(%x: tensor<1x2x2x2xf32> {sparsity.name = "x"}) -> tensor<1x1x1x2xf32> {
  %0 = tosa.max_pool2d %x {kernel = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>} : (tensor<1x2x2x2xf32>) -> tensor<1x1x1x2xf32> loc("pool")
  return %0 : tensor<1x1x1x2xf32>
}
