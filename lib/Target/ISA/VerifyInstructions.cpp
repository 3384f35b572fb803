//===- VerifyInstructions.cpp - Every instruction stays in bounds -----------===//

#include "SparseAccel/Target/ISA/Verifier.h"
#include "SparseAccel/Target/ISA/Slots.h"
#include "VerifierImpl.h"

#include <array>
#include <limits>

namespace sparseaccel::isa {

namespace {

class InstructionVerifier {
public:
  explicit InstructionVerifier(const Program &program) : program(program) {}

  absl::Status run() {
    const std::vector<Instruction> &code = program.instructions;
    if (code.empty() || opcodeOf(code.back()) != Opcode::Halt)
      return invalid("expected 'halt' as the last of ", code.size(), " instructions");
    for (size_t i = 0; i < code.size(); ++i) {
      std::string where = absl::StrCat("instruction ", i, " (", toString(opcodeOf(code[i])), ")");
      SPARSEACCEL_RETURN_IF_ERROR(within(where, checkCommon(common(code[i]), i + 1 == code.size())));
      SPARSEACCEL_RETURN_IF_ERROR(within(where, std::visit([&](const auto &inst) { return check(inst); }, code[i])));
      ++issued[static_cast<size_t>(queueOf(code[i]))];
      if (opcodeOf(code[i]) == Opcode::Halt && i + 1 != code.size())
        return invalid(where, ": expected it at the end, instruction ", code.size() - 1);
    }
    return absl::OkStatus();
  }

private:
  absl::Status checkCommon(const CommonFields &fields, bool last) const {
    if (!last) // The end belongs to no layer.
      SPARSEACCEL_RETURN_IF_ERROR(checkIndex("layer", fields.layer, program.layers));
    std::array<uint32_t, 4> waits = {fields.waitLoad, fields.waitMac, fields.waitVector, fields.waitStore};
    for (size_t queue = 0; queue < waits.size(); ++queue)
      if (waits[queue] > issued[queue])
        return invalid("waits for ", waits[queue], " instructions of the ", toString(static_cast<Queue>(queue)),
                       " queue, but only ", issued[queue], " come before it");
    return absl::OkStatus();
  }

  /// The operand's own box: in its tensor, and its bytes in its buffer.
  absl::Status checkOperand(const Operand &operand, bool moved) const {
    SPARSEACCEL_RETURN_IF_ERROR(checkIndex("buffer", operand.buffer, program.buffers));
    SPARSEACCEL_RETURN_IF_ERROR(checkIndex("tensor", operand.tensor, program.tensors));
    const Tensor &tensor = program.tensors[operand.tensor];
    const Buffer &buffer = program.buffers[operand.buffer];
    if (tensor.shape.size() > 4)
      return invalid("tensor '", tensor.name, "' of ", dims(tensor.shape), " has more than 4 ranks");
    bool encodedInBuffer = !tensor.bufferFormat.isDense(), aligned = encodedInBuffer || (moved && liesInSlots(tensor));
    for (size_t rank = 0; rank < 4; ++rank) {
      uint32_t extent = rank < tensor.shape.size() ? tensor.shape[rank] : 1;
      if (operand.extent[rank] == 0 || exceeds(operand.origin[rank], operand.extent[rank], extent))
        return invalid("box ", dims(operand.extent), " at ", dims(operand.origin), " is not in tensor '", tensor.name,
                       "' of ", dims(tensor.shape));
      if (!aligned || rank >= tensor.granule.size())
        continue;
      uint32_t granule = tensor.granule[rank], end = operand.origin[rank] + operand.extent[rank];
      if (operand.origin[rank] % granule || (end % granule && end != extent))
        return invalid("box ", dims(operand.extent), " at ", dims(operand.origin), " cuts granules of ",
                       dims(tensor.granule), " of tensor '", tensor.name, "'");
    }
    if (tensor.isSums()) {
      if (buffer.psumBits == 0)
        return invalid("no sums may lie in buffer '", buffer.name, "'");
      if (operand.offset > buffer.bytes || operand.offset * 8 % buffer.psumBits)
        return invalid("offset ", operand.offset, " in buffer '", buffer.name, "' of ", buffer.bytes,
                       " bytes is not a multiple of a sum's ", buffer.psumBits, " bits");
    } else if (encodedInBuffer && operand.offset % 8) {
      return invalid("offset ", operand.offset, " in buffer '", buffer.name,
                     "' of granule slots is not a multiple of 8");
    } else if (!encodedInBuffer && operand.offset % storageBytes(tensor.type)) {
      return invalid("offset ", operand.offset, " in buffer '", buffer.name, "' is not a multiple of an element's ",
                     storageBytes(tensor.type), " bytes");
    }
    uint64_t bytes = operandBytes(program, operand);
    if (exceeds(operand.offset, bytes, buffer.bytes))
      return invalid(bytes, " bytes of tensor '", tensor.name, "' at ", operand.offset, " exceed buffer '", buffer.name,
                     "' of ", buffer.bytes, " bytes");
    return absl::OkStatus();
  }

