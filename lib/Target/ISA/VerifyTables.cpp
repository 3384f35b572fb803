//===- VerifyTables.cpp - Tensors, DRAM and the other tables ----------------===//

#include "SparseAccel/Target/ISA/Slots.h"
#include "SparseAccel/Target/ISA/Verifier.h"
#include "VerifierImpl.h"

#include "absl/container/flat_hash_set.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sparseaccel::isa {

namespace {

constexpr uint64_t kMaxElements = uint64_t{1} << 36;
constexpr uint64_t kMaxBytes = uint64_t{1} << 44;
constexpr unsigned kMaxTensorRanks = 6;

std::string tensorName(const Program &program, size_t index) {
  return absl::StrCat("tensor ", index, " '", program.tensors[index].name, "'");
}

absl::Status verifyShape(const Tensor &tensor) {
  if (tensor.shape.size() > kMaxTensorRanks)
    return invalid("expected at most ", kMaxTensorRanks, " ranks, but got ", tensor.shape.size());
  for (uint32_t extent : tensor.shape)
    if (extent == 0)
      return invalid("shape ", dims(tensor.shape), " has an extent of 0");
  if (tensor.elements() > kMaxElements)
    return invalid("shape ", dims(tensor.shape), " has more than ", kMaxElements, " elements");
  if (!std::isfinite(tensor.scale) || tensor.scale <= 0)
    return invalid("expected a positive scale, but got ", tensor.scale);
  if (tensor.granule.empty())
    return absl::OkStatus();
  if (tensor.granule.size() != tensor.shape.size())
    return invalid("granule ", dims(tensor.granule), " has not the ranks of shape ", dims(tensor.shape));
  for (size_t rank = 0; rank < tensor.shape.size(); ++rank)
    if (tensor.granule[rank] == 0 || tensor.granule[rank] > tensor.shape[rank])
      return invalid("granule ", dims(tensor.granule), " does not fit into shape ", dims(tensor.shape));
  return absl::OkStatus();
}

absl::Status verifyFormats(const Tensor &tensor) {
  for (const formats::Format *format : {&tensor.dramFormat, &tensor.bufferFormat}) {
    if (format->isDense())
      continue;
    if (tensor.type != ElementType::I8 && tensor.type != ElementType::I16)
      return invalid("elements of type ", toString(tensor.type), " are stored densely only, but the format is '",
                     toString(*format), "'");
    if (tensor.granule.empty() && !tensor.shape.empty())
      return invalid("format '", toString(*format), "' needs a granule");
    SPARSEACCEL_RETURN_IF_ERROR(
        within("granule", formats::checkFormat(*format, storageBytes(tensor.type), tensor.granule)));
    if (format->restrictsValues() && tensor.role != TensorRole::Constant)
      return invalid("format '", toString(*format), "' does not hold every tensor, and so takes constants only");
  }
  if (!liesInSlots(tensor))
    return absl::OkStatus();
  if (tensor.granule.empty() && !tensor.shape.empty())
    return invalid("slots of ", tensor.slotBytes, " bytes need a granule");
  uint64_t worst = formats::worstCase(tensor.dramFormat, storageBytes(tensor.type), tensor.granule).bytes();
  // An encoded constant's slots are checked against what is in them.
  if (tensor.role == TensorRole::Constant && !tensor.dramFormat.isDense()) {
    if (uint64_t least = worst / kWorstCaseOverSlot; tensor.slotBytes < least)
      return invalid("slots of ", tensor.slotBytes, " bytes are less than 1/", kWorstCaseOverSlot, " of the ", worst,
                     " that a granule may have in format '", toString(tensor.dramFormat), "'");
    return absl::OkStatus();
  }
  if (tensor.slotBytes < worst)
    return invalid("slots of ", tensor.slotBytes, " bytes are too small for granules of up to ", worst, " in format '",
                   toString(tensor.dramFormat), "'");
  return absl::OkStatus();
}

/// Calls `f(granule index, its shape)` over the granule grid, row-major.
template <typename F>
absl::Status forEachGranule(const Tensor &tensor, F &&f) {
  std::vector<uint32_t> origin(tensor.shape.size(), 0), shape(tensor.shape.size());
  for (uint64_t index = 0, count = tensor.granules(); index < count; ++index) {
    for (size_t rank = 0; rank < shape.size(); ++rank)
      shape[rank] = std::min(tensor.granule[rank], tensor.shape[rank] - origin[rank]);
    SPARSEACCEL_RETURN_IF_ERROR(f(index, shape));
    for (size_t rank = shape.size(); rank-- > 0;) {
      if (tensor.shape[rank] - origin[rank] > tensor.granule[rank]) {
        origin[rank] += tensor.granule[rank];
        break;
      }
      origin[rank] = 0;
    }
  }
  return absl::OkStatus();
}

/// Whether the buffer's format holds the granules of a constant that lies dense in DRAM.
absl::Status verifyHeld(const Program &program, const Tensor &tensor) {
  if (!tensor.bufferFormat.restrictsValues())
    return absl::OkStatus();
  unsigned bytes = storageBytes(tensor.type);
  std::vector<uint64_t> strides(tensor.shape.size(), bytes);
  for (size_t rank = tensor.shape.size(); rank-- > 1;)
    strides[rank - 1] = strides[rank] * tensor.shape[rank];
  std::vector<uint32_t> origin(tensor.shape.size(), 0);
  std::vector<uint8_t> box;
  return forEachGranule(tensor, [&](uint64_t index, const std::vector<uint32_t> &shape) {
    // The granule's origin follows from its number in the grid.
    for (size_t rank = shape.size(), rest = index; rank-- > 0;) {
      uint64_t count = (tensor.shape[rank] + tensor.granule[rank] - 1) / tensor.granule[rank];
      origin[rank] = static_cast<uint32_t>(rest % count * tensor.granule[rank]);
      rest /= count;
    }
    box.clear();
    std::vector<uint32_t> at(shape.size(), 0);
    while (true) {
      uint64_t offset = tensor.constantOffset;
      for (size_t rank = 0; rank < shape.size(); ++rank)
        offset += (origin[rank] + at[rank]) * strides[rank];
      const uint8_t *row = program.constants.data() + offset;
      box.insert(box.end(), row, row + (shape.empty() ? 1 : uint64_t{shape.back()}) * bytes);
      size_t rank = shape.empty() ? 0 : shape.size() - 1;
      while (rank > 0 && ++at[rank - 1] == shape[rank - 1])
        at[--rank] = 0;
      if (rank == 0)
        break;
    }
    return within(absl::StrCat("granule ", index),
                  formats::checkValues(tensor.bufferFormat, {box.data(), bytes, shape}));
  });
}

absl::Status verifyConstant(const Program &program, const Tensor &tensor) {
  if (exceeds(tensor.constantOffset, tensor.dramBytes(), program.constants.size()))
    return invalid("its image of ", tensor.dramBytes(), " bytes at ", tensor.constantOffset, " exceeds the ",
                   program.constants.size(), " bytes of constants");
  if (tensor.dramFormat.isDense())
    return verifyHeld(program, tensor);
  if (tensor.constantLengths.size() != tensor.granules())
    return invalid("expected ", tensor.granules(), " granule lengths, but got ", tensor.constantLengths.size());
  absl::Span<const uint8_t> image = absl::MakeConstSpan(program.constants).subspan(tensor.constantOffset);
  // Slots have a part of the worst case, so this is bounded by the constants that are there.
  std::vector<uint8_t> dense;
  return forEachGranule(tensor, [&](uint64_t index, const std::vector<uint32_t> &shape) {
    uint32_t length = tensor.constantLengths[index];
    if (length > tensor.slotBytes)
      return invalid("granule ", index, " of ", length, " bytes exceeds its slot of ", tensor.slotBytes);
    uint64_t elements = 1;
    for (uint32_t extent : shape)
      elements *= extent;
    dense.resize(elements * storageBytes(tensor.type));
    std::string granule = absl::StrCat("granule ", index);
    SPARSEACCEL_RETURN_IF_ERROR(
        within(granule, formats::decode(tensor.dramFormat, image.subspan(index * tensor.slotBytes, length),
                                        storageBytes(tensor.type), shape, dense.data())));
    return within(granule, formats::checkValues(tensor.bufferFormat, {dense.data(), storageBytes(tensor.type), shape}));
  });
}

absl::Status verifyTensors(const Program &program) {
  absl::flat_hash_set<absl::string_view> names;
  for (size_t i = 0; i < program.tensors.size(); ++i) {
    const Tensor &tensor = program.tensors[i];
    std::string where = tensorName(program, i);
    SPARSEACCEL_RETURN_IF_ERROR(within(where, verifyShape(tensor)));
    SPARSEACCEL_RETURN_IF_ERROR(within(where, verifyFormats(tensor)));
    if (tensor.role == TensorRole::Constant)
      SPARSEACCEL_RETURN_IF_ERROR(within(where, verifyConstant(program, tensor)));
    if (!names.insert(tensor.name).second)
      return invalid(where, ": another tensor has this name");
  }
  return absl::OkStatus();
}

absl::Status verifyEdges(const Program &program) {
  auto check = [&](absl::string_view what, const std::vector<uint32_t> &list, TensorRole role) {
    std::vector<bool> seen(program.tensors.size());
    for (uint32_t index : list) {
      SPARSEACCEL_RETURN_IF_ERROR(checkIndex(what, index, program.tensors));
      if (program.tensors[index].role != role)
        return invalid(what, " '", program.tensors[index].name, "' has the role ",
                       toString(program.tensors[index].role));
      if (seen[index])
        return invalid(what, " '", program.tensors[index].name, "' is listed twice");
      seen[index] = true;
    }
    for (size_t i = 0; i < seen.size(); ++i)
      if (program.tensors[i].role == role && !seen[i])
        return invalid(tensorName(program, i), " has the role ", what, ", but is not listed");
    return absl::OkStatus();
  };
  SPARSEACCEL_RETURN_IF_ERROR(check("input", program.inputs, TensorRole::Input));
  return check("output", program.outputs, TensorRole::Output);
}

struct Region {
  uint64_t begin, end;
  uint32_t tensor;
  bool lengths;
};

absl::Status verifyDram(const Program &program) {
  if (program.dramBytes > kMaxBytes)
    return invalid("the DRAM image of ", program.dramBytes, " bytes exceeds ", kMaxBytes);
  std::vector<bool> inDram = tensorsInDram(program);
  std::vector<Region> regions;
  for (uint32_t i = 0; i < program.tensors.size(); ++i) {
    const Tensor &tensor = program.tensors[i];
    if (!inDram[i])
      continue;
    if (exceeds(tensor.dramOffset, tensor.dramBytes(), program.dramBytes))
      return invalid(tensorName(program, i), ": its ", tensor.dramBytes(), " bytes at ", tensor.dramOffset,
                     " exceed the ", program.dramBytes, " bytes of DRAM");
    if (tensor.dramFormat.isDense() && tensor.dramOffset % storageBytes(tensor.type))
      return invalid(tensorName(program, i), ": DRAM offset ", tensor.dramOffset, " is not a multiple of its ",
                     storageBytes(tensor.type), " bytes per element");
    regions.push_back({tensor.dramOffset, tensor.dramOffset + tensor.dramBytes(), i, false});
    if (tensor.dramFormat.isDense())
      continue;
    uint64_t bytes = tensor.granules() * 4;
    if (tensor.lengthOffset % 4)
      return invalid(tensorName(program, i), ": length words at ", tensor.lengthOffset, " are not at a multiple of 4");
    if (exceeds(tensor.lengthOffset, bytes, program.dramBytes))
      return invalid(tensorName(program, i), ": its ", tensor.granules(), " length words at ", tensor.lengthOffset,
                     " exceed the ", program.dramBytes, " bytes of DRAM");
    regions.push_back({tensor.lengthOffset, tensor.lengthOffset + bytes, i, true});
  }
  std::sort(regions.begin(), regions.end(), [](const Region &a, const Region &b) {
    return std::tie(a.begin, a.end, a.tensor, a.lengths) < std::tie(b.begin, b.end, b.tensor, b.lengths);
  });
  std::vector<uint32_t> classes = reshapeClasses(program);
  for (size_t i = 1; i < regions.size(); ++i) {
    const Region &a = regions[i - 1], &b = regions[i];
    if (a.end <= b.begin)
      continue;
    const Tensor &first = program.tensors[a.tensor], &second = program.tensors[b.tensor];
    bool alias = a.begin == b.begin && a.end == b.end && !liesInSlots(first) && !liesInSlots(second) &&
                 classes[a.tensor] == classes[b.tensor];
    if (!alias)
      return invalid(tensorName(program, a.tensor), " and ", tensorName(program, b.tensor), " overlap in DRAM at byte ",
                     b.begin, "; only row-major tensors that a reshape joins may share their bytes");
  }
  return absl::OkStatus();
}

absl::Status verifyNumerics(const Numerics &numerics) {
  int64_t biasLimit = numerics.scale32 ? int64_t{1} << 31 : int64_t{1} << 47;
  for (int64_t bias : numerics.bias)
    if (bias < -biasLimit || bias >= biasLimit)
      return invalid("bias ", bias, " exceeds ", numerics.scale32 ? 32 : 48, " bits");
  if (numerics.shift.size() != numerics.multiplier.size())
    return invalid("expected as many shifts as multipliers (", numerics.multiplier.size(), "), but got ",
                   numerics.shift.size());
  auto checkScale = [&](int32_t multiplier, unsigned shift) {
    if (multiplier < 0 || (!numerics.scale32 && multiplier > INT16_MAX))
      return invalid("multiplier ", multiplier, " is not in [0, 2^", numerics.scale32 ? 31 : 15, ")");
    if (shift < 2 || shift > 62)
      return invalid("shift ", shift, " is not in [2, 62]");
    return absl::OkStatus();
  };
  for (size_t i = 0; i < numerics.multiplier.size(); ++i)
    SPARSEACCEL_RETURN_IF_ERROR(
        within(absl::StrCat("channel ", i), checkScale(numerics.multiplier[i], numerics.shift[i])));
  if (numerics.aMultiplier)
    SPARSEACCEL_RETURN_IF_ERROR(within("operand a", checkScale(numerics.aMultiplier, numerics.aShift)));
  if (numerics.bMultiplier)
    SPARSEACCEL_RETURN_IF_ERROR(within("operand b", checkScale(numerics.bMultiplier, numerics.bShift)));
  if (numerics.clampMin > numerics.clampMax)
    return invalid("clamp [", numerics.clampMin, ", ", numerics.clampMax, "] is empty");
  if (!numerics.table.empty() && numerics.table.size() != 256 && numerics.table.size() != 513)
    return invalid("expected a table of 256 or 513 entries, but got ", numerics.table.size());
  if (numerics.table.size() == 256)
    for (int16_t entry : numerics.table)
      if (entry < -128 || entry > 127)
        return invalid("table entry ", entry, " exceeds 8 bits");
  return absl::OkStatus();
}

// What an operator's arguments and shapes must be is known to the one who runs it (runtime's checkHostOp).
absl::Status verifyHostOp(const Program &program, const HostOp &op) {
  if (op.inputs.empty() || op.outputs.size() != 1)
    return invalid("expected inputs and one output, but got ", op.inputs.size(), " and ", op.outputs.size());
  for (uint32_t index : op.inputs)
    SPARSEACCEL_RETURN_IF_ERROR(checkIndex("input tensor", index, program.tensors));
  uint32_t output = op.outputs[0];
  SPARSEACCEL_RETURN_IF_ERROR(checkIndex("output tensor", output, program.tensors));
  TensorRole role = program.tensors[output].role;
  if (role == TensorRole::Constant || role == TensorRole::Input)
    return invalid("writes tensor '", program.tensors[output].name, "', whose role is ", toString(role));
  if (std::find(op.inputs.begin(), op.inputs.end(), output) != op.inputs.end())
    return invalid("reads and writes tensor '", program.tensors[output].name, "'");
  return absl::OkStatus();
}

absl::Status verifyOthers(const Program &program) {
  if (program.buffers.size() > 255)
    return invalid("expected at most 255 buffers, but got ", program.buffers.size());
  absl::flat_hash_set<absl::string_view> names;
  for (const Buffer &buffer : program.buffers) {
    if (!names.insert(buffer.name).second)
      return invalid("buffer '", buffer.name, "' is there twice");
    if (buffer.bytes > kMaxBytes)
      return invalid("buffer '", buffer.name, "': ", buffer.bytes, " bytes exceed ", kMaxBytes);
    if (buffer.psumBits > 64)
      return invalid("buffer '", buffer.name, "': sums of ", buffer.psumBits, " bits exceed 64");
  }
  for (size_t i = 0; i < program.numerics.size(); ++i)
    SPARSEACCEL_RETURN_IF_ERROR(
        within(absl::StrCat("numerics ", i, " '", program.numerics[i].name, "'"), verifyNumerics(program.numerics[i])));
  for (size_t i = 0; i < program.mappings.size(); ++i)
    for (const Loop &loop : program.mappings[i].loops) {
      SPARSEACCEL_RETURN_IF_ERROR(
          within(absl::StrCat("mapping ", i), checkIndex("level", loop.level, program.levelNames)));
      if (loop.factor == 0)
        return invalid("mapping ", i, ": a loop over ", nameOf(loop.rank), " has the factor 0");
    }
  for (size_t i = 0; i < program.safSets.size(); ++i)
    for (const Saf &saf : program.safSets[i]) {
      // The level after the last one is the multipliers themselves.
      if (saf.level != program.levelNames.size())
        SPARSEACCEL_RETURN_IF_ERROR(
            within(absl::StrCat("SAF set ", i), checkIndex("level", saf.level, program.levelNames)));
      if (saf.action == SafAction::Format) {
        if (saf.conditionOn != 0)
          return invalid("SAF set ", i, ": a format has no condition, but got ", saf.conditionOn);
        continue;
      }
      if (saf.conditionOn == 0 || saf.conditionOn > 3)
        return invalid("SAF set ", i, ": expected a condition on A (1), B (2) or either (3), but got ",
                       saf.conditionOn);
    }
  for (size_t i = 0; i < program.layers.size(); ++i) {
    const Layer &layer = program.layers[i];
    std::string where = absl::StrCat("layer ", i, " '", layer.name, "'");
    if (layer.output < -1)
      return invalid(where, ": expected a tensor or -1 as output, but got ", layer.output);
    if (layer.output >= 0)
      SPARSEACCEL_RETURN_IF_ERROR(
          within(where, checkIndex("output tensor", static_cast<uint64_t>(layer.output), program.tensors)));
    for (uint32_t input : layer.inputs)
      SPARSEACCEL_RETURN_IF_ERROR(within(where, checkIndex("input tensor", input, program.tensors)));
  }
  for (size_t i = 0; i < program.hostOps.size(); ++i) {
    const HostOp &op = program.hostOps[i];
    SPARSEACCEL_RETURN_IF_ERROR(within(absl::StrCat("host operator ", i, " '", op.name, "' (", toString(op.kind), ")"),
                                       verifyHostOp(program, op)));
  }
  return absl::OkStatus();
}

} // namespace

