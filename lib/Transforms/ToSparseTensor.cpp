//===- ToSparseTensor.cpp - sparse-to-sparse-tensor -----------------------===//

#include "SparseAccel/Dialect/Sparsity/SparseTensor.h"
#include "SparseAccel/Transforms/Passes.h"

#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Builders.h"

namespace sparseaccel {
#define GEN_PASS_DEF_TOSPARSETENSOR
#include "SparseAccel/Transforms/Passes.h.inc"
} // namespace sparseaccel

using namespace mlir;
using namespace sparseaccel;

namespace {
struct ToSparseTensor : sparseaccel::impl::ToSparseTensorBase<ToSparseTensor> {
  void runOnOperation() override {
    llvm::SetVector<Type> inexpressible;
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](RankedTensorType type) -> std::optional<Type> {
      sparsity::EncodingAttr encoding = sparsity::getEncoding(type);
      if (!encoding)
        return std::nullopt;
      std::string reason;
      auto converted = sparsity::toSparseTensor(encoding, type.getRank(), reason);
      if (!converted) {
        if (inexpressible.insert(type))
          getOperation()->emitError() << "sparse_tensor cannot express " << encoding << ": it has " << reason;
        return std::nullopt;
      }
      return sparsity::withEncoding(type, converted);
    });
    replacer.recursivelyReplaceElementsIn(getOperation(), /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
    if (!inexpressible.empty())
      return signalPassFailure();
    SmallVector<Operation *> conversions;
    getOperation()->walk([&](Operation *op) {
      if (isa<sparsity::EncodeOp, sparsity::DecodeOp>(op))
        conversions.push_back(op);
    });
    for (Operation *op : conversions) {
      OpBuilder builder(op);
      op->replaceAllUsesWith(
          sparse_tensor::ConvertOp::create(builder, op->getLoc(), op->getResult(0).getType(), op->getOperand(0)));
      op->erase();
    }
  }
};
} // namespace
