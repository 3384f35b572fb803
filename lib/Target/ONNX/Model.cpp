//===- Model.cpp - Constants of an ONNX model -----------------------------===//

#include "Model.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/ErrorHandling.h"

#include <bit>
#include <cmath>
#include <cstring>

using namespace llvm;

namespace sparseaccel::onnx {

StringRef dtypeName(DType type) {
  static constexpr const char *names[] = {"float32", "float64", "float16", "bfloat16", "int8",   "int16", "int32",
                                          "int64",   "uint8",   "uint16",  "uint32",   "uint64", "bool"};
  return names[static_cast<unsigned>(type)];
}

unsigned dtypeBytes(DType type) {
  static constexpr uint8_t bytes[] = {4, 8, 2, 2, 1, 2, 4, 8, 1, 2, 4, 8, 1};
  return bytes[static_cast<unsigned>(type)];
}

bool isFloat(DType type) { return type <= DType::BF16; }

std::optional<DType> dtypeFromOnnx(int32_t code) {
  switch (code) {
  case 1:
    return DType::F32;
  case 2:
    return DType::U8;
  case 3:
    return DType::I8;
  case 4:
    return DType::U16;
  case 5:
    return DType::I16;
  case 6:
    return DType::I32;
  case 7:
    return DType::I64;
  case 9:
    return DType::Bool;
  case 10:
    return DType::F16;
  case 11:
    return DType::F64;
  case 12:
    return DType::U32;
  case 13:
    return DType::U64;
  case 16:
    return DType::BF16;
  case 21:
    return DType::U8; // uint4
  case 22:
    return DType::I8; // int4
  default:
    return std::nullopt;
  }
}

std::string onnxTypeName(int32_t code) {
  static constexpr const char *names[] = {"undefined",      "float32",  "uint8",        "int8",           "uint16",
                                          "int16",          "int32",    "int64",        "string",         "bool",
                                          "float16",        "float64",  "uint32",       "uint64",         "complex64",
                                          "complex128",     "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
                                          "float8e5m2fnuz", "uint4",    "int4"};
  if (code >= 0 && code < static_cast<int32_t>(std::size(names)))
    return names[code];
  return "type code " + std::to_string(code);
}

std::optional<int64_t> elementCount(ArrayRef<int64_t> shape, uint64_t elementBytes, uint64_t maxBytes) {
  uint64_t count = 1, limit = maxBytes / elementBytes;
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent < 0)
      return std::nullopt;
    if (extent == 0) {
      empty = true;
      continue;
    }
    if (static_cast<uint64_t>(extent) > limit / count)
      return std::nullopt;
    count *= extent;
  }
  return empty ? 0 : static_cast<int64_t>(count);
}

std::string shapeString(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (size_t d = 0; d < shape.size(); ++d)
    text += (d ? ", " : "") + std::to_string(shape[d]);
  return text + "]";
}

int64_t HostTensor::size() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

template <typename T>
static T load(const std::vector<char> &bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
static void store(std::vector<char> &bytes, int64_t index, T value) {
  std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
}

/// The value, clamped into T; not-a-number becomes 0.
template <typename T>
static T saturate(double value) {
  if (std::isnan(value))
    return 0;
  if (value <= static_cast<double>(std::numeric_limits<T>::min()))
    return std::numeric_limits<T>::min();
  if (value >= static_cast<double>(std::numeric_limits<T>::max()))
    return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

static double fromHalf(uint16_t bits) { return APFloat(APFloat::IEEEhalf(), APInt(16, bits)).convertToFloat(); }

static uint16_t toNarrow(double value, const fltSemantics &semantics) {
  APFloat narrow(value);
  bool losesInfo;
  narrow.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return static_cast<uint16_t>(narrow.bitcastToAPInt().getZExtValue());
}

double HostTensor::asDouble(int64_t index) const {
  switch (type) {
  case DType::F32:
    return load<float>(bytes, index);
  case DType::F64:
    return load<double>(bytes, index);
  case DType::F16:
    return fromHalf(load<uint16_t>(bytes, index));
  case DType::BF16:
    return std::bit_cast<float>(uint32_t(load<uint16_t>(bytes, index)) << 16);
  case DType::U64:
    return static_cast<double>(load<uint64_t>(bytes, index));
  default:
    return static_cast<double>(asInt(index));
  }
}

int64_t HostTensor::asInt(int64_t index) const {
  switch (type) {
  case DType::I8:
    return load<int8_t>(bytes, index);
  case DType::I16:
    return load<int16_t>(bytes, index);
  case DType::I32:
    return load<int32_t>(bytes, index);
  case DType::I64:
    return load<int64_t>(bytes, index);
  case DType::U8:
    return load<uint8_t>(bytes, index);
  case DType::U16:
    return load<uint16_t>(bytes, index);
  case DType::U32:
    return load<uint32_t>(bytes, index);
  case DType::U64:
    return static_cast<int64_t>(load<uint64_t>(bytes, index));
  case DType::Bool:
    return load<uint8_t>(bytes, index) != 0;
  default:
    return saturate<int64_t>(asDouble(index));
  }
}

void HostTensor::set(int64_t index, double value) {
  switch (type) {
  case DType::F32:
    return store(bytes, index, static_cast<float>(value));
  case DType::F64:
    return store(bytes, index, value);
  case DType::F16:
    return store(bytes, index, toNarrow(value, APFloat::IEEEhalf()));
  case DType::BF16:
    return store(bytes, index, toNarrow(value, APFloat::BFloat()));
  case DType::Bool:
    return store<uint8_t>(bytes, index, value != 0);
  case DType::U64:
    return store(bytes, index, saturate<uint64_t>(value));
  default:
    return set(index, saturate<int64_t>(value));
  }
}

void HostTensor::set(int64_t index, int64_t value) {
  switch (type) {
  case DType::I8:
    return store(bytes, index, static_cast<int8_t>(value));
  case DType::I16:
    return store(bytes, index, static_cast<int16_t>(value));
  case DType::I32:
    return store(bytes, index, static_cast<int32_t>(value));
  case DType::I64:
    return store(bytes, index, value);
  case DType::U8:
    return store(bytes, index, static_cast<uint8_t>(value));
  case DType::U16:
    return store(bytes, index, static_cast<uint16_t>(value));
  case DType::U32:
    return store(bytes, index, static_cast<uint32_t>(value));
  case DType::U64:
    return store(bytes, index, static_cast<uint64_t>(value));
  case DType::Bool:
    return store<uint8_t>(bytes, index, value != 0);
  default:
    return set(index, static_cast<double>(value));
  }
}

std::vector<float> HostTensor::toFloats() const {
  std::vector<float> values(size());
  if (type == DType::F32 && !values.empty()) {
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
  }
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(asDouble(i));
  return values;
}

std::vector<int64_t> HostTensor::toInts() const {
  std::vector<int64_t> values(size());
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = asInt(i);
  return values;
}

} // namespace sparseaccel::onnx
