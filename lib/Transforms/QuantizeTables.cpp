//===- QuantizeTables.cpp - Functions of one number as tables -------------===//
//
// A table of 513 entries is as good as the straight lines between them. Three things spoil these where nobody looks:
// entries that end at the result's range bend the line to the last value within it; an operand that shares its scale
// with wider values uses a few of the lines alone; and some functions are too steep for any, or have a factor that is
// and another that needs no table.
//
//===----------------------------------------------------------------------===//

#include "QuantizePlan.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Remarks.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace sparseaccel::quantize {

namespace {
constexpr int64_t kStep = 128;       ///< Codes between two entries in int16.
constexpr double kFine = 1e-4;       ///< Of the result's range: an error at which the operand's scale is left alone.
constexpr double kTooCoarse = 5e-4;  ///< An error that no table may have.
constexpr double kMostCancelled = 2; ///< Of a product's largest value: what those of its factors come to.
/// A rescale of 16 bits by more could leave 32 bits before it saturates.
constexpr double kMostStretch = 1 << 14;
} // namespace

/// In int8 each code has an entry of its own.
static Table exactTable(llvm::function_ref<double(double)> function, Numerics numerics, const TableRange &range) {
  Table table;
  table.operandScale = range.operandScale;
  table.entryScale = range.resultScale;
  const auto top = static_cast<double>(numerics.top());
  for (int64_t code = -numerics.magnitude(); code < numerics.magnitude(); ++code) {
    const double x = static_cast<double>(code) * range.operandScale, y = function(x) / range.resultScale;
    if (std::isnan(y)) {
      table.undefined = x;
      return table;
    }
    table.entries.push_back(std::llround(std::clamp(y, -top, top))); // infinity saturates
  }
  return table;
}

namespace {
constexpr int kSamples = 4; ///< Steps along a line at which the function is looked at.
/// The function between two entries.
struct Line {
  double exact[kSamples + 1];
  /// Mean of the straight line between its ends, less the function: 0 where the function is straight.
  double bias() const {
    constexpr double kBoole[] = {7 / 90.0, 32 / 90.0, 12 / 90.0, 32 / 90.0, 7 / 90.0};
    double sum = 0;
    for (int sample = 0; sample <= kSamples; ++sample) {
      const double along = static_cast<double>(sample) / kSamples;
      sum += kBoole[sample] * (exact[0] * (1 - along) + exact[kSamples] * along - exact[sample]);
    }
    return sum;
  }
};
} // namespace

/// Lines between points of a curve lie all on one side of it: on average by h^2 / 12 of its second derivative, which
/// adds up in the sums behind. Entries move by that much, which also takes 7.8 dB off the error as a whole. Where the
/// lines on the two sides disagree, at a kink, the lesser error counts, so that what is straight stays exact; and what
/// is zero stays zero.
static void takeBiasOff(std::vector<double> &values, ArrayRef<Line> lines) {
  for (size_t i = 1; i < lines.size(); ++i) {
    const double before = lines[i - 1].bias(), after = lines[i].bias();
    if (values[i] == 0 || !(before * after > 0) || !std::isfinite(before + after))
      continue;
    values[i] -= std::abs(before) < std::abs(after) ? before : after;
  }
}

/// The table of an operand of scale `scale`. A line is used where the operand reaches it and the function lies within
/// the result's range there: only its magnitude is known of what the operand was, not its sign.
static Table linesAt(double scale, llvm::function_ref<double(double)> function, Numerics numerics,
                     const TableRange &range, bool plain) {
  Table table;
  table.operandScale = scale;
  table.entryScale = range.resultScale;
  const auto top = static_cast<double>(numerics.top());
  const int64_t lines = 2 * numerics.magnitude() / kStep;
  auto at = [&](double i) {
    return (i * static_cast<double>(kStep) - static_cast<double>(numerics.magnitude())) * scale;
  };
  const double reach = plain ? std::numeric_limits<double>::infinity() : range.operand;
  std::vector<double> values;
  for (int64_t i = 0; i <= lines; ++i) {
    values.push_back(function(at(static_cast<double>(i))));
    if (!std::isnan(values.back()))
      continue;
    if (std::abs(at(static_cast<double>(i))) <= reach + static_cast<double>(kStep) * scale) {
      table.undefined = at(static_cast<double>(i));
      return table;
    }
    values.back() = 0; // no number, and no operand that asks for one
  }
  if (!plain) {
    std::vector<Line> samples;
    for (int64_t i = 0; i < lines; ++i) {
      Line &line = samples.emplace_back();
      for (int sample = 0; sample <= kSamples; ++sample)
        line.exact[sample] = function(at(static_cast<double>(i) + static_cast<double>(sample) / kSamples));
    }
    takeBiasOff(values, samples);
    const double low = -range.result, high = range.result;
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < lines; ++i) {
      double error = 0;
      bool used = false;
      for (int sample = 0; sample <= kSamples; ++sample) {
        const double along = static_cast<double>(sample) / kSamples, exact = samples[i].exact[sample];
        if (std::abs(at(static_cast<double>(i) + along)) > reach)
          continue;
        const double line = values[i] * (1 - along) + values[i + 1] * along;
        used |= std::abs(exact) <= high;
        error = std::max(error, std::abs(std::clamp(line, low, high) - std::clamp(exact, low, high)));
      }
      if (!used)
        continue;
      largest = std::max({largest, std::abs(values[i]), std::abs(values[i + 1])});
      worst = std::max(worst, error);
    }
    if (std::isfinite(largest) && largest > table.entryScale * top)
      table.entryScale = largest / top;
    table.error = std::isfinite(largest) ? (worst + 0.5 * (table.entryScale - range.resultScale)) / range.result
                                         : std::numeric_limits<double>::infinity();
  }
  for (double value : values)
    table.entries.push_back(std::llround(std::clamp(value / table.entryScale, -top, top))); // infinity saturates
  return table;
}

