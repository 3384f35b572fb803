//===- FoldByExecution.cpp - Constants that any operator computes ---------===//
//
// Whatever can be imported can be computed of constants, and by the same ops. The node becomes a model whose first
// operand is its input and whose other operands are constants, as importers expect it of what they import.
//
//===----------------------------------------------------------------------===//

#include "FoldByExecution.h"

#include "SparseAccel/Target/CPU/FloatExecutor.h"
#include "SparseAccel/Target/CPU/Oracle.h"

#include <cstring>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

static constexpr int32_t kOnnxFloat = 1;

bool foldsByExecution(const Importer &importer, const Node &node) {
  if (!node.domain.empty() || !findImporter(node.op) || node.op == "Shape" || node.op == "Size")
    return false;
  ValueRef first = node.inputs.empty() || node.inputs[0].empty() ? nullptr : importer.lookup(node.inputs[0]);
  return first && first->constant && onnx::isFloat(first->constant->type);
}

static ValueInfo floatValue(StringRef name, ArrayRef<int64_t> shape) {
  ValueInfo info;
  info.name = name.str();
  info.elementType = kOnnxFloat;
  info.isTensor = info.hasShape = true;
  for (int64_t extent : shape)
    info.dims.push_back({extent, ""});
  return info;
}

LogicalResult foldByExecution(NodeContext &node, StringRef path) {
  Importer &importer = node.importer;
  TensorRef first = importer.lookup(node.node.inputs[0])->constant;

  Model model;
  model.opset = importer.opset;
  model.graphName = node.node.name;
  Node &copy = model.nodes.emplace_back(node.node);
  std::string argument = "operand"; // another name than any operand has, as the first may be read twice
  for (const std::string &input : copy.inputs)
    if (StringRef(input).starts_with(argument))
      argument = input + "'";
  for (const std::string &input : drop_begin(copy.inputs))
    if (!input.empty())
      model.initializers[input] = importer.lookup(input)->constant;
  copy.inputs[0] = argument;
  model.inputs.push_back(floatValue(argument, first->shape));
  SmallVector<unsigned> used;
  for (unsigned output = 0; output < copy.outputs.size(); ++output)
    if (node.isUsed(output)) {
      used.push_back(output);
      ValueInfo info;
      info.name = copy.outputs[output];
      model.outputs.push_back(info);
    }
  for (const Attribute &attribute : node.node.attributes)
    node.ignoreAttr(attribute.name); // the other importer reads them
  if (used.empty())
    return success();

  ImportOptions options;
  options.maxTensorBytes = importer.options.maxTensorBytes;
  options.maxConstantBytes = importer.options.maxConstantBytes;
  OwningOpRef<ModuleOp> module = Importer(model, path, options, importer.builder.getContext()).run();
  if (!module)
    return failure();
  FailureOr<func::FuncOp> main = cpu::mainFunction(*module);
  FailureOr<std::unique_ptr<cpu::FloatExecutor>> executor = failure();
  if (succeeded(main))
    executor = cpu::FloatExecutor::create(*main);
  if (failed(executor))
    return node.error() << "could not be computed of its constant operands", failure();
  cpu::Tensor operand((*executor)->signature().inputs.front());
  std::vector<float> values = first->toFloats();
  std::memcpy(operand.bytes.data(), values.data(), operand.bytes.size());
  FailureOr<std::vector<cpu::Tensor>> results = (*executor)->run(operand);
  if (failed(results))
    return node.error() << "could not be computed of its constant operands", failure();
  for (auto [output, tensor] : zip_equal(used, *results)) {
    auto result = importer.newConstant(node, DType::F32, tensor.type.shape);
    if (!result)
      return failure();
    result->name = node.node.outputs[output];
    std::memcpy(result->bytes.data(), tensor.bytes.data(), tensor.bytes.size());
    node.set(importer.constant(std::move(result)), output);
  }
  return success();
}

} // namespace sparseaccel::onnx
