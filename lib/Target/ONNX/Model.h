//===- Model.h - An ONNX model as plain structures --------------*- C++ -*-===//
//
// What the importer reads. Only ModelReader.cpp knows protocol buffers. Nothing here has been checked for meaning
// beyond what each field says.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_ONNX_MODEL_H
#define SPARSEACCEL_LIB_TARGET_ONNX_MODEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sparseaccel::onnx {

using Shape = llvm::SmallVector<int64_t, 6>;

enum class DType : uint8_t { F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64, Bool };

llvm::StringRef dtypeName(DType type);
unsigned dtypeBytes(DType type);
bool isFloat(DType type);
/// The type of an ONNX data type code; 4-bit integers are held as 8-bit ones. nullopt for strings, complex numbers and
/// 8-bit floats.
std::optional<DType> dtypeFromOnnx(int32_t code);
/// The ONNX name of a data type code, for messages.
std::string onnxTypeName(int32_t code);

/// Where a constant's values came from, when they were codes of a quantised type.
struct QuantInfo {
  std::vector<float> scale;
  std::vector<int64_t> zeroPoint;
  int64_t axis = -1; ///< -1: one scale for the whole tensor.
};

/// A constant: row-major values in the machine's byte order.
struct HostTensor {
  std::string name;
  DType type = DType::F32;
  Shape shape;
  std::vector<char> bytes;
  std::optional<QuantInfo> quant;

  int64_t size() const;
  double asDouble(int64_t index) const;
  int64_t asInt(int64_t index) const;
  void set(int64_t index, double value);
  void set(int64_t index, int64_t value);
  std::vector<float> toFloats() const;
  std::vector<int64_t> toInts() const;
};
using TensorRef = std::shared_ptr<const HostTensor>;

/// Number of elements, or nullopt when a dimension is negative or the product (in bytes of `elementBytes`) exceeds
/// `maxBytes`.
std::optional<int64_t> elementCount(llvm::ArrayRef<int64_t> shape, uint64_t elementBytes, uint64_t maxBytes);
std::string shapeString(llvm::ArrayRef<int64_t> shape);

/// The dense form of an ONNX SparseTensor of that shape: `values` [nonzeros], and `indices` of int64, [nonzeros] into
/// the row-major elements or [nonzeros][rank]; ascending, in range, none twice. Errors begin with `what`.
llvm::Expected<TensorRef> densify(const HostTensor &values, const HostTensor &indices, llvm::ArrayRef<int64_t> shape,
                                  const llvm::Twine &what, uint64_t maxBytes);

struct Attribute {
  enum Kind : uint8_t { Float, Int, String, Tensor, SparseTensor, Floats, Ints, Strings, Other };
  std::string name;
  Kind kind = Other;
  double f = 0;
  int64_t i = 0;
  std::string s;
  TensorRef tensor; ///< Dense, of either kind.
  std::vector<float> floats;
  std::vector<int64_t> ints;
};

struct Node {
  std::string name; ///< The model's, or the first output's where the model has none.
  std::string op, domain;
  std::vector<std::string> inputs, outputs; ///< An empty name is an absent optional.
  std::vector<Attribute> attributes;
};

struct Dim {
  int64_t value = -1; ///< -1: not given, by whatever means the model says so.
  std::string param;
};

struct ValueInfo {
  std::string name;
  int32_t elementType = 0; ///< ONNX code, 0 when absent.
  bool isTensor = false, hasShape = false;
  std::vector<Dim> dims;
};

struct Model {
  int64_t irVersion = 0;
  int64_t opset = 0;
  std::string graphName;
  std::vector<Node> nodes;
  std::vector<ValueInfo> inputs, outputs; ///< Inputs without those that are initialisers.
  std::map<std::string, TensorRef> initializers;
};

struct ReadLimits {
  uint64_t maxTensorBytes, maxConstantBytes;
};

/// Parses a model. `path` may be empty: then external data is an error.
llvm::Expected<Model> readModel(llvm::ArrayRef<char> bytes, llvm::StringRef path, const ReadLimits &limits);

} // namespace sparseaccel::onnx

#endif // SPARSEACCEL_LIB_TARGET_ONNX_MODEL_H
