//===- SparsityBase.td - The dialect and its attributes -----------------------===//

#ifndef SPARSEACCEL_DIALECT_SPARSITY_BASE_TD
#define SPARSEACCEL_DIALECT_SPARSITY_BASE_TD

include "SparseAccel/Dialect/Sparsity/StorageInterface.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/TensorEncoding.td"

def Sparsity_Dialect : Dialect {
  let name = "sparsity";
  let cppNamespace = "::sparseaccel::sparsity";
  let summary = "What is sparse and how it is stored";
  let description = [{
    The dialect says how the elements of a tensor are stored, and which work a machine may gate or skip because of zeros. It knows no hardware.

    Discardable attributes of this dialect on other dialects' operations: `sparsity.name` (of a function's argument or result), `sparsity.value` (the
    unique name of a quantised value), `sparsity.host` (of a function that only the host runs); on the module `sparsity.numerics`, `sparsity.scales` and
    `sparsity.densities`.
  }];
  let useDefaultAttributePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Enums
//===----------------------------------------------------------------------===//

// The same cases in the same order as isa::OperandKind and isa::SafAction.
def Sparsity_OperandKind : I32Enum<"OperandKind", "operand of a contraction", [
    I32EnumCase<"A", 0, "A">, I32EnumCase<"B", 1, "B">, I32EnumCase<"O", 2, "O">]> {
  let cppNamespace = "::sparseaccel::sparsity";
}
def Sparsity_SafAction : I32Enum<"SafAction", "what a sparse acceleration feature does", [
    I32EnumCase<"Gate", 0, "gate">, I32EnumCase<"Skip", 1, "skip">, I32EnumCase<"Exit", 2, "exit">,
    I32EnumCase<"Predict", 3, "predict">, I32EnumCase<"Delta", 4, "delta">,
    I32EnumCase<"Format", 5, "format">]> {
  let cppNamespace = "::sparseaccel::sparsity";
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class Sparsity_Attr<string name, string attrMnemonic, list<Trait> traits = []> : AttrDef<Sparsity_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Sparsity_EncodingAttr : Sparsity_Attr<"Encoding", "encoding", [
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding>,
    DeclareAttrInterfaceMethods<StorageInterface>]> {
  let summary = "how the elements of a tensor are stored";
  let description = [{
    The encoding of a tensor type: a format, which docs/formats.md describes, and how the tensor is cut. The format is written as it is everywhere, in quotes:
    `"csr"`, `"nm(2:4)"`, `"[UOP@1, CP:8@0] + huffman"`. A preset without parameters needs no quotes, nor do ranks of which each is a name and a width;
    without quotes, hyphens are underscores (`eyeriss_rlc`). That is how they are printed.

    `order` is the order in which the tensor's ranks are stored, outermost first (the tensor's own order where it is left out). `granule` is the box that is
    stored, addressed and fetched as one (the whole tensor where it is left out); granules at the upper edges are smaller. Elements are integers of 8 or 16 bits.

    ```mlir
    #bits = #sparsity.encoding<bitmask>
    #csr = #sparsity.encoding<csr, order = [1, 0]>
    #bricks = #sparsity.encoding<zfnaf, granule = [1, 1, 8, 16]>
    #own = #sparsity.encoding<[UOP, CP:8], granule = [1, 4, 4, 32]>
    #columns = #sparsity.encoding<"eie-csc(64) + shared(4)">
    ```
  }];
  let parameters = (ins
    StringRefParameter<"formats::toString's text">:$text,
    ArrayRefParameter<"int64_t">:$order,
    ArrayRefParameter<"int64_t">:$granule
  );
  let builders = [
    AttrBuilder<(ins "const ::sparseaccel::formats::Format &":$format, CArg<"::llvm::ArrayRef<int64_t>", "{}">:$granule,
                     CArg<"::llvm::ArrayRef<int64_t>", "{}">:$order)>
  ];
  let extraClassDeclaration = [{
    /// The format as the MLIR-free half knows it.
    ::sparseaccel::formats::Format getFormat() const;
    /// The same format with another granule.
    EncodingAttr withGranule(::llvm::ArrayRef<int64_t> granule) const;
  }];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Sparsity_SafAttr : Sparsity_Attr<"Saf", "saf"> {
  let summary = "a sparse acceleration feature";
  let description = [{
    At a level of the machine (or at `"compute"`), accesses to the target operand, or computes with it, are gated (no energy, the cycle passes) or skipped (no
    energy and no cycle) where an operand of the condition is zero; any one of them being zero suffices. `exit` ends a sum early, `predict` skips outputs that
    are foretold to be zero, and `delta` computes on differences. `format` says that the target lies compressed at a level; it has no condition. Parameters are
    integers by name. docs/safs.md defines what each combination does.

    ```mlir
    #skip = #sparsity.saf<skip A at "nbin" if [A]>
    #gate = #sparsity.saf<gate B at "filter_spad" if [A]>
    #exit = #sparsity.saf<exit O at "compute" if [A, B], {threshold = 4}>
    #compressed = #sparsity.saf<format A at "nbin">
    ```
  }];
  let parameters = (ins
    EnumParameter<Sparsity_SafAction>:$action,
    EnumParameter<Sparsity_OperandKind>:$target,
    "::mlir::StringAttr":$level,
    "unsigned":$conditionOn,
    OptionalParameter<"::mlir::DictionaryAttr">:$params
  );
  let extraClassDeclaration = [{
    /// Whether a zero of this operand fulfils the condition.
    bool dependsOn(OperandKind operand) const { return getConditionOn() & (1u << static_cast<unsigned>(operand)); }
  }];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // SPARSEACCEL_DIALECT_SPARSITY_BASE_TD
