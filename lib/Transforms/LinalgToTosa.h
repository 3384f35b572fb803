//===- LinalgToTosa.h - Parts of sparse-linalg-to-tosa ----------*- C++ -*-===//
//
// What the patterns share: making TOSA's constants, shapes and layouts, and reading what linalg's outputs start from.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TRANSFORMS_LINALGTOTOSA_H
#define SPARSEACCEL_LIB_TRANSFORMS_LINALGTOTOSA_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"

#include <optional>
#include <vector>

namespace sparseaccel::linalg_to_tosa {

using Shape = llvm::SmallVector<int64_t>;

/// The static shape of a value; linalg on tensors of unknown extents is refused before any pattern runs.
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);

/// Makes TOSA at one place.
class Emitter {
public:
  Emitter(mlir::PatternRewriter &rewriter, mlir::Location loc) : rewriter(rewriter), loc(loc) {}

  mlir::RankedTensorType type(llvm::ArrayRef<int64_t> shape) const;
  mlir::Value zeroPoint();
  mlir::Value shapeConst(llvm::ArrayRef<int64_t> shape);
  mlir::Value floats(llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> shape);
  /// One number, of extents 1: TOSA broadcasts it.
  mlir::Value splat(float value, int64_t rank);
  /// Constant weights turned by `perm` and given `shape`, as a resource.
  mlir::Value weights(mlir::Value constant, llvm::ArrayRef<int64_t> perm, llvm::ArrayRef<int64_t> shape);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int32_t> perm);
  mlir::Value slice(mlir::Value value, llvm::ArrayRef<int64_t> start, llvm::ArrayRef<int64_t> size);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);

  mlir::PatternRewriter &rewriter;
  mlir::Location loc;
};

/// Elements of a float32 constant, or nothing.
std::optional<std::vector<float>> constantFloats(mlir::Value value);
/// The one number that a value holds everywhere: a filled tensor, or a constant.
std::optional<float> filledWith(mlir::Value value);
/// One number for each place along `dim` of `value`, the same everywhere else: a broadcast vector, or a constant of which
/// every other extent is 1.
std::optional<std::vector<float>> alongOneDim(mlir::Value value, int64_t dim);

/// Evaluates arithmetic on known numbers, and takes assertions out that hold; an error names one that does not, or that
/// depends on an input.
mlir::LogicalResult settleNumbers(mlir::ModuleOp module);

/// [rows][K] times constant weights: a 1x1 convolution of `rows` pictures of one place, as [rows][N]. `perm` turns the
/// weights to [N][K].
mlir::Value fullyConnected(Emitter &emit, mlir::Value rows, mlir::Value weights, llvm::ArrayRef<int64_t> perm,
                           const std::vector<float> &bias);

/// A sum with a vector along the channels joins the bias of the convolution that it alone reads, times `sign`. The sum
/// that remains, or null.
mlir::Value joinBias(Emitter &emit, mlir::Value sum, mlir::Value addend, float sign);
/// A product with a vector along the channels joins that convolution's weights and bias.
mlir::Value joinScale(Emitter &emit, mlir::Value product, mlir::Value factor);

/// Constants that are transposed, reshaped or computed of constants are constants; products with them are layers.
void populateConstantPatterns(mlir::RewritePatternSet &patterns);
/// TOSA's own sums with a constant join the layer before them.
void populateJoinPatterns(mlir::RewritePatternSet &patterns);
/// Reductions, named or written as generic operations.
void populateReducePatterns(mlir::RewritePatternSet &patterns);
/// The first operation in a generic operation's body that has no named one, or null.
mlir::Operation *firstWithoutName(mlir::Operation *op);

/// Generic operations and maps become named operations, one for each in their bodies.
void populateDecomposePatterns(mlir::RewritePatternSet &patterns);
void populateContractionPatterns(mlir::RewritePatternSet &patterns);
void populatePoolPatterns(mlir::RewritePatternSet &patterns);
void populateElementwisePatterns(mlir::RewritePatternSet &patterns);
/// What only moves or makes values; runs when nothing reads linalg's outputs any more.
void populateShapePatterns(mlir::RewritePatternSet &patterns);

/// Zeros around the plane of an NHWC (or, `channelsFirst`, NCHW) map that a tensor.pad adds, and the map without them.
struct Padded {
  mlir::Value map;
  int64_t low[2] = {0, 0}, high[2] = {0, 0};
};
/// Takes the pad off `map` where it pads the plane alone, with a value that `accepts`.
Padded takePad(mlir::Value map, bool channelsFirst, llvm::function_ref<bool(float)> accepts);

/// A window over the plane of an NHWC map. TOSA wants (in + pads - span) to be a multiple of the stride: rows and
/// columns that no window reaches are left out.
struct Window {
  int64_t kernel[2], stride[2], dilation[2];
  int64_t out[2];
};
mlir::Value trim(Emitter &emit, mlir::Value map, const Window &window, Padded &pads);

} // namespace sparseaccel::linalg_to_tosa

#endif // SPARSEACCEL_LIB_TRANSFORMS_LINALGTOTOSA_H
