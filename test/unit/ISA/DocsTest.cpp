//===- DocsTest.cpp - The committed reference is the generated one ----------===//

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

static std::string read(const char *path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Docs, IsaReferenceIsCurrent) {
  std::string generated = read(SPARSEACCEL_ISA_DOC_GENERATED);
  EXPECT_FALSE(generated.empty());
  EXPECT_TRUE(read(SPARSEACCEL_ISA_DOC) == generated) << "copy build/docs/ISA.md to docs/ISA.md";
}
