//===- Problem.h - Layers and tensors as the scheduler sees them -*- C++ -*-===//
//
// The scheduler's own view of a program: every activation is [N][H][W][C], every weight [G*M][R][S][C]; a layer names
// its operands as views of tensors. Nothing here knows MLIR: the passes fill it from accel layer ops and write the
// answers back.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TRANSFORMS_SCHEDULE_PROBLEM_H
#define SPARSEACCEL_TRANSFORMS_SCHEDULE_PROBLEM_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"
#include "SparseAccel/Target/Machine/Machine.h"

#include <array>
#include <string>
#include <vector>

namespace sparseaccel::schedule {

using Coord = std::array<int64_t, 4>;

/// A box of a tensor, in elements.
struct Box {
  Coord origin{0, 0, 0, 0};
  Coord extent{1, 1, 1, 1};
  int64_t elements() const { return extent[0] * extent[1] * extent[2] * extent[3]; }
  bool overlaps(const Box &other) const {
    for (int d = 0; d < 4; ++d)
      if (origin[d] >= other.origin[d] + other.extent[d] || other.origin[d] >= origin[d] + extent[d])
        return false;
    return true;
  }
  bool contains(const Box &other) const {
    for (int d = 0; d < 4; ++d)
      if (other.origin[d] < origin[d] || other.origin[d] + other.extent[d] > origin[d] + extent[d])
        return false;
    return true;
  }
  bool operator==(const Box &) const = default;
};

/// A tensor in DRAM.
struct TensorDesc {
  std::string name;
  unsigned elementBytes = 2;
  Coord shape{1, 1, 1, 1};
  formats::Format dramFormat, bufferFormat;
  double density = 1.0; ///< Fraction of nonzeros: exact for constants, calibrated or 1 for activations.
  bool constant = false;
  Coord granule{0, 0, 0, 0}; ///< Zero: not chosen yet.
  /// Of a constant that lies in DRAM and in its buffer alike: bytes of the slot of its own size that it gets as one
  /// granule. 0: none, slots have the worst case.
  uint64_t ownSlotBytes = 0;
};

/// A value: a tensor, or a box of one (an operand of a concatenation that was never copied).
struct View {
  int tensor = -1;
  Coord origin{0, 0, 0, 0};
  Coord shape{1, 1, 1, 1};
};

enum class LayerClass : uint8_t {
  Contraction, ///< MACs on the array, then a rescale.
  Window,      ///< Pools.
  Map,         ///< Elementwise work, rescale, table, copy: output element i needs input element i.
  Host         ///< Whole tensors on the host.
};

/// A layer. For windows and maps `shape` gives the output's n, p, q and the channels in m (c = 1), windows in r and s.
struct LayerDesc {
  std::string name, kind;
  LayerClass cls = LayerClass::Contraction;
  isa::VectorKind vector = isa::VectorKind::Rescale;
  dataflow::Contraction shape;
  View a, b, o;            ///< b: weights of a contraction, second operand of a map; tensor -1 where there is none.
  bool configured = false; ///< Has numerics that must be fetched before use.
  bool biased = false;     ///< Sums start from a bias.
  isa::SafSet safs;
};

/// Tile extents over N, G, M, C, P, Q (R and S are never tiled), the order of the loops over tiles, and what happens
/// inside one.
struct Tiling {
  std::array<int64_t, isa::kNumRanks> tile{1, 1, 1, 1, 1, 1, 1, 1};
  std::vector<isa::Rank> order; ///< Outermost first; ranks of one tile may be absent.
  isa::Mapping inner;           ///< Loops of levels below DRAM.
  int64_t extent(isa::Rank rank) const { return tile[static_cast<unsigned>(rank)]; }
};

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t roundUp(int64_t a, int64_t b) { return ceilDiv(a, b) * b; }

/// The loops over tiles (level 0, one for every rank of more than one tile) followed by the inner ones. A loop of f
/// iterations over an extent e cuts it into tiles of ceil(e / f): the tiling is a function of the mapping and the
/// layer.
isa::Mapping toMapping(const LayerDesc &layer, const Tiling &tiling);
/// The reverse. Loops of level 0 come first in a mapping.
Tiling fromMapping(const LayerDesc &layer, const isa::Mapping &mapping);

/// Where the program keeps each operand. Levels are indices in Machine::levels, -1 where the machine has none.
struct Homes {
  int a = -1, b = -1, sums = -1, o = -1;
};
/// Activations live in the outermost program-managed level that holds A, weights in that of B, sums in the one that
/// holds O with a psum width, results in one that holds O without (else in that of the sums). An error names the
/// operand that has no home.
absl::StatusOr<Homes> findHomes(const machine::Machine &machine);

/// Bytes of a granule's slot in DRAM, in whole bursts.
uint64_t dramSlotBytes(const TensorDesc &tensor, const Coord &granule, uint32_t burst);
/// The slot that a constant of `encodedBytes` gets as one granule: in whole bursts, and not less than a program may
/// say. 0 where the worst case fits the level too: sizes that depend on values are left to what needs them.
uint64_t ownSlotBytes(const TensorDesc &tensor, uint64_t encodedBytes, uint32_t burst, uint64_t levelBytes);
/// What a box of a tensor occupies in its buffer: dense row-major, or one slot (rounded up to 8 bytes) for each
/// granule.
uint64_t bufferBytes(const TensorDesc &tensor, const Coord &granule, const Coord &extent);
/// DRAM bytes of a box of a dense tensor, bursts included, where the tensor is row-major: each contiguous run takes
/// whole bursts.
double rowMajorBytes(const TensorDesc &tensor, const Coord &extent, uint32_t burst);
/// The same where it lies granule by granule: each granule takes whole bursts.
double denseSlotBytes(const TensorDesc &tensor, const Coord &granule, const Coord &extent, uint32_t burst);
/// Expected DRAM bytes of a box of these extents, bursts included. A dense tensor has the layout that moves less.
double dramBytes(const TensorDesc &tensor, const Coord &granule, const Coord &extent, uint32_t burst);
/// Expected DRAM bytes for each element of an encoded tensor, without bursts and length words.
double leastBytesPerElement(const TensorDesc &tensor, const Coord &granule);
/// The granule that a tile of this extent would give the tensor on its own.
Coord defaultGranule(const TensorDesc &tensor, const Coord &tile, bool weights);

} // namespace sparseaccel::schedule

#endif // SPARSEACCEL_TRANSFORMS_SCHEDULE_PROBLEM_H
