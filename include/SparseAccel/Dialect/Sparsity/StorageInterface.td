//===- StorageInterface.td - What passes ask an encoding ----------------------===//

#ifndef SPARSEACCEL_DIALECT_SPARSITY_STORAGEINTERFACE_TD
#define SPARSEACCEL_DIALECT_SPARSITY_STORAGEINTERFACE_TD

include "mlir/IR/OpBase.td"

def StorageInterface : AttrInterface<"StorageInterface"> {
  let cppNamespace = "::sparseaccel::sparsity";
  let description = [{
    What a pass may ask of the way in which a tensor is stored. Passes ask this interface and do not switch on names of formats. All shapes are whole
    tensors, outermost rank first; sizes are sums over the tensor's granules, each of which is stored on its own.
  }];
  let methods = [
    InterfaceMethod<"Whether values stand at their place in row-major order, with no metadata.", "bool", "isDense">,
    InterfaceMethod<"Extents of one granule of a tensor of this shape.",
      "::llvm::SmallVector<int64_t>", "getGranuleShape", (ins "::llvm::ArrayRef<int64_t>":$shape)>,
    InterfaceMethod<"Bits of a tensor whose zeros are independent, where a fraction `density` of its elements is nonzero: values and metadata together.",
      "double", "getExpectedBits", (ins "::llvm::ArrayRef<int64_t>":$shape, "unsigned":$elementBits, "double":$density)>,
    InterfaceMethod<"Exact bits of these row-major little-endian integers, values and metadata apart.",
      "::sparseaccel::formats::Size", "getExactSize",
      (ins "::llvm::ArrayRef<int64_t>":$shape, "unsigned":$elementBits, "::llvm::ArrayRef<char>":$values)>,
    InterfaceMethod<"Why these values cannot be stored so, or an empty text where they can. Only a format that restricts values, as n:m does, ever refuses.",
      "std::string", "getObstacle",
      (ins "::llvm::ArrayRef<int64_t>":$shape, "unsigned":$elementBits, "::llvm::ArrayRef<char>":$values)>,
    InterfaceMethod<"The most bits that any values of this shape take, values and metadata apart.",
      "::sparseaccel::formats::Size", "getWorstCaseSize", (ins "::llvm::ArrayRef<int64_t>":$shape, "unsigned":$elementBits)>,
    InterfaceMethod<"The encoding of a box of the tensor, or null where the box does not lie on the granule grid and so cannot be addressed.",
      "::mlir::Attribute", "getSlice",
      (ins "::llvm::ArrayRef<int64_t>":$shape, "::llvm::ArrayRef<int64_t>":$origin, "::llvm::ArrayRef<int64_t>":$extent)>
  ];
}

#endif // SPARSEACCEL_DIALECT_SPARSITY_STORAGEINTERFACE_TD
