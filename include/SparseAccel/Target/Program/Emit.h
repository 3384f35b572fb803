//===- Emit.h - Tile operations to a program --------------------*- C++ -*-===//
//
// The only place that sees both worlds: an accel.program becomes an isa::Program, which is verified before anyone gets
// it.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_PROGRAM_EMIT_H
#define SPARSEACCEL_TARGET_PROGRAM_EMIT_H

#include "SparseAccel/Target/ISA/Estimates.h"
#include "SparseAccel/Target/ISA/Program.h"

#include "mlir/IR/BuiltinOps.h"

namespace sparseaccel {

/// The module's one accel.program, allocated (sparse-allocate). Tokens become counts of instructions to wait for,
/// constants are encoded, and equal entries of the tables are merged. What fails is a diagnostic.
/// `estimates` gets what sparse-lower-to-tiles noted of the layers.
mlir::FailureOr<isa::Program> emitProgram(mlir::ModuleOp module, isa::Estimates *estimates = nullptr);

/// `--emit-program` of sparse-translate: a module to a container.
void registerEmitProgram();

} // namespace sparseaccel

#endif // SPARSEACCEL_TARGET_PROGRAM_EMIT_H
