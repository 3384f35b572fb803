// A mapping may be forced by a file; what it violates is named.
// RUN: split-file %s %t
// RUN: sparse-opt %t/a.mlir --sparse-schedule="machine=eyeriss mapping=%t/good.yaml" | FileCheck %s
// RUN: not sparse-opt %t/a.mlir --sparse-schedule="machine=eyeriss mapping=%t/big.yaml" 2>&1 | FileCheck %s --check-prefix=BIG
// RUN: not sparse-opt %t/a.mlir --sparse-schedule="machine=eyeriss mapping=%t/limit.yaml" 2>&1 | FileCheck %s --check-prefix=LIMIT
// RUN: not sparse-opt %t/a.mlir --sparse-schedule="machine=eyeriss mapping=%t/order.yaml" 2>&1 | FileCheck %s --check-prefix=ORDER
// RUN: not sparse-opt %t/a.mlir --sparse-schedule="machine=eyeriss mapping=%t/level.yaml" 2>&1 | FileCheck %s --check-prefix=LEVEL
// RUN: not sparse-opt %t/a.mlir --sparse-schedule="machine=eyeriss mapping=%t/loop.yaml" 2>&1 | FileCheck %s --check-prefix=LOOP
// RUN: not sparse-opt %t/a.mlir --sparse-schedule="machine=eyeriss mapping=%t/layer.yaml" 2>&1 | FileCheck %s --check-prefix=LAYER
// RUN: not sparse-opt %t/a.mlir --sparse-schedule="machine=eyeriss mapping=%t/uneven.yaml" 2>&1 | FileCheck %s --check-prefix=UNEVEN
// RUN: not sparse-opt %t/a.mlir --sparse-schedule="machine=eyeriss mapping=%t/less.yaml" 2>&1 | FileCheck %s --check-prefix=LESS
// RUN: not sparse-opt %t/a.mlir --sparse-schedule="machine=eyeriss mapping=%t/more.yaml" 2>&1 | FileCheck %s --check-prefix=MORE
// RUN: not sparse-opt %t/a.mlir --sparse-schedule="machine=cnvlutin mapping=%t/good.yaml" 2>&1 | FileCheck %s --check-prefix=MACHINE
// RUN: not sparse-opt %t/a.mlir --sparse-schedule="machine=eyeriss mapping=%t/none.yaml" 2>&1 | FileCheck %s --check-prefix=NONE

//--- a.mlir
module attributes {sparsity.numerics = "int16"} {
  func.func @main(%x: tensor<4x13x13x384xi16> {sparsity.name = "x"}) -> tensor<4x13x13x384xi16> {
    %w = "tosa.const"() <{values = dense<1> : tensor<384x3x3x192xi16>}> : () -> tensor<384x3x3x192xi16>
    %a = accel.contraction conv %x, %w strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 2
        numerics <clamp = [0, 32767], multiplier = [16384], shift = [38], narrow> layer "conv4" value "conv4"
        : (tensor<4x13x13x384xi16>, tensor<384x3x3x192xi16>) -> tensor<4x13x13x384xi16>
    return %a : tensor<4x13x13x384xi16>
  }
}

// CHECK: mapping <"dram"[G = 2, M = 3, C = 32], "glb"[M = 2, y C = 2, y M = 2, y R = 3, x P = 13], "psum_spad"[N = 4, Q = 13, C = 3, S = 3, M = 16]>
//--- good.yaml
machine: eyeriss
description: m 64, n 4, e 13, p 16, q 3, r 2, t 2
layers:
  conv4:
    dram: [G 2, M 3, C 32]
    glb: [M 2, y C 2, y M 2, y R 3, x P 13]
    psum_spad: [N 4, Q 13, C 3, S 3, M 16]

# BIG: 'accel.contraction' op {{.*}}big.yaml:3: forced mapping: layer 'conv4': a tile of N=4 G=1 M=192 C=6 P=13 Q=13 needs {{[0-9]+}} bytes in level 'glb', which has 102400
//--- big.yaml
layers:
  conv4:
    dram: [G 2, C 32]

# LIMIT: limit.yaml:3: forced mapping: layer 'conv4', tile {{.*}}: {{.*}}q*S = 18
//--- limit.yaml
layers:
  conv4:
    dram: [G 2, M 3, C 32]
    glb: [M 2, y M 2, y R 3, x P 13]
    psum_spad: [N 4, Q 13, C 6, S 3, M 16]

# ORDER: the loop over C must be the innermost one at the DRAM level
//--- order.yaml
layers:
  conv4:
    dram: [G 2, C 32, M 3]

# LEVEL: level.yaml:3: machine 'eyeriss' has no level 'gbl'; its levels are dram, glb, filter_stream
//--- level.yaml
layers:
  conv4:
    gbl: [M 3]

# LOOP: loop.yaml:3: expected a loop as 'RANK FACTOR'{{.*}}, but found 'K 3'
//--- loop.yaml
layers:
  conv4:
    dram: [K 3]

# LAYER: layer.yaml:3: there is no layer 'conv5' on the accelerator; did you mean 'conv4'?
//--- layer.yaml
layers:
  conv5:
    dram: [M 3]

# UNEVEN: 8 tiles of rank P do not cut its extent of 13 evenly enough: 7 tiles of 2 suffice
//--- uneven.yaml
layers:
  conv4:
    dram: [G 2, P 8]

# LESS: less.yaml:3: forced mapping: the loops over rank M inside a tile leave out work: they cover 32, but the tile has 64
//--- less.yaml
layers:
  conv4:
    dram: [G 2, M 3, C 32]
    glb: [y C 2, y M 2, y R 3, x P 13]
    psum_spad: [N 4, Q 13, C 3, S 3, M 16]

# MORE: more.yaml:3: forced mapping: the loops over rank N inside a tile would repeat work: one of 5 iterations over 1 each reaches 5, but the tile has 4, for which 4 suffice
//--- more.yaml
layers:
  conv4:
    dram: [G 2, M 3, C 32]
    glb: [M 2, y C 2, y M 2, y R 3, x P 13]
    psum_spad: [N 5, Q 13, C 3, S 3, M 16]

# MACHINE: good.yaml:1: these mappings are for machine 'eyeriss', not for 'cnvlutin'

# NONE: none.yaml: the mapping file cannot be opened
