// RUN: sparse-opt %s | sparse-opt | FileCheck %s

// The examples of the documentation.

#bits = #sparsity.encoding<bitmask>
#csr = #sparsity.encoding<csr, order = [1, 0]>
#bricks = #sparsity.encoding<zfnaf, granule = [1, 1, 8, 16]>
#own = #sparsity.encoding<[UOP, CP:8], granule = [1, 4, 4, 32]>
#columns = #sparsity.encoding<"eie-csc(64) + shared(4)">

#skip = #sparsity.saf<skip A at "nbin" if [A]>
#gate = #sparsity.saf<gate B at "filter_spad" if [A]>
#exit = #sparsity.saf<exit O at "compute" if [A, B], {threshold = 4}>
#compressed = #sparsity.saf<format A at "nbin">

// CHECK-LABEL: func.func private @encodings
// CHECK-SAME: tensor<8x64xi8, #sparsity.encoding<bitmask>>
// CHECK-SAME: tensor<8x64xi8, #sparsity.encoding<csr, order = [1, 0]>>
// CHECK-SAME: tensor<1x8x8x64xi16, #sparsity.encoding<zfnaf, granule = [1, 1, 8, 16]>>
// CHECK-SAME: tensor<1x8x8x64xi8, #sparsity.encoding<[UOP, CP:8], granule = [1, 4, 4, 32]>>
func.func private @encodings(tensor<8x64xi8, #bits>, tensor<8x64xi8, #csr>, tensor<1x8x8x64xi16, #bricks>, tensor<1x8x8x64xi8, #own>)

// CHECK-LABEL: func.func private @texts
// CHECK-SAME: tensor<8x64xi8, #sparsity.encoding<"eie-csc(64) + shared(4)">>
// CHECK-SAME: tensor<8x64xi8, #sparsity.encoding<"nm(2:4)">>
// CHECK-SAME: tensor<8x64xi8, #sparsity.encoding<csc>>
// CHECK-SAME: tensor<8x64xi8, #sparsity.encoding<"[UOP:16@1, CP:8@0]", granule = [8, 32]>>
// CHECK-SAME: tensor<8x64xi8, #sparsity.encoding<"[UOP, RLE:4 huffman]">>
// CHECK-SAME: tensor<8x64xi8, #sparsity.encoding<eyeriss_v2_csc>>
// CHECK-SAME: tensor<8x64xi8, #sparsity.encoding<"rle + delta(1)">>
func.func private @texts(tensor<8x64xi8, #columns>, tensor<8x64xi8, #sparsity.encoding<"[U, 2:4]">>,
                         tensor<8x64xi8, #sparsity.encoding<"[UOP@1, CP@0]">>,
                         tensor<8x64xi8, #sparsity.encoding<"[UOP:16@1, CP:8@0]", granule = [8, 32]>>,
                         tensor<8x64xi8, #sparsity.encoding<"[UOP,RLE:4 huffman]">>,
                         tensor<8x64xi8, #sparsity.encoding<eyeriss_v2_csc>>,
                         tensor<8x64xi8, #sparsity.encoding<"rle+delta( 1 )">>)

// CHECK-LABEL: func.func private @presets
// CHECK-SAME: #sparsity.encoding<dense>
// CHECK-SAME: #sparsity.encoding<rle>
// CHECK-SAME: #sparsity.encoding<eyeriss_rlc>
func.func private @presets(tensor<4xi8, #sparsity.encoding<dense>>, tensor<4xi8, #sparsity.encoding<rle>>,
                           tensor<4xi16, #sparsity.encoding<eyeriss_rlc>>)

// CHECK-LABEL: func.func private @safs
// CHECK-SAME: #sparsity.saf<skip A at "nbin" if [A]>
// CHECK-SAME: #sparsity.saf<gate B at "filter_spad" if [A]>
// CHECK-SAME: #sparsity.saf<exit O at "compute" if [A, B], {threshold = 4 : i64}>
// CHECK-SAME: #sparsity.saf<format A at "nbin">
func.func private @safs() attributes {safs = [#skip, #gate, #exit, #compressed]}

// CHECK-LABEL: func @encode
func.func @encode(%x: tensor<1x8x8x64xi8>) -> tensor<1x8x8x64xi8> {
  // CHECK: sparsity.encode %{{.*}} : tensor<1x8x8x64xi8> to tensor<1x8x8x64xi8, #sparsity.encoding<bitmask>>
  %e = sparsity.encode %x : tensor<1x8x8x64xi8> to tensor<1x8x8x64xi8, #sparsity.encoding<bitmask>>
  // CHECK: sparsity.decode %{{.*}} : tensor<1x8x8x64xi8, #sparsity.encoding<bitmask>> to tensor<1x8x8x64xi8>
  %d = sparsity.decode %e : tensor<1x8x8x64xi8, #sparsity.encoding<bitmask>> to tensor<1x8x8x64xi8>
  return %d : tensor<1x8x8x64xi8>
}
