// Parts of a concatenation that only floats read (an operator on the host, the model's user) keep scales of their own.
// RUN: rm -rf %t && split-file %s %t
// RUN: %python %S/Inputs/wave.py %t/x.npy 3 2 4 4 2
// DEFINE: %{int8} = sparse-opt --sparse-quantize="numerics=int8 calibrate=%t/x.npy"
// DEFINE: %{int16} = sparse-opt --sparse-quantize="numerics=int16 calibrate=%t/x.npy"

// Boxes beside scores, which reach a third of them: in 8 bits there is no bit to give.
// RUN: %{int8} %t/output.mlir | FileCheck %s --check-prefixes=OUTPUT,FLOAT
// RUN: %{int16} %t/output.mlir | FileCheck %s --check-prefixes=OUTPUT,INTEGER
// OUTPUT: sparsity.value = "boxes"
// OUTPUT: sparsity.value = "scores"
// FLOAT: tosa.concat {{.*}} -> tensor<1x4x4x3xf32>
// INTEGER: tosa.concat {{.*}} -> tensor<1x4x4x3xi16>
// RUN: sparse-run %t/output.mlir --machine spatial --numerics int8 --calibrate %t/x.npy --input %t/x.npy --check --out %t/output | FileCheck %s --check-prefix=CHECK
// CHECK: bit-identical to upstream's lowering
// RUN: %python %S/Inputs/guard.py %t/output/stats.json 2 35 | FileCheck %s --check-prefix=CLEAN
// CLEAN: 0 findings
// Levels of a detector in one row: what holds boxes beside much smaller scores takes the row along.
// RUN: %{int16} %t/levels.mlir | FileCheck %s --check-prefix=LEVELS
// LEVELS: tosa.concat {{.*}} -> tensor<1x4x4x3xf32>
// LEVELS: tosa.concat {{.*}} -> tensor<1x4x8x3xf32>
// A convolution that reads it has one scale for all of it.
// RUN: %{int8} %t/read.mlir | FileCheck %s --check-prefix=READ
// READ: tosa.concat {{.*}} -> tensor<1x4x4x3xi8>

// In 8 bits, a narrow part that another convolution reads as well keeps its own scale for that one; in 16 there are bits to spare.
// RUN: %{int8} %t/beside.mlir | FileCheck %s --check-prefix=BESIDE
// RUN: %{int16} %t/beside.mlir | FileCheck %s --check-prefix=SHARED
// BESIDE: %[[OWN:.*]] = tosa.rescale {{.*}}sparsity.value = "scores"
// BESIDE: %[[WIDE:.*]] = tosa.rescale %[[OWN]]{{.*}} -> tensor<1x4x4x1xi8>
// BESIDE: tosa.concat %{{.*}}, %[[WIDE]] {{.*}} -> tensor<1x4x4x3xi8>
// BESIDE: tosa.conv2d %[[OWN]]
// SHARED: %[[OWN:.*]] = tosa.rescale {{.*}}sparsity.value = "scores"
// SHARED: tosa.concat %{{.*}}, %[[OWN]] {{.*}} -> tensor<1x4x4x3xi16>
// RUN: sparse-opt --sparse-quantize="numerics=int8 calibrate=%t/x.npy" --remarks-filter=sparse-quantize --remark-format=emitRemark %t/beside.mlir -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// REMARK: node 'scores' reaches {{[0-9.]+}} and is rescaled for node 'all', whose parts reach {{[0-9.]+}}, as others read it too
// RUN: sparse-run %t/beside.mlir --machine spatial --numerics int8 --calibrate %t/x.npy --input %t/x.npy --check --out %t/beside | FileCheck %s --check-prefix=CHECK

// Octaves of a spectrum, scaled and squared in float: each of them is as wide as it is.
// RUN: %{int16} %t/scaled.mlir | FileCheck %s --check-prefix=SCALED
// SCALED: tosa.concat {{.*}} -> tensor<1x4x4x3xf32>
// SCALED: tosa.mul {{.*}}sparsity.value = "lengths"{{.*}} -> tensor<1x4x4x3xf32>

//--- output.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x4x3xf32> {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[-0.25, 1.0]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %v = "tosa.const"() <{values = dense<[[[[0.3, 0.2]]]]> : tensor<1x1x1x2xf32>}> : () -> tensor<1x1x1x2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("boxes")
  %1 = tosa.conv2d %x, %v, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<1x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x1xf32> loc("scores")
  %2 = tosa.concat %0, %1 {axis = 3 : i32} : (tensor<1x4x4x2xf32>, tensor<1x4x4x1xf32>) -> tensor<1x4x4x3xf32> loc("all")
  return %2 : tensor<1x4x4x3xf32>
}

