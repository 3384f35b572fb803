//===- SparseMatrixTest.cpp - SciPy's archives and Matrix Market files ----===//

#include "NpyFiles.h"

#include "SparseAccel/Runtime/SparseMatrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <unistd.h>

namespace sparseaccel::runtime {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

template <typename T>
Member member(const std::string &name, std::vector<int64_t> shape, const std::vector<T> &values) {
  return {name + ".npy", serializeNpy(makeArray<T>(std::move(shape), values))};
}
template <typename T>
Member list(const std::string &name, const std::vector<T> &values) {
  return member<T>(name, {int64_t(values.size())}, values);
}
Member format(const std::string &name) {
  return {"format.npy", npy("{'descr': '|S3', 'fortran_order': False, 'shape': ()}", toBytes(name))};
}
Member shape(int64_t rows, int64_t columns) { return list<int64_t>("shape", {rows, columns}); }

absl::StatusOr<Array> read(const std::vector<Member> &members, uint64_t limit = kMaxDenseBytes) {
  absl::StatusOr<NamedArrays> arrays = parseNpz(zip(members), "m.npz", limit);
  if (!arrays.ok())
    return arrays.status();
  EXPECT_EQ(arrays->size(), 1u);
  EXPECT_EQ(arrays->front().first, "");
  return arrays->front().second;
}

std::vector<double> valuesOf(const absl::StatusOr<Array> &array) {
  EXPECT_TRUE(array.ok()) << array.status();
  std::vector<double> values;
  for (int64_t i = 0; array.ok() && i < array->elements(); ++i)
    values.push_back(array->at(i));
  return values;
}

// The matrix
//   1 0 2 0
//   0 0 0 0
//   0 3 0 4
// as scipy.sparse.save_npz of SciPy 1.11 lays it out in each format.
const double kDense[] = {1, 0, 2, 0, 0, 0, 0, 0, 0, 3, 0, 4};

TEST(SciPyMatrix, EveryFormatIsTheSameMatrix) {
  std::vector<Member> csr = {list<int32_t>("indices", {0, 2, 1, 3}), list<int32_t>("indptr", {0, 2, 2, 4}),
                             format("csr"), shape(3, 4), list<double>("data", {1, 2, 3, 4})};
  absl::StatusOr<Array> array = read(csr);
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->describe(), "float64[3x4]");
  EXPECT_THAT(valuesOf(array), ElementsAreArray(kDense));
  EXPECT_THAT(valuesOf(read({list<int64_t>("indices", {0, 2, 0, 2}), list<int64_t>("indptr", {0, 1, 2, 3, 4}),
                             format("csc"), shape(3, 4), list<float>("data", {1, 3, 2, 4})})),
              ElementsAreArray(kDense));
  EXPECT_THAT(valuesOf(read({list<int32_t>("row", {0, 2, 0, 2}), list<int32_t>("col", {0, 3, 2, 1}), format("coo"),
                             shape(3, 4), list<int16_t>("data", {1, 4, 2, 3})})),
              ElementsAreArray(kDense));
  // Blocks of 1 x 2.
  EXPECT_THAT(
      valuesOf(read({list<int32_t>("indices", {0, 1, 0, 1}), list<int32_t>("indptr", {0, 2, 2, 4}), format("bsr"),
                     shape(3, 4), member<uint8_t>("data", {4, 1, 2}, {1, 0, 2, 0, 0, 3, 0, 4})})),
      ElementsAreArray(kDense));
  // Diagonals two to the right, one to the right, none, one to the left; what lies outside counts for nothing.
  EXPECT_THAT(valuesOf(read({list<int32_t>("offsets", {2, 1, 0, -1}), format("dia"), shape(3, 4),
                             member<int64_t>("data", {4, 4}, {9, 9, 2, 0, 9, 0, 0, 4, 1, 0, 0, 9, 0, 3, 9, 9})})),
              ElementsAreArray(kDense));
}

TEST(SciPyMatrix, RowsByHandAndOneValueForAll) {
  EXPECT_THAT(valuesOf(read({list<int64_t>("indptr", {0, 1, 3}), list<int64_t>("indices", {2, 0, 1}),
                             list<float>("data", {5}), shape(2, 3)})),
              ElementsAre(0, 0, 5, 5, 5, 0));
  // Beside other arrays these four names may mean anything.
  absl::StatusOr<NamedArrays> arrays = parseNpz(zip({list<int64_t>("indptr", {0, 1}), list<int64_t>("indices", {0}),
                                                     list<float>("data", {5}), shape(1, 1), list<float>("y", {1})}),
                                                "m.npz");
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  EXPECT_EQ(arrays->size(), 5u);
  arrays = parseNpz(zip({format("nhw"), shape(1, 1), list<float>("data", {5})}), "m.npz");
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  EXPECT_EQ(arrays->size(), 2u);
}

