//===- Reduce.h - What a reduction says ------------------------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_ONNX_REDUCE_H
#define SPARSEACCEL_LIB_TARGET_ONNX_REDUCE_H

#include "Importer.h"

namespace sparseaccel::onnx {

/// What a ReduceX node reduces of an operand of some shape.
struct Reduction {
  std::vector<int64_t> axes; ///< Rising; empty for a node that is asked to do nothing.
  Shape shape;               ///< Of the result.
};

/// Reports what does not fit the shape, and nullopt. Axes are an attribute or an operand, as the opset has it.
std::optional<Reduction> readReduction(NodeContext &node, llvm::ArrayRef<int64_t> shape);

} // namespace sparseaccel::onnx

#endif // SPARSEACCEL_LIB_TARGET_ONNX_REDUCE_H
