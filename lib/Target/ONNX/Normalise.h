//===- Normalise.h - Normalisation by computed statistics -------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_ONNX_NORMALISE_H
#define SPARSEACCEL_LIB_TARGET_ONNX_NORMALISE_H

#include "Importer.h"

namespace sparseaccel::onnx {

/// BatchNormalization of x where operands 1 to 4, a number for each channel, are not all constants.
mlir::LogicalResult normaliseByValues(NodeContext &node, const ValueRef &x, double epsilon);

} // namespace sparseaccel::onnx

#endif // SPARSEACCEL_LIB_TARGET_ONNX_NORMALISE_H
