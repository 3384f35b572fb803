//===- LayerReader.h - The layers of a workload file ------------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_WORKLOAD_LAYERREADER_H
#define SPARSEACCEL_LIB_TARGET_WORKLOAD_LAYERREADER_H

#include "Masks.h"

#include "SparseAccel/Target/Machine/Yaml.h"

namespace sparseaccel::workload {

inline constexpr yaml::Range kExtent = {1, 1 << 24};
inline constexpr yaml::Range kDensity = {0, 1};
inline constexpr yaml::Range kBatch = {1, 4096};

/// What holds for all layers of a file.
struct FileContext {
  bool paddingCounted = true;
  int64_t batch = 1;     ///< Of layers that do not say theirs.
  bool batchGiven = false; ///< On the command line: layers' own yield to it.
  std::optional<double> weightDensity, activationDensity;
  unsigned elementBits = 16;
  MaskFiles masks;

  explicit FileContext(std::string folder) : masks(std::move(folder)) {}
};

/// One layer from one element of the list.
void readLayer(yaml::Map &map, FileContext &context, Layer &layer);
/// A layer for every matrix of an archive: an element with the key `each`.
void readEach(yaml::Map &map, FileContext &context, std::vector<Layer> &layers);

/// Where an operand's nonzeros lie, before its shape is known.
struct SparsitySpec {
  Sparsity sparsity;
  std::string mask; ///< Reference of a mask; empty: none.
  bool densityGiven = false;
};
/// `key` ("weights") or `densityKey` ("weight_density"), not both.
void readSparsity(yaml::Map &map, const char *key, const char *densityKey, std::optional<double> fallback,
                  SparsitySpec &spec);
/// Makes a sparsity that fits the layer's shape of it.
void resolve(yaml::Map &map, const char *key, FileContext &context, Layer &layer, bool weights, SparsitySpec spec);

/// `batch` of a layer, or the file's.
int64_t readBatch(yaml::Map &map, const FileContext &context);

} // namespace sparseaccel::workload

#endif // SPARSEACCEL_LIB_TARGET_WORKLOAD_LAYERREADER_H
