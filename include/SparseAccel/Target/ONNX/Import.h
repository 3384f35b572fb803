//===- Import.h - From an ONNX model to float TOSA --------------*- C++ -*-===//
//
// Reads an ONNX model (opsets 7 to 21) and builds one module with one function @main in float TOSA:
//
//   - the model's own layout (NCHW) at the edge, NHWC inside; a transpose appears only where a value is needed in
//   another layout;
//   - arguments and results carry their ONNX names as `sparsity.name`; every op carries its node's name as its
//   location;
//   - weights are resources, in TOSA's order; batch normalisation is folded into them; Dropout and Identity vanish;
//   - weights that came through DequantizeLinear keep their codes' scale: the tosa.const has the discardable attribute
//     `sparsity.quant = {scale = array<f32>, zero_point = array<i64>, axis = i64}` (axis -1: one scale for the whole
//     tensor; for depthwise weights with a multiplier axis 2 counts channels and multipliers together);
//   - a QuantizeLinear/DequantizeLinear pair on an activation is no op: the op (or the argument) that makes the
//   activation gets
//     `sparsity.act_scale` (f64), `sparsity.act_zero_point` (i64) and `sparsity.act_type` (si8, ui8, si16 or ui16).
//     Where the codes cannot hold one side of zero (an unsigned type with zero point 0) the pair acts as a ReLU, and a
//     tosa.clamp with the attributes is kept;
//   - Softmax and LRN become calls of private functions whose bodies are plain TOSA and whose attribute `sparsity.host`
//   names the operator.
//
// What cannot be imported is an error that names the node; all unsupported operators are listed at once.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_ONNX_IMPORT_H
#define SPARSEACCEL_TARGET_ONNX_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace llvm::cl {
class OptionCategory;
} // namespace llvm::cl

namespace sparseaccel::onnx {

/// An input in want of an array.
struct ArrayRequest {
  std::string name;
  size_t position, inputs;                                 ///< Which input of how many.
  std::function<bool(llvm::ArrayRef<int64_t> shape)> fits; ///< Whether the extents that are known allow the shape.
};

struct ImportOptions {
  /// Value of every symbolic (or absent) leading dimension of the inputs.
  std::optional<int64_t> batch;
  /// Values of symbolic dimensions, by the model's name for them, or by "input:index". A dimension that the model
  /// states to be negative is symbolic, and so is a leading one of 0.
  std::map<std::string, int64_t> dims;
  /// The shape of the array that an input will be given, or nullopt. Where set, it is asked for inputs with dimensions
  /// that `dims` and `batch` leave open, which are then the array's, or 1 for a leading one (arrays hold several inputs
  /// along it); a remark says so.
  std::function<std::optional<std::vector<int64_t>>(const ArrayRequest &)> arrayShape;
  /// Largest tensor that the model may name or that folding may build, in bytes.
  uint64_t maxTensorBytes = uint64_t(4) << 30;
  /// Most that all constants together may hold, in bytes.
  uint64_t maxConstantBytes = uint64_t(8) << 30;
};

/// Imports the model at `path`; external data is read from the file's own folder and from nowhere else.
/// Errors go to the context's diagnostic handler, located at the file.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path, const ImportOptions &options,
                                             mlir::MLIRContext *context);

/// Imports a model from memory. `path` is where it came from, for messages and external data; empty forbids external
/// data.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::ArrayRef<char> bytes, llvm::StringRef path,
                                             const ImportOptions &options, mlir::MLIRContext *context);

/// Reads the values of --dim options, "name=N" each, into `dims`; what is wrong, or "".
std::string parseDims(llvm::ArrayRef<std::string> texts, std::map<std::string, int64_t> &dims);

/// Registers `--import-onnx`, and its options `--batch` and `--dim`, with the translation registry of
/// mlir-translate-like tools.
void registerImportOnnxTranslation();
/// Where those options stand in --help.
llvm::cl::OptionCategory &importOnnxCategory();

} // namespace sparseaccel::onnx

#endif // SPARSEACCEL_TARGET_ONNX_IMPORT_H
