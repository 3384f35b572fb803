//===- Disassemble.h - Containers to text -----------------------*- C++ -*-===//

#ifndef SPARSEACCEL_TARGET_PROGRAM_DISASSEMBLE_H
#define SPARSEACCEL_TARGET_PROGRAM_DISASSEMBLE_H

namespace sparseaccel {

/// `--disassemble` of sparse-translate: a container to text. A program that does not verify is printed all the same,
/// behind a warning that says why: seeing it is how one finds out.
void registerDisassemble();

} // namespace sparseaccel

#endif // SPARSEACCEL_TARGET_PROGRAM_DISASSEMBLE_H
