//===- Format.cpp - Formats as text -----------------------------------------===//

#include "SparseAccel/Target/Formats/Format.h"

#include "Registry.h"
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

struct RankName {
  absl::string_view name;
  RankKind kind;
};
constexpr std::array<RankName, 6> kRankNames = {{{"U", RankKind::U},
                                                 {"B", RankKind::B},
                                                 {"CP", RankKind::CP},
                                                 {"RLE", RankKind::RLE},
                                                 {"UOP", RankKind::UOP},
                                                 {"ELL", RankKind::ELL}}};

absl::string_view nameOf(RankKind kind) {
  for (const RankName &rank : kRankNames)
    if (rank.kind == kind)
      return rank.name;
  return "?";
}

template <typename... What>
absl::Status error(const What &...what) {
  return absl::InvalidArgumentError(absl::StrCat(what...));
}

/// Takes tokens from the front of a text.
class Scanner {
public:
  explicit Scanner(absl::string_view text) : text(text) { skip(); }

  bool atEnd() const { return text.empty(); }
  /// What comes next, for an error.
  std::string next() const { return text.empty() ? "the end" : absl::StrCat("'", text.substr(0, 12), "'"); }
  bool take(char c) {
    if (text.empty() || text.front() != c)
      return false;
    text.remove_prefix(1);
    skip();
    return true;
  }
  /// Letters, digits, hyphens and underscores, beginning with a letter.
  absl::string_view word() {
    size_t length = 0;
    while (length < text.size() && (absl::ascii_isalpha(text[length]) ||
                                    (length && (absl::ascii_isdigit(text[length]) || text[length] == '-' ||
                                                text[length] == '_'))))
      ++length;
    return split(length);
  }
  absl::string_view digits() {
    size_t length = 0;
    while (length < text.size() && absl::ascii_isdigit(text[length]))
      ++length;
    return split(length);
  }
  absl::StatusOr<uint32_t> number(uint32_t low, uint32_t high, absl::string_view what) {
    std::string got = next();
    absl::string_view text = digits();
    uint32_t value = 0;
    if (!absl::SimpleAtoi(text, &value) || value < low || value > high)
      return error("expected ", what, " from ", low, " to ", high, ", but got ",
                   text.empty() ? got : absl::StrCat("'", text, "'"));
    return value;
  }

private:
  absl::string_view split(size_t length) {
    absl::string_view front = text.substr(0, length);
    text.remove_prefix(length);
    skip();
    return front;
  }
  void skip() { text = absl::StripLeadingAsciiWhitespace(text); }

  absl::string_view text;
};

class Parser {
public:
  explicit Parser(absl::string_view text) : scan(text) {}

  absl::StatusOr<Format> run() {
    if (absl::Status status = scan.take('[') ? ranks() : preset(); !status.ok())
      return status;
    while (scan.take('+'))
      if (absl::Status status = suffix(); !status.ok())
        return status;
    if (!scan.atEnd())
      return error("expected '+' and a value format or the end, but got ", scan.next());
    // What codes the values needs a rank that stores them.
    if (format.ranks.empty() && format.packing == Packing::Streams && !format.isDense())
      format.ranks.push_back({RankKind::U});
    if (absl::Status status = checkFormat(format); !status.ok())
      return status;
    dropNaturalDimensions();
    return format;
  }

private:
  absl::Status ranks() {
    do {
      if (absl::Status status = rank(); !status.ok())
        return status;
    } while (scan.take(','));
    return scan.take(']') ? absl::OkStatus() : error("expected ']' at the end of the ranks, but got ", scan.next());
  }

