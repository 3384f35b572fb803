// RUN: sparse-opt %s --sparse-select-encoding=machine=eyeriss | FileCheck %s
// RUN: sparse-opt %s --sparse-select-encoding="machine=eyeriss relu-density=0.95" | FileCheck %s --check-prefix=DENSE
// RUN: sparse-opt %s --sparse-select-encoding=machine=cnvlutin | FileCheck %s --check-prefix=CNVLUTIN
// RUN: sparse-opt %s --sparse-select-encoding=machine=eyeriss --remarks-filter=sparse-select-encoding --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// A machine that takes compressed weights too.
// RUN: rm -rf %t && mkdir -p %t/machines && cp -r %source/energy %t/energy
// RUN: sed 's/b: {dram: \[dense\]/b: {dram: [bitmask, dense]/' %source/machines/eyeriss.yaml > %t/machines/weights.yaml
// RUN: sparse-opt %s --sparse-select-encoding=machine=%t/machines/weights.yaml | FileCheck %s --check-prefix=WEIGHTS

// REMARK: remark: {{.*}}result of 'conv2' is stored as eyeriss-rlc: {{[0-9]+}} bits against 32768

// Cnvlutin's bricks live in its memory, DRAM is dense.
// CNVLUTIN-NOT: #sparsity.encoding

module attributes {sparsity.densities = {relu1 = 0.3 : f64, conv3 = 0.99 : f64}} {
  // CHECK-LABEL: func.func @main
  // WEIGHTS-LABEL: func.func @main
  func.func @main(%x: tensor<1x8x8x16xi16>) -> tensor<1x8x8x16xi16> {
    %zeros = "tosa.const"() <{values = dense<0> : tensor<32x1x1x16xi16>}> : () -> tensor<32x1x1x16xi16>
    %ones = "tosa.const"() <{values = dense<1> : tensor<32x1x1x32xi16>}> : () -> tensor<32x1x1x32xi16>
    %last = "tosa.const"() <{values = dense<1> : tensor<16x1x1x32xi16>}> : () -> tensor<16x1x1x32xi16>
    // Zeros are worth a mask; ones are not.
    // WEIGHTS: %[[E:.*]] = sparsity.encode %{{.*}} : tensor<32x1x1x16xi16> to tensor<32x1x1x16xi16, #sparsity.encoding<bitmask>>
    // WEIGHTS-NOT: sparsity.encode
    // WEIGHTS: accel.contraction conv %arg0, %[[E]]
    // Calibrated at 30%.
    // CHECK: accel.contraction conv {{.*}} value "relu1" : (tensor<1x8x8x16xi16>, tensor<32x1x1x16xi16>) -> tensor<1x8x8x32xi16, #sparsity.encoding<eyeriss_rlc>>
    // DENSE: accel.contraction conv {{.*}} value "relu1" {{.*}} -> tensor<1x8x8x32xi16, #sparsity.encoding<eyeriss_rlc>>
    %a = accel.contraction conv %x, %zeros strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 32767], multiplier = [16384], shift = [30], narrow> layer "conv1" value "relu1"
        : (tensor<1x8x8x16xi16>, tensor<32x1x1x16xi16>) -> tensor<1x8x8x32xi16>
    // Not calibrated, but clamped at 0.
    // CHECK: accel.contraction conv {{.*}} value "relu2" : (tensor<1x8x8x32xi16, #sparsity.encoding<eyeriss_rlc>>, {{.*}} -> tensor<1x8x8x32xi16, #sparsity.encoding<eyeriss_rlc>>
    // DENSE: accel.contraction conv {{.*}} value "relu2" {{.*}} -> tensor<1x8x8x32xi16>{{$}}
    %b = accel.contraction conv %a, %ones strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 32767], multiplier = [16384], shift = [30], narrow> layer "conv2" value "relu2"
        : (tensor<1x8x8x32xi16>, tensor<32x1x1x32xi16>) -> tensor<1x8x8x32xi16>
    // Calibrated and nearly dense: run lengths would cost more than they save.
    // CHECK: accel.contraction conv {{.*}} value "conv3" {{.*}} -> tensor<1x8x8x32xi16>{{$}}
    %c = accel.contraction conv %b, %ones strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 32767], multiplier = [16384], shift = [30], narrow> layer "conv3" value "conv3"
        : (tensor<1x8x8x32xi16>, tensor<32x1x1x32xi16>) -> tensor<1x8x8x32xi16>
    // What leaves the function stays dense.
    // CHECK: accel.contraction conv {{.*}} value "relu4" {{.*}} -> tensor<1x8x8x16xi16>{{$}}
    %d = accel.contraction conv %c, %last strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 32767], multiplier = [16384], shift = [30], narrow> layer "conv4" value "relu4"
        : (tensor<1x8x8x32xi16>, tensor<16x1x1x32xi16>) -> tensor<1x8x8x16xi16>
    return %d : tensor<1x8x8x16xi16>
  }
}
