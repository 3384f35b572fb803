// What a logarithm, a root or a reciprocal reads stays in float from the square (or its like) on, as small values of it
// would have the step of wide ones. Squares that nothing asks so much of are integers.
// RUN: sparse-opt %s --split-input-file --sparse-quantize="numerics=int16 default-range=1" | FileCheck %s
// RUN: sparse-opt %s --split-input-file --sparse-quantize="numerics=int8 default-range=1" | FileCheck %s
// RUN: sparse-opt %s --split-input-file --remarks-filter="sparse-quantize" --sparse-quantize="numerics=int16 default-range=1" 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// A power spectrum in decibels: the products, their sum and what only moves it.
// REMARK: node 'view': stays in float, as node 'log' asks how small its values are beside each other
// REMARK: node 'power': stays in float, as node 'log' asks
// REMARK: node 'square': stays in float, as node 'log' asks
// REMARK: node 'square_1': stays in float, as node 'log' asks
// CHECK-LABEL: func.func @main
// CHECK: tosa.conv2d {{.*}} -> tensor<1x2x2x2xi{{32|48}}>
// CHECK: tosa.mul {{.*}}sparsity.value = "square"{{.*}} -> tensor<1x2x2x2xf32>
// CHECK: tosa.mul {{.*}}sparsity.value = "square_1"{{.*}} -> tensor<1x2x2x2xf32>
// CHECK: tosa.add {{.*}} -> tensor<1x2x2x2xf32>
// CHECK: tosa.reshape {{.*}} -> tensor<1x4x2xf32>
// CHECK: tosa.log
module {
  func.func @main(%x: tensor<1x2x2x2xf32> {sparsity.name = "x"}) -> tensor<1x4x2xf32> {
    %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %s = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
    %w = "tosa.const"() {values = dense<[[[[0.5, 0.25]]], [[[0.25, -0.5]]]]> : tensor<2x1x1x2xf32>} : () -> tensor<2x1x1x2xf32>
    %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
      (tensor<1x2x2x2xf32>, tensor<2x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32> loc("real")
    %1 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
      (tensor<1x2x2x2xf32>, tensor<2x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32> loc("imag")
    %2 = tosa.mul %0, %0, %s : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1xi8>) -> tensor<1x2x2x2xf32> loc("square")
    %3 = tosa.mul %1, %1, %s : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1xi8>) -> tensor<1x2x2x2xf32> loc("square_1")
    %4 = tosa.add %2, %3 : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("power")
    %shape = tosa.const_shape {values = dense<[1, 4, 2]> : tensor<3xindex>} : () -> !tosa.shape<3>
    %5 = tosa.reshape %4, %shape : (tensor<1x2x2x2xf32>, !tosa.shape<3>) -> tensor<1x4x2xf32> loc("view")
    %6 = tosa.log %5 : (tensor<1x4x2xf32>) -> tensor<1x4x2xf32> loc("log")
    return %6 : tensor<1x4x2xf32>
  }
}

// -----

// A chain that would be a table, behind a reduction: the root of a mean square.
// REMARK: node 'square': stays in float, as node 'root' asks
// CHECK-LABEL: func.func @main
// CHECK: tosa.max_pool2d {{.*}}i{{8|16}}>
// CHECK-NOT: tosa.table
// CHECK: tosa.pow {{.*}}f32>
// CHECK-NOT: tosa.table
module {
  func.func @main(%x: tensor<1x2x2x2xf32> {sparsity.name = "x"}) -> tensor<1x2x2x1xf32> {
    %two = "tosa.const"() {values = dense<2.0> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
    %0 = tosa.max_pool2d %x {kernel = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("pool")
    %1 = tosa.pow %0, %two : (tensor<1x2x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x2x2x2xf32> loc("square")
    %2 = tosa.reduce_sum %1 {axis = 3 : i32} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x1xf32> loc("sum")
    %3 = tosa.rsqrt %2 : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32> loc("root")
    return %3 : tensor<1x2x2x1xf32>
  }
}

// -----

// A gate before a normalisation is an integer: the mean that is taken off the row hides how small its values are. So is
// a square that a contraction reads.
// REMARK-NOT: stays in float
// CHECK-LABEL: func.func @main
// CHECK: tosa.mul {{.*}} -> tensor<1x2x2x2xi32>
// CHECK: tosa.rescale {{.*}}sparsity.value = "gate"
// CHECK: tosa.rescale {{.*}}sparsity.value = "plain"
module {
  func.func @main(%x: tensor<1x2x2x2xf32> {sparsity.name = "x"}) -> (tensor<1x2x2x1xf32>, tensor<1x2x2x2xf32>) {
    %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %s = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
    %w = "tosa.const"() {values = dense<[[[[0.5, 0.25]]], [[[0.25, -0.5]]]]> : tensor<2x1x1x2xf32>} : () -> tensor<2x1x1x2xf32>
    %0 = tosa.max_pool2d %x {kernel = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("pool")
    %1 = tosa.conv2d %0, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
      (tensor<1x2x2x2xf32>, tensor<2x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32> loc("conv")
    %2 = tosa.mul %0, %1, %s : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1xi8>) -> tensor<1x2x2x2xf32> loc("gate")
    %3 = tosa.reduce_sum %2 {axis = 3 : i32} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x1xf32> loc("mean")
    %4 = tosa.sub %2, %3 : (tensor<1x2x2x2xf32>, tensor<1x2x2x1xf32>) -> tensor<1x2x2x2xf32> loc("centred")
    %5 = tosa.mul %4, %4, %s : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1xi8>) -> tensor<1x2x2x2xf32> loc("variance")
    %6 = tosa.reduce_sum %5 {axis = 3 : i32} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x1xf32> loc("sum")
    %7 = tosa.rsqrt %6 : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32> loc("deviation")
    %8 = tosa.mul %1, %0, %s : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1xi8>) -> tensor<1x2x2x2xf32> loc("plain")
    %9 = tosa.conv2d %8, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
      (tensor<1x2x2x2xf32>, tensor<2x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32> loc("last")
    return %7, %9 : tensor<1x2x2x1xf32>, tensor<1x2x2x2xf32>
  }
}
