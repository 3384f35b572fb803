// RUN: sparse-opt %s --split-input-file --sparse-quantize="numerics=int8 default-range=1.27" | FileCheck %s --check-prefixes=CHECK,INT8
// RUN: sparse-opt %s --split-input-file --sparse-quantize="numerics=int16 default-range=1.27" | FileCheck %s --check-prefixes=CHECK,INT16

// By hand, for int8: activations have scale 1.27 / 127 = 0.01. Channel 0: scale 0.01, weights 127 and -64 (-63.5, to even); bias 0.5 / 1e-4 = 5000; rescale
// by 0.01 = 1374389535 * 2^-37 (the weights are floats, so nearly that). Channel 1: scale 0.02, weights 127 and 0; bias -0.2 / 2e-4; rescale by 0.02.

// INT8: module attributes {sparsity.numerics = "int8", sparsity.scales = {conv1 = 1.000000e-02 : f64, data.1 = 1.000000e-02 : f64, data.quantized = 1.000000e-02 : f64, relu1 = 1.000000e-02 : f64, relu1.1 = 1.000000e-02 : f64}}
// INT16: module attributes {sparsity.numerics = "int16"
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[ARG:.*]]: tensor<1x2x3x3xf32> {sparsity.name = "data"}) -> (tensor<1x2x3x3xf32> {sparsity.name = "out"})
// INT8: %[[INVERSE:.*]] = "tosa.const"() <{values = dense<1.000000e+02> : tensor<1x1x1x1xf32>}>
// CHECK: %[[SCALED:.*]] = tosa.mul %[[ARG]]
// INT8: %[[Q:.*]] = tosa.cast %[[SCALED]] {sparsity.value = "data.quantized"} : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xi8>
// INT8: %[[X:.*]] = tosa.transpose %[[Q]] {perms = array<i32: 0, 2, 3, 1>, sparsity.value = "data.1"} : (tensor<1x2x3x3xi8>) -> tensor<1x3x3x2xi8>
// INT8: dense_resource<conv1.weight> : tensor<2x1x1x2xi8>
// INT8: %[[BIAS:.*]] = "tosa.const"() <{values = dense<[5000, -1000]> : tensor<2xi32>}>
// INT8: %[[SUM:.*]] = tosa.conv2d %[[X]], %{{.*}}, %[[BIAS]], %{{.*}}, %{{.*}} {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
// INT8-SAME: -> tensor<1x3x3x2xi32>
// INT8: %[[MULTIPLIER:.*]] = "tosa.const"() <{values = dense<13743895{{[0-9]+}}> : tensor<2xi32>}>
// INT8: %[[SHIFT:.*]] = "tosa.const"() <{values = dense<[37, 36]> : tensor<2xi8>}>
// INT8: %[[Y:.*]] = tosa.rescale %[[SUM]], %[[MULTIPLIER]], %[[SHIFT]]
// INT8-SAME: per_channel = true, rounding_mode = SINGLE_ROUND, scale32 = true, sparsity.value = "conv1"
// INT8-SAME: -> tensor<1x3x3x2xi8>
// INT8: tosa.clamp %[[Y]] {max_val = 127 : i8, min_val = 0 : i8, sparsity.value = "relu1"}
// INT16: tosa.cast %[[SCALED]] {sparsity.value = "data.quantized"} : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xi16>
// INT16: dense_resource<conv1.weight> : tensor<2x1x1x2xi16>
// INT16: %[[SUM:.*]] = tosa.conv2d {{.*}}acc_type = i48
// INT16-SAME: tensor<2xi48>, tensor<1xi16>, tensor<1xi16>) -> tensor<1x3x3x2xi48>
// INT16: tosa.rescale %[[SUM]]
// INT16-SAME: scale32 = false, sparsity.value = "conv1"
// INT16-SAME: tensor<2xi16>, tensor<2xi8>, tensor<1xi48>, tensor<1xi16>) -> tensor<1x3x3x2xi16>
// INT16: tosa.clamp {{.*}} {max_val = 32767 : i16, min_val = 0 : i16, sparsity.value = "relu1"}
// CHECK: %[[BACK:.*]] = tosa.transpose
// CHECK: %[[REAL:.*]] = tosa.cast %[[BACK]]
// CHECK: %[[OUT:.*]] = tosa.mul %[[REAL]], {{.*}} {sparsity.value = "relu1.1.real"}
// CHECK: return %[[OUT]]
func.func @main(%arg0: tensor<1x2x3x3xf32> {sparsity.name = "data"}) -> (tensor<1x2x3x3xf32> {sparsity.name = "out"}) {
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %w = "tosa.const"() {values = dense<[[[[1.27, -0.635]]], [[[2.54, 0.0]]]]> : tensor<2x1x1x2xf32>} : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() {values = dense<[0.5, -0.2]> : tensor<2xf32>} : () -> tensor<2xf32>
  %x = tosa.transpose %arg0 {perms = array<i32: 0, 2, 3, 1>} : (tensor<1x2x3x3xf32>) -> tensor<1x3x3x2xf32> loc("data")
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
    (tensor<1x3x3x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x3x3x2xf32> loc("conv1")
  %1 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 0x7F800000 : f32} : (tensor<1x3x3x2xf32>) -> tensor<1x3x3x2xf32> loc("relu1")
  %2 = tosa.transpose %1 {perms = array<i32: 0, 3, 1, 2>} : (tensor<1x3x3x2xf32>) -> tensor<1x2x3x3xf32> loc("relu1")
  return %2 : tensor<1x2x3x3xf32>
}
// INT8: conv1.weight: "0x010000007FC07F00"
// Zero stays zero in 16 bits too.
// INT16: conv1.weight: "0x02000000FF7F01C0FF7F0000"

