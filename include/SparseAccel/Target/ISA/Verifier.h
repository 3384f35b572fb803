//===- Verifier.h - Proof that a program can be executed --------*- C++ -*-===//
//
// A program is verified once, when it is loaded. What passes cannot lead an executor out of a table, a tensor, a buffer
// or the DRAM image, cannot wait for something that never ends, and has no two accesses whose order depends on timing.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_ISA_VERIFIER_H
#define SPARSEACCEL_TARGET_ISA_VERIFIER_H

#include "SparseAccel/Target/ISA/Program.h"

#include "absl/status/status.h"

namespace sparseaccel::isa {

/// Tables, instructions and hazards. A message names the table's entry or the instruction with its index, and what was
/// expected.
absl::Status verify(const Program &program);

/// The three parts of verify(), which it runs in this order; each relies on the ones before it.
absl::Status verifyTables(const Program &program);
absl::Status verifyInstructions(const Program &program);
/// Accesses of different queues to the same bytes of a buffer or the same elements of a tensor in DRAM, of which one
/// writes, are ordered by waits; what is read from a buffer has been written; and a numerics entry is configured before
/// it is used.
absl::Status verifyHazards(const Program &program);

} // namespace sparseaccel::isa

#endif // SPARSEACCEL_TARGET_ISA_VERIFIER_H
