//===- FoldElementwise.cpp - Arithmetic, comparisons and choices ----------===//

#include "Fold.h"

#include "llvm/ADT/StringSwitch.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
namespace {

/// Operands of one shape after broadcasting, and for each the element that every element of the result reads.
struct Broadcast {
  Shape shape;
  SmallVector<std::vector<int64_t>, 3> from;
};

/// Extents of 0 are allowed, as nothing but the result's memory comes of them.
std::optional<Broadcast> broadcast(NodeContext &node, ArrayRef<TensorRef> operands) {
  Broadcast result;
  for (const TensorRef &tensor : operands)
    if (tensor->shape.size() > result.shape.size())
      result.shape.insert(result.shape.begin(), tensor->shape.size() - result.shape.size(), 1);
  for (const TensorRef &tensor : operands)
    for (auto [extent, own] : zip(MutableArrayRef(result.shape).take_back(tensor->shape.size()), tensor->shape))
      if (own != 1 && extent != 1 && own != extent) {
        const TensorRef &other = tensor == operands.front() ? operands.back() : operands.front();
        node.error() << "operands have shapes " << shapeString(other->shape) << " and " << shapeString(tensor->shape)
                     << "; expected shapes that broadcast";
        return std::nullopt;
      } else if (own != 1) {
        extent = own;
      }
  auto count = elementCount(result.shape, sizeof(int64_t), node.importer.options.maxTensorBytes);
  if (!count) {
    node.error() << "makes a constant of shape " << shapeString(result.shape) << "; expected fewer elements";
    return std::nullopt;
  }
  for (const TensorRef &tensor : operands) {
    auto &from = result.from.emplace_back(*count);
    forEach(result.shape, 0, *repeatedSteps(tensor->shape, result.shape),
            [&](int64_t to, int64_t element) { from[to] = element; });
  }
  return result;
}

/// All operands of a node; empty, and reported, where one is absent or the types differ.
SmallVector<TensorRef> sameTypeOperands(NodeContext &node, unsigned first = 0) {
  SmallVector<TensorRef> operands;
  for (unsigned i = first; i < node.node.inputs.size(); ++i) {
    TensorRef operand = node.constantInput(i, "operand");
    if (!operand)
      return {};
    if (!operands.empty() && operand->type != operands.front()->type) {
      node.error() << "operands are of " << dtypeName(operands.front()->type) << " and " << dtypeName(operand->type)
                   << "; expected one type";
      return {};
    }
    operands.push_back(std::move(operand));
  }
  return operands;
}

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

bool isSigned(DType type) { return is_contained({DType::I8, DType::I16, DType::I32, DType::I64}, type); }

enum class Binary {
  Add,
  Sub,
  Mul,
  Div,
  Mod,
  Pow,
  Min,
  Max,
  Equal,
  Greater,
  GreaterOrEqual,
  Less,
  LessOrEqual,
  And,
  Or,
  Xor,
  BitwiseAnd,
  BitwiseOr,
  BitwiseXor,
  ShiftLeft,
  ShiftRight,
  Unknown
};

Binary binaryOf(StringRef op) {
  return llvm::StringSwitch<Binary>(op)
      .Cases({"Add", "Sum"}, Binary::Add)
      .Case("Sub", Binary::Sub)
      .Case("Mul", Binary::Mul)
      .Case("Div", Binary::Div)
      .Case("Mod", Binary::Mod)
      .Case("Pow", Binary::Pow)
      .Case("Min", Binary::Min)
      .Case("Max", Binary::Max)
      .Case("Equal", Binary::Equal)
      .Case("Greater", Binary::Greater)
      .Case("GreaterOrEqual", Binary::GreaterOrEqual)
      .Case("Less", Binary::Less)
      .Case("LessOrEqual", Binary::LessOrEqual)
      .Case("And", Binary::And)
      .Case("Or", Binary::Or)
      .Case("Xor", Binary::Xor)
      .Case("BitwiseAnd", Binary::BitwiseAnd)
      .Case("BitwiseOr", Binary::BitwiseOr)
      .Case("BitwiseXor", Binary::BitwiseXor)
      .Default(Binary::Unknown);
}

bool compares(Binary op) { return op >= Binary::Equal && op <= Binary::LessOrEqual; }
bool joinsTruths(Binary op) { return op >= Binary::And && op <= Binary::Xor; }
bool joinsBits(Binary op) { return op >= Binary::BitwiseAnd && op <= Binary::ShiftRight; }

double realResult(Binary op, double x, double y) {
  switch (op) {
  case Binary::Add:
    return x + y;
  case Binary::Sub:
    return x - y;
  case Binary::Mul:
    return x * y;
  case Binary::Div:
    return x / y;
  case Binary::Mod:
    return std::fmod(x, y);
  case Binary::Pow:
    return std::pow(x, y);
  case Binary::Min: // not a number, where one operand is none
    return std::isnan(x) || x < y ? x : y;
  case Binary::Max:
    return std::isnan(x) || x > y ? x : y;
  case Binary::Equal:
    return x == y;
  case Binary::Greater:
    return x > y;
  case Binary::GreaterOrEqual:
    return x >= y;
  case Binary::Less:
    return x < y;
  case Binary::LessOrEqual:
    return x <= y;
  default:
    return std::numeric_limits<double>::quiet_NaN();
  }
}

/// base^exponent; nullopt where no 64-bit integer holds it.
std::optional<Wide> integerPower(Wide base, Wide exponent) {
  if (exponent < 0) // a reciprocal, rounded towards zero
    return base == 0 ? std::nullopt : std::optional<Wide>(base == 1 || base == -1 ? (exponent % 2 ? base : 1) : 0);
  Wide result = 1;
  constexpr Wide most = std::numeric_limits<int64_t>::max();
  for (; exponent > 0 && base != 0 && result != 0; --exponent) {
    if (base == 1 || base == -1)
      return exponent % 2 ? result * base : result;
    result *= base;
    if (result > most || result < -most - 1)
      return std::nullopt;
  }
  return exponent > 0 ? 0 : result;
}

/// nullopt for a division or power that has no result. `cFmod`: a remainder has the dividend's sign, else the
/// divisor's.
std::optional<Wide> integerResult(Binary op, Wide a, Wide b, bool cFmod, unsigned bits) {
  switch (op) {
  case Binary::Add:
    return a + b;
  case Binary::Sub:
    return a - b;
  case Binary::Mul: // wraps
    return static_cast<Wide>(static_cast<UnsignedWide>(a) * static_cast<UnsignedWide>(b));
  case Binary::Div:
    return b == 0 ? std::nullopt : std::optional<Wide>(a / b);
  case Binary::Mod: {
    if (b == 0)
      return std::nullopt;
    Wide rest = a % b;
    return !cFmod && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  case Binary::Pow:
    return integerPower(a, b);
  case Binary::Min:
    return std::min(a, b);
  case Binary::Max:
    return std::max(a, b);
  case Binary::Equal:
    return a == b;
  case Binary::Greater:
    return a > b;
  case Binary::GreaterOrEqual:
    return a >= b;
  case Binary::Less:
    return a < b;
  case Binary::LessOrEqual:
    return a <= b;
  case Binary::And:
    return a && b;
  case Binary::Or:
    return a || b;
  case Binary::Xor:
    return (a != 0) != (b != 0);
  case Binary::BitwiseAnd:
    return a & b;
  case Binary::BitwiseOr:
    return a | b;
  case Binary::BitwiseXor:
    return a ^ b;
  case Binary::ShiftLeft:
    return b >= bits ? 0 : a << static_cast<unsigned>(b);
  case Binary::ShiftRight:
    return b >= bits ? 0 : a >> static_cast<unsigned>(b);
  case Binary::Unknown:
    break;
  }
  return std::nullopt;
}

LogicalResult fold(NodeContext &node, Binary op, const TensorRef &a, const TensorRef &b, bool cFmod,
                   TensorRef &result) {
  auto elements = broadcast(node, {a, b});
  if (!elements)
    return failure();
  bool real = isFloat(a->type) || isFloat(b->type), truths = compares(op) || joinsTruths(op);
  auto made = node.importer.newConstant(node, truths ? DType::Bool : a->type, elements->shape);
  if (!made)
    return failure();
  unsigned bits = 8 * dtypeBytes(a->type);
  for (auto [to, from, other] : enumerate(elements->from[0], elements->from[1])) {
    auto index = static_cast<int64_t>(to);
    if (real) {
      made->set(index, realResult(op, asReal(*a, from), asReal(*b, other)));
      continue;
    }
    auto value = integerResult(op, asWide(*a, from), asWide(*b, other), cFmod, bits);
    if (!value)
      return node.error() << (op == Binary::Pow ? "makes a power that no integer holds" : "divides an integer by zero"),
             failure();
    setWide(*made, index, *value);
  }
  result = std::move(made);
  return success();
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

using RealFunction = double (*)(double);

/// Functions of a float that have no other meaning for integers.
RealFunction realFunction(StringRef op) {
  return llvm::StringSwitch<RealFunction>(op)
      .Case("Acos", [](double x) { return std::acos(x); })
      .Case("Acosh", [](double x) { return std::acosh(x); })
      .Case("Asin", [](double x) { return std::asin(x); })
      .Case("Asinh", [](double x) { return std::asinh(x); })
      .Case("Atan", [](double x) { return std::atan(x); })
      .Case("Atanh", [](double x) { return std::atanh(x); })
      .Case("Ceil", [](double x) { return std::ceil(x); })
      .Case("Cos", [](double x) { return std::cos(x); })
      .Case("Cosh", [](double x) { return std::cosh(x); })
      .Case("Erf", [](double x) { return std::erf(x); })
      .Case("Exp", [](double x) { return std::exp(x); })
      .Case("Floor", [](double x) { return std::floor(x); })
      .Case("IsInf", [](double x) { return static_cast<double>(std::isinf(x)); })
      .Case("IsNaN", [](double x) { return static_cast<double>(std::isnan(x)); })
      .Case("Log", [](double x) { return std::log(x); })
      .Case("Reciprocal", [](double x) { return 1 / x; })
      .Case("Round", [](double x) { return std::nearbyint(x); }) // halves to even
      .Case("Sin", [](double x) { return std::sin(x); })
      .Case("Sinh", [](double x) { return std::sinh(x); })
      .Case("Sqrt", [](double x) { return std::sqrt(x); })
      .Case("Tan", [](double x) { return std::tan(x); })
      .Case("Tanh", [](double x) { return std::tanh(x); })
      .Default(nullptr);
}

double realUnary(StringRef op, double x) {
  if (op == "Neg")
    return -x;
  if (op == "Abs")
    return std::abs(x);
  if (op == "Relu")
    return std::isnan(x) || x > 0 ? x : 0;
  return x > 0 ? 1 : x < 0 ? -1 : x; // Sign
}

Wide integerUnary(StringRef op, Wide x) {
  if (op == "Neg")
    return -x;
  if (op == "Abs")
    return x < 0 ? -x : x;
  if (op == "Relu")
    return x < 0 ? 0 : x;
  if (op == "Sign")
    return x > 0 ? 1 : x < 0 ? -1 : 0;
  return op == "Not" ? Wide(x == 0) : ~x; // BitwiseNot
}

} // namespace

LogicalResult foldBinary(NodeContext &node) {
  if (!node.expectOperands(2, 2))
    return failure();
  StringRef name = node.node.op;
  Binary op = binaryOf(name);
  TensorRef a = node.constantInput(0, "operand"), b = node.constantInput(1, "operand");
  bool cFmod = name == "Mod" && node.intAttr("fmod", 0) != 0;
  std::string direction = name == "BitShift" ? node.stringAttr("direction", "") : "";
  if (node.failed())
    return failure();
  if (name == "BitShift") {
    if (direction != "LEFT" && direction != "RIGHT")
      return node.error() << "attribute 'direction' is '" << direction << "'; expected 'LEFT' or 'RIGHT'", failure();
    op = direction == "LEFT" ? Binary::ShiftLeft : Binary::ShiftRight;
  }
  if (a->type != b->type && op != Binary::Pow)
    return node.error() << "operands are of " << dtypeName(a->type) << " and " << dtypeName(b->type)
                        << "; expected one type",
           failure();
  if (joinsTruths(op) && a->type != DType::Bool)
    return node.error() << "operands are of " << dtypeName(a->type) << "; expected bool", failure();
  if (joinsBits(op) && (isFloat(a->type) || a->type == DType::Bool))
    return node.error() << "operands are of " << dtypeName(a->type) << "; expected integers", failure();
  if (name == "BitShift" && isSigned(a->type))
    return node.error() << "operands are of " << dtypeName(a->type) << "; expected unsigned integers", failure();
  if (op == Binary::Mod && isFloat(a->type) && !cFmod)
    return node.error() << "attribute 'fmod' is 0 for operands of " << dtypeName(a->type) << "; expected 1", failure();
  TensorRef result;
  return failed(fold(node, op, a, b, cFmod, result)) ? failure() : setConstant(node, result);
}

LogicalResult foldVariadic(NodeContext &node) {
  if (!node.expectOperands(1, std::numeric_limits<unsigned>::max()))
    return failure();
  auto operands = sameTypeOperands(node);
  if (operands.empty())
    return failure();
  StringRef name = node.node.op;
  Binary op = name == "Mean" ? Binary::Add : binaryOf(name);
  if (op == Binary::Add && !isFloat(operands.front()->type))
    return node.error() << "operands are of " << dtypeName(operands.front()->type) << "; expected floats", failure();
  TensorRef result = operands.front();
  for (const TensorRef &operand : drop_begin(operands))
    if (failed(fold(node, op, result, operand, false, result)))
      return failure();
  if (name == "Mean" && operands.size() > 1) {
    auto mean = std::make_shared<HostTensor>(*result);
    for (int64_t i = 0; i < mean->size(); ++i)
      mean->set(i, mean->asDouble(i) / static_cast<double>(operands.size()));
    result = std::move(mean);
  }
  return setConstant(node, result);
}

LogicalResult foldUnary(NodeContext &node) {
  if (!node.expectOperands(1, 1))
    return failure();
  TensorRef x = node.constantInput(0, "operand");
  StringRef op = node.node.op;
  bool above = true, below = true;
  if (op == "IsInf") {
    above = node.intAttr("detect_positive", 1) != 0;
    below = node.intAttr("detect_negative", 1) != 0;
  }
  if (node.failed())
    return failure();
  RealFunction function = realFunction(op);
  bool real = isFloat(x->type), bits = op == "BitwiseNot", truths = op == "Not";
  if (function && !real)
    return node.error() << "operand 0 is of " << dtypeName(x->type) << "; expected floats", failure();
  if ((bits && (real || x->type == DType::Bool)) || (truths && x->type != DType::Bool))
    return node.error() << "operand 0 is of " << dtypeName(x->type) << "; expected " << (bits ? "integers" : "bool"),
           failure();
  auto result = node.importer.newConstant(node, op.starts_with("Is") ? DType::Bool : x->type, x->shape);
  if (!result)
    return failure();
  for (int64_t i = 0; i < x->size(); ++i) {
    if (!real) {
      setWide(*result, i, integerUnary(op, asWide(*x, i)));
      continue;
    }
    double value = x->asDouble(i);
    if (op == "IsInf" && !(value > 0 ? above : below))
      value = 0;
    result->set(i, function ? function(value) : realUnary(op, value));
  }
  return setConstant(node, result);
}

LogicalResult foldClip(NodeContext &node) {
  if (!node.expectOperands(1, 3))
    return failure();
  TensorRef result = node.constantInput(0, "operand");
  for (unsigned i : {1U, 2U}) {
    if (node.failed())
      return failure();
    if (!node.hasInput(i))
      continue;
    TensorRef bound = node.constantInput(i, "bound");
    if (!bound)
      return failure();
    if (bound->type != result->type || bound->size() != 1)
      return node.error() << "operand " << i << " is of " << dtypeName(bound->type) << " and shape "
                          << shapeString(bound->shape) << "; expected one " << dtypeName(result->type),
             failure();
    if (failed(fold(node, i == 1 ? Binary::Max : Binary::Min, result, bound, false, result)))
      return failure();
  }
  return setConstant(node, result);
}

LogicalResult foldWhere(NodeContext &node) {
  if (!node.expectOperands(3, 3))
    return failure();
  TensorRef condition = node.constantInput(0, "condition");
  auto sides = sameTypeOperands(node, 1);
  if (node.failed())
    return failure();
  auto elements = broadcast(node, {sides[0], sides[1], condition});
  auto result = elements ? node.importer.newConstant(node, sides[0]->type, elements->shape) : nullptr;
  if (!result)
    return failure();
  for (int64_t i = 0; i < result->size(); ++i) {
    size_t side = condition->asInt(elements->from[2][i]) != 0 ? 0 : 1;
    copyElement(*result, i, *sides[side], elements->from[side][i]);
  }
  return setConstant(node, result);
}

} // namespace sparseaccel::onnx
