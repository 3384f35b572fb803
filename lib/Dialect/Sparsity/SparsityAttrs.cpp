//===- SparsityAttrs.cpp - #sparsity.encoding and #sparsity.saf -----------===//

#include "SparseAccel/Dialect/Sparsity/Sparsity.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::sparsity;

#include "SparseAccel/Dialect/Sparsity/SparsityDialect.cpp.inc"
#include "SparseAccel/Dialect/Sparsity/SparsityEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "SparseAccel/Dialect/Sparsity/SparsityAttrs.cpp.inc"

void SparsityDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "SparseAccel/Dialect/Sparsity/SparsityAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "SparseAccel/Dialect/Sparsity/SparsityOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// EncodingAttr
//===----------------------------------------------------------------------===//

EncodingAttr EncodingAttr::get(MLIRContext *context, const formats::Format &format, ArrayRef<int64_t> granule,
                               ArrayRef<int64_t> order) {
  return Base::get(context, ArrayRef<formats::RankFormat>(format.ranks), format.packing, order, granule);
}

formats::Format EncodingAttr::getFormat() const {
  formats::Format format;
  format.ranks.assign(getRanks().begin(), getRanks().end());
  format.packing = getPacking();
  return format;
}

EncodingAttr EncodingAttr::withGranule(ArrayRef<int64_t> granule) const {
  return EncodingAttr::get(getContext(), getRanks(), getPacking(), getOrder(), granule);
}

LogicalResult EncodingAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<formats::RankFormat> ranks,
                                   formats::Packing packing, ArrayRef<int64_t> order, ArrayRef<int64_t> granule) {
  if (packing != formats::Packing::Streams && !ranks.empty())
    return emitError() << "a packing of its own takes no rank formats";
  for (const formats::RankFormat &rank : ranks) {
    if (rank.bits > 32)
      return emitError() << "width of a rank format must be at most 32 bits, but is " << unsigned(rank.bits);
    if (rank.bits && (rank.kind == formats::RankKind::U || rank.kind == formats::RankKind::B))
      return emitError() << "rank formats U and B have no width";
  }
  SmallVector<bool> seen(order.size(), false);
  for (int64_t rank : order) {
    if (rank < 0 || rank >= static_cast<int64_t>(order.size()) || seen[rank])
      return emitError() << "order must be a permutation of 0 to " << order.size() - 1;
    seen[rank] = true;
  }
  if (llvm::any_of(granule, [](int64_t extent) { return extent <= 0; }))
    return emitError() << "extents of a granule must be positive";
  if (!order.empty() && !granule.empty() && order.size() != granule.size())
    return emitError() << "order names " << order.size() << " ranks, but the granule has " << granule.size();
  return success();
}

LogicalResult EncodingAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                                           function_ref<InFlightDiagnostic()> emitError) const {
  if (!elementType.isSignlessInteger(8) && !elementType.isSignlessInteger(16))
    return emitError() << "an encoded tensor has elements of 8 or 16-bit integers, not " << elementType;
  if (llvm::any_of(shape, ShapedType::isDynamic))
    return emitError() << "an encoded tensor has a static shape";
  if (getRanks().size() > shape.size())
    return emitError() << "encoding has " << getRanks().size() << " rank formats, but the tensor has " << shape.size()
                       << " ranks";
  if (!getOrder().empty() && getOrder().size() != shape.size())
    return emitError() << "order names " << getOrder().size() << " ranks, but the tensor has " << shape.size();
  if (!getGranule().empty() && getGranule().size() != shape.size())
    return emitError() << "granule has " << getGranule().size() << " ranks, but the tensor has " << shape.size();
  for (auto [rank, extents] : llvm::enumerate(llvm::zip(getGranule(), shape)))
    if (std::get<0>(extents) > std::get<1>(extents))
      return emitError() << "granule is longer than the tensor in rank " << rank << ": " << std::get<0>(extents)
                         << " against " << std::get<1>(extents);
  return success();
}

static std::optional<formats::RankKind> symbolizeRankKind(StringRef text) {
  return llvm::StringSwitch<std::optional<formats::RankKind>>(text)
      .Case("U", formats::RankKind::U)
      .Case("B", formats::RankKind::B)
      .Case("CP", formats::RankKind::CP)
      .Case("RLE", formats::RankKind::RLE)
      .Case("UOP", formats::RankKind::UOP)
      .Default(std::nullopt);
}

static StringRef stringifyRankKind(formats::RankKind kind) {
  switch (kind) {
  case formats::RankKind::U:
    return "U";
  case formats::RankKind::B:
    return "B";
  case formats::RankKind::CP:
    return "CP";
  case formats::RankKind::RLE:
    return "RLE";
  case formats::RankKind::UOP:
    return "UOP";
  }
  llvm_unreachable("unknown rank format");
}

static ParseResult parseRankFormat(AsmParser &parser, SmallVectorImpl<formats::RankFormat> &ranks) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<formats::RankKind> kind = symbolizeRankKind(keyword);
  if (!kind)
    return parser.emitError(loc) << "unknown rank format '" << keyword << "', expected U, B, CP, RLE or UOP";
  unsigned bits = 0;
  if (succeeded(parser.parseOptionalColon())) {
    if (parser.parseInteger(bits))
      return failure();
    if (bits == 0 || bits > 32)
      return parser.emitError(loc) << "width of a rank format must be 1 to 32 bits, but is " << bits;
  }
  formats::RankFormat rank;
  rank.kind = *kind;
  rank.bits = static_cast<uint8_t>(bits);
  ranks.push_back(rank);
  return success();
}

