//===- SqueezeNetLayers.h - Shapes of SqueezeNet v1.0 -----------*- C++ -*-===//
//
// The convolutions of SqueezeNet v1.0 (Iandola et al., 2016) for one 227x227 picture, as its Caffe
// prototxt has them (conv_final pads its 1x1 kernel by 1). Densities are rounded from those of the network pruned by
// Deep Compression (Han et al., 2016).
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_BENCH_SQUEEZENETLAYERS_H
#define SPARSEACCEL_BENCH_SQUEEZENETLAYERS_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"

#include <string>
#include <vector>

namespace sparseaccel::bench {

struct ConvLayer {
  std::string name;
  dataflow::Contraction shape;
  double densityA = 1, densityB = 1; ///< Nonzeros among activations and weights.
};

inline std::vector<ConvLayer> squeezeNetLayers() {
  std::vector<ConvLayer> layers;
  auto add = [&](std::string name, int64_t c, int64_t m, int64_t side, int64_t kernel, int64_t stride, int64_t pad,
                 double densityA, double densityB) {
    ConvLayer layer;
    layer.name = std::move(name);
    dataflow::Contraction &shape = layer.shape;
    shape.c = c, shape.m = m, shape.r = shape.s = kernel;
    shape.strideH = shape.strideW = stride;
    shape.p = shape.q = (side + 2 * pad - kernel) / stride + 1;
    shape.padTop = shape.padBottom = shape.padLeft = shape.padRight = pad;
    layer.densityA = densityA, layer.densityB = densityB;
    layers.push_back(layer);
  };
  add("conv1", 3, 96, 227, 7, 2, 0, 1.0, 0.98);
  struct Fire {
    int64_t number, c, squeeze, expand, side;
  };
  for (const Fire &fire :
       {Fire{2, 96, 16, 64, 55}, Fire{3, 128, 16, 64, 55}, Fire{4, 128, 32, 128, 55}, Fire{5, 256, 32, 128, 27},
        Fire{6, 256, 48, 192, 27}, Fire{7, 384, 48, 192, 27}, Fire{8, 384, 64, 256, 27}, Fire{9, 512, 64, 256, 13}}) {
    std::string name = "fire" + std::to_string(fire.number);
    add(name + "/conv1x1_1", fire.c, fire.squeeze, fire.side, 1, 1, 0, 0.55, 0.9);
    add(name + "/conv1x1_2", fire.squeeze, fire.expand, fire.side, 1, 1, 0, 0.8, 0.9);
    add(name + "/conv3x3_2", fire.squeeze, fire.expand, fire.side, 3, 1, 1, 0.8, 0.33);
  }
  add("conv_final", 512, 1000, 13, 1, 1, 1, 0.14, 0.2);
  return layers;
}

} // namespace sparseaccel::bench

#endif // SPARSEACCEL_BENCH_SQUEEZENETLAYERS_H
