//===- Importer.h - State shared by the operators' importers ----*- C++ -*-===//
//
// A value of the graph is either a constant, held on the host, or an activation. An activation may exist in several
// layouts: a layout says, for every dimension of the tensor in the module, which ONNX dimension it is (-1: an added one
// of extent 1). ONNX dimensions of extent 1 may be left out. So ONNX transposes, squeezes and flattening of 1x1 maps
// cost nothing: they only change the layout that a value is known to have.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_ONNX_IMPORTER_H
#define SPARSEACCEL_LIB_TARGET_ONNX_IMPORTER_H

#include "Model.h"

#include "SparseAccel/Target/ONNX/Import.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <functional>

namespace sparseaccel::onnx {

using Layout = llvm::SmallVector<int64_t, 6>;

struct GraphValue;
using ValueRef = std::shared_ptr<GraphValue>;

struct GraphValue {
  struct Form {
    Layout layout;
    mlir::Value value;
  };
  Shape shape;        ///< As ONNX sees it.
  TensorRef constant; ///< Null for activations.
  llvm::SmallVector<Form, 2> forms;
  ValueRef base; ///< A reshape of this value, not yet carried out while `forms` is empty.

  /// A QuantizeLinear whose DequantizeLinear has not been met: `base` is what was quantised.
  struct Codes {
    double scale;
    int64_t zeroPoint;
    DType type;
  };
  std::optional<Codes> codes;

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
};

Layout identityLayout(int64_t rank);
/// N, spatial dimensions, C for a tensor of rank 3 (as N1LC) or 4.
Layout featureLayout(int64_t rank);
Shape physicalShape(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> layout);
/// The values of a constant in the given layout.
std::vector<float> permuteFloats(const HostTensor &tensor, llvm::ArrayRef<int64_t> layout);

/// The constant with its dimensions permuted: dimension d of the result is dimension perm[d].
TensorRef transposeTensor(const HostTensor &tensor, llvm::ArrayRef<int64_t> perm);

class Importer;

/// One node while it is imported: its operands and attributes, and its errors. An error is remembered, so that an
/// importer may read everything that it needs and then ask once whether it failed.
class NodeContext {
public:
  NodeContext(Importer &importer, const Node &node);

  Importer &importer;
  const Node &node;
  mlir::Location loc;

  bool failed() const { return hasFailed; }
  mlir::InFlightDiagnostic error();

  /// Operands. `input` fails where the operand is absent or is no number with a fraction; `anyInput` takes every type.
  ValueRef input(unsigned index);
  ValueRef anyInput(unsigned index);
  TensorRef constantInput(unsigned index, llvm::StringRef role);
  /// A constant list of integers, read from operand `index`; nullopt where it is absent.
  std::optional<std::vector<int64_t>> intsInput(unsigned index, llvm::StringRef role);
  bool hasInput(unsigned index) const { return index < node.inputs.size() && !node.inputs[index].empty(); }
  bool isUsed(unsigned output) const;
  bool expectOperands(unsigned least, unsigned most);

  int64_t intAttr(llvm::StringRef name, int64_t otherwise);
  std::optional<int64_t> optionalIntAttr(llvm::StringRef name);
  double floatAttr(llvm::StringRef name, double otherwise);
  std::optional<double> optionalFloatAttr(llvm::StringRef name);
  std::string stringAttr(llvm::StringRef name, llvm::StringRef otherwise);
  std::optional<std::vector<int64_t>> intsAttr(llvm::StringRef name);
  const Attribute *attribute(llvm::StringRef name);
  /// An attribute that has no meaning for inference.
  void ignoreAttr(llvm::StringRef name) { read.insert(name); }
  /// Fails for an attribute that no one has read.
  void expectAllAttributesRead();

