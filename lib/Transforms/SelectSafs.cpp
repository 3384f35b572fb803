//===- SelectSafs.cpp - sparse-select-safs --------------------------------===//

#include "Constants.h"
#include "ScheduleNetwork.h"

#include "SparseAccel/Target/Dataflow/SafCheck.h"
#include "SparseAccel/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

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

/// Asks the machine's dataflow whether a feature serves this layer's weights; a remark says why not.
static bool serves(accel::ContractionOp op, const machine::Machine &machine, const dataflow::Dataflow &dataflow,
                   const machine::SafCapability &saf) {
  RankedTensorType type = op.getWeights().getType();
  dataflow::Work layer;
  layer.machine = &machine;
  layer.shape.kind = static_cast<machine::ContractionKind>(op.getKind());
  layer.shape.g = op.getGroups();
  layer.shape.m = type.getDimSize(0) / layer.shape.g;
  layer.shape.r = type.getDimSize(1), layer.shape.s = type.getDimSize(2), layer.shape.c = type.getDimSize(3);
  dataflow::OperandView view;
  std::vector<char> storage;
  ElementsAttr elements = constantOf(op.getWeights());
  if (elements) {
    ArrayRef<char> bytes = constantBytes(elements, storage);
    view.data = bytes.data();
    view.elementBytes = elements.getElementType().getIntOrFloatBitWidth() / 8;
    int64_t stride = 1;
    for (int i = 3; i >= 0; --i) {
      view.extent[i] = type.getDimSize(i);
      view.stride[i] = stride;
      stride *= view.extent[i];
    }
    if (static_cast<int64_t>(bytes.size()) != stride * view.elementBytes)
      elements = {};
  }
  absl::Status status = dataflow::checkSaf(dataflow, layer, saf, elements ? &view : nullptr);
  if (status.ok())
    return true;
  remark::missed(op->getLoc(), remark::RemarkOpts::name("safs").category("sparse-select-safs"))
      << ("layer '" + op.getLayer() + "' does not skip: " + messageOf(status)).str();
  return false;
}

namespace {
struct SelectSafs : sparseaccel::impl::SelectSafsBase<SelectSafs> {
  using SelectSafsBase::SelectSafsBase;
  void runOnOperation() override {
    FailureOr<machine::Machine> loaded = loadMachineFor(getOperation(), machine);
    if (failed(loaded))
      return signalPassFailure();
    FailureOr<const dataflow::Dataflow *> dataflow = findDataflowFor(getOperation(), *loaded);
    if (failed(dataflow))
      return signalPassFailure();
    getOperation()->walk([&](accel::ContractionOp op) { op.setSafsAttr(select(op, *loaded, **dataflow)); });
  }

private:
  ArrayAttr select(accel::ContractionOp op, const machine::Machine &machine, const dataflow::Dataflow &dataflow) {
    SmallVector<Attribute> safs;
    bool noZeroWeights = hasNoZero(op.getWeights());
    constexpr unsigned kB = 1u << static_cast<unsigned>(isa::OperandKind::B);
    for (const machine::SafCapability &saf : machine.safs) {
      bool skippedToo =
          saf.action == isa::SafAction::Gate && llvm::any_of(machine.safs, [&](const machine::SafCapability &other) {
            return other.action == isa::SafAction::Skip && other.level == saf.level && other.target == saf.target &&
                   other.conditionOn == saf.conditionOn;
          });
      if (skippedToo || (saf.conditionOn == kB && noZeroWeights) || !serves(op, machine, dataflow, saf))
        continue;
      safs.push_back(sparsity::SafAttr::get(
          &getContext(), static_cast<sparsity::SafAction>(saf.action), static_cast<sparsity::OperandKind>(saf.target),
          StringAttr::get(&getContext(), saf.level), saf.conditionOn, DictionaryAttr()));
    }
    return ArrayAttr::get(&getContext(), safs);
  }
};
} // namespace
