//===- EyerissV2Plan.h - How work lies over clusters and elements -*- C++ -*-===//
//
// A plan says what one processing element holds (m filters, c channels, n images of one filter row and one output row),
// and over which ranks clusters and the elements of a cluster differ; the rest follows one pass after another. It goes
// to and from an isa::Mapping.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_DATAFLOW_EYERISSV2PLAN_H
#define SPARSEACCEL_LIB_TARGET_DATAFLOW_EYERISSV2PLAN_H

#include "SparseAccel/Target/Dataflow/Support.h"

#include <array>
#include <functional>
#include <vector>

namespace sparseaccel::dataflow::eyeriss_v2 {

inline constexpr const char *kIactBuffer = "iact_buffer", *kPsumBuffer = "psum_buffer",
                            *kWeightStream = "weight_stream", *kIactSpad = "iact_spad", *kWeightSpad = "weight_spad",
                            *kPsumSpad = "psum_spad";
inline constexpr const char *kLevels[] = {kIactBuffer, kPsumBuffer, kWeightStream, kIactSpad, kWeightSpad, kPsumSpad};
inline constexpr const char *kDimensions[] = {"cluster_rows", "cluster_columns", "rows", "columns", "macs"};

/// The machine's array and scratchpads, in words of them.
struct Array {
  int64_t clusterRows, clusterColumns, rows, columns, macs;
  int64_t iactWords, weightWords, psumWords, psumBits;
  explicit Array(const machine::Machine &machine);
};

/// Ranks along which work is cut. Q and S stay whole within an element.
enum class Axis : uint8_t { G, N, M, C, P, R };
inline constexpr unsigned kAxes = 6;
int64_t extentOf(Axis axis, const Contraction &shape);

struct Plan {
  int64_t m = 1, c = 1, n = 1; ///< What an element holds.
  /// How often each axis is cut over clusters and over the elements of one; down and along are kept apart for
  /// mappings.
  struct Cut {
    Axis axis;
    int64_t factor;
    bool cluster, along;
  };
  std::vector<Cut> cuts;
  std::array<int64_t, kAxes> clusters{1, 1, 1, 1, 1, 1}, elements{1, 1, 1, 1, 1, 1};

  void add(Cut cut, bool keep = true); ///< Without `keep` only the products change.
  int64_t spatial(Axis axis) const { return clusters[unsigned(axis)] * elements[unsigned(axis)]; }
  int64_t clusterCount() const;
  int64_t elementCount() const; ///< In all clusters.
  /// Which of the axis's cuts a cluster has. Clusters are numbered with the last axis fastest.
  int64_t clusterIndex(Axis axis, int64_t cluster) const;
  /// Pieces of an axis that elements hold, and passes over them.
  int64_t tiles(Axis axis, const Contraction &shape) const;
  int64_t passes(Axis axis, const Contraction &shape) const { return ceilDiv(tiles(axis, shape), spatial(axis)); }
};

/// Loops of a plan:
///   iact_buffer, temporal: G, M, C, R, N, P, between passes; spatial: over clusters (rows y, columns x);
///   psum_spad, spatial: over the elements of a cluster; temporal: N, Q, C, S, M within an element.
isa::Mapping toMapping(const Plan &plan, const Contraction &tile, const machine::Machine &machine);
/// The plan that a mapping describes, whatever the order of its loops.
Plan fromMapping(const isa::Mapping &mapping, const Contraction &tile, const machine::Machine &machine);

/// Whether any plan can run the shape: a filter row of one channel must fit an element.
absl::Status checkFits(const Contraction &shape, const Array &array, const char *dataflow);
/// Whether the work's mapping keeps to the array and the scratchpads.
absl::Status checkMapping(const Work &work, const char *dataflow);

/// The fastest plans for dense and for half-empty operands, by the estimate given; the best first, never none.
std::vector<Plan> bestPlans(const Contraction &tile, const machine::Machine &machine,
                            const std::function<double(const Plan &, const Densities &)> &estimate);

} // namespace sparseaccel::dataflow::eyeriss_v2

#endif // SPARSEACCEL_LIB_TARGET_DATAFLOW_EYERISSV2PLAN_H
