//===- Oracle.cpp - Ask single values of a module -------------------------===//

#include "SparseAccel/Target/CPU/Oracle.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace sparseaccel::cpu {

FailureOr<func::FuncOp> mainFunction(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return emitError(module.getLoc(), "expected a function @main with a body");
  if (!main.getBody().hasOneBlock())
    return emitError(main.getLoc(), "expected @main to be one block of straight-line code");
  return main;
}

llvm::StringMap<Value> namedValues(func::FuncOp main) {
  llvm::StringMap<Value> values;
  for (auto [index, argument] : llvm::enumerate(main.getArguments()))
    if (auto name = main.getArgAttrOfType<StringAttr>(index, "sparsity.name"))
      values[name.getValue()] = argument;
  for (Operation &op : main.front())
    if (auto name = op.getAttrOfType<StringAttr>("sparsity.value"); name && op.getNumResults() == 1)
      values[name.getValue()] = op.getResult(0);
  return values;
}

static FailureOr<Value> lookup(func::FuncOp main, const llvm::StringMap<Value> &values, StringRef name) {
  if (Value value = values.lookup(name))
    return value;
  StringRef nearest;
  unsigned distance = ~0u;
  for (const auto &entry : values)
    if (unsigned d = name.edit_distance(entry.getKey()); d < distance || (d == distance && entry.getKey() < nearest))
      distance = d, nearest = entry.getKey();
  InFlightDiagnostic error = emitError(main.getLoc()) << "has no value named '" << name << "'";
  if (!nearest.empty())
    error << "; the nearest name is '" << nearest << "'";
  return error;
}

OwningOpRef<ModuleOp> exposeValues(func::FuncOp main, ArrayRef<Value> values) {
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy(cast<ModuleOp>(main->getParentOfType<ModuleOp>()->clone(mapping)));
  auto exposed = copy->lookupSymbol<func::FuncOp>(main.getSymName());
  auto returnOp = cast<func::ReturnOp>(exposed.front().getTerminator());
  SmallVector<Value> results;
  SmallVector<Type> types;
  for (Value value : values) {
    results.push_back(mapping.lookup(value));
    types.push_back(value.getType());
  }
  returnOp.getOperandsMutable().assign(results);
  exposed.setAllResultAttrs(ArrayRef<DictionaryAttr>());
  exposed.setFunctionType(FunctionType::get(main.getContext(), main.getArgumentTypes(), types));
  return copy;
}

FailureOr<OwningOpRef<ModuleOp>> exposeValues(func::FuncOp main, ArrayRef<std::string> names) {
  llvm::StringMap<Value> known = namedValues(main);
  SmallVector<Value> values;
  for (const std::string &name : names) {
    FailureOr<Value> value = lookup(main, known, name);
    if (failed(value))
      return failure();
    values.push_back(*value);
  }
  return exposeValues(main, values);
}

/// What messages call a value: its name, else its operation's.
static std::string describe(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (argument)
    return "argument " + std::to_string(argument.getArgNumber()) + " of @main";
  Operation *op = value.getDefiningOp();
  auto name = op->getAttrOfType<StringAttr>("sparsity.value");
  return name ? "value '" + name.str() + "'" : "a result of " + op->getName().getStringRef().str();
}

/// The ops that the layer's output needs when its inputs are given, in the function's order.
static FailureOr<SmallVector<Operation *>> backwardSlice(func::FuncOp main, const LayerSpec &layer,
                                                         const llvm::SetVector<Value> &inputs) {
  llvm::SetVector<Operation *> slice;
  SmallVector<Value> pending{layer.output};
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (inputs.contains(value))
      continue;
    Operation *op = value.getDefiningOp();
    if (!op)
      return emitError(main.getLoc()) << "layer '" << layer.function << "': " << describe(layer.output) << " needs "
                                      << describe(value) << ", which is not among the layer's inputs";
    if (slice.insert(op))
      llvm::append_range(pending, op->getOperands());
  }
  SmallVector<Operation *> ordered(slice.begin(), slice.end());
  llvm::sort(ordered, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return ordered;
}

FailureOr<OwningOpRef<ModuleOp>> buildLayerFunctions(ModuleOp module, ArrayRef<LayerSpec> layers) {
  FailureOr<func::FuncOp> main = mainFunction(module);
  if (failed(main))
    return failure();
  OwningOpRef<ModuleOp> result = ModuleOp::create(module.getLoc());
  OpBuilder builder(module.getContext());
  builder.setInsertionPointToEnd(result->getBody());
  for (auto helper : module.getOps<func::FuncOp>())
    if (helper.isPrivate())
      builder.clone(*helper);

  llvm::StringMap<bool> names;
  for (const LayerSpec &layer : layers) {
    if (!names.insert({layer.function, true}).second || result->lookupSymbol(layer.function))
      return emitError(module.getLoc()) << "layer '" << layer.function
                                        << "' is named twice; names of layer functions must be unique";
    llvm::SetVector<Value> inputs;
    SmallVector<Type> types;
    for (Value input : layer.inputs) {
      if (!inputs.insert(input))
        return emitError(module.getLoc()) << "layer '" << layer.function << "' takes " << describe(input) << " twice";
      types.push_back(input.getType());
    }
    FailureOr<SmallVector<Operation *>> slice = backwardSlice(*main, layer, inputs);
    if (failed(slice))
      return failure();

    builder.setInsertionPointToEnd(result->getBody());
    auto function = func::FuncOp::create(builder, main->getLoc(), layer.function,
                                         builder.getFunctionType(types, layer.output.getType()));
    Block *body = function.addEntryBlock();
    builder.setInsertionPointToStart(body);
    IRMapping mapping;
    for (auto [input, argument] : llvm::zip_equal(inputs, body->getArguments()))
      mapping.map(input, argument);
    for (Operation *op : *slice)
      builder.clone(*op, mapping);
    func::ReturnOp::create(builder, main->getLoc(), mapping.lookup(layer.output));
  }
  return result;
}

} // namespace sparseaccel::cpu
