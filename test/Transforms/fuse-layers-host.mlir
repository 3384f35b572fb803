// RUN: sparse-opt %s --sparse-fuse-layers --remarks-filter=sparse-fuse-layers --remark-format=emitRemark 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks

// The model's edges, data movement, float arithmetic and marked functions run on the host; the functions go.

// Conversions at the edges are the host's own, and need no remark.
// REMARK-NOT: runs on the host: {{quantize|dequantize|transpose}}
// REMARK: node 'norm' runs on the host: lrn
// REMARK: node 'half' runs on the host: binary
// REMARK: node 'prob' runs on the host: softmax

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4x4xf32>
func.func @main(%x: tensor<1x2x4x4xf32> {sparsity.name = "data"}) -> (tensor<1x32xf32> {sparsity.name = "prob"}) {
  // CHECK: %[[Q:.*]] = accel.host quantize(%[[X]]) ints [] floats [6.400000e+01] layer "data" value "data.q" : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xi8>
  %inverse = "tosa.const"() <{values = dense<64.0> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %none = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %scaled = tosa.mul %x, %inverse, %none : (tensor<1x2x4x4xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x2x4x4xf32> loc("data")
  %q = tosa.cast %scaled {sparsity.value = "data.q"} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xi8> loc("data")
  // CHECK: %[[T:.*]] = accel.host transpose(%[[Q]]) ints [0, 2, 3, 1] floats [] layer "perm"
  %t = tosa.transpose %q {perms = array<i32: 0, 2, 3, 1>} : (tensor<1x2x4x4xi8>) -> tensor<1x4x4x2xi8> loc("perm")
  // CHECK: %[[SLICED:.*]] = accel.host slice(%[[T]]) ints [0, 1, 0, 0, 1, 2, 4, 2] floats [] layer "crop"
  %start = tosa.const_shape {values = dense<[0, 1, 0, 0]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %size = tosa.const_shape {values = dense<[1, 2, 4, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %sliced = tosa.slice %t, %start, %size : (tensor<1x4x4x2xi8>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x2x4x2xi8> loc("crop")
  // CHECK: %[[PADDED:.*]] = accel.host pad(%[[SLICED]]) ints [0, 2, 0, 0, 0, 0, 0, 0] floats [0.000000e+00] layer "border"
  %amounts = tosa.const_shape {values = dense<[0, 0, 2, 0, 0, 0, 0, 0]> : tensor<8xindex>} : () -> !tosa.shape<8>
  %padded = tosa.pad %sliced, %amounts, %none : (tensor<1x2x4x2xi8>, !tosa.shape<8>, tensor<1xi8>) -> tensor<1x4x4x2xi8> loc("border")
  // CHECK: %[[R:.*]] = accel.host reverse(%[[PADDED]]) ints [2] floats [] layer "flip"
  %r = tosa.reverse %padded {axis = 2 : i32} : (tensor<1x4x4x2xi8>) -> tensor<1x4x4x2xi8> loc("flip")
  // CHECK: %[[F:.*]] = accel.host dequantize(%[[R]]) ints [] floats [1.562500e-02] layer "deq"
  %scale = "tosa.const"() <{values = dense<0.015625> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %float = tosa.cast %r : (tensor<1x4x4x2xi8>) -> tensor<1x4x4x2xf32> loc("deq")
  %f = tosa.mul %float, %scale, %none : (tensor<1x4x4x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("deq")
  // CHECK: %[[L:.*]] = accel.host lrn(%[[F]]) ints [5] floats [1.000000e-04, 7.500000e-01, 1.000000e+00] layer "norm"
  %l = func.call @lrn.0(%f) : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("norm")
  // CHECK: %[[HALF:.*]] = "tosa.const"() <{values = dense<5.0
  // CHECK: %[[M:.*]] = accel.host binary(%[[L]], %[[HALF]]) ints [2] floats [] layer "half"
  %half = "tosa.const"() <{values = dense<0.5> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %m = tosa.mul %l, %half, %none : (tensor<1x4x4x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x4x4x2xf32> loc("half")
  // CHECK: %[[S:.*]] = accel.reshape %[[M]] layer "flatten" value "flatten" : tensor<1x4x4x2xf32> -> tensor<1x32xf32>
  %shape = tosa.const_shape {values = dense<[1, 32]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %s = tosa.reshape %m, %shape : (tensor<1x4x4x2xf32>, !tosa.shape<2>) -> tensor<1x32xf32> loc("flatten")
  // CHECK: %[[P:.*]] = accel.host softmax(%[[S]]) ints [1] floats [] layer "prob" value "prob"
  %p = func.call @softmax.0(%s) {sparsity.value = "prob"} : (tensor<1x32xf32>) -> tensor<1x32xf32> loc("prob")
  // CHECK: return %[[P]]
  return %p : tensor<1x32xf32>
}

// CHECK-NOT: func.func private
func.func private @lrn.0(%x: tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
    attributes {sparsity.host = {kind = "lrn", size = 5 : i64, alpha = 1.0e-4 : f64, beta = 0.75 : f64, bias = 1.0 : f64}} {
  return %x : tensor<1x4x4x2xf32>
}
func.func private @softmax.0(%x: tensor<1x32xf32>) -> tensor<1x32xf32> attributes {sparsity.host = {kind = "softmax", axis = 1 : i64}} {
  return %x : tensor<1x32xf32>
}
