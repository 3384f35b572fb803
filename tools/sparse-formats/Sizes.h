//===- Sizes.h - Tensors under formats --------------------------*- C++ -*-===//

#ifndef SPARSEACCEL_TOOLS_SPARSE_FORMATS_SIZES_H
#define SPARSEACCEL_TOOLS_SPARSE_FORMATS_SIZES_H

#include "Tensors.h"

#include "SparseAccel/Target/Formats/Codes.h"

#include "llvm/Support/raw_ostream.h"

namespace sparseaccel::sizes {

/// A tensor in one format, or why it cannot be.
struct Entry {
  formats::Size size;
  std::string obstacle;
};

struct Measured {
  const Tensor *tensor;
  uint64_t nonzeros = 0, distinct = 0;
  formats::EntropyBound bound;
  std::vector<Entry> entries; ///< In the order of the formats.
};

/// Sizes of every tensor in every format, each stored as one granule, or cut into granules of so many rows.
std::vector<Measured> measure(const std::vector<Tensor> &tensors, const std::vector<formats::Format> &formats,
                              uint32_t rowsPerGranule);

/// A table of the totals, and one of each tensor where `each` says so.
void print(const std::vector<Measured> &measured, const std::vector<formats::Format> &formats, bool each,
           llvm::raw_ostream &os);
/// The same as JSON, every tensor included.
void printJson(const std::vector<Measured> &measured, const std::vector<formats::Format> &formats,
               llvm::raw_ostream &os);

} // namespace sparseaccel::sizes

#endif // SPARSEACCEL_TOOLS_SPARSE_FORMATS_SIZES_H
