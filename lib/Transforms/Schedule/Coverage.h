//===- Coverage.h - Whether a mapping does all work once --------*- C++ -*-===//

#ifndef SPARSEACCEL_TRANSFORMS_SCHEDULE_COVERAGE_H
#define SPARSEACCEL_TRANSFORMS_SCHEDULE_COVERAGE_H

#include "Schedule/Problem.h"

namespace sparseaccel::schedule {

/// Fails where the loops of a whole mapping leave out some of the layer's work, or have iterations for which none is
/// left (so that it would be done again): the message names the rank and both numbers. Places along an edge of the
/// array may stand idle. The loops inside a tile are checked where there are any.
absl::Status checkCoverage(const LayerDesc &layer, const isa::Mapping &mapping);

} // namespace sparseaccel::schedule

#endif // SPARSEACCEL_TRANSFORMS_SCHEDULE_COVERAGE_H
