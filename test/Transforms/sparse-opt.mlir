// RUN: sparse-opt %s --canonicalize | FileCheck %s

// The driver knows the dialects of a float model and upstream's clean-ups.
// CHECK-LABEL: func.func @main
// CHECK-NOT: tosa.ceil
// CHECK: tosa.abs
func.func @main(%arg0: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %0 = tosa.ceil %arg0 : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %1 = tosa.abs %arg0 : (tensor<1x4xf32>) -> tensor<1x4xf32>
  return %1 : tensor<1x4xf32>
}
