//===- Dataflows.h - One function for each dataflow -------------*- C++ -*-===//
//
// A new dataflow adds its function here and its line to listDataflows().
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_DATAFLOW_DATAFLOWS_H
#define SPARSEACCEL_LIB_TARGET_DATAFLOW_DATAFLOWS_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"

namespace sparseaccel::dataflow {

const Dataflow &dotProduct();
const Dataflow &cartesianProduct();
const Dataflow &cnvlutin();
const Dataflow &eie();
const Dataflow &eyerissV2();
const Dataflow &planarDense();
const Dataflow &rowStationary();
const Dataflow &spatial();
const Dataflow &stc();

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_LIB_TARGET_DATAFLOW_DATAFLOWS_H
