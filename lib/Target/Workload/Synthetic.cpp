//===- Synthetic.cpp - Tensors from a seed and a density ------------------===//

#include "SparseAccel/Target/Workload/Workload.h"

#include <cmath>
#include <cstring>

namespace sparseaccel::workload {

namespace {

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and the same everywhere.
class Generator {
public:
  explicit Generator(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

private:
  uint64_t state;
};

uint64_t mix(uint64_t seed, uint64_t layer, uint64_t operand, uint64_t image) {
  Generator generator(seed);
  for (uint64_t part : {layer, operand, image})
    generator = Generator(generator.next() ^ part);
  return generator.next();
}

} // namespace

std::vector<uint8_t> makeTensor(uint64_t elements, unsigned bytes, double density, bool isSigned, uint64_t seed) {
  std::vector<uint8_t> tensor(elements * bytes);
  Generator generator(seed);
  // One draw an element: 32 bits decide whether it is nonzero, 31 its magnitude, one its sign.
  uint64_t threshold = uint64_t(std::llround(density * 4294967296.0));
  uint64_t highest = bytes == 1 ? 127 : 32767;
  for (uint64_t i = 0; i < elements; ++i) {
    uint64_t draw = generator.next();
    if ((draw >> 32) >= threshold)
      continue;
    auto magnitude = int64_t(1 + (((draw >> 1) & 0x7fffffff) * highest >> 31));
    int64_t value = isSigned && (draw & 1) ? -magnitude : magnitude;
    if (bytes == 1) {
      tensor[i] = uint8_t(int8_t(value));
    } else {
      auto wide = int16_t(value);
      std::memcpy(&tensor[2 * i], &wide, 2);
    }
  }
  return tensor;
}

std::vector<uint8_t> makeWeights(const Workload &workload, size_t layer) {
  const Layer &of = workload.layers[layer];
  const dataflow::Contraction &shape = of.shape;
  return makeTensor(uint64_t(shape.g * shape.m * shape.r * shape.s * shape.c), shape.elementBits / 8, of.weightDensity,
                    true, mix(workload.seed, layer, 1, 0));
}

std::vector<uint8_t> makeInput(const Workload &workload, size_t layer, uint64_t image) {
  const Layer &of = workload.layers[layer];
  const dataflow::Contraction &shape = of.shape;
  return makeTensor(uint64_t(shape.n * of.inputHeight * of.inputWidth * shape.g * shape.c), shape.elementBits / 8,
                    of.activationDensity, false, mix(workload.seed, layer, 0, image));
}

} // namespace sparseaccel::workload
