//===- Container.cpp - A program as a file ----------------------------------===//

#include "SparseAccel/Target/ISA/Container.h"
#include "SparseAccel/Support/Files.h"
#include "SparseAccel/Target/ISA/Slots.h"

#include "Archive.h"
#include "Checksum.h"
#include "SparseAccel/Target/ISA/Verifier.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>

namespace sparseaccel::formats {

/// A format is what version 1.0 knew, or else its text as docs/formats.md has it.
enum class Stored : uint8_t { Streams, EyerissRlc, Zfnaf, Text };

} // namespace sparseaccel::formats

namespace sparseaccel::isa {
template <>
inline constexpr unsigned kCases<formats::RankKind> = 5;
template <>
inline constexpr unsigned kCases<formats::Stored> = 4;
} // namespace sparseaccel::isa

namespace sparseaccel::formats {

static bool isOfVersion10(const Format &format) {
  for (const RankFormat &rank : format.ranks)
    if (rank != RankFormat{rank.kind, rank.bits} || rank.kind > RankKind::UOP)
      return false;
  return format.values == ValueCoding::Raw && format.deltaDimension < 0;
}

static void describe(isa::Writer &ar, const Format &format) {
  if (!isOfVersion10(format)) {
    ar(Stored::Text);
    return ar(toString(format));
  }
  ar(static_cast<Stored>(format.packing));
  ar(static_cast<uint32_t>(format.ranks.size()));
  for (const RankFormat &rank : format.ranks) {
    ar(rank.kind);
    ar(rank.bits);
  }
}

static void describe(isa::Reader &ar, Format &format) {
  format = Format();
  Stored stored{};
  ar(stored);
  if (stored == Stored::Text) {
    std::string text;
    ar(text);
    if (!ar.ok())
      return;
    absl::StatusOr<Format> parsed = parseFormat(text);
    if (!parsed.ok())
      return ar.fail(std::string(parsed.status().message()));
    if (isOfVersion10(*parsed) || toString(*parsed) != text)
      return ar.fail(absl::StrCat("format '", absl::CEscape(text), "' is not written as it would be"));
    format = *std::move(parsed);
    return;
  }
  format.packing = static_cast<Packing>(stored);
  uint32_t ranks = 0;
  ar(ranks);
  for (; ranks > 0 && ar.ok(); --ranks) {
    RankFormat rank;
    ar(rank.kind);
    ar(rank.bits);
    format.ranks.push_back(rank);
  }
}

} // namespace sparseaccel::formats

