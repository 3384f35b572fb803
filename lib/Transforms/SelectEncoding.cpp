//===- SelectEncoding.cpp - sparse-select-encoding ------------------------===//

#include "Constants.h"
#include "ScheduleNetwork.h"

#include "SparseAccel/Target/Machine/Safs.h"
#include "SparseAccel/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

namespace sparseaccel {
#define GEN_PASS_DEF_SELECTENCODING
#include "SparseAccel/Transforms/Passes.h.inc"
} // namespace sparseaccel

using namespace mlir;
using namespace sparseaccel;

/// Bits of the length word that goes with each granule of an encoded tensor.
static constexpr double kLengthBits = 32;
/// Filters that are taken to be stored as one while sizes are compared.
static constexpr int64_t kFiltersPerGranule = 16;

/// Parts that a format deals filters out to in turn: a granule of a few filters would leave most of them empty.
static int64_t interleaved(ArrayRef<formats::Format> formats) {
  int64_t parts = 1;
  for (const formats::Format &format : formats)
    for (const formats::RankFormat &rank : format.ranks)
      if (rank.split == formats::Split::Remainder && rank.dimension == 0)
        parts = std::max<int64_t>(parts, rank.factor);
  return parts;
}

static int64_t granuleCount(ArrayRef<int64_t> shape, ArrayRef<int64_t> granule) {
  int64_t count = 1;
  for (auto [extent, step] : llvm::zip(shape, granule))
    count *= llvm::divideCeil(extent, step);
  return count;
}

namespace {

using Formats = std::vector<formats::Format>;

/// A choice and what it saves.
struct Choice {
  formats::Format format;
  double bits = 0, denseBits = 0;
};

struct SelectEncoding : sparseaccel::impl::SelectEncodingBase<SelectEncoding> {
  using SelectEncodingBase::SelectEncodingBase;
  void runOnOperation() override;

private:
  /// The smallest of `formats`, whose size in bits `measure` tells for an encoding; the first of several. Infinity is
  /// for what cannot be stored so.
  Choice smallest(const Formats &formats, RankedTensorType type, ArrayRef<int64_t> granule,
                  llvm::function_ref<double(sparsity::EncodingAttr)> measure);
  void encodeWeights(accel::ContractionOp op, const machine::Machine &machine);
  void encodeActivation(Value value, const machine::Machine &machine);
  /// What both the producer and every reader of a value take; empty where one of them wants it dense.
  Formats commonFormats(Value value, const machine::Machine &machine);
  double densityOf(Value value);
  void remarkChoice(Operation *op, StringRef what, const Choice &choice);

  /// Encodes what comes into a function of layers that stand for themselves; results follow their values.
  void encodeArguments(func::FuncOp func, const machine::Machine &machine);

  DictionaryAttr densities;
  /// Each layer of a workload has operands of its own, which stand for what its neighbours in a network leave and take.
  bool layersApart = false;
};

} // namespace

Choice SelectEncoding::smallest(const Formats &formats, RankedTensorType type, ArrayRef<int64_t> granule,
                                llvm::function_ref<double(sparsity::EncodingAttr)> measure) {
  Choice best;
  best.denseBits = static_cast<double>(type.getNumElements()) * type.getElementTypeBitWidth();
  best.bits = std::numeric_limits<double>::infinity();
  for (const formats::Format &format : formats) {
    double bits = best.denseBits;
    if (!format.isDense()) {
      if (!format.hasView() && static_cast<int64_t>(format.ranks.size()) > type.getRank())
        continue;
      bits = measure(sparsity::EncodingAttr::get(&getContext(), format, granule)) +
             kLengthBits * static_cast<double>(granuleCount(type.getShape(), granule));
    }
    if (bits < best.bits) {
      best.bits = bits;
      best.format = format;
    }
  }
  return best;
}

