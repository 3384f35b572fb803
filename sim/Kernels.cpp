//===- Kernels.cpp - Dispatch, packing and padding ------------------------===//

#include "SparseAccel/Sim/Kernels.h"
#include "KernelTable.h"
#include "TaskPool.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sparseaccel::sim::kernels {

std::vector<const KernelTable *> availableKernels() {
  std::vector<const KernelTable *> tables = {&baseline::kTable};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2"))
    tables.push_back(&avx2::kTable);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
    tables.push_back(&avx512::kTable);
#endif
  return tables;
}

const KernelTable &bestKernels() {
  static const KernelTable *const best = availableKernels().back();
  return *best;
}

const char *kernelName(const KernelTable &kernels) { return kernels.name; }

namespace {

struct Segments {
  int64_t count, run;
};
Segments segmentsOf(const dataflow::Contraction &shape) {
  if (mergesColumns(shape.g, shape.s, shape.dilationW))
    return {shape.r, shape.s * shape.c};
  return {shape.r * shape.s, shape.c};
}

} // namespace

/// Cuts `extent` steps of `work` multiplications each into parts that are worth a thread, and calls body(begin, end)
/// for each.
static void forParts(TaskPool *pool, int64_t extent, int64_t work, absl::FunctionRef<void(int64_t, int64_t)> body) {
  constexpr int64_t least = 1 << 19; // of a part: some microseconds
  int64_t parts = 1;
  if (pool && pool->threads() > 1)
    parts = std::clamp<int64_t>(extent * work / least, 1, std::min<int64_t>(extent, 4 * int64_t(pool->threads())));
  if (parts == 1)
    return body(0, extent);
  pool->forEach(parts, [&](int64_t part) { body(extent * part / parts, extent * (part + 1) / parts); });
}

PackedWeights packWeights(const KernelTable &kernels, const dataflow::Contraction &shape,
                          const dataflow::OperandView &b) {
  PackedWeights packed;
  packed.wide = b.elementBytes == 2;
  packed.depthwise = shape.g > 1 && shape.m == 1 && shape.c == 1;
  int64_t filters = shape.g * shape.m, filter = shape.r * shape.s * shape.c;
  const char *data = static_cast<const char *>(b.data);
  if (packed.depthwise) {
    packed.data.resize(size_t(filters * filter));
    for (int64_t f = 0; f < filters; ++f)
      for (int64_t r = 0; r < shape.r; ++r)
        for (int64_t s = 0; s < shape.s; ++s) {
          const char *w = data + (f * b.stride[0] + r * b.stride[1] + s * b.stride[2]) * b.elementBytes;
          int16_t value;
          if (packed.wide)
            std::memcpy(&value, w, 2);
          else
            value = *reinterpret_cast<const int8_t *>(w);
          packed.data[size_t((r * shape.s + s) * filters + f)] = value;
        }
    return packed;
  }
  Segments segments = segmentsOf(shape);
  packed.data.resize(size_t(kernels.packedElements(shape.g, shape.m, segments.count, segments.run, packed.wide)));
  // A box whose rows are apart is gathered first.
  std::vector<uint8_t> dense;
  if (b.stride[2] != shape.c || b.stride[1] != shape.c * shape.s || b.stride[0] != filter) {
    dense.resize(size_t(filters * filter) * b.elementBytes);
    size_t rowBytes = size_t(shape.c) * b.elementBytes;
    uint8_t *out = dense.data();
    for (int64_t f = 0; f < filters; ++f)
      for (int64_t r = 0; r < shape.r; ++r)
        for (int64_t s = 0; s < shape.s; ++s, out += rowBytes)
          std::memcpy(out, data + (f * b.stride[0] + r * b.stride[1] + s * b.stride[2]) * b.elementBytes, rowBytes);
    data = reinterpret_cast<const char *>(dense.data());
  }
  kernels.packWeights(data, int32_t(b.elementBytes), shape.g, shape.m, segments.count, segments.run, packed.wide,
                      packed.data.data());
  return packed;
}

