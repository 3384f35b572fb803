//===- Importer.cpp - Graph, inputs, outputs and the order of the nodes ---===//

#include "Importer.h"
#include "FoldByExecution.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Verifier.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <limits>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

Importer::Importer(Model &model, StringRef path, const ImportOptions &options, MLIRContext *context)
    : model(model), options(options), builder(context), opset(model.opset), context(context),
      fileLoc(FileLineColLoc::get(context, path.empty() ? "<memory>" : path, 0, 0)) {}

InFlightDiagnostic Importer::error() { return emitError(fileLoc); }

InFlightDiagnostic Importer::nodeError(const Node &node) {
  return error() << "node '" << node.name << "' (" << node.op << ", opset " << opset << "): ";
}

InFlightDiagnostic Importer::warning(const Node &node, Twine message) {
  return emitWarning(fileLoc) << "node '" << node.name << "' (" << node.op << ", opset " << opset << "): " << message;
}

ValueRef Importer::lookup(StringRef name) const {
  auto found = values.find(name);
  return found == values.end() ? nullptr : found->second;
}

bool Importer::checkShape(NodeContext &node, ArrayRef<int64_t> shape) {
  auto count = elementCount(shape, sizeof(float), options.maxTensorBytes);
  if (count && *count > 0)
    return true;
  node.error() << "makes a tensor of shape " << shapeString(shape) << "; expected positive extents and at most "
               << options.maxTensorBytes << " bytes";
  return false;
}

bool Importer::charge(NodeContext &node, uint64_t bytes) {
  if (bytes <= options.maxConstantBytes - builtConstantBytes) {
    builtConstantBytes += bytes;
    return true;
  }
  node.error() << "makes a constant of " << bytes << " bytes; expected at most " << options.maxConstantBytes
               << " for all constants";
  return false;
}

std::shared_ptr<HostTensor> Importer::newConstant(NodeContext &node, DType type, ArrayRef<int64_t> shape) {
  auto count = elementCount(shape, dtypeBytes(type), options.maxTensorBytes);
  if (!count) {
    node.error() << "makes a constant of shape " << shapeString(shape)
                 << "; expected extents of at least 0 and at most " << options.maxTensorBytes << " bytes";
    return nullptr;
  }
  uint64_t bytes = *count * dtypeBytes(type);
  if (!charge(node, bytes))
    return nullptr;
  auto tensor = std::make_shared<HostTensor>();
  tensor->name = node.node.outputs.empty() ? node.node.name : node.node.outputs[0];
  tensor->type = type;
  tensor->shape.assign(shape.begin(), shape.end());
  tensor->bytes.resize(bytes);
  return tensor;
}

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

LogicalResult Importer::checkOpset() {
  if (opset >= 7 && opset <= 21)
    return success();
  if (opset == 0)
    return error() << "the model imports no version of ONNX's own operators; expected opset 7 to 21", failure();
  return error() << "the model uses opset " << opset << "; expected 7 to 21", failure();
}

