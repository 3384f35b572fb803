//===- NodeContext.cpp - Operands and attributes of one node --------------===//

#include "Importer.h"

#include <limits>

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

NodeContext::NodeContext(Importer &importer, const Node &node)
    : importer(importer), node(node),
      loc(NameLoc::get(importer.builder.getStringAttr(node.name.empty() ? node.op : node.name))) {}

InFlightDiagnostic NodeContext::error() {
  hasFailed = true;
  return importer.nodeError(node);
}

ValueRef NodeContext::anyInput(unsigned index) {
  if (!hasInput(index)) {
    error() << "operand " << index << " is absent";
    return nullptr;
  }
  ValueRef value = importer.lookup(node.inputs[index]);
  if (!value)
    error() << "operand " << index << " ('" << node.inputs[index]
            << "') has no value: the node that defines it gives fewer results";
  return value;
}

ValueRef NodeContext::input(unsigned index) {
  ValueRef value = anyInput(index);
  if (!value)
    return nullptr;
  if (value->codes) {
    error() << "operand " << index << " ('" << node.inputs[index]
            << "') is quantised; expected float32 (a DequantizeLinear before it)";
    return nullptr;
  }
  if (value->constant && !onnx::isFloat(value->constant->type)) {
    error() << "operand " << index << " ('" << node.inputs[index] << "') is of " << dtypeName(value->constant->type)
            << "; expected float32";
    return nullptr;
  }
  if (!importer.checkShape(*this, value->shape))
    return nullptr;
  return value;
}

TensorRef NodeContext::constantInput(unsigned index, StringRef role) {
  ValueRef value = anyInput(index);
  if (!value)
    return nullptr;
  if (!value->constant) {
    error() << "operand " << index << " ('" << node.inputs[index] << "', the " << role
            << ") is computed; expected a constant";
    return nullptr;
  }
  return value->constant;
}

std::optional<std::vector<int64_t>> NodeContext::intsInput(unsigned index, StringRef role) {
  if (!hasInput(index))
    return std::nullopt;
  TensorRef tensor = constantInput(index, role);
  if (!tensor)
    return std::nullopt;
  if (onnx::isFloat(tensor->type) || tensor->shape.size() > 1) {
    error() << "operand " << index << " ('" << node.inputs[index] << "', the " << role << ") is of "
            << dtypeName(tensor->type) << " and shape " << shapeString(tensor->shape)
            << "; expected a list of integers";
    return std::nullopt;
  }
  return tensor->toInts();
}

bool NodeContext::isUsed(unsigned output) const {
  return output < node.outputs.size() && !node.outputs[output].empty() && importer.isUsed(node.outputs[output]);
}

bool NodeContext::expectOperands(unsigned least, unsigned most) {
  size_t given = node.inputs.size();
  if (given >= least && given <= most)
    return true;
  auto diagnostic = error() << "has " << given << " operands; expected " << least;
  if (most == std::numeric_limits<unsigned>::max())
    diagnostic << " or more";
  else if (most != least)
    diagnostic << " to " << most;
  return false;
}

const Attribute *NodeContext::attribute(StringRef name) {
  read.insert(name);
  for (const Attribute &attribute : node.attributes)
    if (attribute.name == name)
      return &attribute;
  return nullptr;
}

static StringRef kindName(Attribute::Kind kind) {
  static constexpr const char *names[] = {"a float", "an integer", "a string", "a tensor",       "a sparse tensor",
                                          "floats",  "integers",   "strings",  "of another kind"};
  return names[kind];
}

/// The attribute when it is there and of the expected kind.
static const Attribute *typed(NodeContext &node, StringRef name, Attribute::Kind kind) {
  const Attribute *attribute = node.attribute(name);
  if (!attribute || attribute->kind == kind)
    return attribute;
  node.error() << "attribute '" << name << "' is " << kindName(attribute->kind) << "; expected " << kindName(kind);
  return nullptr;
}

std::optional<int64_t> NodeContext::optionalIntAttr(StringRef name) {
  const Attribute *attribute = typed(*this, name, Attribute::Int);
  return attribute ? std::optional(attribute->i) : std::nullopt;
}

int64_t NodeContext::intAttr(StringRef name, int64_t otherwise) { return optionalIntAttr(name).value_or(otherwise); }

std::optional<double> NodeContext::optionalFloatAttr(StringRef name) {
  const Attribute *attribute = typed(*this, name, Attribute::Float);
  return attribute ? std::optional(attribute->f) : std::nullopt;
}

double NodeContext::floatAttr(StringRef name, double otherwise) { return optionalFloatAttr(name).value_or(otherwise); }

std::string NodeContext::stringAttr(StringRef name, StringRef otherwise) {
  const Attribute *attribute = typed(*this, name, Attribute::String);
  return attribute ? attribute->s : otherwise.str();
}

std::optional<std::vector<int64_t>> NodeContext::intsAttr(StringRef name) {
  const Attribute *attribute = typed(*this, name, Attribute::Ints);
  return attribute ? std::optional(attribute->ints) : std::nullopt;
}

void NodeContext::expectAllAttributesRead() {
  if (hasFailed)
    return;
  for (const Attribute &attribute : node.attributes)
    if (!read.contains(attribute.name)) {
      error() << "attribute '" << attribute.name << "' is unknown for this operator and opset";
      return;
    }
}

int64_t NodeContext::axis(int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  error() << "axis " << axis << " is out of range; expected " << -rank << " to " << rank - 1 << " for rank " << rank;
  return 0;
}

std::vector<int64_t> NodeContext::axes(ArrayRef<int64_t> given, int64_t rank) {
  std::vector<int64_t> result;
  for (int64_t one : given) {
    int64_t positive = axis(one, rank);
    if (hasFailed)
      return {};
    if (is_contained(result, positive)) {
      error() << "axis " << positive << " is given twice";
      return {};
    }
    result.push_back(positive);
  }
  llvm::sort(result);
  return result;
}

void NodeContext::set(ValueRef value, unsigned output) {
  if (output < node.outputs.size() && !node.outputs[output].empty())
    importer.define(node.outputs[output], std::move(value));
}

} // namespace sparseaccel::onnx
