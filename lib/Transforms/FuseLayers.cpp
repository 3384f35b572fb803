//===- FuseLayers.cpp - sparse-fuse-layers --------------------------------===//
//
// Quantised TOSA to accel layer operations. Patterns go first to what the array runs, then to what layers absorb, then
// to the vector unit's and the host's work; what is left after that is an error for each node.
//
//===----------------------------------------------------------------------===//

#include "FuseLayers.h"

#include "Constants.h"
#include "Locations.h"

#include "SparseAccel/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSet.h"

namespace sparseaccel {
#define GEN_PASS_DEF_FUSELAYERS
#include "SparseAccel/Transforms/Passes.h.inc"
} // namespace sparseaccel

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::fuse;

//===----------------------------------------------------------------------===//
// Shared helpers
//===----------------------------------------------------------------------===//

std::string fuse::nodeName(Operation *op) {
  std::string name = nameInLocation(op->getLoc());
  if (name.empty())
    name = valueName(op);
  return name.empty() ? op->getName().stripDialect().str() : name;
}

std::string fuse::nodeName(Operation *root, Operation *rescale) {
  std::string name = nameInLocation(root->getLoc());
  return name.empty() ? nodeName(rescale) : name;
}

std::string fuse::valueName(Operation *op) {
  auto name = op->getAttrOfType<StringAttr>("sparsity.value");
  return name ? name.str() : std::string();
}

std::pair<int64_t, int64_t> fuse::integerRange(Type type) {
  unsigned bits = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  return {-(int64_t(1) << (bits - 1)), (int64_t(1) << (bits - 1)) - 1};
}

bool fuse::isActivation(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isSignlessInteger(8) || element.isSignlessInteger(16);
}

FailureOr<accel::NumericsAttr> fuse::readRescale(tosa::RescaleOp op, std::string &reason) {
  auto fail = [&](const char *why) {
    reason = why;
    return failure();
  };
  if (op.getRoundingMode() != tosa::RoundingMode::SINGLE_ROUND)
    return fail("rounding must be SINGLE_ROUND");
  if (op.getInputUnsigned() || op.getOutputUnsigned())
    return fail("rescaled integers must be signed");
  if (!isConstantZero(op.getInputZp()) || !isConstantZero(op.getOutputZp()))
    return fail("zero points must be 0");
  std::optional<SmallVector<int64_t>> multiplier = constantIntegers(op.getMultiplier()),
                                      shift = constantIntegers(op.getShift());
  if (!multiplier || !shift || multiplier->size() != shift->size())
    return fail("multipliers and shifts must be dense constants");
  if (llvm::any_of(*shift, [](int64_t bits) { return bits < 2 || bits > 62; }))
    return fail("shifts must be 2 to 62");
  // One factor for all channels says the same in less.
  if (llvm::all_equal(*multiplier) && llvm::all_equal(*shift)) {
    multiplier->resize(1);
    shift->resize(1);
  }
  auto [low, high] = integerRange(op.getType());
  return accel::NumericsAttr::getRescale(op.getContext(), {}, llvm::to_vector_of<int32_t>(*multiplier),
                                         llvm::to_vector_of<int32_t>(*shift), op.getScale32(), low, high);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct FuseLayers : sparseaccel::impl::FuseLayersBase<FuseLayers> {
  void runOnOperation() override;

private:
  LogicalResult runPhase(func::FuncOp func, llvm::ArrayRef<void (*)(RewritePatternSet &)> populate);
  LogicalResult checkShapes(func::FuncOp func);
  LogicalResult checkLeftovers(func::FuncOp func);
  void copyResults(func::FuncOp func);
  /// `taken` are the names of the module's values, also of those that layers absorbed.
  void nameLayers(func::FuncOp func, llvm::StringSet<> taken);
};
} // namespace

