//===- Origins.cpp - Which float value an integer stands for --------------===//

#include "Origins.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace sparseaccel::run {

/// Kept by sparse-quantize: on what it clones, and in the tables of the module's attributes.
static constexpr llvm::StringLiteral kNumber = "sparsity.number", kOrigins = "sparsity.origins",
                                     kRanges = "sparsity.ranges";

static func::FuncOp mainOf(ModuleOp module) { return module.lookupSymbol<func::FuncOp>("main"); }

void numberValues(ModuleOp real) {
  func::FuncOp main = mainOf(real);
  if (!main || main.isExternal())
    return; // quantisation says so
  Builder builder(real.getContext());
  int64_t number = 0;
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    main.setArgAttr(i, kNumber, builder.getI64IntegerAttr(number++));
  for (Operation &op : main.front().without_terminator())
    op.setAttr(kNumber, builder.getI64IntegerAttr(number++));
}

static void removeNumbers(ModuleOp module) {
  module->removeAttr(kOrigins);
  module->removeAttr(kRanges);
  func::FuncOp main = mainOf(module);
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    main.removeArgAttr(i, kNumber);
  for (Operation &op : main.front())
    op.removeAttr(kNumber);
}

Origins takeOrigins(ModuleOp real, ModuleOp quantised) {
  DenseMap<int64_t, Value> numbered;
  func::FuncOp main = mainOf(real);
  for (BlockArgument argument : main.getArguments())
    if (auto number = main.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), kNumber))
      numbered[number.getInt()] = argument;
  for (Operation &op : main.front())
    if (auto number = op.getAttrOfType<IntegerAttr>(kNumber); number && op.getNumResults() == 1)
      numbered[number.getInt()] = op.getResult(0);

  Origins origins;
  if (auto names = quantised->getAttrOfType<DictionaryAttr>(kOrigins))
    for (NamedAttribute entry : names)
      if (Value value = numbered.lookup(cast<IntegerAttr>(entry.getValue()).getInt()))
        origins[entry.getName()].real = value;
  if (auto ranges = quantised->getAttrOfType<DictionaryAttr>(kRanges))
    for (NamedAttribute entry : ranges)
      if (auto it = origins.find(entry.getName()); it != origins.end())
        it->second.calibrated = cast<FloatAttr>(entry.getValue()).getValueAsDouble();
  removeNumbers(real);
  removeNumbers(quantised);
  return origins;
}

} // namespace sparseaccel::run