  /// `axis` counted from the end where negative; fails outside of [-rank, rank).
  int64_t axis(int64_t axis, int64_t rank);
  /// Distinct axes in rising order.
  std::vector<int64_t> axes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  void set(ValueRef value, unsigned output = 0);

private:
  bool hasFailed = false;
  llvm::StringSet<> read;
};

/// What folding adds to a contraction after its sums: y = y * scale[m] + bias[m].
struct Epilogue {
  std::vector<double> scale, bias; ///< Empty: 1 and 0.
};

class Importer {
public:
  Importer(Model &model, llvm::StringRef path, const ImportOptions &options, mlir::MLIRContext *context);

  mlir::OwningOpRef<mlir::ModuleOp> run();

  Model &model;
  const ImportOptions &options;
  mlir::OpBuilder builder;
  int64_t opset;

  mlir::InFlightDiagnostic error();
  mlir::InFlightDiagnostic warning(const Node &node, llvm::Twine message);
  mlir::InFlightDiagnostic nodeError(const Node &node);

  //===--- Values (Values.cpp)
  ValueRef activation(mlir::Value value, llvm::ArrayRef<int64_t> layout, llvm::ArrayRef<int64_t> shape);
  ValueRef constant(TensorRef tensor);
  /// The value in a layout; emits what it takes.
  mlir::Value get(const ValueRef &value, llvm::ArrayRef<int64_t> layout, mlir::Location loc);
  /// The layout that the value already has.
  Layout nativeLayout(const ValueRef &value, mlir::Location loc);
  ValueRef reshaped(const ValueRef &value, llvm::ArrayRef<int64_t> shape);
  ValueRef transposed(const ValueRef &value, llvm::ArrayRef<int64_t> perm);
  /// Applies an op that works element by element, through pending reshapes.
  ValueRef elementwise(const ValueRef &value, mlir::Location loc, llvm::function_ref<mlir::Value(mlir::Value)> emit);

  //===--- Ops (Values.cpp)
  mlir::RankedTensorType type(llvm::ArrayRef<int64_t> shape);
  mlir::Value constFloats(llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> shape, mlir::Location loc);
  /// A constant of signed integers as it is; null for other types.
  mlir::Value constIntegers(const HostTensor &tensor, mlir::Location loc);
  mlir::Value splat(float value, int64_t rank, mlir::Location loc);
  mlir::Value weights(std::vector<float> values, llvm::ArrayRef<int64_t> shape, llvm::StringRef name,
                      mlir::Location loc, const std::optional<QuantInfo> &quant = std::nullopt);
  mlir::Value zeroPoint();
  mlir::Value mulShift();
  mlir::Value shapeConst(llvm::ArrayRef<int64_t> shape, mlir::Location loc);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape, mlir::Location loc);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> perm, mlir::Location loc);
  mlir::Value slice(mlir::Value value, llvm::ArrayRef<int64_t> start, llvm::ArrayRef<int64_t> size, mlir::Location loc);
  mlir::Value pad(mlir::Value value, llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high, float with,
                  mlir::Location loc);
  mlir::Value concat(llvm::ArrayRef<mlir::Value> values, int64_t axis, mlir::Location loc);
  mlir::Value clamp(mlir::Value value, float low, float high, mlir::Location loc);
  mlir::Value mul(mlir::Value a, mlir::Value b, mlir::Location loc);
  mlir::Value add(mlir::Value a, mlir::Value b, mlir::Location loc);
  /// A call of a private function with the host operator's plain TOSA as its body.
  mlir::Value callHost(llvm::StringRef kind, llvm::ArrayRef<mlir::NamedAttribute> attributes, mlir::Value operand,
                       mlir::Location loc, llvm::function_ref<mlir::Value(mlir::Value)> body);

  /// True for an activation's shape: every extent positive, the size under the limit. Reports on failure.
  bool checkShape(NodeContext &node, llvm::ArrayRef<int64_t> shape);
  /// Counts bytes of constants that import makes against the limit; reports where they exceed it.
  bool charge(NodeContext &node, uint64_t bytes);
  /// Memory for a constant that folding builds; null, and reported, where the limits forbid it.
  std::shared_ptr<HostTensor> newConstant(NodeContext &node, DType type, llvm::ArrayRef<int64_t> shape);

  //===--- Graph (Importer.cpp)
  ValueRef lookup(llvm::StringRef name) const;
  bool isUsed(llvm::StringRef name) const { return uses.lookup(name) != 0; }
  /// What the nodes after this contraction add that can be folded into it; `output` becomes the name of the folded
  /// value. The channel is dimension `rank - 1 - fromEnd` of the result.
  Epilogue takeEpilogue(const Node &node, int64_t channels, int64_t rank, int64_t fromEnd, std::string &output);
  void define(llvm::StringRef name, ValueRef value) { values[name] = std::move(value); }

