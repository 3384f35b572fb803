//===- Densify.cpp - Sparse constants become dense ones -------------------===//

#include "Model.h"

#include <cstring>

using namespace llvm;

namespace sparseaccel::onnx {

Expected<TensorRef> densify(const HostTensor &values, const HostTensor &indices, ArrayRef<int64_t> shape,
                            const Twine &what, uint64_t maxBytes) {
  auto error = [&](const Twine &message) { return createStringError(inconvertibleErrorCode(), what + message); };
  unsigned bytes = dtypeBytes(values.type);
  if (shape.empty() || shape.size() > 8)
    return error(": has " + Twine(shape.size()) + " dimensions; expected 1 to 8");
  auto count = elementCount(shape, bytes, maxBytes);
  if (!count)
    return error(": shape " + shapeString(shape) + " of " + dtypeName(values.type) +
                 " is negative or exceeds the limit of " + Twine(maxBytes) + " bytes");
  if (values.shape.size() != 1)
    return error(": its values have shape " + shapeString(values.shape) + "; expected a list of nonzeros");
  int64_t nonzeros = values.shape[0], rank = static_cast<int64_t>(shape.size());
  if (indices.type != DType::I64)
    return error(": its indices are of " + dtypeName(indices.type) + "; expected int64");
  bool linear = indices.shape.size() == 1;
  if (linear ? indices.shape[0] != nonzeros
             : indices.shape.size() != 2 || indices.shape[0] != nonzeros || indices.shape[1] != rank)
    return error(": its indices have shape " + shapeString(indices.shape) + "; expected " + shapeString({nonzeros}) +
                 " or " + shapeString({nonzeros, rank}) + " for " + Twine(nonzeros) + " values in shape " +
                 shapeString(shape));

  auto dense = std::make_shared<HostTensor>();
  dense->name = values.name;
  dense->type = values.type;
  dense->shape.assign(shape.begin(), shape.end());
  dense->bytes.resize(*count * bytes);
  int64_t before = -1;
  for (int64_t i = 0; i < nonzeros; ++i) {
    int64_t at = 0;
    if (linear) {
      at = indices.asInt(i);
      if (at < 0 || at >= *count)
        return error(": index " + Twine(i) + " is " + Twine(at) + "; expected 0 to " + Twine(*count - 1) +
                     " in shape " + shapeString(shape));
    } else {
      for (int64_t d = 0; d < rank; ++d) {
        int64_t coordinate = indices.asInt(i * rank + d);
        if (coordinate < 0 || coordinate >= shape[d])
          return error(": index " + Twine(i) + " is " + Twine(coordinate) + " in dimension " + Twine(d) +
                       "; expected 0 to " + Twine(shape[d] - 1));
        at = at * shape[d] + coordinate;
      }
    }
    if (at <= before)
      return error(": index " + Twine(i) + (at == before ? " is there twice" : " comes after a larger one") +
                   "; expected ascending indices");
    before = at;
    std::memcpy(dense->bytes.data() + at * bytes, values.bytes.data() + i * bytes, bytes);
  }
  return dense;
}

} // namespace sparseaccel::onnx
