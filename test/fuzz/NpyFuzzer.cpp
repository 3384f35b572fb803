//===- NpyFuzzer.cpp - Random .npy, .npz and .mtx files -------------------===//

#include "SparseAccel/Runtime/SparseMatrix.h"

#include <cstdlib>

using namespace sparseaccel::runtime;

static void check(const Array &array) {
  if (array.bytes.size() != static_cast<size_t>(array.elements()) * bytesOf(array.dtype))
    std::abort();
  // What was read is written and read back the same.
  absl::StatusOr<Array> back = parseNpy(serializeNpy(array), "back.npy");
  if (!back.ok() || back->shape != array.shape || back->bytes != array.bytes)
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  absl::Span<const uint8_t> bytes(data, size);
  if (absl::StatusOr<Array> array = parseNpy(bytes, "fuzz.npy"); array.ok())
    check(*array);
  // Few bytes may stand for a large matrix of zeros: a low limit keeps that from being all that is tried.
  constexpr uint64_t maxDenseBytes = 1 << 20;
  if (absl::StatusOr<NamedArrays> arrays = parseNpz(bytes, "fuzz.npz", maxDenseBytes); arrays.ok())
    for (const auto &[name, array] : *arrays)
      check(array);
  absl::string_view text(reinterpret_cast<const char *>(data), size);
  if (absl::StatusOr<Array> array = parseMatrixMarket(text, "fuzz.mtx", maxDenseBytes); array.ok())
    check(*array);
  return 0;
}
