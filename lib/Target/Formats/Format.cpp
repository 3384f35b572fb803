//===- Format.cpp - Names of formats ----------------------------------------===//

#include "SparseAccel/Target/Formats/Format.h"

#include "SparseAccel/Support/Names.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include <array>

namespace sparseaccel::formats {

namespace {

struct Preset {
  absl::string_view name, description;
  Format format;
};

const std::vector<Preset> &presets() {
  using enum RankKind;
  static const std::vector<Preset> list = {
      {"dense", "every value, row-major, no metadata", {}},
      {"bitmask", "one bit a value, then the nonzero values", {{{B, 0}}, Packing::Streams}},
      {"rle", "each nonzero value with a 5-bit count of the zeros before it", {{{RLE, 5}}, Packing::Streams}},
      {"csr",
       "an offset per fiber of the outermost rank, then a coordinate with each nonzero value",
       {{{UOP, 0}, {CP, 0}}, Packing::Streams}},
      {"eyeriss-rlc",
       "64-bit words of three (5-bit run, 16-bit value) pairs and an end bit; five (4-bit run, 8-bit value) pairs for "
       "bytes",
       {{}, Packing::EyerissRlc}},
      {"zfnaf",
       "Cnvlutin's bricks of 16 values with a 4-bit offset each; never smaller than dense",
       {{}, Packing::Zfnaf}},
  };
  return list;
}

struct RankName {
  absl::string_view name;
  RankKind kind;
  unsigned maxBits; ///< Widest explicit field; 0 where the rank takes none.
};
constexpr std::array<RankName, 5> kRankNames = {{{"U", RankKind::U, 0},
                                                 {"B", RankKind::B, 0},
                                                 {"CP", RankKind::CP, 32},
                                                 {"RLE", RankKind::RLE, 32},
                                                 {"UOP", RankKind::UOP, 32}}};

absl::StatusOr<RankFormat> parseRank(absl::string_view text) {
  std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  absl::string_view name = absl::StripAsciiWhitespace(parts.first), bits = absl::StripAsciiWhitespace(parts.second);
  for (const RankName &rank : kRankNames) {
    if (rank.name != name)
      continue;
    RankFormat format{rank.kind, 0};
    if (text.find(':') == absl::string_view::npos)
      return format;
    uint32_t width = 0;
    if (rank.maxBits == 0)
      return absl::InvalidArgumentError(absl::StrCat("rank format '", name, "' takes no width, but got ':", bits, "'"));
    if (!absl::SimpleAtoi(bits, &width) || width == 0 || width > rank.maxBits)
      return absl::InvalidArgumentError(absl::StrCat("rank format '", name, "': expected a width in bits from 1 to ",
                                                     rank.maxBits, ", but got '", bits, "'"));
    format.bits = static_cast<uint8_t>(width);
    return format;
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown rank format '", name, "'; expected U, B, CP, RLE or UOP"));
}

} // namespace

absl::StatusOr<Format> parseFormat(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  for (const Preset &preset : presets())
    if (preset.name == text)
      return preset.format;
  if (!text.empty() && text.front() == '[') {
    if (text.back() != ']')
      return absl::InvalidArgumentError(absl::StrCat("format '", text, "': expected ']' at the end"));
    Format format;
    for (absl::string_view part : absl::StrSplit(text.substr(1, text.size() - 2), ',')) {
      absl::StatusOr<RankFormat> rank = parseRank(absl::StripAsciiWhitespace(part));
      if (!rank.ok())
        return absl::InvalidArgumentError(absl::StrCat("format '", text, "': ", rank.status().message()));
      format.ranks.push_back(*rank);
    }
    return format;
  }
  std::vector<std::string> names;
  for (const Preset &preset : presets())
    names.emplace_back(preset.name);
  std::string near = nearestName(text, names);
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown format '", text, near.empty() ? "'; expected" : absl::StrCat("'; did you mean '", near, "'? Expected"),
      " one of ", absl::StrJoin(names, ", "), ", or ranks such as [UOP, CP:8]"));
}

std::string toString(const Format &format) {
  for (const Preset &preset : presets())
    if (preset.format == format)
      return std::string(preset.name);
  return absl::StrCat("[",
                      absl::StrJoin(format.ranks, ", ",
                                    [](std::string *out, const RankFormat &rank) {
                                      absl::StrAppend(out, kRankNames[static_cast<size_t>(rank.kind)].name);
                                      if (rank.bits)
                                        absl::StrAppend(out, ":", rank.bits);
                                    }),
                      "]");
}

std::vector<std::pair<std::string, std::string>> listFormats() {
  std::vector<std::pair<std::string, std::string>> list;
  for (const Preset &preset : presets())
    list.emplace_back(preset.name, preset.description);
  return list;
}

} // namespace sparseaccel::formats
