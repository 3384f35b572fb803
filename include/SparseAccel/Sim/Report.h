//===- Report.h - What a simulation is reported as --------------*- C++ -*-===//
//
// Energies by the machine's table, and the texts made of them: stats.json (docs/stats.schema.json), tables for the
// terminal, and a trace for Perfetto.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_REPORT_H
#define SPARSEACCEL_SIM_REPORT_H

#include "SparseAccel/Sim/ReportGuard.h"
#include "SparseAccel/Sim/ReportZeros.h"
#include "SparseAccel/Sim/Stats.h"
#include "SparseAccel/Target/ISA/Estimates.h"
#include "SparseAccel/Target/ISA/Program.h"
#include "SparseAccel/Target/Machine/Machine.h"

#include "absl/status/statusor.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sparseaccel::sim {

/// A layer, or the totals. Counts, cycles, bytes and energies are sums over all images.
struct LayerReport {
  std::string name, kind, mapping; ///< Mapping: loops by level of the layer's first CONTRACT; empty where it has none.
  std::vector<std::string> safs;   ///< Active SAFs of the layer's CONTRACTs, as docs/safs.md spells them.
  bool onHost = false;
  double cycles = 0, computeCycles = 0, loadCycles = 0, storeCycles = 0;
  double seconds = 0;  ///< `cycles` at the machine's clock.
  double energyPj = 0; ///< Or the table's unit.
  std::map<std::string, double>
      energyByComponentPj; ///< Sums to energyPj. Clock, control and leakage are machine::kClockComponent.
  double macs = 0, effectualMacs = 0, performedMacs = 0, gatedMacs = 0;
  double wastedSlots = 0, wastedPaddingSlots = 0, wastedOutOfPlaneSlots = 0; ///< The latter two are parts of the first.
  double dramBytes = 0;
  std::map<std::string, std::map<std::string, double>> actions; ///< By component and action; levels in words.
  double utilization = 0;                                       ///< Issued slots / slots.
  /// The scheduler's figures, times the runs; of the totals, sums over the layers that have some.
  std::optional<isa::LayerEstimate> estimate;
  std::string bound; ///< A dataflow::Bound's name; "none" on the host and where nothing took time.
};

struct Report {
  // The machine.
  std::string machine, description;
  double technologyNm = 0, clockMhz = 0;
  uint64_t peakMacsPerCycle = 0;
  uint32_t psumBits = 0;
  std::map<std::string, uint32_t> wordBits; ///< Of each level: what its actions count.
  // The energy table.
  std::string energyTable, energyUnit, energySource, tableLeavesOut;
  double energyTechnologyNm = 0;    ///< 0 where the table has no node.
  std::vector<std::string> leftOut; ///< Actions that were counted and have no price, as "component.action".
  bool chargesCycles = false;       ///< Whether clock, control and leakage have a price.
  machine::AreaModel area;          ///< Without parts where the machine file gives none.
  // The run.
  std::string numerics;
  std::string safRequest; ///< What the user asked to be active in place of the machine's own; empty: nothing.
  uint64_t images = 0;
  double widestSum = 0;
  std::vector<LayerReport> layers; ///< In the program's order.
  LayerReport totals;
  std::optional<ZerosComparison> zeros;        ///< Where it was asked for.
  std::optional<GuardReport> guard;            ///< Of a model whose float form is at hand.
  std::optional<FloatComparison> againstFloat; ///< Where it was asked for.
  std::vector<std::string> notes; ///< Printed above the table: what the user ought to know of inputs, tensors or model.

  double hostMacs() const;   ///< Dense MACs of the layers that run on the host.
  std::string label() const; ///< The machine, and what was asked of it: "eyeriss (saf: none)".
};

/// Fails where an action was counted that the machine file neither prices nor leaves out. A layer's time is charged as
/// many busy cycles as the array worked for it, at most its cycles, and idle ones for the rest; so that the layers'
/// energies sum to the total's. `estimates` are those that came with the program.
absl::StatusOr<Report> makeReport(const RunStats &stats, const isa::Program &program, const machine::Machine &machine,
                                  const isa::Estimates &estimates = {});

/// stats.json. The keys are those of docs/stats.schema.json and no others.
std::string toJson(const Report &report);

/// Two tables, layers and total: work and time, then energy and its share by component; then what the figures leave
/// out. Means per image.
std::string formatReport(const Report &report);

/// Layer by layer, `report` against `baseline`: cycles, speed-up, energy ratio and the iso-MAC ratio, and where both
/// have areas under one table the iso-area ratio; with what the baseline is and a warning for every reason not to
/// compare: node, clock, energy table, area table, numerics, charged cycles. Layers are matched by name.
std::string formatComparison(const Report &report, const Report &baseline);
/// The warnings alone.
std::vector<std::string> comparisonWarnings(const Report &report, const Report &baseline);

/// The timeline of `stats` as Chrome trace events, which Perfetto opens: one track per queue, an event per instruction
/// with its extents and its costs.
std::string toTrace(const RunStats &stats, const isa::Program &program, const machine::Machine &machine);

/// "nbin: M16x M16y C16y" for the loops of each level, the outermost first: rank, factor, and the dimension of a
/// spatial one.
std::string formatMapping(const isa::Mapping &mapping, const std::vector<std::string> &levelNames);
/// Bits of the narrowest two's-complement integer that holds both +magnitude and -magnitude.
unsigned signedBits(double magnitude);

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_REPORT_H
