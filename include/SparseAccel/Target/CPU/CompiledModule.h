//===- CompiledModule.h - Run TOSA on this computer -------------*- C++ -*-===//
//
// A TOSA module lowered by upstream MLIR (TOSA -> Linalg -> loops -> LLVM) and compiled by LLVM. The quantised module
// run this way is the oracle that simulated outputs are compared with: nothing in its arithmetic was written here.
//
// Each operation is compiled by itself, and what computes alike once, whatever its weights; objects are kept in a
// folder for the next time. A function is run as a sequence of these.
//
// Functions must be private helpers (they are inlined) or public, of one block, with ranked tensors of static shape;
// elements are i1, i8, i16, i32, i48, i64 or f32.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_CPU_COMPILEDMODULE_H
#define SPARSEACCEL_TARGET_CPU_COMPILEDMODULE_H

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sparseaccel::cpu {

enum class ElementType : uint8_t { I1, I8, I16, I32, I48, I64, F32 };
/// Bytes of an element in a Tensor: i1 takes one, i48 takes eight, sign-extended.
unsigned byteSize(ElementType type);
/// "i8", "f32", ...
llvm::StringRef toString(ElementType type);
/// The element type of a tensor type, or failure for one that cannot run here.
mlir::FailureOr<ElementType> elementTypeOf(mlir::Type type);

struct TensorType {
  ElementType element = ElementType::F32;
  std::vector<int64_t> shape;
  int64_t elements() const;
  std::string str() const; ///< "1x3x227x227xf32"
  bool operator==(const TensorType &) const = default;
};

/// A row-major tensor in memory.
struct Tensor {
  TensorType type;
  std::vector<uint8_t> bytes;

  Tensor() = default;
  /// Zeros.
  explicit Tensor(TensorType type);
  /// Elements as the C++ type of the same width (int8_t, int16_t, int32_t, int64_t for i48 and i64, float, uint8_t for
  /// i1).
  template <typename T>
  llvm::ArrayRef<T> as() const {
    return {reinterpret_cast<const T *>(bytes.data()), bytes.size() / sizeof(T)};
  }
  template <typename T>
  llvm::MutableArrayRef<T> as() {
    return {reinterpret_cast<T *>(bytes.data()), bytes.size() / sizeof(T)};
  }
};

struct Signature {
  std::vector<TensorType> inputs, results;
};

/// Where compiled operations are kept: $SPARSEACCEL_CACHE_DIR, else sparseaccel in $XDG_CACHE_HOME, else
/// .cache/sparseaccel in $HOME. Empty where there is none of these, or the first is empty: nothing is kept.
std::string defaultCacheFolder();

struct CompileOptions {
  unsigned optLevel = 2; ///< Of LLVM's middle end and code generator, for pieces that run for long enough to gain.
  bool reorderLoops =
      true; ///< Give contractions and pools the loop order that vectorises; results of integers never depend on it.
  std::string cacheFolder = defaultCacheFolder(); ///< Empty: none. One that cannot be used is no error.
  uint64_t cacheBytes = uint64_t(256) << 20;      ///< What was used longest ago goes first.
  unsigned threads = 0;                           ///< That compile; 0: one a processor.
};

/// What compiling came to.
struct CompileStatistics {
  size_t operations = 0; ///< Pieces that the functions call, each about one operation.
  size_t objects = 0;    ///< Different ones.
  size_t compiled = 0;   ///< Of these, those that were not in the cache.
};

class CompiledModule {
public:
  /// Compiles every public function of `module`, which is left as it is. Diagnostics go to the module's context.
  static mlir::FailureOr<std::unique_ptr<CompiledModule>> compile(mlir::ModuleOp module,
                                                                  const CompileOptions &options = {});
  ~CompiledModule();

  const CompileStatistics &statistics() const;

  /// Null where there is no such public function.
  const Signature *signature(llvm::StringRef function) const;

  /// Runs a function. Inputs must have exactly the function's types. May be called from several threads at once.
  mlir::FailureOr<std::vector<Tensor>> run(llvm::StringRef function, llvm::ArrayRef<Tensor> inputs) const;

private:
  struct Impl;
  explicit CompiledModule(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace sparseaccel::cpu

#endif // SPARSEACCEL_TARGET_CPU_COMPILEDMODULE_H
