//===- Passes.td - The compiler's passes -----------------*- tablegen -*-===//
//
// One def a pass: `sparse-do-this` = def DoThis = lib/Transforms/DoThis.cpp = test/Transforms/do-this.mlir. Every pass has a summary, a description with an
// example that its test runs, options, and its dependent dialects.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TRANSFORMS_PASSES
#define SPARSEACCEL_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def LinalgToTosa : Pass<"sparse-linalg-to-tosa", "::mlir::ModuleOp"> {
  let summary = "Raise named linalg operations on tensors to TOSA";
  let description = [{
    A front end for models that arrive as linalg: named operations on float32 tensors of static shape become the TOSA that `sparse-quantize` takes. Generic
    operations that are one of upstream's named ones are named first. Matrix products with constant weights become 1x1 convolutions, as those of an ONNX
    model do; a pad in front of a convolution or a pool, and a bias or a fill that its sums start from, become part of it; weights become resources.
    docs/linalg.md lists what is taken; anything else is an error that names the operation.

    ```mlir
    %0 = linalg.exp ins(%x : tensor<2x3xf32>) outs(%empty : tensor<2x3xf32>) -> tensor<2x3xf32>
    ```

    becomes

    ```mlir
    %0 = tosa.exp %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::tosa::TosaDialect"];
}

def Quantize : Pass<"sparse-quantize", "::mlir::ModuleOp"> {
  let summary = "Turn a float TOSA model into an int8 or int16 one";
  let description = [{
    Rewrites `@main` so that convolutions, matrix products, pools, element-by-element arithmetic and what moves values between them run on integers; the rest
    stays in float, with explicit conversions (`tosa.mul` by a constant and `tosa.cast`) at every edge.

    Quantisation is symmetric: every zero point is 0, and a zero weight or activation is a zero integer. Weights have a scale per output channel, activations
    one a tensor, from the largest magnitude that the float model computes on the calibration inputs (run on this computer by oneDNN and the host's kernels), or, with
    `calibration=percentile=P`, from the magnitude that P percent of a tensor's values do not exceed.
    Values that ops only move (concat, slice, pad, pools, clamp, ...) share one scale, so that nothing is rescaled between them; the range before a ReLU does
    not count. Sums are i32 for int8, i48 for int16, and become activations by one `tosa.rescale` with a single round.

    For every output channel `|bias| + sum |w| * max |a|` is proven to fit the sums; a channel that would not fit has its weights coarsened, and an output scale
    at which a rescale could wrap in 32 bits is raised: each with a remark that names the node (`--remarks-filter=sparse-quantize`).

    A model with QuantizeLinear/DequantizeLinear (attributes `sparsity.quant`, `sparsity.act_scale`) keeps its scales in int8 where zero maps to 0 and codes
    fit (in int16 those of int16 activations); else it is quantised anew, with a remark.

    Every op that yields an activation gets a unique `sparsity.value`, from its node's name. The module gets `sparsity.numerics`, `sparsity.scales` and, after
    calibration, `sparsity.densities` (share of nonzeros), both by value name.

    Example, with `default-range=1` and int16:

    ```mlir
    %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, ...} : (..., tensor<2x1x1x2xf32>, ...) -> tensor<1x2x2x2xf32>
    ```

    becomes

    ```mlir
    %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = i48, ...} : (..., tensor<2x1x1x2xi16>, ...) -> tensor<1x2x2x2xi48>
    %1 = tosa.rescale %0, %multiplier, %shift, %z48, %z {..., per_channel = true, rounding_mode = SINGLE_ROUND, scale32 = false,
      sparsity.value = "conv1"} : (...) -> tensor<1x2x2x2xi16>
    ```
  }];
  let options = [
    Option<"numerics", "numerics", "::sparseaccel::NumericsKind", "::sparseaccel::NumericsKind::Int16",
           "Integers of weights and activations: int8 or int16", [{::llvm::cl::values(
             clEnumValN(::sparseaccel::NumericsKind::Int8, "int8", "8-bit operands, 32-bit sums"),
             clEnumValN(::sparseaccel::NumericsKind::Int16, "int16", "16-bit operands, 48-bit sums"))}]>,
    Option<"calibrate", "calibrate", "std::string", /*default=*/"", "Inputs to take ranges from: a .npy or .npz file, images along the first dimension">,
    Option<"calibration", "calibration", "std::string", /*default=*/"\"max\"",
           "How calibration sets a range: max, or percentile=P, the magnitude that P percent of the values do not exceed">,
    Option<"defaultRange", "default-range", "double", /*default=*/"0.0", "Without calibration: take every activation to lie in [-X, X]">,
  ];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::tosa::TosaDialect"];
}

//===----------------------------------------------------------------------===//
// From TOSA to layers
//===----------------------------------------------------------------------===//

def FuseLayers : Pass<"sparse-fuse-layers", "::mlir::ModuleOp"> {
  let summary = "Fuse quantised TOSA into accel layer operations";
  let description = [{
    A convolution, depthwise convolution or matrix product becomes one `accel.contraction` together with its rescale and clamp, with the padding and the slice
    before it, and with the other groups of a grouped convolution. Depthwise weights are reordered from `[R][S][C][multiplier]` to `[C * multiplier][R][S][1]`.
    Pools, elementwise work, tables, rescales and concatenations become layers of the vector unit. Everything else goes to the host as `accel.host`, by name in a
    remark (`--remarks-filter=sparse-fuse-layers`): quantisation at the model's edges, data movement, float32 arithmetic and calls of functions with
    `sparsity.host`. What is on no list is an error that names the node. Every layer keeps its node's name (`layer`) and the name of the quantised value that it
    reproduces (`value`).

    ```mlir
    %sums = tosa.conv2d %x, %w, %bias, %zero, %zero {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>}
        : (tensor<1x4x4x8xi8>, tensor<2x3x3x8xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4x4x2xi32>
    %y = tosa.rescale %sums, %multiplier, %shift, %zero32, %zero {input_unsigned = false, output_unsigned = false, per_channel = true,
        rounding_mode = SINGLE_ROUND, scale32 = true, sparsity.value = "conv1"}
        : (tensor<1x4x4x2xi32>, tensor<2xi32>, tensor<2xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x4x4x2xi8>
    %z = tosa.clamp %y {max_val = 127 : i8, min_val = 0 : i8, sparsity.value = "relu1"} : (tensor<1x4x4x2xi8>) -> tensor<1x4x4x2xi8>
    ```
    becomes
    ```mlir
    %z = accel.contraction conv %x, %w strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], bias = [3, -4], multiplier = [1073741824, 1518500250], shift = [38, 39]>
        layer "conv1" value "relu1" : (tensor<1x4x4x8xi8>, tensor<2x3x3x8xi8>) -> tensor<1x4x4x2xi8>
    ```
  }];
  let dependentDialects = ["::sparseaccel::accel::AccelDialect"];
}

//===----------------------------------------------------------------------===//
// From layers to a program
//===----------------------------------------------------------------------===//

class SparseAccel_MachinePass<string argument> : Pass<argument, "::mlir::ModuleOp"> {
  let dependentDialects = ["::sparseaccel::accel::AccelDialect", "::sparseaccel::sparsity::SparsityDialect"];
}

def SelectEncoding : SparseAccel_MachinePass<"sparse-select-encoding"> {
  let summary = "Choose how each tensor is stored in DRAM";
  let description = [{
    Among the formats that the machine takes for an operand, each constant gets the one whose exact stored size is the smallest, and each activation the one whose
    expected size is, for the density that calibration found (`sparsity.densities`); lengths of granules count. Without a calibrated density, a value that is
    clamped at 0 is taken to have the density of the option `relu-density`, and any other to be dense. What the host, the model's edge or a reshape touches stays
    dense. A compressed constant goes through a `sparsity.encode`; an activation's type gets the encoding. Granules are left to `sparse-allocate`.
    On a machine like Eyeriss that takes bitmasks of weights, too:

    ```mlir
    %e = sparsity.encode %w : tensor<16x1x1x16xi8> to tensor<16x1x1x16xi8, #sparsity.encoding<bitmask>>
    %y = accel.contraction conv %x, %e strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]> layer "conv1" value "relu1"
        : (tensor<1x8x8x16xi8>, tensor<16x1x1x16xi8, #sparsity.encoding<bitmask>>) -> tensor<1x8x8x16xi8, #sparsity.encoding<eyeriss_rlc>>
    ```
  }];
  let options = [
    Option<"machine", "machine", "std::string", "", "Name or file of the machine">,
    Option<"reluDensity", "relu-density", "double", "0.5", "Density of values clamped at 0 where none was calibrated">,
    Option<"saf", "saf", "std::string", "", "Operands to store dense or compressed, as '-format a at dram' (docs/safs.md)">
  ];
}

def SelectSafs : SparseAccel_MachinePass<"sparse-select-safs"> {
  let summary = "Choose what the machine gates or skips in each contraction";
  let description = [{
    Sets `safs` on each contraction: what the machine offers, but for what it marks as optional. What depends on zeros of constant weights alone is left out where
    there are none. The option `saf` asks for others (docs/safs.md): a list is taken as it is, and changes begin with + or -. What the machine lacks, or what
    contradicts, is an error. Formats follow: those in DRAM as the encodings of the operands' types say, those in the buffers as the machine does. On Cnvlutin:

    ```mlir
    %y = accel.contraction conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]>
        safs [#sparsity.saf<skip A at "compute" if [A]>, #sparsity.saf<skip B at "sb" if [A]>, #sparsity.saf<format A at "nm">, #sparsity.saf<format O at "nm">] layer "conv1" value "relu1"
        : (tensor<1x8x8x16xi8>, tensor<16x1x1x16xi8>) -> tensor<1x8x8x16xi8>
    ```
  }];
  let options = [
    Option<"machine", "machine", "std::string", "", "Name or file of the machine">,
    Option<"saf", "saf", "std::string", "", "What is to be active, as 'gate b at compute if a; skip a at compute if a', 'none' or '-skip' (docs/safs.md)">
  ];
}

def ToSparseTensor : Pass<"sparse-to-sparse-tensor"> {
  let summary = "Write encodings as upstream's #sparse_tensor.encoding";
  let description = [{
    Turns types with a `#sparsity.encoding` into sparse tensors of upstream's dialect, and `sparsity.encode` and `sparsity.decode` into `sparse_tensor.convert`, so
    that upstream's sparse compiler can take the module. Dense and compressed ranks (`U`, `UOP` then `CP`, so CSR and CSC) have their like there; a bitmask,
    run lengths, packings and granules do not, which is an error.

    ```mlir
    %e = sparsity.encode %x : tensor<8x64xi8> to tensor<8x64xi8, #sparsity.encoding<csr>>
    ```
    becomes
    ```mlir
    #sparse = #sparse_tensor.encoding<{ map = (d0, d1) -> (d0 : dense, d1 : compressed) }>
    %e = sparse_tensor.convert %x : tensor<8x64xi8> to tensor<8x64xi8, #sparse>
    ```
  }];
  let dependentDialects = ["::mlir::sparse_tensor::SparseTensorDialect"];
}

