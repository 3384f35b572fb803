//===- onnx-check.cpp - An imported model against reference outputs -------===//
//
// onnx-check model.onnx case.npz: imports the model, compiles the float module by upstream's lowering and compares its
// outputs with those in the file. onnx-check folder: does so for every NAME.onnx in it with NAME.npz, and prints one
// line that counts. onnx-check --report folder: a line for every model in it, `agrees NAME`, `differs NAME: how`, `refused NAME: why`
// (the importer said so) or `fails NAME: why` (something after it), and exit code 0 where all were looked at. The .npz holds `in/NAME` for every argument and `out/NAME` for every result to compare; arrays with
// one more dimension than the model's hold several independent cases; `tolerance` may widen --tolerance. A test of the importer that neither knows TOSA
// nor trusts this project's kernels; with --executor, which runs the same models by cpu::FloatExecutor, one of that: it fails where that compiles anything.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Target/CPU/FloatExecutor.h"
#include "SparseAccel/Target/ONNX/Import.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <map>

using namespace sparseaccel;

namespace {

enum class Outcome { Agrees, Differs, Refused, Fails };

struct Verdict {
  Outcome outcome;
  std::string text; ///< What differs, or why there is nothing to compare.
};

struct Options {
  double tolerance = 1e-5;
  unsigned most = 16, optLevel = 2;
  bool executor = false;
};

Verdict fails(const llvm::Twine &message) { return {Outcome::Fails, message.str()}; }

Verdict check(const std::string &modelPath, const std::string &casePath, const Options &options) {
  auto arrays = runtime::readArrays(casePath);
  if (!arrays.ok())
    return fails(std::string(arrays.status().message()));
  std::map<std::string, runtime::Array> byName(arrays->begin(), arrays->end());

  mlir::MLIRContext context;
  context.disableMultithreading();
  std::string errors;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
      errors += (errors.empty() ? "" : "; ") + diagnostic.str();
    return mlir::success();
  });
  auto module = onnx::importOnnx(llvm::StringRef(modelPath), {}, &context);
  if (!module)
    return {Outcome::Refused, errors};
  auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
  std::vector<std::string> inputs, outputs;
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    inputs.push_back(main.getArgAttrOfType<mlir::StringAttr>(i, "sparsity.name").str());
  for (unsigned i = 0; i < main.getNumResults(); ++i)
    outputs.push_back(main.getResultAttrOfType<mlir::StringAttr>(i, "sparsity.name").str());
  std::unique_ptr<cpu::CompiledModule> compiled;
  std::unique_ptr<cpu::FloatExecutor> executor;
  if (options.executor) {
    auto created = cpu::FloatExecutor::create(main);
    if (mlir::failed(created))
      return fails(errors);
    executor = std::move(*created);
    if (!executor->compiledOps().empty())
      return fails("the executor compiles " + executor->compiledOps().front());
  } else {
    auto created = cpu::CompiledModule::compile(*module, {.optLevel = options.optLevel});
    if (mlir::failed(created))
      return fails(errors);
    compiled = std::move(*created);
  }
  const cpu::Signature *signature = executor ? &executor->signature() : compiled->signature("main");

  double tolerance = options.tolerance;
  if (auto own = byName.find("tolerance"); own != byName.end())
    tolerance = std::max<double>(tolerance, own->second.toFloat().front());
  int64_t cases = 1, compared = 0;
  double worst = 0;
  for (int64_t c = 0; c < cases && c < options.most; ++c) {
    std::vector<cpu::Tensor> operands;
    for (size_t i = 0; i < inputs.size(); ++i) {
      auto found = byName.find("in/" + inputs[i]);
      if (found == byName.end())
        return fails("no array 'in/" + inputs[i] + "'");
      cpu::Tensor tensor(signature->inputs[i]);
      std::vector<float> values = found->second.toFloat();
      if (found->second.shape.size() == signature->inputs[i].shape.size() + 1)
        cases = found->second.shape[0];
      size_t size = tensor.as<float>().size();
      if (values.size() != size * cases)
        return fails("array 'in/" + inputs[i] + "' is " + found->second.describe() + "; expected " + signature->inputs[i].str());
      std::copy_n(values.begin() + c * size, size, tensor.as<float>().begin());
      operands.push_back(std::move(tensor));
    }
    auto results = executor ? executor->run(operands) : compiled->run("main", operands);
    if (mlir::failed(results))
      return fails(errors);
    for (size_t o = 0; o < outputs.size(); ++o) {
      auto found = byName.find("out/" + outputs[o]);
      if (found == byName.end())
        continue;
      auto values = (*results)[o].as<float>();
      std::vector<float> expected = found->second.toFloat();
      if (expected.size() != values.size() * cases)
        return {Outcome::Differs, "array 'out/" + outputs[o] + "' is " + found->second.describe() + "; the model gives " + signature->results[o].str()};
      for (size_t i = 0; i < values.size(); ++i) {
        double wanted = expected[c * values.size() + i],
               error = std::abs(values[i] - wanted) / std::max(1.0, std::abs(wanted));
        if (std::isinf(wanted) && values[i] == wanted)
          error = 0;
        worst = error <= worst ? worst : error; // not-a-number becomes the worst
        ++compared;
      }
    }
  }
  std::string text;
  llvm::raw_string_ostream(text) << compared << " values, largest error " << llvm::format("%.3g", worst);
  return {compared > 0 && worst <= tolerance ? Outcome::Agrees : Outcome::Differs, text};
}

