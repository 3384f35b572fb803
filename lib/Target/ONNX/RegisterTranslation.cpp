//===- RegisterTranslation.cpp - sparse-translate --import-onnx -----------===//

#include "SparseAccel/Target/ONNX/Import.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Tools/mlir-translate/Translation.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;
using namespace mlir;

namespace sparseaccel::onnx {
cl::OptionCategory &importOnnxCategory() {
  static cl::OptionCategory category("Options of --import-onnx");
  return category;
}

namespace {

struct CommandLine {
  cl::OptionCategory &category = importOnnxCategory();
  cl::opt<int64_t> batch{"batch", cl::desc("Value of a symbolic leading dimension of the inputs"), cl::value_desc("N"),
                         cl::init(0), cl::cat(category)};
  cl::list<std::string> dims{"dim", cl::desc("Value of a symbolic dimension, by its name or as input:index"),
                             cl::value_desc("name=N"), cl::cat(category)};
};

/// The options, or nullopt after a message.
std::optional<ImportOptions> readOptions(const CommandLine &flags, Location loc) {
  ImportOptions options;
  if (flags.batch.getNumOccurrences()) {
    if (flags.batch < 1)
      return emitError(loc) << "--batch=" << flags.batch.getValue() << ": expected at least 1", std::nullopt;
    options.batch = flags.batch;
  }
  std::vector<std::string> texts(flags.dims.begin(), flags.dims.end());
  if (std::string wrong = parseDims(texts, options.dims); !wrong.empty())
    return emitError(loc) << wrong, std::nullopt;
  return options;
}

} // namespace

void registerImportOnnxTranslation() {
  auto flags = std::make_shared<CommandLine>();
  TranslateRegistration registration(
      "import-onnx", "Import an ONNX model (opsets 7 to 21) as float TOSA",
      [flags](const std::shared_ptr<SourceMgr> &sources, raw_ostream &output, MLIRContext *context) -> LogicalResult {
        const MemoryBuffer *buffer = sources->getMemoryBuffer(sources->getMainFileID());
        StringRef path = buffer->getBufferIdentifier();
        if (path == "<stdin>")
          path = "";
        auto options = readOptions(*flags, FileLineColLoc::get(context, path.empty() ? "<stdin>" : path, 0, 0));
        if (!options)
          return failure();
        auto module =
            importOnnx(ArrayRef<char>(buffer->getBufferStart(), buffer->getBufferSize()), path, *options, context);
        if (!module)
          return failure();
        // Locations carry the nodes' names, which later passes need.
        module->print(output, OpPrintingFlags().enableDebugInfo());
        output << "\n";
        return success();
      });
}

} // namespace sparseaccel::onnx
