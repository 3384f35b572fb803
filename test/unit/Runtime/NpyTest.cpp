//===- NpyTest.cpp - Reading and writing NumPy's files --------------------===//

#include "NpyFiles.h"

#include "SparseAccel/Runtime/Npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <unistd.h>

namespace sparseaccel::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string messageOf(const absl::Status &status) { return std::string(status.message()); }

template <typename T>
void expectRoundTrip(const std::vector<T> &values) {
  Array array = makeArray<T>({int64_t(values.size()) / 2, 2}, values);
  std::vector<uint8_t> bytes = serializeNpy(array);
  EXPECT_EQ((bytes.size() - array.bytes.size()) % 64, 0u);
  absl::StatusOr<Array> back = parseNpy(bytes, "x.npy");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->dtype, array.dtype);
  EXPECT_EQ(back->shape, array.shape);
  EXPECT_EQ(back->bytes, array.bytes);
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(back->at(i), double(values[i]));
  EXPECT_EQ(back->toFloat()[0], float(values[0]));
}

TEST(Npy, RoundTripsEveryType) {
  expectRoundTrip<float>({1.5f, -2.25f, 0.0f, 3e38f});
  expectRoundTrip<double>({1e300, -0.5});
  expectRoundTrip<int8_t>({-128, 127});
  expectRoundTrip<uint8_t>({0, 255});
  expectRoundTrip<int16_t>({-32768, 32767});
  expectRoundTrip<uint16_t>({0, 65535});
  expectRoundTrip<int32_t>({-2147483647, 5});
  expectRoundTrip<int64_t>({-5, int64_t(1) << 52});
  expectRoundTrip<uint32_t>({0, 4294967295u});
  expectRoundTrip<uint64_t>({uint64_t(1) << 63, 7});
}

TEST(Npy, ReadsHalves) {
  // 1, -2, the largest, the smallest normal and subnormal, minus zero, infinity, and not a number.
  std::vector<uint8_t> bytes =
      npy("{'descr': '<f2', 'fortran_order': False, 'shape': (8,)}",
          {0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b, 0x00, 0x04, 0x01, 0x00, 0x00, 0x80, 0x00, 0x7c, 0x01, 0x7e});
  absl::StatusOr<Array> array = parseNpy(bytes, "x.npy");
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->describe(), "float16[8]");
  std::vector<float> values = array->toFloat();
  EXPECT_THAT(absl::MakeSpan(values).first(5), ElementsAre(1, -2, 65504, 6.103515625e-05f, 5.9604644775390625e-08f));
  EXPECT_TRUE(values[5] == 0 && std::signbit(values[5]));
  EXPECT_TRUE(std::isinf(values[6]) && std::isnan(values[7]));
  EXPECT_EQ(array->at(2), 65504);
  absl::StatusOr<Array> back = parseNpy(serializeNpy(*array), "x.npy");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->bytes, array->bytes);
}

TEST(Npy, FindsInputsByNameThenByPlaceThenByShape) {
  NamedArrays arrays;
  auto add = [&](const char *name, int64_t extent) {
    arrays.emplace_back(name, makeArray<float>({extent}, std::vector<float>(size_t(extent))));
  };
  auto find = [&](const char *name, size_t position, size_t inputs, int64_t extent) {
    const Array *found = findInput(arrays, name, position, inputs,
                                   [&](const Array &array) { return array.shape[0] == extent; });
    return found ? found->shape[0] : -1;
  };
  add("arr_1", 1), add("arr_0", 2);
  EXPECT_EQ(find("a", 0, 2, 0), 2);
  EXPECT_EQ(find("b", 1, 2, 0), 1);
  EXPECT_EQ(find("arr_1", 0, 2, 0), 1); // a name comes first
  EXPECT_EQ(find("a", 0, 3, 0), -1);
  EXPECT_EQ(find("a", 0, 1, 2), 2); // the one that fits
  EXPECT_EQ(find("a", 0, 1, 3), -1);
  add("labels", 2);
  EXPECT_EQ(find("a", 0, 1, 2), -1); // which of two?
  EXPECT_EQ(find("a", 0, 3, 2), -1); // names that mean something
  arrays.clear();
  add("x", 5);
  EXPECT_EQ(find("a", 0, 1, 2), 5); // so that the error is about its shape
}