  absl::Status rank() {
    RankFormat rank;
    std::string got = scan.next();
    if (absl::string_view n = scan.digits(); !n.empty()) {
      rank.kind = RankKind::NM;
      uint32_t nonzeros = 0;
      if (!absl::SimpleAtoi(n, &nonzeros) || nonzeros == 0 || nonzeros > 255)
        return error("rank format '", n, ":m': expected 1 to 255 entries in each group");
      if (!scan.take(':'))
        return error("rank format '", n, "': expected ':' and the places of a group, as in '2:4'");
      absl::StatusOr<uint32_t> places = scan.number(2, 256, "places of a group");
      if (!places.ok())
        return places.status();
      rank.n = static_cast<uint16_t>(nonzeros);
      rank.m = static_cast<uint16_t>(*places);
    } else {
      absl::string_view name = scan.word();
      bool known = false;
      for (const RankName &entry : kRankNames)
        if (entry.name == name) {
          rank.kind = entry.kind;
          known = true;
        }
      if (!known)
        return error("unknown rank format ", name.empty() ? got : absl::StrCat("'", name, "'"),
                     "; expected U, B, CP, RLE, UOP, ELL or n:m");
      if (scan.take(':')) {
        bool takes = rank.kind == RankKind::CP || rank.kind == RankKind::RLE || rank.kind == RankKind::UOP;
        if (!takes)
          return error("rank format '", name, "' takes no width, but got ':' and ", scan.next());
        absl::StatusOr<uint32_t> bits = scan.number(1, kMaxRankBits, "a width in bits");
        if (!bits.ok())
          return error("rank format '", name, "': ", bits.status().message());
        rank.bits = static_cast<uint8_t>(*bits);
      }
    }
    if (scan.take('@'))
      if (absl::Status status = place(rank); !status.ok())
        return status;
    while (true) {
      absl::string_view word = scan.word();
      if (word.empty())
        break;
      if (word == "huffman")
        rank.huffman = true;
      else if (word == "local")
        rank.local = true;
      else
        return error("unknown property '", word, "' of a rank; expected 'huffman' (of RLE) or 'local' (of UOP)");
    }
    format.ranks.push_back(rank);
    return absl::OkStatus();
  }

  absl::Status place(RankFormat &rank) {
    absl::StatusOr<uint32_t> dimension = scan.number(0, kMaxRanks - 1, "a dimension behind '@'");
    if (!dimension.ok())
      return dimension.status();
    rank.dimension = static_cast<uint8_t>(*dimension);
    if (scan.take('/'))
      rank.split = Split::Quotient;
    else if (scan.take('%'))
      rank.split = Split::Remainder;
    else
      return absl::OkStatus();
    absl::StatusOr<uint32_t> factor = scan.number(2, 1u << 16, "a factor");
    if (!factor.ok())
      return factor.status();
    rank.factor = *factor;
    return absl::OkStatus();
  }

  absl::Status preset() {
    std::string got = scan.next();
    absl::string_view name = scan.word();
    std::vector<std::string> names;
    for (const PresetEntry &entry : presets()) {
      names.emplace_back(entry.name);
      if (entry.name != name)
        continue;
      Parameters parameters;
      std::string usage = std::string(name);
      if (!entry.parameters.empty())
        absl::StrAppend(&usage, "(",
                        absl::StrJoin(entry.parameters, ":",
                                      [](std::string *out, const Parameter &p) { absl::StrAppend(out, p.example); }),
                        ")");
      bool open = scan.take('(');
      if (open != !entry.parameters.empty())
        return entry.parameters.empty()
                   ? error("format '", name, "' takes no parameters")
                   : error("format '", name, "' takes ", entry.parameters.size(), " parameter",
                           entry.parameters.size() == 1 ? "" : "s", ", as in '", usage, "'");
      for (const Parameter &parameter : entry.parameters) {
        if (!parameters.empty() && !scan.take(':'))
          return error("expected ':' between parameters, as in '", usage, "', but got ", scan.next());
        absl::StatusOr<uint32_t> value = scan.number(parameter.low, parameter.high, parameter.name);
        if (!value.ok())
          return error("format '", name, "': ", value.status().message(), "; '", usage, "' is an example");
        parameters.push_back(*value);
      }
      if (open && !scan.take(')'))
        return error("expected ')' behind the parameters, as in '", usage, "', but got ", scan.next());
      format = entry.build(parameters);
      return absl::OkStatus();
    }
    std::string unknown = name.empty() ? got : absl::StrCat("'", name, "'"), near = nearestName(name, names);
    return error("unknown format ", unknown, near.empty() ? "; expected" : absl::StrCat("; did you mean '", near, "'? Expected"),
                 " one of ", absl::StrJoin(names, ", "), ", or ranks such as [UOP, CP:8]");
  }

