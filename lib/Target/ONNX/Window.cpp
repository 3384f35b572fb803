//===- Window.cpp - Sliding windows of convolutions and pools -------------===//

#include "Window.h"

#include <limits>

using namespace llvm;

namespace sparseaccel::onnx {

/// A list attribute with one entry per spatial dimension (or two, for pads), every entry in [least, 2^31).
static std::optional<SmallVector<int64_t>> list(NodeContext &node, StringRef name, size_t size, int64_t least,
                                                int64_t otherwise) {
  SmallVector<int64_t> result(size, otherwise);
  if (auto given = node.intsAttr(name)) {
    if (given->size() != size) {
      node.error() << "attribute '" << name << "' has " << given->size() << " entries; expected " << size;
      return std::nullopt;
    }
    result.assign(given->begin(), given->end());
  }
  for (int64_t value : result)
    if (value < least || value > std::numeric_limits<int32_t>::max()) {
      node.error() << "attribute '" << name << "' holds " << value << "; expected at least " << least
                   << " and less than 2147483648";
      return std::nullopt;
    }
  return node.failed() ? std::nullopt : std::optional(result);
}

std::optional<Window> readWindow(NodeContext &node, ArrayRef<int64_t> spatial, ArrayRef<int64_t> kernel, bool dilations,
                                 bool ceilMode) {
  size_t rank = spatial.size();
  auto strides = list(node, "strides", rank, 1, 1);
  auto dilation = dilations ? list(node, "dilations", rank, 1, 1) : std::optional(SmallVector<int64_t>(rank, 1));
  auto pads = list(node, "pads", 2 * rank, 0, 0);
  std::string autoPad = node.stringAttr("auto_pad", "NOTSET");
  if (!strides || !dilation || !pads || node.failed())
    return std::nullopt;
  if (autoPad.empty())
    autoPad = "NOTSET";
  if (autoPad != "NOTSET" && autoPad != "VALID" && autoPad != "SAME_UPPER" && autoPad != "SAME_LOWER") {
    node.error() << "attribute 'auto_pad' is '" << autoPad << "'; expected NOTSET, VALID, SAME_UPPER or SAME_LOWER";
    return std::nullopt;
  }

  Window window;
  for (size_t s = 0; s < rank; ++s) {
    size_t d = s + 2 - rank; // the columns of a 1-D window
    if (kernel[s] < 1 || kernel[s] > std::numeric_limits<int32_t>::max()) {
      node.error() << "the window has extent " << kernel[s] << " in spatial dimension " << s << "; expected at least 1";
      return std::nullopt;
    }
    int64_t in = spatial[s], stride = (*strides)[s], reach = (kernel[s] - 1) * (*dilation)[s] + 1;
    int64_t low = 0, high = 0;
    if (autoPad == "NOTSET") {
      low = (*pads)[s];
      high = (*pads)[rank + s];
    } else if (autoPad != "VALID") {
      int64_t total = std::max<int64_t>(((in + stride - 1) / stride - 1) * stride + reach - in, 0);
      low = autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
      high = total - low;
    }
    int64_t span = in + low + high - reach;
    if (span < 0) {
      node.error() << "the window reaches over " << reach << " elements of spatial dimension " << s << ", which has "
                   << in << " and padding of " << low << " and " << high << "; expected at most " << in + low + high;
      return std::nullopt;
    }
    int64_t out = (ceilMode ? (span + stride - 1) / stride : span / stride) + 1;
    // A window that begins in the far padding sees nothing.
    if (ceilMode && (out - 1) * stride >= in + low)
      --out;
    int64_t needed = (out - 1) * stride + reach - in - low;
    window.kernel[d] = kernel[s];
    window.stride[d] = stride;
    window.dilation[d] = (*dilation)[s];
    window.low[d] = low;
    window.givenHigh[d] = high;
    window.high[d] = std::max<int64_t>(needed, 0);
    window.in[d] = in;
    window.used[d] = in + std::min<int64_t>(needed, 0);
    window.out[d] = out;
    if (window.used[d] < 1) {
      node.error() << "the windows see only padding in spatial dimension " << s << "; expected them to reach the image";
      return std::nullopt;
    }
  }
  return window;
}

mlir::Value sliceUsed(Importer &importer, mlir::Value image, const Window &window, mlir::Location loc) {
  auto shape = mlir::cast<mlir::RankedTensorType>(image.getType()).getShape();
  return importer.slice(image, {0, 0, 0, 0}, {shape[0], window.used[0], window.used[1], shape[3]}, loc);
}

} // namespace sparseaccel::onnx
