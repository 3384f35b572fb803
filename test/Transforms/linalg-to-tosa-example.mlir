// The example of the pass's description.
// RUN: sparse-opt --sparse-linalg-to-tosa %s | FileCheck %s

func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %empty = tensor.empty() : tensor<2x3xf32>
  %0 = linalg.exp ins(%x : tensor<2x3xf32>) outs(%empty : tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: %[[R:.*]] = tosa.exp %[[X:.*]] : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
