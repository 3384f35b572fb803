//===- Serve.h - Many commands, one start -----------------------*- C++ -*-===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_SERVE_H
#define SPARSEACCEL_TOOLS_SPARSERUN_SERVE_H

#include "llvm/ADT/STLFunctionalExtras.h"

namespace sparseaccel::run {

/// Reads commands from standard input, one a line: a JSON array of strings, the tool's arguments without its name. Each
/// runs as `command` in a process of its own, a copy of this one from before any command, and is answered on standard
/// output by one line when it has ended: {"exit": N, "stdout": TEXT, "stderr": TEXT}, where N is the exit code, or
/// minus the signal that ended it. A line that is no such array ends it all with an error. Returns the tool's exit
/// code.
///
/// No thread may have been started before.
int serve(const char *tool, llvm::function_ref<int(int, char **)> command);

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_SERVE_H
