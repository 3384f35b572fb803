//===- Conversions.cpp - Attributes to the program's structs and back -----===//

#include "SparseAccel/Dialect/Accel/Conversions.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::accel;

// The enums of both worlds are cast into each other: their ends must agree.
static_assert(static_cast<int>(accel::Rank::S) == static_cast<int>(isa::Rank::S));
static_assert(static_cast<int>(accel::LoopKind::SpatialY) == static_cast<int>(isa::LoopKind::SpatialY));
static_assert(static_cast<int>(accel::TensorRole::Intermediate) == static_cast<int>(isa::TensorRole::Intermediate));
static_assert(static_cast<int>(accel::HostKind::AvgPool) == static_cast<int>(isa::HostKind::AvgPool));
static_assert(static_cast<int>(accel::HostKind::Softmax) == static_cast<int>(isa::HostKind::Softmax));
static_assert(static_cast<int>(sparsity::SafAction::Format) == static_cast<int>(isa::SafAction::Format));
static_assert(static_cast<int>(sparsity::OperandKind::O) == static_cast<int>(isa::OperandKind::O));

static constexpr StringLiteral kComputeLevel = "compute";

/// Index of a level; `withCompute` allows "compute", which comes after the last one.
static FailureOr<uint8_t> levelIndex(StringRef name, ArrayRef<std::string> levelNames, bool withCompute,
                                     EmitError emitError) {
  for (auto [index, level] : llvm::enumerate(levelNames))
    if (name == level)
      return static_cast<uint8_t>(index);
  if (withCompute && name == kComputeLevel)
    return static_cast<uint8_t>(levelNames.size());
  InFlightDiagnostic diag = emitError() << "the machine has no level '" << name << "', but ";
  llvm::interleaveComma(levelNames, diag);
  return failure();
}

FailureOr<isa::Mapping> accel::toISA(MappingAttr mapping, ArrayRef<std::string> levelNames, EmitError emitError) {
  isa::Mapping result;
  for (LoopAttr loop : mapping.getLoops()) {
    FailureOr<uint8_t> level = levelIndex(loop.getLevel().getValue(), levelNames, /*withCompute=*/false, emitError);
    if (failed(level))
      return failure();
    result.loops.push_back(
        {static_cast<isa::Rank>(loop.getRank()), loop.getFactor(), *level, static_cast<isa::LoopKind>(loop.getKind())});
  }
  return result;
}

MappingAttr accel::fromISA(MLIRContext *context, const isa::Mapping &mapping, ArrayRef<std::string> levelNames) {
  SmallVector<LoopAttr> loops;
  for (const isa::Loop &loop : mapping.loops)
    loops.push_back(LoopAttr::get(context, static_cast<Rank>(loop.rank), loop.factor,
                                  StringAttr::get(context, levelNames[loop.level]), static_cast<LoopKind>(loop.kind)));
  return MappingAttr::get(context, loops);
}

FailureOr<isa::SafSet> accel::toISA(ArrayAttr safs, ArrayRef<std::string> levelNames, EmitError emitError) {
  isa::SafSet result;
  for (auto saf : safs.getAsRange<sparsity::SafAttr>()) {
    FailureOr<uint8_t> level = levelIndex(saf.getLevel().getValue(), levelNames, /*withCompute=*/true, emitError);
    if (failed(level))
      return failure();
    isa::Saf entry;
    entry.level = *level;
    entry.target = static_cast<isa::OperandKind>(saf.getTarget());
    entry.action = static_cast<isa::SafAction>(saf.getAction());
    entry.conditionOn = static_cast<uint8_t>(saf.getConditionOn());
    if (saf.getParams())
      for (NamedAttribute param : saf.getParams())
        entry.parameters.emplace_back(param.getName().str(), cast<IntegerAttr>(param.getValue()).getInt());
    result.push_back(std::move(entry));
  }
  return result;
}

