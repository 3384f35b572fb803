//===- KernelTable.h - Entry points of the vector kernels -------*- C++ -*-===//
//
// The kernels' one source, KernelsImpl.cpp, is compiled once per instruction set into a namespace of its own; this is
// what those copies have in common. Only plain data crosses, and the copies use no inline library function, so that no
// code for a newer machine can be linked into the baseline.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_KERNELTABLE_H
#define SPARSEACCEL_SIM_KERNELTABLE_H

#include <cstddef>
#include <cstdint>

namespace sparseaccel::sim::kernels {

/// What sums start from.
enum SumMode : int32_t { SumClear, SumBias, SumAccumulate };

/// A contraction on a tile. Activations are int16 with their padding materialised; int8 is widened. Sums are int64
/// where `wide` (16-bit weights), else int32. Element strides throughout.
struct ContractTile {
  int64_t n, g, m, c, p, q, r, s;
  int64_t strideH, strideW, dilationH, dilationW;
  const int16_t *a; ///< [n][h][w][g*c]; one element past the last one must be readable.
  int64_t aN, aH, aW;
  const int16_t *w; ///< As packWeights() lays them out; [r][s][g] for depthwise().
  void *o;          ///< [n][p][q][g*m]
  int64_t oN, oP, oQ;
  bool wide;
  SumMode mode;
  const int64_t *bias; ///< g*m, where mode is SumBias.
};

/// Rows of a matrix times 1, 2 or 4 vectors: sums[vector][row]. Sums are int64 where the matrix has 16 bits, else
/// int32.
struct RowProducts {
  const void *w; ///< [rows][length], as it lies in a buffer.
  int32_t bytes; ///< Of an element of w: 1 or 2.
  int64_t rows, rowStride, length;
  int32_t vectors;
  /// [vector][length]; where `bytes` is 2, [vector][2][length] with x = x[0] + 256 * x[1] and x[0] in [0, 255].
  const int16_t *x;
  int64_t xStride; ///< Elements between vectors, and between the two parts of one.
  void *o;
  int64_t oStride; ///< Elements between the sums of two vectors.
  SumMode mode;
  const int64_t *bias; ///< By row, where mode is SumBias.
};

/// ((x * multiplier + (1 << (shift - 1))) >> shift), truncated to 32 bits, clamped. Arrays of one entry per channel.
struct Scale {
  const int64_t *multiplier;
  const int64_t *round; ///< 1 << (shift - 1)
  const int64_t *shift;
  int32_t min, max;
};

/// Element types of the vector kernels' operands.
enum ValueType : int32_t { ValueI8, ValueI16, ValueI32, ValueI64 };

/// Rows of `channels` contiguous elements each.
struct RescaleRows {
  const void *a;
  ValueType aType;
  int64_t aStride; ///< Elements between rows.
  void *o;
  ValueType oType; ///< ValueI8 or ValueI16.
  int64_t oStride;
  int64_t rows, channels;
  Scale scale;
};

enum BinaryKind : int32_t { BinaryAdd, BinarySub, BinaryMul, BinaryMax, BinaryMin };

/// Operands rescaled to 32 bits (multiplier 0: as they are), the operation in 32 bits, the result rescaled where
/// multiplier is not 0, and clamped.
struct BinaryRows {
  BinaryKind kind;
  const void *a, *b;
  void *o;
  ValueType type; ///< ValueI8 or ValueI16, of all three.
  int64_t count;
  int64_t aMultiplier, aShift, bMultiplier, bShift, multiplier, shift;
  int32_t min, max;
};

/// A pool over [h][w][channels] of one image: rows and columns outside are padding, which counts for nothing.
struct PoolTile {
  const void *a;
  void *o;
  ValueType type;
  int64_t rows, columns, channels; ///< Of the input that is really there.
  int64_t aH, aW;
  int64_t p, q, r, s, strideH, strideW, padTop, padLeft;
  int64_t oP, oQ;
  bool average;
  int32_t min, max;
};

struct KernelTable {
  const char *name;
  int32_t lanes;  ///< 32-bit lanes of a vector.
  int32_t pixels; ///< Output pixels of a register block.
  /// Elements that packWeights() writes.
  int64_t (*packedElements)(int64_t g, int64_t m, int64_t segments, int64_t run, bool wide);
  /// `w` is [g*m][segments][run], dense; `bytes` 1 or 2. The reduction is cut into segments whose activations are
  /// contiguous.
  void (*packWeights)(const void *w, int32_t bytes, int64_t g, int64_t m, int64_t segments, int64_t run, bool wide,
                      int16_t *out);
  void (*contract)(const ContractTile &tile);
  void (*multiplyRows)(const RowProducts &products);
  /// g channels, m = c = 1.
  void (*depthwise)(const ContractTile &tile);
  /// Copies rows of `count` elements of 1 or 2 bytes to int16.
  void (*widen)(const void *in, int32_t bytes, int64_t count, int16_t *out);
  void (*rescale)(const RescaleRows &rows);
  void (*binary)(const BinaryRows &rows);
  void (*pool)(const PoolTile &tile);
  /// Largest |x|.
  double (*widest)(const void *sums, bool wide, int64_t count);
};

/// Reduction segments: with undilated columns and one group, a filter row is one contiguous run of activations.
inline bool mergesColumns(int64_t g, int64_t s, int64_t dilationW) { return g == 1 && (s == 1 || dilationW == 1); }

namespace baseline {
extern const KernelTable kTable;
}
namespace avx2 {
extern const KernelTable kTable;
}
namespace avx512 {
extern const KernelTable kTable;
}

} // namespace sparseaccel::sim::kernels

#endif // SPARSEACCEL_SIM_KERNELTABLE_H
