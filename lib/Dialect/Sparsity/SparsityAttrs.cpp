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
  return Base::get(context, formats::toString(format), order, granule);
}

formats::Format EncodingAttr::getFormat() const {
  // verify() has parsed it once.
  return *formats::parseFormat({getText().data(), getText().size()});
}

EncodingAttr EncodingAttr::withGranule(ArrayRef<int64_t> granule) const {
  return EncodingAttr::get(getContext(), getText(), getOrder(), granule);
}

LogicalResult EncodingAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef text,
                                   ArrayRef<int64_t> order, ArrayRef<int64_t> granule) {
  absl::StatusOr<formats::Format> format = formats::parseFormat({text.data(), text.size()});
  if (!format.ok())
    return emitError() << std::string(format.status().message());
  if (std::string canonical = formats::toString(*format); canonical != text)
    return emitError() << "format '" << text << "' is written '" << canonical << "'";
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
  formats::Format format = getFormat();
  if (!format.hasView() && format.ranks.size() > shape.size())
    return emitError() << "encoding has " << format.ranks.size() << " rank formats, but the tensor has " << shape.size()
                       << " ranks";
  if (format.deltaDimension >= static_cast<int64_t>(shape.size()))
    return emitError() << "differences are along dimension " << int(format.deltaDimension) << ", but the tensor has "
                       << shape.size() << " ranks";
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

/// A rank's name and width as text: all that ranks without quotes may have.
static ParseResult parseRankFormat(AsmParser &parser, SmallVectorImpl<std::string> &ranks) {
  StringRef keyword;
  if (parser.parseKeyword(&keyword))
    return failure();
  ranks.push_back(keyword.str());
  if (failed(parser.parseOptionalColon()))
    return success();
  unsigned bits = 0;
  if (parser.parseInteger(bits))
    return failure();
  ranks.back() = (Twine(keyword) + ":" + Twine(bits)).str();
  return success();
}

static ParseResult parseIntegers(AsmParser &parser, SmallVectorImpl<int64_t> &values) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                        [&] { return parser.parseInteger(values.emplace_back()); });
}

Attribute EncodingAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  std::string text;
  SmallVector<int64_t> order, granule;
  if (parser.parseLess())
    return {};
  StringRef preset;
  if (succeeded(parser.parseOptionalKeyword(&preset))) {
    text = preset.str();
    std::replace(text.begin(), text.end(), '_', '-');
  } else if (failed(parser.parseOptionalString(&text))) {
    SmallVector<std::string> ranks;
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] { return parseRankFormat(parser, ranks); }))
      return {};
    text = ("[" + Twine(llvm::join(ranks, ", ")) + "]").str();
  }
  absl::StatusOr<formats::Format> format = formats::parseFormat(text);
  if (!format.ok()) {
    parser.emitError(loc) << std::string(format.status().message());
    return {};
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
  return parser.getChecked<EncodingAttr>(loc, parser.getContext(), formats::toString(*format), ArrayRef<int64_t>(order),
                                         ArrayRef<int64_t>(granule));
}

void EncodingAttr::print(AsmPrinter &printer) const {
  printer << '<';
  std::string text = getText().str();
  bool ranks = text.front() == '[';
  auto bare = [&](char c) { return llvm::isAlnum(c) || (ranks ? StringRef("[]:, ").contains(c) : c == '-'); };
  // Letters before digits in each rank: 2:4 is no keyword. A word behind a rank stands behind a space without a comma.
  bool quoted = !llvm::all_of(text, bare);
  for (size_t i = 1; i < text.size(); ++i)
    quoted |= ranks && ((llvm::isDigit(text[i]) && (text[i - 1] == '[' || text[i - 1] == ' ')) ||
                        (text[i] == ' ' && text[i - 1] != ','));
  if (quoted) {
    printer << '"' << text << '"';
  } else {
    if (!ranks)
      std::replace(text.begin(), text.end(), '-', '_');
    printer << text;
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

LogicalResult SafAttr::verify(function_ref<InFlightDiagnostic()> emitError, SafAction action, OperandKind,
                              StringAttr level, unsigned conditionOn, DictionaryAttr params) {
  if (level.getValue().empty())
    return emitError() << "a SAF names its level";
  if (action == SafAction::Format) {
    if (conditionOn != 0)
      return emitError() << "a format SAF has no condition";
  } else if (conditionOn == 0 || conditionOn > 3)
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
  if (parser.parseString(&level))
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
  // A format has no condition; everything else needs one.
  if (*action == SafAction::Format) {
    SMLoc conditionLoc = parser.getCurrentLocation();
    if (succeeded(parser.parseOptionalKeyword("if")))
      return parser.emitError(conditionLoc, "a format SAF has no condition"), Attribute();
  } else if (parser.parseKeyword("if") ||
             parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseCondition)) {
    return {};
  }
  DictionaryAttr params;
  if (succeeded(parser.parseOptionalComma()) && parser.parseAttribute(params))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<SafAttr>(loc, parser.getContext(), *action, *target,
                                    StringAttr::get(parser.getContext(), level), conditionOn, params);
}

void SafAttr::print(AsmPrinter &printer) const {
  printer << '<' << stringifySafAction(getAction()) << ' ' << stringifyOperandKind(getTarget()) << " at " << getLevel();
  if (getAction() != SafAction::Format) {
    SmallVector<StringRef, 2> operands;
    for (OperandKind operand : {OperandKind::A, OperandKind::B})
      if (dependsOn(operand))
        operands.push_back(stringifyOperandKind(operand));
    printer << " if [";
    llvm::interleaveComma(operands, printer);
    printer << ']';
  }
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
