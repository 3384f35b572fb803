//===- Masks.cpp - Nonzero masks from files of arrays ---------------------===//

#include "Masks.h"

#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Support/Names.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

namespace sparseaccel::workload {

namespace {

/// DLMC's archives keep a mask as np.packbits(mask, axis=1), and its shape under the same name with this behind it.
constexpr absl::string_view kShapeSuffix = "__shape";

std::string shapeText(absl::Span<const int64_t> shape) { return absl::StrCat("[", absl::StrJoin(shape, "x"), "]"); }

/// Rows of bits, the most significant first, each row from a byte of its own.
absl::StatusOr<MaskArray> unpackBits(const runtime::Array &packed, const runtime::Array &shape,
                                     absl::string_view source) {
  auto wrong = [&] {
    return absl::InvalidArgumentError(absl::StrCat(source, ": expected bits in a two-dimensional uint8 array, as its '",
                                                   kShapeSuffix, "' is there, found ", packed.describe()));
  };
  if (packed.dtype != runtime::DType::U8 || packed.shape.size() != 2 || shape.elements() != 2)
    return wrong();
  MaskArray result;
  for (int64_t i = 0; i < 2; ++i)
    result.shape.push_back(int64_t(shape.at(i)));
  int64_t rows = result.shape[0], columns = result.shape[1], rowBytes = packed.shape[1];
  if (rows != packed.shape[0] || columns < 1 || (columns + 7) / 8 != rowBytes)
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": ", packed.describe(), " does not hold the bits of ", shapeText(result.shape)));
  result.mask.nonzero.resize(size_t(rows * columns));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      result.mask.nonzero[size_t(row * columns + column)] =
          packed.bytes[size_t(row * rowBytes + column / 8)] >> (7 - column % 8) & 1;
  return result;
}

absl::StatusOr<MaskArray> nonzerosOf(const runtime::Array &array, absl::string_view source) {
  MaskArray result;
  result.shape = array.shape;
  result.mask.nonzero.resize(size_t(array.elements()));
  bool bytes = runtime::bytesOf(array.dtype) == 1;
  for (size_t i = 0; i < result.mask.nonzero.size(); ++i) {
    result.mask.nonzero[i] = bytes ? array.bytes[i] != 0 : array.at(int64_t(i)) != 0;
    if (!bytes && std::isnan(array.at(int64_t(i))))
      return absl::InvalidArgumentError(
          absl::StrCat("'", source, "': element ", i, " is not a number; expected zeros and nonzeros"));
  }
  return result;
}

} // namespace

struct MaskFiles::Archive {
  runtime::NamedArrays arrays;
  const runtime::Array *find(absl::string_view name) const {
    auto it = std::find_if(arrays.begin(), arrays.end(), [&](const auto &entry) { return entry.first == name; });
    return it == arrays.end() ? nullptr : &it->second;
  }
  /// Without the shapes that belong to others.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto &[name, array] : arrays)
      if (!absl::EndsWith(name, kShapeSuffix) || !find(name.substr(0, name.size() - kShapeSuffix.size())))
        names.push_back(name);
    return names;
  }
};

MaskFiles::MaskFiles(std::string folder) : folder(std::move(folder)) {}
MaskFiles::~MaskFiles() = default;

std::string MaskFiles::pathOf(const std::string &file) const { return (std::filesystem::path(folder) / file).string(); }

absl::StatusOr<const MaskFiles::Archive *> MaskFiles::open(const std::string &path) {
  std::unique_ptr<Archive> &archive = archives[path];
  if (!archive) {
    absl::StatusOr<runtime::NamedArrays> arrays = runtime::readArrays(path);
    if (!arrays.ok())
      return arrays.status();
    archive = std::make_unique<Archive>();
    archive->arrays = std::move(*arrays);
  }
  return archive.get();
}

absl::StatusOr<std::vector<std::string>> MaskFiles::names(const std::string &file) {
  absl::StatusOr<const Archive *> archive = open(pathOf(file));
  if (!archive.ok())
    return archive.status();
  return (*archive)->names();
}

absl::StatusOr<MaskArray> MaskFiles::load(const std::string &reference) {
  // A colon may belong to the path.
  std::error_code error;
  std::string file = reference, name;
  bool named = false;
  size_t colon = reference.rfind(':');
  if (colon != std::string::npos && !std::filesystem::is_regular_file(pathOf(reference), error)) {
    file = reference.substr(0, colon);
    name = reference.substr(colon + 1);
    named = true;
  }
  absl::StatusOr<const Archive *> archive = open(pathOf(file));
  if (!archive.ok())
    return archive.status();
  std::vector<std::string> names = (*archive)->names();
  if (!named) {
    if (names.size() != 1)
      return absl::InvalidArgumentError(absl::StrCat("'", file, "' holds ", names.size(), " arrays: name one, as in '",
                                                     file, ":", names.empty() ? "array" : names.front(), "'"));
    name = names.front();
  }
  const runtime::Array *array = (*archive)->find(name);
  if (!array)
    return absl::NotFoundError(absl::StrCat("'", file, "' has no array '", name, "'", suggestion(name, names)));
  const runtime::Array *shape = (*archive)->find(absl::StrCat(name, kShapeSuffix));
  absl::StatusOr<MaskArray> result = shape ? unpackBits(*array, *shape, reference) : nonzerosOf(*array, reference);
  if (result.ok())
    result->mask.source = reference;
  return result;
}

absl::StatusOr<std::vector<std::shared_ptr<const Mask>>> fitMasks(MaskArray array, const Layer &layer, bool weights) {
  const dataflow::Contraction &s = layer.shape;
  using Shape = std::vector<int64_t>;
  Shape tensor = weights ? Shape{s.g * s.m, s.r, s.s, s.c} : Shape{s.n, layer.inputHeight, layer.inputWidth, s.g * s.c};
  Shape matrix = weights ? Shape{tensor[0], s.r * s.s * s.c} : Shape{tensor[0] * tensor[1] * tensor[2], tensor[3]};
  int64_t images = 1;
  bool fits = array.shape == tensor || array.shape == matrix;
  if (!fits && !weights && array.shape.size() == 4 && tensor[0] > 0) {
    images = array.shape[0] / tensor[0];
    Shape one = array.shape;
    one[0] = tensor[0];
    fits = images > 0 && array.shape[0] % tensor[0] == 0 && one == tensor;
  }
  if (!fits)
    return absl::InvalidArgumentError(absl::StrCat(
        "the mask '", array.mask.source, "' is ", shapeText(array.shape), "; expected ", shapeText(tensor), " (",
        weights ? "filters, rows, columns, channels of a group" : "images, rows, columns, channels", ") or ",
        shapeText(matrix), " (", weights ? "filters, rows x columns x channels" : "pixels, channels", ")"));
  std::vector<std::shared_ptr<const Mask>> masks;
  size_t each = array.mask.nonzero.size() / size_t(images);
  for (int64_t image = 0; image < images; ++image) {
    auto mask = std::make_shared<Mask>();
    mask->source = array.mask.source;
    if (images == 1)
      mask->nonzero = std::move(array.mask.nonzero);
    else
      mask->nonzero.assign(array.mask.nonzero.begin() + int64_t(each) * image,
                           array.mask.nonzero.begin() + int64_t(each) * (image + 1));
    mask->count = std::accumulate(mask->nonzero.begin(), mask->nonzero.end(), uint64_t{0});
    masks.push_back(std::move(mask));
  }
  return masks;
}

} // namespace sparseaccel::workload
