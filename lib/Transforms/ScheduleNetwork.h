//===- ScheduleNetwork.h - Layer operations as the scheduler's problem -*- C++ -*-===//
//
// Reads a function of accel layer operations into the scheduler's own structures (Schedule/Problem.h): which values are
// tensors, which are boxes of others (concatenation without copying), which layers the machine runs and which the host.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TRANSFORMS_SCHEDULENETWORK_H
#define SPARSEACCEL_TRANSFORMS_SCHEDULENETWORK_H

#include "Schedule/Plan.h"

#include "SparseAccel/Dialect/Accel/Conversions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace sparseaccel {

struct Network {
  std::vector<schedule::TensorDesc> tensors;
  std::vector<mlir::Value> values; ///< The value that names each tensor.
  std::vector<schedule::LayerDesc> layers;
  std::vector<mlir::Operation *> ops; ///< Of each layer. A concatenation that copies has a layer for each operand.
  std::vector<unsigned> parts;        ///< Number of the layer among those of its operation.
  llvm::DenseMap<mlir::Value, schedule::View> views;
};

/// A tensor type's shape with four ranks: NHWC; missing ranks are 1 and stand between the first and the last.
schedule::Coord fourRanks(llvm::ArrayRef<int64_t> shape);
/// Coordinates of four ranks as those that a tensor of `rank` ranks has.
llvm::SmallVector<int64_t> ownRanks(const schedule::Coord &coord, size_t rank);
/// The reverse; ranks that are missing become `fill`.
schedule::Coord fourRanks(llvm::ArrayRef<int64_t> coord, int64_t fill);

/// Rewrites work by element, or a concatenation, on tensors of more ranks as the same on tensors of at most four between
/// two reshapes, which move nothing; returns the new layer.
mlir::Operation *toFourRanks(mlir::Operation *op);

/// Replaces a layer that the machine does not take by host operators that compute the same integers, and says so in a
/// remark. An error where there are none.
mlir::LogicalResult moveToHost(mlir::Operation *op, const absl::Status &reason);
/// Does so with every such layer of a function.
mlir::LogicalResult moveToHost(mlir::func::FuncOp func, const machine::Machine &machine);

mlir::FailureOr<Network> buildNetwork(mlir::func::FuncOp func, const machine::Machine &machine);

/// The constant behind a value, encoded or not, or null.
mlir::ElementsAttr constantOf(mlir::Value value);
unsigned elementBytes(mlir::Type elementType);
/// Sets TensorDesc::ownSlotBytes of a constant, whose formats are known.
void setOwnSlot(schedule::TensorDesc &tensor, mlir::ElementsAttr constant, const machine::Machine &machine);

/// Names of the machine's levels, as accel::toISA() wants them.
std::vector<std::string> levelNames(const machine::Machine &machine);
inline llvm::StringRef messageOf(const absl::Status &status) {
  return {status.message().data(), status.message().size()};
}

/// Where the mapping of a layer stands: contractions have an attribute of their own, others a discardable one; a
/// concatenation has a list, one for each copy.
accel::MappingAttr getMapping(const Network &network, size_t layer);
void setMapping(const Network &network, size_t layer, accel::MappingAttr mapping);

/// Loads the machine that an option names; a diagnostic at `op` otherwise.
mlir::FailureOr<machine::Machine> loadMachineFor(mlir::Operation *op, llvm::StringRef name);
mlir::FailureOr<const dataflow::Dataflow *> findDataflowFor(mlir::Operation *op, const machine::Machine &machine);

} // namespace sparseaccel

#endif // SPARSEACCEL_TRANSFORMS_SCHEDULENETWORK_H
