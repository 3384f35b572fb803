//===- StorageInterface.cpp - Sizes and slices of encoded tensors ---------===//
//
// Every granule is stored on its own, so that sizes of a tensor are sums over its granules.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Dialect/Sparsity/Sparsity.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::sparsity;

#include "SparseAccel/Dialect/Sparsity/StorageInterface.cpp.inc"

namespace {
/// The granules of a tensor: their grid, and the box of each.
class Grid {
public:
  Grid(ArrayRef<int64_t> shape, ArrayRef<int64_t> granule) : shape(shape), granule(granule) {
    for (auto [extent, step] : llvm::zip(shape, granule))
      counts.push_back(llvm::divideCeil(extent, step));
  }

  /// Calls `fn(origin, extent)` of each granule in row-major grid order.
  template <typename Fn>
  void forEach(Fn &&fn) const {
    SmallVector<int64_t> index(shape.size(), 0), origin(shape.size()), extent(shape.size());
    if (llvm::is_contained(counts, 0))
      return;
    while (true) {
      for (size_t i = 0; i < shape.size(); ++i) {
        origin[i] = index[i] * granule[i];
        extent[i] = std::min(granule[i], shape[i] - origin[i]);
      }
      fn(ArrayRef<int64_t>(origin), ArrayRef<int64_t>(extent));
      size_t rank = shape.size();
      while (rank > 0 && ++index[rank - 1] == counts[rank - 1])
        index[--rank] = 0;
      if (rank == 0)
        return;
    }
  }

  /// How many granules have each of the (few) different extents.
  std::map<SmallVector<uint32_t>, int64_t> extents() const {
    std::map<SmallVector<uint32_t>, int64_t> result{{{}, 1}};
    for (size_t i = 0; i < shape.size(); ++i) {
      std::map<SmallVector<uint32_t>, int64_t> next;
      for (const auto &[prefix, count] : result) {
        auto add = [&](int64_t extent, int64_t times) {
          if (!extent || !times)
            return;
          SmallVector<uint32_t> key = prefix;
          key.push_back(static_cast<uint32_t>(extent));
          next[key] += count * times;
        };
        add(granule[i], shape[i] / granule[i]);
        add(shape[i] % granule[i], 1);
      }
      result = std::move(next);
    }
    return result;
  }

private:
  SmallVector<int64_t> shape, granule, counts;
};
} // namespace

/// Extents in storage order.
static SmallVector<uint32_t> permute(ArrayRef<uint32_t> extent, ArrayRef<int64_t> order) {
  if (order.empty())
    return SmallVector<uint32_t>(extent);
  SmallVector<uint32_t> result;
  for (int64_t rank : order)
    result.push_back(extent[rank]);
  return result;
}

/// Copies a box of a row-major tensor into `out`, row-major in storage order.
static void gather(ArrayRef<char> values, unsigned bytes, ArrayRef<int64_t> shape, ArrayRef<int64_t> origin,
                   ArrayRef<int64_t> extent, ArrayRef<int64_t> order, SmallVectorImpl<char> &out) {
  size_t rank = shape.size();
  SmallVector<int64_t> strides = computeSuffixProduct(shape);
  SmallVector<int64_t> ranks(order);
  if (ranks.empty())
    ranks = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  int64_t base = 0;
  for (size_t i = 0; i < rank; ++i)
    base += origin[i] * strides[i];
  out.clear();
  SmallVector<int64_t> index(rank, 0);
  while (true) {
    int64_t offset = base;
    for (size_t i = 0; i < rank; ++i)
      offset += index[i] * strides[ranks[i]];
    // The innermost stored rank is copied at once where it is contiguous.
    int64_t run = rank && strides[ranks[rank - 1]] == 1 ? extent[ranks[rank - 1]] : 1;
    out.append(values.begin() + offset * bytes, values.begin() + (offset + run) * bytes);
    size_t i = rank;
    if (rank && run == extent[ranks[rank - 1]])
      --i;
    while (i > 0 && ++index[i - 1] == extent[ranks[i - 1]])
      index[--i] = 0;
    if (i == 0)
      return;
  }
}