TEST(SciPyMatrix, EntriesOfOnePlaceAddUp) {
  std::vector<Member> twice = {list<int32_t>("row", {0, 0}), list<int32_t>("col", {1, 1}), format("coo"), shape(1, 2)};
  std::vector<Member> integers = twice, truths = twice, floats = twice;
  integers.push_back(list<int8_t>("data", {100, 20}));
  EXPECT_THAT(valuesOf(read(integers)), ElementsAre(0, 120));
  floats.push_back(list<float>("data", {0.5, 0.25}));
  EXPECT_THAT(valuesOf(read(floats)), ElementsAre(0, 0.75));
  truths.push_back({"data.npy", npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", {1, 1})});
  EXPECT_THAT(valuesOf(read(truths)), ElementsAre(0, 1));
}

TEST(SciPyMatrix, WhatIsWrongIsNamed) {
  struct Case {
    std::vector<Member> members;
    const char *message;
  };
  auto csr = [](std::vector<int64_t> pointers, std::vector<int64_t> indices, size_t values, int64_t rows = 2,
                int64_t columns = 3) -> std::vector<Member> {
    return {list("indptr", pointers), list("indices", indices), format("csr"), shape(rows, columns),
            list<float>("data", std::vector<float>(values, 1))};
  };
  const Case cases[] = {
      {csr({0, 1, 2}, {0, 3}, 2), "array 'indices': element 1 is 3; expected 0 to 2"},
      {csr({0, 1, 2}, {0, -1}, 2), "array 'indices': element 1 is -1"},
      {csr({0, 2, 1}, {0, 1}, 2), "array 'indptr': element 2 is 1; expected pointers that rise from 0 to 2"},
      {csr({1, 1, 2}, {0, 1}, 2), "array 'indptr': element 0 is 1"},
      {csr({0, 1, 1}, {0, 1}, 2), "array 'indptr': element 2 is 1"},
      {csr({0, 2}, {0, 1}, 2), "array 'indptr' has 2 elements; expected 3"},
      {csr({0}, {0, 1}, 2, 0, 3), "array 'indptr': element 0 is 0; expected pointers that rise from 0 to 2"},
      {csr({0, 1, 2}, {0, 1}, 3), "array 'data' is float32[3] and 'indices' has 2 elements"},
      {csr({0, 1, 2}, {0, 1}, 2, -2, 3), "array 'shape': element 0 is -2"},
      {csr({0, 1, 2}, {0, 1}, 2, int64_t(1) << 39, int64_t(1) << 39), "takes more than the 1073741824 bytes"},
      {{format("csr"), shape(2, 2), list<float>("indptr", {0, 0, 0}), list<int32_t>("indices", {}),
        list<float>("data", {})},
       "array 'indptr' is float32[3]; expected a list of integers"},
      {{format("csr"), list<int64_t>("shape", {2, 2, 2}), list<int32_t>("indptr", {0, 0, 0}),
        list<int32_t>("indices", {}), list<float>("data", {})},
       "array 'shape' has 3 elements"},
      {{format("coo"), shape(2, 2), list<int32_t>("row", {0}), list<int32_t>("col", {0, 1}), list<float>("data", {1})},
       "arrays 'row', 'col' and 'data' have 1, 2 and 1 elements"},
      {{format("bsr"), shape(3, 4), list<int32_t>("indptr", {0, 1}), list<int32_t>("indices", {0}),
        member<float>("data", {1, 2, 2}, {1, 1, 1, 1})},
       "expected blocks that divide 3 x 4"},
      {{format("dia"), shape(2, 2), list<int32_t>("offsets", {0, 1}), member<float>("data", {1, 2}, {1, 1})},
       "expected 2 diagonals"},
      {{format("dia"), shape(2, 2), list<int32_t>("offsets", {0}), list<float>("data", {1, 1})},
       "expected 2 dimensions in format 'dia'"},
  };
  for (const Case &wrong : cases) {
    absl::StatusOr<Array> array = read(wrong.members);
    ASSERT_FALSE(array.ok()) << wrong.message;
    EXPECT_THAT(std::string(array.status().message()), HasSubstr(wrong.message));
    EXPECT_THAT(std::string(array.status().message()), HasSubstr("m.npz: "));
  }
  EXPECT_TRUE(read(csr({0, 1, 2}, {0, 1}, 2), 24).ok());
  EXPECT_FALSE(read(csr({0, 1, 2}, {0, 1}, 2), 23).ok());
}

absl::StatusOr<Array> market(const std::string &text) { return parseMatrixMarket(text, "m.mtx"); }

TEST(MatrixMarket, Coordinates) {
  absl::StatusOr<Array> array = market("%%MatrixMarket matrix coordinate real general\n"
                                       "% a comment\n\n"
                                       "3 4 5\n1 1 1.0\n 1 3 2e0\r\n3 2 +3\n%between\n3 4 1.5\n3 4 2.5");
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->describe(), "float64[3x4]");
  EXPECT_THAT(valuesOf(array), ElementsAreArray(kDense));
  array = market("%%matrixmarket MATRIX Coordinate Integer Symmetric\n2 2 2\n1 1 -7\n2 1 5\n");
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->describe(), "int64[2x2]");
  EXPECT_THAT(valuesOf(array), ElementsAre(-7, 5, 5, 0));
  EXPECT_THAT(valuesOf(market("%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n2 1 0.5\n")),
              ElementsAre(0, -0.5, 0.5, 0));
  array = market("%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 3\n");
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->describe(), "bool[3x3]");
  EXPECT_THAT(valuesOf(array), ElementsAre(0, 1, 0, 1, 0, 0, 0, 0, 1));
  EXPECT_THAT(valuesOf(market("%%MatrixMarket matrix coordinate real general\n1 2 0\n")), ElementsAre(0, 0));
}