def CheckEncodings : Pass<"sparse-check-encodings"> {
  let summary = "Check that no cast changes an encoding";
  let description = [{
    Compression is work, so it must be an operation that is counted: only `sparsity.encode` and `sparsity.decode` turn one encoding into another. A cast, a
    reshape or an identity between types of different encodings is an error.

    ```mlir
    // error: changes #sparsity.encoding<bitmask> to no encoding
    %d = tensor.cast %x : tensor<8x64xi8, #sparsity.encoding<bitmask>> to tensor<8x64xi8>
    ```
  }];
}

def Schedule : SparseAccel_MachinePass<"sparse-schedule"> {
  let summary = "Choose tile sizes and a mapping for each layer";
  let description = [{
    Cuts each layer into tiles that fit the buffers of the machine, with room for two where a level is double-buffered, and chooses among them by an estimate of
    time, energy or their product that uses the weights' real nonzeros and calibrated activation densities. The answer is `#accel.mapping` on the layer: the loops over tiles at
    DRAM level, then those inside a tile as the dataflow wants them. A loop of f iterations cuts an extent e into tiles of ceil(e / f). A layer that has a mapping
    keeps it if it fits, and so does one that the file of the option `mapping` names. What the machine does not take goes to the host, with a remark.

    ```mlir
    %y = accel.contraction conv %x, %w strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1
        numerics <clamp = [0, 127], multiplier = [1073741824], shift = [38]>
        mapping <"dram"[P = 4], "nbin"[P = 2, Q = 8, R = 3, S = 3, y M = 2, x C = 16]> layer "conv1" value "relu1" : (tensor<1x8x8x16xi8>, tensor<2x3x3x16xi8>) -> tensor<1x8x8x2xi8>
    ```
  }];
  let options = [
    Option<"machine", "machine", "std::string", "", "Name or file of the machine">,
    Option<"objective", "objective", "::sparseaccel::schedule::Objective", "::sparseaccel::schedule::Objective::Latency", "What to minimise",
           [{::llvm::cl::values(clEnumValN(::sparseaccel::schedule::Objective::Latency, "latency", "cycles"),
                                clEnumValN(::sparseaccel::schedule::Objective::Energy, "energy", "energy"),
                                clEnumValN(::sparseaccel::schedule::Objective::Edp, "edp", "energy x delay"))}]>,
    Option<"searchBudget", "search-budget", "unsigned", "::sparseaccel::schedule::kDefaultSearchBudget",
           "Estimates to make for each layer once something is found">,
    Option<"mapping", "mapping", "std::string", "", "File of forced mappings (docs/scheduling.md)">
  ];
}

