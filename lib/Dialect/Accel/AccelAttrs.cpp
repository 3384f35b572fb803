//===- AccelAttrs.cpp - Numerics, mappings and operands -------------------===//

#include "SparseAccel/Dialect/Accel/Accel.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::accel;

#define GET_ATTRDEF_CLASSES
#include "SparseAccel/Dialect/Accel/AccelAttrs.cpp.inc"

void AccelDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "SparseAccel/Dialect/Accel/AccelAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// NumericsAttr
//===----------------------------------------------------------------------===//

NumericsAttr NumericsAttr::getClamp(MLIRContext *context, int64_t clampMin, int64_t clampMax) {
  return get(context, clampMin, clampMax, {}, {}, {}, /*scale32=*/true, 0, 0, 0, 0, {});
}

NumericsAttr NumericsAttr::getRescale(MLIRContext *context, ArrayRef<int64_t> bias, ArrayRef<int32_t> multiplier,
                                      ArrayRef<int32_t> shift, bool scale32, int64_t clampMin, int64_t clampMax) {
  return get(context, clampMin, clampMax, bias, multiplier, shift, scale32, 0, 0, 0, 0, {});
}

NumericsAttr NumericsAttr::withClamp(int64_t clampMin, int64_t clampMax) const {
  return get(getContext(), clampMin, clampMax, getBias(), getMultiplier(), getShift(), getScale32(), getAMultiplier(),
             getAShift(), getBMultiplier(), getBShift(), getTable());
}

NumericsAttr NumericsAttr::slice(int64_t begin, int64_t count) const {
  auto part = [&](auto values) { return values.size() <= 1 ? values : values.slice(begin, count); };
  ArrayRef<int64_t> bias = getBias().empty() ? getBias() : getBias().slice(begin, count);
  return get(getContext(), getClampMin(), getClampMax(), bias, part(getMultiplier()), part(getShift()), getScale32(),
             getAMultiplier(), getAShift(), getBMultiplier(), getBShift(), getTable());
}

LogicalResult NumericsAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t clampMin, int64_t clampMax,
                                   ArrayRef<int64_t> bias, ArrayRef<int32_t> multiplier, ArrayRef<int32_t> shift,
                                   bool scale32, int32_t aMultiplier, int32_t aShift, int32_t bMultiplier,
                                   int32_t bShift, ArrayRef<int16_t> table) {
  if (clampMin > clampMax)
    return emitError() << "clamp is empty: [" << clampMin << ", " << clampMax << "]";
  if (multiplier.size() != shift.size())
    return emitError() << "there must be as many shifts as multipliers, but there are " << shift.size() << " and "
                       << multiplier.size();
  if (multiplier.size() > 1 && !bias.empty() && bias.size() != multiplier.size())
    return emitError() << "bias and multipliers are of different numbers of channels: " << bias.size() << " and "
                       << multiplier.size();
  for (int32_t bits : shift)
    if (bits < 2 || bits > 62)
      return emitError() << "shift must be 2 to 62, but is " << bits;
  for (auto [factor, bits] : {std::pair(aMultiplier, aShift), std::pair(bMultiplier, bShift)})
    if (factor != 0 && (bits < 2 || bits > 62))
      return emitError() << "shift of an operand must be 2 to 62, but is " << bits;
  if (!scale32)
    for (int32_t factor : multiplier)
      if (factor < INT16_MIN || factor > INT16_MAX)
        return emitError() << "a narrow multiplier has 16 bits, but is " << factor;
  if (!table.empty() && table.size() != 256 && table.size() != 513)
    return emitError() << "a table has 256 or 513 entries, but has " << table.size();
  return success();
}

template <typename T>
static ParseResult parseList(AsmParser &parser, SmallVectorImpl<T> &values) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                        [&] { return parser.parseInteger(values.emplace_back()); });
}

Attribute NumericsAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<int64_t> clamp, bias;
  SmallVector<int32_t> multiplier, shift, a, b;
  SmallVector<int16_t> table;
  bool narrow = false;
  SmallVector<StringRef> seen;
  auto parseEntry = [&]() -> ParseResult {
    SMLoc keyLoc = parser.getCurrentLocation();
    StringRef key;
    if (parser.parseKeyword(&key))
      return failure();
    if (llvm::is_contained(seen, key))
      return parser.emitError(keyLoc) << "'" << key << "' is given twice";
    seen.push_back(key);
    if (key == "narrow") {
      narrow = true;
      return success();
    }
    if (parser.parseEqual())
      return failure();
    if (key == "clamp")
      return parseList(parser, clamp);
    if (key == "bias")
      return parseList(parser, bias);
    if (key == "multiplier")
      return parseList(parser, multiplier);
    if (key == "shift")
      return parseList(parser, shift);
    if (key == "a")
      return parseList(parser, a);
    if (key == "b")
      return parseList(parser, b);
    if (key == "table")
      return parseList(parser, table);
    return parser.emitError(keyLoc) << "unknown entry '" << key
                                    << "', expected clamp, bias, multiplier, shift, narrow, a, b or table";
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, parseEntry))
    return {};
  if (clamp.size() != 2) {
    parser.emitError(loc) << "expected clamp = [lowest, highest]";
    return {};
  }
  for (SmallVectorImpl<int32_t> *pair : {&a, &b}) {
    if (!pair->empty() && pair->size() != 2) {
      parser.emitError(loc) << "a and b are [multiplier, shift]";
      return {};
    }
    pair->resize(2, 0);
  }
  return parser.getChecked<NumericsAttr>(loc, parser.getContext(), clamp[0], clamp[1], bias, multiplier, shift, !narrow,
                                         a[0], a[1], b[0], b[1], table);
}

