//===- SelectSafs.cpp - sparse-select-safs --------------------------------===//

#include "Constants.h"
#include "ScheduleNetwork.h"

#include "SparseAccel/Target/Dataflow/SafCheck.h"
#include "SparseAccel/Target/Machine/Safs.h"
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
    auto refuse = [&](const absl::Status &status) {
      getOperation().emitError() << "saf: " << messageOf(status);
      signalPassFailure();
    };
    absl::StatusOr<machine::SafRequest> request = machine::parseSafRequest(saf);
    if (!request.ok())
      return refuse(request.status());
    absl::StatusOr<std::vector<machine::SafCapability>> active = machine::selectSafs(*loaded, *request);
    if (!active.ok())
      return refuse(active.status());
    getOperation()->walk(
        [&](accel::ContractionOp op) { op.setSafsAttr(select(op, *loaded, **dataflow, *active, request->exact)); });
  }

private:
  Attribute attribute(isa::SafAction action, isa::OperandKind target, StringRef level, unsigned conditionOn) {
    return sparsity::SafAttr::get(&getContext(), static_cast<sparsity::SafAction>(action),
                                  static_cast<sparsity::OperandKind>(target), StringAttr::get(&getContext(), level),
                                  conditionOn, DictionaryAttr());
  }

  /// `asIs`: a user named each one.
  ArrayAttr select(accel::ContractionOp op, const machine::Machine &machine, const dataflow::Dataflow &dataflow,
                   const std::vector<machine::SafCapability> &active, bool asIs) {
    SmallVector<Attribute> safs;
    bool noZeroWeights = !asIs && hasNoZero(op.getWeights());
    for (const machine::SafCapability &saf : active) {
      bool idle = noZeroWeights && saf.conditionOn == machine::operandBit(isa::OperandKind::B);
      if (!idle && serves(op, machine, dataflow, saf))
        safs.push_back(attribute(saf.action, saf.target, saf.level, saf.conditionOn));
    }

    // Formats: in DRAM as the types say, further in as the machine does.
    auto isEncoded = [](Value value) { return bool(cast<RankedTensorType>(value.getType()).getEncoding()); };
    const std::pair<isa::OperandKind, bool> inDram[] = {{isa::OperandKind::A, isEncoded(op.getInput())},
                                                        {isa::OperandKind::B, isEncoded(op.getWeights())},
                                                        {isa::OperandKind::O, isEncoded(op.getResult())}};
    for (const machine::Level &level : machine.levels)
      for (auto [operand, encoded] : inDram) {
        bool dram = &level == &machine.levels.front();
        const formats::Format *inside = dram ? nullptr : machine::formatAt(machine, level.name, operand);
        // What does not hold every tensor lies there as in DRAM.
        if (dram || (inside && inside->restrictsValues()) ? encoded : inside != nullptr)
          safs.push_back(attribute(isa::SafAction::Format, operand, level.name, 0));
      }
    return ArrayAttr::get(&getContext(), safs);
  }
};
} // namespace
