//===- HostOps.h - What runs on the host ------------------------*- C++ -*-===//
//
// One kernel for each isa::HostKind, on dense row-major tensors. Arithmetic is TOSA's: quantise and dequantise are
// bit-identical to tosa.mul with tosa.cast.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_RUNTIME_HOSTOPS_H
#define SPARSEACCEL_RUNTIME_HOSTOPS_H

#include "SparseAccel/Target/ISA/Program.h"

#include "absl/status/status.h"
#include "absl/types/span.h"

#include <cstdint>

namespace sparseaccel::runtime {

/// A dense tensor in memory: isa::storageBytes(type) bytes an element, the host's byte order.
struct HostTensor {
  isa::ElementType type = isa::ElementType::F32;
  absl::Span<const uint32_t> shape; ///< Rank at most 6.
  absl::Span<uint8_t> bytes;        ///< Not written where the tensor is an input.

  uint64_t elements() const;
};

/// Whether the operator fits its tensors: their number, types, shapes and the operator's arguments. Needs no bytes, so
/// that a program is checked once, at load. The message names the operator and what was expected.
absl::Status checkHostOp(const isa::HostOp &op, absl::Span<const HostTensor> in, absl::Span<const HostTensor> out);

/// Checks, then computes. Fails after that only where an index of gather lies outside of its tensor.
absl::Status runHostOp(const isa::HostOp &op, absl::Span<const HostTensor> in, absl::Span<HostTensor> out);

} // namespace sparseaccel::runtime

#endif // SPARSEACCEL_RUNTIME_HOSTOPS_H
