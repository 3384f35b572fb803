//===- QuantizeCalibrate.cpp - Run the float model on real inputs ---------===//

#include "QuantizePlan.h"

#include "SparseAccel/Support/Stages.h"
#include "SparseAccel/Target/CPU/FloatExecutor.h"
#include "SparseAccel/Target/CPU/Oracle.h"

#include "mlir/IR/Threading.h"
#include "llvm/ADT/StringExtras.h"

#include <mutex>

using namespace mlir;

namespace sparseaccel::quantize {

FailureOr<llvm::MapVector<Value, Statistics>> calibrate(func::FuncOp main, ArrayRef<Value> values, StringRef path) {
  Stage stage("calibrate");
  absl::StatusOr<runtime::NamedArrays> arrays = runtime::readArrays(path.str());
  if (!arrays.ok())
    return emitError(UnknownLoc::get(main.getContext()))
           << "calibration inputs: " << std::string(arrays.status().message());
  FailureOr<std::vector<std::vector<cpu::Tensor>>> runs = cpu::splitInputs(main, *arrays, path);
  if (failed(runs))
    return failure();
  if (runs->empty())
    return emitError(UnknownLoc::get(main.getContext())) << path << ": holds no image; calibration needs at least one";

  FailureOr<std::unique_ptr<cpu::FloatExecutor>> executor = cpu::FloatExecutor::create(main);
  if (failed(executor))
    return failure();
  if (ArrayRef<std::string> compiled = (*executor)->compiledOps(); !compiled.empty())
    emitRemark(main.getLoc()) << "calibration compiles what no kernel runs: " << llvm::join(compiled, ", ");

  llvm::MapVector<Value, Statistics> observed;
  for (Value value : values)
    observed.insert({value, Statistics()});
  std::mutex mutex;
  LogicalResult ran = failableParallelForEachN(main.getContext(), 0, runs->size(), [&](size_t index) -> LogicalResult {
    return (*executor)->run((*runs)[index], values, [&](Value value, const cpu::Tensor &tensor) {
      Statistics statistics;
      statistics.add(tensor.as<float>());
      std::lock_guard<std::mutex> lock(mutex);
      observed[value].merge(statistics);
    });
  });
  if (failed(ran))
    return failure();
  return observed;
}

} // namespace sparseaccel::quantize
