// Every output is compared with the float model by its name, integers too; an output that is no row of scores has no
// top-1 line, and the first one that is has.
// RUN: %python %S/Inputs/wave.py %t.low.npy 1 2 4 4 2
// RUN: %python %S/Inputs/wave.py %t.high.npy 3 2 4 4 2
// RUN: sparse-run %s --machine spatial --calibrate %t.high.npy --input %t.high.npy --check --check-images 1 2>&1 | FileCheck %s --check-prefix=GOOD --implicit-check-not=warning
// GOOD: against the float model, 2 inputs, 'boxes': largest error {{[0-9.e-]+}}, relative rms error {{[0-9.]+}}e-05, {{[0-9.]+}}e-0{{[56]}} of the range{{$}}
// GOOD: against the float model, 2 inputs, 'cells': the same in 64 of 64 elements, largest error 0, relative rms error 0, 0 of the range{{$}}
// GOOD: against the float model, 2 inputs, 'scores': {{.*}} of the range, the same top-1 in 2{{$}}
// RUN: sparse-run %s --machine spatial --calibrate %t.high.npy --input %t.high.npy --max-error 0.001 --quiet

// Values that calibration never saw saturate: the layer that they come in at is named, and of the outputs those whose
// error is more than what was asked for.
// RUN: not sparse-run %s --machine spatial --calibrate %t.low.npy --input %t.high.npy --max-error 0.19 --check > %t.txt 2> %t.err
// RUN: FileCheck %s --check-prefix=BAD < %t.err
// RUN: not grep -q "'boxes'" %t.err
// BAD: error: --max-error: output 'cells': rms error {{[0-9.]+}}, 0.199 of the range 8 of the float model; expected at most 0.19 of it
// BAD-NEXT: error: --max-error: output 'scores': rms error {{[0-9.]+}}, 0.212 of the range
// RUN: FileCheck %s --check-prefix=SOURCE < %t.err
// SOURCE: warning: 'x.quantize': signal-to-noise ratio {{[0-9.]+}} dB against the float model, expected at least 40 dB: {{[0-9.]+}}% of its values saturate
// RUN: FileCheck %s --check-prefix=LINES < %t.txt
// LINES: 'cells': the same in {{[1-5]?[0-9]}} of 64 elements, largest error {{[1-9]}}

// A model that was quantised before has no float model.
// RUN: sparse-opt %s --sparse-quantize="numerics=int8 calibrate=%t.high.npy" -o %t.int8.mlir
// RUN: sparse-run %t.int8.mlir --machine spatial --input %t.high.npy --out %t.out --quiet
// RUN: not grep -q guard %t.out/stats.json
// RUN: not sparse-run %t.int8.mlir --machine spatial --input %t.high.npy --max-error 0.1 2>&1 | FileCheck %s --check-prefix=INT
// INT: --max-error compares with the float model, and '{{.*}}.int8.mlir' is quantised already

func.func @main(%x: tensor<1x4x4x2xf32> {sparsity.name = "x"}) -> (tensor<1x4x4x2xf32> {sparsity.name = "boxes"}, tensor<1x4x4x2xi32> {sparsity.name = "cells"}, tensor<1x2xf32> {sparsity.name = "scores"}) {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 0.5]]], [[[-0.25, 1.0]]]]> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() <{values = dense<[0.125, 0.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32> loc("conv")
  %1 = tosa.cast %0 : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xi32> loc("cells")
  %2 = tosa.avg_pool2d %0, %z, %z {acc_type = f32, kernel = array<i64: 4, 4>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 4, 4>} : (tensor<1x4x4x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x2xf32> loc("mean")
  %s = tosa.const_shape {values = dense<[1, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %3 = tosa.reshape %2, %s : (tensor<1x1x1x2xf32>, !tosa.shape<2>) -> tensor<1x2xf32> loc("scores")
  return %0, %1, %3 : tensor<1x4x4x2xf32>, tensor<1x4x4x2xi32>, tensor<1x2xf32>
}
