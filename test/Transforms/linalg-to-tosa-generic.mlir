// RUN: sparse-opt --sparse-linalg-to-tosa --split-input-file %s | FileCheck %s

// What torch-mlir writes for a convolution with a bias, batch normalisation and a ReLU: broadcasts and bodies of several operations.
// CHECK-LABEL: func.func @layer
// The mean and the variance, vectors along the channels, are the convolution's own by now.
// CHECK: tosa.conv2d
// CHECK-NOT: tosa.sub
// CHECK: tosa.mul {{.*}}tensor<1x1x1x1xf32>
// CHECK-NOT: tosa.mul
// CHECK: tosa.add
// CHECK: %[[Y:.*]] = tosa.clamp {{.*}}min_val = 0.000000e+00
// CHECK: return
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#channel = affine_map<(d0, d1, d2, d3) -> (d3)>
func.func @layer(%x: tensor<1x4x4x2xf32>) -> tensor<1x4x4x3xf32> {
  %w = arith.constant dense<0.5> : tensor<1x1x2x3xf32>
  %mean = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %var = arith.constant dense<[0.5, 0.25, 0.125]> : tensor<3xf32>
  %beta = arith.constant dense<[4.0, 5.0, 6.0]> : tensor<3xf32>
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2.0 : f32
  %empty = tensor.empty() : tensor<1x4x4x3xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32>
  %c = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x4x4x2xf32>, tensor<1x1x2x3xf32>) outs(%filled : tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32>
  %n = linalg.generic {indexing_maps = [#map, #channel, #channel, #channel, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%c, %mean, %var, %beta : tensor<1x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) outs(%empty : tensor<1x4x4x3xf32>) {
  ^bb0(%in: f32, %m: f32, %v: f32, %b: f32, %out: f32):
    %0 = arith.subf %in, %m : f32
    %1 = arith.mulf %0, %v : f32
    %2 = arith.mulf %1, %two : f32
    %3 = arith.addf %2, %b : f32
    linalg.yield %3 : f32
  } -> tensor<1x4x4x3xf32>
  %r = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%n : tensor<1x4x4x3xf32>) outs(%empty : tensor<1x4x4x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.cmpf ugt, %in, %zero : f32
    %1 = arith.select %0, %in, %zero : f32
    linalg.yield %1 : f32
  } -> tensor<1x4x4x3xf32>
  return %r : tensor<1x4x4x3xf32>
}

// -----

// A number in the body, and a sigmoid.
// CHECK-LABEL: func.func @sigmoid
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
// CHECK: %[[N:.*]] = tosa.mul %[[X]]
// CHECK: %[[E:.*]] = tosa.exp %[[N]]
// CHECK: %[[S:.*]] = tosa.add %[[E]]
// CHECK: tosa.reciprocal %[[S]]
#map = affine_map<(d0, d1) -> (d0, d1)>
func.func @sigmoid(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %empty = tensor.empty() : tensor<2x3xf32>
  %0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<2x3xf32>) outs(%empty : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %one = arith.constant 1.0 : f32
    %1 = arith.negf %in : f32
    %2 = math.exp %1 : f32
    %3 = arith.addf %2, %one : f32
    %4 = arith.divf %one, %3 : f32
    linalg.yield %4 : f32
  } -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// A map, and a choice that is a minimum.
// CHECK-LABEL: func.func @map
// CHECK: tosa.clamp {{.*}}max_val = 6.000000e+00
func.func @map(%x: tensor<4xf32>) -> tensor<4xf32> {
  %six = arith.constant 6.0 : f32
  %empty = tensor.empty() : tensor<4xf32>
  %0 = linalg.map ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) (%in: f32, %out: f32) {
    %1 = arith.cmpf olt, %in, %six : f32
    %2 = arith.select %1, %in, %six : f32
    linalg.yield %2 : f32
  }
  return %0 : tensor<4xf32>
}

// -----

// Operands that are transposed, repeated along a loop, and repeated from an extent of 1.
// CHECK-LABEL: func.func @orders
// CHECK-SAME: (%[[X:.*]]: tensor<3x2xf32>, %[[Y:.*]]: tensor<3xf32>, %[[Z:.*]]: tensor<2x1xf32>)
// CHECK-DAG: tosa.transpose %[[X]] {perms = array<i32: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
// CHECK-DAG: tosa.reshape %[[Y]], {{.*}} -> tensor<1x3xf32>
// CHECK: %[[SUM:.*]] = tosa.add
// CHECK: %[[COLUMN:.*]] = tosa.reshape {{.*}} -> tensor<2x1xf32>
// CHECK: tosa.maximum %[[SUM]], %[[COLUMN]]
#map = affine_map<(d0, d1) -> (d0, d1)>
func.func @orders(%x: tensor<3x2xf32>, %y: tensor<3xf32>, %z: tensor<2x1xf32>) -> tensor<2x3xf32> {
  %empty = tensor.empty() : tensor<2x3xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, 0)>, #map],
    iterator_types = ["parallel", "parallel"]} ins(%x, %y, %z : tensor<3x2xf32>, tensor<3xf32>, tensor<2x1xf32>) outs(%empty : tensor<2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %out: f32):
    %1 = arith.addf %a, %b : f32
    %2 = arith.maximumf %1, %c : f32
    linalg.yield %2 : f32
  } -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
