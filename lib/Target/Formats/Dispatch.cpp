//===- Dispatch.cpp - Formats by their packing ------------------------------===//

#include "Codec.h"

#include "absl/strings/str_cat.h"

#include <cassert>
#include <cstring>

namespace sparseaccel::formats {

// Largest granule: what a 48-bit count of bits can say, so that no size overflows.
static constexpr uint64_t kMaxElements = uint64_t{1} << 36;

absl::Status checkFormat(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape) {
  uint64_t elements = 1;
  for (uint32_t extent : shape) {
    if (extent == 0)
      return absl::InvalidArgumentError("a granule has an extent of 0");
    elements = elements > kMaxElements / extent ? kMaxElements + 1 : elements * extent;
    if (elements > kMaxElements)
      return absl::InvalidArgumentError(absl::StrCat("a granule has more than ", kMaxElements, " elements"));
  }
  if (format.packing != Packing::Streams) {
    if (!format.ranks.empty())
      return absl::InvalidArgumentError("ranks have no meaning beside the packings eyeriss-rlc and zfnaf");
    if (elementBytes != 1 && elementBytes != 2)
      return absl::InvalidArgumentError(
          absl::StrCat("format '", toString(format), "' takes elements of 1 or 2 bytes, but got ", elementBytes));
    return absl::OkStatus();
  }
  if (elementBytes != 1 && elementBytes != 2 && elementBytes != 4 && elementBytes != 8)
    return absl::InvalidArgumentError(absl::StrCat("elements have 1, 2, 4 or 8 bytes, but got ", elementBytes));
  if (format.ranks.size() > kMaxRanks)
    return absl::InvalidArgumentError(
        absl::StrCat("a format has at most ", kMaxRanks, " ranks, but got ", format.ranks.size()));
  for (const RankFormat &rank : format.ranks) {
    if (rank.kind > RankKind::UOP)
      return absl::InvalidArgumentError(absl::StrCat("unknown rank format ", static_cast<int>(rank.kind)));
    bool takesBits = rank.kind == RankKind::CP || rank.kind == RankKind::RLE || rank.kind == RankKind::UOP;
    if (rank.bits > (takesBits ? kMaxRankBits : 0))
      return absl::InvalidArgumentError(
          absl::StrCat("a field of ", rank.bits, " bits in format '", toString(format), "' is too wide"));
  }
  return absl::OkStatus();
}

Size sizeOf(const Format &format, const DenseView &values) {
  assert(checkFormat(format, values.elementBytes, values.shape).ok());
  switch (format.packing) {
  case Packing::Streams:
    if (format.isDense())
      return {elementsOf(values.shape) * values.elementBytes * 8, 0};
    return streams::sizeOf(format, values);
  case Packing::EyerissRlc:
    return rlc::sizeOf(values);
  case Packing::Zfnaf:
    return zfnaf::sizeOf(values.elementBytes, values.shape);
  }
  return {};
}

Size worstCase(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape) {
  switch (format.packing) {
  case Packing::Streams:
    if (format.isDense())
      return {elementsOf(shape) * elementBytes * 8, 0};
    return streams::worstCase(format, elementBytes, shape);
  case Packing::EyerissRlc:
    return rlc::worstCase(elementBytes, shape);
  case Packing::Zfnaf:
    return zfnaf::sizeOf(elementBytes, shape);
  }
  return {};
}

Size encode(const Format &format, const DenseView &values, std::vector<uint8_t> &out) {
  assert(checkFormat(format, values.elementBytes, values.shape).ok());
  switch (format.packing) {
  case Packing::Streams:
    if (format.isDense()) {
      const uint8_t *data = static_cast<const uint8_t *>(values.data);
      uint64_t bytes = elementsOf(values.shape) * values.elementBytes;
      out.insert(out.end(), data, data + bytes);
      return {bytes * 8, 0};
    }
    return streams::encode(format, values, out);
  case Packing::EyerissRlc:
    return rlc::encode(values, out);
  case Packing::Zfnaf:
    return zfnaf::encode(values, out);
  }
  return {};
}

absl::Status decode(const Format &format, absl::Span<const uint8_t> bytes, unsigned elementBytes,
                    absl::Span<const uint32_t> shape, void *out) {
  if (absl::Status status = checkFormat(format, elementBytes, shape); !status.ok())
    return status;
  switch (format.packing) {
  case Packing::Streams: {
    if (!format.isDense())
      return streams::decode(format, bytes, elementBytes, shape, out);
    uint64_t expected = elementsOf(shape) * elementBytes;
    if (bytes.size() != expected)
      return absl::DataLossError(
          absl::StrCat("corrupt dense granule: expected ", expected, " bytes, but got ", bytes.size()));
    if (expected)
      std::memcpy(out, bytes.data(), expected);
    return absl::OkStatus();
  }
  case Packing::EyerissRlc:
    return rlc::decode(bytes, elementBytes, shape, out);
  case Packing::Zfnaf:
    return zfnaf::decode(bytes, elementBytes, shape, out);
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown packing ", static_cast<int>(format.packing)));
}

double expectedBits(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape, double density) {
  switch (format.packing) {
  case Packing::Streams:
    if (format.isDense())
      return static_cast<double>(elementsOf(shape)) * elementBytes * 8;
    return streams::expectedBits(format, elementBytes, shape, density);
  case Packing::EyerissRlc:
    return rlc::expectedBits(elementBytes, shape, density);
  case Packing::Zfnaf:
    return static_cast<double>(zfnaf::sizeOf(elementBytes, shape).bits());
  }
  return 0;
}

} // namespace sparseaccel::formats
