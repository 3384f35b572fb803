//===- Sparsity.td - The dialect's operations ---------------------------------===//

#ifndef SPARSEACCEL_DIALECT_SPARSITY_TD
#define SPARSEACCEL_DIALECT_SPARSITY_TD

include "SparseAccel/Dialect/Sparsity/SparsityBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Sparsity_Op<string mnemonic, list<Trait> traits = []> : Op<Sparsity_Dialect, mnemonic, traits>;

def Sparsity_Tensor : RankedTensorOf<[I8, I16]>;

def Sparsity_EncodeOp : Sparsity_Op<"encode", [Pure]> {
  let summary = "store a dense tensor in an encoding";
  let description = [{
    The result holds the same elements, stored as its type's encoding says. Compression is always this operation, never a cast.

    ```mlir
    %e = sparsity.encode %x : tensor<1x8x8x64xi8> to tensor<1x8x8x64xi8, #sparsity.encoding<bitmask>>
    ```
  }];
  let arguments = (ins Sparsity_Tensor:$source);
  let results = (outs Sparsity_Tensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Sparsity_DecodeOp : Sparsity_Op<"decode", [Pure]> {
  let summary = "store an encoded tensor densely";
  let description = [{
    The inverse of `sparsity.encode`: `decode(encode(x))` folds to `x`.

    ```mlir
    %d = sparsity.decode %e : tensor<1x8x8x64xi8, #sparsity.encoding<bitmask>> to tensor<1x8x8x64xi8>
    ```
  }];
  let arguments = (ins Sparsity_Tensor:$source);
  let results = (outs Sparsity_Tensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // SPARSEACCEL_DIALECT_SPARSITY_TD