private:
  friend class NodeContext;
  mlir::LogicalResult checkOpset();
  mlir::LogicalResult order();
  mlir::LogicalResult checkSupported();
  void dropUnusedInputs();
  mlir::LogicalResult importInputs();
  /// Whether the first operand is of floats; nullopt where there is none.
  std::optional<bool> isOfFloats(const Node &node) const;
  mlir::LogicalResult importNode(const Node &node);
  mlir::LogicalResult returnOutputs();

  //===--- Open extents (Dimensions.cpp)
  /// The extent of an input's dimension; reports where nothing gives it one.
  std::optional<int64_t> inputDim(const ValueInfo &input, unsigned index);
  /// The same from the arrays alone, with a remark; nullopt where they do not say. `failed`: they contradict, reported.
  std::optional<int64_t> dimFromArrays(const ValueInfo &input, unsigned index, bool &failed);
  /// The shape of the array of an input, or null.
  const Shape *arrayShape(size_t position);
  /// Reports options that named nothing.
  mlir::LogicalResult checkDimOptions();

  mlir::MLIRContext *context;
  mlir::Location fileLoc;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp main;
  std::vector<const Node *> ordered;
  llvm::StringMap<ValueRef> values;
  llvm::StringMap<unsigned> uses;          ///< How many operands (and graph outputs) read a name.
  llvm::StringMap<const Node *> consumers; ///< The only reader, for names read once by a node.
  llvm::DenseSet<const Node *> folded;     ///< Nodes that went into an earlier one.
  llvm::StringSet<> usedDims, remarkedDims;
  std::vector<std::pair<bool, std::optional<Shape>>> arrayShapes; ///< Whether asked for, and what was found, by input.
  bool usedBatch = false;
  mlir::Value zero, shift;
  uint64_t builtConstantBytes = 0;
  unsigned hostFunctions = 0;
};

/// Imports one node of an operator.
using NodeImporter = mlir::LogicalResult (*)(NodeContext &node);

/// The importer of an operator of the default domain, or null.
NodeImporter findImporter(llvm::StringRef op);

/// The shape of two operands broadcast against each other; reports where they do not fit.
std::optional<Shape> broadcastShapes(NodeContext &node, llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);
/// An element-by-element op ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", or a comparison by its ONNX name) of two
/// values that broadcast; null, and reported, where they do not.
ValueRef emitBinary(NodeContext &node, llvm::StringRef op, const ValueRef &a, const ValueRef &b);
/// A comparison by its ONNX name, of values of one rank: 0 or 1 in float32.
mlir::Value emitTruth(Importer &importer, llvm::StringRef op, mlir::Value a, mlir::Value b, mlir::Location loc);
/// `a` where such a value is 1, else `b`; all of one rank.
mlir::Value emitChoiceByTruth(Importer &importer, mlir::Value truth, mlir::Value a, mlir::Value b, mlir::Location loc);
/// The elements at `indices`, counted from the start, along one axis, which keeps its place; null, and reported, where
/// they are too many.
ValueRef pick(NodeContext &node, const ValueRef &x, int64_t axis, llvm::ArrayRef<int64_t> indices);
/// The mean of each channel of a map [N, H, W, C], as a pool.
mlir::Value emitGlobalAverage(Importer &importer, mlir::Value image, mlir::Location loc);
/// "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin" or "ReduceProd" over the axes, which keep an extent of 1.
ValueRef emitReduce(Importer &importer, llvm::StringRef op, const ValueRef &x, llvm::ArrayRef<int64_t> axes,
                    mlir::Location loc);

