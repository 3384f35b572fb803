//===- ObjectCacheTest.cpp - Compiled operations kept in a folder ---------===//

#include "SparseAccel/Target/CPU/CompiledModule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Parser/Parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace sparseaccel;
using ::testing::ElementsAre;
namespace fs = std::filesystem;

namespace {

/// Two layers of one shape with different weights and biases, then operations that differ.
constexpr llvm::StringLiteral kTwoLayers = R"(
func.func @main(%x: tensor<1x1x2x2xi8>) -> (tensor<1x1x2x2xi32>, tensor<1x1x2x2xi32>, tensor<1x1x2x2xi8>) {
  %u = "tosa.const"() {values = dense_resource<u> : tensor<2x1x1x2xi8>} : () -> tensor<2x1x1x2xi8>
  %v = "tosa.const"() {values = dense<[[[[1, -1]]], [[[0, 2]]]]> : tensor<2x1x1x2xi8>} : () -> tensor<2x1x1x2xi8>
  %b = "tosa.const"() {values = dense<[10, 20]> : tensor<2xi32>} : () -> tensor<2xi32>
  %c = "tosa.const"() {values = dense<-5> : tensor<2xi32>} : () -> tensor<2xi32>
  %z = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.conv2d %x, %u, %b, %z, %z {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
    (tensor<1x1x2x2xi8>, tensor<2x1x1x2xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x1x2x2xi32> loc("first")
  %1 = tosa.conv2d %x, %v, %c, %z, %z {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>, test.value = "second"} :
    (tensor<1x1x2x2xi8>, tensor<2x1x1x2xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x1x2x2xi32>
  %2 = tosa.clamp %x {min_val = 0 : i8, max_val = 3 : i8} : (tensor<1x1x2x2xi8>) -> tensor<1x1x2x2xi8>
  return %0, %1, %2 : tensor<1x1x2x2xi32>, tensor<1x1x2x2xi32>, tensor<1x1x2x2xi8>
}
{-#
  dialect_resources: { builtin: { u: "0x0100000001020304" } }
#-})";

class ObjectCacheTest : public ::testing::Test {
protected:
  ObjectCacheTest() : folder(fs::path(testing::TempDir()) / ("object-cache-" + std::to_string(getpid()))) {
    fs::remove_all(folder);
    options.cacheFolder = folder.string();
  }
  ~ObjectCacheTest() override { fs::remove_all(folder); }

  /// Compiles and runs in a context of its own, so that several threads may; checks the results.
  cpu::CompileStatistics compileAndRun(const cpu::CompileOptions &with) const {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    context.allowUnregisteredDialects();
    context.loadDialect<mlir::func::FuncDialect, mlir::tosa::TosaDialect>();
    auto module = mlir::parseSourceString<mlir::ModuleOp>(kTwoLayers, &context);
    if (!module) {
      ADD_FAILURE() << "the module does not parse";
      return {};
    }
    auto compiled = cpu::CompiledModule::compile(*module, with);
    if (failed(compiled)) {
      ADD_FAILURE() << "the module does not compile";
      return {};
    }
    cpu::Tensor input(cpu::TensorType{cpu::ElementType::I8, {1, 1, 2, 2}});
    const int8_t values[] = {1, 2, -3, 4};
    std::copy(std::begin(values), std::end(values), input.as<int8_t>().begin());
    auto results = (*compiled)->run("main", {input});
    if (failed(results)) {
      ADD_FAILURE() << "the function does not run";
      return {};
    }
    // Weights [[1, 2], [3, 4]] and [[1, -1], [0, 2]] on (1, 2) and (-3, 4).
    EXPECT_THAT((*results)[0].as<int32_t>(), ElementsAre(15, 31, 15, 27));
    EXPECT_THAT((*results)[1].as<int32_t>(), ElementsAre(-6, -1, -12, 3));
    EXPECT_THAT((*results)[2].as<int8_t>(), ElementsAre(1, 2, 0, 3));
    return (*compiled)->statistics();
  }

  std::vector<fs::path> files() const {
    std::vector<fs::path> list;
    if (fs::exists(folder))
      for (const auto &entry : fs::directory_iterator(folder))
        list.push_back(entry.path());
    std::sort(list.begin(), list.end());
    return list;
  }

  fs::path folder;
  cpu::CompileOptions options;
};

TEST_F(ObjectCacheTest, WhatComputesAlikeIsCompiledOnceWhateverItsWeights) {
  cpu::CompileStatistics cold = compileAndRun(options);
  EXPECT_EQ(cold.operations, 3u);
  EXPECT_EQ(cold.objects, 2u);
  EXPECT_EQ(cold.compiled, 2u);
  EXPECT_EQ(files().size(), 2u);
  cpu::CompileStatistics warm = compileAndRun(options);
  EXPECT_EQ(warm.objects, 2u);
  EXPECT_EQ(warm.compiled, 0u);
}

TEST_F(ObjectCacheTest, WithoutAFolderNothingIsKept) {
  cpu::CompileOptions none;
  none.cacheFolder.clear();
  EXPECT_EQ(compileAndRun(none).compiled, 2u);
  EXPECT_EQ(compileAndRun(none).compiled, 2u);
  EXPECT_TRUE(files().empty());
}

TEST_F(ObjectCacheTest, OptionsArePartOfTheName) {
  compileAndRun(options);
  options.optLevel = 0;
  EXPECT_EQ(compileAndRun(options).compiled, 2u);
  options.reorderLoops = false;
  EXPECT_EQ(compileAndRun(options).compiled, 2u);
  EXPECT_EQ(files().size(), 6u);
}

TEST_F(ObjectCacheTest, DamagedFilesAreCompiledAgain) {
  compileAndRun(options);
  for (const auto damage : {0, 1, 2, 3}) {
    for (const fs::path &file : files()) {
      const auto size = fs::file_size(file);
      if (damage == 0) { // a byte of the object
        std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekg(static_cast<std::streamoff>(size / 2));
        const char byte = static_cast<char>(stream.get() ^ 1);
        stream.seekp(static_cast<std::streamoff>(size / 2));
        stream.put(byte);
      } else if (damage == 1) { // its end
        fs::resize_file(file, size - 1);
      } else if (damage == 2) { // all of it
        fs::resize_file(file, 0);
      } else { // more than there should be
        std::ofstream(file, std::ios::app | std::ios::binary) << 'x';
      }
    }
    EXPECT_EQ(compileAndRun(options).compiled, 2u) << damage;
    EXPECT_EQ(compileAndRun(options).compiled, 0u) << damage;
  }
}

TEST_F(ObjectCacheTest, AFolderThatCannotBeIsNoError) {
  std::ofstream(folder) << "a file";
  EXPECT_EQ(compileAndRun(options).compiled, 2u);
  EXPECT_TRUE(fs::is_regular_file(folder));
  options.cacheFolder = (folder / "below").string();
  EXPECT_EQ(compileAndRun(options).compiled, 2u);
}

TEST_F(ObjectCacheTest, SeveralMayFillOneFolder) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([this] { compileAndRun(options); });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(files().size(), 2u); // no temporary file is left
  EXPECT_EQ(compileAndRun(options).compiled, 0u);
}

TEST_F(ObjectCacheTest, WhatWasUsedLongestAgoGoesFirst) {
  compileAndRun(options);
  const std::vector<fs::path> before = files();
  ASSERT_EQ(before.size(), 2u);
  uint64_t total = 0;
  for (const fs::path &file : before)
    total += fs::file_size(file);
  // One of another lowering, used before all others, and one that is none of ours.
  const fs::path old = folder / "old.object", foreign = folder / "foreign";
  std::ofstream(old) << std::string(100, 'o');
  std::ofstream(foreign) << std::string(100, 'f');
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(1));
  fs::remove(before[0]);
  options.cacheBytes = total;
  EXPECT_EQ(compileAndRun(options).compiled, 1u); // storing it makes the folder too large
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(foreign));
  EXPECT_TRUE(fs::exists(before[0]));
  EXPECT_TRUE(fs::exists(before[1]));
  // An object that is larger than the maximum is not kept at all.
  fs::remove(before[0]);
  options.cacheBytes = 10;
  compileAndRun(options);
  EXPECT_FALSE(fs::exists(before[0]));
  EXPECT_FALSE(fs::exists(before[1]));
}

TEST(CacheFolder, ComesFromTheEnvironment) {
  const char *names[] = {"SPARSEACCEL_CACHE_DIR", "XDG_CACHE_HOME", "HOME"};
  std::vector<std::optional<std::string>> saved;
  for (const char *name : names) {
    const char *value = std::getenv(name);
    saved.push_back(value ? std::optional<std::string>(value) : std::nullopt);
  }
  setenv("SPARSEACCEL_CACHE_DIR", "/own", 1);
  setenv("XDG_CACHE_HOME", "/caches", 1);
  setenv("HOME", "/home/me", 1);
  EXPECT_EQ(cpu::defaultCacheFolder(), "/own");
  setenv("SPARSEACCEL_CACHE_DIR", "", 1);
  EXPECT_EQ(cpu::defaultCacheFolder(), "");
  unsetenv("SPARSEACCEL_CACHE_DIR");
  EXPECT_EQ(cpu::defaultCacheFolder(), "/caches/sparseaccel");
  unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(cpu::defaultCacheFolder(), "/home/me/.cache/sparseaccel");
  unsetenv("HOME");
  EXPECT_EQ(cpu::defaultCacheFolder(), "");
  for (size_t i = 0; i < saved.size(); ++i)
    if (saved[i])
      setenv(names[i], saved[i]->c_str(), 1);
    else
      unsetenv(names[i]);
}

} // namespace