TEST(MatrixMarket, ArraysAreColumnsAfterColumns) {
  EXPECT_THAT(valuesOf(market("%%MatrixMarket matrix array real general\n2 3\n1\n4\n2\n5\n3\n6\n")),
              ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(valuesOf(market("%%MatrixMarket matrix array integer symmetric\n2 2\n1 2\n3\n")),
              ElementsAre(1, 2, 2, 3));
  EXPECT_THAT(valuesOf(market("%%MatrixMarket matrix array integer skew-symmetric\n3 3\n1\n2\n3\n")),
              ElementsAre(0, -1, -2, 1, 0, -3, 2, 3, 0));
}

TEST(MatrixMarket, WhatIsWrongIsNamedWithItsLine) {
  const std::string coordinate = "%%MatrixMarket matrix coordinate real general\n";
  const std::pair<std::string, const char *> cases[] = {
      {"%%MatrixMarket matrix\n", "m.mtx:1: expected '%%MatrixMarket matrix FORMAT FIELD SYMMETRY'"},
      {"%%MatrixMarket vector coordinate real general\n", "m.mtx:1: expected"},
      {"%%MatrixMarket matrix coordinate complex general\n",
       "m.mtx:1: 'complex' is not read; expected real or integer or pattern"},
      {"%%MatrixMarket matrix coordinate real hermitian\n", "m.mtx:1: 'hermitian' is not read"},
      {"%%MatrixMarket matrix array pattern general\n", "m.mtx:1: a pattern has no values"},
      {coordinate, "expected the numbers of rows, columns and entries"},
      {coordinate + "2 2\n", "m.mtx:2: expected the numbers of rows, columns and entries"},
      {coordinate + "-2 2 1\n", "m.mtx:2: expected the numbers"},
      {coordinate + "2 2 2\n1 1 1\n", "m.mtx:3: the file ends after 1 entries; expected 2"},
      {coordinate + "2 2 1\n1 1 1\n2 2 2\n", "m.mtx:4: more than the 1 entries"},
      {coordinate + "2 2 1\n3 1 1\n", "m.mtx:3: entry (3, 1) lies outside of 2 x 2"},
      {coordinate + "2 2 1\n1 0 1\n", "m.mtx:3: entry (1, 0) lies outside"},
      {coordinate + "2 2 1\n1 1\n", "m.mtx:3: expected a row, a column and a value"},
      {coordinate + "2 2 1\n1 1 one\n", "m.mtx:3: 'one' is no number"},
      {coordinate + "1099511627776 1099511627776 0\n", "takes more than the 1073741824 bytes"},
      {"%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 1.5\n", "m.mtx:3: '1.5' is no integer"},
      {"%%MatrixMarket matrix coordinate real symmetric\n2 3 0\n", "m.mtx:2: a symmetric matrix of 2 x 3"},
      {"%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n1 2 1\n", "m.mtx:3: entry (1, 2) lies above"},
      {"%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n1 1 1\n", "m.mtx:3: entry (1, 1) of a skew"},
      {"%%MatrixMarket matrix array real general\n2 2\n1 2 3\n", "m.mtx:3: the file ends before entry (2, 2)"},
      {"%%MatrixMarket matrix array real general\n1 1\n1 2\n", "m.mtx:3: more values than 1 x 1 takes"},
  };
  for (const auto &[text, message] : cases) {
    absl::StatusOr<Array> array = market(text);
    ASSERT_FALSE(array.ok()) << message;
    EXPECT_THAT(std::string(array.status().message()), HasSubstr(message));
  }
}

TEST(MatrixMarket, NothingBroken) {
  const std::string whole = "%%MatrixMarket matrix coordinate integer symmetric\n3 3 3\n1 1 5\n3 1 -2\n3 2 8\n";
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) { // never a crash, whatever breaks
    std::string broken = whole;
    for (int change = 0; change < 2; ++change)
      broken[random() % broken.size()] = char(random());
    (void)parseMatrixMarket(broken, "m.mtx", 1 << 20);
  }
}

TEST(MatrixMarket, IsKnownByItsFirstLineWhateverItsName) {
  std::string path = testing::TempDir() + "sparseaccel-market-" + std::to_string(getpid()) + ".txt";
  std::ofstream(path) << "%%MatrixMarket matrix array real general\n1 2\n3\n4\n";
  absl::StatusOr<NamedArrays> arrays = readArrays(path);
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  EXPECT_EQ(arrays->front().first, "");
  EXPECT_THAT(valuesOf(arrays->front().second), ElementsAre(3, 4));
  std::remove(path.c_str());
}

} // namespace
} // namespace sparseaccel::runtime
