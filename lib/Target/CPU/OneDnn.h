//===- OneDnn.h - Contractions and pools of float32 by oneDNN ---*- C++ -*-===//
//
// oneDNN's headers need run-time type information, which the compiler's half is built without: they meet in plain C++.
// Everything is computed in float32 (no narrower products), by one thread, so that sums do not depend on how many there
// are.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_CPU_ONEDNN_H
#define SPARSEACCEL_LIB_TARGET_CPU_ONEDNN_H

#include <cstdint>
#include <memory>
#include <string>

namespace sparseaccel::cpu::onednn {

/// Of an image [N][H][W][C].
struct Window {
  int64_t n = 1, height = 1, width = 1, channels = 1; ///< Input.
  int64_t outputHeight = 1, outputWidth = 1;
  int64_t kernelH = 1, kernelW = 1, strideH = 1, strideW = 1;
  int64_t padTop = 0, padBottom = 0, padLeft = 0, padRight = 0;
  int64_t dilationH = 1, dilationW = 1;
};

/// A primitive with its shapes. May be run from several threads at once.
class Primitive {
public:
  virtual ~Primitive() = default;
  /// Operands in the order in which TOSA has them: input, then weights and bias where there are any. Those that were
  /// given when the primitive was made are not looked at. False, with a message, where oneDNN fails.
  virtual bool run(const float *const *inputs, float *result, std::string &problem) const = 0;
};

/// Weights [filters][kernelH][kernelW][channels]. Constant weights are packed once, or read where they are if they are
/// used once a run; null where they are computed. All of these return null where oneDNN cannot.
std::unique_ptr<Primitive> makeConvolution(const Window &window, int64_t filters, const float *weights);
/// Weights [kernelH][kernelW][channels][multiplier].
std::unique_ptr<Primitive> makeDepthwise(const Window &window, int64_t multiplier, const float *weights);
/// [batches][rows][depth] x [batches][depth][columns]; `right` is null where it is computed.
std::unique_ptr<Primitive> makeMatMul(int64_t batches, int64_t rows, int64_t depth, int64_t columns,
                                      const float *right);
/// The largest, or the mean of the positions that lie in the input.
std::unique_ptr<Primitive> makePool(const Window &window, bool mean);

} // namespace sparseaccel::cpu::onednn

#endif // SPARSEACCEL_LIB_TARGET_CPU_ONEDNN_H
