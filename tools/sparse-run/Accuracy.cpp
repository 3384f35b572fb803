//===- Accuracy.cpp - How far from the float model ------------------------===//

#include "Accuracy.h"

#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Target/CPU/Oracle.h"
#include "SparseAccel/Target/Workload/Import.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Threading.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;

namespace sparseaccel::run {

runtime::NamedArrays workloadInputs(const workload::Workload &workload, uint64_t images) {
  runtime::NamedArrays inputs;
  auto add = [&](const workload::Layer &layer, std::string name, std::vector<int64_t> shape,
                 llvm::function_ref<std::vector<uint8_t>(uint64_t)> make) {
    runtime::Array array;
    array.dtype = layer.shape.elementBits == 8 ? runtime::DType::I8 : runtime::DType::I16;
    array.shape = std::move(shape);
    array.shape[0] *= int64_t(images);
    for (uint64_t image = 0; image < images; ++image) {
      std::vector<uint8_t> bytes = make(image);
      if (image == 0)
        array.bytes.reserve(bytes.size() * images);
      array.bytes.insert(array.bytes.end(), bytes.begin(), bytes.end());
    }
    inputs.emplace_back(std::move(name), std::move(array));
  };
  for (size_t index = 0; index < workload.layers.size(); ++index) {
    const workload::Layer &layer = workload.layers[index];
    const dataflow::Contraction &s = layer.shape;
    add(layer, workload::inputName(layer), {s.n, layer.inputHeight, layer.inputWidth, s.g * s.c},
        [&](uint64_t image) { return workload::makeInput(workload, index, image); });
    if (layer.isMatMul())
      add(layer, workload::secondInputName(layer), {s.g * s.m, s.r, s.s, s.c},
          [&](uint64_t image) { return workload::makeWeights(workload, index, image); });
  }
  return inputs;
}

static runtime::DType dtypeOf(cpu::ElementType type) {
  switch (type) {
  case cpu::ElementType::I1:
  case cpu::ElementType::I8:
    return runtime::DType::I8;
  case cpu::ElementType::I16:
    return runtime::DType::I16;
  case cpu::ElementType::I32:
    return runtime::DType::I32;
  case cpu::ElementType::I48:
  case cpu::ElementType::I64:
    return runtime::DType::I64;
  case cpu::ElementType::F32:
    return runtime::DType::F32;
  }
  llvm_unreachable("element type");
}

runtime::Array joinImages(const std::vector<std::vector<cpu::Tensor>> &images, size_t argument) {
  const cpu::Tensor &first = images.front()[argument];
  runtime::Array array{dtypeOf(first.type.element), first.type.shape, {}};
  if (array.shape.empty())
    array.shape.push_back(1);
  array.shape[0] *= int64_t(images.size());
  for (const std::vector<cpu::Tensor> &image : images)
    array.bytes.insert(array.bytes.end(), image[argument].bytes.begin(), image[argument].bytes.end());
  return array;
}

namespace {

std::vector<float> toFloats(const cpu::Tensor &tensor) {
  if (tensor.type.element == cpu::ElementType::F32)
    return tensor.as<float>().vec();
  return {};
}

size_t argmax(llvm::ArrayRef<float> values) { return std::max_element(values.begin(), values.end()) - values.begin(); }

/// Runs @main on each input, operation by operation, and keeps the first output.
FailureOr<std::vector<std::vector<float>>> runAll(ModuleOp module,
                                                  const std::vector<std::vector<cpu::Tensor>> &inputs) {
  FailureOr<std::unique_ptr<cpu::CompiledModule>> compiled = cpu::CompiledModule::compile(module);
  if (failed(compiled))
    return failure();
  std::vector<std::vector<float>> outputs(inputs.size());
  if (failed(failableParallelForEachN(module.getContext(), 0, inputs.size(), [&](size_t image) -> LogicalResult {
        FailureOr<std::vector<cpu::Tensor>> result = (*compiled)->run("main", inputs[image]);
        if (failed(result))
          return failure();
        outputs[image] = toFloats(result->front());
        return success();
      })))
    return failure();
  return outputs;
}

double shareRight(const std::vector<std::vector<float>> &outputs, llvm::ArrayRef<int64_t> labels, size_t rows) {
  // A batch of several images has one row of scores for each.
  size_t right = 0, total = 0;
  for (const std::vector<float> &output : outputs)
    for (size_t row = 0; row < rows; ++row, ++total) {
      size_t width = output.size() / rows;
      right += total < labels.size() &&
               int64_t(argmax(llvm::ArrayRef<float>(output).slice(row * width, width))) == labels[total];
    }
  return total ? double(right) / double(total) : 0;
}

} // namespace

absl::StatusOr<std::vector<int64_t>>
readLabels(const std::string &file, const std::vector<std::vector<cpu::Tensor>> &inputs, const Source &source) {
  auto wrong = [&](const auto &...parts) {
    return absl::InvalidArgumentError(absl::StrCat("--labels: ", file, ": ", parts...));
  };
  absl::StatusOr<runtime::NamedArrays> arrays = runtime::readArrays(file);
  if (!arrays.ok())
    return absl::InvalidArgumentError(absl::StrCat("--labels: ", arrays.status().message()));
  const runtime::Array *labels = nullptr;
  for (const auto &[name, array] : *arrays)
    if (name == "y" || name.empty() || arrays->size() == 1)
      labels = &array;
  if (!labels) {
    std::vector<std::string> names;
    for (const auto &[name, array] : *arrays)
      names.push_back("'" + name + "'");
    return wrong("expected an array named 'y' with the labels, and there are ", absl::StrJoin(names, ", "));
  }
  bool flat = labels->shape.size() == 1 || (labels->shape.size() == 2 && labels->shape[1] == 1);
  if (!flat || labels->dtype == runtime::DType::F32 || labels->dtype == runtime::DType::F64)
    return wrong("expected one integer for each input, and the array is ", labels->describe());

  FailureOr<func::FuncOp> main = cpu::mainFunction(*source.quantised);
  if (failed(main))
    return absl::InternalError("the model has no function @main");
  auto scores = dyn_cast<RankedTensorType>(main->getResultTypes().front());
  if (!scores || scores.getRank() == 0)
    return absl::InvalidArgumentError("--labels: the model's first output holds no scores to compare with");
  int64_t classes = scores.getShape().back(), rows = scores.getNumElements() / std::max<int64_t>(classes, 1);
  // A batch may hold several images, each with a row of scores.
  int64_t expected = int64_t(inputs.size()) * (scores.getRank() > 1 ? scores.getShape().front() : 1);
  if (scores.getRank() > 1 && rows != scores.getShape().front())
    return absl::InvalidArgumentError("--labels: the model's first output has several rows of scores for each image");
  if (labels->elements() < expected)
    return wrong(labels->elements(), " labels for ", expected, " inputs");
  std::vector<int64_t> values;
  for (int64_t i = 0; i < expected; ++i) {
    values.push_back(int64_t(labels->at(i)));
    if (values.back() < 0 || values.back() >= classes)
      return wrong("label ", values.back(), " of input ", i, ": expected an integer from 0 to ", classes - 1);
  }
  return values;
}

namespace {

/// Errors of one output, image by image.
class ErrorSums {
public:
  explicit ErrorSums(std::string name) { error.name = std::move(name); }

