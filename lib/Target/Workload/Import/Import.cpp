//===- Import.cpp - From a workload to accel layers -----------------------===//

#include "SparseAccel/Target/Workload/Import.h"

#include "SparseAccel/Dialect/Accel/Accel.h"
#include "SparseAccel/Dialect/Accel/Conversions.h"
#include "SparseAccel/Support/Names.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <cmath>

using namespace mlir;

namespace sparseaccel::workload {

namespace {

/// Standard deviation of a layer's sums, which are nearly normal and have no mean.
double deviationOf(const Layer &layer, double highest) {
  double terms =
      double(layer.shape.c * layer.shape.r * layer.shape.s) * layer.weights.density * layer.activations.density;
  // Mean square of a magnitude that is uniform over (0, highest] is highest^2 / 3, for either operand.
  return std::sqrt(std::max(terms, 1.0)) * highest * highest / 3;
}

/// A shift that brings the sums of this layer into the range of its type: about four standard deviations.
int32_t chooseShift(double deviation, double highest) {
  int excess = int(std::ceil(std::log2(std::max(1.0, 4 * deviation / highest))));
  return std::clamp(excess + 14, 2, 62);
}

/// The bias behind which a share `density` of the sums is positive.
int64_t biasFor(double density, double deviation) {
  // The upper quantile of the normal distribution, by halving.
  double low = -8, high = 8;
  for (int i = 0; i < 60; ++i) {
    double middle = (low + high) / 2;
    (std::erfc(middle / std::sqrt(2.0)) / 2 > density ? low : high) = middle;
  }
  return -std::llround(low * deviation);
}

SmallVector<int64_t> weightShape(const Layer &layer) {
  const dataflow::Contraction &s = layer.shape;
  return {s.g * s.m, s.r, s.s, s.c};
}

Value makeWeightConstant(OpBuilder &builder, Location loc, const Workload &workload, size_t index,
                         RankedTensorType type) {
  // The blob owns the vector: a layer may have hundreds of megabytes.
  auto bytes = std::make_shared<std::vector<uint8_t>>(makeWeights(workload, index));
  ArrayRef<char> data(reinterpret_cast<const char *>(bytes->data()), bytes->size());
  AsmResourceBlob blob(
      data, alignof(uint64_t), [bytes](void *, size_t, size_t) mutable { bytes.reset(); }, /*dataIsMutable=*/false);
  auto value = DenseResourceElementsAttr::get(type, workload.layers[index].name + ".weights", std::move(blob));
  return tosa::ConstOp::create(builder, loc, type, value);
}

} // namespace

OwningOpRef<ModuleOp> importWorkload(const Workload &workload, MLIRContext *context) {
  context->loadDialect<accel::AccelDialect, func::FuncDialect, tosa::TosaDialect>();
  OpBuilder builder(context);
  Location fileLoc = FileLineColLoc::get(context, workload.file, 0, 0);
  OwningOpRef<ModuleOp> module = ModuleOp::create(fileLoc, workload.name);
  builder.setInsertionPointToEnd(module->getBody());

  unsigned bits = workload.numerics == "int8" ? 8 : 16;
  Type element = builder.getIntegerType(bits);
  SmallVector<Type> inputTypes, resultTypes;
  SmallVector<NamedAttribute> densities, scales;
  SmallVector<std::string> inputNames;
  auto addInput = [&](const std::string &name, ArrayRef<int64_t> shape, double density) {
    inputNames.push_back(name);
    inputTypes.push_back(RankedTensorType::get(shape, element));
    densities.push_back(builder.getNamedAttr(name, builder.getF64FloatAttr(density)));
    scales.push_back(builder.getNamedAttr(name, builder.getF64FloatAttr(1.0)));
  };
  for (const Layer &layer : workload.layers) {
    const dataflow::Contraction &s = layer.shape;
    addInput(inputName(layer), {s.n, layer.inputHeight, layer.inputWidth, s.g * s.c}, layer.activations.density);
    if (layer.isMatMul())
      addInput(secondInputName(layer), weightShape(layer), layer.weights.density);
    resultTypes.push_back(RankedTensorType::get({s.n, s.p, s.q, s.g * s.m}, element));
    scales.push_back(builder.getNamedAttr(layer.name, builder.getF64FloatAttr(1.0)));
    if (layer.outputDensity > 0)
      densities.push_back(builder.getNamedAttr(layer.name, builder.getF64FloatAttr(layer.outputDensity)));
  }
  auto function = func::FuncOp::create(builder, fileLoc, "main", builder.getFunctionType(inputTypes, resultTypes));
  builder.setInsertionPointToStart(function.addEntryBlock());

  for (auto [index, name] : llvm::enumerate(inputNames))
    function.setArgAttr(index, "sparsity.name", builder.getStringAttr(name));

  SmallVector<Value> results;
  unsigned argument = 0;
  for (auto [index, layer] : llvm::enumerate(workload.layers)) {
    const dataflow::Contraction &s = layer.shape;
    Location loc = NameLoc::get(builder.getStringAttr(layer.name), fileLoc);
    function.setResultAttr(index, "sparsity.name", builder.getStringAttr(layer.name));
    Value input = function.getArgument(argument++);
    Value weights = layer.isMatMul() ? Value(function.getArgument(argument++))
                                     : makeWeightConstant(builder, loc, workload, index,
                                                          RankedTensorType::get(weightShape(layer), element));
    int64_t highest = (int64_t(1) << (bits - 1)) - 1;
    double deviation = deviationOf(layer, double(highest));
    SmallVector<int64_t> bias(s.g * s.m, layer.outputDensity > 0 ? biasFor(layer.outputDensity, deviation) : 0);
    int32_t shift = chooseShift(deviation, double(highest));
    auto numerics = accel::NumericsAttr::getRescale(context, bias, {16384}, {shift}, /*scale32=*/bits == 8, 0, highest);
    static constexpr accel::ContractionKind kKinds[] = {accel::ContractionKind::Conv, accel::ContractionKind::Depthwise,
                                                        accel::ContractionKind::FullyConnected,
                                                        accel::ContractionKind::MatMul};
    results.push_back(accel::ContractionOp::create(
        builder, loc, resultTypes[index], kKinds[static_cast<unsigned>(s.kind)], input, weights,
        ArrayRef<int64_t>{s.strideH, s.strideW}, ArrayRef<int64_t>{s.padTop, s.padBottom, s.padLeft, s.padRight},
        ArrayRef<int64_t>{s.dilationH, s.dilationW}, s.g, numerics, layer.name, layer.name, accel::MappingAttr(),
        ArrayAttr()));
  }
  func::ReturnOp::create(builder, fileLoc, results);

  (*module)->setAttr("sparsity.numerics", builder.getStringAttr(workload.numerics));
  (*module)->setAttr("sparsity.layers_apart", builder.getUnitAttr());
  (*module)->setAttr("sparsity.densities", builder.getDictionaryAttr(densities));
  (*module)->setAttr("sparsity.scales", builder.getDictionaryAttr(scales));
  return module;
}

LogicalResult dropLayers(ModuleOp module, const machine::Machine &machine) {
  auto function = *module.getOps<func::FuncOp>().begin();
  Operation *terminator = function.getBody().front().getTerminator();
  llvm::BitVector arguments(function.getNumArguments()), results(function.getNumResults());
  for (auto [index, result] : llvm::enumerate(terminator->getOperands())) {
    auto op = result.getDefiningOp<accel::ContractionOp>();
    if (llvm::is_contained(machine.kinds, static_cast<machine::ContractionKind>(op.getKind())))
      continue;
    results.set(index);
    for (Value operand : op->getOperands())
      if (auto argument = dyn_cast<BlockArgument>(operand))
        arguments.set(argument.getArgNumber());
  }
  if (results.none())
    return success();
  if (results.all())
    return emitError(UnknownLoc::get(module.getContext()))
           << "machine '" << machine.name << "' takes no layer of workload '" << module.getName().value_or("") << "'";
  std::vector<Operation *> dropped;
  for (unsigned index : results.set_bits())
    dropped.push_back(terminator->getOperand(index).getDefiningOp());
  terminator->eraseOperands(results);
  for (Operation *op : dropped) {
    Operation *constant = op->getOperand(1).getDefiningOp();
    op->erase();
    if (constant)
      constant->erase();
  }
  if (failed(function.eraseArguments(arguments)) || failed(function.eraseResults(results)))
    return failure();
  return success();
}

LogicalResult forceMappings(ModuleOp module, const Workload &workload, const machine::Machine &machine) {
  llvm::StringMap<isa::Mapping> mappings;
  std::vector<std::string> levels;
  for (const machine::Level &level : machine.levels)
    levels.push_back(level.name);
  // A file may have mappings for machines of other files, so only a near miss is worth a word.
  std::vector<std::string> machines = machine::listMachines();
  machines.push_back(machine.name);
  llvm::StringSet<> doubted;
  for (const Layer &layer : workload.layers) {
    for (const auto &[name, loops] : layer.mappings)
      if (std::string near = nearestName(name, machines);
          !near.empty() && !llvm::is_contained(machines, name) && doubted.insert(name).second)
        emitWarning(UnknownLoc::get(module.getContext()))
            << workload.file << ": mapping of layer '" << layer.name << "': there is no shipped machine '" << name
            << "'; did you mean '" << near << "'?";
    auto given = layer.mappings.find(machine.name);
    if (given == layer.mappings.end())
      continue;
    isa::Mapping &mapping = mappings[layer.name];
    for (const LevelLoops &at : given->second) {
      int level = machine.levelIndex(at.level);
      if (level < 0)
        return emitError(UnknownLoc::get(module.getContext()))
               << workload.file << ": mapping of layer '" << layer.name << "': machine '" << machine.name
               << "' has no level '" << at.level << "'" << suggestion(at.level, levels);
      for (isa::Loop loop : at.loops) {
        if (level == 0 && loop.kind != isa::LoopKind::Temporal)
          return emitError(UnknownLoc::get(module.getContext()))
                 << workload.file << ": mapping of layer '" << layer.name << "': loops of level '" << at.level
                 << "' run in time";
        loop.level = uint8_t(level);
        mapping.loops.push_back(loop);
      }
    }
    // In the machine's order, whatever the file's.
    llvm::stable_sort(mapping.loops, [](const isa::Loop &a, const isa::Loop &b) { return a.level < b.level; });
  }
  module.walk([&](accel::ContractionOp op) {
    auto mapping = mappings.find(op.getLayer());
    if (mapping != mappings.end())
      op.setMappingAttr(accel::fromISA(module.getContext(), mapping->second, levels));
  });
  return success();
}

void releaseWeights(ModuleOp module) {
  module.walk([](tosa::ConstOp op) {
    if (auto elements = dyn_cast<DenseResourceElementsAttr>(op.getValues()))
      if (AsmResourceBlob *blob = elements.getRawHandle().getBlob())
        *blob = AsmResourceBlob();
  });
}

} // namespace sparseaccel::workload
