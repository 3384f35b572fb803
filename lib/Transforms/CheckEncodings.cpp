//===- CheckEncodings.cpp - sparse-check-encodings ------------------------===//

#include "SparseAccel/Dialect/Sparsity/Sparsity.h"
#include "SparseAccel/Transforms/Passes.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/CastInterfaces.h"

namespace sparseaccel {
#define GEN_PASS_DEF_CHECKENCODINGS
#include "SparseAccel/Transforms/Passes.h.inc"
} // namespace sparseaccel

using namespace mlir;
using namespace sparseaccel;

/// Operations whose result is their operand under another type.
static bool isCast(Operation *op) {
  return isa<CastOpInterface, UnrealizedConversionCastOp, tosa::CastOp, tosa::IdentityOp, tosa::ReshapeOp>(op);
}

namespace {
struct CheckEncodings : sparseaccel::impl::CheckEncodingsBase<CheckEncodings> {
  void runOnOperation() override {
    bool clean = true;
    getOperation()->walk([&](Operation *op) {
      if (!isCast(op) || op->getNumOperands() == 0 || op->getNumResults() == 0)
        return;
      sparsity::EncodingAttr before = sparsity::getEncoding(op->getOperand(0).getType());
      sparsity::EncodingAttr after = sparsity::getEncoding(op->getResult(0).getType());
      if (before == after)
        return;
      InFlightDiagnostic diag = op->emitOpError() << "changes ";
      auto say = [&](sparsity::EncodingAttr encoding) {
        if (encoding)
          diag << encoding;
        else
          diag << "no encoding";
      };
      say(before);
      diag << " to ";
      say(after);
      diag << ": only sparsity.encode and sparsity.decode do";
      clean = false;
    });
    if (!clean)
      signalPassFailure();
  }
};
} // namespace