/// Computes a node whose operands are all constants, or null where the operator is not one that import computes.
/// `ofFloats`: whether its first operand is of floats, where that is known.
NodeImporter findFolder(const Node &node, std::optional<bool> ofFloats = std::nullopt);

// One function per operator, by family.
mlir::LogicalResult importConv(NodeContext &node);
mlir::LogicalResult importBatchNormalization(NodeContext &node);
mlir::LogicalResult importGemm(NodeContext &node);
mlir::LogicalResult importMatMul(NodeContext &node);
mlir::LogicalResult importMaxPool(NodeContext &node);
mlir::LogicalResult importAveragePool(NodeContext &node);
mlir::LogicalResult importGlobalPool(NodeContext &node);
mlir::LogicalResult importReduce(NodeContext &node);
mlir::LogicalResult importRelu(NodeContext &node);
mlir::LogicalResult importLeakyRelu(NodeContext &node);
mlir::LogicalResult importClip(NodeContext &node);
mlir::LogicalResult importSigmoid(NodeContext &node);
mlir::LogicalResult importTanh(NodeContext &node);
mlir::LogicalResult importBinary(NodeContext &node);
mlir::LogicalResult importVariadic(NodeContext &node);
mlir::LogicalResult importTruths(NodeContext &node);
mlir::LogicalResult importNot(NodeContext &node);
mlir::LogicalResult importSteps(NodeContext &node);
mlir::LogicalResult importFunction(NodeContext &node);
mlir::LogicalResult importHardSigmoid(NodeContext &node);
mlir::LogicalResult importGelu(NodeContext &node);
mlir::LogicalResult importPow(NodeContext &node);
mlir::LogicalResult importElu(NodeContext &node);
mlir::LogicalResult importPRelu(NodeContext &node);
mlir::LogicalResult importLayerNormalization(NodeContext &node);
mlir::LogicalResult importInstanceNormalization(NodeContext &node);
mlir::LogicalResult importGroupNormalization(NodeContext &node);
mlir::LogicalResult importMeanVarianceNormalization(NodeContext &node);
mlir::LogicalResult importResize(NodeContext &node);
mlir::LogicalResult importTile(NodeContext &node);
mlir::LogicalResult importBlocks(NodeContext &node);
mlir::LogicalResult importSize(NodeContext &node);
mlir::LogicalResult importWhere(NodeContext &node);
mlir::LogicalResult importExpand(NodeContext &node);
mlir::LogicalResult importGather(NodeContext &node);
mlir::LogicalResult importConcat(NodeContext &node);
mlir::LogicalResult importSplit(NodeContext &node);
mlir::LogicalResult importSlice(NodeContext &node);
mlir::LogicalResult importPad(NodeContext &node);
mlir::LogicalResult importFlatten(NodeContext &node);
mlir::LogicalResult importReshape(NodeContext &node);
mlir::LogicalResult importSqueeze(NodeContext &node);
mlir::LogicalResult importUnsqueeze(NodeContext &node);
mlir::LogicalResult importTranspose(NodeContext &node);
mlir::LogicalResult importSoftmax(NodeContext &node);
mlir::LogicalResult importLrn(NodeContext &node);
mlir::LogicalResult importConstant(NodeContext &node);
mlir::LogicalResult importConstantOfShape(NodeContext &node);
mlir::LogicalResult importShape(NodeContext &node);
mlir::LogicalResult importCast(NodeContext &node);
mlir::LogicalResult importIdentity(NodeContext &node);
mlir::LogicalResult importDropout(NodeContext &node);
mlir::LogicalResult importQuantizeLinear(NodeContext &node);
mlir::LogicalResult importDequantizeLinear(NodeContext &node);

} // namespace sparseaccel::onnx

#endif // SPARSEACCEL_LIB_TARGET_ONNX_IMPORTER_H
