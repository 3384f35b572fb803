//===- Sizes.cpp - Tensors under formats ----------------------------------===//

#include "Sizes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <algorithm>
#include <unordered_set>

namespace sparseaccel::sizes {

static Entry measureIn(const formats::Format &format, const Tensor &tensor, uint32_t rowsPerGranule) {
  Entry entry;
  std::vector<uint32_t> shape = tensor.shape;
  uint64_t rowBytes = tensor.elementBytes;
  for (size_t d = 1; d < shape.size(); ++d)
    rowBytes *= shape[d];
  uint32_t rows = shape.empty() ? 1 : shape[0], step = rowsPerGranule ? std::min(rowsPerGranule, rows) : rows;
  for (uint32_t row = 0; row < rows; row += step) {
    if (!shape.empty())
      shape[0] = std::min(step, rows - row);
    formats::DenseView view{tensor.bytes.data() + row * rowBytes, tensor.elementBytes, shape};
    absl::Status status = formats::checkFormat(format, tensor.elementBytes, shape);
    if (status.ok())
      status = formats::checkValues(format, view);
    if (!status.ok()) {
      entry.obstacle = std::string(status.message());
      return entry;
    }
    formats::Size size = formats::sizeOf(format, view);
    entry.size.dataBits += size.dataBits;
    entry.size.metadataBits += size.metadataBits;
  }
  return entry;
}

std::vector<Measured> measure(const std::vector<Tensor> &tensors, const std::vector<formats::Format> &formats,
                              uint32_t rowsPerGranule) {
  std::vector<Measured> result;
  for (const Tensor &tensor : tensors) {
    Measured measured{&tensor, 0, 0, {}, {}};
    std::unordered_set<uint64_t> values;
    for (uint64_t i = 0; i < tensor.elements(); ++i) {
      uint64_t value = 0;
      std::memcpy(&value, tensor.bytes.data() + i * tensor.elementBytes, tensor.elementBytes);
      if (value) {
        ++measured.nonzeros;
        values.insert(value);
      }
    }
    measured.distinct = values.size();
    measured.bound = formats::entropyBound({tensor.bytes.data(), tensor.elementBytes, tensor.shape});
    for (const formats::Format &format : formats)
      measured.entries.push_back(measureIn(format, tensor, rowsPerGranule));
    result.push_back(std::move(measured));
  }
  return result;
}

static uint64_t denseBits(const Measured &measured) { return measured.tensor->bytes.size() * 8; }

static std::string shapeText(const Tensor &tensor) {
  std::string text;
  for (uint32_t extent : tensor.shape) {
    if (!text.empty())
      text += 'x';
    text += llvm::utostr(extent);
  }
  return text.empty() ? "scalar" : text;
}

/// Sums of one format over the tensors that it holds.
struct Total {
  size_t held = 0;
  uint64_t data = 0, metadata = 0, dense = 0;
  double bound = 0;
};

static Total totalOf(llvm::ArrayRef<Measured> measured, size_t format) {
  Total total;
  for (const Measured &tensor : measured) {
    const Entry &entry = tensor.entries[format];
    if (!entry.obstacle.empty())
      continue;
    ++total.held;
    total.data += entry.size.dataBits;
    total.metadata += entry.size.metadataBits;
    total.dense += denseBits(tensor);
    total.bound += tensor.bound.bits();
  }
  return total;
}

static void printFormats(llvm::ArrayRef<Measured> measured, const std::vector<formats::Format> &formats,
                         llvm::raw_ostream &os) {
  size_t width = 6;
  for (const formats::Format &format : formats)
    width = std::max(width, formats::toString(format).size());
  auto column = [&](llvm::StringRef name) { return llvm::left_justify(name, width); };
  os << "  " << column("format") << llvm::formatv("{0,12}{1,12}{2,12}{3,8}{4,8}\n", "values kB", "metad. kB", "total kB",
                                                  "ratio", "/bound");
  for (size_t i = 0; i < formats.size(); ++i) {
    std::string name = formats::toString(formats[i]);
    Total total = totalOf(measured, i);
    if (total.held == 0) {
      os << "  " << column(name) << "  cannot hold " << (measured.size() == 1 ? "it" : "any of them") << ": "
         << measured.front().entries[i].obstacle << "\n";
      continue;
    }
    double bits = static_cast<double>(total.data + total.metadata);
    os << "  " << column(name)
       << llvm::formatv("{0,12:f2}{1,12:f2}{2,12:f2}{3,8:f3}{4,8:f3}", static_cast<double>(total.data) / 8000,
                        static_cast<double>(total.metadata) / 8000, bits / 8000, static_cast<double>(total.dense) / bits,
                        total.bound > 0 ? bits / total.bound : 0.0);
    if (total.held < measured.size())
      os << "  of the " << total.held << " of " << measured.size() << " that it holds";
    os << "\n";
  }
}

static void printBound(llvm::ArrayRef<Measured> measured, llvm::raw_ostream &os) {
  double values = 0, positions = 0, dense = 0;
  for (const Measured &tensor : measured) {
    values += tensor.bound.valueBits;
    positions += tensor.bound.positionBits;
    dense += static_cast<double>(denseBits(tensor));
  }
  os << llvm::formatv("  entropy bound {0:f2} kB: values {1:f2} kB, positions {2:f2} kB; dense {3:f2} kB\n",
                      (values + positions) / 8000, values / 8000, positions / 8000, dense / 8000);
}

/// How many zeros are those of quantisation: sizes are of integers, whatever the file holds.
static void printQuantised(llvm::ArrayRef<Measured> measured, llvm::raw_ostream &os) {
  uint64_t elements = 0, before = 0, after = 0;
  unsigned bits = 0;
  for (const Measured &tensor : measured)
    if (tensor.tensor->floatNonzeros) {
      elements += tensor.tensor->elements();
      before += *tensor.tensor->floatNonzeros;
      after += tensor.nonzeros;
      bits = tensor.tensor->elementBytes * 8;
    }
  if (elements)
    os << llvm::formatv("  floats, quantised to int{0}: {1:f2}% of them are nonzero as they are, and {2} of those "
                        "become 0\n",
                        bits, 100.0 * static_cast<double>(before) / static_cast<double>(elements), before - after);
}

void print(const std::vector<Measured> &measured, const std::vector<formats::Format> &formats, bool each,
           llvm::raw_ostream &os) {
  if (each || measured.size() == 1)
    for (const Measured &tensor : measured) {
      const Tensor &t = *tensor.tensor;
      os << llvm::formatv("{0}: {1} of {2} bits, {3:f2}% nonzero, {4} distinct nonzero values\n",
                          t.name.empty() ? "array" : t.name, shapeText(t), t.elementBytes * 8,
                          100.0 * static_cast<double>(tensor.nonzeros) / static_cast<double>(t.elements()),
                          tensor.distinct);
      printQuantised(tensor, os);
      printBound(tensor, os);
      printFormats(tensor, formats, os);
      os << "\n";
    }
  if (measured.size() == 1)
    return;
  uint64_t elements = 0, nonzeros = 0;
  for (const Measured &tensor : measured) {
    elements += tensor.tensor->elements();
    nonzeros += tensor.nonzeros;
  }
  os << llvm::formatv("{0} tensors, {1} elements, {2:f2}% nonzero\n", measured.size(), elements,
                      100.0 * static_cast<double>(nonzeros) / static_cast<double>(elements));
  printQuantised(measured, os);
  printBound(measured, os);
  printFormats(measured, formats, os);
}

void printJson(const std::vector<Measured> &measured, const std::vector<formats::Format> &formats,
               llvm::raw_ostream &os) {
  llvm::json::OStream json(os, 2);
  json.object([&] {
    json.attributeArray("tensors", [&] {
      for (const Measured &tensor : measured)
        json.object([&] {
          const Tensor &t = *tensor.tensor;
          json.attribute("name", t.name);
          json.attributeArray("shape", [&] {
            for (uint32_t extent : t.shape)
              json.value(extent);
          });
          json.attribute("element_bits", t.elementBytes * 8);
          json.attribute("nonzeros", tensor.nonzeros);
          if (t.floatNonzeros)
            json.attribute("float_nonzeros", *t.floatNonzeros);
          json.attribute("distinct_values", tensor.distinct);
          json.attribute("bound_value_bits", tensor.bound.valueBits);
          json.attribute("bound_position_bits", tensor.bound.positionBits);
          json.attributeArray("formats", [&] {
            for (size_t i = 0; i < formats.size(); ++i)
              json.object([&] {
                const Entry &entry = tensor.entries[i];
                json.attribute("format", formats::toString(formats[i]));
                if (!entry.obstacle.empty()) {
                  json.attribute("obstacle", entry.obstacle);
                  return;
                }
                json.attribute("data_bits", entry.size.dataBits);
                json.attribute("metadata_bits", entry.size.metadataBits);
              });
          });
        });
    });
    json.attributeArray("totals", [&] {
      for (size_t i = 0; i < formats.size(); ++i)
        json.object([&] {
          Total total = totalOf(measured, i);
          json.attribute("format", formats::toString(formats[i]));
          json.attribute("tensors", total.held);
          json.attribute("data_bits", total.data);
          json.attribute("metadata_bits", total.metadata);
          json.attribute("dense_bits", total.dense);
          json.attribute("bound_bits", total.bound);
        });
    });
  });
  os << "\n";
}

} // namespace sparseaccel::sizes