  const Tensor &tensorOf(const Operand &operand) const { return program.tensors[operand.tensor]; }

  absl::Status checkActivation(const Operand &operand, bool moved = false) const {
    SPARSEACCEL_RETURN_IF_ERROR(checkOperand(operand, moved));
    ElementType type = tensorOf(operand).type;
    if (type != ElementType::I8 && type != ElementType::I16)
      return invalid("expected elements of type i8 or i16, but tensor '", tensorOf(operand).name, "' is ",
                     toString(type));
    return absl::OkStatus();
  }

  /// Whether [origin, origin + extent) lies in the operand's box.
  absl::Status checkInside(const Operand &operand, const Coord &origin, const std::array<uint64_t, 4> &extent) const {
    for (size_t rank = 0; rank < 4; ++rank)
      if (origin[rank] < operand.origin[rank] ||
          exceeds(origin[rank] - operand.origin[rank], extent[rank], operand.extent[rank]))
        return invalid("[", absl::StrJoin(extent, "x"), "] at ", dims(origin), " of tensor '", tensorOf(operand).name,
                       "' is not in the box ", dims(operand.extent), " at ", dims(operand.origin));
    return absl::OkStatus();
  }

  absl::Status checkNumerics(uint32_t index) const { return checkIndex("numerics", index, program.numerics); }

  absl::Status check(const Configure &inst) const { return checkNumerics(inst.numerics); }

  absl::Status check(const Load &inst) const { return within("dst", checkActivation(inst.dst, true)); }

  absl::Status check(const Store &inst) const {
    SPARSEACCEL_RETURN_IF_ERROR(within("src", checkActivation(inst.src, true)));
    TensorRole role = tensorOf(inst.src).role;
    if (role == TensorRole::Constant || role == TensorRole::Input)
      return invalid("writes tensor '", tensorOf(inst.src).name, "', whose role is ", toString(role));
    return absl::OkStatus();
  }

  /// Input places along a rank that `count` windows of `kernel` reach, padding apart.
  static absl::StatusOr<uint64_t> places(absl::string_view what, uint64_t count, uint64_t stride, uint64_t kernel,
                                         uint64_t dilation, uint64_t low, uint64_t high) {
    if (count == 0 || kernel == 0 || stride == 0 || dilation == 0)
      return invalid("an extent, stride or dilation of ", what, " is 0");
    // Each product of two 32-bit numbers is below 2^64; the sum of two could reach it.
    uint64_t a = (count - 1) * stride, b = (kernel - 1) * dilation + 1;
    if (exceeds(a, b, uint64_t{1} << 40))
      return invalid(count, " windows with stride ", stride, " reach too far");
    if (low + high > a + b)
      return invalid("padding ", low, " and ", high, " exceeds the ", a + b, " ", what, " that are read");
    return a + b - low - high;
  }

