//===- Dataflow.h - What a dataflow is asked --------------------*- C++ -*-===//
//
// A dataflow says which contractions and mappings are legal on a machine, what they are estimated to cost from
// densities, and what they cost on the operands at hand. The scheduler and the simulator share it. One file each in
// lib/Target/Dataflow; none knows another one. docs/dataflows.md says how each one counts.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_DATAFLOW_DATAFLOW_H
#define SPARSEACCEL_TARGET_DATAFLOW_DATAFLOW_H

#include "SparseAccel/Target/Machine/Machine.h"

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sparseaccel::dataflow {

/// Extents of a contraction: of a whole layer or of one CONTRACT. m and c are per group.
/// Input rows = (p-1)*strideH + (r-1)*dilationH + 1 - padTop - padBottom, or fewer are used than the tensor has.
struct Contraction {
  int64_t n = 1, g = 1, m = 1, c = 1, p = 1, q = 1, r = 1, s = 1;
  int64_t strideH = 1, strideW = 1, dilationH = 1, dilationW = 1;
  int64_t padTop = 0, padBottom = 0, padLeft = 0, padRight = 0;
  unsigned elementBits = 16;
  machine::ContractionKind kind = machine::ContractionKind::Conv;

  int64_t macs() const { return n * g * m * c * p * q * r * s; } ///< Dense, padding included.
  int64_t extent(isa::Rank rank) const;
  int64_t inputRows() const { return (p - 1) * strideH + (r - 1) * dilationH + 1 - padTop - padBottom; }
  int64_t inputColumns() const { return (q - 1) * strideW + (s - 1) * dilationW + 1 - padLeft - padRight; }
};

/// An operand of a CONTRACT as it stands in a buffer, decoded: integers of 1 or 2 bytes, exactly the box that the
/// contraction reads.
/// Activations: extent = {n, inputRows, inputColumns, g*c}. Weights: {g*m, r, s, c}.
struct OperandView {
  const void *data = nullptr;
  unsigned elementBytes = 2;
  std::array<int64_t, 4> extent{};
  std::array<int64_t, 4> stride{}; ///< In elements; stride[3] is 1.
  template <typename T>
  const T *row(int64_t i, int64_t j, int64_t k) const {
    return static_cast<const T *>(data) + i * stride[0] + j * stride[1] + k * stride[2];
  }
};

/// The resource that set the pace.
enum class Bound : uint8_t { Mac, Noc, Buffer, DramRead, DramWrite, Sync };
const char *boundName(Bound bound); ///< "mac", "noc", "buffer", "dram_read", "dram_write", "sync".

/// What a contraction costs. Estimates fill the same struct with expected values.
/// Slot law: performed + gated + wasted = issued <= slots.
struct Counts {
  double cycles = 0;    ///< Of the array, from the first to the last sum, buffer and network stalls included.
  double slots = 0;     ///< Multipliers of the machine x cycles.
  double performed = 0; ///< Multiplications that the machine did.
  double gated = 0;     ///< Slots in which the multiplier idled because of an operand's zero.
  double wasted = 0;    ///< Slots issued to no product of the sum. Its two parts below are known by name; the rest are
                        ///< empty lanes of a working unit.
  double wastedPadding = 0;    ///< Of `wasted`: entries that a format stores for zeros (EIE's padding, N:M's filling).
  double wastedOutOfPlane = 0; ///< Of `wasted`: products whose sum lies outside of the output plane (SCNN).
  double effectual = 0;        ///< Products of two nonzero operands: a property of the data, not of the machine.
  double skipped = 0;          ///< Dense MACs that took no slot.
  std::array<double, 6> boundCycles{}; ///< Cycles by Bound; sums to `cycles`.
  machine::ActionCounts actions;
  void add(const Counts &other);
};

struct Densities {
  double a = 1.0; ///< Fraction of nonzeros among the activations, padding not included.
  double b = 1.0;
};

struct WeightSummary;

/// What a dataflow derives from weights alone and would derive again for every CONTRACT with the same ones: entries of
/// each processing element's columns, say. Only the dataflow that made it looks inside.
class WeightDigest {
public:
  virtual ~WeightDigest() = default;
  virtual uint64_t bytes() const = 0; ///< Memory that it takes.
};

struct Work {
  Contraction shape;
  /// Level indices are those of `machine->levels`. Null: the dataflow's own best mapping for the shape.
  const isa::Mapping *mapping = nullptr;
  /// Active ones; may be empty. Null: all that the machine offers, but for the optional ones.
  const isa::SafSet *safs = nullptr;
  const machine::Machine *machine = nullptr;
  /// The sums start from what the buffer holds, so the first pass reads them.
  bool accumulate = false;
  /// summarizeWeights() of exactly the `b` that count() is given, where the caller keeps it (a layer's weights repeat
  /// for each strip of rows). Null: count() makes it.
  const WeightSummary *weights = nullptr;
  /// digestWeights() of exactly the `b` that count() is given, under the same mapping, SAFs and machine. Null: count()
  /// makes it.
  const WeightDigest *digest = nullptr;
};

class Dataflow {
public:
  virtual ~Dataflow() = default;
  virtual const char *name() const = 0;
  /// Parameters that this dataflow reads from the machine file, with default and a line of description.
  struct Parameter {
    std::string name;
    double defaultValue;
    std::string doc;
  };
  virtual std::vector<Parameter> parameters() const = 0;
  /// Checks the machine itself once: array dimensions, values of parameters, levels that the dataflow needs by role.
  virtual absl::Status checkMachine(const machine::Machine &machine) const = 0;
  /// Whether this tile can run with this mapping. The message names the violated limit with both numbers.
  virtual absl::Status legal(const Work &work) const = 0;
  virtual Counts estimate(const Work &work, const Densities &densities) const = 0;
  /// Exact. Values come from elsewhere; this reads only what it needs of the operands.
  virtual Counts count(const Work &work, const OperandView &a, const OperandView &b) const = 0;
  /// What count() derives from the weights alone, for Work::digest. It does not depend on N, P and Q. Null where there
  /// is nothing beyond the WeightSummary.
  virtual std::unique_ptr<const WeightDigest> digestWeights(const Work &work, const OperandView &b) const {
    return nullptr;
  }
  /// Inner mappings (loops below the program-managed levels: spatial and dataflow-managed temporal ones) worth trying
  /// for a tile, best guess first, never empty for a tile that any mapping makes legal. The scheduler prepends the
  /// loops over tiles, whose factors these do not contain.
  virtual std::vector<isa::Mapping> innerMappings(const Contraction &tile, const machine::Machine &machine) const = 0;
  /// All inner mappings of a tile that may be the best under some objective, one at a time until `visit` returns false:
  /// first those of innerMappings(), then the others. A dataflow with many generates them here as they are asked for.
  using MappingVisitor = std::function<bool(const isa::Mapping &)>;
  virtual void forEachInnerMapping(const Contraction &tile, const machine::Machine &machine,
                                   const MappingVisitor &visit) const;
  /// A lower bound for a whole layer: however it is cut into tiles and whatever mappings these have, their estimates
  /// sum to at least these cycles and to at least this much of each action. The search stops where it meets the bound
  /// and prunes by it, so it must hold; the closer it is the less is searched. The default takes only products of two
  /// nonzeros for work, at the machine's peak.
  virtual Counts leastCost(const Work &layer, const Densities &densities) const;
  /// Multiples that tile extents should keep to (m, c, p of a tile), 1 where any will do: row-stationary wants c tiles
  /// of q*r, say.
  struct TileHint {
    int64_t m = 1, c = 1, p = 1;
    /// Tiles that take more passes over the array than the whole layer would are a last resort.
    bool wholePasses = false;
    /// Channels of a tile that are no multiple of this are a last resort too: they make granules short, which all
    /// layers on a tensor share. The default suits formats, no machine.
    int64_t channelMultiple = 16;
    /// Inner mappings that are so many times as slow as the fastest are looked at last, and not by innerMappings().
    double farther = 1.2;
  };
  virtual TileHint tileHint(const Contraction &layer, const machine::Machine &machine) const { return {}; }
};

/// The dataflow of this name, or an error that lists those there are. The object lives as long as the program.
absl::StatusOr<const Dataflow *> findDataflow(absl::string_view name);
/// The dataflow of the machine, after checking that the machine has what it needs and no parameter that it does not
/// know.
absl::StatusOr<const Dataflow *> findDataflow(const machine::Machine &machine);
std::vector<const Dataflow *> listDataflows();

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_TARGET_DATAFLOW_DATAFLOW_H
