//===- QuantizeCalibrate.cpp - Run the float model on real inputs ---------===//

#include "QuantizePlan.h"

#include "SparseAccel/Target/CPU/Oracle.h"

#include "mlir/IR/Threading.h"

#include <mutex>

using namespace mlir;

namespace sparseaccel::quantize {

FailureOr<llvm::MapVector<Value, Statistics>> calibrate(func::FuncOp main, ArrayRef<Value> values, StringRef path) {
  absl::StatusOr<runtime::NamedArrays> arrays = runtime::readArrays(path.str());
  if (!arrays.ok())
    return emitError(UnknownLoc::get(main.getContext()))
           << "calibration inputs: " << std::string(arrays.status().message());
  FailureOr<std::vector<std::vector<cpu::Tensor>>> runs = cpu::splitInputs(main, *arrays, path);
  if (failed(runs))
    return failure();
  if (runs->empty())
    return emitError(UnknownLoc::get(main.getContext())) << path << ": holds no image; calibration needs at least one";

  SmallVector<Value> computed;
  for (Value value : values)
    if (!isa<BlockArgument>(value))
      computed.push_back(value);
  OwningOpRef<ModuleOp> exposed = cpu::exposeValues(main, computed);
  FailureOr<std::unique_ptr<cpu::CompiledModule>> compiled = cpu::CompiledModule::compile(*exposed);
  if (failed(compiled))
    return failure();

  llvm::MapVector<Value, Statistics> observed;
  for (Value value : values)
    observed.insert({value, Statistics()});
  std::mutex mutex;
  LogicalResult ran = failableParallelForEachN(main.getContext(), 0, runs->size(), [&](size_t index) -> LogicalResult {
    const std::vector<cpu::Tensor> &inputs = (*runs)[index];
    FailureOr<std::vector<cpu::Tensor>> results = (*compiled)->run(main.getSymName(), inputs);
    if (failed(results))
      return failure();
    auto merge = [&](Value value, const cpu::Tensor &tensor) {
      Statistics statistics;
      statistics.add(tensor.as<float>());
      std::lock_guard<std::mutex> lock(mutex);
      observed[value].merge(statistics);
    };
    for (auto [value, tensor] : llvm::zip_equal(computed, *results))
      merge(value, tensor);
    for (Value value : values)
      if (auto argument = dyn_cast<BlockArgument>(value))
        merge(value, inputs[argument.getArgNumber()]);
    return success();
  });
  if (failed(ran))
    return failure();
  return observed;
}

} // namespace sparseaccel::quantize
