//===- Workload.h - Layers by shape and density -----------------*- C++ -*-===//
//
// A YAML file of layer shapes and densities stands in for a model: every layer is a contraction of its own, with
// weights and input made from a seed. Values are synthetic and reports say so. docs/workloads.md describes the file.
// MLIR-free; Import.h makes a module of it.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_WORKLOAD_WORKLOAD_H
#define SPARSEACCEL_TARGET_WORKLOAD_WORKLOAD_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"

#include "absl/status/statusor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sparseaccel::workload {

struct Layer {
  std::string name;
  dataflow::Contraction shape; ///< n comes from the workload's batch.
  int64_t inputHeight = 1, inputWidth = 1;
  double weightDensity = 1.0;
  /// Of the input tensor itself. The file's figure counts padding among the operands unless it says otherwise; it has
  /// been converted.
  double activationDensity = 1.0;
};

struct Workload {
  std::string name, description, file;
  std::string numerics = "int16";
  uint64_t seed = 1;
  std::vector<Layer> layers;
};

/// What the command line may override.
struct Overrides {
  std::string numerics; ///< "": the file's.
  int64_t batch = 0;    ///< 0: the file's.
};

/// A path, or the name of a shipped workload (workloads/NAME.yaml, found as machines are).
absl::StatusOr<Workload> loadWorkload(const std::string &nameOrPath, const Overrides &overrides = {});
/// The same from text; `file` stands in messages.
absl::StatusOr<Workload> parseWorkload(absl::string_view text, absl::string_view file, const Overrides &overrides = {});

/// Share of the operands that a layer's windows read which lie in the plane and not in its padding: every read counted.
double inPlaneShare(const dataflow::Contraction &shape, int64_t inputHeight, int64_t inputWidth);

/// Elements of `bytes` bytes each; a fraction `density` of them, independently chosen, is nonzero, with magnitudes
/// uniform over the type's symmetric range. The same for the same arguments everywhere.
std::vector<uint8_t> makeTensor(uint64_t elements, unsigned bytes, double density, bool isSigned, uint64_t seed);
/// Weights [G*M][R][S][C], signed.
std::vector<uint8_t> makeWeights(const Workload &workload, size_t layer);
/// Input [N][H][W][G*C], not negative (as after a ReLU). `image` numbers independent inputs of one workload.
std::vector<uint8_t> makeInput(const Workload &workload, size_t layer, uint64_t image);

} // namespace sparseaccel::workload

#endif // SPARSEACCEL_TARGET_WORKLOAD_WORKLOAD_H