void contract(const KernelTable &kernels, const dataflow::Contraction &shape, const dataflow::OperandView &a,
              const PackedWeights &b, isa::AccumulateMode mode, const int64_t *bias, const Sums &sums,
              Scratch &scratch) {
  ContractTile tile;
  tile.n = shape.n, tile.g = shape.g, tile.m = shape.m, tile.c = shape.c;
  tile.p = shape.p, tile.q = shape.q, tile.r = shape.r, tile.s = shape.s;
  tile.strideH = shape.strideH, tile.strideW = shape.strideW;
  tile.dilationH = shape.dilationH, tile.dilationW = shape.dilationW;
  tile.w = b.data.data();
  tile.o = sums.data;
  tile.oN = sums.strideN, tile.oP = sums.strideP, tile.oQ = sums.strideQ;
  tile.wide = b.wide;
  tile.mode = mode == isa::AccumulateMode::Clear  ? SumClear
              : mode == isa::AccumulateMode::Bias ? SumBias
                                                  : SumAccumulate;
  tile.bias = tile.mode == SumBias ? bias : nullptr;

  bool padded = shape.padTop > 0 || shape.padBottom > 0 || shape.padLeft > 0 || shape.padRight > 0;
  if (a.elementBytes == 2 && !padded) {
    tile.a = static_cast<const int16_t *>(a.data);
    tile.aN = a.stride[0], tile.aH = a.stride[1], tile.aW = a.stride[2];
  } else {
    int64_t channels = a.extent[3], rows = a.extent[1] + shape.padTop + shape.padBottom;
    int64_t columns = a.extent[2] + shape.padLeft + shape.padRight;
    tile.aW = channels, tile.aH = columns * channels, tile.aN = rows * tile.aH;
    size_t elements = size_t(a.extent[0] * tile.aN) + 16;
    if (scratch.activations.size() < elements)
      scratch.activations.resize(elements);
    int16_t *out = scratch.activations.data();
    const char *data = static_cast<const char *>(a.data);
    bool wholeRows = a.stride[2] == channels;
    for (int64_t n = 0; n < a.extent[0]; ++n) {
      int16_t *image = out + n * tile.aN;
      std::fill(image, image + shape.padTop * tile.aH + shape.padLeft * tile.aW, 0);
      for (int64_t h = 0; h < a.extent[1]; ++h) {
        int16_t *row = image + (shape.padTop + h) * tile.aH + shape.padLeft * tile.aW;
        const char *in = data + (n * a.stride[0] + h * a.stride[1]) * a.elementBytes;
        if (wholeRows) {
          kernels.widen(in, int32_t(a.elementBytes), a.extent[2] * channels, row);
        } else {
          for (int64_t w = 0; w < a.extent[2]; ++w)
            kernels.widen(in + w * a.stride[2] * a.elementBytes, int32_t(a.elementBytes), channels, row + w * channels);
        }
        // The right edge of this row and the left edge of the next one.
        int16_t *edge = row + a.extent[2] * channels;
        std::fill(edge, edge + (shape.padRight + (h + 1 < a.extent[1] ? shape.padLeft : 0)) * channels, 0);
      }
      std::fill(image + (shape.padTop + a.extent[1]) * tile.aH, image + tile.aN, 0);
    }
    std::fill(out + a.extent[0] * tile.aN, out + elements, 0);
    tile.a = out;
  }
  // Output rows side by side, or columns where there are more of them.
  const bool byRows = tile.p >= tile.q;
  const int64_t extent = byRows ? tile.p : tile.q;
  const int64_t work = tile.n * (byRows ? tile.q : tile.p) * tile.g * tile.m * tile.r * tile.s * tile.c;
  forParts(scratch.pool, extent, work, [&](int64_t begin, int64_t end) {
    ContractTile part = tile;
    (byRows ? part.p : part.q) = end - begin;
    part.a += begin * (byRows ? tile.strideH * tile.aH : tile.strideW * tile.aW);
    part.o = static_cast<char *>(tile.o) + begin * (byRows ? tile.oP : tile.oQ) * (tile.wide ? 8 : 4);
    if (b.depthwise)
      kernels.depthwise(part);
    else
      kernels.contract(part);
  });
}

bool takesRows(const dataflow::Contraction &shape) {
  constexpr int64_t mostPixels = 4; // Of a register block of multiplyRows().
  bool depthwise = shape.g > 1 && shape.m == 1 && shape.c == 1;
  return !depthwise && shape.n * shape.p * shape.q <= mostPixels;
}

