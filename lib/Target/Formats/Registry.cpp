//===- Registry.cpp - Formats that have a name ------------------------------===//

#include "Registry.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sparseaccel::formats {

namespace {

RankFormat over(RankFormat rank, uint8_t dimension, Split split = Split::Whole, uint32_t factor = 0) {
  rank.dimension = dimension;
  rank.split = split;
  rank.factor = factor;
  return rank;
}

RankFormat groups(uint32_t n, uint32_t m) {
  RankFormat rank{RankKind::NM};
  rank.n = static_cast<uint16_t>(n);
  rank.m = static_cast<uint16_t>(m);
  return rank;
}

RankFormat runs(uint32_t bits, bool huffman) {
  RankFormat rank{RankKind::RLE, static_cast<uint8_t>(bits)};
  rank.huffman = huffman;
  return rank;
}

using Span = absl::Span<const uint32_t>;

std::optional<Parameters> guessFactor(const Format &format, size_t rank) {
  if (format.ranks.size() != 3 || format.ranks[rank].split == Split::Whole)
    return std::nullopt;
  return Parameters{format.ranks[rank].factor};
}

} // namespace

const std::vector<PresetEntry> &presets() {
  using enum RankKind;
  static const std::vector<PresetEntry> list = {
      {"dense", "every value, row-major, no metadata", {}, [](Span) { return Format{}; }},
      {"bitmask", "a bit for each value, then the nonzero values", {}, [](Span) { return Format{{{B}}}; }},
      {"rle",
       "with each nonzero value the number of zeros before it, in 5 bits",
       {},
       [](Span) { return Format{{{RLE, 5}}}; }},
      {"coo",
       "with each nonzero value its place in the granule (of a matrix: row x columns + column)",
       {},
       [](Span) { return Format{{{CP}}}; }},
      {"csr",
       "for each row where it ends, and with each nonzero value its column",
       {},
       [](Span) {
         return Format{{{UOP}, {CP}}};
       }},
      {"csc",
       "for each column where it ends, and with each nonzero value its row",
       {},
       [](Span) {
         return Format{{over({UOP}, 1), over({CP}, 0)}};
       }},
      {"bcsr",
       "Scalpel's blocks of `width` values in a row: for each row where its blocks end, and with each block that is not "
       "all zero its place",
       {{"width", 2, 1u << 16, 2}},
       [](Span p) {
         return Format{{over({UOP}, 0), over({CP}, 1, Split::Quotient, p[0]), over({U}, 1, Split::Remainder, p[0])}};
       },
       [](const Format &format) { return guessFactor(format, 2); }},
      {"ell",
       "in each row as many values as the fullest row has, each with its column",
       {},
       [](Span) {
         return Format{{{U}, {ELL}}};
       }},
      {"nm",
       "in each `m` values of a row exactly `n`, each with its place among the `m`; holds only tensors with no more "
       "nonzeros than that",
       {{"n", 1, 255, 2}, {"m", 2, 256, 4}},
       [](Span p) {
         return Format{{{U}, groups(p[0], p[1])}};
       },
       [](const Format &format) -> std::optional<Parameters> {
         if (format.ranks.size() != 2)
           return std::nullopt;
         return Parameters{format.ranks[1].n, format.ranks[1].m};
       }},
      {"deep-compression",
       "Deep Compression: CSR with `bits`-bit runs of zeros in place of columns, and Huffman codes for runs and values",
       {{"bits", 1, kMaxHuffmanBits, 8}},
       [](Span p) {
         Format format{{{UOP}, runs(p[0], true)}};
         format.values = ValueCoding::Huffman;
         return format;
       },
       [](const Format &format) -> std::optional<Parameters> {
         if (format.ranks.size() != 2)
           return std::nullopt;
         return Parameters{format.ranks[1].bits};
       }},
      {"eie-csc",
       "EIE: rows dealt out to `pes` processing elements in turn, each with a CSC of its own: 16-bit column pointers, and "
       "with each value a 4-bit number of zeros before it; a longer run stores a zero",
       {{"pes", 2, 1u << 16, 64}},
       [](Span p) {
         RankFormat pointers = over({UOP, 16}, 1);
         pointers.local = true;
         return Format{{over({U}, 0, Split::Remainder, p[0]), pointers,
                        over(runs(4, false), 0, Split::Quotient, p[0])}};
       },
       [](const Format &format) { return guessFactor(format, 0); }},
      {"eyeriss-v2-csc",
       "Eyeriss v2's processing element: for each column where it ends, and with each nonzero value a 4-bit number of "
       "zeros before it",
       {},
       [](Span) {
         return Format{{over({UOP}, 1), over(runs(4, false), 0)}};
       }},
      {"eyeriss-rlc",
       "Eyeriss's 64-bit words: three (5-bit run, 16-bit value) pairs and an end bit; for bytes, five (4-bit run, 8-bit "
       "value) pairs",
       {},
       [](Span) {
         return Format{{}, Packing::EyerissRlc};
       }},
      {"zfnaf",
       "Cnvlutin's bricks: 16 values with a 4-bit place each; never smaller than dense",
       {},
       [](Span) {
         return Format{{}, Packing::Zfnaf};
       }},
  };
  return list;
}

std::vector<Preset> listPresets() {
  std::vector<Preset> list;
  for (const PresetEntry &entry : presets()) {
    Preset preset{std::string(entry.name), std::string(entry.name), "", std::string(entry.description)};
    Parameters example;
    for (const Parameter &parameter : entry.parameters)
      example.push_back(parameter.example);
    if (!example.empty()) {
      absl::StrAppend(&preset.name, "(",
                      absl::StrJoin(entry.parameters, ":",
                                    [](std::string *out, const Parameter &p) { absl::StrAppend(out, p.name); }),
                      ")");
      absl::StrAppend(&preset.example, "(", absl::StrJoin(example, ":"), ")");
    }
    Format format = entry.build(example);
    if (!format.ranks.empty())
      preset.ranks = ranksText(format);
    if (format.values == ValueCoding::Huffman)
      preset.ranks += " + huffman";
    list.push_back(std::move(preset));
  }
  return list;
}

} // namespace sparseaccel::formats
