//===- QuantizePlan.h - What sparse-quantize decides before it rewrites ---===//
//
// A plan says of every float value of @main whether it becomes an integer, which values share one scale, and what the
// scales are. It is made in five steps: forms and groups (from the graph), ranges (from calibration or a default),
// scales (from ranges or the model's own), a step that coarsens scales so that no 32-bit rescale result can wrap, and a
// last one that sends back to float what no table holds, what a logarithm reads and what one scale would swamp, and
// takes tables apart: then the plan is made anew.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TRANSFORMS_QUANTIZEPLAN_H
#define SPARSEACCEL_LIB_TRANSFORMS_QUANTIZEPLAN_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sparseaccel::quantize {

struct Numerics {
  bool int16 = false;
  unsigned bits() const { return int16 ? 16 : 8; }
  unsigned sumBits() const { return int16 ? 48 : 32; }
  /// Largest magnitude that a scale maps a range to; one less than the type's lowest, so that zero lies in the middle.
  int64_t top() const { return int16 ? 32767 : 127; }
  /// Largest magnitude that a value of the type can have.
  int64_t magnitude() const { return int16 ? 32768 : 128; }
  llvm::StringRef name() const { return int16 ? "int16" : "int8"; }
};

/// What one value was over all calibration inputs.
class Statistics {
public:
  void add(llvm::ArrayRef<float> values);
  void merge(const Statistics &other);
  bool finite() const { return !notFinite; }
  double largest() const { return maximum; }
  /// Share of the values that a scale does not round to zero (halves round to even, so to zero). Exact to a bin of the
  /// threshold.
  double density(double scale) const;
  /// A magnitude that at least this share of the values does not exceed: the upper end of the first bin at which that
  /// is so, hence at most a 32nd too large; never more than largest().
  double percentile(double share) const;

private:
  static constexpr unsigned kMantissaBits = 5; ///< 32 bins an octave.
  static constexpr unsigned kBinShift = 23 - kMantissaBits, kBins = 256u << kMantissaBits;
  std::vector<uint64_t> bins = std::vector<uint64_t>(kBins);
  uint64_t count = 0;
  double maximum = 0;
  bool notFinite = false;
};

/// Whether a largest magnitude is any, or that of a value that was always zero: nothing that it is added to, and no
/// weight that it is multiplied by, makes what is smaller matter.
constexpr bool isRange(double magnitude) { return magnitude >= 1e-30; }
/// A number as messages have it.
std::string number(double value);

/// How an op is treated.
enum class OpClass {
  Constant,    ///< tosa.const, tosa.const_shape.
  Contraction, ///< Convolutions and matrix products: always integer.
  Pool,        ///< Always integer; one scale for input and output.
  Preserving,  ///< Moves or selects values: integer where its input is; one scale.
  Arithmetic,  ///< Element by element on two values, or a table: integer where an input is.
  Float        ///< Stays as it is, on the host.
};
OpClass classify(mlir::Operation *op);
/// Operands of `op` that carry activations (not weights, zero points, shapes or constants of attributes).
llvm::SmallVector<unsigned> activationOperands(mlir::Operation *op);
/// True for the float constants that arithmetic may have as an operand.
bool isConstant(mlir::Value value);
/// The single positive value that a constant holds everywhere.
std::optional<double> positiveSplat(mlir::Value value);
/// A node's name: that of the innermost NameLoc, else the op's.
std::string nodeName(mlir::Operation *op);

/// A chain of ops that is a function of one number: element i of the result depends on element i of one value.
struct ScalarFunction {
  mlir::Value input;
  llvm::SmallVector<mlir::Operation *> ops; ///< In the function's order; the last one gives the result.
};
/// The ops of a chain from its last product of two values on; none without one, or with a curve behind it.
llvm::ArrayRef<mlir::Operation *> fromLastProduct(const ScalarFunction &function);
/// The longest such chain that ends in `root`, has no other readers inside, and is better a table than op by op.
std::optional<ScalarFunction> findFunction(mlir::Operation *root, Numerics numerics,
                                           llvm::function_ref<bool(mlir::Operation *)> taken);
/// The chain in double precision.
std::function<double(double)> compile(const ScalarFunction &function);

