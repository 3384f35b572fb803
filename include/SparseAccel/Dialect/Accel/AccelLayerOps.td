//===- AccelLayerOps.td - Whole layers on whole tensors -----------------------===//

#ifndef SPARSEACCEL_DIALECT_ACCEL_LAYEROPS_TD
#define SPARSEACCEL_DIALECT_ACCEL_LAYEROPS_TD

include "SparseAccel/Dialect/Accel/AccelBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Accel_Activation : RankedTensorOf<[I8, I16]>;
def Accel_Feature : TensorRankOf<[I8, I16], [4]>;
def Accel_Any : RankedTensorOf<[I1, I8, I16, I32, I<48>, I64, F32]>;

class Accel_LayerBase<string mnemonic, list<Trait> traits = []>
    : Op<Accel_Dialect, mnemonic, !listconcat([Pure, DeclareOpInterfaceMethods<Accel_LayerOpInterface, ["getKindName"]>], traits)>;

def Accel_ContractionOp : Op<Accel_Dialect, "contraction", [Pure,
    DeclareOpInterfaceMethods<Accel_LayerOpInterface, ["getKindName", "getMacs"]>]> {
  let summary = "convolution, depthwise convolution or fully connected layer, rescaled";
  let description = [{
    `sum[n][p][q][g*M+m] = bias[g*M+m] + sum over c, r, s of input[n][p*strideH+r*dilationH-padTop][q*strideW+s*dilationW-padLeft][g*C+c] * weights[g*M+m][r][s][c]`,
    then rescaled and clamped as `numerics` says. The input is `[N][H][W][G*C]`, zero outside; weights are `[G*M][R][S][C]`; pads are top, bottom, left, right. The
    last rows and columns of the input may be unused where the stride does not divide. Weights are a constant, or an activation (`matmul`).

    `mapping` is set by `sparse-schedule` or forced; `safs` is set by `sparse-select-safs`.

    ```mlir
    %y = accel.contraction conv %x, %w strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], bias = [3, -4], multiplier = [1073741824, 1518500250], shift = [38, 39]>
        layer "conv1" value "relu1" : (tensor<1x8x8x16xi8>, tensor<2x3x3x16xi8>) -> tensor<1x8x8x2xi8>
    ```
  }];
  let arguments = (ins
    EnumProp<Accel_ContractionKind>:$kind,
    Accel_Feature:$input, Accel_Feature:$weights,
    DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, I64Prop:$groups,
    Accel_NumericsAttr:$numerics, StrAttr:$layer, StrAttr:$value,
    OptionalAttr<Accel_MappingAttr>:$mapping, OptionalAttr<TypedArrayAttrBase<Sparsity_SafAttr, "array of #sparsity.saf">>:$safs
  );
  let results = (outs Accel_Feature:$result);
  let assemblyFormat = [{
    $kind $input `,` $weights `strides` $strides `pads` $pads `dilations` $dilations `groups` $groups
    `numerics` $numerics (`mapping` $mapping^)? (`safs` $safs^)? `layer` $layer `value` $value attr-dict `:` functional-type(operands, $result)
  }];
  let extraClassDeclaration = [{
    /// Extents N, G, M, C, P, Q, R, S; m and c are per group.
    ::std::array<int64_t, 8> getExtents();
  }];
  let hasVerifier = 1;
}

def Accel_PoolOp : Accel_LayerBase<"pool"> {
  let summary = "maximum or average over windows";
  let description = [{
    Padding never counts: the maximum is over, and the average divides by, the positions of the window that lie in the input. The average is TOSA's AVG_POOL2D in
    integers, with 32-bit sums. The result has the input's scale and is clamped.

    ```mlir
    %y = accel.pool max %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] numerics <clamp = [-128, 127]> layer "pool1" value "pool1"
        : (tensor<1x8x8x16xi8>) -> tensor<1x4x4x16xi8>
    ```
  }];
  let arguments = (ins EnumProp<Accel_PoolKind>:$kind, Accel_Feature:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pads, Accel_NumericsAttr:$numerics, StrAttr:$layer, StrAttr:$value);
  let results = (outs Accel_Feature:$result);
  let assemblyFormat = [{
    $kind $input `kernel` $kernel `strides` $strides `pads` $pads `numerics` $numerics `layer` $layer `value` $value attr-dict
    `:` functional-type(operands, $result)
  }];
  let hasVerifier = 1;
}

