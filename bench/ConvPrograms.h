//===- ConvPrograms.h - Programs of one convolution -------------*- C++ -*-===//
//
// Cuts a convolution into tiles that fit a machine's buffers and writes the program by hand, so that the simulator can
// be measured without the compiler. Tensors are synthetic, of given densities, from a fixed seed.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_BENCH_CONVPROGRAMS_H
#define SPARSEACCEL_BENCH_CONVPROGRAMS_H

#include "SqueezeNetLayers.h"

#include "SparseAccel/Sim/Simulator.h"
#include "SparseAccel/Target/Machine/Machine.h"

#include "absl/status/statusor.h"

namespace sparseaccel::bench {

struct ConvProgram {
  isa::Program program;
  sim::TensorData input;
};

/// `elementType` is I8 or I16. Fails where no tile of the layer fits the machine.
absl::StatusOr<ConvProgram> makeConvProgram(const ConvLayer &layer, const machine::Machine &machine,
                                            isa::ElementType elementType);

} // namespace sparseaccel::bench

#endif // SPARSEACCEL_BENCH_CONVPROGRAMS_H
