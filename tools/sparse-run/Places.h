//===- Places.h - Where a model's values lie in a program -------*- C++ -*-===//
//
// A program's tensors bear the names of the values that they hold. A value without a tensor of its own may still lie in
// another one: an operand of a concatenation is a part of it, and a reshape is its operand by another name.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_PLACES_H
#define SPARSEACCEL_TOOLS_SPARSERUN_PLACES_H

#include "SparseAccel/Sim/Simulator.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

#include <map>

namespace sparseaccel::run {

/// All tensors that one image left behind, by index in Program::tensors.
using TensorValues = std::map<uint32_t, sim::TensorData>;

/// Consecutive elements of a tensor, row-major.
struct Run {
  int64_t first = 0, count = 0;
  bool operator==(const Run &) const = default;
};

/// The elements of a value, in its row-major order, as runs of a tensor's elements.
struct Place {
  uint32_t tensor = 0; ///< Index in Program::tensors.
  std::vector<Run> runs;
  int64_t elements() const;
  bool operator==(const Place &) const = default;
  bool overlaps(const Place &other) const;
  /// Consecutive parts of this place's own elements, counted from 0; `ranges` ascend.
  Place part(llvm::ArrayRef<Run> ranges) const;
};

/// The elements of an operand of a concatenation among those of the result. `offset` is where it begins along `axis`.
std::vector<Run> partOfConcatenation(llvm::ArrayRef<int64_t> shape, unsigned axis, int64_t offset, int64_t extent);

/// The result's part that each operand fills, for a concatenation of TOSA or of accel; empty for other operations.
std::vector<std::vector<Run>> partsOfConcatenation(mlir::Operation *op);

/// Copies a value's elements out of the observed tensors, or fails where its tensor was not observed whole.
mlir::FailureOr<std::vector<uint8_t>> gather(const Place &place, const isa::Program &program,
                                             const TensorValues &values);

/// Places of the values of a module that `program` was compiled from: quantised TOSA, or accel layer operations.
class Places {
public:
  Places(mlir::func::FuncOp main, const isa::Program &program);

  /// Null where no tensor holds the value with its elements in order.
  const Place *find(mlir::Value value) const;
  /// The value that a tensor as a whole is, or null.
  mlir::Value valueOf(uint32_t tensor) const { return values.lookup(tensor); }

private:
  void add(mlir::Value value, uint32_t tensor);
  bool fits(mlir::Value value, const isa::Tensor &tensor) const;
  /// Gives places to operands and results that lie where others do; whether it gave any.
  bool spread(mlir::Operation &op);

  const isa::Program &program;
  llvm::DenseMap<mlir::Value, Place> places;
  llvm::DenseMap<uint32_t, mlir::Value> values;
  std::vector<bool> observable; ///< Tensors that the program is given or writes to DRAM.
};

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_PLACES_H
