// The copies of a concatenation are one layer. What they need together is more than the level has, and each by itself fits: they follow one another through the
// same bytes, and the first load of the second copy waits for the end of the first.
// RUN: mkdir -p %t/machines && ln -sfn %source/energy %t/energy
// RUN: sed -e 's/size: 128 KiB/size: 1 KiB/' %source/machines/eie.yaml > %t/machines/small.yaml
// RUN: sparse-opt %s --sparse-schedule=machine=%t/machines/small.yaml --sparse-lower-to-tiles=machine=%t/machines/small.yaml --sparse-allocate=machine=%t/machines/small.yaml | FileCheck %s
// RUN: sparse-opt %s --sparse-schedule=machine=eie --sparse-lower-to-tiles=machine=eie --sparse-allocate=machine=eie | FileCheck %s --check-prefix=ROOM

// CHECK: %[[COPY:.*]] = accel.vector copy {{.*}} a <"activations" at 0, @x[0, 3, 0, 0] extent [1, 1, 4, 64]> o <"activations" at 512, @cat[0, 3, 0, 0] extent [1, 1, 4, 64]>
// CHECK: %[[STORE:.*]] = accel.store <"activations" at 512, @cat[0, 3, 0, 0]
// CHECK: %[[LOAD:.*]] = accel.load <"activations" at 0, @y[0, 0, 0, 0] extent [1, 1, 4, 64]> layer @cat.layer after(%[[COPY]])
// CHECK: accel.vector copy {{.*}} a <"activations" at 0, @y[0, 0, 0, 0] extent [1, 1, 4, 64]> o <"activations" at 512, @cat[0, 0, 0, 64] extent [1, 1, 4, 64]> {{.*}} after(%[[STORE]], %[[LOAD]])
// Where there is room they lie side by side.
// ROOM: accel.vector copy {{.*}} a <"activations" at 0, @x[0, 2, {{.*}} o <"activations" at 1024, @cat
// ROOM: accel.vector copy {{.*}} a <"activations" at 2048, @y{{.*}} o <"activations" at 3072, @cat
module attributes {sparsity.numerics = "int16"} {
  func.func @main(%x: tensor<1x4x4x64xi16> {sparsity.name = "x"}, %y: tensor<1x4x4x64xi16> {sparsity.name = "y"}) -> tensor<1x4x4x128xi16> {
    %c = accel.concat %x, %y axis 3 layer "cat" value "cat" : (tensor<1x4x4x64xi16>, tensor<1x4x4x64xi16>) -> tensor<1x4x4x128xi16>
    return %c : tensor<1x4x4x128xi16>
  }
}
