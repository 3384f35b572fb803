//===- SmallProgram.h - A program that verifies, for tests ------*- C++ -*-===//

#ifndef SPARSEACCEL_TEST_UNIT_ISA_SMALLPROGRAM_H
#define SPARSEACCEL_TEST_UNIT_ISA_SMALLPROGRAM_H

#include "SparseAccel/Target/ISA/Program.h"

namespace sparseaccel::isa {

/// Tensors and instructions of smallProgram() by name.
enum SmallTensor : uint32_t { kData, kX, kWeights, kSums, kY, kPooled, kFlat, kSmallTensors };
enum SmallInstruction : size_t {
  kQuantize,
  kConfigure,
  kLoadX,
  kLoadWeights,
  kContract,
  kRescale,
  kPool,
  kStore,
  kFlatten,
  kHalt
};

/// A 3x3 convolution of 4 to 2 channels over 6x6 with padding, rescaled and pooled to 3x3; quantised before and
/// flattened after on the host. Weights are stored as bitmasks, the pooled activations as run-length codes in the
/// buffer as well as in DRAM.
Program smallProgram(const char *weightsFormat = "bitmask");

} // namespace sparseaccel::isa

#endif // SPARSEACCEL_TEST_UNIT_ISA_SMALLPROGRAM_H
