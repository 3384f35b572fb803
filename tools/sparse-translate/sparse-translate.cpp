//===- sparse-translate.cpp - Between SparseAccel's IR and other forms ----===//
//
// Registers every translation by name and runs the one that is asked for. Output is written beside its destination and
// renamed, so that a failure leaves no half-written file.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Support/Files.h"
#include "SparseAccel/Target/ONNX/Import.h"
#include "SparseAccel/Target/Program/Disassemble.h"
#include "SparseAccel/Target/Program/Emit.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-translate/Translation.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace llvm;
using namespace mlir;

static constexpr const char *overview =
    "sparse-translate: between SparseAccel's IR and other forms\n\n"
    "  An ONNX model to float TOSA (the first step of every compilation):\n"
    "    sparse-translate --import-onnx model.onnx -o model.mlir\n"
    "  The same where the model leaves its batch, or another dimension, open:\n"
    "    sparse-translate --import-onnx --batch=1 --dim width=224 model.onnx -o model.mlir\n"
    "  A compiled module (sparse-opt --sparse-compile) to a program, and a program to text:\n"
    "    sparse-translate --emit-program compiled.mlir -o program.sac\n"
    "    sparse-translate --disassemble program.sac\n";

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::OptionCategory category("Options");
  cl::opt<std::string> input(cl::Positional, cl::desc("<input file>"), cl::init("-"), cl::cat(category));
  cl::opt<std::string> output("o", cl::desc("Output file (default: standard output)"), cl::value_desc("file"),
                              cl::init("-"), cl::cat(category));

  sparseaccel::onnx::registerImportOnnxTranslation();
  sparseaccel::registerEmitProgram();
  sparseaccel::registerDisassemble();
  cl::opt<const Translation *, false, TranslationParser> translation("", cl::desc("Translations"), cl::init(nullptr),
                                                                     cl::cat(category));
  registerAsmPrinterCLOptions();
  registerMLIRContextCLOptions();
  registerTranslationCLOptions();
  // LLVM brings hundreds of options of its own; they still work (see --help-hidden), but teach nobody here.
  cl::HideUnrelatedOptions({&category, &sparseaccel::onnx::importOnnxCategory()});
  cl::ParseCommandLineOptions(argc, argv, overview);

  if (!translation) {
    WithColor::error(errs(), "sparse-translate")
        << "expected one of --import-onnx, --emit-program and --disassemble; see --help\n";
    return 1;
  }
  std::string message;
  auto buffer = openInputFile(input, translation->getInputAlignment().value_or(Align(1)), &message);
  if (!buffer) {
    WithColor::error(errs(), "sparse-translate") << message << "\n";
    return 1;
  }
  auto sources = std::make_shared<SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), SMLoc());
  MLIRContext context;
  SourceMgrDiagnosticHandler handler(*sources, &context);
  // What has no place in a text names its file itself.
  ScopedDiagnosticHandler unplaced(&context, [](Diagnostic &diagnostic) {
    if (!isa<UnknownLoc>(diagnostic.getLocation()))
      return failure();
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      WithColor::error(errs(), "sparse-translate") << diagnostic << "\n";
    else
      WithColor::warning(errs(), "sparse-translate") << diagnostic << "\n";
    return success();
  });
  std::string text;
  {
    raw_string_ostream stream(text);
    if (failed((*translation)(sources, stream, &context)))
      return 1;
  }
  if (output == "-") {
    outs() << text;
    outs().flush();
    return 0;
  }
  if (absl::Status status = sparseaccel::writeFileAtomically(output, text); !status.ok()) {
    WithColor::error(errs(), "sparse-translate") << std::string(status.message()) << "\n";
    return 1;
  }
  return 0;
}
