//===- Constants.cpp - The bytes of constant tensors ----------------------===//

#include "SparseAccel/Dialect/Sparsity/Constants.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cstring>

using namespace mlir;
using namespace sparseaccel;

ArrayRef<char> sparsity::constantBytes(ElementsAttr elements, std::vector<char> &storage) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? blob->getData() : ArrayRef<char>();
  }
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (!dense)
    return {};
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return raw;
  storage.resize(raw.size() * dense.getNumElements());
  for (int64_t i = 0; i < dense.getNumElements(); ++i)
    std::memcpy(storage.data() + i * raw.size(), raw.data(), raw.size());
  return storage;
}