void contractRows(const KernelTable &kernels, const dataflow::Contraction &shape, const dataflow::OperandView &a,
                  const dataflow::OperandView &b, isa::AccumulateMode mode, const int64_t *bias, const Sums &sums,
                  Scratch &scratch) {
  assert(takesRows(shape) && (shape.s == 1 || b.stride[2] == shape.c) &&
         (shape.r == 1 || b.stride[1] == shape.s * shape.c) && "a filter is one run");
  bool wide = b.elementBytes == 2;
  RowProducts products;
  products.bytes = int32_t(b.elementBytes);
  products.rows = shape.m, products.rowStride = b.stride[0];
  products.length = products.xStride = shape.r * shape.s * shape.c;
  products.mode = mode == isa::AccumulateMode::Clear  ? SumClear
                  : mode == isa::AccumulateMode::Bias ? SumBias
                                                      : SumAccumulate;
  int64_t vectorElements = products.xStride * (wide ? 2 : 1), pixels = shape.n * shape.p * shape.q;
  if (scratch.activations.size() < size_t(pixels * vectorElements))
    scratch.activations.resize(size_t(pixels * vectorElements));
  products.x = scratch.activations.data();
  int64_t sumsAt[4];
  for (int64_t group = 0; group < shape.g; ++group) {
    // The window of each pixel as one vector.
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      int64_t n = pixel / (shape.p * shape.q), p = pixel / shape.q % shape.p, q = pixel % shape.q;
      sumsAt[pixel] = n * sums.strideN + p * sums.strideP + q * sums.strideQ + group * shape.m;
      int16_t *window = scratch.activations.data() + pixel * vectorElements, *out = window;
      for (int64_t r = 0; r < shape.r; ++r)
        for (int64_t s = 0; s < shape.s; ++s, out += shape.c) {
          int64_t h = p * shape.strideH + r * shape.dilationH - shape.padTop;
          int64_t w = q * shape.strideW + s * shape.dilationW - shape.padLeft;
          if (h < 0 || h >= a.extent[1] || w < 0 || w >= a.extent[2])
            std::fill(out, out + shape.c, 0);
          else
            kernels.widen(static_cast<const char *>(a.data) +
                              (n * a.stride[0] + h * a.stride[1] + w * a.stride[2] + group * shape.c) * a.elementBytes,
                          int32_t(a.elementBytes), shape.c, out);
        }
      for (int64_t i = 0; wide && i < products.length; ++i) {
        window[products.xStride + i] = int16_t(window[i] >> 8);
        window[i] = int16_t(window[i] & 255);
      }
    }
    products.w = static_cast<const char *>(b.data) + group * shape.m * b.stride[0] * b.elementBytes;
    products.bias = products.mode == SumBias ? bias + group * shape.m : nullptr;
    // As many pixels at a time as are equally far apart: all, or one by one.
    bool even = pixels != 3;
    for (int64_t pixel = 2; pixel < pixels; ++pixel)
      even &= sumsAt[pixel] - sumsAt[pixel - 1] == sumsAt[1] - sumsAt[0];
    products.vectors = even ? int32_t(pixels) : 1;
    products.oStride = pixels > 1 ? sumsAt[1] - sumsAt[0] : 0;
    for (int64_t pixel = 0; pixel < pixels; pixel += products.vectors) {
      products.x = scratch.activations.data() + pixel * vectorElements;
      products.o = static_cast<char *>(sums.data) + sumsAt[pixel] * (wide ? 8 : 4);
      forParts(scratch.pool, products.rows, products.length * products.vectors, [&](int64_t first, int64_t end) {
        RowProducts part = products;
        part.rows = end - first;
        part.w = static_cast<const char *>(products.w) + first * products.rowStride * products.bytes;
        part.o = static_cast<char *>(products.o) + first * (wide ? 8 : 4);
        part.bias = products.bias ? products.bias + first : nullptr;
        kernels.multiplyRows(part);
      });
    }
  }
}

double widestSum(const KernelTable &kernels, const void *sums, bool wide, int64_t count) {
  return kernels.widest(sums, wide, count);
}

} // namespace sparseaccel::sim::kernels
