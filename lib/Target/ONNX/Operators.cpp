//===- Operators.cpp - The operators that can be imported -----------------===//

#include "Importer.h"

namespace sparseaccel::onnx {

NodeImporter findImporter(llvm::StringRef op) {
  struct Entry {
    llvm::StringLiteral op;
    NodeImporter importer;
  };
  static constexpr Entry entries[] = {
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
      {"Flatten", importFlatten},
      {"Gemm", importGemm},
      {"GlobalAveragePool", importGlobalAveragePool},
      {"Identity", importIdentity},
      {"LRN", importLrn},
      {"LeakyRelu", importLeakyRelu},
      {"MatMul", importMatMul},
      {"MaxPool", importMaxPool},
      {"Mul", importBinary},
      {"Pad", importPad},
      {"QuantizeLinear", importQuantizeLinear},
      {"ReduceMean", importReduceMean},
      {"Relu", importRelu},
      {"Reshape", importReshape},
      {"Shape", importShape},
      {"Sigmoid", importSigmoid},
      {"Slice", importSlice},
      {"Softmax", importSoftmax},
      {"Split", importSplit},
      {"Squeeze", importSqueeze},
      {"Sub", importBinary},
      {"Sum", importSum},
      {"Tanh", importTanh},
      {"Transpose", importTranspose},
      {"Unsqueeze", importUnsqueeze},
  };
  for (const Entry &entry : entries)
    if (entry.op == op)
      return entry.importer;
  return nullptr;
}

} // namespace sparseaccel::onnx