def Accel_ElementwiseOp : Accel_LayerBase<"elementwise"> {
  let summary = "two activations, element by element, rescaled";
  let description = [{
    Each operand is first rescaled to 32 bits by `a` or `b` of `numerics` (taken as it is where there is none), then combined in 32 bits, then rescaled and clamped.
    All shapes are the same.

    ```mlir
    %z = accel.elementwise add %x, %y
        numerics <clamp = [-128, 127], multiplier = [1073741824], shift = [50], a = [1073741824, 11], b = [1518500250, 12]>
        layer "add1" value "add1" : (tensor<1x8x8x16xi8>, tensor<1x8x8x16xi8>) -> tensor<1x8x8x16xi8>
    ```
  }];
  let arguments = (ins EnumProp<Accel_ElementwiseKind>:$kind, Accel_Activation:$lhs, Accel_Activation:$rhs, Accel_NumericsAttr:$numerics,
                       StrAttr:$layer, StrAttr:$value);
  let results = (outs Accel_Activation:$result);
  let assemblyFormat = "$kind $lhs `,` $rhs `numerics` $numerics `layer` $layer `value` $value attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def Accel_RescaleOp : Accel_LayerBase<"rescale"> {
  let summary = "an activation in another scale, or clamped";
  let description = [{
    A clamp alone is a rescale by one: `multiplier = [16384], shift = [14]`.

    ```mlir
    %y = accel.rescale %x numerics <clamp = [0, 127], multiplier = [16384], shift = [14]> layer "relu6" value "relu6"
        : (tensor<1x8x8x16xi8>) -> tensor<1x8x8x16xi8>
    ```
  }];
  let arguments = (ins Accel_Activation:$input, Accel_NumericsAttr:$numerics, StrAttr:$layer, StrAttr:$value);
  let results = (outs Accel_Activation:$result);
  let assemblyFormat = "$input `numerics` $numerics `layer` $layer `value` $value attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def Accel_TableOp : Accel_LayerBase<"table"> {
  let summary = "a function of each element by look-up";
  let description = [{
    TOSA's TABLE: 8-bit elements look up one of 256 entries; 16-bit elements interpolate between 513 entries, which gives 23 bits that are rescaled.

    ```mlir
    %y = accel.table %x numerics #sigmoid layer "sigmoid1" value "sigmoid1" : (tensor<1x8xi8>) -> tensor<1x8xi8>
    ```
  }];
  let arguments = (ins Accel_Activation:$input, Accel_NumericsAttr:$numerics, StrAttr:$layer, StrAttr:$value);
  let results = (outs Accel_Activation:$result);
  let assemblyFormat = "$input `numerics` qualified($numerics) `layer` $layer `value` $value attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def Accel_ConcatOp : Accel_LayerBase<"concat"> {
  let summary = "activations side by side";
  let description = [{
    All operands and the result have one scale.

    ```mlir
    %z = accel.concat %x, %y axis 3 layer "fire2/concat" value "fire2/concat"
        : (tensor<1x8x8x16xi8>, tensor<1x8x8x8xi8>) -> tensor<1x8x8x24xi8>
    ```
  }];
  let arguments = (ins Variadic<Accel_Activation>:$inputs, I64Prop:$axis, StrAttr:$layer, StrAttr:$value);
  let results = (outs Accel_Activation:$result);
  let assemblyFormat = "$inputs `axis` $axis `layer` $layer `value` $value attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def Accel_ReshapeOp : Accel_LayerBase<"reshape"> {
  let summary = "the same elements in row-major order under another shape";
  let description = [{
    Costs nothing where both sides are dense: the result names the same bytes.

    ```mlir
    %y = accel.reshape %x layer "flatten" value "flatten" : tensor<1x4x4x16xi8> -> tensor<1x1x1x256xi8>
    ```
  }];
  let arguments = (ins Accel_Any:$input, StrAttr:$layer, StrAttr:$value);
  let results = (outs Accel_Any:$result);
  let assemblyFormat = "$input `layer` $layer `value` $value attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Accel_HostOp : Op<Accel_Dialect, "host", [Pure,
    DeclareOpInterfaceMethods<Accel_LayerOpInterface, ["getKindName", "getMacs", "isOnHost"]>]> {
  let summary = "an operator that the host runs";
  let description = [{
    One of a closed list of operators (isa::HostKind), whose integer and real arguments are those of its kernel in the runtime.

    ```mlir
    %y = accel.host softmax (%x) ints [1] floats [] layer "prob" value "prob" : (tensor<1x10xf32>) -> tensor<1x10xf32>
    ```
  }];
  let arguments = (ins EnumProp<Accel_HostKind>:$kind, Variadic<Accel_Any>:$inputs, DenseI64ArrayAttr:$ints, DenseF64ArrayAttr:$floats,
                       StrAttr:$layer, StrAttr:$value);
  let results = (outs Accel_Any:$result);
  let assemblyFormat = [{
    $kind `(` $inputs `)` `ints` $ints `floats` $floats `layer` $layer `value` $value attr-dict `:` functional-type(operands, $result)
  }];
  let hasVerifier = 1;
}

#endif // SPARSEACCEL_DIALECT_ACCEL_LAYEROPS_TD
