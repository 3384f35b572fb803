// RUN: sparse-opt %s --sparse-to-sparse-tensor --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-DAG: #[[CSR:.*]] = #sparse_tensor.encoding<{ map = (d0, d1) -> (d0 : dense, d1 : compressed) }>
// CHECK-DAG: #[[CSC:.*]] = #sparse_tensor.encoding<{ map = (d0, d1) -> (d1 : dense, d0 : compressed), posWidth = 16, crdWidth = 8 }>
// CHECK-LABEL: func.func @csr
// CHECK-SAME: -> (tensor<8x64xi8, #[[CSR]]>, tensor<8x64xi8>)
func.func @csr(%x: tensor<8x64xi8>, %y: tensor<8x64xi8, #sparsity.encoding<[UOP:16, CP:8], order = [1, 0]>>)
    -> (tensor<8x64xi8, #sparsity.encoding<csr>>, tensor<8x64xi8>) {
  // CHECK: %{{.*}} = sparse_tensor.convert %{{.*}} : tensor<8x64xi8> to tensor<8x64xi8, #[[CSR]]>
  %e = sparsity.encode %x : tensor<8x64xi8> to tensor<8x64xi8, #sparsity.encoding<csr>>
  // CHECK: sparse_tensor.convert %{{.*}} : tensor<8x64xi8, #[[CSC]]> to tensor<8x64xi8>
  %d = sparsity.decode %y : tensor<8x64xi8, #sparsity.encoding<[UOP:16, CP:8], order = [1, 0]>> to tensor<8x64xi8>
  return %e, %d : tensor<8x64xi8, #sparsity.encoding<csr>>, tensor<8x64xi8>
}

// -----

// CHECK-DAG: #[[COLUMNS:.*]] = #sparse_tensor.encoding<{ map = (d0, d1) -> (d1 : dense, d0 : compressed) }>
// CHECK-DAG: #[[BLOCKS:.*]] = #sparse_tensor.encoding<{ map = (d0, d1) -> (d0 : dense, d1 floordiv 2 : compressed, d1 mod 2 : dense) }>
// CHECK-DAG: #[[GROUPS:.*]] = #sparse_tensor.encoding<{ map = (d0, d1) -> (d0 : dense, d1 floordiv 4 : dense, d1 mod 4 : structured[2, 4]) }>
// CHECK-LABEL: func.func private @views
// CHECK-SAME: tensor<8x64xi8, #[[COLUMNS]]>, tensor<8x64xi8, #[[BLOCKS]]>, tensor<8x64xi8, #[[GROUPS]]>
func.func private @views(tensor<8x64xi8, #sparsity.encoding<csc>>, tensor<8x64xi8, #sparsity.encoding<"bcsr(2)">>,
                         tensor<8x64xi8, #sparsity.encoding<"nm(2:4)">>)

// -----

// expected-error@+1 {{sparse_tensor cannot express #sparsity.encoding<bitmask>: it has fewer rank formats than ranks}}
module {
  func.func private @mask(tensor<8x64xi8, #sparsity.encoding<bitmask>>)
}

// -----

// expected-error@+1 {{sparse_tensor cannot express #sparsity.encoding<[U, B]>: it has a bitmask}}
module {
  func.func private @ranks(tensor<8x64xi8, #sparsity.encoding<[U, B]>>)
}

// -----

// expected-error@+1 {{sparse_tensor cannot express #sparsity.encoding<csr, granule = [4, 64]>: it has granules}}
module {
  func.func private @granules(tensor<8x64xi8, #sparsity.encoding<csr, granule = [4, 64]>>)
}

// -----

// expected-error@+1 {{sparse_tensor cannot express #sparsity.encoding<zfnaf>: it has a packing of its own}}
module {
  func.func private @packing(tensor<8x64xi8, #sparsity.encoding<zfnaf>>)
}

// -----

// expected-error@+1 {{sparse_tensor cannot express #sparsity.encoding<"csr + huffman">: it has coded values}}
module {
  func.func private @coded(tensor<8x64xi8, #sparsity.encoding<"csr + huffman">>)
}
