//===- Checks.h - What several verifiers ask --------------------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_DIALECT_ACCEL_CHECKS_H
#define SPARSEACCEL_LIB_DIALECT_ACCEL_CHECKS_H

#include "mlir/IR/Operation.h"

namespace sparseaccel::accel {

/// Whether an array attribute has `count` entries, none below `lowest`.
inline llvm::LogicalResult verifyEntries(mlir::Operation *op, llvm::StringRef name, llvm::ArrayRef<int64_t> values,
                                         size_t count, int64_t lowest) {
  if (values.size() != count)
    return op->emitOpError() << name << " must have " << count << " entries, but has " << values.size();
  for (int64_t value : values)
    if (value < lowest)
      return op->emitOpError() << name << " must be at least " << lowest << ", but has " << value;
  return llvm::success();
}

} // namespace sparseaccel::accel

#endif // SPARSEACCEL_LIB_DIALECT_ACCEL_CHECKS_H
