// What the guard takes for a value of the model, and which of them matter.
// RUN: rm -rf %t && split-file %s %t
// RUN: %python %S/Inputs/wave.py %t/x.npy 3 2 4 4 2
// DEFINE: %{run} = --machine spatial --calibrate %t/x.npy --input %t/x.npy
// DEFINE: %{clean} = FileCheck %s --check-prefix=CLEAN --allow-empty
// CLEAN-NOT: {{warning|error}}

// A bound below one step of the integers still keeps a logarithm from minus infinity, even as a bias.
// RUN: sparse-run %t/floor.mlir %{run} --max-error 0.0001 --quiet

// A root is lowered to 1 / (1 / sqrt(x)), of which a small value that became 0 makes infinity inside and 0 outside.
// RUN: sparse-run %t/root.mlir %{run} --check --check-images 1 2>%t/root.err | FileCheck %s --check-prefix=ROOT
// RUN: %{clean} < %t/root.err
// ROOT-NOT: -300
// ROOT: {{^root.unary +[5-9][0-9]\.[0-9] }}

// A power spectrum in decibels keeps its small values.
// RUN: sparse-run %t/power.mlir %{run} --max-error 0.002 2>&1 >/dev/null | %{clean}

// Straight lines between points of a curve are off to one side, which is taken off the entries; but zero stays zero.
// RUN: %python %S/Inputs/wave.py %t/many.npy 3 16 4 4 2
// RUN: %python %S/Inputs/wave.py %t/zeros.npy 0 1 4 4 2
// RUN: sparse-run %t/sigmoid.mlir --machine spatial --calibrate %t/many.npy --input %t/many.npy --max-error 0.00003 --quiet
// RUN: sparse-run %t/zero.mlir --machine spatial --calibrate %t/many.npy --input %t/zeros.npy --max-error 0 --check | FileCheck %s --check-prefix=ZERO
// ZERO: against the float model, 1 inputs: largest error 0, relative rms error 0, 0 of the range
// A factor that needs no table is multiplied where the operand is too wide for a table of the whole.
// RUN: sparse-run %t/silu.mlir --machine spatial --calibrate %t/many.npy --input %t/many.npy --max-error 0.0003 --check --check-images 1 2>&1 | FileCheck %s --check-prefix=SILU
// SILU: remark: node 'silu': its product is no part of a table, as one of 513 entries would err by {{[0-9.]+}}e-05 of the largest value, more than its rounding does
// SILU: and the whole model: bit-identical to upstream's lowering
// What is behind the first such product may be a product again, of values that the first tables hide.
// RUN: sparse-run %t/twice.mlir --machine spatial --calibrate %t/many.npy --input %t/many.npy --max-error 0.0001 --check --check-images 1 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE-DAG: remark: node 'outer': its product is no part of a table
// TWICE-DAG: remark: node 'silu': its product is no part of a table
// TWICE: and the whole model: bit-identical to upstream's lowering
// But a table of the whole function stays where a curve follows the product: integers of x^3 would be too coarse for it.
// RUN: sparse-run %t/gelu.mlir --machine spatial --calibrate %t/many.npy --input %t/many.npy --max-error 0.0001 --check --check-images 1 2>&1 | FileCheck %s --check-prefix=GELU
// GELU-NOT: node 'one': its product
// GELU: remark: node 'gelu': its product is no part of a table
// GELU-NOT: node 'one': its product
// GELU: and the whole model: bit-identical to upstream's lowering

// Top-1 is told of one row of scores an image, and of all images of all inputs.
// RUN: %python %S/Inputs/wave.py %t/pairs.npy 3 6 1 1 2
// RUN: sparse-run %t/batch.mlir --machine spatial --calibrate %t/pairs.npy --input %t/pairs.npy --check --check-images 1 | FileCheck %s --check-prefix=BATCH
// BATCH: 3 inputs, 'boxes': {{.*}} of the range{{$}}
// BATCH: 3 inputs, 'scores': {{.*}} of the range, the same top-1 in 6 of 6 images{{$}}

// In one pipe, a warning comes behind the tables that were printed before.
// RUN: sparse-run %t/sigmoid.mlir %{run} --guard-snr 200 --check --check-images 1 2>&1 | FileCheck %s --check-prefix=ORDER
// ORDER: noisiest values
// ORDER: sparse-run: warning:
// ORDER: against the float model

