//===- Quantize.cpp - From float TOSA to integer TOSA ---------------------===//

#include "QuantizePlan.h"

#include "SparseAccel/Dialect/Sparsity/Constants.h"
#include "SparseAccel/Target/CPU/Oracle.h"
#include "SparseAccel/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"

namespace sparseaccel {
#define GEN_PASS_DEF_QUANTIZE
#include "SparseAccel/Transforms/Passes.h.inc"
} // namespace sparseaccel

using namespace mlir;

namespace sparseaccel {
namespace {

struct Quantize : impl::QuantizeBase<Quantize> {
  using QuantizeBase::QuantizeBase;
  void runOnOperation() override {
    if (failed(quantizeModule(getOperation())))
      signalPassFailure();
  }

private:
  LogicalResult check(ModuleOp module, func::FuncOp main) {
    if (auto done = module->getAttrOfType<StringAttr>("sparsity.numerics"))
      return emitError(module.getLoc()) << "is quantised to " << done.getValue() << " already; expected a float model";
    if (calibrate.empty() && defaultRange <= 0)
      return emitError(module.getLoc(), "no ranges of activations: give calibrate=FILE (.npy or .npz inputs of the "
                                        "model's own shape), or default-range=X to take every "
                                        "range as [-X, X]");
    for (Type type : llvm::concat<const Type>(main.getArgumentTypes(), main.getResultTypes()))
      if (auto ranked = dyn_cast<RankedTensorType>(type); !ranked || !ranked.hasStaticShape())
        return emitError(main.getLoc()) << "has " << type << " at its edge; expected tensors of static shape";
    for (Operation &op : main.front()) {
      if (op.getNumRegions() != 0)
        return emitError(op.getLoc()) << "node '" << quantize::nodeName(&op) << "': " << op.getName()
                                      << " has a region; expected straight-line code";
      if (quantize::classify(&op) == quantize::OpClass::Contraction && !getElementTypeOrSelf(op.getResult(0)).isF32())
        return emitError(op.getLoc()) << "node '" << quantize::nodeName(&op) << "' computes "
                                      << op.getResult(0).getType() << "; expected float32";
    }
    return success();
  }

  /// The share of its values that a range must hold: 1 for their maximum.
  FailureOr<double> readCalibration() {
    StringRef text = calibration;
    double percent = 0;
    if (text == "max")
      return 1.0;
    if (text.consume_front("percentile=") && !text.getAsDouble(percent) && percent > 50 && percent <= 100)
      return percent / 100;
    return emitError(UnknownLoc::get(&getContext()))
           << "calibration '" << calibration.getValue()
           << "': expected 'max', or 'percentile=P' with P above 50 and at most 100";
  }

  LogicalResult quantizeModule(ModuleOp module) {
    FailureOr<double> share = readCalibration();
    if (failed(share))
      return failure();
    sparsity::densifyConstants(module);
    FailureOr<func::FuncOp> main = cpu::mainFunction(module);
    if (failed(main) || failed(check(module, *main)))
      return failure();
    FailureOr<quantize::Break> broken = quantize::readBreak(module);
    if (failed(broken))
      return failure();
    quantize::takeFloorsOut(*main);
    llvm::MapVector<Value, quantize::Statistics> observed;
    llvm::DenseSet<Operation *> inFloat, apart;
    // One calibration serves nearly every plan: one with more ops in float has no integer value that the first has not,
    // and what a chain is taken apart to is observed before. What is taken apart once more is observed then.
    while (true) {
      quantize::Plan plan(*main, quantize::Numerics{numerics == NumericsKind::Int16}, *broken);
      plan.findFormsAndGroups(inFloat, apart);
      // Before calibration, as the operand of a clamp in float needs a range.
      if (SmallVector<Operation *> ratios = plan.findRatios(); !ratios.empty()) {
        inFloat.insert(ratios.begin(), ratios.end());
        continue;
      }
      if (calibrate.empty()) {
        if (failed(plan.setRanges(defaultRange)))
          return failure();
      } else {
        if (SmallVector<Value> values = plan.valuesToObserve(observed); !values.empty() || observed.empty()) {
          auto ran = quantize::calibrate(*main, values, calibrate);
          if (failed(ran))
            return failure();
          for (auto &[value, statistics] : *ran)
            observed.insert({value, statistics});
        }
        if (failed(plan.setRanges(observed, *share)))
          return failure();
      }
      if (failed(plan.setScales()))
        return failure();
      SmallVector<Operation *> back = plan.findCoarseTables(), products;
      if (!calibrate.empty()) { // an assumed range says nothing of how wide values are beside each other
        llvm::append_range(back, plan.findSwamped());
        products = plan.findProducts(observed);
      }
      SmallVector<OpOperand *> parts;
      if (!calibrate.empty() && back.empty() && products.empty())
        parts = plan.findNarrowParts();
      if (!parts.empty()) {
        for (OpOperand *part : parts)
          quantize::separate(*part);
        continue;
      }
      if (back.empty() && products.empty())
        return quantize::rewrite(plan, observed);
      inFloat.insert(back.begin(), back.end());
      apart.insert(products.begin(), products.end());
    }
  }
};

} // namespace
} // namespace sparseaccel