bool EncodingAttr::isDense() const { return getFormat().isDense(); }

SmallVector<int64_t> EncodingAttr::getGranuleShape(ArrayRef<int64_t> shape) const {
  return SmallVector<int64_t>(getGranule().empty() ? shape : getGranule());
}

double EncodingAttr::getExpectedBits(ArrayRef<int64_t> shape, unsigned elementBits, double density) const {
  double bits = 0;
  formats::Format format = getFormat();
  for (const auto &[extent, count] : Grid(shape, getGranuleShape(shape)).extents()) {
    SmallVector<uint32_t> stored = permute(extent, getOrder());
    bits += count * formats::expectedBits(format, elementBits / 8, {stored.data(), stored.size()}, density);
  }
  return bits;
}

/// Calls `fn(view)` for each granule of row-major values.
static void forEachGranule(EncodingAttr encoding, ArrayRef<int64_t> shape, unsigned bytes, ArrayRef<char> values,
                           llvm::function_ref<void(const formats::DenseView &)> fn) {
  SmallVector<char> box;
  Grid(shape, encoding.getGranuleShape(shape)).forEach([&](ArrayRef<int64_t> origin, ArrayRef<int64_t> extent) {
    gather(values, bytes, shape, origin, extent, encoding.getOrder(), box);
    SmallVector<uint32_t> stored = permute(SmallVector<uint32_t>(extent.begin(), extent.end()), encoding.getOrder());
    formats::DenseView view;
    view.data = box.data();
    view.elementBytes = bytes;
    view.shape = {stored.data(), stored.size()};
    fn(view);
  });
}

formats::Size EncodingAttr::getExactSize(ArrayRef<int64_t> shape, unsigned elementBits, ArrayRef<char> values) const {
  formats::Size total;
  formats::Format format = getFormat();
  forEachGranule(*this, shape, elementBits / 8, values, [&](const formats::DenseView &view) {
    formats::Size size = formats::sizeOf(format, view);
    total.dataBits += size.dataBits;
    total.metadataBits += size.metadataBits;
  });
  return total;
}

std::string EncodingAttr::getObstacle(ArrayRef<int64_t> shape, unsigned elementBits, ArrayRef<char> values) const {
  formats::Format format = getFormat();
  std::string obstacle;
  if (!format.restrictsValues())
    return obstacle;
  forEachGranule(*this, shape, elementBits / 8, values, [&](const formats::DenseView &view) {
    if (obstacle.empty())
      obstacle = std::string(formats::checkValues(format, view).message());
  });
  return obstacle;
}

formats::Size EncodingAttr::getWorstCaseSize(ArrayRef<int64_t> shape, unsigned elementBits) const {
  formats::Size total;
  formats::Format format = getFormat();
  for (const auto &[extent, count] : Grid(shape, getGranuleShape(shape)).extents()) {
    SmallVector<uint32_t> stored = permute(extent, getOrder());
    formats::Size size = formats::worstCase(format, elementBits / 8, {stored.data(), stored.size()});
    total.dataBits += count * size.dataBits;
    total.metadataBits += count * size.metadataBits;
  }
  return total;
}

Attribute EncodingAttr::getSlice(ArrayRef<int64_t> shape, ArrayRef<int64_t> origin, ArrayRef<int64_t> extent) const {
  SmallVector<int64_t> granule = getGranuleShape(shape);
  SmallVector<int64_t> clipped;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (extent[i] <= 0 || origin[i] < 0 || origin[i] + extent[i] > shape[i])
      return {};
    bool endsOnGrid = (origin[i] + extent[i]) % granule[i] == 0 || origin[i] + extent[i] == shape[i];
    if (!isDense() && (origin[i] % granule[i] != 0 || !endsOnGrid))
      return {};
    clipped.push_back(std::min(granule[i], extent[i]));
  }
  return withGranule(clipped);
}
