//===- Conversions.h - Attributes to the program's structs and back -*- C++ -*-===//
//
// The dialect's attributes and the structs of isa/Program.h say the same things; levels are names here and indices
// there.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_DIALECT_ACCEL_CONVERSIONS_H
#define SPARSEACCEL_DIALECT_ACCEL_CONVERSIONS_H

#include "SparseAccel/Dialect/Accel/Accel.h"
#include "SparseAccel/Target/ISA/Estimates.h"
#include "SparseAccel/Target/ISA/Program.h"

namespace sparseaccel::accel {

using EmitError = llvm::function_ref<mlir::InFlightDiagnostic()>;

/// A level that is not among `levelNames` is an error that lists those there are.
mlir::FailureOr<isa::Mapping> toISA(MappingAttr mapping, llvm::ArrayRef<std::string> levelNames, EmitError emitError);
MappingAttr fromISA(mlir::MLIRContext *context, const isa::Mapping &mapping, llvm::ArrayRef<std::string> levelNames);

/// "compute" is the level after the last one.
mlir::FailureOr<isa::SafSet> toISA(mlir::ArrayAttr safs, llvm::ArrayRef<std::string> levelNames, EmitError emitError);
mlir::ArrayAttr fromISA(mlir::MLIRContext *context, const isa::SafSet &safs, llvm::ArrayRef<std::string> levelNames);

isa::Numerics toISA(NumericsAttr numerics, llvm::StringRef name);
NumericsAttr fromISA(mlir::MLIRContext *context, const isa::Numerics &numerics);

/// The note on an accel.tensor whose name in the program is not its symbol, as a buffer has that one: a string.
inline constexpr llvm::StringLiteral kNameAttr = "accel.name";

/// The name under which an accel.layer notes what it is expected to cost. Nothing but reports reads it.
inline constexpr llvm::StringLiteral kEstimateAttr = "accel.estimate";
/// A dictionary of numbers with the keys of stats.json. One that is missing or negative is an error that names it.
mlir::DictionaryAttr fromISA(mlir::MLIRContext *context, const isa::LayerEstimate &estimate);
mlir::FailureOr<isa::LayerEstimate> toISA(mlir::DictionaryAttr estimate, uint32_t layer, EmitError emitError);

/// i8, i16, i32, i48, i64 and f32; anything else is an error.
mlir::FailureOr<isa::ElementType> toISA(mlir::Type elementType, EmitError emitError);

inline isa::HostKind toISA(HostKind kind) { return static_cast<isa::HostKind>(kind); }
inline isa::TensorRole toISA(TensorRole role) { return static_cast<isa::TensorRole>(role); }
inline isa::VectorKind toISA(VectorKind kind) { return static_cast<isa::VectorKind>(kind); }
inline isa::AccumulateMode toISA(AccumulateMode mode) { return static_cast<isa::AccumulateMode>(mode); }

} // namespace sparseaccel::accel

#endif // SPARSEACCEL_DIALECT_ACCEL_CONVERSIONS_H
