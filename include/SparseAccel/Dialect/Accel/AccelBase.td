//===- AccelBase.td - Dialect, attributes, types and interfaces --------===//

#ifndef SPARSEACCEL_DIALECT_ACCEL_BASE_TD
#define SPARSEACCEL_DIALECT_ACCEL_BASE_TD

include "SparseAccel/Dialect/Accel/AccelEnums.td"
include "SparseAccel/Dialect/Sparsity/SparsityBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"

def Accel_Dialect : Dialect {
  let name = "accel";
  let cppNamespace = "::sparseaccel::accel";
  let summary = "Layers and programs of a sparse accelerator";
  let description = [{
    Two levels share the dialect. *Layer operations* are whole layers on whole tensors: integers in, integers out, with bias, rescale and activation fused in.
    Activations are `[N][H][W][C]`, weights `[G*M][R][S][C]` with `C` the channels of a group. *Tile operations* stand in an `accel.program`, one for each kind
    of instruction, and mirror its fields; their order beyond the program's own is said by tokens. Both say what is computed and where it lies; what it costs
    is the machine's affair.
  }];
  let dependentDialects = ["::sparseaccel::sparsity::SparsityDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Accel_TokenType : TypeDef<Accel_Dialect, "Token">, BuildableType<"$_builder.getType<::sparseaccel::accel::TokenType>()"> {
  let mnemonic = "token";
  let summary = "the end of a tile operation";
  let description = [{
    A tile operation yields a token when it has ended, and starts only when the tokens that it takes are there.

    ```mlir
    %configured = accel.configure @conv1.numerics layer @conv1 after()
    %again = accel.configure @conv1.numerics layer @conv1 after(%configured)
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class Accel_Attr<string name, string attrMnemonic, list<Trait> traits = []> : AttrDef<Accel_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Accel_NumericsAttr : Accel_Attr<"Numerics", "numerics"> {
  let summary = "what turns sums into activations, and what elementwise work scales by";
  let description = [{
    Mirrors `isa::Numerics`. All arithmetic is TOSA's RESCALE with a single round: `((x * multiplier) + (1 << (shift - 1))) >> shift` in 64 bits, truncated to 32
    bits, clamped to `clamp`. `bias` has one entry an output channel; `multiplier` and `shift` have one, or one an output channel. `narrow` says that multipliers
    have 16 bits (48-bit sums), not 32. `a` and `b` are multiplier and shift of the operands of elementwise work; an operand that has none is taken as it is.
    `table` is TOSA's TABLE: 256 entries for 8-bit, 513 for 16-bit elements (whose interpolated result has 23 bits before it is rescaled).

    ```mlir
    #relu = #accel.numerics<clamp = [0, 127], bias = [3, -4], multiplier = [1073741824, 1518500250], shift = [38, 39]>
    #sum = #accel.numerics<clamp = [-32768, 32767], multiplier = [16384], shift = [22], narrow, a = [1073741824, 22], b = [1518500250, 24]>
    ```
  }];
  let parameters = (ins
    "int64_t":$clampMin, "int64_t":$clampMax,
    ArrayRefParameter<"int64_t">:$bias,
    ArrayRefParameter<"int32_t">:$multiplier,
    ArrayRefParameter<"int32_t">:$shift,
    "bool":$scale32,
    "int32_t":$aMultiplier, "int32_t":$aShift,
    "int32_t":$bMultiplier, "int32_t":$bShift,
    ArrayRefParameter<"int16_t">:$table
  );
  let extraClassDeclaration = [{
    /// A clamp alone: what value-preserving work takes.
    static NumericsAttr getClamp(::mlir::MLIRContext *context, int64_t clampMin, int64_t clampMax);
    /// Bias, multipliers and a clamp: what a contraction or a rescale takes.
    static NumericsAttr getRescale(::mlir::MLIRContext *context, ::llvm::ArrayRef<int64_t> bias, ::llvm::ArrayRef<int32_t> multiplier,
                                   ::llvm::ArrayRef<int32_t> shift, bool scale32, int64_t clampMin, int64_t clampMax);
    /// The same with another clamp.
    NumericsAttr withClamp(int64_t clampMin, int64_t clampMax) const;
    /// The entries of `count` output channels from `begin`; single multipliers stay.
    NumericsAttr slice(int64_t begin, int64_t count) const;
  }];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Accel_LoopAttr : Accel_Attr<"Loop", "loop"> {
  let summary = "one loop of a mapping";
  let description = [{
    Rank, factor, the level of the machine whose contents it walks over, and whether it runs in time (`t`) or along an edge of the array (`x`, `y`).

    ```mlir
    #columns = #accel.loop<M = 16 at "array" x>
    ```
  }];
  let parameters = (ins EnumParameter<Accel_Rank>:$rank, "uint32_t":$factor, "::mlir::StringAttr":$level, EnumParameter<Accel_LoopKind>:$kind);
  let assemblyFormat = "`<` $rank `=` $factor `at` $level $kind `>`";
  let genVerifyDecl = 1;
}

def Accel_MappingAttr : Accel_Attr<"Mapping", "mapping"> {
  let summary = "the loops of a contraction, from the outermost in";
  let description = [{
    Levels from the outermost in, each with its loops from the outermost in; `x` and `y` mark loops that are unrolled along an edge of the array. The product of
    a rank's factors covers its extent, the last iteration may be ragged. Loops over levels that the program manages become instructions; the rest is what the
    instructions' mapping table holds.

    ```mlir
    #m = #accel.mapping<"dram"[M = 4, P = 8], "nm"[C = 2], "array"[x M = 16, y C = 16]>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::sparseaccel::accel::LoopAttr">:$loops);
  let hasCustomAssemblyFormat = 1;
}

def Accel_OperandAttr : Accel_Attr<"Operand", "operand"> {
  let summary = "a box of a tensor that lies in a buffer";
  let description = [{
    Mirrors `isa::Operand`: the buffer, the first byte of the box in it, the tensor, and the box in the tensor's own coordinates. Before allocation the offset is
    unknown and `slot` tells boxes that share bytes (same slot) from those that do not.

    ```mlir
    #before = #accel.operand<"nm" slot 2, @conv1[0, 0, 0, 0] extent [1, 8, 56, 64]>
    #after = #accel.operand<"nm" at 4096, @conv1[0, 0, 0, 0] extent [1, 8, 56, 64]>
    ```
  }];
  let parameters = (ins
    "::mlir::StringAttr":$buffer,
    OptionalParameter<"::std::optional<int64_t>">:$slot,
    OptionalParameter<"::std::optional<int64_t>">:$offset,
    "::mlir::FlatSymbolRefAttr":$tensor,
    ArrayRefParameter<"int64_t">:$origin,
    ArrayRefParameter<"int64_t">:$extent
  );
  let extraClassDeclaration = [{
    OperandAttr withOffset(int64_t offset) const;
    int64_t elements() const;
  }];
  let assemblyFormat = "`<` $buffer (`slot` $slot^)? (`at` $offset^)? `,` $tensor `[` $origin `]` `extent` ` ` `[` $extent `]` `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Interfaces
//===----------------------------------------------------------------------===//

def Accel_LayerOpInterface : OpInterface<"LayerOpInterface"> {
  let cppNamespace = "::sparseaccel::accel";
  let description = "A layer: what passes and reports ask all of them.";
  let methods = [
    InterfaceMethod<"Name of the model's node.", "::llvm::StringRef", "getLayerName", (ins), [{}], [{ return $_op.getLayer(); }]>,
    InterfaceMethod<"Name of the quantised value that the result reproduces.", "::llvm::StringRef", "getValueName", (ins), [{}],
                    [{ return $_op.getValue(); }]>,
    InterfaceMethod<"What reports call the layer's kind: conv, max_pool, add, softmax, ...", "::std::string", "getKindName">,
    InterfaceMethod<"Dense multiply-accumulates, padding included.", "int64_t", "getMacs", (ins), [{}], [{ return 0; }]>,
    InterfaceMethod<"Whether the host runs it.", "bool", "isOnHost", (ins), [{}], [{ return false; }]>
  ];
}

def Accel_TileOpInterface : OpInterface<"TileOpInterface"> {
  let cppNamespace = "::sparseaccel::accel";
  let description = "A tile operation: one instruction.";
  let methods = [
    InterfaceMethod<"The queue that it runs on.", "::sparseaccel::accel::Queue", "getQueue", (ins), [{}], [{ return ConcreteOp::kQueue; }]>,
    InterfaceMethod<"The tokens that it waits for.", "::mlir::OperandRange", "getAwaited", (ins), [{}], [{ return $_op.getAfter(); }]>,
    InterfaceMethod<"Its own token.", "::mlir::Value", "getEnd", (ins), [{}], [{ return $_op.getToken(); }]>,
    InterfaceMethod<"The accel.layer that it belongs to.", "::mlir::FlatSymbolRefAttr", "getLayerRef", (ins), [{}], [{ return $_op.getLayerAttr(); }]>,
    InterfaceMethod<"Boxes that it reads.", "::llvm::SmallVector<::sparseaccel::accel::OperandAttr>", "getReads", (ins), [{}], [{ return {}; }]>,
    InterfaceMethod<"Boxes that it writes.", "::llvm::SmallVector<::sparseaccel::accel::OperandAttr>", "getWrites", (ins), [{}], [{ return {}; }]>
  ];
}

#endif // SPARSEACCEL_DIALECT_ACCEL_BASE_TD
