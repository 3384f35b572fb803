//===- HostOpsImpl.h - Kernels of host operators ----------------*- C++ -*-===//

#ifndef SPARSEACCEL_RUNTIME_HOSTOPSIMPL_H
#define SPARSEACCEL_RUNTIME_HOSTOPSIMPL_H

#include "SparseAccel/Runtime/HostOps.h"

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

/// Layout of Conv's and the pools' arguments.
struct Window {
  int64_t kernelH = 1, kernelW = 1, strideH = 1, strideW = 1, padTop = 0, padBottom = 0, padLeft = 0, padRight = 0;
  int64_t dilationH = 1, dilationW = 1, groups = 1;
};
/// Of an operator whose number of arguments is right. A convolution's kernel is that of its weights.
Window windowOf(const isa::HostOp &op, absl::Span<const uint32_t> weights);

} // namespace sparseaccel::runtime

#endif // SPARSEACCEL_RUNTIME_HOSTOPSIMPL_H
