// What a machine lacks goes to the host, as operators that compute the same integers; a remark names it.
// RUN: mkdir -p %t/machines && ln -sfn %source/energy %t/energy
// RUN: sed -e 's/kinds: .rescale, .*/kinds: [rescale, table]/' %source/machines/dadiannao.yaml > %t/machines/less.yaml
// RUN: sparse-opt %s --sparse-schedule=machine=%t/machines/less.yaml --remarks-filter=sparse-schedule --remark-format=emitRemark 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks
// REMARK: node 'pool' runs on the host: machine 'dadiannao' has no vector unit for 'max_pool'
// REMARK: node 'add' runs on the host: machine 'dadiannao' has no vector unit for 'add'

// CHECK: %[[MAX:.*]] = accel.host max_pool(%{{.*}}) ints [2, 2, 2, 2, 0, 0, 0, 0] floats [] layer "pool.max" value "pool.max"
// CHECK: %[[POOL:.*]] = accel.host rescale(%[[MAX]]) ints [16384, 14, 0, 100] floats [] layer "pool" value "pool"
// CHECK: %[[A:.*]] = accel.host rescale(%[[POOL]]) ints [1073741824, 11, -2147483648, 2147483647] {{.*}} -> tensor<1x4x4x16xi32>
// CHECK: %[[B:.*]] = accel.host cast(%{{.*}}) {{.*}} -> tensor<1x4x4x16xi32>
// CHECK: %[[SUM:.*]] = accel.host binary(%[[A]], %[[B]]) ints [0]
// CHECK: accel.host rescale(%[[SUM]]) ints [1073741824, 50, -128, 127] floats [] layer "add" value "add"
module attributes {sparsity.numerics = "int8"} {
  func.func @main(%x: tensor<1x8x8x16xi8> {sparsity.name = "x"}, %y: tensor<1x4x4x16xi8> {sparsity.name = "y"}) -> tensor<1x4x4x16xi8> {
    %p = accel.pool max %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] numerics <clamp = [0, 100]> layer "pool" value "pool"
        : (tensor<1x8x8x16xi8>) -> tensor<1x4x4x16xi8>
    %z = accel.elementwise add %p, %y numerics <clamp = [-128, 127], multiplier = [1073741824], shift = [50], a = [1073741824, 11]>
        layer "add" value "add" : (tensor<1x4x4x16xi8>, tensor<1x4x4x16xi8>) -> tensor<1x4x4x16xi8>
    return %z : tensor<1x4x4x16xi8>
  }
}
