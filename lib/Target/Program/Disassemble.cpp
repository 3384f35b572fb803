//===- Disassemble.cpp - Containers to text -------------------------------===//

#include "SparseAccel/Target/Program/Disassemble.h"

#include "SparseAccel/Target/ISA/Container.h"
#include "SparseAccel/Target/ISA/Disassembler.h"
#include "SparseAccel/Target/ISA/Verifier.h"

#include "mlir/IR/Location.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/SourceMgr.h"

#include <sstream>

using namespace mlir;
using namespace sparseaccel;

static llvm::StringRef textOf(const absl::Status &status) { return {status.message().data(), status.message().size()}; }

void sparseaccel::registerDisassemble() {
  TranslateRegistration registration(
      "disassemble", "Print a program container as text",
      [](const std::shared_ptr<llvm::SourceMgr> &sources, raw_ostream &output, MLIRContext *context) -> LogicalResult {
        const llvm::MemoryBuffer *buffer = sources->getMemoryBuffer(sources->getMainFileID());
        std::string name = buffer->getBufferIdentifier().str();
        Location location = UnknownLoc::get(context);
        absl::StatusOr<isa::Program> program =
            isa::parse({reinterpret_cast<const uint8_t *>(buffer->getBufferStart()), buffer->getBufferSize()}, name);
        if (!program.ok())
          return emitError(location) << textOf(program.status());
        if (absl::Status status = isa::verify(*program); !status.ok())
          emitWarning(location) << name << ": the program is not valid: " << textOf(status);
        std::ostringstream text;
        isa::disassemble(*program, text);
        output << text.str();
        return success();
      });
}
