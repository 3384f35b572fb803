//===- Constants.cpp - The bytes of constant tensors ----------------------===//

#include "SparseAccel/Dialect/Sparsity/Constants.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Operation.h"

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

/// Null for elements that take no whole bytes.
static DenseElementsAttr densify(SparseElementsAttr sparse) {
  Type element = sparse.getElementType();
  if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() % 8 != 0)
    return {};
  const size_t bytes = element.getIntOrFloatBitWidth() / 8;
  ArrayRef<int64_t> shape = sparse.getShapedType().getShape();
  std::vector<char> storage, dense(bytes * sparse.getNumElements());
  ArrayRef<char> values = sparsity::constantBytes(sparse.getValues(), storage);
  std::vector<uint64_t> indices; // [nonzeros][rank], and [nonzeros] of a tensor of one rank
  for (const APInt &index : sparse.getIndices().getValues<APInt>())
    indices.push_back(index.getZExtValue());
  for (size_t i = 0; i * shape.size() < indices.size(); ++i) {
    size_t at = 0;
    for (size_t d = 0; d < shape.size(); ++d)
      at = at * shape[d] + indices[i * shape.size() + d];
    std::memcpy(dense.data() + at * bytes, values.data() + i * bytes, bytes);
  }
  return DenseElementsAttr::getFromRawBuffer(sparse.getShapedType(), dense);
}

void sparsity::densifyConstants(Operation *root) {
  root->walk([](Operation *op) {
    for (NamedAttribute attribute : op->getAttrs())
      if (auto sparse = dyn_cast<SparseElementsAttr>(attribute.getValue()))
        if (DenseElementsAttr dense = densify(sparse))
          op->setAttr(attribute.getName(), dense);
  });
}
