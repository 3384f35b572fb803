//===- Program.h - The contract between compiler and simulator --*- C++ -*-===//
//
// A program in memory: tables and instructions. Container.h reads and writes it as a file; Verifier.h proves that
// executing it cannot go out of bounds. Nothing here knows MLIR, and nothing here knows a machine by name.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_ISA_PROGRAM_H
#define SPARSEACCEL_TARGET_ISA_PROGRAM_H

#include "SparseAccel/Target/Formats/Format.h"
#include "SparseAccel/Target/ISA/Instructions.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace sparseaccel::isa {

enum class ElementType : uint8_t { I8, I16, I32, I48, F32, I64 };
/// Bytes of one element where it is stored densely (i48 takes 8).
unsigned storageBytes(ElementType type);
/// Bits that the machine is charged for.
unsigned chargedBits(ElementType type);
/// "i8", "f32", ...
const char *toString(ElementType type);

enum class TensorRole : uint8_t { Input, Output, Constant, Intermediate };
const char *toString(TensorRole role);

/// A tensor in DRAM. Activations are [N][H][W][C], weights [G*M][R][S][C]; host operators may see any rank up to 6.
struct Tensor {
  std::string name; ///< The name that the model or the compiler gave the value; unique.
  ElementType type = ElementType::I8;
  std::vector<uint32_t> shape;
  TensorRole role = TensorRole::Intermediate;
  double scale =
      1.0; ///< Real value of the integer 1; 1 for float tensors. Information for reports; arithmetic uses numerics.
  /// Storage in DRAM. Dense without slots: row-major, `dramOffset` names element 0 (Slots.h). Else granule slots of
  /// `slotBytes`, row-major over the granule grid, and, where encoded, one 32-bit length word per granule at
  /// `lengthOffset`.
  formats::Format dramFormat;
  /// Storage in a buffer. Dense: the box row-major. Else the box's granules in grid order, each in a slot of
  /// bufferSlotBytes().
  formats::Format bufferFormat;
  /// Extents of a granule, same rank as shape; ragged at the upper edges. Equal to shape (or empty) where nothing needs
  /// less: boxes of a tensor that is dense in DRAM and in the buffer may begin and end anywhere. An encoded granule at
  /// the edge has the shape of what there is of it.
  std::vector<uint32_t> granule;
  uint64_t slotBytes = 0; ///< In whole bursts: the worst case of a granule in dramFormat; a constant's may be less.
  uint64_t dramOffset = 0;
  uint64_t lengthOffset = 0;
  /// Constants: where the initial image of the slots lies in Program::constants (dramBytes() long), then the length
  /// words in `constantLengths`.
  uint64_t constantOffset = 0;
  std::vector<uint32_t> constantLengths;

  uint64_t elements() const;
  uint64_t granules() const;
  /// Bytes between dramOffset and the end of the last slot. Sums have no place in DRAM, whatever this says, unless a
  /// host operator, a layer or the program's inputs or outputs name them.
  uint64_t dramBytes() const;
  /// Bytes of a granule's slot in a buffer: the worst case of bufferFormat, or slotBytes where a constant lies as in
  /// DRAM and that is less, rounded up to 8. Zero where bufferFormat is dense.
  uint64_t bufferSlotBytes() const;
  /// Whether its values are a contraction's sums: its boxes lie in buffers with psumBits, and only there.
  bool isSums() const { return type == ElementType::I32 || type == ElementType::I48; }
};

