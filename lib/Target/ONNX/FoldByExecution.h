//===- FoldByExecution.h - Constants that any operator computes -*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_ONNX_FOLDBYEXECUTION_H
#define SPARSEACCEL_LIB_TARGET_ONNX_FOLDBYEXECUTION_H

#include "Importer.h"

namespace sparseaccel::onnx {

/// Computes a node whose operands are all constants, the first of floats, and which Fold.cpp has no function for: the
/// node is imported as a model of its own, and run. `path` stands in messages.
mlir::LogicalResult foldByExecution(NodeContext &node, llvm::StringRef path);

/// Whether that can be asked of the node. What gives constants by itself, as a shape, need not be.
bool foldsByExecution(const Importer &importer, const Node &node);

} // namespace sparseaccel::onnx

#endif // SPARSEACCEL_LIB_TARGET_ONNX_FOLDBYEXECUTION_H
