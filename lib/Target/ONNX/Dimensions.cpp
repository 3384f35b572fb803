//===- Dimensions.cpp - Extents that the model leaves open ----------------===//
//
// What the caller says by name comes first, then the batch, then the arrays that will be run.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "SparseAccel/Support/Names.h"

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {

std::string parseDims(ArrayRef<std::string> texts, std::map<std::string, int64_t> &dims) {
  for (StringRef text : texts) {
    auto [name, value] = text.rsplit('=');
    int64_t number;
    if (name.empty() || value.getAsInteger(10, number) || number < 1)
      return ("--dim " + text + ": expected name=N with N at least 1").str();
    if (!dims.try_emplace(name.str(), number).second && dims[name.str()] != number)
      return ("--dim " + text + ": expected one value, and " + Twine(dims[name.str()]) + " is given before").str();
  }
  return "";
}

static std::string placeOf(const ValueInfo &input, unsigned index) { return input.name + ":" + std::to_string(index); }

std::optional<int64_t> Importer::inputDim(const ValueInfo &input, unsigned index) {
  const Dim &dim = input.dims[index];
  if (dim.value >= 1)
    return dim.value;
  if (dim.value == 0) {
    error() << "input '" << input.name << "': dimension " << index << " is 0; expected at least 1";
    return std::nullopt;
  }
  std::optional<int64_t> told;
  for (const std::string &name : {dim.param, placeOf(input, index)}) {
    auto given = options.dims.find(name);
    if (name.empty() || given == options.dims.end() || told.value_or(given->second) != given->second)
      continue;
    usedDims.insert(name);
    told = given->second;
  }
  if (told)
    return told;
  if (index == 0 && options.batch) {
    usedBatch = true;
    return *options.batch;
  }
  bool failed = false;
  if (auto extent = dimFromArrays(input, index, failed); extent || failed)
    return extent;
  auto diagnostic = error() << "input '" << input.name << "': dimension " << index << " is symbolic";
  if (!dim.param.empty())
    diagnostic << " ('" << dim.param << "')";
  diagnostic << "; give it a value with --dim " << (dim.param.empty() ? placeOf(input, index) : dim.param) << "=N";
  if (index == 0)
    diagnostic << " or --batch=N";
  return std::nullopt;
}

const Shape *Importer::arrayShape(size_t position) {
  if (!options.arrayShape)
    return nullptr;
  arrayShapes.resize(model.inputs.size());
  auto &[asked, shape] = arrayShapes[position];
  if (!asked) {
    asked = true;
    const ValueInfo &input = model.inputs[position];
    // An array has the input's dimensions, or lacks the leading one.
    auto fits = [&](ArrayRef<int64_t> array) {
      size_t missing = input.dims.size() - array.size();
      if (array.size() > input.dims.size() || missing > 1 || array.empty())
        return false;
      for (size_t d = 1; d < input.dims.size(); ++d)
        if (input.dims[d].value >= 0 && input.dims[d].value != array[d - missing])
          return false;
      return true;
    };
    if (auto found = options.arrayShape({input.name, position, model.inputs.size(), fits}); found && fits(*found))
      shape = Shape(found->begin(), found->end());
  }
  return shape ? &*shape : nullptr;
}

std::optional<int64_t> Importer::dimFromArrays(const ValueInfo &input, unsigned index, bool &failed) {
  const Dim &dim = input.dims[index];
  // A name has one value wherever it stands. The leading dimension of an array counts inputs, so it says nothing of
  // the model's, unless the input has no other.
  std::optional<int64_t> extent;
  std::string source;
  for (const auto &[position, other] : enumerate(model.inputs)) {
    const Shape *array = nullptr;
    for (unsigned d = 0; d < other.dims.size(); ++d) {
      bool same = (&other == &input && d == index) || (!dim.param.empty() && other.dims[d].param == dim.param);
      if (!same || other.dims[d].value >= 0 || (d == 0 && other.dims.size() > 1) || !(array = arrayShape(position)))
        continue;
      int64_t here = (*array)[d - (other.dims.size() - array->size())];
      if (here < 1)
        continue;
      if (extent && *extent != here) {
        failed = true;
        error() << "dimension '" << dim.param << "' is " << *extent << " in the array of input '" << source << "' and "
                << here << " in that of input '" << other.name << "'; expected one extent, or --dim " << dim.param
                << "=N";
        return std::nullopt;
      }
      extent = here;
      source = other.name;
    }
  }
  bool isBatch = !extent && index == 0 && arrayShape(&input - model.inputs.data());
  if (isBatch)
    extent = 1;
  if (!extent || (!dim.param.empty() && !remarkedDims.insert(dim.param).second))
    return extent;
  auto remark = emitRemark(fileLoc) << "input '" << input.name << "': dimension " << index;
  if (!dim.param.empty())
    remark << " ('" << dim.param << "')";
  remark << " is taken to be " << *extent << (isBatch ? ", one input at a time" : ", as in the array") << "; --dim "
         << (dim.param.empty() ? placeOf(input, index) : dim.param) << "=N says otherwise";
  return extent;
}

LogicalResult Importer::checkDimOptions() {
  std::vector<std::string> open;
  for (const ValueInfo &input : model.inputs)
    for (unsigned index = 0; index < input.dims.size(); ++index)
      if (const Dim &dim = input.dims[index]; dim.value < 0) {
        std::string name = dim.param.empty() ? placeOf(input, index) : dim.param;
        if (!is_contained(open, name))
          open.push_back(std::move(name));
      }
  for (const auto &[name, value] : options.dims) {
    if (usedDims.contains(name))
      continue;
    auto diagnostic = error() << "--dim " << name << "=" << value;
    for (const ValueInfo &input : model.inputs)
      for (unsigned index = 0; index < input.dims.size(); ++index)
        if (placeOf(input, index) == name) {
          if (const Dim &dim = input.dims[index]; dim.value >= 0)
            diagnostic << ": the model itself gives this dimension an extent of " << dim.value;
          else
            diagnostic << ": --dim " << dim.param << " gives this dimension another value";
          return failure();
        }
    diagnostic << ": no input has a symbolic dimension of that name";
    if (open.empty())
      diagnostic << "; expected no --dim, as the model has none";
    else
      diagnostic << suggestion(name, open);
    return failure();
  }
  if (options.batch && !usedBatch)
    for (const ValueInfo &input : model.inputs)
      if (!input.dims.empty() && input.dims[0].value >= 0 && input.dims[0].value != *options.batch)
        return error() << "--batch=" << *options.batch << ": input '" << input.name
                       << "' has a fixed leading dimension of " << input.dims[0].value << "; expected a symbolic one",
               failure();
  return success();
}

} // namespace sparseaccel::onnx
