//===- onnx-import-fuzzer.cpp - Random ONNX models ------------------------===//
//
// A model is imported or refused with a message; what is imported verifies. Seeds lie in corpus/onnx-import-fuzzer, and
// test/Target/ONNX/make_model.py (FOLDER --all) writes more.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Target/ONNX/Import.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  bool reported = false;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error) {
      reported = true;
      // The verifier must find nothing that the importer has not: its messages name an op of ours, not the model's
      // node.
      if (llvm::StringRef(diagnostic.str()).starts_with("'")) {
        llvm::errs() << diagnostic.str() << "\n";
        std::abort();
      }
    }
    return mlir::success();
  });
  sparseaccel::onnx::ImportOptions options;
  options.batch = 1;
  options.maxTensorBytes = 1 << 20;
  options.maxConstantBytes = 4 << 20;
  auto module = sparseaccel::onnx::importOnnx(llvm::ArrayRef<char>(reinterpret_cast<const char *>(data), size), "",
                                              options, &context);
  if (!module && !reported)
    std::abort(); // refused without a word
  return 0;
}
