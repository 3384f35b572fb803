//===- OneDnn.cpp - Contractions and pools of float32 by oneDNN -----------===//

#include "OneDnn.h"

#include <dnnl.hpp>

#include <cstdlib>
#include <unordered_map>

// Of the OpenMP runtime that oneDNN loads. A header would be that of the compiler, which may have another runtime or none.
extern "C" {
int omp_get_max_threads(void);
void omp_set_num_threads(int threads);
}

namespace sparseaccel::cpu::onednn {

namespace {

using Desc = dnnl::memory::desc;
using Dims = dnnl::memory::dims;
using Tag = dnnl::memory::format_tag;
constexpr auto f32 = dnnl::memory::data_type::f32;
constexpr auto inference = dnnl::prop_kind::forward_inference;

/// oneDNN asks OpenMP how many threads there are, when a primitive is made and when it runs.
class OneThread {
public:
  OneThread() : before(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before); }
  OneThread(const OneThread &) = delete;
  OneThread &operator=(const OneThread &) = delete;

private:
  int before;
};

const dnnl::engine &engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user); // a run's own, so that several may go on at once
  attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);
  return attributes;
}

/// Descriptors and data are the caller's: oneDNN takes pointers to what it only reads without const.
dnnl::memory wrap(const Desc &desc, const void *data) { return dnnl::memory(desc, engine(), const_cast<void *>(data)); }

class Buffer {
public:
  explicit Buffer(size_t bytes) : data(bytes ? std::aligned_alloc(64, (bytes + 63) / 64 * 64) : nullptr) {
    if (bytes && !data)
      throw std::bad_alloc();
  }
  ~Buffer() { std::free(data); }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  void *get() const { return data; }

private:
  void *data;
};

/// An input: how the caller's bytes lie, and how the primitive wants them.
struct Input {
  int argument;
  Desc given, wanted;
  const float *constant = nullptr;
};

class PrimitiveImpl : public Primitive {
public:
  PrimitiveImpl(dnnl::primitive primitive, std::vector<Input> inputs, Desc result, Desc scratchpad)
      : primitive(std::move(primitive)), inputs(std::move(inputs)), result(std::move(result)),
        scratchpad(std::move(scratchpad)) {
    packed.resize(this->inputs.size());
    for (size_t i = 0; i < this->inputs.size(); ++i)
      if (const Input &input = this->inputs[i]; input.constant && input.given != input.wanted) {
        packed[i] = std::make_unique<Buffer>(input.wanted.get_size());
        reorder(input, input.constant, packed[i]->get());
      }
  }

  bool run(const float *const *values, float *to, std::string &problem) const override {
    try {
      OneThread oneThread;
      dnnl::stream stream(engine());
      std::unordered_map<int, dnnl::memory> arguments;
      std::vector<std::unique_ptr<Buffer>> moved;
      for (size_t i = 0; i < inputs.size(); ++i) {
        const Input &input = inputs[i];
        const void *data = packed[i] ? packed[i]->get() : input.constant ? input.constant : values[i];
        if (!packed[i] && input.given != input.wanted) {
          moved.push_back(std::make_unique<Buffer>(input.wanted.get_size()));
          reorder(input, data, moved.back()->get());
          data = moved.back()->get();
        }
        arguments.emplace(input.argument, wrap(input.wanted, data));
      }
      arguments.emplace(DNNL_ARG_DST, wrap(result, to));
      Buffer scratch(scratchpad.get_size());
      arguments.emplace(DNNL_ARG_SCRATCHPAD, wrap(scratchpad, scratch.get()));
      primitive.execute(stream, arguments);
      stream.wait();
      return true;
    } catch (const std::exception &error) {
      problem = error.what();
      return false;
    }
  }

private:
  static void reorder(const Input &input, const void *from, void *to) {
    dnnl::stream stream(engine());
    dnnl::memory source = wrap(input.given, from), target = wrap(input.wanted, to);
    dnnl::reorder(source, target).execute(stream, source, target);
    stream.wait();
  }

  dnnl::primitive primitive;
  std::vector<Input> inputs;
  Desc result, scratchpad;
  std::vector<std::unique_ptr<Buffer>> packed; ///< Null where an input is read where it is.
};

/// Null where `make` says that oneDNN cannot.
template <typename Make>
std::unique_ptr<Primitive> attempt(Make &&make) {
  try {
    OneThread oneThread;
    return make();
  } catch (const dnnl::error &) {
    return nullptr;
  }
}

Desc image(int64_t n, int64_t channels, int64_t height, int64_t width) {
  return Desc({n, channels, height, width}, f32, Tag::nhwc);
}

