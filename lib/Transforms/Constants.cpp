//===- Constants.cpp - Reading and making constant tensors ----------------===//

#include "Constants.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace sparseaccel;

ElementsAttr sparseaccel::constantElements(Value value) {
  Attribute constant;
  if (value && matchPattern(value, m_Constant(&constant)))
    return dyn_cast<ElementsAttr>(constant);
  return {};
}

std::optional<SmallVector<int64_t>> sparseaccel::constantIntegers(Value value) {
  auto dense = dyn_cast_or_null<DenseIntElementsAttr>(constantElements(value));
  if (!dense)
    return std::nullopt;
  SmallVector<int64_t> result;
  result.reserve(dense.getNumElements());
  for (const APInt &element : dense.getValues<APInt>())
    result.push_back(element.getSExtValue());
  return result;
}

std::optional<double> sparseaccel::constantFloatSplat(Value value) {
  auto dense = dyn_cast_or_null<DenseFPElementsAttr>(constantElements(value));
  if (!dense || !dense.isSplat())
    return std::nullopt;
  return dense.getSplatValue<APFloat>().convertToDouble();
}

bool sparseaccel::isConstantZero(Value value) {
  ElementsAttr elements = constantElements(value);
  if (auto floats = dyn_cast_or_null<DenseFPElementsAttr>(elements))
    return llvm::all_of(floats.getValues<APFloat>(), [](const APFloat &element) { return element.isZero(); });
  auto integers = dyn_cast_or_null<DenseIntElementsAttr>(elements);
  return integers && llvm::all_of(integers.getValues<APInt>(), [](const APInt &element) { return element.isZero(); });
}

Value sparseaccel::createResource(OpBuilder &builder, Location loc, RankedTensorType type, ArrayRef<char> bytes,
                                  StringRef name) {
  AsmResourceBlob blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, /*align=*/64);
  auto &manager = DenseResourceElementsHandle::getManagerInterface(builder.getContext());
  auto elements = DenseResourceElementsAttr::get(type, manager.insert(name, std::move(blob)));
  return tosa::ConstOp::create(builder, loc, type, elements);
}