// -----

// Concat operands, pools and what moves values share a scale: nothing is rescaled between them, and the wider range wins.

// CHECK: sparsity.scales = {
// INT8-SAME: average = 1.000000e-02 : f64, cat = 1.000000e-02 : f64, {{.*}}low = 1.000000e-02 : f64, pool = 1.000000e-02 : f64
// CHECK-LABEL: func.func @main
// CHECK-NOT: tosa.rescale
// CHECK: %[[LOW:.*]] = tosa.clamp {{.*}} {max_val =
// INT8-SAME: 50 : i8, min_val = 0 : i8
// CHECK-SAME: sparsity.value = "low"
// CHECK: %[[CAT:.*]] = tosa.concat {{.*}}, %[[LOW]] {axis = 3 : i32, sparsity.value = "cat"}
// CHECK: %[[POOL:.*]] = tosa.max_pool2d %[[CAT]] {kernel = array<i64: 2, 2>
// INT8-SAME: -> tensor<1x2x2x4xi8>
// CHECK: tosa.avg_pool2d %[[POOL]], {{.*}} {acc_type = i32
// CHECK: return
func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> tensor<1x1x1x4xf32> {
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.clamp %x {min_val = 0.0 : f32, max_val = 0.5 : f32} : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> loc("low")
  %1 = tosa.concat %x, %0 {axis = 3 : i32} : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>) -> tensor<1x4x4x4xf32> loc("cat")
  %2 = tosa.max_pool2d %1 {kernel = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>} : (tensor<1x4x4x4xf32>) -> tensor<1x2x2x4xf32> loc("pool")
  %3 = tosa.avg_pool2d %2, %z, %z {acc_type = f32, kernel = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
    (tensor<1x2x2x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x4xf32> loc("average")
  return %3 : tensor<1x1x1x4xf32>
}

// -----

// A residual add at a common scale with headroom (20 bits in int8, 14 in int16), a product with a constant as one rescale, a product of two, and tables.

// CHECK-LABEL: func.func @main
// INT8: %[[OTHER:.*]] = tosa.max_pool2d {{.*}}sparsity.value = "other"
// INT8: %[[POOL:.*]] = tosa.max_pool2d {{.*}}sparsity.value = "pool"
// INT8: %[[SIG:.*]] = tosa.table %[[POOL]], %{{.*}} {sparsity.value = "sig"} : (tensor<1x2x2x2xi8>, tensor<256xi8>) -> tensor<1x2x2x2xi8>
// INT8: tosa.rescale %[[OTHER]], {{.*}} -> tensor<1x2x2x2xi32>
// INT8: tosa.rescale %[[SIG]], {{.*}} -> tensor<1x2x2x2xi32>
// INT8: %[[ADD:.*]] = tosa.add {{.*}} -> tensor<1x2x2x2xi32>
// INT8: %[[SUM:.*]] = tosa.rescale %[[ADD]], {{.*}}sparsity.value = "add"{{.*}} -> tensor<1x2x2x2xi8>
// INT8: %[[MUL:.*]] = tosa.mul %[[SUM]], %[[SIG]], {{.*}} -> tensor<1x2x2x2xi32>
// INT8: %[[PRODUCT:.*]] = tosa.rescale %[[MUL]], {{.*}}sparsity.value = "mul"
// INT8: %[[HALF:.*]] = tosa.rescale %[[PRODUCT]], {{.*}}scale32 = true, sparsity.value = "half"{{.*}} (tensor<1x2x2x2xi8>, {{.*}} -> tensor<1x2x2x2xi8>
// INT8: tosa.rescale %[[HALF]]
// INT8: tosa.sub
// INT16: %[[TABLE:.*]] = tosa.table {{.*}} : (tensor<1x2x2x2xi16>, tensor<513xi16>) -> tensor<1x2x2x2xi32>
// INT16: %[[M:.*]] = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}>
// INT16: %[[S:.*]] = "tosa.const"() <{values = dense<37> : tensor<1xi8>}>
// INT16: tosa.rescale %[[TABLE]], %[[M]], %[[S]], {{.*}}sparsity.value = "sig"{{.*}} -> tensor<1x2x2x2xi16>
func.func @main(%x: tensor<1x2x2x2xf32> {sparsity.name = "x"}, %y: tensor<1x2x2x2xf32> {sparsity.name = "y"}) -> tensor<1x2x2x2xf32> {
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %other = tosa.max_pool2d %y {kernel = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("other")
  %half = "tosa.const"() {values = dense<0.5> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %c = "tosa.const"() {values = dense<[[[[0.5, -1.0]]]]> : tensor<1x1x1x2xf32>} : () -> tensor<1x1x1x2xf32>
  %0 = tosa.max_pool2d %x {kernel = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("pool")
  %1 = tosa.sigmoid %0 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("sig")
  %2 = tosa.add %other, %1 : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("add")
  %3 = tosa.mul %2, %1, %shift : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1xi8>) -> tensor<1x2x2x2xf32> loc("mul")
  %4 = tosa.mul %3, %half, %shift : (tensor<1x2x2x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x2x2x2xf32> loc("half")
  %5 = tosa.sub %4, %c : (tensor<1x2x2x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x2x2x2xf32> loc("sub")
  return %5 : tensor<1x2x2x2xf32>
}

// -----

// A float host operator gets floats; what moves its result stays in float; what the accelerator computes next is quantised again.

// CHECK: func.func private @softmax.0
// CHECK-LABEL: func.func @main
// CHECK: tosa.matmul {{.*}} -> tensor<1x2x2x
// INT8-SAME: i32>
// INT16-SAME: i48>
// CHECK: %[[P:.*]] = tosa.rescale {{.*}}sparsity.value = "scores"
// CHECK: %[[R:.*]] = tosa.cast %[[P]]
// CHECK: %[[F:.*]] = tosa.mul %[[R]], {{.*}}sparsity.value = "scores.real"
// CHECK: %[[E:.*]] = call @softmax.0(%[[F]]) {sparsity.value = "softmax"}
// CHECK: %[[T:.*]] = tosa.reverse %[[E]] {axis = 1 : i32, sparsity.value = "flip"} : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
// CHECK: tosa.cast {{.*}} {sparsity.value = "flip.quantized"}
// CHECK: tosa.matmul
// CHECK: sparsity.value = "values"
func.func private @softmax.0(%x: tensor<1x2x2xf32>) -> tensor<1x2x2xf32> attributes {sparsity.host = {axis = 2 : i64, kind = "softmax"}} {
  %0 = tosa.exp %x : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  return %0 : tensor<1x2x2xf32>
}
func.func @main(%x: tensor<1x2x2xf32> {sparsity.name = "x"}) -> tensor<1x2x2xf32> {
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.matmul %x, %x, %z, %z : (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2xf32> loc("scores")
  %1 = call @softmax.0(%0) : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32> loc("softmax")
  %2 = tosa.reverse %1 {axis = 1 : i32} : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32> loc("flip")
  %3 = tosa.matmul %2, %x, %z, %z : (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2xf32> loc("values")
  return %3 : tensor<1x2x2xf32>
}

// -----

// A chain that is a curved function of one value is one table, by the name of its last op: here x * sigmoid(x), at codes
// -128, -127, ... of scale 0.01. A mean is a float, and what subtracts it from a whole row stays one, too.

// CHECK-LABEL: func.func @main
// CHECK: %[[POOL:.*]] = tosa.max_pool2d
// INT8: %[[TABLE:.*]] = "tosa.const"() <{values = dense<"0xE4E4E4{{.*}}"> : tensor<256xi8>
// INT16: %[[TABLE:.*]] = "tosa.const"() <{values = dense<{{.*}}> : tensor<513xi16>
// CHECK: tosa.table %[[POOL]], %[[TABLE]]
// CHECK-NOT: tosa.sigmoid
// CHECK: sparsity.value = "silu.real"
// CHECK: tosa.reduce_sum {{.*}} -> tensor<1x2x1x2xf32>
// CHECK: tosa.sub {{.*}} -> tensor<1x2x2x2xf32>
func.func @main(%x: tensor<1x2x2x2xf32> {sparsity.name = "x"}) -> tensor<1x2x2x2xf32> {
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %half = "tosa.const"() {values = dense<0.5> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %0 = tosa.max_pool2d %x {kernel = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("pool")
  %1 = tosa.sigmoid %0 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> loc("sig")
  %2 = tosa.mul %0, %1, %shift : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1xi8>) -> tensor<1x2x2x2xf32> loc("silu")
  %3 = tosa.reduce_sum %2 {axis = 2 : i32} : (tensor<1x2x2x2xf32>) -> tensor<1x2x1x2xf32> loc("sum")
  %4 = tosa.mul %3, %half, %shift : (tensor<1x2x1x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x2x1x2xf32> loc("mean")
  %5 = tosa.sub %2, %4 : (tensor<1x2x2x2xf32>, tensor<1x2x1x2xf32>) -> tensor<1x2x2x2xf32> loc("centred")
  return %5 : tensor<1x2x2x2xf32>
}
