// RUN: sparse-opt %s --canonicalize --split-input-file | FileCheck %s

#bits = #sparsity.encoding<bitmask>
#csr = #sparsity.encoding<csr>

// CHECK-LABEL: func @decode_of_encode
// CHECK-SAME: (%[[X:.*]]: tensor<8x64xi8>)
// CHECK-NEXT: return %[[X]]
func.func @decode_of_encode(%x: tensor<8x64xi8>) -> tensor<8x64xi8> {
  %e = sparsity.encode %x : tensor<8x64xi8> to tensor<8x64xi8, #bits>
  %d = sparsity.decode %e : tensor<8x64xi8, #bits> to tensor<8x64xi8>
  return %d : tensor<8x64xi8>
}

// CHECK-LABEL: func @encode_of_decode
// CHECK-SAME: (%[[X:.*]]: tensor<8x64xi8, #sparsity.encoding<bitmask>>)
// CHECK-NEXT: return %[[X]]
func.func @encode_of_decode(%x: tensor<8x64xi8, #bits>) -> tensor<8x64xi8, #bits> {
  %d = sparsity.decode %x : tensor<8x64xi8, #bits> to tensor<8x64xi8>
  %e = sparsity.encode %d : tensor<8x64xi8> to tensor<8x64xi8, #bits>
  return %e : tensor<8x64xi8, #bits>
}

// Another encoding is other bytes: nothing folds.
// CHECK-LABEL: func @transcode
// CHECK: sparsity.decode
// CHECK: sparsity.encode
func.func @transcode(%x: tensor<8x64xi8, #bits>) -> tensor<8x64xi8, #csr> {
  %d = sparsity.decode %x : tensor<8x64xi8, #bits> to tensor<8x64xi8>
  %e = sparsity.encode %d : tensor<8x64xi8> to tensor<8x64xi8, #csr>
  return %e : tensor<8x64xi8, #csr>
}
