// RUN: sparse-opt --sparse-linalg-to-tosa %s | FileCheck %s

// A convolution whose sums start from a broadcast bias, with its pad and the ReLU behind it.
// CHECK-LABEL: func.func @conv
// CHECK-DAG: %[[BIAS:.*]] = "tosa.const"() <{values = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>}>
// CHECK-DAG: %[[W:.*]] = "tosa.const"() <{values = dense_resource<weights> : tensor<2x3x3x1xf32>}>
// CHECK: %[[CONV:.*]] = tosa.conv2d %arg0, %[[W]], %[[BIAS]], {{.*}} pad = array<i64: 1, 0, 1, 0>, stride = array<i64: 2, 2>}
// CHECK-SAME: -> tensor<1x2x2x2xf32>
// CHECK: tosa.clamp %[[CONV]] {max_val = 3.40282347E+38 : f32, min_val = 0.000000e+00 : f32}
func.func @conv(%x: tensor<1x4x4x1xf32>) -> tensor<1x2x2x2xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<0.5> : tensor<3x3x1x2xf32>
  %b = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %padded = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x4x4x1xf32> to tensor<1x6x6x1xf32>
  %empty = tensor.empty() : tensor<1x2x2x2xf32>
  %bias = linalg.broadcast ins(%b : tensor<2xf32>) outs(%empty : tensor<1x2x2x2xf32>) dimensions = [0, 1, 2]
  %conv = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
    ins(%padded, %w : tensor<1x6x6x1xf32>, tensor<3x3x1x2xf32>) outs(%bias : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %relu = linalg.max ins(%conv, %zeros : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) outs(%empty : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %relu : tensor<1x2x2x2xf32>
}

// A fully connected layer, with the bias added behind it.
// CHECK-LABEL: func.func @fc
// CHECK: tosa.conv2d {{.*}} : (tensor<2x1x1x3xf32>, tensor<4x1x1x3xf32>, tensor<4xf32>, {{.*}}) -> tensor<2x1x1x4xf32>
// CHECK: tosa.reshape {{.*}} -> tensor<2x4xf32>
// CHECK-NOT: linalg
func.func @fc(%x: tensor<2x3xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]]> : tensor<3x4xf32>
  %empty = tensor.empty() : tensor<2x4xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x4xf32>) -> tensor<2x4xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%fill : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// The product of two activations, the second of which its map transposes.
// CHECK-LABEL: func.func @scores
// CHECK: %[[T:.*]] = tosa.transpose %arg1 {perms = array<i32: 0, 2, 1>}
// CHECK: tosa.matmul %arg0, %[[T]]
#a = affine_map<(b, m, n, k) -> (b, m, k)>
#bt = affine_map<(b, m, n, k) -> (b, n, k)>
#o = affine_map<(b, m, n, k) -> (b, m, n)>
func.func @scores(%q: tensor<2x5x4xf32>, %k: tensor<2x6x4xf32>) -> tensor<2x5x6xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x5x6xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x5x6xf32>) -> tensor<2x5x6xf32>
  %0 = linalg.batch_matmul indexing_maps = [#a, #bt, #o] ins(%q, %k : tensor<2x5x4xf32>, tensor<2x6x4xf32>)
    outs(%fill : tensor<2x5x6xf32>) -> tensor<2x5x6xf32>
  return %0 : tensor<2x5x6xf32>
}

// A sum over windows divided by their size is a mean; rows and columns that no window reaches are left out.
// CHECK-LABEL: func.func @mean
// CHECK: %[[USED:.*]] = tosa.slice %arg0, {{.*}} -> tensor<1x4x4x2xf32>
// CHECK: %[[MEAN:.*]] = tosa.avg_pool2d %[[USED]]
// CHECK: return %[[MEAN]]
func.func @mean(%x: tensor<1x5x5x2xf32>) -> tensor<1x2x2x2xf32> {
  %zero = arith.constant 0.0 : f32
  %four = arith.constant 4.0 : f32
  %window = tensor.empty() : tensor<2x2xf32>
  %empty = tensor.empty() : tensor<1x2x2x2xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %sum = linalg.pooling_nhwc_sum {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
    ins(%x, %window : tensor<1x5x5x2xf32>, tensor<2x2xf32>) outs(%fill : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %count = linalg.fill ins(%four : f32) outs(%empty : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %mean = linalg.div ins(%sum, %count : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) outs(%empty : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %mean : tensor<1x2x2x2xf32>
}

// A generic operation that is a named one in disguise.
// CHECK-LABEL: func.func @disguised
// CHECK: tosa.exp %arg0
#id = affine_map<(i, j) -> (i, j)>
func.func @disguised(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %empty = tensor.empty() : tensor<2x3xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<2x3xf32>) outs(%empty : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %e = math.exp %in : f32
    linalg.yield %e : f32
  } -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
