//===- FloatConstants.cpp - Constants of a float model, in place ----------===//

#include "FloatConstants.h"
#include "FloatKernels.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cstring>

using namespace mlir;

namespace sparseaccel::cpu {

static void store(ElementType element, int64_t value, uint8_t *to) {
  switch (element) {
  case ElementType::I1:
    *to = value != 0;
    return;
  case ElementType::I8:
  case ElementType::I16:
  case ElementType::I32:
  case ElementType::I48:
  case ElementType::I64:
  case ElementType::F32:
    std::memcpy(to, &value, byteSize(element)); // little-endian
    return;
  }
}

FailureOr<const uint8_t *> FloatConstants::bytes(ElementsAttr values, const TensorType &type, Location loc) {
  size_t width = byteSize(type.element), count = static_cast<size_t>(type.elements()), total = count * width;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(values)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return emitError(loc) << "constant '" << resource.getRawHandle().getKey() << "' has no data";
    if (blob->getData().size() != total)
      return emitError(loc) << "constant '" << resource.getRawHandle().getKey() << "' has " << blob->getData().size()
                            << " bytes; expected " << total << " of " << type.str();
    return reinterpret_cast<const uint8_t *>(blob->getData().data());
  }
  auto dense = dyn_cast<DenseElementsAttr>(values);
  if (!dense)
    return emitError(loc) << "a constant must be a dense or a resource attribute";
  bool stored = type.element != ElementType::I1 && type.element != ElementType::I48;
  if (stored && !dense.isSplat())
    return reinterpret_cast<const uint8_t *>(dense.getRawData().data());
  std::vector<uint8_t> &out = expanded.emplace_back(total);
  if (stored) {
    for (size_t i = 0; i < count; ++i)
      std::memcpy(out.data() + i * width, dense.getRawData().data(), width);
    return static_cast<const uint8_t *>(out.data());
  }
  bool truth = type.element == ElementType::I1;
  for (auto [index, value] : llvm::enumerate(dense.getValues<APInt>()))
    store(type.element, truth ? static_cast<int64_t>(value.getZExtValue()) : value.getSExtValue(),
          out.data() + index * width);
  return static_cast<const uint8_t *>(out.data());
}

std::optional<SmallVector<int64_t>> integersOf(Value value) {
  Operation *op = value.getDefiningOp();
  ElementsAttr attribute;
  if (auto constant = dyn_cast_or_null<tosa::ConstOp>(op))
    attribute = constant.getValues();
  else if (auto shape = dyn_cast_or_null<tosa::ConstShapeOp>(op))
    attribute = shape.getValues();
  auto dense = dyn_cast_or_null<DenseIntElementsAttr>(attribute);
  if (!dense)
    return std::nullopt;
  SmallVector<int64_t> integers;
  for (const APInt &element : dense.getValues<APInt>())
    integers.push_back(element.getSExtValue());
  return integers;
}

} // namespace sparseaccel::cpu
