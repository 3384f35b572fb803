// Layers that share a tensor agree on its granules. Each of these fits by itself in 64 bytes; what the product can do with its channels leaves granules of which the pool
// would have to hold more, whichever tiles are tried, and the pool goes to the host. The others keep their tiles.
// RUN: mkdir -p %t/machines && ln -sfn %source/energy %t/energy
// RUN: sed -e 's/size: 512 KiB/size: 64/' %source/machines/spatial-ws.yaml > %t/machines/small.yaml
// RUN: sparse-opt %s --sparse-schedule=machine=%t/machines/small.yaml --sparse-lower-to-tiles=machine=%t/machines/small.yaml --sparse-allocate=machine=%t/machines/small.yaml \
// RUN:   --remarks-filter=sparse-schedule --remark-format=emitRemark 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks
// REMARK: node 'pool' runs on the host: layer 'pool': a tile of {{.*}} needs {{[0-9]+}} bytes in level 'glb', which has 64
// REMARK-NOT: runs on the host
// CHECK: accel.layer @pool.layer name "pool" {{.*}} on_host
// CHECK: accel.contract
// CHECK: accel.vector mul

// Where its mapping was given, which fits by itself, that is an error.
// RUN: echo 'layers: {pool: {dram: [P 5, Q 2, M 6]}}' > %t.yaml
// RUN: not sparse-opt %s --sparse-schedule="machine=%t/machines/small.yaml mapping=%t.yaml" 2>&1 | FileCheck %s --check-prefix=FORCED
// FORCED: error: 'accel.pool' op does not fit with the granules that all layers need: layer 'pool': a tile of N=1 G=1 M=1 C=1 P=1 Q=3 needs 128 bytes in level 'glb', which has 64
module attributes {sparsity.numerics = "int8"} {
  func.func @main(%x: tensor<1x6x6x6xi8> {sparsity.name = "x"}, %y: tensor<1x5x5x4xi8> {sparsity.name = "y"}) -> tensor<1x5x5x6xi8> {
    %w = "tosa.const"() <{values = dense<1> : tensor<6x1x1x4xi8>}> : () -> tensor<6x1x1x4xi8>
    %e = sparsity.encode %w : tensor<6x1x1x4xi8> to tensor<6x1x1x4xi8, #sparsity.encoding<bitmask>>
    %p = accel.pool avg %x kernel [2, 2] strides [1, 1] pads [0, 0, 0, 0] numerics <clamp = [-128, 127]> layer "pool" value "pool"
        : (tensor<1x6x6x6xi8>) -> tensor<1x5x5x6xi8, #sparsity.encoding<bitmask>>
    %c = accel.contraction conv %y, %e strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [-128, 127], multiplier = [1829787135], shift = [38]> layer "conv" value "conv"
        : (tensor<1x5x5x4xi8>, tensor<6x1x1x4xi8, #sparsity.encoding<bitmask>>) -> tensor<1x5x5x6xi8>
    %m = accel.elementwise mul %c, %p numerics <clamp = [-128, 127], multiplier = [1877925484], shift = [36]> layer "mul" value "mul"
        : (tensor<1x5x5x6xi8>, tensor<1x5x5x6xi8, #sparsity.encoding<bitmask>>) -> tensor<1x5x5x6xi8, #sparsity.encoding<bitmask>>
    %z = accel.rescale %m numerics <clamp = [0, 100], multiplier = [1073741824], shift = [30]> layer "r" value "r" : (tensor<1x5x5x6xi8, #sparsity.encoding<bitmask>>) -> tensor<1x5x5x6xi8>
    return %z : tensor<1x5x5x6xi8>
  }
}
