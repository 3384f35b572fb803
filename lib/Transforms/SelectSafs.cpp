//===- SelectSafs.cpp - sparse-select-safs --------------------------------===//

#include "Constants.h"
#include "ScheduleNetwork.h"

#include "SparseAccel/Transforms/Passes.h"

namespace sparseaccel {
#define GEN_PASS_DEF_SELECTSAFS
#include "SparseAccel/Transforms/Passes.h.inc"
} // namespace sparseaccel

using namespace mlir;
using namespace sparseaccel;

/// Whether every element of these constant weights is nonzero; false where they are no constant.
static bool hasNoZero(Value weights) {
  ElementsAttr elements = constantOf(weights);
  if (!elements)
    return false;
  std::vector<char> storage;
  ArrayRef<char> bytes = constantBytes(elements, storage);
  size_t width = elements.getElementType().getIntOrFloatBitWidth() / 8;
  for (size_t i = 0; i + width <= bytes.size(); i += width)
    if (llvm::all_of(bytes.slice(i, width), [](char byte) { return byte == 0; }))
      return false;
  return !bytes.empty();
}

namespace {
struct SelectSafs : sparseaccel::impl::SelectSafsBase<SelectSafs> {
  using SelectSafsBase::SelectSafsBase;
  void runOnOperation() override {
    FailureOr<machine::Machine> loaded = loadMachineFor(getOperation(), machine);
    if (failed(loaded))
      return signalPassFailure();
    getOperation()->walk([&](accel::ContractionOp op) { op.setSafsAttr(select(op, *loaded)); });
  }

private:
  ArrayAttr select(accel::ContractionOp op, const machine::Machine &machine) {
    SmallVector<Attribute> safs;
    bool noZeroWeights = hasNoZero(op.getWeights());
    constexpr unsigned kB = 1u << static_cast<unsigned>(isa::OperandKind::B);
    for (const machine::SafCapability &saf : machine.safs) {
      bool skippedToo =
          saf.action == isa::SafAction::Gate && llvm::any_of(machine.safs, [&](const machine::SafCapability &other) {
            return other.action == isa::SafAction::Skip && other.level == saf.level && other.target == saf.target &&
                   other.conditionOn == saf.conditionOn;
          });
      if (skippedToo || (saf.conditionOn == kB && noZeroWeights))
        continue;
      safs.push_back(sparsity::SafAttr::get(
          &getContext(), static_cast<sparsity::SafAction>(saf.action), static_cast<sparsity::OperandKind>(saf.target),
          StringAttr::get(&getContext(), saf.level), saf.conditionOn, DictionaryAttr()));
    }
    return ArrayAttr::get(&getContext(), safs);
  }
};
} // namespace
