//===- SplitInputs.cpp - Arrays of many images become runs ----------------===//

#include "SparseAccel/Target/CPU/Oracle.h"

#include <cmath>

using namespace mlir;

namespace sparseaccel::cpu {

static TensorType inputType(Value argument) {
  auto type = cast<RankedTensorType>(argument.getType());
  return {*elementTypeOf(type), std::vector<int64_t>(type.getShape())};
}

/// How many runs the array holds for an input of this shape; 0 where it does not fit.
static int64_t runsIn(const runtime::Array &array, const TensorType &type) {
  const auto &have = array.shape;
  const auto &want = type.shape;
  if (want.empty()) // a number, or a list of numbers
    return have.empty() ? 1 : have.size() == 1 ? have.front() : 0;
  if (have.size() + 1 == want.size()) // one image without its batch dimension
    return want.front() == 1 && std::equal(have.begin(), have.end(), want.begin() + 1) ? 1 : 0;
  if (have.size() != want.size() || !std::equal(have.begin() + 1, have.end(), want.begin() + 1) || want.front() <= 0)
    return 0;
  return have.front() % want.front() == 0 ? have.front() / want.front() : 0;
}

static void fill(Tensor &tensor, const runtime::Array &array, const std::vector<float> &floats, int64_t first) {
  const int64_t count = tensor.type.elements();
  auto integers = [&](auto zero) {
    using T = decltype(zero);
    for (auto [i, value] : llvm::enumerate(tensor.as<T>()))
      value = static_cast<T>(std::nearbyint(array.at(first + static_cast<int64_t>(i))));
  };
  switch (tensor.type.element) {
  case ElementType::F32:
    std::copy_n(floats.begin() + first, count, tensor.as<float>().begin());
    return;
  case ElementType::I1:
    return integers(uint8_t(0));
  case ElementType::I8:
    return integers(int8_t(0));
  case ElementType::I16:
    return integers(int16_t(0));
  case ElementType::I32:
    return integers(int32_t(0));
  case ElementType::I48:
  case ElementType::I64:
    return integers(int64_t(0));
  }
}

FailureOr<std::vector<std::vector<Tensor>>> splitInputs(func::FuncOp main, const runtime::NamedArrays &arrays,
                                                        StringRef file) {
  auto list = [&] {
    std::string text;
    for (const auto &[name, array] : arrays)
      text += (text.empty() ? "" : ", ") + (name.empty() ? "" : "'" + name + "' ") + array.describe();
    return text;
  };
  std::vector<std::vector<Tensor>> runs;
  for (auto [index, argument] : llvm::enumerate(main.getArguments())) {
    auto ranked = dyn_cast<RankedTensorType>(argument.getType());
    if (!ranked || !ranked.hasStaticShape() || failed(elementTypeOf(ranked)))
      return emitError(main.getLoc())
             << "argument " << index << " has type " << argument.getType()
             << "; expected a tensor of static shape with elements of i1, i8, i16, i32, i48, i64 or f32";
    const TensorType type = inputType(argument);
    auto nameAttr = main.getArgAttrOfType<StringAttr>(index, "sparsity.name");
    const std::string name = nameAttr ? nameAttr.getValue().str() : "arg" + std::to_string(index);
    const runtime::Array *found =
        runtime::findInput(arrays, name, index, main.getNumArguments(),
                           [&](const runtime::Array &array) { return runsIn(array, type) > 0; });
    if (!found)
      return emitError(UnknownLoc::get(main.getContext()))
             << file << ": no array for input '" << name << "' of type " << type.str()
             << " (several images lie along the first dimension); the file has " << list();
    const int64_t count = runsIn(*found, type);
    if (count == 0)
      return emitError(UnknownLoc::get(main.getContext()))
             << file << ": the array for input '" << name << "' is " << found->describe() << "; expected shape "
             << type.str() << ", or several of these along the first dimension";
    if (index == 0)
      runs.resize(count, std::vector<Tensor>());
    if (static_cast<int64_t>(runs.size()) != count)
      return emitError(UnknownLoc::get(main.getContext()))
             << file << ": input '" << name << "' has " << count << " images, but the first input has " << runs.size();
    const std::vector<float> floats = type.element == ElementType::F32 ? found->toFloat() : std::vector<float>();
    for (int64_t run = 0; run < count; ++run) {
      runs[run].emplace_back(type);
      fill(runs[run].back(), *found, floats, run * type.elements());
    }
  }
  return runs;
}

} // namespace sparseaccel::cpu