ArrayAttr accel::fromISA(MLIRContext *context, const isa::SafSet &safs, ArrayRef<std::string> levelNames) {
  Builder builder(context);
  SmallVector<Attribute> result;
  for (const isa::Saf &saf : safs) {
    SmallVector<NamedAttribute> params;
    for (const auto &[name, value] : saf.parameters)
      params.push_back(builder.getNamedAttr(name, builder.getI64IntegerAttr(value)));
    StringRef level = saf.level < levelNames.size() ? StringRef(levelNames[saf.level]) : StringRef(kComputeLevel);
    result.push_back(sparsity::SafAttr::get(context, static_cast<sparsity::SafAction>(saf.action),
                                            static_cast<sparsity::OperandKind>(saf.target),
                                            builder.getStringAttr(level), saf.conditionOn,
                                            params.empty() ? DictionaryAttr() : builder.getDictionaryAttr(params)));
  }
  return builder.getArrayAttr(result);
}

isa::Numerics accel::toISA(NumericsAttr numerics, StringRef name) {
  isa::Numerics result;
  result.name = name.str();
  result.bias.assign(numerics.getBias().begin(), numerics.getBias().end());
  result.multiplier.assign(numerics.getMultiplier().begin(), numerics.getMultiplier().end());
  for (int32_t shift : numerics.getShift())
    result.shift.push_back(static_cast<uint8_t>(shift));
  result.scale32 = numerics.getScale32();
  result.clampMin = numerics.getClampMin();
  result.clampMax = numerics.getClampMax();
  result.aMultiplier = numerics.getAMultiplier();
  result.bMultiplier = numerics.getBMultiplier();
  result.aShift = static_cast<uint8_t>(numerics.getAShift());
  result.bShift = static_cast<uint8_t>(numerics.getBShift());
  result.table.assign(numerics.getTable().begin(), numerics.getTable().end());
  return result;
}

NumericsAttr accel::fromISA(MLIRContext *context, const isa::Numerics &numerics) {
  SmallVector<int32_t> shift(numerics.shift.begin(), numerics.shift.end());
  return NumericsAttr::get(context, numerics.clampMin, numerics.clampMax, numerics.bias, numerics.multiplier, shift,
                           numerics.scale32, numerics.aMultiplier, numerics.aShift, numerics.bMultiplier,
                           numerics.bShift, numerics.table);
}

FailureOr<isa::ElementType> accel::toISA(Type type, EmitError emitError) {
  if (type.isSignlessInteger(8))
    return isa::ElementType::I8;
  if (type.isSignlessInteger(16))
    return isa::ElementType::I16;
  if (type.isSignlessInteger(32))
    return isa::ElementType::I32;
  if (type.isSignlessInteger(48))
    return isa::ElementType::I48;
  if (type.isSignlessInteger(64))
    return isa::ElementType::I64;
  if (type.isF32())
    return isa::ElementType::F32;
  emitError() << "elements of type " << type
              << " have no place in a program, which knows i8, i16, i32, i48, i64 and f32";
  return failure();
}

namespace {
constexpr std::pair<llvm::StringLiteral, double isa::LayerEstimate::*> kEstimateFields[] = {
    {"cycles", &isa::LayerEstimate::cycles},
    {"compute_cycles", &isa::LayerEstimate::computeCycles},
    {"dram_bytes", &isa::LayerEstimate::dramBytes},
    {"energy_pj", &isa::LayerEstimate::energyPj}};
} // namespace

DictionaryAttr accel::fromISA(MLIRContext *context, const isa::LayerEstimate &estimate) {
  Builder builder(context);
  SmallVector<NamedAttribute> entries;
  for (auto [name, field] : kEstimateFields)
    entries.push_back(builder.getNamedAttr(name, builder.getF64FloatAttr(estimate.*field)));
  return builder.getDictionaryAttr(entries);
}

FailureOr<isa::LayerEstimate> accel::toISA(DictionaryAttr estimate, uint32_t layer, EmitError emitError) {
  isa::LayerEstimate result;
  result.layer = layer;
  for (auto [name, field] : kEstimateFields) {
    auto entry = estimate.getAs<FloatAttr>(name);
    if (!entry || !(entry.getValueAsDouble() >= 0) || !std::isfinite(entry.getValueAsDouble()))
      return emitError() << kEstimateAttr << ": expected a number '" << name << "' of at least 0";
    result.*field = entry.getValueAsDouble();
  }
  return result;
}
