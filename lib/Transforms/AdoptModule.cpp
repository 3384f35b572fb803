//===- AdoptModule.cpp - Modules as other compilers write them ------------===//

#include "SparseAccel/Transforms/AdoptModule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

using namespace mlir;

static LogicalResult nameMain(ModuleOp module) {
  if (module.lookupSymbol("main"))
    return success();
  SmallVector<func::FuncOp> candidates;
  for (auto func : module.getOps<func::FuncOp>())
    if (func.isPublic() && !func.isExternal())
      candidates.push_back(func);
  if (candidates.empty())
    return success(); // Whoever needs @main says so.
  if (candidates.size() > 1) {
    InFlightDiagnostic diagnostic = emitError(module.getLoc())
                                    << "expected a function @main, or one public function alone, found";
    for (auto [index, func] : llvm::enumerate(candidates))
      diagnostic << (index ? ", @" : " @") << func.getSymName();
    return diagnostic;
  }
  auto name = StringAttr::get(module.getContext(), "main");
  func::FuncOp func = candidates.front();
  if (failed(SymbolTable::replaceAllSymbolUses(func, name, module)))
    return func.emitError() << "cannot be renamed: something refers to it that is not known";
  SymbolTable::setSymbolName(func, name);
  return success();
}

LogicalResult sparseaccel::adoptModule(ModuleOp module) {
  for (auto global : llvm::make_early_inc_range(module.getOps<ml_program::GlobalOp>())) {
    std::optional<SymbolTable::UseRange> uses = SymbolTable::getSymbolUses(global, module);
    if (uses && uses->empty()) {
      global.erase();
      continue;
    }
    InFlightDiagnostic diagnostic = global.emitError()
                                    << "global @" << global.getSymName()
                                    << " is read or written: expected a model without state";
    if (uses)
      diagnostic.attachNote(uses->begin()->getUser()->getLoc()) << "here";
    return diagnostic;
  }
  return nameMain(module);
}
