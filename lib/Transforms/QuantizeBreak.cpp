//===- QuantizeBreak.cpp - Faults on purpose ------------------------------===//
//
// What watches over quantisation can only be shown to work where quantisation is wrong. Each fault is one that a
// quantiser of this kind can have:
//
//   unobserved    values behind a float transpose or reshape are not observed and get the scale of a range of 1;
//   table         a table's entries end at the result's range before they are interpolated, its operand is never
//                 stretched, and its error is not looked at;
//   int16-scale   a model's own scales are kept however many bits its codes have;
//   scale:NODE    the result of the node (or the input) has a sixteenth of the scale that it needs.
//
//===----------------------------------------------------------------------===//

#include "QuantizePlan.h"

#include "SparseAccel/Support/Names.h"

using namespace mlir;

namespace sparseaccel::quantize {

FailureOr<Break> readBreak(ModuleOp module) {
  Break result;
  auto attribute = module->getAttrOfType<StringAttr>("sparsity.debug_break");
  if (!attribute)
    return result;
  module->removeAttr("sparsity.debug_break");
  StringRef text = attribute.getValue();
  if (text.consume_front("scale:") && !text.empty())
    result.node = text.str();
  else if (text == "unobserved")
    result.unobserved = true;
  else if (text == "table")
    result.table = true;
  else if (text == "int16-scale")
    result.ownScale = true;
  else
    return emitError(UnknownLoc::get(module.getContext()))
           << "debug-break '" << text << "': expected unobserved, table, int16-scale or scale:NODE";
  return result;
}

LogicalResult Plan::breakScale() {
  if (broken.node.empty())
    return success();
  std::vector<std::string> names;
  for (const auto &[value, group] : members) {
    std::string name;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (auto attr = main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "sparsity.name"))
        name = attr.str();
    } else {
      name = nodeName(value.getDefiningOp());
    }
    if (name == broken.node) {
      groups[find(value)].scale /= 16;
      return success();
    }
    names.push_back(std::move(name));
  }
  return emitError(main.getLoc()) << "debug-break: no integer value comes from a node '" << broken.node << "'"
                                  << suggestion(broken.node, names);
}

} // namespace sparseaccel::quantize
