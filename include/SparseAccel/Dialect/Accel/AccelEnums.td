//===- AccelEnums.td - Enums, in the order of their like in isa/Program.h -----===//

#ifndef SPARSEACCEL_DIALECT_ACCEL_ENUMS_TD
#define SPARSEACCEL_DIALECT_ACCEL_ENUMS_TD

include "mlir/IR/EnumAttr.td"

class Accel_Enum<string name, string summary, list<EnumCase> cases> : I32Enum<name, summary, cases> {
  let cppNamespace = "::sparseaccel::accel";
}

def Accel_Rank : Accel_Enum<"Rank", "rank of a contraction", [
    I32EnumCase<"N", 0>, I32EnumCase<"G", 1>, I32EnumCase<"M", 2>, I32EnumCase<"C", 3>,
    I32EnumCase<"P", 4>, I32EnumCase<"Q", 5>, I32EnumCase<"R", 6>, I32EnumCase<"S", 7>]>;
def Accel_LoopKind : Accel_Enum<"LoopKind", "how a loop runs", [
    I32EnumCase<"Temporal", 0, "t">, I32EnumCase<"SpatialX", 1, "x">, I32EnumCase<"SpatialY", 2, "y">]>;
def Accel_ContractionKind : Accel_Enum<"ContractionKind", "kind of contraction", [
    I32EnumCase<"Conv", 0, "conv">, I32EnumCase<"Depthwise", 1, "depthwise">, I32EnumCase<"FullyConnected", 2, "fc">,
    I32EnumCase<"MatMul", 3, "matmul">]>;
def Accel_PoolKind : Accel_Enum<"PoolKind", "kind of pool", [I32EnumCase<"Max", 0, "max">, I32EnumCase<"Avg", 1, "avg">]>;
def Accel_ElementwiseKind : Accel_Enum<"ElementwiseKind", "kind of elementwise work", [
    I32EnumCase<"Add", 0, "add">, I32EnumCase<"Sub", 1, "sub">, I32EnumCase<"Mul", 2, "mul">, I32EnumCase<"Max", 3, "max">,
    I32EnumCase<"Min", 4, "min">]>;
def Accel_VectorKind : Accel_Enum<"VectorKind", "work of the vector unit", [
    I32EnumCase<"Rescale", 0, "rescale">, I32EnumCase<"MaxPool", 1, "max_pool">, I32EnumCase<"AvgPool", 2, "avg_pool">,
    I32EnumCase<"Add", 3, "add">, I32EnumCase<"Sub", 4, "sub">, I32EnumCase<"Mul", 5, "mul">, I32EnumCase<"Max", 6, "max">,
    I32EnumCase<"Min", 7, "min">, I32EnumCase<"Table", 8, "table">, I32EnumCase<"Copy", 9, "copy">]>;
def Accel_AccumulateMode : Accel_Enum<"AccumulateMode", "what sums start from", [
    I32EnumCase<"Clear", 0, "clear">, I32EnumCase<"Bias", 1, "bias">, I32EnumCase<"Accumulate", 2, "accumulate">]>;
def Accel_TensorRole : Accel_Enum<"TensorRole", "what a tensor is for", [
    I32EnumCase<"Input", 0, "input">, I32EnumCase<"Output", 1, "output">, I32EnumCase<"Constant", 2, "constant">,
    I32EnumCase<"Intermediate", 3, "intermediate">]>;
def Accel_Queue : Accel_Enum<"Queue", "queue that an instruction runs on", [
    I32EnumCase<"Load", 0, "load">, I32EnumCase<"Mac", 1, "mac">, I32EnumCase<"Vector", 2, "vector">, I32EnumCase<"Store", 3, "store">,
    I32EnumCase<"Host", 4, "host">]>;
def Accel_HostKind : Accel_Enum<"HostKind", "host operator", [
    I32EnumCase<"Quantize", 0, "quantize">, I32EnumCase<"Dequantize", 1, "dequantize">, I32EnumCase<"Transpose", 2, "transpose">,
    I32EnumCase<"Reshape", 3, "reshape">, I32EnumCase<"Slice", 4, "slice">, I32EnumCase<"Pad", 5, "pad">, I32EnumCase<"Concat", 6, "concat">,
    I32EnumCase<"Reverse", 7, "reverse">, I32EnumCase<"Tile", 8, "tile">, I32EnumCase<"Gather", 9, "gather">,
    I32EnumCase<"Softmax", 10, "softmax">, I32EnumCase<"Lrn", 11, "lrn">, I32EnumCase<"Unary", 12, "unary">, I32EnumCase<"Binary", 13, "binary">,
    I32EnumCase<"Reduce", 14, "reduce">, I32EnumCase<"MatMul", 15, "matmul">, I32EnumCase<"Cast", 16, "cast">, I32EnumCase<"Select", 17, "select">,
    I32EnumCase<"Rescale", 18, "rescale">, I32EnumCase<"Clamp", 19, "clamp">, I32EnumCase<"Conv", 20, "conv">,
    I32EnumCase<"MaxPool", 21, "max_pool">, I32EnumCase<"AvgPool", 22, "avg_pool">]>;

#endif // SPARSEACCEL_DIALECT_ACCEL_ENUMS_TD
