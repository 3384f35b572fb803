//===- Synthetic.cpp - Tensors from a seed and a density ------------------===//

#include "SparseAccel/Target/Workload/Workload.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

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

/// Of the bits of a draw, 31 are the magnitude and one the sign; never zero. Of `values` distinct ones, where not all
/// of the type's may be drawn, half are negative in a signed tensor (the smaller half, of an odd number).
template <typename T>
T valueOf(uint64_t draw, bool isSigned, uint64_t values) {
  constexpr uint64_t kHighest = sizeof(T) == 1 ? 127 : 32767;
  uint64_t bits = (draw >> 1) & 0x7fffffff;
  if (values == 0) {
    auto magnitude = int64_t(1 + (bits * kHighest >> 31));
    return T(isSigned && (draw & 1) ? -magnitude : magnitude);
  }
  bool negative = isSigned && (draw & 1) && values > 1;
  uint64_t magnitudes = std::min(kHighest, !isSigned ? values : negative ? values / 2 : values - values / 2);
  auto magnitude = int64_t((1 + (bits * magnitudes >> 31)) * kHighest / magnitudes);
  return T(negative ? -magnitude : magnitude);
}

/// One draw an element: its upper 32 bits decide whether it is nonzero. Without branches: they could not be foreseen.
template <typename T>
void fillIndependent(T *tensor, uint64_t elements, double density, bool isSigned, uint64_t values,
                     Generator generator) {
  auto threshold = uint64_t(std::llround(density * 4294967296.0));
  for (uint64_t i = 0; i < elements; ++i) {
    uint64_t draw = generator.next();
    T value = valueOf<T>(draw, isSigned, values);
    tensor[i] = T(value & -T((draw >> 32) < threshold));
  }
}

/// `nonzeros` of the elements, each choice as likely as any other: selection sampling (Fan, Muller and Rezucha, 1962).
template <typename T>
void fillExactly(T *tensor, uint64_t elements, uint64_t nonzeros, bool isSigned, uint64_t values,
                 Generator &generator) {
  for (uint64_t i = 0; i < elements && nonzeros; ++i) {
    auto position = uint64_t((unsigned __int128)generator.next() * (elements - i) >> 64);
    if (position >= nonzeros)
      continue;
    tensor[i] = valueOf<T>(generator.next(), isSigned, values);
    --nonzeros;
  }
}

/// How the elements of a tensor hang together.
struct Layout {
  uint64_t elements = 0;
  uint64_t row = 0;      ///< Elements of a row: those of a filter, or the channels of a pixel.
  uint64_t channels = 0; ///< Channels of a group, along which blocks of N:M lie.
};

uint64_t perRow(double density, uint64_t row) { return uint64_t(std::llround(density * double(row))); }

/// `tensor` is zero.
template <typename T>
void fill(T *tensor, const Layout &layout, const Sparsity &sparsity, bool isSigned, uint64_t seed, uint64_t image) {
  Generator generator(seed);
  auto values = uint64_t(sparsity.values);
  switch (sparsity.kind) {
  case SparsityKind::Independent:
    return fillIndependent(tensor, layout.elements, sparsity.density, isSigned, values, generator);
  case SparsityKind::PerRow:
    for (uint64_t at = 0; at < layout.elements; at += layout.row)
      fillExactly(tensor + at, layout.row, perRow(sparsity.density, layout.row), isSigned, values, generator);
    return;
  case SparsityKind::NOfM:
    for (uint64_t at = 0; at < layout.elements; at += layout.channels)
      for (uint64_t block = 0; block < layout.channels; block += uint64_t(sparsity.m)) {
        uint64_t size = std::min<uint64_t>(uint64_t(sparsity.m), layout.channels - block);
        fillExactly(tensor + at + block, size, std::min<uint64_t>(uint64_t(sparsity.n), size), isSigned, values,
                    generator);
      }
    return;
  case SparsityKind::Mask: {
    const Mask &mask = *sparsity.masks[image % sparsity.masks.size()];
    for (uint64_t i = 0; i < layout.elements; ++i)
      tensor[i] = T(valueOf<T>(generator.next(), isSigned, values) & -T(mask.nonzero[i]));
    return;
  }
  case SparsityKind::Exact:
    return fillExactly(tensor, layout.elements, sparsity.counts[image % sparsity.counts.size()], isSigned, values,
                       generator);
  }
}

