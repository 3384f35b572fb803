//===- Coverage.cpp - Whether a mapping does all work once ----------------===//

#include "Schedule/Coverage.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace sparseaccel::schedule {

using isa::Rank;

static absl::Status checkTiles(const LayerDesc &layer, const Tiling &tiling, const isa::Mapping &mapping, Rank rank,
                               char name) {
  int64_t extent = layer.shape.extent(rank), tile = tiling.extent(rank), asked = 1;
  unsigned loops = 0;
  for (const isa::Loop &loop : mapping.loops)
    if (loop.level == 0 && loop.rank == rank) {
      asked = std::min<int64_t>(asked * loop.factor, int64_t(1) << 40);
      ++loops;
    }
  int64_t suffice = ceilDiv(extent, tile);
  if (asked == suffice)
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(asked, " tiles of rank ", std::string(1, name),
                                                 loops > 1 ? " in several loops" : "", " do not cut its extent of ",
                                                 extent, " evenly enough: ", suffice, " tiles of ", tile, " suffice"));
}

static absl::Status checkInside(const Tiling &tiling, Rank rank, char name) {
  constexpr int64_t most = int64_t(1) << 40;
  int64_t extent = tiling.extent(rank), covered = 1;
  for (auto loop = tiling.inner.loops.rbegin(); loop != tiling.inner.loops.rend(); ++loop) {
    if (loop->rank != rank)
      continue;
    int64_t inside = covered;
    covered = std::min(covered * loop->factor, most);
    // Iteration i of this loop begins at i * inside.
    if (loop->kind == isa::LoopKind::Temporal && (loop->factor - 1) * inside >= extent && loop->factor > 1)
      return absl::InvalidArgumentError(
          absl::StrCat("the loops over rank ", std::string(1, name), " inside a tile would repeat work: one of ",
                       loop->factor, " iterations over ", inside, " each reaches ", covered, ", but the tile has ",
                       extent, ", for which ", ceilDiv(extent, inside), " suffice"));
  }
  if (covered < extent)
    return absl::InvalidArgumentError(absl::StrCat("the loops over rank ", std::string(1, name),
                                                   " inside a tile leave out work: they cover ", covered,
                                                   ", but the tile has ", extent));
  return absl::OkStatus();
}

absl::Status checkCoverage(const LayerDesc &layer, const isa::Mapping &mapping) {
  static constexpr char names[] = "NGMCPQRS";
  Tiling tiling = fromMapping(layer, mapping);
  for (unsigned r = 0; r < isa::kNumRanks; ++r) {
    if (absl::Status status = checkTiles(layer, tiling, mapping, static_cast<Rank>(r), names[r]); !status.ok())
      return status;
    if (tiling.inner.loops.empty())
      continue;
    if (absl::Status status = checkInside(tiling, static_cast<Rank>(r), names[r]); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

} // namespace sparseaccel::schedule