def LowerToTiles : SparseAccel_MachinePass<"sparse-lower-to-tiles"> {
  let summary = "Write each layer as tile operations";
  let description = [{
    Replaces the function by an `accel.program`: for each layer its numerics, and for each tile the loads of what is not there yet, the contraction, the rescale
    and the store. Slots alternate where a level is double-buffered; tokens say what waits for what, across layers too. Operands name slots, and an offset in
    the slot where it is not 0; `sparse-allocate` places them. Concatenation copies nothing where its operands come from tiles. A layer's entry notes what
    the scheduler's model expects of the mapping (`accel.estimate`), for reports.

    ```mlir
    %0 = accel.configure @conv1.numerics layer @conv1.layer after()
    %1 = accel.load <"sb" slot 0, @conv1.weights[0, 0, 0, 0] extent [2, 3, 3, 16]> layer @conv1.layer after()
    %2 = accel.load <"nm" slot 1, @x[0, 0, 0, 0] extent [1, 3, 8, 16]> layer @conv1.layer after()
    ```
  }];
  let options = [Option<"machine", "machine", "std::string", "", "Name or file of the machine">];
}

def Allocate : SparseAccel_MachinePass<"sparse-allocate"> {
  let summary = "Choose granules and place tensors and slots";
  let description = [{
    The granule of each tensor is the largest box by which every load and store can name what it moves: a single row of an image for activations, a tile for
    weights. Tensors follow each other in DRAM. Slots of one layer follow those of the layer before around each buffer, so that loads of one run beside the work of
    the other; tokens are drawn anew, because slots that share bytes must wait for each other.

    ```mlir
    accel.tensor @x : tensor<1x8x8x16xi8, #sparsity.encoding<dense, granule = [1, 1, 8, 16]>> role input scale 1.000000e+00 offset 0
    %2 = accel.load <"nm" at 0, @x[0, 0, 0, 0] extent [1, 3, 8, 16]> layer @conv1.layer after()
    ```
  }];
  let options = [Option<"machine", "machine", "std::string", "", "Name or file of the machine">];
}

#endif // SPARSEACCEL_TRANSFORMS_PASSES
