//===- HostOpsImpl.h - Kernels of host operators ----------------*- C++ -*-===//

#ifndef SPARSEACCEL_RUNTIME_HOSTOPSIMPL_H
#define SPARSEACCEL_RUNTIME_HOSTOPSIMPL_H

#include "SparseAccel/Runtime/HostOps.h"

#include <string>
#include <vector>

namespace sparseaccel::runtime {

template <typename T>
const T *dataOf(const HostTensor &tensor) {
  return reinterpret_cast<const T *>(tensor.bytes.data());
}
template <typename T>
T *mutableDataOf(const HostTensor &tensor) {
  return reinterpret_cast<T *>(tensor.bytes.data());
}

/// Calls `visitor` with a zero of the type that stores the elements; i48 is stored in 64 bits.
template <typename Visitor>
void visitType(isa::ElementType type, Visitor &&visitor) {
  switch (type) {
  case isa::ElementType::I8:
    return visitor(int8_t{});
  case isa::ElementType::I16:
    return visitor(int16_t{});
  case isa::ElementType::I32:
    return visitor(int32_t{});
  case isa::ElementType::F32:
    return visitor(float{});
  case isa::ElementType::I48:
  case isa::ElementType::I64:
    return visitor(int64_t{});
  }
}

/// Extents before, of and after an axis.
struct AxisView {
  int64_t outer = 1, extent = 1, inner = 1;
};
AxisView viewOf(absl::Span<const uint32_t> shape, int64_t axis);
std::vector<int64_t> rowMajorStrides(absl::Span<const uint32_t> shape);

// HostOpsMath.cpp. Arguments are checked already.
void runSoftmax(const isa::HostOp &op, const HostTensor &in, const HostTensor &out);
void runLrn(const isa::HostOp &op, const HostTensor &in, const HostTensor &out);
void runUnary(const isa::HostOp &op, const HostTensor &in, const HostTensor &out);
void runBinary(const isa::HostOp &op, const HostTensor &a, const HostTensor &b, const HostTensor &out);
void runReduce(const isa::HostOp &op, const HostTensor &in, const HostTensor &out);
void runMatMul(const HostTensor &a, const HostTensor &b, const HostTensor &out);
void runConv(const isa::HostOp &op, absl::Span<const HostTensor> in, const HostTensor &out);
void runPool(const isa::HostOp &op, const HostTensor &in, const HostTensor &out);

// HostOpsContract.cpp. Arguments are checked already.
void runContract(const isa::HostOp &op, const HostTensor &a, const HostTensor &b, const HostTensor &out);
void runIntegerAverage(const isa::HostOp &op, const HostTensor &in, const HostTensor &out);

/// Where a Conv of integers keeps its arguments, behind those that every Conv has; the biases, multipliers and shifts
/// stand behind them.
enum class ContractArgument : uint8_t {
  Kind = 9,
  ClampMin,
  ClampMax,
  Biases, ///< How many.
  Scales, ///< How many.
  Count
};
inline int64_t contractArgument(const isa::HostOp &op, ContractArgument argument) {
  return op.i[static_cast<size_t>(argument)];
}

/// TOSA's rescale as upstream lowers it: one round in 64 bits that wrap, then truncation to 32 bits.
inline int32_t scaleTo32(int64_t value, int64_t multiplier, int64_t round, int64_t shift) {
  uint64_t sum = static_cast<uint64_t>(value) * static_cast<uint64_t>(multiplier) + static_cast<uint64_t>(round);
  return static_cast<int32_t>(static_cast<int64_t>(sum) >> shift);
}

/// "i8[1x2x3]".
std::string describe(const HostTensor &tensor);

/// Window positions of one output position that lie in the input: [first, last) of the kernel.
struct Valid {
  int64_t first, last;
};
Valid validOf(int64_t position, int64_t stride, int64_t pad, int64_t dilation, int64_t kernel, int64_t extent);

/// Layout of Conv's and the pools' arguments.
struct Window {
  int64_t kernelH = 1, kernelW = 1, strideH = 1, strideW = 1, padTop = 0, padBottom = 0, padLeft = 0, padRight = 0;
  int64_t dilationH = 1, dilationW = 1, groups = 1;
};
/// Of an operator whose number of arguments is right. A convolution's kernel is that of its weights.
Window windowOf(const isa::HostOp &op, absl::Span<const uint32_t> weights);

} // namespace sparseaccel::runtime

#endif // SPARSEACCEL_RUNTIME_HOSTOPSIMPL_H
