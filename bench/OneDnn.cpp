//===- OneDnn.cpp - The yardstick: float32 layers -------------------------===//

#include "OneDnn.h"

#include <dnnl.hpp>

namespace sparseaccel::bench {

struct OneDnnLayer::Impl {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::primitive primitive;
  dnnl::memory source, weights, bias, result;

  dnnl::memory filled(const dnnl::memory::desc &layout) {
    dnnl::memory memory(layout, engine);
    float *data = static_cast<float *>(memory.get_data_handle());
    for (size_t i = 0; i < layout.get_size() / sizeof(float); ++i)
      data[i] = 0.001f * float(i % 997);
    return memory;
  }
  template <typename Descriptor>
  void prepare(const Descriptor &descriptor) {
    source = filled(descriptor.src_desc());
    weights = filled(descriptor.weights_desc());
    bias = filled(descriptor.bias_desc());
    result = filled(descriptor.dst_desc());
  }
};

OneDnnLayer::OneDnnLayer(const dataflow::Contraction &s) : impl(std::make_unique<Impl>()) {
  using Tag = dnnl::memory::format_tag;
  using Desc = dnnl::memory::desc;
  constexpr auto f32 = dnnl::memory::data_type::f32;
  constexpr auto inference = dnnl::prop_kind::forward_inference;
  if (s.kind == machine::ContractionKind::FullyConnected) {
    dnnl::inner_product_forward::desc description(inference, Desc({s.n, s.c}, f32, Tag::any),
                                                  Desc({s.m, s.c}, f32, Tag::any), Desc({s.m}, f32, Tag::any),
                                                  Desc({s.n, s.m}, f32, Tag::any));
    dnnl::inner_product_forward::primitive_desc descriptor(description, impl->engine);
    impl->primitive = dnnl::inner_product_forward(descriptor);
    impl->prepare(descriptor);
    return;
  }
  Desc weights = s.g > 1 ? Desc({s.g, s.m, s.c, s.r, s.s}, f32, Tag::any) : Desc({s.m, s.c, s.r, s.s}, f32, Tag::any);
  dnnl::convolution_forward::desc description(
      inference, dnnl::algorithm::convolution_auto,
      Desc({s.n, s.g * s.c, s.inputRows(), s.inputColumns()}, f32, Tag::any), weights, Desc({s.g * s.m}, f32, Tag::any),
      Desc({s.n, s.g * s.m, s.p, s.q}, f32, Tag::any), {s.strideH, s.strideW}, {s.dilationH - 1, s.dilationW - 1},
      {s.padTop, s.padLeft}, {s.padBottom, s.padRight});
  dnnl::convolution_forward::primitive_desc descriptor(description, impl->engine);
  impl->primitive = dnnl::convolution_forward(descriptor);
  impl->prepare(descriptor);
}

OneDnnLayer::~OneDnnLayer() = default;

void OneDnnLayer::run() {
  impl->primitive.execute(impl->stream, {{DNNL_ARG_SRC, impl->source},
                                         {DNNL_ARG_WEIGHTS, impl->weights},
                                         {DNNL_ARG_BIAS, impl->bias},
                                         {DNNL_ARG_DST, impl->result}});
  impl->stream.wait();
}

} // namespace sparseaccel::bench
