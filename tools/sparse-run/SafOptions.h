//===- SafOptions.h - --saf and --against-saf -------------------*- C++ -*-===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_SAFOPTIONS_H
#define SPARSEACCEL_TOOLS_SPARSERUN_SAFOPTIONS_H

#include "SparseAccel/Target/Machine/Machine.h"

#include "absl/status/status.h"

#include <string>

namespace sparseaccel::run {

/// Whether `text` can be asked of the machine, before hours of work. Messages begin with the option's name.
absl::Status checkSafOption(const machine::Machine &machine, const char *option, const std::string &text);

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_SAFOPTIONS_H
