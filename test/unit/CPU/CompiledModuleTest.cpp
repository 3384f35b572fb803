//===- CompiledModuleTest.cpp ---------------------------------------------===//

#include "SparseAccel/Target/CPU/CompiledModule.h"
#include "SparseAccel/Transforms/Rescale.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

using namespace sparseaccel;
using cpu::ElementType;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

class CompiledModuleTest : public ::testing::Test {
protected:
  CompiledModuleTest() : context(mlir::MLIRContext::Threading::DISABLED) {
    context.loadDialect<mlir::func::FuncDialect, mlir::tosa::TosaDialect>();
    context.getDiagEngine().registerHandler(
        [this](mlir::Diagnostic &diagnostic) { messages += diagnostic.str() + "\n"; });
  }

  std::unique_ptr<cpu::CompiledModule> compile(llvm::StringRef text, cpu::CompileOptions options = {}) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module) {
      ADD_FAILURE() << messages;
      return nullptr;
    }
    auto compiled = cpu::CompiledModule::compile(*module, options);
    return mlir::succeeded(compiled) ? std::move(*compiled) : nullptr;
  }

  template <typename T>
  static cpu::Tensor tensor(ElementType element, std::vector<int64_t> shape, const std::vector<T> &values) {
    cpu::Tensor result(cpu::TensorType{element, std::move(shape)});
    EXPECT_EQ(result.bytes.size(), values.size() * sizeof(T));
    std::copy(values.begin(), values.end(), result.as<T>().begin());
    return result;
  }

  mlir::MLIRContext context;
  std::string messages;
};

// i16 x i16 -> i48 with a rescale per channel, against the same sums in C++.
TEST_F(CompiledModuleTest, Int16ConvolutionWith48BitSums) {
  constexpr llvm::StringLiteral kText = R"(
func.func @main(%x: tensor<1x6x5x3xi16>, %w: tensor<4x3x3x3xi16>) -> (tensor<1x6x5x4xi48>, tensor<1x6x5x4xi16>) {
  %b = "tosa.const"() {values = dense<[7, -9, 1000000000000, 0]> : tensor<4xi48>} : () -> tensor<4xi48>
  %z = "tosa.const"() {values = dense<0> : tensor<1xi16>} : () -> tensor<1xi16>
  %za = "tosa.const"() {values = dense<0> : tensor<1xi48>} : () -> tensor<1xi48>
  %m = "tosa.const"() {values = dense<[16384, 20000, 32767, 17000]> : tensor<4xi16>} : () -> tensor<4xi16>
  %s = "tosa.const"() {values = dense<[32, 31, 44, 33]> : tensor<4xi8>} : () -> tensor<4xi8>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = i48, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} :
    (tensor<1x6x5x3xi16>, tensor<4x3x3x3xi16>, tensor<4xi48>, tensor<1xi16>, tensor<1xi16>) -> tensor<1x6x5x4xi48>
  %1 = tosa.rescale %0, %m, %s, %za, %z {rounding_mode = SINGLE_ROUND, per_channel = true, scale32 = false, input_unsigned = false, output_unsigned = false} :
    (tensor<1x6x5x4xi48>, tensor<4xi16>, tensor<4xi8>, tensor<1xi48>, tensor<1xi16>) -> tensor<1x6x5x4xi16>
  return %0, %1 : tensor<1x6x5x4xi48>, tensor<1x6x5x4xi16>
})";
  auto compiled = compile(kText);
  ASSERT_TRUE(compiled) << messages;
  std::mt19937 random(3);
  auto draw = [&](size_t n) {
    std::vector<int16_t> values(n);
    for (int16_t &value : values)
      value = static_cast<int16_t>(random());
    return values;
  };
  const std::vector<int16_t> x = draw(6 * 5 * 3), w = draw(4 * 9 * 3);
  auto results =
      compiled->run("main", {tensor(ElementType::I16, {1, 6, 5, 3}, x), tensor(ElementType::I16, {4, 3, 3, 3}, w)});
  ASSERT_TRUE(mlir::succeeded(results)) << messages;
  const int64_t bias[] = {7, -9, 1000000000000, 0};
  const RescaleFactor factor[] = {{16384, 32}, {20000, 31}, {32767, 44}, {17000, 33}};
  for (int h = 0; h < 6; ++h)
    for (int v = 0; v < 5; ++v)
      for (int m = 0; m < 4; ++m) {
        int64_t sum = bias[m];
        for (int r = 0; r < 3; ++r)
          for (int s = 0; s < 3; ++s)
            for (int c = 0; c < 3; ++c)
              if (int y = h + r - 1, z = v + s - 1; y >= 0 && y < 6 && z >= 0 && z < 5)
                sum += int64_t(x[(y * 5 + z) * 3 + c]) * w[((m * 3 + r) * 3 + s) * 3 + c];
        const size_t at = (h * 5 + v) * 4 + m;
        EXPECT_EQ((*results)[0].as<int64_t>()[at], sum);
        EXPECT_EQ((*results)[1].as<int16_t>()[at], applyRescale(sum, factor[m], -32768, 32767));
      }
}

