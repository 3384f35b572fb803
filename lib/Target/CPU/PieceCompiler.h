//===- PieceCompiler.h - From a piece's bytecode to an object ---*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_CPU_PIECECOMPILER_H
#define SPARSEACCEL_LIB_TARGET_CPU_PIECECOMPILER_H

#include "SparseAccel/Target/CPU/CompiledModule.h"

#include "mlir/IR/OwningOpRef.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace sparseaccel::cpu {

/// Reads a module that was written as bytecode, into another context.
mlir::OwningOpRef<mlir::ModuleOp> readBytecode(llvm::StringRef bytecode, mlir::MLIRContext &context);

/// Upstream's lowering and LLVM for one kind of processor. Each compiler has a context of its own: several may compile
/// side by side, one piece each.
class PieceCompiler {
public:
  static llvm::Expected<llvm::orc::JITTargetMachineBuilder> detectTarget(const CompileOptions &options);
  /// Everything but the bytecode that the object depends on, as text: versions, processor, options.
  static std::string fingerprint(const llvm::orc::JITTargetMachineBuilder &target, const CompileOptions &options);

  PieceCompiler(llvm::orc::JITTargetMachineBuilder target, const CompileOptions &options);
  ~PieceCompiler();

  /// A relocatable object with one global function, `symbol`. It takes an array of pointers to the elements of the
  /// inputs, then of the outputs, which must not overlap with anything else.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> compile(llvm::StringRef bytecode, llvm::StringRef symbol);

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace sparseaccel::cpu

#endif // SPARSEACCEL_LIB_TARGET_CPU_PIECECOMPILER_H