LogicalResult FuseLayers::runPhase(func::FuncOp func, ArrayRef<void (*)(RewritePatternSet &)> populate) {
  RewritePatternSet patterns(&getContext());
  for (auto *fill : populate)
    fill(patterns);
  GreedyRewriteConfig config;
  config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
      GreedySimplifyRegionLevel::Disabled);
  return applyPatternsGreedily(func, std::move(patterns), config);
}

LogicalResult FuseLayers::checkShapes(func::FuncOp func) {
  for (Operation &op : func.getBody().front())
    for (Type type : op.getResultTypes())
      if (auto tensor = dyn_cast<TensorType>(type); tensor && !tensor.hasStaticShape())
        return op.emitError() << "node '" << nodeName(&op) << "': shape of " << type << " must be static";
  return success();
}

/// Everything must have become a layer; what has not, nothing can run.
LogicalResult FuseLayers::checkLeftovers(func::FuncOp func) {
  bool clean = true;
  for (Operation &op : func.getBody().front()) {
    if (isa<accel::LayerOpInterface, func::ReturnOp, tosa::ConstOp, tosa::ConstShapeOp>(op))
      continue;
    InFlightDiagnostic diag = op.emitError() << "node '" << nodeName(&op)
                                             << "': neither the accelerator nor the host can run " << op.getName();
    if (auto call = dyn_cast<func::CallOp>(op))
      diag << " of '" << call.getCallee() << "', which is not marked with sparsity.host as a softmax or an lrn";
    else if (op.getNumOperands() && op.getNumResults())
      diag << " from " << op.getOperand(0).getType() << " to " << op.getResult(0).getType();
    std::string reason;
    if (auto rescale = dyn_cast<tosa::RescaleOp>(op); rescale && failed(readRescale(rescale, reason)))
      diag.attachNote() << reason;
    clean = false;
  }
  return success(clean);
}

/// Each output of a program is a tensor of its own, which some layer writes. A result that is an argument or a constant,
/// or that stands twice, is so by a copy on the host: a reshape to the shape that it has.
void FuseLayers::copyResults(func::FuncOp func) {
  Operation *terminator = func.getBody().front().getTerminator();
  OpBuilder builder(terminator);
  llvm::DenseSet<Value> returned;
  for (OpOperand &result : terminator->getOpOperands()) {
    Value value = result.get();
    if (isa_and_present<accel::LayerOpInterface>(value.getDefiningOp()) && returned.insert(value).second)
      continue;
    unsigned index = result.getOperandNumber();
    auto name = func.getResultAttrOfType<StringAttr>(index, "sparsity.name");
    if (!name)
      name = builder.getStringAttr("result" + Twine(index));
    result.set(accel::ReshapeOp::create(builder, NameLoc::get(name), value.getType(), value, name.getValue(), ""));
  }
}

/// Every layer and every value gets a name of its own. Where several layers come from one node, the one with the most
/// work keeps the node's name.
void FuseLayers::nameLayers(func::FuncOp func, llvm::StringSet<> valueNames) {
  SmallVector<accel::LayerOpInterface> layers(func.getBody().front().getOps<accel::LayerOpInterface>());
  llvm::StringSet<> layerNames;
  auto unique = [](llvm::StringSet<> &taken, std::string name, StringRef suffix) {
    if (taken.insert(name).second)
      return name;
    if (!suffix.empty()) {
      name = (Twine(name) + "." + suffix).str();
      if (taken.insert(name).second)
        return name;
    }
    for (unsigned i = 1;; ++i)
      if (std::string numbered = name + "." + std::to_string(i); taken.insert(numbered).second)
        return numbered;
  };
  auto rank = [](accel::LayerOpInterface layer) {
    return isa<accel::ContractionOp>(layer) ? 0 : layer.isOnHost() || isa<accel::ReshapeOp>(layer) ? 2 : 1;
  };
  SmallVector<accel::LayerOpInterface> ordered = layers;
  llvm::stable_sort(ordered, [&](auto a, auto b) { return rank(a) < rank(b); });
  for (accel::LayerOpInterface layer : ordered)
    layer->setAttr("layer",
                   StringAttr::get(&getContext(), unique(layerNames, layer.getLayerName().str(), layer.getKindName())));
  for (BlockArgument argument : func.getArguments())
    if (auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "sparsity.name"))
      valueNames.insert(name.getValue());
  for (accel::LayerOpInterface layer : layers)
    if (!layer.getValueName().empty())
      valueNames.insert(layer.getValueName());
  for (accel::LayerOpInterface layer : layers)
    if (layer.getValueName().empty())
      layer->setAttr("value", StringAttr::get(&getContext(), unique(valueNames, layer.getLayerName().str(), "")));
}

