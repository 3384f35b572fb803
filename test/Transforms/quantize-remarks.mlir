// RUN: sparse-opt %s --split-input-file --remarks-filter="sparse-quantize" --sparse-quantize="numerics=int8 default-range=1.27" 2>&1 >/dev/null | FileCheck %s
// RUN: sparse-opt %s --split-input-file --sparse-quantize="numerics=int8 default-range=1.27" | FileCheck %s --check-prefix=IR

// The model's own scales are kept where zero maps to 0: no remark.
// IR: sparsity.scales = {conv1 = 5.000000e-02 : f64, x.quantized = 2.500000e-02 : f64}
// IR: conv1.weight: "0x01000000057F"
module {
  func.func @main(%x: tensor<1x2x2x1xf32> {sparsity.name = "x", sparsity.act_scale = 2.5e-2 : f64, sparsity.act_zero_point = 0 : i64}) -> tensor<1x2x2x2xf32> {
    %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %w = "tosa.const"() {values = dense<[[[[0.625]]], [[[63.5]]]]> : tensor<2x1x1x1xf32>,
      sparsity.quant = {scale = array<f32: 0.125, 0.5>, zero_point = array<i64: 0, 0>, axis = 0 : i64}} : () -> tensor<2x1x1x1xf32>
    %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>,
      sparsity.act_scale = 5.0e-2 : f64, sparsity.act_zero_point = 0 : i64} :
      (tensor<1x2x2x1xf32>, tensor<2x1x1x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32> loc("conv1")
    return %0 : tensor<1x2x2x2xf32>
  }
}

// -----

// CHECK: the model's own scale is not kept: zero maps to 7, not to 0
// CHECK: node 'conv2': the weights' own scales are not kept: zero does not map to 0
module {
  func.func @main(%x: tensor<1x2x2x1xf32> {sparsity.name = "x", sparsity.act_scale = 2.5e-2 : f64, sparsity.act_zero_point = 7 : i64}) -> tensor<1x2x2x1xf32> {
    %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %w = "tosa.const"() {values = dense<0.625> : tensor<1x1x1x1xf32>,
      sparsity.quant = {scale = array<f32: 0.125>, zero_point = array<i64: 3>, axis = -1 : i64}} : () -> tensor<1x1x1x1xf32>
    %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
      (tensor<1x2x2x1xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x1xf32> loc("conv2")
    return %0 : tensor<1x2x2x1xf32>
  }
}

// -----

// Codes of 16 bits, or unsigned ones that go beyond 127, are none of int8's own; those of a clamp that ends below are.
// CHECK: the model's own scale is not kept: its codes are uint8 and do not fit 8 signed bits
// CHECK: the model's own scale is not kept: its codes are int16 and do not fit 8 signed bits
// CHECK-NOT: not kept
// IR: sparsity.scales = {low = 2.500000e-02 : f64, pool = 2.500000e-02 : f64, v.quantized = 1.000000e-02 : f64, wide = 1.000000e-02 : f64, x.quantized = 1.000000e-02 : f64
module {
  func.func @main(%x: tensor<1x2x2x1xf32> {sparsity.name = "x", sparsity.act_scale = 2.5e-2 : f64, sparsity.act_zero_point = 0 : i64, sparsity.act_type = ui8},
                  %y: tensor<1x2x2x1xf32> {sparsity.name = "y"}, %v: tensor<1x2x2x1xf32> {sparsity.name = "v"}) -> (tensor<1x2x2x1xf32>, tensor<1x2x2x1xf32>) {
    %0 = tosa.max_pool2d %v {kernel = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>, sparsity.act_scale = 1.0e-5 : f64,
      sparsity.act_zero_point = 0 : i64, sparsity.act_type = si16} : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32> loc("wide")
    %1 = tosa.max_pool2d %y {kernel = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32> loc("pool")
    %2 = tosa.clamp %1 {min_val = 0.0 : f32, max_val = 3.0 : f32, sparsity.act_scale = 2.5e-2 : f64, sparsity.act_zero_point = 0 : i64, sparsity.act_type = ui8} :
      (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32> loc("low")
    return %0, %2 : tensor<1x2x2x1xf32>, tensor<1x2x2x1xf32>
  }
}

// -----

// A bias that would leave the 32-bit sums coarsens the channel's weights; sums that could wrap raise the output's scale.
// CHECK: node 'conv3': scale raised from {{.*}}, as its largest possible sums would wrap in 32 bits
// CHECK: node 'conv3': the weights of 1 of 1 channels are coarsened so that their biases fit 32-bit sums
module {
  func.func @main(%x: tensor<1x2x2x1xf32> {sparsity.name = "x"}) -> tensor<1x2x2x1xf32> {
    %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %b = "tosa.const"() {values = dense<1.0e9> : tensor<1xf32>} : () -> tensor<1xf32>
    %w = "tosa.const"() {values = dense<1.27> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
    %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
      (tensor<1x2x2x1xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x1xf32> loc("conv3")
    return %0 : tensor<1x2x2x1xf32>
  }
}

// -----

// Sums over so many weights could leave 32 bits: the channel is coarsened until they cannot.
// CHECK: node 'wide': the sums of channel 0 could reach {{[0-9]+}}, which does not fit 32 bits; its weights are coarsened
module {
  func.func @main(%x: tensor<1x1x1x140000xf32> {sparsity.name = "x"}) -> tensor<1x1x1x1xf32> {
    %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %w = "tosa.const"() {values = dense<0.01> : tensor<1x1x1x140000xf32>} : () -> tensor<1x1x1x140000xf32>
    %0 = tosa.conv2d %x, %w, %z, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
      (tensor<1x1x1x140000xf32>, tensor<1x1x1x140000xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x1xf32> loc("wide")
    return %0 : tensor<1x1x1x1xf32>
  }
}
