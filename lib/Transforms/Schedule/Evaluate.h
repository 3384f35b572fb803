//===- Evaluate.h - What a tiling is estimated to cost ----------*- C++ -*-===//
//
// A cost has two parts that know little of each other: what moves to and from DRAM follows from tile sizes and the
// order of the loops over tiles, what the array does from tile sizes and the loops inside a tile. The search combines
// them, and bounds the one that it does not know yet.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TRANSFORMS_SCHEDULE_EVALUATE_H
#define SPARSEACCEL_TRANSFORMS_SCHEDULE_EVALUATE_H

#include "Schedule/Search.h"

#include <map>

namespace sparseaccel::schedule {

/// What moves, and what the vector unit does, in a whole layer.
struct Traffic {
  double aBytes = 0, bBytes = 0, oBytes = 0;            ///< Over the DRAM's pins.
  double aTiles = 0;                                    ///< Loads of activations.
  double firstTile = 0, lastTile = 0, firstWeights = 0; ///< Bytes of single tiles.
  double vectorCycles = 0;
};

/// What the array does in a whole layer.
struct ArrayWork {
  double cycles = 0;
  machine::ActionCounts actions;
};

class Evaluator {
public:
  Evaluator(const LayerDesc &layer, const SearchContext &context);

  /// An error where a tile would read nothing but padding.
  absl::StatusOr<Traffic> traffic(const Tiling &tiling, const SlotLayout &layout);
  /// `exact`: every kind of tile is estimated for itself; else an inner tile stands for all.
  absl::StatusOr<ArrayWork> array(const Tiling &tiling, bool exact, bool wantActions) const;
  absl::StatusOr<Cost> combine(const Traffic &traffic, const ArrayWork &array, bool wantEnergy) const;
  /// A tiling judged exactly.
  absl::StatusOr<Cost> run(const Tiling &tiling);

  /// No tiling moves less, whatever its sizes and its order, or has the array do less.
  const Traffic &leastTraffic() const { return least; }
  const ArrayWork &leastArray() const { return leastWork; }

private:
  struct TileClass {
    int64_t index = 0;
    double count = 1;
  };
  /// Tiles of one rank that look alike: one of them, and how many there are.
  std::vector<TileClass> classes(isa::Rank rank, const Tiling &tiling, bool exact) const;
  double bytesOf(const View &view, const Box &box, bool weights);
  void boundTraffic();

  const LayerDesc &layer;
  const SearchContext &context;
  Traffic least;
  ArrayWork leastWork;
  std::map<std::pair<int, Coord>, double> granuleBytes; ///< By tensor and granule, of encoded ones.
};

} // namespace sparseaccel::schedule

#endif // SPARSEACCEL_TRANSFORMS_SCHEDULE_EVALUATE_H
