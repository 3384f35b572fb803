//===- CheckTargets.h - What of a program is compared, from what -*- C++ -*-===//
//
// Derived from the program (who writes which elements of which tensor) and the quantised module (what follows from
// what), for whatever was compiled. Data movement that the compiler added, or that the host does, needs no knowledge of
// its operators: the module says what a value is, and what it is computed from is sought until simulated values are
// met.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TOOLS_SPARSERUN_CHECKTARGETS_H
#define SPARSEACCEL_TOOLS_SPARSERUN_CHECKTARGETS_H

#include "Places.h"

#include <set>

namespace sparseaccel::run {

/// A value, where it lies, and simulated values that it follows from.
struct Target {
  mlir::Value value;
  Place place;
  std::vector<mlir::Value> inputs;
  std::vector<Place> inputPlaces;
  bool moved = false;        ///< The elements of the only input, in the same order: nothing to compute.
  std::set<uint32_t> layers; ///< Accelerated ones that it covers.
  std::string hostOp;        ///< A contraction that the host ran, or empty.
  std::string output;        ///< An output of the model that nothing else covers, or empty.
};

struct Targets {
  std::vector<Target> list;
  std::vector<std::string> notCompared; ///< Lines, for the user.
  bool exact = true;                    ///< No float operator runs on the host whose bits depend on its library.
};

/// Fails, with a diagnostic, where a value follows from something that is not simulated.
mlir::FailureOr<Targets> findTargets(mlir::func::FuncOp main, const isa::Program &program);

} // namespace sparseaccel::run

#endif // SPARSEACCEL_TOOLS_SPARSERUN_CHECKTARGETS_H
