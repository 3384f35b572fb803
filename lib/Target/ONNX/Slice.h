//===- Slice.h - What a Slice takes -----------------------------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_ONNX_SLICE_H
#define SPARSEACCEL_LIB_TARGET_ONNX_SLICE_H

#include "Importer.h"

namespace sparseaccel::onnx {

/// Elements start, start + step, ... of one dimension, `count` of them; step may be negative.
struct SliceRange {
  int64_t start = 0, step = 1, count = 0;
};

/// The ranges of a Slice, one per dimension of `shape`, clamped as ONNX wants it.
std::optional<std::vector<SliceRange>> readSlice(NodeContext &node, llvm::ArrayRef<int64_t> shape);

} // namespace sparseaccel::onnx

#endif // SPARSEACCEL_LIB_TARGET_ONNX_SLICE_H