  absl::Status check(const Contract &inst) const {
    SPARSEACCEL_RETURN_IF_ERROR(within("a", checkActivation(inst.a)));
    SPARSEACCEL_RETURN_IF_ERROR(within("b", checkActivation(inst.b)));
    SPARSEACCEL_RETURN_IF_ERROR(within("o", checkOperand(inst.o, false)));
    const Tensor &a = tensorOf(inst.a), &b = tensorOf(inst.b), &o = tensorOf(inst.o);
    ElementType sums = a.type == ElementType::I8 ? ElementType::I32 : ElementType::I48;
    if (a.type != b.type || o.type != sums)
      return invalid("expected i8 x i8 -> i32 or i16 x i16 -> i48, but got ", toString(a.type), " x ", toString(b.type),
                     " -> ", toString(o.type));
    for (const Tensor *tensor : {&a, &b, &o})
      if (tensor->shape.size() != 4)
        return invalid("expected 4 ranks, but tensor '", tensor->name, "' has ", dims(tensor->shape));
    uint64_t m = uint64_t{inst.g} * inst.m, c = uint64_t{inst.g} * inst.c;
    if (inst.n == 0 || m == 0 || c == 0)
      return invalid("an extent is 0");
    absl::StatusOr<uint64_t> rows =
        places("rows", inst.p, inst.strideH, inst.r, inst.dilationH, inst.padTop, inst.padBottom);
    SPARSEACCEL_RETURN_IF_ERROR(rows.status());
    absl::StatusOr<uint64_t> columns =
        places("columns", inst.q, inst.strideW, inst.s, inst.dilationW, inst.padLeft, inst.padRight);
    SPARSEACCEL_RETURN_IF_ERROR(columns.status());
    SPARSEACCEL_RETURN_IF_ERROR(within("a", checkInside(inst.a, inst.aOrigin, {inst.n, *rows, *columns, c})));
    SPARSEACCEL_RETURN_IF_ERROR(within("b", checkInside(inst.b, inst.bOrigin, {m, inst.r, inst.s, inst.c})));
    SPARSEACCEL_RETURN_IF_ERROR(within("o", checkInside(inst.o, inst.oOrigin, {inst.n, inst.p, inst.q, m})));
    SPARSEACCEL_RETURN_IF_ERROR(checkNumerics(inst.numerics));
    const Numerics &numerics = program.numerics[inst.numerics];
    if (inst.mode == AccumulateMode::Bias && !numerics.bias.empty() && numerics.bias.size() != o.shape[3])
      return invalid("expected a bias for each of the ", o.shape[3], " channels of '", o.name, "', but numerics '",
                     numerics.name, "' has ", numerics.bias.size());
    SPARSEACCEL_RETURN_IF_ERROR(checkIndex("SAF set", inst.safs, program.safSets));
    return checkMapping(inst);
  }

  absl::Status checkMapping(const Contract &inst) const {
    SPARSEACCEL_RETURN_IF_ERROR(checkIndex("mapping", inst.mapping, program.mappings));
    const Mapping &mapping = program.mappings[inst.mapping];
    if (mapping.loops.empty()) // The dataflow's own order.
      return absl::OkStatus();
    std::array<uint64_t, kNumRanks> covered;
    covered.fill(1);
    for (const Loop &loop : mapping.loops) {
      uint64_t &product = covered[static_cast<size_t>(loop.rank)];
      product = std::min(product * loop.factor, uint64_t{1} << 32);
    }
    const std::array<uint64_t, kNumRanks> extents = {inst.n, inst.g, inst.m, inst.c, inst.p, inst.q, inst.r, inst.s};
    for (size_t rank = 0; rank < kNumRanks; ++rank)
      if (covered[rank] < extents[rank])
        return invalid("mapping ", inst.mapping, " covers ", covered[rank], " of ", nameOf(static_cast<Rank>(rank)),
                       ", but the tile has ", extents[rank]);
    return absl::OkStatus();
  }

  absl::Status checkClamp(const Numerics &numerics, const Tensor &o) const {
    int64_t limit = o.type == ElementType::I8 ? 128 : 32768;
    if (numerics.clampMin < -limit || numerics.clampMax >= limit)
      return invalid("clamp [", numerics.clampMin, ", ", numerics.clampMax, "] of numerics '", numerics.name,
                     "' exceeds the type ", toString(o.type), " of '", o.name, "'");
    return absl::OkStatus();
  }

  /// Multipliers per channel are those of `channels`, where they are allowed at all.
  absl::Status checkScales(const Numerics &numerics, const Tensor *channels, const Tensor &o) const {
    size_t count = numerics.multiplier.size(),
           expected = channels && channels->shape.size() == 4 ? channels->shape[3] : 1;
    if (count > 1 && count != expected)
      return invalid("expected at most 1 multiplier",
                     expected > 1
                         ? absl::StrCat(", or one for each of the ", expected, " channels of '", channels->name, "'")
                         : "",
                     ", but numerics '", numerics.name, "' has ", count);
    return checkClamp(numerics, o);
  }

  static uint64_t elements(const Operand &operand) {
    uint64_t count = 1; // The box lies in a tensor, so this does not overflow.
    for (uint32_t extent : operand.extent)
      count *= extent;
    return count;
  }

  static absl::Status sameBox(absl::string_view what, const Coord &box, const Coord &expected) {
    return box == expected ? absl::OkStatus()
                           : invalid(what, ": expected a box of ", dims(expected), ", but got ", dims(box));
  }