std::unique_ptr<Primitive> makeConvolution(const Window &w, int64_t filters, const Desc &weights, const Dims &dims,
                                           const float *constant) {
  return attempt([&] {
    Desc source = image(w.n, w.channels, w.height, w.width),
         result = image(w.n, filters, w.outputHeight, w.outputWidth), bias({filters}, f32, Tag::x);
    dnnl::convolution_forward::desc description(
        inference, dnnl::algorithm::convolution_direct, source, Desc(dims, f32, Tag::any), bias, result,
        {w.strideH, w.strideW}, {w.dilationH - 1, w.dilationW - 1}, {w.padTop, w.padLeft}, {w.padBottom, w.padRight});
    dnnl::convolution_forward::primitive_desc descriptor(description, attributes(), engine());
    std::vector<Input> inputs{{DNNL_ARG_SRC, source, descriptor.src_desc()},
                              {DNNL_ARG_WEIGHTS, weights, descriptor.weights_desc(), constant},
                              {DNNL_ARG_BIAS, bias, descriptor.bias_desc()}};
    return std::make_unique<PrimitiveImpl>(dnnl::convolution_forward(descriptor), std::move(inputs), result,
                                           descriptor.scratchpad_desc());
  });
}

/// Weights that each run reads once gain nothing from being packed.
std::unique_ptr<Primitive> makeFullyConnected(int64_t rows, int64_t depth, int64_t filters, const float *constant) {
  return attempt([&] {
    Desc source({rows, depth}, f32, Tag::ab), weights({depth, filters}, f32, Tag::ba), bias({1, filters}, f32, Tag::ab),
        result({rows, filters}, f32, Tag::ab);
    dnnl::matmul::desc description(source, weights, bias, result);
    dnnl::matmul::primitive_desc descriptor(description, attributes(), engine());
    std::vector<Input> inputs{
        {DNNL_ARG_SRC, source, source}, {DNNL_ARG_WEIGHTS, weights, weights, constant}, {DNNL_ARG_BIAS, bias, bias}};
    return std::make_unique<PrimitiveImpl>(dnnl::matmul(descriptor), std::move(inputs), result,
                                           descriptor.scratchpad_desc());
  });
}

} // namespace

std::unique_ptr<Primitive> makeConvolution(const Window &w, int64_t filters, const float *weights) {
  bool point = w.kernelH == 1 && w.kernelW == 1 && w.height == 1 && w.width == 1 && w.outputHeight == 1 &&
               w.outputWidth == 1 && w.padTop == 0 && w.padLeft == 0;
  if (point)
    return makeFullyConnected(w.n, w.channels, filters, weights);
  Dims dims{filters, w.channels, w.kernelH, w.kernelW};
  return makeConvolution(w, filters, Desc(dims, f32, Tag::ohwi), dims, weights);
}

std::unique_ptr<Primitive> makeDepthwise(const Window &w, int64_t multiplier, const float *weights) {
  Dims dims{w.channels, multiplier, 1, w.kernelH, w.kernelW};
  int64_t column = w.channels * multiplier;
  Desc given(dims, f32, Dims{multiplier, 1, 1, w.kernelW * column, column});
  return makeConvolution(w, column, given, dims, weights);
}

std::unique_ptr<Primitive> makeMatMul(int64_t batches, int64_t rows, int64_t depth, int64_t columns,
                                      const float *right) {
  return attempt([&] {
    Desc left({batches, rows, depth}, f32, Tag::abc), given({batches, depth, columns}, f32, Tag::abc),
        result({batches, rows, columns}, f32, Tag::abc);
    dnnl::matmul::desc description(left, given, result);
    dnnl::matmul::primitive_desc descriptor(description, attributes(), engine());
    std::vector<Input> inputs{{DNNL_ARG_SRC, left, left}, {DNNL_ARG_WEIGHTS, given, given, right}};
    return std::make_unique<PrimitiveImpl>(dnnl::matmul(descriptor), std::move(inputs), result,
                                           descriptor.scratchpad_desc());
  });
}

std::unique_ptr<Primitive> makePool(const Window &w, bool mean) {
  return attempt([&] {
    Desc source = image(w.n, w.channels, w.height, w.width),
         result = image(w.n, w.channels, w.outputHeight, w.outputWidth);
    dnnl::pooling_forward::desc description(
        inference, mean ? dnnl::algorithm::pooling_avg_exclude_padding : dnnl::algorithm::pooling_max, source, result,
        {w.strideH, w.strideW}, {w.kernelH, w.kernelW}, {w.padTop, w.padLeft}, {w.padBottom, w.padRight});
    dnnl::pooling_forward::primitive_desc descriptor(description, attributes(), engine());
    return std::make_unique<PrimitiveImpl>(dnnl::pooling_forward(descriptor),
                                           std::vector<Input>{{DNNL_ARG_SRC, source, source}}, result,
                                           descriptor.scratchpad_desc());
  });
}

} // namespace sparseaccel::cpu::onednn
