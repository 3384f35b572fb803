//===- Kernels.h - Exact integer kernels ------------------------*- C++ -*-===//
//
// What a contraction and the vector unit compute, on decoded tiles. Results are exact integers and the same on every
// instruction set; the fastest one that the processor has is chosen at run time.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_KERNELS_H
#define SPARSEACCEL_SIM_KERNELS_H

#include "SparseAccel/Target/Dataflow/Dataflow.h"
#include "SparseAccel/Target/ISA/Program.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sparseaccel::sim {
class TaskPool;
}

namespace sparseaccel::sim::kernels {

struct KernelTable;

/// Kernels for the best instruction set of this processor.
const KernelTable &bestKernels();
/// All that this processor can run, the best one last.
std::vector<const KernelTable *> availableKernels();
const char *kernelName(const KernelTable &kernels); ///< "baseline", "avx2", "avx512".

/// Weights of a tile, converted for contract().
struct PackedWeights {
  std::vector<int16_t> data;
  bool wide = false;      ///< 16-bit weights, whose sums have 64 bits; else 8-bit weights and 32-bit sums.
  bool depthwise = false; ///< Takes the depthwise kernel.
};
/// `b` is {g*m, r, s, c}, dense rows of stride[3] = 1.
PackedWeights packWeights(const KernelTable &kernels, const dataflow::Contraction &shape,
                          const dataflow::OperandView &b);

/// Sums [n][p][q][g*m] with element strides, int64 where the weights are wide, else int32.
struct Sums {
  void *data = nullptr;
  int64_t strideN = 0, strideP = 0, strideQ = 0;
};

/// Memory that contract() needs beside its operands, one per caller, and the threads that it may use.
struct Scratch {
  std::vector<int16_t> activations;
  TaskPool *pool = nullptr; ///< Null: the caller's thread alone.
};

/// Whether a contraction has so few output pixels that converting its weights costs more than it gains: contractRows()
/// takes them as they lie.
bool takesRows(const dataflow::Contraction &shape);

/// o += a * b, or bias + a * b, or a * b. `a` is exactly the box that the contraction reads, padding apart; 16 bytes
/// past its end are readable. `bias` has g*m entries where mode is Bias.
void contract(const KernelTable &kernels, const dataflow::Contraction &shape, const dataflow::OperandView &a,
              const PackedWeights &b, isa::AccumulateMode mode, const int64_t *bias, const Sums &sums,
              Scratch &scratch);

/// The same for weights as they lie, where takesRows(): a filter of `b` is one run, and filters may be apart.
void contractRows(const KernelTable &kernels, const dataflow::Contraction &shape, const dataflow::OperandView &a,
                  const dataflow::OperandView &b, isa::AccumulateMode mode, const int64_t *bias, const Sums &sums,
                  Scratch &scratch);

/// Largest |sum| of `count` contiguous ones.
double widestSum(const KernelTable &kernels, const void *sums, bool wide, int64_t count);

} // namespace sparseaccel::sim::kernels

#endif // SPARSEACCEL_SIM_KERNELS_H
