//===- Values.cpp - How the stored values are coded -------------------------===//

#include "Values.h"

#include "Codec.h"

#include "absl/strings/str_cat.h"

#include <cmath>

namespace sparseaccel::formats::values {

static uint32_t at(const uint8_t *raw, unsigned elementBytes, uint64_t i) {
  return elementBytes == 1 ? raw[i] : loadAs<uint16_t>(raw + i * 2);
}

Histogram histogramOf(const DenseView &granule, uint64_t stored) {
  Histogram histogram(size_t{1} << (8 * granule.elementBytes), 0);
  const uint8_t *data = static_cast<const uint8_t *>(granule.data);
  uint64_t elements = elementsOf(granule.shape);
  uint64_t nonzeros = 0, i = 0;
  auto count = [&](uint64_t end) {
    for (; i < end; ++i) {
      uint32_t value = at(data, granule.elementBytes, i);
      ++histogram[value];
      nonzeros += value != 0;
    }
  };
  // Zeros come in numbers: a word of them is passed over at once.
  const uint64_t inWord = sizeof(uint64_t) / granule.elementBytes;
  while (i + inWord <= elements)
    if (loadAs<uint64_t>(data + i * granule.elementBytes) == 0)
      i += inWord;
    else
      count(i + inWord);
  count(elements);
  histogram[0] = stored - nonzeros;
  return histogram;
}

unsigned indexBits(const Format &format, uint64_t distinct) {
  if (format.indexBits)
    return format.indexBits;
  return distinct > 1 ? static_cast<unsigned>(std::bit_width(distinct - 1)) : 0;
}

/// Codes fill bytes; what they leave over is metadata, as the table is.
static Size sizeOf(uint64_t dataBits, uint64_t table) {
  uint64_t all = (dataBits + table + 7) / 8 * 8;
  return {dataBits, all - dataBits};
}

Size sizeOf(const Format &format, unsigned elementBytes, const Histogram &histogram) {
  bool huffman = format.values == ValueCoding::Huffman;
  uint64_t distinct = distinctSymbols(histogram), data = 0;
  if (huffman) {
    data = HuffmanEncoder(histogram).codedBits();
  } else {
    for (uint64_t count : histogram)
      data += count;
    data *= indexBits(format, distinct);
  }
  return sizeOf(data, tableBits(distinct, 8 * elementBytes, huffman));
}

Size worstCase(const Format &format, unsigned elementBytes, uint64_t count) {
  // An optimal prefix code is never longer than indices of one width.
  uint64_t distinct = std::min(count, uint64_t{1} << (8 * elementBytes));
  unsigned width = indexBits(format, distinct);
  if (format.indexBits)
    distinct = std::min(distinct, uint64_t{1} << format.indexBits);
  return sizeOf(count * width, tableBits(distinct, 8 * elementBytes, format.values == ValueCoding::Huffman));
}

double expectedBits(const Format &format, unsigned elementBytes, double count) {
  double all = std::ldexp(1.0, static_cast<int>(8 * elementBytes));
  // Of `all` values as many as `count` independent draws find.
  double distinct = all * -std::expm1(count * std::log1p(-1 / all));
  if (format.indexBits)
    distinct = std::min(distinct, std::ldexp(1.0, format.indexBits));
  double width = format.indexBits ? format.indexBits : std::log2(std::max(distinct, 1.0));
  bool huffman = format.values == ValueCoding::Huffman;
  return count * width + 8 * elementBytes + 1 + distinct * (8 * elementBytes + (huffman ? kCodeLengthBits : 0));
}

void encode(const Format &format, unsigned elementBytes, const Histogram &histogram, const uint8_t *raw, uint64_t count,
            uint8_t *to) {
  BitWriter writer(to);
  if (format.values == ValueCoding::Huffman) {
    HuffmanEncoder encoder(histogram);
    writeTable(histogram, 8 * elementBytes, &encoder.codeLengths(), writer);
    for (uint64_t i = 0; i < count; ++i)
      encoder.put(writer, at(raw, elementBytes, i));
  } else {
    writeTable(histogram, 8 * elementBytes, nullptr, writer);
    std::vector<uint32_t> index(histogram.size(), 0);
    uint32_t distinct = 0;
    for (size_t value = 0; value < histogram.size(); ++value)
      if (histogram[value])
        index[value] = distinct++;
    unsigned width = indexBits(format, distinct);
    for (uint64_t i = 0; i < count; ++i)
      writer.put(index[at(raw, elementBytes, i)], width);
  }
  writer.flush();
}

absl::Status decode(const Format &format, unsigned elementBytes, absl::Span<const uint8_t> bytes, uint64_t count,
                    uint8_t *raw) {
  auto corrupt = [](absl::string_view what) { return absl::DataLossError(absl::StrCat("values: ", what)); };
  BitReader reader(bytes);
  uint64_t position = 0;
  Histogram histogram(size_t{1} << (8 * elementBytes), 0);
  auto put = [&](uint64_t i, uint32_t value) {
    ++histogram[value];
    if (elementBytes == 1)
      raw[i] = static_cast<uint8_t>(value);
    else
      storeAs<uint16_t>(raw + i * 2, static_cast<uint16_t>(value));
  };
  if (format.values == ValueCoding::Huffman) {
    HuffmanDecoder decoder;
    if (absl::Status status = decoder.open(reader, position, 8 * elementBytes); !status.ok())
      return corrupt(status.message());
    for (uint64_t i = 0; i < count; ++i) {
      uint32_t value = 0;
      if (!decoder.next(reader, position, value))
        return corrupt("the bytes end within a code");
      put(i, value);
    }
    if (!decoder.isOptimalFor(histogram))
      return corrupt("the codes are not those that Huffman gives for these values");
  } else {
    std::vector<uint32_t> symbols;
    std::vector<uint8_t> lengths;
    if (absl::Status status = readTable(reader, position, 8 * elementBytes, false, symbols, lengths); !status.ok())
      return corrupt(status.message());
    unsigned width = indexBits(format, symbols.size());
    if (symbols.size() > uint64_t{1} << width || (width && count > (reader.sizeBits() - position) / width))
      return corrupt("the bytes end within the indices");
    for (uint64_t i = 0; i < count; ++i, position += width) {
      uint64_t index = reader.get(position, width);
      if (index >= symbols.size())
        return corrupt(absl::StrCat("index ", index, " into a table of ", symbols.size()));
      put(i, symbols[index]);
    }
    if (distinctSymbols(histogram) != symbols.size())
      return corrupt("the table has a value that is not there");
  }
  uint64_t left = -position & 7;
  if ((position + left) / 8 != bytes.size())
    return corrupt(absl::StrCat("expected ", (position + left) / 8, " bytes, but got ", bytes.size()));
  if (left && reader.get(position, static_cast<unsigned>(left)))
    return corrupt("bits behind the end are not zero");
  return absl::OkStatus();
}

} // namespace sparseaccel::formats::values

namespace sparseaccel::formats::streams {

absl::Status checkDistinct(const Format &format, const DenseView &values) {
  if (format.values != ValueCoding::Shared || format.indexBits == 0)
    return absl::OkStatus();
  // Whether a zero is stored is known once the entries are counted.
  uint64_t stored = storedValues(format, values);
  uint64_t distinct = distinctSymbols(values::histogramOf(values, stored));
  if (distinct <= uint64_t{1} << format.indexBits)
    return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("format '", toString(format), "' cannot hold this tensor: it has ",
                                                    distinct, " distinct values to store where indices of ",
                                                    static_cast<int>(format.indexBits), " bits tell ",
                                                    uint64_t{1} << format.indexBits, " apart"));
}

} // namespace sparseaccel::formats::streams
