//===- WorkloadFuzzer.cpp - Random workload files -------------------------===//

#include "SparseAccel/Target/Workload/Workload.h"

#include <cstdlib>

using namespace sparseaccel::workload;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  absl::string_view text(reinterpret_cast<const char *>(data), size);
  absl::StatusOr<Workload> workload = parseWorkload(text, "fuzz.yaml");
  if (!workload.ok()) {
    if (workload.status().message().empty())
      std::abort();
    return 0;
  }
  (void)describeTensors(*workload);
  for (size_t i = 0; i < workload->layers.size(); ++i) {
    const Layer &layer = workload->layers[i];
    // What was read is a layer whose output is where its windows are.
    if (layer.shape.macs() < 1 || layer.shape.inputRows() > layer.inputHeight || !(layer.weights.density >= 0) ||
        !(layer.activations.density <= 1))
      std::abort();
    constexpr int64_t kSmall = 1 << 16;
    if (layer.weightElements() > kSmall || layer.inputElements() > kSmall)
      continue;
    if (makeWeights(*workload, i).size() != size_t(layer.weightElements()) * (layer.shape.elementBits / 8) ||
        makeInput(withIndependentZeros(*workload), i, 1).size() !=
            size_t(layer.inputElements()) * (layer.shape.elementBits / 8))
      std::abort();
  }
  return 0;
}
