//===- SpatialWalk.h - What an array of multipliers walks -------*- C++ -*-===//
//
// The spatial array works in folds: as much of the matrix product as lies on its rows and columns at a time. This
// counts the folds of a contraction, exactly from operands or as expected from densities; Spatial.cpp makes cycles and
// traffic of the totals. docs/dataflows.md says what lies on rows and columns, and who waits for whom.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_DATAFLOW_SPATIALWALK_H
#define SPARSEACCEL_LIB_TARGET_DATAFLOW_SPATIALWALK_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"

namespace sparseaccel::dataflow {

/// What stays in an element while the other operands pass.
enum class Stationary { Input = 0, Weight = 1, Output = 2 };
/// Where elements that share an operand wait for each other.
enum class Meeting { Step = 0, Chunk = 1, Fold = 2 };

struct SpatialArray {
  int64_t rows = 1, columns = 1;
  Stationary stationary = Stationary::Output;
  Meeting meeting = Meeting::Step;
  int64_t chunk = 128; ///< Positions (output stationary), or windows or filters that stream (otherwise).
  int64_t look = 64;   ///< Mask bits that a cycle looks at.
  int64_t bus = 1;     ///< Values that the bus of a row or column carries in a cycle.
  bool skipsA = false, skipsB = false;
  /// Whether elements, or rows of them, walk nonzeros at their own pace between meetings. What is stationary is skipped
  /// by leaving out its position, for all alike.
  bool skipsAtOwnPace() const {
    switch (stationary) {
    case Stationary::Input:
      return meeting != Meeting::Step && skipsB;
    case Stationary::Weight:
      return meeting != Meeting::Step && skipsA;
    case Stationary::Output:
      break;
    }
    return meeting != Meeting::Step && (skipsA || skipsB);
  }
};

/// Totals over all folds of a contraction.
struct SpatialTotals {
  double mac = 0;    ///< Cycles that evenly shared work would take.
  double wait = 0;   ///< Further cycles until the last element is done.
  double bus = 0;    ///< Further cycles until the operands have arrived.
  double fill = 0;   ///< Cycles in which stationary operands or sums enter.
  double drain = 0;  ///< Cycles in which sums leave and nothing else happens.
  double issued = 0; ///< Slots of elements that have an output or an operand, but for fill and drain.
  /// Products that took a slot, of all and of those with nonzero operands.
  double taken = 0, takenNonzeroA = 0, takenNonzeroB = 0, effectual = 0;
  double readsA = 0, readsB = 0;         ///< Values from the buffers.
  double maskBitsA = 0, maskBitsB = 0;   ///< Bits of masks from the buffers.
  double deliveredA = 0, deliveredB = 0; ///< Values into elements: reads x elements that get them.
  double maskDeliveredA = 0, maskDeliveredB = 0;
  double sumReads = 0, sumWrites = 0; ///< Sums at their buffer.
  double sumHops = 0;                 ///< Sums from element to element, from or to the buffer.
  void addFold(int64_t elements, int64_t work, int64_t taken);
};

SpatialTotals countSpatial(const SpatialArray &array, const Work &work, const OperandView &a, const OperandView &b);
SpatialTotals expectSpatial(const SpatialArray &array, const Work &work, const Densities &densities);

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_LIB_TARGET_DATAFLOW_SPATIALWALK_H