/// Sorts the nodes that the outputs need, and counts the uses of each value.
LogicalResult Importer::order() {
  llvm::StringMap<const Node *> producers;
  llvm::StringSet<> inputs;
  for (const ValueInfo &input : model.inputs)
    if (input.name.empty() || !inputs.insert(input.name).second)
      return error() << "input '" << input.name << "' is " << (input.name.empty() ? "without a name" : "defined twice"),
             failure();
  for (const Node &node : model.nodes)
    for (const std::string &output : node.outputs) {
      if (output.empty())
        continue;
      if (inputs.contains(output) || model.initializers.count(output))
        return nodeError(node) << "defines '" << output << "', which is an input or initialiser already", failure();
      if (!producers.try_emplace(output, &node).second)
        return nodeError(node) << "defines '" << output << "', which node '" << producers[output]->name
                               << "' defines already",
               failure();
    }

  enum State : uint8_t { Open, Done };
  llvm::DenseMap<const Node *, State> state;
  SmallVector<std::pair<const Node *, size_t>> stack;
  auto visit = [&](StringRef name, const Node *reader) -> LogicalResult {
    if (name.empty() || inputs.contains(name) || model.initializers.count(name.str()))
      return success();
    auto producer = producers.find(name);
    if (producer == producers.end()) {
      if (reader)
        return nodeError(*reader) << "reads '" << name << "', which nothing defines", failure();
      return error() << "the graph's output '" << name << "' is defined by no node", failure();
    }
    const Node *node = producer->second;
    auto [entry, isNew] = state.try_emplace(node, Open);
    if (isNew)
      stack.push_back({node, 0});
    else if (entry->second == Open)
      return nodeError(*node) << "depends on its own output (a cycle through '" << name << "')", failure();
    return success();
  };
  auto drain = [&]() -> LogicalResult {
    while (!stack.empty()) {
      auto &[node, next] = stack.back();
      if (next < node->inputs.size()) {
        const Node *reader = node;
        if (failed(visit(reader->inputs[next++], reader)))
          return failure();
        continue;
      }
      state[node] = Done;
      ordered.push_back(node);
      stack.pop_back();
    }
    return success();
  };
  if (model.outputs.empty())
    return error() << "the graph has no outputs; expected at least one", failure();
  for (const ValueInfo &output : model.outputs)
    if (failed(visit(output.name, nullptr)) || failed(drain()))
      return failure();

  // ONNX wants its nodes sorted: where they are, their order is the order of the ops.
  std::vector<const Node *> asGiven = ordered;
  llvm::sort(asGiven);
  llvm::DenseMap<const Node *, size_t> position;
  for (auto [index, node] : enumerate(asGiven))
    position[node] = index;
  bool sorted = all_of(asGiven, [&](const Node *node) {
    return all_of(node->inputs, [&](const std::string &input) {
      auto producer = producers.find(input);
      return producer == producers.end() || position[producer->second] < position[node];
    });
  });
  if (sorted)
    ordered = std::move(asGiven);

  for (const Node *node : ordered)
    for (const std::string &input : node->inputs)
      if (!input.empty() && ++uses[input] == 1)
        consumers[input] = node;
  for (const ValueInfo &output : model.outputs) {
    ++uses[output.name];
    consumers[output.name] = nullptr;
  }
  return success();
}

LogicalResult Importer::checkSupported() {
  // What can be computed now needs no importer of its own.
  llvm::StringSet<> constants;
  for (const auto &[name, tensor] : model.initializers)
    constants.insert(name);
  SmallVector<const Node *> unsupported;
  for (const Node *node : ordered) {
    bool known =
        all_of(node->inputs, [&](const std::string &input) { return input.empty() || constants.contains(input); });
    if (node->domain.empty() &&
        (node->op == "Shape" || node->op == "Size" || (known && (findFolder(*node) || findImporter(node->op)))))
      for (const std::string &output : node->outputs)
        constants.insert(output);
    else if (!node->domain.empty() || !findImporter(node->op))
      unsupported.push_back(node);
  }
  if (unsupported.empty())
    return success();
  auto ofComputed = [](const Node *node) { return findFolder(*node) ? " of computed values" : ""; };
  llvm::MapVector<StringRef, SmallVector<const Node *, 1>> kinds;
  for (const Node *node : unsupported)
    kinds[node->op].push_back(node);
  {
    auto diagnostic = error();
    diagnostic << "the model uses operators that are not supported (opset " << opset << "): ";
    bool first = true;
    for (const auto &[op, nodes] : kinds) {
      diagnostic << (first ? "" : ", ") << op << ofComputed(nodes.front()) << " (" << nodes.size() << ")";
      first = false;
    }
    for (const Node *node : unsupported) {
      auto &note = diagnostic.attachNote() << "node '" << node->name << "': " << node->op << ofComputed(node);
      if (!node->domain.empty())
        note << " of domain '" << node->domain << "'";
      note << ", opset " << opset;
    }
    diagnostic.attachNote() << "docs/onnx.md lists the operators that are";
  }
  return failure();
}

/// What no node reads and is no float tensor of a known rank needs no value: a size of the picture, a mode.
void Importer::dropUnusedInputs() {
  llvm::erase_if(model.inputs, [&](const ValueInfo &input) {
    auto dtype = dtypeFromOnnx(input.elementType);
    if (isUsed(input.name) || (input.isTensor && input.hasShape && dtype && onnx::isFloat(*dtype)))
      return false;
    emitWarning(fileLoc) << "input '" << input.name << "' is left out: nothing reads it";
    return true;
  });
}