void NumericsAttr::print(AsmPrinter &printer) const {
  auto printList = [&](StringRef key, auto values) {
    if (values.empty())
      return;
    printer << ", " << key << " = [";
    llvm::interleaveComma(values, printer);
    printer << ']';
  };
  printer << "<clamp = [" << getClampMin() << ", " << getClampMax() << ']';
  printList("bias", getBias());
  printList("multiplier", getMultiplier());
  printList("shift", getShift());
  if (!getScale32())
    printer << ", narrow";
  if (getAMultiplier())
    printer << ", a = [" << getAMultiplier() << ", " << getAShift() << ']';
  if (getBMultiplier())
    printer << ", b = [" << getBMultiplier() << ", " << getBShift() << ']';
  printList("table", getTable());
  printer << '>';
}

//===----------------------------------------------------------------------===//
// LoopAttr and MappingAttr
//===----------------------------------------------------------------------===//

LogicalResult LoopAttr::verify(function_ref<InFlightDiagnostic()> emitError, Rank, uint32_t factor, StringAttr level,
                               LoopKind) {
  if (factor == 0)
    return emitError() << "factor of a loop must be positive";
  if (level.getValue().empty())
    return emitError() << "a loop names its level";
  return success();
}

Attribute MappingAttr::parse(AsmParser &parser, Type) {
  SmallVector<LoopAttr> loops;
  auto parseLevel = [&]() -> ParseResult {
    std::string level;
    if (parser.parseString(&level))
      return failure();
    StringAttr levelAttr = StringAttr::get(parser.getContext(), level);
    auto parseLoop = [&]() -> ParseResult {
      SMLoc loc = parser.getCurrentLocation();
      LoopKind kind = LoopKind::Temporal;
      if (succeeded(parser.parseOptionalKeyword("x")))
        kind = LoopKind::SpatialX;
      else if (succeeded(parser.parseOptionalKeyword("y")))
        kind = LoopKind::SpatialY;
      FailureOr<Rank> rank = FieldParser<Rank>::parse(parser);
      uint32_t factor = 0;
      if (failed(rank) || parser.parseEqual() || parser.parseInteger(factor))
        return failure();
      auto loop = parser.getChecked<LoopAttr>(loc, parser.getContext(), *rank, factor, levelAttr, kind);
      if (!loop)
        return failure();
      loops.push_back(loop);
      return success();
    };
    return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseLoop);
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, parseLevel))
    return {};
  return MappingAttr::get(parser.getContext(), loops);
}

void MappingAttr::print(AsmPrinter &printer) const {
  printer << '<';
  StringAttr level;
  for (LoopAttr loop : getLoops()) {
    if (loop.getLevel() != level)
      printer << (level ? "], " : "") << loop.getLevel() << '[';
    else
      printer << ", ";
    level = loop.getLevel();
    if (loop.getKind() != LoopKind::Temporal)
      printer << stringifyLoopKind(loop.getKind()) << ' ';
    printer << stringifyRank(loop.getRank()) << " = " << loop.getFactor();
  }
  printer << (level ? "]>" : ">");
}

//===----------------------------------------------------------------------===//
// OperandAttr
//===----------------------------------------------------------------------===//

LogicalResult OperandAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringAttr buffer,
                                  std::optional<int64_t>, std::optional<int64_t> offset, FlatSymbolRefAttr,
                                  ArrayRef<int64_t> origin, ArrayRef<int64_t> extent) {
  if (buffer.getValue().empty())
    return emitError() << "an operand names its buffer";
  if (offset && *offset < 0)
    return emitError() << "offset of an operand must not be negative";
  if (origin.size() != extent.size())
    return emitError() << "origin has " << origin.size() << " ranks, but extent has " << extent.size();
  if (llvm::any_of(origin, [](int64_t v) { return v < 0; }) || llvm::any_of(extent, [](int64_t v) { return v <= 0; }))
    return emitError() << "origin of a box must not be negative, and its extent must be positive";
  return success();
}

OperandAttr OperandAttr::withOffset(int64_t offset) const {
  return get(getContext(), getBuffer(), getSlot(), offset, getTensor(), getOrigin(), getExtent());
}

int64_t OperandAttr::elements() const {
  int64_t product = 1;
  for (int64_t extent : getExtent())
    product *= extent;
  return product;
}
