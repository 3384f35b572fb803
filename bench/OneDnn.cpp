//===- OneDnn.cpp - The yardstick: float32 convolutions -------------------===//

#include "OneDnn.h"

#include <dnnl.hpp>

#include <cstring>

namespace sparseaccel::bench {

struct OneDnnConv::Impl {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::convolution_forward convolution;
  dnnl::memory source, weights, bias, result;
};

OneDnnConv::OneDnnConv(const ConvLayer &layer) : impl(std::make_unique<Impl>()) {
  using Tag = dnnl::memory::format_tag;
  using Type = dnnl::memory::data_type;
  const dataflow::Contraction &s = layer.shape;
  dnnl::memory::desc source({s.n, s.c, s.inputRows(), s.inputColumns()}, Type::f32, Tag::any);
  dnnl::memory::desc weights({s.m, s.c, s.r, s.s}, Type::f32, Tag::any);
  dnnl::memory::desc bias({s.m}, Type::f32, Tag::any), result({s.n, s.m, s.p, s.q}, Type::f32, Tag::any);
  dnnl::convolution_forward::desc description(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto,
                                              source, weights, bias, result, {s.strideH, s.strideW},
                                              {s.padTop, s.padLeft}, {s.padBottom, s.padRight});
  dnnl::convolution_forward::primitive_desc primitive(description, impl->engine);
  impl->convolution = dnnl::convolution_forward(primitive);
  auto filled = [&](const dnnl::memory::desc &layout) {
    dnnl::memory memory(layout, impl->engine);
    float *data = static_cast<float *>(memory.get_data_handle());
    for (size_t i = 0; i < layout.get_size() / sizeof(float); ++i)
      data[i] = 0.001f * float(i % 997);
    return memory;
  };
  impl->source = filled(primitive.src_desc());
  impl->weights = filled(primitive.weights_desc());
  impl->bias = filled(primitive.bias_desc());
  impl->result = filled(primitive.dst_desc());
}

OneDnnConv::~OneDnnConv() = default;

void OneDnnConv::run() {
  impl->convolution.execute(impl->stream, {{DNNL_ARG_SRC, impl->source},
                                           {DNNL_ARG_WEIGHTS, impl->weights},
                                           {DNNL_ARG_BIAS, impl->bias},
                                           {DNNL_ARG_DST, impl->result}});
  impl->stream.wait();
}

} // namespace sparseaccel::bench