/// The least magnitude that the operand may saturate at without the result changing by more than half a code: all that
/// it takes, or less where the function is flat (or out of range) beyond.
static double neededReach(llvm::function_ref<double(double)> function, const TableRange &range) {
  constexpr int kAnOctave = 32, kOctaves = 14;
  double reach = range.operand;
  auto at = [&](double x) { return std::clamp(function(x), -range.result, range.result); };
  double low[2], high[2]; // of what the function is beyond, on either side
  for (int side : {0, 1})
    low[side] = high[side] = at(side ? reach : -reach);
  for (int step = 1; step <= kAnOctave * kOctaves; ++step) {
    const double nearer = range.operand * std::exp2(-static_cast<double>(step) / kAnOctave);
    for (int side : {0, 1}) {
      const double value = at(side ? nearer : -nearer);
      if (!(high[side] - value <= range.resultScale / 2 && value - low[side] <= range.resultScale / 2))
        return reach;
      low[side] = std::min(low[side], value);
      high[side] = std::max(high[side], value);
    }
    reach = nearer;
  }
  return reach;
}

Table makeTable(llvm::function_ref<double(double)> function, Numerics numerics, TableRange range, bool plain) {
  if (!numerics.int16)
    return exactTable(function, numerics, range);
  const auto top = static_cast<double>(numerics.top());
  range.operand = std::min(range.operand, range.operandScale * top);
  Table table = linesAt(range.operandScale, function, numerics, range, plain);
  if (plain || table.undefined || table.error <= kFine)
    return table;
  const double finer = std::max(neededReach(function, range) / top, range.operandScale / kMostStretch);
  if (finer >= range.operandScale)
    return table;
  Table stretched = linesAt(finer, function, numerics, range, plain);
  return stretched.error < table.error ? stretched : table;
}

Table Plan::tableOf(Operation *op) const {
  const ScalarFunction *chain = functionOf(op);
  Value operand = chain ? chain->input : op->getOperand(0), result = op->getResult(0);
  std::function<double(double)> function;
  if (chain)
    function = compile(*chain);
  else if (isa<tosa::TanhOp>(op))
    function = [](double x) { return std::tanh(x); };
  else
    function = [](double x) { return 1 / (1 + std::exp(-x)); };
  TableRange range;
  range.operandScale = scaleOf(operand);
  range.operand = rangeOf(operand);
  range.resultScale = scaleOf(result);
  range.result = rangeOf(result);
  // What was always zero says nothing of where the function matters.
  const auto top = static_cast<double>(numerics.top());
  if (!isRange(range.operand))
    range.operand = range.operandScale * top;
  if (!isRange(range.result))
    range.result = range.resultScale * top;
  return makeTable(function, numerics, range, broken.table);
}

SmallVector<Operation *> Plan::findProducts(const llvm::MapVector<Value, Statistics> &observed) const {
  SmallVector<Operation *> result;
  if (!numerics.int16)
    return result;
  auto most = [&](Value value) {
    auto it = observed.find(value);
    return it == observed.end() ? std::numeric_limits<double>::infinity() : it->second.largest();
  };
  func::FuncOp function = main;
  for (Operation &op : function.front()) {
    const ScalarFunction *chain = functionOf(&op);
    ArrayRef<Operation *> apart = chain && &op == chain->ops.back() ? fromLastProduct(*chain) : ArrayRef<Operation *>();
    if (apart.empty() || llvm::any_of(apart, [](Operation *part) { return classify(part) == OpClass::Float; }))
      continue;
    // Each factor's rounding counts as much as the other factor is large: no gain where both are, and the product not.
    Operation *product = apart.front();
    const double factors = most(product->getOperand(0)) * most(product->getOperand(1));
    if (!(factors <= kMostCancelled * most(product->getResult(0))))
      continue;
    const Table table = tableOf(&op);
    if (table.error * rangeOf(op.getResult(0)) <= scaleOf(op.getResult(0)) / 2)
      continue;
    remark::missed(op.getLoc(), remark::RemarkOpts::name("product").category("sparse-quantize"))
        << "node '" + nodeName(&op) + "': its product is no part of a table, as one of 513 entries would err by " +
               number(table.error) + " of the largest value, more than its rounding does";
    result.append(apart.begin(), apart.end());
  }
  return result;
}

SmallVector<Operation *> Plan::findCoarseTables() const {
  SmallVector<Operation *> result;
  func::FuncOp function = main;
  for (Operation &op : function.front()) {
    const ScalarFunction *chain = functionOf(&op);
    if (chain ? &op != chain->ops.back() : !(isa<tosa::SigmoidOp, tosa::TanhOp>(op) && isInteger(&op)))
      continue;
    const Table table = tableOf(&op);
    if (table.error <= kTooCoarse)
      continue;
    remark::missed(op.getLoc(), remark::RemarkOpts::name("float-function").category("sparse-quantize"))
        << "node '" + nodeName(&op) + "': stays in float, as a table of 513 entries would err by " +
               number(table.error) + " of its largest value";
    if (chain)
      result.append(chain->ops.begin(), chain->ops.end());
    else
      result.push_back(&op);
  }
  return result;
}

} // namespace sparseaccel::quantize
