//===- Dispatch.cpp - Formats by their packing ------------------------------===//

#include "Codec.h"
#include "View.h"

#include "absl/strings/str_cat.h"

#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sparseaccel::formats {

/// Losing a value in silence would be worse than any end.
static void requireHeld(const Format &format, const DenseView &values) {
  assert(checkFormat(format, values.elementBytes, values.shape).ok());
  if (!format.restrictsValues())
    return;
  absl::Status status = checkValues(format, values);
  if (status.ok())
    return;
  std::fprintf(stderr, "checkValues() must hold before encoding: %s\n", std::string(status.message()).c_str());
  std::abort();
}

static Size sizeOfPrepared(const Format &format, const DenseView &values) {
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

Size sizeOf(const Format &format, const DenseView &values) {
  requireHeld(format, values);
  return isPrepared(format) ? sizeOfPrepared(format, Prepared(format, values).view()) : sizeOfPrepared(format, values);
}

Size worstCase(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape) {
  switch (format.packing) {
  case Packing::Streams:
    if (format.isDense())
      return {elementsOf(shape) * elementBytes * 8, 0};
    if (format.hasView())
      return streams::worstCase(format, elementBytes, View(format, shape).shape());
    return streams::worstCase(format, elementBytes, shape);
  case Packing::EyerissRlc:
    return rlc::worstCase(elementBytes, shape);
  case Packing::Zfnaf:
    return zfnaf::sizeOf(elementBytes, shape);
  }
  return {};
}

static Size encodePrepared(const Format &format, const DenseView &values, std::vector<uint8_t> &out) {
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

Size encode(const Format &format, const DenseView &values, std::vector<uint8_t> &out) {
  requireHeld(format, values);
  return isPrepared(format) ? encodePrepared(format, Prepared(format, values).view(), out)
                            : encodePrepared(format, values, out);
}

static absl::Status decodePrepared(const Format &format, absl::Span<const uint8_t> bytes, unsigned elementBytes,
                                   absl::Span<const uint32_t> shape, void *out) {
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

absl::Status decode(const Format &format, absl::Span<const uint8_t> bytes, unsigned elementBytes,
                    absl::Span<const uint32_t> shape, void *out) {
  if (absl::Status status = checkFormat(format, elementBytes, shape); !status.ok())
    return status;
  if (!format.hasView()) {
    if (absl::Status status = decodePrepared(format, bytes, elementBytes, shape, out); !status.ok())
      return status;
  } else {
    View view(format, shape);
    std::vector<uint8_t> array(view.elements() * elementBytes);
    if (absl::Status status = decodePrepared(format, bytes, elementBytes, view.shape(), array.data()); !status.ok())
      return status;
    if (!view.scatter(array.data(), elementBytes, static_cast<uint8_t *>(out)))
      return absl::DataLossError(absl::StrCat("corrupt granule in format ", toString(format),
                                              ": a place behind the end of a dimension is not zero"));
  }
  if (format.deltaDimension >= 0)
    integrate(static_cast<uint8_t *>(out), elementBytes, shape, static_cast<unsigned>(format.deltaDimension));
  return absl::OkStatus();
}

double expectedBits(const Format &format, unsigned elementBytes, absl::Span<const uint32_t> shape, double density) {
  // A difference is zero where both values are, or where they are equal, which the values are taken not to be.
  if (format.deltaDimension >= 0 && static_cast<size_t>(format.deltaDimension) < shape.size()) {
    double first = 1.0 / shape[static_cast<size_t>(format.deltaDimension)], empty = 1 - density;
    density = first * density + (1 - first) * (1 - empty * empty);
  }
  switch (format.packing) {
  case Packing::Streams:
    if (format.isDense())
      return static_cast<double>(elementsOf(shape)) * elementBytes * 8;
    if (format.hasView()) {
      View view(format, shape);
      double share = static_cast<double>(elementsOf(shape)) / static_cast<double>(view.elements());
      return streams::expectedBits(format, elementBytes, view.shape(), density * share);
    }
    return streams::expectedBits(format, elementBytes, shape, density);
  case Packing::EyerissRlc:
    return rlc::expectedBits(elementBytes, shape, density);
  case Packing::Zfnaf:
    return static_cast<double>(zfnaf::sizeOf(elementBytes, shape).bits());
  }
  return 0;
}

} // namespace sparseaccel::formats
