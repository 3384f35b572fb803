//===- SafCheck.h - Whether a feature serves given weights ------*- C++ -*-===//
//
// Some sparse acceleration features work for weights of a certain structure only: N:M skipping, say. A dataflow with
// such features derives from ChecksSafs besides Dataflow; the compiler asks before it activates a feature for a layer.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_DATAFLOW_SAFCHECK_H
#define SPARSEACCEL_TARGET_DATAFLOW_SAFCHECK_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"

namespace sparseaccel::dataflow {

class ChecksSafs {
public:
  virtual ~ChecksSafs() = default;
  virtual absl::Status checkSaf(const Work &layer, const machine::SafCapability &saf, const OperandView *b) const = 0;
};

/// Whether a feature that the machine offers has an effect on a layer with these constant weights, or with none (null);
/// the message says why not.
absl::Status checkSaf(const Dataflow &dataflow, const Work &layer, const machine::SafCapability &saf,
                      const OperandView *b);

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_TARGET_DATAFLOW_SAFCHECK_H