  absl::Status suffix() {
    std::string got = scan.next();
    absl::string_view word = scan.word();
    auto parameter = [&](uint32_t low, uint32_t high, absl::string_view what) -> absl::StatusOr<uint32_t> {
      absl::StatusOr<uint32_t> value = scan.number(low, high, what);
      if (value.ok() && !scan.take(')'))
        return error("expected ')' behind ", what, ", but got ", scan.next());
      return value;
    };
    if (word == "delta") {
      if (format.deltaDimension >= 0)
        return error("delta stands there twice");
      if (!scan.take('('))
        return error("delta takes the dimension of the granule along which differences are stored, as in 'delta(2)'");
      absl::StatusOr<uint32_t> dimension = parameter(0, kMaxRanks - 1, "a dimension");
      if (!dimension.ok())
        return dimension.status();
      format.deltaDimension = static_cast<int8_t>(*dimension);
      return absl::OkStatus();
    }
    if (word != "shared" && word != "huffman")
      return error("unknown value format ", word.empty() ? got : absl::StrCat("'", word, "'"),
                   "; expected delta(dimension), shared, shared(bits) or huffman");
    if (format.values != ValueCoding::Raw)
      return error("only one of 'shared' and 'huffman' codes the values: the table of Huffman codes is the codebook");
    format.values = word == "shared" ? ValueCoding::Shared : ValueCoding::Huffman;
    if (word == "shared" && scan.take('(')) {
      absl::StatusOr<uint32_t> bits = parameter(1, 16, "the width of an index");
      if (!bits.ok())
        return bits.status();
      format.indexBits = static_cast<uint8_t>(*bits);
    }
    return absl::OkStatus();
  }

  /// Ranks over their own dimensions need not name them, so that the same format has one text.
  void dropNaturalDimensions() {
    for (size_t i = 0; i < format.ranks.size(); ++i)
      if (format.ranks[i].dimension != i || format.ranks[i].split != Split::Whole)
        return;
    for (RankFormat &rank : format.ranks)
      rank.dimension = kOwnDimension;
  }

  Scanner scan;
  Format format;
};

std::string rankText(const RankFormat &rank) {
  std::string text;
  if (rank.kind == RankKind::NM)
    absl::StrAppend(&text, rank.n, ":", rank.m);
  else
    absl::StrAppend(&text, nameOf(rank.kind));
  if (rank.bits)
    absl::StrAppend(&text, ":", rank.bits);
  if (rank.dimension != kOwnDimension)
    absl::StrAppend(&text, "@", rank.dimension);
  if (rank.split != Split::Whole)
    absl::StrAppend(&text, rank.split == Split::Quotient ? "/" : "%", rank.factor);
  if (rank.huffman)
    absl::StrAppend(&text, " huffman");
  if (rank.local)
    absl::StrAppend(&text, " local");
  return text;
}

} // namespace

absl::StatusOr<Format> parseFormat(absl::string_view text) {
  absl::StatusOr<Format> format = Parser(text).run();
  if (!format.ok() && !absl::StartsWith(format.status().message(), "unknown format"))
    return error("format '", absl::StripAsciiWhitespace(text), "': ", format.status().message());
  return format;
}

std::string ranksText(const Format &format) {
  return absl::StrCat(
      "[",
      absl::StrJoin(format.ranks, ", ",
                    [](std::string *out, const RankFormat &rank) { absl::StrAppend(out, rankText(rank)); }),
      "]");
}

std::string toString(const Format &format) {
  // A preset may come with a value format of its own; else what codes the values stands behind the name.
  Format bare = format;
  bare.values = ValueCoding::Raw;
  bare.indexBits = 0;
  bare.deltaDimension = -1;
  std::string text;
  bool coded = false;
  for (const PresetEntry &preset : presets()) {
    std::optional<Parameters> parameters = preset.guess ? preset.guess(format) : Parameters{};
    if (!parameters || parameters->size() != preset.parameters.size())
      continue;
    bool legal = true;
    for (size_t i = 0; i < parameters->size(); ++i)
      legal &= (*parameters)[i] >= preset.parameters[i].low && (*parameters)[i] <= preset.parameters[i].high;
    if (!legal)
      continue;
    Format built = preset.build(*parameters);
    coded = built.values != ValueCoding::Raw && built.values == format.values;
    if (built != bare && !(coded && built.ranks == format.ranks && built.packing == format.packing))
      continue;
    text = std::string(preset.name);
    if (!parameters->empty())
      absl::StrAppend(&text, "(", absl::StrJoin(*parameters, ":"), ")");
    break;
  }
  if (text.empty()) {
    text = ranksText(format);
    coded = false;
  }
  if (format.deltaDimension >= 0)
    absl::StrAppend(&text, " + delta(", static_cast<int>(format.deltaDimension), ")");
  if (coded || format.values == ValueCoding::Raw)
    return text;
  absl::StrAppend(&text, format.values == ValueCoding::Shared ? " + shared" : " + huffman");
  if (format.indexBits)
    absl::StrAppend(&text, "(", static_cast<int>(format.indexBits), ")");
  return text;
}

} // namespace sparseaccel::formats