void SelectEncoding::remarkChoice(Operation *op, StringRef what, const Choice &choice) {
  std::string text =
      (what + " is stored as " + formats::toString(choice.format) + ": " + Twine(static_cast<uint64_t>(choice.bits)) +
       " bits against " + Twine(static_cast<uint64_t>(choice.denseBits)))
          .str();
  remark::passed(op->getLoc(), remark::RemarkOpts::name("encoding").category("sparse-select-encoding")) << text;
}

void SelectEncoding::encodeWeights(accel::ContractionOp op, const machine::Machine &machine) {
  RankedTensorType type = op.getWeights().getType();
  ElementsAttr elements = constantElements(op.getWeights());
  if (!elements || type.getEncoding())
    return;
  std::vector<char> storage;
  ArrayRef<char> bytes = constantBytes(elements, storage);
  const Formats &formats = machine.formatsOf(isa::OperandKind::B).dram;
  SmallVector<int64_t> granule(type.getShape());
  granule[0] = std::min(granule[0], kFiltersPerGranule * interleaved(formats));
  Choice choice = smallest(formats, type, granule, [&](sparsity::EncodingAttr encoding) {
    unsigned bits = type.getElementTypeBitWidth();
    // What holds them as a whole holds them in granules of any size.
    std::string obstacle = encoding.withGranule({}).getObstacle(type.getShape(), bits, bytes);
    if (obstacle.empty())
      return static_cast<double>(encoding.getExactSize(type.getShape(), bits, bytes).bits());
    remark::missed(op->getLoc(), remark::RemarkOpts::name("encoding").category("sparse-select-encoding"))
        << "weights of '" << op.getLayer() << "': " << obstacle;
    return std::numeric_limits<double>::infinity();
  });
  if (choice.format.isDense() || !std::isfinite(choice.bits))
    return;
  remarkChoice(op, ("weights of '" + op.getLayer() + "'").str(), choice);
  OpBuilder builder(op);
  auto encoded = sparsity::withEncoding(type, sparsity::EncodingAttr::get(&getContext(), choice.format));
  Value value = sparsity::EncodeOp::create(builder, op.getWeights().getLoc(), encoded, op.getWeights());
  op.getWeightsMutable().assign(value);
}

Formats SelectEncoding::commonFormats(Value value, const machine::Machine &machine) {
  Operation *producer = value.getDefiningOp();
  if (isa_and_nonnull<accel::HostOp, accel::ReshapeOp>(producer))
    return {};
  Formats common = machine.formatsOf(producer ? isa::OperandKind::O : isa::OperandKind::A).dram;
  // What an activation will be is not known here.
  std::erase_if(common, [](const formats::Format &format) { return format.restrictsValues(); });
  auto keep = [&](const Formats &other) {
    std::erase_if(common, [&](const formats::Format &format) { return !llvm::is_contained(other, format); });
  };
  for (OpOperand &use : value.getUses()) {
    if (layersApart && isa<func::ReturnOp>(use.getOwner()))
      continue;
    if (isa<accel::HostOp, accel::ReshapeOp>(use.getOwner()) || !isa<accel::LayerOpInterface>(use.getOwner()))
      return {};
    bool isWeights = isa<accel::ContractionOp>(use.getOwner()) && use.getOperandNumber() == 1;
    keep(machine.formatsOf(isWeights ? isa::OperandKind::B : isa::OperandKind::A).dram);
  }
  return common;
}

/// A ReLU: a clamp at 0 or above turns negative values into zeros.
static bool isClampedAtZero(Operation *op) {
  auto numerics = op->getAttrOfType<accel::NumericsAttr>("numerics");
  return numerics && numerics.getClampMin() >= 0 && !isa<accel::TableOp>(op);
}

