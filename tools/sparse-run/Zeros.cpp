//===- Zeros.cpp - A model's real zeros as a workload ---------------------===//

#include "Zeros.h"

#include "SparseAccel/Dialect/Accel/Accel.h"
#include "SparseAccel/Dialect/Sparsity/Constants.h"
#include "SparseAccel/Transforms/Passes.h"

#include "mlir/IR/Matchers.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace sparseaccel::run {

namespace {

std::shared_ptr<const workload::Mask> maskOf(llvm::ArrayRef<char> bytes, unsigned width, const std::string &source) {
  auto mask = std::make_shared<workload::Mask>();
  mask->source = source;
  mask->nonzero.resize(bytes.size() / width);
  for (size_t i = 0; i < mask->nonzero.size(); ++i) {
    bool nonzero = bytes[i * width] != 0 || (width == 2 && bytes[i * width + 1] != 0);
    mask->nonzero[i] = nonzero;
    mask->count += nonzero;
  }
  return mask;
}

workload::Sparsity sparsityOf(std::vector<std::shared_ptr<const workload::Mask>> masks) {
  workload::Sparsity sparsity;
  sparsity.kind = workload::SparsityKind::Mask;
  double count = 0, elements = 0;
  for (const auto &mask : masks) {
    count += double(mask->count);
    elements += double(mask->nonzero.size());
  }
  sparsity.density = elements > 0 ? count / elements : 0;
  sparsity.masks = std::move(masks);
  return sparsity;
}

/// The observed elements of an operand, one mask an image; empty where no tensor holds them as the layer reads them.
std::vector<std::shared_ptr<const workload::Mask>> observedMasks(llvm::ArrayRef<TensorValues> observed,
                                                                 const Places &places, Value operand,
                                                                 const isa::Program &program,
                                                                 const std::string &source) {
  std::vector<std::shared_ptr<const workload::Mask>> masks;
  const Place *place = places.find(operand);
  for (const TensorValues &values : observed) {
    FailureOr<std::vector<uint8_t>> bytes = failure();
    if (place)
      bytes = gather(*place, program, values);
    if (failed(bytes))
      return {};
    masks.push_back(maskOf({reinterpret_cast<const char *>(bytes->data()), bytes->size()},
                           isa::storageBytes(program.tensors[place->tensor].type), source));
  }
  return masks;
}

workload::Layer shapeOf(accel::ContractionOp op) {
  workload::Layer layer;
  layer.name = op.getLayer().str();
  dataflow::Contraction &s = layer.shape;
  auto extents = op.getExtents();
  s.n = extents[0], s.g = extents[1], s.m = extents[2], s.c = extents[3];
  s.p = extents[4], s.q = extents[5], s.r = extents[6], s.s = extents[7];
  s.strideH = op.getStrides()[0], s.strideW = op.getStrides()[1];
  s.dilationH = op.getDilations()[0], s.dilationW = op.getDilations()[1];
  s.padTop = op.getPads()[0], s.padBottom = op.getPads()[1];
  s.padLeft = op.getPads()[2], s.padRight = op.getPads()[3];
  s.kind = static_cast<machine::ContractionKind>(op.getKind());
  auto input = op.getInput().getType();
  s.elementBits = input.getElementTypeBitWidth();
  layer.inputHeight = input.getDimSize(1);
  layer.inputWidth = input.getDimSize(2);
  return layer;
}

} // namespace

FailureOr<workload::Workload> measuredWorkload(const Source &source, const isa::Program &program,
                                               llvm::ArrayRef<TensorValues> observed,
                                               std::vector<std::string> &leftOut) {
  OwningOpRef<ModuleOp> module(source.quantised.get().clone());
  PassManager pm(module.get()->getName());
  pm.addPass(createFuseLayers());
  if (failed(pm.run(*module)))
    return failure();
  workload::Workload workload;
  workload.name = "measured";
  workload.file = "measured";
  workload.numerics = program.numericsName;
  auto main = module->lookupSymbol<func::FuncOp>("main");
  if (!main)
    return emitError(module->getLoc()) << "expected a function @main";
  Places places(main, program);
  main.walk([&](accel::ContractionOp op) {
    workload::Layer layer = shapeOf(op);
    auto stands = llvm::find_if(program.layers, [&](const isa::Layer &other) { return other.name == layer.name; });
    if (stands == program.layers.end() || stands->onHost)
      return;
    unsigned width = layer.shape.elementBits / 8;
    std::vector<std::shared_ptr<const workload::Mask>> weights,
        inputs = observedMasks(observed, places, op.getInput(), program, layer.name + ".input");
    ElementsAttr constant;
    if (matchPattern(op.getWeights(), m_Constant(&constant))) {
      std::vector<char> storage;
      weights.push_back(maskOf(sparsity::constantBytes(constant, storage), width, layer.name + ".weights"));
    } else {
      weights = observedMasks(observed, places, op.getWeights(), program, layer.name + ".b");
    }
    if (inputs.empty() || weights.empty()) {
      leftOut.push_back(layer.name);
      return;
    }
    layer.activations = sparsityOf(std::move(inputs));
    layer.weights = sparsityOf(std::move(weights));
    workload.layers.push_back(std::move(layer));
  });
  return workload;
}

std::vector<sim::ZerosLayer> densitiesOf(const workload::Workload &workload) {
  std::vector<sim::ZerosLayer> layers;
  for (const workload::Layer &layer : workload.layers)
    layers.push_back({layer.name, layer.activations.density, layer.weights.density});
  return layers;
}

} // namespace sparseaccel::run
