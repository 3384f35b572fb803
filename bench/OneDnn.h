//===- OneDnn.h - The yardstick: float32 convolutions -----------*- C++ -*-===//

#ifndef SPARSEACCEL_BENCH_ONEDNN_H
#define SPARSEACCEL_BENCH_ONEDNN_H

#include "SqueezeNetLayers.h"

#include <memory>

namespace sparseaccel::bench {

/// One convolution by oneDNN: float32, the layouts and the algorithm that it picks itself, weights reordered
/// beforehand. Threads are OpenMP's.
class OneDnnConv {
public:
  explicit OneDnnConv(const ConvLayer &layer);
  ~OneDnnConv();
  void run();

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace sparseaccel::bench

#endif // SPARSEACCEL_BENCH_ONEDNN_H