/// A function as TOSA's TABLE holds it: 256 entries, one a code, in int8; 513 in int16, 128 codes apart, between which
/// is interpolated to 23 bits.
struct Table {
  std::vector<int64_t> entries;
  double operandScale = 0; ///< Of the codes that it takes: the operand's own, or a finer one to rescale to first.
  double entryScale = 0;   ///< Of the entries.
  double error = 0;        ///< Largest error of an interpolation between two entries, over the result's range.
  std::optional<double> undefined; ///< Where the function has no number, if anywhere; then there are no entries.
};

/// What a table has to hold.
struct TableRange {
  double operandScale = 0; ///< Of the group that the operand is in.
  double operand = 0;      ///< Largest magnitude of the operand itself, which may be far less than its group's.
  double resultScale = 0;
  double result = 0; ///< Largest magnitude of the result itself.
};
/// With `plain`, the operand is taken as it is, and entries end at the result's range.
Table makeTable(llvm::function_ref<double(double)> function, Numerics numerics, TableRange range, bool plain);

/// Makes a sum of its own of each positive bias whose layer a logarithm reads, or its like (log(W x + 1e-6)), so that
/// the plan can keep that sum in float; the layer's bias is then zero.
void takeFloorsOut(mlir::func::FuncOp main);

/// Gives an operand a value of its own, a product with 1, which has a scale of its own.
void separate(mlir::OpOperand &operand);

/// Which fault a test asks for by the module's attribute `sparsity.debug_break`, which goes (QuantizeBreak.cpp).
struct Break {
  bool unobserved = false, table = false, ownScale = false;
  std::string node; ///< Whose result gets a wrong scale.
};
mlir::FailureOr<Break> readBreak(mlir::ModuleOp module);

struct Group {
  bool known = false;             ///< Whether a range was observed or assumed.
  double range = 0;               ///< Largest magnitude.
  std::optional<double> ownScale; ///< What the model itself says.
  bool ownScaleDropped = false;
  double scale = 0;
};

class Plan {
public:
  Plan(mlir::func::FuncOp main, Numerics numerics, Break broken = {})
      : main(main), numerics(numerics), broken(std::move(broken)) {}

  /// Step 1. Ops of `inFloat` do not become integers, and no table ends in one of `apart`.
  void findFormsAndGroups(const llvm::DenseSet<mlir::Operation *> &inFloat = {},
                          const llvm::DenseSet<mlir::Operation *> &apart = {});
  /// Values whose ranges step 2 needs, or step 5 for its choice, and of which nothing was observed yet.
  llvm::SmallVector<mlir::Value> valuesToObserve(const llvm::MapVector<mlir::Value, Statistics> &observed) const;
  /// Step 2, with calibration: by the observed value; and without.
  /// A range holds this share of the values.
  mlir::LogicalResult setRanges(const llvm::MapVector<mlir::Value, Statistics> &observed, double share);
  mlir::LogicalResult setRanges(double defaultRange);
  /// Steps 3 and 4.
  mlir::LogicalResult setScales();
  /// Step 5, to go back to float: ops of chains that no table holds well enough, each with a remark.
  llvm::SmallVector<mlir::Operation *> findCoarseTables() const;
  /// Chains of which a table would round more than a product does (x * sigmoid(x), say), to be taken apart behind the
  /// table of what is multiplied: their last product and what follows it, each chain with a remark.
  llvm::SmallVector<mlir::Operation *> findProducts(const llvm::MapVector<mlir::Value, Statistics> &observed) const;
  /// Ops between a square or its like and a float operator that asks how many times as small a value is, each with a
  /// remark.
  llvm::SmallVector<mlir::Operation *> findRatios() const;
  /// And ops at which small values would get the scale of wide ones for no integer reader, each with a remark.
  llvm::SmallVector<mlir::Operation *> findSwamped() const;

  /// Operands of concatenations whose other integer readers would get the scale of far wider parts, each with a remark.
  /// In 8 bits alone: 16 have bits to spare.
  llvm::SmallVector<mlir::OpOperand *> findNarrowParts() const;

  /// True where the op becomes integer arithmetic.
  bool isInteger(mlir::Operation *op) const { return integerOps.contains(op); }
  /// True where the value exists as an integer first, and as a float only by dequantising.
  bool isQuantised(mlir::Value value) const { return quantised.contains(value); }
  /// The scale that an integer form of the value has.
  double scaleOf(mlir::Value value) const { return groups[find(value)].scale; }
  /// Largest magnitude that calibration saw or was told, of all values that share the scale.
  double calibratedRange(mlir::Value value) const { return groups[find(value)].range; }

