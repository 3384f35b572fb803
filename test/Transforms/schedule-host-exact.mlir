// A table, and a rescale with a factor for each channel, as host operators that compute the same integers.
// RUN: mkdir -p %t/machines && ln -sfn %source/energy %t/energy
// RUN: sed -e 's/size: [0-9]* [KM]iB/size: 1/' %source/machines/dadiannao.yaml > %t/machines/tiny.yaml
// RUN: sparse-opt %s --split-input-file --sparse-schedule=machine=%t/machines/tiny.yaml | FileCheck %s

// Shifts of 14 and 20 go together, as do 30 and 45: a group holds what 64 bits hold. A channel of another group has the factor 0.
// CHECK-LABEL: @scale
// CHECK: %[[WIDE:.*]] = accel.host cast(%{{.*}}) {{.*}} -> tensor<1x2x2x4xi64>
// CHECK: %[[P0:.*]] = accel.host binary(%[[WIDE]], %{{.*}}) ints [2]
// CHECK: %[[S0:.*]] = accel.host rescale(%[[P0]]) ints [1, 45, -2147483648, 2147483647]
// CHECK: %[[P1:.*]] = accel.host binary(%[[WIDE]], %{{.*}}) ints [2]
// CHECK: %[[S1:.*]] = accel.host rescale(%[[P1]]) ints [1, 20, -2147483648, 2147483647]
// CHECK: %[[SUM:.*]] = accel.host binary(%[[S0]], %[[S1]]) ints [0]
// CHECK: accel.host rescale(%[[SUM]]) ints [16384, 14, -30000, 32767] floats [] layer "scale" value "scale"
module attributes {sparsity.numerics = "int16"} {
  func.func @scale(%x: tensor<1x2x2x4xi16> {sparsity.name = "x"}) -> tensor<1x2x2x4xi16> {
    %y = accel.rescale %x numerics <clamp = [-30000, 32767], multiplier = [16384, 20000, 32767, 17000], shift = [14, 20, 30, 45], narrow>
        layer "scale" value "scale" : (tensor<1x2x2x4xi16>) -> tensor<1x2x2x4xi16>
    return %y : tensor<1x2x2x4xi16>
  }
}