/// Conversions of layout and type, which are the host's between a model's edge and the machine.
static bool isConversion(Operation *op) {
  if (isa<accel::ReshapeOp>(op))
    return true;
  auto host = dyn_cast<accel::HostOp>(op);
  return host && (host.getKind() == accel::HostKind::Quantize || host.getKind() == accel::HostKind::Dequantize ||
                  host.getKind() == accel::HostKind::Transpose);
}

/// The conversions that nothing but conversions separates from an argument or from a result.
static llvm::DenseSet<Operation *> findEdges(func::FuncOp func) {
  llvm::DenseSet<Operation *> edges;
  Block &block = func.getBody().front();
  for (Operation &op : block)
    if (isConversion(&op) && llvm::all_of(op.getOperands(), [&](Value operand) {
          return !operand.getDefiningOp() || edges.contains(operand.getDefiningOp());
        }))
      edges.insert(&op);
  llvm::DenseSet<Operation *> last;
  for (Operation &op : llvm::reverse(block))
    if (isConversion(&op) && llvm::all_of(op.getUsers(), [&](Operation *user) {
          return user->hasTrait<OpTrait::IsTerminator>() || last.contains(user);
        }))
      last.insert(&op);
  edges.insert_range(last);
  return edges;
}

/// Says what the host runs, but for the conversions that belong to it: quantisation, and layout at the model's edges.
static void remarkHostLayers(func::FuncOp func) {
  llvm::DenseSet<Operation *> edges = findEdges(func);
  for (auto host : func.getBody().front().getOps<accel::HostOp>())
    if (host.getKind() != accel::HostKind::Quantize && host.getKind() != accel::HostKind::Dequantize &&
        !edges.contains(host))
      remark::missed(host.getLoc(), remark::RemarkOpts::name("host").category("sparse-fuse-layers"))
          << ("node '" + host.getLayer() + "' runs on the host: " + accel::stringifyHostKind(host.getKind())).str();
}

void FuseLayers::runOnOperation() {
  ModuleOp module = getOperation();
  auto func = module.lookupSymbol<func::FuncOp>("main");
  if (!func || func.isExternal() || !func.getBody().hasOneBlock()) {
    module.emitError() << "expected a function @main of one block";
    return signalPassFailure();
  }
  if (failed(checkShapes(func)))
    return signalPassFailure();
  llvm::StringSet<> taken;
  for (Operation &op : func.getBody().front())
    if (std::string name = valueName(&op); !name.empty())
      taken.insert(name);
  // The order matters where one operation has two readings: a cast of a product is a quantisation before the product is
  // host arithmetic, and padding belongs to the convolution before it is data movement.
  if (failed(runPhase(func, {populateContractionPatterns, populateVectorPatterns, populateAbsorptionPatterns})) ||
      failed(runPhase(func, {populateEdgePatterns})) || failed(runPhase(func, {populateHostPatterns})))
    return signalPassFailure();
  if (failed(checkLeftovers(func)))
    return signalPassFailure();
  copyResults(func);
  nameLayers(func, std::move(taken));
  remarkHostLayers(func);
  for (auto callee : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (callee->hasAttr("sparsity.host") && SymbolTable::symbolKnownUseEmpty(callee, module))
      callee.erase();
}
