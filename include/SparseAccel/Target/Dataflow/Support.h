//===- Support.h - What every dataflow does with a machine ------*- C++ -*-===//
//
// Looking up array dimensions, levels, parameters and active SAFs; counting traffic in words of a level; the checks
// whose messages should read the same whatever the dataflow.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_DATAFLOW_SUPPORT_H
#define SPARSEACCEL_TARGET_DATAFLOW_SUPPORT_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"
#include "SparseAccel/Target/Machine/Safs.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include <algorithm>

namespace sparseaccel::dataflow {

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The SAFs that are active for a piece of work, asked by place and operand. Conditions are bits over OperandKind, as
/// in Saf::conditionOn: where any of these operands is zero. docs/safs.md defines what a dataflow owes to each.
class ActiveSafs {
public:
  explicit ActiveSafs(const Work &work);
  ActiveSafs(const ActiveSafs &) = delete;
  ActiveSafs &operator=(const ActiveSafs &) = delete;
  /// On whose zeros an access to `target` at `level` idles, and is left out; 0 where none does. A level that the
  /// machine lacks has none. `level` may be machine::kComputePlace.
  unsigned gates(absl::string_view level, isa::OperandKind target) const;
  unsigned skips(absl::string_view level, isa::OperandKind target) const;
  /// On whose zeros a product idles, and takes no slot, whatever the place: what is not delivered is not multiplied.
  /// A sum that is not updated is multiplied nonetheless.
  unsigned gatedProducts() const { return products(isa::SafAction::Gate); }
  unsigned skippedProducts() const { return products(isa::SafAction::Skip); }
  /// Whether both operands' accesses are spared on the other's zeros by this action: an intersection.
  bool intersects(isa::SafAction action) const;

private:
  unsigned find(isa::SafAction action, absl::string_view level, isa::OperandKind target) const;
  unsigned products(isa::SafAction action) const;
  const machine::Machine &machine;
  isa::SafSet defaults; ///< Where the work names none.
  const isa::SafSet &safs;
};

/// ActiveSafs(work).gatedProducts().
unsigned gatingConditions(const Work &work);
/// Whether a product with a zero of `operand` takes no slot.
bool skipsOn(const Work &work, isa::OperandKind operand);

/// A kind of SAF that a dataflow can honour: this action at this place, of any of the operands `targets` (bits), on
/// zeros of one or several of `conditions`.
struct HonouredSaf {
  isa::SafAction action;
  const char *place;
  unsigned targets, conditions;
  /// Level at which operands of the condition must lie compressed, as the dataflow walks their metadata; null where it
  /// needs none.
  const char *metadataAt = nullptr;
};
inline constexpr unsigned kOnA = 1, kOnB = 2, kOnO = 4; ///< Bits over OperandKind.
/// Skip or gate products on zeros of either operand: what a dataflow can that condenses both streams.
inline constexpr HonouredSaf kSafsAtCompute[] = {
    {isa::SafAction::Skip, machine::kComputePlace, kOnA | kOnB, kOnA | kOnB},
    {isa::SafAction::Gate, machine::kComputePlace, kOnA | kOnB, kOnA | kOnB}};
/// Fails where the machine offers a SAF that the dataflow cannot honour: what is not modelled must not stand in a
/// machine file. The message has the file and line, and lists those that it can. Formats are data, which any dataflow
/// takes.
absl::Status checkSafs(const machine::Machine &machine, const char *dataflow, absl::Span<const HonouredSaf> honoured);

/// Adds `bits` of traffic at a level, in words of the level.
void addTraffic(Counts &counts, const machine::Machine &machine, absl::string_view level, const char *action,
                double bits);
/// Cycles that a level's port needs for what `counts` says it reads and writes beyond counts.cycles are added to it, as
/// bound by the buffer.
void addBufferStalls(Counts &counts, const machine::Machine &machine, absl::Span<const char *const> levels);

/// Fails where the machine lacks one of these levels, or one has no word width. `dataflow` stands in the message.
absl::Status checkLevels(const machine::Machine &machine, const char *dataflow, absl::Span<const char *const> levels);
/// Size of the array dimension of this name, or 0.
int64_t arraySize(const machine::Machine &machine, absl::string_view name);
/// Fails where the array has other dimensions than these, or their product is not the machine's peak.
absl::Status checkArray(const machine::Machine &machine, const char *dataflow,
                        absl::Span<const char *const> dimensions);
/// A parameter as a dataflow declares it, and the machine's value of it.
struct DeclaredParameter {
  const char *name;
  double defaultValue;
  const char *doc;
  double of(const machine::Machine &machine) const {
    auto found = machine.parameters.find(name);
    return found == machine.parameters.end() ? defaultValue : found->second;
  }
  Dataflow::Parameter declared() const { return {name, defaultValue, doc}; }
};
/// Fails where the parameter is no whole number in [low, high].
absl::Status checkParameter(const machine::Machine &machine, const DeclaredParameter &parameter, double low,
                            double high);
/// Fails where the shape makes no sense (an extent below 1), or the machine does not take its kind.
absl::Status checkShape(const Work &work, const char *dataflow);
/// Fails where the loops below the outermost level do not cover the shape's extents, or name a level that is not there.
absl::Status checkCoverage(const Work &work, const char *dataflow);
/// Product of the factors of a rank among loops that `filter` accepts; 2^31 stands for whatever is more.
template <typename Filter>
int64_t factorOf(const isa::Mapping &mapping, isa::Rank rank, Filter filter) {
  int64_t product = 1;
  for (const isa::Loop &loop : mapping.loops)
    if (loop.rank == rank && filter(loop))
      product = std::min(product * int64_t(loop.factor), int64_t(1) << 31);
  return product;
}
/// Appends a loop; a factor of 1 says nothing and is left out.
void addLoop(isa::Mapping &mapping, isa::Rank rank, int64_t factor, uint8_t level, isa::LoopKind kind);
const char *rankName(isa::Rank rank);

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_TARGET_DATAFLOW_SUPPORT_H
