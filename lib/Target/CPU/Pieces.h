//===- Pieces.h - Functions as sequences of small modules -------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_CPU_PIECES_H
#define SPARSEACCEL_LIB_TARGET_CPU_PIECES_H

#include "SparseAccel/Target/CPU/CompiledModule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sparseaccel::cpu {

/// The function of a piece's module.
inline constexpr llvm::StringLiteral kPieceFunction = "piece";

/// Some operations of a function as a module of its own: one function, whose arguments are `inputs`, whose results are
/// `outputs`.
struct Piece {
  mlir::Operation *first = nullptr; ///< Of the operations, for messages.
  std::string bytecode;             ///< Without locations and names: pieces that compute alike are equal bytes.
  std::vector<mlir::Value> inputs;  ///< Results of constant operations too.
  std::vector<mlir::Value> outputs;
};

/// True where a value can be handed from piece to piece.
bool isTensorInMemory(mlir::Type type);

/// The pieces of a function of one block, in an order in which they can run. Constants that upstream's lowering takes
/// as any other tensor (weights, biases, tables, operands of elementwise operations) are inputs, others lie within.
mlir::FailureOr<std::vector<Piece>> cutIntoPieces(mlir::func::FuncOp function);

} // namespace sparseaccel::cpu

#endif // SPARSEACCEL_LIB_TARGET_CPU_PIECES_H
