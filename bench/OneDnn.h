//===- OneDnn.h - The yardstick: float32 layers -----------------*- C++ -*-===//

#ifndef SPARSEACCEL_BENCH_ONEDNN_H
#define SPARSEACCEL_BENCH_ONEDNN_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"

#include <memory>

namespace sparseaccel::bench {

/// One layer by oneDNN: float32, the layouts and the algorithm that it picks itself, weights reordered beforehand.
/// Fully connected layers are inner products, all others convolutions. Threads are OpenMP's.
class OneDnnLayer {
public:
  explicit OneDnnLayer(const dataflow::Contraction &shape);
  ~OneDnnLayer();
  void run();

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace sparseaccel::bench

#endif // SPARSEACCEL_BENCH_ONEDNN_H