//--- levels.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x8x3xf32> {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[-0.25, 1.0]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %v = "tosa.const"() <{values = dense<[[[[0.03, 0.02]]]]> : tensor<1x1x1x2xf32>}> : () -> tensor<1x1x1x2xf32>
  %u = "tosa.const"() <{values = dense<[[[[1.0, 0.25]]], [[[-0.5, 1.0]]], [[[0.5, 1.0]]]]> : tensor<3x1x1x2xf32>}> : () -> tensor<3x1x1x2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("boxes")
  %1 = tosa.conv2d %x, %v, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<1x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x1xf32> loc("scores")
  %2 = tosa.concat %0, %1 {axis = 3 : i32} : (tensor<1x4x4x2xf32>, tensor<1x4x4x1xf32>) -> tensor<1x4x4x3xf32> loc("level")
  %3 = tosa.conv2d %x, %u, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<3x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x3xf32> loc("other")
  %4 = tosa.concat %2, %3 {axis = 2 : i32} : (tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>) -> tensor<1x4x8x3xf32> loc("row")
  return %4 : tensor<1x4x8x3xf32>
}

//--- read.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x4x1xf32> {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[-0.25, 1.0]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %v = "tosa.const"() <{values = dense<[[[[0.15, 0.1]]]]> : tensor<1x1x1x2xf32>}> : () -> tensor<1x1x1x2xf32>
  %u = "tosa.const"() <{values = dense<[[[[0.5, 0.1, 0.25]]]]> : tensor<1x1x1x3xf32>}> : () -> tensor<1x1x1x3xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("boxes")
  %1 = tosa.conv2d %x, %v, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<1x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x1xf32> loc("scores")
  %2 = tosa.concat %0, %1 {axis = 3 : i32} : (tensor<1x4x4x2xf32>, tensor<1x4x4x1xf32>) -> tensor<1x4x4x3xf32> loc("all")
  %3 = tosa.conv2d %2, %u, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x3xf32>, tensor<1x1x1x3xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x1xf32> loc("last")
  return %3 : tensor<1x4x4x1xf32>
}

//--- beside.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> (tensor<1x4x4x1xf32>, tensor<1x4x4x1xf32>) {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[-0.25, 1.0]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %v = "tosa.const"() <{values = dense<[[[[0.15, 0.1]]]]> : tensor<1x1x1x2xf32>}> : () -> tensor<1x1x1x2xf32>
  %u = "tosa.const"() <{values = dense<[[[[0.5, 0.1, 0.25]]]]> : tensor<1x1x1x3xf32>}> : () -> tensor<1x1x1x3xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("boxes")
  %1 = tosa.conv2d %x, %v, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<1x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x1xf32> loc("scores")
  %2 = tosa.concat %0, %1 {axis = 3 : i32} : (tensor<1x4x4x2xf32>, tensor<1x4x4x1xf32>) -> tensor<1x4x4x3xf32> loc("all")
  %3 = tosa.conv2d %2, %u, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x3xf32>, tensor<1x1x1x3xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x1xf32> loc("last")
  %t = "tosa.const"() <{values = dense<[[[[2.0]]]]> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %4 = tosa.conv2d %1, %t, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x1xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x1xf32> loc("beside")
  return %3, %4 : tensor<1x4x4x1xf32>, tensor<1x4x4x1xf32>
}

//--- scaled.mlir
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x4x4x1xf32> {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[-0.25, 1.0]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %v = "tosa.const"() <{values = dense<[[[[0.0015, 0.001]]]]> : tensor<1x1x1x2xf32>}> : () -> tensor<1x1x1x2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %s = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %k = "tosa.const"() <{values = dense<[[[[4.0, 2.0, 1.0]]]]> : tensor<1x1x1x3xf32>}> : () -> tensor<1x1x1x3xf32>
  %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("low")
  %1 = tosa.conv2d %x, %v, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<1x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x1xf32> loc("high")
  %2 = tosa.concat %0, %1 {axis = 3 : i32} : (tensor<1x4x4x2xf32>, tensor<1x4x4x1xf32>) -> tensor<1x4x4x3xf32> loc("octaves")
  %3 = tosa.mul %2, %k, %s : (tensor<1x4x4x3xf32>, tensor<1x1x1x3xf32>, tensor<1xi8>) -> tensor<1x4x4x3xf32> loc("lengths")
  %4 = tosa.mul %3, %3, %s : (tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>, tensor<1xi8>) -> tensor<1x4x4x3xf32> loc("square")
  %5 = tosa.reduce_sum %4 {axis = 3 : i32} : (tensor<1x4x4x3xf32>) -> tensor<1x4x4x1xf32> loc("sum")
  %6 = tosa.rsqrt %5 : (tensor<1x4x4x1xf32>) -> tensor<1x4x4x1xf32> loc("root")
  return %6 : tensor<1x4x4x1xf32>
}
