//===- Locations.cpp - Names of nodes in locations ------------------------===//

#include "Locations.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

std::string sparseaccel::nameInLocation(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (std::string name = nameInLocation(part); !name.empty())
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return nameInLocation(call.getCallee());
  return {};
}
