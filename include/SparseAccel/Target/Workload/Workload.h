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
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sparseaccel::workload {

enum class SparsityKind : uint8_t {
  Independent, ///< Each element is nonzero with the probability `density`.
  PerRow,      ///< Every row has the same number of nonzeros, anywhere in it.
  NOfM,        ///< N nonzeros in every block of M along the channels.
  Mask,        ///< Where a mask says.
  Exact        ///< A number of nonzeros, anywhere in the tensor.
};

/// Which elements of a tensor are not zero: one byte each, 0 or 1, in the tensor's own order.
struct Mask {
  std::string source; ///< "file.npz:array", or the model's value.
  std::vector<uint8_t> nonzero;
  uint64_t count = 0;
};

/// Where the nonzeros of an operand lie.
struct Sparsity {
  SparsityKind kind = SparsityKind::Independent;
  /// Of the tensor itself; exact for every kind but Independent, where it is the probability. The file's figure may
  /// count padding among the activations; it has been converted.
  double density = 1.0;
  int64_t n = 0, m = 0; ///< N:M.
  /// Distinct values of the nonzeros, evenly spaced over the type's symmetric range; 0: any.
  int64_t values = 0;
  /// Of each image in turn, from the first again behind the last; of weights there is one.
  std::vector<std::shared_ptr<const Mask>> masks;
  std::vector<uint64_t> counts; ///< Nonzeros of each image, for Exact.
};

/// Loops of a forced mapping, by the name of the level, as docs/scheduling.md writes them.
struct LevelLoops {
  std::string level;
  std::vector<isa::Loop> loops; ///< Loop::level is not set.
};

struct Layer {
  std::string name;
  /// Of a layer of kind matmul, n is 1, p counts the rows of the first operand, and each image has groups of its own.
  dataflow::Contraction shape;
  int64_t inputHeight = 1, inputWidth = 1;
  Sparsity weights, activations; ///< `weights` are the second operand of a matmul.
  /// Of the results behind the ReLU, near which the biases bring it; 0: biases are zero, and about half is not zero.
  double outputDensity = 0;
  std::map<std::string, std::vector<LevelLoops>> mappings; ///< By the machine's name.

  bool isMatMul() const { return shape.kind == machine::ContractionKind::MatMul; }
  int64_t weightElements() const { return shape.g * shape.m * shape.r * shape.s * shape.c; }
  int64_t inputElements() const { return shape.n * inputHeight * inputWidth * shape.g * shape.c; }
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
  /// Of layers that do not say theirs.
  std::optional<double> weightDensity, activationDensity;
};

/// A path, or the name of a shipped workload (workloads/NAME.yaml, found as machines are).
absl::StatusOr<Workload> loadWorkload(const std::string &nameOrPath, const Overrides &overrides = {});
/// The same from text; `file` stands in messages, and masks are looked for in its folder.
absl::StatusOr<Workload> parseWorkload(absl::string_view text, absl::string_view file, const Overrides &overrides = {});

/// Share of the operands that a layer's windows read which lie in the plane and not in its padding: every read counted.
double inPlaneShare(const dataflow::Contraction &shape, int64_t inputHeight, int64_t inputWidth);

/// Elements of `bytes` bytes each; a fraction `density` of them, independently chosen, is nonzero, with magnitudes
/// uniform over the type's symmetric range. The same for the same arguments everywhere.
std::vector<uint8_t> makeTensor(uint64_t elements, unsigned bytes, double density, bool isSigned, uint64_t seed);
/// Weights [G*M][R][S][C], signed: constants, or the second operand of a matmul, which differs from image to image.
std::vector<uint8_t> makeWeights(const Workload &workload, size_t layer, uint64_t image = 0);
/// Input [N][H][W][G*C], not negative (as after a ReLU). `image` numbers independent inputs of one workload.
std::vector<uint8_t> makeInput(const Workload &workload, size_t layer, uint64_t image);

/// The same layers with as many nonzeros in every operand, and in every image of it, but anywhere in the tensor: what
/// masks and structure are compared with. Independent operands stay as they are.
Workload withIndependentZeros(Workload workload);
/// What the report says of the layers whose kind the machine does not have, with their share of the MACs; empty where it
/// has all.
std::string describeLeftOut(const Workload &workload, const machine::Machine &machine);
/// What the report says of the tensors, in a sentence.
std::string describeTensors(const Workload &workload);

} // namespace sparseaccel::workload

#endif // SPARSEACCEL_TARGET_WORKLOAD_WORKLOAD_H
