//===- Disassembler.h - A program as text -----------------------*- C++ -*-===//

#ifndef SPARSEACCEL_TARGET_ISA_DISASSEMBLER_H
#define SPARSEACCEL_TARGET_ISA_DISASSEMBLER_H

#include "SparseAccel/Target/ISA/Program.h"

#include "absl/status/status.h"

#include <iosfwd>
#include <string>

namespace sparseaccel::isa {

/// Tables first, then one instruction a line. The text is stable: it depends on the program alone.
void disassemble(const Program &program, std::ostream &out);

/// One instruction, without the end of the line.
std::string disassemble(const Instruction &inst);

/// Reads a container and disassembles it. A program that does not verify is printed all the same, and the error
/// returned: seeing it is how one finds out why.
absl::Status disassembleFile(const std::string &path, std::ostream &out);

} // namespace sparseaccel::isa

#endif // SPARSEACCEL_TARGET_ISA_DISASSEMBLER_H
