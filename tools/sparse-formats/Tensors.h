//===- Tensors.h - Tensors of integers from files ---------------*- C++ -*-===//

#ifndef SPARSEACCEL_TOOLS_SPARSE_FORMATS_TENSORS_H
#define SPARSEACCEL_TOOLS_SPARSE_FORMATS_TENSORS_H

#include "SparseAccel/Target/Formats/Format.h"

#include <optional>
#include <string>
#include <vector>

namespace sparseaccel::sizes {

/// A tensor as the formats take it: integers of one or two bytes, row-major.
struct Tensor {
  std::string name;
  std::vector<uint32_t> shape;
  unsigned elementBytes = 1;
  std::vector<uint8_t> bytes;
  /// Of floating-point values: how many were nonzero before they were quantised. Small ones become zero.
  std::optional<uint64_t> floatNonzeros = std::nullopt;
  uint64_t elements() const { return bytes.size() / elementBytes; }
};

struct LoadOptions {
  /// Width to which floating-point values are quantised, and that masks get values of: 1 or 2 bytes.
  unsigned elementBytes = 1;
  /// Of the values that masks get.
  uint64_t seed = 1;
  /// Extents that an .onnx model leaves open, "name=N" each.
  std::vector<std::string> dims;
};

/// The tensors of a .npy, .npz or .mtx file, or the weights of a model (.onnx, or .mlir in TOSA). Integers of 8 and 16
/// bits are taken as they are; longer ones too, where `elementBytes` holds them. Arrays without elements are left out,
/// with a warning. Floating-point values are quantised symmetrically: weights by the largest of each output channel,
/// as sparse-quantize does, other arrays by the largest of all. In a .npz, `<name>` with `<name>__shape` is a bit-packed
/// mask (numpy.packbits along the rows), and its nonzeros get uniform nonzero values.
absl::StatusOr<std::vector<Tensor>> loadTensors(const std::string &path, const LoadOptions &options);

} // namespace sparseaccel::sizes

#endif // SPARSEACCEL_TOOLS_SPARSE_FORMATS_TENSORS_H