double SelectEncoding::densityOf(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto func = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "sparsity.name");
    auto density = densities && name ? densities.getAs<FloatAttr>(name.getValue()) : FloatAttr();
    return density ? std::clamp(density.getValueAsDouble(), 0.0, 1.0) : 1.0;
  }
  auto layer = cast<accel::LayerOpInterface>(value.getDefiningOp());
  if (densities)
    if (auto density = densities.getAs<FloatAttr>(layer.getValueName()))
      return std::clamp(density.getValueAsDouble(), 0.0, 1.0);
  // A maximum or a concatenation has the density of what it reads, or more.
  if (isa<accel::ConcatOp>(layer) || isa<accel::PoolOp>(layer)) {
    double density = 0;
    for (Value input : layer->getOperands())
      density =
          std::max(density, isa_and_nonnull<accel::LayerOpInterface>(input.getDefiningOp()) ? densityOf(input) : 1.0);
    return density;
  }
  return isClampedAtZero(layer) ? reluDensity : 1.0;
}

void SelectEncoding::encodeActivation(Value value, const machine::Machine &machine) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getEncoding() || type.getRank() != 4)
    return;
  Formats common = commonFormats(value, machine);
  double density = densityOf(value);
  // A row of an image is what loads and stores can always name.
  SmallVector<int64_t> granule(type.getShape());
  granule[0] = granule[1] = 1;
  Choice choice = smallest(common, type, granule, [&](sparsity::EncodingAttr encoding) {
    return encoding.getExpectedBits(type.getShape(), type.getElementTypeBitWidth(), density);
  });
  if (choice.format.isDense())
    return;
  if (auto layer = dyn_cast_or_null<accel::LayerOpInterface>(value.getDefiningOp()))
    remarkChoice(layer, ("result of '" + layer.getLayerName() + "'").str(), choice);
  else
    remarkChoice(value.getParentBlock()->getParentOp(),
                 ("input " + Twine(cast<BlockArgument>(value).getArgNumber())).str(), choice);
  value.setType(sparsity::withEncoding(type, sparsity::EncodingAttr::get(&getContext(), choice.format)));
}

void SelectEncoding::encodeArguments(func::FuncOp func, const machine::Machine &machine) {
  if (func.isExternal())
    return;
  for (BlockArgument argument : func.getArguments())
    if (isa<RankedTensorType>(argument.getType()))
      encodeActivation(argument, machine);
  func.setFunctionType(FunctionType::get(&getContext(), func.getBody().front().getArgumentTypes(),
                                         func.getBody().front().getTerminator()->getOperandTypes()));
}

void SelectEncoding::runOnOperation() {
  if (!(reluDensity >= 0 && reluDensity <= 1)) {
    getOperation().emitError() << "relu-density must be 0 to 1";
    return signalPassFailure();
  }
  FailureOr<machine::Machine> loaded = loadMachineFor(getOperation(), machine);
  if (failed(loaded))
    return signalPassFailure();
  absl::StatusOr<machine::SafRequest> request = machine::parseSafRequest(saf);
  if (!request.ok()) {
    getOperation().emitError() << "saf: " << std::string(request.status().message());
    return signalPassFailure();
  }
  // Whether the machine takes what is left is sparse-select-safs' question; here an empty list leaves all dense.
  for (auto [operand, formats] : {std::pair{isa::OperandKind::A, &loaded->a},
                                  {isa::OperandKind::B, &loaded->b},
                                  {isa::OperandKind::O, &loaded->o}})
    formats->dram = machine::selectFormats(*request, operand, formats->dram);
  densities = getOperation()->getAttrOfType<DictionaryAttr>("sparsity.densities");
  layersApart = getOperation()->hasAttr("sparsity.layers_apart");
  SmallVector<accel::ContractionOp> contractions;
  SmallVector<accel::LayerOpInterface> layers;
  getOperation()->walk([&](accel::LayerOpInterface layer) {
    layers.push_back(layer);
    if (auto contraction = dyn_cast<accel::ContractionOp>(*layer))
      contractions.push_back(contraction);
  });
  for (accel::ContractionOp contraction : contractions)
    encodeWeights(contraction, *loaded);
  for (accel::LayerOpInterface layer : layers)
    encodeActivation(layer->getResult(0), *loaded);
  if (layersApart)
    for (auto func : getOperation().getOps<func::FuncOp>())
      encodeArguments(func, *loaded);
}
