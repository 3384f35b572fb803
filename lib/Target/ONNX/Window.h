//===- Window.h - Sliding windows of convolutions and pools -----*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_ONNX_WINDOW_H
#define SPARSEACCEL_LIB_TARGET_ONNX_WINDOW_H

#include "Importer.h"

namespace sparseaccel::onnx {

/// Rows (0) and columns (1) of a window that slides over an image; a 1-D window has one row. TOSA demands that the
/// window divides the padded image exactly, so `high` is what is needed on the far side, and `used` says how much of
/// the image is (the rest is sliced off).
struct Window {
  int64_t kernel[2] = {1, 1}, stride[2] = {1, 1}, dilation[2] = {1, 1};
  int64_t low[2] = {0, 0}, high[2] = {0, 0};
  int64_t givenHigh[2] = {
      0, 0}; ///< The far padding that the model asks for: an average that counts padding counts no more than this.
  int64_t in[2] = {1, 1}, out[2] = {1, 1}, used[2] = {1, 1};
};

/// Reads strides, dilations, pads and auto_pad of a node whose operand has the given spatial extents (one or two).
std::optional<Window> readWindow(NodeContext &node, llvm::ArrayRef<int64_t> spatial, llvm::ArrayRef<int64_t> kernel,
                                 bool dilations, bool ceilMode);

/// The part of an NHWC image that the window uses.
mlir::Value sliceUsed(Importer &importer, mlir::Value image, const Window &window, mlir::Location loc);

} // namespace sparseaccel::onnx

#endif // SPARSEACCEL_LIB_TARGET_ONNX_WINDOW_H
