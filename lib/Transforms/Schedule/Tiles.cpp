//===- Tiles.cpp - Boxes of tiles, room for them, and granules ------------===//

#include "Schedule/Search.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <numeric>

namespace sparseaccel::schedule {

using isa::Rank;
using RankIndex = std::array<int64_t, isa::kNumRanks>;

static unsigned at(Rank rank) { return static_cast<unsigned>(rank); }

RankIndex tileCounts(const LayerDesc &layer, const Tiling &tiling) {
  RankIndex counts;
  for (unsigned r = 0; r < isa::kNumRanks; ++r)
    counts[r] = ceilDiv(layer.shape.extent(static_cast<Rank>(r)), tiling.tile[r]);
  return counts;
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

/// Input positions that output positions [first, first + count) read along one axis, clipped to [0, limit).
static void window(int64_t first, int64_t count, int64_t stride, int64_t dilation, int64_t taps, int64_t padLow,
                   int64_t limit, int64_t &origin, int64_t &extent, int64_t &tilePadLow, int64_t &tilePadHigh) {
  int64_t low = first * stride - padLow;
  int64_t high = (first + count - 1) * stride - padLow + (taps - 1) * dilation + 1;
  origin = std::clamp<int64_t>(low, 0, limit);
  int64_t end = std::clamp<int64_t>(high, 0, limit);
  extent = std::max<int64_t>(end - origin, 0);
  tilePadLow = std::max<int64_t>(0, std::min<int64_t>(-low, high - low));
  tilePadHigh = (high - low) - tilePadLow - extent;
}

TileBoxes tileBoxes(const LayerDesc &layer, const Tiling &tiling, const RankIndex &index) {
  const dataflow::Contraction &shape = layer.shape;
  TileBoxes boxes;
  RankIndex first, count;
  for (unsigned r = 0; r < isa::kNumRanks; ++r) {
    first[r] = index[r] * tiling.tile[r];
    count[r] = std::min(tiling.tile[r], shape.extent(static_cast<Rank>(r)) - first[r]);
  }
  auto [n0, g0, m0, c0, p0, q0, r0, s0] = first;
  auto [n, g, m, c, p, q, r, s] = count;
  boxes.shape = shape;
  boxes.shape.n = n, boxes.shape.g = g, boxes.shape.m = m, boxes.shape.c = c, boxes.shape.p = p, boxes.shape.q = q;
  boxes.o = {{n0, p0, q0, g0 * shape.m + m0}, {n, p, q, g == 1 ? m : g * shape.m}};
  if (layer.cls == LayerClass::Map) {
    boxes.a = boxes.o;
    boxes.aRead = boxes.a.origin;
    boxes.b = boxes.o;
    for (int d = 0; d < 4; ++d)
      if (layer.b.shape[d] == 1) {
        boxes.b.origin[d] = 0;
        boxes.b.extent[d] = 1;
      }
    return boxes;
  }
  int64_t row, rows, column, columns;
  window(p0, p, shape.strideH, shape.dilationH, r, shape.padTop, shape.inputRows(), row, rows, boxes.shape.padTop,
         boxes.shape.padBottom);
  window(q0, q, shape.strideW, shape.dilationW, s, shape.padLeft, shape.inputColumns(), column, columns,
         boxes.shape.padLeft, boxes.shape.padRight);
  // Windows keep their channels in m; a contraction's input channels are those of its groups.
  int64_t channel = layer.cls == LayerClass::Window ? m0 : g0 * shape.c + c0;
  int64_t channels = layer.cls == LayerClass::Window ? m : (g == 1 ? c : g * shape.c);
  boxes.aRead = {n0, row, column, channel};
  boxes.a = {{n0, row, column, channel}, {n, rows, columns, channels}};
  if (q == shape.q) {
    boxes.a.origin[2] = 0;
    boxes.a.extent[2] = std::max(layer.a.shape[2], columns);
  }
  if (layer.cls == LayerClass::Contraction)
    boxes.b = {{g0 * shape.m + m0, 0, 0, c0}, {g == 1 ? m : g * shape.m, r, s, c}};
  return boxes;
}

//===----------------------------------------------------------------------===//
// Capacity
//===----------------------------------------------------------------------===//

Coord granuleFor(const TensorDesc &tensor, const Coord &tile, bool weights) {
  return tensor.granule[3] ? tensor.granule : defaultGranule(tensor, tile, weights);
}

std::string describe(const Tiling &tiling) {
  static const char *names = "NGMCPQ";
  std::string text;
  for (unsigned r = 0; r < 6; ++r)
    absl::StrAppend(&text, r ? " " : "", std::string(1, names[r]), "=", tiling.tile[r]);
  return text;
}

uint64_t slotRoom(uint64_t bytes, const machine::Level &level) {
  uint64_t unit = 8;
  if (level.psumBits)
    unit = std::lcm<uint64_t>(unit, level.psumBits / std::gcd<uint64_t>(8, level.psumBits));
  return (bytes + unit - 1) / unit * unit;
}

/// Groups of n:m lie along channels: a cut between them must not go through one.
static absl::Status checkGroups(const LayerDesc &layer, const Tiling &tiling, const TensorDesc &weights) {
  int64_t channels = layer.shape.c, tile = tiling.extent(Rank::C);
  for (const formats::Format *format : {&weights.dramFormat, &weights.bufferFormat})
    for (const formats::RankFormat &rank : format->ranks)
      if (rank.kind == formats::RankKind::NM && tile < channels && (tile % rank.m || channels % rank.m))
        return absl::InvalidArgumentError(absl::StrCat("layer '", layer.name, "': tiles of ", tile, " of ", channels,
                                                       " input channels cut groups of ", rank.m,
                                                       " of weights in format '", formats::toString(*format), "'"));
  return absl::OkStatus();
}

absl::StatusOr<SlotLayout> layoutSlots(const LayerDesc &layer, const Tiling &tiling,
                                       const std::vector<TensorDesc> &tensors, const Homes &homes,
                                       const machine::Machine &machine) {
  SlotLayout layout;
  RankIndex counts = tileCounts(layer, tiling);
  auto tiles = [&](std::initializer_list<Rank> ranks) {
    int64_t product = 1;
    for (Rank rank : ranks)
      product *= counts[at(rank)];
    return product;
  };
  auto copies = [&](int level, int64_t tiles) { return machine.levels[level].doubleBuffered && tiles > 1 ? 2u : 1u; };
  auto roomIn = [&](int level, uint64_t bytes) { return slotRoom(bytes, machine.levels[level]); };

  // The largest tile of each operand: the first one holds whole extents, but padding shortens its rows, so rows are
  // taken without padding.
  TileBoxes boxes = tileBoxes(layer, tiling, {});
  const dataflow::Contraction &shape = layer.shape;
  if (layer.cls != LayerClass::Map) {
    auto rows = [](int64_t count, int64_t stride, int64_t taps, int64_t dilation, int64_t limit) {
      return std::min((count - 1) * stride + (taps - 1) * dilation + 1, limit);
    };
    boxes.a.extent[1] = rows(boxes.shape.p, shape.strideH, shape.r, shape.dilationH, shape.inputRows());
    if (boxes.shape.q != shape.q)
      boxes.a.extent[2] = rows(boxes.shape.q, shape.strideW, shape.s, shape.dilationW, shape.inputColumns());
  }
  bool contraction = layer.cls == LayerClass::Contraction;
  const TensorDesc &a = tensors[layer.a.tensor], &o = tensors[layer.o.tensor];
  layout.a.level = homes.a;
  layout.a.bytes = roomIn(homes.a, bufferBytes(a, granuleFor(a, boxes.a.extent, false), boxes.a.extent));
  layout.a.copies = copies(homes.a, contraction ? tiles({Rank::N, Rank::G, Rank::C, Rank::P, Rank::Q})
                                                : tiles({Rank::N, Rank::M, Rank::P, Rank::Q}));
  if (layer.b.tensor >= 0) {
    const TensorDesc &b = tensors[layer.b.tensor];
    layout.b.level = contraction ? homes.b : homes.a;
    if (contraction && b.constant)
      if (absl::Status status = checkGroups(layer, tiling, b); !status.ok())
        return status;
    layout.b.bytes = roomIn(layout.b.level,
                            bufferBytes(b, granuleFor(b, boxes.b.extent, contraction && b.constant), boxes.b.extent));
    layout.b.copies = copies(layout.b.level, contraction ? tiles({Rank::G, Rank::M, Rank::C})
                                                         : tiles({Rank::N, Rank::M, Rank::P, Rank::Q}));
  }
  int64_t outputTiles = tiles({Rank::N, Rank::G, Rank::M, Rank::P, Rank::Q});
  if (contraction) {
    layout.sums.level = homes.sums;
    layout.sums.bytes = roomIn(homes.sums, (boxes.o.elements() * machine.levels[homes.sums].psumBits + 7) / 8);
    layout.sums.copies = copies(homes.sums, outputTiles);
  }
  layout.o.level = homes.o;

  std::vector<uint64_t> used(machine.levels.size());
  for (const SlotNeed *need : {&layout.a, &layout.b, &layout.sums})
    if (need->level >= 0)
      used[need->level] += need->bytes * need->copies;
  auto capacity = [&](int level) { return machine.levels[level].sizeBytes * machine.levels[level].instances; };
  auto tooBig = [&](int level, uint64_t needed) {
    return absl::ResourceExhaustedError(absl::StrCat("layer '", layer.name, "': a tile of ", describe(tiling),
                                                     " needs ", needed, " bytes in level '", machine.levels[level].name,
                                                     "', which has ", capacity(level)));
  };
  for (int level = 0, e = static_cast<int>(used.size()); level < e; ++level)
    if (used[level] > capacity(level))
      return tooBig(level, used[level]);

  // Results: the whole tile where it fits, else as many rows of one image as do.
  uint64_t room = capacity(homes.o) - used[homes.o];
  Coord extent = boxes.o.extent;
  Coord granule = granuleFor(o, extent, false);
  auto fits = [&](const Coord &piece, int64_t pieces) {
    layout.o.bytes = roomIn(homes.o, bufferBytes(o, granule, piece));
    layout.o.copies = copies(homes.o, pieces);
    return layout.o.bytes * layout.o.copies <= room;
  };
  if (fits(extent, outputTiles))
    return layout;
  // Maps and windows write as much as they read; pieces serve contractions, whose sums wait in a buffer.
  if (!contraction)
    return tooBig(homes.o, used[homes.o] + layout.o.bytes * layout.o.copies);
  // A piece's sums begin at a whole byte: of 20 bits they come in twos.
  uint64_t psumBits = machine.levels[homes.sums].psumBits;
  auto beginsAtByte = [&](int64_t rows) { return rows * extent[2] * extent[3] * psumBits % 8 == 0; };
  if (extent[0] > 1 && !beginsAtByte(extent[1]))
    return tooBig(homes.o, used[homes.o] + layout.o.bytes * layout.o.copies);
  Coord piece = extent;
  piece[0] = 1;
  uint64_t rowBytes = std::max<uint64_t>(bufferBytes(o, granule, {1, 1, extent[2], extent[3]}), 1);
  piece[1] = std::clamp<int64_t>(room / (rowBytes * copies(homes.o, 2)), 1, extent[1]);
  auto toByte = [&] {
    while (piece[1] > 1 && piece[1] < extent[1] && !beginsAtByte(piece[1]))
      --piece[1];
    return piece[1] == extent[1] || beginsAtByte(piece[1]);
  };
  if (piece[1] > 1 && !fits(piece, 2))
    --piece[1];
  if (!toByte() || !fits(piece, 2))
    return tooBig(homes.o, used[homes.o] + layout.o.bytes * layout.o.copies);
  layout.oRows = piece[1];
  return layout;
}

absl::Status accepts(const LayerDesc &layer, const machine::Machine &machine) {
  static const char *kinds[] = {"conv", "depthwise", "fully_connected", "matmul"};
  if (layer.cls == LayerClass::Contraction) {
    if (std::find(machine.kinds.begin(), machine.kinds.end(), layer.shape.kind) == machine.kinds.end())
      return absl::UnimplementedError(absl::StrCat("machine '", machine.name, "' takes no contraction of kind '",
                                                   kinds[static_cast<unsigned>(layer.shape.kind)], "'"));
    if (!machine.supports(isa::VectorKind::Rescale))
      return absl::UnimplementedError(absl::StrCat("machine '", machine.name, "' has no vector unit for 'rescale'"));
  } else if (layer.cls != LayerClass::Host && !machine.supports(layer.vector)) {
    return absl::UnimplementedError(
        absl::StrCat("machine '", machine.name, "' has no vector unit for '", layer.kind, "'"));
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Granules
//===----------------------------------------------------------------------===//

void chooseGranules(const std::vector<LayerDesc> &layers, const std::vector<Tiling> &tilings,
                    std::vector<TensorDesc> &tensors) {
  // Along each axis the greatest common divisor of every cut, the tensor's own edge not being one.
  std::vector<Coord> cuts(tensors.size(), Coord{0, 0, 0, 0});
  auto cut = [&](const View &view, int d, int64_t position) {
    position += view.origin[d];
    if (position != 0 && position != tensors[view.tensor].shape[d])
      cuts[view.tensor][d] = std::gcd(cuts[view.tensor][d], position);
  };
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerDesc &layer = layers[i];
    if (layer.cls == LayerClass::Host)
      continue;
    RankIndex counts = tileCounts(layer, tilings[i]);
    // One rank at a time: boxes are products of intervals.
    for (unsigned r = 0; r < isa::kNumRanks; ++r)
      for (int64_t t = 0; t < counts[r]; ++t) {
        RankIndex index{};
        index[r] = t;
        // Channels of groups and of tiles within a group combine.
        std::vector<RankIndex> indices{index};
        if (static_cast<Rank>(r) == Rank::M || static_cast<Rank>(r) == Rank::C)
          for (int64_t g = 1; g < counts[at(Rank::G)]; ++g) {
            index[at(Rank::G)] = g;
            indices.push_back(index);
          }
        for (const RankIndex &where : indices) {
          TileBoxes boxes = tileBoxes(layer, tilings[i], where);
          for (int d = 0; d < 4; ++d) {
            cut(layer.a, d, boxes.a.origin[d]);
            cut(layer.a, d, boxes.a.origin[d] + boxes.a.extent[d]);
            cut(layer.o, d, boxes.o.origin[d]);
            cut(layer.o, d, boxes.o.origin[d] + boxes.o.extent[d]);
            if (layer.b.tensor >= 0) {
              cut(layer.b, d, boxes.b.origin[d]);
              cut(layer.b, d, boxes.b.origin[d] + boxes.b.extent[d]);
            }
          }
        }
      }
  }
  for (size_t t = 0; t < tensors.size(); ++t) {
    TensorDesc &tensor = tensors[t];
    for (int d = 0; d < 4; ++d)
      tensor.granule[d] = cuts[t][d] ? cuts[t][d] : tensor.shape[d];
    if (!tensor.constant)
      tensor.granule[0] = tensor.granule[1] = 1;
  }
}

} // namespace sparseaccel::schedule