/// What turns sums into activations, and what elementwise work scales by. All arithmetic is TOSA's RESCALE with a
/// single round:
/// ((x * multiplier) + (1 << (shift - 1))) >> shift in 64 bits, truncated to 32 bits, clamped.
struct Numerics {
  std::string name;
  std::vector<int64_t> bias;          ///< Per output channel, or empty.
  std::vector<int32_t> multiplier;    ///< One, or one per output channel; empty where nothing is rescaled.
  std::vector<uint8_t> shift;         ///< As many as multipliers.
  bool scale32 = true;                ///< 32-bit multipliers (int8), else 16-bit (int16, whose sums have 48 bits).
  int64_t clampMin = 0, clampMax = 0; ///< Of the output, in its own integers; equal: its type's range.
  /// Elementwise: a and b are rescaled to 32 bits by these first (multiplier 0: taken as it is).
  int32_t aMultiplier = 0, bMultiplier = 0;
  uint8_t aShift = 0, bShift = 0;
  /// Table look-up: 256 entries for int8; 513 entries for int16, whose result interpolates as TOSA's TABLE and has 23
  /// bits before rescaling.
  std::vector<int16_t> table;

  /// Bytes that CONFIGURE moves.
  uint64_t bytes() const;
};

enum class Rank : uint8_t { N, G, M, C, P, Q, R, S };
inline constexpr unsigned kNumRanks = 8;
enum class LoopKind : uint8_t { Temporal, SpatialX, SpatialY };

struct Loop {
  Rank rank = Rank::N;
  uint32_t factor = 1;
  uint8_t level = 0; ///< Index in Program::levelNames. Outermost level first.
  LoopKind kind = LoopKind::Temporal;
  bool operator==(const Loop &) const = default;
};

/// Loops from the outermost in. The product of a rank's factors covers its extent (the last iteration may be ragged).
struct Mapping {
  std::vector<Loop> loops;
  bool operator==(const Mapping &) const = default;
};

enum class OperandKind : uint8_t { A, B, O };
enum class SafAction : uint8_t { Gate, Skip, Exit, Predict, Delta, Format };

/// A sparse acceleration feature: at `level`, accesses to (or computes with) `target` are gated or skipped where
/// `condition` is zero; or `target` lies there compressed (Format). docs/safs.md defines every combination.
struct Saf {
  uint8_t level = 0; ///< Index in Program::levelNames; their number stands for the multipliers ("compute").
  OperandKind target = OperandKind::A;
  SafAction action = SafAction::Gate;
  /// Bit set over OperandKind: 1 = A, 2 = B; both bits mean either being zero suffices. 0 for a Format, which has none.
  uint8_t conditionOn = 0;
  std::vector<std::pair<std::string, int64_t>> parameters;
  bool operator==(const Saf &) const = default;
};
using SafSet = std::vector<Saf>;

