//===- Accel.td - The whole dialect, for its documentation --------------------===//

#ifndef SPARSEACCEL_DIALECT_ACCEL_TD
#define SPARSEACCEL_DIALECT_ACCEL_TD

include "SparseAccel/Dialect/Accel/AccelLayerOps.td"
include "SparseAccel/Dialect/Accel/AccelTileOps.td"

#endif // SPARSEACCEL_DIALECT_ACCEL_TD
