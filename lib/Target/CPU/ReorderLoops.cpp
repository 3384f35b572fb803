//===- ReorderLoops.cpp - The loop order of contractions and pools --------===//
//
// Linalg's named convolutions and products reduce in the innermost loops. A float sum must keep its order, so such a
// loop does not vectorise; with the output channel innermost it does. Only upstream's own transformations are used
// (generalise, interchange): the arithmetic stays theirs.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

using namespace mlir;

namespace sparseaccel::cpu {

/// The loop that the last result of `map` names, if it is a plain dimension.
static std::optional<unsigned> lastDimension(AffineMap map) {
  if (map.getNumResults() == 0)
    return std::nullopt;
  if (auto dim = dyn_cast<AffineDimExpr>(map.getResult(map.getNumResults() - 1)))
    return dim.getPosition();
  return std::nullopt;
}

/// True where moving `dim` makes `map` no worse: it is the contiguous dimension, or does not appear.
static bool contiguousOrAbsent(AffineMap map, unsigned dim) {
  return lastDimension(map) == dim || !map.isFunctionOfDim(dim);
}

static bool wantsReorder(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInits() != 1 || !op.hasPureTensorSemantics())
    return false;
  // Sums of 48 bits are slow in memory and never vectorise: they stay in a register.
  Type element = getElementTypeOrSelf(op.getDpsInits().front());
  return element.isF32() || element.isInteger(8) || element.isInteger(16) || element.isInteger(32);
}

void reorderLoops(ModuleOp module) {
  SmallVector<linalg::LinalgOp> ops;
  module.walk([&](linalg::LinalgOp op) {
    if (wantsReorder(op))
      ops.push_back(op);
  });
  IRRewriter rewriter(module.getContext());
  for (linalg::LinalgOp op : ops) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    std::optional<unsigned> inner = lastDimension(maps.back());
    SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
    if (!inner || iterators[*inner] != utils::IteratorType::parallel)
      continue;
    if (!llvm::all_of(maps, [&](AffineMap map) { return contiguousOrAbsent(map, *inner); }))
      continue;
    SmallVector<unsigned> order;
    for (auto kind : {utils::IteratorType::parallel, utils::IteratorType::reduction})
      for (auto [index, iterator] : llvm::enumerate(iterators))
        if (iterator == kind && index != *inner)
          order.push_back(index);
    order.push_back(*inner);
    rewriter.setInsertionPoint(op);
    auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
    if (!generic) {
      FailureOr<linalg::GenericOp> generalized = linalg::generalizeNamedOp(rewriter, op);
      if (failed(generalized))
        continue;
      generic = *generalized;
    }
    // An order that upstream refuses is left as it was: only speed depends on it.
    (void)linalg::interchangeGenericOp(rewriter, generic, order);
  }
}

} // namespace sparseaccel::cpu
