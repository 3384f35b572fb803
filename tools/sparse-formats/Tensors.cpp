//===- Tensors.cpp - Tensors of integers from files -----------------------===//

#include "Tensors.h"

#include "SparseAccel/Dialect/Sparsity/Constants.h"
#include "SparseAccel/Dialect/Sparsity/Sparsity.h"
#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Target/ONNX/Import.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/WithColor.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

using namespace mlir;

namespace sparseaccel::sizes {

static void put(Tensor &tensor, int64_t value) {
  for (unsigned byte = 0; byte < tensor.elementBytes; ++byte)
    tensor.bytes.push_back(static_cast<uint8_t>(static_cast<uint64_t>(value) >> (8 * byte)));
}

/// Quantises values symmetrically, each group by its largest. `channelOf` says the group of an element.
static absl::Status quantise(Tensor &tensor, llvm::ArrayRef<double> values, size_t groups,
                             llvm::function_ref<size_t(size_t)> groupOf) {
  std::vector<double> largest(groups, 0);
  tensor.floatNonzeros =
      static_cast<uint64_t>(std::count_if(values.begin(), values.end(), [](double x) { return x != 0; }));
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i]))
      return absl::InvalidArgumentError(absl::StrCat("element ", i, " is ", values[i], ", not a finite number"));
    largest[groupOf(i)] = std::max(largest[groupOf(i)], std::abs(values[i]));
  }
  double top = tensor.elementBytes == 1 ? 127 : 32767;
  tensor.bytes.reserve(values.size() * tensor.elementBytes);
  for (size_t i = 0; i < values.size(); ++i) {
    double most = largest[groupOf(i)];
    put(tensor, most > 0 ? static_cast<int64_t>(std::nearbyint(values[i] * (top / most))) : 0);
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

/// Integers of more bits, where the width holds every one of them.
static absl::Status narrow(Tensor &tensor, const runtime::Array &array) {
  const double top = tensor.elementBytes == 1 ? 127 : 32767;
  for (int64_t i = 0, e = array.elements(); i < e; ++i) {
    double value = array.at(i);
    if (value < -top - 1 || value > top)
      return absl::InvalidArgumentError(absl::StrCat("element ", i, " of ", array.describe(), " is ", value,
                                                     "; expected integers from ", -top - 1, " to ", top,
                                                     " (--numerics int16 takes more), or its values as float32"));
    put(tensor, static_cast<int64_t>(value));
  }
  return absl::OkStatus();
}

static absl::StatusOr<Tensor> fromArray(const std::string &name, const runtime::Array &array, unsigned elementBytes) {
  using runtime::DType;
  Tensor tensor{name, {}, elementBytes, {}};
  for (int64_t extent : array.shape) {
    if (extent <= 0 || extent > int64_t{0xffffffff})
      return absl::InvalidArgumentError(absl::StrCat("expected positive extents, but got ", array.describe()));
    tensor.shape.push_back(static_cast<uint32_t>(extent));
  }
  switch (array.dtype) {
  case DType::I8:
  case DType::U8:
  case DType::Bool:
    tensor.elementBytes = 1;
    tensor.bytes = array.bytes;
    return tensor;
  case DType::I16:
  case DType::U16:
    tensor.elementBytes = 2;
    tensor.bytes = array.bytes;
    return tensor;
  case DType::F16:
  case DType::F32:
  case DType::F64:
    break;
  case DType::I32:
  case DType::U32:
  case DType::I64:
  case DType::U64:
    if (absl::Status status = narrow(tensor, array); !status.ok())
      return status;
    return tensor;
  }
  std::vector<double> values(static_cast<size_t>(array.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = array.at(static_cast<int64_t>(i));
  if (absl::Status status = quantise(tensor, values, 1, [](size_t) { return size_t{0}; }); !status.ok())
    return status;
  return tensor;
}

/// SplitMix64 (Steele et al., 2014).
static uint64_t nextRandom(uint64_t &state) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

static absl::StatusOr<Tensor> fromMask(const std::string &name, const runtime::Array &packed,
                                       const runtime::Array &shape, const LoadOptions &options) {
  if (packed.dtype != runtime::DType::U8 || packed.shape.size() != 2 || shape.elements() != 2)
    return absl::InvalidArgumentError(
        absl::StrCat("expected a mask packed by numpy.packbits along its rows, uint8 of two "
                     "dimensions, with a shape of two numbers beside it, but got ",
                     packed.describe(), " and ", shape.describe()));
  double rows = shape.at(0), columns = shape.at(1);
  int64_t packedColumns = packed.shape[1];
  if (rows != static_cast<double>(packed.shape[0]) || columns < 1 ||
      std::ceil(columns / 8) != static_cast<double>(packedColumns))
    return absl::InvalidArgumentError(absl::StrCat("a mask of ", rows, " x ", columns, " does not fit ",
                                                   packed.describe(), " packed along the rows"));
  Tensor tensor{name, {static_cast<uint32_t>(rows), static_cast<uint32_t>(columns)}, options.elementBytes, {}};
  // Every matrix has its own sequence, whatever stands before it in the file.
  uint64_t state = options.seed;
  for (char c : name)
    state = state * 1099511628211u + static_cast<uint8_t>(c);
  int64_t top = options.elementBytes == 1 ? 127 : 32767;
  tensor.bytes.reserve(tensor.shape[0] * size_t{tensor.shape[1]} * tensor.elementBytes);
  for (uint32_t row = 0; row < tensor.shape[0]; ++row)
    for (uint32_t column = 0; column < tensor.shape[1]; ++column) {
      uint8_t byte = packed.bytes[row * static_cast<size_t>(packedColumns) + column / 8];
      int64_t value = 0;
      if (byte >> (7 - column % 8) & 1) {
        auto draw = static_cast<int64_t>(nextRandom(state) % static_cast<uint64_t>(2 * top));
        value = draw < top ? draw + 1 : top - 1 - draw;
      }
      put(tensor, value);
    }
  return tensor;
}

static absl::StatusOr<std::vector<Tensor>> fromArrays(const std::string &path, const LoadOptions &options) {
  absl::StatusOr<runtime::NamedArrays> arrays = runtime::readArrays(path);
  if (!arrays.ok())
    return arrays.status();
  std::map<std::string, const runtime::Array *> byName;
  for (const auto &[name, array] : *arrays)
    byName[name] = &array;
  std::vector<Tensor> tensors;
  for (const auto &[name, array] : *arrays) {
    if (absl::EndsWith(name, "__shape") && byName.count(name.substr(0, name.size() - 7)))
      continue;
    if (array.elements() == 0) {
      llvm::WithColor::warning(llvm::errs(), "sparse-formats")
          << path << (name.empty() ? "" : ": array '" + name + "'") << ": is left out, as " << array.describe()
          << " has no element\n";
      continue;
    }
    auto shape = byName.find(absl::StrCat(name, "__shape"));
    absl::StatusOr<Tensor> tensor = shape != byName.end() ? fromMask(name, array, *shape->second, options)
                                                          : fromArray(name, array, options.elementBytes);
    if (!tensor.ok())
      return absl::InvalidArgumentError(absl::StrCat(path, name.empty() ? "" : absl::StrCat(": array '", name, "'"),
                                                     ": ", tensor.status().message()));
    tensors.push_back(*std::move(tensor));
  }
  return tensors;
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

static absl::StatusOr<Tensor> fromWeights(Operation *op, ElementsAttr elements, unsigned elementBytes) {
  auto type = cast<RankedTensorType>(elements.getType());
  auto name = dyn_cast<NameLoc>(op->getLoc());
  Tensor tensor{name ? name.getName().str() : op->getName().getStringRef().str(), {}, elementBytes, {}};
  for (int64_t extent : type.getShape())
    tensor.shape.push_back(static_cast<uint32_t>(extent));
  std::vector<char> storage;
  ArrayRef<char> bytes = sparsity::constantBytes(elements, storage);
  if (type.getElementType().isInteger(8) || type.getElementType().isInteger(16)) {
    tensor.elementBytes = type.getElementTypeBitWidth() / 8;
    tensor.bytes.assign(bytes.begin(), bytes.end());
    return tensor;
  }
  if (!type.getElementType().isF32())
    return absl::InvalidArgumentError(absl::StrCat("node '", tensor.name,
                                                   "': expected weights in float32 or in integers of "
                                                   "8 or 16 bits"));
  std::vector<double> values(bytes.size() / 4);
  for (size_t i = 0; i < values.size(); ++i) {
    float value;
    std::memcpy(&value, bytes.data() + i * 4, 4);
    values[i] = value;
  }
  bool depthwise = isa<tosa::DepthwiseConv2DOp>(op);
  size_t channels = depthwise ? type.getDimSize(2) * type.getDimSize(3) : type.getDimSize(0);
  size_t perChannel = values.size() / std::max<size_t>(1, channels);
  absl::Status status =
      quantise(tensor, values, channels, [&](size_t i) { return depthwise ? i % channels : i / perChannel; });
  if (!status.ok())
    return absl::InvalidArgumentError(absl::StrCat("node '", tensor.name, "': ", status.message()));
  return tensor;
}

/// What stands behind the file's name: ":LINE: ", ": 'NODE': " or ": ".
static std::string placeOf(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return absl::StrCat(": '", name.getName().str(), "': ");
  auto at = dyn_cast<FileLineColLoc>(loc);
  return at && at.getLine() ? absl::StrCat(":", at.getLine(), ": ") : ": ";
}

static absl::StatusOr<std::vector<Tensor>> fromModel(const std::string &path, const LoadOptions &options) {
  DialectRegistry registry;
  registry.insert<func::FuncDialect, sparsity::SparsityDialect, tosa::TosaDialect>();
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  std::string messages;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      // What says its file itself is left as it is.
      absl::StrAppend(&messages, messages.empty() ? "" : "\n",
                      absl::StartsWith(diagnostic.str(), path) ? ""
                                                               : absl::StrCat(path, placeOf(diagnostic.getLocation())),
                      diagnostic.str());
    return success();
  });
  OwningOpRef<ModuleOp> module;
  if (absl::EndsWith(path, ".onnx")) {
    onnx::ImportOptions import;
    import.batch = 1;
    if (std::string wrong = onnx::parseDims(options.dims, import.dims); !wrong.empty())
      return absl::InvalidArgumentError(wrong);
    module = onnx::importOnnx(path, import, &context);
  } else {
    if (llvm::sys::fs::is_directory(path)) // of which the parser says nothing
      return absl::InvalidArgumentError(absl::StrCat(path, ": cannot open the model: Is a directory"));
    module = parseSourceFile<ModuleOp>(path, &context);
    if (module)
      sparsity::densifyConstants(*module);
  }
  if (!module)
    return absl::InvalidArgumentError(messages.empty() ? absl::StrCat(path, ": cannot be read") : messages);
  std::vector<Tensor> tensors;
  absl::Status failure;
  module->walk([&](Operation *op) {
    if (!failure.ok() || !isa<tosa::Conv2DOp, tosa::DepthwiseConv2DOp, tosa::MatMulOp>(op))
      return;
    Attribute constant;
    if (!matchPattern(op->getOperand(1), m_Constant(&constant)))
      return; // A product of two activations has no weights.
    absl::StatusOr<Tensor> tensor = fromWeights(op, cast<ElementsAttr>(constant), options.elementBytes);
    if (tensor.ok())
      tensors.push_back(*std::move(tensor));
    else
      failure = absl::InvalidArgumentError(absl::StrCat(path, ": ", tensor.status().message()));
  });
  if (!failure.ok())
    return failure;
  if (tensors.empty())
    return absl::NotFoundError(absl::StrCat(path, ": no convolution or matrix product has constant weights"));
  return tensors;
}

absl::StatusOr<std::vector<Tensor>> loadTensors(const std::string &path, const LoadOptions &options) {
  bool arrays = absl::EndsWith(path, ".npy") || absl::EndsWith(path, ".npz") || absl::EndsWith(path, ".mtx");
  if (!options.dims.empty() && !absl::EndsWith(path, ".onnx"))
    return absl::InvalidArgumentError("--dim gives dimensions of an .onnx model a value: expected one");
  if (arrays)
    return fromArrays(path, options);
  if (absl::EndsWith(path, ".onnx") || absl::EndsWith(path, ".mlir") || absl::EndsWith(path, ".mlirbc"))
    return fromModel(path, options);
  return absl::InvalidArgumentError(
      absl::StrCat("'", path, "': expected a file that ends in .npy, .npz, .mtx, .onnx, .mlir (TOSA) or .mlirbc"));
}

} // namespace sparseaccel::sizes
