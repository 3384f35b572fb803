//===- AccelTileOps.td - A program, one operation an instruction --------------===//

#ifndef SPARSEACCEL_DIALECT_ACCEL_TILEOPS_TD
#define SPARSEACCEL_DIALECT_ACCEL_TILEOPS_TD

include "SparseAccel/Dialect/Accel/AccelBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/RegionKindInterface.td"

def Accel_SymbolArray : TypedArrayAttrBase<FlatSymbolRefAttr, "array of symbols">;
def Accel_SafArray : TypedArrayAttrBase<Sparsity_SafAttr, "array of #sparsity.saf">;

//===----------------------------------------------------------------------===//
// The program and its tables
//===----------------------------------------------------------------------===//

def Accel_ProgramOp : Op<Accel_Dialect, "program", [IsolatedFromAbove, SingleBlock, NoRegionArguments, Symbol, SymbolTable]> {
  let summary = "a program for one machine";
  let description = [{
    Holds the tables (`accel.buffer`, `accel.tensor`, `accel.numerics`, `accel.layer`) and then the tile operations, ended by `accel.halt`. `levels` are the
    machine's levels from DRAM in, `fingerprint` is that of its description; inputs and outputs are in the model's order.

    ```mlir
    accel.program @tiny machine "dadiannao" fingerprint 42 numerics "int8" levels ["dram", "nm"] inputs [@x] outputs [@x] {
      accel.buffer @nm bytes 4096 psum_bits 0
      accel.tensor @x : tensor<1x4x4x16xi8> role input scale 5.000000e-01
      accel.halt after()
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$machine, I64Attr:$fingerprint, StrAttr:$numerics, StrArrayAttr:$levels,
                       Accel_SymbolArray:$inputs, Accel_SymbolArray:$outputs, OptionalAttr<I64Attr>:$dram_bytes);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `machine` $machine `fingerprint` $fingerprint `numerics` $numerics `levels` $levels `inputs` $inputs `outputs` $outputs
    (`dram_bytes` $dram_bytes^)? attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

class Accel_TableOpBase<string mnemonic, list<Trait> traits = []>
    : Op<Accel_Dialect, mnemonic, !listconcat([HasParent<"ProgramOp">, Symbol], traits)>;

def Accel_BufferOp : Accel_TableOpBase<"buffer"> {
  let summary = "a level of the machine that the program manages";
  let description = [{
    `psum_bits` is the width that a sum is charged for where it lies here, 0 where none may.

    ```mlir
    accel.buffer @nbout bytes 8192 psum_bits 32
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$bytes, I64Attr:$psum_bits);
  let assemblyFormat = "$sym_name `bytes` $bytes `psum_bits` $psum_bits attr-dict";
  let hasVerifier = 1;
}

def Accel_TensorOp : Accel_TableOpBase<"tensor"> {
  let summary = "a tensor in DRAM";
  let description = [{
    Mirrors `isa::Tensor`. The type's encoding is the format in DRAM; `buffer` is the format in a buffer (dense where it is left out). The granule is
    that of the first of the two that has one. Sums of a
    contraction have a tensor of 32 or 48-bit elements, with no storage in DRAM. `offset` and `lengths` are DRAM bytes, known after allocation; `slot` is the
    worst-case size of a granule in bytes. Constants have a `value`.

    ```mlir
    accel.tensor @x : tensor<1x4x4x16xi8> role input scale 5.000000e-01
    accel.tensor @w : tensor<16x1x1x16xi8, #sparsity.encoding<bitmask, granule = [1, 1, 1, 16]>> role constant scale 2.500000e-01
        buffer <bitmask, granule = [1, 1, 1, 16]> offset 4096 lengths 8192 slot 64 value dense<1> : tensor<16x1x1x16xi8>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type, EnumProp<Accel_TensorRole>:$role, F64Attr:$scale,
                       OptionalAttr<Sparsity_EncodingAttr>:$buffer_format, OptionalAttr<I64Attr>:$offset, OptionalAttr<I64Attr>:$lengths,
                       OptionalAttr<I64Attr>:$slot_bytes, OptionalAttr<ElementsAttr>:$value);
  let assemblyFormat = [{
    $sym_name `:` $type `role` $role `scale` $scale (`buffer` $buffer_format^)? (`offset` $offset^)? (`lengths` $lengths^)?
    (`slot` $slot_bytes^)? (`value` $value^)? attr-dict
  }];
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() { return ::llvm::cast<::mlir::RankedTensorType>(getType()); }
    /// Extents of a granule: of the type's encoding, else of the buffer's, else the whole tensor.
    ::llvm::SmallVector<int64_t> getGranule();
    /// Whether it stands for sums in a buffer, which DRAM never sees.
    bool isSums();
  }];
  let hasVerifier = 1;
}

def Accel_NumericsOp : Accel_TableOpBase<"numerics"> {
  let summary = "an entry of the numerics table";
  let description = [{
    ```mlir
    accel.numerics @conv1.numerics <clamp = [0, 127], multiplier = [16384], shift = [20]>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Accel_NumericsAttr:$entry);
  let assemblyFormat = "$sym_name $entry attr-dict";
}

def Accel_LayerOp : Accel_TableOpBase<"layer", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "an entry of the layer table";
  let description = [{
    Mirrors `isa::Layer`: what reports say about the instructions that name it. `from` is the node of the model, or file and line.

    ```mlir
    accel.layer @conv1 name "conv1" kind "conv" macs 4096 output @y inputs [@x] from "conv1"
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$label, StrAttr:$kind, UnitAttr:$on_host, I64Attr:$macs,
                       OptionalAttr<FlatSymbolRefAttr>:$output, Accel_SymbolArray:$inputs, StrAttr:$origin);
  let assemblyFormat = [{
    $sym_name `name` $label `kind` $kind (`on_host` $on_host^)? `macs` $macs (`output` $output^)? `inputs` $inputs `from` $origin attr-dict
  }];
}

//===----------------------------------------------------------------------===//
// Tile operations
//===----------------------------------------------------------------------===//

class Accel_TileOp<string mnemonic, string queue, list<Trait> traits = [], list<string> overrides = []>
    : Op<Accel_Dialect, mnemonic, !listconcat([HasParent<"ProgramOp">, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                               DeclareOpInterfaceMethods<Accel_TileOpInterface, overrides>], traits)> {
  code tileDeclaration = "static constexpr Queue kQueue = Queue::" # queue # ";\n";
  let extraClassDeclaration = tileDeclaration;
}

def Accel_ConfigureOp : Accel_TileOp<"configure", "Load"> {
  let summary = "fetch a numerics entry";
  let description = [{
    ```mlir
    %configured = accel.configure @conv1.numerics layer @conv1 after()
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$numerics, FlatSymbolRefAttr:$layer, Variadic<Accel_TokenType>:$after);
  let results = (outs Accel_TokenType:$token);
  let assemblyFormat = "$numerics `layer` $layer `after` `(` $after `)` attr-dict";
}

def Accel_LoadOp : Accel_TileOp<"load", "Load", [], ["getWrites"]> {
  let summary = "move a box of granules from DRAM to a buffer";
  let description = [{
    ```mlir
    %loadedX = accel.load <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 16]> layer @conv1 after()
    ```
  }];
  let arguments = (ins Accel_OperandAttr:$dst, FlatSymbolRefAttr:$layer, Variadic<Accel_TokenType>:$after);
  let results = (outs Accel_TokenType:$token);
  let assemblyFormat = "$dst `layer` $layer `after` `(` $after `)` attr-dict";
}

def Accel_StoreOp : Accel_TileOp<"store", "Store", [], ["getReads"]> {
  let summary = "move a box of granules from a buffer to DRAM";
  let description = [{
    ```mlir
    %stored = accel.store <"nm" at 256, @y[0, 0, 0, 0] extent [1, 4, 4, 16]> layer @conv1 after(%added)
    ```
  }];
  let arguments = (ins Accel_OperandAttr:$src, FlatSymbolRefAttr:$layer, Variadic<Accel_TokenType>:$after);
  let results = (outs Accel_TokenType:$token);
  let assemblyFormat = "$src `layer` $layer `after` `(` $after `)` attr-dict";
}

def Accel_ContractOp : Accel_TileOp<"contract", "Mac", [], ["getReads", "getWrites"]> {
  let summary = "contract activations with weights into sums";
  let description = [{
    The only MAC instruction. `extents` are N, G, M, C, P, Q, R, S (M and C of a group), pads are top, bottom, left, right. `a`, `b` and `o` name the boxes that lie
    in the buffers, `from` the first element of the tensor that the tile reads or writes. The mapping holds the loops inside the tile.

    ```mlir
    %contracted = accel.contract extents [1, 1, 16, 16, 4, 4, 1, 1] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0]
        a <"nm" at 0, @x[0, 0, 0, 0] extent [1, 4, 4, 16]> from [0, 0, 0, 0]
        b <"sb" at 0, @w[0, 0, 0, 0] extent [16, 1, 1, 16]> from [0, 0, 0, 0]
        o <"nbout" at 0, @y.sums[0, 0, 0, 0] extent [1, 4, 4, 16]> from [0, 0, 0, 0]
        mode bias numerics @conv1.numerics mapping <"array"[x M = 16, y C = 16]> safs [#sparsity.saf<skip A at "nbin" if [A]>]
        layer @conv1 after(%configured, %loadedX, %loadedW)
    ```
  }];
  let arguments = (ins DenseI64ArrayAttr:$extents, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
                       Accel_OperandAttr:$a, DenseI64ArrayAttr:$a_origin, Accel_OperandAttr:$b, DenseI64ArrayAttr:$b_origin,
                       Accel_OperandAttr:$o, DenseI64ArrayAttr:$o_origin, EnumProp<Accel_AccumulateMode>:$mode,
                       FlatSymbolRefAttr:$numerics, Accel_MappingAttr:$mapping, Accel_SafArray:$safs, FlatSymbolRefAttr:$layer,
                       Variadic<Accel_TokenType>:$after);
  let results = (outs Accel_TokenType:$token);
  let assemblyFormat = [{
    `extents` $extents `strides` $strides `dilations` $dilations `pads` $pads `a` $a `from` $a_origin `b` $b `from` $b_origin `o` $o `from` $o_origin
    `mode` $mode `numerics` $numerics `mapping` $mapping `safs` $safs `layer` $layer `after` `(` $after `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Accel_VectorOp : Accel_TileOp<"vector", "Vector", [], ["getReads", "getWrites"]> {
  let summary = "work of the vector unit";
  let description = [{
    `rescale` turns sums (or an activation) into an activation; pools, elementwise and table work take activations; `copy` moves a box. Pads are top, bottom, left,
    right, and never count. `b` is the second operand of elementwise work.

    ```mlir
    %rescaled = accel.vector rescale window [1, 1] strides [1, 1] pads [0, 0, 0, 0]
        a <"nbout" at 0, @y.sums[0, 0, 0, 0] extent [1, 4, 4, 16]> o <"nm" at 256, @y[0, 0, 0, 0] extent [1, 4, 4, 16]>
        numerics @conv1.numerics layer @conv1 after(%contracted)
    ```
  }];
  let arguments = (ins EnumProp<Accel_VectorKind>:$kind, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       Accel_OperandAttr:$a, OptionalAttr<Accel_OperandAttr>:$b, Accel_OperandAttr:$o, FlatSymbolRefAttr:$numerics,
                       FlatSymbolRefAttr:$layer, Variadic<Accel_TokenType>:$after);
  let results = (outs Accel_TokenType:$token);
  let assemblyFormat = [{
    $kind `window` $window `strides` $strides `pads` $pads `a` $a (`b` $b^)? `o` $o `numerics` $numerics `layer` $layer `after` `(` $after `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Accel_HostCallOp : Accel_TileOp<"host_call", "Host"> {
  let summary = "run a host operator on tensors in DRAM";
  let description = [{
    A barrier: starts when everything before it has ended, and everything after it waits.

    ```mlir
    %called = accel.host_call softmax inputs [@y] outputs [@prob] ints [1] floats [] layer @prob.layer after()
    ```
  }];
  let arguments = (ins EnumProp<Accel_HostKind>:$kind, Accel_SymbolArray:$inputs, Accel_SymbolArray:$outputs, DenseI64ArrayAttr:$ints,
                       DenseF64ArrayAttr:$floats, FlatSymbolRefAttr:$layer, Variadic<Accel_TokenType>:$after);
  let results = (outs Accel_TokenType:$token);
  let assemblyFormat = "$kind `inputs` $inputs `outputs` $outputs `ints` $ints `floats` $floats `layer` $layer `after` `(` $after `)` attr-dict";
}

def Accel_HaltOp : Op<Accel_Dialect, "halt", [HasParent<"ProgramOp">, Terminator]> {
  let summary = "end of the program";
  let description = [{
    The last operation, and only the last.

    ```mlir
    accel.halt after(%stored, %called)
    ```
  }];
  let arguments = (ins Variadic<Accel_TokenType>:$after);
  let assemblyFormat = "`after` `(` $after `)` attr-dict";
}

#endif // SPARSEACCEL_DIALECT_ACCEL_TILEOPS_TD