/// The Gather whose indices are computed of an input and of constants: a table of what tokens mean.
static const Node *findLookup(ArrayRef<const Node *> ordered, StringRef input) {
  llvm::StringSet<> reached;
  reached.insert(input);
  for (const Node *node : ordered)
    for (auto [index, name] : enumerate(node->inputs)) {
      if (!reached.contains(name))
        continue;
      if (node->op == "Gather" && index == 1 && !node->outputs.empty())
        return node;
      if (node->op != "Shape" && node->op != "Size")
        for (const std::string &output : node->outputs)
          reached.insert(output);
    }
  return nullptr;
}

LogicalResult Importer::importInputs() {
  dropUnusedInputs();
  SmallVector<Type> types;
  SmallVector<Location> locs;
  for (const ValueInfo &input : model.inputs) {
    if (!input.isTensor)
      return error() << "input '" << input.name << "' is no tensor; expected a float32 tensor", failure();
    auto dtype = dtypeFromOnnx(input.elementType);
    if (!dtype || !onnx::isFloat(*dtype)) {
      auto diagnostic = error() << "input '" << input.name << "' has element type " << onnxTypeName(input.elementType)
                                << "; expected float32";
      if (const Node *lookup = findLookup(ordered, input.name))
        diagnostic.attachNote() << "node '" << lookup->name << "' (Gather) looks elements up by it: a model that begins "
                                << "with that node's result, '" << lookup->outputs[0] << "', can be imported";
      return failure();
    }
    if (*dtype != DType::F32)
      emitWarning(fileLoc) << "input '" << input.name << "' has element type " << dtypeName(*dtype)
                           << ": the model is computed in float32";
    if (!input.hasShape)
      return error() << "input '" << input.name << "' has no shape; expected one, as import infers all others from it",
             failure();
    if (input.dims.size() > 6)
      return error() << "input '" << input.name << "' has " << input.dims.size() << " dimensions; expected at most 6",
             failure();
    Shape shape;
    for (unsigned index = 0; index < input.dims.size(); ++index) {
      auto dim = inputDim(input, index);
      if (!dim)
        return failure();
      shape.push_back(*dim);
    }
    auto count = elementCount(shape, sizeof(float), options.maxTensorBytes);
    if (!count || *count == 0)
      return error() << "input '" << input.name << "' has shape " << shapeString(shape)
                     << "; expected positive extents and at most " << options.maxTensorBytes << " bytes",
             failure();
    types.push_back(type(shape));
    locs.push_back(NameLoc::get(builder.getStringAttr(input.name)));
  }
  if (failed(checkDimOptions()))
    return failure();

  builder.setInsertionPointToEnd(module->getBody());
  main = func::FuncOp::create(builder, module->getLoc(), "main", builder.getFunctionType(types, {}));
  Block *entry = main.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  for (auto [index, input] : enumerate(model.inputs)) {
    main.setArgAttr(index, "sparsity.name", builder.getStringAttr(input.name));
    auto argument = entry->getArgument(index);
    argument.setLoc(locs[index]);
    auto shape = cast<RankedTensorType>(types[index]).getShape();
    define(input.name, activation(argument, identityLayout(shape.size()), shape));
  }
  for (const auto &[name, tensor] : model.initializers)
    define(name, constant(tensor));
  return success();
}

LogicalResult Importer::returnOutputs() {
  SmallVector<mlir::Value> results;
  for (const ValueInfo &output : model.outputs) {
    ValueRef value = lookup(output.name);
    if (!value)
      return error() << "output '" << output.name << "' is a result that its operator does not give", failure();
    if (value->codes)
      return error() << "output '" << output.name << "' is quantised; expected a DequantizeLinear before it", failure();
    auto count = elementCount(value->shape, sizeof(float), options.maxTensorBytes);
    if (!count || *count == 0)
      return error() << "output '" << output.name << "' has shape " << shapeString(value->shape)
                     << "; expected positive extents and at most " << options.maxTensorBytes << " bytes",
             failure();
    // The model's word on its own output is checked where it gives one.
    if (output.hasShape) {
      bool agrees = output.dims.size() == value->shape.size();
      for (size_t d = 0; agrees && d < output.dims.size(); ++d)
        agrees = output.dims[d].value < 0 || output.dims[d].value == value->shape[d];
      if (!agrees) {
        Shape stated;
        for (const Dim &dim : output.dims)
          stated.push_back(dim.value);
        return error() << "output '" << output.name << "' has shape " << shapeString(value->shape)
                       << "; the model states " << shapeString(stated) << " (-1: symbolic)",
               failure();
      }
    }
    Location loc = NameLoc::get(builder.getStringAttr(output.name));
    results.push_back(value->constant && !onnx::isFloat(value->constant->type)
                          ? constIntegers(*value->constant, loc)
                          : get(value, identityLayout(value->rank()), loc));
    if (!results.back())
      return error() << "output '" << output.name << "' is a constant of " << dtypeName(value->constant->type)
                     << "; expected float32 or signed integers",
             failure();
  }
  auto returned = func::ReturnOp::create(builder, main.getLoc(), results);
  main.setType(builder.getFunctionType(main.getArgumentTypes(), returned.getOperandTypes()));
  for (auto [index, output] : enumerate(model.outputs))
    main.setResultAttr(index, "sparsity.name", builder.getStringAttr(output.name));
  return success();
}

