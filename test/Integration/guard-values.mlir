// What the guard takes for a value of the model, and which of them matter.
// RUN: rm -rf %t && split-file %s %t
// RUN: %python %S/Inputs/wave.py %t/x.npy 3 2 4 4 2
// DEFINE: %{run} = --machine spatial --calibrate %t/x.npy --input %t/x.npy
// DEFINE: %{clean} = FileCheck %s --check-prefix=CLEAN --allow-empty
// CLEAN-NOT: {{warning|error}}

// A root is lowered to 1 / (1 / sqrt(x)), of which a small value that became 0 makes infinity inside and 0 outside.
// RUN: sparse-run %t/root.mlir %{run} --check --check-images 1 2>%t/root.err | FileCheck %s --check-prefix=ROOT
// RUN: %{clean} < %t/root.err
// ROOT-NOT: -300
// ROOT: {{^root.unary +[5-9][0-9]\.[0-9] }}

// A power spectrum in decibels keeps its small values.
// RUN: sparse-run %t/power.mlir %{run} --max-error 0.002 2>&1 >/dev/null | %{clean}

//--- root.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x4x2xf32> {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[0.00000002, 0.00000001]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() <{values = dense<[0.0, 0.000001]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("conv")
  %1 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 3.40282347E+38 : f32} : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("relu")
  %2 = tosa.rsqrt %1 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("root")
  %3 = tosa.reciprocal %2 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("root")
  return %3 : tensor<1x4x4x2xf32>
}

//--- power.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x4x2xf32> {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[0.002, 0.001]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() <{values = dense<[0.0, 0.01]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %s = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %e = "tosa.const"() <{values = dense<0.000001> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("conv")
  %1 = tosa.mul %0, %0, %s : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("square")
  %2 = tosa.add %1, %e : (tensor<1x4x4x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x4x2xf32> loc("floor")
  %3 = tosa.log %2 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("log")
  return %3 : tensor<1x4x4x2xf32>
}
