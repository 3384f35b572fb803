//===- FoldByExecution.cpp - Constants that any operator computes ---------===//
//
// Whatever can be imported can be computed of constants, and by the same ops. The node becomes a model whose first
// operand is its input and whose other operands are constants, as importers expect it of what they import.
//
//===----------------------------------------------------------------------===//

#include "FoldByExecution.h"
#include "Fold.h"

#include "SparseAccel/Target/CPU/FloatExecutor.h"
#include "SparseAccel/Target/CPU/Oracle.h"

#include <cstring>
#include <numeric>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

static constexpr int32_t kOnnxFloat = 1;

/// Operators that take every element of the result from somewhere in the operand, or fill it in. Of integers, what is
/// executed is where the elements stand.
static bool movesElements(StringRef op) {
  return is_contained({"DepthToSpace", "Pad", "Resize", "SpaceToDepth", "Split", "Tile", "Upsample"}, op);
}

bool foldsByExecution(const Importer &importer, const Node &node) {
  if (!node.domain.empty() || !findImporter(node.op) || node.op == "Shape" || node.op == "Size")
    return false;
  ValueRef first = node.inputs.empty() || node.inputs[0].empty() ? nullptr : importer.lookup(node.inputs[0]);
  return first && first->constant && (onnx::isFloat(first->constant->type) || movesElements(node.op));
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
  bool places = !onnx::isFloat(first->type);
  constexpr int64_t mostPlaces = int64_t(1) << 24; // which floats count exactly
  if (places && first->size() >= mostPlaces)
    return node.error() << "moves " << first->size() << " constant integers; expected fewer than 2^24", failure();

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
  TensorRef filling; // of Pad, which the other importer expects to be a float
  if (places && node.node.op == "Pad" && node.hasInput(2)) {
    filling = importer.lookup(node.node.inputs[2])->constant;
    if (filling->type != first->type || filling->size() != 1)
      return node.error() << "has a padding value of " << dtypeName(filling->type) << " and shape "
                          << shapeString(filling->shape) << "; expected one " << dtypeName(first->type),
             failure();
    copy.inputs[2].clear();
  }
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
  if (places)
    std::iota(values.begin(), values.end(), 1.0F); // 0 is what is filled in
  std::memcpy(operand.bytes.data(), values.data(), operand.bytes.size());
  FailureOr<std::vector<cpu::Tensor>> results = (*executor)->run(operand);
  if (failed(results))
    return node.error() << "could not be computed of its constant operands", failure();
  for (auto [output, tensor] : zip_equal(used, *results)) {
    auto result = importer.newConstant(node, first->type, tensor.type.shape);
    if (!result)
      return failure();
    result->name = node.node.outputs[output];
    for (int64_t i = 0, e = result->size(); i < e; ++i) {
      float value;
      std::memcpy(&value, tensor.bytes.data() + i * sizeof(float), sizeof(float));
      if (!places)
        result->set(i, static_cast<double>(value));
      else if (value != 0)
        copyElement(*result, i, *first, static_cast<int64_t>(value) - 1);
      else if (filling)
        copyElement(*result, i, *filling, 0);
    }
    node.set(importer.constant(std::move(result)), output);
  }
  return success();
}

} // namespace sparseaccel::onnx