std::optional<bool> Importer::isOfFloats(const Node &node) const {
  ValueRef first = node.inputs.empty() || node.inputs[0].empty() ? nullptr : lookup(node.inputs[0]);
  if (!first)
    return std::nullopt;
  return !first->constant || onnx::isFloat(first->constant->type);
}

LogicalResult Importer::importNode(const Node &node) {
  NodeContext context(*this, node);
  bool known = all_of(node.inputs, [&](const std::string &input) {
    ValueRef value = input.empty() ? nullptr : lookup(input);
    return input.empty() || (value && value->constant);
  });
  NodeImporter folder = known ? findFolder(node, isOfFloats(node)) : nullptr;
  NodeImporter importer = folder ? folder : findImporter(node.op);
  if (!importer)
    return context.error() << "is supported only for constant operands", failure();
  StringRef path = cast<FileLineColLoc>(fileLoc).getFilename().getValue();
  if (failed(known && !folder && foldsByExecution(*this, node) ? foldByExecution(context, path) : importer(context)))
    return failure();
  context.expectAllAttributesRead();
  for (auto [index, output] : enumerate(node.outputs)) {
    // What was folded away has another name now.
    const Node *reader = consumers.lookup(output);
    if (!context.failed() && isUsed(output) && !lookup(output) && !(reader && folded.contains(reader)))
      context.error() << "result " << index << " ('" << output << "') is used; expected at most " << index;
  }
  return failure(context.failed());
}

OwningOpRef<ModuleOp> Importer::run() {
  if (failed(checkOpset()) || failed(order()) || failed(checkSupported()))
    return nullptr;
  module = ModuleOp::create(builder,
                            NameLoc::get(builder.getStringAttr(model.graphName.empty() ? "model" : model.graphName)));
  if (failed(importInputs()))
    return nullptr;

  // Constants first: folding into a contraction needs them even where the file has them behind it.
  llvm::DenseSet<const Node *> done;
  for (const Node *node : ordered) {
    bool known = all_of(node->inputs, [&](const std::string &input) {
      ValueRef value = input.empty() ? nullptr : lookup(input);
      return input.empty() || (value && value->constant);
    });
    if (!known || !(findFolder(*node, isOfFloats(*node)) || foldsByExecution(*this, *node)))
      continue;
    if (failed(importNode(*node)))
      return nullptr;
    done.insert(node);
  }
  for (const Node *node : ordered)
    if (!done.contains(node) && !folded.contains(node) && failed(importNode(*node)))
      return nullptr;
  if (failed(returnOutputs()))
    return nullptr;
  if (failed(verify(*module)))
    return nullptr;
  return std::move(module);
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> importOnnx(ArrayRef<char> bytes, StringRef path, const ImportOptions &options,
                                 MLIRContext *context) {
  context->loadDialect<func::FuncDialect, tosa::TosaDialect>();
  auto model = readModel(bytes, path, {options.maxTensorBytes, options.maxConstantBytes});
  if (!model) {
    emitError(FileLineColLoc::get(context, path.empty() ? "<memory>" : path, 0, 0)) << toString(model.takeError());
    return nullptr;
  }
  return Importer(*model, path, options, context).run();
}

OwningOpRef<ModuleOp> importOnnx(StringRef path, const ImportOptions &options, MLIRContext *context) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer) {
    emitError(FileLineColLoc::get(context, path, 0, 0)) << "cannot open the model: " << buffer.getError().message();
    return nullptr;
  }
  return importOnnx(ArrayRef<char>((*buffer)->getBufferStart(), (*buffer)->getBufferSize()), path, options, context);
}

} // namespace sparseaccel::onnx
