// Modules as torch-mlir exports them: a global seed, @forward, weights that a generic operation turns, numbers of 64 bits, assertions, normalisation in NCHW.
// RUN: sparse-opt --sparse-linalg-to-tosa --split-input-file %s | FileCheck %s

// The turned weights are a constant of the layer, and the bias is its own, whichever map is permuted.
// CHECK-LABEL: func.func @forward
// CHECK-NOT: tosa.transpose
// CHECK: tosa.conv2d {{.*}} -> tensor<2x1x1x4xf32>
// CHECK-NOT: tosa.add
// CHECK: return
#id = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>
#row = affine_map<(d0, d1) -> (d1)>
module attributes {torch.debug_module_name = "Linear"} {
  ml_program.global private mutable @global_seed(dense<0> : tensor<i64>) : tensor<i64>
  func.func @forward(%x: tensor<2x6xf32>) -> tensor<2x4xf32> {
    %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [7.0, 8.0, 9.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0, 8.0, 9.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]> : tensor<4x6xf32>
    %bias = arith.constant dense<[0.5, 1.5, 2.5, 3.5]> : tensor<4xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<6x4xf32>
    %wt = linalg.generic {indexing_maps = [#id, #turned], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<4x6xf32>) outs(%e : tensor<6x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<6x4xf32>
    %o = tensor.empty() : tensor<2x4xf32>
    %f = linalg.fill ins(%zero : f32) outs(%o : tensor<2x4xf32>) -> tensor<2x4xf32>
    %m = linalg.matmul ins(%x, %wt : tensor<2x6xf32>, tensor<6x4xf32>) outs(%f : tensor<2x4xf32>) -> tensor<2x4xf32>
    %r = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%m, %bias : tensor<2x4xf32>, tensor<4xf32>) outs(%o : tensor<2x4xf32>) {
    ^bb0(%in: f32, %b: f32, %out: f32):
      %s = arith.addf %in, %b : f32
      linalg.yield %s : f32
    } -> tensor<2x4xf32>
    return %r : tensor<2x4xf32>
  }
}

// -----

// CHECK-LABEL: func.func @net
// CHECK-NOT: tosa.transpose
// CHECK: tosa.conv2d {{.*}} -> tensor<2x1x1x4xf32>
// CHECK: return
#id = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>
func.func @net(%x: tensor<2x6xf32>) -> tensor<2x4xf32> {
  %w = arith.constant dense<0.25> : tensor<4x6xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<6x4xf32>
  %wt = linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<4x6xf32>) outs(%e : tensor<6x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<6x4xf32>
  %o = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%o : tensor<2x4xf32>) -> tensor<2x4xf32>
  %m = linalg.matmul ins(%x, %wt : tensor<2x6xf32>, tensor<6x4xf32>) outs(%f : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %m : tensor<2x4xf32>
}

// -----

// A normalisation joins the convolution: (c - 1) * rsqrt(3.99999 + 1e-5) * 2 + 4 of weights 0.5 gives weights 0.5, bias 3. An assertion that holds goes.
// CHECK-LABEL: func.func @normalised
// CHECK-NOT: assert
// CHECK-DAG: dense_resource<weights{{.*}}> : tensor<3x1x1x2xf32>
// CHECK-DAG: dense<3.000000e+00> : tensor<3xf32>
// CHECK: tosa.conv2d
// CHECK-NEXT: %[[T:.*]] = tosa.transpose
// CHECK-NEXT: tosa.clamp %[[T]]
// CHECK: return
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#one = affine_map<(d0, d1, d2, d3) -> (0, d1, d2, d3)>
#channel = affine_map<(d0, d1, d2, d3) -> (d1)>
func.func @normalised(%x: tensor<1x2x4x4xf32>) -> tensor<1x3x4x4xf32> {
  %false = arith.constant false
  %w = arith.constant dense<0.5> : tensor<3x2x1x1xf32>
  %gamma = arith.constant dense<[2.0, 2.0, 2.0]> : tensor<3xf32>
  %beta = arith.constant dense<[4.0, 4.0, 4.0]> : tensor<3xf32>
  %mean = arith.constant dense<[1.0, 1.0, 1.0]> : tensor<3xf32>
  %var = arith.constant dense<[3.99999, 3.99999, 3.99999]> : tensor<3xf32>
  %eps = arith.constant 1.0e-05 : f64
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x3x4x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  %c = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>}
    ins(%x, %w : tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>) outs(%f : tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  %same = arith.cmpi eq, %false, %false : i1
  cf.assert %same, "training is not supported for now"
  %n = linalg.generic {indexing_maps = [#map, #channel, #channel, #channel, #channel, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%c, %gamma, %beta, %mean, %var : tensor<1x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) outs(%c : tensor<1x3x4x4xf32>) {
  ^bb0(%in: f32, %g: f32, %b: f32, %m: f32, %v: f32, %out: f32):
    %0 = arith.truncf %eps : f64 to f32
    %1 = arith.addf %v, %0 : f32
    %2 = math.rsqrt %1 : f32
    %3 = arith.subf %in, %m : f32
    %4 = arith.mulf %3, %2 : f32
    %5 = arith.mulf %4, %g : f32
    %6 = arith.addf %5, %b : f32
    linalg.yield %6 : f32
  } -> tensor<1x3x4x4xf32>
  %r = linalg.generic {indexing_maps = [#one, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%n : tensor<1x3x4x4xf32>) outs(%e : tensor<1x3x4x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.cmpf ugt, %in, %zero : f32
    %1 = arith.select %0, %in, %zero : f32
    linalg.yield %1 : f32
  } -> tensor<1x3x4x4xf32>
  return %r : tensor<1x3x4x4xf32>
}

// -----

// A mean over the plane, and a mean over channels that keeps them, by a scalar tensor.
// CHECK-LABEL: func.func @means
// CHECK: tosa.avg_pool2d
// CHECK-NEXT: tosa.transpose
// CHECK-NOT: tosa.mul
// CHECK: %[[S:.*]] = tosa.reduce_sum {{.*}} {axis = 1 : i32}
// CHECK: tosa.mul %[[S]]
// CHECK: return
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#kept = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#none = affine_map<(d0, d1, d2, d3) -> ()>
func.func @means(%x: tensor<1x4x2x2xf32>) -> tensor<1x1x1x1xf32> {
  %zero = arith.constant 0.0 : f32
  %four = arith.constant 4.0 : f32
  %scale = arith.constant dense<2.5e-01> : tensor<f64>
  %window = tensor.empty() : tensor<2x2xf32>
  %e = tensor.empty() : tensor<1x4x1x1xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32>
  %p = linalg.pooling_nchw_sum {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>}
    ins(%x, %window : tensor<1x4x2x2xf32>, tensor<2x2xf32>) outs(%f : tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32>
  %a = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%p : tensor<1x4x1x1xf32>) outs(%e : tensor<1x4x1x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.divf %in, %four : f32
    linalg.yield %0 : f32
  } -> tensor<1x4x1x1xf32>
  %e1 = tensor.empty() : tensor<1x1x1x1xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  %s = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "reduction", "parallel", "parallel"]} ins(%a : tensor<1x4x1x1xf32>) outs(%f1 : tensor<1x1x1x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %in, %out : f32
    linalg.yield %0 : f32
  } -> tensor<1x1x1x1xf32>
  %m = linalg.generic {indexing_maps = [#map, #none, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %scale : tensor<1x1x1x1xf32>, tensor<f64>) outs(%e1 : tensor<1x1x1x1xf32>) {
  ^bb0(%in: f32, %b: f64, %out: f32):
    %0 = arith.truncf %b : f64 to f32
    %1 = arith.mulf %in, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<1x1x1x1xf32>
  return %m : tensor<1x1x1x1xf32>
}

// -----

// TOSA as torch-mlir writes a linear layer.
// CHECK-LABEL: func.func @forward
// CHECK-NOT: tosa.matmul
// CHECK-NOT: tosa.add
// CHECK: tosa.conv2d {{.*}} -> tensor<2x1x1x4xf32>
// CHECK: return
func.func @forward(%x: tensor<2x6xf32>) -> tensor<2x4xf32> {
  %w = "tosa.const"() <{values = dense<0.25> : tensor<4x6xf32>}> : () -> tensor<4x6xf32>
  %b = "tosa.const"() <{values = dense<[[0.5, 1.5, 2.5, 3.5]]> : tensor<1x4xf32>}> : () -> tensor<1x4xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %t = tosa.transpose %w {perms = array<i32: 1, 0>} : (tensor<4x6xf32>) -> tensor<6x4xf32>
  %s3 = tosa.const_shape {values = dense<[1, 6, 4]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %x3 = tosa.const_shape {values = dense<[1, 2, 6]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %o2 = tosa.const_shape {values = dense<[2, 4]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %t3 = tosa.reshape %t, %s3 : (tensor<6x4xf32>, !tosa.shape<3>) -> tensor<1x6x4xf32>
  %r3 = tosa.reshape %x, %x3 : (tensor<2x6xf32>, !tosa.shape<3>) -> tensor<1x2x6xf32>
  %m = tosa.matmul %r3, %t3, %z, %z : (tensor<1x2x6xf32>, tensor<1x6x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x4xf32>
  %r = tosa.reshape %m, %o2 : (tensor<1x2x4xf32>, !tosa.shape<2>) -> tensor<2x4xf32>
  %a = tosa.add %r, %b : (tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  return %a : tensor<2x4xf32>
}
