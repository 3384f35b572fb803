//===- Contraction.h - What convolutions and matrix products share -*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_ONNX_CONTRACTION_H
#define SPARSEACCEL_LIB_TARGET_ONNX_CONTRACTION_H

#include "Importer.h"
#include "Window.h"

namespace sparseaccel::onnx {

/// tosa.conv2d or tosa.depthwise_conv2d of an NHWC image, with weights in TOSA's order as a resource.
mlir::Value emitConv(Importer &importer, mlir::Value image, std::vector<float> weights,
                     llvm::ArrayRef<int64_t> weightShape, std::vector<float> bias, const Window &window, bool depthwise,
                     llvm::StringRef name, const std::optional<QuantInfo> &quant, mlir::Location loc);

/// Scales and shifts weights of [M][...] and their bias.
void applyEpilogue(const Epilogue &epilogue, std::vector<float> &weights, std::vector<float> &bias,
                   std::optional<QuantInfo> &quant);

} // namespace sparseaccel::onnx

#endif // SPARSEACCEL_LIB_TARGET_ONNX_CONTRACTION_H
