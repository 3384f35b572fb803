//===- Masks.h - Nonzero masks from files of arrays -------------*- C++ -*-===//
//
// docs/workloads.md says which arrays are taken, and in which order their elements lie.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_WORKLOAD_MASKS_H
#define SPARSEACCEL_LIB_TARGET_WORKLOAD_MASKS_H

#include "SparseAccel/Target/Workload/Workload.h"

namespace sparseaccel::workload {

/// A mask and the shape of its array.
struct MaskArray {
  std::vector<int64_t> shape;
  Mask mask;
};

/// The arrays of the files that one workload names. A file is read once.
class MaskFiles {
public:
  /// Relative paths start from `folder`.
  explicit MaskFiles(std::string folder);
  ~MaskFiles();

  /// "file.npy", "file.mtx", or "file.npz:array"; the array's name may be left out where a file has one.
  absl::StatusOr<MaskArray> load(const std::string &reference);
  /// The names of an archive's arrays, in its order; "" of a file that has one without a name.
  absl::StatusOr<std::vector<std::string>> names(const std::string &file);
  /// A file beside the workload.
  std::string pathOf(const std::string &file) const;

private:
  struct Archive;
  absl::StatusOr<const Archive *> open(const std::string &path);

  std::string folder;
  std::map<std::string, std::unique_ptr<Archive>> archives;
};

/// Masks of the layer's operand: the array has the tensor's four dimensions, or is its matrix. Of activations it may
/// hold several images. An error says both shapes.
absl::StatusOr<std::vector<std::shared_ptr<const Mask>>> fitMasks(MaskArray array, const Layer &layer, bool weights);

} // namespace sparseaccel::workload

#endif // SPARSEACCEL_LIB_TARGET_WORKLOAD_MASKS_H
