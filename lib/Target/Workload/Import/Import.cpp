//===- Import.cpp - From a workload to accel layers -----------------------===//

#include "SparseAccel/Target/Workload/Import.h"

#include "SparseAccel/Dialect/Accel/Accel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>

using namespace mlir;

namespace sparseaccel::workload {

namespace {

/// A shift that brings the sums of this layer into the range of its type: about four standard deviations.
int32_t chooseShift(const Layer &layer, unsigned bits) {
  double highest = std::ldexp(1.0, int(bits) - 1) - 1;
  double terms = double(layer.shape.c * layer.shape.r * layer.shape.s) * layer.weightDensity * layer.activationDensity;
  // Mean square of a magnitude that is uniform over (0, highest] is highest^2 / 3, for either operand.
  double deviation = std::sqrt(std::max(terms, 1.0)) * highest * highest / 3;
  int excess = int(std::ceil(std::log2(std::max(1.0, 4 * deviation / highest))));
  return std::clamp(excess + 14, 2, 62);
}

Value makeWeightConstant(OpBuilder &builder, Location loc, const Workload &workload, size_t index,
                         RankedTensorType type) {
  std::vector<uint8_t> bytes = makeWeights(workload, index);
  ArrayRef<char> data(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  auto value = DenseResourceElementsAttr::get(type, workload.layers[index].name + ".weights",
                                              HeapAsmResourceBlob::allocateAndCopyWithAlign(data, alignof(uint64_t)));
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
  for (const Layer &layer : workload.layers) {
    const dataflow::Contraction &s = layer.shape;
    inputTypes.push_back(RankedTensorType::get({s.n, layer.inputHeight, layer.inputWidth, s.g * s.c}, element));
    resultTypes.push_back(RankedTensorType::get({s.n, s.p, s.q, s.g * s.m}, element));
    densities.push_back(builder.getNamedAttr(layer.name + ".input", builder.getF64FloatAttr(layer.activationDensity)));
    for (const std::string &value : {layer.name + ".input", layer.name})
      scales.push_back(builder.getNamedAttr(value, builder.getF64FloatAttr(1.0)));
  }
  auto function = func::FuncOp::create(builder, fileLoc, "main", builder.getFunctionType(inputTypes, resultTypes));
  builder.setInsertionPointToStart(function.addEntryBlock());

  SmallVector<Value> results;
  for (auto [index, layer] : llvm::enumerate(workload.layers)) {
    const dataflow::Contraction &s = layer.shape;
    Location loc = NameLoc::get(builder.getStringAttr(layer.name), fileLoc);
    function.setArgAttr(index, "sparsity.name", builder.getStringAttr(layer.name + ".input"));
    function.setResultAttr(index, "sparsity.name", builder.getStringAttr(layer.name));
    auto weightType = RankedTensorType::get({s.g * s.m, s.r, s.s, s.c}, element);
    Value weights = makeWeightConstant(builder, loc, workload, index, weightType);
    int64_t highest = (int64_t(1) << (bits - 1)) - 1;
    SmallVector<int64_t> bias(s.g * s.m, 0);
    int32_t shift = chooseShift(layer, bits);
    auto numerics = accel::NumericsAttr::getRescale(context, bias, {16384}, {shift}, /*scale32=*/bits == 8, 0, highest);
    static constexpr accel::ContractionKind kKinds[] = {accel::ContractionKind::Conv, accel::ContractionKind::Depthwise,
                                                        accel::ContractionKind::FullyConnected,
                                                        accel::ContractionKind::MatMul};
    results.push_back(accel::ContractionOp::create(
        builder, loc, resultTypes[index], kKinds[static_cast<unsigned>(s.kind)], function.getArgument(index), weights,
        ArrayRef<int64_t>{s.strideH, s.strideW}, ArrayRef<int64_t>{s.padTop, s.padBottom, s.padLeft, s.padRight},
        ArrayRef<int64_t>{s.dilationH, s.dilationW}, s.g, numerics, layer.name, layer.name, accel::MappingAttr(),
        ArrayAttr()));
  }
  func::ReturnOp::create(builder, fileLoc, results);

  (*module)->setAttr("sparsity.numerics", builder.getStringAttr(workload.numerics));
  (*module)->setAttr("sparsity.densities", builder.getDictionaryAttr(densities));
  (*module)->setAttr("sparsity.scales", builder.getDictionaryAttr(scales));
  return module;
}

} // namespace sparseaccel::workload