std::vector<bool> tensorsInDram(const Program &program) {
  std::vector<bool> in(program.tensors.size());
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = !program.tensors[i].isSums() || program.tensors[i].role == TensorRole::Constant;
  auto mark = [&](const std::vector<uint32_t> &indices) {
    for (uint32_t index : indices)
      if (index < in.size())
        in[index] = true;
  };
  mark(program.inputs);
  mark(program.outputs);
  for (const HostOp &op : program.hostOps) {
    mark(op.inputs);
    mark(op.outputs);
  }
  for (const Layer &layer : program.layers) {
    mark(layer.inputs);
    if (layer.output >= 0)
      mark({static_cast<uint32_t>(layer.output)});
  }
  return in;
}

std::vector<uint32_t> reshapeClasses(const Program &program) {
  std::vector<uint32_t> parent(program.tensors.size());
  std::iota(parent.begin(), parent.end(), 0);
  auto root = [&](uint32_t index) {
    while (parent[index] != index)
      index = parent[index] = parent[parent[index]];
    return index;
  };
  for (const HostOp &op : program.hostOps) {
    if (op.kind != HostKind::Reshape || op.inputs.size() != 1 || op.outputs.size() != 1 ||
        op.inputs[0] >= parent.size() || op.outputs[0] >= parent.size())
      continue;
    uint32_t a = root(op.inputs[0]), b = root(op.outputs[0]);
    parent[std::max(a, b)] = std::min(a, b);
  }
  for (uint32_t i = 0; i < parent.size(); ++i)
    parent[i] = root(i);
  return parent;
}

absl::Status verifyTables(const Program &program) {
  if (program.numericsName != "int8" && program.numericsName != "int16")
    return invalid("expected numerics 'int8' or 'int16', but got '", program.numericsName, "'");
  SPARSEACCEL_RETURN_IF_ERROR(verifyTensors(program));
  SPARSEACCEL_RETURN_IF_ERROR(verifyEdges(program));
  SPARSEACCEL_RETURN_IF_ERROR(verifyOthers(program));
  return verifyDram(program);
}

} // namespace sparseaccel::isa
