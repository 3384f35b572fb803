//===- Operators.cpp - The operators that can be imported -----------------===//

#include "Importer.h"

namespace sparseaccel::onnx {

NodeImporter findImporter(llvm::StringRef op) {
  struct Entry {
    llvm::StringLiteral op;
    NodeImporter importer;
  };
  static constexpr Entry entries[] = {
      {"Abs", importFunction},
      {"Add", importBinary},
      {"AveragePool", importAveragePool},
      {"BatchNormalization", importBatchNormalization},
      {"Cast", importCast},
      {"Clip", importClip},
      {"Concat", importConcat},
      {"Constant", importConstant},
      {"ConstantOfShape", importConstantOfShape},
      {"Conv", importConv},
      {"DequantizeLinear", importDequantizeLinear},
      {"Div", importBinary},
      {"Dropout", importDropout},
      {"Erf", importFunction},
      {"Exp", importFunction},
      {"Expand", importExpand},
      {"Flatten", importFlatten},
      {"Gather", importGather},
      {"Gelu", importGelu},
      {"Gemm", importGemm},
      {"GlobalAveragePool", importGlobalAveragePool},
      {"HardSigmoid", importHardSigmoid},
      {"HardSwish", importFunction},
      {"Identity", importIdentity},
      {"LRN", importLrn},
      {"LayerNormalization", importLayerNormalization},
      {"LeakyRelu", importLeakyRelu},
      {"Log", importFunction},
      {"MatMul", importMatMul},
      {"Max", importVariadic},
      {"MaxPool", importMaxPool},
      {"Min", importVariadic},
      {"Mul", importBinary},
      {"Neg", importFunction},
      {"Pad", importPad},
      {"Pow", importPow},
      {"QuantizeLinear", importQuantizeLinear},
      {"Reciprocal", importFunction},
      {"ReduceMax", importReduce},
      {"ReduceMean", importReduce},
      {"ReduceMin", importReduce},
      {"ReduceSum", importReduce},
      {"Relu", importRelu},
      {"Reshape", importReshape},
      {"Shape", importShape},
      {"Sigmoid", importSigmoid},
      {"Slice", importSlice},
      {"Softmax", importSoftmax},
      {"Split", importSplit},
      {"Sqrt", importFunction},
      {"Squeeze", importSqueeze},
      {"Sub", importBinary},
      {"Sum", importVariadic},
      {"Tanh", importTanh},
      {"Transpose", importTranspose},
      {"Unsqueeze", importUnsqueeze},
      {"Where", importWhere},
  };
  for (const Entry &entry : entries)
    if (entry.op == op)
      return entry.importer;
  return nullptr;
}

} // namespace sparseaccel::onnx
