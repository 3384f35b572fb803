// RUN: sparse-opt %s --sparse-compile=machine=dadiannao | sparse-translate --emit-program -o %t.sac
// RUN: sparse-translate --disassemble %t.sac | FileCheck %s
// RUN: sparse-opt %s --sparse-compile=machine=dadiannao | sparse-translate --emit-program | cmp - %t.sac

// Tokens become counts of instructions of each queue; the same entries of tables are one.
// CHECK: program machine="dadiannao" {{.*}} dram=3584 constants=512
// CHECK: tensor t2 "conv1.weights" i8[32x1x1x16] constant scale=1 dram=3072+512:dense buffer=dense granule=[32x1x1x16] constant=0
// CHECK: tensor t3 "conv1.sums" i32[1x8x8x32] intermediate scale=1 dram=none
// CHECK: mapping m0 nbin:P4 nbin:Q8 nbin:M2 x nbin:M16 y nbin:C16 x
// CHECK-NOT: mapping m1
// CHECK: layer l0 "conv1" conv accelerator macs=32768 (t0) -> t1
// CHECK: 3: contract {{.*}} mode=clear numerics=0 mapping=0 safs=0 after(load 3)
// CHECK: 4: vector {{.*}} after(mac 1)
// CHECK: 5: store {{.*}} after(vector 1)
// CHECK: 6: load layer=0 dst=b0@512:t0[0, 4, 0, 0][1x4x8x16]{{  //|$}}
// CHECK: 7: contract {{.*}} after(load 4)
// CHECK: 10: halt
module attributes {sparsity.numerics = "int8"} {
  func.func @main(%x: tensor<1x8x8x16xi8> {sparsity.name = "x"}) -> tensor<1x8x8x32xi8> {
    %w = "tosa.const"() <{values = dense<1> : tensor<32x1x1x16xi8>}> : () -> tensor<32x1x1x16xi8>
    %a = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> mapping <"dram"[P = 2], "nbin"[P = 4, Q = 8, x M = 2, y M = 16, x C = 16]>
        layer "conv1" value "relu1" : (tensor<1x8x8x16xi8>, tensor<32x1x1x16xi8>) -> tensor<1x8x8x32xi8>
    return %a : tensor<1x8x8x32xi8>
  }
}
