//===- FuseLayers.h - The parts of sparse-fuse-layers -----------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TRANSFORMS_FUSELAYERS_H
#define SPARSEACCEL_LIB_TRANSFORMS_FUSELAYERS_H

#include "SparseAccel/Dialect/Accel/Accel.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/PatternMatch.h"

namespace sparseaccel::fuse {

/// Convolutions and matrix products with their rescale.
void populateContractionPatterns(mlir::RewritePatternSet &patterns);
/// Pools, elementwise work, tables and rescales of their own.
void populateVectorPatterns(mlir::RewritePatternSet &patterns);
/// What layers absorb: zero padding, unused rows and columns, clamps, groups.
void populateAbsorptionPatterns(mlir::RewritePatternSet &patterns);
/// Quantisation and dequantisation: a cast and the product with a scale.
void populateEdgePatterns(mlir::RewritePatternSet &patterns);
/// What is left: concatenations, clamps and reshapes of their own, and everything that the host runs.
void populateHostPatterns(mlir::RewritePatternSet &patterns);

/// The node's name: of the innermost NameLoc, else that of the value, else the operation's own.
std::string nodeName(mlir::Operation *op);
/// The same for what stands for `root` and the rescale that reads it, whose value has a name where the root's has none.
std::string nodeName(mlir::Operation *root, mlir::Operation *rescale);
/// The value's name (`sparsity.value`), or empty.
std::string valueName(mlir::Operation *op);

/// A rescale that the machines know: single round, signed, zero points 0. Its parameters as numerics with the result's
/// whole range as clamp; the reason otherwise.
mlir::FailureOr<accel::NumericsAttr> readRescale(mlir::tosa::RescaleOp op, std::string &reason);
/// Lowest and highest integer of a tensor's elements.
std::pair<int64_t, int64_t> integerRange(mlir::Type type);
/// Whether the elements are integers of 8 or 16 bits.
bool isActivation(mlir::Type type);

} // namespace sparseaccel::fuse

#endif // SPARSEACCEL_LIB_TRANSFORMS_FUSELAYERS_H