  absl::Status check(const Vector &inst) const {
    bool sums = inst.kind == VectorKind::Rescale && inst.a.tensor < program.tensors.size() && tensorOf(inst.a).isSums();
    SPARSEACCEL_RETURN_IF_ERROR(within("a", sums ? checkOperand(inst.a, false) : checkActivation(inst.a)));
    SPARSEACCEL_RETURN_IF_ERROR(within("o", checkActivation(inst.o)));
    SPARSEACCEL_RETURN_IF_ERROR(checkNumerics(inst.numerics));
    bool pool = inst.kind == VectorKind::MaxPool || inst.kind == VectorKind::AvgPool;
    if (pool) {
      SPARSEACCEL_RETURN_IF_ERROR(checkPool(inst));
    } else {
      if (inst.r != 1 || inst.s != 1 || inst.strideH != 1 || inst.strideW != 1 || inst.padTop || inst.padBottom ||
          inst.padLeft || inst.padRight)
        return invalid(toString(inst.kind), " has a window, strides or padding");
      if (inst.kind != VectorKind::Copy)
        SPARSEACCEL_RETURN_IF_ERROR(sameBox("a", inst.a.extent, inst.o.extent));
      else if (elements(inst.a) != elements(inst.o)) // A copy may give the elements another shape.
        return invalid("a: expected ", elements(inst.o), " elements, but got ", elements(inst.a));
    }
    const Tensor &a = tensorOf(inst.a), &o = tensorOf(inst.o);
    const Numerics &numerics = program.numerics[inst.numerics];
    bool two = false;
    switch (inst.kind) {
    case VectorKind::Rescale:
      SPARSEACCEL_RETURN_IF_ERROR(checkScales(numerics, &a, o));
      break;
    case VectorKind::Add:
    case VectorKind::Sub:
    case VectorKind::Mul:
    case VectorKind::Max:
    case VectorKind::Min:
      two = true;
      SPARSEACCEL_RETURN_IF_ERROR(within("b", checkActivation(inst.b)));
      SPARSEACCEL_RETURN_IF_ERROR(sameBox("b", inst.b.extent, inst.o.extent));
      if (a.type != o.type || tensorOf(inst.b).type != o.type)
        return invalid("expected one type, but got ", toString(a.type), " and ", toString(tensorOf(inst.b).type),
                       " to ", toString(o.type));
      SPARSEACCEL_RETURN_IF_ERROR(checkScales(numerics, nullptr, o));
      break;
    case VectorKind::Table:
      if (numerics.table.size() != (a.type == ElementType::I8 ? 256u : 513u))
        return invalid("numerics '", numerics.name, "' has a table of ", numerics.table.size(),
                       " entries, which does not fit to type ", toString(a.type));
      if (a.type != ElementType::I8)
        SPARSEACCEL_RETURN_IF_ERROR(checkScales(numerics, nullptr, o));
      [[fallthrough]];
    case VectorKind::MaxPool:
    case VectorKind::AvgPool:
    case VectorKind::Copy:
      if (a.type != o.type)
        return invalid("expected one type, but '", a.name, "' is ", toString(a.type), " and '", o.name, "' is ",
                       toString(o.type));
      break;
    }
    if (!two && inst.b.buffer != Operand().buffer)
      return invalid(toString(inst.kind), " takes one operand, but b lies in buffer ", inst.b.buffer);
    return absl::OkStatus();
  }

  absl::Status checkPool(const Vector &inst) const {
    for (const Operand *operand : {&inst.a, &inst.o})
      if (tensorOf(*operand).shape.size() != 4)
        return invalid("expected 4 ranks, but tensor '", tensorOf(*operand).name, "' has ",
                       dims(tensorOf(*operand).shape));
    absl::StatusOr<uint64_t> rows =
        places("rows", inst.o.extent[1], inst.strideH, inst.r, 1, inst.padTop, inst.padBottom);
    SPARSEACCEL_RETURN_IF_ERROR(rows.status());
    absl::StatusOr<uint64_t> columns =
        places("columns", inst.o.extent[2], inst.strideW, inst.s, 1, inst.padLeft, inst.padRight);
    SPARSEACCEL_RETURN_IF_ERROR(columns.status());
    // Then every window holds a place of the input, whose value or whose number it may depend on.
    if (inst.padTop >= inst.r || inst.padBottom >= inst.r || inst.padLeft >= inst.s || inst.padRight >= inst.s ||
        *rows == 0 || *columns == 0)
      return invalid("a window of ", inst.r, "x", inst.s, " may hold nothing but padding");
    return within("a", checkInside(inst.a, inst.a.origin, {inst.o.extent[0], *rows, *columns, inst.o.extent[3]}));
  }

  absl::Status check(const Host &inst) const { return checkIndex("host operator", inst.op, program.hostOps); }

  absl::Status check(const Halt &) const { return absl::OkStatus(); }

  const Program &program;
  std::array<uint32_t, kNumQueues> issued{};
};

} // namespace

absl::Status verifyInstructions(const Program &program) { return InstructionVerifier(program).run(); }

} // namespace sparseaccel::isa
