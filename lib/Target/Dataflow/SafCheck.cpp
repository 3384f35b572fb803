//===- SafCheck.cpp - Whether a feature serves given weights --------------===//

#include "SparseAccel/Target/Dataflow/SafCheck.h"

namespace sparseaccel::dataflow {

absl::Status checkSaf(const Dataflow &dataflow, const Work &layer, const machine::SafCapability &saf,
                      const OperandView *b) {
  const auto *checks = dynamic_cast<const ChecksSafs *>(&dataflow);
  return checks ? checks->checkSaf(layer, saf, b) : absl::OkStatus();
}

} // namespace sparseaccel::dataflow