//--- batch.mlir
func.func @main(%x: tensor<2x1x1x2xf32> {sparsity.name = "x"}) -> (tensor<3x2xf32> {sparsity.name = "boxes"}, tensor<2x3xf32> {sparsity.name = "scores"}) {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[-0.25, 1.0]]], [[[0.5, 0.75]]]]> : tensor<3x1x1x2xf32>}> : () -> tensor<3x1x1x2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<2x1x1x2xf32>, tensor<3x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x1x1x3xf32> loc("conv")
  %s = tosa.const_shape {values = dense<[3, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %1 = tosa.reshape %0, %s : (tensor<2x1x1x3xf32>, !tosa.shape<2>) -> tensor<3x2xf32> loc("boxes")
  %t = tosa.const_shape {values = dense<[2, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %2 = tosa.reshape %0, %t : (tensor<2x1x1x3xf32>, !tosa.shape<2>) -> tensor<2x3xf32> loc("scores")
  return %1, %2 : tensor<3x2xf32>, tensor<2x3xf32>
}

//--- floor.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1x32xf32>) {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[-0.25, 1.0]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() <{values = dense<0.0> : tensor<2xf32>}> : () -> tensor<2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %e = "tosa.const"() <{values = dense<0.000001> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("conv")
  %1 = tosa.clamp %0 {min_val = 0.000001 : f32, max_val = 3.40282347E+38 : f32} : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("floor")
  %2 = tosa.log %1 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("log")
  %c = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("conv_1")
  %3 = tosa.clamp %c {min_val = 0.0 : f32, max_val = 3.40282347E+38 : f32} : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("relu")
  %4 = tosa.add %3, %e : (tensor<1x4x4x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x4x2xf32> loc("more")
  %5 = tosa.log %4 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("log_1")
  %6 = tosa.maximum %3, %e : (tensor<1x4x4x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x4x2xf32> loc("most")
  %7 = tosa.log %6 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("log_2")
  %p = "tosa.const"() <{values = dense<[[[[0.5, 0.25]]], [[[0.125, 1.0]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %f = "tosa.const"() <{values = dense<[0.000001, 0.000002]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %8 = tosa.conv2d %3, %p, %f, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("bank")
  %r = tosa.const_shape {values = dense<[1, 32]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %9 = tosa.reshape %8, %r : (tensor<1x4x4x2xf32>, !tosa.shape<2>) -> tensor<1x32xf32> loc("row")
  %10 = tosa.log %9 : (tensor<1x32xf32>) -> tensor<1x32xf32> loc("log_3")
  return %2, %5, %7, %10 : tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1x32xf32>
}

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

//--- sigmoid.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x4x2xf32> {
  %w = "tosa.const"() <{values = dense<[[[[6.0, 0.0]]], [[[0.25, 0.5]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() <{values = dense<[0.0, 0.01]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("conv")
  %1 = tosa.sigmoid %0 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("sigmoid")
  return %1 : tensor<1x4x4x2xf32>
}

//--- silu.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x4x1xf32> {
  %w = "tosa.const"() <{values = dense<[[[[20.0, 0.0]]], [[[0.25, 0.5]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() <{values = dense<[0.0, 0.01]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %s = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("conv")
  %1 = tosa.sigmoid %0 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("sigmoid")
  %2 = tosa.mul %0, %1, %s : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("silu")
  %start = tosa.const_shape {values = dense<[0, 0, 0, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %size = tosa.const_shape {values = dense<[1, 4, 4, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %3 = tosa.slice %2, %start, %size : (tensor<1x4x4x2xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x4x4x1xf32> loc("cut")
  return %3 : tensor<1x4x4x1xf32>
}

//--- twice.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x4x2xf32> {
  %w = "tosa.const"() <{values = dense<[[[[20.0, 0.0]]], [[[0.25, 0.5]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %s = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("conv")
  %c = "tosa.const"() <{values = dense<1.5> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %1 = tosa.mul %0, %c, %s : (tensor<1x4x4x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("wider")
  %2 = tosa.sigmoid %1 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("gate")
  %3 = tosa.sigmoid %0 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("sigmoid")
  %4 = tosa.mul %0, %3, %s : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("silu")
  %5 = tosa.mul %4, %2, %s : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("outer")
  return %5 : tensor<1x4x4x2xf32>
}

//--- gelu.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x4x2xf32> {
  %w = "tosa.const"() <{values = dense<[[[[6.0, 0.0]]], [[[0.25, 0.5]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %s = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("conv")
  %half = "tosa.const"() <{values = dense<0.5> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %cubic = "tosa.const"() <{values = dense<0.044715> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %root = "tosa.const"() <{values = dense<0.797884583> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %unit = "tosa.const"() <{values = dense<1.0> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %1 = tosa.mul %0, %half, %s : (tensor<1x4x4x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("half")
  %2 = tosa.mul %0, %0, %s : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("cube")
  %3 = tosa.mul %2, %0, %s : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("cube")
  %4 = tosa.mul %3, %cubic, %s : (tensor<1x4x4x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("cubic")
  %5 = tosa.add %0, %4 : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("inner")
  %6 = tosa.mul %5, %root, %s : (tensor<1x4x4x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("scaled")
  %7 = tosa.tanh %6 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("tanh")
  %8 = tosa.add %7, %unit : (tensor<1x4x4x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x4x2xf32> loc("one")
  %9 = tosa.mul %1, %8, %s : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("gelu")
  return %9 : tensor<1x4x4x2xf32>
}

//--- zero.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x4x2xf32> {
  %s = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %0 = tosa.max_pool2d %x {kernel = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("pool")
  %1 = tosa.sigmoid %0 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("sigmoid")
  %2 = tosa.mul %0, %1, %s : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("silu")
  return %2 : tensor<1x4x4x2xf32>
}