TEST(Npy, ReadsWhatNumPyWrites) {
  // np.save of np.array([[1, 2, 3], [4, 5, 6]], dtype='<i2').
  std::vector<uint8_t> bytes = npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }          ",
                                   {1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0});
  absl::StatusOr<Array> array = parseNpy(bytes, "x.npy");
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->describe(), "int16[2x3]");
  EXPECT_THAT(array->as<int16_t>(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Npy, ReadsScalarsVectorsAndVersion2) {
  absl::StatusOr<Array> scalar = parseNpy(npy("{'descr': '|b1', 'fortran_order': False, 'shape': ()}", {1}, 2), "x");
  ASSERT_TRUE(scalar.ok()) << scalar.status();
  EXPECT_EQ(scalar->elements(), 1);
  EXPECT_EQ(scalar->dtype, DType::Bool);
  absl::StatusOr<Array> empty = parseNpy(npy("{'descr': '|i1', 'fortran_order': False, 'shape': (0, 7)}", {}), "x");
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_EQ(empty->elements(), 0);
  absl::StatusOr<Array> vast = parseNpy(
      npy("{'descr': '|i1', 'fortran_order': True, 'shape': (4611686018427387904, 4611686018427387904, 0)}", {}), "x");
  ASSERT_TRUE(vast.ok()) << vast.status();
  EXPECT_EQ(vast->elements(), 0);
  Array vector = makeArray<int8_t>({3}, {7, 8, 9});
  absl::StatusOr<Array> back = parseNpy(serializeNpy(vector), "x");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_THAT(back->shape, ElementsAre(3));
}

TEST(Npy, ConvertsFortranOrderAndByteOrder) {
  // The matrix [[1, 2, 3], [4, 5, 6]], columns first, most significant byte first.
  std::vector<uint8_t> bytes =
      npy("{'descr': '>u2', 'fortran_order': True, 'shape': (2, 3), }", {0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6});
  absl::StatusOr<Array> array = parseNpy(bytes, "x.npy");
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_THAT(array->as<uint16_t>(), ElementsAre(1, 2, 3, 4, 5, 6));
}

struct Bad {
  std::vector<uint8_t> bytes;
  const char *message;
};

TEST(Npy, RejectsHostileHeaders) {
  const Bad cases[] = {
      {{0x93, 'N', 'U', 'M', 'P', 'Y', 3, 0, 0, 0, 0, 0}, "header: expected '{'"},
      {toBytes("hello, world"), "x.npy: is not an .npy, .npz or .mtx file"},
      {{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0xff, 0xff}, "header has 65535 bytes, more than there are"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", {0, 0, 0, 0}, 9), "version 9"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}", {0, 0, 0, 0}),
       "ends before its data"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", {}), "expected a tuple"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", {}), "expected a tuple"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}", {}), "expected a tuple"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", {0, 0, 0, 0}), "ends before its data"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", {0, 0, 0, 0, 0}), "holds 5 bytes of data"},
      {npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", {0}), "holds pickled objects (dtype '|O')"},
      {npy("{'descr': '|V2', 'fortran_order': False, 'shape': (1,)}", {0, 0}), "expected it saved as float32"},
      {npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", {0}), "dtype '<c8' is not read"},
      {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", {0}), "structured arrays are not read"},
      {npy("{'descr': '<f4', 'shape': (1,)}", {0, 0, 0, 0}), "expected the keys descr, fortran_order and shape"},
      {npy("{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}", {0}), "unexpected key 'descr'"},
      {npy("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}", {0}), "True or False"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + 1", {0, 0, 0, 0}), "unexpected text"},
      {npy("['descr']", {0}), "expected '{'"},
  };
  for (const Bad &bad : cases) {
    absl::StatusOr<Array> array = parseNpy(bad.bytes, "x.npy");
    ASSERT_FALSE(array.ok()) << bad.message;
    EXPECT_THAT(messageOf(array.status()), HasSubstr(bad.message));
  }
}

TEST(Npy, EveryTruncationIsAnError) {
  std::vector<uint8_t> whole = serializeNpy(makeArray<float>({2, 2}, {1, 2, 3, 4}));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parseNpy(absl::MakeSpan(whole.data(), size), "x").ok()) << size;
}

TEST(Npz, ReadsStoredAndDeflatedMembers) {
  std::vector<int16_t> zeros(5000, 0);
  zeros[77] = -3;
  std::vector<uint8_t> archive = zip({{"x.npy", serializeNpy(makeArray<float>({2}, {1.5f, 2.5f})), false},
                                      {"deep/y.npy", serializeNpy(makeArray<int16_t>({50, 100}, zeros)), true}});
  EXPECT_LT(archive.size(), 2000u); // it was deflated
  absl::StatusOr<NamedArrays> arrays = parseNpz(archive, "a.npz");
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  ASSERT_EQ(arrays->size(), 2u);
  EXPECT_EQ((*arrays)[0].first, "x");
  EXPECT_THAT((*arrays)[0].second.as<float>(), ElementsAre(1.5f, 2.5f));
  EXPECT_EQ((*arrays)[1].first, "deep/y");
  EXPECT_EQ((*arrays)[1].second.describe(), "int16[50x100]");
  EXPECT_EQ((*arrays)[1].second.at(77), -3);
}

TEST(Npz, LeavesTextOut) {
  std::vector<uint8_t> names = npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", {'a', 0, 0, 0});
  absl::StatusOr<NamedArrays> arrays =
      parseNpz(zip({{"names.npy", names}, {"x.npy", serializeNpy(makeArray<float>({1}, {2}))}}), "a.npz");
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  EXPECT_EQ(arrays->size(), 1u);
  // An array without elements is an array.
  arrays = parseNpz(zip({{"none.npy", serializeNpy(makeArray<float>({0, 3}, {}))}}), "a.npz");
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  EXPECT_EQ(arrays->front().second.describe(), "float32[0x3]");
  EXPECT_THAT(messageOf(parseNpz(zip({{"names.npy", names}}), "a.npz").status()), HasSubstr("no array of numbers"));
}

TEST(Npz, DamageIsAnErrorThatNamesTheMember) {
  std::vector<int8_t> values(300);
  std::mt19937 random(7);
  for (int8_t &value : values)
    value = int8_t(random() % 3);
  for (bool deflate : {false, true}) {
    std::vector<uint8_t> whole = zip({{"x.npy", serializeNpy(makeArray<int8_t>({300}, values)), deflate}});
    ASSERT_TRUE(parseNpz(whole, "a.npz").ok());
    for (size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(parseNpz(absl::MakeSpan(whole.data(), size), "a.npz").ok());
    std::vector<uint8_t> flipped = whole;
    flipped[30 + 5 + 4 + 20] ^= 0x10; // within the member's bytes
    absl::StatusOr<NamedArrays> arrays = parseNpz(flipped, "a.npz");
    ASSERT_FALSE(arrays.ok());
    EXPECT_THAT(messageOf(arrays.status()), HasSubstr("a.npz:x.npy"));
    for (int i = 0; i < 2000; ++i) { // never a crash, whatever breaks
      std::vector<uint8_t> broken = whole;
      broken[random() % broken.size()] = uint8_t(random());
      (void)parseNpz(broken, "a.npz");
    }
  }
}

TEST(Npz, ALieAboutTheSizeIsNotAllocated) {
  std::vector<uint8_t> archive = zip({{"x.npy", serializeNpy(makeArray<int8_t>({4}, {1, 2, 3, 4})), true}});
  size_t directory = archive.size() - 22 - 46 - 5;
  for (size_t byte = 0; byte < 4; ++byte)
    archive[directory + 24 + byte] = byte == 3 ? 0xf0 : 0xff;
  absl::StatusOr<NamedArrays> arrays = parseNpz(archive, "a.npz");
  ASSERT_FALSE(arrays.ok());
  EXPECT_THAT(messageOf(arrays.status()), HasSubstr("does not inflate"));
}

TEST(Npy, WritesWholeFilesOrNone) {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("sparseaccel-npy-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  std::string path = (folder / "y.npy").string();
  ASSERT_TRUE(writeNpy(path, makeArray<float>({1, 2}, {3, 4})).ok());
  ASSERT_TRUE(writeNpy(path, makeArray<float>({1, 2}, {5, 6})).ok());
  absl::StatusOr<NamedArrays> back = readArrays(path);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->front().first, "");
  EXPECT_THAT(back->front().second.as<float>(), ElementsAre(5, 6));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  absl::Status bad = writeNpy((folder / "none" / "y.npy").string(), makeArray<float>({1}, {1}));
  EXPECT_THAT(messageOf(bad), HasSubstr("cannot write"));
  // A device stays a device, and a full one is an error. (Links to it, so that a failure harms none.)
  std::filesystem::create_symlink("/dev/null", folder / "null");
  std::filesystem::create_symlink("/dev/full", folder / "full");
  EXPECT_TRUE(writeNpy((folder / "null").string(), makeArray<float>({1}, {1})).ok());
  EXPECT_THAT(messageOf(writeNpy((folder / "full").string(), makeArray<float>({1}, {1}))),
              HasSubstr("full: No space left on device"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "null") && std::filesystem::is_symlink(folder / "full"));
  EXPECT_THAT(messageOf(readNpy((folder / "none.npy").string()).status()), HasSubstr("cannot be opened"));
  std::filesystem::remove_all(folder);
}

} // namespace
} // namespace sparseaccel::runtime
