//===- FloatOneDnnKernels.cpp - Ops of a float model by oneDNN ------------===//

#include "FloatKernels.h"
#include "OneDnn.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sparseaccel::cpu {

namespace {

class OneDnnKernel : public FloatKernel {
public:
  OneDnnKernel(Location loc, std::unique_ptr<onednn::Primitive> primitive, int64_t broadcastBias)
      : loc(loc), primitive(std::move(primitive)), broadcastBias(broadcastBias) {}

  LogicalResult run(ArrayRef<const uint8_t *> in, ArrayRef<uint8_t *> out) const override {
    SmallVector<const float *> inputs;
    for (const uint8_t *input : in)
      inputs.push_back(reinterpret_cast<const float *>(input));
    std::vector<float> bias;
    if (broadcastBias) {
      bias.assign(static_cast<size_t>(broadcastBias), *inputs[2]);
      inputs[2] = bias.data();
    }
    std::string problem;
    if (!primitive->run(inputs.data(), reinterpret_cast<float *>(out.front()), problem))
      return emitError(loc) << "oneDNN failed: " << problem;
    return success();
  }

private:
  Location loc;
  std::unique_ptr<onednn::Primitive> primitive;
  int64_t broadcastBias; ///< Filters, where one bias serves all of them; else 0.
};

onednn::Window windowOf(const KernelSite &site, ArrayRef<int64_t> kernel, ArrayRef<int64_t> stride,
                        ArrayRef<int64_t> pad, ArrayRef<int64_t> dilation) {
  ArrayRef<int64_t> in(site.inputs[0].shape), out(site.outputs[0].shape);
  onednn::Window window;
  window.n = in[0];
  window.height = in[1];
  window.width = in[2];
  window.channels = in[3];
  window.outputHeight = out[1];
  window.outputWidth = out[2];
  window.kernelH = kernel[0];
  window.kernelW = kernel[1];
  window.strideH = stride[0];
  window.strideW = stride[1];
  window.padTop = pad[0];
  window.padBottom = pad[1];
  window.padLeft = pad[2];
  window.padRight = pad[3];
  window.dilationH = dilation[0];
  window.dilationW = dilation[1];
  return window;
}

const float *constantOf(const KernelSite &site, unsigned input) {
  return reinterpret_cast<const float *>(site.constants[input]);
}

/// Every tensor is f32 and none is empty.
bool fits(const KernelSite &site, unsigned inputs) {
  auto plain = [](const TensorType &type) { return type.element == ElementType::F32 && type.elements() > 0; };
  return llvm::all_of(ArrayRef<TensorType>(site.inputs).take_front(inputs), plain) && llvm::all_of(site.outputs, plain);
}

} // namespace

std::unique_ptr<FloatKernel> makeOneDnnKernel(const KernelSite &site) {
  constexpr int64_t once[] = {1, 1};
  int64_t filters = 0;
  auto primitive =
      llvm::TypeSwitch<Operation *, std::unique_ptr<onednn::Primitive>>(site.op)
          .Case([&](tosa::Conv2DOp conv) -> std::unique_ptr<onednn::Primitive> {
            if (!fits(site, 3))
              return nullptr;
            ArrayRef<int64_t> weights(site.inputs[1].shape);
            filters = weights[0];
            return onednn::makeConvolution(
                windowOf(site, weights.slice(1, 2), conv.getStride(), conv.getPad(), conv.getDilation()), filters,
                constantOf(site, 1));
          })
          .Case([&](tosa::DepthwiseConv2DOp conv) -> std::unique_ptr<onednn::Primitive> {
            if (!fits(site, 3))
              return nullptr;
            ArrayRef<int64_t> weights(site.inputs[1].shape);
            filters = weights[2] * weights[3];
            return onednn::makeDepthwise(
                windowOf(site, weights.take_front(2), conv.getStride(), conv.getPad(), conv.getDilation()), weights[3],
                constantOf(site, 1));
          })
          .Case([&](tosa::MatMulOp) -> std::unique_ptr<onednn::Primitive> {
            if (!fits(site, 2))
              return nullptr;
            ArrayRef<int64_t> a(site.inputs[0].shape), b(site.inputs[1].shape);
            return onednn::makeMatMul(a[0], a[1], a[2], b[2], constantOf(site, 1));
          })
          .Case([&](tosa::MaxPool2dOp pool) -> std::unique_ptr<onednn::Primitive> {
            if (!fits(site, 1))
              return nullptr;
            return onednn::makePool(windowOf(site, pool.getKernel(), pool.getStride(), pool.getPad(), once),
                                    /*mean=*/false);
          })
          .Case([&](tosa::AvgPool2dOp pool) -> std::unique_ptr<onednn::Primitive> {
            if (!fits(site, 1))
              return nullptr;
            return onednn::makePool(windowOf(site, pool.getKernel(), pool.getStride(), pool.getPad(), once),
                                    /*mean=*/true);
          })
          .Default([](Operation *) { return nullptr; });
  if (!primitive)
    return nullptr;
  bool oneForAll = filters > 1 && site.inputs[2].elements() == 1;
  return std::make_unique<OneDnnKernel>(site.op->getLoc(), std::move(primitive), oneForAll ? filters : 0);
}

} // namespace sparseaccel::cpu