namespace sparseaccel::isa {

template <>
inline constexpr unsigned kCases<ElementType> = 6;
template <>
inline constexpr unsigned kCases<TensorRole> = 4;
template <>
inline constexpr unsigned kCases<Rank> = kNumRanks;
template <>
inline constexpr unsigned kCases<LoopKind> = 3;
template <>
inline constexpr unsigned kCases<OperandKind> = 3;
template <>
inline constexpr unsigned kCases<SafAction> = 6;
template <>
inline constexpr unsigned kCases<HostKind> = 23;

namespace {
template <typename T, typename... Records>
concept OneOf = (std::is_same_v<std::remove_const_t<T>, Records> || ...);

template <typename Archive, typename... Fields>
void all(Archive &ar, Fields &...fields) {
  (ar(fields), ...);
}
} // namespace

template <typename Archive, OneOf<Tensor> T>
void describe(Archive &ar, T &t) {
  all(ar, t.name, t.type, t.shape, t.role, t.scale, t.dramFormat, t.bufferFormat, t.granule, t.slotBytes, t.dramOffset,
      t.lengthOffset, t.constantOffset, t.constantLengths);
}
template <typename Archive, OneOf<Numerics> T>
void describe(Archive &ar, T &n) {
  all(ar, n.name, n.bias, n.multiplier, n.shift, n.scale32, n.clampMin, n.clampMax, n.aMultiplier, n.bMultiplier,
      n.aShift, n.bShift, n.table);
}
template <typename Archive, OneOf<Loop> T>
void describe(Archive &ar, T &l) {
  all(ar, l.rank, l.factor, l.level, l.kind);
}
template <typename Archive, OneOf<Mapping> T>
void describe(Archive &ar, T &m) {
  ar(m.loops);
}
template <typename Archive, OneOf<Saf> T>
void describe(Archive &ar, T &s) {
  all(ar, s.level, s.target, s.action, s.conditionOn, s.parameters);
}
template <typename Archive, OneOf<HostOp> T>
void describe(Archive &ar, T &h) {
  all(ar, h.kind, h.name, h.inputs, h.outputs, h.i, h.f);
}
template <typename Archive, OneOf<Layer> T>
void describe(Archive &ar, T &l) {
  all(ar, l.name, l.kind, l.onHost, l.macs, l.output, l.inputs, l.location);
}
template <typename Archive, OneOf<Buffer> T>
void describe(Archive &ar, T &b) {
  all(ar, b.name, b.bytes, b.psumBits);
}
template <typename Archive, OneOf<LayerEstimate> T>
void describe(Archive &ar, T &e) {
  all(ar, e.layer, e.cycles, e.computeCycles, e.dramBytes, e.energyPj);
}
template <typename Archive, OneOf<Operand, Configure, Load, Store, Contract, Vector, Host, Halt> T>
void describe(Archive &ar, T &record) {
  forEachField(record, [&](const char *, auto &field) { ar(field); });
}

void encode(const Instruction &inst, std::vector<uint8_t> &out) {
  Writer writer(out);
  writer(opcodeOf(inst));
  std::visit([&](const auto &i) { writer(i); }, inst);
}

absl::StatusOr<Instruction> decode(absl::Span<const uint8_t> &bytes) {
  Reader reader(bytes);
  Opcode opcode{};
  reader(opcode);
  if (!reader.ok())
    return absl::DataLossError(bytes.empty() ? std::string("expected an opcode, but got the end")
                                             : absl::StrCat("unknown opcode ", static_cast<int>(bytes[0])));
  Instruction inst = *makeInstruction(opcode);
  const char *wrong = nullptr;
  std::visit(
      [&](auto &i) {
        forEachField(i, [&](const char *name, auto &field) {
          reader(field);
          if (!reader.ok() && !wrong)
            wrong = name;
        });
      },
      inst);
  if (!reader.ok())
    return absl::DataLossError(absl::StrCat(toString(opcode), ": field '", wrong, "': ", reader.error()));
  bytes = reader.rest();
  return inst;
}

namespace {

constexpr std::array<uint8_t, 8> kMagic = {'S', 'P', 'A', 'C', 'C', 'E', 'L', 0x1a};
constexpr uint64_t kAlignment = 64;

struct Header {
  std::array<uint8_t, 8> magic = kMagic;
  uint16_t major = kContainerMajor, minor = kContainerMinor;
  uint32_t sections = 0;
  uint64_t features = 0, fileBytes = 0;
  uint32_t checksum = 0; ///< Of the section table.
};
constexpr uint64_t kHeaderBytes = 64;

template <typename Archive, OneOf<Header> T>
void describe(Archive &ar, T &h) {
  all(ar, h.magic, h.major, h.minor, h.sections, h.features, h.fileBytes, h.checksum);
}

struct Section {
  std::array<char, 4> id{};
  uint32_t checksum = 0;
  uint64_t offset = 0, bytes = 0;
};
constexpr uint64_t kSectionBytes = 24;

template <typename Archive, OneOf<Section> T>
void describe(Archive &ar, T &s) {
  all(ar, s.id, s.checksum, s.offset, s.bytes);
}

std::string name(const Section &section) { return absl::CEscape({section.id.data(), section.id.size()}); }

constexpr const char *kEstimates = "ESTM"; ///< The one section that need not be there; the last.

/// Calls `f(id, fields...)` for each section in the order of the file. `P` is const where a program is written.
template <typename P, typename F>
void forEachSection(P &p, F &&f) {
  f("INFO", p.machine, p.machineFingerprint, p.numericsName, p.producer, p.levelNames, p.inputs, p.outputs,
    p.dramBytes);
  f("BUFF", p.buffers);
  f("TENS", p.tensors);
  f("NUMR", p.numerics);
  f("MAPS", p.mappings);
  f("SAFS", p.safSets);
  f("HOST", p.hostOps);
  f("LAYR", p.layers);
  f("CODE", p.instructions);
  f("CNST", p.constants);
}

/// Whether a constant's slots would not hold every granule of its format. What is no valid tensor has none.
bool hasSlotsOfItsOwn(const Tensor &tensor) {
  unsigned bytes = storageBytes(tensor.type);
  return formats::checkFormat(tensor.dramFormat, bytes, tensor.granule).ok() &&
         tensor.slotBytes < formats::worstCase(tensor.dramFormat, bytes, tensor.granule).bytes();
}

uint64_t featuresOf(const Program &program) {
  uint64_t features = 0;
  auto add = [&](Feature feature) { features |= static_cast<uint64_t>(feature); };
  for (const Tensor &tensor : program.tensors) {
    if (tensor.dramFormat.isDense() && liesInSlots(tensor))
      add(Feature::DenseSlots);
    if (tensor.role == TensorRole::Constant && !tensor.dramFormat.isDense() && hasSlotsOfItsOwn(tensor))
      add(Feature::OwnSlots);
    for (const formats::Format *format : {&tensor.dramFormat, &tensor.bufferFormat}) {
      if (!formats::isOfVersion10(*format))
        add(Feature::FormatTexts);
      else if (format->packing == formats::Packing::EyerissRlc)
        add(Feature::EyerissRlc);
      else if (format->packing == formats::Packing::Zfnaf)
        add(Feature::Zfnaf);
      else if (!format->isDense())
        add(Feature::RankFormats);
    }
  }
  if (!program.hostOps.empty())
    add(Feature::HostOps);
  return features;
}

void writeSection(std::vector<uint8_t> &out, const std::vector<Instruction> &instructions) {
  Writer writer(out);
  writer(uint64_t{instructions.size()});
  for (const Instruction &inst : instructions)
    encode(inst, out);
}
void writeSection(std::vector<uint8_t> &out, const std::vector<uint8_t> &constants) {
  out.insert(out.end(), constants.begin(), constants.end());
}
template <typename... Fields>
void writeSection(std::vector<uint8_t> &out, const Fields &...fields) {
  Writer writer(out);
  (writer(fields), ...);
}

std::string readSection(absl::Span<const uint8_t> bytes, std::vector<Instruction> &instructions) {
  Reader reader(bytes);
  uint64_t count = 0;
  reader(count);
  if (!reader.ok())
    return reader.error();
  bytes = reader.rest();
  if (count > bytes.size())
    return absl::StrCat(count, " instructions do not fit into ", bytes.size(), " bytes");
  for (uint64_t i = 0; i < count; ++i) {
    absl::StatusOr<Instruction> inst = decode(bytes);
    if (!inst.ok())
      return absl::StrCat("instruction ", i, ": ", inst.status().message());
    instructions.push_back(*inst);
  }
  return bytes.empty()
             ? std::string()
             : absl::StrCat("expected the end after ", count, " instructions, but got ", bytes.size(), " bytes");
}
std::string readSection(absl::Span<const uint8_t> bytes, std::vector<uint8_t> &constants) {
  constants.assign(bytes.begin(), bytes.end());
  return {};
}
template <typename... Fields>
std::string readSection(absl::Span<const uint8_t> bytes, Fields &...fields) {
  Reader reader(bytes);
  (reader(fields), ...);
  if (reader.ok() && !reader.rest().empty())
    reader.fail(absl::StrCat("expected the end, but got ", reader.rest().size(), " bytes"));
  return reader.error();
}

/// What reports rely on; or what is wrong.
std::string checkEstimates(const Estimates &estimates, size_t layers) {
  for (size_t i = 0; i < estimates.size(); ++i) {
    const LayerEstimate &e = estimates[i];
    if (e.layer >= layers || (i > 0 && e.layer <= estimates[i - 1].layer))
      return absl::StrCat("section '", kEstimates, "': entry ", i, ": expected a layer below ", layers,
                          " that comes after the entry before, but got ", e.layer);
    for (double value : {e.cycles, e.computeCycles, e.dramBytes, e.energyPj})
      if (!std::isfinite(value) || value < 0)
        return absl::StrCat("section '", kEstimates, "': entry ", i, ": expected a finite number of at least 0");
  }
  return "";
}

} // namespace

std::vector<uint8_t> serialize(const Program &program, const Estimates &estimates) {
  size_t count = estimates.empty() ? 0 : 1;
  forEachSection(program, [&](const char *, const auto &...) { ++count; });
  std::vector<uint8_t> out(kHeaderBytes + count * kSectionBytes);
  std::vector<Section> sections;
  auto add = [&](const char *id, const auto &...fields) {
    out.resize((out.size() + kAlignment - 1) / kAlignment * kAlignment);
    Section section;
    std::memcpy(section.id.data(), id, section.id.size());
    section.offset = out.size();
    writeSection(out, fields...);
    section.bytes = out.size() - section.offset;
    section.checksum = crc32c(absl::MakeConstSpan(out).subspan(section.offset));
    sections.push_back(section);
  };
  forEachSection(program, add);
  if (!estimates.empty())
    add(kEstimates, estimates);
  std::vector<uint8_t> front, table;
  Writer frontWriter(front), tableWriter(table);
  for (const Section &section : sections)
    tableWriter(section);
  Header header;
  header.sections = static_cast<uint32_t>(count);
  header.features = featuresOf(program);
  header.fileBytes = out.size();
  header.checksum = crc32c(table);
  frontWriter(header);
  std::copy(front.begin(), front.end(), out.begin());
  std::copy(table.begin(), table.end(), out.begin() + kHeaderBytes);
  return out;
}

absl::StatusOr<Program> parse(absl::Span<const uint8_t> bytes, absl::string_view file, Estimates *estimates) {
  auto error = [&](const auto &...what) { return absl::DataLossError(absl::StrCat(file, ": ", what...)); };
  Reader reader(bytes);
  Header header;
  reader(header);
  if (!reader.ok() || header.magic != kMagic)
    return error("not a SparseAccel program: expected the magic number 'SPACCEL' at its start");
  if (header.major != kContainerMajor)
    return error("container version ", header.major, ".", header.minor, ": expected ", kContainerMajor, ".x");
  if (header.features & ~kKnownFeatures)
    return error("the program needs features 0x", absl::Hex(header.features & ~kKnownFeatures), " that this version (",
                 kContainerMajor, ".", kContainerMinor, ") does not know");
  if (header.fileBytes != bytes.size())
    return error("expected ", header.fileBytes, " bytes, but got ", bytes.size());
  uint64_t tableBytes = uint64_t{header.sections} * kSectionBytes;
  if (bytes.size() < kHeaderBytes || tableBytes > bytes.size() - kHeaderBytes)
    return error("the table of ", header.sections, " sections does not fit into ", bytes.size(), " bytes");
  absl::Span<const uint8_t> table = bytes.subspan(kHeaderBytes, tableBytes);
  if (uint32_t sum = crc32c(table); sum != header.checksum)
    return error("section table: expected checksum 0x", absl::Hex(header.checksum), ", but got 0x", absl::Hex(sum));

  std::vector<Section> sections(header.sections);
  Reader tableReader(table);
  uint64_t end = kHeaderBytes + tableBytes;
  for (Section &section : sections) {
    tableReader(section);
    if (section.offset % kAlignment || section.offset < end || section.offset > bytes.size() ||
        section.bytes > bytes.size() - section.offset)
      return error("section '", name(section), "': expected ", section.bytes, " bytes at a multiple of ", kAlignment,
                   " behind byte ", end, " and within ", bytes.size(), ", but got offset ", section.offset);
    end = section.offset + section.bytes;
    if (uint32_t sum = crc32c(bytes.subspan(section.offset, section.bytes)); sum != section.checksum)
      return error("section '", name(section), "': expected checksum 0x", absl::Hex(section.checksum), ", but got 0x",
                   absl::Hex(sum));
  }

  Program program;
  std::string message;
  auto read = [&](bool needed, const char *id, auto &...fields) {
    if (!message.empty())
      return;
    const Section *found = nullptr;
    for (const Section &section : sections) {
      if (name(section) != id)
        continue;
      if (found)
        message = absl::StrCat("section '", id, "' is there twice");
      found = &section;
    }
    if (!found && needed)
      message = absl::StrCat("section '", id, "' is missing");
    if (!found || !message.empty())
      return;
    if (std::string what = readSection(bytes.subspan(found->offset, found->bytes), fields...); !what.empty())
      message = absl::StrCat("section '", id, "': ", what);
  };
  forEachSection(program, [&](const char *id, auto &...fields) { read(true, id, fields...); });
  Estimates found;
  read(false, kEstimates, found);
  if (message.empty())
    message = checkEstimates(found, program.layers.size());
  if (!message.empty())
    return error(message);
  if (uint64_t used = featuresOf(program); used & ~header.features)
    return error("the program uses features 0x", absl::Hex(used & ~header.features), " that its header does not name");
  if (estimates)
    *estimates = std::move(found);
  return program;
}

absl::Status writeFile(const Program &program, const std::string &path, const Estimates &estimates) {
  std::vector<uint8_t> bytes = serialize(program, estimates);
  return writeFileAtomically(path, absl::string_view(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
}

static absl::StatusOr<std::vector<uint8_t>> readBytes(const std::string &path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code))
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected a program, but got a directory"));
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return absl::ErrnoToStatus(errno ? errno : ENOENT, absl::StrCat("cannot open ", path));
  constexpr size_t kStep = size_t{1} << 20;
  std::vector<uint8_t> bytes;
  for (size_t got = kStep; got == kStep;) {
    size_t before = bytes.size();
    bytes.resize(before + kStep);
    file.read(reinterpret_cast<char *>(bytes.data() + before), kStep);
    got = static_cast<size_t>(file.gcount());
    bytes.resize(before + got);
  }
  if (file.bad())
    return absl::DataLossError(absl::StrCat("cannot read ", path));
  return bytes;
}

absl::StatusOr<Program> parseFile(const std::string &path, Estimates *estimates) {
  absl::StatusOr<std::vector<uint8_t>> bytes = readBytes(path);
  if (!bytes.ok())
    return bytes.status();
  return parse(*bytes, path, estimates);
}

absl::StatusOr<Program> readFile(const std::string &path, Estimates *estimates) {
  absl::StatusOr<Program> program = parseFile(path, estimates);
  if (!program.ok())
    return program;
  if (absl::Status status = verify(*program); !status.ok())
    return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  return program;
}

} // namespace sparseaccel::isa