  void add(const cpu::Tensor &real, const runtime::Array &simulated, size_t image) {
    const double before = squares;
    addElements(real, simulated, image);
    noise.push_back(squares - before);
  }

  /// "", or that an input of which no layer was compared is off by more than `leastSnrDb` and much more than those that
  /// were: the first `guarded`.
  std::string warning(size_t guarded, double leastSnrDb) const {
    if (guarded == 0 || guarded >= noise.size())
      return "";
    const double seen = *std::max_element(noise.begin(), noise.begin() + guarded);
    auto worst = std::max_element(noise.begin() + guarded, noise.end());
    const double mean = signal / double(noise.size()); // of an input
    if (*worst <= mean * std::pow(10, -leastSnrDb / 10) || *worst <= 16 * seen)
      return "";
    const double count = double(error.compared) / double(noise.size()), range = finish().range;
    return absl::StrFormat("output '%s': input %d is %.2g of the range off the float model, and the first %d, of which "
                           "layers were compared, at most %.2g: calibrate with such inputs; run alone, it shows the layer",
                           error.name, worst - noise.begin(), std::sqrt(*worst / count) / range, guarded,
                           std::sqrt(seen / count) / range);
  }

  sim::OutputError finish() const {
    sim::OutputError result = error;
    double count = std::max<double>(1, double(error.compared));
    result.rms = std::sqrt(squares / count);
    result.signalRms = std::sqrt(signal / count);
    result.range = high > low ? high - low : error.compared ? std::fabs(high) : 0;
    return result;
  }

private:
  void addElements(const cpu::Tensor &real, const runtime::Array &simulated, size_t image) {
    size_t count = size_t(real.type.elements());
    auto each = [&](auto type) {
      using T = decltype(type);
      error.integer = std::is_integral_v<T>;
      for (size_t i = 0; i < count; ++i)
        add(double(real.as<T>()[i]), simulated.at(int64_t(image * count + i)));
    };
    switch (real.type.element) {
    case cpu::ElementType::I1:
    case cpu::ElementType::I8:
      return each(int8_t());
    case cpu::ElementType::I16:
      return each(int16_t());
    case cpu::ElementType::I32:
      return each(int32_t());
    case cpu::ElementType::I48:
    case cpu::ElementType::I64:
      return each(int64_t());
    case cpu::ElementType::F32:
      return each(float());
    }
  }

