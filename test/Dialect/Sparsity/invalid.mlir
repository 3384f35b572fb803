// RUN: sparse-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{unknown format}}
func.func private @preset(tensor<4xi8, #sparsity.encoding<bitmap>>)

// -----

// expected-error@+1 {{format '[X]': unknown rank format 'X'; expected U, B, CP, RLE, UOP, ELL or n:m}}
func.func private @rank_format(tensor<4xi8, #sparsity.encoding<[X]>>)

// -----

// expected-error@+1 {{rank format 'CP': expected a width in bits from 1 to 32, but got '33'}}
func.func private @width(tensor<4xi8, #sparsity.encoding<[CP:33]>>)

// -----

// expected-error@+1 {{rank format 'B' takes no width}}
func.func private @no_width(tensor<4xi8, #sparsity.encoding<[B:4]>>)

// -----

// expected-error@+1 {{format 'csr + zip': unknown value format 'zip'; expected delta(dimension), shared, shared(bits) or huffman}}
func.func private @values(tensor<4x4xi8, #sparsity.encoding<"csr + zip">>)

// -----

// expected-error@+1 {{format '[UOP@1, CP@1]': no rank lies over dimension 0, though one lies over a later dimension}}
func.func private @dimensions(tensor<4x4xi8, #sparsity.encoding<"[UOP@1, CP@1]">>)

// -----

// expected-error@+1 {{differences are along dimension 2, but the tensor has 2 ranks}}
func.func private @delta(tensor<4x4xi8, #sparsity.encoding<"bitmask + delta(2)">>)

// -----

// expected-error@+1 {{expected 'order' or 'granule', each at most once}}
func.func private @key(tensor<4xi8, #sparsity.encoding<bitmask, tile = [4]>>)

// -----

// expected-error@+1 {{order must be a permutation of 0 to 1}}
func.func private @order(tensor<4x4xi8, #sparsity.encoding<bitmask, order = [1, 1]>>)

// -----

// expected-error@+1 {{extents of a granule must be positive}}
func.func private @empty_granule(tensor<4xi8, #sparsity.encoding<bitmask, granule = [0]>>)

// -----

// expected-error@+1 {{order names 2 ranks, but the granule has 1}}
func.func private @order_and_granule(tensor<4x4xi8, #sparsity.encoding<bitmask, order = [1, 0], granule = [4]>>)

// -----

// expected-error@+1 {{an encoded tensor has elements of 8 or 16-bit integers, not 'f32'}}
func.func private @element(tensor<4xf32, #sparsity.encoding<bitmask>>)

// -----

// expected-error@+1 {{an encoded tensor has a static shape}}
func.func private @dynamic(tensor<?xi8, #sparsity.encoding<bitmask>>)

// -----

// expected-error@+1 {{encoding has 2 rank formats, but the tensor has 1 ranks}}
func.func private @too_many_ranks(tensor<4xi8, #sparsity.encoding<[UOP, CP]>>)

// -----

// expected-error@+1 {{order names 2 ranks, but the tensor has 1}}
func.func private @order_rank(tensor<4xi8, #sparsity.encoding<bitmask, order = [1, 0]>>)

// -----

// expected-error@+1 {{granule has 2 ranks, but the tensor has 1}}
func.func private @granule_rank(tensor<4xi8, #sparsity.encoding<bitmask, granule = [4, 4]>>)

// -----

// expected-error@+1 {{granule is longer than the tensor in rank 0: 8 against 4}}
func.func private @granule_extent(tensor<4xi8, #sparsity.encoding<bitmask, granule = [8]>>)

// -----

// expected-error@+1 {{a SAF names its level}}
func.func private @saf_level() attributes {saf = #sparsity.saf<skip A at "" if [A]>}

// -----

// expected-error@+1 {{the condition of a SAF names A, B or both}}
func.func private @saf_condition() attributes {saf = #sparsity.saf<skip A at "pe" if [O]>}

// -----

// expected-error@+1 {{the condition of a SAF names A, B or both}}
func.func private @saf_no_condition() attributes {saf = #sparsity.saf<skip A at "pe" if []>}

// -----

// expected-error@+1 {{a format SAF has no condition}}
func.func private @saf_format_condition() attributes {saf = #sparsity.saf<format A at "pe" if [A]>}

// -----

// expected-error@+1 {{expected 'if'}}
func.func private @saf_without_condition() attributes {saf = #sparsity.saf<skip A at "pe">}

// -----

// expected-error@+1 {{parameter 'window' of a SAF must be an integer}}
func.func private @saf_parameter() attributes {saf = #sparsity.saf<skip A at "pe" if [A], {window = "big"}>}

// -----

func.func @encode_encoded(%x: tensor<4xi8, #sparsity.encoding<bitmask>>) {
  // expected-error@+1 {{source must be dense; decode it first}}
  %e = sparsity.encode %x : tensor<4xi8, #sparsity.encoding<bitmask>> to tensor<4xi8, #sparsity.encoding<rle>>
  return
}

// -----

func.func @encode_dense(%x: tensor<4xi8>) {
  // expected-error@+1 {{result must have a #sparsity.encoding}}
  %e = sparsity.encode %x : tensor<4xi8> to tensor<4xi8>
  return
}

// -----

func.func @encode_shape(%x: tensor<4xi8>) {
  // expected-error@+1 {{source and result must have the same shape and element type}}
  %e = sparsity.encode %x : tensor<4xi8> to tensor<8xi8, #sparsity.encoding<bitmask>>
  return
}

// -----

func.func @decode_dense(%x: tensor<4xi8>) {
  // expected-error@+1 {{source must have a #sparsity.encoding}}
  %e = sparsity.decode %x : tensor<4xi8> to tensor<4xi8>
  return
}

// -----

func.func @decode_encoded(%x: tensor<4xi8, #sparsity.encoding<bitmask>>) {
  // expected-error@+1 {{result must be dense}}
  %e = sparsity.decode %x : tensor<4xi8, #sparsity.encoding<bitmask>> to tensor<4xi8, #sparsity.encoding<rle>>
  return
}