  /// The function that the op is part of and that becomes a table, or null.
  const ScalarFunction *functionOf(mlir::Operation *op) const {
    auto it = functions.find(op);
    return it != functions.end() && integerOps.contains(it->second->ops.back()) ? it->second.get() : nullptr;
  }

  /// The table of an op that becomes one, or of the chain that it ends.
  Table tableOf(mlir::Operation *op) const;

  mlir::func::FuncOp main;
  Numerics numerics;
  Break broken;

private:
  unsigned find(mlir::Value value) const;
  unsigned groupOf(mlir::Value value);
  void unite(mlir::Value a, mlir::Value b);
  void readOwnScales();
  void dropOwnScale(Group &group, mlir::Location loc, const llvm::Twine &why);
  /// A model's scale is for the value that it marks: it must not cut off others that only share it here.
  void dropNarrowScales();
  mlir::LogicalResult preventWrapping();
  /// The smallest output scale at which the op's rescale cannot wrap, given its input scales.
  double smallestScale(mlir::Operation *op) const;
  /// An integer clamp is all that sees the value, so values beyond it do not matter.
  bool onlyClamped(mlir::Value value) const;
  /// The value is an integer one whose elements are those of another member, in another order.
  bool isRearranged(mlir::Value value) const;
  /// Largest magnitude of the value itself, which may be less than its group's.
  double rangeOf(mlir::Value value) const;
  void setRange(mlir::Value value, double range);
  /// No integer arithmetic reads the value, nor what only moves it.
  bool isReadInFloat(mlir::Value value) const;
  /// "node 'x'" or "input 'x'".
  std::string describe(mlir::Value value) const;
  mlir::LogicalResult breakScale();

  void findFunctions(const llvm::DenseSet<mlir::Operation *> &inFloat, const llvm::DenseSet<mlir::Operation *> &apart);

  llvm::DenseMap<mlir::Operation *, std::shared_ptr<ScalarFunction>> functions; ///< By each of their ops.
  llvm::DenseSet<mlir::Operation *> integerOps;
  llvm::DenseSet<mlir::Value> quantised;
  llvm::MapVector<mlir::Value, unsigned> members;
  mutable std::vector<unsigned> parents;
  std::vector<Group> groups;
  llvm::DenseMap<mlir::Value, double> ranges;
  llvm::DenseSet<mlir::Value> marked; ///< Values to which the model gives a scale that was kept at first.
};

/// Runs the float model on every calibration input and returns statistics of the values (and of the arguments among
/// them).
mlir::FailureOr<llvm::MapVector<mlir::Value, Statistics>>
calibrate(mlir::func::FuncOp main, llvm::ArrayRef<mlir::Value> values, llvm::StringRef path);

/// Float values of a constant; a splat or resource too.
mlir::FailureOr<std::vector<float>> floatValues(mlir::Value constant);

/// Weights of a contraction as integers.
struct Weights {
  std::vector<int16_t> values; ///< In the order of the float weights; int8 values too.
  std::vector<double> scale;   ///< One per output channel.
  std::vector<int64_t> bias;   ///< At the scale input * weight.
  int64_t largestSum = 0;      ///< Proven bound of any partial sum's magnitude.
};
/// Quantises the weights and bias of a tosa.conv2d or tosa.depthwise_conv2d, and proves that its sums fit. Channels
/// whose sums would not are coarsened.
mlir::FailureOr<Weights> quantizeWeights(mlir::Operation *op, Numerics numerics, double inputScale);
/// Largest possible |sum| of a contraction in real numbers, for inputs of magnitude 1: the most of any channel, bias
/// apart.
struct Gain {
  double weights = 0, bias = 0, largestWeight = 0;
};
mlir::FailureOr<Gain> contractionGain(mlir::Operation *op);

/// Writes the integer @main beside the float one and takes its place; sets the module's attributes.
mlir::LogicalResult rewrite(const Plan &plan, const llvm::MapVector<mlir::Value, Statistics> &observed);

} // namespace sparseaccel::quantize

#endif // SPARSEACCEL_LIB_TRANSFORMS_QUANTIZEPLAN_H
