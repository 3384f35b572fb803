//===- OperandLevels.h - Levels by what they hold ---------------*- C++ -*-===//
//
// For dataflows of arrays that are no particular chip, whose machine files may call their levels what they like.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_DATAFLOW_OPERANDLEVELS_H
#define SPARSEACCEL_LIB_TARGET_DATAFLOW_OPERANDLEVELS_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"

namespace sparseaccel::dataflow {

/// The outermost level that the program manages and the innermost one of the dataflow's that hold an operand: its
/// buffer, and the registers of the elements. Those of sums have a width. Null where there is none.
struct OperandLevels {
  const machine::Level *buffer = nullptr, *registers = nullptr;
  OperandLevels(const machine::Machine &machine, isa::OperandKind kind);
};

/// Fails where an operand lacks one of the two, or a level has no word width.
absl::Status checkOperandLevels(const machine::Machine &machine, const char *dataflow);

/// Stalls of all levels but DRAM.
void addAllBufferStalls(Counts &counts, const machine::Machine &machine);

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_LIB_TARGET_DATAFLOW_OPERANDLEVELS_H