llvm::StringRef describe(Outcome outcome) {
  switch (outcome) {
  case Outcome::Agrees:
    return "agrees";
  case Outcome::Differs:
    return "differs";
  case Outcome::Refused:
    return "refused";
  case Outcome::Fails:
    return "fails";
  }
  llvm_unreachable("all outcomes are above");
}

/// One line, whatever a diagnostic holds.
void print(const std::string &modelPath, const Verdict &verdict) {
  std::string text = verdict.text;
  std::replace(text.begin(), text.end(), '\n', ' ');
  llvm::outs() << describe(verdict.outcome) << " " << llvm::sys::path::stem(modelPath) << ": " << text << "\n";
  llvm::outs().flush();
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::opt<std::string> modelPath(llvm::cl::Positional, llvm::cl::desc("<model or folder>"), llvm::cl::Required);
  llvm::cl::opt<std::string> casePath(llvm::cl::Positional, llvm::cl::desc("<npz>"));
  llvm::cl::opt<double> tolerance("tolerance", llvm::cl::desc("Largest |difference| / max(1, |expected|)"),
                                  llvm::cl::init(1e-5));
  llvm::cl::opt<unsigned> most("most", llvm::cl::desc("Run at most so many cases of a file"), llvm::cl::init(16));
  llvm::cl::opt<unsigned> optLevel("O", llvm::cl::Prefix, llvm::cl::desc("Optimisation level"), llvm::cl::init(2));
  llvm::cl::opt<bool> report("report", llvm::cl::desc("Say of every model in the folder what came of it"));
  llvm::cl::opt<bool> executor("executor", llvm::cl::desc("Run by the float executor, not by the JIT"));
  llvm::cl::ParseCommandLineOptions(argc, argv);
  Options options{tolerance, most, optLevel, executor};
  if (!llvm::sys::fs::is_directory(modelPath)) {
    Verdict verdict = check(modelPath, casePath, options);
    print(modelPath, verdict);
    return verdict.outcome == Outcome::Agrees ? 0 : 1;
  }

  std::vector<std::string> models;
  std::error_code failed;
  for (llvm::sys::fs::directory_iterator entry(modelPath, failed), end; !failed && entry != end;
       entry.increment(failed))
    if (llvm::StringRef(entry->path()).ends_with(".onnx"))
      models.push_back(entry->path());
  llvm::sort(models);
  size_t agreeing = 0;
  for (const std::string &model : models) {
    Verdict verdict = check(model, model.substr(0, model.size() - 5) + ".npz", options);
    agreeing += verdict.outcome == Outcome::Agrees;
    if (report || verdict.outcome != Outcome::Agrees)
      print(model, verdict);
  }
  if (report)
    return 0;
  llvm::outs() << agreeing << " of " << models.size() << " agree\n";
  return agreeing == models.size() && !models.empty() ? 0 : 1;
}
