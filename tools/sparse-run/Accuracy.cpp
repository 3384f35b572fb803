//===- Accuracy.cpp - How far from the float model ------------------------===//

#include "Accuracy.h"


#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Target/CPU/Oracle.h"
#include "SparseAccel/Target/Workload/Import.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "mlir/IR/Diagnostics.h"

#include <algorithm>
#include <cmath>

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

/// Runs @main on each input and keeps the first output.
FailureOr<std::vector<std::vector<float>>> runAll(ModuleOp module,
                                                  const std::vector<std::vector<cpu::Tensor>> &inputs) {
  FailureOr<std::unique_ptr<cpu::CompiledModule>> compiled = cpu::CompiledModule::compile(module);
  if (failed(compiled))
    return failure();
  std::vector<std::vector<float>> outputs;
  for (const std::vector<cpu::Tensor> &image : inputs) {
    FailureOr<std::vector<cpu::Tensor>> result = (*compiled)->run("main", image);
    if (failed(result))
      return failure();
    outputs.push_back(toFloats(result->front()));
  }
  return outputs;
}

double accuracy(const std::vector<std::vector<float>> &outputs, llvm::ArrayRef<int64_t> labels, size_t rows) {
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

FailureOr<std::string> describeAccuracy(const Source &source, const std::vector<std::vector<cpu::Tensor>> &inputs,
                                        const runtime::Array &simulated, llvm::ArrayRef<int64_t> labels) {
  if (simulated.dtype != runtime::DType::F32)
    return std::string("accuracy: the first output is not float32, so there is nothing to compare\n");
  std::vector<std::vector<float>> ours;
  size_t perImage = simulated.elements() / inputs.size();
  for (size_t i = 0; i < inputs.size(); ++i) {
    absl::Span<const float> part = simulated.as<float>().subspan(i * perImage, perImage);
    ours.emplace_back(part.begin(), part.end());
  }
  size_t rows = simulated.shape.size() > 1 ? simulated.shape[0] / inputs.size() : 1;

  std::string text;
  std::vector<std::vector<float>> reals;
  if (source.real) {
    FailureOr<std::vector<std::vector<float>>> outputs = runAll(*source.real, inputs);
    if (failed(outputs))
      return failure();
    reals = std::move(*outputs);
    double largest = 0, squares = 0, reference = 0;
    size_t agree = 0;
    for (size_t i = 0; i < ours.size(); ++i) {
      for (size_t k = 0; k < ours[i].size(); ++k) {
        double error = double(ours[i][k]) - double(reals[i][k]);
        largest = std::max(largest, std::abs(error));
        squares += error * error;
        reference += double(reals[i][k]) * double(reals[i][k]);
      }
      agree += argmax(ours[i]) == argmax(reals[i]);
    }
    text += absl::StrFormat(
        "against the float model, %d inputs: largest error %.4g, relative rms error %.3g, the same top-1 in %d\n",
        ours.size(), largest, reference > 0 ? std::sqrt(squares / reference) : 0.0, agree);
  }
  if (labels.empty())
    return text;
  FailureOr<std::vector<std::vector<float>>> quantised = runAll(*source.quantised, inputs);
  if (failed(quantised))
    return failure();
  text += absl::StrFormat("top-1 accuracy, %d inputs:", ours.size() * rows);
  if (!reals.empty())
    text += absl::StrFormat(" float %.2f%%,", 100 * accuracy(reals, labels, rows));
  text += absl::StrFormat(" quantised %.2f%%, simulated %.2f%%\n", 100 * accuracy(*quantised, labels, rows),
                          100 * accuracy(ours, labels, rows));
  return text;
}

} // namespace sparseaccel::run