// Weights as a resource, both loop orders, a helper function that is inlined, and inputs that stay as they were.
TEST_F(CompiledModuleTest, FloatConvolutionWithResourceWeights) {
  constexpr llvm::StringLiteral kText = R"(
func.func private @twice(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %0 = tosa.add %x, %x : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %0 : tensor<1x2x2x2xf32>
}
func.func @main(%x: tensor<1x2x2x2xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) {
  %w = "tosa.const"() {values = dense_resource<w> : tensor<2x1x1x2xf32>} : () -> tensor<2x1x1x2xf32>
  %b = "tosa.const"() {values = dense<[0.5, -0.5]> : tensor<2xf32>} : () -> tensor<2xf32>
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = call @twice(%x) : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = tosa.conv2d %0, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
    (tensor<1x2x2x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32>
  return %1, %x : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>
}
{-#
  dialect_resources: { builtin: { w: "0x040000000000803F000000400000404000008040" } }
#-})";
  for (bool reorder : {false, true}) {
    cpu::CompileOptions options;
    options.reorderLoops = reorder;
    auto compiled = compile(kText, options);
    ASSERT_TRUE(compiled) << messages;
    const std::vector<float> x = {1, 2, 3, 4, 5, 6, -7, 8};
    const cpu::Tensor input = tensor(ElementType::F32, {1, 2, 2, 2}, x);
    auto results = compiled->run("main", {input});
    ASSERT_TRUE(mlir::succeeded(results)) << messages;
    // Weights [[1, 2], [3, 4]] on twice the input.
    EXPECT_THAT((*results)[0].as<float>(), ElementsAre(10.5, 21.5, 22.5, 49.5, 34.5, 77.5, 18.5, 21.5));
    EXPECT_THAT((*results)[1].as<float>(), ElementsAre(1, 2, 3, 4, 5, 6, -7, 8));
    EXPECT_EQ(input.as<float>()[0], 1);
  }
}

TEST_F(CompiledModuleTest, ResultsMayBeEqual) {
  // The two sums are one computation, and one of them is given twice.
  auto compiled = compile("func.func @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {\n"
                          "  %a = tosa.add %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>\n"
                          "  %b = tosa.add %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>\n"
                          "  return %a, %b, %a : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>\n"
                          "}");
  ASSERT_TRUE(compiled) << messages;
  const std::vector<float> x = {1, -2};
  auto results = compiled->run("main", {tensor(ElementType::F32, {2}, x)});
  ASSERT_TRUE(mlir::succeeded(results)) << messages;
  ASSERT_EQ(results->size(), 3u);
  for (auto &result : *results)
    EXPECT_THAT(result.as<float>(), ElementsAre(2, -4));
}

TEST_F(CompiledModuleTest, ResultsMayBeConstantsOrInputs) {
  auto compiled =
      compile("func.func @main(%x: tensor<2xi8>) -> (tensor<2xi1>, tensor<2xi8>, tensor<2xi48>) {\n"
              "  %c = \"tosa.const\"() {values = dense<[true, false]> : tensor<2xi1>} : () -> tensor<2xi1>\n"
              "  %d = \"tosa.const\"() {values = dense<-3> : tensor<2xi48>} : () -> tensor<2xi48>\n"
              "  return %c, %x, %d : tensor<2xi1>, tensor<2xi8>, tensor<2xi48>\n"
              "}");
  ASSERT_TRUE(compiled) << messages;
  auto results = compiled->run("main", {tensor<int8_t>(ElementType::I8, {2}, {5, -6})});
  ASSERT_TRUE(mlir::succeeded(results)) << messages;
  EXPECT_THAT((*results)[0].as<uint8_t>(), ElementsAre(1, 0));
  EXPECT_THAT((*results)[1].as<int8_t>(), ElementsAre(5, -6));
  EXPECT_THAT((*results)[2].as<int64_t>(), ElementsAre(-3, -3));
}

// Operations that hand on what no Tensor holds are compiled as one: in f32 the 1 would be lost.
TEST_F(CompiledModuleTest, ValuesBetweenOperationsMayBeOfOtherTypes) {
  auto compiled = compile("func.func @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {\n"
                          "  %one = \"tosa.const\"() {values = dense<1.0> : tensor<2xf64>} : () -> tensor<2xf64>\n"
                          "  %0 = tosa.cast %x : (tensor<2xf32>) -> tensor<2xf64>\n"
                          "  %1 = tosa.add %0, %one : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>\n"
                          "  %unrelated = tosa.add %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>\n"
                          "  %unused = tosa.sub %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>\n"
                          "  %2 = tosa.sub %1, %0 : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>\n"
                          "  %3 = tosa.cast %2 : (tensor<2xf64>) -> tensor<2xf32>\n"
                          "  %4 = tosa.add %3, %unrelated : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>\n"
                          "  return %3, %4 : tensor<2xf32>, tensor<2xf32>\n"
                          "}");
  ASSERT_TRUE(compiled) << messages;
  EXPECT_EQ(compiled->statistics().operations, 2u);
  const std::vector<float> x = {1e8f, -4};
  auto results = compiled->run("main", {tensor(ElementType::F32, {2}, x)});
  ASSERT_TRUE(mlir::succeeded(results)) << messages;
  EXPECT_THAT((*results)[0].as<float>(), ElementsAre(1, 1));
  EXPECT_THAT((*results)[1].as<float>(), ElementsAre(2e8f, -7));
}

TEST_F(CompiledModuleTest, MisuseIsDiagnosed) {
  EXPECT_FALSE(compile("func.func private @f()\n"));
  EXPECT_THAT(messages, HasSubstr("has no public function to run"));
  EXPECT_FALSE(compile("func.func @f(%x: tensor<?xf32>) { return }"));
  EXPECT_THAT(
      messages,
      HasSubstr("argument 0 has type 'tensor<?xf32>'; running on the CPU needs a ranked tensor of static shape"));
  EXPECT_FALSE(compile("func.func @f(%x: tensor<1xf64>) { return }"));
  EXPECT_THAT(messages, HasSubstr("running on the CPU needs elements of i1, i8"));
  auto compiled = compile("func.func @f(%x: tensor<2xi8>) -> tensor<2xi8> { return %x : tensor<2xi8> }");
  ASSERT_TRUE(compiled) << messages;
  EXPECT_EQ(compiled->signature("g"), nullptr);
  EXPECT_TRUE(mlir::failed(compiled->run("g", {})));
  EXPECT_THAT(messages, HasSubstr("has no public function 'g' to run"));
  EXPECT_TRUE(mlir::failed(compiled->run("f", {})));
  EXPECT_THAT(messages, HasSubstr("takes 1 inputs, but 0 were given"));
  EXPECT_TRUE(mlir::failed(compiled->run("f", {tensor<int16_t>(ElementType::I16, {2}, {1, 2})})));
  EXPECT_THAT(messages, HasSubstr("must be 2xi8, but is 2xi16"));
}

} // namespace
