//===- float-bench.cpp - The float executor beside the JIT ----------------===//
//
// float-bench model.onnx...: what calibration waits for. Preparing a model and running it once, by cpu::FloatExecutor
// and by upstream's lowering and JIT. Times are processor time of all threads.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Target/CPU/FloatExecutor.h"
#include "SparseAccel/Target/CPU/Oracle.h"
#include "SparseAccel/Target/ONNX/Import.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/Path.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <random>

using namespace sparseaccel;

namespace {

struct Model {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp main;
  std::vector<cpu::Tensor> inputs;
  std::unique_ptr<cpu::FloatExecutor> executor;
  std::unique_ptr<cpu::CompiledModule> compiled;
};

bool load(const char *path, mlir::MLIRContext &context, Model &model) {
  model.module = onnx::importOnnx(llvm::StringRef(path), {}, &context);
  if (!model.module)
    return false;
  auto main = cpu::mainFunction(*model.module);
  if (mlir::failed(main))
    return false;
  model.main = *main;
  auto executor = cpu::FloatExecutor::create(model.main);
  auto compiled = cpu::CompiledModule::compile(*model.module);
  if (mlir::failed(executor) || mlir::failed(compiled))
    return false;
  model.executor = std::move(*executor);
  model.compiled = std::move(*compiled);
  for (const std::string &op : model.executor->compiledOps())
    std::printf("%s: the executor compiles %s\n", path, op.c_str());
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (const cpu::TensorType &type : model.executor->signature().inputs)
    for (float &value : model.inputs.emplace_back(type).as<float>())
      value = normal(random);
  return true;
}

void registerModel(const std::string &name, Model &model) {
  auto add = [&](const char *what, auto step) {
    benchmark::RegisterBenchmark((name + "/" + what).c_str(), [step](benchmark::State &state) {
      for (auto _ : state)
        if (mlir::failed(step()))
          return state.SkipWithError("failed");
    })->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
  };
  add("prepare/executor", [&]() { return cpu::FloatExecutor::create(model.main); });
  add("prepare/jit", [&]() { return cpu::CompiledModule::compile(*model.module); });
  add("run/executor", [&]() { return model.executor->run(model.inputs); });
  add("run/jit", [&]() { return model.compiled->run(model.main.getSymName(), model.inputs); });
}

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (argc < 2) {
    std::fputs("usage: float-bench [--benchmark_filter=REGEX ...] model.onnx...\n", stderr);
    return 2;
  }
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::vector<Model> models(argc - 1);
  for (int i = 1; i < argc; ++i) {
    if (!load(argv[i], context, models[i - 1]))
      return 1;
    registerModel(llvm::sys::path::stem(argv[i]).str(), models[i - 1]);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