static ParseResult parseIntegers(AsmParser &parser, SmallVectorImpl<int64_t> &values) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                        [&] { return parser.parseInteger(values.emplace_back()); });
}

Attribute EncodingAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  formats::Format format;
  SmallVector<int64_t> order, granule;
  if (parser.parseLess())
    return {};
  StringRef preset;
  if (succeeded(parser.parseOptionalKeyword(&preset))) {
    std::string name = preset.str();
    std::replace(name.begin(), name.end(), '_', '-');
    absl::StatusOr<formats::Format> parsed = formats::parseFormat(name);
    if (!parsed.ok()) {
      parser.emitError(loc) << std::string(parsed.status().message());
      return {};
    }
    format = *parsed;
  } else {
    SmallVector<formats::RankFormat> ranks;
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] { return parseRankFormat(parser, ranks); }))
      return {};
    format.ranks.assign(ranks.begin(), ranks.end());
  }
  while (succeeded(parser.parseOptionalComma())) {
    SMLoc keyLoc = parser.getCurrentLocation();
    StringRef key;
    if (parser.parseKeyword(&key))
      return {};
    SmallVectorImpl<int64_t> *list = key == "order" ? &order : key == "granule" ? &granule : nullptr;
    if (!list || !list->empty()) {
      parser.emitError(keyLoc) << "expected 'order' or 'granule', each at most once";
      return {};
    }
    if (parser.parseEqual() || parseIntegers(parser, *list))
      return {};
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<EncodingAttr>(loc, parser.getContext(), ArrayRef<formats::RankFormat>(format.ranks),
                                         format.packing, ArrayRef<int64_t>(order), ArrayRef<int64_t>(granule));
}

void EncodingAttr::print(AsmPrinter &printer) const {
  printer << '<';
  std::string name = formats::toString(getFormat());
  if (name.empty() || name.front() == '[') {
    printer << '[';
    llvm::interleaveComma(getRanks(), printer, [&](const formats::RankFormat &rank) {
      printer << stringifyRankKind(rank.kind);
      if (rank.bits)
        printer << ':' << unsigned(rank.bits);
    });
    printer << ']';
  } else {
    std::replace(name.begin(), name.end(), '-', '_');
    printer << name;
  }
  auto printList = [&](StringRef key, ArrayRef<int64_t> values) {
    if (values.empty())
      return;
    printer << ", " << key << " = [";
    llvm::interleaveComma(values, printer);
    printer << ']';
  };
  printList("order", getOrder());
  printList("granule", getGranule());
  printer << '>';
}

//===----------------------------------------------------------------------===//
// SafAttr
//===----------------------------------------------------------------------===//

LogicalResult SafAttr::verify(function_ref<InFlightDiagnostic()> emitError, SafAction, OperandKind, StringAttr level,
                              unsigned conditionOn, DictionaryAttr params) {
  if (level.getValue().empty())
    return emitError() << "a SAF names its level";
  if (conditionOn == 0 || conditionOn > 3)
    return emitError() << "the condition of a SAF names A, B or both";
  if (params)
    for (NamedAttribute param : params)
      if (!isa<IntegerAttr>(param.getValue()))
        return emitError() << "parameter '" << param.getName().getValue() << "' of a SAF must be an integer";
  return success();
}

Attribute SafAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess())
    return {};
  FailureOr<SafAction> action = FieldParser<SafAction>::parse(parser);
  if (failed(action))
    return {};
  FailureOr<OperandKind> target = FieldParser<OperandKind>::parse(parser);
  if (failed(target) || parser.parseKeyword("at"))
    return {};
  std::string level;
  if (parser.parseString(&level) || parser.parseKeyword("if"))
    return {};
  unsigned conditionOn = 0;
  auto parseCondition = [&]() -> ParseResult {
    SMLoc operandLoc = parser.getCurrentLocation();
    FailureOr<OperandKind> operand = FieldParser<OperandKind>::parse(parser);
    if (failed(operand))
      return failure();
    if (*operand == OperandKind::O)
      return parser.emitError(operandLoc, "the condition of a SAF names A, B or both");
    conditionOn |= 1u << static_cast<unsigned>(*operand);
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseCondition))
    return {};
  DictionaryAttr params;
  if (succeeded(parser.parseOptionalComma()) && parser.parseAttribute(params))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<SafAttr>(loc, parser.getContext(), *action, *target,
                                    StringAttr::get(parser.getContext(), level), conditionOn, params);
}

void SafAttr::print(AsmPrinter &printer) const {
  printer << '<' << stringifySafAction(getAction()) << ' ' << stringifyOperandKind(getTarget()) << " at " << getLevel()
          << " if [";
  SmallVector<StringRef, 2> operands;
  for (OperandKind operand : {OperandKind::A, OperandKind::B})
    if (dependsOn(operand))
      operands.push_back(stringifyOperandKind(operand));
  llvm::interleaveComma(operands, printer);
  printer << ']';
  if (getParams())
    printer << ", " << getParams();
  printer << '>';
}

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

EncodingAttr sparsity::getEncoding(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? dyn_cast_or_null<EncodingAttr>(tensor.getEncoding()) : EncodingAttr();
}

formats::Format sparsity::getFormat(Type type) {
  EncodingAttr encoding = getEncoding(type);
  return encoding ? encoding.getFormat() : formats::Format();
}

RankedTensorType sparsity::withEncoding(Type type, Attribute encoding) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(), tensor.getElementType(), encoding);
}
