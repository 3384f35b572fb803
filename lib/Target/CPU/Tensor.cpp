//===- Tensor.cpp - Tensors in memory -------------------------------------===//

#include "SparseAccel/Target/CPU/CompiledModule.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;

namespace sparseaccel::cpu {

unsigned byteSize(ElementType type) {
  switch (type) {
  case ElementType::I1:
  case ElementType::I8:
    return 1;
  case ElementType::I16:
    return 2;
  case ElementType::I32:
  case ElementType::F32:
    return 4;
  case ElementType::I48:
  case ElementType::I64:
    return 8;
  }
  llvm_unreachable("unknown element type");
}

llvm::StringRef toString(ElementType type) {
  switch (type) {
  case ElementType::I1:
    return "i1";
  case ElementType::I8:
    return "i8";
  case ElementType::I16:
    return "i16";
  case ElementType::I32:
    return "i32";
  case ElementType::I48:
    return "i48";
  case ElementType::I64:
    return "i64";
  case ElementType::F32:
    return "f32";
  }
  llvm_unreachable("unknown element type");
}

FailureOr<ElementType> elementTypeOf(Type type) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    type = shaped.getElementType();
  if (type.isF32())
    return ElementType::F32;
  if (auto integer = dyn_cast<IntegerType>(type); integer && integer.isSignless())
    switch (integer.getWidth()) {
    case 1:
      return ElementType::I1;
    case 8:
      return ElementType::I8;
    case 16:
      return ElementType::I16;
    case 32:
      return ElementType::I32;
    case 48:
      return ElementType::I48;
    case 64:
      return ElementType::I64;
    default:
      break;
    }
  return failure();
}

int64_t TensorType::elements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

std::string TensorType::str() const {
  std::string text;
  for (int64_t extent : shape)
    text += std::to_string(extent) + "x";
  return text + toString(element).str();
}

Tensor::Tensor(TensorType type) : type(std::move(type)), bytes(this->type.elements() * byteSize(this->type.element)) {}

} // namespace sparseaccel::cpu
