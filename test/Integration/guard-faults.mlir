// Each fault that quantisation can be told to have is found, and found at the node that has it. Without a fault nothing
// is said.
// RUN: rm -rf %t && split-file %s %t
// RUN: %python %S/Inputs/wave.py %t/x.npy 3 2 4 4 2
// DEFINE: %{run} = --machine spatial --calibrate %t/x.npy --input %t/x.npy
// DEFINE: %{clean} = FileCheck %s --check-prefix=CLEAN --allow-empty
// CLEAN-NOT: {{warning|error}}

// RUN: sparse-run %t/unobserved.mlir %{run} 2>&1 >/dev/null | %{clean}
// RUN: sparse-run %t/unobserved.mlir %{run} --debug-break=unobserved 2>&1 >/dev/null | FileCheck %s --check-prefix=UNOBSERVED --implicit-check-not="'conv':"
// UNOBSERVED: warning: '{{sum|view}}.quantize': signal-to-noise ratio {{[0-9.]+}} dB against the float model, expected at least 40 dB: {{[0-9.]+}}% of its values saturate: its integers reach 1, the float model {{[0-9.]+}}

// RUN: sparse-run %t/table.mlir %{run} 2>&1 >/dev/null | %{clean}
// RUN: sparse-run %t/table.mlir %{run} --debug-break=table 2>&1 >/dev/null | FileCheck %s --check-prefix=TABLE
// TABLE: warning: 'tanh': signal-to-noise ratio {{[0-9.]+}} dB against the float model, expected at least 40 dB: its table, as what it reads is within the limit

// RUN: sparse-run %t/scale.mlir %{run} --numerics int8 2>&1 >/dev/null | %{clean}
// RUN: sparse-run %t/scale.mlir %{run} --numerics int8 --debug-break=int16-scale 2>&1 >/dev/null | FileCheck %s --check-prefix=SCALE --implicit-check-not="'conv':"
// SCALE: warning: 'x.quantize': signal-to-noise ratio {{[0-9.]+}} dB against the float model, expected at least 20 dB: {{[0-9.]+}}% of its values saturate: its integers reach 0.01{{[0-9]*}}, the float model 2.98

// RUN: sparse-run %t/scale.mlir %{run} --debug-break=scale:conv 2>&1 >/dev/null | FileCheck %s --check-prefix=NODE --implicit-check-not="'x.quantize'"
// NODE: warning: 'conv': signal-to-noise ratio {{[0-9.]+}} dB against the float model, expected at least 40 dB: {{[0-9.]+}}% of its values saturate: its integers reach 0.2{{[0-9]*}}, the float model 4.2{{[0-9]*}}, and calibration 4.2

//--- unobserved.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x2x4x2xf32> {
  %0 = tosa.reduce_sum %x {axis = 3 : i32} : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x1xf32> loc("sum")
  %s = tosa.const_shape {values = dense<[1, 2, 4, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %1 = tosa.reshape %0, %s : (tensor<1x4x4x1xf32>, !tosa.shape<4>) -> tensor<1x2x4x2xf32> loc("view")
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[-0.25, 1.0]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() <{values = dense<0.0> : tensor<2xf32>}> : () -> tensor<2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %2 = tosa.conv2d %1, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x2x4x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x4x2xf32> loc("conv")
  return %2 : tensor<1x2x4x2xf32>
}

//--- table.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x4x1xf32> {
  %w = "tosa.const"() <{values = dense<[[[[100.0, 0.0]]], [[[0.0, 0.5]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() <{values = dense<0.0> : tensor<2xf32>}> : () -> tensor<2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("conv")
  %start = tosa.const_shape {values = dense<[0, 0, 0, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %size = tosa.const_shape {values = dense<[1, 4, 4, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %1 = tosa.slice %0, %start, %size : (tensor<1x4x4x2xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x4x4x1xf32> loc("cut")
  %2 = tosa.tanh %1 : (tensor<1x4x4x1xf32>) -> tensor<1x4x4x1xf32> loc("tanh")
  return %2 : tensor<1x4x4x1xf32>
}

//--- scale.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x", sparsity.act_scale = 0.0001 : f64, sparsity.act_zero_point = 0 : i64, sparsity.act_type = si16}) -> tensor<1x4x4x2xf32> {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[-0.25, 1.0]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() <{values = dense<[0.125, 0.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("conv")
  return %0 : tensor<1x4x4x2xf32>
}