/// Host operators: a closed list, one kernel each in runtime/HostOps.cpp, on dense row-major tensors. `i` and `f` are
/// HostOp's arguments; one output each. Truth values are i8, 0 or 1. Where no type is named, any; input and output have
/// the same.
enum class HostKind : uint8_t {
  Quantize, ///< f32 -> i8/i16: round to nearest even of x * f[0] (multiplied in f32), saturated; not-a-number gives 0.
  Dequantize, ///< Integers -> f32: x * f[0].
  Transpose,  ///< i = permutation: axis k of the output is axis i[k] of the input.
  Reshape,    ///< The same elements in the same order; input and output may be the same bytes of DRAM.
  Slice,      ///< i = starts, then sizes; one each per axis.
  Pad,        ///< i = elements before, then behind, per axis; f[0] = their value.
  Concat,     ///< i[0] = axis; any number of inputs.
  Reverse,    ///< i[0] = axis.
  Tile,       ///< i = multiples per axis.
  Gather,     ///< Values [N][K][C], indices [N][W] of i32 or i64 -> [N][W][C]. An index outside of K is an error at run
              ///< time.
  Softmax,    ///< f32; i[0] = axis.
  Lrn,        ///< f32; ONNX's, over the innermost axis; i[0] = size; f = alpha, beta, bias.
  Unary,      ///< i[0] = UnaryKind; f32, and integers for abs, neg and not.
  Binary,  ///< i[0] = BinaryKind; two inputs of one type and rank, axes of 1 broadcast. Comparisons give i8. Integers
           ///< wrap; pow is f32 only.
  Reduce,  ///< i[0] = ReduceKind, i[1] = axis, which keeps the extent 1.
  MatMul,  ///< f32: [B][M][K] x [B][K][N].
  Cast,    ///< Any type to any: to integers round to nearest even and saturate; integers narrow by truncation.
  Select,  ///< Inputs: i8 condition, value where it is nonzero, value where it is zero; axes of 1 broadcast.
  Rescale, ///< Integers to integers; i = multiplier, shift, min, max: as Numerics, one multiplier.
  Clamp,   ///< f = min, max.
  Conv, ///< [N][H][W][C] with weights [M][R][S][C/groups] and, maybe, a bias [M]; i = stride h w, pad top bottom left
        ///< right, dilation h w, groups. f32; or i8 and i16, rescaled, with more in i (above).
  MaxPool, ///< [N][H][W][C]; i = kernel h w, stride h w, pad top bottom left right. Padding is ignored.
  AvgPool  ///< f32, or i8 and i16 as TOSA's; arguments as MaxPool's; the mean of the positions that lie in the input.
};
/// As the disassembler and reports print it: "quantize", "max_pool", ...
const char *toString(HostKind kind);
enum class UnaryKind : uint8_t {
  Exp,
  Log,
  Reciprocal,
  Rsqrt,
  Sigmoid,
  Tanh,
  Abs,
  Neg,
  Erf,
  Floor,
  Ceil,
  Sin,
  Cos,
  Not
};
enum class BinaryKind : uint8_t { Add, Sub, Mul, Max, Min, Pow, Greater, GreaterEqual, Equal };
enum class ReduceKind : uint8_t { Sum, Max, Min, Product };

struct HostOp {
  HostKind kind = HostKind::Reshape;
  std::string name;
  std::vector<uint32_t> inputs, outputs; ///< Tensor indices.
  std::vector<int64_t> i;
  std::vector<double> f;
};

struct Layer {
  std::string name;
  std::string
      kind; ///< "conv", "depthwise", "fc", "matmul", "max_pool", "avg_pool", "add", ..., or the host operator's name.
  bool onHost = false;
  uint64_t macs = 0;            ///< Dense multiply-accumulates, padding included.
  int32_t output = -1;          ///< Tensor that the layer produces; -1 where it has none.
  std::vector<uint32_t> inputs; ///< Activation tensors that it reads.
  std::string location;         ///< Node of the model, or file and line.
};

struct Buffer {
  std::string name; ///< A level of the machine that the program manages.
  uint64_t bytes = 0;
  uint32_t psumBits = 0; ///< Width charged for a sum that lies here; 0 where none may.
};

struct Program {
  std::string machine;             ///< Name of the machine it was compiled for.
  uint64_t machineFingerprint = 0; ///< Of the machine description: Machine::fingerprint().
  std::string numericsName;        ///< "int8" or "int16".
  std::string producer;
  std::vector<std::string>
      levelNames; ///< As in the machine, outermost (dram) first; Loop::level and Saf::level index it.
  std::vector<Buffer> buffers;
  std::vector<Tensor> tensors;
  std::vector<Numerics> numerics;
  std::vector<Mapping> mappings;
  std::vector<SafSet> safSets;
  std::vector<HostOp> hostOps;
  std::vector<Layer> layers;
  std::vector<uint32_t> inputs, outputs; ///< Tensor indices, in the model's order.
  std::vector<Instruction> instructions; ///< std::variant of the generated structs.
  std::vector<uint8_t> constants;
  uint64_t dramBytes = 0; ///< Size of the program's DRAM image.
};

/// Bytes that an operand's box takes in its buffer: dense elements, granule slots, or sums of the buffer's psumBits.
/// Indices must be in range.
uint64_t operandBytes(const Program &program, const Operand &operand);

} // namespace sparseaccel::isa

#endif // SPARSEACCEL_TARGET_ISA_PROGRAM_H
