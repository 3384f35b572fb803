//===- DotProduct.cpp - Dense dot-product units ---------------------------===//
//
// Models the compute side of Chen et al., "DaDianNao: A Machine-Learning Supercomputer", MICRO 2014, as Albericio et
// al. (Cnvlutin, ISCA 2016) use it for their baseline: all units work in lock step on the same activations.
//
//===----------------------------------------------------------------------===//

#include "Dataflows.h"
#include "DotProductArray.h"

namespace sparseaccel::dataflow {

namespace {

class DotProduct final : public Dataflow {
public:
  const char *name() const override { return "dot-product"; }
  std::vector<Parameter> parameters() const override { return {}; }

  absl::Status checkMachine(const machine::Machine &machine) const override {
    if (absl::Status status = DotProductArray::check(machine, name()); !status.ok())
      return status;
    return checkSafs(machine, name(), kDotProductGates);
  }

  absl::Status legal(const Work &work) const override { return DotProductArray(*work.machine).legal(work, name()); }

  Counts estimate(const Work &work, const Densities &densities) const override {
    return DotProductArray(*work.machine)
        .countDense(work, expectedProducts(work.shape, densities), gatingConditions(work));
  }

  Counts count(const Work &work, const OperandView &a, const OperandView &b) const override {
    return DotProductArray(*work.machine)
        .countDense(work, countProducts(work.shape, a, b, work.weights), gatingConditions(work));
  }

  std::vector<isa::Mapping> innerMappings(const Contraction &tile, const machine::Machine &machine) const override {
    return DotProductArray(machine).innerMappings(tile, machine);
  }
  Counts leastCost(const Work &layer, const Densities &densities) const override {
    return DotProductArray(*layer.machine).leastDense(layer, expectedProducts(layer.shape, densities));
  }
  TileHint tileHint(const Contraction &, const machine::Machine &machine) const override {
    return DotProductArray(machine).tileHint();
  }
};

} // namespace

const Dataflow &dotProduct() {
  static const DotProduct dataflow;
  return dataflow;
}

} // namespace sparseaccel::dataflow
