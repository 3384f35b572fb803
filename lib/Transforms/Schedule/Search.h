//===- Search.h - Tile sizes that fit, chosen by estimate -------*- C++ -*-===//

#ifndef SPARSEACCEL_TRANSFORMS_SCHEDULE_SEARCH_H
#define SPARSEACCEL_TRANSFORMS_SCHEDULE_SEARCH_H

#include "Schedule/Problem.h"
#include "SparseAccel/Transforms/Objective.h"

namespace sparseaccel::schedule {

/// What a tile of a layer reads and writes, in the operands' own coordinates (a view's origin not added).
struct TileBoxes {
  Box a; ///< What is loaded: the input rows that exist (padding apart), whole rows where columns are not tiled.
  Coord aRead{0, 0, 0, 0};     ///< First element of it that the tile reads.
  Box b;                       ///< Weights, or the second operand of a map.
  Box o;                       ///< Outputs.
  dataflow::Contraction shape; ///< The tile as a contraction of its own: extents, and the padding that it sees.
};
/// `index`: number of the tile in each rank.
TileBoxes tileBoxes(const LayerDesc &layer, const Tiling &tiling, const std::array<int64_t, isa::kNumRanks> &index);
/// Tiles in each rank.
std::array<int64_t, isa::kNumRanks> tileCounts(const LayerDesc &layer, const Tiling &tiling);

/// The granule of a tensor, or the one that a tile of this extent would give it.
Coord granuleFor(const TensorDesc &tensor, const Coord &tile, bool weights);
/// "N=1 G=1 M=64 ...".
std::string describe(const Tiling &tiling);

/// Room in one level for tiles of one operand.
struct SlotNeed {
  int level = -1;
  uint64_t bytes = 0;  ///< Of one slot.
  unsigned copies = 0; ///< Two where the level is double-buffered and there is more than one tile.
};
/// Room that something of so many bytes takes in a level: offsets are multiples of 8 bytes, and of whole sums where
/// sums lie there (of 20 bits, say).
uint64_t slotRoom(uint64_t bytes, const machine::Level &level);
/// The slots of a layer. Results leave the vector unit in pieces of `oRows` rows of one image where the whole tile's
/// result does not fit beside the rest.
struct SlotLayout {
  SlotNeed a, b, sums, o;
  int64_t oRows = 0; ///< 0: the whole tile at once.
};
/// An error names layer, level, needed and available bytes.
absl::StatusOr<SlotLayout> layoutSlots(const LayerDesc &layer, const Tiling &tiling,
                                       const std::vector<TensorDesc> &tensors, const Homes &homes,
                                       const machine::Machine &machine);

/// Estimate of a layer under a tiling.
struct Cost {
  double score = 0; ///< What the objective latency ranks by: cycles, and a share of what hides behind them.
  double cycles = 0, macCycles = 0, vectorCycles = 0, loadCycles = 0, storeCycles = 0;
  double dramReadBytes = 0, dramWriteBytes = 0;
  double energyPj = 0;
};

/// Why a search came to its end.
enum class SearchEnd : uint8_t {
  Bound,     ///< Nothing can be better than what was found.
  Exhausted, ///< Every tiling was judged, or cannot be better.
  Budget     ///< There was more to try.
};

struct Schedule {
  Tiling tiling;
  Cost cost;
  Cost bound;              ///< No tiling costs less.
  unsigned candidates = 0; ///< Tilings with their inner mappings whose cost was estimated.
  unsigned pruned = 0;     ///< Tilings that do not fit, or of which a bound says that they cannot be better.
  SearchEnd end = SearchEnd::Budget;
};

/// Everything the search asks of its surroundings.
struct SearchContext {
  const machine::Machine &machine;
  const dataflow::Dataflow &dataflow;
  Homes homes;
  const std::vector<TensorDesc> &tensors;
  Objective objective = Objective::Latency;
  unsigned budget = kDefaultSearchBudget;
};

/// What the objective minimises.
double valueOf(const Cost &cost, Objective objective);

/// The best tiling of a layer; the same for the same question. A layer that is too big is tiled; an error means that
/// not even the smallest tile fits, or that the dataflow refuses the layer.
absl::StatusOr<Schedule> search(const LayerDesc &layer, const SearchContext &context);
/// Judges one given tiling: capacity first, then the dataflow's limits.
absl::StatusOr<Cost> evaluate(const LayerDesc &layer, const Tiling &tiling, const SearchContext &context);
/// All orders of the loops over tiles of these sizes that differ in what they move, of those that a program can run:
/// the loop over C is the innermost, and a group's is outermost, since all operands depend on it.
std::vector<std::vector<isa::Rank>> loopOrders(const LayerDesc &layer, const Tiling &tiling);
/// Whether the machine's array takes this layer at all.
absl::Status accepts(const LayerDesc &layer, const machine::Machine &machine);

/// Granules of all tensors under these tilings: a single row of a single image, cut where some layer's tiles cut
/// columns or channels; weights by weight tiles.
void chooseGranules(const std::vector<LayerDesc> &layers, const std::vector<Tiling> &tilings,
                    std::vector<TensorDesc> &tensors);

} // namespace sparseaccel::schedule

#endif // SPARSEACCEL_TRANSFORMS_SCHEDULE_SEARCH_H