  void add(double real, double simulated) {
    error.equal += error.integer && real == simulated;
    // A mask's infinity is no error where both have it.
    if (!std::isfinite(real) && (real == simulated || (std::isnan(real) && std::isnan(simulated))))
      return;
    ++error.compared;
    double difference = simulated - real;
    if (!std::isfinite(difference))
      difference = std::numeric_limits<float>::max(); // JSON has no infinity
    error.largest = std::max(error.largest, std::fabs(difference));
    squares += difference * difference;
    if (!std::isfinite(real))
      return;
    signal += real * real;
    low = std::min(low, real);
    high = std::max(high, real);
  }

  sim::OutputError error;
  std::vector<double> noise; ///< Squared errors, summed by image.
  double squares = 0, signal = 0;
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
};

/// How many images one input holds: the extent of the first dimension of @main's first argument.
int64_t batchOf(func::FuncOp main) {
  auto type = main.getNumArguments() ? dyn_cast<RankedTensorType>(main.getArgumentTypes().front()) : RankedTensorType();
  return type && type.getRank() > 0 ? type.getDimSize(0) : 1;
}

/// One number for each of some classes, for each of `batch` images: as a row of a matrix, or of a tensor whose other
/// extents are 1.
bool holdsScores(Type type, int64_t batch) {
  auto ranked = dyn_cast<RankedTensorType>(type);
  if (!ranked || !ranked.getElementType().isF32() || ranked.getRank() == 0)
    return false;
  ArrayRef<int64_t> shape = ranked.getShape();
  if (shape.size() > 1 && shape.front() != 1 && shape.front() != batch) // boxes, say
    return false;
  return llvm::count_if(shape.drop_front(shape.size() > 1), [](int64_t extent) { return extent > 1; }) == 1;
}

size_t rowsOf(const cpu::TensorType &scores) { return scores.shape.size() > 1 ? size_t(scores.shape[0]) : 1; }

/// Rows of scores of which the highest is the same.
size_t sameHighest(const cpu::Tensor &real, const runtime::Array &simulated, size_t image) {
  size_t count = size_t(real.type.elements()), rows = rowsOf(real.type);
  ArrayRef<float> theirs = real.as<float>();
  absl::Span<const float> all = simulated.as<float>();
  ArrayRef<float> ours(all.data() + image * count, count);
  size_t width = count / rows, same = 0;
  for (size_t row = 0; row < rows; ++row)
    same += argmax(theirs.slice(row * width, width)) == argmax(ours.slice(row * width, width));
  return same;
}

/// Runs the float model on all cores, and hands out the results in the order of the images.
LogicalResult forEachImage(const cpu::FloatExecutor &real, const std::vector<std::vector<cpu::Tensor>> &inputs,
                           MLIRContext *context, llvm::function_ref<void(size_t, std::vector<cpu::Tensor>)> visit) {
  constexpr size_t kAtOnce = 16;
  for (size_t begin = 0; begin < inputs.size(); begin += kAtOnce) {
    std::vector<std::vector<cpu::Tensor>> results(std::min(kAtOnce, inputs.size() - begin));
    if (failed(failableParallelForEachN(context, 0, results.size(), [&](size_t i) -> LogicalResult {
          FailureOr<std::vector<cpu::Tensor>> result = real.run(inputs[begin + i]);
          if (failed(result))
            return failure();
          results[i] = std::move(*result);
          return success();
        })))
      return failure();
    for (auto [i, result] : llvm::enumerate(results))
      visit(begin + i, std::move(result));
  }
  return success();
}

std::string outputName(func::FuncOp main, unsigned index, const std::string &otherwise) {
  auto name = main.getResultAttrOfType<StringAttr>(index, "sparsity.name");
  return name ? name.str() : otherwise;
}

} // namespace

FailureOr<Accuracy> compareWithFloat(const Source &source, const cpu::FloatExecutor *real,
                                     const std::vector<std::vector<cpu::Tensor>> &inputs,
                                     const runtime::NamedArrays &simulated, ArrayRef<int64_t> labels, size_t guarded,
                                     double leastSnrDb) {
  FailureOr<func::FuncOp> main = cpu::mainFunction(*source.quantised);
  if (failed(main))
    return failure();
  Accuracy accuracy;
  std::vector<std::vector<float>> firsts; // the float model's
  if (real) {
    std::vector<ErrorSums> sums;
    std::optional<size_t> scores;
    for (auto [index, output] : llvm::enumerate(simulated)) {
      sums.emplace_back(outputName(*main, unsigned(index), output.first));
      if (!scores && holdsScores(main->getResultTypes()[index], batchOf(*main)))
        scores = index;
    }
    size_t agree = 0, rows = 0; // of scores
    auto add = [&](size_t image, std::vector<cpu::Tensor> results) {
      for (auto [index, result] : llvm::enumerate(results))
        sums[index].add(result, simulated[index].second, image);
      if (scores) {
        agree += sameHighest(results[*scores], simulated[*scores].second, image);
        rows += rowsOf(results[*scores].type);
      }
      firsts.push_back(toFloats(results.front()));
    };
    if (failed(forEachImage(*real, inputs, main->getContext(), add)))
      return failure();
    accuracy.againstFloat.images = inputs.size();
    for (auto [index, one] : llvm::enumerate(sums)) {
      sim::OutputError error = one.finish();
      if (std::string warning = one.warning(guarded, leastSnrDb); !warning.empty())
        accuracy.warnings.push_back(std::move(warning));
      absl::StrAppendFormat(&accuracy.text, "against the float model, %d inputs%s: ", inputs.size(),
                            sums.size() > 1 ? ", '" + error.name + "'" : "");
      if (error.integer)
        absl::StrAppendFormat(&accuracy.text, "the same in %d of %d elements, ", error.equal, error.compared);
      absl::StrAppendFormat(&accuracy.text, "largest error %.4g, relative rms error %.3g, %.3g of the range",
                            error.largest, error.relative(), error.overRange());
      if (scores == index)
        absl::StrAppendFormat(&accuracy.text, ", the same top-1 in %d", agree);
      if (scores == index && rows != inputs.size()) // several images an input
        absl::StrAppendFormat(&accuracy.text, " of %d images", rows);
      accuracy.text += "\n";
      accuracy.againstFloat.outputs.push_back(std::move(error));
    }
  }
  if (labels.empty())
    return accuracy;
  const runtime::Array &first = simulated.front().second;
  if (first.dtype != runtime::DType::F32) {
    accuracy.text += "top-1 accuracy: the first output is not float32, so there is nothing to compare\n";
    return accuracy;
  }
  std::vector<std::vector<float>> ours;
  size_t perImage = size_t(first.elements()) / inputs.size();
  size_t rows = first.shape.size() > 1 ? size_t(first.shape[0]) / inputs.size() : 1;
  for (size_t i = 0; i < inputs.size(); ++i) {
    absl::Span<const float> part = first.as<float>().subspan(i * perImage, perImage);
    ours.emplace_back(part.begin(), part.end());
  }
  FailureOr<std::vector<std::vector<float>>> quantised = runAll(*source.quantised, inputs);
  if (failed(quantised))
    return failure();
  absl::StrAppendFormat(&accuracy.text, "top-1 accuracy, %d inputs:", ours.size() * rows);
  if (real)
    absl::StrAppendFormat(&accuracy.text, " float %.2f%%,", 100 * shareRight(firsts, labels, rows));
  absl::StrAppendFormat(&accuracy.text, " quantised %.2f%%, simulated %.2f%%\n",
                        100 * shareRight(*quantised, labels, rows), 100 * shareRight(ours, labels, rows));
  return accuracy;
}

std::vector<std::string> errorsBeyond(const sim::FloatComparison &comparison, double most) {
  std::vector<std::string> lines;
  for (const sim::OutputError &output : comparison.outputs)
    if (output.overRange() > most)
      lines.push_back(absl::StrFormat("--max-error: output '%s': rms error %.3g, %.3g of the range %.4g of the float "
                                      "model; expected at most %g of it",
                                      output.name, output.rms, output.overRange(), output.range, most));
  return lines;
}

} // namespace sparseaccel::run
