//===- AccelDialect.cpp - Registration, types, enums and interfaces -------===//

#include "SparseAccel/Dialect/Accel/Accel.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::accel;

#include "SparseAccel/Dialect/Accel/AccelDialect.cpp.inc"
#include "SparseAccel/Dialect/Accel/AccelEnums.cpp.inc"
#include "SparseAccel/Dialect/Accel/AccelInterfaces.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "SparseAccel/Dialect/Accel/AccelTypes.cpp.inc"

void AccelDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "SparseAccel/Dialect/Accel/AccelTypes.cpp.inc"
      >();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "SparseAccel/Dialect/Accel/AccelLayerOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "SparseAccel/Dialect/Accel/AccelTileOps.cpp.inc"
      >();
}
