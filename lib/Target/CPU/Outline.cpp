//===- Outline.cpp - Cut long functions into short ones -------------------===//
//
// LLVM's loop passes take more than linear time in the length of a function, and a network is one long function. Each
// run of a few operations becomes a private function of its own, and what calls them is not optimised; values do not
// depend on where they are computed.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace sparseaccel::cpu {

/// Operations a piece: about one contraction with what follows it.
static constexpr size_t kPieceLength = 8;

static bool isConstant(Operation *op) { return op->hasTrait<OpTrait::ConstantLike>(); }

static void outlinePiece(ModuleOp module, ArrayRef<Operation *> piece, StringRef name) {
  llvm::SmallPtrSet<Operation *, 16> inside(piece.begin(), piece.end());
  llvm::SetVector<Value> inputs, outputs, constants;
  for (Operation *op : piece) {
    for (Value operand : op->getOperands()) {
      Operation *definition = operand.getDefiningOp();
      if (definition && isConstant(definition))
        constants.insert(operand);
      else if (!definition || !inside.contains(definition))
        inputs.insert(operand);
    }
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !inside.contains(user); }))
        outputs.insert(result);
  }
  OpBuilder builder(module.getContext());
  builder.setInsertionPointToEnd(module.getBody());
  Location loc = piece.front()->getLoc();
  auto type = builder.getFunctionType(ValueRange(inputs.getArrayRef()).getTypes(),
                                      ValueRange(outputs.getArrayRef()).getTypes());
  auto function = func::FuncOp::create(builder, loc, name, type);
  function.setPrivate();
  function.setNoInline(true);
  function->setAttr("passthrough", builder.getArrayAttr(builder.getStringAttr("noinline")));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  IRMapping mapping;
  for (auto [input, argument] : llvm::zip_equal(inputs, body->getArguments()))
    mapping.map(input, argument);
  for (Value constant : constants)
    builder.clone(*constant.getDefiningOp(), mapping);
  for (Operation *op : piece)
    builder.clone(*op, mapping);
  SmallVector<Value> results;
  for (Value output : outputs)
    results.push_back(mapping.lookup(output));
  func::ReturnOp::create(builder, loc, results);

  builder.setInsertionPointAfter(piece.back());
  auto call = func::CallOp::create(builder, loc, function, inputs.getArrayRef());
  for (auto [index, output] : llvm::enumerate(outputs.takeVector()))
    output.replaceUsesWithIf(call.getResult(index), [&](OpOperand &use) { return !inside.contains(use.getOwner()); });
  for (Operation *op : llvm::reverse(piece))
    op->erase();
}

void outlinePieces(ModuleOp module) {
  SmallVector<func::FuncOp> functions;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && function.getBody().hasOneBlock())
      functions.push_back(function);
  unsigned count = 0;
  for (func::FuncOp function : functions) {
    SmallVector<SmallVector<Operation *>> pieces(1);
    for (Operation &op : function.front().without_terminator()) {
      if (isConstant(&op))
        continue;
      if (pieces.back().size() >= kPieceLength)
        pieces.emplace_back();
      pieces.back().push_back(&op);
    }
    if (pieces.size() < 2)
      continue;
    for (ArrayRef<Operation *> piece : pieces)
      outlinePiece(module, piece, ("piece." + Twine(count++)).str());
    // What is left calls the pieces, thousands of words of descriptors in one block, on which the code generator's
    // merging of stores takes quadratic time.
    Builder builder(module.getContext());
    function->setAttr("passthrough", builder.getStrArrayAttr({"noinline", "optnone"}));
  }
}

} // namespace sparseaccel::cpu
