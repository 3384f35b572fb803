//===- Locations.h - Names of nodes in locations ----------------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TRANSFORMS_LOCATIONS_H
#define SPARSEACCEL_LIB_TRANSFORMS_LOCATIONS_H

#include "mlir/IR/Location.h"

#include <string>

namespace sparseaccel {

/// The name of the model's node that a location carries: the first one, where locations were fused; "" where there is
/// none.
std::string nameInLocation(mlir::Location loc);

} // namespace sparseaccel

#endif // SPARSEACCEL_LIB_TRANSFORMS_LOCATIONS_H