std::vector<uint8_t> make(const Layout &layout, unsigned bytes, const Sparsity &sparsity, bool isSigned, uint64_t seed,
                          uint64_t image) {
  std::vector<uint8_t> tensor(layout.elements * bytes);
  if (bytes == 1)
    fill(reinterpret_cast<int8_t *>(tensor.data()), layout, sparsity, isSigned, seed, image);
  else
    fill(reinterpret_cast<int16_t *>(tensor.data()), layout, sparsity, isSigned, seed, image);
  return tensor;
}

/// As many nonzeros anywhere. What is drawn independently already stays.
void scatter(Sparsity &sparsity, uint64_t elements) {
  if (sparsity.kind == SparsityKind::Independent || sparsity.kind == SparsityKind::Exact)
    return;
  sparsity.counts.clear();
  for (const std::shared_ptr<const Mask> &mask : sparsity.masks)
    sparsity.counts.push_back(mask->count);
  if (sparsity.masks.empty())
    sparsity.counts.push_back(uint64_t(std::llround(sparsity.density * double(elements))));
  sparsity.kind = SparsityKind::Exact;
  sparsity.masks.clear();
}

} // namespace

std::vector<uint8_t> makeTensor(uint64_t elements, unsigned bytes, double density, bool isSigned, uint64_t seed) {
  Sparsity sparsity;
  sparsity.density = density;
  return make({elements, elements, elements}, bytes, sparsity, isSigned, seed, 0);
}

std::vector<uint8_t> makeWeights(const Workload &workload, size_t layer, uint64_t image) {
  const Layer &of = workload.layers[layer];
  const dataflow::Contraction &s = of.shape;
  return make({uint64_t(of.weightElements()), uint64_t(s.r * s.s * s.c), uint64_t(s.c)}, s.elementBits / 8, of.weights,
              true, mix(workload.seed, layer, 1, image), image);
}

std::vector<uint8_t> makeInput(const Workload &workload, size_t layer, uint64_t image) {
  const Layer &of = workload.layers[layer];
  const dataflow::Contraction &s = of.shape;
  return make({uint64_t(of.inputElements()), uint64_t(s.g * s.c), uint64_t(s.c)}, s.elementBits / 8, of.activations,
              false, mix(workload.seed, layer, 0, image), image);
}

Workload withIndependentZeros(Workload workload) {
  for (Layer &layer : workload.layers) {
    scatter(layer.weights, uint64_t(layer.weightElements()));
    scatter(layer.activations, uint64_t(layer.inputElements()));
  }
  return workload;
}

std::string describeLeftOut(const Workload &workload, const machine::Machine &machine) {
  static constexpr size_t kNamed = 3;
  std::vector<std::string> names;
  double all = 0, left = 0;
  for (const Layer &layer : workload.layers) {
    auto macs = double(layer.shape.macs());
    all += macs;
    if (std::find(machine.kinds.begin(), machine.kinds.end(), layer.shape.kind) != machine.kinds.end())
      continue;
    left += macs;
    names.push_back(layer.name);
  }
  if (names.empty())
    return "";
  std::vector<std::string> first(names.begin(), names.begin() + int64_t(std::min(names.size(), kNamed)));
  return absl::StrCat("left out, since the machine does not take their kind: ", absl::StrJoin(first, ", "),
                      names.size() > kNamed ? absl::StrCat(" and ", names.size() - kNamed, " more") : "",
                      absl::StrFormat(" (%.1f%% of the MACs)", 100 * left / all));
}

std::string describeTensors(const Workload &workload) {
  static constexpr const char *kNames[] = {"independent", "the same number in every row", "N:M", "where the masks say",
                                           "a given number, anywhere"};
  std::set<SparsityKind> kinds;
  for (const Layer &layer : workload.layers)
    kinds.insert({layer.weights.kind, layer.activations.kind});
  std::vector<std::string> names;
  for (SparsityKind kind : kinds)
    names.push_back(kNames[size_t(kind)]);
  return absl::StrCat("Values are synthetic: workload '", workload.name, "', seed ", workload.seed,
                      kinds == std::set<SparsityKind>{SparsityKind::Independent}
                          ? std::string(", independent nonzeros.")
                          : absl::StrCat("; nonzeros: ", absl::StrJoin(names, "; "), "."));
}

} // namespace sparseaccel::workload
