//===- CApi.cpp - The C interface -----------------------------------------===//

#include "SparseAccel/Runtime/Runtime.h"
#include "SparseAccel/Runtime/sparseaccel.h"

#include "absl/strings/str_cat.h"

using namespace sparseaccel;

struct sparseaccel_session {
  std::unique_ptr<runtime::Session> session;
  runtime::NamedArrays inputs;
  runtime::BatchResult result;
  std::vector<std::vector<float>> outputs;
  bool ran = false;
  mutable std::string message;
  mutable bool failed = false;

  int fail(std::string text) const {
    message = std::move(text);
    failed = true;
    return 1;
  }
  int tensor(const std::vector<uint32_t> &indices, size_t index, sparseaccel_tensor *out) const {
    if (index >= indices.size())
      return fail(absl::StrCat("index ", index, " where the program has ", indices.size()));
    const isa::Tensor &tensor = session->program().tensors[indices[index]];
    *out = {tensor.name.c_str(), tensor.shape.size(), tensor.shape.data(), size_t(tensor.elements())};
    return 0;
  }
};

static void fill(const sim::LayerStats &layer, sparseaccel_stats *stats) {
  *stats = {layer.name.c_str(),     layer.onHost,       layer.cycles,        layer.computeCycles,
            layer.loadCycles,       layer.storeCycles,  double(layer.macs),  layer.counts.effectual,
            layer.counts.performed, layer.counts.gated, layer.counts.wasted, double(layer.dram.total())};
}

sparseaccel_session *sparseaccel_open(const char *program_path, const char *machine) {
  auto *handle = new sparseaccel_session;
  absl::StatusOr<std::unique_ptr<runtime::Session>> session =
      runtime::Session::load(program_path ? program_path : "", machine ? machine : "");
  if (!session.ok()) {
    handle->fail(std::string(session.status().message()));
    return handle;
  }
  handle->session = *std::move(session);
  for (uint32_t input : handle->session->program().inputs)
    handle->inputs.emplace_back(handle->session->program().tensors[input].name, runtime::Array());
  return handle;
}

void sparseaccel_close(sparseaccel_session *session) { delete session; }

const char *sparseaccel_error(const sparseaccel_session *session) {
  return session->failed ? session->message.c_str() : nullptr;
}

size_t sparseaccel_input_count(const sparseaccel_session *session) { return session->session->program().inputs.size(); }
size_t sparseaccel_output_count(const sparseaccel_session *session) {
  return session->session->program().outputs.size();
}
int sparseaccel_input(const sparseaccel_session *session, size_t index, sparseaccel_tensor *tensor) {
  return session->tensor(session->session->program().inputs, index, tensor);
}
int sparseaccel_output(const sparseaccel_session *session, size_t index, sparseaccel_tensor *tensor) {
  return session->tensor(session->session->program().outputs, index, tensor);
}

int sparseaccel_set_input(sparseaccel_session *session, size_t index, const float *data, size_t runs) {
  sparseaccel_tensor tensor;
  if (int failed = sparseaccel_input(session, index, &tensor))
    return failed;
  if (!data || runs == 0)
    return session->fail(absl::StrCat("input '", tensor.name, "' was given no data"));
  std::vector<int64_t> shape(tensor.shape, tensor.shape + tensor.rank);
  if (shape.empty())
    shape.push_back(1);
  shape[0] *= int64_t(runs);
  session->inputs[index].second =
      runtime::makeArray<float>(std::move(shape), absl::MakeConstSpan(data, tensor.elements * runs));
  return 0;
}

int sparseaccel_run(sparseaccel_session *session, unsigned threads) {
  session->ran = false;
  for (const auto &[name, array] : session->inputs)
    if (array.bytes.empty())
      return session->fail(absl::StrCat("input '", name, "' is not set"));
  runtime::RunOptions options;
  options.threads = threads;
  absl::StatusOr<runtime::BatchResult> result = session->session->run(session->inputs, options);
  if (!result.ok())
    return session->fail(std::string(result.status().message()));
  session->result = *std::move(result);
  session->outputs.clear();
  for (const auto &[name, array] : session->result.outputs)
    session->outputs.push_back(array.toFloat());
  session->ran = true;
  return 0;
}

int sparseaccel_get_output(const sparseaccel_session *session, size_t index, const float **data, size_t *elements) {
  if (!session->ran)
    return session->fail("there is no output before a run");
  if (index >= session->outputs.size())
    return session->fail(absl::StrCat("index ", index, " where the program has ", session->outputs.size()));
  *data = session->outputs[index].data();
  *elements = session->outputs[index].size();
  return 0;
}

size_t sparseaccel_layer_count(const sparseaccel_session *session) { return session->session->program().layers.size(); }
int sparseaccel_layer_stats(const sparseaccel_session *session, size_t layer, sparseaccel_stats *stats) {
  if (!session->ran || layer >= session->result.stats.layers.size())
    return session->fail(session->ran ? absl::StrCat("there is no layer ", layer)
                                      : std::string("there are no statistics before a run"));
  fill(session->result.stats.layers[layer], stats);
  return 0;
}
int sparseaccel_total_stats(const sparseaccel_session *session, sparseaccel_stats *stats) {
  if (!session->ran)
    return session->fail("there are no statistics before a run");
  fill(session->result.stats.totals, stats);
  return 0;
}
