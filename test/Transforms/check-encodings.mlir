// RUN: sparse-opt %s --sparse-check-encodings --split-input-file --verify-diagnostics

func.func @fine(%x: tensor<8x64xi8>, %y: tensor<8x64xi8, #sparsity.encoding<bitmask>>) -> tensor<8x64xi8> {
  %e = sparsity.encode %x : tensor<8x64xi8> to tensor<8x64xi8, #sparsity.encoding<bitmask>>
  %i = tosa.identity %e : (tensor<8x64xi8, #sparsity.encoding<bitmask>>) -> tensor<8x64xi8, #sparsity.encoding<bitmask>>
  %d = sparsity.decode %i : tensor<8x64xi8, #sparsity.encoding<bitmask>> to tensor<8x64xi8>
  return %d : tensor<8x64xi8>
}

// -----

func.func @cast(%x: tensor<8x64xi8, #sparsity.encoding<bitmask>>) -> tensor<8x64xi8> {
  // expected-error@+1 {{changes #sparsity.encoding<bitmask> to no encoding: only sparsity.encode and sparsity.decode do}}
  %d = builtin.unrealized_conversion_cast %x : tensor<8x64xi8, #sparsity.encoding<bitmask>> to tensor<8x64xi8>
  return %d : tensor<8x64xi8>
}

// -----

func.func @transcode(%x: tensor<8x64xi8, #sparsity.encoding<bitmask>>) -> tensor<8x64xi8, #sparsity.encoding<rle>> {
  // expected-error@+1 {{changes #sparsity.encoding<bitmask> to #sparsity.encoding<rle>}}
  %d = tosa.identity %x : (tensor<8x64xi8, #sparsity.encoding<bitmask>>) -> tensor<8x64xi8, #sparsity.encoding<rle>>
  return %d : tensor<8x64xi8, #sparsity.encoding<rle>>
}

// -----

// The example of the pass's documentation.
func.func @tensor_cast(%x: tensor<8x64xi8, #sparsity.encoding<bitmask>>) -> tensor<8x64xi8> {
  // expected-error@+1 {{changes #sparsity.encoding<bitmask> to no encoding}}
  %d = tensor.cast %x : tensor<8x64xi8, #sparsity.encoding<bitmask>> to tensor<8x64xi8>
  return %d : tensor<8x64xi8>
}
